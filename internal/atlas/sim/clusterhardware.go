package sim

// completeRegion fills in a region's hardware: a recorded answer has the nodes of all
// three kinds, and what they run on, also where there are none. What an M10 has of
// it is recorded (mongodb/terraform-provider-mongodbatlas,
// TestAccMockableAdvancedCluster_replicasetAdvConfigUpdate), for larger ones and for the
// other providers it is a guess.
func completeRegion(region object, size string) object {
	sent, _ := region["electableSpecs"].(object)
	if region["providerName"] == "TENANT" {
		specs := overlay(object{"instanceSize": "M0", "diskSizeGB": 0.5}, sent)
		return overlay(object{"priority": 7.0}, overlay(region, object{"electableSpecs": specs}))
	}
	if size == "M0" {
		size = "M10"
	}
	hardware := object{"instanceSize": size, "diskSizeGB": 10.0}
	if region["providerName"] == "AWS" {
		hardware = overlay(hardware, object{"diskIOPS": 3000.0, "ebsVolumeType": "STANDARD"})
	}
	electable := overlay(overlay(hardware, object{"nodeCount": 3.0}), sent)
	out := overlay(object{"priority": 7.0}, overlay(region, object{"electableSpecs": electable, "autoScaling": completeScaling(region["autoScaling"])}))
	for _, kind := range []string{"readOnlySpecs", "analyticsSpecs"} {
		sent, _ := region[kind].(object)
		out[kind] = overlay(overlay(electable, object{"nodeCount": 0.0}), sent)
	}
	return out
}

func completeScaling(sent any) object {
	scaling, _ := sent.(object)
	compute, _ := scaling["compute"].(object)
	disk, _ := scaling["diskGB"].(object)
	return object{
		"compute": overlay(object{"enabled": false, "scaleDownEnabled": false, predictive: false}, compute),
		"diskGB":  overlay(object{"enabled": true}, disk),
	}
}

// predictive is an attribute of automatic scaling that recorded answers have and the
// official document does not.
const predictive = "predictiveEnabled"

// withoutPredictive is a cluster's document as the official one knows it.
func withoutPredictive(doc object) (object, *problem) {
	out := deep(doc)
	for _, compute := range scalings(out) {
		if v, has := compute[predictive]; has {
			if _, isBool := v.(bool); !isBool && v != nil {
				return nil, wrongType("replicationSpecs.regionConfigs.autoScaling.compute." + predictive)
			}
			delete(compute, predictive)
		}
	}
	return out, nil
}

// scalings are the settings of automatic scaling of all regions.
func scalings(doc object) []object {
	var out []object
	for _, spec := range objects(doc["replicationSpecs"]) {
		for _, region := range objects(spec["regionConfigs"]) {
			for _, kind := range []string{"autoScaling", "analyticsAutoScaling"} {
				scaling, _ := region[kind].(object)
				if compute, ok := scaling["compute"].(object); ok {
					out = append(out, compute)
				}
			}
		}
	}
	return out
}
