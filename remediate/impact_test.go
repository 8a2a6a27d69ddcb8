package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func login(user, address string) access.Login {
	return access.Login{At: t0.Add(-time.Hour), Username: user, Source: "admin", Address: address, Cluster: "main", OK: true}
}

// logins are as they are counted of these lines.
func logins(q access.Quality, why string, lines ...access.Login) access.Logins {
	out := access.Logins{Quality: q, Why: why, Sample: lines}
	for _, l := range lines {
		if l.OK {
			out.Succeeded++
		} else {
			out.Failed++
		}
	}
	return out
}

func deletionOf(entries ...string) access.Plan {
	var p access.Plan
	for _, e := range entries {
		p.Operations = append(p.Operations, access.Operation{Type: access.DeleteAccessEntry, Ref: access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: e}})
	}
	return p
}

func quarantineOf(name string) access.Plan {
	return access.Plan{Operations: []access.Operation{{Type: access.QuarantineUser, Ref: access.Ref{Scope: scope, Kind: access.KindDatabaseUser, Name: name}}}}
}

// TestImpact: seen, none in a complete window, or unknown with the reason; never none for
// want of looking.
func TestImpact(t *testing.T) {
	day := func(ago int) time.Time { return t0.Add(-time.Duration(ago) * 24 * time.Hour) }
	watched := access.History{Logins: []access.Span{{From: day(40), Until: day(0)}}}
	used := watched
	used.Users = map[string]access.Use{
		"admin/shop_app_user": {First: day(40), Last: day(20), Addresses: map[string]time.Time{"198.51.100.9": day(20)}},
		"admin/other":         {Last: day(30), Addresses: map[string]time.Time{"203.0.113.3": day(30)}, Cut: day(35)},
	}
	complete, partial := access.QualityComplete, access.QualityPartial
	world, app := deletionOf(world0), quarantineOf("admin/shop_app_user")
	failed := login("shop_app_user", "198.51.100.9")
	failed.OK = false
	from, _ := ImpactSpan(t0)
	member := access.Plan{Operations: []access.Operation{{Type: access.RemoveMemberRole, Ref: access.Ref{Scope: scope, Kind: access.KindProjectMember, Name: "Bob@example.com"}}}}
	for _, c := range []struct {
		name    string
		plan    access.Plan
		logins  access.Logins
		history access.History
		answer  string
		from    time.Time
		says    []string
	}{
		{"nothing to write", access.Plan{}, logins(complete, ""), watched, "", time.Time{}, nil},
		{"seen", world, logins(complete, "", login("a", "198.51.100.9"), failed), watched, "seen", from, []string{"2 logins through 0.0.0.0/0 were seen in the 6 d 23 h to", "(1 of them failed)", "by a from 198.51.100.9 on main"}},
		{"seen, and more is not known", world, logins(partial, "flex clusters cannot be listed", login("a", "198.51.100.9")), watched, "seen", from, []string{"1 login through", "there may be more: flex clusters cannot be listed"}},
		{"only failures are seen too", app, logins(complete, "", failed), watched, "seen", from, []string{"1 login as admin/shop_app_user", "1 of them failed"}},
		{"none", app, logins(complete, ""), access.History{}, "none", from, []string{"no login as admin/shop_app_user was seen in the 6 d 23 h to"}},
		{"none for as long as it was watched", app, logins(complete, ""), watched, "none", day(40), []string{"no login as admin/shop_app_user was seen in the 40 d to"}},
		{"none lately", app, logins(complete, ""), used, "none", from, []string{"no login as admin/shop_app_user", "though one was seen on 2026-10-31"}},
		{"none by an address of which not all is kept", deletionOf("192.0.2.0/24"), logins(complete, ""), used, "none", from, []string{"no login through 192.0.2.0/24 was seen in the 6 d 23 h"}},
		{"watched no longer", app, logins(complete, ""), access.History{Logins: []access.Span{{From: day(40), Until: day(9)}}}, "none", from, nil},
		{"partial", world, logins(partial, "cluster c1 has 20000 lines or more"), watched, "", from, []string{"whether anybody logs in through 0.0.0.0/0 is not known: cluster c1 has 20000 lines"}},
		{"unknown", world, logins("", "403"), used, "", from, []string{"is not known: 403, though one was seen on 2026-10-31"}},
		{"no reason", world, access.Logins{}, watched, "", from, []string{"is not known: nothing"}},
		{"a security group", deletionOf("sg-0abc"), logins(complete, ""), watched, "", time.Time{}, []string{"sg-0abc has no address"}},
		{"a person", member, logins(complete, ""), access.History{Duties: map[string]map[string]time.Time{"bob@example.com": {"CLUSTER_CREATED": day(3), "X": day(9)}}}, "", time.Time{}, []string{"no login to a cluster goes through it", "bob@example.com last did something in Atlas on 2026-11-17"}},
		{"a person of whom nothing is known", member, logins(complete, ""), access.History{}, "", time.Time{}, []string{"how much it is used is not known: no login"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ImpactOf(kase(entryFinding(world0), list(world0, "203.0.113.0/28")...), c.plan, c.logins, c.history)
			if got.Answer != c.answer || !got.From.Equal(c.from) || (got.Says == "") != (len(c.plan.Operations) == 0) {
				t.Errorf("%+v", got)
			}
			for _, s := range c.says {
				if !strings.Contains(got.Says, s) {
					t.Errorf("%q: nothing of %q", got.Says, s)
				}
			}
		})
	}
}

// TestWaysLeft: what remains for the same clients, and no more than that.
func TestWaysLeft(t *testing.T) {
	pe := access.PrivateEndpoint{Provider: "AWS", ID: "pe-1", For: access.EndpointClusters, Status: "AVAILABLE", Endpoints: []string{"vpce-1"}}
	peer := access.Peering{Provider: "AWS", ID: "pcx-1", CIDR: "10.1.0.0/16", Status: "AVAILABLE"}
	seen := logins(access.QualityComplete, "", login("a", "203.0.113.3"), login("b", "203.0.113.3"), login("a", "198.51.100.9"), login("x", "unreadable"))
	for _, c := range []struct {
		name   string
		plan   access.Plan
		states []access.State
		want   []string
	}{
		{"none", deletionOf(world0), list(world0), nil},
		{"another entry, of some", deletionOf(world0), list(world0, "203.0.113.0/28"), []string{"access list entry 203.0.113.0/28, for 1 of the 2 addresses seen last"}},
		{"another entry, of nobody who was seen", deletionOf(world0), list(world0, "192.0.2.0/28"), nil},
		{"one that contains it", deletionOf("203.0.113.3/32"), list("203.0.113.3/32", "203.0.113.0/28"), []string{"access list entry 203.0.113.0/28, which contains it"}},
		{"one that contains one of two", deletionOf("203.0.113.3/32", "198.51.100.9/32"), list("203.0.113.3/32", "198.51.100.9/32", "203.0.113.0/28"), []string{"access list entry 203.0.113.0/28, for 1 of the 2 addresses seen last"}},
		{"one that expired", deletionOf("203.0.113.3/32"), append(list("203.0.113.3/32"), access.IPAccessEntry{Entry: "203.0.113.0/28", DeleteAfterDate: t0}), nil},
		{"an endpoint", deletionOf(world0), append(list(world0), pe), []string{"private endpoint " + pe.Name()}},
		{"an endpoint that nobody joined", deletionOf(world0), append(list(world0), access.PrivateEndpoint{ID: "x", For: access.EndpointClusters, Status: "AVAILABLE"}), nil},
		{"an endpoint that failed", deletionOf(world0), append(list(world0), access.PrivateEndpoint{ID: "x", For: access.EndpointClusters, Status: "FAILED", Endpoints: []string{"e"}}), nil},
		{"a peering whose addresses are let in", deletionOf(world0), append(list(world0, "10.1.2.0/24"), peer), []string{"peering " + peer.Name() + " with 10.1.0.0/16"}},
		{"a peering whose addresses are not", deletionOf(world0), append(list(world0), peer), nil},
		{"not of an entry", quarantineOf("admin/a"), append(list(world0), pe), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kase(entryFinding(world0), c.states...)
			for _, kind := range []access.Kind{access.KindPrivateEndpoint, access.KindPeering} {
				mine := slices.DeleteFunc(slices.Clone(c.states), func(s access.State) bool { return s.Kind() != kind })
				k.Fresh[kind] = access.NewCollection(scope, kind, mine)
			}
			got := ImpactOf(k, c.plan, seen, access.History{})
			if d := cmp.Diff(c.want, got.Ways); d != "" {
				t.Error(d)
			}
			if said := strings.Contains(got.Says, "no other way in remains"); said != (len(c.want) == 0 && len(usedBy(c.plan).nets) > 0) {
				t.Error(got.Says)
			}
		})
	}
	if got := ImpactOf(kase(entryFinding(world0), list(world0)...), deletionOf(world0), seen, access.History{}); !strings.Contains(got.Says, "private endpoints and peerings were not read") {
		t.Error(got.Says)
	}
}

// TestAffected: which lines of an access history are of whom the plan shuts out.
func TestAffected(t *testing.T) {
	external := login("CN=a", "203.0.113.3")
	external.Source = "$external"
	unsourced := login("a", "203.0.113.3")
	unsourced.Source = ""
	for i, c := range []struct {
		plan  access.Plan
		login access.Login
		want  bool
	}{
		{deletionOf("203.0.113.0/28"), login("a", "203.0.113.3"), true},
		{deletionOf("203.0.113.0/28"), login("a", "::ffff:203.0.113.3"), true},
		{deletionOf("203.0.113.0/28"), login("a", "203.0.113.16"), false},
		{deletionOf("192.0.2.0/28", "2001:db8::/32"), login("a", "2001:db8::7"), true},
		{deletionOf("203.0.113.0/28"), login("a", ""), false},
		{quarantineOf("admin/a"), login("a", ""), true},
		{quarantineOf("admin/a"), login("ab", ""), false},
		{quarantineOf("admin/a"), unsourced, true},
		{quarantineOf("$external/a"), login("a", ""), false},
		{quarantineOf("$external/CN=a"), external, true},
		{access.Plan{}, login("a", "203.0.113.3"), false},
	} {
		if got := NewAffected(c.plan).Match(c.login); got != c.want {
			t.Errorf("%d: %t", i, got)
		}
	}
	a := NewAffected(deletionOf(world0))
	a.Match(login("a", ""))
	if got := a.Counted(access.Logins{Quality: access.QualityComplete}); got.Quality != access.QualityPartial || got.Why != "1 lines name no address" {
		t.Errorf("lines without an address: %+v", got)
	}
	if got := a.Counted(access.Logins{Why: "403"}); got.Quality != access.QualityUnknown || got.Why != "403; 1 lines name no address" {
		t.Errorf("lines without an address: %+v", got)
	}
	if !NewAffected(deletionOf("sg-0abc")).None() || a.None() {
		t.Error("what logins tell of nothing")
	}
}

// TestImpactIsRead: a question says what it would cost, and nothing is invented where
// nothing can be read.
func TestImpactIsRead(t *testing.T) {
	told, asked := access.ActionTold, access.ActionAwaiting
	for _, c := range []struct {
		name string
		set  func(s *Stage)
		want string
		ends access.ActionState
	}{
		{"counted", func(*Stage) {}, "seen", told},
		{"no counter", func(s *Stage) { s.Counter = nil }, "", told},
		{"no history", func(s *Stage) { s.History = nil }, "seen", told},
		{"a question", func(*Stage) {}, "seen", asked},
		{"history fails", func(s *Stage) {
			s.History = func(context.Context, access.Scope) (access.History, error) {
				return access.History{}, fmt.Errorf("not now")
			}
		}, "seen", told},
	} {
		w, f := open(t)
		if c.ends == asked {
			w.policy.People.Principals = []access.Principal{{ID: "alice"}}
			w.policy.Responses = []access.Response{{Do: access.ModeApprove, Approvers: []string{"alice"}}}
		} else {
			delete(w.entries, "203.0.113.0/28") // the last way in: people are told
		}
		w.logins = []access.Login{login("a", "198.51.100.9"), login("b", "198.51.100.9")}
		s := w.stage()
		c.set(s)
		if err := s.Act(t.Context(), access.Act{Scope: scope, Finding: f.ID}); err != nil {
			t.Fatal(err)
		}
		a := w.action(f)
		if a.State != c.ends || a.Plan.Impact.Answer != c.want || a.Plan.Impact.Says == "" {
			t.Errorf("%s: %s, impact %+v", c.name, a.State, a.Plan.Impact)
		}
		if c.want == "seen" && a.Plan.Impact.Seen.Succeeded != 2 {
			t.Errorf("%s: %+v", c.name, a.Plan.Impact.Seen)
		}
		if a.PlanHash != a.Plan.Hash(a.Rule, a.Ref, a.Episode) {
			t.Errorf("%s: the impact is in the hash", c.name)
		}
	}
}
