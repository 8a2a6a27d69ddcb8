package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusals runs requests of the owner that must be refused and leave nothing behind.
func (w *world) refusals(cases []refusal) {
	w.t.Helper()
	effects := len(w.Effects())
	for _, c := range cases {
		if a := w.as(ownerID, c.method, w.path(c.path), c.body); a.status != c.status || a.code() != c.code {
			w.t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, a.status, a.raw, c.status, c.code)
		}
	}
	if n := len(w.Effects()); n != effects {
		w.t.Errorf("refused requests had %d effects", n-effects)
	}
}

type refusal struct {
	method, path, body string
	status             int
	code               string
}

func TestRenameOrg(t *testing.T) {
	w := start(t)
	path := w.path("{org}")
	for range 2 { // the second changes nothing
		if a := w.as(ownerID, "PATCH", path, `{"name":"Example Corp"}`); a.status != 200 || a.body["name"] != "Example Corp" {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "PATCH", path, `{"skipDefaultAlertsSettings":true}`); a.body["skipDefaultAlertsSettings"] != true {
		t.Errorf("got %s", a.raw)
	}
	if a := w.as(ownerID, "PATCH", path, `{"name":"#"}`); a.status != 400 || a.code() != "VALIDATION_ERROR" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	if a := w.as(readerID, "PATCH", path, `{"name":"x"}`); a.status != 401 || a.code() != "USER_UNAUTHORIZED" {
		t.Errorf("a reader: %d %s", a.status, a.raw)
	}
	list := rowsOf(w.as(ownerID, "GET", path+"/events", nil).body["results"])
	if kinds(list) != "ORG_RENAMED" || list[0]["publicKey"] != ownerID || list[0]["groupId"] != nil {
		t.Errorf("events %v", list)
	}
	if n := len(w.Effects()); n != 2 {
		t.Errorf("%d effects", n)
	}
}

func TestDeleteOrg(t *testing.T) {
	w := start(t)
	w.refusals([]refusal{{"DELETE", "{org}", "", 409, "CANNOT_DELETE_ORG_ACTIVE_GROUPS"}})
	token := "Bearer " + w.token(ownerID)
	org := w.path("{org}")
	for _, p := range []string{"{prod}/clusters/main", "{prod}/clusters/free", "{prod}", "{dev}"} {
		w.do("DELETE", w.path(p), nil)
	}
	w.Advance(1 << 42) // over an hour: deleting a cluster takes time
	w.mu.Lock()
	w.orgs[0].projects = nil // flex clusters have no delete here
	w.mu.Unlock()
	if a := w.do("DELETE", org, nil); a.status != 204 {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if a := w.do("GET", org, nil); a.status != 404 || a.code() != "ORG_NOT_FOUND" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	if a := w.send(w.request("GET", "/orgs", nil, "Authorization", token)); a.status != 401 {
		t.Errorf("a credential of the organisation: %d %s", a.status, a.raw)
	}
}

func TestOrgSettings(t *testing.T) {
	for _, c := range []struct{ name, body, want, events string }{
		{"flags", `{"multiFactorAuthRequired":true,"restrictEmployeeAccess":true}`, "multiFactorAuthRequired:true, restrictEmployeeAccess:true",
			"ORG_EMPLOYEE_ACCESS_RESTRICTED ORG_TWO_FACTOR_AUTH_REQUIRED"},
		{"flag off", `{"genAIFeaturesEnabled":false,"streamsCrossGroupEnabled":true}`, "genAIFeaturesEnabled:false, streamsCrossGroupEnabled:true", ""},
		{"contacts", `{"securityContact":"sec@example.com","operationsContact":"ops@example.com"}`,
			"securityContact:sec@example.com, operationsContact:ops@example.com", "OPERATIONS_CONTACT_MODIFIED SECURITY_CONTACT_MODIFIED"},
		{"secrets", `{"maxServiceAccountSecretValidityInHours":8}`, "maxServiceAccountSecretValidityInHours:8", "ORG_SERVICE_ACCOUNT_MAX_SECRET_VALIDITY_EDITED"},
		{"timeouts", `{"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":3600,"idleSessionTimeoutInSeconds":300}}`,
			"customSessionTimeouts:map[absoluteSessionTimeoutInSeconds:3600 idleSessionTimeoutInSeconds:300]", "CUSTOM_SESSION_TIMEOUT_MODIFIED"},
		{"default timeout", `{"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":null}}`, "customSessionTimeouts:map[absoluteSessionTimeoutInSeconds:43200]", ""},
		{"nothing", `{}`, "multiFactorAuthRequired:false, maxServiceAccountSecretValidityInHours:8760, genAIFeaturesEnabled:true, securityContact:, operationsContact:<nil>", ""},
		{"null of a flag", `{"multiFactorAuthRequired":null}`, "multiFactorAuthRequired:false", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			path := w.path("{org}/settings")
			for range 2 { // the second changes nothing
				if a := w.as(ownerID, "PATCH", path, c.body); a.status != 200 {
					t.Fatalf("got %d %s", a.status, a.raw)
				}
			}
			got := w.as(readerID, "GET", path, nil).body
			for field := range strings.SplitSeq(c.want, ", ") {
				name, want, _ := strings.Cut(field, ":")
				if _, has := got[name]; !has || fmt.Sprint(got[name]) != want {
					t.Errorf("%s is %v, want %s", name, got[name], want)
				}
			}
			events := w.events("{org}")
			if kinds(events) != c.events {
				t.Errorf("events %s", kinds(events))
			}
			for _, e := range events {
				if e["orgId"] != w.OrgID("ExampleCorp") || e["publicKey"] != ownerID {
					t.Errorf("event %v", e)
				}
			}
		})
	}
}

// A change of one setting leaves the others as they are, also inside of the timeouts.
func TestOrgSettingsMerge(t *testing.T) {
	w := startWorld(t, governed)
	path := w.path("{org}/settings")
	before := w.as(readerID, "GET", path, nil).body
	for _, c := range []struct {
		body, field string
		want        any
	}{
		{`{"restrictEmployeeAccess":true}`, "restrictEmployeeAccess", true},
		{`{"securityContact":"other@example.com"}`, "securityContact", "other@example.com"},
		{`{"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":7200}}`, "customSessionTimeouts", map[string]any{"absoluteSessionTimeoutInSeconds": 7200.0, "idleSessionTimeoutInSeconds": 900.0}},
		{`{"multiFactorAuthRequired":false}`, "multiFactorAuthRequired", false},
	} {
		before[c.field] = c.want
		a := w.as(ownerID, "PATCH", path, c.body)
		if d := cmp.Diff(before, a.body); d != "" || a.status != 200 {
			t.Errorf("%s: %d %s", c.body, a.status, d)
		}
	}
	if d := cmp.Diff(before, w.as(readerID, "GET", path, nil).body); d != "" {
		t.Error(d)
	}
}

// Once access lists are required, who has none is refused, whoever turned it on.
func TestOrgRequiresAccessLists(t *testing.T) {
	w := start(t)
	path := w.path("{org}/settings")
	if a := w.as(ownerID, "PATCH", path, `{"apiAccessListRequired":true}`); a.status != 200 || a.body["apiAccessListRequired"] != true {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if got := kinds(w.events("{org}")); got != "ORG_PUBLIC_API_ACCESS_LIST_REQUIRED" {
		t.Errorf("events %s", got)
	}
	if a := w.as(ownerID, "GET", path, nil); a.status != 403 || a.code() != "ORG_REQUIRES_WHITELIST" {
		t.Errorf("without a list: %d %s", a.status, a.raw)
	}
	w.do("POST", w.path("{org}/serviceAccounts/"+ownerID+"/accessList"), `[{"cidrBlock":"0.0.0.0/1"},{"cidrBlock":"128.0.0.0/1"}]`)
	if a := w.as(ownerID, "GET", path, nil); a.status != 200 {
		t.Errorf("with a list: %d %s", a.status, a.raw)
	}
	w.do("PATCH", path, `{"apiAccessListRequired":false}`)
	if a := w.as(readerID, "GET", path, nil); a.status != 200 {
		t.Errorf("not required any more: %d %s", a.status, a.raw)
	}
}

func TestOrgSettingsClear(t *testing.T) {
	w := start(t)
	path := w.path("{org}/settings")
	w.as(ownerID, "PATCH", path, `{"securityContact":"sec@example.com","operationsContact":"ops@example.com","multiFactorAuthRequired":true,"customSessionTimeouts":{"idleSessionTimeoutInSeconds":900}}`)
	a := w.as(ownerID, "PATCH", path, `{"securityContact":"","operationsContact":null,"multiFactorAuthRequired":false,"customSessionTimeouts":null}`)
	if a.body["securityContact"] != "" || a.body["operationsContact"] != nil || fmt.Sprint(a.body["customSessionTimeouts"]) != "map[absoluteSessionTimeoutInSeconds:43200]" {
		t.Errorf("got %s", a.raw)
	}
	const each = "CUSTOM_SESSION_TIMEOUT_MODIFIED OPERATIONS_CONTACT_MODIFIED SECURITY_CONTACT_MODIFIED "
	if got := kinds(w.events("{org}")); got != each+"ORG_TWO_FACTOR_AUTH_OPTIONAL "+each+"ORG_TWO_FACTOR_AUTH_REQUIRED" {
		t.Errorf("events %s", got)
	}
}

func TestOrgSettingsRefused(t *testing.T) {
	w := start(t)
	w.SetRateLimit("orgSettings_organization", 100, 100)
	patch := func(body, code string) refusal { return refusal{"PATCH", "{org}/settings", body, 400, code} }
	w.refusals([]refusal{
		patch(`{"operationsContact":""}`, "VALIDATION_ERROR"),
		patch(`{"operationsContact":7}`, "INVALID_JSON_ATTRIBUTE"),
		patch(`{"securityContact":"nobody"}`, "VALIDATION_ERROR"),
		patch(`{"maxServiceAccountSecretValidityInHours":7}`, "VALIDATION_ERROR"),
		patch(`{"maxServiceAccountSecretValidityInHours":8761}`, "VALIDATION_ERROR"),
		patch(`{"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":3599}}`, "VALIDATION_ERROR"),
		patch(`{"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":43201}}`, "VALIDATION_ERROR"),
		patch(`{"customSessionTimeouts":{"idleSessionTimeoutInSeconds":299}}`, "VALIDATION_ERROR"),
		patch(`{"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":3600,"idleSessionTimeoutInSeconds":3601}}`, "VALIDATION_ERROR"),
		patch(`{"multiFactorAuthRequired":"yes"}`, "INVALID_JSON_ATTRIBUTE"),
		patch(`{"uiIpAccessList":[]}`, "INVALID_ATTRIBUTE"),
	})
	if a := w.as(memberID, "PATCH", w.path("{org}/settings"), `{}`); a.status != 401 {
		t.Errorf("a member: %d", a.status)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.orgs[0]; o.accessListRequired() || o.maxSecretHours() != 8760 {
		t.Error("defaults")
	}
}

func TestUIAccessList(t *testing.T) {
	w := start(t)
	on, off, alice := true, false, Actor{Username: "alice@example.com"}
	for _, enabled := range []*bool{&off, &on, &on, nil, &off} {
		w.EditUIAccessList(alice, w.OrgID("ExampleCorp"), enabled)
	}
	w.EditUIAccessList(alice, "nope", nil)
	e := w.events("{org}")
	if kinds(e) != "ORG_UI_IP_ACCESS_LIST_DISABLED ORG_EDITED_UI_IP_ACCESS_LIST_ENTRIES ORG_UI_IP_ACCESS_LIST_ENABLED" || e[0]["username"] != "alice@example.com" {
		t.Errorf("events %v", e)
	}
}

func TestDelegationSettings(t *testing.T) {
	w := start(t)
	path := "{org}/delegationSettings"
	const none = `{"delegatedMcpAccess":null,"delegatedPartnerAccess":null,"idleRefreshTokenLifetime":null,"maximumRefreshTokenLifetime":null}`
	if a := w.as(memberID, "GET", w.path(path), nil); a.raw != none || a.header.Get("Content-Type") != "application/vnd.atlas.2025-03-12+json;charset=utf-8" {
		t.Errorf("at first %s", a.raw)
	}
	for range 2 {
		a := w.as(ownerID, "PATCH", w.path(path), `{"delegatedMcpAccess":"READ_ONLY","idleRefreshTokenLifetime":60}`)
		if a.status != 200 || a.raw != `{"delegatedMcpAccess":"READ_ONLY","delegatedPartnerAccess":null,"idleRefreshTokenLifetime":60,"maximumRefreshTokenLifetime":null}` {
			t.Errorf("got %d %s", a.status, a.raw)
		}
	}
	if a := w.as(ownerID, "PATCH", w.path(path), `{"delegatedMcpAccess":null,"idleRefreshTokenLifetime":null}`); a.raw != none {
		t.Errorf("got %s", a.raw)
	}
	w.refusals([]refusal{
		{"PATCH", path, `{"delegatedPartnerAccess":"READ_ONLY"}`, 400, "INVALID_ENUM_VALUE"},
		{"PATCH", path, `{"idleRefreshTokenLifetime":0}`, 400, "VALIDATION_ERROR"},
		{"PATCH", path, `{"x":0}`, 400, "INVALID_ATTRIBUTE"},
	})
	if got := kinds(w.events("{org}")); got != "ORG_DELEGATION_SETTINGS_UPDATED ORG_DELEGATION_SETTINGS_UPDATED" {
		t.Errorf("events %s", got)
	}
	if a := w.as(readerID, "PATCH", w.path(path), `{}`); a.status != 401 {
		t.Errorf("a reader: %d", a.status)
	}
}

func TestActivityFeedLink(t *testing.T) {
	w := start(t)
	link := func(path string) any { return w.as(readerID, "GET", w.path(path), nil).body["link"] }
	plain := link("{org}/activityFeed")
	if s, _ := plain.(string); !strings.HasPrefix(s, "https://cloud.mongodb.com/redirect/") || plain != link("{org}/activityFeed") {
		t.Errorf("link %v", plain)
	}
	if link("{prod}/activityFeed?eventType=MONGODB_USER_ADDED&clusterName=main") == link("{prod}/activityFeed") {
		t.Error("the filter does not count")
	}
	w.refusals([]refusal{
		{"GET", "{org}/activityFeed?eventType=NOPE", "", 400, "INVALID_ENUM_VALUE"},
		{"GET", "{prod}/activityFeed?minDate=2026-08-02T00:00:00Z&maxDate=2026-08-01T00:00:00Z", "", 400, "INVALID_DATE_RANGE"},
		{"GET", "{prod}/activityFeed?" + strings.Repeat("clusterName=a&", 21), "", 400, "INVALID_QUERY_PARAMETER"},
	})
}
