package rules

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// govOut is where the data of a backup went.
type govOut struct {
	to    string // for people; empty: nowhere that matters
	key   string // what of it tells findings apart
	doubt string // why it cannot be told
}

// govBackup is where the restore or export of the change leads, if that is neither the
// project itself nor declared.
func (s *subject) govBackup() govOut {
	switch job := s.change.After.State.(type) {
	case access.BackupRestoreJob:
		return s.govRestore(job)
	case access.BackupExportJob:
		return s.govExport(job)
	}
	switch s.change.Type { // the job itself was never in a list
	case "TENANT_SNAPSHOT_DOWNLOAD_REQUESTED_AUDIT":
		return govOut{to: "a file that was downloaded", key: "download"}
	case "CPS_RESTORE_REQUESTED_AUDIT", "TENANT_RESTORE_REQUESTED_AUDIT":
		return govOut{doubt: "an event tells of a restore, and no job that could be read says where to"}
	}
	return govOut{}
}

func (s *subject) govRestore(j access.BackupRestoreJob) govOut {
	targets, _ := s.rule.Params["targets"].([]string)
	switch {
	case j.Delivery == "download":
		return govOut{to: "a file that can be downloaded", key: "download"}
	case j.TargetProject == "":
		return govOut{doubt: "Atlas does not say into which project " + j.Cluster + " was restored"}
	case j.TargetProject == s.w.in.Scope.ID() || slices.Contains(targets, j.TargetProject):
		return govOut{}
	}
	return govOut{to: "cluster " + j.TargetCluster + " of project " + j.TargetProject, key: j.TargetProject}
}

func (s *subject) govExport(j access.BackupExportJob) govOut {
	buckets := s.w.in.Collections[access.KindBackupExportBucket]
	r, ok := buckets.Find(j.Bucket)
	b, known := access.As[access.BackupExportBucket](r.Box)
	if !ok || !known || slices.Contains(buckets.Odd, j.Bucket) {
		return govOut{doubt: "export bucket " + j.Bucket + " is not among those of the project: which bucket it is is not known"}
	}
	declared, _ := s.rule.Params["buckets"].([]string)
	if slices.ContainsFunc(declared, func(g string) bool { return access.Match(g, b.Bucket) }) {
		return govOut{}
	}
	return govOut{to: "bucket " + b.Bucket + " (" + b.Provider + ")", key: b.Bucket}
}

// govJob is the cluster whose backup it is.
func (s *subject) govJob() string {
	switch job := s.change.After.State.(type) {
	case access.BackupRestoreJob:
		return job.Cluster
	case access.BackupExportJob:
		return job.Cluster
	}
	return "a cluster"
}
