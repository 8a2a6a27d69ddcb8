package atlas

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// settingRequest is the request of an operation on settings and alerts. It has the one
// field that is changed: Atlas leaves alone what is not sent.
func settingRequest(r *request, op access.Operation) (err error) {
	switch op.Type {
	case access.SetOrgSetting:
		r.route = updateOrgSettings
		r.body, err = orgSettingBody(op)
	case access.SetProjectSetting:
		on := op.Value == strconv.FormatBool(true)
		r.route = updateGroupSettings
		r.body, err = json.Marshal(admin.GroupSettings{IsDataExplorerEnabled: &on})
	case access.SetAlertEnabled:
		on := op.Value == strconv.FormatBool(true)
		r.route = toggleAlertConfig
		if r.args, err = segments(op.Ref, access.KindAlertConfig, op.Ref.Name); err != nil {
			return err
		}
		r.body, err = json.Marshal(admin.AlertsToggle{Enabled: &on})
	case access.CreateAlert:
		r.route = createAlertConfig
		r.body, err = alertBody(*op.Alert)
	}
	return err
}

func orgSettingBody(op access.Operation) ([]byte, error) {
	var s admin.OrganizationSettings
	switch op.Setting {
	case access.SettingEmployeeAccess:
		on := op.Value == strconv.FormatBool(true)
		s.RestrictEmployeeAccess = &on
	case access.SettingSecretHours:
		hours, err := strconv.Atoi(op.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.Setting, err)
		}
		s.MaxServiceAccountSecretValidityInHours = &hours
	}
	return json.Marshal(s)
}

// alertBody notifies through the project's integration, whose address and secret Atlas
// has: the ones of a configuration cannot be read.
func alertBody(a access.AlertConfig) ([]byte, error) {
	matchers := []matcher{}
	for _, text := range a.Matchers {
		field, rest, _ := strings.Cut(text, " ")
		operator, value, ok := strings.Cut(rest, " ")
		if !ok {
			return nil, fmt.Errorf("the matcher %q is not understood", text)
		}
		matchers = append(matchers, matcher{Field: field, Operator: operator, Value: value})
	}
	var notes []any
	for _, n := range a.Notifications {
		note := map[string]any{"typeName": n.Type, "integrationId": n.Integration, "delayMin": n.DelayMinutes}
		if n.EveryMinutes > 0 {
			note["intervalMin"] = n.EveryMinutes
		}
		notes = append(notes, note)
	}
	out := map[string]any{"eventTypeName": a.EventType, "enabled": a.Enabled, "matchers": matchers, "notifications": notes}
	if a.Severity != "" {
		out["severityOverride"] = a.Severity
	}
	if a.Threshold != "" {
		out[thresholdField(a.Threshold)] = json.RawMessage(a.Threshold)
	}
	return json.Marshal(out)
}

// thresholdField is where a threshold stands: one of a metric names it.
func thresholdField(text string) string {
	if fieldsOf(json.RawMessage(text)).has("metricName") {
		return "metricThreshold"
	}
	return "threshold"
}
