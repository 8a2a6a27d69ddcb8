package sim

import (
	"encoding/json"
	"net/http"
)

// AuditLog is a project's database auditing.
type AuditLog struct {
	Enabled                   bool   `yaml:"enabled,omitempty" json:"enabled"`
	AuditAuthorizationSuccess bool   `yaml:"auditAuthorizationSuccess,omitempty" json:"auditAuthorizationSuccess"`
	AuditFilter               string `yaml:"auditFilter,omitempty" json:"auditFilter"`
}

// auditView derives configurationType: a filter that came over the API is JSON.
func (l AuditLog) view() any {
	kind := "NONE"
	if l.AuditFilter != "" {
		kind = "FILTER_JSON"
	}
	return object{
		"enabled": l.Enabled, "auditAuthorizationSuccess": l.AuditAuthorizationSuccess,
		"auditFilter": orDefault(l.AuditFilter, "{}"), "configurationType": kind,
	}
}

func (c *call) getAuditLog() (answer, *problem) { return ok(c.project.audit.view()) }

func (c *call) updateAuditLog() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	if c.project.onlyFree() {
		return answer{}, fail(http.StatusForbidden, "FEATURE_UNSUPPORTED", "Auditing is not available for free and flex clusters.")
	}
	next := c.project.audit
	if v, sent := doc["enabled"].(bool); sent {
		next.Enabled = v
	}
	if v, sent := doc["auditAuthorizationSuccess"].(bool); sent {
		next.AuditAuthorizationSuccess = v
	}
	if v, sent := doc["auditFilter"].(string); sent {
		if bad := checkAuditFilter(v); bad != nil {
			return answer{}, bad
		}
		next.AuditFilter = v
		if v == "{}" { // what the answer has for none
			next.AuditFilter = ""
		}
	}
	if before := c.project.audit; next != before {
		c.project.audit = next
		c.effect("auditLog", text(before), text(next))
		c.projectEvent("AUDIT_LOG_CONFIGURATION_UPDATED", nil)
	}
	return answer{status: http.StatusAccepted, body: next.view()}, nil
}

// checkAuditFilter wants JSON text of an object. The code is a guess.
func checkAuditFilter(s string) *problem {
	var filter map[string]any
	if s != "" && json.Unmarshal([]byte(s), &filter) != nil {
		return bad("INVALID_JSON", "The audit filter is not a JSON document.")
	}
	return nil
}

// onlyFree says whether the project has clusters, and none that is dedicated.
func (p *project) onlyFree() bool {
	for _, k := range p.clusters {
		if k.InstanceSize != "M0" {
			return false
		}
	}
	return len(p.clusters)+len(p.flex) > 0
}
