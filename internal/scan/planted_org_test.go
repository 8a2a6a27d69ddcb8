package scan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

// people of each org, by team. Somebody who owns the org has done so lately.
func staff() map[string][]string {
	return map[string][]string{
		"platform-engineers": {"carol", "dave"}, "backend": {"erin", "frank"},
		"data-analysts": {"grace"}, "security": {"heidi"}, "sre": {"ivan", "judy"},
	}
}

func teamID(o *org, title string) string {
	for i, row := range fleetMatrix() {
		if row.Team == title {
			return hex24(1, o.n, i+1)
		}
	}
	panic("no team " + title)
}

func newOrg(f *fleet, n, projects int) *org {
	id := hex24(0xf000, n)
	o := &org{place: newPlace(access.OrgScope(id)), fleet: f, n: n, id: id, busy: map[string]bool{}}
	for i := range projects {
		o.projects = append(o.projects, newProject(o, i))
	}
	o.put(access.Org{ID: id, Title: fmt.Sprintf("ExampleCorp %d", n)}, access.OrgSettings{
		OrgID: id, MultiFactorAuthRequired: true, APIAccessListRequired: true, RestrictEmployeeAccess: true, MaxSecretValidityHours: 2160,
		SecurityContact: "security@example.com", OperationsContact: "oncall@example.com",
	})
	o.people()
	o.federate()
	o.machines()
	o.prevent()
	return o
}

func (o *org) people() {
	for _, row := range fleetMatrix() {
		team := teamID(o, row.Team)
		o.put(access.Team{ID: team, Title: row.Team})
		for _, who := range staff()[row.Team] {
			o.person(who+"@example.com", row.Team, row.Roles["org"]...)
		}
	}
	for _, who := range []string{"alice@example.com", "rajesh@example.com"} { // in no team
		o.person(who, "", "ORG_OWNER")
		o.did(who, "ORG_TWO_FACTOR_AUTH_REQUIRED", 20)
		o.did(who, "ORG_EMPLOYEE_ACCESS_RESTRICTED", 12)
	}
	o.put(access.Invitation{
		Username: "mallika@example.com", ID: hex24(2, o.n), Status: "PENDING", OrgRoles: []string{"ORG_MEMBER"},
		InvitedBy: "alice@example.com", CreatedAt: daysAgo(2), ExpiresAt: fleetNow.AddDate(0, 0, 28),
	})
}

// member is somebody of the org, in the order of fields that Atlas gives.
func (o *org) member(name string, teams []string, roles ...string) access.OrgMember {
	m := access.OrgMember{Username: name, ID: hex24(3, o.n, o.next()), OrgRoles: roles, CreatedAt: daysAgo(300), LastAuth: onDay(2)}
	for _, t := range teams {
		m.Teams = append(m.Teams, teamID(o, t))
	}
	m.Teams = access.SortNames(m.Teams)
	return m
}

func (o *org) person(name, team string, roles ...string) {
	if team == "" {
		o.put(o.member(name, nil, roles...))
		return
	}
	m := o.member(name, []string{team}, roles...)
	o.put(m, access.TeamMember{Team: teamID(o, team), Username: name, UserID: m.ID, Status: "ACTIVE"})
}

func (o *org) federate() {
	idp := hex24(4, o.n)
	o.put(
		access.Federation{OrgID: o.id, ID: hex24(5, o.n), Domains: []string{"example.com"}, UIProvider: "okta-" + fmt.Sprint(o.n), DomainRestriction: true, DomainAllowList: []string{"example.com"}, PostAuthRoles: []string{"ORG_MEMBER"}, UIProviderStatus: "ACTIVE"},
		access.IdentityProvider{ID: idp, Title: "login", Protocol: "SAML", Type: "WORKFORCE", Issuer: "https://login.example.com", Status: "ACTIVE", SSOURL: "https://login.example.com/sso", SignatureAlgo: "SHA-256", Domains: []string{"example.com"}, Orgs: []string{o.id}},
		access.RoleMapping{ID: hex24(6, o.n), Group: "everybody", Roles: []access.AtlasRole{{Role: "ORG_MEMBER", Org: o.id}}},
	)
}

// machines are Gatewarden's own account and those of the pipelines, one for each job and
// environment. Each was seen doing what its roles are for.
func (o *org) machines() {
	o.put(
		access.ServiceAccount{ClientID: ownAccount, Title: "gatewarden", Roles: []string{"ORG_READ_ONLY"}, CreatedAt: daysAgo(250)},
		access.ServiceAccountSecret{ClientID: ownAccount, ID: hex24(7, o.n), CreatedAt: daysAgo(30), ExpiresAt: fleetNow.AddDate(0, 0, 45), LastUsed: onDay(0)},
		access.APIAccessEntry{Identity: ownAccount, Entry: ownAddress, CreatedAt: daysAgo(250), LastUsed: onDay(0)},
	)
	for i, job := range []struct{ title, env, third, role, event string }{
		{"ci-prod-network", "prod", "1", "GROUP_NETWORK_ACCESS_MANAGER", "NETWORK_PERMISSION_ENTRY_ADDED"},
		{"ci-prod-users", "prod", "1", "GROUP_DATABASE_ACCESS_ADMIN", "MONGODB_USER_ADDED"},
		{"ci-staging-network", "staging", "2", "GROUP_NETWORK_ACCESS_MANAGER", "NETWORK_PERMISSION_ENTRY_ADDED"},
		{"ci-dev", "dev", "3", "GROUP_CLUSTER_CREATOR", "CLUSTER_CREATED"},
	} {
		id := "mdb_sa_id_" + hex24(8, o.n, i+1)
		o.put(
			access.ServiceAccount{ClientID: id, Title: job.title, Roles: []string{"ORG_MEMBER"}, CreatedAt: daysAgo(250)},
			access.ServiceAccountSecret{ClientID: id, ID: hex24(9, o.n, i+1), CreatedAt: daysAgo(30), ExpiresAt: fleetNow.AddDate(0, 0, 45), LastUsed: onDay(1)},
			access.APIAccessEntry{Identity: id, Entry: fmt.Sprintf("34.%s1.0.%d/32", job.third, 200+i), CreatedAt: daysAgo(250), LastUsed: onDay(1)},
		)
		o.rotated(access.KindServiceAccount, id, 30)
		for _, p := range o.projects {
			if strings.HasPrefix(p.env, job.env) {
				p.put(access.ProjectServiceAccount{ClientID: id, Title: job.title, Roles: []string{job.role}})
				p.did(id, job.event, 9)
			}
		}
	}
	for _, p := range o.projects {
		p.put(access.ProjectServiceAccount{ClientID: ownAccount, Title: "gatewarden", Roles: []string{"GROUP_CLUSTER_LOG_VIEWER"}})
	}
}

func (p *place) rotated(k access.Kind, name string, days int) {
	p.history.Rotations[string(k)+"/"+name] = onDay(days)
}

// prevent gives the org the policies that the rule book has ready for it: for all of its
// projects, with what any environment declares.
func (o *org) prevent() {
	policy := fleetPolicy()
	given := prevent.Given{Org: o.id, Networks: policy.Ranges.Shared, Developer: policy.Ranges.Developer, Providers: policy.Ranges.Providers, Peers: policy.Ranges.Peers}
	for _, n := range policy.Networks {
		for _, purpose := range slices.Sorted(maps.Keys(n.Purposes)) {
			given.Networks = append(given.Networks, n.Purposes[purpose]...)
		}
		given.VPN = append(given.VPN, n.Purposes["vpn"]...)
	}
	for i, rule := range []string{"network/open-to-world", "network/exposure-too-wide", "network/entry-too-broad", "network/provider-range"} {
		if text, ok := prevent.Policy(rule, given); ok {
			o.put(access.ResourcePolicy{ID: hex24(10, o.n, i+1), Title: text.Name, Description: text.Description, Version: "v1", Policies: text.Policies})
		}
	}
}
