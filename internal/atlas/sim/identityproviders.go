package sim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

const (
	saml, oidc          = "SAML", "OIDC"
	workforce, workload = "WORKFORCE", "WORKLOAD"
)

// IdentityProvider is a SAML provider, or an OIDC one for a workforce or for workloads.
// Of a certificate only the dates are kept.
type IdentityProvider struct {
	ID          string     `yaml:"id,omitempty" json:"id"`
	OktaIDPID   string     `yaml:"oktaIdpId,omitempty" json:"oktaIdpId"`
	Protocol    string     `yaml:"protocol" json:"protocol"`
	IDPType     string     `yaml:"idpType,omitempty" json:"idpType"`
	DisplayName string     `yaml:"displayName" json:"displayName"`
	Description string     `yaml:"description,omitempty" json:"description,omitempty"`
	IssuerURI   string     `yaml:"issuerUri,omitempty" json:"issuerUri,omitempty"`
	CreatedAt   *time.Time `yaml:"createdAt,omitempty" json:"createdAt,omitempty"`
	UpdatedAt   *time.Time `yaml:"updatedAt,omitempty" json:"updatedAt,omitempty"`

	AssociatedDomains []string `yaml:"associatedDomains,omitempty" json:"associatedDomains,omitempty"`

	// SAML.
	ACSURL                     string   `yaml:"acsUrl,omitempty" json:"acsUrl,omitempty"`
	AudienceURI                string   `yaml:"audienceUri,omitempty" json:"audienceUri,omitempty"`
	PEMFileInfo                *PEMFile `yaml:"pemFileInfo,omitempty" json:"pemFileInfo,omitempty"`
	RequestBinding             string   `yaml:"requestBinding,omitempty" json:"requestBinding,omitempty"`
	ResponseSignatureAlgorithm string   `yaml:"responseSignatureAlgorithm,omitempty" json:"responseSignatureAlgorithm,omitempty"`
	Slug                       string   `yaml:"slug,omitempty" json:"slug,omitempty"`
	SSODebugEnabled            bool     `yaml:"ssoDebugEnabled,omitempty" json:"ssoDebugEnabled,omitempty"`
	SSOURL                     string   `yaml:"ssoUrl,omitempty" json:"ssoUrl,omitempty"`
	Status                     string   `yaml:"status,omitempty" json:"status,omitempty"`

	// OIDC.
	Audience          string   `yaml:"audience,omitempty" json:"audience,omitempty"`
	AuthorizationType string   `yaml:"authorizationType,omitempty" json:"authorizationType,omitempty"`
	ClientID          string   `yaml:"clientId,omitempty" json:"clientId,omitempty"`
	GroupsClaim       string   `yaml:"groupsClaim,omitempty" json:"groupsClaim,omitempty"`
	RequestedScopes   []string `yaml:"requestedScopes,omitempty" json:"requestedScopes,omitempty"`
	UserClaim         string   `yaml:"userClaim,omitempty" json:"userClaim,omitempty"`
}

// PEMFile are the certificates of a SAML provider.
type PEMFile struct {
	FileName     string           `yaml:"fileName,omitempty" json:"fileName"`
	Certificates []PEMCertificate `yaml:"certificates,omitempty" json:"certificates,omitempty"`
}

// PEMCertificate is the life of one.
type PEMCertificate struct {
	NotBefore *time.Time `yaml:"notBefore,omitempty" json:"notBefore,omitempty"`
	NotAfter  *time.Time `yaml:"notAfter,omitempty" json:"notAfter,omitempty"`
}

// completeProvider fills in what Atlas does.
func (a *Atlas) completeProvider(p *IdentityProvider, id string, at time.Time) {
	p.ID = orDefault(p.ID, id)
	p.OktaIDPID = orDefault(p.OktaIDPID, a.derive("legacy identity provider", p.ID)[:20])
	p.IDPType = orDefault(p.IDPType, workforce)
	made := at.UTC().Truncate(time.Second)
	p.CreatedAt = new(valueOr(p.CreatedAt, made).UTC())
	p.UpdatedAt = new(valueOr(p.UpdatedAt, *p.CreatedAt).UTC())
	if p.Protocol != saml {
		if p.AuthorizationType == "USER" {
			p.UserClaim = orDefault(p.UserClaim, "sub")
		}
		return
	}
	p.Status = orDefault(p.Status, "INACTIVE")
	p.RequestBinding = orDefault(p.RequestBinding, "HTTP-POST")
	p.ResponseSignatureAlgorithm = orDefault(p.ResponseSignatureAlgorithm, "SHA-256")
	p.ACSURL = orDefault(p.ACSURL, "https://auth.mongodb.com/sso/saml2/"+p.OktaIDPID)
	p.AudienceURI = orDefault(p.AudienceURI, "https://www.okta.com/saml2/service-provider/"+p.OktaIDPID)
}

func (a *Atlas) addProvider(f *federation, w IdentityProvider) error {
	p := deep(w)
	switch {
	case p.Protocol != saml && p.Protocol != oidc:
		return fmt.Errorf("protocol %q is not SAML or OIDC", p.Protocol)
	case p.DisplayName == "":
		return errors.New("displayName is missing")
	case p.Protocol == saml && p.IDPType == workload:
		return errors.New("a SAML provider is for a workforce")
	}
	a.completeProvider(&p, a.derive("identity provider", f.id, p.DisplayName)[:24], a.now())
	if f.provider(p.ID) != nil || f.provider(p.OktaIDPID) != nil {
		return fmt.Errorf("id %s is taken", p.ID)
	}
	f.providers = append(f.providers, &p)
	return nil
}

// provider is found by its id or its legacy id.
func (f *federation) provider(id string) *IdentityProvider {
	for _, p := range f.providers {
		if p.ID == id || p.OktaIDPID == id {
			return p
		}
	}
	return nil
}

// legacyProvider is the one for the UI, by its legacy id.
func (f *federation) legacyProvider(id string) *IdentityProvider {
	if p := f.provider(id); p != nil && p.OktaIDPID == id {
		return p
	}
	return nil
}

// users are the organisations that the provider is connected to.
func (f *federation) users(p *IdentityProvider) []*connectedOrg {
	var out []*connectedOrg
	for _, m := range f.members {
		if m.uses(p) {
			out = append(out, m)
		}
	}
	return out
}

func (c *call) providerView(p *IdentityProvider) any {
	out := retyped[object](p)
	orgs := []any{}
	for _, m := range c.federation.users(p) {
		orgs = append(orgs, c.connectedView(m))
	}
	out["associatedOrgs"] = orgs
	if p.IDPType == workforce {
		out["associatedDomains"] = orEmpty(p.AssociatedDomains)
	}
	if p.Protocol == saml {
		out["ssoDebugEnabled"] = p.SSODebugEnabled
	} else if p.IDPType == workforce {
		out["requestedScopes"] = orEmpty(p.RequestedScopes)
	}
	return out
}

// state is the provider itself, without its dates.
func (p IdentityProvider) state() string {
	p.CreatedAt, p.UpdatedAt = nil, nil
	return text(p)
}

// listProviders has SAML and workforce alone unless asked for more.
func (c *call) listProviders() (answer, *problem) {
	protocols, bad := c.enumQuery("protocol", saml, oidc)
	if bad != nil {
		return answer{}, bad
	}
	types, bad := c.enumQuery("idpType", workforce, workload)
	if bad != nil {
		return answer{}, bad
	}
	var out []*IdentityProvider
	for _, p := range c.federation.providers {
		if slices.Contains(protocols, p.Protocol) && slices.Contains(types, p.IDPType) {
			out = append(out, p)
		}
	}
	return paged(c, http.StatusOK, out, c.providerView)
}

// enumQuery is a repeated parameter; the first of the values is the default.
func (c *call) enumQuery(name string, values ...string) ([]string, *problem) {
	sent := c.query[name]
	for _, v := range sent {
		if !slices.Contains(values, v) {
			return nil, bad("INVALID_QUERY_PARAMETER", "Invalid query parameter %s specified: %s is not one of %s.", name, v, strings.Join(values, ", "))
		}
	}
	if len(sent) == 0 {
		return values[:1], nil
	}
	return sent, nil
}

func (c *call) findProvider() (*IdentityProvider, *problem) {
	id := c.params["identityProviderId"]
	if p := c.federation.provider(id); p != nil {
		return p, nil
	}
	return nil, missing("IDENTITY_PROVIDER_NOT_FOUND", "No identity provider with ID %s exists in federation %s.", id, c.federation.id) // the code is a guess
}

func (c *call) getProvider() (answer, *problem) {
	p, bad := c.findProvider()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.providerView(p))
}

// createProvider makes OIDC providers only; SAML ones come from the UI, see
// [Atlas.AddIdentityProvider].
func (c *call) createProvider() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	p := retyped[IdentityProvider](doc)
	p.Protocol = orDefault(p.Protocol, oidc)
	if p.Protocol == saml {
		return answer{}, invalidField("protocol", "only OIDC identity providers can be created")
	}
	if _, bad := checkDocument(updateSchema(orDefault(p.IDPType, workforce)), doc, nil); bad != nil {
		return answer{}, bad
	}
	c.a.completeProvider(&p, c.a.nextID("identity provider"), c.at)
	if bad := p.check(); bad != nil {
		return answer{}, bad
	}
	c.federation.providers = append(c.federation.providers, &p)
	c.effect("identity provider "+p.DisplayName, "", p.state())
	c.federationEvent("IDENTITY_PROVIDER_CREATED")
	return ok(c.providerView(&p))
}

// updateSchema is what may be sent for a kind of provider: SAML, WORKFORCE or WORKLOAD.
func updateSchema(kind string) *apispec.Schema {
	return apispec.Load().Schemas[map[string]string{
		saml: "FederationSamlIdentityProviderUpdate", workforce: "FederationOidcWorkforceIdentityProviderUpdate",
		workload: "FederationOidcWorkloadIdentityProviderUpdate",
	}[kind]]
}

// check holds what the document does not say but the UI asks for (guesses).
func (p *IdentityProvider) check() *problem {
	required := [][2]string{{"displayName", p.DisplayName}, {"issuerUri", p.IssuerURI}}
	if p.Protocol == oidc {
		required = append(required, [2]string{"audience", p.Audience}, [2]string{"authorizationType", p.AuthorizationType})
		if p.AuthorizationType == "GROUP" {
			required = append(required, [2]string{"groupsClaim", p.GroupsClaim})
		}
	}
	for _, r := range required {
		if r[1] == "" {
			return missingAttribute(r[0])
		}
	}
	return nil
}

// revokeJWKS changes nothing that can be read; it is remembered as an effect.
func (c *call) revokeJWKS() (answer, *problem) {
	p, wrong := c.findProvider()
	if wrong != nil {
		return answer{}, wrong
	}
	if p.Protocol != oidc {
		return answer{}, invalidField("identityProviderId", "only an OIDC identity provider has JWKS")
	}
	c.effect("identity provider keys "+p.DisplayName, "", text(object{"revokedAt": c.at.Format(time.RFC3339)}))
	c.federationEvent("IDENTITY_PROVIDER_JWKS_REVOKED")
	return empty(http.StatusNoContent)
}

// providerMetadata is XML inside a JSON text, as the document has it.
func (c *call) providerMetadata() (answer, *problem) {
	p, wrong := c.findProvider()
	if wrong != nil {
		return answer{}, wrong
	}
	if p.Protocol != saml {
		return answer{}, fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "The identity provider %s has no SAML metadata.", p.ID)
	}
	var audience, acs strings.Builder
	xml.EscapeText(&audience, []byte(p.AudienceURI)) // a Builder takes everything
	xml.EscapeText(&acs, []byte(p.ACSURL))
	return ok(`<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor entityID="` + audience.String() +
		`" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true"` +
		` protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:AssertionConsumerService` +
		` Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + acs.String() + `" index="0" isDefault="true"/>` +
		`</md:SPSSODescriptor></md:EntityDescriptor>`)
}
