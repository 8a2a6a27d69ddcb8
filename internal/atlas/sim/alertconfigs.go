package sim

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// alertConfig is one alert configuration. Its document has what a client may set, with
// the secrets.
type alertConfig struct {
	id               string
	created, updated time.Time
	doc              object
}

func (k *alertConfig) kind() string  { s, _ := k.doc["eventTypeName"].(string); return s }
func (k *alertConfig) enabled() bool { return k.doc["enabled"] == true }

func (k *alertConfig) notifications() []object { return objectsOf(k.doc["notifications"]) }

func objectsOf(v any) []object {
	list, _ := v.([]any)
	out := make([]object, 0, len(list))
	for _, e := range list {
		if m, isObject := e.(map[string]any); isObject {
			out = append(out, m)
		}
	}
	return out
}

// matcherFields are the attributes of a component that a matcher may compare.
func matcherFields() []string {
	return []string{
		"APPLICATION_ID", "CLUSTER_NAME", "TYPE_NAME", "HOSTNAME", "PORT", "HOSTNAME_AND_PORT", "REPLICA_SET_NAME",
		"ATLAS_NODE_TYPE", "SHARD_NAME", "INSTANCE_NAME", "PROCESSOR_NAME", "RULE_ID", "SOFTWARE_TYPE",
	}
}

func (c *call) matcherFieldNames() (answer, *problem) {
	return plain(matcherFields(), func(s string) any { return s }), nil
}

// matches says whether all matchers hold for an event. An attribute that the event does
// not have is empty (a guess).
func (k *alertConfig) matches(raw object) bool {
	for _, m := range objectsOf(k.doc["matchers"]) {
		field, _ := m["fieldName"].(string)
		op, _ := m["operator"].(string)
		want, _ := m["value"].(string)
		have, _ := raw[eventField(field)].(string)
		if !matched(op, have, want) {
			return false
		}
	}
	return true
}

// eventField turns CLUSTER_NAME into clusterName.
func eventField(field string) string {
	words := strings.Split(strings.ToLower(field), "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func matched(op, have, want string) bool {
	switch op {
	case "EQUALS":
		return have == want
	case "NOT_EQUALS":
		return have != want
	case "CONTAINS":
		return strings.Contains(have, want)
	case "NOT_CONTAINS":
		return !strings.Contains(have, want)
	case "STARTS_WITH":
		return strings.HasPrefix(have, want)
	case "ENDS_WITH":
		return strings.HasSuffix(have, want)
	}
	re, err := regexp.Compile(want)
	return err == nil && re.MatchString(have)
}

// alertConfig checks a document by what needs no project and returns what a client may
// set of it.
func (t eventTypes) alertConfig(doc object) (object, *problem) {
	kind, isText := doc["eventTypeName"].(string)
	known, found := t[kind]
	switch {
	case doc["eventTypeName"] == nil:
		return nil, missingAttribute("eventTypeName")
	case !isText:
		return nil, wrongType("eventTypeName")
	case !found:
		return nil, badEventType(kind)
	case !known.alertable:
		return nil, bad("INVALID_EVENT_TYPE_FOR_ALERT", "The event type %s cannot be used for alerts.", kind)
	}
	if list, isList := doc["notifications"].([]any); doc["notifications"] == nil || isList && len(list) == 0 {
		return nil, bad("MISSING_NOTIFICATIONS", "At least one notification must be specified for an alert configuration.")
	}
	out, bad := checkNewer(apispec.Load().Schemas["GroupAlertsConfig"], map[string]any(doc), "webhookBodyTemplate", "webhookHeadersTemplate")
	if bad != nil {
		return nil, bad
	}
	for _, m := range objectsOf(doc["matchers"]) {
		if field, _ := m["fieldName"].(string); !slices.Contains(matcherFields(), field) {
			return nil, badEnum(field, "fieldName")
		}
		if re, _ := m["value"].(string); m["operator"] == "REGEX" {
			if _, err := regexp.Compile(re); err != nil {
				return nil, invalidField("matchers.value", "is not a regular expression")
			}
		}
	}
	return out.(map[string]any), nil
}

func completeAlertConfig(doc object) object {
	out := overlay(object{"enabled": false, "matchers": []any{}}, doc)
	for _, n := range objectsOf(out["notifications"]) {
		completeNotification(n)
	}
	return out
}

func (c *call) alertConfigView(k *alertConfig) any {
	path := "/groups/" + c.project.id + "/alertConfigs/" + k.id
	out := redact(k.doc)
	var notes []any
	for _, n := range k.notifications() {
		notes = append(notes, c.project.shownNotification(n))
	}
	out["notifications"] = notes
	out["id"], out["groupId"] = k.id, c.project.id
	out["created"], out["updated"] = stamp(k.created), stamp(k.updated)
	out["links"] = append(c.self(path), object{"href": c.href(path + "/alerts"), "rel": c.base + "/alerts"})
	return out
}

func (c *call) listAlertConfigs() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.alertConfigs, c.alertConfigView)
}

func (p *project) alertConfig(id string) *alertConfig {
	for _, k := range p.alertConfigs {
		if k.id == id {
			return k
		}
	}
	return nil
}

func (c *call) findAlertConfig() (*alertConfig, *problem) {
	id := c.params["alertConfigId"]
	if k := c.project.alertConfig(id); k != nil {
		return k, nil
	}
	return nil, missing("ALERT_CONFIG_NOT_FOUND", "No alert configuration with ID %s exists in group %s.", id, c.project.id)
}

func (c *call) getAlertConfig() (answer, *problem) {
	k, bad := c.findAlertConfig()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.alertConfigView(k))
}

func (c *call) createAlertConfig() (answer, *problem) {
	doc, bad := c.alertConfigBody(nil)
	if bad != nil {
		return answer{}, bad
	}
	k := &alertConfig{id: c.a.nextID("alert config"), created: c.at, updated: c.at, doc: doc}
	c.project.alertConfigs = append(c.project.alertConfigs, k)
	c.effect("alertConfig "+k.id, "", text(conceal(k.doc)))
	c.projectEvent("ALERT_CONFIG_ADDED_AUDIT", object{"alertConfigId": k.id})
	out := answer{status: http.StatusCreated, body: c.alertConfigView(k), header: http.Header{}}
	out.header.Set("Location", c.href("/groups/"+c.project.id+"/alertConfigs/"+k.id))
	return out, nil
}

// alertConfigBody reads, checks and completes a body. Of a notification whose
// notifierId the configuration has, secrets that are not sent stay.
func (c *call) alertConfigBody(held *alertConfig) (object, *problem) {
	doc, bad := c.document(anyRule()...)
	if bad != nil {
		return nil, bad
	}
	if held != nil && doc["enabled"] == nil {
		doc["enabled"] = held.enabled() // switching is the toggle's (a guess)
	}
	for _, n := range objectsOf(doc["notifications"]) {
		old := held.notification(n)
		if old != nil {
			keepSecrets(n, old, c.project.shownNotification(old), true)
			continue
		}
		delete(n, "notifierId")
	}
	doc, bad = c.a.eventTypes.alertConfig(doc)
	if bad != nil {
		return nil, bad
	}
	if bad := c.project.checkNotifications(doc); bad != nil {
		return nil, bad
	}
	doc = completeAlertConfig(doc)
	list := objectsOf(doc["notifications"])
	for _, n := range list {
		if n["notifierId"] == nil {
			n["notifierId"] = held.notifier(n, list)
		}
		if n["notifierId"] == "" {
			n["notifierId"] = c.a.nextID("notifier")
		}
	}
	return doc, nil
}

// notifier is the id of a held notification that says the same as n, so that the same
// document written again changes nothing; "" if there is none that is free.
func (k *alertConfig) notifier(n object, all []object) string {
	if k == nil {
		return ""
	}
	for _, old := range k.notifications() {
		id, _ := old["notifierId"].(string)
		free := !slices.ContainsFunc(all, func(o object) bool { return o["notifierId"] == id })
		if free && text(overlay(old, object{"notifierId": nil})) == text(overlay(n, object{"notifierId": nil})) {
			return id
		}
	}
	return ""
}

// notification is the one of the same type that n names by notifierId.
func (k *alertConfig) notification(n object) object {
	if k == nil {
		return nil
	}
	for _, old := range k.notifications() {
		if n["notifierId"] != nil && old["notifierId"] == n["notifierId"] && old["typeName"] == n["typeName"] {
			return old
		}
	}
	return nil
}

func (c *call) updateAlertConfig() (answer, *problem) {
	k, bad := c.findAlertConfig()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.alertConfigBody(k)
	if bad != nil {
		return answer{}, bad
	}
	c.setAlertConfig(k, doc)
	return ok(c.alertConfigView(k))
}

// toggleAlertConfig sets the switch to what is sent, or turns it over (a guess from the
// words of the official document).
func (c *call) toggleAlertConfig() (answer, *problem) {
	k, bad := c.findAlertConfig()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	on, sent := doc["enabled"].(bool)
	if !sent {
		on = !k.enabled()
	}
	c.setAlertConfig(k, overlay(k.doc, object{"enabled": on}))
	return ok(c.alertConfigView(k))
}

// setAlertConfig writes one event for a change of the switch and one for any other.
func (c *call) setAlertConfig(k *alertConfig, doc object) {
	before, after := text(conceal(k.doc)), text(conceal(doc))
	if before == after {
		return
	}
	was := k.enabled()
	changed := text(conceal(overlay(k.doc, object{"enabled": nil}))) != text(conceal(overlay(doc, object{"enabled": nil})))
	k.doc, k.updated = doc, c.at
	c.effect("alertConfig "+k.id, before, after)
	extra := object{"alertConfigId": k.id}
	if changed {
		c.projectEvent("ALERT_CONFIG_CHANGED_AUDIT", extra)
	}
	switch {
	case was && !k.enabled():
		c.projectEvent("ALERT_CONFIG_DISABLED_AUDIT", extra)
		c.a.cancelAlerts(c.project, k, c.at)
	case !was && k.enabled():
		c.projectEvent("ALERT_CONFIG_ENABLED_AUDIT", extra)
	}
}

func (c *call) deleteAlertConfig() (answer, *problem) {
	k, bad := c.findAlertConfig()
	if bad != nil {
		return answer{}, bad
	}
	c.a.cancelAlerts(c.project, k, c.at)
	c.project.alertConfigs = slices.DeleteFunc(c.project.alertConfigs, func(x *alertConfig) bool { return x == k })
	c.effect("alertConfig "+k.id, text(conceal(k.doc)), "")
	c.projectEvent("ALERT_CONFIG_DELETED_AUDIT", object{"alertConfigId": k.id})
	return empty(http.StatusNoContent)
}
