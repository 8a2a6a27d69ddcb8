package atlas

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// recording keeps what passes.
type recording struct {
	next http.RoundTripper
	mu   sync.Mutex
	reqs []*http.Request
}

func (r *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.reqs = append(r.reqs, req)
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

func (r *recording) all() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*http.Request(nil), r.reqs...)
}

// bearer is the newest access token that was sent.
func (r *recording) bearer() string {
	token := ""
	for _, req := range r.all() {
		if s, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "); ok {
			token = s
		}
	}
	return token
}

// Whatever an answer says, no other host is spoken to, with either credential.
func TestOneHostOnly(t *testing.T) {
	for name, cred := range map[string]Credential{"service account": reader(), "api key": key()} {
		for path, status := range map[string]int{tokenPath: 302, "/api/atlas/": 307, "links": 200} {
			t.Run(name+" "+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rec := &recording{next: transportFunc(func(r *http.Request) (*http.Response, error) {
						elsewhere := http.Header{"Location": {"https://elsewhere.example" + r.URL.Path}}
						challenged := name == "service account" || r.Header.Get("Authorization") != ""
						switch {
						case strings.HasPrefix(r.URL.Path, path):
							return reply(r, status, "", elsewhere), nil
						case r.URL.Path == tokenPath:
							return reply(r, 200, `{"access_token":"fake","expires_in":3600}`, nil), nil
						case !challenged:
							return reply(r, 401, "", http.Header{"Www-Authenticate": {`Digest realm="x", nonce="n", domain="https://elsewhere.example/", qop="auth"`}}), nil
						}
						return reply(r, 200, `{"links":[{"rel":"next","href":"https://elsewhere.example/next"}],"results":[`+
							strings.TrimSuffix(strings.Repeat(`{"cidrBlock":"10.0.0.0/8","links":[{"href":"https://elsewhere.example/"}]},`, 3), ",")+`],"totalCount":3}`, elsewhere), nil
					})}
					c := connect(t, rec, func(o *Options) { o.Read = cred; o.Write = &cred })
					c.Read(t.Context(), prod, access.KindIPAccessEntry)
					if _, err := c.Events(t.Context(), prod, c.Now()); err == nil && path != "links" && (path != tokenPath || name != "api key") {
						t.Error("a redirect was taken for an answer")
					}
					if err := c.Apply(t.Context(), "a-1", deleteOp("10.0.0.0/8")); err == nil && strings.HasPrefix(path, "/api/atlas") {
						t.Error("a redirected write was taken for done")
					}
					for _, r := range rec.all() {
						if r.URL.Host != "cloud.mongodb.com" || r.URL.Scheme != "https" {
							t.Errorf("%s %s", r.Method, r.URL)
						}
					}
					if len(rec.all()) == 0 {
						t.Error("nothing was sent")
					}
				})
			})
		}
	}
}

// The innermost round tripper refuses by itself, whoever composes the request.
func TestGate(t *testing.T) {
	base, err := parseBase(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	next := transportFunc(func(r *http.Request) (*http.Response, error) { sent++; return reply(r, 200, "", nil), nil })
	for _, tc := range []struct {
		readOnly    bool
		method, url string
		pass        bool
	}{
		{true, "GET", baseURL + "/api/atlas/v2/orgs", true},
		{true, "GET", baseURL + ":443/api/atlas/v2/orgs", true},
		{true, "HEAD", baseURL + "/api/atlas/v2/orgs", true},
		{true, "POST", baseURL + tokenPath, true},
		{true, "POST", baseURL + "/api/atlas/v2/groups", false},
		{true, "DELETE", baseURL + tokenPath, false},
		{true, "PATCH", baseURL + "/api/atlas/v2/x", false},
		{true, "POST", baseURL + "/api/oauth/token/../../atlas/v2/groups", false},
		{false, "DELETE", baseURL + "/api/atlas/v2/groups/x", true},
		{false, "GET", "https://elsewhere.example/api/atlas/v2/orgs", false},
		{false, "GET", "http://cloud.mongodb.com/api/atlas/v2/orgs", false},
		{false, "GET", baseURL + ":8443/api/atlas/v2/orgs", false},
		{false, "GET", "https://cloud.mongodb.com.elsewhere.example/", false},
	} {
		before := sent
		req := httptest.NewRequest(tc.method, tc.url, nil)
		_, err := (&gate{base: base, readOnly: tc.readOnly, name: "read", next: next}).RoundTrip(req)
		if passed := sent > before; passed != tc.pass || (err == nil) != tc.pass {
			t.Errorf("%s %s, read only %t: passed %t, %v", tc.method, tc.url, tc.readOnly, passed, err)
		}
		if err != nil && !errors.Is(err, access.ErrForbidden) {
			t.Errorf("%s %s: %v", tc.method, tc.url, err)
		}
	}
}

// Under dry run and without a write credential nothing changes in Atlas.
func TestNoWrites(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"dry run":             func(o *Options) { o.DryRun = true },
		"dry run, api key":    func(o *Options) { k := key(); o.DryRun, o.Write = true, &k },
		"no write credential": func(o *Options) { o.Write = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newSim(t, sim.Options{})
				c := connect(t, a.Transport(), change)
				if c.CanWrite() {
					t.Error("it says that it can write")
				}
				for _, op := range operations() {
					if err := c.Apply(t.Context(), "a-1", op); !errors.Is(err, access.ErrForbidden) {
						t.Errorf("%s: %v", op.Type, err)
					}
				}
				if n := len(a.Mutations()); n != 0 {
					t.Errorf("%d mutating requests", n)
				}
				mustComplete(t, c, "reading")
			})
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{BaseURL: baseURL, Read: reader()}
	for name, change := range map[string]func(*Options){
		"no base":         func(o *Options) { o.BaseURL = "" },
		"http":            func(o *Options) { o.BaseURL = "http://cloud.mongodb.com" },
		"loopback name":   func(o *Options) { o.BaseURL = "http://localhost.example" },
		"path":            func(o *Options) { o.BaseURL = baseURL + "/api" },
		"user":            func(o *Options) { o.BaseURL = "https://fake:secret@cloud.mongodb.com" },
		"query":           func(o *Options) { o.BaseURL = baseURL + "?x=y" },
		"other scheme":    func(o *Options) { o.BaseURL = "ftp://cloud.mongodb.com" },
		"not a URL":       func(o *Options) { o.BaseURL = "https://fake secret\x7f" },
		"no credential":   func(o *Options) { o.Read = Credential{} },
		"half":            func(o *Options) { o.Read.ClientSecret = nil },
		"both":            func(o *Options) { o.Read.PublicKey, o.Read.PrivateKey = Text("a"), Text("b") },
		"one and a half":  func(o *Options) { o.Read.PublicKey = Text("a") },
		"half for writes": func(o *Options) { o.Write = &Credential{PublicKey: Text("a")} },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, base := range []string{baseURL, baseURL + "/", "http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"} {
		o := good
		o.BaseURL = base
		if _, err := New(o); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// No proxy of the environment comes between us and Atlas by default.
func TestNoProxy(t *testing.T) {
	tr, ok := directTransport().(*http.Transport)
	if !ok || tr.Proxy != nil {
		t.Error("the default transport has a proxy")
	}
}

// The same over real connections, with the transport of Options' zero value.
func TestOverHTTP(t *testing.T) {
	a := newSim(t, sim.Options{})
	srv := httptest.NewServer(a)
	defer srv.Close()
	for name, cred := range map[string]Credential{"service account": *writer(), "api key": key()} {
		c := connect(t, nil, func(o *Options) { o.BaseURL, o.Read, o.Write = srv.URL, cred, &cred })
		mustComplete(t, c, name)
		for _, op := range operations() {
			if err := c.Apply(t.Context(), "a-1", op); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		a.SetFaults(sim.Fault{Route: "listGroupDatabaseUsers", Rate: 1, Kind: sim.FaultCut, Remaining: 1})
		got := c.Read(t.Context(), prod, access.KindDatabaseUser)
		if got.Status != access.StatusComplete || len(got.States) != 2 {
			t.Errorf("%s: %s %q", name, got.Status, got.Reason)
		}
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
