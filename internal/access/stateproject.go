package access

import "time"

// ProjectSettings are a project's switches.
type ProjectSettings struct {
	ProjectID            string `json:"groupId"`
	DataExplorer         bool   `json:"isDataExplorerEnabled"`
	DataExplorerGenAI    bool   `json:"isDataExplorerGenAIFeaturesEnabled"`
	GenAISampleDocuments bool   `json:"isDataExplorerGenAISampleDocumentPassingEnabled"`
	CollectStatistics    bool   `json:"isCollectDatabaseSpecificsStatisticsEnabled"`
	PerformanceAdvisor   bool   `json:"isPerformanceAdvisorEnabled"`
	RealtimePerformance  bool   `json:"isRealtimePerformancePanelEnabled"`
	SchemaAdvisor        bool   `json:"isSchemaAdvisorEnabled"`
	ExtendedStorageSizes bool   `json:"isExtendedStorageSizesEnabled"`
	ClusterAIAssistant   bool   `json:"isClusterAiAssistantEnabled"`
}

// Kind is project_settings.
func (ProjectSettings) Kind() Kind { return KindProjectSettings }

// Name is the project's id.
func (s ProjectSettings) Name() string { return s.ProjectID }

// ProjectMember is a user with roles given on the project directly: not through a team,
// nor by a role on the org.
type ProjectMember struct {
	Username string   `json:"username"` // e-mail, in lower case
	ID       string   `json:"id"`
	Status   string   `json:"orgMembershipStatus"`
	Roles    []string `json:"roles"` // sorted
}

// Kind is project_member.
func (ProjectMember) Kind() Kind { return KindProjectMember }

// Name is the username.
func (m ProjectMember) Name() string { return m.Username }

// TeamGrant is what a team may do in a project.
type TeamGrant struct {
	Team  string   `json:"teamId"`
	Roles []string `json:"roleNames"` // sorted
}

// Kind is team_grant.
func (TeamGrant) Kind() Kind { return KindTeamGrant }

// Name is the team's id.
func (g TeamGrant) Name() string { return g.Team }

// ProjectKey is an API key with its roles on the project.
type ProjectKey struct {
	PublicKey   string   `json:"publicKey"`
	ID          string   `json:"id"`
	Description string   `json:"desc,omitempty"`
	Roles       []string `json:"roles"` // on this project, sorted
}

// Kind is project_key.
func (ProjectKey) Kind() Kind { return KindProjectKey }

// Name is the public key.
func (k ProjectKey) Name() string { return k.PublicKey }

// ProjectServiceAccount is a service account with its roles on the project.
type ProjectServiceAccount struct {
	ClientID string   `json:"clientId"`
	Title    string   `json:"name"`
	Roles    []string `json:"roles"` // sorted
}

// Kind is project_service_account.
func (ProjectServiceAccount) Kind() Kind { return KindProjectServiceAccount }

// Name is the client id.
func (a ProjectServiceAccount) Name() string { return a.ClientID }

// What a private endpoint leads to.
const (
	EndpointClusters   = "clusters"
	EndpointFederation = "data_federation"
)

// PrivateEndpoint is an endpoint service with its endpoints, or an endpoint of federated
// databases and online archives.
type PrivateEndpoint struct {
	Provider  string   `json:"cloudProvider"` // AWS, AZURE, GCP
	ID        string   `json:"id"`            // of the service; of a federation's endpoint, the provider's endpoint id
	For       string   `json:"for"`           // clusters, data_federation
	Region    string   `json:"regionName,omitempty"`
	Service   string   `json:"serviceName,omitempty"` // as the provider names it
	Status    string   `json:"status,omitempty"`      // INITIATING, AVAILABLE, WAITING_FOR_USER, FAILED, DELETING
	Endpoints []string `json:"endpoints,omitempty"`   // the customers' side, sorted
	Comment   string   `json:"comment,omitempty"`
}

// Kind is private_endpoint.
func (PrivateEndpoint) Kind() Kind { return KindPrivateEndpoint }

// Name is provider/id.
func (e PrivateEndpoint) Name() string { return e.Provider + "/" + e.ID }

// Peering is a peering of a project's network with a customer's.
type Peering struct {
	Provider  string `json:"providerName"`
	ID        string `json:"id"`
	Container string `json:"containerId,omitempty"`
	Account   string `json:"account,omitempty"` // AWS account, Azure subscription, GCP project
	Directory string `json:"azureDirectoryId,omitempty"`
	Network   string `json:"network,omitempty"` // VPC, VNet or network, with the Azure resource group before it
	Region    string `json:"region,omitempty"`
	CIDR      string `json:"cidr,omitempty"` // of the customer's side, where told
	Status    string `json:"status,omitempty"`
	Error     string `json:"error,omitempty"`
}

// Kind is peering.
func (Peering) Kind() Kind { return KindPeering }

// Name is provider/id.
func (p Peering) Name() string { return p.Provider + "/" + p.ID }

// Certificate is an X.509 certificate without its key.
type Certificate struct {
	Subject     string    `json:"subject"`
	Serial      string    `json:"serial,omitempty"`
	Fingerprint string    `json:"sha256,omitempty"` // hex; empty where Atlas does not give the certificate itself
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	NotAfter    time.Time `json:"notAfter,omitzero"`
}

// X509Config is the certificates by which database users sign in: those of the project's
// own authorities, or those that Atlas issued to one user.
type X509Config struct {
	ProjectID    string        `json:"groupId"`
	User         string        `json:"username,omitempty"` // empty: the project's authorities
	Certificates []Certificate `json:"certificates"`       // sorted by subject and serial
}

// Kind is x509_config.
func (X509Config) Kind() Kind { return KindX509Config }

// Name is the project's id, or "user/" and the username.
func (c X509Config) Name() string {
	if c.User != "" {
		return "user/" + c.User
	}
	return c.ProjectID
}

// DatabaseAuth is how a project's database users may sign in through LDAP.
type DatabaseAuth struct {
	ProjectID      string   `json:"groupId"`
	Authentication bool     `json:"authenticationEnabled"`
	Authorization  bool     `json:"authorizationEnabled"`
	Hostname       string   `json:"hostname,omitempty"`
	Port           int      `json:"port,omitempty"`
	BindUsername   string   `json:"bindUsername,omitempty"`
	CAFingerprint  string   `json:"caCertificateSHA256,omitempty"` // of the PEM text as Atlas gives it; empty: none
	QueryTemplate  string   `json:"authzQueryTemplate,omitempty"`
	UserToDN       []string `json:"userToDNMapping,omitempty"` // JSON texts, in order
}

// Kind is database_auth.
func (DatabaseAuth) Kind() Kind { return KindDatabaseAuth }

// Name is the project's id.
func (a DatabaseAuth) Name() string { return a.ProjectID }

// Auditing is a project's database auditing.
type Auditing struct {
	ProjectID        string `json:"groupId"`
	Enabled          bool   `json:"enabled"`
	AuthorizationToo bool   `json:"auditAuthorizationSuccess"`
	Filter           string `json:"auditFilter,omitempty"` // JSON
	ConfigurationBy  string `json:"configurationType,omitempty"`
}

// Kind is auditing.
func (Auditing) Kind() Kind { return KindAuditing }

// Name is the project's id.
func (a Auditing) Name() string { return a.ProjectID }

// Notification is one way in which an alert is told. Target says where to, without what
// would let somebody else tell there too.
type Notification struct {
	Type         string   `json:"typeName"`
	Target       string   `json:"target,omitempty"`     // e-mail, channel, team, user, host of a URL
	TargetHash   string   `json:"targetHash,omitempty"` // of a whole URL, to see that it changed
	Integration  string   `json:"integrationId,omitempty"`
	Roles        []string `json:"roles,omitempty"`
	DelayMinutes int      `json:"delayMin,omitempty"`
	EveryMinutes int      `json:"intervalMin,omitempty"`
}

// AlertConfig is an alert configuration of a project.
type AlertConfig struct {
	ID            string         `json:"id"`
	EventType     string         `json:"eventTypeName"`
	Enabled       bool           `json:"enabled"`
	Severity      string         `json:"severityOverride,omitempty"`
	Matchers      []string       `json:"matchers,omitempty"`  // "field OPERATOR value", in order
	Threshold     string         `json:"threshold,omitempty"` // JSON text of the threshold or metric threshold
	Notifications []Notification `json:"notifications,omitempty"`
}

// Kind is alert_config.
func (AlertConfig) Kind() Kind { return KindAlertConfig }

// Name is the configuration's id.
func (a AlertConfig) Name() string { return a.ID }

// Integration is a service outside of Atlas that a project reports to.
type Integration struct {
	Type       string `json:"type"`
	ID         string `json:"id,omitempty"`
	Target     string `json:"target,omitempty"`     // host, channel, team, region or user
	TargetHash string `json:"targetHash,omitempty"` // of all its fields without secrets
}

// Kind is integration.
func (Integration) Kind() Kind { return KindIntegration }

// Name is type/id, or the type where there is no id.
func (i Integration) Name() string {
	if i.ID == "" {
		return i.Type
	}
	return i.Type + "/" + i.ID
}

// BackupRestoreJob is a restore of a cluster's snapshot or point in time.
type BackupRestoreJob struct {
	ID            string    `json:"id"`
	Cluster       string    `json:"clusterName"`
	Snapshot      string    `json:"snapshotId,omitempty"`
	Delivery      string    `json:"deliveryType"` // automated, download, pointInTime
	TargetProject string    `json:"targetGroupId,omitempty"`
	TargetCluster string    `json:"targetClusterName,omitempty"`
	At            time.Time `json:"timestamp,omitzero"` // of the snapshot
	Result        string    `json:"result,omitempty"`   // finished, failed, cancelled, expired; empty: under way
}

// Kind is backup_restore_job.
func (BackupRestoreJob) Kind() Kind { return KindBackupRestoreJob }

// Name is cluster/id.
func (j BackupRestoreJob) Name() string { return j.Cluster + "/" + j.ID }

// BackupExportJob is an export of a cluster's snapshot into a bucket.
type BackupExportJob struct {
	ID        string    `json:"id"`
	Cluster   string    `json:"clusterName"`
	Snapshot  string    `json:"snapshotId,omitempty"`
	Bucket    string    `json:"exportBucketId"`
	Prefix    string    `json:"prefix,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	Status    string    `json:"state,omitempty"`
}

// Kind is backup_export_job.
func (BackupExportJob) Kind() Kind { return KindBackupExportJob }

// Name is cluster/id.
func (j BackupExportJob) Name() string { return j.Cluster + "/" + j.ID }

// BackupExportBucket is a bucket of the customer's that snapshots may be exported into.
type BackupExportBucket struct {
	ID       string `json:"id"`
	Provider string `json:"cloudProvider"`
	Bucket   string `json:"bucketName"`
	Location string `json:"location,omitempty"` // AWS region, or Azure service URL
	Role     string `json:"roleId,omitempty"`   // cloud provider access role
}

// Kind is backup_export_bucket.
func (BackupExportBucket) Kind() Kind { return KindBackupExportBucket }

// Name is the bucket's id in Atlas.
func (b BackupExportBucket) Name() string { return b.ID }

// AccessHistory is what a cluster's access history of about a week shows of one
// identity: authentications, never what was done after them. Of very many that never got
// in, all but so many are one, without a name.
type AccessHistory struct {
	Cluster    string               `json:"clusterName"`
	Database   string               `json:"authSource"`
	Username   string               `json:"username"`
	Addresses  []string             `json:"addresses"`           // with a success, sorted
	Failing    []string             `json:"failing,omitempty"`   // with failures only, sorted, the first 200
	FirstLogin time.Time            `json:"firstLogin,omitzero"` // by the day, within the window
	LastLogin  time.Time            `json:"lastLogin,omitzero"`  // by the day
	LastFrom   map[string]time.Time `json:"lastFrom,omitempty"`  // the last success from each of the addresses, by the day
}

// Kind is access_history.
func (AccessHistory) Kind() Kind { return KindAccessHistory }

// Name is cluster/database/username.
func (h AccessHistory) Name() string { return h.Cluster + "/" + h.Database + "/" + h.Username }
