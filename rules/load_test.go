package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestReads(t *testing.T) {
	e := mustLoad(t, Policy{})
	reads := map[string][]access.Kind{
		"dbuser/unscoped":                 {access.KindCluster, access.KindDatabaseUser, access.KindFederatedDatabase, access.KindFlexCluster, access.KindStreamWorkspace},
		"dbuser/atlas-admin-app":          {access.KindCustomRole, access.KindDatabaseUser},
		"network/transient-open-to-world": {access.KindIPAccessEntry},
		"no/such-rule":                    nil,
	}
	for id, want := range reads {
		if diff := cmp.Diff(want, e.Reads(id, prj)); diff != "" {
			t.Errorf("%s reads (-want +got):\n%s", id, diff)
		}
	}
}

// good is a rule that loads; its lines are counted from 1.
const good = `id: mine/clusterless
title: a title
why: a reason
severity: low
kind: cluster
params:
  prefix: x
  after: 24h
when: cluster.name.startsWith(params.prefix) && params.after > duration('1h')
message: "'cluster ' + cluster.name"
tests:
  - name: both
    given: {cluster: [{name: xa}, {name: xb}, {name: a}, {name: b}]}
    want: {xa: violation, xb: {answer: violation, severity: low}, a: pass, b: pass}
  - name: unreadable
    given: {environment: prod, cluster: [{name: xa}], status: {cluster: failed}}
    want: {xa: unknown}
`

func TestLoadErrors(t *testing.T) {
	change := func(old, now string) string { return strings.Replace(good, old, now, 1) }
	for name, c := range map[string]struct {
		text string
		want []string // each a part of one problem
	}{
		"misspelt field":      {change("cluster.name.s", "cluster.nmae.s"), []string{"f.yaml:9:14: rule mine/clusterless: when: undefined field 'nmae': did you mean \"name\"?"}},
		"in a quoted message": {change("+ cluster.name", "+ cluster.nam"), []string{"f.yaml:10:31: rule mine/clusterless: message: undefined field 'nam'"}},
		"in a block": {change("when: cluster", "when: |\n  true &&\n    cluster.x == '' &&\n    cluster"),
			[]string{"f.yaml:11:12: rule mine/clusterless: when: undefined field 'x'"}},
		"in a folded block":     {change("when: cluster.name", "when: >-\n  true &&\n  cluster.nmae"), []string{"f.yaml:10:3: rule mine/clusterless: when: undefined field 'nmae': did you mean \"name\"?"}},
		"misspelt variable":     {change("cluster.name.s", "clustr.name.s"), []string{"f.yaml:9:7:", "undeclared reference to 'clustr'"}},
		"misspelt parameter":    {change("params.prefix)", "params.prefx)"), []string{"f.yaml:9:37:", "undeclared reference to 'params.prefx' (did you mean 'params.prefix'?)"}},
		"another kind's fact":   {change("when: ", "when: exposure.world || "), []string{"f.yaml:9:7:", "undeclared reference to 'exposure'"}},
		"syntax":                {change("when: cluster", "when: ( cluster"), []string{"f.yaml:9:", "Syntax error"}},
		"wrong type":            {change("message: \"'cluster ' + cluster.name\"", "message: 1 + 1"), []string{"f.yaml:10:10: rule mine/clusterless: message gives int: want string"}},
		"when is no bool":       {change("when: ", "when: \"'x'\"\nuntouched: "), []string{"f.yaml:9:8: rule mine/clusterless: when gives string: want bool", "f.yaml:10:1: a rule has no key \"untouched\""}},
		"bad duration":          {change("duration('1h')", "duration('7d')"), []string{"f.yaml:9:", "invalid duration"}},
		"bad regex":             {change("when: ", "when: cluster.name.matches('(') && "), []string{"f.yaml:9:", "invalid matches"}},
		"unknown key":           {change("severity:", "severty:"), []string{`f.yaml:4:1: a rule has no key "severty": did you mean "severity"?`}},
		"key twice":             {change("severity: low", "severity: low\nseverity: high"), []string{"f.yaml:5:1:", "severity"}},
		"no id":                 {change("id: mine/clusterless\n", ""), []string{`f.yaml:1:1: rule id "": want family/name`}},
		"bad id":                {change("mine/clusterless", "Mine/X"), []string{`f.yaml:1:5: rule id "Mine/X"`}},
		"built-in's id":         {change("mine/clusterless", "network/open-to-world"), []string{"f.yaml:1:1: rule network/open-to-world is there already: builtin/network.yaml:3:3"}},
		"bad kind":              {change("kind: cluster", "kind: clusters"), []string{`f.yaml:5:7: kind "clusters": no rule can read it: did you mean "cluster"?`}},
		"bad severity":          {change("severity: low", "severity: mild"), []string{`f.yaml:4:11: rule mine/clusterless: severity "mild"`}},
		"bad ceiling":           {change("severity: low", "ceiling: max"), []string{`f.yaml:4:10: rule mine/clusterless: ceiling "max": want tell, ask or auto`}},
		"bad on":                {change("severity: low", "on: never"), []string{`f.yaml:4:5: rule mine/clusterless: on: "never": want state, change, reading or failure`}},
		"another's remedy":      {change("severity: low", "remedy: delete-entries"), []string{"f.yaml:4:9: rule mine/clusterless: remedy delete-entries is of ip_access_entry, and the rule judges cluster"}},
		"auto and no remedy":    {change("severity: low", "ceiling: auto"), []string{"f.yaml:4:10: rule mine/clusterless: ceiling auto, and no remedy that would be done"}},
		"its environment":       {change("severity: low", "environments: [prd]"), []string{`f.yaml:4:15: rule mine/clusterless: environment "prd" is not configured`}},
		"no such environment":   {change("environment: prod", "environment: prd"), []string{`f.yaml:16:12: given: environment "prd": tests know prod, staging and dev, and those of the rule`}},
		"a field far off":       {change("cluster.name.s", "cluster.whatever.s"), []string{"undefined field 'whatever': gatewarden rules vars cluster names all that there are"}},
		"a test's near name":    {change("want: {xa: violation", "want: {xz: violation"), []string{`xz: has no verdict: did you mean "xa"?`}},
		"no message":            {change("message: \"'cluster ' + cluster.name\"\n", ""), []string{"when and message are needed"}},
		"no reason":             {change("why: a reason\n", ""), []string{"why is missing"}},
		"until of a state rule": {change("severity: low", "until: 'true'"), []string{"until is of change rules only"}},
		"bad stands_for":        {change("severity: low", "on: change\nstands_for: 7 days"), []string{"f.yaml:5:13: want a duration such as 168h"}},
		"bad parameter":         {change("prefix: x", "prefix: {a: b}"), []string{"f.yaml:7:11: params.prefix: want a number"}},
		"costly": {change("when: ", "when: '[1].all(a, cluster.tags.all(b, cluster.tags.all(c, a > 0 && b.key != c.key)))'\nuntouched: "),
			[]string{"f.yaml:9:", "nest"}},
		"a test that fails":     {change("a: pass", "a: violation"), []string{`f.yaml:12:5: rule mine/clusterless: test "both": a: is pass, want violation`}},
		"a test of nothing":     {change("a: pass", "c: pass"), []string{`c: has no verdict`}},
		"too few tests":         {change("xb: {answer: violation, severity: low}, ", ""), []string{"f.yaml:1:1: rule mine/clusterless: its tests show violation 1, none 2, unknown 1"}},
		"a test's field":        {change("{name: xb}", "{nam: xb}"), []string{`f.yaml:13:35: cluster: unknown field "nam"`}},
		"a test's key":          {change("environment: prod", "enviroment: prod"), []string{`f.yaml:16:12: unknown field "enviroment"`}},
		"a test's answer":       {change("a: pass", "a: fine"), []string{`answer "fine": want pass, violation, unknown or not_applicable`}},
		"not YAML":              {"id: [", []string{"f.yaml:2:1: not YAML"}},
		"no rule":               {"hello", []string{"f.yaml:1:1: want a rule or a list of rules"}},
		"every mistake at once": {change("cluster.name.s", "cluster.nmae.s") + "---\n" + strings.NewReplacer("mine/clusterless", "mine/other", "message: \"'", "message: \"'+'").Replace(good), []string{"f.yaml:9:14:", "f.yaml:28:"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(testPolicy(), Source{"f.yaml", []byte(c.text)})
			var errs *LoadErrors
			if !errors.As(err, &errs) {
				t.Fatalf("error %v, want *LoadErrors", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
}

func TestLoadGood(t *testing.T) {
	e := mustLoad(t, testPolicy(), Source{"f.yaml", []byte(good)})
	r, ok := e.Rule("mine/clusterless")
	if !ok || r.BuiltIn || r.Source != "f.yaml" || r.Params["after"] != 24*time.Hour {
		t.Errorf("rule %+v", r)
	}
	if e.Hash() == mustLoad(t, testPolicy()).Hash() {
		t.Error("another rule, the same hash")
	}
	if e.Hash() != mustLoad(t, testPolicy(), Source{"f.yaml", []byte(good)}).Hash() {
		t.Error("the same rules and policy, another hash")
	}
}

func TestOverrides(t *testing.T) {
	p := testPolicy()
	p.Overrides = map[string]Override{"mine/clusterless": {Severity: access.High, Environments: []string{"prod"}, Params: map[string]any{"prefix": "st"}}}
	e := mustLoad(t, p, Source{"f.yaml", []byte(good)}) // the rule's tests are of what is in its file
	r, _ := e.Rule("mine/clusterless")
	if r.Severity != access.High || r.Params["prefix"] != "st" {
		t.Errorf("rule %+v", r)
	}
	in := Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{
		access.KindCluster: access.NewCollection(prj, access.KindCluster, []access.State{access.Cluster{Cluster: "stock"}, access.Cluster{Cluster: "xa"}}),
	}}
	got := map[string]access.Answer{}
	for _, v := range verdictsBy("mine/clusterless", e.Evaluate(in)) {
		got[v.Ref.Name] = v.Answer
	}
	if diff := cmp.Diff(map[string]access.Answer{"stock": access.AnswerViolation, "xa": access.AnswerPass}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if in.Environment = "dev"; len(verdictsBy("mine/clusterless", e.Evaluate(in))) != 0 {
		t.Error("the rule judges outside its environments")
	}
	p.Overrides = map[string]Override{
		"mine/clusterless":      {Severity: "grave", Environments: []string{"moon"}, Params: map[string]any{"prefx": "a", "after": 7}},
		"network/open-to-wrold": {},
	}
	_, err := Load(p, Source{"f.yaml", []byte(good)})
	for _, want := range []string{
		`override of mine/clusterless severity: severity "grave"`, `environment "moon" is not configured`, `no parameter "prefx": did you mean "prefix"?`,
		"parameter after: want a duration, such as 24h", `override of network/open-to-wrold: there is no such rule: did you mean "network/open-to-world"?`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestProblemsHavePositions(t *testing.T) {
	_, err := Load(testPolicy(), Source{"f.yaml", []byte(strings.ReplaceAll(good, "cluster.name", "cluster.nam"))})
	lines := strings.Split(fmt.Sprint(err), "\n")
	at := regexp.MustCompile(`^f\.yaml:\d+:\d+: `)
	if len(lines) != 2 || slices.ContainsFunc(lines, func(l string) bool { return !at.MatchString(l) }) {
		t.Errorf("got %d lines:\n%v", len(lines), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, s := range builtins() {
		f.Add(s.Text)
	}
	f.Add([]byte("- id: a/b\n  when: |2\n     x\n"))
	f.Add([]byte("tests: [{name: a, given: {change: {}}, want: {}}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		errs := &LoadErrors{}
		for _, d := range parse(Source{"f.yaml", text}, errs, false) {
			errs.Problems = append(errs.Problems, d.errs.Problems...)
			for key, e := range d.exprs {
				if p := e.position(1, 0); p.line < 1 || p.col < 1 {
					t.Errorf("%s: position %s", key, p)
				}
			}
		}
		for _, p := range errs.Problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("problem %+v", p)
			}
		}
	})
}

// TestBuiltInProved compiles all of every built-in rule and runs its tests: what is loaded
// without that rests on it.
func TestBuiltInProved(t *testing.T) {
	if _, err := Prove(Policy{}); err != nil {
		t.Fatal(err)
	}
	p := testPolicy()
	p.LimitAll = true
	if _, err := Prove(p); err != nil {
		t.Fatal(err)
	}
}

// verdictsBy are the verdicts of one rule.
func verdictsBy(rule string, all []access.Verdict) []access.Verdict {
	return slices.DeleteFunc(slices.Clone(all), func(v access.Verdict) bool { return v.Rule != rule })
}

// TestCeilingOverride: a ceiling may be lowered, and raised only by who takes the risk on.
func TestCeilingOverride(t *testing.T) {
	load := func(c access.Ceiling, risk bool) (access.Ceiling, error) {
		p := testPolicy()
		p.Overrides = map[string]Override{"network/entry-too-broad": {Ceiling: &c, AcceptRisk: risk}}
		e, err := Load(p)
		if err != nil {
			return "", err
		}
		r, _ := e.Rule("network/entry-too-broad")
		return r.Ceiling, nil
	}
	if got, err := load(access.CeilingTell, false); err != nil || got != access.CeilingTell {
		t.Errorf("lowered: %q, %v", got, err)
	}
	if got, err := load(access.CeilingAuto, true); err != nil || got != access.CeilingAuto {
		t.Errorf("raised at one's own risk: %q, %v", got, err)
	}
	if _, err := load(access.CeilingAuto, false); err == nil || !strings.Contains(err.Error(), "add accept_risk: true") {
		t.Errorf("raised: %v", err)
	}
}

// TestTestsWhereItJudges: a test plays in an environment, and a rule does not judge in all.
func TestTestsWhereItJudges(t *testing.T) {
	const more = `  - name: elsewhere
    given: {environment: %s, cluster: [{name: xa}]}
    want: {xa: %s}
`
	for name, c := range map[string]struct{ of, in, answer, want string }{
		"where it judges":     {"prod", "prod", "violation", ""},
		"where it does not":   {"prod", "dev", "not_applicable", ""},
		"none counts as prod": {"prod", "''", "violation", ""},
		"not as another":      {"dev", "''", "not_applicable", ""},
		"expected wrongly":    {"prod", "dev", "violation", "xa: is not_applicable, want violation (the rule judges prod only)"},
		"one of its own":      {"sandbox", "sandbox", "violation", ""},
		"its own is prod":     {"prod-eu", "prod-eu", "violation", ""},
		"a slip of the pen":   {"prd", "prod", "violation", "xa: is not_applicable, want violation (the rule judges prd only)"},
	} {
		text := strings.Replace(good, "severity: low", "environments: ["+c.of+"]", 1)
		text = strings.Replace(text, "given: {cluster:", "given: {environment: "+c.of+", cluster:", 1)
		text = strings.Replace(text, "xb: {answer: violation, severity: low}", "xb: violation", 1)
		text = strings.Replace(text, "environment: prod, cluster", "environment: "+c.of+", cluster", 1)
		_, err := Load(Policy{}, Source{"f.yaml", []byte(text + fmt.Sprintf(more, c.in, c.answer))})
		if (err == nil) != (c.want == "") || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestTexts: each rule has its text as it stands in its file, also alone and beside others.
func TestTexts(t *testing.T) {
	other := strings.Replace(good, "mine/clusterless", "mine/other", 1)
	for name, c := range map[string]struct{ file, want string }{
		"alone":         {good, good},
		"in a document": {"---\n" + good + "\n---\n" + other, good},
		"the first":     {good + "---\n" + other, good},
		"in a list":     {"- " + strings.ReplaceAll(strings.TrimSpace(good), "\n", "\n  ") + "\n\n- " + strings.ReplaceAll(other, "\n", "\n  "), "- " + strings.ReplaceAll(strings.TrimSpace(good), "\n", "\n  ") + "\n"},
	} {
		r, _ := mustLoad(t, testPolicy(), Source{"f.yaml", []byte(c.file)}).Rule("mine/clusterless")
		if diff := cmp.Diff(c.want, r.Text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
