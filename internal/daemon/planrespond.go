package daemon

import (
	"cmp"
	"crypto/ed25519"
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
		switch {
		case !ok || act.State.Done():
		case act.Do == access.ModeRevert:
			return a.carriedOn(f, act)
		case act.Do == access.ModeApprove:
			return a.askedOn(act)
		}
		return report.DeedNothing, "it stands already: a configuration acts on what comes from then on"
	}
	f.Origin, f.OriginWhy = access.OriginInherited, "a change of the configuration opened it"
	do, why := remediate.Intended(remediate.Case{Policy: a.policy, Finding: f, Now: f.OpenedAt})
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

// askedOn is what becomes of a question that is open: votes count by who may answer then.
func (a actor) askedOn(act access.Action) (report.Deed, string) {
	q := a.question(access.Finding{}, access.Response{Approvers: act.Ask.Approvers, Quorum: act.Ask.Quorum})
	until := "its question is open until " + access.Stamp(act.Ask.Deadline)
	if q.Trouble != "" {
		return report.DeedTell, until + ", and then " + q.Trouble
	}
	return report.DeedAsk, until + "; " + strings.Join(q.Can, ", ") + " can answer"
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
	do, why := remediate.Intended(remediate.Case{Policy: a.policy, Finding: f, Now: m.Now, Title: titleThen(m)})
	r, _ := a.response(f)
	switch do {
	case access.ModeObserve:
		out.Then = report.DeedNothing
		return
	case access.ModeTicket:
		out.Then = report.DeedTicket
		return
	case access.ModeNotify:
		a.told(out, f, r, why)
		return
	}
	c, plan := a.plan(m, f)
	if do == access.ModeApprove {
		c = agreed(c)
	}
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
	case no.OK():
		a.bound(out, f, r, do, plan.Why)
	case no.Guard == remediate.GuardCeiling && len(a.can(r)) > 0 && plan.Ceiling.Allows(access.CeilingAsk):
		a.bound(out, f, r, access.ModeApprove, plan.Why)
	default:
		out.Then, out.Guard, out.ThenWhy = deedOf(no), no.Guard, no.Why
	}
}

// told is of what people only hear: since the response says so, or since nothing more may be
// done.
func (a actor) told(out *report.Answer, f access.Finding, r access.Response, no remediate.Refusal) {
	out.Then, out.Guard = report.DeedTell, no.Guard
	if out.ThenWhy = ownerless(a.policy, f); no.Guard != "" {
		out.ThenWhy = no.Why
	}
	if no.Guard == remediate.GuardApproval {
		out.Ask = a.question(f, r)
	}
}

// agreed is the case once those who may have agreed to it.
func agreed(c remediate.Case) remediate.Case {
	f, r := c.Finding, remediate.Respond(c.Policy, c.Finding)
	const who, id = "somebody", "somebody-says-yes"
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	yes := access.Command{V: access.Version, ID: id, Verb: access.VerbVote, Scope: f.Ref.Scope, By: who, Via: gateway, At: c.Now, Until: c.Now.Add(access.CommandLife),
		Finding: f.ID, Episode: max(1, f.Episode), PlanHash: "whatever", Vote: access.VoteApprove}
	raw, err := access.Seal(yes, private)
	if err != nil {
		return c // a finding that nobody could vote on
	}
	r.Approvers, r.Quorum = []string{who}, 1
	c.Policy.Responses = []access.Response{r}
	c.Policy.People = remediate.People{Principals: []access.Principal{{ID: who}}, Operators: []string{who}, Keys: []access.GatewayKey{{Public: public, Gateway: gateway}}}
	c.Asked = &access.Action{ID: access.ActionID(f.ID, yes.Episode), Ref: f.Ref, PlanHash: yes.PlanHash, Ask: access.Ask{Approvers: []string{who}},
		Votes: []access.Ballot{{By: who, Vote: access.VoteApprove, Key: access.KeyID(public), Command: id, Signed: raw}}}
	return c
}

// bound is a revert or a question, as far as the configuration writes at all.
func (a actor) bound(out *report.Answer, f access.Finding, r access.Response, do access.Mode, why string) {
	out.Then, out.ThenWhy = report.DeedRevert, why
	if do == access.ModeApprove {
		out.Then, out.Ask = report.DeedAsk, a.question(f, r)
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
	c := remediate.Case{Policy: p, Finding: f, Now: m.Now, CanWrite: true, Title: titleThen(m), Fresh: map[access.Kind]access.Collection{}}
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

// question is who is asked, and what their silence leads to.
func (a actor) question(f access.Finding, r access.Response) *report.Question {
	q := &report.Question{
		Approvers: append([]string{}, r.Approvers...), Can: append([]string{}, a.can(r)...), Quorum: max(1, r.Quorum),
		Deadline: access.Lasts(cmp.Or(r.Deadline, access.DefaultDeadline)), OnDeadline: string(cmp.Or(r.OnDeadline, "notify")),
		Silent: r.OnDeadline == access.LateRevert && f.Ceiling.Allows(access.CeilingAuto) && f.Environment != "",
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
