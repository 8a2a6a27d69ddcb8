package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// holderText says which database user the subject is.
func (s *subject) holderText() string {
	text := "Database user " + s.ref.Name + " of " + s.w.projectName()
	if class := s.identity().Class; class != "" {
		text += " (" + class + ")"
	}
	return text
}

func joined(in []access.RoleGrant) string {
	var out []string
	for _, g := range in {
		out = append(out, g.String())
	}
	return strings.Join(out, ", ")
}

// roleList is what a list of roles reaches. Many users hold the same one.
type roleList struct {
	reach.Closure
	admin adminFacts
}

func (s *subject) roleList() *roleList {
	if s.closed == nil {
		s.closed = s.w.roleListOf(s.user().Roles)
	}
	return s.closed
}

// closure is all that the roles of the user reach.
func (s *subject) closure() reach.Closure { return s.roleList().Closure }

func (w *world) roleListOf(roles []access.RoleGrant) *roleList {
	key := make([]byte, 0, 64)
	for _, g := range roles {
		for _, part := range []string{g.Role, g.Database, g.Collection} {
			key = append(append(strconv.AppendInt(key, int64(len(part)), 10), ':'), part...)
		}
	}
	memo := &w.memo.database
	l, ok := memo.lists[string(key)]
	if !ok {
		l = &roleList{Closure: w.catalog().Close(Grants(roles))}
		if l.admin = w.reachAdmin(l.Closure); memo.lists == nil {
			memo.lists = map[string]*roleList{}
		}
		memo.lists[string(key)] = l
	}
	return l
}

// reachOf is all that one grant reaches.
func (w *world) reachOf(g access.RoleGrant) reach.Closure {
	memo := &w.memo.database
	c, ok := memo.closed[g]
	if !ok {
		c = w.catalog().Close(Grants([]access.RoleGrant{g}))
		if memo.closed == nil {
			memo.closed = map[access.RoleGrant]reach.Closure{}
		}
		memo.closed[g] = c
	}
	return c
}

// customRoles are the custom roles that the user reaches.
func (s *subject) customRoles() []string { return s.w.customOf(s.closure().Grants) }

func (w *world) customOf(all []reach.Grant) []string {
	var out []string
	for _, g := range all {
		if _, ok := w.roles[g.Role]; ok {
			out = append(out, g.Role)
		}
	}
	return out
}

// declaredClosure is what the declaration of the user's identity lists, with what built-in
// roles contain. What a custom role holds nobody declares by naming the role: it may change.
func (s *subject) declaredClosure() reach.Closure {
	return reach.NewCatalog(nil).Close(Grants(s.identity().Roles))
}

// wideRoles are roles that reach every database, or are as strong.
type wideRoles struct {
	roles  []string // with the way to each, where it is not direct
	path   []string // to the first
	custom []string // the custom roles on the ways
}

// anyDatabaseRoles are those on every database.
var anyDatabaseRoles = []string{"readWriteAnyDatabase", "readAnyDatabase", "dbAdminAnyDatabase"}

// strongRoles are those, and roles that are as strong.
var strongRoles = append([]string{"backup", "enableSharding"}, anyDatabaseRoles...)

func (s *subject) anyDatabase() wideRoles {
	wanted := strongRoles
	if s.identity().Class == access.ClassApp {
		wanted = append(wanted[:len(wanted):len(wanted)], "dbAdmin")
	}
	return s.w.wide(s.closure(), wanted, func(g reach.Grant, path []string) bool {
		return slices.Contains(path, reach.AtlasAdmin) || s.declaredClosure().Covers(g) // atlasAdmin is dbuser/atlas-admin-app's
	})
}

// wide lists the wanted roles of a closure, but for those that are let pass and those that
// another one of them contains.
func (w *world) wide(all reach.Closure, wanted []string, pass func(g reach.Grant, path []string) bool) wideRoles {
	var out wideRoles
	for _, g := range all.Grants {
		if !slices.Contains(wanted, g.Role) {
			continue
		}
		path := all.Paths[g]
		if slices.ContainsFunc(path[:len(path)-1], func(r string) bool { return slices.Contains(wanted, r) }) || pass(g, path) {
			continue
		}
		out.roles = append(out.roles, by(g, path))
		if len(out.path) == 0 || len(path) < len(out.path) {
			out.path = path
		}
		for _, name := range path {
			if _, ok := w.roles[name]; ok && !slices.Contains(out.custom, name) {
				out.custom = append(out.custom, name)
			}
		}
	}
	return out
}

// by is a grant with the way to it, where that is not direct.
func by(g reach.Grant, path []string) string {
	if len(path) < 2 {
		return g.String()
	}
	return g.String() + " through " + strings.Join(path[:len(path)-1], " > ")
}

// excessRoles are the roles that the declaration does not list.
func (s *subject) excessRoles() []string {
	var out []string
	for _, g := range s.user().Roles {
		if !listed(s.identity().Roles, g) {
			out = append(out, g.String())
		}
	}
	return out
}

// listed reports whether the list names the grant. Of roles that exist on admin only the
// database says nothing.
func listed(list []access.RoleGrant, g access.RoleGrant) bool {
	placed := Grants([]access.RoleGrant{g})[0].String()
	return slices.ContainsFunc(list, func(d access.RoleGrant) bool { return Grants([]access.RoleGrant{d})[0].String() == placed })
}

// excessScopes are the scopes that the declaration does not list.
func (s *subject) excessScopes() []string {
	var out []string
	for _, x := range s.user().Scopes {
		if !slices.ContainsFunc(s.identity().Scopes, func(d access.UserScope) bool { return d.Name == x.Name && (d.Type == x.Type || d.Type == "") }) {
			out = append(out, scopeText(x))
		}
	}
	return out
}

func scopeText(x access.UserScope) string { return fmt.Sprintf("%s %s", x.Type, x.Name) }

// containedRoles are the roles that another role of the user contains.
func (s *subject) containedRoles() []string {
	roles := s.user().Roles
	if len(roles) < 2 {
		return nil
	}
	var out []string
	for _, narrow := range roles {
		for _, broad := range roles {
			if narrow != broad && s.w.contains(broad, narrow) {
				out = append(out, narrow.String()+" in "+broad.String())
				break
			}
		}
	}
	return out
}

// contains reports whether broad gives all that narrow gives. A custom role is contained
// where all of its inheritance and actions are.
func (w *world) contains(broad, narrow access.RoleGrant) bool {
	all := w.reachOf(broad)
	if all.Covers(Grants([]access.RoleGrant{narrow})[0]) {
		return true
	}
	if _, custom := w.roles[narrow.Role]; !custom {
		return false
	}
	part := w.reachOf(narrow)
	inside := func(in reach.Grant) bool { return in.Role == narrow.Role || all.Covers(in) }
	return len(part.Missing) == 0 && len(part.Grants)+len(part.Actions) > 1 && !slices.ContainsFunc(part.Grants, not(inside)) &&
		!slices.ContainsFunc(part.Actions, func(a reach.Action) bool { return !allows(all, a) })
}

func not[T any](f func(T) bool) func(T) bool { return func(x T) bool { return !f(x) } }

// allows reports whether the closure allows the action where it is granted.
func allows(all reach.Closure, a reach.Action) bool {
	role := map[string]string{"FIND": "read", "INSERT": "readWrite", "UPDATE": "readWrite", "REMOVE": "readWrite"}[a.Name]
	if role != "" && !a.Cluster && all.Covers(reach.Grant{Role: role, Database: a.Database, Collection: a.Collection}) {
		return true
	}
	return slices.ContainsFunc(all.Actions, func(have reach.Action) bool {
		if have.Name != a.Name || have.Cluster != a.Cluster {
			return false
		}
		return a.Cluster || (have.Database == "" || have.Database == a.Database) && (have.Collection == "" || have.Collection == a.Collection)
	})
}

// undeclaredData are the roles of the user by which documents can be reached, and which
// its declaration does not list. atlasAdmin is dbuser/atlas-admin-app's.
func (s *subject) undeclaredData() []string {
	declared := s.declaredClosure()
	var out []string
	for _, g := range s.user().Roles {
		all := s.w.reachOf(g)
		if listed(s.identity().Roles, g) || declared.Covers(Grants([]access.RoleGrant{g})[0]) || all.Reaches(reach.AtlasAdmin) {
			continue
		}
		if holdsData(all) {
			out = append(out, g.String())
		}
	}
	return out
}

func holdsData(all reach.Closure) bool {
	return all.Reaches("read") || all.Reaches("backup") || slices.ContainsFunc(all.Actions, dataAction)
}

// dataAction is an action by which documents are read or written.
func dataAction(a reach.Action) bool {
	return !a.Cluster && slices.Contains([]string{"FIND", "INSERT", "UPDATE", "REMOVE"}, a.Name)
}

// declaredByName reports whether configuration declares this very user: by its name, and
// with all of its roles.
func (s *subject) declaredByName() bool {
	id := s.identity()
	return slices.Contains(id.Usernames, s.user().Username) && id.Roles != nil && len(s.excessRoles()) == 0
}
