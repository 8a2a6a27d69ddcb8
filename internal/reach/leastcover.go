package reach

import (
	"cmp"
	"slices"
)

// coverRole is a role that may be part of a suggestion.
type coverRole struct {
	name   string
	covers dutySet // what it may be suggested for
	grants dutySet // all that it gives, marks of roles included
	older  bool    // not one of the purpose-built roles
}

// smallestCover finds the roles that cover all that is needed and together give the
// least: first the fewest duties and included roles, then the fewest roles, then the
// purpose-built ones, then by name. One broad role is never better than two narrow ones
// that give less. The search is exact; roles that another one makes needless are left out
// of it, which leaves few. It ends without an answer if the roles do not cover what is
// needed.
func smallestCover(need dutySet, roles []coverRole) []string {
	s := coverSearch{need: need, roles: undominated(need, roles)}
	s.from(dutySet{}, dutySet{}, nil)
	names := make([]string, 0, len(s.best))
	for _, i := range s.best {
		names = append(names, s.roles[i].name)
	}
	slices.Sort(names)
	return names
}

// undominated leaves out every role for which another does as much of what is needed and
// gives no more, and sorts the rest, the narrowest first.
func undominated(need dutySet, roles []coverRole) (out []coverRole) {
	for i, r := range roles {
		useful := r.covers.and(need)
		if useful == (dutySet{}) {
			continue
		}
		if !slices.ContainsFunc(roles, func(o coverRole) bool {
			return o.name != r.name && useful.within(o.covers) && o.grants.within(r.grants) &&
				(o.grants != r.grants || !o.covers.and(need).within(useful) || compareRoles(o, roles[i]) < 0)
		}) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, compareRoles)
	return out
}

func compareRoles(a, b coverRole) int {
	older := func(r coverRole) int {
		if r.older {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.grants.len(), b.grants.len()), cmp.Compare(older(a), older(b)), cmp.Compare(a.name, b.name))
}

// coverSearch is branch and bound: what the chosen roles give and their number only grow.
type coverSearch struct {
	need      dutySet
	roles     []coverRole
	best      []int
	bestGives int
}

func (s *coverSearch) from(covered, gives dutySet, chosen []int) {
	if s.best != nil && s.compare(gives.len(), chosen) > 0 {
		return
	}
	i := s.hardest(covered)
	if i < 0 {
		if s.best == nil || s.compare(gives.len(), chosen) < 0 || s.prefers(gives.len(), chosen) {
			s.best, s.bestGives = append([]int{}, chosen...), gives.len()
		}
		return
	}
	for n, r := range s.roles {
		if r.covers.has(i) {
			s.from(covered.or(r.covers), gives.or(r.grants), append(slices.Clip(chosen), n))
		}
	}
}

func (s *coverSearch) compare(gives int, chosen []int) int {
	return cmp.Or(cmp.Compare(gives, s.bestGives), cmp.Compare(len(chosen), len(s.best)))
}

// prefers decides between two covers that give as much with as many roles.
func (s *coverSearch) prefers(gives int, chosen []int) bool {
	if s.compare(gives, chosen) != 0 {
		return false
	}
	key := func(of []int) (older int, names []string) {
		for _, i := range of {
			if s.roles[i].older {
				older++
			}
			names = append(names, s.roles[i].name)
		}
		slices.Sort(names)
		return older, names
	}
	oldA, namesA := key(chosen)
	oldB, namesB := key(s.best)
	return cmp.Or(cmp.Compare(oldA, oldB), slices.Compare(namesA, namesB)) < 0
}

// hardest is the needed duty that is not covered and that the fewest roles cover, or -1.
func (s *coverSearch) hardest(covered dutySet) int {
	best, fewest := -1, len(s.roles)+1
	left := s.need.without(covered)
	for i := range 64 * len(left) {
		if !left.has(i) {
			continue
		}
		n := 0
		for _, r := range s.roles {
			if r.covers.has(i) {
				n++
			}
		}
		if n < fewest {
			best, fewest = i, n
		}
	}
	return best
}
