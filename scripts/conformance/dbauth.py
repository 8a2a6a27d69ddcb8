"""Database users of every kind, custom roles, certificates, LDAP, X.509 and auditing."""

from cycle import Cycle, live
from values import DROP, tomorrow

READ = [{"roleName": "read", "databaseName": "shop"}]
KINDS = ("awsIAMType", "ldapAuthType", "oidcAuthType", "x509Type")
IDP = "32b6e34b3d91647abb20e7b8"

# A certificate made for this file; its key was thrown away.
EXAMPLE_CA = """-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUbsup5c+vjumHpdXP5830HtmkWMowCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKRXhhbXBsZSBDQTAgFw0yNjExMjIwNDU3MDBaGA8yMTI2MTAy
OTA0NTcwMFowFTETMBEGA1UEAwwKRXhhbXBsZSBDQTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABPlsBR9PjxK3OfpZEyIf73lxi61cFuIkaL2CgI9J0m9HHL/IiOMA
BAAjG6LHy370P11vzMLAE9xSOR6y/6nHMEmjUzBRMB0GA1UdDgQWBBT5WjWYEwzC
XsMi/b8I//wYxgV+jjAfBgNVHSMEGDAWgBT5WjWYEwzCXsMi/b8I//wYxgV+jjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIAg8j8W/+8/LKei5h5Ik
winu3I4bLazBkhITn3QPlv89AiBuCAfZRaeH/IoxhGwcMPVxxzcqJJuAyhbgnmnY
bFMDPQ==
-----END CERTIFICATE-----"""


def user(title, database, name, **sent):
    kinds = {k: sent.get(k, DROP) for k in KINDS}
    secret = {"password": "fake-password-1"} if title in ("password", "for a time") else {"password": DROP}
    other = {
        "deleteAfterDate": sent.get("deleteAfterDate", DROP),
        "description": "made by the second client",
        "labels": [{"key": "owner", "value": "second client"}],
        "scopes": lambda run: [{"name": run.cluster, "type": "CLUSTER"}] if run.cluster else [],
    }
    return Cycle(
        f"database user, {title}",
        create="createGroupDatabaseUser",
        get="getGroupDatabaseUser",
        list="listGroupDatabaseUsers",
        update="updateGroupDatabaseUser",
        delete="deleteGroupDatabaseUser",
        item=lambda made, s: {"databaseName": database, "username": s["username"]},
        same=lambda row, made, s: (row["username"], row["databaseName"]) == (s["username"], database),
        sent={
            "databaseName": database,
            "username": lambda run: run.unique(name),
            "roles": READ,
            "groupId": lambda run: run.group,
        }
        | kinds
        | secret
        | {k: v for k, v in sent.items() if k == "deleteAfterDate"},
        more=other,
        change={
            "roles": [
                {"roleName": "readWrite", "databaseName": "shop"},
                {"roleName": "dbAdmin", "databaseName": "shop"},
            ]
        },
        created=("group", "MONGODB_USER_ADDED"),
        updated=("group", "MONGODB_USER_UPDATED"),
        deleted=("group", "MONGODB_USER_DELETED"),
        ignore=("password",),
    )


CYCLES = [
    user("password", "admin", "app-"),
    user("for a time", "admin", "migration-", deleteAfterDate=tomorrow(6)),
    user("managed X.509", "$external", "service-", x509Type="MANAGED"),
    user("customer X.509", "$external", "CN=reader,OU=example,O=", x509Type="CUSTOMER"),
    user("AWS IAM role", "$external", "arn:aws:iam::123456789012:role/app-", awsIAMType="ROLE"),
    user("AWS IAM user", "$external", "arn:aws:iam::123456789012:user/app-", awsIAMType="USER"),
    user("LDAP user", "$external", "CN=reader,DC=example,DC=com", ldapAuthType="USER"),
    user("OIDC group", "admin", IDP + "/developers-", oidcAuthType="IDP_GROUP"),
    user("OIDC workload", "$external", IDP + "/service-", oidcAuthType="USER"),
    Cycle(
        "custom role",
        create="createGroupCustomDbRoleRole",
        get="getGroupCustomDbRoleRole",
        list="listGroupCustomDbRoleRoles",
        update="updateGroupCustomDbRoleRole",
        delete="deleteGroupCustomDbRoleRole",
        item=lambda made, s: {"roleName": made["roleName"]},
        same=lambda row, made, s: row["roleName"] == made["roleName"],
        sent={
            "roleName": lambda run: run.unique("clerk-"),
            "actions": [{"action": "FIND", "resources": [{"db": "shop", "collection": "orders"}]}],
        },
        more={"inheritedRoles": [{"db": "shop", "role": "read"}]},
        change={
            "actions": [
                {"action": "INSERT", "resources": [{"db": "shop", "collection": "orders"}]},
                {"action": "LIST_SESSIONS", "resources": [{"cluster": True}]},
            ],
            "inheritedRoles": [],
        },
        created=("group", "MONGODB_ROLE_ADDED"),
        updated=("group", "MONGODB_ROLE_UPDATED"),
        deleted=("group", "MONGODB_ROLE_DELETED"),
    ),
]


def lives(run):
    for c in CYCLES:
        live(run, c)
    for resource, life in (
        ("rules of database users", user_rules),
        ("rules of custom roles", role_rules),
        ("certificates", certificates),
        ("LDAP", ldap),
        ("customer X.509", x509),
        ("auditing", auditing),
    ):
        if not run.only or run.only in resource:
            with run.resource(resource):
                life(run)


def new_user(run, **more):
    sent = {
        "databaseName": "admin",
        "username": run.unique("app-"),
        "password": "fake-password-1",
        "roles": READ,
        "groupId": run.group,
    } | more
    body = run.make("createGroupDatabaseUser", sent | {k: DROP for k in ("password",) if sent["password"] is None})
    run.call("createGroupDatabaseUser", body=body)
    return {"databaseName": sent["databaseName"], "username": sent["username"]}, body


def user_rules(run):
    at, body = new_user(run)
    run.call("createGroupDatabaseUser", body=body, expect=409)
    run.call(
        "updateGroupDatabaseUser", at, {"deleteAfterDate": tomorrow(1)}, expect=400
    )  # PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY
    run.call("updateGroupDatabaseUser", at, {"x509Type": "MANAGED"}, expect=409)
    run.call("updateGroupDatabaseUser", at, {"roles": []})
    run.check(run.call("getGroupDatabaseUser", at).body["roles"] == [], "getGroupDatabaseUser: roles [] is not kept")
    run.call("updateGroupDatabaseUser", at, {"password": "fake-password-2"})
    run.check(
        run.call("getGroupDatabaseUser", at).body["roles"] == [],
        "updateGroupDatabaseUser: a new password changes the roles",
    )
    run.call("deleteGroupDatabaseUser", at)
    for wrong in (
        {"deleteAfterDate": tomorrow(8)},
        {"roles": [{"roleName": "no-such-role", "databaseName": "admin"}]},
        {"x509Type": "MANAGED", "databaseName": "$external", "password": None, "deleteAfterDate": tomorrow(1)},
    ):
        sent = {k: v for k, v in ({**body, **wrong}).items() if v is not None}
        run.call("createGroupDatabaseUser", body=sent, expect=400)


def role_rules(run):
    name, outer = run.unique("inner-"), run.unique("outer-")
    run.call(
        "createGroupCustomDbRoleRole",
        body=run.make(
            "createGroupCustomDbRoleRole",
            {"roleName": name, "actions": [{"action": "FIND", "resources": [{"db": "shop"}]}]},
        ),
    )
    run.call("createGroupCustomDbRoleRole", body={"roleName": name}, expect=409)
    run.call("createGroupCustomDbRoleRole", body={"roleName": outer, "inheritedRoles": [{"db": "admin", "role": name}]})
    run.call("deleteGroupCustomDbRoleRole", {"roleName": name}, expect=409)  # in use by a role
    at, _ = new_user(run, roles=[{"roleName": outer, "databaseName": "admin"}])
    run.call("deleteGroupCustomDbRoleRole", {"roleName": outer}, expect=409)  # in use by a user
    run.call("deleteGroupDatabaseUser", at)
    for role in (outer, name):
        run.call("deleteGroupCustomDbRoleRole", {"roleName": role})


def certificates(run):
    at, _ = new_user(run, databaseName="$external", x509Type="MANAGED", password=None, username=run.unique("service-"))
    who = {"username": at["username"]}
    got = run.call(
        "createGroupDatabaseUserCert", who, run.make("createGroupDatabaseUserCert", {"monthsUntilExpiration": 6})
    )
    run.event("group", "MONGODB_USER_X509_CERT_CREATED")
    for block in (b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"):
        run.check(block in got.raw, f"createGroupDatabaseUserCert: the answer lacks {block.decode()}")
    rows = run.rows("listGroupDatabaseUserCerts", who)
    run.check(
        len(rows) == 1 and rows[0]["groupId"] == run.group and at["username"] in rows[0]["subject"],
        f"listGroupDatabaseUserCerts: {rows}",
    )
    run.call("createGroupDatabaseUserCert", who, {"monthsUntilExpiration": 25}, expect=400)
    run.call("deleteGroupDatabaseUser", at)


def ldap(run):
    settings = {
        "hostname": "ldap.example.com",
        "port": 636,
        "bindUsername": "CN=reader,DC=example,DC=com",
        "authenticationEnabled": True,
        "authorizationEnabled": False,
        "userToDNMapping": [{"match": "(.+)@EXAMPLE.COM", "substitution": "cn={0},dc=example,dc=com"}],
    }
    run.call("updateGroupUserSecurity", body={"ldap": {"bindUsername": "cn=reader,dc=example,dc=com"}})
    run.event("group", "USER_SECURITY_SETTINGS_UPDATED")
    got = run.call("getGroupUserSecurity").body["ldap"]
    run.check(got.get("bindUsername") == "cn=reader,dc=example,dc=com", "getGroupUserSecurity: another bindUsername")
    for first in (True, False):
        run.call("updateGroupUserSecurity", body={"ldap": settings | {"bindPassword": "fake-password-1"}})
        if first:
            run.event("group", "USER_SECURITY_SETTINGS_UPDATED")
        run.reads_back("getGroupUserSecurity", {"ldap": settings}, run.call("getGroupUserSecurity").body)
    run.check(
        "fake-password" not in str(run.call("getGroupUserSecurity").body),
        "getGroupUserSecurity: shows the bind password",
    )
    sent = run.make(
        "verifyGroupUserSecurityLdap",
        {
            "hostname": "ldap.example.com",
            "port": 636,
            "bindUsername": "CN=reader,DC=example,DC=com",
            "bindPassword": "fake-password-1",
        },
    )
    job = run.call("verifyGroupUserSecurityLdap", body=sent).body
    run.check(
        run.call("getGroupUserSecurityLdapVerify", {"requestId": job["requestId"]}).body["requestId"]
        == job["requestId"],
        "getGroupUserSecurityLdapVerify: another request",
    )
    got = run.call("deleteGroupUserSecurityLdapUserToDnMapping").body
    run.check(
        not got.get("ldap", {}).get("userToDNMapping"),
        "deleteGroupUserSecurityLdapUserToDnMapping: the mapping is still there",
    )
    run.call("updateGroupUserSecurity", body={"ldap": {"authenticationEnabled": False}})


def x509(run):
    pem = EXAMPLE_CA
    run.call("updateGroupUserSecurity", body={"customerX509": {"cas": pem}})
    run.event("group", "USER_SECURITY_SETTINGS_UPDATED")
    run.reads_back("getGroupUserSecurity", {"customerX509": {"cas": pem}}, run.call("getGroupUserSecurity").body)
    run.call("disableGroupUserSecurityCustomerX509")
    run.event("group", "USER_SECURITY_SETTINGS_UPDATED")
    run.check(
        not run.call("getGroupUserSecurity").body.get("customerX509", {}).get("cas"),
        "getGroupUserSecurity: the certificates are still there",
    )


def auditing(run):
    before = run.call("getGroupAuditLog").body
    change = {"auditAuthorizationSuccess": True, "auditFilter": '{"atype":"authenticate"}', "enabled": True}
    run.call("updateGroupAuditLog", body=change)
    run.event("group", "AUDIT_LOG_CONFIGURATION_UPDATED")
    got = run.call("getGroupAuditLog").body
    run.reads_back("getGroupAuditLog", change, got)
    run.check(
        got.get("configurationType") == "FILTER_JSON",
        f"getGroupAuditLog: configurationType {got.get('configurationType')}",
    )
    run.call("updateGroupAuditLog", body=change)
    run.check(
        run.call("getGroupAuditLog").body == got, "updateGroupAuditLog: the same change a second time changes something"
    )
    run.call("updateGroupAuditLog", body={"enabled": before["enabled"]})
