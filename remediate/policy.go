package remediate

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Policy is the configuration that remediation reads. It is replaced as a whole on
// reload. The zero value writes nothing: no response asks for it and every cap is zero.
type Policy struct {
	Responses  []access.Response
	DryRun     bool
	Caps       Caps
	Settle     Settle
	NeverTouch []string // globs over names, kind/name, scopes and Atlas ids of what a plan would write
	Own        access.OwnAccess
	Networks   []access.Network
	People     People
	Guards     Guards                    // of what is done without being asked
	Production func(env string) bool     // whether an environment is production; nil: every one is
	Org        func(access.Scope) string // Atlas id of the org of a project; empty: not known yet, nothing is written
}

// Caps bound the actions that write within an hour.
type Caps struct{ ProjectHour, OrgHour int }

// Settle is how long a change is left alone, so that an apply ends before it is undone.
type Settle struct{ Critical, Other time.Duration }

func (s Settle) of(sev access.Severity) time.Duration {
	if sev == access.Critical {
		return s.Critical
	}
	return s.Other
}

// Respond is the first response that matches the finding; nothing matching is notify.
// A finding without an environment matches only responses that name none.
func Respond(p Policy, f access.Finding) access.Response {
	for _, r := range p.Responses {
		if matches(r, f) {
			return r
		}
	}
	return access.Response{Do: access.ModeNotify}
}

// Intended is what is done about the finding, as far as that can be said without a look at
// Atlas: the response, within what guards and ceilings allow. What may not be reverted
// without being asked is asked about, where the response names people who can answer; of
// all else they are told, for the reason that the refusal gives.
func Intended(c Case) (access.Mode, Refusal) {
	r := Respond(c.Policy, c.Finding)
	switch r.Do {
	case access.ModeApprove:
		return askable(c, r, Refusal{})
	case access.ModeRevert:
		if no := Standing(c); !no.OK() {
			return askable(c, r, no)
		}
		return access.ModeRevert, Refusal{}
	}
	return r.Do, Refusal{Why: described(r.Do)}
}

// askable is whether the finding can be asked about, and why not. Inherited debt is not
// asked about one by one, but adopted.
func askable(c Case, r access.Response, no Refusal) (access.Mode, Refusal) {
	f := c.Finding
	switch {
	case no.Tell || no.Guard == GuardInherited || no.Guard == GuardExpectation || no.Guard == GuardEnvironment && !f.Ref.Scope.IsOrg():
		return access.ModeNotify, no
	case f.Environment == "" && !f.Ref.Scope.IsOrg():
		return access.ModeNotify, refuse(GuardEnvironment, "the project matches no environment, and such a project is never written to")
	case f.Origin != access.OriginNew:
		return access.ModeNotify, refuse(GuardInherited, "it was there before (%s): adopt it to have something done about it", orNothing(f.OriginWhy))
	case f.Expected != "":
		return access.ModeNotify, refuse(GuardExpectation, "its change was announced by expectation %s", f.Expected)
	case !f.Ceiling.Allows(access.CeilingAsk):
		return access.ModeNotify, refuse(GuardCeiling, "the rule allows only to tell of it")
	case len(c.Policy.People.members(r.Approvers)) == 0 && !no.OK():
		return access.ModeNotify, no
	case len(c.Policy.People.members(r.Approvers)) == 0:
		return access.ModeNotify, refuse(GuardApproval, "nobody can be asked: the response names no approvers")
	}
	return access.ModeApprove, no
}

func matches(r access.Response, f access.Finding) bool {
	return listed(r.Rules, f.Rule, access.Match) &&
		listed(r.Environments, f.Environment, equal) &&
		listed(r.Severities, f.Severity, func(a, b access.Severity) bool { return a == b }) &&
		listed(r.Owners, f.Owner, equal)
}

// listed reports whether v is in the list; an empty list holds everything.
func listed[T any](list []T, v T, match func(pattern, v T) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(p T) bool { return match(p, v) })
}

func equal(a, b string) bool { return a == b && a != "" }

// ready is when the finding's change has settled and its response's grace has passed;
// zero where neither is asked for, whatever the clocks say.
func ready(p Policy, f access.Finding) time.Time {
	var at time.Time
	if settle := p.Settle.of(f.Severity); settle > 0 {
		at = f.CauseAt.Add(settle)
		if f.CauseAt.IsZero() {
			at = f.OpenedAt.Add(settle)
		}
	}
	if grace := Respond(p, f).Grace; grace > 0 && f.OpenedAt.Add(grace).After(at) {
		at = f.OpenedAt.Add(grace)
	}
	return at
}
