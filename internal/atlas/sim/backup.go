package sim

import "time"

// The family of snapshots, restore and export jobs, and export buckets.

// OrgBackup and ProjectBackup are its parts of a world.
type (
	OrgBackup     struct{}
	ProjectBackup struct{}
)

// orgBackup and projectBackup are its live state.
type (
	orgBackup     struct{}
	projectBackup struct{}
)

func backupRoutes() []route { return nil }

// buildBackup makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildBackup(o *org, w OrgBackup, projects map[*project]ProjectBackup) error {
	return nil
}

func (o *org) worldBackup() OrgBackup         { return OrgBackup{} }
func (p *project) worldBackup() ProjectBackup { return ProjectBackup{} }

// moveBackup does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveBackup(p *project, now time.Time) {}

// leaveBackup forgets a project that is deleted, outside of it.
func (o *org) leaveBackup(p *project) {}
