package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// limited is what a board answers that was asked too often.
type limited time.Duration

func (l limited) Error() string             { return "too many requests" }
func (l limited) RetryAfter() time.Duration { return time.Duration(l) }

// pinboard is a board in memory: one message a second and channel with a burst of one, and fifty edits a minute.
type pinboard struct {
	w       *posterWorld
	down    error
	closed  map[string]bool // channels that take nothing
	pins    map[Placed]*pin
	n       int
	last    map[string]time.Time
	edits   []time.Time
	directs []string
	posted  []time.Time
	limited int
}

type pin struct {
	channel string
	n       int
	cards   []Card
	lines   []string
}

func (p *pin) card() Card { return p.cards[len(p.cards)-1] }

func (*pinboard) Name() string { return "slack" }

func (b *pinboard) room(channel string) error {
	if b.down != nil {
		return b.down
	}
	if b.closed[channel] {
		return fmt.Errorf("is_archived: %w", ErrNoPlace)
	}
	if wait := b.last[channel].Add(time.Second).Sub(b.w.now); wait > 0 {
		b.limited++
		return limited(wait)
	}
	b.last[channel] = b.w.now
	return nil
}

func (b *pinboard) Post(ctx context.Context, channel string, c Card) (at Placed, err error) {
	err = step(ctx, func() error {
		if err := b.room(channel); err != nil {
			return err
		}
		b.n++
		at = Placed{Channel: "C-" + channel, ID: strconv.Itoa(b.n)}
		b.pins[at] = &pin{channel: channel, n: b.n, cards: []Card{c}}
		b.posted = append(b.posted, b.w.now)
		return nil
	})
	return at, err
}

func (b *pinboard) Edit(ctx context.Context, at Placed, c Card) error {
	return step(ctx, func() error {
		if b.down != nil {
			return b.down
		}
		b.edits = slices.DeleteFunc(b.edits, func(t time.Time) bool { return b.w.now.Sub(t) >= time.Minute })
		if len(b.edits) >= 50 {
			b.limited++
			return limited(b.edits[0].Add(time.Minute).Sub(b.w.now))
		}
		p := b.pins[at]
		if p == nil {
			return fmt.Errorf("message_not_found: %w", ErrNoCard)
		}
		b.edits = append(b.edits, b.w.now)
		if p.card().Rev >= c.Rev {
			return fmt.Errorf("revision %d after %d", c.Rev, p.card().Rev)
		}
		p.cards = append(p.cards, c)
		return nil
	})
}

func (b *pinboard) Say(ctx context.Context, at Placed, l Line) error {
	return step(ctx, func() error {
		p := b.pins[at]
		if p == nil {
			return ErrNoCard
		}
		if err := b.room(p.channel); err != nil {
			return err
		}
		b.posted = append(b.posted, b.w.now)
		p.lines = append(p.lines, l.Key+": "+l.Text)
		return nil
	})
}

func (b *pinboard) Direct(ctx context.Context, principal string, s Story, _ Placed) error {
	return step(ctx, func() error {
		if b.down != nil {
			return b.down
		}
		b.directs = append(b.directs, principal+" "+s.Finding.ID)
		return nil
	})
}

// sorted are the messages in the order of their coming.
func (b *pinboard) sorted() []*pin {
	return slices.SortedFunc(maps.Values(b.pins), func(p, q *pin) int { return p.n - q.n })
}
