package daemon

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// told waits until something is wrong that /readyz and the log tell in these words, and makes sure that the
// log does once.
func (d *desk) told(what string, says ...string) {
	d.t.Helper()
	line := func() string {
		for _, p := range d.daemon.slackProblems() {
			if strings.HasPrefix(p, what) {
				return p
			}
		}
		return ""
	}
	d.until("it is told that "+what+" is wrong", func() bool { return line() != "" })
	for _, s := range says {
		if !strings.Contains(line(), s) {
			d.t.Errorf("what is wrong is told as %q, which lacks %q", line(), s)
		}
	}
	n := 0
	for _, e := range d.logs.FilterMessage("something is wrong with Slack").All() {
		m := e.ContextMap()
		if strings.HasPrefix(m["what"].(string)+" "+m["about"].(string)+":", what) {
			n++
		}
	}
	if n != 1 {
		d.t.Errorf("the log tells %d times that %s is wrong, want once", n, what)
	}
	if got := gauge(d, what); got < 1 {
		d.t.Errorf("the metric counts %v of what is wrong with %s", got, what)
	}
	for _, e := range d.logs.All() {
		if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, d.slack.Tokens().BotToken) || strings.Contains(text, "xoxb-of") {
			d.t.Errorf("the log has a token in it: %s", text)
		}
	}
}

// gauge is the metric of what is wrong of a kind.
func gauge(d *desk, what string) (n float64) {
	kind, _, _ := strings.Cut(what, " ")
	families, err := d.daemon.registry.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.HasSuffix(f.GetName(), "slack_problems") && l.GetValue() == kind {
					n += m.GetGauge().GetValue()
				}
			}
		}
	}
	return n
}

// commands lets alice approve by command what is asked about production, and waits until it is put right.
func (d *desk) commands() {
	d.t.Helper()
	d.until("people are asked", func() bool { return d.asked(widest, anywhere) })
	f, now := d.found(widest, anywhere), time.Now()
	if _, err := d.daemon.Submit(d.ctx, access.Command{
		V: access.Version, ID: "01JD9A0000000000000000000B", Verb: access.VerbVote, Scope: f.Ref.Scope, By: "alice", At: now, Until: now.Add(time.Minute),
		Finding: f.ID, Episode: f.Episode, PlanHash: d.action(f).PlanHash, Vote: access.VoteApprove,
	}); err != nil {
		d.t.Fatal(err)
	}
	d.until("it is put right", func() bool { return !d.entry("ecommerce-prod", anywhere) })
}

// TestSlackWrongToken: Slack does not let us in. People decide by command meanwhile; with the right
// token, nothing is wrong any more.
func TestSlackWrongToken(t *testing.T) {
	d := newDesk(t)
	t.Setenv("GW_TEST_SLACK_BOT", "xoxb-of-another-app")
	d.restart()
	d.opens("ecommerce-prod", anywhere)
	d.commands()
	d.told("token bot", "invalid_auth", "slack.bot_token")
	t.Setenv("GW_TEST_SLACK_BOT", d.slack.Tokens().BotToken)
	d.restart()
	d.until("nothing is wrong any more", func() bool { return d.daemon.slack.client.Health().Up() && len(d.daemon.slackProblems()) == 0 })
}

// TestSlackMissingScope: the app may not post. It is told which scope it lacks.
func TestSlackMissingScope(t *testing.T) {
	d := newDesk(t)
	d.slack.RemoveScope("chat:write")
	d.restart()
	d.opens("ecommerce-prod", anywhere)
	d.commands()
	d.told("scope :", "chat:write", "install the app again")
	d.told("scope chat.postMessage", "chat:write")
}

// TestSlackBadChannels: a channel that is not there, and one that is archived while it runs, do not keep the
// card from the one that is.
func TestSlackBadChannels(t *testing.T) {
	d := newDesk(t, `"slack:atlas-prod"]`, `"slack:atlas-prod", "slack:nowhere", "slack:security"]`, "security: C0SEC", "security: C0SEC, nowhere: C0NOWHERE")
	d.slack.Archive("atlas-prod")
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0SEC", anywhere, slack.ActRevert)
	d.told("channel C0NOWHERE", "does not know the channel", "routes")
	d.told("channel C0PROD", "archived", "unarchive it")
	d.click("U0ALICE", card, slack.ActRevert)
	d.becomes(card, "put right and verified")
}

// TestSlackUninstalled: the app is removed while a question is open. Who clicks sees that nobody is there;
// it is decided by command, and an old click is told so once the app is back.
func TestSlackUninstalled(t *testing.T) {
	d := newDesk(t)
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.slack.Uninstall()
	lost, err := d.slack.Click("U0BOB", card.Channel, card.TS, slack.ActRevert)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := lost.Wait(d.ctx); err == nil {
		t.Error("a click was acknowledged by an app that is not installed")
	}
	d.commands()
	d.told("token bot", "install the app again", "command or API")
	d.slack.Reinstall()
	d.restart()
	d.click("U0BOB", card, slack.ActRevert, slackfake.Seen(card))
	d.hears("U0BOB", "The card has changed")
}

// TestSlackGroupDeleted: the user group that a group is tied to is gone, so nobody decides by it in Slack.
func TestSlackGroupDeleted(t *testing.T) {
	d := newDesk(t)
	d.slack.DeleteGroup("S0ONCALL")
	d.restart() // what is known of a group is believed for ten minutes
	d.opens("ecommerce-prod", anywhere)
	card := d.card("C0PROD", anywhere, slack.ActRevert)
	d.click("U0BOB", card, slack.ActRevert, slackfake.Seen(card))
	d.hears("U0BOB", "user group")
	d.told("group S0ONCALL", "no user group", "slack.groups")
	d.commands()
	d.becomes(card, "put right and verified", "alice")
}

// TestSlackChannelTakenOut: what was for a channel that the configuration does not have any more waits, or
// goes elsewhere, and it is told.
func TestSlackChannelTakenOut(t *testing.T) {
	channels := map[string]string{}
	b := boardByName{slack.NewClient(slack.Options{}), func() *config.File { return &config.File{Slack: config.Slack{Channels: channels}} }}
	if _, err := b.Post(t.Context(), "gone", notify.Card{}); !errors.Is(err, notify.ErrNoPlace) {
		t.Errorf("posted: %v", err)
	}
	if p := b.Health().Problems(); len(p) != 1 || p[0].What != slack.WrongChannel || p[0].About != "gone" || !strings.Contains(p[0].Says, "put it back") {
		t.Errorf("told: %+v", p)
	}
}
