package daemon

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/audit"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/internal/stream/natsd"
)

const auditScope = access.Scope("prj.64f000000000000000000001")

// auditRig is a store with auditors on it, in a bubble of fake time.
type auditRig struct {
	t      *testing.T
	dir    string
	server *natsd.Server
	conns  []*nats.Conn
	js     jetstream.JetStream
	s      *stream.Stream
	n      int // facts said
}

func inAuditRig(t *testing.T, test func(r *auditRig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &auditRig{t: t, dir: dir}
		r.open()
		defer func() { r.close() }()
		test(r)
	})
}

func (r *auditRig) ctx() context.Context { return r.t.Context() }

func (r *auditRig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *auditRig) open() {
	r.t.Helper()
	var err error
	r.server, err = natsd.Start(natsd.Options{Dir: filepath.Join(r.dir, "store")})
	r.must(err)
	r.s = r.connect()
	r.js, err = jetstream.New(r.conns[0])
	r.must(err)
}

func (r *auditRig) connect() *stream.Stream {
	r.t.Helper()
	nc, err := r.server.Connect()
	r.must(err)
	r.conns = append(r.conns, nc)
	s, err := stream.Open(r.ctx(), nc, stream.Options{})
	r.must(err)
	return s
}

func (r *auditRig) close() {
	r.t.Helper()
	for _, nc := range r.conns {
		nc.Close()
	}
	r.conns = nil
	r.must(r.server.Shutdown(context.WithoutCancel(r.ctx())))
}

// auditor is one on the store by a connection of its own, with a book of its own name.
func (r *auditRig) auditor(book string, change ...func(*auditOptions)) *auditor {
	r.t.Helper()
	o := auditOptions{
		Stream: r.connect(), Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32)), Secret: bytes.Repeat([]byte{4}, 32), Book: filepath.Join(r.dir, book),
		Every: time.Minute, Verify: time.Hour, Machine: func(name string) bool { return name == "prod_app_user" },
		Logger: zap.NewNop(), Metrics: newAuditMetrics(prometheus.NewRegistry()),
	}
	for _, c := range change {
		c(&o)
	}
	a, err := newAuditor(o)
	r.must(err)
	return a
}

// running starts auditors, and gives what stops them.
func (r *auditRig) running(all ...*auditor) (stop func()) {
	ctx, cancel := context.WithCancel(r.ctx())
	var group sync.WaitGroup
	for _, a := range all {
		group.Go(func() {
			if err := a.run(ctx); err != nil {
				r.t.Errorf("run: %v", err)
			}
		})
	}
	return func() { cancel(); group.Wait() }
}

// say publishes n facts of each kind.
func (r *auditRig) say(n int) {
	r.t.Helper()
	alice := access.Actor{Type: access.ActorHuman, Name: "alice@example.com", Address: "198.51.100.4"}
	ref := access.Ref{Scope: auditScope, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	for range n {
		r.n++
		id := fmt.Sprint(r.n)
		r.must(r.s.Publish(r.ctx(),
			access.NewOut(access.TopicEvent, auditScope, access.Event{V: 1, ID: "e" + id, Scope: auditScope, Actor: alice}),
			access.NewOut(access.TopicChange, auditScope, access.Change{V: 1, ID: "c" + id, Ref: ref, Actor: alice}, string(ref.Kind)),
			access.NewOut(access.TopicFinding, auditScope, access.FindingEvent{V: 1, Finding: access.Finding{V: 1, ID: "f" + id, Ref: ref, Actor: alice}}),
			access.NewOut(access.TopicDecision, auditScope, access.Decision{V: 1, Type: "intent", Action: access.Action{V: 1, ID: "a" + id, Ref: ref}}, "intent"),
		))
	}
}

// codes verifies, and gives what it tells of, each code once: problems as they are, unknowns with a ?.
func (r *auditRig) codes(a *auditor) string {
	r.t.Helper()
	got, err := a.verify(r.ctx())
	r.must(err)
	all := map[string]bool{}
	for _, p := range got.Problems {
		all[p.Code] = true
	}
	for _, u := range got.Unknown {
		all["?"+u.Code] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

func TestAuditRecordsEverythingOnce(t *testing.T) {
	inAuditRig(t, func(r *auditRig) {
		a := r.auditor("book")
		stop := r.running(a)
		for range 5 {
			r.say(70)
			time.Sleep(20 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		got, err := a.verify(r.ctx())
		r.must(err)
		if got.Verdict() != audit.Clean || got.Facts != 4*350 || got.Checkpoints < 2 || got.Entries > 40 {
			t.Errorf("%s%v", got.Summary(), got.Problems)
		}
		stop()
		r.close()
		r.open()
		r.say(3)
		a = r.auditor("book")
		if codes := r.codes(a); codes != "" {
			t.Errorf("after a restart, before it goes on: %s", codes)
		}
		stop = r.running(a)
		time.Sleep(2 * time.Hour)
		stop()
		if got, err = r.auditor("book").verify(r.ctx()); err != nil || got.Verdict() != audit.Clean || got.Facts != 4*353 {
			t.Errorf("%s%v %v", got.Summary(), got.Problems, err)
		}
		if n := testutil.ToFloat64(a.Metrics.verified); time.Since(time.Unix(int64(n), 0)) > time.Hour+time.Minute || testutil.ToFloat64(a.Metrics.broken) != 0 || testutil.ToFloat64(a.Metrics.behind) != 0 {
			t.Errorf("last verified at %v", n)
		}
	})
}

// Two replicas and more append at once: the compare-and-set decides, and no fact is there twice.
func TestAuditReplicas(t *testing.T) {
	inAuditRig(t, func(r *auditRig) {
		var all []*auditor
		for i := range 3 {
			all = append(all, r.auditor(fmt.Sprint("book", i)))
		}
		stop := r.running(all...)
		for range 10 {
			r.say(60)
			time.Sleep(700 * time.Millisecond)
		}
		time.Sleep(5 * time.Minute)
		stop()
		for i, a := range all {
			got, err := a.verify(r.ctx())
			if err != nil || got.Verdict() != audit.Clean || got.Facts != 4*600 || got.Checkpoints == 0 {
				t.Errorf("by the book of %d: %s%v %v", i, got.Summary(), got.Problems, err)
			}
		}
	})
}

// A process that dies between an entry and its checkpoint, while it writes either, or while its
// connection is away, lost nothing and repeats nothing. TestKill does it for real.
func TestAuditGoesOnAfterADeath(t *testing.T) {
	for name, die := range map[string]func(r *auditRig, a *auditor, cancel func()){
		"before any checkpoint": func(*auditRig, *auditor, func()) {},
		"in a line of the book": func(r *auditRig, a *auditor, _ func()) {
			r.must(a.sign(r.ctx()))
			f, err := os.OpenFile(a.Book, os.O_APPEND|os.O_WRONLY, 0)
			r.must(err)
			_, err = f.WriteString(`{"v":1,"n":2,"prev"`)
			r.must(errors.Join(err, f.Close()))
		},
		"without its connection": func(r *auditRig, _ *auditor, _ func()) {
			r.conns[len(r.conns)-1].Close()
			r.say(5)
		},
		"with facts on their way": func(r *auditRig, _ *auditor, cancel func()) { r.say(5); cancel(); r.say(5) },
	} {
		t.Run(name, func(t *testing.T) {
			inAuditRig(t, func(r *auditRig) {
				a := r.auditor("book")
				ctx, cancel := context.WithCancel(r.ctx())
				r.say(10)
				var group sync.WaitGroup
				group.Go(func() { _ = a.record(ctx) })
				time.Sleep(10 * time.Second)
				die(r, a, cancel)
				cancel()
				group.Wait()
				next := r.auditor("book")
				stop := r.running(next)
				r.say(10)
				time.Sleep(5 * time.Minute)
				stop()
				got, err := next.verify(r.ctx())
				if err != nil || got.Verdict() != audit.Clean || got.Facts != 4*r.n {
					t.Errorf("%s%v %v", got.Summary(), got.Problems, err)
				}
			})
		})
	}
}

// remake makes a stream anew out of its messages, as somebody would who owns the server.
func (r *auditRig) remake(name string, change func([]*jetstream.RawStreamMsg) []*jetstream.RawStreamMsg) {
	r.t.Helper()
	st, err := r.js.Stream(r.ctx(), name)
	r.must(err)
	c := st.CachedInfo().Config
	var all []*jetstream.RawStreamMsg
	for seq := uint64(1); seq <= st.CachedInfo().State.LastSeq; seq++ {
		m, err := st.GetMsg(r.ctx(), seq)
		r.must(err)
		all = append(all, m)
	}
	r.must(r.js.DeleteStream(r.ctx(), name))
	_, err = r.js.CreateStream(r.ctx(), c)
	r.must(err)
	for _, m := range change(all) {
		_, err := r.js.Publish(r.ctx(), m.Subject, m.Data)
		r.must(err)
	}
}

func (r *auditRig) stream(name string) jetstream.Stream {
	r.t.Helper()
	st, err := r.js.Stream(r.ctx(), name)
	r.must(err)
	return st
}

// What an intruder does to store and book shows, and the log and the gauge tell of it.
func TestAuditShowsTampering(t *testing.T) {
	all := func(m []*jetstream.RawStreamMsg) []*jetstream.RawStreamMsg { return m }
	for name, c := range map[string]struct {
		do   func(r *auditRig, a *auditor)
		want string
	}{
		"nothing":               {func(*auditRig, *auditor) {}, ""},
		"a fact deleted":        {func(r *auditRig, _ *auditor) { r.must(r.stream("GW_DECISIONS").DeleteMsg(r.ctx(), 3)) }, "source-missing"},
		"the last fact deleted": {func(r *auditRig, _ *auditor) { r.must(r.stream("GW_EVENTS").DeleteMsg(r.ctx(), 30)) }, "source-missing"},
		"facts purged":          {func(r *auditRig, _ *auditor) { r.must(r.stream("GW_CHANGES").Purge(r.ctx())) }, "source-missing"},
		"facts purged from front": {func(r *auditRig, _ *auditor) {
			r.must(r.stream("GW_FINDINGS").Purge(r.ctx(), jetstream.WithPurgeSequence(9)))
		}, "source-missing"},
		"a stream of facts anew": {func(r *auditRig, _ *auditor) { time.Sleep(time.Second); r.remake("GW_DECISIONS", all) }, "source-missing"}, // what is there again is too young to be missed
		"a fact put in":          {func(r *auditRig, _ *auditor) { r.say(1); time.Sleep(time.Hour) }, "?unrecorded"},
		"junk in the chain": {func(r *auditRig, _ *auditor) {
			_, err := r.js.Publish(r.ctx(), "gw.audit", []byte("junk"))
			r.must(err)
		}, "entry"},
		"an entry of other content": {func(r *auditRig, _ *auditor) {
			r.remake("GW_AUDIT", func(m []*jetstream.RawStreamMsg) []*jetstream.RawStreamMsg { m[1].Data = m[0].Data; return m })
		}, "checkpoint gap link position"},
		"the chain cut": {func(r *auditRig, _ *auditor) {
			r.remake("GW_AUDIT", func(m []*jetstream.RawStreamMsg) []*jetstream.RawStreamMsg { return m[:2] })
		}, "?unrecorded checkpoint"},
		"the chain gone": {func(r *auditRig, _ *auditor) {
			r.remake("GW_AUDIT", func([]*jetstream.RawStreamMsg) []*jetstream.RawStreamMsg { return nil })
		}, "?unrecorded checkpoint"},
		"the chain stored anew":     {func(r *auditRig, _ *auditor) { r.remake("GW_AUDIT", all) }, ""}, // as it was: nothing is lost
		"a line of the book turned": {func(r *auditRig, a *auditor) { r.edit(a.Book, func(b []byte) []byte { b[40] ^= 1; return b }) }, "checkpoint"},
		"the book cut": {func(r *auditRig, a *auditor) {
			r.edit(a.Book, func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] })
		}, "?uncovered"},
		"the book of another key": {func(_ *auditRig, a *auditor) { a.Key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)) }, "?uncovered checkpoint"},
		"the book gone":           {func(r *auditRig, a *auditor) { r.must(os.Remove(a.Book)) }, "?uncovered"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			inAuditRig(t, func(r *auditRig) {
				stop := r.running(r.auditor("book"))
				for range 3 {
					r.say(10)
					time.Sleep(2 * time.Minute)
				}
				stop()
				a := r.auditor("book")
				c.do(r, a)
				if got := r.codes(a); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				a.verifyNow(r.ctx())
				broken := slices.ContainsFunc(strings.Fields(c.want), func(code string) bool { return code[0] != '?' })
				if got := testutil.ToFloat64(a.Metrics.broken) == 1; got != broken {
					t.Errorf("the gauge says broken: %v, want %v", got, broken)
				}
				if got := testutil.ToFloat64(a.Metrics.verified) != 0; got == broken {
					t.Errorf("the gauge says verified: %v", got)
				}
			})
		})
	}
}

func (r *auditRig) edit(name string, change func([]byte) []byte) {
	r.t.Helper()
	text, err := os.ReadFile(name)
	r.must(err)
	r.must(os.WriteFile(name, change(text), 0o600))
}

// Somebody who forks the chain wins at most the race for one position: the appender goes on
// after what lies there, and a chain that was cut is never signed again.
func TestAuditForks(t *testing.T) {
	inAuditRig(t, func(r *auditRig) {
		a := r.auditor("book")
		stop := r.running(a)
		r.say(10)
		time.Sleep(2 * time.Minute)
		a.mu.Lock()
		head := a.head
		a.mu.Unlock()
		e := audit.Entry{V: 1, Seq: head.Seq + 1, PrevSeq: head.Seq, Prev: strings.Repeat("0", 64), At: time.Now().UTC(), Facts: []audit.Fact{{Source: head.Marks[0].Source, Seq: 1, To: 1, Left: audit.LeftDropped}}, Marks: []audit.Mark{{Source: head.Marks[0].Source, Seq: 1}}}
		forged, _, err := e.Encode()
		r.must(err)
		r.must(a.log.Append(r.ctx(), head.Seq, forged))
		r.say(10)
		time.Sleep(2 * time.Minute)
		stop()
		if got := r.codes(r.auditor("book")); !strings.Contains(got, "link") {
			t.Errorf("a forged entry: %q", got)
		}
		r.remake("GW_AUDIT", func(m []*jetstream.RawStreamMsg) []*jetstream.RawStreamMsg { return m[:1] })
		b := r.auditor("book")
		stop = r.running(b)
		time.Sleep(5 * time.Minute)
		if err := b.sign(r.ctx()); err == nil || !strings.Contains(err.Error(), "cut or written anew") {
			t.Errorf("a cut chain is signed: %v", err)
		}
		stop()
	})
}
