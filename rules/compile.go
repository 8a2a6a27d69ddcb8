package rules

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/gatewarden/gatewarden/internal/access"
)

// compiler makes expressions of drafts.
type compiler struct {
	base  *cel.Env
	envs  map[string]*cel.Env // by kinds and mode
	errs  *LoadErrors
	prove bool // built-in rules too
}

func newCompiler(errs *LoadErrors) (*compiler, error) {
	env, err := cel.NewEnv(
		celTypes(), ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(), ext.Bindings(), ext.Network(),
		cel.ParserExpressionSizeLimit(16_384), cel.ParserRecursionLimit(64),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(), cel.ValidateComprehensionNestingLimit(2),
		),
		cel.Function("days", cel.Overload("days_int", []*cel.Type{cel.IntType}, cel.DurationType, cel.UnaryBinding(days))),
		cel.Function("few", cel.Overload("few_list", []*cel.Type{cel.ListType(cel.StringType)}, cel.StringType, cel.UnaryBinding(fewCall))),
		cel.Function("span", cel.Overload("span_duration", []*cel.Type{cel.DurationType}, cel.StringType, cel.UnaryBinding(spanCall))),
		cel.Function("glob", cel.Overload("glob_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType, cel.BinaryBinding(globCall))),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare the rule language: %w", err)
	}
	return &compiler{base: env, envs: map[string]*cel.Env{}, errs: errs}, nil
}

func days(v ref.Val) ref.Val {
	n, ok := v.(types.Int)
	if limit := types.Int(math.MaxInt64 / (24 * time.Hour)); !ok || n > limit || n < -limit {
		return types.NewErr("days(%v): out of range", v)
	}
	return types.Duration{Duration: time.Duration(n) * 24 * time.Hour}
}

// fewTold is how many of a list a text tells.
const fewTold = 10

// fewCall is a list for people: of thousands nobody reads all.
func fewCall(v ref.Val) ref.Val {
	native, err := v.ConvertToNative(stringsType)
	if err != nil {
		return types.WrapErr(err)
	}
	all := native.([]string)
	text := strings.Join(all[:min(len(all), fewTold)], ", ")
	if more := len(all) - fewTold; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return types.String(text)
}

// spanCall is a duration for people.
func spanCall(v ref.Val) ref.Val {
	d, ok := v.(types.Duration)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	return types.String(access.Lasts(d.Duration))
}

func globCall(pattern, name ref.Val) ref.Val {
	p, ok1 := pattern.(types.String)
	n, ok2 := name.(types.String)
	if !ok1 || !ok2 {
		return types.MaybeNoSuchOverloadErr(pattern)
	}
	return types.Bool(access.Match(string(p), string(n)))
}

// rule compiles all expressions of a draft.
func (c *compiler) rule(d *draft, builtIn, limitAll bool) {
	r := d.rule
	r.BuiltIn = builtIn
	if len(r.Kinds) == 0 || slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { _, ok := kinds[k]; return !ok }) {
		return // said already
	}
	mode := map[On]int{OnChange: forChange, OnReading: forReading, OnFailure: forFailure}[r.On]
	if mode == 0 {
		mode = forEach
	}
	envs := map[string]*cel.Env{"": c.env(d, r.Kinds, mode)}
	if d.hasWhole() {
		envs["whole."] = c.env(d, r.Kinds, forWhole)
	}
	if d.changes != nil {
		envs["changes."] = c.env(d, d.changes.Kinds, forChange)
	}
	for _, env := range envs {
		if env == nil {
			return
		}
	}
	compile := func(prefix, key string, want *cel.Type) *expr {
		return c.expr(d, envs[prefix], prefix+key, want, terms{trusted: c.trusts(d), bare: builtIn && !limitAll})
	}
	if _, ok := d.exprs["when"]; ok {
		r.each = checkOf(d, "", compile)
	}
	if _, ok := d.exprs["whole.when"]; ok {
		r.whole = checkOf(d, "whole.", compile)
	}
	r.key, r.until, r.ends = compile("", "key", cel.StringType), compile("", "until", cel.BoolType), compile("", "ends", cel.BoolType)
	if d.changes != nil {
		r.changes = d.changes.part(r)
		r.changes.each = checkOf(d, "changes.", compile)
		r.changes.key = compile("changes.", "key", cel.StringType)
		r.changes.until, r.changes.ends = compile("changes.", "until", cel.BoolType), compile("changes.", "ends", cel.BoolType)
	}
	if d.through != "" {
		r.through = &through{d.through, compile("", "through.names", cel.ListType(cel.StringType))}
	}
	if d.eachOf != "" {
		r.eachOf = &through{d.eachOf, compile("", "each_of.names", cel.ListType(cel.StringType))}
	}
	r.setParams()
	r.setViews()
}

// environments checks that a rule names environments that are configured, if any are: one
// that names another would judge nothing.
func (c *compiler) environments(d *draft, envs []access.Environment) {
	for _, name := range d.rule.Environments {
		if len(envs) > 0 && !slices.ContainsFunc(envs, func(e access.Environment) bool { return e.Name == name }) {
			c.errs.add(d.place("environments"), "rule %s: environment %q is not configured", d.rule.ID, name)
		}
	}
}

// terms are on what terms an expression is compiled.
type terms struct {
	trusted bool // only what every judgement asks is compiled now, the rest when it is asked
	bare    bool // no cost limit
}

// trusts reports whether the rule was proved before: a built-in one, by the tests of the
// program that it is built into.
func (c *compiler) trusts(d *draft) bool { return d.rule.BuiltIn && !c.prove }

// hasWhole reports whether the draft has an expression of the whole.
func (d *draft) hasWhole() bool {
	for key := range d.exprs {
		if strings.HasPrefix(key, "whole.") {
			return true
		}
	}
	return false
}

func checkOf(d *draft, prefix string, compile func(prefix, key string, want *cel.Type) *expr) *check {
	texts := cel.ListType(cel.StringType)
	c := &check{
		notApplicable: compile(prefix, "not_applicable", cel.StringType), when: compile(prefix, "when", cel.BoolType),
		unknown: compile(prefix, "unknown", cel.StringType), message: compile(prefix, "message", cel.StringType),
		severity: compile(prefix, "severity_here", cel.StringType), ceiling: compile(prefix, "ceiling_here", cel.StringType),
		since: compile(prefix, "since", cel.TimestampType), path: compile(prefix, "path", texts), causes: compile(prefix, "causes", texts),
		values: compile(prefix, "values", texts),
	}
	c.ask = compile(prefix, "ask", cel.IntType)
	for _, f := range d.facts {
		if f.src == prefix {
			c.facts = append(c.facts, fact{f.name, compile(prefix, "facts."+f.name, cel.StringType)})
		}
	}
	return c
}

// part is the rule that a block of changes makes beside r.
func (b *changesBlock) part(r *Rule) *Rule {
	out := *r
	out.On, out.Kinds, out.Kind, out.StandsFor, out.about = OnChange, b.Kinds, b.Kinds[0], b.StandsFor, b.about
	out.Reads, out.Siblings, out.WhereCovered = nil, nil, nil
	out.whole, out.through, out.eachOf, out.until, out.ends = nil, nil, nil, nil, nil
	return &out
}

// env is the environment of a rule's expressions on these kinds.
func (c *compiler) env(d *draft, of []access.Kind, mode int) *cel.Env {
	base, err := c.kindsEnv(of, mode)
	if err != nil {
		c.errs.add(d.at, "rule %s: %v", d.rule.ID, err)
		return nil
	}
	if len(d.rule.Params) == 0 {
		return base
	}
	var opts []cel.EnvOption
	for name, v := range d.rule.Params {
		opts = append(opts, cel.Variable("params."+name, paramType(v)))
	}
	env, err := base.Extend(opts...)
	if err != nil {
		c.errs.add(d.at, "rule %s: %v", d.rule.ID, err)
		return nil
	}
	return env
}

// kindsEnv is the environment of rules on these kinds, without parameters.
func (c *compiler) kindsEnv(of []access.Kind, mode int) (*cel.Env, error) {
	key := fmt.Sprint(of, mode)
	if env, ok := c.envs[key]; ok {
		return env, nil
	}
	var opts []cel.EnvOption
	for _, v := range variables(of, mode) {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	env, err := c.base.Extend(opts...)
	if err == nil {
		c.envs[key] = env
	}
	return env, err
}

// setParams gives the parameters the names by which expressions use them.
func (r *Rule) setParams() {
	r.params = make(map[string]any, len(r.Params))
	for k, v := range r.Params {
		r.params["params."+k] = types.DefaultTypeAdapter.NativeToValue(v)
	}
}

func (r *Rule) setViews() {
	r.views = nil
	for _, k := range r.Kinds {
		r.views = append(r.views, r.view(k))
	}
	if r.changes != nil {
		r.changes = r.changes.like(r)
		r.changes.changes = nil
		r.changes.setViews()
	}
}

// expr compiles one expression of a draft; nil if the draft has none, or a bad one.
func (c *compiler) expr(d *draft, env *cel.Env, key string, want *cel.Type, on terms) *expr {
	raw, ok := d.exprs[key]
	prefix, asks := strings.CutSuffix(key, "ask")
	if asks {
		raw, ok = d.ask(prefix)
	}
	if !ok {
		return nil
	}
	if on.trusted && !asks && !strings.HasSuffix(key, "not_applicable") {
		return &expr{src: raw.src, at: raw.at, make: func() (cel.Program, error) {
			ast, iss := env.Compile(raw.src)
			if iss.Err() != nil {
				return nil, iss.Err()
			}
			return env.Program(ast, programOptions(on.bare)...)
		}}
	}
	ast, iss := env.Compile(raw.src)
	if iss.Err() != nil && asks {
		return nil // said of its parts
	}
	if iss.Err() != nil {
		for _, e := range iss.Errors() {
			text, _, _ := strings.Cut(e.Message, "\n")
			c.errs.add(raw.position(e.Location.Line(), e.Location.Column()), "rule %s: %s: %s", d.rule.ID, key, text+c.meantField(text, d.rule.Kinds))
		}
		return nil
	}
	none := strings.TrimSpace(raw.src) == "[]" && want.Kind() == cel.ListKind // a list of whatever
	if !ast.OutputType().IsExactType(want) && !none {
		c.errs.add(raw.at, "rule %s: %s gives %s: want %s", d.rule.ID, key, ast.OutputType(), want)
		return nil
	}
	if !on.trusted && !asks { // of what is asked at once, each part was looked at
		d.price(env, ast, key, raw)
	}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		d.rule.Past = d.rule.Past || slices.Contains(pastVariables(), ref.Name)
	}
	d.patterns = append(d.patterns, patternsIn(ast.NativeRep())...)
	prog, err := env.Program(ast, programOptions(on.bare)...)
	if err != nil {
		c.errs.add(raw.at, "rule %s: %s: %v", d.rule.ID, key, err)
		return nil
	}
	return &expr{src: raw.src, at: raw.at, prog: prog}
}

// ask is the expression that asks for the answer at once, of what a rule applies to: one
// evaluation is much cheaper than two. Its parts were compiled by themselves, for their positions.
func (d *draft) ask(prefix string) (rawExpr, bool) {
	part := func(key, format string) string {
		e, ok := d.exprs[prefix+key]
		if !ok {
			return ""
		}
		return fmt.Sprintf(format, e.src)
	}
	src := part("when", "(%s\n) ? 0 : ") + part("unknown", "(%s\n) != '' ? 1 : ") + "2"
	when, ok := d.exprs[prefix+"when"]
	return rawExpr{src: src, at: when.at}, ok
}

func programOptions(bare bool) []cel.ProgramOption {
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(direct)}
	if !bare {
		opts = append(opts, cel.CostLimit(userCostLimit))
	}
	return opts
}

var stringsType = reflect.TypeFor[[]string]()

// errSilent is an expression that gave no value of its type.
var errSilent = errors.New("it gave no value")

func (e *expr) eval(s *subject) (ref.Val, error) {
	e.once.Do(func() {
		if e.make != nil {
			e.prog, e.err = e.make()
		}
	})
	if e.err != nil {
		return nil, fmt.Errorf("%s: %w", e.at, e.err)
	}
	out, _, err := e.prog.Eval(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.at, err)
	}
	return out, nil
}

func (e *expr) bool(s *subject) (bool, error) {
	v, err := e.eval(s)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, fmt.Errorf("%s: %w", e.at, errSilent)
	}
	return bool(b), nil
}

// int is for ask.
func (e *expr) int(s *subject) (int, error) {
	v, err := e.eval(s)
	if err != nil {
		return 0, err
	}
	n, ok := v.(types.Int)
	if !ok {
		return 0, fmt.Errorf("%s: %w", e.at, errSilent)
	}
	return int(n), nil
}

// text is "" for an expression that a rule does not have.
func (e *expr) text(s *subject) (string, error) {
	if e == nil {
		return "", nil
	}
	v, err := e.eval(s)
	if err != nil {
		return "", err
	}
	t, ok := v.(types.String)
	if !ok {
		return "", fmt.Errorf("%s: %w", e.at, errSilent)
	}
	return string(t), nil
}

func (e *expr) texts(s *subject) ([]string, error) {
	if e == nil {
		return nil, nil
	}
	v, err := e.eval(s)
	if err != nil {
		return nil, err
	}
	out, err := v.ConvertToNative(stringsType)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.at, err)
	}
	return slices.Clone(out.([]string)), nil
}

func (e *expr) time(s *subject) (time.Time, error) {
	if e == nil {
		return time.Time{}, nil
	}
	v, err := e.eval(s)
	if err != nil {
		return time.Time{}, err
	}
	t, ok := v.(types.Timestamp)
	if !ok {
		return time.Time{}, fmt.Errorf("%s: %w", e.at, errSilent)
	}
	if t.Unix() <= 0 { // an unset time
		return time.Time{}, nil
	}
	return t.UTC(), nil
}
