package rules

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// only is an engine of one built-in rule.
func only(t testing.TB, p Policy, id string) *Engine {
	t.Helper()
	return mustLoad(t, p).Only(id)
}

// about is a subject of a user in a project with these custom roles.
func about(p Policy, u access.DatabaseUser, roles ...access.State) *subject {
	e := &Engine{policy: newPolicy(p)}
	in := &Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{
		access.KindCustomRole: access.NewCollection(prj, access.KindCustomRole, roles),
	}}
	res := &access.Resource{Box: access.Box{State: u}}
	return &subject{w: newWorld(e, in), rule: &Rule{Kind: access.KindDatabaseUser}, res: res, now: t0, ref: access.Ref{Scope: prj, Kind: access.KindDatabaseUser, Name: u.Name()}}
}

func holding(roles ...access.RoleGrant) access.DatabaseUser {
	return access.DatabaseUser{Database: "admin", Username: "u", Auth: access.AuthSCRAM, Roles: access.SortGrants(roles)}
}

func grant(s string) access.RoleGrant {
	g, err := parseGrant(s)
	if err != nil {
		panic(err)
	}
	return g
}

// TestSensitiveReach: what is sensitive is reached by a role on it, around it or inside it.
func TestSensitiveReach(t *testing.T) {
	roles := []access.State{
		access.CustomRole{Role: "finder", Privileges: []access.Privilege{{Action: "FIND", Database: "crm", Collection: "people"}}},
		access.CustomRole{Role: "writer", Privileges: []access.Privilege{{Action: "UPDATE", Database: "crm"}}},
		access.CustomRole{Role: "indexer", Privileges: []access.Privilege{{Action: "CREATE_INDEX", Database: "crm"}, {Action: "FIND", Cluster: true}}},
		access.CustomRole{Role: "deep", Inherits: []access.RoleGrant{grant("deeper@admin")}},
		access.CustomRole{Role: "deeper", Inherits: []access.RoleGrant{grant("finder@admin"), grant("deep@admin")}},
	}
	for _, c := range []struct {
		ns, role         string
		stranger, reader bool // is it a violation for them
	}{
		{"crm.people", "read@crm.people", true, false},
		{"crm.people", "readWrite@crm.people", true, false},
		{"crm.people", "read@crm", true, true},
		{"crm.people", "readAnyDatabase@admin", true, true},
		{"crm.people", "atlasAdmin@admin", true, true},
		{"crm.people", "backup@admin", true, true},
		{"crm.people", "finder@admin", true, false},
		{"crm.people", "writer@admin", true, true},
		{"crm.people", "deep@admin", true, false},
		{"crm.people", "indexer@admin", false, false},
		{"crm.people", "read@crm.places", false, false},
		{"crm.people", "read@crm2", false, false},
		{"crm.people", "dbAdmin@crm", false, false},
		{"crm.people", "clusterMonitor@admin", false, false},
		{"crm.people.old", "read@crm.people", false, false}, // a collection's name may have dots
		{"crm.people.old", "read@crm.people.old", true, false},
		{"crm", "read@crm.people", true, false},
		{"crm", "read@crm", true, false},
		{"crm", "finder@admin", true, false},
		{"crm", "readWriteAnyDatabase@admin", true, true},
		{"local.oplog.rs", "readAnyDatabase@admin", false, false}, // local and config are no part of any-database roles
		{"local.oplog.rs", "backup@admin", true, true},
	} {
		for reader, want := range map[bool]bool{false: c.stranger, true: c.reader} {
			p := Policy{Environments: testEnvironments, Sensitive: []access.Sensitive{{Namespace: c.ns}}}
			if reader {
				p.Sensitive[0].Readers = []string{"u"}
			}
			if got := about(p, holding(grant(c.role)), roles...).sensitiveReach(); len(got) > 0 != want {
				t.Errorf("%s by %s, reader %t: %q, want a violation: %t", c.ns, c.role, reader, got, want)
			}
		}
	}
}

// TestContains: a role is contained where it adds nothing at all.
func TestContains(t *testing.T) {
	custom := func(name string, inherits []access.RoleGrant, privileges ...access.Privilege) access.State {
		return access.CustomRole{Role: name, Inherits: inherits, Privileges: privileges}
	}
	find := access.Privilege{Action: "FIND", Database: "shop", Collection: "orders"}
	roles := []access.State{
		custom("finder", nil, find),
		custom("finder2", nil, find),
		custom("mixed", nil, find, access.Privilege{Action: "COLL_MOD", Database: "shop"}),
		custom("modder", nil, access.Privilege{Action: "COLL_MOD"}),
		custom("both", []access.RoleGrant{grant("finder@admin"), grant("modder@admin")}),
		custom("empty", nil),
		custom("circle", []access.RoleGrant{grant("circle2@admin")}),
		custom("circle2", []access.RoleGrant{grant("circle@admin")}),
		custom("haunted", []access.RoleGrant{grant("ghost@admin")}, find),
	}
	for _, c := range []struct {
		broad, narrow string
		want          bool
	}{
		{"readWrite@shop", "read@shop", true},
		{"read@shop", "readWrite@shop", false},
		{"read@shop", "read@shop.orders", true},
		{"read@shop.orders", "read@shop", false},
		{"atlasAdmin@admin", "clusterMonitor@admin", true},
		{"readAnyDatabase@admin", "read@local", false},
		{"read@shop.orders", "finder@admin", true},
		{"read@shop.carts", "finder@admin", false},
		{"finder@admin", "finder2@admin", true},
		{"readWrite@shop", "mixed@admin", false},
		{"both@admin", "finder@admin", true},
		{"both@admin", "mixed@admin", true},
		{"mixed@admin", "modder@admin", false},
		{"atlasAdmin@admin", "empty@admin", false},
		{"circle@admin", "circle2@admin", true},
		{"readWrite@shop", "haunted@admin", false},
		{"haunted@admin", "ghost@admin", true},
		{"AtlasAdmin@admin", "read@shop", false},
	} {
		s := about(Policy{}, holding(grant(c.broad), grant(c.narrow)), roles...)
		if got := s.w.contains(grant(c.broad), grant(c.narrow)); got != c.want {
			t.Errorf("%s contains %s: %t", c.broad, c.narrow, got)
		}
	}
}

// TestContainedAddsNothing: the roles without a contained one reach as much.
func TestContainedAddsNothing(t *testing.T) {
	names := []string{"read@shop", "readWrite@shop", "read@shop.orders", "readAnyDatabase@admin", "dbAdmin@shop", "dbAdminAnyDatabase@admin", "a@admin", "b@admin", "c@admin"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []access.RoleGrant {
			var out []access.RoleGrant
			for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID[string]).Draw(t, label) {
				out = append(out, grant(n))
			}
			return out
		}
		var roles []access.State
		for _, n := range []string{"a", "b", "c"} {
			r := access.CustomRole{Role: n, Inherits: draw(n)}
			if rapid.Bool().Draw(t, "acts") {
				r.Privileges = []access.Privilege{{Action: "FIND", Database: "shop", Collection: rapid.SampledFrom([]string{"", "orders"}).Draw(t, "collection")}}
			}
			roles = append(roles, r)
		}
		broad, narrow := grant(rapid.SampledFrom(names).Draw(t, "broad")), grant(rapid.SampledFrom(names).Draw(t, "narrow"))
		s := about(Policy{}, holding(broad, narrow), roles...)
		if broad == narrow || !s.w.contains(broad, narrow) {
			return
		}
		both := s.closure()
		alone := s.w.reachOf(broad)
		for _, g := range both.Grants {
			if _, custom := s.w.roles[g.Role]; !custom && !alone.Covers(g) {
				t.Fatalf("%s is said to contain %s, and does not reach %s", broad, narrow, g)
			}
		}
		for _, a := range both.Actions {
			if !allows(alone, a) {
				t.Fatalf("%s is said to contain %s, and does not allow %v", broad, narrow, a)
			}
		}
	})
}

// TestAnyDatabaseIsTheClosure: what is told is what the closure reaches, whatever the way.
func TestAnyDatabaseIsTheClosure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"r0", "r1", "r2", "r3", "r4"}
		leaves := []string{"readWriteAnyDatabase", "readAnyDatabase", "dbAdminAnyDatabase", "backup", "enableSharding", "clusterMonitor", "read"}
		var roles []access.State
		for _, n := range names {
			var in []string
			for range rapid.IntRange(0, 2).Draw(t, "inherits") {
				in = append(in, rapid.SampledFrom(append(slices.Clone(names), leaves...)).Draw(t, "role"))
			}
			roles = append(roles, customRole(n, in...))
		}
		u := user("a_app_user", true, rapid.SampledFrom(append(slices.Clone(names), leaves...)).Draw(t, "granted"))
		p := testPolicy()
		p.Identities[0].Roles = nil
		s := about(p, u, roles...)
		all := s.closure()
		want := slices.ContainsFunc(append(slices.Clone(strongRoles), "dbAdmin"), all.Reaches)
		got := s.anyDatabase()
		if len(got.roles) > 0 != want {
			t.Fatalf("%v reaches %v: told %q", u.Roles, all.Grants, got.roles)
		}
		if want && !all.Reaches(got.path[len(got.path)-1]) {
			t.Fatalf("the path %v leads nowhere", got.path)
		}
	})
}

// TestListed: a declaration lists a role by its name and place; on admin-only roles the
// database says nothing, and letters count.
func TestListed(t *testing.T) {
	list := []access.RoleGrant{grant("readWrite@shop"), grant("clusterMonitor@admin"), grant("read@crm.people"), grant("shop@admin")}
	for g, want := range map[string]bool{
		"readWrite@shop": true, "readWrite@Shop": false, "readwrite@shop": false, "read@shop": false, "clusterMonitor@shop": true, "read@crm.people": true,
		"read@crm": false, "shop@admin": true, "shop@crm": true, "readWrite@shop.orders": false,
	} {
		if got := listed(list, grant(g)); got != want {
			t.Errorf("%s: %t", g, got)
		}
	}
}

// TestWorkloads: several purposes are several workloads only where no single one explains
// every address.
func TestWorkloads(t *testing.T) {
	nets := map[string][]netip.Prefix{}
	for purpose, cidrs := range map[string][]string{"app": {"203.0.113.0/28", "2001:db8::/48"}, "ci": {"198.51.100.0/24", "203.0.113.8/29"}, people: {"192.0.2.0/24"}, "private": {"10.0.0.0/8"}} {
		for _, c := range cidrs {
			nets[purpose] = append(nets[purpose], netip.MustParsePrefix(c))
		}
	}
	for _, c := range []struct {
		name      string
		addresses []string
		want      []string
	}{
		{"one network", []string{"203.0.113.1", "203.0.113.2"}, nil},
		{"two", []string{"203.0.113.1", "198.51.100.1"}, []string{"app (203.0.113.1)", "ci (198.51.100.1)"}},
		{"an address of both explains nothing more", []string{"203.0.113.1", "203.0.113.9"}, nil},
		{"nor with the other one", []string{"198.51.100.1", "203.0.113.9"}, nil},
		{"but all three do", []string{"198.51.100.1", "203.0.113.1", "203.0.113.9"}, []string{"app (203.0.113.1)", "ci (198.51.100.1)"}},
		{"mapped, and with blanks", []string{"::ffff:203.0.113.1", " 192.0.2.7 "}, []string{"app (::ffff:203.0.113.1)", "people ( 192.0.2.7 )"}},
		{"both families of one", []string{"2001:db8::1", "203.0.113.1"}, nil},
		{"what comes through peering says nothing", []string{"203.0.113.1", "10.0.0.1"}, nil},
		{"undeclared, and what is no address", []string{"203.0.113.1", "8.8.8.8", "", "localhost"}, nil},
	} {
		s := about(Policy{}, holding())
		s.rule.Params = map[string]any{"neutral": []string{"private"}}
		s.w.memo.database.networks = nets
		s.w.memo.database.logins = map[string][]access.AccessHistory{"admin/u": {{Addresses: c.addresses}}}
		if diff := cmp.Diff(c.want, s.workloads(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestOwner: an owner is in the org by exactly its address.
func TestOwner(t *testing.T) {
	p := Policy{
		Principals: []access.Principal{{ID: "alice", Email: "a.private@corp.example", Atlas: []string{"alice@example.com", "mdb_sa_id_1"}}, {ID: "robots", Atlas: []string{"mdb_sa_id_2"}}},
		Groups:     map[string][]string{"oncall": {"robots", "alice"}, "nobody": {}},
	}
	for owner, want := range map[string]ownerState{
		"": ownerNone, "  ": ownerNone, "alice@example.com": ownerThere, "ALICE@Example.com": ownerThere, "alice": ownerThere, "oncall": ownerThere,
		"a.private@corp.example": ownerThere, // the principal's other address
		"bob@example.com":        ownerGone,
		"alice@example.com.evil": ownerGone, "xalice@example.com": ownerGone,
		"al\u0131ce@example.com":      ownerGone, // a dotless i
		"alice@example.\u212aom":      ownerGone, // a Kelvin sign
		"alice@ex\u0430mple.com":      ownerGone, // a Cyrillic a
		"robots":                      ownerUnclear,
		"nobody":                      ownerUnclear,
		"the shop team":               ownerUnclear,
		"odd@example.com":             ownerUnread,
		"someone else <b@example.com": ownerGone,
	} {
		u := holding()
		u.Labels = []access.Label{{Key: "gatewarden/owner", Value: owner}}
		s := about(p, u)
		members := access.NewCollection(prj, access.KindOrgMember, []access.State{access.OrgMember{Username: "alice@example.com"}})
		members.Odd = []string{"odd@example.com"}
		s.w.in.Facts = access.Facts{V: 1, Org: map[access.Kind]access.Collection{access.KindOrgMember: members}}
		if got := s.owner().state; got != want {
			t.Errorf("%q: %d, want %d", owner, got, want)
		}
	}
}

// TestDated: only what can be read as a date is an end.
func TestDated(t *testing.T) {
	for text, want := range map[string]bool{
		"expires=2026-06-09T00:00:00Z": true, "(expires=2026-06-09T00:00:00+02:00)": true, "expires=2026-06-09": false, "expires: 2026-06-09T00:00:00Z": false,
		"EXPIRES=2026-06-09T00:00:00Z": false, "until friday": false, "notexpires=2026-06-09T00:00:00Z": false, "": false,
	} {
		u := holding()
		u.Description = text
		if got := about(Policy{}, u).dated(); got != want {
			t.Errorf("description %q: %t", text, got)
		}
	}
	for _, l := range []struct {
		key, value string
		want       bool
	}{{"expires", "2026-06-09", true}, {"gatewarden/expires", "2026-06-09T00:00:00Z", true}, {"expires", "never", false}, {"Expires", "2026-06-09", false}, {"expires", "", false}} {
		u := holding()
		u.Labels = []access.Label{{Key: l.key, Value: l.value}}
		if got := about(Policy{}, u).dated(); got != l.want {
			t.Errorf("label %s=%q: %t", l.key, l.value, got)
		}
	}
}

func TestLastOf(t *testing.T) {
	at := func(subject string, days int) access.Certificate {
		return access.Certificate{Subject: subject, NotAfter: t0.AddDate(0, 0, days)}
	}
	got := lastOf([]access.Certificate{at("CN=a", 5), at("CN=b", 300), at("CN=a", 90), at("CN=c", 1)})
	if diff := cmp.Diff([]access.Certificate{at("CN=c", 1), at("CN=a", 90), at("CN=b", 300)}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
