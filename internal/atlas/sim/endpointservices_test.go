package sim

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

const services = "{dev}/privateEndpoint/endpointService"

// made is the id of what the exchange makes, after which the given time passes.
func (w *world) made(path, body string, then time.Duration) string {
	w.t.Helper()
	a := w.as(ownerID, "POST", w.path(path), body)
	if a.status/100 != 2 {
		w.t.Fatalf("POST %s %s: %d %s", path, body, a.status, a.raw)
	}
	w.Advance(then)
	for _, key := range []string{"id", "roleId", "_id"} {
		if id, ok := a.body[key].(string); ok {
			return id
		}
	}
	return ""
}

// The answers while a service comes and goes, by provider, are those that the tests of
// the Atlas CLI recorded (mongodb/mongodb-atlas-cli, test/e2e/testdata/.snapshots).
func TestEndpointServiceLife(t *testing.T) {
	for _, c := range []struct{ provider, region, initiating, available string }{
		{"AWS", "EU_CENTRAL_1", `{"cloudProvider":"AWS","endpointServiceName":null,"errorMessage":null,"id":"ID","interfaceEndpoints":[],"regionName":"EU_CENTRAL_1","status":"INITIATING","supportedRemoteRegions":null}`,
			`"endpointServiceName":"com.amazonaws.vpce.eu-central-1.vpce-svc-`},
		{"AZURE", "EUROPE_NORTH", `"privateEndpoints":[],"privateLinkServiceName":"pls_ID"`, `/providers/Microsoft.Network/privateLinkServices/pls_ID","regionName":"EUROPE_NORTH"`},
		{"GCP", "US_WEST_2", `"endpointGroupNames":[],"errorMessage":null,"id":"ID","portMappingEnabled":false,"regionName":"US_WEST_2","serviceAttachmentNames":[],"status":"INITIATING"`,
			`/regions/us-west2/serviceAttachments/sa-us-west2-`},
	} {
		t.Run(c.provider, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path(services), `{"providerName":"`+c.provider+`","region":"`+c.region+`"}`)
			id, _ := a.body["id"].(string)
			if a.status != 201 || !strings.Contains(a.raw, strings.ReplaceAll(c.initiating, "ID", id)) {
				t.Fatalf("created: %d %s", a.status, a.raw)
			}
			one := "{dev}/privateEndpoint/" + c.provider + "/endpointService/" + id
			if got := w.as(ownerID, "GET", w.path(one), nil); got.raw != a.raw {
				t.Errorf("read back %s, want %s", got.raw, a.raw)
			}
			w.Advance(setupTakes)
			w.all([]exchange{
				{"GET", one, "", 200, `"status":"AVAILABLE"`},
				{"GET", one, "", 200, strings.ReplaceAll(c.available, "ID", id)},
				{"GET", "{dev}/privateEndpoint/" + c.provider + "/endpointService", "", 200, `[{"cloudProvider":"` + c.provider},
				{"DELETE", one, "", 202, ""},
				{"DELETE", one, "", 202, ""},
				{"GET", one, "", 200, `"status":"DELETING"`},
			})
			w.Advance(teardownTakes)
			w.all([]exchange{
				{"GET", one, "", 404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"},
				{"DELETE", one, "", 404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"},
				{"GET", "{dev}/privateEndpoint/" + c.provider + "/endpointService", "", 200, `[]`},
			})
			w.feed("{dev}", "ENDPOINT_SERVICE_DELETED ENDPOINT_SERVICE_CREATED")
			if n := len(w.Effects()); n != 2 {
				t.Errorf("%d effects", n)
			}
		})
	}
}

// interfaces are the customer's ends of the services, by provider.
var interfaces = []struct{ provider, region, body, id, first, second, last string }{
	{"AWS", "US_EAST_1", `{"id":"` + vpce + `"}`, vpce,
		`{"cloudProvider":"AWS","connectionStatus":"PENDING_ACCEPTANCE","deleteRequested":false,"errorMessage":null,"interfaceEndpointId":"` + vpce + `"}`,
		`"connectionStatus":"PENDING"`, `"connectionStatus":"AVAILABLE"`},
	{"AZURE", "US_EAST", `{"id":"` + azureName + `","privateEndpointIPAddress":"10.0.0.4"}`, azureName,
		`"privateEndpointConnectionName":"` + azureConnection(azureName) + `","privateEndpointIPAddress":"10.0.0.4","privateEndpointResourceId":"` + azureName + `","status":"INITIATING"`, `"status":"AVAILABLE"`, `"status":"AVAILABLE"`},
	{"GCP", "CENTRAL_US", `{"endpointGroupName":"group","gcpProjectId":"shop-1234","endpoints":[{"endpointName":"e0","ipAddress":"10.0.0.4"}]}`, "group",
		`"endpoints":[{"endpointName":"e0","ipAddress":"10.0.0.4","status":"INITIATING"}],"errorMessage":null,"gcpProjectId":"shop-1234"`, `"status":"VERIFIED"`, `"status":"AVAILABLE"`},
}

func TestPrivateEndpointLife(t *testing.T) {
	for _, c := range interfaces {
		t.Run(c.provider, func(t *testing.T) {
			w := start(t)
			id := w.made(services, `{"providerName":"`+c.provider+`","region":"`+c.region+`"}`, 0)
			service := "{dev}/privateEndpoint/" + c.provider + "/endpointService/" + id
			one := service + "/endpoint/" + url.PathEscape(c.id)
			w.all([]exchange{{"POST", service + "/endpoint", c.body, 409, "PRIVATELINK_CANNOT_ACCEPT_ENDPOINTS"}})
			w.Advance(setupTakes)
			w.all([]exchange{
				{"POST", service + "/endpoint", c.body, 200, c.first},
				{"GET", one, "", 200, c.first},
				{"POST", service + "/endpoint", c.body, 409, "PRIVATELINK_INTERFACE_ENDPOINT_ALREADY_EXISTS"},
				{"GET", service, "", 200, `["` + c.id + `"]`},
				{"DELETE", service, "", 409, "CANNOT_DELETE_PRIVATELINK_WITH_ENDPOINTS"},
			})
			w.Advance(acceptTakes)
			w.all([]exchange{{"GET", one, "", 200, c.second}})
			w.Advance(acceptTakes)
			w.all([]exchange{
				{"GET", one, "", 200, c.last},
				{"DELETE", one, "", 204, ""},
				{"DELETE", one, "", 204, ""},
				{"GET", one, "", 200, `"deleteRequested":true`},
			})
			w.Advance(teardownTakes)
			w.all([]exchange{
				{"GET", one, "", 404, "PRIVATELINK_INTERFACE_ENDPOINT_NOT_FOUND"},
				{"GET", service, "", 200, `"status":"DELETING"`},
			})
			w.Advance(teardownTakes)
			w.all([]exchange{{"GET", service, "", 404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"}})
			w.feed("{dev}", "ENDPOINT_SERVICE_DELETED* INTERFACE_ENDPOINT_DELETED INTERFACE_ENDPOINT_CREATED ENDPOINT_SERVICE_CREATED")
		})
	}
}

func TestPrivateEndpointRefusals(t *testing.T) {
	w := wire(t)
	link := "{prod}/privateEndpoint"
	create, aws, azure, gcp := link+"/endpointService", link+"/AWS/endpointService/"+awsServiceID, link+"/AZURE/endpointService/"+azServiceID, link+"/GCP/endpointService/"+gcpServiceID
	w.refused([]exchange{
		{"POST", create, `{"providerName":"AWS"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", create, `{"providerName":"IBM","region":"X"}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", create, `{"providerName":"AWS","region":"MOON"}`, 400, "INVALID_REGION"},
		{"POST", create, `{"providerName":"AWS","region":"US_WEST_1","name":"x"}`, 400, "INVALID_ATTRIBUTE"},
		{"POST", create, `{"providerName":"AWS","region":"us-east-1"}`, 409, `"PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION","parameters":["AWS","US_EAST_1"]`},
		{"POST", create, `{"providerName":"AWS","region":"US_WEST_1","supportedRemoteRegions":["US_WEST_1"]}`, 400, "VALIDATION_ERROR"},
		{"GET", link + "/IBM/endpointService", "", 400, "INVALID_ENUM_VALUE"},
		{"GET", link + "/IBM/endpointService/" + awsServiceID, "", 400, "INVALID_ENUM_VALUE"},
		{"GET", link + "/AWS/endpointService/nope", "", 400, "PATH_PARAM_PARSE_ERROR"},
		{"GET", link + "/AWS/endpointService/" + azServiceID, "", 404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"},
		{"POST", aws + "/endpoint", `{"id":"vpce-1"}`, 400, "VALIDATION_ERROR"},
		{"POST", aws + "/endpoint", `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", aws + "/endpoint", `[]`, 400, "INVALID_JSON_ATTRIBUTE"},
		{"POST", aws + "/endpoint", `{"cloudProvider":"AZURE","id":"x","privateEndpointIPAddress":"10.0.0.4"}`, 400, "INVALID_ATTRIBUTE"},
		{"POST", azure + "/endpoint", `{"id":"x","privateEndpointIPAddress":"10.0.0.4"}`, 400, "VALIDATION_ERROR"},
		{"POST", azure + "/endpoint", `{"id":"` + azureName + `"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", gcp + "/endpoint", `{"endpointGroupName":"g","gcpProjectId":"shop-1234"}`, 409, "PRIVATELINK_CANNOT_ACCEPT_ENDPOINTS"},
		{"PATCH", create + "/" + azServiceID, `{"cloudProvider":"AWS"}`, 404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"},
		{"PATCH", create + "/" + awsServiceID, `{"cloudProvider":"AWS","supportedRemoteRegions":["MOON"]}`, 400, "INVALID_REGION"},
		{"PATCH", link + "/regionalMode", `{}`, 400, "MISSING_ATTRIBUTE"},
		{"PATCH", link + "/regionalMode", `{"enabled":"yes"}`, 400, "INVALID_JSON_ATTRIBUTE"},
	})
}

func TestRemoteRegionsAndRegionalMode(t *testing.T) {
	w := wire(t)
	one, mode := "{prod}/privateEndpoint/endpointService/"+awsServiceID, "{prod}/privateEndpoint/regionalMode"
	w.all([]exchange{
		{"PATCH", one, `{"cloudProvider":"AWS"}`, 200, `["US_WEST_2"]`},
		{"PATCH", one, `{"cloudProvider":"AWS","supportedRemoteRegions":["US_WEST_2"]}`, 200, `["US_WEST_2"]`},
		{"PATCH", one, `{"cloudProvider":"AWS","supportedRemoteRegions":["EU_WEST_1","US_WEST_2"]}`, 200, `["EU_WEST_1","US_WEST_2"]`},
		{"PATCH", one, `{"cloudProvider":"AWS","supportedRemoteRegions":null}`, 200, `"supportedRemoteRegions":null`},
		{"GET", mode, "", 200, `{"enabled":true}`},
		{"PATCH", mode, `{"enabled":true}`, 202, `{"enabled":true}`},
		{"PATCH", mode, `{"enabled":false}`, 202, `{"enabled":false}`},
		{"PATCH", mode, `{"enabled":true}`, 202, `{"enabled":true}`},
	})
	w.feed("{prod}", "REGIONALIZED_PRIVATE_ENDPOINT_MODE_ENABLED REGIONALIZED_PRIVATE_ENDPOINT_MODE_DISABLED "+
		"CROSS_REGION_SUPPORTED_REGION_MODIFIED CROSS_REGION_SUPPORTED_REGION_MODIFIED")
	if n := len(w.Effects()); n != 4 {
		t.Errorf("%d effects", n)
	}
}

// Without the regionalized mode a project has several endpoints in one region, or one
// in each of several.
func TestSeveralEndpointsWantRegionalMode(t *testing.T) {
	w := start(t)
	east := w.made(services, `{"providerName":"AWS","region":"US_EAST_1"}`, 0)
	west := w.made(services, `{"providerName":"AWS","region":"US_WEST_2"}`, setupTakes)
	at := func(id string) string { return "{dev}/privateEndpoint/AWS/endpointService/" + id + "/endpoint" }
	w.all([]exchange{
		{"POST", at(east), `{"id":"vpce-00000000000000001"}`, 200, ""},
		{"POST", at(east), `{"id":"vpce-00000000000000002"}`, 200, ""},
		{"POST", services, `{"providerName":"AWS","region":"EU_WEST_1"}`, 409, "MULTIPLE_PRIVATE_ENDPOINTS_RESTRICTED_TO_SINGLE_REGION"},
		{"POST", at(west), `{"id":"vpce-00000000000000003"}`, 409, "MULTIPLE_PRIVATE_ENDPOINTS_RESTRICTED_TO_SINGLE_REGION"},
		{"PATCH", "{dev}/privateEndpoint/regionalMode", `{"enabled":true}`, 202, ""},
		{"POST", at(west), `{"id":"vpce-00000000000000003"}`, 200, ""},
		{"POST", at(west), `{"id":"vpce-00000000000000004"}`, 200, ""},
		{"POST", services, `{"providerName":"AWS","region":"EU_WEST_1"}`, 201, ""},
		{"DELETE", at(east) + "/vpce-00000000000000001", "", 204, ""},
		{"DELETE", at(east) + "/vpce-00000000000000002", "", 204, ""},
	})
	w.Advance(teardownTakes)
	w.all([]exchange{{"GET", strings.TrimSuffix(at(east), "/endpoint"), "", 200, `"status":"DELETING"`}})
}
