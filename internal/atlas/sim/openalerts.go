package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// The states of an alert.
const (
	alertOpen      = "OPEN"
	alertClosed    = "CLOSED"
	alertTracking  = "TRACKING"
	alertCancelled = "CANCELLED"
)

// Alert is one alert of a project. In a world, an alert without alertConfigId is of the
// project's first configuration for its event type.
type Alert struct {
	ID                     string     `yaml:"id,omitempty" json:"id"`
	AlertConfigID          string     `yaml:"alertConfigId,omitempty" json:"alertConfigId"`
	EventTypeName          string     `yaml:"eventTypeName" json:"eventTypeName"`
	Status                 string     `yaml:"status,omitempty" json:"status"`
	Created                time.Time  `yaml:"created" json:"created"`
	Updated                time.Time  `yaml:"updated" json:"updated"`
	Resolved               *time.Time `yaml:"resolved,omitempty" json:"resolved,omitempty"`
	LastNotified           *time.Time `yaml:"lastNotified,omitempty" json:"lastNotified,omitempty"`
	AcknowledgedUntil      *time.Time `yaml:"acknowledgedUntil,omitempty" json:"acknowledgedUntil,omitempty"`
	AcknowledgementComment string     `yaml:"acknowledgementComment,omitempty" json:"acknowledgementComment,omitempty"`
	AcknowledgingUsername  string     `yaml:"acknowledgingUsername,omitempty" json:"acknowledgingUsername,omitempty"`
	ClusterName            string     `yaml:"clusterName,omitempty" json:"clusterName,omitempty"`
}

func (al *Alert) clone() Alert {
	out := *al
	for _, t := range []**time.Time{&out.Resolved, &out.LastNotified, &out.AcknowledgedUntil} {
		if *t != nil {
			at := **t
			*t = &at
		}
	}
	return out
}

// view is the alert as the API has it at a time: a notification still to come is not
// shown.
func (al *Alert) view(p *project, base string, now time.Time) object {
	root := base + apiPrefix + "/groups/" + p.id
	out := object{
		"id": al.ID, "groupId": p.id, "orgId": p.org.id, "alertConfigId": al.AlertConfigID,
		"eventTypeName": al.EventTypeName, "status": al.Status, "created": stamp(al.Created), "updated": stamp(al.Updated),
		"links": []object{
			{"href": root + "/alerts/" + al.ID, "rel": "self"},
			{"href": root + "/alertConfigs/" + al.AlertConfigID, "rel": base + "/alertConfig"},
			{"href": root + "/alerts/" + al.ID + "/alertConfigs", "rel": base + "/alertConfigs"},
		},
	}
	set := func(key string, t *time.Time) {
		if t != nil {
			out[key] = stamp(*t)
		}
	}
	set("resolved", al.Resolved)
	set("acknowledgedUntil", al.AcknowledgedUntil)
	if al.LastNotified != nil && !al.LastNotified.After(now) {
		set("lastNotified", al.LastNotified)
	}
	for key, s := range map[string]string{
		"acknowledgementComment": al.AcknowledgementComment, "acknowledgingUsername": al.AcknowledgingUsername, "clusterName": al.ClusterName,
	} {
		if s != "" {
			out[key] = s
		}
	}
	return out
}

// conditionEnds says whether alerts of this kind stand for a condition that lasts, and
// which event ends it, if one does. The others stand for a point in time and are closed
// from the start. Which kinds are conditions is a guess.
func conditionEnds(kind string) (lasts bool, end string) {
	switch kind {
	case "USERS_WITHOUT_MULTI_FACTOR_AUTH":
		return true, "ALL_USERS_HAVE_MULTI_FACTOR_AUTH"
	case "HOST_DOWN":
		return true, "HOST_UP"
	case "NO_PRIMARY":
		return true, "PRIMARY_ELECTED"
	case "GROUP_SERVICE_ACCOUNT_SECRETS_EXPIRING", "GROUP_SERVICE_ACCOUNT_SECRETS_EXPIRED":
		return true, ""
	}
	if name, found := strings.CutSuffix(kind, "_EXPIRATION_CHECK"); found {
		return true, name + "_EXPIRATION_RESOLVED"
	}
	return false, ""
}

// alertOn makes the alerts that an event of a project's feed gives rise to, and closes
// those that it ends.
func (a *Atlas) alertOn(f *feed, at time.Time, kind string, raw object) {
	id, _ := raw["groupId"].(string)
	p := a.projects[id]
	if p == nil || f != &p.feed || len(p.alertConfigs)+len(p.alerts) == 0 {
		return
	}
	for _, al := range p.alerts {
		if _, end := conditionEnds(al.EventTypeName); end == kind && al.Status == alertOpen {
			a.endAlert(p, al, alertClosed, "alert.close", at)
		}
	}
	for _, k := range p.alertConfigs {
		if k.enabled() && k.kind() == kind && k.matches(raw) {
			a.raiseAlert(p, k, raw, at)
		}
	}
}

func (a *Atlas) raiseAlert(p *project, k *alertConfig, raw object, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	cluster, _ := raw["clusterName"].(string)
	al := &Alert{
		AlertConfigID: k.id, EventTypeName: k.kind(), Status: alertClosed, Created: at, Updated: at, ClusterName: cluster,
	}
	event := "alert.inform"
	if lasts, _ := conditionEnds(k.kind()); lasts {
		al.Status, event = alertOpen, "alert.open"
		if slices.ContainsFunc(p.alerts, func(o *Alert) bool {
			return o.AlertConfigID == k.id && o.Status == alertOpen && o.ClusterName == cluster
		}) {
			return // the condition is known
		}
	} else {
		al.Resolved = &at
	}
	al.ID = a.nextID("alert")
	p.alerts = append(p.alerts, al)
	a.notify(p, k, al, event, at)
}

func (a *Atlas) endAlert(p *project, al *Alert, status, event string, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	al.Status, al.Updated, al.Resolved = status, at, &at
	if k := p.alertConfig(al.AlertConfigID); k != nil {
		a.notify(p, k, al, event, at)
	}
}

// cancelAlerts ends the open alerts of a configuration that is gone or switched off.
func (a *Atlas) cancelAlerts(p *project, k *alertConfig, at time.Time) {
	for _, al := range p.alerts {
		if al.AlertConfigID == k.id && al.Status == alertOpen {
			a.endAlert(p, al, alertCancelled, "alert.cancel", at)
		}
	}
}

// newestAlerts selects alerts, newest first (a guess).
func (c *call) newestAlerts(keep func(*Alert) bool) (answer, *problem) {
	var out []*Alert
	for _, al := range slices.Backward(c.project.alerts) {
		if keep(al) {
			out = append(out, al)
		}
	}
	return paged(c, http.StatusOK, out, c.alertView)
}

func (c *call) alertView(al *Alert) any { return al.view(c.project, c.base, c.at) }

func (c *call) listAlerts() (answer, *problem) {
	status := c.query.Get("status")
	if status != "" && !slices.Contains([]string{alertOpen, alertTracking, alertClosed}, status) {
		return answer{}, badEnum(status, "status")
	}
	return c.newestAlerts(func(al *Alert) bool { return status == "" || al.Status == status })
}

func (c *call) alertsOfConfig() (answer, *problem) {
	k, bad := c.findAlertConfig()
	if bad != nil {
		return answer{}, bad
	}
	return c.newestAlerts(func(al *Alert) bool { return al.AlertConfigID == k.id })
}

func (c *call) findAlert() (*Alert, *problem) {
	for _, al := range c.project.alerts {
		if al.ID == c.params["alertId"] {
			return al, nil
		}
	}
	return nil, missing("ALERT_NOT_FOUND", "No alert with ID %s exists in group %s.", c.params["alertId"], c.project.id)
}

func (c *call) getAlert() (answer, *problem) {
	al, bad := c.findAlert()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.alertView(al))
}

// configsOfAlert lists the configuration that set the alert, if it still exists.
func (c *call) configsOfAlert() (answer, *problem) {
	al, bad := c.findAlert()
	if bad != nil {
		return answer{}, bad
	}
	var out []*alertConfig
	if k := c.project.alertConfig(al.AlertConfigID); k != nil {
		out = append(out, k)
	}
	return paged(c, http.StatusOK, out, c.alertConfigView)
}

func (c *call) acknowledgeAlert() (answer, *problem) {
	al, bad := c.findAlert()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	next, bad := c.acknowledged(al, doc)
	if bad != nil {
		return answer{}, bad
	}
	if before := text(al); before != text(next) {
		kind := "ALERT_ACKNOWLEDGED_AUDIT"
		if next.AcknowledgedUntil == nil {
			kind = "ALERT_UNACKNOWLEDGED_AUDIT"
		}
		*al = next
		al.Updated = c.at.Truncate(time.Second)
		c.effect("alert "+al.ID, before, text(al))
		c.projectEvent(kind, object{"alertId": al.ID})
		if k := c.project.alertConfig(al.AlertConfigID); k != nil && al.Status == alertOpen {
			c.a.notify(c.project, k, al, "alert.acknowledge", al.Updated) // only of open ones (a guess)
		}
	}
	return ok(c.alertView(al))
}

// acknowledged is the alert after a request. A date that has passed takes the
// acknowledgement back, like unacknowledgeAlert (a guess).
func (c *call) acknowledged(al *Alert, doc object) (Alert, *problem) {
	next := al.clone()
	next.AcknowledgedUntil, next.AcknowledgementComment, next.AcknowledgingUsername = nil, "", ""
	if doc["unacknowledgeAlert"] == true {
		return next, nil
	}
	s, sent := doc["acknowledgedUntil"].(string)
	if !sent {
		return next, missingAttribute("acknowledgedUntil")
	}
	until, err := parseDate(s)
	if err != nil {
		return next, violation(apispec.Violation{Rule: apispec.Date, Path: "acknowledgedUntil", Detail: s})
	}
	if until = until.Truncate(time.Second); until.Before(c.at.Truncate(time.Second)) {
		return next, nil
	}
	next.AcknowledgedUntil = &until
	next.AcknowledgementComment, _ = doc["acknowledgementComment"].(string)
	next.AcknowledgingUsername = orDefault(c.actor.Username, orDefault(c.actor.PublicKey, c.actor.ClientID))
	return next, nil
}
