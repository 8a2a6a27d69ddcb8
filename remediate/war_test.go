package remediate

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestFlips: changes that came after we had put the resource right are counted, once each,
// whatever rules we had gone by.
func TestFlips(t *testing.T) {
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	entry := access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: world0}
	bob, ci := access.Actor{Type: access.ActorHuman, Name: "bob@example.com"}, machine("ci")
	act := func(cause, verified int) access.Action { return was(entry, bob, at(cause), at(verified)) }
	for _, c := range []struct {
		name  string
		past  []access.Action
		cause int
		want  int
	}{
		{"nothing before", nil, 100, 0},
		{"put back once", []access.Action{act(10, 12)}, 100, 1},
		{"put back twice", []access.Action{act(10, 12), act(50, 52)}, 100, 2},
		{"in another order", []access.Action{act(50, 52), act(10, 12)}, 100, 2},
		{"two rules answer one change", []access.Action{act(10, 12), act(10, 19)}, 100, 1},
		{"two rules answer one change within its second", []access.Action{act(10, 10), act(10, 10)}, 10, 0},
		{"two rules answer every change", []access.Action{act(10, 12), act(10, 13), act(50, 52), act(50, 55)}, 100, 2},
		{"two changes before the first answer", []access.Action{act(10, 20), act(15, 25)}, 100, 1},
		{"put back before the slower rule had answered", []access.Action{act(10, 40), act(10, 12), act(20, 41)}, 100, 2},
		{"put back within a second", []access.Action{act(10, 12)}, 12, 1},
		{"the change that was answered", []access.Action{act(10, 12)}, 10, 0},
		{"not verified", []access.Action{{Ref: entry, Outcome: access.Outcome{ExposedFrom: at(10)}}}, 100, 0},
		{"over an hour ago", []access.Action{act(-3700, -3600), act(-3599, -3598)}, 100, 1},
	} {
		k := kase(entryFinding(world0), list(world0)...)
		k.Now, k.Past, k.Finding.CauseAt, k.Finding.Actor = at(0), c.past, at(c.cause), ci
		if n, _ := flips(k, time.Hour); n != c.want {
			t.Errorf("%s: %d, want %d", c.name, n, c.want)
		}
	}
	k := kase(entryFinding(world0), list(world0)...)
	k.Now, k.Finding.CauseAt, k.Finding.Actor = at(200), at(190), ci
	k.Past = []access.Action{act(10, 12), was(entry, access.Actor{}, at(50), at(52)), was(entry, ci, at(100), at(102))}
	if n, by := flips(k, time.Hour); n != 3 || by != "service account ci and somebody whom the feed does not name" {
		t.Errorf("%d flips by %s", n, by)
	}
	delegated := access.Actor{Type: access.ActorDelegated, Name: "app", OnBehalfOf: "bob@example.com", Principal: "bob"}
	if got := called(delegated); got != "app on behalf of bob@example.com (bob)" {
		t.Error(got)
	}
}

// fight makes the same world again and again, as an automation does, and says how each
// episode ended.
func (w *world) fight(fs []access.Finding, rounds int, pause time.Duration) (last access.Action) {
	for i := range rounds {
		for _, f := range fs {
			if i > 0 {
				w.again(f, 0)
			}
		}
		w.let(world0)
		for _, f := range fs {
			last = w.settle(f)
		}
		for _, f := range fs { // what a sweep sees
			w.change(f, func(f *access.Finding) { f.State, f.Resolution = access.FindingResolved, "gone" })
		}
		w.now = w.now.Add(pause)
		for _, f := range fs {
			w.change(f, func(f *access.Finding) { f.State = access.FindingOpen })
		}
	}
	return last
}

// TestWar: three times we put it right; the third time that it is put back we stop, and stay
// so until nothing was put back for an hour. A new process knows all of it.
func TestWar(t *testing.T) {
	w, f := open(t)
	w.policy.Guards.War = access.War{Flips: 3, Window: time.Hour}
	w.policy.Caps = Caps{1000, 1000}
	w.change(f, func(f *access.Finding) { f.Actor = machine("operator") })
	if a := w.fight([]access.Finding{f}, 3, 5*time.Minute); a.State != access.ActionVerified || w.count("effect") != 3 {
		t.Fatalf("%s: %s", a.State, a.Why)
	}
	for i := range 30 { // a new stage each time, and long after the first three are out of the window
		w.again(f, 5*time.Minute)
		w.let(world0)
		a := w.settle(f)
		if a.State != access.ActionTold || a.Guard != GuardWar || !strings.Contains(a.Why, "service account operator") || w.count("effect") != 3 {
			t.Fatalf("episode %d: %s by %q: %s", 4+i, a.State, a.Guard, a.Why)
		}
	}
	w.again(f, time.Hour)
	if a := w.settle(f); a.State != access.ActionVerified || w.count("effect") != 4 {
		t.Errorf("after an hour of peace: %s by %q: %s", a.State, a.Guard, a.Why)
	}
}

// TestWarOfSeveralRules: what counts is the resource, and not the finding; and one change
// that two rules find is one.
func TestWarOfSeveralRules(t *testing.T) {
	w, f := open(t)
	w.policy.Guards.War = access.War{Flips: 3, Window: time.Hour}
	w.policy.Caps = Caps{1000, 1000}
	g := w.add(access.Finding{Rule: "network/open-to-world", Remedy: RemedyDeleteEntries, Key: "x",
		Ref: access.Ref{Kind: access.KindProject, Name: scope.ID()}, Evidence: access.Evidence{Causes: []access.Ref{f.Ref}}})
	var ends []string
	for i := range 5 { // now the one rule is first, now the other
		fs := []access.Finding{f, g}
		if i%2 == 1 {
			fs = []access.Finding{g, f}
		}
		if i > 0 {
			w.again(f, 0)
			w.again(g, 5*time.Minute)
			w.change(f, func(f *access.Finding) { f.CauseAt = w.now })
		}
		w.let(world0)
		first := w.settle(fs[0])
		w.change(fs[1], func(f *access.Finding) { f.State = access.FindingResolved })
		w.settle(fs[1])
		w.change(fs[1], func(f *access.Finding) { f.State = access.FindingOpen })
		ends = append(ends, string(first.State)+" "+first.Guard)
	}
	if got := strings.Join(ends, ", "); got != "verified , verified , verified , told war, told war" {
		t.Errorf("%s\n%s", got, strings.Join(w.log, "\n"))
	}
}

// TestNoWar: what is put back now and then, and what nobody bounds, is put right each time.
func TestNoWar(t *testing.T) {
	for _, c := range []struct {
		war   access.War
		pause time.Duration
	}{
		{access.War{Flips: 3, Window: time.Hour}, 31 * time.Minute},
		{access.War{}, time.Minute},
		{access.War{Flips: 3}, time.Minute},
		{access.War{Flips: 6, Window: time.Hour}, time.Minute},
	} {
		w, f := open(t)
		w.policy.Guards.War, w.policy.Caps = c.war, Caps{1000, 1000}
		if a := w.fight([]access.Finding{f}, 6, c.pause); a.State != access.ActionVerified || w.count("effect") != 6 {
			t.Errorf("%+v every %s: %s by %q: %s, %d effects", c.war, c.pause, a.State, a.Guard, a.Why, w.count("effect"))
		}
	}
}
