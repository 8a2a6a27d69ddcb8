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
	const entry, user = "10.0.0.0/8", "a/b c"
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
		{listCustomRoles, []string{prodID}, func() { sdk.CustomDatabaseRolesApi.ListCustomDbRoles(ctx, prodID).Execute() }},
		{listClusters, []string{prodID}, func() { sdk.ClustersApi.ListClusters(ctx, prodID).Execute() }},
		{listFlexClusters, []string{prodID}, func() { sdk.FlexClustersApi.ListFlexClusters(ctx, prodID).Execute() }},
		{listDataFederation, []string{prodID}, func() { sdk.DataFederationApi.ListDataFederation(ctx, prodID).Execute() }},
		{listStreams, []string{prodID}, func() { sdk.StreamsApi.ListStreamWorkspaces(ctx, prodID).Execute() }},
		{clusterAccessHistory, []string{prodID, "c1"}, func() { sdk.AccessTrackingApi.GetAccessHistoryCluster(ctx, prodID, "c1").Execute() }},
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
