package atlas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	tokenMargin  = time.Minute // a token this near its end is not used any more
	forcedEvery  = time.Minute // how often a 401 may cost a new token
	tokenTries   = 3
	tokenBackoff = time.Second
	maxErrorBody = 1 << 20
)

// TokenStore keeps sealed access tokens across restarts and replicas. A key that is
// not there gives no bytes or an error; neither is serious.
type TokenStore interface {
	GetSealed(ctx context.Context, key string) ([]byte, error)
	PutSealed(ctx context.Context, key string, value []byte, ttl time.Duration) error
}

// oauth is the round tripper of a service account: it adds an access token, and when
// Atlas does not accept the token (which it also says with 401 when only a role is
// missing, by another code) drops it once and sends the request again.
type oauth struct {
	c     *Client
	cred  Credential
	store TokenStore
	next  http.RoundTripper

	turn   chan struct{} // held while the fields below are looked at or renewed
	token  accessToken
	forced time.Time // when a 401 last dropped a token
	after  time.Time // Atlas asked not to be asked for tokens before
}

type accessToken struct {
	Value   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

func (t accessToken) usable(now time.Time) bool {
	return t.Value != "" && now.Add(tokenMargin).Before(t.Expires)
}

func newOAuth(c *Client, cred Credential, store TokenStore, next http.RoundTripper) *oauth {
	return &oauth{c: c, cred: cred, store: store, next: next, turn: make(chan struct{}, 1)}
}

// RoundTrip implements http.RoundTripper.
func (o *oauth) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := o.get(req.Context(), "")
	if err != nil {
		return nil, err
	}
	resp, err := o.next.RoundTrip(bearing(req, token))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || roleMissing(resp) {
		return resp, err
	}
	renewed, err := o.get(req.Context(), token)
	if err != nil {
		drain(resp)
		return nil, err
	}
	again, ok := replay(req)
	if renewed == token || !ok {
		return resp, nil
	}
	drain(resp)
	return o.next.RoundTrip(bearing(again, renewed))
}

func bearing(req *http.Request, token string) *http.Request {
	out := req.Clone(req.Context())
	out.Header.Set("Authorization", "Bearer "+token)
	return out
}

// replay is the request with its body from the start.
func replay(req *http.Request) (*http.Request, bool) {
	out := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return out, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	out.Body = body
	return out, err == nil
}

// drain lets the connection be used again.
func drain(resp *http.Response) {
	_, err := io.CopyN(io.Discard, resp.Body, maxErrorBody)
	if closed := resp.Body.Close(); err == nil || errors.Is(err, io.EOF) || closed != nil {
		return // what cannot be drained is closed, and the connection with it
	}
}

// roleMissing reports whether a 401 speaks of a role and not of the token. The body
// can be read again afterwards.
func roleMissing(resp *http.Response) bool {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	var doc struct {
		Code string `json:"errorCode"`
	}
	return err == nil && json.Unmarshal(body, &doc) == nil && lacksRole(doc.Code)
}

// get returns a usable token: the one at hand, the stored one, or a new one. A token
// that Atlas refused is named in refused and not returned again, unless a token was
// dropped within the last minute: then the refusal is not the token's fault.
func (o *oauth) get(ctx context.Context, refused string) (string, error) {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return "", temporary("wait for an access token", ctx.Err())
	}
	now := time.Now()
	if o.token.usable(o.c.Now()) && o.token.Value != refused {
		return o.token.Value, nil
	}
	if refused != "" {
		if !o.forced.IsZero() && now.Sub(o.forced) < forcedEvery {
			return refused, nil
		}
		o.forced = now
	}
	return o.renew(ctx, refused)
}

func (o *oauth) renew(ctx context.Context, refused string) (string, error) {
	id, secret, err := o.cred.pair()
	if err != nil {
		return "", &failure{kind: access.ErrForbidden, why: "no access token", cause: err}
	}
	seal := newSeal(o.c.base.Host, id, secret)
	if t := o.stored(ctx, seal); t.usable(o.c.Now()) && t.Value != refused {
		o.token = t
		return t.Value, nil
	}
	t, err := o.ask(ctx, id, secret)
	if err != nil {
		return "", err
	}
	o.token = t
	o.keep(ctx, seal, t)
	return t.Value, nil
}

func (o *oauth) stored(ctx context.Context, s seal) accessToken {
	if o.store == nil {
		return accessToken{}
	}
	sealed, err := o.store.GetSealed(ctx, s.key)
	if err != nil {
		o.c.log.Debug("no stored access token", zap.Error(err))
		return accessToken{}
	}
	return s.open(sealed)
}

func (o *oauth) keep(ctx context.Context, s seal, t accessToken) {
	if o.store == nil {
		return
	}
	if err := o.store.PutSealed(ctx, s.key, s.close(t), t.Expires.Sub(o.c.Now())); err != nil {
		o.c.log.Warn("the access token is not stored: every start will ask for a new one", zap.Error(err))
	}
}

// ask requests a token, a few times where that may help.
func (o *oauth) ask(ctx context.Context, id, secret string) (accessToken, error) {
	var last *failure
	for try := range tokenTries {
		if err := pause(ctx, max(time.Until(o.after), backoff(tokenBackoff, try))); err != nil {
			return accessToken{}, temporary("wait to ask for an access token", err)
		}
		t, f := o.askOnce(ctx, id, secret)
		if f == nil {
			return t, nil
		}
		last = f
		if !errors.Is(f, access.ErrTemporary) || ctx.Err() != nil {
			break
		}
		if f.after > 0 {
			o.after = time.Now().Add(f.after)
			break // the request's own time is shorter than that
		}
	}
	return accessToken{}, last
}

func (o *oauth) askOnce(ctx context.Context, id, secret string) (accessToken, *failure) {
	form := url.Values{"grant_type": {"client_credentials"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.c.base.String()+tokenPath, strings.NewReader(form))
	if err != nil {
		return accessToken{}, temporary("ask for an access token", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", o.c.agent)
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	sent := o.c.Now()
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		o.c.metrics.requests.WithLabelValues("token", "error").Inc()
		return accessToken{}, asFailure(err)
	}
	o.c.metrics.requests.WithLabelValues("token", fmt.Sprint(resp.StatusCode)).Inc()
	defer drain(resp)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return accessToken{}, temporary("the answer to the request for an access token is cut", err)
	}
	if resp.StatusCode != http.StatusOK {
		return accessToken{}, tokenRefusal(resp, body, id)
	}
	return parseToken(body, sent)
}

func parseToken(body []byte, sent time.Time) (accessToken, *failure) {
	var doc struct {
		Token   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	// The decoder's own error could quote a part of the token.
	if json.Unmarshal(body, &doc) != nil || doc.Token == "" || doc.Seconds <= 0 || strings.ContainsAny(doc.Token, " \r\n") {
		return accessToken{}, temporary("the answer to the request for an access token has no token", nil)
	}
	return accessToken{doc.Token, sent.Add(time.Duration(doc.Seconds) * time.Second)}, nil
}

func tokenRefusal(resp *http.Response, body []byte, id string) *failure {
	var doc struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &doc) != nil || strings.Trim(doc.Error, "abcdefghijklmnopqrstuvwxyz_") != "" {
		doc.Error = ""
	}
	f := &failure{status: resp.StatusCode, code: doc.Error, after: retryAfter(resp.Header)}
	switch {
	case f.status == http.StatusTooManyRequests || f.status >= 500:
		f.kind, f.why = access.ErrTemporary, "no access token for "+id
	case f.status == http.StatusForbidden:
		f.kind, f.why = access.ErrForbidden, "no access token for "+id+": it has 100 live tokens, or may not have one: revoke tokens or wait an hour"
	default:
		f.kind, f.why = access.ErrForbidden, "no access token for "+id+": its secret is wrong, expired or deleted: make a new secret in Atlas and configure it"
	}
	return f
}
