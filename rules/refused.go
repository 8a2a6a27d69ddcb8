package rules

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Refused is a rule of a user that is not in force, for its mistakes; or a file of which
// not all can be read.
type Refused struct {
	Rule     string // its id, as far as it has one
	File     string
	Line     int // 0: the file
	Problems []Problem
}

// Name tells it apart from other rules, also from one of the same id.
func (r Refused) Name() string {
	switch {
	case r.File == "":
		return r.Rule
	case r.Line == 0:
		return r.File
	case r.Rule == "":
		return fmt.Sprintf("%s:%d", r.File, r.Line)
	}
	return r.Rule + " of " + r.File
}

// Refused are the rules of users that are not in force ([LoadSound]).
func (e *Engine) Refused() []Refused { return e.refused }

// Lost says why a rule that is not here may be one that was refused; empty: it is here, or
// there never was one.
func (e *Engine) Lost(id string) string {
	if len(e.refused) == 0 || e.find(id) != nil {
		return ""
	}
	for _, r := range e.refused {
		switch {
		case r.Rule == id:
			return "rule " + r.Name() + " was refused when it was loaded: " + r.Problems[0].String()
		case r.Rule == "":
			return "rule " + id + " is not there, and may be in what was refused: " + r.Problems[0].String()
		}
	}
	return ""
}

// MayMean reports whether a pattern may mean a rule that was refused.
func (e *Engine) MayMean(pattern string) bool {
	return slices.ContainsFunc(e.refused, func(r Refused) bool { return r.Rule == "" || access.Match(pattern, r.Rule) })
}

// loaded is what became of one rule file.
type loaded struct {
	name   string
	errs   *LoadErrors // of no one rule
	drafts []*draft
}

func (d *draft) bad() bool { return len(d.errs.Problems) > 0 }

// problems are all mistakes of a file, in their order.
func (l loaded) problems() []Problem {
	all := slices.Clone(l.errs.Problems)
	for _, d := range l.drafts {
		all = append(all, d.errs.Problems...)
	}
	slices.SortStableFunc(all, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	return all
}

// refused are the rules of the file with mistakes, and the file itself.
func (l loaded) refused() (out []Refused) {
	if len(l.errs.Problems) > 0 {
		out = append(out, Refused{File: l.name, Problems: l.errs.Problems})
	}
	for _, d := range l.drafts {
		if d.bad() {
			out = append(out, Refused{Rule: d.rule.ID, File: l.name, Line: d.rule.Line, Problems: d.errs.Problems})
		}
	}
	return out
}

// refusedFailures are the refused rules as failures of a judgement. They are of the org:
// its projects would all say the same.
func (e *Engine) refusedFailures(scope access.Scope, out map[string]*failure) {
	if !scope.IsOrg() {
		return
	}
	for _, r := range e.refused {
		out[r.Name()] = &failure{rule: r.Name(), err: r.Problems[0].String(), count: len(r.Problems), refused: true}
	}
}
