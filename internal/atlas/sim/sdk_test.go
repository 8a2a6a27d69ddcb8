package sim

import (
	"fmt"
	"net/http"
	"strings"
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

// Lists are paged, answers have their headers, and what is refused decodes, for the
// official client with each credential.
func TestSDKWire(t *testing.T) {
	eachSite(t, func(s *site) {
		t, entries := s.t, s.ProjectIPAccessListApi
		var all []admin.NetworkPermissionEntry
		for i := range 5 {
			all = append(all, admin.NetworkPermissionEntry{IpAddress: admin.PtrString(fmt.Sprint("192.0.2.", i))})
		}
		if made, resp, err := entries.CreateAccessListEntry(s.ctx, s.prod, &all).Execute(); err != nil || resp.StatusCode != http.StatusCreated || made.GetTotalCount() != 5 {
			t.Fatalf("create: %v, %v", made, err)
		}
		var seen []string
		for page := 1; ; page++ {
			list, resp, err := entries.ListAccessListEntries(s.ctx, s.prod).ItemsPerPage(2).PageNum(page).Execute()
			if err != nil || list.GetTotalCount() != 5 {
				t.Fatalf("page %d: %v, %v", page, list, err)
			}
			if limit, left := resp.Header.Get("RateLimit-Limit"), resp.Header.Get("RateLimit-Remaining"); limit != "1200" || left != fmt.Sprint(1199-page) {
				t.Errorf("page %d: %s of %s left", page, left, limit)
			}
			for _, e := range list.GetResults() {
				seen = append(seen, e.GetIpAddress())
			}
			if len(list.GetResults()) < 2 {
				break
			}
		}
		if got := strings.Join(seen, " "); got != "192.0.2.0 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4" {
			t.Errorf("paged: %s", got)
		}
		state, _, err := entries.GetAccessListStatus(s.ctx, s.prod, "192.0.2.0/32").Execute()
		if err != nil || state.GetSTATUS() != "PENDING" {
			t.Errorf("status: %v, %v", state, err)
		}
		if uncounted, _, err := entries.ListAccessListEntries(s.ctx, s.prod).IncludeCount(false).Execute(); err != nil || uncounted.GetTotalCount() != 0 || len(uncounted.GetResults()) != 5 {
			t.Errorf("uncounted: %v, %v", uncounted, err)
		}
		_, resp, err := s.OrganizationsApi.ListOrgInvites(s.ctx, s.org).Execute()
		if err != nil || resp.Header.Get("Sunset") == "" {
			t.Errorf("a deprecated operation: %v, %v", resp, err)
		}
		_, _, err = entries.CreateAccessListEntry(s.ctx, s.prod, &[]admin.NetworkPermissionEntry{{CidrBlock: admin.PtrString("300.0.0.0/8")}}).Execute()
		if wrong, known := admin.AsError(err); !known || wrong.GetErrorCode() != "INVALID_IP_ADDRESS_OR_CIDR_NOTATION" || wrong.GetError() != 400 || wrong.GetReason() != "Bad Request" || len(wrong.GetParameters()) == 0 {
			t.Errorf("refused: %+v", wrong)
		}
		s.SetRateLimit("accessList_group", 1, 1)
		entries.ListAccessListEntries(s.ctx, s.prod).Execute()
		_, resp, err = entries.ListAccessListEntries(s.ctx, s.prod).Execute()
		if !admin.IsErrorCode(err, "RATE_LIMITED_TOKEN_BUCKET") || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "60" {
			t.Errorf("limited: %v", err)
		}
	})
}

// The verbs that are no part of a life.
func TestSDKVerbs(t *testing.T) {
	eachSite(t, func(s *site) {
		t, users := s.t, s.MongoDBCloudUsersApi
		more, _, err := users.AddOrgRole(s.ctx, s.org, rajesh, admin.NewAddOrRemoveOrgRole("ORG_READ_ONLY")).Execute()
		if err != nil || len(*more.GetRoles().OrgRoles) != 2 {
			t.Errorf("add: %+v, %v", more, err)
		}
		fewer, _, err := users.RemoveOrgRole(s.ctx, s.org, rajesh, admin.NewAddOrRemoveOrgRole("ORG_MEMBER")).Execute()
		if err != nil || (*fewer.GetRoles().OrgRoles)[0] != "ORG_READ_ONLY" {
			t.Errorf("remove: %+v, %v", fewer, err)
		}
		if _, _, err := users.RemoveOrgRole(s.ctx, s.org, rajesh, admin.NewAddOrRemoveOrgRole("ORG_READ_ONLY")).Execute(); !admin.IsErrorCode(err, "CANNOT_REMOVE_ALL_USER_ROLES") {
			t.Errorf("the last role: %v", err)
		}
		policy := &admin.ApiAtlasResourcePolicyCreate{Name: "p", Policies: []admin.ApiAtlasPolicyCreate{{Body: noWildcard}}}
		if _, _, err := s.ResourcePoliciesApi.ValidateResourcePolicies(s.ctx, s.org, policy).Execute(); err != nil {
			t.Errorf("validate: %v", err)
		}
		if broken, _, err := s.ResourcePoliciesApi.GetNonCompliantResources(s.ctx, s.org).Execute(); err != nil || len(broken) != 0 {
			t.Errorf("not compliant: %+v, %v", broken, err)
		}
		grant := admin.NewEmployeeAccessGrant(epoch.Add(time.Hour).Truncate(time.Second), "CLUSTER_INFRASTRUCTURE")
		if _, err := s.ClustersApi.GrantMongoEmployeeAccess(s.ctx, s.prod, "main", grant).Execute(); err != nil {
			t.Errorf("grant: %v", err)
		}
		cluster, _, err := s.ClustersApi.GetCluster(s.ctx, s.prod, "main").Execute()
		if held := cluster.GetMongoDBEmployeeAccessGrant(); err != nil || held.GrantType != grant.GrantType || !held.ExpirationTime.Equal(grant.ExpirationTime) {
			t.Errorf("granted: %+v, %v", held, err)
		}
		if _, err := s.ClustersApi.RevokeMongoEmployeeAccess(s.ctx, s.prod, "main").Execute(); err != nil {
			t.Errorf("revoke: %v", err)
		}
		const entries = "atlas.project.security.networkAccess.entries"
		if _, _, err := s.ProjectsApi.SetGroupLimit(s.ctx, entries, s.prod, admin.NewDataFederationLimit(entries, 150)).Execute(); err != nil {
			t.Errorf("set limit: %v", err)
		}
		if _, err := s.ProjectsApi.DeleteGroupLimit(s.ctx, entries, s.prod).Execute(); err != nil {
			t.Errorf("reset limit: %v", err)
		}
		if limit, _, err := s.ProjectsApi.GetGroupLimit(s.ctx, entries, s.prod).Execute(); err != nil || limit.GetValue() != 200 {
			t.Errorf("limit: %+v, %v", limit, err)
		}
		cas, ldap := authority(t, "ca", epoch.AddDate(1, 0, 0), false), &admin.LDAPSecuritySettings{UserToDNMapping: &[]admin.UserToDNMapping{{Match: "(.+)", Substitution: admin.PtrString("CN={0}")}}}
		if _, _, err := s.LDAPConfigurationApi.UpdateUserSecurity(s.ctx, s.prod, &admin.UserSecurity{CustomerX509: &admin.DBUserTLSX509Settings{Cas: &cas}, Ldap: ldap}).Execute(); err != nil {
			t.Errorf("user security: %v", err)
		}
		if without, _, err := s.X509AuthenticationApi.DisableSecurityCustomerX509(s.ctx, s.prod).Execute(); err != nil || without.CustomerX509.GetCas() != "" || len(without.Ldap.GetUserToDNMapping()) != 1 {
			t.Errorf("without X.509: %+v, %v", without, err)
		}
		if without, _, err := s.LDAPConfigurationApi.DeleteLdapUserMapping(s.ctx, s.prod).Execute(); err != nil || len(without.Ldap.GetUserToDNMapping()) != 0 {
			t.Errorf("without the mapping: %+v, %v", without, err)
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
