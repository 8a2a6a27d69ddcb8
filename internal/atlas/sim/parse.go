package sim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ParseWorld reads a world. The name goes into errors. Every mistake is reported, one a
// line, as name:line: what; an unknown or repeated key is a mistake.
func ParseWorld(name string, src []byte) (World, error) {
	var w World
	err := yaml.Load(src, &w, yaml.WithKnownFields(), yaml.WithUniqueKeys())
	if err != nil {
		return World{}, loadErrors(name, err)
	}
	var root yaml.Node
	if err := yaml.Load(src, &root); err != nil {
		return World{}, loadErrors(name, err)
	}
	k := &checker{name: name, root: &root}
	k.world(w)
	if len(k.mistakes) == 0 {
		return w, nil
	}
	sort.SliceStable(k.mistakes, func(i, j int) bool { return k.mistakes[i].line < k.mistakes[j].line })
	var all []error
	for _, m := range k.mistakes {
		all = append(all, m)
	}
	return World{}, errors.Join(all...)
}

func loadErrors(name string, err error) error {
	var many *yaml.LoadErrors
	if !errors.As(err, &many) {
		var one *yaml.LoadError
		if errors.As(err, &one) && one.Mark.Line > 0 {
			return mistake{name, one.Mark.Line, one.Message}
		}
		return fmt.Errorf("%s: reading the world: %w", name, err)
	}
	var all []error
	for _, e := range many.Errors {
		all = append(all, mistake{name, e.Mark.Line, e.Message})
	}
	return errors.Join(all...)
}

type mistake struct {
	name string
	line int
	text string
}

// Error is name:line: text.
func (m mistake) Error() string { return fmt.Sprintf("%s:%d: %s", m.name, m.line, m.text) }

// checker checks what the types cannot say. Paths are keys and indexes into the
// document, by which lines are found.
type checker struct {
	name     string
	root     *yaml.Node
	mistakes []mistake
}

func (k *checker) wrong(path []any, format string, args ...any) {
	k.mistakes = append(k.mistakes, mistake{k.name, lineOf(k.root, path), pathText(path) + ": " + fmt.Sprintf(format, args...)})
}

// check reports a problem that an API validator found.
func (k *checker) check(path []any, p *problem) {
	if p != nil {
		k.wrong(path, "%s", p.detail)
	}
}

// at extends a path without sharing memory with it.
func at(path []any, more ...any) []any { return append(slices.Clone(path), more...) }

func pathText(path []any) string {
	var b strings.Builder
	for _, p := range path {
		if i, ok := p.(int); ok {
			fmt.Fprintf(&b, "[%d]", i)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, p)
	}
	return b.String()
}

// lineOf is the line of the deepest node on the path that the document has.
func lineOf(n *yaml.Node, path []any) int {
	line := n.Line
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, p := range path {
		next := child(n, p)
		if next == nil {
			return line
		}
		n, line = next, next.Line
	}
	return line
}

func child(n *yaml.Node, step any) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if i, ok := step.(int); ok {
		if n.Kind == yaml.SequenceNode && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1]
		}
	}
	return nil
}

var (
	clientID = regexp.MustCompile(`^mdb_sa_id_[a-fA-F\d]{24}$`)
	orgRoles = []string{
		"ORG_OWNER", "ORG_GROUP_CREATOR", "ORG_BILLING_ADMIN", "ORG_STREAM_PROCESSING_ADMIN", "ORG_BILLING_READ_ONLY",
		"ORG_READ_ONLY", "ORG_MEMBER",
	}
)

// unique reports a name that was seen before, or is missing.
func (k *checker) unique(seen map[string]bool, path []any, value, what string) {
	switch {
	case value == "":
		k.wrong(path, "%s is missing", what)
	case seen[value]:
		k.wrong(path, "%s %q appears twice", what, value)
	}
	seen[value] = true
}

func (k *checker) id(path []any, id string) {
	if id != "" && !isID(id) {
		k.wrong(path, "id %q is not 24 lower-case hexadecimal digits", id)
	}
}

func (k *checker) world(w World) {
	names, ids := map[string]bool{}, map[string]bool{}
	for i, o := range w.Orgs {
		path := []any{"orgs", i}
		k.unique(names, at(path, "name"), o.Name, "name")
		k.id(at(path, "id"), o.ID)
		if o.ID != "" {
			k.unique(ids, at(path, "id"), o.ID, "id")
		}
		k.org(path, o)
	}
}

func (k *checker) org(path []any, o Org) {
	projects := map[string]bool{}
	for i, p := range o.Projects {
		k.unique(projects, at(path, "projects", i, "name"), p.Name, "name")
		k.id(at(path, "projects", i, "id"), p.ID)
		k.project(at(path, "projects", i), p)
	}
	for _, p := range o.Projects {
		projects[p.ID] = true
	}
	projects[anyProject] = true
	for i, s := range o.ServiceAccounts {
		if s.ClientID != "" && !clientID.MatchString(s.ClientID) {
			k.wrong(at(path, "serviceAccounts", i, "clientId"), "%q does not match %s", s.ClientID, clientID)
		}
		k.grants(at(path, "serviceAccounts", i, "roles"), s.Roles, projects)
		ids := map[string]bool{}
		for n, x := range s.Secrets {
			here := at(path, "serviceAccounts", i, "secrets", n, "id")
			k.id(here, x.ID)
			if x.ID != "" {
				k.unique(ids, here, x.ID, "id")
			}
		}
		k.addresses(at(path, "serviceAccounts", i, "accessList"), worldAddresses(s.AccessList))
	}
	for i, s := range o.APIKeys {
		if s.PublicKey != "" && len(s.PublicKey) != 8 {
			k.wrong(at(path, "apiKeys", i, "publicKey"), "%q does not have 8 characters", s.PublicKey)
		}
		k.id(at(path, "apiKeys", i, "id"), s.ID)
		k.grants(at(path, "apiKeys", i, "roles"), s.Roles, projects)
		k.addresses(at(path, "apiKeys", i, "accessList"), worldAddresses(s.AccessList))
	}
	users := map[string]bool{}
	for i, u := range o.Users {
		k.unique(users, at(path, "users", i, "username"), u.Username, "username")
		k.id(at(path, "users", i, "id"), u.ID)
		k.grants(at(path, "users", i, "roles"), u.Roles, projects)
		if s := u.OrgMembershipStatus; s != "" && !isUserStatus(s) {
			k.wrong(at(path, "users", i, "orgMembershipStatus"), "%q is not ACTIVE, PENDING, INVITATION_EXPIRED or INVITATION_REJECTED", s)
		}
	}
}

// addresses checks the access list of a key or an account.
func (k *checker) addresses(path []any, list []worldAddress) {
	seen := map[string]bool{}
	for i, w := range list {
		e := AccessEntry{CIDRBlock: w.CIDRBlock, IPAddress: w.IPAddress}
		if bad := canonicalEntry(&e); bad != nil {
			k.check(at(path, i), bad)
			continue
		}
		k.unique(seen, at(path, i), e.CIDRBlock, "entry")
	}
}

func (k *checker) grants(path []any, grants []Grant, projects map[string]bool) {
	for i, g := range grants {
		isOrg := strings.HasPrefix(g.RoleName, "ORG_")
		switch {
		case isOrg && !slices.Contains(orgRoles, g.RoleName):
			k.wrong(at(path, i), "organisation role %q does not exist", g.RoleName)
		case !isOrg && !strings.HasPrefix(g.RoleName, "GROUP_"):
			k.wrong(at(path, i), "role %q is neither ORG_… nor GROUP_…", g.RoleName)
		case isOrg && g.GroupID != "":
			k.wrong(at(path, i), "organisation role %s cannot be given on a project", g.RoleName)
		case !isOrg && g.GroupID == "":
			k.wrong(at(path, i), "project role %s needs a project: write %s@<project> or %s@*", g.RoleName, g.RoleName, g.RoleName)
		case !isOrg && !projects[g.GroupID]:
			k.wrong(at(path, i), "role %s names project %q, which the organisation does not have", g.RoleName, g.GroupID)
		}
	}
}

func (k *checker) project(path []any, p Project) {
	if p.Name != "" && !projectName.MatchString(p.Name) {
		k.wrong(at(path, "name"), "%q is not a project name", p.Name)
	}
	k.scopeTargets(path, p)
	for i, c := range p.DeletedClusters {
		k.check(at(path, "deletedClusters", i), c.check())
	}
	k.check(path, p.ProjectBackup.check())
	entries := map[string]bool{}
	for i, e := range p.AccessList {
		here := at(path, "accessList", i)
		if bad := canonicalEntry(&e); bad != nil {
			k.check(here, bad)
			continue
		}
		k.unique(entries, here, orDefault(e.CIDRBlock, e.AWSSecurityGroup), "entry")
	}
	custom := k.customRoles(at(path, "customRoles"), p.CustomRoles)
	k.check(path, checkDatabaseAuth(p.ProjectDatabaseAuth))
	if err := checkAlerts(p.ProjectAlert); err != nil {
		k.wrong(path, "%v", err)
	}
	users := map[string]bool{}
	for i, u := range p.DatabaseUsers {
		here := at(path, "databaseUsers", i)
		u = completeUser(u)
		k.unique(users, here, u.key(), "database user")
		k.databaseUser(here, u, func(name string) bool { return custom[name] })
	}
}

func (k *checker) scopeTargets(path []any, p Project) {
	seen := map[string]bool{}
	name := func(list string, i int, n string) {
		here := at(path, list, i, "name")
		k.unique(seen, here, n, "name")
		if n != "" && !scopeName.MatchString(n) {
			k.wrong(here, "%q does not match %s", n, scopeName)
		}
	}
	for i, c := range p.Clusters {
		name("clusters", i, c.Name)
		k.check(at(path, "clusters", i), c.check())
	}
	for i, c := range p.FlexClusters {
		name("flexClusters", i, c.Name)
		k.check(at(path, "flexClusters", i), c.check())
	}
	for i, c := range p.FederatedDatabases {
		name("federatedDatabases", i, c.Name)
		k.check(at(path, "federatedDatabases", i), c.check())
	}
	for i, c := range p.StreamWorkspaces {
		name("streamWorkspaces", i, c.Name)
		k.check(at(path, "streamWorkspaces", i), c.check())
	}
}

func (k *checker) customRoles(path []any, roles []CustomRole) map[string]bool {
	names := map[string]bool{}
	for i, r := range roles {
		k.unique(names, at(path, i), r.RoleName, "roleName")
		k.check(at(path, i, "roleName"), checkRoleName(r.RoleName))
	}
	for i, r := range roles {
		k.check(at(path, i), checkPrivileges(&r, func(name string) bool { return names[name] }))
	}
	return names
}

func (k *checker) databaseUser(path []any, u DatabaseUser, custom func(string) bool) {
	k.check(path, checkIdentity(u))
	for i, r := range u.Roles {
		k.check(at(path, "roles", i), checkRole(r, custom))
	}
	for i, s := range u.Scopes {
		if !slices.Contains([]string{"CLUSTER", "DATA_LAKE", "STREAM"}, s.Type) {
			k.wrong(at(path, "scopes", i), "type %q is not CLUSTER, DATA_LAKE or STREAM", s.Type)
		}
	}
	if u.X509Type != "NONE" && u.DeleteAfterDate != nil {
		k.check(path, temporaryX509())
	}
}
