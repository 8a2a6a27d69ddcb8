package slack

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

func TestAVoteIsOneSignedCommand(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		clicked := time.Now().UTC()
		got := d.click("U0BOB", p, ActRevert)
		if took := d.acked(got); took > 500*time.Millisecond {
			t.Errorf("acknowledged after %s", took)
		}
		cmds := d.commands()
		if len(cmds) != 1 {
			t.Fatalf("%d commands were given, refused: %v", len(cmds), d.reasons())
		}
		c := cmds[0]
		if c.Verb != access.VerbVote || c.Vote != access.VoteApprove || c.PlanHash != planOne || c.By != "bob" || c.Via != "slack" || c.How != "slack U0BOB of T0EXAMPLE, by the configuration" ||
			c.Finding != "f1" || c.Scope != scopeProd || c.Until.Sub(c.At) != commandFor || c.At.Sub(clicked).Abs() > time.Second || len(c.ID) != 32 {
			t.Errorf("%+v", c)
		}
		if told := d.told("U0BOB"); len(told) > 0 {
			t.Errorf("who is heard is told nothing beside the card: %q", told)
		}
	})
}
