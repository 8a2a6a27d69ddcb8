package watcher

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// sighting is one reading of one kind with all that is needed to judge it.
type sighting struct {
	scope   access.Scope
	kind    access.Kind
	rev     uint64 // of the inventory document before the read
	reading access.Reading
	ended   time.Time // Atlas time after the read
	prev    time.Time // begin of the complete read before, as gw_watch has it
	from    time.Time // the same as the begin of the window of the changes; zero: not known
	source  access.Source
	gap     bool
	pending []Pending
	intents []access.Intent
	limits  limits
}

// absorbed is what a sighting makes of the stored collection.
type absorbed struct {
	next    *access.Collection // nil: nothing to write
	changes []access.Change
	done    []string      // ids of events that need no further read
	status  access.Status // of this reading
	reason  string
}

// absorb is pure: the whole of what a reading means.
func (s sighting) absorb(cur access.Collection) absorbed {
	a := absorbed{status: s.reading.Status, reason: s.reading.Reason}
	live := s.live(cur, &a)
	if s.reading.Status != access.StatusComplete {
		return s.incomplete(cur, a, live)
	}
	after := s.withOdd(cur)
	if why := s.suspicious(cur, after, live); why != "" {
		a.status, a.reason = access.StatusSuspect, why
		return s.setAside(cur, after, a)
	}
	if cur.FirstRead.IsZero() {
		return s.baseline(cur, after, a, live)
	}
	return s.compare(cur, after, a, live)
}

// live drops the events that the collection has used up already.
func (s sighting) live(cur access.Collection, a *absorbed) (live []Pending) {
	for _, p := range s.pending {
		if _, used := cur.Trail.Handled[p.Event.ID]; used {
			a.done = append(a.done, p.Event.ID)
		} else {
			live = append(live, p)
		}
	}
	return live
}

// withOdd is the collection as read. What could not be decoded stays as it was; if not
// even its name could be had, nothing counts as gone.
func (s sighting) withOdd(cur access.Collection) access.Collection {
	after := access.NewCollection(s.scope, s.kind, s.reading.States)
	nameless := slices.Contains(s.reading.Odd, "")
	states := s.reading.States
	for _, r := range cur.Resources {
		if _, read := after.Find(r.Name()); !read && (nameless || slices.Contains(s.reading.Odd, r.Name())) {
			states = append(slices.Clip(states), r.Box.State)
		}
	}
	after = access.NewCollection(s.scope, s.kind, states)
	if len(s.reading.Odd) > 0 {
		after.Odd = slices.Compact(slices.Sorted(slices.Values(s.reading.Odd)))
	}
	return after
}

// suspicious says why the reading is not to be believed yet; empty: it is. Deletion
// events, expiry dates and our own deletions make a loss credible.
func (s sighting) suspicious(cur, after access.Collection, live []Pending) string {
	lost, unexplained := 0, 0
	told := toldDeletions(live)
	for _, r := range cur.Resources {
		if _, there := after.Find(r.Name()); there {
			continue
		}
		lost++
		if !told.explain(r.Name()) && !s.expired(r) && !s.ownDelete(r) {
			unexplained++
		}
	}
	unexplained -= told.open
	many := max(float64(s.limits.min), s.limits.share*float64(len(cur.Resources)))
	switch {
	case unexplained <= 0:
		return ""
	case len(after.Resources) > 0 && float64(unexplained) <= many:
		return ""
	case cur.Trail.Aside == digest(after) && s.reading.Began.Sub(cur.Trail.AsideAt) >= s.limits.wait:
		return ""
	}
	return fmt.Sprintf("%d of %d vanished at once, %d of them without an event: set aside until a second read agrees",
		lost, len(cur.Resources), unexplained)
}

func (s sighting) expired(r access.Resource) bool {
	var until time.Time
	switch x := r.Box.State.(type) {
	case access.IPAccessEntry:
		until = x.DeleteAfterDate
	case access.DatabaseUser:
		until = x.DeleteAfterDate
	}
	return !until.IsZero() && !until.After(s.ended)
}

func (s sighting) ownDelete(r access.Resource) bool {
	return s.own(access.Change{Ref: access.Ref{Scope: s.scope, Kind: s.kind, Name: r.Name()}}) != ""
}

// own is the id of the action of ours that expected this change.
func (s sighting) own(c access.Change) string {
	for _, in := range s.intents {
		if in.Operation.Ref == c.Ref && in.Operation.Achieved(c.After) {
			return in.Action
		}
		if in.Operation.Type == access.CreateAlert && in.Operation.Concerns(c.Ref) && in.Operation.Achieved(c.After) {
			return in.Action // under an id of its own
		}
	}
	return ""
}

// intended is the id of an action of ours with an intent on the resource, whether this is
// what it wanted or not.
func (s sighting) intended(ref access.Ref) string {
	i := slices.IndexFunc(s.intents, func(in access.Intent) bool { return in.Operation.Concerns(ref) })
	if i < 0 {
		return ""
	}
	return s.intents[i].Action
}

// digest is of the names: two readings that lost the same agree.
func digest(c access.Collection) string {
	names := make([]string, 0, len(c.Resources))
	for _, r := range c.Resources {
		names = append(names, r.Name())
	}
	return access.Hash(names...)
}

func (s sighting) setAside(cur, after access.Collection, a absorbed) absorbed {
	d := digest(after)
	if cur.Status == access.StatusSuspect && cur.Trail.Aside == d {
		return a
	}
	next := s.marked(cur, a)
	if cur.Trail.Aside != d {
		next.Trail.Aside, next.Trail.AsideAt = d, s.reading.Began
	}
	a.next = &next
	return a
}

// marked is the stored collection with the status of this reading.
func (s sighting) marked(cur access.Collection, a absorbed) access.Collection {
	next := cur
	next.V, next.Scope, next.Kind = access.Version, s.scope, s.kind
	if next.Status != a.status {
		next.Status, next.StatusSince, next.Reason = a.status, s.reading.Began, a.reason
	}
	return next
}

// incomplete keeps the resources. Events do not wait for a readable state for ever,
// and not at all where Atlas has none.
func (s sighting) incomplete(cur access.Collection, a absorbed, live []Pending) absorbed {
	var over []Pending
	for _, p := range live {
		if s.reading.Status == access.StatusUnsupported || s.ended.Sub(p.At) > s.limits.late {
			over = append(over, p)
		}
	}
	next := s.marked(cur, a)
	s.observe(&next, cur, over, &a)
	if len(a.changes) > 0 || next.Status != cur.Status {
		a.next = &next
	}
	return a
}

func (s sighting) baseline(cur, after access.Collection, a absorbed, live []Pending) absorbed {
	next := s.marked(cur, a)
	next.Resources, next.Odd, next.FirstRead, next.ChangedRead = after.Resources, after.Odd, s.reading.Began, s.reading.Began
	for i := range next.Resources {
		next.Resources[i].FirstSeen, next.Resources[i].Baseline = s.reading.Began, true
	}
	next.Trail = access.Trail{Handled: maps.Clone(cur.Trail.Handled)}
	for _, p := range live {
		if !p.At.After(s.reading.Began) {
			a.done = append(a.done, p.Event.ID)
		}
	}
	a.next = &next
	return a
}

// compare is a complete, credible reading of a kind that was read before.
func (s sighting) compare(cur, after access.Collection, a absorbed, live []Pending) absorbed {
	s.gap = s.gap || (cur.Status != access.StatusComplete && s.reading.Began.Sub(cur.StatusSince) > s.limits.gap)
	next := s.marked(cur, a)
	if s.gap {
		next.Watched = s.reading.Began
	}
	next.Reason, next.Odd, next.Trail.Aside, next.Trail.AsideAt = "", after.Odd, "", time.Time{}
	next.Trail.Recent = s.recent(cur)
	old := len(next.Trail.Recent)
	fresh := s.fresh(access.Diff(cur, after))
	for _, c := range fresh {
		stub := c
		stub.Before, stub.After, stub.Fields, stub.Intended = access.Box{}, access.Box{}, nil, ""
		next.Trail.Recent = append(next.Trail.Recent, access.RecentChange{Change: stub, From: s.from, Until: s.ended})
	}
	learned, rest := Attribute(next.Trail.Recent, live)
	next.Trail.Handled = s.handled(cur)
	s.credit(&next, &a, learned, fresh, old)
	s.observe(&next, after, s.unanswered(cur, rest, &a), &a)
	a.changes = append(a.changes, fresh...)
	next.Resources = records(cur, after.Resources, s.reading.Began, next.Trail.Recent, old)
	if s.gap || len(a.changes) > 0 || cur.Status != access.StatusComplete || cur.Trail.Aside != "" || !slices.Equal(cur.Odd, after.Odd) || s.aged(cur, after) {
		next.ChangedRead = s.reading.Began
		a.next = &next
	}
	return a
}

// aged reports whether dates of use, which make no change, have moved since the document
// was last written long ago. Without them nobody would ever seem to have come back.
func (s sighting) aged(cur, after access.Collection) bool {
	return s.reading.Began.Sub(cur.ChangedRead) >= volatileFor && access.Moved(cur, after)
}

// volatileFor is how old the stored dates of use may be.
const volatileFor = 6 * time.Hour

// fresh gives the differences their ids and what is known without events.
func (s sighting) fresh(diff []access.Change) []access.Change {
	for n := range diff {
		c := &diff[n]
		c.ID = fmt.Sprintf("%s.%s.%d.%d", s.scope, s.kind, s.rev, n)
		c.Occurred, c.Observed, c.Source, c.Gap = s.reading.Began, s.reading.Began, s.source, s.gap
		c.Own, c.Intended = s.own(*c), s.intended(c.Ref)
	}
	return diff
}

// recent are the changes that late events may still explain.
func (s sighting) recent(cur access.Collection) (out []access.RecentChange) {
	for _, r := range cur.Trail.Recent {
		if s.ended.Sub(r.Until) <= s.limits.late {
			out = append(out, r)
		}
	}
	return out
}

// handled outlives the time in which gw_watch could offer an event again.
func (s sighting) handled(cur access.Collection) map[string]time.Time {
	out := map[string]time.Time{}
	for id, at := range cur.Trail.Handled {
		if s.ended.Sub(at) <= s.limits.late+2*s.limits.overlap {
			out[id] = at
		}
	}
	return out
}

// credit puts what the events told into the fresh changes, and publishes what they
// told of older ones.
func (s sighting) credit(next *access.Collection, a *absorbed, learned map[int]access.RecentChange, fresh []access.Change, old int) {
	for _, i := range slices.Sorted(maps.Keys(learned)) {
		r := learned[i]
		for _, id := range r.Change.Events {
			if _, used := next.Trail.Handled[id]; !used {
				next.Trail.Handled[id] = s.ended
				a.done = append(a.done, id)
			}
		}
		if i >= old {
			c := &fresh[i-old]
			c.Actor, c.Type, c.Occurred, c.Events = r.Change.Actor, r.Change.Type, r.Change.Occurred, r.Change.Events
		} else {
			r.Change.Rev++
			late := r.Change
			late.Op, late.Own = access.OpAttributed, ""
			a.changes = append(a.changes, late)
		}
		next.Trail.Recent[i] = r
	}
}

// unanswered are the events that this reading should have shown the effect of, and
// did not. An event of the second in which it began may be answered by the next one;
// what happened before the baseline is history, and what explained another change of
// this reading has its answer.
func (s sighting) unanswered(cur access.Collection, rest []Pending, a *absorbed) (out []Pending) {
	for _, p := range rest {
		switch {
		case slices.Contains(a.done, p.Event.ID):
		case p.At.Before(cur.FirstRead.Truncate(time.Second)):
			a.done = append(a.done, p.Event.ID)
		case !s.reading.Began.Before(p.At.Add(time.Second)):
			out = append(out, p)
		}
	}
	return out
}

// observe publishes events that left no readable difference. One that might have had a
// side effect on this kind had none.
func (s sighting) observe(next *access.Collection, now access.Collection, events []Pending, a *absorbed) {
	if len(events) == 0 {
		return
	}
	undone := map[string][]Pending{}
	for _, p := range s.pending {
		undone[p.name(now)] = append(undone[p.name(now)], p)
	}
	next.Trail.Handled = copied(next.Trail.Handled)
	for _, p := range events {
		if p.Side {
			a.done = append(a.done, p.Event.ID)
			continue
		}
		name := p.name(now)
		next.Trail.Handled[p.Event.ID] = s.ended
		a.done = append(a.done, p.Event.ID)
		a.changes = append(a.changes, access.Change{
			V: access.Version, ID: p.Event.ID, Ref: access.Ref{Scope: s.scope, Kind: s.kind, Name: name},
			Op: access.OpObserved, Actor: p.Event.Actor, Events: []string{p.Event.ID}, Type: p.Event.Type,
			Occurred: p.At, Ended: s.endOf(p, name, now, undone[name], next.Trail.Recent), Observed: s.reading.Began,
			Source: s.source, Gap: s.gap, Intended: s.intended(access.Ref{Scope: s.scope, Kind: s.kind, Name: name}),
		})
	}
}

// endOf is when what an event did was over: undone by a later event of the same
// resource, or gone by the time of the reading, or by the time when the resource was
// created again. Zero: it may still hold.
func (s sighting) endOf(p Pending, name string, now access.Collection, others []Pending, recent []access.RecentChange) time.Time {
	if name == "" {
		return time.Time{}
	}
	for _, q := range others {
		undoes := q.Op == access.OpDeleted && !q.At.Before(p.At)
		if p.Op == access.OpDeleted {
			undoes = q.Op == access.OpCreated && q.At.After(p.At)
		}
		if undoes {
			return q.At
		}
	}
	whole := p.about().named() && !single(s.kind)
	if _, there := now.Find(name); whole && !there && !now.Unreadable(name) && p.Op != access.OpDeleted && s.reading.Status == access.StatusComplete {
		return s.reading.Began
	}
	if p.Op == access.OpCreated {
		return createdAgain(p, name, recent)
	}
	return time.Time{}
}

// createdAgain is by when a resource was gone that an event created and a later change
// created again: the event of its end may have come long before, or may never come.
func createdAgain(p Pending, name string, recent []access.RecentChange) time.Time {
	for _, r := range recent {
		switch {
		case r.Change.Ref.Name != name || r.Change.Op != access.OpCreated:
		case r.Cause.After(p.At):
			return r.Cause
		case r.From.After(p.At.Add(slackBefore)):
			return r.From // a read that did not show it
		}
	}
	return time.Time{}
}

// records carries what is known of each resource over into the new reading, and what
// its last change added to that.
func records(cur access.Collection, after []access.Resource, began time.Time, recent []access.RecentChange, old int) []access.Resource {
	byID, newest := map[string]access.Change{}, map[string]access.Change{}
	for i, r := range recent {
		byID[r.Change.ID] = r.Change
		if i >= old {
			newest[r.Change.Ref.Name] = r.Change
		}
	}
	for i := range after {
		r := &after[i]
		owned := false
		if was, ok := cur.Find(r.Name()); ok {
			owned = holdsOwner(was.Box)
			was.Box = r.Box
			*r = was
		} else {
			r.FirstSeen = began
		}
		c, changed := newest[r.Name()]
		if !changed {
			c, changed = byID[r.Cause]
		}
		if changed && c.Op == access.OpCreated && c.Gap {
			r.CameInGap = true
		}
		if changed {
			r.ChangedAt, r.Cause, r.Gap, r.Actor = c.Occurred, c.ID, c.Gap, c.Actor
		}
		switch {
		case !holdsOwner(r.Box):
			r.OwnerSince = time.Time{}
		case !owned:
			r.OwnerSince = r.ChangedAt
		}
	}
	return after
}
