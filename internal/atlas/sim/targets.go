package sim

import "time"

// The family of clusters, flex clusters, federated databases and stream workspaces beyond reading.

// OrgTarget and ProjectTarget are its parts of a world.
type (
	OrgTarget     struct{}
	ProjectTarget struct{}
)

// orgTarget and projectTarget are its live state.
type (
	orgTarget     struct{}
	projectTarget struct{}
)

func targetRoutes() []route { return nil }

// buildTarget makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildTarget(o *org, w OrgTarget, projects map[*project]ProjectTarget) error {
	return nil
}

func (o *org) worldTarget() OrgTarget         { return OrgTarget{} }
func (p *project) worldTarget() ProjectTarget { return ProjectTarget{} }

// moveTarget does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveTarget(p *project, now time.Time) {}

// leaveTarget forgets a project that is deleted, outside of it.
func (o *org) leaveTarget(p *project) {}
