package remediate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// planUser plans for the database user that the finding is about, if it is there.
func planUser(c Case, plan func(Case, access.DatabaseUser) access.Plan) access.Plan {
	box := c.Finding.Evidence.After // without a read
	if c.Fresh != nil {
		r, _ := c.Fresh[access.KindDatabaseUser].Find(c.Finding.Ref.Name)
		box = r.Box
	}
	u, ok := access.As[access.DatabaseUser](box)
	if !ok && c.Fresh == nil {
		return ask("decide what database user %s needs, and set it by hand", c.Finding.Ref.Name)
	}
	if !ok || u.Name() != c.Finding.Ref.Name {
		return ask("the database user %s was not seen: look at it first", c.Finding.Ref.Name)
	}
	return plan(c, u)
}

func ask(format string, args ...any) access.Plan {
	return access.Plan{Ceiling: access.CeilingAsk, Why: fmt.Sprintf(format, args...)}
}

// history is the user before and after the causing change, where the evidence shows one.
func history(c Case) (before, after access.DatabaseUser, changed bool) {
	ev := c.Finding.Evidence
	before, hadBefore := access.As[access.DatabaseUser](ev.Before)
	after, hasAfter := access.As[access.DatabaseUser](ev.After)
	name := c.Finding.Ref.Name
	return before, after, hadBefore && hasAfter && before.Name() == name && after.Name() == name
}

// restoreScopes gives a user back the scopes that it had before the causing change, or
// suggests the declared ones, or the only target.
func restoreScopes(c Case, u access.DatabaseUser) access.Plan {
	if len(u.Scopes) > 0 {
		return ask("%s has scopes again: nothing to put back", u.Name())
	}
	targets := targetsOf(c)
	if before, _, ok := history(c); ok && len(before.Scopes) > 0 {
		p := setScopes(c, u, before.Scopes, "put back the scopes that it had before this change: ")
		if gone := dangling(before.Scopes, targets); len(gone) > 0 {
			p.Ceiling = access.CeilingAsk
			p.Why += "; not by itself, because " + scopeNames(gone) + " no longer exists"
		}
		return p
	}
	if want := c.Finding.Evidence.DeclaredScopes; len(want) > 0 && len(dangling(want, targets)) == 0 {
		return suggested(setScopes(c, u, want, "set the declared scopes: "), "what it had before is not known")
	}
	if len(targets) == 1 {
		return suggested(setScopes(c, u, targets, "limit it to the project's only target: "),
			"whether it is used elsewhere is not known: look at its logins first")
	}
	return ask("no scopes are known for %s: it had none before and none are declared; choose the clusters that it needs", u.Name())
}

func suggested(p access.Plan, why string) access.Plan {
	p.Ceiling = access.CeilingAsk
	p.Why += "; not by itself, because " + why
	return p
}

func setScopes(c Case, u access.DatabaseUser, scopes []access.UserScope, why string) access.Plan {
	op := access.Operation{Type: access.SetUserScopes, Ref: c.Finding.Ref, Before: access.Box{State: u}, Scopes: access.SortScopes(scopes)}
	return access.Plan{Operations: []access.Operation{op}, Ceiling: access.CeilingAuto, Why: why + scopeNames(scopes),
		Reversible: "no: its inverse would open every cluster again, which is never written; the user is otherwise untouched"}
}

// targetsOf are the things in the project that a scope can name.
func targetsOf(c Case) []access.UserScope {
	var out []access.UserScope
	for _, k := range access.TargetKinds() {
		for _, r := range c.Fresh[k].Resources {
			out = append(out, access.UserScope{Name: r.Name(), Type: scopeType(k)})
		}
	}
	return access.SortScopes(out)
}

func scopeType(k access.Kind) string {
	switch k {
	case access.KindFederatedDatabase:
		return "DATA_LAKE"
	case access.KindStreamWorkspace:
		return "STREAM"
	}
	return "CLUSTER" // flex clusters too
}

func dangling(scopes, targets []access.UserScope) []access.UserScope {
	return slices.DeleteFunc(slices.Clone(scopes), func(s access.UserScope) bool { return slices.Contains(targets, s) })
}

func scopeNames(scopes []access.UserScope) string {
	var out []string
	for _, s := range scopes {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}

// restoreRoles takes back what the causing change did to a user's roles.
func restoreRoles(c Case, u access.DatabaseUser) access.Plan {
	before, after, changed := history(c)
	if !changed {
		return declaredRoles(c, u)
	}
	want := before.Roles
	if !sameGrants(u.Roles, after.Roles) {
		want = retract(u.Roles, before.Roles, after.Roles)
		if len(want) == 0 {
			return suggested(setRoles(c, u, nil, "take back what this change added: "), "nothing would be left, and others changed its roles since")
		}
	}
	if sameGrants(want, u.Roles) {
		return ask("what this change did to the roles of %s has been taken back, and yet it is not well: look at it", u.Name())
	}
	p := setRoles(c, u, want, "put back the roles that it had before this change: ")
	if missing := unknownRoles(c, want); len(missing) > 0 {
		return suggested(p, joined(missing)+" no longer exists")
	}
	return p
}

// throughRole says which custom role changed, if it was one and not the user: that is
// never answered by touching the user.
func throughRole(c Case) (string, bool) {
	ev := c.Finding.Evidence
	before, after, changed := history(c)
	if r, ok := access.As[access.CustomRole](ev.Before); ok {
		return fmt.Sprintf("custom role %s changed; before, it inherited %s and had %s", r.Role, orNothing(joined(r.Inherits)), actions(r)), true
	}
	if r, ok := access.As[access.CustomRole](ev.After); ok {
		return fmt.Sprintf("custom role %s was created", r.Role), true
	}
	var roles []string
	for _, r := range ev.Causes {
		if r.Kind == access.KindCustomRole {
			roles = append(roles, r.Name)
		}
	}
	untouched := changed && sameGrants(before.Roles, after.Roles) || ev.Before.IsZero() && ev.After.IsZero()
	return "it reaches this through " + strings.Join(roles, ", "), untouched && len(roles) > 0
}

func actions(r access.CustomRole) string {
	if len(r.Privileges) == 0 {
		return "no actions of its own"
	}
	var out []string
	for _, p := range r.Privileges {
		out = append(out, p.Action)
	}
	return "the actions " + strings.Join(slices.Compact(out), ", ")
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// declaredRoles is for a user of which no former roles are known.
func declaredRoles(c Case, u access.DatabaseUser) access.Plan {
	want := c.Finding.Evidence.DeclaredRoles
	if len(want) > 0 && !sameGrants(want, u.Roles) {
		return suggested(setRoles(c, u, want, "set the declared roles: "), "what it had before is not known")
	}
	return suggested(quarantine(c, u), "what it had before is not known and no roles are declared for it")
}

// retract is now without what the change added and with what it removed.
func retract(now, before, after []access.RoleGrant) []access.RoleGrant {
	kept := slices.DeleteFunc(slices.Clone(now), func(g access.RoleGrant) bool {
		return slices.Contains(after, g) && !slices.Contains(before, g)
	})
	for _, g := range before {
		if !slices.Contains(after, g) {
			kept = append(kept, g)
		}
	}
	return access.SortGrants(kept)
}

// unknownRoles are those of the grants that are neither built in nor a custom role that
// was just read.
func unknownRoles(c Case, grants []access.RoleGrant) []access.RoleGrant {
	var out []access.RoleGrant
	for _, g := range grants {
		if _, ok := c.Fresh[access.KindCustomRole].Find(g.Role); !ok && !reach.KnownDatabaseRole(g.Role) {
			out = append(out, g)
		}
	}
	return out
}

// setRoles sets the roles of a user; none at all is a quarantine.
func setRoles(c Case, u access.DatabaseUser, roles []access.RoleGrant, why string) access.Plan {
	op := rolesOp(c.Finding.Ref, u, roles)
	p := access.Plan{Operations: []access.Operation{op}, Ceiling: access.CeilingAuto, Reversible: "yes", Why: why + orNothing(joined(roles))}
	changed, _ := access.As[access.DatabaseUser](effect(op, op.Before))
	p.Inverse = []access.Operation{rolesOp(c.Finding.Ref, changed, u.Roles)}
	return p
}

func rolesOp(ref access.Ref, now access.DatabaseUser, roles []access.RoleGrant) access.Operation {
	op := access.Operation{Type: access.QuarantineUser, Ref: ref, Before: access.Box{State: now}}
	if len(roles) > 0 {
		op.Type, op.Roles = access.SetUserRoles, access.SortGrants(roles)
	}
	return op
}

// quarantine leaves a user without roles; the old ones are in the plan.
func quarantine(c Case, u access.DatabaseUser) access.Plan {
	if len(u.Roles) == 0 {
		return ask("%s has no roles: nothing to take away", u.Name())
	}
	p := setRoles(c, u, nil, "quarantine "+u.Name()+", which has "+joined(u.Roles)+": its roles become ")
	p.Ceiling = c.Verdict.Ceiling
	return p
}

func sameGrants(a, b []access.RoleGrant) bool {
	return slices.Equal(access.SortGrants(a), access.SortGrants(b))
}
