package remediate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	requestTimeout = 10 * time.Second
	leaseMargin    = 2 * time.Second
	loginsTimeout  = 5 * time.Second
	deadWake       = time.Minute      // a running action is looked at again after this, should its process have died
	verifyLimit    = 10 * time.Minute // an effect that is not read back by then has failed
	retryAfter     = 30 * time.Second // a violation that is read back for this long is planned for anew
	maxRounds      = 3                // intents of one action
	maxForbidden   = 10               // attempts, over some five minutes, before a refusal by Atlas is believed
)

// locked carries on with the action under its scope's lock, from what is stored once the
// lock is held.
func (s *Stage) locked(ctx context.Context, f access.Finding, a access.Action) error {
	lease, err := s.acquire(ctx, f.Ref.Scope)
	if err != nil {
		return err
	}
	defer lease.release(ctx)
	cur, rev, err := s.Actions.Get(ctx, a.ID)
	if err != nil {
		return fmt.Errorf("load action %s: %w", a.ID, err)
	}
	if rev != 0 {
		a = cur
	}
	f, ok, err := s.finding(ctx, f.Ref.Scope, f.ID)
	if err != nil || !ok || f.Episode != a.Episode || a.State.Done() {
		return err
	}
	l := s.look(ctx, f, a)
	if ctx.Err() != nil {
		return fmt.Errorf("carry out action %s: %w", a.ID, ctx.Err())
	}
	if a.State == access.ActionVerifying || a.State == access.ActionRunning && l.achieved(a.Plan) {
		return s.confirm(ctx, lease, f, a, l)
	}
	return s.run(ctx, lease, f, a, l)
}

// look is one fresh read of all that matters to an action, judged.
type look struct {
	began   time.Time
	fresh   map[access.Kind]access.Collection
	verdict access.Verdict
}

// look reads the kinds that the finding's rule judges and judges the finding by them, as
// if the writes that this action has made so far had not happened yet.
func (s *Stage) look(ctx context.Context, f access.Finding, a access.Action) look {
	kinds := slices.Clone(s.Reads(f.Rule, f.Ref.Scope))
	for _, o := range a.Plan.Operations {
		kinds = append(kinds, o.Ref.Kind)
	}
	slices.Sort(kinds)
	l := s.read(ctx, f.Ref.Scope, slices.Compact(kinds))
	if l.complete() {
		l.verdict = s.judge(ctx, f, undone(a, l.fresh))
	}
	return l
}

func (s *Stage) read(ctx context.Context, scope access.Scope, kinds []access.Kind) look {
	readings := s.readings(ctx, scope, kinds)
	l := look{fresh: map[access.Kind]access.Collection{}}
	for i, r := range readings {
		if l.began.IsZero() || r.Began.Before(l.began) {
			l.began = r.Began
		}
		l.fresh[kinds[i]] = collection(scope, kinds[i], r)
	}
	return l
}

// readings reads side by side. What panics in there panics here, where it is counted
// against the message and not against the process.
func (s *Stage) readings(ctx context.Context, scope access.Scope, kinds []access.Kind) []access.Reading {
	readings, panics := make([]access.Reading, len(kinds)), make([]any, len(kinds))
	var wg sync.WaitGroup
	for i, k := range kinds {
		wg.Go(func() {
			defer func() { panics[i] = recover() }()
			readings[i] = s.Atlas.Read(ctx, scope, k)
		})
	}
	wg.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return readings
}

// collection is a reading as the evaluator takes it. An element that could not be
// decoded leaves the reading incomplete here: there is no former record to stand in.
func collection(scope access.Scope, k access.Kind, r access.Reading) access.Collection {
	switch {
	case r.Status == access.StatusComplete && len(r.Odd) > 0:
		r.Status, r.Reason = access.StatusFailed, "some elements could not be decoded: "+strings.Join(r.Odd, ", ")
	case r.Status == access.StatusComplete:
		c := access.NewCollection(scope, k, r.States)
		c.ChangedRead = r.Began // what the inventory does not know yet appeared by then
		return c
	}
	return access.Collection{V: access.Version, Scope: scope, Kind: k, Status: r.Status, Reason: r.Reason}
}

func (l look) complete() bool {
	for _, c := range l.fresh {
		if !usable(c) {
			return false
		}
	}
	return len(l.fresh) > 0
}

func (l look) achieved(p access.Plan) bool {
	return l.complete() && len(p.Operations) > 0 && !slices.ContainsFunc(p.Operations, func(o access.Operation) bool { return !l.shows(o) })
}

// with is the look as it would be after the operations that come before.
func (l look) with(made []access.Operation) look {
	l.fresh = Simulate(l.fresh, made)
	return l
}

func (l look) shows(o access.Operation) bool {
	return o.AchievedIn(l.fresh[o.Ref.Kind])
}

// judge asks the one evaluator; an error is an answer that is not known.
func (s *Stage) judge(ctx context.Context, f access.Finding, fresh map[access.Kind]access.Collection) access.Verdict {
	v, err := s.Judge.Judge(ctx, f, fresh)
	if err != nil {
		return access.Verdict{Rule: f.Rule, Ref: f.Ref, Key: f.Key, Why: "judging it again: " + err.Error()}
	}
	return v
}

// undone is the fresh state as it would be without the writes that this round of a running
// action has made, as far as one alone is a part of a plan: those recorded, and the one that may have been on its way. A
// plan of several is judged as the whole that it is.
func undone(a access.Action, fresh map[access.Kind]access.Collection) map[access.Kind]access.Collection {
	if a.State != access.ActionRunning {
		return fresh
	}
	var back []access.Operation
	for _, o := range a.Plan.Operations {
		if r, ok := reversed(o); ok && o.AchievedIn(fresh[o.Ref.Kind]) {
			back = append(back, r)
		}
		if !slices.Contains(a.Outcome.Requests, request(a, o)) {
			break // nothing behind it has been sent
		}
	}
	return Simulate(fresh, back)
}

// request is the line of a write in the outcome.
func request(a access.Action, o access.Operation) string {
	return fmt.Sprintf("%s %s (intent %d)", o.Type, o.Ref.Name, rounds(a))
}

// rounds is the number of intents that the action has stored.
func rounds(a access.Action) int {
	n := 0
	for _, st := range a.Steps {
		if st.To == access.ActionRunning {
			n++
		}
	}
	return n
}

// run is everything between a fresh read and the last write.
func (s *Stage) run(ctx context.Context, lease *held, f access.Finding, a access.Action, l look) error {
	c, err := s.situation(ctx, s.Policy(), f, l)
	if err != nil {
		return err
	}
	c.Late = a.Ask.Lapsed && !c.Now.Before(f.OpenedAt.Add(span(Respond(c.Policy, f)))) // nobody was asked before it opened
	if a.Asked() {
		c.Asked = &a
	}
	if a.State == access.ActionRunning {
		c.Fresh, c.Begun = undone(a, l.fresh), written(a)
	}
	if r := known(c); !r.OK() {
		return s.unjudged(ctx, f, a, c, r)
	}
	if !active(f) && !begun(a, l) {
		return s.superseded(ctx, f, a)
	}
	plan := s.plan(ctx, c)
	switch {
	case c.Asked == nil && a.Do == access.ModeApprove && !a.Ask.Lapsed:
		_, because := Intended(c)
		return s.ask(ctx, f, a, c, plan, because)
	case c.Asked != nil && s.lapsed(a):
		c.Asked = nil
		return s.ask(ctx, f, a, c, plan, refuse(GuardApproval, "it was agreed to more than %s ago, and could not be carried out since", access.Lasts(approvedFor)))
	case c.Asked != nil && (hashOf(&a, plan) != a.PlanHash || hashOf(&a, a.Plan) != a.PlanHash):
		return s.outdated(ctx, f, a, c, plan)
	case c.Asked != nil:
		plan = a.Plan // the very one that was voted on
	}
	if r := Guard(c, plan); !r.OK() {
		return s.refused(ctx, f, a, c, plan, r)
	}
	r, free, err := s.reserveCaps(ctx, a, c.Policy, c.Now)
	switch {
	case err != nil:
		return err
	case !r.OK() && !free.IsZero():
		return s.waitUntil(ctx, a, r, free)
	case !r.OK():
		return s.wait(ctx, a, r)
	}
	if a, err = s.intend(ctx, a, plan); err != nil || a.State != access.ActionRunning {
		return err
	}
	return s.write(ctx, lease, f, a, l)
}

// written are the resources that the stored intent writes to: none, where it is not the plan of its
// hash.
func written(a access.Action) (out []access.Ref) {
	if hashOf(&a, a.Plan) != a.PlanHash {
		return nil
	}
	for _, o := range a.Plan.Operations {
		out = append(out, o.Ref)
	}
	return out
}

// begun reports whether a part of a running action's plan shows.
func begun(a access.Action, l look) bool {
	return a.State == access.ActionRunning && slices.ContainsFunc(a.Plan.Operations, l.shows)
}

// unjudged waits where the state is not known, or where one read shows it clean: that is
// for the watcher's reads to confirm, upon which the finding resolves. A running action
// may have made its write: it is not given up without a complete read.
func (s *Stage) unjudged(ctx context.Context, f access.Finding, a access.Action, c Case, r Refusal) error {
	clean := c.Verdict.Answer == access.AnswerPass || c.Verdict.Answer == access.AnswerNotApplicable
	switch {
	case !active(f) && (clean || a.State != access.ActionRunning):
		return s.superseded(ctx, f, a)
	case clean:
		return s.wait(ctx, a, Refusal{Why: "it reads as put right by somebody else; waiting for the finding to resolve"})
	}
	if old := leave(c); !old.OK() && a.Do != access.ModeApprove {
		return s.refused(ctx, f, a, c, a.Plan, old)
	}
	return s.wait(ctx, a, r)
}

// plan is the plan for the case, bounded by what it would lead to: a result that is not
// judged clean is not brought about without asking.
func (s *Stage) plan(ctx context.Context, c Case) access.Plan {
	p := MakePlan(c)
	if p.Ceiling != access.CeilingAuto {
		return p
	}
	v := s.judge(ctx, c.Finding, Simulate(c.Fresh, p.Operations))
	if v.Answer != access.AnswerPass && v.Answer != access.AnswerNotApplicable {
		p.Ceiling = access.CeilingAsk
		p.Why += "; not by itself, because it would not be well even then: " + orNothing(v.Why+v.Message)
	}
	return p
}

// refused ends the action by a guard, or leaves it waiting.
func (s *Stage) refused(ctx context.Context, f access.Finding, a access.Action, c Case, plan access.Plan, r Refusal) error {
	wrote := len(a.Outcome.Requests) > 0
	switch {
	case r.End == "":
		return s.wait(ctx, a, r)
	case r.End == access.ActionAwaiting && !wrote:
		return s.unsupported(ctx, a, r)
	case r.End == access.ActionTold && !wrote && c.Asked == nil && canAsk(c, plan, r):
		return s.ask(ctx, f, a, c, plan, r)
	}
	if r.End == access.ActionTold && !wrote {
		plan.Impact = s.impact(ctx, c, plan)
		return s.tell(ctx, a, f, r, &plan)
	}
	if wrote {
		r.End, plan = access.ActionRefused, a.Plan
	}
	return s.move(ctx, a, r.End, r.Why, func(n *access.Action) {
		n.Guard, n.Plan, n.PlanHash = r.Guard, plan, hashOf(n, plan)
	})
}

// intend stores the intent, unless this very plan's intent is stored already. A plan that
// has become another one gets an intent of its own, a bounded number of times.
func (s *Stage) intend(ctx context.Context, a access.Action, plan access.Plan) (access.Action, error) {
	hash := hashOf(&a, plan)
	if a.State == access.ActionRunning && a.PlanHash == hash && hashOf(&a, a.Plan) == hash {
		return a, nil
	}
	if rounds(a) >= maxRounds {
		return s.moved(ctx, a, access.ActionStale, "what it rests on keeps changing: a person must look at it", func(n *access.Action) {
			n.Guard = GuardStalePlan
		})
	}
	if len(a.Outcome.Requests) > 0 {
		plan.Inverse = merged(plan.Inverse, a.Plan.Inverse)
	}
	return s.moved(ctx, a, access.ActionRunning, "going to "+plan.Why, func(n *access.Action) {
		n.Plan, n.PlanHash, n.Ceiling, n.Wake = plan, hash, access.CeilingAuto, n.Steps[len(n.Steps)-1].At.Add(deadWake)
	})
}

// merged keeps the way back from what an earlier intent wrote.
func merged(inverse, former []access.Operation) []access.Operation {
	for _, o := range former {
		if !slices.ContainsFunc(inverse, func(p access.Operation) bool { return p.Ref == o.Ref }) {
			inverse = append(inverse, o)
		}
	}
	return inverse
}

// write makes the plan's writes that are not seen done, in order, and reads back.
func (s *Stage) write(ctx context.Context, lease *held, f access.Finding, a access.Action, l look) error {
	for i, o := range a.Plan.Operations {
		line := request(a, o)
		if slices.Contains(a.Outcome.Requests, line) && l.shows(o) {
			continue
		}
		if !l.shows(o) {
			c, r, err := s.halted(ctx, f, a, l.with(a.Plan.Operations[:i]), o)
			if err != nil {
				return err
			}
			if !r.OK() {
				return s.refused(ctx, f, a, c, a.Plan, r)
			}
			s.Metrics.window.Observe(s.now().Sub(l.began).Seconds())
			if err := s.apply(ctx, lease, a, o); err != nil {
				return s.unapplied(ctx, a, o, err)
			}
		}
		next := a
		next.Outcome.Requests = append(slices.Clip(a.Outcome.Requests), line)
		if i < len(a.Plan.Operations)-1 {
			if err := s.store(ctx, a, next); err != nil {
				return err
			}
			a = next
			continue
		}
		var err error
		if a, err = s.moved(ctx, a, access.ActionVerifying, "written; reading back", func(n *access.Action) {
			n.Outcome.Requests, n.Wake = next.Outcome.Requests, s.now().Add(backoff(0))
		}); err != nil {
			return err
		}
	}
	l = s.look(ctx, f, a)
	if ctx.Err() != nil {
		return fmt.Errorf("read back action %s: %w", a.ID, ctx.Err())
	}
	return s.confirm(ctx, lease, f, a, l)
}

// halted asks, directly before each write, what a reload or a command may have changed
// since the intent was stored.
func (s *Stage) halted(ctx context.Context, f access.Finding, a access.Action, l look, o access.Operation) (Case, Refusal, error) {
	c, err := s.situation(ctx, s.Policy(), f, l)
	if err != nil {
		return c, Refusal{}, err
	}
	if r := armed(c); !r.OK() {
		return c, r, nil
	}
	if a.Asked() {
		c.Asked = &a
		if r := Consent(c.Policy, a, f); !r.OK() {
			return c, r, nil
		}
	} else if r := halts(c); !r.OK() {
		return c, r, nil
	}
	one := access.Plan{Operations: []access.Operation{o}}
	if r := harmless(c, one); !r.OK() {
		return c, r, nil
	}
	return c, contradicts(c, one), nil
}

// apply makes one write while the lease is sure to outlast it.
func (s *Stage) apply(ctx context.Context, lease *held, a access.Action, o access.Operation) error {
	if err := o.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := lease.Valid(requestTimeout + leaseMargin); err != nil {
		return fmt.Errorf("the lock of %s does not last for a request: %w: %w", a.Ref.Scope, err, access.ErrTemporary)
	}
	err := s.Atlas.Apply(ctx, a.ID, o)
	if errors.Is(err, access.ErrGone) {
		return nil // the read back says what that means
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", err, access.ErrTemporary)
	}
	return err
}

// unapplied is for a write that was not made, or whose answer was lost.
func (s *Stage) unapplied(ctx context.Context, a access.Action, o access.Operation, err error) error {
	s.Logger.Warn("write not made or not answered", zap.String("action", a.ID), zap.String("operation", string(o.Type)), zap.Stringer("ref", o.Ref), zap.Error(err))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("carry out action %s: %w", a.ID, ctx.Err())
	case errors.Is(err, access.ErrTemporary):
		return s.wait(ctx, a, Refusal{Why: fmt.Sprintf("%s of %s: %v; trying again", o.Type, o.Ref.Name, err)})
	case errors.Is(err, access.ErrForbidden) && a.Attempts < maxForbidden:
		return s.wait(ctx, a, Refusal{Guard: GuardForbidden, Why: fmt.Sprintf("Atlas refuses %s of %s: %v; give the credential that writes the role for it; trying again", o.Type, o.Ref.Name, err)})
	case errors.Is(err, access.ErrForbidden):
		return s.move(ctx, a, access.ActionFailed, fmt.Sprintf("Atlas refuses %s of %s: %v; give the credential that writes the role for it, and put this right by hand: %s",
			o.Type, o.Ref.Name, err, a.Plan.Why), nil)
	}
	return s.move(ctx, a, access.ActionFailed, fmt.Sprintf("%s of %s: %v; put it right by hand: %s", o.Type, o.Ref.Name, err, a.Plan.Why), nil)
}
