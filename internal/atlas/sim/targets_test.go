package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// farm is a world with targets and backups of every kind, and people with narrow roles.
const farm = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234567, secret: "fake secret/with+signs", name: owner, roles: [ORG_OWNER]}
      - {clientId: mdb_sa_id_0123456789abcdef01234568, secret: fake-reader, name: reader, roles: [ORG_READ_ONLY]}
      - {clientId: mdb_sa_id_0123456789abcdef01234569, secret: fake-member, name: member, roles: [ORG_MEMBER, GROUP_CLUSTER_MANAGER@prod, GROUP_BACKUP_MANAGER@prod]}
    users:
      - {username: alice@example.com, id: aaaaaaaaaaaaaaaaaaaaaaaa, roles: [ORG_OWNER]}
    projects:
      - name: prod
        clusters:
          - name: main
            tags: [{key: env, value: prod}]
            terminationProtectionEnabled: true
            replicationSpecs: [{regionConfigs: [{providerName: GCP, regionName: CENTRAL_US, priority: 7, electableSpecs: {instanceSize: M30, nodeCount: 3}}]}]
            processArgs: {noTableScan: true}
            mongoDBEmployeeAccessGrant: {grantType: CLUSTER_DATABASE_LOGS, expirationTime: 2026-08-03T12:00:00Z}
          - {name: free, instanceSize: M0}
          - {name: wide, clusterType: SHARDED, createDate: 2026-01-02T03:04:05Z, replicationSpecs: [{zoneName: Z}, {zoneName: Z}]}
        flexClusters: [{name: flexy, providerSettings: {backingProviderName: GCP, regionName: CENTRAL_US}}]
        federatedDatabases:
          - name: lake
            dataProcessRegion: {cloudProvider: AWS, region: DUBLIN_IRL}
            storage: {databases: [], stores: [{name: s, provider: atlas, clusterName: main}]}
        streamWorkspaces:
          - name: flow
            dataProcessRegion: {cloudProvider: AWS, region: DUBLIN_IRL}
            connections:
              - {name: own, type: Cluster, clusterName: main, dbRoleToExecute: {role: readWriteAnyDatabase, type: BUILT_IN}}
              - {name: kafka, type: Kafka, bootstrapServers: "k:9092", authentication: {mechanism: PLAIN, username: u, password: fake-kafka}}
        deletedClusters: [{name: old}]
        backupSnapshots:
          - {id: 5a0000000000000000000001, clusterName: main, frequencyType: daily, createdAt: 2026-08-01T00:00:00Z, expiresAt: 2026-09-01T00:00:00Z}
          - {id: 5a0000000000000000000002, clusterName: wide, type: shardedCluster, createdAt: 2026-08-01T00:00:00Z}
          - {id: 5a0000000000000000000003, clusterName: old, createdAt: 2026-07-01T00:00:00Z, expiresAt: 2026-08-04T00:00:00Z}
        restoreJobs:
          - {id: 5b0000000000000000000001, clusterName: main, deliveryType: download, snapshotId: 5a0000000000000000000001, createdAt: 2026-08-01T01:00:00Z, finishedAt: 2026-08-01T02:00:00Z, state: FINISHED}
        exportJobs:
          - {id: 5c0000000000000000000001, clusterName: main, snapshotId: 5a0000000000000000000001, exportBucketId: 5d0000000000000000000001, state: Successful, createdAt: 2026-08-01T01:00:00Z, finishedAt: 2026-08-01T02:00:00Z, customData: [{key: a, value: b}]}
        exportBuckets:
          - {_id: 5d0000000000000000000001, cloudProvider: AWS, bucketName: vault, iamRoleId: ef0000000000000000000001}
          - {cloudProvider: AZURE, serviceUrl: "https://x.blob.core.windows.net/cold", roleId: ef0000000000000000000002}
          - {cloudProvider: GCP, bucketName: gvault, roleId: ef0000000000000000000003}
        backupSchedules: {main: {referenceHourOfDay: 3, policies: [{policyItems: [{frequencyType: daily, frequencyInterval: 1, retentionUnit: days, retentionValue: 9}]}]}}
        backupCompliancePolicy: {authorizedEmail: alice@example.com, authorizedUserFirstName: Alice, authorizedUserLastName: E, scheduledPolicyItems: []}
      - name: dev
        clusters: [{name: copy}]
  - name: OtherCorp
    projects: [{name: foreign, clusters: [{name: theirs}]}]
`

// quiet is farm without what keeps things from being deleted.
func quiet() string {
	lines := slices.DeleteFunc(strings.Split(farm, "\n"), func(l string) bool {
		return strings.Contains(l, "backupCompliancePolicy:") || strings.Contains(l, "terminationProtectionEnabled:")
	})
	return strings.Join(lines, "\n")
}

// again builds the world's snapshot anew and compares.
func (w *world) again() {
	w.t.Helper()
	first := w.Snapshot()
	src, err := first.YAML()
	if err != nil {
		w.t.Fatal(err)
	}
	read, err := ParseWorld("snapshot", src)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, src)
	}
	other, err := New(Options{World: read, Seed: 99, Now: func() time.Time { return epoch }})
	if err != nil {
		w.t.Fatal(err)
	}
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		w.t.Error(d)
	}
}

func TestTargetsRoundTrip(t *testing.T) {
	w := startWorld(t, farm)
	w.again()
	w = startWorld(t, quiet())
	for path, body := range map[string]string{
		"{prod}/clusters": `{"name":"n1","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS","regionName":"EU_WEST_1"}]}]}`, "{prod}/flexClusters": aFlex,
		"{prod}/dataFederation": `{"name":"lake2"}`, "{prod}/streams": `{"name":"flow2","sampleConnections":{"solar":true}}`,
		"{prod}/clusters/main/backup/snapshots":   `{"retentionInDays":3}`,
		"{prod}/clusters/main/backup/restoreJobs": restoreTo("{dev}"), "{prod}/clusters/main/backup/exports": anExport,
	} {
		if a := w.do("POST", w.path(path), w.expand(body)); a.status/100 != 2 {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	w.again()
}

const (
	aFlex    = `{"name":"f2","providerSettings":{"backingProviderName":"AWS","regionName":"EU_WEST_1"}}`
	anExport = `{"snapshotId":"5a0000000000000000000001","exportBucketId":"5d0000000000000000000001"}`
)

func restoreTo(project string) string {
	return `{"deliveryType":"automated","snapshotId":"5a0000000000000000000001","targetGroupId":"` + project + `","targetClusterName":"copy"}`
}

// expand puts project ids into a body.
func (w *world) expand(body string) string { return strings.ReplaceAll(w.path(body), "/groups/", "") }

func TestBadTargetWorlds(t *testing.T) {
	for part, want := range map[string]string{
		"clusters: [{name: c, clusterType: ROUND}]":                                   "ROUND",
		"clusters: [{name: c, wat: 1}]":                                               "Invalid attribute wat specified",
		"clusters: [{name: c, backupEnabled: x}]":                                     "backupEnabled",
		"clusters: [{name: c, processArgs: {wat: 1}}]":                                "wat",
		"clusters: [{name: c, mongoDBEmployeeAccessGrant: {grantType: x}}]":           "enumeration value x",
		"deletedClusters: [{name: c, wat: 1}]":                                        "wat",
		"flexClusters: [{name: c, providerSettings: {backingProviderName: X}}]":       "enumeration value X",
		"federatedDatabases: [{name: c, storage: 1}]":                                 "storage",
		"streamWorkspaces: [{name: c, streamConfig: {tier: SP1}}]":                    "SP1",
		"streamWorkspaces: [{name: c, connections: [{type: Sample}]}]":                "connections",
		"exportBuckets: [{cloudProvider: AWS, bucketName: box, iamRoleId: x}]":        "iamRoleId",
		"backupSchedules: {c: {wat: 1}}":                                              "wat",
		"backupCompliancePolicy: {wat: 1}":                                            "wat",
		"clusters: [{name: c, labels: [{key: .nan, value: x}]}]":                      "JSON",
		"streamWorkspaces: [{name: c, connections: [{name: a, type: S}], wat: true}]": "wat",
	} {
		src := "orgs: [{name: a, projects: [{name: p, " + part + "}]}]"
		if _, err := ParseWorld("w", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", part, err)
		}
	}
}

func TestTargetRoles(t *testing.T) {
	w := startWorld(t, farm)
	for _, c := range []struct {
		id, method, path, body string
		status                 int
		code                   string
	}{
		{readerID, "GET", "{prod}/clusters", "", 200, ""},
		{readerID, "PATCH", "{prod}/clusters/free", `{"tags":[]}`, 401, "USER_UNAUTHORIZED"},
		{memberID, "PATCH", "{prod}/clusters/wide", `{"pitEnabled":true}`, 200, ""},
		{memberID, "PATCH", "{prod}/clusters/wide", `{"terminationProtectionEnabled":true}`, 401, "USER_UNAUTHORIZED"},
		{memberID, "GET", "{dev}/clusters", "", 401, "USER_CANNOT_ACCESS_GROUP"},
		{memberID, "POST", "{prod}/clusters/main:grantMongoDBEmployeeAccess", aGrant, 401, "USER_UNAUTHORIZED"},
		{memberID, "POST", "{prod}/clusters/main/backup/snapshots", `{}`, 200, ""},
		{memberID, "POST", "{prod}/clusters/main/backup/restoreJobs", restoreTo("{dev}"), 401, "USER_CANNOT_ACCESS_GROUP"},
		{readerID, "POST", "{prod}/clusters/main/backup/restoreJobs", restoreTo("{dev}"), 401, "USER_UNAUTHORIZED"},
		{readerID, "POST", "{prod}/streams", `{"name":"x"}`, 401, "USER_UNAUTHORIZED"},
		{ownerID, "GET", "/groups/ffffffffffffffffffffffff/flexClusters", "", 404, "GROUP_NOT_FOUND"},
		{ownerID, "GET", "{foreign}/clusters", "", 401, "USER_CANNOT_ACCESS_GROUP"},
	} {
		a := w.as(c.id, c.method, w.path(c.path), w.expand(c.body))
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.raw)
		}
	}
}

// feedOf is the project's feed as "KIND name", oldest first.
func (w *world) feedOf(scope string) string {
	w.t.Helper()
	var out []string
	for _, e := range w.events(scope) {
		line := fmt.Sprint(e["eventTypeName"])
		if who := e["username"]; who != nil {
			line += "*"
		}
		out = append(out, line)
	}
	slices.Reverse(out)
	return strings.Join(out, " ")
}
