package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/gatewarden/gatewarden/internal/access"
)

// redundantEntry is left out of what makes an entry one in no violation: it would ask for
// itself.
const redundantEntry = "network/redundant-entry"

func (s *subject) entry() access.IPAccessEntry {
	e, _ := access.As[access.IPAccessEntry](s.res.Box)
	return e
}

func (s *subject) network() netip.Prefix {
	p, _ := s.w.prefix(s.entryName())
	return p
}

// allowed reports whether the entry is inside the networks of the environment, or inside
// those that may stand anywhere.
func (s *subject) allowed() bool {
	p := s.network()
	return s.w.policy.declared[s.w.in.Environment].Contains(p) || s.sharable()
}

// sharable reports whether the entry is declared to stand in several environments.
func (s *subject) sharable() bool { return s.w.ranges.shared.Contains(s.network()) }

func (s *subject) providerRange() string {
	in, whose, share := s.w.ranges.ofProvider(s.network())
	if share == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s", in, whose)
}

func (s *subject) providerShare() float64 {
	_, _, share := s.w.ranges.ofProvider(s.network())
	return share
}

// lowerProjects are the projects of lower environments on whose access lists the entry stands.
func (s *subject) lowerProjects() []string {
	out := []string{}
	shared := s.w.in.Facts.Shared
	i, ok := slices.BinarySearchFunc(shared, s.entryName(), func(e access.SharedEntry, name string) int { return strings.Compare(e.Entry, name) })
	if !ok {
		return out
	}
	for _, p := range shared[i].Projects {
		if !s.w.policy.production[p.Environment] {
			out = append(out, fmt.Sprintf("%s (%s)", p.Title, p.Environment))
		}
	}
	return out
}

// commentMatches reports whether the entry's comment matches the pattern that the rule has
// as this parameter; an error where that is no pattern.
func (s *subject) commentMatches(param string) any {
	text, _ := s.rule.Params[param].(string)
	pattern, err := s.w.policy.pattern(text)
	if err != nil {
		return types.NewErr("params.%s: %v", param, err)
	}
	return pattern.MatchString(s.entry().Comment)
}

// entryEnds are the dates by which the entry says that it ends: Atlas's own, and those that a
// machine wrote into its comment.
func (s *subject) entryEnds() []time.Time {
	e := s.entry()
	out := written(e.Comment)
	if !e.DeleteAfterDate.IsZero() {
		out = append(out, e.DeleteAfterDate)
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// entryEnd is the first of them, or zero.
func (s *subject) entryEnd() time.Time {
	if all := s.entryEnds(); len(all) > 0 {
		return all[0]
	}
	return time.Time{}
}

// entryOverdue is the first of its dates that passed, or zero. Atlas has its time to act on
// its own.
func (s *subject) entryOverdue() time.Time {
	lag, _ := s.rule.Params["atlas_lag"].(time.Duration)
	e := s.entry()
	for _, at := range s.entryEnds() {
		if s.now.Before(at) {
			break
		}
		if at.Equal(e.DeleteAfterDate) && s.now.Before(at.Add(lag)) && !slices.ContainsFunc(written(e.Comment), at.Equal) {
			continue
		}
		return at
	}
	return time.Time{}
}

// entryLifetime is from when the entry was added, or from now where that is not known, to its
// end.
func (s *subject) entryLifetime() time.Duration {
	from := added(*s.res)
	if from.IsZero() {
		from = s.now
	}
	return s.entryEnd().Sub(from)
}

// container is the narrowest other entry that contains this one, is permanent, and is in
// no violation; empty if there is none.
func (s *subject) container() string {
	p := s.network()
	if !p.IsValid() {
		return ""
	}
	var around []access.Resource
	for _, r := range s.w.in.Collections[access.KindIPAccessEntry].Resources {
		if q, ok := s.w.prefix(r.Name()); ok && q.Bits() < p.Bits() && q.Contains(p.Addr()) { // an IPv6 network with IPv4 in it is the world, and in violation
			around = append(around, r)
		}
	}
	slices.SortFunc(around, func(a, b access.Resource) int {
		x, _ := s.w.prefix(a.Name())
		y, _ := s.w.prefix(b.Name())
		return y.Bits() - x.Bits() // nested in each other: no two are of one length
	})
	for _, r := range around {
		if s.w.soundEntry(r, s.now) {
			return r.Name()
		}
	}
	return ""
}

// entryAt is a resource at a time.
type entryAt struct {
	name string
	at   time.Time
}

// soundEntry reports whether the entry is permanent and in no violation of a rule that rests
// on nothing but the access list: what else would have to be read, a rule that asks here
// does not rest on.
func (w *world) soundEntry(r access.Resource, now time.Time) bool {
	key := entryAt{r.Name(), now}
	if ok, known := w.memo.network.sound[key]; known {
		return ok
	}
	s := &subject{w: w, res: &r, now: now, ref: access.Ref{Scope: w.in.Scope, Kind: access.KindIPAccessEntry, Name: r.Name()}}
	ok := len(s.entryEnds()) == 0 && !slices.ContainsFunc(w.engine.views, func(v *Rule) bool { return w.listRule(v) && !s.passes(v) })
	if w.memo.network.sound == nil {
		w.memo.network.sound = map[entryAt]bool{}
	}
	w.memo.network.sound[key] = ok
	return ok
}

func (w *world) listRule(r *Rule) bool {
	return r.On == OnState && r.each != nil && r.ID != redundantEntry && slices.Equal(r.Reads, []access.Kind{access.KindIPAccessEntry}) && len(r.Siblings) == 0 &&
		w.engine.judges(r, w.in)
}

// passes reports whether the rule finds nothing wrong with the subject.
func (s *subject) passes(r *Rule) bool {
	s.rule = r
	a, _, err := s.answer(r.each)
	return err == nil && (a == access.AnswerPass || a == access.AnswerNotApplicable)
}

// widestEntries are the entries that let in most, of those that are not the world alone.
func (s *subject) widestEntries() []string {
	out := []string{}
	all := slices.DeleteFunc(slices.Clone(s.union().entries), func(e unionEntry) bool { return !s.w.public(e.res.Name()) })
	slices.SortStableFunc(all, func(a, b unionEntry) int { return hostBits(b.prefix) - hostBits(a.prefix) })
	for _, e := range all[:min(len(all), 5)] {
		out = append(out, e.res.Name())
	}
	return out
}

// listedEntries is how many entries Atlas counts: also those that could not be decoded.
func (w *world) listedEntries() int {
	c := w.in.Collections[access.KindIPAccessEntry]
	n := len(c.Resources)
	for _, name := range c.Odd {
		if _, known := c.Find(name); !known {
			n++
		}
	}
	return n
}

// hostBits tells how wide a network is: of IPv6 only the upper half counts.
func hostBits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 32 - p.Bits()
	}
	return max(64-p.Bits(), 0)
}
