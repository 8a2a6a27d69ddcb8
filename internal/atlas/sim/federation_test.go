package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// path of a governed world: {fed} is its federation, ORG and OTHER its organisations.
func (w *world) fedPath(p string) string {
	return strings.NewReplacer("ORG", w.OrgID("ExampleCorp"), "OTHER", w.OrgID("OtherCorp"), "LONE", w.OrgID("LoneCorp")).Replace(
		strings.ReplaceAll(w.path(p), "{fed}", "/federationSettings/"+w.fedID()))
}

func (w *world) fedID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.federations[0].id
}

// idp is a provider of the governed world.
func (w *world) idp(name string) IdentityProvider {
	all := w.Snapshot().Federations[0].IdentityProviders
	return all[slices.IndexFunc(all, func(p IdentityProvider) bool { return p.DisplayName == name })]
}

func (w *world) legacyID() string { return w.idp("saml").OktaIDPID }

// orgKinds are the event types of an organisation's feed, newest first.
func (w *world) orgKinds(name string) string {
	w.t.Helper()
	return kinds(w.do("GET", "/orgs/"+w.OrgID(name)+"/events", nil).results())
}

func TestOrgFederation(t *testing.T) {
	w := startWorld(t, governed)
	a := w.as(ownerID, "GET", w.path("{org}/federationSettings"), nil)
	want := fmt.Sprintf(`{"federatedDomains":["example.com"],"hasRoleMappings":true,"id":"%s","identityProviderId":"%s","identityProviderStatus":"ACTIVE"}`, w.fedID(), w.legacyID())
	if a.raw != want {
		t.Errorf("got  %s\nwant %s", a.raw, want)
	}
	if a := w.do("GET", w.fedPath("/orgs/LONE/federationSettings"), nil); a.status != 404 || a.code() != "FEDERATION_SETTINGS_NOT_FOUND" {
		t.Errorf("not federated: %d %s", a.status, a.raw)
	}
	if a := w.as(readerID, "GET", w.path("{org}/federationSettings"), nil); a.status != 401 {
		t.Errorf("a reader: %d %s", a.status, a.raw)
	}
}

// An owner of any connected organisation may, but not in another organisation.
func TestFederationRoles(t *testing.T) {
	w := startWorld(t, governed)
	for _, c := range []struct {
		who, path, accept string
		status            int
		code              string
	}{
		{ownerID, "{fed}/identityProviders", "", 200, ""},
		{memberID, "{fed}/identityProviders", "", 200, ""},
		{readerID, "{fed}/identityProviders", "", 401, "USER_UNAUTHORIZED"},
		{ownerID, "{fed}/connectedOrgConfigs", "", 200, ""},
		{ownerID, "{fed}/connectedOrgConfigs/ORG", "", 200, ""},
		{ownerID, "{fed}/connectedOrgConfigs/OTHER", "", 401, "USER_CANNOT_ACCESS_ORG"},
		{memberID, "{fed}/connectedOrgConfigs/OTHER", "", 200, ""},
		{ownerID, "{fed}/connectedOrgConfigs/ffffffffffffffffffffffff", "", 404, "ORG_NOT_FOUND"},
		{ownerID, "/federationSettings/ffffffffffffffffffffffff/identityProviders", "", 404, "FEDERATION_SETTINGS_NOT_FOUND"},
		{ownerID, "{fed}/identityProviders/nope", "", 404, "IDENTITY_PROVIDER_NOT_FOUND"},
		{ownerID, "{fed}/identityProviders/SAML", "application/vnd.atlas.2023-01-01+json", 410, "VERSION_GONE"},
		{ownerID, "{fed}/identityProviders/SAML", "application/vnd.atlas.2023-11-15+json", 200, ""},
	} {
		accept := orDefault(c.accept, anyAccept)
		a := w.as(c.who, "GET", strings.ReplaceAll(w.fedPath(c.path), "SAML", w.idp("saml").ID), nil, "Accept", accept)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s: %d %s", c.who, c.path, a.status, a.raw)
		}
	}
	lone := w.ConnectOrg(Actor{}, w.OrgID("LoneCorp"), "")
	if a := w.as(ownerID, "GET", "/federationSettings/"+lone+"/identityProviders", nil); a.status != 401 {
		t.Errorf("a foreign federation: %d %s", a.status, a.raw)
	}
	if a := w.do("GET", w.fedPath("{fed}/connectedOrgConfigs/LONE"), nil); a.status != 404 {
		t.Errorf("an organisation of another federation: %d %s", a.status, a.raw)
	}
}

func TestFederationEnd(t *testing.T) {
	w := startWorld(t, governed)
	path := w.fedPath("{fed}")
	w.refusals([]refusal{{"DELETE", path, "", 400, "FEDERATION_HAS_CONNECTED_ORGS"}})
	w.do("DELETE", w.fedPath("{fed}/connectedOrgConfigs/OTHER"), nil)
	for i, want := range []int{204, 404} {
		if a := w.as(ownerID, "DELETE", path, nil); a.status != want {
			t.Errorf("delete %d: %d %s", i, a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "GET", w.path("{org}/federationSettings"), nil); a.status != 404 {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	if got := w.orgKinds("ExampleCorp"); got != "FEDERATION_SETTINGS_DELETED" {
		t.Errorf("events %s", got)
	}
}

// What people do in the UI alone.
func TestFederationHooks(t *testing.T) {
	w := startWorld(t, governed)
	alice := Actor{Username: "alice@example.com"}
	id := w.ConnectOrg(alice, w.OrgID("LoneCorp"), "")
	made := w.AddIdentityProvider(alice, id, IdentityProvider{Protocol: "SAML", DisplayName: "lone", IssuerURI: "urn:lone"})
	w.EditFederatedDomains(alice, id, []string{"lone.example"})
	w.EditFederatedDomains(alice, id, nil)
	if !isID(id) || !isID(made) || w.ConnectOrg(alice, w.OrgID("LoneCorp"), id) != "" || w.AddIdentityProvider(alice, "x", IdentityProvider{}) != "" {
		t.Errorf("ids %q %q", id, made)
	}
	list := w.do("GET", "/federationSettings/"+id+"/identityProviders", nil).results()
	if len(list) != 1 || list[0]["id"] != made || list[0]["status"] != "INACTIVE" {
		t.Errorf("providers %v", list)
	}
	const want = "DOMAIN_DELETED DOMAIN_VERIFIED DOMAIN_CREATED IDENTITY_PROVIDER_CREATED ORG_SETTINGS_CONFIGURED FEDERATION_SETTINGS_CREATED"
	if got := w.orgKinds("LoneCorp"); got != want {
		t.Errorf("events %s", got)
	}
}

// The rest of the family fits the specification on a world that has everything.
func TestGovernedAnswersFitTheSpec(t *testing.T) {
	doc := spec(t)
	for _, c := range []struct{ op, method, path, body string }{
		{"getOrgResourcePolicy", "GET", "{org}/resourcePolicies/POLICY", ""},
		{"updateOrgResourcePolicy", "PATCH", "{org}/resourcePolicies/POLICY", `{"name":"n"}`},
		{"listOrgResourcePolicies", "GET", "{org}/resourcePolicies", ""},
		{"getOrgNonCompliantResources", "GET", "{org}/nonCompliantResources", ""},
		{"getOrgSettings", "GET", "{org}/settings", ""},
		{"getOrgFederationSettings", "GET", "{org}/federationSettings", ""},
		{"listFederationSettingConnectedOrgConfigs", "GET", "{fed}/connectedOrgConfigs", ""},
		{"getFederationSettingConnectedOrgConfig", "GET", "{fed}/connectedOrgConfigs/ORG", ""},
		{"updateFederationSettingConnectedOrgConfig", "PATCH", "{fed}/connectedOrgConfigs/ORG", `{"domainRestrictionEnabled":false}`},
		{"listFederationSettingConnectedOrgConfigRoleMappings", "GET", "{fed}/connectedOrgConfigs/ORG/roleMappings", ""},
		{"createFederationSettingConnectedOrgConfigRoleMapping", "POST", "{fed}/connectedOrgConfigs/ORG/roleMappings", `{"externalGroupName":"x","roleAssignments":[{"orgId":"ORG","role":"ORG_MEMBER"}]}`},
		{"getFederationSettingConnectedOrgConfigRoleMapping", "GET", "{fed}/connectedOrgConfigs/ORG/roleMappings/MAPPING", ""},
		{"updateFederationSettingConnectedOrgConfigRoleMapping", "PUT", "{fed}/connectedOrgConfigs/ORG/roleMappings/MAPPING", `{"externalGroupName":"x","roleAssignments":[{"orgId":"ORG","role":"ORG_MEMBER"}]}`},
		{"getFederationSettingIdentityProviderMetadata", "GET", "{fed}/identityProviders/SAML/metadata.xml", ""},
	} {
		t.Run(c.op, func(t *testing.T) {
			w := startWorld(t, governed)
			s := w.Snapshot()
			fill := strings.NewReplacer("POLICY", s.Orgs[0].ResourcePolicies[0].ID, "SAML", w.idp("saml").ID,
				"MAPPING", s.Federations[0].ConnectedOrgConfigs[0].RoleMappings[0].ID)
			i := slices.IndexFunc(w.routes, func(r route) bool { return r.op == c.op })
			a := w.as(ownerID, c.method, fill.Replace(w.fedPath(c.path)), strings.ReplaceAll(c.body, `"ORG"`, `"`+w.OrgID("ExampleCorp")+`"`))
			if a.status/100 != 2 {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if why := misfit(operation(t, doc, &w.routes[i]), c.op, a); why != "" {
				t.Error(why)
			}
		})
	}
}
