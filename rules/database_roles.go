package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

func (s *subject) role() access.CustomRole {
	r, _ := access.As[access.CustomRole](s.res.Box)
	return r
}

// dangerousActions are those of the rule's actions that the role itself grants.
func (s *subject) dangerousActions() []string {
	wanted, _ := s.rule.Params["actions"].([]string)
	var out []string
	for _, p := range s.role().Privileges {
		if slices.ContainsFunc(wanted, func(a string) bool { return strings.EqualFold(a, p.Action) }) {
			out = append(out, privilegeText(p))
		}
	}
	return out
}

func privilegeText(p access.Privilege) string {
	switch {
	case p.Cluster:
		return p.Action + " on the cluster"
	case p.Database == "" && p.Collection == "":
		return p.Action + " on every database"
	case p.Database == "":
		return p.Action + " on " + p.Collection + " of every database"
	case p.Collection == "":
		return p.Action + " on " + p.Database
	}
	return p.Action + " on " + p.Database + "." + p.Collection
}

// everywhere are the actions that the role itself grants on every database or on the cluster.
func (s *subject) everywhere() []string {
	var out []string
	for _, p := range s.role().Privileges {
		if p.Cluster || p.Database == "" {
			out = append(out, privilegeText(p))
		}
	}
	return out
}

type inheritance struct {
	wideRoles
	missing []string
}

// inherited are atlasAdmin and the any-database roles that the role inherits.
func (s *subject) inherited() *inheritance {
	if s.heir == nil {
		all := s.w.roleListOf([]access.RoleGrant{{Role: s.role().Role, Database: "admin"}})
		wide := s.w.wide(all.Closure, append([]string{reach.AtlasAdmin}, anyDatabaseRoles...), func(reach.Grant, []string) bool { return false })
		s.heir = &inheritance{wide, all.Missing}
	}
	return s.heir
}

// referred reports whether a user or another role refers to the role.
func (s *subject) referred() bool {
	memo := &s.w.memo.database
	if memo.referrers == nil {
		memo.referrers = map[string]bool{}
		for _, u := range access.States[access.DatabaseUser](s.w.in.Collections[access.KindDatabaseUser]) {
			for _, g := range u.Roles {
				memo.referrers[g.Role] = true
			}
		}
		for _, r := range access.States[access.CustomRole](s.w.in.Collections[access.KindCustomRole]) {
			for _, g := range r.Inherits {
				if g.Role != r.Role {
					memo.referrers[g.Role] = true
				}
			}
		}
	}
	return memo.referrers[s.ref.Name]
}

func (s *subject) referrersOdd() bool {
	return len(s.w.in.Collections[access.KindDatabaseUser].Odd)+len(s.w.in.Collections[access.KindCustomRole].Odd) > 0
}
