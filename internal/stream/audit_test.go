package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestLogIsComparedAndSet(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		one, two := w.Log(), w.replica(Options{}).Log()
		if pos, stored, err := one.Last(w.Context()); pos != 0 || stored != nil || err != nil {
			t.Errorf("an empty log ends at %d with %q, %v", pos, stored, err)
		}
		long := strings.Repeat("entry one ", 1000)
		for _, c := range []struct {
			log   *Log
			after uint64
			want  error
		}{{one, 0, nil}, {two, 0, ErrConflict}, {one, 7, ErrConflict}, {two, 1, nil}, {one, 1, ErrConflict}} {
			if err := c.log.Append(w.Context(), c.after, []byte(long)); !errors.Is(err, c.want) {
				t.Errorf("append after %d: %v, want %v", c.after, err, c.want)
			}
		}
		if bytes, _ := w.streams["GW_AUDIT"].Info(w.Context()); bytes.State.Bytes > 2000 {
			t.Errorf("two entries of %d bytes take %d", len(long), bytes.State.Bytes)
		}
		w.restart(Options{})
		pos, stored, err := w.Log().Last(w.Context())
		if pos != 2 || string(stored) != long || err != nil {
			t.Errorf("the log ends at %d with %d bytes, %v", pos, len(stored), err)
		}
		if _, err := w.Log().Get(w.Context(), 3); !errors.Is(err, access.ErrGone) {
			t.Errorf("a position behind the end: %v", err)
		}
		if pos, _, err := w.Log().Next(w.Context(), 2); pos != 2 || err != nil {
			t.Errorf("next from 2: %d, %v", pos, err)
		}
	})
}

// What somebody else puts there is given as it lies there, and unpacks to no bomb.
func TestLogUnpacksWithinBounds(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		pack, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		bomb := pack.EncodeAll(make([]byte, maxUnpacked+1), nil)
		for i, junk := range [][]byte{[]byte("junk"), bomb, append(pack.EncodeAll([]byte("x"), nil), 1)} {
			if _, err := w.js.Publish(w.Context(), "gw.audit", junk); err != nil {
				t.Fatal(err)
			}
			if got, err := w.Log().Get(w.Context(), uint64(i+1)); err != nil || !bytes.Equal(got, junk) {
				t.Errorf("position %d: %d bytes, want %d, %v", i+1, len(got), len(junk), err)
			}
		}
	})
}

func (w *world) factStream(topic access.Topic) FactStream {
	w.t.Helper()
	all, err := w.FactStreams(w.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range all {
		if f.Topic == topic {
			return f
		}
	}
	w.t.Fatalf("no stream of %s", topic)
	return FactStream{}
}

func TestFactsAreFollowed(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		event := func(id string) {
			w.publish(access.NewOut(access.TopicEvent, scopeA, access.Event{ID: id, Scope: scopeA}))
		}
		event("1")
		event("2")
		events := w.factStream(access.TopicEvent)
		follow := func(from uint64) (*log, func()) {
			var got log
			ctx, stop := context.WithCancel(w.Context())
			go func() {
				for m, err := range events.Follow(ctx, from) {
					got.add("%d %v", m.Seq, err != nil)
				}
			}()
			synctest.Wait()
			return &got, stop
		}
		got, stop := follow(1)
		time.Sleep(time.Hour)
		event("3")
		event("4")
		time.Sleep(time.Minute)
		stop()
		synctest.Wait()
		if s := strings.Join(got.all(), ", "); s != "1 false, 2 false, 3 false, 4 false, 0 true" {
			t.Errorf("followed %s", s)
		}
		if err := w.streams["GW_EVENTS"].DeleteMsg(w.Context(), 3); err != nil {
			t.Fatal(err)
		}
		got, stop = follow(2)
		stop()
		synctest.Wait()
		if s := strings.Join(got.all(), ", "); s != "2 false, 4 false, 0 true" {
			t.Errorf("followed from 2, without 3: %s", s)
		}
		var seqs []uint64
		for m, err := range events.All(w.Context(), 1) {
			if err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, m.Seq)
		}
		if fmt.Sprint(seqs) != "[1 2 4]" {
			t.Errorf("all are %v", seqs)
		}
		n, oldest, err := events.Behind(w.Context(), 1)
		if err != nil || n != 3 || time.Since(oldest) < time.Hour {
			t.Errorf("behind 1: %d, since %v, %v", n, oldest, err)
		}
		if n, _, err := events.Behind(w.Context(), 4); n != 0 || err != nil {
			t.Errorf("behind 4: %d, %v", n, err)
		}
		for range 5 * fewFacts {
			event("more")
		}
		n = uint64(0)
		for m, err := range events.All(w.Context(), 5) {
			if n++; err != nil || m.Seq != n+4 {
				t.Fatalf("message %d is the %d. from 5 on: %v", m.Seq, n, err)
			}
			if n == 100 {
				break
			}
		}
		for m, err := range events.All(w.Context(), 1) {
			if n = m.Seq; err != nil {
				t.Fatal(err)
			}
		}
		if n != 4+5*fewFacts {
			t.Errorf("all end with %d", n)
		}
	})
}

func TestAFactStreamThatIsMadeAnewIsAnother(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		before := w.factStream(access.TopicEvent)
		time.Sleep(time.Hour)
		w.restart(Options{})
		if now := w.factStream(access.TopicEvent); now.Name != before.Name || !w.IsFactStream(now.Name) {
			t.Errorf("%s is %s after a restart", before.Name, now.Name)
		}
		if w.IsFactStream("GW_EVENTS") || w.IsFactStream("GW_AUDIT@2026-01-01T00:00:00Z") {
			t.Error("others are taken for it")
		}
		old := w.factStream(access.TopicEvent)
		if err := w.js.DeleteStream(w.Context(), "GW_EVENTS"); err != nil {
			t.Fatal(err)
		}
		if now := w.replica(Options{}); now == nil {
			t.Fatal("no replica")
		}
		if _, err := old.First(w.Context()); !errors.Is(err, ErrRemade) {
			t.Errorf("first: %v", err)
		}
		for _, err := range old.Follow(w.Context(), 1) {
			if !errors.Is(err, ErrRemade) {
				t.Errorf("follow: %v", err)
			}
		}
		if now := w.factStream(access.TopicEvent); now.Name == before.Name {
			t.Errorf("the new one is called %s too", now.Name)
		}
	})
}

func TestTableWipesOut(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		table, other := w.Table(), w.replica(Options{}).Table()
		secret := []byte("sealed-row-of-somebody")
		for _, c := range []struct {
			t    *Table
			key  string
			want error
		}{{table, "n.1", nil}, {other, "n.1", ErrConflict}, {other, "n.2", nil}} {
			if err := c.t.Create(w.Context(), c.key, secret); !errors.Is(err, c.want) {
				t.Errorf("create %s: %v, want %v", c.key, err, c.want)
			}
		}
		if err := table.Create(w.Context(), "a b", secret); err == nil {
			t.Error("a key with a space was taken")
		}
		for _, key := range []string{"n.1", "n.1", "n.3"} {
			if err := other.Delete(w.Context(), key); err != nil {
				t.Errorf("delete %s: %v", key, err)
			}
		}
		if v, err := table.Get(w.Context(), "n.1"); v != nil || err != nil {
			t.Errorf("n.1 is %q, %v", v, err)
		}
		if n := w.onDisk("KV_gw_people", secret); n != 1 {
			t.Errorf("the row lies %d times on the disk, want once: that of n.2", n)
		}
		w.restart(Options{})
		table = w.Table()
		if v, err := table.Get(w.Context(), "n.2"); string(v) != string(secret) || err != nil {
			t.Errorf("n.2 is %q, %v", v, err)
		}
		if err := table.Create(w.Context(), "n.1", []byte("anew")); err != nil {
			t.Errorf("n.1 anew: %v", err)
		}
	})
}

// onDisk counts how often the files of a stream hold some bytes.
func (w *world) onDisk(stream string, what []byte) (n int) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, stream) {
			return err
		}
		text, err := os.ReadFile(path)
		n += bytes.Count(text, what)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
