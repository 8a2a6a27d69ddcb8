package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// About is what a finding is, by the newest fact that tells of it.
type About struct {
	Rule        string          `json:"rule"`
	Resource    string          `json:"resource"`
	Message     string          `json:"message"`
	Severity    access.Severity `json:"severity"`
	Environment string          `json:"environment,omitempty"`
	Owner       string          `json:"owner,omitempty"`
	State       string          `json:"state"` // of the finding
	Episode     int             `json:"episode"`
	Opened      time.Time       `json:"opened,omitzero"`
	Resolved    time.Time       `json:"resolved,omitzero"`
	Caused      time.Time       `json:"caused,omitzero"`
	Action      string          `json:"action,omitempty"` // the newest, and where it stands
	ActionState string          `json:"actionState,omitempty"`
	Why         string          `json:"why,omitempty"`
}

// The kinds of steps.
const (
	StepEvent     = "event"
	StepChange    = "change"
	StepJudgement = "judgement"
	StepPlan      = "plan"
	StepAsked     = "question"
	StepCommand   = "command"
	StepVote      = "vote"
	StepDecision  = "decision"
	StepIntent    = "intent"
	StepWrite     = "write"
	StepReadBack  = "read-back"
	StepUnknown   = "unreadable"
)

// Step is one thing that happened, as a fact tells it, and where the chain has it.
type Step struct {
	Kind   string          `json:"kind"`
	At     time.Time       `json:"at"`
	Says   string          `json:"says"`
	Lines  []string        `json:"lines,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	Entry  uint64          `json:"entry"`
	Source string          `json:"source"`
	Seq    uint64          `json:"seq"`
}

// teller makes steps of facts.
type teller struct {
	finding string
	about   About
	before  map[string]access.Action // by id: as the fact before had it
	own     map[string]bool          // events of what we wrote
	steps   []Step
	sort    []sortKey // of each step
	fact    Proven
}

// sortKey is where a step stands: what happened in Atlas at the time that Atlas has for it, and
// everything else when it was stored. At one instant kinds decide.
type sortKey struct {
	at   time.Time
	rank int
	step int
}

// ranks are the kinds in the order in which a story has them.
func ranks() []string {
	return []string{StepEvent, StepChange, StepJudgement, StepPlan, StepAsked, StepCommand, StepVote, StepIntent, StepWrite, StepDecision, StepReadBack, StepUnknown}
}

// tell is what facts, in their order, tell of a finding.
func tell(finding string, facts []Proven) (About, []Step) {
	t := teller{finding: finding, before: map[string]access.Action{}, own: map[string]bool{}}
	for _, f := range facts {
		var m mention
		if kindOf(f.Fact) == "CHANGES" && json.Unmarshal([]byte(f.Fact.Body), &m) == nil && m.Own != "" {
			note(t.own, m.Events)
		}
	}
	for _, f := range facts {
		t.fact = f
		if err := t.take(); err != nil {
			t.step(StepUnknown, f.Fact.At, "this version cannot read what the fact says: "+err.Error())
		}
	}
	slices.SortStableFunc(t.sort, func(a, b sortKey) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	steps := []Step{}
	for _, k := range t.sort {
		steps = append(steps, t.steps[k.step])
	}
	return t.about, steps
}

func (t *teller) step(kind string, at time.Time, says string, lines ...string) *Step {
	s := Step{Kind: kind, At: at.UTC(), Says: says, Entry: t.fact.Entry, Source: t.fact.Fact.Source, Seq: t.fact.Fact.Seq}
	for _, l := range lines {
		if l != "" {
			s.Lines = append(s.Lines, l)
		}
	}
	when := t.fact.Fact.At
	if t.atlas() && at.Before(when) {
		when = at
		if kind == StepReadBack { // Atlas counts in seconds, and this came of a write of ours within this one
			when = at.Truncate(time.Second).Add(time.Second - 1)
		}
	}
	t.sort = append(t.sort, sortKey{when, slices.Index(ranks(), kind), len(t.steps)})
	t.steps = append(t.steps, s)
	return &t.steps[len(t.steps)-1]
}

// atlas reports whether the fact is one of what happened in Atlas.
func (t *teller) atlas() bool {
	return slices.Contains([]string{"EVENTS", "CHANGES"}, kindOf(t.fact.Fact))
}

func (t *teller) take() error {
	switch kindOf(t.fact.Fact) {
	case "EVENTS":
		return decoded(t, t.event)
	case "CHANGES":
		return decoded(t, t.change)
	case "FINDINGS":
		return decoded(t, t.judged)
	case "DECISIONS":
		return decoded(t, t.decided)
	case "COMMANDS":
		return decoded(t, t.commanded)
	}
	return fmt.Errorf("it is of no stream that this version knows")
}

func decoded[T any](t *teller, do func(T)) error {
	var doc T
	if err := json.Unmarshal([]byte(t.fact.Fact.Body), &doc); err != nil {
		return err
	}
	do(doc)
	return nil
}

// who names an actor.
func who(a access.Actor) string {
	name := cmp.Or(a.Name, a.ID, "somebody unknown")
	if a.Principal != "" && a.Principal != name {
		name += " (" + a.Principal + ")"
	}
	if a.Type != "" {
		name += ", " + strings.ReplaceAll(string(a.Type), "_", " ") + ","
	}
	if a.Address != "" {
		name += " from " + a.Address
	}
	return strings.TrimSuffix(name, ",")
}

func (t *teller) event(e access.Event) {
	says := "Atlas tells of " + e.Type
	if e.Target != "" {
		says += " on " + e.Target
	}
	kind := StepEvent
	if t.own[e.ID] {
		kind = StepReadBack
	}
	t.step(kind, e.Created, says+" by "+who(e.Actor)+".", "event "+e.ID)
}

func (t *teller) change(c access.Change) {
	kind, says := StepChange, fmt.Sprintf("%s %s: %s", words(string(c.Ref.Kind)), c.Ref.Name, c.Op)
	if c.Own != "" {
		kind, says = StepReadBack, says+", as action "+c.Own+" meant it"
	}
	if c.Actor != (access.Actor{}) {
		says += ", by " + who(c.Actor)
	}
	lines := []string{"change " + c.ID, "in " + string(c.Ref.Scope)}
	if len(c.Fields) > 0 {
		lines = append(lines, "fields: "+strings.Join(c.Fields, ", "))
	}
	if len(c.Events) > 0 {
		lines = append(lines, "events: "+strings.Join(c.Events, ", "))
	}
	s := t.step(kind, cmp.Or(c.Occurred, c.Observed), says+".", lines...)
	s.Before, s.After = state(c.Before), state(c.After)
}

func state(b access.Box) json.RawMessage {
	if b.IsZero() {
		return nil
	}
	raw, err := json.Marshal(b.State)
	if err != nil {
		return nil
	}
	return raw
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

func (t *teller) judged(e access.FindingEvent) {
	f := e.Finding
	t.about.Rule, t.about.Resource, t.about.Message, t.about.Severity = f.Rule, f.Ref.String(), f.Message, f.Severity
	t.about.Environment, t.about.Owner, t.about.State, t.about.Episode = f.Environment, f.Owner, string(e.To), f.Episode
	t.about.Opened, t.about.Resolved, t.about.Caused = f.OpenedAt, f.ResolvedAt, f.CauseAt
	says := fmt.Sprintf("%s: %s", f.Rule, f.Message)
	switch {
	case e.To == access.FindingResolved:
		says = "It is no violation any more: " + cmp.Or(e.Why, f.Resolution, f.Message)
	case e.From == e.To:
		says = "It still stands: " + cmp.Or(e.Why, f.Message)
	}
	t.step(StepJudgement, e.At, says, "severity "+string(f.Severity), "state "+string(e.To), fmt.Sprintf("episode %d", f.Episode), f.OriginWhy)
}

func (t *teller) commanded(o opened) {
	var c access.Command
	if err := json.Unmarshal(o.Command, &c); err != nil {
		t.step(StepUnknown, t.fact.Fact.At, "a command that this version cannot read")
		return
	}
	says := fmt.Sprintf("%s asks by %s: %s", c.By, c.Via, c.Verb)
	if c.Vote != "" {
		says += " " + string(c.Vote)
	}
	lines := []string{"command " + c.ID, "signed by key " + o.Key}
	if c.PlanHash != "" {
		lines = append(lines, "on plan "+c.PlanHash)
	}
	if c.Reason != "" {
		lines = append(lines, "reason: "+c.Reason)
	}
	t.step(StepCommand, c.At, says+".", lines...)
}

// decided tells what a decision adds to the one before it on the same action.
func (t *teller) decided(d access.Decision) {
	if d.Action.ID == "" {
		t.control(d)
		return
	}
	a, was := d.Action, t.before[d.Action.ID]
	t.before[a.ID] = a
	t.about.Action, t.about.ActionState, t.about.Why = a.ID, string(a.State), a.Why
	if a.PlanHash != was.PlanHash && len(a.Plan.Operations) > 0 {
		t.plan(d)
	}
	if a.Ask.Deadline != was.Ask.Deadline && !a.Ask.Deadline.IsZero() {
		t.step(StepAsked, d.At, fmt.Sprintf("Asked: %s; it takes %d, by %s.", strings.Join(a.Ask.Approvers, ", "), max(a.Ask.Quorum, 1), access.Stamp(a.Ask.Deadline)))
	}
	for _, b := range a.Votes[min(len(was.Votes), len(a.Votes)):] {
		t.step(StepVote, b.At, fmt.Sprintf("%s says %s, by %s.", b.By, b.Vote, cmp.Or(b.Via, "command")), "command "+b.Command, "signed by key "+b.Key, b.Reason)
	}
	for _, q := range a.Outcome.Requests {
		if !slices.Contains(was.Outcome.Requests, q) {
			t.step(StepWrite, d.At, "Written to Atlas: "+q+".", "the request carried the action's id "+a.ID)
		}
	}
	t.moved(d)
}

// control tells what became of a command.
func (t *teller) control(d access.Decision) {
	if d.Command == nil {
		t.step(StepDecision, d.At, d.Message)
		return
	}
	c := d.Command.Command
	word := "refused"
	if d.Command.Accepted {
		word = "taken"
	}
	t.step(StepCommand, d.At, fmt.Sprintf("What %s asks for by %s, to %s, is %s: %s.", cmp.Or(c.By, "somebody"), cmp.Or(c.Via, "nobody knows what"), cmp.Or(string(c.Verb), "do something"), word, d.Command.Why), "command "+c.ID)
}

func (t *teller) plan(d access.Decision) {
	p := d.Action.Plan
	var lines []string
	for i, o := range p.Operations {
		lines = append(lines, fmt.Sprintf("%d. %s %s", i+1, words(string(o.Type)), o.Ref.Name))
	}
	if p.Reversible != "" {
		lines = append(lines, "reversible: "+p.Reversible)
	}
	if p.Impact.Says != "" {
		lines = append(lines, "impact: "+p.Impact.Says)
	}
	t.step(StepPlan, d.At, cmp.Or(p.Why, "What is to be done")+".", append(lines, "plan "+d.Action.PlanHash)...)
}

func (t *teller) moved(d access.Decision) {
	a, o := d.Action, d.Action.Outcome
	says := cmp.Or(a.Why, d.Message)
	var lines []string
	if a.Guard != "" {
		lines = append(lines, "guard: "+a.Guard)
	}
	switch a.State {
	case access.ActionRunning:
		t.step(StepIntent, d.At, "It begins to write: "+says+".", lines...)
	case access.ActionVerified:
		lines = append(lines, "read back "+access.Stamp(o.Verified), exposure(o), logins(o.Logins))
		t.step(StepReadBack, d.At, "Verified: "+says+".", lines...)
	default:
		t.step(StepDecision, d.At, words(string(a.State))+": "+says+".", lines...)
	}
}

func exposure(o access.Outcome) string {
	if o.ExposedFrom.IsZero() || o.ExposedUntil.IsZero() {
		return ""
	}
	return fmt.Sprintf("it stood open from %s to %s: %s", access.Stamp(o.ExposedFrom), access.Stamp(o.ExposedUntil), access.Lasts(o.ExposedUntil.Sub(o.ExposedFrom)))
}

func logins(l access.Logins) string {
	switch {
	case l.Quality == access.QualityUnknown && l.Why == "":
		return ""
	case l.Quality != access.QualityComplete:
		return fmt.Sprintf("logins in that time: %d seen, and not all can be seen (%s)", l.Succeeded, cmp.Or(l.Why, "unknown"))
	}
	return fmt.Sprintf("logins in that time: %d, and %d that failed", l.Succeeded, l.Failed)
}
