package sim

import (
	"net/http"
	"strings"
	"testing"
)

// raw sends a request to any path of the host.
func (w *world) raw(method, path, body string, headers ...string) answerOf {
	w.t.Helper()
	req, err := http.NewRequest(method, "http://atlas.test"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return w.send(req)
}

// The legacy API wants no version, names none, and links to itself.
func TestLegacyAPI(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/orgs", ``, 200, `"href":"http://atlas.test/api/atlas/v1.0/orgs?includeCount=true`},
		{"GET", "{prod}", ``, 200, `"href":"http://atlas.test/api/atlas/v1.0/groups/`},
		{"POST", "{prod}/accessList", `[{"ipAddress":"192.0.2.9"}]`, 201, `/api/atlas/v1.0/groups/`},
		{"GET", "{prod}/databaseUsers/admin/app", ``, 200, `"username":"app"`},
		{"GET", "{org}/users", ``, 200, `"teamIds"`},                      // as in the first version
		{"GET", "{org}/serviceAccounts", ``, 404, `"RESOURCE_NOT_FOUND"`}, // younger than the legacy API
		{"GET", "{prod}/clusters", ``, 501, `"NOT_SIMULATED"`},            // of another shape there
		{"GET", "{prod}/dbAccessHistory/clusters/main", ``, 200, `"accessLogs"`},
		{"GET", "/nope", ``, 404, `"RESOURCE_NOT_FOUND"`},
		{"GET", "{prod}/databaseUsers/admin/nobody", ``, 404, `"USERNAME_NOT_FOUND"`},
	} {
		w := start(t)
		a := w.raw(c.method, legacyPrefix+w.path(c.path), c.body, "Authorization", "Bearer "+w.token(ownerID))
		if a.status != c.status || !strings.Contains(a.raw, c.want) || a.header.Get("Content-Type") != "application/json" || a.header.Get("Sunset") != "" {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, a.status, a.header, a.raw)
		}
	}
	w := start(t)
	challenge := w.raw("GET", legacyPrefix+"/groups", "").header.Get("Www-Authenticate")
	if a := w.raw("GET", legacyPrefix+"/groups", "", "Authorization", digestHeader(challenge, "abcdefgh", keySecret, "GET", legacyPrefix+"/groups", "auth")); a.status != 200 {
		t.Errorf("by key: %d %s", a.status, a.raw)
	}
	for _, path := range []string{"/api/atlas/v1.0x/orgs", "/api/atlas/v3/orgs"} {
		if a := w.raw("GET", path, ""); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestIPInfo(t *testing.T) {
	w := start(t)
	if a := w.raw("GET", "/api/private/ipinfo", ""); a.status != 200 || a.body["currentIpv4Address"] != "127.0.0.1" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if a := w.raw("POST", "/api/private/ipinfo", ""); a.status != 404 {
		t.Errorf("POST: %d", a.status)
	}
}

// An id and a secret may come as they are or percent-encoded.
func TestBasicEncodings(t *testing.T) {
	for _, c := range []struct {
		name, id, secret string
		status           int
	}{
		{"as they are", ownerID, "fake secret/with+signs", 200},
		{"encoded", ownerID, "fake+secret%2Fwith%2Bsigns", 200},
		{"encoded by RFC 6749 to the letter", strings.ReplaceAll(ownerID, "_", "%5F"), "fake%20secret%2Fwith%2Bsigns", 200},
		{"wrong", ownerID, "fake%20secret%2Fwith+signs", 401},
	} {
		w := start(t)
		req, err := http.NewRequest("POST", "http://atlas.test"+tokenPath, strings.NewReader("grant_type=client_credentials"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(c.id, c.secret)
		if a := w.send(req); a.status != c.status {
			t.Errorf("%s: %d %s", c.name, a.status, a.raw)
		}
	}
}
