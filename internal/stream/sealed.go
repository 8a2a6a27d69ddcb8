package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// PutSealed keeps a sealed value, such as an Atlas access token, for ttl (at least a second; the server
// counts in whole seconds, and this rounds down). The caller seals: the bytes are stored as they come.
// The last one to put wins.
func (s *Stream) PutSealed(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if !validKey(key) || len(value) == 0 || ttl < time.Second {
		return fmt.Errorf("stream: keep the sealed value %q of %d bytes for %v: want a key, a value and at least a second", key, len(value), ttl)
	}
	msg := nats.NewMsg("$KV." + s.bucketName(bucketTokens) + "." + key)
	msg.Data = value
	_, err := s.publish(ctx, msg, jetstream.WithMsgTTL(ttl.Truncate(time.Second)))
	return err
}

// GetSealed reads a sealed value through the leader: nil when there is none (any more).
func (s *Stream) GetSealed(ctx context.Context, key string) ([]byte, error) {
	if !validKey(key) {
		return nil, fmt.Errorf("stream: read the sealed value %q: that is not a key", key)
	}
	bucket := s.bucketName(bucketTokens)
	msg, err := s.last(ctx, s.streams["KV_"+bucket], "$KV."+bucket+"."+key)
	if err != nil || msg == nil || deleted(msg.Header) {
		return nil, err
	}
	return msg.Data, nil
}
