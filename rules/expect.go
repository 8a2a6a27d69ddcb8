package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Expected finds the expectation, of the configuration or of those stored, that announced
// the change to the rule, in the project of this name. It is strict: an expectation counts
// from its beginning until before its end, only if it narrows the actor or the resource, and
// only if somebody approved it who is not the actor of the change. Who acted must be known
// where it names an actor.
func (p Policy) Expected(stored []access.Expectation, c access.Change, rule, project string) (access.Expectation, bool) {
	for _, x := range slices.Concat(p.Expectations, stored) {
		if p.announced(x, c, rule, project) {
			return x, true
		}
	}
	return access.Expectation{}, false
}

func (p Policy) announced(x access.Expectation, c access.Change, rule, project string) bool {
	return announces(x, c, rule, project) && p.byItsActor(x, c.Actor) && !p.behind(x.Approved, c.Actor)
}

// Awaited reports whether the change would be expected if the actor, who is not known, turned
// out to be the one of an expectation.
func (p Policy) Awaited(stored []access.Expectation, c access.Change, rule, project string) bool {
	return c.Actor.Type == access.ActorUnknown && slices.ContainsFunc(slices.Concat(p.Expectations, stored), func(x access.Expectation) bool {
		return x.Actor != "" && announces(x, c, rule, project)
	})
}

// announces reports whether the expectation is about the change, whoever made it.
func announces(x access.Expectation, c access.Change, rule, project string) bool {
	narrow := !access.MostlyAll(x.Actor) || !access.AnyName(x.Name)
	switch {
	case !narrow || x.Approved == "" || x.Approved == x.Actor:
		return false
	case x.Until.Sub(x.From) > access.LongestExpectation: // the configuration refuses it; the store may hold it
		return false
	case c.Occurred.Before(x.From) || !c.Occurred.Before(x.Until):
		return false
	case x.Kind != "" && x.Kind != c.Ref.Kind:
		return false
	}
	return matchOrAny(x.Rule, rule) && matchOrAny(x.Name, c.Ref.Name) &&
		(matchOrAny(x.Project, project) || access.Match(x.Project, c.Ref.Scope.ID()))
}

func matchOrAny(pattern, s string) bool { return pattern == "" || access.Match(pattern, s) }

func (p Policy) byItsActor(x access.Expectation, a access.Actor) bool {
	return x.Actor == "" || p.is(x.Actor, a)
}

// is reports whether a principal's id, or a pattern over names, means the actor. An actor
// who is not known is nobody.
func (p Policy) is(who string, a access.Actor) bool {
	if a.Type == access.ActorUnknown || who == "" {
		return false
	}
	if who == a.Principal || a.Name != "" && access.Match(access.FoldName(who), access.FoldName(a.Name)) {
		return true
	}
	i := slices.IndexFunc(p.Principals, func(x access.Principal) bool { return x.ID == who })
	return i >= 0 && a.Name != "" && belongs(p.Principals[i], a.Name)
}

// behind reports whether who approved is the actor, or acts through it: by what they own, as Atlas
// names it otherwise, or by somebody on their behalf.
func (p Policy) behind(who string, a access.Actor) bool {
	for _, name := range []string{a.Name, a.ID, a.OnBehalfOf} {
		other := a
		if other.Name = name; p.is(who, other) {
			return true
		}
	}
	return false
}

// belongs: Atlas takes an address in any case for the same user.
func belongs(p access.Principal, name string) bool {
	same := func(s string) bool { return access.FoldName(s) == access.FoldName(name) }
	return same(p.Email) || slices.ContainsFunc(p.Atlas, same) || slices.ContainsFunc(p.Owns, same)
}

// lateWord is how long after a change was seen an event may still tell who made it, for
// what was announced.
const lateWord = 15 * time.Minute

// expected reports whether the subject's change was announced to its rule.
func (s *subject) expected() bool {
	_, ok := s.w.Expected(s.w.in.Expected, s.attributed(), s.rule.ID, s.w.engine.called(s.w.in))
	return ok
}

// announced reports whether the violation of a change rule is a note: its change was
// announced, and came as announced. A critical one must have been announced to its rule by
// name: whoever announced a tidying up did not mean a stolen credential. What was noted stays
// a note once the expectation is taken out of the store; one that is still there and does not
// mean the change (its actor became known) has announced nothing.
func (s *subject) announced(v access.Verdict) bool {
	c, all := s.attributed(), slices.Concat(s.w.Expectations, s.w.in.Expected)
	for _, x := range all {
		named := v.Severity != access.Critical && s.rule.Severity != access.Critical || namesRule(x.Rule, s.rule.ID)
		if named && s.w.announced(x, c, s.rule.ID, s.w.engine.called(s.w.in)) {
			return true
		}
	}
	f, ok := s.w.in.Open[access.FindingID(v.Rule, v.Ref, v.Key)]
	if !ok || f.Expected == "" || f.Severity != access.Info || f.Evidence.Change != c.ID {
		return false
	}
	return !slices.ContainsFunc(all, func(x access.Expectation) bool { return x.ID == f.Expected })
}

// namesRule reports whether a pattern names the rule or its family in so many words.
func namesRule(pattern, rule string) bool {
	family, _, _ := strings.Cut(rule, "/")
	return pattern == rule || pattern == family+"/*"
}

// outgrown reports whether the subject's open finding was announced and says something else
// now, by a later change: whoever announced a change did not announce what others did to the
// same resource afterwards. That is a violation of its own, with its own cause.
func (s *subject) outgrown(c *check, v *access.Verdict, past history) (bool, error) {
	f, ok := s.episode(v.Key, past)
	if !ok || f.Expected == "" || v.Message == f.Message {
		return false, nil
	}
	since, err := c.since.time(s)
	if err != nil {
		return false, err
	}
	newest, err := s.findCause(c, since, history{})
	return newest.change != "" && newest.change != f.Evidence.Change && newest.at.After(f.CauseAt), err
}

// attributed is the change with what a later word told of its actor.
func (s *subject) attributed() access.Change {
	c := *s.change
	if late, ok := s.w.change(c.ID); ok {
		c.Actor = late.Actor
	}
	return c
}

// awaited reports whether the change may yet turn out to have been announced.
func (s *subject) awaited() bool {
	return s.now.Before(s.change.Observed.Add(lateWord)) && !s.expected() && s.w.Awaited(s.w.in.Expected, s.attributed(), s.rule.ID, s.w.engine.called(s.w.in))
}
