package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gatewarden/gatewarden/internal/access"
)

// What has Atlas wake us: a project's WEBHOOK integration, and alert configurations that
// notify it. Atlas shows neither a URL as a whole nor any secret: see [ShownURL].

const (
	typeWebhook = "WEBHOOK"
	hookAction  = "hooks" // in the User-Agent, in the place of an action's id
)

// WebhookIntegration is the one integration of that type that a project can have.
type WebhookIntegration struct {
	ID     string // may be empty
	URL    ShownURL
	Secret bool // there is one
}

// AlertConfig is one alert configuration, without what cannot be read.
type AlertConfig struct {
	ID            string
	Odd           bool // it is not understood, and nothing else of it is told
	EventType     string
	Enabled       bool
	Narrowed      bool // it has matchers, or a threshold
	Notifications []AlertNotification
}

// AlertNotification is one receiver of a configuration's alerts. Where URL and Secret
// are empty, those of the project's integration are used.
type AlertNotification struct {
	Type          string
	IntegrationID string
	URL           ShownURL
	DelayMinutes  int
}

// WebhookIntegration reads the project's webhook integration; false: it has none.
func (c *Client) WebhookIntegration(ctx context.Context, scope access.Scope) (WebhookIntegration, bool, error) {
	elements, err := c.hookList(ctx, scope, listIntegrations, "type")
	if err != nil {
		return WebhookIntegration{}, false, fmt.Errorf("read the integrations of %s: %w", scope, err)
	}
	for _, raw := range elements {
		if f := fieldsOf(raw); f.text("type") == typeWebhook {
			return WebhookIntegration{ID: f.text("id"), URL: ShownURL(f.text("url")), Secret: f.has("secret")}, true, nil
		}
	}
	return WebhookIntegration{}, false, nil
}

// AlertConfigs reads the project's alert configurations. One that does not decode is odd:
// it is not one of ours, and may use what is ours.
func (c *Client) AlertConfigs(ctx context.Context, scope access.Scope) ([]AlertConfig, error) {
	elements, err := c.hookList(ctx, scope, listAlertConfigs, "id")
	if err != nil {
		return nil, fmt.Errorf("read the alert configurations of %s: %w", scope, err)
	}
	out := make([]AlertConfig, 0, len(elements))
	for _, raw := range elements {
		a, ok := alertConfigOf(raw)
		if !ok {
			a = AlertConfig{ID: fieldsOf(raw).text("id"), Odd: true}
		}
		out = append(out, a)
	}
	return out, nil
}

func (c *Client) hookList(ctx context.Context, scope access.Scope, r route, key string) ([]json.RawMessage, error) {
	if err := projectScope(scope); err != nil {
		return nil, err
	}
	elements, _, err := c.list(ctx, c.read, request{route: r, id: scope.ID()}, func(raw json.RawMessage) string { return fieldsOf(raw).text(key) })
	return elements, err
}

func projectScope(scope access.Scope) error {
	if err := scope.Validate(); err != nil || scope.IsOrg() {
		return fmt.Errorf("scope %q is no project", scope)
	}
	return nil
}

func alertConfigOf(raw json.RawMessage) (AlertConfig, bool) {
	doc, err := decodeAs[struct {
		ID              string            `json:"id"`
		EventType       string            `json:"eventTypeName"`
		Enabled         bool              `json:"enabled"`
		Matchers        []json.RawMessage `json:"matchers"`
		Threshold       json.RawMessage   `json:"threshold"`
		MetricThreshold json.RawMessage   `json:"metricThreshold"`
		Notifications   []struct {
			Type          string   `json:"typeName"`
			IntegrationID string   `json:"integrationId"`
			URL           ShownURL `json:"webhookUrl"`
			Delay         int      `json:"delayMin"`
		} `json:"notifications"`
	}](raw)
	if err != nil || doc.ID == "" {
		return AlertConfig{}, false
	}
	a := AlertConfig{
		ID: doc.ID, EventType: doc.EventType, Enabled: doc.Enabled,
		Narrowed: len(doc.Matchers) > 0 || jsonText(doc.Threshold) != "" || jsonText(doc.MetricThreshold) != "",
	}
	for _, n := range doc.Notifications {
		a.Notifications = append(a.Notifications, AlertNotification{n.Type, n.IntegrationID, n.URL, n.Delay})
	}
	return a, true
}

// HookTarget is where webhooks are to go, whole. It is sent and never logged.
type HookTarget struct {
	URL    string
	Secret Secret
}

// SetWebhookIntegration creates the project's webhook integration, or writes the one
// that is there anew. Like every write here it is made once: an error that wraps
// access.ErrTemporary leaves open whether it took effect, and the caller reads back.
func (c *Client) SetWebhookIntegration(ctx context.Context, scope access.Scope, to HookTarget, exists bool) error {
	secret, err := to.Secret()
	if err != nil {
		return err
	}
	r := request{route: createIntegration, args: []string{typeWebhook}}
	if exists {
		r.route = updateIntegration
	}
	return c.writeHook(ctx, scope, r, map[string]any{"type": typeWebhook, "url": to.URL, "secret": secret})
}

// DeleteWebhookIntegration deletes it. One that is gone already is no error.
func (c *Client) DeleteWebhookIntegration(ctx context.Context, scope access.Scope) error {
	return c.writeHook(ctx, scope, request{route: deleteIntegration, args: []string{typeWebhook}}, nil)
}

// SetAlertConfig creates an alert configuration that notifies at once, or with an id
// writes the one that is there anew. It goes to the project's integration, or, with a
// target, there.
func (c *Client) SetAlertConfig(ctx context.Context, scope access.Scope, id, eventType, integrationID string, to *HookTarget) error {
	n := map[string]any{"typeName": typeWebhook, "delayMin": 0}
	if integrationID != "" && to == nil {
		n["integrationId"] = integrationID
	}
	if to != nil {
		secret, err := to.Secret()
		if err != nil {
			return err
		}
		n["webhookUrl"], n["webhookSecret"] = to.URL, secret
	}
	r := request{route: createAlertConfig}
	if id != "" {
		r = request{route: updateAlertConfig, args: []string{id}}
	}
	return c.writeHook(ctx, scope, r, map[string]any{"eventTypeName": eventType, "enabled": true, "matchers": []any{}, "notifications": []any{n}})
}

// DeleteAlertConfig deletes one. One that is gone already is no error.
func (c *Client) DeleteAlertConfig(ctx context.Context, scope access.Scope, id string) error {
	return c.writeHook(ctx, scope, request{route: deleteAlertConfig, args: []string{id}}, nil)
}

func (c *Client) writeHook(ctx context.Context, scope access.Scope, r request, body any) error {
	what := fmt.Sprintf("%s of %s", r.route.op, scope)
	if err := projectScope(scope); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if c.write == nil {
		return fmt.Errorf("%s: %w", what, &failure{kind: access.ErrForbidden, why: "no write credential is configured"})
	}
	r.id, r.action = scope.ID(), hookAction
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		r.body = raw
	}
	_, _, f := c.once(ctx, *c.write, r)
	if f == nil || r.route.method == "DELETE" && errors.Is(f, access.ErrGone) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, f)
}
