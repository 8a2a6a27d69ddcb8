package watcher

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestOwnerSince: when somebody came to be an owner is known if it was seen, as long as they
// are one, whatever else changes of them meanwhile.
func TestOwnerSince(t *testing.T) {
	scope := access.OrgScope("0123456789abcdef01234567")
	t0 := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	read := func(cur access.Collection, n int, roles, teams []string) access.Collection {
		at := t0.Add(time.Duration(n) * time.Hour)
		after := access.NewCollection(scope, access.KindOrgMember, []access.State{access.OrgMember{Username: "a", OrgRoles: roles, Teams: teams}})
		var recent []access.RecentChange
		for _, c := range access.Diff(cur, after) {
			if cur.V > 0 {
				c.ID, c.Occurred = at.String(), at
				recent = append(recent, access.RecentChange{Change: c})
			}
		}
		after.Resources = records(cur, after.Resources, at, recent, 0)
		return after
	}
	member, owner := []string{"ORG_MEMBER"}, []string{"ORG_MEMBER", "ORG_OWNER"}
	type step struct{ roles, teams []string }
	for name, tc := range map[string]struct {
		steps []step
		want  time.Duration // after t0; 0: not known
	}{
		"at first sight":               {[]step{{owner, nil}}, 0},
		"and changed since":            {[]step{{owner, nil}, {owner, []string{"t"}}}, 0},
		"raised":                       {[]step{{member, nil}, {owner, nil}}, time.Hour},
		"raised, and changed since":    {[]step{{member, nil}, {owner, nil}, {owner, []string{"t"}}}, time.Hour},
		"raised, and read again":       {[]step{{member, nil}, {owner, nil}, {owner, nil}, {owner, nil}}, time.Hour},
		"raised and lowered":           {[]step{{member, nil}, {owner, nil}, {member, nil}}, 0},
		"raised, lowered and raised":   {[]step{{member, nil}, {owner, nil}, {member, nil}, {owner, nil}}, 3 * time.Hour},
		"lowered from the start, then": {[]step{{owner, nil}, {member, nil}, {owner, nil}}, 2 * time.Hour},
	} {
		var c access.Collection
		for n, s := range tc.steps {
			c = read(c, n, s.roles, s.teams)
		}
		want := time.Time{}
		if tc.want > 0 {
			want = t0.Add(tc.want)
		}
		if got := c.Resources[0].OwnerSince; !got.Equal(want) {
			t.Errorf("%s: owner since %v, want %v", name, got, want)
		}
	}
}

func TestHoldsOwner(t *testing.T) {
	for name, tc := range map[string]struct {
		state access.State
		want  bool
	}{
		"of the org":       {access.OrgMember{OrgRoles: []string{"ORG_OWNER"}}, true},
		"of a project":     {access.ProjectMember{Status: "ACTIVE", Roles: []string{"GROUP_OWNER"}}, true},
		"by a team":        {access.TeamGrant{Roles: []string{"GROUP_OWNER", "GROUP_READ_ONLY"}}, true},
		"invited":          {access.ProjectMember{Status: "PENDING", Roles: []string{"GROUP_OWNER"}}, false},
		"of less":          {access.OrgMember{OrgRoles: []string{"ORG_GROUP_CREATOR"}}, false},
		"of another level": {access.OrgMember{OrgRoles: []string{"GROUP_OWNER"}}, false},
		"of another kind":  {access.Team{ID: "GROUP_OWNER"}, false},
	} {
		if got := holdsOwner(access.Box{State: tc.state}); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
