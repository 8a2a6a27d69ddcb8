package watcher

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// manyProjects is the number of projects above which gate kinds are swept hourly.
const manyProjects = 500

// Due lists the polls that fall due by now. Every replica calls it on a short tick;
// the message ids and the queue, one message a scope, make one job of theirs. Each
// scope has its own phase. A poll finds out by itself which sweeps are overdue.
func (w *Watcher) Due(ctx context.Context, now time.Time) ([]access.Out, error) {
	scopes, err := w.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var out []access.Out
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range scopes {
		n := slot(s, "", now, w.cadence(s))
		if last, ok := w.slot[s]; ok && last == n {
			continue
		}
		w.slot[s] = n
		o := access.NewOut(access.TopicPoll, s, access.Poll{Scope: s, Source: access.SourceFeed, At: now})
		o.ID = "poll." + string(s) + "." + strconv.FormatInt(n, 10)
		out = append(out, o)
	}
	return out, nil
}

func (w *Watcher) cadence(s access.Scope) time.Duration {
	if w.opts.Busy == nil || w.opts.Busy(s) {
		return w.opts.Active
	}
	return w.opts.Idle
}

// slot numbers the periods of time, shifted by a hash of what happens in them.
func slot(scope access.Scope, what access.Kind, t time.Time, period time.Duration) int64 {
	if t.IsZero() {
		return -1
	}
	h := fnv.New64a()
	fmt.Fprint(h, scope, " ", what)
	return (t.UnixNano() + int64(h.Sum64()%uint64(period))) / int64(period)
}

// interval is the time between two sweeps of a kind.
func (w *Watcher) interval(kind access.Kind) time.Duration {
	switch {
	case kind != "" && !slices.Contains(w.gate, kind):
		return w.opts.SweepRest
	case w.projects.Load() > manyProjects:
		return max(w.opts.SweepGate, time.Hour)
	}
	return w.opts.SweepGate
}

// SweepInterval is how often the kinds of the gates are read at least.
func (w *Watcher) SweepInterval() time.Duration { return w.interval("") }

// deniedRetry is long enough to cost nothing and short enough not to leave the rules
// blind for a whole sweep once the role is given back.
const deniedRetry = time.Minute

// retry is the time between two attempts to read a kind that was denied.
func (w *Watcher) retry(kind access.Kind) time.Duration { return min(w.interval(kind), deniedRetry) }

// turned reports whether a period of the kind has ended since it was last read.
func (w *Watcher) turned(scope access.Scope, kind access.Kind, last, now time.Time, period time.Duration) bool {
	return slot(scope, kind, last, period) < slot(scope, kind, now, period)
}

// sweepDue reports whether it is time to look for late events.
func (w *Watcher) sweepDue(doc Watch, job access.Poll, now time.Time) bool {
	if job.Source == access.SourceSweep && (job.At.IsZero() || doc.Swept.Before(job.At)) {
		return true
	}
	return w.turned(job.Scope, "", doc.Swept, now, w.interval(""))
}

// Scopes lists what is watched: the orgs and every project that is not known to be gone.
func (w *Watcher) Scopes(ctx context.Context) ([]access.Scope, error) {
	var out []access.Scope
	for _, id := range w.opts.Orgs {
		org := access.OrgScope(id)
		doc, _, err := w.opts.Watch.Get(ctx, string(org))
		if err != nil {
			return nil, fmt.Errorf("list the projects of %s: %w", org, err)
		}
		out = append(out, org)
		for _, p := range slices.Sorted(maps.Keys(doc.Projects)) {
			if !doc.Projects[p].Gone {
				out = append(out, access.ProjectScope(p))
			}
		}
	}
	w.projects.Store(int64(len(out) - len(w.opts.Orgs)))
	return out, nil
}

// Dirty lists the kinds of a scope of which the inventory cannot be believed now: they
// may have changed since they were read, or were not read for two sweeps; each with
// since when.
func (w *Watcher) Dirty(ctx context.Context, scope access.Scope) (map[access.Kind]time.Time, error) {
	doc, _, err := w.opts.Watch.Get(ctx, string(scope))
	if err != nil {
		return nil, fmt.Errorf("load the watch document of %s: %w", scope, err)
	}
	return w.unsettled(scope, doc, w.opts.Now()), nil
}

// unsettled gives those kinds with since when each cannot be believed.
func (w *Watcher) unsettled(scope access.Scope, doc Watch, now time.Time) map[access.Kind]time.Time {
	out := map[access.Kind]time.Time{}
	if !doc.Gone.IsZero() {
		return out
	}
	for _, k := range w.opts.Kinds(scope) {
		stale := doc.Reads[k].Complete.Add(2 * w.interval(k))
		if m, dirty := doc.Dirty[k]; dirty {
			out[k] = m.At
		} else if now.After(stale) {
			out[k] = stale
		}
	}
	return out
}

// MarkDirty has kinds of a scope (none: all covered) read again, at once.
func (w *Watcher) MarkDirty(ctx context.Context, scope access.Scope, kinds []access.Kind, why string) error {
	if len(kinds) == 0 {
		kinds = w.opts.Kinds(scope)
	}
	return w.markAll(ctx, scope, kinds, Mark{Source: access.SourceSweep, Why: why}, access.SourceFeed)
}

// Hint has kinds of a scope read again, at once, because Atlas pushed that they may have
// changed; none is a poll and nothing more. Once it has returned, no restart loses it.
func (w *Watcher) Hint(ctx context.Context, scope access.Scope, kinds []access.Kind) error {
	return w.markAll(ctx, scope, kinds, Mark{Source: access.SourceWebhook, Why: "webhook"}, access.SourceWebhook)
}

// markAll marks and polls, in one compare-and-set.
func (w *Watcher) markAll(ctx context.Context, scope access.Scope, kinds []access.Kind, m Mark, source access.Source) error {
	if err := scope.Validate(); err != nil {
		return fmt.Errorf("mark dirty: %w", err)
	}
	covered := w.opts.Kinds(scope)
	m.At = w.opts.Now()
	_, err := w.opts.Watch.Update(ctx, string(scope), func(cur Watch, _ uint64) (*Watch, []access.Out, error) {
		next := cur.clone()
		for _, k := range kinds {
			if slices.Contains(covered, k) {
				next.mark(k, m)
			}
		}
		poll := access.Poll{Scope: scope, Source: source, At: m.At}
		return &next, []access.Out{access.NewOut(access.TopicPoll, scope, poll)}, nil
	})
	if err != nil {
		return fmt.Errorf("mark %v of %s dirty: %w", kinds, scope, err)
	}
	return nil
}
