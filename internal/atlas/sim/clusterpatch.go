package sim

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// clusterBody reads a cluster document of any version as one of the newest.
func (c *call) clusterBody() (object, *problem) {
	var raw object
	if json.Unmarshal(c.body, &raw) == nil && raw != nil { // what cannot be read is answered below
		newerCluster(c.version, raw)
		if bi, ok := raw["biConnector"].(object); ok {
			if s, ok := bi["readPreference"].(string); ok {
				bi["readPreference"] = strings.ToUpper(s) // the real service reads and writes lower case
			}
		}
		known, bad := withoutPredictive(raw)
		if bad != nil {
			return nil, bad
		}
		c.body = []byte(text(known))
	}
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return nil, bad
	}
	keepHardware(doc, raw)
	return doc, checkGrantAt(doc, c.at)
}

// updateCluster lays the document over what there is; lists are replaced.
func (c *call) updateCluster() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.clusterBody()
	if bad != nil {
		return answer{}, bad
	}
	next := *k
	next.put(overlay(k.document(), doc))
	changed := changedKeys(k.document(), next.document())
	if bad := c.mayChangeCluster(k, &next, changed); bad != nil {
		return answer{}, bad
	}
	before := k.state()
	grantBefore := text(k.Rest[employeeGrant])
	k.put(next.document())
	c.startUpdate(k, changed)
	c.effect("cluster "+k.Name, before, k.state())
	c.grantEvents(k, grantBefore)
	return ok(c.clusterView(k))
}

func (c *call) mayChangeCluster(k, next *cluster, changed []string) *problem {
	pauses := slices.Contains(changed, "paused")
	switch {
	case k.StateName == "DELETING" && len(changed) > 0: // status is a guess
		return bad("CLUSTER_ALREADY_REQUESTED_DELETION", "The cluster %s is already being deleted.", k.Name)
	case next.Name != k.Name: // code is a guess
		return bad("ATTRIBUTE_READ_ONLY", "The attribute %s cannot be changed.", "name")
	case k.Paused && len(changed) > 0 && !(pauses && len(changed) == 1):
		// Tags too, in the API: mongodb-atlas-cli's issue 4310.
		return conflict("CANNOT_UPDATE_PAUSED_CLUSTER", "Cannot update cluster %s while it is paused or being paused.", k.Name)
	case pauses && len(changed) > 1:
		return conflict("CANNOT_UPDATE_AND_PAUSE_CLUSTER", "Cannot update and pause cluster %s at the same time.", k.Name)
	case pauses && k.InstanceSize == "M0": // code is a guess
		return bad("CANNOT_PAUSE_TENANT_CLUSTER", "The free cluster %s cannot be paused.", k.Name)
	}
	if c.who != nil && slices.Contains(changed, "terminationProtectionEnabled") {
		if bad := c.who.mayInProject([]string{"Project Owner"}, c.project); bad != nil {
			return bad
		}
	}
	return checkTags(next.Tags)
}

// startUpdate has the cluster busy for a while where more than tags and access changed
// (that those need no work is a guess), and writes the events.
func (c *call) startUpdate(k *cluster, changed []string) {
	if slices.Contains(changed, "tags") {
		c.projectEvent("CLUSTER_TAGS_MODIFIED", object{"resourceId": k.ID, "resourceType": "cluster", "clusterName": k.Name})
	}
	work := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { return key == "tags" || key == employeeGrant })
	if len(work) > 0 {
		c.submitUpdate(k, "CLUSTER_UPDATE_SUBMITTED")
	}
}

func (c *call) submitUpdate(k *cluster, kind string) {
	if k.StateName != "CREATING" {
		k.StateName = "UPDATING"
		k.readyAt = c.at.Add(updateTakes)
		c.a.wake(c.project, k.readyAt)
	}
	c.projectEvent(kind, object{"clusterName": k.Name})
}

// tlsArgs are the process arguments that a cluster's advancedConfiguration holds too.
func tlsArgs() []string {
	return []string{"customOpensslCipherConfigTls12", "customOpensslCipherConfigTls13", "minimumEnabledTlsProtocol", "tlsCipherConfigMode"}
}

func (k *cluster) processArgs() object {
	out := overlay(object{
		"changeStreamOptionsPreAndPostImagesExpireAfterSeconds": -1, "javascriptEnabled": true, "noTableScan": false,
		"defaultWriteConcern": "majority", "sampleRefreshIntervalBIConnector": 0, "sampleSizeBIConnector": 1000,
		"transactionLifetimeLimitSeconds": 60, "queryStatsLogVerbosity": 1,
	}, k.ProcessArgs)
	advanced, _ := k.Rest["advancedConfiguration"].(object)
	for _, key := range tlsArgs() {
		if v, has := advanced[key]; has {
			out[key] = v
		}
	}
	return out
}

func (c *call) getProcessArgs() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	return ok(k.processArgs())
}

func (c *call) updateProcessArgs() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	if k.Paused {
		return answer{}, conflict("CANNOT_UPDATE_PAUSED_CLUSTER", "Cannot update cluster %s while it is paused or being paused.", k.Name)
	}
	before := k.processArgs()
	advanced, _ := k.Rest["advancedConfiguration"].(object)
	for _, key := range tlsArgs() {
		if v, has := doc[key]; has {
			advanced = overlay(advanced, object{key: v})
			delete(doc, key)
		}
	}
	k.Rest["advancedConfiguration"] = advanced
	k.ProcessArgs = overlay(k.ProcessArgs, doc)
	after := k.processArgs()
	if len(changedKeys(before, after)) > 0 {
		c.submitUpdate(k, "CLUSTER_PROCESS_ARGS_UPDATE_SUBMITTED")
		c.effect("process arguments "+k.Name, text(before), text(after))
	}
	return ok(after)
}
