package report

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update and look at the change):\n%s", path, got)
	}
}

func TestGolden(t *testing.T) {
	r := sample(5, false)
	golden(t, "junit.xml", written(t, "junit", r, Options{}))
	golden(t, "table.txt", written(t, "table", r, Options{Width: 80, Framework: "cis8"}))
}

// TestJUnitCase is what each way of being judged becomes.
func TestJUnitCase(t *testing.T) {
	const rule = "network/open-to-world"
	scope := access.ProjectScope("a")
	base := Report{Rules: []Rule{{ID: rule, Title: "T", Gate: GateNetwork, Kinds: []access.Kind{access.KindIPAccessEntry}}, {ID: "org/mfa-not-required", Kinds: []access.Kind{access.KindOrgSettings}}}}
	for _, c := range []struct {
		name   string
		judged map[string]Judged
		edit   func(*Report)
		want   string // failure, error, skipped or pass, and its message
	}{
		{"found nothing", map[string]Judged{rule: {Pass: 3}}, nil, "pass"},
		{"nothing of its kind", map[string]Judged{rule: {}}, nil, "pass"},
		{"one violation", map[string]Judged{rule: {Violations: 1}}, func(r *Report) { r.Findings = []Finding{finding("a", access.High)} }, "failure high: a"},
		{"two, and an unknown", map[string]Judged{rule: {Violations: 2, Unknown: 1}}, func(r *Report) {
			r.Findings, r.Unknown = []Finding{finding("a", access.Low), finding("b", access.High)}, []Unknown{{Rule: rule, Ref: access.Ref{Scope: scope}}}
		}, "failure high: 2 findings"},
		{"one waived, one not", map[string]Judged{rule: {Violations: 2}}, func(r *Report) { r.Findings = []Finding{finding("a", access.Low), finding("b", access.High, waived)} }, "failure low: a"},
		{"all waived", map[string]Judged{rule: {Violations: 1}}, func(r *Report) { r.Findings = []Finding{finding("a", access.Low, waived)} }, "skipped: waived"},
		{"resolved", map[string]Judged{rule: {Pass: 1}}, func(r *Report) { r.Findings = []Finding{finding("a", access.Low, resolved)} }, "pass"},
		{"could not tell", map[string]Judged{rule: {Unknown: 1}}, func(r *Report) { r.Unknown = []Unknown{{Rule: rule, Ref: access.Ref{Scope: scope}, Why: "denied"}} }, "error unknown: could not be judged"},
		{"could not tell, by number only", map[string]Judged{rule: {Unknown: 1}}, nil, "error unknown: could not be judged"},
		{"not shown", map[string]Judged{rule: {Violations: 2}}, nil, "skipped: 2 violations not shown: known to the baseline, or filtered out"},
		{"not applicable", map[string]Judged{rule: {NotApplicable: 2, Why: "no cluster"}}, nil, "skipped: not applicable: no cluster"},
		{"in part not applicable", map[string]Judged{rule: {NotApplicable: 2, Pass: 1}}, nil, "pass"},
		{"not covered", nil, func(r *Report) { r.NotCovered = []NotCovered{{Rule: rule, Why: "profile scan"}} }, "skipped: not covered: profile scan"},
		{"not judged", nil, nil, "skipped: not judged here"},
	} {
		r := base
		r.Scopes = []Scope{{Scope: scope, Title: "orders-prod", Judged: c.judged}}
		if c.edit != nil {
			c.edit(&r)
		}
		var got junitSuites
		if err := xml.Unmarshal([]byte(written(t, "junit", r, Options{})), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Suites) != 1 || len(got.Suites[0].Cases) != 1 {
			t.Fatalf("%s: want one case, of the rule for projects, got %+v", c.name, got.Suites)
		}
		if is := outcome(got.Suites[0].Cases[0]); is != c.want {
			t.Errorf("%s: %s, want %s", c.name, is, c.want)
		}
	}
}

func outcome(c junitCase) string {
	switch {
	case c.Failure != nil:
		return "failure " + c.Failure.Type + ": " + c.Failure.Message
	case c.Error != nil:
		return "error " + c.Error.Type + ": " + c.Error.Message
	case c.Skipped != nil:
		return "skipped: " + c.Skipped.Message
	}
	return "pass"
}
