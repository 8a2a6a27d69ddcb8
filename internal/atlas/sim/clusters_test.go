package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const aGrant = `{"grantType":"CLUSTER_INFRASTRUCTURE","expirationTime":"2026-08-03T13:00:00+01:00"}`

// What is written reads back equal, and writing it again changes nothing.
func TestClusterReadsBack(t *testing.T) {
	w := startWorld(t, farm)
	written := `{"name":"c9","clusterType":"GEOSHARDED","paused":false,"backupEnabled":true,"pitEnabled":true,
		"tags":[{"key":"env","value":"dev"},{"key":"owner","value":"a"}],"labels":[{"key":"l","value":"v"}],
		"terminationProtectionEnabled":true,"configServerManagementMode":"FIXED_TO_DEDICATED","encryptionAtRestProvider":"AWS",
		"mongoDBMajorVersion":"7.0","versionReleaseSystem":"LTS","redactClientLogData":true,"replicaSetScalingStrategy":"NODE_TYPE",
		"biConnector":{"enabled":true,"readPreference":"analytics"},
		"advancedConfiguration":{"minimumEnabledTlsProtocol":"TLS1_3","tlsCipherConfigMode":"CUSTOM","customOpensslCipherConfigTls12":["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]},
		"replicationSpecs":[{"zoneName":"A","regionConfigs":[{"providerName":"AWS","regionName":"EU_WEST_1","priority":6,
			"electableSpecs":{"instanceSize":"M40","nodeCount":5,"diskSizeGB":80,"diskIOPS":3000,"ebsVolumeType":"PROVISIONED"},
			"readOnlySpecs":{"instanceSize":"M40","nodeCount":1},"autoScaling":{"compute":{"enabled":true,"minInstanceSize":"M30","maxInstanceSize":"M50","scaleDownEnabled":true,"predictiveEnabled":true},"diskGB":{"enabled":false}}}]}]}`
	if a := w.as(ownerID, "POST", w.path("{prod}/clusters"), written); a.status != 201 {
		t.Fatalf("create: %d %s", a.status, a.raw)
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(written), &want); err != nil {
		t.Fatal(err)
	}
	// What is filled in: the disks of the nodes of the other kinds, and those of a kind that
	// was not asked for.
	region := rowsOf(rowsOf(want["replicationSpecs"])[0]["regionConfigs"])[0]
	disks := object{"instanceSize": "M40", "diskSizeGB": 80.0, "diskIOPS": 3000.0, "ebsVolumeType": "PROVISIONED"}
	region["readOnlySpecs"] = overlay(disks, object{"nodeCount": 1.0})
	region["analyticsSpecs"] = overlay(disks, object{"nodeCount": 0.0})
	read := w.as(ownerID, "GET", w.path("{prod}/clusters/c9"), nil).body
	for key, v := range want {
		got := read[key]
		if key == "replicationSpecs" {
			for _, id := range []string{"id", "zoneId"} {
				if s, _ := rowsOf(got)[0][id].(string); !isID(s) {
					t.Errorf("%s %q", id, s)
				}
				delete(rowsOf(got)[0], id)
			}
		}
		if d := cmp.Diff(v, got); d != "" {
			t.Errorf("%s: %s", key, d)
		}
	}
	effects := len(w.Effects())
	back, _ := json.Marshal(w.as(ownerID, "GET", w.path("{prod}/clusters/c9"), nil).body)
	if a := w.as(ownerID, "PATCH", w.path("{prod}/clusters/c9"), string(back)); a.status != 200 || len(w.Effects()) != effects {
		t.Errorf("written back: %d %s, %d effects", a.status, a.raw, len(w.Effects())-effects)
	}
}

func TestClusterUpdate(t *testing.T) {
	w := startWorld(t, farm)
	patch := func(name, body string) answerOf { return w.do("PATCH", w.path("{prod}/clusters/"+name), body) }
	if a := patch("main", `{"tags":[{"key":"env","value":"test"}]}`); a.status != 200 || a.body["stateName"] != "IDLE" || text(a.body["tags"]) != `[{"key":"env","value":"test"}]` {
		t.Errorf("tags: %d %s", a.status, a.raw)
	}
	e := w.events("{prod}")[0]
	if e["eventTypeName"] != "CLUSTER_TAGS_MODIFIED" || e["resourceType"] != "cluster" || e["resourceId"] != w.do("GET", w.path("{prod}/clusters/main"), nil).body["id"] || e["username"] != "alice@example.com" {
		t.Errorf("event %v", e)
	}
	patch("main", `{"tags":[{"key":"env","value":"test"}]}`)
	if a := patch("main", `{"pitEnabled":true,"tags":[]}`); a.body["stateName"] != "UPDATING" {
		t.Errorf("update: %s", a.raw)
	}
	if a := w.do("GET", w.path("{prod}/clusters/main/status"), nil); a.body["changeStatus"] != "PENDING" {
		t.Errorf("status %s", a.raw)
	}
	w.Advance(time.Minute)
	patch("main", `{"replicationSpecs":[{"regionConfigs":[{"providerName":"AWS","regionName":"US_EAST_1","electableSpecs":{"instanceSize":"M50"}}]}]}`)
	w.Advance(updateTakes)
	if a := w.do("GET", w.path("{prod}/clusters/main"), nil); a.body["stateName"] != "IDLE" || !strings.Contains(a.raw, "M50") || strings.Contains(a.raw, "GCP") {
		t.Errorf("later: %s", a.raw)
	}
	if a := w.do("GET", w.path("{prod}/clusters/main/status"), nil); a.body["changeStatus"] != "APPLIED" {
		t.Errorf("status %s", a.raw)
	}
	if got := w.feedOf("{prod}"); got != "CLUSTER_TAGS_MODIFIED* CLUSTER_TAGS_MODIFIED* CLUSTER_UPDATE_SUBMITTED* CLUSTER_UPDATE_SUBMITTED* CLUSTER_UPDATE_COMPLETED" {
		t.Errorf("feed %s", got)
	}
	if n := len(w.Effects()); n != 3 {
		t.Errorf("%d effects", n)
	}
}

func TestClusterRefusals(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "clusters", `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "clusters", `{"name":"a b"}`, 400, "VALIDATION_ERROR"},
		{"POST", "clusters", `{"name":"x","wat":1}`, 400, "INVALID_ATTRIBUTE"},
		{"POST", "clusters", `{"name":"x","clusterType":"ROUND"}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", "clusters", `{"name":"x","paused":"no"}`, 400, "INVALID_JSON_ATTRIBUTE"},
		{"POST", "clusters", `{"name":"x"`, 400, "MALFORMED_JSON"},
		{"POST", "clusters", `{"name":"x","tags":[{"key":"a","value":"b"},{"key":"a","value":"c"}]}`, 400, "VALIDATION_ERROR"},
		{"POST", "clusters", `{"name":"x","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS","regionName":"MOON_1"}]}]}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", "clusters", `{"name":"x","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS","regionName":"EU_WEST_1","autoScaling":{"compute":{"predictiveEnabled":"no"}}}]}]}`, 400, "INVALID_JSON_ATTRIBUTE"},
		{"POST", "clusters", `{"name":"main"}`, 400, "DUPLICATE_CLUSTER_NAME"},
		{"POST", "clusters", `{"name":"flexy"}`, 400, "DUPLICATE_CLUSTER_NAME"},
		{"POST", "flexClusters", `{"name":"main","providerSettings":{"backingProviderName":"AWS","regionName":"EU_WEST_1"}}`, 400, "DUPLICATE_CLUSTER_NAME"},
		{"GET", "clusters/flexy", ``, 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"},
		{"GET", "clusters/nope", ``, 404, "CLUSTER_NOT_FOUND"},
		{"PATCH", "clusters/nope", `{}`, 404, "CLUSTER_NOT_FOUND"},
		{"PATCH", "clusters/main", `{"name":"other"}`, 400, "ATTRIBUTE_READ_ONLY"},
		{"PATCH", "clusters/main", `{"paused":true,"pitEnabled":true}`, 409, "CANNOT_UPDATE_AND_PAUSE_CLUSTER"},
		{"PATCH", "clusters/free", `{"paused":true}`, 400, "CANNOT_PAUSE_TENANT_CLUSTER"},
		{"PATCH", "clusters/main", `{"tags":[{"key":"a","value":"b"},{"key":"a","value":"c"}]}`, 400, "VALIDATION_ERROR"},
		{"PATCH", "clusters/main/processArgs", `{"wat":1}`, 400, "INVALID_ATTRIBUTE"},
		{"DELETE", "clusters/main", ``, 400, "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED"},
		{"DELETE", "clusters/wide?retainBackups=perhaps", ``, 400, "INVALID_QUERY_PARAMETER"},
		{"POST", "clusters/main:grantMongoDBEmployeeAccess", `{"grantType":"CLUSTER_DATABASE_LOGS"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "clusters/main:grantMongoDBEmployeeAccess", `{"grantType":"ALL","expirationTime":"2026-08-04T00:00:00Z"}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", "clusters/main:grantMongoDBEmployeeAccess", `{"grantType":"CLUSTER_DATABASE_LOGS","expirationTime":"2026-08-03T09:00:00Z"}`, 400, "EXPIRATION_DATE_IN_PAST"},
		{"PATCH", "clusters/main", `{"mongoDBEmployeeAccessGrant":{"grantType":"CLUSTER_DATABASE_LOGS","expirationTime":"2026-08-03T09:00:00Z"}}`, 400, "EXPIRATION_DATE_IN_PAST"},
		{"POST", "clusters/nope:revokeMongoDBEmployeeAccess", ``, 404, "CLUSTER_NOT_FOUND"},
	} {
		w := startWorld(t, farm)
		a := w.as(ownerID, c.method, w.path("{prod}/"+c.path), c.body)
		if a.status != c.status || a.code() != c.code || len(w.Effects())+len(w.events("{prod}")) != 0 {
			t.Errorf("%s %s %s: %d %s, %d effects", c.method, c.path, c.body, a.status, a.raw, len(w.Effects()))
		}
	}
}

func TestPausedCluster(t *testing.T) {
	w := startWorld(t, quiet())
	patch := func(body string) answerOf { return w.do("PATCH", w.path("{prod}/clusters/main"), body) }
	if a := patch(`{"paused":true}`); a.status != 200 || a.body["paused"] != true {
		t.Fatalf("pause: %d %s", a.status, a.raw)
	}
	for _, body := range []string{`{"tags":[]}`, `{"pitEnabled":true}`, `{"paused":false,"pitEnabled":true}`} {
		if a := patch(body); a.status != 409 || a.code() != "CANNOT_UPDATE_PAUSED_CLUSTER" {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		}
	}
	if a := patch(`{"paused":true}`); a.status != 200 {
		t.Errorf("again: %d %s", a.status, a.raw)
	}
	if a := patch(`{"paused":false}`); a.status != 200 || a.body["paused"] != false {
		t.Errorf("resume: %d %s", a.status, a.raw)
	}
	if a := patch(`{"pitEnabled":true}`); a.status != 200 {
		t.Errorf("after: %d %s", a.status, a.raw)
	}
}

func TestClusterDeletion(t *testing.T) {
	for _, c := range []struct {
		world, cluster, query string
		listed, snapshots     int // afterwards, with the deleted ones
	}{
		{quiet(), "main", "?retainBackups=true", 4, 200},
		{quiet(), "main", "", 3, 404},
		{strings.Replace(quiet(), "{name: wide,", "{name: wide, retainBackups: true,", 1), "wide", "", 4, 200},
		{farm, "wide", "", 4, 200}, // the compliance policy keeps them
	} {
		w := startWorld(t, c.world)
		if a := w.do("DELETE", w.path("{prod}/clusters/"+c.cluster+c.query), nil); a.status != 202 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if a := w.do("PATCH", w.path("{prod}/clusters/"+c.cluster), `{"pitEnabled":true}`); a.code() != "CLUSTER_ALREADY_REQUESTED_DELETION" {
			t.Errorf("patch: %d %s", a.status, a.raw)
		}
		w.do("DELETE", w.path("{prod}/clusters/"+c.cluster), nil)
		w.Advance(deleteTakes)
		if n := len(w.do("GET", w.path("{prod}/clusters"), nil).results()); n != 2 {
			t.Errorf("%d clusters", n)
		}
		all := w.do("GET", w.path("{prod}/clusters?includeDeletedWithRetainedBackups=true"), nil)
		if n := len(all.results()); n != c.listed {
			t.Errorf("%s%s: %d with deleted ones", c.cluster, c.query, n)
		}
		if a := w.do("GET", w.path("{prod}/clusters/"+c.cluster+"/backup/snapshots"), nil); a.status != c.snapshots {
			t.Errorf("%s%s: snapshots %d", c.cluster, c.query, a.status)
		}
		if got := w.feedOf("{prod}"); got != "CLUSTER_DELETE_SUBMITTED* CLUSTER_DELETED" {
			t.Errorf("feed %s", got)
		}
		w.again()
	}
}

func TestClusterLimit(t *testing.T) {
	w := startWorld(t, strings.Replace(farm, "- name: prod\n", "- name: prod\n        limits: {atlas.project.deployment.clusters: 5}\n", 1))
	if a := w.do("POST", w.path("{prod}/clusters"), `{"name":"five"}`); a.status != 201 {
		t.Errorf("fifth: %d %s", a.status, a.raw)
	}
	if a := w.do("POST", w.path("{prod}/flexClusters"), aFlex); a.code() != "MAX_CLUSTERS_PER_GROUP_EXCEEDED" {
		t.Errorf("sixth: %d %s", a.status, a.raw)
	}
}

func TestProcessArgs(t *testing.T) {
	w := startWorld(t, farm)
	path := w.path("{prod}/clusters/main/processArgs")
	if a := w.do("GET", path, nil); a.body["noTableScan"] != true || a.body["minimumEnabledTlsProtocol"] != "TLS1_2" {
		t.Errorf("at first %s", a.raw)
	}
	for range 2 {
		a := w.do("PATCH", path, `{"noTableScan":false,"minimumEnabledTlsProtocol":"TLS1_3","oplogMinRetentionHours":null}`)
		if a.status != 200 || a.body["noTableScan"] != false || a.body["minimumEnabledTlsProtocol"] != "TLS1_3" {
			t.Errorf("%d %s", a.status, a.raw)
		}
	}
	if !strings.Contains(w.do("GET", w.path("{prod}/clusters/main"), nil).raw, "TLS1_3") {
		t.Error("the cluster has another protocol")
	}
	w.Advance(updateTakes)
	if got := w.feedOf("{prod}"); got != "CLUSTER_PROCESS_ARGS_UPDATE_SUBMITTED* CLUSTER_UPDATE_COMPLETED" || len(w.Effects()) != 1 {
		t.Errorf("feed %s, %d effects", got, len(w.Effects()))
	}
	w.again()
}

func TestEmployeeAccess(t *testing.T) {
	w := startWorld(t, farm)
	grant := func(cluster string) any {
		return w.do("GET", w.path("{prod}/clusters/"+cluster), nil).body["mongoDBEmployeeAccessGrant"]
	}
	if got := text(grant("main")); got != `{"expirationTime":"2026-08-03T12:00:00Z","grantType":"CLUSTER_DATABASE_LOGS"}` {
		t.Errorf("of the world %s", got)
	}
	for range 2 {
		if a := w.as(ownerID, "POST", w.path("{prod}/clusters/wide:grantMongoDBEmployeeAccess"), aGrant); a.status != 204 || a.raw != "" {
			t.Errorf("grant: %d %s", a.status, a.raw)
		}
	}
	if got := text(grant("wide")); got != `{"expirationTime":"2026-08-03T12:00:00Z","grantType":"CLUSTER_INFRASTRUCTURE"}` {
		t.Errorf("granted %s", got)
	}
	w.do("POST", w.path("{prod}/clusters/free:grantMongoDBEmployeeAccess"), aGrant)
	for range 2 {
		if a := w.do("POST", w.path("{prod}/clusters/free:revokeMongoDBEmployeeAccess"), nil); a.status != 204 {
			t.Errorf("revoke: %d %s", a.status, a.raw)
		}
	}
	w.Advance(2 * time.Hour)
	if got := fmt.Sprint(grant("main"), grant("wide"), grant("free")); got != "<nil> <nil> <nil>" {
		t.Errorf("afterwards %s", got)
	}
	if got := w.feedOf("{prod}"); got != "EMPLOYEE_ACCESS_GRANTED EMPLOYEE_ACCESS_GRANTED* EMPLOYEE_ACCESS_REVOKED* EMPLOYEE_ACCESS_REVOKED EMPLOYEE_ACCESS_REVOKED" {
		t.Errorf("feed %s", got)
	}
	if e := w.events("{prod}")[0]; e["created"] != "2026-08-03T12:00:00Z" || e["clusterName"] == nil {
		t.Errorf("event %v", e)
	}
}

func TestClusterVersions(t *testing.T) {
	w := startWorld(t, quiet())
	at := func(method, date, path, body string) answerOf {
		return w.as(ownerID, method, w.path("{prod}/clusters"+path), body, "Accept", "application/vnd.atlas."+date+"+json")
	}
	if a := at("GET", "2023-02-01", "/wide", ""); a.status != 200 || a.body["diskSizeGB"] != 10.0 || len(rowsOf(a.body["replicationSpecs"])) != 1 || rowsOf(a.body["replicationSpecs"])[0]["numShards"] != 2.0 {
		t.Errorf("2023-02-01: %d %s", a.status, a.raw)
	}
	if a := at("GET", "2023-01-01", "/main", ""); text(a.body["providerSettings"]) != `{"instanceSizeName":"M30","providerName":"GCP","regionName":"CENTRAL_US"}` || a.body["numShards"] != 1.0 {
		t.Errorf("2023-01-01: %d %s", a.status, a.raw)
	}
	if a := at("POST", "2023-02-01", "", `{"name":"o1","clusterType":"SHARDED","diskSizeGB":40,"replicationSpecs":[{"numShards":3,"regionConfigs":[{"providerName":"AWS","regionName":"EU_WEST_1","electableSpecs":{"instanceSize":"M30"}}]}]}`); a.status != 201 || a.body["diskSizeGB"] != 40.0 {
		t.Errorf("create in 2023-02-01: %d %s", a.status, a.raw)
	}
	if a := at("GET", "2024-08-05", "/o1", ""); len(rowsOf(a.body["replicationSpecs"])) != 3 || a.body["diskSizeGB"] != nil {
		t.Errorf("o1 is now %s", a.raw)
	}
	if a := at("POST", "2023-01-01", "", `{"name":"o2","diskSizeGB":20,"numShards":1,"providerSettings":{"providerName":"AWS","instanceSizeName":"M20","regionName":"EU_WEST_1"},"providerBackupEnabled":true}`); a.status != 201 {
		t.Errorf("create in 2023-01-01: %d %s", a.status, a.raw)
	}
	a := at("GET", "2024-08-05", "/o2", "")
	if a.body["backupEnabled"] != true || !strings.Contains(a.raw, `"instanceSize":"M20"`) || !strings.Contains(a.raw, `"diskSizeGB":20`) {
		t.Errorf("o2 is now %s", a.raw)
	}
	if a := at("PATCH", "2024-08-05", "/o2", `{"numShards":2}`); a.code() != "INVALID_ATTRIBUTE" {
		t.Errorf("an old attribute in a new version: %d %s", a.status, a.raw)
	}
}
