package slack

import (
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// plainOf is rich text as it is read.
func plainOf(r *rich) string {
	var out strings.Builder
	for _, n := range r.nodes {
		switch x := n.(type) {
		case *slackgo.RichTextSectionTextElement:
			out.WriteString(x.Text)
		case *slackgo.RichTextSectionDateElement:
			out.WriteString((*x.Fallback)[5:16])
		case *slackgo.RichTextSectionUserElement:
			out.WriteString("@" + x.UserID)
		case *slackgo.RichTextSectionLinkElement:
			out.WriteString(x.Text)
		}
	}
	return out.String()
}

func stands(s notify.Story) string { return plainOf(standing(s, now, testLook(), 0)) }

func TestStanding(t *testing.T) {
	found := func(s notify.Story, state access.FindingState) notify.Story { s.Finding.State = state; return s }
	guard := func(g string) notify.Story {
		s := in(world(), access.ActionRefused, "why")
		s.Action.Guard = g
		return s
	}
	after := func(p access.Purpose, state access.ActionState) notify.Story {
		s := put(world())
		a := s.Action
		a.Purpose, a.State, a.Why, a.Votes = p, state, "why", nil
		s.After = []access.Action{a}
		return s
	}
	asks := func(change func(*notify.Question)) notify.Story { s := world(); change(&s.Question); return s }
	for _, c := range []struct {
		story notify.Story
		want  string
	}{
		{world(), "⏳ Asked: bob, rajesh may decide; 0 of 1 approval\n🤷 If nobody acts by 11-22T06:13: a ticket is opened, and it still stands"},
		{asks(func(q *notify.Question) { q.May, q.Until, q.Then = nil, time.Time{}, "" }), "⏳ Asked: nobody may decide; 0 of 1 approval\n🤷 If nobody acts: the question expires, and nothing is written"},
		{asks(func(q *notify.Question) { q.Need, q.Yes = 3, []string{"bob", "carol"} }), "2 of 3 approvals: @U02BOB, carol\n"},
		{asks(func(q *notify.Question) { q.Void = []string{"a", "b", "c", "d", "e"} }), "; does not count: c; and 2 votes more that do not count"},
		{in(world(), "", ""), "👀 Stands open: it is not decided yet what is done about it"},
		{in(world(), access.ActionProposed, "settles"), "💤 Waits: settles"},
		{gallery()["grace"].Stories[0], "⏰ Will be put right at 11-22T02:28, unless somebody denies it before: bob, rajesh may."},
		{in(world(), access.ActionApproved, "approved by bob"), "👍 Approved: it is carried out as soon as nothing else stands in its way"},
		{gallery()["running"].Stories[0], "🔧 Being put right, approved by @U02BOB"},
		{in(world(), access.ActionVerifying, "PENDING"), "🔧 Written, and being read back. PENDING"},
		{put(world()), "✅ Put right and verified at 11-22T02:14, as bob decided\n🔙 It can be taken back until 11-23T02:13; what cannot be had back: sessions that were cut"},
		{elsewhere(put(world())), "It can be taken back until 11-23T02:13, by command or API and not from here"},
		{loses(put(world()), "yes: the same is added again"), "🔙 It can be taken back until 11-23T02:13: the same is added again"},
		{loses(put(world()), "not wholly: no cap"), "until 11-23T02:13; it cannot be taken back wholly: no cap"},
		{found(put(world()), access.FindingOpen), "👀 The finding stands until it is judged anew"},
		{found(verifiedAs(put(world()), "done as it was decided, and read back: x; it still is a violation: y"), access.FindingOpen), "❗ It still is a violation: done as it was decided"},
		{in(world(), access.ActionVetoed, "denied by bob"), "🚫 Denied: nothing is written for it, and it still stands (denied by bob)\n👉 Next: "},
		{in(world(), access.ActionExpired, "late"), "⌛ Nobody decided in time: nothing is written for it, and it still stands (late)\n👉 Next: "},
		{in(world(), access.ActionFailed, "x: 403 FORBIDDEN"), "❌ Could not be put right (Atlas does not let our credential): x: 403 FORBIDDEN\n👉 Next: put it right by hand: delete access list entry 0.0.0.0/0"},
		{in(world(), access.ActionFailed, "x: 503"), "(an error of Atlas)"}, {in(world(), access.ActionFailed, "x: 409 CONFLICT"), "(somebody else changed it at the same time)"},
		{in(world(), access.ActionFailed, "203.0.113.10"), "(Atlas did not take it)"}, {in(world(), access.ActionFailed, "429"), "(Atlas asks for fewer calls)"}, {in(world(), access.ActionFailed, "404"), "(it is gone)"},
		{guard("dry_run"), "✋ Not touched, by the guard dry_run: why\n👉 Next: dry run is on here"},
		{guard("freeze"), "👉 Next: everything is frozen"}, {guard("ownership"), "👉 Next: change it in the code"}, {guard("a_new_one"), "👉 Next: put it right by hand, or"},
		{in(world(), access.ActionStale, "why"), "🔄 Not carried out: what it rested on has changed since (why)\n👉 Next: "},
		{in(world(), access.ActionSuperseded, ""), "✅ Put right by somebody else, before anything was written"},
		{gallery()["superseded"].Stories[0], "✅ Put right by somebody else at 11-22T02:18, before anything was written: no violation any more"},
		{in(world(), access.ActionTold, ""), "👀 Told: nothing is written for it\n👉 Next: "},
		{in(world(), access.ActionUndone, ""), "🔙 Taken back: what was closed is open again"},
		{gallery()["waived"].Stories[0], "🕓 Waived until 11-25T02:13 by bob: The replacement is being built: until the new role is out, ticket SEC-123"},
		{found(closed(world()), access.FindingAcknowledged), "👌 Acknowledged: it is known"},
		{found(in(world(), access.ActionRefused, ""), access.FindingResolved), "✅ Resolved"},
		{gallery()["told-unknown"].Stories[0], "\n❔ Cannot be judged since 11-22T02:16: custom roles cannot be read: 403"},
		{gallery()["keep-asked"].Stories[0], "\n🙋 @U03RAJESH asked to keep it until 11-22T10:13: 1 person more has to agree."},
		{gallery()["undo-asked"].Stories[0], "⏳ Asked: may what was closed be opened again? bob, rajesh may decide; 1 of 2 approvals: @U03RAJESH"},
		{after(access.PurposeUndo, access.ActionVerified), "🔙 The undo is done and verified at 11-22T02:14"},
		{after(access.PurposeUndo, access.ActionVetoed), "🔙 The undo was denied: nothing is written: why"},
		{after(access.PurposeRelease, access.ActionFailed), "🔙 The release could not be done: why"},
		{after(access.PurposeDelete, access.ActionExpired), "🔙 The deletion was not decided in time: nothing is written: why"},
		{after(access.PurposeUndo, access.ActionRunning), "🔧 The undo is being carried out. why"},
	} {
		if got := stands(c.story); !strings.Contains(got, c.want) {
			t.Errorf("%s of a finding that is %s: %q, want %q", c.story.Action.State, c.story.Finding.State, got, c.want)
		}
	}
}

// Every state of an action and of a finding has words of its own, on the card and in the text.
func TestEveryStateIsSaid(t *testing.T) {
	states := []access.ActionState{
		"", access.ActionProposed, access.ActionAwaiting, access.ActionApproved, access.ActionRunning, access.ActionVerifying, access.ActionVerified, access.ActionVetoed,
		access.ActionExpired, access.ActionFailed, access.ActionSuperseded, access.ActionStale, access.ActionRefused, access.ActionUndone, access.ActionTold,
	}
	said := map[string]access.ActionState{}
	for _, state := range states {
		for _, f := range []access.FindingState{access.FindingOpen, access.FindingWaived, access.FindingAcknowledged, access.FindingResolved} {
			s := in(world(), state, "")
			if state == access.ActionAwaiting {
				s.Question = world().Question
			}
			s.Finding.State = f
			first, _, _ := strings.Cut(stands(s), "\n")
			if before, twice := said[first]; f == access.FindingOpen && twice {
				t.Errorf("%q and %q are said alike: %s", before, state, first)
			}
			if said[first] = state; len(first) < 12 || fallback(s) == "" {
				t.Errorf("%s of a finding that is %s: %q, %q", state, f, first, fallback(s))
			}
		}
	}
}

func TestEveryPurposeIsSaid(t *testing.T) {
	for _, p := range []access.Purpose{access.PurposeUndo, access.PurposeRelease, access.PurposeDelete} {
		s := world()
		s.Action.Purpose = p
		if got := stands(s); !strings.Contains(got, "Asked: may") {
			t.Errorf("%s: %s", p, got)
		}
		if b := drawn(s, now)[0]; b.ActionID != ActRevert || b.Text.Text == "Revert now" {
			t.Errorf("%s: %s", p, b.Text.Text)
		}
	}
}

func elsewhere(s notify.Story) notify.Story { s.Undo.No = "it is too hot"; return s }

func loses(s notify.Story, what string) notify.Story { s.Undo.Loses = what; return s }

func verifiedAs(s notify.Story, why string) notify.Story { s.Action.Why = why; return s }
