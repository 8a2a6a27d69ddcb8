package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// pendingSince is the version from which lists and removals of users see invited ones.
const pendingSince = "2025-02-19"

func orgUserRoutes() []route {
	const set = "orgUsers_organization"
	return []route{
		{op: "listOrgUsers", older: "2023-01-01", set: set, handle: (*call).listMembers},
		{op: "createOrgUser", set: set, handle: (*call).createMember},
		{op: "getOrgUser", set: set, handle: (*call).getMember},
		{op: "updateOrgUser", set: set, handle: (*call).updateMember},
		{op: "removeOrgUser", older: "2023-01-01", set: set, handle: (*call).removeMember},
		{op: "updateOrgUserRoles", set: set, handle: (*call).setMemberRoles},
		{op: "addOrgUserRole", set: set, handle: (*call).addMemberRole},
		{op: "removeOrgUserRole", set: set, handle: (*call).removeMemberRole},
	}
}

// fill reads a body that is checked against the official document into a value.
func (c *call) fill(into any, lax ...apispec.Rule) *problem {
	v, bad := c.checked(lax)
	if bad != nil {
		return bad
	}
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return wrongType("")
	}
	return nil
}

// onlyActive says whether the version served knows no invited users.
func (c *call) onlyActive() bool {
	return orDefault(c.version, c.route.spec.Newest()) < pendingSince
}

func isUserStatus(s string) bool {
	return slices.Contains([]string{userActive, userPending, userExpired, userRejected}, s)
}

// userFilter is what a list of users selects.
type userFilter struct {
	statuses         []string
	username, userID string
}

// userFilter reads the query. Old versions have active users only, and no filters.
func (c *call) userFilter() (userFilter, *problem) {
	if c.onlyActive() {
		return userFilter{statuses: []string{userActive}}, nil
	}
	f := userFilter{username: c.query.Get("username"), userID: c.query.Get("userId")}
	for _, s := range slices.Concat(c.query["orgMembershipStatuses"], c.query["orgMembershipStatus"]) {
		if !isUserStatus(s) {
			return f, badEnum(s, "orgMembershipStatuses")
		}
		f.statuses = append(f.statuses, s)
	}
	if f.statuses == nil {
		f.statuses = []string{userActive, userPending}
	}
	return f, nil
}

func (f userFilter) keeps(m *member, now time.Time) bool {
	return !m.hidden && slices.Contains(f.statuses, m.standing(now)) &&
		(f.username == "" || f.username == m.username) && (f.userID == "" || f.userID == m.id)
}

func (f userFilter) of(list []*member, now time.Time) []*member {
	var out []*member
	for _, m := range list {
		if f.keeps(m, now) {
			out = append(out, m)
		}
	}
	return out
}

// person is the part of a view that says who a user is, by its status.
func (c *call) person(m *member) object {
	out := object{"id": m.id, "username": m.username, "orgMembershipStatus": m.standing(c.at)}
	if m.status != userActive {
		out["invitationCreatedAt"], out["invitationExpiresAt"], out["inviterUsername"] = stamp(m.invite.created), stamp(m.invite.expires), m.invite.inviter
		return out
	}
	out["firstName"], out["lastName"], out["country"] = m.first, m.last, m.country
	out["createdAt"], out["mobileNumber"] = stamp(m.created), nil
	if m.lastAuth != nil {
		out["lastAuth"] = stamp(*m.lastAuth)
	}
	return out
}

func (c *call) memberView(m *member) any {
	if c.onlyActive() {
		return c.cloudUserView(m)
	}
	groups := []object{}
	for _, a := range m.assignments() {
		groups = append(groups, object{"groupId": a.project.id, "groupRoles": a.roles})
	}
	out := c.person(m)
	out["roles"] = object{"orgRoles": orEmpty(m.orgRoles), "groupRoleAssignments": groups}
	out["teamIds"] = m.teamIDs()
	return out
}

func (c *call) listMembers() (answer, *problem) {
	f, bad := c.userFilter()
	if bad != nil {
		return answer{}, bad
	}
	return paged(c, http.StatusOK, f.of(c.org.members, c.at), c.memberView)
}

// findMember finds a user of the organisation whom the call may see: without a filter
// an active or a pending one.
func (c *call) findMember(id string) (*member, *problem) {
	f, bad := c.userFilter()
	if bad != nil {
		return nil, bad
	}
	f.username, f.userID = "", ""
	if m := c.org.byUserID[id]; m != nil && f.keeps(m, c.at) {
		return m, nil
	}
	return nil, c.noMember(id)
}

func (c *call) noMember(id string) *problem {
	for _, o := range c.a.orgs {
		if m := o.byUserID[id]; m != nil {
			return missing("USER_NOT_IN_ORG", "User %s is not in organization %s.", m.username, c.org.id)
		}
	}
	return missing("USER_NOT_FOUND", "No user with ID %s exists.", id)
}

func (c *call) getMember() (answer, *problem) {
	m, bad := c.findMember(c.params["userId"])
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.memberView(m))
}

type memberRequest struct {
	Username string    `json:"username"`
	Roles    rolesAsk  `json:"roles"`
	TeamIDs  *[]string `json:"teamIds"`
}

type rolesAsk struct {
	OrgRoles             *[]string   `json:"orgRoles"`
	GroupRoleAssignments *[]groupAsk `json:"groupRoleAssignments"`
}

func (in memberRequest) wish(c *call) (wish, *problem) {
	return c.wish(in.Roles.OrgRoles, in.Roles.GroupRoleAssignments, in.TeamIDs)
}

func (c *call) createMember() (answer, *problem) {
	var in memberRequest
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	w, bad := in.wish(c)
	if bad != nil {
		return answer{}, bad
	}
	m, bad := c.invite(in.Username, w)
	if bad != nil {
		return answer{}, bad
	}
	return answer{status: http.StatusCreated, body: c.memberView(m)}, nil
}

// checkUsername wants an e-mail address; for less there is no documented rule.
func checkUsername(name string) *problem {
	local, host, _ := strings.Cut(name, "@")
	if local == "" || host == "" || strings.ContainsAny(name, " \t\n,;") || strings.Contains(host, "@") {
		return bad("INVALID_USERNAME", "The specified username is not a valid email address.")
	}
	return nil
}

func (c *call) updateMember() (answer, *problem) {
	m, bad := c.findMember(c.params["userId"])
	if bad != nil {
		return answer{}, bad
	}
	var in memberRequest
	if bad := c.fill(&in, apispec.Missing, apispec.Range); bad != nil {
		return answer{}, bad
	}
	w, bad := in.wish(c)
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.demotes(m, w.orgRoles); bad != nil {
		return answer{}, bad
	}
	if bad := c.room(m, w); bad != nil {
		return answer{}, bad
	}
	c.reshape(m, func() { w.apply(m) })
	return ok(c.memberView(m))
}

// demotes refuses roles (nil: as they are) that would leave nobody who owns the
// organisation.
func (c *call) demotes(m *member, roles []string) *problem {
	if roles == nil || slices.Contains(roles, "ORG_OWNER") || !m.lastOwner() {
		return nil
	}
	return fail(http.StatusForbidden, "CANNOT_DEMOTE_LAST_ORG_OWNER", "Cannot demote the last owner of the organization.")
}

func noRoleLeft() *problem {
	return fail(http.StatusForbidden, "CANNOT_REMOVE_ALL_USER_ROLES", "A user must have at least one role.")
}

// removeMember also takes invitations back, whether or not they have expired.
func (c *call) removeMember() (answer, *problem) {
	m := c.org.byUserID[c.params["userId"]]
	if m == nil || m.hidden || c.onlyActive() && m.status != userActive {
		return answer{}, c.noMember(c.params["userId"])
	}
	if m.lastOwner() {
		return answer{}, fail(http.StatusForbidden, "CANNOT_DELETE_LAST_ADMIN", "Cannot remove the last owner of the organization.")
	}
	c.expel(m)
	return empty(http.StatusNoContent)
}

// expel takes a user or an invitation out of the organisation and all that is in it.
func (c *call) expel(m *member) {
	before := m.shape()
	c.org.depart(m)
	c.effect("user "+m.username, before.text, "")
	kind := "REMOVED_FROM_ORG"
	if m.status != userActive {
		kind = "ORG_INVITATION_DELETED"
	}
	c.orgEvent(kind, "", object{"targetUsername": m.username})
	c.announce(m, before, shape{})
	for _, p := range c.org.projects {
		if i := p.inviteOf(m.username); i != nil {
			c.dropInvite(p, i)
		}
	}
}

// setMemberRoles is the deprecated way to replace the organisation roles.
func (c *call) setMemberRoles() (answer, *problem) {
	m, bad := c.findMember(c.params["userId"])
	if bad != nil {
		return answer{}, bad
	}
	var in rolesAsk
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if in.OrgRoles == nil {
		return answer{}, missingAttribute("orgRoles")
	}
	w, bad := c.wish(in.OrgRoles, nil, nil)
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.demotes(m, w.orgRoles); bad != nil {
		return answer{}, bad
	}
	c.reshape(m, func() { w.apply(m) })
	return ok(object{"orgRoles": orEmpty(m.orgRoles), "links": c.self(c.path)})
}

func (c *call) addMemberRole() (answer, *problem) {
	return c.changeMemberRole(func(held []string, role string) []string { return withoutRepeats(append(held, role)) })
}

// removeMemberRole leaves a user alone who does not have the role (a guess).
func (c *call) removeMemberRole() (answer, *problem) {
	return c.changeMemberRole(without)
}

func without(held []string, role string) []string {
	return slices.DeleteFunc(held, func(s string) bool { return s == role })
}

func (c *call) changeMemberRole(change func([]string, string) []string) (answer, *problem) {
	m, bad := c.findMember(c.params["userId"])
	if bad != nil {
		return answer{}, bad
	}
	var in struct {
		OrgRole string `json:"orgRole"`
	}
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	roles := change(orEmpty(m.orgRoles), in.OrgRole)
	if bad := c.demotes(m, roles); bad != nil {
		return answer{}, bad
	}
	if len(roles) == 0 {
		return answer{}, noRoleLeft()
	}
	c.reshape(m, func() { m.orgRoles = roles })
	return ok(c.memberView(m))
}
