package sim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Federation is one federation of a world: its identity providers and the organisations
// that are connected to it. It is beside the organisations, since it may join several.
type Federation struct {
	ID                  string             `yaml:"id,omitempty"`
	FederatedDomains    []string           `yaml:"federatedDomains,omitempty"`
	IdentityProviders   []IdentityProvider `yaml:"identityProviders,omitempty"`
	ConnectedOrgConfigs []ConnectedOrg     `yaml:"connectedOrgConfigs,omitempty"`
}

// orgFederation is an organisation's part of the live state.
type orgFederation struct {
	fedMember *connectedOrg // nil: the organisation is not connected
}

type federation struct {
	id        string
	domains   []string
	providers []*IdentityProvider
	members   []*connectedOrg
}

// connectedOrg is an organisation in a federation.
type connectedOrg struct {
	ConnectedOrg
	fed *federation
	org *org
}

func federationRoutes() []route {
	const one, list = "federation_organization", "federation_user"
	const gone = "2023-01-01:2025-01-01" // already sunset; the day is a guess
	return []route{
		{op: "getOrgFederationSettings", set: one, handle: (*call).getFederation},
		{op: "deleteFederationSetting", set: list, handle: (*call).deleteFederation},
		{op: "listFederationSettingConnectedOrgConfigs", set: list, handle: (*call).listConnected},
		{op: "getFederationSettingConnectedOrgConfig", set: one, handle: (*call).getConnected},
		{op: "updateFederationSettingConnectedOrgConfig", set: one, handle: (*call).updateConnected},
		{op: "removeFederationSettingConnectedOrgConfig", set: one, handle: (*call).removeConnected},

		{op: "listFederationSettingConnectedOrgConfigRoleMappings", set: one, handle: (*call).listMappings},
		{op: "createFederationSettingConnectedOrgConfigRoleMapping", set: one, handle: (*call).createMapping},
		{op: "getFederationSettingConnectedOrgConfigRoleMapping", set: one, handle: (*call).getMapping},
		{op: "updateFederationSettingConnectedOrgConfigRoleMapping", set: one, handle: (*call).updateMapping},
		{op: "deleteFederationSettingConnectedOrgConfigRoleMapping", set: one, handle: (*call).deleteMapping},

		{op: "listFederationSettingIdentityProviders", set: list, handle: (*call).listProviders},
		{op: "createFederationSettingIdentityProvider", set: list, handle: (*call).createProvider},
		{op: "getFederationSettingIdentityProvider", older: gone, set: list, handle: (*call).getProvider},
		{op: "updateFederationSettingIdentityProvider", older: gone, set: list, handle: (*call).updateProvider},
		{op: "deleteFederationSettingIdentityProvider", set: list, handle: (*call).deleteProvider},
		{op: "revokeFederationSettingIdentityProviderJwks", set: list, handle: (*call).revokeJWKS},
		{op: "getFederationSettingIdentityProviderMetadata", set: list, handle: (*call).providerMetadata},
	}
}

// leaveFederation drops a deleted project from the role mappings. None gets empty by
// that: each has a role of the organisation.
func (o *org) leaveFederation(p *project) {
	if o.fedMember == nil {
		return
	}
	for i := range o.fedMember.RoleMappings {
		m := &o.fedMember.RoleMappings[i]
		m.RoleAssignments = slices.DeleteFunc(m.RoleAssignments, func(r RoleAssignment) bool { return r.GroupID == p.id })
	}
}

// addFederation builds one of a world, after all its organisations.
func (a *Atlas) addFederation(i int, w Federation) error {
	f := &federation{id: orDefault(w.ID, a.derive("federation", fmt.Sprint(i))[:24]), domains: slices.Clone(w.FederatedDomains)}
	if slices.ContainsFunc(a.federations, func(g *federation) bool { return g.id == f.id }) {
		return fmt.Errorf("federation %s appears twice", f.id)
	}
	var wrong []error
	for _, p := range w.IdentityProviders {
		if err := a.addProvider(f, p); err != nil {
			wrong = append(wrong, fmt.Errorf("federation %s: identity provider %q: %w", f.id, p.DisplayName, err))
		}
	}
	for _, m := range w.ConnectedOrgConfigs {
		if err := a.addMember(f, m); err != nil {
			wrong = append(wrong, fmt.Errorf("federation %s: connected organisation %q: %w", f.id, m.OrgID, err))
		}
	}
	if len(w.ConnectedOrgConfigs) == 0 {
		wrong = append(wrong, fmt.Errorf("federation %s has no connected organisation", f.id))
	}
	a.federations = append(a.federations, f)
	return errors.Join(wrong...)
}

func (f *federation) world() Federation {
	w := Federation{ID: f.id, FederatedDomains: slices.Clone(f.domains)}
	for _, p := range f.providers {
		w.IdentityProviders = append(w.IdentityProviders, deep(*p))
	}
	for _, m := range f.members {
		w.ConnectedOrgConfigs = append(w.ConnectedOrgConfigs, deep(m.ConnectedOrg))
	}
	return w
}

// resolveFederation finds the federation of the path and, where the path names no
// organisation, the connected one that the caller belongs to: a federation's operations
// want an owner of any of them. The code for an unknown one is a guess.
func (c *call) resolveFederation(id string) *problem {
	i := slices.IndexFunc(c.a.federations, func(f *federation) bool { return f.id == id })
	if i < 0 {
		return noFederation(id)
	}
	c.federation = c.a.federations[i]
	if c.org != nil {
		return nil
	}
	for _, m := range c.federation.members {
		if c.who == nil || c.who.org == m.org {
			c.org = m.org
			return nil
		}
	}
	return unauthorized()
}

func noFederation(id string) *problem {
	return missing("FEDERATION_SETTINGS_NOT_FOUND", "No federation settings with ID %s exist.", id)
}

// getFederation is asked by organisation; where there is none, the answer is 404 (a
// guess). Without a provider for the UI the status is INACTIVE, as the real server's.
func (c *call) getFederation() (answer, *problem) {
	m := c.org.fedMember
	if m == nil {
		return answer{}, missing("FEDERATION_SETTINGS_NOT_FOUND", "The organization %s has no federation settings.", c.org.id)
	}
	out := object{
		"id": m.fed.id, "federatedDomains": orEmpty(m.fed.domains), "hasRoleMappings": len(m.RoleMappings) > 0,
		"identityProviderId": nil, "identityProviderStatus": "INACTIVE",
	}
	if p := m.fed.legacyProvider(m.IdentityProviderID); p != nil {
		out["identityProviderId"], out["identityProviderStatus"] = p.OktaIDPID, p.Status
	}
	return ok(out)
}

// deleteFederation wants a single connected organisation. The code is a guess.
func (c *call) deleteFederation() (answer, *problem) {
	f := c.federation
	if len(f.members) > 1 {
		return answer{}, bad("FEDERATION_HAS_CONNECTED_ORGS", "The federation %s has more than one connected organization.", f.id)
	}
	c.effect("federation settings", f.state(), "")
	c.federationEvent("FEDERATION_SETTINGS_DELETED")
	for _, m := range slices.Clone(f.members) {
		f.disconnect(m.org)
	}
	c.a.federations = slices.DeleteFunc(c.a.federations, func(g *federation) bool { return g == f })
	return empty(http.StatusNoContent)
}

func (f *federation) state() string { return text(f.world()) }

func (f *federation) disconnect(o *org) {
	f.members = slices.DeleteFunc(f.members, func(m *connectedOrg) bool { return m.org == o })
	o.fedMember = nil
}

// federationEvent writes what concerns the whole federation into the feed of every
// connected organisation (a guess).
func (c *call) federationEvent(kinds ...string) {
	c.a.federationEvent(c.federation, c.at, c.actor, kinds...)
}

func (a *Atlas) federationEvent(f *federation, at time.Time, who Actor, kinds ...string) {
	for _, kind := range kinds {
		for _, m := range f.members {
			a.record(&m.org.feed, at, who, kind, object{"orgId": m.org.id}, nil)
		}
	}
}
