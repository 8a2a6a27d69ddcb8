package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/audit"
	"github.com/gatewarden/gatewarden/internal/stream"
)

// auditor keeps the audit's chain: it records the facts of all streams, signs checkpoints into
// the book, verifies all of it now and then, and reads it for people. Every replica has one, with a
// book of its own; the chain is one. It keeps no state that a crash could lose: where to go on
// stands in the chain, and what was signed in the book.
type auditor struct {
	auditOptions
	log    auditLog
	people *audit.People

	mu     sync.Mutex // of the book and what follows
	book   *audit.Book
	head   audit.Head // the end of the chain as last known
	result audit.Result
	told   map[string]string // troubles, by what they are of
}

// auditOptions are what an auditor works with.
type auditOptions struct {
	Stream  *stream.Stream
	Key     ed25519.PrivateKey
	Secret  []byte // of the table of persons
	Book    string
	Every   time.Duration // between checkpoints
	Verify  time.Duration // between verifications
	Machine func(name string) bool
	Logger  *zap.Logger
	Metrics *auditMetrics
	Probe   func(point string)
}

func newAuditor(o auditOptions) (*auditor, error) {
	people, err := audit.NewPeople(auditTable{o.Stream.Table()}, o.Secret, audit.PeopleOptions{Machine: o.Machine})
	if err != nil {
		return nil, err
	}
	if o.Probe == nil {
		o.Probe = func(string) {}
	}
	return &auditor{auditOptions: o, log: auditLog{o.Stream.Log()}, people: people, told: map[string]string{}}, nil
}

// auditLog and auditTable are the store as the audit knows it.
type auditLog struct{ *stream.Log }

// Append implements audit.Log.
func (l auditLog) Append(ctx context.Context, after uint64, stored []byte) error {
	return conflict(l.Log.Append(ctx, after, stored))
}

type auditTable struct{ *stream.Table }

// Create implements audit.Table.
func (t auditTable) Create(ctx context.Context, key string, value []byte) error {
	return conflict(t.Table.Create(ctx, key, value))
}

func conflict(err error) error {
	if errors.Is(err, stream.ErrConflict) {
		return fmt.Errorf("%w: %w", audit.ErrConflict, err)
	}
	return err
}

const (
	auditRetry    = 5 * time.Second
	auditMeasure  = 30 * time.Second
	auditFarewell = 5 * time.Second
)

// run records, signs, verifies and measures until ctx ends.
func (a *auditor) run(ctx context.Context) error {
	a.Logger.Info("checkpoints and evidence are signed", zap.String("key", a.keyName()), zap.String("book", a.Book))
	var group sync.WaitGroup
	group.Go(func() {
		a.every(ctx, a.Every, func() { a.trouble("sign", "no checkpoint could be signed", a.sign(ctx)) })
	})
	group.Go(func() { a.verifyNow(ctx); a.every(ctx, a.Verify, func() { a.verifyNow(ctx) }) })
	group.Go(func() { a.every(ctx, auditMeasure, func() { a.measure(ctx) }) })
	for ctx.Err() == nil {
		a.trouble("record", "facts are not recorded in the audit", a.record(ctx))
		sleep(ctx, auditRetry)
	}
	group.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditFarewell)
	defer cancel()
	a.trouble("sign", "no checkpoint could be signed", a.sign(last))
	return a.close()
}

func (a *auditor) every(ctx context.Context, every time.Duration, do func()) {
	for tick := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			do()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// record extends the chain until ctx ends, or a stream of facts turns out to be another one.
func (a *auditor) record(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	streams, err := a.Stream.FactStreams(ctx)
	if err != nil {
		return err
	}
	appender, err := a.appender(ctx, streams)
	if err != nil {
		return err
	}
	a.appended(appender.Head())
	var feeds []audit.Feed
	for _, s := range streams {
		feeds = append(feeds, audit.Feed{Name: s.Name, Follow: func(ctx context.Context, from uint64) iter.Seq2[audit.Message, error] {
			return recorded(s, s.Follow(ctx, from))
		}})
	}
	appender.Run(ctx, feeds, audit.RunOptions{
		Appended: a.appended,
		Trouble: func(err error) {
			if errors.Is(err, stream.ErrRemade) {
				stop(err)
			}
			a.trouble("record", "facts are not recorded in the audit", err)
		},
	})
	return context.Cause(ctx)
}

func (a *auditor) appender(ctx context.Context, streams []stream.FactStream) (*audit.Appender, error) {
	return audit.OpenAppender(ctx, a.log, audit.AppenderOptions{Hide: a.people, FirstOf: func(ctx context.Context, source string) (uint64, error) {
		for _, s := range streams {
			if s.Name == source {
				return s.First(ctx)
			}
		}
		return 0, fmt.Errorf("there is no stream %s", source)
	}})
}

// recorded gives a stream's facts as the chain records them.
func recorded(s stream.FactStream, facts iter.Seq2[stream.Fact, error]) iter.Seq2[audit.Message, error] {
	return func(yield func(audit.Message, error) bool) {
		for f, err := range facts {
			m := audit.Message{Source: s.Name, Seq: f.Seq, Time: f.Time, Subject: f.Subject, Body: f.Body}
			if err == nil && s.Topic == access.TopicCommand {
				m = audit.Open(m)
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (a *auditor) appended(head audit.Head) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.head = head
	delete(a.told, "record")
}

// sign writes a checkpoint of the chain's end, if there is anything new.
func (a *auditor) sign(ctx context.Context) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.head.Seq == 0 {
		return nil
	}
	if a.book == nil {
		if a.book, err = audit.OpenBook(a.Book); err != nil {
			return err
		}
	}
	a.Probe("audit:before-checkpoint")
	if err := a.book.Sign(a.head, a.Key, time.Now()); err != nil {
		return err
	}
	a.Probe("audit:after-checkpoint")
	return ctx.Err()
}

func (a *auditor) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.book == nil {
		return nil
	}
	err := a.book.Close()
	a.book = nil
	return err
}

// trouble logs an error once for as long as its text stays the same, and its end.
func (a *auditor) trouble(what, message string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	now := ""
	if err != nil {
		now = err.Error()
	}
	a.mu.Lock()
	was := a.told[what]
	a.told[what] = now
	a.mu.Unlock()
	switch {
	case now != "" && now != was:
		a.Logger.Error(message, zap.Error(err))
	case now == "" && was != "":
		a.Logger.Info("works again", zap.String("what", "audit: "+what))
	}
}
