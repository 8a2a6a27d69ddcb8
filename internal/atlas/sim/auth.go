package sim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ipInfoPath says from where the caller calls. It is in no document; the Atlas CLI and
// MongoDB's MCP server ask it to put their own address on an access list.
const ipInfoPath = "/api/private/ipinfo"

const (
	tokenLife  = time.Hour
	tokenPath  = "/api/oauth/token"
	revokePath = "/api/oauth/revoke"
)

// principal is a service account (clientID set) or an API key (publicKey set).
type principal struct {
	org    *org
	name   string // of a key, its description
	grants []Grant
	access []*address // from where it may be used; empty is from everywhere

	keyID, publicKey, privateKey string

	clientID    string
	description string
	created     time.Time
	managed     bool // by Atlas itself
	secrets     []*accountSecret
}

func (p *principal) credential() string { return orDefault(p.clientID, p.publicKey) }

func (p *principal) actor(remote string) Actor {
	a := Actor{PublicKey: p.publicKey, APIKeyID: p.keyID, ClientID: p.clientID, RemoteAddress: remote}
	return a
}

// token outlives the secret that it was issued for (a guess), but not its account.
type token struct {
	who     *principal
	expires time.Time
}

// authenticate finds who asks. The problem it returns carries the challenge.
func (a *Atlas) authenticate(r *http.Request) (*principal, *problem) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		t := a.tokens[strings.TrimSpace(rest)]
		if t == nil || !a.now().Before(t.expires) {
			return nil, unauthenticated(`Bearer realm="MMS Public API", error="invalid_token"`)
		}
		return t.who, nil
	case "digest":
		return a.checkDigest(r, rest)
	}
	return nil, unauthenticated(a.challenge(false))
}

// unauthenticated is the 401 of bad credentials: no parameters and, uniquely,
// pretty-printed.
func unauthenticated(challenge string) *problem {
	p := fail(http.StatusUnauthorized, "UNEXPECTED_ERROR", "You are not authorized for this resource.")
	p.params = nil
	p.header = http.Header{"Www-Authenticate": {challenge}}
	return p
}

// TokensIssued counts the access tokens issued so far.
func (a *Atlas) TokensIssued() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tokensIssued
}

// oauthError is the OAuth-shaped failure of the token endpoints.
func oauthError(status int, code, description string) response {
	return oauthAnswer(status, object{"error": code, "error_description": description})
}

func oauthAnswer(status int, body object) response {
	out := response{status: status, header: http.Header{"Cache-Control": {"no-store"}}}
	if body != nil {
		out.header.Set("Content-Type", "application/json")
		out.body, _ = json.Marshal(body)
	}
	return out
}

// oauth answers both token endpoints.
func (a *Atlas) oauth(r *http.Request, body []byte) response {
	if r.Method != http.MethodPost {
		return oauthError(http.StatusMethodNotAllowed, "invalid_request", "The token endpoints take POST only.")
	}
	who, refused := a.basicClient(r)
	if refused != nil {
		return *refused
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return oauthError(http.StatusBadRequest, "invalid_request", "The body must be a form.")
	}
	if r.URL.Path == revokePath {
		return a.revoke(who, form)
	}
	return a.issue(who, form)
}

// basicClient checks the client's id and secret, which come percent-encoded (as RFC 6749
// wants and the Go SDK does) or as they are (as MongoDB's MCP server does).
func (a *Atlas) basicClient(r *http.Request) (*principal, *response) {
	refused := oauthError(http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	refused.header.Set("Www-Authenticate", `Basic realm="MMS Public API"`)
	encoded, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Basic ")
	if !ok {
		return nil, &refused
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, found := strings.Cut(string(raw), ":")
	if err != nil || !found {
		return nil, &refused
	}
	if who := a.clients[id]; who != nil && who.opens(secret, a.now()) {
		return who, nil
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	who := a.clients[id]
	if errID != nil || errSecret != nil || who == nil || !who.opens(secret, a.now()) {
		return nil, &refused
	}
	return who, nil
}

// opens says whether the secret is one of the account's and still good, and notes its use.
func (p *principal) opens(secret string, now time.Time) bool {
	for _, s := range p.secrets {
		if s.value == secret && now.Before(s.expires) {
			used := now.Truncate(time.Second)
			s.used = &used
			return true
		}
	}
	return false
}

func (a *Atlas) issue(who *principal, form url.Values) response {
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return oauthError(http.StatusBadRequest, "invalid_request", "The parameter grant_type is missing.")
	default:
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "Only client_credentials is supported.")
	}
	if a.liveTokens(who) >= a.limit(limitTokens, who.org, nil) {
		return oauthError(http.StatusForbidden, "access_denied", "The service account has reached the limit of 100 active access tokens.")
	}
	a.tokensIssued++
	value := a.jwt(who)
	a.tokens[value] = &token{who, a.now().Add(tokenLife)}
	return oauthAnswer(http.StatusOK, object{
		"access_token": value, "expires_in": int(tokenLife.Seconds()), "token_type": "Bearer",
	})
}

// liveTokens counts the tokens of a client, forgetting those that have expired.
func (a *Atlas) liveTokens(who *principal) int {
	n, now := 0, a.now()
	for value, t := range a.tokens {
		if !now.Before(t.expires) {
			delete(a.tokens, value)
		} else if t.who == who {
			n++
		}
	}
	return n
}

// jwt makes a token that looks like a JWT. Its signature is made up.
func (a *Atlas) jwt(who *principal) string {
	part := func(v object) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	id := a.nextID("token")
	return part(object{"alg": "ES512", "typ": "JWT"}) + "." +
		part(object{"sub": who.clientID, "iat": a.now().Unix(), "exp": a.now().Add(tokenLife).Unix(), "jti": id}) + "." +
		a.derive("signature", id)
}

func (a *Atlas) revoke(who *principal, form url.Values) response {
	value := form.Get("token")
	if value == "" {
		return oauthError(http.StatusBadRequest, "invalid_request", "The parameter token is missing.")
	}
	if t := a.tokens[value]; t != nil && t.who == who {
		delete(a.tokens, value)
	}
	return oauthAnswer(http.StatusOK, nil)
}
