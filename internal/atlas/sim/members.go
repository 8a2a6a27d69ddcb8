package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of a user in an organisation.
const (
	userActive   = "ACTIVE"
	userPending  = "PENDING"
	userExpired  = "INVITATION_EXPIRED"
	userRejected = "INVITATION_REJECTED"
)

// member is a user in one organisation, invited or active. The same account has the
// same id in every organisation.
type member struct {
	org          *org
	id, username string
	status       string // userPending also when the invitation is out of date: see standing
	// hidden is somebody whom only a project's deprecated invitation brought in: such
	// users are in no list of users.
	hidden               bool
	first, last, country string
	created              time.Time
	lastAuth             *time.Time
	invite               invitation
	orgRoles             []string
	groups               []*membership
	everywhere           []string // roles on every project
	teams                []*team
}

// invitation is what is known of an invitation to an organisation or a project.
type invitation struct {
	id, inviter      string
	created, expires time.Time
}

// membership is the roles that a user was given on one project.
type membership struct {
	member  *member
	project *project
	roles   []string
}

// addMembers makes live users of a world's.
func (a *Atlas) addMembers(o *org, users []User) error {
	for _, u := range users {
		m := a.newMember(o, u)
		holder := &principal{}
		if err := a.grant(o, holder, u.Roles); err != nil {
			return fmt.Errorf("user %s: %w", u.Username, err)
		}
		if o.byUsername[m.username] != nil || o.byUserID[m.id] != nil {
			return fmt.Errorf("user %s appears twice", u.Username)
		}
		o.enter(m)
		for _, g := range holder.grants {
			m.hold(a, g)
		}
		if len(m.orgRoles) == 0 {
			m.orgRoles = []string{"ORG_MEMBER"} // every user of an organisation has a role in it
		}
	}
	return nil
}

// hold takes a grant of a world.
func (m *member) hold(a *Atlas, g Grant) {
	switch g.GroupID {
	case "":
		m.orgRoles = withoutRepeats(append(m.orgRoles, g.RoleName))
	case anyProject:
		if m.everywhere == nil {
			m.org.everywhere = append(m.org.everywhere, m)
		}
		m.everywhere = withoutRepeats(append(m.everywhere, g.RoleName))
	default:
		p := a.projects[g.GroupID]
		var held []string
		if ms := m.membership(p); ms != nil {
			held = ms.roles
		}
		m.assign(p, withoutRepeats(append(slices.Clone(held), g.RoleName)))
	}
}

func (a *Atlas) newMember(o *org, u User) *member {
	first, last := namesOf(u.Username)
	m := &member{
		org: o, id: orDefault(u.ID, a.derive("user", u.Username)[:24]), username: u.Username,
		status: orDefault(u.OrgMembershipStatus, userActive), hidden: u.InvitedToGroup,
		first: orDefault(u.FirstName, first), last: orDefault(u.LastName, last), country: orDefault(u.Country, "US"),
		created: a.now().Add(-90 * 24 * time.Hour).Truncate(time.Second), lastAuth: sameTime(u.LastAuth),
	}
	if u.CreatedAt != nil {
		m.created = u.CreatedAt.UTC().Truncate(time.Second)
	}
	if m.status == userActive {
		return m
	}
	if m.status == userExpired && u.InvitationExpiresAt == nil {
		past := a.now().Add(-time.Hour).Truncate(time.Second)
		u.InvitationExpiresAt = &past
	}
	m.invite = a.completeInvitation(invitation{id: u.InvitationID, inviter: u.InviterUsername}, u.InvitationCreatedAt, u.InvitationExpiresAt, "org", o.id, u.Username)
	return m
}

// sameTime is a copy, in whole seconds of UTC.
func sameTime(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	out := t.UTC().Truncate(time.Second)
	return &out
}

// namesOf makes a first and a last name out of an address.
func namesOf(username string) (first, last string) {
	local, _, _ := strings.Cut(username, "@")
	first, last, _ = strings.Cut(local, ".")
	return capital(first), capital(cmp.Or(last, "Example"))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// world is the user as a world has it.
func (m *member) world() User {
	created := m.created
	out := User{
		ID: m.id, Username: m.username, OrgMembershipStatus: m.status, InvitedToGroup: m.hidden,
		FirstName: m.first, LastName: m.last, Country: m.country, CreatedAt: &created, LastAuth: sameTime(m.lastAuth),
	}
	if m.status != userActive {
		made, expires := m.invite.created, m.invite.expires
		out.InvitationID, out.InviterUsername, out.InvitationCreatedAt, out.InvitationExpiresAt = m.invite.id, m.invite.inviter, &made, &expires
	}
	for _, r := range m.orgRoles {
		out.Roles = append(out.Roles, Grant{RoleName: r})
	}
	for _, r := range m.everywhere {
		out.Roles = append(out.Roles, Grant{r, anyProject})
	}
	for _, ms := range m.groups {
		for _, r := range ms.roles {
			out.Roles = append(out.Roles, Grant{r, ms.project.id})
		}
	}
	return out
}

// standing is the user's status at a time: an invitation that nobody accepted expires.
func (m *member) standing(now time.Time) string {
	if m.status == userPending && !m.invite.expires.After(now) {
		return userExpired
	}
	return m.status
}

func (m *member) owns() bool {
	return m.status == userActive && slices.Contains(m.orgRoles, "ORG_OWNER")
}

// lastOwner says whether the organisation would be without an owner if this user were
// none. Only people count.
func (m *member) lastOwner() bool {
	return m.owns() && !slices.ContainsFunc(m.org.members, func(x *member) bool { return x != m && x.owns() })
}

func (m *member) membership(p *project) *membership {
	for _, ms := range m.groups {
		if ms.project == p {
			return ms
		}
	}
	return nil
}

// rolesOn are the roles that the user was given on a project, one by one or on all.
func (m *member) rolesOn(p *project) []string {
	if ms := m.membership(p); ms != nil {
		return withoutRepeats(slices.Concat(m.everywhere, ms.roles))
	}
	return slices.Clone(m.everywhere)
}

// assign replaces the user's roles on a project; none takes the user out of it.
func (m *member) assign(p *project, roles []string) {
	ms := m.membership(p)
	switch {
	case ms != nil && len(roles) == 0:
		m.groups = slices.DeleteFunc(m.groups, func(x *membership) bool { return x == ms })
		p.members = slices.DeleteFunc(p.members, func(x *membership) bool { return x == ms })
	case ms != nil:
		ms.roles = roles
	case len(roles) > 0:
		ms = &membership{m, p, roles}
		m.groups = append(m.groups, ms)
		p.members = append(p.members, ms)
	}
}

// spell turns roles on every project into roles on each, before one of them changes.
func (m *member) spell() {
	if m.everywhere == nil {
		return
	}
	for _, p := range m.org.projects {
		m.assign(p, m.rolesOn(p))
	}
	m.everywhere = nil
	m.org.everywhere = slices.DeleteFunc(m.org.everywhere, func(x *member) bool { return x == m })
}

// assignments are the user's roles on each project.
func (m *member) assignments() []assignment {
	var out []assignment
	if m.everywhere != nil {
		for _, p := range m.org.projects {
			out = append(out, assignment{p, m.rolesOn(p)})
		}
		return out
	}
	for _, ms := range m.groups {
		out = append(out, assignment{ms.project, ms.roles})
	}
	return out
}

// enter puts the user into its organisation.
func (o *org) enter(m *member) {
	if o.byUserID == nil {
		o.byUserID, o.byUsername = map[string]*member{}, map[string]*member{}
	}
	o.members = append(o.members, m)
	o.byUserID[m.id], o.byUsername[m.username] = m, m
}

// depart takes the user out of the organisation, its projects and its teams.
func (o *org) depart(m *member) {
	o.members = slices.DeleteFunc(o.members, func(x *member) bool { return x == m })
	o.everywhere = slices.DeleteFunc(o.everywhere, func(x *member) bool { return x == m })
	delete(o.byUserID, m.id)
	delete(o.byUsername, m.username)
	for _, ms := range m.groups {
		ms.project.members = slices.DeleteFunc(ms.project.members, func(x *membership) bool { return x == ms })
	}
	for _, t := range m.teams {
		t.users = slices.DeleteFunc(t.users, func(x *member) bool { return x == m })
	}
}
