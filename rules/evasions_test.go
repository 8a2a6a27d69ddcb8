package rules

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// evasion is the story of somebody clever who wants the access and no finding. It is told
// either as one look, in the form of a rule's test, or in steps: what each read of the
// project shows (and what the feed tells in between), judged one after the other.
type evasion struct {
	rule    string // whose level and kind the world takes, and to which its params go
	world   testWorld
	steps   []evasionStep
	waivers []access.Waiver
	caught  map[string]map[string]fileWant // by rule and name: the answer or, in steps, the state of a finding at the end
	missed  map[string]map[string]fileWant // likewise, of a known limit: who it passes by
	limit   string                         // why nothing can be done about it
}

// noFinding is the answer where there is none.
const noFinding = "none"

type evasionStep struct {
	after time.Duration
	world testWorld
}

// TestEvasions plays testdata/evasions: each is caught by the rules that it names, or is a
// known limit, with its reason, which must be one still.
func TestEvasions(t *testing.T) {
	files, err := filepath.Glob("testdata/evasions/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, caught, limits := mustLoad(t, testPolicy()), 0, 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			e := readEvasion(t, file)
			engine := e.engine(t, all)
			if len(e.steps) > 0 {
				e.play(t, engine)
			} else {
				e.look(t, engine)
			}
			if e.limit != "" {
				limits++
				t.Logf("known limit: %s: %s", name, e.limit)
			} else if !t.Failed() {
				caught++
			}
		})
	}
	t.Logf("evasions: %d caught, %d known limits", caught, limits)
	if caught < 40 {
		t.Errorf("%d evasions, want 40 at least", caught)
	}
}

func readEvasion(t *testing.T, file string) evasion {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("# ")) {
		t.Errorf("%s: it begins with its story, as a comment", file)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	errs := &LoadErrors{}
	e := (&parser{src: Source{Name: file}, errs: errs}).evasion(doc.Content[0])
	if err := errs.orNil(); err != nil {
		t.Fatal(err)
	}
	if (e.limit == "") != (len(e.missed) == 0) || len(e.caught)+len(e.missed) == 0 {
		t.Fatalf("%s: it says who catches it or, of a known limit, why and whom it passes by", file)
	}
	return e
}

func (p *parser) evasion(n *yaml.Node) (e evasion) {
	wants := func(dst *map[string]map[string]fileWant) func(*yaml.Node) {
		return func(v *yaml.Node) {
			*dst = map[string]map[string]fileWant{}
			for i := 0; i+1 < len(v.Content); i += 2 {
				(*dst)[v.Content[i].Value] = p.evasionWants(v.Content[i+1])
			}
		}
	}
	p.fields(n, "an evasion", map[string]func(*yaml.Node){
		"rule": p.text(&e.rule), "limit": p.text(&e.limit),
		"given":   func(v *yaml.Node) { p.given(v, &e.world) },
		"waivers": func(v *yaml.Node) { p.strict(v, &e.waivers) },
		"caught":  wants(&e.caught), "missed": wants(&e.missed),
		"steps": func(v *yaml.Node) {
			for _, c := range v.Content {
				e.steps = append(e.steps, p.evasionStep(c))
			}
		},
	})
	return e
}

// evasionWants are answers, or states of findings.
func (p *parser) evasionWants(n *yaml.Node) map[string]fileWant {
	out := map[string]fileWant{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var w fileWant
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode {
			w.Answer = access.Answer(v.Value)
		} else {
			p.strict(v, &w)
		}
		if w.Answer == "unknown" {
			w.Answer = access.AnswerUnknown
		}
		out[n.Content[i].Value] = w
	}
	return out
}

// evasionStep takes after, how long after the former one it is, from what else is a world.
func (p *parser) evasionStep(n *yaml.Node) (s evasionStep) {
	rest := *n
	rest.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "after" {
			rest.Content = append(rest.Content, n.Content[i], n.Content[i+1])
			continue
		}
		var err error
		if s.after, err = time.ParseDuration(n.Content[i+1].Value); err != nil {
			p.errs.add(p.at(n), "after: %v", err)
		}
	}
	p.given(&rest, &s.world)
	return s
}

// engine is all rules under the policy of the story.
func (e evasion) engine(t *testing.T, all *Engine) *Engine {
	t.Helper()
	policy := e.world.policy(nil)
	policy.Waivers = e.waivers
	out := &Engine{rules: slices.Clone(all.rules), policy: newPolicy(policy), hash: all.hash}
	i := slices.IndexFunc(out.rules, func(r *Rule) bool { return r.ID == e.rule })
	if i < 0 {
		t.Fatalf("there is no rule %q", e.rule)
	}
	adjusted, err := e.world.adjust(out.rules[i])
	if err != nil {
		t.Fatal(err)
	}
	out.rules[i] = adjusted
	out.setViews()
	return out
}

// look judges the world once, by all rules.
func (e evasion) look(t *testing.T, engine *Engine) {
	t.Helper()
	in, err := e.world.input(engine, engine.find(e.rule))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]access.Verdict{}
	for _, v := range engine.Evaluate(in) {
		if got[v.Rule] == nil {
			got[v.Rule] = map[string]access.Verdict{}
		}
		got[v.Rule][engine.find(v.Rule).testName(v)] = v
	}
	e.each(func(rule, name string, want fileWant) {
		v, there := got[rule][name]
		if want.Answer == noFinding && !there {
			return
		}
		if problem := want.compare(v, there); problem != "" {
			t.Errorf("%s: %s: %s", rule, name, problem)
		}
	})
}

// play judges read after read, by a real stage.
func (e evasion) play(t *testing.T, engine *Engine) {
	t.Helper()
	b := newBench(t, engine)
	b.inv, b.late = map[access.Kind]access.Collection{}, nil
	for _, k := range access.ProjectKinds() {
		b.read(k, e.world.states(k)...)
	}
	b.judge()
	for _, s := range e.steps {
		b.wait(s.after)
		e.show(t, b, s.world)
		b.judge()
	}
	e.each(func(rule, name string, want fileWant) {
		if got := states(b.doc, rule, name); !slices.ContainsFunc(got, func(s string) bool {
			return strings.HasPrefix(s, string(want.Answer)) && strings.HasSuffix(s, want.Severity)
		}) {
			t.Errorf("%s: %s is %q, want %s %s", rule, name, got, want.Answer, want.Severity)
		}
	})
}

// each calls f with all that the story expects.
func (e evasion) each(f func(rule, name string, want fileWant)) {
	for _, wants := range []map[string]map[string]fileWant{e.caught, e.missed} {
		for _, rule := range slices.Sorted(maps.Keys(wants)) {
			for _, name := range slices.Sorted(maps.Keys(wants[rule])) {
				f(rule, name, wants[rule][name])
			}
		}
	}
}

// show has Atlas answer as the world says.
func (e evasion) show(t *testing.T, b *bench, w testWorld) {
	t.Helper()
	if w.Project != "" || w.Tags != nil {
		b.read(access.KindProject, w.project())
	}
	for _, k := range slices.Sorted(maps.Keys(w.kinds)) {
		b.read(k, w.states(k)...)
	}
	for i, c := range w.Changes {
		made, err := w.made(c, b.engine.find(e.rule), &Input{Scope: prj})
		if err != nil {
			t.Fatal(err)
		}
		made.ID, made.Observed = fmt.Sprintf("seen.%d.%d", len(b.stream), i), b.now
		made.Occurred = b.now.Add(-time.Duration(len(w.Changes)-i) * time.Second)
		b.stream = append(b.stream, made)
	}
}

func (w testWorld) states(k access.Kind) (out []access.State) {
	if k == access.KindProject {
		return []access.State{w.project()}
	}
	for _, box := range w.kinds[k] {
		out = append(out, box.State)
	}
	return out
}

func (w testWorld) project() access.Project {
	return access.Project{ID: prjID, Title: cmpOr(w.Project, "shop-prod"), Tags: access.SortLabels(w.Tags)}
}

// states are those of the findings of a rule about a name, with their severity.
func states(doc access.Findings, rule, name string) (out []string) {
	if name == "project" {
		name = prjID
	}
	for _, f := range doc.Findings {
		if f.Rule == rule && f.Ref.Name == name {
			out = append(out, string(f.State)+" "+string(f.Severity))
		}
	}
	if len(out) == 0 {
		return []string{noFinding}
	}
	return out
}
