package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// posterWorld is a poster with a store, a queue of one notice a subject, a board that enforces limits, and
// a clock that moves when nothing is left to do. Handlers run as coroutines that stop before and after
// each call to the outside, so that a test chooses who goes on, and who dies there.
type posterWorld struct {
	now      time.Time
	poster   *Poster
	policy   Policy
	findings map[string]Story // by action id
	queue    map[string]*queued
	order    int
	board    *pinboard
	handled  int
	held     *memory[Held]
	groups   *memory[Group]
	places   *memory[Place]
	days     *memory[Day]
	pointers *memory[Pointer]
}

type queued struct {
	notice access.Notice
	due    time.Time
	n      int
}

var errDied = errors.New("the process died")

type yielder struct{}

// step is one call to the outside: a handler may stop, or die, before and after it.
func step(ctx context.Context, do func() error) error {
	yield, ok := ctx.Value(yielder{}).(func() bool)
	if !ok {
		return do()
	}
	if !yield() {
		return errDied
	}
	err := do()
	if !yield() {
		return errDied
	}
	return err
}

// stepped is Documents whose calls are steps, and whose documents go through JSON.
type stepped[T any] struct{ *memory[T] }

func (s stepped[T]) Get(ctx context.Context, key string) (doc T, rev uint64, err error) {
	err = step(ctx, func() (err error) {
		doc, rev, err = s.memory.Get(ctx, key)
		doc = again(doc)
		return err
	})
	return doc, rev, err
}

func (s stepped[T]) Update(ctx context.Context, key string, compute func(T, uint64) (*T, []access.Out, error)) (rev uint64, err error) {
	err = step(ctx, func() (err error) {
		rev, err = s.memory.Update(ctx, key, func(cur T, rev uint64) (*T, []access.Out, error) { return compute(again(cur), rev) })
		return err
	})
	return rev, err
}

func again[T any](doc T) (out T) {
	raw, err := json.Marshal(doc)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// Story implements Stories.
func (w *posterWorld) Story(ctx context.Context, _ access.Scope, finding string, episode int) (s Story, ok bool, err error) {
	err = step(ctx, func() error { s, ok = w.findings[access.ActionID(finding, episode)]; return nil })
	s.At = w.now
	return s, ok, err
}

func (w *posterWorld) publish(ctx context.Context, outs ...access.Out) error {
	for _, o := range outs {
		err := step(ctx, func() error {
			var n access.Notice
			if err := json.Unmarshal(o.Body, &n); err != nil {
				return err
			}
			w.order++
			w.queue[o.Keys[1]] = &queued{n, w.now, w.order}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func newPosterWorld(quick bool) *posterWorld {
	w := &posterWorld{
		now: at, findings: map[string]Story{}, queue: map[string]*queued{},
		held: store[Held](), groups: store[Group](), places: store[Place](), days: store[Day](), pointers: store[Pointer](),
	}
	w.board = &pinboard{w: w, pins: map[Placed]*pin{}, last: map[string]time.Time{}, closed: map[string]bool{}}
	w.poster = w.process()
	if quick { // documents stay as they are: of large groups JSON takes the most time
		w.poster.Store = Store{w.groups, w.places, w.pointers, store[Channel](), w.held, w.days}
	}
	return w
}

func (w *posterWorld) process() *Poster {
	was := Store{stepped[Group]{w.groups}, stepped[Place]{w.places}, stepped[Pointer]{w.pointers}, stepped[Channel]{store[Channel]()}, stepped[Held]{w.held}, stepped[Day]{w.days}}
	if w.poster != nil {
		was = w.poster.Store
	}
	return &Poster{
		Board: w.board, Stories: w, Store: was, Publish: w.publish, Now: func() time.Time { return w.now },
		Policy: func() Policy { return w.policy },
		Lines: func(s Story) []Line {
			return []Line{{Key: string(s.Finding.State), Text: s.Finding.Message, At: s.Finding.OpenedAt}}
		},
	}
}

// routes sends everything to the log and to a channel.
func (w *posterWorld) route(f access.Finding) {
	r := Router{Routes: func() []Route { return []Route{{To: []string{"slack:ops"}}} }, Publish: w.publish}
	if err := r.Finding(context.Background(), access.FindingEvent{Finding: f}); err != nil {
		panic(err)
	}
}

// set changes a finding, and tells.
func (w *posterWorld) set(s Story) {
	w.findings[access.ActionID(s.Finding.ID, s.Finding.Episode)] = s
	w.route(s.Finding)
}

func (w *posterWorld) change(id string, change func(*Story)) {
	s := w.findings[access.ActionID(id, 1)]
	change(&s)
	w.set(s)
}

func (w *posterWorld) resolve(id string) {
	w.change(id, func(s *Story) { s.Finding.State, s.Finding.ResolvedAt = access.FindingResolved, w.now })
}

// take gives the next notice that is due and that pick wants.
func (w *posterWorld) take(pick func([]*queued) *queued) (subject string, q *queued) {
	var due []*queued
	for _, q := range w.queue {
		if !q.due.After(w.now) {
			due = append(due, q)
		}
	}
	if len(due) == 0 {
		return "", nil
	}
	slices.SortFunc(due, func(a, b *queued) int { return a.n - b.n })
	q = pick(due)
	for s, other := range w.queue {
		if other == q {
			subject = s
		}
	}
	return subject, q
}

// done settles a notice: acknowledged, or to come again, unless a newer one took its place.
func (w *posterWorld) done(subject string, q *queued, err error) {
	w.handled++
	if w.queue[subject] != q {
		return
	}
	if err == nil {
		delete(w.queue, subject)
		return
	}
	delay, ok := delayOf(err)
	if !ok {
		delay = time.Second
	}
	q.due = w.now.Add(delay)
}

// settle handles notices until the queue is empty or the time has come, whichever is first.
func (w *posterWorld) settle(t *testing.T, until time.Time) {
	t.Helper()
	for range 2_000_000 {
		subject, q := w.take(func(due []*queued) *queued { return due[0] })
		if q != nil {
			w.done(subject, q, w.poster.Handle(t.Context(), q.notice))
			continue
		}
		next := until
		for _, q := range w.queue {
			if q.due.Before(next) {
				next = q.due
			}
		}
		w.now = next
		if len(w.queue) == 0 || !next.Before(until) {
			w.now = until
			return
		}
	}
	t.Fatal("it never comes to rest")
}

func (w *posterWorld) after(t *testing.T, d time.Duration) {
	t.Helper()
	w.settle(t, w.now.Add(d))
}

// found is a finding of the world, with a decided action.
func (w *posterWorld) found(id, rule string, severity access.Severity, project int) Story {
	scope := access.ProjectScope(fmt.Sprintf("64f0000000000000000000%02x", project))
	f := access.Finding{
		ID: access.Hash(id), Rule: rule, Ref: access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: id}, State: access.FindingOpen, Episode: 1,
		Severity: severity, Environment: "prod", Message: id, Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}, OpenedAt: w.now,
	}
	return Story{Finding: f, Action: access.Action{ID: access.ActionID(f.ID, 1), State: access.ActionTold}}
}

// handler is a Handle that runs as a coroutine.
type handler struct {
	subject string
	q       *queued
	err     error
	next    func() (struct{}, bool)
	kill    func()
}

func (w *posterWorld) start(ctx context.Context, subject string, q *queued) *handler {
	h := &handler{subject: subject, q: q}
	poster := w.poster
	h.next, h.kill = iter.Pull(func(yield func(struct{}) bool) {
		alive := true
		h.err = poster.Handle(context.WithValue(ctx, yielder{}, func() bool {
			w.now = w.now.Add(time.Millisecond) // no two steps are at the same time
			alive = alive && yield(struct{}{})
			return alive
		}), q.notice)
	})
	return h
}

// rest handles notices until none is left.
func (w *posterWorld) rest(t interface {
	Context() context.Context
	Fatalf(format string, args ...any)
}) {
	for range 100_000 {
		subject, q := w.take(first)
		if q != nil {
			w.done(subject, q, w.poster.Handle(t.Context(), q.notice))
			continue
		}
		if len(w.queue) == 0 {
			return
		}
		next := w.now.Add(time.Hour)
		for _, q := range w.queue {
			if q.due.Before(next) {
				next = q.due
			}
		}
		w.now = next
	}
	t.Fatalf("it never comes to rest")
}

func keysOf[T any](m *memory[T]) iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(m.docs)))
}

func (w *posterWorld) remove(_ context.Context, key string) error {
	delete(w.groups.docs, key)
	delete(w.places.docs, key)
	delete(w.days.docs, key)
	delete(w.pointers.docs, key)
	return nil
}
