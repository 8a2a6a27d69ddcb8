package sim

import (
	"net/url"
	"strings"
)

const apiPrefix = "/api/atlas/v2"

// route is one operation of the API.
type route struct {
	method   string
	path     string // a segment {name} takes any value; {name}:verb wants the verb
	op       string // operationId
	versions string // oldest first, "!" marks a deprecated one
	set      string // endpoint set of its token bucket
	need     need
	handle   func(*call) (answer, *problem)

	segments []string
	parsed   []version
}

const (
	v2023   = "2023-01-01"
	v202302 = "2023-02-01"
)

// routes is the whole surface. Order matters where a literal segment competes with a
// parameter.
func routes() []route {
	all := []route{
		{method: "GET", path: "/", op: "getSystemStatus", versions: v2023, set: "inspection_user", need: needNone, handle: (*call).systemStatus},
		{method: "GET", path: "/orgs", op: "listOrgs", versions: v2023, set: "inspection_user", need: needNone, handle: (*call).listOrgs},
		{method: "GET", path: "/orgs/{orgId}", op: "getOrg", versions: v2023, set: "org_organization", need: needOrgMember, handle: (*call).getOrg},
		{method: "GET", path: "/orgs/{orgId}/groups", op: "getOrgGroups", versions: v2023, set: "org_organization", need: needOrgMember, handle: (*call).orgProjects},
		{method: "GET", path: "/orgs/{orgId}/events", op: "listOrgEvents", versions: v2023, set: "orgEvents_organization", need: needOrgMember, handle: (*call).listEvents},
		{method: "GET", path: "/orgs/{orgId}/events/{eventId}", op: "getOrgEvent", versions: v2023, set: "orgEvents_organization", need: needOrgMember, handle: (*call).getEvent},
		{method: "GET", path: "/eventTypes", op: "listEventTypes", versions: v2023, set: "inspection_user", need: needNone, handle: (*call).listEventTypes},
		{method: "GET", path: "/rateLimits", op: "listRateLimits", versions: "2025-03-12", set: "inspection_user", need: needNone, handle: (*call).listRateLimits},
		{method: "GET", path: "/rateLimits/{endpointSetId}", op: "getRateLimit", versions: "2025-03-12", set: "inspection_user", need: needNone, handle: (*call).getRateLimit},
		{method: "GET", path: "/clusters", op: "listClusterDetails", versions: v2023, set: "inspection_user", need: needNone, handle: (*call).allClusters},

		{method: "GET", path: "/groups", op: "listGroups", versions: v2023, set: "groups_user", need: needNone, handle: (*call).listProjects},
		{method: "POST", path: "/groups", op: "createGroup", versions: v2023, set: "groups_user", need: needNone, handle: (*call).createProject},
		{method: "GET", path: "/groups/byName/{groupName}", op: "getGroupByName", versions: v2023, set: "groups_user", need: needNone, handle: (*call).projectByName},
		{method: "GET", path: "/groups/{groupId}", op: "getGroup", versions: v2023, set: "group_group", need: needProjectRead, handle: (*call).getProject},
		{method: "PATCH", path: "/groups/{groupId}", op: "updateGroup", versions: v2023, set: "group_group", need: needProjectOwner, handle: (*call).updateProject},
		{method: "DELETE", path: "/groups/{groupId}", op: "deleteGroup", versions: v2023, set: "group_group", need: needProjectOwner, handle: (*call).deleteProject},
		{method: "GET", path: "/groups/{groupId}/events", op: "listGroupEvents", versions: v2023, set: "groupEvents_group", need: needProjectRead, handle: (*call).listEvents},
		{method: "GET", path: "/groups/{groupId}/events/{eventId}", op: "getGroupEvent", versions: v2023, set: "groupEvents_group", need: needProjectRead, handle: (*call).getEvent},

		{method: "GET", path: "/groups/{groupId}/clusters", op: "listGroupClusters", versions: "2023-01-01! 2023-02-01! 2024-08-05", set: "clusters_group", need: needProjectRead, handle: (*call).listClusters},
		{method: "POST", path: "/groups/{groupId}/clusters", op: "createGroupCluster", versions: "2023-01-01! 2023-02-01! 2024-08-05! 2024-10-23", set: "clusters_group", need: needClusterCreate, handle: (*call).createCluster},
		{method: "GET", path: "/groups/{groupId}/clusters/{clusterName}", op: "getGroupCluster", versions: "2023-01-01! 2023-02-01! 2024-08-05", set: "clusters_group", need: needProjectRead, handle: (*call).getCluster},
		{method: "DELETE", path: "/groups/{groupId}/clusters/{clusterName}", op: "deleteGroupCluster", versions: "2023-01-01! 2023-02-01", set: "clusters_group", need: needProjectOwner, handle: (*call).deleteCluster},
		{method: "GET", path: "/groups/{groupId}/flexClusters", op: "listGroupFlexClusters", versions: "2024-11-13", set: "flexClusters_group", need: needProjectRead, handle: (*call).listFlexClusters},
		{method: "GET", path: "/groups/{groupId}/flexClusters/{name}", op: "getGroupFlexCluster", versions: "2024-11-13", set: "flexClusters_group", need: needProjectRead, handle: (*call).getFlexCluster},
		{method: "GET", path: "/groups/{groupId}/dataFederation", op: "listGroupDataFederation", versions: v2023, set: "dataFederation_group", need: needProjectRead, handle: (*call).listFederated},
		{method: "GET", path: "/groups/{groupId}/dataFederation/{tenantName}", op: "getGroupDataFederation", versions: v2023, set: "dataFederation_group", need: needProjectRead, handle: (*call).getFederated},
		{method: "GET", path: "/groups/{groupId}/streams", op: "listGroupStreamWorkspaces", versions: v202302, set: "streams_group", need: needProjectRead, handle: (*call).listWorkspaces},

		{method: "GET", path: "/groups/{groupId}/databaseUsers", op: "listGroupDatabaseUsers", versions: v2023, set: "databaseUsers_group", need: needProjectRead, handle: (*call).listUsers},
		{method: "POST", path: "/groups/{groupId}/databaseUsers", op: "createGroupDatabaseUser", versions: v2023, set: "databaseUsers_group", need: needDatabaseAccess, handle: (*call).createUser},
		{method: "GET", path: "/groups/{groupId}/databaseUsers/{databaseName}/{username}", op: "getGroupDatabaseUser", versions: v2023, set: "databaseUsers_group", need: needProjectRead, handle: (*call).getUser},
		{method: "PATCH", path: "/groups/{groupId}/databaseUsers/{databaseName}/{username}", op: "updateGroupDatabaseUser", versions: v2023, set: "databaseUsers_group", need: needDatabaseAccess, handle: (*call).updateUser},
		{method: "DELETE", path: "/groups/{groupId}/databaseUsers/{databaseName}/{username}", op: "deleteGroupDatabaseUser", versions: v2023, set: "databaseUsers_group", need: needDatabaseAccess, handle: (*call).deleteUser},

		{method: "GET", path: "/groups/{groupId}/customDBRoles/roles", op: "listGroupCustomDbRoleRoles", versions: v2023, set: "customDbRoles_group", need: needProjectRead, handle: (*call).listRoles},
		{method: "POST", path: "/groups/{groupId}/customDBRoles/roles", op: "createGroupCustomDbRoleRole", versions: v2023, set: "customDbRoles_group", need: needDatabaseAccess, handle: (*call).createRole},
		{method: "GET", path: "/groups/{groupId}/customDBRoles/roles/{roleName}", op: "getGroupCustomDbRoleRole", versions: v2023, set: "customDbRoles_group", need: needProjectRead, handle: (*call).getRole},
		{method: "PATCH", path: "/groups/{groupId}/customDBRoles/roles/{roleName}", op: "updateGroupCustomDbRoleRole", versions: v2023, set: "customDbRoles_group", need: needDatabaseAccess, handle: (*call).updateRole},
		{method: "DELETE", path: "/groups/{groupId}/customDBRoles/roles/{roleName}", op: "deleteGroupCustomDbRoleRole", versions: v2023, set: "customDbRoles_group", need: needDatabaseAccess, handle: (*call).deleteRole},

		{method: "GET", path: "/groups/{groupId}/accessList", op: "listGroupAccessListEntries", versions: v2023, set: "accessList_group", need: needProjectRead, handle: (*call).listAccess},
		{method: "POST", path: "/groups/{groupId}/accessList", op: "createGroupAccessListEntry", versions: v2023, set: "accessList_group", need: needNetwork, handle: (*call).createAccess},
		{method: "GET", path: "/groups/{groupId}/accessList/{entryValue}", op: "getGroupAccessListEntry", versions: v2023, set: "accessList_group", need: needProjectRead, handle: (*call).getAccess},
		{method: "DELETE", path: "/groups/{groupId}/accessList/{entryValue}", op: "deleteGroupAccessListEntry", versions: v2023, set: "accessList_group", need: needNetwork, handle: (*call).deleteAccess},
		{method: "GET", path: "/groups/{groupId}/accessList/{entryValue}/status", op: "getGroupAccessListStatus", versions: v2023, set: "accessList_group", need: needProjectRead, handle: (*call).accessStatus},

		{method: "GET", path: "/groups/{groupId}/dbAccessHistory/clusters/{clusterName}", op: "getGroupDbAccessHistoryCluster", versions: v2023, set: "accessLogs_group", need: needAccessLogs, handle: (*call).clusterHistory},
		{method: "GET", path: "/groups/{groupId}/dbAccessHistory/processes/{hostname}", op: "getGroupDbAccessHistoryProcess", versions: v2023, set: "accessLogs_group", need: needAccessLogs, handle: (*call).processHistory},
	}
	for i := range all {
		all[i].segments = strings.Split(strings.Trim(all[i].path, "/"), "/")
		all[i].parsed = parseVersions(all[i].versions)
	}
	return all
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
