package rules

import (
	"bytes"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The readers of single values. Each gives a function that reads a node into dst, and
// notes a mistake with its position.

func (p *parser) text(dst *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			p.errs.add(p.at(n), "want a text")
			return
		}
		*dst = strings.TrimSpace(n.Value)
	}
}

func (p *parser) texts(dst *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			p.errs.add(p.at(n), "want a list of texts")
			return
		}
		for _, c := range n.Content {
			var s string
			p.text(&s)(c)
			*dst = append(*dst, s)
		}
	}
}

func (p *parser) duration(dst *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || d <= 0 {
			p.errs.add(p.at(n), "want a duration such as 168h")
			return
		}
		*dst = d
	}
}

func (p *parser) kind(n *yaml.Node) access.Kind {
	var s string
	p.text(&s)(n)
	k := access.Kind(s)
	if _, ok := kinds[k]; s != "" && !ok {
		p.errs.add(p.at(n), "kind %q: no rule can read it%s", s, suggestion(s, kindNames()))
	}
	return k
}

// oneOrMore reads a kind or a list of kinds.
func (p *parser) oneOrMore(n *yaml.Node) []access.Kind {
	if n.Kind == yaml.SequenceNode {
		return p.kinds(n)
	}
	if k := p.kind(n); k != "" {
		return []access.Kind{k}
	}
	return nil
}

func (p *parser) kinds(n *yaml.Node) (out []access.Kind) {
	if n.Kind != yaml.SequenceNode {
		p.errs.add(p.at(n), "want a list of kinds")
	}
	for _, c := range n.Content {
		out = append(out, p.kind(c))
	}
	return out
}

// params takes a rule's parameters with their defaults, which also give their types.
func (p *parser) params(n *yaml.Node, d *draft) {
	if n.Kind != yaml.MappingNode {
		p.errs.add(p.at(n), "params: want names and defaults")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		var raw any
		if err := v.Decode(&raw); err != nil {
			p.errs.add(p.at(v), "params.%s: %v", k.Value, err)
			continue
		}
		val, ok := paramValue(raw)
		switch {
		case !identifier.MatchString(k.Value):
			p.errs.add(p.at(k), "params: %q cannot be a name in an expression: use letters, digits and _", k.Value)
		case !ok:
			p.errs.add(p.at(v), "params.%s: want a number, a text, true or false, a duration such as 5m, or a list of texts", k.Value)
		default:
			d.rule.Params[k.Value], d.places["params."+k.Value] = val, p.at(v)
		}
	}
}

// expr takes an expression and remembers where its text begins.
func (p *parser) expr(d *draft, key string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
			p.errs.add(p.at(n), "%s: want an expression", key)
			return
		}
		d.exprs[key] = p.rawExpr(n)
	}
}

func (p *parser) rawExpr(n *yaml.Node) rawExpr {
	e := rawExpr{src: n.Value, at: p.at(n), exact: true}
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		e.at, e.lines = p.blockStart(n), true
	case n.Style&yaml.FoldedStyle != 0:
		e.at = p.blockStart(n)
		e.exact = strings.Count(strings.TrimSpace(n.Value), "\n") == 0 && p.oneLine(e.at, n.Value)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		e.at.col++
		e.exact = p.oneLine(e.at, n.Value)
	default:
		e.exact = p.oneLine(e.at, n.Value)
	}
	return e
}

// blockStart is where the text of a block scalar begins: the first line after its
// header that is not blank.
func (p *parser) blockStart(n *yaml.Node) position {
	lines := p.fileLines()
	for i := n.Line; i < len(lines); i++ {
		if t := bytes.TrimLeft(lines[i], " "); len(bytes.TrimSpace(t)) > 0 {
			return position{p.src.Name, i + 1, len(lines[i]) - len(t) + 1}
		}
	}
	return p.at(n)
}

func (p *parser) fileLines() [][]byte {
	if p.lines == nil {
		p.lines = bytes.Split(p.src.Text, []byte("\n"))
	}
	return p.lines
}

// oneLine reports whether the text stands as it is on its line of the file.
func (p *parser) oneLine(at position, text string) bool {
	lines := p.fileLines()
	if at.line > len(lines) || at.col > len(lines[at.line-1])+1 {
		return false
	}
	return bytes.HasPrefix(lines[at.line-1][at.col-1:], []byte(strings.TrimSpace(text)))
}

// position is where in the file the character at this line (from 1) and column (from
// 0) of the expression is.
func (e rawExpr) position(line, col int) position {
	switch {
	case !e.exact || line < 1 || col < 0:
		return e.at
	case e.lines:
		return position{e.at.file, e.at.line + line - 1, e.at.col + col}
	}
	return position{e.at.file, e.at.line, e.at.col + col}
}
