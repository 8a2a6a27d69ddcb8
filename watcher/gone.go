package watcher

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewarden/gatewarden/internal/access"
)

// whyGone is the reason that the collections of a buried project carry.
const whyGone = "the project does not exist any more"

// isGone reports whether a project exists no more: an event told of its deletion and
// its feed cannot be read, or its feed is gone and its org's list lacks it. Less than
// that is an outage, and everything stays as it was.
func (w *Watcher) isGone(ctx context.Context, scope access.Scope, feedErr error) bool {
	gone, refused := errors.Is(feedErr, access.ErrGone), errors.Is(feedErr, access.ErrForbidden)
	if !gone && !refused {
		return false
	}
	for _, id := range w.opts.Orgs {
		doc, _, err := w.opts.Watch.Get(ctx, string(access.OrgScope(id)))
		if err != nil {
			return false
		}
		if l, ok := doc.Projects[scope.ID()]; ok {
			return l.Deleted || l.Gone || (gone && !l.Missing.IsZero())
		}
	}
	return false
}

// bury takes every resource of a project out of the inventory and forgets its
// baselines: should it come back, it is seen for the first time.
func (w *Watcher) bury(ctx context.Context, scope access.Scope) error {
	now := w.opts.Now()
	for _, kind := range w.opts.Kinds(scope) {
		key := string(scope) + "." + string(kind)
		_, err := w.opts.Inventory.Update(ctx, key, func(cur access.Collection, rev uint64) (*access.Collection, []access.Out, error) {
			if rev == 0 || cur.Reason == whyGone {
				return nil, nil, nil
			}
			next := access.NewCollection(scope, kind, nil)
			next.Reason, next.StatusSince, next.ChangedRead, next.Trail.Handled = whyGone, now, now, cur.Trail.Handled
			s := sighting{scope: scope, kind: kind, rev: rev, source: access.SourceFeed}
			s.reading.Began = now
			return &next, outbox(s, absorbed{status: access.StatusComplete, changes: s.fresh(access.Diff(cur, next))}), nil
		})
		if err != nil {
			return fmt.Errorf("bury %s of %s: %w", kind, scope, err)
		}
	}
	w.buryHistory(ctx, scope)
	return errors.Join(w.buryWatch(ctx, scope), w.buryListed(ctx, scope))
}

func (w *Watcher) buryWatch(ctx context.Context, scope access.Scope) error {
	now := w.opts.Now()
	_, err := w.opts.Watch.Update(ctx, string(scope), func(cur Watch, _ uint64) (*Watch, []access.Out, error) {
		if !cur.Gone.IsZero() {
			return nil, nil, nil
		}
		return &Watch{V: access.Version, First: cur.First, Gone: now, Seen: cur.Seen, Seq: cur.Seq}, nil, nil
	})
	if err != nil {
		return fmt.Errorf("bury %s: %w", scope, err)
	}
	return nil
}

// buryListed comes last: until then the project is polled, and buried, again.
func (w *Watcher) buryListed(ctx context.Context, scope access.Scope) error {
	for _, id := range w.opts.Orgs {
		org := access.OrgScope(id)
		_, err := w.opts.Watch.Update(ctx, string(org), func(cur Watch, _ uint64) (*Watch, []access.Out, error) {
			l, ok := cur.Projects[scope.ID()]
			if !ok || l.Gone {
				return nil, nil, nil
			}
			next := cur.clone()
			l.Gone = true
			next.Projects[scope.ID()] = l
			return &next, nil, nil
		})
		if err != nil {
			return fmt.Errorf("bury %s in %s: %w", scope, org, err)
		}
	}
	return nil
}
