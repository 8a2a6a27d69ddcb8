package sim

import (
	"maps"
	"slices"
	"time"
)

// Snapshot returns the current state as a world: a deep copy, with every id and secret
// in it. Feeds, tokens and logs are not part of a world.
func (a *Atlas) Snapshot() World {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tick(a.now())
	w := World{}
	for _, o := range a.orgs {
		w.Orgs = append(w.Orgs, o.snapshot(a.now()))
	}
	for _, f := range a.federations {
		w.Federations = append(w.Federations, f.world())
	}
	return w
}

func (o *org) snapshot(now time.Time) Org {
	out := Org{ID: o.id, Name: o.name, Limits: maps.Clone(o.limits)}
	out.OrgSettings = o.worldSettings()
	out.OrgPeople = o.worldPeople()
	for _, p := range o.principals {
		if p.clientID != "" {
			out.ServiceAccounts = append(out.ServiceAccounts, p.worldAccount(now))
		} else {
			out.APIKeys = append(out.APIKeys, p.worldKey())
		}
	}
	for _, m := range o.members {
		out.Users = append(out.Users, m.world())
	}
	for _, p := range o.projects {
		out.Projects = append(out.Projects, p.snapshot())
	}
	return out
}

func (p *project) snapshot() Project {
	created := p.created
	out := Project{
		ID: p.id, Name: p.name, Created: &created, Tags: slices.Clone(p.tags),
		AccessHistory: slices.Clone(p.logins), Limits: maps.Clone(p.limits),
	}
	out.ProjectSettings = p.worldSettings()
	out.ProjectPeople = p.worldPeople()
	out.ProjectNetwork = p.worldNetwork()
	out.ProjectDatabaseAuth = p.worldDatabaseAuth()
	out.ProjectAlert = p.worldAlert()
	out.ProjectTarget = p.worldTarget()
	out.ProjectBackup = p.worldBackup()
	p.worldScopeTargets(&out)
	for _, e := range p.access {
		out.AccessList = append(out.AccessList, e.AccessEntry)
	}
	for _, u := range p.users {
		out.DatabaseUsers = append(out.DatabaseUsers, completeUser(*u))
	}
	for _, r := range p.roles {
		out.CustomRoles = append(out.CustomRoles, *completeRole(*r))
	}
	return out
}
