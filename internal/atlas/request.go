package atlas

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	readTries   = 4
	readBackoff = 500 * time.Millisecond
	maxBody     = 64 << 20
)

// request is one call of an operation.
type request struct {
	route  route
	id     string   // of the org or project whose bucket it draws on, and its first argument
	args   []string // further path segments
	query  url.Values
	body   []byte
	action string // of a write
}

func (r request) String() string {
	if r.id == "" {
		return r.route.op
	}
	return r.route.op + " of " + r.id
}

// path has the id first where the route begins with an org or a project.
func (r request) path() string {
	if !strings.HasPrefix(r.route.path, "/orgs/") && !strings.HasPrefix(r.route.path, "/groups/") {
		return r.route.expand(r.args)
	}
	return r.route.expand(append([]string{r.id}, r.args...))
}

func (r request) bucket(s side) string {
	if r.route.of == ofUser {
		return r.route.set + "|" + s.name
	}
	return r.route.set + "|" + r.id
}

// get reads with the read side and decodes the body. What may pass is tried again, a
// few times; a body that does not decode was cut. It returns Atlas's time directly
// before the request that was answered.
func (c *Client) get(ctx context.Context, r request, decode func([]byte) error) (time.Time, error) {
	return c.getWith(ctx, c.read, r, decode)
}

func (c *Client) getWith(ctx context.Context, s side, r request, decode func([]byte) error) (time.Time, error) {
	var last *failure
	for try := range readTries {
		if err := pause(ctx, backoff(readBackoff, try)); err != nil {
			break
		}
		began, body, f := c.once(ctx, s, r)
		if f == nil {
			if err := decode(body); err == nil {
				return began, nil
			}
			// The decoder's error could quote the body.
			f = temporary(fmt.Sprintf("the answer of %d bytes is empty, cut or no JSON of the expected form", len(body)), nil)
		}
		last = f
		if !errors.Is(f, access.ErrTemporary) || f.later {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", r, temporary("given up", context.Cause(ctx)))
	}
	return time.Time{}, fmt.Errorf("%s: %w", r, last)
}

// once makes one attempt, when the budget allows.
func (c *Client) once(ctx context.Context, s side, r request) (time.Time, []byte, *failure) {
	key := r.bucket(s)
	if err := c.allowance(ctx, key, r); err != nil {
		return time.Time{}, nil, asFailure(err)
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := c.compose(ctx, r)
	if err != nil {
		return time.Time{}, nil, &failure{why: "compose the request", cause: err}
	}
	began, sent := c.Now(), time.Now()
	resp, err := s.send.RoundTrip(req)
	if err != nil {
		c.metrics.requests.WithLabelValues(r.route.op, "error").Inc()
		return began, nil, asFailure(err)
	}
	defer drain(resp)
	c.metrics.requests.WithLabelValues(r.route.op, strconv.Itoa(resp.StatusCode)).Inc()
	c.skew.observe(resp.Header, sent, time.Now())
	c.budget.learn(key, r.route.set, resp.Header, time.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		f := refusal(resp, body, r.route, s)
		c.holdBack(key, r.route.set, f)
		return began, nil, f
	case err != nil:
		return began, nil, temporary("the answer is cut", err)
	case len(body) > maxBody:
		return began, nil, &failure{why: fmt.Sprintf("the answer is longer than %d MiB", maxBody>>20)}
	}
	return began, body, nil
}

// allowance waits for the budget. A write never waits: whoever sends it has checked
// directly before that it still may.
func (c *Client) allowance(ctx context.Context, key string, r request) error {
	if r.route.method == http.MethodGet {
		return c.budget.wait(ctx, key, isUrgent(ctx), isYielding(ctx))
	}
	if d := c.budget.delay(key, true, time.Now()); d > 0 {
		return notNow(d)
	}
	return nil
}

// holdBack obeys Retry-After, and waits 10 s where a 429 has none.
func (c *Client) holdBack(key, set string, f *failure) {
	if f.status == http.StatusTooManyRequests && f.after == 0 {
		f.after = 10 * time.Second
	}
	if f.after > 0 && errors.Is(f, access.ErrTemporary) {
		c.budget.block(key, set, f.after)
	}
}

func (c *Client) compose(ctx context.Context, r request) (*http.Request, error) {
	target := c.base.String() + r.path()
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.route.method, target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", r.route.mediaType())
	req.Header.Set("User-Agent", c.agent)
	if r.body != nil {
		req.Header.Set("Content-Type", r.route.mediaType())
	}
	if r.action != "" {
		req.Header.Set("User-Agent", c.agent+" (action "+r.action+")")
	}
	return req, nil
}

// backoff is nothing before the first try, then doubles, with jitter.
func backoff(base time.Duration, try int) time.Duration {
	if try == 0 {
		return 0
	}
	d := base << (try - 1)
	return d/2 + rand.N(d)
}
