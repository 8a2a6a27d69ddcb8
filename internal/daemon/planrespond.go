package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
)

// actor says what one configuration does about findings, by the functions that the executor
// decides by.
type actor struct {
	book
	org      map[access.Scope]string
	underway map[string]access.Action // by id; nil: not known
}

// answer implements scan's Answerer.
func (a actor) answer(m scan.Moment, begins bool) report.Answer {
	f := m.Finding
	r, at := a.response(f)
	out := report.Answer{Do: string(cmp.Or(r.Do, "observe")), Source: a.sourceOf(at)}
	out.Now, out.NowWhy = a.now(f, r, begins)
	if f.State == access.FindingWaived {
		out.Then, out.ThenWhy = report.DeedNothing, "it is waived"
		return out
	}
	a.then(&out, m, afresh(f, m.Now))
	return out
}

// response is what matches a finding, and its place among the responses; -1: none does.
func (a actor) response(f access.Finding) (access.Response, int) {
	const none = access.Mode("none")
	for i, r := range a.policy.Responses {
		if remediate.Respond(remediate.Policy{Responses: []access.Response{r, {Do: none}}}, f).Do != none {
			return r, i
		}
	}
	return remediate.Respond(a.policy, f), -1
}

func (a actor) sourceOf(at int) string {
	switch {
	case at < 0:
		return ""
	case a.file == nil:
		return fmt.Sprintf("responses[%d]", at)
	}
	line, _ := a.file.Position(fmt.Sprintf("responses[%d]", at))
	return fmt.Sprintf("%s:%d", a.name, line)
}

// now is what is done about the finding itself when the configuration takes effect. What it
// opens is inherited, and never reverted; what stood is left as it is: a configuration acts on
// what comes from then on.
func (a actor) now(f access.Finding, r access.Response, begins bool) (report.Deed, string) {
	if !begins {
		act, ok := a.underway[access.ActionID(f.ID, f.Episode)]
		if ok && !act.State.Done() && act.Do == access.ModeRevert {
			return a.carriedOn(f, act)
		}
		return report.DeedNothing, "it stands already: a configuration acts on what comes from then on"
	}
	f.Origin, f.OriginWhy = access.OriginInherited, "a change of the configuration opened it"
	do, why := intended(a.policy, f, f.OpenedAt)
	switch do {
	case access.ModeObserve:
		return report.DeedNothing, ""
	case access.ModeTicket:
		return report.DeedTicket, ""
	}
	if r.Do != access.ModeRevert && r.Do != access.ModeApprove {
		why.Why = ""
	}
	return report.DeedTell, why.Why
}

// carriedOn is what becomes of a revert that is under way.
func (a actor) carriedOn(f access.Finding, act access.Action) (report.Deed, string) {
	if no := remediate.Standing(remediate.Case{Policy: a.policy, Finding: f, Now: act.Created}); !no.OK() {
		return report.DeedTell, "its revert is under way (" + string(act.State) + ") and is given up: " + no.Why
	}
	if guard, why := a.disarmed(f.Ref.Scope); guard != "" {
		return report.DeedRefuse, "its revert is under way (" + string(act.State) + ") and is given up: " + why
	}
	return report.DeedRevert, "its revert is under way (" + string(act.State) + ")"
}

// disarmed is why the configuration writes nothing at all in a scope; empty: it may.
func (a actor) disarmed(scope access.Scope) (guard, why string) {
	switch {
	case a.policy.DryRun && !a.dryRun:
		return remediate.GuardDryRun, "atlas.profile " + a.profile + " writes nothing"
	case a.policy.DryRun:
		return remediate.GuardDryRun, "dry run is on: nothing is written"
	case !a.writes[a.org[scope]] && (a.org[scope] != "" || !a.writesSomewhere()):
		return remediate.GuardCredentials, "no credentials that may write are configured"
	case a.policy.Caps.ProjectHour == 0:
		return remediate.GuardCapProject, "guards.caps.project_hour is 0: nothing may be written"
	case a.policy.Caps.OrgHour == 0:
		return remediate.GuardCapOrg, "guards.caps.org_hour is 0: nothing may be written"
	}
	return "", ""
}

func (a actor) writesSomewhere() bool {
	for _, w := range a.writes {
		if w {
			return true
		}
	}
	return false
}

// afresh is the finding as if it came about now, while it was watched.
func afresh(f access.Finding, now time.Time) access.Finding {
	f.Origin, f.OriginWhy, f.CauseAt, f.OpenedAt, f.Expected, f.State = access.OriginNew, "it came about by then", now, now, "", access.FindingOpen
	f.Evidence.Ended, f.Unknown = time.Time{}, ""
	return f
}

// then is what would be done about one like it that comes about from then on.
func (a actor) then(out *report.Answer, m scan.Moment, f access.Finding) {
	do, why := intended(a.policy, f, m.Now)
	r, _ := a.response(f)
	switch do {
	case access.ModeObserve:
		out.Then = report.DeedNothing
		return
	case access.ModeTicket:
		out.Then = report.DeedTicket
		return
	case access.ModeNotify:
		out.Then, out.Guard, out.ThenWhy = report.DeedTell, why.Guard, cmp.Or(why.Why, ownerless(a.policy, f))
		return
	}
	c, plan := a.plan(m, f)
	out.Plan = &plan
	switch no := remediate.Guard(c, plan); {
	case unformed(f, plan):
		out.Plan = nil
		a.bound(out, f, r, do, "to what it was before its change: by which operations is known only then")
		c.Verdict.Ceiling, c.Verdict.Answer = access.CeilingAuto, access.AnswerViolation
		if no := remediate.Guard(c, stub(f)); !no.OK() && no.Guard != remediate.GuardUnknown {
			out.Then, out.Guard, out.ThenWhy = deedOf(no), no.Guard, no.Why
		}
	case len(plan.Operations) == 0:
		out.Plan, out.Then, out.Guard, out.ThenWhy = nil, report.DeedTell, remediate.GuardCeiling, plan.Why
	case do == access.ModeApprove && (no.OK() || no.Guard == remediate.GuardCeiling):
		a.bound(out, f, r, do, plan.Why)
	case no.OK():
		a.bound(out, f, r, do, plan.Why)
	case no.Guard == remediate.GuardCeiling && len(a.can(r)) > 0:
		a.bound(out, f, r, access.ModeApprove, no.Why)
	default:
		out.Then, out.Guard, out.ThenWhy = deedOf(no), no.Guard, no.Why
	}
}

// bound is a revert or a question, as far as the configuration writes at all.
func (a actor) bound(out *report.Answer, f access.Finding, r access.Response, do access.Mode, why string) {
	out.Then, out.ThenWhy = report.DeedRevert, why
	if do == access.ModeApprove {
		out.Then, out.Ask = report.DeedAsk, a.question(r)
	}
	if guard, off := a.disarmed(f.Ref.Scope); guard != "" {
		out.Then, out.Guard, out.ThenWhy = report.DeedRefuse, guard, off+"; otherwise it would "+map[bool]string{true: "be asked whether to ", false: ""}[do == access.ModeApprove]+why
	}
}

func deedOf(no remediate.Refusal) report.Deed {
	switch no.End {
	case access.ActionTold:
		return report.DeedTell
	case "":
		return report.DeedUnknown // it would wait until the state can be read
	}
	return report.DeedRefuse
}

// plan is the plan for the finding as it stands, with what the guards look at. Time that is to
// pass first is taken to have passed, and writing to be on.
func (a actor) plan(m scan.Moment, f access.Finding) (remediate.Case, access.Plan) {
	p := a.policy
	p.DryRun, p.Settle = false, remediate.Settle{}
	p.Responses = slices.Clone(p.Responses)
	for i := range p.Responses {
		p.Responses[i].Grace = 0
	}
	if do := remediate.Respond(p, f).Do; do != access.ModeRevert { // by the consent of people; the guards are the same
		p.Responses = []access.Response{{Do: access.ModeRevert}}
	}
	c := remediate.Case{Policy: p, Finding: f, Now: m.Now, CanWrite: true, Fresh: map[access.Kind]access.Collection{}}
	for _, k := range a.engine.Reads(f.Rule, f.Ref.Scope) {
		c.Fresh[k] = whole(m.Collections[k])
	}
	c.Verdict = m.Judge(c.Fresh)
	return c, wellAfter(m, c, remediate.MakePlan(c))
}

// formers are the remedies that put back what was before a change, and so take that change.
func formers() []string {
	return []string{remediate.RemedyRestoreScopes, remediate.RemedyRestoreRoles, remediate.RemedyRestoreMemberRoles, remediate.RemedyRestoreAlert}
}

// unformed reports whether a plan is missing only since nobody saw the change.
func unformed(f access.Finding, plan access.Plan) bool {
	return slices.Contains(formers(), f.Remedy) && f.Evidence.Before.IsZero() && plan.Ceiling != access.CeilingAuto
}

// stub stands for a plan that is not known yet: it touches what the finding is about.
func stub(f access.Finding) access.Plan {
	return access.Plan{Ceiling: access.CeilingAuto, Operations: []access.Operation{{Ref: f.Ref}}}
}

// intended is what is done about a finding as far as that can be said without a look at
// Atlas: the response, within what its origin, its place and its rule allow.
func intended(p remediate.Policy, f access.Finding, now time.Time) (access.Mode, remediate.Refusal) {
	r := remediate.Respond(p, f)
	switch r.Do {
	case access.ModeRevert:
		no := remediate.Standing(remediate.Case{Policy: p, Finding: f, Now: now})
		if no.OK() {
			return r.Do, no
		}
		if no.Guard == remediate.GuardCeiling && len(r.Approvers) > 0 && f.Ceiling.Allows(access.CeilingAsk) {
			return access.ModeApprove, no
		}
		return access.ModeNotify, no
	case access.ModeApprove:
		return askable(f)
	}
	return r.Do, remediate.Refusal{}
}

// askable is whether a finding is asked about. Inherited debt is not asked about one by one.
func askable(f access.Finding) (access.Mode, remediate.Refusal) {
	tell := func(guard, why string) (access.Mode, remediate.Refusal) {
		return access.ModeNotify, remediate.Refusal{Guard: guard, Why: why, End: access.ActionTold}
	}
	switch {
	case f.Environment == "" && !f.Ref.Scope.IsOrg():
		return tell(remediate.GuardEnvironment, "the project matches no environment, and such a project is never written to")
	case f.Origin != access.OriginNew:
		return tell(remediate.GuardInherited, "it was there before ("+f.OriginWhy+"), and what was there before is not asked about one by one")
	case !f.Ceiling.Allows(access.CeilingAsk):
		return tell(remediate.GuardCeiling, "the rule allows only to tell of it")
	}
	return access.ModeApprove, remediate.Refusal{}
}

// can are the principals who can answer a question, sorted. What is not declared means nobody.
func (a actor) can(r access.Response) (out []string) {
	for _, name := range r.Approvers {
		for _, id := range append([]string{name}, a.rules.Groups[name]...) {
			if slices.ContainsFunc(a.rules.Principals, func(p access.Principal) bool { return p.ID == id }) {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a actor) question(r access.Response) *report.Question {
	q := &report.Question{
		Approvers: append([]string{}, r.Approvers...), Can: append([]string{}, a.can(r)...), Quorum: max(1, r.Quorum),
		Deadline: access.Lasts(cmp.Or(r.Deadline, access.DefaultDeadline)), OnDeadline: string(cmp.Or(r.OnDeadline, "notify")),
	}
	switch {
	case len(r.Approvers) == 0:
		q.Trouble = "nobody can answer: the response names no approvers"
	case len(q.Can) == 0:
		q.Trouble = "nobody can answer: " + strings.Join(r.Approvers, ", ") + " means no declared principal"
	case len(q.Can) < q.Quorum:
		q.Trouble = fmt.Sprintf("it takes %d votes, and only %s can give one", q.Quorum, strings.Join(q.Can, ", "))
	}
	return q
}
