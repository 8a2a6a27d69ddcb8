package sim

import (
	"net/http"
	"slices"
)

// team is a group of an organisation's users, and where it was granted roles.
type team struct {
	id, name string
	users    []*member
	grants   []*teamGrant
}

func teamRoutes() []route {
	const set = "orgTeams_organization"
	return []route{
		{op: "listOrgTeams", set: set, handle: (*call).listTeams},
		{op: "createOrgTeam", set: set, handle: (*call).createTeam},
		{op: "getOrgTeam", set: set, handle: (*call).getTeam},
		{op: "renameOrgTeam", set: set, handle: (*call).renameTeam},
		{op: "deleteOrgTeam", set: set, handle: (*call).deleteTeam},
		{op: "getOrgTeamByName", set: set, handle: (*call).teamByName},
		{op: "listOrgTeamUsers", older: "2023-01-01", set: set, handle: (*call).listTeamUsers},
		{op: "addOrgTeamUsers", set: set, handle: (*call).addTeamUsers},
		{op: "removeOrgTeamUserFromTeam", set: set, handle: (*call).dropTeamUser},
		{op: "addOrgTeamUser", set: set, handle: (*call).addTeamUser},
		{op: "removeOrgTeamUser", set: set, handle: (*call).removeTeamUser},
	}
}

func (o *org) addTeam(t *team) {
	if o.teamByID == nil {
		o.teamByID, o.teamByName = map[string]*team{}, map[string]*team{}
	}
	o.teams = append(o.teams, t)
	o.teamByID[t.id], o.teamByName[t.name] = t, t
}

func (t *team) join(m *member) {
	if !slices.Contains(m.teams, t) {
		t.users = append(t.users, m)
		m.teams = append(m.teams, t)
	}
}

func (t *team) leave(m *member) {
	t.users = slices.DeleteFunc(t.users, func(x *member) bool { return x == m })
	m.teams = slices.DeleteFunc(m.teams, func(x *team) bool { return x == t })
}

func (t *team) usernames() []string {
	out := make([]string, 0, len(t.users))
	for _, m := range t.users {
		out = append(out, m.username)
	}
	return out
}

func (t *team) state() string { return text(object{"name": t.name, "usernames": t.usernames()}) }

func (t *team) extra() object { return object{"teamId": t.id} }

func (c *call) teamView(t *team) any {
	return object{"id": t.id, "name": t.name, "links": c.self("/orgs/" + c.org.id + "/teams/" + t.id)}
}

func (c *call) listTeams() (answer, *problem) {
	return paged(c, http.StatusOK, c.org.teams, c.teamView)
}

func (c *call) findTeam(id string) (*team, *problem) {
	if t := c.org.teamByID[id]; t != nil {
		return t, nil
	}
	return nil, missing("TEAM_NOT_FOUND", "No team with ID %s exists.", id)
}

func (c *call) getTeam() (answer, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.teamView(t))
}

func (c *call) teamByName() (answer, *problem) {
	name := c.params["teamName"]
	if t := c.org.teamByName[name]; t != nil {
		return ok(c.teamView(t))
	}
	return answer{}, missing("TEAM_NOT_FOUND", "No team with name %s exists.", name)
}

func (c *call) createTeam() (answer, *problem) {
	var in struct {
		Name      string   `json:"name"`
		Usernames []string `json:"usernames"`
	}
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if bad := c.checkTeamName(in.Name); bad != nil {
		return answer{}, bad
	}
	users, bad := c.teamOf(in.Usernames)
	if bad != nil {
		return answer{}, bad
	}
	t := &team{id: c.a.nextID("team"), name: in.Name}
	c.org.addTeam(t)
	for _, m := range users {
		t.join(m)
	}
	c.effect("team "+t.name, "", t.state())
	c.orgEvent("TEAM_CREATED", "", t.extra())
	for _, m := range users {
		after := m.shape()
		before := after
		before.teams = slices.DeleteFunc(slices.Clone(after.teams), func(x *team) bool { return x == t })
		c.announce(m, before, after)
	}
	out := c.teamView(t).(object)
	out["usernames"] = t.usernames()
	return answer{status: http.StatusCreated, body: out}, nil
}

// teamOf finds those who are to be in a new team.
func (c *call) teamOf(usernames []string) ([]*member, *problem) {
	names := withoutRepeats(usernames)
	most, inTeam := c.limit(limitOrgTeams), c.limit(limitTeamUsers)
	switch {
	case len(names) == 0:
		return nil, bad("CANNOT_CREATE_EMPTY_TEAM", "A team must have at least one user.")
	case len(c.org.teams) >= most:
		return nil, bad("MAX_TEAMS_PER_ORG_EXCEEDED", "The maximum of %d teams in an organization is exceeded.", most)
	case len(names) > inTeam:
		return nil, tooManyInTeam(inTeam)
	}
	var out []*member
	current := userFilter{statuses: []string{userActive, userPending}}
	for _, name := range names {
		m := c.org.byUsername[name]
		if m == nil || !current.keeps(m, c.at) {
			return nil, missing("USER_NOT_IN_ORG", "User %s is not in organization %s.", name, c.org.id)
		}
		out = append(out, m)
	}
	return out, nil
}

func tooManyInTeam(most int) *problem {
	return bad("MAX_USERS_PER_TEAM_EXCEEDED", "The maximum of %d users in a team is exceeded.", most)
}

func (c *call) checkTeamName(name string) *problem {
	switch {
	case name == "":
		return invalidField("name", "must not be empty")
	case c.org.teamByName[name] != nil:
		return conflict("TEAM_NAME_NOT_AVAILABLE", "The team name %s is not available.", name)
	}
	return nil
}

func (c *call) renameTeam() (answer, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return answer{}, bad
	}
	var in struct {
		Name string `json:"name"`
	}
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	if in.Name == t.name {
		return ok(c.teamView(t))
	}
	if bad := c.checkTeamName(in.Name); bad != nil {
		return answer{}, bad
	}
	before, was := t.state(), t.name
	delete(c.org.teamByName, was)
	t.name = in.Name
	c.org.teamByName[t.name] = t
	c.effect("team "+was, before, t.state())
	c.orgEvent("TEAM_NAME_CHANGED", "", t.extra())
	return ok(c.teamView(t))
}

// deleteTeam tells of each member's going, too, as the real service does.
func (c *call) deleteTeam() (answer, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return answer{}, bad
	}
	if len(t.grants) > 0 {
		return answer{}, missing("CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT", "The team %s is assigned to a project.", t.id)
	}
	before := t.state()
	for _, m := range slices.Clone(t.users) {
		was := m.shape()
		t.leave(m)
		c.announce(m, was, m.shape())
	}
	c.org.teams = slices.DeleteFunc(c.org.teams, func(x *team) bool { return x == t })
	delete(c.org.teamByID, t.id)
	delete(c.org.teamByName, t.name)
	c.effect("team "+t.name, before, "")
	c.orgEvent("TEAM_DELETED", "", t.extra())
	return empty(http.StatusNoContent)
}
