package sim

import "time"

// The family of identity providers, connected organisations and role mappings.

// OrgFederation and ProjectFederation are its parts of a world.
type (
	OrgFederation     struct{}
	ProjectFederation struct{}
)

// orgFederation and projectFederation are its live state.
type (
	orgFederation     struct{}
	projectFederation struct{}
)

func federationRoutes() []route { return nil }

// buildFederation makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildFederation(o *org, w OrgFederation, projects map[*project]ProjectFederation) error {
	return nil
}

func (o *org) worldFederation() OrgFederation         { return OrgFederation{} }
func (p *project) worldFederation() ProjectFederation { return ProjectFederation{} }

// moveFederation does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveFederation(p *project, now time.Time) {}

// leaveFederation forgets a project that is deleted, outside of it.
func (o *org) leaveFederation(p *project) {}
