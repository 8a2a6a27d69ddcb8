package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
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
