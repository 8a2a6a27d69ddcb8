package remediate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// failing are logins of which none succeed from a time on.
type failing struct{ from time.Time }

func (x failing) LoginsOf(_ context.Context, _ access.Scope, from, to time.Time, match func(access.Login) bool) access.Logins {
	out := access.Logins{Quality: access.QualityComplete}
	for at := from; at.Before(to); at = at.Add(5 * time.Second) {
		l := access.Login{At: at, Username: "shop_app_user", Address: "198.51.100.7", OK: at.Before(x.from)}
		switch {
		case !match(l):
		case l.OK:
			out.Succeeded++
		default:
			out.Failed++
		}
	}
	return out
}

// TestHarmStops holds that an action whose aftermath shows harm is told of once, with how to
// take it back, and keeps its rule from writing by itself until an operator lets go.
func TestHarmStops(t *testing.T) {
	w, f := finished(t)
	a := w.action(f)
	if a.Wake.Sub(a.Outcome.Verified) != time.Minute {
		t.Fatalf("it is looked at %s after it was read back", a.Wake.Sub(a.Outcome.Verified))
	}
	s := w.stage()
	s.Counter = failing{a.Outcome.Verified}
	for range 6 {
		a = w.action(f)
		w.now = w.now.Add(time.Second)
		if a.Wake.After(w.now) {
			w.now = a.Wake
		}
		if err := s.Act(t.Context(), access.Act{Scope: scope, Action: a.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if a = w.action(f); !strings.Contains(a.Why, "it did harm") || !a.Wake.IsZero() || a.State != access.ActionVerified {
		t.Errorf("it is %s, and looked at again at %s", a.State, a.Wake)
	}
	c, _, err := w.controls.Get(t.Context(), controlKey(scope))
	if err != nil || len(c.Stopped) != 1 || c.Stopped[0].Rule != f.Rule || !strings.Contains(c.Stopped[0].Why, "gatewarden undo "+a.ID) {
		t.Fatalf("stopped: %+v, %v", c.Stopped, err)
	}
	told := 0
	for _, o := range w.controls.outs {
		if strings.Contains(string(o.Body), `"type":"aftermath"`) {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	w.policy.Responses[0].Do = access.ModeRevert
	w.let("0.0.0.0/1", "128.0.0.0/1")
	g := w.add(unionFinding("0.0.0.0/1", "128.0.0.0/1"))
	if a := w.run(g); a.State != access.ActionAwaiting || a.Guard != GuardStopped {
		t.Errorf("the next one of the rule is %s by %q: %s", a.State, a.Guard, a.Why)
	}
}

// TestRetired holds that what stayed in quarantine is asked about at the end of its time,
// and deleted only with consent.
func TestRetired(t *testing.T) {
	const keep = 30 * 24 * time.Hour
	for _, c := range []struct {
		name  string
		set   func(w *world, u access.DatabaseUser)
		vote  access.Vote
		state access.ActionState
		gone  bool
	}{
		{"approved", func(*world, access.DatabaseUser) {}, access.VoteApprove, access.ActionVerified, true},
		{"denied", func(*world, access.DatabaseUser) {}, access.VoteDeny, access.ActionVetoed, false},
		{"nobody answers", func(*world, access.DatabaseUser) {}, "", access.ActionExpired, false},
		{"it has roles again", func(w *world, u access.DatabaseUser) { w.users[u.Name()] = u }, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := asking(t)
			w.policy.Guards.Retention = keep
			u := user([]string{"read"}, "main")
			w.users[u.Name()] = u
			f := w.add(userFinding("dbuser/expired-migration-user", RemedyQuarantine, u, u))
			w.run(f)
			w.yes(f, "bob")
			if a := w.run(f); a.State != access.ActionVerified {
				t.Fatalf("it is %s: %s", a.State, a.Why)
			}
			c.set(w, u)
			w.now = w.now.Add(keep)
			id := w.action(f).ID
			w.after(id)
			id = followID(id, access.PurposeDelete)
			if c.vote != "" {
				w.say(access.VerbVote, "bob", func(x *access.Command) {
					w.about(f, c.vote)(x)
					x.Action, x.PlanHash = id, w.stored(id).PlanHash
				})
			} else {
				w.now = w.now.Add(time.Hour)
			}
			a := w.after(id)
			if _, there := w.users[u.Name()]; a.State != c.state || there == c.gone {
				t.Errorf("it is %s, the user is there: %v: %s", a.State, there, a.Why)
			}
		})
	}
}
