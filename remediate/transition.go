package remediate

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The types of facts about actions.
const (
	factDecision = "decision"
	factIntent   = "intent"
	factOutcome  = "outcome"
)

// move takes the action to a state (or, with an intent of its own, anew into running) in
// one compare-and-set with its fact. a is the action as loaded, or a new one that is not stored yet. Losing
// to another process is a temporary error: whoever calls again sees what it did.
func (s *Stage) move(ctx context.Context, a access.Action, to access.ActionState, why string, change func(*access.Action)) error {
	_, err := s.moved(ctx, a, to, why, change)
	return err
}

func (s *Stage) moved(ctx context.Context, a access.Action, to access.ActionState, why string, change func(*access.Action)) (access.Action, error) {
	now := s.now()
	next := a
	next.Steps = append(a.Steps[:len(a.Steps):len(a.Steps)], access.Step{At: now, To: to, Why: why})
	next.State, next.Why, next.Guard, next.Attempts, next.Wake = to, why, "", 0, time.Time{}
	if change != nil {
		change(&next)
	}
	fact := access.Decision{V: access.Version, Type: factOf(a, to), At: now, Action: next, Message: message(next)}
	if err := s.store(ctx, a, next, access.NewOut(access.TopicDecision, a.Ref.Scope, fact, fact.Type)); err != nil {
		return a, err
	}
	s.record(next)
	return next, nil
}

// store writes next if what is stored is still a.
func (s *Stage) store(ctx context.Context, a, next access.Action, out ...access.Out) error {
	var lost bool
	_, err := s.Actions.Update(ctx, a.ID, func(cur access.Action, rev uint64) (*access.Action, []access.Out, error) {
		if lost = !stands(a, cur, rev); lost {
			return nil, nil, nil
		}
		n := next
		return &n, out, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("store action %s as %s: %w", a.ID, next.State, err)
	case lost:
		return fmt.Errorf("store action %s as %s: another process has moved it: %w", a.ID, next.State, access.ErrTemporary)
	}
	return nil
}

// stands reports whether the stored action is the one that was loaded. The revision does
// not tell: clearing an outbox changes it.
func stands(a, cur access.Action, rev uint64) bool {
	if rev == 0 {
		return len(a.Steps) == 0
	}
	return cur.V <= access.Version && cur.State == a.State && len(cur.Steps) == len(a.Steps) && len(a.Steps) > 0 &&
		cur.Attempts == a.Attempts && len(cur.Outcome.Requests) == len(a.Outcome.Requests) &&
		len(cur.Votes) == len(a.Votes) && cur.Snoozed.Equal(a.Snoozed) // a vote that was counted makes no step
}

func factOf(from access.Action, to access.ActionState) string {
	switch to {
	case access.ActionRunning:
		return factIntent
	case access.ActionVerified, access.ActionFailed, access.ActionStale:
		return factOutcome
	case access.ActionSuperseded, access.ActionRefused, access.ActionTold:
		if from.State.Writing() {
			return factOutcome
		}
	}
	return factDecision
}

func message(a access.Action) string {
	return fmt.Sprintf("%s %s: %s: %s", a.Rule, a.Ref.Name, a.State, a.Why)
}

func (s *Stage) record(a access.Action) {
	if a.Guard != "" {
		s.Metrics.refusals.WithLabelValues(a.Guard).Inc()
	}
	if a.State.Done() {
		s.Metrics.actions.WithLabelValues(string(a.State)).Inc()
	}
	s.Logger.Info("action moved", zap.String("action", a.ID), zap.String("rule", a.Rule), zap.Stringer("ref", a.Ref),
		zap.String("state", string(a.State)), zap.String("guard", a.Guard), zap.String("why", a.Why))
}

// wait leaves the action where it is and looks again later. The same reason again is
// stored, since it moves the wake time, but neither published nor logged.
func (s *Stage) wait(ctx context.Context, a access.Action, r Refusal) error {
	return s.waitUntil(ctx, a, r, s.now().Add(backoff(a.Attempts)))
}

func (s *Stage) waitUntil(ctx context.Context, a access.Action, r Refusal, wake time.Time) error {
	attempts := a.Attempts + 1
	if len(a.Steps) == 0 {
		return s.move(ctx, a, a.State, r.Why, func(n *access.Action) { n.Guard, n.Wake, n.Attempts = r.Guard, wake, attempts })
	}
	next := a
	next.Why, next.Guard, next.Wake, next.Attempts = r.Why, r.Guard, wake, attempts
	if a.Guard == r.Guard {
		return s.store(ctx, a, next)
	}
	fact := access.Decision{V: access.Version, Type: factDecision, At: s.now(), Action: next, Message: message(next)}
	if err := s.store(ctx, a, next, access.NewOut(access.TopicDecision, a.Ref.Scope, fact, fact.Type)); err != nil {
		return err
	}
	s.record(next)
	return nil
}

// backoff is 1 s, 2 s, 4 s … and a minute from then on.
func backoff(attempts int) time.Duration {
	return min(time.Second<<min(attempts, 6), time.Minute)
}
