package daemon

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

var (
	reverts = flag.Int("reverts", 5, "how many reverts the latency test makes")
	latency = flag.String("latency", "", "bounds of the latency test as P50,P99, such as 250ms,1s; empty: none, a slow machine fails nothing")
)

const (
	hookSecret      = "fake-webhook-secret-1"
	latencyProjects = 20
)

// TestWebhookLatency measures the way from the moment that an event is visible in Atlas to
// the verified revert, in real time: real HTTP over loopback on both sides, the real
// daemon with its store synced to disk. Somebody opens a production project to the
// world; Atlas sends its webhook at once, as hooks install has set it up; Gatewarden
// deletes the entry and reads back.
func TestWebhookLatency(t *testing.T) {
	l := newLatency(t)
	var verified, gone []time.Duration
	for n := range *reverts {
		v, g := l.revert(n)
		verified, gone = append(verified, v), append(gone, g)
	}
	l.stop()
	t.Log("webhook latency: " + quantiles(verified))
	t.Log("webhook latency, until Atlas does not have it any more: " + quantiles(gone))
	l.breakdown()
	if *latency == "" {
		return
	}
	p50, p99, ok := strings.Cut(*latency, ",")
	for q, bound := range map[float64]string{0.50: p50, 0.99: p99} {
		limit, err := time.ParseDuration(bound)
		if err != nil || !ok {
			t.Fatalf("-latency %s: want P50,P99", *latency)
		}
		if got := quantile(verified, q); got > limit {
			t.Errorf("p%.0f is %s, above %s", q*100, got, limit)
		}
	}
}

func quantile(all []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func quantiles(all []time.Duration) string {
	ms := func(q float64) string { return quantile(all, q).Round(100 * time.Microsecond).String() }
	return fmt.Sprintf("n=%d p50=%s p90=%s p99=%s max=%s", len(all), ms(0.50), ms(0.90), ms(0.99), ms(1))
}

// latencyRun is a simulated Atlas and a daemon, each behind a real HTTP server.
type latencyRun struct {
	t      *testing.T
	atlas  *sim.Atlas
	daemon *Daemon
	org    string
	stop   func()

	verified chan access.Decision
	gone     chan string // project ids

	mu    sync.Mutex
	begin time.Time
	marks map[string][]time.Duration // since begin, by what happened first
	once  map[string]bool
}

func latencyWorld() string {
	var b strings.Builder
	b.WriteString(`orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_64f000000000000000000a01, secret: test-read-secret, name: gatewarden-read, roles: [ORG_READ_ONLY, "GROUP_DATABASE_ACCESS_ADMIN@*"]}
      - {clientId: mdb_sa_id_64f000000000000000000a02, secret: test-write-secret, name: gatewarden-write, roles: [ORG_READ_ONLY, "GROUP_OWNER@*"]}
    users:
      - {username: rajesh@example.com, roles: [ORG_MEMBER, "GROUP_OWNER@*"]}
    projects:
`)
	for n := range latencyProjects {
		fmt.Fprintf(&b, `      - name: shop-%d-prod
        tags: [{key: env, value: prod}]
        clusters: [{name: main}]
        accessList: [{cidrBlock: 8.8.8.0/28, comment: application subnets}, {ipAddress: 9.9.9.10, comment: CI egress}]
        databaseUsers:
          - {username: prod_app_user, databaseName: admin, roles: [{roleName: readWrite, databaseName: ecommerce}], scopes: [{name: main, type: CLUSTER}]}
`, n)
	}
	return b.String()
}

func newLatency(t *testing.T) *latencyRun {
	t.Helper()
	w, err := sim.ParseWorld("latency.yaml", []byte(latencyWorld()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := sim.New(sim.Options{World: w, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := &latencyRun{t: t, atlas: a, org: a.OrgID("ExampleCorp"), verified: make(chan access.Decision, 16), gone: make(chan string, 16), marks: map[string][]time.Duration{}, once: map[string]bool{}}
	atlas := httptest.NewServer(a)
	hooks := httptest.NewUnstartedServer(nil) // its address goes into the configuration
	l.start(atlas.URL, "http://"+hooks.Listener.Addr().String()+webhookPath)
	hooks.Config.Handler = l.daemon.public()
	hooks.Start()
	a.OnAnswered(l.answered)
	a.OnWebhook(func() { go l.deliver(hooks.Client()) })
	stop := l.stop
	l.stop = func() {
		stop()
		hooks.Close()
		atlas.Close()
	}
	l.settle()
	return l
}

// deliver sends what Atlas has to send. At the end nobody takes it any more.
func (l *latencyRun) deliver(client *http.Client) {
	if _, err := l.atlas.Deliver(l.t.Context(), client); err != nil && l.daemon.ctx.Err() == nil {
		l.t.Errorf("deliver: %v", err)
	}
	l.mark("webhook answered")
}

func (l *latencyRun) start(base, public string) {
	l.t.Helper()
	dir := l.t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(hookSecret+"\n"), 0o600); err != nil {
		l.t.Fatal(err)
	}
	conf := strings.NewReplacer("ORG", l.org, "STORE", filepath.Join(dir, "store"), "http://127.0.0.1:1", base,
		"  profile:", fmt.Sprintf("  webhook: {url: %s, secret: {file: %s}}\n  profile:", public, secret),
		"guards: {", "guards: {caps: {project_hour: 1000000, org_hour: 1000000}, ").Replace(read(l.t, "testdata/config.yaml"))
	f, err := loadFive("config.yaml", conf)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := Hooks(l.t.Context(), HookOptions{File: f, Version: "test", Install: true}); err != nil {
		l.t.Fatal(err)
	}
	logger := zap.NewNop()
	if *verbose {
		logger = zaptest.NewLogger(l.t)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	if l.daemon, err = Start(ctx, Options{File: f, Version: "test", NoListen: true, Logger: logger, Observe: l.observe}); err != nil {
		l.t.Fatal(err)
	}
	l.stop = func() {
		cancel()
		if err := l.daemon.Wait(); err != nil {
			l.t.Errorf("stop: %v", err)
		}
	}
}

// settle waits until every project has its baseline.
func (l *latencyRun) settle() {
	l.t.Helper()
	l.until("every project to be read once", func() bool {
		scopes, err := l.daemon.watcher.Scopes(l.t.Context())
		if err != nil || len(scopes) != latencyProjects+1 {
			return false
		}
		for _, s := range scopes {
			if dirty, err := l.daemon.watcher.Dirty(l.t.Context(), s); err != nil || len(dirty) > 0 {
				return false
			}
			if f, _, err := l.daemon.findings.Get(l.t.Context(), string(s)); err != nil || f.V == 0 {
				return false
			}
		}
		return true
	})
}

// until asks again and again; in real time there is nothing to wait on.
func (l *latencyRun) until(what string, done func() bool) {
	l.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(2 * time.Minute); ; {
		select {
		case <-tick.C:
			if done() {
				return
			}
		case <-limit:
			l.t.Fatal("two minutes have passed waiting for " + what)
		}
	}
}

// observe sees what the daemon publishes.
func (l *latencyRun) observe(fact any) {
	switch x := fact.(type) {
	case access.FindingEvent:
		if x.To == access.FindingOpen {
			l.mark("finding open")
		}
	case access.Decision:
		l.mark("action " + string(x.Action.State))
		if x.Action.State == access.ActionVerified {
			l.verified <- x
		}
	}
}

// answered sees the requests that reach Atlas.
func (l *latencyRun) answered(r sim.Request) {
	l.mark(r.OperationID)
	if r.OperationID == "deleteGroupAccessListEntry" && r.Status < 300 {
		_, rest, _ := strings.Cut(r.Path, "/groups/")
		project, _, _ := strings.Cut(rest, "/")
		l.gone <- project
	}
}

// mark notes when something happened first in this revert.
func (l *latencyRun) mark(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.once[what] && !l.begin.IsZero() {
		l.once[what] = true
		l.marks[what] = append(l.marks[what], time.Since(l.begin))
	}
}

// breakdown tells the median of when things happened.
func (l *latencyRun) breakdown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	order := slices.SortedFunc(maps.Keys(l.marks), func(a, b string) int { return cmp.Compare(quantile(l.marks[a], 0.5), quantile(l.marks[b], 0.5)) })
	out := "median since the event was visible:"
	for _, what := range order {
		out += fmt.Sprintf("\n%8s %s (n=%d)", quantile(l.marks[what], 0.5).Round(100*time.Microsecond), what, len(l.marks[what]))
	}
	l.t.Log(out)
}

// revert opens a project to the world and waits until that is put right.
func (l *latencyRun) revert(n int) (verified, gone time.Duration) {
	l.t.Helper()
	project := l.atlas.ProjectID(fmt.Sprintf("shop-%d-prod", n%latencyProjects))
	l.mu.Lock()
	clear(l.once)
	l.begin = time.Now() // the event is visible as soon as the request has its answer
	begin := l.begin
	l.mu.Unlock()
	status, body := l.atlas.Do(sim.Actor{Username: "rajesh@example.com", RemoteAddress: "198.51.100.7"}, "POST", "/groups/"+project+"/accessList", rawJSON(`[{"cidrBlock":"0.0.0.0/0"}]`))
	if status >= 300 {
		l.t.Fatalf("opening a project: %d %s", status, body)
	}
	for limit := time.After(time.Minute); verified == 0; {
		select {
		case d := <-l.verified:
			if d.Action.Ref.Scope == access.ProjectScope(project) && d.Action.Ref.Name == "0.0.0.0/0" {
				verified = time.Since(begin)
			}
		case id := <-l.gone:
			if id == project {
				gone = time.Since(begin)
			}
		case <-limit:
			l.t.Fatalf("revert %d: a minute has passed", n)
		}
	}
	if gone == 0 {
		l.t.Fatalf("revert %d: verified, and Atlas was never asked to delete anything", n)
	}
	return verified, gone
}

func signature(key string, body []byte) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
