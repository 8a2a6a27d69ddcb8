package sim

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// governed is a world with everything of organisations' settings and federations.
const governed = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234567, secret: "fake secret/with+signs", roles: [ORG_OWNER]}
      - {clientId: mdb_sa_id_0123456789abcdef01234568, secret: fake-reader, roles: [ORG_READ_ONLY]}
    users: [{username: alice@example.com, roles: [ORG_OWNER]}]
    settings:
      multiFactorAuthRequired: true
      apiAccessListRequired: false
      securityContact: sec@example.com
      operationsContact: ops@example.com
      maxServiceAccountSecretValidityInHours: 24
      customSessionTimeouts: {idleSessionTimeoutInSeconds: 900}
    skipDefaultAlertsSettings: true
    uiIpAccessListEnabled: true
    delegationSettings: {delegatedMcpAccess: DISALLOWED, maximumRefreshTokenLifetime: 3600}
    resourcePolicies:
      - name: no wildcard
        policies:
          - body: 'forbid(principal, action == ResourcePolicy::Action::"project.ipAccessList.modify", resource) when { context.project.ipAccessList.contains(ip("0.0.0.0/0")) };'
    projects:
      - name: prod
        settings: {isDataExplorerEnabled: false}
        limits: {atlas.project.deployment.clusters: 3}
        accessList: [{cidrBlock: 0.0.0.0/0}]
      - name: dev
  - name: OtherCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234569, secret: fake-member, roles: [ORG_OWNER]}
    projects: [{name: foreign}]
  - name: LoneCorp
federations:
  - federatedDomains: [example.com]
    identityProviders:
      - {protocol: SAML, displayName: saml, issuerUri: "urn:saml", status: ACTIVE, ssoUrl: "https://idp.example.com", associatedDomains: [example.com]}
      - {protocol: OIDC, displayName: people, issuerUri: "https://idp.example.com", audience: atlas, authorizationType: GROUP, groupsClaim: groups, clientId: c, requestedScopes: [openid]}
      - {protocol: OIDC, idpType: WORKLOAD, displayName: robots, issuerUri: "https://robots.example.com", audience: atlas, authorizationType: USER}
    connectedOrgConfigs:
      - orgId: ExampleCorp
        identityProviderId: saml
        dataAccessIdentityProviderIds: [people]
        domainRestrictionEnabled: true
        domainAllowList: [example.com]
        postAuthRoleGrants: [ORG_MEMBER]
        roleMappings:
          - externalGroupName: dba
            roleAssignments: [{orgId: ExampleCorp, role: ORG_MEMBER}, {groupId: prod, role: GROUP_DATABASE_ACCESS_ADMIN}]
        userConflicts: [{emailAddress: rajesh@other.example, firstName: Rajesh, lastName: R}]
      - {orgId: OtherCorp, identityProviderId: saml}
`

func TestGovernedRoundTrip(t *testing.T) {
	w := startWorld(t, governed)
	w.do("PATCH", w.path("{org}/settings"), `{"customSessionTimeouts":null,"operationsContact":null}`)
	w.do("PATCH", w.path("{prod}/settings"), `{"isSchemaAdvisorEnabled":false}`)
	w.do("PATCH", w.fedPath("{fed}/connectedOrgConfigs/ORG"), `{"domainAllowList":[],"identityProviderId":"`+w.legacyID()+`"}`)
	first := w.Snapshot()
	text, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseWorld("snapshot", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	other, err := New(Options{World: read, Seed: 99, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		t.Error(d)
	}
	first.Orgs[0].ResourcePolicies[0].Policies[0].Body, *first.Orgs[0].Settings.MaxSecretValidityInHours = "x", 9
	first.Federations[0].ConnectedOrgConfigs[0].RoleMappings[0].RoleAssignments[0].Role = "x"
	if d := cmp.Diff(other.Snapshot(), w.Snapshot()); d != "" {
		t.Errorf("the snapshot shares memory: %s", d)
	}
}

func TestGovernedMistakes(t *testing.T) {
	for src, want := range map[string]string{
		"orgs: [{name: a, settings: {mfa: true}}]":                                   "mfa",
		"orgs: [{name: a, settings: {securityContact: x}}]":                          "securityContact",
		"orgs: [{name: a, projects: [{name: p, settings: {isX: true}}]}]":            "isX",
		"orgs: [{name: a, resourcePolicies: [{name: r, policies: [{body: nope}]}]}]": "unexpected effect: nope",
		"orgs: [{name: a, resourcePolicies: [{name: r, policies: []}]}]":             "at least one",
		"federations: [{connectedOrgConfigs: [{orgId: b}]}]":                         "no such organisation",
		"federations: [{}]": "no connected organisation",
		"orgs: [{name: a}]\nfederations: [{connectedOrgConfigs: [{orgId: a, identityProviderId: x}]}]":      `no identity provider "x"`,
		"orgs: [{name: a}]\nfederations: [{connectedOrgConfigs: [{orgId: a}, {orgId: a}]}]":                 "connected already",
		"orgs: [{name: a}]\nfederations: [{identityProviders: [{protocol: X}]}]":                            "not SAML or OIDC",
		"orgs: [{name: a}]\nfederations: [{identityProviders: [{protocol: OIDC}]}]":                         "displayName",
		"orgs: [{name: a}]\nfederations: [{connectedOrgConfigs: [{orgId: a, postAuthRoleGrants: [KING]}]}]": "KING",
	} {
		w, err := ParseWorld("w", []byte(src))
		if err == nil {
			_, err = New(Options{World: w})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// Each operation wants the role that the official document names, and every one a scope
// that exists.
func TestGovernedRoles(t *testing.T) {
	w := startWorld(t, strings.Replace(governed, "roles: [ORG_READ_ONLY]}", "roles: [ORG_READ_ONLY, GROUP_READ_ONLY@prod]}", 1))
	for _, set := range []string{"orgSettings_organization", "resourcePolicies_organization"} {
		w.SetRateLimit(set, 1000, 1000)
	}
	owner, reader, foreign := w.token(ownerID), w.token(readerID), w.token(memberID)
	ids := strings.NewReplacer("{orgId}", w.OrgID("ExampleCorp"), "{groupId}", w.ProjectID("prod"), "{federationSettingsId}", w.fedID())
	none := strings.NewReplacer("{orgId}", ids.Replace("{groupId}"), "{groupId}", ids.Replace("{orgId}"), "{federationSettingsId}", ids.Replace("{orgId}"))
	ours := slices.Concat(orgRoutes(), federationRoutes())
	for _, r := range w.routes {
		if !slices.ContainsFunc(ours, func(o route) bool { return o.op == r.op }) {
			continue
		}
		status := func(token, path string) (int, string) {
			a := w.send(w.request(r.method, path, "", "Authorization", "Bearer "+token))
			return a.status, a.code()
		}
		ownersOnly := !slices.Contains(r.spec.Roles, "Organization Member") && !slices.Contains(r.spec.Roles, "Project Read Only")
		if got, code := status(reader, ids.Replace(r.path)); (got == 401) != ownersOnly {
			t.Errorf("%s by a reader: %d %s", r.op, got, code)
		}
		if got, code := status(foreign, ids.Replace(r.path)); got != 401 && (!strings.HasPrefix(r.path, "/federation") || strings.Contains(r.path, "{orgId}")) {
			t.Errorf("%s from another organisation: %d %s", r.op, got, code)
		}
		if got, code := status(owner, none.Replace(r.path)); got != 404 {
			t.Errorf("%s of nothing: %d %s", r.op, got, code)
		}
	}
}
