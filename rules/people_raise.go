package rules

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// raiseFacts is what a change gave somebody.
type raiseFacts struct {
	roles      []string // with where, if that is elsewhere
	doubt      string
	production bool
}

// raise compares what was held before a change with what is held after it, by what roles
// contain: a narrower role beside or in the place of a broader one raises nobody. Of the
// ways to a role each is looked at for itself.
func (s *subject) raise() raiseFacts { return once(&s.people().raise, s.compareBefore) }

func (s *subject) compareBefore() raiseFacts {
	c := s.change
	out := raiseFacts{roles: []string{}, production: true}
	switch {
	case c.After.IsZero():
		return out
	case c.Op == access.OpUpdated && c.Before.IsZero():
		out.doubt = "what was held before could not be read"
		return out
	}
	if m, ok := access.As[access.TeamMember](c.After); ok && (active(m.Status) || pending(m.Status)) {
		out.doubt = s.w.untoldGrants()
	}
	out.roles, out.production = s.stronger(s.before(c.After), s.gives(c.After))
	invited, doubt := s.invited()
	switch {
	case invited:
		out.roles = []string{}
	case s.asInvited():
		out.roles = slices.DeleteFunc(out.roles, func(r string) bool { return !isOwner(r) })
	case doubt != "" && len(out.roles) > 0:
		out.roles, out.doubt = []string{}, doubt
	}
	if len(out.roles) > 0 {
		out.doubt = ""
	}
	return out
}

// isOwner takes a role with or without where it is held.
func isOwner(role string) bool {
	name, _, _ := strings.Cut(role, " on ")
	return name == reach.OrgOwner || name == reach.ProjectOwner
}

// otherGroup: a mapping that is pointed at another group gives all of its roles to others.
func otherGroup(before access.Box, after access.RoleMapping) bool {
	m, ok := access.As[access.RoleMapping](before)
	return ok && m.Group != after.Group
}

// before is what was held before the change, or could be had by accepting; of now it is asked
// against. Who joins held nothing: what they were invited to is another question.
func (s *subject) before(now access.Box) holdings {
	m, isMapping := access.As[access.RoleMapping](now)
	if isMapping && otherGroup(s.change.Before, m) || s.change.Op == access.OpCreated || s.joins() {
		return holdings{}
	}
	return s.gives(s.change.Before)
}

// gives is what a state grants: a membership of a team, what the team holds on projects. An
// invitation that is pending counts for what it gives once it is accepted: whoever widens it
// gives that.
func (s *subject) gives(b access.Box) holdings {
	switch t := b.State.(type) {
	case access.TeamMember:
		h := holdings{}
		if active(t.Status) || pending(t.Status) {
			for _, g := range s.w.grants().byTeam[t.Team] {
				h.add(g.project.id, g.roles...)
			}
		}
		return h
	case access.ProjectMember:
		if pending(t.Status) {
			return holdings{s.ref.Scope.ID(): t.Roles}
		}
	case access.Invitation:
		if t.Status == "" || pending(t.Status) {
			return s.invitedTo(t.OrgRoles, t.Projects)
		}
	case access.OrgMember:
		if s.ref.Kind == access.KindInvitation { // who has accepted it
			return s.invitedTo(t.OrgRoles, t.Projects)
		}
	}
	return held(s.ref.Scope.ID(), b)
}

// untoldGrants is why it is not known what teams hold on projects.
func (w *world) untoldGrants() string {
	if !w.in.Facts.Gathered() {
		return "what teams hold on projects was not gathered yet"
	}
	return w.in.Facts.Unread[access.KindTeamGrant]
}

// stronger are the roles that no role before contained. To belong to an org is no strength.
func (s *subject) stronger(before, after holdings) (roles []string, production bool) {
	org := before[s.orgID()]
	roles = []string{}
	for where, list := range after {
		had := before[where]
		if where != s.orgID() {
			for _, r := range org {
				had = slices.Concat(had, reach.ImpliedProjectRoles(r))
			}
		}
		for _, r := range list {
			if r == orgFloor || covers(had, r) {
				continue
			}
			title, production2 := s.project(where)
			roles, production = append(roles, r+title), production || production2
		}
	}
	return access.SortNames(roles), production || len(roles) == 0
}

// orgID is the org that the subject is of, where that is its own scope.
func (s *subject) orgID() string {
	if s.w.in.Scope.IsOrg() {
		return s.w.in.Scope.ID()
	}
	return ""
}

// project says of a place where roles are held how people call it, and whether it is judged
// as production. The subject's own scope goes without saying.
func (s *subject) project(id string) (title string, production bool) {
	if id == s.w.in.Scope.ID() {
		return "", true
	}
	p := s.w.grants().project(id)
	return " on " + p.title, s.w.policy.production[p.environment]
}

// raiseOver reports whether nothing of what the change gave is held any more.
func (s *subject) raiseOver() bool {
	c := s.w.in.Collections[s.ref.Kind]
	r, ok := c.Find(s.ref.Name)
	if c.Unreadable(s.ref.Name) {
		return false
	}
	if !ok && s.ref.Kind == access.KindInvitation {
		var doubt bool
		if r, ok, doubt = s.accepted(); doubt {
			return false
		}
	}
	if !ok {
		return true
	}
	left, _ := s.stronger(s.before(r.Box), s.gives(r.Box))
	return len(left) == 0 && (s.ref.Kind != access.KindTeamMember || s.w.untoldGrants() == "")
}

// beingSetUp reports whether the change, or what is judged now, falls into the first while
// of a project. Atlas's ids
// are ObjectIds, which begin with the second of their making (a guess as to projects: it is
// nowhere promised; were it wrong, no project would ever seem new).
func (s *subject) beingSetUp() bool {
	within, _ := s.rule.Params["setup"].(time.Duration)
	raw, err := hex.DecodeString(s.w.in.Scope.ID())
	if s.w.in.Scope.IsOrg() || err != nil || len(raw) != 12 {
		return false
	}
	made := time.Unix(int64(raw[0])<<24|int64(raw[1])<<16|int64(raw[2])<<8|int64(raw[3]), 0)
	at := s.now
	if s.change != nil {
		at = s.change.Occurred
	}
	age := at.Sub(made)
	return age >= -time.Minute && age < within
}

// ownerSince is when somebody came to hold the owner role, if that was seen and they do.
func (s *subject) ownerSince() time.Time { return s.res.OwnerSince }

// ownerDeclared reports whether the matrix gives the team, or the teams of the person, the
// owner role.
func (s *subject) ownerDeclared() bool {
	return covers(s.matrix().declared, reach.OrgOwner) || covers(s.matrix().declared, reach.ProjectOwner)
}

func (s *subject) ownerDoubt() string { return s.matrix().doubt }
