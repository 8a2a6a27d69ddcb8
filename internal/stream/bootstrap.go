package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Did is what became of a stream, a bucket or a consumer.
type Did string

// What Bootstrap did.
const (
	Created Did = "created"
	Updated Did = "updated"
	Kept    Did = "kept" // it was right as it was
)

// Step is what Bootstrap did about one thing.
type Step struct {
	Kind   string `json:"kind"` // stream, bucket or consumer
	Name   string `json:"name"`
	Stream string `json:"stream,omitempty"` // of a consumer
	Did    Did    `json:"did"`
}

// Bootstrap sets up, or brings to this version's layout, all streams and buckets and the
// consumers of these workers, whose handlers are not asked for. What is right stays untouched,
// so that it may run at any time and any number of times. It returns what it did, also when it
// could not do all of it.
func Bootstrap(ctx context.Context, nc *nats.Conn, o Options, workers ...Worker) (steps []Step, err error) {
	o.External = false
	s, err := connected(ctx, nc, o)
	if err != nil {
		return nil, err
	}
	for _, want := range s.configs() {
		st, did, err := s.assert(ctx, want)
		if err != nil {
			return steps, err
		}
		s.streams[want.Name] = st
		steps = append(steps, named(want.Name, did))
	}
	for _, w := range workers {
		lanes, err := s.lanes(w)
		if err != nil {
			return steps, err
		}
		for _, l := range lanes {
			_, did, err := s.consumer(ctx, l)
			if err != nil {
				return steps, err
			}
			steps = append(steps, Step{Kind: "consumer", Name: l.config.Durable, Stream: l.stream.CachedInfo().Config.Name, Did: did})
		}
	}
	return steps, s.replicated(ctx)
}

func named(stream string, did Did) Step {
	if bucket, ok := strings.CutPrefix(stream, "KV_"); ok {
		return Step{Kind: "bucket", Name: bucket, Did: did}
	}
	return Step{Kind: "stream", Name: stream, Did: did}
}

// replicated checks that the cluster took every stream with its replicas.
func (s *Stream) replicated(ctx context.Context) error {
	for _, st := range s.streams {
		info, err := s.info(ctx, st)
		if err != nil {
			return err
		}
		if n := servers(info); n < s.o.Replicas {
			return fmt.Errorf("stream %s has %d of %d servers: look at the cluster, and run it again", info.Config.Name, n, s.o.Replicas)
		}
	}
	return nil
}

func servers(info *jetstream.StreamInfo) int {
	if info.Cluster == nil {
		return 1
	}
	return 1 + len(info.Cluster.Replicas)
}
