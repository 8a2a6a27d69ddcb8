package notify

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/internal/stream/natsd"
)

// TestMain keeps the server's access-time ticker out of the bubbles of synctest: started inside one, it
// would stop fake time.
func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

// locked is a board, and stories, that several handlers use.
type locked struct {
	mu sync.Mutex
	w  *posterWorld
}

func (l *locked) in(do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.now = time.Now()
	return do()
}

func (l *locked) Name() string { return "slack" }

func (l *locked) Post(ctx context.Context, channel string, c Card) (at Placed, err error) {
	err = l.in(func() error { at, err = l.w.board.Post(ctx, channel, c); return err })
	return at, err
}

func (l *locked) Edit(ctx context.Context, at Placed, c Card) error {
	return l.in(func() error { return l.w.board.Edit(ctx, at, c) })
}

func (l *locked) Say(ctx context.Context, at Placed, line Line) error {
	return l.in(func() error { return l.w.board.Say(ctx, at, line) })
}

func (l *locked) Direct(ctx context.Context, id string, s Story, at Placed) error {
	return l.in(func() error { return l.w.board.Direct(ctx, id, s, at) })
}

func (l *locked) Story(ctx context.Context, scope access.Scope, finding string, episode int) (s Story, ok bool, err error) {
	err = l.in(func() error { s, ok, err = l.w.Story(ctx, scope, finding, episode); return err })
	return s, ok, err
}

// TestOverTheRealStream: the queue, the buckets and four handlers beside each other, in fake time. What waits
// for its time is no failure in the log.
func TestOverTheRealStream(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server, err := natsd.Start(natsd.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}()
		nc, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		core, logs := observer.New(zapcore.InfoLevel)
		s, err := stream.Open(t.Context(), nc, stream.Options{Logger: zap.New(core)})
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		l := &locked{w: newPosterWorld(true)}
		p := l.w.poster
		p.Board, p.Stories, p.Publish, p.Now, p.Lines = l, l, s.Publish, time.Now, nil
		p.Store = Store{
			stream.Bucket[Group](s, "deliveries"), stream.Bucket[Place](s, "deliveries"), stream.Bucket[Pointer](s, "deliveries"),
			stream.Bucket[Channel](s, "deliveries"), stream.Bucket[Held](s, "deliveries"), stream.Bucket[Day](s, "deliveries"),
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := s.Run(ctx, stream.Worker{Topic: access.TopicNotify, Durable: "slack", Concurrency: 4, Handle: stream.Handle(p.Handle)}); err != nil {
				t.Error(err)
			}
		})
		r := Router{Routes: func() []Route { return []Route{{To: []string{"slack:ops"}}} }, Publish: s.Publish}
		tell := func(i int, state access.FindingState) {
			l.mu.Lock()
			l.w.now = time.Now()
			f := l.w.found(fmt.Sprint(i), fmt.Sprint("r/", i%7), access.High, i%5)
			f.Finding.State = state
			l.w.findings[access.ActionID(f.Finding.ID, 1)] = f
			l.mu.Unlock()
			if err := r.Finding(t.Context(), access.FindingEvent{Finding: f.Finding}); err != nil {
				t.Error(err)
			}
		}
		const findings = 300
		for i := range findings {
			tell(i, access.FindingOpen)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		for i := range findings / 10 {
			tell(10*i, access.FindingResolved)
		}
		time.Sleep(5 * time.Minute)
		stop()
		running.Wait()
		l.w.collect(t, p.Store)
		l.w.told(t, findings)
		if n := logs.FilterMessage("a message was not handled and comes again").Len(); n > 0 {
			t.Errorf("%d messages are logged as failures, the first: %v", n, logs.FilterMessage("a message was not handled and comes again").All()[0])
		}
	})
}

// collect takes the groups of a store into the world.
func (w *posterWorld) collect(t *testing.T, s Store) {
	t.Helper()
	for at := range w.board.pins {
		g, ok, err := s.At(t.Context(), at)
		if err != nil || !ok {
			t.Errorf("whose card is %v: %v", at, err)
		}
		w.groups.docs[g.ID] = g
	}
}
