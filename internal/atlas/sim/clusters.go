package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// How long a cluster takes to come and to go (guesses).
const (
	createTakes = 2 * time.Minute
	deleteTakes = time.Minute
)

type cluster struct {
	Cluster
	created time.Time
	readyAt time.Time // while CREATING
	goneAt  time.Time // while DELETING
}

func (a *Atlas) newCluster(p *project, c Cluster, created time.Time) *cluster {
	c.ID = orDefault(c.ID, a.derive("cluster", p.id, c.Name)[:24])
	c.ClusterType = orDefault(c.ClusterType, "REPLICASET")
	c.InstanceSize = orDefault(c.InstanceSize, "M10")
	c.StateName = orDefault(c.StateName, "IDLE")
	return &cluster{Cluster: c, created: created}
}

// moveClusters brings clusters to the state that their time has come for.
func (a *Atlas) moveClusters(p *project, now time.Time) {
	scope := object{"groupId": p.id}
	p.clusters = slices.DeleteFunc(p.clusters, func(c *cluster) bool {
		if c.StateName == "CREATING" && !c.readyAt.After(now) {
			c.StateName = "IDLE"
			a.record(&p.feed, c.readyAt, Actor{}, "CLUSTER_READY", scope, object{"clusterName": c.Name})
		}
		if c.StateName != "DELETING" || c.goneAt.After(now) {
			return false
		}
		a.record(&p.feed, c.goneAt, Actor{}, "CLUSTER_DELETED", scope, object{"clusterName": c.Name})
		return true
	})
}

func (c *call) clusterView(k *cluster) any {
	host := k.Name + "." + k.ID[:6] + ".mongodb.net"
	return object{
		"id": k.ID, "name": k.Name, "groupId": c.project.id, "stateName": k.StateName, "clusterType": k.ClusterType,
		"paused": k.Paused, "tags": orEmpty(k.Tags), "createDate": k.created.Format(time.RFC3339),
		"mongoDBMajorVersion": "8.0", "mongoDBVersion": "8.0.12", "versionReleaseSystem": "LTS", "rootCertType": "ISRGROOTX1",
		"backupEnabled": k.InstanceSize != "M0", "pitEnabled": false, "terminationProtectionEnabled": false,
		"labels": []any{}, "encryptionAtRestProvider": "NONE", "diskWarmingMode": "FULLY_WARMED",
		"connectionStrings": object{"standardSrv": "mongodb+srv://" + host},
		"replicationSpecs": []object{{"id": k.ID, "zoneName": "Zone 1", "regionConfigs": []object{{
			"providerName": "AWS", "regionName": "EU_CENTRAL_1", "priority": 7,
			"electableSpecs": object{"instanceSize": k.InstanceSize, "nodeCount": 3},
		}}}},
		"links": c.self("/groups/" + c.project.id + "/clusters/" + k.Name),
	}
}

func (c *call) listClusters() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.clusters, c.clusterView)
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
	if k == nil {
		return nil, missing("CLUSTER_NOT_FOUND", "No cluster named %s exists in group %s.", name, c.project.id)
	}
	return k, nil
}

func (c *call) getCluster() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.clusterView(k))
}

// createCluster reads only what matters here; the rest of the large document passes.
func (c *call) createCluster() (answer, *problem) {
	var in struct {
		Name, ClusterType string
		Paused            bool
		Tags              []Tag
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return answer{}, bad("MALFORMED_JSON", "Received JSON is malformed: %s.", err.Error())
	}
	switch {
	case !scopeName.MatchString(in.Name):
		return answer{}, invalidField("name", "must match "+scopeName.String())
	case c.project.cluster(in.Name) != nil:
		return answer{}, conflict("DUPLICATE_CLUSTER_NAME", "A cluster named %s already exists in group %s.", in.Name, c.project.id)
	}
	k := c.a.newCluster(c.project, Cluster{
		ID: c.a.nextID("cluster"), Name: in.Name, ClusterType: in.ClusterType, Paused: in.Paused, Tags: in.Tags, StateName: "CREATING",
	}, c.at.Truncate(time.Second))
	k.readyAt = c.at.Add(createTakes)
	c.a.wake(c.project, k.readyAt)
	c.project.clusters = append(c.project.clusters, k)
	c.effect("cluster "+k.Name, "", text(k.Cluster))
	c.projectEvent("CLUSTER_CREATED", object{"clusterName": k.Name})
	return answer{status: http.StatusCreated, body: c.clusterView(k)}, nil
}

func (c *call) deleteCluster() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	if k.StateName != "DELETING" {
		before := text(k.Cluster)
		k.StateName, k.goneAt = "DELETING", c.at.Add(deleteTakes)
		c.a.wake(c.project, k.goneAt)
		c.effect("cluster "+k.Name, before, text(k.Cluster))
	}
	return answer{status: http.StatusAccepted, body: object{}}, nil
}

// allClusters groups the clusters of all visible projects.
func (c *call) allClusters() (answer, *problem) {
	return paged(c, http.StatusOK, c.allProjects(), func(p *project) any {
		rows := []object{}
		for _, k := range p.clusters {
			rows = append(rows, object{
				"clusterId": k.ID, "name": k.Name, "type": "REPLICA_SET", "availability": "available", "alertCount": 0,
				"authEnabled": true, "sslEnabled": true, "backupEnabled": true, "nodeCount": 3, "dataSizeBytes": 0, "versions": []string{"8.0.12"},
			})
		}
		return object{"orgId": p.org.id, "orgName": p.org.name, "groupId": p.id, "groupName": p.name, "planType": "Atlas", "tags": []string{}, "clusters": rows}
	})
}

func (c *call) flexView(f FlexCluster) any {
	return object{
		"id": f.ID, "name": f.Name, "groupId": c.project.id, "stateName": f.StateName, "clusterType": "REPLICASET",
		"tags": orEmpty(f.Tags), "mongoDBVersion": "8.0.12", "versionReleaseSystem": "CONTINUOUS", "terminationProtectionEnabled": false,
		"createDate":       c.project.created.Format(time.RFC3339),
		"backupSettings":   object{"enabled": true},
		"providerSettings": object{"providerName": "FLEX", "backingProviderName": "AWS", "regionName": "EU_CENTRAL_1", "diskSizeGB": 5.0},
		"links":            c.self("/groups/" + c.project.id + "/flexClusters/" + f.Name),
	}
}

func (c *call) listFlexClusters() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.flex, c.flexView)
}

func (c *call) getFlexCluster() (answer, *problem) {
	for _, f := range c.project.flex {
		if f.Name == c.params["name"] {
			return ok(c.flexView(f))
		}
	}
	return answer{}, missing("CLUSTER_NOT_FOUND", "No cluster named %s exists in group %s.", c.params["name"], c.project.id)
}

func (c *call) federatedView(f FederatedDatabase) any {
	return object{
		"name": f.Name, "groupId": c.project.id, "state": f.State, "hostnames": orEmpty(f.Hostnames),
		"privateEndpointHostnames": []any{}, "dataProcessRegion": nil, "storage": object{"databases": []any{}, "stores": []any{}},
	}
}

// listFederated answers a bare array. Online archives are not simulated.
func (c *call) listFederated() (answer, *problem) {
	switch kind := c.query.Get("type"); kind {
	case "", "USER":
		return plain(c.project.federated, c.federatedView), nil
	case "ONLINE_ARCHIVE":
		return plain([]FederatedDatabase{}, c.federatedView), nil
	default:
		return answer{}, badEnum(kind, "type")
	}
}

func (c *call) getFederated() (answer, *problem) {
	for _, f := range c.project.federated {
		if f.Name == c.params["tenantName"] {
			return ok(c.federatedView(f))
		}
	}
	return answer{}, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.params["tenantName"])
}

func (c *call) listWorkspaces() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.workspaces, func(s StreamWorkspace) any {
		return object{
			"_id": s.ID, "name": s.Name, "groupId": c.project.id, "hostnames": orEmpty(s.Hostnames), "connections": []any{},
			"dataProcessRegion": object{"cloudProvider": "AWS", "region": "FRANKFURT_DEU"}, "streamConfig": object{"tier": "SP30"},
		}
	})
}
