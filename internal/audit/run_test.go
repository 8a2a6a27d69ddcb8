package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// feed gives the messages of a source at their times, and fails before those of fail.
func feed(s *memSource, fail map[uint64]int) Feed {
	return Feed{Name: s.name, Follow: func(ctx context.Context, from uint64) iter.Seq2[Message, error] {
		return func(yield func(Message, error) bool) {
			for _, m := range s.all[from-1:] {
				if fail[m.Seq] > 0 {
					fail[m.Seq]--
					yield(Message{}, fmt.Errorf("read %d: %w", m.Seq, errBroken))
					return
				}
				wait(ctx, time.Until(m.Time))
				if ctx.Err() != nil || !yield(m, nil) {
					return
				}
			}
			<-ctx.Done()
		}
	}}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		feeds   map[uint64]int // failures before a message
		log     []string       // steps of the log that fail, in order
		stop    time.Duration
		trouble int
	}{
		{"by time and by count", nil, nil, time.Hour, 0},
		{"a feed that breaks off", map[uint64]int{2: 3}, nil, time.Hour, 3},
		{"a log that does not answer", nil, []string{"ask", "ask"}, time.Hour, 2},
		{"answers that are lost", nil, []string{"done", "last", "done"}, time.Hour, 3},
		{"an end in between", nil, nil, 500 * time.Millisecond, 0},
	} {
		synctest.Test(t, func(t *testing.T) { runs(t, c.name, c.feeds, c.log, c.stop, c.trouble) })
	}
}

func runs(t *testing.T, name string, fails map[uint64]int, steps []string, stop time.Duration, trouble int) {
	w := newWorld(t, "A")
	s, begin := w.sources[0], time.Now()
	for _, after := range []time.Duration{0, 0, 10 * time.Second, 20 * time.Second, 20 * time.Second, 20 * time.Second, 20 * time.Second, 22 * time.Second} {
		s.put(begin.Add(after), `{"by":"alice"}`)
	}
	w.log.fail = func(step string) error {
		if len(steps) > 0 && step == steps[0] {
			steps = steps[1:]
			return errBroken
		}
		return nil
	}
	a, err := OpenAppender(t.Context(), w.log, w.options())
	if err != nil {
		t.Fatal(err)
	}
	var heads []uint64
	var told []string
	ctx, cancel := context.WithTimeout(t.Context(), stop)
	defer cancel()
	a.Run(ctx, []Feed{feed(s, fails)}, RunOptions{
		Appended: func(h Head) { heads = append(heads, h.Seq) },
		Trouble: func(err error) {
			if told = append(told, err.Error()); !errors.Is(err, errBroken) {
				t.Errorf("%s: told of %v", name, err)
			}
		},
	})
	if took := time.Since(begin); took != stop {
		t.Errorf("%s: it ran %v, want %v", name, took, stop)
	}
	if len(told) != trouble || len(steps) > 0 {
		t.Errorf("%s: %d troubles, want %d: %s; left %v", name, len(told), trouble, strings.Join(told, "; "), steps)
	}
	if !slices.IsSorted(heads) || heads[len(heads)-1] != uint64(len(w.log.all)) {
		t.Errorf("%s: told of entries %v, and there are %d", name, heads, len(w.log.all))
	}
	w.now = time.Now()
	r := verify(t, w.check())
	if due := slices.IndexFunc(s.all, func(m Message) bool { return m.Time.Sub(begin) > stop }); due < 0 && r.Facts != len(s.all) || due >= 0 && r.Facts != due || r.Found > 0 {
		t.Errorf("%s: %s %v", name, r.Summary(), r.Problems)
	}
	w.onTime(name, begin, len(told) > 0)
}

// onTime checks that no fact waited longer than it may, where nothing went wrong.
func (w *world) onTime(name string, begin time.Time, trouble bool) {
	w.t.Helper()
	for _, stored := range w.log.all {
		e, _, err := Decode(stored)
		if err != nil {
			w.t.Fatal(err)
		}
		if waited := e.At.Sub(e.Facts[0].At); waited > time.Second && !trouble {
			w.t.Errorf("%s: entry %d was appended %v after the begin, and its first fact waited %v", name, e.Seq, e.At.Sub(begin), waited)
		}
	}
}
