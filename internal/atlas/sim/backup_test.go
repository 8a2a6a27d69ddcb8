package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const snapshot1 = "5a0000000000000000000001"

func TestSnapshotLife(t *testing.T) {
	w := startWorld(t, quiet())
	path := w.path("{prod}/clusters/main/backup/snapshots")
	a := w.as(ownerID, "POST", path, `{"description":"before","retentionInDays":2}`)
	id, _ := a.body["id"].(string)
	if a.status != 200 || a.body["status"] != "queued" || a.body["snapshotType"] != "onDemand" || a.body["description"] != "before" || a.body["expiresAt"] != "2026-08-05T10:00:00Z" || a.body["cloudProvider"] != "GCP" {
		t.Fatalf("take: %d %s", a.status, a.raw)
	}
	if a := w.do("POST", path, `{}`); a.status != 409 {
		t.Errorf("two at once: %d %s", a.status, a.raw)
	}
	status := func() any { return w.do("GET", path+"/"+id, nil).body["status"] }
	w.Advance(jobStarts)
	if got := status(); got != "inProgress" {
		t.Errorf("started: %v", got)
	}
	w.Advance(snapshotTakes)
	if got := status(); got != "completed" {
		t.Errorf("taken: %v", got)
	}
	if rows := w.do("GET", path, nil).results(); len(rows) != 2 || rows[0]["id"] != id || rows[1]["frequencyType"] != "daily" {
		t.Errorf("list %v", rows)
	}
	for range 2 {
		if a := w.do("PATCH", path+"/"+id, `{"retentionUnit":"WEEKS","retentionValue":1}`); a.status != 200 || a.body["expiresAt"] != "2026-08-10T10:00:00Z" {
			t.Errorf("retention: %d %s", a.status, a.raw)
		}
	}
	if a := w.do("DELETE", path+"/"+snapshot1, nil); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	w.Advance(8 * 24 * time.Hour)
	if got := w.feedOf("{prod}"); !strings.HasPrefix(got, "CPS_ON_DEMAND_SNAPSHOT_REQUESTED CPS_SNAPSHOT_STARTED CPS_SNAPSHOT_SUCCESSFUL CPS_SNAPSHOT_RETENTION_MODIFIED_AUDIT* CPS_SNAPSHOT_DELETED_AUDIT* ") || strings.Count(got, "CPS_SNAPSHOT_DELETED_AUDIT") != 3 {
		t.Errorf("feed %s", got) // one was deleted, one expired, and the retained one of the deleted cluster
	}
	if n := len(w.do("GET", path, nil).results()); n != 0 {
		t.Errorf("%d left", n)
	}
	if n := len(w.do("GET", w.path("{prod}/clusters?includeDeletedWithRetainedBackups=true"), nil).results()); n != 3 {
		t.Errorf("%d clusters with the deleted ones", n)
	}
	if a := w.do("GET", w.path("{prod}/clusters/wide/backup/snapshots"), nil); len(a.results()) != 0 {
		t.Errorf("replica set snapshots of a sharded cluster: %s", a.raw)
	}
}

func TestRestoreToAnotherProject(t *testing.T) {
	w := startWorld(t, quiet())
	path := w.path("{prod}/clusters/main/backup/restoreJobs")
	a := w.as(ownerID, "POST", path, w.expand(restoreTo("{dev}")))
	if a.status != 200 || a.body["targetGroupId"] != w.ProjectID("dev") || a.body["targetClusterName"] != "copy" || a.body["snapshotId"] != snapshot1 || a.body["deliveryType"] != "automated" {
		t.Fatalf("create: %d %s", a.status, a.raw)
	}
	one := path + "/" + a.body["id"].(string)
	e := w.events("{prod}")[0]
	if e["eventTypeName"] != "CPS_RESTORE_REQUESTED_AUDIT" || e["publicKey"] != ownerID || e["clusterName"] != "main" {
		t.Errorf("event %v", e)
	}
	w.again()
	w.Advance(restoreTakes)
	a = w.do("GET", one, nil)
	if a.body["finishedAt"] != "2026-08-03T10:05:00Z" || a.body["failed"] != false || a.body["targetGroupId"] != w.ProjectID("dev") || a.body["timestamp"] != "2026-08-01T00:00:00Z" {
		t.Errorf("finished: %s", a.raw)
	}
	if a := w.do("DELETE", one, nil); a.code() != "RESTORE_JOB_ALREADY_FINISHED" {
		t.Errorf("cancel: %d %s", a.status, a.raw)
	}
	if rows := w.do("GET", path, nil).results(); len(rows) != 2 || rows[1]["expired"] != true || len(rows[1]["deliveryUrl"].([]any)) != 0 {
		t.Errorf("list %v", rows)
	}
	if got := w.feedOf("{prod}"); got != "CPS_RESTORE_REQUESTED_AUDIT CPS_RESTORE_SUCCESSFUL" {
		t.Errorf("feed %s", got)
	}
}

func TestOtherRestores(t *testing.T) {
	w := startWorld(t, quiet())
	path := w.path("{prod}/clusters/main/backup/restoreJobs")
	download := w.do("POST", path, `{"deliveryType":"download","snapshotId":"`+snapshot1+`"}`).body["id"].(string)
	inTime := w.do("POST", path, w.expand(`{"deliveryType":"pointInTime","pointInTimeUTCSeconds":1785700000,"targetGroupId":"{dev}","targetClusterName":"copy"}`))
	if inTime.status != 200 || inTime.body["pointInTimeUTCSeconds"] != 1785700000.0 {
		t.Errorf("point in time: %d %s", inTime.status, inTime.raw)
	}
	for range 2 {
		if a := w.do("DELETE", path+"/"+inTime.body["id"].(string), nil); a.status != 204 {
			t.Errorf("cancel: %d %s", a.status, a.raw)
		}
	}
	failing := w.do("POST", path, w.expand(restoreTo("{dev}"))).body["id"].(string)
	w.do("DELETE", w.path("{dev}/clusters/copy"), nil)
	w.Advance(restoreTakes)
	if a := w.do("GET", path+"/"+download, nil); len(a.body["deliveryUrl"].([]any)) != 1 || a.body["expired"] != false || a.body["expiresAt"] != "2026-08-03T14:05:00Z" {
		t.Errorf("download: %s", a.raw)
	}
	if a := w.do("GET", path+"/"+inTime.body["id"].(string), nil); a.body["cancelled"] != true || a.body["finishedAt"] != nil {
		t.Errorf("cancelled: %s", a.raw)
	}
	if a := w.do("GET", path+"/"+failing, nil); a.body["failed"] != true {
		t.Errorf("into a cluster that went: %s", a.raw)
	}
	w.Advance(downloadExpiry)
	if a := w.do("GET", path+"/"+download, nil); len(a.body["deliveryUrl"].([]any)) != 0 || a.body["expired"] != true {
		t.Errorf("download later: %s", a.raw)
	}
	w.again()
}

// prefixed checks the start and the end of an export's prefix.
func (w *world) prefixed(path, start string) {
	w.t.Helper()
	a := w.do("GET", path, nil)
	if got, _ := a.body["prefix"].(string); !strings.HasPrefix(got, start) || !strings.HasSuffix(got, fmt.Sprintf("/%d", epoch.Unix())) {
		w.t.Errorf("prefix %s", a.raw)
	}
}

func TestExports(t *testing.T) {
	w := startWorld(t, quiet())
	path := w.path("{prod}/clusters/main/backup/exports")
	buckets := w.path("{prod}/backup/exportBuckets")
	b := w.as(ownerID, "POST", buckets, `{"cloudProvider":"AWS","bucketName":"vault2","iamRoleId":"ef0000000000000000000009"}`)
	if b.status != 200 || b.body["bucketName"] != "vault2" || b.body["iamRoleId"] != "ef0000000000000000000009" {
		t.Fatalf("bucket: %d %s", b.status, b.raw)
	}
	bucket := b.body["_id"].(string)
	create := func(bucket string) string {
		a := w.do("POST", path, `{"snapshotId":"`+snapshot1+`","exportBucketId":"`+bucket+`","customData":[{"key":"k","value":"v"}]}`)
		if a.status != 200 || a.body["state"] != "Queued" || text(a.body["customData"]) != `[{"key":"k","value":"v"}]` {
			t.Fatalf("export: %d %s", a.status, a.raw)
		}
		return path + "/" + a.body["id"].(string)
	}
	good, failing := create("5d0000000000000000000001"), create(bucket)
	w.prefixed(good, "exported_snapshots/"+w.OrgID("ExampleCorp")+"/"+w.ProjectID("prod")+"/main/2026-08-0")
	w.do("PATCH", w.path("{prod}/clusters/main/backup/schedule"), `{"useOrgAndGroupNamesInExportPrefix":true}`)
	w.prefixed(good, "exported_snapshots/"+w.OrgID("ExampleCorp")+"/")
	w.prefixed(create(bucket), "exported_snapshots/ExampleCorp/prod/main/2026-08-0")
	w.Advance(jobStarts)
	if a := w.do("GET", good, nil); a.body["state"] != "InProgress" {
		t.Errorf("started: %s", a.raw)
	}
	for range 2 {
		if a := w.do("PATCH", buckets+"/"+bucket, `{"requirePrivateNetworking":true}`); a.body["requirePrivateNetworking"] != true {
			t.Errorf("bucket: %d %s", a.status, a.raw)
		}
	}
	if a := w.do("DELETE", buckets+"/"+bucket, nil); a.status != 204 || w.do("GET", buckets+"/"+bucket, nil).status != 404 {
		t.Errorf("delete the bucket: %d %s", a.status, a.raw)
	}
	w.Advance(exportTakes)
	if a, b := w.do("GET", good, nil), w.do("GET", failing, nil); a.body["state"] != "Successful" || a.body["finishedAt"] != "2026-08-03T10:06:00Z" || b.body["state"] != "Failed" {
		t.Errorf("finished: %s\n%s", a.raw, b.raw)
	}
	if got := w.feedOf("{prod}"); got != "BUCKET_CREATED_AUDIT CPS_SNAPSHOT_SCHEDULE_UPDATED_AUDIT* BUCKET_DELETED_AUDIT* CPS_EXPORT_SUCCESSFUL CPS_EXPORT_FAILED CPS_EXPORT_FAILED" {
		t.Errorf("feed %s", got)
	}
	if n := len(w.do("GET", path, nil).results()); n != 4 {
		t.Errorf("%d exports", n)
	}
	w.again()
}

func TestBackupRefusals(t *testing.T) {
	target := `"targetGroupId":"{dev}","targetClusterName":"copy"`
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "clusters/nope/backup/snapshots", ``, 404, "CLUSTER_NOT_FOUND"},
		{"GET", "clusters/free/backup/snapshots", ``, 403, "FEATURE_UNSUPPORTED"},
		{"POST", "clusters/main/backup/snapshots", `{"retentionInDays":0}`, 400, "VALIDATION_ERROR"},
		{"POST", "clusters/old/backup/snapshots", `{}`, 404, "CLUSTER_NOT_FOUND"},
		{"GET", "clusters/wide/backup/snapshots/" + snapshot1, ``, 404, "RESOURCE_NOT_FOUND"},
		{"PATCH", "clusters/main/backup/snapshots/" + snapshot1, `{"retentionUnit":"DAYS"}`, 400, "MISSING_ATTRIBUTE"},
		{"PATCH", "clusters/main/backup/snapshots/" + snapshot1, `{"retentionUnit":"DAYS","retentionValue":0}`, 400, "VALIDATION_ERROR"},
		{"POST", "clusters/main/backup/restoreJobs", `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "clusters/main/backup/restoreJobs", `{"deliveryType":"post"}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", "clusters/main/backup/restoreJobs", `{"deliveryType":"automated",` + target + `}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "clusters/main/backup/restoreJobs", `{"deliveryType":"pointInTime",` + target + `}`, 400, "MISSING_ONE_OF_ATTRIBUTES"},
		{"POST", "clusters/main/backup/restoreJobs", `{"deliveryType":"automated","snapshotId":"5a0000000000000000000009",` + target + `}`, 404, "RESOURCE_NOT_FOUND"},
		{"POST", "clusters/main/backup/restoreJobs", `{"deliveryType":"automated","snapshotId":"` + snapshot1 + `"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "clusters/main/backup/restoreJobs", restoreTo("ffffffffffffffffffffffff"), 404, "GROUP_NOT_FOUND"},
		{"POST", "clusters/main/backup/restoreJobs", restoreTo("{prod}"), 404, "CLUSTER_NOT_FOUND"},
		{"POST", "clusters/main/backup/restoreJobs", restoreTo("{foreign}"), 401, "USER_CANNOT_ACCESS_GROUP"},
		{"DELETE", "clusters/main/backup/restoreJobs/ffffffffffffffffffffffff", ``, 404, "RESOURCE_NOT_FOUND"},
		{"POST", "clusters/main/backup/exports", `{"snapshotId":"` + snapshot1 + `"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "clusters/main/backup/exports", `{"snapshotId":"` + snapshot1 + `","exportBucketId":"ffffffffffffffffffffffff"}`, 404, "RESOURCE_NOT_FOUND"},
		{"GET", "clusters/main/backup/exports/ffffffffffffffffffffffff", ``, 404, "RESOURCE_NOT_FOUND"},
		{"POST", "backup/exportBuckets", `{"cloudProvider":"AWS","bucketName":"vault3"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "backup/exportBuckets", `{"cloudProvider":"AWS","bucketName":"vault3","iamRoleId":"role"}`, 400, "VALIDATION_ERROR"},
		{"POST", "backup/exportBuckets", `{"cloudProvider":"AWS","bucketName":"vault","iamRoleId":"ef0000000000000000000001"}`, 409, "DUPLICATE_EXPORT_BUCKET"},
		{"DELETE", "backup/exportBuckets/ffffffffffffffffffffffff", ``, 404, "RESOURCE_NOT_FOUND"},
		{"PATCH", "clusters/main/backup/schedule", `{"wat":1}`, 400, "INVALID_ATTRIBUTE"},
		{"PUT", "backupCompliancePolicy", `{"authorizedEmail":"a@example.com"}`, 400, "MISSING_ATTRIBUTE"},
		{"PUT", "backupCompliancePolicy", `{"authorizedEmail":"a@example.com","authorizedUserFirstName":"A","authorizedUserLastName":"B","projectId":"{dev}"}`, 400, "GROUP_MISMATCH"},
	} {
		w := startWorld(t, quiet())
		a := w.as(ownerID, c.method, w.path("{prod}/"+c.path), w.expand(c.body))
		if a.status != c.status || a.code() != c.code || len(w.Effects())+len(w.events("{prod}")) != 0 {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, a.status, a.raw)
		}
	}
}

func TestBackupSchedule(t *testing.T) {
	w := startWorld(t, quiet())
	path := w.path("{prod}/clusters/main/backup/schedule")
	for range 2 {
		a := w.do("PATCH", path, `{"referenceHourOfDay":4,"deleteSnapshots":true}`)
		if a.status != 200 || a.body["referenceHourOfDay"] != 4.0 || a.body["deleteSnapshots"] != nil || !strings.Contains(a.raw, `"retentionValue":9`) {
			t.Errorf("update: %d %s", a.status, a.raw)
		}
	}
	if a := w.do("DELETE", path, nil); a.status != 200 || strings.Contains(a.raw, "retentionValue") {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if got := w.feedOf("{prod}"); got != "CPS_SNAPSHOT_SCHEDULE_UPDATED_AUDIT* CPS_SNAPSHOT_SCHEDULE_UPDATED_AUDIT*" {
		t.Errorf("feed %s", got)
	}
	if a := w.do("GET", w.path("{dev}/clusters/copy/backup/schedule"), nil); !strings.Contains(a.raw, `"frequencyType":"hourly"`) {
		t.Errorf("default %s", a.raw)
	}
	w.again()
}

func TestCompliancePolicy(t *testing.T) {
	w := startWorld(t, quiet())
	path := w.path("{prod}/backupCompliancePolicy")
	if a := w.do("GET", path, nil); a.status != 200 || a.raw != "{}" {
		t.Errorf("none: %d %s", a.status, a.raw)
	}
	policy := `{"authorizedEmail":"a@example.com","authorizedUserFirstName":"A","authorizedUserLastName":"B","copyProtectionEnabled":%t,"onDemandPolicyItem":{"frequencyType":"ondemand","frequencyInterval":0,"retentionUnit":"days","retentionValue":30}}`
	state := func() any { return w.do("GET", path, nil).body["state"] }
	for range 2 {
		if a := w.do("PUT", path, fmt.Sprintf(policy, false)); a.status != 200 || a.body["state"] != "ENABLING" || a.body["updatedUser"] != "alice@example.com" {
			t.Errorf("enable: %d %s", a.status, a.raw)
		}
	}
	w.Advance(policyTakes)
	if a := w.do("DELETE", w.path("{prod}/clusters/main/backup/snapshots/"+snapshot1), nil); a.code() != "BACKUP_COMPLIANCE_POLICY_VIOLATED" {
		t.Errorf("a protected snapshot: %d %s", a.status, a.raw)
	}
	if a := w.do("PATCH", w.path("{prod}/clusters/main/backup/snapshots/"+snapshot1), `{"retentionUnit":"DAYS","retentionValue":3}`); a.code() != "BACKUP_COMPLIANCE_POLICY_VIOLATED" {
		t.Errorf("a shorter retention: %d %s", a.status, a.raw)
	}
	if a := w.do("DELETE", w.path("{prod}/clusters/main/backup/schedule"), nil); a.code() != "BACKUP_COMPLIANCE_POLICY_VIOLATED" {
		t.Errorf("the schedule: %d %s", a.status, a.raw)
	}
	w.do("PUT", path, fmt.Sprintf(policy, true))
	w.again()
	w.Advance(policyTakes)
	if got := state(); got != "ACTIVE" {
		t.Errorf("updated: %v", got)
	}
	if a := w.do("DELETE", path, nil); a.status != 204 || state() != "DISABLING" {
		t.Errorf("disable: %d %s", a.status, a.raw)
	}
	w.Advance(policyTakes)
	if a := w.do("DELETE", w.path("{prod}/clusters/main/backup/snapshots/"+snapshot1), nil); a.status != 204 {
		t.Errorf("no longer protected: %d %s", a.status, a.raw)
	}
	if got := w.feedOf("{prod}"); got != "CPS_DATA_PROTECTION_ENABLE_REQUESTED* CPS_DATA_PROTECTION_ENABLED CPS_DATA_PROTECTION_UPDATE_REQUESTED* CPS_DATA_PROTECTION_UPDATED CPS_DATA_PROTECTION_DISABLE_REQUESTED* CPS_DATA_PROTECTION_DISABLED CPS_SNAPSHOT_DELETED_AUDIT*" {
		t.Errorf("feed %s", got)
	}
}
