package rules

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

const (
	maxStaticCost = 500_000 // refused above; about 20 ms
	userCostLimit = 100_000 // of one evaluation of a user's rule
	maxListSize   = 200     // for the static estimate, where nothing tells the length
	maxStringSize = 1024    // the longest username (CloudDatabaseUser of the Atlas API), and of what has no limit there
)

// price notes an expression whose cost has no low bound. That is no reason to leave out the
// tests, which may show that the rule itself is another one than was meant.
func (d *draft) price(env *cel.Env, tree *cel.Ast, key string, raw rawExpr) {
	most, err := env.EstimateCost(tree, sizes{d.rule.Params})
	at, what := dear(tree.NativeRep(), raw)
	switch {
	case err != nil:
		d.costs.add(raw.at, "rule %s: %s: its cost cannot be told: %v", d.rule.ID, key, err)
	case most.Max > maxStaticCost:
		d.costs.add(at, "rule %s: %s may cost %d units, above %d: %s", d.rule.ID, key, most.Max, maxStaticCost, what)
	}
}

// dear is what makes an expression cost much, where it begins, and what helps.
func dear(tree *ast.AST, raw rawExpr) (position, string) {
	chain, call := dearest(ast.NavigateAST(tree))
	if len(chain) == 0 {
		return raw.at, "it compares or searches long texts: make it shorter, or use a variable that has done the work"
	}
	at := raw.at
	if loc := tree.SourceInfo().GetStartLocation(chain[0].ID()); loc.Line() > 0 {
		at = raw.position(loc.Line(), loc.Column())
	}
	names := make([]string, 0, len(chain))
	for _, loop := range chain {
		names = append(names, ranged(tree, loop))
	}
	within := fmt.Sprintf("the loop over %s", strings.Join(names, ", and in it the one over "))
	if call != "" {
		within = call + " is asked of each in " + within
	}
	switch call {
	case "contains", "indexOf", "lastIndexOf", "replace":
		return at, within + ": search once outside of the loop, such as by matches('a|b') or glob"
	}
	if len(chain) > 1 {
		return at, within + ": use fewer nested loops, or a variable that has done the work"
	}
	return at, within + ": do less in it, or use a variable that has done the work"
}

// dearest are the loops around what is most deeply inside of loops, the outermost first,
// and the first call there that reads whole texts.
func dearest(root ast.NavigableExpr) (chain []ast.NavigableExpr, call string) {
	reads := []string{"contains", "indexOf", "lastIndexOf", "replace", "matches", "glob", "format", "split"}
	for _, e := range ast.MatchDescendants(root, ast.AllMatcher()) {
		around := loops(e)
		name := ""
		if e.Kind() == ast.CallKind && slices.Contains(reads, e.AsCall().FunctionName()) {
			name = e.AsCall().FunctionName()
		}
		if len(around) > len(chain) || len(around) == len(chain) && len(chain) > 0 && call == "" && name != "" {
			chain, call = around, name
		}
	}
	return chain, call
}

// loops are the loops that an expression is asked in again and again, the outermost first.
// What [cel.bind] makes is none: it goes over nothing.
func loops(e ast.NavigableExpr) (out []ast.NavigableExpr) {
	for child := e; ; {
		up, ok := child.Parent()
		if !ok {
			slices.Reverse(out)
			return out
		}
		if up.Kind() == ast.ComprehensionKind {
			over := up.AsComprehension().IterRange()
			bound := over.Kind() == ast.ListKind && over.AsList().Size() == 0
			if !bound && over.ID() != child.ID() {
				out = append(out, up)
			}
		}
		child = up
	}
}

// ranged is what a loop goes over, as it is written.
func ranged(tree *ast.AST, loop ast.NavigableExpr) string {
	text, err := cel.ExprToString(loop.AsComprehension().IterRange(), tree.SourceInfo())
	if err != nil || len(text) > 60 {
		return "a list"
	}
	return text
}

// sizes tells the static estimate how long lists and texts get: parameters are as long as
// they are, names in Atlas as long as Atlas lets them be.
type sizes struct{ params map[string]any }

// EstimateSize implements [cost.Estimator].
func (s sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	path := element.Path()
	if len(path) > 0 {
		if name, ok := strings.CutPrefix(path[0], "params."); ok {
			if v, there := s.params[name]; there {
				return sizeOf(v, path[1:])
			}
		}
	}
	switch element.Type().Kind() {
	case types.ListKind, types.MapKind:
		return &cost.SizeEstimate{Min: 0, Max: maxListSize}
	case types.StringKind:
		return &cost.SizeEstimate{Min: 0, Max: longest(path)}
	}
	return nil
}

// sizeOf is how long a parameter is, or the longest text of one that is a list.
func sizeOf(param any, under []string) *cost.SizeEstimate {
	n := 1
	switch v := param.(type) {
	case string:
		n = len(v)
	case []string:
		if n = len(v); len(under) > 0 {
			n = 0
			for _, text := range v {
				n = max(n, len(text))
			}
		}
	}
	return &cost.SizeEstimate{Min: 0, Max: uint64(n)}
}

// longest is how long a text gets: as the Atlas API limits it (maxLength in its description,
// or a pattern for names of projects), else the most for a text.
func longest(path []string) uint64 {
	at := strings.Join(path, ".")
	for field, n := range map[string]uint64{
		"project.name": 64, "project.id": 24, "project.tags.@keys": 255, "project.tags.@values": 255,
		".tags.@items.key": 255, ".tags.@items.value": 255, ".labels.@items.key": 255, ".labels.@items.value": 255,
		".groupId": 24, ".orgId": 24, "entry.comment": 80, "user.description": 100, "user.databaseName": 9, // $external
	} {
		if strings.HasSuffix(at, field) {
			return n
		}
	}
	return maxStringSize
}

// EstimateCallCost implements [cost.Estimator]: calls cost what the language says.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
