package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/internal/access"
)

// tries bounds how often one poll reads a kind again because others wrote meanwhile.
const tries = 5

// errMoved: the document is no longer the one from before the read.
var errMoved = errors.New("it changed during the read")

// due is one kind to be read, and why.
type due struct {
	kind   access.Kind
	seq    uint64 // of the mark before the read; 0: none
	source access.Source
	gap    bool
	first  bool // something changed in it: it does not wait for sweeps, nor for what failed before
}

// result is what came of it.
type result struct {
	due
	status access.Status
	reason string
	began  time.Time
	done   []string
}

// dues lists the kinds to read now: dirty, asked for, overdue, with an event that
// waits, or joined to one of those.
func (w *Watcher) dues(job access.Poll, doc Watch, now time.Time) (out []due) {
	kinds := w.opts.Kinds(job.Scope)
	for _, k := range kinds {
		if d, ok := w.dueKind(job, doc, k, now); ok {
			out = append(out, d)
		}
	}
	for _, d := range slices.Clone(out) {
		for _, k := range w.opts.Joins[d.kind] {
			listed := slices.ContainsFunc(out, func(x due) bool { return x.kind == k })
			held := doc.Dirty[k].Held
			if !listed && !held && slices.Contains(kinds, k) && now.Sub(doc.Reads[k].Complete) > time.Minute {
				out = append(out, due{kind: k, source: job.Source, first: d.first})
			}
		}
	}
	return out
}

func (w *Watcher) dueKind(job access.Poll, doc Watch, k access.Kind, now time.Time) (due, bool) {
	read, asked := doc.Reads[k], w.asked(job, doc, k)
	m, dirty := doc.Dirty[k]
	period := w.interval(k)
	if m.Held {
		period = w.retry(k)
	}
	overdue := asked || w.turned(job.Scope, k, read.last(), now, period)
	if dirty {
		return due{kind: k, seq: m.Seq, source: m.Source, gap: m.Gap, first: !m.Held && !m.Failed}, overdue || !m.Held
	}
	if overdue {
		return due{kind: k, source: access.SourceSweep}, true
	}
	waits := slices.ContainsFunc(doc.Pending, func(p Pending) bool { return p.Kind == k && !now.Before(p.At.Add(time.Second)) })
	return due{kind: k, source: access.SourceFeed, first: true}, waits
}

// asked reports whether the job is a sweep of the kind that has not been done. A job
// that comes again reads only what it could not read before.
func (w *Watcher) asked(job access.Poll, doc Watch, k access.Kind) bool {
	if job.Source != access.SourceSweep || (len(job.Kinds) > 0 && !slices.Contains(job.Kinds, k)) {
		return false
	}
	return job.At.IsZero() || doc.Reads[k].last().Before(job.At)
}

// readDue reads what is due, and stores what it answers: first where something changed,
// so that neither a sweep nor a kind that keeps failing makes a judgement wait.
func (w *Watcher) readDue(ctx context.Context, job access.Poll, seen Watch, fed bool) error {
	var first, rest []due
	for _, d := range w.dues(job, seen, w.opts.Now()) {
		if d.first {
			first = append(first, d)
		} else {
			rest = append(rest, d)
		}
	}
	results, readErr := w.readAll(ctx, job, seen, first)
	if len(rest) > 0 && job.Source != access.SourceSweep { // who asks for a sweep has one
		if w.patient(job.Scope) {
			defer w.done(job.Scope)
		} else {
			rest = nil // due it remains
		}
	}
	if len(rest) > 0 && len(first) > 0 {
		if err := w.settle(ctx, job, seen, false, results); err != nil {
			return errors.Join(readErr, err)
		}
		results = nil
	}
	more, err := w.readAll(ctx, job, seen, rest)
	return errors.Join(readErr, err, w.settle(ctx, job, seen, fed, append(results, more...)))
}

// patient takes one of the places for what does not press, if there is one: one a scope,
// and fewer than there are polls at a time. Without that a kind that takes longer than the
// time between two polls, as a flooded access history or the addresses of thousands of
// keys do, would soon hold every poll, and no change of any project would be read.
func (w *Watcher) patient(scope access.Scope) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slow[scope] || len(w.slow) >= w.opts.Patient {
		return false
	}
	w.slow[scope] = true
	return true
}

func (w *Watcher) done(scope access.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.slow, scope)
}

// readAll reads kinds side by side. They are independent: one that goes wrong leaves the
// others as they are.
func (w *Watcher) readAll(ctx context.Context, job access.Poll, doc Watch, list []due) ([]result, error) {
	results, errs := make([]result, len(list)), make([]error, len(list))
	panics := make([]any, len(list))
	var group errgroup.Group
	group.SetLimit(w.opts.Parallel)
	for i, d := range list {
		group.Go(func() error {
			defer func() { panics[i] = recover() }()
			results[i], errs[i] = w.read(ctx, job.Scope, doc, d)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs, one a kind
	for _, p := range panics {
		if p != nil {
			panic(p) // here it is counted against the message, and not against the process
		}
	}
	good := results[:0]
	for i, r := range results {
		if errs[i] == nil {
			good = append(good, r)
		}
	}
	return good, errors.Join(errs...)
}

// read reads one kind and stores what it means, again if others wrote meanwhile.
func (w *Watcher) read(ctx context.Context, scope access.Scope, doc Watch, d due) (result, error) {
	var err error
	for range tries {
		var r result
		if r, err = w.readOnce(ctx, scope, doc, d); !errors.Is(err, errMoved) {
			return r, err
		}
	}
	return result{}, fmt.Errorf("read %s of %s %d times: %w: %w", d.kind, scope, tries, err, access.ErrTemporary)
}

func (w *Watcher) readOnce(ctx context.Context, scope access.Scope, doc Watch, d due) (result, error) {
	key := string(scope) + "." + string(d.kind)
	before, rev, err := w.opts.Inventory.Get(ctx, key)
	if err != nil {
		return result{}, fmt.Errorf("load the inventory of %s of %s: %w", d.kind, scope, err)
	}
	s := sighting{
		scope: scope, kind: d.kind, rev: rev, source: d.source, gap: d.gap, prev: doc.Reads[d.kind].Complete, from: doc.Reads[d.kind].Complete,
		pending: doc.pendingOf(d.kind), limits: w.limits(), reading: w.opts.Atlas.Read(ctx, scope, d.kind),
	}
	if ctx.Err() != nil {
		return result{}, fmt.Errorf("read %s of %s: %w", d.kind, scope, ctx.Err())
	}
	if s.reading.Status == access.StatusUnread { // put off: what is stored stays as it is
		return result{due: d, status: access.StatusUnread, reason: s.reading.Reason, began: s.reading.Began}, nil
	}
	s.ended = w.opts.Now()
	if s.prev.After(s.reading.Began) {
		s.from = time.Time{} // the clock went back: what happened since then may bear any time
	}
	if s.absorb(before).next != nil {
		if s.intents, err = w.intents(ctx, scope); err != nil {
			return result{}, err
		}
		if err := w.overtaken(ctx, s); err != nil {
			return result{}, err
		}
	}
	a, err := w.store(ctx, key, s)
	if err != nil {
		return result{}, fmt.Errorf("store %s of %s: %w", d.kind, scope, err)
	}
	w.account(key, s, a)
	if err := w.keepRead(ctx, s, a, before); err != nil {
		return result{}, err
	}
	return result{d, a.status, a.reason, s.reading.Began, a.done}, nil
}

func (w *Watcher) intents(ctx context.Context, scope access.Scope) ([]access.Intent, error) {
	if w.opts.Intents == nil {
		return nil, nil
	}
	intents, err := w.opts.Intents.Intents(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("list our own writes in %s: %w", scope, err)
	}
	return intents, nil
}

// overtaken refuses a reading that began before another one which found the stored
// collection unchanged, and therefore left no new revision.
func (w *Watcher) overtaken(ctx context.Context, s sighting) error {
	doc, _, err := w.opts.Watch.Get(ctx, string(s.scope))
	if err != nil {
		return fmt.Errorf("load the watch document of %s: %w", s.scope, err)
	}
	last := doc.Reads[s.kind].Complete
	if !last.Equal(s.prev) && last.After(s.reading.Began) { // equal: the clock went back
		return errMoved
	}
	return nil
}

// store writes what the sighting means, if the document is still the one from before
// the read. With nothing to write it only has a leftover outbox published.
func (w *Watcher) store(ctx context.Context, key string, s sighting) (a absorbed, err error) {
	_, err = w.opts.Inventory.Update(ctx, key, func(cur access.Collection, rev uint64) (*access.Collection, []access.Out, error) {
		if rev != s.rev {
			return nil, nil, errMoved
		}
		a = s.absorb(cur)
		if a.next == nil {
			return nil, nil, nil
		}
		return a.next, outbox(s, a), nil
	})
	return a, err
}

// outbox is the changes in order, then the wish to judge.
func outbox(s sighting, a absorbed) []access.Out {
	out := make([]access.Out, 0, len(a.changes)+1)
	for _, c := range a.changes {
		out = append(out, changeOut(c))
	}
	why := fmt.Sprintf("%s: %d changes", s.kind, len(a.changes))
	if a.status != access.StatusComplete {
		why = fmt.Sprintf("%s: %s", s.kind, a.status)
	}
	eval := access.Eval{Scope: s.scope, Inventory: map[access.Kind]uint64{s.kind: s.rev}, Why: why}
	return append(out, access.NewOut(access.TopicEval, s.scope, eval))
}

func changeOut(c access.Change) access.Out {
	o := access.NewOut(access.TopicChange, c.Ref.Scope, c, string(c.Ref.Kind))
	o.ID = fmt.Sprintf("%s#%d", c.ID, c.Rev)
	return o
}

// settle stores what the reads have answered. It wishes for a judgement when a kind
// can be believed again, since the rules may have called it unknown until now.
func (w *Watcher) settle(ctx context.Context, job access.Poll, seen Watch, fed bool, results []result) error {
	now := w.opts.Now()
	swept := fed && w.sweepDue(seen, job, now)
	if len(results) == 0 && !swept {
		return nil
	}
	_, err := w.opts.Watch.Update(ctx, string(job.Scope), func(cur Watch, _ uint64) (*Watch, []access.Out, error) {
		next, changed := settled(cur, results, now)
		if swept {
			next.Swept, changed = now, true
		}
		if !changed {
			return nil, nil, nil
		}
		if fed && next.Gone.IsZero() {
			next.Fed = now
		}
		return &next, w.believedAgain(job.Scope, cur, next, now), nil
	})
	if err != nil {
		return fmt.Errorf("store the reads of %s: %w", job.Scope, err)
	}
	if swept {
		w.opts.Metrics.swept(job.Scope, now)
	}
	return nil
}

// settled is pure. A mark set during the read stays.
func settled(cur Watch, results []result, now time.Time) (next Watch, changed bool) {
	next = cur.clone()
	type answered struct { // an event may wait for the reads of several kinds
		kind  access.Kind
		event string
	}
	done := map[answered]bool{}
	for _, r := range results {
		changed = next.answer(r, now) || changed
		for _, id := range r.done {
			done[answered{r.kind, id}] = true
		}
	}
	before := len(next.Pending)
	next.Pending = slices.DeleteFunc(next.Pending, func(p Pending) bool { return done[answered{p.Kind, p.Event.ID}] })
	return next, changed || len(next.Pending) != before
}

// answer books one reading. A failed or suspect one is tried again at the next poll,
// a denied one at the next sweep.
func (d *Watch) answer(r result, now time.Time) (changed bool) {
	m, dirty := d.Dirty[r.kind]
	mine := m.Seq == r.seq // also: there was none, and there is none
	read := d.Reads[r.kind]
	switch r.status {
	case access.StatusComplete, access.StatusUnsupported:
		if dirty && mine {
			delete(d.Dirty, r.kind)
		}
		if r.began.After(read.Complete) {
			d.Reads[r.kind] = Read{Complete: r.began, Tried: read.Tried}
		}
		return true
	case access.StatusDenied:
		if mine {
			if !dirty {
				d.mark(r.kind, Mark{At: now, Source: r.source, Why: r.reason})
				m = d.Dirty[r.kind]
			}
			m.Held = true
			d.Dirty[r.kind] = m
		}
		read.Tried = r.began
		d.Reads[r.kind] = read
		return true
	}
	switch {
	case r.status == access.StatusUnread: // a sweep stays due, and a mark stands
		if !dirty || !mine || m.Failed {
			return false
		}
		m.Failed = true
		d.Dirty[r.kind] = m
		return true
	case !dirty:
		d.mark(r.kind, Mark{At: now, Source: r.source, Why: strings.TrimSpace(string(r.status) + ": " + r.reason), Failed: r.status == access.StatusFailed})
	case mine && !m.Failed && r.status == access.StatusFailed:
		m.Failed = true
		d.Dirty[r.kind] = m
		return true
	}
	return !dirty
}

func (w *Watcher) believedAgain(scope access.Scope, cur, next Watch, now time.Time) []access.Out {
	before, after := w.unsettled(scope, cur, now), w.unsettled(scope, next, now)
	var back []string
	for k := range before {
		if after[k].IsZero() {
			back = append(back, string(k))
		}
	}
	if len(back) == 0 {
		return nil
	}
	slices.Sort(back)
	return []access.Out{access.NewOut(access.TopicEval, scope, access.Eval{Scope: scope, Why: "read: " + strings.Join(back, ", ")})}
}
