package remediate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// finished is a world in which the violation was approved and put right.
func finished(t tester) (*world, access.Finding) {
	w, f := asking(t)
	w.run(f)
	w.yes(f, "bob")
	if a := w.run(f); a.State != access.ActionVerified {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	w.change(f, func(f *access.Finding) { f.State = access.FindingResolved })
	return w, f
}

func TestUndo(t *testing.T) {
	w, f := finished(t)
	before := w.count("effect")
	r := w.back(f, access.VerbUndo, "alice")
	id := w.action(f).ID + "-undo"
	if !r.Accepted || r.Action != id || w.stored(id).State != access.ActionApproved {
		t.Fatalf("%+v; it is %s", r, w.stored(id).State)
	}
	if u := w.after(id); u.State != access.ActionVerified || w.action(f).State != access.ActionUndone {
		t.Fatalf("undo is %s: %s; what it takes back is %s", u.State, u.Why, w.action(f).State)
	}
	e, there := w.entries[world0]
	if !there || e.Comment != "for 0.0.0.0/0" || w.count("effect") != before+1 {
		t.Errorf("the entry is there %v, %+v, after %d effects", there, e, w.count("effect"))
	}
	ws, _, err := w.waivers.Get(t.Context(), access.WaiversKey)
	if err != nil || len(ws.Waivers) != 1 || ws.Waivers[0].Owner != "alice" || ws.Waivers[0].Until.Sub(w.now) != min(undoWaiver, access.WaiverCap(access.Critical)) || ws.Waivers[0].Name != world0 {
		t.Errorf("waivers %+v, %v", ws.Waivers, err)
	}
	if r := w.back(f, access.VerbUndo, "bob"); r.Accepted || !strings.Contains(r.Why, "taken back already") {
		t.Errorf("undone twice: %+v", r)
	}
}

// TestTakenBackOnlyByWhomItMay holds who may have access given back, and what stands in the
// way of it.
func TestTakenBackOnlyByWhomItMay(t *testing.T) {
	undo := func(by string) func(w *world, f access.Finding) access.CommandRecord {
		return func(w *world, f access.Finding) access.CommandRecord { return w.back(f, access.VerbUndo, by) }
	}
	for _, c := range []struct {
		name  string
		set   func(w *world, f *access.Finding)
		do    func(w *world, f access.Finding) access.CommandRecord
		ok    bool
		state access.ActionState // of the undo, once it was acted on
		why   string
	}{
		{"by the one who made the change", nil, undo("rajesh"), false, "", "somebody else must decide"},
		{"by one whose machine made it", func(_ *world, f *access.Finding) {
			f.Actor = access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_terraform"}
		}, undo("rajesh"), false, "", "somebody else must decide"},
		{"by one who is not asked", nil, undo("carol"), false, "", "not, or no longer"},
		{"by an operator", nil, undo("olga"), true, access.ActionVerified, ""},
		{"nobody knows who made it: one", func(_ *world, f *access.Finding) { f.Actor = access.Actor{} }, undo("bob"), true, access.ActionAwaiting, "1 of 2"},
		{"nobody knows who made it: two", func(_ *world, f *access.Finding) { f.Actor = access.Actor{} }, func(w *world, f access.Finding) access.CommandRecord {
			undo("bob")(w, f)
			return undo("alice")(w, f)
		}, true, access.ActionVerified, ""},
		{"too late", func(w *world, _ *access.Finding) { w.now = w.now.Add(25 * time.Hour) }, undo("bob"), false, "", "could be taken back until"},
		{"of another plan", nil, func(w *world, f access.Finding) access.CommandRecord {
			return w.say(access.VerbUndo, "bob", func(c *access.Command) {
				w.about(f, "")(c)
				c.PlanHash, c.Reason = "other", "r"
			})
		}, false, "", "another plan"},
		{"release of what is in no quarantine", nil, func(w *world, f access.Finding) access.CommandRecord { return w.back(f, access.VerbRelease, "bob") }, false, "", "quarantine"},
		{"somebody has put it back", func(w *world, _ *access.Finding) {
			w.entries[world0] = access.IPAccessEntry{Entry: world0, Comment: "by hand"}
		}, undo("bob"), true, access.ActionSuperseded, ""},
		{"it is back already, as it was", func(w *world, _ *access.Finding) { w.let(world0) }, undo("bob"), true, access.ActionSuperseded, ""},
		{"frozen", func(w *world, _ *access.Finding) { w.say(access.VerbFreeze, "carol", reasoned) }, undo("bob"), true, access.ActionApproved, ""},
		{"dry run", func(w *world, _ *access.Finding) { w.policy.DryRun = true }, undo("bob"), true, access.ActionRefused, ""},
		{"never touched by now", func(w *world, _ *access.Finding) { w.policy.NeverTouch = []string{world0} }, undo("bob"), true, access.ActionRefused, ""},
		{"unreadable", func(w *world, _ *access.Finding) { w.fault = denied }, undo("bob"), true, access.ActionApproved, ""},
		{"in an incident, as people say so", func(w *world, _ *access.Finding) { w.incident() }, undo("bob"), true, access.ActionVerified, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := finished(t)
			if c.set != nil {
				c.set(w, &f)
				w.change(f, func(g *access.Finding) { *g = f; g.State = access.FindingResolved })
				a := w.action(f)
				a.Actor = f.Actor
				w.put(a)
			}
			requests := w.count("request")
			r := c.do(w, f)
			if r.Accepted != c.ok || !strings.Contains(r.Why, c.why) {
				t.Fatalf("accepted %v: %s", r.Accepted, r.Why)
			}
			u := w.after(w.action(f).ID + "-undo")
			if u.State != c.state {
				t.Errorf("it is %s: %s", u.State, u.Why)
			}
			if wrote := w.count("request") > requests; wrote != (c.state == access.ActionVerified) {
				t.Errorf("%d requests more", w.count("request")-requests)
			}
		})
	}
}

// put stores an action as it is.
func (w *world) put(a access.Action) {
	w.t.Helper()
	if _, err := w.actions.Update(w.t.Context(), a.ID, func(access.Action, uint64) (*access.Action, []access.Out, error) { return &a, nil, nil }); err != nil {
		w.t.Fatal(err)
	}
}

// TestRelease holds that what is in quarantine gets back exactly the roles that it had.
func TestRelease(t *testing.T) {
	w, _ := asking(t)
	u := user([]string{"read", "readWriteAnyDatabase"}, "main")
	w.users[u.Name()] = u
	f := userFinding("dbuser/expired-migration-user", RemedyQuarantine, u, u)
	f.Actor = access.Actor{Type: access.ActorHuman, Name: "rajesh@example.com"}
	f = w.add(f)
	w.run(f)
	w.yes(f, "bob")
	if a := w.run(f); a.State != access.ActionVerified || len(w.users[u.Name()].Roles) != 0 {
		t.Fatalf("it is %s: %s", a.State, a.Why)
	}
	w.now = w.now.Add(20 * 24 * time.Hour) // long after undo
	if r := w.back(f, access.VerbUndo, "alice"); r.Accepted {
		t.Errorf("undone after its time: %s", r.Why)
	}
	given := w.users[u.Name()]
	given.Roles = grants("read")
	w.users[u.Name()] = given
	w.back(f, access.VerbRelease, "alice")
	if r := w.after(w.action(f).ID + "-release"); r.State != access.ActionStale || w.count("effect") != 1 {
		t.Errorf("somebody gave it a role meanwhile: it is %s: %s", r.State, r.Why)
	}
	given.Roles = nil
	w.users[u.Name()] = given
	if r := w.back(f, access.VerbRelease, "alice"); !r.Accepted {
		t.Fatalf("release: %s", r.Why)
	}
	if r := w.after(w.action(f).ID + "-release"); r.State != access.ActionVerified || !slices.Equal(access.SortGrants(w.users[u.Name()].Roles), access.SortGrants(u.Roles)) {
		t.Errorf("it is %s: %s; roles %v", r.State, r.Why, w.users[u.Name()].Roles)
	}
}

// TestUndoDiesAnywhere kills the process at every step of an undo: in the end it was done
// once, and both actions say so.
func TestUndoDiesAnywhere(t *testing.T) {
	for at := 1; ; at++ {
		w, f := finished(t)
		private, _ := keyOf("slack")
		c := w.command(access.VerbUndo, "alice", func(c *access.Command) { w.about(f, "")(c); c.Reason = "it was needed" })
		raw, err := access.Seal(c, private)
		if err != nil {
			t.Fatal(err)
		}
		id := w.action(f).ID + "-undo"
		effects := w.count("effect")
		w.steps, w.dieAt = 0, at
		published := w.now
		died := w.dies(func() {
			if err := w.stage().Command(t.Context(), scope, raw, published); err != nil {
				t.Errorf("step %d: command: %v", at, err)
			}
			if err := w.stage().Act(t.Context(), access.Act{Scope: scope, Action: id}); err != nil {
				t.Errorf("step %d: act: %v", at, err)
			}
		})
		for range 10 {
			if err := w.stage().Command(t.Context(), scope, raw, published); err != nil {
				t.Errorf("step %d: again: %v", at, err)
			}
			w.now = w.now.Add(time.Minute)
			w.after(id)
		}
		if u := w.stored(id); u.State != access.ActionVerified && u.State != access.ActionSuperseded || w.action(f).State != access.ActionUndone || w.count("effect") != effects+1 {
			t.Errorf("died %s: undo is %s: %s; what it takes back is %s; %d effects", died, u.State, u.Why, w.action(f).State, w.count("effect")-effects)
		}
		if died == "" {
			if at < 10 {
				t.Errorf("only %d steps", at)
			}
			return
		}
	}
}

// dies runs something until it ends or its process dies.
func (w *world) dies(do func()) (died string) {
	defer func() {
		if r := recover(); r != nil {
			k, ok := r.(killed)
			if !ok {
				panic(fmt.Sprint(r))
			}
			died = k.at
			select {
			case <-w.held: // the lock ends by itself
			default:
			}
		}
	}()
	do()
	return ""
}
