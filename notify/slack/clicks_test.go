package slack

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

func TestTheStoreHangs(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.inbox.set(true, nil)
		got := d.click("U0BOB", p, ActRevert)
		d.pass(2 * time.Second)
		if took := d.acked(got); took > 500*time.Millisecond {
			t.Errorf("acknowledged after %s", took)
		}
		d.lastly("U0BOB", "could not be kept")
		if !wrongWith(d, WrongStore, "clicks") {
			t.Errorf("no problem of the store: %+v", d.client.Health().Problems())
		}
		d.inbox.set(false, nil)
		d.click("U0BOB", p, ActRevert)
		d.pass(time.Minute)
		if n := len(d.commands()); n != 1 {
			t.Errorf("%d commands were given, want that of the second click", n)
		}
		if wrongWith(d, WrongStore, "clicks") {
			t.Error("the problem of the store stays")
		}
	})
}

func TestTheStoreIsTooSlow(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.inbox.mu.Lock()
		d.inbox.slow = 2 * time.Second // it is kept, when the person was told that it is lost
		d.inbox.mu.Unlock()
		got := d.click("U0BOB", p, ActRevert)
		d.pass(5 * time.Minute)
		if took := d.acked(got); took > 500*time.Millisecond {
			t.Errorf("acknowledged after %s", took)
		}
		d.lastly("U0BOB", "could not be kept")
		if n := len(d.commands()); n > 0 {
			t.Errorf("%d commands were given by a click that was told to be lost", n)
		}
	})
}

// TestWhatWasLostIsTakenWhenItComesAgain: a form stays open where its submission was not taken, and the
// second one is the same to a byte.
func TestWhatWasLostIsTakenWhenItComesAgain(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		c := Click{V: 1, ID: "c1", Kind: KindForm, At: time.Now()}
		slow := func(s time.Duration) { d.inbox.mu.Lock(); defer d.inbox.mu.Unlock(); d.inbox.slow = s }
		slow(2 * time.Second)
		if _, err := d.gate.kept(d.ctx, c, time.Second); err == nil {
			t.Fatal("it was kept in time")
		}
		d.pass(10 * time.Second)
		slow(0)
		c.At = time.Now()
		if fresh, err := d.gate.kept(d.ctx, c, time.Second); !fresh || err != nil {
			t.Fatalf("the second one: %v, %v", fresh, err)
		}
		d.pass(time.Second)
		slow(2 * time.Second) // once more, while the second one waits for its turn
		c.At = time.Now()
		if _, err := d.gate.kept(d.ctx, c, time.Second); err == nil {
			t.Fatal("it was kept in time")
		}
		d.pass(10 * time.Second)
		slow(0)
		if kept, rev, err := d.inbox.Get(d.ctx, inboxPrefix+c.ID); rev == 0 || kept.Done || err != nil {
			t.Errorf("the one that waits: %+v, %v", kept, err)
		}
	})
}

func TestTheStoreIsBroken(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.inbox.set(false, errors.New("disk full"))
		d.click("U0BOB", p, ActRevert)
		d.lastly("U0BOB", "could not be kept")
		if len(d.commands()) > 0 {
			t.Error("a click that was told to be lost was done")
		}
	})
}

func wrongWith(d *desk, what, about string) bool {
	return slices.ContainsFunc(d.client.Health().Problems(), func(p Problem) bool { return p.What == what && p.About == about })
}

func TestTwoClickAtOnce(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		var both sync.WaitGroup
		for _, user := range []string{"U0BOB", "U0ALICE"} {
			both.Go(func() {
				if _, err := d.Click(user, p.Channel, p.ID, ActRevert); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		d.settle()
		by := []string{}
		for _, c := range d.commands() {
			by = append(by, c.By)
		}
		slices.Sort(by)
		if !slices.Equal(by, []string{"alice", "bob"}) {
			t.Errorf("commands of %v, refused %v", by, d.reasons())
		}
	})
}

func TestTheSameClickTwiceIsOne(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		got := d.click("U0BOB", p, ActRevert)
		for range 3 { // as Slack might under another envelope
			c, err := clickOf(got.Payload)
			d.must(err)
			d.gate.taken(d.ctx, c, func(any) {})
			d.settle()
		}
		if n := len(d.commands()); n != 1 || d.asked != 1 {
			t.Errorf("%d commands were given, %d times", n, d.asked)
		}
		c, err := clickOf(got.Payload)
		d.must(err)
		d.must(d.gate.Handle(d.ctx, c)) // even if it is done again
		if n := len(d.commands()); n != 1 {
			t.Errorf("%d commands were given under several ids", n)
		}
	})
}

func clickOf(payload json.RawMessage) (Click, error) {
	var ic slackgo.InteractionCallback
	if err := json.Unmarshal(payload, &ic); err != nil {
		return Click{}, err
	}
	return interaction(ic, time.Now())
}

func TestAClickOutlivesTheProcess(t *testing.T) {
	for name, process := range map[string]string{"the same process again": "one", "another process": "two"} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				p := d.card("g1", finding("f1"))
				d.submit = func(ctx context.Context, _ access.Command) (access.CommandRecord, error) {
					<-ctx.Done() // the process dies before the command is given
					return access.CommandRecord{}, ctx.Err()
				}
				got := d.click("U0BOB", p, ActRevert)
				d.acked(got)
				d.end()
				d.submit, d.o.Process = nil, process
				d.run()
				d.pass(claimFor + time.Second)
				if c := d.commands(); len(c) != 1 || c[0].By != "bob" {
					t.Fatalf("%+v, refused %v", c, d.reasons())
				}
				d.pass(time.Hour)
				if keys, _ := d.inbox.Keys(d.ctx); len(keys) > 0 || len(d.commands()) != 1 {
					t.Errorf("still kept: %v, commands: %d", keys, len(d.commands()))
				}
			})
		})
	}
}

func TestAnAnswerThatComesLate(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.submit = func(context.Context, access.Command) (access.CommandRecord, error) {
			return access.CommandRecord{}, ErrPending
		}
		d.click("U0BOB", p, ActRevert)
		d.lastly("U0BOB", "Noted")
		d.pass(20 * time.Second)
		d.mu.Lock()
		d.submit, d.decline = nil, "somebody denied it"
		d.mu.Unlock()
		d.pass(time.Minute)
		d.lastly("U0BOB", "Somebody denied it")
		if n := len(d.told("U0BOB")); n != 2 {
			t.Errorf("told %q", d.told("U0BOB"))
		}
	})
}

func TestAClickThatCannotBeDoneIsGivenUp(t *testing.T) {
	for first, why := range map[string]error{"is not done yet": access.ErrTemporary, "Noted": ErrPending} {
		t.Run(first, func(t *testing.T) {
			atDesk(t, slackfake.Options{}, func(d *desk) {
				p := d.card("g1", finding("f1"))
				tries := 0
				d.submit = func(context.Context, access.Command) (access.CommandRecord, error) {
					tries++
					return access.CommandRecord{}, why
				}
				d.click("U0BOB", p, ActRevert)
				d.pass(access.CommandLife + time.Minute)
				d.lastly("U0BOB", "Look at the card")
				if got := d.reasons(); !slices.Equal(got, []string{"given-up"}) || !strings.Contains(d.told("U0BOB")[0], first) || tries < 5 {
					t.Errorf("refused %v after %d tries", got, tries)
				}
			})
		})
	}
}

func TestAPanicIsNobodysEnd(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		times := 0
		d.submit = func(_ context.Context, c access.Command) (access.CommandRecord, error) {
			if times++; times == 1 {
				panic("a bug")
			}
			return access.CommandRecord{Command: c, Accepted: true}, nil
		}
		d.click("U0BOB", p, ActRevert)
		d.pass(time.Minute)
		if times != 2 || d.logs.FilterMessage("a click could not be handled").Len() != 1 {
			t.Errorf("tried %d times", times)
		}
	})
}

func TestACopyOfACardIsHealed(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.pass(2 * time.Second)
		copied, err := d.client.Post(d.ctx, "atlas-prod", notify.Card{ID: "g1", Rev: 1, Stories: []notify.Story{d.stories["f1"]}})
		d.must(err)
		d.click("U0BOB", copied, ActRevert)
		if len(d.commands()) != 1 {
			t.Fatalf("the click on a copy was refused: %v", d.reasons())
		}
		msgs := d.Messages("C0PROD")
		if last := msgs[len(msgs)-1]; last.Edits != 1 || !strings.Contains(last.Text, "This is a copy") || len(last.Blocks) != 1 {
			t.Errorf("the copy stands as it did: %+v", last)
		}
		if !slices.Equal(d.copies, []notify.Placed{copied}) {
			t.Errorf("told of the copies %v", d.copies)
		}
		delete(d.groups, "g1")
		d.click("U0BOB", p, ActDeny)
		d.lastly("U0BOB", "not a card of ours")
	})
}

func TestSocketDroppedMidClick(t *testing.T) {
	atDesk(t, slackfake.Options{}, func(d *desk) {
		p := d.card("g1", finding("f1"))
		d.submit = func(_ context.Context, c access.Command) (access.CommandRecord, error) {
			d.DropSockets()
			d.mu.Lock()
			defer d.mu.Unlock()
			d.given = append(d.given, c)
			return access.CommandRecord{Command: c, Accepted: true}, nil
		}
		d.click("U0BOB", p, ActRevert)
		d.pass(time.Minute)
		if len(d.commands()) != 1 || d.Sockets() != 2 {
			t.Fatalf("%d commands, %d sockets", len(d.commands()), d.Sockets())
		}
		d.click("U0ALICE", p, ActRevert)
		if len(d.commands()) != 2 {
			t.Error("nothing is heard after a new connection")
		}
	})
}
