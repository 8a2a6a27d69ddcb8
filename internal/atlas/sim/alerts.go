package sim

import "time"

// The family of alert configurations, alerts, integrations and outgoing webhooks.

// OrgAlert and ProjectAlert are its parts of a world.
type (
	OrgAlert     struct{}
	ProjectAlert struct{}
)

// orgAlert and projectAlert are its live state.
type (
	orgAlert     struct{}
	projectAlert struct{}
)

func alertRoutes() []route { return nil }

// buildAlert makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildAlert(o *org, w OrgAlert, projects map[*project]ProjectAlert) error { return nil }

func (o *org) worldAlert() OrgAlert         { return OrgAlert{} }
func (p *project) worldAlert() ProjectAlert { return ProjectAlert{} }

// moveAlert does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveAlert(p *project, now time.Time) {}

// leaveAlert forgets a project that is deleted, outside of it.
func (o *org) leaveAlert(p *project) {}
