package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatewarden/gatewarden/internal/access"
)

func evalJob(scope access.Scope, why string) access.Out {
	return access.NewOut(access.TopicEval, scope, access.Eval{Scope: scope, Why: why})
}

func act(finding string) access.Out {
	return access.NewOut(access.TopicAction, scopeA, access.Act{Scope: scopeA, Finding: finding}, finding)
}

func (w *world) publish(outs ...access.Out) {
	w.t.Helper()
	if err := w.Publish(w.Context(), outs...); err != nil {
		w.t.Fatal(err)
	}
}

// log is what handlers of a test did, in order.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func TestJobsAreHandledOnceAndGone(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		var got log
		w.publish(act("f1"), act("f2"), act("f1"))
		stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Concurrency: 3, Handle: Handle(func(_ context.Context, job access.Act) error {
			got.add("%s", job.Finding)
			return nil
		})})
		time.Sleep(time.Hour)
		w.publish(act("f3"))
		time.Sleep(time.Hour)
		stop()
		lines := strings.Join(got.all(), " ")
		if len(got.all()) != 3 || !strings.Contains(lines, "f1") || !strings.Contains(lines, "f2") || !strings.HasSuffix(lines, "f3") {
			t.Errorf("handled %s; want f1 (one of two, the newer replaces the older) and f2, then f3", lines)
		}
		if left := w.stored(streamActions); len(left) != 0 {
			t.Errorf("left in the queue: %v", left)
		}
	})
}

// Two workers of one queue part it by the first key; neither sees what is the other's.
func TestWorkersPartAQueueByItsFirstKey(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		told := func(into *log) func(context.Context, Message) error {
			return Handle(func(_ context.Context, n access.Notice) error { into.add("%s", n.Finding); return nil })
		}
		notice := func(sink, id string) access.Out {
			return access.NewOut(access.TopicNotify, scopeA, access.Notice{Scope: scopeA, Finding: id}, sink, id)
		}
		var a, b log
		w.publish(notice("log", "f1"), notice("slack", "f2"), notice("log.more", "f3"))
		stop := w.run(w.Stream,
			Worker{Topic: access.TopicNotify, Durable: "log", Under: "log", Handle: told(&a)},
			Worker{Topic: access.TopicNotify, Durable: "slack", Under: "slack", Handle: told(&b)})
		time.Sleep(time.Hour)
		stop()
		if x, y := strings.Join(a.all(), " "), strings.Join(b.all(), " "); x != "f1" || y != "f2" {
			t.Errorf("log has %q, slack has %q", x, y)
		}
		if left := w.stored(streamNotify); len(left) != 1 {
			t.Errorf("left in the queue: %v, want what is nobody's", left)
		}
	})
}

// TestAQueueThatOneTookWholeIsParted: a store of before has a consumer that takes everything.
func TestAQueueThatOneTookWholeIsParted(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		var before, a, b log
		told := func(into *log) func(context.Context, Message) error {
			return Handle(func(_ context.Context, n access.Notice) error { into.add("%s", n.Finding); return nil })
		}
		stop := w.run(w.Stream, Worker{Topic: access.TopicNotify, Durable: "log", Handle: told(&before)})
		time.Sleep(time.Hour)
		stop()
		stop = w.run(w.Stream,
			Worker{Topic: access.TopicNotify, Durable: "log", Under: "log", Handle: told(&a)},
			Worker{Topic: access.TopicNotify, Durable: "slack", Under: "slack", Handle: told(&b)})
		for _, sink := range []string{"log", "slack"} {
			w.publish(access.NewOut(access.TopicNotify, scopeA, access.Notice{Scope: scopeA, Finding: "f-" + sink}, sink, "f"))
		}
		time.Sleep(time.Hour)
		stop()
		if x, y := strings.Join(a.all(), " "), strings.Join(b.all(), " "); x != "f-log" || y != "f-slack" {
			t.Errorf("log has %q, slack has %q", x, y)
		}
	})
}

func TestQueuesKeepOneJobOfASubject(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for i := range 10 {
			why := fmt.Sprint(i)
			w.publish(
				access.NewOut(access.TopicPoll, scopeA, access.Poll{Scope: scopeA, Source: access.Source(why)}),
				access.NewOut(access.TopicNotify, scopeA, access.Notice{Scope: scopeA, Finding: why}, "email:a.b@example.com", "s1"),
				act("f"), evalJob(scopeA, why))
		}
		for name, want := range map[string]int{streamPoll: 1, streamNotify: 1, streamActions: 1, streamEval: laneDepth} {
			if got := w.stored(name); len(got) != want {
				t.Errorf("%s holds %v, want %d", name, got, want)
			}
		}
		if got := w.stored(streamNotify)[0]; !strings.HasPrefix(got, "gw.notify.email:a%2Eb@example%2Ecom.s1 ") || !strings.Contains(got, `"9"`) {
			t.Errorf("the notice is %s; want the newest under an escaped subject", got)
		}
	})
}

func TestErrorsAreTriedAgainWithGrowingDelays(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		var at []time.Time
		w.publish(act("f"))
		stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: func(_ context.Context, m Message) error {
			at = append(at, time.Now())
			switch {
			case m.Delivered != len(at):
				t.Errorf("delivery %d says it is number %d", len(at), m.Delivered)
			case len(at) == 12:
				return fmt.Errorf("busy: %w", RetryAfter{Delay: 7 * time.Minute})
			case len(at) < 14:
				return errors.New("down")
			}
			return nil
		}})
		time.Sleep(3 * time.Hour)
		stop()
		if len(at) != 14 {
			t.Fatalf("%d deliveries, want 14", len(at))
		}
		want := firstDelay
		for i := 1; i < len(at); i++ {
			least, most := want*4/5, want*6/5+50*time.Millisecond
			if i == 12 {
				least, most = 7*time.Minute, 7*time.Minute+time.Second
			}
			within(t, fmt.Sprint("delay ", i), at[i].Sub(at[i-1]), least, most)
			want = min(2*want, maxDelay)
		}
	})
}

func TestPanicsAndTheUndecodableGoToTheDeadLetters(t *testing.T) {
	var dirty log
	reg := prometheus.NewPedanticRegistry()
	o := Options{Registerer: reg, DirtyScope: func(_ context.Context, s access.Scope) { dirty.add("%s", s) }}
	inWorld(t, o, func(w *world) {
		var calls atomic.Int64
		bad := access.Out{Topic: access.TopicAction, Scope: scopeB, Keys: []string{"bad"}, Body: []byte(`{"scope":7}`)}
		w.publish(act("boom"), bad, act("newer"))
		newer := access.Out{Topic: access.TopicAction, Scope: scopeB, Keys: []string{"newer"}, Body: []byte(`{"v":99}`)}
		w.publish(newer)
		stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: Handle(func(_ context.Context, job access.Act) error {
			calls.Add(1)
			panic("ouch " + job.Finding)
		})})
		time.Sleep(time.Hour)
		stop()
		if calls.Load() != maxPanics {
			t.Errorf("%d calls, want %d", calls.Load(), maxPanics)
		}
		letters := w.stored(streamDLQ)
		if len(letters) != 2 || !strings.Contains(letters[0], `{"scope":7}`) || !strings.Contains(letters[1], `"finding":"boom"`) {
			t.Errorf("dead letters: %v", letters)
		}
		msg, err := w.streams["GW_DLQ"].GetMsg(w.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if h := msg.Header; h.Get("Gw-Subject") != "gw.action.boom" || h.Get("Gw-Error") != "the handler panicked: ouch boom" || h.Get("Gw-Delivered") != "5" {
			t.Errorf("headers of a dead letter: %v", h)
		}
		if d := cmp.Diff([]string{string(scopeB), string(scopeA)}, dirty.all()); d != "" {
			t.Error(d)
		}
		if left := w.stored(streamActions); len(left) != 1 || !strings.Contains(left[0], "99") {
			t.Errorf("left: %v; a newer version's job must wait for that version", left)
		}
		if got := testutil.ToFloat64(w.metrics.deadLetters); got != 2 {
			t.Errorf("gatewarden_dead_letters_total is %v", got)
		}
		if err := w.measureOnce(w.Context()); err != nil {
			t.Fatal(err)
		}
		if got := testutil.ToFloat64(w.metrics.oldest.WithLabelValues("GW_ACTIONS")); got <= 0 || got > float64(time.Now().Unix()) {
			t.Errorf("the oldest job is of %v", got)
		}
		if got := testutil.ToFloat64(w.metrics.oldest.WithLabelValues("GW_EVAL")); got != 0 {
			t.Errorf("an empty queue's oldest is of %v", got)
		}
	})
}

// TestLanes runs three replicas on the lanes, with new jobs of each scope arriving while
// others of it run.
func TestLanes(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		var scopes []access.Scope
		for i := range 12 {
			scopes = append(scopes, access.ProjectScope(fmt.Sprintf("64f0000000000000000000%02x", i)))
		}
		running := make(map[access.Scope]*atomic.Int64)
		for _, s := range scopes {
			running[s] = new(atomic.Int64)
		}
		var mu sync.Mutex
		last := make(map[access.Scope]uint64)
		handle := func(_ context.Context, m Message) error {
			var job access.Eval
			if err := json.Unmarshal(m.Data, &job); err != nil {
				return err
			}
			if running[job.Scope].Add(1) != 1 {
				t.Errorf("two jobs of %s at once", job.Scope)
			}
			defer running[job.Scope].Add(-1)
			mu.Lock()
			if m.Sequence < last[job.Scope] {
				t.Errorf("job %d of %s came after %d", m.Sequence, job.Scope, last[job.Scope])
			}
			last[job.Scope] = m.Sequence
			mu.Unlock()
			time.Sleep(70 * time.Millisecond)
			return nil
		}
		var stops []func()
		for _, s := range []*Stream{w.Stream, w.replica(Options{}), w.replica(Options{})} {
			stops = append(stops, w.run(s, Worker{Topic: access.TopicEval, Handle: handle}))
		}
		written := make(map[access.Scope]uint64)
		for i := range 40 {
			for _, s := range scopes {
				w.publish(evalJob(s, fmt.Sprint(i)))
				info, err := w.streams["GW_EVAL"].Info(w.Context())
				if err != nil {
					t.Fatal(err)
				}
				written[s] = info.State.LastSeq
			}
			time.Sleep(15 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		for _, stop := range stops {
			stop()
		}
		if left := w.stored(streamEval); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		for s, seq := range last {
			if seq+uint64(len(scopes)) < written[s]-uint64(len(scopes)) {
				t.Errorf("the last job of %s handled is %d of %d: later ones were lost", s, seq, written[s])
			}
		}
	})
}

func TestAFailingScopeDoesNotStopItsLane(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		neighbour := scopeB
		for i := 0; Partition(neighbour) != Partition(scopeA); i++ {
			neighbour = access.ProjectScope(fmt.Sprintf("64f0000000000000000000%02x", i+16))
		}
		var failed, worked atomic.Int64
		w.publish(evalJob(scopeA, "broken"))
		stop := w.run(w.Stream, Worker{Topic: access.TopicEval, Handle: Handle(func(_ context.Context, job access.Eval) error {
			if job.Scope == scopeA {
				failed.Add(1)
				return errors.New("broken document")
			}
			worked.Add(1)
			return nil
		})})
		time.Sleep(time.Hour)
		for range 20 {
			w.publish(evalJob(neighbour, "change"))
			begin := time.Now()
			for before := worked.Load(); worked.Load() == before; {
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
			}
			within(t, "a neighbour's job", time.Since(begin), 0, 2*laneDelay)
		}
		stop()
		if n := failed.Load(); n < 300 || n > 3000 {
			t.Errorf("the failing job was tried %d times in an hour", n)
		}
		if left := w.stored(streamEval); len(left) == 0 {
			t.Error("the failing job is lost")
		}
	})
}

func TestRedeliveryAfterARestart(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.publish(act("f"), evalJob(scopeA, "x"))
		ctx, kill := context.WithCancel(w.Context())
		stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: func(context.Context, Message) error {
			<-ctx.Done() // the server stops while this runs
			return errors.New("killed")
		}})
		synctest.Wait()
		w.server.Shutdown(w.Context())
		kill()
		w.nc.Close()
		stop()
		w.start(Options{})
		var got log
		stop = w.run(w.Stream,
			Worker{Topic: access.TopicAction, Handle: func(_ context.Context, m Message) error { got.add("%s", m.Subject); return nil }},
			Worker{Topic: access.TopicEval, Handle: func(_ context.Context, m Message) error { got.add("%s", m.Subject); return nil }})
		time.Sleep(time.Minute)
		stop()
		if len(got.all()) != 2 {
			t.Errorf("after the restart: %v", got.all())
		}
	})
}

func TestALongHandlerKeepsItsMessage(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		var calls atomic.Int64
		handle := func(context.Context, Message) error {
			calls.Add(1)
			time.Sleep(10 * ackWait)
			return nil
		}
		w.publish(act("f"))
		stopA := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: handle})
		stopB := w.run(w.replica(Options{}), Worker{Topic: access.TopicAction, Handle: handle})
		time.Sleep(time.Hour)
		stopA()
		stopB()
		if calls.Load() != 1 {
			t.Errorf("%d calls, want 1", calls.Load())
		}
	})
}

// TestAStalledProcessLosesTheRace takes a message and falls silent, as a stopped process
// does: another gets the message too, and the compare-and-set lets one effect through.
func TestAStalledProcessLosesTheRace(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "actions")
		effect := func(who string) error {
			_, err := kv.Update(w.Context(), "f", func(cur note, rev uint64) (*note, []access.Out, error) {
				if rev != 0 {
					return nil, nil, nil // done already
				}
				return &note{V: 1, Text: who}, []access.Out{event(who)}, nil
			})
			return err
		}
		ls, err := w.lanes(Worker{Topic: access.TopicAction, Handle: func(context.Context, Message) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		cons, _, err := w.consumer(w.Context(), ls[0])
		if err != nil {
			t.Fatal(err)
		}
		w.publish(act("f"))
		stalled, err := cons.Next()
		if err != nil {
			t.Fatal(err)
		}
		stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: func(_ context.Context, m Message) error {
			if m.Delivered != 2 {
				t.Errorf("delivery %d, want the second", m.Delivered)
			}
			return effect("second")
		}})
		time.Sleep(2 * ackWait)
		if err := effect("stalled"); err != nil { // it wakes up
			t.Error(err)
		}
		if err := stalled.DoubleAck(w.Context()); err != nil {
			t.Logf("the late acknowledgement: %v", err)
		}
		stop()
		if got := w.stored(streamEvents); len(got) != 1 || !strings.Contains(got[0], "second") {
			t.Errorf("effects: %v, want one", got)
		}
	})
}

func TestFactsAreReadByNamedConsumers(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if err := w.Run(w.Context(), Worker{Topic: access.TopicFinding, Handle: func(context.Context, Message) error { return nil }}); err == nil {
			t.Error("a consumer of facts without a name was accepted")
		}
		var a, b log
		read := func(l *log) func(context.Context, Message) error {
			return func(_ context.Context, m Message) error { l.add("%s", m.Data); return nil }
		}
		w.publish(event("1"), event("2"))
		stop := w.run(w.Stream, Worker{Topic: access.TopicEvent, Durable: "audit", Handle: read(&a)}, Worker{Topic: access.TopicEvent, Durable: "router", Handle: read(&b)})
		time.Sleep(time.Second)
		stop()
		w.publish(event("3"))
		stop = w.run(w.Stream, Worker{Topic: access.TopicEvent, Durable: "audit", Handle: read(&a)})
		time.Sleep(time.Second)
		stop()
		if d := cmp.Diff([]string{`"1"`, `"2"`, `"3"`}, a.all()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{`"1"`, `"2"`}, b.all()); d != "" {
			t.Error(d)
		}
	})
}

func TestShutdownLetsHandlersFinish(t *testing.T) {
	cases := map[string]struct{ takes, wait, stopped time.Duration }{
		"within the grace": {takes: 20 * time.Second, wait: 20 * time.Second},
		"beyond the grace": {takes: time.Hour, wait: 25 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				finished := false
				handle := func(ctx context.Context, _ Message) error {
					sleep(ctx, c.takes)
					finished = ctx.Err() == nil
					return ctx.Err()
				}
				w.publish(act("f"), act("g"))
				stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: handle})
				synctest.Wait()
				begin := time.Now()
				stop()
				within(t, "the shutdown", time.Since(begin), c.wait, c.wait+2*time.Second)
				left := 2
				if c.takes == c.wait {
					left = 1
				}
				if got := w.stored(streamActions); len(got) != left || finished != (left == 1) {
					t.Errorf("finished %v, left %v", finished, got)
				}
			})
		})
	}
}

// TestProbePoints pins the names at which tests of crashes stop the process.
func TestProbePoints(t *testing.T) {
	var points log
	inWorld(t, Options{Probe: func(p string) { points.add("%s", p) }}, func(w *world) {
		kv := Bucket[note](w.Stream, "actions")
		w.publish(act("f"))
		stop := w.run(w.Stream, Worker{Topic: access.TopicAction, Handle: func(ctx context.Context, _ Message) error {
			_, err := kv.Update(ctx, "f", set("done", event("1"), event("2")))
			return err
		}})
		time.Sleep(time.Second)
		stop()
		want := []string{
			"action:received", "gw_actions:before-cas", "gw_actions:after-cas", "gw_actions:after-publish-1", "gw_actions:after-publish-2",
			"gw_actions:before-clear", "gw_actions:after-clear", "action:before-ack", "action:after-ack",
		}
		if d := cmp.Diff(want, points.all()); d != "" {
			t.Error(d)
		}
	})
}
