package rules

import (
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const (
	wideV4      = 65_536         // public IPv4 addresses; an entry above it may be a cause of a union
	wideV6      = 32             // prefix length; a shorter one may be a cause
	causeWindow = 24 * time.Hour // before the union became the world
)

// unionFacts tell of the entries of an access list that are not each the world by
// themselves, taken together.
type unionFacts struct {
	entries  []unionEntry
	exposure reach.Exposure
	since    time.Time        // when they became the world; zero: they were at first sight
	last     *access.Resource // the entry with which they became it
	alone    []unionEntry     // the entries that are left out: each is the world by itself
	causes   []string         // wide undeclared entries that were added for it, and such of alone
	rest     reach.Exposure   // without the causes
}

type unionEntry struct {
	res    *access.Resource
	prefix netip.Prefix
	added  time.Time // zero: not while we watched
	gap    bool
}

func (s *subject) union() *unionFacts {
	if s.uni == nil {
		s.uni = s.unite()
	}
	return s.uni
}

func (s *subject) unite() *unionFacts {
	u := &unionFacts{entries: make([]unionEntry, 0, len(s.w.list))}
	for i := range s.w.list {
		r := &s.w.list[i]
		p, ok := s.w.prefix(r.Name())
		switch e := (unionEntry{r, p, added(*r), r.Gap}); {
		case !ok:
		case (!p.Addr().Is4() || p.Bits() < 8) && reach.CoversWorld(p):
			u.alone = append(u.alone, e)
		default:
			u.entries = append(u.entries, e)
		}
	}
	u.exposure = expose(u.entries)
	if u.exposure.World() {
		s.trace(u)
	}
	return u
}

func expose(entries []unionEntry) reach.Exposure {
	all := make([]netip.Prefix, len(entries))
	for i, e := range entries {
		all[i] = e.prefix
	}
	return reach.Expose(all)
}

// trace works out when the union became the world, and by which entries.
func (s *subject) trace(u *unionFacts) {
	byAge := slices.Clone(u.entries)
	slices.SortStableFunc(byAge, func(a, b unionEntry) int { return a.began().Compare(b.began()) })
	n := sort.Search(len(byAge)-1, func(i int) bool { return expose(byAge[:i+1]).World() })
	last := byAge[n]
	u.since, u.last = last.began(), last.res
	from := u.since
	if !s.since.IsZero() && s.since.Before(from) {
		from = s.since
	}
	var rest []unionEntry
	for _, e := range u.entries {
		if s.causes(e, from) {
			u.causes = append(u.causes, e.res.Name())
		} else {
			rest = append(rest, e)
		}
	}
	for _, e := range u.alone {
		if s.causes(e, from) {
			u.causes = append(u.causes, e.res.Name())
		}
	}
	u.rest = expose(rest)
}

// companions are the entries to be deleted with one that is the world by itself: none
// where the rest is not the world; else whatever was added for that as well, so that two
// ways of opening it do not shield each other.
func (s *subject) companions() []string {
	name := s.entryName()
	var rest []unionEntry
	var own time.Time
	for i := range s.w.list {
		r := &s.w.list[i]
		p, ok := s.w.prefix(r.Name())
		switch e := (unionEntry{r, p, added(*r), r.Gap}); {
		case r.Name() == name:
			own = e.began()
		case ok:
			rest = append(rest, e)
		}
	}
	out := []string{name}
	if own.IsZero() || !expose(rest).World() {
		return out
	}
	for _, e := range rest {
		if s.causes(e, own) {
			out = append(out, e.res.Name())
		}
	}
	return out
}

// began is when the entry was added; one that came in a gap counts from its change,
// so that the union did not become the world before it.
func (e unionEntry) began() time.Time {
	switch {
	case !e.added.IsZero() || e.res.Baseline:
	case e.res.CameInGap:
		return e.res.FirstSeen
	case e.gap:
		return e.res.ChangedAt
	}
	return e.added
}

// causes reports whether the entry was added for the union: while we watched, in the
// day before it became the world or since, wide, and not declared.
func (s *subject) causes(e unionEntry, from time.Time) bool {
	if e.added.IsZero() || e.added.Before(from.Add(-causeWindow)) {
		return false
	}
	if s.w.excused(*e.res) {
		return false
	}
	return wide(e.prefix) && !s.w.policy.declared[s.w.in.Environment].Contains(e.prefix)
}

func families(e reach.Exposure) string {
	switch {
	case e.WorldV4() && e.WorldV6():
		return "IPv4 and IPv6"
	case e.WorldV6():
		return "IPv6"
	}
	return "IPv4"
}
