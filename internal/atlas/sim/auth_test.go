package sim

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tokenCall posts to a token endpoint with raw parts.
func (w *world) tokenCall(path, id, secret, contentType, body string) answerOf {
	w.t.Helper()
	req, _ := http.NewRequest("POST", "http://atlas.test"+path, strings.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	if id != "" {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	return w.send(req)
}

func TestTokenEndpoint(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, id, secret, contentType, body string
		status                              int
		code                                string
	}{
		{"good", ownerID, secrets[ownerID], form, "grant_type=client_credentials", 200, ""},
		{"wrong secret", ownerID, "nope", form, "grant_type=client_credentials", 401, "invalid_client"},
		{"unknown client", "mdb_sa_id_ffffffffffffffffffffffff", "x", form, "grant_type=client_credentials", 401, "invalid_client"},
		{"no credentials", "", "", form, "grant_type=client_credentials", 401, "invalid_client"},
		{"no grant", ownerID, secrets[ownerID], form, "", 400, "invalid_request"},
		{"other grant", ownerID, secrets[ownerID], form, "grant_type=password", 400, "unsupported_grant_type"},
		{"not a form", ownerID, secrets[ownerID], "application/json", "{}", 400, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := start(t).tokenCall(tokenPath, c.id, c.secret, c.contentType, c.body)
			if a.status != c.status || c.code != "" && a.body["error"] != c.code {
				t.Fatalf("got %d %s, want %d %s", a.status, a.raw, c.status, c.code)
			}
			if c.status == 200 && (a.body["expires_in"] != 3600.0 || a.body["token_type"] != "Bearer") {
				t.Errorf("token answer %s", a.raw)
			}
		})
	}
}

func TestTokenLivesAnHourAndCanBeRevoked(t *testing.T) {
	w := start(t)
	get := func(token string) int {
		return w.send(w.request("GET", "/orgs", nil, "Authorization", "Bearer "+token)).status
	}
	first, second := w.token(ownerID), w.token(ownerID)
	if first == second {
		t.Fatal("two tokens are the same")
	}
	if got := get(first); got != 200 {
		t.Fatalf("fresh token: %d", got)
	}
	const form = "application/x-www-form-urlencoded"
	if a := w.tokenCall(revokePath, readerID, secrets[readerID], form, "token="+first); a.status != 200 || get(first) != 200 {
		t.Errorf("another client revoked the token: %d %s", a.status, a.raw)
	}
	if a := w.tokenCall(revokePath, ownerID, secrets[ownerID], form, "token="+first+"&token_type_hint=access_token"); a.status != 200 || a.raw != "" {
		t.Errorf("revoke: %d %q", a.status, a.raw)
	}
	if got := get(first); got != 401 {
		t.Errorf("revoked token: %d", got)
	}
	w.Advance(time.Hour - time.Second)
	if got := get(second); got != 200 {
		t.Errorf("token of 59:59: %d", got)
	}
	w.Advance(time.Second)
	if got := get(second); got != 401 {
		t.Errorf("token of 60:00: %d", got)
	}
}

func TestAtMostHundredLiveTokens(t *testing.T) {
	w := start(t)
	for range 100 {
		w.token(ownerID)
	}
	a := w.tokenCall(tokenPath, ownerID, secrets[ownerID], "application/x-www-form-urlencoded", "grant_type=client_credentials")
	if a.status != 403 || a.body["error"] != "access_denied" {
		t.Fatalf("token 101: %d %s", a.status, a.raw)
	}
	w.token(readerID)
	w.Advance(time.Hour)
	w.token(ownerID)
	if got := w.TokensIssued(); got != 100+2 {
		t.Errorf("%d tokens issued", got)
	}
}

func TestBadCredentials(t *testing.T) {
	w := start(t)
	for name, header := range map[string]string{"none": "", "bearer": "Bearer x", "other": "Negotiate x"} {
		a := w.send(w.request("GET", "/orgs", nil, "Authorization", header))
		if a.status != 401 || a.code() != "UNEXPECTED_ERROR" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		if _, has := a.body["parameters"]; has || !strings.Contains(a.raw, "\n  \"") {
			t.Errorf("%s: not the recorded body: %s", name, a.raw)
		}
		if got := a.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: content type %q", name, got)
		}
	}
	if got := len(w.Requests()); got != 0 {
		t.Errorf("%d unauthenticated requests were logged", got)
	}
}

// digestHeader answers a challenge as the named key would.
func digestHeader(challenge, user, secret, method, uri, qop string) string {
	nonce := regexp.MustCompile(`nonce="([^"]*)"`).FindStringSubmatch(challenge)[1]
	d := map[string]string{"username": user, "uri": uri, "nonce": nonce, "nc": "00000001", "cnonce": rand.Text(), "qop": strings.Trim(qop, `"`)}
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=%s, nc=%s, cnonce="%s", response="%s", algorithm=MD5`,
		user, digestRealm, nonce, uri, qop, d["nc"], d["cnonce"], digestResponse(d, method, secret))
}

const keySecret = "00000000-0000-0000-0000-000000000000"

func TestDigest(t *testing.T) {
	w := start(t)
	path := w.path("{prod}/accessList?itemsPerPage=1")
	first := w.send(w.request("GET", path, nil))
	challenge := first.header.Get("WWW-Authenticate")
	want := regexp.MustCompile(`^Digest realm="MMS Public API", domain="", nonce="[^"]+", algorithm=MD5, qop="auth", stale=false$`)
	if first.status != 401 || !want.MatchString(challenge) {
		t.Fatalf("challenge %d %q", first.status, challenge)
	}
	uri := apiPrefix + path
	send := func(header string) answerOf { return w.send(w.request("GET", path, nil, "Authorization", header)) }
	for name, c := range map[string]struct {
		header string
		status int
	}{
		"bare qop":      {digestHeader(challenge, "abcdefgh", keySecret, "GET", uri, "auth"), 200},
		"quoted qop":    {digestHeader(challenge, "abcdefgh", keySecret, "GET", uri, `"auth"`), 200},
		"wrong key":     {digestHeader(challenge, "abcdefgh", "nope", "GET", uri, "auth"), 401},
		"unknown key":   {digestHeader(challenge, "zzzzzzzz", keySecret, "GET", uri, "auth"), 401},
		"other uri":     {digestHeader(challenge, "abcdefgh", keySecret, "GET", uri+"&x=1", "auth"), 401},
		"other method":  {digestHeader(challenge, "abcdefgh", keySecret, "POST", uri, "auth"), 401},
		"foreign nonce": {digestHeader(`nonce="66b0x00"`, "abcdefgh", keySecret, "GET", uri, "auth"), 401},
		"nothing":       {"Digest ", 401},
	} {
		if a := send(c.header); a.status != c.status {
			t.Errorf("%s: %d, want %d: %s", name, a.status, c.status, a.raw)
		}
	}
	repeated := digestHeader(challenge, "abcdefgh", keySecret, "GET", uri, "auth")
	for i, want := range []int{200, 401} {
		if a := send(repeated); a.status != want {
			t.Errorf("the same header, time %d: %d", i+1, a.status)
		}
	}
	w.Advance(nonceLife)
	stale := send(digestHeader(challenge, "abcdefgh", keySecret, "GET", uri, "auth"))
	if stale.status != 401 || !strings.Contains(stale.header.Get("WWW-Authenticate"), "stale=true") {
		t.Errorf("old nonce: %d %q", stale.status, stale.header.Get("WWW-Authenticate"))
	}
	if a := send(digestHeader(stale.header.Get("WWW-Authenticate"), "abcdefgh", keySecret, "GET", uri, "auth")); a.status != 200 {
		t.Errorf("new nonce: %d", a.status)
	}
}

// Each header is signed rightly: it is its form that counts.
func TestDigestForms(t *testing.T) {
	w := start(t)
	challenge := w.send(w.request("GET", "/orgs", nil)).header.Get("WWW-Authenticate")
	nonce := regexp.MustCompile(`nonce="([^"]*)"`).FindStringSubmatch(challenge)[1]
	for _, c := range []struct {
		qop, nc, cnonce string
		status          int
	}{
		{"auth", "00000001", "a", 200}, {"auth", "00000001", "b", 200}, {"auth", "0000000A", "a", 200}, {"auth", "00000001", "a", 401},
		{"auth", "1", "a", 401}, {"auth", "0000000g", "a", 401}, {"auth", "", "a", 401}, {"auth", "00000002", "", 401},
		{"auth-int", "00000002", "a", 401}, {"", "", "", 200}, {"", "", "", 200}, {"", "00000001", "a", 401},
	} {
		d := map[string]string{"username": "abcdefgh", "uri": apiPrefix + "/orgs", "nonce": nonce, "nc": c.nc, "cnonce": c.cnonce, "qop": c.qop}
		header := `Digest response="` + digestResponse(d, "GET", keySecret) + `"`
		for k, v := range d {
			header += `, ` + k + `="` + v + `"`
		}
		if a := w.send(w.request("GET", "/orgs", nil, "Authorization", header)); a.status != c.status {
			t.Errorf("%+v: %d", c, a.status)
		}
	}
	w.Advance(2 * nonceLife)
	w.by("abcdefgh", keySecret, "192.0.2.1", "GET", "/orgs", nil)
	if len(w.uses) != 1 {
		t.Errorf("%d nonces are remembered", len(w.uses))
	}
}

func TestChallengeHasNoSideEffects(t *testing.T) {
	w := start(t)
	for range 3 {
		a := w.send(w.request("DELETE", w.path("{prod}/accessList/203.0.113.7"), nil))
		if a.status != 401 {
			t.Fatalf("got %d", a.status)
		}
	}
	if n := len(w.Requests()) + len(w.Effects()) + len(w.events("{prod}")); n != 0 {
		t.Errorf("challenges left %d traces", n)
	}
}

// Who has not said who it is learns nothing of what there is: neither which paths and
// versions are served, nor which ids exist, nor that a body is wrong.
func TestUnauthenticatedLearnsNothing(t *testing.T) {
	w := start(t)
	for _, c := range []struct{ method, path, body, accept string }{
		{"GET", "{prod}", "", anyAccept},
		{"GET", "/groups/ffffffffffffffffffffffff", "", anyAccept},
		{"GET", "/groups/nope", "", anyAccept},
		{"GET", "/nowhere", "", anyAccept},
		{"PUT", "{prod}/accessList", "[]", anyAccept},
		{"GET", "{prod}", "", "application/json"},
		{"GET", "{prod}/clusters", "", "application/vnd.atlas.2022-01-01+json"},
		{"POST", "{prod}/accessList", "{", anyAccept},
	} {
		for name, headers := range map[string][]string{
			"nothing": {"Accept", c.accept}, "an unknown token": {"Accept", c.accept, "Authorization", "Bearer fake"},
			"an unknown scheme": {"Accept", c.accept, "Authorization", "Basic YTpi"},
		} {
			a := w.send(w.request(c.method, w.path(c.path), c.body, headers...))
			if a.status != 401 || a.code() != "UNEXPECTED_ERROR" || a.header.Get("WWW-Authenticate") == "" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s with %s: %d %s", c.method, c.path, name, a.status, a.raw)
			}
		}
	}
	if n := len(w.Requests()) + len(w.Effects()); n != 0 {
		t.Errorf("they left %d traces", n)
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		id, method, path string
		status           int
		code             string
	}{
		{ownerID, "GET", "{prod}/accessList", 200, ""},
		{readerID, "GET", "{prod}/accessList", 200, ""},
		{readerID, "GET", "{org}", 200, ""},
		{readerID, "GET", "{prod}/events", 200, ""},
		{readerID, "DELETE", "{prod}/accessList/203.0.113.7", 401, "USER_UNAUTHORIZED"},
		{readerID, "DELETE", "{prod}/databaseUsers/admin/app", 401, "USER_UNAUTHORIZED"},
		{readerID, "DELETE", "{prod}/customDBRoles/roles/outer", 401, "USER_UNAUTHORIZED"},
		{readerID, "GET", "{prod}/dbAccessHistory/clusters/main", 401, "USER_UNAUTHORIZED"},
		{readerID, "DELETE", "{dev}", 401, "USER_UNAUTHORIZED"},
		{memberID, "GET", "{prod}/accessList", 200, ""},
		{memberID, "DELETE", "{prod}/accessList/203.0.113.7", 204, ""},
		{memberID, "DELETE", "{prod}/databaseUsers/admin/app", 401, "USER_UNAUTHORIZED"},
		{memberID, "GET", "{dev}", 401, "USER_CANNOT_ACCESS_GROUP"},
		{ownerID, "GET", "{foreign}", 401, "USER_CANNOT_ACCESS_GROUP"},
		{ownerID, "GET", "/groups/ffffffffffffffffffffffff", 404, "GROUP_NOT_FOUND"},
		{ownerID, "GET", "/groups/nope", 404, "INVALID_GROUP_ID"},
		{ownerID, "GET", "/orgs/ffffffffffffffffffffffff", 404, "ORG_NOT_FOUND"},
		{ownerID, "GET", "/orgs/nope/groups", 404, "INVALID_ORG_ID"},
		{ownerID, "GET", "/nowhere", 404, "RESOURCE_NOT_FOUND"},
		{ownerID, "PUT", "{prod}/accessList", 405, "METHOD_NOT_ALLOWED"},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			w := start(t)
			a := w.as(c.id, c.method, w.path(c.path), nil)
			if a.status != c.status || a.code() != c.code {
				t.Errorf("got %d %s, want %d %s", a.status, a.raw, c.status, c.code)
			}
		})
	}
}

func TestForeignOrgIsRefused(t *testing.T) {
	w := start(t)
	a := w.as(ownerID, "GET", "/orgs/"+w.OrgID("OtherCorp"), nil)
	if a.status != 401 || a.code() != "USER_CANNOT_ACCESS_ORG" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
}

func TestListsShowWhatTheCredentialSees(t *testing.T) {
	w := start(t)
	for id, want := range map[string]string{ownerID: "prod dev", readerID: "prod dev", memberID: "prod"} {
		for _, path := range []string{"/groups", w.path("{org}/groups")} {
			var names []string
			for _, r := range w.as(id, "GET", path, nil).results() {
				names = append(names, r["name"].(string))
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s sees %q in %s, want %q", id, got, path, want)
			}
		}
		if got := w.as(id, "GET", "/orgs", nil).results(); len(got) != 1 || got[0]["name"] != "ExampleCorp" {
			t.Errorf("%s sees organisations %v", id, got)
		}
	}
}

func TestDeny(t *testing.T) {
	w := start(t)
	w.Deny("listGroupAccessListEntries", true)
	if a := w.as(ownerID, "GET", w.path("{prod}/accessList"), nil); a.status != 401 || a.code() != "USER_UNAUTHORIZED" {
		t.Errorf("denied: %d %s", a.status, a.raw)
	}
	if a := w.do("GET", w.path("{prod}/accessList"), nil); a.status != 200 {
		t.Errorf("a click is denied: %d", a.status)
	}
	w.Deny("listGroupAccessListEntries", false)
	if a := w.as(ownerID, "GET", w.path("{prod}/accessList"), nil); a.status != 200 {
		t.Errorf("allowed again: %d", a.status)
	}
}
