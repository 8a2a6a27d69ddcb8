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
