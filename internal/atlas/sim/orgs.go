package sim

import "time"

// The family of settings, delegation settings, resource policies and non-compliant resources; a project's settings and limits.

// OrgSettings and ProjectSettings are its parts of a world.
type (
	OrgSettings     struct{}
	ProjectSettings struct{}
)

// orgSettings and projectSettings are its live state.
type (
	orgSettings     struct{}
	projectSettings struct{}
)

func orgRoutes() []route { return nil }

// buildSettings makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildSettings(o *org, w OrgSettings, projects map[*project]ProjectSettings) error {
	return nil
}

func (o *org) worldSettings() OrgSettings         { return OrgSettings{} }
func (p *project) worldSettings() ProjectSettings { return ProjectSettings{} }

// moveSettings does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveSettings(p *project, now time.Time) {}

// leaveSettings forgets a project that is deleted, outside of it.
func (o *org) leaveSettings(p *project) {}
