package scan

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// replayVersion is the v of the results of replays.
const replayVersion = 1

// Rulebook is what a replay judges by.
type Rulebook struct {
	Engine  *rules.Engine
	Waivers []access.Waiver // of its configuration: the engine has them, and here it is their dates that count
}

// Caps bound the reverts within an hour.
type Caps struct{ Project, Org int }

// ReplayOptions say how a history is replayed.
type ReplayOptions struct {
	Version  string
	Since    time.Time     // zero: as far as the history goes
	New      Rulebook      // is judged by
	Old      *Rulebook     // is compared with; nil: nothing is
	Projects []string      // by name or id, with *; empty: all scopes
	Tick     time.Duration // at which dates are seen to pass; 0: an hour
	Respond  Responder     // says what would be done; nil: nobody
	Caps     Caps
	Stop     func() error // is asked now and then; an error ends the replay. nil: nobody is
}

// Responder says what would be done about an episode at a moment of the replay. Where it
// waits, again is when to ask anew.
type Responder func(m Moment) (w Would, again time.Time)

// Moment is an open finding with what was known when it is looked at.
type Moment struct {
	Finding     access.Finding
	Collections map[access.Kind]access.Collection
	Now         time.Time
	Judge       func(map[access.Kind]access.Collection) access.Verdict // of the finding, by other collections
}

// Outcome is what a response would have come to.
type Outcome string

// The outcomes.
const (
	WouldObserve Outcome = "observe"
	WouldTell    Outcome = "tell"    // or ask: a person decides
	WouldRevert  Outcome = "revert"  // by itself
	WouldRefuse  Outcome = "refuse"  // by a guard, and nobody is asked
	WouldWait    Outcome = "wait"    // still, when the history ends
	WouldNothing Outcome = "nothing" // it was over, or waived
)

// Would is what would have been done about an episode.
type Would struct {
	Do         access.Mode `json:"do,omitempty"` // the response that matches
	Outcome    Outcome     `json:"outcome"`
	Guard      string      `json:"guard,omitempty"` // that keeps a revert from being made
	Why        string      `json:"why,omitempty"`
	At         time.Time   `json:"at,omitzero"` // when it would have been done
	Operations []string    `json:"operations,omitempty"`
	Reversible string      `json:"reversible,omitempty"`
}

// Replayed is what a replay found. It is the same for the same history and options.
type Replayed struct {
	V        int             `json:"v"`
	Version  string          `json:"version,omitempty"`
	Asked    time.Time       `json:"asked"` // since when it was to be
	Since    time.Time       `json:"since"` // since when there is a history of that
	Until    time.Time       `json:"until"`
	Covered  Length          `json:"covered"`           // how much of that was watched
	Rules    string          `json:"rules"`             // hash of rules and configuration
	Against  string          `json:"against,omitempty"` // hash of those that it is compared with
	Projects []string        `json:"projects,omitempty"`
	Changes  int             `json:"changes"`
	Scopes   int             `json:"scopes"`
	Findings []ReplayFinding `json:"findings"`
	ByRule   []RuleSum       `json:"byRule"`
	Caps     CapSum          `json:"caps"`
	Notes    []string        `json:"notes"` // what it cannot know
}

// Difference says by which rules alone something was found.
type Difference string

// The differences. An episode that both find has none.
const (
	OnlyNew  Difference = "only_new"
	OnlyOld  Difference = "only_old"
	EndsNew  Difference = "ends_only_new" // the new rules end it, the old ones let it stand
	EndsOld  Difference = "ends_only_old"
	NoneDiff Difference = ""
)

// ReplayFinding is one episode of a finding.
type ReplayFinding struct {
	ID          string          `json:"id"`
	Rule        string          `json:"rule"`
	Ref         access.Ref      `json:"ref"`
	Key         string          `json:"key,omitempty"`
	Episode     int             `json:"episode"`
	Project     string          `json:"project,omitempty"` // or org: its name
	Environment string          `json:"environment,omitempty"`
	Severity    access.Severity `json:"severity"`
	Origin      access.Origin   `json:"origin,omitempty"`
	OriginWhy   string          `json:"originWhy,omitempty"`
	Message     string          `json:"message"`
	Actor       string          `json:"actor,omitempty"`
	Change      string          `json:"change,omitempty"` // id of the causing change
	Standing    bool            `json:"standing,omitempty"`
	CauseAt     time.Time       `json:"causeAt,omitzero"`
	OpenedAt    time.Time       `json:"openedAt"` // of one that stood at the beginning: then
	ClosedAt    time.Time       `json:"closedAt,omitzero"`
	Resolution  string          `json:"resolution,omitempty"`
	Waived      bool            `json:"waived,omitempty"`  // when it was last looked at
	Unknown     string          `json:"unknown,omitempty"` // why it could not be judged in the end
	Difference  Difference      `json:"difference,omitempty"`
	Severities  string          `json:"severities,omitempty"` // where the compared rules call it otherwise: from → to
	Would       *Would          `json:"would,omitempty"`
}

// RuleSum sums the episodes of one rule.
type RuleSum struct {
	Rule     string         `json:"rule"`
	Standing int            `json:"standing"` // at the beginning
	Opened   int            `json:"opened"`
	Closed   int            `json:"closed"`
	Open     int            `json:"open"` // at the end
	OnlyNew  int            `json:"onlyNew,omitempty"`
	OnlyOld  int            `json:"onlyOld,omitempty"`
	Reverts  int            `json:"reverts"`          // would have been made
	Guards   map[string]int `json:"guards,omitempty"` // reverts that would not, by guard
}

// CapSum is how near the reverts came to the caps.
type CapSum struct {
	ProjectHour int `json:"projectHour"` // most in one hour of one project
	OrgHour     int `json:"orgHour"`     // most in one hour of one org
	Stopped     int `json:"stopped"`     // that a cap would have made wait
}

// notes are what no replay can know.
func notes() []string {
	return []string{
		"what stood at the beginning is inherited; when and by whom it was made is known where its record says so",
		"reads that went wrong and came right again since are not in the history: it is judged as if they had gone well",
		"dates of use that Atlas keeps itself (the last call of a key, logins of the last week) are as they are now, unless a change carries others",
		"nothing that would have been written is taken into account: what follows is as it happened",
	}
}

// Replay judges the history in the file as the daemon would have judged it. It writes
// nothing.
func Replay(file string, o ReplayOptions) (Replayed, error) {
	first, err := openHistory(file)
	if err != nil {
		return Replayed{}, err
	}
	defer first.close()
	h, asked := first.history, o.Since
	switch {
	case asked.IsZero():
		o.Since, asked = h.Since, h.asked()
	case o.Since.Before(h.Since) && !o.Since.Before(h.asked()):
		o.Since = h.Since // there was no more when it was written
	case o.Since.Before(h.Since):
		return Replayed{}, fmt.Errorf("the history begins at %s, and %s is asked for: write it anew with an earlier --since", stamp(h.Since), stamp(o.Since))
	}
	if !o.Since.Before(h.At) {
		return Replayed{}, fmt.Errorf("the history ends at %s, and nothing of it is after %s: give an earlier --since", stamp(h.At), stamp(o.Since))
	}
	if o.Tick <= 0 {
		o.Tick = time.Hour
	}
	p, err := rewind(first, o.Since)
	if err != nil {
		return Replayed{}, err
	}
	if err := p.named(o.Projects); err != nil {
		return Replayed{}, err
	}
	second, err := openHistory(file)
	if err != nil {
		return Replayed{}, err
	}
	defer second.close()
	w := newWalk(h, p, o)
	w.asked = asked
	if err := w.run(second); err != nil {
		return Replayed{}, err
	}
	return w.result(), nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// OpenedOnlyByNew counts what only the new rules found.
func (r Replayed) OpenedOnlyByNew() int {
	n := 0
	for _, s := range r.ByRule {
		n += s.OnlyNew
	}
	return n
}

// Reverts counts the reverts that would have been made.
func (r Replayed) Reverts() int {
	n := 0
	for _, s := range r.ByRule {
		n += s.Reverts
	}
	return n
}

// Opened counts the episodes that opened.
func (r Replayed) Opened() int {
	return len(slices.DeleteFunc(slices.Clone(r.Findings), func(f ReplayFinding) bool { return f.Standing || f.Difference == OnlyOld }))
}
