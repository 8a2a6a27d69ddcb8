package sim

import (
	"net/http"
	"slices"
	"time"
)

// How long a cluster takes to come, to change and to go (guesses).
const (
	createTakes = 2 * time.Minute
	updateTakes = 2 * time.Minute
	deleteTakes = time.Minute
)

// cluster keeps what was written: the typed attributes in Cluster, the others in its
// Rest.
type cluster struct {
	Cluster
	created time.Time
	readyAt time.Time // while CREATING or UPDATING
	goneAt  time.Time // while DELETING
	retain  bool      // its backups outlive it
}

// newCluster makes the live cluster of a world's. One that is on its way is so from now
// on.
func (a *Atlas) newCluster(p *project, c Cluster) *cluster {
	raw, _ := plainJSON(c.Rest) // a world's has been checked
	known, _ := withoutPredictive(raw)
	rest, _ := writable("createGroupCluster", known)
	keepHardware(rest, raw)
	c.Rest, c.ProcessArgs = rest, deep(c.ProcessArgs)
	if args, err := plainJSON(c.ProcessArgs); err == nil {
		c.ProcessArgs = args
	}
	k := &cluster{Cluster: c, created: p.created}
	if c.CreateDate != nil {
		k.created = c.CreateDate.UTC().Truncate(time.Second)
	}
	k.ID = orDefault(k.ID, a.derive("cluster", p.id, k.Name)[:24])
	k.InstanceSize = orDefault(orDefault(instanceSize(rest), k.InstanceSize), "M10")
	k.StateName = orDefault(k.StateName, "IDLE")
	if _, set := rest["backupEnabled"]; !set {
		k.Rest = overlay(k.Rest, object{"backupEnabled": k.InstanceSize != "M0"})
	}
	k.put(k.document())
	now := a.now()
	switch k.StateName {
	case "CREATING", "UPDATING":
		k.readyAt = now.Add(updateTakes)
		a.wake(p, k.readyAt)
	case "DELETING":
		k.goneAt = now.Add(deleteTakes)
		a.wake(p, k.goneAt)
	}
	if grant, ok := k.grantEnds(); ok {
		a.wake(p, grant)
	}
	return k
}

// check judges what the types of a world's cluster cannot.
func (c Cluster) check() *problem {
	if wrong := checkWritten("updateGroupClusterProcessArgs", c.ProcessArgs); wrong != nil {
		return wrong
	}
	written := overlay(c.Rest, nil)
	if c.ClusterType != "" {
		written["clusterType"] = c.ClusterType
	}
	plain, err := plainJSON(written)
	if err != nil {
		return bad("MALFORMED_JSON", "The attributes cannot be written as JSON.")
	}
	known, wrong := withoutPredictive(plain)
	if wrong != nil {
		return wrong
	}
	doc, wrong := writable("createGroupCluster", known)
	if wrong != nil {
		return wrong
	}
	return checkGrant(doc)
}

func (k *cluster) world() Cluster {
	out := k.Cluster
	created := k.created
	out.CreateDate, out.Tags = &created, slices.Clone(k.Tags)
	out.ProcessArgs, out.Rest = deep(k.ProcessArgs), deep(k.Rest)
	return out
}

// document is the writable document.
func (k *cluster) document() object {
	return overlay(k.Rest, object{
		"name": k.Name, "clusterType": k.ClusterType, "paused": k.Paused, "tags": recast[[]any](orEmpty(k.Tags)),
	})
}

// put takes over a writable document, with the defaults of what is not in it.
func (k *cluster) put(doc object) {
	doc = completeCluster(deep(doc), k.InstanceSize)
	k.Name, _ = doc["name"].(string)
	k.ClusterType, _ = doc["clusterType"].(string)
	k.Paused, _ = doc["paused"].(bool)
	k.Tags = recast[[]Tag](doc["tags"])
	for _, typed := range []string{"name", "clusterType", "paused", "tags"} {
		delete(doc, typed)
	}
	k.Rest = doc
	k.InstanceSize = instanceSize(doc)
}

// state is what an effect shows: what was written, and where the cluster is.
func (k *cluster) state() string {
	return text(overlay(k.document(), object{"stateName": k.StateName}))
}

// moveClusters brings clusters to the state that their time has come for.
func (a *Atlas) moveClusters(p *project, now time.Time) {
	p.clusters = slices.DeleteFunc(p.clusters, func(k *cluster) bool {
		a.endGrant(p, k, now)
		if k.readyAt.After(now) || k.StateName == "DELETING" && k.goneAt.After(now) {
			return false
		}
		switch k.StateName {
		case "CREATING":
			a.clusterEvent(p, k.readyAt, "CLUSTER_READY", k.Name)
		case "UPDATING":
			a.clusterEvent(p, k.readyAt, "CLUSTER_UPDATE_COMPLETED", k.Name)
		case "DELETING":
			a.clusterEvent(p, k.goneAt, "CLUSTER_DELETED", k.Name)
			a.clusterGone(p, k)
			return true
		default:
			return false
		}
		k.StateName = "IDLE"
		return false
	})
}

// clusterEvent is an event of Atlas itself about a cluster.
func (a *Atlas) clusterEvent(p *project, at time.Time, kind, name string) {
	a.record(&p.feed, at, Actor{}, kind, object{"groupId": p.id}, object{"clusterName": name})
}

// clusterGone keeps a cluster whose backups are retained, and drops the backups of
// another.
func (a *Atlas) clusterGone(p *project, k *cluster) {
	if k.retain && p.hasSnapshots(k.Name) {
		p.retained = append(p.retained, k)
		return
	}
	p.dropBackups(k.Name)
}

func (c *call) clusterView(k *cluster) any {
	host := k.Name + "." + k.ID[:6] + ".mongodb.net"
	out := k.document()
	out["biConnector"] = lowerPreference(out["biConnector"])
	out["replicationSpecs"] = c.specViews(k)
	for key, v := range (object{
		"id": k.ID, "groupId": c.project.id, "stateName": k.StateName, "createDate": k.created.Format(time.RFC3339),
		"mongoDBVersion": "8.0.12", "featureCompatibilityVersion": "8.0",
		"connectionStrings": object{"standard": "mongodb://" + host + ":27017/?ssl=true", "standardSrv": "mongodb+srv://" + host},
		"links":             c.self("/groups/" + c.project.id + "/clusters/" + k.Name),
	}) {
		out[key] = v
	}
	return c.olderCluster(out)
}

func (c *call) listClusters() (answer, *problem) {
	deleted, bad := c.boolQuery("includeDeletedWithRetainedBackups", false)
	if bad != nil {
		return answer{}, bad
	}
	all := c.project.clusters
	if deleted {
		all = slices.Concat(all, c.project.retained)
	}
	return paged(c, http.StatusOK, all, c.clusterView)
}

func (p *project) cluster(name string) *cluster {
	for _, k := range p.clusters {
		if k.Name == name {
			return k
		}
	}
	return nil
}

func (c *call) findCluster() (*cluster, *problem) {
	name := c.params["clusterName"]
	k := c.project.cluster(name)
	switch {
	case k != nil:
		return k, nil
	case c.project.flexCluster(name) != nil: // code and status as in the error logs of mongodb/terraform-provider-mongodbatlas
		return nil, bad("CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", "Flex cluster %s cannot be used in the Cluster API.", name)
	}
	return nil, missing("CLUSTER_NOT_FOUND", "No cluster named %s exists in group %s.", name, c.project.id)
}

func (c *call) getCluster() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.clusterView(k))
}

// clusterStatus answers for flex clusters too, unlike the rest of the clusters API (the
// Kubernetes operator asks it of every deployment).
func (c *call) clusterStatus() (answer, *problem) {
	state := ""
	if f := c.project.flexCluster(c.params["clusterName"]); f != nil {
		state = f.StateName
	} else {
		k, bad := c.findCluster()
		if bad != nil {
			return answer{}, bad
		}
		state = k.StateName
	}
	if state == "IDLE" {
		return ok(object{"changeStatus": "APPLIED"})
	}
	return ok(object{"changeStatus": "PENDING"})
}

// createCluster is more patient than the real service: what is missing gets defaults.
func (c *call) createCluster() (answer, *problem) {
	doc, bad := c.clusterBody()
	if bad != nil {
		return answer{}, bad
	}
	name, _ := doc["name"].(string)
	if bad := c.mayAddCluster(name); bad != nil {
		return answer{}, bad
	}
	if bad := checkTags(recast[[]Tag](doc["tags"])); bad != nil {
		return answer{}, bad
	}
	k := &cluster{
		Cluster: Cluster{ID: c.a.nextID("cluster"), InstanceSize: "M10", StateName: "CREATING"},
		created: c.at.Truncate(time.Second), readyAt: c.at.Add(createTakes),
	}
	k.put(doc)
	c.a.wake(c.project, k.readyAt)
	c.project.clusters = append(c.project.clusters, k)
	c.effect("cluster "+k.Name, "", k.state())
	c.projectEvent("CLUSTER_CREATED", object{"clusterName": k.Name})
	return answer{status: http.StatusCreated, body: c.clusterView(k)}, nil
}

func (c *call) deleteCluster() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	retain, bad := c.boolQuery("retainBackups", k.Rest["retainBackups"] == true)
	switch {
	case bad != nil:
		return answer{}, bad
	case k.Rest["terminationProtectionEnabled"] == true:
		return answer{}, terminationProtected(k.Name)
	case k.StateName == "DELETING":
		return answer{status: http.StatusAccepted, body: object{}}, nil
	}
	before := k.state()
	k.StateName, k.goneAt, k.readyAt = "DELETING", c.at.Add(deleteTakes), time.Time{}
	k.retain = retain || c.project.protectsBackups()
	c.a.wake(c.project, k.goneAt)
	c.effect("cluster "+k.Name, before, k.state())
	c.projectEvent("CLUSTER_DELETE_SUBMITTED", object{"clusterName": k.Name})
	return answer{status: http.StatusAccepted, body: object{}}, nil
}

// terminationProtected is the refusal of a deletion; its status is a guess.
func terminationProtected(name string) *problem {
	return bad("CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED", "The cluster %s cannot be terminated while termination protection is enabled.", name)
}

// allClusters groups the clusters of all visible projects.
func (c *call) allClusters() (answer, *problem) {
	return paged(c, http.StatusOK, c.allProjects(), func(p *project) any {
		rows := []object{}
		for _, k := range p.clusters {
			availability := "available"
			if k.Paused {
				availability = "unavailable" // a guess
			}
			rows = append(rows, object{
				"clusterId": k.ID, "name": k.Name, "type": "REPLICA_SET", "availability": availability, "alertCount": 0,
				"authEnabled": true, "sslEnabled": true, "backupEnabled": k.Rest["backupEnabled"] == true, "nodeCount": 3, "dataSizeBytes": 0, "versions": []string{"8.0.12"},
			})
		}
		return object{"orgId": p.org.id, "orgName": p.org.name, "groupId": p.id, "groupName": p.name, "planType": "Atlas", "tags": []string{}, "clusters": rows}
	})
}
