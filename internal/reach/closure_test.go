package reach

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func role(name string, inherits ...Grant) CustomRole {
	return CustomRole{Name: name, Inherits: inherits}
}

func on(name, db string) Grant { return Grant{Role: name, Database: db} }

// strings of the grants, which are shorter to compare.
func texts(grants []Grant) []string {
	out := []string{}
	for _, g := range grants {
		out = append(out, g.String())
	}
	return out
}

func TestClose(t *testing.T) {
	tests := []struct {
		name    string
		granted []Grant
		custom  []CustomRole
		want    []string
		missing []string
	}{
		{"nothing", nil, nil, []string{}, nil},
		{"readWrite", []Grant{on("readWrite", "shop")}, nil, []string{"read@shop", "readWrite@shop"}, nil},
		{"on a collection", []Grant{{"readWrite", "shop", "orders"}}, nil, []string{"read@shop.orders", "readWrite@shop.orders"}, nil},
		{"atlasAdmin", []Grant{on("atlasAdmin", "admin")}, nil, []string{
			"atlasAdmin", "autoCompact", "backup", "clusterMonitor", "dbAdmin@*", "dbAdminAnyDatabase", "enableSharding",
			"read@*", "readAnyDatabase", "readWrite@*", "readWriteAnyDatabase",
		}, nil},
		{"admin role named on another database", []Grant{on("backup", "shop"), on("backup", "admin")}, nil, []string{"backup"}, nil},
		{"chain", []Grant{on("a", "admin")}, []CustomRole{role("a", on("b", "admin")), role("b", on("readAnyDatabase", "admin"))},
			[]string{"a", "b", "read@*", "readAnyDatabase"}, nil},
		{"cycle", []Grant{on("a", "admin")}, []CustomRole{role("a", on("b", "")), role("b", on("a", "x"), on("b", ""))},
			[]string{"a", "b"}, nil},
		{"missing", []Grant{on("a", "admin"), on("gone", "admin")}, []CustomRole{role("a", on("lost", "admin"))},
			[]string{"a", "gone", "lost"}, []string{"gone", "lost"}},
		{"a role of another deployment is missing", []Grant{on("root", "admin")}, nil, []string{"root"}, []string{"root"}},
		{"one name twice", []Grant{on("a", "admin")}, []CustomRole{role("a", on("backup", "")), role("a", on("clusterMonitor", ""))},
			[]string{"a", "backup", "clusterMonitor"}, nil},
		{"named like a built-in role", []Grant{on("read", "shop")}, []CustomRole{role("read", on("backup", ""))},
			[]string{"backup", "read@shop"}, nil},
		{"defined but not held", []Grant{on("read", "shop")}, []CustomRole{role("a", on("atlasAdmin", "admin"))},
			[]string{"read@shop"}, nil},
	}
	for _, tt := range tests {
		got := Close(tt.granted, tt.custom)
		if diff := cmp.Diff(tt.want, texts(got.Grants)); diff != "" {
			t.Errorf("%s: grants (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.missing, got.Missing); diff != "" {
			t.Errorf("%s: missing (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCloseCollectsActions(t *testing.T) {
	find := Action{Name: "FIND", Database: "shop", Collection: "orders"}
	kill := Action{Name: "KILL_OP", Cluster: true}
	custom := []CustomRole{
		{Name: "a", Inherits: []Grant{on("b", "admin")}, Actions: []Action{kill, find}},
		{Name: "b", Actions: []Action{find, {Name: "FIND", Cluster: true}}},
		{Name: "other", Actions: []Action{{Name: "DROP_DATABASE", Database: "shop"}}},
	}
	want := []Action{find, {Name: "FIND", Cluster: true}, kill}
	if diff := cmp.Diff(want, Close([]Grant{on("a", "admin")}, custom).Actions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPathIsShortestAndFirst(t *testing.T) {
	custom := []CustomRole{
		role("long", on("mid", "admin")),
		role("mid", on("end", "admin")),
		role("z", on("end", "admin")),
		role("m", on("end", "admin")),
		role("end", on("atlasAdmin", "admin")),
	}
	c := Close([]Grant{on("z", "admin"), on("long", "admin"), on("m", "admin"), on("read", "shop")}, custom)
	for role, want := range map[string][]string{
		"atlasAdmin":      {"m", "end", "atlasAdmin"},
		"end":             {"m", "end"},
		"mid":             {"long", "mid"},
		"readAnyDatabase": {"m", "end", "atlasAdmin", "readWriteAnyDatabase", "readAnyDatabase"},
		"read":            {"read"},
		"unheard":         nil,
	} {
		if diff := cmp.Diff(want, c.Path(role)); diff != "" || c.Reaches(role) != (want != nil) {
			t.Errorf("path to %s (-want +got):\n%s", role, diff)
		}
	}
}

// The order is that of whole paths, not of the roles that one step compares.
func TestPathOrderIsThatOfTheWholePath(t *testing.T) {
	custom := []CustomRole{
		role("a", on("z", "admin")), role("z", on("end", "admin")),
		role("b", on("y", "admin")), role("y", on("end", "admin")), role("end"),
	}
	c := Close([]Grant{on("b", "admin"), on("a", "admin")}, custom)
	if diff := cmp.Diff([]string{"a", "z", "end"}, c.Path("end")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func chain(depth int, last Grant) []CustomRole {
	var roles []CustomRole
	for i := range depth {
		next := on(fmt.Sprintf("r%02d", i+1), "admin")
		if i == depth-1 {
			next = last
		}
		roles = append(roles, role(fmt.Sprintf("r%02d", i), next))
	}
	return roles
}

func TestReachesAdmin(t *testing.T) {
	tests := []struct {
		name    string
		granted []Grant
		custom  []CustomRole
		reaches bool
		steps   int
		unknown bool
	}{
		{"no roles", nil, nil, false, 0, false},
		{"itself", []Grant{on("atlasAdmin", "admin")}, nil, true, 1, false},
		{"as close as a built-in comes", []Grant{on("readWriteAnyDatabase", "admin"), on("dbAdminAnyDatabase", "admin")}, nil, false, 0, false},
		{"one step", []Grant{on("r00", "admin")}, chain(1, on("atlasAdmin", "admin")), true, 2, false},
		{"fifty steps", []Grant{on("r00", "admin")}, chain(50, on("atlasAdmin", "admin")), true, 51, false},
		{"fifty steps to something else", []Grant{on("r00", "admin")}, chain(50, on("readWrite", "shop")), false, 0, false},
		{"through a cycle", []Grant{on("r00", "admin")}, append(chain(5, on("r00", "admin")), role("r03", on("atlasAdmin", "admin"))), true, 5, false},
		{"a missing role hides the answer", []Grant{on("gone", "admin")}, nil, false, 0, true},
		{"a missing role beside the answer", []Grant{on("gone", "admin"), on("atlasAdmin", "admin")}, nil, true, 1, false},
		{"missing at the end of a chain", []Grant{on("r00", "admin")}, chain(50, on("gone", "admin")), false, 0, true},
		{"actions are not the role", []Grant{on("a", "admin")}, []CustomRole{{Name: "a", Actions: []Action{{Name: "DROP_DATABASE"}}}}, false, 0, false},
		{"the letters differ", []Grant{on("AtlasAdmin", "admin")}, nil, false, 0, true},
	}
	for _, tt := range tests {
		reaches, path, unknown := ReachesAdmin(tt.granted, tt.custom)
		if reaches != tt.reaches || len(path) != tt.steps || unknown != tt.unknown {
			t.Errorf("%s: %t by %v, unknown %t; want %t by %d steps, unknown %t",
				tt.name, reaches, path, unknown, tt.reaches, tt.steps, tt.unknown)
		}
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		have, want Grant
		covers     bool
	}{
		{on("readWrite", "shop"), on("read", "shop"), true},
		{on("readWrite", "shop"), Grant{"read", "shop", "orders"}, true},
		{Grant{"readWrite", "shop", "orders"}, on("read", "shop"), false},
		{on("read", "shop"), on("readWrite", "shop"), false},
		{on("readWrite", "shop"), on("read", "crm"), false},
		{on("readAnyDatabase", "admin"), on("read", "shop"), true},
		{on("readAnyDatabase", "admin"), on("read", "local"), false},
		{on("readWriteAnyDatabase", "admin"), on("readAnyDatabase", "shop"), true},
		{on("readAnyDatabase", "admin"), on("readWrite", "shop"), false},
		{on("dbAdminAnyDatabase", "admin"), on("dbAdmin", "shop"), true},
		{on("atlasAdmin", "admin"), Grant{"readWrite", "shop", "orders"}, true},
		{on("atlasAdmin", "admin"), on("enableSharding", "admin"), true},
		{on("atlasAdmin", "admin"), on("ops", "admin"), false},
		{on("ops", "admin"), on("ops", "admin"), true},
		{on("ops", "admin"), on("clusterMonitor", "admin"), true},
	}
	custom := []CustomRole{role("ops", on("clusterMonitor", "admin"))}
	for _, tt := range tests {
		if got := Close([]Grant{tt.have}, custom).Covers(tt.want); got != tt.covers {
			t.Errorf("%s covers %s: %t", tt.have, tt.want, got)
		}
	}
}

func TestMayReadAndWrite(t *testing.T) {
	custom := []CustomRole{{Name: "narrow", Actions: []Action{
		{Name: "FIND", Database: "shop", Collection: "orders"}, {Name: "UPDATE", Database: "crm"},
		{Name: "FIND", Collection: "public"}, {Name: "INSERT", Cluster: true},
	}}}
	tests := []struct {
		have        Grant
		db, coll    string
		read, write bool
	}{
		{on("read", "shop"), "shop", "orders", true, false},
		{on("readWrite", "shop"), "shop", "", true, true},
		{on("readWrite", "shop"), "crm", "", false, false},
		{on("backup", "admin"), "local", "oplog.rs", true, false},
		{on("atlasAdmin", "admin"), "crm", "people", true, true},
		{on("clusterMonitor", "admin"), "crm", "people", false, false},
		{on("narrow", "admin"), "shop", "orders", true, false},
		{on("narrow", "admin"), "shop", "", false, false},
		{on("narrow", "admin"), "crm", "people", false, true},
		{on("narrow", "admin"), "crm", "public", true, true},
		{on("narrow", "admin"), "shop", "carts", false, false},
	}
	for _, tt := range tests {
		c := Close([]Grant{tt.have}, custom)
		if read, write := c.MayRead(tt.db, tt.coll), c.MayWrite(tt.db, tt.coll); read != tt.read || write != tt.write {
			t.Errorf("%s on %s.%s: read %t, write %t", tt.have, tt.db, tt.coll, read, write)
		}
	}
}

func drawGrant(t *rapid.T) Grant {
	g := Grant{
		Role: rapid.SampledFrom([]string{
			"c0", "c1", "c2", "c3", "c4", "gone", "read", "readWrite", "dbAdmin", "readAnyDatabase",
			"readWriteAnyDatabase", "dbAdminAnyDatabase", "atlasAdmin", "backup",
		}).Draw(t, "role"),
		Database: rapid.SampledFrom([]string{"admin", "shop", "crm", ""}).Draw(t, "db"),
	}
	if g.Role == "read" || g.Role == "readWrite" {
		g.Collection = rapid.SampledFrom([]string{"", "orders"}).Draw(t, "coll")
	}
	return g
}

func drawRoles(t *rapid.T) []CustomRole {
	var roles []CustomRole
	for i := range rapid.IntRange(0, 5).Draw(t, "roles") {
		r := role(fmt.Sprintf("c%d", i), drawGrants.Draw(t, "inherits")...)
		r.Actions = []Action{{Name: "FIND", Database: r.Name}}
		roles = append(roles, r)
	}
	return roles
}

var drawGrants = rapid.SliceOfN(rapid.Custom(drawGrant), 0, 3)

// naive is the closure as a fixpoint: add what any member contains until
// nothing is new. The table of built-in roles is written out for it anew.
func naive(granted []Grant, custom []CustomRole) map[Grant]bool {
	builtin := map[string][]string{
		"atlasAdmin":           {"autoCompact", "backup", "clusterMonitor", "enableSharding", "readWriteAnyDatabase", "dbAdminAnyDatabase"},
		"readWriteAnyDatabase": {"readAnyDatabase", "readWrite"},
		"readAnyDatabase":      {"read"},
		"dbAdminAnyDatabase":   {"dbAdmin"},
	}
	reached := map[Grant]bool{}
	add := func(g Grant) {
		if g.Role != "read" && g.Role != "readWrite" && g.Role != "dbAdmin" {
			g.Database, g.Collection = "admin", ""
		}
		reached[g] = true
	}
	for _, g := range granted {
		add(g)
	}
	for before := -1; before != len(reached); {
		before = len(reached)
		for g := range reached {
			for _, b := range builtin[g.Role] {
				add(Grant{Role: b})
			}
			if g.Role == "readWrite" {
				add(Grant{"read", g.Database, g.Collection})
			}
			for _, r := range custom {
				if r.Name == g.Role {
					for _, in := range r.Inherits {
						add(in)
					}
				}
			}
		}
	}
	return reached
}

func TestCloseEqualsFixpoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		granted, custom := drawGrants.Draw(t, "granted"), drawRoles(t)
		got, want := Close(granted, custom), naive(granted, custom)
		if len(got.Grants) != len(want) {
			t.Fatalf("closure %v, fixpoint %v", got.Grants, want)
		}
		for _, g := range got.Grants {
			path := got.Paths[g]
			if !want[g] || len(path) == 0 || path[len(path)-1] != g.Role {
				t.Fatalf("%s by %v is not in the fixpoint %v", g, path, want)
			}
			if !slices.ContainsFunc(granted, func(h Grant) bool { return h.Role == path[0] }) {
				t.Fatalf("the path %v begins with no granted role of %v", path, granted)
			}
			_, isCustom := NewCatalog(custom).roles[g.Role]
			if miss := slices.Contains(got.Missing, g.Role); miss == (isCustom || KnownDatabaseRole(g.Role)) {
				t.Fatalf("%s missing: %t", g, miss)
			}
			if isCustom != slices.Contains(got.Actions, Action{Name: "FIND", Database: g.Role}) {
				t.Fatalf("actions of %s: %v", g, got.Actions)
			}
		}
	})
}

func TestCloseIgnoresOrderAndDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		granted, custom := drawGrants.Draw(t, "granted"), drawRoles(t)
		g2 := rapid.Permutation(slices.Concat(granted, granted)).Draw(t, "granted again")
		c2 := rapid.Permutation(slices.Concat(custom, custom)).Draw(t, "custom again")
		if diff := cmp.Diff(Close(granted, custom), Close(g2, c2)); diff != "" {
			t.Fatalf("(-once +shuffled twice):\n%s", diff)
		}
	})
}

func TestCloseIsMonotoneAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		granted, custom := drawGrants.Draw(t, "granted"), drawRoles(t)
		less := Close(granted, custom)
		more := Close(append(slices.Clone(granted), drawGrant(t)), append(slices.Clone(custom), drawRoles(t)...))
		for _, g := range less.Grants {
			if !slices.Contains(more.Grants, g) || !more.Covers(g) {
				t.Fatalf("%s was lost when something was added", g)
			}
			if len(more.Paths[g]) > len(less.Paths[g]) {
				t.Fatalf("the path to %s grew from %v to %v", g, less.Paths[g], more.Paths[g])
			}
		}
		if diff := cmp.Diff(less.Grants, Close(less.Grants, custom).Grants); diff != "" {
			t.Fatalf("closing again (-once +twice):\n%s", diff)
		}
	})
}

func BenchmarkClose(b *testing.B) {
	custom := chain(50, on("atlasAdmin", "admin"))
	catalog := NewCatalog(custom)
	for name, granted := range map[string][]Grant{
		"plain": {on("readWrite", "shop")},
		"admin": {on("atlasAdmin", "admin")},
		"chain": {on("r00", "admin")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(catalog.Close(granted).Grants) == 0 {
					b.Fatal("nothing reached")
				}
			}
		})
	}
}
