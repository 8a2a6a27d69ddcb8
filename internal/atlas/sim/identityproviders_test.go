package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestProviderLists(t *testing.T) {
	w := startWorld(t, governed)
	for query, want := range map[string]string{
		"":                                "saml",
		"protocol=SAML&protocol=OIDC":     "saml people",
		"protocol=OIDC&idpType=WORKLOAD":  "robots",
		"idpType=WORKLOAD":                "",
		"protocol=OIDC&idpType=WORKFORCE": "people",
		"protocol=SAML&protocol=OIDC&idpType=WORKFORCE&idpType=WORKLOAD": "saml people robots",
	} {
		var names []string
		for _, r := range w.as(ownerID, "GET", w.fedPath("{fed}/identityProviders?"+query), nil).results() {
			names = append(names, r["displayName"].(string))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	if a := w.as(ownerID, "GET", w.fedPath("{fed}/identityProviders?protocol=LDAP"), nil); a.status != 400 || a.code() != "INVALID_QUERY_PARAMETER" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
}

// Identity providers are a union without a discriminator, so each is checked against the
// schema of its kind.
func TestProvidersFitTheSpec(t *testing.T) {
	w, doc := startWorld(t, governed), officialDocument(t)
	list := w.as(ownerID, "GET", w.fedPath("{fed}/identityProviders?protocol=SAML&protocol=OIDC&idpType=WORKFORCE&idpType=WORKLOAD"), nil).results()
	made := w.as(ownerID, "POST", w.fedPath("{fed}/identityProviders"), newProvider)
	schemas := []string{"FederationSamlIdentityProvider", "FederationOidcWorkforceIdentityProvider", "FederationOidcWorkloadIdentityProvider", "FederationOidcWorkforceIdentityProvider"}
	for i, p := range append(list, made.body) {
		one := w.as(ownerID, "GET", w.fedPath("{fed}/identityProviders/"+p["id"].(string)), nil)
		legacy := w.as(ownerID, "GET", w.fedPath("{fed}/identityProviders/"+p["oktaIdpId"].(string)), nil)
		if one.raw != legacy.raw || fmt.Sprint(one.body) != fmt.Sprint(p) {
			t.Errorf("got %s, %s and %v", one.raw, legacy.raw, p)
		}
		null("userConflicts")(p) // recorded: atlas-api.md §13
		if why := doc.wrong(doc.Components.Schemas[schemas[i]].Value, any(p)); why != "" {
			t.Error(why)
		}
	}
}

const newProvider = `{"protocol":"OIDC","idpType":"WORKFORCE","displayName":"new","issuerUri":"https://new.example.com","audience":"a","authorizationType":"USER","clientId":"c","description":"d","requestedScopes":["openid"],"associatedDomains":["new.example.com"]}`

func TestProviderLife(t *testing.T) {
	w := startWorld(t, governed)
	list := w.fedPath("{fed}/identityProviders")
	made := w.as(ownerID, "POST", list, newProvider)
	id, _ := made.body["id"].(string)
	if made.status != 200 || !isID(id) || made.body["userClaim"] != "sub" || len(made.body["associatedOrgs"].([]any)) != 0 {
		t.Fatalf("create: %d %s", made.status, made.raw)
	}
	for range 2 {
		a := w.as(ownerID, "PATCH", list+"/"+id, `{"displayName":"newer","description":null,"associatedDomains":["b.example.com"]}`)
		if _, has := a.body["description"]; a.status != 200 || a.body["displayName"] != "newer" || has || a.body["clientId"] != "c" {
			t.Errorf("patch: %d %s", a.status, a.raw)
		}
	}
	for i, want := range []int{204, 204} {
		if a := w.as(ownerID, "DELETE", list+"/"+id+"/jwks", nil); a.status != want {
			t.Errorf("revoke %d: %d %s", i, a.status, a.raw)
		}
	}
	for i, want := range []int{204, 404} {
		if a := w.as(ownerID, "DELETE", list+"/"+id, nil); a.status != want {
			t.Errorf("delete %d: %d %s", i, a.status, a.raw)
		}
	}
	const want = "IDENTITY_PROVIDER_DELETED IDENTITY_PROVIDER_JWKS_REVOKED IDENTITY_PROVIDER_JWKS_REVOKED DOMAINS_ASSOCIATED OIDC_IDENTITY_PROVIDER_UPDATED IDENTITY_PROVIDER_CREATED"
	for _, name := range []string{"ExampleCorp", "OtherCorp"} {
		if got := w.orgKinds(name); got != want {
			t.Errorf("events of %s: %s", name, got)
		}
	}
}

func TestProviderRefused(t *testing.T) {
	w := startWorld(t, governed)
	list, samlID, oidcID := w.fedPath("{fed}/identityProviders"), w.idp("saml").ID, w.idp("people").ID
	without := func(field string) string {
		var doc object
		json.Unmarshal([]byte(newProvider), &doc)
		delete(doc, field)
		return text(doc)
	}
	w.refusals([]refusal{
		{"POST", list, `{"protocol":"SAML","displayName":"x","ssoDebugEnabled":true}`, 400, "INVALID_ATTRIBUTE"},
		{"POST", list, `{"protocol":"SAML","displayName":"x"}`, 400, "VALIDATION_ERROR"},
		{"POST", list, without("displayName"), 400, "MISSING_ATTRIBUTE"},
		{"POST", list, without("issuerUri"), 400, "MISSING_ATTRIBUTE"},
		{"POST", list, without("authorizationType"), 400, "MISSING_ATTRIBUTE"},
		{"POST", list, strings.Replace(newProvider, `"USER"`, `"GROUP"`, 1), 400, "MISSING_ATTRIBUTE"},
		{"POST", list, strings.Replace(newProvider, "WORKFORCE", "WORKLOAD", 1), 400, "INVALID_ATTRIBUTE"},
		{"PATCH", list + "/" + oidcID, `{"ssoUrl":"https://x"}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", list + "/" + samlID, `{"clientId":"x"}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", list + "/" + oidcID, `{"idpType":"WORKLOAD"}`, 400, "VALIDATION_ERROR"},
		{"PATCH", list + "/" + oidcID, `{"displayName":"` + strings.Repeat("x", 51) + `"}`, 400, "VALIDATION_ERROR"},
		{"PATCH", list + "/" + samlID, `{"status":"INACTIVE"}`, 400, "IDENTITY_PROVIDER_CONNECTED_TO_ORGS"},
		{"DELETE", list + "/" + samlID, "", 400, "IDENTITY_PROVIDER_CONNECTED_TO_ORGS"},
		{"DELETE", list + "/" + samlID + "/jwks", "", 400, "VALIDATION_ERROR"},
		{"GET", list + "/" + oidcID + "/metadata.xml", "", 405, "METHOD_NOT_ALLOWED"},
	})
	if a := w.as(memberID, "DELETE", list+"/"+oidcID, nil); a.status != 401 {
		t.Errorf("a provider of another organisation: %d %s", a.status, a.raw)
	}
	a := w.as(ownerID, "GET", list+"/"+samlID+"/metadata.xml", nil)
	var doc string
	if err := json.Unmarshal([]byte(a.raw), &doc); err != nil || !strings.Contains(doc, "EntityDescriptor") {
		t.Errorf("metadata: %d %s", a.status, a.raw)
	}
}

func TestSAMLProvider(t *testing.T) {
	w := startWorld(t, governed)
	path := w.fedPath("{fed}/identityProviders/" + w.legacyID())
	if a := w.do("DELETE", w.fedPath("{fed}/connectedOrgConfigs/OTHER"), nil); a.status != 204 {
		t.Fatalf("disconnect: %d %s", a.status, a.raw)
	}
	for _, body := range []string{`{"status":"INACTIVE"}`, `{"status":"INACTIVE"}`, `{"status":"ACTIVE","associatedDomains":[]}`, `{"ssoDebugEnabled":true,"pemFileInfo":{"fileName":"f","certificates":[{"content":"fake","notAfter":"2027-01-01T00:00:00Z"}]}}`} {
		if a := w.as(ownerID, "PATCH", path, body); a.status != 200 || strings.Contains(a.raw, "content") {
			t.Fatalf("%s: %d %s", body, a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "DELETE", path, nil); a.status != 204 {
		t.Fatalf("delete: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "GET", w.fedPath("{fed}/connectedOrgConfigs/ORG"), nil); a.body["identityProviderId"] != nil {
		t.Errorf("got %s", a.raw)
	}
	if got := w.orgKinds("ExampleCorp"); got != "IDENTITY_PROVIDER_DELETED IDENTITY_PROVIDER_UPDATED DOMAINS_ASSOCIATED IDENTITY_PROVIDER_ACTIVATED IDENTITY_PROVIDER_DEACTIVATED" {
		t.Errorf("events %s", got)
	}
	if got := w.orgKinds("OtherCorp"); got != "ORG_SETTINGS_DELETED" {
		t.Errorf("events %s", got)
	}
}
