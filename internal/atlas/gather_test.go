package atlas

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// A reading of many lists is whole or is none: what one of them answers decides about
// all, unless what it hangs on is gone. Its parents are two keys and an account.
func TestFanOut(t *testing.T) {
	const keys, first, second = "/apiKeys", "/apiKeys/64f0000000000000000000d1/accessList", "/apiKeys/64f0000000000000000000d2/accessList"
	const accounts, of = "/serviceAccounts", "/serviceAccounts/mdb_sa_id_1/accessList"
	bodies := map[string]string{
		keys:  `{"totalCount":2,"results":[{"id":"64f0000000000000000000d1","publicKey":"fakekey1","roles":[]},{"id":"64f0000000000000000000d2","publicKey":"fakekey2","roles":[]}]}`,
		first: `{"totalCount":1,"results":[{"cidrBlock":"192.0.2.1/32"}]}`, second: `{"totalCount":1,"results":[{"cidrBlock":"192.0.2.2/32"}]}`,
		accounts: `{"totalCount":1,"results":[{"clientId":"mdb_sa_id_1","roles":[]}]}`, of: `{"totalCount":1,"results":[{"cidrBlock":"192.0.2.3/32"}]}`,
	}
	const whole = "fakekey1/192.0.2.1/32 fakekey2/192.0.2.2/32 mdb_sa_id_1/192.0.2.3/32"
	for name, tc := range map[string]struct {
		path   string // which answers otherwise
		status int
		code   string // none: the answer is not Atlas's own
		want   access.Status
		reason string
		states string
	}{
		"whole":                     {"", 0, "", access.StatusComplete, "", whole},
		"a key is gone":             {second, 404, "API_KEY_NOT_FOUND", access.StatusComplete, "", strings.Replace(whole, "fakekey2/192.0.2.2/32 ", "", 1)},
		"an account is gone":        {of, 404, "SERVICE_ACCOUNT_NOT_FOUND", access.StatusComplete, "", strings.TrimSuffix(whole, " mdb_sa_id_1/192.0.2.3/32")},
		"the org is gone meanwhile": {second, 404, "ORG_NOT_FOUND", access.StatusFailed, "gone: ", ""},
		"a proxy's 404":             {second, 404, "", access.StatusFailed, "404", ""},
		"one fails":                 {second, 500, "UNEXPECTED_ERROR", access.StatusFailed, "UNEXPECTED_ERROR", ""},
		"the first fails":           {first, 400, "VALIDATION_ERROR", access.StatusFailed, "VALIDATION_ERROR", ""},
		"one is denied":             {second, 403, "USER_UNAUTHORIZED", access.StatusDenied, "USER_UNAUTHORIZED", ""},
		"an account's is denied":    {of, 401, "USER_UNAUTHORIZED", access.StatusDenied, "USER_UNAUTHORIZED", ""},
		"the keys are denied":       {keys, 401, "USER_UNAUTHORIZED", access.StatusDenied, "USER_UNAUTHORIZED", ""},
		"the keys fail":             {keys, 503, "", access.StatusFailed, "503", ""},
		"the accounts are denied":   {accounts, 401, "USER_UNAUTHORIZED", access.StatusDenied, "USER_UNAUTHORIZED", ""},
		"the accounts fail":         {accounts, 500, "UNEXPECTED_ERROR", access.StatusFailed, "UNEXPECTED_ERROR", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, answering(func(r *http.Request) (int, string) {
					path := strings.TrimPrefix(r.URL.Path, "/api/atlas/v2/orgs/"+orgID)
					switch {
					case path != tc.path:
						return 200, bodies[path]
					case tc.code == "":
						return tc.status, "<h1>no</h1>"
					}
					return tc.status, fmt.Sprintf(`{"error":%d,"errorCode":%q}`, tc.status, tc.code)
				}), nil)
				got := c.Read(t.Context(), org, access.KindAPIAccessEntry)
				var states []string
				for _, s := range got.States {
					states = append(states, s.Name())
				}
				slices.Sort(states)
				if got.Status != tc.want || !strings.Contains(got.Reason, tc.reason) || strings.Join(states, " ") != tc.states {
					t.Errorf("%s %q %q", got.Status, got.Reason, states)
				}
			})
		})
	}
}

// Where Atlas lists by provider, protocol or type, the default leaves most out: each is
// asked for.
func TestEveryProvider(t *testing.T) {
	for kind, tc := range map[access.Kind]struct {
		scope access.Scope
		asked []string // last part of the path, with the query but for the page
	}{
		access.KindPeering:          {prod, []string{"peers?providerName=AWS", "peers?providerName=AZURE", "peers?providerName=GCP"}},
		access.KindPrivateEndpoint:  {prod, []string{"AWS/endpointService", "AZURE/endpointService", "GCP/endpointService", "privateNetworkSettings/endpointIds"}},
		access.KindIdentityProvider: {org, []string{orgID + "/federationSettings", "fakefed/identityProviders?idpType=WORKFORCE&idpType=WORKLOAD&protocol=SAML&protocol=OIDC"}},
		access.KindInvitation:       {org, []string{orgID + "/users?orgMembershipStatuses=PENDING&orgMembershipStatuses=INVITATION_EXPIRED&orgMembershipStatuses=INVITATION_REJECTED"}},
		access.KindServiceAccount:   {org, []string{orgID + "/serviceAccounts?includeSystemManaged=true"}},
	} {
		var asked []string
		c := connect(t, answering(func(r *http.Request) (int, string) {
			parts := strings.Split(r.URL.Path, "/")
			line := strings.Join(parts[len(parts)-2:], "/")
			line = strings.TrimPrefix(line, prodID+"/")
			q := r.URL.Query()
			for _, page := range []string{"itemsPerPage", "pageNum", "includeCount"} {
				q.Del(page)
			}
			asked = append(asked, strings.TrimSuffix(line+"?"+q.Encode(), "?"))
			switch {
			case strings.HasSuffix(r.URL.Path, "/endpointService"):
				return 200, `[]`
			case strings.HasSuffix(r.URL.Path, "/federationSettings"):
				return 200, `{"id":"fakefed"}`
			}
			return 200, `{"results":[],"totalCount":0}`
		}), nil)
		got := c.Read(t.Context(), tc.scope, kind)
		if diff := cmp.Diff(tc.asked, asked); diff != "" || got.Status != access.StatusComplete {
			t.Errorf("%s: %s %q (-want +got):\n%s", kind, got.Status, got.Reason, diff)
		}
	}
}
