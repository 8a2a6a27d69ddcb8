package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// undoWaiver is for how long what an undo opened again is let stand; a severity that allows
// less is let stand for less.
const undoWaiver = 24 * time.Hour

// backLimit is how long it is waited for what was taken back to show: nothing is written again
// for it meanwhile.
const backLimit = 2 * time.Minute

// followID is the id of the action that takes another one back, or deletes what it left.
func followID(of string, purpose access.Purpose) string { return FollowID(of, purpose) }

// FollowID is the id of the action of this purpose that follows another one.
func FollowID(of string, purpose access.Purpose) string { return of + "-" + string(purpose) }

// follows reports whether an action is one that follows the action of an episode.
func follows(id, episode string) bool {
	return slices.ContainsFunc([]access.Purpose{access.PurposeUndo, access.PurposeRelease, access.PurposeDelete}, func(p access.Purpose) bool {
		return id == followID(episode, p)
	})
}

// takeBack casts a vote for taking an action back, and begins that if nobody has yet.
func (s *Stage) takeBack(ctx context.Context, p Policy, c access.Command, raw []byte) (answer, error) {
	of, _, err := s.Actions.Get(ctx, access.ActionID(c.Finding, c.Episode))
	if err != nil {
		return answer{}, fmt.Errorf("load the action of finding %s: %w", c.Finding, err)
	}
	f, err := s.subject(ctx, c)
	if err != nil {
		return answer{}, err
	}
	f = subjectOf(f, of)
	purpose := access.Purpose(c.Verb)
	id := followID(of.ID, purpose)
	begun, _, err := s.Actions.Get(ctx, id)
	if err != nil {
		return answer{}, fmt.Errorf("load action %s: %w", id, err)
	}
	if no := s.takenBack(of, c); no != "" && !slices.ContainsFunc(begun.Votes, func(v access.Ballot) bool { return v.Command == c.ID }) {
		return declined("%s", no), nil
	}
	b := ballot(c, raw)
	b.Vote = access.VoteApprove
	var said answer
	_, err = s.Actions.Update(ctx, id, func(cur access.Action, rev uint64) (*access.Action, []access.Out, error) {
		heard := slices.ContainsFunc(cur.Votes, func(v access.Ballot) bool { return v.Command == c.ID })
		if rev == 0 || !heard && cur.State.Done() && cur.State != access.ActionVerified && cur.State != access.ActionVetoed {
			began := cur.Created
			steps := cur.Steps
			if cur = backOf(p, f, of, purpose, c, s.now()); rev != 0 {
				cur.Created, cur.Steps = began, append(slices.Clip(steps), cur.Steps...)
			}
		}
		vote := c
		vote.PlanHash = cur.PlanHash // the command is bound to the plan that it takes back, from which this one follows
		next, changed, words := cast(p, cur, f, b, vote, s.now())
		said = words
		if !changed || !words.ok {
			return nil, nil, nil
		}
		return &next, s.voted(next), nil
	})
	if err != nil {
		return answer{}, fmt.Errorf("take back action %s: %w", of.ID, err)
	}
	said.action = id
	return said, nil
}

// takenBack is why an action cannot be taken back; empty: it can.
func (s *Stage) takenBack(of access.Action, c access.Command) string {
	switch {
	case of.ID == "" || of.Ref.Scope != c.Scope:
		return fmt.Sprintf("there is no action for episode %d of finding %s in %s", c.Episode, c.Finding, c.Scope)
	case c.PlanHash != of.PlanHash:
		return fmt.Sprintf("the action carried out another plan than the one that was shown: look at it again, its id is %s", short(of.PlanHash))
	case of.State == access.ActionUndone:
		return "it is taken back already"
	case len(of.Outcome.Requests) == 0:
		return fmt.Sprintf("the action is %s and wrote nothing: there is nothing to take back", of.State)
	case of.State.Writing():
		return fmt.Sprintf("the action is %s: wait until it is done", of.State)
	case len(of.Plan.Inverse) == 0:
		return "it cannot be taken back: " + orNothing(of.Plan.Reversible)
	case c.Verb == access.VerbRelease && !slices.ContainsFunc(of.Plan.Operations, func(o access.Operation) bool { return o.Type == access.QuarantineUser }):
		return "nothing of it is in quarantine: undo is for taking it back"
	case c.Verb == access.VerbUndo && !of.UndoUntil.IsZero() && !s.now().Before(of.UndoUntil):
		return "it could be taken back until " + access.Stamp(of.UndoUntil) + ": put it as it was by hand, or as the change that it is"
	}
	return ""
}

// backOf is the question of taking an action back, which the command that begins it votes for.
func backOf(p Policy, f access.Finding, of access.Action, purpose access.Purpose, c access.Command, now time.Time) access.Action {
	r := Respond(p, f)
	question := asked(r, now)
	question.Approvers = slices.Concat(r.Approvers, p.People.Operators)
	question.OnDeadline, question.Escalate = access.LateNotify, nil
	plan := access.Plan{
		Operations: of.Plan.Inverse, Inverse: slices.Clone(of.Plan.Operations), Ceiling: access.CeilingAsk,
		Reversible: "yes: by what it takes back", Why: "take back: " + of.Plan.Why + " (" + c.Reason + ")",
	}
	slices.Reverse(plan.Inverse)
	a := follower(of, purpose, plan, question, now)
	if a.Actor.Type == access.ActorUnknown {
		a.Actor = f.Actor
	}
	a = stepped(a, access.ActionAwaiting, c.By+" asks to "+plan.Why, now)
	a.Wake = question.Deadline
	return a
}

// follower is an action that follows another one, before its first step.
func follower(of access.Action, purpose access.Purpose, plan access.Plan, question access.Ask, now time.Time) access.Action {
	a := access.Action{
		V: access.Version, ID: followID(of.ID, purpose), Finding: of.Finding, Episode: of.Episode, Rule: of.Rule, Ref: of.Ref,
		Severity: of.Severity, Environment: of.Environment, Do: access.ModeApprove, Ceiling: access.CeilingAsk,
		Plan: plan, Created: now,
		Purpose: purpose, Of: of.ID, Ask: question, Actor: of.Actor,
	}
	a.PlanHash = hashOf(&a, plan)
	return a
}

// follow takes an action that follows another one as far as it goes now.
func (s *Stage) follow(ctx context.Context, id string) error {
	a, rev, err := s.Actions.Get(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("load action %s: %w", id, err)
	case rev != 0 && a.State == access.ActionVerified && a.Purpose == "":
		return s.afterwards(ctx, a)
	case rev == 0 || a.State.Done() || a.Purpose == "":
		return nil
	case a.V > access.Version:
		return fmt.Errorf("action %s was written by a newer program: %w", id, access.ErrTemporary)
	case a.State == access.ActionAwaiting && s.now().Before(a.Ask.Deadline):
		return nil
	case a.State == access.ActionAwaiting:
		return s.move(ctx, a, access.ActionExpired, "nobody answered by "+access.Stamp(a.Ask.Deadline)+": nothing is done", nil)
	case s.lapsed(a):
		return s.move(ctx, a, access.ActionExpired, "it was agreed to more than "+access.Lasts(approvedFor)+" ago, and could not be carried out since: ask for it again", nil)
	case s.now().Before(a.Wake) && a.State == access.ActionApproved:
		return nil
	}
	lease, err := s.acquire(ctx, a.Ref.Scope)
	if err != nil {
		return err
	}
	defer lease.release(ctx)
	if a, rev, err = s.Actions.Get(ctx, id); err != nil || rev == 0 || a.State.Done() {
		return err
	}
	of, _, err := s.Actions.Get(ctx, a.Of)
	if err != nil {
		return fmt.Errorf("load action %s, which %s follows: %w", a.Of, id, err)
	}
	return s.carryBack(ctx, lease, a, of)
}

// carryBack is everything between a fresh read and the last write of an action that follows
// another one.
func (s *Stage) carryBack(ctx context.Context, lease *held, a, of access.Action) error {
	f, _, err := s.finding(ctx, a.Ref.Scope, a.Finding)
	if err != nil {
		return err
	}
	actor := subjectOf(f, a)
	l := s.read(ctx, a.Ref.Scope, kindsWritten(a.Plan))
	if ctx.Err() != nil {
		return fmt.Errorf("carry out action %s: %w", a.ID, ctx.Err())
	}
	c, err := s.situation(ctx, s.Policy(), actor, l)
	if err != nil {
		return err
	}
	c.Asked = &a
	if !l.complete() {
		return s.wait(ctx, a, refuse(GuardUnknown, "what it would write cannot be read: %s", unread(l)))
	}
	if l.achieved(a.Plan) {
		return s.carried(ctx, a, of)
	}
	if a.State == access.ActionVerifying && s.stood(a) < backLimit {
		return s.wait(ctx, a, Refusal{Why: "written, and not yet confirmed"})
	}
	if a.State == access.ActionVerifying {
		return s.move(ctx, a, access.ActionFailed, "written, and not confirmed within "+access.Lasts(backLimit)+": somebody has changed it since, or it takes its time: look at it", nil)
	}
	if r := mayCarry(c, a, of, l); !r.OK() {
		return s.refused(ctx, actor, a, c, a.Plan, r)
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
	if err := s.letStand(ctx, a, f); err != nil {
		return err
	}
	if a, err = s.intend(ctx, a, a.Plan); err != nil || a.State != access.ActionRunning {
		return err
	}
	return s.writeBack(ctx, lease, actor, a, of, l)
}

func kindsWritten(p access.Plan) []access.Kind {
	var out []access.Kind
	for _, o := range slices.Concat(p.Operations, p.Inverse) {
		out = append(out, o.Ref.Kind)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func unread(l look) string {
	for _, k := range kindsOf(l.fresh) {
		if c := l.fresh[k]; !usable(c) {
			return fmt.Sprintf("%s (%s): %s", k, orNothing(string(c.Status)), c.Reason)
		}
	}
	return "nothing was read"
}

// mayCarry says whether what the action takes back may be taken back now. A running action
// may have made a part of its writes.
func mayCarry(c Case, a, of access.Action, l look) Refusal {
	if r := armed(c); !r.OK() {
		return r
	}
	if r := Consent(c.Policy, a, c.Finding); !r.OK() {
		return r
	}
	if hashOf(&a, a.Plan) != a.PlanHash {
		return refuse(GuardStalePlan, "its plan is another one than was voted on")
	}
	if a.State != access.ActionRunning {
		for _, o := range of.Plan.Operations {
			if !l.shows(o) && !left(of, o, l) {
				return refuse(GuardStalePlan, "%s is not any more as action %s left it: somebody has changed it since", o.Ref.Name, of.ID)
			}
		}
	}
	for _, o := range a.Plan.Operations {
		if pattern, ok := untouchable(c.Policy.NeverTouch, o.Ref); ok {
			return refuse(GuardNeverTouch, "%s is never touched, by %q", o.Ref, pattern)
		}
	}
	return Refusal{}
}

// left reports whether an operation of an action that stopped half way was not made, and what it
// is about is as it was before.
func left(of access.Action, o access.Operation, l look) bool {
	made := slices.ContainsFunc(of.Outcome.Requests, func(line string) bool {
		return strings.HasPrefix(line, fmt.Sprintf("%s %s (intent ", o.Type, o.Ref.Name))
	})
	back, ok := reversed(o)
	return !made && ok && l.shows(back)
}

// letStand leaves a short waiver for what is opened again, before it is.
func (s *Stage) letStand(ctx context.Context, a access.Action, f access.Finding) error {
	if !opens(a) {
		return nil
	}
	digest := ""
	if strings.Contains(a.Ref.Name, "*") { // as a pattern it means others too: by its values it means itself
		if digest = f.Digest; digest == "" || f.Episode != a.Episode {
			return nil
		}
	}
	id := "back-" + a.ID
	_, err := s.Waivers.Update(ctx, access.WaiversKey, func(cur access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
		if slices.ContainsFunc(cur.Waivers, func(w access.Waiver) bool { return w.ID == id }) {
			return nil, nil, nil
		}
		w := access.Waiver{
			V: access.Version, ID: id, Rule: a.Rule, Kind: a.Ref.Kind, Name: a.Ref.Name, Project: a.Ref.Scope.ID(), Owner: agreed(a),
			Reason: a.Plan.Why, Granted: s.now(), Until: s.now().Add(min(undoWaiver, access.WaiverCap(a.Severity))), Key: f.Key, Digest: digest,
		}
		cur.V = access.Version
		cur.Waivers = append(cur.Waivers, w)
		return &cur, []access.Out{access.NewOut(access.TopicEval, a.Ref.Scope, access.Eval{Scope: a.Ref.Scope, Why: "a waiver for what is taken back"})}, nil
	})
	if err != nil {
		return fmt.Errorf("let stand what action %s opens again: %w", a.ID, err)
	}
	return nil
}

// writeBack makes the writes that are not seen done, in order, and reads back.
func (s *Stage) writeBack(ctx context.Context, lease *held, f access.Finding, a, of access.Action, l look) error {
	for _, o := range a.Plan.Operations {
		if l.shows(o) {
			continue
		}
		c, err := s.situation(ctx, s.Policy(), f, l)
		if err != nil {
			return err
		}
		if r := mayCarry(c, a, of, l); !r.OK() {
			return s.refused(ctx, f, a, c, a.Plan, r)
		}
		s.Metrics.window.Observe(s.now().Sub(l.began).Seconds())
		if err := s.apply(ctx, lease, a, o); err != nil {
			return s.unapplied(ctx, a, o, err)
		}
		next := a
		next.Outcome.Requests = append(slices.Clip(a.Outcome.Requests), request(a, o))
		if err := s.store(ctx, a, next); err != nil {
			return err
		}
		a = next
	}
	a, err := s.moved(ctx, a, access.ActionVerifying, "written; reading back", func(n *access.Action) { n.Wake = s.now().Add(backoff(0)) })
	if err != nil {
		return err
	}
	if l = s.read(ctx, a.Ref.Scope, kindsWritten(a.Plan)); ctx.Err() != nil {
		return fmt.Errorf("read back action %s: %w", a.ID, ctx.Err())
	}
	if !l.achieved(a.Plan) {
		return s.wait(ctx, a, Refusal{Why: "written, and not yet confirmed"})
	}
	return s.carried(ctx, a, of)
}

// carried ends both actions: what was taken back is undone first, so that whoever dies
// between the two finds the other to end.
func (s *Stage) carried(ctx context.Context, a, of access.Action) error {
	if opens(a) && of.State != access.ActionUndone && of.State != "" {
		if err := s.move(ctx, of, access.ActionUndone, "taken back by "+agreed(a)+": "+strings.TrimPrefix(a.Plan.Why, "take back: "), nil); err != nil {
			return err
		}
	}
	if a.State == access.ActionApproved {
		return s.move(ctx, a, access.ActionSuperseded, "it is as it should become already", nil)
	}
	return s.move(ctx, a, access.ActionVerified, "done and read back: "+a.Plan.Why, func(n *access.Action) { n.Outcome.Verified = s.now() })
}
