package sim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// ConnectedOrg is how one organisation takes part in a federation. In a world, OrgID may
// be the organisation's name, and a provider may be named by any id or its displayName.
type ConnectedOrg struct {
	OrgID                           string          `yaml:"orgId" json:"orgId"`
	DomainRestrictionEnabled        bool            `yaml:"domainRestrictionEnabled,omitempty" json:"domainRestrictionEnabled"`
	DomainAllowList                 []string        `yaml:"domainAllowList,omitempty" json:"domainAllowList,omitempty"`
	IdentityProviderID              string          `yaml:"identityProviderId,omitempty" json:"identityProviderId,omitempty"`
	DataAccessIdentityProviderIDs   []string        `yaml:"dataAccessIdentityProviderIds,omitempty" json:"dataAccessIdentityProviderIds,omitempty"`
	InstantUserProvisioningDisabled *bool           `yaml:"instantUserProvisioningDisabled,omitempty" json:"instantUserProvisioningDisabled,omitempty"`
	PostAuthRoleGrants              []string        `yaml:"postAuthRoleGrants,omitempty" json:"postAuthRoleGrants,omitempty"`
	RoleMappings                    []RoleMapping   `yaml:"roleMappings,omitempty" json:"roleMappings,omitempty"`
	UserConflicts                   []FederatedUser `yaml:"userConflicts,omitempty" json:"userConflicts,omitempty"`
}

// FederatedUser is a user whose address fits no allowed domain.
type FederatedUser struct {
	EmailAddress         string `yaml:"emailAddress" json:"emailAddress"`
	FederationSettingsID string `yaml:"federationSettingsId,omitempty" json:"federationSettingsId"`
	FirstName            string `yaml:"firstName" json:"firstName"`
	LastName             string `yaml:"lastName" json:"lastName"`
	UserID               string `yaml:"userId,omitempty" json:"userId,omitempty"`
}

// addMember connects an organisation of the world.
func (a *Atlas) addMember(f *federation, w ConnectedOrg) error {
	i := slices.IndexFunc(a.orgs, func(o *org) bool { return o.id == w.OrgID || o.name == w.OrgID })
	if i < 0 {
		return errors.New("there is no such organisation")
	}
	o := a.orgs[i]
	if o.fedMember != nil {
		return errors.New("it is connected already")
	}
	m := &connectedOrg{ConnectedOrg: deep(w), fed: f, org: o}
	m.OrgID = o.id
	for i := range m.UserConflicts {
		m.UserConflicts[i].FederationSettingsID = f.id
	}
	if err := m.nameProviders(); err != nil {
		return err
	}
	for i := range m.RoleMappings {
		r := &m.RoleMappings[i]
		r.ID = orDefault(r.ID, a.derive("role mapping", o.id, r.ExternalGroupName)[:24])
		o.nameTargets(r)
	}
	if bad := m.check(); bad != nil {
		return errors.New(bad.detail)
	}
	o.fedMember = m
	f.members = append(f.members, m)
	return nil
}

// nameProviders turns names of providers into the ids that the API has.
func (m *connectedOrg) nameProviders() error {
	find := func(name string) *IdentityProvider {
		for _, p := range m.fed.providers {
			if p.ID == name || p.OktaIDPID == name || p.DisplayName == name {
				return p
			}
		}
		return nil
	}
	if name := m.IdentityProviderID; name != "" {
		p := find(name)
		if p == nil {
			return fmt.Errorf("there is no identity provider %q", name)
		}
		m.IdentityProviderID = p.OktaIDPID
	}
	m.DataAccessIdentityProviderIDs = slices.Clone(m.DataAccessIdentityProviderIDs) // the world's
	for i, name := range m.DataAccessIdentityProviderIDs {
		p := find(name)
		if p == nil {
			return fmt.Errorf("there is no identity provider %q", name)
		}
		m.DataAccessIdentityProviderIDs[i] = p.ID
	}
	return nil
}

func (m *connectedOrg) uses(p *IdentityProvider) bool {
	return m.IdentityProviderID == p.OktaIDPID || slices.Contains(m.DataAccessIdentityProviderIDs, p.ID)
}

func (m *connectedOrg) forgetProvider(p *IdentityProvider) {
	if m.IdentityProviderID == p.OktaIDPID {
		m.IdentityProviderID = ""
	}
	m.DataAccessIdentityProviderIDs = slices.DeleteFunc(m.DataAccessIdentityProviderIDs, func(id string) bool { return id == p.ID })
}

// connectedView has null for what is not there in two attributes, as the real server.
func (c *call) connectedView(m *connectedOrg) any {
	out := retyped[object](m.ConnectedOrg)
	for _, key := range []string{"identityProviderId", "userConflicts"} {
		if out[key] == nil {
			out[key] = nil
		}
	}
	for _, list := range []string{"domainAllowList", "dataAccessIdentityProviderIds", "postAuthRoleGrants", "roleMappings"} {
		if out[list] == nil {
			out[list] = []any{}
		}
	}
	return out
}

func (c *call) listConnected() (answer, *problem) {
	return paged(c, http.StatusOK, c.federation.members, c.connectedView)
}

// findConnected is the organisation of the path in the federation of the path.
func (c *call) findConnected() (*connectedOrg, *problem) {
	if m := c.org.fedMember; m != nil && m.fed == c.federation {
		return m, nil
	}
	return nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.path) // the code is a guess
}

func (c *call) getConnected() (answer, *problem) {
	m, bad := c.findConnected()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.connectedView(m))
}

// updateConnected is not the partial update it looks like: a left out domain restriction
// is off, a left out UI provider is disconnected, and so are data access providers that
// are not in the list (a list that is left out is an empty one: a guess). The other
// attributes stay when they are left out (a guess).
func (c *call) updateConnected() (answer, *problem) {
	m, bad := c.findConnected()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.documentKnowing([]string{"instantUserProvisioningDisabled"}, apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	base := retyped[object](m.ConnectedOrg)
	for _, replaced := range []string{"domainRestrictionEnabled", "identityProviderId", "dataAccessIdentityProviderIds"} {
		delete(base, replaced)
	}
	delete(doc, "userConflicts") // Atlas finds them
	next := &connectedOrg{ConnectedOrg: retyped[ConnectedOrg](overlay(base, doc)), fed: m.fed, org: m.org}
	if bad := next.check(); bad != nil {
		return answer{}, bad
	}
	if next.IdentityProviderID == "" && !(slices.Equal(next.PostAuthRoleGrants, m.PostAuthRoleGrants) && mappingsText(next.RoleMappings) == mappingsText(m.RoleMappings)) {
		return answer{}, noProvider(m.org)
	}
	c.numberMappings(m, next)
	before, after := m.state(), next.state()
	kinds := memberEvents(m, next)
	m.ConnectedOrg = next.ConnectedOrg
	c.effect("connected organization", before, after)
	for _, kind := range kinds {
		c.orgEvent(kind, "", nil)
	}
	return ok(c.connectedView(m))
}

// noProvider is documented behaviour with a guessed code.
func noProvider(o *org) *problem {
	return bad("ORG_HAS_NO_IDENTITY_PROVIDER", "The organization %s has no identity provider: its role mappings and post-authentication roles cannot be changed.", o.id)
}

func (m *connectedOrg) state() string { return text(m.ConnectedOrg) }

// check holds the rules that the schema does not have. Codes are guesses.
func (m *connectedOrg) check() *problem {
	if id := m.IdentityProviderID; id != "" {
		if p := m.fed.legacyProvider(id); p == nil || p.Protocol != saml {
			return missing("IDENTITY_PROVIDER_NOT_FOUND", "No SAML identity provider with ID %s exists in federation %s.", id, m.fed.id)
		}
	}
	for _, id := range m.DataAccessIdentityProviderIDs {
		if p := m.fed.provider(id); p == nil || p.ID != id || p.Protocol != oidc {
			return missing("IDENTITY_PROVIDER_NOT_FOUND", "No OIDC identity provider with ID %s exists in federation %s.", id, m.fed.id)
		}
	}
	for _, list := range [][]string{m.DataAccessIdentityProviderIDs, m.DomainAllowList, m.PostAuthRoleGrants} {
		if len(slices.Compact(slices.Sorted(slices.Values(list)))) != len(list) {
			return invalidField(strings.Join(list, ", "), "a value appears twice")
		}
	}
	for _, r := range m.PostAuthRoleGrants {
		if !slices.Contains(orgRoles, r) {
			return badEnum(r, "postAuthRoleGrants")
		}
	}
	names := map[string]bool{}
	for _, r := range m.RoleMappings {
		if names[r.ExternalGroupName] {
			return mappingExists(r.ExternalGroupName)
		}
		names[r.ExternalGroupName] = true
		if bad := m.org.checkMapping(r); bad != nil {
			return bad
		}
	}
	return nil
}

// memberEvents are those of a change of a connected organisation.
func memberEvents(before, after *connectedOrg) []string {
	if before.state() == after.state() {
		return nil
	}
	out := []string{"ORG_SETTINGS_UPDATED"}
	if was, is := before.DomainRestrictionEnabled, after.DomainRestrictionEnabled; was != is {
		out = append(out, map[bool]string{true: "RESTRICT_ORG_MEMBERSHIP_ENABLED", false: "RESTRICT_ORG_MEMBERSHIP_DISABLED"}[is])
	}
	for _, id := range after.DataAccessIdentityProviderIDs {
		if !slices.Contains(before.DataAccessIdentityProviderIDs, id) {
			out = append(out, "OIDC_IDENTITY_PROVIDER_ENABLED")
		}
	}
	for _, id := range before.DataAccessIdentityProviderIDs {
		if !slices.Contains(after.DataAccessIdentityProviderIDs, id) {
			out = append(out, "OIDC_IDENTITY_PROVIDER_DISABLED")
		}
	}
	return append(out, mappingEvents(before.RoleMappings, after.RoleMappings)...)
}

// domainAllowed says whether somebody with that address may join the organisation.
func (o *org) domainAllowed(address string) bool {
	m := o.fedMember
	if m == nil || !m.DomainRestrictionEnabled {
		return true
	}
	_, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(m.DomainAllowList, func(d string) bool { return strings.EqualFold(d, domain) })
}

// removeConnected disconnects an organisation, but not the last one. The code is a guess.
func (c *call) removeConnected() (answer, *problem) {
	m, wrong := c.findConnected()
	if wrong != nil {
		return answer{}, wrong
	}
	if len(m.fed.members) == 1 {
		return answer{}, bad("CANNOT_REMOVE_LAST_CONNECTED_ORG", "The organization %s is the only one in the federation.", m.org.id)
	}
	m.fed.disconnect(m.org)
	c.effect("connected organization", m.state(), "")
	c.orgEvent("ORG_SETTINGS_DELETED", "", nil)
	return empty(http.StatusNoContent)
}
