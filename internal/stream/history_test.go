package stream

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestChangesSince(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if first, dropped, err := w.ChangesBegin(w.Context()); !first.IsZero() || dropped || err != nil {
			t.Errorf("begin of nothing: %s %t %v", first, dropped, err)
		}
		begin := time.Now().UTC()
		for i := range 200 {
			if i == 50 {
				time.Sleep(time.Hour)
			}
			w.publish(change([]access.Scope{scopeA, scopeB}[i%2], access.KindIPAccessEntry, fmt.Sprint("c", i)))
		}
		read := func(since time.Time) (ids []string, stored []time.Time) {
			err := w.ChangesSince(w.Context(), since, func(c access.Change, at time.Time) error {
				ids, stored = append(ids, c.ID), append(stored, at)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids, stored
		}
		var want []string
		for i := 50; i < 200; i++ {
			want = append(want, fmt.Sprint("c", i))
		}
		got, stored := read(begin.Add(time.Minute))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("since the pause: %s", d)
		}
		if stored[0].Sub(begin) < time.Hour {
			t.Errorf("stored at %s, begun at %s", stored[0], begin)
		}
		if all, _ := read(begin.Add(-time.Hour)); len(all) != 200 {
			t.Errorf("since before the first: %d", len(all))
		}
		if none, _ := read(time.Now().Add(time.Hour)); len(none) != 0 {
			t.Errorf("since a time to come: %v", none)
		}
		enough := errors.New("enough")
		if err := w.ChangesSince(w.Context(), begin, func(access.Change, time.Time) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("an error of the reader: %v", err)
		}
		if first, dropped, err := w.ChangesBegin(w.Context()); first.Before(begin) || dropped || err != nil {
			t.Errorf("begin: %s %t %v", first, dropped, err)
		}
	})
}
