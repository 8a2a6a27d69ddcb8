package slack

import (
	"slices"
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// buttonsOf are the labels of a card's buttons in their order, without the menu to snooze.
func buttonsOf(s notify.Story, when time.Time) string {
	var out []string
	for _, b := range drawn(s, when) {
		out = append(out, b.Text.Text)
	}
	return strings.Join(out, " ")
}

func drawn(s notify.Story, when time.Time) []*slackgo.ButtonBlockElement {
	var out []*slackgo.ButtonBlockElement
	for _, o := range show(card(s), s, when, testLook(), 0).offers() {
		if b, ok := o.el.(*slackgo.ButtonBlockElement); ok {
			out = append(out, b)
		}
	}
	return out
}

func snoozes(s notify.Story) bool {
	return slices.ContainsFunc(show(card(s), s, now, testLook(), 0).offers(), func(o offer) bool { return o.el.ElementType() == slackgo.METOverflow })
}

func TestButtons(t *testing.T) {
	with := func(s notify.Story, change func(*notify.Story)) notify.Story { change(&s); return s }
	keepable := notify.Keep{Most: time.Hour, Need: 2}
	for _, c := range []struct {
		name  string
		story notify.Story
		want  string
	}{
		{"asked, and never kept from here", world(), "Revert now,Ticket,Details"},
		{"asked, and may be kept", user(), "Revert now,Keep for…,Ticket,Details"},
		{"no sink for tickets", with(user(), func(s *notify.Story) { s.Ticket = "" }), "Revert now,Keep for…,Details"},
		{"nobody may decide", with(user(), func(s *notify.Story) { s.Question.May, s.Decides = nil, nil }), "Ticket,Details"},
		{"all who may have voted", with(user(), func(s *notify.Story) { s.Question.Yes = s.Question.May }), "Keep for…,Ticket,Details"},
		{"only who made it could keep it", with(user(), func(s *notify.Story) { s.Decides, s.Authors = []string{"alice"}, []string{"alice"} }), "Revert now,Ticket,Details"},
		{"somebody asked to keep it", with(user(), func(s *notify.Story) { s.Keep.By = []string{"rajesh"} }), "Revert now,Second the keep,Ticket,Details"},
		{"nobody else could agree to keep it", with(user(), func(s *notify.Story) { s.Keep.By, s.Decides = []string{"rajesh"}, []string{"rajesh"} }), "Revert now,Ticket,Details"},
		{"silence reverts", with(world(), func(s *notify.Story) { s.Action.Ask.OnDeadline = access.LateRevert }), "Revert now,Deny,Ticket,Details"},
		{"time of grace", gallery()["grace"].Stories[0], "Deny,Ticket,Details"},
		{"time of grace, and it may be kept", with(gallery()["grace"].Stories[0], func(s *notify.Story) { s.Keep = keepable }), "Keep for…,Deny,Ticket,Details"},
		{"approved", in(user(), access.ActionApproved, ""), "Details"},
		{"being written", in(user(), access.ActionRunning, ""), "Details"},
		{"being read back", in(user(), access.ActionVerifying, ""), "Details"},
		{"being written, whatever else is said", with(in(user(), access.ActionRunning, ""), func(s *notify.Story) { s.Keep = keepable }), "Details"},
		{"put right", put(user()), "Undo…,Details"},
		{"put right, and nothing can be taken back", with(put(user()), func(s *notify.Story) { s.Undo = notify.Undo{} }), "Details"},
		{"put right, and only who made it could undo it", with(put(user()), func(s *notify.Story) { s.Decides, s.Authors = []string{"alice"}, []string{"alice"} }), "Details"},
		{"undo asked for", gallery()["undo-asked"].Stories[0], "Approve the undo,Deny,Details"},
		{"waived from here", gallery()["waived"].Stories[0], "End waiver,Details"},
		{"waived by the configuration", with(gallery()["waived"].Stories[0], func(s *notify.Story) { s.Finding.Waiver.Source = "gatewarden.yaml:12" }), "Details"},
		{"told", in(user(), access.ActionTold, ""), "Ticket,Acknowledge,Details"},
		{"told, and critical", in(world(), access.ActionTold, ""), "Ticket,Details"},
		{"told, and may be kept", with(in(user(), access.ActionTold, ""), func(s *notify.Story) { s.Keep = keepable }), "Keep for…,Ticket,Acknowledge,Details"},
		{"failed", in(user(), access.ActionFailed, ""), "Ticket,Details"},
		{"refused by a guard, and may be kept", with(in(user(), access.ActionRefused, ""), func(s *notify.Story) { s.Keep = keepable }), "Keep for…,Ticket,Details"},
		{"acknowledged", with(in(user(), access.ActionTold, ""), func(s *notify.Story) { s.Finding.State = access.FindingAcknowledged }), "Details"},
		{"resolved", gallery()["superseded"].Stories[0], "Details"},
		{"ids that would not come back", with(user(), func(s *notify.Story) { s.Finding.ID = "a|b" }), ""},
	} {
		if got := strings.ReplaceAll(buttonsOf(c.story, now), " ", "_"); got != strings.ReplaceAll(strings.ReplaceAll(c.want, " ", "_"), ",", "_") {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if over := !c.story.Finding.Open() || c.story.Finding.State != access.FindingOpen || c.story.Action.State.Writing(); over && snoozes(c.story) {
			t.Errorf("%s: it can be snoozed", c.name)
		}
	}
	if !snoozes(user()) {
		t.Error("what is asked about can not be snoozed")
	}
}

// Keeping is never easier than fixing: whatever the story, what keeps is no loud button, stands
// after what fixes, and takes a modal or a confirm.
func TestKeepingIsNotEasier(t *testing.T) {
	for name, c := range gallery() {
		for _, s := range c.Stories {
			keeps := false
			for _, b := range drawn(s, now) {
				switch b.ActionID {
				case ActKeep, ActSecond, ActAck, ActDeny:
					keeps = true
					if b.Style != "" || b.ActionID != ActKeep && b.Confirm == nil {
						t.Errorf("%s: %s: style %q, confirm %v", name, b.Text.Text, b.Style, b.Confirm)
					}
				case ActRevert:
					if keeps || b.Style != slackgo.StyleDanger || b.Confirm == nil {
						t.Errorf("%s: %s comes after what keeps, or without a confirm", name, b.Text.Text)
					}
				}
			}
		}
	}
}

func TestWhatAButtonShowsIsWhatItCarries(t *testing.T) {
	s := gallery()["undo-asked"].Stories[0]
	for _, b := range drawn(s, now) {
		v, err := ParseValue(b.Value)
		if err != nil || v.Finding != s.Finding.ID || v.Rev != 4 {
			t.Errorf("%s: %+v, %v", b.Text.Text, v, err)
		}
		if b.ActionID == ActRevert && (v.Action != s.Question.Action || v.Plan != s.Question.Plan) {
			t.Errorf("it votes for %s %s", v.Action, v.Plan)
		}
	}
	undo := drawn(put(world()), now)[0]
	if v, err := ParseValue(undo.Value); err != nil || v.Action != world().Action.ID || v.Plan != world().Action.PlanHash {
		t.Errorf("undo: %+v, %v", v, err)
	}
	for _, o := range show(card(user()), user(), now, testLook(), 0).snooze().Options {
		v, d, err := ParseSnooze(o.Value)
		if err != nil || v.Finding != user().Finding.ID || d < time.Hour {
			t.Errorf("snooze %s: %+v for %s: %v", o.Value, v, d, err)
		}
	}
}

func TestConfirmSaysWhatWouldBreak(t *testing.T) {
	of := func(i access.Impact, reversible string, need int) string {
		s := world()
		s.Action.Plan.Impact, s.Action.Plan.Reversible, s.Question.Need = i, reversible, need
		return drawn(s, now)[0].Confirm.Text.Text
	}
	for _, c := range []struct {
		impact     access.Impact
		reversible string
		need       int
		want       string
	}{
		{world().Action.Plan.Impact, "yes", 1, "delete access list entry 0.0.0.0/0. 14 logins by it were seen lately: who uses it loses access at once. It can be taken back."},
		{access.Impact{Answer: "seen", Seen: access.Logins{Quality: access.QualityPartial, Succeeded: 1}}, "no: it had expired", 1,
			"delete access list entry 0.0.0.0/0. At least 1 login by it was seen lately: who uses it loses access at once. It cannot be taken back: it had expired."},
		{access.Impact{Answer: "none"}, "by hand: it has another id", 3, "delete access list entry 0.0.0.0/0. No login by it was seen lately. It can be taken back by hand only: it has another id. 3 approvals are needed."},
		{access.Impact{}, "", 1, "delete access list entry 0.0.0.0/0. Who uses it is not known: somebody may lose access at once."},
	} {
		if got := of(c.impact, c.reversible, c.need); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
