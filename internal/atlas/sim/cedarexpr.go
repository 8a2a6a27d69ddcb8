package sim

import (
	"strconv"
	"strings"
)

// expr reads a condition, loosest operators first.
func (p *cedarParser) expr() *cedarExpr {
	if p.is("if") {
		cond := p.expr()
		p.want("then")
		then := p.expr()
		p.want("else")
		return &cedarExpr{op: "if", args: []*cedarExpr{cond, then, p.expr()}}
	}
	return p.binary(0)
}

// cedarLevels are the operators by precedence. A relation does not chain in Cedar; here
// it may.
func cedarLevels() [][]string {
	return [][]string{{"||"}, {"&&"}, {"==", "!=", "<", "<=", ">", ">=", "in", "has", "like", "is"}, {"+", "-"}, {"*"}}
}

func (p *cedarParser) binary(level int) *cedarExpr {
	levels := cedarLevels()
	if level == len(levels) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for {
		op := p.peek().text
		if !p.is(levels[level]...) {
			return left
		}
		left = &cedarExpr{op: op, args: []*cedarExpr{left, p.binary(level + 1)}}
	}
}

func (p *cedarParser) unary() *cedarExpr {
	for _, op := range []string{"!", "-"} {
		if p.is(op) {
			return &cedarExpr{op: "unary" + op, args: []*cedarExpr{p.unary()}}
		}
	}
	return p.member()
}

// member is a primary with attributes, calls and indexes after it.
func (p *cedarParser) member() *cedarExpr {
	e := p.primary()
	for {
		switch {
		case p.is("."):
			name := p.kind('a', "a name")
			if p.is("(") {
				e = &cedarExpr{op: "call", text: name, args: append([]*cedarExpr{e}, p.list(")")...)}
			} else {
				e = &cedarExpr{op: "get", text: name, args: []*cedarExpr{e}}
			}
		case p.is("["):
			e = &cedarExpr{op: "get", text: p.kind('"', "a text"), args: []*cedarExpr{e}}
			p.want("]")
		default:
			return e
		}
	}
}

func (p *cedarParser) primary() *cedarExpr {
	switch t := p.take(); {
	case t.kind == '"':
		return &cedarExpr{op: "lit", value: t.text}
	case t.kind == '0':
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			cedarFail("the number %s is too large", t.text)
		}
		return &cedarExpr{op: "lit", value: n}
	case t.kind == 'a':
		return p.word(t.text)
	case t.text == "(":
		e := p.expr()
		p.want(")")
		return e
	case t.text == "[":
		return &cedarExpr{op: "set", args: p.list("]")}
	case t.text == "{":
		return p.record()
	default:
		cedarFail("expected an expression, found %q", t.text)
		return nil
	}
}

// word is true or false, a variable, a function's call, or a path that ends in an
// entity's id or a type's name.
func (p *cedarParser) word(first string) *cedarExpr {
	switch first {
	case "true", "false":
		return &cedarExpr{op: "lit", value: first == "true"}
	}
	path := []string{first}
	for p.is("::") {
		if t := p.take(); t.kind == '"' {
			return &cedarExpr{op: "entity", text: strings.Join(path, "::") + "::" + strconv.Quote(t.text)}
		} else if t.kind != 'a' {
			cedarFail("expected a name, found %q", t.text)
		} else {
			path = append(path, t.text)
		}
	}
	name := strings.Join(path, "::")
	if p.is("(") {
		return &cedarExpr{op: "func", text: name, args: p.list(")")}
	}
	return &cedarExpr{op: "name", text: name}
}

// list reads expressions up to the closing sign.
func (p *cedarParser) list(end string) []*cedarExpr {
	var out []*cedarExpr
	for !p.is(end) {
		if len(out) > 0 {
			p.want(",")
		}
		out = append(out, p.expr())
	}
	return out
}

func (p *cedarParser) record() *cedarExpr {
	out := &cedarExpr{op: "record"}
	for !p.is("}") {
		if len(out.args) > 0 {
			p.want(",")
		}
		if t := p.take(); t.kind != 'a' && t.kind != '"' {
			cedarFail("expected a name, found %q", t.text)
		}
		p.want(":")
		out.args = append(out.args, p.expr())
	}
	return out
}
