package sim

import (
	"slices"
	"strings"
	"sync/atomic"
)

// difference is one thing in which the real server is known to differ from the official
// document, or the document from itself. It is undone before an answer is judged, and
// only where the answer does not fit as it is.
type difference struct {
	what, source string
	ops          []string // where; nil is everywhere
	status       int      // what the real server answers with
	request      string   // how the objection to a good request ends
	undo         func(any) bool
	errors       func(any) bool
	events       func(map[string]any) bool
	mended       func(mends) int

	used atomic.Int64
}

func (k *difference) at(op string) bool { return k.ops == nil || slices.Contains(k.ops, op) }

// knownDifferences is every exemption that the matrix makes. One that is not needed any
// more fails the test.
func knownDifferences() []*difference {
	return []*difference{
		{what: "a union of strings is typed object", source: "atlas-api.md §13, eventTypeName",
			mended: func(m mends) int { return m.strings }},
		{what: "alternatives without a discriminator overlap", source: "the document: oneOf of objects whose properties are all optional",
			mended: func(m mends) int { return m.unions }},
		{what: "operations newer than the SDK's document, and their schemas", source: "atlas-api.md §3, the document of 2026-08-21",
			mended: func(m mends) int { return m.newer }},

		{what: "an error's parameters are texts and numbers, not objects", source: "atlas-api.md §1.3, recorded",
			errors: each(func(o object) bool { return drop(o, "parameters", true) })},

		{what: "a discriminator that is read-only", source: "the document: EARPrivateEndpoint.cloudProvider", request: `readOnly property "cloudProvider" in request`,
			ops: []string{"createGroupEncryptionAtRestPrivateEndpoint"}},

		{what: "201 for 200", source: "atlas-api.md §13, recorded", status: 201, ops: []string{
			"createGroup", "createGroupAccessListEntry", "createGroupAlertConfig", "createGroupPrivateEndpointEndpointService", "createOrgTeam"}},
		{what: "202 for 200 or 204", source: "atlas-api.md §13, recorded", status: 202, ops: []string{
			"deleteGroup", "updateGroupAuditLog", "deleteGroupPrivateEndpointEndpointService", "toggleGroupPrivateEndpointRegionalMode"}},

		{what: "groupId of a database user is write-only", source: "atlas-api.md §13, recorded", ops: databaseUserOps(),
			undo: each(func(o object) bool { return drop(o, "groupId", o["awsIAMType"] != nil) })},
		{what: "a custom role's name is in no enum", source: "the document: its enum has <a custom role name>", ops: databaseUserOps(),
			undo: each(customRoleName)},
		{what: "a custom role's resource has only the keys in use", source: "atlas-api.md §13, recorded",
			ops:  []string{"listGroupCustomDbRoleRoles", "createGroupCustomDbRoleRole", "getGroupCustomDbRoleRole", "updateGroupCustomDbRoleRole"},
			undo: each(fullResources)},

		{what: "errorMessage is null", source: "atlas-api.md §13, recorded", undo: null("errorMessage")},
		{what: "authorizedDate is null", source: "atlas-api.md §13, recorded", undo: null("authorizedDate")},
		{what: "iamAssumedRoleArn is null as long as authorizedDate is", source: "testdata/answers/createGroupCloudProviderAccess.json, recorded", undo: null("iamAssumedRoleArn")},
		{what: "dataProcessRegion is null", source: "atlas-api.md §13, recorded", undo: null("dataProcessRegion")},
		{what: "identityProviderId is null", source: "atlas-api.md §13, recorded", undo: null("identityProviderId")},
		{what: "predictiveEnabled of a region's scaling", source: "testdata/answers/createGroupCluster.json, recorded",
			undo: each(func(o object) bool { return drop(o, "predictiveEnabled", true) })},
		{what: "onDemandPolicyItem is null", source: "mongodb-atlas-cli, recorded answers of the compliance policy", undo: null("onDemandPolicyItem")},
		{what: "userConflicts is null", source: "atlas-api.md §13, recorded", undo: null("userConflicts")},
		{what: "mobileNumber is null", source: "atlas-api.md §13, recorded; the document's pattern is escaped twice and wants backslashes",
			undo: each(func(o object) bool { return replace(o, "mobileNumber", nil, `212\555\0123`) })},
		{what: "a webhook's templates", source: "atlas-api.md §11 and §13, bodyTemplate recorded", undo: null("bodyTemplate", "headersTemplate")},
		{what: "the roles of a service account's projects", source: "atlas-api.md §5.2, the document of 2026-08-21",
			ops: []string{"getOrgServiceAccountGroups"}, undo: each(func(o object) bool { return drop(o, "roles", o["groupId"] != nil) })},
		{what: "lastUsedAt is null", source: "atlas-api.md §5.2, the document of 2026-08-21", undo: null("lastUsedAt")},

		{what: "a password is required in an answer", source: "the document: CloudAppUser.password, which it says is never returned",
			undo: each(func(o object) bool {
				_, has := o["password"]
				if has || o["emailAddress"] == nil {
					return false
				}
				o["password"] = "never in an answer"
				return true
			})},
		{what: "an API key's access list counts from 0", source: "atlas-api.md §13, recorded", undo: each(func(o object) bool { return replace(o, "count", 0.0, 1.0) })},
		{what: "biConnector.readPreference is lower-case", source: "atlas-api.md §13, recorded",
			undo: each(func(o object) bool {
				s, _ := o["readPreference"].(string)
				return replace(o, "readPreference", strings.ToLower(s), strings.ToUpper(s))
			})},
		{what: "a flex cluster's release system is not LTS", source: "atlas-api.md §13, recorded",
			undo: each(func(o object) bool { return replace(o, "versionReleaseSystem", "CONTINUOUS", "LTS") })},
		{what: "an export's prefix is no template", source: "the document: its pattern is the template itself",
			undo: each(func(o object) bool {
				return drop(o, "prefix", o["exportBucketId"] != nil)
			})},
		{what: "a managed certificate's subject has no domain", source: "the document: its pattern wants DC=; recorded dbUserUsername CN=user389, atlas-api.md §7",
			ops: []string{"listGroupDatabaseUserCerts"}, undo: each(func(o object) bool { return drop(o, "subject", true) })},
		{what: "a project setting more than the document's", source: "atlas-api.md §3, recorded",
			undo: each(func(o object) bool { return drop(o, "isAtlasHomePageAiAssistantEnabled", true) })},
		{what: "settings newer than the SDK's document", source: "atlas-api.md §3, the document of 2026-08-21",
			undo: each(func(o object) bool {
				contact := drop(o, "operationsContact", true)
				return drop(o, "isDataValidationEnabled", true) || contact
			})},

		{what: "an event names its cluster", source: "atlas-api.md §10.6 and §13, recorded",
			events: func(e map[string]any) bool { return drop(e, "clusterName", true) }},
		{what: "event types newer than the SDK's document", source: "atlas-api.md §10, the document of 2026-08-21",
			events: func(e map[string]any) bool {
				return replace(e, "eventTypeName", "ORG_DELEGATION_SETTINGS_UPDATED", "SECURITY_CONTACT_MODIFIED") ||
					replace(e, "eventTypeName", "OPERATIONS_CONTACT_MODIFIED", "SECURITY_CONTACT_MODIFIED")
			}},
	}
}

func databaseUserOps() []string {
	return []string{"listGroupDatabaseUsers", "createGroupDatabaseUser", "getGroupDatabaseUser", "updateGroupDatabaseUser"}
}

// customRoleName gives the world's custom role the enum's name for all of them.
func customRoleName(o object) bool {
	return replace(o, "roleName", "outer", "<a custom role name>")
}

func fullResources(o object) bool {
	_, action := o["action"]
	changed := false
	for _, r := range rowsOf(o["resources"]) {
		for key, zero := range map[string]any{"cluster": false, "db": "", "collection": ""} {
			if _, has := r[key]; action && !has {
				r[key], changed = zero, true
			}
		}
	}
	return changed
}

// each applies an undoing to every object in a value.
func each(undo func(object) bool) func(any) bool {
	var walk func(any) bool
	walk = func(v any) bool {
		changed := false
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				changed = walk(e) || changed
			}
		case map[string]any:
			for _, e := range v {
				changed = walk(e) || changed
			}
			changed = undo(v) || changed
		}
		return changed
	}
	return walk
}

func drop(o object, key string, when bool) bool {
	_, has := o[key]
	if has && when {
		delete(o, key)
	}
	return has && when
}

func replace(o object, key string, old, by any) bool {
	v, has := o[key]
	if !has || v != old || old == by {
		return false
	}
	o[key] = by
	return true
}

func null(keys ...string) func(any) bool {
	return each(func(o object) bool {
		changed := false
		for _, key := range keys {
			v, has := o[key]
			changed = drop(o, key, has && v == nil) || changed
		}
		return changed
	})
}
