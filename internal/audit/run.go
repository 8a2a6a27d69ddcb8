package audit

import (
	"context"
	"iter"
	"sync"
	"time"
)

// Feed is a source that goes on for ever: Follow gives its messages from a sequence on, waits
// for new ones, and ends with ctx or with an error.
type Feed struct {
	Name   string
	Follow func(ctx context.Context, from uint64) iter.Seq2[Message, error]
}

// RunOptions are what [Appender.Run] tells; each is called by one goroutine at a time.
type RunOptions struct {
	Appended func(Head)  // after each entry: when to sign a checkpoint is the caller's to say
	Trouble  func(error) // each error; all goes on after a delay
}

const (
	shortestDelay = 200 * time.Millisecond
	longestDelay  = 30 * time.Second
)

// Run records what the feeds give until ctx ends, and appends what is pending before it
// returns if that is still possible. It holds one message of each feed besides the batch.
func (a *Appender) Run(ctx context.Context, feeds []Feed, o RunOptions) {
	messages := make(chan Message)
	var group sync.WaitGroup
	defer group.Wait()
	following, stop := context.WithCancel(ctx)
	defer stop()
	var trouble sync.Mutex // Trouble is for one goroutine at a time
	tell := func(err error) {
		trouble.Lock()
		defer trouble.Unlock()
		if o.Trouble != nil && ctx.Err() == nil {
			o.Trouble(err)
		}
	}
	for _, f := range feeds {
		from := a.Next(f.Name)
		group.Go(func() { follow(following, f, from, messages, tell) })
	}
	l := loop{a: a, o: o, tell: tell}
	for l.step(ctx, messages) {
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = a.Flush(last, time.Now()) // what is lost here is read again at the next start
	l.appended()
}

// follow hands over a feed's messages, and begins again after an error where it stopped.
func follow(ctx context.Context, f Feed, from uint64, to chan<- Message, tell func(error)) {
	delay := shortestDelay
	for ctx.Err() == nil {
		for m, err := range f.Follow(ctx, from) {
			if err != nil {
				tell(err)
				break
			}
			select {
			case to <- m:
			case <-ctx.Done():
				return
			}
			from, delay = m.Seq+1, shortestDelay
		}
		wait(ctx, delay)
		delay = min(2*delay, longestDelay)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// loop is the one goroutine that extends the chain.
type loop struct {
	a    *Appender
	o    RunOptions
	tell func(error)
	told uint64 // the last entry that Appended was told of
}

// step takes one message up or appends what is due; false: ctx has ended.
func (l *loop) step(ctx context.Context, messages <-chan Message) bool {
	var due <-chan time.Time
	if at := l.a.Due(); !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case m := <-messages:
		l.try(ctx, func() error { return l.a.Add(ctx, m, time.Now()) })
	case <-due:
		l.try(ctx, func() error { return l.a.Flush(ctx, time.Now()) })
	}
	l.appended()
	return true
}

// try repeats until it goes well or ctx ends.
func (l *loop) try(ctx context.Context, do func() error) {
	for delay := shortestDelay; ctx.Err() == nil; delay = min(2*delay, longestDelay) {
		err := do()
		if err == nil {
			return
		}
		l.tell(err)
		wait(ctx, delay)
	}
}

func (l *loop) appended() {
	if head := l.a.Head(); head.Seq != l.told {
		l.told = head.Seq
		if l.o.Appended != nil {
			l.o.Appended(head)
		}
	}
}
