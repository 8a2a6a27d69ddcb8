package sim

import (
	"slices"
)

// assignment is roles on a project.
type assignment struct {
	project *project
	roles   []string
}

// shape is what of a user can change, for telling what did.
type shape struct {
	text     string // "" where there is no such user
	orgRoles []string
	groups   []assignment
	teams    []*team
}

func (m *member) shape() shape {
	s := shape{orgRoles: slices.Clone(m.orgRoles), teams: slices.Clone(m.teams)}
	groups := object{}
	for _, a := range m.assignments() {
		s.groups = append(s.groups, assignment{a.project, slices.Clone(a.roles)})
		groups[a.project.id] = a.roles
	}
	state := object{"status": m.status, "orgRoles": m.orgRoles, "groups": groups, "teamIds": m.teamIDs()}
	if m.status != userActive {
		state["invitation"] = m.invite.id
	}
	s.text = text(state)
	return s
}

func (m *member) teamIDs() []string {
	out := make([]string, 0, len(m.teams))
	for _, t := range m.teams {
		out = append(out, t.id)
	}
	return out
}

// reshape lets a change happen to a user, records its effect and writes the events of
// all that changed.
func (c *call) reshape(m *member, change func()) {
	before := m.shape()
	change()
	after := m.shape()
	c.effect("user "+m.username, before.text, after.text)
	c.announce(m, before, after)
}

// announce writes the events of the differences into the feeds of the organisation and
// of the projects. Nothing is said of a user's coming into the organisation or going.
func (c *call) announce(m *member, before, after shape) {
	who := object{"targetUsername": m.username}
	if before.text != "" && after.text != "" && !sameSet(before.orgRoles, after.orgRoles) {
		c.orgEvent("USER_ROLES_CHANGED_AUDIT", "", who)
	}
	joined, left, inTeam := "JOINED_GROUP", "REMOVED_FROM_GROUP", "JOINED_TEAM"
	if m.status != userActive { // that a pending user's assignments are told like this is a guess
		joined, left, inTeam = "INVITED_TO_GROUP", "GROUP_INVITATION_DELETED", "INVITED_TO_TEAM"
	}
	held, now := rolesByProject(before.groups), rolesByProject(after.groups)
	for _, a := range before.groups {
		if now[a.project] == nil {
			c.eventIn(a.project, left, who)
		}
	}
	for _, a := range after.groups {
		switch roles := held[a.project]; {
		case roles == nil:
			c.eventIn(a.project, joined, who)
		case !sameSet(roles, a.roles):
			c.eventIn(a.project, "USER_ROLES_CHANGED_AUDIT", who)
		}
	}
	for _, t := range before.teams {
		if !slices.Contains(after.teams, t) {
			c.orgEvent("REMOVED_FROM_TEAM", "", who)
		}
	}
	for _, t := range after.teams {
		if !slices.Contains(before.teams, t) {
			c.orgEvent(inTeam, "", who)
		}
	}
}

func rolesByProject(list []assignment) map[*project][]string {
	out := make(map[*project][]string, len(list))
	for _, a := range list {
		out[a.project] = a.roles
	}
	return out
}

// eventIn writes into the feed of a project that need not be the call's.
func (c *call) eventIn(p *project, kind string, extra object) {
	c.a.record(&p.feed, c.at, c.actor, kind, object{"groupId": p.id}, extra)
}

// wish is what a request wants a user to have; what is nil stays as it is.
type wish struct {
	orgRoles []string
	groups   *[]assignment
	teams    *[]*team
}

// groupAsk is one element of groupRoleAssignments. The deprecated invitations call the
// list "roles".
type groupAsk struct {
	GroupID    string   `json:"groupId"`
	GroupRoles []string `json:"groupRoles"`
	Roles      []string `json:"roles"`
}

// wish checks what a request asks for.
func (c *call) wish(orgRoles *[]string, groups *[]groupAsk, teamIDs *[]string) (wish, *problem) {
	var w wish
	if orgRoles != nil {
		if w.orgRoles = withoutRepeats(*orgRoles); len(w.orgRoles) == 0 {
			return w, noRoleLeft()
		}
	}
	if groups != nil {
		list, bad := c.assignmentsOf(*groups)
		if bad != nil {
			return w, bad
		}
		w.groups = &list
	}
	if teamIDs != nil {
		list := []*team{}
		for _, id := range withoutRepeats(*teamIDs) {
			t, bad := c.findTeam(id)
			if bad != nil {
				return w, bad
			}
			list = append(list, t)
		}
		w.teams = &list
	}
	return w, nil
}

func (c *call) assignmentsOf(groups []groupAsk) ([]assignment, *problem) {
	list := []assignment{}
	for _, g := range groups {
		p := c.a.projects[g.GroupID]
		if p == nil || p.org != c.org {
			return nil, missing("GROUP_NOT_FOUND", "No group with ID %s exists.", g.GroupID)
		}
		roles := withoutRepeats(slices.Concat(g.GroupRoles, g.Roles))
		if bad := checkProjectRoles(p, roles); bad != nil {
			return nil, bad
		}
		if len(roles) > 0 { // without roles it is no assignment (a guess)
			list = append(list, assignment{p, roles})
		}
	}
	return list, nil
}

// room checks the limits of projects and teams that a user would come into.
func (c *call) room(m *member, w wish) *problem {
	if w.groups != nil {
		for _, a := range *w.groups {
			if m == nil || m.membership(a.project) == nil {
				if bad := c.roomIn(a.project); bad != nil {
					return bad
				}
			}
		}
	}
	if w.teams == nil {
		return nil
	}
	for _, t := range *w.teams {
		if m == nil || !slices.Contains(m.teams, t) {
			if bad := c.roomInTeam(t, 1); bad != nil {
				return bad
			}
		}
	}
	return nil
}

func (c *call) roomIn(p *project) *problem {
	if most := c.a.limit(limitProjectUsers, p.org, p); len(p.members) >= most {
		return bad("MAX_USERS_PER_GROUP_EXCEEDED", "The maximum of %d users in group %s is exceeded.", most, p.id)
	}
	return nil
}

// apply gives the user what is wished. A list that means the same as the held one
// leaves it alone.
func (w wish) apply(m *member) {
	if w.orgRoles != nil && !sameSet(w.orgRoles, m.orgRoles) {
		m.orgRoles = w.orgRoles
	}
	if w.groups != nil {
		m.spell()
		now := rolesByProject(*w.groups)
		for _, a := range m.assignments() {
			if now[a.project] == nil {
				m.assign(a.project, nil)
			}
		}
		for _, a := range *w.groups {
			if !sameSet(m.rolesOn(a.project), a.roles) {
				m.assign(a.project, a.roles)
			}
		}
	}
	if w.teams != nil {
		for _, t := range slices.Clone(m.teams) {
			if !slices.Contains(*w.teams, t) {
				t.leave(m)
			}
		}
		for _, t := range *w.teams {
			t.join(m)
		}
	}
}
