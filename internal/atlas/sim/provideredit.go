package sim

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// updateProvider is partial; null clears. Which attributes there are depends on the kind
// of provider.
func (c *call) updateProvider() (answer, *problem) {
	held, bad := c.findProvider()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document(apispec.Missing, apispec.Unknown)
	if bad != nil {
		return answer{}, bad
	}
	kind := held.IDPType
	if held.Protocol == saml {
		kind = saml
	}
	if _, bad := checkDocument(updateSchema(kind), doc, []apispec.Rule{apispec.Missing}); bad != nil {
		return answer{}, bad
	}
	next := onto(*held, doc)
	if next.Protocol != held.Protocol || next.IDPType != held.IDPType {
		return answer{}, invalidField("protocol", "protocol and type of an identity provider cannot change")
	}
	if bad := next.check(); bad != nil {
		return answer{}, bad
	}
	if bad := c.mayDeactivate(held, next); bad != nil {
		return answer{}, bad
	}
	kinds := providerEvents(*held, next)
	if len(kinds) > 0 {
		next.UpdatedAt = new(c.at.Truncate(time.Second))
		c.effect("identity provider "+held.DisplayName, held.state(), next.state())
		*held = next
		c.federationEvent(kinds...)
	}
	return ok(c.providerView(held))
}

// mayDeactivate refuses to deactivate a SAML provider that several organisations use, or
// one that is not the caller's.
func (c *call) mayDeactivate(held *IdentityProvider, next IdentityProvider) *problem {
	if held.Protocol != saml || held.Status == next.Status || next.Status != "INACTIVE" {
		return nil
	}
	return c.onlyMine(held)
}

// onlyMine says why the provider is not for the caller to switch off or delete. The code
// is a guess.
func (c *call) onlyMine(p *IdentityProvider) *problem {
	users := c.federation.users(p)
	if len(users) > 1 {
		return bad("IDENTITY_PROVIDER_CONNECTED_TO_ORGS", "The identity provider %s is connected to more than one organization.", p.ID)
	}
	if len(users) == 1 && c.who != nil && c.who.org != users[0].org {
		return unauthorized()
	}
	return nil
}

// providerEvents are those of a change, none for no change.
func providerEvents(before, after IdentityProvider) []string {
	if before.state() == after.state() {
		return nil
	}
	if before.Protocol == oidc {
		return append([]string{"OIDC_IDENTITY_PROVIDER_UPDATED"}, domainEvents(before, after)...)
	}
	var out []string
	if before.Status != after.Status {
		out = append(out, map[string]string{"ACTIVE": "IDENTITY_PROVIDER_ACTIVATED", "INACTIVE": "IDENTITY_PROVIDER_DEACTIVATED"}[after.Status])
	}
	out = append(out, domainEvents(before, after)...)
	before.Status, before.AssociatedDomains = after.Status, after.AssociatedDomains
	if before.state() != after.state() {
		out = append(out, "IDENTITY_PROVIDER_UPDATED")
	}
	return out
}

func domainEvents(before, after IdentityProvider) []string {
	if slices.Equal(before.AssociatedDomains, after.AssociatedDomains) {
		return nil
	}
	return []string{"DOMAINS_ASSOCIATED"}
}

// deleteProvider wants the provider disconnected from all organisations but one.
func (c *call) deleteProvider() (answer, *problem) {
	p, bad := c.findProvider()
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.onlyMine(p); bad != nil {
		return answer{}, bad
	}
	f := c.federation
	for _, m := range f.users(p) {
		m.forgetProvider(p)
	}
	f.providers = slices.DeleteFunc(f.providers, func(q *IdentityProvider) bool { return q == p })
	c.effect("identity provider "+p.DisplayName, p.state(), "")
	c.federationEvent("IDENTITY_PROVIDER_DELETED")
	return empty(http.StatusNoContent)
}

// What the API cannot do and the UI can.

// AddIdentityProvider makes a provider, as somebody would in the UI; SAML providers come
// no other way. It returns the id, "" if the federation is unknown or the provider wrong.
func (a *Atlas) AddIdentityProvider(actor Actor, federationID string, p IdentityProvider) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.federationByID(federationID)
	if f == nil || a.addProvider(f, p) != nil {
		return ""
	}
	a.federationEvent(f, a.now(), a.identify(actor), "IDENTITY_PROVIDER_CREATED")
	return f.providers[len(f.providers)-1].ID
}

func (a *Atlas) federationByID(id string) *federation {
	i := slices.IndexFunc(a.federations, func(f *federation) bool { return f.id == id })
	if i < 0 {
		return nil
	}
	return a.federations[i]
}

// ConnectOrg connects an organisation to a federation, as its owner would in the UI. With
// an empty federation id it makes a new federation. It returns the federation's id, ""
// if a part is unknown or the organisation is connected already.
func (a *Atlas) ConnectOrg(actor Actor, orgID, federationID string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, o := a.federationByID(federationID), a.org(orgID)
	if f == nil && federationID != "" || o == nil || o.fedMember != nil {
		return ""
	}
	kinds := []string{"ORG_SETTINGS_CONFIGURED"}
	if f == nil {
		f = &federation{id: a.nextID("federation")}
		a.federations = append(a.federations, f)
		kinds = []string{"FEDERATION_SETTINGS_CREATED", "ORG_SETTINGS_CONFIGURED"}
	}
	o.fedMember = &connectedOrg{ConnectedOrg: ConnectedOrg{OrgID: o.id}, fed: f, org: o}
	f.members = append(f.members, o.fedMember)
	for _, kind := range kinds {
		a.record(&o.feed, a.now(), a.identify(actor), kind, object{"orgId": o.id}, nil)
	}
	return f.id
}

// EditFederatedDomains replaces the verified domains of a federation, as somebody would
// in the UI. An unknown federation does nothing.
func (a *Atlas) EditFederatedDomains(actor Actor, federationID string, domains []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.federationByID(federationID)
	if f == nil {
		return
	}
	who, now := a.identify(actor), a.now()
	for _, d := range domains {
		if !slices.Contains(f.domains, d) {
			a.federationEvent(f, now, who, "DOMAIN_CREATED", "DOMAIN_VERIFIED")
		}
	}
	for _, d := range f.domains {
		if !slices.Contains(domains, d) {
			a.federationEvent(f, now, who, "DOMAIN_DELETED")
		}
	}
	f.domains = slices.Clone(domains)
}
