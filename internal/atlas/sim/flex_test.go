package sim

import (
	"testing"
)

func TestFlexLife(t *testing.T) {
	w := startWorld(t, farm)
	state := func() any { return w.do("GET", w.path("{prod}/flexClusters/f2"), nil).body["stateName"] }
	a := w.as(ownerID, "POST", w.path("{prod}/flexClusters"), aFlex)
	if a.status != 201 || a.body["stateName"] != "CREATING" || text(a.body["providerSettings"]) != `{"backingProviderName":"AWS","diskSizeGB":5,"providerName":"FLEX","regionName":"EU_WEST_1"}` {
		t.Fatalf("create: %d %s", a.status, a.raw)
	}
	w.Advance(createTakes)
	if got := state(); got != "IDLE" {
		t.Errorf("created: %v", got)
	}
	for range 2 {
		a = w.do("PATCH", w.path("{prod}/flexClusters/f2"), `{"tags":[{"key":"env","value":"x"}]}`)
		if a.status != 200 || a.body["stateName"] != "IDLE" || text(a.body["tags"]) != `[{"key":"env","value":"x"}]` {
			t.Errorf("tags: %d %s", a.status, a.raw)
		}
	}
	for range 2 {
		a = w.do("PATCH", w.path("{prod}/flexClusters/f2"), `{"terminationProtectionEnabled":true}`)
		if a.status != 200 || a.body["stateName"] != "UPDATING" || len(rowsOf(a.body["tags"])) != 1 {
			t.Errorf("protect: %d %s", a.status, a.raw)
		}
	}
	w.Advance(updateTakes)
	if a := w.do("DELETE", w.path("{prod}/flexClusters/f2"), nil); a.code() != "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED" {
		t.Errorf("protected: %d %s", a.status, a.raw)
	}
	w.do("PATCH", w.path("{prod}/flexClusters/f2"), `{"terminationProtectionEnabled":false}`)
	w.Advance(updateTakes)
	for range 2 {
		if a := w.do("DELETE", w.path("{prod}/flexClusters/f2"), nil); a.status != 204 || state() != "DELETING" {
			t.Errorf("delete: %d %s", a.status, a.raw)
		}
	}
	w.Advance(deleteTakes)
	if got := state(); got != nil {
		t.Errorf("gone: %v", got)
	}
	if got := w.feedOf("{prod}"); got != "CLUSTER_CREATED CLUSTER_READY CLUSTER_TAGS_MODIFIED* CLUSTER_UPDATE_SUBMITTED* CLUSTER_UPDATE_COMPLETED CLUSTER_UPDATE_SUBMITTED* CLUSTER_UPDATE_COMPLETED CLUSTER_DELETE_SUBMITTED* CLUSTER_DELETED" {
		t.Errorf("feed %s", got)
	}
	if n := len(w.Effects()); n != 5 {
		t.Errorf("%d effects", n)
	}
}

func TestFlexRefusals(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "flexClusters", `{"name":"x"}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "flexClusters", `{"name":"x","providerSettings":{"backingProviderName":"AWS"}}`, 400, "MISSING_ATTRIBUTE"},
		{"POST", "flexClusters", `{"name":"-x","providerSettings":{"backingProviderName":"AWS","regionName":"EU_WEST_1"}}`, 400, "VALIDATION_ERROR"},
		{"POST", "flexClusters", `{"name":"flexy","providerSettings":{"backingProviderName":"AWS","regionName":"EU_WEST_1"}}`, 400, "DUPLICATE_CLUSTER_NAME"},
		{"PATCH", "flexClusters/flexy", `{"name":"other"}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", "flexClusters/flexy", `{"tags":[{"key":"a","value":"b"},{"key":"a","value":"b"}]}`, 400, "VALIDATION_ERROR"},
		{"PATCH", "flexClusters/nope", `{}`, 404, "CLUSTER_NOT_FOUND"},
		{"GET", "flexClusters/main", ``, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"},
		{"POST", "flexClusters:tenantUpgrade", `{"name":"main"}`, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"},
	} {
		w := startWorld(t, farm)
		if a := w.as(ownerID, c.method, w.path("{prod}/"+c.path), c.body); a.status != c.status || a.code() != c.code || len(w.Effects()) != 0 {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, a.status, a.raw)
		}
	}
}

func TestFlexUpgrade(t *testing.T) {
	w := startWorld(t, farm)
	id := w.do("GET", w.path("{prod}/flexClusters/flexy"), nil).body["id"]
	a := w.as(ownerID, "POST", w.path("{prod}/flexClusters:tenantUpgrade"), `{"name":"flexy","backupEnabled":true,"replicationSpecs":[{"regionConfigs":[{"providerName":"GCP","regionName":"CENTRAL_US","electableSpecs":{"instanceSize":"M10","nodeCount":3}}]}]}`)
	if a.status != 200 || a.body["stateName"] != "UPDATING" {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	w.Advance(updateTakes)
	k := w.do("GET", w.path("{prod}/clusters/flexy"), nil)
	if k.body["id"] != id || k.body["stateName"] != "IDLE" || k.body["backupEnabled"] != true || w.do("GET", w.path("{prod}/flexClusters/flexy"), nil).code() != "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API" {
		t.Errorf("upgraded: %s", k.raw)
	}
	if got := w.feedOf("{prod}"); got != "FLEX_UPGRADE_STARTED CLUSTER_UPDATE_COMPLETED" {
		t.Errorf("feed %s", got)
	}
}

func TestProjectWithFlexStays(t *testing.T) {
	w := startWorld(t, farm)
	w.do("DELETE", w.path("{dev}/clusters/copy"), nil)
	w.do("POST", w.path("{dev}/flexClusters"), aFlex)
	w.do("POST", w.path("{dev}/streams"), `{"name":"s"}`)
	w.Advance(createTakes)
	if a := w.do("DELETE", w.path("{dev}"), nil); a.status != 409 {
		t.Errorf("with a flex cluster: %d %s", a.status, a.raw)
	}
	w.do("DELETE", w.path("{dev}/flexClusters/f2"), nil)
	w.Advance(deleteTakes)
	if a := w.do("DELETE", w.path("{dev}"), nil); a.status != 202 {
		t.Errorf("without: %d %s", a.status, a.raw)
	}
}
