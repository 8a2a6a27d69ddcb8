package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWakes: a scope is marked at once, polled again after 2, 5 and 15 s from the last
// hint, and a burst is one mark a gap.
func TestWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var mu sync.Mutex
		var log []string
		note := func(what string, kinds []access.Kind) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, fmt.Sprintf("%s %s %v", time.Since(begin), what, slices.Sorted(slices.Values(kinds))))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		var fail error
		w := &wakes{
			ctx: ctx, start: func(fn func() error) { running.Go(func() { _ = fn() }) }, active: map[access.Scope]*wake{},
			mark: func(_ context.Context, _ access.Scope, kinds []access.Kind) error { note("mark", kinds); return fail },
			poll: func(access.Scope) { note("poll", nil) },
		}
		const scope = access.Scope("prj." + hookProject)
		hint := func(kinds ...access.Kind) {
			t.Helper()
			if err := w.wake(t.Context(), scope, kinds); err != fail {
				t.Errorf("wake: %v", err)
			}
		}
		hint("a")
		time.Sleep(4 * time.Second)
		hint("b") // starts the repeats again
		var burst sync.WaitGroup
		for n := range 50 {
			burst.Go(func() { hint("c", access.Kind([]string{"d", "e"}[n%2])) })
		}
		burst.Wait()
		time.Sleep(time.Minute)
		fail = errors.New("the store is gone")
		hint("f")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(w.active) > 0 {
			t.Errorf("%d scopes are still served", len(w.active))
		}
		fail = nil
		hint("g")
		go func() { _ = w.wake(context.Background(), scope, []access.Kind{"h"}) }() // waits for its gap
		synctest.Wait()
		cancel()
		running.Wait()
		if err := w.wake(t.Context(), scope, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a hint after the end: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{
			"0s mark [a]", "2s poll []", "4s mark [b]",
			"4.25s mark [c d e]", "6.25s poll []", "9.25s poll []", "19.25s poll []",
			"1m4.25s mark [f]", "1m6.25s poll []", "1m9.25s poll []", "1m19.25s poll []",
			"2m4.25s mark [g]",
		}
		if diff := cmp.Diff(want, log); diff != "" {
			t.Errorf("what was done (-want +got):\n%s", diff)
		}
	})
}
