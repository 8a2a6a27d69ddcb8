package atlas

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// decodeOrgSettings wants the switches that rules stand on to be told: left out, they
// would pass for off.
func decodeOrgSettings(p piece) (access.State, error) {
	s, err := decodeAs[admin.OrganizationSettings](p.raw)
	if err != nil {
		return nil, err
	}
	if s.MultiFactorAuthRequired == nil || s.ApiAccessListRequired == nil || s.RestrictEmployeeAccess == nil {
		return nil, errors.New("multiFactorAuthRequired, apiAccessListRequired or restrictEmployeeAccess is not told")
	}
	timeouts := s.GetCustomSessionTimeouts()
	return access.OrgSettings{
		OrgID: p.scope.ID(), MultiFactorAuthRequired: *s.MultiFactorAuthRequired, APIAccessListRequired: *s.ApiAccessListRequired,
		RestrictEmployeeAccess: *s.RestrictEmployeeAccess, GenAIFeaturesEnabled: s.GetGenAIFeaturesEnabled(),
		StreamsCrossGroupEnabled: s.GetStreamsCrossGroupEnabled(), MaxSecretValidityHours: s.GetMaxServiceAccountSecretValidityInHours(),
		SecurityContact: s.GetSecurityContact(), OperationsContact: fieldsOf(p.raw).text("operationsContact"),
		AbsoluteSessionSeconds: timeouts.GetAbsoluteSessionTimeoutInSeconds(), IdleSessionSeconds: timeouts.GetIdleSessionTimeoutInSeconds(),
	}, nil
}

// member is what a user of an org is in every state of its membership.
type member struct {
	ID        string     `json:"id"`
	Username  string     `json:"username"`
	Status    string     `json:"orgMembershipStatus"`
	Teams     []string   `json:"teamIds"`
	CreatedAt *time.Time `json:"createdAt"`
	LastAuth  *time.Time `json:"lastAuth"`
	InvitedAt *time.Time `json:"invitationCreatedAt"`
	ExpiresAt *time.Time `json:"invitationExpiresAt"`
	InvitedBy string     `json:"inviterUsername"`
	Roles     *struct {
		Org      []string `json:"orgRoles"`
		Projects []struct {
			ID    string   `json:"groupId"`
			Roles []string `json:"groupRoles"`
		} `json:"groupRoleAssignments"`
	} `json:"roles"`
}

func decodeMember(raw json.RawMessage) (member, error) {
	m, err := decodeAs[member](raw)
	switch {
	case err != nil:
		return m, err
	case m.Username == "" || m.Roles == nil:
		return m, errors.New("a member needs username and roles")
	}
	m.Username = access.FoldName(m.Username)
	return m, nil
}

func (m member) projects() []access.ProjectRoles {
	var out []access.ProjectRoles
	byID := map[string][]string{}
	var ids []string
	for _, p := range m.Roles.Projects {
		if _, seen := byID[p.ID]; !seen {
			ids = append(ids, p.ID)
		}
		byID[p.ID] = append(byID[p.ID], p.Roles...)
	}
	for _, id := range access.SortNames(ids) {
		out = append(out, access.ProjectRoles{Project: id, Roles: access.SortNames(byID[id])})
	}
	return out
}

// optional keeps an empty list apart from none, as JSON will.
func optional(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return access.SortNames(names)
}

// day is a date by the day, for what moves all the time.
func day(t *time.Time) (time.Time, error) {
	at, err := date(t)
	return at.Truncate(24 * time.Hour), err
}

func decodeOrgMember(p piece) (access.State, error) {
	m, err := decodeMember(p.raw)
	if err != nil {
		return nil, err
	}
	out := access.OrgMember{Username: m.Username, ID: m.ID, OrgRoles: access.SortNames(m.Roles.Org), Projects: m.projects(), Teams: optional(m.Teams)}
	var errAuth error
	out.CreatedAt, err = date(m.CreatedAt)
	out.LastAuth, errAuth = day(m.LastAuth)
	return out, errors.Join(err, errAuth)
}

func decodeInvitation(p piece) (access.State, error) {
	m, err := decodeMember(p.raw)
	if err != nil {
		return nil, err
	}
	out := access.Invitation{
		Username: m.Username, ID: m.ID, Status: m.Status, OrgRoles: access.SortNames(m.Roles.Org), Projects: m.projects(),
		Teams: optional(m.Teams), InvitedBy: m.InvitedBy,
	}
	var errEnd error
	out.CreatedAt, err = date(m.InvitedAt)
	out.ExpiresAt, errEnd = date(m.ExpiresAt)
	return out, errors.Join(err, errEnd)
}

// decodeTeamMembers: a user names its teams, which is one list for the whole org instead
// of one for each team.
func decodeTeamMembers(p piece) ([]access.State, error) {
	m, err := decodeMember(p.raw)
	if err != nil {
		return nil, err
	}
	var out []access.State
	for _, t := range access.SortNames(m.Teams) {
		out = append(out, access.TeamMember{Team: t, Username: m.Username, UserID: m.ID, Status: m.Status})
	}
	return out, nil
}

func decodeTeam(p piece) (access.State, error) {
	t, err := decodeAs[admin.TeamResponse](p.raw)
	if err != nil {
		return nil, err
	}
	return access.Team{ID: t.GetId(), Title: t.GetName()}, wantName(t.GetId())
}

// apiKey is a key as every view of it tells: with all its roles.
func apiKey(raw json.RawMessage) (admin.ApiKeyUserDetails, []access.AtlasRole, error) {
	k, err := decodeAs[admin.ApiKeyUserDetails](raw)
	switch {
	case err != nil:
		return k, nil, err
	case k.GetPublicKey() == "" || k.Roles == nil:
		return k, nil, errors.New("a key needs publicKey and roles")
	}
	var roles []access.AtlasRole
	for _, r := range k.GetRoles() {
		if r.GetRoleName() == "" {
			return k, nil, errors.New("a role has no name")
		}
		roles = append(roles, access.AtlasRole{Role: r.GetRoleName(), Org: r.GetOrgId(), Project: r.GetGroupId()})
	}
	return k, access.SortRoles(roles), nil
}

func decodeAPIKey(p piece) (access.State, error) {
	k, roles, err := apiKey(p.raw)
	return access.APIKey{PublicKey: k.GetPublicKey(), ID: k.GetId(), Description: k.GetDesc(), Roles: roles}, err
}

func decodeAccount(p piece) (access.State, error) {
	a, err := decodeAs[admin.OrgServiceAccount](p.raw)
	switch {
	case err != nil:
		return nil, err
	case a.GetClientId() == "" || a.Roles == nil:
		return nil, errors.New("a service account needs clientId and roles")
	}
	out := access.ServiceAccount{ClientID: a.GetClientId(), Title: a.GetName(), Description: a.GetDescription(), Roles: access.SortNames(a.GetRoles())}
	out.CreatedAt, err = date(a.CreatedAt)
	return out, err
}

func decodeSecrets(p piece) ([]access.State, error) {
	a, err := decodeAs[struct {
		ClientID string            `json:"clientId"`
		Secrets  []json.RawMessage `json:"secrets"`
	}](p.raw)
	if err != nil || a.ClientID == "" {
		return nil, errors.Join(err, wantName(a.ClientID))
	}
	var out []access.State
	for _, raw := range a.Secrets {
		s, err := decodeAs[struct {
			ID      string     `json:"id"`
			Created *time.Time `json:"createdAt"`
			Expires *time.Time `json:"expiresAt"`
			Used    *time.Time `json:"lastUsedAt"`
		}](raw)
		if err != nil || s.ID == "" || s.Expires == nil {
			return nil, errors.Join(err, errors.New("a secret needs id and expiresAt"))
		}
		secret := access.ServiceAccountSecret{ClientID: a.ClientID, ID: s.ID}
		var errs [3]error
		secret.CreatedAt, errs[0] = date(s.Created)
		secret.ExpiresAt, errs[1] = date(s.Expires)
		secret.LastUsed, errs[2] = day(s.Used)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
		out = append(out, secret)
	}
	return out, nil
}

// decodeAPIAccess reads the entries of both, which spell the dates differently.
func decodeAPIAccess(p piece) (access.State, error) {
	e, err := decodeAs[struct {
		CIDR      string     `json:"cidrBlock"`
		IP        string     `json:"ipAddress"`
		Created   *time.Time `json:"created"`
		CreatedAt *time.Time `json:"createdAt"`
		Used      *time.Time `json:"lastUsed"`
		UsedAt    *time.Time `json:"lastUsedAt"`
	}](p.raw)
	if err != nil {
		return nil, err
	}
	out := access.APIAccessEntry{Identity: p.parent}
	var errs [3]error
	out.Entry, errs[0] = canonical(or(e.CIDR, e.IP))
	out.CreatedAt, errs[1] = date(firstOf(e.Created, e.CreatedAt))
	out.LastUsed, errs[2] = day(firstOf(e.Used, e.UsedAt))
	return out, errors.Join(errs[:]...)
}

func firstOf(a, b *time.Time) *time.Time {
	if a != nil {
		return a
	}
	return b
}

func nameAPIAccess(p piece) string {
	if n := entryName(fieldsOf(p.raw)); n != "" {
		return p.parent + "/" + n
	}
	return ""
}

func decodeFederation(p piece) (access.State, error) {
	own, others, err := unpair(p.raw)
	if err != nil {
		return nil, err
	}
	settings, connected, err := unpair(own)
	if err != nil {
		return nil, err
	}
	s, err := decodeAs[admin.OrgFederationSettings](settings)
	if err != nil {
		return nil, err
	}
	out := access.Federation{
		OrgID: p.scope.ID(), ID: s.GetId(), Domains: optional(s.GetFederatedDomains()),
		UIProvider: s.GetIdentityProviderId(), UIProviderStatus: s.GetIdentityProviderStatus(),
	}
	if out.ConnectedOrganizations, err = otherOrgs(others, out.OrgID); err != nil {
		return nil, err
	}
	return withConnection(out, connected)
}

func otherOrgs(raw json.RawMessage, own string) ([]string, error) {
	var list []struct {
		ID string `json:"orgId"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var out []string
	for _, o := range list {
		if o.ID != own {
			out = append(out, o.ID)
		}
	}
	return optional(out), nil
}

// withConnection adds what the org's own connection says, where it is connected.
func withConnection(f access.Federation, raw json.RawMessage) (access.State, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return f, nil
	}
	c, err := decodeAs[struct {
		Restricted *bool    `json:"domainRestrictionEnabled"`
		Allowed    []string `json:"domainAllowList"`
		Provider   string   `json:"identityProviderId"`
		Data       []string `json:"dataAccessIdentityProviderIds"`
		Grants     []string `json:"postAuthRoleGrants"`
		NoInstant  bool     `json:"instantUserProvisioningDisabled"`
	}](raw)
	switch {
	case err != nil:
		return nil, err
	case c.Restricted == nil:
		return nil, errors.New("domainRestrictionEnabled is not told")
	}
	f.DomainRestriction, f.DomainAllowList, f.UIProvider = *c.Restricted, optional(c.Allowed), c.Provider
	f.DataProviders, f.PostAuthRoles, f.InstantProvisioningOff = optional(c.Data), optional(c.Grants), c.NoInstant
	return f, nil
}

func decodeIdentityProvider(p piece) (access.State, error) {
	v, err := decodeAs[access.IdentityProvider](dropOrgs(p.raw))
	if err != nil {
		return nil, err
	}
	orgs, err := decodeAs[struct {
		Orgs []struct {
			ID string `json:"orgId"`
		} `json:"associatedOrgs"`
	}](p.raw)
	if err != nil {
		return nil, err
	}
	v.RequestedScopes, v.Domains = optional(v.RequestedScopes), optional(v.Domains)
	var ids []string
	for _, o := range orgs.Orgs {
		ids = append(ids, o.ID)
	}
	v.Orgs = optional(ids)
	return v, wantName(v.ID)
}

// dropOrgs takes out the one field whose form is not that of the state.
func dropOrgs(raw json.RawMessage) json.RawMessage {
	f := fieldsOf(raw)
	if f == nil {
		return raw
	}
	delete(f, "associatedOrgs")
	out, _ := json.Marshal(f) // it came out of a decoder
	return out
}

func decodeRoleMapping(p piece) (access.State, error) {
	m, err := decodeAs[admin.AuthFederationRoleMapping](p.raw)
	if err != nil {
		return nil, err
	}
	out := access.RoleMapping{ID: m.GetId(), Group: m.ExternalGroupName}
	for _, r := range m.RoleAssignments {
		if r.GetRole() == "" {
			return nil, fmt.Errorf("a role of mapping %s has no name", out.ID)
		}
		out.Roles = append(out.Roles, access.AtlasRole{Role: r.GetRole(), Org: r.GetOrgId(), Project: r.GetGroupId()})
	}
	out.Roles = access.SortRoles(out.Roles)
	return out, wantName(out.ID)
}

func decodePolicy(p piece) (access.State, error) {
	r, err := decodeAs[struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Description string `json:"description"`
		Version     string `json:"version"`
		Policies    []struct {
			Body string `json:"body"`
		} `json:"policies"`
		NonCompliant []string `json:"nonCompliant"` // put there by readPolicies
	}](p.raw)
	if err != nil {
		return nil, err
	}
	out := access.ResourcePolicy{ID: r.ID, Title: r.Name, Description: r.Description, Version: r.Version, Policies: []string{}, NonCompliant: r.NonCompliant}
	for _, q := range r.Policies {
		out.Policies = append(out.Policies, q.Body)
	}
	return out, wantName(r.ID)
}
