package remediate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Simulate is what a read would show after the operations. It changes nothing of before.
func Simulate(before map[access.Kind]access.Collection, ops []access.Operation) map[access.Kind]access.Collection {
	out := make(map[access.Kind]access.Collection, len(before))
	for k, c := range before {
		out[k] = c
	}
	for _, o := range ops {
		c := out[o.Ref.Kind]
		res, _ := c.Find(o.Ref.Name)
		out[o.Ref.Kind] = with(c, o.Ref.Name, effect(o, res.Box))
		alongside(out, o)
	}
	return out
}

// alongside is what a write shows in another kind of the same scope, where that was read:
// a member of the org names its teams, and who is invited is in teams already.
func alongside(out map[access.Kind]access.Collection, o access.Operation) {
	team, user, _ := strings.Cut(o.Ref.Name, "/")
	switch o.Type {
	case access.AddTeamMember, access.RemoveTeamMember:
		res, _ := out[access.KindOrgMember].Find(user)
		m, ok := access.As[access.OrgMember](res.Box)
		if !ok {
			return
		}
		teams := minus(m.Teams, []string{team})
		if o.Type == access.AddTeamMember {
			teams = append(teams, team)
		}
		if m.Teams = access.SortNames(teams); len(teams) == 0 {
			m.Teams = nil
		}
		out[access.KindOrgMember] = with(out[access.KindOrgMember], user, access.Box{State: m})
	case access.DeleteInvitation:
		for _, m := range access.States[access.TeamMember](out[access.KindTeamMember]) {
			if m.Username == o.Ref.Name {
				out[access.KindTeamMember] = with(out[access.KindTeamMember], m.Name(), access.Box{})
			}
		}
	}
}

// effect is the resource after the operation; an empty box: absent.
func effect(o access.Operation, b access.Box) access.Box {
	switch o.Type {
	case access.DeleteAccessEntry, access.DeleteDatabaseUser, access.RemoveTeamGrant, access.RemoveTeamMember, access.DeleteInvitation:
		return access.Box{}
	case access.CreateAccessEntry:
		return access.Box{State: o.Entry}
	case access.CreateAlert:
		return access.Box{State: *o.Alert}
	case access.SetTeamRoles, access.AddTeamGrant:
		return access.Box{State: access.TeamGrant{Team: o.Ref.Name, Roles: access.SortNames(o.Names)}}
	case access.AddTeamMember:
		team, user, _ := strings.Cut(o.Ref.Name, "/")
		return access.Box{State: access.TeamMember{Team: team, Username: user, UserID: o.ID, Status: statusActive}}
	case access.SetOrgSetting, access.SetProjectSetting:
		return access.WithSetting(b, o.Setting, o.Value)
	case access.SetAlertEnabled:
		if a, ok := access.As[access.AlertConfig](b); ok {
			a.Enabled = o.Value == strconv.FormatBool(true)
			return access.Box{State: a}
		}
		return b
	case access.SetUserRoles, access.SetUserScopes, access.QuarantineUser:
		return effectOnUser(o, b)
	}
	return effectOnMember(o, b)
}

func effectOnUser(o access.Operation, b access.Box) access.Box {
	u, ok := access.As[access.DatabaseUser](b)
	switch {
	case !ok:
		return b
	case o.Type == access.SetUserRoles:
		u.Roles = access.SortGrants(o.Roles)
	case o.Type == access.QuarantineUser:
		u.Roles = []access.RoleGrant{}
	case o.Type == access.SetUserScopes:
		u.Scopes = access.SortScopes(o.Scopes)
	}
	return access.Box{State: u}
}

// effectOnMember: somebody without a role on a project is none of its members.
func effectOnMember(o access.Operation, b access.Box) access.Box {
	switch m := b.State.(type) {
	case access.OrgMember:
		if o.Project == "" {
			m.OrgRoles = changed(o, m.OrgRoles)
		} else {
			m.Projects = onProject(o, m.Projects)
		}
		return access.Box{State: m}
	case access.ProjectMember:
		if m.Roles = changed(o, m.Roles); len(m.Roles) == 0 {
			return access.Box{}
		}
		return access.Box{State: m}
	}
	if o.Type == access.AddProjectMember && o.Ref.Kind == access.KindProjectMember {
		return access.Box{State: access.ProjectMember{Username: o.Ref.Name, ID: o.ID, Status: statusActive, Roles: access.SortNames(o.Names)}}
	}
	return b
}

// changed are the roles after an operation on one person.
func changed(o access.Operation, held []string) []string {
	switch o.Type {
	case access.AddMemberRole:
		return access.SortNames(append(slices.Clone(held), o.Role))
	case access.RemoveMemberRole:
		return slices.DeleteFunc(slices.Clone(held), func(r string) bool { return r == o.Role })
	case access.AddProjectMember:
		return access.SortNames(o.Names)
	case access.RemoveProjectMember:
		return nil
	}
	return held
}

func onProject(o access.Operation, held []access.ProjectRoles) []access.ProjectRoles {
	var roles []string
	var out []access.ProjectRoles
	for _, p := range held {
		if p.Project == o.Project {
			roles = p.Roles
		} else {
			out = append(out, p)
		}
	}
	if roles = changed(o, roles); len(roles) > 0 {
		out = append(out, access.ProjectRoles{Project: o.Project, Roles: roles})
		slices.SortFunc(out, func(a, b access.ProjectRoles) int { return strings.Compare(a.Project, b.Project) })
	}
	return out
}

// reversed takes one write of a plan of several back, in [Simulate] alone.
func reversed(o access.Operation) (access.Operation, bool) {
	back := access.Operation{Ref: o.Ref, Project: o.Project, ID: o.ID, Role: o.Role}
	switch o.Type {
	case access.DeleteAccessEntry:
		e, ok := access.As[access.IPAccessEntry](o.Before)
		back.Type, back.Entry = access.CreateAccessEntry, e
		return back, ok
	case access.CreateAccessEntry:
		back.Type = access.DeleteAccessEntry
	case access.AddMemberRole:
		back.Type = access.RemoveMemberRole
	case access.RemoveMemberRole:
		back.Type = access.AddMemberRole
	case access.RemoveProjectMember:
		m, _ := access.As[access.OrgMember](o.Before)
		i := slices.IndexFunc(m.Projects, func(p access.ProjectRoles) bool { return p.Project == o.Project })
		if i < 0 {
			return back, false
		}
		back.Type, back.Names = access.AddProjectMember, m.Projects[i].Roles
	default:
		return back, false
	}
	return back, true
}

// with is the collection with the named resource as in the box, in a copy.
func with(c access.Collection, name string, b access.Box) access.Collection {
	i, found := slices.BinarySearchFunc(c.Resources, name, func(r access.Resource, n string) int { return strings.Compare(r.Name(), n) })
	res := slices.Clone(c.Resources)
	switch {
	case found && b.IsZero():
		res = slices.Delete(res, i, i+1)
	case found:
		res[i].Box = b
	case !b.IsZero():
		res = slices.Insert(res, i, access.Resource{Box: b})
	}
	c.Resources = res
	return c
}
