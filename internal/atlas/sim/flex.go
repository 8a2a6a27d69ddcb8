package sim

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// flexCluster keeps the provider's settings and the switches in its Rest.
type flexCluster struct {
	FlexCluster
	created time.Time
	readyAt time.Time // while CREATING or UPDATING
	goneAt  time.Time // while DELETING
}

func (f FlexCluster) check() *problem { return checkWritten("createGroupFlexCluster", f.Rest) }

// newFlexCluster makes the live flex cluster of a world's. One that is on its way is so
// from now on.
func (a *Atlas) newFlexCluster(p *project, w FlexCluster) *flexCluster {
	w.Rest, _ = writable("createGroupFlexCluster", w.Rest) // a world's has been checked
	f := &flexCluster{FlexCluster: w, created: p.created}
	if w.CreateDate != nil {
		f.created = w.CreateDate.UTC().Truncate(time.Second)
	}
	f.ID = orDefault(f.ID, a.derive("flex", p.id, f.Name)[:24])
	f.StateName = orDefault(f.StateName, "IDLE")
	f.Tags = orEmpty(f.Tags)
	f.Rest = completeFlex(f.Rest)
	if f.StateName != "IDLE" {
		f.readyAt = a.now().Add(updateTakes)
		f.goneAt = f.readyAt
		a.wake(p, f.readyAt)
	}
	return f
}

func completeFlex(rest object) object {
	out := overlay(object{"terminationProtectionEnabled": false}, rest)
	provider, _ := out["providerSettings"].(object)
	out["providerSettings"] = overlay(object{"backingProviderName": "AWS", "regionName": "EU_CENTRAL_1"}, provider)
	return out
}

func (f *flexCluster) world() FlexCluster {
	out, created := f.FlexCluster, f.created
	out.CreateDate, out.Tags, out.Rest = &created, slices.Clone(f.Tags), deep(f.Rest)
	return out
}

func (f *flexCluster) state() string {
	return text(overlay(f.Rest, object{"name": f.Name, "tags": f.Tags, "stateName": f.StateName}))
}

func (p *project) flexCluster(name string) *flexCluster {
	for _, f := range p.flex {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// moveFlex brings flex clusters to the state that their time has come for, with the
// events of other clusters (a guess).
func (a *Atlas) moveFlex(p *project, now time.Time) {
	p.flex = slices.DeleteFunc(p.flex, func(f *flexCluster) bool {
		switch {
		case f.StateName == "DELETING" && !f.goneAt.After(now):
			a.clusterEvent(p, f.goneAt, "CLUSTER_DELETED", f.Name)
			return true
		case f.StateName == "CREATING" && !f.readyAt.After(now):
			a.clusterEvent(p, f.readyAt, "CLUSTER_READY", f.Name)
		case f.StateName == "UPDATING" && !f.readyAt.After(now):
			a.clusterEvent(p, f.readyAt, "CLUSTER_UPDATE_COMPLETED", f.Name)
		default:
			return false
		}
		f.StateName = "IDLE"
		return false
	})
}

func (c *call) flexView(f *flexCluster) any {
	host := f.Name + "." + f.ID[:6] + ".mongodb.net"
	provider, _ := f.Rest["providerSettings"].(object)
	return overlay(f.Rest, object{
		"id": f.ID, "name": f.Name, "groupId": c.project.id, "stateName": f.StateName, "clusterType": "REPLICASET",
		"tags": f.Tags, "mongoDBVersion": "8.0.12", "versionReleaseSystem": "CONTINUOUS",
		"createDate":        f.created.Format(time.RFC3339),
		"backupSettings":    object{"enabled": true},
		"providerSettings":  overlay(provider, object{"providerName": "FLEX", "diskSizeGB": 5.0}),
		"connectionStrings": object{"standard": "mongodb://" + host + ":27017/?ssl=true", "standardSrv": "mongodb+srv://" + host},
		"links":             c.self("/groups/" + c.project.id + "/flexClusters/" + f.Name),
	})
}

func (c *call) listFlexClusters() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.flex, c.flexView)
}

func (c *call) findFlex(name string) (*flexCluster, *problem) {
	if f := c.project.flexCluster(name); f != nil {
		return f, nil
	}
	if c.project.cluster(name) != nil { // code as in mongodb's Kubernetes operator, which asks both APIs for a name
		return nil, bad("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "Cluster %s is not a flex cluster and cannot be used in the Flex API.", name)
	}
	return nil, missing("CLUSTER_NOT_FOUND", "No cluster named %s exists in group %s.", name, c.project.id)
}

func (c *call) getFlexCluster() (answer, *problem) {
	f, bad := c.findFlex(c.params["name"])
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.flexView(f))
}

func (c *call) createFlexCluster() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	name, _ := doc["name"].(string)
	if bad := c.mayAddCluster(name); bad != nil {
		return answer{}, bad
	}
	tags := orEmpty(recast[[]Tag](doc["tags"]))
	if bad := checkTags(tags); bad != nil {
		return answer{}, bad
	}
	delete(doc, "name")
	delete(doc, "tags")
	f := &flexCluster{
		FlexCluster: FlexCluster{ID: c.a.nextID("flex"), Name: name, StateName: "CREATING", Tags: tags, Rest: completeFlex(doc)},
		created:     c.at.Truncate(time.Second), readyAt: c.at.Add(createTakes),
	}
	c.a.wake(c.project, f.readyAt)
	c.project.flex = append(c.project.flex, f)
	c.effect("flex cluster "+name, "", f.state())
	c.projectEvent("CLUSTER_CREATED", object{"clusterName": name})
	return answer{status: http.StatusCreated, body: c.flexView(f)}, nil
}

func (c *call) updateFlexCluster() (answer, *problem) {
	f, bad := c.findFlex(c.params["name"])
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	tags := f.Tags
	if sent, has := doc["tags"]; has && sent != nil {
		tags = orEmpty(recast[[]Tag](sent))
		if bad := checkTags(tags); bad != nil {
			return answer{}, bad
		}
	}
	delete(doc, "tags")
	before, rest := f.state(), completeFlex(overlay(f.Rest, doc))
	changed := text(rest) != text(f.Rest)
	retagged := !slices.Equal(tags, f.Tags)
	f.Tags, f.Rest = tags, rest
	if retagged {
		c.projectEvent("CLUSTER_TAGS_MODIFIED", object{"resourceId": f.ID, "resourceType": "cluster", "clusterName": f.Name})
	}
	if changed {
		if f.StateName == "IDLE" {
			f.StateName, f.readyAt = "UPDATING", c.at.Add(updateTakes)
			c.a.wake(c.project, f.readyAt)
		}
		c.projectEvent("CLUSTER_UPDATE_SUBMITTED", object{"clusterName": f.Name})
	}
	c.effect("flex cluster "+f.Name, before, f.state())
	return ok(c.flexView(f))
}

func (c *call) deleteFlexCluster() (answer, *problem) {
	f, bad := c.findFlex(c.params["name"])
	if bad != nil {
		return answer{}, bad
	}
	if f.Rest["terminationProtectionEnabled"] == true {
		return answer{}, terminationProtected(f.Name)
	}
	if f.StateName != "DELETING" {
		before := f.state()
		f.StateName, f.goneAt = "DELETING", c.at.Add(deleteTakes)
		c.a.wake(c.project, f.goneAt)
		c.effect("flex cluster "+f.Name, before, f.state())
		c.projectEvent("CLUSTER_DELETE_SUBMITTED", object{"clusterName": f.Name})
	}
	return empty(http.StatusNoContent)
}

// upgradeFlexCluster makes a dedicated cluster of a flex cluster. It keeps its id and
// its tags (a guess) and is at once among the clusters, still updating.
func (c *call) upgradeFlexCluster() (answer, *problem) {
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	name, _ := doc["name"].(string)
	f, bad := c.findFlex(name)
	if bad != nil {
		return answer{}, bad
	}
	k := &cluster{
		Cluster: Cluster{ID: f.ID, InstanceSize: "M10", StateName: "UPDATING"},
		created: f.created, readyAt: c.at.Add(updateTakes),
	}
	k.put(overlay(object{"tags": recast[[]any](f.Tags)}, doc))
	c.project.flex = slices.DeleteFunc(c.project.flex, func(x *flexCluster) bool { return x == f })
	c.project.clusters = append(c.project.clusters, k)
	c.a.wake(c.project, k.readyAt)
	c.effect("flex cluster "+name, f.state(), "")
	c.effect("cluster "+name, "", k.state())
	c.projectEvent("FLEX_UPGRADE_STARTED", object{"clusterName": name})
	f.StateName = "UPDATING"
	return ok(c.flexView(f))
}
