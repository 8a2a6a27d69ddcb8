package config

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// distinct are the values of a list of text; one that stands there twice is reported.
func (b *builder) distinct(t *tree) []string {
	seen := map[string]string{}
	for _, item := range t.items {
		v, ok := item.leaf.(string)
		if first, twice := seen[v]; ok && twice {
			b.at(item, "%q is given twice, first as %s", v, first)
			continue
		}
		seen[v] = item.path
	}
	return leaves[string](t)
}

func (b *builder) principalIDs() []string {
	var out []string
	for _, p := range b.principals {
		out = append(out, p.ID)
	}
	return out
}

// declared reports a principal that nothing declares.
func (b *builder) declared(t *tree, id string) {
	ids := b.principalIDs()
	switch {
	case id == "" || slices.Contains(ids, id):
	case len(ids) == 0:
		b.at(t, "unknown principal %q: principals declares none", id)
	default:
		b.at(t, "unknown principal %q: add it to principals, or give the id of one that is there%s", id, meant(id, ids))
	}
}

func (b *builder) groups(t *tree) map[string][]string {
	if !t.given {
		return nil
	}
	out := map[string][]string{}
	for _, name := range t.keys {
		g := t.sub[name]
		if slices.Contains(b.principalIDs(), name) {
			b.at(g, "%q is the id of a principal already: give the group another name, so that an owner means one of them", name)
		}
		for _, item := range g.items {
			b.declared(item, as[string](item))
		}
		out[name] = b.distinct(g)
	}
	return out
}

func (b *builder) matrix(t *tree) []access.TeamAccess {
	if !t.given {
		return nil
	}
	out := []access.TeamAccess{}
	for _, team := range t.keys {
		row := access.TeamAccess{Team: team, Roles: map[string][]string{}}
		for _, where := range t.sub[team].keys {
			cell := t.sub[team].sub[where]
			if where != access.MatrixOrg {
				b.known(cell, where)
			}
			row.Roles[where] = b.distinct(cell)
		}
		out = append(out, row)
	}
	return out
}

func (b *builder) sensitive(t *tree) []access.Sensitive {
	out := each(t, func(s *tree) access.Sensitive {
		for _, r := range s.get("readers").items {
			if everything(as[string](r)) {
				b.at(r, "%q matches every user: name those who may read it", as[string](r))
			}
		}
		return access.Sensitive{
			Namespace: as[string](s.get("ns")), Readers: leaves[string](s.get("readers")), Environments: b.names(s.get("environments")),
		}
	})
	for j, s := range out {
		for i, other := range out[:j] {
			if s.Namespace != "" && s.Namespace == other.Namespace && common(s.Environments, other.Environments) {
				b.at(t.items[j].get("ns"), "%q is given twice, first as %s: keep one, with all its readers", s.Namespace, t.items[i].get("ns").path)
				break
			}
		}
	}
	return out
}

// common reports whether two lists of environments, empty for all, share one.
func common(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(e string) bool { return slices.Contains(b, e) })
}
