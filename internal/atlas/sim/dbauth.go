package sim

import "time"

// The family of X.509 certificates, user security and auditing.

// OrgDatabaseAuth and ProjectDatabaseAuth are its parts of a world.
type (
	OrgDatabaseAuth     struct{}
	ProjectDatabaseAuth struct{}
)

// orgDatabaseAuth and projectDatabaseAuth are its live state.
type (
	orgDatabaseAuth     struct{}
	projectDatabaseAuth struct{}
)

func databaseAuthRoutes() []route { return nil }

// buildDatabaseAuth makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildDatabaseAuth(o *org, w OrgDatabaseAuth, projects map[*project]ProjectDatabaseAuth) error {
	return nil
}

func (o *org) worldDatabaseAuth() OrgDatabaseAuth         { return OrgDatabaseAuth{} }
func (p *project) worldDatabaseAuth() ProjectDatabaseAuth { return ProjectDatabaseAuth{} }

// moveDatabaseAuth does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveDatabaseAuth(p *project, now time.Time) {}

// leaveDatabaseAuth forgets a project that is deleted, outside of it.
func (o *org) leaveDatabaseAuth(p *project) {}
