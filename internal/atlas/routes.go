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
	v202405 = "2024-05-30"
	v202408 = "2024-08-05"
	v202411 = "2024-11-13"
	v202502 = "2025-02-19"
	v202503 = "2025-03-12"

	orgMember   = "Organization Member (or Organization Read Only)"
	projectRead = "Project Read Only (or Organization Read Only)"
	network     = "Project Network Access Manager"
	database    = "Project Database Access Admin"
	orgOwner    = "Organization Owner"
	orgRead     = "Organization Read Only"
	owner       = "Project Owner"
	people      = "Project Access Manager (or Project Owner)"
	backups     = "Project Backup Manager"

	alertManager = "Project Alerts Manager (or Project Owner)"
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
	deleteDatabaseUser   = route{"deleteGroupDatabaseUser", "DELETE", "/groups/{groupId}/databaseUsers/{databaseName}/{username}", v2023, "databaseUsers", ofProject, database}
	listCustomRoles      = route{"listGroupCustomDbRoleRoles", "GET", "/groups/{groupId}/customDBRoles/roles", v2023, "customDbRoles", ofProject, projectRead}
	listClusters         = route{"listGroupClusters", "GET", "/groups/{groupId}/clusters", v202408, "clusters", ofProject, projectRead}
	listFlexClusters     = route{"listGroupFlexClusters", "GET", "/groups/{groupId}/flexClusters", v202411, "flex", ofProject, projectRead}
	listDataFederation   = route{"listGroupDataFederation", "GET", "/groups/{groupId}/dataFederation", v2023, "dataFederation", ofProject, projectRead}
	listStreams          = route{"listGroupStreamWorkspaces", "GET", "/groups/{groupId}/streams", v202302, "streams", ofProject, projectRead}
	clusterAccessHistory = route{"getGroupDbAccessHistoryCluster", "GET", "/groups/{groupId}/dbAccessHistory/clusters/{clusterName}", v2023, "accessLogs", ofProject, "Project Cluster Log Viewer or " + database}

	getOrgSettings        = route{"getOrgSettings", "GET", "/orgs/{orgId}/settings", v2023, "orgSettings", ofOrg, orgMember}
	listOrgUsers          = route{"listOrgUsers", "GET", "/orgs/{orgId}/users", v202502, "org", ofOrg, orgMember}
	listOrgTeams          = route{"listOrgTeams", "GET", "/orgs/{orgId}/teams", v2023, "orgTeams", ofOrg, orgMember}
	listOrgAPIKeys        = route{"listOrgApiKeys", "GET", "/orgs/{orgId}/apiKeys", v2023, "org", ofOrg, orgMember}
	listAPIKeyEntries     = route{"listOrgApiKeyAccessListEntries", "GET", "/orgs/{orgId}/apiKeys/{apiUserId}/accessList", v2023, "org", ofOrg, orgMember}
	listOrgAccounts       = route{"listOrgServiceAccounts", "GET", "/orgs/{orgId}/serviceAccounts", v202408, "org", ofOrg, orgRead}
	listAccountEntries    = route{"listOrgServiceAccountAccessList", "GET", "/orgs/{orgId}/serviceAccounts/{clientId}/accessList", v202408, "org", ofOrg, orgRead}
	listResourcePolicies  = route{"listOrgResourcePolicies", "GET", "/orgs/{orgId}/resourcePolicies", v202408, "org", ofOrg, orgMember}
	listNonCompliant      = route{"getOrgNonCompliantResources", "GET", "/orgs/{orgId}/nonCompliantResources", v202408, "org", ofOrg, orgMember}
	getOrgFederation      = route{"getOrgFederationSettings", "GET", "/orgs/{orgId}/federationSettings", v2023, "org", ofOrg, orgOwner}
	getConnectedOrg       = route{"getFederationSettingConnectedOrgConfig", "GET", "/federationSettings/{federationSettingsId}/connectedOrgConfigs/{orgId}", v2023, "federation", ofOrg, orgOwner}
	listConnectedOrgs     = route{"listFederationSettingConnectedOrgConfigs", "GET", "/federationSettings/{federationSettingsId}/connectedOrgConfigs", v2023, "inspection", ofOrg, orgOwner}
	listRoleMappings      = route{"listFederationSettingConnectedOrgConfigRoleMappings", "GET", "/federationSettings/{federationSettingsId}/connectedOrgConfigs/{orgId}/roleMappings", v2023, "federation", ofOrg, orgOwner}
	listIdentityProviders = route{"listFederationSettingIdentityProviders", "GET", "/federationSettings/{federationSettingsId}/identityProviders", v2023, "inspection", ofOrg, orgOwner}

	updateOrgSettings = route{"updateOrgSettings", "PATCH", "/orgs/{orgId}/settings", v2023, "orgSettings", ofOrg, orgOwner}
	addOrgUserRole    = route{"addOrgUserRole", "POST", "/orgs/{orgId}/users/{userId}:addRole", v202502, "org", ofOrg, orgOwner}
	removeOrgUserRole = route{"removeOrgUserRole", "POST", "/orgs/{orgId}/users/{userId}:removeRole", v202502, "org", ofOrg, orgOwner}
	addOrgTeamUser    = route{"addOrgTeamUser", "POST", "/orgs/{orgId}/teams/{teamId}:addUser", v202502, "orgTeams", ofOrg, orgOwner}
	removeOrgTeamUser = route{"removeOrgTeamUser", "POST", "/orgs/{orgId}/teams/{teamId}:removeUser", v202502, "orgTeams", ofOrg, orgOwner}
	listOrgInvites    = route{"listOrgInvites", "GET", "/orgs/{orgId}/invites", v2023, "org", ofOrg, orgOwner}
	deleteOrgInvite   = route{"deleteOrgInvite", "DELETE", "/orgs/{orgId}/invites/{invitationId}", v2023, "org", ofOrg, orgOwner}

	getGroupSettings     = route{"getGroupSettings", "GET", "/groups/{groupId}/settings", v2023, "groupSettings", ofProject, projectRead}
	listGroupUsers       = route{"listGroupUsers", "GET", "/groups/{groupId}/users", v202502, "groupUsers", ofProject, projectRead}
	listGroupTeams       = route{"listGroupTeams", "GET", "/groups/{groupId}/teams", v2023, "groupTeams", ofProject, projectRead}
	listGroupAPIKeys     = route{"listGroupApiKeys", "GET", "/groups/{groupId}/apiKeys", v2023, "groupApiKeys", ofProject, projectRead}
	listGroupAccounts    = route{"listGroupServiceAccounts", "GET", "/groups/{groupId}/serviceAccounts", v202408, "groupServiceAccounts", ofProject, projectRead}
	listEndpointServices = route{"listGroupPrivateEndpointEndpointService", "GET", "/groups/{groupId}/privateEndpoint/{cloudProvider}/endpointService", v2023, "privateEndpoints", ofProject, projectRead}
	listEndpointIDs      = route{"listGroupPrivateNetworkSettingEndpointIds", "GET", "/groups/{groupId}/privateNetworkSettings/endpointIds", v2023, "dataFederation", ofProject, projectRead}
	listPeers            = route{"listGroupPeers", "GET", "/groups/{groupId}/peers", v2023, "peering", ofProject, projectRead}
	getUserSecurity      = route{"getGroupUserSecurity", "GET", "/groups/{groupId}/userSecurity", v2023, "userSecurity", ofProject, owner}
	listUserCertificates = route{"listGroupDatabaseUserCerts", "GET", "/groups/{groupId}/databaseUsers/{username}/certs", v2023, "userSecurity", ofProject, projectRead}
	getAuditLog          = route{"getGroupAuditLog", "GET", "/groups/{groupId}/auditLog", v2023, "auditLog", ofProject, owner}
	listAlertConfigs     = route{"listGroupAlertConfigs", "GET", "/groups/{groupId}/alertConfigs", v2023, "alertConfigs", ofProject, projectRead}
	listIntegrations     = route{"listGroupIntegrations", "GET", "/groups/{groupId}/integrations", v2023, "integrations", ofProject, projectRead}
	listRestoreJobs      = route{"listGroupClusterBackupRestoreJobs", "GET", "/groups/{groupId}/clusters/{clusterName}/backup/restoreJobs", v2023, "backup", ofProject, backups}
	listExportJobs       = route{"listGroupClusterBackupExports", "GET", "/groups/{groupId}/clusters/{clusterName}/backup/exports", v2023, "backup", ofProject, backups}
	createIntegration    = route{"createGroupIntegration", "POST", "/groups/{groupId}/integrations/{integrationType}", v2023, "integrations", ofProject, owner}
	updateIntegration    = route{"updateGroupIntegration", "PUT", "/groups/{groupId}/integrations/{integrationType}", v2023, "integrations", ofProject, owner}
	deleteIntegration    = route{"deleteGroupIntegration", "DELETE", "/groups/{groupId}/integrations/{integrationType}", v2023, "integrations", ofProject, owner}
	createAlertConfig    = route{"createGroupAlertConfig", "POST", "/groups/{groupId}/alertConfigs", v2023, "alertConfigs", ofProject, alertManager}
	updateAlertConfig    = route{"updateGroupAlertConfig", "PUT", "/groups/{groupId}/alertConfigs/{alertConfigId}", v2023, "alertConfigs", ofProject, alertManager}
	toggleAlertConfig    = route{"toggleGroupAlertConfig", "PATCH", "/groups/{groupId}/alertConfigs/{alertConfigId}", v2023, "alertConfigs", ofProject, alertManager}
	updateGroupSettings  = route{"updateGroupSettings", "PATCH", "/groups/{groupId}/settings", v2023, "groupSettings", ofProject, owner}
	addGroupUserRole     = route{"addGroupUserRole", "POST", "/groups/{groupId}/users/{userId}:addRole", v202502, "groupUsers", ofProject, people}
	removeGroupUserRole  = route{"removeGroupUserRole", "POST", "/groups/{groupId}/users/{userId}:removeRole", v202502, "groupUsers", ofProject, people}
	addGroupUser         = route{"addGroupUsers", "POST", "/groups/{groupId}/users", v202502, "groupUsers", ofProject, people}
	removeGroupUser      = route{"removeGroupUser", "DELETE", "/groups/{groupId}/users/{userId}", v202502, "groupUsers", ofProject, people}
	addGroupTeams        = route{"addGroupTeams", "POST", "/groups/{groupId}/teams", v2023, "groupTeams", ofProject, people}
	updateGroupTeam      = route{"updateGroupTeam", "PATCH", "/groups/{groupId}/teams/{teamId}", v2023, "groupTeams", ofProject, people}
	removeGroupTeam      = route{"removeGroupTeam", "DELETE", "/groups/{groupId}/teams/{teamId}", v2023, "groupTeams", ofProject, people}
	deleteAlertConfig    = route{"deleteGroupAlertConfig", "DELETE", "/groups/{groupId}/alertConfigs/{alertConfigId}", v2023, "alertConfigs", ofProject, alertManager}
	listExportBuckets    = route{"listGroupBackupExportBuckets", "GET", "/groups/{groupId}/backup/exportBuckets", v202405, "backup", ofProject, projectRead}
)

func routes() []route {
	return []route{
		listOrgs, listEventTypes, listRateLimits, getOrg, getOrgGroups, listOrgEvents, listGroupEvents, getGroup,
		listAccessEntries, createAccessEntry, deleteAccessEntry, listDatabaseUsers, updateDatabaseUser, deleteDatabaseUser,
		listCustomRoles, listClusters, listFlexClusters, listDataFederation, listStreams, clusterAccessHistory,
		getOrgSettings, listOrgUsers, listOrgTeams, listOrgAPIKeys, listAPIKeyEntries,
		listOrgAccounts, listAccountEntries, listResourcePolicies, listNonCompliant, getOrgFederation, getConnectedOrg,
		listConnectedOrgs, listRoleMappings, listIdentityProviders, getGroupSettings, listGroupUsers, listGroupTeams,
		listGroupAPIKeys, listGroupAccounts, listEndpointServices, listEndpointIDs, listPeers, getUserSecurity,
		listUserCertificates, getAuditLog, listAlertConfigs, listIntegrations, listRestoreJobs, listExportJobs,
		listExportBuckets, createIntegration, updateIntegration, deleteIntegration, createAlertConfig, updateAlertConfig, deleteAlertConfig,
		toggleAlertConfig, updateGroupSettings, addGroupUserRole, removeGroupUserRole, addGroupUser, removeGroupUser, addGroupTeams,
		updateGroupTeam, removeGroupTeam, updateOrgSettings, addOrgUserRole, removeOrgUserRole, addOrgTeamUser, removeOrgTeamUser,
		listOrgInvites, deleteOrgInvite,
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
