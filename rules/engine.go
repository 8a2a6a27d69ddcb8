package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Engine judges by one set of rules under one policy. It never changes (but for what it
// remembers of Cedar texts) and may be used by many goroutines.
type Engine struct {
	policy  *policy
	rules   []*Rule // by id
	views   []*Rule // of all rules that are covered, in their order
	refused []Refused
	hash    string
	failed  atomic.Pointer[func(rule string, err error)]
	asked   govAsked // what resource policies cover
}

// Load builds an engine of the built-in rules and those of users. The error is a
// [*LoadErrors] that lists every mistake; then there is no engine.
//
// Built-in rules were proved by the tests of this program ([Prove]): they are compiled as
// far as every judgement asks them, and the rest when it is first needed.
func Load(p Policy, userRules ...Source) (*Engine, error) { return load(p, loading{}, userRules) }

// LoadSound is Load that leaves out the rules of users that have mistakes ([Engine.Refused]).
// Mistakes in overrides of other rules are an error all the same.
func LoadSound(p Policy, userRules ...Source) (*Engine, error) {
	return load(p, loading{soundOnly: true}, userRules)
}

// Prove is Load that compiles all of every rule, and runs the tests of the built-in ones
// as it does those of users.
func Prove(p Policy, userRules ...Source) (*Engine, error) {
	return load(p, loading{prove: true}, userRules)
}

// loading is how rules are loaded.
type loading struct{ prove, soundOnly bool }

func load(p Policy, how loading, userRules []Source) (*Engine, error) {
	errs := &LoadErrors{} // of no rule file
	c, err := newCompiler(errs)
	if err != nil {
		return nil, err
	}
	c.prove = how.prove
	e := &Engine{policy: newPolicy(p)}
	var files []loaded
	taken := map[string]bool{} // ids of good rules
	inFiles := builtins()
	for i, src := range slices.Concat(inFiles, userRules) {
		f := loaded{name: src.Name, errs: &LoadErrors{}}
		f.drafts = parse(src, f.errs, i < len(inFiles) && !how.prove)
		for _, d := range f.drafts {
			if o, ok := p.Overrides[d.rule.ID]; ok {
				c.errs = errs
				if i >= len(inFiles) && d.bad() {
					c.errs = d.errs // what it may be adjusted by is not known
				}
				c.override(d, o, p.Environments)
			}
			for _, k := range d.rule.WhereCovered {
				if e.covers(k) {
					d.rule.Reads = append(slices.Clone(d.rule.Reads), k)
				}
			}
			c.errs = d.errs
			c.environments(d, p.Environments)
			c.rule(d, i < len(inFiles), p.LimitAll)
			d.checkPatterns(p.Overrides[d.rule.ID], func(name, format string, args ...any) {
				errs.add(position{file: overrideOf + d.rule.ID + " params." + name}, format, args...)
			})
			if !c.trusts(d) && !d.bad() && !taken[d.rule.ID] {
				c.test(d)
				d.notice()
			}
			d.errs.Problems = append(d.errs.Problems, d.costs.Problems...)
			taken[d.rule.ID] = taken[d.rule.ID] || !d.bad()
		}
		files = append(files, f)
	}
	e.take(files, p.Overrides, errs)
	e.sound(files[len(inFiles):], how.soundOnly)
	for i, f := range files {
		if i < len(inFiles) || !how.soundOnly {
			errs.Problems = append(errs.Problems, f.problems()...)
		}
	}
	e.setViews()
	e.hash = hashOf(p, inFiles, userRules)
	return e, errs.orNil()
}

// sound leaves out the rules of users that have mistakes.
func (e *Engine) sound(files []loaded, leaveOut bool) {
	if !leaveOut {
		return
	}
	for _, f := range files {
		e.refused = append(e.refused, f.refused()...)
		for _, d := range f.drafts {
			if d.bad() {
				e.rules = slices.DeleteFunc(e.rules, func(r *Rule) bool { return r == d.rule })
			}
		}
	}
}

func (e *Engine) setViews() {
	for _, r := range e.rules {
		views := r.views
		if r.changes != nil {
			views = slices.Concat(views, r.changes.views)
		}
		for _, v := range views {
			if e.uncovered(v) == "" {
				e.views = append(e.views, v)
			}
		}
	}
}

// take checks that ids are unique and overrides name rules, and sorts.
func (e *Engine) take(files []loaded, overrides map[string]Override, errs *LoadErrors) {
	first := map[string]*draft{}
	odd := (*loaded)(nil) // a file of which not all can be read
	for i, f := range files {
		if len(f.errs.Problems) > 0 {
			odd = &files[i]
		}
		for _, d := range f.drafts {
			if other, ok := first[d.rule.ID]; ok && (d.bad() || !other.bad()) { // a bad one takes no place
				d.errs.add(d.at, "rule %s is there already: %s", d.rule.ID, other.at)
				continue
			}
			first[d.rule.ID] = d
			e.rules = append(e.rules, d.rule)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(overrides)) {
		at := position{file: overrideOf + id}
		switch _, ok := first[id]; {
		case ok:
		case odd != nil: // it may be there
			odd.errs.add(at, "there is no such rule%s", suggestion(id, first))
		default:
			errs.add(at, "there is no such rule%s", suggestion(id, first))
		}
	}
	slices.SortFunc(e.rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
}

// hashOf is the same for the same rules and policy, in every process.
func hashOf(p Policy, sources ...[]Source) string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic("rules: a policy does not encode: " + err.Error())
	}
	parts := []string{string(raw)}
	for _, s := range slices.Concat(sources...) {
		parts = append(parts, s.Name, string(s.Text))
	}
	return access.Hash(parts...)
}

// Rules lists the rules in order of id.
func (e *Engine) Rules() []Rule {
	out := make([]Rule, 0, len(e.rules))
	for _, r := range e.rules {
		out = append(out, *r)
	}
	return out
}

// Only is an engine of some of the rules, under the same policy.
func (e *Engine) Only(ids ...string) *Engine {
	out := &Engine{policy: e.policy, refused: e.refused, hash: access.Hash(append([]string{e.hash}, ids...)...)}
	for _, r := range e.rules {
		if slices.Contains(ids, r.ID) {
			out.rules = append(out.rules, r)
		}
	}
	out.setViews()
	return out
}

// Rule is the rule of this id.
func (e *Engine) Rule(id string) (Rule, bool) {
	r := e.find(id)
	if r == nil {
		return Rule{}, false
	}
	return *r, true
}

func (e *Engine) find(id string) *Rule {
	i, ok := slices.BinarySearchFunc(e.rules, id, func(r *Rule, id string) int { return strings.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return e.rules[i]
}

// Hash names rules and policy: findings that a change of it opens are inherited.
func (e *Engine) Hash() string { return e.hash }

// Reads are the kinds of the scope that a judgement by the rule rests on.
func (e *Engine) Reads(id string, scope access.Scope) []access.Kind {
	r := e.find(id)
	if r == nil {
		return nil
	}
	set := map[access.Kind]bool{}
	for _, k := range slices.Concat(r.Kinds, r.Reads) {
		if ofOrg(k) == scope.IsOrg() {
			set[k] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Takes are the kinds that [Engine.Judge] is to be given: those that the rule reads, and what
// the scope is called, by which waivers and expectations mean it.
func (e *Engine) Takes(id string, scope access.Scope) []access.Kind {
	named := access.KindProject
	if scope.IsOrg() {
		named = access.KindOrg
	}
	reads := e.Reads(id, scope)
	if slices.Contains(reads, named) {
		return reads
	}
	return append(reads, named)
}

// Environment is the environment that matches the project, and why, for people. Of
// several it is the strictest; none is "".
func (e *Engine) Environment(project access.Project) (name, why string) {
	return e.policy.environment(project)
}

// Holds is the environment that counts for a project judged under former so far that
// matches now: a stricter one counts at once, a weaker one once it is acknowledged.
func (e *Engine) Holds(former, now string) string { return e.policy.hold(former, now) }

// Production reports whether the environment is judged at full severity. What matches
// no environment is.
func (e *Engine) Production(environment string) bool { return e.policy.production[environment] }

// Identity is the first identity that matches the user in the environment.
func (e *Engine) Identity(environment string, u access.DatabaseUser) (access.Identity, bool) {
	id := e.policy.identity(environment, u)
	return *id, id != &nobody
}

// OnFailure has f called with each failure of a rule's expression, beside the unknown
// verdict that it makes.
func (e *Engine) OnFailure(f func(rule string, err error)) { e.failed.Store(&f) }

func (e *Engine) fail(rule string, err error) {
	if f := e.failed.Load(); f != nil {
		(*f)(rule, err)
	}
}

// Kinds are the kinds that judging a scope, and telling other scopes of it, takes.
func (e *Engine) Kinds(scope access.Scope) []access.Kind {
	set := map[access.Kind]bool{}
	add := func(kinds []access.Kind) {
		for _, k := range kinds {
			if ofOrg(k) == scope.IsOrg() && e.covers(k) {
				set[k] = true
			}
		}
	}
	add(slices.Concat(access.ContributedKinds(), access.GatheredKinds())) // of which other scopes hear
	for _, r := range e.rules {
		if e.uncovered(r) == "" {
			add(slices.Concat(r.Kinds, r.Reads))
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (e *Engine) covers(k access.Kind) bool {
	return e.policy.Covered == nil || slices.Contains(e.policy.Covered, k)
}

// of reports whether the rule judges something of the scope's level.
func (r *Rule) of(scope access.Scope) bool {
	return slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { return ofOrg(k) == scope.IsOrg() })
}

// viewOf is the rule as it judges this kind; nil: it does not.
func (r *Rule) viewOf(k access.Kind) *Rule {
	for _, v := range r.views {
		if v.Kind == k {
			return v
		}
	}
	return nil
}

// Meant is a hint at the rule that a word was meant for, as ": did you mean …"; it may
// be empty.
func (e *Engine) Meant(word string) string {
	ids := map[string]bool{}
	for _, r := range e.rules {
		ids[r.ID] = true
	}
	return suggestion(word, ids)
}

// LongestWaiver is how long a violation of one of the rules may be waived at most in the
// environment (empty: in any), and the severity that says so.
func (e *Engine) LongestWaiver(ids []string, environment string) (longest time.Duration, of access.Severity) {
	for _, id := range ids {
		r := e.find(id)
		if r == nil {
			continue
		}
		s := r.Severity
		if environment != "" && !e.policy.production[environment] || environment == "" && len(e.policy.Environments) > 0 {
			s = lower(s)
		}
		if limit := access.WaiverCap(s); limit > longest {
			longest, of = limit, s
		}
	}
	return longest, of
}

// Missing are the kinds that are not read by choice, and without which the rule is not
// judged.
func (e *Engine) Missing(id string) []access.Kind {
	r := e.find(id)
	if r == nil {
		return nil
	}
	return e.missing(r)
}

func (e *Engine) missing(r *Rule) (out []access.Kind) {
	own := slices.DeleteFunc(slices.Clone(r.Kinds), e.covers)
	if len(own) == len(r.Kinds) {
		out = own // of several kinds, one that is read is judged
	}
	for _, k := range r.Reads {
		if !e.covers(k) && !slices.Contains(r.Kinds, k) {
			out = append(out, k)
		}
	}
	return out
}

// uncovered says which kind of a rule is not read by choice; empty: it can be judged.
func (e *Engine) uncovered(r *Rule) string {
	if missing := e.missing(r); len(missing) > 0 {
		return fmt.Sprintf("%s is not covered by choice: atlas.profile leaves it out", missing[0])
	}
	return ""
}

// Evaluate judges a scope. Verdicts are in order of rule; those of one rule begin with
// what its replayed changes show of the past (Evidence.Ended is set), then come all
// resources in order of name, then what they are together. Every resource that can be
// named has a verdict of every rule that applies, except under change rules, whose
// matches alone have.
func (e *Engine) Evaluate(in Input) []access.Verdict { return e.EvaluateInto(nil, in) }

// EvaluateInto is Evaluate that writes into a slice of a former judgement, which is not to
// be looked at any more: whoever judges many scopes spares most of the memory.
func (e *Engine) EvaluateInto(former []access.Verdict, in Input) []access.Verdict {
	w := newWorld(e, &in)
	out := slices.Grow(former[:0], e.estimate(in))
	for _, last := range []bool{false, true} { // what judges failures comes after all that can fail
		for _, r := range e.views {
			if (r.On == OnFailure) == last && e.judges(r, &in) {
				out = w.judge(r, out)
			}
		}
	}
	return out
}

// judges reports whether the view of a rule has something to say in the scope.
func (e *Engine) judges(r *Rule, in *Input) bool {
	return ofOrg(r.Kind) == in.Scope.IsOrg() && r.appliesTo(e.policy, in.Environment) && !(in.Once && r.Past)
}

func (w *world) judge(r *Rule, out []access.Verdict) []access.Verdict {
	switch r.On {
	case OnChange:
		return w.judgeChanges(r, out)
	case OnReading:
		return w.judgeReadings(r, out)
	case OnFailure:
		return w.judgeFailures(r, out)
	}
	return w.judgeState(r, out)
}

func (e *Engine) estimate(in Input) int {
	n := len(in.Changes) + len(in.Standing)
	for _, r := range e.views {
		if r.On == OnState {
			n += len(in.Collections[r.Kind].Resources) + 1
		}
	}
	return n
}

// Judge is one rule's verdict of one reference, as [Engine.Evaluate] would give it.
func (e *Engine) Judge(in Input, rule string, ref access.Ref, key string) access.Verdict {
	v := access.Verdict{Rule: rule, Ref: ref, Key: key}
	r := e.find(rule)
	if r != nil {
		r = r.asks(key)
	}
	if r == nil || !r.of(in.Scope) || !r.appliesTo(e.policy, in.Environment) {
		v.Answer, v.Why = access.AnswerNotApplicable, fmt.Sprintf("rule %s does not apply here (any more)", rule)
		if why := e.Lost(rule); why != "" {
			v.Answer, v.Why = access.AnswerUnknown, why
		}
		return v
	}
	if why := e.uncovered(r); why != "" {
		v.Answer, v.Why = access.AnswerNotCovered, why
		return v
	}
	w := newWorld(e, &in)
	var all []access.Verdict
	switch view := r.viewOf(ref.Kind); {
	case r.On == OnReading:
		all = w.judgeReadings(r.at(in.Scope), nil)
	case r.On == OnFailure: // its evidence is a whole judgement
		all = e.Evaluate(in)
	case r.eachOf != nil:
		all = w.judgeState(r.at(in.Scope), nil)
	case view == nil:
	case r.On == OnChange:
		all = w.judgeChanges(view, nil)
	default:
		all = w.judgeOne(view, ref)
	}
	for _, got := range slices.Backward(all) {
		if got.Rule == rule && got.Ref == ref && got.Key == key {
			return got
		}
	}
	v.Answer, v.Why = absent(w.in, ref)
	return v
}

// absent is the answer for a reference that has no verdict.
func absent(in *Input, ref access.Ref) (access.Answer, string) {
	c := in.Collections[ref.Kind]
	if t := in.trouble(ref.Kind); t != "" {
		return access.AnswerUnknown, t
	}
	if _, there := c.Find(ref.Name); there || ref.Name == in.Scope.ID() {
		return access.AnswerNotApplicable, "the rule does not judge it (any more)"
	}
	if slices.Contains(c.Odd, "") {
		return access.AnswerUnknown, "it is not in the list, which holds an element that could not be decoded"
	}
	return access.AnswerPass, "it is gone"
}
