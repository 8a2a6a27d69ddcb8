package daemon

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
)

// lookAt reads the stage's Atlas for a plan and fails on everything that is no read.
func (s *stage) lookAt() (http.RoundTripper, *sync.Map) {
	var wrote sync.Map
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet && r.URL.Path != "/api/oauth/token" {
			wrote.Store(r.Method+" "+r.URL.Path, true)
		}
		return s.atlas.Transport().RoundTrip(r)
	}), &wrote
}

// TestPlanOfOneLook: by what Atlas shows, without a daemon: a configuration that is tighter,
// looser, moves a project, has a new rule, reads less, asks nobody. No request but reads
// leaves.
func TestPlanOfOneLook(t *testing.T) {
	own := ownRules(t, wide)
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.steps(
			`at 1s as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"OPS-1 owner=alice"}]`,
			`at 2s as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"4.0.0.0/8","comment":"OPS-2 owner=alice"}]`)
		old := s.edited("old.yaml")
		transport, wrote := s.lookAt()
		inventory := filepath.Join(t.TempDir(), "inventory.json")
		if _, err := Scan(t.Context(), old, ScanOptions{Version: "test", Transport: transport, Save: inventory}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name    string
			edits   []string
			want    []string // among the effects
			lacks   string   // in all of them
			because string   // of the first of want
			check   func(t *testing.T, p report.Preview)
		}{
			{name: "tighter", edits: []string{"{app: [8.8.8.0/24], ci: [9.9.9.10/32]}", "{app: [8.8.8.0/24]}"},
				want: []string{"opens network/undeclared-source 9.9.9.10/32"}, lacks: "closes", because: "networks new.yaml:19"},
			{name: "looser", edits: []string{"dry_run: false", "dry_run: false\nrules: {override: {network/open-to-world: {environments: [dev]}}}\n" + strings.Replace(planWaiver, "dev,", "prod,", 1)},
				want: []string{"closes network/open-to-world 0.0.0.0/0", "waived network/undocumented-entry 8.8.8.0/28"}, lacks: "opens", because: "rules.override new.yaml:25",
				check: func(t *testing.T, p report.Preview) {
					if len(p.Waivers) != 1 || p.Waivers[0].Change != "begins" || p.Waivers[0].Findings == 0 || p.Waivers[0].Line != 27 || p.Waivers[0].File != "new.yaml" {
						t.Errorf("waivers %+v", p.Waivers)
					}
					if len(p.Fails([]string{report.FailOpens, report.FailWrites, report.FailUnknown})) != 0 || len(p.Fails([]string{report.FailCloses})) != 1 {
						t.Errorf("fails on %v", p.Fails(report.FailReasons()))
					}
				}},
			{name: "a new rule", edits: []string{"dry_run: false", "dry_run: false\nrules: {paths: [" + own + "]}"},
				want: []string{"opens mine/wide 0.0.0.0/0", "opens mine/wide 4.0.0.0/8"}, because: "rules.paths " + filepath.Join(own, "own.yaml") + ":1",
				check: func(t *testing.T, p report.Preview) {
					f := found(t, p, "mine/wide", "0.0.0.0/0") // new, and no response is for it
					if f.New.Now != report.DeedTell || f.New.Then != report.DeedTell || f.New.Do != "notify" || len(p.Rules) != 1 || p.Rules[0].Opens != 2 {
						t.Errorf("%+v, rules %+v", f.New, p.Rules)
					}
				}},
			{name: "into a stricter place", edits: []string{`tags: {env: prod}}`, `tags: {env: prod}}` + "\n" + `  pre:  {projects: ["ecommerce-dev"]}`, `["*-dev"], tags: {env: dev}`, `["*-dev"], tags: {env: none}`},
				check: func(t *testing.T, p report.Preview) {
					if len(p.Moves) != 1 || p.Moves[0].From != "dev" || p.Moves[0].To != "pre" || p.Moves[0].Held || p.Moves[0].Line != 12 {
						t.Errorf("moves %+v", p.Moves)
					}
				}},
			{name: "into a weaker place", edits: []string{`["*-prod"], tags: {env: prod}`, `["*-production"]`, `["*-dev"], tags: {env: dev}`, `["*-dev", "*-prod"]`},
				lacks: "closes network/open-to-world",
				check: func(t *testing.T, p report.Preview) {
					if len(p.Moves) != 1 || p.Moves[0].To != "prod" || p.Moves[0].Matches != "dev" || !p.Moves[0].Held {
						t.Errorf("moves %+v", p.Moves)
					}
				}},
			{name: "it reads less", edits: []string{"profile: remediate", "profile: scan"},
				check: func(t *testing.T, p report.Preview) {
					if p.Summary.Unknown == 0 || len(p.Fails([]string{report.FailUnknown})) != 1 || !slices.ContainsFunc(p.Rules, func(r report.PreviewRule) bool { return len(r.Blind) > 0 && r.Line == 5 }) {
						t.Errorf("summary %+v, rules %+v", p.Summary, p.Rules)
					}
					if len(p.Privilege) != 2 || len(p.Privilege[0].NoMore) != 1 || !strings.Contains(p.Privilege[1].Says, "take the write credential out") {
						t.Errorf("roles %+v", p.Privilege)
					}
					if f := found(t, p, "network/open-to-world", "0.0.0.0/0"); f.New.Guard != "dry_run" || f.New.Then != report.DeedRefuse {
						t.Errorf("a profile that writes nothing: %+v", f.New)
					}
				}},
			{name: "never touched", edits: []string{"settle:", "never_touch: [0.0.0.0/0], settle:"},
				want: []string{"response network/open-to-world 0.0.0.0/0"},
				check: func(t *testing.T, p report.Preview) {
					if f := found(t, p, "network/open-to-world", "0.0.0.0/0"); f.Old.Then != report.DeedRevert || f.New.Then != report.DeedRefuse || f.New.Guard != "never_touch" {
						t.Errorf("%+v → %+v", f.Old, f.New)
					}
				}},
		} {
			now := s.edited("new.yaml", c.edits...)
			live, err := Plan(t.Context(), now, PlanOptions{Version: "test", Old: old, Live: true, Transport: transport})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			kept, err := Plan(t.Context(), now, PlanOptions{Version: "test", Old: old, From: inventory})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if live.Inventory.Source != report.Live || kept.Inventory.Source != "file" || kept.Inventory.Where != inventory {
				t.Errorf("%s: %+v, %+v", c.name, live.Inventory, kept.Inventory)
			}
			got := effects(live)
			if diff := cmp.Diff(got, effects(kept)); diff != "" {
				t.Errorf("%s: by what was kept (-live +kept):\n%s", c.name, diff)
			}
			for i, w := range c.want {
				if !slices.Contains(got, w) {
					t.Fatalf("%s: no %q in %v", c.name, w, got)
				}
				part := strings.Fields(w)
				f := found(t, live, part[1], part[2])
				if i == 0 && c.because != "" && (len(f.Because) != 1 || fmt.Sprintf("%s %s:%d", f.Because[0].Part, f.Because[0].File, f.Because[0].Line) != c.because) {
					t.Errorf("%s: because of %+v, want %s", c.name, f.Because, c.because)
				}
			}
			if c.lacks != "" && strings.Contains(strings.Join(got, "\n"), c.lacks) {
				t.Errorf("%s: %v", c.name, got)
			}
			if c.check != nil {
				c.check(t, live)
			}
		}
		wrote.Range(func(what, _ any) bool { t.Errorf("it sent %s", what); return true })
	})
}

// TestPlanMistakes: every mistake of both configurations is said, before anything is read; and
// what nothing can be read of is no plan.
func TestPlanMistakes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		s.rest()
		broken := s.edited("new.yaml", `rules: ["network/*", "dbuser/*"]`, `rules: ["netwrk/*"]`)
		worse := s.edited("old.yaml", "dry_run: false", "dry_run: false\nrules: {override: {network/nothing: {severity: low}}}")
		none := roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("something was read")
			return nil, http.ErrServerClosed
		})
		_, err := Plan(t.Context(), broken, PlanOptions{Old: worse, Transport: none, Client: &http.Client{Transport: none}})
		if !IsConfig(err) || !strings.Contains(err.Error(), `new.yaml:21:14: responses[0].rules[0]: "netwrk/*" matches no rule`) || !strings.Contains(err.Error(), "old.yaml:25:") {
			t.Errorf("mistakes in both: %v", err)
		}
		for name, text := range map[string]string{"nothing": "", "a report": `{"tool": "gatewarden"}`, "a cut history": `{"history":{"v":3,"since":"2026-01-01T00:00:00Z","at":"2026-01-02T00:00:00Z"}}` + "\n"} {
			file := filepath.Join(t.TempDir(), "kept")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Plan(t.Context(), s.edited("new.yaml"), PlanOptions{From: file}); !IsConfig(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestPlanComparedWithNothing: without an old configuration all that is found counts as
// opened, and that is said.
func TestPlanComparedWithNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		transport, _ := s.lookAt()
		refused := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed })}
		out, err := Plan(t.Context(), s.edited("new.yaml"), PlanOptions{Live: true, Transport: transport, Client: refused})
		if err != nil {
			t.Fatal(err)
		}
		if out.Old.Name != "" || out.Summary.Opens == 0 || out.Summary.Opens != len(out.Findings) || !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.Contains(n, "nothing is compared") }) {
			t.Errorf("compared with %q: %+v, %v", out.Old.Name, out.Summary, out.Notes)
		}
	})
}

// TestPlanOfHistory: what a daemon exported is as good as asking it, but for what it does.
func TestPlanOfHistory(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.play(story)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		export := filepath.Join(t.TempDir(), "history")
		s.replay(ReplayOptions{Since: "1d", Export: export})
		now := s.edited("new.yaml", "dry_run: false", "dry_run: false\nrules: {only: [\"network/*\", \"dbuser/*\"]}")
		asked := s.planned(now)
		kept, err := Plan(t.Context(), now, PlanOptions{From: export})
		if err != nil {
			t.Fatal(err)
		}
		opens := func(p report.Preview) (out []string) {
			for _, x := range effects(p) {
				if strings.HasPrefix(x, "opens") {
					out = append(out, x)
				}
			}
			return out
		}
		if diff := cmp.Diff(opens(asked), opens(kept)); diff != "" || len(opens(asked)) == 0 {
			t.Errorf("(-asked +kept):\n%s", diff)
		}
		if kept.Old.Name == "" || kept.Inventory.Findings || !asked.Inventory.Findings || len(kept.Responses) > 0 {
			t.Errorf("old %+v, inventory %+v", kept.Old, kept.Inventory)
		}
		if _, head, err := scan.OpenPresent(export); err != nil || head.Acting != nil {
			t.Errorf("%v, %v", head.Acting, err)
		}
	})
}

// TestPlanOfAnotherVersion: where the daemon's rules cannot be built here, its findings are
// compared all the same, and that no more is known is said.
func TestPlanOfAnotherVersion(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.steps(`at 0s start`, `at 40s as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"0.0.0.0/0"}]`)
		s.rest()
		hash, asked := []byte(s.daemon.settings.get().engine.Hash()), s.client().Transport
		other := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			answer, err := asked.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			raw, err := io.ReadAll(answer.Body)
			answer.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(raw, hash, []byte("another"))))
			return answer, err
		})}
		out, err := Plan(t.Context(), s.edited("new.yaml", "dry_run: false", "dry_run: false\nrules: {only: [network/open-to-world, dbuser/unscoped], override: {network/open-to-world: {environments: [prod]}}}"), PlanOptions{Client: other})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"closes network/open-to-world 0.0.0.0/0"}, effects(out)); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(out.Old.Name, "what the daemon at") || len(out.Responses) > 0 || !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.Contains(n, "another version of gatewarden") }) {
			t.Errorf("%+v, %v, %v", out.Old, out.Responses, out.Notes)
		}
	})
}
