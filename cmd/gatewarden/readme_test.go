package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
)

// TestReadmeConfiguration: what the README shows is a configuration, without warnings.
func TestReadmeConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	block, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the README shows no configuration")
	}
	f, err := config.Load("README.md", []byte(block))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Warnings) > 0 || !f.DryRun {
		t.Errorf("warnings %v, dry run %v", f.Warnings, f.DryRun)
	}
}

// TestReadmeCountsRules: the README counts the rules as rules list does.
func TestReadmeCountsRules(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := run([]string{"rules", "list"}, &out, &out); code != 0 {
		t.Fatalf("rules list: exit %d:\n%s", code, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if want := lines[len(lines)-1]; !strings.Contains(string(readme), want+".") {
		t.Errorf("the README does not say %q", want)
	}
}

// TestReadmeNamesWhatIsReverted: the README names and counts the rules that may be reverted
// without being asked: those with ceiling auto, but for what is of an org alone.
func TestReadmeNamesWhatIsReverted(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := run([]string{"rules", "list", "-o", "json"}, &out, &out); code != 0 {
		t.Fatalf("rules list: exit %d:\n%s", code, out.String())
	}
	var list []ruleRow
	if err := json.Unmarshal([]byte(out.String()), &list); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range list {
		if r.Ceiling != "auto" || !slices.ContainsFunc(r.Kind, func(k string) bool { return !slices.Contains(access.OrgKinds(), access.Kind(k)) }) {
			continue
		}
		if n++; !strings.Contains(string(readme), "`"+r.ID+"`") {
			t.Errorf("the README does not name %s", r.ID)
		}
	}
	if want := fmt.Sprintf("what %d of them find can be put right by itself", n); !strings.Contains(string(readme), want) {
		t.Errorf("the README does not say %q", want)
	}
}

// TestRulesDocsIsCurrent: docs/rules.md is what rules docs writes.
func TestRulesDocsIsCurrent(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := run([]string{"rules", "docs"}, &out, &out); code != 0 {
		t.Fatalf("rules docs: exit %d:\n%s", code, out.String())
	}
	if out.String() != string(text) {
		t.Error("docs/rules.md is not what the rules say: go run ./cmd/gatewarden rules docs > docs/rules.md")
	}
}

// TestExampleIsAccepted: the worked example passes the checks that need the rules.
func TestExampleIsAccepted(t *testing.T) {
	t.Setenv("ATLAS_READ_ID", "mdb_sa_id_64f000000000000000000a01")
	t.Setenv("ATLAS_READ_SECRET", "not-a-real-secret")
	var out strings.Builder
	if code := run([]string{"check", "--config", "../../deploy/examples/examplecorp.yaml"}, &out, &out); code != 0 {
		t.Errorf("check: exit %d:\n%s", code, out.String())
	}
}

// TestExampleIsClean: the worked example is checked as its README says, without a secret and
// without a warning.
func TestExampleIsClean(t *testing.T) {
	var out strings.Builder
	if code := run([]string{"check", "--offline", "--config", "../../deploy/examples/examplecorp.yaml"}, &out, &out); code != 0 || strings.Contains(out.String(), "warning:") {
		t.Errorf("exit %d:\n%s", code, out.String())
	}
}
