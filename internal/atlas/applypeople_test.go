package atlas

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

const (
	personID = "64f000000000000000000d01"
	aTeam    = "64f000000000000000000f01"
	anAlert  = "64f000000000000000000601"
	aHook    = "64f000000000000000000501"
	inviteID = "64f000000000000000000e01"
)

func orgRef(k access.Kind, name string) access.Ref {
	return access.Ref{Scope: org, Kind: k, Name: name}
}

func prodRef(k access.Kind, name string) access.Ref {
	return access.Ref{Scope: prod, Kind: k, Name: name}
}

func onPerson(t access.OperationType, ref access.Ref, more access.Operation) access.Operation {
	more.Type, more.Ref, more.ID = t, ref, personID
	return more
}

// The exact requests: one role or one field each, in the place that it is about.
func TestApplyRequestsOfPeople(t *testing.T) {
	inOrg, inProject := orgRef(access.KindOrgMember, "bob@example.com"), prodRef(access.KindProjectMember, "bob@example.com")
	team, membership := prodRef(access.KindTeamGrant, aTeam), orgRef(access.KindTeamMember, aTeam+"/bob@example.com")
	roles := []string{"GROUP_READ_ONLY", "GROUP_CLUSTER_MANAGER"}
	alert := access.AlertConfig{
		ID: anAlert, EventType: "OUTSIDE_METRIC_THRESHOLD", Enabled: true, Severity: "WARNING", Matchers: []string{"CLUSTER_NAME STARTS_WITH a b"},
		Threshold: `{"metricName":"X","threshold":1}`, Notifications: []access.Notification{{Type: "WEBHOOK", Target: "watch.example.com", Integration: aHook, EveryMinutes: 5}},
	}
	const v25, v23 = "2025-02-19", "2023-01-01"
	orgs, groups := "/orgs/"+orgID, "/groups/"+prodID
	for _, tc := range []struct {
		op                 access.Operation
		method, path, body string
		version            string
	}{
		{onPerson(access.AddMemberRole, inOrg, access.Operation{Role: "ORG_OWNER"}), "POST", orgs + "/users/" + personID + ":addRole", `{"orgRole":"ORG_OWNER"}`, v25},
		{onPerson(access.RemoveMemberRole, inOrg, access.Operation{Role: "ORG_OWNER"}), "POST", orgs + "/users/" + personID + ":removeRole", `{"orgRole":"ORG_OWNER"}`, v25},
		{onPerson(access.AddMemberRole, inProject, access.Operation{Role: "GROUP_OWNER"}), "POST", groups + "/users/" + personID + ":addRole", `{"groupRole":"GROUP_OWNER"}`, v25},
		{onPerson(access.RemoveMemberRole, inProject, access.Operation{Role: "GROUP_OWNER"}), "POST", groups + "/users/" + personID + ":removeRole", `{"groupRole":"GROUP_OWNER"}`, v25},
		{onPerson(access.RemoveMemberRole, inOrg, access.Operation{Role: "GROUP_OWNER", Project: prodID}), "POST", groups + "/users/" + personID + ":removeRole", `{"groupRole":"GROUP_OWNER"}`, v25},
		{onPerson(access.RemoveProjectMember, inProject, access.Operation{}), "DELETE", groups + "/users/" + personID, ``, v25},
		{onPerson(access.RemoveProjectMember, inOrg, access.Operation{Project: devID}), "DELETE", "/groups/" + devID + "/users/" + personID, ``, v25},
		{onPerson(access.AddProjectMember, inOrg, access.Operation{Project: devID, Names: roles}), "POST", "/groups/" + devID + "/users", `{"roles":["GROUP_CLUSTER_MANAGER","GROUP_READ_ONLY"],"username":"bob@example.com"}`, v25},
		{access.Operation{Type: access.SetTeamRoles, Ref: team, Names: roles}, "PATCH", groups + "/teams/" + aTeam, `{"roleNames":["GROUP_CLUSTER_MANAGER","GROUP_READ_ONLY"],"teamId":"` + aTeam + `"}`, v23},
		{access.Operation{Type: access.AddTeamGrant, Ref: team, Names: roles[:1]}, "POST", groups + "/teams", `[{"roleNames":["GROUP_READ_ONLY"],"teamId":"` + aTeam + `"}]`, v23},
		{access.Operation{Type: access.RemoveTeamGrant, Ref: team}, "DELETE", groups + "/teams/" + aTeam, ``, v23},
		{onPerson(access.AddTeamMember, membership, access.Operation{}), "POST", orgs + "/teams/" + aTeam + ":addUser", `{"id":"` + personID + `"}`, v25},
		{onPerson(access.RemoveTeamMember, membership, access.Operation{}), "POST", orgs + "/teams/" + aTeam + ":removeUser", `{"id":"` + personID + `"}`, v25},
		{access.Operation{Type: access.DeleteInvitation, Ref: orgRef(access.KindInvitation, "x@outside.test")}, "DELETE", orgs + "/invites/" + inviteID, ``, v23},
		{setting(access.SetOrgSetting, access.SettingEmployeeAccess, "true"), "PATCH", orgs + "/settings", `{"restrictEmployeeAccess":true}`, v23},
		{setting(access.SetOrgSetting, access.SettingSecretHours, "720"), "PATCH", orgs + "/settings", `{"maxServiceAccountSecretValidityInHours":720}`, v23},
		{setting(access.SetProjectSetting, access.SettingDataExplorer, "false"), "PATCH", groups + "/settings", `{"isDataExplorerEnabled":false}`, v23},
		{access.Operation{Type: access.SetAlertEnabled, Ref: prodRef(access.KindAlertConfig, anAlert), Value: "true"}, "PATCH", groups + "/alertConfigs/" + anAlert, `{"enabled":true}`, v23},
		{access.Operation{Type: access.CreateAlert, Ref: prodRef(access.KindAlertConfig, anAlert), Alert: &alert}, "POST", groups + "/alertConfigs",
			`{"enabled":true,"eventTypeName":"OUTSIDE_METRIC_THRESHOLD","matchers":[{"fieldName":"CLUSTER_NAME","operator":"STARTS_WITH","value":"a b"}],"metricThreshold":{"metricName":"X","threshold":1},` +
				`"notifications":[{"delayMin":0,"integrationId":"` + aHook + `","intervalMin":5,"typeName":"WEBHOOK"}],"severityOverride":"WARNING"}`, v23},
	} {
		var got *http.Request
		var body []byte
		c := connect(t, answering(func(r *http.Request) (int, string) {
			if r.Method == http.MethodGet {
				return 200, map[bool]string{true: `[{"id":"` + inviteID + `","username":"X@outside.test"}]`, false: `{"results":[],"totalCount":0}`}[strings.HasSuffix(r.URL.Path, "/invites")]
			}
			got, body = r, nil
			if r.Body != nil {
				body, _ = io.ReadAll(r.Body)
			}
			return 200, ""
		}), nil)
		if err := c.Apply(t.Context(), "a-1", tc.op); err != nil || got == nil {
			t.Errorf("%s: %v", tc.op.Describe(), err)
			continue
		}
		if got.Method != tc.method || got.URL.EscapedPath() != apiPrefix+tc.path || string(body) != tc.body || got.Header.Get("Accept") != "application/vnd.atlas."+tc.version+"+json" {
			t.Errorf("%s %s %s %s", got.Method, got.URL.EscapedPath(), body, got.Header.Get("Accept"))
		}
	}
}

func setting(t access.OperationType, name, value string) access.Operation {
	ref := orgRef(access.KindOrgSettings, orgID)
	if t == access.SetProjectSetting {
		ref = prodRef(access.KindProjectSettings, prodID)
	}
	return access.Operation{Type: t, Ref: ref, Setting: name, Value: value}
}

// What would do something else than it says is not sent.
func TestApplyRefusesOfPeople(t *testing.T) {
	rec := &recording{next: answering(func(*http.Request) (int, string) { return 200, "[]" })}
	c := connect(t, rec, nil)
	inOrg, inProject := orgRef(access.KindOrgMember, "bob@example.com"), prodRef(access.KindProjectMember, "bob@example.com")
	for name, op := range map[string]access.Operation{
		"a project's role on the org":   onPerson(access.AddMemberRole, inOrg, access.Operation{Role: "GROUP_OWNER"}),
		"an org's role on a project":    onPerson(access.AddMemberRole, inProject, access.Operation{Role: "ORG_OWNER"}),
		"no role":                       onPerson(access.RemoveMemberRole, inOrg, access.Operation{}),
		"no user":                       {Type: access.RemoveMemberRole, Ref: inOrg, Role: "ORG_OWNER"},
		"another user":                  {Type: access.RemoveMemberRole, Ref: inOrg, Role: "ORG_OWNER", ID: "../" + personID},
		"another project":               onPerson(access.RemoveProjectMember, inProject, access.Operation{Project: devID}),
		"no project":                    onPerson(access.RemoveProjectMember, inOrg, access.Operation{}),
		"an odd project":                onPerson(access.RemoveProjectMember, inOrg, access.Operation{Project: "x/../y"}),
		"a member of the wrong scope":   onPerson(access.RemoveProjectMember, orgRef(access.KindProjectMember, "bob@example.com"), access.Operation{}),
		"an org member of a project":    onPerson(access.RemoveMemberRole, prodRef(access.KindOrgMember, "bob@example.com"), access.Operation{Role: "ORG_OWNER"}),
		"no roles":                      onPerson(access.AddProjectMember, inProject, access.Operation{}),
		"a team without roles":          {Type: access.SetTeamRoles, Ref: prodRef(access.KindTeamGrant, aTeam)},
		"a team without an id":          {Type: access.RemoveTeamGrant, Ref: prodRef(access.KindTeamGrant, "platform")},
		"a membership without a user":   {Type: access.RemoveTeamMember, Ref: orgRef(access.KindTeamMember, aTeam+"/bob@example.com")},
		"an invitation of nobody":       {Type: access.DeleteInvitation, Ref: orgRef(access.KindInvitation, "*")},
		"an invitation that is none":    {Type: access.DeleteInvitation, Ref: inOrg},
		"another setting":               setting(access.SetOrgSetting, "apiAccessListRequired", "true"),
		"a setting of the other level":  setting(access.SetProjectSetting, access.SettingEmployeeAccess, "true"),
		"a setting that is no switch":   setting(access.SetOrgSetting, access.SettingEmployeeAccess, "yes"),
		"no cap":                        setting(access.SetOrgSetting, access.SettingSecretHours, "0"),
		"too far a cap":                 setting(access.SetOrgSetting, access.SettingSecretHours, "8761"),
		"an alert without an id":        {Type: access.SetAlertEnabled, Ref: prodRef(access.KindAlertConfig, "all"), Value: "true"},
		"an alert neither on nor off":   {Type: access.SetAlertEnabled, Ref: prodRef(access.KindAlertConfig, anAlert)},
		"no alert":                      {Type: access.CreateAlert, Ref: prodRef(access.KindAlertConfig, anAlert)},
		"an alert that tells nobody":    {Type: access.CreateAlert, Ref: prodRef(access.KindAlertConfig, anAlert), Alert: &access.AlertConfig{EventType: "JOINED_GROUP"}},
		"an alert by what is not known": {Type: access.CreateAlert, Ref: prodRef(access.KindAlertConfig, anAlert), Alert: &access.AlertConfig{EventType: "JOINED_GROUP", Notifications: []access.Notification{{Type: "SLACK", Target: "#ops"}}}},
	} {
		if err := c.Apply(t.Context(), "a-1", op); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
	if n := len(rec.all()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// An invitation that was accepted is none any more: who accepted it stays.
func TestApplyDeletesNoMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := sim.ParseWorld("w.yaml", []byte(strings.Replace(strings.Replace(shopWorld, `"GROUP_OWNER@*"]`, `ORG_OWNER]`, 1), "    apiKeys:", `    users:
      - {username: alice@example.com, roles: [ORG_OWNER]}
      - {username: dana@example.com, roles: [ORG_MEMBER], orgMembershipStatus: PENDING}
    apiKeys:`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		a := newSim(t, sim.Options{World: world})
		c := connect(t, a.Transport(), nil)
		op := access.Operation{Type: access.DeleteInvitation, Ref: orgRef(access.KindInvitation, "dana@example.com")}
		if err := a.AcceptInvitation("dana@example.com"); err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(t.Context(), "a-1", op); err != nil {
			t.Errorf("accepted: %v", err)
		}
		members := access.NewCollection(org, access.KindOrgMember, c.Read(t.Context(), org, access.KindOrgMember).States)
		if _, there := members.Find("dana@example.com"); !there {
			t.Errorf("who accepted was removed: %+v", members.Resources)
		}
	})
}

// What Atlas keeps by itself, the last role of somebody and the last owner of an org, is no
// role that our credential lacks.
func TestApplyLastOnes(t *testing.T) {
	for _, code := range []string{"CANNOT_REMOVE_ALL_USER_ROLES", "CANNOT_DEMOTE_LAST_ORG_OWNER", "NO_ROLES_IN_ASSIGNMENT"} {
		c := connect(t, answering(func(*http.Request) (int, string) { return 403, `{"errorCode":"` + code + `"}` }), nil)
		err := c.Apply(t.Context(), "a-1", onPerson(access.RemoveMemberRole, orgRef(access.KindOrgMember, "bob@example.com"), access.Operation{Role: "ORG_OWNER"}))
		if err == nil || errors.Is(err, access.ErrForbidden) || errors.Is(err, access.ErrTemporary) || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v", code, err)
		}
	}
}
