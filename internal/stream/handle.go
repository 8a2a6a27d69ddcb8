package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	firstDelay = 250 * time.Millisecond
	maxDelay   = time.Minute
	laneDelay  = 5 * time.Second // the most that a failing job holds its lane
	maxPanics  = 5

	maxErrorHeader = 2048
)

// errForeign is a message without the header that all of ours have: by a client that names a subject
// of ours as its reply, the server itself is made to write there.
var errForeign = errors.New("it was not published by Gatewarden")

// errUndecodable is a message that no repetition will make readable.
var errUndecodable = errors.New("the message cannot be decoded")

// RetryAfter is an error that says when to try again. Packages that must not know this one return any
// error with a method RetryAfter() time.Duration.
type RetryAfter struct {
	Delay time.Duration
	Err   error // why; may be nil
}

func (r RetryAfter) Error() string {
	if r.Err == nil {
		return "try again after " + r.Delay.String()
	}
	return r.Err.Error()
}

// Unwrap gives the reason.
func (r RetryAfter) Unwrap() error { return r.Err }

// RetryAfter is the delay.
func (r RetryAfter) RetryAfter() time.Duration { return r.Delay }

// Handle makes a handler of messages from a handler of jobs or facts. What is not a T goes
// to the dead letters; what a newer version wrote waits for that version.
func Handle[T any](fn func(ctx context.Context, job T) error) func(context.Context, Message) error {
	return func(ctx context.Context, m Message) error {
		var version struct {
			V int `json:"v"`
		}
		if err := json.Unmarshal(m.Data, &version); err != nil {
			return fmt.Errorf("%w: %w", errUndecodable, err)
		}
		if version.V > access.Version {
			return fmt.Errorf("stream: message %s has v %d: a newer version of Gatewarden wrote it, and must handle it", m.Subject, version.V)
		}
		var job T
		if err := json.Unmarshal(m.Data, &job); err != nil {
			return fmt.Errorf("%w: %w", errUndecodable, err)
		}
		return fn(ctx, job)
	}
}

// panicked is a recovered panic.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("the handler panicked: %v", p.value) }

// handle calls the handler and settles the message by what it returned.
func (s *Stream) handle(ctx context.Context, l lane, msg *nats.Msg) {
	md, err := msg.Metadata()
	if err != nil {
		s.o.Logger.Error("a message without metadata was delivered", zap.String("subject", msg.Subject), zap.Error(err))
		return
	}
	if name := l.stream.CachedInfo().Config.Name; md.Stream != name || md.Consumer != l.config.Durable {
		// Not what we asked for: somebody wrote to our inbox, and our acknowledgement would go where they say.
		s.o.Logger.Error("a message of another consumer was delivered", zap.String("subject", msg.Subject), zap.String("stream", md.Stream), zap.String("consumer", md.Consumer))
		return
	}
	s.o.Probe(string(l.Topic) + ":received")
	m := Message{
		Subject: msg.Subject, Data: msg.Data, Delivered: int(md.NumDelivered),
		Sequence: md.Sequence.Stream, Published: md.Timestamp,
	}
	if msg.Header.Get(scopeHeader) == "" && l.Topic != access.TopicCommand { // a command proves itself, and one that does not is told of
		s.bury(ctx, l, msg, m, errForeign)
		return
	}
	stop := keepAlive(msg)
	err = call(ctx, l.Worker, m)
	stop()
	var p *panicked
	switch {
	case err == nil:
		l.memory.worked(s.o.Logger, l, m)
		s.settle(ctx, l, msg)
	case errors.Is(err, errUndecodable):
		s.bury(ctx, l, msg, m, err)
	case errors.As(err, &p) && l.memory.panicked(m) >= maxPanics:
		s.o.Logger.Error("a handler panicked", zap.String("subject", m.Subject), zap.Any("panic", p.value), zap.ByteString("stack", p.stack))
		s.bury(ctx, l, msg, m, err)
	default:
		if !planned(err) {
			l.memory.failed(s.o.Logger, l, m, err)
		}
		s.again(ctx, l, msg, m, err)
	}
}

func call(ctx context.Context, w Worker, m Message) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return w.Handle(ctx, m)
}

// keepAlive tells the server that the handler is still at work, until stop is called.
func keepAlive(msg *nats.Msg) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = msg.InProgress() // lost with the connection: then the message is redelivered, and the compare-and-set decides
			case <-done:
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// settle acknowledges and waits for the server's word. Without it the message comes again.
func (s *Stream) settle(ctx context.Context, l lane, msg *nats.Msg) {
	s.o.Probe(string(l.Topic) + ":before-ack")
	ctx, cancel := s.request(context.WithoutCancel(ctx))
	defer cancel()
	if err := msg.AckSync(nats.Context(ctx)); err != nil {
		s.o.Logger.Warn("an acknowledgement was not confirmed; the message may come again", zap.String("subject", msg.Subject), zap.Error(err))
	}
	s.o.Probe(string(l.Topic) + ":after-ack")
}

// again has the message delivered once more, later. In a lane it holds its neighbours only for one
// short delay: the second time it is put back at the end.
func (s *Stream) again(ctx context.Context, l lane, msg *nats.Msg, m Message, cause error) {
	earlier, _ := strconv.Atoi(msg.Header.Get(triesHeader)) // absent: 0
	tries := earlier + m.Delivered
	delay := backOff(tries)
	if r, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](cause); ok {
		delay = r.RetryAfter()
	}
	if l.single {
		delay = min(delay, laneDelay)
		if m.Delivered > 1 && !isPanic(cause) && s.requeue(ctx, l, msg, tries) {
			return
		}
	}
	if err := msg.NakWithDelay(delay); err != nil {
		s.o.Logger.Warn("a message could not be put back; it comes again by itself", zap.String("subject", m.Subject), zap.Error(err))
	}
}

// planned reports that nothing went wrong: what the message asks for has its time, and that has not come.
// Packages that must not know this one say so by a method Planned() bool.
func planned(err error) bool {
	p, ok := errors.AsType[interface {
		error
		Planned() bool
	}](err)
	return ok && p.Planned()
}

func isPanic(err error) bool { _, ok := errors.AsType[*panicked](err); return ok }

// requeue stores a copy at the end of the queue, unless one waits there already, and acknowledges this one.
func (s *Stream) requeue(ctx context.Context, l lane, msg *nats.Msg, tries int) bool {
	again := nats.NewMsg(msg.Subject)
	again.Data = msg.Data
	again.Header.Set(scopeHeader, msg.Header.Get(scopeHeader))
	again.Header.Set(triesHeader, strconv.Itoa(tries))
	if _, err := s.publish(context.WithoutCancel(ctx), again); err != nil && !errors.Is(err, errFull) {
		return false
	}
	s.settle(ctx, l, msg)
	return true
}

// backOff grows from a quarter of a second to a minute, give or take a fifth.
func backOff(tries int) time.Duration {
	d := maxDelay
	if tries < 9 {
		d = min(maxDelay, firstDelay<<max(0, tries-1))
	}
	return d - d/5 + rand.N(2*d/5)
}

// bury moves a message to the dead letters, with what is known of it in headers, and has its scope
// looked at afresh.
func (s *Stream) bury(ctx context.Context, l lane, msg *nats.Msg, m Message, cause error) {
	scope := access.Scope(msg.Header.Get(scopeHeader))
	dead := nats.NewMsg(s.o.Prefix + ".dlq." + string(l.Topic))
	dead.Data = m.Data
	dead.Header.Set(scopeHeader, string(scope))
	dead.Header.Set("Gw-Subject", m.Subject)
	dead.Header.Set("Gw-Consumer", l.config.Durable)
	dead.Header.Set("Gw-Error", oneLine(cause.Error()))
	dead.Header.Set("Gw-Delivered", strconv.Itoa(m.Delivered))
	dead.Header.Set("Gw-Published", m.Published.UTC().Format(time.RFC3339Nano))
	id := l.stream.CachedInfo().Config.Name + "." + l.config.Durable + "." + strconv.FormatUint(m.Sequence, 10)
	if _, err := s.publish(context.WithoutCancel(ctx), dead, jetstream.WithMsgID(id)); err != nil {
		s.again(ctx, l, msg, m, err)
		return
	}
	s.metrics.deadLetters.Inc()
	s.o.Logger.Error("a message went to the dead letters", zap.String("subject", m.Subject), zap.String("scope", string(scope)), zap.Error(cause))
	if scope != "" {
		s.o.DirtyScope(ctx, scope)
	}
	l.memory.forget(m)
	s.settle(ctx, l, msg)
}

// oneLine makes a header of an error.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), maxErrorHeader)]
}
