package stream

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	scanBatch = 500
	orphanAge = 10 * time.Minute // before a part that nothing lists is taken for left behind
)

// head is what the headers of a bucket's message say.
type head struct {
	key     string
	seq     uint64
	deleted bool
	owes    bool
}

// scan calls fn for the last message of every key whose sequence is at least from, reading headers
// only. It returns the sequence up to which it has seen everything: on a cluster the replica that it
// reads may be a little behind the leader.
func (b *bucket) scan(ctx context.Context, from uint64, fn func(head)) (uint64, error) {
	cfg := jetstream.ConsumerConfig{
		FilterSubject:     b.subject(">"),
		AckPolicy:         jetstream.AckNonePolicy,
		HeadersOnly:       true,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute,
	}
	if from > 1 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from
	}
	info, err := b.s.info(ctx, b.stream)
	if err != nil {
		return 0, err
	}
	if info.State.LastSeq < from {
		return info.State.LastSeq, nil
	}
	upTo := max(from, 1) - 1
	if b.s.o.Replicas == 1 && !b.s.o.External {
		upTo = info.State.LastSeq
	}
	create, cancel := b.s.request(ctx)
	defer cancel()
	cons, err := b.stream.CreateConsumer(create, cfg)
	if err != nil {
		return 0, b.s.trouble("list "+b.name, err)
	}
	defer b.dropConsumer(ctx, cons.CachedInfo().Name)
	err = b.read(ctx, cons, func(h head) {
		upTo = max(upTo, h.seq)
		fn(h)
	})
	return upTo, err
}

// read takes everything that is there and stops.
func (b *bucket) read(ctx context.Context, cons jetstream.Consumer, fn func(head)) error {
	for left, tries := cons.CachedInfo().NumPending, 0; left > 0; {
		batch, err := cons.Fetch(int(min(left, scanBatch)), jetstream.FetchMaxWait(requestTimeout))
		if err != nil {
			return temporary("list "+b.name, err)
		}
		before := left
		for msg := range batch.Messages() {
			md, err := msg.Metadata()
			if err != nil {
				return temporary("list "+b.name, err)
			}
			left = md.NumPending
			fn(head{
				key:     strings.TrimPrefix(msg.Subject(), b.subject("")),
				seq:     md.Sequence.Stream,
				deleted: deleted(msg.Headers()),
				owes:    msg.Headers().Get(outboxHeader) != "",
			})
		}
		if left == before && notThereYet(ctx, batch.Error(), &tries) {
			continue
		}
		if err := batch.Error(); err != nil {
			return temporary("list "+b.name, err)
		}
		if left == before || ctx.Err() != nil {
			return temporary("list "+b.name, errors.Join(errors.New("the server stopped sending"), ctx.Err()))
		}
	}
	return nil
}

const (
	newConsumer = 20 * time.Millisecond
	newTries    = 50
)

// notThereYet waits a moment if our server has not heard yet of a consumer that was just created on another one.
func notThereYet(ctx context.Context, err error, tries *int) bool {
	if *tries++; !errors.Is(err, nats.ErrNoResponders) || *tries > newTries {
		return false
	}
	sleep(ctx, newConsumer)
	return ctx.Err() == nil
}

func (b *bucket) dropConsumer(ctx context.Context, name string) {
	ctx, cancel := b.s.request(context.WithoutCancel(ctx))
	defer cancel()
	_ = b.stream.DeleteConsumer(ctx, name) // else the server does, after a minute
}

// sweep removes the parts that no manifest lists, left behind by a writer that died. A
// writer that still lives may be about to list them, so its compare-and-set is made to fail first.
func (b *bucket) sweep(ctx context.Context) error {
	prefix := b.s.chunkSubject(b.name)
	info, err := b.s.info(ctx, b.stream, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil || len(info.State.Subjects) == 0 {
		return err
	}
	names := make(map[string][]string)
	for subject := range info.State.Subjects {
		if key, name, ok := cutPart(strings.TrimPrefix(subject, prefix)); ok {
			names[key] = append(names[key], name)
		}
	}
	var errs []error
	for key, parts := range names {
		errs = append(errs, b.sweepKey(ctx, key, parts, info.TimeStamp))
	}
	return errors.Join(errs...)
}

// cutPart takes apart <key>.<hash>.<unique>; the key may have dots itself.
func cutPart(s string) (key, name string, ok bool) {
	at := strings.LastIndexByte(s, '.')
	if at < 0 {
		return "", "", false
	}
	if at = strings.LastIndexByte(s[:at], '.'); at < 0 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

func (b *bucket) sweepKey(ctx context.Context, key string, names []string, now time.Time) error {
	e, err := b.load(ctx, key)
	if err != nil {
		return err
	}
	listed := make(map[string]bool)
	for _, p := range e.parts() {
		listed[p.Name] = true
	}
	var orphans []string
	for _, name := range names {
		if listed[name] {
			continue
		}
		msg, err := b.s.last(ctx, b.stream, b.partSubject(key, name))
		if err != nil {
			return err
		}
		if msg != nil && now.Sub(msg.Time) >= orphanAge {
			orphans = append(orphans, name)
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	if err := b.fence(ctx, key, e); err != nil {
		if errors.Is(err, errConflict) {
			return nil // in use; next time
		}
		return err
	}
	for _, name := range orphans {
		b.purgePart(ctx, key, name)
	}
	return nil
}

// fence writes a document again as it is, so that every compare-and-set in flight fails.
func (b *bucket) fence(ctx context.Context, key string, e entry) error {
	if err := e.writable(b.title(key)); err != nil {
		return err
	}
	next := e.stored
	next.V = storedVersion
	if !e.exists {
		_, err := b.put(ctx, key, e.seq, b.deflate(next), 0, "DEL")
		return err
	}
	next.Rev = e.revision()
	if len(next.DocParts) > 0 {
		next.Doc = nil
	}
	if len(next.OutParts) > 0 {
		next.Out = nil
	}
	_, err := b.put(ctx, key, e.seq, b.deflate(next), len(e.Out), "")
	return err
}
