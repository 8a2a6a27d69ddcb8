package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// issuing is an OpenID Connect provider on loopback.
type issuing struct {
	*httptest.Server
	keys    atomic.Pointer[jose.JSONWebKeySet]
	issuer  atomic.Pointer[string] // what discovery says; nil: the truth
	jwks    string                 // where discovery says the keys are; empty: where they are
	asked   atomic.Int32
	refuses atomic.Bool
}

func newIssuer(t *testing.T) *issuing {
	t.Helper()
	p := &issuing{}
	p.keys.Store(&jose.JSONWebKeySet{})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if p.refuses.Load() {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			issuer, at := p.URL, p.URL+"/keys"
			if other := p.issuer.Load(); other != nil {
				issuer = *other
			}
			if p.jwks != "" {
				at = p.jwks
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "jwks_uri": at, "id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"}})
		case "/keys":
			_ = json.NewEncoder(w).Encode(p.keys.Load())
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// signer is a private key with its id.
type signer struct {
	id  string
	alg jose.SignatureAlgorithm
	key any
}

func newRSA(t *testing.T, id string) signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, jose.RS256, k}
}

func newEC(t *testing.T, id string) signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, jose.ES256, k}
}

func (p *issuing) publish(keys ...signer) {
	set := &jose.JSONWebKeySet{}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.key.(crypto.Signer).Public(), KeyID: k.id, Algorithm: string(k.alg), Use: "sig"})
	}
	p.keys.Store(set)
}

func (s signer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	signing, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: s.key}, (&jose.SignerOptions{}).WithHeader("kid", s.id))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signing.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// login is a gate whose callers the provider vouches for.
type login struct {
	*gate
	issuer *issuing
	key    signer
}

func newLogin(t *testing.T, edit func(*AuthOptions)) *login {
	t.Helper()
	l := &login{issuer: newIssuer(t), key: newEC(t, "first")}
	l.issuer.publish(l.key)
	l.gate = newGate(t, func(o *Options) { o.Limits.Failure = Pace{time.Second, 1000} })
	options := AuthOptions{
		OIDC: OIDC{Issuer: l.issuer.URL, Audience: "gatewarden", GroupsClaim: "groups", PrincipalClaim: "email", Groups: map[string]Grant{
			"sre": {Roles: []Role{RoleApprover}, Projects: []string{"*-prod"}}, "staff": {Roles: []Role{RoleViewer}}, "leads": {Roles: []Role{RoleAdmin}},
		}},
		Principals: []access.Principal{{ID: "alice", Email: "alice@example.com"}, {ID: "bob", Email: "bob@example.com"}, {ID: "bob@example.com"}},
		Now:        func() time.Time { return l.now },
	}
	if edit != nil {
		edit(&options)
	}
	auth := NewAuth(options)
	l.server.Auth = func() *Auth { return auth }
	return l
}

// claims are good ones, edited.
func (l *login) claims(edits ...any) map[string]any {
	out := map[string]any{
		"iss": l.issuer.URL, "aud": "gatewarden", "sub": "subject-1", "iat": l.now.Unix(), "exp": l.now.Add(time.Hour).Unix(),
		"email": "alice@example.com", "email_verified": true, "groups": []string{"sre", "others"},
	}
	for i := 0; i+1 < len(edits); i += 2 {
		if name := edits[i].(string); edits[i+1] == nil {
			delete(out, name)
		} else {
			out[name] = edits[i+1]
		}
	}
	return out
}

func (l *login) with(token, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, prefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	return l.send(r)
}

// TestOIDC: what a token says is who asks, and what its groups may do.
func TestOIDC(t *testing.T) {
	l := newLogin(t, nil)
	for _, c := range []struct {
		edits      []any
		code       int
		principal  string
		see, admin int // a finding in prod; freezing it
	}{
		{nil, 200, "alice", 200, 403},
		{[]any{"groups", "sre"}, 200, "alice", 200, 403},
		{[]any{"groups", []string{"leads"}}, 200, "alice", 200, 200},
		{[]any{"groups", []string{"staff", "sre"}}, 200, "alice", 200, 403},
		{[]any{"email", "ALICE@example.com"}, 200, "alice", 200, 403},
		{[]any{"aud", []string{"other", "gatewarden"}}, 200, "alice", 200, 403},
		{[]any{"groups", []string{"others"}}, 403, "", 0, 0}, {[]any{"groups", nil}, 403, "", 0, 0}, {[]any{"groups", 7}, 403, "", 0, 0}, {[]any{"groups", []any{7, map[string]any{}}}, 403, "", 0, 0},
		{[]any{"email", "mallory@example.com"}, 403, "", 0, 0}, {[]any{"email", nil}, 403, "", 0, 0}, {[]any{"email", 7}, 403, "", 0, 0},
		{[]any{"email", "bob@example.com"}, 403, "", 0, 0}, // two principals
		{[]any{"email_verified", false}, 403, "", 0, 0}, {[]any{"email_verified", nil}, 403, "", 0, 0}, {[]any{"email_verified", "true"}, 403, "", 0, 0},
		{[]any{"aud", "somebody"}, 401, "", 0, 0}, {[]any{"aud", nil}, 401, "", 0, 0},
		{[]any{"iss", "https://login.example.com"}, 401, "", 0, 0}, {[]any{"iss", l.issuer.URL + "/"}, 401, "", 0, 0},
		{[]any{"exp", l.now.Add(-time.Second).Unix()}, 401, "", 0, 0}, {[]any{"exp", nil}, 401, "", 0, 0}, {[]any{"nbf", l.now.Add(time.Hour).Unix()}, 401, "", 0, 0},
	} {
		token := l.key.sign(t, l.claims(c.edits...))
		w := l.with(token, "GET", "/whoami", "")
		if w.Code != c.code {
			t.Errorf("%v: %d %s, want %d", c.edits, w.Code, w.Body, c.code)
			continue
		}
		if c.code != 200 {
			continue
		}
		if who := decoded[Whoami](t, w); who.Principal != c.principal || who.How != "oidc subject-1" {
			t.Errorf("%v: %+v", c.edits, who)
		}
		if w := l.with(token, "GET", "/findings/"+l.backend.findings[0].ID, ""); w.Code != c.see {
			t.Errorf("%v: a finding: %d", c.edits, w.Code)
		}
		if w := l.with(token, "POST", "/commands", l.body(access.VerbFreeze)); w.Code != c.admin {
			t.Errorf("%v: freeze: %d %s", c.edits, w.Code, w.Body)
		}
	}
	if len(l.backend.given) != 1 || l.backend.given[0].By != "alice" || l.backend.given[0].How != "oidc subject-1" {
		t.Errorf("given: %+v", l.backend.given)
	}
	if n := l.issuer.asked.Load(); n != 2 {
		t.Errorf("the provider was asked %d times, want 2: its keys are kept", n)
	}
}

// TestForgedTokens: none of them is somebody's, and none has the provider asked without end.
func TestForgedTokens(t *testing.T) {
	l := newLogin(t, nil)
	good := l.key.sign(t, l.claims())
	parts := strings.Split(good, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	raw, err := json.Marshal(l.claims("email", "alice@example.com", "groups", []string{"leads"}))
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(l.issuer.keys.Load().Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	shared := signer{"first", jose.HS256, public} // the public key as if it were a shared one
	short := signer{"first", jose.HS256, []byte("0123456789abcdef0123456789abcdef")}
	stranger := newEC(t, "first")
	unknown := newEC(t, "stranger")
	for name, token := range map[string]string{
		"none":                  encode(`{"alg":"none"}`) + "." + encode(string(raw)) + ".",
		"None":                  encode(`{"alg":"None"}`) + "." + encode(string(raw)) + ".",
		"none, with signature":  encode(`{"alg":"none","kid":"first"}`) + "." + encode(string(raw)) + "." + parts[2],
		"HS256 by public key":   shared.sign(t, l.claims()),
		"HS256":                 short.sign(t, l.claims()),
		"other claims":          parts[0] + "." + encode(string(raw)) + "." + parts[2],
		"no signature":          parts[0] + "." + parts[1] + ".",
		"another's signature":   stranger.sign(t, l.claims()),
		"an unknown key":        unknown.sign(t, l.claims()),
		"a key in the header":   encode(fmt.Sprintf(`{"alg":"ES256","jwk":%s}`, public)) + "." + encode(string(raw)) + "." + parts[2],
		"three dots":            good + ".x",
		"nonsense":              "a.b.c",
		"empty":                 "..",
		"other algorithm named": encode(`{"alg":"RS256","kid":"first"}`) + "." + parts[1] + "." + parts[2],
	} {
		w := l.with(token, "GET", "/whoami", "")
		if w.Code != 401 && (w.Code != 503 || !strings.Contains(w.Body.String(), "unknown keys")) { // the keys are not asked for each time
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := l.with(good, "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("the good one: %d %s", w.Code, w.Body)
	}
	before := l.issuer.asked.Load()
	for range 50 {
		if w := l.with(unknown.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 401 && w.Code != 503 {
			t.Errorf("an unknown key: %d", w.Code)
		}
	}
	if n := l.issuer.asked.Load() - before; n > 5 {
		t.Errorf("the provider was asked %d times for 50 forged tokens", n)
	}
	if w := l.with(good, "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("the good one, meanwhile: %d %s", w.Code, w.Body)
	}
}

// TestKeyRotation: a new key is found when it is first used, and one that is withdrawn is
// believed no longer than keysRenewed.
func TestKeyRotation(t *testing.T) {
	l := newLogin(t, nil)
	second := newRSA(t, "second")
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	l.issuer.publish(l.key, second)
	if w := l.with(second.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("with the new key: %d %s", w.Code, w.Body)
	}
	l.issuer.publish(second)
	l.now = l.now.Add(keysRenewed)
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 401 {
		t.Errorf("with the withdrawn key: %d %s", w.Code, w.Body)
	}
	if w := l.with(second.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("with the key that stays: %d %s", w.Code, w.Body)
	}
	l.issuer.refuses.Store(true)
	l.now = l.now.Add(keysRenewed)
	if w := l.with(second.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("with the provider away for a while: %d %s", w.Code, w.Body)
	}
	l.now = l.now.Add(keysKept)
	if w := l.with(second.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 503 {
		t.Errorf("with the provider away for long: %d %s", w.Code, w.Body)
	}
}

// TestProviderIsAway: nobody gets in, tokens of the configuration do, and it comes back by itself.
func TestProviderIsAway(t *testing.T) {
	token, hash := NewToken()
	l := newLogin(t, func(o *AuthOptions) {
		o.Tokens = []Token{{Name: "spare", SHA256: hash, Principal: "alice", Grant: Grant{Roles: []Role{RoleViewer}}}}
	})
	l.issuer.refuses.Store(true)
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := l.with(token, "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("a token of the configuration: %d %s", w.Code, w.Body)
	}
	l.issuer.refuses.Store(false)
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 200 {
		t.Errorf("once it is back: %d %s", w.Code, w.Body)
	}
}

// TestWrongProvider: discovery that names another issuer, or keys in the clear, is refused.
func TestWrongProvider(t *testing.T) {
	l := newLogin(t, nil)
	other := "https://login.example.com"
	l.issuer.issuer.Store(&other)
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "issuer") {
		t.Errorf("another issuer: %d %s", w.Code, w.Body)
	}
	l = newLogin(t, nil)
	l.issuer.jwks = "http://login.example.com/keys"
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "only https") {
		t.Errorf("keys in the clear: %d %s", w.Code, w.Body)
	}
}

// TestPrincipalByAnotherClaim: what the configuration names counts, without a word on e-mail.
func TestPrincipalByAnotherClaim(t *testing.T) {
	l := newLogin(t, func(o *AuthOptions) { o.OIDC.PrincipalClaim = "preferred_username" })
	if w := l.with(l.key.sign(t, l.claims("email_verified", nil, "preferred_username", "alice")), "GET", "/whoami", ""); w.Code != 200 || decoded[Whoami](t, w).Principal != "alice" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := l.with(l.key.sign(t, l.claims()), "GET", "/whoami", ""); w.Code != 403 {
		t.Errorf("without the claim: %d %s", w.Code, w.Body)
	}
}
