package sim

import "slices"

// cloudUserView is the user as versions before 2025-02-19 and /users show it.
func (c *call) cloudUserView(m *member) any {
	out := c.person(m)
	delete(out, "orgMembershipStatus")
	roles, teamIDs := []object{}, []string{}
	for _, x := range c.sameUser(m) {
		for _, r := range x.orgRoles {
			roles = append(roles, object{"orgId": x.org.id, "roleName": r})
		}
		for _, a := range x.assignments() {
			for _, r := range a.roles {
				roles = append(roles, object{"groupId": a.project.id, "roleName": r})
			}
		}
		teamIDs = append(teamIDs, x.teamIDs()...)
	}
	out["emailAddress"], out["roles"], out["teamIds"] = m.username, roles, teamIDs
	out["links"] = c.self("/users/" + m.id)
	return out
}

// sameUser lists the account's memberships that the call may know of: in a list of an
// organisation or project those of the organisation (a guess).
func (c *call) sameUser(m *member) []*member {
	if c.org != nil {
		return []*member{m}
	}
	var out []*member
	for _, o := range c.a.orgs {
		if x := o.byUserID[m.id]; x != nil && x.status == userActive && (c.who == nil || c.who.org == o) {
			out = append(out, x)
		}
	}
	return out
}

func (c *call) showUser() (answer, *problem) {
	id := c.params["userId"]
	return c.cloudUser(func(o *org) *member { return o.byUserID[id] }, missing("USER_NOT_FOUND", "No user with ID %s exists.", id))
}

func (c *call) showUserByName() (answer, *problem) {
	name := c.params["userName"]
	return c.cloudUser(func(o *org) *member { return o.byUsername[name] }, missing("USERNAME_NOT_FOUND", "No user with username %s exists.", name))
}

// cloudUser shows an active account to those who own its organisation or one of its
// projects. An account of another organisation does not exist for them (a guess).
func (c *call) cloudUser(find func(*org) *member, none *problem) (answer, *problem) {
	for _, o := range c.a.orgs {
		m := find(o)
		switch {
		case m == nil || m.status != userActive || c.who != nil && c.who.org != o:
			continue
		case c.who != nil && !c.who.ownerOf(m):
			return answer{}, unauthorized()
		}
		return ok(c.cloudUserView(m))
	}
	return answer{}, none
}

// ownerOf says whether the principal owns the user's organisation or a project that the
// user is in.
func (p *principal) ownerOf(m *member) bool {
	return slices.Contains(p.orgRoles(), "ORG_OWNER") || slices.ContainsFunc(m.assignments(), func(a assignment) bool {
		return slices.Contains(p.projectRoles(a.project), "GROUP_OWNER")
	})
}
