package sim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// anAccount is the body that makes an account with a role.
func anAccount(role string) string {
	return `{"name":"ci","description":"builds","roles":["` + role + `"],"secretExpiresAfterHours":24}`
}

// secretWorks says whether a secret gets a token.
func (w *world) secretWorks(id, secret string) bool {
	w.t.Helper()
	a := w.tokenCall(tokenPath, id, secret, "application/x-www-form-urlencoded", "grant_type=client_credentials")
	if a.status != 200 && a.body["error"] != "invalid_client" {
		w.t.Fatalf("token for %s: %d %s", id, a.status, a.raw)
	}
	return a.status == 200
}

func TestOrgAccountLifeCycle(t *testing.T) {
	w := start(t)
	made := w.as(ownerID, "POST", w.path("{org}/serviceAccounts"), anAccount("ORG_MEMBER"))
	id, _ := made.body["clientId"].(string)
	first := rowsOf(made.body["secrets"])
	if made.status != 201 || !clientID.MatchString(id) || len(first) != 1 {
		t.Fatalf("created: %d %s", made.status, made.raw)
	}
	secret, _ := first[0]["secret"].(string)
	delete(first[0], "secret")
	path := w.path("{org}/serviceAccounts/") + id
	got := w.as(ownerID, "GET", path, nil)
	if d := cmp.Diff(made.body, got.body); d != "" || !strings.HasSuffix(first[0]["maskedSecretValue"].(string), secret[len(secret)-4:]) {
		t.Errorf("read back: %s%s", got.raw, d)
	}
	if first[0]["expiresAt"] != "2026-08-04T10:00:00Z" || first[0]["createdAt"] != "2026-08-03T10:00:00Z" || first[0]["lastUsedAt"] != nil || made.body["createdAt"] != "2026-08-03T10:00:00Z" {
		t.Errorf("dates: %s", made.raw)
	}
	secrets := map[string]string{id: secret}
	token := w.tokenOf(id, secrets[id])
	if a := w.from("192.0.2.1", "GET", w.path("{org}"), nil, token); a.status != 200 {
		t.Errorf("the new account: %d %s", a.status, a.raw)
	}
	if s := rowsOf(w.as(ownerID, "GET", path, nil).body["secrets"])[0]; s["lastUsedAt"] != "2026-08-03T10:00:00Z" {
		t.Errorf("secret after its use: %v", s)
	}
	changed := w.as(ownerID, "PATCH", path, `{"name":"build","roles":["ORG_READ_ONLY"]}`)
	if changed.body["name"] != "build" || changed.body["description"] != "builds" || fmt.Sprint(changed.body["roles"]) != "[ORG_READ_ONLY]" {
		t.Errorf("changed: %d %s", changed.status, changed.raw)
	}
	effects := len(w.Effects())
	if again := w.as(ownerID, "PATCH", path, `{"name":"build","description":null,"roles":["ORG_READ_ONLY"]}`); again.raw != changed.raw || len(w.Effects()) != effects {
		t.Errorf("the same change again: %s", again.raw)
	}
	if a := w.as(ownerID, "DELETE", path, nil); a.status != 204 {
		t.Errorf("deleted: %d %s", a.status, a.raw)
	}
	if a := w.from("192.0.2.1", "GET", w.path("{org}"), nil, token); a.status != 401 || w.secretWorks(id, secret) {
		t.Errorf("a deleted account's token: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "GET", path, nil); a.status != 404 || a.code() != "SERVICE_ACCOUNT_NOT_FOUND" {
		t.Errorf("read when gone: %d %s", a.status, a.raw)
	}
	e := w.events("{org}")
	if kinds(e) != "SERVICE_ACCOUNT_DELETED SERVICE_ACCOUNT_ROLES_CHANGED SERVICE_ACCOUNT_DETAILS_CHANGED SERVICE_ACCOUNT_CREATED" {
		t.Errorf("events %s", kinds(e))
	}
	for _, x := range e {
		if x["publicKey"] != ownerID || x["targetPublicKey"] != nil || strings.Contains(fmt.Sprint(x), id) {
			t.Errorf("event %v", x)
		}
	}
	for _, x := range w.Effects() {
		if strings.Contains(x.Before+x.After, secret) {
			t.Errorf("the secret is in effect %v", x)
		}
	}
}

// tokenOf is the Authorization of an account.
func (w *world) tokenOf(id, secret string) string {
	w.t.Helper()
	a := w.tokenCall(tokenPath, id, secret, "application/x-www-form-urlencoded", "grant_type=client_credentials")
	if a.status != 200 {
		w.t.Fatalf("token for %s: %d %s", id, a.status, a.raw)
	}
	return "Bearer " + a.body["access_token"].(string)
}

func TestProjectAccounts(t *testing.T) {
	const member = "/serviceAccounts/" + memberID
	const reader = "/serviceAccounts/" + readerID
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		roles, project, org      string // or the code
	}{
		{"create", "POST", "{dev}/serviceAccounts", anAccount("GROUP_OWNER"), 201, "[GROUP_OWNER]", "SERVICE_ACCOUNT_ADDED_TO_GROUP", "SERVICE_ACCOUNT_CREATED"},
		{"get", "GET", "{prod}" + member, ``, 200, "[GROUP_NETWORK_ACCESS_MANAGER]", "", ""},
		{"replace", "PATCH", "{prod}" + member, `{"roles":["GROUP_OWNER","GROUP_READ_ONLY"]}`, 200, "[GROUP_OWNER GROUP_READ_ONLY]", "SERVICE_ACCOUNT_ROLES_CHANGED", ""},
		{"rename", "PATCH", "{prod}" + member, `{"name":"net"}`, 200, "[GROUP_NETWORK_ACCESS_MANAGER]", "SERVICE_ACCOUNT_DETAILS_CHANGED", "SERVICE_ACCOUNT_DETAILS_CHANGED"},
		{"invite", "POST", "{dev}" + reader + ":invite", `{"roles":["GROUP_OWNER"]}`, 200, "[GROUP_OWNER]", "SERVICE_ACCOUNT_ADDED_TO_GROUP", ""},
		{"invite again", "POST", "{prod}" + member + ":invite", `{"roles":["GROUP_OWNER"]}`, 200, "[GROUP_NETWORK_ACCESS_MANAGER GROUP_OWNER]", "SERVICE_ACCOUNT_ROLES_CHANGED", ""},
		{"invite in vain", "POST", "{prod}" + member + ":invite", `{"roles":["GROUP_NETWORK_ACCESS_MANAGER"]}`, 200, "[GROUP_NETWORK_ACCESS_MANAGER]", "", ""},
		{"remove", "DELETE", "{prod}" + member, ``, 204, "", "SERVICE_ACCOUNT_REMOVED_FROM_GROUP", ""},
		{"add a secret", "POST", "{prod}" + member + "/secrets", `{"secretExpiresAfterHours":8}`, 201, "<nil>", "SERVICE_ACCOUNT_SECRET_ADDED", "SERVICE_ACCOUNT_SECRET_ADDED"},
		{"add an address", "POST", "{prod}" + member + "/accessList", `[{"ipAddress":"192.0.2.1"}]`, 200, "<nil>", "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_ADDED", "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_ADDED"},
		{"add an address in the org", "POST", "{org}" + member + "/accessList", `[{"ipAddress":"192.0.2.1"}]`, 200, "<nil>", "", "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_ADDED"},

		{"elsewhere", "GET", "{dev}" + member, ``, 404, "SERVICE_ACCOUNT_NOT_FOUND", "", ""},
		{"invite nobody", "POST", "{dev}/serviceAccounts/mdb_sa_id_ffffffffffffffffffffffff:invite", `{"roles":["GROUP_OWNER"]}`, 404, "SERVICE_ACCOUNT_NOT_FOUND", "", ""},
		{"invite to nothing", "POST", "{dev}" + reader + ":invite", `{"roles":[]}`, 400, "VALIDATION_ERROR", "", ""},
		{"org role", "PATCH", "{prod}" + member, `{"roles":["ORG_OWNER"]}`, 400, "INVALID_ROLE_FOR_GROUP", "", ""},
		{"unknown role", "PATCH", "{org}" + member, `{"roles":["ORG_X"]}`, 400, "INVALID_ENUM_VALUE", "", ""},
		{"project role in the org", "PATCH", "{org}" + member, `{"roles":["GROUP_OWNER"]}`, 400, "INVALID_ROLE_FOR_ORG", "", ""},
		{"no role", "PATCH", "{org}" + member, `{"roles":[]}`, 400, "VALIDATION_ERROR", "", ""},
		{"odd name", "PATCH", "{org}" + member, `{"name":"a(b)"}`, 400, "VALIDATION_ERROR", "", ""},
		{"no name", "POST", "{org}/serviceAccounts", `{"description":"d","roles":["ORG_MEMBER"],"secretExpiresAfterHours":8}`, 400, "MISSING_ATTRIBUTE", "", ""},
		{"too short a life", "POST", "{org}" + member + "/secrets", `{"secretExpiresAfterHours":7}`, 400, "VALIDATION_ERROR", "", ""},
		{"too long a life", "POST", "{org}/serviceAccounts", strings.Replace(anAccount("ORG_MEMBER"), "24", "8761", 1), 400, "VALIDATION_ERROR", "", ""},
		{"no life", "POST", "{org}" + member + "/secrets", `{}`, 400, "MISSING_ATTRIBUTE", "", ""},
		{"unknown secret", "DELETE", "{org}" + member + "/secrets/ffffffffffffffffffffffff", ``, 404, "SERVICE_ACCOUNT_SECRET_NOT_FOUND", "", ""},
		{"unknown address", "DELETE", "{org}" + member + "/accessList/192.0.2.1", ``, 404, "API_KEY_WHITELIST_NOT_FOUND", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			scope, _, _ := strings.Cut(c.path, "/")
			a := w.do(c.method, w.path(c.path), c.body)
			if a.status != c.status {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if a.status >= 400 && (a.code() != c.roles || len(w.Effects()) != 0) {
				t.Errorf("got %s", a.raw)
			}
			if got := fmt.Sprint(a.body["roles"]); a.status/100 == 2 && a.status != 204 && got != c.roles {
				t.Errorf("roles %s", got)
			}
			if got := kinds(w.events("{org}")); got != c.org {
				t.Errorf("events of the organisation %q", got)
			}
			if scope != "{org}" {
				if got := kinds(w.events(scope)); got != c.project {
					t.Errorf("events of the project %q", got)
				}
			}
		})
	}
}

// Out of a project an account lives on: in the organisation, with its secrets.
func TestRemovedAccountLivesOn(t *testing.T) {
	w := start(t)
	path := w.path("{org}/serviceAccounts/" + memberID)
	groups := func() string {
		var out []string
		for _, r := range w.as(ownerID, "GET", path+"/groups", nil).results() {
			out = append(out, fmt.Sprint(r["groupId"] == w.ProjectID("prod"), r["roles"]))
		}
		return strings.Join(out, " ")
	}
	if got := groups(); got != "true [GROUP_NETWORK_ACCESS_MANAGER]" {
		t.Errorf("projects %q", got)
	}
	w.do("DELETE", w.path("{prod}/serviceAccounts/"+memberID), nil)
	if a := w.as(memberID, "GET", w.path("{org}"), nil); a.status != 200 || groups() != "" {
		t.Errorf("in the organisation: %d %s, in projects %q", a.status, a.raw, groups())
	}
	if a := w.as(memberID, "GET", w.path("{prod}"), nil); a.status != 401 || a.code() != "USER_CANNOT_ACCESS_GROUP" {
		t.Errorf("in the project: %d %s", a.status, a.raw)
	}
}

func TestSystemManagedAccounts(t *testing.T) {
	w := startWorld(t, `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {name: own, roles: [ORG_MEMBER, GROUP_OWNER@prod]}
      - {clientId: mdb_sa_id_0123456789abcdef01234567, name: mcp, systemManaged: true, roles: [ORG_MEMBER, GROUP_OWNER@prod]}
    projects: [{name: prod}]
`)
	for _, scope := range []string{"{org}", "{prod}"} {
		list := w.path(scope + "/serviceAccounts")
		for query, want := range map[string]int{"": 1, "?includeSystemManaged=false": 1, "?includeSystemManaged=true": 2} {
			if a := w.do("GET", list+query, nil); len(a.results()) != want {
				t.Errorf("%s%s: %s", scope, query, a.raw)
			}
		}
		if a := w.do("GET", list+"/"+ownerID, nil); a.status != 200 {
			t.Errorf("%s: %d %s", scope, a.status, a.raw)
		}
		for _, m := range []string{"PATCH", "DELETE"} {
			if a := w.do(m, list+"/"+ownerID, `{"name":"x"}`); a.status != 403 || a.code() != "ACCESS_FORBIDDEN" {
				t.Errorf("%s %s: %d %s", m, scope, a.status, a.raw)
			}
		}
	}
}

// The life of secrets: a second one cuts the first one's short, an expired one gets no
// token and stays listed, tokens outlive their secret, and Atlas says what expires.
func TestSecretsExpire(t *testing.T) {
	w := start(t)
	path := w.path("{org}/serviceAccounts/" + memberID)
	old := secrets[memberID]
	made := w.as(ownerID, "POST", path+"/secrets", `{"secretExpiresAfterHours":8760}`)
	value, _ := made.body["secret"].(string)
	if made.status != 201 || !w.secretWorks(memberID, old) || !w.secretWorks(memberID, value) {
		t.Fatalf("second secret: %d %s", made.status, made.raw)
	}
	list := func() string {
		var out []string
		for _, s := range rowsOf(w.do("GET", path, nil).body["secrets"]) {
			if _, has := s["secret"]; has {
				t.Errorf("a secret is shown again: %v", s)
			}
			out = append(out, s["expiresAt"].(string))
		}
		return strings.Join(out, " ")
	}
	if got := list(); got != "2026-08-10T10:00:00Z 2027-08-03T10:00:00Z" {
		t.Errorf("secrets %s", got)
	}
	if a := w.do("POST", path+"/secrets", `{"secretExpiresAfterHours":8}`); a.status != 400 || a.code() != "MAX_SERVICE_ACCOUNT_SECRETS_EXCEEDED" {
		t.Errorf("third secret: %d %s", a.status, a.raw)
	}
	w.Advance(7*24*time.Hour - time.Second)
	token := w.tokenOf(memberID, old)
	w.Advance(time.Second)
	if a := w.from("192.0.2.1", "GET", w.path("{prod}"), nil, token); a.status != 200 || w.secretWorks(memberID, old) {
		t.Errorf("after the secret expired its token gets %d %s", a.status, a.raw)
	}
	if got := list(); got != "2026-08-10T10:00:00Z 2027-08-03T10:00:00Z" {
		t.Errorf("with an expired secret: %s", got)
	}
	id := rowsOf(w.do("GET", path, nil).body["secrets"])[0]["id"].(string)
	if a := w.do("DELETE", path+"/secrets/"+id, nil); a.status != 204 || list() != "2027-08-03T10:00:00Z" {
		t.Errorf("deleted: %d, left %s", a.status, list())
	}
	w.Advance(358 * 24 * time.Hour)
	for scope, want := range map[string]string{
		"{org}":  "ORG_X_EXPIRED ORG_X_EXPIRED ORG_X_EXPIRED ORG_X_EXPIRING ORG_X_EXPIRING ORG_X_EXPIRING SERVICE_ACCOUNT_SECRET_DELETED ORG_X_EXPIRED SERVICE_ACCOUNT_SECRET_ADDED",
		"{prod}": "GROUP_X_EXPIRED GROUP_X_EXPIRING GROUP_X_EXPIRED", "{dev}": "",
	} {
		e := w.events(scope)
		if got := strings.ReplaceAll(kinds(e), "SERVICE_ACCOUNT_SECRETS", "X"); got != want {
			t.Errorf("events of %s: %s", scope, got)
		}
		if scope == "{prod}" && (fmt.Sprint(e[0]["created"], e[1]["created"], e[2]["created"]) != "2027-08-03T10:00:00Z2027-07-04T10:00:00Z2026-08-10T10:00:00Z" || e[0]["username"] != nil || e[0]["publicKey"] != nil) {
			t.Errorf("events of the project %v", e)
		}
	}
}

func TestDeletedSecret(t *testing.T) {
	w := start(t)
	path := w.path("{prod}/serviceAccounts/" + memberID)
	token := w.tokenOf(memberID, secrets[memberID])
	id := rowsOf(w.do("GET", path, nil).body["secrets"])[0]["id"].(string)
	if a := w.do("DELETE", path+"/secrets/"+id, nil); a.status != 204 || w.secretWorks(memberID, secrets[memberID]) {
		t.Errorf("deleted: %d %s", a.status, a.raw)
	}
	if a := w.from("192.0.2.1", "GET", w.path("{prod}"), nil, token); a.status != 200 {
		t.Errorf("its token: %d %s", a.status, a.raw)
	}
	if got := kinds(w.events("{prod}")); got != "SERVICE_ACCOUNT_SECRET_DELETED" {
		t.Errorf("events %s", got)
	}
}

// The list of an account is enforced when its token is used, not when it is issued.
func TestAccountAccessList(t *testing.T) {
	w := start(t)
	path := w.path("{org}/serviceAccounts/" + memberID + "/accessList")
	w.do("POST", path, anAddress)
	token := w.tokenOf(memberID, secrets[memberID])
	for from, want := range map[string]int{"192.0.2.10": 200, "198.51.100.200": 200, "203.0.113.1": 403, "::ffff:192.0.2.10": 200} {
		if a := w.from(bracketed(from), "GET", w.path("{prod}"), nil, token); a.status != want || want == 403 && a.code() != "IP_ADDRESS_NOT_ON_WHITELIST" {
			t.Errorf("from %s: %d %s", from, a.status, a.raw)
		}
	}
	r := w.do("GET", path, nil).results()
	if r[0]["requestCount"] != 1.0 || r[0]["lastUsedAt"] != "2026-08-03T10:00:00Z" || r[1]["lastUsedAddress"] != "198.51.100.200" || r[1]["ipAddress"] != nil {
		t.Errorf("entries %v", r)
	}
	if a := w.do("DELETE", path+"/"+url.PathEscape("192.0.2.10/32"), nil); a.status != 204 || len(w.do("GET", path, nil).results()) != 1 {
		t.Errorf("deleted: %d %s", a.status, a.raw)
	}
	if got := strings.Count(kinds(w.events("{org}")), "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_"); got != 3 {
		t.Errorf("%d events", got)
	}
}

func bracketed(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

func TestMachinesRoundTrip(t *testing.T) {
	w := start(t)
	w.do("POST", w.path("{org}/serviceAccounts"), anAccount("ORG_MEMBER"))
	w.do("POST", w.path("{prod}/serviceAccounts/"+memberID+"/secrets"), `{"secretExpiresAfterHours":8}`)
	w.do("POST", w.path("{org}/serviceAccounts/"+memberID+"/accessList"), anAddress)
	w.do("POST", w.path("{org}/apiKeys/{key}/accessList"), anAddress)
	w.do("POST", w.path("{dev}/apiKeys"), `{"desc":"ci","roles":["GROUP_OWNER"]}`)
	w.by("abcdefgh", keySecret, "192.0.2.10", "GET", w.path("{prod}"), nil)
	w.tokenOf(memberID, secrets[memberID])
	spent := rowsOf(w.do("GET", w.path("{org}/serviceAccounts/"+readerID), nil).body["secrets"])[0]["id"].(string)
	w.do("DELETE", w.path("{org}/serviceAccounts/"+readerID+"/secrets/"+spent), nil)
	first := w.Snapshot()
	src, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	other := startWorld(t, string(src))
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		t.Error(d)
	}
	a := other.do("POST", other.path("{dev}/apiKeys"), `{"desc":"more","roles":["GROUP_OWNER"]}`)
	if a.status != 200 || len(other.do("GET", other.path("{org}/apiKeys"), nil).results()) != 3 {
		t.Errorf("one more key: %d %s", a.status, a.raw)
	}
}

func TestMachinesOfAWorld(t *testing.T) {
	w := startWorld(t, `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - clientId: mdb_sa_id_0123456789abcdef01234567
        description: nightly
        createdAt: 2026-01-01T00:00:00Z
        secret: fake-current-secret
        secrets:
          - {id: aaaaaaaaaaaaaaaaaaaaaaaa, secret: fake-expired-secret, createdAt: 2026-01-01T00:00:00Z, expiresAt: 2026-02-01T00:00:00Z, lastUsedAt: 2026-01-31T00:00:00Z}
        accessList: [{ipAddress: 192.0.2.1, createdAt: 2026-01-01T00:00:00Z, requestCount: 7, lastUsedAt: 2026-08-01T00:00:00Z, lastUsedAddress: 192.0.2.1}]
`)
	if !w.secretWorks(ownerID, "fake-current-secret") || w.secretWorks(ownerID, "fake-expired-secret") {
		t.Error("the wrong secret works")
	}
	a := w.do("GET", w.path("{org}/serviceAccounts/"+ownerID), nil)
	s := rowsOf(a.body["secrets"])
	if len(s) != 2 || s[1]["id"] != "aaaaaaaaaaaaaaaaaaaaaaaa" || s[1]["lastUsedAt"] != "2026-01-31T00:00:00Z" || a.body["createdAt"] != "2026-01-01T00:00:00Z" || a.body["description"] != "nightly" {
		t.Errorf("account %s", a.raw)
	}
	if r := w.do("GET", w.path("{org}/serviceAccounts/"+ownerID+"/accessList"), nil).results(); r[0]["requestCount"] != 7.0 || r[0]["lastUsedAt"] != "2026-08-01T00:00:00Z" {
		t.Errorf("entries %v", r)
	}
	if got := w.events("{org}"); len(got) != 0 {
		t.Errorf("events %v", got)
	}
	for src, want := range map[string]string{
		`orgs: [{name: a, apiKeys: [{accessList: [{ipAddress: x}]}]}]`:                                        "w:1: orgs[0].apiKeys[0].accessList[0]: The address x must be",
		`orgs: [{name: a, serviceAccounts: [{accessList: [{ipAddress: 1.2.3.4}, {cidrBlock: 1.2.3.4/32}]}]}]`: "appears twice",
		`orgs: [{name: a, serviceAccounts: [{secrets: [{id: x}]}]}]`:                                          "24 lower-case",
		`orgs: [{name: a, serviceAccounts: [{secrets: [{value: x}]}]}]`:                                       "value",
		`orgs: [{name: a, apiKeys: [{accessList: [{ipAddress: 1.2.3.4, createdAt: 2026-01-01T00:00:00Z}]}]}]`: "createdAt",
	} {
		if _, err := ParseWorld("w", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", src, err)
		}
	}
}
