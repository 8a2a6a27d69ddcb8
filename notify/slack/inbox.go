package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Documents is how clicks are stored.
type Documents[T any] interface {
	Get(ctx context.Context, key string) (T, uint64, error)
	Update(ctx context.Context, key string, compute func(cur T, rev uint64) (*T, []access.Out, error)) (uint64, error)
	Delete(ctx context.Context, key string) error
	Keys(ctx context.Context) ([]string, error)
}

const (
	inboxPrefix = "click."
	claimFor    = 30 * time.Second // a process that took a click is left alone with it
)

// inbox keeps clicks from their coming until they are done, so that one that was acknowledged is
// not lost with the process.
type inbox struct {
	docs Documents[Click]
	me   string // this process
}

// keep stores a click and claims it; false: it came before.
func (b inbox) keep(ctx context.Context, c Click) (bool, error) {
	fresh := false
	_, err := b.docs.Update(ctx, inboxPrefix+c.ID, func(_ Click, rev uint64) (*Click, []access.Out, error) {
		if fresh = rev == 0; !fresh {
			return nil, nil, nil
		}
		c.By, c.Claimed, c.Tries = b.me, time.Now().UTC(), 1
		return &c, nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("keep a click: %w", err)
	}
	return fresh, nil
}

// done marks a click as done. What is done is kept a while: the same may come again.
func (b inbox) done(ctx context.Context, c Click) error {
	return b.change(ctx, c, func(cur *Click) { *cur = Click{V: cur.V, ID: cur.ID, Kind: cur.Kind, At: cur.At, Done: true} })
}

// forget leaves nothing of a click. One that came another time under the same id stays.
func (b inbox) forget(ctx context.Context, c Click) error {
	cur, rev, err := b.docs.Get(ctx, inboxPrefix+c.ID)
	if err != nil || rev == 0 || !cur.At.Equal(c.At) {
		return err
	}
	if err := b.docs.Delete(ctx, inboxPrefix+c.ID); err != nil {
		return fmt.Errorf("forget a click: %w", err)
	}
	return nil
}

// again gives a click back, to be tried later.
func (b inbox) again(ctx context.Context, c Click, after time.Duration) error {
	return b.change(ctx, c, func(cur *Click) {
		cur.By, cur.Claimed, cur.Noted, cur.Next = "", time.Time{}, c.Noted, time.Now().UTC().Add(after)
	})
}

func (b inbox) change(ctx context.Context, c Click, do func(*Click)) error {
	_, err := b.docs.Update(ctx, inboxPrefix+c.ID, func(cur Click, rev uint64) (*Click, []access.Out, error) {
		if rev == 0 || cur.Done {
			return nil, nil, nil
		}
		do(&cur)
		return &cur, nil, nil
	})
	if err != nil {
		return fmt.Errorf("store what became of a click: %w", err)
	}
	return nil
}

// claim takes a click that is due; false: somebody else is at it, or it is done.
func (b inbox) claim(ctx context.Context, key string, start bool) (Click, bool, error) {
	var mine Click
	took := false
	_, err := b.docs.Update(ctx, key, func(cur Click, rev uint64) (*Click, []access.Out, error) {
		now := time.Now().UTC()
		if took = rev != 0 && cur.due(now, start, b.me); !took {
			return nil, nil, nil
		}
		cur.By, cur.Claimed, cur.Tries = b.me, now, cur.Tries+1
		mine = cur
		return &cur, nil, nil
	})
	return mine, took && err == nil, err
}

// due reports whether a click waits for somebody. At its start, a process takes what it left behind.
func (c Click) due(now time.Time, start bool, me string) bool {
	switch {
	case c.Done || now.Before(c.Next):
		return false
	case c.Claimed.IsZero() || now.Sub(c.Claimed) >= claimFor:
		return true
	}
	return start && c.By == me
}

// dueAt is when it may be due.
func (c Click) dueAt() time.Time {
	if c.Claimed.IsZero() {
		return c.Next
	}
	return c.Claimed.Add(claimFor)
}

// sweep takes what is due and forgets what is old, and says when to look again.
func (b inbox) sweep(ctx context.Context, start bool, take func(Click)) (next time.Time, err error) {
	next = time.Now().Add(time.Minute)
	keys, err := b.docs.Keys(ctx)
	if err != nil {
		return next, fmt.Errorf("list the clicks that are kept: %w", err)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, inboxPrefix) {
			continue
		}
		at, err := b.one(ctx, key, start, take)
		if err != nil {
			return next, err
		}
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next, nil
}

func (b inbox) one(ctx context.Context, key string, start bool, take func(Click)) (next time.Time, err error) {
	c, rev, err := b.docs.Get(ctx, key)
	if err != nil || rev == 0 {
		return next, err
	}
	now := time.Now()
	switch {
	case c.Done && now.Sub(c.At) > access.CommandLife:
		return next, b.docs.Delete(ctx, key)
	case c.Done:
		return next, nil
	case !c.due(now, start, b.me):
		return c.dueAt(), nil
	}
	c, ok, err := b.claim(ctx, key, start)
	if ok {
		take(c)
	}
	return next, err
}
