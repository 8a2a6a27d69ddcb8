package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ErrConflict is a compare-and-set that another won.
var ErrConflict = errConflict

// maxUnpacked bounds what a message of GW_AUDIT unpacks to: whoever may publish there can put
// a small one that becomes huge.
const maxUnpacked = 16 << 20

// Log is the stream GW_AUDIT as a list of positions, from 1. It only ever grows, by
// compare-and-set on its last position. What is stored is packed by zstd; what does not unpack is
// given as it lies there. All is read where an append is decided: by the leader.
type Log struct {
	s  *Stream
	st jetstream.Stream
}

// Log is the audit's.
func (s *Stream) Log() *Log { return &Log{s: s, st: s.streams[s.streamName(streamAudit)]} }

// End is the last position; 0: the log is empty.
func (l *Log) End(ctx context.Context) (uint64, error) {
	info, err := l.s.info(ctx, l.st)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// Last is the last position and what it holds: nothing, if it was taken out.
func (l *Log) Last(ctx context.Context) (pos uint64, stored []byte, err error) {
	if pos, err = l.End(ctx); err != nil || pos == 0 {
		return 0, nil, err
	}
	if stored, err = l.Get(ctx, pos); errors.Is(err, access.ErrGone) {
		return pos, nil, nil
	}
	return pos, stored, err
}

// Get is what a position holds; an error that is access.ErrGone: nothing.
func (l *Log) Get(ctx context.Context, pos uint64) ([]byte, error) {
	msg, err := l.s.message(ctx, l.st, pos)
	switch {
	case err != nil:
		return nil, err
	case msg == nil || msg.Sequence != pos:
		return nil, fmt.Errorf("stream: position %d of the audit: %w", pos, access.ErrGone)
	}
	return l.s.unpacked(msg.Data), nil
}

// Next is the first position from one on that holds something; 0: there is none.
func (l *Log) Next(ctx context.Context, from uint64) (pos uint64, stored []byte, err error) {
	msg, err := l.s.message(ctx, l.st, from)
	if err != nil || msg == nil {
		return 0, nil, err
	}
	return msg.Sequence, l.s.unpacked(msg.Data), nil
}

// Append stores at the position after that one: [ErrConflict] if another is the last. After
// another error it is open whether it was stored.
func (l *Log) Append(ctx context.Context, after uint64, stored []byte) error {
	msg := nats.NewMsg(l.s.o.Prefix + ".audit")
	msg.Data = l.s.pack.EncodeAll(stored, nil)
	l.s.o.Probe("audit:before-append")
	pos, err := l.s.publish(ctx, msg, jetstream.WithExpectLastSequence(after))
	if err != nil {
		return err
	}
	l.s.o.Probe("audit:after-append")
	if pos != after+1 {
		return fmt.Errorf("stream: append to the audit after position %d: the server stored it at %d", after, pos)
	}
	return nil
}

func (s *Stream) unpacked(data []byte) []byte {
	var head zstd.Header
	if head.Decode(data) != nil || !head.HasFCS || head.FrameContentSize > maxUnpacked {
		return data
	}
	out, err := s.unpack.DecodeAll(data, nil)
	if err != nil {
		return data
	}
	return out
}

// message is the first message of a stream from a sequence on, through the leader: nil if there is
// none.
func (s *Stream) message(ctx context.Context, st jetstream.Stream, from uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	msg, err := st.GetMsg(ctx, from, jetstream.WithGetMsgSubject(">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, temporary(fmt.Sprintf("read message %d of %s", from, st.CachedInfo().Config.Name), err)
	}
	return msg, nil
}

// Table is the bucket people: values that the caller seals, under keys that tell nothing.
// What is deleted is overwritten on the disk, and leaves no mark.
type Table struct {
	s       *Stream
	st      jetstream.Stream
	subject string
}

// Table is the bucket people.
func (s *Stream) Table() *Table {
	bucket := s.bucketName(bucketPeople)
	return &Table{s: s, st: s.streams["KV_"+bucket], subject: "$KV." + bucket + "."}
}

// Get gives the value of a key, nil if there is none.
func (t *Table) Get(ctx context.Context, key string) ([]byte, error) {
	msg, err := t.s.last(ctx, t.st, t.subject+key)
	if err != nil || msg == nil || deleted(msg.Header) {
		return nil, err
	}
	return msg.Data, nil
}

// Create stores a value under a key that has none: [ErrConflict] if it has one.
func (t *Table) Create(ctx context.Context, key string, value []byte) error {
	if !validKey(key) {
		return fmt.Errorf("stream: store %q in the table of persons: that is not a key", key)
	}
	msg := nats.NewMsg(t.subject + key)
	msg.Data = value
	_, err := t.s.publish(ctx, msg, jetstream.WithExpectLastSequencePerSubject(0))
	return err
}

// Delete wipes a key and its value out; a key that is not there is no error.
func (t *Table) Delete(ctx context.Context, key string) error {
	for {
		msg, err := t.s.last(ctx, t.st, t.subject+key)
		if err != nil || msg == nil {
			return err
		}
		if err := t.wipe(ctx, msg.Sequence); err != nil {
			return err
		}
	}
}

func (t *Table) wipe(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := t.st.SecureDeleteMsg(ctx, seq)
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return temporary("wipe out a row of the table of persons", err)
}
