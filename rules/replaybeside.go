package rules

import (
	"maps"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// beside is a kind that the rule reads beside those whose changes it is asked about.
type beside struct {
	values map[string]access.Resource // as of now in the walk
	ahead  map[string]int             // changes of each resource that the walk has not come to
}

// besides are the changes of the other kinds of the scope that the rule reads, once each.
func (w *world) besides(r *Rule) (out []*turn) {
	seen := map[string]bool{}
	for _, k := range r.Reads {
		if r.replays(k) || ofOrg(k) != w.in.Scope.IsOrg() {
			continue
		}
		var changes []access.Change
		for _, c := range w.in.Changes {
			if c.Ref.Kind == k && c.Ref.Scope == w.in.Scope && isStateChange(c) && !seen[c.ID] {
				seen[c.ID] = true
				changes = append(changes, c)
			}
		}
		slices.SortStableFunc(changes, inOrder)
		out = interleaved(turns(changes), out)
	}
	return out
}

// unfollow undoes a change of a kind that the rule reads.
func (p *replayer) unfollow(c access.Change) {
	b := p.beside[c.Ref.Kind]
	if b == nil {
		b = &beside{map[string]access.Resource{}, map[string]int{}}
		for _, r := range p.today.in.Collections[c.Ref.Kind].Resources {
			b.values[r.Name()] = r
		}
		p.beside[c.Ref.Kind] = b
	}
	b.ahead[c.Ref.Name]++
	put(b.values, c.Ref.Name, former(c))
}

// follow makes the changes of one read of such a kind. After its last change a resource is
// what it is today, with its record.
func (p *replayer) follow(t *turn) {
	b := p.beside[t.kind]
	for _, c := range t.changes {
		value := changed(c)
		if b.ahead[c.Ref.Name]--; b.ahead[c.Ref.Name] == 0 {
			value, _ = p.today.in.Collections[t.kind].Find(c.Ref.Name)
		}
		put(b.values, c.Ref.Name, value)
	}
	p.replace(t.kind, b.values)
}

// replace makes a collection of the walk what these values are, with all that was derived
// from it.
func (p *replayer) replace(kind access.Kind, values map[string]access.Resource) {
	c := p.today.in.Collections[kind]
	c.Resources = make([]access.Resource, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c.Resources = append(c.Resources, values[name])
	}
	p.in.Collections[kind], p.memo, p.names = c, &memo{}, nil
	switch kind {
	case access.KindProject:
		p.project = access.Project{}
		if projects := access.States[access.Project](c); len(projects) == 1 {
			p.project = projects[0]
		}
	case access.KindIPAccessEntry:
		p.list = c.Resources
	case access.KindCustomRole:
		readable := maps.Clone(values)
		maps.DeleteFunc(readable, func(name string, _ access.Resource) bool { return slices.Contains(c.Odd, name) })
		p.setRoles(readable)
	}
}
