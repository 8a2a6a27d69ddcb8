package remediate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	orgScope = access.Scope("org.64f000000000000000000001")
	aliceID  = "64f000000000000000000d01"
	bobID    = "64f000000000000000000d03"
	teamT    = "64f000000000000000000f01"
	alertA   = "64f000000000000000000601"
)

// about is a case of a finding with what a read of its scope shows; kinds without a state
// were read and are empty.
func about(remedy string, scope access.Scope, kind access.Kind, name string, states ...access.State) Case {
	c := Case{Now: t0, CanWrite: true, Fresh: map[access.Kind]access.Collection{}}
	c.Finding = access.Finding{Remedy: remedy, Ref: access.Ref{Scope: scope, Kind: kind, Name: name}, Environment: "prod"}
	byKind := map[access.Kind][]access.State{kind: nil}
	for _, s := range states {
		byKind[s.Kind()] = append(byKind[s.Kind()], s)
	}
	for k, list := range byKind {
		c.Fresh[k] = access.NewCollection(scope, k, list)
	}
	return c
}

func (c Case) changed(before, after access.State) Case {
	c.Finding.Evidence.Before, c.Finding.Evidence.After = access.Box{State: before}, access.Box{State: after}
	return c
}

func (c Case) of(rule string) Case { c.Finding.Rule = rule; return c }

func (c Case) facts(f map[string]string) Case { c.Finding.Evidence.Facts = f; return c }

// wantPlan compares what a plan writes, in words, and what it says. A plan without writes
// asks.
func wantPlan(t *testing.T, name string, c Case, ceiling access.Ceiling, why string, want ...string) access.Plan {
	t.Helper()
	p := MakePlan(c)
	var got []string
	for _, o := range p.Operations {
		got = append(got, o.Describe())
	}
	if diff := cmp.Diff(want, got); diff != "" || p.Ceiling != ceiling || !strings.Contains(p.Why, why) {
		t.Errorf("%s: ceiling %s, %s\n%s", name, p.Ceiling, p.Why, diff)
	}
	unread := c
	unread.Fresh = nil
	if q := MakePlan(unread); q.Ceiling != asks || q.Why == "" {
		t.Errorf("%s, without a read: ceiling %s, %s", name, q.Ceiling, q.Why)
	}
	return p
}

func member(name, id string, roles ...string) access.OrgMember {
	return access.OrgMember{Username: name, ID: id, OrgRoles: roles}
}

func onProd(name, id string, roles ...string) access.ProjectMember {
	return access.ProjectMember{Username: name, ID: id, Status: statusActive, Roles: roles}
}

// TestPeopleAreGuarded: the last owner of an org and our own credentials are nothing that a
// plan takes away, and no guard lets one do so.
func TestPeopleAreGuarded(t *testing.T) {
	alice, bob := member("alice@example.com", aliceID, "ORG_MEMBER", "ORG_OWNER"), member("bob@example.com", bobID, "ORG_MEMBER")
	was := member("alice@example.com", aliceID, "ORG_MEMBER")
	raised := func(states ...access.State) Case {
		return about(RemedyRestoreMemberRoles, orgScope, access.KindOrgMember, "alice@example.com", states...).changed(was, alice)
	}
	const takes = "take the role ORG_OWNER from alice@example.com"
	last := raised(alice, bob)
	p := wantPlan(t, "the last owner", last, asks, "nobody would own the organization", takes)
	if r := harmless(last, p); r.Guard != GuardLastWayIn {
		t.Errorf("the last owner: %+v", r)
	}
	wantPlan(t, "one of two", raised(alice, member("bob@example.com", bobID, "ORG_OWNER")), auto, "put back what", takes)
	denied := raised(alice, member("bob@example.com", bobID, "ORG_OWNER"))
	denied.Fresh[access.KindOrgMember] = func(c access.Collection) access.Collection { c.Status = access.StatusDenied; return c }(denied.Fresh[access.KindOrgMember])
	wantPlan(t, "owners may not be read", denied, asks, "whether the organization has another owner was not read", takes)
	own := raised(alice, member("bob@example.com", bobID, "ORG_OWNER"))
	own.Policy.Own.Credentials = []string{"alice@example.com"}
	p = wantPlan(t, "our own", own, asks, "alice@example.com is our own credential", takes)
	if r := harmless(own, p); r.Guard != GuardOwnAccess {
		t.Errorf("our own: %+v", r)
	}
	never := raised(alice, member("bob@example.com", bobID, "ORG_OWNER"))
	for _, pattern := range []string{"alice@*", "org_member/*", "org.64f000000000000000000001"} {
		never.Policy.NeverTouch = []string{pattern}
		if r := harmless(never, MakePlan(never)); r.Guard != GuardNeverTouch {
			t.Errorf("%s: %+v", pattern, r)
		}
	}
}

// TestPlanHolders: what is taken is what the rule names and nothing else, and nobody is
// left without a role by accident.
func TestPlanHolders(t *testing.T) {
	facts := func(excess, lacking string) map[string]string {
		return map[string]string{"not declared": excess, "lacking": lacking}
	}
	team := func(excess, lacking string, roles ...string) Case {
		return about(RemedySetTeamRoles, scope, access.KindTeamGrant, teamT, access.TeamGrant{Team: teamT, Roles: roles}).facts(facts(excess, lacking))
	}
	person := func(excess string, roles ...string) Case {
		return about(RemedyRemoveMemberRole, scope, access.KindProjectMember, "bob@example.com", onProd("bob@example.com", bobID, roles...)).facts(facts(excess, ""))
	}
	const set = "set the roles of team " + teamT + " to "
	wantPlan(t, "one too many", team("GROUP_OWNER", "", "GROUP_OWNER", "GROUP_READ_ONLY"), auto, "take GROUP_OWNER", set+"GROUP_READ_ONLY")
	wantPlan(t, "broad for narrow", team("GROUP_OWNER", "GROUP_CLUSTER_MANAGER", "GROUP_OWNER"), auto, "", set+"GROUP_CLUSTER_MANAGER")
	wantPlan(t, "nothing is added", team("GROUP_BACKUP_MANAGER", "GROUP_OWNER", "GROUP_BACKUP_MANAGER", "GROUP_READ_ONLY"), auto, "", set+"GROUP_READ_ONLY")
	wantPlan(t, "only lacking", team("", "GROUP_OWNER", "GROUP_READ_ONLY"), asks, "given by people")
	wantPlan(t, "granted nothing", team("GROUP_OWNER", "", "GROUP_OWNER"), auto, "", "remove team "+teamT+" from the project")
	wantPlan(t, "taken back already", team("GROUP_OWNER", "", "GROUP_READ_ONLY"), asks, "holds nothing (any more)")
	wantPlan(t, "a fact that is none", team("GROUP_OWNER;drop, everything", "", "GROUP_OWNER", "GROUP_READ_ONLY"), asks, "holds nothing (any more)")
	wantPlan(t, "a person", person("GROUP_DATA_ACCESS_ADMIN", "GROUP_DATA_ACCESS_ADMIN", "GROUP_READ_ONLY"), auto, "", "take the role GROUP_DATA_ACCESS_ADMIN from bob@example.com")
	p := wantPlan(t, "nothing else", person("GROUP_DATA_ACCESS_ADMIN", "GROUP_DATA_ACCESS_ADMIN"), auto, "the project loses the member", "remove bob@example.com from the project")
	if len(p.Inverse) != 1 || p.Inverse[0].Type != access.AddProjectMember || !slices.Equal(p.Inverse[0].Names, []string{"GROUP_DATA_ACCESS_ADMIN"}) {
		t.Errorf("the way back: %v", p.Inverse)
	}
	invited := onProd("bob@example.com", bobID, "GROUP_DATA_ACCESS_ADMIN")
	invited.Status = "PENDING"
	c := about(RemedyRemoveMemberRole, scope, access.KindProjectMember, "bob@example.com", invited).facts(facts("GROUP_DATA_ACCESS_ADMIN", ""))
	if p := MakePlan(c); len(p.Inverse) > 0 || !strings.HasPrefix(p.Reversible, "no: the invitation") {
		t.Errorf("somebody invited: %s, by %v", p.Reversible, p.Inverse)
	}
	newer := team("GROUP_OWNER", "", "GROUP_OWNER", "GROUP_READ_ONLY")
	newer.Verdict.Evidence.Facts = facts("GROUP_READ_ONLY", "")
	wantPlan(t, "the judgement of now counts", newer, auto, "", set+"GROUP_OWNER")
	wantPlan(t, "gone", about(RemedySetTeamRoles, scope, access.KindTeamGrant, teamT), asks, "was not seen")
	wantPlan(t, "org and floor", about(RemedySetTeamRoles, orgScope, access.KindOrgMember, "bob@example.com", member("bob@example.com", bobID, "ORG_READ_ONLY")).facts(facts("ORG_READ_ONLY", "")),
		auto, "", "give bob@example.com the role ORG_MEMBER", "take the role ORG_READ_ONLY from bob@example.com")
}

func TestPlanFormerHolding(t *testing.T) {
	bob := func(roles ...string) access.OrgMember { return member("bob@example.com", bobID, roles...) }
	org := func(now access.OrgMember) Case {
		return about(RemedyRestoreMemberRoles, orgScope, access.KindOrgMember, "bob@example.com", now, member("alice@example.com", aliceID, "ORG_OWNER"))
	}
	const take = "take the role ORG_OWNER from bob@example.com"
	wantPlan(t, "others changed something too", org(bob("ORG_BILLING_ADMIN", "ORG_OWNER")).changed(bob("ORG_MEMBER"), bob("ORG_MEMBER", "ORG_OWNER")), auto, "put back", take)
	wantPlan(t, "one for another", org(bob("ORG_OWNER")).changed(bob("ORG_READ_ONLY"), bob("ORG_OWNER")), auto, "ORG_READ_ONLY", "give bob@example.com the role ORG_READ_ONLY", take)
	wantPlan(t, "came as an owner", org(bob("ORG_OWNER")).changed(nil, bob("ORG_OWNER")), auto, "nothing", "give bob@example.com the role ORG_MEMBER", take)
	wantPlan(t, "taken back", org(bob("ORG_MEMBER")).changed(bob("ORG_MEMBER"), bob("ORG_MEMBER", "ORG_OWNER")), asks, "has been taken back")
	wantPlan(t, "of somebody else", org(bob("ORG_MEMBER", "ORG_OWNER")).changed(member("eve@example.com", aliceID), member("eve@example.com", aliceID)), asks, "what it held before is not known", take)
	wantPlan(t, "what it was is not known", org(bob("ORG_MEMBER", "ORG_OWNER")), asks, "what it held before is not known", take)
	wantPlan(t, "and it owns nothing", org(bob("ORG_MEMBER")), asks, "is not known")
	wantPlan(t, "only an owner, of a project", about(RemedyRestoreMemberRoles, scope, access.KindProjectMember, "bob@example.com", onProd("bob@example.com", bobID, "GROUP_OWNER")), asks, "give it the roles that it needs")
	grant := func(roles ...string) access.TeamGrant { return access.TeamGrant{Team: teamT, Roles: roles} }
	wantPlan(t, "a team came", about(RemedyRestoreMemberRoles, scope, access.KindTeamGrant, teamT, grant("GROUP_OWNER")).changed(nil, grant("GROUP_OWNER")), auto, "", "remove team "+teamT+" from the project")
	joined := access.TeamMember{Team: teamT, Username: "bob@example.com", UserID: bobID, Status: statusActive}
	c := about(RemedyRestoreMemberRoles, orgScope, access.KindTeamMember, joined.Name(), joined)
	wantPlan(t, "joined a team", c.changed(nil, joined), auto, "", "take bob@example.com out of team "+teamT)
	wantPlan(t, "was there before", c.changed(joined, joined), asks, "was in team")
	mapping := access.RoleMapping{ID: "m1", Group: "dba", Roles: []access.AtlasRole{{Role: "ORG_OWNER", Org: "o"}}}
	c = about(RemedyRestoreMemberRoles, orgScope, access.KindRoleMapping, "m1", mapping)
	wantPlan(t, "a mapping", c.changed(access.RoleMapping{ID: "m1", Group: "dba", Roles: []access.AtlasRole{{Role: "ORG_MEMBER", Org: "o"}}}, mapping), asks, "before: ORG_MEMBER")
	wantPlan(t, "a new mapping", c.changed(nil, mapping), asks, "delete it by hand")
}

func TestPlanProjectRemoval(t *testing.T) {
	eve := member("eve@outside.test", bobID, "ORG_MEMBER", "ORG_READ_ONLY")
	eve.Teams = []string{teamT}
	c := about(RemedyRemoveProjectMember, orgScope, access.KindOrgMember, eve.Username, eve)
	wantPlan(t, "on no project", c, asks, "no roles of its own on any project; ORG_READ_ONLY on the organization and what comes by 1 teams would stay")
	eve.Projects = []access.ProjectRoles{{Project: scope.ID(), Roles: []string{"GROUP_OWNER"}}}
	c = about(RemedyRemoveProjectMember, orgScope, access.KindOrgMember, eve.Username, eve)
	wantPlan(t, "on one", c, asks, "would stay", "remove eve@outside.test from project "+scope.ID())
	wantPlan(t, "gone", about(RemedyRemoveProjectMember, orgScope, access.KindOrgMember, eve.Username), asks, "decide whether")
}

func TestPlanInvitation(t *testing.T) {
	for status, opens := range map[string]bool{"PENDING": true, "": true, "INVITATION_EXPIRED": false, "INVITATION_REJECTED": false, "ACTIVE": false} {
		i := access.Invitation{Username: "x@outside.test", ID: bobID, Status: status, OrgRoles: []string{"ORG_OWNER"}, Teams: []string{teamT},
			Projects: []access.ProjectRoles{{Project: "p", Roles: []string{"GROUP_OWNER"}}}}
		p := MakePlan(about(RemedyDeleteInvitation, orgScope, access.KindInvitation, i.Username, i))
		if len(p.Operations) == 1 != opens || opens == (p.Ceiling == asks) {
			t.Errorf("%q: %v, %s", status, said(p.Operations), p.Why)
		}
		if opens && (len(p.Inverse) > 0 || !strings.Contains(p.Reversible, "ORG_OWNER on the organization; GROUP_OWNER on project p; the teams "+teamT)) {
			t.Errorf("%q: %s", status, p.Reversible)
		}
	}
	wantPlan(t, "accepted meanwhile", about(RemedyDeleteInvitation, orgScope, access.KindInvitation, "x@outside.test"), asks, "was not seen")
	at := access.Invitation{Username: "x@outside.test", ID: bobID, CreatedAt: t0}
	again := at
	again.CreatedAt = t0.Add(time.Hour)
	hash := func(i access.Invitation) string {
		c := about(RemedyDeleteInvitation, orgScope, access.KindInvitation, i.Username, i)
		return MakePlan(c).Hash("r", c.Finding.Ref, 1)
	}
	if hash(at) == hash(again) {
		t.Error("an invitation that was sent anew is another one")
	}
}

func TestPlanSettings(t *testing.T) {
	settings := func(staff bool, hours int) access.OrgSettings {
		return access.OrgSettings{OrgID: orgScope.ID(), RestrictEmployeeAccess: staff, MaxSecretValidityHours: hours, MultiFactorAuthRequired: true}
	}
	c := func(rule string, now access.OrgSettings) Case {
		return about(RemedySetOrgSetting, orgScope, access.KindOrgSettings, orgScope.ID(), now).of(rule)
	}
	const staff, cap = "org/support-access-unrestricted", "org/secret-validity-unlimited"
	wantPlan(t, "staff", c(staff, settings(false, 0)), auto, "", "set restrictEmployeeAccess to true")
	wantPlan(t, "staff, set already", c(staff, settings(true, 0)), asks, "nothing to set")
	p := wantPlan(t, "no cap", c(cap, settings(true, 0)), auto, "2160 hours", "set maxServiceAccountSecretValidityInHours to 2160")
	if p.Inverse[0].Value != "8760" || !strings.HasPrefix(p.Reversible, "not wholly") {
		t.Errorf("no cap: %v, %s", p.Inverse[0].Value, p.Reversible)
	}
	wantPlan(t, "a cap from before", c(cap, settings(true, 8760)).changed(settings(true, 720), settings(true, 8760)), auto, "as it was", "set maxServiceAccountSecretValidityInHours to 720")
	wantPlan(t, "less than the default already", c(cap, settings(true, 1000)), asks, "by hand")
	wantPlan(t, "a rule of a user", c("mine/x", settings(false, 8)).changed(settings(true, 8), settings(false, 8)), auto, "put restrictEmployeeAccess back", "set restrictEmployeeAccess to true")
	wantPlan(t, "and two settings", c("mine/x", settings(false, 9)).changed(settings(true, 8), settings(false, 9)), asks, "not known")
	wantPlan(t, "and nothing known", c("mine/x", settings(false, 9)), asks, "not known")
	wantPlan(t, "no settings", about(RemedySetOrgSetting, orgScope, access.KindOrgSettings, orgScope.ID()), asks, "were not seen")
	explorer := access.ProjectSettings{ProjectID: scope.ID(), DataExplorer: true}
	wantPlan(t, "Data Explorer", about(RemedyDisableDataExplorer, scope, access.KindProjectSettings, scope.ID(), explorer), auto, "", "set isDataExplorerEnabled to false")
	explorer.DataExplorer = false
	wantPlan(t, "Data Explorer is off", about(RemedyDisableDataExplorer, scope, access.KindProjectSettings, scope.ID(), explorer), asks, "nothing to set")
}

func TestPlanAlert(t *testing.T) {
	hook := access.Notification{Type: "WEBHOOK", Target: "watch.example.com"}
	on := access.AlertConfig{ID: alertA, EventType: "JOINED_GROUP", Enabled: true, Notifications: []access.Notification{hook}}
	with := func(change func(*access.AlertConfig)) access.AlertConfig { a := on; change(&a); return a }
	off := with(func(a *access.AlertConfig) { a.Enabled = false })
	integration := access.Integration{Type: "WEBHOOK", ID: "64f000000000000000000501", Target: "watch.example.com"}
	c := func(states ...access.State) Case {
		return about(RemedyRestoreAlert, scope, access.KindAlertConfig, alertA, states...)
	}
	const enables, creates = "set enabled of alert configuration " + alertA + " to true", "create the alert configuration " + alertA + " anew"
	wantPlan(t, "disabled", c(off).changed(on, off), auto, "", enables)
	elsewhere := with(func(a *access.AlertConfig) { a.Enabled, a.Matchers = false, []string{"CLUSTER_NAME EQUALS x"} })
	wantPlan(t, "disabled and changed", c(elsewhere).changed(on, elsewhere), asks, "it was changed beside that", enables)
	away := with(func(a *access.AlertConfig) { a.Notifications = nil })
	wantPlan(t, "left with nobody to tell", c(away).changed(on, away), asks, "told WEBHOOK watch.example.com")
	wantPlan(t, "deleted", c(integration).changed(on, nil), auto, "", creates)
	wantPlan(t, "deleted, without the integration", c().changed(on, nil), asks, "cannot be read from Atlas")
	mail := with(func(a *access.AlertConfig) {
		a.Notifications = []access.Notification{hook, {Type: "EMAIL", Target: "a@example.com"}}
	})
	wantPlan(t, "deleted, and it sent mail too", c(integration).changed(mail, nil), asks, "cannot be read from Atlas")
	another := with(func(a *access.AlertConfig) { a.ID = "64f000000000000000000602" })
	wantPlan(t, "there is another one", c(integration, another).changed(on, nil), asks, "does the same")
	wantPlan(t, "nothing known", c(integration), asks, "could not be read")
}

func TestPlanTrims(t *testing.T) {
	main := access.Cluster{Cluster: "main"}
	now := user([]string{"readWrite", "read"}, "main", "gone")
	c := func(remedy, rule string, u access.DatabaseUser) Case {
		k := about(remedy, scope, access.KindDatabaseUser, u.Name(), u, main).of(rule)
		for _, kind := range access.TargetKinds()[1:] {
			k.Fresh[kind] = access.NewCollection(scope, kind, nil)
		}
		return k
	}
	dangles := c(RemedyRemoveScope, ruleDanglingScope, now)
	wantPlan(t, "dangling", dangles, auto, "names nothing away (gone)", "limit database user admin/shop_app_user to [{main CLUSTER}]")
	wantPlan(t, "the last one", c(RemedyRemoveScope, ruleDanglingScope, user(nil, "gone")), asks, "without any scope")
	wantPlan(t, "none dangles", c(RemedyRemoveScope, ruleDanglingScope, user(nil, "main")), asks, "no scope (any more)")
	unread := c(RemedyRemoveScope, ruleDanglingScope, now)
	delete(unread.Fresh, access.KindFederatedDatabase)
	wantPlan(t, "targets were not read", unread, asks, "could not be read")
	declared := func(before access.DatabaseUser, scopes ...string) Case {
		k := c(RemedyRemoveScope, "dbuser/excess-scope", now).changed(before, now)
		k.Finding.Evidence.DeclaredScopes = clusters(scopes...)
		return k
	}
	wantPlan(t, "just added", declared(user([]string{"readWrite", "read"}, "main"), "main"), auto, "is not declared", "limit database user admin/shop_app_user to [{main CLUSTER}]")
	wantPlan(t, "there for long", declared(now, "main"), asks, "not added just now", "limit database user admin/shop_app_user to [{main CLUSTER}]")
	wantPlan(t, "none is declared", declared(now), asks, "no scopes are declared")
	wantPlan(t, "all are others", declared(now, "x"), asks, "without any scope")
	roles := func(declared []access.RoleGrant) Case {
		k := c(RemedyRemoveRole, "dbuser/excess-role", now)
		k.Finding.Evidence.DeclaredRoles = declared
		return k
	}
	wantPlan(t, "a role", roles(grants("readWrite")), auto, "away, and leave", fmt.Sprintf("set the roles of database user admin/shop_app_user to %v", grants("readWrite")))
	wantPlan(t, "every role", roles(grants("clusterMonitor")), asks, "left with nothing", "take all roles from database user admin/shop_app_user (quarantine; nothing is deleted)")
	wantPlan(t, "no roles declared", roles(nil), asks, "no roles are declared")
	wantPlan(t, "no role too many", roles(grants("readWrite", "read")), asks, "(any more)")
}

func TestPlanReplacement(t *testing.T) {
	wide := access.IPAccessEntry{Entry: "8.8.0.0/16", Comment: "all"}
	networks := []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"8.8.8.0/28", "8.8.8.0/30", "9.9.9.0/28", "8.0.0.0/8"}}}, {Environment: "dev", Purposes: map[string][]string{"x": {"8.8.9.0/28"}}}}
	c := func(nets []access.Network, states ...access.State) Case {
		k := about(RemedyReplaceEntry, scope, access.KindIPAccessEntry, wide.Entry, append(states, wide)...)
		k.Policy.Networks = nets
		return k
	}
	login := access.AccessHistory{Cluster: "c", Database: "admin", Username: "a", Addresses: []string{"8.8.7.7", "8.8.8.1", "1.2.3.4"}}
	wantPlan(t, "declared", c(networks), asks, "declared inside it: 8.8.8.0/28", "create access list entry 8.8.8.0/28", "delete access list entry 8.8.0.0/16")
	wantPlan(t, "there already", c(networks, access.IPAccessEntry{Entry: "8.8.8.0/28"}), asks, "", "delete access list entry 8.8.0.0/16")
	wantPlan(t, "logins beside", c(networks, login), asks, "logins were seen from 8.8.7.7/32", "create access list entry 8.8.8.0/28", "delete access list entry 8.8.0.0/16")
	wantPlan(t, "by logins", c(nil, login), asks, "logins were seen from: 8.8.7.7/32, 8.8.8.1/32", "create access list entry 8.8.7.7/32", "create access list entry 8.8.8.1/32", "delete access list entry 8.8.0.0/16")
	wantPlan(t, "nothing tells", c(nil), asks, "say by what narrower entries")
	quiet := login
	quiet.Addresses = []string{"1.2.3.4"}
	wantPlan(t, "nobody uses it", c(nil, quiet), asks, "if nobody needs it, delete it")
	own := c(networks)
	own.Policy.Own.Addresses = []string{"8.8.1.1/32"}
	wantPlan(t, "our own address", own, asks, "our own address 8.8.1.1/32 would be locked out", "create access list entry 8.8.8.0/28", "delete access list entry 8.8.0.0/16")
	wantPlan(t, "gone", about(RemedyReplaceEntry, scope, access.KindIPAccessEntry, wide.Entry), asks, "was not seen")
}

func TestPlanEntryDeletion(t *testing.T) {
	c := func(e access.IPAccessEntry, rest ...string) Case {
		return about(RemedyDeleteEntry, scope, access.KindIPAccessEntry, e.Entry, append(list(rest...), e)...)
	}
	narrow := access.IPAccessEntry{Entry: "203.0.113.9/32"}
	const deletes = "delete access list entry 203.0.113.9/32"
	wantPlan(t, "one", c(narrow, "203.0.113.1/32"), auto, "", deletes)
	wantPlan(t, "the last way in", c(narrow), asks, "no other way in", deletes)
	wantPlan(t, "gone", about(RemedyDeleteEntry, scope, access.KindIPAccessEntry, narrow.Entry, list("203.0.113.1/32")...), asks, "was not seen")
	own := c(narrow, "203.0.113.1/32")
	own.Policy.Own.Addresses = []string{narrow.Entry}
	wantPlan(t, "our own", own, asks, "our own address", deletes)
	past := narrow
	past.DeleteAfterDate = t0
	if p := MakePlan(c(past, "203.0.113.1/32")); len(p.Inverse) > 0 || !strings.HasPrefix(p.Reversible, "no: ") {
		t.Errorf("expired: %s by %v", p.Reversible, p.Inverse)
	}
}

// TestUndoneTakesPartsBack: of a plan of several, what was made is taken back in what is
// judged, and what another one made is not.
func TestUndoneTakesPartsBack(t *testing.T) {
	eve := member("eve@outside.test", bobID, "ORG_MEMBER")
	eve.Projects = []access.ProjectRoles{{Project: "64f0000000000000000000a1", Roles: []string{"GROUP_OWNER"}}, {Project: "64f0000000000000000000a2", Roles: []string{"GROUP_READ_ONLY"}}}
	raised, was := member("bob@example.com", bobID, "ORG_OWNER"), member("bob@example.com", bobID, "ORG_BILLING_ADMIN", "ORG_MEMBER")
	wide := access.IPAccessEntry{Entry: "8.8.0.0/16"}
	narrow := about(RemedyReplaceEntry, scope, access.KindIPAccessEntry, wide.Entry, wide)
	narrow.Policy.Networks = []access.Network{{Purposes: map[string][]string{"app": {"8.8.8.0/28", "8.8.9.0/28"}}}}
	for name, c := range map[string]Case{
		"projects": about(RemedyRemoveProjectMember, orgScope, access.KindOrgMember, eve.Username, eve),
		"roles":    about(RemedyRestoreMemberRoles, orgScope, access.KindOrgMember, raised.Username, raised, member("alice@example.com", aliceID, "ORG_OWNER")).changed(was, raised),
		"entries":  narrow,
	} {
		p := MakePlan(c)
		for made := range len(p.Operations) + 1 {
			a := access.Action{State: access.ActionRunning, Plan: p, Steps: []access.Step{{To: access.ActionRunning}}}
			for _, o := range p.Operations[:max(made-1, 0)] { // the answer to the last one was lost
				a.Outcome.Requests = append(a.Outcome.Requests, request(a, o))
			}
			now := undone(a, Simulate(c.Fresh, p.Operations[:made]))
			for _, k := range slices.Sorted(maps.Keys(c.Fresh)) {
				if diff := cmp.Diff(boxes(c.Fresh[k]), boxes(now[k])); diff != "" {
					t.Errorf("%s, %d made: %s", name, made, diff)
				}
			}
		}
	}
}

func boxes(c access.Collection) (out []access.Box) {
	for _, r := range c.Resources {
		out = append(out, r.Box)
	}
	return out
}
