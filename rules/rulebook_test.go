package rules

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRuleBook holds the built-in rules against the rule book (testdata/rulebook.tsv): its
// ids are stable, since users name them in responses and waivers; severity, what a rule
// judges and its ceiling are promises. One differs from how the book was first written:
// dbuser/break-glass-used was a rule on changes, but a login on a later day makes none, so
// that it judges what the access history shows, a finding a day.
func TestRuleBook(t *testing.T) {
	text, err := os.ReadFile("testdata/rulebook.tsv")
	if err != nil {
		t.Fatal(err)
	}
	e := proved(t)
	missing := map[string]bool{}
	for _, r := range e.Rules() {
		missing[r.ID] = true // in the book
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines {
		f := strings.Split(line, "\t")
		r, ok := e.Rule(f[0])
		if !ok {
			t.Errorf("%s: there is no such rule", f[0])
			continue
		}
		delete(missing, f[0])
		on := "state"
		if r.On == OnChange {
			on = "change"
		}
		if got := []string{r.ID, string(r.Severity), on, ceilingText(r.Ceiling)}; !slices.Equal(got, f) {
			t.Errorf("the rule is %v, the book says %v", got, f)
		}
		if n := len(r.Fix); n < 30 || n > 400 || !strings.HasSuffix(r.Fix, ".") {
			t.Errorf("%s: what to do has %d characters and should be a few sentences: %q", r.ID, n, r.Fix)
		}
		if r.Title == "" || r.Why == "" || len(r.Controls) == 0 || r.Tests.Worlds < 1 || r.Tests.Assertions < 4 {
			t.Errorf("%s: title %q, reason of %d characters, %d controls, %d tests with %d assertions", r.ID, r.Title, len(r.Why), len(r.Controls), r.Tests.Worlds, r.Tests.Assertions)
		}
	}
	worlds, assertions := 0, 0
	for _, r := range e.Rules() {
		worlds, assertions = worlds+r.Tests.Worlds, assertions+r.Tests.Assertions
	}
	t.Logf("%d rules in the book, %d loaded, %d tests with %d assertions", len(lines), len(e.Rules()), worlds, assertions)
	if len(missing) > 0 {
		t.Errorf("rules that the book does not have: %v", slices.Sorted(maps.Keys(missing)))
	}
}

func proved(t *testing.T) *Engine {
	t.Helper()
	e, err := Prove(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
