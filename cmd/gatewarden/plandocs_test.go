package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/internal/report"
)

const (
	planDocs      = "../../docs/plan.md"
	planDocsBegin = "<!-- a real one: TestPlanDocs holds it -->\n```\n"
	planDocsWorld = `
orgs:
  - name: ExampleCorp
    id: 64f000000000000000000001
    serviceAccounts:
      - {clientId: mdb_sa_id_64f000000000000000000a01, secret: fake-read-secret, name: gatewarden-read, roles: [ORG_READ_ONLY, "GROUP_CLUSTER_LOG_VIEWER@*"]}
    projects:
      - name: shop-prod
        clusters: [{name: prod-cluster}]
        accessList:
          - {cidrBlock: 0.0.0.0/0, comment: "OPS-1 owner=alice"}
          - {cidrBlock: 8.8.8.0/28, comment: "OPS-2 owner=alice"}
          - {cidrBlock: 8.8.4.0/28, comment: "OPS-3 owner=alice"}
      - name: shop-dev
`
	planDocsOld = `
atlas:
  base_url: %s
  profile: remediate
  orgs:
    - id: 64f000000000000000000001
      read:  {client_id: {env: READ_ID}, client_secret: {env: READ_SECRET}}
      write: {client_id: {env: WRITE_ID}, client_secret: {env: WRITE_SECRET}}
environments:
  prod: {projects: ["*-prod"]}
  dev:  {projects: ["*-dev"]}
networks: {prod: {app: [8.8.8.0/28, 8.8.4.0/28]}}
rules: {only: ["network/*"]}
responses:
  - {rules: [network/open-to-world], environments: [prod], do: notify}
dry_run: true
`
)

// TestPlanDocs: what docs/plan.md shows is what plan writes, and the commands in it are such as
// the program takes.
func TestPlanDocs(t *testing.T) {
	raw, err := os.ReadFile(planDocs)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	before, rest, ok := strings.Cut(page, planDocsBegin)
	shown, after, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("docs/plan.md shows no plan")
	}
	var got string
	t.Run("capture", func(t *testing.T) { got = planOfDocs(t) }) // in a folder of its own
	if *update {
		if err := os.WriteFile(planDocs, []byte(before+planDocsBegin+got+"```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(shown, got); d != "" {
		t.Errorf("docs/plan.md shows another plan (-docs +plan): go test ./cmd/gatewarden -run TestPlanDocs -update\n%s", d)
	}
	flags := planCommand(os.Stdout, os.Stderr).Flags()
	n := 0
	for _, line := range regexp.MustCompile(`(?m)gatewarden plan [^#\n]+`).FindAllString(page, -1) {
		words := strings.Fields(strings.ReplaceAll(strings.Trim(line, "` "), `"`, ""))[2:]
		if n++; strings.Contains(line, "NEW.yaml") {
			continue
		}
		if err := planCommand(os.Stdout, os.Stderr).ParseFlags(words); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, flag := range regexp.MustCompile(`(?m)^ +(?:-., )?(--[a-z-]+)`).FindAllStringSubmatch(flags.FlagUsages(), -1) {
		if flag[1] != "--quiet" && flag[1] != "--output" && !strings.Contains(page, flag[1]) {
			t.Errorf("docs/plan.md does not name %s", flag[1])
		}
	}
	for _, reason := range append(report.FailReasons(), "internal/report/preview.schema.json") {
		if !strings.Contains(page, "`"+reason+"`") {
			t.Errorf("docs/plan.md does not say %s", reason)
		}
	}
	if n < 5 {
		t.Errorf("docs/plan.md shows %d commands", n)
	}
	workflow(t, page)
}

// workflow checks that the example of a pipeline is YAML of the form that GitHub takes.
func workflow(t *testing.T, page string) {
	t.Helper()
	_, rest, _ := strings.Cut(page, "```yaml\n")
	block, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/plan.md shows no workflow")
	}
	var w struct {
		On          map[string]any    `yaml:"on"`
		Permissions map[string]string `yaml:"permissions"`
		Jobs        map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses, Run, Name, If string
				With, Env           map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte(block), &w); err != nil {
		t.Fatal(err)
	}
	plan := w.Jobs["plan"]
	if w.On["pull_request"] == nil || w.Permissions["security-events"] != "write" || plan.RunsOn == "" || len(plan.Steps) != 5 || strings.Contains(block, "secrets.") {
		t.Errorf("the workflow is %+v", w)
	}
}

// planOfDocs is the plan that the page shows, with its dates left out.
func planOfDocs(t *testing.T) string {
	t.Helper()
	w, err := sim.ParseWorld("world.yaml", []byte(planDocsWorld))
	if err != nil {
		t.Fatal(err)
	}
	a, err := sim.New(sim.Options{World: w, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	defer server.Close()
	t.Setenv("READ_ID", "mdb_sa_id_64f000000000000000000a01")
	t.Setenv("READ_SECRET", "fake-read-secret")
	t.Setenv("WRITE_ID", "mdb_sa_id_64f000000000000000000a02")
	t.Setenv("WRITE_SECRET", "fake-write-secret")
	t.Setenv("COLUMNS", "100")
	dir := t.TempDir()
	t.Chdir(dir)
	old := fmt.Sprintf(planDocsOld, server.URL)
	now := strings.NewReplacer("8.8.8.0/28, 8.8.4.0/28", "8.8.8.0/28", "do: notify", "do: revert", "dry_run: true", "dry_run: false").Replace(old)
	for name, text := range map[string]string{"old.yaml": old, "new.yaml": now} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if code := run([]string{"scan", "--config", "old.yaml", "--save", "kept.json", "--fail-on", "none", "-o", "csv"}, &out, &out); code != 0 && code != exitUnreadable {
		t.Fatalf("scan: exit %d:\n%s", code, out.String())
	}
	out.Reset()
	var said strings.Builder
	if code := run([]string{"plan", "new.yaml", "--old", "old.yaml", "--from", "kept.json"}, &out, &said); code != exitViolation {
		t.Fatalf("plan: exit %d:\n%s%s", code, out.String(), said.String())
	}
	return regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`).ReplaceAllString(out.String(), "2026-06-01 12:00 UTC")
}
