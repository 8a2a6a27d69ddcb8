package slackfake_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// world is a workspace without a network, in a bubble of time, and a real client.
type world struct {
	*slackfake.Slack
	t    *testing.T
	ctx  context.Context
	http *http.Client
	ws   *websocket.Dialer
	api  *slack.Client

	dialApp atomic.Pointer[dialer] // of the app's own server, in HTTP mode
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// story runs a test in a bubble, with a workspace of these options.
func story(t *testing.T, o slackfake.Options, tell func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ln, dial := slackfake.Memory()
		w := &world{}
		o.Listener = ln
		o.Client = &http.Client{
			Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return (*w.dialApp.Load())(ctx, network, addr)
			}},
		}
		s, err := slackfake.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		w.Slack, w.t, w.ctx = s, t, t.Context()
		w.http = &http.Client{Transport: &http.Transport{DialContext: dial}}
		w.ws = &websocket.Dialer{NetDialContext: dial, HandshakeTimeout: 10 * time.Second}
		w.api = w.client(s.Tokens())
		t.Cleanup(func() {
			w.http.CloseIdleConnections()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		tell(t, w)
	})
}

func (w *world) client(tok slackfake.Tokens) *slack.Client {
	return slack.New(tok.BotToken, slack.OptionAPIURL(w.APIURL()), slack.OptionAppLevelToken(tok.AppToken), slack.OptionHTTPClient(w.http))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused checks the error code of an answer; "" = none.
func (w *world) refused(err error, code string, of ...string) {
	w.t.Helper()
	var e slack.SlackErrorResponse
	switch {
	case err == nil && code == "":
	case err == nil:
		w.t.Errorf("%s: accepted, want %s", of, code)
	case !errors.As(err, &e) || e.Err != code:
		w.t.Errorf("%s: refused with %v (%s), want %q", of, err, e.ResponseMetadata.Messages, code)
	}
}

func (w *world) post(channel string, o ...slack.MsgOption) string {
	w.t.Helper()
	_, ts, err := w.api.PostMessageContext(w.ctx, channel, o...)
	w.must(err)
	return ts
}

// app is a client of Socket Mode that acknowledges what it is told to.
type app struct {
	sm     *socketmode.Client
	events chan socketmode.Event // interactions, commands and events, acknowledged
	done   chan struct{}
	err    error

	mu     sync.Mutex
	seen   map[socketmode.EventType]int
	answer func(socketmode.Event) (payload any, ack bool)
}

// connect starts an app and waits until it is connected.
func (w *world) connect(answer func(socketmode.Event) (any, bool)) *app {
	w.t.Helper()
	a := w.launch(w.api, answer)
	synctest.Wait()
	if w.Sockets() == 0 {
		w.t.Fatal("the app did not connect")
	}
	return a
}

func (w *world) launch(api *slack.Client, answer func(socketmode.Event) (any, bool)) *app {
	a := &app{
		sm:     socketmode.New(api, socketmode.OptionDialer(w.ws)),
		events: make(chan socketmode.Event, 100), done: make(chan struct{}), seen: map[socketmode.EventType]int{}, answer: answer,
	}
	ctx, cancel := context.WithCancel(w.ctx)
	loops := sync.WaitGroup{}
	loops.Go(func() {
		a.err = a.sm.RunContext(ctx)
		close(a.done)
	})
	loops.Go(func() { a.loop(ctx) })
	w.t.Cleanup(func() {
		cancel()
		loops.Wait()
	})
	return a
}

func (a *app) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-a.sm.Events:
			a.mu.Lock()
			a.seen[ev.Type]++
			a.mu.Unlock()
			if ev.Request == nil || ev.Request.EnvelopeID == "" {
				continue
			}
			var payload any
			ack := true
			if a.answer != nil {
				payload, ack = a.answer(ev)
			}
			if ack {
				_ = a.sm.AckCtx(ctx, ev.Request.EnvelopeID, payload) // the test sees what is missing
			}
			a.events <- ev
		}
	}
}

func (a *app) count(kind socketmode.EventType) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[kind]
}

func silent(socketmode.Event) (any, bool) { return nil, false }

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("plain_text", text, false, false)
}

func section(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", text, false, true), nil, nil)
}

// card is a message with one dangerous button.
func card(value string) slack.MsgOption {
	b := slack.NewButtonBlockElement("revert", value, plain("Revert now"))
	b.Confirm = slack.NewConfirmationBlockObject(plain("Sure?"), plain("It removes an entry."), plain("Revert"), plain("Cancel"))
	return slack.MsgOptionBlocks(section("*open to the world*"), slack.NewActionBlock("act:1", b))
}
