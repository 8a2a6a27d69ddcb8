package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// privileged are the owner roles that a mapping or the default grant of a federation gives.
// Those of a mapping may be declared in the parameter: by the group, or as group=ROLE. The
// default grant goes to everybody and cannot be.
func (s *subject) privileged() []string {
	m, mapping := s.res.Box.State.(access.RoleMapping)
	declared, _ := s.rule.Params["declared"].([]string)
	out := []string{}
	for where, roles := range s.holds() {
		for _, r := range roles {
			owner := r == reach.OrgOwner || r == reach.ProjectOwner
			if !owner || mapping && declaresGroup(declared, m.Group, r) {
				continue
			}
			if where != s.ref.Scope.ID() {
				r += " on project " + where
			}
			out = append(out, r)
		}
	}
	return access.SortNames(out)
}

// declaresGroup reports whether the group is declared to give the role. One that is named
// like the declaration of another one's role is none.
func declaresGroup(declared []string, group, role string) bool {
	return slices.Contains(declared, group+"="+role) || slices.Contains(declared, group) &&
		!strings.HasSuffix(group, "="+reach.OrgOwner) && !strings.HasSuffix(group, "="+reach.ProjectOwner)
}

// federationGap is what keeps people from being signed in by an identity provider of the
// org's own; empty: nothing.
func (s *subject) federationGap() string {
	c := s.w.collection(access.KindFederation)
	all := access.States[access.Federation](c)
	if len(c.Odd) > 0 {
		return ""
	}
	if len(all) == 0 {
		return "it has no federation"
	}
	f := all[0]
	open := slices.DeleteFunc(slices.Clone(s.w.Domains), func(d string) bool {
		return slices.ContainsFunc(f.Domains, func(o string) bool { return access.FoldName(o) == access.FoldName(d) })
	})
	switch {
	case f.UIProvider == "":
		return "no identity provider is connected to it"
	case f.UIProviderStatus == "INACTIVE":
		return "its identity provider is not active"
	case len(f.Domains) == 0:
		return "no domain is federated"
	case len(open) > 0:
		return "these allowed domains are not federated: " + strings.Join(open, ", ")
	}
	return ""
}

// rewired reports whether a change of the federation connected the org to another identity
// provider, or cut it off from one.
func (s *subject) rewired() bool {
	before, ok := access.As[access.Federation](s.change.Before)
	after, _ := access.As[access.Federation](s.change.After)
	if s.ref.Kind != access.KindFederation || s.unclear() || !ok && s.change.After.IsZero() {
		return false
	}
	return before.UIProvider != after.UIProvider || !slices.Equal(before.DataProviders, after.DataProviders)
}

func (s *subject) unclear() bool {
	return s.ref.Kind == access.KindFederation && s.change.Op == access.OpUpdated && (s.change.Before.IsZero() || s.change.After.IsZero())
}
