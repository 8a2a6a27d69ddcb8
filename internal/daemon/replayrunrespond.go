package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// askAgain is how long a replay waits where a guard would have the executor ask again.
const askAgain = time.Hour

// responder says what the responses of a configuration would have come to, by the
// functions that the executor decides by. Dry run and missing credentials are left out of
// account: the question is what would be done with them.
func responder(p remediate.Policy, e *rules.Engine) scan.Responder {
	p.DryRun = false
	return func(m scan.Moment) (scan.Would, time.Time) {
		f, r := m.Finding, remediate.Respond(p, m.Finding)
		w := scan.Would{Do: r.Do, Outcome: scan.WouldTell}
		switch {
		case f.State == access.FindingWaived:
			w.Outcome, w.Why = scan.WouldNothing, "it is waived"
		case r.Do == access.ModeObserve:
			w.Outcome = scan.WouldObserve
		case !f.Evidence.Ended.IsZero():
			w.Why = "it was over by itself"
		case f.State == access.FindingResolved:
			w.Outcome, w.Why = scan.WouldNothing, "it was over before anything could be done: "+f.Resolution
		case r.Do == access.ModeRevert:
			return revert(p, e, m, w)
		case r.Do != access.ModeNotify:
			w.Why = fmt.Sprintf("the configuration asks for %q, which this version does by telling", r.Do)
		default:
			w.Why = ownerless(p, f)
		}
		return w, time.Time{}
	}
}

// ownerless says that a response would have reverted, had the finding an owner; empty: none
// would have.
func ownerless(p remediate.Policy, f access.Finding) string {
	const no = access.Mode("no")
	by := func(r access.Response, f access.Finding) access.Mode {
		return remediate.Respond(remediate.Policy{Responses: []access.Response{r, {Do: no}}}, f).Do
	}
	for _, r := range p.Responses {
		if by(r, f) != no {
			return "" // it is this one's
		}
		if owned := f; f.Owner == "" && len(r.Owners) > 0 {
			owned.Owner = r.Owners[0]
			if by(r, owned) == access.ModeRevert {
				return fmt.Sprintf("it would be reverted for the owners %s only, and it has none: no declared identity matches %s", strings.Join(r.Owners, ", "), f.Ref.Name)
			}
		}
	}
	return ""
}

// revert is what the executor would have come to.
func revert(p remediate.Policy, e *rules.Engine, m scan.Moment, w scan.Would) (scan.Would, time.Time) {
	c := remediate.Case{Policy: p, Finding: m.Finding, Now: m.Now, CanWrite: true, Title: titleThen(m)}
	if r := remediate.Standing(c); !r.OK() {
		return refusedBy(w, r, m.Now)
	}
	if at := remediate.Ready(p, m.Finding); m.Now.Before(at) {
		w.Outcome, w.Guard, w.At = scan.WouldWait, remediate.GuardSettle, at
		w.Why = "it would be put right at " + at.UTC().Format(time.RFC3339) + ", if it still stood then"
		return w, at
	}
	c.Fresh = map[access.Kind]access.Collection{}
	for _, k := range e.Reads(m.Finding.Rule, m.Finding.Ref.Scope) {
		c.Fresh[k] = whole(m.Collections[k])
	}
	c.Verdict = m.Judge(c.Fresh)
	plan := wellAfter(m, c, remediate.MakePlan(c))
	for _, o := range plan.Operations {
		w.Operations = append(w.Operations, operationText(o))
	}
	if r := remediate.Guard(c, plan); !r.OK() {
		return refusedBy(w, r, m.Now)
	}
	w.Outcome, w.Guard, w.Why, w.At, w.Reversible = scan.WouldRevert, "", plan.Why, m.Now, plan.Reversible
	return w, time.Time{}
}

// titleThen is what the project was called then. How often something was put back, and put
// right before, a replay does not know: it wrote nothing.
func titleThen(m scan.Moment) string {
	for _, p := range access.States[access.Project](m.Collections[access.KindProject]) {
		return p.Title
	}
	return ""
}

// wellAfter bounds a plan by what it would lead to, as the executor does: a result that is not
// judged clean is not brought about without asking.
func wellAfter(m scan.Moment, c remediate.Case, plan access.Plan) access.Plan {
	if plan.Ceiling != access.CeilingAuto {
		return plan
	}
	after := map[access.Kind]access.Collection{}
	for k, col := range remediate.Simulate(c.Fresh, plan.Operations) {
		after[k] = withHistory(col, m.Collections[k])
	}
	if v := m.Judge(after); v.Answer != access.AnswerPass && v.Answer != access.AnswerNotApplicable {
		plan.Ceiling = access.CeilingAsk
		plan.Why += "; not by itself, because it would not be well even then: " + v.Why + v.Message
	}
	return plan
}

// whole is a collection as a read just before a write shows it: an element that cannot be
// decoded leaves it incomplete.
func whole(c access.Collection) access.Collection {
	if c.Status == access.StatusComplete && len(c.Odd) > 0 {
		c.Status, c.Reason = access.StatusFailed, "some elements could not be decoded: "+strings.Join(c.Odd, ", ")
	}
	return c
}

func refusedBy(w scan.Would, r remediate.Refusal, now time.Time) (scan.Would, time.Time) {
	w.Guard, w.Why, w.At = r.Guard, r.Why, time.Time{}
	switch r.End {
	case access.ActionTold:
		w.Outcome = scan.WouldTell
	case "":
		w.Outcome = scan.WouldWait
		return w, now.Add(askAgain)
	default:
		w.Outcome = scan.WouldRefuse
	}
	return w, time.Time{}
}

func operationText(o access.Operation) string {
	parts := []string{string(o.Type), o.Ref.Name}
	for _, r := range o.Roles {
		parts = append(parts, r.String())
	}
	for _, s := range o.Scopes {
		parts = append(parts, s.Name)
	}
	parts = append(append(parts, o.Project, o.Role, o.Setting, o.Value), o.Names...)
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
