package sim

import (
	"net/http"
	"slices"
	"strings"
)

// anyProject in a grant stands for every project of the organisation.
const anyProject = "*"

// satisfiers are the roles that stand for one of the role names in the official
// document, besides GROUP_OWNER and ORG_OWNER, which stand for all of a project's. The
// document says which role an operation asks for; that a wider role holds a narrower
// one is from Atlas's page on user roles, and a guess where the page is silent.
func satisfiers(name string) []string {
	switch name {
	case "Organization Owner", "Project Owner":
		return nil
	case "Organization Member": // any role at all, see mayInOrg
		return nil
	case "Organization Read Only":
		return []string{"ORG_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN"}
	case "Organization Stream Processing Admin":
		return []string{"ORG_STREAM_PROCESSING_ADMIN"}
	case "Organization Billing Viewer":
		return []string{"ORG_BILLING_READ_ONLY", "ORG_BILLING_ADMIN"}
	case "Project Read Only": // and any project role, see mayInProject
		return []string{"ORG_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN"}
	case "Project Stream Processing Owner":
		return []string{"GROUP_STREAM_PROCESSING_OWNER", "ORG_STREAM_PROCESSING_ADMIN"}
	case "Project Database Access Admin":
		return []string{"GROUP_DATABASE_ACCESS_ADMIN"}
	case "Project Data Access Admin":
		return []string{"GROUP_DATA_ACCESS_ADMIN"}
	case "Project Data Access Read Write":
		return []string{"GROUP_DATA_ACCESS_READ_WRITE", "GROUP_DATA_ACCESS_ADMIN"}
	case "Project Data Access Read Only":
		return []string{"GROUP_DATA_ACCESS_READ_ONLY", "GROUP_DATA_ACCESS_READ_WRITE", "GROUP_DATA_ACCESS_ADMIN"}
	case "Project Cluster Log Viewer":
		return []string{"GROUP_CLUSTER_LOG_VIEWER", "GROUP_DATA_ACCESS_ADMIN", "GROUP_DATA_ACCESS_READ_WRITE", "GROUP_DATA_ACCESS_READ_ONLY"}
	case "Project Replica Set Manager":
		return []string{"GROUP_REPLICA_SET_MANAGER", "GROUP_CLUSTER_MANAGER"}
	case "Project Cluster Resilience Tester":
		return []string{"GROUP_CLUSTER_RESILIENCE_TESTER", "GROUP_CLUSTER_MANAGER"}
	case "Project Backup Creator", "Project Backup Recovery Operator", "Project Backup Export Operator":
		return []string{apiRole(name), "GROUP_BACKUP_MANAGER"}
	}
	return []string{apiRole(name)}
}

// apiRole turns "Project Alerts Manager" into GROUP_ALERTS_MANAGER.
func apiRole(name string) string {
	level, rest, _ := strings.Cut(strings.ToUpper(strings.ReplaceAll(name, " ", "_")), "_")
	return map[string]string{"PROJECT": "GROUP", "ORGANIZATION": "ORG"}[level] + "_" + rest
}

func (p *principal) orgRoles() []string {
	var out []string
	for _, g := range p.grants {
		if g.GroupID == "" {
			out = append(out, g.RoleName)
		}
	}
	return out
}

func (p *principal) projectRoles(q *project) []string {
	var out []string
	if p.org != q.org {
		return nil
	}
	for _, g := range p.grants {
		if g.GroupID == q.id || g.GroupID == anyProject {
			out = append(out, g.RoleName)
		}
	}
	return out
}

// may says why the principal may not call the route, or nil.
func (p *principal) may(r *route, o *org, q *project) *problem {
	names := r.spec.Roles
	switch {
	case q != nil:
		return p.mayInProject(names, q)
	case o != nil:
		return p.mayInOrg(names, o)
	}
	return nil
}

func (p *principal) mayInOrg(names []string, o *org) *problem {
	switch {
	case p.org != o:
		return fail(http.StatusUnauthorized, "USER_CANNOT_ACCESS_ORG", "The current user cannot access the organization with ID %s.", o.id)
	case len(names) == 0, slices.Contains(p.orgRoles(), "ORG_OWNER"):
		return nil
	case slices.Contains(names, "Organization Member") && len(p.grants) > 0:
		return nil
	}
	for _, n := range names {
		if overlap(satisfiers(n), p.orgRoles()) {
			return nil
		}
	}
	return unauthorized()
}

func (p *principal) mayInProject(names []string, q *project) *problem {
	held, org := p.projectRoles(q), p.orgRoles()
	if p.org != q.org {
		org = nil
	}
	switch {
	case slices.Contains(org, "ORG_OWNER"):
		return nil
	case len(held) == 0 && !p.sees(q):
		return fail(http.StatusUnauthorized, "USER_CANNOT_ACCESS_GROUP", "The current user cannot access the group with ID %s.", q.id)
	case len(names) == 0:
		return nil
	case slices.Contains(held, "GROUP_OWNER") && !onlyOrgRoles(names):
		return nil
	case slices.Contains(names, "Project Read Only") && len(held) > 0:
		return nil
	}
	all := slices.Concat(org, held)
	for _, n := range names {
		if overlap(satisfiers(n), all) {
			return nil
		}
	}
	return unauthorized()
}

func onlyOrgRoles(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "Project ") })
}

// sees says whether the project is in the principal's lists.
func (p *principal) sees(q *project) bool {
	if p.org != q.org {
		return false
	}
	return overlap([]string{"ORG_OWNER", "ORG_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN"}, p.orgRoles()) || len(p.projectRoles(q)) > 0
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
