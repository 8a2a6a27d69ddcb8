package rules

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// machineSources is from where a credential may be used.
type machineSources struct {
	list     []string // the entries of its access list, sorted
	prefixes []netip.Prefix
	odd      bool     // one of them could not be decoded, or could not be read as a network
	world    bool     // together they are all public IPv4 or all public IPv6
	overlaps []string // for rules that read the projects' lists; nil: not worked out yet
}

func (s *subject) sources() *machineSources {
	m := &s.w.memo.machine
	out, ok := m.sources[s.res]
	if !ok {
		if m.sources == nil {
			m.sources = map[*access.Resource]*machineSources{}
		}
		out = s.machineSources()
		m.sources[s.res] = out
	}
	return out
}

func (s *subject) machineSources() *machineSources {
	id := s.machineID()
	out := &machineSources{list: []string{}, odd: s.w.oddOf(access.KindAPIAccessEntry, id)}
	for _, e := range s.w.accessEntries()[id] {
		out.list = append(out.list, e.Entry)
		if p, err := reach.ParseEntry(e.Entry); err == nil {
			out.prefixes = append(out.prefixes, p)
		} else {
			out.odd = true
		}
	}
	out.world = reach.Expose(out.prefixes).World()
	return out
}

// oddOf reports whether an element of the kind that may be the credential's could not be
// decoded: its name begins with the credential's, or it has none.
func (w *world) oddOf(k access.Kind, id string) bool {
	return slices.ContainsFunc(w.in.Collections[k].Odd, func(odd string) bool {
		return odd == "" || strings.HasPrefix(odd, id+"/")
	})
}

func (w *world) accessEntries() map[string][]access.APIAccessEntry {
	m := &w.memo.machine
	if m.entries == nil {
		m.entries = map[string][]access.APIAccessEntry{}
		for _, e := range access.States[access.APIAccessEntry](w.in.Collections[access.KindAPIAccessEntry]) {
			m.entries[e.Identity] = append(m.entries[e.Identity], e)
		}
	}
	return m.entries
}

// purposeCI is the purpose of declared networks from which pipelines run.
const purposeCI = "ci"

// trusted are the networks from which the credential may be used: the declared ones of
// pipelines, of any environment, since the org is in none; of Gatewarden's own
// credentials the addresses that it is configured to have as well.
func (s *subject) trusted() []netip.Prefix {
	if !s.machineOwn() {
		return s.w.policy.pipelines
	}
	own := prefixesOf(s.w.policy.Own.Addresses)
	if len(own) == 0 {
		return nil
	}
	return append(own, s.w.policy.pipelines...)
}

func pipelines(networks []access.Network) (out []netip.Prefix) {
	for _, n := range networks {
		out = append(out, prefixesOf(n.Purposes[purposeCI])...)
	}
	return out
}

// untrusted are the entries that leave the declared networks; none where none are declared.
func (s *subject) untrusted() []string {
	out, trusted := []string{}, s.trusted()
	if len(trusted) == 0 {
		return out
	}
	for _, p := range s.sources().prefixes {
		if !reach.Contains(trusted, p) {
			out = append(out, p.String())
		}
	}
	return out
}

// overlapping are the entries from which one reaches clusters as well, with the projects'
// entries that let in: whoever takes over such a host has the data and the key to it. It
// is about projects in which the credential has a role.
func (s *subject) overlapping() []string {
	from := s.sources()
	if from.overlaps != nil {
		return from.overlaps
	}
	from.overlaps = []string{}
	for _, p := range s.machine().projects {
		for _, in := range s.w.letsIn(p.id) {
			for _, own := range from.prefixes {
				if own.Overlaps(in) {
					from.overlaps = append(from.overlaps, own.String()+" with "+in.String()+" of "+p.title)
				}
			}
		}
	}
	return from.overlaps
}

// letsIn are the public networks from which a project's clusters can be reached, less what
// lies inside the declared networks of pipelines, which is theirs by declaration: a pipeline
// that opens the list to itself for a job does not count. Nor does a list that is open to
// the world, of which another rule tells.
func (w *world) letsIn(project string) []netip.Prefix {
	m := &w.memo.machine
	out, ok := m.lets[project]
	if ok {
		return out
	}
	if m.lets == nil {
		m.lets = map[string][]netip.Prefix{}
	}
	if c, known := w.contributions()[project]; known {
		if all := prefixesOf(c.Entries); !reach.Expose(all).World() {
			out = slices.DeleteFunc(all, func(p netip.Prefix) bool {
				return p.Addr().IsPrivate() || reach.Contains(w.policy.pipelines, p)
			})
		}
	}
	m.lets[project] = out
	return out
}
