package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

// historyBatch is how many changes are fetched at a time: one may be some MiB large.
const historyBatch = 64

// ChangesSince calls fn for every change that was stored since then and until the call, of
// all scopes, in the order of the stream, with the time at which it was stored. A change may
// come twice. One that this version cannot decode is an error.
func (s *Stream) ChangesSince(ctx context.Context, since time.Time, fn func(c access.Change, stored time.Time) error) error {
	st := s.streams[s.streamName(streamChanges)]
	cfg := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
	}
	create, cancel := s.request(ctx)
	defer cancel()
	cons, err := st.CreateConsumer(create, cfg)
	if err != nil {
		return s.trouble("read the changes since "+since.Format(time.RFC3339), err)
	}
	name := cons.CachedInfo().Name
	defer func() {
		drop, cancel := s.request(context.WithoutCancel(ctx))
		defer cancel()
		_ = st.DeleteConsumer(drop, name) // else the server does, after a minute
	}()
	for left, tries := cons.CachedInfo().NumPending, 0; left > 0; {
		n, err := changesOfBatch(cons, int(min(left, historyBatch)), fn)
		if n == 0 && notThereYet(ctx, err, &tries) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 || ctx.Err() != nil {
			return temporary("read the changes", errors.Join(errors.New("the server stopped sending"), ctx.Err()))
		}
		left -= min(left, uint64(n))
	}
	return nil
}

func changesOfBatch(cons jetstream.Consumer, most int, fn func(access.Change, time.Time) error) (n int, err error) {
	batch, err := cons.Fetch(most, jetstream.FetchMaxWait(requestTimeout))
	if err != nil {
		return 0, temporary("read the changes", err)
	}
	defer func() {
		for range batch.Messages() { // the rest, after an error: its goroutine ends with it
		}
	}()
	for msg := range batch.Messages() {
		n++
		md, err := msg.Metadata()
		if err != nil {
			return n, temporary("read the changes", err)
		}
		var c access.Change
		if err := json.Unmarshal(msg.Data(), &c); err != nil {
			return n, fmt.Errorf("stream: decode change %d: %w", md.Sequence.Stream, err)
		}
		if err := fn(c, md.Timestamp.UTC()); err != nil {
			return n, err
		}
	}
	if err := batch.Error(); err != nil {
		return n, temporary("read the changes", err)
	}
	return n, nil
}

// ChangesBegin is when the oldest change that is still kept was stored, and whether older ones
// have been dropped. The zero time says that there is none.
func (s *Stream) ChangesBegin(ctx context.Context) (first time.Time, dropped bool, err error) {
	info, err := s.info(ctx, s.streams[s.streamName(streamChanges)])
	if err != nil {
		return time.Time{}, false, err
	}
	if info.State.Msgs > 0 {
		first = info.State.FirstTime.UTC()
	}
	return first, info.State.FirstSeq > 1, nil
}
