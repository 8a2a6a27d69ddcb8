package watcher

import (
	"context"
	"fmt"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The history of a scope is kept beside the work of the polls: what it holds only ever
// moves forward, so that whoever comes again, or late, writes the same. Events go into it
// before gw_watch knows them as seen, and what a read showed before the event is
// forgotten: who dies in between leaves them to the next poll.
//
// It must not stop the watching. What could not be written is marked in gw_watch, and the
// next that is written begins a new span: it claims nothing of the time before.

// unclaimed is how far the end of a span may fall behind: it alone is not worth more than
// about one write a day. Readers allow for it ([access.SpanSlack]).
const unclaimed = 23 * time.Hour

// keepFeed takes the events of a reading into the history. It returns the mark of a loss
// that the history has answered by this.
func (w *Watcher) keepFeed(ctx context.Context, doc Watch, in intake) (mended time.Time, err error) {
	if w.opts.History == nil || !in.fed {
		return time.Time{}, nil
	}
	scope, fresh := in.job.Scope, in.unseen(doc)
	broken := doc.First.IsZero() || !doc.Gone.IsZero() || !doc.Unkept.IsZero()
	until := w.keptUntil(scope)
	if !broken && len(fresh) == 0 && in.watchedSince(doc, until) && in.now.Sub(until) < unclaimed {
		return time.Time{}, nil
	}
	gap := broken
	_, err = w.opts.History.Update(ctx, string(scope), func(cur access.History, _ uint64) (*access.History, []access.Out, error) {
		r := openRecord(cur, scope, in.now)
		until = ended(cur.Feed)
		gap = broken || !in.watchedSince(doc, until)
		for _, p := range fresh {
			r.duty(p.Event, p.At)
		}
		r.span(&r.doc.Feed, in.now, !gap)
		next := r.close()
		if next != nil {
			until = ended(next.Feed)
		}
		return next, nil, nil
	})
	w.say(scope, "keep the history", err)
	if err == nil {
		w.setKept(scope, until)
		return doc.Unkept, nil
	}
	if len(fresh) == 0 && !gap {
		return time.Time{}, nil // a span that falls behind is written at another poll
	}
	return time.Time{}, w.lose(ctx, scope)
}

// unseen are the events of somebody's doing that gw_watch does not know yet.
func (in intake) unseen(doc Watch) (out []Pending) {
	for _, e := range in.events {
		p := in.admit(e)
		if _, known := doc.Seen[p.Event.ID]; !known && dutyOf(p.Event.Actor) != "" {
			out = append(out, p)
		}
	}
	return out
}

// watchedSince reports whether there is no gap between the last reading that is known of
// and this one: of gw_watch or, where a process died before it wrote that, of the span.
// A time that is far ahead of ours was told by a clock that has gone back since. A span
// that fell behind by more than it may was not kept meanwhile, whoever watched.
func (in intake) watchedSince(doc Watch, until time.Time) bool {
	last := until
	if doc.Fed.After(last) && in.now.Sub(doc.Fed) >= -in.limits.gap {
		last = doc.Fed
	}
	behind := in.now.Sub(until)
	return !until.IsZero() && in.now.Sub(last).Abs() <= in.limits.gap && behind <= unclaimed+2*in.limits.gap
}

func (w *Watcher) keptUntil(scope access.Scope) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[scope]
}

func (w *Watcher) setKept(scope access.Scope, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[scope] = until
}

// lose marks that the history lacks something. Without that mark nothing may go on: the
// event would be known as seen, and the history would claim to have it.
func (w *Watcher) lose(ctx context.Context, scope access.Scope) error {
	now := w.opts.Now()
	_, err := w.opts.Watch.Update(ctx, string(scope), func(cur Watch, _ uint64) (*Watch, []access.Out, error) {
		next := cur.clone()
		next.Unkept = now
		return &next, nil, nil
	})
	if err != nil {
		return fmt.Errorf("mark a loss in the history of %s: %w", scope, err)
	}
	return nil
}

// keepRead takes what a stored reading showed into the history: logins, and credentials
// that were exchanged. A reading that was not complete ends no span by itself: the next
// one may reach back over the time between.
func (w *Watcher) keepRead(ctx context.Context, s sighting, a absorbed, before access.Collection) error {
	if w.opts.History == nil || s.reading.Status != access.StatusComplete {
		return nil
	}
	stored := before
	if a.next != nil {
		stored = *a.next
	}
	logins, exchanged := s.kind == access.KindAccessHistory, s.exchanged(stored)
	if !logins && len(exchanged) == 0 {
		return nil
	}
	_, err := w.opts.History.Update(ctx, string(s.scope), func(cur access.History, _ uint64) (*access.History, []access.Out, error) {
		r := openRecord(cur, s.scope, s.ended)
		for name, at := range exchanged {
			r.rotation(string(s.kind)+"/"+name, at)
		}
		if logins {
			r.logins(s.reading, a.status)
		}
		return r.close(), nil, nil
	})
	w.say(s.scope, "keep the history of "+string(s.kind), err)
	if err == nil || len(exchanged) == 0 {
		return nil // a later reading shows the same logins
	}
	if ctx.Err() != nil {
		return fmt.Errorf("keep the history of %s: %w", s.scope, ctx.Err())
	}
	return w.lose(ctx, s.scope)
}

// exchanged are the database users of which an event told an update that shows in no
// field, with when: the other credentials of Atlas are replaced by new ones, which are
// resources of their own. It goes by what is stored, and not by what this reading
// published: after a death in between the event still waits, and is known to be handled.
func (s sighting) exchanged(stored access.Collection) map[string]time.Time {
	if stored.Status != access.StatusComplete || s.kind != access.KindDatabaseUser {
		return nil
	}
	explained := map[string]bool{}
	for _, r := range stored.Trail.Recent {
		for _, id := range r.Change.Events {
			explained[id] = true
		}
	}
	out := map[string]time.Time{}
	for _, p := range s.pending {
		_, handled := stored.Trail.Handled[p.Event.ID]
		if !handled || explained[p.Event.ID] || !exchanges(p) {
			continue
		}
		name := p.name(stored)
		if _, there := stored.Find(name); there && p.At.After(out[name]) {
			out[name] = p.At
		}
	}
	return out
}

// exchanges: an update that shows nowhere is of the password, as far as anybody can see; a
// new certificate is told by its own event.
func exchanges(p Pending) bool {
	return !p.Side && (p.Op == access.OpUpdated || p.Event.Type == "MONGODB_USER_X509_CERT_CREATED")
}

// buryHistory empties the history of a project that is gone. Should it come back, it is
// seen for the first time. A failure leaves a document that nobody reads.
func (w *Watcher) buryHistory(ctx context.Context, scope access.Scope) {
	if w.opts.History == nil {
		return
	}
	_, err := w.opts.History.Update(ctx, string(scope), func(cur access.History, rev uint64) (*access.History, []access.Out, error) {
		if rev == 0 || len(cur.Feed)+len(cur.Logins)+len(cur.Users)+len(cur.Duties)+len(cur.Rotations) == 0 {
			return nil, nil, nil
		}
		return &access.History{V: access.Version, Scope: scope}, nil, nil
	})
	w.say(scope, "bury the history", err)
}
