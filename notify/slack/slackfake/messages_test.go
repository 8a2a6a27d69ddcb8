package slackfake_test

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
)

func TestMessages(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		ts := w.post("C0PROD", slack.MsgOptionText("hello <!here>", true), card("v1|f|1"), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "card", EventPayload: map[string]any{"id": "f"}}))
		reply := w.post("#atlas-prod", slack.MsgOptionText("reply", true), slack.MsgOptionTS(ts))
		deeper := w.post("C0PROD", slack.MsgOptionText("reply to the reply", true), slack.MsgOptionTS(reply), slack.MsgOptionBroadcast())
		_, edited, _, err := w.api.UpdateMessageContext(w.ctx, "C0PROD", ts, slack.MsgOptionText("done", true), slack.MsgOptionBlocks(section("done")))
		w.must(err)
		if edited != ts {
			t.Errorf("the edit answers %s, want %s", edited, ts)
		}
		_, _, _, err = w.api.UpdateMessageContext(w.ctx, "C0PROD", ts, slack.MsgOptionText("again", true), slack.MsgOptionBlocks())
		w.must(err)

		all := w.Messages("C0PROD")
		if len(all) != 1 || len(all[0].Replies) != 2 {
			t.Fatalf("%d messages: %+v", len(all), all)
		}
		m := all[0]
		if m.TS != ts || m.Text != "again" || m.Edits != 2 || m.Edited <= ts || len(m.Blocks) != 0 || m.User != "U0GATE" || !strings.Contains(string(m.Metadata), `"id":"f"`) {
			t.Errorf("the card is %+v", m)
		}
		if r := m.Replies[1]; r.TS != deeper || r.ThreadTS != ts || !r.Broadcast || m.Replies[0].TS != reply {
			t.Errorf("the replies are %+v", m.Replies)
		}
		link, err := w.api.GetPermalinkContext(w.ctx, &slack.PermalinkParameters{Channel: "C0PROD", Ts: ts})
		w.must(err)
		if want := w.URL() + "archives/C0PROD/p" + strings.Replace(ts, ".", "", 1); link != want {
			t.Errorf("the permalink is %s, want %s", link, want)
		}
		_, _, err = w.api.DeleteMessageContext(w.ctx, "C0PROD", reply)
		w.must(err)
		if n := len(w.Messages("C0PROD")[0].Replies); n != 1 {
			t.Errorf("%d replies are left, want 1", n)
		}
	})
}

func TestEphemeral(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		ts, err := w.api.PostEphemeralContext(w.ctx, "C0PROD", "U0BOB", slack.MsgOptionText("not you", true))
		w.must(err)
		got := w.Ephemerals("U0BOB")
		if len(got) != 1 || got[0].TS != ts || got[0].Channel != "C0PROD" || got[0].Text != "not you" || len(w.Ephemerals("U0ALICE")) != 0 || len(w.Messages("C0PROD")) != 0 {
			t.Errorf("%+v", got)
		}
		_, err = w.api.PostEphemeralContext(w.ctx, "C0SEC", "U0BOB", slack.MsgOptionText("x", true))
		w.refused(err, "user_not_in_channel")
		_, _, _, err = w.api.UpdateMessageContext(w.ctx, "C0PROD", ts, slack.MsgOptionText("x", true))
		w.refused(err, "message_not_found")
	})
}

func TestDirectMessage(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		ch, _, err := w.api.PostMessageContext(w.ctx, "U0BOB", slack.MsgOptionText("your change was flagged", true))
		w.must(err)
		im, _, already, err := w.api.OpenConversationContext(w.ctx, &slack.OpenConversationParameters{Users: []string{"U0BOB"}})
		w.must(err)
		if im.ID != ch || !already || len(w.Messages(ch)) != 1 {
			t.Errorf("the message went to %s, the conversation is %s (already open %v)", ch, im.ID, already)
		}
		for user, code := range map[string]string{"U0ROBOT": "cannot_dm_bot", "U0NOBODY": "user_not_found", "U0ALICE": ""} {
			_, _, _, err := w.api.OpenConversationContext(w.ctx, &slack.OpenConversationParameters{Users: []string{user}})
			w.refused(err, code)
		}
	})
}

// TestTargets is who may post where, and what it is told.
func TestTargets(t *testing.T) {
	text := slack.MsgOptionText("x", true)
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		ts := w.post("C0DEV", text)
		w.Archive("C0DEV")
		w.Kick("C0SEC")
		w.must(w.Say("U0ALICE", "C0PROD", "hi"))
		theirs := w.Messages("C0PROD")[0].TS
		for name, c := range map[string]struct {
			do   func() error
			code string
		}{
			"archived channel":         {posts(w, "C0DEV", text), "is_archived"},
			"not in the channel":       {posts(w, "C0RANDOM", text), "not_in_channel"},
			"private, and not in it":   {posts(w, "C0SEC", text), "channel_not_found"},
			"unknown channel":          {posts(w, "C0NONE", text), "channel_not_found"},
			"to a bot":                 {posts(w, "U0ROBOT", text), "channel_not_found"},
			"nothing to say":           {posts(w, "C0PROD"), "no_text"},
			"unknown thread":           {posts(w, "C0PROD", text, slack.MsgOptionTS("1.000001")), "thread_not_found"},
			"edit in archived channel": {edits(w, "C0DEV", ts, text), "is_archived"},
			"edit by channel name":     {edits(w, "#atlas-prod", theirs, text), "channel_not_found"},
			"edit of unknown":          {edits(w, "C0PROD", "1.000001", text), "message_not_found"},
			"edit of another's":        {edits(w, "C0PROD", theirs, text), "cant_update_message"},
			"attachments":              {posts(w, "C0PROD", slack.MsgOptionAttachments(slack.Attachment{Text: "x"})), "invalid_attachments"},
			"text of 40,000":           {posts(w, "C0PROD", slack.MsgOptionText(strings.Repeat("x", 40_000), false)), ""},
			"text of 40,001":           {posts(w, "C0PROD", slack.MsgOptionText(strings.Repeat("x", 40_001), false)), "msg_too_long"},
		} {
			w.refused(c.do(), c.code, name)
		}
		w.DeleteMessage("C0PROD", theirs)
		w.refused(edits(w, "C0PROD", theirs, text)(), "message_not_found")
		w.Invite("C0SEC")
		w.refused(posts(w, "C0SEC", text)(), "")
		w.AddScope("chat:write.public")
		w.refused(posts(w, "C0RANDOM", text)(), "")
	})
}

func posts(w *world, channel string, o ...slack.MsgOption) func() error {
	return func() error {
		_, _, err := w.api.PostMessageContext(w.ctx, channel, o...)
		return err
	}
}

func edits(w *world, channel, ts string, o ...slack.MsgOption) func() error {
	return func() error {
		_, _, _, err := w.api.UpdateMessageContext(w.ctx, channel, ts, o...)
		return err
	}
}
