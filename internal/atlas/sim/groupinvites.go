package sim

import (
	"net/http"
	"slices"
)

// groupInvite is an invitation by the deprecated operations of a project. Nobody sees it
// among the project's users before it is accepted.
type groupInvite struct {
	invitation
	username string
	roles    []string
}

func (p *project) inviteOf(username string) *groupInvite {
	for _, i := range p.invites {
		if i.username == username {
			return i
		}
	}
	return nil
}

func (i *groupInvite) state() string { return text(object{"id": i.id, "roles": i.roles}) }

func (c *call) groupInviteView(i *groupInvite) any {
	p := c.project
	return object{
		"id": i.id, "groupId": p.id, "groupName": p.name, "username": i.username, "roles": orEmpty(i.roles),
		"inviterUsername": i.inviter, "createdAt": stamp(i.created), "expiresAt": stamp(i.expires),
		"links": c.self("/groups/" + p.id + "/invites/" + i.id),
	}
}

func (c *call) alive(i *groupInvite) bool { return i.expires.After(c.at) }

func (c *call) listGroupInvites() (answer, *problem) {
	var out []*groupInvite
	name := c.query.Get("username")
	for _, i := range c.project.invites {
		if c.alive(i) && (name == "" || i.username == name) {
			out = append(out, i)
		}
	}
	return plain(out, c.groupInviteView), nil
}

func (c *call) findGroupInvite() (*groupInvite, *problem) {
	id := c.params["invitationId"]
	for _, i := range c.project.invites {
		if i.id == id && c.alive(i) {
			return i, nil
		}
	}
	return nil, badInvitation(id)
}

func (c *call) getGroupInvite() (answer, *problem) {
	i, bad := c.findGroupInvite()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.groupInviteView(i))
}

type groupInviteRequest struct {
	Username *string   `json:"username"`
	Roles    *[]string `json:"roles"`
}

// read takes a body that needs both a name and at least one role.
func (in *groupInviteRequest) read(c *call) ([]string, *problem) {
	if bad := c.fill(in); bad != nil {
		return nil, bad
	}
	switch {
	case in.Username == nil:
		return nil, missingAttribute("username")
	case in.Roles == nil || len(*in.Roles) == 0:
		return nil, missingAttribute("roles")
	}
	if bad := checkUsername(*in.Username); bad != nil {
		return nil, bad
	}
	roles := withoutRepeats(*in.Roles)
	return roles, checkProjectRoles(c.project, roles)
}

// createGroupInvite invites to the project, and somebody whom the organisation does not
// know to the organisation, too.
func (c *call) createGroupInvite() (answer, *problem) {
	var in groupInviteRequest
	roles, bad := in.read(c)
	if bad != nil {
		return answer{}, bad
	}
	name, p := *in.Username, c.project
	m := c.org.byUsername[name]
	if m != nil && m.status == userActive && len(m.rolesOn(p)) > 0 {
		return answer{}, alreadyInGroup(m, p)
	}
	if held := p.inviteOf(name); held != nil {
		if c.alive(held) {
			return answer{}, conflict("USER_ALREADY_EXISTS", "A user with username %s already exists.", name) // the code is a guess
		}
		p.invites = slices.DeleteFunc(p.invites, func(x *groupInvite) bool { return x == held })
	}
	if m != nil && m.standing(c.at) != userActive && m.standing(c.at) != userPending {
		c.org.depart(m)
		m = nil
	}
	if m == nil {
		c.admitPending(name, wish{orgRoles: []string{"ORG_MEMBER"}}, true)
	}
	i := &groupInvite{invitation: c.newInvitation(), username: name, roles: roles}
	p.invites = append(p.invites, i)
	c.effect("project invitation "+name, "", i.state())
	c.projectEvent("INVITED_TO_GROUP", object{"targetUsername": name})
	return ok(c.groupInviteView(i))
}

func alreadyInGroup(m *member, p *project) *problem {
	return conflict("USER_ALREADY_IN_GROUP", "User %s is already in group %s.", m.username, p.id)
}

func (c *call) updateGroupInviteByName() (answer, *problem) {
	var in groupInviteRequest
	roles, bad := in.read(c)
	if bad != nil {
		return answer{}, bad
	}
	i := c.project.inviteOf(*in.Username)
	if i == nil || !c.alive(i) {
		return answer{}, missing("USERNAME_NOT_FOUND", "No user with username %s exists.", *in.Username)
	}
	return c.changeGroupInvite(i, roles)
}

func (c *call) updateGroupInvite() (answer, *problem) {
	i, bad := c.findGroupInvite()
	if bad != nil {
		return answer{}, bad
	}
	var in groupInviteRequest
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if in.Roles == nil || len(*in.Roles) == 0 {
		return answer{}, missingAttribute("roles")
	}
	roles := withoutRepeats(*in.Roles)
	if bad := checkProjectRoles(c.project, roles); bad != nil {
		return answer{}, bad
	}
	return c.changeGroupInvite(i, roles)
}

// changeGroupInvite replaces the roles. Which event tells of it is not documented: the
// one of changed roles is a guess.
func (c *call) changeGroupInvite(i *groupInvite, roles []string) (answer, *problem) {
	if before := i.state(); !sameSet(i.roles, roles) {
		i.roles = roles
		c.effect("project invitation "+i.username, before, i.state())
		c.projectEvent("USER_ROLES_CHANGED_AUDIT", object{"targetUsername": i.username})
	}
	return ok(c.groupInviteView(i))
}

// deleteGroupInvite leaves the invitation to the organisation, even one that came with
// this.
func (c *call) deleteGroupInvite() (answer, *problem) {
	i, bad := c.findGroupInvite()
	if bad != nil {
		return answer{}, bad
	}
	c.dropInvite(c.project, i)
	return empty(http.StatusNoContent)
}

// dropInvite takes an invitation back. One that has expired goes without a word.
func (c *call) dropInvite(p *project, i *groupInvite) {
	p.invites = slices.DeleteFunc(p.invites, func(x *groupInvite) bool { return x == i })
	if !c.alive(i) {
		return
	}
	c.effectIn(p, "project invitation "+i.username, i.state(), "")
	c.eventIn(p, "GROUP_INVITATION_DELETED", object{"targetUsername": i.username})
}

// effectIn records a change in a project that need not be the call's.
func (c *call) effectIn(p *project, target, before, after string) {
	other := *c
	other.project = p
	other.effect(target, before, after)
}
