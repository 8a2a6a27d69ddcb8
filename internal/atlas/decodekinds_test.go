package atlas

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Every kind that came with the breadth, as Atlas spells it, with more fields than are
// wanted. The parent is the key, cluster or provider that a list was asked for by.
func TestDecodeKinds(t *testing.T) {
	at := time.Date(2026, 8, 3, 10, 11, 12, 0, time.UTC)
	day := at.Truncate(24 * time.Hour)
	for name, tc := range map[string]struct {
		kind   access.Kind
		scope  access.Scope
		parent string
		raw    string
		want   []access.State
	}{
		"org settings": {access.KindOrgSettings, org, "", `{"apiAccessListRequired":true,"multiFactorAuthRequired":true,"restrictEmployeeAccess":false,"maxServiceAccountSecretValidityInHours":720,"securityContact":"sec@example.com","operationsContact":null,"customSessionTimeouts":{"absoluteSessionTimeoutInSeconds":43200,"idleSessionTimeoutInSeconds":600}}`,
			[]access.State{access.OrgSettings{OrgID: orgID, MultiFactorAuthRequired: true, APIAccessListRequired: true, MaxSecretValidityHours: 720, SecurityContact: "sec@example.com", AbsoluteSessionSeconds: 43200, IdleSessionSeconds: 600}}},
		"member": {access.KindOrgMember, org, "", `{"id":"u1","username":"Alice@Example.com","orgMembershipStatus":"ACTIVE","createdAt":"2026-08-03T10:11:12Z","lastAuth":"2026-08-03T10:11:12Z","teamIds":["t2","t1"],"roles":{"orgRoles":["ORG_OWNER"],"groupRoleAssignments":[{"groupId":"p2","groupRoles":["B"]},{"groupId":"p1","groupRoles":["B","A"]},{"groupId":"p2","groupRoles":["A"]}]}}`,
			[]access.State{access.OrgMember{Username: "alice@example.com", ID: "u1", OrgRoles: []string{"ORG_OWNER"}, Teams: []string{"t1", "t2"}, CreatedAt: at, LastAuth: day,
				Projects: []access.ProjectRoles{{Project: "p1", Roles: []string{"A", "B"}}, {Project: "p2", Roles: []string{"A", "B"}}}}}},
		"invitation": {access.KindInvitation, org, "", `{"id":"u2","username":"b@example.com","orgMembershipStatus":"PENDING","inviterUsername":"abcdefgh","invitationCreatedAt":"2026-08-03T10:11:12Z","invitationExpiresAt":null,"roles":{}}`,
			[]access.State{access.Invitation{Username: "b@example.com", ID: "u2", Status: "PENDING", OrgRoles: []string{}, InvitedBy: "abcdefgh", CreatedAt: at}}},
		"team": {access.KindTeam, org, "", `{"id":"t1","name":"platform","links":[]}`, []access.State{access.Team{ID: "t1", Title: "platform"}}},
		"team members": {access.KindTeamMember, org, "", `{"id":"u1","username":"Alice@example.com","orgMembershipStatus":"ACTIVE","teamIds":["t2","t1"],"roles":{}}`,
			[]access.State{access.TeamMember{Team: "t1", Username: "alice@example.com", UserID: "u1", Status: "ACTIVE"}, access.TeamMember{Team: "t2", Username: "alice@example.com", UserID: "u1", Status: "ACTIVE"}}},
		"api key": {access.KindAPIKey, org, "", `{"id":"k1","publicKey":"abcdefgh","privateKey":"********-****-****-0123456789ab","desc":"ci","roles":[{"groupId":"p1","roleName":"GROUP_OWNER"},{"orgId":"o1","roleName":"ORG_MEMBER"}]}`,
			[]access.State{access.APIKey{PublicKey: "abcdefgh", ID: "k1", Description: "ci", Roles: []access.AtlasRole{{Role: "GROUP_OWNER", Project: "p1"}, {Role: "ORG_MEMBER", Org: "o1"}}}}},
		"service account": {access.KindServiceAccount, org, "", `{"clientId":"mdb_sa_id_1","name":"n","description":"d","createdAt":"2026-08-03T10:11:12Z","roles":["ORG_OWNER"],"secrets":[]}`,
			[]access.State{access.ServiceAccount{ClientID: "mdb_sa_id_1", Title: "n", Description: "d", Roles: []string{"ORG_OWNER"}, CreatedAt: at}}},
		"secrets": {access.KindServiceAccountSecret, org, "", `{"clientId":"c","roles":[],"secrets":[{"id":"s1","createdAt":"2026-08-03T10:11:12Z","expiresAt":"2026-08-03T10:11:12Z","lastUsedAt":null,"maskedSecretValue":"mdb_sa_sk_...x"},{"id":"s2","expiresAt":"2026-08-03T10:11:12Z","lastUsedAt":"2026-08-03T10:11:12Z"}]}`,
			[]access.State{access.ServiceAccountSecret{ClientID: "c", ID: "s1", CreatedAt: at, ExpiresAt: at}, access.ServiceAccountSecret{ClientID: "c", ID: "s2", ExpiresAt: at, LastUsed: day}}},
		"key's address":     {access.KindAPIAccessEntry, org, "abcdefgh", `{"cidrBlock":"192.0.2.9/32","ipAddress":"192.0.2.9","count":0,"created":"2026-08-03T10:11:12Z"}`, []access.State{access.APIAccessEntry{Identity: "abcdefgh", Entry: "192.0.2.9/32", CreatedAt: at}}},
		"account's address": {access.KindAPIAccessEntry, org, "c", `{"cidrBlock":"10.0.0.1/8","createdAt":"2026-08-03T10:11:12Z","lastUsedAt":"2026-08-03T10:11:12Z","requestCount":7}`, []access.State{access.APIAccessEntry{Identity: "c", Entry: "10.0.0.0/8", CreatedAt: at, LastUsed: day}}},
		"identity provider": {access.KindIdentityProvider, org, "", `{"id":"i","oktaIdpId":null,"protocol":"OIDC","idpType":"WORKFORCE","issuerUri":"https://idp.example.com","displayName":"x","audience":null,"clientId":"c","requestedScopes":["b","a"],"associatedDomains":["example.com"],"associatedOrgs":[{"orgId":"o2"},{"orgId":"o1"}]}`,
			[]access.State{access.IdentityProvider{ID: "i", Title: "x", Protocol: "OIDC", Type: "WORKFORCE", Issuer: "https://idp.example.com", ClientID: "c", RequestedScopes: []string{"a", "b"}, Domains: []string{"example.com"}, Orgs: []string{"o1", "o2"}}}},
		"role mapping": {access.KindRoleMapping, org, "", `{"id":"m","externalGroupName":"admins","roleAssignments":[{"orgId":"o","role":"ORG_OWNER"}]}`,
			[]access.State{access.RoleMapping{ID: "m", Group: "admins", Roles: []access.AtlasRole{{Role: "ORG_OWNER", Org: "o"}}}}},
		"resource policy": {access.KindResourcePolicy, org, "", `{"id":"r","name":"n","version":"v1","policies":[{"id":"x","body":"forbid(principal, action, resource);"}]}`,
			[]access.State{access.ResourcePolicy{ID: "r", Title: "n", Version: "v1", Policies: []string{"forbid(principal, action, resource);"}}}},
		"project settings": {access.KindProjectSettings, prod, "", `{"isDataExplorerEnabled":true,"isSchemaAdvisorEnabled":true,"isAtlasHomePageAiAssistantEnabled":true}`, []access.State{access.ProjectSettings{ProjectID: prodID, DataExplorer: true, SchemaAdvisor: true}}},
		"project member":   {access.KindProjectMember, prod, "", `{"id":"u","username":"A@example.com","orgMembershipStatus":"ACTIVE","roles":["B","A"]}`, []access.State{access.ProjectMember{Username: "a@example.com", ID: "u", Status: "ACTIVE", Roles: []string{"A", "B"}}}},
		"team's grant":     {access.KindTeamGrant, prod, "", `{"teamId":"t","roleNames":["GROUP_OWNER"],"links":[]}`, []access.State{access.TeamGrant{Team: "t", Roles: []string{"GROUP_OWNER"}}}},
		"project key": {access.KindProjectKey, prod, "", `{"id":"k","publicKey":"abcdefgh","desc":"d","roles":[{"groupId":"` + prodID + `","roleName":"GROUP_OWNER"},{"groupId":"other","roleName":"GROUP_READ_ONLY"},{"orgId":"o","roleName":"ORG_MEMBER"}]}`,
			[]access.State{access.ProjectKey{PublicKey: "abcdefgh", ID: "k", Description: "d", Roles: []string{"GROUP_OWNER"}}}},
		"project account": {access.KindProjectServiceAccount, prod, "", `{"clientId":"c","name":"n","roles":["GROUP_OWNER"]}`, []access.State{access.ProjectServiceAccount{ClientID: "c", Title: "n", Roles: []string{"GROUP_OWNER"}}}},
		"AWS endpoints": {access.KindPrivateEndpoint, prod, "AWS", `{"id":"e","cloudProvider":"AWS","regionName":"EU_WEST_1","status":"AVAILABLE","endpointServiceName":"com.amazonaws.vpce.x","interfaceEndpoints":["vpce-2","vpce-1"],"errorMessage":null,"supportedRemoteRegions":null}`,
			[]access.State{access.PrivateEndpoint{Provider: "AWS", ID: "e", For: "clusters", Region: "EU_WEST_1", Service: "com.amazonaws.vpce.x", Status: "AVAILABLE", Endpoints: []string{"vpce-1", "vpce-2"}}}},
		"Azure endpoints": {access.KindPrivateEndpoint, prod, "AZURE", `{"id":"e","status":"FAILED","privateLinkServiceName":"pls_1","privateEndpoints":["/subscriptions/x"]}`,
			[]access.State{access.PrivateEndpoint{Provider: "AZURE", ID: "e", For: "clusters", Service: "pls_1", Status: "FAILED", Endpoints: []string{"/subscriptions/x"}}}},
		"federation's endpoint": {access.KindPrivateEndpoint, prod, "", `{"endpointId":"vpce-1","provider":"AWS","type":"DATA_LAKE","region":"US_EAST_1","comment":"c","status":"OK"}`,
			[]access.State{access.PrivateEndpoint{Provider: "AWS", ID: "vpce-1", For: "data_federation", Region: "US_EAST_1", Status: "OK", Comment: "c"}}},
		"AWS peer": {access.KindPeering, prod, "AWS", `{"id":"p","containerId":"c","accepterRegionName":"us-east-1","awsAccountId":"1","routeTableCidrBlock":"10.0.0.0/8","vpcId":"vpc-1","statusName":"AVAILABLE","providerName":"AWS"}`,
			[]access.State{access.Peering{Provider: "AWS", ID: "p", Container: "c", Account: "1", Network: "vpc-1", Region: "us-east-1", CIDR: "10.0.0.0/8", Status: "AVAILABLE"}}},
		"Azure peer": {access.KindPeering, prod, "AZURE", `{"id":"p","azureDirectoryId":"d","azureSubscriptionId":"s","resourceGroupName":"g","vnetName":"v","status":"FAILED","errorState":"INVALID"}`,
			[]access.State{access.Peering{Provider: "AZURE", ID: "p", Account: "s", Directory: "d", Network: "g/v", Status: "FAILED", Error: "INVALID"}}},
		"GCP peer":     {access.KindPeering, prod, "GCP", `{"id":"p","gcpProjectId":"g","networkName":"n","status":"WAITING_FOR_USER"}`, []access.State{access.Peering{Provider: "GCP", ID: "p", Account: "g", Network: "n", Status: "WAITING_FOR_USER"}}},
		"no authority": {access.KindX509Config, prod, "", `{"customerX509":{}}`, []access.State{access.X509Config{ProjectID: prodID, Certificates: []access.Certificate{}}}},
		"issued": {access.KindX509Config, prod, "svc", `[{"_id":2,"createdAt":"2026-08-03T10:11:12Z","notAfter":"2026-08-03T10:11:12Z","subject":"CN=svc"},{"_id":1,"notAfter":"2026-08-03T10:11:12Z","subject":"CN=svc"}]`,
			[]access.State{access.X509Config{ProjectID: prodID, User: "svc", Certificates: []access.Certificate{{Subject: "CN=svc", Serial: "1", NotAfter: at}, {Subject: "CN=svc", Serial: "2", CreatedAt: at, NotAfter: at}}}}},
		"LDAP": {access.KindDatabaseAuth, prod, "", `{"ldap":{"authenticationEnabled":true,"hostname":"ldap.example.com","port":389,"bindUsername":"b","caCertificate":"pem","userToDNMapping":[{"match":"m","substitution":"s"}]}}`,
			[]access.State{access.DatabaseAuth{ProjectID: prodID, Authentication: true, Hostname: "ldap.example.com", Port: 389, BindUsername: "b",
				CAFingerprint: "f0aeace912cf19dc1c6fffd41de6e395daeb5462f1221945706bd0674c3005eb", UserToDN: []string{`{"match":"m","substitution":"s"}`}}}},
		"no LDAP":  {access.KindDatabaseAuth, prod, "", `{"ldap":{},"customerX509":{}}`, []access.State{access.DatabaseAuth{ProjectID: prodID}}},
		"auditing": {access.KindAuditing, prod, "", `{"enabled":true,"auditAuthorizationSuccess":false,"auditFilter":"{}","configurationType":"FILTER_JSON"}`, []access.State{access.Auditing{ProjectID: prodID, Enabled: true, Filter: "{}", ConfigurationBy: "FILTER_JSON"}}},
		"alert configuration": {access.KindAlertConfig, prod, "", `{"id":"a","eventTypeName":"JOINED_GROUP","enabled":true,"matchers":[{"fieldName":"F","operator":"EQUALS","value":"v"}],"threshold":{"b":1, "a":2},"notifications":[{"typeName":"WEBHOOK","delayMin":0,"webhookUrl":"https://hooks.example.com/secret-part","webhookSecret":"****"},{"typeName":"EMAIL","emailAddress":"x@example.com","intervalMin":5}]}`,
			[]access.State{access.AlertConfig{ID: "a", EventType: "JOINED_GROUP", Enabled: true, Matchers: []string{"F EQUALS v"}, Threshold: `{"a":2,"b":1}`, Notifications: []access.Notification{
				{Type: "WEBHOOK", Target: "hooks.example.com", TargetHash: access.Hash("url", "https://hooks.example.com/secret-part")}, {Type: "EMAIL", Target: "x@example.com", EveryMinutes: 5}}}}},
		"integration": {access.KindIntegration, prod, "", `{"type":"WEBHOOK","url":"https://hooks.example.com/x","secret":"****abcd"}`,
			[]access.State{access.Integration{Type: "WEBHOOK", Target: "hooks.example.com", TargetHash: access.Hash(`type="WEBHOOK"`, `url="https://hooks.example.com/x"`)}}},
		"restore": {access.KindBackupRestoreJob, prod, "c1", `{"id":"j","snapshotId":"s","deliveryType":"automated","targetGroupId":"p2","targetClusterName":"c2","timestamp":"2026-08-03T10:11:12Z","finishedAt":"2026-08-03T10:11:12Z","failed":false,"deliveryUrl":[]}`,
			[]access.State{access.BackupRestoreJob{ID: "j", Cluster: "c1", Snapshot: "s", Delivery: "automated", TargetProject: "p2", TargetCluster: "c2", At: at, Result: "finished"}}},
		"export": {access.KindBackupExportJob, prod, "c1", `{"id":"j","snapshotId":"s","exportBucketId":"b","prefix":"p","state":"Queued","createdAt":"2026-08-03T10:11:12Z"}`,
			[]access.State{access.BackupExportJob{ID: "j", Cluster: "c1", Snapshot: "s", Bucket: "b", Prefix: "p", Status: "Queued", CreatedAt: at}}},
		"bucket": {access.KindBackupExportBucket, prod, "", `{"_id":"b","bucketName":"n","cloudProvider":"AWS","iamRoleId":"r","region":"eu"}`, []access.State{access.BackupExportBucket{ID: "b", Provider: "AWS", Bucket: "n", Role: "r", Location: "eu"}}},
		"history": {access.KindAccessHistory, prod, "c1", `[{"username":"app","authSource":"admin","authResult":true,"ipAddress":"192.0.2.2","timestamp":"2026-08-03T10:11:12Z"},{"username":"app","authSource":"admin","authResult":false,"ipAddress":"192.0.2.1","timestamp":"2026-08-03T10:11:12Z"},{"username":"app","authSource":"admin","authResult":true,"ipAddress":"192.0.2.1","timestamp":"2026-08-04T10:11:12Z"},{"username":"app","authSource":"admin","authResult":false,"ipAddress":"192.0.2.3","timestamp":"2026-08-03T10:11:12Z"}]`,
			[]access.State{access.AccessHistory{Cluster: "c1", Database: "admin", Username: "app", Addresses: []string{"192.0.2.1", "192.0.2.2"}, Failing: []string{"192.0.2.3"}, FirstLogin: day, LastLogin: day.AddDate(0, 0, 1), LastFrom: map[string]time.Time{"192.0.2.1": day.AddDate(0, 0, 1), "192.0.2.2": day}}}},
	} {
		src, _ := sourceOf(tc.kind)
		got, err := src.states(piece{json.RawMessage(tc.raw), tc.scope, tc.parent})
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// What a rule would take for off, none or nobody must be told, or the element is odd.
func TestDecodeKindsStrict(t *testing.T) {
	for name, tc := range map[string]struct {
		kind access.Kind
		raw  string
	}{
		"MFA not told":             {access.KindOrgSettings, `{"apiAccessListRequired":true,"restrictEmployeeAccess":true}`},
		"API access list not told": {access.KindOrgSettings, `{"multiFactorAuthRequired":true,"restrictEmployeeAccess":true}`},
		"employee access not told": {access.KindOrgSettings, `{"apiAccessListRequired":true,"multiFactorAuthRequired":true}`},
		"employee access null":     {access.KindOrgSettings, `{"apiAccessListRequired":true,"multiFactorAuthRequired":true,"restrictEmployeeAccess":null}`},
		"member without roles":     {access.KindOrgMember, `{"id":"u","username":"a@example.com"}`},
		"member without a name":    {access.KindInvitation, `{"id":"u","roles":{}}`},
		"key without roles":        {access.KindAPIKey, `{"publicKey":"abcdefgh"}`},
		"key's role unnamed":       {access.KindProjectKey, `{"publicKey":"abcdefgh","roles":[{"groupId":"p"}]}`},
		"account without roles":    {access.KindServiceAccount, `{"clientId":"c"}`},
		"secret without an end":    {access.KindServiceAccountSecret, `{"clientId":"c","secrets":[{"id":"s"}]}`},
		"address that is none":     {access.KindAPIAccessEntry, `{"cidrBlock":"nowhere"}`},
		"mapping's role unnamed":   {access.KindRoleMapping, `{"id":"m","externalGroupName":"g","roleAssignments":[{"orgId":"o"}]}`},
		"Data Explorer not told":   {access.KindProjectSettings, `{"isSchemaAdvisorEnabled":true}`},
		"grant without roles":      {access.KindTeamGrant, `{"teamId":"t"}`},
		"auditing not told":        {access.KindAuditing, `{"auditFilter":"{}"}`},
		"alert state not told":     {access.KindAlertConfig, `{"id":"a"}`},
		"authority no PEM":         {access.KindX509Config, `{"customerX509":{"cas":"garbage"}}`},
		"peer without an id":       {access.KindPeering, `{"providerName":"AWS"}`},
		"line without a time":      {access.KindAccessHistory, `[{"username":"a"}]`},
	} {
		src, _ := sourceOf(tc.kind)
		if got, err := src.states(piece{json.RawMessage(tc.raw), prod, "p"}); tc.kind != access.KindX509Config && err == nil {
			t.Errorf("%s: %+v", name, got)
		}
		if tc.kind == access.KindX509Config {
			if got, err := src.states(piece{json.RawMessage(tc.raw), prod, ""}); err == nil {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

// Every kind has a way to be read, of its own level, by operations that are in the table.
func TestEveryKindHasASource(t *testing.T) {
	known := map[string]bool{}
	for _, r := range routes() {
		known[r.op] = true
	}
	for level, kinds := range map[string][]access.Kind{ofOrg: access.OrgKinds(), ofProject: access.ProjectKinds()} {
		for _, k := range kinds {
			src, ok := sourceOf(k)
			if !ok || len(src.routes) == 0 || len(RolesFor(k)) == 0 {
				t.Errorf("%s is not read", k)
				continue
			}
			for _, r := range src.routes {
				if r.of != level || r.method != "GET" || !known[r.op] {
					t.Errorf("%s is read by %s %s of %s", k, r.method, r.op, r.of)
				}
			}
		}
	}
}
