package atlas

import (
	"fmt"
	"net/http"
	"testing"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

// Every operation goes to the path that the official SDK sends it to, in the same version.
func TestRoutesAreTheSDKs(t *testing.T) {
	ctx := t.Context()
	var sent *http.Request
	sdk, err := admin.NewClient(admin.UseBaseURL(baseURL), admin.UseHTTPClient(&http.Client{
		Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			sent = r
			return reply(r, 200, `{}`, nil), nil
		}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	const entry, user, keyID, client = "10.0.0.0/8", "a/b c", "64f00000000000000000000f", "mdb_sa_id_64f00000000000000000000f"
	asked := map[string]string{}
	for _, tc := range []struct {
		route route
		args  []string
		call  func()
	}{
		{listOrgs, nil, func() { sdk.OrganizationsApi.ListOrgs(ctx).Execute() }},
		{listEventTypes, nil, func() { sdk.EventsApi.ListEventTypes(ctx).Execute() }},
		{listRateLimits, nil, func() { sdk.RateLimitingApi.ListRateLimits(ctx).Execute() }},
		{getOrg, []string{orgID}, func() { sdk.OrganizationsApi.GetOrg(ctx, orgID).Execute() }},
		{getOrgGroups, []string{orgID}, func() { sdk.OrganizationsApi.GetOrgGroups(ctx, orgID).Execute() }},
		{listOrgEvents, []string{orgID}, func() { sdk.EventsApi.ListOrgEvents(ctx, orgID).Execute() }},
		{listGroupEvents, []string{prodID}, func() { sdk.EventsApi.ListGroupEvents(ctx, prodID).Execute() }},
		{getGroup, []string{prodID}, func() { sdk.ProjectsApi.GetGroup(ctx, prodID).Execute() }},
		{listAccessEntries, []string{prodID}, func() { sdk.ProjectIPAccessListApi.ListAccessListEntries(ctx, prodID).Execute() }},
		{createAccessEntry, []string{prodID}, func() {
			sdk.ProjectIPAccessListApi.CreateAccessListEntry(ctx, prodID, &[]admin.NetworkPermissionEntry{}).Execute()
		}},
		{deleteAccessEntry, []string{prodID, entry}, func() { sdk.ProjectIPAccessListApi.DeleteAccessListEntry(ctx, prodID, entry).Execute() }},
		{listDatabaseUsers, []string{prodID}, func() { sdk.DatabaseUsersApi.ListDatabaseUsers(ctx, prodID).Execute() }},
		{updateDatabaseUser, []string{prodID, "$external", user}, func() {
			sdk.DatabaseUsersApi.UpdateDatabaseUser(ctx, prodID, "$external", user, &admin.CloudDatabaseUser{}).Execute()
		}},
		{deleteDatabaseUser, []string{prodID, "$external", user}, func() { sdk.DatabaseUsersApi.DeleteDatabaseUser(ctx, prodID, "$external", user).Execute() }},
		{listCustomRoles, []string{prodID}, func() { sdk.CustomDatabaseRolesApi.ListCustomDbRoles(ctx, prodID).Execute() }},
		{listClusters, []string{prodID}, func() { sdk.ClustersApi.ListClusters(ctx, prodID).Execute() }},
		{listFlexClusters, []string{prodID}, func() { sdk.FlexClustersApi.ListFlexClusters(ctx, prodID).Execute() }},
		{listDataFederation, []string{prodID}, func() { sdk.DataFederationApi.ListDataFederation(ctx, prodID).Execute() }},
		{listStreams, []string{prodID}, func() { sdk.StreamsApi.ListStreamWorkspaces(ctx, prodID).Execute() }},
		{clusterAccessHistory, []string{prodID, "c1"}, func() { sdk.AccessTrackingApi.GetAccessHistoryCluster(ctx, prodID, "c1").Execute() }},
		{getOrgSettings, []string{orgID}, func() { sdk.OrganizationsApi.GetOrgSettings(ctx, orgID).Execute() }},
		{listOrgUsers, []string{orgID}, func() { sdk.MongoDBCloudUsersApi.ListOrgUsers(ctx, orgID).Execute() }},
		{listOrgTeams, []string{orgID}, func() { sdk.TeamsApi.ListOrgTeams(ctx, orgID).Execute() }},
		{listOrgAPIKeys, []string{orgID}, func() { sdk.ProgrammaticAPIKeysApi.ListOrgApiKeys(ctx, orgID).Execute() }},
		{listAPIKeyEntries, []string{orgID, keyID}, func() { sdk.ProgrammaticAPIKeysApi.ListOrgAccessEntries(ctx, orgID, keyID).Execute() }},
		{listOrgAccounts, []string{orgID}, func() { sdk.ServiceAccountsApi.ListOrgServiceAccounts(ctx, orgID).Execute() }},
		{listAccountEntries, []string{orgID, client}, func() { sdk.ServiceAccountsApi.ListOrgAccessList(ctx, orgID, client).Execute() }},
		{listResourcePolicies, []string{orgID}, func() { sdk.ResourcePoliciesApi.ListOrgResourcePolicies(ctx, orgID).Execute() }},
		{listNonCompliant, []string{orgID}, func() { sdk.ResourcePoliciesApi.GetNonCompliantResources(ctx, orgID).Execute() }},
		{getOrgFederation, []string{orgID}, func() { sdk.FederatedAuthenticationApi.GetFederationSettings(ctx, orgID).Execute() }},
		{getConnectedOrg, []string{keyID, orgID}, func() { sdk.FederatedAuthenticationApi.GetConnectedOrgConfig(ctx, keyID, orgID).Execute() }},
		{listConnectedOrgs, []string{keyID}, func() { sdk.FederatedAuthenticationApi.ListConnectedOrgConfigs(ctx, keyID).Execute() }},
		{listRoleMappings, []string{keyID, orgID}, func() { sdk.FederatedAuthenticationApi.ListRoleMappings(ctx, keyID, orgID).Execute() }},
		{listIdentityProviders, []string{keyID}, func() { sdk.FederatedAuthenticationApi.ListIdentityProviders(ctx, keyID).Execute() }},
		{getGroupSettings, []string{prodID}, func() { sdk.ProjectsApi.GetGroupSettings(ctx, prodID).Execute() }},
		{listGroupUsers, []string{prodID}, func() { sdk.MongoDBCloudUsersApi.ListGroupUsers(ctx, prodID).Execute() }},
		{listGroupTeams, []string{prodID}, func() { sdk.TeamsApi.ListGroupTeams(ctx, prodID).Execute() }},
		{listGroupAPIKeys, []string{prodID}, func() { sdk.ProgrammaticAPIKeysApi.ListGroupApiKeys(ctx, prodID).Execute() }},
		{listGroupAccounts, []string{prodID}, func() { sdk.ServiceAccountsApi.ListGroupServiceAccounts(ctx, prodID).Execute() }},
		{listEndpointServices, []string{prodID, "AWS"}, func() { sdk.PrivateEndpointServicesApi.ListPrivateEndpointService(ctx, prodID, "AWS").Execute() }},
		{listEndpointIDs, []string{prodID}, func() { sdk.DataFederationApi.ListPrivateEndpointIds(ctx, prodID).Execute() }},
		{listPeers, []string{prodID}, func() { sdk.NetworkPeeringApi.ListGroupPeers(ctx, prodID).Execute() }},
		{getUserSecurity, []string{prodID}, func() { sdk.LDAPConfigurationApi.GetUserSecurity(ctx, prodID).Execute() }},
		{listUserCertificates, []string{prodID, user}, func() { sdk.X509AuthenticationApi.ListDatabaseUserCerts(ctx, prodID, user).Execute() }},
		{getAuditLog, []string{prodID}, func() { sdk.AuditingApi.GetGroupAuditLog(ctx, prodID).Execute() }},
		{listAlertConfigs, []string{prodID}, func() { sdk.AlertConfigurationsApi.ListAlertConfigs(ctx, prodID).Execute() }},
		{listIntegrations, []string{prodID}, func() { sdk.ThirdPartyIntegrationsApi.ListGroupIntegrations(ctx, prodID).Execute() }},
		{listRestoreJobs, []string{prodID, "c1"}, func() { sdk.CloudBackupsApi.ListBackupRestoreJobs(ctx, prodID, "c1").Execute() }},
		{listExportJobs, []string{prodID, "c1"}, func() { sdk.CloudBackupsApi.ListBackupExports(ctx, prodID, "c1").Execute() }},
		{listExportBuckets, []string{prodID}, func() { sdk.CloudBackupsApi.ListExportBuckets(ctx, prodID).Execute() }},
		{createIntegration, []string{prodID, typeWebhook}, func() {
			sdk.ThirdPartyIntegrationsApi.CreateGroupIntegration(ctx, typeWebhook, prodID, &admin.ThirdPartyIntegration{}).Execute()
		}},
		{updateIntegration, []string{prodID, typeWebhook}, func() {
			sdk.ThirdPartyIntegrationsApi.UpdateGroupIntegration(ctx, typeWebhook, prodID, &admin.ThirdPartyIntegration{}).Execute()
		}},
		{deleteIntegration, []string{prodID, typeWebhook}, func() { sdk.ThirdPartyIntegrationsApi.DeleteGroupIntegration(ctx, typeWebhook, prodID).Execute() }},
		{createAlertConfig, []string{prodID}, func() {
			sdk.AlertConfigurationsApi.CreateAlertConfig(ctx, prodID, &admin.GroupAlertsConfig{}).Execute()
		}},
		{updateAlertConfig, []string{prodID, keyID}, func() {
			sdk.AlertConfigurationsApi.UpdateAlertConfig(ctx, prodID, keyID, &admin.GroupAlertsConfig{}).Execute()
		}},
		{toggleAlertConfig, []string{prodID, keyID}, func() {
			sdk.AlertConfigurationsApi.ToggleAlertConfig(ctx, prodID, keyID, &admin.AlertsToggle{}).Execute()
		}},
		{updateGroupSettings, []string{prodID}, func() { sdk.ProjectsApi.UpdateGroupSettings(ctx, prodID, &admin.GroupSettings{}).Execute() }},
		{addGroupUserRole, []string{prodID, keyID}, func() {
			sdk.MongoDBCloudUsersApi.AddGroupUserRole(ctx, prodID, keyID, &admin.AddOrRemoveGroupRole{}).Execute()
		}},
		{removeGroupUserRole, []string{prodID, keyID}, func() {
			sdk.MongoDBCloudUsersApi.RemoveGroupUserRole(ctx, prodID, keyID, &admin.AddOrRemoveGroupRole{}).Execute()
		}},
		{addGroupUser, []string{prodID}, func() { sdk.MongoDBCloudUsersApi.AddGroupUsers(ctx, prodID, &admin.GroupUserRequest{}).Execute() }},
		{removeGroupUser, []string{prodID, keyID}, func() { sdk.MongoDBCloudUsersApi.RemoveGroupUser(ctx, prodID, keyID).Execute() }},
		{addGroupTeams, []string{prodID}, func() { sdk.TeamsApi.AddGroupTeams(ctx, prodID, &[]admin.TeamRole{}).Execute() }},
		{updateGroupTeam, []string{prodID, keyID}, func() { sdk.TeamsApi.UpdateGroupTeam(ctx, prodID, keyID, &admin.TeamRole{}).Execute() }},
		{removeGroupTeam, []string{prodID, keyID}, func() { sdk.TeamsApi.RemoveGroupTeam(ctx, prodID, keyID).Execute() }},
		{updateOrgSettings, []string{orgID}, func() { sdk.OrganizationsApi.UpdateOrgSettings(ctx, orgID, &admin.OrganizationSettings{}).Execute() }},
		{addOrgUserRole, []string{orgID, keyID}, func() {
			sdk.MongoDBCloudUsersApi.AddOrgRole(ctx, orgID, keyID, &admin.AddOrRemoveOrgRole{}).Execute()
		}},
		{removeOrgUserRole, []string{orgID, keyID}, func() {
			sdk.MongoDBCloudUsersApi.RemoveOrgRole(ctx, orgID, keyID, &admin.AddOrRemoveOrgRole{}).Execute()
		}},
		{addOrgTeamUser, []string{orgID, keyID}, func() {
			sdk.MongoDBCloudUsersApi.AddOrgTeamUser(ctx, orgID, keyID, &admin.AddOrRemoveUserFromTeam{}).Execute()
		}},
		{removeOrgTeamUser, []string{orgID, keyID}, func() {
			sdk.MongoDBCloudUsersApi.RemoveOrgTeamUser(ctx, orgID, keyID, &admin.AddOrRemoveUserFromTeam{}).Execute()
		}},
		{listOrgInvites, []string{orgID}, func() { sdk.OrganizationsApi.ListOrgInvites(ctx, orgID).Execute() }},
		{deleteOrgInvite, []string{orgID, keyID}, func() { sdk.OrganizationsApi.DeleteOrgInvite(ctx, orgID, keyID).Execute() }},
		{deleteAlertConfig, []string{prodID, keyID}, func() { sdk.AlertConfigurationsApi.DeleteAlertConfig(ctx, prodID, keyID).Execute() }},
	} {
		sent = nil
		tc.call()
		if sent == nil {
			t.Errorf("%s: the SDK sends nothing", tc.route.op)
			continue
		}
		ours := fmt.Sprintf("%s %s %s", tc.route.method, tc.route.expand(tc.args), tc.route.mediaType())
		theirs := fmt.Sprintf("%s %s %s", sent.Method, sent.URL.EscapedPath(), sent.Header.Get("Accept"))
		if ours != theirs {
			t.Errorf("%s:\nours   %s\ntheirs %s", tc.route.op, ours, theirs)
		}
		asked[tc.route.op] = ours
	}
	for _, r := range routes() {
		if asked[r.op] == "" {
			t.Errorf("%s is not compared", r.op)
		}
	}
}
