package notify

import (
	"context"
	"errors"
	"time"
)

// call asks the board for something, and takes note of a board that does not let us in.
func (p *Poster) call(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, boardTimeout)
	defer cancel()
	err := do(ctx)
	if p.Delivered != nil {
		p.Delivered(p.Board.Name(), err)
	}
	if errors.Is(err, ErrNoBoard) {
		p.mu.Lock()
		p.shut = p.Now().Add(shutFor)
		p.mu.Unlock()
		return Later{Delay: shutFor, Why: "call " + p.Board.Name(), Err: err}
	}
	return err
}

func (p *Poster) shutFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shut.Sub(p.Now())
}

// post posts a card to its channel, or to the fallback where the channel takes none.
func (p *Poster) post(ctx context.Context, channel string, c Card) (at Placed, err error) {
	err = p.call(ctx, func(ctx context.Context) error { at, err = p.Board.Post(ctx, channel, c); return err })
	if !errors.Is(err, ErrNoPlace) {
		return at, err
	}
	other := p.policy().Fallback
	if other == "" || other == channel {
		return at, Later{Delay: shutFor, Why: "no fallback channel is configured", Err: err}
	}
	err = p.call(ctx, func(ctx context.Context) error { at, err = p.Board.Post(ctx, other, c); return err })
	if errors.Is(err, ErrNoPlace) {
		return at, Later{Delay: shutFor, Why: "the fallback channel " + other + " does not take it either", Err: err}
	}
	return at, wrap("in the place of "+channel+", to the fallback channel "+other, err)
}
