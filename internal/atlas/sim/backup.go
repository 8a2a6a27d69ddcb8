package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The family of backups: snapshots, restore and export jobs, export buckets, schedules
// and the compliance policy.

// ProjectBackup is its part of a world.
type (
	ProjectBackup struct {
		BackupSnapshots        []BackupSnapshot          `yaml:"backupSnapshots,omitempty"`
		RestoreJobs            []RestoreJob              `yaml:"restoreJobs,omitempty"`
		ExportJobs             []ExportJob               `yaml:"exportJobs,omitempty"`
		ExportBuckets          []map[string]any          `yaml:"exportBuckets,omitempty"`
		BackupSchedules        map[string]map[string]any `yaml:"backupSchedules,omitempty"` // by cluster
		BackupCompliancePolicy map[string]any            `yaml:"backupCompliancePolicy,omitempty"`
	}
)

// projectBackup is its live state.
type (
	projectBackup struct {
		snapshots []*backupSnapshot
		restores  []*restoreJob
		exports   []*exportJob
		buckets   []object
		schedules map[string]object
		policy    *compliancePolicy
	}
)

func backupRoutes() []route {
	return []route{
		{op: "listGroupClusterBackupSnapshots", set: "cloudBackups_group", handle: (*call).listSnapshots},
		{op: "takeGroupClusterBackupSnapshots", set: "cloudBackups_group", handle: (*call).takeSnapshot},
		{op: "getGroupClusterBackupSnapshot", set: "cloudBackups_group", handle: (*call).getSnapshot},
		{op: "updateGroupClusterBackupSnapshot", set: "cloudBackups_group", handle: (*call).retainSnapshot},
		{op: "deleteGroupClusterBackupSnapshot", set: "cloudBackups_group", handle: (*call).deleteSnapshot},
		{op: "listGroupClusterBackupSnapshotShardedClusters", set: "cloudBackups_group", handle: (*call).listShardedSnapshots},
		{op: "getGroupClusterBackupSnapshotShardedCluster", set: "cloudBackups_group", handle: (*call).getSnapshot},
		{op: "deleteGroupClusterBackupSnapshotShardedCluster", set: "cloudBackups_group", handle: (*call).deleteSnapshot},

		{op: "listGroupClusterBackupRestoreJobs", set: "cloudBackups_group", handle: (*call).listRestores},
		{op: "createGroupClusterBackupRestoreJob", set: "cloudBackups_group", handle: (*call).createRestore},
		{op: "getGroupClusterBackupRestoreJob", set: "cloudBackups_group", handle: (*call).getRestore},
		{op: "cancelGroupClusterBackupRestoreJob", set: "cloudBackups_group", handle: (*call).cancelRestore},

		{op: "listGroupClusterBackupExports", set: "cloudBackups_group", handle: (*call).listExports},
		{op: "createGroupClusterBackupExport", set: "cloudBackups_group", handle: (*call).createExport},
		{op: "getGroupClusterBackupExport", set: "cloudBackups_group", handle: (*call).getExport},

		{op: "listGroupBackupExportBuckets", set: "cloudBackups_group", handle: (*call).listExportBuckets},
		{op: "createGroupBackupExportBucket", set: "cloudBackups_group", handle: (*call).createExportBucket},
		{op: "getGroupBackupExportBucket", set: "cloudBackups_group", handle: (*call).getExportBucket},
		{op: "updateGroupBackupExportBucket", set: "cloudBackups_group", handle: (*call).updateExportBucket},
		{op: "deleteGroupBackupExportBucket", set: "cloudBackups_group", handle: (*call).deleteExportBucket},

		{op: "getGroupClusterBackupSchedule", set: "cloudBackups_group", handle: (*call).getSchedule},
		{op: "updateGroupClusterBackupSchedule", set: "cloudBackups_group", handle: (*call).updateSchedule},
		{op: "deleteGroupClusterBackupSchedule", set: "cloudBackups_group", handle: (*call).deleteSchedule},
		{op: "getGroupBackupCompliancePolicy", set: "cloudBackups_group", handle: (*call).getCompliance},
		{op: "updateGroupBackupCompliancePolicy", set: "cloudBackups_group", handle: (*call).updateCompliance},
		{op: "disableGroupBackupCompliancePolicy", set: "cloudBackups_group", handle: (*call).disableCompliance},
	}
}

// check judges what the types of a world's backups cannot.
func (w ProjectBackup) check() *problem {
	for _, b := range w.ExportBuckets {
		made := object{"_id": nil, "tenantId": nil} // what Atlas adds
		if b["cloudProvider"] == "AZURE" {
			made["bucketName"] = nil
		}
		if bad := checkWritten("createGroupBackupExportBucket", overlay(b, made)); bad != nil {
			return bad
		}
	}
	for _, s := range w.BackupSchedules {
		if bad := checkWritten("updateGroupClusterBackupSchedule", s); bad != nil {
			return bad
		}
	}
	return checkWritten("updateGroupBackupCompliancePolicy", w.BackupCompliancePolicy)
}

// buildBackup makes live state of a world, after projects, keys and accounts exist. What
// is on its way is so from now on.
func (a *Atlas) buildBackup(o *org, projects map[*project]ProjectBackup) error {
	for _, p := range o.projects {
		w := projects[p]
		if bad := w.check(); bad != nil {
			return fmt.Errorf("project %q: backups: %s", p.name, bad.detail)
		}
		p.schedules = map[string]object{}
		for name, s := range w.BackupSchedules {
			p.schedules[name], _ = plainJSON(s)
		}
		for i, s := range w.BackupSnapshots {
			p.snapshots = append(p.snapshots, a.newSnapshot(p, i, s))
		}
		for i, r := range w.RestoreJobs {
			r.ID = orDefault(r.ID, a.derive("restore job", p.id, fmt.Sprint(i))[:24])
			r.CreatedAt = orNow(r.CreatedAt, a.now())
			due := a.now().Add(restoreTakes)
			a.wake(p, due)
			p.restores = append(p.restores, &restoreJob{r, due})
		}
		for i, x := range w.ExportJobs {
			x.ID = orDefault(x.ID, a.derive("export job", p.id, fmt.Sprint(i))[:24])
			x.CreatedAt = orNow(x.CreatedAt, a.now())
			x.State = orDefault(x.State, "Queued")
			due := a.now().Add(jobStarts)
			a.wake(p, due)
			job := &exportJob{x, due}
			job.Prefix = orDefault(job.Prefix, p.exportPrefix(job))
			p.exports = append(p.exports, job)
		}
		a.buildBuckets(p, w)
	}
	return nil
}

func (a *Atlas) buildBuckets(p *project, w ProjectBackup) {
	for i, b := range w.ExportBuckets {
		doc, _ := plainJSON(b) // it has been checked
		doc = completeBucket(doc)
		if doc["_id"] == nil {
			doc["_id"] = a.derive("export bucket", p.id, fmt.Sprint(i))[:24]
		}
		p.buckets = append(p.buckets, doc)
	}
	if w.BackupCompliancePolicy != nil {
		doc, _ := plainJSON(w.BackupCompliancePolicy)
		p.policy = a.newPolicy(p, doc)
	}
}

func orNow(t *time.Time, now time.Time) *time.Time {
	if t == nil {
		t = &now
	}
	whole := t.UTC().Truncate(time.Second)
	return &whole
}

func (p *project) worldBackup() ProjectBackup {
	var out ProjectBackup
	for _, s := range p.snapshots {
		out.BackupSnapshots = append(out.BackupSnapshots, s.BackupSnapshot)
	}
	for _, r := range p.restores {
		out.RestoreJobs = append(out.RestoreJobs, r.RestoreJob)
	}
	for _, x := range p.exports {
		c := x.ExportJob
		c.CustomData = deep(x.CustomData)
		out.ExportJobs = append(out.ExportJobs, c)
	}
	if len(p.buckets) > 0 {
		out.ExportBuckets = deep(p.buckets)
	}
	if len(p.schedules) > 0 {
		out.BackupSchedules = deep(p.schedules)
	}
	if p.policy != nil {
		out.BackupCompliancePolicy = p.policy.world()
	}
	return out
}

// moveBackup does what Atlas does by itself in the project when its time has come. The
// events of one step come in the order of their times.
func (a *Atlas) moveBackup(p *project, now time.Time) {
	a.moveSnapshots(p, now)
	a.moveRestores(p, now)
	a.moveExports(p, now)
	a.movePolicy(p, now)
}

// hasSnapshots says whether backups of the cluster are there.
func (p *project) hasSnapshots(cluster string) bool {
	return slices.ContainsFunc(p.snapshots, func(s *backupSnapshot) bool { return s.ClusterName == cluster })
}

// dropBackups forgets what belongs to a cluster that is gone.
func (p *project) dropBackups(name string) {
	p.snapshots = slices.DeleteFunc(p.snapshots, func(s *backupSnapshot) bool { return s.ClusterName == name })
	p.restores = slices.DeleteFunc(p.restores, func(r *restoreJob) bool { return r.ClusterName == name })
	p.exports = slices.DeleteFunc(p.exports, func(x *exportJob) bool { return x.ClusterName == name })
	p.retained = slices.DeleteFunc(p.retained, func(k *cluster) bool { return k.Name == name })
	delete(p.schedules, name)
}

// protectsBackups says whether a compliance policy keeps backups from being deleted.
func (p *project) protectsBackups() bool { return p.policy != nil }

// backedUp finds a cluster that may have backups: a live one, or a deleted one with
// retained backups.
func (c *call) backedUp() (*cluster, *problem) {
	k, bad := c.findCluster()
	if bad == nil {
		if k.InstanceSize == "M0" { // status and code are a guess
			return nil, fail(403, "FEATURE_UNSUPPORTED", "Cloud backups are not available for the free cluster %s.", k.Name)
		}
		return k, nil
	}
	for _, k := range c.project.retained {
		if k.Name == c.params["clusterName"] {
			return k, nil
		}
	}
	return nil, bad
}

// newestFirst sorts jobs and snapshots as lists show them (a guess).
func newestFirst[T any](list []*T, at func(*T) *time.Time) []*T {
	out := slices.Clone(list)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(x, y *T) int { return cmp.Compare(at(y).Unix(), at(x).Unix()) })
	return out
}

func isoTime(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}
