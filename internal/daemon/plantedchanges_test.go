package daemon

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// planted is one change that somebody makes in testdata/everykind.yaml, after all the
// changes before it. {org}, {prod} and {fed} are the ids of the org, of ecommerce-prod
// and of the federation.
type planted struct {
	kind access.Kind
	op   access.Op
	as   string // e-mail, client id or public key
	do   string // METHOD PATH BODY
	wait time.Duration
	name string // canonical, where it is known beforehand
	// before and after hold the changed fields of an update, all of them, and some of
	// what was created or deleted.
	before, after string
	also          []string // what is told beside it, as "kind op"
	later         []string // what it changes elsewhere without an event: the next sweep tells
	nobody        string   // why the event names nobody
	silent        string   // why no event tells of it
	login         string   // instead of do: this database user logs in
	accept        string   // instead of do: this person accepts an invitation
}

const (
	alice  = "alice@example.com"
	rajesh = "rajesh@example.com"
	robot  = "mdb_sa_id_64f000000000000000000b01"
	ciKey  = "cipublic"

	created = access.OpCreated
	updated = access.OpUpdated
	deleted = access.OpDeleted
)

// Paths of what is changed.
const (
	carol   = "/users/64f000000000000000000d04"
	bob     = "/users/64f000000000000000000d03"
	account = "/serviceAccounts/mdb_sa_id_64f000000000000000000b01"
	leaver  = "/serviceAccounts/mdb_sa_id_64f000000000000000000b02"
	key     = "/apiKeys/64f000000000000000000c01"
	oldKey  = "/apiKeys/64f000000000000000000c02"
	team    = "/teams/64f000000000000000000f01"
	leaving = "/teams/64f000000000000000000f03"
	fed     = "/federationSettings/{fed}"
	prod    = "/groups/{prod}"
	org     = "/orgs/{org}"
)

func plantedChanges() []planted {
	var out []planted
	for _, list := range [][]planted{plantedOrgs(), plantedPeople(), plantedMachines(), plantedFederation(), plantedProjects(), plantedNetwork(), plantedDatabase(), plantedTargets(), plantedBackups(), plantedAlerts()} {
		out = append(out, list...)
	}
	return out
}

func plantedOrgs() []planted {
	const policy = `'forbid(principal, action == ResourcePolicy::Action::\"project.ipAccessList.modify\", resource) when { context.project.ipAccessList.contains(ip(\"9.9.9.9/32\")) };'`
	body := policy[1 : len(policy)-1]
	return []planted{
		{kind: access.KindOrg, op: updated, as: alice, do: `PATCH ` + org + ` {"name":"Example Holding"}`, name: "{org}",
			before: `{"name":"ExampleCorp"}`, after: `{"name":"Example Holding"}`},
		{kind: access.KindOrgSettings, op: updated, as: alice, do: `PATCH ` + org + `/settings {"multiFactorAuthRequired":true,"securityContact":"new@example.com"}`, name: "{org}",
			before: `{"multiFactorAuthRequired":false,"securityContact":"sec@example.com"}`, after: `{"multiFactorAuthRequired":true,"securityContact":"new@example.com"}`},
		{kind: access.KindResourcePolicy, op: created, as: alice, do: `POST ` + org + `/resourcePolicies {"name":"quad nine","policies":[{"body":"` + body + `"}]}`,
			after: `{"name":"quad nine"}`},
		{kind: access.KindResourcePolicy, op: updated, as: alice, do: `PATCH ` + org + `/resourcePolicies/64f000000000000000000801 {"description":"everywhere"}`, name: "64f000000000000000000801",
			after: `{"description":"everywhere"}`},
		{kind: access.KindResourcePolicy, op: deleted, as: alice, do: `DELETE ` + org + `/resourcePolicies/64f000000000000000000801`, name: "64f000000000000000000801",
			before: `{"name":"no wildcard","description":"everywhere"}`},
	}
}

func plantedPeople() []planted {
	return []planted{
		{kind: access.KindInvitation, op: created, as: alice, do: `POST ` + org + `/users {"username":"dana@example.com","roles":{"orgRoles":["ORG_MEMBER"]}}`, name: "dana@example.com",
			after: `{"orgMembershipStatus":"PENDING","orgRoles":["ORG_MEMBER"]}`},
		{kind: access.KindInvitation, op: updated, as: alice, do: `PATCH ` + org + `/users/64f000000000000000000d05 {"roles":{"orgRoles":["ORG_OWNER"]}}`, name: "paula@example.com",
			before: `{"orgRoles":["ORG_MEMBER"]}`, after: `{"orgRoles":["ORG_OWNER"]}`, also: []string{"org_member observed"}},
		{kind: access.KindInvitation, op: deleted, as: alice, do: `DELETE ` + org + `/users/64f000000000000000000d05`, name: "paula@example.com",
			before: `{"orgRoles":["ORG_OWNER"]}`},
		{kind: access.KindOrgMember, op: created, accept: "dana@example.com", as: "dana@example.com", name: "dana@example.com",
			after: `{"orgRoles":["ORG_MEMBER"]}`, also: []string{"invitation deleted"}},
		{kind: access.KindOrgMember, op: updated, as: ciKey, do: `POST ` + org + carol + `:addRole {"orgRole":"ORG_GROUP_CREATOR"}`, name: "carol@example.com",
			before: `{"orgRoles":["ORG_MEMBER"]}`, after: `{"orgRoles":["ORG_GROUP_CREATOR","ORG_MEMBER"]}`},
		{kind: access.KindTeam, op: created, as: alice, do: `POST ` + org + `/teams {"name":"payments","usernames":["bob@example.com"]}`,
			after: `{"name":"payments"}`, also: []string{"org_member updated", "team_member created"}},
		{kind: access.KindTeam, op: updated, as: alice, do: `PATCH ` + org + team + ` {"name":"platform engineers"}`, name: "64f000000000000000000f01",
			before: `{"name":"platform"}`, after: `{"name":"platform engineers"}`},
		{kind: access.KindTeamMember, op: created, as: alice, do: `POST ` + org + team + `:addUser {"id":"64f000000000000000000d04"}`, name: "64f000000000000000000f01/carol@example.com",
			after: `{"userId":"64f000000000000000000d04"}`, also: []string{"org_member updated"}},
		{kind: access.KindTeamMember, op: deleted, as: alice, do: `POST ` + org + team + `:removeUser {"id":"64f000000000000000000d04"}`, name: "64f000000000000000000f01/carol@example.com",
			before: `{"userId":"64f000000000000000000d04"}`, also: []string{"org_member updated"}},
		{kind: access.KindTeamGrant, op: created, as: rajesh, do: `POST ` + prod + `/teams [{"teamId":"64f000000000000000000f02","roleNames":["GROUP_READ_ONLY"]}]`, name: "64f000000000000000000f02",
			after: `{"roleNames":["GROUP_READ_ONLY"]}`},
		{kind: access.KindTeamGrant, op: updated, as: rajesh, do: `PATCH ` + prod + team + ` {"roleNames":["GROUP_OWNER"]}`, name: "64f000000000000000000f01",
			before: `{"roleNames":["GROUP_READ_ONLY"]}`, after: `{"roleNames":["GROUP_OWNER"]}`},
		{kind: access.KindTeamGrant, op: deleted, as: rajesh, do: `DELETE ` + prod + team, name: "64f000000000000000000f01",
			before: `{"roleNames":["GROUP_OWNER"]}`},
		{kind: access.KindTeam, op: deleted, as: alice, do: `DELETE ` + org + leaving, name: "64f000000000000000000f03",
			before: `{"name":"leaving"}`, also: []string{"org_member updated", "team_member deleted"}},
		{kind: access.KindProjectMember, op: created, as: rajesh, do: `POST ` + prod + `/users {"username":"carol@example.com","roles":["GROUP_READ_ONLY"]}`, name: "carol@example.com",
			after: `{"roles":["GROUP_READ_ONLY"]}`, later: []string{"org_member updated"}},
		{kind: access.KindProjectMember, op: updated, as: rajesh, do: `POST ` + prod + bob + `:addRole {"groupRole":"GROUP_OWNER"}`, name: "bob@example.com",
			before: `{"roles":["GROUP_READ_ONLY"]}`, after: `{"roles":["GROUP_OWNER","GROUP_READ_ONLY"]}`, later: []string{"org_member updated"}},
		{kind: access.KindProjectMember, op: deleted, as: rajesh, do: `DELETE ` + prod + bob, name: "bob@example.com",
			before: `{"roles":["GROUP_OWNER","GROUP_READ_ONLY"]}`, later: []string{"org_member updated"}},
		{kind: access.KindOrgMember, op: deleted, as: alice, do: `DELETE ` + org + carol, name: "carol@example.com",
			before: `{"orgRoles":["ORG_GROUP_CREATOR","ORG_MEMBER"]}`, also: []string{"project_member deleted", "team_member deleted"}},
	}
}

func plantedMachines() []planted {
	return []planted{
		{kind: access.KindAPIKey, op: created, as: alice, do: `POST ` + org + `/apiKeys {"desc":"new","roles":["ORG_READ_ONLY"]}`,
			after: `{"desc":"new","roles":[{"roleName":"ORG_READ_ONLY","orgId":"{org}"}]}`},
		{kind: access.KindAPIKey, op: updated, as: alice, do: `PATCH ` + org + key + ` {"desc":"build"}`, name: ciKey,
			before: `{"desc":"ci"}`, after: `{"desc":"build"}`, later: []string{"project_key updated"}},
		{kind: access.KindProjectKey, op: updated, as: rajesh, do: `PATCH ` + prod + key + ` {"roles":["GROUP_OWNER"]}`, name: ciKey,
			before: `{"roles":["GROUP_READ_ONLY"]}`, after: `{"roles":["GROUP_OWNER"]}`, later: []string{"api_key updated"}},
		{kind: access.KindProjectKey, op: created, as: rajesh, do: `POST ` + prod + `/apiKeys {"desc":"reader","roles":["GROUP_READ_ONLY"]}`,
			after: `{"desc":"reader","roles":["GROUP_READ_ONLY"]}`, also: []string{"api_key created"}},
		{kind: access.KindProjectKey, op: deleted, as: rajesh, do: `DELETE ` + prod + oldKey, name: "oldpublk",
			before: `{"roles":["GROUP_READ_ONLY"]}`, later: []string{"api_key updated"}},
		{kind: access.KindAPIKey, op: deleted, as: alice, do: `DELETE ` + org + oldKey, name: "oldpublk", before: `{"desc":"old"}`},
		{kind: access.KindAPIAccessEntry, op: created, as: alice, do: `POST ` + org + key + `/accessList [{"ipAddress":"203.0.113.99"}]`, name: ciKey + "/203.0.113.99/32",
			after: `{"entry":"203.0.113.99/32"}`},
		{kind: access.KindAPIAccessEntry, op: deleted, as: alice, do: `DELETE ` + org + key + `/accessList/203.0.113.32%2F28`, name: ciKey + "/203.0.113.32/28",
			before: `{"entry":"203.0.113.32/28"}`},
		{kind: access.KindAPIAccessEntry, op: created, as: alice, do: `POST ` + org + account + `/accessList [{"cidrBlock":"203.0.113.64/28"}]`, name: robot + "/203.0.113.64/28",
			after: `{"entry":"203.0.113.64/28"}`},
		{kind: access.KindServiceAccountSecret, op: created, as: robot, do: `POST ` + org + account + `/secrets {"secretExpiresAfterHours":8}`,
			after: `{"clientId":"` + robot + `"}`},
		{kind: access.KindServiceAccountSecret, op: deleted, as: alice, do: `DELETE ` + org + account + `/secrets/64f000000000000000000e01`, name: robot + "/64f000000000000000000e01",
			before: `{"clientId":"` + robot + `"}`},
		{kind: access.KindServiceAccount, op: created, as: alice, do: `POST ` + org + `/serviceAccounts {"name":"fresh","description":"d","roles":["ORG_MEMBER"],"secretExpiresAfterHours":8}`,
			after: `{"name":"fresh","roles":["ORG_MEMBER"]}`, also: []string{"service_account_secret created"}},
		{kind: access.KindServiceAccount, op: updated, as: alice, do: `PATCH ` + org + account + ` {"roles":["ORG_OWNER"]}`, name: robot,
			before: `{"roles":["ORG_MEMBER"]}`, after: `{"roles":["ORG_OWNER"]}`},
		{kind: access.KindProjectServiceAccount, op: updated, as: rajesh, do: `PATCH ` + prod + account + ` {"roles":["GROUP_OWNER"]}`, name: robot,
			before: `{"roles":["GROUP_READ_ONLY"]}`, after: `{"roles":["GROUP_OWNER"]}`},
		{kind: access.KindProjectServiceAccount, op: deleted, as: rajesh, do: `DELETE ` + prod + account, name: robot,
			before: `{"roles":["GROUP_OWNER"]}`},
		{kind: access.KindProjectServiceAccount, op: created, as: rajesh, do: `POST ` + prod + account + `:invite {"roles":["GROUP_READ_ONLY"]}`, name: robot,
			after: `{"roles":["GROUP_READ_ONLY"]}`},
		{kind: access.KindServiceAccount, op: deleted, as: alice, do: `DELETE ` + org + leaver, name: "mdb_sa_id_64f000000000000000000b02",
			before: `{"name":"leaver"}`, also: []string{"service_account_secret deleted"}, later: []string{"project_service_account deleted"}},
	}
}

func plantedFederation() []planted {
	const oidc = `{"protocol":"OIDC","idpType":"WORKLOAD","displayName":"robots","description":"d","issuerUri":"https://robots.example.com","audience":"atlas","authorizationType":"USER","userClaim":"sub"}`
	return []planted{
		{kind: access.KindFederation, op: updated, as: alice, do: `PATCH ` + fed + `/connectedOrgConfigs/{org} {"domainRestrictionEnabled":true,"domainAllowList":["example.com"],"identityProviderId":"0a000000000000000001"}`, name: "{org}",
			before: `{"domainRestrictionEnabled":false}`, after: `{"domainRestrictionEnabled":true,"domainAllowList":["example.com"]}`},
		{kind: access.KindIdentityProvider, op: created, as: alice, do: `POST ` + fed + `/identityProviders ` + oidc, after: `{"displayName":"robots","idpType":"WORKLOAD"}`},
		{kind: access.KindIdentityProvider, op: updated, as: alice, do: `PATCH ` + fed + `/identityProviders/64f000000000000000000912 {"audience":"everybody"}`, name: "64f000000000000000000912",
			before: `{"audience":"atlas"}`, after: `{"audience":"everybody"}`},
		{kind: access.KindIdentityProvider, op: deleted, as: alice, do: `DELETE ` + fed + `/identityProviders/64f000000000000000000912`, name: "64f000000000000000000912",
			before: `{"displayName":"people"}`},
		{kind: access.KindRoleMapping, op: created, as: alice, do: `POST ` + fed + `/connectedOrgConfigs/{org}/roleMappings {"externalGroupName":"ops","roleAssignments":[{"orgId":"{org}","role":"ORG_OWNER"}]}`,
			after: `{"externalGroupName":"ops","roleAssignments":[{"roleName":"ORG_OWNER","orgId":"{org}"}]}`},
		{kind: access.KindRoleMapping, op: updated, as: alice, do: `PUT ` + fed + `/connectedOrgConfigs/{org}/roleMappings/64f000000000000000000921 {"externalGroupName":"dba","roleAssignments":[{"orgId":"{org}","role":"ORG_OWNER"}]}`, name: "64f000000000000000000921",
			before: `{"roleAssignments":[{"roleName":"ORG_MEMBER","orgId":"{org}"}]}`, after: `{"roleAssignments":[{"roleName":"ORG_OWNER","orgId":"{org}"}]}`},
		{kind: access.KindRoleMapping, op: deleted, as: alice, do: `DELETE ` + fed + `/connectedOrgConfigs/{org}/roleMappings/64f000000000000000000921`, name: "64f000000000000000000921",
			before: `{"externalGroupName":"dba"}`},
		{kind: access.KindFederation, op: deleted, as: alice, do: `DELETE ` + fed, name: "{org}",
			before: `{"domainRestrictionEnabled":true}`, also: []string{"role_mapping deleted"}, later: []string{"identity_provider deleted", "identity_provider deleted"}},
	}
}

func plantedProjects() []planted {
	return []planted{
		{kind: access.KindProject, op: updated, as: rajesh, do: `PATCH ` + prod + ` {"tags":[{"key":"env","value":"dev"}]}`, name: "{prod}",
			before: `{"tags":[{"key":"env","value":"prod"}]}`, after: `{"tags":[{"key":"env","value":"dev"}]}`},
		{kind: access.KindProjectSettings, op: updated, as: rajesh, do: `PATCH ` + prod + `/settings {"isDataExplorerEnabled":true}`, name: "{prod}",
			before: `{"isDataExplorerEnabled":false}`, after: `{"isDataExplorerEnabled":true}`},
	}
}

func plantedNetwork() []planted {
	const services = prod + "/privateEndpoint/endpointService"
	return []planted{
		{kind: access.KindIPAccessEntry, op: created, as: rajesh, do: `POST ` + prod + `/accessList [{"cidrBlock":"0.0.0.0/0","comment":"quick"}]`, name: "0.0.0.0/0", after: `{"comment":"quick"}`},
		{kind: access.KindIPAccessEntry, op: updated, as: robot, do: `POST ` + prod + `/accessList [{"cidrBlock":"8.8.8.0/28","comment":"all of us"}]`, name: "8.8.8.0/28",
			before: `{"comment":"application subnets"}`, after: `{"comment":"all of us"}`},
		{kind: access.KindIPAccessEntry, op: deleted, as: ciKey, do: `DELETE ` + prod + `/accessList/0.0.0.0%2F0`, name: "0.0.0.0/0", before: `{"comment":"quick"}`},
		{kind: access.KindPrivateEndpoint, op: created, as: rajesh, do: `POST ` + services + ` {"providerName":"AWS","region":"EU_WEST_1"}`, wait: 20 * time.Minute,
			after: `{"cloudProvider":"AWS","for":"clusters","regionName":"EU_WEST_1"}`},
		{kind: access.KindPrivateEndpoint, op: updated, as: rajesh, do: `POST ` + prod + `/privateEndpoint/AWS/endpointService/64f000000000000000000101/endpoint {"id":"vpce-0123456789abcdef1"}`, name: "AWS/64f000000000000000000101",
			before: `{"endpoints":["vpce-0123456789abcdef0"]}`, after: `{"endpoints":["vpce-0123456789abcdef0","vpce-0123456789abcdef1"]}`},
		{kind: access.KindPrivateEndpoint, op: deleted, as: rajesh, do: `DELETE ` + prod + `/privateNetworkSettings/endpointIds/vpce-0123456789abcdef9`, name: "AWS/vpce-0123456789abcdef9",
			before: `{"comment":"lake","for":"data_federation"}`},
		{kind: access.KindPeering, op: created, as: rajesh, do: `POST ` + prod + `/peers {"providerName":"AWS","containerId":"64f000000000000000000201","accepterRegionName":"us-east-1","awsAccountId":"123456789012","vpcId":"vpc-0123456789abcdef1","routeTableCidrBlock":"10.30.0.0/16"}`, wait: 20 * time.Minute,
			after: `{"cidr":"10.30.0.0/16","network":"vpc-0123456789abcdef1"}`},
		{kind: access.KindPeering, op: updated, as: rajesh, do: `PATCH ` + prod + `/peers/64f000000000000000000301 {"routeTableCidrBlock":"10.21.0.0/16"}`, name: "AWS/64f000000000000000000301",
			before: `{"cidr":"10.20.0.0/16","status":"AVAILABLE"}`, after: `{"cidr":"10.21.0.0/16","status":"*"}`},
		{kind: access.KindPeering, op: deleted, as: rajesh, do: `DELETE ` + prod + `/peers/64f000000000000000000301`, wait: 20 * time.Minute, name: "AWS/64f000000000000000000301",
			before: `{"cidr":"10.21.0.0/16"}`},
	}
}

func plantedDatabase() []planted {
	return []planted{
		{kind: access.KindCustomRole, op: created, as: rajesh, do: `POST ` + prod + `/customDBRoles/roles {"roleName":"orderWriter","actions":[{"action":"INSERT","resources":[{"db":"ecommerce","collection":"orders"}]}]}`, name: "orderWriter",
			after: `{"privileges":[{"action":"INSERT","db":"ecommerce","collection":"orders"}]}`},
		{kind: access.KindCustomRole, op: updated, as: rajesh, do: `PATCH ` + prod + `/customDBRoles/roles/orderReader {"actions":[{"action":"FIND","resources":[{"db":"ecommerce","collection":""}]}]}`, name: "orderReader",
			before: `{"privileges":[{"action":"FIND","db":"ecommerce","collection":"orders"}]}`, after: `{"privileges":[{"action":"FIND","db":"ecommerce"}]}`},
		{kind: access.KindCustomRole, op: deleted, as: rajesh, do: `DELETE ` + prod + `/customDBRoles/roles/orderWriter`, name: "orderWriter",
			before: `{"roleName":"orderWriter"}`},
		{kind: access.KindDatabaseUser, op: created, as: rajesh, do: `POST ` + prod + `/databaseUsers {"username":"dba","databaseName":"admin","password":"fake-password-1","roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`, name: "admin/dba",
			after: `{"username":"dba"}`},
		{kind: access.KindDatabaseUser, op: updated, as: robot, do: `PATCH ` + prod + `/databaseUsers/admin/prod_app_user {"scopes":[]}`, name: "admin/prod_app_user",
			before: `{"scopes":[{"name":"prod-cluster","type":"CLUSTER"}]}`, after: `{"scopes":[]}`},
		{kind: access.KindDatabaseUser, op: deleted, as: rajesh, do: `DELETE ` + prod + `/databaseUsers/admin/dba`, name: "admin/dba",
			before: `{"username":"dba"}`},
		{kind: access.KindX509Config, op: created, as: rajesh, do: `POST ` + prod + `/databaseUsers/nightly/certs {"monthsUntilExpiration":3}`, name: "user/nightly",
			after: `{"username":"nightly"}`, also: []string{"database_user observed"}},
		{kind: access.KindX509Config, op: deleted, as: rajesh, do: `DELETE ` + prod + `/databaseUsers/$external/batch`, name: "user/batch",
			before: `{"username":"batch"}`, also: []string{"database_user deleted", "database_user observed"}},
		{kind: access.KindDatabaseAuth, op: updated, as: rajesh, do: `PATCH ` + prod + `/userSecurity {"ldap":{"port":636,"authorizationEnabled":false,"hostname":"ldap2.example.com"}}`, name: "{prod}",
			before: `{"port":389,"hostname":"ldap.example.com"}`, after: `{"port":636,"hostname":"ldap2.example.com"}`},
		{kind: access.KindAuditing, op: updated, as: rajesh, do: `PATCH ` + prod + `/auditLog {"enabled":false}`, name: "{prod}",
			before: `{"enabled":true}`, after: `{"enabled":false}`},
		{kind: access.KindAccessHistory, op: created, login: "prod_other_user", name: "prod-cluster/admin/prod_other_user", silent: "no event tells of a login",
			after: `{"addresses":["8.8.8.9"]}`},
		{kind: access.KindAccessHistory, op: updated, login: "prod_app_user", name: "prod-cluster/admin/prod_app_user", silent: "no event tells of a login",
			before: `{"addresses":["8.8.8.1"]}`, after: `{"addresses":["8.8.8.1","8.8.8.9"]}`},
	}
}

func plantedTargets() []planted {
	return []planted{
		{kind: access.KindCluster, op: created, as: rajesh, do: `POST ` + prod + `/clusters {"name":"prod-new","clusterType":"REPLICASET","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS","regionName":"US_EAST_1","priority":7,"electableSpecs":{"instanceSize":"M10","nodeCount":3}}]}]}`, name: "prod-new",
			after: `{"clusterType":"REPLICASET"}`},
		{kind: access.KindCluster, op: updated, as: rajesh, do: `PATCH ` + prod + `/clusters/prod-reporting {"tags":[{"key":"tier","value":"2"}]}`, name: "prod-reporting",
			after: `{"tags":[{"key":"tier","value":"2"}]}`},
		{kind: access.KindCluster, op: deleted, as: rajesh, do: `DELETE ` + prod + `/clusters/prod-reporting`, wait: 30 * time.Minute, name: "prod-reporting",
			before: `{"clusterType":"REPLICASET"}`, nobody: "Atlas tells when the deletion is done, and names nobody"},
		{kind: access.KindFlexCluster, op: created, as: rajesh, do: `POST ` + prod + `/flexClusters {"name":"flexy2","providerSettings":{"backingProviderName":"GCP","regionName":"CENTRAL_US"}}`, name: "flexy2",
			after: `{"name":"flexy2"}`},
		{kind: access.KindFlexCluster, op: deleted, as: rajesh, do: `DELETE ` + prod + `/flexClusters/flexy`, wait: 30 * time.Minute, name: "flexy",
			before: `{"name":"flexy"}`, nobody: "Atlas tells when the deletion is done, and names nobody"},
		{kind: access.KindFederatedDatabase, op: created, as: rajesh, do: `POST ` + prod + `/dataFederation {"name":"lake2"}`, name: "lake2", after: `{"name":"lake2"}`},
		{kind: access.KindFederatedDatabase, op: deleted, as: rajesh, do: `DELETE ` + prod + `/dataFederation/lake`, name: "lake", before: `{"name":"lake"}`},
		{kind: access.KindStreamWorkspace, op: created, as: rajesh, do: `POST ` + prod + `/streams {"name":"flow2","dataProcessRegion":{"cloudProvider":"AWS","region":"DUBLIN_IRL"}}`, name: "flow2", after: `{"name":"flow2"}`},
		{kind: access.KindStreamWorkspace, op: deleted, as: rajesh, do: `DELETE ` + prod + `/streams/flow`, name: "flow", before: `{"name":"flow"}`},
	}
}

func plantedBackups() []planted {
	const backup = prod + "/clusters/prod-cluster/backup"
	return []planted{
		{kind: access.KindBackupRestoreJob, op: created, as: rajesh, do: `POST ` + backup + `/restoreJobs {"deliveryType":"automated","snapshotId":"64f000000000000000000701","targetGroupId":"{prod}","targetClusterName":"prod-new"}`,
			after: `{"deliveryType":"automated","targetClusterName":"prod-new"}`},
		{kind: access.KindBackupRestoreJob, op: updated, wait: 10 * time.Minute, nobody: "Atlas tells when the restore is done, and names nobody",
			after: `{"result":"finished"}`},
		{kind: access.KindBackupExportJob, op: created, as: rajesh, do: `POST ` + backup + `/exports {"snapshotId":"64f000000000000000000701","exportBucketId":"64f000000000000000000711"}`,
			after: `{"exportBucketId":"64f000000000000000000711"}`, silent: "the feed tells of an export when it is done"},
		{kind: access.KindBackupExportJob, op: updated, wait: 15 * time.Minute, nobody: "Atlas tells when the export is done, and names nobody",
			after: `{"state":"Successful"}`},
		{kind: access.KindBackupExportBucket, op: created, as: rajesh, do: `POST ` + prod + `/backup/exportBuckets {"cloudProvider":"AWS","bucketName":"elsewhere","iamRoleId":"64f000000000000000000401"}`,
			after: `{"bucketName":"elsewhere"}`},
		{kind: access.KindBackupExportBucket, op: deleted, as: rajesh, do: `DELETE ` + prod + `/backup/exportBuckets/64f000000000000000000712`, name: "64f000000000000000000712",
			before: `{"bucketName":"cold"}`},
	}
}

func plantedAlerts() []planted {
	return []planted{
		{kind: access.KindAlertConfig, op: created, as: rajesh, do: `POST ` + prod + `/alertConfigs {"eventTypeName":"NETWORK_PERMISSION_ENTRY_ADDED","enabled":true,"notifications":[{"typeName":"GROUP","emailEnabled":true,"intervalMin":15}]}`,
			after: `{"eventTypeName":"NETWORK_PERMISSION_ENTRY_ADDED","enabled":true}`},
		{kind: access.KindAlertConfig, op: updated, as: rajesh, do: `PATCH ` + prod + `/alertConfigs/64f000000000000000000601 {"enabled":false}`, name: "64f000000000000000000601",
			before: `{"enabled":true}`, after: `{"enabled":false}`},
		{kind: access.KindAlertConfig, op: deleted, as: rajesh, do: `DELETE ` + prod + `/alertConfigs/64f000000000000000000601`, name: "64f000000000000000000601",
			before: `{"eventTypeName":"JOINED_GROUP"}`},
		{kind: access.KindIntegration, op: created, as: rajesh, do: `POST ` + prod + `/integrations/WEBHOOK {"type":"WEBHOOK","url":"https://hooks.example.com/atlas","secret":"fake-secret-0001"}`,
			after: `{"type":"WEBHOOK","target":"hooks.example.com"}`},
		{kind: access.KindIntegration, op: updated, as: rajesh, do: `PUT ` + prod + `/integrations/DATADOG {"type":"DATADOG","apiKey":"00000000000000000000000000000000","region":"EU"}`, name: "DATADOG/64f000000000000000000501",
			before: `{"target":"US","targetHash":"*"}`, after: `{"target":"EU","targetHash":"*"}`},
		{kind: access.KindIntegration, op: deleted, as: rajesh, do: `DELETE ` + prod + `/integrations/DATADOG`, name: "DATADOG/64f000000000000000000501",
			before: `{"type":"DATADOG"}`},
	}
}
