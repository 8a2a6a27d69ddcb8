package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestLoadSound: each rule of a user that has a mistake is left out and told of with its
// place, and nothing else is: neither another rule of its file, nor a built-in one.
func TestLoadSound(t *testing.T) {
	builtIn := len(mustLoad(t, testPolicy()).Rules())
	other := strings.Replace(good, "mine/clusterless", "mine/other", 1)
	bad := func(old, now string) string { return strings.Replace(good, old, now, 1) }
	for name, c := range map[string]struct {
		files []string
		rules int      // of the user, that are in force
		want  []string // what is refused: its name, and a part of the mistake
	}{
		"none":                     {[]string{good, other}, 2, nil},
		"a misspelt field":         {[]string{bad("cluster.name.s", "cluster.nmae.s"), other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:9:14: "}},
		"a misspelt key":           {[]string{bad("severity:", "severty:"), other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:4:1: "}},
		"a wrong type":             {[]string{bad("\"'cluster ' + cluster.name\"", "1 + 1"), other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:10:10: "}},
		"a costly loop":            {[]string{bad("when: ", "when: '[1].all(a, [1].all(b, [1].all(c, a + b > c)))'\nfix: "), other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:9:"}},
		"no tests":                 {[]string{good[:strings.Index(good, "tests:")], other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:1:1: "}},
		"a test that fails":        {[]string{bad("a: pass", "a: violation"), other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:12:5: "}},
		"an environment of no one": {[]string{bad("severity:", "environments: [moon]\nseverity:"), other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:4:15: "}},
		"a built-in's id":          {[]string{bad("mine/clusterless", "network/open-to-world"), other}, 1, []string{"network/open-to-world of 0.yaml 0.yaml:1:1: "}},
		"an id twice":              {[]string{good, good}, 1, []string{"mine/clusterless of 1.yaml 1.yaml:1:1: "}},
		"a bad one before it":      {[]string{bad("cluster.name.s", "cluster.nmae.s"), good}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:9:14: "}},
		"one that fails before it": {[]string{bad("a: pass", "a: violation"), good}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:12:5: "}},
		"a bad one after it":       {[]string{good, bad("cluster.name.s", "cluster.nmae.s")}, 1, []string{"mine/clusterless of 1.yaml 1.yaml:1:1: "}},
		"two bad ones":             {[]string{bad("cluster.name.s", "cluster.nmae.s"), bad("cluster.name.s", "cluster.nmae.s")}, 0, []string{"mine/clusterless of 0.yaml", "mine/clusterless of 1.yaml"}},
		"beside it in a file":      {[]string{bad("cluster.name.s", "cluster.nmae.s") + "---\n" + other}, 1, []string{"mine/clusterless of 0.yaml 0.yaml:9:14: "}},
		"no YAML":                  {[]string{"id: [", other}, 1, []string{"0.yaml 0.yaml:2:1: not YAML"}},
		"no YAML any more":         {[]string{good + "---\nid: [\n", other}, 2, []string{"0.yaml 0.yaml:"}},
		"no rule":                  {[]string{"hello"}, 0, []string{"0.yaml 0.yaml:1:1: want a rule"}},
		"a rule without an id":     {[]string{bad("id: mine/clusterless", "fix: none"), other}, 1, []string{"0.yaml:1 0.yaml:1:1: "}},
		"all of them":              {[]string{bad("cluster.name.s", "cluster.nmae.s"), "id: ["}, 0, []string{"mine/clusterless of 0.yaml", "1.yaml 1.yaml:2:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			var src []Source
			for i, text := range c.files {
				src = append(src, Source{fmt.Sprintf("%d.yaml", i), []byte(text)})
			}
			e, err := LoadSound(testPolicy(), src...)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(e.Rules()) - builtIn; n != c.rules {
				t.Errorf("%d rules of the user are in force, want %d", n, c.rules)
			}
			if r, _ := e.Rule("network/open-to-world"); !r.BuiltIn {
				t.Error("a rule of the user took the place of a built-in one")
			}
			if len(e.Refused()) != len(c.want) {
				t.Fatalf("refused: %+v", e.Refused())
			}
			for i, r := range e.Refused() {
				named := func(p Problem) bool { return strings.HasPrefix(r.Name()+" "+p.String(), c.want[i]) }
				if !slices.ContainsFunc(r.Problems, named) {
					t.Errorf("refused %+v, want %q", r, c.want[i])
				}
			}
			if _, err := Load(testPolicy(), src...); (err == nil) != (len(c.want) == 0) {
				t.Errorf("all or nothing: %v", err)
			}
		})
	}
}

// TestLoadSoundOverrides: of a rule that is refused or in a file that cannot be read,
// overrides are no mistake of the configuration; others are.
func TestLoadSoundOverrides(t *testing.T) {
	misspelt := strings.Replace(strings.Replace(good, "params:", "parms:", 1), "mine/clusterless", "mine/odd", 1)
	for name, c := range map[string]struct {
		text, of string
		params   map[string]any
		ok       bool
	}{
		"of a refused rule":           {misspelt, "mine/odd", map[string]any{"prefix": "y"}, true},
		"of what cannot be read":      {"id: [", "mine/other", nil, true},
		"of no rule":                  {misspelt, "mine/other", nil, false},
		"wrong, of a good rule":       {good, "mine/clusterless", map[string]any{"prefx": "y"}, false},
		"wrong, of a built-in's rule": {misspelt, "network/open-to-world", map[string]any{"prefx": "y"}, false},
	} {
		p := testPolicy()
		p.Overrides = map[string]Override{c.of: {Params: c.params}}
		_, err := LoadSound(p, Source{"f.yaml", []byte(c.text)})
		var errs *LoadErrors
		if (err == nil) != c.ok || err != nil && !errors.As(err, &errs) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefusedIsUnknown: a finding of a rule that was refused stands and cannot be judged;
// that the rule is refused is a finding of the org, and none of its projects'.
func TestRefusedIsUnknown(t *testing.T) {
	in := Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{
		access.KindCluster: access.NewCollection(prj, access.KindCluster, []access.State{access.Cluster{Cluster: "xa"}}),
		access.KindProject: access.NewCollection(prj, access.KindProject, nil),
	}}
	sound := mustLoad(t, testPolicy(), Source{"f.yaml", []byte(good)})
	doc, _ := sound.Advance(access.Findings{}, in, sound.Evaluate(in))
	standing := func(doc access.Findings) (out []access.Finding) {
		for _, f := range doc.Findings {
			if f.Rule == "mine/clusterless" && f.Open() {
				out = append(out, f)
			}
		}
		return out
	}
	if len(standing(doc)) != 1 {
		t.Fatalf("findings %+v", doc.Findings)
	}
	for name, text := range map[string]string{"a typo": strings.Replace(good, "cluster.name.s", "cluster.nmae.s", 1), "no YAML": "id: ["} {
		e, err := LoadSound(testPolicy(), Source{"f.yaml", []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		next, _ := e.Advance(doc, in, e.Evaluate(in))
		got := standing(next)
		if len(got) != 1 || got[0].UnknownSince.IsZero() || !strings.Contains(got[0].Unknown, "f.yaml:") {
			t.Errorf("%s: %+v", name, got)
		}
		if v := e.Judge(in, "mine/clusterless", got[0].Ref, ""); v.Answer != access.AnswerUnknown {
			t.Errorf("%s: judged for a response: %+v", name, v)
		}
		if told := verdictsBy("watch/rule-failing", e.Evaluate(in)); len(told) != 0 {
			t.Errorf("%s: its project tells of it: %+v", name, told)
		}
		org := Input{Scope: access.OrgScope(testOrg), Now: t0, Collections: map[access.Kind]access.Collection{}}
		told := verdictsBy("watch/rule-failing", e.Evaluate(org))
		if len(told) != 1 || told[0].Answer != access.AnswerViolation || !strings.Contains(told[0].Message, "was refused when it was loaded") {
			t.Errorf("%s: its org tells %+v", name, told)
		}
		again, _ := sound.Advance(next, in, sound.Evaluate(in))
		if got := standing(again); len(got) != 1 || !got[0].UnknownSince.IsZero() {
			t.Errorf("%s: once it is mended: %+v", name, got)
		}
		if gone := mustLoad(t, testPolicy()); !slices.ContainsFunc(ownFindings(gone, doc, in), func(f access.Finding) bool { return !f.Open() }) {
			t.Errorf("%s: a rule that was taken out keeps its findings", name)
		}
	}
}

// ownFindings are the findings of the user's rule once the engine judged.
func ownFindings(e *Engine, doc access.Findings, in Input) (out []access.Finding) {
	next, _ := e.Advance(doc, in, e.Evaluate(in))
	for _, f := range next.Findings {
		if f.Rule == "mine/clusterless" {
			out = append(out, f)
		}
	}
	return out
}
