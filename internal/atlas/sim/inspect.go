package sim

import (
	"cmp"
	"net/http"
	"slices"
)

// systemStatus is the root: who am I. A service account has no apiKey.
func (c *call) systemStatus() (answer, *problem) {
	out := object{"appName": "MongoDB Atlas", "build": "sim", "throttling": false, "apiKey": nil, "links": c.self("")}
	if c.who != nil && c.who.publicKey != "" {
		out["apiKey"] = object{"id": c.who.keyID, "publicKey": c.who.publicKey, "accessList": c.who.addressItems(), "roles": c.who.roleViews()}
	}
	return ok(out)
}

func (p *principal) roleViews() []object {
	out := []object{}
	for _, g := range p.grants {
		if g.GroupID == "" {
			out = append(out, object{"orgId": p.org.id, "roleName": g.RoleName})
			continue
		}
		for _, q := range p.org.projects {
			if g.GroupID == q.id || g.GroupID == anyProject {
				out = append(out, object{"groupId": q.id, "roleName": g.RoleName})
			}
		}
	}
	return out
}

func (c *call) listEventTypes() (answer, *problem) {
	return paged(c, http.StatusOK, c.a.eventTypes.sorted(), func(t eventType) any {
		return object{"eventType": t.name, "description": "Event " + t.name, "alertable": t.alertable}
	})
}

// limitScope reads which scope's limits are asked for; "" is all of them.
func (c *call) limitScope() (string, *problem) {
	scopes := map[string]string{"orgId": "ORGANIZATION", "groupId": "GROUP", "userId": "USER", "ipAddress": "IP"}
	found := ""
	for param, scope := range scopes {
		if c.query.Get(param) == "" {
			continue
		}
		if found != "" {
			return "", bad("INVALID_QUERY_PARAMETER", "Invalid query parameter %s specified: only one scope may be asked for.", param)
		}
		found = scope
	}
	return found, nil
}

func (c *call) listRateLimits() (answer, *problem) {
	scope, bad := c.limitScope()
	if bad != nil {
		return answer{}, bad
	}
	var out []bucketSet
	for _, s := range c.a.sets {
		if scope == "" || s.scope == scope {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(x, y bucketSet) int { return cmp.Compare(x.id, y.id) })
	return paged(c, http.StatusOK, out, c.limitView)
}

func (c *call) getRateLimit() (answer, *problem) {
	s, found := c.a.sets[c.params["endpointSetId"]]
	if !found {
		return answer{}, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.params["endpointSetId"])
	}
	return ok(c.limitView(s))
}

func (c *call) limitView(s bucketSet) any {
	standard := bucketSets()[s.id]
	endpoints := []object{}
	for _, r := range c.a.routes {
		if r.set == s.id {
			endpoints = append(endpoints, object{"method": r.method, "path": apiPrefix + r.path})
		}
	}
	seconds := int(refillEvery.Seconds())
	return object{
		"endpointSetId": s.id, "endpointSetName": s.name, "scope": s.scope, "endpoints": endpoints,
		"capacity":              object{"value": s.capacity, "defaultValue": standard.capacity},
		"refillRate":            object{"value": s.refill, "defaultValue": standard.refill},
		"refillDurationSeconds": object{"value": seconds, "defaultValue": seconds},
	}
}
