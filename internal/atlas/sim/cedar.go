package sim

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A resource policy's body is one policy in the Cedar language: an effect, a scope of
// three and conditions. This reads the language well enough to refuse what is none, and
// to evaluate conditions on the IP access list; it knows no schema.

// cedarPolicy is one parsed policy.
type cedarPolicy struct {
	forbid     bool
	principal  *cedarExpr // nil: any
	action     *cedarExpr
	resource   *cedarExpr
	conditions []cedarCondition
}

type cedarCondition struct {
	unless bool
	expr   *cedarExpr
}

// cedarExpr is a node. op is an operator, or: "lit" (value), "name" (text), "entity"
// (text is Type::"id"), "get" (args[0].text), "call" (args[0].text(rest)), "func"
// (text(args)), "set", "record".
type cedarExpr struct {
	op, text string
	value    any
	args     []*cedarExpr
}

// cedarToken is a word, a text (unquoted, kind '"'), a number or a sign.
type cedarToken struct {
	kind byte // 'a', '"', '0' or 's'; 0 is the end
	text string
}

// cedarError stops the parser; it is recovered in parseCedar.
type cedarError string

type cedarParser struct {
	tokens []cedarToken
	next   int
}

// parseCedar reads exactly one policy.
func parseCedar(src string) (p *cedarPolicy, err error) {
	defer func() {
		if r := recover(); r != nil {
			wrong, ours := r.(cedarError)
			if !ours {
				panic(r)
			}
			p, err = nil, fmt.Errorf("parsing the policy: %s", string(wrong))
		}
	}()
	ps := &cedarParser{tokens: cedarTokens(src)}
	return ps.policy(), nil
}

func cedarFail(format string, args ...any) { panic(cedarError(fmt.Sprintf(format, args...))) }

// cedarTokens splits the text; comments run from // to the end of the line.
func cedarTokens(src string) []cedarToken {
	var out []cedarToken
	for rest := src; ; {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		switch {
		case rest == "":
			return out
		case strings.HasPrefix(rest, "//"):
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		t, n := cedarToken1(rest)
		out, rest = append(out, t), rest[n:]
	}
}

// cedarToken1 reads the token at the start, and how long it is.
func cedarToken1(s string) (cedarToken, int) {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	if s[0] == '"' {
		return cedarText(s)
	}
	if n := len(s) - len(strings.TrimLeft(s, digits)); n > 0 {
		return cedarToken{'0', s[:n]}, n
	}
	if n := len(s) - len(strings.TrimLeft(s, letters+digits)); n > 0 {
		return cedarToken{'a', s[:n]}, n
	}
	for _, sign := range []string{"::", "==", "!=", "<=", ">=", "&&", "||"} {
		if strings.HasPrefix(s, sign) {
			return cedarToken{'s', sign}, len(sign)
		}
	}
	if !strings.ContainsRune("(){}[],;:.<>!+-*@", rune(s[0])) {
		cedarFail("unexpected character %q", s[:1])
	}
	return cedarToken{'s', s[:1]}, 1
}

func cedarText(s string) (cedarToken, int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return cedarToken{'"', b.String()}, i + 1
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	cedarFail("a text has no end")
	return cedarToken{}, 0
}

func (p *cedarParser) peek() cedarToken {
	if p.next < len(p.tokens) {
		return p.tokens[p.next]
	}
	return cedarToken{}
}

func (p *cedarParser) take() cedarToken {
	t := p.peek()
	p.next++
	return t
}

// is takes the next token if it is that word or sign.
func (p *cedarParser) is(words ...string) bool {
	if t := p.peek(); t.kind != '"' && t.kind != 0 && slices.Contains(words, t.text) {
		p.next++
		return true
	}
	return false
}

func (p *cedarParser) want(word string) {
	if t := p.peek(); !p.is(word) {
		cedarFail("expected %q, found %q", word, t.text)
	}
}

func (p *cedarParser) kind(kind byte, what string) string {
	t := p.take()
	if t.kind != kind {
		cedarFail("expected %s, found %q", what, t.text)
	}
	return t.text
}

func (p *cedarParser) policy() *cedarPolicy {
	for p.is("@") { // annotations
		p.kind('a', "a name")
		p.want("(")
		p.kind('"', "a text")
		p.want(")")
	}
	out := &cedarPolicy{forbid: p.is("forbid")}
	if !out.forbid {
		p.want("permit")
	}
	p.want("(")
	out.principal = p.scope("principal")
	p.want(",")
	out.action = p.scope("action")
	p.want(",")
	out.resource = p.scope("resource")
	p.want(")")
	for p.peek().text != ";" {
		unless := p.is("unless")
		if !unless {
			p.want("when")
		}
		p.want("{")
		out.conditions = append(out.conditions, cedarCondition{unless, p.expr()})
		p.want("}")
	}
	p.want(";")
	if p.peek().kind != 0 {
		cedarFail("there is more than one policy")
	}
	return out
}

// scope is a variable, alone or with a constraint.
func (p *cedarParser) scope(variable string) *cedarExpr {
	p.want(variable)
	for _, op := range []string{"==", "in", "is"} {
		if p.is(op) {
			return &cedarExpr{op: op, args: []*cedarExpr{{op: "name", text: variable}, p.member()}}
		}
	}
	return nil
}
