package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	outboxHeader = "Gw-Outbox" // number of messages owed; lets Flush find them without reading documents
	maxConflicts = 12          // lost compare-and-sets in a row before the caller is told to come back
)

// bucket is a KV bucket, without the type of its documents.
type bucket struct {
	s      *Stream
	name   string // full: gw_watch
	stream jetstream.Stream
}

var keyPattern = regexp.MustCompile(`^[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*$`)

func validKey(key string) bool { return keyPattern.MatchString(key) }

func (b *bucket) title(key string) string   { return b.name + "/" + key }
func (b *bucket) subject(key string) string { return "$KV." + b.name + "." + key }
func (b *bucket) partSubject(key, name string) string {
	return b.s.chunkSubject(b.name) + key + "." + name
}
func (b *bucket) probe(point string) { b.s.o.Probe(b.name + ":" + point) }
func (b *bucket) messageID(key string, m numbered) string {
	if m.ID != "" {
		return m.ID
	}
	return b.name + "." + key + "#" + strconv.FormatUint(m.N, 10)
}

// computed is what the caller of update wants stored.
type computed struct {
	doc  json.RawMessage // nil: nothing to write
	outs []access.Out
}

// update is the stage pattern on one key.
func (b *bucket) update(ctx context.Context, key string, compute func(entry) (computed, error)) (uint64, error) {
	for attempt := range maxConflicts {
		if err := pause(ctx, attempt); err != nil {
			return 0, err
		}
		e, err := b.settled(ctx, key)
		if err != nil {
			return 0, err
		}
		c, err := compute(e)
		if err != nil || c.doc == nil {
			return e.revision(), err
		}
		rev, err := b.write(ctx, key, e, c)
		if !errors.Is(err, errConflict) {
			return rev, err
		}
	}
	return 0, temporary("update "+b.title(key), fmt.Errorf("lost %d compare-and-sets in a row", maxConflicts))
}

// pause waits a little before another attempt, so that two writers do not stay in step.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return nil
	}
	select {
	case <-time.After(rand.N(time.Duration(attempt) * 2 * time.Millisecond)):
		return nil
	case <-ctx.Done():
		return temporary("wait for another attempt", ctx.Err())
	}
}

// settled loads a document whose outbox is empty: a leftover one is published and cleared.
func (b *bucket) settled(ctx context.Context, key string) (entry, error) {
	e, err := b.load(ctx, key)
	if err != nil {
		return entry{}, err
	}
	if err := e.writable(b.title(key)); err != nil {
		return entry{}, err
	}
	for e.owes {
		if e, err = b.deliver(ctx, key, e); err != nil {
			return entry{}, err
		}
	}
	return e, nil
}

// write stores state and outbox by compare-and-set, and delivers the outbox.
func (b *bucket) write(ctx context.Context, key string, e entry, c computed) (uint64, error) {
	if err := b.s.check(c.outs); err != nil {
		return 0, err
	}
	next := stored{V: storedVersion, N: e.N, Doc: c.doc}
	for _, out := range c.outs {
		next.Out = append(next.Out, numbered{N: next.N, Out: out})
		next.N++
	}
	b.probe("before-cas")
	now, err := b.swap(ctx, key, e, next)
	if err != nil {
		return 0, err
	}
	b.probe("after-cas")
	if now.owes {
		if _, err := b.deliver(ctx, key, now); err != nil {
			return now.revision(), err
		}
	}
	return now.revision(), nil
}

// deliver publishes an outbox in order and clears it.
func (b *bucket) deliver(ctx context.Context, key string, e entry) (entry, error) {
	for i, m := range e.Out {
		if err := b.s.publishOut(ctx, m.Out, b.messageID(key, m)); err != nil {
			return entry{}, err
		}
		b.probe("after-publish-" + strconv.Itoa(i+1))
	}
	b.probe("before-clear")
	e, err := b.clear(ctx, key, e)
	if err != nil {
		return entry{}, err
	}
	b.probe("after-clear")
	return e, nil
}

// clear takes the published messages out of the outbox and returns what then is there. When it
// loses, somebody else cleared them, or only fenced the document: then it tries again.
func (b *bucket) clear(ctx context.Context, key string, e entry) (entry, error) {
	last := e.Out[len(e.Out)-1].N
	for attempt := range maxConflicts {
		if err := pause(ctx, attempt); err != nil {
			return entry{}, err
		}
		next := e.stored
		next.Out, next.OutParts, next.Rev = nil, nil, e.revision()
		now, err := b.swap(ctx, key, e, next)
		if !errors.Is(err, errConflict) {
			return now, err
		}
		if e, err = b.load(ctx, key); err != nil {
			return entry{}, err
		}
		if !e.owes || e.Out[0].N > last {
			return e, nil
		}
	}
	return entry{}, temporary("clear the outbox of "+b.title(key), errConflict)
}

// swap replaces e by next if nobody wrote in between: parts first, then the value, then
// the parts that only e listed are removed.
func (b *bucket) swap(ctx context.Context, key string, e entry, next stored) (entry, error) {
	p := b.encode(next)
	for _, u := range p.upload {
		msg := nats.NewMsg(b.partSubject(key, u.Name))
		msg.Data = u.data
		if _, err := b.s.publish(ctx, msg); err != nil {
			return entry{}, err
		}
	}
	seq, err := b.put(ctx, key, e.seq, p.value, len(next.Out), "")
	if errors.Is(err, errConflict) {
		for _, u := range p.upload {
			b.purgePart(ctx, key, u.Name)
		}
	}
	if err != nil {
		return entry{}, err
	}
	next.DocParts, next.OutParts = p.doc, p.out
	now := entry{stored: next, seq: seq, exists: true, owes: len(next.Out) > 0}
	b.dropParts(ctx, key, e, now)
	return now, nil
}

// put is the compare-and-set of a value; expect 0 means that there must be none.
func (b *bucket) put(ctx context.Context, key string, expect uint64, value []byte, owed int, operation string) (uint64, error) {
	msg := nats.NewMsg(b.subject(key))
	msg.Data = value
	if owed > 0 {
		msg.Header.Set(outboxHeader, strconv.Itoa(owed))
	}
	if operation != "" {
		msg.Header.Set("KV-Operation", operation)
	}
	return b.s.publish(ctx, msg, jetstream.WithExpectLastSequencePerSubject(expect))
}

// dropParts removes the parts that old lists and now does not. What a failure leaves is
// swept up by Flush.
func (b *bucket) dropParts(ctx context.Context, key string, old, now entry) {
	kept := make(map[string]bool)
	for _, p := range now.parts() {
		kept[p.Name] = true
	}
	for _, p := range old.parts() {
		if !kept[p.Name] {
			b.purgePart(ctx, key, p.Name)
		}
	}
}

func (e entry) parts() []part {
	return append(append([]part(nil), e.DocParts...), e.OutParts...)
}

func (b *bucket) purgePart(ctx context.Context, key, name string) {
	ctx, cancel := b.s.request(ctx)
	defer cancel()
	// An error leaves a part that nothing lists, for Flush.
	_ = b.stream.Purge(ctx, jetstream.WithPurgeSubject(b.partSubject(key, name)))
}

// remove deletes a document. Its mark keeps the number of the next message.
func (b *bucket) remove(ctx context.Context, key string) error {
	for attempt := range maxConflicts {
		if err := pause(ctx, attempt); err != nil {
			return err
		}
		e, err := b.settled(ctx, key)
		if err != nil || !e.exists {
			return err
		}
		_, err = b.put(ctx, key, e.seq, b.deflate(stored{V: storedVersion, N: e.N}), 0, "DEL")
		if err == nil {
			b.dropParts(ctx, key, e, entry{})
		}
		if !errors.Is(err, errConflict) {
			return err
		}
	}
	return temporary("delete "+b.title(key), errConflict)
}
