package sim

import (
	"strings"
	"testing"
)

func TestFederatedLife(t *testing.T) {
	w := startWorld(t, farm)
	body := `{"name":"lake2","dataProcessRegion":{"cloudProvider":"AWS","region":"DUBLIN_IRL"},
		"cloudProviderConfig":{"aws":{"roleId":"ef0000000000000000000001","testS3Bucket":"probe"}},
		"storage":{"databases":[{"name":"d","collections":[{"name":"c","dataSources":[{"storeName":"s","path":"/x"}]}]}],"stores":[{"name":"s","provider":"s3","bucket":"b","region":"EU_WEST_1"}]}}`
	a := w.as(ownerID, "POST", w.path("{prod}/dataFederation"), body)
	if a.status != 200 || a.body["state"] != "ACTIVE" || !strings.Contains(a.raw, "a.query.mongodb.net") || strings.Contains(a.raw, "probe") {
		t.Fatalf("create: %d %s", a.status, a.raw)
	}
	if got := text(a.body["storage"]); got != `{"databases":[{"collections":[{"dataSources":[{"path":"/x","storeName":"s"}],"name":"c"}],"name":"d"}],"stores":[{"bucket":"b","name":"s","provider":"s3","region":"EU_WEST_1"}]}` {
		t.Errorf("storage %s", got)
	}
	w.again()
	for range 2 {
		a = w.as(ownerID, "PATCH", w.path("{prod}/dataFederation/lake2"), `{"name":"lake3","storage":{"databases":[],"stores":[{"name":"a","provider":"atlas","clusterName":"main"}]}}`)
		if a.status == 404 { // by its old name
			a = w.as(ownerID, "PATCH", w.path("{prod}/dataFederation/lake3"), `{"name":"lake3"}`)
		}
		if a.status != 200 || a.body["name"] != "lake3" || !strings.Contains(a.raw, `"projectId":"`+w.ProjectID("prod")+`"`) {
			t.Errorf("update: %d %s", a.status, a.raw)
		}
	}
	if a := w.do("DELETE", w.path("{prod}/dataFederation/lake3"), nil); a.status != 204 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if got := w.feedOf("{prod}"); got != "FEDERATED_DATABASE_CREATED FEDERATED_DATABASE_UPDATED FEDERATED_DATABASE_REMOVED*" {
		t.Errorf("feed %s", got)
	}
	for _, e := range w.Effects() {
		if strings.Contains(e.Before+e.After, "probe") {
			t.Errorf("effect %+v", e)
		}
	}
}

func TestFederatedRefusals(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "dataFederation", `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "dataFederation", `{"name":"lake"}`, 409, "DUPLICATE_DATA_FEDERATION_TENANT_NAME"},
		{"POST", "dataFederation", `{"name":"x","dataProcessRegion":{"cloudProvider":"MOON","region":"DUBLIN_IRL"}}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", "dataFederation", `{"name":"x","cloudProviderConfig":{"aws":{"roleId":"x","testS3Bucket":"b"}}}`, 400, "VALIDATION_ERROR"},
		{"PATCH", "dataFederation/nope", `{}`, 404, "RESOURCE_NOT_FOUND"},
		{"PATCH", "dataFederation/lake", `{"wat":1}`, 400, "INVALID_ATTRIBUTE"},
		{"DELETE", "dataFederation/nope", ``, 404, "RESOURCE_NOT_FOUND"},
	} {
		w := startWorld(t, farm)
		if a := w.as(ownerID, c.method, w.path("{prod}/"+c.path), c.body); a.status != c.status || a.code() != c.code || len(w.Effects()) != 0 {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, a.status, a.raw)
		}
	}
}
