package sim

import (
	"fmt"
	"net/http"
	"time"
)

// exportTakes is how long an export runs (a guess).
const exportTakes = 5 * time.Minute

// ExportJob copies one snapshot of a cluster to an export bucket. ClusterName is this
// package's: the API has it in the path.
type ExportJob struct {
	ID             string           `yaml:"id,omitempty" json:"id,omitempty"`
	ClusterName    string           `yaml:"clusterName" json:"clusterName"`
	SnapshotID     string           `yaml:"snapshotId" json:"snapshotId"`
	ExportBucketID string           `yaml:"exportBucketId" json:"exportBucketId"`
	Prefix         string           `yaml:"prefix,omitempty" json:"prefix,omitempty"`
	CustomData     []map[string]any `yaml:"customData,omitempty" json:"customData,omitempty"`
	State          string           `yaml:"state,omitempty" json:"state,omitempty"`
	CreatedAt      *time.Time       `yaml:"createdAt,omitempty" json:"createdAt,omitempty"`
	FinishedAt     *time.Time       `yaml:"finishedAt,omitempty" json:"finishedAt,omitempty"`
}

type exportJob struct {
	ExportJob
	due time.Time // of the next state
}

// moveExports takes exports through their states; one whose bucket is gone fails.
func (a *Atlas) moveExports(p *project, now time.Time) {
	for _, x := range p.exports {
		if x.State == "Queued" && !x.due.After(now) {
			x.State, x.due = "InProgress", x.due.Add(exportTakes)
			a.wake(p, x.due)
		}
		if x.State != "InProgress" || x.due.After(now) {
			continue
		}
		at := x.due.Truncate(time.Second)
		kind := "CPS_EXPORT_SUCCESSFUL"
		x.FinishedAt, x.State = &at, "Successful"
		if p.bucket(x.ExportBucketID) < 0 {
			x.State, kind = "Failed", "CPS_EXPORT_FAILED"
		}
		a.clusterEvent(p, x.due, kind, x.ClusterName)
	}
}

// exportPrefix is where a job's files go: the form is that of mongodb-atlas-cli's
// recorded TestExportJobs, with ids. The official document's template has names there,
// and its schedules a switch for them, which is taken to be what decides.
func (p *project) exportPrefix(x *exportJob) string {
	org, project := p.org.id, p.id
	if p.schedules[x.ClusterName]["useOrgAndGroupNamesInExportPrefix"] == true {
		org, project = p.org.name, p.name
	}
	taken := x.CreatedAt
	for _, s := range p.snapshots {
		if s.ID == x.SnapshotID {
			taken = s.CreatedAt
		}
	}
	return fmt.Sprintf("exported_snapshots/%s/%s/%s/%s/%d", org, project, x.ClusterName, taken.UTC().Format("2006-01-02T1504"), x.CreatedAt.Unix())
}

func (c *call) exportView(x *exportJob) any {
	done := 0
	if x.State == "Successful" {
		done = 1
	}
	out := object{
		"id": x.ID, "snapshotId": x.SnapshotID, "exportBucketId": x.ExportBucketID, "state": x.State, "createdAt": isoTime(x.CreatedAt),
		"customData": orEmpty(x.CustomData), "components": []any{}, "exportStatus": object{"exportedCollections": done, "totalCollections": 1},
		"prefix": x.Prefix,
		"links":  c.self(c.backupPath("exports", x.ID)),
	}
	if x.FinishedAt != nil {
		out["finishedAt"] = isoTime(x.FinishedAt)
	}
	return out
}

func (c *call) listExports() (answer, *problem) {
	if _, bad := c.backedUp(); bad != nil {
		return answer{}, bad
	}
	var mine []*exportJob
	for _, x := range newestFirst(c.project.exports, func(x *exportJob) *time.Time { return x.CreatedAt }) {
		if x.ClusterName == c.params["clusterName"] {
			mine = append(mine, x)
		}
	}
	return paged(c, http.StatusOK, mine, c.exportView)
}

func (c *call) getExport() (answer, *problem) {
	if _, bad := c.backedUp(); bad != nil {
		return answer{}, bad
	}
	for _, x := range c.project.exports {
		if x.ID == c.params["exportId"] && x.ClusterName == c.params["clusterName"] {
			return ok(c.exportView(x))
		}
	}
	return answer{}, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.params["exportId"]) // code is a guess
}

// createExport writes no event: there is no type for an export that was asked for.
func (c *call) createExport() (answer, *problem) {
	k, wrong := c.backedUp()
	if wrong != nil {
		return answer{}, wrong
	}
	doc, wrong := c.document()
	if wrong != nil {
		return answer{}, wrong
	}
	x := &exportJob{ExportJob: recast[ExportJob](doc), due: c.at.Add(jobStarts)}
	s, wrong := c.findSnapshot(x.SnapshotID)
	switch {
	case wrong != nil:
		return answer{}, wrong
	case s.Status != "completed": // code is a guess
		return answer{}, bad("SNAPSHOT_NOT_COMPLETED", "The snapshot %s is not completed.", s.ID)
	case c.project.bucket(x.ExportBucketID) < 0:
		return answer{}, noBucket(x.ExportBucketID)
	}
	x.ID, x.ClusterName, x.State, x.CreatedAt = c.a.nextID("export job"), k.Name, "Queued", orNow(nil, c.at)
	x.Prefix = c.project.exportPrefix(x)
	c.project.exports = append(c.project.exports, x)
	c.a.wake(c.project, x.due)
	c.effect("export job "+k.Name+"/"+x.ID, "", text(x.ExportJob))
	return ok(c.exportView(x))
}
