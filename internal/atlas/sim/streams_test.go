package sim

import (
	"strings"
	"testing"
)

func TestWorkspaceLife(t *testing.T) {
	w := startWorld(t, farm)
	body := `{"name":"flow2","dataProcessRegion":{"cloudProvider":"AZURE","region":"westeurope"},"streamConfig":{"tier":"SP10","maxTierSize":"SP50"},"sampleConnections":{"solar":true}}`
	a := w.as(ownerID, "POST", w.path("{prod}/streams"), body)
	if a.status != 200 || text(a.body["dataProcessRegion"]) != `{"cloudProvider":"AZURE","region":"westeurope"}` || text(a.body["streamConfig"]) != `{"maxTierSize":"SP50","tier":"SP10"}` || a.body["connections"] != nil {
		t.Fatalf("create: %d %s", a.status, a.raw)
	}
	a = w.do("GET", w.path("{prod}/streams/flow2?includeConnections=true"), nil)
	if c := rowsOf(a.body["connections"]); len(c) != 1 || c[0]["name"] != sampleConnection {
		t.Errorf("with connections: %s", a.raw)
	}
	for range 2 {
		a = w.do("PATCH", w.path("{prod}/streams/flow2"), `{"cloudProvider":"AWS","region":"DUBLIN_IRL","streamConfig":{"tier":"SP30"}}`)
		if text(a.body["dataProcessRegion"]) != `{"cloudProvider":"AWS","region":"DUBLIN_IRL"}` || text(a.body["streamConfig"]) != `{"maxTierSize":"SP50","tier":"SP30"}` {
			t.Errorf("update: %d %s", a.status, a.raw)
		}
	}
	w.again()
	if a := w.do("DELETE", w.path("{prod}/streams/flow2"), nil); a.status != 202 || w.do("GET", w.path("{prod}/streams/flow2"), nil).code() != "STREAM_TENANT_NOT_FOUND_FOR_NAME" {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if a := w.do("POST", w.path("{prod}/streams:withSampleConnections"), `{"name":"flow3"}`); a.status != 200 || len(w.do("GET", w.path("{prod}/streams/flow3/connections"), nil).results()) != 1 {
		t.Errorf("with samples: %d %s", a.status, a.raw)
	}
	if got := w.feedOf("{prod}"); got != "STREAM_TENANT_CREATED STREAM_TENANT_UPDATED* STREAM_TENANT_DELETED* STREAM_TENANT_CREATED*" {
		t.Errorf("feed %s", got)
	}
}

func TestStreamConnections(t *testing.T) {
	w := startWorld(t, farm)
	path := w.path("{prod}/streams/flow/connections")
	kafka := `{"name":"k2","type":"Kafka","bootstrapServers":"a:9092","config":{"auto.offset.reset":"earliest"},"security":{"protocol":"SASL_SSL"},"authentication":{"mechanism":"PLAIN","username":"u","password":"fake-secret-1"}}`
	a := w.as(ownerID, "POST", path, kafka)
	if a.status != 200 || a.body["state"] != "READY" || text(a.body["authentication"]) != `{"mechanism":"PLAIN","username":"u"}` || text(a.body["config"]) != `{"auto.offset.reset":"earliest"}` {
		t.Fatalf("create: %d %s", a.status, a.raw)
	}
	for range 2 {
		if a := w.do("PATCH", path+"/k2", `{"authentication":{"mechanism":"PLAIN","username":"u","password":"fake-secret-2"}}`); a.status != 200 || a.body["bootstrapServers"] != "a:9092" {
			t.Errorf("a new password: %d %s", a.status, a.raw)
		}
	}
	if a := w.do("POST", path, `{"name":"far","type":"Cluster","clusterName":"theirs","clusterGroupId":"`+w.ProjectID("dev")+`"}`); a.body["clusterGroupId"] != w.ProjectID("dev") {
		t.Errorf("another project's cluster: %d %s", a.status, a.raw)
	}
	w.again()
	if a := w.do("DELETE", path+"/k2", nil); a.status != 202 {
		t.Errorf("delete: %d %s", a.status, a.raw)
	}
	if got := listedNames(w.do("GET", path, nil).results()); got != "own kafka far" {
		t.Errorf("left: %s", got)
	}
	if got := w.feedOf("{prod}"); got != "STREAM_TENANT_CONNECTION_CREATED STREAM_TENANT_CONNECTION_UPDATED* STREAM_TENANT_CONNECTION_CREATED* STREAM_TENANT_CONNECTION_DELETED*" {
		t.Errorf("feed %s", got)
	}
	if n := len(w.Effects()); n != 4 {
		t.Errorf("%d effects", n)
	}
	for _, e := range w.Effects() {
		if strings.Contains(e.Before+e.After, "fake-secret") {
			t.Errorf("effect %+v", e)
		}
	}
}

func listedNames(rows []map[string]any) string {
	var out []string
	for _, r := range rows {
		s, _ := r["name"].(string)
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestStreamRefusals(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "streams", `{}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "streams", `{"name":"a b"}`, 400, "VALIDATION_ERROR"},
		{"POST", "streams", `{"name":"flow"}`, 409, "DUPLICATE_STREAM_TENANT_NAME"},
		{"POST", "streams", `{"name":"x","dataProcessRegion":{"cloudProvider":"AWS"}}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "streams", `{"name":"x","streamConfig":{"tier":"SP1"}}`, 400, "INVALID_ENUM_VALUE"},
		{"POST", "streams:withSampleConnections", `{"name":"x","wat":1}`, 400, "INVALID_ATTRIBUTE"},
		{"POST", "streams:withSampleConnections", `{`, 400, "MALFORMED_JSON"},
		{"PATCH", "streams/flow", `{"region":"MOON"}`, 400, "INVALID_ENUM_VALUE"},
		{"GET", "streams/nope", ``, 404, "STREAM_TENANT_NOT_FOUND_FOR_NAME"},
		{"GET", "streams/flow?includeConnections=maybe", ``, 400, "INVALID_QUERY_PARAMETER"},
		{"GET", "streams/flow/connections/nope", ``, 404, "STREAM_CONNECTION_NOT_FOUND_FOR_NAME"},
		{"GET", "streams/nope/connections", ``, 404, "STREAM_TENANT_NOT_FOUND_FOR_NAME"},
		{"POST", "streams/flow/connections", `{"name":"own","type":"Sample"}`, 409, "DUPLICATE_STREAM_CONNECTION_NAME"},
		{"POST", "streams/flow/connections", `{"type":"Sample"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "streams/flow/connections", `{"name":"x"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "streams/flow/connections", `{"name":"x","type":"Pipe"}`, 400, "INVALID_ENUM_VALUE"},
		{"PATCH", "streams/flow/connections/own", `{"type":"Kafka"}`, 409, "ATTRIBUTE_READ_ONLY"},
		{"PATCH", "streams/flow/connections/own", `{"wat":"x"}`, 400, "INVALID_ATTRIBUTE"},
		{"DELETE", "streams/flow/connections/nope", ``, 404, "STREAM_CONNECTION_NOT_FOUND_FOR_NAME"},
	} {
		w := startWorld(t, farm)
		if a := w.as(ownerID, c.method, w.path("{prod}/"+c.path), c.body); a.status != c.status || a.code() != c.code || len(w.Effects()) != 0 {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, a.status, a.raw)
		}
	}
}
