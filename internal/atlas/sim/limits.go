package sim

// Names of limits. Those with "atlas." are Atlas's own names of project limits; support
// raises the others on request, and they have no name in the API, so the names here are
// this package's.
const (
	limitEntries      = "atlas.project.security.networkAccess.entries"
	limitCrossRegion  = "atlas.project.security.networkAccess.crossRegionEntries"
	limitDBUsers      = "atlas.project.security.databaseAccess.users"
	limitCustomRoles  = "atlas.project.security.databaseAccess.customRoles"
	limitClusters     = "atlas.project.deployment.clusters"
	limitOrgUsers     = "org.users"
	limitProjectUsers = "project.users"
	limitOrgKeys      = "org.apiKeys"
	limitOrgAccounts  = "org.serviceAccounts"
	limitOrgTeams     = "org.teams"
	limitProjectTeams = "project.teams"
	limitTeamUsers    = "team.users"
	limitOrgProjects  = "org.projects"
	limitUserRoles    = "databaseUser.roles"
	limitPeers        = "project.peers"
	limitTokens       = "serviceAccount.tokens"
	limitSecrets      = "serviceAccount.secrets"
)

// standardLimits are what Atlas's pages state.
func standardLimits() map[string]int {
	return map[string]int{
		limitEntries: 200, limitCrossRegion: 40, limitDBUsers: 100, limitCustomRoles: 100, limitClusters: 25,
		limitOrgUsers: 500, limitProjectUsers: 500, limitOrgKeys: 500, limitOrgAccounts: 500, limitOrgTeams: 250,
		limitProjectTeams: 100, limitTeamUsers: 250, limitOrgProjects: 250, limitUserRoles: 100, limitPeers: 50,
		limitTokens: 100, limitSecrets: 2,
	}
}

// limit is what holds in the project (nil: none) and its organisation: a world or an
// owner may have set another value than the standard one.
func (a *Atlas) limit(name string, o *org, p *project) int {
	if p != nil {
		if n, ok := p.limits[name]; ok {
			return n
		}
		o = p.org
	}
	if o != nil {
		if n, ok := o.limits[name]; ok {
			return n
		}
	}
	return a.standard[name]
}

// limit is the limit of that name where the call is.
func (c *call) limit(name string) int { return c.a.limit(name, c.org, c.project) }
