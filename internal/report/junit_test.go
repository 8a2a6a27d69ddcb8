package report

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
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
		{"could not tell", map[string]Judged{rule: {Unknown: 1}}, func(r *Report) { r.Unknown = []Unknown{{Rule: rule, Ref: access.Ref{Scope: scope}, Why: "denied"}} }, "skipped: could not be judged, which is unknown and not clean"},
		{"could not tell, by number only", map[string]Judged{rule: {Unknown: 1}}, nil, "skipped: could not be judged, which is unknown and not clean"},
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
		if len(got.Suites) != 1 || len(got.Suites[0].Cases) != 2 {
			t.Fatalf("%s: want two cases, of the reads and of the rule for projects, got %+v", c.name, got.Suites)
		}
		if is := outcome(got.Suites[0].Cases[1]); is != c.want {
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

// TestJUnitAgrees: there are failures where a scan exits with 1, and errors where it does
// with 3.
func TestJUnitAgrees(t *testing.T) {
	const rule = "network/open-to-world"
	scope := func(reads access.Status, unknown int) Scope {
		return Scope{Scope: access.ProjectScope("a"), Title: "orders-prod", Judged: map[string]Judged{rule: {Violations: 1, Unknown: unknown}},
			Reads: map[access.Kind]Read{access.KindProject: {Status: access.StatusComplete}, access.KindIPAccessEntry: {Status: reads, Reason: "put off"}}}
	}
	whole := scope(access.StatusComplete, 0)
	high := []Finding{finding("a", access.High)}
	mayBe := []Finding{finding("a", access.High, func(f *Finding) { f.MayBeNew = true })}
	for _, c := range []struct {
		name                      string
		scope                     Scope
		found                     []Finding
		compared                  bool
		o                         Options
		failures, errors, skipped int
		says                      string
	}{
		{"as severe", whole, high, false, Options{FailOn: "high"}, 1, 0, 0, ""},
		{"less severe", whole, high, false, Options{FailOn: "critical"}, 0, 0, 1, "does not make the exit code: a"},
		{"none fails", whole, high, false, Options{FailOn: "none"}, 0, 0, 1, "[high] ip_access_entry a: a"},
		{"known to the baseline", whole, high, true, Options{FailOn: "low"}, 0, 0, 1, ""},
		{"may be new", whole, mayBe, true, Options{FailOn: "low"}, 0, 0, 1, ""},
		{"may be new, strictly", whole, mayBe, true, Options{FailOn: "low", Strict: true}, 1, 0, 0, ""},
		{"a rule could not tell", scope(access.StatusComplete, 1), nil, false, Options{FailOn: "low"}, 0, 0, 1, "could not be judged"},
		{"likewise, strictly", scope(access.StatusComplete, 1), nil, false, Options{FailOn: "low", Strict: true}, 0, 1, 0, "could not be judged"},
		{"a kind was not read", scope(access.StatusUnread, 1), nil, false, Options{FailOn: "none"}, 0, 1, 1, "ip_access_entry: not read: put off"},
		{"and something is found", scope(access.StatusUnread, 0), high, false, Options{FailOn: "low"}, 1, 1, 0, ""},
	} {
		r := Report{Rules: []Rule{{ID: rule, Kinds: []access.Kind{access.KindIPAccessEntry}}}, Scopes: []Scope{c.scope}, Findings: c.found,
			Unmatched: []Unmatched{{Path: "identities[0]", Pattern: "app-*", Why: "no user is called so", Source: "gatewarden.yaml:7:3"}}}
		if c.compared {
			r.Compared = &Compared{}
		}
		text := written(t, "junit", r, c.o)
		var got junitSuites
		if err := xml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if got.Tests != 2 || got.Failures != c.failures || got.Errors != c.errors || got.Skipped != c.skipped || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d failures, %d errors, %d skipped of %d:\n%s", c.name, got.Failures, got.Errors, got.Skipped, got.Tests, text)
		}
		if !strings.Contains(text, `<property name="unmatched" value="identities[0] app-*: no user is called so (gatewarden.yaml:7:3)">`) {
			t.Errorf("%s: what matches nothing is not said:\n%s", c.name, text)
		}
	}
}
