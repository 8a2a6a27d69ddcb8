package slack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// asked is the action that people are asked about, or else that of the episode itself.
func asked(s notify.Story) access.Action {
	for _, a := range s.After {
		if s.Question.Open() && a.ID == s.Question.Action {
			return a
		}
	}
	return s.Action
}

// latest is the action that stands for what is being done: one that follows and is not over, or
// that came last.
func latest(s notify.Story) access.Action {
	if s.Question.Open() {
		return asked(s)
	}
	if n := len(s.After); n > 0 {
		return s.After[n-1]
	}
	return s.Action
}

// standing is how it stands, in one line, with what happens next.
func standing(s notify.Story, now time.Time, l Look, tight int) *rich {
	r := &rich{tight: tight}
	f, a := s.Finding, latest(s)
	switch {
	case s.Question.Open():
		question(r, s, l)
	case a.State.Writing() || a.State == access.ActionApproved:
		underway(r, a, l)
	case a.Purpose != "":
		followed(r, s, a, l)
	case a.State == access.ActionVerified:
		verified(r, s, now)
	case f.State == access.FindingResolved:
		resolved(r, f, a)
	case f.State == access.FindingWaived:
		waived(r, f.Waiver)
	case f.State == access.FindingAcknowledged:
		r.say("👌 ").bold("Acknowledged").say(": it is known, and not told again while it stays as it is. It still stands.")
	case counting(s, now):
		grace(r, s, l)
	default:
		idle(r, s, a)
	}
	if f.Unknown != "" && f.Open() {
		r.line().say("❔ ").bold("Cannot be judged").say(" since ").when(f.UnknownSince).say(": ").prose(f.Unknown)
	}
	if s.Keep.Need > 0 && len(s.Keep.By) > 0 && f.State == access.FindingOpen {
		r.line().say("🙋 ").people(l, s.Keep.By).say(" asked to keep it until ").when(s.Keep.Until)
		r.say(": " + counted(max(0, s.Keep.Need-len(s.Keep.By)), "person more has to agree.", "people more have to agree."))
	}
	return r
}

// question is who is asked about what, how the votes stand, and what silence does.
func question(r *rich, s notify.Story, l Look) {
	q, a := s.Question, asked(s)
	r.say("⏳ ").bold("Asked").say(": ")
	switch a.Purpose {
	case access.PurposeUndo:
		r.say("may what was closed be opened again? ")
	case access.PurposeRelease:
		r.say("may the user leave quarantine? ")
	case access.PurposeDelete:
		r.say("may what stayed in quarantine be deleted for good? ")
	}
	r.names(q.May).say(" may decide; ")
	votes(r, q, l)
	silence(r, q)
}

func votes(r *rich, q notify.Question, l Look) {
	r.bold(fmt.Sprintf("%d of %s", len(q.Yes), counted(q.Need, "approval", "approvals")))
	if len(q.Yes) > 0 {
		r.say(": ").people(l, q.Yes)
	}
	for i, why := range q.Void {
		if i == 3 {
			r.say("; and " + counted(len(q.Void)-3, "vote", "votes") + " more that do not count")
			break
		}
		r.say("; does not count: ").prose(why)
	}
}

func silence(r *rich, q notify.Question) {
	then := q.Then
	if then == "" {
		then = "the question expires, and nothing is written"
	}
	r.line().say("🤷 ").bold("If nobody acts")
	if !q.Until.IsZero() {
		r.say(" by ").when(q.Until)
	}
	r.say(": ").prose(then)
}

// counting reports whether a revert was announced, which a denial keeps from being done.
func counting(s notify.Story, now time.Time) bool {
	return s.Action.State == access.ActionProposed && s.Finding.State == access.FindingOpen && until(s).After(now)
}

// until is when an announced revert begins.
func until(s notify.Story) time.Time {
	if !s.Question.Until.IsZero() {
		return s.Question.Until
	}
	if s.Action.Do == access.ModeRevert && len(s.Action.Plan.Operations) > 0 {
		return s.Action.Wake
	}
	return time.Time{}
}

func grace(r *rich, s notify.Story, l Look) {
	r.say("⏰ ").bold("Will be put right").say(" at ").when(until(s)).say(", unless somebody denies it before: ").names(s.Question.May).say(" may.")
	if s.Question.Then != "" {
		r.line().say("🤷 ").bold("If nobody acts").say(": ").prose(s.Question.Then)
	}
}

func underway(r *rich, a access.Action, l Look) {
	switch {
	case a.State == access.ActionApproved:
		r.say("👍 ").bold("Approved")
	case a.State == access.ActionVerifying:
		r.say("🔧 ").bold("Written, and being read back")
	case a.Purpose != "":
		r.say("🔧 ").bold(followUp(a.Purpose) + " is being carried out")
	default:
		r.say("🔧 ").bold("Being put right")
	}
	if by := approvedBy(a); a.State != access.ActionApproved && len(by) > 0 {
		r.say(", approved by ").people(l, by)
	} else if len(by) > 0 {
		r.say(" by ").people(l, by)
	}
	if a.State == access.ActionApproved {
		r.say(": it is carried out as soon as nothing else stands in its way")
	}
	if a.Why != "" && !strings.HasPrefix(a.Why, "approved by") {
		r.say(". ").prose(a.Why)
	}
}

func approvedBy(a access.Action) []string {
	var out []string
	for _, b := range a.Votes {
		if b.Vote == access.VoteApprove && !slices.Contains(out, b.By) {
			out = append(out, b.By)
		}
	}
	return out
}

func verified(r *rich, s notify.Story, now time.Time) {
	a := s.Action
	r.say("✅ ").bold("Put right and verified").say(" at ").when(a.Outcome.Verified)
	if by := approvedBy(a); len(by) > 0 {
		r.say(", as ").names(by).say(" decided")
	}
	switch {
	case !s.Finding.Open():
	case strings.Contains(a.Why, "still is a violation"): // in the words of the read that verified it
		r.line().say("❗ ").bold("It still is a violation").say(": ").prose(a.Why)
	default:
		r.line().say("👀 The finding stands until it is judged anew")
	}
	if s.Undo.Until.After(now) {
		r.line().say("🔙 It can be taken back until ").when(s.Undo.Until)
		if s.Undo.No != "" {
			r.say(", by command or API and not from here")
		}
		if s.Undo.Loses != "" {
			words, why := undoable(s.Undo.Loses)
			if words != "It can be taken back" { // which it says already
				r.say("; " + strings.ToLower(words))
			}
			r.say(": ").prose(why)
		}
	}
}

func resolved(r *rich, f access.Finding, a access.Action) {
	words := "Resolved"
	if a.State == access.ActionSuperseded {
		words = "Put right by somebody else"
	}
	r.say("✅ ").bold(words)
	if !f.ResolvedAt.IsZero() {
		r.say(" at ").when(f.ResolvedAt)
	}
	if a.State == access.ActionSuperseded {
		r.say(", before anything was written")
	}
	if f.Resolution != "" {
		r.say(": ").prose(f.Resolution)
	}
}

func waived(r *rich, w access.WaiverNote) {
	r.say("🕓 ").bold("Waived").say(" until ").when(w.Until).say(" by ").code(w.Owner).say(": ").prose(w.Reason)
	if w.Ticket != "" {
		r.say(", ticket ").code(w.Ticket)
	}
	if w.Renewals > 0 {
		r.say(", renewed " + counted(w.Renewals, "time", "times"))
	}
	if w.Source != "" {
		r.say("; it stands in the configuration: ").code(w.Source)
	}
}

// followed is how an action stands that takes another one back, or deletes what it left.
func followed(r *rich, s notify.Story, a access.Action, l Look) {
	what := followUp(a.Purpose)
	switch a.State {
	case access.ActionVerified:
		r.say("🔙 ").bold(what + " is done and verified").say(" at ").when(a.Outcome.Verified)
		if by := approvedBy(a); len(by) > 0 {
			r.say(", as ").people(l, by).say(" decided")
		}
	default:
		r.say("🔙 ").bold(what + " " + over(a))
		if a.Why != "" {
			r.say(": ").prose(a.Why)
		}
	}
	if s.Finding.State == access.FindingWaived {
		waived(r.line(), s.Finding.Waiver)
	}
}

func followUp(p access.Purpose) string {
	switch p {
	case access.PurposeUndo:
		return "The undo"
	case access.PurposeRelease:
		return "The release"
	case access.PurposeDelete:
		return "The deletion"
	}
	return "What follows"
}

// over is what became of an action that is not carried out, or not yet.
func over(a access.Action) string {
	switch a.State {
	case access.ActionVetoed:
		return "was denied: nothing is written"
	case access.ActionExpired:
		return "was not decided in time: nothing is written"
	case access.ActionFailed:
		return "could not be done"
	case access.ActionRefused:
		return "is not carried out, by the guard " + guardWord(a.Guard)
	case access.ActionStale:
		return "is void: what it rested on has changed"
	case access.ActionSuperseded:
		return "is not needed any more"
	case access.ActionUndone:
		return "was taken back"
	case access.ActionTold:
		return "is told, and nothing is written"
	}
	return "waits"
}
