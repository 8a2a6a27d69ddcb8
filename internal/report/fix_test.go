package report

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

const openFix = "Delete the entry after adding narrow ones."

// fixed is a report with findings of a rule that says what to do, in the order of the ids.
func fixed(edit func(i int, f *Finding), ids ...string) Report {
	rule := Rule{ID: "network/open-to-world", Title: "Open", Why: "Because.", Fix: openFix, Gate: GateNetwork, Severity: access.High, Remedy: noRemedy}
	r := Report{V: Version, Tool: "gatewarden", At: sampleTime(), Source: Live, Rules: []Rule{rule}, Scopes: []Scope{{Scope: access.ProjectScope("a")}}}
	for i, id := range ids {
		r.Findings = append(r.Findings, finding(id, access.High, func(f *Finding) {
			f.Message, f.Fix, f.Remedy = "Entry "+id+" is open.", openFix, noRemedy
			edit(i, f)
		}))
	}
	return r
}

// TestFixOnce: where findings and their rule say the same, it is written once.
func TestFixOnce(t *testing.T) {
	r := fixed(func(i int, f *Finding) {
		if i == 2 {
			f.Severity = access.Low
		}
	}, "10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8")
	for format, want := range map[string]int{"table": 1, "html": 2, "junit": 1, "sarif": 4, "ocsf": 3, "csv": 3} { // html: a rule has a block in each severity
		if n := strings.Count(written(t, format, r, Options{Width: 80}), openFix); n != want {
			t.Errorf("%s says what to do %d times, want %d", format, n, want)
		}
	}
	odd := fixed(func(i int, f *Finding) {
		if i == 1 {
			f.Fix = "Ask Alice."
		}
	}, "10.0.0.0/8", "11.0.0.0/8")
	for _, format := range []string{"table", "html", "junit"} {
		if out := written(t, format, odd, Options{Width: 80}); !strings.Contains(out, openFix) || !strings.Contains(out, "Ask Alice.") {
			t.Errorf("%s leaves out what to do of one finding", format)
		}
	}
}

func TestTableGroups(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  []string
		edit func(i int, f *Finding)
		want string
	}{
		{"one", []string{"10.0.0.0/8"}, func(int, *Finding) {}, `
    network/open-to-world
      Entry 10.0.0.0/8 is open.
      fix: ` + openFix},
		{"several that say the same", []string{"10.0.0.0/8", "11.0.0.0/8"}, func(int, *Finding) {}, `
    network/open-to-world  2
      Entry … is open.
      - 10.0.0.0/8
      - 11.0.0.0/8
      fix: ` + openFix},
		{"one that has more to tell", []string{"10.0.0.0/8", "11.0.0.0/8"}, func(i int, f *Finding) {
			if i == 1 {
				f.Owner = "alice"
			}
		}, `
    network/open-to-world  2
      - Entry 10.0.0.0/8 is open.
      - Entry 11.0.0.0/8 is open.
        owner: alice
      fix: ` + openFix},
		{"a message without the name", []string{"10.0.0.0/8"}, func(_ int, f *Finding) { f.Message = "It is open." }, `
    network/open-to-world
      10.0.0.0/8: It is open.
      fix: ` + openFix},
		{"another project", []string{"10.0.0.0/8", "11.0.0.0/8"}, func(i int, f *Finding) {
			if i == 1 {
				f.Ref.Scope, f.ProjectTitle = access.ProjectScope("b"), "stock"
			}
		}, `
    network/open-to-world
      Entry 10.0.0.0/8 is open.
      fix: ` + openFix + `
  stock
    network/open-to-world  (fix: above)
      Entry 11.0.0.0/8 is open.`},
		{"nothing to do but a remedy", []string{"10.0.0.0/8"}, func(_ int, f *Finding) { f.Fix, f.Remedy = "", "delete-entries" }, `
    network/open-to-world
      Entry 10.0.0.0/8 is open.
      fix: delete-entries`},
		{"nothing to do at all", []string{"10.0.0.0/8"}, func(_ int, f *Finding) { f.Fix = "" }, `
    network/open-to-world
      Entry 10.0.0.0/8 is open.`},
	} {
		out := written(t, "table", fixed(c.edit, c.ids...), Options{Width: 80})
		_, out, _ = strings.Cut(out, "orders-prod")
		if !strings.HasPrefix(out, c.want+"\n\n") {
			t.Errorf("%s: got%s\nwant%s", c.name, out, c.want)
		}
	}
}

func TestFixOfRule(t *testing.T) {
	r := fixed(func(_ int, f *Finding) { f.Fix = "" }, "10.0.0.0/8")
	if out := written(t, "sarif", r, Options{}); !strings.Contains(out, `"text": "Because.\n\nFix: `+openFix+`"`) {
		t.Errorf("the help of SARIF does not say what to do, or tells a remedy that is none:\n%s", out)
	}
	if out := written(t, "ocsf", r, Options{}); !strings.Contains(out, `"desc":"`+openFix+`"`) {
		t.Errorf("the remediation of OCSF does not say what to do:\n%s", out)
	}
}
