"""Identity providers, the org's connection to the federation, and role mappings."""

from cycle import Cycle, live
from values import DROP


# What a workload's provider does not have; no discriminator in the document says so.
NOT_WORKLOAD = {"clientId": DROP, "associatedDomains": DROP, "requestedScopes": DROP}


def shown(run, kind):
    return run.unique(f"{kind} ")


def provider(kind, **more):
    return Cycle(
        f"identity provider, {kind}",
        create="createFederationSettingIdentityProvider",
        get="getFederationSettingIdentityProvider",
        list="listFederationSettingIdentityProviders",
        update="updateFederationSettingIdentityProvider",
        delete="deleteFederationSettingIdentityProvider",
        item=lambda made, sent: {"identityProviderId": made["id"]},
        variants=(True,),
        sent={
            "protocol": "OIDC",
            "idpType": kind,
            "displayName": lambda run: shown(run, kind),
            "issuerUri": lambda run: f"https://{run.unique('login')}.example.com",
            "audience": "warehouse",
            "userClaim": "sub",
            "groupsClaim": "groups",
            "authorizationType": "GROUP",
            "description": "made by the second client",
        }
        | more,
        change={"displayName": lambda run: shown(run, kind), "protocol": "OIDC", "idpType": kind},
        query={"protocol": ["OIDC"], "idpType": ["WORKFORCE", "WORKLOAD"]},
        created=("org", ("IDENTITY_PROVIDER_CREATED",)),
        updated=("org", ("IDENTITY_PROVIDER_UPDATED", "OIDC_IDENTITY_PROVIDER_UPDATED")),
        deleted=("org", "IDENTITY_PROVIDER_DELETED"),
    )


NAMES = (
    "federation of the org",
    "identity provider, WORKFORCE, everything set",
    "identity provider, WORKLOAD, everything set",
    "role mapping",
    "connected org",
    "end of the federation",
)


def lives(run):
    if run.only and not any(run.only in name for name in NAMES):
        return
    with run.resource("federation of the org") as record:
        found = run.call("getOrgFederationSettings").body
        at = {"federationSettingsId": found["id"]}
    if record.failures or record.unserved:
        return
    for c in (
        provider("WORKFORCE", clientId="shell", associatedDomains=[], requestedScopes=["openid"]),
        provider("WORKLOAD", **NOT_WORKLOAD),
    ):
        c.params = at
        live(run, c)
    mapping = Cycle(
        "role mapping",
        create="createFederationSettingConnectedOrgConfigRoleMapping",
        get="getFederationSettingConnectedOrgConfigRoleMapping",
        list="listFederationSettingConnectedOrgConfigRoleMappings",
        update="updateFederationSettingConnectedOrgConfigRoleMapping",
        delete="deleteFederationSettingConnectedOrgConfigRoleMapping",
        item=lambda made, sent: {"id": made["id"]},
        params=at,
        whole=True,
        variants=(False,),
        sent={
            "externalGroupName": lambda run: run.unique("group "),
            "roleAssignments": lambda run: [
                {"orgId": run.org, "role": "ORG_MEMBER"},
                {"groupId": run.group, "role": "GROUP_READ_ONLY"},
            ],
        },
        change={"roleAssignments": lambda run: [{"orgId": run.org, "role": "ORG_READ_ONLY"}]},
        ignore=(),
        created=("org", "ROLE_MAPPING_CREATED"),
        updated=("org", "ROLE_MAPPING_UPDATED"),
        deleted=("org", "ROLE_MAPPING_DELETED"),
    )
    live(run, mapping)
    if not run.only or run.only in "connected org":
        with run.resource("connected org"):
            connected(run, at)
    if run.partner and (not run.only or run.only in "end of the federation"):
        with run.resource("end of the federation"):
            ended(run, at)


def connected(run, at):
    read = "getFederationSettingConnectedOrgConfig"
    before = run.call(read, at).body
    run.check(
        any(c["orgId"] == run.org for c in run.rows("listFederationSettingConnectedOrgConfigs", at)),
        "listFederationSettingConnectedOrgConfigs: lacks the org",
    )
    sent = run.make(
        "createFederationSettingIdentityProvider",
        {
            "protocol": "OIDC",
            "idpType": "WORKLOAD",
            "displayName": shown(run, "data"),
            "issuerUri": "https://data.example.com",
            "audience": "data",
            "userClaim": "sub",
            "authorizationType": "USER",
            "description": "d",
            "groupsClaim": DROP,
        }
        | NOT_WORKLOAD,
        everything=True,
    )
    idp = run.call("createFederationSettingIdentityProvider", at, sent).body
    # Without a provider for the UI its roles and mappings cannot change, so they stay as they are.
    kept = {k: v for k, v in before.items() if k not in ("userConflicts", "roleMappings")}
    change = kept | {
        "dataAccessIdentityProviderIds": [idp["id"]],
        "domainAllowList": ["example.com"],
        "domainRestrictionEnabled": True,
    }
    run.call("updateFederationSettingConnectedOrgConfig", at, change)
    run.event("org", ("ORG_SETTINGS_UPDATED", "ORG_SETTINGS_CONFIGURED", "RESTRICT_ORG_MEMBERSHIP_ENABLED"))
    got = run.call(read, at).body
    run.reads_back(read, change, got)
    run.call("updateFederationSettingConnectedOrgConfig", at, change)
    run.check(
        run.call(read, at).body == got,
        "updateFederationSettingConnectedOrgConfig: the same change a second time changes something",
    )
    provider_now = run.call("getFederationSettingIdentityProvider", at | {"identityProviderId": idp["id"]}).body
    run.check(
        any(o["orgId"] == run.org for o in provider_now.get("associatedOrgs", [])),
        "getFederationSettingIdentityProvider: its associatedOrgs lack the connected org",
    )
    run.call("revokeFederationSettingIdentityProviderJwks", at | {"identityProviderId": idp["id"]})
    run.event("org", "IDENTITY_PROVIDER_JWKS_REVOKED")
    run.call("updateFederationSettingConnectedOrgConfig", at, kept)
    run.reads_back(read + ", put back", kept, run.call(read, at).body)
    run.call("deleteFederationSettingIdentityProvider", at | {"identityProviderId": idp["id"]})


def ended(run, at):
    """The run's org leaves, and the owner of the other one ends the federation."""
    other = {"orgId": run.partner_org}
    one, every = "getFederationSettingConnectedOrgConfig", "listFederationSettingConnectedOrgConfigs"
    run.call("deleteFederationSetting", at, expect=400)  # two orgs are connected
    run.call("removeFederationSettingConnectedOrgConfig", at | other, expect=(401, 403))  # that of others
    run.call("removeFederationSettingConnectedOrgConfig", at)
    run.event("org", "ORG_SETTINGS_DELETED")
    run.call("getOrgFederationSettings", expect=404)
    run.call(one, at, expect=(401, 403, 404))
    left = run.call(every, at, who=run.partner).body["results"]
    run.check([c["orgId"] for c in left] == [run.partner_org], f"{every}: {left}")
    run.call("deleteFederationSetting", at, who=run.partner)
    run.event("org", "FEDERATION_SETTINGS_DELETED", params=other)
    run.call("getOrgFederationSettings", other, who=run.partner, expect=404)
    run.call(every, at, who=run.partner, expect=404)
