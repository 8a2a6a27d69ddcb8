package remediate

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// answer is what became of a command.
type answer struct {
	ok     bool
	why    string
	action string
	outs   []access.Out
}

func accepted(format string, args ...any) answer {
	return answer{ok: true, why: fmt.Sprintf(format, args...)}
}
func declined(format string, args ...any) answer { return answer{why: fmt.Sprintf(format, args...)} }

// cast is the action after the vote of a command, and what is said of it; changed is false
// where it stays as it is. It is pure: under a compare-and-set it may be asked again.
func cast(p Policy, a access.Action, f access.Finding, b access.Ballot, c access.Command, now time.Time) (next access.Action, changed bool, said answer) {
	if i := slices.IndexFunc(a.Votes, func(v access.Ballot) bool { return v.Command == b.Command }); i >= 0 {
		return a, false, accepted("counted: it is %s", a.State)
	}
	if no := mayVote(p, a, f, b, now); no != "" {
		return a, false, declined("%s", no)
	}
	if b.Vote == access.VoteDeny {
		return deny(a, b, now)
	}
	return approve(p, a, f, b, c, now)
}

// mayVote is why the one who votes has no say; empty: they have.
func mayVote(p Policy, a access.Action, f access.Finding, b access.Ballot, now time.Time) string {
	switch {
	case !p.People.known(b.By):
		return fmt.Sprintf("%s is no principal of the configuration", b.By)
	case len(a.Ask.Approvers) == 0:
		return fmt.Sprintf("the action is %s: nobody was asked about it", a.State)
	}
	return barred(p, a, f, b)
}

func deny(a access.Action, b access.Ballot, now time.Time) (access.Action, bool, answer) {
	switch a.State {
	case access.ActionProposed, access.ActionAwaiting, access.ActionApproved:
		why := "denied by " + b.By
		if b.Reason != "" {
			why += ": " + b.Reason
		}
		n := stepped(a, access.ActionVetoed, why, now)
		n.Votes = append(slices.Clip(a.Votes), b)
		return n, true, accepted("denied: nothing is written for it")
	case access.ActionVetoed:
		return a, false, accepted("it is denied already: %s", a.Why)
	case access.ActionRunning, access.ActionVerifying, access.ActionVerified:
		return a, false, declined("it is %s: it is too late to deny it; undo takes it back", a.State)
	}
	return a, false, declined("it is %s: there is nothing to deny any more", a.State)
}

func approve(p Policy, a access.Action, f access.Finding, b access.Ballot, c access.Command, now time.Time) (access.Action, bool, answer) {
	switch {
	case c.PlanHash != a.PlanHash:
		return a, false, declined("the plan has changed since it was shown: look at it again, its id is %s now", short(a.PlanHash))
	case a.State == access.ActionApproved || a.State.Writing() || a.State == access.ActionVerified:
		return a, false, accepted("it is decided already, by %s: it is %s", agreed(a), a.State)
	case a.State != access.ActionAwaiting:
		return a, false, declined("it is %s, and not to be decided: %s", a.State, a.Why)
	case !now.Before(a.Ask.Deadline):
		return a, false, declined("its time was over at %s", access.Stamp(a.Ask.Deadline))
	case slices.ContainsFunc(a.Votes, func(v access.Ballot) bool { return v.By == b.By && v.Vote == b.Vote && Void(p, a, f, v) == "" }):
		return a, false, accepted("the vote of %s was counted before", b.By)
	}
	n := a
	n.Votes = append(slices.Clip(a.Votes), b)
	no := Consent(p, n, f)
	if !no.OK() {
		n.Why = "voted for by " + b.By + ": " + no.Why
		return n, true, accepted("counted: %s", no.Why)
	}
	n = stepped(n, access.ActionApproved, "approved by "+agreed(n), now)
	return n, true, accepted("approved: it is carried out as soon as nothing else stands in its way")
}

// stepped is the action in another state.
func stepped(a access.Action, to access.ActionState, why string, now time.Time) access.Action {
	a.Steps = append(slices.Clip(a.Steps), access.Step{At: now, To: to, Why: why})
	a.State, a.Why, a.Guard, a.Attempts, a.Wake = to, why, "", 0, time.Time{}
	return a
}

func short(hash string) string { return hash[:min(12, len(hash))] }
