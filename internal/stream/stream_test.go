package stream

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap/zaptest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream/natsd"
)

// TestMain keeps the server's access-time ticker out of the bubbles of synctest: started
// inside one, it would stop fake time.
func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

const (
	scopeA = access.Scope("prj.64f000000000000000000001")
	scopeB = access.Scope("prj.64f000000000000000000002")
)

// note is the document of these tests.
type note struct {
	V    int    `json:"v"`
	Text string `json:"text"`
}

// world is an embedded server with a store that outlives restarts, in a bubble of fake time.
type world struct {
	t      *testing.T
	dir    string
	server *natsd.Server
	nc     *nats.Conn
	*Stream
}

func (w *world) Context() context.Context { return w.t.Context() }

// inWorld runs a test against the real server in fake time.
func inWorld(t *testing.T, o Options, test func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir}
		w.start(o)
		defer w.stop()
		test(w)
	})
}

func (w *world) start(o Options) {
	w.t.Helper()
	o.Logger = zaptest.NewLogger(w.t)
	var err error
	if w.server, err = natsd.Start(natsd.Options{Dir: w.dir, Logger: o.Logger}); err != nil {
		w.t.Fatal(err)
	}
	if w.nc, err = w.server.Connect(); err != nil {
		w.t.Fatal(err)
	}
	if w.Stream, err = Open(w.Context(), w.nc, o); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	w.nc.Close()
	if err := w.server.Shutdown(context.WithoutCancel(w.Context())); err != nil {
		w.t.Error(err)
	}
}

func (w *world) restart(o Options) {
	w.t.Helper()
	w.stop()
	w.start(o)
}

// replica is a second process on the same server.
func (w *world) replica(o Options) *Stream {
	w.t.Helper()
	nc, err := w.server.Connect()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	s, err := Open(w.Context(), nc, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// run starts workers and returns what ends them and waits.
func (w *world) run(s *Stream, workers ...Worker) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx, workers...); err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// stored lists the subjects and bodies of a stream's messages, in order.
func (w *world) stored(name string) []string {
	w.t.Helper()
	st := w.streams[w.streamName(name)]
	info, err := st.Info(w.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		if msg, err := st.GetMsg(w.Context(), seq); err == nil {
			all = append(all, msg.Subject+" "+string(msg.Data))
		}
	}
	return all
}

func set(text string, outs ...access.Out) func(note, uint64) (*note, []access.Out, error) {
	return func(note, uint64) (*note, []access.Out, error) { return &note{V: 1, Text: text}, outs, nil }
}

func event(text string) access.Out {
	return access.Out{Topic: access.TopicEvent, Scope: scopeA, Body: []byte(`"` + text + `"`)}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want one that is %v", err, want)
	}
}

func within(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s took %v, want %v to %v", what, got, least, most)
	}
}
