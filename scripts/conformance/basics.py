"""What holds for every call: who may ask, for what, in which version, in which pages."""

import json

# Reads of one thing, with what is made up for its path.
MADE_UP = {
    "getGroup": {"groupId": "ffffffffffffffffffffffff"},
    "getOrg": {"orgId": "ffffffffffffffffffffffff"},
    "getGroupDatabaseUser": {"databaseName": "admin", "username": "nobody"},
    "getGroupAccessListEntry": {"entryValue": "192.0.2.99"},
    "getGroupCustomDbRoleRole": {"roleName": "no-such-role"},
    "getGroupCluster": {"clusterName": "no-such-cluster"},
    "getOrgTeam": {"teamId": "ffffffffffffffffffffffff"},
    "getOrgUser": {"userId": "ffffffffffffffffffffffff"},
    "getOrgServiceAccount": {"clientId": "mdb_sa_id_ffffffffffffffffffffffff"},
    "getGroupAlertConfig": {"alertConfigId": "ffffffffffffffffffffffff"},
    "getGroupIntegration": {"integrationType": "NEW_RELIC"},
    "getOrgResourcePolicy": {"resourcePolicyId": "ffffffffffffffffffffffff"},
    "getGroupPeer": {"peerId": "ffffffffffffffffffffffff"},
    "getGroupContainer": {"containerId": "ffffffffffffffffffffffff"},
    "getGroupEvent": {"eventId": "ffffffffffffffffffffffff"},
    "getGroupFlexCluster": {"name": "no-such-cluster"},
    "getGroupDataFederation": {"tenantName": "no-such-lake"},
    "getGroupStreamWorkspace": {"tenantName": "no-such-flow"},
}

PAGED = (
    "listOrgUsers",
    "listOrgTeams",
    "listOrgApiKeys",
    "listOrgServiceAccounts",
    "listOrgEvents",
    "listGroups",
    "listGroupEvents",
    "listGroupDatabaseUsers",
    "listGroupAccessListEntries",
    "listGroupClusters",
    "listGroupAlertConfigs",
    "listGroupUsers",
    "listGroupApiKeys",
)


def lives(run):
    some = [
        ("no or wrong credentials", strangers),
        ("versions", versions),
        ("envelope and pretty print", wrapping),
        ("what the service says of itself", itself),
        ("one event, and its feed in the UI", feeds),
    ]
    some += [(f"made-up {op.removeprefix('get')}", lambda r, o=op: made_up(r, o)) for op in MADE_UP]
    some += [(f"pages of {op}", lambda r, o=op: pages(r, o)) for op in PAGED]
    for resource, life in some:
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def raw(run, method, url, headers):
    run.now.steps += 1
    return run.clients[0].once(method, url, headers, None)


def strangers(run):
    op = run.spec.operations["getGroup"]
    url = op.url({"groupId": run.group}, None)
    for what, headers in (
        ("no credentials", {}),
        ("a made-up token", {"Authorization": "Bearer made.up.token"}),
        (
            "a made-up key",
            {"Authorization": 'Digest username="nobodyxx", realm="MMS Public API", nonce="x", uri="/", response="x"'},
        ),
    ):
        got = raw(run, "GET", url, {"Accept": op.accept} | headers)
        run.check(got.status == 401, f"GET {url} with {what}: answered {got.status}")
        for problem in run.checker.error(got.body):
            run.check(False, f"GET {url} with {what}: {problem}")
    challenge = raw(run, "GET", url, {"Accept": op.accept}).headers.get("WWW-Authenticate", "")
    run.check(
        challenge.startswith("Digest ") and 'qop="auth"' in challenge and "algorithm=MD5" in challenge,
        f"GET {url}: challenge {challenge!r}",
    )
    account = type(run.clients[0])("http://" + run.clients[0].host, run.clients[0].name, "wrong-secret")
    got = account.ask_for_token()
    run.check(
        got.status == 401 and got.body.get("error") == "invalid_client",
        f"POST /api/oauth/token with a wrong secret: {got.status} {got.raw[:100]}",
    )


def versions(run):
    for accept, wanted in (
        ("application/vnd.atlas.1999-01-01+json", (406, 400)),
        ("text/html", (406,)),
        ("application/vnd.atlas.not-a-date+json", (406, 400)),
    ):
        op = run.spec.operations["getGroup"]
        url = op.url({"groupId": run.group}, None)
        got = run.clients[0].send("GET", url, {"Accept": accept})
        run.now.steps += 1
        run.check(
            got.status in wanted,
            f"GET {url} with Accept {accept}: answered {got.status} {got.code}, expected {wanted[0]}",
        )
    got = run.clients[0].send("GET", url, {"Accept": "application/vnd.atlas.2025-03-12+json"})
    run.check(
        got.status == 200 and op.version in got.headers.get("Content-Type", ""),
        f"GET {url} with a later date: {got.status} {got.headers.get('Content-Type')}",
    )


def wrapping(run):
    got = run.call("getGroup", query={"envelope": "true"}, who=run.clients[0], expect=200)
    run.check(
        got.body.get("status") == 200 and got.body.get("content", {}).get("id") == run.group,
        f"getGroup in an envelope: {got.raw[:120]}",
    )
    rows = run.call("listGroups", query={"envelope": "true"}, expect=200).body
    run.check(
        rows.get("status") == 200 and "results" in rows, "listGroups in an envelope: no status beside the results"
    )
    plain, pretty = run.call("getGroup").raw, run.call("getGroup", query={"pretty": "true"}).raw
    run.check(
        b"\n" in pretty and b"\n" not in plain and json.loads(pretty) == json.loads(plain),
        "getGroup with pretty: not the same printed over lines",
    )


def made_up(run, operation):
    run.call(operation, MADE_UP[operation], expect=(404, 400) if operation in ("getOrgServiceAccount",) else 404)


def pages(run, operation):
    """A walk in pages of one row finds what one page of all has."""
    whole = run.call(operation, query={"itemsPerPage": 500}).body
    size = max(1, len(whole["results"]) // 8)
    walked, page = [], 1
    while page < 30:
        got = run.call(operation, query={"itemsPerPage": size, "pageNum": page}).body
        walked += got["results"]
        rels = {link["rel"] for link in got["links"]}
        run.check("self" in rels, f"{operation}: page {page} has no self link")
        run.check(("previous" in rels) == (page > 1), f"{operation}: page {page}: links {sorted(rels)}")
        if len(got["results"]) < size:
            break
        page += 1
    run.check(
        [r.get("id", r.get("_id")) for r in walked] == [r.get("id", r.get("_id")) for r in whole["results"]],
        f"{operation}: {len(walked)} rows in pages of {size}, {len(whole['results'])} at once",
    )
    run.check(
        whole["totalCount"] == len(whole["results"]) or len(whole["results"]) == 500,
        f"{operation}: totalCount {whole['totalCount']} of {len(whole['results'])} rows",
    )
    short = run.call(operation, query={"itemsPerPage": 1, "includeCount": "false"}).body
    run.check(
        short.get("totalCount", 0) == 0 and all(l["rel"] != "next" for l in short["links"]),
        f"{operation} without count: totalCount {short.get('totalCount')}, links {[l['rel'] for l in short['links']]}",
    )


def itself(run):
    run.call("getSystemStatus")
    kinds = {k["eventType"] for k in run.rows("listEventTypes")}
    run.check(
        {"MONGODB_USER_ADDED", "NETWORK_PERMISSION_ENTRY_ADDED", "API_KEY_CREATED"} <= kinds,
        "listEventTypes: lacks common types",
    )
    limits = run.rows("listRateLimits", query={"groupId": run.group})
    run.check(bool(limits), "listRateLimits: nothing for a project")


def feeds(run):
    for scope, one, listed, feed in (
        ("org", "getOrgEvent", "listOrgEvents", "getOrgActivityFeed"),
        ("group", "getGroupEvent", "listGroupEvents", "getGroupActivityFeed"),
    ):
        event = run.call(listed, query={"itemsPerPage": 1}).body["results"][0]
        run.check(run.call(one, {"eventId": event["id"]}).body == event, f"{one}: another event than the list shows")
        got = run.call(one, {"eventId": event["id"]}, query={"includeRaw": "true"}).body
        run.check(bool(got.get("raw")), f"{one} with includeRaw: no raw")
        old = run.call(listed, query={"maxDate": "2020-01-01T00:00:00Z"}).body["results"]
        run.check(old == [], f"{listed} until 2020: {len(old)} events")
        run.call(listed, query={"minDate": "2026-01-02T00:00:00Z", "maxDate": "2026-01-01T00:00:00Z"}, expect=400)
        run.call(listed, query={"eventType": "NO_SUCH_TYPE"}, expect=400)
        run.call(feed)
