package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is what one resource looks like: typed, normalised, with no secret in it.
// Implementations are values and are never changed once built.
type State interface {
	Kind() Kind
	// Name is the canonical name of the resource in its scope.
	Name() string
}

// Box carries a [State] through JSON as {"kind": …, "state": …}. The empty Box
// (nothing there, or nothing readable) is null.
type Box struct{ State }

// IsZero reports whether the box is empty; encoding/json's omitzero calls it.
func (b Box) IsZero() bool { return b.State == nil }

// As returns the state as a T. It is false for an empty box and for another type.
func As[T State](b Box) (T, bool) { t, ok := b.State.(T); return t, ok }

type boxed struct {
	Kind  Kind            `json:"kind"`
	State json.RawMessage `json:"state"`
}

// MarshalJSON implements json.Marshaler.
func (b Box) MarshalJSON() ([]byte, error) {
	if b.State == nil {
		return []byte("null"), nil
	}
	raw, err := json.Marshal(b.State)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", b.Kind(), b.Name(), err)
	}
	return json.Marshal(boxed{b.Kind(), raw})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Box) UnmarshalJSON(src []byte) error {
	if string(src) == "null" {
		b.State = nil
		return nil
	}
	var x boxed
	if err := json.Unmarshal(src, &x); err != nil {
		return fmt.Errorf("decode a resource: %w", err)
	}
	s, err := decodeState(x.Kind, x.State)
	b.State = s
	return err
}

func decodeState(k Kind, raw []byte) (State, error) {
	switch k {
	case KindOrg:
		return decode[Org](k, raw)
	case KindProject:
		return decode[Project](k, raw)
	case KindCluster:
		return decode[Cluster](k, raw)
	case KindFlexCluster:
		return decode[FlexCluster](k, raw)
	case KindFederatedDatabase:
		return decode[FederatedDatabase](k, raw)
	case KindStreamWorkspace:
		return decode[StreamWorkspace](k, raw)
	case KindIPAccessEntry:
		return decode[IPAccessEntry](k, raw)
	case KindDatabaseUser:
		return decode[DatabaseUser](k, raw)
	case KindCustomRole:
		return decode[CustomRole](k, raw)
	case KindOrgSettings:
		return decode[OrgSettings](k, raw)
	case KindOrgMember:
		return decode[OrgMember](k, raw)
	case KindInvitation:
		return decode[Invitation](k, raw)
	case KindTeam:
		return decode[Team](k, raw)
	case KindTeamMember:
		return decode[TeamMember](k, raw)
	case KindAPIKey:
		return decode[APIKey](k, raw)
	case KindServiceAccount:
		return decode[ServiceAccount](k, raw)
	case KindServiceAccountSecret:
		return decode[ServiceAccountSecret](k, raw)
	case KindAPIAccessEntry:
		return decode[APIAccessEntry](k, raw)
	case KindFederation:
		return decode[Federation](k, raw)
	case KindIdentityProvider:
		return decode[IdentityProvider](k, raw)
	case KindRoleMapping:
		return decode[RoleMapping](k, raw)
	case KindResourcePolicy:
		return decode[ResourcePolicy](k, raw)
	case KindProjectSettings:
		return decode[ProjectSettings](k, raw)
	case KindProjectMember:
		return decode[ProjectMember](k, raw)
	case KindTeamGrant:
		return decode[TeamGrant](k, raw)
	case KindProjectKey:
		return decode[ProjectKey](k, raw)
	case KindProjectServiceAccount:
		return decode[ProjectServiceAccount](k, raw)
	case KindPrivateEndpoint:
		return decode[PrivateEndpoint](k, raw)
	case KindPeering:
		return decode[Peering](k, raw)
	case KindX509Config:
		return decode[X509Config](k, raw)
	case KindDatabaseAuth:
		return decode[DatabaseAuth](k, raw)
	case KindAuditing:
		return decode[Auditing](k, raw)
	case KindAlertConfig:
		return decode[AlertConfig](k, raw)
	case KindIntegration:
		return decode[Integration](k, raw)
	case KindBackupRestoreJob:
		return decode[BackupRestoreJob](k, raw)
	case KindBackupExportJob:
		return decode[BackupExportJob](k, raw)
	case KindBackupExportBucket:
		return decode[BackupExportBucket](k, raw)
	case KindAccessHistory:
		return decode[AccessHistory](k, raw)
	}
	return nil, fmt.Errorf("decode a resource: kind %q is not one that this version reads", k)
}

func decode[T State](k Kind, raw []byte) (State, error) {
	var t T
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("decode a %s: %w", k, err)
	}
	return t, nil
}

// Label is a key and a value: a label of a database user, a tag of a project.
type Label struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Org is an organization.
type Org struct {
	ID    string `json:"id"`
	Title string `json:"name"` // display name
}

// Kind is org.
func (Org) Kind() Kind { return KindOrg }

// Name is the org's id.
func (o Org) Name() string { return o.ID }

// Project is a project ("group" in the API).
type Project struct {
	ID    string  `json:"id"`
	OrgID string  `json:"orgId"`
	Title string  `json:"name"`           // display name, which environments match
	Tags  []Label `json:"tags,omitempty"` // sorted by key, then value
}

// Kind is project.
func (Project) Kind() Kind { return KindProject }

// Name is the project's id.
func (p Project) Name() string { return p.ID }

// What a cluster runs on. Its size is left out: autoscaling changes it at any time.
const (
	TierDedicated = "dedicated" // machines of its own
	TierShared    = "shared"    // M0 and what is like it: without access history, auditing, private endpoints
)

// Cluster is a dedicated or shared cluster. StateName is volatile.
type Cluster struct {
	ID        string  `json:"id"`
	Cluster   string  `json:"name"`
	Type      string  `json:"clusterType,omitempty"` // REPLICASET, SHARDED, GEOSHARDED
	Tier      string  `json:"tier,omitempty"`        // dedicated, shared; empty: not told
	StateName string  `json:"stateName,omitempty"`
	Paused    bool    `json:"paused,omitempty"`
	Tags      []Label `json:"tags,omitempty"`
}

// Dedicated reports whether the cluster has machines of its own. One of which Atlas does
// not tell has, since more is asked of those.
func (c Cluster) Dedicated() bool { return c.Tier != TierShared }

// Kind is cluster.
func (Cluster) Kind() Kind { return KindCluster }

// Name is the cluster's name.
func (c Cluster) Name() string { return c.Cluster }

// FlexCluster is a flex cluster. StateName is volatile.
type FlexCluster struct {
	ID        string `json:"id,omitempty"`
	Cluster   string `json:"name"`
	StateName string `json:"stateName,omitempty"`
}

// Kind is flex_cluster.
func (FlexCluster) Kind() Kind { return KindFlexCluster }

// Name is the flex cluster's name.
func (c FlexCluster) Name() string { return c.Cluster }

// FederatedDatabase is a federated database instance (DATA_LAKE in a scope).
type FederatedDatabase struct {
	Instance string `json:"name"`
}

// Kind is federated_database.
func (FederatedDatabase) Kind() Kind { return KindFederatedDatabase }

// Name is the instance's name.
func (f FederatedDatabase) Name() string { return f.Instance }

// StreamWorkspace is a stream processing workspace (STREAM in a scope).
type StreamWorkspace struct {
	ID        string `json:"id,omitempty"`
	Workspace string `json:"name"`
}

// Kind is stream_workspace.
func (StreamWorkspace) Kind() Kind { return KindStreamWorkspace }

// Name is the workspace's name.
func (w StreamWorkspace) Name() string { return w.Workspace }

// IPAccessEntry is one entry of a project's IP access list. It has no creator and
// no creation time: only the feed tells.
type IPAccessEntry struct {
	Entry           string    `json:"entry"` // canonical CIDR ("203.0.113.10/32"), or an AWS security group id
	Comment         string    `json:"comment,omitempty"`
	DeleteAfterDate time.Time `json:"deleteAfterDate,omitzero"` // zero: permanent
}

// Kind is ip_access_entry.
func (IPAccessEntry) Kind() Kind { return KindIPAccessEntry }

// Name is the canonical CIDR, or the security group.
func (e IPAccessEntry) Name() string { return e.Entry }

// RoleGrant is a role on a database, of a database user or inherited by a custom
// role. Collection is only set with read and readWrite.
type RoleGrant struct {
	Role       string `json:"roleName"`
	Database   string `json:"databaseName"`
	Collection string `json:"collectionName,omitempty"`
}

// String is role@database, with the collection where there is one.
func (g RoleGrant) String() string {
	if g.Collection != "" {
		return g.Role + "@" + g.Database + "." + g.Collection
	}
	return g.Role + "@" + g.Database
}

// UserScope is one cluster, federated instance or stream workspace that a database
// user is limited to.
type UserScope struct {
	Name string `json:"name"`
	Type string `json:"type"` // CLUSTER, DATA_LAKE, STREAM
}

// Ways in which a database user authenticates.
const (
	AuthSCRAM         = "scram"
	AuthX509Managed   = "x509_managed"
	AuthX509Customer  = "x509_customer"
	AuthAWSUser       = "aws_iam_user"
	AuthAWSRole       = "aws_iam_role"
	AuthLDAPUser      = "ldap_user"
	AuthLDAPGroup     = "ldap_group"
	AuthOIDCWorkforce = "oidc_workforce"
	AuthOIDCWorkload  = "oidc_workload"
)

// DatabaseUser is a database user of a project. Lists are sorted, so that order
// makes no change. An empty Scopes means every cluster, federated instance and
// stream workspace of the project, also future ones.
type DatabaseUser struct {
	Database        string      `json:"databaseName"` // admin or $external
	Username        string      `json:"username"`
	Auth            string      `json:"auth"` // one of the Auth constants
	Roles           []RoleGrant `json:"roles"`
	Scopes          []UserScope `json:"scopes"`
	Labels          []Label     `json:"labels,omitempty"`
	Description     string      `json:"description,omitempty"`
	DeleteAfterDate time.Time   `json:"deleteAfterDate,omitzero"` // zero: permanent
}

// Kind is database_user.
func (DatabaseUser) Kind() Kind { return KindDatabaseUser }

// Name is database/username, for example "admin/prod_app_user".
func (u DatabaseUser) Name() string { return u.Database + "/" + u.Username }

// Privilege is one action of a custom role on one resource.
type Privilege struct {
	Action     string `json:"action"`
	Cluster    bool   `json:"cluster,omitempty"`
	Database   string `json:"db,omitempty"`         // with Cluster unset: "" is any database
	Collection string `json:"collection,omitempty"` // "" is all collections
}

// CustomRole is a custom database role of a project.
type CustomRole struct {
	Role       string      `json:"roleName"`
	Inherits   []RoleGrant `json:"inheritedRoles,omitempty"` // sorted
	Privileges []Privilege `json:"privileges,omitempty"`     // sorted
}

// Kind is custom_role.
func (CustomRole) Kind() Kind { return KindCustomRole }

// Name is the role's name.
func (r CustomRole) Name() string { return r.Role }

// SortGrants sorts and removes duplicates, in a copy.
func SortGrants(in []RoleGrant) []RoleGrant {
	return sorted(in, func(a, b RoleGrant) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Collection, b.Collection))
	})
}

// SortScopes sorts and removes duplicates, in a copy.
func SortScopes(in []UserScope) []UserScope {
	return sorted(in, func(a, b UserScope) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name)) })
}

// SortLabels sorts and removes duplicates, in a copy.
func SortLabels(in []Label) []Label {
	return sorted(in, func(a, b Label) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value)) })
}

// SortPrivileges sorts and removes duplicates, in a copy.
func SortPrivileges(in []Privilege) []Privilege {
	key := func(p Privilege) string {
		return fmt.Sprint(p.Action, "\x00", p.Cluster, "\x00", p.Database, "\x00", p.Collection)
	}
	return sorted(in, func(a, b Privilege) int { return cmp.Compare(key(a), key(b)) })
}

// sorted never returns nil: an empty list is a fact ("every cluster") and is kept
// apart from an absent one on the wire.
func sorted[T comparable](in []T, compare func(a, b T) int) []T {
	out := append(make([]T, 0, len(in)), in...)
	slices.SortFunc(out, compare)
	return slices.Compact(out)
}

// SortRoles sorts and removes duplicates, in a copy.
func SortRoles(in []AtlasRole) []AtlasRole {
	return sorted(in, func(a, b AtlasRole) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Role, b.Role))
	})
}

// FoldName is an e-mail address in lower case, as far as ASCII goes: Unicode would make a
// k of a Kelvin sign and an i of a dotted capital I, and one user of another.
func FoldName(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// SortNames sorts and removes duplicates, in a copy.
func SortNames(in []string) []string { return sorted(in, strings.Compare) }
