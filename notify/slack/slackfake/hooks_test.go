package slackfake_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

func (w *world) respond(url string, m slack.WebhookMessage) int {
	w.t.Helper()
	err := slack.PostWebhookCustomHTTPContext(w.ctx, url, w.http, &m)
	var e slack.StatusCodeError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &e):
		return e.Code
	}
	w.t.Fatal(err)
	return 0
}

// clicked posts a card, clicks in it, and answers its timestamp and response URL.
func (w *world) clicked(a *app) (ts, url string) {
	w.t.Helper()
	ts = w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
	d, err := w.Click("U0BOB", "C0PROD", ts, "revert")
	w.must(err)
	_, _, err = d.Wait(w.ctx)
	w.must(err)
	ic, _ := (<-a.events).Data.(slack.InteractionCallback)
	return ts, ic.ResponseURL
}

func TestResponseURL(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts, url := w.clicked(a)
		if code := w.respond(url, slack.WebhookMessage{}); code != http.StatusBadRequest {
			t.Errorf("nothing to say answers %d", code)
		}
		for i, want := range []int{200, 200, 200, 200, 200, 404} {
			if code := w.respond(url, slack.WebhookMessage{Text: "not you", ResponseType: "ephemeral"}); code != want {
				t.Errorf("use %d answers %d, want %d", i+1, code, want)
			}
		}
		if n := len(w.Ephemerals("U0BOB")); n != 5 {
			t.Errorf("%d ephemeral messages, want 5", n)
		}
		if m := w.Messages("C0PROD"); len(m) != 1 || m[0].TS != ts || m[0].Edits != 0 {
			t.Errorf("the card is %+v", m)
		}

		_, url = w.clicked(a)
		time.Sleep(30 * time.Minute)
		if code := w.respond(url, slack.WebhookMessage{Text: "in time"}); code != 200 {
			t.Errorf("after thirty minutes it answers %d", code)
		}
		time.Sleep(time.Millisecond)
		if code := w.respond(url, slack.WebhookMessage{Text: "too late"}); code != 404 {
			t.Errorf("after more it answers %d", code)
		}
		_, url = w.clicked(a)
		if code := w.respond(url[:len(url)-1], slack.WebhookMessage{Text: "x"}); code != 404 {
			t.Errorf("a wrong secret answers %d", code)
		}
	})
}

func TestResponseURLOriginal(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts, url := w.clicked(a)
		w.respond(url, slack.WebhookMessage{Text: "everyone", ResponseType: "in_channel"})
		w.respond(url, slack.WebhookMessage{Text: "replaced", ReplaceOriginal: true})
		m := w.Messages("C0PROD")
		if len(m) != 2 || m[0].TS != ts || m[0].Text != "replaced" || m[0].Blocks != nil || m[1].Text != "everyone" {
			t.Errorf("%+v", m)
		}
		w.respond(url, slack.WebhookMessage{DeleteOriginal: true})
		if m := w.Messages("C0PROD"); len(m) != 1 || m[0].Text != "everyone" {
			t.Errorf("%+v", m)
		}
		if code := w.respond(url, slack.WebhookMessage{DeleteOriginal: true}); code != http.StatusBadRequest {
			t.Errorf("deleting what is gone answers %d", code)
		}
	})
}

func TestCommands(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(func(ev socketmode.Event) (any, bool) {
			cmd, _ := ev.Data.(slack.SlashCommand)
			return map[string]any{"text": "you said " + cmd.Text}, !strings.Contains(cmd.Text, "hang")
		})
		d, err := w.Command("U0BOB", "C0SEC", "/gatewarden status")
		if err == nil {
			t.Errorf("a command in a channel that is not theirs: %+v", d)
		}
		if d, err = w.Command("U0OTHER", "C0SHARED", "/gatewarden status"); err == nil {
			t.Errorf("a command by someone of another workspace: %+v", d)
		}
		if _, err = w.Command("U0BOB", "C0DEV", "/nonsense"); err == nil || !strings.Contains(err.Error(), "/nonsense is not a valid command") {
			t.Errorf("an unknown command: %v", err)
		}
		d, err = w.Command("U0BOB", "C0RANDOM", "/gatewarden ack @alice #atlas-prod @platform-oncall <!here> @nobody")
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		w.must(err)
		cmd, _ := (<-a.events).Data.(slack.SlashCommand)
		want := "ack <@U0ALICE|alice> <#C0PROD|atlas-prod> <!subteam^S0ONCALL|@platform-oncall> &lt;!here&gt; @nobody"
		if cmd.Command != "/gatewarden" || cmd.Text != want || cmd.UserID != "U0BOB" || cmd.ChannelID != "C0RANDOM" || cmd.TeamID != "T0EXAMPLE" || cmd.TriggerID == "" {
			t.Errorf("the command is %+v", cmd)
		}
		if e := w.Ephemerals("U0BOB"); len(e) != 1 || e[0].Text != "you said "+want || e[0].Channel != "C0RANDOM" {
			t.Errorf("the answer is %+v", e)
		}
		if code := w.respond(cmd.ResponseURL, slack.WebhookMessage{Text: "later", ResponseType: "in_channel"}); code != 200 || len(w.Messages("C0RANDOM")) != 1 {
			t.Errorf("a later answer: %d, %+v", code, w.Messages("C0RANDOM"))
		}
		d, err = w.Command("U0BOB", "C0DEV", "/gatewarden hang")
		w.must(err)
		if _, _, err = d.Wait(w.ctx); err == nil || !strings.Contains(err.Error(), "operation_timeout") {
			t.Errorf("no answer shows %v", err)
		}
	})
}
