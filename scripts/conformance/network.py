"""The IP access list, private endpoints, peering and containers."""

from cycle import Cycle, live
from values import DROP, tomorrow


def entry(title, where, **sent):
    def same(row, made=None, s=None):
        return row.get("cidrBlock") == where or row.get("ipAddress") == where or row.get("awsSecurityGroup") == where

    others = {k: DROP for k in ("ipAddress", "cidrBlock", "awsSecurityGroup") if k not in sent}
    return Cycle(
        f"access list entry, {title}",
        create="createGroupAccessListEntry",
        get="getGroupAccessListEntry",
        list="listGroupAccessListEntries",
        delete="deleteGroupAccessListEntry",
        item=lambda made, s: {"entryValue": where},
        pick=lambda body, s: next((r for r in body["results"] if same(r)), None),
        same=same,
        sent={"comment": "made by the second client", "deleteAfterDate": DROP} | others | sent,
        variants=(False,),
        created=("group", "NETWORK_PERMISSION_ENTRY_ADDED"),
        deleted=("group", "NETWORK_PERMISSION_ENTRY_REMOVED"),
    )


# What each provider calls a region, and where a container lies in it.
PROVIDERS = {
    "AWS": {
        "region": "US_EAST_1",
        "container": {"regionName": "US_EAST_1", "atlasCidrBlock": "10.8.0.0/21"},
        "change": {"atlasCidrBlock": "10.9.0.0/21"},
        "endpoint": {"id": "vpce-0123456789abcdef0"},
        "id": "vpce-0123456789abcdef0",
        "peer": {
            "accepterRegionName": "us-east-1",
            "awsAccountId": "123456789012",
            "routeTableCidrBlock": "192.168.0.0/24",
            "vpcId": "vpc-0123456789abcdef0",
        },
        "repeer": {"routeTableCidrBlock": "192.168.1.0/24"},
    },
    "AZURE": {
        "region": "US_EAST_2",
        "container": {"region": "US_EAST_2", "atlasCidrBlock": "10.10.0.0/21"},
        "change": {"atlasCidrBlock": "10.11.0.0/21"},
        "endpoint": {
            "id": "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/example/providers/Microsoft.Network/privateEndpoints/one",
            "privateEndpointIPAddress": "10.0.0.4",
        },
        "id": "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/example/providers/Microsoft.Network/privateEndpoints/one",
        "peer": {
            "azureDirectoryId": "11111111-2222-3333-4444-555555555555",
            "azureSubscriptionId": "66666666-7777-8888-9999-000000000000",
            "resourceGroupName": "example",
            "vnetName": "v",
        },
        "repeer": {"vnetName": "w"},
    },
    "GCP": {
        "region": "CENTRAL_US",
        "container": {"atlasCidrBlock": "10.128.0.0/18", "regions": DROP},
        "change": {"atlasCidrBlock": "10.144.0.0/18"},
        "endpoint": {
            "endpointGroupName": "group-one",
            "gcpProjectId": "example-project",
            "endpoints": [{"ipAddress": "10.0.0.5", "endpointName": "one"}],
        },
        "id": "group-one",
        "peer": {"gcpProjectId": "example-project", "networkName": "default"},
        "repeer": {"networkName": "other"},
    },
}


def lives(run):
    for c in (
        entry("address", "203.0.113.31", ipAddress="203.0.113.31"),
        entry("range", "203.0.113.96/28", cidrBlock="203.0.113.96/28"),
        entry("everywhere", "0.0.0.0/0", cidrBlock="0.0.0.0/0"),
        entry("for a time", "203.0.113.32", ipAddress="203.0.113.32", deleteAfterDate=tomorrow(6)),
    ):
        live(run, c)
    live(
        run,
        Cycle(
            "private endpoint of the data lake",
            create="createGroupPrivateNetworkSettingEndpointId",
            get="getGroupPrivateNetworkSettingEndpointId",
            list="listGroupPrivateNetworkSettingEndpointIds",
            delete="deleteGroupPrivateNetworkSettingEndpointId",
            item=lambda made, s: {"endpointId": made["endpointId"]},
            same=lambda row, made, s: row["endpointId"] == made["endpointId"],
            pick=lambda body, s: next((r for r in body["results"] if r["endpointId"] == s["endpointId"]), None),
            variants=(False,),
            sent={
                "endpointId": "vpce-0aaaabbbbccccdddd",
                "comment": "warehouse",
                "provider": "AWS",
                "type": "DATA_LAKE",
            },
            created=("group", "PRIVATE_NETWORK_ENDPOINT_ENTRY_ADDED"),
            deleted=("group", "PRIVATE_NETWORK_ENDPOINT_ENTRY_REMOVED"),
        ),
    )
    some = [("rules of the access list", access_rules), ("regional mode of private endpoints", regional_mode)]
    for provider in PROVIDERS:
        some.append((f"private endpoint service, {provider}", lambda r, p=provider: service(r, p)))
        some.append((f"private endpoint, {provider}", lambda r, p=provider: endpoint(r, p)))
        some.append((f"network container and peering, {provider}", lambda r, p=provider: peering(r, p)))
    for resource, life in some:
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def access_rules(run):
    first = run.call("createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.33", "comment": "one"}]).body
    row = next(r for r in first["results"] if r.get("ipAddress") == "203.0.113.33")
    run.check(
        row.get("cidrBlock") == "203.0.113.33/32", f"createGroupAccessListEntry: an address lacks its range: {row}"
    )
    for way in ("203.0.113.33", "203.0.113.33/32"):
        run.check(
            run.call("getGroupAccessListEntry", {"entryValue": way}).body["ipAddress"] == "203.0.113.33",
            f"getGroupAccessListEntry: not found as {way}",
        )
    run.until(
        "getGroupAccessListStatus: ACTIVE",
        lambda: run.call("getGroupAccessListStatus", {"entryValue": "203.0.113.33"}).body["STATUS"] == "ACTIVE",
    )
    run.call("createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.33", "comment": "two"}])
    rows = [r for r in run.rows("listGroupAccessListEntries") if r.get("ipAddress") == "203.0.113.33"]
    run.check(
        [r.get("comment") for r in rows] == ["two"],
        f"createGroupAccessListEntry: a second one is not the one entry with the new comment: {rows}",
    )
    run.call(
        "createGroupAccessListEntry",
        body=[{"cidrBlock": "203.0.113.0/28"}, {"cidrBlock": "203.0.113.0/28"}],
        expect=400,
    )
    run.call(
        "createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.34", "deleteAfterDate": tomorrow(8)}], expect=400
    )
    run.call(
        "createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.33", "deleteAfterDate": tomorrow(1)}], expect=400
    )
    run.call("createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.300"}], expect=400)
    run.call("createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.34", "comment": "x" * 81}], expect=400)
    run.call("deleteGroupAccessListEntry", {"entryValue": "203.0.113.33/32"})
    run.call("getGroupAccessListEntry", {"entryValue": "203.0.113.33"}, expect=404)


def regional_mode(run):
    before = run.call("getGroupPrivateEndpointRegionalMode").body["enabled"]
    for value in (not before, before):
        run.call(
            "toggleGroupPrivateEndpointRegionalMode",
            body=run.make("toggleGroupPrivateEndpointRegionalMode", {"enabled": value}),
        )
        run.event("group", f"REGIONALIZED_PRIVATE_ENDPOINT_MODE_{'ENABLED' if value else 'DISABLED'}")
        run.check(
            run.call("getGroupPrivateEndpointRegionalMode").body["enabled"] is value,
            "getGroupPrivateEndpointRegionalMode: not what was set",
        )


def new_service(run, provider):
    p = PROVIDERS[provider]
    sent = run.make(
        "createGroupPrivateEndpointEndpointService",
        {"providerName": provider, "region": p["region"], "supportedRemoteRegions": DROP, "portMappingEnabled": DROP},
    )
    made = run.call("createGroupPrivateEndpointEndpointService", body=sent).body
    by = run.actor
    run.check(
        (made["cloudProvider"], made["regionName"]) == (provider, p["region"]),
        f"createGroupPrivateEndpointEndpointService: {made}",
    )
    run.event("group", "ENDPOINT_SERVICE_CREATED", by)
    at = {"cloudProvider": provider, "endpointServiceId": made["id"]}
    run.until(
        "getGroupPrivateEndpointEndpointService: AVAILABLE",
        lambda: run.call("getGroupPrivateEndpointEndpointService", at).body["status"] == "AVAILABLE",
    )
    run.check(
        any(s["id"] == made["id"] for s in run.rows("listGroupPrivateEndpointEndpointService", at)),
        "listGroupPrivateEndpointEndpointService: lacks it",
    )
    return at


def service_is_gone(run, at):
    run.until(
        "getGroupPrivateEndpointEndpointService: gone",
        lambda: run.look("getGroupPrivateEndpointEndpointService", at) == 404,
    )
    run.check(
        all(s["id"] != at["endpointServiceId"] for s in run.rows("listGroupPrivateEndpointEndpointService", at)),
        "listGroupPrivateEndpointEndpointService: still holds it",
    )


def service(run, provider):
    at = new_service(run, provider)
    if provider == "AWS":
        change = {"cloudProvider": "AWS", "supportedRemoteRegions": ["EU_WEST_1"]}
        run.call("updateGroupPrivateEndpointEndpointService", at, change)
        run.event("group", "CROSS_REGION_SUPPORTED_REGION_MODIFIED")
        run.reads_back(
            "getGroupPrivateEndpointEndpointService",
            change,
            run.call("getGroupPrivateEndpointEndpointService", at).body,
        )
    run.call("deleteGroupPrivateEndpointEndpointService", at)
    run.event("group", "ENDPOINT_SERVICE_DELETED")
    service_is_gone(run, at)


def endpoint(run, provider):
    p, at = PROVIDERS[provider], new_service(run, provider)
    made = "createGroupPrivateEndpointEndpointServiceEndpoint"
    run.call(made, at, run.make(made, {"cloudProvider": provider} | p["endpoint"]))
    run.event("group", "INTERFACE_ENDPOINT_CREATED")
    one = at | {"endpointId": p["id"]}
    read = "getGroupPrivateEndpointEndpointServiceEndpoint"
    run.check(run.call(read, one).body["cloudProvider"] == provider, f"{read}: another provider")
    shown = run.call("getGroupPrivateEndpointEndpointService", at).body
    held = shown.get("interfaceEndpoints") or shown.get("privateEndpoints") or shown.get("endpointGroupNames")
    run.check(held == [p["id"]], f"getGroupPrivateEndpointEndpointService: its endpoints are {held}")
    run.call("deleteGroupPrivateEndpointEndpointService", at, expect=409)
    run.call("deleteGroupPrivateEndpointEndpointServiceEndpoint", one)
    run.event("group", "INTERFACE_ENDPOINT_DELETED")
    run.until(f"{read}: gone", lambda: run.look(read, one) == 404)
    now = run.actor.send(
        "GET",
        run.spec.operations["getGroupPrivateEndpointEndpointService"].url({"groupId": run.group} | at, None),
        {"Accept": "application/vnd.atlas.2023-01-01+json"},
    )
    if now.status == 200 and now.body["status"] != "DELETING":  # the last endpoint may take its service along
        run.call("deleteGroupPrivateEndpointEndpointService", at)
    run.event("group", "ENDPOINT_SERVICE_DELETED", nobody=True)
    service_is_gone(run, at)


def peering(run, provider):
    p = PROVIDERS[provider]
    sent = run.make("createGroupContainer", {"providerName": provider} | p["container"])
    box = run.call("createGroupContainer", body=sent).body
    run.reads_back("createGroupContainer, its answer", sent, box)
    at = {"containerId": box["id"]}
    run.reads_back("getGroupContainer", sent, run.call("getGroupContainer", at).body)
    run.check(
        any(c["id"] == box["id"] for c in run.rows("listGroupContainers", query={"providerName": provider})),
        "listGroupContainers: lacks it",
    )
    run.check(any(c["id"] == box["id"] for c in run.rows("listGroupContainerAll")), "listGroupContainerAll: lacks it")
    change = sent | p["change"]
    run.call("updateGroupContainer", at, change)
    run.event("group", "CONTAINER_SUBNETS_UPDATE_REQUESTED")
    run.reads_back("getGroupContainer after the change", change, run.call("getGroupContainer", at).body)

    sent = run.make("createGroupPeer", {"providerName": provider, "containerId": box["id"]} | p["peer"])
    peer = run.call("createGroupPeer", body=sent).body
    prefix = "" if provider == "AWS" else provider + "_"
    run.event("group", f"{prefix}PEER_CREATED")
    run.reads_back("createGroupPeer, its answer", sent, peer)
    one = {"peerId": peer["id"]}
    run.reads_back("getGroupPeer", sent, run.call("getGroupPeer", one).body)
    run.check(
        any(r["id"] == peer["id"] for r in run.rows("listGroupPeers", query={"providerName": provider})),
        "listGroupPeers: lacks it",
    )
    run.call("deleteGroupContainer", at, expect=409)
    run.call("updateGroupPeer", one, sent | p["repeer"])
    run.event("group", f"{prefix}PEER_UPDATED")
    run.reads_back("getGroupPeer after the change", sent | p["repeer"], run.call("getGroupPeer", one).body)
    run.call("deleteGroupPeer", one)
    run.event("group", f"{prefix}PEER_DELETED")
    run.until("getGroupPeer: gone", lambda: run.look("getGroupPeer", one) == 404)
    run.call("deleteGroupContainer", at)
    run.event("group", "CONTAINER_DELETED")
    run.call("getGroupContainer", at, expect=404)
