package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestUnmatched: what is declared and matches nothing is told by its place in the
// configuration, once all that it could match was read.
func TestUnmatched(t *testing.T) {
	org, dev := access.OrgScope(testOrg), access.ProjectScope("000000000000000000000009")
	of := func(scope access.Scope, all map[access.Kind][]access.State) Input {
		in := Input{Scope: scope, Collections: map[access.Kind]access.Collection{}}
		for _, k := range UnmatchedKinds(scope) {
			in.Collections[k] = access.NewCollection(scope, k, all[k])
		}
		return in
	}
	read := func() []Input {
		return []Input{
			of(org, map[access.Kind][]access.State{
				access.KindOrgMember:      {access.OrgMember{Username: "alice@example.com"}},
				access.KindInvitation:     {access.Invitation{ID: "i", Username: "rajesh@example.com"}},
				access.KindAPIKey:         {access.APIKey{PublicKey: "abcdefgh", Description: "pipeline of the shop"}},
				access.KindServiceAccount: {access.ServiceAccount{ClientID: "mdb_sa_id_1", Title: "terraform"}},
			}),
			of(prj, map[access.Kind][]access.State{
				access.KindProject:      {access.Project{ID: prj.ID(), Title: "ecommerce-prod"}},
				access.KindDatabaseUser: {access.DatabaseUser{Username: "shop_app", Database: "admin"}, access.DatabaseUser{Username: "etl", Database: "admin", Labels: []access.Label{{Key: "kind", Value: "etl"}}}},
			}),
			of(dev, map[access.Kind][]access.State{
				access.KindProject:      {access.Project{ID: dev.ID(), Title: "ecommerce-dev"}},
				access.KindDatabaseUser: {access.DatabaseUser{Username: "dev_app", Database: "admin"}},
				access.KindProjectKey:   {access.ProjectKey{PublicKey: "projectk"}},
			}),
		}
	}
	until := t0.Add(time.Hour)
	for name, c := range map[string]struct {
		policy Policy
		hide   func([]Input)
		want   []string // path and pattern
	}{
		"all match": {policy: Policy{
			Identities: []access.Identity{
				{Class: access.ClassApp, Usernames: []string{"*_app"}}, {Class: access.ClassBIETL, Labels: map[string]string{"kind": "etl"}},
				{Class: access.ClassAutomation, Machines: []string{"pipeline*", "mdb_sa_id_1"}}, {Class: access.ClassAutomation, Machines: []string{"projectk"}, Environments: []string{"dev"}},
			},
			Principals:   []access.Principal{{ID: "alice", Atlas: []string{"Alice@example.com"}, Owns: []string{"abcdefgh"}}, {ID: "rajesh", Atlas: []string{"rajesh@example.com"}}},
			Expectations: []access.Expectation{{Project: "ecommerce-*", Actor: "alice", Until: until}, {Project: prj.ID(), Actor: "terraform", Until: until}},
		}},
		"a name of nobody":        {policy: Policy{Identities: []access.Identity{{Class: access.ClassApp, Usernames: []string{"*_app", "*_apps"}}}}, want: []string{"identities[0].usernames[1] *_apps"}},
		"only elsewhere":          {policy: Policy{Identities: []access.Identity{{Class: access.ClassApp, Usernames: []string{"shop_app"}, Environments: []string{"dev"}}}}, want: []string{"identities[0].usernames[0] shop_app"}},
		"without its labels":      {policy: Policy{Identities: []access.Identity{{Class: access.ClassApp, Usernames: []string{"etl"}, Labels: map[string]string{"kind": "app"}}}}, want: []string{"identities[0].usernames[0] etl"}},
		"labels of nobody":        {policy: Policy{Identities: []access.Identity{{Class: access.ClassApp, Labels: map[string]string{"kind": "app"}}}}, want: []string{"identities[0].labels app"}},
		"those that come and go":  {policy: Policy{Identities: []access.Identity{{Class: access.ClassMigration, Usernames: []string{"m*"}}, {Class: access.ClassDynamic, Usernames: []string{"v-*"}}, {Class: access.ClassSync, Usernames: []string{"x"}}}}},
		"a machine of no name":    {policy: Policy{Identities: []access.Identity{{Class: access.ClassAutomation, Machines: []string{"gitlab"}}}}, want: []string{"identities[0].machines[0] gitlab"}},
		"a project's, elsewhere":  {policy: Policy{Identities: []access.Identity{{Class: access.ClassAutomation, Machines: []string{"projectk"}, Environments: []string{"prod"}}}}, want: []string{"identities[0].machines[0] projectk"}},
		"a person who left":       {policy: Policy{Principals: []access.Principal{{ID: "a"}, {ID: "mallory", Atlas: []string{"mallory@example.com"}, Owns: []string{"gone"}}}}, want: []string{"principals[1].atlas[0] mallory@example.com", "principals[1].owns[0] gone"}},
		"announced for nothing":   {policy: Policy{Expectations: []access.Expectation{{Project: "shop-*", Actor: "mallory@example.com", Until: until}}}, want: []string{"expectations[0].project shop-*", "expectations[0].actor mallory@example.com"}},
		"announced, and over":     {policy: Policy{Expectations: []access.Expectation{{Project: "shop-*", Until: t0}}}},
		"users that are not read": {policy: Policy{Identities: []access.Identity{{Class: access.ClassApp, Usernames: []string{"none"}}}}, hide: func(all []Input) { deny(all[2], access.KindDatabaseUser) }},
		"a user that is not decoded": {policy: Policy{Identities: []access.Identity{{Class: access.ClassApp, Usernames: []string{"none"}}}}, hide: func(all []Input) {
			c := all[1].Collections[access.KindDatabaseUser]
			c.Odd = []string{"admin/none"}
			all[1].Collections[access.KindDatabaseUser] = c
		}},
		"a project that is not read": {policy: Policy{Expectations: []access.Expectation{{Project: "shop-*", Until: until}}}, hide: func(all []Input) { deny(all[1], access.KindProject) }},
		"members that are not read":  {policy: Policy{Principals: []access.Principal{{ID: "m", Atlas: []string{"m@example.com"}}}}, hide: func(all []Input) { delete(all[0].Collections, access.KindOrgMember) }},
		"keys that are not read":     {policy: Policy{Identities: []access.Identity{{Class: access.ClassAutomation, Machines: []string{"none"}}}}, hide: func(all []Input) { deny(all[0], access.KindAPIKey) }},
	} {
		t.Run(name, func(t *testing.T) {
			c.policy.Environments = testEnvironments
			all := read()
			if c.hide != nil {
				c.hide(all)
			}
			var got []string
			for _, u := range mustLoad(t, c.policy).Unmatched(all, t0) {
				got = append(got, u.Path+" "+u.Pattern)
				if u.Why == "" || u.Section == "" {
					t.Errorf("%+v", u)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	none := mustLoad(t, Policy{Identities: []access.Identity{{Class: access.ClassApp, Usernames: []string{"none"}}}})
	if got := none.Unmatched(read()[:1], t0); len(got) != 0 {
		t.Errorf("in an org without projects: %+v", got)
	}
}

func deny(in Input, k access.Kind) {
	c := in.Collections[k]
	c.Status = access.StatusDenied
	in.Collections[k] = c
}
