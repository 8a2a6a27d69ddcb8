package slack

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

func TestWhoIsRefusedIsToldWhy(t *testing.T) {
	value := func(edit func(*Value)) string {
		v := Value{Group: "g1", Rev: 1, Scope: scopeProd, Finding: "f1", Episode: 1, Action: "f1-1", Plan: planOne}
		edit(&v)
		return v.String()
	}
	for _, c := range []struct {
		name, user, action string
		given              func(d *desk)
		opts               []slackfake.ClickOption
		reason, says       string
	}{
		{name: "a guest", user: "U0GUEST", reason: "guest", says: "Guests decide nothing"},
		{name: "a bot", user: "U0ROBOT", reason: "bot", says: "bots decide nothing"},
		{name: "another workspace", user: "U0BOB", opts: []slackfake.ClickOption{slackfake.As("T0OTHER")}, reason: "team", says: "our own workspace"},
		{name: "a member of another workspace by now", user: "U0BOB", given: func(d *desk) { d.SetUser(slackfake.User{ID: "U0BOB", Name: "bob", TeamID: "T0OTHER"}) }, reason: "stranger"},
		{name: "a principal by e-mail that is not trusted", user: "U0CAROL", reason: "nobody", says: "Slack id U0CAROL added to principals"},
		{name: "two principals with one Slack id", user: "U0BOB", given: func(d *desk) {
			d.staff.Principals = append(slices.Clone(d.staff.Principals), access.Principal{ID: "bobby", Slack: "U0BOB"})
		}, reason: "ambiguous", says: "bob and bobby"},
		{name: "not among the approvers", user: "U0BOB", given: func(d *desk) { d.change("f1", func(s *notify.Story) { s.Question.May = []string{"alice"} }) }, reason: "not-asked", says: "alice. Ask one of them"},
		{name: "nobody is an approver", user: "U0BOB", given: func(d *desk) { d.change("f1", func(s *notify.Story) { s.Question.May = nil }) }, reason: "not-asked", says: "nobody"},
		{name: "another plan by now", user: "U0BOB", given: func(d *desk) {
			d.change("f1", func(s *notify.Story) { s.Question.Plan, s.Action.PlanHash = "2222", "2222" })
		}, reason: "stale", says: "The card has changed since you saw it: another plan"},
		{name: "expired", user: "U0BOB", given: func(d *desk) {
			d.change("f1", func(s *notify.Story) { s.Question, s.Action.State = notify.Question{}, access.ActionExpired })
		}, reason: "stale", says: "its action is expired"},
		{name: "resolved meanwhile", user: "U0BOB", given: func(d *desk) { d.change("f1", func(s *notify.Story) { s.Finding.State = access.FindingResolved }) }, reason: "stale", says: "resolved by now"},
		{name: "opened again meanwhile", user: "U0BOB", given: func(d *desk) { d.change("f1", func(s *notify.Story) { s.Finding.Episode = 2 }) }, reason: "stale", says: "an earlier time"},
		{name: "gone", user: "U0BOB", given: func(d *desk) { delete(d.stories, "f1") }, reason: "stale", says: "gone"},
		{name: "a forged finding", user: "U0BOB", given: func(d *desk) { d.stories["f2"] = finding("f2") },
			opts: []slackfake.ClickOption{slackfake.Value(value(func(v *Value) { v.Finding, v.Action = "f2", "f2-1" }))}, reason: "stale", says: "another card"},
		{name: "a forged group", user: "U0BOB", opts: []slackfake.ClickOption{slackfake.Value(value(func(v *Value) { v.Group = "g2" }))}, reason: "value"},
		{name: "a forged action", user: "U0BOB", opts: []slackfake.ClickOption{slackfake.Value(value(func(v *Value) { v.Action = "f9-1" }))}, reason: "stale"},
		{name: "a forged plan", user: "U0BOB", opts: []slackfake.ClickOption{slackfake.Value(value(func(v *Value) { v.Plan = "evil" }))}, reason: "stale"},
		{name: "no value at all", user: "U0BOB", opts: []slackfake.ClickOption{slackfake.Value("v9|<!channel>")}, reason: "value", says: "not understood"},
		{name: "who made the change keeps it", user: "U0RAJESH", action: ActKeep, reason: "four-eyes", says: "somebody else must say that it stays: alice, bob, carol"},
		{name: "who made the change agrees to keep it", user: "U0RAJESH", action: ActSecond, given: func(d *desk) {
			d.change("f1", func(s *notify.Story) { s.Keep.By, s.Keep.Until = []string{"bob"}, time.Now().Add(time.Hour) })
		}, reason: "four-eyes"},
		{name: "agrees with oneself", user: "U0BOB", action: ActSecond, given: func(d *desk) {
			d.change("f1", func(s *notify.Story) { s.Keep.By, s.Keep.Until = []string{"bob"}, time.Now().Add(time.Hour) })
		}, reason: "four-eyes", says: "somebody else has to agree"},
		{name: "nobody asked to keep it", user: "U0BOB", action: ActSecond, reason: "stale", says: "nobody asks to keep this"},
		{name: "may never be kept from Slack", user: "U0BOB", action: ActKeep, given: func(d *desk) {
			d.change("f1", func(s *notify.Story) { s.Keep.No = "open to the world in prod: gatewarden waive" })
		}, reason: "no-keep", says: "gatewarden waive"},
		{name: "a second for what may never be kept", user: "U0BOB", action: ActSecond, given: func(d *desk) {
			d.change("f1", func(s *notify.Story) {
				s.Keep = notify.Keep{No: "by API only", Most: time.Hour, By: []string{"alice"}, Until: time.Now().Add(time.Hour)}
			})
		}, reason: "no-keep"},
		{name: "nothing to undo", user: "U0BOB", action: ActUndo, reason: "stale", says: "cannot be taken back"},
		{name: "no ticket system", user: "U0BOB", action: ActTicket, reason: "no-ticket"},
		{name: "snoozed for too long", user: "U0BOB", action: ActSnooze, opts: []slackfake.ClickOption{slackfake.Value(value(func(*Value) {}) + " 999h")}, reason: "value", says: "a week at most"},
		{name: "no waiver to end", user: "U0BOB", action: ActEnd, reason: "stale", says: "not kept any more"},
		{name: "remediate declines", user: "U0BOB", given: func(d *desk) { d.decline = "everything is frozen since noon" }, reason: "declined", says: "Everything is frozen since noon"},
		{name: "the channel is shared", user: "U0BOB", given: func(d *desk) {
			g := d.groups["g1"]
			var err error
			g.At, err = d.client.Post(d.ctx, "C0SHARED", notify.Card{ID: "g1", Rev: 1, Stories: []notify.Story{d.stories["f1"]}})
			d.must(err)
			d.groups["g1"] = g
		}, reason: "shared", says: "shared with another workspace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				d.card("g1", finding("f1"))
				d.pass(2 * time.Second)
				if c.given != nil {
					c.given(d)
				}
				d.settle()
				d.click(c.user, d.groups["g1"].At, orElse(c.action, ActRevert), c.opts...)
				if c.reason != "declined" && len(d.commands()) > 0 {
					t.Fatalf("a command was given: %+v", d.commands())
				}
				d.lastly(c.user, c.says)
				if got := d.reasons(); !slices.Equal(got, []string{c.reason}) {
					t.Errorf("refused for %v, want %s", got, c.reason)
				}
				if n := testutil.ToFloat64(d.gate.o.Metrics.refused.WithLabelValues(c.reason)); n != 1 {
					t.Errorf("counted %v times", n)
				}
				if d.logs.FilterMessage("a click was refused").Len() != 1 {
					t.Error("it is not in the log once")
				}
				if v := d.Views(c.user); len(v) > 0 {
					t.Errorf("a form is open: %+v", v)
				}
			})
		})
	}
}

func TestWhoIsKnownByEMail(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.staff.TrustEmail = true
		p := d.card("g1", finding("f1"))
		d.click("U0CAROL", p, ActRevert)
		if c := d.commands(); len(c) != 1 || c[0].By != "carol" || !strings.HasSuffix(c[0].How, ", by e-mail") {
			t.Fatalf("%+v, refused %v", c, d.reasons())
		}
		d.staff.Principals = append(d.staff.Principals, access.Principal{ID: "karol", Email: "Carol@example.com"})
		d.click("U0CAROL", p, ActDeny)
		d.lastly("U0CAROL", "carol and karol")
	})
}

// TestAnAddressThatOnlyLooksLikeIt is another one: a Kelvin sign is no k, whatever Unicode folds it to.
func TestAnAddressThatOnlyLooksLikeIt(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.staff.TrustEmail = true
		d.staff.Principals = append(d.staff.Principals, access.Principal{ID: "kim", Email: "kim@example.com"})
		d.SetUser(slackfake.User{ID: "U0CAROL", Name: "carol", RealName: "Carol Example", Email: "\u212Aim@example.com"})
		p := d.card("g1", finding("f1"))
		d.click("U0CAROL", p, ActRevert)
		if c := d.commands(); len(c) != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestTiedGroupsAreAskedOfSlack(t *testing.T) {
	tied := func(d *desk) {
		d.staff.Ties = map[string]string{"platform-oncall": "S0ONCALL"}
		d.staff.Operators = nil
		d.change("f1", func(s *notify.Story) { s.Approvers = []string{"platform-oncall"} })
	}
	for _, c := range []struct {
		name, reason, says string
		given              func(d *desk)
	}{
		{name: "in it", given: func(*desk) {}},
		{name: "left it, which Slack says at once", given: func(d *desk) { d.SetGroup("S0ONCALL", []string{"U0ALICE"}) }, reason: "group", says: "not in the Slack user group"},
		{name: "it was deleted", given: func(d *desk) { d.DeleteGroup("S0ONCALL") }, reason: "group"},
		{name: "known lately, and Slack cannot say", given: func(d *desk) { d.FailEvery("usergroups.users.list", 1, slackfake.Status(500)) }},
		{name: "known long ago, and Slack cannot say", given: func(d *desk) {
			d.FailEvery("usergroups.users.list", 1, slackfake.Status(500))
			d.pass(groupFor)
		}, reason: "group-unknown", says: "could not be checked"},
		{name: "known long ago, and Slack hangs", given: func(d *desk) {
			d.FailEvery("usergroups.users.list", 1, slackfake.Hang(time.Hour))
			d.pass(groupFor)
		}, reason: "group-unknown"},
		{name: "an approver by name, too", given: func(d *desk) {
			d.SetGroup("S0ONCALL", nil)
			d.change("f1", func(s *notify.Story) { s.Approvers = []string{"platform-oncall", "bob"} })
		}},
		{name: "in a group that is not tied, too", given: func(d *desk) {
			d.SetGroup("S0ONCALL", nil)
			d.staff.Groups["others"] = []string{"bob"}
			d.change("f1", func(s *notify.Story) { s.Approvers = []string{"platform-oncall", "others"} })
		}},
		{name: "in a group that is not tied, and has no say any more", given: func(d *desk) {
			d.SetGroup("S0ONCALL", nil)
			d.staff.Groups["others"] = []string{"bob"}
			d.change("f1", func(s *notify.Story) { s.Action.Ask.Approvers = []string{"platform-oncall", "others"} })
		}, reason: "group"},
		{name: "nobody was asked, and in another group that is tied", given: func(d *desk) {
			d.SetGroup("S0ONCALL", nil)
			d.SetGroup("S0ALL", []string{"U0BOB"})
			d.staff.Groups["all"], d.staff.Ties["all"] = []string{"bob"}, "S0ALL"
			d.change("f1", func(s *notify.Story) { s.Action.Ask.Approvers = nil })
		}, reason: "group"},
		{name: "by what group is not known", given: func(d *desk) {
			d.SetGroup("S0ONCALL", nil)
			d.change("f1", func(s *notify.Story) { s.Approvers = nil })
		}, reason: "group"},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				p := d.card("g1", finding("f1"))
				tied(d)
				d.gate.groups.refresh(d.ctx)
				c.given(d)
				d.pass(groupRefresh) // at most so long after the change
				d.click("U0BOB", p, ActRevert)
				d.pass(2 * time.Second)
				if c.reason == "" {
					if len(d.commands()) != 1 {
						t.Errorf("no command: refused %v", d.reasons())
					}
					return
				}
				d.lastly("U0BOB", c.says)
				if got := d.reasons(); !slices.Equal(got, []string{c.reason}) || len(d.commands()) > 0 {
					t.Errorf("refused for %v, want %s; given %d", got, c.reason, len(d.commands()))
				}
			})
		})
	}
}

func TestManyClicksOfOnePersonAreBounded(t *testing.T) {
	atDesk(t, slackfake.Options{NoLimits: true}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		for range 3 * paceBurst {
			d.click("U0BOB", p, ActRevert)
		}
		if n := len(d.commands()); n != paceBurst {
			t.Errorf("%d commands, want %d", n, paceBurst)
		}
		d.lastly("U0BOB", "many clicks")
		d.pass(time.Minute)
		d.click("U0BOB", p, ActRevert)
		if n := len(d.commands()); n != paceBurst+1 {
			t.Errorf("%d commands after a minute, want one more", n)
		}
	})
}
