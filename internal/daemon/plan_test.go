package daemon

import (
	"fmt"
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

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
)

// edited is the stage's configuration under a name of its own, with some of it edited.
func (s *stage) edited(name string, edits ...string) *config.File {
	s.t.Helper()
	conf := s.conf
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(conf, edits[i]) {
			s.t.Fatalf("the configuration does not say %q", edits[i])
		}
		conf = strings.Replace(conf, edits[i], edits[i+1], 1)
	}
	f, err := config.Load(name, []byte(conf))
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// planned asks the stage's daemon what a configuration would do.
func (s *stage) planned(f *config.File) report.Preview {
	s.t.Helper()
	out, err := Plan(s.t.Context(), f, PlanOptions{Version: "test", Client: s.client()})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// effects are the findings of which something changes, as "effect rule name".
func effects(p report.Preview) (out []string) {
	for _, f := range p.Findings {
		if f.Effect != report.EffectNone {
			out = append(out, fmt.Sprintf("%s %s %s", f.Effect, f.Rule, f.Ref.Name))
		}
	}
	slices.Sort(out)
	return out
}

func found(t *testing.T, p report.Preview, rule, name string) report.PreviewFinding {
	t.Helper()
	for _, f := range p.Findings {
		if f.Rule == rule && f.Ref.Name == name {
			return f
		}
	}
	t.Fatalf("the plan tells of no %s of %s", rule, name)
	return report.PreviewFinding{}
}

// standing are the findings of a daemon that stand, with their state and severity.
func (s *stage) standing() map[string]string {
	s.t.Helper()
	all, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range all {
		if f.Open() {
			out[fmt.Sprintf("%s %s %s", f.Rule, f.Ref, f.Key)] = string(f.State) + " " + string(f.Severity)
		}
	}
	return out
}

// planWaiver waives what the story finds in dev.
const planWaiver = "waivers:\n  - {id: dev-test, rule: \"network/*\", environment: dev, owner: alice, reason: a test of the load, granted: 2026-11-22T00:00:00Z, until: 2026-11-22T23:00:00Z}\n"

// TestPlanIsWhatReloadDoes: what a plan says of a running daemon is what the daemon does when
// it is given the new configuration, and when it is given the former one again: the same
// findings open, close, are waived, and nothing is written.
func TestPlanIsWhatReloadDoes(t *testing.T) {
	own := ownRules(t, wide)
	const all = `rules: {only: ["*"]}`
	edits := [][2]string{
		{"{app: [8.8.8.0/24], ci: [9.9.9.10/32]}", "{app: [8.8.8.0/30]}"},
		{"  - {class: app, usernames: [\"*_app_user\"], roles: [readWrite@ecommerce]}\n", ""},
		{all, "rules: {override: {dbuser/atlas-admin-app: {severity: low}, network/undocumented-entry: {environments: [prod]}}}"},
		{all, `rules: {only: ["network/*", "dbuser/*"]}`},
		{all, all + "\n" + planWaiver},
		{all, "rules: {paths: [" + own + "]}"},
		{`  dev:  {projects: ["*-dev"], tags: {env: dev}}`, "  prod-b: {projects: [\"*-dev\"]}\n  dev:  {projects: [\"*-developers\"]}"},
		{`prod: {projects: ["*-prod"], tags: {env: prod}}`, `prod: {projects: ["*-production"]}`},
	}
	everyRule := func(conf string) string { return strings.Replace(conf, "dry_run: false", all+"\ndry_run: false", 1) }
	bubble(t, everyRule, func(t *testing.T, s *stage) {
		s.play(story)
		time.Sleep(70 * time.Minute)
		synctest.Wait()
		s.daemon.opts.Load = func() (*config.File, error) { return config.Load("new.yaml", []byte(s.conf)) }
		wrote := len(s.effectsOfOurs())
		for _, e := range edits {
			for _, way := range []string{strings.Replace(s.conf, e[0], e[1], 1), s.conf} { // there, and back
				f, err := config.Load("new.yaml", []byte(way))
				if err != nil {
					t.Fatal(err)
				}
				out, before := s.planned(f), s.standing()
				s.conf = way
				if err := s.daemon.Reload(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * time.Minute)
				synctest.Wait()
				if diff := cmp.Diff(became(before, s.standing()), becomes(out)); diff != "" {
					t.Errorf("%q (-the daemon +the plan):\n%s", e[1], diff)
				}
				if len(becomes(out)) == 0 {
					t.Errorf("%q changes nothing: the test shows nothing", e[1])
				}
				if n := len(s.effectsOfOurs()); n != wrote || out.Summary.WritesNow != 0 {
					t.Errorf("%q: the plan says %d writes at once, and the daemon made %d", e[1], out.Summary.WritesNow, n-wrote)
				}
			}
		}
	})
}

// became is what differs between what stood before and after.
func became(before, after map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range after {
		if before[k] != v {
			out[k] = v
		}
	}
	for k := range before {
		if after[k] == "" {
			out[k] = "gone"
		}
	}
	return out
}

// becomes is the same as the plan says it.
func becomes(p report.Preview) map[string]string {
	out := map[string]string{}
	for _, f := range p.Findings {
		key := fmt.Sprintf("%s %s %s", f.Rule, f.Ref, f.Key)
		switch {
		case f.Effect == report.EffectCloses:
			out[key] = "gone"
		case f.Effect == report.EffectOpens, f.Effect == report.EffectLapses, f.Effect == report.EffectWaived, f.Was != "":
			out[key] = f.State + " " + string(f.Severity)
		}
	}
	return out
}

// TestPlanDryRunOff: turning dry run off writes nothing at once, and the plan says so and what
// it would write from then on; the daemon then does just that.
func TestPlanDryRunOff(t *testing.T) {
	edit := func(conf string) string { return strings.Replace(conf, "dry_run: false", "dry_run: true", 1) }
	world := `as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"debugging"}]`
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.steps(`at 0s start`, `at 40s `+world)
		s.rest()
		out := s.planned(s.edited("config.yaml", "dry_run: true", "dry_run: false", "dry_run: false", "dry_run: false\nrules: {only: [network/open-to-world, dbuser/unscoped]}"))
		f := found(t, out, "network/open-to-world", "0.0.0.0/0")
		if f.Effect != report.EffectResponse || f.Old.Then != report.DeedRefuse || f.Old.Guard != "dry_run" || f.New.Now != report.DeedNothing || f.New.Then != report.DeedRevert {
			t.Errorf("%s: old %+v, new %+v", f.Effect, f.Old, f.New)
		}
		if ops := f.New.Plan.Operations; len(ops) != 1 || ops[0].Type != access.DeleteAccessEntry || len(f.New.Plan.Inverse) != 1 {
			t.Errorf("it would write %v", ops)
		}
		if sum := out.Summary; sum.WritesNow != 0 || sum.Writes != 2 || len(out.Fails([]string{report.FailWrites})) != 1 {
			t.Errorf("summary %+v", sum)
		}
		if set := out.Settings; len(set) != 1 || set[0].Path != "dry_run" || !set[0].Arms || set[0].Line != lineOf(s.conf, "dry_run:") {
			t.Errorf("settings %+v", set)
		}
		s.stop()
		s.conf = strings.Replace(s.conf, "dry_run: true", "dry_run: false", 1)
		s.start()
		s.rest()
		if got := s.effectsOfOurs(); len(got) != 0 {
			t.Errorf("with dry run off it wrote at once: %v", got)
		}
		s.steps(`at 10m as rajesh@example.com DELETE /groups/{ecommerce-prod}/accessList/0.0.0.0%2F0`, `at 12m `+world)
		s.rest()
		if got := s.effectsOfOurs(); len(got) != 1 {
			t.Errorf("a new one is not reverted: %v", got)
		}
	})
}

func lineOf(text, what string) int { return strings.Count(text[:strings.Index(text, what)], "\n") + 1 }

// TestPlanUnderway: a revert that waits is carried out by the new configuration, or given up.
func TestPlanUnderway(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.steps(`at 0s start`, `at 40s as rajesh@example.com PATCH /groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {"scopes":[]}`)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		same := []string{"dry_run: false", "dry_run: false\nrules: {only: [network/open-to-world, network/transient-open-to-world, dbuser/unscoped, dbuser/expired-migration-user, dbuser/atlas-admin-app]}"}
		out := s.planned(s.edited("new.yaml", same...))
		if f := found(t, out, "dbuser/unscoped", "admin/prod_app_user"); f.New.Now != report.DeedRevert || out.Summary.WritesNow != 1 || f.Effect != report.EffectNone {
			t.Errorf("%+v, %+v", f.New, out.Summary)
		}
		out = s.planned(s.edited("new.yaml", append(same, "do: revert", "do: notify")...))
		if f := found(t, out, "dbuser/unscoped", "admin/prod_app_user"); f.New.Now != report.DeedTell || !strings.Contains(f.New.NowWhy, "given up") || out.Summary.WritesNow != 0 {
			t.Errorf("%+v", f.New)
		}
		out = s.planned(s.edited("new.yaml", append(same, "dry_run: false", "dry_run: true")...))
		if f := found(t, out, "dbuser/unscoped", "admin/prod_app_user"); f.New.Now != report.DeedRefuse || out.Summary.WritesNow != 0 {
			t.Errorf("%+v", f.New)
		}
	})
}

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
