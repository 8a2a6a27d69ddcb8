package remediate

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// ruleDanglingScope is about scopes that name nothing; any other rule with the same remedy
// is about scopes that are not declared.
const ruleDanglingScope = "dbuser/dangling-scope"

// removeScopes takes the scopes away that name nothing, or that are not declared. The last
// one stays: without any, the user would exist everywhere.
func removeScopes(c Case, u access.DatabaseUser) access.Plan {
	gone, what, why := surplusScopes(c, u)
	if why != "" {
		return access.Plan{Ceiling: access.CeilingAsk, Why: why}
	}
	rest := slices.DeleteFunc(slices.Clone(u.Scopes), func(s access.UserScope) bool { return slices.Contains(gone, s) })
	switch {
	case len(gone) == 0:
		return ask("%s has no scope (any more) that %s", u.Name(), what)
	case len(rest) == 0:
		return ask("%s would be left without any scope, and would exist on every cluster: set the scopes that it needs instead of %s", u.Name(), scopeNames(gone))
	}
	p := setScopes(c, u, rest, "take the scope that "+what+" away ("+scopeNames(gone)+"), and leave: ")
	p.Reversible = "yes"
	changed := effect(p.Operations[0], access.Box{State: u})
	p.Inverse = []access.Operation{{Type: access.SetUserScopes, Ref: c.Finding.Ref, Before: changed, Scopes: access.SortScopes(u.Scopes)}}
	if before, after, ok := history(c); what == undeclaredScope && (!ok || !justAdded(before, after, gone)) {
		return suggested(p, "it was not added just now: whoever uses it there is shut out")
	}
	return p
}

const undeclaredScope = "is not declared for it"

func justAdded(before, after access.DatabaseUser, gone []access.UserScope) bool {
	return !slices.ContainsFunc(gone, func(s access.UserScope) bool {
		return slices.Contains(before.Scopes, s) || !slices.Contains(after.Scopes, s)
	})
}

// surplusScopes are those to take away, and what is wrong with them; why: that cannot be
// told.
func surplusScopes(c Case, u access.DatabaseUser) (gone []access.UserScope, what, why string) {
	if c.Finding.Rule == ruleDanglingScope {
		for _, k := range access.TargetKinds() {
			if col, read := c.Fresh[k]; !read || !usable(col) || len(col.Odd) > 0 {
				return nil, "", "what its scopes name could not be read: take the one away that names nothing, and never the last one"
			}
		}
		return dangling(u.Scopes, targetsOf(c)), "names nothing", ""
	}
	want := c.Finding.Evidence.DeclaredScopes
	if c.Verdict.Answer == access.AnswerViolation {
		want = c.Verdict.Evidence.DeclaredScopes // as configured now
	}
	if len(want) == 0 {
		return nil, "", "no scopes are declared for " + u.Name() + ": take the one away that it does not need, and never the last one"
	}
	gone = slices.DeleteFunc(slices.Clone(u.Scopes), func(s access.UserScope) bool {
		return slices.ContainsFunc(want, func(d access.UserScope) bool { return d.Name == s.Name && (d.Type == s.Type || d.Type == "") })
	})
	return gone, undeclaredScope, ""
}

// removeRoles takes the roles away that are not declared. Nothing left is a quarantine, and
// is said to be one.
func removeRoles(c Case, u access.DatabaseUser) access.Plan {
	want := c.Finding.Evidence.DeclaredRoles
	if c.Verdict.Answer == access.AnswerViolation {
		want = c.Verdict.Evidence.DeclaredRoles
	}
	if want == nil {
		return ask("no roles are declared for %s: take the one away that it does not need", u.Name())
	}
	var rest, gone []access.RoleGrant
	for _, g := range u.Roles {
		if slices.ContainsFunc(want, func(d access.RoleGrant) bool { return place(d).String() == place(g).String() }) {
			rest = append(rest, g)
		} else {
			gone = append(gone, g)
		}
	}
	switch {
	case len(gone) == 0:
		return ask("%s has no role (any more) that is not declared for it", u.Name())
	case len(rest) == 0:
		return suggested(quarantine(c, u), "none of its roles is declared, and it would be left with nothing")
	}
	return setRoles(c, u, rest, "take "+joined(gone)+" away, and leave: ")
}

// place is a grant as roles are compared: of those that exist on admin only, the database
// says nothing.
func place(g access.RoleGrant) reach.Grant {
	return reach.Grant{Role: g.Role, Database: g.Database, Collection: g.Collection}
}
