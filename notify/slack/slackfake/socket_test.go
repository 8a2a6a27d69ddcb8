package slackfake_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

func TestClick(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		w.post("C0PROD", slack.MsgOptionText("note", true), slack.MsgOptionTS(ts))
		d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		_, took, err := d.Wait(w.ctx)
		if w.must(err); took > time.Second || d.Acked.IsZero() || d.Over != "socket" || d.Warning != "" {
			t.Errorf("acknowledged after %s: %+v", took, d)
		}
		ic, _ := (<-a.events).Data.(slack.InteractionCallback)
		act := ic.ActionCallback.BlockActions
		switch {
		case len(act) != 1 || act[0].ActionID != "revert" || act[0].BlockID != "act:1" || act[0].Value != "v1|f|1" || act[0].Text.Text != "Revert now":
			t.Errorf("the actions are %+v", act)
		case ic.User.ID != "U0ALICE" || ic.User.TeamID != "T0EXAMPLE" || ic.Team.ID != "T0EXAMPLE" || ic.APIAppID != "A0GATE":
			t.Errorf("it came from %+v of %+v", ic.User, ic.Team)
		case ic.Container.MessageTs != ts || ic.Container.ChannelID != "C0PROD" || ic.Container.IsEphemeral || ic.Channel.ID != "C0PROD":
			t.Errorf("it happened in %+v", ic.Container)
		case ic.Message.ThreadTimestamp != ts || ic.Message.ReplyCount != 1: // a parent is in its own thread
			t.Errorf("the message is %+v", ic.Message)
		case ic.Message.Timestamp != ts || ic.Message.BotID != "B0GATE" || len(ic.Message.Blocks.BlockSet) != 2 || ic.TriggerID == "" || ic.ResponseURL == "":
			t.Errorf("the message is %+v", ic.Message)
		}
		all := w.Deliveries()
		if len(all) != 1 || all[0].Type != "block_actions" || all[0].User != "U0ALICE" || all[0].Acked.IsZero() || all[0].Envelope != d.Envelope {
			t.Errorf("the deliveries are %+v", all)
		}
	})
}

// TestClickLikeAPerson: what cannot be clicked is not delivered; what an attacker
// could send is.
func TestClickLikeAPerson(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		secret := w.post("C0SEC", slack.MsgOptionText("card", true), card("v1|f|1"))
		before := w.Messages("C0PROD")[0]
		w.must(edits(w, "C0PROD", ts, slack.MsgOptionText("done", true), slack.MsgOptionBlocks(section("done")))())
		for name, c := range map[string]struct {
			user, channel, ts, action string
			opts                      []slackfake.ClickOption
		}{
			"a button that is gone": {user: "U0ALICE", channel: "C0PROD", ts: ts, action: "revert"},
			"an unknown message":    {user: "U0ALICE", channel: "C0PROD", ts: "1.1", action: "revert"},
			"an unknown user":       {user: "U0NONE", channel: "C0PROD", ts: ts, action: "revert"},
			"a channel not seen":    {user: "U0BOB", channel: "C0SEC", ts: secret, action: "revert"},
			"a guest elsewhere":     {user: "U0GUEST", channel: "C0DEV", ts: ts, action: "revert"},
			"no in the confirm":     {user: "U0ALICE", channel: "C0SEC", ts: secret, action: "revert", opts: []slackfake.ClickOption{slackfake.Confirm(false)}},
			"another block":         {user: "U0ALICE", channel: "C0SEC", ts: secret, action: "revert", opts: []slackfake.ClickOption{slackfake.InBlock("other")}},
		} {
			if d, err := w.Click(c.user, c.channel, c.ts, c.action, c.opts...); err == nil {
				t.Errorf("%s: clicked, %+v", name, d)
			}
		}
		d, err := w.Click("U0GUEST", "C0PROD", ts, "revert", slackfake.Seen(before), slackfake.Value("v1|g|9"), slackfake.As("T0EVIL"))
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		w.must(err)
		ic, _ := (<-a.events).Data.(slack.InteractionCallback)
		if ic.ActionCallback.BlockActions[0].Value != "v1|g|9" || ic.User.TeamID != "T0EVIL" || ic.Team.ID != "T0EVIL" || ic.Message.Text != "card" {
			t.Errorf("the forged click is %+v", ic)
		}
		if n := len(w.Deliveries()); n != 1 {
			t.Errorf("%d deliveries, want the forged one only", n)
		}
	})
}

// TestLateAck: what is not acknowledged within three seconds is a warning to the one
// who clicked, and nobody else; the next good click clears it.
func TestLateAck(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration // negative: never
		warns bool
		acked bool
	}{
		"at once":       {0, false, true},
		"just in time":  {2999 * time.Millisecond, false, true},
		"a little late": {3001 * time.Millisecond, true, true},
		"much later":    {time.Minute, true, true},
		"never":         {-1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, slackfake.Options{}, func(t *testing.T, w *world) {
				a := w.connect(func(socketmode.Event) (any, bool) {
					time.Sleep(max(c.after, 0))
					return nil, c.after >= 0
				})
				ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
				d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
				w.must(err)
				_, _, err = d.Wait(w.ctx)
				<-a.events
				synctest.Wait()
				got := w.Deliveries()[0]
				if warns := err != nil; warns != c.warns || (got.Warning != "") != c.warns || got.Acked.IsZero() == c.acked {
					t.Errorf("warned %v (%v), acknowledged %s: %q", warns, err, got.Acked, got.Warning)
				}
				if took := got.Acked.Sub(got.Sent); c.acked && took != max(c.after, 0) {
					t.Errorf("it took %s, want %s", took, c.after)
				}
			})
		})
	}
}

// TestNoRedelivery: a click is delivered once, whatever becomes of it.
func TestNoRedelivery(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		if _, _, err = d.Wait(w.ctx); err == nil || d.Over != "" || d.Warning == "" {
			t.Errorf("with no socket: %v, %+v", err, d)
		}
		a := w.connect(silent)
		_, err = w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		w.DropSockets()
		time.Sleep(time.Hour)
		if n := len(w.Deliveries()); n != 2 || len(a.events) > 1 {
			t.Errorf("%d deliveries, %d arrived", n, len(a.events))
		}
	})
}

func TestReconnect(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		for i, end := range []func(){
			w.DropSockets,
			func() { w.Disconnect("warning") },
			func() { w.Disconnect("refresh_requested") },
			func() { w.Disconnect("link_disabled") },
			func() { w.Down(true); time.Sleep(time.Hour); w.Down(false) },
		} {
			end()
			time.Sleep(5 * time.Minute) // the client's longest back-off
			if n := w.Sockets(); n != 1 {
				t.Fatalf("end %d: %d sockets are open", i, n)
			}
			if got := a.count(socketmode.EventTypeConnected); got < i+2 {
				t.Errorf("end %d: connected %d times", i, got)
			}
			d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
			w.must(err)
			if _, _, err := d.Wait(w.ctx); err != nil {
				t.Errorf("end %d: %v", i, err)
			}
		}
	})
}

// TestLongSocket: pings keep a quiet socket, and an old one is renewed.
func TestLongSocket(t *testing.T) {
	story(t, slackfake.Options{SocketLife: 2 * time.Hour}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		time.Sleep(119 * time.Minute)
		if got := a.count(socketmode.EventTypeConnected); got != 1 {
			t.Errorf("connected %d times in two quiet hours", got)
		}
		time.Sleep(5 * time.Minute)
		if got := a.count(socketmode.EventTypeConnected); got != 2 || w.Sockets() != 1 {
			t.Errorf("connected %d times, %d sockets open: the old one is not renewed", got, w.Sockets())
		}
	})
}

// TestManySockets: ten share the work at random, the eleventh is turned away.
func TestManySockets(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		apps := make([]*app, 10)
		for i := range apps {
			apps[i] = w.connect(nil)
		}
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		for range 200 {
			d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
			w.must(err)
			_, _, err = d.Wait(w.ctx)
			w.must(err)
		}
		synctest.Wait()
		total := 0
		for i, a := range apps {
			total += len(a.events)
			if len(a.events) == 0 {
				t.Errorf("socket %d got none of 200", i)
			}
		}
		if total != 200 || w.Sockets() != 10 {
			t.Errorf("%d arrived over %d sockets", total, w.Sockets())
		}
		_, url, err := w.api.StartSocketModeContext(w.ctx)
		w.must(err)
		conn, _, err := w.ws.DialContext(w.ctx, url, nil)
		w.must(err)
		var frame struct{ Type, Reason string }
		if err := conn.ReadJSON(&frame); err != nil || frame.Type != "disconnect" || frame.Reason != "too_many_websockets" {
			t.Errorf("the eleventh is told %+v, %v", frame, err)
		}
		if _, _, err := w.ws.DialContext(w.ctx, url, nil); err == nil {
			t.Error("a ticket is good twice")
		}
	})
}

// TestReplay: the same envelope once more, or the same signed request.
func TestReplay(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		twice := func() (first, second *slackfake.Delivery) {
			d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
			w.must(err)
			_, _, err = d.Wait(w.ctx)
			w.must(err)
			time.Sleep(time.Minute)
			again := w.Replay(d)
			_, _, err = again.Wait(w.ctx)
			w.must(err)
			return d, again
		}
		first, second := twice()
		one, two := <-a.events, <-a.events
		if first.Envelope != second.Envelope || one.Request.EnvelopeID != two.Request.EnvelopeID || string(one.Request.Payload) != string(two.Request.Payload) {
			t.Errorf("the second differs: %+v, %+v", first, second)
		}
		k := &taken{}
		w.serve(k)
		twice()
		const at, signature = "X-Slack-Request-Timestamp", "X-Slack-Signature"
		if len(k.heads) != 2 || k.heads[0].Get(at) != k.heads[1].Get(at) || k.heads[0].Get(signature) != k.heads[1].Get(signature) {
			t.Errorf("the requests are %v", k.heads)
		}
	})
}
