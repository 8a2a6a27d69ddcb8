package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The family of alert configurations, alerts, integrations and outgoing webhooks.

// ProjectAlert is its part of a world.
type (
	ProjectAlert struct {
		// AlertConfigs and Integrations are the API's documents, with their secrets. Of the
		// read-only attributes they have id, created and updated.
		AlertConfigs []map[string]any `yaml:"alertConfigs,omitempty"`
		Integrations []map[string]any `yaml:"integrations,omitempty"`
		Alerts       []Alert          `yaml:"alerts,omitempty"`
	}
)

// projectAlert is its live state. A project starts without any alert
// configuration (a guess: the real default ones are not documented one by one).
type (
	projectAlert struct {
		alertConfigs []*alertConfig
		integrations []object
		alerts       []*Alert // oldest first
	}
)

func alertRoutes() []route {
	return []route{
		{op: "listAlertConfigMatcherFieldNames", set: "inspection_user", handle: (*call).matcherFieldNames},
		{op: "listGroupAlertConfigs", set: "alertConfigs_group", handle: (*call).listAlertConfigs},
		{op: "createGroupAlertConfig", set: "alertConfigs_group", handle: (*call).createAlertConfig},
		{op: "getGroupAlertConfig", set: "alertConfigs_group", handle: (*call).getAlertConfig},
		{op: "updateGroupAlertConfig", set: "alertConfigs_group", handle: (*call).updateAlertConfig},
		{op: "toggleGroupAlertConfig", set: "alertConfigs_group", handle: (*call).toggleAlertConfig},
		{op: "deleteGroupAlertConfig", set: "alertConfigs_group", handle: (*call).deleteAlertConfig},
		{op: "getGroupAlertConfigAlerts", set: "alertConfigs_group", handle: (*call).alertsOfConfig},
		{op: "listGroupAlerts", set: "alerts_group", handle: (*call).listAlerts},
		{op: "getGroupAlert", set: "alerts_group", handle: (*call).getAlert},
		{op: "acknowledgeGroupAlert", older: "2023-01-01", set: "alerts_group", handle: (*call).acknowledgeAlert},
		{op: "getGroupAlertAlertConfigs", set: "alerts_group", handle: (*call).configsOfAlert},
		{op: "listGroupIntegrations", set: "integrations_group", handle: (*call).listIntegrations},
		{op: "getGroupIntegration", set: "integrations_group", handle: (*call).getIntegration},
		{op: "createGroupIntegration", set: "integrations_group", handle: (*call).createIntegration},
		{op: "updateGroupIntegration", set: "integrations_group", handle: (*call).updateIntegration},
		{op: "deleteGroupIntegration", set: "integrations_group", handle: (*call).deleteIntegration},
	}
}

// buildAlert makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildAlert(o *org, projects map[*project]ProjectAlert) error {
	var all error
	for _, p := range o.projects {
		if err := a.addAlerts(p, projects[p]); err != nil {
			all = errors.Join(all, fmt.Errorf("project %q: %w", p.name, err))
		}
	}
	return all
}

func (a *Atlas) addAlerts(p *project, w ProjectAlert) error {
	for i, doc := range w.Integrations {
		in, bad := integrationOf(deep(object(doc)))
		if bad != nil {
			return fmt.Errorf("integration %d: %s", i, bad.detail)
		}
		if p.integration(in["type"].(string)) != nil {
			return fmt.Errorf("integration %s appears twice", in["type"])
		}
		if in["id"] == nil {
			in["id"] = a.derive("integration", p.id, in["type"].(string))[:24]
		}
		p.integrations = append(p.integrations, in)
	}
	for i, doc := range w.AlertConfigs {
		k, err := a.worldAlertConfig(p, i, doc)
		if err != nil {
			return fmt.Errorf("alert configuration %d: %w", i, err)
		}
		p.alertConfigs = append(p.alertConfigs, k)
	}
	for i, al := range w.Alerts {
		if err := a.addAlert(p, i, al); err != nil {
			return fmt.Errorf("alert %d: %w", i, err)
		}
	}
	return nil
}

func (a *Atlas) worldAlertConfig(p *project, i int, source map[string]any) (*alertConfig, error) {
	doc := deep(object(source))
	k := &alertConfig{id: take(doc, "id"), created: p.created}
	var err error
	if s := take(doc, "created"); s != "" {
		if k.created, err = parseDate(s); err != nil {
			return nil, fmt.Errorf("created %q is not a date", s)
		}
	}
	k.updated = k.created
	if s := take(doc, "updated"); s != "" {
		if k.updated, err = parseDate(s); err != nil {
			return nil, fmt.Errorf("updated %q is not a date", s)
		}
	}
	if k.id == "" {
		k.id = a.derive("alert config", p.id, fmt.Sprint(i))[:24]
	}
	checked, bad := a.eventTypes.alertConfig(doc)
	if bad == nil {
		bad = p.checkNotifications(checked)
	}
	if bad != nil {
		return nil, errors.New(bad.detail)
	}
	k.doc = completeAlertConfig(checked)
	for n, note := range k.notifications() {
		if note["notifierId"] == nil {
			note["notifierId"] = a.derive("notifier", k.id, fmt.Sprint(n))[:24]
		}
	}
	return k, nil
}

// checkAlerts says what cannot be built, for the checker of worlds.
func checkAlerts(w ProjectAlert) error {
	if len(w.AlertConfigs)+len(w.Integrations)+len(w.Alerts) == 0 {
		return nil
	}
	return (&Atlas{eventTypes: newEventTypes()}).addAlerts(&project{}, w)
}

// take removes a string attribute.
func take(doc object, key string) string {
	s, _ := doc[key].(string)
	delete(doc, key)
	return s
}

func (a *Atlas) addAlert(p *project, i int, al Alert) error {
	if !a.eventTypes[al.EventTypeName].alertable {
		return fmt.Errorf("%q is no event type of alerts", al.EventTypeName)
	}
	if al.Status = orDefault(al.Status, alertClosed); !slices.Contains([]string{alertOpen, alertClosed, alertTracking, alertCancelled}, al.Status) {
		return fmt.Errorf("status %q does not exist", al.Status)
	}
	if al.AlertConfigID == "" {
		n := slices.IndexFunc(p.alertConfigs, func(k *alertConfig) bool { return k.kind() == al.EventTypeName })
		if n < 0 {
			return fmt.Errorf("no alert configuration is for %s", al.EventTypeName)
		}
		al.AlertConfigID = p.alertConfigs[n].id
	}
	if al.Created.IsZero() {
		al.Created = p.created
	}
	if al.Updated.IsZero() {
		al.Updated = al.Created
	}
	al.Created, al.Updated = al.Created.UTC().Truncate(time.Second), al.Updated.UTC().Truncate(time.Second)
	al.ID = orDefault(al.ID, a.derive("alert", p.id, fmt.Sprint(i))[:24])
	p.alerts = append(p.alerts, &al)
	return nil
}

func (p *project) worldAlert() ProjectAlert {
	var out ProjectAlert
	for _, k := range p.alertConfigs {
		doc := deep(k.doc)
		doc["id"], doc["created"], doc["updated"] = k.id, stamp(k.created), stamp(k.updated)
		out.AlertConfigs = append(out.AlertConfigs, doc)
	}
	for _, in := range p.integrations {
		out.Integrations = append(out.Integrations, deep(in))
	}
	for _, al := range p.alerts {
		out.Alerts = append(out.Alerts, al.clone())
	}
	return out
}

// stamp is a time as the API writes it.
func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
