package scan_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// holds gives somebody of the org roles on the project, by no team.
func (p *project) holds(at time.Time, who string, roles ...string) access.ProjectMember {
	m := access.ProjectMember{Username: who, ID: hex24(0x40, p.org.n, p.org.next()), Status: "ACTIVE", Roles: access.SortNames(roles)}
	if at.IsZero() {
		p.put(m)
	} else {
		p.add(at, m)
	}
	p.want("member/direct-role", access.KindProjectMember, who)
	r := p.org.records[access.KindOrgMember][who]
	o := r.Box.State.(access.OrgMember)
	o.Projects = append(slices.Clone(o.Projects), access.ProjectRoles{Project: p.id, Roles: m.Roles})
	slices.SortFunc(o.Projects, func(a, b access.ProjectRoles) int {
		if a.Project < b.Project {
			return -1
		}
		return 1
	})
	r.Box.State = o
	p.org.record(r)
	return m
}

// grant is what a team holds on the project.
func (p *project) grant(team string) access.TeamGrant {
	return p.state(access.KindTeamGrant, teamID(p.org, team)).(access.TeamGrant)
}

// regrant gives a team other roles on the project than it had.
func (p *project) regrant(team string, roles ...string) (before, after access.TeamGrant) {
	before = p.grant(team)
	after = before
	after.Roles = access.SortNames(roles)
	p.alter(ago(2*time.Hour), after)
	p.want("member/access-matrix", access.KindTeamGrant, after.Team)
	return before, after
}

func peoplePlantings() []projectPlanting {
	const grants = "what teams hold"
	return []projectPlanting{
		{"member/access-matrix", "more than declared", notDev, grants, func(p *project) {
			p.regrant("backend", append([]string{"GROUP_CLUSTER_LOG_VIEWER"}, p.grant("backend").Roles...)...)
		}},
		{"member/access-matrix", "less than declared", notDev, grants, func(p *project) { p.regrant("platform-engineers", "GROUP_CLUSTER_MANAGER") }},
		{"member/access-matrix", "a team of no row here", inProd, grants, func(p *project) {
			g := access.TeamGrant{Team: teamID(p.org, "data-analysts"), Roles: []string{"GROUP_READ_ONLY"}}
			p.add(ago(2*time.Hour), g)
			p.want("member/access-matrix", access.KindTeamGrant, g.Team)
		}},
		{"member/access-matrix", "a team is missing", nil, grants, func(p *project) {
			p.drop(access.KindTeamGrant, teamID(p.org, "backend"))
			p.want("member/access-matrix", access.KindTeamGrant, "")
		}},
		{"member/direct-role", "", nil, "somebody direct", func(p *project) { p.holds(daysAgo(3), "frank@example.com", "GROUP_READ_ONLY") }},
		{"member/data-access-in-prod", "by a team", func(p *project) bool { return p.env == "prod" }, grants, func(p *project) {
			_, g := p.regrant("backend", "GROUP_OBSERVABILITY_VIEWER", "GROUP_DATA_ACCESS_READ_ONLY")
			p.want("member/data-access-in-prod", access.KindTeamGrant, g.Team)
		}},
		{"member/data-access-in-prod", "directly", inProd, "somebody direct", func(p *project) {
			p.holds(daysAgo(3), "grace@example.com", "GROUP_DATA_ACCESS_ADMIN")
			p.want("member/data-access-in-prod", access.KindProjectMember, "grace@example.com")
		}},
		{"member/too-many-owners", "of a project", notDev, "somebody direct", func(p *project) {
			for _, who := range []string{"carol", "dave", "erin", "frank", "grace", "judy"} {
				p.holds(ago(2*time.Hour), who+"@example.com", "GROUP_OWNER")
			}
			p.want("member/too-many-owners", access.KindProjectMember, "")
		}},
		{"member/too-many-owners", "counting a team", func(p *project) bool { return p.env == "dev" }, "somebody direct + " + grants, func(p *project) {
			for _, who := range []string{"erin", "frank", "grace", "judy"} {
				p.holds(ago(2*time.Hour), who+"@example.com", "GROUP_OWNER")
			}
			p.want("member/too-many-owners", access.KindProjectMember, "")
		}},
		{"member/over-privileged", "of a project", notDev, "somebody direct", func(p *project) {
			m := p.holds(time.Time{}, "dave@example.com", "GROUP_OWNER")
			p.did(m.Username, "NETWORK_PERMISSION_ENTRY_ADDED", 14)
			p.want("member/over-privileged", access.KindProjectMember, m.Username)
		}},
		{"member/role-raised", "a team", notDev, grants, func(p *project) {
			before, after := p.regrant("sre", append([]string{"GROUP_CLUSTER_MANAGER"}, p.grant("sre").Roles...)...)
			p.became(ago(2*time.Hour), before, after, "TEAM_ROLES_MODIFIED", "erin@example.com", "roleNames")
			p.want("member/role-raised", access.KindTeamGrant, after.Team)
		}},
		{"member/role-raised", "somebody direct", nil, "somebody direct", func(p *project) {
			m := p.holds(ago(2*time.Hour), "judy@example.com", "GROUP_CLUSTER_MANAGER")
			p.made(ago(2*time.Hour), m, "JOINED_GROUP", "erin@example.com")
			p.want("member/role-raised", access.KindProjectMember, m.Username)
		}},
		{"member/temporary-owner", "of a project", notDev, "somebody direct", func(p *project) {
			m := p.holds(ago(30*time.Hour), "ivan@example.com", "GROUP_OWNER")
			p.ownerSince(access.KindProjectMember, m.Username, ago(30*time.Hour))
			p.want("member/temporary-owner", access.KindProjectMember, m.Username)
		}},
		{"member/temporary-owner", "a team", notDev, grants, func(p *project) {
			_, g := p.regrant("sre", append([]string{"GROUP_OWNER"}, p.grant("sre").Roles...)...)
			p.alter(ago(30*time.Hour), g)
			p.ownerSince(access.KindTeamGrant, g.Team, ago(30*time.Hour))
			p.want("member/temporary-owner", access.KindTeamGrant, g.Team)
		}},
		{"member/toxic-combination", "in a project", nil, "somebody direct", func(p *project) {
			p.holds(daysAgo(3), "dave@example.com", "GROUP_BACKUP_RECOVERY_OPERATOR", "GROUP_BACKUP_EXPORT_OPERATOR")
			p.org.want("member/toxic-combination", access.KindOrgMember, "dave@example.com")
		}},
		{"member/toxic-combination", "with a team", inProd, "somebody direct", func(p *project) {
			p.holds(daysAgo(3), "heidi@example.com", "GROUP_ACCESS_MANAGER") // security views logs
			p.org.want("member/toxic-combination", access.KindOrgMember, "heidi@example.com")
		}},
	}
}

// ownerSince is what the watcher takes down of who is made an owner.
func (p *place) ownerSince(k access.Kind, name string, at time.Time) {
	r := p.records[k][name]
	r.OwnerSince = at
	p.record(r)
}

func peopleOrgPlantings() []orgPlanting {
	const owners, federation = "owners", "federation"
	return slices.Concat(accountPlantings(), []orgPlanting{
		{"member/too-many-owners", "", owners, func(o *org) {
			for i := range 4 {
				who := fmt.Sprintf("owner%d@example.com", i)
				o.person(who, "", "ORG_OWNER")
				o.did(who, "ORG_TWO_FACTOR_AUTH_REQUIRED", 5)
			}
			o.want("member/too-many-owners", access.KindOrgMember, "")
		}},
		{"member/too-many-owners", "counting a mapping", owners + " + a mapping of owners", func(o *org) {
			for i := range 3 {
				who := fmt.Sprintf("owner%d@example.com", i)
				o.person(who, "", "ORG_OWNER")
				o.did(who, "ORG_TWO_FACTOR_AUTH_REQUIRED", 5)
			}
			o.privileged(access.AtlasRole{Role: "ORG_OWNER", Org: o.id})
			o.want("member/too-many-owners", access.KindOrgMember, "")
		}},
		{"member/too-few-owners", "", owners, func(o *org) {
			o.drop(access.KindOrgMember, "rajesh@example.com")
			o.want("member/too-few-owners", access.KindOrgMember, "")
		}},
		{"member/over-privileged", "", owners, func(o *org) {
			o.person("olga@example.com", "", "ORG_OWNER")
			o.want("member/over-privileged", access.KindOrgMember, "olga@example.com")
		}},
		{"member/access-matrix", "of the org", "more than a team's row", func(o *org) {
			o.person("pat@example.com", "sre", "ORG_MEMBER", "ORG_BILLING_READ_ONLY")
			o.want("member/access-matrix", access.KindOrgMember, "pat@example.com")
		}},
		{"member/role-raised", "of the org", owners, func(o *org) {
			before := o.state(access.KindOrgMember, "frank@example.com").(access.OrgMember)
			after := before
			after.OrgRoles = []string{"ORG_GROUP_CREATOR"}
			o.became(ago(2*time.Hour), before, after, "USER_ROLES_CHANGED_AUDIT", "erin@example.com", "orgRoles")
			o.want("member/role-raised", access.KindOrgMember, after.Username)
			o.want("member/access-matrix", access.KindOrgMember, after.Username)
		}},
		{"member/role-raised", "by joining a team", "a new member of a team", func(o *org) {
			m := access.TeamMember{Team: teamID(o, "platform-engineers"), Username: "grace@example.com", UserID: hex24(0x41, o.n), Status: "ACTIVE"}
			o.made(ago(2*time.Hour), m, "JOINED_TEAM", "erin@example.com")
			o.want("member/role-raised", access.KindTeamMember, m.Name())
		}},
		{"member/role-raised", "by a mapping", "a raised mapping", func(o *org) {
			before := access.RoleMapping{ID: hex24(0x42, o.n), Group: "builders", Roles: []access.AtlasRole{{Role: "ORG_MEMBER", Org: o.id}}}
			after := before
			after.Roles = access.SortRoles([]access.AtlasRole{{Role: "ORG_MEMBER", Org: o.id}, {Role: "ORG_GROUP_CREATOR", Org: o.id}})
			o.became(ago(2*time.Hour), before, after, "ROLE_MAPPING_UPDATED", "erin@example.com", "roleAssignments")
			o.want("member/role-raised", access.KindRoleMapping, after.ID)
		}},
		{"member/temporary-owner", "of the org", owners, func(o *org) {
			before := o.state(access.KindOrgMember, "judy@example.com").(access.OrgMember)
			before.OrgRoles = []string{"ORG_OWNER"}
			o.alter(ago(30*time.Hour), before)
			o.ownerSince(access.KindOrgMember, before.Username, ago(30*time.Hour))
			o.want("member/temporary-owner", access.KindOrgMember, before.Username)
			o.want("member/access-matrix", access.KindOrgMember, before.Username)
		}},
		{"member/data-access-in-prod", "by a mapping", "a mapping with data", func(o *org) {
			p := o.some("prod")
			o.put(access.RoleMapping{ID: hex24(0x43, o.n), Group: "curious", Roles: access.SortRoles([]access.AtlasRole{{Role: "ORG_MEMBER", Org: o.id}, {Role: "GROUP_DATA_ACCESS_READ_ONLY", Project: p.id}})})
			p.by = o.by
			p.want("member/data-access-in-prod", access.KindProjectMember, "")
		}},
		{"federation/role-mapping-privileged", "org", "a mapping of owners", func(o *org) { o.privileged(access.AtlasRole{Role: "ORG_OWNER", Org: o.id}) }},
		{"federation/role-mapping-privileged", "project", "a mapping of owners", func(o *org) { o.privileged(access.AtlasRole{Role: "GROUP_OWNER", Project: o.some("dev").id}) }},
		{"federation/role-mapping-privileged", "default", federation, func(o *org) {
			f := only[access.Federation](o.place, access.KindFederation)
			f.PostAuthRoles = []string{"ORG_OWNER"}
			o.put(f)
			o.want("federation/role-mapping-privileged", access.KindFederation, "")
		}},
		{"federation/not-configured", "none", federation + " + a mapping of owners + a mapping with data + a raised mapping + a second provider", func(o *org) {
			clear(o.records[access.KindFederation])
			clear(o.records[access.KindIdentityProvider])
			clear(o.records[access.KindRoleMapping])
			o.want("federation/not-configured", access.KindOrg, "")
		}},
		{"federation/not-configured", "no domain", federation, func(o *org) {
			f := only[access.Federation](o.place, access.KindFederation)
			f.Domains = nil
			o.put(f)
			o.want("federation/not-configured", access.KindOrg, "")
		}},
		{"federation/not-configured", "no provider", federation, func(o *org) {
			f := only[access.Federation](o.place, access.KindFederation)
			f.UIProvider, f.UIProviderStatus = "", ""
			o.put(f)
			o.want("federation/not-configured", access.KindOrg, "")
		}},
		{"federation/domain-restriction-off", "", federation, func(o *org) {
			f := only[access.Federation](o.place, access.KindFederation)
			f.DomainRestriction = false
			o.put(f)
			o.want("federation/domain-restriction-off", access.KindFederation, "")
		}},
		{"federation/provider-changed", "edited", federation, func(o *org) {
			before := o.state(access.KindIdentityProvider, hex24(4, o.n)).(access.IdentityProvider)
			after := before
			after.SSOURL = "https://login.example.net/sso"
			o.became(ago(time.Hour), before, after, "IDENTITY_PROVIDER_UPDATED", "erin@example.com", "ssoUrl")
			o.want("federation/provider-changed", access.KindIdentityProvider, after.ID)
		}},
		{"federation/provider-changed", "created", "a second provider", func(o *org) {
			p := access.IdentityProvider{ID: hex24(0x44, o.n), Title: "other", Protocol: "OIDC", Type: "WORKLOAD", Issuer: "https://idp.example.net"}
			o.made(ago(time.Hour), p, "IDENTITY_PROVIDER_CREATED", "erin@example.com")
			o.want("federation/provider-changed", access.KindIdentityProvider, p.ID)
		}},
		{"federation/provider-changed", "keys revoked", "keys of a provider", func(o *org) {
			o.observed(access.KindIdentityProvider, "", "IDENTITY_PROVIDER_JWKS_REVOKED", "erin@example.com")
			o.fleet.want[finding{"federation/provider-changed", o.scope, access.KindIdentityProvider, ""}] = o.by
		}},
	})
}

// privileged adds a mapping that makes owners.
func (o *org) privileged(r access.AtlasRole) {
	m := access.RoleMapping{ID: hex24(0x45, o.n), Group: "owners", Roles: access.SortRoles([]access.AtlasRole{r, {Role: "ORG_MEMBER", Org: o.id}})}
	o.put(m)
	o.want("federation/role-mapping-privileged", access.KindRoleMapping, m.ID)
}

func accountPlantings() []orgPlanting {
	joins := func(name, rule string, edit func(*access.OrgMember)) func(*org) {
		return func(o *org) {
			m := o.member(name, []string{"backend"}, "ORG_MEMBER")
			if edit != nil {
				edit(&m)
			}
			o.put(m, access.TeamMember{Team: teamID(o, "backend"), Username: name, UserID: m.ID, Status: "ACTIVE"})
			o.want(rule, access.KindOrgMember, name)
		}
	}
	invites := func(name, rule string, days int) func(*org) {
		return func(o *org) {
			o.put(access.Invitation{Username: name, ID: hex24(0x46, o.n, o.next()), Status: "PENDING", OrgRoles: []string{"ORG_MEMBER"}, InvitedBy: "alice@example.com", CreatedAt: daysAgo(days), ExpiresAt: fleetNow.AddDate(0, 0, 30-days)})
			o.want(rule, access.KindInvitation, name)
		}
	}
	return []orgPlanting{
		{"member/external-domain", "a suffix", "external 1", joins("mallory@evilexample.com", "member/external-domain", nil)},
		{"member/external-domain", "a subdomain", "external 2", joins("mallory@mail.example.com", "member/external-domain", nil)},
		{"member/external-domain", "a prefix", "external 3", joins("mallory@example.com.evil.net", "member/external-domain", nil)},
		{"member/stale", "", "stale", joins("sleeper@example.com", "member/stale", func(m *access.OrgMember) { m.LastAuth = onDay(120) })},
		{"member/stale", "never came", "stale 2", joins("nobody@example.com", "member/stale", func(m *access.OrgMember) { m.LastAuth = time.Time{} })},
		{"member/shared-account", "devops", "shared 1", joins("devops@example.com", "member/shared-account", nil)},
		{"member/shared-account", "team", "shared 2", joins("team@example.com", "member/shared-account", nil)},
		{"invite/external-domain", "", "invited 1", invites("mallory@evil-example.com", "invite/external-domain", 1)},
		{"invite/stale", "", "invited 2", invites("slow@example.com", "invite/stale", 9)},
	}
}
