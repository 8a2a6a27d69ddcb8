package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	slackgo "github.com/slack-go/slack"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// TestWordsWaitForNobody: while they would have to wait for their turn, the card is let go, so that it can be
// edited.
func TestWordsWaitForNobody(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p, begun := d.card("g1", finding("f1")), time.Now()
		err := d.client.Say(d.ctx, p, notify.Line{Text: "x"})
		if wait := after(err); wait <= 0 || wait > time.Second || time.Since(begun) > sayWithin {
			t.Fatalf("after %s: %v", time.Since(begun), err)
		}
		d.pass(after(err))
		d.must(d.client.Say(d.ctx, p, notify.Line{Text: "x"}))
	})
}

func TestCardsArePostedAndEditedAsTheyAre(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.must(d.client.Edit(d.ctx, p, notify.Card{ID: "g1", Rev: 2, Stories: []notify.Story{finding("f1")}}))
		d.pass(time.Second)
		d.must(d.client.Say(d.ctx, p, notify.Line{Text: "denied by <!channel> *bob*", Loud: true}))
		d.pass(2 * time.Second)
		d.must(d.client.Direct(d.ctx, "alice", finding("f1"), p))
		m := d.Messages("C0PROD")[0]
		if m.Edits != 1 || m.Text != "card g1" || len(m.Replies) != 1 || m.Replies[0].Text != "denied by &lt;!channel› ∗bob∗" || !strings.Contains(fmt.Sprint(m.Replies[0].Blocks[0]), "text:denied by <!channel> *bob*") || !m.Replies[0].Broadcast {
			t.Errorf("%+v", m)
		}
		if !strings.Contains(string(m.Metadata), `"group":"g1"`) {
			t.Errorf("metadata %s", m.Metadata)
		}
		for _, method := range []string{"chat.postMessage", "chat.update"} {
			for _, c := range d.Calls(method) {
				if a := c.Args; a.Get("parse") != "none" || a.Get("link_names") != "false" && a.Get("link_names") != "0" || a.Get("text") == "" || a.Get("blocks") == "" || method == "chat.postMessage" && (a.Get("unfurl_links") != "false" || a.Get("unfurl_media") != "false") {
					t.Errorf("%s: %v", method, a)
				}
			}
		}
	})
}

func TestWhatIsWrongWithAPost(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(d *desk, p notify.Placed) error
		is   error
		says string
	}{
		{"the message is gone", func(d *desk, p notify.Placed) error {
			d.DeleteMessage(p.Channel, p.ID)
			return d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
		}, notify.ErrNoCard, "message_not_found"},
		{"the channel is archived", func(d *desk, _ notify.Placed) error {
			d.Archive("atlas-prod")
			_, err := d.client.Post(d.ctx, "atlas-prod", notify.Card{ID: "g2"})
			return err
		}, notify.ErrNoPlace, "is_archived"},
		{"the channel is unknown", func(d *desk, _ notify.Placed) error {
			_, err := d.client.Post(d.ctx, "nowhere", notify.Card{ID: "g2"})
			return err
		}, notify.ErrNoPlace, "no channel of this name"},
		{"the token is revoked", func(d *desk, p notify.Placed) error {
			d.Revoke()
			return d.client.Say(d.ctx, p, notify.Line{Text: "x"})
		}, notify.ErrNoBoard, "token_revoked"},
		{"a scope is missing", func(d *desk, p notify.Placed) error {
			d.RemoveScope("chat:write")
			return d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
		}, notify.ErrNoBoard, "the app lacks chat:write"},
		{"Slack is down", func(d *desk, p notify.Placed) error {
			d.Down(true)
			return d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
		}, access.ErrTemporary, "edit"},
		{"Slack answers with HTML", func(d *desk, p notify.Placed) error {
			d.Fail("chat.update", slackfake.HTML(503))
			return d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
		}, access.ErrTemporary, "503"},
		{"the answer is cut off", func(d *desk, p notify.Placed) error {
			d.Fail("chat.update", slackfake.CutAnswer())
			return d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
		}, access.ErrTemporary, ""},
		{"Slack hangs", func(d *desk, p notify.Placed) error {
			d.Fail("chat.update", slackfake.Hang(time.Hour))
			return d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
		}, access.ErrTemporary, ""},
		{"Slack says later", func(d *desk, p notify.Placed) error {
			d.Fail("chat.update", slackfake.RateLimited(7*time.Second))
			err := d.client.Edit(d.ctx, p, notify.Card{ID: "g1"})
			if after(err) != 7*time.Second {
				d.t.Errorf("to be tried again after %s", after(err))
			}
			before := len(d.Calls("chat.update"))
			if again := d.client.Edit(d.ctx, p, notify.Card{ID: "g1"}); after(again) <= 6*time.Second || len(d.Calls("chat.update")) != before {
				d.t.Errorf("asked again at once: %v", again)
			}
			d.pass(8 * time.Second)
			d.must(d.client.Edit(d.ctx, p, notify.Card{ID: "g1"}))
			return err
		}, access.ErrTemporary, ""},
		{"nobody in Slack", func(d *desk, p notify.Placed) error { return d.client.Direct(d.ctx, "carol", finding("f1"), p) }, notify.ErrNoPlace, "principals.slack"},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				p := d.card("g1", finding("f1"))
				d.pass(2 * time.Second)
				err := c.do(d, p)
				if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v: want %v, %q", err, c.is, c.says)
				}
				for _, other := range []error{notify.ErrNoCard, notify.ErrNoPlace, notify.ErrNoBoard, access.ErrTemporary} {
					if other != c.is && errors.Is(err, other) { //nolint:errorlint // the very one
						t.Errorf("%v is %v, too", err, other)
					}
				}
			})
		})
	}
}

func after(err error) time.Duration {
	var l interface{ RetryAfter() time.Duration }
	if errors.As(err, &l) {
		return l.RetryAfter()
	}
	return 0
}

func TestADrawingThatSlackRefusesIsSentAsText(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.client.o.Draw = func(c notify.Card) (string, []slackgo.Block) {
			long := slackgo.NewTextBlockObject(slackgo.MarkdownType, strings.Repeat("x", 3001), false, false)
			return "card &lt;" + c.ID + "&gt;", []slackgo.Block{slackgo.NewSectionBlock(long, nil, nil)}
		}
		p, err := d.client.Post(d.ctx, "atlas-prod", notify.Card{ID: "g1"})
		d.must(err)
		if m := d.Messages("C0PROD"); len(m) != 1 || toText(m[0].Blocks[0]) != "card <g1>" || !wrongWith(d, WrongBlocks, "g1") {
			t.Errorf("%+v; %+v", m, d.client.Health().Problems())
		}
		d.Fail("chat.update", slackfake.NotOK("msg_blocks_too_long"), slackfake.NotOK("msg_too_long"))
		if err := d.client.Edit(d.ctx, p, notify.Card{ID: "g1"}); err == nil || len(d.Calls("chat.update")) != 2 {
			t.Errorf("%v after %d calls, want two and no more", err, len(d.Calls("chat.update")))
		}
		d.client.o.Draw = drawTest
		d.must(d.client.Edit(d.ctx, p, notify.Card{ID: "g1", Stories: []notify.Story{finding("f1")}}))
		if wrongWith(d, WrongBlocks, "g1") {
			t.Error("what is drawn well again is still wrong")
		}
		d.stories["f1"], d.groups["g1"] = finding("f1"), notify.Group{ID: "g1", At: p, Members: []notify.Member{{Scope: scopeProd, Finding: "f1", Episode: 1}}}
		d.Fail("views.open", slackfake.NotOK("invalid_arguments"))
		d.click("U0BOB", p, ActKeep)
		d.lastly("U0BOB", "could not be opened")
		if !wrongWith(d, WrongBlocks, ActKeep) {
			t.Errorf("%+v", d.client.Health().Problems())
		}
		d.click("U0BOB", p, ActKeep)
		if len(d.client.Health().Problems()) > 0 || len(d.Views("U0BOB")) != 1 {
			t.Errorf("%+v", d.client.Health().Problems())
		}
	})
}

// TestLimitsAreNeverReached posts and edits as fast as it may: the fake enforces Slack's limits, and
// never has to.
func TestLimitsAreNeverReached(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		posts := 0
		var p notify.Placed
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
			got, err := d.client.Post(d.ctx, "atlas-prod", notify.Card{ID: "g1"})
			switch {
			case err == nil:
				posts, p = posts+1, got
			case after(err) == 0:
				t.Fatal(err)
			}
			if p.ID != "" {
				if err := d.client.Edit(d.ctx, p, notify.Card{ID: "g1"}); err != nil && after(err) == 0 {
					t.Fatal(err)
				}
			}
			d.pass(100 * time.Millisecond)
		}
		for _, c := range d.Calls("") {
			if c.Status == http.StatusTooManyRequests {
				t.Fatalf("Slack had to limit %s", c.Method)
			}
		}
		if posts > 122 || posts < 60 || len(d.Calls("chat.update")) > 100 {
			t.Errorf("%d posts, %d edits in two minutes", posts, len(d.Calls("chat.update")))
		}
	})
}

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		begun := time.Now()
		for range 3 {
			if err := l.wait(t.Context(), "chat.postMessage", "C1"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("three posts into a channel took %s", took)
		}
		for i := range 3 * manyChannels {
			if err := l.wait(t.Context(), "chat.postMessage", fmt.Sprint(i)); err != nil && after(err) == 0 {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if _, err := l.turn("chat.postMessage", "one more"); err != nil || len(l.channels) > manyChannels {
			t.Errorf("%v; %d channels are remembered", err, len(l.channels))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = l.turn("x", "C2")
		if err := l.wait(ctx, "x", "C2"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// TestNoTokenIsEverSaid provokes what can go wrong, with answers that repeat what we sent, and looks
// for our tokens in every line of the log, every error, and every problem.
func TestNoTokenIsEverSaid(t *testing.T) {
	tokens := []string{"xoxb-9999-not-a-token", "xapp-1-A0GATE-9999-not-a-token", "T0/B0/hookhook", "ticket-ticket"}
	answers := map[string]func(r *http.Request) (*http.Response, error){
		"network": func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("dial with %s to %s?ticket=%s", tokens[0], r.URL, tokens[3])
		},
		"echo": func(r *http.Request) (*http.Response, error) {
			return answered(200, fmt.Sprintf(`{"ok":false,"error":"bad token %s","needed":"%s","response_metadata":{"messages":["%s was given","wss://x.example.com/link/?ticket=%s"]}}`, tokens[0], tokens[1], tokens[0], tokens[3])), nil
		},
		"fatal": func(*http.Request) (*http.Response, error) {
			return answered(200, `{"ok":false,"error":"invalid_auth"}`), nil
		},
		"garbage": func(*http.Request) (*http.Response, error) { return answered(200, "<html>"+tokens[0]), nil },
		"500":     func(*http.Request) (*http.Response, error) { return answered(500, tokens[0]), nil },
		"400":     func(*http.Request) (*http.Response, error) { return answered(400, tokens[1]), nil },
		"429":     func(*http.Request) (*http.Response, error) { return answered(429, tokens[1]), nil },
		"socket": func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "apps.connections.open") {
				return answered(200, `{"ok":true,"url":"wss://x.example.com/link/?ticket=`+tokens[3]+`%zz"}`), nil
			}
			return answered(200, `{"ok":true,"team_id":"T0EXAMPLE","bot_id":"B0","user_id":"U0"}`), nil
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zapcore.DebugLevel)
				c := NewClient(Options{
					BotToken: tokens[0], AppToken: tokens[1], APIURL: "https://slack.example.com/api/", Team: "T0EXAMPLE", App: "A0GATE", HTTP: answering(answer), Draw: drawTest, Logger: zap.New(core),
					Channels: func() []string { return []string{"atlas-prod"} },
					Staff: func() Staff {
						return Staff{Principals: []access.Principal{{ID: "bob", Slack: "U0BOB"}}, Ties: map[string]string{"x": "S0X"}, Groups: map[string][]string{"x": {"bob"}}}
					},
				})
				d := &desk{t: t, ctx: t.Context(), stories: map[string]notify.Story{}, groups: map[string]notify.Group{}}
				g := NewGateway(GatewayOptions{Client: c, Stories: d, Groups: d, Commands: signs{d}, Book: d, Modals: formsTest{}, Inbox: newDrawer[Click](), Logger: zap.New(core)})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- g.Run(ctx) }()
				d.stories["f1"] = finding("f1")
				at := notify.Placed{Channel: "C0PROD", ID: "1.1"}
				d.groups["g1"] = notify.Group{ID: "g1", At: at}
				var said []string
				note := func(err error) {
					if err != nil {
						said = append(said, err.Error())
					}
				}
				_, err := c.Post(ctx, "C0PROD", notify.Card{ID: "g1"})
				note(err)
				note(c.Edit(ctx, at, notify.Card{ID: "g1"}))
				note(c.Say(ctx, at, notify.Line{Text: "x"}))
				note(c.Direct(ctx, "bob", finding("f1"), at))
				note(c.Check(ctx))
				for _, action := range allowed() {
					click := Click{V: 1, ID: access.Hash(action), Kind: KindAction, At: time.Now(), App: "A0GATE", Team: "T0EXAMPLE", User: "U0BOB", Channel: "C0PROD", Message: "1.1", Actions: 1, Action: action, Bot: "B0",
						Value: Value{Group: "g1", Scope: scopeProd, Finding: "f1", Episode: 1}.String(), Response: "https://hooks.slack.com/actions/" + tokens[2], Trigger: "t"}
					note(g.Handle(ctx, click))
				}
				time.Sleep(3 * time.Minute)
				cancel()
				note(<-done)
				for _, e := range logs.All() {
					said = append(said, e.Message, fmt.Sprint(e.ContextMap()))
				}
				said = append(said, fmt.Sprintf("%+v", c.Health().Problems()))
				if len(said) < 5 {
					t.Fatalf("hardly anything was said: %q", said)
				}
				for _, s := range said {
					for _, secret := range tokens {
						if strings.Contains(s, secret) {
							t.Errorf("%q holds %q", s, secret)
						}
					}
				}
			})
		})
	}
}

type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func answered(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}
