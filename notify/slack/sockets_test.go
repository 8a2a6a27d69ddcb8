package slack

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

func opened(d *desk) int { return len(d.Calls("apps.connections.open")) }

func TestADisconnectStormIsThrottled(t *testing.T) {
	atDesk(t, slackfake.Options{NoLimits: true}, func(d *desk) {
		before := opened(d)
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			d.Disconnect("too_many_websockets") // as soon as one is open
			d.pass(10 * time.Millisecond)
		}
		if n := opened(d) - before; n > 30+openAtOnce || n < 10 {
			t.Errorf("%d connections were opened in a minute, want one in two seconds at most", n)
		}
		d.pass(time.Minute)
		if d.Sockets() != 2 || !d.client.Health().Up() {
			t.Errorf("%d sockets after the storm", d.Sockets())
		}
	})
}

func TestSlackIsDownForAnHour(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.Down(true)
		d.pass(time.Hour)
		if d.client.Health().Up() || !wrongWith(d, WrongSocket, "") || testutil.ToFloat64(d.client.o.Metrics.up) != 0 {
			t.Errorf("up all the while: %+v", d.client.Health().Problems())
		}
		if n := d.logs.FilterMessage("something is wrong with Slack").FilterFieldKey("what").Len(); n != 1 {
			t.Errorf("told %d times", n)
		}
		d.Down(false)
		d.pass(3 * time.Minute) // the fake lets one connection a minute be opened after a storm
		if !d.client.Health().Up() || len(d.client.Health().Problems()) > 0 {
			t.Errorf("still %+v", d.client.Health().Problems())
		}
		d.click("U0BOB", p, ActRevert)
		if len(d.commands()) != 1 {
			t.Error("nothing is heard after the hour")
		}
	})
}

func TestSlackHangs(t *testing.T) {
	atDesk(t, slackfake.Options{NoLimits: true}, func(d *desk) {
		d.Fail("apps.connections.open", slackfake.Hang(time.Hour), slackfake.Hang(time.Hour))
		d.DropSockets()
		d.pass(2 * openWithin)
		if d.Sockets() != 2 || !d.client.Health().Up() {
			t.Errorf("%d sockets, %+v", d.Sockets(), d.client.Health().Problems())
		}
	})
}

func TestATokenThatIsRevoked(t *testing.T) {
	atDesk(t, slackfake.Options{NoLimits: true}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.Revoke()
		d.pass(10 * time.Minute)
		if !wrongWith(d, WrongToken, "app") || !wrongWith(d, WrongToken, "bot") || d.client.Health().Up() {
			t.Errorf("%+v", d.client.Health().Problems())
		}
		if n := opened(d); n > 2+2*20+2 {
			t.Errorf("%d connections were tried with a token that is revoked", n)
		}
		told := d.logs.FilterMessage("something is wrong with Slack").Len()
		d.pass(time.Hour)
		if n := d.logs.FilterMessage("something is wrong with Slack").Len(); n != told {
			t.Errorf("told again: %d after %d", n, told)
		}
		d.Reinstall()
		d.pass(10 * time.Minute)
		if len(d.client.Health().Problems()) > 0 || !d.client.Health().Up() {
			t.Errorf("still %+v", d.client.Health().Problems())
		}
		d.click("U0BOB", p, ActRevert)
		if len(d.commands()) != 1 {
			t.Error("nothing is heard after the app was installed again")
		}
	})
}

func TestEveryThirdCallIsLimited(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.FailEvery("", 3, slackfake.RateLimited(2*time.Second))
		for range 5 {
			d.click("U0BOB", p, ActRevert)
			d.click("U0GUEST", p, ActRevert)
			d.pass(time.Minute)
		}
		if n := len(d.commands()); n != 5 {
			t.Errorf("%d commands of 5, refused %v", n, d.reasons())
		}
		for _, r := range d.reasons() {
			if r != "guest" {
				t.Errorf("refused for %s", r)
			}
		}
	})
}

func TestWhatIsWrongIsToldOnceAndPasses(t *testing.T) {
	for _, c := range []struct {
		name, what, about, says string
		break_, mend            func(d *desk)
	}{
		{"a scope is missing", WrongScope, "", "usergroups:read", func(d *desk) {
			d.set(func() { d.staff.Ties = map[string]string{"platform-oncall": "S0ONCALL"} })
			d.RemoveScope("usergroups:read")
		}, func(d *desk) { d.AddScope("usergroups:read") }},
		{"a scope is missing for one call", WrongScope, "conversations.info", "channels:read", func(d *desk) { d.RemoveScope("channels:read") }, func(d *desk) { d.AddScope("channels:read") }},
		{"an unknown channel", WrongChannel, "nowhere", "no channel of this name", func(d *desk) { d.set(func() { d.channels = []string{"#nowhere"} }) }, func(d *desk) { d.set(func() { d.channels = nil }) }},
		{"an unknown channel id", WrongChannel, "C0NOWHERE", "Slack does not know", func(d *desk) { d.set(func() { d.channels = []string{"C0NOWHERE"} }) }, func(d *desk) { d.set(func() { d.channels = nil }) }},
		{"an archived channel", WrongChannel, "atlas-prod", "archived", func(d *desk) { d.Archive("atlas-prod") }, func(d *desk) { d.set(func() { d.channels = []string{"atlas-dev"} }) }},
		{"not a member", WrongChannel, "atlas-prod", "not a member", func(d *desk) { d.Kick("atlas-prod") }, func(d *desk) { d.Invite("atlas-prod") }},
		{"a shared channel", WrongChannel, "partner-shared", "shared with another", func(d *desk) { d.set(func() { d.channels = []string{"partner-shared"} }) }, func(d *desk) { d.set(func() { d.channels = nil }) }},
		{"two principals are one person", WrongPrincipals, "U0BOB", "bob and rajesh", func(d *desk) {
			ps := slices.Clone(d.staff.Principals)
			ps[2].Slack = "U0BOB"
			d.set(func() { d.staff.Principals = ps })
		}, func(d *desk) {
			ps := slices.Clone(d.staff.Principals)
			ps[2].Slack = "U0RAJESH"
			d.set(func() { d.staff.Principals = ps })
		}},
		{"a group is deleted", WrongGroup, "S0GONE", "no user group", func(d *desk) { d.set(func() { d.staff.Ties = map[string]string{"platform-oncall": "S0GONE"} }) }, func(d *desk) { d.set(func() { d.staff.Ties = nil }) }},
		{"uninstalled", WrongToken, "bot", "install the app again", func(d *desk) { d.Uninstall() }, func(d *desk) { d.Reinstall() }},
		{"our clock", WrongClock, "", "10 min or more ahead", func(d *desk) { d.client.health.clock(time.Now().Add(-11*time.Minute), time.Now()) }, func(*desk) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			atDesk(t, slackfake.Options{NoLimits: true}, func(d *desk) {
				if n := len(d.client.Health().Problems()); n > 0 {
					t.Fatalf("%+v", d.client.Health().Problems())
				}
				c.break_(d)
				if c.what != WrongClock {
					d.pass(2 * time.Hour) // looked at often
				}
				i := slices.IndexFunc(d.client.Health().Problems(), func(p Problem) bool { return p.What == c.what && p.About == c.about })
				if i < 0 || !strings.Contains(d.client.Health().Problems()[i].Says, c.says) {
					t.Fatalf("%+v", d.client.Health().Problems())
				}
				told := 0
				for _, e := range d.logs.FilterMessage("something is wrong with Slack").All() {
					if e.ContextMap()["what"] == c.what && e.ContextMap()["about"] == c.about {
						told++
					}
				}
				if told != 1 || testutil.ToFloat64(d.client.o.Metrics.problems.WithLabelValues(c.what)) < 1 {
					t.Errorf("told %d times", told)
				}
				c.mend(d)
				d.pass(30 * time.Minute)
				if n := len(d.client.Health().Problems()); n > 0 || !d.client.Health().Up() {
					t.Errorf("still %+v", d.client.Health().Problems())
				}
			})
		})
	}
}

func TestATokenOfAnotherWorkspace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, slackfake.Options{})
		d.client.o.Team = "T0OTHER"
		d.run()
		d.pass(time.Hour)
		if !wrongWith(d, WrongToken, "workspace") || d.client.Health().Up() {
			t.Errorf("%+v", d.client.Health().Problems())
		}
		p := d.card("g1", finding("f1"))
		d.click("U0BOB", p, ActRevert)
		if len(d.commands()) > 0 {
			t.Error("a click was taken from a workspace that is not ours")
		}
	})
}

func TestTheHomeTab(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		d.card("g1", finding("f1"))
		for user, want := range map[string]string{"U0BOB": "bob: 1 wait, 1 stand, 1 held", "U0GUEST": ": 0 wait, 0 stand, 0 held. Guests decide nothing"} {
			d.must(d.OpenHome(user))
			d.settle()
			blocks := d.Home(user).Blocks
			if len(blocks) != 1 || !strings.Contains(toText(blocks[0]), want) {
				t.Errorf("%s sees %v", user, blocks)
			}
		}
		d.change("f1", func(s *notify.Story) { s.Question.Yes = []string{"bob"} })
		p := d.groups["g1"].At
		d.click("U0BOB", p, ActAck)
		if b := d.Home("U0BOB").Blocks; !strings.Contains(toText(b[0]), "bob: 0 wait") {
			t.Errorf("after deciding they see %v", b)
		}
	})
}

func toText(b slackfake.Block) string {
	text, _ := b["text"].(map[string]any)
	s, _ := text["text"].(string)
	return s
}
