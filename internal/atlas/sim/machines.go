package sim

import "time"

// The family of API keys and service accounts.

// OrgMachine and ProjectMachine are its parts of a world.
type (
	OrgMachine     struct{}
	ProjectMachine struct{}
)

// orgMachine and projectMachine are its live state.
type (
	orgMachine     struct{}
	projectMachine struct{}
)

func machineRoutes() []route { return nil }

// buildMachine makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildMachine(o *org, w OrgMachine, projects map[*project]ProjectMachine) error {
	return nil
}

func (o *org) worldMachine() OrgMachine         { return OrgMachine{} }
func (p *project) worldMachine() ProjectMachine { return ProjectMachine{} }

// moveMachine does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveMachine(p *project, now time.Time) {}

// leaveMachine forgets a project that is deleted, outside of it.
func (o *org) leaveMachine(p *project) {}
