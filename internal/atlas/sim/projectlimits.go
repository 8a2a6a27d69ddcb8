package sim

import (
	"math"
	"net/http"
	"slices"
	"strings"
)

// projectLimit is a limit that an owner may set. Figures are the official document's,
// but for maxima that it lacks or has below the default, and for serverless (guesses).
type projectLimit struct {
	name      string
	def, most int
	usage     func(*project) int // nil where nothing is counted
}

// optional limits have neither a default nor a maximum, and are listed once set.
func (l projectLimit) optional() bool { return strings.HasPrefix(l.name, "dataFederation.") }

func projectLimits() []projectLimit {
	return []projectLimit{
		{limitClusters, 25, 100, func(p *project) int { return len(p.clusters) + len(p.flex) }},
		{"atlas.project.deployment.nodesPerPrivateLinkRegion", 50, 90, nil},
		{"atlas.project.deployment.privateServiceConnectionsPerRegionGroup", 50, 100, nil},
		{"atlas.project.deployment.privateServiceConnectionsSubnetMask", 27, 27, nil},
		{"atlas.project.deployment.serverlessMTMs", 100, 100, nil},
		{limitCustomRoles, 100, 1400, func(p *project) int { return len(p.roles) }},
		{limitDBUsers, 100, 100, func(p *project) int { return len(p.users) }},
		{limitCrossRegion, 40, 220, nil}, // no cluster here spans regions
		{limitEntries, 200, 200, func(p *project) int { return len(p.access) }},
		{"dataFederation.bytesProcessed.query", 0, math.MaxInt, nil},
		{"dataFederation.bytesProcessed.daily", 0, math.MaxInt, nil},
		{"dataFederation.bytesProcessed.weekly", 0, math.MaxInt, nil},
		{"dataFederation.bytesProcessed.monthly", 0, math.MaxInt, nil},
	}
}

// value is what holds in the project now.
func (l projectLimit) value(p *project) (n int, set bool) {
	if n, set = p.limits[l.name]; set {
		return n, true
	}
	if n, set = p.org.limits[l.name]; set {
		return n, true
	}
	return l.def, !l.optional()
}

func (l projectLimit) view(p *project) object {
	n, _ := l.value(p)
	out := object{"name": l.name, "value": n}
	if l.optional() {
		return out
	}
	out["defaultLimit"], out["maximumLimit"], out["currentUsage"] = l.def, max(l.most, n), 0
	if l.usage != nil {
		out["currentUsage"] = l.usage(p)
	}
	return out
}

func (l projectLimit) state(p *project) string {
	if n, set := l.value(p); set {
		return text(object{"name": l.name, "value": n})
	}
	return ""
}

func (c *call) listLimits() (answer, *problem) {
	var set []projectLimit
	for _, l := range projectLimits() {
		if _, is := l.value(c.project); is {
			set = append(set, l)
		}
	}
	return plain(set, func(l projectLimit) any { return l.view(c.project) }), nil
}

func (c *call) findLimit() (projectLimit, *problem) {
	name := c.params["limitName"]
	all := projectLimits()
	i := slices.IndexFunc(all, func(l projectLimit) bool { return l.name == name })
	if i < 0 {
		return projectLimit{}, bad("INVALID_PATH_PARAMETER", "Invalid path parameter: %s is not a limit.", name)
	}
	return all[i], nil
}

// heldLimit is a limit that has a value.
func (c *call) heldLimit() (projectLimit, *problem) {
	l, bad := c.findLimit()
	if bad != nil {
		return l, bad
	}
	if _, set := l.value(c.project); !set {
		return l, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", l.name)
	}
	return l, nil
}

func (c *call) getLimit() (answer, *problem) {
	l, bad := c.heldLimit()
	if bad != nil {
		return answer{}, bad
	}
	return ok(l.view(c.project))
}

func (c *call) setLimit() (answer, *problem) {
	l, bad := c.findLimit()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	value, _ := doc["value"].(float64)
	if value < 0 || value > float64(l.most) {
		return answer{}, invalidField("value", "must be from 0 to the limit's maximum")
	}
	before := l.state(c.project)
	if n, _ := l.value(c.project); n != int(value) || before == "" {
		if c.project.limits == nil {
			c.project.limits = map[string]int{}
		}
		c.project.limits[l.name] = int(value)
		c.limitChanged(l, before, "DATA_FEDERATION_QUERY_LIMIT_CONFIGURED")
	}
	return ok(l.view(c.project))
}

// deleteLimit goes back to the default, or to no limit at all.
func (c *call) deleteLimit() (answer, *problem) {
	l, bad := c.heldLimit()
	if bad != nil {
		return answer{}, bad
	}
	before := l.state(c.project)
	delete(c.project.limits, l.name)
	if l.state(c.project) != before {
		c.limitChanged(l, before, "DATA_FEDERATION_QUERY_LIMIT_DELETED")
	}
	return empty(http.StatusNoContent)
}

func (c *call) limitChanged(l projectLimit, before, federated string) {
	c.effect("limit "+l.name, before, l.state(c.project))
	if l.optional() {
		c.projectEvent(federated, nil)
		return
	}
	c.projectEvent("PROJECT_LIMIT_UPDATED", nil)
}
