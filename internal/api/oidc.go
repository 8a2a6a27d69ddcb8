package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/gatewarden/gatewarden/internal/access"
)

// OIDC is a provider of OpenID Connect, and what its groups may do.
type OIDC struct {
	Issuer, Audience            string
	GroupsClaim, PrincipalClaim string
	Groups                      map[string]Grant
}

const (
	keysRenewed = 15 * time.Minute // a key that the provider withdraws is believed no longer than this
	keysKept    = time.Hour        // while the provider cannot be reached
	maxAnswer   = 1 << 20          // of the provider, in bytes
)

// provider verifies the tokens of one issuer. It asks the issuer for its keys when it first
// needs them, when it meets a key that it does not know, and every keysRenewed.
type provider struct {
	OIDC
	principals []access.Principal
	client     *http.Client
	now        func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: the provider was not reached yet
	since    time.Time
}

func newProvider(o AuthOptions) *provider {
	p := &provider{OIDC: o.OIDC, principals: o.Principals, now: o.Now}
	if p.now == nil {
		p.now = time.Now
	}
	carry := o.Transport
	if carry == nil {
		carry = http.DefaultTransport
	}
	p.client = &http.Client{
		Timeout:       10 * time.Second,
		Transport:     guarded{carry, rate.NewLimiter(rate.Every(5*time.Second), 5)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// guarded carries what go to the provider: never in the clear over a network, not often, and
// not much of an answer. Whoever sends tokens with invented keys makes us ask.
type guarded struct {
	next http.RoundTripper
	pace *rate.Limiter
}

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if host, err := netip.ParseAddr(r.URL.Hostname()); r.URL.Scheme != "https" && (r.URL.Scheme != "http" || r.URL.Hostname() != "localhost" && (err != nil || !host.IsLoopback())) {
		return nil, fmt.Errorf("ask the OIDC provider at %s: only https is trusted with keys", r.URL.Redacted())
	}
	if !g.pace.Allow() {
		return nil, errors.New("ask the OIDC provider: it was asked often just now; tokens with unknown keys are sent")
	}
	answer, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// current is the verifier, made anew now and then: the library keeps keys for ever.
func (p *provider) current(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := p.now().Sub(p.since)
	if p.verifier != nil && age < keysRenewed {
		return p.verifier, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	switch {
	case err == nil:
		p.verifier, p.since = found.Verifier(&oidc.Config{ClientID: p.Audience, SupportedSigningAlgs: signing(), Now: p.now}), p.now()
	case p.verifier == nil || age > keysKept:
		return nil, fmt.Errorf("ask the OIDC provider %s for its keys: %w", p.Issuer, err)
	}
	return p.verifier, nil
}

// signing are the algorithms with a private and a public key: none has neither, and the
// HS ones have one key that the provider would have to share.
func signing() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

// identify is who the provider says sent the token.
func (p *provider) identify(ctx context.Context, raw string) (identity, *Problem) {
	verifier, err := p.current(ctx)
	if err != nil {
		return identity{}, problemOf(err)
	}
	token, err := verifier.Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return identity{}, unauthenticated("sign in again for a new one", "the token ended at %s", access.Stamp(expired.Expiry))
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		return identity{}, problemOf(fmt.Errorf("ask the OIDC provider %s for its keys: %w", p.Issuer, err))
	case err != nil:
		return identity{}, unauthenticated("get a token of the issuer and for the audience that auth.oidc of the configuration names", "the token is refused: %v", err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return identity{}, unauthenticated("", "the token's claims cannot be read: %v", err)
	}
	subject := token.Subject
	if subject == "" || unfit(subject, maxName) != "" { // it goes into records and logs
		subject = access.Hash(subject)
	}
	who := identity{how: "oidc " + subject, key: "oidc " + subject}
	groups := texts(claims[p.GroupsClaim])
	for _, g := range groups {
		if grant, ok := p.Groups[g]; ok {
			who.grants = append(who.grants, grant)
		}
	}
	if len(who.grants) == 0 {
		return identity{}, forbidden("put one of its groups under auth.oidc.roles of the configuration, or have the provider list groups in that claim",
			"none of the %d groups in the token's claim %s has a role", len(groups), p.GroupsClaim)
	}
	who.principal, err = p.principal(claims)
	if err != nil {
		return identity{}, forbidden("add them to principals of the configuration, with this id or e-mail", "%v", err)
	}
	return who, nil
}

// principal is the one declared principal that the claims name. Who names none may read
// nothing either: what is asked must have somebody who asked it.
func (p *provider) principal(claims map[string]any) (string, error) {
	name, _ := claims[p.PrincipalClaim].(string)
	if name == "" {
		return "", fmt.Errorf("the token has no claim %s that says who it is", p.PrincipalClaim)
	}
	if verified, _ := claims["email_verified"].(bool); p.PrincipalClaim == "email" && !verified {
		return "", errors.New("the provider does not say that it verified the token's e-mail (email_verified); name another claim under auth.oidc.principal_claim if it never does")
	}
	var found []string
	for _, d := range p.principals {
		if d.ID == name || d.Email != "" && strings.EqualFold(d.Email, name) {
			found = append(found, d.ID)
		}
	}
	switch found = slices.Compact(found); {
	case len(found) == 0:
		return "", fmt.Errorf("no principal is %q", shortened(name))
	case len(found) > 1:
		return "", fmt.Errorf("%d principals are %q", len(found), shortened(name))
	}
	return found[0], nil
}

// texts is a claim that is a text or a list of them.
func texts(claim any) (out []string) {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		for _, v := range c {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
