package sim

import (
	"net/http"
	"time"
)

// How long a restore takes and a download can be fetched (guesses).
const (
	restoreTakes   = 5 * time.Minute
	downloadExpiry = 4 * time.Hour
)

// States of a restore job, which the API shows as flags; "" is on its way.
const (
	restoreDone      = "FINISHED"
	restoreCancelled = "CANCELLED"
	restoreFailed    = "FAILED"
)

// RestoreJob is one restore of a cluster's backup. ClusterName, CreatedAt and State are
// this package's: the API has the first in the path and shows the state as flags.
type RestoreJob struct {
	ID                    string     `yaml:"id,omitempty" json:"id,omitempty"`
	ClusterName           string     `yaml:"clusterName" json:"clusterName"`
	DeliveryType          string     `yaml:"deliveryType" json:"deliveryType"`
	SnapshotID            string     `yaml:"snapshotId,omitempty" json:"snapshotId,omitempty"`
	TargetGroupID         string     `yaml:"targetGroupId,omitempty" json:"targetGroupId,omitempty"`
	TargetClusterName     string     `yaml:"targetClusterName,omitempty" json:"targetClusterName,omitempty"`
	OplogTs               int        `yaml:"oplogTs,omitempty" json:"oplogTs,omitempty"`
	OplogInc              int        `yaml:"oplogInc,omitempty" json:"oplogInc,omitempty"`
	PointInTimeUTCSeconds int        `yaml:"pointInTimeUTCSeconds,omitempty" json:"pointInTimeUTCSeconds,omitempty"`
	CreatedAt             *time.Time `yaml:"createdAt,omitempty" json:"createdAt,omitempty"`
	FinishedAt            *time.Time `yaml:"finishedAt,omitempty" json:"finishedAt,omitempty"`
	State                 string     `yaml:"state,omitempty" json:"state,omitempty"`
}

type restoreJob struct {
	RestoreJob
	due time.Time // when it finishes
}

func (r *restoreJob) target() string { return "restore job " + r.ClusterName + "/" + r.ID }

// moveRestores finishes the restores whose time has come; one into a cluster that is
// gone by then fails.
func (a *Atlas) moveRestores(p *project, now time.Time) {
	for _, r := range p.restores {
		if r.State != "" || r.due.After(now) {
			continue
		}
		at := r.due.Truncate(time.Second)
		r.FinishedAt, r.State = &at, restoreDone
		kind := "CPS_RESTORE_SUCCESSFUL"
		if r.DeliveryType != "download" && !a.receives(r) {
			r.State, kind = restoreFailed, "CPS_RESTORE_FAILED"
		}
		a.clusterEvent(p, r.due, kind, r.ClusterName)
	}
}

// receives says whether the target is there when the restore ends; its project may not
// have been looked at since.
func (a *Atlas) receives(r *restoreJob) bool {
	p := a.projects[r.TargetGroupID]
	if p == nil {
		return false
	}
	k := p.cluster(r.TargetClusterName)
	return k != nil && (k.StateName != "DELETING" || k.goneAt.After(r.due))
}

func (c *call) restoreView(r *restoreJob) any {
	out := object{
		"id": r.ID, "deliveryType": r.DeliveryType, "cancelled": r.State == restoreCancelled, "failed": r.State == restoreFailed,
		"expired": false, "deliveryUrl": []string{}, "links": c.self(c.backupPath("restoreJobs", r.ID)),
	}
	for key, v := range map[string]string{"snapshotId": r.SnapshotID, "targetGroupId": r.TargetGroupID, "targetClusterName": r.TargetClusterName} {
		if v != "" {
			out[key] = v
		}
	}
	for key, v := range map[string]int{"oplogTs": r.OplogTs, "oplogInc": r.OplogInc, "pointInTimeUTCSeconds": r.PointInTimeUTCSeconds} {
		if v != 0 {
			out[key] = v
		}
	}
	if s, bad := c.findSnapshot(r.SnapshotID); bad == nil {
		out["timestamp"] = isoTime(s.CreatedAt)
	}
	if r.FinishedAt == nil {
		return out
	}
	out["finishedAt"] = isoTime(r.FinishedAt)
	if r.DeliveryType == "download" {
		ends := r.FinishedAt.Add(downloadExpiry)
		out["expiresAt"], out["expired"] = isoTime(&ends), !ends.After(c.at)
		if ends.After(c.at) {
			out["deliveryUrl"] = []string{"https://restore-" + r.ID + ".mongodb.net/" + r.ClusterName + ".tar.gz"}
		}
	}
	return out
}

func (c *call) listRestores() (answer, *problem) {
	if _, bad := c.backedUp(); bad != nil {
		return answer{}, bad
	}
	var mine []*restoreJob
	for _, r := range newestFirst(c.project.restores, func(r *restoreJob) *time.Time { return r.CreatedAt }) {
		if r.ClusterName == c.params["clusterName"] {
			mine = append(mine, r)
		}
	}
	return paged(c, http.StatusOK, mine, c.restoreView)
}

func (c *call) findRestore() (*restoreJob, *problem) {
	if _, bad := c.backedUp(); bad != nil {
		return nil, bad
	}
	for _, r := range c.project.restores {
		if r.ID == c.params["restoreJobId"] && r.ClusterName == c.params["clusterName"] {
			return r, nil
		}
	}
	return nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.params["restoreJobId"]) // code is a guess
}

func (c *call) getRestore() (answer, *problem) {
	r, bad := c.findRestore()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.restoreView(r))
}

// createRestore starts a restore, into a cluster of this or another project, or makes a
// download. The event is the same for all (a guess: there is no type for a download
// that was asked for).
func (c *call) createRestore() (answer, *problem) {
	k, bad := c.backedUp()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	r := &restoreJob{RestoreJob: recast[RestoreJob](doc), due: c.at.Add(restoreTakes)}
	if bad := c.checkRestore(r); bad != nil {
		return answer{}, bad
	}
	r.ID, r.ClusterName, r.CreatedAt = c.a.nextID("restore job"), k.Name, orNow(nil, c.at)
	c.project.restores = append(c.project.restores, r)
	c.a.wake(c.project, r.due)
	c.effect(r.target(), "", text(r.RestoreJob))
	c.projectEvent("CPS_RESTORE_REQUESTED_AUDIT", object{"clusterName": k.Name})
	return ok(c.restoreView(r))
}

func (c *call) checkRestore(r *restoreJob) *problem {
	inTime := r.DeliveryType == "pointInTime"
	switch {
	case !inTime && r.SnapshotID == "":
		return missingAttribute("snapshotId")
	case inTime && r.PointInTimeUTCSeconds == 0 && (r.OplogTs == 0 || r.OplogInc == 0):
		return bad("MISSING_ONE_OF_ATTRIBUTES", "One of the attributes %s must be specified.", "pointInTimeUTCSeconds, oplogTs and oplogInc")
	}
	if r.SnapshotID != "" {
		s, wrong := c.findSnapshot(r.SnapshotID)
		if wrong != nil {
			return wrong
		}
		if s.Status != "completed" { // code is a guess
			return bad("SNAPSHOT_NOT_COMPLETED", "The snapshot %s is not completed.", s.ID)
		}
	}
	if r.DeliveryType == "download" {
		r.TargetGroupID, r.TargetClusterName = "", ""
		return nil
	}
	return c.checkRestoreTarget(r)
}

// checkRestoreTarget wants the caller to have, in the project that receives the data,
// the roles of this operation.
func (c *call) checkRestoreTarget(r *restoreJob) *problem {
	switch {
	case r.TargetGroupID == "":
		return missingAttribute("targetGroupId")
	case r.TargetClusterName == "":
		return missingAttribute("targetClusterName")
	}
	target := c.a.projects[r.TargetGroupID]
	if target == nil {
		return missing("GROUP_NOT_FOUND", "No group with ID %s exists.", r.TargetGroupID)
	}
	if c.who != nil {
		if bad := c.who.mayInProject(c.route.spec.Roles, target); bad != nil {
			return bad
		}
	}
	if target.cluster(r.TargetClusterName) == nil {
		return missing("CLUSTER_NOT_FOUND", "No cluster named %s exists in group %s.", r.TargetClusterName, target.id)
	}
	return nil
}

// cancelRestore writes no event: there is no type for it. A job that is over cannot be
// cancelled (the code is a guess).
func (c *call) cancelRestore() (answer, *problem) {
	r, wrong := c.findRestore()
	if wrong != nil {
		return answer{}, wrong
	}
	switch r.State {
	case restoreCancelled:
		return empty(http.StatusNoContent)
	case restoreDone, restoreFailed:
		return answer{}, bad("RESTORE_JOB_ALREADY_FINISHED", "The restore job %s is already finished.", r.ID)
	}
	before := text(r.RestoreJob)
	r.State = restoreCancelled
	c.effect(r.target(), before, text(r.RestoreJob))
	return empty(http.StatusNoContent)
}
