package daemon

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
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

	"github.com/google/go-cmp/cmp"
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

// A process that dies after any step lost nothing, and repeats nothing.
func TestAuditDiesAnywhere(t *testing.T) {
	for _, point := range []string{"audit:before-append", "audit:after-append", "audit:before-checkpoint", "audit:after-checkpoint"} {
		t.Run(point, func(t *testing.T) {
			inAuditRig(t, func(r *auditRig) {
				var died error = errors.New("died")
				a := r.auditor("book")
				r.say(10)
				dead := r.killedAt(a, point)
				r.must(died2(died, dead))
				r.say(10)
				next := r.auditor("book")
				stop := r.running(next)
				time.Sleep(5 * time.Minute)
				stop()
				got, err := next.verify(r.ctx())
				if err != nil || got.Verdict() != audit.Clean || got.Facts != 80 {
					t.Errorf("%s%v %v", got.Summary(), got.Problems, err)
				}
			})
		})
	}
}
