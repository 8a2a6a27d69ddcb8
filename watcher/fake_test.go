package watcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	orgID     = "64f000000000000000000001"
	projectID = "64f0000000000000000000a1"
)

var (
	org     = access.OrgScope(orgID)
	project = access.ProjectScope(projectID)
	alice   = access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}
	mallory = access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}
)

// errDied is what a process that dies in the middle of a step sees.
var errDied = errors.New("died")

// bucket is a bucket in memory with outboxes, and with deaths at chosen steps.
type bucket[T any] struct {
	mu   sync.Mutex
	docs map[string]*entry
	log  *stream
	// die is asked before the compare-and-set, after it, and after the publication.
	die    func(step string) bool
	writes int
}

type entry struct {
	raw []byte
	rev uint64
	out []access.Out
}

func newBucket[T any](s *stream) *bucket[T] {
	return &bucket[T]{docs: map[string]*entry{}, log: s, die: func(string) bool { return false }}
}

func (b *bucket[T]) decode(key string) (doc T, rev uint64) {
	e := b.docs[key]
	if e == nil {
		return doc, 0
	}
	if err := json.Unmarshal(e.raw, &doc); err != nil {
		panic(err)
	}
	return doc, e.rev
}

func (b *bucket[T]) Get(_ context.Context, key string) (T, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	doc, rev := b.decode(key)
	return doc, rev, nil
}

func (b *bucket[T]) Update(_ context.Context, key string, compute func(T, uint64) (*T, []access.Out, error)) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.flush(key); err != nil {
		return 0, err
	}
	cur, rev := b.decode(key)
	next, out, err := compute(cur, rev)
	if err != nil || next == nil {
		return rev, err
	}
	if b.die("before " + key) {
		return 0, errDied
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return 0, err
	}
	b.docs[key] = &entry{raw, rev + 1, out}
	b.writes++
	if b.die("after " + key) {
		return 0, errDied
	}
	return rev + 1, b.flush(key)
}

func (b *bucket[T]) flush(key string) error {
	e := b.docs[key]
	if e == nil || len(e.out) == 0 {
		return nil
	}
	for i, o := range e.out {
		if o.ID == "" {
			o.ID = key + "#" + strconv.FormatUint(e.rev, 10) + "." + strconv.Itoa(i)
		}
		b.log.publish(o, fmt.Sprintf("%T %s %d %d", b, key, e.rev, i))
	}
	if b.die("published " + key) {
		return errDied
	}
	e.out = nil
	e.rev++
	return nil
}

// stream keeps what was published. Like the real one it knows a message id again for
// two minutes only. An outbox that is published again is what it was before: consumers
// know it by its numbers.
type stream struct {
	mu   sync.Mutex
	now  func() time.Time
	seen map[string]time.Time
	from map[string]bool // places in outboxes
	all  []access.Out
}

func (s *stream) publish(o access.Out, place string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, now := string(o.Topic)+" "+o.ID, s.now()
	if at, known := s.seen[id]; !s.from[place] && (!known || now.Sub(at) > 2*time.Minute) {
		s.all = append(s.all, o)
	}
	s.seen[id], s.from[place] = now, true
}

func decoded[T any](s *stream, topic access.Topic) (out []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		if o.Topic == topic {
			var x T
			if err := json.Unmarshal(o.Body, &x); err != nil {
				panic(err)
			}
			out = append(out, x)
		}
	}
	return out
}

// world is an Atlas of one org and one project.
type world struct {
	mu       sync.Mutex
	now      time.Time
	states   map[string]map[string]access.State // by scope.kind, then name
	bad      map[string]access.Reading
	odd      map[string][]string
	events   []told
	eventErr map[access.Scope]error
	projects []access.Project
	listErr  error
	n        int
	reads    []string
	onRead   func(kind access.Kind) // after the states are taken, before the answer
}

type told struct {
	event   access.Event
	visible time.Time
}

func newWorld() *world {
	w := &world{
		now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC), states: map[string]map[string]access.State{},
		bad: map[string]access.Reading{}, odd: map[string][]string{}, eventErr: map[access.Scope]error{},
		projects: []access.Project{{ID: projectID, OrgID: orgID, Title: "ecommerce-prod"}},
	}
	w.put(project, access.Project{ID: projectID, OrgID: orgID, Title: "ecommerce-prod"})
	w.put(org, access.Org{ID: orgID, Title: "ExampleCorp"})
	return w
}

func (w *world) put(scope access.Scope, s access.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := string(scope) + "." + string(s.Kind())
	if w.states[key] == nil {
		w.states[key] = map[string]access.State{}
	}
	w.states[key][s.Name()] = s
}

func (w *world) remove(scope access.Scope, kind access.Kind, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.states[string(scope)+"."+string(kind)], name)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// tell writes an event of now into the feed, visible after a delay.
func (w *world) tell(scope access.Scope, eventType, target string, actor access.Actor, delay time.Duration) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	id := fmt.Sprintf("%024x", w.n)
	e := access.Event{ID: id, Type: eventType, Created: w.now.Truncate(time.Second), Target: target, Actor: actor}
	w.events = append(w.events, told{e, w.now.Add(delay)})
	return id
}

func (w *world) Events(_ context.Context, scope access.Scope, since time.Time) ([]access.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.eventErr[scope]; err != nil {
		return nil, err
	}
	var out []access.Event
	for _, t := range w.events {
		if scope == project && !t.visible.After(w.now) && (t.event.Created.IsZero() || !t.event.Created.Before(since)) {
			out = append(out, t.event)
		}
	}
	slices.SortStableFunc(out, func(a, b access.Event) int { return a.Created.Compare(b.Created) })
	return out, nil
}

func (w *world) Read(_ context.Context, scope access.Scope, kind access.Kind) access.Reading {
	w.mu.Lock()
	key := string(scope) + "." + string(kind)
	w.reads = append(w.reads, key)
	r := access.Reading{Status: access.StatusComplete, Began: w.now, Odd: w.odd[key]}
	for _, s := range w.states[key] {
		if !slices.Contains(r.Odd, s.Name()) {
			r.States = append(r.States, s)
		}
	}
	if bad, ok := w.bad[key]; ok {
		r = bad
		r.Began = w.now
	}
	hook := w.onRead
	w.mu.Unlock()
	if hook != nil {
		hook(kind)
	}
	return r
}

func (w *world) Projects(context.Context, string) ([]access.Project, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.projects), w.listErr
}

// fataler is what testing.TB and rapid.T share.
type fataler interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

// rig is a watcher over a world and buckets in memory.
type rig struct {
	*world
	t         fataler
	w         *Watcher
	watch     *bucket[Watch]
	inventory *bucket[access.Collection]
	history   *bucket[access.History]
	out       *stream
	intents   []access.Intent
}

func (r *rig) Intents(context.Context, access.Scope) ([]access.Intent, error) { return r.intents, nil }

func newRig(t fataler, change ...func(*Options)) *rig {
	r := &rig{world: newWorld(), t: t, out: &stream{seen: map[string]time.Time{}, from: map[string]bool{}}}
	r.out.now = r.clock
	r.watch, r.inventory = newBucket[Watch](r.out), newBucket[access.Collection](r.out)
	r.history = newBucket[access.History](r.out)
	opts := Options{
		Atlas: r.world, Now: r.clock, Watch: r.watch, Inventory: r.inventory, History: r.history, Intents: r, Orgs: []string{orgID}, Parallel: 1,
		Principals: []access.Principal{{ID: "alice", Atlas: []string{"alice@example.com"}}},
		Kinds: func(s access.Scope) []access.Kind {
			if s.IsOrg() {
				return []access.Kind{access.KindOrg}
			}
			return []access.Kind{access.KindProject, access.KindIPAccessEntry, access.KindDatabaseUser, access.KindCustomRole, access.KindCluster}
		},
	}
	for _, c := range change {
		c(&opts)
	}
	w, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	return r
}

func (r *rig) try(source access.Source, kinds ...access.Kind) error {
	return r.w.Poll(context.Background(), access.Poll{Scope: project, Source: source, Kinds: kinds, At: r.clock()})
}

// poll polls the feed of the project and must succeed.
func (r *rig) poll() {
	r.t.Helper()
	if err := r.try(access.SourceFeed); err != nil {
		r.t.Fatalf("poll: %v", err)
	}
}

func (r *rig) sweep() {
	r.t.Helper()
	if err := r.try(access.SourceSweep); err != nil {
		r.t.Fatalf("sweep: %v", err)
	}
}

// watched returns a rig whose world was read for the first time a minute ago.
func watched(t testing.TB, states ...access.State) *rig {
	r := newRig(t)
	for _, s := range states {
		r.put(project, s)
	}
	r.poll()
	r.pass(time.Minute)
	r.poll()
	return r
}

func (r *rig) changes() []access.Change { return decoded[access.Change](r.out, access.TopicChange) }

func (r *rig) collection(kind access.Kind) access.Collection {
	c, _, _ := r.inventory.Get(context.Background(), string(project)+"."+string(kind))
	return c
}

func (r *rig) doc() Watch {
	d, _, _ := r.watch.Get(context.Background(), string(project))
	return d
}

func entryOf(cidr string) access.IPAccessEntry { return access.IPAccessEntry{Entry: cidr} }

func user(name string, roles ...string) access.DatabaseUser {
	u := access.DatabaseUser{Database: "admin", Username: name, Auth: access.AuthSCRAM, Roles: []access.RoleGrant{}, Scopes: []access.UserScope{}}
	for _, r := range roles {
		u.Roles = append(u.Roles, access.RoleGrant{Role: r, Database: "admin"})
	}
	return u
}

// brief is a change as a line: operation, name, actor, number of events.
func brief(changes []access.Change) (out []string) {
	for _, c := range changes {
		line := fmt.Sprintf("%s %s", c.Op, c.Ref.Name)
		if c.Actor.Name != "" {
			line += " by " + c.Actor.Name
		}
		line += fmt.Sprintf(" events=%d", len(c.Events))
		if !c.Ended.IsZero() {
			line += " ended"
		}
		if c.Gap {
			line += " gap"
		}
		if c.Own != "" {
			line += " own=" + c.Own
		}
		out = append(out, line)
	}
	return out
}

// usedBy lists, by event, the ids of the changes that name it.
func usedBy(changes []access.Change) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, c := range changes {
		for _, id := range c.Events {
			if out[id] == nil {
				out[id] = map[string]bool{}
			}
			out[id][c.ID] = true
		}
	}
	return out
}

// rarelySwept is a watched rig in which no sweep falls due by itself.
func rarelySwept(t testing.TB, joins map[access.Kind][]access.Kind, states ...access.State) *rig {
	r := newRig(t, func(o *Options) { o.SweepGate, o.SweepRest, o.Joins = 9999*time.Hour, 9999*time.Hour, joins })
	for _, s := range states {
		r.put(project, s)
	}
	r.poll()
	r.pass(time.Minute)
	return r
}
