package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// put writes what commands will write into the store.
func (s *stage) put(edit func(*access.Waivers)) {
	s.t.Helper()
	_, err := s.daemon.waivers.Update(s.t.Context(), rules.WaiversKey, func(cur access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
		cur.V = access.Version
		edit(&cur)
		return &cur, nil, nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// pass lets so much time go by, and the daemon do what there is to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestStoredWaiver: a waiver of the store, which nobody reloads, silences a finding that
// would be reverted, and after a restart too; at its end the finding opens again, as one
// that was there before, and is not reverted.
func TestStoredWaiver(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		pass(time.Minute)
		granted := time.Now()
		s.put(func(w *access.Waivers) {
			w.Waivers = []access.Waiver{{
				V: access.Version, ID: "load-test", Rule: openWorld, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0", Project: "ecommerce-prod",
				Owner: "alice", Reason: "load test", Granted: granted, Until: granted.Add(2 * time.Hour),
			}}
		})
		s.steps("at 2m " + addWorld)
		pass(30 * time.Minute)
		s.stop()
		s.start()
		pass(time.Hour)
		f, ok := s.finding(openWorld, "0.0.0.0/0")
		if !ok || f.State != access.FindingWaived || f.Waiver.ID != "load-test" || f.Episode != 1 {
			t.Errorf("while it holds: %t %s by %q in episode %d", ok, f.State, f.Waiver.ID, f.Episode)
		}
		pass(time.Hour)
		f, _ = s.finding(openWorld, "0.0.0.0/0")
		if f.State != access.FindingOpen || f.Episode != 2 || f.Origin != access.OriginInherited || !strings.Contains(f.OriginWhy, "its waiver ended") {
			t.Errorf("after it: %s in episode %d, %s: %s", f.State, f.Episode, f.Origin, f.OriginWhy)
		}
		if did := s.effectsOfOurs(); len(did) > 0 {
			t.Errorf("written: %v", did)
		}
	})
}

// TestStoredWaiverDatedAhead: one of the store that is dated ahead holds neither now nor
// lets another hold, and the finding is reverted as any other.
func TestStoredWaiverDatedAhead(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		pass(time.Minute)
		s.put(func(w *access.Waivers) {
			for i, at := range []time.Time{time.Now(), time.Now().Add(24 * time.Hour)} {
				w.Waivers = append(w.Waivers, access.Waiver{
					V: access.Version, ID: []string{"monday", "tuesday"}[i], Rule: openWorld, Name: "0.0.0.0/0",
					Owner: "alice", Reason: "load test", Granted: at, Until: at.Add(24 * time.Hour),
				})
			}
		})
		s.steps("at 2m " + addWorld)
		pass(20 * time.Minute)
		if did := strings.Join(s.effectsOfOurs(), " "); !strings.Contains(did, "0.0.0.0") {
			t.Errorf("not reverted: %q", did)
		}
		if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, `gatewarden_waivers{state="refused"} 1`) {
			t.Error("no gauge tells of the waiver that is refused")
		}
	})
}

// TestStoredExpectation: a change that the store announces is noted and stays; one by
// somebody else is reverted.
func TestStoredExpectation(t *testing.T) {
	for who, reverted := range map[string]bool{"rajesh@example.com": false, "alice@example.com": true} {
		bubble(t, nil, func(t *testing.T, s *stage) {
			s.start()
			pass(time.Minute)
			s.put(func(w *access.Waivers) {
				w.Expectations = []access.Expectation{{
					V: access.Version, ID: "cutover", Actor: "rajesh@example.com", Rule: "network/*", Kind: access.KindIPAccessEntry, Project: "ecommerce-prod",
					From: time.Now(), Until: time.Now().Add(time.Hour), Reason: "new gateways", Approved: "security@example.com",
				}}
			})
			s.steps(strings.Replace("at 2m "+addWorld, "rajesh@example.com", who, 1))
			pass(40 * time.Minute)
			f, ok := s.finding(openWorld, "0.0.0.0/0")
			if got := len(s.effectsOfOurs()) > 0; got != reverted || !ok || f.Expected == "cutover" == reverted || f.Open() == reverted {
				t.Errorf("by %s: reverted %t; the finding is %s, expected by %q", who, got, f.State, f.Expected)
			}
		})
	}
}

// TestStoredWaiverOfAHalf: one half of the world is waived, by the project's id or by its name, which is the same project. The
// other half, added later, makes the world of it and must be reverted either way.
func TestStoredWaiverOfAHalf(t *testing.T) {
	for _, by := range []string{"id", "name"} {
		t.Run(by, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, s *stage) {
				s.start()
				pass(time.Minute)
				project := "ecommerce-prod"
				if by == "id" {
					project = s.atlas.ProjectID("ecommerce-prod")
				}
				granted := time.Now()
				s.put(func(w *access.Waivers) {
					w.Waivers = []access.Waiver{{
						V: access.Version, ID: "half", Rule: openWorld, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/1", Project: project,
						Owner: "alice", Reason: "agreed", Granted: granted, Until: granted.Add(20 * time.Hour),
					}}
				})
				s.steps(strings.ReplaceAll("at 2m "+addWorld, "0.0.0.0/0", "0.0.0.0/1"))
				s.steps(strings.ReplaceAll("at 4m "+addWorld, "0.0.0.0/0", "128.0.0.0/1"))
				pass(10 * time.Minute)
				did := s.effectsOfOurs()
				if !strings.Contains(strings.Join(did, " "), "128.0.0.0") {
					t.Error("ten minutes later 128.0.0.0/1 is still there: the world is open, and nothing was reverted")
				}
			})
		})
	}
}
