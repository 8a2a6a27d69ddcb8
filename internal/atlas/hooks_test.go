package atlas

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

func TestShownURL(t *testing.T) {
	const full = "https://gatewarden.example.com/atlas/webhook"
	for shown, want := range map[ShownURL]bool{
		full:                                  true,
		"https://gatewarden.example.com/****": true,
		"https://gatewarden.example.com/atlas/****":        true,
		"https://gatewarden.example.com/atlas/webhook****": true,
		"https://GateWarden.example.com/****":              true,
		"https://gatewarden.example.com/other/****":        false,
		"https://gatewarden.example.com/atlas/webhook/x":   false,
		"https://gatewarden.example.com":                   false,
		"http://gatewarden.example.com/****":               false,
		"https://gatewarden.example.com.evil.net/****":     false,
		"https://gatewarden.example.com:8443/****":         false,
		"https://gatewarden.example.com****":               false,
		"https://gatewarden****":                           false,
		"https://****":                                     false,
		"****":                                             false,
		"":                                                 false,
	} {
		if got := shown.Shows(full); got != want {
			t.Errorf("%q shows %q: %t", shown, full, got)
		}
	}
}

// TestHooks writes and reads back what has Atlas wake us, and shows no secret.
func TestHooks(t *testing.T) {
	a := newSim(t, sim.Options{})
	c := connect(t, a.Transport(), nil)
	ctx := t.Context()
	to := HookTarget{URL: "https://gatewarden.example.com/atlas/webhook", Secret: Text("fake-webhook-secret-9")}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, there, err := c.WebhookIntegration(ctx, prod); there || err != nil {
		t.Errorf("before anything: %t, %v", there, err)
	}
	must(c.SetWebhookIntegration(ctx, prod, to, false))
	in, there, err := c.WebhookIntegration(ctx, prod)
	if err != nil || !there || !in.URL.Shows(to.URL) || !in.Secret || in.ID == "" {
		t.Errorf("the integration reads back as %+v, %t, %v", in, there, err)
	}
	if err := c.SetWebhookIntegration(ctx, prod, to, false); err == nil || errors.Is(err, access.ErrTemporary) || !strings.Contains(err.Error(), "INTEGRATION_ALREADY_CONFIGURED") {
		t.Errorf("a second one: %v", err)
	}
	must(c.SetWebhookIntegration(ctx, prod, to, true))
	must(c.SetAlertConfig(ctx, prod, "", "JOINED_GROUP", in.ID, nil))
	must(c.SetAlertConfig(ctx, prod, "", "REMOVED_FROM_GROUP", "", &to))
	configs, err := c.AlertConfigs(ctx, prod)
	must(err)
	var got []string
	for _, x := range configs {
		got = append(got, fmt.Sprint(x.EventType, x.Enabled, x.Narrowed, x.Notifications[0].DelayMinutes, x.Notifications[0].IntegrationID == in.ID, x.Notifications[0].URL.Shows(to.URL)))
	}
	if diff := cmp.Diff([]string{"JOINED_GROUPtrue false 0 true true", "REMOVED_FROM_GROUPtrue false 0 false true"}, got); diff != "" {
		t.Errorf("alert configurations (-want +got):\n%s", diff)
	}
	must(c.SetAlertConfig(ctx, prod, configs[0].ID, "JOINED_GROUP", in.ID, nil))
	if err := c.DeleteWebhookIntegration(ctx, prod); err == nil || !strings.Contains(err.Error(), "WEBHOOK_NOTIFICATIONS_PRESENT") {
		t.Errorf("deleting an integration in use: %v", err)
	}
	for _, x := range configs {
		must(c.DeleteAlertConfig(ctx, prod, x.ID))
		must(c.DeleteAlertConfig(ctx, prod, x.ID)) // gone already
	}
	must(c.DeleteWebhookIntegration(ctx, prod))
	must(c.DeleteWebhookIntegration(ctx, prod))
	for _, r := range a.Mutations() {
		if r.UserAgent != "gatewarden/1.2.3 (action hooks)" {
			t.Errorf("%s as %q", r.OperationID, r.UserAgent)
		}
	}
}

// TestHookWritesAreMadeOnce: no write is repeated, each error says what was attempted,
// and none carries the secret or the URL's path.
func TestHookWritesAreMadeOnce(t *testing.T) {
	to := HookTarget{URL: "https://gatewarden.example.com/a-path-that-is-a-secret", Secret: Text("fake-webhook-secret-9")}
	for name, write := range map[string]func(*Client, access.Scope) error{
		"createGroupIntegration": func(c *Client, s access.Scope) error { return c.SetWebhookIntegration(t.Context(), s, to, false) },
		"updateGroupIntegration": func(c *Client, s access.Scope) error { return c.SetWebhookIntegration(t.Context(), s, to, true) },
		"deleteGroupIntegration": func(c *Client, s access.Scope) error { return c.DeleteWebhookIntegration(t.Context(), s) },
		"createGroupAlertConfig": func(c *Client, s access.Scope) error {
			return c.SetAlertConfig(t.Context(), s, "", "JOINED_GROUP", "", &to)
		},
		"updateGroupAlertConfig": func(c *Client, s access.Scope) error {
			return c.SetAlertConfig(t.Context(), s, "64f0000000000000000000c1", "JOINED_GROUP", "", &to)
		},
		"deleteGroupAlertConfig": func(c *Client, s access.Scope) error {
			return c.DeleteAlertConfig(t.Context(), s, "64f0000000000000000000c1")
		},
	} {
		for status, kind := range map[int]error{500: access.ErrTemporary, 429: access.ErrTemporary, 401: access.ErrForbidden} {
			var sent []string
			rt := answering(func(r *http.Request) (int, string) {
				sent = append(sent, r.Method)
				return status, `{"error":` + fmt.Sprint(status) + `,"errorCode":"USER_UNAUTHORIZED","detail":"fake-webhook-secret-9"}`
			})
			err := write(connect(t, rt, nil), prod)
			if !errors.Is(err, kind) || len(sent) != 1 || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s answered %d: %v, sent %v", name, status, err, sent)
			}
		}
		none := answering(func(*http.Request) (int, string) { t.Errorf("%s: a request is sent", name); return 500, "" })
		if err := write(connect(t, none, func(o *Options) { o.DryRun = true }), prod); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("%s in dry run: %v", name, err)
		}
		if err := write(connect(t, none, func(o *Options) { o.Write = nil }), prod); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("%s without a credential: %v", name, err)
		}
		if err := write(connect(t, none, nil), org); err == nil {
			t.Errorf("%s of an org is made", name)
		}
	}
}

// TestOddAlertConfigs: what does not decode is marked, and costs the others nothing.
func TestOddAlertConfigs(t *testing.T) {
	c := connect(t, answering(func(*http.Request) (int, string) {
		return 200, `{"totalCount":6,"results":[
			7, {"eventTypeName":"JOINED_GROUP"}, {"id":"a","notifications":"none"},
			{"id":"b","eventTypeName":"JOINED_GROUP","enabled":true,"notifications":[{"typeName":"WEBHOOK","webhookUrl":"https://x.example.com/****"}],"new":{}},
			{"id":"c","eventTypeName":"OUTSIDE_METRIC_THRESHOLD","metricThreshold":{"threshold":1},"notifications":[]},
			{"id":"d","eventTypeName":"X","matchers":[{}]}]}`
	}), nil)
	configs, err := c.AlertConfigs(t.Context(), prod)
	if err != nil {
		t.Fatal(err)
	}
	want := []AlertConfig{
		{Odd: true}, {Odd: true}, {ID: "a", Odd: true},
		{ID: "b", EventType: "JOINED_GROUP", Enabled: true, Notifications: []AlertNotification{{Type: "WEBHOOK", URL: "https://x.example.com/****"}}},
		{ID: "c", EventType: "OUTSIDE_METRIC_THRESHOLD", Narrowed: true},
		{ID: "d", EventType: "X", Narrowed: true},
	}
	if diff := cmp.Diff(want, configs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
