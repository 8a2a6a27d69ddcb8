package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// shop is the world that most tests start from.
const shop = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234567, secret: "fake secret/with+signs", name: owner, roles: [ORG_OWNER]}
      - {clientId: mdb_sa_id_0123456789abcdef01234568, secret: fake-reader, name: reader, roles: [ORG_READ_ONLY]}
      - {clientId: mdb_sa_id_0123456789abcdef01234569, secret: fake-member, name: member, roles: [ORG_MEMBER, GROUP_NETWORK_ACCESS_MANAGER@prod]}
    apiKeys:
      - {publicKey: abcdefgh, privateKey: 00000000-0000-0000-0000-000000000000, desc: legacy, roles: [ORG_MEMBER, GROUP_OWNER@prod]}
    users:
      - {username: alice@example.com, id: aaaaaaaaaaaaaaaaaaaaaaaa, roles: [ORG_OWNER]}
    projects:
      - name: prod
        tags: [{key: env, value: prod}]
        clusters: [{name: main}, {name: free, instanceSize: M0}]
        flexClusters: [{name: flexy}]
        federatedDatabases: [{name: lake}]
        streamWorkspaces: [{name: flow}]
        accessList:
          - {cidrBlock: 198.51.100.0/24, comment: office}
          - {ipAddress: 203.0.113.7}
        customRoles:
          - roleName: inner
            actions: [{action: FIND, resources: [{db: shop, collection: orders}]}]
          - roleName: outer
            inheritedRoles: [{db: admin, role: inner}]
        databaseUsers:
          - {username: app, roles: [{roleName: readWrite, databaseName: shop}], scopes: [{name: main, type: CLUSTER}]}
          - {username: service, x509Type: MANAGED, roles: [{roleName: outer, databaseName: admin}]}
        accessHistory:
          - {clusterName: main, username: app, ipAddress: 203.0.113.7, authResult: true, timestamp: 2026-08-01T12:00:00Z}
      - name: dev
  - name: OtherCorp
    projects: [{name: foreign}]
`

var epoch = time.Date(2026, 8, 3, 10, 0, 0, 300_000_000, time.UTC)

// world is an Atlas with its own clock and a client.
type world struct {
	*Atlas
	t    *testing.T
	http *http.Client
}

func start(t *testing.T) *world { return startWorld(t, shop) }

func startWorld(t *testing.T, src string) *world {
	t.Helper()
	w, err := ParseWorld("world.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{World: w, Seed: 7, Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	return &world{a, t, &http.Client{Transport: a.Transport()}}
}

// answerOf is a decoded HTTP answer.
type answerOf struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (a answerOf) code() string { s, _ := a.body["errorCode"].(string); return s }

func (a answerOf) results() []map[string]any { return rowsOf(a.body["results"]) }

func rowsOf(v any) []map[string]any {
	var out []map[string]any
	list, _ := v.([]any)
	for _, r := range list {
		out = append(out, r.(map[string]any))
	}
	return out
}

const (
	ownerID   = "mdb_sa_id_0123456789abcdef01234567"
	readerID  = "mdb_sa_id_0123456789abcdef01234568"
	memberID  = "mdb_sa_id_0123456789abcdef01234569"
	anyAccept = "application/vnd.atlas.2025-03-12+json"
)

var secrets = map[string]string{ownerID: "fake secret/with+signs", readerID: "fake-reader", memberID: "fake-member"}

// token asks for an access token.
func (w *world) token(id string) string {
	w.t.Helper()
	req, _ := http.NewRequest("POST", "http://atlas.test/api/oauth/token", strings.NewReader("grant_type=client_credentials"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secrets[id]))
	a := w.send(req)
	value, ok := a.body["access_token"].(string)
	if !ok {
		w.t.Fatalf("token for %s: %d %s", id, a.status, a.raw)
	}
	return value
}

func (w *world) send(req *http.Request) answerOf {
	w.t.Helper()
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answerOf{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	json.Unmarshal(raw, &a.body)
	return a
}

// as sends one request with a fresh token of that service account.
func (w *world) as(id, method, path string, body any, headers ...string) answerOf {
	w.t.Helper()
	req := w.request(method, path, body, headers...)
	req.Header.Set("Authorization", "Bearer "+w.token(id))
	return w.send(req)
}

func (w *world) request(method, path string, body any, headers ...string) *http.Request {
	w.t.Helper()
	raw, err := jsonBody(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(method, "http://atlas.test"+apiPrefix+path, bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept", anyAccept)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

// do acts as alice by clicking.
func (w *world) do(method, path string, body any) answerOf {
	w.t.Helper()
	status, raw := w.Do(Actor{Username: "alice@example.com", RemoteAddress: "192.0.2.1"}, method, path, body)
	a := answerOf{status: status, raw: string(raw)}
	json.Unmarshal(raw, &a.body)
	return a
}

// path expands {prod} and the like to project ids.
func (w *world) path(p string) string {
	for _, name := range []string{"prod", "dev", "foreign"} {
		p = strings.ReplaceAll(p, "{"+name+"}", "/groups/"+w.ProjectID(name))
	}
	if k := w.keys["abcdefgh"]; k != nil {
		p = strings.ReplaceAll(p, "{key}", k.keyID)
	}
	return strings.ReplaceAll(p, "{org}", "/orgs/"+w.OrgID("ExampleCorp"))
}

// events are a feed's event types, newest first.
func (w *world) events(scope string) []map[string]any {
	w.t.Helper()
	a := w.do("GET", w.path(scope+"/events?itemsPerPage=500"), nil)
	if a.status != 200 {
		w.t.Fatalf("events of %s: %d %s", scope, a.status, a.raw)
	}
	return a.results()
}

func kinds(events []map[string]any) string {
	var out []string
	for _, e := range events {
		out = append(out, e["eventTypeName"].(string))
	}
	return strings.Join(out, " ")
}
