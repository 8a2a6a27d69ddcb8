package rules

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// govLateWord is how long after a change was seen an event may still tell who made it.
const govLateWord = 15 * time.Minute

// govPlace is where the subject is, for people.
func (s *subject) govPlace() string {
	if s.w.in.Scope.IsOrg() {
		return "the organization"
	}
	return s.w.projectName()
}

// govActor is who made the change, with what a later word told of it.
func (s *subject) govActor() access.Actor {
	if late, ok := s.w.change(s.change.ID); ok {
		return late.Actor
	}
	return s.change.Actor
}

// govWho names the actor for people.
func (s *subject) govWho() string {
	a := s.govActor()
	switch a.Type {
	case access.ActorAtlas:
		return "Atlas itself"
	case access.ActorEmployee:
		return "an employee of MongoDB"
	case access.ActorDelegated:
		return a.Name + " on behalf of " + cmpOr(a.OnBehalfOf, "somebody who is not named")
	}
	return cmpOr(a.Name, "somebody whom Atlas does not name")
}

// govPeople are the names by which configuration may know the actor: a delegated one acts
// for somebody.
func govPeople(a access.Actor) (names []string) {
	for _, n := range []string{a.Name, a.OnBehalfOf} {
		if n != "" {
			names = append(names, access.FoldName(n))
		}
	}
	return names
}

// govDeclared reports whether the actor is a declared person or machine identity, or one
// that params.allowed lets.
func (s *subject) govDeclared() bool {
	a := s.govActor()
	if a.Type == access.ActorUnknown || a.Type == access.ActorEmployee {
		return s.govAllowed([]string{access.FoldName(a.Name)})
	}
	names := govPeople(a)
	if a.Principal != "" || s.govAllowed(names) || s.w.machine(s.w.in.Environment, []string{a.Name}) != &nobody {
		return true
	}
	for _, p := range s.w.Principals {
		known := slices.Concat([]string{p.Email}, p.Atlas, p.Owns)
		if slices.ContainsFunc(known, func(k string) bool { return k != "" && slices.Contains(names, access.FoldName(k)) }) {
			return true
		}
	}
	return false
}

func (s *subject) govAllowed(names []string) bool {
	allowed, _ := s.rule.Params["allowed"].([]string)
	return slices.ContainsFunc(allowed, func(g string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n != "" && access.Match(access.FoldName(g), n) })
	})
}

// govDeclares reports whether anybody is declared at all.
func (s *subject) govDeclares() bool {
	allowed, _ := s.rule.Params["allowed"].([]string)
	return len(allowed) > 0 || len(s.w.Principals) > 0 ||
		slices.ContainsFunc(s.w.Identities, func(id access.Identity) bool { return len(id.Machines) > 0 })
}

// govDark is since when the subject's kind cannot be read: as its status tells, or, where
// its last complete read is older than reads may be, since that. Zero and known: it can.
func (s *subject) govDark() (at time.Time, known bool) {
	c, last := s.collection(), s.w.in.Read[s.ref.Kind]
	limit := time.Duration(0)
	if s.w.in.MaxAge != nil {
		limit = s.w.in.MaxAge(s.ref.Kind)
	}
	switch {
	case c.Status == access.StatusUnsupported:
		return time.Time{}, true
	case limit > 0 && !last.IsZero() && s.now.Sub(last) > limit:
		return last, true
	case c.Status == access.StatusComplete:
		return time.Time{}, true
	}
	return c.StatusSince, !c.StatusSince.IsZero()
}

func (s *subject) govDarkFor() time.Duration {
	at, _ := s.govDark()
	if at.IsZero() {
		return 0
	}
	return s.now.Sub(at)
}
