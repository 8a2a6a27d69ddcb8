package apispec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

func TestCheck(t *testing.T) {
	f := apispec.Load()
	for _, c := range []struct{ op, body, want string }{
		{"createGroupDatabaseUser", `{"username":"a","databaseName":"admin","groupId":"32b6e34b3d91647abb20e7b8","roles":[]}`, ""},
		{"createGroupDatabaseUser", `{"username":1,"databaseName":"other","roles":[{"roleName":"read"}],"wat":1}`,
			"enum databaseName; missing groupId; missing roles[0].databaseName; type username; unknown wat"},
		{"createOrgServiceAccount", `{"name":"a","description":"b","roles":["ORG_MEMBER"],"secretExpiresAfterHours":8}`, ""},
		{"createOrgServiceAccount", `{"name":"a!","description":"","roles":["ORG_KING"],"secretExpiresAfterHours":"8"}`,
			"range description; range name; enum roles[0]; type secretExpiresAfterHours"},
		{"createGroupPeer", `{"containerId":"32b6e34b3d91647abb20e7b8","providerName":"AWS","accepterRegionName":"us-east-1","awsAccountId":"123456789012","routeTableCidrBlock":"10.0.0.0/8","vpcId":"vpc-0123456789abcdef0"}`, ""},
		{"createGroupPeer", `{"containerId":"32b6e34b3d91647abb20e7b8","providerName":"GCP","gcpProjectId":"my-project"}`, "missing networkName"},
		{"createGroupPeer", `{"containerId":"32b6e34b3d91647abb20e7b8","providerName":"GCP","gcpProjectId":"my-project","networkName":"n","vpcId":"","wat":1}`, "unknown wat"},
		{"createGroupAlertConfig", `{"eventTypeName":"OUTSIDE_METRIC_THRESHOLD","metricThreshold":{"metricName":"ASSERT_REGULAR","units":"RAW"},"notifications":[{"typeName":"EMAIL","apiToken":""}]}`, ""},
		{"addGroupTeams", `[{"teamId":"x","roleNames":["GROUP_OWNER"]}]`, "range [0].teamId"},
		{"updateOrgSettings", `{"maxServiceAccountSecretValidityInHours":7,"operationsContact":null}`, "range maxServiceAccountSecretValidityInHours; unknown operationsContact"},
		{"createGroupAccessListEntry", `[{"deleteAfterDate":"tomorrow"}]`, "date [0].deleteAfterDate"},
		{"createGroupStreamWorkspace", `{"name":"a","dataProcessRegion":{"cloudProvider":"AWS","region":"DUBLIN_IRL"}}`, ""},
		{"createGroupBackupExportBucket", `{"cloudProvider":"AWS","bucketName":"bucket"}`, "missing iamRoleId"},
		{"createGroupStreamWorkspace", `{"name":"a","dataProcessRegion":{"cloudProvider":"AWS","region":"NOWHERE"}}`, "enum dataProcessRegion.region"},
		{"createGroupApiKey", `{"desc":"d","roles":["GROUP_OWNER"],"links":[]}`, ""},
	} {
		t.Run(c.op, func(t *testing.T) {
			op := f.Operation(c.op)
			var v any
			if err := json.Unmarshal([]byte(c.body), &v); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range f.Check(op.Body(op.Newest()), v) {
				got = append(got, fmt.Sprintf("%s %s", x.Rule, x.Path))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("got %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestWritable(t *testing.T) {
	f := apispec.Load()
	var v any
	if err := json.Unmarshal([]byte(`{"id":"32b6e34b3d91647abb20e7b8","name":"p","clusterCount":7,"created":"2026-01-01T00:00:00Z","orgId":"x","links":[]}`), &v); err != nil {
		t.Fatal(err)
	}
	op := f.Operation("createGroup")
	got := f.Writable(op.Body(op.Newest()), v)
	if diff := cmp.Diff(map[string]any{"name": "p", "orgId": "x"}, got); diff != "" {
		t.Error(diff)
	}
}

// What only another alternative has is accepted and goes away.
func TestWritableOfAlternative(t *testing.T) {
	f := apispec.Load()
	op := f.Operation("createGroupPeer")
	body := map[string]any{"providerName": "GCP", "networkName": "n", "vpcId": "", "wat": "x"}
	if diff := cmp.Diff(map[string]any{"providerName": "GCP", "networkName": "n", "wat": "x"}, f.Writable(op.Body(op.Newest()), body)); diff != "" {
		t.Error(diff)
	}
}

// Every operation has what the simulator needs of it.
func TestFactsAreWhole(t *testing.T) {
	f := apispec.Load()
	if len(f.Operations) < 400 || len(f.Events.Org) < 200 || len(f.Events.Project) < 500 || len(f.Events.Alertable) < 50 {
		t.Fatalf("%d operations, %d %d %d event types", len(f.Operations), len(f.Events.Org), len(f.Events.Project), len(f.Events.Alertable))
	}
	for _, op := range f.Operations {
		if f.Operation(op.ID) != op || len(op.Versions) == 0 || !strings.HasPrefix(op.Path, "/") {
			t.Errorf("%s: %+v", op.ID, op)
		}
	}
}
