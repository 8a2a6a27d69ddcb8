package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Unmatched is something that is declared and matches nothing of what was read: who made it
// up means another name, or what it named is gone.
type Unmatched struct {
	Section string // identities, principals or expectations
	Path    string // in the configuration
	Pattern string
	Why     string
}

// UnmatchedKinds are the kinds that [Engine.Unmatched] looks at.
func UnmatchedKinds(scope access.Scope) []access.Kind {
	if scope.IsOrg() {
		return []access.Kind{access.KindOrgMember, access.KindInvitation, access.KindAPIKey, access.KindServiceAccount}
	}
	return []access.Kind{access.KindProject, access.KindDatabaseUser, access.KindProjectKey, access.KindProjectServiceAccount}
}

// Unmatched lists the declared identities, principals and expectations that match nothing
// in all scopes together. It says nothing of what rests on a read that is not complete, nor
// of identities that come and go: migrations, syncs, users that a vault makes.
func (e *Engine) Unmatched(read []Input, now time.Time) []Unmatched {
	u := &unmatched{census: censusOf(e, read)}
	for i, id := range e.policy.Identities {
		if !slices.Contains([]string{access.ClassMigration, access.ClassSync, access.ClassDynamic, access.ClassAtlasManaged}, id.Class) {
			u.identity(fmt.Sprintf("identities[%d]", i), id)
		}
	}
	for i, p := range e.policy.Principals {
		u.principal(fmt.Sprintf("principals[%d]", i), p)
	}
	for i, x := range e.policy.Expectations {
		if now.Before(x.Until) {
			u.expectation(e.policy, fmt.Sprintf("expectations[%d]", i), x)
		}
	}
	return u.out
}

// census is who and what there is, and of which kinds all of it was read.
type census struct {
	whole    map[access.Kind]bool
	users    []placedUser
	machines []placedNames
	people   []string // e-mail addresses, folded
	projects []string // names and ids
}

type placedUser struct {
	environment string
	user        access.DatabaseUser
}

// placedNames are what a machine credential is called; the org's are of every environment.
type placedNames struct {
	everywhere  bool
	environment string
	names       []string
}

func censusOf(e *Engine, read []Input) *census {
	c := &census{whole: map[access.Kind]bool{}}
	levels := map[bool]bool{}
	for _, in := range read {
		for _, k := range UnmatchedKinds(in.Scope) {
			was, seen := c.whole[k]
			got, there := in.Collections[k]
			whole := there && (got.Status == access.StatusComplete || got.Status == access.StatusUnsupported) && len(got.Odd) == 0
			c.whole[k] = whole && (was || !seen)
		}
		levels[in.Scope.IsOrg()] = true
		c.take(e, in)
	}
	if !levels[true] || !levels[false] { // an empty installation has nothing to match yet
		c.whole = map[access.Kind]bool{}
	}
	return c
}

func (c *census) take(e *Engine, in Input) {
	env := in.Environment
	for _, p := range access.States[access.Project](in.Collections[access.KindProject]) {
		c.projects = append(c.projects, p.Title, p.ID)
		env, _ = e.Environment(p)
	}
	for _, u := range access.States[access.DatabaseUser](in.Collections[access.KindDatabaseUser]) {
		c.users = append(c.users, placedUser{env, u})
	}
	machine := func(names ...string) {
		c.machines = append(c.machines, placedNames{in.Scope.IsOrg(), env, names})
	}
	for _, m := range access.States[access.APIKey](in.Collections[access.KindAPIKey]) {
		machine(m.PublicKey, m.Description)
	}
	for _, m := range access.States[access.ServiceAccount](in.Collections[access.KindServiceAccount]) {
		machine(m.ClientID, m.Title)
	}
	for _, m := range access.States[access.ProjectKey](in.Collections[access.KindProjectKey]) {
		machine(m.PublicKey, m.Description)
	}
	for _, m := range access.States[access.ProjectServiceAccount](in.Collections[access.KindProjectServiceAccount]) {
		machine(m.ClientID, m.Title)
	}
	for _, m := range access.States[access.OrgMember](in.Collections[access.KindOrgMember]) {
		c.people = append(c.people, access.FoldName(m.Username))
	}
	for _, i := range access.States[access.Invitation](in.Collections[access.KindInvitation]) {
		c.people = append(c.people, access.FoldName(i.Username))
	}
}

func (c *census) wholly(kinds ...access.Kind) bool {
	return !slices.ContainsFunc(kinds, func(k access.Kind) bool { return !c.whole[k] })
}

// knowsMachines and knowsActors report whether all of them were read.
func (c *census) knowsMachines() bool {
	return c.wholly(access.KindProject, access.KindAPIKey, access.KindServiceAccount, access.KindProjectKey, access.KindProjectServiceAccount)
}

func (c *census) knowsActors() bool {
	return c.knowsMachines() && c.wholly(access.KindOrgMember, access.KindInvitation)
}

func (c *census) user(id access.Identity, glob string) bool {
	return slices.ContainsFunc(c.users, func(p placedUser) bool {
		return holdsIn(id, p.environment) && tagged(id.Labels, p.user.Labels) && matchOrAny(glob, p.user.Username)
	})
}

func (c *census) machine(glob string, in func(environment string) bool) bool {
	return slices.ContainsFunc(c.machines, func(p placedNames) bool {
		return (p.everywhere || in(p.environment)) && slices.ContainsFunc(p.names, func(n string) bool { return access.Match(glob, n) })
	})
}

// actor reports whether a person or machine is called so in the Activity Feed.
func (c *census) actor(glob string) bool {
	folded := access.FoldName(glob)
	return slices.ContainsFunc(c.people, func(n string) bool { return access.Match(folded, n) }) ||
		slices.ContainsFunc(c.machines, func(p placedNames) bool {
			return slices.ContainsFunc(p.names, func(n string) bool { return access.Match(folded, access.FoldName(n)) })
		})
}

func holdsIn(id access.Identity, environment string) bool {
	return len(id.Environments) == 0 || slices.Contains(id.Environments, environment)
}

// unmatched looks for what matches nothing.
type unmatched struct {
	*census
	out []Unmatched
}

func (u *unmatched) add(section, path, pattern, why string) {
	u.out = append(u.out, Unmatched{section, path, pattern, why})
}

func (u *unmatched) identity(path string, id access.Identity) {
	const section = "identities"
	if u.wholly(access.KindProject, access.KindDatabaseUser) {
		for j, g := range id.Usernames {
			if !u.user(id, g) {
				u.add(section, fmt.Sprintf("%s.usernames[%d]", path, j), g, "it matches no database user where the identity holds")
			}
		}
		if len(id.Usernames) == 0 && len(id.Labels) > 0 && !u.user(id, "") {
			u.add(section, path+".labels", id.Class, "no database user has these labels where the identity holds")
		}
	}
	if u.knowsMachines() {
		for j, g := range id.Machines {
			if !u.machine(g, func(environment string) bool { return holdsIn(id, environment) }) {
				u.add(section, fmt.Sprintf("%s.machines[%d]", path, j), g, "it matches no API key and no service account")
			}
		}
	}
}

func (u *unmatched) principal(path string, p access.Principal) {
	const section = "principals"
	if !u.knowsActors() {
		return
	}
	for j, name := range p.Atlas {
		if !u.actor(name) {
			u.add(section, fmt.Sprintf("%s.atlas[%d]", path, j), name, "no member, invitation, API key or service account of Atlas is called so")
		}
	}
	for j, name := range p.Owns {
		if !u.actor(name) {
			u.add(section, fmt.Sprintf("%s.owns[%d]", path, j), name, "no API key or service account of Atlas is called so")
		}
	}
}

func (u *unmatched) expectation(p *policy, path string, x access.Expectation) {
	const section = "expectations"
	if x.Project != "" && u.wholly(access.KindProject) && !slices.ContainsFunc(u.projects, func(n string) bool { return access.Match(x.Project, n) }) {
		u.add(section, path+".project", x.Project, "it matches no project")
	}
	named := slices.ContainsFunc(p.Principals, func(o access.Principal) bool { return o.ID == x.Actor })
	if x.Actor != "" && !named && u.knowsActors() && !u.actor(x.Actor) {
		u.add(section, path+".actor", x.Actor, "it is no declared principal, and nobody in Atlas is called so")
	}
}
