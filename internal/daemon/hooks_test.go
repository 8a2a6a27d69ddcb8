package daemon

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

const hookURL = "https://gatewarden.example.com/atlas/webhook"

func TestHookPlans(t *testing.T) {
	const added, joined = "NETWORK_PERMISSION_ENTRY_ADDED", "JOINED_GROUP"
	ourIntegration := &atlas.WebhookIntegration{ID: "i1", URL: "https://gatewarden.example.com/****", Secret: true}
	otherIntegration := &atlas.WebhookIntegration{ID: "i2", URL: "https://other.example.com/****", Secret: true}
	config := func(id, event string, urls ...atlas.ShownURL) atlas.AlertConfig {
		c := atlas.AlertConfig{ID: id, EventType: event, Enabled: true}
		for _, u := range urls {
			c.Notifications = append(c.Notifications, atlas.AlertNotification{Type: "WEBHOOK", URL: u})
		}
		return c
	}
	with := func(c atlas.AlertConfig, edit func(*atlas.AlertConfig)) atlas.AlertConfig {
		edit(&c)
		return c
	}
	ours, other := ourIntegration.URL, otherIntegration.URL
	for name, c := range map[string]struct {
		has     wiring
		renew   bool
		install []string
		remove  []string
	}{
		"nothing":    {wiring{}, false, []string{"create integration", "create " + added, "create " + joined}, nil},
		"everything": {wiring{ourIntegration, []atlas.AlertConfig{config("a", added, ours), config("b", joined, "")}}, false, []string{"leave integration i1", "leave " + added + " a", "leave " + joined + " b"}, []string{"remove " + added + " a", "remove " + joined + " b", "remove integration i1"}},
		"everything, with a new secret": {wiring{ourIntegration, []atlas.AlertConfig{config("a", added, ours), config("b", joined, "")}}, true, []string{"change integration i1", "leave " + added + " a", "leave " + joined + " b"},
			[]string{"remove " + added + " a", "remove " + joined + " b", "remove integration i1"}},
		"an integration that points elsewhere":           {wiring{otherIntegration, nil}, false, []string{"leave integration i2", "create " + added, "create " + joined}, []string{"leave integration i2"}},
		"that, and configurations of ours beside it":     {wiring{otherIntegration, []atlas.AlertConfig{config("a", added, ours), config("b", joined, ours)}}, false, []string{"leave integration i2", "leave " + added + " a", "leave " + joined + " b"}, []string{"remove " + added + " a", "remove " + joined + " b", "leave integration i2"}},
		"that, with a new secret":                        {wiring{otherIntegration, []atlas.AlertConfig{config("a", added, ours)}}, true, []string{"leave integration i2", "change " + added + " a", "create " + joined}, []string{"remove " + added + " a", "leave integration i2"}},
		"configurations of others for the same events":   {wiring{otherIntegration, []atlas.AlertConfig{config("a", added, other), config("b", joined, "")}}, false, []string{"leave integration i2", "create " + added, "create " + joined}, []string{"leave integration i2"}},
		"one to which somebody added a receiver":         {wiring{ourIntegration, []atlas.AlertConfig{config("a", added, ours, other)}}, false, []string{"leave integration i1", "create " + added, "create " + joined}, []string{"leave integration i1"}},
		"one of another event that uses our integration": {wiring{ourIntegration, []atlas.AlertConfig{config("a", "OUTSIDE_METRIC_THRESHOLD", "")}}, false, []string{"leave integration i1", "create " + added, "create " + joined}, []string{"leave integration i1"}},
		"one that is disabled, one that waits":           {wiring{ourIntegration, []atlas.AlertConfig{with(config("a", added, ours), func(c *atlas.AlertConfig) { c.Enabled = false }), with(config("b", joined, ours), func(c *atlas.AlertConfig) { c.Notifications[0].DelayMinutes = 5 })}}, false, []string{"leave integration i1", "change " + added + " a", "change " + joined + " b"}, []string{"remove " + added + " a", "remove " + joined + " b", "remove integration i1"}},
		"one with matchers":                              {wiring{ourIntegration, []atlas.AlertConfig{with(config("a", added, ours), func(c *atlas.AlertConfig) { c.Narrowed = true })}}, false, []string{"leave integration i1", "change " + added + " a", "create " + joined}, []string{"remove " + added + " a", "remove integration i1"}},
		"an integration without a secret":                {wiring{&atlas.WebhookIntegration{ID: "i1", URL: ours}, nil}, false, []string{"leave integration i1", "create " + added, "create " + joined}, []string{"leave integration i1"}},
		"one without a secret whose URL is shown whole":  {wiring{&atlas.WebhookIntegration{ID: "i1", URL: hookURL}, nil}, false, []string{"change integration i1", "create " + added, "create " + joined}, []string{"remove integration i1"}},
		"one of ours that the user made a mail of":       {wiring{ourIntegration, []atlas.AlertConfig{with(config("a", added, ours), func(c *atlas.AlertConfig) { c.Notifications[0].Type = "EMAIL" })}}, false, []string{"leave integration i1", "create " + added, "create " + joined}, []string{"remove integration i1"}},
	} {
		t.Run(name, func(t *testing.T) {
			lines := func(steps []HookStep) (out []string) {
				for _, s := range steps {
					what := s.Event
					if s.What == hookIntegration {
						what = s.What
					}
					out = append(out, strings.TrimSpace(fmt.Sprint(s.Do, " ", what, " ", s.ID)))
				}
				return out
			}
			if diff := cmp.Diff(c.install, lines(planInstall(c.has, hookWish{hookURL, []string{added, joined}, c.renew}))); diff != "" {
				t.Errorf("install (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.remove, lines(planRemove(c.has, hookURL))); diff != "" {
				t.Errorf("remove (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOfferedEvents: only what this Atlas can push and the watcher has a use for.
func TestOfferedEvents(t *testing.T) {
	var all []atlas.EventType
	for _, name := range wakingEvents() {
		all = append(all, atlas.EventType{Name: name, Alertable: name != "JOINED_GROUP"})
	}
	all = append(all, atlas.EventType{Name: "HOST_DOWN", Alertable: true})
	got := offered(all, access.ProjectScope(hookProject))
	want := slices.DeleteFunc(wakingEvents(), func(s string) bool { return s == "JOINED_GROUP" })
	if !slices.Equal(got, want) {
		t.Errorf("offered %q, want %q", got, want)
	}
}

// wired is the stage with a URL and a secret, and a write account that owns the projects.
func wired(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	file, dir := filepath.Join(t.TempDir(), "secret"), t.TempDir()
	if err := os.WriteFile(file, []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	world := strings.Replace(read(t, "testdata/world.yaml"), `"GROUP_NETWORK_ACCESS_MANAGER@*"`, `"GROUP_OWNER@*"`, 1)
	conf := strings.NewReplacer("active: 20s, idle: 60s", "active: 10m, idle: 10m",
		"  profile:", "  webhook: {url: "+hookURL+", secret: {file: "+file+"}}\n  profile:").Replace(read(t, "testdata/config.yaml"))
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir, world, conf)
		test(t, s)
		s.stop()
	})
}

func (s *stage) hooks(set func(*HookOptions)) ([]HookStep, error) {
	s.t.Helper()
	f, err := s.load()
	if err != nil {
		s.t.Fatal(err)
	}
	o := HookOptions{File: f, Version: "test", Transport: s.atlas.Transport()}
	set(&o)
	return Hooks(s.t.Context(), o)
}

func install(o *HookOptions) { o.Install = true }
func remove(o *HookOptions)  { o.Remove = true }

// receiving carries Atlas's webhooks to the daemon.
func (s *stage) receiving() *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != hookURL {
			return nil, fmt.Errorf("a webhook goes to %s", r.URL)
		}
		w := httptest.NewRecorder()
		s.daemon.public().ServeHTTP(w, r)
		return w.Result(), nil
	})}
}

// TestWebhookEndToEnd: what hooks install has made in Atlas wakes the daemon, long before
// its next poll; our own deletion wakes it, too. After hooks remove nothing does.
func TestWebhookEndToEnd(t *testing.T) {
	wired(t, func(t *testing.T, s *stage) {
		if _, err := s.hooks(install); err != nil {
			t.Fatal(err)
		}
		steps(t, s, "at 0s start", "at 25m nothing")
		client := s.receiving()
		s.atlas.OnWebhook(func() {
			go func() {
				if _, err := s.atlas.Deliver(context.Background(), client); err != nil {
					t.Errorf("deliver: %v", err)
				}
			}()
		})
		steps(t, s, "at 25m "+opened)
		time.Sleep(time.Second)
		synctest.Wait()
		var ours []string
		for _, e := range s.atlas.Effects() {
			if e.ByHTTP && e.ActionID != "hooks" {
				ours = append(ours, e.OperationID+" "+e.Target)
			}
		}
		if want := []string{"deleteGroupAccessListEntry 0.0.0.0/0"}; !slices.Equal(ours, want) {
			t.Errorf("our effects a second later: %q, want %q", ours, want)
		}
		acts, err := s.daemon.AllActions(t.Context())
		if err != nil || len(acts) != 1 || acts[0].State != access.ActionVerified {
			t.Errorf("actions %+v, %v", acts, err)
		}
		if n := len(s.atlas.WebhookLog()); n != 2 {
			t.Errorf("%d webhooks, want one of the human's change and one of ours", n)
		}
		time.Sleep(time.Minute)
		if _, err := s.hooks(remove); err != nil {
			t.Fatal(err)
		}
		steps(t, s, "at 40m "+opened)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(s.atlas.WebhookLog()); n != 2 {
			t.Errorf("%d webhooks after the hooks are removed", n)
		}
	})
}

// TestHooksUnderFaults: a write of which it is open whether it took effect is read back,
// and not made again; what did not take effect is told, and made by the next run.
func TestHooksUnderFaults(t *testing.T) {
	wired(t, func(t *testing.T, s *stage) {
		writes := func(op string) (n int) {
			for _, r := range s.atlas.Mutations() {
				if r.OperationID == op {
					n++
				}
			}
			return n
		}
		s.atlas.SetFaults(sim.Fault{Route: "create*", Kind: sim.FaultApplied500, Rate: 1})
		all, err := s.hooks(install)
		if err != nil {
			t.Fatalf("writes that took effect and were answered 500: %v", err)
		}
		if n := writes("createGroupAlertConfig"); n != 2*len(wakingEvents()) || slices.ContainsFunc(all, func(s HookStep) bool { return !s.Done }) {
			t.Errorf("%d alert configurations were created for 2 projects: %+v", n, all)
		}
		s.atlas.SetFaults(sim.Fault{Route: "delete*", Kind: sim.Fault503, Rate: 1})
		if all, err = s.hooks(remove); !IsUnverified(err) || slices.ContainsFunc(all, func(s HookStep) bool { return s.Done }) {
			t.Errorf("deletions that are refused: %v, %+v", err, all)
		}
		s.atlas.SetFaults()
		if _, err = s.hooks(remove); err != nil {
			t.Error(err)
		}
		s.atlas.Deny("listGroupIntegrations", true)
		if all, err = s.hooks(func(*HookOptions) {}); err == nil || IsConfig(err) || IsUnverified(err) || len(all) > 0 {
			t.Errorf("integrations that cannot be read: %v, %+v", err, all)
		}
	})
}

// TestHooksKeepTheirHands: a plan writes nothing, install touches nothing of others, and
// remove leaves the world as it was.
func TestHooksKeepTheirHands(t *testing.T) {
	wired(t, func(t *testing.T, s *stage) {
		steps(t, s,
			`at 1s as rajesh@example.com POST /groups/{ecommerce-dev}/integrations/WEBHOOK {"type":"WEBHOOK","url":"https://other.example.com/x","secret":"fake-other"}`,
			`at 1s as rajesh@example.com POST /groups/{ecommerce-dev}/alertConfigs {"eventTypeName":"JOINED_GROUP","enabled":true,"notifications":[{"typeName":"WEBHOOK"}]}`,
			`at 1s as rajesh@example.com POST /groups/{ecommerce-prod}/alertConfigs {"eventTypeName":"JOINED_GROUP","enabled":true,"notifications":[{"typeName":"EMAIL","emailAddress":"a@example.com"}]}`,
		)
		world := func() string {
			out, err := s.atlas.Snapshot().YAML()
			if err != nil {
				t.Fatal(err)
			}
			return regexp.MustCompile(`(?m)^ *lastUsedAt:.*\n`).ReplaceAllString(string(out), "") // looking is use
		}
		before := world()
		if _, err := s.hooks(func(*HookOptions) {}); err != nil || world() != before {
			t.Errorf("the plan: %v, or the world is another one", err)
		}
		for range 2 {
			if _, err := s.hooks(install); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(world(), "NETWORK_PERMISSION_ENTRY_ADDED"); n != 2 {
			t.Errorf("%d configurations of an event after two installs in two projects", n)
		}
		if _, err := s.hooks(remove); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, world()); diff != "" {
			t.Errorf("after install and remove (-before +after):\n%s", diff)
		}
	})
}
