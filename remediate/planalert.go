package remediate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// planAlert switches an alert configuration on again, or creates one as it was that was
// deleted. What it notified with cannot be read from Atlas, but for what goes through an
// integration of the project: only that can be had again.
func planAlert(c Case) access.Plan {
	before, had := access.As[access.AlertConfig](c.Finding.Evidence.Before)
	now, there := access.As[access.AlertConfig](current(c))
	switch {
	case !had || before.ID != c.Finding.Ref.Name || c.Finding.Ref.Kind != access.KindAlertConfig:
		return ask("put the alert back by hand: what it was before could not be read")
	case !there:
		return createdAnew(c, before)
	case before.Enabled && !now.Enabled:
		return switchedOn(c, before, now)
	}
	return ask("put by hand what was changed of alert %s on %s: before, it %s; our own are put back by gatewarden hooks install", before.ID, before.EventType, told(before))
}

func switchedOn(c Case, before, now access.AlertConfig) access.Plan {
	op := access.Operation{Type: access.SetAlertEnabled, Ref: c.Finding.Ref, Before: access.Box{State: now}, Value: strconv.FormatBool(true)}
	back := access.Operation{Type: access.SetAlertEnabled, Ref: c.Finding.Ref, Before: effect(op, op.Before), Value: strconv.FormatBool(false)}
	p := access.Plan{
		Operations: []access.Operation{op}, Inverse: []access.Operation{back}, Ceiling: access.CeilingAuto, Reversible: "yes",
		Why: "enable alert configuration " + now.ID + " on " + now.EventType + " again",
	}
	now.Enabled = true
	if !op.Achieved(access.Box{State: now}) || told(before) != told(now) || before.EventType != now.EventType {
		return suggested(p, "it was changed beside that; before, it "+told(before))
	}
	return p
}

// createdAnew gives the configuration another id. Atlas shows an integration's address as
// the configuration's own: it is taken for the integration's where both look the same.
func createdAnew(c Case, before access.AlertConfig) access.Plan {
	if c.Fresh == nil {
		return ask("create the alert on %s anew: before, it %s", before.EventType, told(before))
	}
	anew := before
	anew.Notifications = slices.Clone(before.Notifications)
	for i, n := range anew.Notifications {
		anew.Notifications[i].Integration = viaIntegration(c, n)
	}
	op := access.Operation{Type: access.CreateAlert, Ref: c.Finding.Ref, Alert: &anew}
	if err := op.Validate(); err != nil {
		return ask("create the alert on %s anew by hand, since what it notified with cannot be read from Atlas: before, it %s; our own are put back by gatewarden hooks install", before.EventType, told(before))
	}
	if op.AchievedIn(c.Fresh[access.KindAlertConfig]) {
		return ask("another alert configuration does the same as %s did: there is nothing to create", before.ID)
	}
	return access.Plan{
		Operations: []access.Operation{op}, Ceiling: access.CeilingAuto, Why: "create the alert configuration on " + before.EventType + " anew, as it was",
		Reversible: "by hand: it has another id than before; delete it where it is not wanted",
	}
}

// viaIntegration is the id of the project's integration that a notification goes through.
func viaIntegration(c Case, n access.Notification) string {
	for _, i := range access.States[access.Integration](c.Fresh[access.KindIntegration]) {
		if i.Type == n.Type && i.ID != "" && (n.Integration == i.ID || n.Integration == "" && n.Target == i.Target) {
			return i.ID
		}
	}
	return ""
}

// told is what a configuration tells, and whom.
func told(a access.AlertConfig) string {
	var to []string
	for _, n := range a.Notifications {
		to = append(to, strings.TrimSpace(n.Type+" "+n.Target))
	}
	out := "told " + orNothing(strings.Join(to, ", "))
	if len(a.Matchers) > 0 {
		out += " where " + strings.Join(a.Matchers, " and ")
	}
	if a.Threshold != "" {
		out += " past " + a.Threshold
	}
	return out
}
