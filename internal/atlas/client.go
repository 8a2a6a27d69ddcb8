package atlas

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// attemptTimeout bounds one request from dialling to the last byte of its answer.
const attemptTimeout = 10 * time.Second

// Options say which Atlas is spoken to, and as whom.
type Options struct {
	BaseURL string      // https://cloud.mongodb.com; http is allowed for loopback hosts only
	Version string      // of this program, for User-Agent
	Read    Credential  // used with GET and HEAD only
	Write   *Credential // nil: no write can be made
	DryRun  bool        // the write side sends GET and HEAD only

	Tokens TokenStore // may be nil: every start asks for a new token
	// Transport carries the requests. Nil is a clone of http.DefaultTransport without a
	// proxy: the proxy variables of the environment are not looked at. Where the way out
	// is a proxy, give a transport that has it; TLS still ends at Atlas.
	Transport http.RoundTripper

	Logger *zap.Logger
	// Registerer takes the metrics. Clients that share one share the metrics; give each
	// its own labels with prometheus.WrapRegistererWith where they must be told apart.
	Registerer prometheus.Registerer
}

// Client speaks to one Atlas with one read credential and perhaps a write credential.
// It is safe for concurrent use.
type Client struct {
	base    *url.URL
	agent   string
	log     *zap.Logger
	metrics metrics
	budget  *budget
	skew    *skew
	read    side
	write   *side
}

// side is one credential with the transport that holds it to what it may do.
type side struct {
	name     string // read or write
	readOnly bool
	cred     Credential
	// send answers one request. There is no http.Client around it: nobody follows a
	// redirect or looks into its Location.
	send http.RoundTripper
}

// New checks the options and builds a client. It makes no request.
func New(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := o.Read.validate(); err != nil {
		return nil, fmt.Errorf("read credential: %w", err)
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Transport == nil {
		o.Transport = directTransport()
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base: base, agent: "gatewarden/" + o.Version, log: o.Logger, metrics: m,
		budget: newBudget(m.ratio), skew: &skew{},
	}
	c.read = c.newSide("read", o.Read, true, o)
	if o.Write == nil {
		return c, nil
	}
	if err := o.Write.validate(); err != nil {
		return nil, fmt.Errorf("write credential: %w", err)
	}
	w := c.newSide("write", *o.Write, o.DryRun, o)
	c.write = &w
	return c, nil
}

// newSide stacks the round trippers: credential outside, gate and host pin innermost.
func (c *Client) newSide(name string, cred Credential, readOnly bool, o Options) side {
	var inner http.RoundTripper = &gate{base: c.base, readOnly: readOnly, name: name, next: o.Transport}
	if cred.ClientID != nil {
		inner = newOAuth(c, cred, o.Tokens, inner)
	} else {
		inner = newDigest(cred, inner)
	}
	return side{name: name, readOnly: readOnly, cred: cred, send: inner}
}

func directTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return &http.Transport{ForceAttemptHTTP2: true}
	}
	t = t.Clone()
	t.Proxy = nil
	t.MaxIdleConnsPerHost = 32
	return t
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("base URL of Atlas: it is not a URL")
	}
	u.Path = trimSlash(u.Path)
	switch {
	case u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("base URL of Atlas: want scheme and host only, for example https://cloud.mongodb.com")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("base URL of Atlas: %s://%s would send credentials in the clear: use https", u.Scheme, u.Host)
}

func trimSlash(path string) string {
	if path == "/" {
		return ""
	}
	return path
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// CanWrite reports whether there is a write credential that is not held by dry run.
func (c *Client) CanWrite() bool {
	return c.write != nil && !c.write.readOnly
}

// Now is Atlas's time: the local clock put right by [Client.Skew].
func (c *Client) Now() time.Time { return time.Now().Add(c.Skew()).UTC() }

// Skew is how far Atlas's clock is ahead of ours, as far as the Date headers of its
// answers prove it: zero until they prove a difference.
func (c *Client) Skew() time.Duration { return c.skew.estimate() }

type urgentKey struct{}

// Urgent marks the requests made under the context as remediation's: they do not wait
// while a bucket is below half.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

type yieldingKey struct{}

// Yielding marks the requests made under the context as polling's: where they would have
// to wait long for a bucket that is low, they are given up, so that one small bucket
// holds up nothing else. A [Client.Read] under it that is given up is unread.
func Yielding(ctx context.Context) context.Context {
	return context.WithValue(ctx, yieldingKey{}, true)
}

type patientKey struct{}

// Patient marks the requests made under the context as those of one look, which has no
// more urgent ones to come: they wait until their bucket has refilled, and where it has
// not within minutes, they go all the same. Told hears until when each wait is, at its
// beginning and now and then later, from several goroutines.
func Patient(ctx context.Context, told func(until time.Time)) context.Context {
	return context.WithValue(ctx, patientKey{}, told)
}

func patientOf(ctx context.Context) func(time.Time) {
	told, _ := ctx.Value(patientKey{}).(func(time.Time))
	return told
}

func isYielding(ctx context.Context) bool { return ctx.Value(yieldingKey{}) != nil }

func isUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

// hostPort names the port that the scheme implies where none is named.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
