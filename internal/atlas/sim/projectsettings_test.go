package sim

import (
	"fmt"
	"testing"
)

func TestProjectSettings(t *testing.T) {
	w := start(t)
	path := w.path("{prod}/settings")
	first := w.as(readerID, "GET", path, nil)
	if first.body["isDataExplorerEnabled"] != true || first.body["isAtlasHomePageAiAssistantEnabled"] != true || len(first.body) != 12 {
		t.Errorf("at first %s", first.raw)
	}
	for range 2 {
		a := w.as(ownerID, "PATCH", path, `{"isDataExplorerEnabled":false,"isSchemaAdvisorEnabled":false,"isAtlasHomePageAiAssistantEnabled":false}`)
		got := fmt.Sprint(a.body["isDataExplorerEnabled"], a.body["isSchemaAdvisorEnabled"], a.body["isAtlasHomePageAiAssistantEnabled"], a.body["isPerformanceAdvisorEnabled"])
		if a.status != 200 || got != "false false false true" {
			t.Errorf("got %d %s", a.status, a.raw)
		}
	}
	w.as(ownerID, "PATCH", path, `{"isDataExplorerEnabled":true}`)
	if got := kinds(w.events("{prod}")); got != "DATA_EXPLORER_ENABLED DATA_EXPLORER_DISABLED" {
		t.Errorf("events %s", got)
	}
	if n := len(w.Effects()); n != 2 {
		t.Errorf("%d effects", n)
	}
	w.refusals([]refusal{
		{"PATCH", "{prod}/settings", `{"isNew":true}`, 400, "INVALID_ATTRIBUTE"},
		{"PATCH", "{prod}/settings", `{"isAtlasHomePageAiAssistantEnabled":1}`, 400, "INVALID_JSON_ATTRIBUTE"},
	})
	if a := w.as(memberID, "PATCH", path, `{}`); a.status != 401 {
		t.Errorf("a member: %d", a.status)
	}
}

func TestProjectAddresses(t *testing.T) {
	w := start(t)
	a := w.as(readerID, "GET", w.path("{prod}/ipAddresses"), nil)
	services := a.body["services"].(map[string]any)
	clusters := rowsOf(services["clusters"])
	if len(clusters) != 2 || clusters[0]["clusterName"] != "main" || len(clusters[0]["inbound"].([]any)) != 3 {
		t.Errorf("got %s", a.raw)
	}
	if again := w.as(readerID, "GET", w.path("{prod}/ipAddresses"), nil); again.raw != a.raw {
		t.Errorf("then %s", again.raw)
	}
}

func TestLimits(t *testing.T) {
	w := start(t)
	limit := func(name string) string {
		b := w.as(readerID, "GET", w.path("{prod}/limits/"+name), nil).body
		return fmt.Sprint(b["value"], " of ", b["defaultLimit"], " to ", b["maximumLimit"], " used ", b["currentUsage"])
	}
	for name, want := range map[string]string{
		limitEntries: "200 of 200 to 200 used 2", limitDBUsers: "100 of 100 to 100 used 2", limitCustomRoles: "100 of 100 to 1400 used 2",
		limitCrossRegion: "40 of 40 to 220 used 0", limitClusters: "25 of 25 to 100 used 3",
	} {
		if got := limit(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for range 2 {
		if a := w.as(ownerID, "PATCH", w.path("{prod}/limits/"+limitEntries), `{"name":"`+limitEntries+`","value":2}`); a.status != 200 || a.body["value"] != 2.0 {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
	}
	w.refusals([]refusal{
		{"POST", "{prod}/accessList", anEntry, 403, "ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED"},
		{"PATCH", "{prod}/limits/" + limitCustomRoles, `{"value":1401}`, 400, "VALIDATION_ERROR"},
		{"PATCH", "{prod}/limits/" + limitCustomRoles, `{"value":-1}`, 400, "VALIDATION_ERROR"},
		{"PATCH", "{prod}/limits/" + limitCustomRoles, `{}`, 400, "MISSING_ATTRIBUTE"},
		{"PATCH", "{prod}/limits/nope", `{"value":1}`, 400, "INVALID_PATH_PARAMETER"},
		{"GET", "{prod}/limits/dataFederation.bytesProcessed.daily", "", 404, "RESOURCE_NOT_FOUND"},
	})
	const daily = "{prod}/limits/dataFederation.bytesProcessed.daily"
	w.as(ownerID, "PATCH", w.path(daily), `{"value":4000000000}`)
	if a := w.as(ownerID, "GET", w.path(daily), nil); a.raw != `{"name":"dataFederation.bytesProcessed.daily","value":4000000000}` {
		t.Errorf("got %s", a.raw)
	}
	for i, want := range []int{204, 404} {
		if a := w.as(ownerID, "DELETE", w.path(daily), nil); a.status != want {
			t.Errorf("delete %d: %d", i, a.status)
		}
	}
	for range 2 {
		if a := w.as(ownerID, "DELETE", w.path("{prod}/limits/"+limitEntries), nil); a.status != 204 {
			t.Errorf("back to the default: %d", a.status)
		}
	}
	if a := w.as(ownerID, "POST", w.path("{prod}/accessList"), anEntry); a.status != 201 {
		t.Errorf("with the default: %d %s", a.status, a.raw)
	}
	if got := kinds(w.events("{prod}")); got != "NETWORK_PERMISSION_ENTRY_ADDED PROJECT_LIMIT_UPDATED DATA_FEDERATION_QUERY_LIMIT_DELETED DATA_FEDERATION_QUERY_LIMIT_CONFIGURED PROJECT_LIMIT_UPDATED" {
		t.Errorf("events %s", got)
	}
	if a := w.as(memberID, "PATCH", w.path(daily), `{"value":1}`); a.status != 401 {
		t.Errorf("a member: %d", a.status)
	}
}
