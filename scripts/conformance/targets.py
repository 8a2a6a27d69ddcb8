"""What databases run on: clusters, flex clusters, federated databases, stream workspaces."""

from cycle import Cycle, live
from values import tomorrow

REGION = {
    "electableSpecs": {"instanceSize": "M10", "nodeCount": 3},
    "priority": 7,
    "providerName": "AWS",
    "regionName": "US_EAST_1",
}


def named(prefix):
    return lambda run: run.unique(prefix)


def idle(body):
    return body["stateName"] == "IDLE"


def by(param):
    return lambda made, sent: {param: sent["name"]}


def same(row, made, sent):
    return row["name"] == sent["name"]


CYCLES = [
    Cycle(
        "cluster",
        create="createGroupCluster",
        get="getGroupCluster",
        list="listGroupClusters",
        update="updateGroupCluster",
        delete="deleteGroupCluster",
        item=by("clusterName"),
        same=same,
        ready=idle,
        variants=(False,),
        sent={
            "name": named("cluster-"),
            "clusterType": "REPLICASET",
            "replicationSpecs": [{"regionConfigs": [REGION]}],
            "tags": [{"key": "env", "value": "test"}],
        },
        change={"tags": [{"key": "env", "value": "other"}], "terminationProtectionEnabled": False},
        created=("group", "CLUSTER_CREATED"),
        updated=("group", ("CLUSTER_UPDATE_SUBMITTED", "CLUSTER_TAGS_MODIFIED")),
        deleted=("group", ("CLUSTER_DELETE_SUBMITTED", "CLUSTER_DELETED")),
    ),
    Cycle(
        "flex cluster",
        create="createGroupFlexCluster",
        get="getGroupFlexCluster",
        list="listGroupFlexClusters",
        update="updateGroupFlexCluster",
        delete="deleteGroupFlexCluster",
        item=by("name"),
        same=same,
        ready=idle,
        sent={"name": named("flex-"), "providerSettings": {"backingProviderName": "AWS", "regionName": "US_EAST_1"}},
        more={"tags": [{"key": "env", "value": "test"}], "terminationProtectionEnabled": False},
        change={"tags": [{"key": "env", "value": "other"}]},
        created=("group", "CLUSTER_CREATED"),
        updated=("group", ("CLUSTER_UPDATE_SUBMITTED", "CLUSTER_TAGS_MODIFIED")),
        deleted=("group", ("CLUSTER_DELETE_SUBMITTED", "CLUSTER_DELETED")),
    ),
    Cycle(
        "federated database",
        create="createGroupDataFederation",
        get="getGroupDataFederation",
        list="listGroupDataFederation",
        update="updateGroupDataFederation",
        delete="deleteGroupDataFederation",
        item=by("tenantName"),
        same=same,
        variants=(False,),
        sent={
            "name": named("lake-"),
            "dataProcessRegion": {"cloudProvider": "AWS", "region": "DUBLIN_IRL"},
            "storage": {
                "databases": [],
                "stores": [{"name": "web", "provider": "http", "urls": ["https://example.com/data.json"]}],
            },
        },
        change={
            "storage": {
                "databases": [],
                "stores": [{"name": "web2", "provider": "http", "urls": ["https://example.com/more.json"]}],
            }
        },
        created=("group", "FEDERATED_DATABASE_CREATED"),
        updated=("group", "FEDERATED_DATABASE_UPDATED"),
        deleted=("group", "FEDERATED_DATABASE_REMOVED"),
    ),
    Cycle(
        "stream workspace",
        create="createGroupStreamWorkspace",
        get="getGroupStreamWorkspace",
        list="listGroupStreamWorkspaces",
        update="updateGroupStreamWorkspace",
        delete="deleteGroupStreamWorkspace",
        item=by("tenantName"),
        same=same,
        variants=(False,),
        sent={
            "name": named("flow-"),
            "dataProcessRegion": {"cloudProvider": "AWS", "region": "VIRGINIA_USA"},
            "streamConfig": {"tier": "SP30"},
        },
        change={"cloudProvider": "AWS", "region": "DUBLIN_IRL"},
        ignore=("cloudProvider", "region", "dataProcessRegion"),
        created=("group", "STREAM_TENANT_CREATED"),
        updated=("group", "STREAM_TENANT_UPDATED"),
        deleted=("group", "STREAM_TENANT_DELETED"),
    ),
]


def new_cluster(run):
    sent = run.make(
        "createGroupCluster",
        {
            "name": run.unique("main-"),
            "clusterType": "REPLICASET",
            "replicationSpecs": [{"regionConfigs": [REGION]}],
            "backupEnabled": True,
        },
    )
    run.call("createGroupCluster", body=sent)
    at = {"clusterName": sent["name"]}
    run.until("getGroupCluster: IDLE", lambda: idle(run.call("getGroupCluster", at).body))
    return sent["name"]


def lives(run):
    for c in CYCLES:
        live(run, c)
    for resource, life in (
        ("clusters of all projects", overview),
        ("access of MongoDB's staff", employees),
        ("access history", history),
        ("process arguments", arguments),
        ("stream connection", connection),
        ("cluster in a project that is to be deleted", held),
    ):
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def overview(run):
    found = run.rows("listClusterDetails")
    run.check(any(p.get("groupId") == run.group for p in found), "listClusterDetails: lacks the project")


def employees(run):
    at = {"clusterName": run.cluster}
    run.call(
        "grantGroupClusterMongoDbEmployeeAccess",
        at,
        run.make(
            "grantGroupClusterMongoDbEmployeeAccess",
            {"grantType": "CLUSTER_DATABASE_LOGS", "expirationTime": tomorrow(1)},
        ),
    )
    run.event("group", "EMPLOYEE_ACCESS_GRANTED")
    got = run.call("getGroupCluster", at).body.get("mongoDBEmployeeAccessGrant") or {}
    run.check(got.get("grantType") == "CLUSTER_DATABASE_LOGS", f"getGroupCluster: mongoDBEmployeeAccessGrant {got}")
    run.call("revokeGroupClusterMongoDbEmployeeAccess", at)
    run.event("group", "EMPLOYEE_ACCESS_REVOKED")
    run.check(
        not run.call("getGroupCluster", at).body.get("mongoDBEmployeeAccessGrant"),
        "getGroupCluster: still shows the grant",
    )


def history(run):
    at = {"clusterName": run.cluster}
    got = run.call("getGroupDbAccessHistoryCluster", at, query={"nLogs": 10, "authResult": "true"}).body
    run.check(isinstance(got.get("accessLogs"), list), "getGroupDbAccessHistoryCluster: no accessLogs")
    run.call("getGroupDbAccessHistoryCluster", at, query={"start": 1199145600000}, expect=400)  # both or neither
    run.call("getGroupDbAccessHistoryCluster", {"clusterName": "no-such-cluster"}, expect=404)


def arguments(run):
    at = {"clusterName": run.cluster}
    read, write = "getGroupClusterProcessArgs", "updateGroupClusterProcessArgs"
    before = run.call(read, at).body
    change = {"javascriptEnabled": not before["javascriptEnabled"], "transactionLifetimeLimitSeconds": 90}
    for n in range(2):
        run.reads_back(f"{write}, its answer", change, run.call(write, at, change).body)
        if n == 0:
            run.event("group", ("CLUSTER_PROCESS_ARGS_UPDATE_SUBMITTED", "CLUSTER_UPDATE_SUBMITTED"))
        run.until("getGroupCluster: IDLE", lambda: idle(run.call("getGroupCluster", at).body))
        got = run.call(read, at).body
        run.check(got == before | change, f"{read} after the change {n + 1}: {got}")
    run.call(write, at, {"minimumEnabledTlsProtocol": "TLS1_3"})
    run.until("getGroupCluster: IDLE", lambda: idle(run.call("getGroupCluster", at).body))
    shown = run.call("getGroupCluster", at).body["advancedConfiguration"]["minimumEnabledTlsProtocol"]
    run.check(shown == "TLS1_3", f"getGroupCluster: minimumEnabledTlsProtocol {shown}")
    run.call(read, {"clusterName": "no-such-cluster"}, expect=404)


def held(run):
    run.call("deleteGroup", expect=409)  # CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS


def connection(run):
    flow = {"name": run.unique("flow-"), "dataProcessRegion": {"cloudProvider": "AWS", "region": "VIRGINIA_USA"}}
    run.call("createGroupStreamWorkspace", body=run.make("createGroupStreamWorkspace", flow))
    at = {"tenantName": flow["name"]}
    sent = {"name": "events", "type": "Https", "url": "https://example.com/events"}
    made = run.call(
        "createGroupStreamConnection",
        at,
        run.make("createGroupStreamConnection", {"name": "events", "type": "Https"}) | sent,
    )
    run.event("group", "STREAM_TENANT_CONNECTION_CREATED")
    run.reads_back("createGroupStreamConnection, its answer", sent, made.body)
    one = at | {"connectionName": "events"}
    run.reads_back("getGroupStreamConnection", sent, run.call("getGroupStreamConnection", one).body)
    change = sent | {"url": "https://example.com/more"}
    run.call("updateGroupStreamConnection", one, change)
    run.event("group", "STREAM_TENANT_CONNECTION_UPDATED")
    run.reads_back("getGroupStreamConnection after the change", change, run.call("getGroupStreamConnection", one).body)
    rows = run.rows("listGroupStreamConnections", at)
    run.check(any(c["name"] == "events" for c in rows), "listGroupStreamConnections: lacks it")
    run.call("deleteGroupStreamConnection", one)
    run.event("group", "STREAM_TENANT_CONNECTION_DELETED")
    run.until("getGroupStreamConnection: gone", lambda: run.look("getGroupStreamConnection", one) == 404)
    run.call("deleteGroupStreamWorkspace", at)
