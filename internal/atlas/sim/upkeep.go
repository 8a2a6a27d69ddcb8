package sim

import (
	"fmt"
	"net/http"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// What stock clients read of every project that they manage, whether it is set or not:
// its maintenance window and its own keys for encryption at rest; and of every cluster,
// its search nodes and its zones.

func upkeepRoutes() []route {
	return []route{
		{op: "getGroupMaintenanceWindow", set: "maintenanceWindow_group", handle: (*call).getMaintenance},
		{op: "updateGroupMaintenanceWindow", set: "maintenanceWindow_group", handle: (*call).updateMaintenance},
		{op: "resetGroupMaintenanceWindow", set: "maintenanceWindow_group", handle: (*call).resetMaintenance},
		{op: "toggleGroupMaintenanceWindowAutoDefer", set: "maintenanceWindow_group", handle: (*call).toggleAutoDefer},
		{op: "getGroupEncryptionAtRest", set: "encryptionAtRest_group", handle: (*call).getEncryption},
		{op: "updateGroupEncryptionAtRest", set: "encryptionAtRest_group", handle: (*call).updateEncryption},
		{op: "getGroupClusterSearchDeployment", older: "2023-01-01 2024-05-30", set: "clusters_group", handle: (*call).searchDeployment},
		{op: "getGroupClusterGlobalWrites", older: "2023-01-01 2023-02-01", set: "clusters_group", handle: (*call).globalWrites},
	}
}

// maintenanceView of a project without a window is Sunday at midnight (a guess).
func (p *project) maintenanceView() object {
	out := object{
		"dayOfWeek": 1, "hourOfDay": 0, "autoDeferOnceEnabled": false, "startASAP": false,
		"numberOfDeferrals": 0, "timeZoneId": "Etc/UTC",
	}
	return overlay(out, p.maintenance)
}

func (c *call) getMaintenance() (answer, *problem) { return ok(c.project.maintenanceView()) }

// updateMaintenance changes what is sent. startASAP starts what is planned, and nothing
// is ever planned here.
func (c *call) updateMaintenance() (answer, *problem) {
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	delete(doc, "startASAP")
	if bad := checkProtectedHours(doc); bad != nil {
		return answer{}, bad
	}
	kind := "ATLAS_MAINTENANCE_WINDOW_MODIFIED"
	if c.project.maintenance == nil {
		kind = "ATLAS_MAINTENANCE_WINDOW_ADDED"
	}
	c.setMaintenance(overlay(c.project.maintenance, doc), kind)
	return answer{status: http.StatusOK}, nil
}

func checkProtectedHours(doc object) *problem {
	hours, _ := doc["protectedHours"].(object)
	if hours == nil {
		return nil
	}
	for _, name := range []string{"startHourOfDay", "endHourOfDay"} {
		if hours[name] == nil {
			return missingAttribute("protectedHours." + name)
		}
	}
	return nil
}

func (c *call) setMaintenance(next object, kind string) {
	before, after := documentState(c.project.maintenance), documentState(next)
	if before == after {
		return
	}
	c.project.maintenance = next
	c.effect("maintenance window", before, after)
	c.projectEvent(kind, nil)
}

// documentState is "" for a document that is not there.
func documentState(doc object) string {
	if len(doc) == 0 {
		return ""
	}
	return text(doc)
}

func (c *call) resetMaintenance() (answer, *problem) {
	c.setMaintenance(nil, "ATLAS_MAINTENANCE_WINDOW_REMOVED")
	return empty(http.StatusNoContent)
}

func (c *call) toggleAutoDefer() (answer, *problem) {
	on, _ := c.project.maintenance["autoDeferOnceEnabled"].(bool)
	kind := map[bool]string{false: "ATLAS_MAINTENANCE_AUTO_DEFER_ENABLED", true: "ATLAS_MAINTENANCE_AUTO_DEFER_DISABLED"}[on]
	c.setMaintenance(overlay(c.project.maintenance, object{"autoDeferOnceEnabled": !on}), kind)
	return empty(http.StatusOK)
}

// keyProviders are the attributes of the document on encryption at rest that hold a
// provider's key, with what of them is taken and never shown.
func keyProviders() map[string][]string {
	return map[string][]string{
		"awsKms": {"secretAccessKey"}, "azureKeyVault": {"secret"}, "googleCloudKms": {"serviceAccountKey"},
	}
}

func (p *project) encryptionView() object {
	out := object{"enabledForSearchNodes": false}
	for name := range keyProviders() {
		out[name] = object{"enabled": false}
	}
	for name, v := range p.encryption {
		if key, isKey := v.(object); isKey && key["enabled"] == true {
			v = overlay(key, object{"valid": true})
		}
		out[name] = v
	}
	return out
}

func (c *call) getEncryption() (answer, *problem) { return ok(c.project.encryptionView()) }

// updateEncryption changes what is sent of a provider's key; one that is switched off is
// forgotten (a guess). What awsKms has as roleId is shown, though the document has it as
// write-only: Terraform's provider and the Kubernetes operator compare it.
func (c *call) updateEncryption() (answer, *problem) {
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	p := c.project
	next := overlay(p.encryption, nil)
	for name, v := range doc {
		key, isKey := v.(object)
		if !isKey {
			next[name] = v
			continue
		}
		before, _ := next[name].(object)
		key = overlay(before, key)
		for _, secret := range keyProviders()[name] {
			delete(key, secret)
		}
		if next[name] = key; key["enabled"] != true {
			delete(next, name)
		}
	}
	if before, after := documentState(p.encryption), documentState(next); before != after {
		p.encryption = next
		c.effect("encryption at rest", before, after)
		c.projectEvent("ENCRYPTION_AT_REST_CONFIGURATION_UPDATED", nil)
	}
	return ok(p.encryptionView())
}

// searchDeployment is empty: search nodes are not simulated. Before 2025-03-12 that was
// an error.
func (c *call) searchDeployment() (answer, *problem) {
	k, wrong := c.findCluster()
	if wrong != nil {
		return answer{}, wrong
	}
	if c.version != "" && c.version < "2025-03-12" {
		return answer{}, bad("ATLAS_SEARCH_DEPLOYMENT_DOES_NOT_EXIST", "Cluster %s has no search deployment.", k.Name)
	}
	return ok(object{})
}

// globalWrites is empty: zones and managed namespaces are not simulated.
func (c *call) globalWrites() (answer, *problem) {
	if _, bad := c.findCluster(); bad != nil {
		return answer{}, bad
	}
	return ok(object{"customZoneMapping": object{}, "managedNamespaces": []any{}, "selfManagedSharding": false})
}

// checkUpkeep says what in a world the API would not have taken.
func checkUpkeep(w ProjectSettings) error {
	facts := apispec.Load()
	for _, part := range []struct {
		op  string
		doc object
	}{{"updateGroupMaintenanceWindow", w.MaintenanceWindow}, {"updateGroupEncryptionAtRest", w.EncryptionAtRest}} {
		op := facts.Operation(part.op)
		if _, bad := checkDocument(op.Body(op.Newest()), deep(any(map[string]any(part.doc))), []apispec.Rule{apispec.Missing}); len(part.doc) > 0 && bad != nil {
			return fmt.Errorf("%s: %s", part.op, bad.detail)
		}
	}
	return nil
}
