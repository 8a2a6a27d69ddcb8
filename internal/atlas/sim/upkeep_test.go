package sim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The life of a maintenance window, of encryption at rest and of what is always empty.
func TestUpkeep(t *testing.T) {
	w := startWorld(t, farm)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string // in the answer, or its code
	}{
		{"no window yet", "GET", "maintenanceWindow", ``, 200, `"autoDeferOnceEnabled":false`},
		{"a window", "PATCH", "maintenanceWindow", `{"dayOfWeek":3,"hourOfDay":4}`, 200, ``},
		{"again", "PATCH", "maintenanceWindow", `{"dayOfWeek":3,"hourOfDay":4}`, 200, ``},
		{"without a day", "PATCH", "maintenanceWindow", `{"hourOfDay":5,"protectedHours":{"startHourOfDay":9,"endHourOfDay":17}}`, 200, ``},
		{"start, of nothing", "PATCH", "maintenanceWindow", `{"startASAP":true}`, 200, ``},
		{"read back", "GET", "maintenanceWindow", ``, 200, `"dayOfWeek":3,"hourOfDay":5,"numberOfDeferrals":0,"protectedHours":{"endHourOfDay":17,"startHourOfDay":9}`},
		{"day 8", "PATCH", "maintenanceWindow", `{"dayOfWeek":8}`, 400, "VALIDATION_ERROR"},
		{"half of the hours", "PATCH", "maintenanceWindow", `{"protectedHours":{"startHourOfDay":9}}`, 400, "MISSING_ATTRIBUTE"},
		{"toggle", "POST", "maintenanceWindow/autoDefer", ``, 200, ``},
		{"toggled", "GET", "maintenanceWindow", ``, 200, `"autoDeferOnceEnabled":true`},
		{"toggle back", "POST", "maintenanceWindow/autoDefer", ``, 200, ``},
		{"defer", "POST", "maintenanceWindow/defer", ``, 501, "NOT_SIMULATED"}, // nothing is ever planned
		{"reset", "DELETE", "maintenanceWindow", ``, 204, ``},
		{"no window any more", "GET", "maintenanceWindow", ``, 200, `"dayOfWeek":1,"hourOfDay":0`},

		{"no keys yet", "GET", "encryptionAtRest", ``, 200, `{"awsKms":{"enabled":false},"azureKeyVault":{"enabled":false},"enabledForSearchNodes":false,"googleCloudKms":{"enabled":false}}`},
		{"a key", "PATCH", "encryptionAtRest", `{"awsKms":{"enabled":true,"region":"US_EAST_1","customerMasterKeyID":"k","roleId":"32b6e34b3d91647abb20e7b8","secretAccessKey":"fake"}}`, 200,
			`"awsKms":{"customerMasterKeyID":"k","enabled":true,"region":"US_EAST_1","roleId":"32b6e34b3d91647abb20e7b8","valid":true}`},
		{"another region", "PATCH", "encryptionAtRest", `{"awsKms":{"region":"EU_WEST_1"},"enabledForSearchNodes":true}`, 200, `"region":"EU_WEST_1"`},
		{"no region", "PATCH", "encryptionAtRest", `{"awsKms":{"region":"MOON"}}`, 400, "INVALID_ENUM_VALUE"},
		{"off", "PATCH", "encryptionAtRest", `{"awsKms":{"enabled":false}}`, 200, `{"awsKms":{"enabled":false},"azureKeyVault":{"enabled":false},"enabledForSearchNodes":true,`},

		{"search nodes", "GET", "clusters/main/search/deployment", ``, 200, `{}`},
		{"of nothing", "GET", "clusters/nope/search/deployment", ``, 404, "CLUSTER_NOT_FOUND"},
		{"zones", "GET", "clusters/main/globalWrites", ``, 200, `{"customZoneMapping":{},"managedNamespaces":[],"selfManagedSharding":false}`},
	} {
		a := w.as(ownerID, c.method, w.path("{prod}/"+c.path), c.body)
		if a.status != c.status || !strings.Contains(a.raw, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.status, a.raw, c.status, c.want)
		}
	}
	old := w.as(ownerID, "GET", w.path("{prod}/clusters/main/search/deployment"), nil, "Accept", "application/vnd.atlas.2024-05-30+json")
	if old.status != 400 || old.code() != "ATLAS_SEARCH_DEPLOYMENT_DOES_NOT_EXIST" {
		t.Errorf("older version: %d %s", old.status, old.raw)
	}
	want := "ATLAS_MAINTENANCE_WINDOW_ADDED ATLAS_MAINTENANCE_WINDOW_MODIFIED ATLAS_MAINTENANCE_AUTO_DEFER_ENABLED ATLAS_MAINTENANCE_AUTO_DEFER_DISABLED ATLAS_MAINTENANCE_WINDOW_REMOVED" +
		strings.Repeat(" ENCRYPTION_AT_REST_CONFIGURATION_UPDATED", 3)
	if got := strings.ReplaceAll(w.feedOf("{prod}"), "*", ""); got != want {
		t.Errorf("feed %s", got)
	}
	for _, e := range w.Effects() {
		if strings.Contains(e.Before+e.After, "fake") {
			t.Errorf("a secret in %+v", e)
		}
	}
}

// Upkeep is stated in a world and comes back from it; what the API refuses is refused.
func TestUpkeepInAWorld(t *testing.T) {
	const src = "orgs: [{name: o, projects: [{name: p, maintenanceWindow: {dayOfWeek: 2, hourOfDay: 3}, encryptionAtRest: {azureKeyVault: {enabled: true, keyVaultName: v}}}]}]"
	w := startWorld(t, src)
	a := w.do("GET", "/groups/"+w.ProjectID("p")+"/encryptionAtRest", nil)
	if !strings.Contains(a.raw, `"keyVaultName":"v","valid":true`) {
		t.Errorf("%s", a.raw)
	}
	first := w.Snapshot()
	again, err := New(Options{World: first})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Orgs[0].Projects[0].ProjectSettings, again.Snapshot().Orgs[0].Projects[0].ProjectSettings); diff != "" || len(first.Orgs[0].Projects[0].EncryptionAtRest) == 0 {
		t.Error(diff)
	}
	bad, err := ParseWorld("w", []byte(strings.Replace(src, "dayOfWeek: 2", "dayOfWeek: 9", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{World: bad}); err == nil || !strings.Contains(err.Error(), "dayOfWeek") {
		t.Errorf("day 9: %v", err)
	}
}
