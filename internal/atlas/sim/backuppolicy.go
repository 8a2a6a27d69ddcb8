package sim

import (
	"net/http"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// policyTakes is how long a change of the compliance policy takes (a guess).
const policyTakes = time.Minute

// compliancePolicy is a project's Backup Compliance Policy.
type compliancePolicy struct {
	doc     object
	state   string
	updated time.Time
	by      string
	due     time.Time // when the state becomes ACTIVE
}

// newPolicy makes the live policy of a world's, which has been checked.
func (a *Atlas) newPolicy(p *project, doc object) *compliancePolicy {
	state, _ := doc["state"].(string)
	by, _ := doc["updatedUser"].(string)
	q := &compliancePolicy{state: orDefault(state, "ACTIVE"), by: by, updated: a.now().Truncate(time.Second), due: a.now().Add(policyTakes)}
	if s, _ := doc["updatedDate"].(string); s != "" {
		if at, err := parseDate(s); err == nil {
			q.updated = at
		}
	}
	q.doc = overlay(doc, object{"state": nil, "updatedUser": nil, "updatedDate": nil, "deletable": nil, "projectId": nil, "links": nil})
	a.wake(p, q.due)
	return q
}

func (q *compliancePolicy) world() object {
	out := overlay(deep(q.doc), object{"state": q.state, "updatedDate": isoTime(&q.updated)})
	if q.by != "" {
		out["updatedUser"] = q.by
	}
	return out
}

// movePolicy ends a change of the policy.
func (a *Atlas) movePolicy(p *project, now time.Time) {
	q := p.policy
	if q == nil || q.due.After(now) {
		return
	}
	scope := object{"groupId": p.id}
	switch q.state {
	case "ENABLING":
		a.record(&p.feed, q.due, Actor{}, "CPS_DATA_PROTECTION_ENABLED", scope, nil)
	case "UPDATING":
		a.record(&p.feed, q.due, Actor{}, "CPS_DATA_PROTECTION_UPDATED", scope, nil)
	case "DISABLING":
		a.record(&p.feed, q.due, Actor{}, "CPS_DATA_PROTECTION_DISABLED", scope, nil)
		p.policy = nil
	}
	q.state = "ACTIVE"
}

// getCompliance has no links and names a key that changed the policy by its public key,
// as recorded by mongodb-atlas-cli's TestBackupCompliancePolicyEnable. Of a project
// without a policy it is an empty object (a guess).
func (c *call) getCompliance() (answer, *problem) {
	q := c.project.policy
	if q == nil {
		return ok(object{})
	}
	out := overlay(object{"restoreWindowDays": 0}, overlay(q.world(), object{"projectId": c.project.id, "deletable": false}))
	if out["onDemandPolicyItem"] == nil {
		out["onDemandPolicyItem"] = nil
	}
	return ok(out)
}

// updateCompliance replaces the policy. Its other rules (that it only grows stricter)
// are not simulated.
func (c *call) updateCompliance() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	if id, ok := doc["projectId"].(string); ok {
		if bad := c.sameGroup(&id); bad != nil {
			return answer{}, bad
		}
	}
	doc = overlay(object{
		"copyProtectionEnabled": false, "encryptionAtRestEnabled": false, "pitEnabled": false, "scheduledPolicyItems": []any{},
	}, overlay(doc, object{"projectId": nil}))
	q, before := c.project.policy, ""
	if q != nil {
		before = text(q.doc)
	}
	if before == text(doc) {
		return c.getCompliance()
	}
	next := &compliancePolicy{doc: doc, state: "UPDATING", updated: c.at.Truncate(time.Second), by: orDefault(c.actor.Username, orDefault(c.actor.PublicKey, c.actor.ClientID)), due: c.at.Add(policyTakes)}
	kind := "CPS_DATA_PROTECTION_UPDATE_REQUESTED"
	if q == nil {
		next.state, kind = "ENABLING", "CPS_DATA_PROTECTION_ENABLE_REQUESTED"
	}
	c.project.policy = next
	c.a.wake(c.project, next.due)
	c.effect("backup compliance policy", before, text(doc))
	c.projectEvent(kind, nil)
	return c.getCompliance()
}

// disableCompliance: the real service wants a ticket with its support first, which is
// not simulated: this one acts as if it had been granted.
func (c *call) disableCompliance() (answer, *problem) {
	q := c.project.policy
	if q != nil && q.state != "DISABLING" {
		q.state, q.due = "DISABLING", c.at.Add(policyTakes)
		c.a.wake(c.project, q.due)
		c.effect("backup compliance policy", text(q.doc), "")
		c.projectEvent("CPS_DATA_PROTECTION_DISABLE_REQUESTED", nil)
	}
	return empty(http.StatusNoContent)
}

// defaultSchedule is what a cluster has until it is changed (a guess after Atlas's page
// on the default policy).
func (c *call) defaultSchedule() object {
	items := []any{}
	for _, i := range []struct {
		kind     string
		interval float64
		unit     string
		value    float64
	}{{"hourly", 6, "days", 7}, {"daily", 1, "days", 7}, {"weekly", 6, "weeks", 4}, {"monthly", 40, "months", 12}} {
		items = append(items, object{"frequencyType": i.kind, "frequencyInterval": i.interval, "retentionUnit": i.unit, "retentionValue": i.value})
	}
	return object{
		"policies": []any{object{"policyItems": items}}, "copySettings": []any{}, "extraRetentionSettings": []any{}, "autoExportEnabled": false,
		"useOrgAndGroupNamesInExportPrefix": false, "referenceHourOfDay": 0.0, "referenceMinuteOfHour": 0.0, "restoreWindowDays": 7.0,
	}
}

func (c *call) scheduleOf(k *cluster) object {
	held, changed := c.project.schedules[k.Name]
	if !changed {
		held = c.defaultSchedule()
	}
	return held
}

func (c *call) scheduleView(k *cluster) any {
	out := overlay(deep(c.scheduleOf(k)), object{
		"clusterId": k.ID, "clusterName": k.Name, "nextSnapshot": c.at.Truncate(time.Hour).Add(time.Hour).Format(time.RFC3339),
		"links": c.self("/groups/" + c.project.id + "/clusters/" + k.Name + "/backup/schedule"),
	})
	for i, policy := range objects(out["policies"]) {
		if policy["id"] == nil {
			policy["id"] = c.a.derive("backup policy", k.ID, text(i))[:24]
		}
		for j, item := range objects(policy["policyItems"]) {
			item["id"] = c.a.derive("backup policy item", k.ID, text(i), text(j))[:24]
		}
	}
	return out
}

func (c *call) getSchedule() (answer, *problem) {
	k, bad := c.backedUp()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.scheduleView(k))
}

// updateSchedule lays the document over the schedule; lists are replaced.
func (c *call) updateSchedule() (answer, *problem) {
	k, bad := c.findBackedUp()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	for _, once := range []string{"deleteCopiedBackups", "deleteCopySnapshots", "deleteSnapshots", "updateCopySnapshots", "updateSnapshots"} {
		delete(doc, once)
	}
	before := c.scheduleOf(k)
	c.putSchedule(k, before, overlay(before, doc))
	return ok(c.scheduleView(k))
}

// deleteSchedule leaves a schedule that takes no snapshots.
func (c *call) deleteSchedule() (answer, *problem) {
	k, bad := c.findBackedUp()
	if bad != nil {
		return answer{}, bad
	}
	if c.project.protectsBackups() {
		return answer{}, protectedBackup()
	}
	before := c.scheduleOf(k)
	c.putSchedule(k, before, overlay(before, object{"policies": []any{object{"policyItems": []any{}}}}))
	return ok(c.scheduleView(k))
}

func (c *call) putSchedule(k *cluster, before, after object) {
	if len(changedKeys(before, after)) == 0 {
		return
	}
	if c.project.schedules == nil {
		c.project.schedules = map[string]object{}
	}
	c.project.schedules[k.Name] = after
	c.effect("backup schedule "+k.Name, text(before), text(after))
	c.projectEvent("CPS_SNAPSHOT_SCHEDULE_UPDATED_AUDIT", object{"clusterName": k.Name})
}
