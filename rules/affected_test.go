package rules

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestAffected: what is gathered for the affected projects alone, over what was there
// before, is what is gathered for all.
func TestAffected(t *testing.T) {
	e := mustLoad(t, testPolicy())
	rapid.Check(t, func(rt *rapid.T) {
		some := func(label string, from ...string) []string {
			return access.SortNames(rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 3, rapid.ID[string]).Draw(rt, label))
		}
		draw := func(scope access.Scope) access.Contribution {
			c := access.Contribution{V: 1, Scope: scope, Org: orgID, Title: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "title"), Environment: rapid.SampledFrom([]string{"prod", "dev"}).Draw(rt, "environment")}
			c.Entries, c.Users, c.Owners = some("entries", all, "203.0.113.0/28", "198.51.100.7/32", "192.0.2.0/24"), some("users", "admin/x", "admin/y"), some("owners", "alice@example.com", "rajesh@example.com")
			for _, m := range some("members", "alice@example.com", "rajesh@example.com") {
				c.Members = append(c.Members, access.ProjectMember{Username: m})
			}
			for _, id := range some("teams", "t1", "t2") {
				c.Teams = append(c.Teams, access.TeamGrant{Team: id})
			}
			for _, id := range some("accounts", "s1", "s2") {
				c.ServiceAccounts = append(c.ServiceAccounts, access.ProjectServiceAccount{ClientID: id})
			}
			if rapid.IntRange(0, 5).Draw(rt, "unread") == 0 {
				c.Unread = map[access.Kind]string{access.KindDatabaseUser: "denied"}
			}
			return c
		}
		scopes := []access.Scope{access.ProjectScope(prodID), access.ProjectScope(devID), prj}
		org := Input{Scope: access.OrgScope(orgID), Collections: map[access.Kind]access.Collection{
			access.KindOrgMember:  access.NewCollection(access.OrgScope(orgID), access.KindOrgMember, []access.State{access.OrgMember{Username: "alice@example.com"}, access.OrgMember{Username: "rajesh@example.com"}}),
			access.KindTeam:       access.NewCollection(access.OrgScope(orgID), access.KindTeam, []access.State{access.Team{ID: "t1", Title: "one"}, access.Team{ID: "t2", Title: "two"}}),
			access.KindTeamMember: access.NewCollection(access.OrgScope(orgID), access.KindTeamMember, []access.State{access.TeamMember{Team: "t1", Username: "alice@example.com"}}),
		}}
		var before []access.Contribution
		for _, s := range scopes {
			before = append(before, draw(s))
		}
		after := append([]access.Contribution{draw(scopes[0])}, before[1:]...)
		if rapid.Bool().Draw(rt, "the same in common") {
			after[0].Title, after[0].Environment, after[0].Unread = before[0].Title, before[0].Environment, before[0].Unread
		}
		got := e.Gather(org, before)
		maps.Copy(got, e.GatherFor(org, after, Affected(before[0], after[0], after)))
		if diff := cmp.Diff(e.Gather(org, after), got); diff != "" {
			rt.Fatalf("gathered for the affected (-all +affected):\n%s", diff)
		}
	})
}
