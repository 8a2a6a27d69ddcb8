package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	hookConfig  = "dddddddddddddddddddddddd"
	openAlert   = "eeeeeeeeeeeeeeeeeeeeeeee"
	hookAddress = "https://hooks.example.com/atlas/receive"
)

// guarded is the shop whose project dev has alerts, certificates and settings.
var guarded = strings.Replace(shop, "      - name: dev\n", `      - name: dev
        databaseUsers:
          - {username: batch, x509Type: MANAGED}
          - {username: plain, password: fake-password}
        certificates:
          - {_id: 7, username: batch, createdAt: 2026-08-01T00:00:00Z, notAfter: 2026-11-01T00:00:00Z}
          - {_id: 8, username: batch, createdAt: 2026-05-01T00:00:00Z, notAfter: 2026-08-02T00:00:00Z}
        userSecurity:
          ldap: {hostname: ldap.example.com, bindUsername: "CN=a,DC=b", bindPassword: fake-bind-password, authenticationEnabled: true, port: 389}
        auditLog: {enabled: true, auditFilter: '{"atype":"authenticate"}'}
        integrations:
          - {type: WEBHOOK, id: cccccccccccccccccccccccc, url: "https://hooks.example.com/atlas/receive", secret: fake-secret-1260}
        alertConfigs:
          - id: dddddddddddddddddddddddd
            eventTypeName: NETWORK_PERMISSION_ENTRY_ADDED
            enabled: true
            created: 2026-08-01T00:00:00Z
            notifications: [{typeName: WEBHOOK, notifierId: ffffffffffffffffffffffff, intervalMin: 15}]
          - {eventTypeName: USERS_WITHOUT_MULTI_FACTOR_AUTH, enabled: true, notifications: [{typeName: WEBHOOK}]}
        alerts:
          - {id: eeeeeeeeeeeeeeeeeeeeeeee, eventTypeName: USERS_WITHOUT_MULTI_FACTOR_AUTH, status: OPEN, created: 2026-08-01T00:00:00Z}
`, 1)

func TestAlertMistakes(t *testing.T) {
	config := func(kind, notifications string) string {
		return `{"eventTypeName":"` + kind + `","notifications":` + notifications + `}`
	}
	const mail = `[{"typeName":"EMAIL","emailAddress":"a@example.com"}]`
	for _, c := range []struct {
		who, method, path, body string
		status                  int
		code                    string
	}{
		{ownerID, "POST", "{dev}/alertConfigs", config("MONGODB_USER_ADDED", mail), 400, "INVALID_EVENT_TYPE_FOR_ALERT"},
		{ownerID, "POST", "{dev}/alertConfigs", config("NOPE", mail), 400, "INVALID_ENUM_VALUE"},
		{ownerID, "POST", "{dev}/alertConfigs", `{"notifications":` + mail + `}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "POST", "{dev}/alertConfigs", config("JOINED_GROUP", `[]`), 400, "MISSING_NOTIFICATIONS"},
		{ownerID, "POST", "{dev}/alertConfigs", `{"eventTypeName":"JOINED_GROUP"}`, 400, "MISSING_NOTIFICATIONS"},
		{ownerID, "POST", "{dev}/alertConfigs", config("JOINED_GROUP", `[{"typeName":"PIGEON"}]`), 400, "INVALID_ENUM_VALUE"},
		{ownerID, "POST", "{dev}/alertConfigs", config("JOINED_GROUP", `[{"typeName":"WEBHOOK","intervalMin":4}]`), 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "{dev}/alertConfigs", config("JOINED_GROUP", `[{"typeName":"WEBHOOK","webhookUrl":"hooks"}]`), 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "{dev}/alertConfigs", config("JOINED_GROUP", `[{"typeName":"WEBHOOK","integrationId":"aaaaaaaaaaaaaaaaaaaaaaaa"}]`), 404, "INTEGRATION_NOT_CONFIGURED"},
		{ownerID, "POST", "{prod}/alertConfigs", config("JOINED_GROUP", `[{"typeName":"WEBHOOK"}]`), 400, "WEBHOOK_URL_NOT_SET"},
		{ownerID, "POST", "{dev}/alertConfigs", strings.TrimSuffix(config("JOINED_GROUP", mail), "}") + `,"matchers":[{"fieldName":"COLOUR","operator":"EQUALS","value":"x"}]}`, 400, "INVALID_ENUM_VALUE"},
		{ownerID, "POST", "{dev}/alertConfigs", strings.TrimSuffix(config("JOINED_GROUP", mail), "}") + `,"colour":1}`, 400, "INVALID_ATTRIBUTE"},
		{readerID, "POST", "{dev}/alertConfigs", config("JOINED_GROUP", mail), 401, "USER_UNAUTHORIZED"},
		{ownerID, "GET", "{dev}/alertConfigs/aaaaaaaaaaaaaaaaaaaaaaaa", "", 404, "ALERT_CONFIG_NOT_FOUND"},
		{ownerID, "PUT", "{dev}/alertConfigs/aaaaaaaaaaaaaaaaaaaaaaaa", "{}", 404, "ALERT_CONFIG_NOT_FOUND"},
		{ownerID, "GET", "{dev}/alertConfigs/aaaaaaaaaaaaaaaaaaaaaaaa/alerts", "", 404, "ALERT_CONFIG_NOT_FOUND"},
		{ownerID, "GET", "{dev}/alerts/aaaaaaaaaaaaaaaaaaaaaaaa", "", 404, "ALERT_NOT_FOUND"},
		{ownerID, "GET", "{dev}/alerts?status=SHUT", "", 400, "INVALID_ENUM_VALUE"},
		{ownerID, "PATCH", "{dev}/alerts/" + openAlert, `{"acknowledgementComment":"x"}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "PATCH", "{dev}/alerts/" + openAlert, `{"acknowledgedUntil":"never"}`, 400, "INVALID_DATE_FORMAT"},
		{readerID, "PATCH", "{dev}/alerts/" + openAlert, `{"unacknowledgeAlert":true}`, 401, "USER_UNAUTHORIZED"},
		{ownerID, "GET", "{dev}/integrations/PIGEON", "", 400, "INVALID_ENUM_VALUE"},
		{ownerID, "GET", "{dev}/integrations/HIP_CHAT", "", 404, "INTEGRATION_NOT_CONFIGURED"},
		{ownerID, "PUT", "{dev}/integrations/SLACK", `{"apiToken":"fake","channelName":"c"}`, 404, "INTEGRATION_NOT_CONFIGURED"},
		{ownerID, "DELETE", "{dev}/integrations/SLACK", "", 404, "INTEGRATION_NOT_CONFIGURED"},
		{ownerID, "DELETE", "{dev}/integrations/WEBHOOK", "", 400, "WEBHOOK_NOTIFICATIONS_PRESENT"},
		{ownerID, "POST", "{dev}/integrations/WEBHOOK", `{"url":"https://hooks.example.com"}`, 409, "INTEGRATION_ALREADY_CONFIGURED"},
		{ownerID, "POST", "{prod}/integrations/WEBHOOK", `{"url":"hooks"}`, 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "{prod}/integrations/WEBHOOK", `{"secret":"fake"}`, 400, "MISSING_ATTRIBUTE"},
		{ownerID, "POST", "{prod}/integrations/WEBHOOK", `{"type":"SLACK","url":"https://hooks.example.com"}`, 400, "VALIDATION_ERROR"},
		{ownerID, "POST", "{prod}/integrations/HIP_CHAT", `{}`, 400, "INVALID_ENUM_VALUE"},
		{readerID, "POST", "{prod}/integrations/WEBHOOK", `{"url":"https://hooks.example.com"}`, 401, "USER_UNAUTHORIZED"},
	} {
		w := startWorld(t, guarded)
		if a := w.as(c.who, c.method, w.path(c.path), c.body); a.status != c.status || a.code() != c.code || len(w.Effects()) != 0 {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, a.status, a.raw, c.status, c.code)
		}
	}
}

func TestAlertConfigLife(t *testing.T) {
	w := startWorld(t, guarded)
	configs := w.path("{dev}/alertConfigs")
	a := w.as(ownerID, "POST", configs, `{"eventTypeName":"JOINED_GROUP","enabled":true,"notifications":[{"typeName":"WEBHOOK","webhookUrl":"https://own.example.com/x/y","webhookSecret":"fake-own-secret","delayMin":2},{"typeName":"GROUP","emailEnabled":true,"intervalMin":60}]}`)
	id, _ := a.body["id"].(string)
	if a.status != 201 || !strings.HasSuffix(a.header.Get("Location"), "/alertConfigs/"+id) {
		t.Fatalf("got %d %s %v", a.status, a.raw, a.header)
	}
	notes := rowsOf(a.body["notifications"])
	if n := notes[0]; n["webhookUrl"] != "https://own.example.com/****" || n["webhookSecret"] != "***********cret" || n["intervalMin"] != 5.0 || !isID(n["notifierId"].(string)) {
		t.Errorf("notification %v", n)
	}
	if got := w.as(readerID, "GET", configs+"/"+id, nil); got.raw != a.raw {
		t.Errorf("read back %s\nwritten %s", got.raw, a.raw)
	}
	again := w.as(ownerID, "PUT", configs+"/"+id, a.raw)
	if again.status != 200 || again.raw != a.raw || len(w.Effects()) != 1 {
		t.Errorf("written as read: %d %s, effects %v", again.status, again.raw, w.Effects())
	}
	w.as(ownerID, "PUT", configs+"/"+id, `{"eventTypeName":"REMOVED_FROM_GROUP","notifications":[{"typeName":"GROUP","emailEnabled":true,"intervalMin":60}]}`)
	same := w.as(ownerID, "PUT", configs+"/"+id, `{"eventTypeName":"REMOVED_FROM_GROUP","notifications":[{"typeName":"GROUP","emailEnabled":true,"intervalMin":60}]}`)
	if same.body["enabled"] != true || rowsOf(same.body["notifications"])[0]["notifierId"] != notes[1]["notifierId"] || len(w.Effects()) != 2 {
		t.Errorf("replaced: %s, effects %v", same.raw, w.Effects())
	}
	for _, body := range []string{`{"enabled":false}`, `{"enabled":false}`, `{}`} {
		w.as(ownerID, "PATCH", configs+"/"+id, body)
	}
	if a := w.do("DELETE", configs+"/"+id, nil); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	e := w.events("{dev}")
	if got := kinds(e); got != "ALERT_CONFIG_DELETED_AUDIT ALERT_CONFIG_ENABLED_AUDIT ALERT_CONFIG_DISABLED_AUDIT ALERT_CONFIG_CHANGED_AUDIT ALERT_CONFIG_ADDED_AUDIT" {
		t.Errorf("events %s", got)
	}
	for _, x := range e {
		if x["alertConfigId"] != id || x["groupId"] != w.ProjectID("dev") {
			t.Errorf("event %v", x)
		}
	}
	if len(w.events("{org}")) != 0 || e[0]["username"] != "alice@example.com" || e[4]["publicKey"] != ownerID {
		t.Errorf("feeds or actors: %v %v", e[0], e[4])
	}
	if s := fmt.Sprint(w.Effects()); strings.Contains(s, "fake-own") || strings.Contains(s, "own.example.com") {
		t.Errorf("effects show secrets: %s", s)
	}
}

func TestIntegrations(t *testing.T) {
	w := startWorld(t, guarded)
	hook := w.path("{dev}/integrations/WEBHOOK")
	const shown = `{"bodyTemplate":null,"headersTemplate":null,"id":"cccccccccccccccccccccccc","secret":"************1260","type":"WEBHOOK","url":"https://hooks.example.com/****"}`
	if a := w.as(readerID, "GET", hook, nil); a.raw != shown {
		t.Errorf("got %s", a.raw)
	}
	if a := w.as(ownerID, "PUT", hook, shown); a.status != 200 || len(w.Effects()) != 0 || len(a.results()) != 1 {
		t.Errorf("written as read: %d %s, effects %v", a.status, a.raw, w.Effects())
	}
	a := w.as(ownerID, "PUT", hook, `{"url":"https://hooks.example.com/new","secret":"fake-another","bodyTemplate":"{}"}`)
	if a.status != 200 || a.results()[0]["secret"] != "********ther" || a.results()[0]["bodyTemplate"] != "**" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	for kind, body := range map[string]string{
		"PAGER_DUTY": `{"serviceKey":"00000000000000000000000000000033"}`, "SLACK": `{"apiToken":"fake-token","channelName":"c"}`,
		"DATADOG": `{"apiKey":"00000000000000000000000000000033","region":"EU"}`, "OPS_GENIE": `{"apiKey":"fake-key"}`,
		"VICTOR_OPS": `{"apiKey":"fake-key","routingKey":"test"}`, "MICROSOFT_TEAMS": `{"microsoftTeamsWebhookUrl":"https://teams.example.com/a"}`,
		"NEW_RELIC":  fmt.Sprintf(`{"accountId":%[1]q,"licenseKey":%[1]q,"readToken":"fake-read","writeToken":"fake-write"}`, strings.Repeat("0", 40)),
		"PROMETHEUS": `{"enabled":true,"serviceDiscovery":"http","username":"u","password":"fake-password"}`,
	} {
		if a := w.as(ownerID, "POST", w.path("{dev}/integrations/"+kind), body); a.status != 200 || strings.Contains(a.raw, "fake") {
			t.Errorf("%s: %d %s", kind, a.status, a.raw)
		}
	}
	var order []string
	for _, r := range w.as(readerID, "GET", w.path("{dev}/integrations"), nil).results() {
		order = append(order, r["type"].(string))
	}
	if d := cmp.Diff(integrationTypes(), order); d != "" {
		t.Error(d)
	}
	if a := w.as(ownerID, "DELETE", w.path("{dev}/integrations/DATADOG"), nil); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if got := kinds(w.events("{dev}")); got != "INTEGRATION_REMOVED"+strings.Repeat(" INTEGRATION_CONFIGURED", 9) {
		t.Errorf("events %s", got)
	}
	if s := fmt.Sprint(w.Effects()); strings.Contains(s, "fake") || strings.Contains(s, "hooks.") {
		t.Errorf("effects show secrets: %s", s)
	}
}

func TestAcknowledge(t *testing.T) {
	w := startWorld(t, guarded)
	path := w.path("{dev}/alerts/" + openAlert)
	a := w.as(ownerID, "PATCH", path, `{"acknowledgedUntil":"2026-09-01T02:00:00+02:00","acknowledgementComment":"seen"}`, "Accept", "application/vnd.atlas.2024-05-30+json")
	if a.status != 200 || a.body["acknowledgedUntil"] != "2026-09-01T00:00:00Z" || a.body["acknowledgementComment"] != "seen" || a.body["acknowledgingUsername"] != ownerID {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if again := w.as(ownerID, "PATCH", path, `{"acknowledgedUntil":"2026-09-01T00:00:00Z","acknowledgementComment":"seen"}`); again.raw != a.raw || len(w.Effects()) != 1 {
		t.Errorf("again: %s %v", again.raw, w.Effects())
	}
	older := w.as(ownerID, "PATCH", path, `{"acknowledgedUntil":"2026-08-01T00:00:00Z"}`, "Accept", "application/vnd.atlas.2023-01-01+json")
	if older.status != 200 || older.body["acknowledgedUntil"] != nil || older.header.Get("Sunset") == "" {
		t.Errorf("a date that has passed: %d %s", older.status, older.raw)
	}
	w.do("PATCH", path, `{"acknowledgedUntil":"2126-08-01T00:00:00Z"}`)
	w.do("PATCH", path, `{"unacknowledgeAlert":true}`)
	e := w.events("{dev}")
	if got := kinds(e); got != "ALERT_UNACKNOWLEDGED_AUDIT ALERT_ACKNOWLEDGED_AUDIT ALERT_UNACKNOWLEDGED_AUDIT ALERT_ACKNOWLEDGED_AUDIT" || e[0]["alertId"] != openAlert {
		t.Errorf("events %v", e)
	}
	if got := eventsOf(w.Deliveries()); got != strings.TrimSpace(strings.Repeat("alert.acknowledge ", 4)) {
		t.Errorf("deliveries %s", got)
	}
}

func TestMatchers(t *testing.T) {
	for _, c := range []struct {
		field, op, value string
		want             bool
	}{
		{"CLUSTER_NAME", "EQUALS", "main", true}, {"CLUSTER_NAME", "EQUALS", "other", false}, {"CLUSTER_NAME", "NOT_EQUALS", "other", true},
		{"CLUSTER_NAME", "CONTAINS", "ai", true}, {"CLUSTER_NAME", "NOT_CONTAINS", "ai", false}, {"CLUSTER_NAME", "STARTS_WITH", "ma", true},
		{"CLUSTER_NAME", "ENDS_WITH", "ma", false}, {"CLUSTER_NAME", "REGEX", "^m.+n$", true}, {"CLUSTER_NAME", "REGEX", "(", false},
		{"REPLICA_SET_NAME", "EQUALS", "main", false}, {"HOSTNAME", "NOT_EQUALS", "x", true},
	} {
		k := alertConfig{doc: object{"matchers": []any{object{"fieldName": c.field, "operator": c.op, "value": c.value}}}}
		if got := k.matches(object{"clusterName": "main"}); got != c.want {
			t.Errorf("%s %s %s: %t", c.field, c.op, c.value, got)
		}
	}
}

// The families' parts of a world come back from a snapshot.
func TestAlertsRoundTrip(t *testing.T) {
	w := startWorld(t, guarded)
	w.do("POST", w.path("{dev}/accessList"), `[{"ipAddress":"192.0.2.9"}]`)
	w.do("POST", w.path("{dev}/databaseUsers/batch/certs"), `{}`)
	w.do("PATCH", w.path("{dev}/userSecurity"), object{"customerX509": object{"cas": authority(t, "a", epoch.AddDate(0, 0, 10), false)}})
	w.do("PATCH", w.path("{dev}/alerts/"+openAlert), `{"acknowledgedUntil":"2126-08-01T00:00:00Z"}`)
	first := w.Snapshot()
	src, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseWorld("snapshot", src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	other, err := New(Options{World: read, Seed: 99, Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		t.Error(d)
	}
	p := first.Orgs[0].Projects[1]
	if len(p.Alerts) != 2 || len(p.AlertConfigs) != 2 || len(p.Integrations) != 1 || len(p.Certificates) != 3 || p.UserSecurity.CustomerX509 == nil {
		t.Errorf("snapshot %+v", p)
	}
	p.Integrations[0]["url"], p.AlertConfigs[0]["notifications"].([]any)[0].(map[string]any)["delayMin"], p.UserSecurity.LDAP["port"] = "x", 9, 9
	if d := cmp.Diff(other.Snapshot(), w.Snapshot()); d != "" {
		t.Errorf("a snapshot is no copy: %s", d)
	}
}

func TestGuardedWorldMistakes(t *testing.T) {
	for part, want := range map[string]string{
		"alertConfigs: [{eventTypeName: MONGODB_USER_ADDED, notifications: [{typeName: EMAIL}]}]":          "cannot be used for alerts",
		"alertConfigs: [{eventTypeName: JOINED_GROUP, colour: red, notifications: [{typeName: EMAIL}]}]":   "colour",
		"alertConfigs: [{eventTypeName: JOINED_GROUP, created: soon, notifications: [{typeName: EMAIL}]}]": "not a date",
		"alertConfigs: [{eventTypeName: JOINED_GROUP, notifications: [{typeName: WEBHOOK}]}]":              "needs a URL",
		"integrations: [{type: PIGEON}]": "PIGEON",
		"integrations: [{type: SLACK, apiToken: a, channelName: b}, {type: SLACK, apiToken: a, channelName: b}]": "appears twice",
		"alerts: [{eventTypeName: JOINED_GROUP}]":               "no alert configuration",
		"alerts: [{eventTypeName: NOPE}]":                       "NOPE",
		"alerts: [{eventTypeName: JOINED_GROUP, status: SHUT}]": "SHUT",
		"certificates: [{username: a}]":                         "notAfter",
		"userSecurity: {ldap: {port: a}}":                       "port",
		"userSecurity: {customerX509: {cas: x}}":                "PEM",
		"auditLog: {auditFilter: x}":                            "JSON",
	} {
		_, err := ParseWorld("w", []byte("orgs: [{name: a, projects: [{name: p, "+part+"}]}]"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", part, err)
		}
	}
}
