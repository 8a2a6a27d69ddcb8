"""Snapshots, the jobs that restore and export them, and the buckets for exports."""

from cycle import Cycle, live
from values import DROP


def lives(run):
    live(run, BUCKET)
    live(run, CONTAINER)
    for resource, life in (
        ("snapshots and restore jobs", restores),
        ("export jobs", exports),
        ("backup schedule", schedule),
        ("backup compliance policy", compliance),
        ("cloud provider access", access),
        ("private endpoint of backups", lambda r: private(r, "Backup")),
        ("private endpoint of encryption at rest", lambda r: private(r, "EncryptionAtRest")),
    ):
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


BUCKET = Cycle(
    "export bucket",
    create="createGroupBackupExportBucket",
    get="getGroupBackupExportBucket",
    list="listGroupBackupExportBuckets",
    update="updateGroupBackupExportBucket",
    delete="deleteGroupBackupExportBucket",
    item=lambda made, sent: {"exportBucketId": made["_id"]},
    same=lambda row, made, sent: row["_id"] == made["_id"],
    sent={
        "cloudProvider": "AWS",
        "bucketName": lambda run: run.unique("bucket-"),
        "iamRoleId": "32b6e34b3d91647abb20e7b8",
        "requirePrivateNetworking": False,
    },
    change={"requirePrivateNetworking": True},
    variants=(False,),
)

CONTAINER = Cycle(
    "export bucket, AZURE",
    create="createGroupBackupExportBucket",
    get="getGroupBackupExportBucket",
    list="listGroupBackupExportBuckets",
    delete="deleteGroupBackupExportBucket",
    item=lambda made, sent: {"exportBucketId": made["_id"]},
    same=lambda row, made, sent: row["_id"] == made["_id"],
    sent={
        "cloudProvider": "AZURE",
        "bucketName": lambda run: run.unique("container-"),
        "roleId": "32b6e34b3d91647abb20e7b8",
        "serviceUrl": "https://examplestorageaccount.blob.core.windows.net/",
    },
    created=("group", "BUCKET_CREATED_AUDIT"),
    deleted=("group", "BUCKET_DELETED_AUDIT"),
    variants=(False,),
)


def snapshot(run):
    """A finished snapshot of the run's cluster."""
    at = {"clusterName": run.cluster}
    sent = run.make("takeGroupClusterBackupSnapshots", {"description": "by the second client", "retentionInDays": 5})
    made = run.call("takeGroupClusterBackupSnapshots", at, sent).body
    run.event("group", "CPS_ON_DEMAND_SNAPSHOT_REQUESTED")
    run.check(
        made.get("description") == "by the second client", "takeGroupClusterBackupSnapshots: lacks the description"
    )
    one = at | {"snapshotId": made["id"]}
    read = "getGroupClusterBackupSnapshot"
    run.until(f"{read}: completed", lambda: run.call(read, one).body["status"] == "completed")
    rows = run.rows("listGroupClusterBackupSnapshots", at)
    run.check(any(s["id"] == made["id"] for s in rows), "listGroupClusterBackupSnapshots: lacks it")
    return one


def finished(run, read, one, key="finishedAt"):
    run.until(f"{read}: finished", lambda: run.call(read, one).body.get(key))


def restores(run):
    one = snapshot(run)
    at = {"clusterName": run.cluster}
    before = run.call("getGroupClusterBackupSnapshot", one).body["expiresAt"]
    change = run.make("updateGroupClusterBackupSnapshot", {"retentionUnit": "WEEKS", "retentionValue": 4})
    run.call("updateGroupClusterBackupSnapshot", one, change)
    after = run.call("getGroupClusterBackupSnapshot", one).body["expiresAt"]
    run.check(after > before, f"updateGroupClusterBackupSnapshot: expiresAt {before} and then {after}")
    sent = run.make(
        "createGroupClusterBackupRestoreJob",
        {
            "deliveryType": "automated",
            "snapshotId": one["snapshotId"],
            "targetClusterName": run.cluster,
            "targetGroupId": run.group,
        },
    )
    job = run.call("createGroupClusterBackupRestoreJob", at, sent).body
    run.event("group", "CPS_RESTORE_REQUESTED_AUDIT")
    run.reads_back("createGroupClusterBackupRestoreJob, its answer", sent, job)
    here = at | {"restoreJobId": job["id"]}
    run.reads_back("getGroupClusterBackupRestoreJob", sent, run.call("getGroupClusterBackupRestoreJob", here).body)
    rows = run.rows("listGroupClusterBackupRestoreJobs", at)
    run.check(any(j["id"] == job["id"] for j in rows), "listGroupClusterBackupRestoreJobs: lacks it")
    finished(run, "getGroupClusterBackupRestoreJob", here)
    run.event("group", "CPS_RESTORE_SUCCESSFUL", nobody=True)
    run.call("getGroupClusterBackupRestoreJob", at | {"restoreJobId": "32b6e34b3d91647abb20e7b8"}, expect=404)
    run.call("deleteGroupClusterBackupSnapshot", one)
    run.event("group", "CPS_SNAPSHOT_DELETED_AUDIT")
    run.call("getGroupClusterBackupSnapshot", one, expect=404)


def exports(run):
    one = snapshot(run)
    at = {"clusterName": run.cluster}
    bucket = {"cloudProvider": "AWS", "bucketName": run.unique("bucket-"), "iamRoleId": "32b6e34b3d91647abb20e7b8"}
    held = run.call(BUCKET.create, body=run.make(BUCKET.create, bucket | {"requirePrivateNetworking": False})).body
    sent = run.make(
        "createGroupClusterBackupExport",
        {
            "exportBucketId": held["_id"],
            "snapshotId": one["snapshotId"],
            "customData": [{"key": "by", "value": "second client"}],
        },
    )
    job = run.call("createGroupClusterBackupExport", at, sent).body
    here = at | {"exportId": job["id"]}
    got = run.call("getGroupClusterBackupExport", here).body
    run.reads_back("getGroupClusterBackupExport", sent, got)
    rows = run.rows("listGroupClusterBackupExports", at)
    run.check(any(j["id"] == job["id"] for j in rows), "listGroupClusterBackupExports: lacks it")
    finished(run, "getGroupClusterBackupExport", here)
    run.event("group", "CPS_EXPORT_SUCCESSFUL", nobody=True)
    prefixes(run, at, sent, got)
    run.call("deleteGroupClusterBackupSnapshot", one)


def prefixes(run, at, sent, before):
    """A prefix has ids, and names once the schedule asks for them."""
    read = "getGroupClusterBackupExport"
    ids = f"exported_snapshots/{run.org}/{run.group}/{run.cluster}/"
    run.check(before["prefix"].startswith(ids), f"{read}: prefix {before['prefix']!r}, not {ids!r}")
    names = f"exported_snapshots/{run.call('getOrg').body['name']}/{run.group_name}/{run.cluster}/"
    for switch, start in ((True, names), (False, ids)):
        run.call("updateGroupClusterBackupSchedule", at, {"useOrgAndGroupNamesInExportPrefix": switch})
        job = run.call("createGroupClusterBackupExport", at, sent).body
        got = run.call(read, at | {"exportId": job["id"]}).body["prefix"]
        run.check(got.startswith(start), f"{read}: prefix {got!r}, not {start!r}")


def schedule(run):
    at = {"clusterName": run.cluster}
    before = run.call("getGroupClusterBackupSchedule", at).body
    hour = (before.get("referenceHourOfDay", 0) + 1) % 24
    change = {"referenceHourOfDay": hour, "referenceMinuteOfHour": 30}
    run.call("updateGroupClusterBackupSchedule", at, change)
    run.event("group", "CPS_SNAPSHOT_SCHEDULE_UPDATED_AUDIT")
    got = run.call("getGroupClusterBackupSchedule", at).body
    run.reads_back("getGroupClusterBackupSchedule", change, got)


def access(run):
    sent = run.make("createGroupCloudProviderAccess", {"providerName": "AWS"})
    made = run.call("createGroupCloudProviderAccess", body=sent).body
    run.event("group", ("CLOUD_PROVIDER_ACCESS_AWS_IAM_ROLE_ADDED",))
    one = {"roleId": made["roleId"]}
    found = run.call("listGroupCloudProviderAccess").body
    run.check(
        any(r["roleId"] == made["roleId"] for r in found["awsIamRoles"]), "listGroupCloudProviderAccess: lacks it"
    )
    arn = "arn:aws:iam::123456789012:role/atlas"
    change = run.make("authorizeGroupCloudProviderAccessRole", {"providerName": "AWS", "iamAssumedRoleArn": arn})
    run.call("authorizeGroupCloudProviderAccessRole", one, change)
    got = run.call("getGroupCloudProviderAccess", one).body
    run.check(got.get("iamAssumedRoleArn") == arn and got.get("authorizedDate"), f"getGroupCloudProviderAccess: {got}")
    run.call("deauthorizeGroupCloudProviderAccessRole", one | {"cloudProvider": "AWS"})
    run.event("group", "CLOUD_PROVIDER_ACCESS_AWS_IAM_ROLE_DELETED")
    run.call("getGroupCloudProviderAccess", one, expect=404)


def private(run, kind):
    """A private endpoint that only Atlas uses, for backups or for keys."""
    at = {"cloudProvider": "AWS"}
    sent = run.make(f"createGroup{kind}PrivateEndpoint", {"cloudProvider": "AWS", "regionName": "US_EAST_1"})
    made = run.call(f"createGroup{kind}PrivateEndpoint", at, sent).body
    one = at | {"endpointId": made["id"]}
    read = f"getGroup{kind}PrivateEndpoint"
    run.check(run.call(read, one).body["regionName"] == "US_EAST_1", f"{read}: another region")
    rows = run.rows(f"listGroup{kind}PrivateEndpoints", at)
    run.check(any(r["id"] == made["id"] for r in rows), f"listGroup{kind}PrivateEndpoints: lacks it")
    gone = "deleteGroupBackupPrivateEndpoint"
    run.call(gone if kind == "Backup" else "requestGroupEncryptionAtRestPrivateEndpointDeletion", one)
    run.until(f"{read}: gone", lambda: run.look(read, one) == 404)


def compliance(run):
    """In a project of its own, since it keeps backups from being deleted."""
    project = {"name": run.unique("guarded-"), "orgId": run.org}
    at = {"groupId": run.call("createGroup", body=run.make("createGroup", project)).body["id"]}
    read, write = "getGroupBackupCompliancePolicy", "updateGroupBackupCompliancePolicy"
    daily = {"frequencyType": "daily", "frequencyInterval": 1, "retentionUnit": "days", "retentionValue": 7}
    sent = run.make(
        write,
        {
            "authorizedEmail": "security@example.com",
            "authorizedUserFirstName": "Alice",
            "authorizedUserLastName": "Example",
            "copyProtectionEnabled": True,
            "encryptionAtRestEnabled": False,
            "pitEnabled": True,
            "restoreWindowDays": 7,
            "scheduledPolicyItems": [daily],
        },
    )
    run.reads_back(f"{write}, its answer", sent, run.call(write, at, sent).body)
    run.event("group", "CPS_DATA_PROTECTION_ENABLE_REQUESTED", params=at)
    run.until(f"{read}: ACTIVE", lambda: run.call(read, at).body["state"] == "ACTIVE")
    run.event("group", "CPS_DATA_PROTECTION_ENABLED", params=at, nobody=True)
    got = run.call(read, at).body
    run.reads_back(read, sent, got)
    run.call(write, at, sent)
    run.check(run.call(read, at).body == got, f"{write}: the same policy a second time changes something")
    stricter = sent | {"scheduledPolicyItems": [daily | {"retentionValue": 14}], "restoreWindowDays": 14}
    run.call(write, at, stricter)
    run.event("group", "CPS_DATA_PROTECTION_UPDATE_REQUESTED", params=at)
    run.until(f"{read}: ACTIVE again", lambda: run.call(read, at).body["state"] == "ACTIVE")
    run.reads_back(read + " after the change", stricter, run.call(read, at).body)
    run.call("disableGroupBackupCompliancePolicy", at)
    run.event("group", "CPS_DATA_PROTECTION_DISABLE_REQUESTED", params=at)
    run.event("group", "CPS_DATA_PROTECTION_DISABLED", params=at, nobody=True)
    run.call("deleteGroup", at)
