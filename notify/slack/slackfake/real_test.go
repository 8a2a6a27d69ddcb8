package slackfake_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// TestOverTheNetwork is the whole way over real connections: post, click, acknowledge,
// edit, lose the socket, click again.
func TestOverTheNetwork(t *testing.T) {
	s, err := slackfake.Start(slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	hc := &http.Client{Transport: &http.Transport{}}
	api := slack.New(s.Tokens().BotToken, slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(s.Tokens().AppToken), slack.OptionHTTPClient(hc))
	sm := socketmode.New(api)
	done, hello := make(chan error, 1), make(chan struct{}, 10)
	go func() { done <- sm.RunContext(ctx) }()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case ev := <-sm.Events:
				if ev.Type == socketmode.EventTypeHello {
					hello <- struct{}{}
				}
				if ev.Request != nil && ev.Request.EnvelopeID != "" {
					_ = sm.AckCtx(ctx, ev.Request.EnvelopeID, nil) // the test sees what is missing
				}
			}
		}
	}()
	_, ts, err := api.PostMessageContext(ctx, "C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		<-hello
		d, err := s.Click("U0ALICE", "C0PROD", ts, "revert")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Wait(ctx); err != nil {
			t.Fatalf("click %d: %v", i, err)
		}
		s.DropSockets()
	}
	s.Down(true)
	if _, err := api.AuthTestContext(ctx); err == nil {
		t.Error("it answers though it is down")
	}
	cancel()
	<-done
	hc.CloseIdleConnections()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("it is still served after Close")
	}
}

// TestListen: an address that is taken is an error that says so.
func TestListen(t *testing.T) {
	s, err := slackfake.Start(slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	addr := s.URL()[len("http://") : len(s.URL())-1]
	if _, err := slackfake.Start(slackfake.Options{Listen: addr}); err == nil {
		t.Errorf("%s is listened on twice", addr)
	}
}

// TestListenEverywhere: the addresses that are handed out lead somewhere.
func TestListenEverywhere(t *testing.T) {
	s, err := slackfake.Start(slackfake.Options{Listen: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("it is at %s", s.URL())
	}
}
