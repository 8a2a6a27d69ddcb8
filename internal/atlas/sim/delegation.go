package sim

import (
	"net/http"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// DelegationSettings say what OAuth applications may do on behalf of members; nil is
// unset.
type DelegationSettings struct {
	DelegatedMCPAccess          *string `yaml:"delegatedMcpAccess,omitempty" json:"delegatedMcpAccess"`
	DelegatedPartnerAccess      *string `yaml:"delegatedPartnerAccess,omitempty" json:"delegatedPartnerAccess"`
	IdleRefreshTokenLifetime    *int    `yaml:"idleRefreshTokenLifetime,omitempty" json:"idleRefreshTokenLifetime"`
	MaximumRefreshTokenLifetime *int    `yaml:"maximumRefreshTokenLifetime,omitempty" json:"maximumRefreshTokenLifetime"`
}

// delegationOperation is what the newer official document says of the two operations;
// the one in the SDK does not have them yet.
func delegationOperation(method string) *apispec.Operation {
	op := &apispec.Operation{
		ID: "getOrgDelegationSettings", Method: method, Path: "/orgs/{orgId}/delegationSettings",
		Versions: []apispec.Version{{Date: "2025-03-12", Status: http.StatusOK}}, Roles: []string{"Organization Member"},
	}
	if method == http.MethodGet {
		return op
	}
	least, most := 1.0, 31536000.0
	seconds := &apispec.Schema{Type: "integer", Nullable: true, Minimum: &least, Maximum: &most}
	access := func(values ...any) *apispec.Schema {
		return &apispec.Schema{Type: "string", Nullable: true, Enum: values}
	}
	op.ID, op.Roles = "updateOrgDelegationSettings", []string{"Organization Owner"}
	op.Bodies = map[string]*apispec.Schema{"2025-03-12": {Type: "object", Properties: map[string]*apispec.Schema{
		"delegatedMcpAccess":     access("DISALLOWED", "READ_ONLY", "READ_WRITE"),
		"delegatedPartnerAccess": access("DISALLOWED", "READ_WRITE"), "idleRefreshTokenLifetime": seconds, "maximumRefreshTokenLifetime": seconds,
	}}}
	return op
}

func (c *call) getDelegation() (answer, *problem) { return ok(c.org.delegated) }

// updateDelegation is partial; null unsets.
func (c *call) updateDelegation() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	before := text(c.org.delegated)
	c.org.delegated = onto(c.org.delegated, doc)
	after := text(c.org.delegated)
	c.effect("delegation settings", before, after)
	if before != after {
		c.orgEvent("ORG_DELEGATION_SETTINGS_UPDATED", "", nil)
	}
	return ok(c.org.delegated)
}
