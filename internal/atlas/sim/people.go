package sim

import "time"

// The family of an organisation's users and teams, invitations, a project's users and team grants.

// OrgPeople and ProjectPeople are its parts of a world.
type (
	OrgPeople     struct{}
	ProjectPeople struct{}
)

// orgPeople and projectPeople are its live state.
type (
	orgPeople     struct{}
	projectPeople struct{}
)

func peopleRoutes() []route { return nil }

// buildPeople makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildPeople(o *org, w OrgPeople, projects map[*project]ProjectPeople) error {
	return nil
}

func (o *org) worldPeople() OrgPeople         { return OrgPeople{} }
func (p *project) worldPeople() ProjectPeople { return ProjectPeople{} }

// movePeople does what Atlas does by itself in the project when its time has come.
func (a *Atlas) movePeople(p *project, now time.Time) {}

// leavePeople forgets a project that is deleted, outside of it.
func (o *org) leavePeople(p *project) {}
