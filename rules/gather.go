package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Contribute is what a project tells of itself to the judgement of other scopes, out of
// what its own judgement takes.
func (e *Engine) Contribute(in Input) access.Contribution {
	out := access.Contribution{V: access.Version, Scope: in.Scope, Title: "project " + in.Scope.ID(), Environment: in.Environment}
	if p := access.States[access.Project](in.Collections[access.KindProject]); len(p) == 1 {
		out.Org, out.Title = p[0].OrgID, p[0].Title
	}
	for _, k := range access.ContributedKinds() {
		if why := in.settled(k); why != "" && e.covers(k) {
			if out.Unread == nil {
				out.Unread = map[access.Kind]string{}
			}
			out.Unread[k] = why
		}
	}
	for _, x := range access.States[access.IPAccessEntry](in.Collections[access.KindIPAccessEntry]) {
		out.Entries = append(out.Entries, x.Entry)
	}
	for _, u := range access.States[access.DatabaseUser](in.Collections[access.KindDatabaseUser]) {
		if u.Auth == access.AuthSCRAM && e.policy.identity(in.Environment, u).Class != access.ClassAtlasManaged {
			out.Users = append(out.Users, u.Name())
		}
		for _, l := range u.Labels {
			if isOwnerLabel(l.Key) {
				out.Owners = append(out.Owners, access.FoldName(strings.TrimSpace(l.Value)))
			}
		}
	}
	out.Owners = access.SortNames(out.Owners)
	out.Members = access.States[access.ProjectMember](in.Collections[access.KindProjectMember])
	out.Teams = access.States[access.TeamGrant](in.Collections[access.KindTeamGrant])
	out.ServiceAccounts = access.States[access.ProjectServiceAccount](in.Collections[access.KindProjectServiceAccount])
	return out
}

// Gather is what each scope of an org takes of the others: out of the org's collections,
// with what is wrong with them, and what its projects contribute, those included that may
// be its own. It is pure; the order of the projects makes no difference.
func (e *Engine) Gather(org Input, projects []access.Contribution) map[access.Scope]access.Facts {
	return e.GatherFor(org, projects, nil)
}

// GatherFor is [Engine.Gather] for the org and the projects that are wanted; nil: all.
func (e *Engine) GatherFor(org Input, projects []access.Contribution, wanted func(access.Scope) bool) map[access.Scope]access.Facts {
	projects = slices.Clone(projects)
	slices.SortFunc(projects, func(a, b access.Contribution) int { return strings.Compare(string(a.Scope), string(b.Scope)) })
	own := slices.DeleteFunc(slices.Clone(projects), access.Contribution.Stray)
	out := map[access.Scope]access.Facts{org.Scope: {V: access.Version, Scope: org.Scope, Projects: own, Unread: unread(projects, "")}}
	shared, ties := sharing(projects), newTies(e.policy, org)
	for _, p := range own {
		if wanted != nil && !wanted(p.Scope) {
			continue
		}
		out[p.Scope] = access.Facts{
			V: access.Version, Scope: p.Scope, Org: ties.of(p), Shared: shared.of(p), Unread: unread(projects, p.Scope),
		}
	}
	return out
}

// settled is why the kind cannot be judged on; what is just being read again can, by its
// last content: else every change would pass through all scopes of the org twice.
func (in *Input) settled(k access.Kind) string {
	since := in.Dirty[k]
	if in.Collections[k].Status == access.StatusComplete && !since.IsZero() && in.Now.Sub(since) < passingFor {
		return ""
	}
	return in.trouble(k)
}

// unread is what the projects but one cannot tell, by kind: one reason, and how many more.
func unread(projects []access.Contribution, but access.Scope) map[access.Kind]string {
	why, more, quiet := map[access.Kind]string{}, map[access.Kind]int{}, map[access.Kind]bool{}
	for _, p := range projects {
		for k, w := range p.Unread {
			switch {
			case p.Scope == but:
			case w == silent:
				quiet[k] = true
			case why[k] == "":
				why[k] = p.Title + ": " + w
			default:
				more[k]++
			}
		}
	}
	for k, n := range more {
		why[k] = fmt.Sprintf("%s (and %d more projects)", why[k], n)
	}
	for k := range quiet {
		why[k] = cmp.Or(why[k], silent)
	}
	if len(why) == 0 {
		return nil
	}
	return why
}

// holders are the projects that have an entry, by entry.
type holders map[string][]access.ProjectNote

func sharing(projects []access.Contribution) holders {
	out := holders{}
	for _, p := range projects {
		for _, x := range p.Entries {
			out[x] = append(out[x], access.ProjectNote{Scope: p.Scope, Title: p.Title, Environment: p.Environment})
		}
	}
	maps.DeleteFunc(out, func(_ string, in []access.ProjectNote) bool { return len(in) < 2 })
	return out
}

func (h holders) of(p access.Contribution) (out []access.SharedEntry) {
	for _, x := range p.Entries {
		others := slices.DeleteFunc(slices.Clone(h[x]), func(n access.ProjectNote) bool { return n.Scope == p.Scope })
		if len(others) > 0 {
			out = append(out, access.SharedEntry{Entry: x, Projects: others})
		}
	}
	return out
}

// ties find what of an org's collections concerns a project.
type ties struct {
	org     Input
	wanted  map[string]bool              // users that configuration names
	matrix  map[string]bool              // teams that it names
	due     map[string][]string          // ids of teams that the matrix gives roles, by environment
	members map[string][]access.Resource // team_member records by team
	people  map[string]access.Resource   // org_member records by username
}

func newTies(p *policy, org Input) *ties {
	t := &ties{org: org, wanted: map[string]bool{}, matrix: map[string]bool{}, due: map[string][]string{}, members: map[string][]access.Resource{}, people: map[string]access.Resource{}}
	for _, who := range p.Principals {
		for _, n := range append(slices.Clone(who.Atlas), who.Email) {
			t.wanted[access.FoldName(n)] = true
		}
	}
	for _, id := range p.Identities {
		t.wanted[access.FoldName(id.Owner)] = true
	}
	for _, row := range p.Matrix {
		t.matrix[row.Team] = true
	}
	for _, team := range access.States[access.Team](org.Collections[access.KindTeam]) {
		for _, row := range p.Matrix {
			for env, roles := range row.Roles {
				if row.Team == team.Title && len(roles) > 0 {
					t.due[env] = append(t.due[env], team.ID)
				}
			}
		}
	}
	for _, r := range org.Collections[access.KindTeamMember].Resources {
		if m, ok := access.As[access.TeamMember](r.Box); ok {
			t.members[m.Team] = append(t.members[m.Team], r)
		}
	}
	for _, r := range org.Collections[access.KindOrgMember].Resources {
		t.people[r.Name()] = r
	}
	return t
}

// of are the gathered kinds of the org as far as they concern the project. What cannot be
// judged on in the org cannot be judged on here, for that reason.
func (t *ties) of(p access.Contribution) map[access.Kind]access.Collection {
	out := map[access.Kind]access.Collection{}
	for _, k := range access.GatheredKinds() {
		c := t.org.Collections[k]
		if why := t.org.settled(k); why != "" && c.Status == access.StatusComplete {
			c.Status, c.Reason = access.StatusUnread, why
		}
		c.Trail, c.ChangedRead = access.Trail{}, time.Time{} // they change with what does not concern the project
		c.Resources = t.part(k, c.Resources, p)
		out[k] = c
	}
	return out
}

func (t *ties) part(k access.Kind, all []access.Resource, p access.Contribution) []access.Resource {
	switch k {
	case access.KindOrgMember:
		return t.concerned(p)
	case access.KindTeamMember:
		teams := slices.Clone(t.due[p.Environment]) // also those that hold nothing here, and should
		for _, g := range p.Teams {
			teams = append(teams, g.Team)
		}
		var out []access.Resource
		for _, id := range access.SortNames(teams) {
			out = append(out, t.members[id]...)
		}
		return byName(out)
	}
	return slices.DeleteFunc(slices.Clone(all), func(r access.Resource) bool {
		switch s := r.Box.State.(type) {
		case access.Team:
			return !t.matrix[s.Title] && !slices.ContainsFunc(p.Teams, func(g access.TeamGrant) bool { return g.Team == s.ID })
		case access.RoleMapping:
			return !slices.ContainsFunc(s.Roles, func(a access.AtlasRole) bool { return a.Org != "" || a.Project == p.Scope.ID() })
		}
		return false
	})
}

// concerned are the members of the org that have to do with the project, or that
// configuration names.
func (t *ties) concerned(p access.Contribution) []access.Resource {
	names := maps.Clone(t.wanted)
	for _, n := range p.Owners {
		names[n] = true
	}
	for _, m := range p.Members {
		names[m.Username] = true
	}
	for _, g := range p.Teams {
		for _, r := range t.members[g.Team] {
			if m, ok := access.As[access.TeamMember](r.Box); ok {
				names[m.Username] = true
			}
		}
	}
	var out []access.Resource
	for n := range names {
		if r, ok := t.people[n]; ok {
			out = append(out, r)
		}
	}
	return byName(out)
}

func byName(in []access.Resource) []access.Resource {
	slices.SortFunc(in, func(a, b access.Resource) int { return cmp.Compare(a.Name(), b.Name()) })
	return in
}

// isOwnerLabel reports whether a label of a database user names its owner.
func isOwnerLabel(key string) bool { return key == "owner" || key == "gatewarden/owner" }
