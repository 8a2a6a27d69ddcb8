package remediate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// confirm reads the plan's effect back: verified when every operation shows and the
// finding is not judged a violation any more.
func (s *Stage) confirm(ctx context.Context, lease *held, f access.Finding, a access.Action, l look) error {
	if a.State == access.ActionRunning { // done by a process that died before it could say so
		var err error
		if a, err = s.moved(ctx, a, access.ActionVerifying, "found written; reading back", func(n *access.Action) {
			n.Wake = s.now().Add(backoff(0))
			n.Outcome.Requests = slices.Clone(a.Outcome.Requests)
			for _, o := range a.Plan.Operations {
				if line := request(a, o); !slices.Contains(n.Outcome.Requests, line) {
					n.Outcome.Requests = append(n.Outcome.Requests, line)
				}
			}
		}); err != nil {
			return err
		}
		l.verdict = s.judge(ctx, f, l.fresh)
	}
	why, clean := doubt(a, l)
	switch {
	case why == "":
		return s.verified(ctx, lease, f, a, l)
	case clean && s.stood(a) >= retryAfter:
		return s.move(ctx, a, access.ActionSuperseded, "it is put right, though not as written: "+why, nil)
	case s.skewed():
		return s.wait(ctx, a, Refusal{Guard: GuardSkew, Why: why})
	case len(a.Votes) > 0 && l.achieved(a.Plan) && l.verdict.Answer == access.AnswerViolation && s.stood(a) >= retryAfter:
		return s.verified(ctx, lease, f, a, l) // it is as people decided, who were told what it would leave; the finding stays open
	case active(f) && l.verdict.Answer == access.AnswerViolation && s.stood(a) >= retryAfter && rounds(a) < maxRounds:
		return s.move(ctx, a, access.ActionProposed, "written, and yet it stands: "+why+"; planning anew", func(n *access.Action) { n.Wake = s.now() })
	case s.stood(a) >= verifyLimit:
		return s.move(ctx, a, access.ActionFailed, "written, and not confirmed within "+access.Lasts(verifyLimit)+": "+why+"; look at it", nil)
	}
	return s.wait(ctx, a, Refusal{Why: "written, and not yet confirmed: " + why})
}

// doubt is why the effect is not confirmed by this read, or empty. clean says that the
// finding is judged put right all the same.
func doubt(a access.Action, l look) (why string, clean bool) {
	if !l.complete() {
		return known(Case{Fresh: l.fresh}).Why, false
	}
	if deletes(a.Plan.Operations) && len(l.fresh[access.KindIPAccessEntry].Resources) == 0 {
		return "the access list reads as empty, though other entries were left in it", false
	}
	switch l.verdict.Answer {
	case access.AnswerViolation:
		return "it is still a violation: " + l.verdict.Message, false
	case access.AnswerPass, access.AnswerNotApplicable:
		clean = true
	default:
		return "it cannot be judged: " + orNothing(l.verdict.Why), false
	}
	for _, o := range a.Plan.Operations {
		if !l.shows(o) {
			return fmt.Sprintf("%s of %s does not show", o.Type, o.Ref.Name), clean
		}
	}
	return "", clean
}

func (s *Stage) skewed() bool { return s.Skew != nil && s.Skew().Abs() > maxSkew }

// stood is how long the action has been in its state.
func (s *Stage) stood(a access.Action) time.Duration {
	return s.now().Sub(a.Steps[len(a.Steps)-1].At)
}

// verified ends the action with its outcome. The lock is given back first: counting
// logins takes its time and writes nothing.
func (s *Stage) verified(ctx context.Context, lease *held, f access.Finding, a access.Action, l look) error {
	lease.release(ctx)
	out := s.window(ctx, f, l.began)
	out.Verified, out.Requests = l.began, a.Outcome.Requests
	why := fmt.Sprintf("done and read back: %s; it stood open from %s to %s", a.Plan.Why,
		out.ExposedFrom.UTC().Format(time.RFC3339), out.ExposedUntil.UTC().Format(time.RFC3339))
	if l.verdict.Answer == access.AnswerViolation {
		why = fmt.Sprintf("done as it was decided, and read back: %s; it still is a violation: %s", a.Plan.Why, l.verdict.Message)
	}
	undo := cmp.Or(Respond(s.Policy(), f).Undo, access.DefaultUndo)
	return s.move(ctx, a, access.ActionVerified, why, func(n *access.Action) {
		n.Outcome = out
		if n.Actor.Type == access.ActorUnknown {
			n.Actor = f.Actor
		}
		if len(n.Plan.Inverse) > 0 {
			n.UndoUntil = out.Verified.Add(undo)
		}
		n.Wake = nextAfter(*n, s.Policy().Guards.Retention, s.now())
	})
}

// window is how long the finding stood open until then, with the logins in that time.
// Sessions that were opened in it are not ended by closing the gate.
func (s *Stage) window(ctx context.Context, f access.Finding, until time.Time) access.Outcome {
	from := f.CauseAt
	if from.IsZero() {
		from = f.OpenedAt
	}
	ctx, cancel := context.WithTimeout(ctx, loginsTimeout)
	defer cancel()
	return access.Outcome{ExposedFrom: from, ExposedUntil: until, Logins: s.Atlas.Logins(ctx, f.Ref.Scope, from, until)}
}
