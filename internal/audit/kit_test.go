package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

var day = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// memLog is a log in memory. fail is asked before ("ask") and after ("done") each append, and
// at each read.
type memLog struct {
	mu   sync.Mutex
	all  [][]byte // a nil one is an empty position
	fail func(step string) error
}

func (l *memLog) at(step string) error {
	if l.fail == nil {
		return nil
	}
	return l.fail(step)
}

func (l *memLog) Last(context.Context) (uint64, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.at("last"); err != nil || len(l.all) == 0 {
		return 0, nil, err
	}
	return uint64(len(l.all)), l.all[len(l.all)-1], nil
}

func (l *memLog) Get(_ context.Context, pos uint64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.at("get"); err != nil {
		return nil, err
	}
	if l.all[pos-1] == nil {
		return nil, access.ErrGone
	}
	return l.all[pos-1], nil
}

func (l *memLog) Append(_ context.Context, after uint64, stored []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.at("ask"); err != nil {
		return err
	}
	if after != uint64(len(l.all)) {
		return fmt.Errorf("position %d: %w", after, ErrConflict)
	}
	l.all = append(l.all, bytes.Clone(stored))
	return l.at("done")
}

func (l *memLog) records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for i, stored := range l.all {
			if stored != nil && !yield(Record{Pos: uint64(i) + 1, Stored: stored}, nil) {
				return
			}
		}
	}
}

// memTable is a table in memory.
type memTable struct {
	mu   sync.Mutex
	all  map[string][]byte
	fail func(step string) error
}

func newTable() *memTable { return &memTable{all: map[string][]byte{}} }

func (m *memTable) at(step string) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(step)
}

func (m *memTable) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[key], m.at("look")
}

func (m *memTable) Create(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.all[key]; ok {
		return ErrConflict
	}
	if err := m.at("create"); err != nil {
		return err
	}
	m.all[key] = value
	return m.at("created")
}

func (m *memTable) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.at("delete"); err != nil {
		return err
	}
	delete(m.all, key)
	return m.at("deleted")
}

// memSource is a source in memory: messages from first on.
type memSource struct {
	name  string
	first uint64
	all   []Message
	age   time.Duration
	drops bool
	err   error // at the end of the messages
}

func (s *memSource) put(at time.Time, body string) {
	seq := s.first + uint64(len(s.all))
	if s.first == 0 {
		s.first, seq = 1, 1
	}
	s.all = append(s.all, Message{Source: s.name, Seq: seq, Time: at, Subject: "gw." + s.name + ".prj.64f0c0ffee0000000000cafe", Body: []byte(body)})
}

// forget drops the oldest n messages, as retention does.
func (s *memSource) forget(n int) {
	s.all, s.first = s.all[n:], s.first+uint64(n)
}

func (s *memSource) source() Source {
	return Source{
		Name: s.name, Age: s.age, Drops: s.drops,
		First: func(context.Context) (uint64, error) { return s.first, s.err },
		Messages: func(yield func(Message, error) bool) {
			for _, m := range s.all {
				if !yield(m, nil) {
					return
				}
			}
			if s.err != nil {
				yield(Message{}, s.err)
			}
		},
	}
}

// world is a chain with its sources, its book and its persons.
type world struct {
	t       testing.TB
	log     *memLog
	table   *memTable
	people  *People
	sources []*memSource
	now     time.Time
}

func newWorld(t testing.TB, sources ...string) *world {
	t.Helper()
	w := &world{t: t, log: &memLog{}, table: newTable(), now: day}
	var err error
	if w.people, err = NewPeople(w.table, bytes.Repeat([]byte{7}, 32), PeopleOptions{Machine: func(name string) bool { return name == "prod_app_user" }}); err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		w.sources = append(w.sources, &memSource{name: s})
	}
	return w
}

func (w *world) options() AppenderOptions {
	return AppenderOptions{Facts: 4, Hide: w.people, FirstOf: func(_ context.Context, name string) (uint64, error) {
		i := slices.IndexFunc(w.sources, func(s *memSource) bool { return s.name == name })
		return w.sources[i].first, nil
	}}
}

// say puts a fact into each source; who did it is a person.
func (w *world) say(n int, who string) {
	for range n {
		for _, s := range w.sources {
			w.now = w.now.Add(time.Second)
			s.put(w.now, fmt.Sprintf(`{"v":1,"id":"%s-%d","actor":{"type":"human","name":%q,"address":"198.51.100.4"},"message":"opened by %s"}`, s.name, len(s.all), who, who))
		}
	}
}

// record brings all that is in the sources into the chain.
func (w *world) record() *Appender {
	w.t.Helper()
	a, err := OpenAppender(w.t.Context(), w.log, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	w.recordBy(a)
	return a
}

func (w *world) recordBy(a *Appender) {
	w.t.Helper()
	for i := 0; ; i++ {
		more := false
		for _, s := range w.sources {
			if i < len(s.all) {
				more = true
				if err := a.Add(w.t.Context(), s.all[i], w.now); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		if !more {
			break
		}
	}
	if err := a.Flush(w.t.Context(), w.now); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) check() Check {
	c := Check{Chain: w.log.records(), People: w.people, Now: w.now}
	for _, s := range w.sources {
		c.Sources = append(c.Sources, s.source())
	}
	return c
}

func lines(text []byte) iter.Seq2[Line, error] { return Lines(bytes.NewReader(text)) }

func verify(t testing.TB, c Check) Result {
	t.Helper()
	r, err := Verify(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// codes are what a result tells of, each once, sorted: problems as they are, unknowns with a ?.
func codes(r Result) []string {
	all := map[string]bool{}
	for _, p := range r.Problems {
		all[p.Code] = true
	}
	for _, u := range r.Unknown {
		all["?"+u.Code] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// told counts how often each fact is in the chain.
func (w *world) facts() map[string]int {
	out := map[string]int{}
	for _, stored := range w.log.all {
		e, _, err := Decode(stored)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range e.Facts {
			out[fmt.Sprintf("%s/%d", f.Source, f.Seq)]++
		}
	}
	return out
}

var errBroken = errors.New("the line is down")
