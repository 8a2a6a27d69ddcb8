package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	aPeer = `{"containerId":"%s","accepterRegionName":"us-east-1","awsAccountId":"123456789012","vpcId":"vpc-0123456789abcdef%d","routeTableCidrBlock":"10.%d.0.0/16"}`
	boxes = "{dev}/containers"
)

func TestContainerLife(t *testing.T) {
	for _, c := range []struct{ provider, body, want, change, changed string }{
		{"AWS", `{"regionName":"US_EAST_1"}`, `{"atlasCidrBlock":"192.168.248.0/21","id":"ID","providerName":"AWS","provisioned":false,"regionName":"US_EAST_1"}`,
			`{"atlasCidrBlock":"10.8.0.0/22","regionName":"US_EAST_1"}`, `"atlasCidrBlock":"10.8.0.0/22"`},
		{"AZURE", `{"providerName":"AZURE","region":"US_EAST","atlasCidrBlock":"10.8.0.0/21"}`, `{"atlasCidrBlock":"10.8.0.0/21","id":"ID","providerName":"AZURE","provisioned":false,"region":"US_EAST"}`,
			`{"atlasCidrBlock":"10.9.0.0/21"}`, `"atlasCidrBlock":"10.9.0.0/21"`},
		{"GCP", `{"providerName":"GCP","atlasCidrBlock":"10.0.0.0/18"}`, `{"atlasCidrBlock":"10.0.0.0/18","id":"ID","providerName":"GCP","provisioned":false,"regions":[]}`,
			`{"providerName":"GCP","atlasCidrBlock":"10.64.0.0/16"}`, `"atlasCidrBlock":"10.64.0.0/16"`},
	} {
		t.Run(c.provider, func(t *testing.T) {
			w := start(t)
			a := w.as(ownerID, "POST", w.path(boxes), c.body)
			id, _ := a.body["id"].(string)
			if want := strings.ReplaceAll(c.want, "ID", id); a.status != 200 || a.raw != want {
				t.Fatalf("created: %d %s\nwant %s", a.status, a.raw, want)
			}
			one := boxes + "/" + id
			w.all([]exchange{
				{"GET", one, "", 200, a.raw},
				{"POST", boxes, c.body, 409, "CONTAINER_ALREADY_EXISTS"},
				{"GET", boxes + "?providerName=" + c.provider, "", 200, a.raw},
				{"GET", boxes + "/all", "", 200, a.raw},
				{"PATCH", one, c.body, 200, a.raw},
				{"PATCH", one, c.change, 200, c.changed},
				{"DELETE", one, "", 204, ""},
				{"DELETE", one, "", 404, "CLOUD_PROVIDER_CONTAINER_NOT_FOUND"},
				{"GET", boxes + "/all", "", 200, `"totalCount":0`},
			})
			w.feed("{dev}", "CONTAINER_DELETED CONTAINER_SUBNETS_UPDATE_REQUESTED")
			if n := len(w.Effects()); n != 3 {
				t.Errorf("%d effects", n)
			}
		})
	}
}

func TestContainerRefusals(t *testing.T) {
	w := wire(t)
	box := "{prod}/containers"
	w.refused([]exchange{
		{"GET", box, "", 400, "MISSING_QUERY_PARAMETER"},
		{"GET", box + "?providerName=IBM", "", 400, "INVALID_ENUM_VALUE"},
		{"GET", box + "/nope", "", 400, "PATH_PARAM_PARSE_ERROR"},
		{"GET", box + "/ffffffffffffffffffffffff", "", 404, "CLOUD_PROVIDER_CONTAINER_NOT_FOUND"},
		{"POST", box, `{"providerName":"AWS"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", box, `{"providerName":"AZURE","region":"US_WEST"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", box, `{"providerName":"TENANT"}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", box, `{"regionName":"EU_WEST_1","atlasCidrBlock":"x"}`, 400, "INVALID_CIDR_BLOCK"},
		{"POST", box, `{"regionName":"EU_WEST_1","atlasCidrBlock":"8.8.8.0/21"}`, 400, "ATLAS_INVALID_CIDR_RANGE"},
		{"POST", box, `{"regionName":"EU_WEST_1","atlasCidrBlock":"10.1.1.0/21"}`, 400, "ATLAS_NON_CANONICAL_CIDR_BLOCK"},
		{"POST", box, `{"regionName":"EU_WEST_1","atlasCidrBlock":"10.0.0.0/16"}`, 400, "ATLAS_INVALID_CIDR_BLOCK"},
		{"POST", box, `{"providerName":"GCP","atlasCidrBlock":"10.0.0.0/21"}`, 400, `"ATLAS_INVALID_CIDR_BLOCK"`},
		{"POST", box, `{"providerName":"GCP","atlasCidrBlock":"10.0.0.0/18","regions":["US_WEST_2"]}`, 400, "ATLAS_INVALID_CIDR_BLOCK_FOR_SMALL_CONTAINER"},
		{"POST", box, `{"providerName":"GCP","atlasCidrBlock":"10.0.0.0/21","regions":["US_WEST_2"]}`, 409, "CONTAINER_ALREADY_EXISTS"},
		{"PATCH", box + "/" + azBoxID, `{"region":"US_WEST"}`, 400, "CANNOT_CHANGE_CONTAINER_REGION"},
		{"PATCH", box + "/" + azBoxID, `{"providerName":"AWS"}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", box + "/" + awsBoxID, `{"atlasCidrBlock":"10.3.0.0/21"}`, 409, "CONTAINERS_IN_USE"},
		{"DELETE", box + "/" + awsBoxID, "", 409, "CONTAINERS_IN_USE"},
	})
}

func TestPeerLife(t *testing.T) {
	for _, c := range []struct {
		box, body, change string
		states            []string // one a move
		deleting, feed    string
	}{
		{`{"regionName":"US_EAST_1"}`, fmt.Sprintf(aPeer, "BOX", 1, 20), `{"routeTableCidrBlock":"10.30.0.0/16"}`,
			[]string{`"statusName":"INITIATING"`, `"statusName":"PENDING_ACCEPTANCE"`, `"statusName":"FINALIZING"`, `"statusName":"AVAILABLE"`},
			`"statusName":"TERMINATING"`, "PEER_DELETED PEER_UPDATED PEER_CREATED"},
		{`{"providerName":"AZURE","region":"US_EAST","atlasCidrBlock":"10.8.0.0/21"}`,
			`{"providerName":"AZURE","containerId":"BOX","azureDirectoryId":"00000000-0000-0000-0000-000000000001","azureSubscriptionId":"00000000-0000-0000-0000-000000000002","resourceGroupName":"rg","vnetName":"shop-net"}`,
			`{"vnetName":"other-net"}`, []string{`"status":"ADDING_PEER"`, `"status":"AVAILABLE"`}, `"status":"DELETING"`,
			"AZURE_PEER_DELETED AZURE_PEER_UPDATED AZURE_PEER_ACTIVE* AZURE_PEER_CREATED"},
		{`{"providerName":"GCP","atlasCidrBlock":"10.0.0.0/18"}`, `{"providerName":"GCP","containerId":"BOX","gcpProjectId":"shop-1234","networkName":"default"}`,
			`{"networkName":"other"}`, []string{`"status":"ADDING_PEER"`, `"status":"WAITING_FOR_USER"`, `"status":"AVAILABLE"`}, `"status":"DELETING"`,
			"GCP_PEER_DELETED GCP_PEER_UPDATED GCP_PEER_ACTIVE* GCP_PEER_CREATED"},
	} {
		t.Run(c.box, func(t *testing.T) {
			w := start(t)
			box := w.made(boxes, c.box, 0)
			body := strings.ReplaceAll(c.body, "BOX", box)
			one := "{dev}/peers/" + w.made("{dev}/peers", body, 0)
			for i, want := range c.states {
				w.all([]exchange{{"GET", one, "", 200, want}})
				if i < len(c.states)-1 {
					w.Advance(max(setupTakes, acceptTakes))
				}
			}
			held := w.as(ownerID, "GET", w.path(one), nil).raw
			provider := "AWS"
			if _, p, ok := strings.Cut(c.body, `"providerName":"`); ok {
				provider, _, _ = strings.Cut(p, `"`)
			}
			w.all([]exchange{
				{"POST", "{dev}/peers", body, 409, "PEER_ALREADY_EXISTS"},
				{"GET", "{dev}/peers?providerName=" + provider, "", 200, held},
				{"PATCH", one, body, 200, held}, // nothing new
				{"PATCH", one, c.change, 200, c.states[0]},
				{"DELETE", boxes + "/" + box, "", 409, "CONTAINERS_IN_USE"},
				{"DELETE", one, "", 202, "{}"},
				{"GET", one, "", 200, c.deleting},
				{"DELETE", one, "", 409, "PEER_ALREADY_REQUESTED_DELETION"},
				{"PATCH", one, c.change, 409, "PEER_INVALID_STATE"},
			})
			w.Advance(teardownTakes)
			w.all([]exchange{
				{"GET", one, "", 404, "PEER_NOT_FOUND"},
				{"DELETE", boxes + "/" + box, "", 204, ""},
			})
			w.feed("{dev}", "CONTAINER_DELETED "+c.feed)
		})
	}
}

func TestPeerRefusals(t *testing.T) {
	w := wire(t)
	peers, one := "{prod}/peers", "{prod}/peers/"+awsPeerID
	peer := func(n, net int) string { return fmt.Sprintf(aPeer, awsBoxID, n, net) }
	w.refused([]exchange{
		{"GET", peers + "?providerName=IBM", "", 400, "INVALID_ENUM_VALUE"},
		{"GET", peers + "/nope", "", 400, "PATH_PARAM_PARSE_ERROR"},
		{"GET", peers + "/ffffffffffffffffffffffff", "", 404, "PEER_NOT_FOUND"},
		{"POST", peers, `{"containerId":"` + awsBoxID + `"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", peers, strings.Replace(peer(1, 30), "vpc-", "net-", 1), 400, "VALIDATION_ERROR"},
		{"POST", peers, fmt.Sprintf(aPeer, "ffffffffffffffffffffffff", 1, 30), 404, "CLOUD_PROVIDER_CONTAINER_NOT_FOUND"},
		{"POST", peers, fmt.Sprintf(aPeer, gcpBoxID, 1, 30), 400, "INVALID_PROVIDER_PARAMETERS"},
		{"POST", peers, peer(0, 30), 409, "PEER_ALREADY_EXISTS"},
		{"POST", peers, peer(1, 20), 409, "OVERLAPPING_CIDR_BLOCK"},
		{"POST", peers, strings.Replace(peer(1, 30), "10.30.0.0/16", "192.168.0.0/16", 1), 409, "OVERLAPPING_ATLAS_CIDR_BLOCK"},
		{"POST", peers, strings.Replace(peer(1, 30), "10.30.0.0/16", "8.8.0.0/16", 1), 400, "INVALID_ROUTE_TABLE_CIDR"},
		{"POST", peers, strings.Replace(peer(1, 30), "10.30.0.0/16", "x", 1), 400, "INVALID_CIDR_BLOCK"},
		{"PATCH", one, `{"providerName":"GCP"}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", one, `{"containerId":"` + gcpBoxID + `"}`, 400, "ATTRIBUTE_READ_ONLY"},
		{"PATCH", one, `{"routeTableCidrBlock":"x"}`, 400, "INVALID_CIDR_BLOCK"},
	})
}

func TestPeersHaveALimit(t *testing.T) {
	w := startWorld(t, strings.Replace(shop, "- name: dev", "- name: dev\n        limits: {project.peers: 2}", 1))
	box := w.made(boxes, `{"regionName":"US_EAST_1"}`, 0)
	for i := range 2 {
		w.made("{dev}/peers", fmt.Sprintf(aPeer, box, i, 20+i), 0)
	}
	w.all([]exchange{{"POST", "{dev}/peers", fmt.Sprintf(aPeer, box, 2, 22), 409, `"PEER_MAXIMUM_REACHED","parameters":[2]`}})
}

// An AWS security group is an entry of the access list once the project is peered.
func TestSecurityGroupsWantAPeer(t *testing.T) {
	w := start(t)
	list, entry := "{dev}/accessList", `[{"awsSecurityGroup":"sg-0123abcd","comment":"app"}]`
	box := w.made(boxes, `{"regionName":"US_EAST_1"}`, 0)
	peer := w.made("{dev}/peers", fmt.Sprintf(aPeer, box, 1, 20), 0)
	const refused = "CANNOT_USE_AWS_SECURITY_GROUP_WITHOUT_VPC_PEERING_CONNECTION"
	w.all([]exchange{{"POST", list, entry, 400, refused}})
	w.Advance(time.Hour)
	w.all([]exchange{
		{"POST", list, entry, 201, `"awsSecurityGroup":"sg-0123abcd","comment":"app"`},
		{"POST", list, `[{"awsSecurityGroup":"sg-0123abcd","deleteAfterDate":"2026-08-04T00:00:00Z"}]`, 400, "NETWORK_PERMISSION_EXPIRATION_NOT_SUPPORTED"},
		{"POST", list, `[{"awsSecurityGroup":"group"}]`, 400, "INVALID_ATTRIBUTE"},
		{"GET", list + "/sg-0123abcd", "", 200, `"awsSecurityGroup":"sg-0123abcd"`},
		{"DELETE", list + "/sg-0123abcd", "", 204, ""},
		{"DELETE", "{dev}/peers/" + peer, "", 202, ""},
		{"POST", list, entry, 400, refused},
	})
	if e := w.events("{dev}"); e[1]["eventTypeName"] != "NETWORK_PERMISSION_ENTRY_REMOVED" || e[1]["whitelistEntry"] != "sg-0123abcd" {
		t.Errorf("events %v", e)
	}
}
