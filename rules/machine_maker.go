package rules

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// maker is who made the credential or secret of a change, also where that was told later.
func (s *subject) maker() access.Actor {
	if late, ok := s.w.change(s.change.ID); ok && late.Actor.Type != access.ActorUnknown {
		return late.Actor
	}
	return s.change.Actor
}

func makerText(a access.Actor) string {
	switch {
	case a.OnBehalfOf != "":
		return a.Name + " on behalf of " + a.OnBehalfOf
	case a.Name != "":
		return a.Name
	case a.ID != "":
		return a.ID
	}
	return "somebody of whom Atlas tells no name"
}

// makerAllowed reports whether the parameter "allowed" of the rule names who made it: by
// a pattern for the name in Atlas, for the id of a declared principal, or for a group of
// principals. Of a delegated actor it is whom it acts for: its own name anybody may choose.
// What Atlas makes by itself is nobody's.
func (s *subject) makerAllowed() bool {
	a := s.maker()
	if a.Type == access.ActorAtlas {
		return true
	}
	allowed, _ := s.rule.Params["allowed"].([]string)
	for _, name := range s.makerNames(a) {
		if slices.ContainsFunc(allowed, func(g string) bool { return access.Match(access.FoldName(g), access.FoldName(name)) }) {
			return true
		}
	}
	return false
}

func (s *subject) makerNames(a access.Actor) (out []string) {
	own := []string{a.Name, a.ID}
	if a.Type == access.ActorDelegated {
		own = []string{a.OnBehalfOf}
	}
	own = slices.DeleteFunc(own, func(n string) bool { return n == "" })
	principals := slices.DeleteFunc([]string{a.Principal}, func(n string) bool { return n == "" })
	for _, p := range s.w.policy.Principals {
		if slices.ContainsFunc(own, func(n string) bool { return isPrincipal(p, n) }) {
			principals = append(principals, p.ID)
		}
	}
	out = append(own, principals...)
	for group, members := range s.w.policy.Groups {
		if slices.ContainsFunc(members, func(m string) bool { return slices.Contains(principals, m) }) {
			out = append(out, group)
		}
	}
	return out
}

// isPrincipal reports whether the feed names the principal so. An address in any case is
// one address.
func isPrincipal(p access.Principal, name string) bool {
	same := func(s string) bool { return access.FoldName(s) == access.FoldName(name) }
	return same(p.Email) || slices.ContainsFunc(p.Atlas, same) || slices.Contains(p.Owns, name)
}
