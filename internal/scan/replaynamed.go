package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// called takes down what a project is called.
func (p *past) called(scope access.Scope, resources ...access.Resource) {
	if scope.IsOrg() {
		return
	}
	p.names[scope.ID()] = p.names[scope.ID()] // no title
	for _, r := range resources {
		if x, ok := access.As[access.Project](r.Box); ok {
			p.names[x.Title] = true
		}
	}
}

// named refuses a pattern that no project of the history was ever called by: who mistyped
// it would take the silence for an answer.
func (p *past) named(patterns []string) error {
	for _, pattern := range patterns {
		if slices.ContainsFunc(slices.Collect(maps.Keys(p.names)), func(name string) bool { return access.Match(pattern, name) }) {
			continue
		}
		titles := maps.Clone(p.names)
		maps.DeleteFunc(titles, func(_ string, title bool) bool { return !title })
		const most = 10
		some, more := slices.Sorted(maps.Keys(titles)), ""
		if len(some) > most {
			some, more = some[:most], fmt.Sprintf(" and %d more", len(titles)-most)
		}
		return fmt.Errorf("--project %s: no project of this history is called so%s; it has %s%s", pattern, strings.TrimSuffix(rules.Suggestion(pattern, titles), "?"), strings.Join(some, ", "), more)
	}
	return nil
}
