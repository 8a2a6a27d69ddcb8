"""Alert configurations, alerts, and integrations of every type."""

from cycle import Cycle, live
from values import DROP, tomorrow

TO_GROUP = [
    {
        "typeName": "GROUP",
        "delayMin": 0,
        "intervalMin": 60,
        "emailEnabled": True,
        "smsEnabled": False,
        "roles": ["GROUP_OWNER"],
    }
]

# What each type of integration is sent, which of it does not come back as it was, and a change.
INTEGRATIONS = {
    "SLACK": (
        {"apiToken": "fake-token-0000000000000000000000abcd", "channelName": "alerts", "teamName": "Example"},
        ("apiToken",),
        {"channelName": "other"},
    ),
    "PAGER_DUTY": (
        {"serviceKey": "00000000000000000000000000007890", "region": "US"},
        ("serviceKey",),
        {"region": "EU"},
    ),
    "DATADOG": (
        {"apiKey": "0000000000000000000000000000a23c", "region": "US"},
        ("apiKey",),
        {"region": "EU", "sendDatabaseMetrics": True},
    ),
    "NEW_RELIC": (
        {
            "accountId": "bcc3c81b344a6030a3935c2527e2216535af7718",
            "licenseKey": "bc3768f44193c282b2688ab39e00f8e4fc8d75ea",
            "readToken": "193c96aee4a3ac640b98634562e2631f17ae0a69",
            "writeToken": "a67b10e5cd7f8fb6a34b501136c409f373edc218",
        },
        ("licenseKey", "readToken", "writeToken"),
        {"writeToken": "a67b10e5cd7f8fb6a34b501136c409f373edc219"},
    ),
    "OPS_GENIE": ({"apiKey": "00000000-0000-0000-0000-00000000a111", "region": "US"}, ("apiKey",), {"region": "EU"}),
    "VICTOR_OPS": (
        {"apiKey": "00000000-0000-0000-0000-000000009abc", "routingKey": "night"},
        ("apiKey",),
        {"routingKey": "day"},
    ),
    "WEBHOOK": (
        {"url": "https://example.com/hooks/atlas", "secret": "fake-secret-1"},
        ("url", "secret"),
        {"secret": "fake-secret-2"},
    ),
    "MICROSOFT_TEAMS": (
        {"microsoftTeamsWebhookUrl": "https://example.com/webhookb2/one"},
        ("microsoftTeamsWebhookUrl",),
        {"microsoftTeamsWebhookUrl": "https://example.com/webhookb2/two"},
    ),
    "PROMETHEUS": (
        {"enabled": True, "serviceDiscovery": "http", "username": "prom_user", "password": "fake-password-1"},
        ("password",),
        {"serviceDiscovery": "file"},
    ),
}


def lives(run):
    live(
        run,
        Cycle(
            "alert configuration",
            create="createGroupAlertConfig",
            get="getGroupAlertConfig",
            list="listGroupAlertConfigs",
            update="updateGroupAlertConfig",
            delete="deleteGroupAlertConfig",
            item=lambda made, s: {"alertConfigId": made["id"]},
            whole=True,
            sent={"eventTypeName": "NETWORK_PERMISSION_ENTRY_ADDED", "enabled": True, "notifications": TO_GROUP},
            more={"matchers": [], "severityOverride": DROP},
            change={"notifications": [TO_GROUP[0] | {"intervalMin": 30}]},
            ignore=("notifierId",),
            created=("group", "ALERT_CONFIG_ADDED_AUDIT"),
            updated=("group", "ALERT_CONFIG_CHANGED_AUDIT"),
            deleted=("group", "ALERT_CONFIG_DELETED_AUDIT"),
        ),
    )
    some = [
        ("alert configuration, on and off", toggling),
        ("alerts", alerts),
        ("fields of matchers", lambda r: r.call("listAlertConfigMatcherFieldNames")),
    ]
    some += [(f"integration, {kind}", lambda r, k=kind: integration(r, k)) for kind in INTEGRATIONS]
    for resource, life in some:
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def new_config(run, event="NETWORK_PERMISSION_ENTRY_ADDED"):
    sent = run.make("createGroupAlertConfig", {"eventTypeName": event, "enabled": True, "notifications": TO_GROUP})
    return run.call("createGroupAlertConfig", body=sent).body


def toggling(run):
    made = new_config(run)
    at = {"alertConfigId": made["id"]}
    for value in (False, True):
        got = run.call("toggleGroupAlertConfig", at, run.make("toggleGroupAlertConfig", {"enabled": value})).body
        run.check(got["enabled"] is value, "toggleGroupAlertConfig: its answer")
        run.event("group", f"ALERT_CONFIG_{'ENABLED' if value else 'DISABLED'}_AUDIT")
        run.check(run.call("getGroupAlertConfig", at).body["enabled"] is value, "getGroupAlertConfig: not toggled")
    run.call("deleteGroupAlertConfig", at)


def alerts(run):
    made = new_config(run)
    run.call("createGroupAccessListEntry", body=[{"ipAddress": "203.0.113.41"}])

    def opened():
        return next((a for a in run.rows("listGroupAlerts") if a["alertConfigId"] == made["id"]), None)

    alert = run.until("listGroupAlerts: an alert of the new configuration", opened)
    if alert:
        at = {"alertId": alert["id"]}
        run.check(
            run.call("getGroupAlert", at).body["eventTypeName"] == "NETWORK_PERMISSION_ENTRY_ADDED",
            "getGroupAlert: another event type",
        )
        sent = {"acknowledgedUntil": tomorrow(2), "acknowledgementComment": "seen"}
        run.call("acknowledgeGroupAlert", at, sent)
        run.reads_back("getGroupAlert, acknowledged", sent, run.call("getGroupAlert", at).body)
        run.check(
            any(a["id"] == alert["id"] for a in run.rows("getGroupAlertConfigAlerts", {"alertConfigId": made["id"]})),
            "getGroupAlertConfigAlerts: lacks it",
        )
        run.check(
            any(c["id"] == made["id"] for c in run.rows("getGroupAlertAlertConfigs", at)),
            "getGroupAlertAlertConfigs: lacks its configuration",
        )
    run.call("deleteGroupAccessListEntry", {"entryValue": "203.0.113.41"})
    run.call("deleteGroupAlertConfig", {"alertConfigId": made["id"]})


def integration(run, kind):
    sent, hidden, change = INTEGRATIONS[kind]
    at = {"integrationType": kind}
    body = run.make("createGroupIntegration", {"type": kind} | sent)

    def row(answer):
        return next((r for r in answer["results"] if r["type"] == kind), None)

    made = row(run.call("createGroupIntegration", at, body).body)
    run.check(made is not None, "createGroupIntegration: the answer lacks it")
    run.event("group", "INTEGRATION_CONFIGURED")
    run.reads_back("createGroupIntegration, its answer", body, made, ignore=hidden)
    got = run.call("getGroupIntegration", at).body
    run.reads_back("getGroupIntegration", body, got, ignore=hidden)
    for key in hidden:
        run.check(got.get(key) != body.get(key), f"getGroupIntegration: shows {key} as it is")
    run.check(any(r["type"] == kind for r in run.rows("listGroupIntegrations")), "listGroupIntegrations: lacks it")
    run.call("createGroupIntegration", at, body, expect=409)  # INTEGRATION_ALREADY_CONFIGURED
    whole = body | change
    run.call("updateGroupIntegration", at, whole)
    run.event("group", "INTEGRATION_CONFIGURED")
    after = run.call("getGroupIntegration", at).body
    run.reads_back("getGroupIntegration after the change", whole, after, ignore=hidden)
    run.call("updateGroupIntegration", at, whole)
    run.check(
        run.call("getGroupIntegration", at).body == after,
        "updateGroupIntegration: the same change a second time changes something",
    )
    run.call("deleteGroupIntegration", at)
    run.event("group", "INTEGRATION_REMOVED")
    run.call("getGroupIntegration", at, expect=404)
    run.check(
        all(r["type"] != kind for r in run.rows("listGroupIntegrations")), "listGroupIntegrations: still holds it"
    )
