package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWhoAsks: only one header with one known token says who asks, and neither the answer nor
// the log tells anything of the token.
func TestWhoAsks(t *testing.T) {
	g := newGate(t, func(o *Options) { o.Limits.Failure = Pace{time.Second, 100} })
	good := g.tokens["viewer"]
	stranger, _ := NewToken()
	for name, values := range map[string][]string{
		"none": {}, "empty": {""}, "no scheme": {good}, "basic": {"Basic " + good}, "two": {"Bearer " + good, "Bearer " + good}, "no token": {"Bearer "}, "two words": {"Bearer " + good + " x"},
		"a stranger": {"Bearer " + stranger}, "cut": {"Bearer " + good[:len(good)-1]}, "longer": {"Bearer " + good + "x"}, "other letters": {"Bearer " + strings.ToUpper(good)}, "two spaces": {"Bearer  " + good},
		"a hash": {"Bearer " + HashToken(good)}, "huge": {"Bearer " + strings.Repeat("x", maxToken+1)}, "chosen by somebody": {"Bearer hunter2"}, "a JWT": {"Bearer a.b.c"}, "quoted": {`Bearer "` + good + `"`},
	} {
		r := httptest.NewRequest("GET", prefix+"/whoami?", nil)
		r.Header["Authorization"] = values
		w := g.send(r)
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		for _, v := range values {
			if token := strings.TrimSpace(strings.TrimPrefix(v, "Bearer")); token != "" && strings.Contains(w.Body.String(), token) {
				t.Errorf("%s: the answer tells the token: %s", name, w.Body)
			}
		}
	}
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		r := httptest.NewRequest("GET", prefix+"/whoami", nil)
		r.Header.Set("Authorization", scheme+" "+good)
		if w := g.send(r); w.Code != 200 {
			t.Errorf("%s: %d", scheme, w.Code)
		}
	}
	for _, r := range []*http.Request{httptest.NewRequest("GET", prefix+"/whoami?access_token="+good, nil), httptest.NewRequest("GET", prefix+"/whoami?token="+good, nil)} {
		r.AddCookie(&http.Cookie{Name: "token", Value: good})
		if w := g.send(r); w.Code != 401 {
			t.Errorf("a token elsewhere: %d", w.Code)
		}
	}
	if g.log.Len() == 0 {
		t.Error("nothing is logged")
	}
	for _, e := range g.log.All() {
		text := fmt.Sprint(e.Message, e.ContextMap())
		if strings.Contains(text, good) || strings.Contains(text, stranger) || strings.Contains(text, "hunter2") {
			t.Errorf("the log tells a token: %s", text)
		}
	}
}

// TestATokenThatSomebodyChoseIsNone: a hash in the configuration does not make a password a token.
func TestATokenThatSomebodyChoseIsNone(t *testing.T) {
	auth := NewAuth(AuthOptions{Tokens: []Token{{Name: "weak", SHA256: HashToken("hunter2"), Principal: "alice", Grant: Grant{Roles: []Role{RoleAdmin}}}}})
	if _, wrong := auth.identify(t.Context(), http.Header{"Authorization": {"Bearer hunter2"}}); wrong == nil {
		t.Error("a password is taken for a token")
	}
}

// TestNobodyYet: without any token all is refused, with how to make one.
func TestNobodyYet(t *testing.T) {
	g := newGate(t, func(o *Options) {
		o.Auth = func() *Auth { return NewAuth(AuthOptions{}) }
		o.Limits.Failure = Pace{time.Second, 100}
	})
	for _, r := range g.server.routes() {
		w := g.ask("admin", r.method, prefix+strings.ReplaceAll(r.path, "{id}", "x"), "")
		if w.Code != 401 || !strings.Contains(w.Body.String(), "gatewarden token new") {
			t.Errorf("%s %s: %d %s", r.method, r.path, w.Code, w.Body)
		}
	}
}

// TestTokens: each is another, of the form that is looked up, and known by its hash.
func TestTokens(t *testing.T) {
	a, hashA := NewToken()
	b, hashB := NewToken()
	if a == b || hashA == hashB || HashToken(a) != hashA || !tokenForm().MatchString(a) {
		t.Errorf("%s %s", a, b)
	}
}

// TestProtect: what concerns everything is for those without bounds, and for whoever is on the
// machine while no token is configured.
func TestProtect(t *testing.T) {
	g := newGate(t)
	h := g.server.Protect(RoleAdmin, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "in") }))
	for who, want := range map[string]int{"": 401, "viewer": 403, "approver": 403, "admin of org one": 403, "admin": 200} {
		r := httptest.NewRequest("GET", "/x", nil)
		if who != "" {
			r.Header.Set("Authorization", "Bearer "+g.tokens[who])
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", who, w.Code, want)
		}
	}
	g.server.Auth = func() *Auth { return nil }
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil)); w.Body.String() != "in" {
		t.Errorf("without any token: %d %s", w.Code, w.Body)
	}
}

// TestTextBecomesAProblem: what another handler says is wrong is a problem as any other.
func TestTextBecomesAProblem(t *testing.T) {
	g := newGate(t)
	w := g.ask("admin", "GET", prefix+"/audit/facts?limit=x", "")
	if p := problemFrom(t, w); w.Code != 400 || p.Detail != "limit: want 1 to 10000" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := g.ask("admin", "DELETE", prefix+"/audit/facts", ""); w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("another method: %d %s", w.Code, w.Body)
	}
	for status, want := range map[int]int{404: 404, 503: 503, 500: 503, 422: 422} {
		w := httptest.NewRecorder()
		problems(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "what is wrong", status) })).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
		if p := problemFrom(t, w); w.Code != want || p.Detail != "what is wrong" {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}

// TestStreamsThatFail: before anything was sent it is a problem; after it nothing looks whole.
func TestStreamsThatFail(t *testing.T) {
	g := newGate(t)
	g.backend.stream = fmt.Errorf("no finding: %w", access.ErrGone)
	if w := g.ask("admin", "GET", prefix+"/audit", ""); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	g.backend.begun = true
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("an answer that was cut short ends as if it were whole")
		}
	}()
	g.ask("admin", "GET", prefix+"/audit", "")
}

// TestLimits: each token, each address and each failure has its own pace, and says how long to wait.
func TestLimits(t *testing.T) {
	limits := Limits{Address: Pace{time.Second, 20}, Token: Pace{2 * time.Second, 5}, Failure: Pace{10 * time.Second, 3}}
	g := newGate(t, func(o *Options) { o.Limits = limits })
	from := func(who, address string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", prefix+"/whoami", nil)
		r.RemoteAddr = address + ":1234"
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", g.log.Len())) // says nothing
		if who != "" {
			r.Header.Set("Authorization", "Bearer "+g.tokens[who])
		}
		return g.send(r)
	}
	expect := func(what string, w *httptest.ResponseRecorder, code int, retry string) {
		t.Helper()
		if w.Code != code || w.Header().Get("Retry-After") != retry {
			t.Errorf("%s: %d, Retry-After %q, want %d, %q", what, w.Code, w.Header().Get("Retry-After"), code, retry)
		}
	}
	for range 5 {
		expect("a token", from("viewer", "203.0.113.1"), 200, "")
	}
	expect("a token too often", from("viewer", "203.0.113.1"), 429, "2")
	expect("it from elsewhere", from("viewer", "203.0.113.2"), 429, "2")
	expect("another from there", from("admin", "203.0.113.1"), 200, "")
	for range 3 {
		expect("a failure", from("", "203.0.113.3"), 401, "")
	}
	expect("failures too often", from("", "203.0.113.3"), 429, "10")
	expect("somebody known from there", from("admin", "203.0.113.3"), 200, "")
	expect("a failure elsewhere", from("", "203.0.113.4"), 401, "")
	for range 15 {
		from("", "203.0.113.4")
	}
	for range 4 {
		from("approver", "203.0.113.4")
	}
	expect("an address too often", from("noRole", "203.0.113.4"), 429, "1")
	g.now = g.now.Add(2 * time.Second)
	expect("a while after", from("viewer", "203.0.113.1"), 200, "")
	for i := range 3 {
		expect("a network of IPv6", from("", fmt.Sprintf("[2001:db8::%d]", i)), 401, "")
	}
	expect("one network of IPv6 too often", from("", "[2001:db8::ffff:1]"), 429, "10")
	expect("another network of IPv6", from("", "[2001:db8:0:1::1]"), 401, "")
}

// TestBucketsAreBounded: strangers cannot take up memory without end, nor the pace of those
// who are known already.
func TestBucketsAreBounded(t *testing.T) {
	l := newLimiter(Pace{time.Minute, 2})
	l.take("early", began)
	for i := range 2 * maxBuckets {
		l.take(fmt.Sprint("stranger ", i), began)
	}
	if n := len(l.buckets); n > maxBuckets+1 {
		t.Errorf("%d buckets", n)
	}
	if l.take("early", began) != 0 || l.take("early", began) == 0 {
		t.Error("who was there has lost or gained places")
	}
	if l.take("late", began) == 0 {
		t.Error("newcomers share no bucket")
	}
	if l.take("later", began.Add(time.Hour)) != 0 || len(l.buckets) > 2 {
		t.Errorf("those that are full again are kept: %d", len(l.buckets))
	}
}

// pipe is a listener whose connections are in memory, so that its deadlines pass in a bubble.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipe) Close() error   { return nil }
func (p pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// TestSlowBodies: a body that does not come is waited for ten seconds, and a command that takes
// long is not cut off by that.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		g.backend.decide = func(c access.Command) (access.CommandRecord, error) {
			time.Sleep(20 * time.Second)
			return access.CommandRecord{V: 1, Command: c, Accepted: true, Why: "done"}, nil
		}
		var ended error
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.server.ServeHTTP(w, r)
			ended = r.Context().Err()
		})
		p := pipe{make(chan net.Conn), make(chan struct{})}
		srv := &http.Server{Handler: slow, ReadTimeout: 15 * time.Second}
		served := make(chan struct{})
		go func() { defer close(served); _ = srv.Serve(p) }()
		ask := func(head, body string) (status string, took time.Duration) {
			ours, theirs := net.Pipe()
			p.conns <- theirs
			begin := time.Now()
			if _, err := fmt.Fprintf(ours, "POST %s/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n%s", prefix, g.tokens["admin"], head, body); err != nil {
				t.Fatal(err)
			}
			buffer := make([]byte, 4096)
			n, err := ours.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			took = time.Since(begin)
			_ = ours.Close()
			line, _, _ := strings.Cut(string(buffer[:n]), "\r\n")
			return line, took
		}
		if status, took := ask("Content-Length: 100", `{"verb":`); !strings.Contains(status, "408") || took != bodyTime {
			t.Errorf("a body that does not come: %s after %s", status, took)
		}
		body := g.body(access.VerbFreeze)
		status, took := ask(fmt.Sprintf("Content-Length: %d", len(body)), body)
		if synctest.Wait(); !strings.Contains(status, "200") || took != 20*time.Second || ended != nil {
			t.Errorf("a command that takes long: %s after %s: %v", status, took, ended)
		}
		close(p.done)
		_ = srv.Shutdown(context.Background())
		<-served
	})
}

// TestHeaders: nothing is kept by caches that others read, or taken for something to run.
func TestHeaders(t *testing.T) {
	g := newGate(t)
	for _, path := range []string{"/findings", "/whoami", "/nothing", "/audit", "/findings/" + g.backend.findings[0].ID + "/evidence?format=html"} {
		h := g.ask("admin", "GET", prefix+path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Vary") != "Authorization" || !strings.Contains(h.Get("Cache-Control"), "private") {
			t.Errorf("%s: %v", path, h)
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v", path, h)
		}
	}
	first := g.ask("admin", "GET", prefix+"/findings", "")
	if w := g.ask("admin", "GET", prefix+"/findings", "", "If-None-Match", `"x", `+first.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("what is there already: %d %s", w.Code, w.Body)
	}
	g.backend.findings = g.backend.findings[1:]
	if w := g.ask("admin", "GET", prefix+"/findings", "", "If-None-Match", first.Header().Get("ETag")); w.Code != 200 {
		t.Errorf("what has changed: %d", w.Code)
	}
}

// FuzzDecode: what is taken is what was written, within its bounds, and nothing panics.
func FuzzDecode(f *testing.F) {
	g := newGate(&testing.T{})
	for _, v := range verbs() {
		f.Add([]byte(g.body(v)))
	}
	f.Add([]byte(`{"verb":"freeze","verb":"x"}`))
	f.Add([]byte("{\"verb\":\"freeze\",\"reason\":\"\\ud800\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, wrong := decode(raw)
		if wrong != nil {
			if wrong.Status != 400 || wrong.Next == "" {
				t.Errorf("%s: %+v", raw, wrong)
			}
			return
		}
		if _, known := forms()[r.Verb]; !known {
			t.Errorf("verb %q", r.Verb)
		}
		v := reflect.ValueOf(r)
		for i := range v.NumField() {
			if s := v.Field(i); s.Kind() == reflect.String && unfit(s.String(), maxText) != "" {
				t.Errorf("%s holds %q", fieldNames()[i], s)
			}
		}
		if r.For != "" {
			if d, wrong := span(r.For); wrong == nil && (d <= 0 || d > 90*24*time.Hour) {
				t.Errorf("for %q is %s", r.For, d)
			}
		}
	})
}
