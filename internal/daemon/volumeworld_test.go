package daemon

import (
	"fmt"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

func memberName(i int) string { return fmt.Sprintf("member%05d@example.com", i) }
func memberID(i int) string   { return fmt.Sprintf("64f100000000000000%06x", i) }

func volumeAccounts() []sim.ServiceAccount {
	owner := []sim.Grant{{RoleName: "ORG_OWNER"}}
	return []sim.ServiceAccount{
		{ClientID: readAccount, Secret: "test-read-secret", Name: "gatewarden-read", Roles: owner},
		{ClientID: writeAccount, Secret: "test-write-secret", Name: "gatewarden-write", Roles: owner},
	}
}

// largeWorld is an org of n members in n/20 teams, with n/10 projects and n/50 keys.
// Everybody has a role in two projects of their own and in a third by a team.
func largeWorld(n int) sim.World {
	project := func(i int) string { return fmt.Sprintf("project%04d", i%(n/10)) }
	o := sim.Org{
		Name: "ExampleCorp", ServiceAccounts: volumeAccounts(),
		Users:  []sim.User{{Username: alice, Roles: []sim.Grant{{RoleName: "ORG_OWNER"}}}},
		Limits: map[string]int{"org.users": 2 * n, "org.projects": n, "org.teams": n, "org.apiKeys": n, "project.users": n},
	}
	for i := range n {
		o.Users = append(o.Users, sim.User{ID: memberID(i), Username: memberName(i), FirstName: "Some", LastName: "Body", Roles: []sim.Grant{
			{RoleName: "ORG_MEMBER"}, {RoleName: "GROUP_READ_ONLY", GroupID: project(i)}, {RoleName: "GROUP_DATA_ACCESS_READ_ONLY", GroupID: project(i * 7)},
		}})
	}
	for i := range n / 20 {
		t := sim.Team{ID: fmt.Sprintf("64f200000000000000%06x", i), Name: fmt.Sprintf("team %d", i)}
		for j := range 20 {
			t.Usernames = append(t.Usernames, memberName(20*i+j))
		}
		o.Teams = append(o.Teams, t)
	}
	for i := range n / 50 {
		o.APIKeys = append(o.APIKeys, sim.APIKey{
			Desc: fmt.Sprintf("key %d", i), Roles: []sim.Grant{{RoleName: "ORG_MEMBER"}, {RoleName: "GROUP_READ_ONLY", GroupID: project(i)}},
			AccessList: []sim.KeyAddress{{IPAddress: fmt.Sprintf("9.9.%d.%d", i/250, i%250+1)}},
		})
	}
	for i := range n / 10 {
		o.Projects = append(o.Projects, sim.Project{
			Name: project(i), Tags: []sim.Tag{{Key: "env", Value: "prod"}}, Clusters: []sim.Cluster{{Name: "main"}},
			AccessList:    []sim.AccessEntry{{CIDRBlock: "8.8.8.0/28", Comment: "application subnets"}},
			ProjectPeople: sim.ProjectPeople{Teams: []sim.TeamGrant{{TeamID: fmt.Sprintf("team %d", i%(n/20)), RoleNames: []string{"GROUP_READ_ONLY"}}}},
		})
	}
	return sim.World{Orgs: []sim.Org{o}}
}

// fullWorld has a project at Atlas's limits with long lists of roles, and one with more
// entries and users than Atlas gives unasked.
func fullWorld(raised int) sim.World {
	full, huge := crowded("full-prod", 200, 100, 60), crowded("huge-prod", raised, raised, 8)
	huge.Limits = map[string]int{
		"atlas.project.security.networkAccess.entries": raised, "atlas.project.security.databaseAccess.users": raised,
	}
	return sim.World{Orgs: []sim.Org{{
		Name: "ExampleCorp", ServiceAccounts: volumeAccounts(), Projects: []sim.Project{full, huge},
		Users: []sim.User{{Username: alice, Roles: []sim.Grant{{RoleName: "ORG_OWNER"}}}},
	}}}
}

// crowded has that many entries and users, each with as many roles, and 100 custom roles.
func crowded(name string, entries, users, roles int) sim.Project {
	p := sim.Project{Name: name, Clusters: []sim.Cluster{{Name: "main"}}}
	for i := range entries {
		p.AccessList = append(p.AccessList, sim.AccessEntry{
			CIDRBlock: fmt.Sprintf("9.%d.%d.0/28", i/250, i%250), Comment: strings.Repeat("why it is there ", 5),
		})
	}
	for i := range 100 {
		r := sim.CustomRole{RoleName: fmt.Sprintf("custom%02d", i)}
		for _, action := range []string{"FIND", "INSERT", "UPDATE", "REMOVE"} {
			a := sim.Action{Action: action}
			for c := range 20 {
				collection := fmt.Sprintf("collection%02d", c)
				a.Resources = append(a.Resources, sim.Resource{DB: new("ecommerce"), Collection: &collection})
			}
			r.Actions = append(r.Actions, a)
		}
		p.CustomRoles = append(p.CustomRoles, r)
	}
	for i := range users {
		u := sim.DatabaseUser{Username: fmt.Sprintf("user%04d", i), DatabaseName: "admin", Password: "fake-password", Scopes: []sim.Scope{{Name: "main", Type: "CLUSTER"}}}
		for j := range roles {
			u.Roles = append(u.Roles, sim.Role{RoleName: "readWrite", DatabaseName: "ecommerce", CollectionName: fmt.Sprintf("collection%03d", j)})
		}
		p.DatabaseUsers = append(p.DatabaseUsers, u)
	}
	return p
}
