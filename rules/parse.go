package rules

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// draft is a rule as read from a file, not compiled yet.
type draft struct {
	rule    *Rule
	written Rule // before overrides: what the tests are about
	at      position
	exprs   map[string]rawExpr // by key, those of the whole as "whole.<key>"
	facts   []rawExpr          // with name
	tests   []fileTest
	through access.Kind
	eachOf  access.Kind
	changes *changesBlock
	errs    *LoadErrors // its mistakes
	costs   LoadErrors  // of these, what is only too dear: its tests are run all the same

	places   map[string]position // of the values of its keys, those of params as "params.<name>"
	patterns []string            // parameters that are regular expressions
}

// place is where the value of a key is; of one that the file does not have, the rule.
func (d *draft) place(key string) position {
	if at, ok := d.places[key]; ok {
		return at
	}
	return d.at
}

// changesBlock is what a state rule judges of changes.
type changesBlock struct {
	Kinds     []access.Kind
	StandsFor time.Duration
	about     bool
}

// rawExpr is the text of an expression and where its first character is.
type rawExpr struct {
	name, src string
	at        position
	exact     bool // positions inside the text can be told
	lines     bool // the text spans lines as in the file
}

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// parser collects what one file says and every mistake in saying it.
type parser struct {
	src     Source
	errs    *LoadErrors
	trusted bool     // tests are not read
	lines   [][]byte // of the file, once they are asked for
}

// parse reads the rules of a file: any number of documents, each a rule or a list of rules.
// Each rule has its own mistakes; errs gets those of no one rule.
func parse(src Source, errs *LoadErrors, trusted bool) []*draft {
	p := &parser{src: src, errs: errs, trusted: trusted}
	var out []*draft
	dec := yaml.NewDecoder(bytes.NewReader(src.Text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if err != nil && !errors.Is(err, io.EOF) {
			p.badYAML(err)
		}
		if err != nil {
			p.cut(out)
			return out
		}
		for _, n := range doc.Content {
			out = append(out, p.rules(n)...)
		}
	}
}

var yamlLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)

func (p *parser) badYAML(err error) {
	at := position{p.src.Name, 1, 1}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		at.line, _ = strconv.Atoi(m[1])
		if m[2] != "" {
			at.col, _ = strconv.Atoi(m[2])
		}
	}
	p.errs.add(at, "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

func (p *parser) at(n *yaml.Node) position {
	return position{p.src.Name, max(n.Line, 1), max(n.Column, 1)}
}

func (p *parser) rules(n *yaml.Node) (out []*draft) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			out = append(out, p.rules(c)...)
		}
	case yaml.MappingNode:
		out = append(out, p.rule(n))
	default:
		if n.Kind != yaml.ScalarNode || n.Value != "" {
			p.errs.add(p.at(n), "want a rule or a list of rules")
		}
	}
	return out
}

// cut gives the rules of a file their texts: each reaches to the next one, or to the end of
// its document.
func (p *parser) cut(list []*draft) {
	lines := strings.SplitAfter(string(p.src.Text), "\n")
	for i, d := range list {
		end := len(lines)
		if i+1 < len(list) {
			end = list[i+1].rule.Line - 1
		}
		from := d.rule.Line - 1
		if from >= end {
			continue
		}
		if i := slices.Index(lines[from:end], "---\n"); i > 0 {
			end = from + i
		}
		d.rule.Text = strings.TrimRight(strings.Join(lines[from:end], ""), "\n") + "\n"
	}
}

// fields walks a mapping; a key that is not in known, or comes twice, is a mistake.
func (p *parser) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.errs.add(p.at(n), "%s: want keys and values", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		f, ok := known[k.Value]
		switch {
		case !ok:
			p.errs.add(p.at(k), "%s has no key %q%s", what, k.Value, suggestion(k.Value, known))
		case seen[k.Value]:
			p.errs.add(p.at(k), "%s: key %q comes twice", what, k.Value)
		default:
			f(v)
		}
		seen[k.Value] = true
	}
}

func (p *parser) rule(n *yaml.Node) *draft {
	r := &Rule{On: OnState, Source: p.src.Name, Line: n.Line, Params: map[string]any{}, Remedy: "none", Severity: access.Medium, StandsFor: 7 * 24 * time.Hour}
	d := &draft{rule: r, at: p.at(n), exprs: map[string]rawExpr{}, errs: &LoadErrors{}, places: map[string]position{}}
	of := p.errs
	p.errs = d.errs
	defer func() { p.errs = of }()
	w := &words{}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		d.places[n.Content[i].Value] = p.at(n.Content[i+1])
	}
	p.fields(n, "a rule", p.ruleKeys(d, w))
	p.testPlaces(d)
	p.complete(d, w.on, w.severity, w.ceiling)
	return d
}

// words are what a rule says in words that are looked at when all of it was read.
type words struct{ on, severity, ceiling string }

// ruleKeys are the keys of a rule.
func (p *parser) ruleKeys(d *draft, w *words) map[string]func(*yaml.Node) {
	r := d.rule
	known := p.checkKeys(d, "")
	maps.Copy(known, map[string]func(*yaml.Node){
		"id": p.text(&r.ID), "title": p.text(&r.Title), "why": p.text(&r.Why), "fix": p.text(&r.Fix), "severity": p.text(&w.severity),
		"kind": func(v *yaml.Node) { r.Kinds = p.oneOrMore(v) }, "on": p.text(&w.on), "reads": func(v *yaml.Node) { r.Reads = p.kinds(v) },
		"environments": p.texts(&r.Environments), "siblings": func(v *yaml.Node) { r.Siblings = p.kinds(v) },
		"reads_where_covered": func(v *yaml.Node) { r.WhereCovered = p.kinds(v) }, "params": func(v *yaml.Node) { p.params(v, d) },
		"stands_for": p.duration(&r.StandsFor), "remedy": p.text(&r.Remedy), "ceiling": p.text(&w.ceiling),
		"controls": p.texts(&r.Controls), "references": p.texts(&r.References),
		"through": func(v *yaml.Node) { p.fields(v, "through", p.namesKeys(d, "through", &d.through)) },
		"each_of": func(v *yaml.Node) { p.fields(v, "each_of", p.namesKeys(d, "each_of", &d.eachOf)) },
		"whole":   func(v *yaml.Node) { p.fields(v, "whole", p.checkKeys(d, "whole.")) },
		"tests": func(v *yaml.Node) {
			if !p.trusted {
				d.tests = p.tests(v)
			}
		},
		"key": p.expr(d, "key"), "until": p.expr(d, "until"), "ends": p.expr(d, "ends"),
		"about":   p.aboutScope(&r.about),
		"changes": func(v *yaml.Node) { p.changesBlock(v, d) },
	})
	return known
}

// checkKeys are the expressions of one check.
func (p *parser) checkKeys(d *draft, prefix string) map[string]func(*yaml.Node) {
	out := map[string]func(*yaml.Node){"facts": func(v *yaml.Node) { p.factBlock(v, d, prefix) }}
	for _, k := range []string{"not_applicable", "when", "unknown", "message", "severity_here", "ceiling_here", "since", "path", "causes", "values"} {
		out[k] = p.expr(d, prefix+k)
	}
	return out
}

// namesKeys are a kind and an expression for names.
func (p *parser) namesKeys(d *draft, key string, kind *access.Kind) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){"kind": func(v *yaml.Node) { *kind = p.kind(v) }, "names": p.expr(d, key+".names")}
}

// changesKeys are the keys of what a state rule judges of changes.
func (p *parser) changesKeys(d *draft, b *changesBlock) map[string]func(*yaml.Node) {
	known := p.checkKeys(d, "changes.")
	known["kind"] = func(v *yaml.Node) { b.Kinds = p.oneOrMore(v) }
	known["about"], known["stands_for"] = p.aboutScope(&b.about), p.duration(&b.StandsFor)
	for _, k := range []string{"key", "until", "ends"} {
		known[k] = p.expr(d, "changes."+k)
	}
	return known
}

// changesBlock reads what a state rule judges of changes.
func (p *parser) changesBlock(n *yaml.Node, d *draft) {
	b := &changesBlock{StandsFor: d.rule.StandsFor}
	p.fields(n, "changes", p.changesKeys(d, b))
	for _, k := range b.Kinds {
		if _, ok := kinds[k]; !ok {
			return // said already
		}
	}
	if len(b.Kinds) == 0 {
		p.errs.add(p.at(n), "changes: kind is missing")
		return
	}
	d.changes = b
}

// aboutScope reads about: scope.
func (p *parser) aboutScope(dst *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if *dst = n.Value == "scope"; !*dst {
			p.errs.add(p.at(n), "about: want scope, or nothing for the resource that changed")
		}
	}
}

func (p *parser) factBlock(n *yaml.Node, d *draft, prefix string) {
	if n.Kind != yaml.MappingNode {
		p.errs.add(p.at(n), "facts: want names and expressions")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		p.expr(d, prefix+"facts."+name)(n.Content[i+1])
		d.facts = append(d.facts, rawExpr{name: name, src: prefix})
	}
}
