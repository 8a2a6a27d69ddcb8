"""The org's settings and policies, projects with their settings and limits."""

from cycle import Cycle, live
from values import DROP

FORBID = 'forbid (principal, action == ResourcePolicy::Action::"project.ipAccessList.modify", resource) when { context.project.ipAccessList.contains(ip("0.0.0.0/0")) };'
FORBID_MORE = 'forbid (principal, action == ResourcePolicy::Action::"cluster.modify", resource) when { context.cluster.cloudProviders.containsAny([ResourcePolicy::CloudProvider::"gcp"]) };'

CYCLES = [
    Cycle(
        "resource policy",
        create="createOrgResourcePolicy",
        get="getOrgResourcePolicy",
        list="listOrgResourcePolicies",
        update="updateOrgResourcePolicy",
        delete="deleteOrgResourcePolicy",
        item=lambda made, sent: {"resourcePolicyId": made["id"]},
        sent={"name": lambda run: run.unique("policy"), "policies": [{"body": FORBID}]},
        more={"description": "made by the second client"},
        change={"policies": [{"body": FORBID_MORE}]},
        created=("org", "RESOURCE_POLICY_CREATED"),
        updated=("org", "RESOURCE_POLICY_MODIFIED"),
        deleted=("org", "RESOURCE_POLICY_DELETED"),
    ),
    Cycle(
        "project",
        create="createGroup",
        get="getGroup",
        list="listGroups",
        update="updateGroup",
        delete="deleteGroup",
        item=lambda made, sent: {"groupId": made["id"]},
        sent={"name": lambda run: run.unique("project"), "orgId": lambda run: run.org},
        more={
            "tags": [{"key": "owner", "value": "second client"}],
            "regionUsageRestrictions": DROP,
            "withDefaultAlertsSettings": True,
        },
        change={
            "name": lambda run: run.unique("renamed"),
            "tags": [{"key": "env", "value": "test"}, {"key": "tier", "value": "2"}],
        },
        ignore=("regionUsageRestrictions",),
        created=("org", "GROUP_CREATED"),
        updated=("org", "GROUP_TAGS_MODIFIED"),
        deleted=("org", "GROUP_DELETED"),
    ),
]

# One setting of the org at a time: what is sent, and the event that tells of it.
SETTINGS = [
    ({"multiFactorAuthRequired": True}, "ORG_TWO_FACTOR_AUTH_REQUIRED"),
    ({"multiFactorAuthRequired": False}, "ORG_TWO_FACTOR_AUTH_OPTIONAL"),
    ({"restrictEmployeeAccess": True}, "ORG_EMPLOYEE_ACCESS_RESTRICTED"),
    ({"restrictEmployeeAccess": False}, "ORG_EMPLOYEE_ACCESS_UNRESTRICTED"),
    ({"securityContact": "security@example.com"}, "SECURITY_CONTACT_MODIFIED"),
    ({"maxServiceAccountSecretValidityInHours": 4380}, "ORG_SERVICE_ACCOUNT_MAX_SECRET_VALIDITY_EDITED"),
    (
        {"customSessionTimeouts": {"absoluteSessionTimeoutInSeconds": 36000, "idleSessionTimeoutInSeconds": 1800}},
        "CUSTOM_SESSION_TIMEOUT_MODIFIED",
    ),
    ({"genAIFeaturesEnabled": False}, None),
    ({"streamsCrossGroupEnabled": True}, None),
]

LIMIT = "atlas.project.security.networkAccess.entries"


def lives(run):
    for c in CYCLES:
        live(run, c)
    for resource, life in (
        ("org settings", settings),
        ("org name", org_name),
        ("delegation settings", delegation),
        ("policies that are only validated", validation),
        ("project by name, in the org", project_views),
        ("project settings", group_settings),
        ("project limits", limits),
        ("project that is deleted with what is in it", cascade),
    ):
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def settings(run):
    before = run.call("getOrgSettings").body
    for change, event in SETTINGS:
        run.call("updateOrgSettings", body=change)
        by = run.actor
        if event:
            run.event("org", event, by)
        got = run.call("getOrgSettings").body
        run.reads_back("getOrgSettings after the change", change, got)
        kept = {k: v for k, v in before.items() if k not in change}
        run.reads_back("getOrgSettings, what was not changed", kept, got)
        before = got
    run.call("updateOrgSettings", body=change)
    run.check(
        run.call("getOrgSettings").body == before, "updateOrgSettings: the same change a second time changes something"
    )


def org_name(run):
    before = run.call("getOrg").body["name"]
    new = run.unique("Renamed-")
    run.call("updateOrg", body=run.make("updateOrg", {"name": new}))
    run.event("org", "ORG_RENAMED")
    run.check(run.call("getOrg").body["name"] == new, "getOrg: not renamed")
    run.check(any(o["name"] == new for o in run.rows("listOrgs")), "listOrgs: lacks the new name")
    run.call("updateOrg", body=run.make("updateOrg", {"name": before}))


def delegation(run):
    run.needs("getOrgDelegationSettings")
    run.call("getOrgDelegationSettings")
    change = run.make("updateOrgDelegationSettings", {}, everything=True)
    run.call("updateOrgDelegationSettings", body=change)
    run.event("org", "ORG_DELEGATION_SETTINGS_UPDATED")
    run.reads_back("getOrgDelegationSettings", change, run.call("getOrgDelegationSettings").body)
    run.call("updateOrgDelegationSettings", body=change)
    run.reads_back("getOrgDelegationSettings", change, run.call("getOrgDelegationSettings").body)


def validation(run):
    before = run.rows("listOrgResourcePolicies")
    sent = run.make("validateOrgResourcePolicies", {"name": run.unique("policy"), "policies": [{"body": FORBID}]})
    run.call("validateOrgResourcePolicies", body=sent)
    run.call("validateOrgResourcePolicies", body=sent | {"policies": [{"body": "forbid ("}]}, expect=400)
    run.check(run.rows("listOrgResourcePolicies") == before, "validateOrgResourcePolicies: leaves something behind")
    run.check(isinstance(run.call("getOrgNonCompliantResources").body, list), "getOrgNonCompliantResources: no list")


def project_views(run):
    run.check(
        run.call("getGroupByName", {"groupName": run.group_name}).body["id"] == run.group,
        "getGroupByName: another project",
    )
    run.check(any(p["id"] == run.group for p in run.rows("getOrgGroups")), "getOrgGroups: lacks the project")
    run.call("getGroupIpAddresses")


def group_settings(run):
    before = run.call("getGroupSettings").body
    for name, value in before.items():
        if not isinstance(value, bool):
            continue
        run.call("updateGroupSettings", body={name: not value})
        if name == "isDataExplorerEnabled":
            run.event("group", "DATA_EXPLORER_DISABLED" if value else "DATA_EXPLORER_ENABLED")
        run.call("updateGroupSettings", body={name: not value})
        got = run.call("getGroupSettings").body
        run.check(got == before | {name: not value}, f"getGroupSettings after {name} was changed: {got}")
        run.call("updateGroupSettings", body={name: value})
    run.check(run.call("getGroupSettings").body == before, "getGroupSettings: not as it was")


def limits(run):
    at = {"limitName": LIMIT}
    before = run.call("getGroupLimit", at).body
    run.check(
        any(l["name"] == LIMIT and l["value"] == before["value"] for l in run.rows("listGroupLimits")),
        "listGroupLimits: lacks it",
    )
    run.call("setGroupLimit", at, run.make("setGroupLimit", {"value": before["value"] - 1, "name": DROP}))
    run.event("group", "PROJECT_LIMIT_UPDATED")
    run.check(
        run.call("getGroupLimit", at).body["value"] == before["value"] - 1, "getGroupLimit: not the value that was set"
    )
    run.call("deleteGroupLimit", at)
    run.check(
        run.call("getGroupLimit", at).body["value"] == before["value"],
        "getGroupLimit: not the standard value after its deletion",
    )
    run.call("getGroupLimit", {"limitName": "atlas.project.no.such"}, expect=(404, 400))


def cascade(run):
    made = run.call("createGroup", body=run.make("createGroup", {"name": run.unique("project"), "orgId": run.org})).body
    at = {"groupId": made["id"]}
    run.call("createGroupAccessListEntry", at, [{"ipAddress": "203.0.113.23"}])
    run.call("deleteGroup", at)
    run.until("getGroup: gone", lambda: run.look("getGroup", at) in (404, 401))
    run.call("listGroupAccessListEntries", at, expect=(404, 401))
    run.check(
        all(p["id"] != made["id"] for p in run.rows("getOrgGroups")), "getOrgGroups: still holds the deleted project"
    )
