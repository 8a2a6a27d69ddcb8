package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// matrixFacts is how what somebody holds compares with the access matrix.
type matrixFacts struct {
	absent, doubt             string
	named                     bool
	declared, excess, lacking []string
	adds                      bool
}

// rowKey is the key of the matrix's rows that holds here. A project that matches no
// environment is judged as the strictest production environment.
func (w *world) rowKey() string {
	if w.in.Scope.IsOrg() {
		return access.MatrixOrg
	}
	if w.in.Environment != "" {
		return w.in.Environment
	}
	i := slices.IndexFunc(w.Environments, func(e access.Environment) bool { return w.policy.production[e.Name] })
	if i < 0 {
		return ""
	}
	return w.Environments[i].Name
}

// declaredFor are the roles of the matrix for a team, or a group of the identity provider,
// of this name; named: a row is about it, whatever it grants here.
func (w *world) declaredFor(title string) (roles []string, named bool) {
	for _, row := range w.Matrix {
		if row.Team == title {
			roles, named = append(roles, row.Roles[w.rowKey()]...), true
		}
	}
	return access.SortNames(roles), named
}

func (s *subject) matrix() matrixFacts { return once(&s.people().matrix, s.compareMatrix) }

func (s *subject) compareMatrix() matrixFacts {
	f := matrixFacts{excess: []string{}, lacking: []string{}, declared: []string{}}
	if len(s.w.Matrix) == 0 {
		f.absent = "no access matrix is configured: declare under matrix which team may do what in which environment"
		return f
	}
	switch t := s.res.Box.State.(type) {
	case access.TeamGrant:
		f.ofTeam(s.w, t)
	case access.OrgMember:
		f.ofMember(s.w, t)
	}
	return f
}

// says is what the matrix says of it, for people.
func (f matrixFacts) says() string {
	switch {
	case !f.named:
		return "does not know it"
	case len(f.declared) == 0:
		return "grants it nothing there"
	}
	return "says " + strings.Join(f.declared, ", ")
}

func (f *matrixFacts) ofTeam(w *world, g access.TeamGrant) {
	title, ok := w.teamTitle(g.Team)
	if !ok {
		f.doubt = "the name of team " + g.Team + " is not known, by which the matrix calls it"
		return
	}
	f.declared, f.named = w.declaredFor(title)
	f.excess, f.lacking = minus(g.Roles, f.declared), minus(f.declared, g.Roles)
	f.adds = slices.ContainsFunc(f.lacking, func(r string) bool { return !covers(g.Roles, r) })
}

// ofMember compares the org roles of somebody with what the rows of all of their teams
// grant in the org. Who is in no team of the matrix is not judged by it.
func (f *matrixFacts) ofMember(w *world, m access.OrgMember) {
	var nameless []string
	for _, id := range m.Teams {
		title, ok := w.teamTitle(id)
		if !ok {
			nameless = append(nameless, id)
			continue
		}
		roles, named := w.declaredFor(title)
		f.declared, f.named = append(f.declared, roles...), f.named || named
	}
	f.declared = access.SortNames(f.declared)
	excess := minus(m.OrgRoles, append([]string{orgFloor}, f.declared...))
	switch {
	case len(nameless) > 0 && (len(excess) > 0 || !f.named):
		f.doubt = "the names of teams of theirs are not known, by which the matrix calls them: " + strings.Join(nameless, ", ")
	case !f.named:
		f.absent = "they are in no team of the access matrix"
	default:
		f.excess = excess
	}
}

// missingFacts are the declared teams that have nothing here.
type missingFacts struct {
	names []string
	doubt string
}

func (s *subject) missingTeams() missingFacts {
	if s.w.in.Scope.IsOrg() {
		return s.missingInOrg()
	}
	grants := s.w.collection(access.KindTeamGrant)
	here, out := map[string]bool{}, missingFacts{names: []string{}}
	for _, g := range access.States[access.TeamGrant](grants) {
		title, ok := s.w.teamTitle(g.Team)
		if !ok {
			out.doubt = "the name of team " + g.Team + ", which has roles here, is not known"
		}
		here[title] = true
	}
	for _, id := range grants.Odd {
		title, ok := s.w.teamTitle(id)
		if !ok {
			out.doubt = "a team of the project could not be decoded when it was last read"
		}
		here[title] = true
	}
	return s.missingFrom(here, out)
}

// missingInOrg are the teams with roles in the org by the matrix that the org does not have.
func (s *subject) missingInOrg() missingFacts {
	there, out := map[string]bool{}, missingFacts{names: []string{}}
	c := s.w.collection(access.KindTeam)
	if len(c.Odd) > 0 {
		out.doubt = "a team could not be decoded when it was last read"
	}
	for _, t := range access.States[access.Team](c) {
		there[t.Title] = true
	}
	return s.missingFrom(there, out)
}

func (s *subject) missingFrom(there map[string]bool, out missingFacts) missingFacts {
	for _, row := range s.w.Matrix {
		if len(row.Roles[s.w.rowKey()]) > 0 && !there[row.Team] {
			out.names = append(out.names, row.Team)
		}
	}
	out.names = access.SortNames(out.names)
	if len(out.names) == 0 {
		out.doubt = ""
	} else if out.doubt != "" {
		out.names = []string{}
	}
	return out
}

// dataFacts are the roles of somebody that open the documents of a project in Data Explorer.
type dataFacts struct {
	roles []string
	doubt string
}

const dataAccessRoles = "GROUP_DATA_ACCESS_"

// dataAccess are those that no row of the matrix grants: to the team, or to one of the
// teams of the person. What a row grants is also what its roles contain.
func (s *subject) dataAccess() dataFacts { return once(&s.people().data, s.ungrantedData) }

func (s *subject) ungrantedData() dataFacts {
	out := dataFacts{roles: []string{}}
	data := dataRoles(s.ownRoles())
	if len(data) == 0 {
		return out
	}
	granted, doubt := s.grantedByTeams()
	out.roles = slices.DeleteFunc(data, func(r string) bool { return covers(granted, r) })
	if len(out.roles) > 0 && doubt != "" && len(s.w.Matrix) > 0 {
		return dataFacts{[]string{}, doubt}
	}
	return out
}

func dataRoles(roles []string) []string {
	return orEmpty(slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return !strings.HasPrefix(r, dataAccessRoles) }))
}

// grantedByTeams are the roles that the matrix grants here to the team, or to the teams of
// the person.
func (s *subject) grantedByTeams() (granted []string, doubt string) {
	teams := []string{}
	switch t := s.res.Box.State.(type) {
	case access.TeamGrant:
		teams = []string{t.Team}
	case access.ProjectMember:
		r, ok := s.w.collection(access.KindOrgMember).Find(t.Username)
		m, _ := access.As[access.OrgMember](r.Box)
		teams = m.Teams
		if !ok || s.w.collection(access.KindOrgMember).Unreadable(t.Username) {
			doubt = "in which teams " + t.Username + " is cannot be told: the record as a member of the org is missing"
		}
	}
	for _, id := range teams {
		title, ok := s.w.teamTitle(id)
		roles, _ := s.w.declaredFor(title)
		granted = append(granted, roles...)
		if own := s.ref.Kind == access.KindTeamGrant; !ok && (own || len(s.w.collection(access.KindTeam).Odd) > 0) {
			doubt = "the name of team " + id + " is not known, by which the matrix calls it"
		} // else it is a team without roles here that the matrix does not name: nobody tells the project of it
	}
	return granted, doubt
}

// mappedData are the groups of the identity provider that are given Data Explorer roles
// here, with those that no row of the matrix of the group's name grants.
func (s *subject) mappedData() []string {
	out := []string{}
	for _, m := range s.mappings() {
		granted, _ := s.w.declaredFor(m.Group)
		for _, r := range dataRoles(held("", access.Box{State: m})[s.w.in.Scope.ID()]) {
			if !covers(granted, r) {
				out = append(out, fmt.Sprintf("%s (%s)", m.Group, r))
			}
		}
	}
	return out
}
