package remediate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The guards, by the names that actions, metrics and documentation carry.
const (
	GuardDryRun      = "dry_run"
	GuardCredentials = "no_credentials"
	GuardSkew        = "skew"
	GuardUnknown     = "unknown"
	GuardSuspect     = "suspect"
	GuardEnvironment = "environment_unknown"
	GuardInherited   = "inherited"
	GuardCeiling     = "ceiling"
	GuardSettle      = "settle"
	GuardNeverTouch  = "never_touch"
	GuardOwnAccess   = "own_access"
	GuardLastWayIn   = "last_way_in"
	GuardStalePlan   = "stale_plan"
	GuardCapProject  = "cap_project"
	GuardCapOrg      = "cap_org"
	GuardExpectation = "expectation"
	GuardForbidden   = "forbidden" // by Atlas: a credential lacks a role, or a passing refusal
	GuardFreeze      = "freeze"
	GuardIncident    = "incident"
	GuardStopped     = "stopped"  // the rule, after an action of it did harm
	GuardApproval    = "approval" // votes are missing, or count no more
	GuardVeto        = "veto"
	GuardTakenBack   = "taken_back" // by people, and let stand
)

const (
	maxSkew = 5 * time.Second
	maxAge  = 24 * time.Hour // of a cause, to be reverted without being asked
)

// Refusal is what a guard says. The zero value is consent.
type Refusal struct {
	Guard string
	Why   string             // for people
	End   access.ActionState // how the action ends by it; empty: it waits and asks again
	Tell  bool               // people are told of it, and not asked
}

// OK reports whether nothing was refused.
func (r Refusal) OK() bool { return r.Guard == "" }

func refuse(guard, format string, args ...any) Refusal {
	r := Refusal{Guard: guard, Why: fmt.Sprintf(format, args...)}
	switch guard {
	case GuardEnvironment, GuardInherited, GuardExpectation, GuardCeiling, GuardOwnAccess, GuardLastWayIn, GuardIncident, GuardStopped:
		r.End = access.ActionTold // a person must decide
	case GuardDryRun, GuardCredentials, GuardNeverTouch:
		r.End = access.ActionRefused
	case GuardStalePlan:
		r.End = access.ActionStale
	}
	return r
}

// Guard says whether the plan may be carried out now. It is asked directly before the
// intent is stored, on every path. The caps, which need a ledger, come after it. What people
// have decided ([Case].Asked) needs their consent where all else needs to be allowed by itself.
func Guard(c Case, plan access.Plan) Refusal {
	for _, guard := range []func() Refusal{
		func() Refusal { return leave(c) },
		func() Refusal { return armed(c) },
		func() Refusal { return known(c) },
		func() Refusal { return settled(c) },
		func() Refusal { return harmless(c, plan) },
		func() Refusal { return contradicts(c, plan) },
		func() Refusal { return allowed(c, plan) },
	} {
		if r := guard(); !r.OK() {
			return r
		}
	}
	return Refusal{}
}

// leave is by what the plan may be carried out: by itself, or with the consent of people.
func leave(c Case) Refusal {
	switch {
	case c.Asked != nil:
		return Consent(c.Policy, *c.Asked, c.Finding)
	case c.Late && Respond(c.Policy, c.Finding).OnDeadline == access.LateRevert:
		return eligible(c)
	}
	return Standing(c)
}

// Standing says whether the episode may ever be reverted without asking: by its
// environment, origin, rule, configuration and age. It needs no read of Atlas.
func Standing(c Case) Refusal {
	if Respond(c.Policy, c.Finding).Do != access.ModeRevert {
		if r := eligible(c); !r.OK() {
			return r
		}
		return refuse(GuardCeiling, "the configuration does not ask for a revert any more")
	}
	return eligible(c)
}

// eligible is [Standing], whatever the configuration asks for.
func eligible(c Case) Refusal {
	f := c.Finding
	switch {
	case f.Environment == "" && f.Ref.Scope.IsOrg():
		return refuse(GuardEnvironment, "an organization is of no environment, and nothing of it is written to without being asked")
	case f.Environment == "":
		return refuse(GuardEnvironment, "the project matches no environment, and such a project is never written to")
	case f.Origin != access.OriginNew:
		return refuse(GuardInherited, "it was there before (%s), and what was there before is never undone without being asked", orNothing(f.OriginWhy))
	case f.Expected != "":
		return refuse(GuardExpectation, "its change was announced by expectation %s", f.Expected)
	case !f.Ceiling.Allows(access.CeilingAuto):
		return refuse(GuardCeiling, "the rule does not allow it without being asked")
	case f.CauseAt.IsZero():
		return refuse(GuardCeiling, "when it came about is not known")
	case c.Now.Sub(f.CauseAt) > maxAge:
		return refuse(GuardCeiling, "it came about at %s, more than a day ago", f.CauseAt.UTC().Format(time.RFC3339))
	}
	if r := halts(c); !r.OK() {
		return r
	}
	return alone(c)
}

// halts says whether something that people or an aftermath decided keeps everything of the
// scope, or of the rule, from being written without being asked.
func halts(c Case) Refusal {
	if i, ok := c.Control.Incident(c.Now); ok {
		return refuse(GuardIncident, "incident %s is on until %s: nothing is reverted without being asked", i.Name, access.Stamp(i.Until))
	}
	for _, s := range c.Control.Stopped {
		if s.Rule == c.Finding.Rule {
			return refuse(GuardStopped, "the rule writes nothing by itself since %s: %s", access.Stamp(s.At), s.Why)
		}
	}
	return Refusal{}
}

// armed says whether this process may write at all.
func armed(c Case) Refusal {
	switch {
	case c.Policy.DryRun:
		return refuse(GuardDryRun, "dry run is on: nothing is written")
	case c.Control.Freeze.On:
		return refuse(GuardFreeze, "%s froze all writes at %s: %s", orNothing(c.Control.Freeze.By), access.Stamp(c.Control.Freeze.At), orNothing(c.Control.Freeze.Reason))
	case !c.CanWrite:
		return refuse(GuardCredentials, "no credentials that may write are configured")
	case c.Skew.Abs() > maxSkew:
		return refuse(GuardSkew, "our clock and that of Atlas differ by %s: nothing is written until they agree", c.Skew.Abs())
	}
	return Refusal{}
}

// known says whether the state that the plan rests on is known.
func known(c Case) Refusal {
	if len(c.Fresh) == 0 {
		return refuse(GuardUnknown, "nothing was read")
	}
	for _, k := range kindsOf(c.Fresh) {
		switch col := c.Fresh[k]; {
		case usable(col):
		case col.Status == access.StatusSuspect:
			return refuse(GuardSuspect, "the read of %s is not credible: %s", k, col.Reason)
		default:
			return refuse(GuardUnknown, "%s could not be read (%s): %s", k, orNothing(string(col.Status)), col.Reason)
		}
	}
	if c.Verdict.Answer == access.AnswerPass || c.Verdict.Answer == access.AnswerNotApplicable {
		return refuse(GuardUnknown, "as read now it is not a violation")
	}
	if c.Verdict.Answer != access.AnswerViolation {
		return refuse(GuardUnknown, "it cannot be judged: %s", orNothing(c.Verdict.Why))
	}
	if more := unheard(c); len(more) > 0 {
		return refuse(GuardUnknown, "%s was added since the finding was judged: waiting for that to be judged too", strings.Join(more, ", "))
	}
	return Refusal{}
}

// unheard are the entries that the violation comes through as it stands now, and that
// the stored finding does not name yet.
func unheard(c Case) (out []string) {
	known := suspects(c)
	for _, r := range c.Verdict.Evidence.Causes {
		if _, there := c.Fresh[r.Kind].Find(r.Name); !there {
			continue // our own write took it away, and the verdict is as if it had not
		}
		if r.Kind == access.KindIPAccessEntry && !slices.Contains(known, r.Name) {
			out = append(out, r.Name)
		}
	}
	return out
}

// usable reports whether the collection says what is there. What Atlas does not have here
// is known to be nothing; for the kinds that are written that is no answer.
func usable(c access.Collection) bool {
	return c.Status == access.StatusComplete || c.Status == access.StatusUnsupported && !slices.Contains(access.WrittenKinds(), c.Kind)
}

func kindsOf(fresh map[access.Kind]access.Collection) []access.Kind {
	out := make([]access.Kind, 0, len(fresh))
	for k := range fresh {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func settled(c Case) Refusal {
	if c.Asked != nil {
		return Refusal{}
	}
	if at := ready(c.Policy, c.Finding); c.Now.Before(at) {
		return refuse(GuardSettle, "waiting until %s, so that an apply that is under way can end", at.UTC().Format(time.RFC3339))
	}
	return Refusal{}
}

// harmless says whether the plan leaves alone what must be left alone.
func harmless(c Case, plan access.Plan) Refusal {
	for _, o := range plan.Operations {
		if pattern, ok := untouchable(c.Policy.NeverTouch, o.Ref); ok {
			return refuse(GuardNeverTouch, "%s is never touched, by %q", o.Ref, pattern)
		}
		if own := ownPerson(c, o); own != "" {
			return refuse(GuardOwnAccess, "%s is our own credential", own)
		}
	}
	if why := ownerless(c, plan.Operations); why != "" {
		return refuse(GuardLastWayIn, "%s", why)
	}
	if own := lockedOut(c, plan.Operations); own != "" {
		return refuse(GuardOwnAccess, "our own address %s would be locked out", own)
	}
	if lastWayIn(c, plan.Operations) {
		return refuse(GuardLastWayIn, "no other way in would remain")
	}
	return Refusal{}
}

func untouchable(patterns []string, r access.Ref) (string, bool) {
	_, short, _ := strings.Cut(r.Name, "/")
	for _, p := range patterns {
		for _, s := range []string{r.Name, string(r.Kind) + "/" + r.Name, string(r.Scope), spelt(r.Scope), r.Scope.ID()} {
			if access.Match(p, s) {
				return p, true
			}
		}
		if r.Kind == access.KindDatabaseUser && access.Match(p, short) {
			return p, true
		}
	}
	return "", false
}

// spelt is a scope as configuration spells it.
func spelt(s access.Scope) string {
	if s.IsOrg() {
		return "org." + s.ID()
	}
	return "project." + s.ID()
}

// allowed says whether plan and verdict leave the decision to us.
func allowed(c Case, plan access.Plan) Refusal {
	switch {
	case c.Asked != nil && len(plan.Operations) > 0:
		return Refusal{}
	case len(plan.Operations) == 0 || !plan.Ceiling.Allows(access.CeilingAuto):
		return refuse(GuardCeiling, "%s", plan.Why)
	case slices.ContainsFunc(plan.Operations, func(o access.Operation) bool { return o.Type == access.DeleteDatabaseUser }):
		return refuse(GuardCeiling, "a database user is never deleted without being asked")
	case !c.Verdict.Ceiling.Allows(access.CeilingAuto):
		return refuse(GuardCeiling, "as it stands now, the rule does not allow it without being asked")
	}
	return Refusal{}
}
