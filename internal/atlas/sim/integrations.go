package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// integrationTypes in the order in which the real server lists them, as far as recorded.
func integrationTypes() []string {
	return []string{"PAGER_DUTY", "SLACK", "DATADOG", "NEW_RELIC", "OPS_GENIE", "VICTOR_OPS", "WEBHOOK", "PROMETHEUS", "MICROSOFT_TEAMS"}
}

func (p *project) integration(kind string) object {
	for _, in := range p.integrations {
		if in["type"] == kind {
			return in
		}
	}
	return nil
}

// integrationOf checks a document and fills in the defaults. Its id stays, if it has
// one.
func integrationOf(doc object) (object, *problem) {
	kind, _ := doc["type"].(string)
	if !slices.Contains(integrationTypes(), kind) { // HIP_CHAT is in the enum and has no schema
		return nil, badEnum(kind, "type")
	}
	checked, bad := checkNewer(apispec.Load().Schemas["ThirdPartyIntegration"], map[string]any(doc), "bodyTemplate", "headersTemplate", "customEndpoint")
	if bad != nil {
		return nil, bad
	}
	out := object(checked.(map[string]any))
	defaults := object{}
	switch kind {
	case "PAGER_DUTY", "OPS_GENIE":
		defaults["region"] = "US"
	case "DATADOG":
		defaults["region"] = "US"
		for _, flag := range []string{"sendCollectionLatencyMetrics", "sendDatabaseMetrics", "sendQueryStatsMetrics", "sendUserProvidedResourceTags"} {
			defaults[flag] = false
		}
	case "PROMETHEUS":
		defaults["sendUserProvidedResourceTagsEnabled"] = false
	case "WEBHOOK":
		url, _ := out["url"].(string)
		if bad := checkURL("url", url); bad != nil {
			return nil, bad
		}
	}
	return overlay(defaults, out), nil
}

// checkNewer is checkDocument where the service takes attributes that the document of
// the SDK does not have yet.
func checkNewer(s *apispec.Schema, v any, newer ...string) (any, *problem) {
	facts := apispec.Load()
	for _, wrong := range facts.Check(s, v) {
		name := wrong.Path[strings.LastIndex(wrong.Path, ".")+1:]
		if wrong.Rule != apispec.Unknown || !slices.Contains(newer, name) {
			return nil, violation(wrong)
		}
	}
	return facts.Writable(s, v), nil
}

// integrationView stars the secrets; a password is never shown, and what a webhook and
// Datadog have as null when it is unset is so in recorded answers.
func integrationView(in object) any {
	out := redact(in)
	delete(out, "password")
	unset := map[any][]string{"WEBHOOK": {"bodyTemplate", "headersTemplate"}, "DATADOG": {"customEndpoint"}}
	for _, key := range unset[in["type"]] {
		if out[key] == nil {
			out[key] = nil
		}
	}
	return out
}

func (c *call) listIntegrations() (answer, *problem) {
	order := integrationTypes()
	all := slices.SortedFunc(slices.Values(c.project.integrations), func(x, y object) int {
		return cmp.Compare(slices.Index(order, x["type"].(string)), slices.Index(order, y["type"].(string)))
	})
	return paged(c, http.StatusOK, all, integrationView)
}

// integrationType is the type in the path, and what the project has of it.
func (c *call) integrationType() (kind string, in object, wrong *problem) {
	kind = c.params["integrationType"]
	if kind != "HIP_CHAT" && !slices.Contains(integrationTypes(), kind) {
		return kind, nil, bad("INVALID_ENUM_VALUE", "An invalid enumeration value %s was specified.", kind)
	}
	return kind, c.project.integration(kind), nil
}

func (c *call) configured() (object, *problem) {
	kind, in, bad := c.integrationType()
	if bad == nil && in == nil {
		bad = missing("INTEGRATION_NOT_CONFIGURED", "The integration %s is not configured for group %s.", kind, c.project.id)
	}
	return in, bad
}

func (c *call) getIntegration() (answer, *problem) {
	in, bad := c.configured()
	if bad != nil {
		return answer{}, bad
	}
	return ok(integrationView(in))
}

func (c *call) createIntegration() (answer, *problem) {
	kind, held, bad := c.integrationType()
	if bad != nil {
		return answer{}, bad
	}
	in, bad := c.integrationBody(kind, nil)
	if bad != nil {
		return answer{}, bad
	}
	if held != nil {
		return answer{}, conflict("INTEGRATION_ALREADY_CONFIGURED", "The integration %s is already configured for group %s.", kind, c.project.id)
	}
	in["id"] = c.a.nextID("integration")
	c.project.integrations = append(c.project.integrations, in)
	c.effect("integration "+kind, "", text(conceal(in)))
	c.projectEvent("INTEGRATION_CONFIGURED", nil)
	return c.listIntegrations()
}

// updateIntegration replaces the settings.
func (c *call) updateIntegration() (answer, *problem) {
	held, bad := c.configured()
	if bad != nil {
		return answer{}, bad
	}
	in, bad := c.integrationBody(held["type"].(string), held)
	if bad != nil {
		return answer{}, bad
	}
	in["id"] = held["id"]
	if before, after := text(conceal(held)), text(conceal(in)); before != after {
		clear(held)
		for k, v := range in {
			held[k] = v
		}
		c.effect("integration "+held["type"].(string), before, after)
		c.projectEvent("INTEGRATION_CONFIGURED", nil)
	}
	return c.listIntegrations()
}

// integrationBody reads a body for that type. A secret that comes as it was shown is the
// held one, and so is one that is never shown and does not come (guesses).
func (c *call) integrationBody(kind string, held object) (object, *problem) {
	doc, bad := c.document(anyRule()...)
	if bad != nil {
		return nil, bad
	}
	if sent, has := doc["type"]; has && sent != kind {
		return nil, invalidField("type", "must be the integration type of the path")
	}
	doc["type"] = kind
	delete(doc, "id")
	for k, v := range doc {
		if v == nil {
			delete(doc, k)
		}
	}
	if held != nil {
		keepSecrets(doc, held, redact(held), false)
		if kind == "PROMETHEUS" && doc["password"] == nil && held["password"] != nil { // it is never shown
			doc["password"] = held["password"]
		}
	}
	return integrationOf(doc)
}

// anyRule has a body read without checking it yet.
func anyRule() []apispec.Rule {
	return []apispec.Rule{apispec.Unknown, apispec.Missing, apispec.Type, apispec.Enum, apispec.Range, apispec.Date}
}

func (c *call) deleteIntegration() (answer, *problem) {
	in, bad := c.configured()
	if bad != nil {
		return answer{}, bad
	}
	kind := in["type"].(string)
	if c.project.integrationInUse(in) {
		// The code is documented for webhooks; that the others are like it is a guess.
		return answer{}, fail(http.StatusBadRequest, kind+"_NOTIFICATIONS_PRESENT", "The integration %s is used by alert configurations.", kind)
	}
	c.project.integrations = slices.DeleteFunc(c.project.integrations, func(o object) bool { return o["type"] == kind })
	c.effect("integration "+kind, text(conceal(in)), "")
	c.projectEvent("INTEGRATION_REMOVED", nil)
	return empty(http.StatusNoContent)
}

func (p *project) integrationInUse(in object) bool {
	for _, k := range p.alertConfigs {
		for _, n := range k.notifications() {
			if n["typeName"] != in["type"] {
				continue
			}
			if own, _ := n["webhookUrl"].(string); n["integrationId"] == in["id"] || in["type"] == "WEBHOOK" && own == "" {
				return true
			}
		}
	}
	return false
}
