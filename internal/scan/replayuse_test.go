package scan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/access/accesstest"
)

// TestUseAt: of what was seen in use, that is known of a time which was seen by then.
func TestUseAt(t *testing.T) {
	on := func(n int) time.Time { return day(t0).AddDate(0, 0, n) }
	h := access.History{
		Feed:   []access.Span{{From: on(0), Until: on(5)}, {From: on(7), Until: on(30)}, {From: on(40), Until: on(50)}},
		Logins: []access.Span{{From: on(25), Until: on(30)}},
		Users: map[string]access.Use{
			"admin/early": {First: on(1), Last: on(3), Addresses: map[string]time.Time{"8.8.8.8": on(3)}},
			"admin/both":  {First: on(2), Last: on(30), Addresses: map[string]time.Time{"8.8.8.8": on(3), "9.9.9.9": on(30)}, Cut: on(29)},
			"admin/later": {First: on(21), Last: on(22)},
		},
		Duties:    map[string]map[string]time.Time{"alice@example.com": {"A": on(4), "B": on(44)}},
		Rotations: map[string]time.Time{"database_user/admin/early": on(2), "database_user/admin/both": on(29)},
	}
	got := useAt(h, on(20).Add(time.Hour))
	least := access.History{
		Feed: []access.Span{{From: on(0), Until: on(5)}, {From: on(7), Until: on(20).Add(time.Hour)}},
		Users: map[string]access.Use{
			"admin/early": h.Users["admin/early"],
			"admin/both":  {First: on(2), Last: on(2), Addresses: map[string]time.Time{"8.8.8.8": on(3)}, Cut: on(20)},
		},
		Duties:    map[string]map[string]time.Time{"alice@example.com": {"A": on(4)}},
		Rotations: map[string]time.Time{"database_user/admin/early": on(2)},
	}
	most := least
	most.Users = map[string]access.Use{
		"admin/early": h.Users["admin/early"],
		"admin/both":  {First: on(2), Last: on(20), Addresses: map[string]time.Time{"8.8.8.8": on(3), "9.9.9.9": on(20)}, Cut: on(20)},
	}
	most.Duties = map[string]map[string]time.Time{"alice@example.com": {"A": on(4), "B": on(20)}}
	most.Rotations = map[string]time.Time{"database_user/admin/early": on(2), "database_user/admin/both": on(20)}
	if diff := cmp.Diff([]access.History{least, most}, []access.History{got.least, got.most}); diff != "" || !got.late {
		t.Errorf("late %t (-want +got):\n%s", got.late, diff)
	}
	if end := useAt(h, on(60)); end.late || !cmp.Equal(end.least, end.most) || !cmp.Equal(end.least.Users, h.Users) {
		t.Errorf("of now: %+v", end)
	}
}

// TestReplayKnowsUse: a replay of a history of use tells what the daemon told of who had not
// signed in; of who signed in again later, it says that it does not know.
func TestReplayKnowsUse(t *testing.T) {
	e := mustLoad(t, testPolicy()).Only("dbuser/unused", "dbuser/expired-migration-user")
	if len(e.Rules()) != 2 {
		t.Fatal("no such rules")
	}
	shelves := accesstest.NewShelf[access.History](nil)
	l := newLive(t, e)
	l.stage.History = shelves
	seen := func(name string) {
		h := shelves.Docs[string(prod)]
		users := map[string]access.Use{}
		for k, v := range h.Users {
			users[k] = v
		}
		u := users[name]
		if u.First.IsZero() {
			u.First = day(l.now)
		}
		u.Last = day(l.now)
		users[name], h.Users = u, users
		shelves.Docs[string(prod)] = h
	}
	l.settle()
	l.read(prod, access.KindDatabaseUser, user("idle", true, "read"), user("daily", true, "read"), user("again", true, "read"))
	l.read(prod, access.KindCluster, access.Cluster{Cluster: "orders", Tier: access.TierDedicated})
	shelves.Docs[string(prod)] = access.History{V: 1, Scope: prod, Logins: []access.Span{{From: l.now, Until: l.now}}, Feed: []access.Span{{From: l.now, Until: l.now}}}
	l.judge(prod)
	for n := range 140 {
		if seen("admin/daily"); n == 0 {
			seen("admin/idle")
			seen("admin/again")
		}
		if n == 120 {
			seen("admin/again")
		}
		h := shelves.Docs[string(prod)]
		h.Logins, h.Feed = []access.Span{{From: h.Logins[0].From, Until: l.now}}, []access.Span{{From: h.Feed[0].From, Until: l.now}}
		shelves.Docs[string(prod)] = h
		l.wait(24*time.Hour, 24*time.Hour)
	}
	l.uses = shelves.Docs
	told := l.episodes(time.Time{}, false)
	of := func(list []string, name string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.Contains(s, "admin/"+name) })
	}
	if len(of(told, "idle")) != 1 || len(of(told, "again")) != 1 || len(of(told, "daily")) != 0 {
		t.Fatalf("told %v", told)
	}
	r := l.replay(t0.Add(-time.Hour), ReplayOptions{Tick: 24 * time.Hour})
	got := replayed(r, false)
	if len(of(got, "idle")) != 1 || len(of(got, "again")) != 0 || len(of(got, "daily")) != 0 {
		t.Errorf("replayed %v, the daemon told %v", got, told)
	}
	if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.HasSuffix(n, "before, by dbuser/unused") }) {
		t.Errorf("notes %q", r.Notes)
	}
	l.uses = nil
	r = l.replay(t0.Add(-time.Hour), ReplayOptions{})
	if len(r.Findings) != 0 || !slices.ContainsFunc(r.Notes, func(n string) bool {
		return strings.HasPrefix(n, "this history does not tell what was in use") && strings.HasSuffix(n, "by dbuser/unused")
	}) {
		t.Errorf("without it: %v, %q", replayed(r, false), r.Notes)
	}
}
