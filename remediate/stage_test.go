package remediate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const world0 = "0.0.0.0/0"

// open is a world whose prod project was just opened to everybody.
func open(t *testing.T) (*world, access.Finding) {
	w := newWorld(t)
	w.let(world0, "203.0.113.0/28")
	return w, w.add(entryFinding(world0))
}

func TestRevert(t *testing.T) {
	w, f := open(t)
	if _, err := w.act(f); err != nil {
		t.Fatal(err)
	}
	a := w.action(f)
	want := []string{"action running", "request delete_access_entry 0.0.0.0/0", "effect delete_access_entry 0.0.0.0/0", "action verifying", "action verified"}
	if d := cmp.Diff(want, w.log); d != "" {
		t.Errorf("order of things (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"intent running", "decision verifying", "outcome verified"}, w.facts()); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	if a.Outcome.ExposedFrom != f.CauseAt || a.Outcome.ExposedUntil != t0 || a.Outcome.Logins.Succeeded != 10 || len(a.Outcome.Requests) != 1 {
		t.Errorf("outcome %+v", a.Outcome)
	}
	if a.Plan.Inverse[0].Entry.Comment != "for 0.0.0.0/0" || a.PlanHash == "" || a.Do != access.ModeRevert {
		t.Errorf("action %+v", a)
	}
	if _, ok := w.entries["203.0.113.0/28"]; !ok {
		t.Error("the other entry is gone")
	}
}

// TestEndsWithoutWriting holds all that ends without a write although a person may want one.
func TestEndsWithoutWriting(t *testing.T) {
	old := access.CustomRole{Role: "sly", Inherits: grants("read")}
	for _, c := range []struct {
		name  string
		set   func(w *world, f *access.Finding)
		state access.ActionState
		guard string
		why   string
	}{
		{"observed", func(w *world, _ *access.Finding) { w.policy.Responses[0].Do = access.ModeObserve }, access.ActionTold, "", "observe"},
		{"nothing matches", func(w *world, _ *access.Finding) { w.policy.Responses = nil }, access.ActionTold, "", "By hand: delete 0.0.0.0/0"},
		{"nobody can be asked", func(w *world, _ *access.Finding) { w.policy.Responses[0].Do = access.ModeApprove }, access.ActionTold, GuardApproval, "names no approvers"},
		{"no environment", func(_ *world, f *access.Finding) { f.Environment = "" }, access.ActionTold, GuardEnvironment, "matches no environment"},
		{"inherited", func(_ *world, f *access.Finding) { f.Origin = access.OriginInherited }, access.ActionTold, GuardInherited, "there before"},
		{"rule asks", func(_ *world, f *access.Finding) { f.Ceiling = access.CeilingAsk }, access.ActionTold, GuardCeiling, "rule does not allow"},
		{"cause unknown", func(_ *world, f *access.Finding) { f.CauseAt = time.Time{} }, access.ActionTold, GuardCeiling, "not known"},
		{"cause old", func(_ *world, f *access.Finding) { f.CauseAt = t0.Add(-25 * time.Hour) }, access.ActionTold, GuardCeiling, "more than a day"},
		{"dry run", func(w *world, _ *access.Finding) { w.policy.DryRun = true }, access.ActionRefused, GuardDryRun, "otherwise it would delete 0.0.0.0/0"},
		{"dry run, read denied", func(w *world, _ *access.Finding) { w.policy.DryRun = true; w.fault = denied }, access.ActionRefused, GuardDryRun, "not known"},
		{"dry run, would ask", func(w *world, _ *access.Finding) { w.policy.DryRun = true; w.let("::/0") }, access.ActionRefused, GuardDryRun, "a person would be asked"},
		{"no credentials", func(w *world, _ *access.Finding) { w.canWrite = false }, access.ActionRefused, GuardCredentials, "no credentials"},
		{"last way in", func(w *world, _ *access.Finding) { delete(w.entries, "203.0.113.0/28") }, access.ActionTold, GuardLastWayIn, "no other way in"},
		{"own address", func(w *world, _ *access.Finding) { w.policy.Own.Addresses = []string{"198.51.100.7/32"} }, access.ActionTold, GuardOwnAccess, "198.51.100.7"},
		{"never touched", func(w *world, _ *access.Finding) { w.policy.NeverTouch = []string{scope.ID()} }, access.ActionRefused, GuardNeverTouch, "never touched"},
		{"rest is the world", func(w *world, _ *access.Finding) { w.let("::/0") }, access.ActionTold, GuardCeiling, "still be the whole internet"},
		{"over already", func(_ *world, f *access.Finding) { f.State, f.Resolution = access.FindingResolved, "deleted" }, access.ActionSuperseded, "", "deleted"},
		{"opened and closed between reads", func(_ *world, f *access.Finding) {
			f.State, f.Evidence.Ended = access.FindingResolved, f.CauseAt.Add(5*time.Minute)
		}, access.ActionTold, "", "over by itself"},
		{"through a custom role", func(_ *world, f *access.Finding) {
			f.Remedy, f.Evidence.Before = RemedyRestoreRoles, access.Box{State: old}
			f.Ceiling = access.CeilingAsk
		}, access.ActionTold, GuardCeiling, "it inherited read@admin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := open(t)
			w.change(f, func(f *access.Finding) { c.set(w, f) })
			a := w.settle(f)
			if a.State != c.state || a.Guard != c.guard || !strings.Contains(a.Why, c.why) {
				t.Errorf("got %s by %q: %s", a.State, a.Guard, a.Why)
			}
			if n := w.count("request"); n != 0 {
				t.Errorf("%d requests", n)
			}
			if a.Ceiling == access.CeilingAuto && a.State == access.ActionTold {
				t.Error("told with a ceiling of auto")
			}
			before := len(w.log)
			w.policy.DryRun, w.canWrite, w.fault = false, true, nil
			w.policy.Responses = []access.Response{{Do: access.ModeRevert}}
			if _, err := w.act(f); err != nil || len(w.log) != before {
				t.Errorf("a later configuration moved an ended action: %v, %v", err, w.log[before:])
			}
		})
	}
}

func denied(access.Kind) access.Reading {
	return access.Reading{Status: access.StatusDenied, Reason: "403"}
}

func TestTransientOutcome(t *testing.T) {
	w, f := open(t)
	w.change(f, func(f *access.Finding) {
		f.Remedy, f.State, f.Evidence.Ended = RemedyNone, access.FindingOpen, f.CauseAt.Add(5*time.Minute)
	})
	a := w.settle(f)
	if a.Outcome.ExposedUntil.Sub(a.Outcome.ExposedFrom) != 5*time.Minute || a.Outcome.Logins.Succeeded != 5 {
		t.Errorf("outcome %+v", a.Outcome)
	}
}

// TestWaits holds the guards that wait: nothing is written while they refuse, and the
// action goes on by itself afterwards.
func TestWaits(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(w *world, f *access.Finding)
		unset func(w *world)
		guard string
	}{
		{"denied", func(w *world, _ *access.Finding) { w.fault = denied }, func(w *world) { w.fault = nil }, GuardUnknown},
		{"suspect", func(w *world, _ *access.Finding) {
			w.fault = func(access.Kind) access.Reading { return access.Reading{Status: access.StatusSuspect} }
		}, func(w *world) { w.fault = nil }, GuardSuspect},
		{"odd element", func(w *world, _ *access.Finding) {
			w.fault = func(access.Kind) access.Reading {
				return access.Reading{Status: access.StatusComplete, Odd: []string{"x"}}
			}
		}, func(w *world) { w.fault = nil }, GuardUnknown},
		{"empty list", func(w *world, _ *access.Finding) {
			w.fault = func(access.Kind) access.Reading { return access.Reading{Status: access.StatusComplete} }
		}, func(w *world) { w.fault = nil }, ""},
		{"cannot be judged", func(w *world, _ *access.Finding) { w.unsure = true }, func(w *world) { w.unsure = false }, GuardUnknown},
		{"skew", func(w *world, _ *access.Finding) { w.skew = -6 * time.Second }, func(w *world) { w.skew = 0 }, GuardSkew},
		{"settle", func(_ *world, f *access.Finding) { f.Severity, f.CauseAt = access.High, t0.Add(-time.Second) }, func(w *world) { w.now = w.now.Add(90 * time.Second) }, GuardSettle},
		{"project cap", func(w *world, _ *access.Finding) { w.policy.Caps.ProjectHour = 0 }, func(w *world) { w.policy.Caps.ProjectHour = 1 }, GuardCapProject},
		{"org cap", func(w *world, _ *access.Finding) { w.policy.Caps.OrgHour = 0 }, func(w *world) { w.policy.Caps.OrgHour = 1 }, GuardCapOrg},
		{"org unknown", func(w *world, _ *access.Finding) { w.policy.Org = nil }, func(w *world) { w.policy.Org = func(access.Scope) string { return orgID } }, GuardCapOrg},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := open(t)
			w.change(f, func(f *access.Finding) { c.set(w, f) })
			for range 3 {
				if _, err := w.act(f); err != nil {
					t.Fatal(err)
				}
				a := w.action(f)
				if a.State != access.ActionProposed || a.Guard != c.guard || !a.Wake.After(w.now) || a.Why == "" {
					t.Fatalf("got %s by %q, wake %s: %s", a.State, a.Guard, a.Wake, a.Why)
				}
				if c.guard != GuardSettle {
					w.now = a.Wake
				}
			}
			if d := cmp.Diff([]string{"decision proposed"}, w.facts()); d != "" {
				t.Errorf("the same reason again is no new fact (-want +got):\n%s", d)
			}
			c.unset(w)
			if a := w.settle(f); a.State != access.ActionVerified || w.count("effect") != 1 {
				t.Errorf("in the end %s: %s", a.State, a.Why)
			}
		})
	}
}

func TestLockHeld(t *testing.T) {
	w, f := open(t)
	w.held <- struct{}{}
	if _, err := w.act(f); !errors.Is(err, access.ErrTemporary) || w.count("") != 0 {
		t.Errorf("with the lock held by another: %v, %v", err, w.log)
	}
}

func TestLeaseTooShort(t *testing.T) {
	w, f := open(t)
	w.lease = requestTimeout
	if _, err := w.act(f); err != nil || w.count("request") != 0 {
		t.Errorf("%v, %v", err, w.log)
	}
	if a := w.action(f); a.State != access.ActionRunning || !a.Wake.After(w.now) {
		t.Errorf("got %s, wake %s: %s", a.State, a.Wake, a.Why)
	}
	w.lease = time.Minute
	if a := w.settle(f); a.State != access.ActionVerified {
		t.Errorf("got %s: %s", a.State, a.Why)
	}
}

func TestSomebodyWasFaster(t *testing.T) {
	w, f := open(t)
	delete(w.entries, world0)
	if _, err := w.act(f); err != nil {
		t.Fatal(err)
	}
	if a := w.action(f); a.State != access.ActionProposed || w.count("request") != 0 {
		t.Fatalf("a clean read: %s: %s", a.State, a.Why)
	}
	w.change(f, func(f *access.Finding) { f.State, f.Resolution = access.FindingResolved, "deleted by alice" })
	if a := w.settle(f); a.State != access.ActionSuperseded || !strings.Contains(a.Why, "alice") || w.count("request") != 0 {
		t.Errorf("got %s: %s", a.State, a.Why)
	}
}

func TestWaivedWhileProposed(t *testing.T) {
	w, f := open(t)
	w.unsure = true
	if _, err := w.act(f); err != nil {
		t.Fatal(err)
	}
	w.unsure = false
	w.change(f, func(f *access.Finding) { f.State = access.FindingWaived })
	if a := w.settle(f); a.State != access.ActionSuperseded || w.count("request") != 0 {
		t.Errorf("got %s: %s", a.State, a.Why)
	}
}

func TestErrorsOfWrites(t *testing.T) {
	once := func(err error) func(access.Operation) error {
		n := 0
		return func(access.Operation) error {
			if n++; n == 1 {
				return err
			}
			return nil
		}
	}
	for _, c := range []struct {
		name  string
		set   func(w *world)
		state access.ActionState
		why   string
	}{
		{"temporary, before", func(w *world) { w.refuse = once(fmt.Errorf("503: %w", access.ErrTemporary)) }, access.ActionVerified, "done"},
		{"temporary, after", func(w *world) { w.lose = once(fmt.Errorf("cut: %w", access.ErrTemporary)) }, access.ActionVerified, "done"},
		{"timeout, after", func(w *world) { w.lose = once(context.DeadlineExceeded) }, access.ActionVerified, "done"},
		{"gone", func(w *world) { w.lose = once(access.ErrGone) }, access.ActionVerified, "done"},
		{"forbidden once", func(w *world) { w.refuse = once(fmt.Errorf("401: %w", access.ErrForbidden)) }, access.ActionVerified, "done"},
		{"forbidden", func(w *world) {
			w.refuse = func(access.Operation) error { return fmt.Errorf("403: %w", access.ErrForbidden) }
		}, access.ActionFailed, "give the credential"},
		{"refused", func(w *world) { w.refuse = once(errors.New("400")) }, access.ActionFailed, "by hand"},
		{"no effect", func(w *world) { w.stubborn = true }, access.ActionFailed, "not confirmed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := open(t)
			c.set(w)
			a := w.settle(f)
			if a.State != c.state || !strings.Contains(a.Why, c.why) || w.count("effect") > 1 {
				t.Errorf("got %s: %s\n%s", a.State, a.Why, strings.Join(w.log, "\n"))
			}
			if n := rounds(a); n > maxRounds {
				t.Errorf("%d intents", n)
			}
		})
	}
}

// TestReadBackEmpty: an empty answer after the deletion is not taken for the list.
func TestReadBackEmpty(t *testing.T) {
	w, f := open(t)
	w.lose = func(access.Operation) error {
		w.fault = func(access.Kind) access.Reading { return access.Reading{Status: access.StatusComplete} }
		return nil
	}
	if _, err := w.act(f); err != nil {
		t.Fatal(err)
	}
	if a := w.action(f); a.State != access.ActionVerifying || !strings.Contains(a.Why, "empty") {
		t.Fatalf("got %s: %s", a.State, a.Why)
	}
	w.fault = nil
	if a := w.settle(f); a.State != access.ActionVerified || w.count("request") != 1 {
		t.Errorf("got %s: %s", a.State, a.Why)
	}
}

// TestReadded: what is added again while its deletion is read back is planned for anew.
func TestReadded(t *testing.T) {
	w, f := open(t)
	n := 0
	w.lose = func(access.Operation) error {
		if n++; n == 1 {
			w.let(world0)
		}
		return nil
	}
	a := w.settle(f)
	if a.State != access.ActionVerified || rounds(a) != 2 || len(a.Outcome.Requests) != 2 {
		t.Errorf("got %s after %d intents: %v", a.State, rounds(a), a.Outcome.Requests)
	}
}

// TestHalves: a plan of two deletions is carried out whole, although the violation is
// over after the first, and although the finding resolves meanwhile.
func TestHalves(t *testing.T) {
	for _, resolve := range []bool{false, true} {
		t.Run(fmt.Sprint("resolved meanwhile ", resolve), func(t *testing.T) {
			w := newWorld(t)
			w.let("0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/28")
			f := w.add(unionFinding("0.0.0.0/1", "128.0.0.0/1"))
			n := 0
			w.refuse = func(access.Operation) error {
				if n++; n == 2 {
					return fmt.Errorf("503: %w", access.ErrTemporary)
				}
				return nil
			}
			if _, err := w.act(f); err != nil {
				t.Fatal(err)
			}
			if a := w.action(f); a.State != access.ActionRunning || len(a.Outcome.Requests) != 1 {
				t.Fatalf("got %s: %v", a.State, a.Outcome.Requests)
			}
			if resolve {
				w.change(f, func(f *access.Finding) { f.State = access.FindingResolved })
			}
			if a := w.settle(f); a.State != access.ActionVerified || len(a.Plan.Inverse) != 2 {
				t.Errorf("got %s: %s", a.State, a.Why)
			}
			if d := cmp.Diff([]string{"203.0.113.0/28"}, keys(w.entries)); d != "" {
				t.Error(d)
			}
		})
	}
}

func keys(m map[string]access.IPAccessEntry) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestEpisodes: a new episode ends the action of the one before, also when others came
// and went in between while nobody could look.
func TestEpisodes(t *testing.T) {
	for _, next := range []int{2, 4} {
		w, f := open(t)
		w.fault = denied
		if _, err := w.act(f); err != nil {
			t.Fatal(err)
		}
		w.fault = nil
		w.change(f, func(f *access.Finding) { f.Episode = next })
		if a := w.settle(f); a.State != access.ActionVerified || a.ID != access.ActionID(f.ID, next) {
			t.Errorf("got %s of %s", a.State, a.ID)
		}
		first, _, err := w.actions.Get(t.Context(), access.ActionID(f.ID, 1))
		if err != nil || first.State != access.ActionSuperseded {
			t.Errorf("the action of episode 1, in episode %d: %s, %v", next, first.State, err)
		}
	}
}

func TestCapsCountActionsOnce(t *testing.T) {
	w := newWorld(t)
	w.policy.Caps.ProjectHour = 2
	var fs []access.Finding
	for i, v := range []string{"1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8"} {
		u := user([]string{"atlasAdmin"}, "main")
		u.Username = fmt.Sprint("app", i, v)
		before := u
		before.Roles = grants("read")
		w.users[u.Name()] = u
		fs = append(fs, w.add(userFinding("dbuser/atlas-admin-app", RemedyRestoreRoles, before, u)))
	}
	for range 3 {
		for _, f := range fs {
			if _, err := w.act(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.count("effect") != 2 || w.action(fs[2]).Guard != GuardCapProject {
		t.Errorf("%d effects, the third by %q", w.count("effect"), w.action(fs[2]).Guard)
	}
	w.now = w.action(fs[2]).Wake
	if a := w.settle(fs[2]); a.State != access.ActionVerified {
		t.Errorf("after the hour: %s: %s", a.State, a.Why)
	}
}

func TestIntents(t *testing.T) {
	w, f := open(t)
	var during int
	w.refuse = func(access.Operation) error {
		w.mu.Unlock()
		defer w.mu.Lock()
		in, err := w.stage().Intents(t.Context(), scope)
		if err != nil {
			t.Error(err)
		}
		during = len(in)
		return nil
	}
	w.settle(f)
	in, err := w.stage().Intents(t.Context(), scope)
	if err != nil || during != 1 || len(in) != 1 || in[0].Operation.Ref.Name != world0 || in[0].Action != access.ActionID(f.ID, 1) {
		t.Errorf("%d while writing, then %v, %v", during, in, err)
	}
	w.now = w.now.Add(time.Hour)
	if in, err = w.stage().Intents(t.Context(), scope); err != nil || len(in) != 0 {
		t.Errorf("an hour later: %v, %v", in, err)
	}
}

// TestPlanAnew: what a running action's plan rests on has changed; it gets an intent of
// its own, a bounded number of times.
func TestPlanAnew(t *testing.T) {
	w, f := open(t)
	n := 0
	w.refuse = func(access.Operation) error {
		n++
		w.entries[world0] = access.IPAccessEntry{Entry: world0, Comment: fmt.Sprint("edit ", n)}
		return fmt.Errorf("503: %w", access.ErrTemporary)
	}
	if a := w.settle(f); a.State != access.ActionStale || a.Guard != GuardStalePlan || rounds(a) != maxRounds || n != maxRounds {
		t.Errorf("got %s after %d intents and %d requests", a.State, rounds(a), n)
	}
}

// TestDeath kills the process at every step of every story, once or again at the step
// after it, and wants the same end: the effects once, each after its intent.
func TestDeath(t *testing.T) {
	stories := map[string]func(w *world) access.Finding{
		"entry": func(w *world) access.Finding { w.let(world0, "203.0.113.0/28"); return w.add(entryFinding(world0)) },
		"halves": func(w *world) access.Finding {
			w.let("0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/28")
			return w.add(unionFinding("0.0.0.0/1", "128.0.0.0/1"))
		},
		"settling": func(w *world) access.Finding {
			u := user([]string{"read"})
			w.users[u.Name()] = u
			f := userFinding("dbuser/unscoped", RemedyRestoreScopes, user([]string{"read"}, "main"), u)
			f.Severity, f.CauseAt = access.High, t0
			return w.add(f)
		},
		"roles": func(w *world) access.Finding {
			u := user([]string{"sly"}, "main")
			w.users[u.Name()] = u
			return w.add(userFinding("dbuser/atlas-admin-app", RemedyRestoreRoles, user([]string{"read"}, "main"), u))
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			clean := newWorld(t)
			clean.settle(story(clean))
			for first := 1; first <= clean.steps; first++ {
				for second := 0; second <= 3; second++ {
					survives(t, story, clean, first, second)
				}
			}
		})
	}
}

func survives(t *testing.T, story func(*world) access.Finding, clean *world, first, second int) {
	t.Helper()
	w := newWorld(t)
	f := story(w)
	for _, dieAt := range []int{first, second} {
		w.steps, w.dieAt = 0, dieAt
		for range 3 {
			died, _ := w.act(f)
			if died != "" {
				break
			}
			if a := w.action(f); a.Wake.After(w.now) {
				w.now = a.Wake
			}
		}
	}
	w.dieAt = 0
	a := w.settle(f)
	if a.State != access.ActionVerified || w.count("effect") != clean.count("effect") || len(a.Outcome.Requests) != clean.count("request") {
		t.Errorf("died at %d and %d: %s: %s\n%s", first, second, a.State, a.Why, strings.Join(w.log, "\n"))
	}
	intent := slices.Index(w.log, "action running")
	if write := slices.IndexFunc(w.log, func(l string) bool { return strings.HasPrefix(l, "request") }); intent < 0 || write < intent {
		t.Errorf("died at %d and %d: a write without an intent:\n%s", first, second, strings.Join(w.log, "\n"))
	}
	if d := cmp.Diff(clean.entries, w.entries); d != "" {
		t.Error(d)
	}
}

// TestDeathUnderFix: the process dies anywhere, and before anybody looks again the
// violation is put right by a person and resolves: nothing is written then.
func TestDeathUnderFix(t *testing.T) {
	for step := 1; step <= 12; step++ {
		w, f := open(t)
		w.dieAt = step
		died, _ := w.act(f)
		delete(w.entries, world0)
		before := w.count("request")
		w.change(f, func(f *access.Finding) { f.State = access.FindingResolved })
		a := w.settle(f)
		if w.count("request") != before || !a.State.Done() {
			t.Errorf("died %s: %d requests after a clean read, %s", died, w.count("request")-before, a.State)
		}
	}
}

func TestTwoExecutors(t *testing.T) {
	for range 20 {
		w, f := open(t)
		s := w.stage()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					if err := s.Act(t.Context(), access.Act{Scope: scope, Finding: f.ID}); err == nil {
						return
					} else if !errors.Is(err, access.ErrTemporary) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if a := w.settle(f); a.State != access.ActionVerified || w.count("request") != 1 {
			t.Errorf("%s after %d requests", a.State, w.count("request"))
		}
	}
}

// TestWhileRunning: what may happen between a write that was not answered and the next
// look at the action.
func TestWhileRunning(t *testing.T) {
	for _, c := range []struct {
		name  string
		made  bool // the write had its effect
		set   func(w *world, f *access.Finding)
		unset func(w *world)
		state access.ActionState
		sent  int
	}{
		{"nothing", false, nil, nil, access.ActionVerified, 2},
		{"dry run is turned on", false, func(w *world, _ *access.Finding) { w.policy.DryRun = true }, nil, access.ActionRefused, 1},
		{"dry run is turned on, though written", true, func(w *world, _ *access.Finding) { w.policy.DryRun = true }, nil, access.ActionVerified, 1},
		{"unknown", false, func(w *world, _ *access.Finding) { w.fault = denied }, func(w *world) { w.fault = nil }, access.ActionVerified, 2},
		{"unknown for a day", false, func(w *world, _ *access.Finding) { w.fault = denied; w.now = t0.Add(25 * time.Hour) }, nil, access.ActionTold, 1},
		{"resolved by our own write, then unknown", true, func(w *world, f *access.Finding) { w.fault, f.State = denied, access.FindingResolved }, func(w *world) { w.fault = nil }, access.ActionVerified, 1},
		{"waived", false, func(_ *world, f *access.Finding) { f.State = access.FindingWaived }, nil, access.ActionSuperseded, 1},
		{"resolved", false, func(w *world, f *access.Finding) { f.State = access.FindingResolved; w.let("1.2.3.4/32") }, nil, access.ActionSuperseded, 1},
		{"opened anew", false, func(_ *world, f *access.Finding) { f.Episode = 2 }, nil, access.ActionVerified, 2},
		{"last way in by now", false, func(w *world, _ *access.Finding) { delete(w.entries, "203.0.113.0/28") }, nil, access.ActionTold, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := open(t)
			w.stubborn = !c.made
			n := 0
			w.lose = func(access.Operation) error {
				if n++; n == 1 {
					return fmt.Errorf("cut: %w", access.ErrTemporary)
				}
				return nil
			}
			if _, err := w.act(f); err != nil || w.action(f).State != access.ActionRunning {
				t.Fatalf("%v, %s", err, w.action(f).State)
			}
			w.stubborn = false
			if c.set != nil {
				w.change(f, func(f *access.Finding) { c.set(w, f) })
			}
			if c.unset != nil {
				for range 3 {
					if _, err := w.act(f); err != nil || w.action(f).State != access.ActionRunning {
						t.Fatalf("%v, %s: %s", err, w.action(f).State, w.action(f).Why)
					}
				}
				c.unset(w)
			}
			if a := w.settle(f); a.State != c.state || w.count("request") != c.sent {
				t.Errorf("got %s after %d requests: %s", a.State, w.count("request"), a.Why)
			}
			in, err := w.stage().Intents(t.Context(), scope)
			if want := c.state == access.ActionVerified; err != nil || (len(in) > 0) != want {
				t.Errorf("our own writes: %v, %v", in, err)
			}
		})
	}
}

// TestNewer: a document of a newer program is left alone.
func TestNewer(t *testing.T) {
	w, f := open(t)
	id := access.ActionID(f.ID, 1)
	w.actions.docs[id], w.actions.revs[id] = []byte(`{"v":2,"id":"x","state":"proposed"}`), 1
	if _, err := w.act(f); err == nil || w.count("") != 0 {
		t.Errorf("%v, %v", err, w.log)
	}
}

// TestHalfInDoubt: the answer to the first of two deletions is lost. It is not sent again
// when it shows, and the second one is not ours to make when a person made it.
func TestHalfInDoubt(t *testing.T) {
	for _, c := range []struct {
		name   string
		made   bool
		person string // deletes this one meanwhile
		state  access.ActionState
		sent   int
		left   []string
	}{
		{"made", true, "", access.ActionVerified, 2, []string{"203.0.113.0/28"}},
		{"not made", false, "", access.ActionVerified, 3, []string{"203.0.113.0/28"}},
		{"not made, a person deletes the other half", false, "128.0.0.0/1", access.ActionSuperseded, 1, []string{"0.0.0.0/1", "203.0.113.0/28"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.let("0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/28")
			f := w.add(unionFinding("0.0.0.0/1", "128.0.0.0/1"))
			w.stubborn = !c.made
			w.lose = func(access.Operation) error {
				w.lose, w.stubborn = nil, false
				return fmt.Errorf("cut: %w", access.ErrTemporary)
			}
			if _, err := w.act(f); err != nil {
				t.Fatal(err)
			}
			if c.person != "" {
				delete(w.entries, c.person)
				if _, err := w.act(f); err != nil {
					t.Fatal(err)
				}
				w.change(f, func(f *access.Finding) { f.State = access.FindingResolved })
			}
			if a := w.settle(f); a.State != c.state || w.count("request") != c.sent {
				t.Errorf("got %s after %d requests: %s", a.State, w.count("request"), a.Why)
			}
			if d := cmp.Diff(c.left, keys(w.entries)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestStands: who has lost the race does not write.
func TestStands(t *testing.T) {
	step := func(to ...access.ActionState) access.Action {
		a := access.Action{V: access.Version}
		for _, s := range to {
			a.State, a.Steps = s, append(a.Steps, access.Step{To: s})
		}
		return a
	}
	tried := step(access.ActionRunning)
	tried.Attempts = 1
	sent := step(access.ActionRunning)
	sent.Outcome.Requests = []string{"one"}
	newer := step(access.ActionRunning)
	newer.V++
	for _, c := range []struct {
		name   string
		loaded access.Action
		stored access.Action
		rev    uint64
		want   bool
	}{
		{"new", step(), access.Action{}, 0, true},
		{"new, and another was first", step(), step(access.ActionProposed), 2, false},
		{"unmoved", step(access.ActionProposed), step(access.ActionProposed), 4, true},
		{"moved", step(access.ActionProposed), step(access.ActionProposed, access.ActionRunning), 4, false},
		{"moved and back", step(access.ActionRunning), step(access.ActionRunning, access.ActionVerifying, access.ActionProposed, access.ActionRunning), 4, false},
		{"tried again", step(access.ActionRunning), tried, 4, false},
		{"sent one", step(access.ActionRunning), sent, 4, false},
		{"by a newer program", step(access.ActionRunning), newer, 4, false},
		{"vanished", step(access.ActionRunning), access.Action{}, 0, false},
	} {
		if got := stands(c.loaded, c.stored, c.rev); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	w, f := open(t)
	a := newAction(f, access.Response{}, t0)
	if err := w.stage().move(t.Context(), a, access.ActionTold, "first", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.stage().move(t.Context(), a, access.ActionTold, "second", nil); !errors.Is(err, access.ErrTemporary) || w.action(f).Why != "first" {
		t.Errorf("the second: %v, stored %q", err, w.action(f).Why)
	}
}

// TestChangedAfterwards: what was written is changed by somebody else before it is read
// back. Well is well, though not as written; and a user that is gone is no violation.
func TestChangedAfterwards(t *testing.T) {
	for name, change := range map[string]func(w *world, u access.DatabaseUser){
		"other roles": func(w *world, u access.DatabaseUser) { u.Roles = grants("backup"); w.users[u.Name()] = u },
		"deleted":     func(w *world, u access.DatabaseUser) { delete(w.users, u.Name()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			u := user([]string{"atlasAdmin"}, "main")
			w.users[u.Name()] = u
			f := w.add(userFinding("dbuser/atlas-admin-app", RemedyRestoreRoles, user([]string{"read"}, "main"), u))
			w.lose = func(access.Operation) error { change(w, u); return nil }
			if a := w.settle(f); a.State != access.ActionSuperseded || w.count("request") != 1 || !strings.Contains(a.Why, "not as written") {
				t.Errorf("got %s after %d requests: %s", a.State, w.count("request"), a.Why)
			}
		})
	}
}
