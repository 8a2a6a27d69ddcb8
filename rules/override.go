package rules

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
)

// overrideOf begins the file of a mistake in an override; the rule's id follows and, behind
// a space, the key under it.
const overrideOf = "override of "

// InOverride is the rule and the key, such as params.after, that a mistake in overrides is
// about. The key may be empty.
func (p Problem) InOverride() (rule, key string, ok bool) {
	of, ok := strings.CutPrefix(p.File, overrideOf)
	rule, key, _ = strings.Cut(of, " ")
	return rule, key, ok && p.Line == 0
}

// override applies what the installation changes.
func (c *compiler) override(d *draft, o Override, envs []access.Environment) {
	bad := func(key, format string, args ...any) {
		c.errs.add(position{file: strings.TrimSpace(overrideOf + d.rule.ID + " " + key)}, format, args...)
	}
	d.rule.Params = maps.Clone(d.rule.Params)
	if o.Severity != "" && !slices.Contains(access.Severities(), o.Severity) {
		bad("severity", "severity %q: want one of %v", o.Severity, access.Severities())
	} else if o.Severity != "" {
		d.rule.Severity = o.Severity
	}
	if o.Environments != nil {
		d.rule.Environments = o.Environments
	}
	for _, name := range o.Environments {
		if !slices.ContainsFunc(envs, func(e access.Environment) bool { return e.Name == name }) {
			bad("environments", "environment %q is not configured", name)
		}
	}
	switch {
	case o.Ceiling == nil:
	case !d.rule.Ceiling.Allows(*o.Ceiling) && !o.AcceptRisk:
		bad("ceiling", "ceiling %s is above the rule's, %s: what that may break is said in its remedy; add accept_risk: true to take it on", ceilingText(*o.Ceiling), ceilingText(d.rule.Ceiling))
	default:
		d.rule.Ceiling = *o.Ceiling
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		old, ok := d.rule.Params[name]
		v, valid := paramValue(o.Params[name])
		switch {
		case !ok:
			bad("params."+name, "no parameter %q%s", name, parameters(name, d.rule.Params))
		case !valid || !paramType(v).IsExactType(paramType(old)):
			bad("params."+name, "parameter %s: want %s, such as %s", name, paramWords(old), paramText(old))
		default:
			d.rule.Params[name] = v
		}
	}
}

// parameters is a hint at the one that was meant, or at those that there are.
func parameters(word string, all map[string]any) string {
	if near := suggestion(word, all); near != "" || len(all) == 0 {
		return cmpOr(near, ": the rule has none")
	}
	return ": the rule has " + strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// paramWords is what a parameter is, as a person says it.
func paramWords(v any) string {
	switch t := paramType(v); t.Kind() {
	case cel.IntType.Kind():
		return "a whole number"
	case cel.DoubleType.Kind():
		return "a number with a fraction"
	case cel.BoolType.Kind():
		return "true or false"
	case cel.DurationType.Kind():
		return "a duration"
	case cel.StringType.Kind():
		return "a text"
	}
	return "a list of texts"
}
