package sim

import (
	"net/http"
	"slices"
	"time"
)

// invitationRoutes are the deprecated operations on invitations; those of a project are
// in groupinvites.go.
func invitationRoutes() []route {
	const org, group = "orgInvites_organization", "groupInvites_group"
	return []route{
		{op: "listOrgInvites", set: org, handle: (*call).listInvitations},
		{op: "createOrgInvite", set: org, handle: (*call).createInvitation},
		{op: "updateOrgInvites", set: org, handle: (*call).updateInvitationByName},
		{op: "getOrgInvite", set: org, handle: (*call).getInvitation},
		{op: "updateOrgInviteById", set: org, handle: (*call).updateInvitation},
		{op: "deleteOrgInvite", set: org, handle: (*call).deleteInvitation},
		{op: "listGroupInvites", set: group, handle: (*call).listGroupInvites},
		{op: "createGroupInvite", set: group, handle: (*call).createGroupInvite},
		{op: "updateGroupInvites", set: group, handle: (*call).updateGroupInviteByName},
		{op: "getGroupInvite", set: group, handle: (*call).getGroupInvite},
		{op: "updateGroupInviteById", set: group, handle: (*call).updateGroupInvite},
		{op: "deleteGroupInvite", set: group, handle: (*call).deleteGroupInvite},
	}
}

// inviter is how an invitation names who sent it: a user, or the public key of an API
// key. For a service account it is the client id (a guess).
func (w Actor) inviter() string {
	return orDefault(w.Username, orDefault(w.PublicKey, w.ClientID))
}

func (c *call) newInvitation() invitation {
	now := c.at.Truncate(time.Second)
	return invitation{id: c.a.nextID("invitation"), inviter: c.actor.inviter(), created: now, expires: now.Add(invitationLife)}
}

// invite makes a pending user. An invitation that went out of date or was turned down is
// replaced, and so is one that only a project's deprecated invitation made.
func (c *call) invite(username string, w wish) (*member, *problem) {
	if bad := checkUsername(username); bad != nil {
		return nil, bad
	}
	if !c.org.domainAllowed(username) {
		return nil, bad("DOMAIN_NOT_IN_ALLOW_LIST", "The domain of %s is not in the allow list of the organization.", username)
	}
	held := c.org.byUsername[username]
	if held != nil && !held.hidden && slices.Contains([]string{userActive, userPending}, held.standing(c.at)) {
		return nil, conflict("USER_ALREADY_EXISTS", "A user with username %s already exists.", username) // the code is a guess
	}
	if most := c.a.limit(limitOrgUsers, c.org, nil); len(c.org.members) >= most {
		return nil, bad("MAX_USERS_PER_ORG_EXCEEDED", "The maximum of %d users in organization %s is exceeded.", most, c.org.id)
	}
	if bad := c.room(nil, w); bad != nil {
		return nil, bad
	}
	if held != nil {
		c.org.depart(held)
	}
	return c.admitPending(username, w, false), nil
}

// admitPending puts an invited user into the organisation.
func (c *call) admitPending(username string, w wish, hidden bool) *member {
	first, last := namesOf(username)
	m := &member{
		org: c.org, id: c.a.accountID(username), username: username, status: userPending, hidden: hidden,
		first: first, last: last, country: "US", created: c.at.Truncate(time.Second), invite: c.newInvitation(),
	}
	if known := c.a.accountNamed(username); known != nil {
		m.first, m.last, m.country, m.created, m.lastAuth = known.first, known.last, known.country, known.created, known.lastAuth
	}
	c.org.enter(m)
	w.apply(m)
	after := m.shape()
	c.effect("user "+username, "", after.text)
	c.orgEvent("INVITED_TO_ORG", "", object{"targetUsername": username})
	c.announce(m, shape{}, after)
	return m
}

// accountNamed finds a person in any organisation.
func (a *Atlas) accountNamed(username string) *member {
	for _, o := range a.orgs {
		if m := o.byUsername[username]; m != nil {
			return m
		}
	}
	return nil
}

func (a *Atlas) accountID(username string) string {
	if m := a.accountNamed(username); m != nil {
		return m.id
	}
	return a.derive("user", username)[:24]
}

func (c *call) invitationView(m *member) any {
	groups := []object{}
	for _, a := range m.assignments() {
		for _, r := range a.roles {
			groups = append(groups, object{"groupId": a.project.id, "groupRole": r})
		}
	}
	return object{
		"id": m.invite.id, "orgId": m.org.id, "orgName": m.org.name, "username": m.username, "roles": orEmpty(m.orgRoles),
		"groupRoleAssignments": groups, "teamIds": m.teamIDs(), "inviterUsername": m.invite.inviter,
		"createdAt": stamp(m.invite.created), "expiresAt": stamp(m.invite.expires),
		"links": c.self("/orgs/" + m.org.id + "/invites/" + m.invite.id),
	}
}

func (c *call) listInvitations() (answer, *problem) {
	var out []*member
	name := c.query.Get("username")
	for _, m := range c.org.members {
		if m.standing(c.at) == userPending && (name == "" || m.username == name) {
			out = append(out, m)
		}
	}
	return plain(out, c.invitationView), nil
}

// invited finds a pending user by the id of the invitation.
func (c *call) invited() (*member, *problem) {
	id := c.params["invitationId"]
	for _, m := range c.org.members {
		if m.invite.id == id && m.standing(c.at) == userPending {
			return m, nil
		}
	}
	return nil, badInvitation(id)
}

func badInvitation(id string) *problem {
	return bad("INVALID_INVITATION_ID", "The invitation with ID %s does not exist or was accepted.", id)
}

func (c *call) getInvitation() (answer, *problem) {
	m, bad := c.invited()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.invitationView(m))
}

type invitationRequest struct {
	Username             *string     `json:"username"`
	Roles                *[]string   `json:"roles"`
	GroupRoleAssignments *[]groupAsk `json:"groupRoleAssignments"`
	TeamIDs              *[]string   `json:"teamIds"`
}

func (in invitationRequest) wish(c *call) (wish, *problem) {
	return c.wish(in.Roles, in.GroupRoleAssignments, in.TeamIDs)
}

// createInvitation invites as ORG_MEMBER where no role is named (a guess).
func (c *call) createInvitation() (answer, *problem) {
	var in invitationRequest
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if in.Username == nil {
		return answer{}, missingAttribute("username")
	}
	if in.Roles == nil {
		in.Roles = &[]string{"ORG_MEMBER"}
	}
	w, bad := in.wish(c)
	if bad != nil {
		return answer{}, bad
	}
	m, bad := c.invite(*in.Username, w)
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.invitationView(m))
}

func (c *call) updateInvitationByName() (answer, *problem) {
	var in invitationRequest
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if in.Username == nil {
		return answer{}, missingAttribute("username")
	}
	m := c.org.byUsername[*in.Username]
	if m == nil || m.standing(c.at) != userPending {
		return answer{}, missing("USERNAME_NOT_FOUND", "No user with username %s exists.", *in.Username)
	}
	return c.changeInvitation(m, in)
}

func (c *call) updateInvitation() (answer, *problem) {
	m, bad := c.invited()
	if bad != nil {
		return answer{}, bad
	}
	var in invitationRequest
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	return c.changeInvitation(m, in)
}

// changeInvitation replaces the lists that were sent.
func (c *call) changeInvitation(m *member, in invitationRequest) (answer, *problem) {
	w, bad := in.wish(c)
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.room(m, w); bad != nil {
		return answer{}, bad
	}
	c.reshape(m, func() { w.apply(m) })
	return ok(c.invitationView(m))
}

func (c *call) deleteInvitation() (answer, *problem) {
	m, bad := c.invited()
	if bad != nil {
		return answer{}, bad
	}
	c.expel(m)
	return empty(http.StatusNoContent)
}
