package remediate

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	maxAsks     = 5              // questions of one action
	approvedFor = 24 * time.Hour // that a consent lasts without having been carried out
)

// canAsk reports whether people can be asked about what a guard leaves to them.
func canAsk(c Case, plan access.Plan, r Refusal) bool {
	switch r.Guard {
	case GuardCeiling, GuardIncident, GuardStopped, GuardOwnership, GuardWindow, GuardTakenBack:
		do, _ := askable(c, Respond(c.Policy, c.Finding), r)
		return do == access.ModeApprove && len(plan.Operations) > 0
	}
	return false
}

// ask puts the plan to those who may answer. What cannot be asked about is told.
func (s *Stage) ask(ctx context.Context, f access.Finding, a access.Action, c Case, plan access.Plan, because Refusal) error {
	r := Respond(c.Policy, f)
	if do, no := askable(c, r, because); do != access.ModeApprove || r.Do != access.ModeApprove && r.Do != access.ModeRevert {
		if no.OK() {
			no = refuse(GuardCeiling, "the configuration does not ask for it any more")
		}
		return s.tell(ctx, a, f, no, &plan)
	}
	if len(plan.Operations) == 0 || !plan.Ceiling.Allows(access.CeilingAsk) {
		return s.tell(ctx, a, f, refuse(GuardCeiling, "%s", plan.Why), &plan)
	}
	if no := harmless(c, plan); !no.OK() {
		return s.refused(ctx, f, a, c, plan, no)
	}
	if no := contradicts(c, plan); no.Guard == GuardVeto {
		return s.tell(ctx, a, f, no, &plan)
	}
	if questions(a) >= maxAsks {
		return s.move(ctx, a, access.ActionStale, "what it rests on keeps changing: a person must look at it", func(n *access.Action) { n.Guard = GuardStalePlan })
	}
	plan.Impact = s.impact(ctx, c, plan)
	question := asked(r, s.now())
	why := fmt.Sprintf("%s may decide until %s whether to %s", strings.Join(c.Policy.People.members(question.Approvers), ", "), access.Stamp(question.Deadline), plan.Why)
	if because.Why != "" {
		why += "; asked because " + because.Why
	}
	return s.move(ctx, a, access.ActionAwaiting, why, func(n *access.Action) {
		n.Do, n.Guard, n.Plan, n.PlanHash, n.Ask, n.Votes = access.ModeApprove, because.Guard, plan, hashOf(n, plan), question, nil
		n.Ceiling, n.Actor, n.Wake = n.Ceiling.Min(access.CeilingAsk), f.Actor, question.Deadline
	})
}

// span is how long a question may be answered.
func span(r access.Response) time.Duration { return cmp.Or(r.Deadline, access.DefaultDeadline) }

// asked is the question as the response puts it.
func asked(r access.Response, now time.Time) access.Ask {
	return access.Ask{Approvers: r.Approvers, Quorum: max(1, r.Quorum), Deadline: now.Add(span(r)), OnDeadline: r.OnDeadline, Escalate: r.Escalate}
}

// questions is the number of questions that the action has been.
func questions(a access.Action) int {
	n := 0
	for _, st := range a.Steps {
		if st.To == access.ActionAwaiting {
			n++
		}
	}
	return n
}

// awaiting looks at a question: whether it is still one, and whether its time is over.
func (s *Stage) awaiting(ctx context.Context, f access.Finding, a access.Action) error {
	switch {
	case !active(f):
		return s.superseded(ctx, f, a)
	case s.now().Before(a.Ask.Deadline):
		return nil
	}
	return s.late(ctx, f, a)
}

// late is what becomes of a question that nobody answered. Nothing is kept and nothing
// opened again by it: at most what takes access away goes ahead, where the rule allows that
// without being asked.
func (s *Stage) late(ctx context.Context, f access.Finding, a access.Action) error {
	p := s.Policy()
	switch a.Ask.OnDeadline {
	case access.LateEscalate:
		if more := p.People.members(a.Ask.Escalate); !a.Ask.Escalated && len(more) > 0 {
			again := a.Ask.Deadline.Sub(a.Steps[len(a.Steps)-1].At)
			return s.move(ctx, a, access.ActionAwaiting, "nobody answered by "+access.Stamp(a.Ask.Deadline)+": "+strings.Join(more, ", ")+" may decide too", func(n *access.Action) {
				n.Ask.Escalated, n.Ask.Deadline = true, s.now().Add(max(again, time.Minute))
				n.Wake = n.Ask.Deadline
			})
		}
	case access.LateRevert:
		c, err := s.situation(ctx, p, f, look{})
		if err != nil {
			return err
		}
		if no := eligible(c); no.OK() && a.Plan.Ceiling.Allows(access.CeilingAuto) {
			return s.move(ctx, a, access.ActionProposed, "nobody answered by "+access.Stamp(a.Ask.Deadline)+", and the response says to revert then", func(n *access.Action) {
				n.Ask.Lapsed, n.Votes, n.Wake = true, nil, s.now()
			})
		}
	}
	why := "nobody answered by " + access.Stamp(a.Ask.Deadline) + ": nothing is done, and it stands open"
	if a.Ask.OnDeadline == access.LateTicket {
		why += "; the response asks for a ticket"
	}
	return s.move(ctx, a, access.ActionExpired, why, nil)
}

// lapsed reports whether the consent to the action is too old to be carried out: it was said
// about another day.
func (s *Stage) lapsed(a access.Action) bool {
	return a.State == access.ActionApproved && s.stood(a) > approvedFor
}

// unsupported puts a question back whose votes do not carry it any more.
func (s *Stage) unsupported(ctx context.Context, a access.Action, r Refusal) error {
	return s.move(ctx, a, access.ActionAwaiting, "the consent does not hold any more: "+r.Why, func(n *access.Action) {
		n.Guard, n.Wake = r.Guard, n.Ask.Deadline
	})
}

// outdated asks anew about what has become another plan: the votes were about the former
// one. What was begun is not asked about again by itself.
func (s *Stage) outdated(ctx context.Context, f access.Finding, a access.Action, c Case, plan access.Plan) error {
	if done := len(a.Outcome.Requests); done > 0 {
		return s.move(ctx, a, access.ActionStale, fmt.Sprintf("%d of %d writes were made, and what the rest was about has changed since: look at it; undo takes back what was written", done, len(a.Plan.Operations)),
			func(n *access.Action) { n.Guard = GuardStalePlan })
	}
	c.Asked = nil
	return s.ask(ctx, f, a, c, plan, refuse(GuardStalePlan, "what it rests on has changed since it was voted on, and those votes are void"))
}
