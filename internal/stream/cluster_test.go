package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream/streamtest"
)

const clusterUsers = `users: [
  {nkey: $GW_NATS_BOOTSTRAP}
  {nkey: $GW_NATS_ANY, permissions: {publish: {deny: ["$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>", "$JS.API.CONSUMER.DURABLE.>", "$JS.API.CONSUMER.CREATE.GW_ACTIONS.>"]}, subscribe: {allow: ["_INBOX_any.>"]}}}
  {nkey: $GW_NATS_READER, permissions: {publish: {allow: ["$JS.API.INFO", "$JS.API.STREAM.INFO.*"]}, subscribe: {allow: ["_INBOX_reader.>"]}}}
]
`

func startCluster(t *testing.T) *streamtest.Cluster {
	t.Helper()
	node, err := os.ReadFile("../../deploy/nats/node.conf")
	if err != nil {
		t.Fatal(err)
	}
	return streamtest.Start(t, string(node), clusterUsers)
}

func dial(t *testing.T, c *streamtest.Cluster, user, inbox string) *nats.Conn {
	t.Helper()
	seed := func() (string, error) {
		text, err := os.ReadFile(c.Seed(user))
		return string(text), err
	}
	nc, err := Connect(Dial{URL: c.URL, Name: user, Inbox: inbox, CA: c.CA, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// TestCluster runs on three real servers with replicas: what only Bootstrap may do, what is refused,
// and that the stage pattern holds while servers come and go.
func TestCluster(t *testing.T) {
	c := startCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	external := Options{Replicas: 3, External: true}
	any := dial(t, c, "GW_NATS_ANY", "_INBOX_any")
	_, err := Open(ctx, any, external)
	wantText(t, err, "is missing: run gatewarden bootstrap")

	worker := Worker{Topic: access.TopicAction, Concurrency: 2}
	admin := dial(t, c, "GW_NATS_BOOTSTRAP", "")
	for _, want := range []Did{Created, Kept} {
		steps, err := Bootstrap(ctx, admin, Options{Replicas: 3}, worker, Worker{Topic: access.TopicEval, Durable: "rules"})
		if err != nil || len(steps) != 25+1+Partitions {
			t.Fatalf("bootstrap: %d steps, %v", len(steps), err)
		}
		for _, s := range steps {
			if s.Did != want {
				t.Errorf("%s %s: %s, want %s", s.Kind, s.Name, s.Did, want)
			}
		}
	}
	s, err := Open(ctx, any, external)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("refusals", func(t *testing.T) { clusterRefuses(ctx, t, c, s) })
	t.Run("layout", func(t *testing.T) { clusterLayout(ctx, t, admin) })
	t.Run("locks and lanes", func(t *testing.T) { clusterLocks(ctx, t, s) })
	t.Run("in step", func(t *testing.T) { clusterInStep(ctx, t, c, s) })
	t.Run("nodes come and go", func(t *testing.T) { clusterWorks(ctx, t, c, s, worker) })
}

// clusterRefuses: what a user may not do is an error at once, and for good.
func clusterRefuses(ctx context.Context, t *testing.T, c *streamtest.Cluster, s *Stream) {
	err := s.Run(ctx, Worker{Topic: access.TopicPoll, Handle: func(context.Context, Message) error { return nil }})
	wantText(t, err, "consumer poll of stream GW_POLL is missing: run gatewarden bootstrap")

	reader, err := Open(ctx, dial(t, c, "GW_NATS_READER", "_INBOX_reader"), Options{Replicas: 3, External: true})
	if err != nil {
		t.Fatal(err)
	}
	err = reader.Publish(ctx, event("x"))
	if !errors.Is(err, access.ErrForbidden) || errors.Is(err, access.ErrTemporary) {
		t.Errorf("a denied publish: %v", err)
	}
	wantText(t, err, `"gw.event.prj.64f000000000000000000001"`)
	wantText(t, reader.Run(ctx), "permissions of its roles")

	stranger := Dial{URL: c.URL, CA: c.CA, Seed: func() (string, error) { return "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY", nil }} // the example of the nkeys documentation
	_, err = Connect(stranger)
	wantText(t, err, "it does not know this process")
	stranger.Seed = func() (string, error) { return "hunter2", nil }
	if _, err = Connect(stranger); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("what is no seed: %v", err)
	}
	stranger.CA = ""
	if _, err = Connect(Dial{URL: c.URL}); err == nil || errors.Is(err, access.ErrTemporary) {
		t.Errorf("a server of an unknown authority: %v", err)
	}
}

// clusterLayout: an older layout is Bootstrap's to bring up to date.
func clusterLayout(ctx context.Context, t *testing.T, admin *nats.Conn) {
	o := Options{Prefix: "other", Replicas: 1, StoreBytes: minStoreBytes, External: true}
	if _, err := Bootstrap(ctx, admin, o); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, admin, o)
	if err != nil {
		t.Fatal(err)
	}
	for layout, want := range map[string]string{"0": "has layout 0 and this version needs 1: run gatewarden bootstrap", "2": "a newer version set it up"} {
		config := s.streams["OTHER_DLQ"].CachedInfo().Config
		config.Metadata = map[string]string{layoutKey: layout}
		if _, err := s.js.UpdateStream(ctx, config); err != nil {
			t.Fatal(err)
		}
		_, err = Open(ctx, admin, o)
		wantText(t, err, want)
	}
}

func clusterLocks(ctx context.Context, t *testing.T, s *Stream) {
	first, err := s.Acquire(ctx, scopeA, "one", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Acquire(ctx, scopeA, "two", 5*time.Second)
	wantErr(t, err, access.ErrTemporary)
	if err := errors.Join(first.Renew(ctx), first.Valid(time.Second), first.Release(ctx)); err != nil {
		t.Error(err)
	}
	second, err := s.Acquire(ctx, scopeA, "two", 5*time.Second)
	if err != nil || second.Generation() <= first.Generation() {
		t.Errorf("the next holder: %v", err)
	}
	for range laneDepth + 2 { // a full lane is no error
		if err := s.Publish(ctx, access.NewOut(access.TopicEval, scopeA, access.Eval{Scope: scopeA})); err != nil {
			t.Error(err)
		}
	}
	info, err := s.info(ctx, s.streams["GW_EVAL"])
	if err != nil || info.State.Msgs != laneDepth {
		t.Errorf("%d jobs wait in the lane, %v", info.State.Msgs, err)
	}
	if info.Config.Replicas != 3 {
		t.Errorf("%d replicas", info.Config.Replicas)
	}
}

// clusterInStep has two processes publish the same messages at the same time, as every replica's
// ticker does: that is no error, and each is stored once.
func clusterInStep(ctx context.Context, t *testing.T, c *streamtest.Cluster, s *Stream) {
	other, err := Open(ctx, dial(t, c, "GW_NATS_ANY", "_INBOX_any"), Options{Replicas: 3, External: true})
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.info(ctx, s.streams["GW_EVENTS"])
	if err != nil {
		t.Fatal(err)
	}
	const messages = 200
	for i := range messages {
		out := event("x")
		out.ID = fmt.Sprint("same", i)
		var both sync.WaitGroup
		for _, of := range []*Stream{s, other} {
			both.Go(func() {
				if err := of.Publish(ctx, out); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	after, err := s.info(ctx, s.streams["GW_EVENTS"])
	if err != nil || after.State.Msgs-before.State.Msgs != messages {
		t.Errorf("%d messages are stored, want %d, %v", after.State.Msgs-before.State.Msgs, messages, err)
	}
}

// clusterWorks has two writers and two readers of one document while each server in turn stops
// and comes back: nothing acknowledged is lost, and every message is told.
func clusterWorks(ctx context.Context, t *testing.T, c *streamtest.Cluster, s *Stream, w Worker) {
	type counter struct{ N int }
	kv := Bucket[counter](s, "control")
	var mu sync.Mutex
	told := map[string]bool{}
	w.Handle = func(_ context.Context, m Message) error {
		mu.Lock()
		defer mu.Unlock()
		told[string(m.Data)] = true
		return nil
	}
	run, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(run, w); err != nil {
			t.Error(err)
		}
	})
	const writes = 40
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for done := 0; done < writes && ctx.Err() == nil; {
				_, err := kv.Update(ctx, "k", func(cur counter, _ uint64) (*counter, []access.Out, error) {
					cur.N++
					name := fmt.Sprint("f", cur.N)
					return &cur, []access.Out{access.NewOut(access.TopicAction, scopeA, name, name)}, nil
				})
				if err == nil {
					done++
				} else if !errors.Is(err, access.ErrTemporary) {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 3 {
		c.Stop(i)
		c.Start(i)
	}
	writers.Wait()
	last, _, err := kv.Get(ctx, "k")
	for ; errors.Is(err, access.ErrTemporary) && ctx.Err() == nil; last, _, err = kv.Get(ctx, "k") {
		<-time.After(20 * time.Millisecond)
	}
	if err != nil || last.N < 2*writes {
		t.Errorf("%d writes are stored of %d that were confirmed, %v", last.N, 2*writes, err)
	}
	for _, err = kv.Flush(ctx); errors.Is(err, access.ErrTemporary) && ctx.Err() == nil; _, err = kv.Flush(ctx) {
		<-time.After(20 * time.Millisecond) // the cluster is still electing
	}
	if err != nil {
		t.Error(err)
	}
	for {
		mu.Lock()
		n := len(told)
		mu.Unlock()
		if n == last.N {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
			continue
		case <-ctx.Done():
			t.Fatalf("%d of %d messages were told", n, last.N)
		}
	}
	stop()
	running.Wait()
}

func wantText(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want one with %q", err, want)
	}
}
