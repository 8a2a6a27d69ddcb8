package daemon

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
)

func ask(h http.Handler, method, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
}

// bubble runs a test against a stage of the default world, under fake time.
func bubble(t *testing.T, edit func(conf string) string, test func(t *testing.T, s *stage)) {
	t.Helper()
	world, conf, dir := read(t, "testdata/world.yaml"), read(t, "testdata/config.yaml"), t.TempDir()
	if edit != nil {
		conf = edit(conf)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir, world, conf)
		test(t, s)
		s.stop()
	})
}

func TestReadiness(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if code, body := ask(s.daemon.ops(), "GET", "/readyz"); code != 200 {
			t.Errorf("with everything well: %d %s", code, body)
		}
		s.atlas.Advance(time.Minute) // our clock is a minute behind
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if code, body := ask(s.daemon.ops(), "GET", "/readyz"); code != 503 || !strings.Contains(body, "clock") {
			t.Errorf("with a skewed clock: %d %s", code, body)
		}
		if code, _ := ask(s.daemon.ops(), "GET", "/healthz"); code != 200 {
			t.Errorf("liveness depends on the clock: %d", code)
		}
	})
}

func TestWrongCredentialsAreNamedAndTriedAgain(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	edit := func(conf string) string {
		return strings.Replace(conf, "{env: GW_TEST_READ_SECRET}", "{file: "+secret+"}", 1)
	}
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if code, body := ask(s.daemon.ops(), "GET", "/readyz"); code != 503 || !strings.Contains(body, "read") || strings.Contains(body, "hunter2") {
			t.Errorf("with a wrong secret: %d %s", code, body)
		}
		if err := os.WriteFile(secret, []byte("test-read-secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if code, body := ask(s.daemon.ops(), "GET", "/readyz"); code != 200 {
			t.Errorf("once the secret is mended: %d %s", code, body)
		}
	})
}

func TestWrongOrgIsNotReady(t *testing.T) {
	bubble(t, func(conf string) string {
		return strings.Replace(conf, "- id: ORG", "- id: 64f0000000000000000000ff", 1)
	}, func(t *testing.T, s *stage) {
		s.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if code, body := ask(s.daemon.ops(), "GET", "/readyz"); code != 503 || !strings.Contains(body, "does not see it") {
			t.Errorf("with an org that the credential does not see: %d %s", code, body)
		}
	})
}

func TestMetrics(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		if err := s.step(`at 40s as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0"}]`); err != nil {
			t.Fatal(err)
		}
		s.atlas.Deny("listGroupDatabaseUsers", true)
		for _, line := range []string{
			`at 41s as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"ipAddress":"9.9.9.11"}]`,
			`at 42s as rajesh@example.com PATCH /groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {"description":"x"}`,
			`at 100s as rajesh@example.com DELETE /groups/{ecommerce-prod}/accessList/8.8.8.0%2F28`,
			`at 101s as rajesh@example.com DELETE /groups/{ecommerce-prod}/accessList/9.9.9.10`,
			`at 102s as rajesh@example.com DELETE /groups/{ecommerce-prod}/accessList/9.9.9.11`,
			`at 103s as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0"}]`, // the last way in: refused
		} {
			if err := s.step(line); err != nil {
				t.Fatal(line, err)
			}
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		_, body := ask(s.daemon.ops(), "GET", "/metrics")
		for _, want := range []string{
			"gatewarden_build_info{", "gatewarden_stage_latency_seconds_count{stage=\"watch\"}", "gatewarden_stage_latency_seconds_count{stage=\"rules\"}",
			"gatewarden_stage_latency_seconds_count{stage=\"remediate\"}", "gatewarden_feed_last_success_timestamp_seconds", "gatewarden_sweep_last_success_timestamp_seconds",
			"gatewarden_changes_total{source=\"feed\"}", "gatewarden_changes_missed_by_feed_total", "gatewarden_unknown_collections", "gatewarden_findings{",
			"gatewarden_actions_total{outcome=\"verified\"} 1", "gatewarden_guard_refusals_total", "gatewarden_atlas_requests_total{", "gatewarden_atlas_budget_ratio",
			"gatewarden_queue_oldest_timestamp_seconds{", "gatewarden_deliveries_total{result=\"ok\",sink=\"log\"}", "gatewarden_dead_letters_total",
			"gatewarden_reload_failed 0",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s is missing", want)
			}
		}
		if t.Failed() {
			t.Log(body)
		}
	})
}

func TestReload(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		before := s.daemon.settings.get()
		good := s.conf
		s.conf = good + "nonsense: true\n"
		if code, body := ask(s.daemon.admin(), "POST", "/-/reload"); code != 422 || !strings.Contains(body, "nonsense") {
			t.Errorf("a bad file: %d %s", code, body)
		}
		if s.daemon.settings.get() != before {
			t.Error("a bad file replaced what was in force")
		}
		if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, "gatewarden_reload_failed 1") {
			t.Error("the gauge does not tell of the bad file")
		}
		s.conf = strings.Replace(good, "profile: remediate", "profile: observe", 1)
		if code, body := ask(s.daemon.admin(), "POST", "/-/reload"); code != 422 || !strings.Contains(body, "needs a restart") {
			t.Errorf("a file that needs a restart: %d %s", code, body)
		}
		s.conf = strings.Replace(good, "dry_run: false", "dry_run: true", 1)
		if code, body := ask(s.daemon.admin(), "POST", "/-/reload"); code != 200 {
			t.Errorf("a good file: %d %s", code, body)
		}
		if !s.daemon.settings.get().policy.DryRun {
			t.Error("dry run is not on")
		}
		if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, "gatewarden_reload_failed 0") {
			t.Error("the gauge does not tell of the good file")
		}
	})
}

// TestTroubleIsLoggedOnce: a repeated identical failure is one line, its end another.
func TestTroubleIsLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	d := &Daemon{logger: zap.New(core)}
	for range 3 {
		d.warn(t.Context(), "x", "trouble", os.ErrNotExist)
	}
	d.warn(t.Context(), "x", "trouble", os.ErrPermission)
	for range 3 {
		d.warn(t.Context(), "x", "trouble", nil)
	}
	if logs.Len() != 3 {
		t.Errorf("%d lines, want 3: %v", logs.Len(), logs.All())
	}
}

// TestWriteCredentialsAreOfAnOrg: an org that cannot be written to stops no other.
func TestWriteCredentialsAreOfAnOrg(t *testing.T) {
	const other = "64f0000000000000000000ff"
	edit := func(conf string) string {
		return strings.Replace(conf, "environments:", "    - id: "+other+"\n      read: {client_id: {env: GW_TEST_READ_ID}, client_secret: {env: GW_TEST_READ_SECRET}}\nenvironments:", 1)
	}
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !s.daemon.canWrite(access.ProjectScope(s.atlas.ProjectID("ecommerce-prod"))) {
			t.Error("the org with write credentials cannot be written to")
		}
		if s.daemon.canWrite(access.OrgScope(other)) || s.daemon.canWrite(access.ProjectScope(other)) {
			t.Error("an org without write credentials, or an unknown project, can be written to")
		}
	})
}

// TestAdminIsForThisMachine: a page in a browser here is another's, whatever name it gives.
func TestAdminIsForThisMachine(t *testing.T) {
	h := local(http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	for _, c := range []struct {
		method, host, origin, at string
		want                     int
	}{
		{"GET", "127.0.0.1:9091", "", "127.0.0.1", 200}, {"GET", "localhost:9091", "", "127.0.0.1", 200}, {"GET", "[::1]:9091", "", "::1", 200},
		{"POST", "127.0.0.1:9091", "", "127.0.0.1", 200},
		{"GET", "rebound.example.com:9091", "", "127.0.0.1", 403}, {"GET", "rebound.example.com", "", "127.0.0.1", 403},
		{"GET", "gatewarden-admin:9091", "", "10.0.0.7", 200},
		{"POST", "127.0.0.1:9091", "https://example.com", "127.0.0.1", 403},
	} {
		r := httptest.NewRequest(c.method, "/api/v1/replays", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(c.at), Port: 9091})))
		if w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

// TestRuleFolders: what is meant to be a rule and would not be read is a mistake.
func TestRuleFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules[prod]")
	write := func(name string) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.yaml")
	write("a.yaml")
	write("README.md")
	got, err := userRules([]string{dir})
	if err != nil || len(got) != 2 || filepath.Base(got[0].Name) != "a.yaml" {
		t.Errorf("%v, %v: want both in order", got, err)
	}
	write("c.yml")
	if _, err := userRules([]string{dir}); err == nil || !strings.Contains(err.Error(), "c.yml") {
		t.Errorf("a .yml: %v", err)
	}
}
