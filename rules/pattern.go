package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
)

// patternsIn are the parameters that an expression takes for regular expressions.
func patternsIn(tree *ast.AST) (out []string) {
	for _, call := range ast.MatchDescendants(ast.NavigateAST(tree), ast.FunctionMatcher(overloads.Matches)) {
		for _, arg := range call.Children() {
			if id, ok := tree.ReferenceMap()[arg.ID()]; ok && strings.HasPrefix(id.Name, "params.") {
				out = append(out, strings.TrimPrefix(id.Name, "params."))
			}
		}
	}
	return out
}

// checkPatterns refuses a parameter that is a regular expression, by its name or by its use,
// and does not read as one: every answer that rests on it would be unknown. Said is told of
// those of the override, by name.
func (d *draft) checkPatterns(o Override, said func(name, format string, args ...any)) {
	for _, name := range slices.Sorted(maps.Keys(d.rule.Params)) {
		text, ok := d.rule.Params[name].(string)
		if !ok || !slices.Contains(d.patterns, name) && name != "pattern" && !strings.HasSuffix(name, "_pattern") {
			continue
		}
		_, err := regexp.Compile(text)
		switch _, overridden := o.Params[name]; {
		case err == nil:
		case overridden:
			said(name, "parameter %s is no regular expression: %v", name, err)
		default:
			d.errs.add(d.place("params."+name), "rule %s: parameter %s is no regular expression: %v", d.rule.ID, name, err)
		}
	}
}
