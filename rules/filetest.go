package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fileTest is one test of a rule, in its file: a small world and the answers in it.
type fileTest struct {
	name  string
	at    position
	input Input
	who   []access.Identity
	nets  []access.Network
	old   json.RawMessage // of the change: before and after
	new   json.RawMessage
	want  map[string]fileWant // by name of the resource; "project": the whole
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

const testProject = "000000000000000000000001"

// testWorld is the given of a test, beside its resources.
type testWorld struct {
	Environment string                       `json:"environment"`
	Now         time.Time                    `json:"now"`
	Project     string                       `json:"project"`
	Identities  []testIdentity               `json:"identities"`
	Networks    map[string][]string          `json:"networks"`
	Created     map[string]time.Time         `json:"created"`
	Changed     map[string]time.Time         `json:"changed"` // resources that were added while we watched, and when
	Status      map[access.Kind]string       `json:"status"`
	Odd         map[access.Kind][]string     `json:"odd"`
	Change      *testChange                  `json:"change"`
	kinds       map[access.Kind][]access.Box // by kind, as Atlas would list them
}

type testIdentity struct {
	Class     string             `json:"class"`
	Usernames []string           `json:"usernames"`
	Labels    map[string]string  `json:"labels"`
	Roles     []string           `json:"roles"` // role@database
	Scopes    []access.UserScope `json:"scopes"`
	MaxAge    string             `json:"maxAge"`
	Until     time.Time          `json:"until"`
	Owner     string             `json:"owner"`
}

type testChange struct {
	Op       access.Op       `json:"op"`
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	Occurred time.Time       `json:"occurred"`
	Ended    time.Time       `json:"ended"`
	Before   json.RawMessage `json:"before"`
	After    json.RawMessage `json:"after"`
}

func (p *parser) tests(n *yaml.Node) (out []fileTest) {
	if n.Kind != yaml.SequenceNode {
		p.errs.add(p.at(n), "tests: want a list")
		return nil
	}
	for _, c := range n.Content {
		t := fileTest{at: p.at(c)}
		var given, want *yaml.Node
		p.fields(c, "a test", map[string]func(*yaml.Node){
			"name": p.text(&t.name), "given": func(v *yaml.Node) { given = v }, "want": func(v *yaml.Node) { want = v },
		})
		if t.name == "" || given == nil || want == nil {
			p.errs.add(t.at, "a test needs name, given and want")
			continue
		}
		t.want = p.wants(want)
		if p.given(given, &t) {
			out = append(out, t)
		}
	}
	return out
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

// given reads a test's world.
func (p *parser) given(n *yaml.Node, t *fileTest) bool {
	if n.Kind != yaml.MappingNode {
		p.errs.add(p.at(n), "given: want keys and values")
		return false
	}
	w := testWorld{kinds: map[access.Kind][]access.Box{}}
	rest := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	ok := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if info, known := kinds[access.Kind(k.Value)]; known && k.Value != "project" {
			boxes, fine := p.resources(access.Kind(k.Value), info, v)
			w.kinds[access.Kind(k.Value)], ok = boxes, ok && fine
			continue
		}
		rest.Content = append(rest.Content, k, v)
	}
	ok = p.strict(rest, &w) && ok
	if ok {
		err := t.build(w)
		if err != nil {
			p.errs.add(p.at(n), "given: %v", err)
		}
		ok = err == nil
	}
	return ok
}

func (p *parser) resources(k access.Kind, info kindInfo, n *yaml.Node) (out []access.Box, ok bool) {
	if n.Kind != yaml.SequenceNode {
		p.errs.add(p.at(n), "%s: want a list", k)
		return nil, false
	}
	ok = true
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && k == access.KindIPAccessEntry {
			out = append(out, access.Box{State: access.IPAccessEntry{Entry: canonical(c.Value)}})
			continue
		}
		raw, err := toJSON(c)
		var box access.Box
		if err == nil {
			box, err = info.decode(raw)
		}
		if err != nil {
			p.errs.add(p.at(c), "%s: %v", k, err)
			ok = false
			continue
		}
		out = append(out, box)
	}
	return out, ok
}

// build makes the input of the test's world.
func (t *fileTest) build(w testWorld) error {
	if w.Now.IsZero() {
		w.Now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	}
	scope := access.ProjectScope(testProject)
	in := Input{Scope: scope, Environment: w.Environment, Now: w.Now, Created: w.Created, Collections: map[access.Kind]access.Collection{}}
	for k := range kinds {
		in.Collections[k] = w.collection(scope, k)
	}
	in.Collections[access.KindProject] = access.NewCollection(scope, access.KindProject, []access.State{access.Project{ID: testProject, Title: cmpOr(w.Project, "ecommerce-prod")}})
	if c := w.Change; c != nil {
		ch := access.Change{V: access.Version, ID: "test", Op: c.Op, Type: c.Type, Occurred: c.Occurred, Ended: c.Ended, Observed: w.Now, Ref: access.Ref{Scope: scope, Name: c.Name}}
		in.Changes, t.old, t.new = []access.Change{ch}, c.Before, c.After
	}
	for _, id := range w.Identities {
		made, err := id.identity()
		if err != nil {
			return err
		}
		t.who = append(t.who, made)
	}
	t.input, t.nets = in, []access.Network{{Purposes: w.Networks}}
	return nil
}

func (w testWorld) collection(scope access.Scope, k access.Kind) access.Collection {
	var states []access.State
	for _, b := range w.kinds[k] {
		states = append(states, b.State)
	}
	c := access.NewCollection(scope, k, states)
	c.FirstRead, c.Odd = w.Now.AddDate(0, -1, 0), w.Odd[k]
	if s := w.Status[k]; s != "" {
		c.Status, c.Reason = access.Status(s), "as the test says"
	}
	for i := range c.Resources {
		r := &c.Resources[i]
		r.FirstSeen, r.Baseline = c.FirstRead, true
		if at, ok := w.Changed[r.Name()]; ok {
			r.FirstSeen, r.ChangedAt, r.Baseline = at, at, false
		}
	}
	return c
}

func (id testIdentity) identity() (access.Identity, error) {
	out := access.Identity{Class: id.Class, Usernames: id.Usernames, Labels: id.Labels, Scopes: id.Scopes, Until: id.Until, Owner: id.Owner}
	for _, g := range id.Roles {
		role, db, _ := strings.Cut(g, "@")
		out.Roles = append(out.Roles, access.RoleGrant{Role: role, Database: db})
	}
	if id.MaxAge == "" {
		return out, nil
	}
	d, err := time.ParseDuration(id.MaxAge)
	if err != nil {
		return out, fmt.Errorf("identity of class %s: maxAge: %w", id.Class, err)
	}
	out.MaxAge = d
	return out, nil
}

// test runs the tests of a rule, and refuses it if one fails or too few say too little.
func (c *compiler) test(d *draft) {
	count := map[access.Answer]int{}
	r := *d.rule
	r.Params, r.Severity, r.Environments = d.written.Params, d.written.Severity, nil
	r.setParams()
	for _, t := range d.tests {
		for name, problem := range t.run(&r) {
			c.errs.add(t.at, "rule %s: test %q: %s: %s", d.rule.ID, t.name, name, problem)
		}
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
	if count[access.AnswerViolation] < 2 || count[access.AnswerPass] < 2 || count[access.AnswerUnknown] < 1 {
		c.errs.add(d.at, "rule %s: its tests show %d violations, %d that are none and %d unknown: at least 2, 2 and 1 are needed",
			d.rule.ID, count[access.AnswerViolation], count[access.AnswerPass], count[access.AnswerUnknown])
	}
}

// run is what is wrong with the verdicts in the test's world, by name.
func (t fileTest) run(r *Rule) map[string]string {
	out := map[string]string{}
	e := &Engine{rules: []*Rule{r}, policy: newPolicy(Policy{
		Environments: []access.Environment{{Name: "prod"}, {Name: "staging"}, {Name: "dev"}}, Identities: t.who, Networks: t.nets,
	})}
	in := t.input
	if err := t.change(r, &in); err != nil {
		return map[string]string{"change": err.Error()}
	}
	got := map[string]access.Verdict{}
	for _, v := range e.Evaluate(in) {
		name := v.Ref.Name
		if name == testProject {
			name = "project"
		}
		got[name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(t.want)) {
		if problem := t.want[name].compare(got[name], got[name].Rule != ""); problem != "" {
			out[name] = problem
		}
	}
	for name, v := range got {
		if _, ok := t.want[name]; !ok && r.OnChange {
			out[name] = fmt.Sprintf("is %s, and should not match", answerText(v.Answer))
		}
	}
	return out
}

// change makes the test's change one of the rule's kind.
func (t fileTest) change(r *Rule, in *Input) (err error) {
	in.Changes = slices.Clone(in.Changes)
	for i := range in.Changes {
		c := &in.Changes[i]
		c.Ref.Kind = r.Kind
		if t.old != nil {
			if c.Before, err = kinds[r.Kind].decode(t.old); err != nil {
				return fmt.Errorf("before: %w", err)
			}
		}
		if t.new != nil {
			if c.After, err = kinds[r.Kind].decode(t.new); err != nil {
				return fmt.Errorf("after: %w", err)
			}
		}
	}
	return nil
}

func (w fileWant) compare(v access.Verdict, there bool) string {
	ceiling, _ := parseCeiling(w.Ceiling)
	switch {
	case !there:
		return "has no verdict"
	case v.Answer != w.Answer:
		return fmt.Sprintf("is %s, want %s (%s)", answerText(v.Answer), answerText(w.Answer), cmpOr(v.Why, v.Message))
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

func answerText(a access.Answer) string { return cmpOr(string(a), "unknown") }
