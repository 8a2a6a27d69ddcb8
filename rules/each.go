package rules

import (
	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
)

// A rule with each_of judges names that it works out of a resource, such as those of
// database users that several projects of an org have. Each is a reference of its own, of
// the kind that each_of names, in the scope of the resource. The resource itself has a
// verdict too, which says whether the names could be worked out. Names have no changes of
// their own, so nothing is replayed.

// ofName are there for a rule with each_of.
var ofName = []variable{
	{"each", cel.StringType, "The name that is judged, in a rule with `each_of`.", func(s *subject) any { return s.each }},
}

// judgeNames judges by a rule with each_of.
func (w *world) judgeNames(r *Rule, out []access.Verdict) []access.Verdict {
	trouble := w.troubleOf(r.Reads)
	for _, s := range w.subjectsOf(r) {
		own := access.Verdict{Rule: r.ID, Ref: s.ref, Answer: access.AnswerPass, Why: trouble}
		if own.Why == "" {
			own.Why = w.partial(r)
		}
		names, err := r.eachOf.names.texts(&s)
		if err != nil {
			w.failed(r, err)
			own.Why = "the rule failed on it: " + err.Error()
		}
		if own.Why != "" {
			own.Answer = access.AnswerUnknown
		}
		out = append(out, own)
		for _, name := range names {
			out = append(out, w.judgeName(r, s, name, trouble))
		}
	}
	return out
}

func (w *world) judgeName(r *Rule, of subject, name, trouble string) access.Verdict {
	res := &access.Resource{Box: of.res.Box} // its changes are not the name's
	s := &subject{w: w, rule: r, res: res, now: of.now, each: name, ref: access.Ref{Scope: of.ref.Scope, Kind: r.eachOf.kind, Name: name}}
	var v access.Verdict
	s.verdict(&v, r.each, trouble, history{})
	return v
}
