package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fileTest is one test of a rule, in its file: a small world and the answers in it.
type fileTest struct {
	name  string
	at    position
	world testWorld
	want  map[string]fileWant // by name of the resource; "project" or "org": the whole
}

// fileWant is an expected verdict. Empty fields are not compared; message and why are
// parts of the text.
type fileWant struct {
	Answer   access.Answer `json:"answer"`
	Severity string        `json:"severity"`
	Ceiling  string        `json:"ceiling"`
	Message  string        `json:"message"`
	Why      string        `json:"why"`
}

func (p *parser) tests(n *yaml.Node) (out []fileTest) {
	if n.Kind != yaml.SequenceNode {
		p.errs.add(p.at(n), "tests: want a list")
		return nil
	}
	for _, c := range n.Content {
		t := fileTest{at: p.at(c)}
		var given, want *yaml.Node
		p.fields(c, "a test", p.testKeys(&t, &given, &want))
		if t.name == "" || given == nil || want == nil {
			p.errs.add(t.at, "a test needs name, given and want")
			continue
		}
		t.want = p.wants(want)
		if p.given(given, &t.world) {
			out = append(out, t)
		}
	}
	return out
}

func (p *parser) testKeys(t *fileTest, given, want **yaml.Node) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"name": p.text(&t.name), "given": func(v *yaml.Node) { *given = v }, "want": func(v *yaml.Node) { *want = v },
	}
}

func (p *parser) wants(n *yaml.Node) map[string]fileWant {
	out := map[string]fileWant{}
	if n.Kind != yaml.MappingNode {
		p.errs.add(p.at(n), "want: give names and answers")
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var w fileWant
		v := n.Content[i+1]
		if v.Kind == yaml.ScalarNode {
			w.Answer = access.Answer(v.Value)
		} else {
			p.strict(v, &w)
		}
		if w.Answer == "unknown" {
			w.Answer = access.AnswerUnknown
		} else if !slices.Contains([]access.Answer{access.AnswerPass, access.AnswerViolation, access.AnswerNotApplicable}, w.Answer) {
			p.errs.add(p.at(v), "answer %q: want pass, violation, unknown or not_applicable", w.Answer)
		}
		out[n.Content[i].Value] = w
	}
	return out
}

// strict decodes a node into a struct with JSON names; an unknown one is a mistake.
func (p *parser) strict(n *yaml.Node, dst any) bool {
	raw, err := toJSON(n)
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		err = dec.Decode(dst)
	}
	if err != nil {
		p.errs.add(p.at(n), "%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return err == nil
}

func toJSON(n *yaml.Node) ([]byte, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return json.Marshal(v)
}

// test runs the tests of a rule, and refuses it if one fails or too few say too little.
func (c *compiler) test(d *draft) {
	count := map[access.Answer]int{}
	r := *d.rule
	r.Params, r.Severity, r.Environments = d.written.Params, d.written.Severity, d.written.Environments
	r.Reads = slices.Concat(d.written.Reads, d.written.WhereCovered)
	r.setParams()
	r.setViews()
	for _, t := range d.tests {
		for name, problem := range t.run(&r) {
			c.errs.add(t.at, "rule %s: test %q: %s: %s", d.rule.ID, t.name, name, problem)
		}
		c.restsOn(d, &r, t)
		d.rule.Tests.Worlds++
		d.rule.Tests.Assertions += max(len(t.want), 1)
		if len(t.want) == 0 {
			count[access.AnswerPass]++ // a change that does not match
		}
		for _, w := range t.want {
			if w.Answer == access.AnswerNotApplicable {
				w.Answer = access.AnswerPass
			}
			count[w.Answer]++
		}
	}
	if count[access.AnswerViolation] < 2 || count[access.AnswerPass] < 2 || count[access.AnswerUnknown] < 1 && d.mayNotKnow() {
		c.errs.add(d.at, "rule %s: its tests show violation %d, none %d, unknown %d: at least 2, 2 and 1 are needed (unknown comes of given: {status: {KIND: denied}})",
			d.rule.ID, count[access.AnswerViolation], count[access.AnswerPass], count[access.AnswerUnknown])
	}
}

// mayNotKnow reports whether the rule can ever answer that it is unknown: one on changes
// or failures that rests on nothing that is read cannot.
func (d *draft) mayNotKnow() bool {
	_, says := d.exprs["unknown"]
	return d.rule.On == OnState || d.rule.On == OnReading || says || len(d.rule.Reads) > 0
}

// run is what is wrong with the verdicts in the test's world, by name.
func (t fileTest) run(r *Rule) map[string]string {
	if why := t.vacuous(r); why != "" {
		return map[string]string{"want": why}
	}
	got, err := t.world.judge(r)
	if err != nil {
		return map[string]string{"given": err.Error()}
	}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.want)) {
		v, there := got[name]
		if !there && !t.world.judged(r) {
			v, there = access.Verdict{Answer: access.AnswerNotApplicable, Why: "the rule judges " + strings.Join(r.Environments, ", ") + " only"}, true
		}
		if problem := t.want[name].compare(v, there); problem != "" {
			if !there {
				problem += nearName(name, got)
			}
			out[name] = problem
		}
	}
	for name, v := range got {
		if _, ok := t.want[name]; !ok && r.mustBeSaid(v) {
			out[name] = fmt.Sprintf("is %s, and should not match", answerText(v.Answer))
		}
	}
	return out
}

// judge is what the rule says in the world, by the names of tests.
func (w testWorld) judge(r *Rule) (map[string]access.Verdict, error) {
	r, err := w.adjust(r)
	if err != nil {
		return nil, err
	}
	e := &Engine{rules: []*Rule{r}, policy: newPolicy(w.policy(r.Environments))}
	for _, name := range slices.Sorted(maps.Keys(w.Refused)) {
		e.refused = append(e.refused, Refused{Rule: name, Problems: []Problem{{File: "f.yaml", Line: 1, Column: 1, Message: w.Refused[name]}}})
	}
	e.setViews()
	in, err := w.input(e, r)
	if err != nil {
		return nil, err
	}
	got := map[string]access.Verdict{}
	for _, v := range e.Evaluate(in) {
		got[r.testName(v)] = v
	}
	return got, nil
}

// judged reports whether the rule judges in the world's environment.
func (w testWorld) judged(r *Rule) bool {
	return r.appliesTo(newPolicy(w.policy(r.Environments)), w.Environment)
}

// mustBeSaid reports whether a test fails by such a verdict unless it names it. Resources
// may stand in a test as scenery, and so may kinds that can be read; what matched cannot.
func (r *Rule) mustBeSaid(v access.Verdict) bool {
	switch r.asks(v.Key).On {
	case OnState:
		return false
	case OnReading:
		return v.Answer != access.AnswerPass
	}
	return true
}

// vacuous is why a test would pass whatever the rule says.
func (t fileTest) vacuous(r *Rule) string {
	switch {
	case len(t.want) == 0 && r.On == OnState && (r.changes == nil || t.world.Change == nil):
		return "it asserts nothing: name a resource and its answer"
	case r.On == OnChange && t.world.Change == nil:
		return "there is no change to judge: give one under change"
	}
	return ""
}

// adjust is the rule with the parameters that the test gives.
func (w testWorld) adjust(r *Rule) (*Rule, error) {
	if len(w.Params) == 0 {
		return r, nil
	}
	out := *r
	out.Params = maps.Clone(r.Params)
	for name, raw := range w.Params {
		v, ok := paramValue(raw)
		if f, number := v.(float64); number && paramType(r.Params[name]).IsExactType(cel.IntType) {
			v = int64(f) // of JSON
		}
		if _, there := r.Params[name]; !ok || !there || !paramType(v).IsExactType(paramType(r.Params[name])) {
			return nil, fmt.Errorf("parameter %s: the rule has none of this name and type", name)
		}
		out.Params[name] = v
	}
	out.setParams()
	out.setViews()
	return &out, nil
}

// testName is how a test calls what a verdict is about.
func (r *Rule) testName(v access.Verdict) string {
	switch {
	case r.On == OnReading:
		return string(v.Ref.Kind)
	case r.asks(v.Key) != r:
		return "change"
	case r.On == OnFailure:
		return v.Key
	case v.Ref.Name == testProject:
		return "project"
	case v.Ref.Name == testOrg:
		return "org"
	}
	return v.Ref.Name
}

func (w fileWant) compare(v access.Verdict, there bool) string {
	ceiling, _ := parseCeiling(w.Ceiling)
	switch {
	case !there:
		return "has no verdict"
	case v.Answer != w.Answer:
		return fmt.Sprintf("is %s, want %s", answerText(v.Answer), answerText(w.Answer)) + because(cmpOr(v.Why, v.Message))
	case w.Severity != "" && string(v.Severity) != w.Severity:
		return fmt.Sprintf("has severity %s, want %s", v.Severity, w.Severity)
	case w.Ceiling != "" && v.Ceiling != ceiling:
		return fmt.Sprintf("has ceiling %q, want %s", v.Ceiling, w.Ceiling)
	case !strings.Contains(v.Message, w.Message):
		return fmt.Sprintf("says %q, want %q in it", v.Message, w.Message)
	case !strings.Contains(v.Why, w.Why):
		return fmt.Sprintf("says %q, want %q in it", v.Why, w.Why)
	}
	return ""
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// nearName is a hint at the resource that a name was meant for: a name without what Atlas puts
// before it, or a slip of the pen.
func nearName[V any](name string, got map[string]V) string {
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, own, ok := strings.Cut(k, "/"); ok && own == name {
			return fmt.Sprintf(": did you mean %q?", k)
		}
	}
	return suggestion(name, got)
}

func answerText(a access.Answer) string { return cmpOr(string(a), "unknown") }
