package report

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFrameworkOfFiltered: whatever a filter leaves out, the controls speak of what is
// listed, of what is not, and of what the rules said beside that.
func TestFrameworkOfFiltered(t *testing.T) {
	all := sample(60, false)
	for name, f := range map[string]Filter{
		"all": {}, "severity": {AtLeast: "high"}, "gate": {Gates: []Gate{GateNetwork}}, "rule": {Rules: []string{"dbuser/*"}}, "project": {Projects: []string{"*-prod"}},
		"environment": {Environments: []string{"prod"}}, "none": {Rules: []string{"no/such"}},
	} {
		kept := all.Keep(f)
		for _, framework := range Frameworks() {
			whole, err := Framework(all, framework)
			if err != nil {
				t.Fatal(err)
			}
			part, err := Framework(kept, framework)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range part.Controls {
				w := whole.Controls[i]
				if c.ID != w.ID || len(c.Findings)+len(c.Waived)+c.Hidden != len(w.Findings)+len(w.Waived) || c.Unknown != w.Unknown {
					t.Errorf("%s, %s: %d listed, %d waived, %d not shown, %d unknown; of all: %d, %d, %d unknown", name, c.ID, len(c.Findings), len(c.Waived), c.Hidden, c.Unknown, len(w.Findings), len(w.Waived), w.Unknown)
				}
				if clean := c.State == StandingNone; clean != (w.State == StandingNone) {
					t.Errorf("%s: %s is %s, of all %s", name, c.ID, c.State, w.State)
				}
				for _, id := range c.Findings {
					if !slices.ContainsFunc(kept.Findings, func(f Finding) bool { return f.ID == id }) {
						t.Errorf("%s: %s tells of %s, which is not listed", name, c.ID, id)
					}
				}
			}
		}
		if got, want := kept.Totals(), all.Totals(); got.Standing+got.Waived+got.Hidden != want.Standing+want.Waived {
			t.Errorf("%s: %d + %d + %d of %d + %d", name, got.Standing, got.Waived, got.Hidden, want.Standing, want.Waived)
		}
	}
}

func TestControlSummary(t *testing.T) {
	r := Report{
		Rules:      []Rule{{ID: "a/a", Controls: []string{"CC1"}}, {ID: "b/b", Controls: []string{"CC1", "CC2"}}, {ID: "c/c", Controls: []string{"CC2", "CC3"}}, {ID: "d/d", Controls: []string{"CC4"}}, {ID: "e/e", Controls: []string{"CC5"}}},
		Scopes:     []Scope{{Scope: "prj.1", Judged: map[string]Judged{"a/a": {Pass: 2}, "b/b": {NotApplicable: 1}, "c/c": {Violations: 1}, "d/d": {Unknown: 1, Pass: 3}}}},
		Unknown:    []Unknown{{Rule: "d/d", Count: 1}},
		NotCovered: []NotCovered{{Rule: "e/e"}},
		Hidden:     map[string]int{"c/c": 1},
	}
	g, err := Framework(r, "soc2")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range g.Controls {
		got[c.ID] = c.Summary()
	}
	if diff := cmp.Diff(map[string]string{
		"CC1": "no findings, 1 rule passed, 1 rule had nothing to judge", "CC2": "1 not shown, 1 rule had nothing to judge", "CC3": "1 not shown", "CC4": "1 unknown", "CC5": "1 of 1 rule not covered",
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
