package report

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// preview is one with everything that a preview can hold.
func preview() Preview {
	at := sampleTime()
	entry := access.Ref{Scope: "prj.1", Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	answer := func(do string, now, then Deed) *Answer {
		return &Answer{Do: do, Now: now, Then: then, Source: "new.yaml:9"}
	}
	revert := answer("revert", DeedNothing, DeedRevert)
	revert.Plan = &access.Plan{
		Operations: []access.Operation{{Type: access.DeleteAccessEntry, Ref: entry, Before: access.Box{State: access.IPAccessEntry{Entry: "0.0.0.0/0"}}}},
		Inverse:    []access.Operation{{Type: access.CreateAccessEntry, Ref: entry, Entry: access.IPAccessEntry{Entry: "0.0.0.0/0"}}},
		Reversible: "yes", Ceiling: access.CeilingAuto, Why: "delete 0.0.0.0/0 from the access list",
	}
	question := &Question{Approvers: []string{"oncall"}, Can: []string{"alice", "bob"}, Quorum: 2, Deadline: "4 h", OnDeadline: "ticket"}
	asked := answer("approve", DeedTell, DeedAsk)
	asked.Ask, asked.NowWhy, asked.ThenWhy = question, "a change of the configuration opened it", "quarantine admin/app"
	refused := answer("revert", DeedNothing, DeedRefuse)
	refused.Guard, refused.ThenWhy = "dry_run", "dry run is on"
	finding := func(id, rule string, s access.Severity, e Effect, edit func(*PreviewFinding)) PreviewFinding {
		f := PreviewFinding{ID: id, Rule: rule, Ref: entry, Project: "shop-prod", Environment: "prod", Severity: s, State: "open", Message: "It is so (" + id + ").", Effect: e, New: answer("notify", DeedNothing, DeedTell)}
		if edit != nil {
			edit(&f)
		}
		return f
	}
	nobody := *question
	nobody.Can, nobody.Trouble = []string{}, "nobody can answer"
	p := Preview{
		V: PreviewVersion, Tool: "gatewarden", Version: "1.0", At: at, New: PreviewSide{"new.yaml", "n", 102}, Old: PreviewSide{"old.yaml", "o", 101},
		Inventory: PreviewInventory{Source: "file", Where: "kept.json", At: at, Age: 26 * time.Hour, Profile: "scan", Scopes: 3, Unread: []string{"shop-lost"}, Gaps: []string{"shop-prod: cluster (denied): no role"}, Once: true, Calls: 7},
		Settings:  []PreviewSetting{{"dry_run", "true", "false", "it acts on new episodes only", true, "new.yaml", 12}, {"guards.never_touch", "a", "b", "", false, "", 0}},
		Moves: []PreviewMove{
			{Scope: "prj.1", Project: "shop-prod", From: "prod", To: "prod", Matches: "dev", Why: "its name says so", Held: true, File: "new.yaml", Line: 4},
			{Scope: "prj.2", Project: "shop-dev", From: "", To: "dev", Matches: "dev", Why: "its tags say so"},
		},
		Rules: []PreviewRule{
			{Rule: "mine/wide", Changes: []string{"new"}, Seeing: true, File: "rules/own.yaml", Line: 1},
			{Rule: "dbuser/unused", Changes: []string{"not judged any more"}, Blind: []access.Kind{access.KindAccessHistory}, File: "new.yaml", Line: 2},
			{Rule: "network/gone", Changes: []string{"judged no more"}, Gone: true, File: "new.yaml", Line: 14},
		},
		Responses: []PreviewResponse{
			{From: DeedTell, To: DeedRevert, Why: "after 1 min", Environments: []string{"prod"}, Rules: []string{"network/open-to-world"}, Source: "new.yaml:9", File: "new.yaml", Line: 9},
			{From: DeedTell, To: DeedAsk, Environments: []string{"prod", ""}, Rules: []string{"dbuser/excess-role"}, Ask: question},
			{From: DeedTell, To: DeedAsk, Environments: []string{"dev"}, Rules: []string{"a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7", "a/8", "a/9"}, Ask: &nobody},
		},
		Waivers: []PreviewWaiver{{"w", "network/*", "begins", 2, "", "2026-06-02T00:00:00Z", "new.yaml", 30}, {"x", "dbuser/*", "ends", 1, "", "", "new.yaml", 29}, {"y", "dbuser/*", "differs", 0, "it ended: take it out", "", "", 0}},
		Findings: []PreviewFinding{
			finding("a1", "network/open-to-world", access.Critical, EffectOpens, func(f *PreviewFinding) {
				f.New, f.Because, f.Key = revert, []Because{{Part: "networks", File: "new.yaml", Line: 7}}, "k"
			}),
			finding("a2", "mine/wide", access.Low, EffectOpens, func(f *PreviewFinding) {
				f.New, f.Because = asked, []Because{{Part: "rules.paths", File: "rules/own.yaml", Line: 1, Jointly: true}, {Part: "environments", File: "new.yaml", Line: 4, Jointly: true}}
			}),
			finding("a3", "mine/wide", access.Low, EffectOpens, func(f *PreviewFinding) {
				f.New, f.Because = asked, []Because{{Part: "rules.paths", File: "rules/own.yaml", Line: 1, Jointly: true}, {Part: "environments", File: "new.yaml", Line: 4, Jointly: true}}
			}),
			finding("b", "network/peering", access.High, EffectCloses, func(f *PreviewFinding) { f.State, f.Why, f.New, f.Old = "resolved", "it is no longer so", nil, refused }),
			finding("c", "dbuser/unscoped", access.High, EffectLapses, func(f *PreviewFinding) { f.Why = "it was waived before" }),
			finding("d", "dbuser/unscoped", access.High, EffectWaived, func(f *PreviewFinding) { f.State, f.Why = "waived", "waiver w of alice holds" }),
			finding("e", "dbuser/unused", access.Medium, EffectUnknown, func(f *PreviewFinding) { f.Why = "access_history is not covered" }),
			finding("f", "dbuser/unused", access.Medium, EffectKnown, nil),
			finding("g", "org/mfa", access.Medium, EffectSeverity, func(f *PreviewFinding) {
				f.Was, f.Why, f.Environment, f.Project = access.High, "high → medium", "", "ExampleCorp"
			}),
			finding("h", "network/open-to-world", access.Critical, EffectResponse, func(f *PreviewFinding) {
				f.Old, f.New, f.Why, f.Because = refused, revert, "refuse (dry_run) → revert", []Because{{Part: "responses", File: "new.yaml", Line: 9}}
			}),
			finding("i", "network/odd", access.Info, EffectNone, func(f *PreviewFinding) { f.New = refused }),
			finding("j", "network/odd", access.Info, EffectNone, func(f *PreviewFinding) { f.State = "waived" }),
		},
		Unknown: []PreviewUnknown{
			{"network/peering", "prj.1", "shop-prod", "peering cannot be read (denied)", 3, true}, {"network/odd", "prj.2", "", "cluster was not read", 1, false},
		},
		Privilege: []PreviewPrivilege{{"read", []string{"ORG_OWNER"}, []string{"ORG_READ_ONLY"}, "give it ORG_OWNER"}},
		Notes:     []string{"it is one look"},
		Catalog:   []Rule{{ID: "network/open-to-world", Title: "Open to the world", Gate: GateNetwork, Severity: access.Critical, Remedy: "delete-entries"}},
	}
	p.Count()
	return p
}

func previewed(t *testing.T, format string, p Preview, o PreviewOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := WritePreview(format, &b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPreviewCounts(t *testing.T) {
	want := PreviewSummary{Opens: 4, Closes: 1, Waived: 1, Severity: 1, Response: 1, Same: 2, Known: 1, Unknown: 3, Writes: 1, Asks: 10, Stuck: 1}
	p := preview()
	if d := cmp.Diff(want, p.Summary); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for on, n := range map[string]int{FailOpens: 1, FailCloses: 1, FailWrites: 1, FailUnknown: 1, "none": 0} {
		if got := p.Fails([]string{on}); len(got) != n {
			t.Errorf("on %s it fails for %v", on, got)
		}
	}
	p.Findings[0].New = &Answer{Now: DeedRevert}
	if p.Count(); p.Summary.WritesNow != 1 || len(p.Fails([]string{FailWrites})) != 2 {
		t.Errorf("a write at once: %+v", p.Summary)
	}
	if got := (Preview{}).Fails(FailReasons()); len(got) != 0 {
		t.Errorf("nothing fails for %v", got)
	}
}

func TestPreviewSchema(t *testing.T) {
	lenient, exact := compiled(t, PreviewSchema(), nil), compiled(t, PreviewSchema(), strict)
	empty := func(p Preview) Preview { // as it is made of nothing
		p.Settings, p.Moves, p.Rules, p.Responses, p.Waivers, p.Findings, p.Unknown, p.Privilege, p.Notes = []PreviewSetting{}, []PreviewMove{}, []PreviewRule{}, []PreviewResponse{}, []PreviewWaiver{}, []PreviewFinding{}, []PreviewUnknown{}, []PreviewPrivilege{}, []string{}
		p.Old = PreviewSide{}
		return p
	}
	for name, p := range map[string]Preview{"full": preview(), "empty": empty(preview())} {
		out := previewed(t, "json", p, PreviewOptions{})
		if err := valid(t, lenient, out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(t, exact, out); err != nil {
			t.Errorf("%s has what the schema does not describe: %v", name, err)
		}
		var back Preview
		if err := json.Unmarshal([]byte(out), &back); err != nil {
			t.Fatal(err)
		}
		want := p.sorted()
		want.Catalog = nil
		if d := cmp.Diff(want, back); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
	for name, edit := range map[string]func(*Preview){
		"effect": func(p *Preview) { p.Findings[0].Effect = "explodes" }, "deed": func(p *Preview) { p.Responses[0].To = "shrug" },
		"source": func(p *Preview) { p.Inventory.Source = "hearsay" }, "scope": func(p *Preview) { p.Moves[0].Scope = "shop" },
	} {
		p := preview()
		edit(&p)
		if valid(t, lenient, previewed(t, "json", p, PreviewOptions{})) == nil {
			t.Errorf("a wrong %s passes the schema", name)
		}
	}
}

func TestPreviewSARIF(t *testing.T) {
	schema := compiled(t, officialSARIF(t), nil)
	p := preview()
	out := previewed(t, "sarif", p, PreviewOptions{Options: Options{Artifact: "deploy/new.yaml"}})
	for _, text := range []string{out, previewed(t, "sarif", Preview{}, PreviewOptions{})} {
		if err := valid(t, schema, text); err != nil {
			t.Error(err)
		}
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	for _, r := range log.Runs[0].Results {
		file := r.Locations[0].Physical
		at[r.Fingerprints["gatewardenFinding/v1"]] = r.Kind + " " + r.Level + " " + r.Baseline + " " + file.Artifact["uri"]
		if rule := log.Runs[0].Tool.Driver.Rules[r.RuleIndex]; rule.ID != r.RuleID {
			t.Errorf("%s points at the rule %s", r.RuleID, rule.ID)
		}
		if file.Region["startLine"] < 1 {
			t.Errorf("GitHub would not show %+v", r)
		}
	}
	for id, want := range map[string]string{
		"a1": "fail error new deploy/new.yaml", "a2": "fail note new rules/own.yaml", "b": "informational none absent deploy/new.yaml", "c": "fail error new deploy/new.yaml",
		"d": "fail error updated deploy/new.yaml", "e": "open none updated deploy/new.yaml", "g": "fail warning updated deploy/new.yaml", "h": "review none updated deploy/new.yaml",
	} {
		if at[id] != want {
			t.Errorf("%s: %q, want %q", id, at[id], want)
		}
	}
	if at["i"] != "" || at["j"] != "" {
		t.Error("what stays as it is is a result")
	}
	if len(at) != len(log.Runs[0].Results) || len(at) != 10+2+2+2+1 { // findings, responses, rules, moves, unknown
		t.Errorf("%d results with %d fingerprints", len(log.Runs[0].Results), len(at))
	}
	if n := len(log.Runs[0].Invocations[0].Notifications); n != 3 {
		t.Errorf("%d notifications", n)
	}
}

// TestPreviewTable keeps the look of the table, and no text from being cut.
func TestPreviewTable(t *testing.T) {
	const golden = "testdata/preview.txt"
	got := previewed(t, "table", preview(), PreviewOptions{Options: Options{Width: 100}})
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got) go test ./internal/report -run TestPreviewTable -update\n%s", d)
	}
	for _, width := range []int{44, 80, 132} {
		out := previewed(t, "table", preview(), PreviewOptions{Options: Options{Width: width}, All: true})
		flat := strings.Join(strings.Fields(out), " ")
		for _, f := range preview().Findings {
			if !strings.Contains(flat, f.Message) || !strings.Contains(flat, f.Why) {
				t.Errorf("width %d: the text of %s was cut", width, f.ID)
			}
		}
		if slices.ContainsFunc(strings.Split(out, "\n"), func(l string) bool { return lipgloss.Width(l) > width }) {
			t.Errorf("width %d: a line is wider", width)
		}
	}
	odd := preview()
	odd.Findings[0].Message, odd.Moves[0].Project = "evil \x1b[31m name", "a\u202eb"
	for _, format := range PreviewFormats() {
		if out := previewed(t, format, odd, PreviewOptions{}); strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s: what acts on a terminal goes out", format)
		}
	}
	if err := WritePreview("pdf", &bytes.Buffer{}, odd, PreviewOptions{}); err == nil {
		t.Error("an unknown format is written")
	}
}
