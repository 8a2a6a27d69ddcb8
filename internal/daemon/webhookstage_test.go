package daemon

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// hooked is the stage with a secret for webhooks.
func hooked(t *testing.T, test func(t *testing.T, s *stage, secret string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bubble(t, func(conf string) string {
		conf = strings.Replace(conf, "active: 20s, idle: 60s", "active: 10m, idle: 10m", 1)
		return strings.Replace(conf, "  profile:", "  webhook: {secret: {file: "+file+"}}\n  profile:", 1)
	}, func(t *testing.T, s *stage) { test(t, s, file) })
}

// push sends an alert of a project, as Atlas would, and says what it is answered.
func (s *stage) push(secret, project, event string, id int) (int, string) {
	return s.pushOf(secret, project, event, id, time.Now())
}

func (s *stage) pushOf(secret, project, event string, id int, updated time.Time) (int, string) {
	body := fmt.Appendf(nil, `{"id":"%024x","groupId":%q,"orgId":%q,"eventTypeName":%q,"updated":%q}`,
		id, s.atlas.ProjectID(project), s.atlas.OrgID("ExampleCorp"), event, updated.UTC().Format(time.RFC3339))
	r := httptest.NewRequest(http.MethodPost, webhookPath, bytes.NewReader(body))
	r.Header.Set(signatureHeader, signature(secret, body))
	w := httptest.NewRecorder()
	s.daemon.public().ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// TestWebhookRevert: long before the next poll the entry is gone, and the change is
// known to have been found through the webhook; also when its event comes later.
func TestWebhookRevert(t *testing.T) {
	for _, late := range []time.Duration{0, 4 * time.Second} {
		hooked(t, func(t *testing.T, s *stage, _ string) {
			s.atlas.SetVisibility(late)
			steps(t, s, "at 0s start", "at 25m nothing", "at 25m "+opened)
			if status, says := s.push(hookSecret, "ecommerce-prod", "NETWORK_PERMISSION_ENTRY_ADDED", 1); status != 200 || says != hookAccepted {
				t.Fatalf("the webhook is answered %d %s", status, says)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if got, want := s.effectsOfOurs(), []string{"deleteGroupAccessListEntry 0.0.0.0/0"}; !slices.Equal(got, want) {
				t.Errorf("visible after %s: our effects %q, want %q", late, got, want)
			}
			time.Sleep(20 * time.Second)
			synctest.Wait()
			_, body := ask(s.daemon.ops(), "GET", "/metrics")
			for _, want := range []string{`gatewarden_changes_total{source="webhook"} `, `gatewarden_webhooks_total{result="accepted"} 1`, `gatewarden_changes_missed_by_feed_total 0`} {
				if !strings.Contains(body, want) {
					t.Errorf("visible after %s: %s is missing", late, want)
				}
			}
			if strings.Contains(body, `gatewarden_changes_total{source="feed"}`) {
				t.Errorf("visible after %s: a change is said to come from the feed", late)
			}
			for _, f := range s.findings("network/open-to-world", "0.0.0.0/0") {
				if f.Actor.Name != "rajesh@example.com" {
					t.Errorf("visible after %s: the actor is %q", late, f.Actor.Name)
				}
			}
		})
	}
}

// TestWebhookFlood: a thousand good webhooks in ten seconds are a bounded number of polls.
func TestWebhookFlood(t *testing.T) {
	hooked(t, func(t *testing.T, s *stage, _ string) {
		steps(t, s, "at 0s start", "at 25m nothing")
		polls := func() (n int) {
			for _, r := range s.atlas.Requests() {
				if r.OperationID == "listGroupEvents" {
					n++
				}
			}
			return n
		}
		before := polls()
		var all sync.WaitGroup
		for n := range 1000 {
			if n%50 == 0 {
				time.Sleep(500 * time.Millisecond)
			}
			all.Go(func() {
				if status, says := s.push(hookSecret, "ecommerce-prod", "NETWORK_PERMISSION_ENTRY_ADDED", n); status != 200 || says != hookAccepted {
					t.Errorf("webhook %d: %d %s", n, status, says)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := polls() - before; n < 4 || n > 50 {
			t.Errorf("%d polls", n)
		}
	})
}

// TestWebhookRestart: once the webhook is answered its hint outlives the process, and no
// later process takes the same webhook again.
func TestWebhookRestart(t *testing.T) {
	hooked(t, func(t *testing.T, s *stage, _ string) {
		steps(t, s, "at 0s start", "at 25m nothing")
		s.atlas.SetFaults(sim.Fault{Route: "*", Kind: sim.Fault503, Rate: 1}) // nothing of Atlas can be read
		steps(t, s, "at 25m "+opened)
		sent := time.Now()
		if status, _ := s.push(hookSecret, "ecommerce-prod", "NETWORK_PERMISSION_ENTRY_ADDED", 1); status != 200 {
			t.Fatalf("the webhook is answered %d", status)
		}
		s.stop()
		s.start()
		scope := access.ProjectScope(s.atlas.ProjectID("ecommerce-prod"))
		dirty, err := s.daemon.watcher.Dirty(t.Context(), scope)
		if err != nil || dirty[access.KindIPAccessEntry].IsZero() {
			t.Errorf("dirty after the restart: %v, %v", dirty, err)
		}
		s.atlas.SetFaults()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := s.effectsOfOurs(); len(got) != 1 {
			t.Errorf("our effects: %q", got)
		}
		s.stop()
		s.start()
		if status, says := s.pushOf(hookSecret, "ecommerce-prod", "NETWORK_PERMISSION_ENTRY_ADDED", 1, sent); status != 200 || says != hookReplayed {
			t.Errorf("the webhook of before the restart is answered %d %s", status, says)
		}
	})
}

// TestWebhookSecretRotation: the secret in the file holds at once, and only that; one
// that is too short is believed as little as none.
func TestWebhookSecretRotation(t *testing.T) {
	hooked(t, func(t *testing.T, s *stage, file string) {
		steps(t, s, "at 0s start", "at 1m nothing")
		const second = "fake-webhook-secret-2"
		for n, c := range []struct {
			inFile, used string
			want         int
		}{
			{hookSecret, hookSecret, 200}, {hookSecret, second, 401}, {second, second, 200}, {second, hookSecret, 401},
			{"short", "short", 503}, {"", "", 503}, {second, second, 200},
		} {
			if err := os.WriteFile(file, []byte(c.inFile), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, _ := s.push(c.used, "ecommerce-dev", "JOINED_GROUP", n); got != c.want {
				t.Errorf("%d: with %q in the file, %q is answered %d, want %d", n, c.inFile, c.used, got, c.want)
			}
		}
	})
}

// TestPublicListener: it listens only with a secret, and serves webhooks and nothing else.
func TestPublicListener(t *testing.T) {
	hooked(t, func(t *testing.T, s *stage, _ string) {
		s.start()
		for _, r := range [][2]string{{"GET", "/"}, {"GET", webhookPath}, {"PUT", webhookPath}, {"POST", webhookPath + "/x"}, {"POST", "/atlas"}, {"GET", "/metrics"}, {"POST", "/-/reload"}, {"GET", "/debug/pprof/"}} {
			if code, _ := ask(s.daemon.public(), r[0], r[1]); code != 404 {
				t.Errorf("%s %s: %d", r[0], r[1], code)
			}
		}
		if code, _ := ask(s.daemon.public(), "POST", webhookPath); code != 401 {
			t.Errorf("an unsigned webhook: %d", code)
		}
	})
	for _, with := range []bool{false, true} {
		public := freeAddress(t)
		f := &config.File{}
		if with {
			f.Atlas.Webhook.Secret = config.Source{Env: "GW_TEST_READ_SECRET"}
		}
		d := &Daemon{opts: Options{File: f}, logger: zap.NewNop(), registry: prometheus.NewRegistry(), receiver: newTestReceiver().receiver}
		ctx, cancel := context.WithCancel(t.Context())
		d.group, d.ctx = errgroup.WithContext(ctx)
		if err := d.serve(d.ctx, Addresses{Public: public}); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", public)
		if (err == nil) != with {
			t.Errorf("with a secret: %t; dialled: %v", with, err)
		}
		if err == nil {
			_ = conn.Close()
		}
		cancel()
		if err := d.group.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
