package atlas

import (
	"net/url"
	"strings"
)

const apiPrefix = "/api/atlas/v2"

// Whose token bucket an operation draws on.
const (
	ofOrg     = "ORGANIZATION"
	ofProject = "GROUP"
	ofUser    = "USER" // the credential
)

// route is one operation of the API. Its version is sent exactly: a later date would
// be answered too, but with whatever is newest then.
type route struct {
	op      string // operationId of Atlas's specification; the label of the metrics
	method  string
	path    string // after the prefix; {name} stands for one escaped segment
	version string
	set     string // operations of one set and scope share a token bucket
	of      string
	role    string // the least role, for people
}

const (
	v2023   = "2023-01-01"
	v202302 = "2023-02-01"
	v202408 = "2024-08-05"
	v202411 = "2024-11-13"
	v202503 = "2025-03-12"

	orgMember   = "Organization Member (or Organization Read Only)"
	projectRead = "Project Read Only (or Organization Read Only)"
	network     = "Project Network Access Manager"
	database    = "Project Database Access Admin"
)

// The operations in use. Versions, sets and roles are those of Atlas's specification
// and of its page on rate limits.
var (
	listOrgs        = route{"listOrgs", "GET", "/orgs", v2023, "inspection", ofUser, "any role"}
	listEventTypes  = route{"listEventTypes", "GET", "/eventTypes", v2023, "inspection", ofUser, orgMember}
	listRateLimits  = route{"listRateLimits", "GET", "/rateLimits", v202503, "inspection", ofUser, projectRead}
	getOrg          = route{"getOrg", "GET", "/orgs/{orgId}", v2023, "org", ofOrg, orgMember}
	getOrgGroups    = route{"getOrgGroups", "GET", "/orgs/{orgId}/groups", v2023, "org", ofOrg, orgMember}
	listOrgEvents   = route{"listOrgEvents", "GET", "/orgs/{orgId}/events", v2023, "orgEvents", ofOrg, orgMember}
	listGroupEvents = route{"listGroupEvents", "GET", "/groups/{groupId}/events", v2023, "groupEvents", ofProject, projectRead}
	getGroup        = route{"getGroup", "GET", "/groups/{groupId}", v2023, "group", ofProject, projectRead}

	listAccessEntries    = route{"listGroupAccessListEntries", "GET", "/groups/{groupId}/accessList", v2023, "accessList", ofProject, projectRead}
	createAccessEntry    = route{"createGroupAccessListEntry", "POST", "/groups/{groupId}/accessList", v2023, "accessList", ofProject, network}
	deleteAccessEntry    = route{"deleteGroupAccessListEntry", "DELETE", "/groups/{groupId}/accessList/{entryValue}", v2023, "accessList", ofProject, network}
	listDatabaseUsers    = route{"listGroupDatabaseUsers", "GET", "/groups/{groupId}/databaseUsers", v2023, "databaseUsers", ofProject, projectRead}
	updateDatabaseUser   = route{"updateGroupDatabaseUser", "PATCH", "/groups/{groupId}/databaseUsers/{databaseName}/{username}", v2023, "databaseUsers", ofProject, database}
	listCustomRoles      = route{"listGroupCustomDbRoleRoles", "GET", "/groups/{groupId}/customDBRoles/roles", v2023, "customDbRoles", ofProject, projectRead}
	listClusters         = route{"listGroupClusters", "GET", "/groups/{groupId}/clusters", v202408, "clusters", ofProject, projectRead}
	listFlexClusters     = route{"listGroupFlexClusters", "GET", "/groups/{groupId}/flexClusters", v202411, "flex", ofProject, projectRead}
	listDataFederation   = route{"listGroupDataFederation", "GET", "/groups/{groupId}/dataFederation", v2023, "dataFederation", ofProject, projectRead}
	listStreams          = route{"listGroupStreamWorkspaces", "GET", "/groups/{groupId}/streams", v202302, "streams", ofProject, projectRead}
	clusterAccessHistory = route{"getGroupDbAccessHistoryCluster", "GET", "/groups/{groupId}/dbAccessHistory/clusters/{clusterName}", v2023, "accessLogs", ofProject, "Project Cluster Log Viewer or " + database}
)

func routes() []route {
	return []route{
		listOrgs, listEventTypes, listRateLimits, getOrg, getOrgGroups, listOrgEvents, listGroupEvents, getGroup,
		listAccessEntries, createAccessEntry, deleteAccessEntry, listDatabaseUsers, updateDatabaseUser,
		listCustomRoles, listClusters, listFlexClusters, listDataFederation, listStreams, clusterAccessHistory,
	}
}

func (r route) mediaType() string { return "application/vnd.atlas." + r.version + "+json" }

// expand puts the arguments, escaped, in the place of the names.
func (r route) expand(args []string) string {
	var b strings.Builder
	rest := r.path
	for _, a := range args {
		before, tail, _ := strings.Cut(rest, "{")
		_, after, _ := strings.Cut(tail, "}")
		b.WriteString(before + url.PathEscape(a))
		rest = after
	}
	return apiPrefix + b.String() + rest
}

// shape is the path with every name blanked, to compare it with Atlas's own lists.
func shape(path string) string {
	path = strings.TrimPrefix(path, apiPrefix)
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}
