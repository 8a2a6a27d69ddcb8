package daemon

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify/slack"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/gatewarden/gatewarden/remediate"
)

const anywhere = "0.0.0.0/0"

// TestSlackRevert: a person learns of it on a card, clicks once, and the card says what came of it.
func TestSlackRevert(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, "ecommerce-prod", "rajesh@example.com", slack.ActRevert)
	if offers(card, slack.ActKeep) {
		t.Error("that production is open to the world can be kept from a chat")
	}
	d.click("U0BOB", card, slack.ActRevert)
	done := d.becomes(card, "put right and verified")
	if d.entry("ecommerce-prod", anywhere) {
		t.Error("the entry is still there")
	}
	if offers(done, slack.ActRevert) || offers(done, slack.ActUndo) {
		t.Error("the card offers what is done, or to open production again from a chat")
	}
	if n := len(d.slack.Messages("C0PROD")); n != 1 {
		t.Errorf("%d messages, want the one card", n)
	}
	if v := d.votes("network/open-to-world", anywhere); len(v) != 1 || v[0].By != "bob" || v[0].Via != remediate.ViaChat {
		t.Errorf("votes %+v", v)
	}
}

// TestSlackWhoMayNot: whoever is no approver, no member, or not one of us is refused, is told why, and
// nothing moves.
func TestSlackWhoMayNot(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.click("U0CAROL", card, slack.ActRevert)
	d.hears("U0CAROL", "not among those who decide")
	d.click("U0GUEST", card, slack.ActRevert)
	d.hears("U0GUEST", "Guests decide nothing here")
	d.click("U0BOB", card, slack.ActRevert, slackfake.As("T0OTHER"))
	d.hears("U0BOB", "our own workspace")
	d.slack.SetGroup("S0ONCALL", []string{"U0ALICE"})
	d.restart() // what is known of a group is believed for ten minutes
	d.click("U0BOB", card, slack.ActRevert)
	d.hears("U0BOB", "user group")
	if v := d.votes("network/open-to-world", anywhere); len(v) != 0 || !d.entry("ecommerce-prod", anywhere) {
		t.Errorf("votes %+v", v)
	}
	for _, want := range []string{"slack:U0CAROL", "slack:U0GUEST", "slack:U0BOB"} {
		d.until("the record has who was refused: "+want, func() bool { return d.recorded(access.VerbRefused, want) })
	}
	d.click("U0ALICE", card, slack.ActRevert)
	d.becomes(card, "put right and verified")
}

// TestSlackKeep: what may stand for a while takes the quorum, a reason, and somebody who did not do it.
func TestSlackKeep(t *testing.T) {
	d := newDesk(t, "QUORUM", "2")
	d.opens("ecommerce-dev", anywhere)
	card := d.card("C0PROD", anywhere, "ecommerce-dev", slack.ActRevert, slack.ActKeep)
	d.click("U0RAJESH", card, slack.ActKeep)
	d.hears("U0RAJESH", "You made this change")
	d.click("U0BOB", card, slack.ActKeep)
	form := d.modal("U0BOB", slack.ViewKeep)
	bad := d.submit("U0BOB", form, map[string]any{"for": "4h0m0s", "reason": "other", "words": "why not", "ticket": "two words"})
	for _, want := range []string{"errors", "words", "ticket"} {
		if !strings.Contains(bad, want) {
			t.Errorf("the answer to bad input, %s, lacks %s", bad, want)
		}
	}
	d.submit("U0BOB", form, map[string]any{"for": "4h0m0s", "reason": "migration", "ticket": "OPS-7"})
	seconded := d.becomes(card, slack.ActSecond)
	if f := d.found("network/open-to-world", anywhere); f.State != access.FindingOpen {
		t.Errorf("it is %s after one of two", f.State)
	}
	d.click("U0ALICE", seconded, slack.ActSecond)
	d.becomes(card, "waived until")
	if f := d.found("network/open-to-world", anywhere); f.State != access.FindingWaived || f.Waiver.Ticket != "OPS-7" {
		t.Errorf("it is %s under %+v", f.State, f.Waiver)
	}
	if !d.entry("ecommerce-dev", anywhere) {
		t.Error("the entry that was to be kept is gone")
	}
}

// TestSlackTwoAtOnce: two people click at the same moment, one of them twice. One thing happens, and
// nobody is told that it went wrong.
func TestSlackTwoAtOnce(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	var all sync.WaitGroup
	for _, u := range []string{"U0ALICE", "U0BOB", "U0BOB"} {
		all.Go(func() {
			got, err := d.slack.Click(u, card.Channel, card.TS, slack.ActRevert, slackfake.Seen(card))
			if err != nil {
				t.Errorf("%s: %v", u, err)
				return
			}
			if _, _, err := got.Wait(d.ctx); err != nil {
				t.Errorf("%s: %v", u, err)
			}
		})
	}
	all.Wait()
	d.becomes(card, "put right and verified")
	if n := len(d.ours()); n != 1 {
		t.Errorf("%d writes, want one", n)
	}
}

// TestSlackRestartBetween: a click that was acknowledged by a process that died is done by the next one.
func TestSlackRestartBetween(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.restart()
	d.click("U0BOB", card, slack.ActRevert)
	d.cancel() // as it may die
	d.stop()
	d.open()
	d.becomes(card, "put right and verified")
}

// TestSlackDecidedElsewhere: a card changes when somebody decides by command, and its buttons are gone.
func TestSlackDecidedElsewhere(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	f := d.found("network/open-to-world", anywhere)
	a := d.action(f)
	now := time.Now()
	if _, err := d.daemon.Submit(d.ctx, access.Command{
		V: access.Version, ID: "01JD9A0000000000000000000A", Verb: access.VerbVote, Scope: f.Ref.Scope, By: "alice", At: now, Until: now.Add(time.Minute),
		Finding: f.ID, Episode: f.Episode, PlanHash: a.PlanHash, Vote: access.VoteApprove,
	}); err != nil {
		t.Fatal(err)
	}
	d.becomes(card, "put right and verified", "alice")
	d.click("U0BOB", card, slack.ActRevert, slackfake.Seen(card))
	d.hears("U0BOB", "The card has changed")
}

// TestSlackDown: an hour without Slack is a delay of messages and of nothing else.
func TestSlackDown(t *testing.T) {
	d := newDesk(t)
	d.slack.Down(true)
	d.opens("ecommerce-prod", anywhere)
	d.until("the daemon asks", func() bool { return d.asked("network/open-to-world", anywhere) })
	d.slack.Down(false)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.until("the daemon listens again", func() bool { return d.slack.Sockets() > 0 })
	d.click("U0BOB", card, slack.ActRevert)
	d.becomes(card, "put right and verified")
}

// TestSlackLimited: every third call is told to wait.
func TestSlackLimited(t *testing.T) {
	d := newDesk(t)
	d.slack.FailEvery("", 3, slackfake.RateLimited(time.Second))
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.click("U0BOB", card, slack.ActRevert)
	d.becomes(card, "put right and verified")
}
