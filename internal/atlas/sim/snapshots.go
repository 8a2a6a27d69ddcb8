package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// How long backup work waits and takes, and how long an on-demand snapshot is kept that
// does not say (guesses).
const (
	jobStarts       = time.Minute
	snapshotTakes   = 4 * time.Minute
	keepsSnapshotBy = 7 // days
)

// BackupSnapshot is one snapshot of a cluster. ClusterName is this package's: the API
// has it in the path.
type BackupSnapshot struct {
	ID            string     `yaml:"id,omitempty" json:"id,omitempty"`
	ClusterName   string     `yaml:"clusterName" json:"clusterName"`
	Type          string     `yaml:"type,omitempty" json:"type,omitempty"`
	SnapshotType  string     `yaml:"snapshotType,omitempty" json:"snapshotType,omitempty"`
	FrequencyType string     `yaml:"frequencyType,omitempty" json:"frequencyType,omitempty"`
	Description   string     `yaml:"description,omitempty" json:"description,omitempty"`
	Status        string     `yaml:"status,omitempty" json:"status,omitempty"`
	CreatedAt     *time.Time `yaml:"createdAt,omitempty" json:"createdAt,omitempty"`
	ExpiresAt     *time.Time `yaml:"expiresAt,omitempty" json:"expiresAt,omitempty"`
}

type backupSnapshot struct {
	BackupSnapshot
	due time.Time // of the next status
}

// newSnapshot makes the live snapshot of a world's.
func (a *Atlas) newSnapshot(p *project, i int, w BackupSnapshot) *backupSnapshot {
	s := &backupSnapshot{BackupSnapshot: w, due: a.now().Add(jobStarts)}
	s.ID = orDefault(s.ID, a.derive("snapshot", p.id, fmt.Sprint(i))[:24])
	s.Type = orDefault(s.Type, "replicaSet")
	s.SnapshotType = orDefault(s.SnapshotType, "scheduled")
	s.Status = orDefault(s.Status, "completed")
	s.CreatedAt = orNow(s.CreatedAt, a.now())
	a.wakeSnapshot(p, s)
	return s
}

func (a *Atlas) wakeSnapshot(p *project, s *backupSnapshot) {
	if s.Status == "queued" || s.Status == "inProgress" {
		a.wake(p, s.due)
	}
	if s.ExpiresAt != nil {
		a.wake(p, *s.ExpiresAt)
	}
}

// moveSnapshots takes snapshots through their states and drops those whose time is over.
func (a *Atlas) moveSnapshots(p *project, now time.Time) {
	p.snapshots = slices.DeleteFunc(p.snapshots, func(s *backupSnapshot) bool {
		if s.Status == "queued" && !s.due.After(now) {
			a.clusterEvent(p, s.due, "CPS_SNAPSHOT_STARTED", s.ClusterName)
			s.Status, s.due = "inProgress", s.due.Add(snapshotTakes)
			a.wake(p, s.due)
		}
		if s.Status == "inProgress" && !s.due.After(now) {
			a.clusterEvent(p, s.due, "CPS_SNAPSHOT_SUCCESSFUL", s.ClusterName)
			s.Status = "completed"
		}
		if s.ExpiresAt == nil || s.ExpiresAt.After(now) || s.Status != "completed" {
			return false
		}
		a.addEffect(Effect{At: *s.ExpiresAt, OperationID: "expire", ProjectID: p.id, Target: s.target(), Before: text(s.BackupSnapshot)})
		a.clusterEvent(p, *s.ExpiresAt, "CPS_SNAPSHOT_DELETED_AUDIT", s.ClusterName)
		return true
	})
	p.dropBare()
}

// dropBare forgets deleted clusters of which no backup is left.
func (p *project) dropBare() {
	p.retained = slices.DeleteFunc(p.retained, func(k *cluster) bool { return !p.hasSnapshots(k.Name) })
}

func (s *backupSnapshot) target() string { return "snapshot " + s.ClusterName + "/" + s.ID }

func (c *call) snapshotView(s *backupSnapshot) any {
	k, _ := c.backedUp()
	out := object{
		"id": s.ID, "type": s.Type, "snapshotType": s.SnapshotType, "status": s.Status, "createdAt": isoTime(s.CreatedAt),
		"mongodVersion": "8.0.12", "storageSizeBytes": 0, "policyItems": []string{},
		"links": c.self(c.backupPath("snapshots", s.ID)),
	}
	if s.Type == "replicaSet" {
		out["copyRegions"], out["cloudProvider"] = []string{}, providerOf(k)
		if k != nil {
			out["replicaSetName"] = k.replicaSet()
		}
	} else {
		out["members"], out["snapshotIds"] = []any{}, []string{}
	}
	for key, v := range map[string]string{"description": s.Description, "frequencyType": s.FrequencyType} {
		if v != "" {
			out[key] = v
		}
	}
	if s.ExpiresAt != nil {
		out["expiresAt"] = isoTime(s.ExpiresAt)
	}
	return out
}

func (k *cluster) replicaSet() string { return "atlas-" + k.ID[:6] + "-shard-0" }

// providerOf is the provider of the cluster's first region.
func providerOf(k *cluster) string {
	if k == nil {
		return "AWS"
	}
	for _, spec := range objects(k.Rest["replicationSpecs"]) {
		for _, region := range objects(spec["regionConfigs"]) {
			if name, _ := region["providerName"].(string); name != "TENANT" {
				return name
			}
		}
	}
	return "AWS"
}

func (c *call) backupPath(kind, id string) string {
	return "/groups/" + c.project.id + "/clusters/" + c.params["clusterName"] + "/backup/" + kind + "/" + id
}

func (c *call) listSnapshots() (answer, *problem) { return c.snapshotsOf("replicaSet") }

func (c *call) listShardedSnapshots() (answer, *problem) { return c.snapshotsOf("shardedCluster") }

func (c *call) snapshotsOf(kind string) (answer, *problem) {
	if _, bad := c.backedUp(); bad != nil {
		return answer{}, bad
	}
	all := newestFirst(c.project.snapshots, func(s *backupSnapshot) *time.Time { return s.CreatedAt })
	all = slices.DeleteFunc(all, func(s *backupSnapshot) bool { return s.ClusterName != c.params["clusterName"] || s.Type != kind })
	return paged(c, http.StatusOK, all, c.snapshotView)
}

// findSnapshot finds a snapshot of the cluster in the path by its id.
func (c *call) findSnapshot(id string) (*backupSnapshot, *problem) {
	if _, bad := c.backedUp(); bad != nil {
		return nil, bad
	}
	for _, s := range c.project.snapshots {
		if s.ID == id && s.ClusterName == c.params["clusterName"] {
			return s, nil
		}
	}
	return nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", id) // code is a guess
}

func (c *call) getSnapshot() (answer, *problem) {
	s, bad := c.findSnapshot(c.params["snapshotId"])
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.snapshotView(s))
}

// takeSnapshot queues a snapshot on demand; one at a time, as the official text asks for
// (the code is a guess).
func (c *call) takeSnapshot() (answer, *problem) {
	k, bad := c.findBackedUp()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	if slices.ContainsFunc(c.project.snapshots, func(s *backupSnapshot) bool {
		return s.ClusterName == k.Name && s.SnapshotType == "onDemand" && s.Status != "completed"
	}) {
		return answer{}, conflict("SNAPSHOT_ALREADY_IN_PROGRESS", "A snapshot of cluster %s is already in progress.", k.Name)
	}
	days, _ := doc["retentionInDays"].(float64)
	if days == 0 {
		days = keepsSnapshotBy
	}
	at := c.at.Truncate(time.Second)
	ends := at.AddDate(0, 0, int(days))
	s := &backupSnapshot{due: c.at.Add(jobStarts), BackupSnapshot: BackupSnapshot{
		ID: c.a.nextID("snapshot"), ClusterName: k.Name, Type: "replicaSet", SnapshotType: "onDemand", Status: "queued", CreatedAt: &at, ExpiresAt: &ends,
	}}
	s.Description, _ = doc["description"].(string)
	if k.ClusterType != "REPLICASET" {
		s.Type = "shardedCluster"
	}
	c.project.snapshots = append(c.project.snapshots, s)
	c.a.wakeSnapshot(c.project, s)
	c.effect(s.target(), "", text(s.BackupSnapshot))
	c.projectEvent("CPS_ON_DEMAND_SNAPSHOT_REQUESTED", object{"clusterName": k.Name})
	return ok(c.snapshotView(s))
}

// findBackedUp is a live cluster whose backups are on.
func (c *call) findBackedUp() (*cluster, *problem) {
	k, wrong := c.backedUp()
	switch {
	case wrong != nil:
		return nil, wrong
	case k.Rest["backupEnabled"] != true: // code is a guess
		return nil, bad("BACKUP_NOT_ENABLED", "Backup is not enabled for cluster %s.", k.Name)
	case c.project.cluster(k.Name) != k:
		return nil, missing("CLUSTER_NOT_FOUND", "No cluster named %s exists in group %s.", k.Name, c.project.id)
	}
	return k, nil
}

// retainSnapshot changes how long a snapshot is kept, counted from when it was taken.
func (c *call) retainSnapshot() (answer, *problem) {
	s, bad := c.findSnapshot(c.params["snapshotId"])
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	unit, _ := doc["retentionUnit"].(string)
	value, _ := doc["retentionValue"].(float64)
	ends := retentionEnd(*s.CreatedAt, unit, int(value))
	switch {
	case value < 1:
		return answer{}, invalidField("retentionValue", "must be at least 1")
	case c.project.protectsBackups() && s.ExpiresAt != nil && ends.Before(*s.ExpiresAt):
		return answer{}, protectedBackup()
	}
	before := text(s.BackupSnapshot)
	s.ExpiresAt = &ends
	c.a.wakeSnapshot(c.project, s)
	if after := text(s.BackupSnapshot); after != before {
		c.effect(s.target(), before, after)
		c.projectEvent("CPS_SNAPSHOT_RETENTION_MODIFIED_AUDIT", object{"clusterName": s.ClusterName})
	}
	return ok(c.snapshotView(s))
}

func retentionEnd(from time.Time, unit string, n int) time.Time {
	switch unit {
	case "WEEKS":
		return from.AddDate(0, 0, 7*n)
	case "MONTHS":
		return from.AddDate(0, n, 0)
	case "YEARS":
		return from.AddDate(n, 0, 0)
	}
	return from.AddDate(0, 0, n)
}

// protectedBackup is what a compliance policy refuses (status and code are a guess).
func protectedBackup() *problem {
	return fail(http.StatusForbidden, "BACKUP_COMPLIANCE_POLICY_VIOLATED", "The Backup Compliance Policy of the group does not allow this.")
}

func (c *call) deleteSnapshot() (answer, *problem) {
	s, bad := c.findSnapshot(c.params["snapshotId"])
	if bad != nil {
		return answer{}, bad
	}
	if c.project.protectsBackups() {
		return answer{}, protectedBackup()
	}
	c.project.snapshots = slices.DeleteFunc(c.project.snapshots, func(x *backupSnapshot) bool { return x == s })
	c.project.dropBare()
	c.effect(s.target(), text(s.BackupSnapshot), "")
	c.projectEvent("CPS_SNAPSHOT_DELETED_AUDIT", object{"clusterName": s.ClusterName})
	return empty(http.StatusNoContent)
}
