package sim

import (
	"fmt"
	"strings"
)

// completeCluster fills in what Atlas fills in where a cluster's document is silent.
func completeCluster(doc object, size string) object {
	specs, _ := doc["replicationSpecs"].([]any)
	if len(specs) == 0 {
		specs = []any{object{}}
	}
	for i, s := range specs {
		spec, _ := s.(object)
		specs[i] = completeSpec(spec, size)
	}
	return overlay(object{
		"clusterType": "REPLICASET", "paused": false, "tags": []any{}, "labels": []any{},
		"backupEnabled": false, "pitEnabled": false, "terminationProtectionEnabled": false, "redactClientLogData": false,
		"globalClusterSelfManagedSharding": false, "configServerManagementMode": "ATLAS_MANAGED",
		"diskWarmingMode": "FULLY_WARMED", "encryptionAtRestProvider": "NONE", "mongoDBMajorVersion": "8.0",
		"replicaSetScalingStrategy": "WORKLOAD_TYPE", "rootCertType": "ISRGROOTX1", "versionReleaseSystem": "LTS",
		"biConnector":           object{"enabled": false, "readPreference": "SECONDARY"},
		"advancedConfiguration": object{"customOpensslCipherConfigTls12": []any{}, "minimumEnabledTlsProtocol": "TLS1_2", "tlsCipherConfigMode": "DEFAULT"},
	}, overlay(nonEmpty(doc), object{"replicationSpecs": specs}))
}

// nonEmpty leaves out what stands for nothing, so that a default takes its place.
func nonEmpty(doc object) object {
	out := overlay(nil, doc)
	for _, key := range []string{"clusterType", "mongoDBMajorVersion"} {
		if out[key] == "" {
			delete(out, key)
		}
	}
	return out
}

func completeSpec(spec object, size string) object {
	regions, _ := spec["regionConfigs"].([]any)
	if len(regions) == 0 {
		regions = []any{firstRegion(size)}
	}
	for i, r := range regions {
		region, _ := r.(object)
		regions[i] = completeRegion(region, size)
	}
	return overlay(object{"zoneName": "Zone 1"}, overlay(spec, object{"regionConfigs": regions}))
}

func firstRegion(size string) object {
	if size == "M0" {
		return object{"providerName": "TENANT", "backingProviderName": "AWS", "regionName": "EU_CENTRAL_1"}
	}
	return object{"providerName": "AWS", "regionName": "EU_CENTRAL_1"}
}

// instanceSize is that of the first region's electable nodes.
func instanceSize(doc object) string {
	for _, spec := range objects(doc["replicationSpecs"]) {
		for _, region := range objects(spec["regionConfigs"]) {
			specs, _ := region["electableSpecs"].(object)
			if size, ok := specs["instanceSize"].(string); ok {
				return size
			}
		}
	}
	return ""
}

// objects are the elements of a JSON array of objects.
func objects(v any) []object {
	var out []object
	list, _ := v.([]any)
	for _, e := range list {
		if o, ok := e.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// specViews are the replication specs with their ids; those of one zone share its id.
func (c *call) specViews(k *cluster) []any {
	out := []any{}
	for i, spec := range objects(k.Rest["replicationSpecs"]) {
		out = append(out, overlay(spec, object{
			"id": c.a.derive("replication spec", k.ID, fmt.Sprint(i))[:24], "zoneId": c.a.zoneID(k, spec["zoneName"]),
		}))
	}
	return out
}

func (a *Atlas) zoneID(k *cluster, name any) string {
	return a.derive("zone", k.ID, fmt.Sprint(name))[:24]
}

func lowerPreference(bi any) any {
	doc, _ := bi.(object)
	if s, ok := doc["readPreference"].(string); ok {
		return overlay(doc, object{"readPreference": strings.ToLower(s)})
	}
	return bi
}

// keepHardware puts back what the official document calls read-only and the real
// service lets its users write: analytics and read-only nodes, and the bounds of
// auto-scaling, with what the document does not know of it.
func keepHardware(doc, raw object) {
	specs, rawSpecs := objects(doc["replicationSpecs"]), objects(raw["replicationSpecs"])
	for i := range specs {
		regions, rawRegions := objects(specs[i]["regionConfigs"]), objects(rawSpecs[i]["regionConfigs"])
		for j, region := range regions {
			keep(region, rawRegions[j], "analyticsSpecs", "readOnlySpecs")
			for _, scaling := range []string{"autoScaling", "analyticsAutoScaling"} {
				to, _ := region[scaling].(object)
				from, _ := rawRegions[j][scaling].(object)
				compute, ok := to["compute"].(object)
				rawCompute, _ := from["compute"].(object)
				if ok {
					keep(compute, rawCompute, "minInstanceSize", "maxInstanceSize", predictive)
				}
			}
		}
	}
}

func keep(to, from object, keys ...string) {
	for _, key := range keys {
		if v := from[key]; v != nil {
			to[key] = v
		}
	}
}
