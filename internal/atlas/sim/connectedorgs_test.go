package sim

import (
	"fmt"
	"strings"
	"testing"
)

// What is left out of the PATCH is switched off or disconnected, as described.
func TestConnectedOrgReplaces(t *testing.T) {
	w := startWorld(t, governed)
	path, people := w.fedPath("{fed}/connectedOrgConfigs/ORG"), w.idp("people").ID
	full := w.as(ownerID, "GET", path, nil)
	if full.body["domainRestrictionEnabled"] != true || len(rowsOf(full.body["userConflicts"])) != 1 {
		t.Errorf("at first %s", full.raw)
	}
	if a := w.as(ownerID, "PATCH", path, full.raw); a.status != 200 || a.raw != full.raw || len(w.Effects()) != 0 {
		t.Errorf("read, written: %d %s", a.status, a.raw)
	}
	for _, c := range []struct{ name, body, want, events string }{
		{"nothing", `{}`, "false <nil> [] [example.com] [ORG_MEMBER] 1", "OIDC_IDENTITY_PROVIDER_DISABLED RESTRICT_ORG_MEMBERSHIP_DISABLED ORG_SETTINGS_UPDATED"},
		{"restriction alone", `{"domainRestrictionEnabled":true}`, "true <nil> [] [example.com] [ORG_MEMBER] 1", "OIDC_IDENTITY_PROVIDER_DISABLED ORG_SETTINGS_UPDATED"},
		{"no UI provider", `{"domainRestrictionEnabled":true,"dataAccessIdentityProviderIds":["PEOPLE"]}`, "true <nil> [PEOPLE] [example.com] [ORG_MEMBER] 1", "ORG_SETTINGS_UPDATED"},
		{"roles", `{"domainRestrictionEnabled":true,"identityProviderId":"SAML","dataAccessIdentityProviderIds":["PEOPLE"],"postAuthRoleGrants":["ORG_OWNER"],"roleMappings":[{"externalGroupName":"new","roleAssignments":[{"orgId":"ORG","role":"ORG_OWNER"}]}],"instantUserProvisioningDisabled":true}`,
			"true SAML [PEOPLE] [example.com] [ORG_OWNER] 1", "ROLE_MAPPING_DELETED ROLE_MAPPING_CREATED ORG_SETTINGS_UPDATED"},
		{"lists emptied", `{"domainRestrictionEnabled":true,"identityProviderId":"SAML","dataAccessIdentityProviderIds":["PEOPLE"],"postAuthRoleGrants":[],"roleMappings":[],"domainAllowList":[]}`,
			"true SAML [PEOPLE] [] [] 0", "ROLE_MAPPING_DELETED ORG_SETTINGS_UPDATED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := startWorld(t, governed)
			fill := strings.NewReplacer("SAML", w.legacyID(), "PEOPLE", people, `"ORG"`, `"`+w.OrgID("ExampleCorp")+`"`)
			for range 2 {
				a := w.as(ownerID, "PATCH", path, fill.Replace(c.body))
				got := fmt.Sprint(a.body["domainRestrictionEnabled"], " ", a.body["identityProviderId"], " ", a.body["dataAccessIdentityProviderIds"], " ", a.body["domainAllowList"], " ", a.body["postAuthRoleGrants"], " ", len(rowsOf(a.body["roleMappings"])))
				if got != fill.Replace(c.want) || a.status != 200 {
					t.Errorf("got %s: %d %s", got, a.status, a.raw)
				}
			}
			if got := w.orgKinds("ExampleCorp"); got != c.events {
				t.Errorf("events %s", got)
			}
			if n := len(w.Effects()); n != 1 {
				t.Errorf("%d effects", n)
			}
		})
	}
}

// Without a provider for the UI, what does not change may be sent.
func TestConnectedOrgUnchanged(t *testing.T) {
	w := startWorld(t, governed)
	path := w.fedPath("{fed}/connectedOrgConfigs/ORG")
	patch := func(body string) answerOf { return w.as(ownerID, "PATCH", path, body) }
	patch(`{"identityProviderId":"` + w.legacyID() + `","postAuthRoleGrants":[],"roleMappings":[]}`)
	if a := patch(`{"postAuthRoleGrants":[],"roleMappings":[]}`); a.status != 200 || a.body["identityProviderId"] != nil || text(a.body["postAuthRoleGrants"]) != "[]" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	if a := patch(`{"postAuthRoleGrants":["ORG_MEMBER"]}`); a.status != 400 {
		t.Errorf("a change: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "GET", w.path("{org}/federationSettings"), nil); a.body["identityProviderStatus"] != "INACTIVE" || !strings.Contains(a.raw, `"identityProviderId":null`) {
		t.Errorf("settings %d %s", a.status, a.raw)
	}
}

func TestConnectedOrgRefused(t *testing.T) {
	w := startWorld(t, governed)
	path := w.fedPath("{fed}/connectedOrgConfigs/ORG")
	patch := func(body string, status int, code string) refusal {
		return refusal{"PATCH", path, strings.NewReplacer("SAML", w.legacyID(), "PEOPLE", w.idp("people").ID).Replace(body), status, code}
	}
	w.refusals([]refusal{
		patch(`{"postAuthRoleGrants":["ORG_OWNER"]}`, 400, "ORG_HAS_NO_IDENTITY_PROVIDER"),
		patch(`{"identityProviderId":"00000000000000000000"}`, 404, "IDENTITY_PROVIDER_NOT_FOUND"),
		patch(`{"identityProviderId":"x"}`, 400, "VALIDATION_ERROR"),
		patch(`{"dataAccessIdentityProviderIds":["SAML"]}`, 404, "IDENTITY_PROVIDER_NOT_FOUND"),
		patch(`{"dataAccessIdentityProviderIds":["PEOPLE","PEOPLE"]}`, 400, "VALIDATION_ERROR"),
		patch(`{"identityProviderId":"SAML","postAuthRoleGrants":["GROUP_OWNER"]}`, 400, "INVALID_ENUM_VALUE"),
		patch(`{"identityProviderId":"SAML","roleMappings":[{"externalGroupName":"x","roleAssignments":[]}]}`, 400, "VALIDATION_ERROR"),
		patch(`{"nope":1}`, 400, "INVALID_ATTRIBUTE"),
	})
	w.do("DELETE", w.fedPath("{fed}/connectedOrgConfigs/OTHER"), nil)
	w.refusals([]refusal{{"DELETE", path, "", 400, "CANNOT_REMOVE_LAST_CONNECTED_ORG"}})
}

func TestRoleMappings(t *testing.T) {
	w := startWorld(t, governed)
	list := w.fedPath("{fed}/connectedOrgConfigs/ORG/roleMappings")
	fill := strings.NewReplacer("ORGID", w.OrgID("ExampleCorp"), "PROD", w.ProjectID("prod"), "FOREIGN", w.ProjectID("foreign"))
	body := func(name, assignments string) string {
		return `{"externalGroupName":"` + name + `","roleAssignments":[` + fill.Replace(assignments) + `]}`
	}
	const member = `{"orgId":"ORGID","role":"ORG_MEMBER"}`
	made := w.as(ownerID, "POST", list, body("new", member+`,{"groupId":"PROD","role":"GROUP_OWNER"}`))
	id, _ := made.body["id"].(string)
	if made.status != 200 || !isID(id) {
		t.Fatalf("create: %d %s", made.status, made.raw)
	}
	if got := w.as(ownerID, "GET", list+"/"+id, nil); got.raw != made.raw {
		t.Errorf("got %s, want %s", got.raw, made.raw)
	}
	if rows := w.as(ownerID, "GET", list, nil).results(); len(rows) != 2 {
		t.Errorf("rows %v", rows)
	}
	for range 2 {
		if a := w.as(ownerID, "PUT", list+"/"+id, body("new", member)); a.status != 200 || a.body["id"] != id || len(rowsOf(a.body["roleAssignments"])) != 1 {
			t.Errorf("replace: %d %s", a.status, a.raw)
		}
	}
	post := func(name, assignments string, status int, code string) refusal {
		return refusal{"POST", list, body(name, assignments), status, code}
	}
	w.refusals([]refusal{
		post("new", member, 409, "ROLE_MAPPING_ALREADY_EXISTS"),
		post("", member, 400, "VALIDATION_ERROR"),
		post(strings.Repeat("x", 201), member, 400, "VALIDATION_ERROR"),
		post("x", ``, 400, "VALIDATION_ERROR"),
		post("x", `{"groupId":"PROD","role":"GROUP_OWNER"}`, 400, "VALIDATION_ERROR"),
		post("x", member+`,`+member, 400, "VALIDATION_ERROR"),
		post("x", `{"orgId":"ORGID","groupId":"PROD","role":"ORG_MEMBER"}`, 400, "VALIDATION_ERROR"),
		post("x", `{"groupId":"PROD","role":"ORG_MEMBER"}`, 400, "ROLE_NEEDS_ORG_ID"),
		post("x", `{"orgId":"ORGID","role":"GROUP_OWNER"}`, 400, "ROLE_NEEDS_GROUP_ID"),
		post("x", `{"orgId":"ORGID","role":"ORG_KING"}`, 400, "INVALID_ROLE_FOR_ORG"),
		post("x", member+`,{"groupId":"PROD","role":"KING"}`, 400, "INVALID_ROLE_FOR_GROUP"),
		post("x", member+`,{"groupId":"FOREIGN","role":"GROUP_OWNER"}`, 404, "GROUP_NOT_FOUND"),
		{"PUT", list + "/" + id, body("dba", member), 409, "ROLE_MAPPING_ALREADY_EXISTS"},
		{"GET", list + "/ffffffffffffffffffffffff", "", 404, "ROLE_MAPPING_NOT_FOUND"},
	})
	for i, want := range []int{204, 404} {
		if a := w.as(ownerID, "DELETE", list+"/"+id, nil); a.status != want {
			t.Errorf("delete %d: %d", i, a.status)
		}
	}
	if got := w.orgKinds("ExampleCorp"); got != "ROLE_MAPPING_DELETED ROLE_MAPPING_UPDATED ROLE_MAPPING_CREATED" {
		t.Errorf("events %s", got)
	}
	w.do("DELETE", w.path("{prod}"), nil)
	if got := w.do("GET", list, nil); strings.Contains(got.raw, "groupId") {
		t.Errorf("after the project's end %s", got.raw)
	}
}

func TestDomainAllowed(t *testing.T) {
	w := startWorld(t, governed)
	w.mu.Lock()
	defer w.mu.Unlock()
	for address, want := range map[string]bool{"a@example.com": true, "a@EXAMPLE.com": true, "a@other.example": false, "a": false} {
		if got := w.orgs[0].domainAllowed(address); got != want {
			t.Errorf("%s: %t", address, got)
		}
		if !w.orgs[1].domainAllowed(address) || !w.orgs[2].domainAllowed(address) {
			t.Errorf("%s where nothing is restricted", address)
		}
	}
}
