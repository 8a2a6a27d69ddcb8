package sim

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// spec loads the official OpenAPI document, which comes with the SDK's module.
func spec(t *testing.T) *openapi3.T {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.mongodb.org/atlas-sdk/v20250312020").Output()
	if err != nil {
		t.Fatalf("finding the SDK's module: %v", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(strings.TrimSpace(string(dir)) + "/openapi/atlas-api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range doc.Components.Schemas {
		plainStrings(ref.Value)
	}
	return doc
}

// plainStrings undoes a mistake of the specification: a union of enums of strings is
// typed object, and its enums overlap.
func plainStrings(s *openapi3.Schema) {
	if s.Type.Is("object") && len(s.OneOf) > 0 && !slices.ContainsFunc(s.OneOf, func(r *openapi3.SchemaRef) bool { return !r.Value.Type.Is("string") }) {
		s.AnyOf, s.OneOf, s.Type = s.OneOf, nil, nil
	}
	for _, p := range s.Properties {
		if p.Ref == "" {
			plainStrings(p.Value)
		}
	}
}

func operation(t *testing.T, doc *openapi3.T, r *route) *openapi3.Operation {
	t.Helper()
	item := doc.Paths.Value(strings.TrimSuffix(apiPrefix+r.path, "/"))
	if item == nil || item.GetOperation(r.method) == nil {
		t.Fatalf("%s %s is not in the specification", r.method, r.path)
	}
	return item.GetOperation(r.method)
}

// realStatus is where the real server differs from the specification.
var realStatus = map[string]int{
	"createGroup": 201, "createGroupAccessListEntry": 201, "deleteGroup": 202,
	"createGroupPrivateEndpointEndpointService": 201, "deleteGroupPrivateEndpointEndpointService": 202, "toggleGroupPrivateEndpointRegionalMode": 202,
	"updateGroupAuditLog": 202, "createGroupAlertConfig": 201, "createOrgTeam": 201,
}

func TestSpecification(t *testing.T) {
	doc := spec(t)
	t.Run("routes", func(t *testing.T) { routesAreTheSpecs(t, doc) })
	t.Run("answers", func(t *testing.T) { answersFitTheSpec(t, doc) })
	t.Run("answers on alerts", func(t *testing.T) { alertAnswersFitTheSpec(t, doc) })
	t.Run("people", func(t *testing.T) { peopleFitTheSpec(t, doc) })
}

// Every route is an operation of the specification with its newest version.
func routesAreTheSpecs(t *testing.T, doc *openapi3.T) {
	for _, r := range routes() {
		if apispec.Load().Operation(r.op) == nil && strings.HasSuffix(r.op, "OrgDelegationSettings") {
			continue // in newer documents than the SDK's
		}
		op := operation(t, doc, &r)
		if op.OperationID != r.op {
			t.Errorf("%s %s is %s, not %s", r.method, r.path, op.OperationID, r.op)
		}
		newest := r.parsed[len(r.parsed)-1].date
		for status, response := range op.Responses.Map() {
			if !strings.HasPrefix(status, "2") {
				continue
			}
			var dates []string
			for kind := range response.Value.Content {
				if date, ok := mediaType(kind); ok {
					dates = append(dates, date)
				}
			}
			if len(dates) > 0 && newest != slices.Max(dates) {
				t.Errorf("%s: newest version %s, the specification has %v", r.op, newest, dates)
			}
		}
	}
}

// Every successful answer fits the specification's schema, but for the named
// differences of the real server.
func answersFitTheSpec(t *testing.T, doc *openapi3.T) {
	for _, c := range []struct{ op, method, path, body string }{
		{"getSystemStatus", "GET", "", ""},
		{"listOrgs", "GET", "/orgs", ""},
		{"getOrg", "GET", "{org}", ""},
		{"getOrgGroups", "GET", "{org}/groups", ""},
		{"listEventTypes", "GET", "/eventTypes", ""},
		{"listRateLimits", "GET", "/rateLimits", ""},
		{"getRateLimit", "GET", "/rateLimits/groups_user", ""},
		{"listClusterDetails", "GET", "/clusters", ""},
		{"listGroups", "GET", "/groups", ""},
		{"createGroup", "POST", "/groups", `{"name":"new","orgId":"ORG"}`},
		{"getGroupByName", "GET", "/groups/byName/prod", ""},
		{"getGroup", "GET", "{prod}", ""},
		{"updateGroup", "PATCH", "{dev}", `{"name":"dev2","tags":[{"key":"a","value":"b"}]}`},
		{"listGroupClusters", "GET", "{prod}/clusters", ""},
		{"getGroupCluster", "GET", "{prod}/clusters/main", ""},
		{"createGroupCluster", "POST", "{prod}/clusters", `{"name":"new"}`},
		{"listGroupFlexClusters", "GET", "{prod}/flexClusters", ""},
		{"getGroupFlexCluster", "GET", "{prod}/flexClusters/flexy", ""},
		{"listGroupDataFederation", "GET", "{prod}/dataFederation", ""},
		{"getGroupDataFederation", "GET", "{prod}/dataFederation/lake", ""},
		{"listGroupStreamWorkspaces", "GET", "{prod}/streams", ""},
		{"listGroupDatabaseUsers", "GET", "{prod}/databaseUsers", ""},
		{"getGroupDatabaseUser", "GET", "{prod}/databaseUsers/admin/app", ""},
		{"createGroupDatabaseUser", "POST", "{prod}/databaseUsers", `{"username":"n","databaseName":"admin","password":"fake-password","roles":[]}`},
		{"updateGroupDatabaseUser", "PATCH", "{prod}/databaseUsers/admin/app", `{"roles":[]}`},
		{"listGroupCustomDbRoleRoles", "GET", "{prod}/customDBRoles/roles", ""},
		{"getGroupCustomDbRoleRole", "GET", "{prod}/customDBRoles/roles/inner", ""},
		{"createGroupCustomDbRoleRole", "POST", "{prod}/customDBRoles/roles", `{"roleName":"n"}`},
		{"updateGroupCustomDbRoleRole", "PATCH", "{prod}/customDBRoles/roles/inner", `{"actions":[]}`},
		{"listGroupAccessListEntries", "GET", "{prod}/accessList", ""},
		{"createGroupAccessListEntry", "POST", "{prod}/accessList", anEntry},
		{"getGroupAccessListEntry", "GET", "{prod}/accessList/203.0.113.7", ""},
		{"getGroupAccessListStatus", "GET", "{prod}/accessList/203.0.113.7/status", ""},
		{"getGroupDbAccessHistoryCluster", "GET", "{prod}/dbAccessHistory/clusters/main", ""},
		{"getGroupDbAccessHistoryProcess", "GET", "{prod}/dbAccessHistory/processes/x", ""},

		{"listOrgApiKeys", "GET", "{org}/apiKeys", ""},
		{"createOrgApiKey", "POST", "{org}/apiKeys", aKey},
		{"getOrgApiKey", "GET", "{org}/apiKeys/{key}", ""},
		{"updateOrgApiKey", "PATCH", "{org}/apiKeys/{key}", `{"desc":"d"}`},
		{"listOrgApiKeyAccessListEntries", "GET", "{org}/apiKeys/{key}/accessList", ""},
		{"createOrgApiKeyAccessListEntry", "POST", "{org}/apiKeys/{key}/accessList", anAddress},
		{"getOrgApiKeyAccessListEntry", "GET", "{org}/apiKeys/{key}/accessList/192.0.2.9", ""},
		{"listGroupApiKeys", "GET", "{prod}/apiKeys", ""},
		{"createGroupApiKey", "POST", "{prod}/apiKeys", `{"desc":"d","roles":["GROUP_OWNER"]}`},
		{"updateGroupApiKeyRoles", "PATCH", "{prod}/apiKeys/{key}", `{"roles":["GROUP_READ_ONLY"]}`},
		{"listOrgServiceAccounts", "GET", "{org}/serviceAccounts", ""},
		{"createOrgServiceAccount", "POST", "{org}/serviceAccounts", anAccount("ORG_MEMBER")},
		{"getOrgServiceAccount", "GET", "{org}/serviceAccounts/" + memberID, ""},
		{"updateOrgServiceAccount", "PATCH", "{org}/serviceAccounts/" + memberID, `{"name":"n"}`},
		{"listOrgServiceAccountAccessList", "GET", "{org}/serviceAccounts/" + memberID + "/accessList", ""},
		{"createOrgServiceAccountAccessList", "POST", "{org}/serviceAccounts/" + memberID + "/accessList", anAddress},
		{"getOrgServiceAccountGroups", "GET", "{org}/serviceAccounts/" + memberID + "/groups", ""},
		{"createOrgServiceAccountSecret", "POST", "{org}/serviceAccounts/" + memberID + "/secrets", `{"secretExpiresAfterHours":8}`},
		{"listGroupServiceAccounts", "GET", "{prod}/serviceAccounts", ""},
		{"createGroupServiceAccount", "POST", "{prod}/serviceAccounts", anAccount("GROUP_OWNER")},
		{"getGroupServiceAccount", "GET", "{prod}/serviceAccounts/" + memberID, ""},
		{"updateGroupServiceAccount", "PATCH", "{prod}/serviceAccounts/" + memberID, `{"description":"d"}`},
		{"listGroupServiceAccountAccessList", "GET", "{prod}/serviceAccounts/" + memberID + "/accessList", ""},
		{"createGroupServiceAccountAccessList", "POST", "{prod}/serviceAccounts/" + memberID + "/accessList", anAddress},
		{"createGroupServiceAccountSecret", "POST", "{prod}/serviceAccounts/" + memberID + "/secrets", `{"secretExpiresAfterHours":8}`},
		{"inviteGroupServiceAccount", "POST", "{prod}/serviceAccounts/" + readerID + ":invite", `{"roles":["GROUP_OWNER"]}`},
		{"updateOrg", "PATCH", "{org}", `{"name":"ExampleCorp2"}`},
		{"getOrgActivityFeed", "GET", "{org}/activityFeed", ""},
		{"getOrgSettings", "GET", "{org}/settings", ""},
		{"updateOrgSettings", "PATCH", "{org}/settings", `{"multiFactorAuthRequired":true,"customSessionTimeouts":{"idleSessionTimeoutInSeconds":300}}`},
		{"listOrgResourcePolicies", "GET", "{org}/resourcePolicies", ""},
		{"createOrgResourcePolicy", "POST", "{org}/resourcePolicies", policyBody("p", noWildcard)},
		{"validateOrgResourcePolicies", "POST", "{org}/resourcePolicies:validate", policyBody("p", noWildcard)},
		{"getOrgNonCompliantResources", "GET", "{org}/nonCompliantResources", ""},
		{"getGroupActivityFeed", "GET", "{prod}/activityFeed", ""},
		{"getGroupSettings", "GET", "{prod}/settings", ""},
		{"updateGroupSettings", "PATCH", "{prod}/settings", `{"isDataExplorerEnabled":false}`},
		{"getGroupIpAddresses", "GET", "{prod}/ipAddresses", ""},
		{"listGroupLimits", "GET", "{prod}/limits", ""},
		{"getGroupLimit", "GET", "{prod}/limits/" + limitEntries, ""},
		{"setGroupLimit", "PATCH", "{prod}/limits/" + limitEntries, `{"value":100}`},
	} {
		t.Run(c.op, func(t *testing.T) {
			w := start(t)
			w.do("POST", w.path("{org}/apiKeys/{key}/accessList"), `[{"ipAddress":"192.0.2.9"}]`)
			i := slices.IndexFunc(w.routes, func(r route) bool { return r.op == c.op })
			a := w.do(c.method, w.path(c.path), strings.ReplaceAll(c.body, `"ORG"`, `"`+w.OrgID("ExampleCorp")+`"`))
			if a.status/100 != 2 {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if why := misfit(operation(t, doc, &w.routes[i]), c.op, a); why != "" {
				t.Error(why)
			}
		})
	}
}

// misfit says how an answer differs from its operation's schema, or "".
func misfit(op *openapi3.Operation, name string, a answerOf) string {
	for status, response := range op.Responses.Map() {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		if status != strconv.Itoa(a.status) && op.Responses.Value(strconv.Itoa(a.status)) != nil {
			continue
		}
		if status != strconv.Itoa(a.status) && realStatus[name] != a.status {
			return "status " + strconv.Itoa(a.status) + ", the specification has " + status
		}
		for _, media := range response.Value.Content {
			if media.Schema == nil {
				continue
			}
			var v any
			if err := json.Unmarshal([]byte(a.raw), &v); err != nil {
				return err.Error()
			}
			err := media.Schema.Value.VisitJSON(likeTheSpec(v), openapi3.VisitAsResponse(), openapi3.DisablePatternValidation(), openapi3.DisableSchemaErrorDetails(), openapi3.MultiErrors())
			if err != nil {
				return err.Error()
			}
		}
	}
	return ""
}

// likeTheSpec undoes the named differences: a database user's groupId (write-only), a
// count of zero requests and the null of a secret that was never used, the
// keys that a custom role's resource leaves out, a user's mobile number and password, what is null of an endpoint or a cloud
// provider access role that is not ready, or of a compliance policy, a flex cluster's release system, custom
// role names outside the enum, and unions that the specification types wrongly.
func likeTheSpec(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = likeTheSpec(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = likeTheSpec(v[k])
		}
		for _, key := range []string{"errorMessage", "endpointServiceName", "authorizedDate", "iamAssumedRoleArn", "onDemandPolicyItem"} {
			if v[key] == nil {
				delete(v, key)
			}
		}
		if _, connection := v["status"]; connection {
			delete(v, "regionName") // typed object with string alternatives, for some
		}
		if _, user := v["awsIAMType"]; user {
			delete(v, "groupId")
		}
		if v["count"] == 0.0 {
			delete(v, "count")
		}
		if _, secret := v["maskedSecretValue"]; secret && v["lastUsedAt"] == nil {
			delete(v, "lastUsedAt")
		}
		if s, ok := v["readPreference"].(string); ok {
			v["readPreference"] = strings.ToUpper(s)
		}
		if v["versionReleaseSystem"] == "CONTINUOUS" {
			v["versionReleaseSystem"] = "LTS"
		}
		if v["mobileNumber"] == nil {
			delete(v, "mobileNumber")
		}
		if _, account := v["emailAddress"]; account {
			v["mobileNumber"], v["password"] = "", "never in an answer"
		}
		for _, key := range []string{"identityProviderId", "userConflicts"} {
			if v[key] == nil {
				delete(v, key) // null where the specification has nothing
			}
		}
		delete(v, "replicationSpecs")  // ambiguous unions of the specification
		delete(v, "dataProcessRegion") // null for some, a string union that is typed object for others
		if _, role := v["databaseName"]; role && v["roleName"] == "outer" {
			v["roleName"] = "<a custom role name>"
		}
		for _, r := range rowsOf(v["resources"]) {
			for key, zero := range map[string]any{"cluster": false, "db": "", "collection": ""} {
				if _, has := r[key]; !has {
					r[key] = zero
				}
			}
		}
	}
	return v
}
