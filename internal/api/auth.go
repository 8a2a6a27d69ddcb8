package api

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// AuthOptions say who may call.
type AuthOptions struct {
	Tokens     []Token
	OIDC       OIDC // a zero Issuer: none
	Principals []access.Principal
	Transport  http.RoundTripper // to the OIDC provider; nil: the network
	Now        func() time.Time  // nil: time.Now
}

// Auth knows who asks. It may be used by several at once.
type Auth struct {
	tokens []Token
	form   *regexp.Regexp
	oidc   *provider // nil: none
}

// NewAuth is an Auth that knows these. It calls no provider before it is asked.
func NewAuth(o AuthOptions) *Auth {
	a := &Auth{tokens: o.Tokens, form: tokenForm()}
	if o.OIDC.Issuer != "" {
		a.oidc = newProvider(o)
	}
	return a
}

// Nobody reports whether nobody can be known at all.
func (a *Auth) Nobody() bool { return a == nil || len(a.tokens) == 0 && a.oidc == nil }

// maxToken bounds a bearer token: those of providers list groups.
const maxToken = 16 << 10

// identify is who sent these headers. Its problems tell nothing of the token.
func (a *Auth) identify(ctx context.Context, h http.Header) (identity, *Problem) {
	if a.Nobody() {
		return identity{}, unauthenticated("make a token with gatewarden token new, and put what it prints under auth.tokens of the configuration", "nobody may call this API yet: no token is configured")
	}
	values := h.Values("Authorization")
	if len(values) == 0 {
		return identity{}, unauthenticated("send the header Authorization: Bearer TOKEN; gatewarden's commands take it from GATEWARDEN_TOKEN", "the request says not who asks")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	switch {
	case len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken || strings.ContainsAny(token, " \t"):
		return identity{}, unauthenticated("send one header Authorization: Bearer TOKEN", "the request does not say who asks by one bearer token")
	case a.form.MatchString(token):
		if t, ok := find(a.tokens, token); ok {
			return identity{principal: t.Principal, how: "token " + t.Name, key: "token " + t.Name, grants: []Grant{t.Grant}}, nil
		}
	case a.oidc != nil && strings.Count(token, ".") == 2:
		return a.oidc.identify(ctx, token)
	}
	return identity{}, unauthenticated("use a token that stands under auth.tokens of the configuration in force; it may have been taken out", "the token is not one that is known")
}

func unauthenticated(next, format string, args ...any) *Problem {
	p := problem(http.StatusUnauthorized, "unauthenticated", "Who asks is not known", next, format, args...)
	p.challenge = true
	return p
}
