package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// TestForgedClicks hands over what Slack would not send, as if its signature were worth nothing.
func TestForgedClicks(t *testing.T) {
	form := func(c *Click, m about, f Form) {
		c.Kind, c.View, c.Actions, c.Form = KindForm, "V1", 0, f
		m.Channel, m.Message = c.Channel, c.Message
		c.Channel, c.Message, c.Value = "", "", m.String()
	}
	value := Value{Group: "g1", Rev: 1, Scope: scopeProd, Finding: "f1", Episode: 1, Action: "f1-1", Plan: planOne}
	whole := Value{Group: "g1", Rev: 1}
	keep := Form{For: time.Hour, Reason: "a migration"}
	for _, c := range []struct {
		name   string
		forge  func(d *desk, c *Click)
		reason string // empty: a command is given
	}{
		{"as it is", func(*desk, *Click) {}, ""},
		{"another app", func(_ *desk, c *Click) { c.App = "A0OTHER" }, "app"},
		{"no team", func(_ *desk, c *Click) { c.Team = "" }, "team"},
		{"no team is configured", func(d *desk, _ *Click) { d.client.o.Team = "" }, "team"},
		{"another enterprise", func(d *desk, c *Click) { d.client.o.Enterprise, c.Enterprise = "E1", "E2" }, "enterprise"},
		{"of our enterprise", func(d *desk, c *Click) { d.client.o.Enterprise, c.Enterprise = "E1", "E1" }, ""},
		{"a user of another team", func(_ *desk, c *Click) { c.UserTeam = "T0OTHER" }, "stranger"},
		{"an unknown user", func(_ *desk, c *Click) { c.User = "U0NOBODY" }, "unknown-user"},
		{"two actions", func(_ *desk, c *Click) { c.Actions = 2 }, "action"},
		{"no action", func(_ *desk, c *Click) { c.Actions = 0 }, "action"},
		{"an unknown action", func(_ *desk, c *Click) { c.Action = "gw.delete" }, "action"},
		{"a form's id as an action", func(_ *desk, c *Click) { c.Action = ViewKeep }, "action"},
		{"an action's id as a form", func(_ *desk, c *Click) { form(c, about{Value: value.String()}, keep) }, "action"},
		{"on no message", func(_ *desk, c *Click) { c.Message = "" }, "message"},
		{"in no channel", func(_ *desk, c *Click) { c.Channel = "" }, "message"},
		{"on a message of another app", func(_ *desk, c *Click) { c.Message, c.Bot = "9.9", "B0OTHER" }, "message"},
		{"on a message of nobody", func(_ *desk, c *Click) { c.Message = "9.9" }, "message"},
		{"on a copy in a channel that is not ours", func(_ *desk, c *Click) { c.Channel, c.Message, c.Bot = "C0DEV", "9.9", "B0GATE" }, "message"},
		{"on a copy of an unknown group", func(_ *desk, c *Click) {
			c.Message, c.Bot, c.Value = "9.9", "B0GATE", strings.Replace(value.String(), "g1", "g9", 1)
		}, "message"},
		{"all, by the button of one", func(_ *desk, c *Click) { c.Action = ActRevertAll }, "action"},
		{"one, by the button of all", func(_ *desk, c *Click) { c.Value = whole.String() }, "action"},
		{"a scope without a finding", func(_ *desk, c *Click) { c.Value = Value{Group: "g1", Scope: scopeProd}.String() }, "value"},
		{"another scope", func(_ *desk, c *Click) {
			c.Value = strings.Replace(value.String(), string(scopeProd), "prj.64f000000000000000000009", 1)
		}, "stale"},
		{"a form", func(_ *desk, c *Click) { c.Action = ViewKeep; form(c, about{Value: value.String()}, keep) }, ""},
		{"a form with more time than there is", func(_ *desk, c *Click) {
			c.Action = ViewKeep
			form(c, about{Value: value.String(), Most: 1e6 * time.Hour}, Form{For: 1e5 * time.Hour, Reason: "x"})
		}, "value"},
		{"a form without a reason", func(_ *desk, c *Click) {
			c.Action = ViewKeep
			form(c, about{Value: value.String()}, Form{For: time.Hour})
		}, "value"},
		{"a form that carries nothing", func(_ *desk, c *Click) { c.Action = ViewKeep; form(c, about{}, keep); c.Value = "{" }, "value"},
		{"a form that carries too much", func(_ *desk, c *Click) {
			c.Action = ViewKeep
			form(c, about{}, keep)
			c.Value = strings.Repeat("x", 3001)
		}, "value"},
		{"undone without a reason", func(d *desk, c *Click) {
			d.change("f1", func(s *notify.Story) { s.Undo = notify.Undo{Until: time.Now().Add(time.Hour), Plan: planOne} })
			c.Action = ViewUndo
			form(c, about{Value: value.String()}, Form{})
		}, "value"},
		{"another plan undone", func(d *desk, c *Click) {
			d.change("f1", func(s *notify.Story) { s.Undo = notify.Undo{Until: time.Now().Add(time.Hour), Plan: "2222"} })
			c.Action = ViewUndo
			form(c, about{Value: value.String()}, Form{Reason: "x"})
		}, "stale"},
		{"undone by who made the change", func(d *desk, c *Click) {
			d.change("f1", func(s *notify.Story) {
				s.Undo, s.Authors = notify.Undo{Until: time.Now().Add(time.Hour), Plan: planOne}, []string{"bob"}
			})
			c.Action = ViewUndo
			form(c, about{Value: value.String()}, Form{Reason: "x"})
		}, "four-eyes"},
		{"all with a made-up list", func(_ *desk, c *Click) {
			c.Action = ViewAll
			form(c, about{Value: whole.String(), Number: 1, Digest: "made up"}, Form{})
		}, "stale"},
		{"all with another number", func(d *desk, c *Click) {
			c.Action = ViewAll
			form(c, about{Value: whole.String(), Number: 7, Digest: offered(d.groups["g1"])}, Form{})
		}, "stale"},
		{"all as shown", func(d *desk, c *Click) {
			c.Action = ViewAll
			form(c, about{Value: whole.String(), Number: 1, Digest: offered(d.groups["g1"])}, Form{})
		}, ""},
		{"long ago", func(_ *desk, c *Click) { c.At = time.Now().Add(-access.CommandLife - time.Second) }, "late"},
		{"kept already", func(d *desk, c *Click) {
			d.change("f1", func(s *notify.Story) { s.Finding.State = access.FindingWaived })
			c.Action = ActKeep
		}, "stale"},
		{"what violates is not known", func(d *desk, c *Click) {
			d.change("f1", func(s *notify.Story) { s.Finding.Digest = "" })
			c.Action = ActKeep
		}, "no-keep"},
		{"no time is allowed", func(d *desk, c *Click) { d.change("f1", func(s *notify.Story) { s.Keep.Most = 0 }); c.Action = ActKeep }, "no-keep"},
		{"a waiver of the configuration", func(d *desk, c *Click) {
			d.change("f1", func(s *notify.Story) {
				s.Finding.State, s.Finding.Waiver = access.FindingWaived, access.WaiverNote{ID: "w", Source: "gatewarden.yaml:7"}
			})
			c.Action = ActEnd
		}, "no-end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				p := d.card("g1", finding("f1"))
				click := Click{
					V: 1, ID: access.Hash(c.name), Kind: KindAction, At: time.Now(), App: "A0GATE", Team: "T0EXAMPLE", User: "U0BOB", UserTeam: "T0EXAMPLE",
					Channel: p.Channel, Message: p.ID, Actions: 1, Action: ActRevert, Value: value.String(),
				}
				c.forge(d, &click)
				d.must(d.gate.Handle(d.ctx, click))
				switch got := d.reasons(); {
				case c.reason == "" && (len(d.commands()) != 1 || len(got) > 0):
					t.Errorf("%d commands, refused %v", len(d.commands()), got)
				case c.reason != "" && (len(d.commands()) > 0 || !slices.Equal(got, []string{c.reason})):
					t.Errorf("%d commands, refused %v, want %s", len(d.commands()), got, c.reason)
				}
			})
		})
	}
}

// TestStrangersFillNoRecord: whoever is refused is put on record, and nobody as often as they like.
func TestStrangersFillNoRecord(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		begun := time.Now()
		for i := range 100 {
			d.must(d.gate.Handle(d.ctx, Click{V: 1, ID: fmt.Sprint(i), Kind: KindAction, At: time.Now(), App: "A0GATE", Team: "T0OTHER", User: "U0EVIL", Actions: 1, Action: ActRevert}))
		}
		if n := len(slices.DeleteFunc(d.reasons(), func(r string) bool { return r == "pace" })); n > paceBurst+int(time.Since(begun).Minutes()*paceBurst) {
			t.Errorf("%d refusals for the record within %s", n, time.Since(begun))
		}
	})
}

func TestPayloadsWithSeveralActions(t *testing.T) {
	for actions, want := range map[string]int{
		``: 0, `{"block_id":"b","action_id":"gw.ack"}`: 1, `{"block_id":"b","action_id":"gw.ack"},{"block_id":"c","action_id":"gw.revert"}`: 2, `{"block_id":"b","action_id":"gw.ack"},{"name":"old"}`: 2,
	} {
		c, err := clickOf([]byte(`{"type":"block_actions","user":{"id":"U1"},"actions":[` + actions + `]}`))
		if err != nil || c.Actions != want {
			t.Errorf("%s: %d, %v", actions, c.Actions, err)
		}
	}
}

func TestTickets(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		opened := 0
		d.gate.o.Ticket = func(_ context.Context, s notify.Story, by string) (string, error) {
			if opened++; opened == 1 {
				return "", errors.New("no answer")
			}
			return "SEC-1 for " + s.Finding.ID + " by " + by, nil
		}
		f := finding("f1")
		f.Ticket = "jira"
		p := d.card("g1", f)
		d.click("U0BOB", p, ActTicket)
		d.pass(time.Minute)
		d.lastly("U0BOB", "There is a ticket: SEC-1 for f1 by bob")
	})
}

func TestWhatSlackTellsOfItself(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.staff.Ties = map[string]string{"platform-oncall": "S0ONCALL"}
		d.gate.groups.refresh(d.ctx)
		before := len(d.Calls("usergroups.users.list"))
		for event, want := range map[string]error{
			`{"event":{"type":"subteam_members_changed","subteam_id":"S0ONCALL"}}`: errIgnored,
			`{"event":{"type":"app_uninstalled"}}`:                                 errIgnored,
			`{"event":{"type":"app_home_opened","tab":"messages","user":"U0BOB"}}`: errIgnored,
			`{"event":{"type":"message","user":"U0BOB"}}`:                          errIgnored,
			`{"event":{"type":"app_home_opened","tab":"home"}}`:                    nil,
			`[`: nil,
		} {
			if _, err := d.gate.happened([]byte(event), time.Now()); err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: %v", event, err)
			}
		}
		if !wrongWith(d, WrongToken, "bot") || d.client.Health().Up() {
			t.Errorf("%+v", d.client.Health().Problems())
		}
		if in, err := d.gate.groups.has(d.ctx, "S0ONCALL", "U0BOB"); !in || err != nil || len(d.Calls("usergroups.users.list")) != before+1 {
			t.Errorf("in it: %v, %v, after %d calls", in, err, len(d.Calls("usergroups.users.list"))-before)
		}
	})
}

func TestDirectMessagesByEMail(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.staff.TrustEmail = true
		p := d.card("g1", finding("f1"))
		d.must(d.client.Direct(d.ctx, "carol", finding("f1"), p))
		said := d.Calls("chat.postMessage")
		if last := said[len(said)-1]; last.Args.Get("channel") != "U0CAROL" || !strings.Contains(last.Args.Get("text"), "open to the &lt;!channel› world") {
			t.Errorf("%+v", last)
		}
	})
}

// TestACourtesyKeepsNoCardWaiting: what only a direct word takes is missing, and the board is not shut for it.
func TestACourtesyKeepsNoCardWaiting(t *testing.T) {
	for code, want := range map[string]error{"missing_scope": notify.ErrNoPlace, "some_new_code": notify.ErrNoPlace, "token_revoked": notify.ErrNoBoard, "internal_error": access.ErrTemporary} {
		t.Run(code, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				d.staff.TrustEmail = true
				p := d.card("g1", finding("f1"))
				d.Fail("users.lookupByEmail", slackfake.NotOK(code))
				if err := d.client.Direct(d.ctx, "carol", finding("f1"), p); !errors.Is(err, want) || want != notify.ErrNoBoard && errors.Is(err, notify.ErrNoBoard) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestRedirectsAreNotFollowed: what we send holds a token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := []string{}
		c := NewClient(Options{BotToken: "xoxb-not-a-token", APIURL: "https://slack.example.com/api/", Draw: drawTest, HTTP: answering(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Host)
			resp := answered(307, "")
			resp.Header.Set("Location", "https://evil.example.com/")
			return resp, nil
		})})
		if _, err := c.Post(t.Context(), "C0PROD", notify.Card{ID: "g1"}); err == nil || fmt.Sprint(asked) != "[slack.example.com]" {
			t.Errorf("%v, asked %v", err, asked)
		}
	})
}

func TestAnswersGoToSlackOnly(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		for _, u := range []string{"http://hooks.slack.com/x", "https://evil.example.com/x", "https://hooks.slack.com@evil.example.com/x", "https://a:b@hooks.slack.com/x", "file:///etc/passwd", "%zz", "https://hooks.slack.com.evil.example.com/x"} {
			d.client.o.Answers = []string{"hooks.slack.com"}
			if err := d.gate.respond(d.ctx, Click{Response: u}, "x"); err == nil || !strings.Contains(err.Error(), "the address for answers is not") {
				t.Errorf("%s: %v", u, err)
			}
		}
	})
}
