package sim

import (
	"net/http"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// teamGrant is the roles that a team has on a project.
type teamGrant struct {
	team    *team
	project *project
	roles   []string
}

func teamGrantRoutes() []route {
	const set = "groupTeams_group"
	return []route{
		{op: "listGroupTeams", set: set, handle: (*call).listGrants},
		{op: "addGroupTeams", set: set, handle: (*call).addGrants},
		{op: "getGroupTeam", set: set, handle: (*call).getGrant},
		{op: "updateGroupTeam", set: set, handle: (*call).updateGrant},
		{op: "removeGroupTeam", set: set, handle: (*call).removeGrant},
	}
}

func (p *project) grantOf(t *team) *teamGrant {
	for _, g := range p.teamGrants {
		if g.team == t {
			return g
		}
	}
	return nil
}

func (p *project) addGrant(t *team, roles []string) {
	g := &teamGrant{t, p, roles}
	p.teamGrants = append(p.teamGrants, g)
	t.grants = append(t.grants, g)
}

func (g *teamGrant) state() string { return text(object{"roleNames": g.roles}) }

func (c *call) grantView(g *teamGrant) any {
	return object{"teamId": g.team.id, "roleNames": g.roles, "links": c.self("/groups/" + c.project.id + "/teams/" + g.team.id)}
}

func (c *call) listGrants() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.teamGrants, c.grantView)
}

func (c *call) findGrant() (*teamGrant, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return nil, bad
	}
	g := c.project.grantOf(t)
	if g == nil {
		return nil, missing("TEAM_NOT_IN_GROUP", "The team %s is not in group %s.", t.id, c.project.id)
	}
	return g, nil
}

func (c *call) getGrant() (answer, *problem) {
	g, bad := c.findGrant()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.grantView(g))
}

type grantRequest struct {
	TeamID    string   `json:"teamId"`
	RoleNames []string `json:"roleNames"`
}

func (in grantRequest) roles(p *project) ([]string, *problem) {
	if len(in.RoleNames) == 0 {
		return nil, fail(http.StatusForbidden, "NO_ROLES_IN_ASSIGNMENT", "A team in a group must have at least one role.")
	}
	roles := withoutRepeats(in.RoleNames)
	return roles, checkProjectRoles(p, roles)
}

// addGrants adds all the teams or none, and answers with all of the project's.
func (c *call) addGrants() (answer, *problem) {
	var in []grantRequest
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	var grants []*teamGrant
	for _, one := range in {
		g, bad := c.newGrant(one, grants)
		if bad != nil {
			return answer{}, bad
		}
		grants = append(grants, g)
	}
	if most := c.limit(limitProjectTeams); len(c.project.teamGrants)+len(grants) > most {
		return answer{}, bad("MAX_TEAMS_PER_GROUP_EXCEEDED", "The maximum of %d teams in group %s is exceeded.", most, c.project.id)
	}
	for _, g := range grants {
		c.project.addGrant(g.team, g.roles)
		c.effect("team grant "+g.team.name, "", g.state())
		c.grantEvent("TEAM_ADDED_TO_GROUP", g)
	}
	return c.listGrants()
}

func (c *call) newGrant(in grantRequest, others []*teamGrant) (*teamGrant, *problem) {
	t, bad := c.findTeam(in.TeamID)
	if bad != nil {
		return nil, bad
	}
	if c.project.grantOf(t) != nil || slices.ContainsFunc(others, func(g *teamGrant) bool { return g.team == t }) {
		return nil, conflict("TEAM_EXISTS_IN_GROUP", "The team %s is already in group %s.", t.id, c.project.id)
	}
	roles, bad := in.roles(c.project)
	return &teamGrant{t, c.project, roles}, bad
}

// grantEvent writes into both feeds.
func (c *call) grantEvent(kind string, g *teamGrant) {
	c.orgEvent(kind, c.project.id, g.team.extra())
	c.projectEvent(kind, g.team.extra())
}

// updateGrant replaces the roles. The team is the one in the path.
func (c *call) updateGrant() (answer, *problem) {
	g, bad := c.findGrant()
	if bad != nil {
		return answer{}, bad
	}
	var in grantRequest
	if bad := c.fill(&in, apispec.Missing); bad != nil {
		return answer{}, bad
	}
	roles, bad := in.roles(c.project)
	if bad != nil {
		return answer{}, bad
	}
	if before := g.state(); !sameSet(g.roles, roles) {
		g.roles = roles
		c.effect("team grant "+g.team.name, before, g.state())
		c.grantEvent("TEAM_ROLES_MODIFIED", g)
	}
	return c.listGrants()
}

func (c *call) removeGrant() (answer, *problem) {
	g, bad := c.findGrant()
	if bad != nil {
		return answer{}, bad
	}
	c.project.teamGrants = slices.DeleteFunc(c.project.teamGrants, func(x *teamGrant) bool { return x == g })
	g.team.grants = slices.DeleteFunc(g.team.grants, func(x *teamGrant) bool { return x == g })
	c.effect("team grant "+g.team.name, g.state(), "")
	c.grantEvent("TEAM_REMOVED_FROM_GROUP", g)
	return empty(http.StatusNoContent)
}
