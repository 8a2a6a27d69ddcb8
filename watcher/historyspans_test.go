package watcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// hours are spans in hours since the world began.
func hours(spans []access.Span) (out []string) {
	zero := newWorld().now
	for _, s := range spans {
		out = append(out, fmt.Sprintf("%.1f-%.1f", s.From.Sub(zero).Hours(), s.Until.Sub(zero).Hours()))
	}
	return out
}

func TestSpansOfTheFeed(t *testing.T) {
	temporary := fmt.Errorf("503: %w", access.ErrTemporary)
	for name, c := range map[string]struct {
		play func(r *rig)
		want []string
	}{
		"watched": {func(r *rig) { r.watchFor(48 * time.Hour) }, []string{"0.0-46.0"}},
		"a short outage": {func(r *rig) {
			r.watchFor(30 * time.Hour)
			r.pass(25 * time.Minute)
			r.watchFor(24 * time.Hour)
		}, []string{"0.0-46.4"}},
		"a gap": {func(r *rig) {
			r.watchFor(30 * time.Hour)
			r.pass(2 * time.Hour)
			r.watchFor(30 * time.Hour)
		}, []string{"0.0-23.0", "32.5-55.5"}},
		"the feed fails": {func(r *rig) {
			r.watchFor(24 * time.Hour)
			r.eventErr[project] = temporary
			for range 4 {
				r.pass(30 * time.Minute)
				_ = r.try(access.SourceFeed) // it fails, which is the point
			}
			delete(r.eventErr, project)
			r.watchFor(time.Hour)
		}, []string{"0.0-23.0", "26.5-26.5"}},
		"gaps one after the other leave no empty spans": {func(r *rig) {
			r.watchFor(24 * time.Hour)
			for range 5 {
				r.pass(2 * time.Hour)
				r.poll()
			}
		}, []string{"0.0-23.0", "34.0-34.0"}},
		"the clock goes back": {func(r *rig) {
			r.watchFor(48 * time.Hour)
			r.pass(-24 * time.Hour)
			r.poll()
			r.watchFor(24 * time.Hour)
		}, []string{"0.0-24.0", "24.0-47.0"}},
		"the clock goes back a little": {func(r *rig) {
			r.watchFor(24 * time.Hour)
			r.pass(-time.Minute)
			r.poll()
			r.watchFor(24 * time.Hour)
		}, []string{"0.0-46.5"}},
		"gw_watch was lost": {func(r *rig) {
			r.watchFor(24 * time.Hour)
			delete(r.watch.docs, string(project))
			r.watchFor(24 * time.Hour)
		}, []string{"0.0-23.0", "24.5-47.5"}},
		"a program that kept no history watched meanwhile": {func(r *rig) {
			r.watchFor(24 * time.Hour)
			history := r.w.opts.History
			r.w.opts.History = nil
			r.watchFor(48 * time.Hour)
			r.w.opts.History = history
			r.watchFor(time.Hour)
		}, []string{"0.0-23.0", "72.5-72.5"}},
		"a restart": {func(r *rig) {
			r.watchFor(24 * time.Hour)
			again, err := New(r.w.opts)
			if err != nil {
				t.Fatal(err)
			}
			r.w = again
			r.watchFor(24 * time.Hour)
		}, []string{"0.0-46.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.poll()
			c.play(r)
			if diff := cmp.Diff(c.want, hours(r.kept().Feed)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			if since := access.Since(r.kept().Feed, r.clock(), access.SpanSlack); !since.Equal(r.kept().Feed[len(c.want)-1].From) {
				t.Errorf("watched since %v", since)
			}
		})
	}
}

func TestSpansOfTheLogins(t *testing.T) {
	key := string(project) + "." + string(access.KindAccessHistory)
	down := func(r *rig, status access.Status, d time.Duration) {
		r.bad[key] = access.Reading{Status: status, Reason: "too many lines"}
		r.watchFor(d)
		delete(r.bad, key)
		r.watchFor(7 * time.Hour)
	}
	for name, c := range map[string]struct {
		play  func(r *rig)
		spans int
	}{
		"always complete":                  {func(r *rig) { r.watchFor(10 * 24 * time.Hour) }, 1},
		"flooded for three days":           {func(r *rig) { down(r, access.StatusFailed, 72*time.Hour) }, 1},
		"flooded for longer than it shows": {func(r *rig) { down(r, access.StatusFailed, 8*24*time.Hour) }, 2},
		"denied for longer than it shows":  {func(r *rig) { down(r, access.StatusDenied, 8*24*time.Hour) }, 2},
		"no cluster has one for a while":   {func(r *rig) { down(r, access.StatusUnsupported, 8*24*time.Hour) }, 2},
		"a cluster is not understood": {func(r *rig) {
			r.odd[key] = []string{""}
			r.watchFor(8 * 24 * time.Hour)
			delete(r.odd, key)
			r.watchFor(7 * time.Hour)
		}, 2},
		"nobody watched for three days":     {func(r *rig) { r.pass(72 * time.Hour); r.poll(); r.watchFor(time.Hour) }, 1},
		"nobody watched for eight days":     {func(r *rig) { r.pass(8 * 24 * time.Hour); r.poll(); r.watchFor(time.Hour) }, 2},
		"the clock goes back for two days":  {func(r *rig) { r.pass(-48 * time.Hour); r.sweep(); r.watchFor(72 * time.Hour) }, 1}, // nothing is read until it is back
		"the clock goes back by one minute": {func(r *rig) { r.pass(-time.Minute); r.sweep(); r.watchFor(7 * time.Hour) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := keeper(t)
			r.watchFor(3 * 24 * time.Hour)
			c.play(r)
			spans := r.kept().Logins
			if len(spans) != c.spans {
				t.Errorf("spans %v, want %d", hours(spans), c.spans)
			}
			for i, s := range spans {
				if s.Until.Before(s.From) || (i > 0 && s.From.Before(spans[i-1].Until)) {
					t.Errorf("spans %v are not in order", hours(spans))
				}
			}
			if since := access.Since(spans, r.clock(), access.SpanSlack); since.IsZero() {
				t.Errorf("nothing is known now: %v", hours(spans))
			}
		})
	}
}
