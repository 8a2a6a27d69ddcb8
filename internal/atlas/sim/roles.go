package sim

import (
	"net/http"
	"slices"
)

// anyProject in a grant stands for every project of the organisation.
const anyProject = "*"

// need is the role that an operation asks for, by the reference's short names.
type need int

const (
	needNone need = iota
	needOrgMember
	needOrgReadOnly
	needProjectRead
	needProjectOwner
	needNetwork
	needDatabaseAccess // Project Database Access Admin or Stream Processing Owner
	needAccessLogs
	needClusterCreate
)

// The roles that satisfy a need besides GROUP_OWNER and ORG_OWNER, which satisfy all.
func (n need) satisfiers() (orgRoles, projectRoles []string) {
	switch n {
	case needOrgReadOnly:
		return []string{"ORG_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN"}, nil
	case needProjectRead:
		return []string{"ORG_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN"}, nil // and any project role
	case needNetwork:
		return nil, []string{"GROUP_NETWORK_ACCESS_MANAGER"}
	case needDatabaseAccess:
		return []string{"ORG_STREAM_PROCESSING_ADMIN"}, []string{"GROUP_DATABASE_ACCESS_ADMIN", "GROUP_STREAM_PROCESSING_OWNER"}
	case needAccessLogs:
		return nil, []string{
			"GROUP_DATABASE_ACCESS_ADMIN", "GROUP_CLUSTER_LOG_VIEWER", "GROUP_DATA_ACCESS_ADMIN",
			"GROUP_DATA_ACCESS_READ_WRITE", "GROUP_DATA_ACCESS_READ_ONLY",
		}
	case needClusterCreate:
		return nil, []string{"GROUP_CLUSTER_CREATOR"}
	}
	return nil, nil
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

// may says why the principal may not do what n stands for, or nil.
func (p *principal) may(n need, o *org, q *project) *problem {
	switch {
	case n == needNone:
		return nil
	case q != nil:
		return p.mayInProject(n, q)
	case p.org != o:
		return fail(http.StatusUnauthorized, "USER_CANNOT_ACCESS_ORG", "The current user cannot access the organization with ID %s.", o.id)
	case n == needOrgMember && len(p.grants) > 0, slices.Contains(p.orgRoles(), "ORG_OWNER"):
		return nil
	}
	if allowed, _ := n.satisfiers(); !overlap(allowed, p.orgRoles()) {
		return unauthorized()
	}
	return nil
}

func (p *principal) mayInProject(n need, q *project) *problem {
	held, org := p.projectRoles(q), p.orgRoles()
	if p.org != q.org {
		org = nil
	}
	if slices.Contains(org, "ORG_OWNER") || slices.Contains(held, "GROUP_OWNER") {
		return nil
	}
	orgAllowed, projectAllowed := n.satisfiers()
	switch {
	case overlap(orgAllowed, org), overlap(projectAllowed, held):
		return nil
	case n == needProjectRead && len(held) > 0:
		return nil
	case len(held) == 0 && !p.sees(q):
		return fail(http.StatusUnauthorized, "USER_CANNOT_ACCESS_GROUP", "The current user cannot access the group with ID %s.", q.id)
	}
	return unauthorized()
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
