package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/interpreter"

	"github.com/gatewarden/gatewarden/internal/access"
)

// quarantineAfter is how many evaluations of a user's rule may run into the cost limit in
// one judgement: it is not asked again in that judgement. So daemon, scan and replay agree.
// Failing at once costs nothing, and must not keep the rule from what it can judge: whoever
// makes five resources that it fails on would hide the sixth.
const quarantineAfter = 5

// failure is a rule that failed in this judgement.
type failure struct {
	rule    string
	err     string // the first
	count   int
	costly  int // of these, those that ran into the cost limit
	builtIn bool
	refused bool // when it was loaded
}

func (f *failure) quarantined() bool { return !f.builtIn && f.costly >= quarantineAfter }

// failed takes down that an expression of the rule failed.
func (w *world) failed(r *Rule, err error) {
	f, ok := w.failures[r.ID]
	if !ok {
		f = &failure{rule: r.ID, err: err.Error(), builtIn: r.BuiltIn}
		w.failures[r.ID] = f
	}
	f.count++
	var cut interpreter.EvalCancelledError
	if errors.As(err, &cut) && cut.Cause == interpreter.CostLimitExceeded {
		f.costly++
	}
	w.engine.fail(r.ID, err)
}

// quarantined says why the rule is not asked any more; empty: it is.
func (w *world) quarantined(r *Rule) string {
	if f, ok := w.failures[r.ID]; ok && f.quarantined() {
		return fmt.Sprintf("the rule is quarantined here: it ran into the cost limit %d times, and failed first with: %s", f.costly, f.err)
	}
	return ""
}

// judgeFailures judges each rule that failed in this judgement.
func (w *world) judgeFailures(r *Rule, out []access.Verdict) []access.Verdict {
	for _, id := range slices.Sorted(maps.Keys(w.failures)) {
		s := w.wholeSubject(r)
		s.failure = *w.failures[id]
		var v access.Verdict
		s.verdict(&v, r.each, "", history{})
		v.Key = id
		out = append(out, v)
	}
	return out
}

// judgeReadings judges how each kind of the scope that rules rest on was read.
func (w *world) judgeReadings(r *Rule, out []access.Verdict) []access.Verdict {
	for _, k := range w.engine.Kinds(w.in.Scope) {
		s := w.wholeSubject(r)
		s.ref.Kind = k
		var v access.Verdict
		s.verdict(&v, r.each, "", history{})
		out = append(out, v)
	}
	return out
}

// at is the rule as it judges scopes of this level.
func (r *Rule) at(scope access.Scope) *Rule {
	i := slices.IndexFunc(r.views, func(v *Rule) bool { return ofOrg(v.Kind) == scope.IsOrg() })
	if i < 0 {
		return r
	}
	return r.views[i]
}
