package stream

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func change(scope access.Scope, kind access.Kind, id string) access.Out {
	out := access.NewOut(access.TopicChange, scope, access.Change{V: 1, ID: id, Ref: access.Ref{Scope: scope, Kind: kind, Name: id}}, string(kind))
	out.ID = id
	return out
}

func TestChangesOfOneScopeInOrder(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if cs, last, err := w.Changes(w.Context(), scopeA, 0, 10); len(cs) != 0 || last != 0 || err != nil {
			t.Fatalf("of nothing: %v %d %v", cs, last, err)
		}
		if end, err := w.ChangesEnd(w.Context(), scopeA); end != 0 || err != nil {
			t.Fatalf("end of nothing: %d %v", end, err)
		}
		for i := range 5 {
			w.publish(
				change(scopeA, access.KindIPAccessEntry, fmt.Sprint("a", i)),
				change(scopeB, access.KindIPAccessEntry, fmt.Sprint("b", i)),
				change(scopeA, access.KindDatabaseUser, fmt.Sprint("u", i)),
				change(scopeA, access.KindDatabaseUser, fmt.Sprint("u", i))) // the same again
		}
		var got []string
		after, pages := uint64(0), 0
		for {
			cs, last, err := w.Changes(w.Context(), scopeA, after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(cs) == 0 {
				if last != after {
					t.Errorf("nothing after %d, yet last is %d", after, last)
				}
				break
			}
			for _, c := range cs {
				got = append(got, c.ID)
			}
			after = last
			pages++
		}
		if d := cmp.Diff([]string{"a0", "u0", "a1", "u1", "a2", "u2", "a3", "u3", "a4", "u4"}, got); d != "" || pages != 4 {
			t.Errorf("%d pages: %s", pages, d)
		}
		if end, err := w.ChangesEnd(w.Context(), scopeA); end != after || err != nil {
			t.Errorf("end %d, %v; want %d", end, err, after)
		}
		if cs, _, err := w.Changes(w.Context(), scopeB, 0, 0); len(cs) != 5 || err != nil {
			t.Errorf("of the other: %d, %v", len(cs), err)
		}
		w.publish(access.Out{Topic: access.TopicChange, Scope: scopeA, Keys: []string{"x"}, Body: []byte("no json")})
		if _, last, err := w.Changes(w.Context(), scopeA, after, 0); err == nil || last != after {
			t.Errorf("an unreadable change: last %d, %v", last, err)
		}
	})
}
