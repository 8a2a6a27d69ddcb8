package sim

import "maps"

// Older versions of the cluster document. Before 2024-08-05 a replication spec stands
// for numShards equal shards and the disk size is the cluster's; in 2023-01-01 the
// hardware is in providerSettings and regions are a map. Only what can be said of one
// provider is kept in that one.
const (
	sharded2023 = "2023-02-01"
	legacy2023  = "2023-01-01"
)

// newerCluster rewrites a document of an older version in place.
func newerCluster(version string, doc object) {
	switch version {
	case legacy2023:
		fromLegacy(doc)
	case sharded2023:
	default:
		return
	}
	disk := doc["diskSizeGB"]
	delete(doc, "diskSizeGB")
	if doc["replicationSpecs"] == nil {
		return
	}
	shards := []any{}
	for _, spec := range objects(doc["replicationSpecs"]) {
		n, _ := spec["numShards"].(float64)
		delete(spec, "numShards")
		for _, region := range objects(spec["regionConfigs"]) {
			if hardware, ok := region["electableSpecs"].(object); ok && disk != nil {
				hardware["diskSizeGB"] = disk
			}
		}
		for range max(int(n), 1) {
			shards = append(shards, deep(spec))
		}
	}
	doc["replicationSpecs"] = shards
}

// fromLegacy gathers the regions of the legacy document, with the hardware that is the
// same in all of them.
func fromLegacy(doc object) {
	settings, has := doc["providerSettings"].(object)
	if !has {
		return
	}
	shards := doc["numShards"]
	if backup, has := doc["providerBackupEnabled"]; has {
		doc["backupEnabled"] = backup
	}
	specs := objects(doc["replicationSpecs"])
	if len(specs) == 0 {
		name, _ := settings["regionName"].(string)
		specs = []object{{"numShards": shards, "regionsConfig": object{name: object{"priority": 7.0}}}}
	}
	out := []any{}
	for _, spec := range specs {
		regions := []any{}
		byName, _ := spec["regionsConfig"].(object)
		for name, r := range byName {
			region, _ := r.(object)
			regions = append(regions, legacyRegion(settings, name, region))
		}
		one := object{"numShards": spec["numShards"], "regionConfigs": regions}
		if zone, has := spec["zoneName"]; has {
			one["zoneName"] = zone
		}
		out = append(out, one)
	}
	doc["replicationSpecs"] = out
	for _, key := range []string{"providerSettings", "numShards", "replicationSpec", "replicationFactor", "providerBackupEnabled", "autoScaling"} {
		delete(doc, key)
	}
}

func legacyRegion(settings object, name string, region object) object {
	hardware := object{"instanceSize": settings["instanceSizeName"]}
	if n, has := region["electableNodes"]; has {
		hardware["nodeCount"] = n
	}
	out := object{"providerName": settings["providerName"], "regionName": name, "electableSpecs": hardware}
	for _, key := range []string{"priority"} {
		if v, has := region[key]; has {
			out[key] = v
		}
	}
	if v, has := settings["backingProviderName"]; has {
		out["backingProviderName"] = v
	}
	return out
}

// olderCluster is the view in the version that the call asked for.
func (c *call) olderCluster(view object) object {
	if c.version != legacy2023 && c.version != sharded2023 {
		return view
	}
	out := maps.Clone(view)
	specs, disk := groupShards(objects(recast[any](view["replicationSpecs"])))
	out["replicationSpecs"] = specs
	if disk != nil {
		out["diskSizeGB"] = disk
	}
	if c.version == legacy2023 {
		toLegacy(out, specs)
	}
	return out
}

// groupShards makes one spec of the shards of a zone.
func groupShards(shards []object) (specs []object, disk any) {
	byZone := map[any]object{}
	for _, s := range shards {
		if spec := byZone[s["zoneId"]]; spec != nil {
			spec["numShards"] = spec["numShards"].(int) + 1
			continue
		}
		byZone[s["zoneId"]] = s
		s["numShards"] = 1
		for _, region := range objects(s["regionConfigs"]) {
			for _, kind := range []string{"electableSpecs", "readOnlySpecs", "analyticsSpecs"} {
				if hardware, ok := region[kind].(object); ok {
					disk = hardware["diskSizeGB"]
					delete(hardware, "diskSizeGB")
				}
			}
		}
		specs = append(specs, s)
	}
	return specs, disk
}

func toLegacy(out object, specs []object) {
	legacy := []object{}
	for _, s := range specs {
		regions := object{}
		for _, region := range objects(s["regionConfigs"]) {
			hardware, _ := region["electableSpecs"].(object)
			if out["providerSettings"] == nil {
				out["providerSettings"] = overlay(object{
					"providerName": region["providerName"], "instanceSizeName": hardware["instanceSize"], "regionName": region["regionName"],
				}, object{"backingProviderName": region["backingProviderName"]})
			}
			name, _ := region["regionName"].(string)
			regions[name] = object{"electableNodes": orZero(hardware["nodeCount"]), "priority": region["priority"], "readOnlyNodes": 0, "analyticsNodes": 0}
		}
		legacy = append(legacy, object{"id": s["id"], "numShards": s["numShards"], "zoneName": s["zoneName"], "regionsConfig": regions})
	}
	strings, _ := out["connectionStrings"].(object)
	out["replicationSpecs"], out["numShards"] = legacy, specs[0]["numShards"]
	out["providerBackupEnabled"] = out["backupEnabled"]
	out["mongoURI"], out["srvAddress"] = strings["standard"], strings["standardSrv"]
}

func orZero(v any) any {
	if v == nil {
		return 0
	}
	return v
}
