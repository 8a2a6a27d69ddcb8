package access

import "time"

// Dates that follow the use of something (LastAuth, LastUsed) are held by the day and are
// volatile: see [ChangedFields].

// AtlasRole is an Atlas role on the org (Project empty) or on one project.
type AtlasRole struct {
	Role    string `json:"roleName"`
	Org     string `json:"orgId,omitempty"`
	Project string `json:"groupId,omitempty"`
}

// OrgSettings is what an org demands of those who enter it. The UI's own IP access list
// is not among it: only events tell of that.
type OrgSettings struct {
	OrgID                    string `json:"orgId"`
	MultiFactorAuthRequired  bool   `json:"multiFactorAuthRequired"`
	APIAccessListRequired    bool   `json:"apiAccessListRequired"`
	RestrictEmployeeAccess   bool   `json:"restrictEmployeeAccess"`
	GenAIFeaturesEnabled     bool   `json:"genAIFeaturesEnabled"`
	StreamsCrossGroupEnabled bool   `json:"streamsCrossGroupEnabled"`
	MaxSecretValidityHours   int    `json:"maxServiceAccountSecretValidityInHours"` // 0: no cap is set
	SecurityContact          string `json:"securityContact,omitempty"`
	OperationsContact        string `json:"operationsContact,omitempty"`
	AbsoluteSessionSeconds   int    `json:"absoluteSessionTimeoutInSeconds,omitempty"`
	IdleSessionSeconds       int    `json:"idleSessionTimeoutInSeconds,omitempty"`
}

// Kind is org_settings.
func (OrgSettings) Kind() Kind { return KindOrgSettings }

// Name is the org's id.
func (s OrgSettings) Name() string { return s.OrgID }

// ProjectRoles are somebody's roles on one project.
type ProjectRoles struct {
	Project string   `json:"groupId"`
	Roles   []string `json:"groupRoles"` // sorted
}

// OrgMember is an active user of an org with every role given to it directly.
type OrgMember struct {
	Username  string         `json:"username"` // e-mail, in lower case
	ID        string         `json:"id"`
	OrgRoles  []string       `json:"orgRoles"`                       // sorted
	Projects  []ProjectRoles `json:"groupRoleAssignments,omitempty"` // sorted by project; not those through teams
	Teams     []string       `json:"teamIds,omitempty"`              // sorted
	CreatedAt time.Time      `json:"createdAt,omitzero"`
	LastAuth  time.Time      `json:"lastAuth,omitzero"` // by the day; zero: never, or not told
}

// Kind is org_member.
func (OrgMember) Kind() Kind { return KindOrgMember }

// Name is the username.
func (m OrgMember) Name() string { return m.Username }

// Invitation is a user of an org who has not joined (yet).
type Invitation struct {
	Username  string         `json:"username"`
	ID        string         `json:"id"`
	Status    string         `json:"orgMembershipStatus"` // PENDING, INVITATION_EXPIRED, INVITATION_REJECTED
	OrgRoles  []string       `json:"orgRoles"`
	Projects  []ProjectRoles `json:"groupRoleAssignments,omitempty"`
	Teams     []string       `json:"teamIds,omitempty"`
	InvitedBy string         `json:"inviterUsername,omitempty"` // an e-mail, or a public key
	CreatedAt time.Time      `json:"invitationCreatedAt,omitzero"`
	ExpiresAt time.Time      `json:"invitationExpiresAt,omitzero"`
}

// Kind is invitation.
func (Invitation) Kind() Kind { return KindInvitation }

// Name is the username.
func (i Invitation) Name() string { return i.Username }

// Team is a team of an org.
type Team struct {
	ID    string `json:"id"`
	Title string `json:"name"`
}

// Kind is team.
func (Team) Kind() Kind { return KindTeam }

// Name is the team's id: teams are renamed.
func (t Team) Name() string { return t.ID }

// TeamMember is one user in one team.
type TeamMember struct {
	Team     string `json:"teamId"`
	Username string `json:"username"`
	UserID   string `json:"userId"`
	Status   string `json:"orgMembershipStatus"`
}

// Kind is team_member.
func (TeamMember) Kind() Kind { return KindTeamMember }

// Name is team id/username.
func (m TeamMember) Name() string { return m.Team + "/" + m.Username }

// APIKey is a legacy programmatic key with all its roles. It has no creation date and
// never expires.
type APIKey struct {
	PublicKey   string      `json:"publicKey"`
	ID          string      `json:"id"`
	Description string      `json:"desc,omitempty"`
	Roles       []AtlasRole `json:"roles"` // sorted
}

// Kind is api_key.
func (APIKey) Kind() Kind { return KindAPIKey }

// Name is the public key.
func (k APIKey) Name() string { return k.PublicKey }

// ServiceAccount is a service account of an org, those that Atlas manages included. Its
// roles on projects are theirs to tell ([ProjectServiceAccount]).
type ServiceAccount struct {
	ClientID    string    `json:"clientId"`
	Title       string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Roles       []string  `json:"roles"` // on the org, sorted
	CreatedAt   time.Time `json:"createdAt,omitzero"`
}

// Kind is service_account.
func (ServiceAccount) Kind() Kind { return KindServiceAccount }

// Name is the client id.
func (a ServiceAccount) Name() string { return a.ClientID }

// ServiceAccountSecret is one secret of a service account, without its value. Expired
// ones stay listed until somebody deletes them.
type ServiceAccountSecret struct {
	ClientID  string    `json:"clientId"`
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	LastUsed  time.Time `json:"lastUsed,omitzero"` // by the day; zero: never
}

// Kind is service_account_secret.
func (ServiceAccountSecret) Kind() Kind { return KindServiceAccountSecret }

// Name is client id/secret id.
func (s ServiceAccountSecret) Name() string { return s.ClientID + "/" + s.ID }

// APIAccessEntry is one address from which an API key or a service account may call the
// Admin API.
type APIAccessEntry struct {
	Identity  string    `json:"identity"` // public key or client id
	Entry     string    `json:"entry"`    // canonical CIDR
	CreatedAt time.Time `json:"createdAt,omitzero"`
	LastUsed  time.Time `json:"lastUsed,omitzero"` // by the day; zero: never
}

// Kind is api_access_entry.
func (APIAccessEntry) Kind() Kind { return KindAPIAccessEntry }

// Name is identity/CIDR.
func (e APIAccessEntry) Name() string { return e.Identity + "/" + e.Entry }

// Federation is how an org is connected to identity providers. Without a federation
// there is none: the collection is complete and empty.
type Federation struct {
	OrgID                  string   `json:"orgId"`
	ID                     string   `json:"id"`
	Domains                []string `json:"federatedDomains,omitempty"`   // sorted
	UIProvider             string   `json:"identityProviderId,omitempty"` // of logins to Atlas itself
	DataProviders          []string `json:"dataAccessIdentityProviderIds,omitempty"`
	DomainRestriction      bool     `json:"domainRestrictionEnabled"`
	DomainAllowList        []string `json:"domainAllowList,omitempty"`
	PostAuthRoles          []string `json:"postAuthRoleGrants,omitempty"` // org roles that every federated login receives
	InstantProvisioningOff bool     `json:"instantUserProvisioningDisabled,omitempty"`
	UIProviderStatus       string   `json:"identityProviderStatus,omitempty"`
	ConnectedOrganizations []string `json:"connectedOrgs,omitempty"` // ids of the others in this federation, sorted
}

// Kind is federation.
func (Federation) Kind() Kind { return KindFederation }

// Name is the org's id.
func (f Federation) Name() string { return f.OrgID }

// IdentityProvider signs people or workloads in. Its keys are not readable.
type IdentityProvider struct {
	ID                string   `json:"id"`
	Title             string   `json:"displayName,omitempty"`
	Description       string   `json:"description,omitempty"`
	Protocol          string   `json:"protocol"` // SAML, OIDC
	Type              string   `json:"idpType"`  // WORKFORCE, WORKLOAD
	Issuer            string   `json:"issuerUri,omitempty"`
	Status            string   `json:"status,omitempty"` // of SAML: ACTIVE, INACTIVE
	SSOURL            string   `json:"ssoUrl,omitempty"`
	SignatureAlgo     string   `json:"responseSignatureAlgorithm,omitempty"`
	SSODebug          bool     `json:"ssoDebugEnabled,omitempty"`
	Audience          string   `json:"audience,omitempty"`
	ClientID          string   `json:"clientId,omitempty"`
	AuthorizationType string   `json:"authorizationType,omitempty"` // GROUP, USER
	GroupsClaim       string   `json:"groupsClaim,omitempty"`
	UserClaim         string   `json:"userClaim,omitempty"`
	RequestedScopes   []string `json:"requestedScopes,omitempty"`
	Domains           []string `json:"associatedDomains,omitempty"`
	Orgs              []string `json:"associatedOrgs,omitempty"` // ids, sorted
}

// Kind is identity_provider.
func (IdentityProvider) Kind() Kind { return KindIdentityProvider }

// Name is the provider's id.
func (p IdentityProvider) Name() string { return p.ID }

// RoleMapping gives the members of a group of the identity provider Atlas roles at each
// login. Who is in the group cannot be read.
type RoleMapping struct {
	ID    string      `json:"id"`
	Group string      `json:"externalGroupName"`
	Roles []AtlasRole `json:"roleAssignments"` // sorted
}

// Kind is role_mapping.
func (RoleMapping) Kind() Kind { return KindRoleMapping }

// Name is the mapping's id.
func (m RoleMapping) Name() string { return m.ID }

// ResourcePolicy is a policy that Atlas itself enforces.
type ResourcePolicy struct {
	ID           string   `json:"id"`
	Title        string   `json:"name"`
	Description  string   `json:"description,omitempty"`
	Version      string   `json:"version,omitempty"`
	Policies     []string `json:"policies"`               // Cedar texts, in the order of Atlas
	NonCompliant []string `json:"nonCompliant,omitempty"` // what Atlas lists as not complying with it, such as "PROJECT shop-prod", sorted; volatile
}

// Kind is resource_policy.
func (ResourcePolicy) Kind() Kind { return KindResourcePolicy }

// Name is the policy's id.
func (p ResourcePolicy) Name() string { return p.ID }
