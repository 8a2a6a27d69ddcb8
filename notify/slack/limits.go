package slack

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// longestWait is how long a call waits for its turn; beyond, whoever asked comes again.
const longestWait = 2 * time.Second

// sayWithin is how long words in a thread do.
const sayWithin = 50 * time.Millisecond

// limits keep us within what Slack allows: so much of each method, and one message a second and channel.
type limits struct {
	mu       sync.Mutex
	methods  map[string]*rate.Limiter
	channels map[string]*rate.Limiter
	until    map[string]time.Time // methods that Slack said to wait with
}

func newLimits() *limits {
	return &limits{methods: map[string]*rate.Limiter{}, channels: map[string]*rate.Limiter{}, until: map[string]time.Time{}}
}

// perMinute is how many calls of a method a minute may see, and how many of them at once. Together
// they stay below what Slack's tier grants in any one minute.
func perMinute(method string) (steady, burst int) {
	switch method {
	case "chat.postMessage":
		return 200, 10 // in the whole workspace: "several hundred"; a channel takes one a second
	case "chat.update", "conversations.info", "users.lookupByEmail", "chat.getPermalink", "conversations.open": // tier 3: 50
		return 44, 6
	case "conversations.list", "usergroups.users.list", "usergroups.list": // tier 2: 20
		return 16, 4
	}
	return 90, 10 // tier 4: 100
}

// manyChannels is from how many on the idle ones are forgotten: direct messages make one each.
const manyChannels = 500

// tooSoon is a call that would have to wait for longer than anybody should.
type tooSoon struct {
	method string
	after  time.Duration
}

func (e tooSoon) Error() string {
	return fmt.Sprintf("as many calls of %s as Slack allows were made: again in %s", e.method, e.after.Round(time.Millisecond))
}
func (e tooSoon) RetryAfter() time.Duration { return e.after }

// wait waits for the turn of a call; channel is empty where it posts into none.
func (l *limits) wait(ctx context.Context, method, channel string) error {
	pause, err := l.turn(method, channel)
	if err != nil || pause <= 0 {
		return err
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (l *limits) turn(method, channel string) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if after := l.until[method].Sub(now); after > 0 {
		return 0, tooSoon{method, after}
	}
	delete(l.until, method)
	turns := []*rate.Reservation{l.method(method).ReserveN(now, 1)}
	if channel != "" {
		turns = append(turns, l.channel(channel, now).ReserveN(now, 1))
	}
	var pause time.Duration
	for _, r := range turns {
		pause = max(pause, r.DelayFrom(now))
	}
	if pause <= longestWait {
		return pause, nil
	}
	for _, r := range turns {
		r.CancelAt(now)
	}
	return 0, tooSoon{method, pause}
}

// left is how long a call would have to wait for its turn now.
func (l *limits) left(method, channel string) (pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, x := range []*rate.Limiter{l.method(method), l.channel(channel, now)} {
		r := x.ReserveN(now, 1)
		pause = max(pause, r.DelayFrom(now))
		r.CancelAt(now)
	}
	return pause
}

func (l *limits) method(name string) *rate.Limiter {
	m, ok := l.methods[name]
	if !ok {
		steady, burst := perMinute(name)
		m = rate.NewLimiter(rate.Limit(float64(steady)/60), burst)
		l.methods[name] = m
	}
	return m
}

func (l *limits) channel(id string, now time.Time) *rate.Limiter {
	c, ok := l.channels[id]
	if ok {
		return c
	}
	if len(l.channels) >= manyChannels {
		for old, c := range l.channels {
			if c.TokensAt(now) >= 1 {
				delete(l.channels, old)
			}
		}
	}
	c = rate.NewLimiter(1, 1)
	l.channels[id] = c
	return c
}

// limited takes note of what Slack said: nothing of this method before then.
func (l *limits) limited(method string, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(after); until.After(l.until[method]) {
		l.until[method] = until
	}
}
