package sim

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const arn = "arn:aws:iam::123456789012:role/atlas"

// The AWS answers have the shape that the Atlas CLI's tests recorded.
func TestCloudRoleLife(t *testing.T) {
	for _, c := range []struct{ provider, body, made, change, changed, list, kind string }{
		{"AWS", `{"providerName":"AWS"}`,
			`"authorizedDate":null,"createdDate":"2026-08-03T10:00:00Z","featureUsages":[],"iamAssumedRoleArn":null,"providerName":"AWS","roleId":"ID"}`,
			`{"providerName":"AWS","iamAssumedRoleArn":"` + arn + `"}`, `"authorizedDate":"2026-08-03T10:01:00Z","createdDate":"2026-08-03T10:00:00Z","featureUsages":[],"iamAssumedRoleArn":"` + arn,
			"awsIamRoles", "CLOUD_PROVIDER_ACCESS_AWS_IAM_ROLE_"},
		{"AZURE", `{"providerName":"AZURE","servicePrincipalId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-000000000002"}`,
			`"providerName":"AZURE","servicePrincipalId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-000000000002"`,
			`{"providerName":"AZURE","tenantId":"00000000-0000-0000-0000-000000000003"}`,
			`"lastUpdatedDate":"2026-08-03T10:01:00Z","providerName":"AZURE","servicePrincipalId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-000000000003"`,
			"azureServicePrincipals", "CLOUD_PROVIDER_ACCESS_AZURE_SERVICE_PRINCIPAL_"},
		{"GCP", `{"providerName":"GCP"}`, `"providerName":"GCP","roleId":"ID","status":"IN_PROGRESS"}`,
			`{"providerName":"GCP"}`, `.iam.gserviceaccount.com","providerName":"GCP"`, "gcpServiceAccounts", "CLOUD_PROVIDER_ACCESS_GCP_SERVICE_ACCOUNT_"},
	} {
		t.Run(c.provider, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path("{dev}/cloudProviderAccess"), c.body)
			id, _ := a.body["roleId"].(string)
			if id == "" {
				id, _ = a.body["_id"].(string)
			}
			if a.status != 200 || !strings.Contains(a.raw, strings.ReplaceAll(c.made, "ID", id)) {
				t.Fatalf("created: %d %s", a.status, a.raw)
			}
			one, of := "{dev}/cloudProviderAccess/"+id, "{dev}/cloudProviderAccess/"+c.provider+"/"+id
			w.all([]exchange{{"GET", one, "", 200, a.raw}})
			w.Advance(acceptTakes)
			w.all([]exchange{{"PATCH", one, c.change, 200, c.changed}})
			w.Advance(acceptTakes)
			w.all([]exchange{
				{"PATCH", one, c.change, 200, c.changed},
				{"GET", one, "", 200, c.changed},
				{"GET", "{dev}/cloudProviderAccess", "", 200, `"` + c.list + `":[{"`},
				{"DELETE", of, "", 204, ""},
				{"DELETE", of, "", 404, "CLOUD_PROVIDER_ACCESS_ROLE_NOT_FOUND"},
				{"GET", "{dev}/cloudProviderAccess", "", 200, `{"awsIamRoles":[],"azureServicePrincipals":[],"gcpServiceAccounts":[]}`},
			})
			want := c.kind + "DELETED " + c.kind + "UPDATED " + c.kind + "ADDED"
			if c.provider == "GCP" { // which has nothing to authorise
				want = c.kind + "DELETED " + c.kind + "ADDED"
			}
			w.feed("{dev}", want)
		})
	}
}

func TestCloudRoleRefusals(t *testing.T) {
	w := wire(t)
	roles, one := "{prod}/cloudProviderAccess", "{prod}/cloudProviderAccess/"+awsRoleID
	w.refused([]exchange{
		{"POST", roles, `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", roles, `{"providerName":"IBM"}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", roles, `{"providerName":"AWS","name":"x"}`, 400, "INVALID_ATTRIBUTE"},
		{"POST", roles, `{"providerName":"AZURE"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", roles, `{"providerName":"AZURE","servicePrincipalId":"x","tenantId":"y"}`, 400, "VALIDATION_ERROR"},
		{"PATCH", one, `{"providerName":"AWS"}`, 400, "MISSING_ATTRIBUTE"},
		{"PATCH", one, `{"providerName":"GCP"}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", one, `{"providerName":"AWS","iamAssumedRoleArn":"arn:aws:iam::123456789012:user/x"}`, 400, "VALIDATION_ERROR"},
		{"GET", roles + "/nope", "", 400, "PATH_PARAM_PARSE_ERROR"},
		{"GET", roles + "/ffffffffffffffffffffffff", "", 404, "CLOUD_PROVIDER_ACCESS_ROLE_NOT_FOUND"},
		{"DELETE", roles + "/IBM/" + awsRoleID, "", 400, "INVALID_ENUM_VALUE"},
		{"DELETE", roles + "/GCP/" + awsRoleID, "", 404, "CLOUD_PROVIDER_ACCESS_ROLE_NOT_FOUND"},
		{"DELETE", roles + "/AWS/" + awsRoleID, "", 409, "CLOUD_PROVIDER_ACCESS_ROLE_IN_USE"},
	})
}

func TestOutboundEndpointLife(t *testing.T) {
	const created, deleted = "ENCRYPTION_AT_REST_PRIVATE_ENDPOINT_CREATED", "ENCRYPTION_AT_REST_PRIVATE_ENDPOINT_DELETED"
	for _, c := range []struct {
		path, region string
		status       int
		states       []string
		feed         string
	}{
		{"{dev}/backup/AWS/privateEndpoints", "US_EAST_1", 201, []string{"INITIATING", "ACTIVE"}, ""},
		{"{dev}/encryptionAtRest/AWS/privateEndpoints", "US_EAST_1", 202, []string{"INITIATING", "ACTIVE"}, deleted + " " + created},
		{"{dev}/encryptionAtRest/AZURE/privateEndpoints", "US_EAST", 202, []string{"INITIATING", "PENDING_ACCEPTANCE", "ACTIVE"}, deleted + " " + created},
	} {
		t.Run(c.path, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path(c.path), `{"regionName":"`+c.region+`"}`)
			id, _ := a.body["id"].(string)
			if a.status != c.status || a.body["regionName"] != c.region {
				t.Fatalf("created: %d %s", a.status, a.raw)
			}
			one := c.path + "/" + id
			for _, want := range c.states {
				w.all([]exchange{{"GET", one, "", 200, `"status":"` + want + `"`}})
				w.Advance(setupTakes)
			}
			w.all([]exchange{
				{"GET", c.path, "", 200, `"privateEndpointConnectionName":"pe-`},
				{"POST", c.path, `{"regionName":"` + c.region + `"}`, 409, "PRIVATE_ENDPOINT_ALREADY_EXISTS_FOR_REGION"},
				{"POST", c.path, `{"regionName":"MOON"}`, 400, "INVALID_REGION"},
				{"POST", c.path, `{}`, 400, "MISSING_ATTRIBUTE"},
				{"POST", c.path, `{"regionName":"` + c.region + `","cloudProvider":"GCP"}`, 400, "INVALID_ATTRIBUTE"},
				{"GET", strings.Replace(one, id, "nope", 1), "", 400, "PATH_PARAM_PARSE_ERROR"},
				{"GET", strings.Replace(c.path, "/A", "/X", 1), "", 400, "INVALID_ENUM_VALUE"},
				{"DELETE", one, "", 204, ""},
				{"DELETE", one, "", 204, ""},
				{"GET", one, "", 200, `"status":"DELETING"`},
			})
			w.Advance(teardownTakes)
			w.all([]exchange{
				{"GET", one, "", 404, "RESOURCE_NOT_FOUND"},
				{"GET", c.path, "", 200, `"totalCount":0`},
			})
			w.feed("{dev}", c.feed)
			if n := len(w.Effects()); n != 2 {
				t.Errorf("%d effects", n)
			}
		})
	}
}

// An entry is added, its comment changed, and nothing else of it by a POST of the same.
func TestNetworkEndpointIDs(t *testing.T) {
	w := start(t)
	ids, first := "{dev}/privateNetworkSettings/endpointIds", vpce
	azure, err := json.Marshal(azureName)
	if err != nil {
		t.Fatal(err)
	}
	w.all([]exchange{
		{"POST", ids, `{"endpointId":"` + first + `","comment":"comment"}`, 201, `"results":[{"endpointId":"` + first + `","provider":"AWS","type":"DATA_LAKE","status":"OK","comment":"comment"}],"totalCount":1`},
		{"POST", ids, `{"endpointId":"` + first + `","comment":"comment"}`, 201, `"totalCount":1`},
		{"POST", ids, `{"endpointId":"` + first + `","comment":"new","region":"US_EAST_1","customerEndpointDNSName":"x.example.com"}`, 201, `"status":"OK","comment":"new"}`},
		{"POST", ids, `{"endpointId":` + string(azure) + `,"provider":"AZURE","customerEndpointIPAddress":"10.0.0.4","status":"OK"}`, 201, `"status":"PENDING"`},
		{"GET", ids + "/" + first, "", 200, `"comment":"new"`},
		{"POST", ids, `{"endpointId":"vpce-1"}`, 400, `"field":"endpointId"`},
		{"POST", ids, `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", ids, `{"endpointId":"vpce-0123456789abcdef1","region":"US_EAST_1"}`, 400, "VALIDATION_ERROR"},
		{"POST", ids, `{"endpointId":"vpce-0123456789abcdef1","provider":"GCP"}`, 400, "INVALID_ENUM_VALUE"},
		{"GET", ids + "/vpce-0123456789abcdef1", "", 404, "RESOURCE_NOT_FOUND"},
	})
	w.Advance(acceptTakes)
	w.all([]exchange{
		{"GET", ids + "/" + url.PathEscape(azureName), "", 200, `"status":"OK"`},
		{"DELETE", ids + "/" + first, "", 204, ""},
		{"DELETE", ids + "/" + first, "", 404, "RESOURCE_NOT_FOUND"},
		{"GET", ids + "?itemsPerPage=1", "", 200, `"totalCount":1`},
	})
	w.feed("{dev}", "PRIVATE_NETWORK_ENDPOINT_ENTRY_REMOVED PRIVATE_NETWORK_ENDPOINT_ENTRY_ADDED "+
		"PRIVATE_NETWORK_ENDPOINT_ENTRY_UPDATED PRIVATE_NETWORK_ENDPOINT_ENTRY_ADDED")
	if n := len(w.Effects()); n != 4 {
		t.Errorf("%d effects", n)
	}
}
