package slackfake_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// bare opens a socket without a client, past its greeting.
func (w *world) bare() *websocket.Conn {
	w.t.Helper()
	_, url, err := w.api.StartSocketModeContext(w.ctx)
	w.must(err)
	conn, _, err := w.ws.DialContext(w.ctx, url, nil)
	w.must(err)
	w.t.Cleanup(func() { _ = conn.Close() })
	var hello struct {
		Type  string
		Count int `json:"num_connections"`
		Info  struct {
			App string `json:"app_id"`
		} `json:"connection_info"`
	}
	w.must(conn.ReadJSON(&hello))
	if hello.Type != "hello" || hello.Count != 1 || hello.Info.App != "A0GATE" {
		w.t.Errorf("the greeting is %+v", hello)
	}
	return conn
}

// TestBareSocket is the protocol itself, where the client is kinder than others.
func TestBareSocket(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		conn := w.bare()
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		for name, c := range map[string]struct {
			ack   func(envelope string) string
			warns bool
		}{
			"good":           {func(e string) string { return `{"envelope_id":"` + e + `"}` }, false},
			"with an answer": {func(e string) string { return `{"envelope_id":"` + e + `","payload":{"text":"x"}}` }, false},
			"too long": {func(e string) string {
				return `{"envelope_id":"` + e + `","payload":{"x":"` + strings.Repeat("x", 20_480) + `"}}`
			}, true},
			"not JSON":          {func(string) string { return "thanks" }, true},
			"of something else": {func(string) string { return `{"envelope_id":"x"}` }, true},
		} {
			d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
			w.must(err)
			var got struct {
				Type     string
				Envelope string `json:"envelope_id"`
				Answers  bool   `json:"accepts_response_payload"`
			}
			w.must(conn.ReadJSON(&got))
			w.must(conn.WriteMessage(websocket.TextMessage, []byte(c.ack(got.Envelope))))
			ack, _, err := d.Wait(w.ctx)
			if (err != nil) != c.warns || ack != nil || got.Answers || got.Type != "interactive" {
				t.Errorf("%s: %v, %s, %+v", name, err, ack, got)
			}
		}
	})
}

// TestRetiredSocket: a socket that was told to go gets nothing more, and ends though
// its client stays.
func TestRetiredSocket(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		conn := w.bare()
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		w.Disconnect("warning")
		var frame struct{ Type, Reason string }
		if err := conn.ReadJSON(&frame); err != nil || frame.Type != "disconnect" || frame.Reason != "warning" {
			t.Errorf("it is told %+v, %v", frame, err)
		}
		d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		if _, _, err := d.Wait(w.ctx); err == nil || d.Over != "" {
			t.Errorf("it gets a click: %+v", d)
		}
		if w.Sockets() != 1 {
			t.Error("it is closed at once")
		}
		start := time.Now()
		if _, _, err := conn.ReadMessage(); err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("it gets something more, or ends at the wrong time: %v after %s", err, time.Since(start))
		}
		synctest.Wait()
		if w.Sockets() != 0 {
			t.Error("it is not closed")
		}
		conn = w.bare()
		w.Disconnect("link_disabled")
		start = time.Now()
		w.must(conn.ReadJSON(&frame))
		if _, _, err := conn.ReadMessage(); err == nil || time.Since(start) != 0 || frame.Reason != "link_disabled" {
			t.Errorf("disabled, it ends after %s: %v, %+v", time.Since(start), err, frame)
		}
	})
}

// TestClock: what is late is late by the workspace's clock.
func TestClock(t *testing.T) {
	var ahead atomic.Int64
	story(t, slackfake.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}, func(t *testing.T, w *world) {
		w.connect(func(socketmode.Event) (any, bool) {
			ahead.Add(int64(4 * time.Second))
			return nil, true
		})
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		if _, took, err := d.Wait(w.ctx); err == nil || took != 4*time.Second || !strings.Contains(d.Warning, "4s") {
			t.Errorf("after %s: %v, %q", took, err, d.Warning)
		}
	})
}

// TestWarnings: a warning goes with the next good click, or with the message's edit.
func TestWarnings(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		var good atomic.Bool
		w.connect(func(socketmode.Event) (any, bool) { return nil, good.Load() })
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		click := func() bool {
			d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
			w.must(err)
			_, _, err = d.Wait(w.ctx)
			return (err == nil) == good.Load() && (w.state("user=U0ALICE").Channels[0].Messages[0].Warning == "") == good.Load()
		}
		first := click()
		good.Store(true)
		second := click()
		good.Store(false)
		third := click()
		w.must(edits(w, "C0PROD", ts, slack.MsgOptionText("card", true), card("v1|f|2"))())
		if got := w.state("user=U0ALICE").Channels[0].Messages[0].Warning; !first || !second || !third || got != "" {
			t.Errorf("%v %v %v, after the edit %q", first, second, third, got)
		}
	})
}

// TestUpdateOfText: without blocks the old ones stay.
func TestUpdateOfText(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		w.must(edits(w, "C0PROD", ts, slack.MsgOptionText("only text", true))())
		if got := w.Messages("C0PROD")[0]; got.Text != "only text" || len(got.Blocks) != 2 {
			t.Errorf("it is %+v", got)
		}
		w.refused(edits(w, "C0PROD", ts, slack.MsgOptionBlocks())(), "no_text")
	})
}

func TestEphemeralClick(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts, err := w.api.PostEphemeralContext(w.ctx, "C0PROD", "U0BOB", slack.MsgOptionText("sure?", true), card("v1|f|1"))
		w.must(err)
		if d, err := w.Click("U0ALICE", "C0PROD", ts, "revert"); err == nil {
			t.Errorf("somebody else can click in it: %+v", d)
		}
		d, err := w.Click("U0BOB", "C0PROD", ts, "revert")
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		w.must(err)
		ic, _ := (<-a.events).Data.(slack.InteractionCallback)
		if !ic.Container.IsEphemeral || len(ic.Message.Blocks.BlockSet) != 0 || ic.ResponseURL == "" {
			t.Errorf("the click is %+v", ic)
		}
		if code := w.respond(ic.ResponseURL, slack.WebhookMessage{DeleteOriginal: true}); code != http.StatusOK || len(w.Ephemerals("U0BOB")) != 0 {
			t.Errorf("deleting it answers %d", code)
		}
	})
}

func TestNoRetry(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		k := &taken{status: 500, noRetry: true}
		w.serve(k)
		w.must(w.OpenHome("U0BOB"))
		time.Sleep(time.Hour)
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.paths) != 1 {
			t.Errorf("it came %d times", len(k.paths))
		}
	})
}
