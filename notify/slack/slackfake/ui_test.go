package slackfake_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// state is what the page reads, as far as the tests look.
type state struct {
	Me       struct{ ID, Name string }
	Team     struct{ Name string }
	Users    []struct{ ID, Name string }
	Channels []struct {
		ID, Name string
		Private  bool
		IM       bool
		With     string
		Unread   int
		Messages []struct {
			TS        string
			User      struct{ Name, Icon string }
			Text      string
			Blocks    []m
			Edited    string
			Edits     int
			Ephemeral bool
			Warning   string
			Replies   []m
		}
	}
	Views []struct {
		ID, Type, Title, Submit, Close string
		Blocks                         []m
		Errors                         map[string]string
	}
	Home *struct {
		ID     string
		Blocks []m
	}
}

func (w *world) state(query string) state {
	w.t.Helper()
	res, err := w.http.Get(w.URL() + "ui/state?" + query)
	w.must(err)
	var out state
	w.must(errors.Join(json.NewDecoder(res.Body).Decode(&out), res.Body.Close()))
	return out
}

// names are the channels that a user has in their list.
func (s state) names() string {
	var out []string
	for _, c := range s.Channels {
		out = append(out, c.Name)
	}
	return strings.Join(out, " ")
}

// do is what the page sends.
func (w *world) do(path string, body m) m {
	w.t.Helper()
	raw, err := json.Marshal(body)
	w.must(err)
	res, err := w.http.Post(w.URL()+"ui/"+path, "application/json", bytes.NewReader(raw))
	w.must(err)
	var out m
	w.must(errors.Join(json.NewDecoder(res.Body).Decode(&out), res.Body.Close()))
	return out
}

func TestPageState(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(silent)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		w.post("C0PROD", slack.MsgOptionText("reply", true), slack.MsgOptionTS(ts))
		w.post("U0BOB", slack.MsgOptionText("direct", true))
		_, err := w.api.PostEphemeralContext(w.ctx, "C0PROD", "U0BOB", slack.MsgOptionText("only bob", true))
		w.must(err)

		for user, want := range map[string]string{
			"U0ALICE": "atlas-prod atlas-dev security partner-shared random",
			"U0BOB":   "atlas-prod atlas-dev partner-shared random gatewarden",
			"U0GUEST": "atlas-prod",
			"U0OTHER": "partner-shared",
		} {
			if got := w.state("user=" + user).names(); got != want {
				t.Errorf("%s sees %q, want %q", user, got, want)
			}
		}
		bob := w.state("user=U0BOB")
		prod := bob.Channels[0]
		if bob.Me.Name != "bob" || bob.Team.Name != "ExampleCorp" || len(bob.Users) != 8 || prod.Unread != 2 || len(prod.Messages) != 2 {
			t.Fatalf("bob's page is %+v", bob)
		}
		if c := prod.Messages[0]; c.TS != ts || len(c.Blocks) != 2 || len(c.Replies) != 1 || c.User.Name != "gatewarden" || c.User.Icon != "app" || c.Ephemeral || !prod.Messages[1].Ephemeral {
			t.Errorf("the messages are %+v", prod.Messages)
		}
		if im := bob.Channels[4]; !im.IM || im.With != "U0GATE" || im.Unread != 1 {
			t.Errorf("the direct message is %+v", im)
		}
		if got := w.state("user=U0BOB&read=C0PROD").Channels[0].Unread; got != 0 {
			t.Errorf("%d are unread after reading", got)
		}
		if got := w.state("user=U0ALICE").Channels[0]; got.Unread != 1 || len(got.Messages) != 1 {
			t.Errorf("alice has %+v", got)
		}

		out := w.do("click", m{"user": "U0BOB", "channel": "C0PROD", "ts": ts, "block_id": "act:1", "action_id": "revert"})
		d := w.Deliveries()[0]
		if out["delivery"] != d.Envelope {
			t.Errorf("the click answers %v", out)
		}
		<-a.events
		if _, _, err := (&d).Wait(w.ctx); err == nil {
			t.Error("nobody acknowledged, and it is well")
		}
		if got := w.state("user=U0BOB").Channels[0].Messages[0].Warning; !strings.Contains(got, "did not respond") {
			t.Errorf("bob is shown %q", got)
		}
		if got := w.state("user=U0ALICE").Channels[0].Messages[0].Warning; got != "" {
			t.Errorf("alice is shown %q", got)
		}
	})
}

func TestPageModal(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		var answer any
		a := w.connect(func(socketmode.Event) (any, bool) { return answer, true })
		id := w.modal(a, "U0BOB")
		v := w.state("user=U0BOB").Views
		if len(v) != 1 || v[0].ID != id || v[0].Title != "Keep it" || v[0].Submit != "Keep" || v[0].Close != "Cancel" || len(v[0].Blocks) != 3 {
			t.Fatalf("the modals are %+v", v)
		}
		submit := func(why string) m {
			return w.do("submit", m{"user": "U0BOB", "view_id": id, "values": m{
				"long":   m{"hours": m{"type": "static_select", "selected_option": option("A week", "168")}},
				"reason": m{"why": m{"type": "plain_text_input", "value": why}},
				"ticket": m{"key": m{"type": "plain_text_input", "value": ""}},
			}})
		}
		if got, _ := submit("")["errors"].(m); got["reason"] != "Please complete this required field." {
			t.Errorf("an empty reason shows %v", got)
		}
		answer = slack.NewErrorsViewSubmissionResponse(map[string]string{"reason": "a better one"})
		if got, _ := submit("long enough it is")["errors"].(m); got["reason"] != "a better one" {
			t.Errorf("the app's errors show as %v", got)
		}
		if got := w.state("user=U0BOB").Views[0].Errors; got["reason"] != "a better one" {
			t.Errorf("the modal shows %v", got)
		}
		answer = nil
		if got := submit("long enough it is"); got["ok"] != true || len(w.state("user=U0BOB").Views) != 0 {
			t.Errorf("a good one answers %v", got)
		}
		if got := w.do("close", m{"user": "U0BOB", "view_id": id}); got["error"] == nil {
			t.Errorf("closing what is closed answers %v", got)
		}
		id = w.modal(a, "U0BOB")
		if got := w.do("close", m{"user": "U0BOB", "view_id": id}); got["ok"] != true || len(w.Views("U0BOB")) != 0 {
			t.Errorf("closing answers %v", got)
		}
	})
}

func TestPageDoings(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(func(ev socketmode.Event) (any, bool) {
			return map[string]any{"text": "all is well"}, ev.Type != socketmode.EventTypeEventsAPI
		})
		for path, body := range map[string]m{
			"command": {"user": "U0BOB", "channel": "C0PROD", "text": "/gatewarden status"},
			"home":    {"user": "U0BOB"},
			"message": {"user": "U0BOB", "channel": "C0PROD", "text": "good morning"},
		} {
			if got := w.do(path, body); got["ok"] != true {
				t.Errorf("%s: %v", path, got)
			}
		}
		<-a.events
		if got := w.Ephemerals("U0BOB"); len(got) != 1 || got[0].Text != "all is well" {
			t.Errorf("the command shows %+v", got)
		}
		if got := w.Messages("C0PROD"); len(got) != 1 || got[0].Text != "good morning" || got[0].User != "U0BOB" {
			t.Errorf("the channel has %+v", got)
		}
		quiet := w.raw("chat.postMessage", m{"channel": "C0PROD", "text": "x", "blocks": []any{input(nil)}})
		last := w.Messages("C0PROD")[1].TS
		if got := w.do("click", m{"user": "U0BOB", "channel": "C0PROD", "ts": last, "action_id": "a", "value": "x"}); !quiet.OK || got["error"] == nil {
			t.Errorf("an input that tells nobody: %v", got)
		}
		for path, body := range map[string]m{
			"command": {"user": "U0BOB", "channel": "C0PROD", "text": "/nonsense"},
			"message": {"user": "U0BOB", "channel": "C0SEC", "text": "x"},
			"home":    {"user": "U0NONE"},
			"click":   {"user": "U0BOB", "channel": "C0PROD", "ts": "1.1", "action_id": "x"},
			"submit":  {"user": "U0BOB", "view_id": "V0NONE"},
		} {
			if got := w.do(path, body); got["error"] == nil {
				t.Errorf("%s of what is not there: %v", path, got)
			}
		}
		res, err := w.http.Post(w.URL()+"ui/home", "text/plain", strings.NewReader(`{"user":"U0BOB"}`))
		w.must(err)
		if w.must(res.Body.Close()); res.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("another site's form is answered with %s", res.Status)
		}
	})
}

// TestPageEvents: the page is told of every change.
func TestPageEvents(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		res, err := w.http.Get(w.URL() + "ui/events")
		w.must(err)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		told := func() bool {
			for lines.Scan() {
				if lines.Text() == "data: changed" {
					return true
				}
			}
			return false
		}
		ts := ""
		for i, change := range []func(){
			func() {},
			func() { ts = w.post("C0PROD", slack.MsgOptionText("x", true)) },
			func() { w.must(edits(w, "C0PROD", ts, slack.MsgOptionText("y", true))()) },
			func() { w.DeleteMessage("C0PROD", ts) },
			func() { w.must(w.Say("U0BOB", "C0PROD", "x")) },
			func() { w.Archive("C0PROD") },
		} {
			change()
			if !told() {
				t.Errorf("change %d is not told: %v", i, lines.Err())
			}
		}
	})
}

// TestPermalink leads to the page.
func TestPermalink(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		ts := w.post("C0PROD", slack.MsgOptionText("x", true))
		reply := w.post("C0PROD", slack.MsgOptionText("y", true), slack.MsgOptionTS(ts))
		w.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for of, want := range map[string]string{ts: "/?channel=C0PROD&ts=" + ts, reply: "/?channel=C0PROD&thread_ts=" + ts + "&ts=" + reply} {
			link, err := w.api.GetPermalinkContext(w.ctx, &slack.PermalinkParameters{Channel: "C0PROD", Ts: of})
			w.must(err)
			res, err := w.http.Get(link)
			w.must(err)
			if w.must(res.Body.Close()); res.Header.Get("Location") != want {
				t.Errorf("%s leads to %s, want %s", link, res.Header.Get("Location"), want)
			}
		}
	})
}
