package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// form is the modal that a person has before them.
func (d *desk) form(user string) slackfake.View {
	d.t.Helper()
	views := d.Views(user)
	if len(views) == 0 {
		d.t.Fatalf("no form is open; told %q, refused %v", d.told(user), d.reasons())
	}
	return views[len(views)-1]
}

// fill submits the modal that a person has before them, and gives the errors that are shown.
func (d *desk) fill(user string, values map[string]any) map[string]string {
	d.t.Helper()
	got, err := d.Submit(user, d.form(user).ID, values)
	d.must(err)
	d.settle()
	ack, took, err := got.Wait(d.ctx)
	d.must(err)
	if took > 500*time.Millisecond {
		d.t.Errorf("acknowledged after %s", took)
	}
	var answer struct {
		Errors map[string]string `json:"errors"`
	}
	if len(ack) > 0 {
		d.must(json.Unmarshal(ack, &answer))
	}
	return answer.Errors
}

func TestKeepingTakesAForm(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.click("U0BOB", p, ActKeep)
		if v := d.form("U0BOB"); v.CallbackID != ViewKeep {
			t.Fatalf("%+v", v)
		}
		for field, values := range map[string]map[string]any{
			"for":    {"for": "48h", "reason": "a migration"}, // above the cap
			"reason": {"for": "4h"},
		} {
			if wrong := d.fill("U0BOB", values); wrong[field] == "" || len(d.commands()) > 0 {
				t.Errorf("%v: errors %v, %d commands", values, wrong, len(d.commands()))
			}
		}
		if wrong := d.fill("U0BOB", map[string]any{"for": "4h", "reason": "a <!here> migration\nof ours", "ticket": "SEC-1"}); len(wrong) > 0 {
			t.Fatalf("errors %v", wrong)
		}
		cmds := d.commands()
		if len(cmds) != 1 || len(d.Views("U0BOB")) > 0 {
			t.Fatalf("%d commands, %d forms, refused %v", len(cmds), len(d.Views("U0BOB")), d.reasons())
		}
		c := cmds[0]
		if c.Verb != access.VerbWaive || c.By != "bob" || c.Reason != "a <!here> migration of ours" || c.Ticket != "SEC-1" || c.Waiver == nil {
			t.Fatalf("%+v", c)
		}
		if w := *c.Waiver; w.Until.Sub(c.At) != 4*time.Hour || w.Digest != "values" || w.Owner != "bob" || w.Project != scopeProd.ID() || w.ID != "cmd-"+c.ID {
			t.Errorf("%+v", w)
		}
	})
}

func TestWhatTheFormShowedIsWhatIsKept(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.click("U0BOB", p, ActKeep)
		d.change("f1", func(s *notify.Story) { s.Finding.Digest = "wider" }) // while the form is open
		d.fill("U0BOB", map[string]any{"for": "4h", "reason": "a migration"})
		if c := d.commands(); len(c) != 1 || c[0].Waiver.Digest != "values" {
			t.Errorf("%+v", c) // which remediate declines
		}
		d.click("U0BOB", p, ActKeep)
		d.change("f1", func(s *notify.Story) { s.Keep.No = "not any more" })
		d.fill("U0BOB", map[string]any{"for": "4h", "reason": "a migration"})
		d.lastly("U0BOB", "not any more")
		if len(d.commands()) != 1 {
			t.Error("what may not be kept was asked for all the same")
		}
	})
}

func TestAgreeingToKeep(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		until := time.Now().Add(3 * time.Hour).UTC()
		f := finding("f1")
		f.Keep.By, f.Keep.Need, f.Keep.Until = []string{"alice"}, 2, until
		p := d.card("g1", f)
		d.click("U0BOB", p, ActSecond)
		if c := d.commands(); len(c) != 1 || c[0].Verb != access.VerbWaive || !c[0].Waiver.Until.Equal(until) || c[0].By != "bob" || c[0].Reason != "agreed with alice" {
			t.Errorf("%+v, refused %v", c, d.reasons())
		}
	})
}

// TestAgreeingToWhatWasShown: that three hours were asked for is on the card; by the time of the click it
// is a month, or other values.
func TestAgreeingToWhatWasShown(t *testing.T) {
	for name, since := range map[string]func(s *notify.Story){
		"longer":       func(s *notify.Story) { s.Keep.Until = s.Keep.Until.Add(20 * time.Hour) },
		"other values": func(s *notify.Story) { s.Finding.Digest = "wider" },
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				f := finding("f1")
				f.Keep.By, f.Keep.Need, f.Keep.Until = []string{"alice"}, 2, time.Now().Add(3*time.Hour).UTC()
				p := d.card("g1", f)
				d.change("f1", since)
				d.click("U0BOB", p, ActSecond)
				d.lastly("U0BOB", "The card has changed since you saw it")
				if c := d.commands(); len(c) != 0 {
					t.Errorf("%+v", c)
				}
			})
		})
	}
}

func TestTheOtherButtons(t *testing.T) {
	for _, c := range []struct {
		action string
		given  func(s *notify.Story)
		fill   map[string]any
		want   func(c access.Command) bool
	}{
		{action: ActDeny, want: func(c access.Command) bool { return c.Verb == access.VerbVote && c.Vote == access.VoteDeny }},
		{action: ActDeny, given: func(s *notify.Story) { // in the time of grace, and of another plan by now
			s.Question, s.Action.State, s.Action.PlanHash = notify.Question{}, access.ActionProposed, "2222"
		}, want: func(c access.Command) bool { return c.Vote == access.VoteDeny && c.PlanHash == "2222" }},
		{action: ActAck, want: func(c access.Command) bool { return c.Verb == access.VerbAcknowledge }},
		{action: ActSnooze, want: func(c access.Command) bool { return c.Verb == access.VerbSnooze && c.For == 4*time.Hour }},
		{action: ActUndo, given: func(s *notify.Story) {
			s.Undo, s.Finding.State = notify.Undo{Until: time.Now().Add(time.Hour), Plan: planOne}, access.FindingResolved
		}, fill: map[string]any{"reason": "it broke the shop"}, want: func(c access.Command) bool {
			return c.Verb == access.VerbUndo && c.PlanHash == planOne && c.Reason == "it broke the shop"
		}},
		{action: ActRevert, given: func(s *notify.Story) { // of an action that follows the episode's own
			a := s.Action
			a.ID, a.Purpose = "f1-1", access.PurposeDelete
			s.Action.ID, s.After = "f1-0", []access.Action{a}
		}, want: func(c access.Command) bool { return c.Verb == access.VerbVote && c.Action == "f1-1" }},
	} {
		t.Run(c.action, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				p := d.card("g1", finding("f1"))
				if c.given != nil {
					d.change("f1", c.given)
				}
				var opts []slackfake.ClickOption
				if c.action == ActSnooze {
					opts = append(opts, slackfake.Value(Value{Group: "g1", Rev: 1, Scope: scopeProd, Finding: "f1", Episode: 1, Action: "f1-1", Plan: planOne}.String()+" 4h"))
				}
				d.click("U0BOB", p, c.action, opts...)
				if c.fill != nil {
					d.fill("U0BOB", c.fill)
				}
				if got := d.commands(); len(got) != 1 || !c.want(got[0]) {
					t.Errorf("%+v, refused %v %q", got, d.reasons(), d.told("U0BOB"))
				}
			})
		})
	}
}

func TestFormsOpenBeforeTheTriggerIsSpent(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.Fail("users.info", slackfake.Hang(2*time.Second))
		d.click("U0BOB", p, ActKeep)
		d.pass(openBefore)
		if v := d.form("U0BOB"); !strings.Contains(fmt.Sprint(v.Blocks), "One moment") {
			t.Errorf("%+v", v)
		}
		d.pass(9 * time.Second)
		if v := d.form("U0BOB"); v.CallbackID != ViewKeep {
			t.Errorf("%+v", v)
		}
		d.Fail("users.info", slackfake.Hang(2*time.Second))
		d.click("U0GUEST", p, ActKeep)
		d.pass(9 * time.Second)
		if v := d.form("U0GUEST"); !strings.Contains(fmt.Sprint(v.Blocks), "Guests decide nothing") || v.SubmitText != "" {
			t.Errorf("%+v", v)
		}
		d.Fail("views.open", slackfake.Status(500))
		d.click("U0ALICE", p, ActKeep)
		d.lastly("U0ALICE", "could not be opened. Click again")
	})
}

func TestAFormThatIsOpenedFromAForm(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.click("U0BOB", p, ActMore)
		more := d.form("U0BOB")
		d.click("U0BOB", p, ActKeep, slackfake.InView(more.ID))
		if v := d.form("U0BOB"); v.ID != more.ID || v.CallbackID != ViewKeep {
			t.Fatalf("%+v; %v", v, d.reasons())
		}
		d.fill("U0BOB", map[string]any{"for": "1h", "reason": "a migration"})
		if len(d.commands()) != 1 {
			t.Errorf("refused %v", d.reasons())
		}
		d.click("U0ALICE", p, ActMore)
		d.click("U0ALICE", p, ActRevert, slackfake.InView(d.form("U0ALICE").ID))
		if c := d.commands(); len(c) != 2 || c[1].By != "alice" {
			t.Errorf("%+v, refused %v", c, d.reasons())
		}
	})
}

func TestOneVoteForEachOfAGroup(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		var stories []notify.Story
		for i := range 12 {
			stories = append(stories, finding(fmt.Sprintf("f%d", i)))
		}
		p := d.card("g1", stories...)
		d.change("f3", func(s *notify.Story) { s.Question.Plan = "another" })
		d.change("f4", func(s *notify.Story) { s.Question.May = []string{"alice"} })
		d.click("U0BOB", p, ActRevertAll)
		if wrong := d.fill("U0BOB", map[string]any{"number": "11"}); wrong["number"] == "" {
			t.Error("another number was taken")
		}
		if wrong := d.fill("U0BOB", map[string]any{"number": "12"}); len(wrong) > 0 {
			t.Fatal(wrong)
		}
		ids := map[string]bool{}
		for _, c := range d.commands() {
			ids[c.ID] = true
			if c.Verb != access.VerbVote || c.Vote != access.VoteApprove || c.By != "bob" {
				t.Errorf("%+v", c)
			}
		}
		if len(d.commands()) != 10 || len(ids) != 10 {
			t.Errorf("%d votes under %d ids", len(d.commands()), len(ids))
		}
		d.lastly("U0BOB", "10 votes were taken.\n1 not: The card has changed")

		d.click("U0BOB", p, ActRevertAll)
		g := d.groups["g1"]
		g.Votes = g.Votes[:11]
		d.groups["g1"] = g
		d.fill("U0BOB", map[string]any{"number": "12"})
		d.lastly("U0BOB", "it offers other votes by now")
		d.click("U0CAROL", p, ActRevertAll)
		d.lastly("U0CAROL", "does not say who you are")
		g.Votes = nil
		d.groups["g1"] = g
		d.click("U0BOB", p, ActRevertAll)
		d.lastly("U0BOB", "nothing on it waits")
	})
}

func TestAGroupsVotesGoOnAfterAPause(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"), finding("f2"), finding("f3"))
		d.click("U0BOB", p, ActRevertAll)
		d.Lose("f2", 3)
		d.fill("U0BOB", map[string]any{})
		d.pass(2 * time.Minute)
		if n := len(d.commands()); n != 3 {
			t.Errorf("%d votes", n)
		}
		d.lastly("U0BOB", "3 votes were taken")
	})
}

// TestVotesChangeTheirOwnCard: what was voted for is offered no more by the time that the rest is tried again.
func TestVotesChangeTheirOwnCard(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"), finding("f2"), finding("f3"))
		d.click("U0BOB", p, ActRevertAll)
		d.Lose("f2", 3)
		d.fill("U0BOB", map[string]any{})
		d.set(func() {
			g := d.groups["g1"]
			g.Votes = slices.Clone(g.Votes[1:2])
			d.groups["g1"] = g
		})
		for _, id := range []string{"f1", "f3"} {
			d.change(id, func(s *notify.Story) { s.Question, s.Action.State = notify.Question{}, access.ActionVerified })
		}
		d.pass(2 * time.Minute)
		if n := len(d.commands()); n != 3 {
			t.Errorf("%d votes", n)
		}
		d.lastly("U0BOB", "3 votes were taken")
	})
}
