package sim

import "time"

// The family of private endpoints, peering, containers and cloud provider access.

// OrgNetwork and ProjectNetwork are its parts of a world.
type (
	OrgNetwork     struct{}
	ProjectNetwork struct{}
)

// orgNetwork and projectNetwork are its live state.
type (
	orgNetwork     struct{}
	projectNetwork struct{}
)

func networkRoutes() []route { return nil }

// buildNetwork makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildNetwork(o *org, w OrgNetwork, projects map[*project]ProjectNetwork) error {
	return nil
}

func (o *org) worldNetwork() OrgNetwork         { return OrgNetwork{} }
func (p *project) worldNetwork() ProjectNetwork { return ProjectNetwork{} }

// moveNetwork does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveNetwork(p *project, now time.Time) {}

// leaveNetwork forgets a project that is deleted, outside of it.
func (o *org) leaveNetwork(p *project) {}
