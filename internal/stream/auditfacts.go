package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ErrRemade is a stream that was removed and made anew: its sequences mean other messages now.
var ErrRemade = errors.New("the stream was made anew")

// factIdle is how long the server keeps the consumer of a reader that died.
const factIdle = pullExpiry + time.Minute

// FactStream is one of the streams of facts, as it was when it was asked for.
type FactStream struct {
	Topic access.Topic
	Name  string        // of the stream, and when it was made: one that is made anew is another
	Age   time.Duration // after which it drops messages
	Drops bool          // it may have dropped messages for want of room
	Last  uint64        // the last sequence

	s       *Stream
	st      jetstream.Stream
	created time.Time
}

// Fact is a message of a stream of facts, as it is stored.
type Fact struct {
	Seq     uint64
	Time    time.Time
	Subject string
	Body    []byte
}

// FactStreams are the streams of facts.
func (s *Stream) FactStreams(ctx context.Context) ([]FactStream, error) {
	var out []FactStream
	for _, topic := range []access.Topic{access.TopicChange, access.TopicCommand, access.TopicDecision, access.TopicEvent, access.TopicFinding} {
		r, err := routeOf(topic)
		if err != nil {
			return nil, err
		}
		st := s.streams[s.streamName(r.stream)]
		info, err := s.info(ctx, st)
		if err != nil {
			return nil, err
		}
		c := info.Config
		out = append(out, FactStream{
			Topic: topic, Name: c.Name + "@" + info.Created.UTC().Format(time.RFC3339Nano), Age: c.MaxAge, Last: info.State.LastSeq,
			// Of a stream that is not even half full nothing was dropped for want of room, or it is so long ago that its age explains it.
			Drops: c.Discard == jetstream.DiscardOld && info.State.Bytes >= uint64(c.MaxBytes)/2,
			s:     s, st: st, created: info.Created,
		})
	}
	return out, nil
}

func factStreams() []string {
	return []string{streamChanges, streamCommands, streamDecisions, streamEvents, streamFindings}
}

// IsFactStream reports whether a name is that of a stream of facts of this installation,
// whenever it was made.
func (s *Stream) IsFactStream(name string) bool {
	stream, _, made := strings.Cut(name, "@")
	for _, end := range factStreams() {
		if made && stream == s.streamName(end) {
			return true
		}
	}
	return false
}

// state asks the leader how the stream stands; an error that is [ErrRemade]: it is another one.
func (f FactStream) state(ctx context.Context) (jetstream.StreamState, error) {
	info, err := f.s.info(ctx, f.st)
	if err != nil {
		return jetstream.StreamState{}, err
	}
	if !info.Created.Equal(f.created) {
		return jetstream.StreamState{}, fmt.Errorf("stream: read %s: %w at %s", f.Name, ErrRemade, info.Created.UTC().Format(time.RFC3339Nano))
	}
	return info.State, nil
}

// First is the first sequence that is still kept.
func (f FactStream) First(ctx context.Context) (uint64, error) {
	state, err := f.state(ctx)
	return state.FirstSeq, err
}

// Behind is how many messages come after a sequence, and when the first of them was stored.
func (f FactStream) Behind(ctx context.Context, after uint64) (n uint64, oldest time.Time, err error) {
	state, err := f.state(ctx)
	if err != nil || state.LastSeq <= after {
		return 0, time.Time{}, err
	}
	msg, err := f.s.message(ctx, f.st, after+1)
	if err != nil || msg == nil {
		return 0, time.Time{}, err
	}
	return state.LastSeq - after, msg.Time.UTC(), nil
}

// All gives the messages from a sequence on and ends with the last. Many come in batches from a
// consumer; where it does not give what the leader has, the leader is asked for one after the other.
func (f FactStream) All(ctx context.Context, from uint64) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		from, more := f.batches(ctx, max(from, 1), yield)
		for more {
			msg, err := f.s.message(ctx, f.st, from)
			if err != nil {
				yield(Fact{}, err)
				return
			}
			if msg == nil || !yield(Fact{msg.Sequence, msg.Time.UTC(), msg.Subject, msg.Data}, nil) {
				return
			}
			from = msg.Sequence + 1
		}
	}
}

const (
	factBatch = 64 // messages at a time: one may be some MiB large
	fewFacts  = 64 // for which a consumer is not worth it
)

// batches gives what a consumer gives without a gap, and where to go on; false: nobody wants more.
func (f FactStream) batches(ctx context.Context, from uint64, yield func(Fact, error) bool) (next uint64, more bool) {
	state, err := f.state(ctx)
	if err != nil || state.LastSeq < max(from, state.FirstSeq)+fewFacts {
		return from, true
	}
	cons, err := f.consumer(ctx, from)
	if err != nil {
		return from, true
	}
	defer f.drop(ctx, cons)
	for next, more = from, true; more && next <= state.LastSeq; {
		was := next
		if next, more = f.batch(ctx, cons, next, yield); next == was {
			break
		}
	}
	return next, more
}

// batch gives one batch, up to where it has a gap.
func (f FactStream) batch(ctx context.Context, cons jetstream.Consumer, from uint64, yield func(Fact, error) bool) (next uint64, more bool) {
	batch, err := cons.FetchNoWait(factBatch)
	if err != nil {
		return from, true
	}
	defer func() {
		for range batch.Messages() { // the rest: its goroutine ends with it
		}
	}()
	for msg := range batch.Messages() {
		md, err := msg.Metadata()
		if err != nil || (md.Sequence.Stream != from && !f.gone(ctx, from, md.Sequence.Stream)) {
			return from, true
		}
		from = md.Sequence.Stream + 1
		if !yield(Fact{md.Sequence.Stream, md.Timestamp.UTC(), msg.Subject(), msg.Data()}, nil) {
			return from, false
		}
	}
	return from, true
}

// gone reports whether the leader has no message between two.
func (f FactStream) gone(ctx context.Context, from, to uint64) bool {
	there, err := f.s.message(ctx, f.st, from)
	return err == nil && there != nil && there.Sequence >= to
}

// consumer is one that acknowledges nothing and lives as long as it is asked.
func (f FactStream) consumer(ctx context.Context, from uint64) (jetstream.Consumer, error) {
	create, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return f.st.CreateConsumer(create, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: factIdle,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
	})
}

func (f FactStream) drop(ctx context.Context, cons jetstream.Consumer) {
	drop, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	_ = f.st.DeleteConsumer(drop, cons.CachedInfo().Name) // else the server does, after a while
}

// Follow gives the messages from a sequence on and waits for more, until ctx or an error ends
// it. A consumer's server may lag behind the leader: where a message is missing, the leader is
// asked before it is passed over.
func (f FactStream) Follow(ctx context.Context, from uint64) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		if err := f.follow(ctx, max(from, 1), func(m Fact) bool { return yield(m, nil) }); err != nil {
			yield(Fact{}, err)
		}
	}
}

func (f FactStream) follow(ctx context.Context, from uint64, yield func(Fact) bool) error {
	if _, err := f.state(ctx); err != nil {
		return err
	}
	cons, err := f.consumer(ctx, from)
	if err != nil {
		return temporary("follow "+f.Name, err)
	}
	defer f.drop(ctx, cons)
	info := cons.CachedInfo()
	p, err := newPuller(f.s.nc, info.Stream, info.Name, f.s.heartbeat())
	if err != nil {
		return temporary("follow "+f.Name, err)
	}
	p.plain = true
	defer p.stop()
	for {
		m, err := f.next(ctx, p, from)
		if err != nil {
			return err
		}
		if !yield(m) {
			return nil
		}
		from = m.Seq + 1
	}
}

func (f FactStream) next(ctx context.Context, p *puller, from uint64) (Fact, error) {
	msg, err := p.next(ctx)
	if err != nil {
		return Fact{}, temporary("follow "+f.Name, err)
	}
	md, err := msg.Metadata()
	if err != nil {
		return Fact{}, temporary("follow "+f.Name, err)
	}
	if md.Sequence.Stream > from && !f.gone(ctx, from, md.Sequence.Stream) {
		return Fact{}, temporary("follow "+f.Name, fmt.Errorf("message %d, or one after it, is there and did not come", from))
	}
	return Fact{md.Sequence.Stream, md.Timestamp.UTC(), msg.Subject, msg.Data}, nil
}
