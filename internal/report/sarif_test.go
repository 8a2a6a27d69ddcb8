package report

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/gatewarden/gatewarden/internal/access"
)

// officialSARIF is the schema of OASIS, errata 01, as github.com/owenrumney/go-sarif holds
// it: as a constant, so that it is read from the module's source.
func officialSARIF(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "pkg/report/v210/sarif/schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == "schema" {
			text, err = strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	if err != nil || !strings.Contains(text, "SARIF) Version 2.1.0 JSON Schema") {
		t.Fatalf("the module holds no schema any more: %v", err)
	}
	return []byte(text)
}

func TestSARIFSchema(t *testing.T) {
	schema := compiled(t, officialSARIF(t), nil)
	for name, r := range map[string]Report{"none": {}, "5": sample(5, false), "500": sample(500, false), "odd": sample(60, true), "compared": full()} {
		out := written(t, "sarif", r, Options{})
		if err := valid(t, schema, out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		read, err := sarif.FromBytes([]byte(out))
		if err != nil {
			t.Fatal(err)
		}
		want := len(r.Unknown)
		for _, f := range r.Findings {
			if f.Open() {
				want++
			}
		}
		if got := read.Runs[0]; len(got.Results) != want || *got.Tool.Driver.Name != "Gatewarden" {
			t.Errorf("%s: another reader sees %d results of %s, want %d", name, len(got.Results), *got.Tool.Driver.Name, want)
		}
	}
	broken := strings.Replace(written(t, "sarif", sample(5, false), Options{}), `"level": "error"`, `"level": "dire"`, 1)
	if valid(t, schema, broken) == nil {
		t.Error("a level that SARIF does not know passes: nothing was validated")
	}
}

func sarifOf(t *testing.T, r Report, o Options) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(written(t, "sarif", r, o)), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

func TestSARIFResults(t *testing.T) {
	r := full()
	run := sarifOf(t, r, Options{Artifact: "config/atlas.yaml"})
	byID := map[string]sarifResult{}
	open := 0
	for _, x := range run.Results {
		byID[x.Fingerprints["gatewardenFinding/v1"]] = x
		if x.Kind == "open" {
			open++
		}
		// GitHub wants a file with a line, the only fingerprint that it compares, and a rule.
		at := x.Locations[0].Physical
		if at.Artifact["uri"] != "config/atlas.yaml" || at.Region["startLine"] != 1 || x.Fingerprints["primaryLocationLineHash"] == "" {
			t.Fatalf("GitHub would not show %+v", x)
		}
		if rule := run.Tool.Driver.Rules[x.RuleIndex]; rule.ID != x.RuleID {
			t.Errorf("%s points at the rule %s", x.RuleID, rule.ID)
		}
		if (x.Level == "none") != (x.Kind == "open") || x.Suppressions == nil {
			t.Errorf("a result of kind %s has level %s and suppressions %v", x.Kind, x.Level, x.Suppressions)
		}
	}
	if len(byID) != len(run.Results) || open != len(r.Unknown) {
		t.Errorf("%d results with %d fingerprints, %d open of %d unknown", len(run.Results), len(byID), open, len(r.Unknown))
	}
	levels := map[access.Severity]string{access.Critical: "error", access.High: "error", access.Medium: "warning", access.Low: "note", access.Info: "note"}
	for _, f := range r.Findings {
		x := byID[f.ID]
		if x.Level != levels[f.Severity] || (x.Baseline == "new") != (f.New || f.MayBeNew) || x.Baseline == "" {
			t.Errorf("%s (%s, new %v): level %s, baseline %s", f.ID, f.Severity, f.New, x.Level, x.Baseline)
		}
		if f.IsWaived() != (len(x.Suppressions) == 1) || f.IsWaived() && (x.Suppressions[0].Kind != "external" || !strings.Contains(x.Suppressions[0].Justification, f.Waiver.Reason)) {
			t.Errorf("waived %v, suppressions %v", f.IsWaived(), x.Suppressions)
		}
	}
	if len(run.Invocations[0].Notifications) == 0 {
		t.Error("what could not be read is not told")
	}
	if x := sarifOf(t, sample(5, false), Options{}).Results[0]; x.Baseline != "" {
		t.Errorf("without a baseline a result is %s", x.Baseline)
	}
}

// TestSARIFSeverity keeps the numbers within the ranges by which GitHub names them ("SARIF
// support for code scanning", reportingDescriptor properties).
func TestSARIFSeverity(t *testing.T) {
	for s, within := range map[access.Severity][2]float64{access.Critical: {9.1, 10}, access.High: {7, 8.9}, access.Medium: {4, 6.9}, access.Low: {0.1, 3.9}, access.Info: {0.1, 3.9}, "dire": {9.1, 10}} {
		n, err := strconv.ParseFloat(securitySeverity(s), 64)
		if err != nil || n < within[0] || n > within[1] {
			t.Errorf("%s is %v (%v), want within %v", s, n, err, within)
		}
	}
}

func TestSARIFMessage(t *testing.T) {
	for in, want := range map[string]string{
		"[click](http://evil.example)": `\[click\](http://evil.example)`, "plain [x] \\ {y}": `plain [x] \ {y}`, "arg {0}": "arg {{0}}", "\x1b[31m": `\u001b[31m`, "": "no message",
	} {
		if got := message(in).Text; got != want {
			t.Errorf("message(%q) = %q, want %q", in, got, want)
		}
	}
}
