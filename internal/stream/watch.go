package stream

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const retryPause = time.Second // before a lost subscription is set up again

// Watch calls fn for every document there is and every later one, one at a time, until ctx ends; then
// it returns nil. Deletions are passed over. The same state may come more than once: when
// its outbox was cleared, and after a lost connection.
func (k *KV[T]) Watch(ctx context.Context, fn func(key string, v T, rev uint64)) error {
	for ctx.Err() == nil {
		err := k.watch(ctx, fn)
		if ctx.Err() != nil {
			break
		}
		k.b.s.o.Logger.Warn("watch of a bucket was interrupted and starts again", zap.String("bucket", k.b.name), zap.Error(err))
		sleep(ctx, retryPause)
	}
	return nil
}

func (k *KV[T]) watch(ctx context.Context, fn func(key string, v T, rev uint64)) error {
	create, cancel := k.b.s.request(ctx)
	defer cancel()
	cons, err := k.b.stream.OrderedConsumer(create, jetstream.OrderedConsumerConfig{
		FilterSubjects:    []string{k.b.subject(">")},
		DeliverPolicy:     jetstream.DeliverLastPerSubjectPolicy,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return err
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(64))
	if err != nil {
		return err
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		k.show(ctx, msg, fn)
	}
}

// show passes one message on. A document that was replaced while its parts were being read is
// read as it is now.
func (k *KV[T]) show(ctx context.Context, msg jetstream.Msg, fn func(key string, v T, rev uint64)) {
	key := strings.TrimPrefix(msg.Subject(), k.b.subject(""))
	md, err := msg.Metadata()
	var e entry
	if err == nil {
		e, err = k.b.decode(ctx, key, md.Sequence.Stream, msg.Headers(), msg.Data())
	}
	if errors.Is(err, errPartGone) {
		e, err = k.b.load(ctx, key)
	}
	var doc T
	if err == nil && e.exists {
		doc, err = decodeDoc[T](k.b.title(key), e)
	}
	if err != nil {
		k.b.s.o.Logger.Error("a watched document cannot be read", zap.String("bucket", k.b.name), zap.String("key", key), zap.Error(err))
		return
	}
	if e.exists {
		fn(key, doc, e.revision())
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
