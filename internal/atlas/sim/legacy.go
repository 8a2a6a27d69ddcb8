package sim

import (
	"net/http"
	"strings"
)

// legacyPrefix is where the API is that came before the versioned one. Clients that are
// older than 2023 call it, and so do newer ones that stand on MongoDB's first Go client:
// Vault's plugins, OpenTelemetry's receiver, Ansible's modules. It is served as the first
// version of each resource, without dates: MongoDB's guide to migration says that only
// the cluster resource changed between the two.
const legacyPrefix = "/api/atlas/v1.0"

// firstDates are the dates of the first versions; what began later is not in the legacy
// API.
const firstDates = "2023-02-01"

// under says under which of the two prefixes a path is, and what follows.
func under(path string) (prefix, rest string, ok bool) {
	for _, prefix := range []string{apiPrefix, legacyPrefix} {
		if rest, found := strings.CutPrefix(path, prefix); found && (rest == "" || rest[0] == '/') {
			return prefix, rest, true
		}
	}
	return "", path, false
}

// choose is the version that a request gets, by its Accept header or, in the legacy API,
// the first.
func (c *call) choose(accept string) (version, *problem) {
	if c.prefix != legacyPrefix {
		return negotiate(c.route.parsed, accept, c.at)
	}
	first := c.route.parsed[0].date
	if first > firstDates {
		return version{}, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", legacyPrefix+c.path)
	}
	if c.route.path == "/groups/{groupId}/clusters" || c.route.path == "/groups/{groupId}/clusters/{clusterName}" {
		return version{}, fail(http.StatusNotImplemented, "NOT_SIMULATED", "The operation %s of the legacy API exists in Atlas and is not simulated.", c.route.op)
	}
	return version{date: first}, nil
}

// href is the address of a path of the API, as the caller calls it.
func (c *call) href(path string) string { return c.base + orDefault(c.prefix, apiPrefix) + path }
