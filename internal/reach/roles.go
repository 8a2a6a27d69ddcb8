package reach

import "slices"

// The roles that others name in code.
const (
	OrgOwner     = "ORG_OWNER"
	ProjectOwner = "GROUP_OWNER"
	AtlasAdmin   = "atlasAdmin"
)

const (
	orgMember          = "ORG_MEMBER"
	orgReadOnly        = "ORG_READ_ONLY"
	orgStreamAdmin     = "ORG_STREAM_PROCESSING_ADMIN"
	projectReadOnly    = "GROUP_READ_ONLY"
	projectStreamOwner = "GROUP_STREAM_PROCESSING_OWNER"
)

// roleEntry is a role and the roles whose privileges it grants in one step.
type roleEntry struct {
	name     string
	contains []string
}

// orgRoles are all roles in an organization.
var orgRoles = []roleEntry{
	{OrgOwner, []string{orgStreamAdmin, "ORG_GROUP_CREATOR", "ORG_BILLING_ADMIN"}},
	{"ORG_GROUP_CREATOR", []string{orgMember}},
	{"ORG_BILLING_ADMIN", []string{"ORG_BILLING_READ_ONLY"}},
	{"ORG_BILLING_READ_ONLY", []string{orgMember}},
	{orgStreamAdmin, []string{orgReadOnly}},
	{orgReadOnly, []string{orgMember}},
	{orgMember, nil},
}

// projectRoles are all roles in a project but GROUP_OWNER, which contains them
// all. Each contains GROUP_READ_ONLY besides what is listed.
var projectRoles = []roleEntry{
	{"GROUP_CLUSTER_MANAGER", nil},
	{projectStreamOwner, []string{"GROUP_CLUSTER_MANAGER"}},
	{"GROUP_DATA_ACCESS_ADMIN", []string{"GROUP_DATA_ACCESS_READ_WRITE", "GROUP_SEARCH_INDEX_EDITOR"}},
	{"GROUP_DATA_ACCESS_READ_WRITE", []string{"GROUP_DATA_ACCESS_READ_ONLY", "GROUP_OBSERVABILITY_VIEWER"}},
	{"GROUP_DATA_ACCESS_READ_ONLY", nil},
	{"GROUP_DATABASE_ACCESS_ADMIN", nil},
	{"GROUP_BACKUP_MANAGER", []string{
		"GROUP_BACKUP_CREATOR", "GROUP_BACKUP_RECOVERY_OPERATOR", "GROUP_BACKUP_EXPORT_OPERATOR",
	}},
	{"GROUP_OBSERVABILITY_VIEWER", nil},
	{"GROUP_SEARCH_INDEX_EDITOR", nil},
	{projectReadOnly, nil},
	{"GROUP_ACCESS_MANAGER", nil},
	{"GROUP_NETWORK_ACCESS_MANAGER", nil},
	{"GROUP_CLUSTER_CREATOR", nil},
	{"GROUP_REPLICA_SET_MANAGER", []string{"GROUP_CLUSTER_RESILIENCE_TESTER"}},
	{"GROUP_CLUSTER_LOG_VIEWER", nil},
	{"GROUP_CLUSTER_RESILIENCE_TESTER", nil},
	{"GROUP_BACKUP_CREATOR", nil},
	{"GROUP_BACKUP_RECOVERY_OPERATOR", nil},
	{"GROUP_BACKUP_EXPORT_OPERATOR", nil},
	{"GROUP_INDEX_MANAGER", nil},
	{"GROUP_REAL_TIME_PERFORMANCE_OPERATOR", nil},
	{"GROUP_SUPPORT_ACCESS_MANAGER", nil},
	{"GROUP_ALERTS_MANAGER", nil},
	{"GROUP_TRIGGER_MANAGER", nil},
	{"GROUP_MODEL_OWNER", nil},
}

// OrgRoles are the names of all organization roles, sorted.
func OrgRoles() []string { return names(orgRoles) }

// ProjectRoles are the names of all project roles, sorted.
func ProjectRoles() []string {
	all := append(names(projectRoles), ProjectOwner)
	slices.Sort(all)
	return all
}

// KnownOrgRole says that Atlas documents the organization role.
func KnownOrgRole(name string) bool { return known(orgRoles, name) }

// KnownProjectRole says that Atlas documents the project role.
func KnownProjectRole(name string) bool {
	return name == ProjectOwner || known(projectRoles, name)
}

// ContainsOrgRole says that a grants everything that b grants in the
// organization. An unknown role contains only itself, and nothing else contains
// it, not even ORG_OWNER.
func ContainsOrgRole(a, b string) bool { return contains(orgRoles, a, b) }

// ContainsProjectRole says that a grants everything that b grants in a project.
// An unknown role contains only itself, and nothing else contains it.
func ContainsProjectRole(a, b string) bool {
	switch {
	case a == b:
		return true
	case !KnownProjectRole(a) || !KnownProjectRole(b):
		return false
	case a == ProjectOwner || b == projectReadOnly:
		return true
	}
	return contains(projectRoles, a, b)
}

// ImpliedProjectRoles are the roles that an organization role brings on every
// project of the organization, without being listed there: the strongest only.
// ORG_STREAM_PROCESSING_ADMIN also manages private endpoints and peering, which
// no project role grants without more.
func ImpliedProjectRoles(orgRole string) []string {
	switch orgRole {
	case OrgOwner:
		return []string{ProjectOwner}
	case orgStreamAdmin:
		return []string{projectStreamOwner}
	case orgReadOnly:
		return []string{projectReadOnly}
	}
	return nil
}

func names(table []roleEntry) []string {
	list := make([]string, 0, len(table)+1)
	for _, r := range table {
		list = append(list, r.name)
	}
	slices.Sort(list)
	return list
}

func known(table []roleEntry, name string) bool {
	return slices.ContainsFunc(table, func(r roleEntry) bool { return r.name == name })
}

// contains follows the table from a; the table has no cycles.
func contains(table []roleEntry, a, b string) bool {
	if a == b {
		return true
	}
	for _, r := range table {
		if r.name != a {
			continue
		}
		return slices.ContainsFunc(r.contains, func(c string) bool { return contains(table, c, b) })
	}
	return false
}
