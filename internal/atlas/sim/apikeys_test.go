package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	aKey      = `{"desc":"ci","roles":["ORG_READ_ONLY"]}`
	anAddress = `[{"ipAddress":"192.0.2.10"},{"cidrBlock":"198.51.100.0/24"}]`
)

// by sends one request signed with a key, from an address.
func (w *world) by(public, private, from, method, path string, body any) answerOf {
	w.t.Helper()
	challenge := w.send(w.request("GET", "/orgs", nil)).header.Get("WWW-Authenticate")
	return w.from(from, method, path, body, digestHeader(challenge, public, private, method, apiPrefix+path, "auth"))
}

// from sends one request from an address.
func (w *world) from(address, method, path string, body any, authorization string) answerOf {
	w.t.Helper()
	req := w.request(method, path, body, "Authorization", authorization)
	in := httptest.NewRequest(method, req.URL.String(), req.Body)
	in.Header, in.RemoteAddr, in.RequestURI = req.Header, address+":4711", req.URL.RequestURI()
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, in)
	a := answerOf{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	json.Unmarshal(rec.Body.Bytes(), &a.body)
	return a
}

// grantsOf writes an answer's roles as a world does.
func (w *world) grantsOf(a map[string]any) string {
	names := map[string]string{}
	for _, p := range []string{"prod", "dev"} {
		names[w.ProjectID(p)] = "@" + p
	}
	var out []string
	for _, r := range rowsOf(a["roles"]) {
		id, _ := r["groupId"].(string)
		out = append(out, r["roleName"].(string)+names[id])
	}
	return strings.Join(out, " ")
}

func TestOrgKeyLifeCycle(t *testing.T) {
	w := start(t)
	made := w.as(ownerID, "POST", w.path("{org}/apiKeys"), aKey)
	public, _ := made.body["publicKey"].(string)
	private, _ := made.body["privateKey"].(string)
	if made.status != 200 || len(public) != 8 || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(private) {
		t.Fatalf("created: %d %s", made.status, made.raw)
	}
	path := w.path("{org}/apiKeys/") + made.body["id"].(string)
	got := w.as(ownerID, "GET", path, nil)
	if want := "********-****-****-" + private[24:]; got.body["privateKey"] != want || got.body["desc"] != "ci" || w.grantsOf(got.body) != "ORG_READ_ONLY" {
		t.Errorf("read back: %s", got.raw)
	}
	if n := len(w.as(ownerID, "GET", w.path("{org}/apiKeys"), nil).results()); n != 2 {
		t.Errorf("%d keys are listed", n)
	}
	if a := w.by(public, private, "192.0.2.1", "GET", w.path("{org}"), nil); a.status != 200 {
		t.Errorf("the new key: %d %s", a.status, a.raw)
	}
	first := w.as(ownerID, "PATCH", path, `{"desc":"build","roles":["ORG_MEMBER","ORG_GROUP_CREATOR"]}`)
	if first.status != 200 || first.body["desc"] != "build" || w.grantsOf(first.body) != "ORG_GROUP_CREATOR ORG_MEMBER" {
		t.Errorf("changed: %d %s", first.status, first.raw)
	}
	effects := len(w.Effects())
	if again := w.as(ownerID, "PATCH", path, `{"roles":["ORG_GROUP_CREATOR","ORG_MEMBER"],"desc":"build"}`); again.raw != first.raw || len(w.Effects()) != effects {
		t.Errorf("the same change again: %s", again.raw)
	}
	if a := w.as(ownerID, "DELETE", path, nil); a.status != 204 {
		t.Errorf("deleted: %d %s", a.status, a.raw)
	}
	if a := w.by(public, private, "192.0.2.1", "GET", w.path("{org}"), nil); a.status != 401 || a.code() != "UNEXPECTED_ERROR" {
		t.Errorf("a deleted key: %d %s", a.status, a.raw)
	}
	if a := w.as(ownerID, "GET", path, nil); a.status != 400 || a.code() != "API_KEY_NOT_FOUND" {
		t.Errorf("read when gone: %d %s", a.status, a.raw)
	}
	e := w.events("{org}")
	if kinds(e) != "API_KEY_DELETED API_KEY_ROLES_CHANGED API_KEY_DESCRIPTION_CHANGED API_KEY_CREATED" {
		t.Errorf("events %s", kinds(e))
	}
	for _, x := range e {
		if x["targetPublicKey"] != public || x["publicKey"] != ownerID || x["orgId"] != w.OrgID("ExampleCorp") || x["groupId"] != nil {
			t.Errorf("event %v", x)
		}
	}
	for _, x := range w.Effects() {
		if strings.Contains(x.Before+x.After, private) {
			t.Errorf("the private key is in effect %v", x)
		}
	}
}

// A key in a project: what each step answers, and the events it writes into the
// project's feed and the organisation's.
func TestProjectKeys(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		grants, project, org     string
	}{
		{"create", "POST", "{dev}/apiKeys", `{"desc":"ci","roles":["GROUP_READ_ONLY"]}`, 200, "ORG_MEMBER GROUP_READ_ONLY@dev", "API_KEY_ADDED_TO_GROUP", "API_KEY_CREATED"},
		{"replace", "PATCH", "{prod}/apiKeys/{key}", `{"roles":["GROUP_READ_ONLY"]}`, 200, "ORG_MEMBER GROUP_READ_ONLY@prod", "API_KEY_ROLES_CHANGED", ""},
		{"same", "PATCH", "{prod}/apiKeys/{key}", `{"roles":["GROUP_OWNER","GROUP_OWNER"],"desc":"legacy"}`, 200, "ORG_MEMBER GROUP_OWNER@prod", "", ""},
		{"describe", "PATCH", "{prod}/apiKeys/{key}", `{"desc":"new"}`, 200, "ORG_MEMBER GROUP_OWNER@prod", "", "API_KEY_DESCRIPTION_CHANGED"},
		{"assign", "PATCH", "{dev}/apiKeys/{key}", `{"roles":["GROUP_OWNER"]}`, 200, "ORG_MEMBER GROUP_OWNER@prod GROUP_OWNER@dev", "API_KEY_ADDED_TO_GROUP", ""},
		{"describe only", "PATCH", "{dev}/apiKeys/{key}", `{"desc":"new"}`, 400, "MISSING_API_KEY_ROLES", "", ""},
		{"add", "POST", "{dev}/apiKeys/{key}", `[{"roles":["GROUP_OWNER"]},{"roles":["GROUP_READ_ONLY"]}]`, 204, "", "API_KEY_ADDED_TO_GROUP", ""},
		{"add more", "POST", "{prod}/apiKeys/{key}", `[{"roles":["GROUP_READ_ONLY"]}]`, 204, "", "API_KEY_ROLES_CHANGED", ""},
		{"add nothing", "POST", "{prod}/apiKeys/{key}", `[]`, 400, "MISSING_API_KEY_ROLES", "", ""},
		{"add nonsense", "POST", "{prod}/apiKeys/{key}", `[{"roles":["GROUP_X"]}]`, 400, "INVALID_ENUM_VALUE", "", ""},
		{"remove", "DELETE", "{prod}/apiKeys/{key}", ``, 204, "", "API_KEY_REMOVED_FROM_GROUP", ""},
		{"remove elsewhere", "DELETE", "{dev}/apiKeys/{key}", ``, 400, "API_KEY_NOT_FOUND", "", ""},
		{"org role", "PATCH", "{prod}/apiKeys/{key}", `{"roles":["ORG_OWNER"]}`, 400, "INVALID_ROLE_FOR_GROUP", "", ""},
		{"no role", "PATCH", "{prod}/apiKeys/{key}", `{"roles":[]}`, 400, "MISSING_API_KEY_ROLES", "", ""},
		{"unknown key", "PATCH", "{prod}/apiKeys/ffffffffffffffffffffffff", `{"roles":["GROUP_OWNER"]}`, 400, "API_KEY_NOT_FOUND", "", ""},
		{"group role in org", "POST", "{org}/apiKeys", `{"desc":"x","roles":["GROUP_OWNER"]}`, 400, "INVALID_ROLE_FOR_ORG", "", ""},
		{"unknown role in org", "PATCH", "{org}/apiKeys/{key}", `{"roles":["ORG_X"]}`, 400, "INVALID_ENUM_VALUE", "", ""},
		{"no roles in org", "POST", "{org}/apiKeys", `{"desc":"x"}`, 400, "MISSING_API_KEY_ROLES", "", ""},
		{"no description", "POST", "{org}/apiKeys", `{"roles":["ORG_MEMBER"]}`, 400, "API_KEY_REQUIRES_DESCRIPTION", "", ""},
		{"empty description", "POST", "{dev}/apiKeys", `{"desc":"","roles":["GROUP_OWNER"]}`, 400, "API_KEY_REQUIRES_DESCRIPTION", "", ""},
		{"long description", "POST", "{org}/apiKeys", `{"desc":"` + strings.Repeat("é", 251) + `","roles":["ORG_MEMBER"]}`, 400, "INVALID_API_KEY_DESC", "", ""},
		{"unknown attribute", "POST", "{org}/apiKeys", `{"desc":"x","role":"ORG_MEMBER"}`, 400, "INVALID_ATTRIBUTE", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			scope, _, _ := strings.Cut(c.path, "/")
			a := w.do(c.method, w.path(c.path), c.body)
			if a.status != c.status {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if got := a.code(); a.status == 400 && (got != c.grants || len(w.Effects()) != 0) {
				t.Errorf("got %s", a.raw)
			}
			if got := w.grantsOf(a.body); a.status == 200 && got != c.grants {
				t.Errorf("roles %q", got)
			}
			if got := kinds(w.events(w.path("{org}"))); got != c.org {
				t.Errorf("events of the organisation %q", got)
			}
			if scope == "{org}" {
				return
			}
			e := w.events(scope)
			if kinds(e) != c.project {
				t.Errorf("events of the project %q", kinds(e))
			}
			for _, x := range e {
				if x["targetPublicKey"] == nil || x["username"] != "alice@example.com" || x["groupId"] != w.ProjectID(strings.Trim(scope, "{}")) || x["orgId"] != nil {
					t.Errorf("event %v", x)
				}
			}
		})
	}
}

func TestKeysOfAProject(t *testing.T) {
	w := startWorld(t, `
orgs:
  - name: ExampleCorp
    apiKeys:
      - {publicKey: abcdefgh, desc: everywhere, roles: ["GROUP_READ_ONLY@*", GROUP_OWNER@dev]}
      - {publicKey: bbbbbbbb, desc: owner, roles: [ORG_OWNER]}
    projects: [{name: prod}, {name: dev}]
`)
	rows := w.do("GET", w.path("{prod}/apiKeys"), nil).results()
	if len(rows) != 1 || w.grantsOf(rows[0]) != "GROUP_READ_ONLY@prod GROUP_READ_ONLY@dev GROUP_OWNER@dev" {
		t.Errorf("keys of prod %v", rows)
	}
	w.do("DELETE", w.path("{prod}/apiKeys/{key}"), nil)
	if got := w.grantsOf(w.do("GET", w.path("{org}/apiKeys/{key}"), nil).body); got != "GROUP_READ_ONLY@dev GROUP_OWNER@dev" {
		t.Errorf("out of prod: %q", got)
	}
	w.do("DELETE", w.path("{dev}"), nil)
	if got := w.grantsOf(w.do("GET", w.path("{org}/apiKeys/{key}"), nil).body); got != "" {
		t.Errorf("after dev is gone: %q", got)
	}
}

func TestKeyLimit(t *testing.T) {
	w := startWorld(t, `orgs: [{name: ExampleCorp, limits: {org.apiKeys: 2, org.serviceAccounts: 1}, apiKeys: [{roles: [ORG_OWNER]}], serviceAccounts: [{name: mcp, systemManaged: true}]}]`)
	for i, want := range []string{"200 ", "400 MAX_API_KEYS_EXCEEDED"} {
		if a := w.do("POST", w.path("{org}/apiKeys"), aKey); fmt.Sprint(a.status, " ", a.code()) != want {
			t.Errorf("key %d: %d %s", i, a.status, a.raw)
		}
	}
	for i, want := range []string{"201 ", "400 MAX_SERVICE_ACCOUNTS_EXCEEDED"} {
		if a := w.do("POST", w.path("{org}/serviceAccounts"), anAccount("ORG_MEMBER")); fmt.Sprint(a.status, " ", a.code()) != want {
			t.Errorf("account %d: %d %s", i, a.status, a.raw)
		}
	}
}

func TestKeyAccessListEntries(t *testing.T) {
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "", `[]`, "400 MISSING_ONE_OF_ATTRIBUTES"},
		{"POST", "", `[{}]`, "400 MISSING_ONE_OF_ATTRIBUTES"},
		{"POST", "", `[{"ipAddress":"1.2.3.4","cidrBlock":"1.2.3.4/32"}]`, "400 BAD_WHITELIST_ADD_REQUEST"},
		{"POST", "", `[{"ipAddress":"1.2.3.0/24"}]`, "400 INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"POST", "", `[{"cidrBlock":"1.2.3.0/33"}]`, "400 INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"POST", "", `[{"ipAddress":"0.0.0.0"}]`, "400 CANNOT_ADD_IP_ADDRESS_TO_API_KEY_WHITELIST"},
		{"POST", "", `[{"ipAddress":"1.2.3.4"},{"cidrBlock":"1.2.3.4/32"}]`, "400 DUPLICATE_ADDRESSES_IN_INPUT"},
		{"POST", "", `[{"cidrBlock":"192.0.2.9/32"}]`, "409 ADDRESS_ALREADY_IN_WHITELIST"},
		{"POST", "", `[{"ipAddress":"1.2.3.4","comment":"x"}]`, "400 INVALID_ATTRIBUTE"},
		{"POST", "", `[` + strings.Repeat(`{"ipAddress":"1.2.3.4"},`, 200) + `{}]`, "400 MAX_API_ACCESS_LIST_ENTRIES_EXCEEDED"},
		{"GET", "/192.0.2.9", "", "200 "},
		{"GET", "/192.0.2.9%2F32", "", "200 "},
		{"GET", "/192.0.2.8", "", "404 API_KEY_WHITELIST_NOT_FOUND"},
		{"GET", "/nonsense", "", "400 INVALID_IP_ADDRESS_OR_CIDR_NOTATION"},
		{"DELETE", "/192.0.2.8", "", "404 API_KEY_WHITELIST_NOT_FOUND"},
		{"DELETE", "/192.0.2.9%2F32", "", "204 "},
		{"DELETE", "/192.0.2.9", "", "204 "},
	} {
		w := start(t)
		w.do("POST", w.path("{org}/apiKeys/{key}/accessList"), `[{"ipAddress":"192.0.2.9"}]`)
		a := w.do(c.method, w.path("{org}/apiKeys/{key}/accessList")+c.path, c.body)
		if got := fmt.Sprint(a.status, " ", a.code()); got != c.want {
			t.Errorf("%s %s %.60s: %s, want %s", c.method, c.path, c.body, a.raw, c.want)
		}
		entries := len(w.do("GET", w.path("{org}/apiKeys/{key}/accessList"), nil).results())
		if want := map[bool]int{true: 0, false: 1}[a.status == 204]; entries != want || len(w.Effects()) != 2-entries {
			t.Errorf("%s %s %.60s: %d entries, effects %v", c.method, c.path, c.body, entries, w.Effects())
		}
	}
}

// A list is enforced when the key is used, and counts its use.
func TestKeyAccessList(t *testing.T) {
	w := start(t)
	list := w.path("{org}/apiKeys/{key}/accessList")
	use := func(from, method, path string, body any) answerOf {
		return w.by("abcdefgh", keySecret, from, method, w.path(path), body)
	}
	if a := use("192.0.2.77", "POST", "{org}/apiKeys/{key}/accessList", anAddress); a.status != 200 || len(a.results()) != 2 {
		t.Fatalf("a key adds to its own list: %d %s", a.status, a.raw)
	}
	if a := use("192.0.2.77", "GET", "{prod}", nil); a.status != 403 || a.code() != "IP_ADDRESS_NOT_ON_WHITELIST" || fmt.Sprint(a.body["parameters"]) != "[192.0.2.77]" {
		t.Errorf("from elsewhere: %d %s", a.status, a.raw)
	}
	if n := len(w.Requests()); n != 2 {
		t.Errorf("%d requests are logged", n)
	}
	for range 2 {
		if a := use("198.51.100.4", "GET", "{prod}", nil); a.status != 200 {
			t.Errorf("from the block: %d %s", a.status, a.raw)
		}
	}
	w.Advance(time.Minute)
	got := use("192.0.2.10", "GET", "", nil)
	key, _ := got.body["apiKey"].(map[string]any)
	want := []map[string]any{{"ipAddress": "192.0.2.10", "cidrBlock": "192.0.2.10/32"}, {"ipAddress": "198.51.100.0", "cidrBlock": "198.51.100.0/24"}}
	if d := cmp.Diff(want, rowsOf(key["accessList"])); d != "" {
		t.Errorf("the root: %s", d)
	}
	rows := w.do("GET", list, nil).results()
	for i, want := range []string{
		"192.0.2.10/32 192.0.2.10 1 2026-08-03T10:00:00Z 2026-08-03T10:01:00Z 192.0.2.10", "198.51.100.0/24 <nil> 2 2026-08-03T10:00:00Z 2026-08-03T10:00:00Z 198.51.100.4",
	} {
		r := rows[i]
		if got := fmt.Sprint(r["cidrBlock"], " ", r["ipAddress"], " ", r["count"], " ", r["created"], " ", r["lastUsed"], " ", r["lastUsedAddress"]); got != want {
			t.Errorf("entry %q, want %q", got, want)
		}
	}
	if a := use("198.51.100.4", "DELETE", "{org}/apiKeys/{key}/accessList/198.51.100.0%2F24", nil); a.status != 400 || a.code() != "CANNOT_REMOVE_CALLER_FROM_WHITELIST" {
		t.Errorf("the caller's own entry: %d %s", a.status, a.raw)
	}
	if a := use("192.0.2.10", "DELETE", "{org}/apiKeys/{key}/accessList/198.51.100.0%2F24", nil); a.status != 204 {
		t.Errorf("another entry: %d %s", a.status, a.raw)
	}
	e := w.events("{org}")
	if kinds(e) != "API_KEY_ACCESS_LIST_ENTRY_DELETED API_KEY_ACCESS_LIST_ENTRY_ADDED API_KEY_ACCESS_LIST_ENTRY_ADDED" ||
		fmt.Sprint(e[0]["whitelistEntry"], e[1]["whitelistEntry"], e[2]["whitelistEntry"]) != "198.51.100.0/24198.51.100.0/24192.0.2.10" ||
		e[0]["targetPublicKey"] != "abcdefgh" || e[0]["publicKey"] != "abcdefgh" || e[0]["remoteAddress"] != "192.0.2.10" {
		t.Errorf("events %v", e)
	}
}

// Who may do what: the role of the document, and lists of keys only by the key itself
// and owners.
func TestMachineRoles(t *testing.T) {
	w := start(t)
	account := "/serviceAccounts/" + memberID
	for _, c := range []struct {
		id, method, path, body string
		status                 int
		code                   string
	}{
		{memberID, "GET", "{org}/apiKeys", "", 200, ""},
		{memberID, "GET", "{org}/apiKeys/{key}/accessList", "", 200, ""},
		{memberID, "POST", "{org}/apiKeys", aKey, 401, "USER_UNAUTHORIZED"},
		{memberID, "POST", "{org}/apiKeys/{key}/accessList", anAddress, 401, "API_KEY_WHITELIST_ACCESS_DENIED"},
		{memberID, "DELETE", "{org}/apiKeys/{key}/accessList/192.0.2.10", "", 401, "API_KEY_WHITELIST_ACCESS_DENIED"},
		{memberID, "PATCH", "{prod}/apiKeys/{key}", `{"roles":["GROUP_OWNER"]}`, 401, "USER_UNAUTHORIZED"},
		{memberID, "GET", "{prod}/apiKeys", "", 200, ""},
		{memberID, "GET", "{dev}/apiKeys", "", 401, "USER_CANNOT_ACCESS_GROUP"},
		{memberID, "GET", "{org}/serviceAccounts", "", 401, "USER_UNAUTHORIZED"},
		{readerID, "GET", "{org}/serviceAccounts", "", 200, ""},
		{readerID, "GET", "{org}" + account, "", 200, ""},
		{readerID, "POST", "{org}/serviceAccounts", anAccount("ORG_MEMBER"), 401, "USER_UNAUTHORIZED"},
		{readerID, "DELETE", "{org}" + account, "", 401, "USER_UNAUTHORIZED"},
		{readerID, "POST", "{org}" + account + "/secrets", `{"secretExpiresAfterHours":8}`, 401, "USER_UNAUTHORIZED"},
		{readerID, "POST", "{prod}" + account + ":invite", `{"roles":["GROUP_OWNER"]}`, 401, "USER_UNAUTHORIZED"},
		{ownerID, "GET", "{foreign}/apiKeys", "", 401, "USER_CANNOT_ACCESS_GROUP"},
		{ownerID, "GET", "/orgs/" + w.OrgID("OtherCorp") + "/serviceAccounts", "", 401, "USER_CANNOT_ACCESS_ORG"},
		{ownerID, "GET", "/orgs/ffffffffffffffffffffffff/apiKeys", "", 404, "ORG_NOT_FOUND"},
		{ownerID, "GET", "/groups/ffffffffffffffffffffffff/serviceAccounts", "", 404, "GROUP_NOT_FOUND"},
	} {
		if a := w.as(c.id, c.method, w.path(c.path), c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, a.status, a.raw, c.status, c.code)
		}
	}
	if n := len(w.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
	key := func(method, path string) answerOf {
		return w.by("abcdefgh", keySecret, "192.0.2.1", method, w.path(path), nil)
	}
	if a := key("GET", "{prod}/serviceAccounts"); a.status != http.StatusOK {
		t.Errorf("an owner of the project: %d %s", a.status, a.raw)
	}
	if a := key("DELETE", "{prod}"+account); a.status != http.StatusNoContent {
		t.Errorf("an owner of the project removes: %d %s", a.status, a.raw)
	}
}
