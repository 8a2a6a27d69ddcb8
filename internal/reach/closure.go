package reach

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// CustomRole is a custom database role of a project. Names are unique in a
// project; roles that share one are taken together.
type CustomRole struct {
	Name     string
	Inherits []Grant
	Actions  []Action
}

// Action is one privilege action on one resource: the cluster, or the
// collections of a database. An empty Database is any, an empty Collection all.
type Action struct {
	Name                 string
	Cluster              bool
	Database, Collection string
}

// Closure is all that a set of grants reaches.
type Closure struct {
	// Grants are all reached grants, the given ones and what built-in roles
	// contain included, sorted and unique. A role that lives on admin is on
	// admin here, whatever its grant said.
	Grants []Grant
	// Actions are those of all reached custom roles, sorted and unique.
	Actions []Action
	// Paths holds for each reached grant the names of the roles that lead to
	// it, from a given one to its own: the shortest, and of those the first
	// in order. It is not to be changed.
	Paths map[Grant][]string
	// Missing are the roles reached that are neither built in nor in the list
	// of custom roles, sorted. What they reach is unknown.
	Missing []string
}

// Catalog is the custom roles of one project, ready to close many users over.
type Catalog struct{ roles map[string]CustomRole }

// NewCatalog indexes the custom roles of a project.
func NewCatalog(custom []CustomRole) Catalog {
	roles := make(map[string]CustomRole, len(custom))
	for _, r := range custom {
		same := roles[r.Name]
		roles[r.Name] = CustomRole{
			Name:     r.Name,
			Inherits: slices.Concat(same.Inherits, r.Inherits),
			Actions:  slices.Concat(same.Actions, r.Actions),
		}
	}
	return Catalog{roles}
}

// Close is the closure of granted over the custom roles of the project, to any
// depth and through cycles. The order and repetition of either list make no
// difference.
func Close(granted []Grant, custom []CustomRole) Closure {
	return NewCatalog(custom).Close(granted)
}

// Close is the closure of granted.
func (c Catalog) Close(granted []Grant) Closure {
	paths := make(map[Grant][]string, 2*len(granted))
	level := enter(nil, paths, granted, nil)
	for len(level) > 0 {
		// In order of the paths, so that of equally long ones the first wins.
		slices.SortFunc(level, func(a, b Grant) int {
			return cmp.Or(slices.Compare(paths[a], paths[b]), compareGrants(a, b))
		})
		var next []Grant
		for _, g := range level {
			next = enter(next, paths, c.steps(g), paths[g])
		}
		level = next
	}
	return c.closure(paths)
}

// enter adds to level the grants that are not reached yet, and their paths.
func enter(level []Grant, paths map[Grant][]string, grants []Grant, from []string) []Grant {
	for _, g := range grants {
		g = placed(g)
		if _, reached := paths[g]; reached {
			continue
		}
		paths[g] = append(from[:len(from):len(from)], g.Role)
		level = append(level, g)
	}
	return level
}

// steps are the grants that g leads to directly. Atlas refuses a custom role
// with the name of a built-in one; should there be one, both count.
func (c Catalog) steps(g Grant) []Grant {
	steps := builtinSteps(g)
	if r, ok := c.roles[g.Role]; ok {
		steps = append(steps, r.Inherits...)
	}
	return steps
}

func (c Catalog) closure(paths map[Grant][]string) Closure {
	all := Closure{Paths: paths, Grants: slices.SortedFunc(maps.Keys(paths), compareGrants)}
	for _, g := range all.Grants {
		r, custom := c.roles[g.Role]
		if !custom && !KnownDatabaseRole(g.Role) {
			all.Missing = append(all.Missing, g.Role)
		}
		all.Actions = append(all.Actions, r.Actions...)
	}
	slices.SortFunc(all.Actions, compareActions)
	all.Actions = slices.Compact(all.Actions)
	return all
}

// Reaches says that a grant of the role, on whatever database, is reached.
func (c Closure) Reaches(role string) bool { return c.Path(role) != nil }

// Path is the chain of role names that leads to the role, from a granted one to
// the role itself; nil if it is not reached. Of several grants of one role it is
// the shortest chain, and of those the first in order. It is not to be changed.
func (c Closure) Path(role string) []string {
	var best []string
	for _, g := range c.Grants {
		if g.Role != role {
			continue
		}
		if p := c.Paths[g]; best == nil || comparePaths(p, best) < 0 {
			best = p
		}
	}
	return best
}

// Covers says that holding the closure is holding g: it is reached itself, or
// on every database, or on every collection of its database.
func (c Closure) Covers(g Grant) bool {
	g = placed(g)
	return slices.ContainsFunc(c.Grants, func(have Grant) bool { return have.covers(g) })
}

// ReachesAdmin says whether the grants reach atlasAdmin, directly or through
// custom roles at any depth, and by which path. If they do not as far as can be
// seen, unknown says that a role is missing from custom: then nobody knows.
//
// Only inheritance counts. A custom role's own actions may do much of what
// atlasAdmin does, but there is no list of actions that is atlasAdmin: Atlas
// adds to the role with each server version, and none of the actions that a
// custom role can hold manages users or roles. What the actions allow is judged
// for itself, from Closure.Actions.
func ReachesAdmin(granted []Grant, custom []CustomRole) (reaches bool, path []string, unknown bool) {
	return NewCatalog(custom).ReachesAdmin(granted)
}

// ReachesAdmin is the function of that name over the roles of the catalog.
func (c Catalog) ReachesAdmin(granted []Grant) (reaches bool, path []string, unknown bool) {
	all := c.Close(granted)
	path = all.Path(AtlasAdmin)
	return path != nil, path, path == nil && len(all.Missing) > 0
}

func compareGrants(a, b Grant) int {
	return cmp.Or(
		strings.Compare(a.Role, b.Role),
		strings.Compare(a.Database, b.Database),
		strings.Compare(a.Collection, b.Collection),
	)
}

func compareActions(a, b Action) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name),
		compareBools(a.Cluster, b.Cluster),
		strings.Compare(a.Database, b.Database),
		strings.Compare(a.Collection, b.Collection),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func comparePaths(a, b []string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
}
