package remediate

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// planFormerHolding gives a person or a team back what it held before the causing change,
// and takes what that change gave. What others changed since stays.
func planFormerHolding(c Case) access.Plan {
	switch c.Finding.Ref.Kind {
	case access.KindTeamMember:
		return planFormerTeam(c)
	case access.KindRoleMapping:
		return planFormerMapping(c)
	}
	h, ok := theHolder(c)
	if !ok {
		return ask("%s was not seen: look at it first", c.Finding.Ref.Name)
	}
	before, after, known := formerRoles(c)
	if !known {
		return withoutOwner(c, h)
	}
	want := taken(h.roles, before, after)
	if sameNames(want, h.roles) {
		return ask("what this change gave %s has been taken back, and yet it is not well: look at it", h.ref.Name)
	}
	return hold(c, h, want, "put back what "+h.ref.Name+" held before this change: "+orNothing(strings.Join(before, ", ")))
}

// formerRoles are those before and after the causing change, where the evidence shows one.
// Of what came to be there was nothing before.
func formerRoles(c Case) (before, after []string, known bool) {
	ev := c.Finding.Evidence
	now, ok := holderIn(c.Finding.Ref.Scope, ev.After)
	if !ok || now.ref != c.Finding.Ref {
		return nil, nil, false
	}
	if ev.Before.IsZero() {
		return nil, now.roles, true
	}
	was, ok := holderIn(c.Finding.Ref.Scope, ev.Before)
	return was.roles, now.roles, ok && was.ref == now.ref
}

// taken is now without what the change added and with what it removed.
func taken(now, before, after []string) []string {
	return access.SortNames(append(minus(now, minus(after, before)), minus(before, after)...))
}

func sameNames(a, b []string) bool {
	return slices.Equal(access.SortNames(a), access.SortNames(b))
}

// withoutOwner is for somebody of whom no former roles are known: the owner role goes, and
// what is held beside it stays.
func withoutOwner(c Case, h holder) access.Plan {
	rest := minus(h.roles, []string{reach.OrgOwner, reach.ProjectOwner})
	switch {
	case len(rest) == len(h.roles):
		return ask("what %s held before is not known: put back what it needs", h.ref.Name)
	case len(rest) == 0 && h.ref.Kind != access.KindOrgMember:
		return ask("%s holds nothing but the owner role, and what it held before is not known: give it the roles that it needs, and then take that one", h.ref.Name)
	}
	return suggested(hold(c, h, rest, "take the owner role from "+h.ref.Name), "what it held before is not known")
}

// planFormerTeam takes somebody out of a team that they were put into.
func planFormerTeam(c Case) access.Plan {
	m, ok := access.As[access.TeamMember](current(c))
	if !ok || m.Name() != c.Finding.Ref.Name {
		return ask("the membership %s was not seen: look at it first", c.Finding.Ref.Name)
	}
	if !c.Finding.Evidence.Before.IsZero() || c.Finding.Evidence.After.IsZero() {
		return ask("%s was in team %s before: look at what the team may do", m.Username, m.Team)
	}
	op := access.Operation{Type: access.RemoveTeamMember, Ref: c.Finding.Ref, Before: access.Box{State: m}, ID: m.UserID}
	p := access.Plan{
		Operations: []access.Operation{op}, Ceiling: access.CeilingAuto, Reversible: "yes", Why: "take " + m.Username + " out of team " + m.Team,
		Inverse: []access.Operation{{Type: access.AddTeamMember, Ref: op.Ref, ID: m.UserID}},
	}
	return doubted(p, harms(c, p.Operations))
}

// planFormerMapping only says what to put back. A mapping is written as a whole, by an
// owner of the organization, and who is in its group cannot be read.
func planFormerMapping(c Case) access.Plan {
	before, ok := access.As[access.RoleMapping](c.Finding.Evidence.Before)
	if !ok {
		return ask("role mapping %s was created: delete it by hand if nobody can explain it; its members lose what it gives at their next login", c.Finding.Ref.Name)
	}
	var roles []string
	for _, r := range before.Roles {
		roles = append(roles, strings.TrimSpace(r.Role+" "+r.Project))
	}
	return ask("put back by hand what role mapping %s gave to group %s before: %s; mind everybody in that group", before.ID, before.Group, orNothing(strings.Join(roles, ", ")))
}
