package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

func TestInternal(t *testing.T) {
	w := &world{policy: newPolicy(Policy{Domains: []string{"Company.com", "example.org"}})}
	for address, want := range map[string]bool{
		"alice@company.com": true, "ALICE@COMPANY.COM": true, "rajesh@example.org": true, `"a@b"@company.com`: true,
		"a@evilcompany.com": false, "a@company.com.evil.io": false, "a@mail.company.com": false, "a@company.co": false, "a@company.comm": false,
		"a@.company.com": false, "a@company.com.": false, "a@ company.com": false, "a@company.com ": false, "a@company.com\x00": false,
		"a@company.com@evil.io": false, "a%company.com@evil.io": false, "company.com": false, "": false, "@": false, "a@": false,
		"a@xn--cmpany-1vf.com": false, "a@cοmpany.com": false, "a@ｃompany.com": false, "a@company。com": false, "a@\u212aompany.com": false, "a@com\u00adpany.com": false, "a@COMPANY.C\u00d6M": false,
	} {
		if got := w.internal(address); got != want {
			t.Errorf("internal(%q) = %v, want %v", address, got, want)
		}
	}
	if (&world{policy: newPolicy(Policy{Domains: []string{""}})}).internal("nobody") {
		t.Error("an address without a domain is internal to nobody")
	}
}

func TestSharedAs(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for address, want := range map[string]bool{
		"admin@example.com": true, "Admin@example.com": true, "ADMIN.2@example.com": true, "dev-ops@example.com": true, "dev.ops+alerts@example.com": true,
		"payments-team@example.com": true, "team_42@example.com": true, "mongodb-admin@example.com": true, "it@example.com": true,
		"alice@example.com": false, "adminah.khan@example.com": false, "steam@example.com": false, "supporter@example.com": false, "42@example.com": false,
		"rita@example.com": false, "devi.devansh@example.com": false, "tim.teamer@example.com": false, "@example.com": false, "": false,
	} {
		s := &subject{rule: e.find("member/shared-account"), res: &access.Resource{Box: access.Box{State: access.OrgMember{Username: address}}}}
		if got := s.sharedAs(); (got != "") != want {
			t.Errorf("sharedAs(%q) = %q, want one: %v", address, got, want)
		}
	}
}

// TestSetUp: what is given in the first while of a project is its setting up; of a project
// whose id tells no age, or an impossible one, it is not.
func TestSetUp(t *testing.T) {
	made := t0.Add(-30 * time.Minute).Unix()
	for name, tc := range map[string]struct {
		scope access.Scope
		after time.Duration
		want  bool
	}{
		"young":             {access.ProjectScope(fmt.Sprintf("%08x%016x", made, 1)), 0, true},
		"to the second":     {access.ProjectScope(fmt.Sprintf("%08x%016x", made, 1)), 30*time.Minute - 1, true},
		"no longer":         {access.ProjectScope(fmt.Sprintf("%08x%016x", made, 1)), 30 * time.Minute, false},
		"of the future":     {access.ProjectScope(fmt.Sprintf("%08x%016x", made+7200, 1)), 0, false},
		"old":               {prj, 0, false},
		"no id":             {access.ProjectScope("p"), 0, false},
		"an organization's": {access.OrgScope(fmt.Sprintf("%08x%016x", made, 1)), 0, false},
	} {
		s := &subject{w: &world{in: &Input{Scope: tc.scope}}, rule: &Rule{Params: map[string]any{"setup": time.Hour}}, change: &access.Change{Occurred: t0.Add(tc.after)}}
		if got := s.beingSetUp(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestRaiseIsByContainment: what is given is exactly what no role before contained; taking
// roles away, or giving what an owner has anyway, raises nobody.
func TestRaiseIsByContainment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom(append(reach.ProjectRoles(), "GROUP_OF_TOMORROW"))
		some := func(name string) []string {
			return access.SortNames(rapid.SliceOfN(role, 0, 5).Draw(t, name))
		}
		before, after := some("before"), some("after")
		raised := func(before, after []string) []string {
			grant := func(roles []string) access.Box { return access.Box{State: access.TeamGrant{Team: "t", Roles: roles}} }
			w := newWorld(&Engine{policy: newPolicy(Policy{})}, &Input{Scope: prj})
			s := w.changeSubject(&Rule{}, access.Change{Ref: access.Ref{Scope: prj, Kind: access.KindTeamGrant, Name: "t"}, Op: access.OpUpdated, Before: grant(before), After: grant(after)})
			return s.raise().roles
		}
		want := slices.DeleteFunc(slices.Clone(after), func(r string) bool {
			return slices.ContainsFunc(before, func(b string) bool { return reach.ContainsProjectRole(b, r) })
		})
		if got := raised(before, after); !slices.Equal(got, want) {
			t.Fatalf("from %v to %v: given %v, want %v", before, after, got, want)
		}
		if got := raised(append(before, after...), after); len(got) > 0 {
			t.Fatalf("less than before gives %v", got)
		}
		if got := raised([]string{reach.ProjectOwner}, after); slices.ContainsFunc(got, reach.KnownProjectRole) {
			t.Fatalf("an owner is given %v", got)
		}
	})
}

func TestMappingRaise(t *testing.T) {
	org, p := access.OrgScope(testOrg), strings.Repeat("a", 24)
	assign := func(roles ...string) (out []access.AtlasRole) {
		for _, r := range roles {
			if strings.HasPrefix(r, "ORG_") {
				out = append(out, access.AtlasRole{Role: r, Org: testOrg})
			} else {
				out = append(out, access.AtlasRole{Role: r, Project: p})
			}
		}
		return out
	}
	for name, tc := range map[string]struct {
		before, after []string
		op            access.Op
		want          int
	}{
		"a new one for members":                       {nil, []string{"ORG_MEMBER"}, access.OpCreated, 0},
		"a new one for owners":                        {nil, []string{"ORG_MEMBER", "ORG_OWNER"}, access.OpCreated, 1},
		"a project beside it":                         {[]string{"ORG_MEMBER"}, []string{"ORG_MEMBER", "GROUP_READ_ONLY"}, access.OpUpdated, 1},
		"owners of the org own the project already":   {[]string{"ORG_OWNER"}, []string{"ORG_OWNER", "GROUP_OWNER"}, access.OpUpdated, 0},
		"who reads the org reads the project already": {[]string{"ORG_READ_ONLY"}, []string{"ORG_READ_ONLY", "GROUP_READ_ONLY"}, access.OpUpdated, 0},
		"owning a project is not owning the org":      {[]string{"GROUP_OWNER"}, []string{"ORG_OWNER"}, access.OpUpdated, 1},
		"less":                                        {[]string{"ORG_OWNER", "GROUP_OWNER"}, []string{"ORG_MEMBER", "GROUP_READ_ONLY"}, access.OpUpdated, 0},
	} {
		box := func(roles []string) access.Box {
			if roles == nil {
				return access.Box{}
			}
			return access.Box{State: access.RoleMapping{ID: "m", Group: "g", Roles: assign(roles...)}}
		}
		w := newWorld(&Engine{policy: newPolicy(Policy{})}, &Input{Scope: org})
		s := w.changeSubject(&Rule{}, access.Change{Ref: access.Ref{Scope: org, Kind: access.KindRoleMapping, Name: "m"}, Op: tc.op, Before: box(tc.before), After: box(tc.after)})
		if got := s.raise(); len(got.roles) != tc.want || got.doubt != "" {
			t.Errorf("%s: given %v (%s), want %d", name, got.roles, got.doubt, tc.want)
		}
	}
}

// TestRaiseEnds: a raise stands until nothing of what it gave is held any more.
func TestRaiseEnds(t *testing.T) {
	member := func(roles ...string) access.State { return access.ProjectMember{Username: "a", Roles: roles} }
	for name, tc := range map[string]struct {
		now  []access.State
		odd  []string
		want bool
	}{
		"still held":                  {now: []access.State{member("GROUP_OWNER")}},
		"as before":                   {now: []access.State{member("GROUP_READ_ONLY")}, want: true},
		"less than before":            {now: []access.State{member()}, want: true},
		"gone":                        {want: true},
		"perhaps there":               {odd: []string{""}},
		"a part of it":                {now: []access.State{member("GROUP_CLUSTER_MANAGER")}},
		"its record cannot be read":   {now: []access.State{member("GROUP_READ_ONLY")}, odd: []string{"a"}},
		"another's record cannot":     {now: []access.State{member("GROUP_READ_ONLY")}, odd: []string{"b"}, want: true},
		"raised otherwise since then": {now: []access.State{member("GROUP_DATA_ACCESS_ADMIN")}},
	} {
		c := access.NewCollection(prj, access.KindProjectMember, tc.now)
		c.Odd = tc.odd
		w := newWorld(&Engine{policy: newPolicy(Policy{})}, &Input{Scope: prj, Collections: map[access.Kind]access.Collection{access.KindProjectMember: c}})
		s := w.changeSubject(&Rule{}, access.Change{
			Ref: access.Ref{Scope: prj, Kind: access.KindProjectMember, Name: "a"}, Op: access.OpUpdated,
			Before: access.Box{State: member("GROUP_READ_ONLY")}, After: access.Box{State: member("GROUP_OWNER")},
		})
		if got := s.raiseOver(); got != tc.want {
			t.Errorf("%s: over %v, want %v", name, got, tc.want)
		}
	}
}

// TestRaiseOnJoining: an invitation gives nothing until it is accepted; then it gives all.
func TestRaiseOnJoining(t *testing.T) {
	project := func(status string) access.Box {
		return access.Box{State: access.ProjectMember{Username: "a", Status: status, Roles: []string{"GROUP_OWNER"}}}
	}
	team := func(status string) access.Box {
		return access.Box{State: access.TeamMember{Team: "t", Username: "a", Status: status}}
	}
	member := func(status string, roles ...string) access.Box {
		return access.Box{State: access.ProjectMember{Username: "a", Status: status, Roles: roles}}
	}
	org := access.OrgScope(testOrg)
	managers := access.Facts{V: 1, Projects: []access.Contribution{{Scope: prj, Title: "shop-dev", Environment: "dev", Teams: []access.TeamGrant{{Team: "t", Roles: []string{"GROUP_CLUSTER_MANAGER"}}}}}}
	facts := access.Facts{V: 1, Projects: []access.Contribution{{Scope: prj, Title: "shop-dev", Environment: "dev", Teams: []access.TeamGrant{{Team: "t", Roles: []string{"GROUP_OWNER"}}}}}}
	for name, tc := range map[string]struct {
		scope         access.Scope
		op            access.Op
		before, after access.Box
		facts         access.Facts
		want          []string
		doubt         bool
	}{
		"invited to a project":             {scope: prj, op: access.OpCreated, after: project("PENDING"), want: []string{}},
		"accepted":                         {scope: prj, op: access.OpUpdated, before: project("PENDING"), after: project("ACTIVE"), want: []string{"GROUP_OWNER"}},
		"accepted as invited":              {scope: prj, op: access.OpUpdated, before: member("PENDING", "GROUP_CLUSTER_MANAGER"), after: member("ACTIVE", "GROUP_CLUSTER_MANAGER"), want: []string{}},
		"accepted, and given more":         {scope: prj, op: access.OpUpdated, before: member("PENDING", "GROUP_READ_ONLY"), after: member("ACTIVE", "GROUP_READ_ONLY", "GROUP_CLUSTER_MANAGER"), want: []string{"GROUP_CLUSTER_MANAGER", "GROUP_READ_ONLY"}},
		"raised after it was accepted":     {scope: prj, op: access.OpUpdated, before: member("ACTIVE", "GROUP_READ_ONLY"), after: member("ACTIVE", "GROUP_CLUSTER_MANAGER"), want: []string{"GROUP_CLUSTER_MANAGER"}},
		"joined a team as invited":         {scope: org, op: access.OpUpdated, before: team("PENDING"), after: team("ACTIVE"), facts: managers, want: []string{}},
		"joined a team uninvited":          {scope: org, op: access.OpCreated, after: team("ACTIVE"), facts: managers, want: []string{"GROUP_CLUSTER_MANAGER on shop-dev"}},
		"added at once":                    {scope: prj, op: access.OpCreated, after: project(""), want: []string{"GROUP_OWNER"}},
		"removed":                          {scope: prj, op: access.OpDeleted, before: project("ACTIVE"), want: []string{}},
		"it could not be read before":      {scope: prj, op: access.OpUpdated, after: project("ACTIVE"), want: []string{}, doubt: true},
		"put into a team, invited to what": {scope: org, op: access.OpCreated, after: team("PENDING"), facts: facts, want: []string{}, doubt: true},
		"widened while pending":            {scope: prj, op: access.OpUpdated, before: member("PENDING", "GROUP_READ_ONLY"), after: member("PENDING", "GROUP_CLUSTER_MANAGER"), want: []string{"GROUP_CLUSTER_MANAGER"}},
		"narrowed while pending":           {scope: prj, op: access.OpUpdated, before: member("PENDING", "GROUP_CLUSTER_MANAGER"), after: member("PENDING", "GROUP_READ_ONLY"), want: []string{}},
		"invited anew after it lapsed":     {scope: prj, op: access.OpUpdated, before: member("INVITATION_EXPIRED", "GROUP_READ_ONLY"), after: member("PENDING", "GROUP_CLUSTER_MANAGER"), want: []string{}},
		"lapsed":                           {scope: prj, op: access.OpUpdated, before: member("PENDING", "GROUP_READ_ONLY"), after: member("INVITATION_EXPIRED", "GROUP_READ_ONLY"), want: []string{}},
		"joined the team":                  {scope: org, op: access.OpUpdated, before: team("PENDING"), after: team("ACTIVE"), facts: facts, want: []string{"GROUP_OWNER on shop-dev"}},
		"joined, and nothing was gathered": {scope: org, op: access.OpCreated, after: team("ACTIVE"), want: []string{}, doubt: true},
		"asked to join":                    {scope: prj, op: access.OpObserved, want: []string{}},
	} {
		w := newWorld(&Engine{policy: newPolicy(testPolicy())}, &Input{Scope: tc.scope, Facts: tc.facts})
		kind := access.KindProjectMember
		if tc.scope.IsOrg() {
			kind = access.KindTeamMember
		}
		s := w.changeSubject(&Rule{Kind: kind}, access.Change{Ref: access.Ref{Scope: tc.scope, Kind: kind, Name: "a"}, Op: tc.op, Before: tc.before, After: tc.after})
		got := s.raise()
		if !slices.Equal(got.roles, tc.want) || (got.doubt != "") != tc.doubt {
			t.Errorf("%s: given %v (%q), want %v", name, got.roles, got.doubt, tc.want)
		}
		if name == "joined the team" && got.production {
			t.Errorf("%s: the project is no production", name)
		}
	}
}

// TestInvitationsAreAsFirstMade: what an invitation said at first is given silently; a team,
// an org role or a project that is put into it later is told of when that is seen.
func TestInvitationsAreAsFirstMade(t *testing.T) {
	org := access.OrgScope(testOrg)
	invitation := func(status string, teams []string, roles ...string) access.Invitation {
		return access.Invitation{Username: "a", Status: status, OrgRoles: roles, Teams: teams}
	}
	on := func(i access.Invitation, project string, roles ...string) access.Invitation {
		i.Projects = []access.ProjectRoles{{Project: project, Roles: roles}}
		return i
	}
	change := func(op access.Op, before, after access.State) access.Change {
		s := after
		if s == nil {
			s = before
		}
		return access.Change{Ref: access.Ref{Scope: org, Kind: s.Kind(), Name: s.Name()}, Op: op, Before: access.Box{State: before}, After: access.Box{State: after}, Occurred: t0, Observed: t0}
	}
	none, one := []string(nil), []string{"t"}
	team := change(access.OpCreated, nil, access.TeamMember{Team: "t", Username: "a", Status: "PENDING"})
	facts := access.Facts{V: 1, Projects: []access.Contribution{{Scope: prj, Title: "shop-prod", Environment: "prod", Teams: []access.TeamGrant{{Team: "t", Roles: []string{"GROUP_CLUSTER_MANAGER"}}}}}}
	given := []string{"GROUP_CLUSTER_MANAGER on shop-prod"}
	came := access.Change{ID: "came", Op: access.OpCreated}
	for name, tc := range map[string]struct {
		change  access.Change
		with    []access.Change
		record  access.State // the invitation
		edit    func(*access.Collection)
		read    time.Duration // when invitations were read, from the change
		want    []string
		unclear bool
	}{
		"no invitation":                {change: team, want: given},
		"not read since":               {change: team, read: -time.Minute, unclear: true},
		"unreadable":                   {change: team, edit: func(c *access.Collection) { c.Odd = one }, want: given},
		"its own is unreadable":        {change: team, edit: func(c *access.Collection) { c.Odd = []string{"a"} }, unclear: true},
		"denied":                       {change: team, edit: func(c *access.Collection) { c.Status = access.StatusDenied }, unclear: true},
		"invited with it":              {change: team, record: invitation("PENDING", one)},
		"invited without it":           {change: team, record: invitation("PENDING", none), want: given},
		"invited long ago, and now so": {change: team, record: invitation("PENDING", one), edit: func(c *access.Collection) { c.Resources[0].ChangedAt = t0 }, want: given},
		"invited while it was read": {change: team, record: invitation("PENDING", one), edit: func(c *access.Collection) {
			c.Resources[0].ChangedAt, c.Resources[0].Cause, c.Trail.Recent = t0, "came", []access.RecentChange{{Change: came}}
		}},
		"the invitation came with it":  {change: team, with: []access.Change{change(access.OpCreated, nil, invitation("PENDING", one))}, read: -time.Minute},
		"it was put in then":           {change: team, with: []access.Change{change(access.OpUpdated, invitation("PENDING", none), invitation("PENDING", one))}, record: invitation("PENDING", one), want: given},
		"invited anew, with it":        {change: team, with: []access.Change{change(access.OpUpdated, invitation("INVITATION_EXPIRED", none), invitation("PENDING", one))}},
		"that of somebody else":        {change: team, with: []access.Change{change(access.OpCreated, nil, access.Invitation{Username: "b", Status: "PENDING", Teams: one})}, want: given},
		"its invitation is pending":    {change: change(access.OpUpdated, access.TeamMember{Team: "t", Username: "a", Status: "INVITATION_EXPIRED"}, access.TeamMember{Team: "t", Username: "a", Status: "PENDING"})},
		"first invited":                {change: change(access.OpCreated, nil, invitation("PENDING", none, "ORG_BILLING_ADMIN"))},
		"invited again, to more":       {change: change(access.OpUpdated, invitation("INVITATION_REJECTED", none, "ORG_MEMBER"), invitation("PENDING", none, "ORG_BILLING_ADMIN"))},
		"the invitation is widened":    {change: change(access.OpUpdated, invitation("PENDING", none, "ORG_MEMBER"), invitation("PENDING", none, "ORG_BILLING_ADMIN")), want: []string{"ORG_BILLING_ADMIN"}},
		"narrowed":                     {change: change(access.OpUpdated, invitation("PENDING", none, "ORG_BILLING_ADMIN"), invitation("PENDING", none, "ORG_MEMBER"))},
		"by a project":                 {change: change(access.OpUpdated, invitation("PENDING", none), on(invitation("PENDING", none), prj.ID(), "GROUP_OWNER")), want: []string{"GROUP_OWNER on shop-prod"}},
		"on a project, told there":     {change: change(access.OpUpdated, on(invitation("PENDING", none), prj.ID(), "GROUP_READ_ONLY"), on(invitation("PENDING", none), prj.ID(), "GROUP_OWNER"))},
		"widened and taken in between": {change: change(access.OpCreated, nil, access.OrgMember{Username: "a", OrgRoles: []string{"ORG_BILLING_ADMIN"}}), with: []access.Change{change(access.OpUpdated, invitation("PENDING", none, "ORG_MEMBER"), invitation("PENDING", none, "ORG_BILLING_ADMIN")), change(access.OpDeleted, invitation("PENDING", none, "ORG_BILLING_ADMIN"), nil)}, want: []string{"ORG_BILLING_ADMIN"}},
		"taken as it was":              {change: change(access.OpCreated, nil, access.OrgMember{Username: "a", OrgRoles: []string{"ORG_BILLING_ADMIN"}}), with: []access.Change{change(access.OpDeleted, invitation("PENDING", none, "ORG_BILLING_ADMIN"), nil)}},
	} {
		var states []access.State
		if tc.record != nil {
			states = []access.State{tc.record}
		}
		c := access.NewCollection(org, access.KindInvitation, states)
		c.FirstRead = t0.Add(-time.Hour)
		for i := range c.Resources {
			c.Resources[i].FirstSeen = t0.Add(-time.Minute)
		}
		if tc.edit != nil {
			tc.edit(&c)
		}
		in := &Input{
			Scope: org, Now: t0, Facts: facts, Changes: tc.with, Collections: map[access.Kind]access.Collection{access.KindInvitation: c},
			Read: map[access.Kind]time.Time{access.KindInvitation: t0.Add(tc.read)},
		}
		w := newWorld(&Engine{policy: newPolicy(testPolicy())}, in)
		got := w.changeSubject(&Rule{Kind: tc.change.Ref.Kind}, tc.change).raise()
		if !slices.Equal(got.roles, orEmpty(tc.want)) || (got.doubt != "") != tc.unclear {
			t.Errorf("%s: given %v (%q), want %v", name, got.roles, got.doubt, tc.want)
		}
	}
}

// TestInvitationRaiseEnds: what was put into an invitation is held by who accepted it, and
// over once neither holds it.
func TestInvitationRaiseEnds(t *testing.T) {
	org := access.OrgScope(testOrg)
	invitation := func(roles ...string) access.State {
		return access.Invitation{Username: "a", Status: "PENDING", OrgRoles: roles}
	}
	member := func(roles ...string) access.State { return access.OrgMember{Username: "a", OrgRoles: roles} }
	for name, tc := range map[string]struct {
		invited, joined []access.State
		late            time.Duration // by which members were read after invitations
		want            bool
	}{
		"still pending":        {invited: []access.State{invitation("ORG_OWNER")}},
		"narrowed again":       {invited: []access.State{invitation("ORG_MEMBER")}, want: true},
		"accepted":             {joined: []access.State{member("ORG_OWNER")}},
		"accepted and lowered": {joined: []access.State{member("ORG_MEMBER")}, want: true},
		"withdrawn":            {want: true},
		"perhaps accepted":     {late: -time.Minute},
	} {
		in := &Input{
			Scope: org, Now: t0.Add(time.Minute), Read: map[access.Kind]time.Time{access.KindInvitation: t0, access.KindOrgMember: t0.Add(tc.late)},
			Collections: map[access.Kind]access.Collection{
				access.KindInvitation: access.NewCollection(org, access.KindInvitation, tc.invited), access.KindOrgMember: access.NewCollection(org, access.KindOrgMember, tc.joined),
			},
		}
		w := newWorld(&Engine{policy: newPolicy(testPolicy())}, in)
		s := w.changeSubject(&Rule{Kind: access.KindInvitation}, access.Change{
			Ref: access.Ref{Scope: org, Kind: access.KindInvitation, Name: "a"}, Op: access.OpUpdated,
			Before: access.Box{State: invitation("ORG_MEMBER")}, After: access.Box{State: invitation("ORG_OWNER")},
		})
		if got := s.raiseOver(); got != tc.want {
			t.Errorf("%s: over %v, want %v", name, got, tc.want)
		}
	}
}
