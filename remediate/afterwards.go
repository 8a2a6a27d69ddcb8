package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// nextAfter is when a verified action is to be looked at again: for what it did to those who
// log in, and for what it left in quarantine. Zero: not any more.
func nextAfter(a access.Action, keep time.Duration, now time.Time) time.Time {
	if look := NextLook(a, now); !look.IsZero() {
		return look
	}
	if due := RetentionDue(a, keep); due.After(now) {
		return due
	}
	return time.Time{}
}

// afterwards looks at a verified action whose time has come.
func (s *Stage) afterwards(ctx context.Context, a access.Action) error {
	if a.Wake.IsZero() || s.now().Before(a.Wake) {
		return nil
	}
	keep := s.Policy().Guards.Retention
	due := RetentionDue(a, keep)
	harmed := ""
	if !due.IsZero() && !s.now().Before(due) {
		if err := s.retire(ctx, a); err != nil {
			return err
		}
	} else if stop, harm := s.Harm(ctx, a); harm {
		if err := s.stop(ctx, a, stop); err != nil {
			return err
		}
		harmed = "it did harm: " + stop.Why
	}
	next := nextAfter(a, keep, s.now())
	_, err := s.Actions.Update(ctx, a.ID, func(cur access.Action, rev uint64) (*access.Action, []access.Out, error) {
		if rev == 0 || cur.V > access.Version || cur.State != access.ActionVerified || !cur.Wake.Equal(a.Wake) {
			return nil, nil, nil
		}
		cur.Wake = next
		if harmed != "" && !strings.Contains(cur.Why, "it did harm: ") {
			cur.Why += "; " + harmed // what is told of the action says so from now on
		}
		return &cur, nil, nil
	})
	if err != nil {
		return fmt.Errorf("note when action %s is looked at next: %w", a.ID, err)
	}
	return nil
}

// stop keeps the rule of an action that did harm from writing by itself, and has people
// paged, once for each action.
func (s *Stage) stop(ctx context.Context, a access.Action, stop access.Stop) error {
	fact := access.Decision{V: access.Version, Type: access.FactAftermath, At: s.now(), Action: a, Message: fmt.Sprintf("%s %s: it did harm: %s", a.Rule, a.Ref.Name, stop.Why)}
	told := false
	_, err := s.Controls.Update(ctx, controlKey(a.Ref.Scope), func(cur access.Control, _ uint64) (*access.Control, []access.Out, error) {
		told = slices.ContainsFunc(cur.Stopped, func(x access.Stop) bool { return x.Action == a.ID })
		if told {
			return nil, nil, nil
		}
		cur.V = access.Version
		cur.Stopped = append(slices.Clone(cur.Stopped), stop)
		return &cur, []access.Out{access.NewOut(access.TopicDecision, a.Ref.Scope, fact, fact.Type)}, nil
	})
	if err != nil {
		return fmt.Errorf("stop rule %s after action %s did harm: %w", a.Rule, a.ID, err)
	}
	if !told {
		s.Logger.Error("an action did harm; its rule writes nothing by itself any more", zap.String("action", a.ID), zap.String("rule", a.Rule), zap.String("why", stop.Why))
	}
	return nil
}

// retire asks whether what stayed in quarantine to the end of its retention may be deleted.
func (s *Stage) retire(ctx context.Context, a access.Action) error {
	f, _, err := s.finding(ctx, a.Ref.Scope, a.Finding)
	if err != nil {
		return err
	}
	f = subjectOf(f, a)
	p := s.Policy()
	l := s.read(ctx, a.Ref.Scope, []access.Kind{access.KindDatabaseUser})
	if ctx.Err() != nil {
		return fmt.Errorf("look at what action %s left in quarantine: %w", a.ID, ctx.Err())
	}
	if !l.complete() {
		return fmt.Errorf("look at what action %s left in quarantine: %s: %w", a.ID, unread(l), access.ErrTemporary)
	}
	c, err := s.situation(ctx, p, f, l)
	if err != nil {
		return err
	}
	plan := PlanRetention(c, a)
	if len(plan.Operations) == 0 {
		return nil
	}
	plan.Impact = s.impact(ctx, c, plan)
	next := retired(p, f, a, plan, s.now())
	_, err = s.Actions.Update(ctx, next.ID, func(_ access.Action, rev uint64) (*access.Action, []access.Out, error) {
		if rev != 0 {
			return nil, nil, nil
		}
		return &next, s.voted(next), nil
	})
	if err != nil {
		return fmt.Errorf("ask whether what action %s left in quarantine may be deleted: %w", a.ID, err)
	}
	return nil
}

// retired is the question whether the plan's deletion may be made. Where nobody can be asked
// people are told.
func retired(p Policy, f access.Finding, of access.Action, plan access.Plan, now time.Time) access.Action {
	question := asked(Respond(p, f), now)
	question.OnDeadline, question.Escalate = access.LateNotify, nil
	a := follower(of, access.PurposeDelete, plan, question, now)
	who := p.People.members(question.Approvers)
	if len(who) == 0 {
		return stepped(a, access.ActionTold, "nobody can be asked; by hand: "+plan.Why, now)
	}
	a = stepped(a, access.ActionAwaiting, fmt.Sprintf("%s may decide until %s whether to %s", strings.Join(who, ", "), access.Stamp(question.Deadline), plan.Why), now)
	a.Wake = question.Deadline
	return a
}
