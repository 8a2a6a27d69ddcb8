package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAppenderBatches(t *testing.T) {
	msg := func(seq uint64, body string) Message {
		return Message{Source: "A", Seq: seq, Time: day, Subject: "gw.event.x", Body: []byte(body)}
	}
	long := `"` + strings.Repeat("x", 400) + `"`
	for _, c := range []struct {
		name string
		o    AppenderOptions
		in   []Message
		want string // facts of each entry before the last flush, and after
	}{
		{"by count", AppenderOptions{Facts: 2}, []Message{msg(1, "1"), msg(2, "2"), msg(3, "3")}, "2 | 2 1"},
		{"by bytes", AppenderOptions{Bytes: 1000}, []Message{msg(1, long), msg(2, long), msg(3, "3")}, "1 | 1 2"},
		{"one above all bounds goes alone", AppenderOptions{Bytes: 10}, []Message{msg(1, long), msg(2, long)}, "1 | 1 1"},
		{"known ones are passed over", AppenderOptions{Facts: 2}, []Message{msg(1, "1"), msg(1, "1"), msg(2, "2"), msg(1, "1")}, "| 2"},
		{"what was lost counts", AppenderOptions{Facts: 2}, []Message{msg(1, "1"), msg(5, "5")}, "1 | 1 2"},
		{"nothing", AppenderOptions{}, nil, "|"},
	} {
		w := newWorld(t, "A")
		o := w.options()
		o.Facts, o.Bytes = c.o.Facts, c.o.Bytes
		a, err := OpenAppender(t.Context(), w.log, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.in {
			if err := a.Add(t.Context(), m, day); err != nil {
				t.Fatal(err)
			}
		}
		got := sizes(t, w.log) + " |"
		if err := a.Flush(t.Context(), day); err != nil {
			t.Fatal(err)
		}
		if got = strings.TrimSpace(got + " " + sizes(t, w.log)); got != c.want {
			t.Errorf("%s: entries of %q facts, want %q", c.name, got, c.want)
		}
	}
}

func sizes(t *testing.T, l *memLog) string {
	var out []string
	for _, stored := range l.all {
		e, _, err := Decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(len(e.Facts)))
	}
	return strings.Join(out, " ")
}

func TestAppenderDue(t *testing.T) {
	w := newWorld(t, "A")
	w.say(2, "alice@example.com")
	a, err := OpenAppender(t.Context(), w.log, w.options())
	if err != nil {
		t.Fatal(err)
	}
	if !a.Due().IsZero() {
		t.Errorf("due at %v with nothing pending", a.Due())
	}
	for i, m := range w.sources[0].all {
		if err := a.Add(t.Context(), m, day.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if want := day.Add(time.Second); !a.Due().Equal(want) {
		t.Errorf("due at %v, want %v: a second after the first", a.Due(), want)
	}
}

// What an entry holds is bounded also where one message is large or names many.
func TestAppenderBoundsAnEntry(t *testing.T) {
	w := newWorld(t, "A")
	var crowd []string
	for i := range 30000 {
		crowd = append(crowd, fmt.Sprintf(`"p%d@example.com"`, i))
	}
	w.sources[0].put(day, `["`+strings.Repeat(`\"`, 400_000)+`"]`)
	w.sources[0].put(day, "["+strings.Join(crowd, ",")+"]")
	w.sources[0].put(day, "\xff\x00 no JSON "+strings.Repeat("y", 900_000))
	w.sources[0].put(day, `["`+strings.Repeat(`\"`, 60_000)+`"]`)
	for range 8 {
		w.sources[0].put(day, `["`+strings.Repeat(`\"`, 50_000)+`"]`)
	}
	w.record()
	left := []Left{}
	for i, stored := range w.log.all {
		if len(stored) > 500<<10 {
			t.Errorf("entry %d has %d bytes", i+1, len(stored))
		}
		e, _, err := Decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range e.Facts {
			left = append(left, f.Left)
		}
	}
	if want := []Left{LeftSize, LeftMany, LeftOpaque, ""}; !slices.Equal(left[:4], want) {
		t.Errorf("left out: %q, want %q", left, want)
	}
	if len(w.table.all) != 2 {
		t.Errorf("the table has %d rows, want those of one person who is nobody", len(w.table.all))
	}
	if r := verify(t, w.check()); !slices.Equal(codes(r), []string{"?uncovered"}) || r.Sources[0].Matched != 12 {
		t.Errorf("%s", r.Summary())
	}
}

// Every step of every store fails once, with or without having been done, and then the process
// goes on or dies: each fact is in the chain once.
func TestAppenderExactlyOnce(t *testing.T) {
	for _, crash := range []bool{false, true} {
		point := 0
		for exactlyOnce(t, point, crash) {
			point++
		}
		if point < 30 {
			t.Fatalf("only %d steps", point)
		}
	}
}

// exactlyOnce records a history of which one step fails; false: there is no such step.
func exactlyOnce(t *testing.T, point int, crash bool) bool {
	w := newWorld(t, "A", "B")
	w.say(9, "alice@example.com")
	steps := 0
	fail := func(string) error {
		if steps++; steps-1 == point {
			return errBroken
		}
		return nil
	}
	w.log.fail, w.table.fail = fail, fail
	w.recordThrough(crash)
	w.log.fail, w.table.fail = nil, nil
	got := w.facts()
	if len(got) != 18 || slices.Max(slices.Collect(maps.Values(got))) != 1 {
		t.Fatalf("step %d fails: the chain has %v", point, got)
	}
	if r := verify(t, w.check()); !slices.Equal(codes(r), []string{"?uncovered"}) {
		t.Fatalf("step %d fails: %s %v", point, r.Summary(), r.Problems)
	}
	return steps > point
}

// recordThrough records all in spite of errors: by the same appender, or by a new one.
func (w *world) recordThrough(crash bool) {
	var a *Appender
	for range 10 {
		err := func() (err error) {
			if a == nil || crash {
				if a, err = OpenAppender(context.Background(), w.log, w.options()); err != nil {
					a = nil
					return err
				}
			}
			for i := range w.sources[0].all {
				for _, s := range w.sources {
					if err := a.Add(context.Background(), s.all[i], w.now); err != nil {
						return err
					}
				}
			}
			return a.Flush(context.Background(), w.now)
		}()
		if err == nil {
			return
		}
	}
	w.t.Fatal("ten attempts and no end")
}

// Two appenders that take turns in every possible way never fork the chain.
func TestAppendersRace(t *testing.T) {
	w := newWorld(t, "A", "B")
	w.say(40, "alice@example.com")
	done := make(chan error, 3)
	for n := range 3 {
		go func() {
			o := w.options()
			o.Facts = 1 + n*2
			a, err := OpenAppender(context.Background(), w.log, o)
			for i := 0; i < 40 && err == nil; i++ {
				for _, s := range w.sources {
					if err == nil {
						err = a.Add(context.Background(), s.all[i], day)
					}
				}
			}
			if err == nil {
				err = a.Flush(context.Background(), day)
			}
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if r := verify(t, w.check()); !slices.Equal(codes(r), []string{"?uncovered"}) || r.Facts != 80 {
		t.Errorf("%s %v", r.Summary(), r.Problems)
	}
}

func TestAppenderPassesOverWhatIsNoEntry(t *testing.T) {
	w := newWorld(t, "A")
	w.say(3, "alice@example.com")
	w.record()
	w.log.all = append(w.log.all, []byte("junk"), nil, w.log.all[0], rehash(t, `{"v":1}`))
	w.say(1, "alice@example.com")
	w.record()
	if got := w.facts2(); got != "A/1 A/2 A/3 A/4" {
		t.Errorf("the chain has %s", got)
	}
	r := verify(t, w.check())
	if got := codes(r); !slices.Equal(got, []string{"?uncovered", "entry", "position"}) {
		t.Errorf("told of %v", r.Problems)
	}
}

// facts2 are the facts of the entries that can be read, but for copies.
func (w *world) facts2() string {
	var out []string
	for i, stored := range w.log.all {
		if e, _, err := Decode(stored); err == nil && e.Seq == uint64(i)+1 {
			for _, f := range e.Facts {
				out = append(out, fmt.Sprintf("%s/%d", f.Source, f.Seq))
			}
		}
	}
	return strings.Join(out, " ")
}

// Of a lost run that another appender has recorded in part, the rest is recorded.
func TestAppendersWithALostRun(t *testing.T) {
	w := newWorld(t, "A")
	w.say(7, "alice@example.com")
	all := w.sources[0].all
	late, err := OpenAppender(t.Context(), w.log, w.options())
	if err != nil {
		t.Fatal(err)
	}
	w.sources[0].all = all[:3]
	w.record()
	w.sources[0].all, w.sources[0].first = all[5:], 6
	if err := late.Add(t.Context(), all[5], day); err != nil {
		t.Fatal(err)
	}
	w.recordBy(late)
	e, _, err := Decode(w.log.all[len(w.log.all)-1])
	if err != nil {
		t.Fatal(err)
	}
	if f := e.Facts[0]; f.Seq != 4 || f.To != 5 || f.Left != LeftDropped || len(e.Facts) != 3 {
		t.Errorf("the rest is %+v", e.Facts)
	}
}

// A run whose end the source should still have is not explained by what it dropped.
func TestAppenderTellsDroppedFromMissing(t *testing.T) {
	for first, want := range map[uint64]Left{1: LeftMissing, 3: LeftMissing, 4: LeftDropped, 5: LeftDropped} {
		w := newWorld(t, "A")
		w.say(4, "alice@example.com")
		w.sources[0].all, w.sources[0].first = w.sources[0].all[3:], first
		w.record()
		e, _, err := Decode(w.log.all[0])
		if err != nil {
			t.Fatal(err)
		}
		if f := e.Facts[0]; f.Seq != 1 || f.To != 3 || f.Left != want {
			t.Errorf("the first that is kept is %d: %+v, want %s", first, f, want)
		}
	}
}

func TestAppenderRefuses(t *testing.T) {
	w := newWorld(t, "A")
	w.say(3, "alice@example.com")
	a := w.record()
	w.say(1, "alice@example.com")
	w.log.all = nil
	if err := a.Add(t.Context(), w.sources[0].all[3], day); err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(t.Context(), day); err == nil || !strings.Contains(err.Error(), "it was cut") {
		t.Errorf("a chain that was cut under it: %v", err)
	}
	w.log.all = [][]byte{rehash(t, `{"v":9}`)}
	if _, err := OpenAppender(t.Context(), w.log, w.options()); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("after an entry of a newer version: %v", err)
	}
	if _, err := OpenAppender(t.Context(), w.log, AppenderOptions{}); err == nil {
		t.Error("without a way to hide persons: no error")
	}
}
