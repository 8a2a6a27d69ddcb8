package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// policy declares as much as an installation does that takes its rules seriously.
func policy() rules.Policy {
	return rules.Policy{
		Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}}, {Name: "dev", Projects: []string{"*-dev"}}},
		Identities: []access.Identity{
			{Class: access.ClassApp, Usernames: []string{"*_app_user"}, Roles: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}},
			{Class: access.ClassReporting, Usernames: []string{"report_*"}, Roles: []access.RoleGrant{{Role: "read", Database: "shop"}}},
			{Class: access.ClassMigration, Usernames: []string{"*_migration_*"}, MaxAge: 72 * time.Hour},
		},
		Networks: []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"203.0.113.0/24"}}}},
		Domains:  []string{"example.com"},
	}
}

// world is one project, as both engines are told of it.
type world struct {
	id      string
	users   []access.DatabaseUser
	entries []access.IPAccessEntry
	roles   []access.CustomRole
}

func (w world) size() int { return len(perUser)*len(w.users) + len(perEntry)*len(w.entries) }

// fleet makes projects of 50 users, 20 entries and 6 custom roles; about one user in
// twenty and one entry in fifty violates something.
func fleet(n int) []world {
	r := rand.New(rand.NewPCG(20261122, 4))
	out := make([]world, n)
	for i := range out {
		w := world{id: fmt.Sprintf("%024x", i+1), roles: []access.CustomRole{
			{Role: "orders", Inherits: []access.RoleGrant{{Role: "orders_inner", Database: "admin"}}},
			{Role: "orders_inner", Inherits: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}},
			{Role: "deep1", Inherits: []access.RoleGrant{{Role: "deep2", Database: "admin"}}},
			{Role: "deep2", Inherits: []access.RoleGrant{{Role: "deep3", Database: "admin"}, {Role: "deep1", Database: "admin"}}},
			{Role: "deep3", Inherits: []access.RoleGrant{{Role: "atlasAdmin", Database: "admin"}}},
			{Role: "wide", Inherits: []access.RoleGrant{{Role: "readAnyDatabase", Database: "admin"}}},
		}}
		for j := range 50 {
			w.users = append(w.users, oneUser(r, j))
		}
		for j := range 20 {
			w.entries = append(w.entries, oneEntry(r, j))
		}
		out[i] = w
	}
	return out
}

func oneUser(r *rand.Rand, j int) access.DatabaseUser {
	u := access.DatabaseUser{Database: "admin", Username: fmt.Sprintf("u%02d_app_user", j), Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}}
	if j%3 == 1 {
		u.Username, u.Roles = fmt.Sprintf("report_%02d", j), []access.RoleGrant{{Role: "read", Database: "shop"}}
	}
	switch r.IntN(80) {
	case 0:
		u.Roles = []access.RoleGrant{{Role: "deep1", Database: "admin"}}
	case 1:
		u.Roles = append(u.Roles, access.RoleGrant{Role: "wide", Database: "admin"})
	case 2:
		u.Roles = []access.RoleGrant{}
	case 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14:
		u.Roles = append(u.Roles, access.RoleGrant{Role: "orders", Database: "admin"})
	}
	u.Roles = access.SortGrants(u.Roles)
	if r.IntN(80) > 0 {
		u.Scopes = []access.UserScope{{Name: "orders", Type: "CLUSTER"}}
	}
	return u
}

func oneEntry(r *rand.Rand, j int) access.IPAccessEntry {
	e := access.IPAccessEntry{Entry: fmt.Sprintf("203.0.113.%d/32", 10*j), Comment: fmt.Sprintf("NET-%d, owner=shop", 100+j)}
	switch r.IntN(150) {
	case 0:
		e.Entry = fmt.Sprintf("%d.0.0.0/8", 20+j)
	case 1:
		e.Comment = "temporary"
	case 2:
		if j == 0 {
			e.Entry = "0.0.0.0/0"
		}
	}
	return e
}

// input is the world as the engine takes it.
func (w world) input() rules.Input {
	scope := access.ProjectScope(w.id)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	in := rules.Input{Scope: scope, Environment: "prod", Now: now, Collections: map[access.Kind]access.Collection{}, Facts: access.Facts{V: 1, Scope: scope, Org: map[access.Kind]access.Collection{}}}
	set := func(k access.Kind, states ...access.State) {
		c := access.NewCollection(scope, k, states)
		c.FirstRead = now.AddDate(0, -6, 0)
		for i := range c.Resources {
			c.Resources[i].FirstSeen, c.Resources[i].Baseline = c.FirstRead, true
		}
		in.Collections[k] = c
	}
	for _, k := range access.ProjectKinds() {
		set(k)
	}
	for _, k := range access.GatheredKinds() {
		c := access.NewCollection(access.OrgScope("0"), k, nil)
		c.FirstRead = now
		in.Facts.Org[k] = c
	}
	set(access.KindProject, access.Project{ID: w.id, OrgID: "0", Title: "shop" + w.id + "-prod"})
	set(access.KindCluster, access.Cluster{Cluster: "orders"}, access.Cluster{Cluster: "stock"})
	set(access.KindDatabaseUser, states(w.users)...)
	set(access.KindIPAccessEntry, states(w.entries)...)
	set(access.KindCustomRole, states(w.roles)...)
	return in
}

func states[T access.State](list []T) (out []access.State) {
	for _, x := range list {
		out = append(out, x)
	}
	return out
}

// limitedPolicy is the same with every rule under the cost limit of users' rules.
func limitedPolicy() rules.Policy {
	p := policy()
	p.LimitAll = true
	return p
}
