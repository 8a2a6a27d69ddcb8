package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// TestRetentionTrip: a user is quarantined, released, quarantined again, and deleted after
// retention. Release leads to equal state. Deletion cannot be taken back: the password is gone.
func TestRetentionTrip(t *testing.T) {
	engine, err := rules.Load(shopPolicy())
	if err != nil {
		t.Fatal(err)
	}
	var b remedyCase
	for _, c := range brokenThings() {
		if c.name == "a break-glass user" {
			b = c
		}
	}
	b.remedy = remediate.RemedyQuarantine
	synctest.Test(t, func(t *testing.T) {
		r := newRemedyTrip(t, engine, b)
		before := r.read()
		for _, line := range r.do {
			r.perform(line)
		}
		bad := r.read()
		c := r.caseOf(before, bad)
		c.Policy.Guards.Retention = 30 * 24 * time.Hour
		a := access.Action{ID: "f-1", State: access.ActionVerified, Plan: remediate.MakePlan(c), Outcome: access.Outcome{Verified: c.Now}}
		r.apply(a.Plan.Operations)
		c.Fresh = r.read()
		r.apply(a.Plan.Inverse)
		r.same("after the release", bad, r.read())
		r.apply(a.Plan.Operations)
		r.same("in quarantine again", c.Fresh, r.read())
		c.Now = remediate.RetentionDue(a, c.Policy.Guards.Retention)
		deletion := remediate.PlanRetention(c, a)
		if len(deletion.Operations) != 1 || len(deletion.Inverse) > 0 || !strings.Contains(deletion.Reversible, "cannot be taken back: the password is gone") {
			t.Fatalf("%+v", deletion)
		}
		r.apply(deletion.Operations)
		r.same("after the deletion", before, r.read())
		if p := remediate.PlanRetention(remediate.Case{Policy: c.Policy, Fresh: r.read(), Now: c.Now, Finding: c.Finding}, a); len(p.Operations) > 0 {
			t.Errorf("once more: %+v", p)
		}
	})
}
