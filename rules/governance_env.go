package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/gatewarden/gatewarden/internal/access"
)

// govMatching are the environments that match a project, and how.
type govMatching struct {
	byTag, byName []string
	all           []string // of both, the strictest first
	why           string
}

func (s *subject) govMatching() govMatching {
	p, _ := access.As[access.Project](s.res.Box)
	byTag, byName := s.w.matching(p)
	all := slices.Concat(byTag, byName)
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(s.w.rank(a), s.w.rank(b)) })
	_, why := s.w.environment(p)
	return govMatching{govList(byTag), govList(byName), govList(slices.Compact(all)), why}
}

// govCatchAll is the environment that takes what no other matches; empty: there is none.
func (w *world) govCatchAll() string {
	i := slices.IndexFunc(w.Environments, func(e access.Environment) bool { return e.CatchAll })
	if i < 0 {
		return ""
	}
	return w.Environments[i].Name
}

// govWeakening is how a change puts a project under weaker rules, or out of sight.
type govWeakening struct {
	how      string // empty: it does not
	from, to string
}

func (s *subject) govWeakened() govWeakening {
	c := s.change
	switch c.Type {
	case "GROUP_MOVED_FROM_ORG":
		return govWeakening{how: "it left the organization, and is out of sight unless its new one is watched too"}
	case "GROUP_MOVED":
		if c.Op == access.OpObserved {
			return govWeakening{how: "it was moved to another organization"}
		}
	}
	before, was := access.As[access.Project](c.Before)
	after, is := access.As[access.Project](c.After)
	if !was || !is {
		return govWeakening{}
	}
	from, to := s.govFormer(before), ""
	to, _ = s.w.environment(after)
	switch {
	case before.OrgID != after.OrgID:
		return govWeakening{fmt.Sprintf("it was moved from organization %s to %s, whose people and settings now decide over it", before.OrgID, after.OrgID), from, to}
	case from != to && s.w.hold(from, to) != to && s.govMoves(before, after):
		return govWeakening{"its " + govOf(c.Fields) + " changed, and it matches " + govNamed(to) + " now", from, to}
	}
	return govWeakening{}
}

// govFormer is the strictest environment that counted before the change: what it matched,
// or what holds because of an earlier change that nobody acknowledged. So two small steps
// are no way around.
func (s *subject) govFormer(before access.Project) string {
	from, _ := s.w.environment(before)
	if holds := s.w.in.Environment; holds != "" && s.w.rank(holds) < s.w.rank(from) {
		return holds
	}
	return from
}

func (s *subject) govMoves(before, after access.Project) bool {
	a, _ := s.w.environment(before)
	b, _ := s.w.environment(after)
	return a != b
}

// govRestored reports whether the project, as it is now, is again where it was before.
func (s *subject) govRestored() bool {
	now := access.States[access.Project](s.w.in.Collections[access.KindProject])
	before, was := access.As[access.Project](s.change.Before)
	if !was || len(now) != 1 || now[0].OrgID != before.OrgID {
		return false
	}
	to, _ := s.w.environment(now[0])
	return s.w.hold(s.govFormer(before), to) == to
}

func govOf(fields []string) string {
	shown := map[string]string{"tags": "tags", "name": "name", "orgId": "organization"}
	var out []string
	for _, f := range fields {
		if shown[f] != "" {
			out = append(out, shown[f])
		}
	}
	if len(out) == 0 {
		return "tags or name"
	}
	return strings.Join(out, " and ")
}

func govNamed(environment string) string {
	if environment == "" {
		return "no environment"
	}
	return "environment " + environment
}

// govMixed is which clusters of a project belong where.
type govMixed struct {
	environments []string // the strictest first
	clusters     []string // those that tell, with where and by what
}

// govMixed sorts the clusters of the project into environments: by tags as projects are,
// the strictest where two match, and without a tag that decides by name. A cluster's name
// tells if an environment's name is among its words, as prod in shop-prod-2: the patterns
// of environments are about names of projects, and say nothing of clusters.
func (w *world) govMixed() govMixed {
	out := govMixed{environments: []string{}, clusters: []string{}}
	take := func(name string, tags []access.Label) {
		env, by := w.govPlace(name, tags)
		if env == "" {
			return
		}
		out.clusters = append(out.clusters, fmt.Sprintf("%s (%s by %s)", name, env, by))
		if !slices.Contains(out.environments, env) {
			out.environments = append(out.environments, env)
		}
	}
	for _, c := range access.States[access.Cluster](w.in.Collections[access.KindCluster]) {
		take(c.Cluster, c.Tags)
	}
	for _, c := range access.States[access.FlexCluster](w.in.Collections[access.KindFlexCluster]) {
		take(c.Cluster, nil)
	}
	slices.SortFunc(out.environments, func(a, b string) int { return cmp.Compare(w.rank(a), w.rank(b)) })
	return out
}

func (w *world) govPlace(name string, tags []access.Label) (env, by string) {
	byTag, _ := w.matching(access.Project{Tags: tags})
	if len(byTag) > 0 {
		return byTag[0], "tag"
	}
	longest := 0
	for _, e := range w.Environments { // strictest first: it wins where two say as much
		if n := len(govWords(e.Name)); n > longest && govWithin(govWords(e.Name), govWords(name)) {
			env, by, longest = e.Name, "name", n
		}
	}
	return env, by
}

// govWords are the words of a name: prod, eu and 2 of Prod-EU_2.
func govWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// govWithin reports whether the words stand in all, next to each other.
func govWithin(words, all []string) bool {
	for i := 0; len(words) > 0 && i+len(words) <= len(all); i++ {
		if slices.Equal(words, all[i:i+len(words)]) {
			return true
		}
	}
	return false
}
