package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// history is what the daemon has kept of the production project, and the number of
// documents that were ever written into the bucket.
func (s *stage) history() (access.History, uint64) {
	s.t.Helper()
	scope := access.ProjectScope(s.atlas.ProjectID("ecommerce-prod"))
	h, _, err := s.daemon.history.Get(s.t.Context(), string(scope))
	if err != nil {
		s.t.Fatal(err)
	}
	keys, err := s.daemon.history.Keys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var newest uint64
	for _, k := range keys {
		_, rev, err := s.daemon.history.Get(s.t.Context(), k)
		if err != nil {
			s.t.Fatal(err)
		}
		newest = max(newest, rev)
	}
	return h, newest
}

// TestHistoryOfUse has the whole daemon watch a project over midnight: who did what, who logged
// in from where, and whose password was exchanged, over a restart and a gap.
func TestHistoryOfUse(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		conf := strings.Replace(read(t, "testdata/config.yaml"), "feed: {active: 20s, idle: 60s}", "feed: {active: 5m, idle: 5m}, sweep: {gate: 1h, rest: 1h}", 1)
		s := newStage(t, dir, read(t, "testdata/world.yaml"), conf)
		play := func(steps ...string) {
			t.Helper()
			for _, line := range steps {
				if err := s.step(line); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
		}
		began := s.begin.Add(20 * time.Hour).UTC()
		today := began.Truncate(24 * time.Hour)
		play("at 20h start",
			"at 21h login ecommerce-prod prod-cluster prod_app_user 8.8.8.1",
			"at 21h login ecommerce-prod prod-reporting prod_app_user 8.8.8.2",
			"at 21h as alice@example.com PATCH groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {\"password\":\"not-a-real-password-1\"}",
			"at 21h as rajesh@example.com POST groups/{ecommerce-prod}/accessList [{\"cidrBlock\":\"8.8.8.16/28\",\"comment\":\"more\"}]",
			"at 22h30m restart", // a new day began at 22h
			"at 22h40m login ecommerce-prod prod-cluster prod_app_user 8.8.8.2",
			"at 24h nothing")
		h, writes := s.history()
		want := access.History{
			V: access.Version, Scope: h.Scope,
			Users: map[string]access.Use{"admin/prod_app_user": {First: today, Last: today.AddDate(0, 0, 1), Addresses: map[string]time.Time{"8.8.8.1": today, "8.8.8.2": today.AddDate(0, 0, 1)}}},
			Duties: map[string]map[string]time.Time{
				"alice@example.com": {"MONGODB_USER_UPDATED": today}, "rajesh@example.com": {"NETWORK_PERMISSION_ENTRY_ADDED": today},
			},
			Rotations: map[string]time.Time{"database_user/admin/prod_app_user": began.Add(time.Hour)},
			Feed:      h.Feed, Logins: h.Logins,
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		for what, spans := range map[string][]access.Span{"feed": h.Feed, "logins": h.Logins} {
			if since := access.Since(spans, time.Now(), access.SpanSlack); len(spans) != 1 || since.Sub(began) > 5*time.Minute || since.IsZero() {
				t.Errorf("%s: spans %v since %v, watched since %v", what, spans, since, began)
			}
		}
		play("at 26h nothing")
		if _, after := s.history(); after != writes {
			t.Errorf("%d writes in hours in which nothing happened", after-writes)
		}
		play("at 26h stop", "at 32h start", "at 32h30m nothing")
		if h, _ = s.history(); len(h.Feed) != 2 || h.Feed[1].From.Before(s.begin.Add(32*time.Hour)) || len(h.Logins) != 1 {
			t.Errorf("after a gap: feed %v, logins %v", h.Feed, h.Logins)
		}
		s.stop()
	})
}
