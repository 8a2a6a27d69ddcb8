package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// The floor: what everybody has who belongs to an org or a project at all.
const (
	orgFloor     = "ORG_MEMBER"
	projectFloor = "GROUP_READ_ONLY"
)

// holdings are Atlas roles by where they are held: the id of an org or of a project.
type holdings map[string][]string

func (h holdings) add(where string, roles ...string) {
	if len(roles) > 0 {
		h[where] = access.SortNames(append(h[where], roles...))
	}
}

// sorted are the roles, wherever they are held.
func (h holdings) sorted() []string {
	var out []string
	for _, roles := range h {
		out = append(out, roles...)
	}
	return access.SortNames(out)
}

// covers reports whether one of the roles grants everything that the role does. Roles that
// Atlas does not document contain nothing but themselves.
func covers(roles []string, role string) bool {
	return slices.ContainsFunc(roles, func(r string) bool {
		return reach.ContainsProjectRole(r, role) || reach.ContainsOrgRole(r, role)
	})
}

// minus are the roles that the others do not have by name.
func minus(roles, others []string) []string {
	return orEmpty(slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return slices.Contains(others, r) }))
}

// active reports whether somebody who is listed has joined. A status that is not told is of
// somebody who did.
func active(status string) bool { return status == "" || status == "ACTIVE" }

// rests reports whether the rule reads the kind: what it does not read it must not look at.
func (s *subject) rests(k access.Kind) bool {
	return k == s.rule.Kind || slices.Contains(s.rule.Reads, k)
}

func (s *subject) readsMappings() bool { return s.rests(access.KindRoleMapping) }

// holds are the roles that the subject itself gives, where they can be told without
// looking elsewhere. Who is invited holds nothing yet.
func (s *subject) holds() holdings { return held(s.ref.Scope.ID(), s.res.Box) }

func held(scope string, b access.Box) holdings {
	h := holdings{}
	h.add(scope, heldHere(b)...)
	if m, ok := access.As[access.RoleMapping](b); ok {
		for _, r := range m.Roles {
			h.add(r.Org+r.Project, r.Role)
		}
	}
	return h
}

// ownRoles are those of holds that are held in the subject's own scope as such.
func (s *subject) ownRoles() []string { return heldHere(s.res.Box) }

func heldHere(b access.Box) []string {
	switch t := b.State.(type) {
	case access.OrgMember:
		return t.OrgRoles
	case access.ProjectMember:
		if active(t.Status) {
			return t.Roles
		}
	case access.TeamGrant:
		return t.Roles
	case access.Federation:
		return t.PostAuthRoles
	}
	return nil
}

func (s *subject) isInvited() bool {
	switch t := s.res.Box.State.(type) {
	case access.ProjectMember:
		return !active(t.Status)
	case access.TeamMember:
		return !active(t.Status)
	case access.Invitation:
		return t.Status == "" || t.Status == "PENDING"
	}
	return false
}

func (s *subject) place() string {
	if s.w.in.Scope.IsOrg() {
		return "the organization"
	}
	return s.w.projectName()
}

// holderName says for people who holds it. The name of a team only embellishes: no answer
// rests on it.
func (s *subject) holderName() string {
	switch t := s.res.Box.State.(type) {
	case access.TeamGrant:
		return s.w.teamName(t.Team)
	case access.TeamMember:
		return t.Username + " in " + s.w.teamName(t.Team)
	case access.RoleMapping:
		return "group " + t.Group + " of the identity provider"
	case access.Federation:
		return "every federated login"
	case access.IdentityProvider:
		return "identity provider " + cmpOr(t.Title, t.ID)
	}
	return s.ref.Name
}

// holderSubject begins a sentence. What an address looks like is left alone.
func (s *subject) holderSubject() string {
	name := s.holderName()
	switch s.res.Box.State.(type) {
	case access.TeamGrant, access.RoleMapping, access.Federation, access.IdentityProvider:
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

// listed is roles for a sentence.
func rolesText(roles []string) string { return cmpOr(strings.Join(roles, ", "), "no role") }

func (w *world) teamName(id string) string {
	if title, ok := w.teamTitle(id); ok {
		return "team " + title
	}
	return "team " + id
}

func (w *world) teamTitle(id string) (string, bool) {
	m := &w.memo.people
	if m.titles == nil {
		m.titles = map[string]string{}
		c := w.collection(access.KindTeam)
		for _, t := range access.States[access.Team](c) {
			if !slices.Contains(c.Odd, t.ID) {
				m.titles[t.ID] = t.Title
			}
		}
	}
	title, ok := m.titles[id]
	return title, ok
}

// teamMembers are those who have joined the team.
func (w *world) teamMembers(id string) []access.TeamMember {
	m := &w.memo.people
	if m.joined == nil {
		m.joined = map[string][]access.TeamMember{}
		for _, t := range access.States[access.TeamMember](w.collection(access.KindTeamMember)) {
			if active(t.Status) {
				m.joined[t.Team] = append(m.joined[t.Team], t)
			}
		}
	}
	return m.joined[id]
}

// ownerFacts are the owners of an org or of a project.
type ownerFacts struct {
	people   []string
	mappings []string
	odd      int
}

// count takes each group that is made owner at login for one: who is in it cannot be read.
func (o ownerFacts) count() int { return len(o.people) + len(o.mappings) }

func (s *subject) owners() ownerFacts { return once(&s.people().owners, s.allOwners) }

func (s *subject) allOwners() ownerFacts {
	if s.w.in.Scope.IsOrg() {
		return s.ownersOfOrg()
	}
	return s.ownersOfProject()
}

func (s *subject) ownersOfOrg() ownerFacts {
	var names []string
	c := s.w.collection(access.KindOrgMember)
	for _, m := range access.States[access.OrgMember](c) {
		if slices.Contains(m.OrgRoles, reach.OrgOwner) && !slices.Contains(c.Odd, m.Username) {
			names = append(names, m.Username)
		}
	}
	return ownerFacts{access.SortNames(names), s.mapped(reach.OrgOwner), len(c.Odd) + s.mappingsOdd()}
}

// ownersOfProject are those with the role of their own and those of teams with it. The
// owners of the org own every project too, and are not among them.
func (s *subject) ownersOfProject() ownerFacts {
	var names []string
	c, grants, teams := s.w.collection(access.KindProjectMember), s.w.collection(access.KindTeamGrant), s.w.collection(access.KindTeamMember)
	for _, m := range access.States[access.ProjectMember](c) {
		if active(m.Status) && slices.Contains(m.Roles, reach.ProjectOwner) && !slices.Contains(c.Odd, m.Username) {
			names = append(names, m.Username)
		}
	}
	odd := len(c.Odd) + len(grants.Odd) + s.mappingsOdd()
	for _, g := range access.States[access.TeamGrant](grants) {
		if !slices.Contains(g.Roles, reach.ProjectOwner) || slices.Contains(grants.Odd, g.Team) {
			continue
		}
		for _, m := range s.w.teamMembers(g.Team) {
			names = append(names, m.Username)
		}
		for _, o := range teams.Odd {
			if o == "" || strings.HasPrefix(o, g.Team+"/") {
				odd++
			}
		}
	}
	return ownerFacts{access.SortNames(names), s.mapped(reach.ProjectOwner), odd}
}

// mapped are the groups of the identity provider whose members are given the role here.
func (s *subject) mapped(role string) []string {
	out := []string{}
	for _, m := range s.mappings() {
		if slices.Contains(held("", access.Box{State: m})[s.w.in.Scope.ID()], role) {
			out = append(out, m.Group)
		}
	}
	return out
}

func (s *subject) mappings() []access.RoleMapping {
	if !s.readsMappings() {
		return nil
	}
	c := s.w.collection(access.KindRoleMapping)
	return slices.DeleteFunc(access.States[access.RoleMapping](c), func(m access.RoleMapping) bool { return slices.Contains(c.Odd, m.ID) })
}

// mappingsOdd is how many mappings could not be decoded.
func (s *subject) mappingsOdd() int {
	if !s.readsMappings() {
		return 0
	}
	return len(s.w.collection(access.KindRoleMapping).Odd)
}
