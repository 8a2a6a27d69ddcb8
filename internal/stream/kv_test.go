package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestUpdateStoresStateAndPublishesItsOutbox(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "watch")
		if got, rev, err := kv.Get(w.Context(), "a.b"); got != (note{}) || rev != 0 || err != nil {
			t.Fatalf("absent: %v %d %v", got, rev, err)
		}
		rev, err := kv.Update(w.Context(), "a.b", set("one", event("1"), event("2")))
		if err != nil {
			t.Fatal(err)
		}
		got, at, err := kv.Get(w.Context(), "a.b")
		if err != nil || got.Text != "one" || at != rev {
			t.Fatalf("got %v at %d, %v; want one at %d: clearing the outbox must not change the revision", got, at, err, rev)
		}
		want := []string{"gw.event." + string(scopeA) + ` "1"`, "gw.event." + string(scopeA) + ` "2"`}
		if d := cmp.Diff(want, w.stored(streamEvents)); d != "" {
			t.Error(d)
		}
		var seen uint64
		same, err := kv.Update(w.Context(), "a.b", func(cur note, rev uint64) (*note, []access.Out, error) {
			seen = rev
			return nil, nil, nil
		})
		if err != nil || same != rev || seen != rev {
			t.Errorf("an update of nothing: revision %d, saw %d, %v; want %d", same, seen, err, rev)
		}
	})
}

func TestUpdateRefusals(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "watch")
		mine := errors.New("mine")
		cases := map[string]struct {
			key  string
			next *note
			outs []access.Out
			err  error
			want string
		}{
			"compute's own error":     {key: "a", err: mine, want: "mine"},
			"key with a wildcard":     {key: "a.*", next: &note{}, want: "characters"},
			"key with an empty token": {key: "a..b", next: &note{}, want: "characters"},
			"unknown topic":           {key: "a", next: &note{}, outs: []access.Out{{Topic: "nope", Scope: scopeA}}, want: "no topic"},
			"scope with a wildcard":   {key: "a", next: &note{}, outs: []access.Out{{Topic: access.TopicEvent, Scope: "prj.>"}}, want: "scope"},
			"missing key":             {key: "a", next: &note{}, outs: []access.Out{{Topic: access.TopicChange, Scope: scopeA}}, want: "needs 1"},
			"empty key":               {key: "a", next: &note{}, outs: []access.Out{{Topic: access.TopicAction, Scope: scopeA, Keys: []string{""}}}, want: "empty key"},
			"message too large":       {key: "a", next: &note{}, outs: []access.Out{{Topic: access.TopicEvent, Scope: scopeA, Body: make([]byte, 16<<20)}}, want: "the server takes"},
			"id too long":             {key: "a", next: &note{}, outs: []access.Out{{Topic: access.TopicEvent, Scope: scopeA, ID: strings.Repeat("x", 70_000), Body: []byte("{}")}}, want: "an id of 70000 bytes"},
			"messages without state":  {key: "a", outs: []access.Out{event("1")}, want: "without a state"},
		}
		for name, c := range cases {
			_, err := kv.Update(w.Context(), c.key, func(note, uint64) (*note, []access.Out, error) { return c.next, c.outs, c.err })
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, access.ErrTemporary) {
				t.Errorf("%s: error %v, want a lasting one with %q", name, err, c.want)
			}
		}
		if keys, err := kv.Keys(w.Context()); len(keys) != 0 || err != nil {
			t.Errorf("refused updates stored %v, %v", keys, err)
		}
		defer func() {
			if recover() == nil {
				t.Error("a bucket that does not exist was given")
			}
		}()
		Bucket[note](w.Stream, "nope")
	})
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		other := w.replica(Options{})
		var wg sync.WaitGroup
		for i, s := range []*Stream{w.Stream, other, w.Stream, other} {
			kv := Bucket[[]string](s, "watch")
			wg.Go(func() {
				for n := 0; n < 10; {
					line := fmt.Sprintf("%d-%d", i, n)
					_, err := kv.Update(w.Context(), "k", func(cur []string, _ uint64) (*[]string, []access.Out, error) {
						next := append(cur, line)
						return &next, []access.Out{event(line)}, nil
					})
					switch {
					case errors.Is(err, access.ErrTemporary): // its state may be stored: look
						cur, _, _ := kv.Get(w.Context(), "k")
						if !strings.Contains(strings.Join(cur, " ")+" ", line+" ") {
							continue
						}
					case err != nil:
						t.Error(err)
					}
					n++
				}
			})
		}
		wg.Wait()
		lines, _, err := Bucket[[]string](w.Stream, "watch").Get(w.Context(), "k")
		if err != nil || len(lines) != 40 {
			t.Fatalf("%d lines, %v; want 40", len(lines), err)
		}
		var want []string
		for _, line := range lines {
			want = append(want, "gw.event."+string(scopeA)+` "`+line+`"`)
		}
		if d := cmp.Diff(want, w.stored(streamEvents)); d != "" {
			t.Errorf("the messages are not in the order of the states:\n%s", d)
		}
	})
}

// TestCrashAtEveryStep dies at each step of the stage pattern, restarts the server on the same
// store, and lets the reconciler or the next update go on.
func TestCrashAtEveryStep(t *testing.T) {
	points := []string{"before-cas", "after-cas", "after-publish-1", "after-publish-2", "after-publish-3", "before-clear", "after-clear"}
	for _, point := range points {
		for _, how := range []string{"flush", "update"} {
			t.Run(point+"/"+how, func(t *testing.T) { crashAt(t, "gw_actions:"+point, how == "flush") })
		}
	}
}

func crashAt(t *testing.T, point string, flush bool) {
	armed := true
	probe := func(p string) {
		if armed && p == point {
			armed = false
			panic("killed")
		}
	}
	inWorld(t, Options{Probe: probe}, func(w *world) {
		kv := Bucket[note](w.Stream, "actions")
		died := func() (died bool) {
			defer func() { died = recover() != nil }()
			_, err := kv.Update(w.Context(), "k", set("one", event("1"), event("2"), event("3")))
			if err != nil {
				t.Error(err)
			}
			return false
		}()
		if !died {
			t.Fatalf("the probe %s was not reached", point)
		}
		w.restart(Options{})
		kv = Bucket[note](w.Stream, "actions")
		want := 3
		if point == "gw_actions:before-cas" {
			want = 0
		}
		if flush {
			n, err := kv.Flush(w.Context())
			if owing := want > 0 && point != "gw_actions:after-clear"; err != nil || (n == 1) != owing {
				t.Errorf("flushed %d, %v; owing %v", n, err, owing)
			}
		} else {
			if _, err := kv.Update(w.Context(), "k", set("two", event("4"))); err != nil {
				t.Fatal(err)
			}
			want++
		}
		var subjects []string
		for i := range 4 {
			if i < 3 && want < 3 || i == 3 && flush {
				continue
			}
			subjects = append(subjects, fmt.Sprintf("gw.event.%s %q", scopeA, fmt.Sprint(i+1)))
		}
		if d := cmp.Diff(subjects, w.stored(streamEvents)); d != "" {
			t.Error(d)
		}
		if n, err := kv.Flush(w.Context()); n != 0 || err != nil {
			t.Errorf("a second flush found %d, %v", n, err)
		}
	})
}

func TestFlushFindsOutboxesWrittenLater(t *testing.T) {
	die := false
	probe := func(p string) {
		if die && p == "gw_watch:after-cas" {
			panic("killed")
		}
	}
	inWorld(t, Options{Probe: probe}, func(w *world) {
		kv := Bucket[note](w.Stream, "watch")
		for round := range 3 {
			for i := range 5 {
				die = i == 2
				func() {
					defer func() { _ = recover() }()
					if _, err := kv.Update(w.Context(), fmt.Sprintf("k%d", i), set(fmt.Sprint(round, i), event(fmt.Sprint(round, i)))); err != nil {
						t.Error(err)
					}
				}()
			}
			die = false
			if n, err := kv.Flush(w.Context()); n != 1 || err != nil {
				t.Errorf("round %d: flushed %d, %v; want 1", round, n, err)
			}
		}
		if got := len(w.stored(streamEvents)); got != 15 {
			t.Errorf("%d messages, want 15", got)
		}
	})
}

func TestDeleteKeepsTheNumbersOfMessages(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "waivers")
		for _, text := range []string{"one", "two"} {
			if _, err := kv.Update(w.Context(), "k", set(text, event(text))); err != nil {
				t.Fatal(err)
			}
			if err := kv.Delete(w.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if got, rev, err := kv.Get(w.Context(), "k"); got != (note{}) || rev != 0 || err != nil {
				t.Fatalf("deleted: %v %d %v", got, rev, err)
			}
		}
		if err := kv.Delete(w.Context(), "never"); err != nil {
			t.Errorf("delete of nothing: %v", err)
		}
		if keys, err := kv.Keys(w.Context()); len(keys) != 0 || err != nil {
			t.Errorf("keys %v, %v", keys, err)
		}
		if got := len(w.stored(streamEvents)); got != 2 {
			t.Errorf("%d messages, want 2: the second one's id must differ", got)
		}
	})
}

func TestNewerDocumentsAreNotRewritten(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "findings")
		for key, st := range map[string]stored{
			"form":     {V: storedVersion + 1, N: 3, Doc: []byte(`{"text":"x"}`), Out: []numbered{{N: 2, Out: event("owed")}}},
			"document": {V: storedVersion, Doc: []byte(fmt.Sprintf(`{"v":%d,"text":"x"}`, access.Version+1))},
		} {
			if _, err := kv.b.put(w.Context(), key, 0, kv.b.deflate(st), len(st.Out), ""); err != nil {
				t.Fatal(err)
			}
			for name, do := range map[string]func() error{
				"update": func() error { _, err := kv.Update(w.Context(), key, set("y")); return err },
				"delete": func() error { return kv.Delete(w.Context(), key) },
			} {
				if err := do(); err == nil || !strings.Contains(err.Error(), "newer version") || errors.Is(err, access.ErrTemporary) {
					t.Errorf("%s of %s: %v", name, key, err)
				}
			}
			if got, _, err := kv.Get(w.Context(), key); err != nil || got.Text != "x" {
				t.Errorf("get of %s: %v %v; it can be read", key, got, err)
			}
		}
		if n, err := kv.Flush(w.Context()); n != 0 || err == nil {
			t.Errorf("flush rewrote %d, %v", n, err)
		}
	})
}

// noise does not compress.
func noise(size int) string {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte('!' + r.IntN(90))
	}
	return strings.Map(func(c rune) rune {
		if c == '"' || c == '\\' {
			return 'x'
		}
		return c
	}, string(b))
}

func (w *world) parts(bucket string) int {
	w.t.Helper()
	info, err := w.streams["KV_gw_"+bucket].Info(w.Context(), jetstream.WithSubjectFilter("gw.chunk.>"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(info.State.Subjects)
}

func TestLargeDocumentsAndOutboxes(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "findings")
		for _, size := range []int{5 << 20, 100, 6 << 20, 1 << 20} {
			text := noise(size)
			var outs []access.Out
			for i := range 30 {
				outs = append(outs, event(noise(40_000+i)))
			}
			rev, err := kv.Update(w.Context(), string(scopeA), set(text, outs...))
			if err != nil {
				t.Fatal(err)
			}
			got, at, err := kv.Get(w.Context(), string(scopeA))
			if err != nil || got.Text != text || at != rev {
				t.Fatalf("%d bytes came back as %d at %d, want %d, %v", size, len(got.Text), at, rev, err)
			}
			e, err := kv.b.load(w.Context(), string(scopeA))
			if err != nil || e.owes || w.parts("findings") != len(e.parts()) {
				t.Errorf("%d bytes: owes %v, %d parts stored and %d listed, %v", size, e.owes, w.parts("findings"), len(e.parts()), err)
			}
		}
		if got := len(w.stored(streamEvents)); got != 4*30 {
			t.Errorf("%d messages, want 120", got)
		}
		if keys, err := kv.Keys(w.Context()); err != nil || !cmp.Equal(keys, []string{string(scopeA)}) {
			t.Errorf("keys %v, %v", keys, err)
		}
		if err := kv.Delete(w.Context(), string(scopeA)); err != nil || w.parts("findings") != 0 {
			t.Errorf("delete left %d parts, %v", w.parts("findings"), err)
		}
	})
}

func TestPartsOfADeadWriterAreSwept(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "findings")
		orphan := func(key string) {
			msg := nats.NewMsg(kv.b.partSubject(key, "0123456789abcdef.orphan"))
			if _, err := kv.b.s.publish(w.Context(), msg); err != nil {
				t.Fatal(err)
			}
		}
		rev, err := kv.Update(w.Context(), "a.b", set(noise(2<<20)))
		if err != nil {
			t.Fatal(err)
		}
		listed := w.parts("findings")
		orphan("a.b")
		orphan("never.stored")
		stale, err := kv.b.load(w.Context(), "a.b") // a writer that is about to write
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Flush(w.Context()); err != nil || w.parts("findings") != listed+2 {
			t.Fatalf("%d parts, %v: young parts may belong to a living writer", w.parts("findings"), err)
		}
		time.Sleep(orphanAge)
		if _, err := kv.Flush(w.Context()); err != nil || w.parts("findings") != listed {
			t.Fatalf("%d parts left, want %d, %v", w.parts("findings"), listed, err)
		}
		_, err = kv.b.swap(w.Context(), "a.b", stale, stored{V: 1, Doc: []byte(`{}`)})
		wantErr(t, err, errConflict)
		if got, at, err := kv.Get(w.Context(), "a.b"); err != nil || at != rev || len(got.Text) != 2<<20 {
			t.Errorf("after the sweep: %d bytes at %d, want revision %d, %v", len(got.Text), at, rev, err)
		}
		if _, rev, err := kv.Get(w.Context(), "never.stored"); rev != 0 || err != nil {
			t.Errorf("a fenced key came to life: %d, %v", rev, err)
		}
	})
}

func TestAReplacedDocumentIsReadAgain(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "findings")
		if _, err := kv.Update(w.Context(), "k", set(noise(2<<20))); err != nil {
			t.Fatal(err)
		}
		old, err := w.last(w.Context(), kv.b.stream, kv.b.subject("k"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Update(w.Context(), "k", set("new")); err != nil {
			t.Fatal(err)
		}
		_, err = kv.b.decode(w.Context(), "k", old.Sequence, old.Header, old.Data)
		wantErr(t, err, errPartGone)
		// A part that is gone without a replacement is damage, and is said.
		if _, err := kv.Update(w.Context(), "k", set(noise(3<<20))); err != nil {
			t.Fatal(err)
		}
		e, err := kv.b.load(w.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		kv.b.purgePart(w.Context(), "k", e.DocParts[1].Name)
		_, _, err = kv.Get(w.Context(), "k")
		wantErr(t, err, errPartGone)
	})
}

func TestWatchShowsWhatIsThereAndWhatComes(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := Bucket[note](w.Stream, "actions")
		for _, key := range []string{"a", "b", "gone"} {
			if _, err := kv.Update(w.Context(), key, set(key+"1")); err != nil {
				t.Fatal(err)
			}
		}
		if err := kv.Delete(w.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(w.Context())
		var got []string
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := kv.Watch(ctx, func(key string, v note, rev uint64) {
				got = append(got, fmt.Sprint(key, " ", len(v.Text), " ", rev > 0))
			}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for _, text := range []string{"two", noise(1 << 20)} {
			if _, err := kv.Update(w.Context(), "a", set(text)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		cancel()
		wg.Wait()
		want := []string{"a 2 true", "b 2 true", "a 3 true", "a 1048576 true"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestOutagesAreTemporary(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		s := w.replica(Options{})
		s.nc.Close()
		kv := Bucket[note](s, "watch")
		_, _, err := kv.Get(w.Context(), "k")
		wantErr(t, err, access.ErrTemporary)
		_, err = kv.Update(w.Context(), "k", set("x"))
		wantErr(t, err, access.ErrTemporary)
		_, err = kv.Keys(w.Context())
		wantErr(t, err, access.ErrTemporary)
		_, err = kv.Flush(w.Context())
		wantErr(t, err, access.ErrTemporary)
		wantErr(t, kv.Delete(w.Context(), "k"), access.ErrTemporary)
		wantErr(t, s.Publish(w.Context(), event("1")), access.ErrTemporary)
		wantErr(t, s.Health(w.Context()), access.ErrTemporary)
		_, _, err = s.Changes(w.Context(), scopeA, 0, 1)
		wantErr(t, err, access.ErrTemporary)
		_, err = s.Acquire(w.Context(), scopeA, "me", time.Minute)
		wantErr(t, err, access.ErrTemporary)
		if err := w.Health(w.Context()); err != nil {
			t.Errorf("a living one: %v", err)
		}
	})
}
