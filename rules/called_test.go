package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestRenamedIntoNoWaiver: what was open stays open when only the name of the project changed,
// and what was waived stays waived: a waiver means projects by the names that they had when it
// was granted.
func TestRenamedIntoNoWaiver(t *testing.T) {
	e := mustLoad(t, testPolicy())
	type step struct {
		after   time.Duration
		title   string
		granted time.Duration // of the waiver; it is there once it was granted
		want    access.FindingState
	}
	for _, c := range []struct {
		name, project string
		steps         []step
	}{
		{"renamed into a waiver", "legacy-*-prod", []step{{0, "shop-prod", 0, access.FindingOpen}, {time.Minute, "legacy-shop-prod", 0, access.FindingOpen}, {time.Hour, "legacy-shop-prod", 0, access.FindingOpen}}},
		{"renamed out of its waiver", "shop-*", []step{{0, "shop-prod", 0, access.FindingWaived}, {time.Minute, "legacy-shop-prod", 0, access.FindingWaived}}},
		{"granted under the new name", "legacy-*-prod", []step{{0, "shop-prod", time.Hour, access.FindingOpen}, {time.Minute, "legacy-shop-prod", time.Hour, access.FindingOpen}, {time.Hour, "legacy-shop-prod", time.Hour, access.FindingWaived}}},
		{"there and back", "legacy-*-prod", []step{{0, "shop-prod", 0, access.FindingOpen}, {time.Minute, "legacy-shop-prod", 0, access.FindingOpen}, {2 * time.Minute, "shop-prod", 0, access.FindingOpen}, {3 * time.Minute, "legacy-shop-prod", 0, access.FindingOpen}}},
		{"by its id", prjID, []step{{0, "shop-prod", 0, access.FindingWaived}, {time.Minute, "legacy-shop-prod", 0, access.FindingWaived}}},
	} {
		var doc access.Findings
		for _, s := range c.steps {
			w := waiverOf(t0.Add(s.granted), 20*time.Hour)
			w.Project = c.project
			in := waivedWorld(t0.Add(s.after), w)
			in.Called = doc.Called
			putFirst(in, access.KindProject, access.Project{ID: prjID, Title: s.title})
			doc, _ = e.Advance(doc, in, e.Evaluate(in))
			if f := theOne(t, doc, ruleOpenToWorld); f.State != s.want {
				t.Errorf("%s: after %s it is %s, want %s", c.name, s.after, f.State, s.want)
			}
		}
	}
}

// TestCalledOfLate: so many names are remembered, and by none of those before anything is meant.
func TestCalledOfLate(t *testing.T) {
	e := mustLoad(t, testPolicy())
	var doc access.Findings
	for i := range 2 * manyNames {
		in := waivedWorld(t0.Add(time.Duration(i) * time.Hour))
		putFirst(in, access.KindProject, access.Project{ID: prjID, Title: fmt.Sprintf("n%d-prod", i)})
		doc, _ = e.Advance(doc, in, nil)
	}
	in := waivedWorld(t0.Add(100 * time.Hour))
	putFirst(in, access.KindProject, access.Project{ID: prjID, Title: fmt.Sprintf("n%d-prod", 2*manyNames-1)})
	in.Called = doc.Called
	for at, want := range map[time.Duration]string{
		time.Hour: "", 19*time.Hour + time.Minute: "", 20 * time.Hour: "n20-prod", 20*time.Hour + time.Minute: "n20-prod", 38 * time.Hour: "n38-prod", 99 * time.Hour: "n39-prod",
	} {
		if got := e.calledAt(&in, t0.Add(at)); got != want {
			t.Errorf("what was said after %s means %q, want %q", at, got, want)
		}
	}
	if got := e.called(&in); got != "" || len(doc.Called) != manyNames {
		t.Errorf("expectations mean %q, of %d names", got, len(doc.Called))
	}
	in.Now = in.Now.Add(access.LongestExpectation)
	if got := e.called(&in); got != "n39-prod" {
		t.Errorf("a month later expectations mean %q", got)
	}
}
