package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// grantIndex is what teams hold on projects, of an org.
type grantIndex struct {
	byTeam   map[string][]projectGrant
	roles    map[string][]string // by team: those that it holds anywhere
	projects map[string]projectName
}

type projectGrant struct {
	project projectName
	roles   []string
}

// projectName is a project for people, with the environment that holds for it.
type projectName struct{ id, title, environment string }

// project is one that has told of itself or, without an environment, one that has not.
func (x *grantIndex) project(id string) projectName {
	if p, ok := x.projects[id]; ok {
		return p
	}
	return projectName{id: id, title: "project " + id}
}

func (w *world) grants() *grantIndex {
	m := &w.memo.people
	if m.grants != nil {
		return m.grants
	}
	x := &grantIndex{byTeam: map[string][]projectGrant{}, roles: map[string][]string{}, projects: map[string]projectName{}}
	for _, c := range w.in.Facts.Projects {
		p := projectName{c.Scope.ID(), c.Title, c.Environment}
		x.projects[p.id] = p
		for _, g := range c.Teams {
			x.byTeam[g.Team] = append(x.byTeam[g.Team], projectGrant{p, g.Roles})
			x.roles[g.Team] = append(x.roles[g.Team], minus(g.Roles, x.roles[g.Team])...)
		}
	}
	m.grants = x
	return x
}

// anywhere reports whether a member of the org holds the role, wherever it is.
func (w *world) anywhere(m access.OrgMember, role string) bool {
	return slices.Contains(m.OrgRoles, role) ||
		slices.ContainsFunc(m.Projects, func(p access.ProjectRoles) bool { return slices.Contains(p.Roles, role) }) ||
		slices.ContainsFunc(m.Teams, func(t string) bool { return slices.Contains(w.grants().roles[t], role) })
}

// reaches are the roles of a member of the org on projects: their own, and those of their
// teams.
func (w *world) reaches(m access.OrgMember) holdings {
	h := holdings{}
	for _, p := range m.Projects {
		h.add(p.Project, p.Roles...)
	}
	for _, t := range m.Teams {
		for _, g := range w.grants().byTeam[t] {
			h.add(g.project.id, g.roles...)
		}
	}
	return h
}

// toxicFacts are conflicting roles in one hand.
type toxicFacts struct {
	found, bad []string
	production bool
}

func (s *subject) toxic() toxicFacts { return once(&s.people().toxic, s.conflicts) }

// conflicts looks at the org and at each project with all that a person holds there:
// directly, through teams, and in the org. Roles count by name: who holds one broad role
// holds no combination.
func (s *subject) conflicts() toxicFacts {
	out, m := toxicFacts{found: []string{}, bad: []string{}}, s.member()
	pairs, _ := s.rule.Params["pairs"].([]string)
	for _, pair := range pairs {
		a, b, ok := strings.Cut(pair, "+")
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		switch {
		case !ok || a == "" || b == "" || a == b:
			out.bad = append(out.bad, pair)
		case s.w.anywhere(m, a) && s.w.anywhere(m, b): // few: where costs more
			s.conflict(&out, a, b)
		}
	}
	return out
}

// conflict finds where somebody holds both roles at once.
func (s *subject) conflict(out *toxicFacts, a, b string) {
	m := s.member()
	both := func(roles []string) bool { return slices.Contains(roles, a) && slices.Contains(roles, b) }
	if both(m.OrgRoles) {
		out.found, out.production = append(out.found, a+" and "+b+" in the organization"), true
		return
	}
	reached := s.w.reaches(m)
	for _, id := range slices.Sorted(maps.Keys(reached)) {
		if p := s.w.grants().project(id); both(slices.Concat(reached[id], m.OrgRoles)) {
			out.found = append(out.found, a+" and "+b+" in "+p.title)
			out.production = out.production || s.w.policy.production[p.environment]
		}
	}
}
