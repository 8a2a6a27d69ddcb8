package stream

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDeadlinesFireInOrderAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDeadlines(nil)
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		done := make(chan struct{})
		d.Set("late", begin.Add(-time.Hour))
		d.Set("tomorrow", begin.Add(24*time.Hour))
		d.Set("moved", begin.Add(time.Minute))
		d.Set("removed", begin.Add(time.Second))
		go func() {
			defer close(done)
			d.Run(ctx, func(_ context.Context, key string) {
				got = append(got, fmt.Sprint(key, " ", time.Since(begin)))
				if key == "soon" {
					d.Set("again", time.Now().Add(time.Second))
				}
			})
		}()
		synctest.Wait()
		d.Set("removed", time.Time{})
		d.Set("removed", time.Time{})
		d.Set("moved", begin.Add(3*time.Hour))
		d.Set("soon", begin.Add(90*time.Second))
		time.Sleep(48 * time.Hour)
		cancel()
		<-done
		want := []string{"late 0s", "soon 1m30s", "again 1m31s", "moved 3h0m0s", "tomorrow 24h0m0s"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDeadlinesAgainstAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := NewDeadlines(nil), map[string]time.Time{}
		base := time.Unix(1_000_000, 0)
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "key")
			at := base.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "at")) * time.Second)
			if rapid.Bool().Draw(t, "remove") {
				at = time.Time{}
				delete(model, key)
			} else {
				model[key] = at
			}
			d.Set(key, at)
		}
		previous := time.Time{}
		for now := base; now.Before(base.Add(10 * time.Second)); now = now.Add(time.Second) {
			for {
				key, wait := d.due(now)
				if wait > 0 {
					break
				}
				at, ok := model[key]
				if !ok || at.After(now) || at.Before(previous) {
					t.Fatalf("%q fired at %v; it was set to %v (%v)", key, now, at, ok)
				}
				delete(model, key)
				previous = at
			}
		}
		if len(model) != 0 {
			t.Fatalf("never fired: %v", model)
		}
	})
}
