package reach

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoleTables(t *testing.T) {
	if diff := cmp.Diff([]string{
		"ORG_BILLING_ADMIN", "ORG_BILLING_READ_ONLY", "ORG_GROUP_CREATOR", "ORG_MEMBER", "ORG_OWNER",
		"ORG_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN",
	}, OrgRoles()); diff != "" {
		t.Errorf("org roles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"GROUP_ACCESS_MANAGER", "GROUP_ALERTS_MANAGER", "GROUP_BACKUP_CREATOR", "GROUP_BACKUP_EXPORT_OPERATOR",
		"GROUP_BACKUP_MANAGER", "GROUP_BACKUP_RECOVERY_OPERATOR", "GROUP_CLUSTER_CREATOR", "GROUP_CLUSTER_LOG_VIEWER",
		"GROUP_CLUSTER_MANAGER", "GROUP_CLUSTER_RESILIENCE_TESTER", "GROUP_DATABASE_ACCESS_ADMIN",
		"GROUP_DATA_ACCESS_ADMIN", "GROUP_DATA_ACCESS_READ_ONLY", "GROUP_DATA_ACCESS_READ_WRITE", "GROUP_INDEX_MANAGER",
		"GROUP_MODEL_OWNER", "GROUP_NETWORK_ACCESS_MANAGER", "GROUP_OBSERVABILITY_VIEWER", "GROUP_OWNER",
		"GROUP_READ_ONLY", "GROUP_REAL_TIME_PERFORMANCE_OPERATOR", "GROUP_REPLICA_SET_MANAGER",
		"GROUP_SEARCH_INDEX_EDITOR", "GROUP_STREAM_PROCESSING_OWNER", "GROUP_SUPPORT_ACCESS_MANAGER",
		"GROUP_TRIGGER_MANAGER",
	}, ProjectRoles()); diff != "" {
		t.Errorf("project roles (-want +got):\n%s", diff)
	}
	if got := DatabaseRoles(); len(got) != 13 || !slices.IsSorted(got) {
		t.Errorf("database roles: %v", got)
	}
}

// Each table names only roles that it has, and containment is an order.
func TestContainmentIsAnOrder(t *testing.T) {
	for name, table := range map[string]struct {
		roles    []string
		entries  []roleEntry
		known    func(string) bool
		contains func(a, b string) bool
		top      string
		bottom   string
	}{
		"org":     {OrgRoles(), orgRoles, KnownOrgRole, ContainsOrgRole, "ORG_OWNER", "ORG_MEMBER"},
		"project": {ProjectRoles(), projectRoles, KnownProjectRole, ContainsProjectRole, "GROUP_OWNER", "GROUP_READ_ONLY"},
	} {
		for _, r := range table.entries {
			for _, c := range r.contains {
				if !table.known(c) {
					t.Errorf("%s: %s contains the unknown %s", name, r.name, c)
				}
			}
		}
		for _, a := range table.roles {
			if !table.known(a) || !table.contains(a, a) || !table.contains(table.top, a) || !table.contains(a, table.bottom) {
				t.Errorf("%s: %s is out of place", name, a)
			}
			if a != table.top && table.contains(a, table.top) || a != table.bottom && table.contains(table.bottom, a) {
				t.Errorf("%s: %s is at an end where it does not belong", name, a)
			}
			if table.contains(a, "NEW_ROLE") || table.contains("NEW_ROLE", a) || table.known("NEW_ROLE") {
				t.Errorf("%s: the unknown role and %s contain each other", name, a)
			}
			for _, b := range table.roles {
				if a != b && table.contains(a, b) && table.contains(b, a) {
					t.Errorf("%s: %s and %s contain each other", name, a, b)
				}
				for _, c := range table.roles {
					if table.contains(a, b) && table.contains(b, c) && !table.contains(a, c) {
						t.Errorf("%s: %s > %s > %s breaks off", name, a, b, c)
					}
				}
			}
		}
		if !table.contains("NEW_ROLE", "NEW_ROLE") {
			t.Errorf("%s: an unknown role does not contain itself", name)
		}
	}
}

func TestContainsRole(t *testing.T) {
	org := []struct {
		a, b string
		want bool
	}{
		{"ORG_STREAM_PROCESSING_ADMIN", "ORG_READ_ONLY", true},
		{"ORG_BILLING_ADMIN", "ORG_BILLING_READ_ONLY", true},
		{"ORG_GROUP_CREATOR", "ORG_READ_ONLY", false},
		{"ORG_BILLING_ADMIN", "ORG_READ_ONLY", false},
		{"ORG_READ_ONLY", "ORG_BILLING_READ_ONLY", false},
		{"ORG_OWNER", "GROUP_OWNER", false},
	}
	for _, tt := range org {
		if got := ContainsOrgRole(tt.a, tt.b); got != tt.want {
			t.Errorf("ContainsOrgRole(%s, %s) = %t", tt.a, tt.b, got)
		}
	}
	project := []struct {
		a, b string
		want bool
	}{
		{"GROUP_BACKUP_MANAGER", "GROUP_BACKUP_EXPORT_OPERATOR", true},
		{"GROUP_BACKUP_CREATOR", "GROUP_BACKUP_RECOVERY_OPERATOR", false},
		{"GROUP_DATA_ACCESS_ADMIN", "GROUP_DATA_ACCESS_READ_ONLY", true},
		{"GROUP_DATA_ACCESS_ADMIN", "GROUP_OBSERVABILITY_VIEWER", true},
		{"GROUP_DATA_ACCESS_READ_ONLY", "GROUP_DATA_ACCESS_READ_WRITE", false},
		{"GROUP_STREAM_PROCESSING_OWNER", "GROUP_CLUSTER_MANAGER", true},
		{"GROUP_STREAM_PROCESSING_OWNER", "GROUP_DATABASE_ACCESS_ADMIN", false},
		{"GROUP_REPLICA_SET_MANAGER", "GROUP_CLUSTER_RESILIENCE_TESTER", true},
		{"GROUP_CLUSTER_MANAGER", "GROUP_REPLICA_SET_MANAGER", false},
		{"GROUP_ACCESS_MANAGER", "GROUP_OWNER", false},
	}
	for _, tt := range project {
		if got := ContainsProjectRole(tt.a, tt.b); got != tt.want {
			t.Errorf("ContainsProjectRole(%s, %s) = %t", tt.a, tt.b, got)
		}
	}
}

func TestImpliedProjectRoles(t *testing.T) {
	want := map[string][]string{
		"ORG_OWNER":                   {"GROUP_OWNER"},
		"ORG_STREAM_PROCESSING_ADMIN": {"GROUP_STREAM_PROCESSING_OWNER"},
		"ORG_READ_ONLY":               {"GROUP_READ_ONLY"},
	}
	for _, role := range append(OrgRoles(), "NEW_ROLE") {
		if diff := cmp.Diff(want[role], ImpliedProjectRoles(role)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", role, diff)
		}
	}
}
