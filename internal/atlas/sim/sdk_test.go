package sim

import (
	"net/http"
	"testing"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

// digestTransport answers challenges, as a digest client does.
type digestTransport struct{ base http.RoundTripper }

func (d digestTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	probe := r.Clone(r.Context())
	probe.Body = http.NoBody
	first, err := d.base.RoundTrip(probe)
	if err != nil {
		return nil, err
	}
	first.Body.Close()
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", digestHeader(first.Header.Get("WWW-Authenticate"), "abcdefgh", keySecret, r.Method, r.URL.RequestURI(), "auth"))
	return d.base.RoundTrip(r)
}

type bearerTransport struct {
	base  http.RoundTripper
	token string
}

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.base.RoundTrip(r)
}

// sdk is the official client over the given credentials.
func (w *world) sdk(rt http.RoundTripper) *admin.APIClient {
	w.t.Helper()
	client, err := admin.NewClient(admin.UseHTTPClient(&http.Client{Transport: rt}), admin.UseBaseURL("http://atlas.test"))
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

func (w *world) eachCredential(f func(t *testing.T, client *admin.APIClient, project string)) {
	for name, rt := range map[string]http.RoundTripper{
		"digest": digestTransport{w.Transport()}, "oauth": bearerTransport{w.Transport(), w.token(ownerID)},
	} {
		w.t.Run(name, func(t *testing.T) { f(t, w.sdk(rt), w.ProjectID("prod")) })
	}
}

func TestSDKAccessList(t *testing.T) {
	start(t).eachCredential(func(t *testing.T, client *admin.APIClient, project string) {
		api, ctx := client.ProjectIPAccessListApi, t.Context()
		entries := []admin.NetworkPermissionEntry{{CidrBlock: admin.PtrString("0.0.0.0/0"), Comment: admin.PtrString("c"), DeleteAfterDate: admin.PtrTime(epoch.Add(time.Hour))}}
		made, _, err := api.CreateAccessListEntry(ctx, project, &entries).Execute()
		if err != nil || made.GetTotalCount() != 3 {
			t.Fatalf("create: %v, %v", made, err)
		}
		one, _, err := api.GetAccessListEntry(ctx, project, "0.0.0.0/0").Execute()
		if err != nil || one.GetComment() != "c" || !one.GetDeleteAfterDate().Equal(epoch.Add(time.Hour).Truncate(time.Second)) {
			t.Errorf("get: %v, %v", one, err)
		}
		state, _, err := api.GetAccessListStatus(ctx, project, "0.0.0.0/0").Execute()
		if err != nil || state.GetSTATUS() != "PENDING" {
			t.Errorf("status: %v, %v", state, err)
		}
		if _, err := api.DeleteAccessListEntry(ctx, project, "0.0.0.0/0").Execute(); err != nil {
			t.Errorf("delete: %v", err)
		}
		_, _, err = api.GetAccessListEntry(ctx, project, "0.0.0.0/0").Execute()
		if !admin.IsErrorCode(err, "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND") {
			t.Errorf("get of nothing: %v", err)
		}
		list, _, err := api.ListAccessListEntries(ctx, project).ItemsPerPage(1).Execute()
		if err != nil || len(list.GetResults()) != 1 || list.GetTotalCount() != 2 {
			t.Errorf("list: %v, %v", list, err)
		}
	})
}

func TestSDKDatabaseUsers(t *testing.T) {
	start(t).eachCredential(func(t *testing.T, client *admin.APIClient, project string) {
		api, ctx := client.DatabaseUsersApi, t.Context()
		user := &admin.CloudDatabaseUser{
			Username: "0123456789abcdef01234567/devs", DatabaseName: "admin", GroupId: project, OidcAuthType: admin.PtrString("IDP_GROUP"),
			Roles: []admin.DatabaseUserRole{{RoleName: "read", DatabaseName: "shop"}},
		}
		if _, _, err := api.CreateDatabaseUser(ctx, project, user).Execute(); err != nil {
			t.Fatalf("create: %v", err)
		}
		got, _, err := api.GetDatabaseUser(ctx, project, "admin", user.Username).Execute()
		if err != nil || got.GetOidcAuthType() != "IDP_GROUP" || len(got.GetRoles()) != 1 {
			t.Fatalf("get: %v, %v", got, err)
		}
		got.SetRoles([]admin.DatabaseUserRole{{RoleName: "readWrite", DatabaseName: "shop"}})
		changed, _, err := api.UpdateDatabaseUser(ctx, project, "admin", user.Username, got).Execute()
		if err != nil || changed.GetRoles()[0].RoleName != "readWrite" {
			t.Errorf("update: %v, %v", changed, err)
		}
		if _, err := api.DeleteDatabaseUser(ctx, project, "admin", user.Username).Execute(); err != nil {
			t.Errorf("delete: %v", err)
		}
		list, _, err := api.ListDatabaseUsers(ctx, project).Execute()
		if err != nil || len(list.GetResults()) != 2 {
			t.Errorf("list: %v, %v", list, err)
		}
	})
}

func TestSDKReadsTheRest(t *testing.T) {
	w := start(t)
	client, ctx := w.sdk(bearerTransport{w.Transport(), w.token(ownerID)}), t.Context()
	project := w.ProjectID("prod")
	role := &admin.UserCustomDBRole{RoleName: "r", Actions: &[]admin.DatabasePrivilegeAction{{Action: "FIND", Resources: []admin.DatabasePermittedNamespaceResource{{Db: "a", Collection: "b"}}}}}
	if _, _, err := client.CustomDatabaseRolesApi.CreateCustomDbRole(ctx, project, role).Execute(); err != nil {
		t.Errorf("create role: %v", err)
	}
	if roles, _, err := client.CustomDatabaseRolesApi.ListCustomDbRoles(ctx, project).Execute(); err != nil || len(roles) != 3 {
		t.Errorf("roles: %v, %v", roles, err)
	}
	if events, _, err := client.EventsApi.ListGroupEvents(ctx, project).Execute(); err != nil || len(events.GetResults()) != 1 {
		t.Errorf("events: %v, %v", events, err)
	}
	if orgs, _, err := client.OrganizationsApi.ListOrgs(ctx).Execute(); err != nil || len(orgs.GetResults()) != 1 {
		t.Errorf("organisations: %v, %v", orgs, err)
	}
	if groups, _, err := client.ProjectsApi.ListGroups(ctx).Execute(); err != nil || len(groups.GetResults()) != 2 {
		t.Errorf("projects: %v, %v", groups, err)
	}
	if clusters, _, err := client.ClustersApi.ListClusters(ctx, project).Execute(); err != nil || len(clusters.GetResults()) != 2 {
		t.Errorf("clusters: %v, %v", clusters, err)
	}
	if flex, _, err := client.FlexClustersApi.ListFlexClusters(ctx, project).Execute(); err != nil || len(flex.GetResults()) != 1 {
		t.Errorf("flex clusters: %v, %v", flex, err)
	}
	if lakes, _, err := client.DataFederationApi.ListDataFederation(ctx, project).Execute(); err != nil || len(lakes) != 1 {
		t.Errorf("federated databases: %v, %v", lakes, err)
	}
	if spaces, _, err := client.StreamsApi.ListStreamWorkspaces(ctx, project).Execute(); err != nil || len(spaces.GetResults()) != 1 {
		t.Errorf("stream workspaces: %v, %v", spaces, err)
	}
	if logs, _, err := client.AccessTrackingApi.GetAccessHistoryCluster(ctx, project, "main").Execute(); err != nil || len(logs.GetAccessLogs()) != 1 {
		t.Errorf("access history: %v, %v", logs, err)
	}
	if limits, _, err := client.RateLimitingApi.ListRateLimits(ctx).Execute(); err != nil || len(limits.GetResults()) == 0 {
		t.Errorf("rate limits: %v, %v", limits, err)
	}
}
