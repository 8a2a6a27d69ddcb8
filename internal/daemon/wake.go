package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// wakeGap is the least time between two wakes of one scope: a burst of webhooks, as an
// apply that touches a hundred entries makes, is a few reads.
const wakeGap = 250 * time.Millisecond

// repeats are when a scope that was woken is polled again, after the first poll: the
// event, or the change, may not be visible yet.
func repeats() []time.Duration {
	return []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second}
}

// wakes has scopes read at once, and again a little later. Hints of one scope that come
// within the gap are stored together. A scope that was woken has one goroutine until its
// last repeat; a later hint starts the repeats again.
type wakes struct {
	ctx   context.Context       // of the daemon: ends everything
	start func(fn func() error) // runs a goroutine that the daemon waits for
	mark  func(ctx context.Context, scope access.Scope, kinds []access.Kind) error
	poll  func(scope access.Scope)

	mu     sync.Mutex
	active map[access.Scope]*wake
}

// wake is one scope that was woken.
type wake struct {
	ring    chan struct{} // there is a batch
	forming *batch        // guarded by the mutex of wakes
}

// batch is what is stored together.
type batch struct {
	kinds []access.Kind
	done  chan struct{} // closed once it is stored, or is not
	err   error
}

// wake returns when the hint is stored: from then on a restart does not lose it.
func (w *wakes) wake(ctx context.Context, scope access.Scope, kinds []access.Kind) error {
	b, err := w.join(scope, kinds)
	if err != nil {
		return err
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return fmt.Errorf("wake %s: %w", scope, ctx.Err())
	}
}

func (w *wakes) join(scope access.Scope, kinds []access.Kind) (*batch, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ctx.Err(); err != nil {
		return nil, fmt.Errorf("wake %s: the daemon is stopping: %w", scope, err)
	}
	s := w.active[scope]
	if s == nil {
		s = &wake{ring: make(chan struct{}, 1)}
		w.active[scope] = s
		w.start(func() error { w.run(scope, s); return nil })
	}
	if s.forming == nil {
		s.forming = &batch{done: make(chan struct{})}
		s.ring <- struct{}{} // has room: it was taken together with the batch before
	}
	for _, k := range kinds {
		if !slices.Contains(s.forming.kinds, k) {
			s.forming.kinds = append(s.forming.kinds, k)
		}
	}
	return s.forming, nil
}

// run serves one scope until its last repeat has passed without another hint.
func (w *wakes) run(scope access.Scope, s *wake) {
	var next <-chan time.Time
	var woken time.Time
	var rest []time.Duration
	for {
		select {
		case <-s.ring:
			if !woken.IsZero() && !pauseUntil(w.ctx, woken.Add(wakeGap)) {
				continue // the context has ended: the last case
			}
			b := w.take(s)
			b.err = w.mark(w.ctx, scope, b.kinds)
			close(b.done)
			woken, rest = time.Now(), repeats()
			next = time.After(rest[0])
		case <-next:
			w.poll(scope)
			if rest = rest[1:]; len(rest) > 0 {
				next = time.After(time.Until(woken.Add(rest[0])))
			} else if w.leave(scope, s) {
				return
			}
		case <-w.ctx.Done():
			w.abandon(scope, s)
			return
		}
	}
}

// pauseUntil reports whether the time came before the end of ctx.
func pauseUntil(ctx context.Context, at time.Time) bool {
	select {
	case <-time.After(time.Until(at)):
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *wakes) take(s *wake) *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := s.forming
	s.forming = nil
	return b
}

// leave ends a scope's goroutine, unless a hint has just come.
func (w *wakes) leave(scope access.Scope, s *wake) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.forming != nil {
		return false
	}
	delete(w.active, scope)
	return true
}

// abandon tells those who wait that nothing is stored any more.
func (w *wakes) abandon(scope access.Scope, s *wake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.active, scope)
	if s.forming != nil {
		s.forming.err = fmt.Errorf("wake %s: the daemon is stopping: %w", scope, w.ctx.Err())
		close(s.forming.done)
		s.forming = nil
	}
}
