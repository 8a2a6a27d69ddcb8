package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// sensitiveHere are the namespaces that are declared sensitive in the environment. Where
// none matches the project, all are.
func (w *world) sensitiveHere() []namespace {
	memo := &w.memo.database
	if memo.sensitive == nil {
		memo.sensitive = []namespace{}
		for _, x := range w.policy.Sensitive {
			if w.in.Environment == "" || len(x.Environments) == 0 || slices.Contains(x.Environments, w.in.Environment) {
				memo.sensitive = append(memo.sensitive, newNamespace(x))
			}
		}
	}
	return memo.sensitive
}

// sensitiveReach are the sensitive namespaces that the user reaches without being listed
// or, if it is, by more than a role on that very namespace; each with the way.
func (s *subject) sensitiveReach() []string {
	var out []string
	for _, n := range s.w.sensitiveHere() {
		reader := slices.ContainsFunc(n.readers, func(g string) bool { return access.Match(g, s.user().Username) })
		if way := s.wayTo(n, reader); way != "" {
			out = append(out, n.name+" by "+way)
		}
	}
	return out
}

// place is where a role or an action holds: a collection or, without one, a whole
// database; empty: everywhere.
type place struct{ database, collection string }

// namespace is a place that is declared sensitive.
type namespace struct {
	place
	name    string
	readers []string
}

// newNamespace takes a name apart: a database's has no dot.
func newNamespace(x access.Sensitive) namespace {
	database, collection, _ := strings.Cut(x.Namespace, ".")
	return namespace{place{database, collection}, x.Namespace, x.Readers}
}

// touches reports whether something of the namespace is in the place.
func (n namespace) touches(p place) bool {
	return (p.database == "" || p.database == n.database) && (n.collection == "" || p.collection == "" || p.collection == n.collection)
}

// within reports whether the place is the namespace or a part of it.
func (n namespace) within(p place) bool {
	return p.database == n.database && (n.collection == "" || p.collection == n.collection)
}

// wayTo is the first of the shortest ways by which the user reaches documents of the
// namespace; for a reader, by more than the namespace. Empty: none.
func (s *subject) wayTo(n namespace, reader bool) string {
	all := s.closure()
	var best string
	length := 0
	for _, g := range all.Grants {
		for _, p := range s.places(g) {
			if !n.touches(p) || p.database == "" && g.Role != "backup" && (n.database == "local" || n.database == "config") || reader && n.within(p) {
				continue
			}
			if path := all.Paths[g]; best == "" || len(path) < length {
				best, length = by(g, path), len(path)
			}
		}
	}
	return best
}

// places are where documents can be read or written by the grant itself, without what it
// inherits.
func (s *subject) places(g reach.Grant) []place {
	var out []place
	switch g.Role {
	case "read", "readWrite":
		out = append(out, place{g.Database, g.Collection})
	case "backup": // it reads everything
		out = append(out, place{})
	}
	r, ok := s.w.roles[g.Role]
	if !ok {
		return out
	}
	role, _ := access.As[access.CustomRole](r.Box)
	for _, a := range role.Privileges {
		if dataAction(reach.Action{Name: a.Action, Cluster: a.Cluster}) {
			out = append(out, place{a.Database, a.Collection})
		}
	}
	return out
}
