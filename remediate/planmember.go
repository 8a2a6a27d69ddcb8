package remediate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const (
	statusActive = "ACTIVE"
	orgFloor     = "ORG_MEMBER" // what is left to somebody of the org who has no role on it
)

// holder is somebody, or a team, with the roles that it holds where the finding is.
type holder struct {
	ref   access.Ref
	box   access.Box
	id    string // of a person
	roles []string
}

func holderIn(scope access.Scope, b access.Box) (holder, bool) {
	h := holder{box: b}
	switch s := b.State.(type) {
	case access.OrgMember:
		h.id, h.roles = s.ID, s.OrgRoles
	case access.ProjectMember:
		h.id, h.roles = s.ID, s.Roles
	case access.TeamGrant:
		h.roles = s.Roles
	default:
		return h, false
	}
	h.ref = access.Ref{Scope: scope, Kind: b.Kind(), Name: b.Name()}
	return h, true
}

// theHolder is the one that the finding is about, as read. Without a read it is the one
// that the causing change left behind.
func theHolder(c Case) (holder, bool) {
	h, ok := holderIn(c.Finding.Ref.Scope, current(c))
	return h, ok && h.ref == c.Finding.Ref
}

// current is what the finding is about.
func current(c Case) access.Box {
	if c.Fresh == nil {
		return c.Finding.Evidence.After
	}
	r, _ := c.Fresh[c.Finding.Ref.Kind].Find(c.Finding.Ref.Name)
	return r.Box
}

// planUndeclared takes the roles away that the access matrix does not grant. What it
// grants and is lacking is added only where a role that is held contains it: then it is
// the narrower one of the same.
func planUndeclared(c Case) access.Plan {
	h, ok := theHolder(c)
	if !ok {
		return ask("%s was not seen: look at it first", c.Finding.Ref.Name)
	}
	surplus := named(c, "not declared", func(r string) bool { return slices.Contains(h.roles, r) })
	if len(surplus) == 0 {
		return ask("%s holds nothing (any more) that the access matrix does not grant; what is lacking is given by people", h.ref.Name)
	}
	want := minus(h.roles, surplus)
	narrower := named(c, "lacking", func(r string) bool {
		return slices.ContainsFunc(h.roles, func(held string) bool { return held != r && reach.ContainsProjectRole(held, r) })
	})
	if h.ref.Kind == access.KindTeamGrant {
		want = access.SortNames(append(want, narrower...))
	}
	return hold(c, h, want, "take "+strings.Join(surplus, ", ")+" from "+h.ref.Name+", which the access matrix does not grant")
}

// named are the roles that a fact of the judgement lists: the matrix itself is for the
// rules to read. What the fact lists and is no role here is left alone.
func named(c Case, fact string, is func(string) bool) []string {
	facts := c.Verdict.Evidence.Facts
	if facts == nil {
		facts = c.Finding.Evidence.Facts
	}
	return slices.DeleteFunc(strings.Split(facts[fact], ", "), func(r string) bool { return !is(r) })
}

func minus(list, without []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(without, s) })
}

// hold has a holder hold the wanted roles: a person's are added and removed one by one,
// first added; a team's are set. Without any, a person or a team leaves the project, and a
// person of the org is a member like any other.
func hold(c Case, h holder, want []string, why string) access.Plan {
	p := access.Plan{Ceiling: access.CeilingAuto, Reversible: "yes", Why: why}
	switch {
	case h.ref.Kind == access.KindTeamGrant:
		p.Operations = []access.Operation{grantOp(h, want)}
	case h.ref.Kind == access.KindProjectMember && len(want) == 0:
		p.Operations = []access.Operation{{Type: access.RemoveProjectMember, Ref: h.ref, Before: h.box, ID: h.id}}
		p.Why += "; nothing else would be left, and the project loses the member"
	default:
		p.Operations = roleOps(h, want)
	}
	if len(p.Operations) == 0 {
		return ask("%s holds what it is to hold: look at it", h.ref.Name)
	}
	p.Inverse = inverted(p.Operations, h)
	if m, ok := access.As[access.ProjectMember](h.box); ok && m.Status != statusActive && len(want) == 0 {
		p.Inverse, p.Reversible = nil, "no: the invitation is taken back, and a new one is a new mail: "+strings.Join(h.roles, ", ")
	}
	return doubted(p, harms(c, p.Operations))
}

func grantOp(h holder, want []string) access.Operation {
	if len(want) == 0 {
		return access.Operation{Type: access.RemoveTeamGrant, Ref: h.ref, Before: h.box}
	}
	return access.Operation{Type: access.SetTeamRoles, Ref: h.ref, Before: h.box, Names: access.SortNames(want)}
}

func roleOps(h holder, want []string) []access.Operation {
	if len(want) == 0 {
		want = []string{orgFloor}
	}
	var out []access.Operation
	for _, r := range minus(want, h.roles) {
		out = append(out, access.Operation{Type: access.AddMemberRole, Ref: h.ref, Before: h.box, ID: h.id, Role: r})
	}
	for _, r := range minus(h.roles, want) {
		out = append(out, access.Operation{Type: access.RemoveMemberRole, Ref: h.ref, Before: h.box, ID: h.id, Role: r})
	}
	return out
}

// inverted is the way back: every operation taken back, the last one first. Before is what
// the operations leave behind.
func inverted(ops []access.Operation, h holder) []access.Operation {
	box := h.box
	for _, o := range ops {
		box = effect(o, box)
	}
	var out []access.Operation
	for _, o := range slices.Backward(ops) {
		back := access.Operation{Ref: o.Ref, Before: box, ID: o.ID, Role: o.Role}
		switch o.Type {
		case access.AddMemberRole:
			back.Type = access.RemoveMemberRole
		case access.RemoveMemberRole:
			back.Type = access.AddMemberRole
		case access.RemoveProjectMember:
			back.Type, back.Names = access.AddProjectMember, h.roles
		case access.SetTeamRoles:
			back.Type, back.Names = access.SetTeamRoles, h.roles
		case access.RemoveTeamGrant:
			back.Type, back.Names = access.AddTeamGrant, h.roles
		}
		out = append(out, back)
	}
	return out
}

// harms says what of the access of people must not be taken by a plan.
func harms(c Case, ops []access.Operation) []string {
	var doubts []string
	if why := ownerless(c, ops); why != "" {
		doubts = append(doubts, why)
	}
	for _, o := range ops {
		if own := ownPerson(c, o); own != "" {
			doubts = append(doubts, own+" is our own credential")
		}
	}
	return doubts
}

// ownPerson is the credential of ours that the operation would take something from.
func ownPerson(c Case, o access.Operation) string {
	for _, own := range c.Policy.Own.Credentials {
		if own != "" && (o.ID == own || o.Ref.Name == own || strings.HasSuffix(o.Ref.Name, "/"+own)) {
			return own
		}
	}
	return ""
}

// ownerless says why the operations would leave the org without an owner, or that this
// cannot be told. Groups of an identity provider may make owners: who is in them cannot be
// read, so they do not count.
func ownerless(c Case, ops []access.Operation) string {
	if !slices.ContainsFunc(ops, func(o access.Operation) bool {
		return o.Type == access.RemoveMemberRole && o.Role == reach.OrgOwner
	}) {
		return ""
	}
	col, read := c.Fresh[access.KindOrgMember]
	if !read || col.Status != access.StatusComplete {
		return "whether the organization has another owner was not read"
	}
	left := 0
	for _, m := range access.States[access.OrgMember](Simulate(c.Fresh, ops)[access.KindOrgMember]) {
		if slices.Contains(m.OrgRoles, reach.OrgOwner) {
			left++
		}
	}
	if left == 0 {
		return "nobody would own the organization"
	}
	return ""
}

// planProjectRemoval takes somebody's own roles away on every project. What comes by a
// team or a role on the org stays, and is said.
func planProjectRemoval(c Case) access.Plan {
	m, ok := access.As[access.OrgMember](current(c))
	if !ok || m.Username != c.Finding.Ref.Name {
		return ask("decide whether %s should be here: remove the roles on projects first, and the membership by hand", c.Finding.Ref.Name)
	}
	stays := stays(m)
	if len(m.Projects) == 0 {
		return ask("%s has no roles of its own on any project%s; whether the membership ends is for people: it could only be had back by a new invitation", m.Username, stays)
	}
	p := access.Plan{Ceiling: access.CeilingAuto, Reversible: "yes: the same roles are given again", Why: fmt.Sprintf("remove %s from %d projects", m.Username, len(m.Projects)) + stays}
	for _, on := range m.Projects {
		p.Operations = append(p.Operations, access.Operation{Type: access.RemoveProjectMember, Ref: c.Finding.Ref, Before: access.Box{State: m}, ID: m.ID, Project: on.Project})
	}
	after := access.Box{State: m}
	for _, o := range p.Operations {
		after = effect(o, after)
	}
	for _, on := range slices.Backward(m.Projects) {
		p.Inverse = append(p.Inverse, access.Operation{Type: access.AddProjectMember, Ref: c.Finding.Ref, Before: after, ID: m.ID, Project: on.Project, Names: on.Roles})
	}
	return doubted(p, append(harms(c, p.Operations), "the membership of the organization stays, and ends by hand"))
}

func stays(m access.OrgMember) string {
	var out []string
	if roles := minus(m.OrgRoles, []string{orgFloor}); len(roles) > 0 {
		out = append(out, strings.Join(roles, ", ")+" on the organization")
	}
	if n := len(m.Teams); n > 0 {
		out = append(out, fmt.Sprintf("what comes by %d teams", n))
	}
	if len(out) == 0 {
		return ""
	}
	return "; " + strings.Join(out, " and ") + " would stay"
}
