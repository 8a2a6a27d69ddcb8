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
	before, after := s.gives(c.Before), s.gives(c.After)
	if m, ok := access.As[access.RoleMapping](c.After); ok && otherGroup(c.Before, m) {
		before = holdings{}
	}
	if m, ok := access.As[access.TeamMember](c.After); ok && active(m.Status) {
		out.doubt = s.w.untoldGrants()
	}
	out.roles, out.production = s.stronger(before, after)
	if s.asInvited() {
		out.roles = slices.DeleteFunc(out.roles, func(r string) bool { return !isOwner(r) })
	}
	if len(out.roles) > 0 {
		out.doubt = ""
	}
	return out
}

// asInvited reports whether somebody joined with exactly what the invitation said: that gave
// the roles, and it was pending for all to see. What the org's invitations said is told by
// those that went with this judgement. To become an owner is told all the same.
func (s *subject) asInvited() bool {
	switch after := s.change.After.State.(type) {
	case access.ProjectMember:
		before, ok := access.As[access.ProjectMember](s.change.Before)
		return ok && !active(before.Status) && active(after.Status) && sameRoles(before.Roles, after.Roles)
	case access.TeamMember:
		if before, ok := access.As[access.TeamMember](s.change.Before); ok {
			return !active(before.Status) && active(after.Status)
		}
		return slices.Contains(s.taken(after.Username).Teams, after.Team)
	case access.OrgMember:
		i := s.taken(after.Username)
		return s.change.Before.IsZero() && i.Username != "" && sameRoles(i.OrgRoles, after.OrgRoles)
	}
	return false
}

// taken is the invitation that the person had until now; the zero one if they had none.
func (s *subject) taken(username string) access.Invitation {
	for _, c := range s.w.in.Changes {
		i, ok := access.As[access.Invitation](c.Before)
		if ok && c.Op == access.OpDeleted && c.Ref.Scope == s.ref.Scope && i.Username == username && (i.Status == "" || i.Status == "PENDING") {
			return i
		}
	}
	return access.Invitation{}
}

func sameRoles(a, b []string) bool {
	return slices.Equal(access.SortNames(slices.Clone(a)), access.SortNames(slices.Clone(b)))
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

// gives is what a state grants: a membership of a team, what the team holds on projects.
func (s *subject) gives(b access.Box) holdings {
	m, ok := access.As[access.TeamMember](b)
	if !ok {
		return held(s.ref.Scope.ID(), b)
	}
	h := holdings{}
	if active(m.Status) {
		for _, g := range s.w.grants().byTeam[m.Team] {
			h.add(g.project.id, g.roles...)
		}
	}
	return h
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
	if !ok {
		return true
	}
	before := s.gives(s.change.Before)
	if m, isMapping := access.As[access.RoleMapping](r.Box); isMapping && otherGroup(s.change.Before, m) {
		before = holdings{}
	}
	if s.change.Op == access.OpCreated {
		before = holdings{}
	}
	left, _ := s.stronger(before, s.gives(r.Box))
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
