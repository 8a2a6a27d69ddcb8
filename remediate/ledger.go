package remediate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Ledger is the actions that wrote in one project or org within the last hour. An action
// is in it once, however often it is tried, so that the ledger counts actions and not
// attempts.
type Ledger struct {
	V       int           `json:"v"`
	Actions []Reservation `json:"actions"`
}

// Reservation is one action's place in a ledger.
type Reservation struct {
	ID    string       `json:"id"`
	At    time.Time    `json:"at"`
	Scope access.Scope `json:"scope,omitempty"` // of the action, in the ledger of its org
}

const ledgerSpan = time.Hour

// reserve is the ledger with the action in it. It is full when limit others are; then
// free is when the next place falls vacant.
func reserve(l Ledger, id string, limit int, now time.Time) (next Ledger, free time.Time, ok bool) {
	next = Ledger{V: access.Version}
	for _, r := range l.Actions {
		if now.Sub(r.At) < ledgerSpan {
			next.Actions = append(next.Actions, r)
		}
	}
	if i := slices.IndexFunc(next.Actions, func(r Reservation) bool { return r.ID == id }); i >= 0 {
		if now.Sub(next.Actions[i].At) > ledgerSpan/6 {
			next.Actions[i].At = now
		}
		return next, time.Time{}, true
	}
	if len(next.Actions) >= limit {
		free = now.Add(ledgerSpan)
		for _, r := range next.Actions {
			if end := r.At.Add(ledgerSpan); end.Before(free) {
				free = end
			}
		}
		return next, free, false
	}
	next.Actions = append(next.Actions, Reservation{ID: id, At: now})
	return next, time.Time{}, true
}

func capsKey(scope access.Scope) string { return "caps." + string(scope) }

// reserveCaps takes the action's place in the ledgers of its project and its org. A
// place that was taken and not used counts until its hour is over.
func (s *Stage) reserveCaps(ctx context.Context, a access.Action, p Policy, now time.Time) (Refusal, time.Time, error) {
	r, free, err := s.reserveIn(ctx, a.Ref.Scope, a, GuardCapProject, p.Caps.ProjectHour, now)
	if err != nil || !r.OK() || a.Ref.Scope.IsOrg() {
		return r, free, err
	}
	org := ""
	if p.Org != nil {
		org = p.Org(a.Ref.Scope)
	}
	if org == "" {
		return refuse(GuardCapOrg, "the org of %s is not known yet", a.Ref.Scope), time.Time{}, nil
	}
	return s.reserveIn(ctx, access.OrgScope(org), a, GuardCapOrg, p.Caps.OrgHour, now)
}

func (s *Stage) reserveIn(ctx context.Context, scope access.Scope, a access.Action, guard string, limit int, now time.Time) (Refusal, time.Time, error) {
	var free time.Time
	var ok bool
	_, err := s.Control.Update(ctx, capsKey(scope), func(cur Ledger, _ uint64) (*Ledger, []access.Out, error) {
		var next Ledger
		if next, free, ok = reserve(cur, a.ID, limit, now); !ok || slices.Equal(next.Actions, cur.Actions) {
			return nil, nil, nil
		}
		for i := range next.Actions {
			if next.Actions[i].ID == a.ID && a.Ref.Scope != scope {
				next.Actions[i].Scope = a.Ref.Scope
			}
		}
		return &next, nil, nil
	})
	if err != nil {
		return Refusal{}, time.Time{}, fmt.Errorf("reserve a place for action %s in the caps of %s: %w", a.ID, scope, err)
	}
	if !ok {
		return refuse(guard, "%d actions have written in %s within the last hour, and no more may", limit, scope), free, nil
	}
	return Refusal{}, time.Time{}, nil
}

// Intents lists the writes of the scope's actions that are on their way or were made
// within the last hour: by them the watcher knows our own changes. The ledger of the
// scope's caps, written before every intent, names the actions to look at; what they
// write is in their own documents. An action on the org may write to its projects, and one
// on a project shows in the org.
func (s *Stage) Intents(ctx context.Context, scope access.Scope) ([]access.Intent, error) {
	out, err := s.intentsIn(ctx, scope, func(Reservation) bool { return true })
	if err != nil || scope.IsOrg() {
		return out, err
	}
	org := ""
	if p := s.Policy(); p.Org != nil {
		org = p.Org(scope)
	}
	if org == "" {
		return out, nil
	}
	more, err := s.intentsIn(ctx, access.OrgScope(org), func(r Reservation) bool { return r.Scope == "" })
	for _, in := range more {
		if o := in.Operation; o.Ref.Scope.IsOrg() && (o.Project == scope.ID() || o.Type == access.DeleteInvitation) {
			out = append(out, in)
		}
	}
	return out, err
}

// intentsIn are those of one ledger that are wanted.
func (s *Stage) intentsIn(ctx context.Context, scope access.Scope, wanted func(Reservation) bool) ([]access.Intent, error) {
	ledger, _, err := s.Control.Get(ctx, capsKey(scope))
	if err != nil {
		return nil, fmt.Errorf("list our writes in %s: %w", scope, err)
	}
	var out []access.Intent
	for _, r := range ledger.Actions {
		if s.now().Sub(r.At) >= ledgerSpan || !wanted(r) {
			continue
		}
		a, _, err := s.Actions.Get(ctx, r.ID)
		if err != nil {
			return nil, fmt.Errorf("list our writes in %s: action %s: %w", scope, r.ID, err)
		}
		if !a.State.Writing() && len(a.Outcome.Requests) == 0 {
			continue
		}
		for _, o := range a.Plan.Operations {
			out = append(out, access.Intent{Action: a.ID, Operation: o})
		}
	}
	return out, nil
}
