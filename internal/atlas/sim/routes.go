package sim

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

const apiPrefix = "/api/atlas/v2"

// route is one operation that is served. Its method, path, versions and roles are those
// of the official document.
type route struct {
	op     string // operationId
	older  string // versions before the document's, as "date" or "date:sunset", oldest first
	set    string // endpoint set of its token bucket
	handle func(*call) (answer, *problem)

	method, path string
	spec         *apispec.Operation
	segments     []string // a segment {name} takes any value; {name}:verb wants the verb
	parsed       []version
}

// routes is the whole surface. Order matters where a literal segment competes with a
// parameter.
func routes() []route {
	all := slices.Concat(
		coreRoutes(), orgRoutes(), federationRoutes(), peopleRoutes(), machineRoutes(),
		networkRoutes(), databaseAuthRoutes(), alertRoutes(), targetRoutes(), backupRoutes(),
		upkeepRoutes(),
	)
	facts := apispec.Load()
	for i := range all {
		r := &all[i]
		if r.spec == nil { // else it is newer than the document
			r.spec = facts.Operation(r.op)
		}
		if r.spec == nil {
			panic("sim: the official document has no operation " + r.op) // a mistake in a table of this package
		}
		r.method, r.path = r.spec.Method, r.spec.Path
		r.segments = strings.Split(strings.Trim(r.path, "/"), "/")
		r.parsed = versionsOf(r)
	}
	slices.SortStableFunc(all, literalFirst)
	return all
}

// literalFirst puts a path with a literal segment before one that has a parameter there.
func literalFirst(a, b route) int {
	for i := range min(len(a.segments), len(b.segments)) {
		pa, pb := strings.HasPrefix(a.segments[i], "{"), strings.HasPrefix(b.segments[i], "{")
		if pa && pb && len(a.segments[i]) != len(b.segments[i]) && strings.Contains(a.segments[i]+b.segments[i], "}:") {
			return len(b.segments[i]) - len(a.segments[i]) // the one with a verb first
		}
		if pa && pb {
			continue // two parameters are alike, whatever their names
		}
		if pa != pb {
			if pa {
				return 1
			}
			return -1
		}
		if a.segments[i] != b.segments[i] {
			return strings.Compare(a.segments[i], b.segments[i])
		}
	}
	return len(a.segments) - len(b.segments)
}

// coreRoutes are the operations that every other part stands on.
func coreRoutes() []route {
	return []route{
		{op: "getSystemStatus", set: "inspection_user", handle: (*call).systemStatus},
		{op: "listOrgs", set: "inspection_user", handle: (*call).listOrgs},
		{op: "getOrg", set: "org_organization", handle: (*call).getOrg},
		{op: "getOrgGroups", set: "org_organization", handle: (*call).orgProjects},
		{op: "listOrgEvents", set: "orgEvents_organization", handle: (*call).listEvents},
		{op: "getOrgEvent", set: "orgEvents_organization", handle: (*call).getEvent},
		{op: "listEventTypes", set: "inspection_user", handle: (*call).listEventTypes},
		{op: "listRateLimits", set: "inspection_user", handle: (*call).listRateLimits},
		{op: "getRateLimit", set: "inspection_user", handle: (*call).getRateLimit},
		{op: "listClusterDetails", set: "inspection_user", handle: (*call).allClusters},

		{op: "listGroups", set: "groups_user", handle: (*call).listProjects},
		{op: "createGroup", set: "groups_user", handle: (*call).createProject},
		{op: "getGroupByName", set: "groups_user", handle: (*call).projectByName},
		{op: "getGroup", set: "group_group", handle: (*call).getProject},
		{op: "updateGroup", set: "group_group", handle: (*call).updateProject},
		{op: "deleteGroup", set: "group_group", handle: (*call).deleteProject},
		{op: "listGroupEvents", set: "groupEvents_group", handle: (*call).listEvents},
		{op: "getGroupEvent", set: "groupEvents_group", handle: (*call).getEvent},

		{op: "listGroupDatabaseUsers", set: "databaseUsers_group", handle: (*call).listUsers},
		{op: "createGroupDatabaseUser", set: "databaseUsers_group", handle: (*call).createUser},
		{op: "getGroupDatabaseUser", set: "databaseUsers_group", handle: (*call).getUser},
		{op: "updateGroupDatabaseUser", set: "databaseUsers_group", handle: (*call).updateUser},
		{op: "deleteGroupDatabaseUser", set: "databaseUsers_group", handle: (*call).deleteUser},

		{op: "listGroupCustomDbRoleRoles", set: "customDbRoles_group", handle: (*call).listRoles},
		{op: "createGroupCustomDbRoleRole", set: "customDbRoles_group", handle: (*call).createRole},
		{op: "getGroupCustomDbRoleRole", set: "customDbRoles_group", handle: (*call).getRole},
		{op: "updateGroupCustomDbRoleRole", set: "customDbRoles_group", handle: (*call).updateRole},
		{op: "deleteGroupCustomDbRoleRole", set: "customDbRoles_group", handle: (*call).deleteRole},

		{op: "listGroupAccessListEntries", set: "accessList_group", handle: (*call).listAccess},
		{op: "createGroupAccessListEntry", set: "accessList_group", handle: (*call).createAccess},
		{op: "getGroupAccessListEntry", set: "accessList_group", handle: (*call).getAccess},
		{op: "deleteGroupAccessListEntry", set: "accessList_group", handle: (*call).deleteAccess},
		{op: "getGroupAccessListStatus", set: "accessList_group", handle: (*call).accessStatus},

		{op: "getGroupDbAccessHistoryCluster", set: "accessLogs_group", handle: (*call).clusterHistory},
		{op: "getGroupDbAccessHistoryProcess", set: "accessLogs_group", handle: (*call).processHistory},
	}
}

// find matches an escaped path without the prefix. With no match for the method, known
// says whether the path exists at all.
func (a *Atlas) find(method, escaped string) (r *route, params map[string]string, known bool) {
	parts := strings.Split(strings.Trim(escaped, "/"), "/")
	for i := range a.routes {
		r := &a.routes[i]
		if params := r.match(parts); params != nil {
			if r.method == method {
				return r, params, true
			}
			known = true
		}
	}
	return nil, nil, known
}

// match returns the path's parameters, or nil where it does not fit.
func (r *route) match(parts []string) map[string]string {
	if len(parts) != len(r.segments) {
		return nil
	}
	var params map[string]string
	for i, want := range r.segments {
		got := parts[i]
		if !strings.HasPrefix(want, "{") {
			if want != got {
				return nil
			}
			continue
		}
		name, verb, _ := strings.Cut(want[1:], "}")
		rest, ok := strings.CutSuffix(got, verb)
		value, err := url.PathUnescape(rest)
		if !ok || err != nil || value == "" {
			return nil
		}
		if params == nil {
			params = make(map[string]string, 4)
		}
		params[name] = value
	}
	if params == nil {
		params = map[string]string{}
	}
	return params
}

// unserved says whether a path is an operation of Atlas that this package does not have.
func unserved(method, escaped string) (op string, found bool) {
	parts := strings.Split(strings.Trim(escaped, "/"), "/")
	for _, o := range apispec.Load().Operations {
		r := route{segments: strings.Split(strings.Trim(o.Path, "/"), "/")}
		if o.Method == method && r.match(parts) != nil {
			return o.ID, true
		}
	}
	return "", false
}
