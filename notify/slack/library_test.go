package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack/slacktest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// TestTheLibrarysOwnServer is a card, a click and a forged one against slack-go's own test server: it knows
// less than our fake, and others wrote it. What it echoes of each post is no envelope, and has no effect.
func TestTheLibrarysOwnServer(t *testing.T) {
	const team, user = "T024BE7LD", "W012A3CDE"
	s := slacktest.NewTestServer(func(c slacktest.Customize) {
		c.Handle("/chat.update", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"ok":true,"channel":"C0PROD","ts":"`+r.FormValue("ts")+`"}`)
		})
	})
	s.Start()
	t.Cleanup(s.Stop)
	feed := make(chan string, 100)
	go func() { // whatever it has seen must be read, or it stands still
		for m := range s.SeenFeed {
			feed <- m
		}
	}()
	client := NewClient(Options{
		BotToken: "xoxb-not-a-token", AppToken: "xapp-not-a-token", APIURL: s.GetAPIURL(), Team: team, App: "A0GATE", Draw: drawTest,
		Staff: func() Staff { return Staff{Principals: []access.Principal{{ID: "bob", Slack: user}}} },
	})
	d := &desk{t: t, ctx: t.Context(), stories: map[string]notify.Story{"f1": finding("f1")}, groups: map[string]notify.Group{}}
	story := d.stories["f1"]
	p, err := client.Post(t.Context(), "C0PROD", notify.Card{ID: "g1", Rev: 1, Stories: []notify.Story{story}})
	if err != nil || p.Channel != "C0PROD" || p.ID == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := client.Edit(t.Context(), p, notify.Card{ID: "g1", Rev: 2}); err != nil {
		t.Error(err)
	}
	d.groups["g1"] = notify.Group{ID: "g1", At: p, Members: []notify.Member{{Scope: scopeProd, Finding: "f1", Episode: 1}}}
	given := make(chan access.Command, 10)
	d.submit = func(_ context.Context, c access.Command) (access.CommandRecord, error) {
		given <- c
		return access.CommandRecord{Command: c, Accepted: true}, nil
	}
	refused := make(chan string, 10)
	g := NewGateway(GatewayOptions{
		Client: client, Stories: d, Groups: d, Commands: signs{d}, Book: d, Modals: formsTest{}, Inbox: newDrawer[Click](), Sockets: 1,
		Refused: func(_ context.Context, r Refusal) { refused <- r.Reason },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	value := Value{Group: "g1", Rev: 1, Scope: scopeProd, Finding: "f1", Episode: 1, Action: "f1-1", Plan: planOne}
	go s.SendToWebsocket(envelope(t, "e1", team, user, p, value.String()))
	select {
	case c := <-given:
		if c.By != "bob" || c.Verb != access.VerbVote || c.PlanHash != planOne {
			t.Errorf("%+v", c)
		}
	case why := <-refused:
		t.Fatalf("refused: %s", why)
	case <-time.After(time.Minute):
		t.Fatal("no command was given")
	}
	go s.SendToWebsocket(envelope(t, "e2", "T0OTHER", user, p, value.String()))
	select {
	case why := <-refused:
		if why != "team" {
			t.Errorf("refused for %s", why)
		}
	case c := <-given:
		t.Errorf("given: %+v", c)
	case <-time.After(time.Minute):
		t.Fatal("nothing came of a click from another workspace")
	}
	acked := map[string]bool{}
	for limit := time.After(time.Minute); len(acked) < 2; {
		select {
		case m := <-feed:
			for _, id := range []string{"e1", "e2"} {
				if strings.Contains(m, fmt.Sprintf(`"envelope_id":%q`, id)) {
					acked[id] = true
				}
			}
		case <-limit:
			t.Fatalf("acknowledged: %v", acked)
		}
	}
}

// envelope is a click as Socket Mode brings it.
func envelope(t *testing.T, id, team, user string, p notify.Placed, value string) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"type": "interactive", "envelope_id": id, "accepts_response_payload": false,
		"payload": map[string]any{
			"type": "block_actions", "api_app_id": "A0GATE", "team": map[string]any{"id": team}, "user": map[string]any{"id": user, "team_id": team},
			"channel": map[string]any{"id": p.Channel}, "message": map[string]any{"ts": p.ID, "type": "message"}, "container": map[string]any{"channel_id": p.Channel, "message_ts": p.ID},
			"actions": []any{map[string]any{"type": "button", "block_id": "b", "action_id": ActRevert, "value": value, "action_ts": id}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
