package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ErrLeaseLost is a lease that ran out, was released, or that someone else holds now.
var ErrLeaseLost = errors.New("the lease is lost")

// record is what gw_locks keeps of a lease, as plain JSON.
type record struct {
	V          int    `json:"v"`
	Owner      string `json:"owner"`
	Generation uint64 `json:"generation,omitempty"` // sequence of the acquisition; 0: this message's own
	Token      string `json:"token"`                // of this acquisition, to know one's own write after a lost answer
}

// Lease is the right to write to one scope, for a while. It is not safe for concurrent use.
//
// The server drops the lock by itself after lease + request timeout of the last confirmation; the
// holder stops trusting it a lease after it *asked* for that confirmation. So between the last request
// that a holder may start and the first that its successor starts lies at least a request timeout.
type Lease struct {
	s          *Stream
	subject    string
	scope      access.Scope
	record     record
	length     time.Duration
	seq        uint64
	generation uint64
	confirmed  time.Time
}

// Acquire takes the lock of a scope. While another holds it (or the same owner, in another task) the
// error wraps access.ErrTemporary and names the owner. The lease must be a second or more.
func (s *Stream) Acquire(ctx context.Context, scope access.Scope, owner string, lease time.Duration) (*Lease, error) {
	if !validKey(string(scope)) || owner == "" || lease < time.Second {
		return nil, fmt.Errorf("stream: lock %q for %q, %v: want a scope, an owner and at least a second", scope, owner, lease)
	}
	l := &Lease{
		s: s, scope: scope, length: lease,
		subject: "$KV." + s.bucketName(bucketLocks) + "." + string(scope),
		record:  record{V: storedVersion, Owner: owner, Token: nuid.Next()},
	}
	err := errConflict
	for attempt := 0; errors.Is(err, errConflict) && attempt < maxConflicts; attempt++ {
		if err = pause(ctx, attempt); err == nil {
			err = l.take(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	l.generation, l.record.Generation = l.seq, l.seq
	return l, nil
}

// take writes the first record if nobody holds the lock. When the answer is lost it looks whether the
// record was stored.
func (l *Lease) take(ctx context.Context) error {
	held, expect, err := l.current(ctx)
	if err != nil {
		return err
	}
	if held != nil {
		return l.taken(held.Owner)
	}
	asked := time.Now()
	if err = l.put(ctx, expect); err == nil {
		return nil
	}
	held, at, readErr := l.current(ctx)
	switch {
	case readErr != nil:
		return errors.Join(err, readErr)
	case held == nil: // the mark of a former lease expired in between; or nothing was stored
		return fmt.Errorf("stream: lock %s: %w: %w", l.scope, access.ErrTemporary, err)
	case held.Token != l.record.Token:
		return l.taken(held.Owner)
	}
	l.seq, l.confirmed = at, asked
	return nil
}

// taken words the refusal; it is one a caller waits out.
func (l *Lease) taken(owner string) error {
	return fmt.Errorf("stream: %s is locked by %s: %w", l.scope, owner, access.ErrTemporary)
}

// current reads the lock through the leader: nil if nobody holds it, and the sequence that a
// compare-and-set expects.
func (l *Lease) current(ctx context.Context) (*record, uint64, error) {
	msg, err := l.s.last(ctx, l.s.streams["KV_"+l.s.bucketName(bucketLocks)], l.subject)
	if err != nil || msg == nil {
		return nil, 0, err
	}
	if deleted(msg.Header) {
		return nil, msg.Sequence, nil
	}
	var r record
	if err := json.Unmarshal(msg.Data, &r); err != nil {
		return nil, 0, fmt.Errorf("stream: decode the lock of %s: %w", l.scope, err)
	}
	return &r, msg.Sequence, nil
}

// put writes the record if the lock is at expect, and counts the lease from before it asked.
func (l *Lease) put(ctx context.Context, expect uint64) error {
	raw, err := json.Marshal(l.record)
	if err != nil {
		panic("stream: a lock does not encode: " + err.Error()) // unreachable: plain fields
	}
	msg := nats.NewMsg(l.subject)
	msg.Data = raw
	asked := time.Now()
	ttl := jetstream.WithMsgTTL(wholeSeconds(l.length + requestTimeout))
	seq, err := l.s.publish(ctx, msg, jetstream.WithExpectLastSequencePerSubject(expect), ttl)
	if err != nil {
		return err
	}
	l.seq, l.confirmed = seq, asked
	return nil
}

// wholeSeconds rounds up: the server's message TTL counts in seconds.
func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// Generation grows with every acquisition of the scope's lock.
func (l *Lease) Generation() uint64 { return l.generation }

// Valid is nil if the lease has at least need left, by our own clocks since it was last confirmed:
// of the monotonic and the wall clock the one that ran further, since the monotonic one stands
// still while a machine is suspended. Ask directly before each request.
func (l *Lease) Valid(need time.Duration) error {
	now := time.Now()
	elapsed := max(now.Sub(l.confirmed), now.Round(0).Sub(l.confirmed.Round(0)))
	if left := l.length - elapsed; l.confirmed.IsZero() || left <= 0 || left < need {
		return fmt.Errorf("stream: the lock of %s has %v left of the %v needed: %w", l.scope, max(left, 0).Round(time.Millisecond), need, ErrLeaseLost)
	}
	return nil
}

// Renew extends the lease by its whole length from now. If someone else took the lock, the error wraps
// [ErrLeaseLost] and the lease is not valid any more; after another error it is valid for what is left.
func (l *Lease) Renew(ctx context.Context) error {
	if l.confirmed.IsZero() {
		return fmt.Errorf("stream: renew the lock of %s: %w", l.scope, ErrLeaseLost)
	}
	err := l.put(ctx, l.seq)
	if err == nil {
		return nil
	}
	held, at, readErr := l.current(ctx)
	switch {
	case readErr != nil:
		return errors.Join(err, readErr)
	case held == nil || held.Token != l.record.Token:
		l.confirmed = time.Time{}
		return fmt.Errorf("stream: renew the lock of %s: %w: %w", l.scope, ErrLeaseLost, err)
	case at == l.seq:
		return err
	}
	l.seq = at // an earlier renewal was stored and its answer lost: it says nothing of now, so ask once more
	return l.put(ctx, at)
}

// Release gives the lock back, by compare-and-set: a lock that someone else holds by now stays. It
// is no error to release what is lost.
func (l *Lease) Release(ctx context.Context) error {
	l.confirmed = time.Time{}
	msg := nats.NewMsg(l.subject)
	msg.Header.Set("KV-Operation", "DEL")
	_, err := l.s.publish(ctx, msg, jetstream.WithExpectLastSequencePerSubject(l.seq))
	if errors.Is(err, errConflict) {
		return nil
	}
	return err
}
