package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// The family of what database users are scoped to: clusters, flex clusters, federated
// databases and stream workspaces.

// ProjectTarget is its part of a world.
type (
	ProjectTarget struct {
		// DeletedClusters are gone, with backups that were retained.
		DeletedClusters []Cluster `yaml:"deletedClusters,omitempty"`
	}
)

// orgTarget and projectTarget are its live state, besides the lists of a project.
type (
	projectTarget struct{ retained []*cluster }
)

func targetRoutes() []route {
	return []route{
		{op: "listGroupClusters", older: "2023-01-01 2023-02-01", set: "clusters_group", handle: (*call).listClusters},
		{op: "createGroupCluster", older: "2023-01-01 2023-02-01 2024-08-05", set: "clusters_group", handle: (*call).createCluster},
		{op: "getGroupCluster", older: "2023-01-01 2023-02-01", set: "clusters_group", handle: (*call).getCluster},
		{op: "updateGroupCluster", older: "2023-01-01 2023-02-01 2024-08-05", set: "clusters_group", handle: (*call).updateCluster},
		{op: "deleteGroupCluster", older: "2023-01-01", set: "clusters_group", handle: (*call).deleteCluster},
		{op: "getGroupClusterStatus", set: "clusters_group", handle: (*call).clusterStatus},
		{op: "getGroupClusterProcessArgs", set: "clusters_group", handle: (*call).getProcessArgs},
		{op: "updateGroupClusterProcessArgs", set: "clusters_group", handle: (*call).updateProcessArgs},
		{op: "grantGroupClusterMongoDbEmployeeAccess", set: "clusters_group", handle: (*call).grantEmployees},
		{op: "revokeGroupClusterMongoDbEmployeeAccess", set: "clusters_group", handle: (*call).revokeEmployees},

		{op: "listGroupFlexClusters", set: "flexClusters_group", handle: (*call).listFlexClusters},
		{op: "createGroupFlexCluster", set: "flexClusters_group", handle: (*call).createFlexCluster},
		{op: "getGroupFlexCluster", set: "flexClusters_group", handle: (*call).getFlexCluster},
		{op: "updateGroupFlexCluster", set: "flexClusters_group", handle: (*call).updateFlexCluster},
		{op: "deleteGroupFlexCluster", set: "flexClusters_group", handle: (*call).deleteFlexCluster},
		{op: "tenantGroupFlexClusterUpgrade", set: "flexClusters_group", handle: (*call).upgradeFlexCluster},

		{op: "listGroupDataFederation", set: "dataFederation_group", handle: (*call).listFederated},
		{op: "createGroupDataFederation", set: "dataFederation_group", handle: (*call).createFederated},
		{op: "getGroupDataFederation", set: "dataFederation_group", handle: (*call).getFederated},
		{op: "updateGroupDataFederation", set: "dataFederation_group", handle: (*call).updateFederated},
		{op: "deleteGroupDataFederation", set: "dataFederation_group", handle: (*call).deleteFederated},

		{op: "listGroupStreamWorkspaces", set: "streams_group", handle: (*call).listWorkspaces},
		{op: "createGroupStreamWorkspace", set: "streams_group", handle: (*call).createWorkspace},
		{op: "withGroupStreamSampleConnections", set: "streams_group", handle: (*call).createSampleWorkspace},
		{op: "getGroupStreamWorkspace", set: "streams_group", handle: (*call).getWorkspace},
		{op: "updateGroupStreamWorkspace", set: "streams_group", handle: (*call).updateWorkspace},
		{op: "deleteGroupStreamWorkspace", set: "streams_group", handle: (*call).deleteWorkspace},
		{op: "listGroupStreamConnections", set: "streams_group", handle: (*call).listConnections},
		{op: "createGroupStreamConnection", set: "streams_group", handle: (*call).createConnection},
		{op: "getGroupStreamConnection", set: "streams_group", handle: (*call).getConnection},
		{op: "updateGroupStreamConnection", set: "streams_group", handle: (*call).updateConnection},
		{op: "deleteGroupStreamConnection", set: "streams_group", handle: (*call).deleteConnection},
	}
}

// addScopeTargets makes the live state of a world's lists.
func (a *Atlas) addScopeTargets(p *project, w Project) error {
	for _, c := range w.Clusters {
		if err := impossible("cluster", c.Name, c.check()); err != nil {
			return err
		}
		p.clusters = append(p.clusters, a.newCluster(p, c))
	}
	for _, f := range w.FlexClusters {
		if err := impossible("flex cluster", f.Name, f.check()); err != nil {
			return err
		}
		p.flex = append(p.flex, a.newFlexCluster(p, f))
	}
	for _, f := range w.FederatedDatabases {
		if err := impossible("federated database", f.Name, f.check()); err != nil {
			return err
		}
		p.federated = append(p.federated, newFederated(f))
	}
	for _, s := range w.StreamWorkspaces {
		if err := impossible("stream workspace", s.Name, s.check()); err != nil {
			return err
		}
		p.workspaces = append(p.workspaces, a.newWorkspace(p, s))
	}
	return nil
}

func impossible(kind, name string, p *problem) error {
	if p == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %s", kind, name, p.detail)
}

// worldScopeTargets writes the lists into a world.
func (p *project) worldScopeTargets(w *Project) {
	for _, k := range p.clusters {
		w.Clusters = append(w.Clusters, k.world())
	}
	for _, f := range p.flex {
		w.FlexClusters = append(w.FlexClusters, f.world())
	}
	for _, f := range p.federated {
		c := *f
		c.Hostnames, c.Rest = slices.Clone(f.Hostnames), deep(f.Rest)
		w.FederatedDatabases = append(w.FederatedDatabases, c)
	}
	for _, s := range p.workspaces {
		c := *s
		c.Hostnames, c.Connections, c.Rest = slices.Clone(s.Hostnames), deep(s.Connections), deep(s.Rest)
		w.StreamWorkspaces = append(w.StreamWorkspaces, c)
	}
}

// buildTarget makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildTarget(o *org, projects map[*project]ProjectTarget) error {
	for _, p := range o.projects {
		for _, c := range projects[p].DeletedClusters {
			if err := impossible("deleted cluster", c.Name, c.check()); err != nil {
				return err
			}
			c.StateName = "DELETING"
			p.retained = append(p.retained, a.newCluster(p, c))
		}
	}
	return nil
}

func (p *project) worldTarget() ProjectTarget {
	var out ProjectTarget
	for _, k := range p.retained {
		w := k.world()
		w.StateName = ""
		out.DeletedClusters = append(out.DeletedClusters, w)
	}
	return out
}

// moveTarget does what Atlas does by itself in the project when its time has come;
// clusters have moveClusters.
func (a *Atlas) moveTarget(p *project, now time.Time) { a.moveFlex(p, now) }

// takenName says whether a cluster or a flex cluster has the name.
func (p *project) takenName(name string) bool {
	return p.cluster(name) != nil || p.flexCluster(name) != nil
}

// mayAddCluster checks the name and the limit for one more cluster of either kind.
func (c *call) mayAddCluster(name string) *problem {
	switch most := c.limit(limitClusters); {
	case name == "":
		return missingAttribute("name")
	case c.project.takenName(name): // 400: mongodb-atlas-cli's pull request 1967 shows it
		return bad("DUPLICATE_CLUSTER_NAME", "A cluster or serverless instance named %s is already present in group %s.", name, c.project.id)
	case len(c.project.clusters)+len(c.project.flex) >= most: // code and status are a guess
		return bad("MAX_CLUSTERS_PER_GROUP_EXCEEDED", "The group cannot have more than %d clusters.", most)
	}
	return nil
}

// checkTags wants the keys to differ.
func checkTags(tags []Tag) *problem {
	seen := map[string]bool{}
	for _, t := range tags {
		if seen[t.Key] {
			return invalidField("tags", "keys must differ")
		}
		seen[t.Key] = true
	}
	return nil
}

// recast turns a JSON value into a typed one, and back.
func recast[T any](v any) T {
	var out T
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		var zero T
		return zero
	}
	return out
}

var errNotJSON = errors.New("not a JSON document")

// plainJSON is a document of a world as encoding/json decodes one, so that a number is
// the same wherever it came from.
func plainJSON(doc object) (object, error) {
	if doc == nil {
		return nil, nil
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, errNotJSON
	}
	var out object
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, errNotJSON
	}
	return out, nil
}

// checkWritten judges part of a document of a world by the body of an operation.
func checkWritten(op string, doc object) *problem {
	_, bad := writable(op, doc)
	return bad
}

// writable is the part of a world's document that the operation's body may hold.
func writable(op string, doc object) (object, *problem) {
	plain, err := plainJSON(doc)
	if err != nil {
		return nil, bad("MALFORMED_JSON", "The attributes cannot be written as JSON.")
	}
	o := apispec.Load().Operation(op)
	out, bad := checkDocument(o.Body(o.Newest()), plain, []apispec.Rule{apispec.Missing})
	if bad != nil {
		return nil, bad
	}
	return out.(object), nil
}

// changedKeys names the attributes that differ.
func changedKeys(before, after object) []string {
	var out []string
	for k, v := range after {
		if text(before[k]) != text(v) {
			out = append(out, k)
		}
	}
	for k := range before {
		if _, kept := after[k]; !kept {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}
