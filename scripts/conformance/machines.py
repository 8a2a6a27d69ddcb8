"""API keys and service accounts of org and project, with their access lists and secrets."""

from cycle import Cycle, live
from values import DROP


def described(run):
    return run.unique("made by the second client ")


def label(run):
    return run.unique("second-client-")


def key(made, sent):
    return {"apiUserId": made["id"]}


def account(made, sent):
    return {"clientId": made["clientId"]}


def same_account(row, made, sent):
    return row["clientId"] == made["clientId"]


# A key's roles are shown with where they hold, not as they are sent.
CYCLES = [
    Cycle(
        "org API key",
        create="createOrgApiKey",
        get="getOrgApiKey",
        list="listOrgApiKeys",
        update="updateOrgApiKey",
        delete="deleteOrgApiKey",
        item=key,
        sent={"desc": described, "roles": ["ORG_MEMBER"]},
        variants=(False,),
        change={"desc": described},
        ignore=("roles",),
        gone=400,  # API_KEY_NOT_FOUND is 400 (atlas-api.md §1.4)
        created=("org", "API_KEY_CREATED"),
        updated=("org", "API_KEY_DESCRIPTION_CHANGED"),
        deleted=("org", "API_KEY_DELETED"),
    ),
    Cycle(
        "org service account",
        create="createOrgServiceAccount",
        get="getOrgServiceAccount",
        list="listOrgServiceAccounts",
        update="updateOrgServiceAccount",
        delete="deleteOrgServiceAccount",
        item=account,
        same=same_account,
        sent={"name": label, "description": described, "roles": ["ORG_MEMBER"], "secretExpiresAfterHours": 8},
        variants=(False,),
        change={"name": label, "description": described, "roles": ["ORG_READ_ONLY"]},
        ignore=("secretExpiresAfterHours",),
        created=("org", "SERVICE_ACCOUNT_CREATED"),
        updated=("org", ("SERVICE_ACCOUNT_DETAILS_CHANGED", "SERVICE_ACCOUNT_ROLES_CHANGED")),
        deleted=("org", "SERVICE_ACCOUNT_DELETED"),
    ),
]


def lives(run):
    for c in CYCLES:
        live(run, c)
    for resource, life in (
        ("roles of an API key", key_roles),
        ("API key in a project", group_key),
        ("access list of an API key", key_list),
        ("secrets of a service account", lambda r: secrets(r, "Org")),
        ("access list of a service account", lambda r: account_list(r, "Org")),
        ("service account of a project", group_account),
        ("secrets of a project's service account", lambda r: secrets(r, "Group")),
        ("access list of a project's service account", lambda r: account_list(r, "Group")),
    ):
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def roles_of(body):
    return {(r.get("orgId") or r.get("groupId"), r["roleName"]) for r in body["roles"]}


def key_roles(run):
    made = run.call(
        "createOrgApiKey", body=run.make("createOrgApiKey", {"desc": described(run), "roles": ["ORG_MEMBER"]})
    ).body
    at = key(made, None)
    private = made["privateKey"]
    run.check("*" not in private and len(private) == 36, "createOrgApiKey: does not show the private key")
    run.check(roles_of(made) == {(run.org, "ORG_MEMBER")}, f"createOrgApiKey: roles {made['roles']}")
    got = run.call("getOrgApiKey", at).body
    run.check(
        got["privateKey"] == "********-****-****-" + private[-12:],
        f"getOrgApiKey: the private key is not masked but for its end: {got['privateKey']!r}",
    )
    run.call("updateOrgApiKey", at, {"roles": ["ORG_READ_ONLY"]})
    run.event("org", "API_KEY_ROLES_CHANGED")
    run.check(
        roles_of(run.call("getOrgApiKey", at).body) == {(run.org, "ORG_READ_ONLY")},
        "getOrgApiKey: not the changed role",
    )
    run.call("deleteOrgApiKey", at)
    run.call("getOrgApiKey", at, expect=(404, 400))


def group_key(run):
    sent = run.make("createGroupApiKey", {"desc": described(run), "roles": ["GROUP_READ_ONLY"]})
    made = run.call("createGroupApiKey", body=sent).body
    at, by = key(made, None), run.actor
    run.check(roles_of(made) >= {(run.group, "GROUP_READ_ONLY")}, f"createGroupApiKey: roles {made['roles']}")
    run.event("group", ("API_KEY_ADDED_TO_GROUP", "API_KEY_CREATED"), by)
    run.check(any(k["id"] == made["id"] for k in run.rows("listGroupApiKeys")), "listGroupApiKeys: lacks it")
    run.check(any(k["id"] == made["id"] for k in run.rows("listOrgApiKeys")), "listOrgApiKeys: lacks a project's key")
    for _ in range(2):
        got = run.call(
            "updateGroupApiKeyRoles", at, run.make("updateGroupApiKeyRoles", {"roles": ["GROUP_OWNER"]})
        ).body
        run.check(
            (run.group, "GROUP_OWNER") in roles_of(got) and (run.group, "GROUP_READ_ONLY") not in roles_of(got),
            "updateGroupApiKeyRoles: does not replace the roles",
        )
    run.check(
        roles_of(run.call("getOrgApiKey", at).body) == roles_of(got), "getOrgApiKey: other roles than the project shows"
    )
    run.call("removeGroupApiKey", at)
    run.event("group", "API_KEY_REMOVED_FROM_GROUP")
    run.check(
        all(k["id"] != made["id"] for k in run.rows("listGroupApiKeys")),
        "listGroupApiKeys: still holds the removed key",
    )
    run.check(
        roles_of(run.call("getOrgApiKey", at).body) == {(run.org, "ORG_MEMBER")},
        "getOrgApiKey: a key removed from its project is not a mere member",
    )
    run.call("addGroupApiKey", at, run.make("addGroupApiKey", {"roles": ["GROUP_READ_ONLY"]}))
    run.event("group", "API_KEY_ADDED_TO_GROUP")
    run.check(
        (run.group, "GROUP_READ_ONLY") in roles_of(run.call("getOrgApiKey", at).body),
        "getOrgApiKey: lacks the role that was added",
    )
    run.call("deleteOrgApiKey", at)
    run.check(
        all(k["id"] != made["id"] for k in run.rows("listGroupApiKeys")), "listGroupApiKeys: still holds a deleted key"
    )


def key_list(run):
    made = run.call(
        "createOrgApiKey", body=run.make("createOrgApiKey", {"desc": described(run), "roles": ["ORG_MEMBER"]})
    ).body
    at = key(made, None)
    for entry, where in (
        ({"ipAddress": "203.0.113.21", "cidrBlock": DROP}, "203.0.113.21"),
        ({"cidrBlock": "203.0.113.64/28", "ipAddress": DROP}, "203.0.113.64/28"),
    ):
        sent = run.make("createOrgApiKeyAccessListEntry", entry)
        got = run.call("createOrgApiKeyAccessListEntry", at, sent).body
        run.event("org", "API_KEY_ACCESS_LIST_ENTRY_ADDED")
        run.check(
            any(not_other(sent[0], row) for row in got["results"]),
            f"createOrgApiKeyAccessListEntry: the answer lacks {where}",
        )
        run.reads_back(
            "getOrgApiKeyAccessListEntry",
            sent[0],
            run.call("getOrgApiKeyAccessListEntry", at | {"ipAddress": where}).body,
        )
        run.check(
            any(not_other(sent[0], row) for row in run.rows("listOrgApiKeyAccessListEntries", at)),
            f"listOrgApiKeyAccessListEntries: lacks {where}",
        )
        run.call("deleteOrgApiKeyAccessListEntry", at | {"ipAddress": where})
        run.event("org", "API_KEY_ACCESS_LIST_ENTRY_DELETED")
        run.call("getOrgApiKeyAccessListEntry", at | {"ipAddress": where}, expect=404)
    run.call("deleteOrgApiKey", at)


def not_other(sent, row):
    return all(row.get(k) == v for k, v in sent.items())


def new_account(run, scope):
    role = "ORG_MEMBER" if scope == "Org" else "GROUP_READ_ONLY"
    sent = run.make(
        f"create{scope}ServiceAccount",
        {"name": label(run), "description": described(run), "roles": [role], "secretExpiresAfterHours": 24},
    )
    made = run.call(f"create{scope}ServiceAccount", body=sent).body
    run.reads_back(f"create{scope}ServiceAccount, its answer", sent, made, ignore=("secretExpiresAfterHours",))
    run.check(
        len(made.get("secrets", [])) == 1 and made["secrets"][0].get("secret"),
        f"create{scope}ServiceAccount: does not show its one secret",
    )
    return made


def secrets(run, scope):
    made = new_account(run, scope)
    at, feed = account(made, None), scope.lower() if scope == "Org" else "group"
    first = made["secrets"][0]["id"]
    seen = run.call(f"get{scope}ServiceAccount", at).body["secrets"]
    run.check(
        [s["id"] for s in seen] == [first] and not seen[0].get("secret") and seen[0].get("maskedSecretValue"),
        f"get{scope}ServiceAccount: the secret is not masked: {seen}",
    )
    got = run.call(
        f"create{scope}ServiceAccountSecret",
        at,
        run.make(f"create{scope}ServiceAccountSecret", {"secretExpiresAfterHours": 24}),
    ).body
    run.check(got.get("secret"), f"create{scope}ServiceAccountSecret: does not show the secret")
    run.event(feed, "SERVICE_ACCOUNT_SECRET_ADDED")
    run.check(
        len(run.call(f"get{scope}ServiceAccount", at).body["secrets"]) == 2,
        f"get{scope}ServiceAccount: not two secrets",
    )
    run.call(f"delete{scope}ServiceAccountSecret", at | {"secretId": first})
    run.event(feed, "SERVICE_ACCOUNT_SECRET_DELETED")
    left = [s["id"] for s in run.call(f"get{scope}ServiceAccount", at).body["secrets"]]
    run.check(left == [got["id"]], f"get{scope}ServiceAccount: secrets {left} after one was deleted")
    run.call("deleteOrgServiceAccount", at)


def account_list(run, scope):
    made = new_account(run, scope)
    at, feed = account(made, None), "org" if scope == "Org" else "group"
    for entry, where in (
        ({"ipAddress": "203.0.113.22", "cidrBlock": DROP}, "203.0.113.22"),
        ({"cidrBlock": "203.0.113.80/28", "ipAddress": DROP}, "203.0.113.80/28"),
    ):
        sent = run.make(f"create{scope}ServiceAccountAccessList", entry)
        got = run.call(f"create{scope}ServiceAccountAccessList", at, sent).body
        run.event(feed, "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_ADDED")
        run.check(
            any(not_other(sent[0], row) for row in got["results"]),
            f"create{scope}ServiceAccountAccessList: the answer lacks {where}",
        )
        run.check(
            any(not_other(sent[0], row) for row in run.rows(f"list{scope}ServiceAccountAccessList", at)),
            f"list{scope}ServiceAccountAccessList: lacks {where}",
        )
        run.call(f"delete{scope}ServiceAccountAccessListEntry", at | {"ipAddress": where})
        run.event(feed, "SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_DELETED")
        run.check(
            not any(not_other(sent[0], row) for row in run.rows(f"list{scope}ServiceAccountAccessList", at)),
            f"list{scope}ServiceAccountAccessList: still holds {where}",
        )
    run.call("deleteOrgServiceAccount", at)


def group_account(run):
    made = new_account(run, "Group")
    at, by = account(made, None), run.actor
    run.event("group", ("SERVICE_ACCOUNT_ADDED_TO_GROUP", "SERVICE_ACCOUNT_CREATED"), by)
    run.check(
        any(a["clientId"] == made["clientId"] for a in run.rows("listGroupServiceAccounts")),
        "listGroupServiceAccounts: lacks it",
    )
    run.check(
        any(a["clientId"] == made["clientId"] for a in run.rows("listOrgServiceAccounts")),
        "listOrgServiceAccounts: lacks a project's account",
    )
    change = {"name": label(run), "description": described(run), "roles": ["GROUP_OWNER"]}
    for _ in range(2):
        run.call("updateGroupServiceAccount", at, change)
        run.reads_back("getGroupServiceAccount after the change", change, run.call("getGroupServiceAccount", at).body)
    places = run.rows("getOrgServiceAccountGroups", at)
    run.check(
        [(p["groupId"], p["roles"]) for p in places] == [(run.group, ["GROUP_OWNER"])],
        f"getOrgServiceAccountGroups: {places}",
    )
    run.call("deleteGroupServiceAccount", at)
    run.event("group", "SERVICE_ACCOUNT_REMOVED_FROM_GROUP")
    run.call("getGroupServiceAccount", at, expect=404)
    run.check(
        run.call("getOrgServiceAccount", at).body["clientId"] == made["clientId"],
        "getOrgServiceAccount: an account removed from its project is gone from the org",
    )
    got = run.call(
        "inviteGroupServiceAccount", at, run.make("inviteGroupServiceAccount", {"roles": ["GROUP_READ_ONLY"]})
    ).body
    run.event("group", "SERVICE_ACCOUNT_ADDED_TO_GROUP")
    run.check(got["roles"] == ["GROUP_READ_ONLY"], f"inviteGroupServiceAccount: roles {got['roles']}")
    run.call("deleteOrgServiceAccount", at)
    run.call("getGroupServiceAccount", at, expect=404)
    run.call("getOrgServiceAccount", at, expect=404)
