package atlas

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

func decodeAlertConfig(p piece) (access.State, error) {
	a, err := decodeAs[struct {
		ID              string            `json:"id"`
		EventType       string            `json:"eventTypeName"`
		Enabled         *bool             `json:"enabled"`
		Severity        string            `json:"severityOverride"`
		Matchers        []matcher         `json:"matchers"`
		Threshold       json.RawMessage   `json:"threshold"`
		MetricThreshold json.RawMessage   `json:"metricThreshold"`
		Notifications   []json.RawMessage `json:"notifications"`
	}](p.raw)
	switch {
	case err != nil:
		return nil, err
	case a.ID == "" || a.Enabled == nil:
		return nil, errors.New("an alert configuration needs id and enabled")
	}
	out := access.AlertConfig{
		ID: a.ID, EventType: a.EventType, Enabled: *a.Enabled, Severity: a.Severity, Threshold: or(jsonText(a.Threshold), jsonText(a.MetricThreshold)),
	}
	for _, m := range a.Matchers {
		out.Matchers = append(out.Matchers, strings.Join([]string{m.Field, m.Operator, m.Value}, " "))
	}
	for _, raw := range a.Notifications {
		n, err := decodeNotification(raw)
		if err != nil {
			return nil, err
		}
		out.Notifications = append(out.Notifications, n)
	}
	return out, nil
}

type matcher struct {
	Field    string `json:"fieldName"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

func decodeNotification(raw json.RawMessage) (access.Notification, error) {
	n, err := decodeAs[struct {
		Type                                        string `json:"typeName"`
		DelayMin, IntervalMin                       int
		Roles                                       []string
		IntegrationID                               string
		EmailAddress, ChannelName, TeamID, TeamName string
		Username, MobileNumber, RoomName            string
		WebhookURL, MicrosoftTeamsWebhookURL        string
		OpsGenieRegion, Region, DatadogRegion       string
	}](raw)
	if err != nil {
		return access.Notification{}, err
	}
	out := access.Notification{Type: n.Type, DelayMinutes: n.DelayMin, EveryMinutes: n.IntervalMin, Roles: optional(n.Roles), Integration: n.IntegrationID}
	out.Target = or(n.EmailAddress, n.ChannelName, n.TeamName, n.TeamID, n.Username, n.MobileNumber, n.RoomName, n.OpsGenieRegion, n.DatadogRegion, n.Region)
	if u := or(n.WebhookURL, n.MicrosoftTeamsWebhookURL); u != "" {
		out.Target, out.TargetHash = host(u), access.Hash("url", u)
	}
	return out, wantName(n.Type)
}

// host is as much of a URL as may be shown: what follows often is a secret.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Host
}

// decodeIntegration keeps where an integration reports to. Keys and secrets of it come
// masked, or not at all, and are left out whatever they look like.
func decodeIntegration(p piece) (access.State, error) {
	f := fieldsOf(p.raw)
	out := access.Integration{Type: f.text("type"), ID: f.text("id")}
	if out.Type == "" {
		return nil, errors.New("an integration needs a type")
	}
	target := or(f.text("url"), f.text("microsoftTeamsWebhookUrl"))
	if target != "" {
		out.Target = host(target)
	} else {
		out.Target = or(f.text("channelName"), f.text("teamName"), f.text("username"), f.text("accountId"), f.text("region"))
	}
	var parts []string
	for name, value := range f {
		if !secretField(name) {
			parts = append(parts, name+"="+string(value))
		}
	}
	slices.Sort(parts)
	out.TargetHash = access.Hash(parts...)
	return out, nil
}

func secretField(name string) bool {
	switch name {
	case "apiKey", "apiToken", "secret", "serviceKey", "password", "licenseKey", "readToken", "writeToken", "routingKey", "links":
		return true
	}
	return false
}
