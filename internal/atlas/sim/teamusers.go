package sim

import (
	"net/http"
	"slices"
)

func (c *call) listTeamUsers() (answer, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return answer{}, bad
	}
	f, bad := c.userFilter()
	if bad != nil {
		return answer{}, bad
	}
	return paged(c, http.StatusOK, f.of(t.users, c.at), c.memberView)
}

type userRef struct {
	ID string `json:"id"`
}

// addTeamUsers is the deprecated way, for active users. It answers with those who are
// in the team.
func (c *call) addTeamUsers() (answer, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return answer{}, bad
	}
	var in []userRef
	if bad := c.fill(&in); bad != nil {
		return answer{}, bad
	}
	var users []*member
	for _, ref := range in {
		m := c.org.byUserID[ref.ID]
		switch {
		case m == nil || m.hidden:
			return answer{}, c.noMember(ref.ID)
		case m.status != userActive:
			return answer{}, missing("CANNOT_ADD_PENDING_USER", "The pending user %s cannot be added.", m.username)
		case slices.Contains(users, m):
			continue
		}
		if bad := alreadyInTeam(m, t); bad != nil {
			return answer{}, bad
		}
		users = append(users, m)
	}
	if bad := c.roomInTeam(t, len(users)); bad != nil {
		return answer{}, bad
	}
	for _, m := range users {
		c.reshape(m, func() { t.join(m) })
	}
	if len(users) > 0 {
		c.orgEvent("TEAM_UPDATED", "", t.extra())
	}
	active := userFilter{statuses: []string{userActive}}
	return paged(c, http.StatusOK, active.of(t.users, c.at), c.cloudUserView)
}

func alreadyInTeam(m *member, t *team) *problem {
	if slices.Contains(m.teams, t) {
		return conflict("USER_ALREADY_IN_TEAM", "User %s is already in team %s.", m.username, t.id)
	}
	return nil
}

func (c *call) roomInTeam(t *team, more int) *problem {
	if most := c.a.limit(limitTeamUsers, c.org, nil); len(t.users)+more > most {
		return tooManyInTeam(most)
	}
	return nil
}

// teamAndUser finds the team in the path and the user in the body.
func (c *call) teamAndUser() (*team, *member, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return nil, nil, bad
	}
	var in userRef
	if bad := c.fill(&in); bad != nil {
		return nil, nil, bad
	}
	m, bad := c.findMember(in.ID)
	return t, m, bad
}

// addTeamUser also adds a pending user. That TEAM_UPDATED tells of changed members, next
// to the user's own event, is a guess.
func (c *call) addTeamUser() (answer, *problem) {
	t, m, bad := c.teamAndUser()
	if bad != nil {
		return answer{}, bad
	}
	if bad := alreadyInTeam(m, t); bad != nil {
		return answer{}, bad
	}
	if bad := c.roomInTeam(t, 1); bad != nil {
		return answer{}, bad
	}
	c.reshape(m, func() { t.join(m) })
	c.orgEvent("TEAM_UPDATED", "", t.extra())
	return ok(c.memberView(m))
}

func (c *call) removeTeamUser() (answer, *problem) {
	t, m, bad := c.teamAndUser()
	if bad == nil {
		bad = c.takeOut(t, m)
	}
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.memberView(m))
}

// dropTeamUser is the deprecated way.
func (c *call) dropTeamUser() (answer, *problem) {
	t, bad := c.findTeam(c.params["teamId"])
	if bad != nil {
		return answer{}, bad
	}
	m, bad := c.findMember(c.params["userId"])
	if bad == nil {
		bad = c.takeOut(t, m)
	}
	if bad != nil {
		return answer{}, bad
	}
	return empty(http.StatusNoContent)
}

// takeOut lets the last user of a team go, too: only a new team must have one.
func (c *call) takeOut(t *team, m *member) *problem {
	if !slices.Contains(m.teams, t) {
		return missing("USER_NOT_IN_TEAM", "User %s is not in team %s.", m.username, t.id) // the code is a guess
	}
	c.reshape(m, func() { t.leave(m) })
	c.orgEvent("TEAM_UPDATED", "", t.extra())
	return nil
}
