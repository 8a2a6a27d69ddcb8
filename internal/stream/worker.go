package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	ackWait       = 10 * time.Second
	progressEvery = 3 * time.Second
	openAcks      = 1024 // of a consumer that is not a lane
)

// Worker says who handles the messages of a topic.
type Worker struct {
	Topic       access.Topic
	Durable     string // the consumer's name; of a job, default the topic; of a fact, required: each name reads all facts
	Under       string // of a topic with keys: only what has this as its first key; empty: everything
	Concurrency int    // handlers at a time, default 1; a lane (TopicEval) always has one
	Handle      func(ctx context.Context, m Message) error
}

// Message is one delivered message.
type Message struct {
	Subject   string
	Data      []byte
	Delivered int    // 1 the first time
	Sequence  uint64 // in its stream
	Published time.Time
}

// lane is one consumer of a worker.
type lane struct {
	Worker
	stream jetstream.Stream
	config jetstream.ConsumerConfig
	single bool // a rules lane: what fails is put back at its end
	memory *memory
}

// Run delivers messages to the workers until ctx ends. Then it takes no more, lets the
// running handlers finish (their context ends [Options.Grace] later), acknowledges what they did, and
// returns nil. An error is one of setting up, or of a server that denies us what we need.
func (s *Stream) Run(ctx context.Context, workers ...Worker) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.allowed, cancel)()
	var lanes []lane
	for _, w := range workers {
		ls, err := s.lanes(w)
		if err != nil {
			return err
		}
		if w.Handle == nil {
			return fmt.Errorf("stream: the worker of topic %s has no handler", w.Topic)
		}
		lanes = append(lanes, ls...)
	}
	for _, l := range lanes {
		_, _, err := s.consumer(ctx, l)
		if s.o.External && errors.Is(err, access.ErrTemporary) {
			continue // a cluster without a leader just now: pull waits for it
		}
		if err != nil {
			return err
		}
	}
	handling, stop := s.outlive(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { s.measure(ctx) })
	for _, l := range lanes {
		wg.Go(func() { s.pull(ctx, handling, l) })
	}
	wg.Wait()
	return s.denied()
}

// outlive is the context of handlers: it ends the grace time after ctx does.
func (s *Stream) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	handling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	armed := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		timer = time.AfterFunc(s.o.Grace, cancel)
		close(armed)
	})
	return handling, func() {
		if !unhook() {
			<-armed
			timer.Stop()
		}
		cancel()
	}
}

// lanes are the consumers of a worker: one, or one a partition.
func (s *Stream) lanes(w Worker) ([]lane, error) {
	r, err := routeOf(w.Topic)
	if err != nil {
		return nil, err
	}
	if w.Durable == "" && !r.queue {
		return nil, fmt.Errorf("stream: the worker of topic %s has no name: facts are read by named consumers", w.Topic)
	}
	if w.Durable == "" {
		w.Durable = string(w.Topic)
	}
	config := jetstream.ConsumerConfig{
		Durable:       w.Durable,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: max(openAcks, w.Concurrency),
		FilterSubject: s.o.Prefix + "." + string(w.Topic) + ".>",
	}
	if w.Under != "" {
		config.FilterSubject = s.o.Prefix + "." + string(w.Topic) + "." + escape(w.Under) + ".>"
	}
	l := lane{Worker: w, stream: s.streams[s.streamName(r.stream)], config: config, memory: newMemory()}
	if w.Topic != access.TopicEval {
		return []lane{l}, nil
	}
	all := make([]lane, 0, Partitions)
	for p := range Partitions {
		l.config.Durable = w.Durable + "_p" + strconv.Itoa(p)
		l.config.FilterSubject = s.o.Prefix + "." + string(w.Topic) + "." + strconv.Itoa(p) + ".>"
		l.config.MaxAckPending = 1
		l.Concurrency, l.single = 1, true
		all = append(all, l)
	}
	return all, nil
}

// consumer asserts the durable consumer of a lane; a write only if it differs. Of an external
// cluster it only looks.
func (s *Stream) consumer(ctx context.Context, l lane) (jetstream.Consumer, Did, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	stream, name := l.stream.CachedInfo().Config.Name, l.config.Durable
	did := Updated
	cons, err := l.stream.Consumer(ctx, name)
	missing := errors.Is(err, jetstream.ErrConsumerNotFound)
	switch {
	case err == nil && l.same(cons.CachedInfo().Config):
		return cons, Kept, nil
	case err == nil && s.o.External:
		return cons, Kept, nil // of another version; Bootstrap's to change
	case missing && s.o.External:
		return nil, "", fmt.Errorf("consumer %s of stream %s is missing: run gatewarden bootstrap", name, stream)
	case missing:
		did = Created
		fallthrough
	case err == nil:
		cons, err = l.stream.CreateOrUpdateConsumer(ctx, l.config)
	}
	if err != nil {
		return nil, "", s.trouble("set up consumer "+name+" of "+l.config.FilterSubject, err)
	}
	return cons, did, nil
}

// same reports whether a consumer is what the lane needs.
func (l lane) same(have jetstream.ConsumerConfig) bool {
	return have.FilterSubject == l.config.FilterSubject && have.AckWait == l.config.AckWait &&
		have.MaxAckPending == l.config.MaxAckPending && have.MaxDeliver == l.config.MaxDeliver
}

// pull hands messages to handlers until ctx ends, and waits for those that run. It sets the
// subscription up again whenever that is lost.
func (s *Stream) pull(ctx, handling context.Context, l lane) {
	slots := make(chan struct{}, max(1, l.Concurrency))
	var running sync.WaitGroup
	defer running.Wait()
	said := "" // the interruption that is already in the log
	start := func(msg *nats.Msg) {
		if said != "" {
			s.o.Logger.Info("delivery goes on", zap.String("consumer", l.config.Durable))
			said = ""
		}
		running.Go(func() {
			defer func() { <-slots }()
			s.handle(handling, l, msg)
		})
	}
	for ctx.Err() == nil {
		err := s.pullFrom(ctx, l, slots, start)
		if ctx.Err() != nil {
			return
		}
		if err.Error() != said {
			said = err.Error()
			s.o.Logger.Warn("delivery was interrupted and starts again", zap.String("consumer", l.config.Durable), zap.Error(err))
		}
		sleep(ctx, retryPause)
	}
}

// heartbeat is how often the server says that a request for messages is still known.
func (s *Stream) heartbeat() time.Duration {
	if s.o.External {
		return clusterHeartbeat
	}
	return pullHeartbeat
}

// pullFrom asks for a message only when a handler is free, so that none waits here while its
// AckWait runs.
func (s *Stream) pullFrom(ctx context.Context, l lane, slots chan struct{}, start func(*nats.Msg)) error {
	if _, _, err := s.consumer(ctx, l); err != nil {
		return err
	}
	p, err := newPuller(s.nc, l.stream.CachedInfo().Config.Name, l.config.Durable, s.heartbeat())
	if err != nil {
		return err
	}
	defer p.stop()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		msg, err := p.next(ctx)
		if err != nil {
			<-slots
			return err
		}
		start(msg)
	}
}
