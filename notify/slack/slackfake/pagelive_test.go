package slackfake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"

	"github.com/gatewarden/gatewarden/internal/browsertest"
)

// pageApp is an app at the other end of the fake, by plain HTTP and one socket.
type pageApp struct {
	t     *testing.T
	slack *Slack
	conn  *websocket.Conn
	does  func(kind string, payload obj) any // what it acknowledges with

	mu   sync.Mutex
	then []func() // what it does after its acknowledgement
}

func newPageApp(t *testing.T, does func(a *pageApp, kind string, payload obj) any) *pageApp {
	t.Helper()
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the fake: %v", err)
		}
	})
	a := &pageApp{t: t, slack: s}
	a.does = func(kind string, payload obj) any { return does(a, kind, payload) }
	link := a.api("apps.connections.open", nil)["url"].(string)
	a.conn, _, err = websocket.DefaultDialer.Dial(link, nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- a.listen() }()
	t.Cleanup(func() {
		_ = a.conn.Close()
		if err := <-gone; err != nil {
			t.Errorf("the app: %v", err)
		}
	})
	return a
}

// listen acknowledges envelopes until the socket is closed.
func (a *pageApp) listen() error {
	for {
		var e struct {
			Type    string `json:"type"`
			ID      string `json:"envelope_id"`
			Payload obj    `json:"payload"`
		}
		if err := a.conn.ReadJSON(&e); err != nil {
			return nil // closed, by the test or by the fake
		}
		if e.ID == "" {
			continue
		}
		ack := obj{"envelope_id": e.ID}
		if said := a.does(e.Type, e.Payload); said != nil {
			ack["payload"] = said
		}
		if err := a.conn.WriteJSON(ack); err != nil {
			return fmt.Errorf("acknowledging %s: %w", e.ID, err)
		}
		a.mu.Lock()
		then := a.then
		a.then = nil
		a.mu.Unlock()
		for _, f := range then {
			f()
		}
	}
}

func (a *pageApp) after(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.then = append(a.then, f)
}

// api calls a method; blocks and views are JSON in the form.
func (a *pageApp) api(method string, form obj) obj {
	a.t.Helper()
	values, token := url.Values{}, a.slack.Tokens().BotToken
	if method == "apps.connections.open" {
		token = a.slack.Tokens().AppToken
	}
	for k, v := range form {
		if text, ok := v.(string); ok {
			values.Set(k, text)
		} else {
			values.Set(k, asJSON(v))
		}
	}
	out, err := a.post(method, token, values)
	if err != nil {
		a.t.Errorf("%s: %v", method, err)
	}
	return out
}

func (a *pageApp) post(method, token string, values url.Values) (obj, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.slack.APIURL()+method, strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	var out obj
	if err = errors.Join(err, json.Unmarshal(raw, &out)); err == nil && out["ok"] != true {
		err = fmt.Errorf("%s", raw)
	}
	return out, err
}

func mrkdwn(text string) obj { return obj{"type": "mrkdwn", "text": text} }

func plainText(text string) obj { return obj{"type": "plain_text", "text": text} }

// card is a message with the two buttons that matter.
func card(state string, buttons bool) []any {
	blocks := []any{obj{"type": "section", "block_id": "what", "text": mrkdwn("*Open to the world*: `0.0.0.0/0` in payments-prod\n" + state)}}
	if !buttons {
		return blocks
	}
	sure := obj{"title": plainText("Revert this change?"), "text": mrkdwn("It closes *now*."), "confirm": plainText("Revert"), "deny": plainText("Cancel"), "style": "danger"}
	return append(blocks, obj{"type": "actions", "block_id": "acts", "elements": []any{
		obj{"type": "button", "action_id": "revert", "value": "v1|F1|1", "style": "danger", "text": plainText("Revert now"), "confirm": sure},
		obj{"type": "button", "action_id": "keep", "value": "v1|F1|1", "text": plainText("Keep for …")},
		obj{"type": "datepicker", "action_id": "until"},
	}})
}

func action(payload obj) obj { return payload["actions"].([]any)[0].(obj) }

func TestPageLive(t *testing.T) {
	ctx := browsertest.Start(t)
	t.Run("card", func(t *testing.T) { liveCard(t, ctx) })
	t.Run("modal", func(t *testing.T) { liveModal(t, ctx) })
	t.Run("people", func(t *testing.T) { livePeople(t, ctx) })
}

// A card is posted, a person clicks in the page, the app edits it, the page shows that.
func liveCard(t *testing.T, ctx context.Context) {
	clicks := make(chan obj, 10)
	a := newPageApp(t, func(a *pageApp, _ string, p obj) any {
		clicks <- p
		msg, _ := p["message"].(obj)
		if ts, ok := msg["ts"].(string); ok && action(p)["action_id"] == "revert" {
			a.after(func() {
				a.api("chat.update", obj{"channel": "C0PROD", "ts": ts, "text": "reverted", "blocks": card(":white_check_mark: *Reverted* by <@U0ALICE>", false)})
				a.api("chat.postMessage", obj{"channel": "C0PROD", "thread_ts": ts, "text": "The entry is gone."})
			})
		}
		return nil
	})
	b := openTab(t, ctx, a.slack.URL(), seat("U0ALICE", "C0PROD"))
	b.sees("#start", "very beginning of #atlas-prod")
	ts := a.api("chat.postMessage", obj{"channel": "C0PROD", "text": "open", "blocks": card("", true)})["ts"].(string)
	b.sees(".message", "Open to the world: 0.0.0.0/0 in payments-prod")
	b.do(chromedp.SetValue(chromedp.CSS("[data-action=until]"), "2026-05-06"))
	if p := action(<-clicks); p["selected_date"] != "2026-05-06" || p["type"] != "datepicker" {
		t.Errorf("the app was told %v", p)
	}
	b.until(`!document.querySelector('[aria-busy=true]')`)
	b.click("[data-action=revert]")
	b.sees("dialog", "It closes now.")
	b.click("[data-confirm=yes]")
	b.sees(".message", "✅ Reverted by @Alice Example")
	b.sees(".message .edited", "(edited)")
	b.sees(".replies", "1 reply")
	b.lacks(".message .button")
	p := <-clicks
	if user := p["user"].(obj)["id"]; user != "U0ALICE" || action(p)["value"] != "v1|F1|1" || p["message"].(obj)["ts"] != ts {
		t.Errorf("the app was told %v", p)
	}
	link := a.api("chat.getPermalink", obj{"channel": "C0PROD", "message_ts": ts})["permalink"].(string)
	b.do(chromedp.Navigate(link))
	b.until(`document.querySelector('.message.pointed')`)
	b.click(".replies")
	b.sees("#replies", "The entry is gone.")
	b.fill("#thread textarea", "thanks")
	b.enter()
	b.sees("#replies .message", "thanks")
	if replies := a.slack.Messages("C0PROD")[0].Replies; len(replies) != 2 || replies[1].User != "U0ALICE" {
		t.Errorf("the thread has %v", replies)
	}

	a.api("chat.postMessage", obj{"channel": "C0PROD", "text": "another", "blocks": card("again", true)})
	b.sees(".message", "again")
	a.slack.DropSockets()
	b.click("[data-action=keep]")
	b.sees(".warned", "The app did not respond")
	b.until(`!document.querySelector('[aria-busy=true]')`)
}

// A modal is opened, sent with an error, and sent again.
func liveModal(t *testing.T, ctx context.Context) {
	input := obj{"type": "input", "block_id": "why", "label": plainText("Reason"), "element": obj{"type": "plain_text_input", "action_id": "text", "multiline": true}}
	hours := obj{"type": "input", "block_id": "long", "label": plainText("Hours"), "element": obj{"type": "number_input", "action_id": "n", "is_decimal_allowed": false, "initial_value": "8"}}
	modal := obj{"type": "modal", "callback_id": "keep", "title": plainText("Keep for …"), "submit": plainText("Keep it"), "close": plainText("Cancel"), "private_metadata": "F1", "blocks": []any{input, hours}}
	submissions := make(chan obj, 10)
	a := newPageApp(t, func(a *pageApp, _ string, p obj) any {
		if p["type"] == "block_actions" {
			trigger := p["trigger_id"].(string)
			a.after(func() { a.api("views.open", obj{"trigger_id": trigger, "view": modal}) })
			return nil // closed, by the test or by the fake
		}
		submissions <- p
		values := p["view"].(obj)["state"].(obj)["values"].(obj)
		if values["why"].(obj)["text"].(obj)["value"] == "x" {
			return obj{"response_action": "errors", "errors": obj{"why": "Say why, in a few words."}}
		}
		a.after(func() { a.api("chat.postMessage", obj{"channel": "C0PROD", "text": "It is kept."}) })
		return nil
	})
	a.api("chat.postMessage", obj{"channel": "C0PROD", "text": "open", "blocks": card("", true)})
	b := openTab(t, ctx, a.slack.URL(), seat("U0BOB", "C0PROD"))
	b.click("[data-action=keep]")
	b.sees("dialog h2", "Keep for …")
	b.fill("[data-action=text]", "x")
	b.click("dialog [type=submit]")
	b.sees("[data-block=why] .error", "Say why, in a few words.")
	b.fill("[data-action=text]", " is being migrated")
	b.click("dialog [type=submit]")
	b.sees(".message", "It is kept.")
	b.lacks("dialog")
	<-submissions
	if got := asJSON((<-submissions)["view"].(obj)["state"].(obj)["values"].(obj)); got != asJSON(obj{
		"why": obj{"text": obj{"type": "plain_text_input", "value": "x is being migrated"}}, "long": obj{"n": obj{"type": "number_input", "value": "8"}},
	}) {
		t.Errorf("the app was told %s", got)
	}
	b.click("[data-action=keep]")
	b.sees("dialog h2", "Keep for …")
	b.do(chromedp.KeyEvent("\x1b"))
	b.lacks("dialog")
	b.until(`!document.querySelector('dialog')`)
	if open := a.slack.Views("U0BOB"); len(open) != 0 {
		t.Errorf("after Escape these are open: %v", open)
	}
}

// Each sees what is theirs: ephemeral answers, channels, Home.
func livePeople(t *testing.T, ctx context.Context) {
	a := newPageApp(t, func(a *pageApp, kind string, p obj) any {
		switch kind {
		case "slash_commands":
			return obj{"text": "Nothing is open, <@" + p["user_id"].(string) + ">: you asked for `" + p["text"].(string) + "`."}
		case "events_api":
			user := p["event"].(obj)["user"].(string)
			a.after(func() {
				a.api("views.publish", obj{"user_id": user, "view": obj{"type": "home", "blocks": []any{obj{"type": "header", "text": plainText("The findings of " + user)}}}})
			})
		}
		return nil
	})
	a.api("chat.postEphemeral", obj{"channel": "C0PROD", "user": "U0BOB", "text": "You made this change."})
	a.api("chat.postMessage", obj{"channel": "C0DEV", "text": "<!subteam^S0ONCALL> look"})
	a.api("chat.postMessage", obj{"channel": "U0BOB", "text": "psst"})
	b := openTab(t, ctx, a.slack.URL(), seat("U0ALICE", "C0PROD"))
	b.sees(".row[data-channel=C0SEC]", "security")
	b.sees(".row.unread", "atlas-dev")
	b.lacks(".message")
	become := func(user string) {
		b.do(chromedp.SetValue(chromedp.CSS("#me"), user))
		b.until(fmt.Sprintf(`location.search.includes(%q)`, "user="+user))
	}
	become("U0BOB")
	b.sees(".message.ephemeral", "Only visible to you")
	b.sees(".message.ephemeral", "You made this change.")
	b.sees(".row.unread[data-channel=C0DEV] .badge", "1")
	b.lacks(".row[data-channel=C0SEC]")
	b.fill(".write textarea", "/gatewarden status")
	b.enter()
	b.sees(".message.ephemeral .mention.mine", "@Bob Example")
	b.sees(".message.ephemeral", "you asked for status.")
	b.fill(".write textarea", "/nothing")
	b.enter()
	b.sees(".failed", "/nothing is not a valid command")
	b.fill(".write textarea", "hello, all")
	b.enter()
	b.sees(".message .name", "Bob Example")
	b.click(".row[data-channel=D0BOB]") // it has something new
	b.sees(".message", "psst")
	b.click("#tabs a:nth-child(1)")
	b.sees(".home h3", "The findings of U0BOB")
	b.click("[data-channel=C0PROD]")
	become("U0ALICE")
	b.sees(".message", "hello, all")
	b.lacks(".message.ephemeral")
	become("U0GUEST")
	b.until(`[...document.querySelectorAll('.side .row')].map((r) => r.dataset.channel).join() === 'C0PROD,home'`)

	other := openTab(t, ctx, a.slack.URL(), "")
	other.sees("#title", "atlas-prod")
	other.until(`document.getElementById('me').value === 'U0ALICE'`)
	nobody := openTab(t, ctx, a.slack.URL(), seat("U0NOBODY", "C0DEV"))
	nobody.until(`location.search === '?user=U0ALICE&channel=C0DEV'`)
	nobody.sees("#toast", "no such user")
	nobody.forget() // the browser logs the 404
}
