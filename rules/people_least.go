package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// atFloor reports whether there is nothing narrower than what is held.
func (s *subject) atFloor() bool {
	return !slices.ContainsFunc(s.ownRoles(), func(r string) bool { return r != orgFloor && r != projectFloor })
}

// least is what would be enough for what the person was seen doing in this scope.
func (s *subject) least() reach.Suggestion { return once(&s.people().least, s.leastPrivilege) }

func (s *subject) leastPrivilege() reach.Suggestion {
	h := s.w.in.History
	e := reach.Evidence{Since: s.held(access.Since(h.Feed, s.now, access.SpanSlack))}
	switch t := s.res.Box.State.(type) {
	case access.OrgMember:
		e.OrgRoles, e.OrgEvents = t.OrgRoles, h.Duties[t.Username]
	case access.ProjectMember:
		e.ProjectRoles, e.ProjectEvents = t.Roles, h.Duties[t.Username]
	}
	return reach.LeastPrivilege(e, s.now)
}

// leastNarrower: a role that is only for what leaves no event, or is rare, is not to be lost
// for not having been seen in use, as it is with machines.
func (s *subject) leastNarrower() bool {
	l := s.least()
	return l.Known && l.Narrower && newEvidence(s.ownRoles(), l).narrower
}

// rareRoles are the roles that keep what is rare or leaves no event, as far as something
// narrower than what is held does.
func (s *subject) rareRoles() []string {
	var out []string
	for _, k := range s.least().Kept {
		if k.Role != "" && !slices.Contains(s.ownRoles(), k.Role) && !covers(s.least().Roles, k.Role) {
			out = append(out, k.Role)
		}
	}
	return access.SortNames(out)
}

func (s *subject) seenDuties() []string {
	out := []string{}
	for _, d := range s.least().Seen {
		out = append(out, d.Does)
	}
	return out
}

// keptDuties are what was not seen and is not to be lost for that, by the role that keeps
// it: of what only the held role is for, somebody else has to take care.
func (s *subject) keptDuties() []string {
	by := map[string][]string{}
	for _, k := range s.least().Kept {
		by[k.Role] = append(by[k.Role], k.Does)
	}
	out := []string{}
	for _, role := range slices.Sorted(maps.Keys(by)) {
		out = append(out, cmpOr(role, "no single role")+" for: "+strings.Join(by[role], ", "))
	}
	return out
}

// leastListed names the roles that are enough, for a sentence.
func (s *subject) leastListed() string {
	out := rolesText(s.least().Roles)
	if n := len(s.rareRoles()); n > 0 {
		out = fmt.Sprintf("%s, and %d narrow ones for what is rare or leaves no event", out, n)
	}
	if s.ref.Kind == access.KindOrgMember {
		out += "; what they do in projects needs roles there"
	}
	return out
}
