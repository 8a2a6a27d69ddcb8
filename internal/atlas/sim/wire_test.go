package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		path, accept string
		now          time.Duration
		status       int
		want         string // code, or served version
	}{
		{"/orgs", "application/vnd.atlas.2023-01-01+json", 0, 200, "2023-01-01"},
		{"/orgs", "application/vnd.atlas.2025-03-12+json", 0, 200, "2023-01-01"},
		{"/orgs", "text/html, application/vnd.atlas.2024-08-05+json;q=0.9", 0, 200, "2023-01-01"},
		{"/orgs", "application/vnd.atlas.2022-12-31+json", 0, 406, "INVALID_VERSION_DATE"},
		{"/orgs", "application/vnd.atlas.2023-13-01+json", 0, 406, "INVALID_VERSION_DATE"},
		{"/orgs", "application/json", 0, 406, "INVALID_VERSION_DATE"},
		{"/orgs", "*/*", 0, 406, "INVALID_VERSION_DATE"},
		{"{prod}/clusters", "application/vnd.atlas.2024-08-05+json", 0, 200, "2024-08-05"},
		{"{prod}/clusters", "application/vnd.atlas.2024-08-04+json", 0, 200, "2023-02-01"},
		{"{prod}/clusters", "application/vnd.atlas.2023-01-01+json", 0, 200, "2023-01-01"},
		{"{prod}/clusters", "application/vnd.atlas.2023-01-01+json", 24 * 340 * time.Hour, 410, "VERSION_GONE"},
		{"{prod}/flexClusters", "application/vnd.atlas.2023-01-01+json", 0, 406, "INVALID_VERSION_DATE"},
		{"/rateLimits", "application/vnd.atlas.2025-03-12+json", 0, 200, "2025-03-12"},
	} {
		t.Run(c.path+c.accept, func(t *testing.T) {
			w := start(t)
			w.Advance(c.now)
			a := w.as(ownerID, "GET", w.path(c.path), nil, "Accept", c.accept)
			if a.status != c.status {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if c.status != 200 {
				if a.code() != c.want || a.header.Get("Content-Type") != "application/json" {
					t.Errorf("got %s as %s", a.raw, a.header.Get("Content-Type"))
				}
				return
			}
			if got, want := a.header.Get("Content-Type"), "application/vnd.atlas."+c.want+"+json;charset=utf-8"; got != want {
				t.Errorf("content type %q, want %q", got, want)
			}
			deprecated := strings.Contains(c.path, "clusters") && c.want < "2024"
			if got := a.header.Get("Sunset"); (got != "") != deprecated {
				t.Errorf("sunset %q", got)
			}
			if deprecated && (a.header.Get("Sunset") != "Thu, 01 Jul 2027 00:00:00 GMT" || a.header.Get("Deprecation") != "Wed, 19 Feb 2025 00:00:00 GMT") {
				t.Errorf("headers %v", a.header)
			}
		})
	}
}

func TestServerHeaders(t *testing.T) {
	w := start(t)
	w.SetClockOffset(90 * time.Second)
	a := w.as(ownerID, "GET", "/orgs", nil)
	for key, want := range map[string]string{
		"Server": "mdbws", "Date": "Mon, 03 Aug 2026 10:01:30 GMT", "RateLimit-Limit": "300", "RateLimit-Remaining": "299",
		"X-Java-Method": "ApiAtlasResource::listOrgs",
	} {
		if got := a.header.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	for path, status := range map[string]int{"/orgs/x": 404, "{prod}/accessList/192.0.2.200": 404, "{prod}/clusters?itemsPerPage=x": 400} {
		if a := w.as(ownerID, "GET", w.path(path), nil); a.status != status || a.code() == "" || a.header.Get("X-Error-Code") != a.code() {
			t.Errorf("%s: %d %s, header %v", path, a.status, a.raw, a.header)
		}
	}
}

// fill gives prod the given number of access-list entries in all.
func (w *world) fill(n int) {
	w.t.Helper()
	for i := len(w.do("GET", w.path("{prod}/accessList"), nil).results()); i < n; i++ {
		if a := w.do("POST", w.path("{prod}/accessList"), fmt.Sprintf(`[{"ipAddress":"10.1.%d.%d"}]`, i/256, i%256)); a.status != 201 {
			w.t.Fatalf("entry %d: %d %s", i, a.status, a.raw)
		}
	}
}

func rels(a answerOf) string {
	var out []string
	for _, l := range rowsOf(a.body["links"]) {
		out = append(out, l["rel"].(string))
	}
	return strings.Join(out, " ")
}

func TestPaging(t *testing.T) {
	w := start(t)
	w.fill(7)
	for _, c := range []struct {
		query       string
		rows, total int
		rels        string
	}{
		{"", 7, 7, "self"},
		{"itemsPerPage=3", 3, 7, "self next"},
		{"itemsPerPage=3&pageNum=2", 3, 7, "self previous next"},
		{"itemsPerPage=3&pageNum=3", 1, 7, "self previous"},
		{"itemsPerPage=3&pageNum=9", 0, 7, "self previous"},
		{"itemsPerPage=7", 7, 7, "self"},
		{"itemsPerPage=3&includeCount=false", 3, 0, "self"},
		{"itemsPerPage=500&includeCount=true", 7, 7, "self"},
	} {
		a := w.as(ownerID, "GET", w.path("{prod}/accessList?"+c.query), nil)
		if len(a.results()) != c.rows || a.body["totalCount"] != float64(c.total) || rels(a) != c.rels {
			t.Errorf("%q: %d rows, total %v, links %q", c.query, len(a.results()), a.body["totalCount"], rels(a))
		}
	}
	for _, q := range []string{"itemsPerPage=0", "itemsPerPage=501", "itemsPerPage=x", "pageNum=0", "pageNum=-1", "includeCount=maybe"} {
		if a := w.as(ownerID, "GET", w.path("{prod}/accessList?"+q), nil); a.status != 400 || a.code() != "INVALID_QUERY_PARAMETER" {
			t.Errorf("%q: %d %s", q, a.status, a.raw)
		}
	}
}

func TestNextLinkLeadsOn(t *testing.T) {
	w := start(t)
	w.fill(5)
	seen := map[any]bool{}
	next := "http://atlas.test" + apiPrefix + w.path("{prod}/accessList?itemsPerPage=2")
	for next != "" {
		a := w.as(ownerID, "GET", strings.TrimPrefix(next, "http://atlas.test"+apiPrefix), nil)
		next = ""
		for _, r := range a.results() {
			seen[r["cidrBlock"]] = true
		}
		for _, l := range rowsOf(a.body["links"]) {
			if l["rel"] == "next" {
				next = l["href"].(string)
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("saw %d entries", len(seen))
	}
}

func TestEnvelopeAndPretty(t *testing.T) {
	w := start(t)
	list := w.as(ownerID, "GET", w.path("{prod}/accessList?envelope=true"), nil)
	if list.body["status"] != 200.0 || len(list.results()) != 2 {
		t.Errorf("list in an envelope: %s", list.raw)
	}
	one := w.as(ownerID, "GET", w.path("{prod}?envelope=true&pretty=true"), nil)
	content, _ := one.body["content"].(map[string]any)
	if one.body["status"] != 200.0 || content["name"] != "prod" || !strings.Contains(one.raw, "\n  ") {
		t.Errorf("one in an envelope: %s", one.raw)
	}
	bare := w.as(ownerID, "GET", w.path("{prod}/customDBRoles/roles?envelope=true"), nil)
	if len(rowsOf(bare.body["content"])) != 2 {
		t.Errorf("bare array in an envelope: %s", bare.raw)
	}
	wrong := w.as(ownerID, "GET", w.path("{prod}/accessList/1.2.3.4?envelope=true"), nil)
	content, _ = wrong.body["content"].(map[string]any)
	if wrong.body["status"] != 404.0 || content["errorCode"] != "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND" {
		t.Errorf("error in an envelope: %s", wrong.raw)
	}
}

func TestErrorBody(t *testing.T) {
	w := start(t)
	a := w.as(ownerID, "GET", "/groups/ffffffffffffffffffffffff", nil)
	if a.body["error"] != 404.0 || a.body["reason"] != "Not Found" || a.body["detail"] != "No group with ID ffffffffffffffffffffffff exists." ||
		fmt.Sprint(a.body["parameters"]) != "[ffffffffffffffffffffffff]" {
		t.Errorf("got %s", a.raw)
	}
	a = w.do("POST", w.path("{prod}/databaseUsers"), `{"username":"x","databaseName":"admin","password":"fake-password","roles":[],"description":"`+strings.Repeat("d", 101)+`"}`)
	fields := fmt.Sprint(a.body["badRequestDetail"])
	if a.status != 400 || a.code() != "VALIDATION_ERROR" || !strings.Contains(fields, "field:description") {
		t.Errorf("got %s", a.raw)
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct{ body, code string }{
		{``, "INVALID_JSON"},
		{`[{`, "MALFORMED_JSON"},
		{`[{"ipAddress":"1.2.3.4"}] x`, "MALFORMED_JSON"},
		{`{"ipAddress":"1.2.3.4"}`, "INVALID_JSON_ATTRIBUTE"},
		{`[{"ipAddress":7}]`, "INVALID_JSON_ATTRIBUTE"},
		{`[{"ipAdress":"1.2.3.4"}]`, "INVALID_ATTRIBUTE"},
		{`[{"ipAddress":"1.2.3.4","deleteAfterDate":"tomorrow"}]`, "INVALID_DATE_FORMAT"},
		{`[{"ipAddress":"1.2.3.4","groupId":"ffffffffffffffffffffffff"}]`, "GROUP_MISMATCH"},
	} {
		w := start(t)
		if a := w.as(ownerID, "POST", w.path("{prod}/accessList"), c.body); a.status != 400 || a.code() != c.code {
			t.Errorf("%s: %d %s, want %s", c.body, a.status, a.raw, c.code)
		}
		if len(w.Effects()) != 0 {
			t.Errorf("%s took effect", c.body)
		}
	}
}

func TestBuckets(t *testing.T) {
	w := start(t)
	w.SetRateLimit("accessList_group", 3, 2)
	token := "Bearer " + w.token(ownerID)
	get := func(path string) answerOf {
		return w.send(w.request("GET", w.path(path), nil, "Authorization", token))
	}
	for i, want := range []string{"2", "1", "0"} {
		if a := get("{prod}/accessList"); a.status != 200 || a.header.Get("RateLimit-Remaining") != want || a.header.Get("RateLimit-Limit") != "3" {
			t.Fatalf("request %d: %d %v", i, a.status, a.header)
		}
	}
	w.Advance(20 * time.Second)
	a := get("{prod}/accessList/203.0.113.7")
	if a.status != 429 || a.code() != "RATE_LIMITED_TOKEN_BUCKET" || a.header.Get("Retry-After") != "40" || a.header.Get("RateLimit-Remaining") != "0" {
		t.Fatalf("empty bucket: %d %s %v", a.status, a.raw, a.header)
	}
	if got := fmt.Sprint(a.body["parameters"]); !strings.HasSuffix(got, "/accessList/203.0.113.7 40 3 2 60]") {
		t.Errorf("parameters %s", got)
	}
	if a := get("{dev}/accessList"); a.status != 200 {
		t.Errorf("another project's bucket: %d", a.status)
	}
	if a := get("{prod}/databaseUsers"); a.status != 200 || a.header.Get("RateLimit-Limit") != "10000" {
		t.Errorf("another set's bucket: %d", a.status)
	}
	w.Advance(40 * time.Second)
	for i, want := range []int{200, 200, 429} {
		if a := get("{prod}/accessList"); a.status != want {
			t.Errorf("after a refill, request %d: %d", i, a.status)
		}
	}
	w.Advance(time.Hour)
	if a := w.as(ownerID, "GET", w.path("{prod}/accessList"), nil); a.header.Get("RateLimit-Remaining") != "2" {
		t.Errorf("a bucket fills above its capacity: %v", a.header)
	}
}

func TestRateLimits(t *testing.T) {
	w := start(t)
	for query, want := range map[string]string{
		"groupId=" + w.ProjectID("prod"): "GROUP", "orgId=" + w.OrgID("ExampleCorp"): "ORGANIZATION", "userId=" + ownerID: "USER",
	} {
		rows := w.as(ownerID, "GET", "/rateLimits?"+query, nil).results()
		if len(rows) == 0 {
			t.Errorf("%s: no limits", query)
		}
		for _, r := range rows {
			if r["scope"] != want || len(rowsOf(r["endpoints"])) == 0 {
				t.Errorf("%s: %v", query, r)
			}
		}
	}
	w.SetRateLimit("groupEvents_group", 50, 20)
	a := w.as(ownerID, "GET", "/rateLimits/groupEvents_group", nil)
	if got := fmt.Sprint(a.body["capacity"], a.body["refillRate"], a.body["refillDurationSeconds"]); got != "map[defaultValue:300 value:50] map[defaultValue:100 value:20] map[defaultValue:60 value:60]" {
		t.Errorf("limit %s", got)
	}
	if a := w.as(ownerID, "GET", "/rateLimits/nope", nil); a.status != 404 {
		t.Errorf("unknown set: %d", a.status)
	}
	if a := w.as(ownerID, "GET", "/rateLimits?groupId=x&orgId=y", nil); a.status != 400 {
		t.Errorf("two scopes: %d", a.status)
	}
}

func TestEventTypes(t *testing.T) {
	w := start(t)
	alertable := map[string]bool{}
	for page := 1; ; page++ {
		rows := w.as(ownerID, "GET", "/eventTypes?itemsPerPage=100&pageNum="+strconv.Itoa(page), nil).results()
		for _, r := range rows {
			alertable[r["eventType"].(string)] = r["alertable"].(bool)
		}
		if len(rows) < 100 {
			break
		}
	}
	if len(alertable) < 700 {
		t.Errorf("%d event types", len(alertable))
	}
	for name, want := range map[string]bool{"NETWORK_PERMISSION_ENTRY_ADDED": true, "OAUTH_TOKEN_ISSUED": false, "HOST_DOWN": true, "MONGODB_USER_ADDED": false, "MONGODB_ROLE_ADDED": false, "JOINED_GROUP": true} {
		if got, known := alertable[name]; !known || got != want {
			t.Errorf("%s: alertable %t, known %t", name, got, known)
		}
	}
}

func TestRoot(t *testing.T) {
	w := start(t)
	if a := w.as(ownerID, "GET", "/", nil); a.body["appName"] != "MongoDB Atlas" || a.body["apiKey"] != nil {
		t.Errorf("root for a service account: %s", a.raw)
	}
	challenge := w.send(w.request("GET", "", nil)).header.Get("WWW-Authenticate")
	a := w.send(w.request("GET", "", nil, "Authorization", digestHeader(challenge, "abcdefgh", keySecret, http.MethodGet, apiPrefix, "auth")))
	key, _ := a.body["apiKey"].(map[string]any)
	if key["publicKey"] != "abcdefgh" || len(rowsOf(key["roles"])) != 2 {
		t.Errorf("root for a key: %s", a.raw)
	}
}
