package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// machineFacts is a credential of a machine with all its roles, as the org knows it.
type machineFacts struct {
	org      []string
	projects []machineProject // by title
	data     *dataWay         // nil: not worked out yet
}

// machineProject is the roles of a machine on one project.
type machineProject struct {
	id, title, env string
	production     bool
	told           bool // else nothing is known of it but its id
	roles          []string
}

// in are the projects that are known to be in production, or not to be.
func (m *machineFacts) in(production bool) (out []machineProject) {
	for _, p := range m.projects {
		if p.told && p.production == production {
			out = append(out, p)
		}
	}
	return out
}

func (m *machineFacts) untold() (out []machineProject) {
	for _, p := range m.projects {
		if !p.told {
			out = append(out, p)
		}
	}
	return out
}

func projectTitles(in []machineProject) []string {
	out := make([]string, 0, len(in))
	for _, p := range in {
		out = append(out, p.title)
	}
	return out
}

// machineList is a list as a message can hold it.
func machineList(in []string) string {
	const most = 8
	if len(in) <= most {
		return strings.Join(in, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(in[:most], ", "), len(in)-most)
}

func anyInProduction(in []machineProject) bool {
	return slices.ContainsFunc(in, func(p machineProject) bool { return p.production })
}

// machine is what is known of the roles of an API key or service account of the org.
func (s *subject) machine() *machineFacts {
	m := &s.w.memo.machine
	out, ok := m.facts[s.res]
	if !ok {
		if m.facts == nil {
			m.facts = map[*access.Resource]*machineFacts{}
		}
		out = s.machineFacts()
		m.facts[s.res] = out
	}
	return out
}

func (s *subject) machineFacts() *machineFacts {
	out := &machineFacts{org: []string{}}
	switch m := s.res.Box.State.(type) {
	case access.APIKey:
		on := map[string][]string{}
		for _, r := range m.Roles {
			if r.Project == "" {
				out.org = append(out.org, r.Role)
			} else {
				on[r.Project] = append(on[r.Project], r.Role)
			}
		}
		for id, roles := range on {
			out.projects = append(out.projects, s.w.machineProject(id, roles))
		}
		slices.SortFunc(out.projects, byTitle)
	case access.ServiceAccount:
		out.org, out.projects = m.Roles, s.w.accountProjects()[m.ClientID]
	}
	return out
}

func byTitle(a, b machineProject) int {
	return strings.Compare(a.title+"\x00"+a.id, b.title+"\x00"+b.id)
}

// machineProject is a project by its id; one that has told nothing, not yet or because it
// is not watched, is taken for production.
func (w *world) machineProject(id string, roles []string) machineProject {
	out := machineProject{id: id, title: "project " + id, production: true, roles: roles}
	if c, ok := w.contributions()[id]; ok {
		out.title, out.env, out.production, out.told = c.Title, c.Environment, w.policy.production[c.Environment], true
	}
	return out
}

func (w *world) contributions() map[string]*access.Contribution {
	m := &w.memo.machine
	if m.projects == nil {
		m.projects = map[string]*access.Contribution{}
		for i := range w.in.Facts.Projects {
			c := &w.in.Facts.Projects[i]
			m.projects[c.Scope.ID()] = c
		}
	}
	return m.projects
}

// accountProjects are the roles of service accounts on projects, which only these list.
func (w *world) accountProjects() map[string][]machineProject {
	m := &w.memo.machine
	if m.accounts == nil {
		m.accounts = map[string][]machineProject{}
		for _, c := range w.in.Facts.Projects {
			for _, a := range c.ServiceAccounts {
				m.accounts[a.ClientID] = append(m.accounts[a.ClientID], w.machineProject(c.Scope.ID(), a.Roles))
			}
		}
		for _, list := range m.accounts {
			slices.SortFunc(list, byTitle)
		}
	}
	return m.accounts
}

// machineID is the public key or client id.
func (s *subject) machineID() string {
	if names := s.machineNames(); names != nil {
		return names[0]
	}
	return s.ref.Name
}

func (s *subject) machineOwn() bool {
	return slices.Contains(s.w.policy.Own.Credentials, s.machineID())
}

func (s *subject) machineLabel() string {
	names := s.machineNames()
	if names == nil { // a change without values
		names = []string{s.ref.Name, ""}
	}
	if names[1] != "" {
		names[0] += fmt.Sprintf(" (%q)", names[1])
	}
	switch s.ref.Kind {
	case access.KindAPIKey, access.KindProjectKey:
		return "API key " + names[0]
	case access.KindServiceAccountSecret:
		if id := s.secret().ID; id != "" {
			return "Secret " + id + " of service account " + names[0]
		}
		return "A secret of service account " + names[0]
	}
	return "Service account " + names[0]
}

// machineWhere is where the roles are that are judged.
func (s *subject) machineWhere() string {
	if s.ref.Scope.IsOrg() {
		return "the organization"
	}
	return s.w.projectName()
}

// keyedRoles are the names of the roles that the credential lists itself: of a service
// account those on the org, of which it has one wherever it has one on a project.
func (s *subject) keyedRoles() []string {
	out := []string{}
	switch m := s.res.Box.State.(type) {
	case access.APIKey:
		for _, r := range m.Roles {
			out = append(out, r.Role)
		}
	case access.ServiceAccount:
		out = append(out, m.Roles...)
	}
	return access.SortNames(out)
}

// accountTitle is the name of the service account that a secret is of, for rules that
// read accounts.
func (s *subject) accountTitle(client string) string {
	if !slices.Contains(s.rule.Reads, access.KindServiceAccount) {
		return ""
	}
	r, ok := s.w.in.Collections[access.KindServiceAccount].Find(client)
	if !ok {
		return ""
	}
	a, _ := access.As[access.ServiceAccount](r.Box)
	return a.Title
}

// machineIdentity is the identity of a machine credential. The org is in no environment:
// there the first identity that has the credential's name counts, wherever it holds.
func (s *subject) machineIdentity(names []string) *access.Identity {
	if !s.ref.Scope.IsOrg() {
		return s.w.policy.machine(s.w.in.Environment, names)
	}
	return firstMachine(s.w.policy.Identities, names)
}

// machineRoles are all roles with the place of each.
func (s *subject) machineRoles() []string {
	out := slices.Clone(s.machine().org)
	for _, p := range s.machine().projects {
		out = append(out, strings.Join(p.roles, "+")+" on "+p.title)
	}
	return out
}

func (s *subject) ownsOrg() bool {
	return slices.Contains(s.machine().org, reach.OrgOwner) && !slices.Contains(s.bound(s.identity()), reach.OrgOwner)
}

// bound are the roles that an identity declares for the credential by its public key or
// client id. What a credential is called, whoever makes one chooses: a name, or a pattern,
// says what it is for and makes no owner.
func (s *subject) bound(id *access.Identity) []string {
	if !slices.Contains(id.Machines, s.ref.Name) {
		return nil
	}
	return id.AtlasRoles
}

// ownerByName reports whether an identity that makes the credential an owner knows it by
// what it is called, and not by its id.
func (s *subject) ownerByName() bool {
	for _, id := range s.w.policy.Identities {
		owner := slices.Contains(id.AtlasRoles, reach.OrgOwner) || containedIn(id.AtlasRoles, reach.ProjectOwner)
		if owner && s.bound(&id) == nil && firstMachine([]access.Identity{id}, s.machineNames()) != &nobody {
			return true
		}
	}
	return false
}

// ownedProjects are those that the credential is an owner of, without being declared so
// in the project's environment; of a project that told nothing, in any.
func (s *subject) ownedProjects() (out []machineProject) {
	for _, p := range s.machine().projects {
		switch {
		case !slices.Contains(p.roles, reach.ProjectOwner):
		case p.told && !containedIn(s.bound(s.w.policy.machine(p.env, s.machineNames())), reach.ProjectOwner):
			out = append(out, p)
		case !p.told && !s.ownerSomewhere():
			out = append(out, p)
		}
	}
	return out
}

// ownerUnclear are the projects of which the credential is an owner, and declared so for
// some environment, but which told nothing of theirs.
func (s *subject) ownerUnclear() (out []machineProject) {
	for _, p := range s.machine().untold() {
		if slices.Contains(p.roles, reach.ProjectOwner) && s.ownerSomewhere() {
			out = append(out, p)
		}
	}
	return out
}

// ownerSomewhere reports whether the credential is declared an owner of projects in any
// environment.
func (s *subject) ownerSomewhere() bool {
	for _, env := range append([]access.Environment{{}}, s.w.policy.Environments...) {
		if containedIn(s.bound(s.w.policy.machine(env.Name, s.machineNames())), reach.ProjectOwner) {
			return true
		}
	}
	return false
}

// containedIn reports whether one of the roles grants everything that the role does, on
// the org or on a project.
func containedIn(roles []string, role string) bool {
	return slices.ContainsFunc(roles, func(r string) bool {
		switch {
		case r == role:
			return true
		case reach.KnownOrgRole(role):
			return reach.ContainsOrgRole(r, role)
		case reach.KnownOrgRole(r):
			return slices.ContainsFunc(reach.ImpliedProjectRoles(r), func(p string) bool { return reach.ContainsProjectRole(p, role) })
		}
		return reach.ContainsProjectRole(r, role)
	})
}

// dataWay is where and by which roles a credential can both make a database user and
// open the network to itself.
type dataWay struct {
	everywhere bool
	projects   []machineProject
	roles      []string // of the first way, sorted
}

// toData finds the ways. What Atlas may do with which role is in the table of reach: a
// Project Stream Processing Owner manages database users too, and an Organization Stream
// Processing Admin is one on every project and peers networks.
func (s *subject) toData() *dataWay {
	m := s.machine()
	if m.data == nil {
		m.data = m.toData()
	}
	return m.data
}

func (m *machineFacts) toData() *dataWay {
	users, doors := waysOf(m.org)
	if len(users) > 0 && len(doors) > 0 {
		return &dataWay{everywhere: true, roles: access.SortNames(append(users, doors...))}
	}
	out := &dataWay{}
	for _, p := range m.projects {
		u, d := waysOf(p.roles)
		u, d = append(u, users...), append(d, doors...)
		if len(u) == 0 || len(d) == 0 {
			continue
		}
		out.projects = append(out.projects, p)
		if out.roles == nil {
			out.roles = access.SortNames(append(u, d...))
		}
	}
	return out
}

const (
	roleDatabaseAccess = "GROUP_DATABASE_ACCESS_ADMIN"
	roleStreamOwner    = "GROUP_STREAM_PROCESSING_OWNER"
	roleNetworkAccess  = "GROUP_NETWORK_ACCESS_MANAGER"
	roleOrgStreamAdmin = "ORG_STREAM_PROCESSING_ADMIN"
)

// waysOf are the roles of a list that can make database users, and those that can open
// the network.
func waysOf(roles []string) (users, doors []string) {
	for _, r := range roles {
		own := []string{r}
		if containedIn(own, roleDatabaseAccess) || containedIn(own, roleStreamOwner) {
			users = append(users, r)
		}
		if containedIn(own, roleNetworkAccess) || containedIn(own, roleOrgStreamAdmin) {
			doors = append(doors, r)
		}
	}
	return users, doors
}
