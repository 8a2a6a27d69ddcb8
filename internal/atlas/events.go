package atlas

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Events reads the whole feed of an org or a project since a time (zero: all of it),
// oldest first, each event once. An error means that nothing is returned, so that no
// cursor moves over what was not read.
//
// Atlas gives the newest first, in pages that shift as events come in. The first page
// is asked for without an upper bound; the others have one, just above its newest
// event, so that a busy feed cannot run away from the reader. Whether Atlas takes
// maxDate as inclusive is not documented: one second above covers both, and what slips
// in below it only makes pages overlap, which de-duplication undoes.
func (c *Client) Events(ctx context.Context, scope access.Scope, since time.Time) ([]access.Event, error) {
	if err := scope.Validate(); err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	r := request{route: listGroupEvents, id: scope.ID(), query: url.Values{"includeCount": {"false"}}}
	if scope.IsOrg() {
		r.route = listOrgEvents
	}
	if !since.IsZero() {
		r.query.Set("minDate", since.UTC().Format(time.RFC3339))
	}
	f := feed{scope: scope, since: since, seen: map[string]bool{}}
	if err := c.readFeed(ctx, r, &f); err != nil {
		return nil, fmt.Errorf("read the feed of %s: %w", scope, err)
	}
	return f.oldestFirst(), nil
}

func (c *Client) readFeed(ctx context.Context, r request, f *feed) error {
	for n := 1; n <= maxPages; n++ {
		var p page
		if _, err := c.get(ctx, r.page(n, false), decodePage(&p, false)); err != nil {
			return err
		}
		added := f.add(p)
		switch {
		case len(p.results) < pageSize:
			return nil
		case added == 0:
			return temporary(fmt.Sprintf("%s: page %d repeats the pages before it", r, n), nil)
		case n == 1 && !f.newest.IsZero():
			r.query.Set("maxDate", f.newest.Add(time.Second).Format(time.RFC3339))
		}
	}
	return &failure{why: fmt.Sprintf("%s: more than %d events since %s: read a shorter time", r, maxPages*pageSize, f.since.Format(time.RFC3339))}
}

// feed collects the events of one read.
type feed struct {
	scope  access.Scope
	since  time.Time
	seen   map[string]bool
	events []access.Event
	newest time.Time
}

// add takes in one page and returns how many of its events are new.
func (f *feed) add(p page) int {
	before := len(f.events)
	for _, raw := range p.results {
		e := decodeEvent(raw, f.scope)
		if f.seen[e.ID] {
			continue
		}
		f.seen[e.ID] = true
		f.events = append(f.events, e)
		if e.Created.After(f.newest) {
			f.newest = e.Created
		}
	}
	return len(f.events) - before
}

// oldestFirst sorts by time and id. An event without a time stays in the place that
// the feed gave it, so that no cursor loses it; its id, and with it de-duplication,
// never changes.
func (f *feed) oldestFirst() []access.Event {
	older := f.since.UTC()
	for i := len(f.events) - 1; i >= 0; i-- {
		if e := &f.events[i]; e.Created.IsZero() {
			e.Created = f.placed(i, older)
		}
		older = f.events[i].Created
	}
	slices.SortFunc(f.events, func(a, b access.Event) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return f.events
}

// placed is the time that the id tells, if it lies between those of the neighbours,
// else the time of the next older event, or of the begin of the window.
func (f *feed) placed(i int, older time.Time) time.Time {
	newer := f.newest
	if i > 0 && !f.events[i-1].Created.IsZero() {
		newer = f.events[i-1].Created
	}
	if t := idTime(f.events[i].ID); !t.Before(older) && !t.After(newer) {
		return t
	}
	return older
}
