package remediate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Documents is a KV bucket of documents with an outbox each.
type Documents[T any] interface {
	// Get returns the zero T and revision 0 when absent. It reads through the leader.
	Get(ctx context.Context, key string) (doc T, rev uint64, err error)
	// Update computes and stores the next document by compare-and-set, then publishes.
	// compute is pure and may run again; it returns nil where there is nothing to write.
	Update(ctx context.Context, key string, compute func(cur T, rev uint64) (next *T, out []access.Out, err error)) (rev uint64, err error)
}

// Findings reads the judgement of a scope.
type Findings interface {
	Get(ctx context.Context, key string) (access.Findings, uint64, error)
}

// Atlas is what remediation asks of Atlas.
type Atlas interface {
	Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading
	// Apply makes one write. Its errors wrap access.ErrTemporary, ErrForbidden or ErrGone.
	Apply(ctx context.Context, actionID string, op access.Operation) error
	Logins(ctx context.Context, scope access.Scope, from, to time.Time) access.Logins
}

// Judge judges one finding by collections as just read: the one evaluator. The
// collections carry no provenance.
type Judge interface {
	Judge(ctx context.Context, f access.Finding, fresh map[access.Kind]access.Collection) (access.Verdict, error)
}

// Locks hands out the executor's lease on a scope. A lease that another holds is an
// error that wraps access.ErrTemporary.
type Locks interface {
	Acquire(ctx context.Context, scope access.Scope) (Lease, error)
}

// Lease is a held lock. Valid asks the monotonic clock whether it will still be held
// after need.
type Lease interface {
	Valid(need time.Duration) error
	Release(ctx context.Context) error
}

// Options are what a stage needs. All but Org, Skew, Logger, Metrics, Now, Counter and History are required.
type Options struct {
	Actions  Documents[access.Action]        // by access.ActionID
	Findings Findings                        // by scope
	Control  Documents[Ledger]               // by "caps.<scope>"
	Controls Documents[access.Control]       // by "scope.<scope>"
	Records  Documents[access.CommandRecord] // by "cmd.<id>"
	Waivers  Documents[access.Waivers]       // by access.WaiversKey
	Atlas    Atlas
	CanWrite func(access.Scope) bool // whether the scope's org has credentials that may write
	Judge    Judge
	Reads    func(rule string, scope access.Scope) []access.Kind // the kinds of the scope that the rule judges
	Locks    Locks
	Policy   func() Policy        // replaced on reload
	Skew     func() time.Duration // of our clock against Atlas; nil: none
	Logger   *zap.Logger          // nil: silent
	Metrics  *Metrics             // nil: not registered
	Now      func() time.Time     // Atlas time; nil: time.Now
	Counter  Counter              // of logins, for impact; nil: not counted
	History  func(context.Context, access.Scope) (access.History, error)
}

// Stage drives actions. Its methods may be called concurrently.
type Stage struct {
	Options
}

// NewStage builds a stage.
func NewStage(o Options) *Stage {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	return &Stage{o}
}

func (s *Stage) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

// Act looks at a finding and takes the action of its current episode as far as it goes
// now: to its end, or to where it must wait. An error asks to be called again.
func (s *Stage) Act(ctx context.Context, job access.Act) error {
	if job.Action != "" {
		return s.follow(ctx, job.Action)
	}
	f, ok, err := s.finding(ctx, job.Scope, job.Finding)
	if err != nil || !ok {
		return err
	}
	if err := s.closeFormer(ctx, f); err != nil {
		return err
	}
	a, rev, err := s.Actions.Get(ctx, access.ActionID(f.ID, f.Episode))
	switch {
	case err != nil:
		return fmt.Errorf("load the action of finding %s: %w", f.ID, err)
	case rev == 0:
		return s.open(ctx, f)
	case a.V > access.Version:
		return fmt.Errorf("action %s was written by a newer program (v %d, this one knows %d): run that one: %w", a.ID, a.V, access.Version, access.ErrTemporary)
	}
	return s.resume(ctx, f, a)
}

// finding loads one finding. A finding that is not there has been pruned long after its
// end, or its scope was judged by nobody: there is nothing to do about it.
func (s *Stage) finding(ctx context.Context, scope access.Scope, id string) (access.Finding, bool, error) {
	doc, _, err := s.Findings.Get(ctx, string(scope))
	if err != nil {
		return access.Finding{}, false, fmt.Errorf("load finding %s of %s: %w", id, scope, err)
	}
	f, ok := doc.Findings[id]
	return f, ok, nil
}

// open begins the action of a new episode.
func (s *Stage) open(ctx context.Context, f access.Finding) error {
	p := s.Policy()
	a := newAction(f, Respond(p, f), s.now())
	switch {
	case f.State == access.FindingWaived:
		return nil
	case !f.Evidence.Ended.IsZero():
		return s.tell(ctx, a, f, Refusal{Why: "it is over by itself; see its window and the logins in it"}, nil)
	case f.State == access.FindingResolved:
		return s.move(ctx, a, access.ActionSuperseded, "it was over before anything was done: "+orNothing(f.Resolution), nil)
	}
	c, err := s.situation(ctx, p, f, look{})
	if err != nil {
		return err
	}
	do, no := Intended(c)
	switch do {
	case access.ModeApprove:
		a.Do = access.ModeApprove
	case access.ModeRevert:
	default:
		return s.tell(ctx, a, f, no, nil)
	}
	if r := armed(c); !r.OK() && r.End != "" {
		return s.rehearse(ctx, a, f, r)
	}
	return s.propose(ctx, f, a)
}

func described(do access.Mode) string {
	switch do {
	case access.ModeObserve:
		return "the configuration asks to observe it only"
	case access.ModeNotify:
		return "the configuration asks to tell of it only"
	case access.ModeTicket:
		return "the configuration asks for a ticket"
	}
	return fmt.Sprintf("the configuration asks for %q", do)
}

func newAction(f access.Finding, r access.Response, now time.Time) access.Action {
	return access.Action{
		V: access.Version, ID: access.ActionID(f.ID, f.Episode), Finding: f.ID, Episode: f.Episode, Rule: f.Rule, Ref: f.Ref,
		Severity: f.Severity, Environment: f.Environment, State: access.ActionProposed, Do: r.Do, Ceiling: f.Ceiling, Created: now, Actor: f.Actor,
	}
}

// situation is what the guards look at.
func (s *Stage) situation(ctx context.Context, p Policy, f access.Finding, l look) (Case, error) {
	c := Case{Policy: p, Finding: f, Verdict: l.verdict, Fresh: l.fresh, Now: s.now(), CanWrite: s.CanWrite(f.Ref.Scope)}
	if s.Skew != nil {
		c.Skew = s.Skew()
	}
	var err error
	if c.Control, err = s.controls(ctx, p, f.Ref.Scope); err != nil {
		return c, err
	}
	err = s.recall(ctx, &c)
	return c, err
}

// tell ends an action for which nothing is written: a person must know, or decide. Without
// a plan made from a fresh read it carries the one that the evidence suggests.
func (s *Stage) tell(ctx context.Context, a access.Action, f access.Finding, r Refusal, fresh *access.Plan) error {
	plan := MakePlan(Case{Policy: s.Policy(), Finding: f, Verdict: access.Verdict{Ceiling: f.Ceiling}, Now: s.now()})
	if fresh != nil {
		plan = *fresh
	}
	var out access.Outcome
	if !f.Evidence.Ended.IsZero() {
		out = s.window(ctx, f, f.Evidence.Ended)
	}
	return s.move(ctx, a, access.ActionTold, r.Why+byHand(f, plan, r.Why), func(a *access.Action) {
		a.Guard, a.Plan, a.PlanHash, a.Outcome = r.Guard, plan, hashOf(a, plan), out
		a.Ceiling = a.Ceiling.Min(access.CeilingAsk)
	})
}

func hashOf(a *access.Action, p access.Plan) string {
	if len(p.Operations) == 0 {
		return ""
	}
	rule := a.Rule
	if a.Purpose != "" {
		rule += "/" + string(a.Purpose)
	}
	return p.Hash(rule, a.Ref, a.Episode)
}

// byHand says what a person can do about an open finding, unless that has been said.
func byHand(f access.Finding, p access.Plan, said string) string {
	if !f.Open() || !f.Evidence.Ended.IsZero() || p.Why == said || f.Remedy == "" || f.Remedy == RemedyNone {
		return ""
	}
	return ". By hand: " + p.Why
}

// rehearse ends an action that may not write with the plan that would have been carried
// out, where one can be made from what can be read.
func (s *Stage) rehearse(ctx context.Context, a access.Action, f access.Finding, r Refusal) error {
	l := s.look(ctx, f, a)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c, err := s.situation(ctx, s.Policy(), f, l)
	if err != nil {
		return err
	}
	why := r.Why
	var plan access.Plan
	if u := known(c); u.OK() {
		plan = s.plan(ctx, c)
		why += "; " + rehearsed(c, plan)
	} else {
		why += "; what would have been done is not known: " + u.Why
	}
	return s.move(ctx, a, r.End, why, func(a *access.Action) {
		a.Guard, a.Plan, a.PlanHash = r.Guard, plan, hashOf(a, plan)
		a.Ceiling = a.Ceiling.Min(plan.Ceiling)
	})
}

func rehearsed(c Case, plan access.Plan) string {
	if r := harmless(c, plan); !r.OK() {
		return fmt.Sprintf("even otherwise it would not %s, because %s", plan.Why, r.Why)
	}
	r := allowed(c, plan)
	switch do, _ := Intended(c); {
	case do == access.ModeApprove && len(plan.Operations) > 0:
		return fmt.Sprintf("otherwise %s would be asked whether to %s", strings.Join(c.Policy.People.members(Respond(c.Policy, c.Finding).Approvers), ", "), plan.Why)
	case !r.OK():
		return "even otherwise a person would be asked: " + r.Why
	}
	return "otherwise it would " + plan.Why
}

// propose stores an action that must settle first, and goes on with any other without
// storing it twice: its intent will be its first document.
func (s *Stage) propose(ctx context.Context, f access.Finding, a access.Action) error {
	at := ready(s.Policy(), f)
	if !s.now().Before(at) {
		return s.locked(ctx, f, a)
	}
	why := "it is put right at " + at.UTC().Format(time.RFC3339) + " if it still stands"
	if a.Do == access.ModeApprove {
		why = "people are asked at " + at.UTC().Format(time.RFC3339) + " if it still stands"
	}
	r := Respond(s.Policy(), f)
	if a.Do != access.ModeRevert || r.Grace <= 0 {
		return s.move(ctx, a, access.ActionProposed, why, func(a *access.Action) { a.Wake, a.Guard = at, GuardSettle })
	}
	return s.announce(ctx, f, a, r, at, why)
}

// announce stores a revert that has a time of grace with the plan as it is by now, so that
// people can see what is going to be done, and deny it.
func (s *Stage) announce(ctx context.Context, f access.Finding, a access.Action, r access.Response, at time.Time, why string) error {
	l := s.look(ctx, f, a)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c, err := s.situation(ctx, s.Policy(), f, l)
	if err != nil {
		return err
	}
	var plan access.Plan
	if known(c).OK() {
		plan = s.plan(ctx, c)
		why += ": " + plan.Why
	}
	answers := c.Policy.People.answersFor(f.Actor)
	if who := slices.DeleteFunc(c.Policy.People.members(r.Approvers), func(id string) bool { return slices.Contains(answers, id) }); len(who) > 0 {
		why += "; until then " + strings.Join(who, ", ") + " may deny it"
	}
	return s.move(ctx, a, access.ActionProposed, why, func(n *access.Action) {
		n.Wake, n.Guard, n.Plan, n.PlanHash, n.Ask = at, GuardSettle, plan, hashOf(n, plan), access.Ask{Approvers: r.Approvers}
	})
}

// resume takes a stored action from where it stands.
func (s *Stage) resume(ctx context.Context, f access.Finding, a access.Action) error {
	switch {
	case a.State == access.ActionProposed && !active(f):
		return s.superseded(ctx, f, a)
	case a.State == access.ActionProposed && s.now().Before(a.Wake):
		return nil
	case a.State == access.ActionAwaiting:
		return s.awaiting(ctx, f, a)
	case a.State == access.ActionApproved && !active(f):
		return s.superseded(ctx, f, a)
	case a.State == access.ActionApproved && s.now().Before(a.Wake):
		return nil
	case a.State == access.ActionProposed || a.State == access.ActionApproved || a.State.Writing():
		return s.locked(ctx, f, a)
	}
	return nil
}

// active reports whether something is to be done about the finding. That somebody knows of
// it lets it stand no longer.
func active(f access.Finding) bool {
	return f.State == access.FindingOpen || f.State == access.FindingAcknowledged
}

func (s *Stage) superseded(ctx context.Context, f access.Finding, a access.Action) error {
	why := "the finding is " + string(f.State)
	if f.State == access.FindingResolved {
		why = "it was put right by somebody else first: " + orNothing(f.Resolution)
	}
	return s.move(ctx, a, access.ActionSuperseded, why, nil)
}

// closeFormer ends the action of an episode before, if it has not ended: that the finding
// resolved and opened again says that its time is over. Episodes that came and went
// while nobody looked (the lock was held, say) have no action; whoever began the last one
// that has ended those before it.
func (s *Stage) closeFormer(ctx context.Context, f access.Finding) error {
	for episode := f.Episode - 1; episode > 0; episode-- {
		id := access.ActionID(f.ID, episode)
		a, rev, err := s.Actions.Get(ctx, id)
		switch {
		case err != nil:
			return fmt.Errorf("load the former action %s: %w", id, err)
		case rev == 0:
			continue
		case a.State.Done():
			return nil
		}
		return s.overtaken(ctx, f, id)
	}
	return nil
}

// overtaken ends an action whose episode is over. It waits for whoever may be carrying it
// out.
func (s *Stage) overtaken(ctx context.Context, f access.Finding, id string) error {
	lease, err := s.acquire(ctx, f.Ref.Scope)
	if err != nil {
		return err
	}
	defer lease.release(ctx)
	a, rev, err := s.Actions.Get(ctx, id)
	if err != nil || rev == 0 || a.State.Done() {
		return err
	}
	return s.move(ctx, a, access.ActionSuperseded, "the finding resolved and opened again: see its next action", nil)
}

// held is a lease that is released once.
type held struct {
	Lease
	scope access.Scope
	log   *zap.Logger
	done  bool
}

func (s *Stage) acquire(ctx context.Context, scope access.Scope) (*held, error) {
	l, err := s.Locks.Acquire(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", scope, err)
	}
	return &held{Lease: l, scope: scope, log: s.Logger}, nil
}

// release gives the lock back, also when the work was cancelled. A lock that stays
// behind ends by itself.
func (h *held) release(ctx context.Context) {
	if h.done {
		return
	}
	h.done = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if err := h.Lease.Release(ctx); err != nil && !errors.Is(err, access.ErrGone) {
		h.log.Warn("lock not released; it ends by itself", zap.String("scope", string(h.scope)), zap.Error(err))
	}
}
