"""A small validator of answers, and where the real service is known to differ."""

import datetime
import re

from values import pattern

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}

SECTION13 = "atlas-api.md §13, from recorded answers"

# Statuses of the real service that are not the document's.
REAL_STATUS = {
    "createGroup": 201,
    "createGroupAccessListEntry": 201,
    "createGroupAlertConfig": 201,
    "createGroupPrivateEndpointEndpointService": 201,
    "createOrgTeam": 201,
    "deleteGroup": 202,
    "updateGroupAuditLog": 202,
    "deleteGroupPrivateEndpointEndpointService": 202,
    "toggleGroupPrivateEndpointRegionalMode": 202,
}

# (operation, problem, why): problems with these answers are the real service's own.
DIFFERENCES = [
    (
        r"^error$",
        r"parameters\[\d+\]: is a (string|number)|parameters\[\d+\]: is an integer",
        "parameters are typed objects and hold strings and numbers (mongodb-atlas-cli, recorded CLUSTER_NOT_FOUND; atlas-api.md §1.3)",
    ),
    (
        r"GroupDatabaseUser",
        r"roleName: .* is none of .*atlasAdmin",
        "custom roles are named where the enum says <a custom role name> (atlas-api.md §7)",
    ),
    (r"GroupDatabaseUser", r"groupId: .*(write-only|unknown key)", f"groupId is in database users ({SECTION13})"),
    (
        r"CustomDbRole",
        r"resources\[\d+\]: lacks (cluster|collection|db)$",
        f"a resource leaves unused keys out ({SECTION13})",
    ),
    (
        r"",
        r"(mobileNumber|errorMessage|supportedRemoteRegions|identityProviderId|userConflicts|dataProcessRegion|authorizedDate|bodyTemplate|endpointServiceName|customEndpoint|iamAssumedRoleArn): is null",
        f"null where the document has no null ({SECTION13})",
    ),
    (r"ApiKeyAccessList", r"count: 0 is less than 1", f"an unused entry counts 0 ({SECTION13})"),
    (
        r"Invite|OrgUser|GroupUser|TeamUser",
        r"inviterUsername: .* is no e-mail",
        f"a public key when a key invited ({SECTION13})",
    ),
    (r"FlexCluster", r"versionReleaseSystem: .* is none of", f"CONTINUOUS ({SECTION13})"),
    (r"Cluster", r"biConnector\.readPreference: .* is none of", f"lower case ({SECTION13})"),
    (r"", r"(orgName|groupName|\bname): .* does not match", f"names with blanks ({SECTION13})"),
    (r"Events?$", r"(clusterName|resourceId|resourceType|diffs): unknown key", f"keys of single events ({SECTION13})"),
    (r"Events?$", r"eventTypeName: is a string, not an object", f"typed object with string alternatives ({SECTION13})"),
    (r"AlertConfig|Alert", r"eventTypeName: .* is none of", f"types outside the enum ({SECTION13})"),
    (
        r"",
        r"operationsContact: unknown key|isDataValidationEnabled: unknown key",
        "in the newer document (atlas-api.md §3)",
    ),
    (
        r"Integration",
        r"(bodyTemplate|headersTemplate): unknown key",
        "in the newer document and recorded (atlas-api.md §11, §13)",
    ),
    (r"Integration", r"licenseKey: '\*+", "secrets come back masked (mongodb-atlas-cli, recorded integrations)"),
    (r"getUser|TeamUsers", r": lacks password", "a person's password is shown nowhere (atlas-api.md §13)"),
    (r"UserCerts", r"subject: 'CN=.* does not match", "CN= and no DC= (mongodb-atlas-cli, recorded TestDBUserCerts)"),
    (
        r"Peer",
        r"routeTableCidrBlock: '[\d./]+' does not match",
        "a range, as its name says (Terraform provider, network_peering)",
    ),
    (
        r"EndpointService",
        r"interfaceEndpoints\[\d+\]: 'vpce-\w+' does not match",
        "ids of the provider's endpoints (Terraform provider, privatelink_endpoint)",
    ),
    (
        r"ServiceAccount",
        r"lastUsedAt: is null",
        "null while unused: nullable in the newer document (atlas-api.md §5.2)",
    ),
    (r"getOrgServiceAccountGroups", r"roles: unknown key", "in the newer document (atlas-api.md §5.2)"),
    (
        r"BackupExport",
        r"prefix: .* does not match /exported_snapshots",
        "the document's pattern is the template of the path, not a pattern of it (mongodb-atlas-cli, recorded TestExportJobs)",
    ),
    (
        r"EndpointService$",
        r"serviceAttachmentNames\[\d+\]: 'projects/p-\w+/regions/[a-z0-9-]+/serviceAttachments/[a-z0-9-]+' does not match",
        "no URL but the end of it (mongodb-atlas-cli, recorded TestPrivateEndpointsGCP)",
    ),
    (
        r"UserSecurity",
        r"bindUsername: '(cn|ou|dc)=.* does not match",
        "types of attributes in lower case (mongodb-atlas-cli, recorded TestLDAPWithFlags)",
    ),
    (
        r"Cluster",
        r"autoScaling\.compute\.predictiveEnabled: unknown key",
        "recorded (Terraform provider, TestAccMockableAdvancedCluster_replicasetAdvConfigUpdate)",
    ),
    (
        r"BackupCompliancePolicy",
        r"updatedUser: '([a-z]{8}|mdb_sa_id_[0-9a-f]{24})' is no e-mail|onDemandPolicyItem: is null",
        "a key's public key, and null (mongodb-atlas-cli, recorded TestBackupCompliancePolicyEnable); a service account's id is a guess",
    ),
    (
        r"Events?$",
        r"eventTypeName: 'ORG_DELEGATION_SETTINGS_UPDATED' is none of",
        "in the newer document (atlas-api.md §10)",
    ),
    (
        r"Integration",
        r"customEndpoint: unknown key",
        "of Datadog, recorded (mongodb-atlas-cli, TestIntegrations)",
    ),
    (
        r"Alert",
        r"acknowledgingUsername: .* is no e-mail",
        "a program has no e-mail address (a guess, as with inviterUsername in atlas-api.md §13)",
    ),
    (r"GroupSettings", r"isAtlasHomePageAiAssistantEnabled: unknown key", "atlas-api.md §3, recorded"),
    (
        r"AlertConfigMatcherFieldNames|MatcherFieldNames",
        r"is a string, not an object",
        "mongodb-atlas-cli recorded answer: a list of strings",
    ),
]


class Checker:
    def __init__(self, spec):
        self.spec, self.used = spec, {}

    def problems(self, operation, status, body):
        """What an answer has against the document, without the known differences."""
        wanted = operation.success.get(status)
        if wanted is None and operation.success:
            wanted = next((s for s in operation.success.values() if s is not None), None)
        if wanted is None or body is None:
            return []
        found = self.check(wanted, body, "", ())
        return [p for p in found if not self.known(operation.id, p)]

    def error(self, body, declared=None):
        """What a refusal has against the common form, which an operation may add to."""
        found = self.check(self.spec.schema("ApiError"), body, "", ())
        added = self.spec.properties(declared) if declared else {}
        found = [p for p in found if p.removesuffix(": unknown key").removeprefix(".") not in added]
        return [p for p in found if not self.known("error", p)]

    def known(self, operation, problem):
        for op, text, why in DIFFERENCES:
            if re.search(op, operation) and re.search(text, problem):
                self.used[why] = self.used.get(why, 0) + 1
                return True
        return False

    def check(self, schema, value, at, within):
        schema = self.spec.resolve(schema)
        if value is None:
            return [] if schema.get("nullable") else [f"{at}: is null"]
        out = []
        chosen = self.spec.mapped(schema, value)
        if chosen is not None and id(chosen) not in within:
            out += self.check(chosen, value, at, (*within, id(schema)))
        elif chosen is None:
            options = schema.get("oneOf", []) + schema.get("anyOf", [])
            if options:
                tried = [self.check(o, value, at, (*within, id(schema))) for o in options]
                out += min(tried, key=len)
        for part in schema.get("allOf", []):
            if id(self.spec.resolve(part)) not in within:
                out += self.check(part, value, at, (*within, id(schema)))
        return out + self.plain(schema, value, at, within)

    def plain(self, schema, value, at, within):
        kind = schema.get("type")
        if kind and not fits(kind, value):
            if kind == "object" and (schema.get("oneOf") or schema.get("anyOf")):
                return []  # the document types some string unions as objects
            return [f"{at}: is {name_of(value)}, not {name_of(TYPES[kind])}"]
        if isinstance(value, dict):
            return self.object(schema, value, at, within)
        if isinstance(value, list):
            out = [] if not (schema.get("uniqueItems") and repeats(value)) else [f"{at}: repeats an item"]
            if "items" in schema:
                for i, item in enumerate(value):
                    out += self.check(schema["items"], item, f"{at}[{i}]", ())
            return out
        return scalar(schema, value, at)

    def object(self, schema, value, at, within):
        out, known = [], self.spec.properties(schema)
        for key in schema.get("required", []):
            prop = self.spec.resolve(known.get(key, {}))
            if key not in value and not prop.get("writeOnly"):
                out.append(f"{at}: lacks {key}")
        for key, got in value.items():
            below = f"{at}.{key}"
            if key in schema.get("properties", {}):
                prop = schema["properties"][key]
                if self.spec.resolve(prop).get("writeOnly"):
                    out.append(f"{below}: is write-only")
                out += self.check(prop, got, below, ())
            elif known and key not in known and not within and not schema.get("additionalProperties"):
                out.append(f"{below}: unknown key")
        return out


def fits(kind, value):
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[kind])


def name_of(value):
    kind = value if isinstance(value, (type, tuple)) else type(value)
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
    }
    return names.get(kind, "a number")


def repeats(items):
    seen = []
    for item in items:
        if item in seen:
            return True
        seen.append(item)
    return False


def scalar(schema, value, at):
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum'][:6]}"]
    out = []
    if isinstance(value, str):
        rule = pattern(schema["pattern"]) if "pattern" in schema else None
        if rule and value and not rule.search(value):
            out.append(f"{at}: {value!r} does not match {schema['pattern']}")
        if schema.get("format") == "date-time" and moment(value) is None:
            out.append(f"{at}: {value!r} is no date-time")
        if schema.get("format") == "email" and "@" not in value:
            out.append(f"{at}: {value!r} is no e-mail address")
        if len(value) > schema.get("maxLength", len(value)) or len(value) < schema.get("minLength", 0):
            out.append(f"{at}: {value!r} has the wrong length")
    elif not isinstance(value, bool):
        if value < schema.get("minimum", value):
            out.append(f"{at}: {value} is less than {schema['minimum']}")
        if value > schema.get("maximum", value):
            out.append(f"{at}: {value} is more than {schema['maximum']}")
    return out


def moment(text):
    """A date-time to the second, or None."""
    try:
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        return None
    return at.replace(microsecond=0) if at.tzinfo else None
