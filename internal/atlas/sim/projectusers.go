package sim

import (
	"net/http"
	"slices"
	"strings"
)

func projectUserRoutes() []route {
	const set = "groupUsers_group"
	return []route{
		{op: "listGroupUsers", older: "2023-01-01", set: set, handle: (*call).listGroupUsers},
		{op: "addGroupUsers", set: set, handle: (*call).addGroupUser},
		{op: "getGroupUser", set: set, handle: (*call).getGroupUser},
		{op: "removeGroupUser", older: "2023-01-01", set: set, handle: (*call).removeGroupUser},
		{op: "updateGroupUserRoles", set: set, handle: (*call).setGroupUserRoles},
		{op: "addGroupUserRole", set: set, handle: (*call).addGroupUserRole},
		{op: "removeGroupUserRole", set: set, handle: (*call).removeGroupUserRole},
		{op: "addGroupAccessUser", set: set, handle: (*call).addGroupAccess},
	}
}

// isProjectRole knows the project roles of Atlas's page on user roles, of 2026.
func isProjectRole(name string) bool {
	return slices.Contains([]string{
		"GROUP_OWNER", "GROUP_CLUSTER_MANAGER", "GROUP_STREAM_PROCESSING_OWNER", "GROUP_DATA_ACCESS_ADMIN",
		"GROUP_DATA_ACCESS_READ_WRITE", "GROUP_DATA_ACCESS_READ_ONLY", "GROUP_DATABASE_ACCESS_ADMIN", "GROUP_BACKUP_MANAGER",
		"GROUP_OBSERVABILITY_VIEWER", "GROUP_SEARCH_INDEX_EDITOR", "GROUP_READ_ONLY", "GROUP_ACCESS_MANAGER",
		"GROUP_NETWORK_ACCESS_MANAGER", "GROUP_CLUSTER_CREATOR", "GROUP_REPLICA_SET_MANAGER", "GROUP_CLUSTER_LOG_VIEWER",
		"GROUP_CLUSTER_RESILIENCE_TESTER", "GROUP_BACKUP_CREATOR", "GROUP_BACKUP_RECOVERY_OPERATOR", "GROUP_BACKUP_EXPORT_OPERATOR",
		"GROUP_INDEX_MANAGER", "GROUP_REAL_TIME_PERFORMANCE_OPERATOR", "GROUP_SUPPORT_ACCESS_MANAGER", "GROUP_ALERTS_MANAGER",
		"GROUP_TRIGGER_MANAGER", "GROUP_MODEL_OWNER",
	}, name)
}

// checkProjectRoles refuses what is no role of a project. The official document has no
// enum there: the codes are a guess.
func checkProjectRoles(p *project, roles []string) *problem {
	for _, r := range roles {
		switch {
		case strings.HasPrefix(r, "ORG_"):
			return bad("INVALID_ROLE_FOR_GROUP", "Role %s is invalid for group %s.", r, p.id)
		case !isProjectRole(r):
			return bad("UNSUPPORTED_ROLE", "The role %s is not supported.", r)
		}
	}
	return nil
}

func (c *call) groupUserView(ms *membership) any {
	if c.onlyActive() {
		return c.cloudUserView(ms.member)
	}
	out := c.person(ms.member)
	out["roles"] = orEmpty(ms.roles)
	return out
}

// crew gathers who has access to a project, each user once with all of its roles.
type crew struct {
	rows []*membership
	at   map[*member]int
}

func (k *crew) add(p *project, m *member, roles []string) {
	i, has := k.at[m]
	if !has {
		k.at[m] = len(k.rows)
		k.rows = append(k.rows, &membership{m, p, roles})
		return
	}
	k.rows[i].roles = withoutRepeats(slices.Concat(k.rows[i].roles, roles))
}

// crew lists the project's users: those it was given, those of its teams on demand, and
// those whose organisation role gives them access on demand. Owners of the organisation
// are among the latter alone, whatever else they were given.
func (p *project) crew(flattenTeams, includeOrgUsers bool) []*membership {
	k := &crew{at: make(map[*member]int, len(p.members))}
	add := func(m *member, roles []string) {
		if includeOrgUsers || !m.owns() {
			k.add(p, m, roles)
		}
	}
	for _, m := range p.org.everywhere {
		add(m, m.everywhere)
	}
	for _, ms := range p.members {
		add(ms.member, ms.roles)
	}
	for _, g := range p.teamGrants {
		for i := 0; flattenTeams && i < len(g.team.users); i++ {
			add(g.team.users[i], g.roles)
		}
	}
	for i := 0; includeOrgUsers && i < len(p.org.members); i++ {
		m := p.org.members[i]
		if slices.Contains(m.orgRoles, "ORG_OWNER") {
			add(m, []string{"GROUP_OWNER"})
		}
		if slices.Contains(m.orgRoles, "ORG_READ_ONLY") {
			add(m, []string{"GROUP_READ_ONLY"})
		}
	}
	return k.rows
}

func (c *call) listGroupUsers() (answer, *problem) {
	f, bad := c.userFilter()
	if bad != nil {
		return answer{}, bad
	}
	flatten, bad := c.boolQuery("flattenTeams", false)
	if bad != nil {
		return answer{}, bad
	}
	include, bad := c.boolQuery("includeOrgUsers", false)
	if bad != nil {
		return answer{}, bad
	}
	rows := slices.DeleteFunc(c.project.crew(flatten, include), func(ms *membership) bool { return !f.keeps(ms.member, c.at) })
	return paged(c, http.StatusOK, rows, c.groupUserView)
}

// findGroupUser finds a user whom the project itself was given, as it is there.
func (c *call) findGroupUser() (*membership, *problem) {
	m, bad := c.findMember(c.params["userId"])
	if bad != nil {
		return nil, bad
	}
	roles := m.rolesOn(c.project)
	if len(roles) == 0 {
		return nil, missing("USER_NOT_IN_GROUP", "User %s is not in group %s.", m.username, c.project.id)
	}
	return &membership{m, c.project, roles}, nil
}

func (c *call) getGroupUser() (answer, *problem) {
	ms, bad := c.findGroupUser()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.groupUserView(ms))
}

// addGroupUser gives an active user access, widens a pending invitation, or invites.
func (c *call) addGroupUser() (answer, *problem) {
	var in groupInviteRequest
	roles, bad := in.read(c)
	if bad != nil {
		return answer{}, bad
	}
	m, bad := c.bringIn(*in.Username, roles)
	if bad != nil {
		return answer{}, bad
	}
	return answer{status: http.StatusCreated, body: c.groupUserView(&membership{m, c.project, roles})}, nil
}

// addGroupAccess is the deprecated way, which answers with the invitation, if there is
// one.
func (c *call) addGroupAccess() (answer, *problem) {
	var in groupInviteRequest
	roles, bad := in.read(c)
	if bad != nil {
		return answer{}, bad
	}
	m, bad := c.bringIn(*in.Username, roles)
	if bad != nil {
		return answer{}, bad
	}
	if m.status == userActive {
		return empty(http.StatusNoContent)
	}
	return ok(c.invitationView(m))
}

func (c *call) bringIn(username string, roles []string) (*member, *problem) {
	p := c.project
	m := c.org.byUsername[username]
	if m == nil || m.hidden || m.standing(c.at) != userActive && m.standing(c.at) != userPending {
		return c.invite(username, wish{orgRoles: []string{"ORG_MEMBER"}, groups: &[]assignment{{p, roles}}})
	}
	if len(m.rolesOn(p)) > 0 {
		return nil, alreadyInGroup(m, p)
	}
	if bad := c.roomIn(p); bad != nil {
		return nil, bad
	}
	c.reshape(m, func() { m.assign(p, roles) })
	return m, nil
}

// removeGroupUser also takes the project out of an invitation.
func (c *call) removeGroupUser() (answer, *problem) {
	m := c.org.byUserID[c.params["userId"]]
	switch {
	case m == nil || m.hidden || c.onlyActive() && m.status != userActive:
		return answer{}, c.noMember(c.params["userId"])
	case len(m.rolesOn(c.project)) == 0:
		return answer{}, missing("USER_NOT_IN_GROUP", "User %s is not in group %s.", m.username, c.project.id)
	}
	c.setRolesOn(m, nil)
	return empty(http.StatusNoContent)
}

func (c *call) setRolesOn(m *member, roles []string) {
	c.reshape(m, func() {
		m.spell()
		if !sameSet(m.rolesOn(c.project), roles) {
			m.assign(c.project, roles)
		}
	})
}

// setGroupUserRoles is the deprecated way to replace the roles.
func (c *call) setGroupUserRoles() (answer, *problem) {
	ms, bad := c.findGroupUser()
	if bad != nil {
		return answer{}, bad
	}
	var in struct {
		GroupRoles *[]string `json:"groupRoles"`
	}
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if in.GroupRoles == nil {
		return answer{}, missingAttribute("groupRoles")
	}
	roles := withoutRepeats(*in.GroupRoles)
	if len(roles) == 0 {
		return answer{}, noRoleLeft()
	}
	if bad := checkProjectRoles(c.project, roles); bad != nil {
		return answer{}, bad
	}
	c.setRolesOn(ms.member, roles)
	return ok(object{"groupRoles": ms.member.rolesOn(c.project), "links": c.self(c.path)})
}

func (c *call) addGroupUserRole() (answer, *problem) {
	return c.changeGroupUserRole(func(held []string, role string) []string { return withoutRepeats(append(held, role)) })
}

func (c *call) removeGroupUserRole() (answer, *problem) { return c.changeGroupUserRole(without) }

func (c *call) changeGroupUserRole(change func([]string, string) []string) (answer, *problem) {
	ms, bad := c.findGroupUser()
	if bad != nil {
		return answer{}, bad
	}
	var in struct {
		GroupRole string `json:"groupRole"`
	}
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if bad := checkProjectRoles(c.project, []string{in.GroupRole}); bad != nil && !slices.Contains(ms.roles, in.GroupRole) {
		return answer{}, bad
	}
	roles := change(ms.roles, in.GroupRole)
	if len(roles) == 0 {
		return answer{}, noRoleLeft()
	}
	c.setRolesOn(ms.member, roles)
	return ok(c.groupUserView(&membership{ms.member, c.project, ms.member.rolesOn(c.project)}))
}
