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
