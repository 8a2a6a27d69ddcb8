package sim

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// World is the state an Atlas starts from, and what [Atlas.Snapshot] returns. Its YAML
// keys are Atlas's JSON field names. Ids may be left out: they are then derived from
// the seed and the names. The zero World is an Atlas without organisations.
type World struct {
	Orgs []Org `yaml:"orgs"`
	// Federations join organisations, which they name by id or name.
	Federations []Federation `yaml:"federations,omitempty"`
}

// Org is one organisation with everything in it.
type Org struct {
	ID              string           `yaml:"id,omitempty"`
	Name            string           `yaml:"name"`
	ServiceAccounts []ServiceAccount `yaml:"serviceAccounts,omitempty"`
	APIKeys         []APIKey         `yaml:"apiKeys,omitempty"`
	Users           []User           `yaml:"users,omitempty"`
	Projects        []Project        `yaml:"projects,omitempty"`
	// Limits that support has raised, by name: see limits.go.
	Limits map[string]int `yaml:"limits,omitempty"`

	OrgSettings `yaml:",inline"`
	OrgPeople   `yaml:",inline"`
}

// ServiceAccount is an OAuth2 client. Without an id or a secret it gets made-up ones.
// Secret is the short form of Secrets; where both are given it is the value of one of
// them, or one more. An account without any is written "secrets: []".
type ServiceAccount struct {
	ClientID      string           `yaml:"clientId,omitempty"`
	Secret        string           `yaml:"secret,omitempty"`
	Name          string           `yaml:"name,omitempty"`
	Roles         []Grant          `yaml:"roles,omitempty"`
	Description   string           `yaml:"description,omitempty"`
	CreatedAt     *time.Time       `yaml:"createdAt,omitempty"`
	SystemManaged bool             `yaml:"systemManaged,omitempty"`
	Secrets       AccountSecrets   `yaml:"secrets,omitempty"`
	AccessList    []AccountAddress `yaml:"accessList,omitempty"`
}

// AccountSecrets tells none from nothing said.
type AccountSecrets []AccountSecret

// IsZero is for writing YAML.
func (s AccountSecrets) IsZero() bool { return s == nil }

// AccountSecret is one secret of a service account. It is made now and lives a year
// unless it says otherwise.
type AccountSecret struct {
	ID         string     `yaml:"id,omitempty"`
	Secret     string     `yaml:"secret,omitempty"`
	CreatedAt  *time.Time `yaml:"createdAt,omitempty"`
	ExpiresAt  *time.Time `yaml:"expiresAt,omitempty"`
	LastUsedAt *time.Time `yaml:"lastUsedAt,omitempty"`
}

// AccountAddress is an entry of a service account's access list.
type AccountAddress struct {
	CIDRBlock       string     `yaml:"cidrBlock,omitempty"`
	IPAddress       string     `yaml:"ipAddress,omitempty"`
	Created         *time.Time `yaml:"createdAt,omitempty"`
	Count           int        `yaml:"requestCount,omitempty"`
	LastUsed        *time.Time `yaml:"lastUsedAt,omitempty"`
	LastUsedAddress string     `yaml:"lastUsedAddress,omitempty"`
}

// APIKey is a legacy programmatic key, used with HTTP digest.
type APIKey struct {
	ID         string       `yaml:"id,omitempty"`
	PublicKey  string       `yaml:"publicKey,omitempty"`
	PrivateKey string       `yaml:"privateKey,omitempty"`
	Desc       string       `yaml:"desc,omitempty"`
	Roles      []Grant      `yaml:"roles,omitempty"`
	AccessList []KeyAddress `yaml:"accessList,omitempty"`
}

// KeyAddress is an entry of an API key's access list.
type KeyAddress struct {
	CIDRBlock       string     `yaml:"cidrBlock,omitempty"`
	IPAddress       string     `yaml:"ipAddress,omitempty"`
	Created         *time.Time `yaml:"created,omitempty"`
	Count           int        `yaml:"count,omitempty"`
	LastUsed        *time.Time `yaml:"lastUsed,omitempty"`
	LastUsedAddress string     `yaml:"lastUsedAddress,omitempty"`
}

// User is a human with an Atlas login. Users act through [Atlas.Do] only. Without a
// status the user is ACTIVE; the invitation is that of any other status. InvitedToGroup
// is somebody whom the deprecated invitation to a project brought in, and who is in no
// list of users before it is accepted.
type User struct {
	ID                  string     `yaml:"id,omitempty"`
	Username            string     `yaml:"username"`
	Roles               []Grant    `yaml:"roles,omitempty"`
	OrgMembershipStatus string     `yaml:"orgMembershipStatus,omitempty"`
	FirstName           string     `yaml:"firstName,omitempty"`
	LastName            string     `yaml:"lastName,omitempty"`
	Country             string     `yaml:"country,omitempty"`
	CreatedAt           *time.Time `yaml:"createdAt,omitempty"`
	LastAuth            *time.Time `yaml:"lastAuth,omitempty"`
	InvitationID        string     `yaml:"invitationId,omitempty"`
	InvitationCreatedAt *time.Time `yaml:"invitationCreatedAt,omitempty"`
	InvitationExpiresAt *time.Time `yaml:"invitationExpiresAt,omitempty"`
	InviterUsername     string     `yaml:"inviterUsername,omitempty"`
	InvitedToGroup      bool       `yaml:"invitedToGroup,omitempty"`
}

// Grant is one Atlas role: of the organisation when GroupID is empty, else of a
// project. In YAML it is "ORG_OWNER", "GROUP_OWNER@<project id or name>",
// "GROUP_READ_ONLY@*" for every project, or {roleName, groupId}.
type Grant struct {
	RoleName string
	GroupID  string
}

// UnmarshalYAML reads both forms of a grant.
func (g *Grant) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		g.RoleName, g.GroupID, _ = strings.Cut(n.Value, "@")
		return nil
	}
	var long struct {
		RoleName string `yaml:"roleName"`
		GroupID  string `yaml:"groupId"`
	}
	if err := n.Load(&long, yaml.WithKnownFields()); err != nil {
		return err
	}
	g.RoleName, g.GroupID = long.RoleName, long.GroupID
	return nil
}

// MarshalYAML writes the short form.
func (g Grant) MarshalYAML() (any, error) {
	if g.GroupID == "" {
		return g.RoleName, nil
	}
	return g.RoleName + "@" + g.GroupID, nil
}

// Project is an Atlas project (the API's "group").
type Project struct {
	ID                 string              `yaml:"id,omitempty"`
	Name               string              `yaml:"name"`
	Created            *time.Time          `yaml:"created,omitempty"`
	Tags               []Tag               `yaml:"tags,omitempty"`
	Clusters           []Cluster           `yaml:"clusters,omitempty"`
	FlexClusters       []FlexCluster       `yaml:"flexClusters,omitempty"`
	FederatedDatabases []FederatedDatabase `yaml:"federatedDatabases,omitempty"`
	StreamWorkspaces   []StreamWorkspace   `yaml:"streamWorkspaces,omitempty"`
	AccessList         []AccessEntry       `yaml:"accessList,omitempty"`
	DatabaseUsers      []DatabaseUser      `yaml:"databaseUsers,omitempty"`
	CustomRoles        []CustomRole        `yaml:"customRoles,omitempty"`
	AccessHistory      []Login             `yaml:"accessHistory,omitempty"`
	// Limits that support or an owner has raised, by name: see limits.go.
	Limits map[string]int `yaml:"limits,omitempty"`

	ProjectSettings     `yaml:",inline"`
	ProjectPeople       `yaml:",inline"`
	ProjectNetwork      `yaml:",inline"`
	ProjectDatabaseAuth `yaml:",inline"`
	ProjectAlert        `yaml:",inline"`
	ProjectTarget       `yaml:",inline"`
	ProjectBackup       `yaml:",inline"`
}

// Tag is a resource tag.
type Tag struct {
	Key   string `yaml:"key" json:"key"`
	Value string `yaml:"value" json:"value"`
}

// Cluster is a dedicated or free (M0) cluster. InstanceSize stands for the instance
// size inside Atlas's replicationSpecs, if those are not given; M10 when empty. Rest is
// everything else of Atlas's document, by its names.
type Cluster struct {
	ID           string         `yaml:"id,omitempty"`
	Name         string         `yaml:"name"`
	ClusterType  string         `yaml:"clusterType,omitempty"`
	InstanceSize string         `yaml:"instanceSize,omitempty"`
	StateName    string         `yaml:"stateName,omitempty"`
	CreateDate   *time.Time     `yaml:"createDate,omitempty"`
	Paused       bool           `yaml:"paused,omitempty"`
	Tags         []Tag          `yaml:"tags,omitempty"`
	ProcessArgs  map[string]any `yaml:"processArgs,omitempty"`
	Rest         map[string]any `yaml:",inline"`
}

// FlexCluster is a flex cluster; it is listed apart from the others. Rest is everything
// else of Atlas's document, by its names.
type FlexCluster struct {
	ID         string         `yaml:"id,omitempty"`
	Name       string         `yaml:"name"`
	StateName  string         `yaml:"stateName,omitempty"`
	CreateDate *time.Time     `yaml:"createDate,omitempty"`
	Tags       []Tag          `yaml:"tags,omitempty"`
	Rest       map[string]any `yaml:",inline"`
}

// FederatedDatabase is a federated database instance (scope type DATA_LAKE). Rest is
// everything else of Atlas's document, by its names.
type FederatedDatabase struct {
	Name      string         `yaml:"name"`
	State     string         `yaml:"state,omitempty"`
	Hostnames []string       `yaml:"hostnames,omitempty"`
	Rest      map[string]any `yaml:",inline"`
}

// StreamWorkspace is a stream processing workspace (scope type STREAM). Rest is
// everything else of Atlas's document, by its names.
type StreamWorkspace struct {
	ID          string           `yaml:"_id,omitempty"`
	Name        string           `yaml:"name"`
	Hostnames   []string         `yaml:"hostnames,omitempty"`
	Connections []map[string]any `yaml:"connections,omitempty"`
	Rest        map[string]any   `yaml:",inline"`
}

// AccessEntry is one entry of a project's IP access list. A single address is held
// with both IPAddress and CIDRBlock.
type AccessEntry struct {
	CIDRBlock        string     `yaml:"cidrBlock,omitempty" json:"cidrBlock,omitempty"`
	IPAddress        string     `yaml:"ipAddress,omitempty" json:"ipAddress,omitempty"`
	AWSSecurityGroup string     `yaml:"awsSecurityGroup,omitempty" json:"awsSecurityGroup,omitempty"`
	Comment          string     `yaml:"comment,omitempty" json:"comment,omitempty"`
	DeleteAfterDate  *time.Time `yaml:"deleteAfterDate,omitempty" json:"deleteAfterDate,omitempty"`
}

// DatabaseUser is a database user. Type fields hold NONE when unset.
type DatabaseUser struct {
	Username        string     `yaml:"username" json:"username"`
	DatabaseName    string     `yaml:"databaseName,omitempty" json:"databaseName"`
	Password        string     `yaml:"password,omitempty" json:"-"`
	AWSIAMType      string     `yaml:"awsIAMType,omitempty" json:"awsIAMType"`
	LDAPAuthType    string     `yaml:"ldapAuthType,omitempty" json:"ldapAuthType"`
	OIDCAuthType    string     `yaml:"oidcAuthType,omitempty" json:"oidcAuthType"`
	X509Type        string     `yaml:"x509Type,omitempty" json:"x509Type"`
	Roles           []Role     `yaml:"roles,omitempty" json:"roles"`
	Scopes          []Scope    `yaml:"scopes,omitempty" json:"scopes"`
	Labels          []Label    `yaml:"labels,omitempty" json:"labels"`
	Description     string     `yaml:"description,omitempty" json:"description,omitempty"`
	DeleteAfterDate *time.Time `yaml:"deleteAfterDate,omitempty" json:"deleteAfterDate,omitempty"`
}

// Role is a database role held by a database user.
type Role struct {
	RoleName       string `yaml:"roleName" json:"roleName"`
	DatabaseName   string `yaml:"databaseName" json:"databaseName"`
	CollectionName string `yaml:"collectionName,omitempty" json:"collectionName,omitempty"`
}

// Scope limits a database user to one cluster, federated database or workspace.
type Scope struct {
	Name string `yaml:"name" json:"name"`
	Type string `yaml:"type" json:"type"`
}

// Label is a key and value on a database user.
type Label struct {
	Key   string `yaml:"key" json:"key"`
	Value string `yaml:"value" json:"value"`
}

// CustomRole is a custom database role of a project.
type CustomRole struct {
	RoleName       string          `yaml:"roleName" json:"roleName"`
	Actions        []Action        `yaml:"actions,omitempty" json:"actions"`
	InheritedRoles []InheritedRole `yaml:"inheritedRoles,omitempty" json:"inheritedRoles"`
}

// Action is one privilege action on some resources.
type Action struct {
	Action    string     `yaml:"action" json:"action"`
	Resources []Resource `yaml:"resources,omitempty" json:"resources"`
}

// Resource is {cluster: true} or {db, collection}; Atlas leaves the unused keys out.
type Resource struct {
	Cluster    bool    `yaml:"cluster,omitempty" json:"cluster,omitempty"`
	DB         *string `yaml:"db,omitempty" json:"db,omitempty"`
	Collection *string `yaml:"collection,omitempty" json:"collection,omitempty"`
}

// InheritedRole is a role that a custom role contains.
type InheritedRole struct {
	DB   string `yaml:"db" json:"db"`
	Role string `yaml:"role" json:"role"`
}

// Login is one line of a cluster's access history. ClusterName is this package's: the
// API has it in the path.
type Login struct {
	ClusterName   string    `yaml:"clusterName" json:"-"`
	Username      string    `yaml:"username,omitempty" json:"username,omitempty"`
	AuthSource    string    `yaml:"authSource,omitempty" json:"authSource,omitempty"`
	AuthResult    bool      `yaml:"authResult" json:"authResult"`
	FailureReason string    `yaml:"failureReason,omitempty" json:"failureReason,omitempty"`
	IPAddress     string    `yaml:"ipAddress,omitempty" json:"ipAddress,omitempty"`
	Hostname      string    `yaml:"hostname,omitempty" json:"hostname,omitempty"`
	Timestamp     time.Time `yaml:"timestamp" json:"timestamp"`
	LogLine       string    `yaml:"logLine,omitempty" json:"logLine,omitempty"`
}

// YAML returns the world as a document that [ParseWorld] reads back.
func (w World) YAML() ([]byte, error) {
	out, err := yaml.Dump(w)
	if err != nil {
		return nil, fmt.Errorf("writing the world as YAML: %w", err)
	}
	return out, nil
}
