package rules

import (
	"maps"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// holders are the projects of the org that have a database user with a password, by its
// name, where more than one has.
func (w *world) holders() map[string][]access.Contribution {
	if w.memo.database.holders == nil {
		out := map[string][]access.Contribution{}
		for _, p := range w.in.Facts.Projects {
			for _, name := range p.Users {
				out[name] = append(out[name], p)
			}
		}
		maps.DeleteFunc(out, func(_ string, in []access.Contribution) bool { return len(in) < 2 })
		w.memo.database.holders = out
	}
	return w.memo.database.holders
}

func (w *world) sharedNames() []string { return slices.Sorted(maps.Keys(w.holders())) }

// sharedEnvironments are those of the projects that have the name. A project that matches
// none counts as a production one, and is another one only beside what is none.
func (s *subject) sharedEnvironments() []string {
	var out []string
	unmatched := false
	for _, p := range s.w.holders()[s.each] {
		if p.Environment == "" {
			unmatched = true
		} else {
			out = append(out, p.Environment)
		}
	}
	out = access.SortNames(out)
	if unmatched && !slices.ContainsFunc(out, func(e string) bool { return s.w.policy.production[e] }) {
		out = append(out, "none")
	}
	return out
}

func (s *subject) sharedProjects() (out []string) {
	for _, p := range s.w.holders()[s.each] {
		out = append(out, p.Title+" ("+cmpOr(p.Environment, "no environment")+")")
	}
	return out
}

func (s *subject) sharedInProduction() bool {
	return slices.ContainsFunc(s.w.holders()[s.each], func(p access.Contribution) bool { return s.w.policy.production[p.Environment] })
}
