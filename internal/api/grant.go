package api

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Role is what somebody may do. The zero value is none.
type Role string

// The roles; each may do what the one before it may.
const (
	RoleViewer   Role = "viewer"
	RoleApprover Role = "approver"
	RoleAdmin    Role = "admin"
)

// Roles lists them from the weakest.
func Roles() []Role { return []Role{RoleViewer, RoleApprover, RoleAdmin} }

// Grant is what somebody may do, and where. Empty lists bound nothing.
type Grant struct {
	Roles    []Role   `json:"roles"`
	Orgs     []string `json:"orgs,omitempty"`     // ids
	Projects []string `json:"projects,omitempty"` // patterns of names or ids; nothing that is of an org is within them
	Owners   []string `json:"owners,omitempty"`   // nothing that has no owner is within them
}

// thing is what a grant may reach: something in a place, with an owner where it has one.
type thing struct {
	place Place
	owner string
}

func (g Grant) reaches(t thing) bool {
	project := func(p string) bool { return access.Match(p, t.place.Title) || access.Match(p, t.place.Scope.ID()) }
	return (len(g.Orgs) == 0 || t.place.Org != "" && slices.Contains(g.Orgs, t.place.Org)) &&
		(len(g.Projects) == 0 || t.place.Scope != "" && !t.place.Scope.IsOrg() && slices.ContainsFunc(g.Projects, project)) &&
		(len(g.Owners) == 0 || t.owner != "" && slices.Contains(g.Owners, t.owner))
}

func (g Grant) bounded() bool { return len(g.Orgs)+len(g.Projects)+len(g.Owners) > 0 }

func (g Grant) allows(r Role) bool {
	least := slices.Index(Roles(), r)
	return least >= 0 && slices.ContainsFunc(g.Roles, func(own Role) bool { return slices.Index(Roles(), own) >= least })
}

// identity is who asks.
type identity struct {
	principal string // the id of a declared one
	how       string // by what they are known, for the record
	key       string // of their rate limit
	grants    []Grant
}

// may reports whether they have the role where the thing is.
func (i identity) may(r Role, t thing) bool {
	return slices.ContainsFunc(i.grants, func(g Grant) bool { return g.allows(r) && g.reaches(t) })
}

func (i identity) sees(t thing) bool { return i.may(RoleViewer, t) }

// everywhere reports whether they have the role with no bounds.
func (i identity) everywhere(r Role) bool {
	return slices.ContainsFunc(i.grants, func(g Grant) bool { return g.allows(r) && !g.bounded() })
}

// somewhere reports whether they have the role at all.
func (i identity) somewhere(r Role) bool {
	return slices.ContainsFunc(i.grants, func(g Grant) bool { return g.allows(r) })
}
