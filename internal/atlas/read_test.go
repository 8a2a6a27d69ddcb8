package atlas

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// Every kind of the shop is read as it is.
func TestReadKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, newSim(t, sim.Options{}).Transport(), nil)
		for kind, want := range map[access.Kind][]access.State{
			access.KindOrg:     {access.Org{ID: orgID, Title: "ExampleCorp"}},
			access.KindProject: {access.Project{ID: prodID, OrgID: orgID, Title: "shop-prod", Tags: []access.Label{{Key: "env", Value: "prod"}}}},
			access.KindIPAccessEntry: {
				access.IPAccessEntry{Entry: "198.51.100.0/24", Comment: "office"},
				access.IPAccessEntry{Entry: "203.0.113.7/32"},
			},
			access.KindDatabaseUser: {
				access.DatabaseUser{Database: "$external", Username: "CN=service", Auth: access.AuthX509Customer,
					Roles: []access.RoleGrant{{Role: "outer", Database: "admin"}}, Scopes: []access.UserScope{}},
				access.DatabaseUser{Database: "admin", Username: "prod_app_user", Auth: access.AuthSCRAM,
					Roles:  []access.RoleGrant{{Role: "readWrite", Database: "shop"}},
					Scopes: []access.UserScope{{Name: "prod-cluster", Type: "CLUSTER"}},
					Labels: []access.Label{{Key: "owner", Value: "shop"}}},
			},
			access.KindCustomRole: {
				access.CustomRole{Role: "inner", Privileges: []access.Privilege{
					{Action: "FIND", Database: "shop", Collection: "orders"}, {Action: "FIND", Cluster: true}}},
				access.CustomRole{Role: "outer", Inherits: []access.RoleGrant{{Role: "inner", Database: "admin"}}},
			},
			access.KindFederatedDatabase: {access.FederatedDatabase{Instance: "lake"}},
		} {
			scope := prod
			if kind == access.KindOrg {
				scope = org
			}
			got := c.Read(t.Context(), scope, kind)
			slices.SortFunc(got.States, func(a, b access.State) int { return strings.Compare(a.Name(), b.Name()) })
			if diff := cmp.Diff(want, got.States); got.Status != access.StatusComplete || diff != "" {
				t.Errorf("%s: %s %q (-want +got):\n%s", kind, got.Status, got.Reason, diff)
			}
			if age := time.Since(got.Began); age < 0 || age > time.Minute {
				t.Errorf("%s: began %s ago", kind, age)
			}
		}
		for _, s := range c.Read(t.Context(), prod, access.KindCluster).States {
			if cluster := s.(access.Cluster); cluster.Dedicated() != (cluster.Cluster == "prod-cluster") || cluster.Tier == "" {
				t.Errorf("%+v", cluster)
			}
		}
		for kind, want := range map[access.Kind]string{access.KindCluster: "free prod-cluster", access.KindFlexCluster: "flexy", access.KindStreamWorkspace: "flow"} {
			got := c.Read(t.Context(), prod, kind)
			var names []string
			for _, s := range got.States {
				names = append(names, s.Name())
			}
			slices.Sort(names)
			if got.Status != access.StatusComplete || strings.Join(names, " ") != want {
				t.Errorf("%s: %s %q %v", kind, got.Status, got.Reason, names)
			}
		}
	})
}

func TestReadStatuses(t *testing.T) {
	for name, tc := range map[string]struct {
		scope  access.Scope
		kind   access.Kind
		change func(*sim.Atlas)
		status access.Status
		reason string
	}{
		"unknown kind":      {prod, "wish", nil, access.StatusUnsupported, "not read by this version"},
		"kind of an org":    {prod, access.KindOrg, nil, access.StatusUnsupported, "no kind of"},
		"bad scope":         {"prj.nonsense", access.KindCluster, nil, access.StatusFailed, "24 hex digits"},
		"project gone":      {"prj.64f0000000000000000000ff", access.KindCluster, nil, access.StatusFailed, "gone: "},
		"project gone, own": {"prj.64f0000000000000000000ff", access.KindProject, nil, access.StatusFailed, "gone: "},
		"role missing":      {prod, access.KindDatabaseUser, func(a *sim.Atlas) { a.Deny("listGroupDatabaseUsers", true) }, access.StatusDenied, "needs Project Read Only"},
		"500 for ever":      {prod, access.KindCluster, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.Fault500}), access.StatusFailed, "500 UNEXPECTED_ERROR"},
		"500 once":          {prod, access.KindCluster, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.Fault500, Remaining: 1}), access.StatusComplete, ""},
		"503 twice":         {prod, access.KindCluster, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.Fault503, Remaining: 2}), access.StatusComplete, ""},
		"cut once":          {prod, access.KindDatabaseUser, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultCut, Remaining: 1}), access.StatusComplete, ""},
		"cut for ever":      {prod, access.KindDatabaseUser, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultCut}), access.StatusFailed, "cut"},
		"timeout once":      {prod, access.KindCustomRole, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultTimeout, Remaining: 1}), access.StatusComplete, ""},
		"timeout for ever":  {prod, access.KindCustomRole, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultTimeout}), access.StatusFailed, "no answer"},
		"429 once":          {prod, access.KindCluster, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.Fault429, RetryAfter: 20, Remaining: 1}), access.StatusComplete, ""},
		"short page once":   {prod, access.KindDatabaseUser, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultShortPage, Remaining: 1}), access.StatusComplete, ""},
		"short page always": {prod, access.KindDatabaseUser, fault(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultShortPage}), access.StatusFailed, "does not agree with its count"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newSim(t, sim.Options{})
				if tc.change != nil {
					tc.change(a)
				}
				got := connect(t, a.Transport(), nil).Read(t.Context(), tc.scope, tc.kind)
				if got.Status != tc.status || !strings.Contains(got.Reason, tc.reason) {
					t.Errorf("%s %q", got.Status, got.Reason)
				}
				if got.Status != access.StatusComplete && len(got.States) > 0 {
					t.Errorf("a reading that is %s has %d states", got.Status, len(got.States))
				}
			})
		})
	}
}

func fault(f sim.Fault) func(*sim.Atlas) { return func(a *sim.Atlas) { a.SetFaults(f) } }

// Bodies that no list can be had from.
func TestReadBodies(t *testing.T) {
	for _, body := range []string{"", " ", "null", "{}", "[]", `{"results":null,"totalCount":0}`, `{"results":[]}`, `{"results":[{"cidr`, "<html>"} {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, answering(func(*http.Request) (int, string) { return 200, body }), nil)
			if got := c.Read(t.Context(), prod, access.KindIPAccessEntry); got.Status != access.StatusFailed {
				t.Errorf("list from %q: %s", body, got.Status)
			}
			if body == "[]" {
				return
			}
			if got := c.Read(t.Context(), prod, access.KindCustomRole); got.Status != access.StatusFailed {
				t.Errorf("array from %q: %s", body, got.Status)
			}
			if got := c.Read(t.Context(), prod, access.KindProject); got.Status != access.StatusFailed {
				t.Errorf("document from %q: %s", body, got.Status)
			}
		})
	}
}

// A 404 of an operation that Atlas does not have here is unsupported, one that does not
// come from Atlas is a failure.
func TestReadNotFound(t *testing.T) {
	for body, want := range map[string]access.Status{
		`{"error":404,"errorCode":"RESOURCE_NOT_FOUND"}`:  access.StatusUnsupported,
		`{"error":404,"errorCode":"GROUP_NOT_FOUND"}`:     access.StatusFailed,
		`<h1>no such page</h1>`:                           access.StatusFailed,
		`{"error":403,"errorCode":"FEATURE_UNSUPPORTED"}`: access.StatusUnsupported,
	} {
		status := 404
		if strings.Contains(body, "403") {
			status = 403
		}
		c := connect(t, answering(func(*http.Request) (int, string) { return status, body }), nil)
		if got := c.Read(t.Context(), prod, access.KindStreamWorkspace); got.Status != want {
			t.Errorf("%s: %s %q", body, got.Status, got.Reason)
		}
	}
}

// One odd element loses itself, by name where it has one, and nothing else.
func TestReadOdd(t *testing.T) {
	elements := []string{
		`{"username":"good","databaseName":"admin","roles":[],"scopes":[]}`,
		`{"username":"bad_roles","databaseName":"admin","roles":"all"}`,
		`{"username":"no_roles","databaseName":"admin"}`,
		`{"username":"bad_date","databaseName":"admin","roles":[],"deleteAfterDate":"soon"}`,
		`{"username":"year_10000","databaseName":"admin","roles":[],"deleteAfterDate":"9999-12-31T23:59:59-01:00"}`,
		`{"username":"bad_scope","databaseName":"admin","roles":[],"scopes":[{}]}`,
		`{"username":"bad_role","databaseName":"admin","roles":[{"databaseName":"admin"}]}`,
		`{"username":"new_auth","databaseName":"admin","roles":[],"oidcAuthType":"WORKLOAD_2"}`,
		`{"username":"two_auths","databaseName":"$external","roles":[],"x509Type":"MANAGED","ldapAuthType":"USER"}`,
		`"what"`, `null`, `{"username":5,"databaseName":"admin","roles":[]}`,
	}
	body := fmt.Sprintf(`{"results":[%s],"totalCount":%d}`, strings.Join(elements, ","), len(elements))
	c := connect(t, answering(func(*http.Request) (int, string) { return 200, body }), nil)
	got := c.Read(t.Context(), prod, access.KindDatabaseUser)
	want := []string{"admin/bad_roles", "admin/no_roles", "admin/bad_date", "admin/year_10000", "admin/bad_scope", "admin/bad_role", "admin/new_auth", "$external/two_auths", "", "", ""}
	if diff := cmp.Diff(want, got.Odd); diff != "" || got.Status != access.StatusComplete || len(got.States) != 1 {
		t.Errorf("%s %d states (-want +got):\n%s", got.Status, len(got.States), diff)
	}
}

// Lists of several pages: whole, and never a mixture of two moments.
func TestReadPages(t *testing.T) {
	entries := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(`{"cidrBlock":"10.%d.%d.0/24"}`, i/250, i%250))
		}
		return out
	}
	serve := func(lists ...[]string) http.RoundTripper {
		n := 0
		return answering(func(r *http.Request) (int, string) {
			list := lists[min(n, len(lists)-1)]
			n++
			q := r.URL.Query()
			if q.Get("itemsPerPage") != "500" || q.Get("includeCount") != "true" {
				return 400, `{}`
			}
			var num int
			fmt.Sscan(q.Get("pageNum"), &num)
			low := min(len(list), (num-1)*500)
			high := min(len(list), low+500)
			return 200, fmt.Sprintf(`{"results":[%s],"totalCount":%d}`, strings.Join(list[low:high], ","), len(list))
		})
	}
	all := entries(1200)
	inserted := append([]string{`{"cidrBlock":"192.0.2.0/24"}`}, all[:1199]...) // one came, one went: the count is the same
	for name, tc := range map[string]struct {
		lists  [][]string
		status access.Status
		states int
	}{
		"whole":              {[][]string{all}, access.StatusComplete, 1200},
		"exactly one page":   {[][]string{entries(500)}, access.StatusComplete, 500},
		"empty":              {[][]string{nil}, access.StatusComplete, 0},
		"one lost between":   {[][]string{all, all[1:], all}, access.StatusComplete, 1200},
		"shifted between":    {[][]string{all, inserted, all}, access.StatusComplete, 1200},
		"changing all along": {[][]string{all, all[1:], all, all[1:], all}, access.StatusFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := connect(t, serve(tc.lists...), nil).Read(t.Context(), prod, access.KindIPAccessEntry)
			if got.Status != tc.status || len(got.States) != tc.states {
				t.Errorf("%s %q, %d states", got.Status, got.Reason, len(got.States))
			}
		})
	}
}

func TestProjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		c := connect(t, a.Transport(), nil)
		got, err := c.Projects(t.Context(), orgID)
		slices.SortFunc(got, func(a, b access.Project) int { return strings.Compare(a.ID, b.ID) })
		want := []access.Project{
			{ID: prodID, OrgID: orgID, Title: "shop-prod", Tags: []access.Label{{Key: "env", Value: "prod"}}},
			{ID: devID, OrgID: orgID, Title: "shop-dev"},
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if _, err := c.Projects(t.Context(), "64f0000000000000000000ff"); !errors.Is(err, access.ErrGone) {
			t.Errorf("an org that is not there: %v", err)
		}
		a.Deny("getOrgGroups", true)
		if _, err := c.Projects(t.Context(), orgID); !errors.Is(err, access.ErrForbidden) {
			t.Errorf("without the role: %v", err)
		}
		a.Deny("getOrgGroups", false)
		a.SetFaults(sim.Fault{Route: "*", Rate: 1, Kind: sim.Fault503})
		if _, err := c.Projects(t.Context(), orgID); !errors.Is(err, access.ErrTemporary) {
			t.Errorf("with Atlas down: %v", err)
		}
	})
}

// An odd project makes the list incomplete, which is an error.
func TestProjectsOdd(t *testing.T) {
	c := connect(t, answering(func(*http.Request) (int, string) {
		return 200, `{"results":[{"id":"64f0000000000000000000a1","name":"a","orgId":"64f000000000000000000001"},{"id":"short","name":"b"}],"totalCount":2}`
	}), nil)
	if got, err := c.Projects(t.Context(), orgID); err == nil || got != nil || !strings.Contains(err.Error(), "short") {
		t.Errorf("%v %v", got, err)
	}
}
