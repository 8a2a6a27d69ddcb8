package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// peopleWorld is an org with one project in which the rules on people have something to say.
func peopleWorld(level string) testWorld {
	box := func(states ...access.State) (out []access.Box) {
		for _, s := range states {
			out = append(out, access.Box{State: s})
		}
		return out
	}
	owner := []access.AtlasRole{{Role: "ORG_OWNER", Org: testOrg}, {Role: "GROUP_OWNER", Project: testProject}}
	return testWorld{
		Level: level, Environment: "prod", Now: t0, History: access.History{Feed: []access.Span{{From: t0.AddDate(0, 0, -100), Until: t0}}},
		kinds: map[access.Kind][]access.Box{
			access.KindOrg:           box(access.Org{ID: testOrg, Title: "ExampleCorp"}),
			access.KindOrgMember:     box(access.OrgMember{Username: "a@example.com", OrgRoles: []string{"ORG_OWNER"}, Teams: []string{"t1"}, CreatedAt: t0}),
			access.KindInvitation:    box(access.Invitation{Username: "i@example.com", CreatedAt: t0}),
			access.KindTeam:          box(access.Team{ID: "t1", Title: "platform"}),
			access.KindTeamMember:    box(access.TeamMember{Team: "t1", Username: "a@example.com"}),
			access.KindRoleMapping:   box(access.RoleMapping{ID: "m", Group: "g", Roles: owner}),
			access.KindFederation:    box(access.Federation{OrgID: testOrg, UIProvider: "p", Domains: []string{"example.com"}}),
			access.KindProjectMember: box(access.ProjectMember{Username: "a@example.com", Roles: []string{"GROUP_DATA_ACCESS_ADMIN"}}),
			access.KindTeamGrant:     box(access.TeamGrant{Team: "t1", Roles: []string{"GROUP_OWNER"}}),
		},
	}
}

func peoplePolicy() Policy {
	p := testPolicy()
	p.Domains = []string{"example.com"}
	p.Matrix = []access.TeamAccess{{Team: "platform", Roles: map[string][]string{"prod": {"GROUP_OWNER"}, "org": {"ORG_OWNER"}}}}
	return p
}

// unknowns are the rules on people that have an unknown answer.
func unknowns(t *testing.T, e *Engine, w testWorld) (out []string) {
	t.Helper()
	in, err := w.input(e, e.rules[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range e.Evaluate(in) {
		family, _, _ := strings.Cut(v.Rule, "/")
		if v.Answer == access.AnswerUnknown && slices.Contains([]string{"member", "invite", "federation"}, family) {
			out = append(out, v.Rule)
		}
	}
	return slices.Compact(out)
}

// TestPeopleRestOnWhatTheyRead: with each single read denied, exactly the rules that need it
// turn unknown.
func TestPeopleRestOnWhatTheyRead(t *testing.T) {
	e := mustLoad(t, peoplePolicy())
	orgMember := []string{"member/access-matrix", "member/external-domain", "member/over-privileged", "member/shared-account", "member/stale", "member/temporary-owner", "member/too-few-owners", "member/too-many-owners", "member/toxic-combination"}
	for _, tc := range []struct {
		level  string
		denied access.Kind
		want   []string
	}{
		{"org", "", nil},
		{"org", access.KindOrgMember, orgMember},
		{"org", access.KindTeam, []string{"member/access-matrix", "member/temporary-owner"}},
		{"org", access.KindTeamMember, []string{"member/too-many-owners"}},
		{"org", access.KindRoleMapping, []string{"federation/role-mapping-privileged", "member/too-many-owners"}},
		{"org", access.KindFederation, []string{"federation/domain-restriction-off", "federation/not-configured", "federation/role-mapping-privileged"}},
		{"org", access.KindInvitation, []string{"invite/external-domain", "invite/stale"}},
		{"org", access.KindIdentityProvider, nil},
		{"org", access.KindTeamGrant, []string{"member/toxic-combination"}},
		{"org", access.KindProjectMember, nil},
		{"project", "", nil},
		{"project", access.KindProjectMember, []string{"member/data-access-in-prod", "member/direct-role", "member/over-privileged", "member/temporary-owner", "member/too-many-owners"}},
		{"project", access.KindTeamGrant, []string{"member/access-matrix", "member/data-access-in-prod", "member/temporary-owner", "member/too-many-owners"}},
		{"project", access.KindTeam, []string{"member/access-matrix", "member/data-access-in-prod", "member/temporary-owner"}},
		{"project", access.KindTeamMember, []string{"member/too-many-owners"}},
		{"project", access.KindOrgMember, []string{"member/data-access-in-prod"}},
		{"project", access.KindRoleMapping, []string{"member/data-access-in-prod", "member/too-many-owners"}},
		{"project", access.KindFederation, nil},
	} {
		w := peopleWorld(tc.level)
		if tc.denied != "" {
			w.Status = map[access.Kind]string{tc.denied: string(access.StatusDenied)}
		}
		if tc.level == "org" && tc.denied != "" && !ofOrg(tc.denied) {
			other := peopleWorld("project")
			other.Status, w.Status = w.Status, nil
			w.projects = []testWorld{other}
		}
		if diff := cmp.Diff(tc.want, unknowns(t, e, w)); diff != "" {
			t.Errorf("%s without %q (-want +got):\n%s", tc.level, tc.denied, diff)
		}
	}
}

// TestWithoutMappings: a profile that leaves the federation out keeps the rules on owners and
// data access, which then say so and never look at what is left of mappings.
func TestWithoutMappings(t *testing.T) {
	for profile, counts := range map[string]bool{reach.ProfileObserve: false, reach.ProfileOwner: true} {
		p := peoplePolicy()
		made, _ := reach.ProfileNamed(profile)
		p.Covered = made.Covered()
		p.Overrides = map[string]Override{"member/too-many-owners": {Params: map[string]any{"max_org": 0, "max_project": 0}}}
		e := mustLoad(t, p)
		for _, level := range []string{"org", "project"} {
			in, err := peopleWorld(level).input(e, e.rules[0])
			if err != nil {
				t.Fatal(err)
			}
			v := e.Judge(in, "member/too-many-owners", access.Ref{Scope: in.Scope, Kind: map[string]access.Kind{"org": access.KindOrgMember, "project": access.KindProjectMember}[level], Name: in.Scope.ID()}, "")
			said := v.Evidence.Facts["not counted"] != ""
			if v.Answer != access.AnswerViolation || said == counts || (v.Evidence.Facts["groups of the identity provider, each counted as one"] == "g") != counts {
				t.Errorf("%s, %s: %s %v: mappings counted %v", profile, level, v.Answer, v.Evidence.Facts, counts)
			}
		}
		if got := e.Judge(Input{Scope: access.OrgScope(testOrg)}, "federation/not-configured", access.Ref{Kind: access.KindOrg, Name: testOrg}, ""); (got.Answer == access.AnswerNotCovered) == counts {
			t.Errorf("%s: not-configured is %q", profile, got.Answer)
		}
	}
}

// TestTeamsOfOthers: a person's team that the matrix does not name and that has no roles in
// the project is told to nobody there, and grants nothing.
func TestTeamsOfOthers(t *testing.T) {
	e := mustLoad(t, peoplePolicy())
	for name, tc := range map[string]struct {
		teams []string
		odd   []string
		want  access.Answer
	}{
		"walkers":                  {teams: []string{"t7"}, want: access.AnswerViolation},
		"platform":                 {teams: []string{"t1", "t7"}, want: access.AnswerPass},
		"one without a name":       {teams: []string{"t7"}, odd: []string{"t7"}, want: access.AnswerUnknown},
		"no team":                  {want: access.AnswerViolation},
		"one, and platform is odd": {teams: []string{"t1"}, odd: []string{"t1"}, want: access.AnswerUnknown},
	} {
		w := peopleWorld("project")
		w.Odd = map[access.Kind][]string{access.KindTeam: tc.odd}
		w.kinds[access.KindOrgMember] = []access.Box{{State: access.OrgMember{Username: "a@example.com", Teams: tc.teams}}}
		w.kinds[access.KindTeam] = append(w.kinds[access.KindTeam], access.Box{State: access.Team{ID: "t7", Title: "walkers"}})
		in, err := w.input(e, e.rules[0])
		if err != nil {
			t.Fatal(err)
		}
		ref := access.Ref{Scope: in.Scope, Kind: access.KindProjectMember, Name: "a@example.com"}
		if v := e.Judge(in, "member/data-access-in-prod", ref, ""); v.Answer != tc.want {
			t.Errorf("%s: %s (%s), want %s", name, answerText(v.Answer), v.Why, answerText(tc.want))
		}
	}
}
