package scan

import (
	"net/netip"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// Pictured are the kinds of a scope that the pictures of a report rest on.
func Pictured(scope access.Scope) []access.Kind {
	if scope.IsOrg() {
		return []access.Kind{access.KindOrg, access.KindOrgMember, access.KindTeamMember, access.KindAPIKey, access.KindServiceAccount}
	}
	return []access.Kind{
		access.KindProject, access.KindIPAccessEntry, access.KindPrivateEndpoint, access.KindPeering, access.KindDatabaseUser, access.KindCustomRole,
		access.KindProjectMember, access.KindTeamGrant, access.KindProjectKey, access.KindProjectServiceAccount,
	}
}

// exposure is how much of the internet a project lets in; nil where the list cannot be read.
func exposure(in rules.Input) *report.Exposure {
	c := in.Collections[access.KindIPAccessEntry]
	if c.Status != access.StatusComplete {
		return nil
	}
	out := &report.Exposure{Entries: len(c.Resources)}
	var all []netip.Prefix
	for _, e := range access.States[access.IPAccessEntry](c) {
		if p, err := reach.ParseEntry(e.Entry); err == nil {
			all = append(all, p)
		}
		if !e.DeleteAfterDate.IsZero() {
			out.Temporary++
		}
	}
	x := reach.Expose(all)
	out.V4, out.V6Slash64, out.WorldV4, out.WorldV6 = x.V4, x.V6Slash64, x.WorldV4(), x.WorldV6()
	for _, e := range access.States[access.PrivateEndpoint](in.Collections[access.KindPrivateEndpoint]) {
		if e.Status == "AVAILABLE" {
			out.PrivatePaths++
		}
	}
	for _, p := range access.States[access.Peering](in.Collections[access.KindPeering]) {
		if p.Status == "AVAILABLE" || p.Status == "ACTIVE" {
			out.PrivatePaths++
		}
	}
	return out
}

func privilege(in rules.Input) report.Privilege {
	var p report.Privilege
	if !in.Scope.IsOrg() {
		p.Database = databaseReach(in)
	}
	p.People, p.Machines = people(in), machines(in)
	return p
}

func complete(in rules.Input, kinds ...access.Kind) bool {
	return !slices.ContainsFunc(kinds, func(k access.Kind) bool { return in.Collections[k].Status != access.StatusComplete })
}

func databaseReach(in rules.Input) *report.DatabaseReach {
	if !complete(in, access.KindDatabaseUser, access.KindCustomRole) {
		return nil
	}
	catalog := reach.NewCatalog(rules.CustomRoles(in.Collections[access.KindCustomRole]))
	out := &report.DatabaseReach{}
	for _, u := range access.States[access.DatabaseUser](in.Collections[access.KindDatabaseUser]) {
		all := catalog.Close(rules.Grants(u.Roles))
		switch {
		case all.Reaches(reach.AtlasAdmin):
			out.Admin++
		case all.Covers(reach.Grant{Role: "read", Database: reach.AnyDatabase}) || all.Reaches("backup"):
			out.AnyDatabase++
		case len(all.Missing) > 0:
			out.Unknown++
		case all.Reaches("readWrite") || acts(all, "INSERT", "UPDATE", "REMOVE"):
			out.Write++
		case all.Reaches("read") || acts(all, "FIND"):
			out.Read++
		default:
			out.None++
		}
	}
	return out
}

func acts(c reach.Closure, actions ...string) bool {
	return slices.ContainsFunc(c.Actions, func(a reach.Action) bool { return slices.Contains(actions, a.Name) })
}

func people(in rules.Input) *report.RoleReach {
	roles := map[string][]string{}
	if in.Scope.IsOrg() {
		if !complete(in, access.KindOrgMember) {
			return nil
		}
		for _, m := range access.States[access.OrgMember](in.Collections[access.KindOrgMember]) {
			roles[m.Username] = m.OrgRoles
		}
		return counted(roles)
	}
	team := in.Facts.Org[access.KindTeamMember]
	if !complete(in, access.KindProjectMember, access.KindTeamGrant) || team.Status != access.StatusComplete {
		return nil
	}
	for _, m := range access.States[access.ProjectMember](in.Collections[access.KindProjectMember]) {
		roles[m.Username] = m.Roles
	}
	for _, g := range access.States[access.TeamGrant](in.Collections[access.KindTeamGrant]) {
		for _, m := range access.States[access.TeamMember](team) {
			if m.Team == g.Team {
				roles[m.Username] = slices.Concat(roles[m.Username], g.Roles)
			}
		}
	}
	return counted(roles)
}

func machines(in rules.Input) *report.RoleReach {
	roles := map[string][]string{}
	if in.Scope.IsOrg() {
		if !complete(in, access.KindAPIKey, access.KindServiceAccount) {
			return nil
		}
		for _, k := range access.States[access.APIKey](in.Collections[access.KindAPIKey]) {
			roles[k.PublicKey] = []string{}
			for _, r := range k.Roles {
				if r.Project == "" {
					roles[k.PublicKey] = append(roles[k.PublicKey], r.Role)
				}
			}
		}
		for _, a := range access.States[access.ServiceAccount](in.Collections[access.KindServiceAccount]) {
			roles[a.ClientID] = a.Roles
		}
		return counted(roles)
	}
	if !complete(in, access.KindProjectKey, access.KindProjectServiceAccount) {
		return nil
	}
	for _, k := range access.States[access.ProjectKey](in.Collections[access.KindProjectKey]) {
		roles[k.PublicKey] = k.Roles
	}
	for _, a := range access.States[access.ProjectServiceAccount](in.Collections[access.KindProjectServiceAccount]) {
		roles[a.ClientID] = a.Roles
	}
	return counted(roles)
}

// counted counts identities by the strongest of their roles.
func counted(all map[string][]string) *report.RoleReach {
	out := &report.RoleReach{}
	for _, roles := range all {
		has := func(of func(string) bool) bool { return slices.ContainsFunc(roles, of) }
		switch {
		case has(owner):
			out.Owner++
		case has(func(r string) bool { return !reach.KnownOrgRole(r) && !reach.KnownProjectRole(r) }):
			out.Unknown++
		case has(func(r string) bool { return !reads(r) && !data(r) }):
			out.Manager++
		case has(data):
			out.DataAccess++
		default:
			out.ReadOnly++
		}
	}
	return out
}

func owner(role string) bool { return role == reach.OrgOwner || role == reach.ProjectOwner }

// data are the roles that show documents; reads, those that change nothing.
func data(role string) bool {
	return role == "GROUP_DATA_ACCESS_ADMIN" || role == "GROUP_DATA_ACCESS_READ_WRITE" || role == "GROUP_DATA_ACCESS_READ_ONLY"
}

func reads(role string) bool {
	switch role {
	case "ORG_MEMBER", "ORG_READ_ONLY", "ORG_BILLING_READ_ONLY", "GROUP_READ_ONLY", "GROUP_OBSERVABILITY_VIEWER", "GROUP_CLUSTER_LOG_VIEWER":
		return true
	}
	return false
}
