package sim

import (
	"fmt"
	"slices"
	"time"
)

// The family of an organisation's users and teams, invitations, a project's users and team grants.

// invitationLife is how long an invitation can be accepted.
const invitationLife = 30 * 24 * time.Hour

// OrgPeople and ProjectPeople are its parts of a world.
type (
	OrgPeople struct {
		Teams []Team `yaml:"teams,omitempty"`
	}
	ProjectPeople struct {
		Teams   []TeamGrant   `yaml:"teams,omitempty"`
		Invites []GroupInvite `yaml:"invites,omitempty"`
	}
)

// Team is a team of an organisation and who is in it.
type Team struct {
	ID        string   `yaml:"id,omitempty"`
	Name      string   `yaml:"name"`
	Usernames []string `yaml:"usernames,omitempty"`
}

// TeamGrant gives a team roles on a project. TeamID may also be the team's name.
type TeamGrant struct {
	TeamID    string   `yaml:"teamId"`
	RoleNames []string `yaml:"roleNames"`
}

// GroupInvite is an invitation to a project by the deprecated operations. The user must
// be one of the organisation, pending or not.
type GroupInvite struct {
	ID              string     `yaml:"id,omitempty"`
	Username        string     `yaml:"username"`
	Roles           []string   `yaml:"roles"`
	InviterUsername string     `yaml:"inviterUsername,omitempty"`
	CreatedAt       *time.Time `yaml:"createdAt,omitempty"`
	ExpiresAt       *time.Time `yaml:"expiresAt,omitempty"`
}

// orgPeople and projectPeople are its live state. Users are indexed, since an
// organisation may have many thousands.
type (
	orgPeople struct {
		members    []*member
		byUserID   map[string]*member
		byUsername map[string]*member
		everywhere []*member // those with roles on every project, from a world's "@*"
		teams      []*team
		teamByID   map[string]*team
		teamByName map[string]*team
	}
	projectPeople struct {
		members    []*membership
		teamGrants []*teamGrant
		invites    []*groupInvite
	}
)

func peopleRoutes() []route {
	return slices.Concat(orgUserRoutes(), invitationRoutes(), teamRoutes(), projectUserRoutes(), teamGrantRoutes(), []route{
		{op: "getUser", set: "users_user", handle: (*call).showUser},
		{op: "getUserByName", set: "users_user", handle: (*call).showUserByName},
	})
}

// buildPeople makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildPeople(o *org, w OrgPeople, projects map[*project]ProjectPeople) error {
	for _, t := range w.Teams {
		if err := a.addTeam(o, t); err != nil {
			return fmt.Errorf("team %q: %w", t.Name, err)
		}
	}
	for _, p := range o.projects {
		for _, g := range projects[p].Teams {
			if err := o.addGrant(p, g); err != nil {
				return fmt.Errorf("project %q: team %q: %w", p.name, g.TeamID, err)
			}
		}
		for _, i := range projects[p].Invites {
			if err := a.addInvite(p, i); err != nil {
				return fmt.Errorf("project %q: invitation of %q: %w", p.name, i.Username, err)
			}
		}
	}
	return nil
}

func (a *Atlas) addTeam(o *org, w Team) error {
	t := &team{id: orDefault(w.ID, a.derive("team", o.id, w.Name)[:24]), name: w.Name}
	if w.Name == "" || o.teamByName[w.Name] != nil || o.teamByID[t.id] != nil {
		return fmt.Errorf("name or id %s is missing or taken", t.id)
	}
	o.addTeam(t)
	for _, name := range w.Usernames {
		m := o.byUsername[name]
		if m == nil || slices.Contains(t.users, m) {
			return fmt.Errorf("user %q is not in the organisation, or twice in the team", name)
		}
		t.join(m)
	}
	return nil
}

func (o *org) addGrant(p *project, w TeamGrant) error {
	t := o.teamByID[w.TeamID]
	if t == nil {
		t = o.teamByName[w.TeamID]
	}
	switch {
	case t == nil:
		return fmt.Errorf("the organisation does not have it")
	case p.grantOf(t) != nil:
		return fmt.Errorf("it is granted twice")
	case len(w.RoleNames) == 0:
		return fmt.Errorf("it has no roles")
	}
	p.addGrant(t, withoutRepeats(w.RoleNames))
	return nil
}

func (a *Atlas) addInvite(p *project, w GroupInvite) error {
	if p.org.byUsername[w.Username] == nil {
		return fmt.Errorf("the organisation has no such user")
	}
	i := &groupInvite{username: w.Username, roles: withoutRepeats(w.Roles)}
	i.invitation = a.completeInvitation(invitation{id: w.ID, inviter: w.InviterUsername}, w.CreatedAt, w.ExpiresAt, "group", p.id, w.Username)
	p.invites = append(p.invites, i)
	return nil
}

// completeInvitation fills in what a world leaves out.
func (a *Atlas) completeInvitation(i invitation, created, expires *time.Time, scope ...string) invitation {
	i.id = orDefault(i.id, a.derive(append([]string{"invitation"}, scope...)...)[:24])
	i.inviter = orDefault(i.inviter, "admin@example.com")
	i.created = a.now().Add(-24 * time.Hour).Truncate(time.Second)
	if created != nil {
		i.created = created.UTC().Truncate(time.Second)
	}
	i.expires = i.created.Add(invitationLife)
	if expires != nil {
		i.expires = expires.UTC().Truncate(time.Second)
	}
	return i
}

func (o *org) worldPeople() OrgPeople {
	var out OrgPeople
	for _, t := range o.teams {
		out.Teams = append(out.Teams, Team{t.id, t.name, t.usernames()})
	}
	return out
}

func (p *project) worldPeople() ProjectPeople {
	var out ProjectPeople
	for _, g := range p.teamGrants {
		out.Teams = append(out.Teams, TeamGrant{g.team.id, slices.Clone(g.roles)})
	}
	for _, i := range p.invites {
		created, expires := i.created, i.expires
		out.Invites = append(out.Invites, GroupInvite{i.id, i.username, slices.Clone(i.roles), i.inviter, &created, &expires})
	}
	return out
}

// leavePeople forgets a project that is deleted, outside of it.
func (o *org) leavePeople(p *project) {
	for _, ms := range p.members {
		ms.member.groups = slices.DeleteFunc(ms.member.groups, func(x *membership) bool { return x == ms })
	}
	for _, g := range p.teamGrants {
		g.team.grants = slices.DeleteFunc(g.team.grants, func(x *teamGrant) bool { return x == g })
	}
}

// withoutRepeats is a copy without repeated elements.
func withoutRepeats(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// sameSet compares lists whose order means nothing.
func sameSet(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
