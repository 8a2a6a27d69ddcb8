package slack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// asDrawn is a desk with the cards and forms that people get.
func asDrawn(t *testing.T, tell func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, slackfake.Options{})
		look := Look{Atlas: "https://cloud.mongodb.com"}
		d.client.o.Draw = func(c notify.Card) (string, []slackgo.Block) {
			m := Render(c, time.Now(), look)
			return m.Text, m.Blocks
		}
		d.o.Modals = Views{Look: func() Look { return look }, DryRun: func() bool { return false }, Now: time.Now}
		d.run()
		tell(d)
		if p := d.client.Health().Problems(); len(p) > 0 {
			t.Errorf("%+v", p)
		}
	})
}

func TestTheFormsThatPeopleGet(t *testing.T) {
	asDrawn(t, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.click("U0BOB", p, ActKeep)
		if wrong := d.fill("U0BOB", map[string]any{fieldFor: "4h0m0s", fieldReason: otherReason, fieldWords: "short"}); wrong[fieldWords] == "" {
			t.Errorf("errors %v", wrong)
		}
		if wrong := d.fill("U0BOB", map[string]any{fieldFor: "4h0m0s", fieldReason: otherReason, fieldWords: "the partner needs it", fieldTicket: "SEC-1"}); len(wrong) > 0 {
			t.Fatalf("errors %v", wrong)
		}
		if c := d.commands(); len(c) != 1 || c[0].Verb != access.VerbWaive || c[0].Waiver.Until.Sub(c[0].At) != 4*time.Hour || !strings.Contains(c[0].Reason, "the partner needs it") || c[0].Ticket != "SEC-1" {
			t.Errorf("%+v, refused %v %q", c, d.reasons(), d.told("U0BOB"))
		}
		d.click("U0BOB", p, ActDetails)
		if v := d.form("U0BOB"); v.CallbackID != ViewDetails || v.SubmitText != "" {
			t.Errorf("%+v", v)
		}
	})
}

func TestDecidingOnTheHomeTab(t *testing.T) {
	asDrawn(t, func(d *desk) {
		d.stories["f1"] = finding("f1")
		d.must(d.OpenHome("U0BOB"))
		d.settle()
		got, err := d.Click("U0BOB", "", "", ActMore, slackfake.InView(d.Home("U0BOB").ID))
		d.must(err)
		d.settle()
		d.acked(got)
		got, err = d.Click("U0BOB", "", "", ActRevert, slackfake.InView(d.form("U0BOB").ID))
		d.must(err)
		d.settle()
		d.acked(got)
		if c := d.commands(); len(c) != 1 || c[0].By != "bob" || c[0].PlanHash != planOne {
			t.Fatalf("%+v, refused %v", c, d.reasons())
		}
		d.decline = "it is frozen"
		got, err = d.Click("U0BOB", "", "", ActRevert, slackfake.InView(d.form("U0BOB").ID))
		d.must(err)
		d.settle()
		d.acked(got)
		said := d.Calls("chat.postMessage")
		if len(said) != 1 || said[0].Args.Get("channel") != "U0BOB" || said[0].Args.Get("text") != "It is frozen" {
			t.Errorf("%+v, refused %v", said, d.reasons())
		}
	})
}

func TestAllOfAGroupAsPeopleGetIt(t *testing.T) {
	asDrawn(t, func(d *desk) {
		var stories []notify.Story
		for i := range TypedAbove + 2 {
			s := finding(fmt.Sprintf("f%d", i))
			s.Finding.Ref.Name = fmt.Sprintf("10.0.%d.0/24", i)
			stories = append(stories, s)
		}
		p := d.card("g1", stories...)
		d.click("U0BOB", p, ActRevertAll)
		if wrong := d.fill("U0BOB", map[string]any{fieldNumber: "11"}); wrong[fieldNumber] == "" {
			t.Errorf("errors %v", wrong)
		}
		d.fill("U0BOB", map[string]any{fieldNumber: "12"})
		if len(d.commands()) != 12 {
			t.Errorf("%d votes, refused %v", len(d.commands()), d.reasons())
		}
	})
}

func TestTheClockOfTheMachine(t *testing.T) {
	for off, want := range map[time.Duration]string{0: "", 4 * time.Minute: "", 10 * time.Minute: "10 min or more behind", -10 * time.Minute: "10 min or more ahead of"} {
		t.Run(off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewClient(Options{BotToken: "xoxb-not-a-token", APIURL: "https://slack.example.com/api/", Draw: drawTest, HTTP: answering(func(*http.Request) (*http.Response, error) {
					r := answered(200, `{"ok":true,"channel":"C0PROD","ts":"1.1"}`)
					r.Header.Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
					return r, nil
				})})
				if _, err := c.Post(t.Context(), "C0PROD", notify.Card{ID: "g1"}); err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, p := range c.Health().Problems() {
					got += p.What + ": " + p.Says
				}
				if (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
			})
		})
	}
}

func TestWhoLeftMeanwhile(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.submit = func(_ context.Context, _ access.Command) (access.CommandRecord, error) {
			return access.CommandRecord{}, access.ErrTemporary
		}
		d.click("U0BOB", p, ActRevert)
		d.SetUser(slackfake.User{ID: "U0BOB", Name: "bob", Deleted: true})
		d.pass(memberFor)
		d.mu.Lock()
		d.submit = nil
		d.mu.Unlock()
		d.pass(time.Minute)
		if len(d.commands()) > 0 || len(d.reasons()) != 1 || d.reasons()[0] != "deleted" {
			t.Errorf("%d commands, refused %v", len(d.commands()), d.reasons())
		}
	})
}
