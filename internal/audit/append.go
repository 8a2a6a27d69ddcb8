package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Log is where the chain lies: an append-only stream whose positions count from 1. A position
// can be empty, or hold what is no entry: both are problems that [Verify] tells of, and neither
// stops the appender. It is read where Append decides: a replica that lags would have the
// appender try in vain.
type Log interface {
	// Last is the last position and what it holds; 0: the log is empty.
	Last(ctx context.Context) (pos uint64, stored []byte, err error)
	// Get is what a position holds; an error that is access.ErrGone: nothing.
	Get(ctx context.Context, pos uint64) ([]byte, error)
	// Append stores at the position after that one: ErrConflict if another is the last.
	Append(ctx context.Context, after uint64, stored []byte) error
}

// Hider finds the persons in a message; [People] is one.
type Hider interface {
	Hide(ctx context.Context, raw []byte) ([]Span, Left, error)
}

// AppenderOptions bound a batch. Zero values are the defaults.
type AppenderOptions struct {
	Facts   int           // in an entry: 256
	Bytes   int           // of an entry's facts, encoded: 384 KiB, so that an entry stays below the largest message
	Body    int           // of one message that is kept with its body: 128 KiB; of a larger one, the hash is
	Wait    time.Duration // that a fact may wait for others: 1 s
	Hide    Hider         // required
	FirstOf func(ctx context.Context, source string) (first uint64, err error)
	// FirstOf is the first sequence that a source still keeps, asked where a message is missing;
	// required.
}

// Appender extends the chain. It is for one goroutine. Several appenders of one chain, in one
// process or many, do each other no harm.
type Appender struct {
	log     Log
	o       AppenderOptions
	pos     uint64 // of the last position of the log
	seq     uint64 // of the last entry
	hash    string
	marks   []Mark // of the chain
	pending []Fact
	taken   []Mark // of the chain and what is pending
	bytes   int
	since   time.Time // when the oldest pending fact was taken up
}

// OpenAppender reads the end of the chain, from which all goes on.
func OpenAppender(ctx context.Context, log Log, o AppenderOptions) (*Appender, error) {
	if o.Hide == nil || o.FirstOf == nil {
		return nil, errors.New("audit: open the chain: want Hide and FirstOf")
	}
	for _, d := range []struct {
		have *int
		want int
	}{{&o.Facts, 256}, {&o.Bytes, 384 << 10}, {&o.Body, 128 << 10}} {
		if *d.have <= 0 {
			*d.have = d.want
		}
	}
	if o.Wait <= 0 {
		o.Wait = time.Second
	}
	a := &Appender{log: log, o: o}
	return a, a.load(ctx)
}

// load takes up the end of the chain, and drops of what is pending what the chain has. What
// is no entry is passed over, back to the last that is one; it stays for [Verify] to find.
func (a *Appender) load(ctx context.Context) error {
	pos, stored, err := a.log.Last(ctx)
	if err != nil {
		return fmt.Errorf("audit: read the end of the chain: %w", err)
	}
	if pos < a.pos {
		return fmt.Errorf("audit: the chain ends at position %d and had %d: it was cut", pos, a.pos)
	}
	end, seq, hash, marks := pos, uint64(0), "", []Mark(nil)
	for ; pos > 0; pos-- {
		if pos != end {
			if stored, err = a.log.Get(ctx, pos); err != nil && !errors.Is(err, access.ErrGone) {
				return fmt.Errorf("audit: read position %d of the chain: %w", pos, err)
			}
		}
		e, h, err := Decode(stored)
		if errors.Is(err, ErrNewer) {
			return fmt.Errorf("audit: go on after entry %d: %w", pos, err)
		}
		if err == nil && e.Seq == pos {
			seq, hash, marks = pos, h, e.Marks
			break
		}
	}
	a.pos, a.seq, a.hash, a.marks = end, seq, hash, marks
	a.drop()
	return nil
}

// drop forgets the pending facts that the chain has recorded, and cuts lost runs to the part
// that it has not.
func (a *Appender) drop() {
	a.taken, a.bytes = slices.Clone(a.marks), 0
	rest := a.pending[:0]
	for _, f := range a.pending {
		mark := markOf(a.marks, f.Source)
		if f.last() <= mark {
			continue
		}
		if f.lost() {
			f.Seq = max(f.Seq, mark+1)
		}
		a.taken, a.bytes = raise(a.taken, f.Source, f.last()), a.bytes+f.size()
		rest = append(rest, f)
	}
	clear(a.pending[len(rest):])
	a.pending = rest
}

// size is the fact's share of an entry.
func (f Fact) size() int {
	raw, err := canonical(f)
	if err != nil {
		return len(f.Body)
	}
	return len(raw) + 1
}

// Next is the sequence from which to read a source on.
func (a *Appender) Next(source string) uint64 { return markOf(a.taken, source) + 1 }

// Due is when what is pending must be appended; the zero time: nothing is pending.
func (a *Appender) Due() time.Time {
	if len(a.pending) == 0 {
		return time.Time{}
	}
	return a.since.Add(a.o.Wait)
}

// Add takes a message up, and appends when a batch is full. A message that is recorded or
// pending is none any more; one before which others are missing comes with a fact that says so.
// After an error the message is not taken up: add it again.
func (a *Appender) Add(ctx context.Context, m Message, now time.Time) error {
	next := a.Next(m.Source)
	if m.Seq < next {
		return nil
	}
	var more []Fact
	if m.Seq > next {
		lost, err := a.lost(ctx, m.Source, next, m.Seq-1)
		if err != nil {
			return err
		}
		more = append(more, lost)
	}
	f, err := a.fact(ctx, m)
	if err != nil {
		return err
	}
	more = append(more, f)
	size := 0
	for _, f := range more {
		size += f.size()
	}
	if len(a.pending) > 0 && (a.bytes+size > a.o.Bytes || len(a.pending)+len(more) > a.o.Facts) {
		if err := a.Flush(ctx, now); err != nil {
			return err
		}
		if a.Next(m.Source) != next { // another appender went ahead
			return a.Add(ctx, m, now)
		}
	}
	if len(a.pending) == 0 {
		a.since = now
	}
	a.pending, a.bytes = append(a.pending, more...), a.bytes+size
	a.taken = raise(a.taken, m.Source, m.Seq)
	return nil
}

// lost is the fact that tells of missing messages.
func (a *Appender) lost(ctx context.Context, source string, from, to uint64) (Fact, error) {
	first, err := a.o.FirstOf(ctx, source)
	if err != nil {
		return Fact{}, fmt.Errorf("audit: ask why %s has no message %d: %w", source, from, err)
	}
	if first > to {
		return Fact{Source: source, Seq: from, To: to, Left: LeftDropped}, nil
	}
	return Fact{Source: source, Seq: from, To: to, Left: LeftMissing}, nil
}

// told is what a fact says of a message besides its body.
func told(m Message) Fact {
	return Fact{Source: m.Source, Seq: m.Seq, At: m.Time.UTC(), Subject: strings.ToValidUTF8(m.Subject, "\uFFFD")}
}

// fact is a message as the chain keeps it.
func (a *Appender) fact(ctx context.Context, m Message) (Fact, error) {
	f, err := told(m), error(nil)
	if f.People, f.Left, err = a.o.Hide.Hide(ctx, m.Body); err != nil {
		return Fact{}, fmt.Errorf("audit: find the persons in %s %d: %w", m.Source, m.Seq, err)
	}
	body, ok := replaced(m.Body, f.People)
	if !ok {
		return Fact{}, fmt.Errorf("audit: find the persons in %s %d: a span lies outside it", m.Source, m.Seq)
	}
	f.Hash = f.sum(body)
	switch {
	case f.Left != "":
	case len(body) > a.o.Body:
		f.Left = LeftSize
	default:
		f.Body = string(body)
	}
	return f, nil
}

// Flush appends what is pending as one entry. It may be repeated after any error: what the
// chain has by then, also from an attempt whose answer was lost, is not appended again.
func (a *Appender) Flush(ctx context.Context, now time.Time) error {
	for len(a.pending) > 0 {
		e := Entry{V: Version, Seq: a.pos + 1, PrevSeq: a.seq, Prev: a.hash, At: now.UTC(), Facts: a.pending, Marks: a.taken}
		stored, hash, err := e.Encode()
		if err != nil {
			return err
		}
		err = a.log.Append(ctx, a.pos, stored)
		if err == nil {
			a.pos, a.seq, a.hash, a.marks = e.Seq, e.Seq, hash, a.taken
			a.pending = nil
			a.drop()
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("audit: append entry %d: %w", e.Seq, err)
		}
		if err := a.load(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("audit: append entry %d: %w", e.Seq, err)
		}
	}
	return nil
}

// Head is the end of the chain as this appender knows it: what a checkpoint signs.
func (a *Appender) Head() Head {
	return Head{Seq: a.seq, Hash: a.hash, Marks: slices.Clone(a.marks)}
}

// Head is an end of the chain.
type Head struct {
	Seq   uint64 `json:"seq"`
	Hash  string `json:"hash"`
	Marks []Mark `json:"marks"`
}
