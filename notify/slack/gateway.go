package slack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Commands signs commands and gives them, and waits for what becomes of them. A command whose id was
// given before is not given again. [ErrPending]: it was given, and nobody knows yet; a record that
// comes with another error is the answer all the same.
type Commands interface {
	Submit(ctx context.Context, c access.Command) (access.CommandRecord, error)
}

// ErrPending is that a command was given, and what becomes of it is not known yet.
var ErrPending = errors.New("the command was given, and what becomes of it is not known yet")

// Modals draws what opens in front of a person, and reads what they filled in. What a view carries
// (its private metadata) is put in by the gateway.
type Modals interface {
	Keep(s notify.Story, v Value) slackgo.ModalViewRequest
	Undo(s notify.Story, v Value) slackgo.ModalViewRequest
	Details(s notify.Story, v Value) slackgo.ModalViewRequest
	More(s notify.Story, v Value) slackgo.ModalViewRequest
	// All lists what one click would vote for; stories are at most [notify.Shown] of them.
	All(g notify.Group, stories []notify.Story, v Value) slackgo.ModalViewRequest
	Home(h Home) slackgo.HomeTabViewRequest
	// Read says what was filled in, and what is wrong with it by the id of the block. It knows
	// nothing but the form: most is for how long it may be kept, n how many votes it named.
	Read(callback string, state *slackgo.ViewState, most time.Duration, n int) (Form, map[string]string)
}

// Refusal is a click that was refused, for the audit.
type Refusal struct {
	At      time.Time
	Reason  string // one of few words
	Says    string // what the person was told
	Click   string // its id
	Kind    Kind
	Action  string
	Team    string
	User    string
	Channel string
	Message string
	Finding string
}

// GatewayOptions are what a gateway works with.
type GatewayOptions struct {
	Client   *Client
	Stories  notify.Stories
	Groups   notify.Groups
	Commands Commands
	Book     Book
	Modals   Modals
	Inbox    Documents[Click]
	Process  string                                                               // by which this process is known after a restart; empty: by nothing
	Refresh  func(ctx context.Context, group string)                              // has a card drawn anew; may be nil
	Copy     func(ctx context.Context, group string, p notify.Placed)             // a copy of a card came to light; may be nil
	Ticket   func(ctx context.Context, s notify.Story, by string) (string, error) // opens a ticket, and says which; nil: there is no ticket sink
	Says     func(access.CommandRecord) string                                    // what to answer; nil: as remediate says it
	Refused  func(ctx context.Context, r Refusal)                                 // audits; may be nil
	Sockets  int                                                                  // of Socket Mode; 0: two, so that one serves while the other is renewed
	Secrets  func() []string                                                      // signing secrets of HTTP mode; two while they are rotated
	Logger   *zap.Logger
	Metrics  *Metrics
}

// Gateway takes what people do in Slack, and asks for it by signed commands.
type Gateway struct {
	o       GatewayOptions
	c       *Client
	inbox   inbox
	work    chan Click
	wake    chan time.Time
	members members
	groups  *groups
	seen    *seen

	mu    sync.Mutex
	pace  map[string]*rate.Limiter // of each user
	homes map[string]time.Time     // when each user's Home tab was opened
	alive map[int]time.Time        // sockets that are connected, and since when
	lost  time.Time                // since when none is
}

const (
	workers    = 8
	queued     = 256              // clicks that wait for a worker; more stay in the inbox
	handleIn   = 25 * time.Second // shorter than a claim
	sweepEvery = 3 * time.Second
	checkEvery = 5 * time.Minute
	checkSoon  = 20 * time.Second // after it could not be looked at
	paceBurst  = 10               // clicks of a person a minute
	manyPeople = 5000
)

// NewGateway makes a gateway; nothing is taken before [Gateway.Run].
func NewGateway(o GatewayOptions) *Gateway {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = o.Client.o.Metrics
	}
	if o.Process == "" {
		o.Process = rand.Text()
	}
	if o.Sockets == 0 {
		o.Sockets = 2
	}
	if o.Secrets == nil {
		o.Secrets = func() []string { return nil }
	}
	return &Gateway{
		o: o, c: o.Client, inbox: inbox{docs: o.Inbox, me: o.Process}, work: make(chan Click, queued), wake: make(chan time.Time, queued),
		groups: newGroups(o.Client), seen: newSeen(), pace: map[string]*rate.Limiter{}, alive: map[int]time.Time{}, homes: map[string]time.Time{}, lost: time.Now(),
	}
}

// Run works off what is kept, looks after what is known of the workspace, and, where an app-level
// token is configured, listens over Socket Mode. It returns when ctx is done and never before: what is
// wrong with Slack is told ([Health]) and tried again.
func (g *Gateway) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { g.worker(ctx) })
	}
	wg.Go(func() { g.sweeping(ctx) })
	wg.Go(func() { g.looking(ctx) })
	wg.Go(func() { every(ctx, groupRefresh, func() { g.groups.refresh(ctx) }) })
	if g.c.o.AppToken != "" {
		wg.Go(func() { g.listen(ctx) })
	} else {
		g.c.health.hears(true) // as far as we can know
	}
	wg.Wait()
	return nil
}

func every(ctx context.Context, d time.Duration, do func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for do(); ; do() {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// looking checks the workspace again and again.
func (g *Gateway) looking(ctx context.Context) {
	for {
		pause := checkEvery
		err := g.c.Check(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = checkSoon
		}
		g.c.health.letIn(err == nil)
		sleep(ctx, pause)
	}
}

// sleep waits; false: ctx was done first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (g *Gateway) worker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-g.work:
			g.do(ctx, c)
		}
	}
}

// enqueue hands a claimed click to a worker; what finds no place waits in the inbox.
func (g *Gateway) enqueue(c Click) {
	select {
	case g.work <- c:
	default:
	}
}

// sweeping takes up what was left in the inbox.
func (g *Gateway) sweeping(ctx context.Context) {
	for start := true; ; start = false {
		next, err := g.inbox.sweep(ctx, start, g.enqueue)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			g.c.health.Raise(WrongStore, "inbox", fmt.Sprintf("the clicks that are kept cannot be read (%v): look at the store", err))
		} else {
			g.c.health.Clear(WrongStore, "inbox")
		}
		if !g.until(ctx, next) {
			return
		}
	}
}

// until waits for the next look into the inbox, which lists all of it: some seconds at least. What is put
// back meanwhile may have it come earlier. False: ctx was done first.
func (g *Gateway) until(ctx context.Context, next time.Time) bool {
	earliest := time.Now().Add(sweepEvery)
	for {
		if next.Before(earliest) {
			next = earliest
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			t.Stop()
			return false
		case at := <-g.wake:
			t.Stop()
			if at.Before(next) {
				next = at
			}
		case <-t.C:
			return true
		}
	}
}

// do works off one click.
func (g *Gateway) do(ctx context.Context, c Click) {
	ctx, cancel := context.WithTimeout(ctx, handleIn)
	defer cancel()
	err := g.guarded(ctx, &c)
	late := time.Since(c.At) > access.CommandLife
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // the process ends: the click stays for the next one
		return
	case err != nil && !late:
		g.later(ctx, c, err)
		return
	case err != nil:
		g.gaveUp(ctx, c, err)
	}
	g.o.Metrics.answered.Observe(since(c.At))
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := g.inbox.done(ctx, c); err != nil {
		g.o.Logger.Warn("a click is done and could not be marked so: it is looked at once more", zap.String("click", c.ID), zap.Error(err))
	}
}

// guarded is Handle with what a panic of ours becomes: nobody's click ends the process.
func (g *Gateway) guarded(ctx context.Context, c *Click) (err error) {
	defer func() {
		if r := recover(); r != nil {
			g.o.Logger.Error("a click could not be handled", zap.String("click", c.ID), zap.Any("panic", r), zap.Stack("stack"))
			err = fmt.Errorf("handle a click: %v", r)
		}
	}()
	return g.handle(ctx, c)
}

// later puts a click back for another try.
func (g *Gateway) later(ctx context.Context, c Click, why error) {
	if !errors.Is(why, ErrPending) {
		g.o.Logger.Warn("a click waits", zap.String("click", c.ID), zap.Int("tries", c.Tries), zap.String("why", hideSecrets(why.Error())))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	pause := time.Duration(min(c.Tries, 6)) * 5 * time.Second
	if err := g.inbox.again(ctx, c, pause); err != nil {
		g.o.Logger.Warn("a click could not be put back: its claim runs out by itself", zap.String("click", c.ID), zap.Error(err))
	}
	select {
	case g.wake <- time.Now().Add(pause):
	default: // it is found a minute later at most
	}
}

// gaveUp tells the person that nothing, or nothing that is known, came of it.
func (g *Gateway) gaveUp(ctx context.Context, c Click, why error) {
	says := "This could not be done in time, and is given up: nothing was decided by it. Look at the card, and click again."
	if errors.Is(why, ErrPending) {
		says = "Nobody answered to this in time. Look at the card: it shows what became of it."
	}
	g.refused(ctx, c, refusal{"given-up", says})
}

// kept stores a click within the budget; false: it came before, or could not be kept, which is told. What
// is kept too late is forgotten again: the same may come once more, since they were told to repeat it.
func (g *Gateway) kept(ctx context.Context, c Click, budget time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	type result struct {
		fresh bool
		err   error
	}
	got := make(chan result, 1)
	var settled atomic.Bool // by whoever comes first: the store, or the end of the budget
	go func() {
		defer cancel()
		fresh, err := g.inbox.keep(ctx, c)
		if settled.CompareAndSwap(false, true) {
			got <- result{fresh, err}
			if err == nil {
				return
			}
		}
		over, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		_ = g.inbox.forget(over, c) // what stays is taken as a click that is still meant
	}()
	select {
	case r := <-got:
		return r.fresh, r.err
	case <-ctx.Done(): // whether the store heeds it or not
	}
	if settled.CompareAndSwap(false, true) {
		return false, fmt.Errorf("keep a click: %w", ctx.Err())
	}
	r := <-got
	return r.fresh, r.err
}

// unkept tells a person that their click is lost.
func (g *Gateway) unkept(ctx context.Context, c Click, why error) {
	g.c.health.Raise(WrongStore, "clicks", fmt.Sprintf("clicks cannot be kept (%v): look at the store", why))
	g.refused(ctx, c, refusal{"unkept", "This click could not be kept, and nothing was done. Click again in a moment, or decide by command or API."})
}

// paced reports whether a person may click as often as they do.
func (g *Gateway) paced(user string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, ok := g.pace[user]
	if !ok {
		if len(g.pace) >= manyPeople {
			clear(g.pace)
		}
		l = rate.NewLimiter(rate.Every(time.Minute/paceBurst), paceBurst)
		g.pace[user] = l
	}
	return l.Allow()
}
