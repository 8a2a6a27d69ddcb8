package daemon

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// onStage plays a race on the stage of the world tests.
func onStage(t *testing.T, play func(t *testing.T, s *stage)) {
	t.Helper()
	inWorld(t, read(t, "testdata/world.yaml"), play)
}

func inWorld(t *testing.T, world string, play func(t *testing.T, s *stage)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir, world, read(t, "testdata/config.yaml"))
		play(t, s)
		s.stop()
	})
}

func (s *stage) steps(lines ...string) {
	s.t.Helper()
	for _, l := range lines {
		if err := s.step(l); err != nil {
			s.t.Fatalf("%s: %v", l, err)
		}
	}
}

// effectsOfOurs are our effects as "operation target".
func (s *stage) effectsOfOurs() (out []string) {
	for _, e := range s.atlas.Effects() {
		if e.ByHTTP {
			out = append(out, e.OperationID+" "+e.Target)
		}
	}
	return out
}

// findings are those of one rule and name, the oldest first.
func (s *stage) findings(rule, name string) []access.Finding {
	s.t.Helper()
	synctest.Wait()
	all, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(f access.Finding) bool { return f.Rule != rule || f.Ref.Name != name })
	slices.SortFunc(all, func(a, b access.Finding) int { return a.CauseAt.Compare(b.CauseAt) })
	return all
}

func (s *stage) finding(rule, name string) (access.Finding, bool) {
	s.t.Helper()
	if all := s.findings(rule, name); len(all) > 0 {
		return all[0], true
	}
	return access.Finding{}, false
}

const (
	openWorld  = "network/open-to-world"
	addWorld   = `as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0"}]`
	dropWorld  = `as rajesh@example.com DELETE /groups/{ecommerce-prod}/accessList/0.0.0.0%2F0`
	threeWeeks = 21 * 24 * time.Hour
)

// TestOpenedAndClosedBeforeJudgement has an entry come and go between two polls.
func TestOpenedAndClosedBeforeJudgement(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.steps("at 0s start", "at 61s "+addWorld, "at 63s "+dropWorld, "at 5m nothing")
		if f, ok := s.finding(transientRule, "0.0.0.0/0"); !ok || !f.CauseAt.Equal(s.begin.Add(61*time.Second)) {
			t.Errorf("transient finding = %+v, %t; want one of 61 s", f, ok)
		}
		if got := s.effectsOfOurs(); len(got) > 0 {
			t.Errorf("effects %v of what was over", got)
		}
	})
}

// TestEmptyAnswerForAFullList has Atlas answer 200 with nothing in it, again and again:
// nothing is resolved by it, and what comes back is not new.
func TestEmptyAnswerForAFullList(t *testing.T) {
	world := strings.Replace(read(t, "testdata/world.yaml"), "8.8.8.0/28, comment: application subnets", "0.0.0.0/0, comment: from long ago", 1)
	inWorld(t, world, func(t *testing.T, s *stage) {
		s.steps("at 0s start", "at 3m fault empty200 listGroupAccessListEntries 1", "at 23m nothing", "at 40m fault empty200 listGroupAccessListEntries 1", "at 60m nothing", "at 90m nothing")
		f, ok := s.finding(openWorld, "0.0.0.0/0")
		if !ok || f.State != access.FindingOpen || f.Episode != 1 || f.Origin != access.OriginInherited || f.Unknown != "" {
			t.Errorf("finding = %+v, want it open as it was, inherited, in its first episode", f)
		}
		if got := s.effectsOfOurs(); len(got) > 0 {
			t.Errorf("effects %v on what was there before", got)
		}
	})
}

// TestFirstReadAfterAGap has somebody open the world while the daemon was away for three
// weeks: told, never reverted.
func TestFirstReadAfterAGap(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.steps("at 0s start", "at 5m stop", "at 10m "+addWorld)
		time.Sleep(threeWeeks)
		s.start()
		time.Sleep(30 * time.Minute)
		f, ok := s.finding(openWorld, "0.0.0.0/0")
		if !ok || f.State != access.FindingOpen || f.Origin != access.OriginInherited {
			t.Errorf("finding = %+v, %t; want it open and inherited", f, ok)
		}
		if a, _, err := s.daemon.actions.Get(t.Context(), access.ActionID(f.ID, f.Episode)); err != nil || a.State != access.ActionTold {
			t.Errorf("action = %s, %v; want told", a.State, err)
		}
		if got := s.atlas.Mutations(); len(got) > 0 {
			t.Errorf("%d writes after a gap", len(got))
		}
	})
}

// TestFlipsWithinSeconds opens and closes the world again and again, and leaves it open:
// all of it is told and the last one is put right, once.
func TestFlipsWithinSeconds(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.steps("at 0s start", "at 61s "+addWorld, "at 62s "+dropWorld, "at 63s "+addWorld, "at 64s "+dropWorld, "at 65s "+addWorld, "at 5m nothing")
		if got := s.effectsOfOurs(); len(got) != 1 || got[0] != "deleteGroupAccessListEntry 0.0.0.0/0" {
			t.Errorf("effects %v, want the entry deleted once", got)
		}
		if _, ok := s.finding(openWorld, "0.0.0.0/0"); !ok {
			t.Error("the last opening is not told")
		}
		if got := s.findings(transientRule, "0.0.0.0/0"); len(got) != 2 {
			t.Errorf("%d findings of the openings before it, want one each: %+v", len(got), got)
		}
	})
}

// TestRestartWithWorkInFlight stops the daemon, and with it the embedded server, at many
// instants from the change to its verification. Each time the work ends as if nothing
// had happened.
func TestRestartWithWorkInFlight(t *testing.T) {
	for _, op := range []string{"listGroupEvents", "listGroupAccessListEntries", "deleteGroupAccessListEntry"} {
		for _, when := range []string{"asked", "answered"} {
			t.Run(op+" "+when, func(t *testing.T) { onStage(t, func(t *testing.T, s *stage) { restartAt(t, s, op, when) }) })
		}
	}
}

func restartAt(t *testing.T, s *stage, op, when string) {
	s.steps("at 0s start", "at 61s "+addWorld)
	stopped := make(chan struct{})
	hook := func(q sim.Request) {
		if q.OperationID != op {
			return
		}
		s.atlas.OnRequest(nil)
		s.atlas.OnAnswered(nil)
		s.cancel() // what is in flight is drained or given up
		close(stopped)
	}
	if when == "asked" {
		s.atlas.OnRequest(hook)
	} else {
		s.atlas.OnAnswered(hook)
	}
	<-stopped
	s.stop()
	time.Sleep(3 * time.Second)
	s.start()
	time.Sleep(5 * time.Minute)
	if got := s.effectsOfOurs(); len(got) != 1 || got[0] != "deleteGroupAccessListEntry 0.0.0.0/0" {
		t.Errorf("effects %v, want the entry deleted once", got)
	}
	if f, ok := s.finding(openWorld, "0.0.0.0/0"); !ok || f.State != access.FindingResolved || f.Episode != 1 {
		t.Errorf("finding = %+v, %t; want it resolved in its first episode", f, ok)
	}
}

// TestDeniedKind has one kind refused: its rules are unknown, the others work.
func TestDeniedKind(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.steps("at 0s start", "at 1m deny listGroupDatabaseUsers",
			`at 2m as rajesh@example.com PATCH /groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {"scopes":[]}`,
			"at 3m "+addWorld, "at 10m nothing")
		if _, ok := s.finding("dbuser/unscoped", "admin/prod_app_user"); ok {
			t.Error("a finding rests on a kind that cannot be read")
		}
		if got := s.effectsOfOurs(); len(got) != 1 || got[0] != "deleteGroupAccessListEntry 0.0.0.0/0" {
			t.Errorf("effects %v, want the rest to work", got)
		}
		if why := s.daemon.notReady(); why != "" {
			t.Errorf("not ready: %s; one denied kind is no reason", why)
		}
		s.steps("at 11m allow listGroupDatabaseUsers", "at 40m nothing")
		if f, ok := s.finding("dbuser/unscoped", "admin/prod_app_user"); !ok || f.Unknown != "" {
			t.Errorf("finding = %+v, %t; want it once the kind can be read", f, ok)
		}
	})
}

// TestWrongCredentials starts with a secret that Atlas does not accept: the daemon says
// which, keeps trying, and works when it is right.
func TestWrongCredentials(t *testing.T) {
	for _, side := range []string{"read", "write"} {
		t.Run(side, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				file := s.dir + "/secret"
				put(t, file, "not-the-secret")
				s.conf = strings.Replace(s.conf, fmt.Sprintf("client_secret: {env: GW_TEST_%s_SECRET}", strings.ToUpper(side)), fmt.Sprintf("client_secret: {file: %s}", file), 1)
				s.steps("at 0s start", "at 2m nothing")
				why := s.daemon.notReady()
				if !strings.Contains(why, side) || !strings.Contains(why, "credential") {
					t.Errorf("not ready: %q, want it to name the %s credential", why, side)
				}
				put(t, file, "test-"+side+"-secret")
				s.steps("at 10m nothing")
				if why := s.daemon.notReady(); why != "" {
					t.Errorf("not ready with the right secret: %s", why)
				}
				s.steps("at 11m "+addWorld, "at 15m nothing")
				if got := s.effectsOfOurs(); len(got) != 1 {
					t.Errorf("effects %v, want the entry deleted", got)
				}
			})
		})
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestGarbageInTheFeed floods a project's feed with 10,000 events of one second, most of
// them useless: what matters among them is neither lost nor judged twice.
func TestGarbageInTheFeed(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.steps("at 0s start", "at 61s nothing")
		id, now := s.atlas.ProjectID("ecommerce-prod"), time.Now().UTC().Format(time.RFC3339)
		for i := range 10_000 {
			raw := map[string]any{"id": fmt.Sprintf("%024x", i/2), "created": now, "eventTypeName": "HOST_UP", "n": i}
			switch i % 5 {
			case 0:
				delete(raw, "id")
			case 1:
				raw["eventTypeName"] = "NEVER_HEARD_OF"
			case 2:
				raw["eventTypeName"] = []any{}
			}
			s.atlas.InjectEvent(false, id, raw)
			if i == 5000 {
				s.steps("at 61s "+addWorld, "at 61s "+dropWorld)
			}
		}
		s.steps("at 62s "+strings.ReplaceAll(addWorld, "0.0.0.0/0", "::/0"), "at 10m nothing")
		if got := s.effectsOfOurs(); len(got) != 1 || got[0] != "deleteGroupAccessListEntry ::/0" {
			t.Errorf("effects %v, want ::/0 deleted once", got)
		}
		for name, want := range map[string]string{"::/0": openWorld, "0.0.0.0/0": transientRule} {
			if f, ok := s.finding(want, name); !ok || f.Episode != 1 {
				t.Errorf("%s of %s = %+v, %t; want it told once", want, name, f, ok)
			}
		}
	})
}

// TestNoWritesAtAll lets everybody change everything at a daemon that must not write:
// not one mutating request leaves it.
func TestNoWritesAtAll(t *testing.T) {
	for name, edit := range map[string][2]string{
		"dry run":              {"dry_run: false", "dry_run: true"},
		"no write credentials": {"      write: {client_id: {env: GW_TEST_WRITE_ID}, client_secret: {env: GW_TEST_WRITE_SECRET}}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c := newChaos(t, dir, 4)
				if !strings.Contains(c.conf, edit[0]) {
					t.Fatal("the configuration has changed: nothing to edit")
				}
				c.conf = strings.Replace(c.conf, edit[0], edit[1], 1)
				c.play(40)
				if got := c.atlas.Mutations(); len(got) > 0 {
					t.Errorf("%d mutating requests, the first %s %s", len(got), got[0].Method, got[0].Path)
				}
				if len(c.seen.decisions) == 0 {
					t.Error("nothing was decided at all: the run proves nothing")
				}
				c.stop()
			})
		})
	}
}

// TestSecondProcessOnAStore refuses a second daemon on the same store, and leaves the
// first one alone.
func TestSecondProcessOnAStore(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.steps("at 0s start")
		f, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if d, err := Start(ctx, Options{File: f, Version: "test", Transport: s.transport(), NoListen: true, Logger: zap.NewNop()}); err == nil {
			cancel()
			t.Fatalf("a second daemon runs on the store; it stopped with %v", d.Wait())
		}
		s.steps("at 1m "+addWorld, "at 5m nothing")
		if got := s.effectsOfOurs(); len(got) != 1 {
			t.Errorf("effects %v of the first daemon, want one", got)
		}
	})
}
