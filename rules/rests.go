package rules

import (
	"maps"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// restsOn refuses a state rule that rests on a kind that it does not say that it reads, as
// far as a test shows it: without the resources of the kind its answer is another one. While
// such a kind is denied, the rule would take it for an empty list.
func (c *compiler) restsOn(d *draft, r *Rule, t fileTest) {
	if r.On != OnState || t.world.Change != nil {
		return
	}
	said := slices.Concat(r.Kinds, r.Reads, r.Siblings, []access.Kind{d.eachOf, access.KindProject, access.KindOrg})
	with, err := t.world.judge(r)
	for _, k := range slices.Sorted(maps.Keys(t.world.kinds)) {
		if err != nil || slices.Contains(said, k) {
			continue
		}
		w := t.world
		w.kinds = maps.Clone(w.kinds)
		delete(w.kinds, k)
		without, err := w.judge(r)
		for _, name := range slices.Sorted(maps.Keys(t.want)) {
			if a, b := with[name].Answer, without[name].Answer; err == nil && a != b {
				c.errs.add(d.place("reads"), "rule %s: it rests on %s (test %q: %s is %s, and without them %s), and would take a list that cannot be read for an empty one: add %s to reads",
					d.rule.ID, k, t.name, name, answerText(a), answerText(b), k)
				return
			}
		}
	}
}
