package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	scopeHeader = "Gw-Scope"
	triesHeader = "Gw-Tries"
	headRoom    = 8 << 10 // of a message's limit, for subject and headers
)

// errFull is a lane that already has a job of this scope waiting.
var errFull = errors.New("the subject is full")

// errUnderWay is a message that another process of ours publishes at this moment, on a cluster:
// every replica ticks, and whoever finds an outbox that is not empty delivers it.
var errUnderWay = errors.New("the same message is being stored")

// maxMessageID bounds what goes into a header.
const maxMessageID = 1024

// Publish sends messages that no document caused: jobs from schedules and timers. A message
// without ID has none and is never dropped as a duplicate. A job that the queue already holds in
// the same sense is not an error.
func (s *Stream) Publish(ctx context.Context, outs ...access.Out) error {
	if err := s.check(outs); err != nil {
		return err
	}
	for _, out := range outs {
		if err := s.publishOut(ctx, out, out.ID); err != nil {
			return err
		}
	}
	return nil
}

// check finds messages that could never be published, before anything is stored that owes them.
func (s *Stream) check(outs []access.Out) error {
	limit := s.nc.MaxPayload() - headRoom
	for _, out := range outs {
		if _, err := s.subject(out); err != nil {
			return err
		}
		if len(out.ID) > maxMessageID {
			return fmt.Errorf("stream: a message of topic %s for %s has an id of %d bytes; %d are allowed", out.Topic, out.Scope, len(out.ID), maxMessageID)
		}
		if int64(len(out.Body)) > limit {
			return fmt.Errorf("stream: a message of topic %s for %s has %d bytes and the server takes %d", out.Topic, out.Scope, len(out.Body), limit)
		}
	}
	return nil
}

func (s *Stream) publishOut(ctx context.Context, out access.Out, id string) error {
	subject, err := s.subject(out)
	if err != nil {
		return err
	}
	msg := nats.NewMsg(subject)
	msg.Data = out.Body
	msg.Header.Set(scopeHeader, string(out.Scope))
	var opts []jetstream.PublishOpt
	if id != "" {
		opts = append(opts, jetstream.WithMsgID(id))
	}
	_, err = s.publish(ctx, msg, opts...)
	for attempt := 1; errors.Is(err, errUnderWay) && attempt < maxConflicts && pause(ctx, attempt) == nil; attempt++ {
		_, err = s.publish(ctx, msg, opts...) // what the other publisher began may still fail
	}
	if errors.Is(err, errUnderWay) {
		return s.trouble("publish "+subject, err)
	}
	if errors.Is(err, errFull) && out.Topic == access.TopicEval {
		return nil // one waits already, and will see what this one speaks of
	}
	return err
}

// publish stores one message and returns its sequence. It tells apart a lost
// compare-and-set ([errConflict]), a full subject ([errFull]), the same message of another process ([errUnderWay])
// and everything else, which is temporary.
func (s *Stream) publish(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, msg, opts...)
	if err == nil {
		return ack.Sequence, nil
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch {
		case api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == wrongLastSequenceConstant:
			return 0, errConflict
		case api.ErrorCode == duplicateUnderWay:
			return 0, errUnderWay
		case api.ErrorCode == storeFailed && strings.Contains(api.Description, "maximum messages per subject"):
			return 0, errFull
		}
	}
	return 0, s.trouble("publish "+msg.Subject, err)
}

// Codes of the server that the client library does not name.
const (
	storeFailed               jetstream.ErrorCode = 10077
	duplicateUnderWay         jetstream.ErrorCode = 10158
	wrongLastSequenceConstant jetstream.ErrorCode = 10164 // a compare-and-set that lost against one in flight, on a cluster
)
