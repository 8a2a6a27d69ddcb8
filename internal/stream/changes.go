package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

const defaultChanges = 1000

func (s *Stream) changesOf(scope access.Scope) (jetstream.Stream, string) {
	pattern := s.o.Prefix + ".change." + strconv.Itoa(Partition(scope)) + "." + string(scope) + ".>"
	return s.streams[s.streamName(streamChanges)], pattern
}

// Changes reads up to max facts of change of one scope that come after a sequence, in the order of the
// stream, through the leader. last is the sequence of the last one returned, or after if there is
// none. A max of 0 is 1000. A change that this version cannot decode is an error: to judge without it
// would be to judge wrongly.
func (s *Stream) Changes(ctx context.Context, scope access.Scope, after uint64, max int) (changes []access.Change, last uint64, err error) {
	if max <= 0 {
		max = defaultChanges
	}
	last = after
	for len(changes) < max {
		msg, err := s.next(ctx, scope, last+1)
		if err != nil {
			return nil, after, err
		}
		if msg == nil {
			break
		}
		var c access.Change
		if err := json.Unmarshal(msg.Data, &c); err != nil {
			return nil, after, fmt.Errorf("stream: decode change %d of %s: %w", msg.Sequence, scope, err)
		}
		changes, last = append(changes, c), msg.Sequence
	}
	return changes, last, nil
}

func (s *Stream) next(ctx context.Context, scope access.Scope, from uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	st, pattern := s.changesOf(scope)
	msg, err := st.GetMsg(ctx, from, jetstream.WithGetMsgSubject(pattern))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, s.trouble("read the changes of "+string(scope), err)
	}
	return msg, nil
}

// ChangesEnd is the sequence of the last change of a scope, 0 if there is none.
func (s *Stream) ChangesEnd(ctx context.Context, scope access.Scope) (uint64, error) {
	st, pattern := s.changesOf(scope)
	msg, err := s.last(ctx, st, pattern)
	if err != nil || msg == nil {
		return 0, err
	}
	return msg.Sequence, nil
}
