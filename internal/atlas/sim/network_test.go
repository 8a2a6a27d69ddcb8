package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The private network of the tests: one of everything, by provider.
const (
	awsServiceID = "111111111111111111111111"
	azServiceID  = "222222222222222222222222"
	gcpServiceID = "333333333333333333333333"
	awsBoxID     = "444444444444444444444444"
	azBoxID      = "555555555555555555555555"
	gcpBoxID     = "666666666666666666666666"
	awsPeerID    = "777777777777777777777777"
	awsRoleID    = "888888888888888888888888"
	outboundID   = "999999999999999999999999"
	vpce         = "vpce-0123456789abcdef0"
	azureName    = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe"
)

const wired = `
orgs:
  - name: ExampleCorp
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234567, secret: "fake secret/with+signs", name: owner, roles: [ORG_OWNER]}
      - {clientId: mdb_sa_id_0123456789abcdef01234568, secret: fake-reader, name: reader, roles: [ORG_READ_ONLY]}
      - {clientId: mdb_sa_id_0123456789abcdef01234569, secret: fake-member, name: member, roles: [ORG_MEMBER, GROUP_NETWORK_ACCESS_MANAGER@prod]}
    users: [{username: alice@example.com, id: aaaaaaaaaaaaaaaaaaaaaaaa, roles: [ORG_OWNER]}]
    projects:
      - name: prod
        privateEndpointServices:
          - id: "111111111111111111111111"
            cloudProvider: AWS
            regionName: us-east-1
            supportedRemoteRegions: [US_WEST_2]
            endpoints: [{id: vpce-0123456789abcdef0}]
          - {id: "222222222222222222222222", cloudProvider: AZURE, regionName: EUROPE_NORTH}
          - id: "333333333333333333333333"
            cloudProvider: GCP
            regionName: WESTERN_US
            status: DELETING
        privateEndpointRegionalMode: true
        privateNetworkEndpointIds: [{endpointId: vpce-0123456789abcdef0, comment: lake}]
        containers:
          - {id: "444444444444444444444444", providerName: AWS, regionName: US_EAST_1, provisioned: true}
          - {id: "555555555555555555555555", providerName: AZURE, region: US_EAST, atlasCidrBlock: 10.8.0.0/21}
          - {id: "666666666666666666666666", providerName: GCP, atlasCidrBlock: 10.0.0.0/18}
        peers:
          - {id: "777777777777777777777777", containerId: "444444444444444444444444", accepterRegionName: us-east-1, awsAccountId: "123456789012", vpcId: vpc-0123456789abcdef0, routeTableCidrBlock: 10.20.0.0/16}
        cloudProviderAccess:
          - {roleId: "888888888888888888888888", providerName: AWS, iamAssumedRoleArn: "arn:aws:iam::123456789012:role/backup", featureUsages: [{featureType: EXPORT_SNAPSHOT}]}
          - {providerName: AZURE, servicePrincipalId: 00000000-0000-0000-0000-000000000001, tenantId: 00000000-0000-0000-0000-000000000002}
          - {providerName: GCP}
        backupPrivateEndpoints: [{id: "999999999999999999999999", cloudProvider: AWS, regionName: US_EAST_1}]
        encryptionAtRestPrivateEndpoints: [{id: "999999999999999999999999", cloudProvider: AZURE, regionName: US_EAST, status: PENDING_ACCEPTANCE}]
      - name: dev
  - name: OtherCorp
    projects: [{name: foreign}]
`

// wire starts a world with private networks, in which everything has settled.
func wire(t *testing.T) *world { return startWorld(t, wired) }

// exchange is one request with what is expected of it: a code, or parts of the answer.
type exchange struct {
	method, path, body string
	status             int
	want               string
}

// all sends the exchanges one after another as the owner.
func (w *world) all(list []exchange) {
	w.t.Helper()
	for _, c := range list {
		a := w.as(ownerID, c.method, w.path(c.path), c.body)
		if a.status != c.status || !strings.Contains(a.raw, c.want) {
			w.t.Errorf("%s %s %s:\ngot  %d %s\nwant %d %s", c.method, c.path, c.body, a.status, a.raw, c.status, c.want)
		}
	}
}

// refused sends the exchanges, of which none may leave a trace.
func (w *world) refused(list []exchange) {
	w.t.Helper()
	effects := len(w.Effects())
	feed := kinds(w.events("{prod}"))
	w.all(list)
	if n := len(w.Effects()); n != effects || kinds(w.events("{prod}")) != feed {
		w.t.Errorf("refused requests left %d effects and the feed %s", n-effects, kinds(w.events("{prod}")))
	}
}

// feed checks the project's events, newest first, which the owner caused but for those
// with a trailing mark.
func (w *world) feed(project, want string) {
	w.t.Helper()
	var got []string
	for _, e := range w.events(project) {
		kind := e["eventTypeName"].(string)
		if e["publicKey"] == nil {
			kind += "*"
		} else if e["publicKey"] != ownerID || e["groupId"] == nil {
			w.t.Errorf("event %v", e)
		}
		got = append(got, kind)
	}
	if strings.Join(got, " ") != want {
		w.t.Errorf("events\ngot  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// Reading needs any role on the project, or Project Owner where the document says so;
// peering is the network manager's.
func TestNetworkRoles(t *testing.T) {
	w := wire(t)
	for _, c := range []struct {
		id, method, path, body string
		status                 int
		code                   string
	}{
		{readerID, "GET", "{prod}/privateEndpoint/AWS/endpointService", "", 200, ""},
		{readerID, "GET", "{prod}/containers/all", "", 200, ""},
		{readerID, "GET", "{prod}/peers", "", 200, ""},
		{readerID, "GET", "{prod}/privateNetworkSettings/endpointIds", "", 200, ""},
		{readerID, "GET", "{prod}/backup/AWS/privateEndpoints", "", 401, "USER_UNAUTHORIZED"},
		{readerID, "GET", "{prod}/cloudProviderAccess", "", 401, "USER_UNAUTHORIZED"},
		{readerID, "DELETE", "{prod}/peers/" + awsPeerID, "", 401, "USER_UNAUTHORIZED"},
		{memberID, "POST", "{prod}/privateEndpoint/endpointService", `{"providerName":"AWS","region":"EU_WEST_1"}`, 401, "USER_UNAUTHORIZED"},
		{memberID, "PATCH", "{prod}/privateEndpoint/regionalMode", `{"enabled":false}`, 401, "USER_UNAUTHORIZED"},
		{memberID, "DELETE", "{prod}/containers/" + azBoxID, "", 401, "USER_UNAUTHORIZED"},
		{memberID, "GET", "{dev}/peers", "", 401, "USER_CANNOT_ACCESS_GROUP"},
		{ownerID, "GET", "{foreign}/peers", "", 401, "USER_CANNOT_ACCESS_GROUP"},
		{ownerID, "GET", "/groups/ffffffffffffffffffffffff/peers", "", 404, "GROUP_NOT_FOUND"},
		{memberID, "DELETE", "{prod}/peers/" + awsPeerID, "", 202, ""},
	} {
		if a := w.as(c.id, c.method, w.path(c.path), c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s %s: %d %s", c.id, c.method, c.path, a.status, a.raw)
		}
	}
}

// A snapshot of everything, also of what is under way, starts an Atlas that is the same.
func TestNetworkRoundTrip(t *testing.T) {
	w := wire(t)
	w.all([]exchange{
		{"POST", "{prod}/privateEndpoint/endpointService", `{"providerName":"AWS","region":"EU_WEST_1"}`, 201, "INITIATING"},
		{"POST", "{prod}/privateEndpoint/AZURE/endpointService/" + azServiceID + "/endpoint", `{"id":"` + azureName + `","privateEndpointIPAddress":"10.0.0.4"}`, 200, "INITIATING"},
		{"POST", "{prod}/peers", `{"providerName":"GCP","containerId":"` + gcpBoxID + `","gcpProjectId":"shop-1234","networkName":"default"}`, 200, "ADDING_PEER"},
		{"POST", "{prod}/cloudProviderAccess", `{"providerName":"AWS"}`, 200, "null"},
		{"POST", "{prod}/cloudProviderAccess", `{"providerName":"GCP"}`, 200, "IN_PROGRESS"},
		{"POST", "{prod}/backup/AWS/privateEndpoints", `{"regionName":"US_WEST_2"}`, 201, "INITIATING"},
		{"DELETE", "{prod}/peers/" + awsPeerID, "", 202, "{}"},
	})
	first := w.Snapshot()
	raw, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseWorld("snapshot", raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	other, err := New(Options{World: read, Seed: 99, Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, other.Snapshot()); d != "" {
		t.Error(d)
	}
	w.Advance(time.Hour)
	other.Advance(time.Hour)
	if d := cmp.Diff(w.Snapshot(), other.Snapshot()); d != "" {
		t.Errorf("an hour later: %s", d)
	}
}

func TestNetworkWorldMistakes(t *testing.T) {
	for _, c := range []struct{ part, want string }{
		{"privateEndpointServices: [{cloudProvider: IBM, regionName: X}]", "IBM"},
		{"privateEndpointServices: [{cloudProvider: AWS, regionName: MOON}]", "MOON"},
		{"privateEndpointServices: [{cloudProvider: AWS, regionName: US_EAST_1}, {cloudProvider: AWS, regionName: us-east-1}]", "already"},
		{"privateEndpointServices: [{cloudProvider: AWS, regionName: US_EAST_1, endpoints: [{id: x}]}]", `"x"`},
		{"privateEndpointServices: [{cloudProvider: AWS, regionName: US_EAST_1, status: ASLEEP}]", "ASLEEP"},
		{"privateEndpointServices: [{cloudProvider: AWS, regionName: US_EAST_1, endpoints: [{id: vpce-0123456789abcdef0, status: VERIFIED}]}]", "VERIFIED"},
		{"privateNetworkEndpointIds: [{endpointId: x}]", `"x"`},
		{"privateNetworkEndpointIds: [{endpointId: vpce-0123456789abcdef0, status: ASLEEP}]", "ASLEEP"},
		{"cloudProviderAccess: [{providerName: GCP, status: ASLEEP}]", "ASLEEP"},
		{"backupPrivateEndpoints: [{cloudProvider: AWS, regionName: US_EAST_1, status: PENDING_ACCEPTANCE}]", "PENDING_ACCEPTANCE"},
		{"containers: [{id: aaaaaaaaaaaaaaaaaaaaaaaa, providerName: GCP, atlasCidrBlock: 10.0.0.0/18}], peers: [{providerName: GCP, containerId: aaaaaaaaaaaaaaaaaaaaaaaa, status: FINALIZING}]", "FINALIZING"},
		{"containers: [{providerName: AWS}]", "regionName"},
		{"containers: [{providerName: AWS, regionName: US_EAST_1, atlasCidrBlock: 8.8.0.0/21}]", "private range"},
		{"containers: [{id: x, providerName: AWS, regionName: US_EAST_1}]", "malformed"},
		{"peers: [{containerId: nope}]", "nope"},
		{"cloudProviderAccess: [{providerName: IBM}]", "IBM"},
		{"cloudProviderAccess: [{providerName: AWS, roleId: x}]", "malformed"},
		{"backupPrivateEndpoints: [{cloudProvider: AZURE, regionName: US_EAST}]", "AZURE"},
		{"encryptionAtRestPrivateEndpoints: [{cloudProvider: AZURE, regionName: MOON}]", "MOON"},
	} {
		w, err := ParseWorld("w", fmt.Appendf(nil, "orgs: [{name: a, projects: [{name: p, %s}]}]", c.part))
		if err != nil {
			t.Errorf("%s: %v", c.part, err)
			continue
		}
		if _, err = New(Options{World: w}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `project "p"`) {
			t.Errorf("%s: %v", c.part, err)
		}
	}
}

// A project takes its network with it, also what is under way.
func TestNetworkGoesWithItsProject(t *testing.T) {
	w := wire(t)
	w.all([]exchange{
		{"POST", "{dev}/privateEndpoint/endpointService", `{"providerName":"AWS","region":"EU_WEST_1"}`, 201, "INITIATING"},
	})
	dev := w.path("{dev}")
	w.all([]exchange{{"DELETE", dev, "", 202, ""}})
	w.Advance(time.Hour)
	w.all([]exchange{{"GET", dev + "/privateEndpoint/AWS/endpointService", "", 404, "GROUP_NOT_FOUND"}})
}
