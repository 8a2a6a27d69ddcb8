package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/notify/slack"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

const widest = "network/open-to-world"

// quiet waits until every click that was taken is done.
func (d *desk) quiet() {
	d.t.Helper()
	inbox := stream.Bucket[slack.Click](d.daemon.stream, "cards")
	d.until("every click is done", func() bool {
		keys, err := inbox.Keys(d.ctx)
		return err == nil && !slices.ContainsFunc(keys, func(k string) bool {
			c, rev, no := inbox.Get(d.ctx, k)
			return strings.HasPrefix(k, "click.") && (no != nil || rev > 0 && !c.Done)
		})
	})
}

// reload has the daemon read a configuration that was edited.
func (d *desk) reload(edits ...string) {
	d.t.Helper()
	d.conf = strings.NewReplacer(edits...).Replace(d.conf)
	if err := d.daemon.Reload(); err != nil {
		d.t.Fatal(err)
	}
}

// TestSlackExpired: when the time is over, the card says so and its button is gone; who still has the old
// one on the screen is told, and nothing moves.
func TestSlackExpired(t *testing.T) {
	d := newDesk(t, "DEADLINE", "10s")
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	late := d.becomes(card, "Nobody decided in time")
	if offers(late, slack.ActRevert) {
		t.Error("the card of a question whose time is over offers to answer it")
	}
	d.click("U0BOB", card, slack.ActRevert, slackfake.Seen(card))
	d.hears("U0BOB", "The card has changed since you saw it")
	if v := d.votes(widest, anywhere); len(v) != 0 || !d.entry("ecommerce-prod", anywhere) {
		t.Errorf("votes %+v", v)
	}
}

// TestSlackCopy: Slack posts a card and its answer is lost, so that there are two. A click on either counts,
// once, and the copy points to the one that counts.
func TestSlackCopy(t *testing.T) {
	d := newDesk(t)
	d.slack.Fail("chat.postMessage", slackfake.CutAnswer())
	d.opens("ecommerce-prod", anywhere)
	d.until("it was posted twice", func() bool { return len(d.slack.Messages("C0PROD")) == 2 })
	both := d.slack.Messages("C0PROD")
	d.click("U0BOB", both[0], slack.ActRevert)
	d.becomes(both[1], "put right and verified")
	d.becomes(both[0], "This is a copy of a card")
	d.click("U0ALICE", both[1], slack.ActRevert, slackfake.Seen(both[1]))
	d.hears("U0ALICE", "The card has changed")
	if v := d.votes(widest, anywhere); len(v) != 1 || v[0].By != "bob" || len(d.ours()) != 1 {
		t.Errorf("votes %+v, effects %+v", v, d.ours())
	}
}

// TestSlackStrangers: bots, people of another workspace whom Slack shows in the channel, and those who left
// decide nothing, whatever the configuration says of them.
func TestSlackStrangers(t *testing.T) {
	d := newDesk(t, "principals:", "principals:\n  - {id: deploybot, slack: U0ROBOT, email: bot@example.com}", "[alice, bob, rajesh]", "[alice, bob, rajesh, carol, deploybot]")
	d.slack.SetGroup("S0ONCALL", []string{"U0ALICE", "U0BOB", "U0CAROL", "U0ROBOT"})
	d.slack.SetUser(slackfake.User{ID: "U0BOB", Name: "bob", Email: "bob@example.com", TeamID: "T0OTHER", Stranger: true})
	d.slack.SetUser(slackfake.User{ID: "U0CAROL", Name: "carol", Email: "carol@example.com", SingleGuest: true})
	d.restart()
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	for user, says := range map[string]string{"U0ROBOT": "Apps and bots decide nothing here", "U0BOB": "Only members of our own workspace", "U0CAROL": "Guests decide nothing here"} {
		d.click(user, card, slack.ActRevert)
		d.hears(user, says)
	}
	d.click("U0ALICE", card, slack.ActRevert, slackfake.As("T0OTHER"))
	d.hears("U0ALICE", "our own workspace")
	if v := d.votes(widest, anywhere); len(v) != 0 || !d.entry("ecommerce-prod", anywhere) {
		t.Errorf("votes %+v", v)
	}
}

// TestSlackLeftMeanwhile: who clicked twice counts once, and who left the group since does not count at all.
func TestSlackLeftMeanwhile(t *testing.T) {
	d := newDesk(t, "QUORUM", "2")
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.click("U0BOB", card, slack.ActRevert)
	card = d.becomes(card, "1 of 2 approvals")
	d.click("U0BOB", card, slack.ActRevert, slackfake.Seen(card))
	d.quiet()
	if v := d.votes(widest, anywhere); len(v) != 1 || !d.entry("ecommerce-prod", anywhere) {
		t.Errorf("votes after two clicks of one person: %+v", v)
	}
	d.reload("{oncall: [alice, bob, rajesh]}", "{oncall: [alice, rajesh]}")
	d.click("U0ALICE", card, slack.ActRevert, slackfake.Seen(card))
	d.quiet()
	left := d.becomes(card, "1 of 2 approvals", "does not count")
	if !d.entry("ecommerce-prod", anywhere) {
		t.Error("it was carried out by the vote of somebody who may not decide any more")
	}
	d.click("U0RAJESH", left, slack.ActRevert, slackfake.Seen(card))
	d.becomes(card, "put right and verified")
}

// TestSlackDroppedMidClick: the connection breaks while a click is on its way. Where it did not arrive, Slack
// warns the person; they click again, and one thing happens.
func TestSlackDroppedMidClick(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	first, err := d.slack.Click("U0BOB", card.Channel, card.TS, slack.ActRevert)
	if err != nil {
		t.Fatal(err)
	}
	d.slack.FailEvery("apps.connections.open", 1, slackfake.Status(503))
	d.slack.DropSockets()
	second, err := d.slack.Click("U0ALICE", card.Channel, card.TS, slack.ActRevert, slackfake.Seen(card))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := second.Wait(d.ctx); err == nil || !strings.Contains(second.Warning, "did not respond") {
		t.Errorf("a click that cannot arrive: %v, and the person sees %q", err, second.Warning)
	}
	_, _, acked := first.Wait(d.ctx) // before the connection broke, or never
	t.Logf("the click that was on its way: %v", acked)
	d.slack.FailEvery("apps.connections.open", 0, slackfake.Fault{})
	d.until("the daemon listens again", func() bool { return d.slack.Sockets() > 0 })
	d.click("U0BOB", card, slack.ActRevert, slackfake.Seen(card))
	d.becomes(card, "put right and verified")
	d.quiet()
	if v := d.votes(widest, anywhere); len(v) != 1 || v[0].By != "bob" || len(d.ours()) != 1 {
		t.Errorf("votes %+v, effects %+v", v, d.ours())
	}
}

// TestSlackUndo: whoever opened it does not have it opened again; somebody else asks for that, with a reason.
func TestSlackUndo(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-dev", anywhere)
	card := d.card("C0PROD", anywhere, "ecommerce-dev", slack.ActRevert)
	d.click("U0RAJESH", card, slack.ActRevert) // their own change they may take back
	done := d.becomes(card, "put right and verified", slack.ActUndo)
	d.click("U0RAJESH", done, slack.ActUndo)
	d.hears("U0RAJESH", "You made this change")
	d.click("U0BOB", done, slack.ActUndo)
	form := d.modal("U0BOB", slack.ViewUndo)
	if bad := d.submit("U0BOB", form, map[string]any{"words": "because"}); !strings.Contains(bad, "errors") {
		t.Errorf("a reason of one word is answered with %s", bad)
	}
	d.submit("U0BOB", form, map[string]any{"words": "the checkout of shop two is down without it"})
	d.becomes(card, "The undo is done and verified")
	if !d.entry("ecommerce-dev", anywhere) || len(d.ours()) != 2 {
		t.Errorf("effects %+v", d.ours())
	}
}

// TestSlackVeto: what is announced is kept from being done by one click of an approver.
func TestSlackVeto(t *testing.T) {
	d := newDesk(t, "environments: [dev], do: approve", "environments: [dev], do: revert, grace: 1h")
	d.opens("ecommerce-dev", anywhere)
	card := d.card("C0PROD", anywhere, "ecommerce-dev", "Will be put right", slack.ActDeny)
	d.click("U0CAROL", card, slack.ActDeny)
	d.hears("U0CAROL", "carol is not, or no longer, among those who may answer")
	d.click("U0RAJESH", card, slack.ActDeny)
	d.hears("U0RAJESH", "rajesh answers for the one who made the change")
	d.click("U0BOB", card, slack.ActDeny)
	denied := d.becomes(card, "Denied", "bob")
	if offers(denied, slack.ActDeny) || !d.entry("ecommerce-dev", anywhere) || len(d.ours()) != 0 {
		t.Errorf("effects %+v; the card: %s", d.ours(), words(denied))
	}
	if a := d.action(d.found(widest, anywhere)); a.State != access.ActionVetoed || a.Wake.After(time.Now()) {
		t.Errorf("it is %s, and looked at again at %s", a.State, a.Wake)
	}
}
