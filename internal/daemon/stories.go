package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/remediate"
)

const (
	openingsIn  = 90 * 24 * time.Hour // that a story counts the openings of a finding
	maxOpenings = 50                  // that it looks at
	maxEarlier  = 3                   // waivers that it tells of
)

// storyteller loads what people are told of a finding: how it stands now, by the configuration
// in force.
type storyteller struct{ d *Daemon }

// Story implements notify.Stories.
func (t storyteller) Story(ctx context.Context, scope access.Scope, finding string, episode int) (notify.Story, bool, error) {
	doc, _, err := t.d.findings.Get(ctx, string(scope))
	if err != nil {
		return notify.Story{}, false, fmt.Errorf("load findings of %s: %w", scope, err)
	}
	f, ok := doc.Findings[finding]
	if !ok || episode > f.Episode {
		return notify.Story{}, false, nil
	}
	if episode > 0 && episode < f.Episode {
		f.State, f.Resolution, f.Episode = access.FindingResolved, "it was over, and came again", episode
	}
	s := notify.Story{Finding: f, Project: calledLast(doc), At: t.d.fleet.Now()}
	if scope.IsOrg() {
		s.Org, s.Project = s.Project, ""
	} else if s.Org, err = t.org(ctx, scope); err != nil {
		return notify.Story{}, false, err
	}
	return s, true, t.tell(ctx, &s)
}

func calledLast(doc access.Findings) string {
	if n := len(doc.Called); n > 0 {
		return doc.Called[n-1].Title
	}
	return ""
}

// org is what the org of a project is called.
func (t storyteller) org(ctx context.Context, project access.Scope) (string, error) {
	id := t.d.orgOf(project)
	if id == "" {
		return "", nil
	}
	doc, _, err := t.d.findings.Get(ctx, string(access.OrgScope(id)))
	if err != nil {
		return "", fmt.Errorf("load what org %s is called: %w", id, err)
	}
	return calledLast(doc), nil
}

// tell adds what is done about the finding, and what may be.
func (t storyteller) tell(ctx context.Context, s *notify.Story) (err error) {
	f, p := s.Finding, t.d.settings.get().policy
	if s.Action, _, err = t.d.actions.Get(ctx, access.ActionID(f.ID, f.Episode)); err != nil {
		return fmt.Errorf("load the action of finding %s: %w", f.ID, err)
	}
	for _, purpose := range []access.Purpose{access.PurposeUndo, access.PurposeRelease, access.PurposeDelete} {
		a, rev, err := t.d.actions.Get(ctx, remediate.FollowID(s.Action.ID, purpose))
		if err != nil {
			return fmt.Errorf("load what follows action %s: %w", s.Action.ID, err)
		}
		if rev != 0 {
			s.After = append(s.After, a)
		}
	}
	slices.SortStableFunc(s.After, func(a, b access.Action) int { return a.Created.Compare(b.Created) })
	if r, ok := t.d.settings.get().engine.Rule(f.Rule); ok {
		s.Title, s.Why, s.Fix = r.Title, r.Why, r.Fix
	}
	s.Safer = notify.Safer(f)
	s.Authors, s.Decides = remediate.Authors(p, s.Action, f), remediate.Deciders(p, f)
	r := remediate.Respond(p, f)
	s.Approvers, s.Escalate = r.Approvers, r.Escalate
	s.Question, s.Undo = questionOf(p, *s), undoOf(p, *s)
	if s.Openings, err = t.openings(ctx, f, s.At); err != nil {
		return err
	}
	return t.kept(ctx, p, s)
}

// openings counts the episodes that began lately.
func (t storyteller) openings(ctx context.Context, f access.Finding, now time.Time) (int, error) {
	n := 1
	for e := f.Episode - 1; e > 0 && n < maxOpenings; e-- {
		a, rev, err := t.d.actions.Get(ctx, access.ActionID(f.ID, e))
		if err != nil {
			return 0, fmt.Errorf("count the openings of finding %s: %w", f.ID, err)
		}
		if rev == 0 || now.Sub(a.Created) > openingsIn {
			break
		}
		n++
	}
	return n, nil
}

// kept adds what was let stand before, and whether this may be.
func (t storyteller) kept(ctx context.Context, p remediate.Policy, s *notify.Story) error {
	stored, _, err := t.d.waivers.Get(ctx, access.WaiversKey)
	if err != nil {
		return fmt.Errorf("load waivers: %w", err)
	}
	f := s.Finding
	for _, w := range slices.Concat(t.d.settings.get().file.Waivers, stored.Waivers) {
		if access.Match(w.Rule, f.Rule) && (w.Name == "" || access.Match(w.Name, f.Ref.Name)) && (w.Kind == "" || w.Kind == f.Ref.Kind) &&
			(w.Project == "" || access.Match(w.Project, f.Ref.Scope.ID()) || access.Match(w.Project, s.Project)) && w.ID != f.Waiver.ID {
			s.Earlier = append(s.Earlier, w)
		}
	}
	slices.SortStableFunc(s.Earlier, func(a, b access.Waiver) int { return b.Granted.Compare(a.Granted) })
	s.Earlier = s.Earlier[:min(len(s.Earlier), maxEarlier)]
	s.Keep = keepOf(p, *s, stored)
	return nil
}

// questionOf is the question that people are to answer: that of an action that follows, if there is
// one, else that of the finding's own. Of a revert that is announced, it is who may deny it.
func questionOf(p remediate.Policy, s notify.Story) notify.Question {
	for _, a := range append(slices.Clone(s.After), s.Action) {
		if q := remediate.QuestionOf(p, a, s.Finding); q.Need > 0 || len(q.May) > 0 {
			return notify.Question{
				Action: a.ID, Plan: a.PlanHash, May: q.May, Need: q.Need, Yes: q.Yes, Void: q.Void, Until: untilWhen(a), Then: thenWhat(a),
				NoDeny: remediate.VoteNotInChat(p, s.Finding, a.Purpose, access.VoteDeny), No: remediate.VoteNotInChat(p, s.Finding, a.Purpose, access.VoteApprove),
			}
		}
	}
	return notify.Question{}
}

func untilWhen(a access.Action) time.Time {
	if a.State == access.ActionProposed {
		return a.Wake // the end of its grace
	}
	return a.Ask.Deadline
}

// thenWhat is what happens if nobody acts.
func thenWhat(a access.Action) string {
	switch {
	case a.State == access.ActionProposed:
		return "it is put right by itself"
	case a.State == access.ActionApproved:
		return "it is carried out as soon as nothing stands in its way"
	case a.Ask.OnDeadline == access.LateRevert:
		return "it is put right by itself"
	case a.Ask.OnDeadline == access.LateEscalate && !a.Ask.Escalated:
		return "more people are asked: " + strings.Join(a.Ask.Escalate, ", ")
	case a.Ask.OnDeadline == access.LateTicket:
		return "the question lapses, nothing is written, and a ticket is asked for"
	}
	return "the question lapses and nothing is written: it stays as it is"
}

func undoOf(p remediate.Policy, s notify.Story) notify.Undo {
	a := s.Action
	if a.State != access.ActionVerified || len(a.Plan.Inverse) == 0 || !s.At.Before(a.UndoUntil) {
		return notify.Undo{}
	}
	u := notify.Undo{Until: a.UndoUntil, Plan: a.PlanHash, No: remediate.NotInChat(p, s.Finding, access.VerbUndo, "")}
	if a.Plan.Reversible != "yes" {
		u.Loses = a.Plan.Reversible
	}
	return u
}

// keepOf is whether the violation may be let stand from a chat, and who asked for it.
func keepOf(p remediate.Policy, s notify.Story, stored access.Waivers) notify.Keep {
	f := s.Finding
	k := notify.Keep{No: remediate.NotInChat(p, f, access.VerbWaive, ""), Most: access.WaiverCap(f.Severity), Need: max(1, remediate.Respond(p, f).Quorum)}
	if k.No == "" && len(s.Authors) == 0 {
		k.No = "nobody declared answers for who made the change: a waiver for it is given in the configuration, where others review it"
	}
	for _, x := range stored.Proposed {
		if !x.Waits(f, s.At) {
			continue
		}
		k.Until = x.Until
		for _, b := range x.Votes {
			k.By = append(k.By, b.By)
		}
	}
	return k
}
