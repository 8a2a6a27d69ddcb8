package watcher

import (
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	aDay = 24 * time.Hour

	// loginsReach is how far back a reading of an access history is trusted to reach.
	// Atlas speaks of about seven days; the seventh may be cut (a guess).
	loginsReach = 6 * aDay

	mostSpans  = 100
	mostName   = 2048      // bytes; Atlas takes no name of half that length
	mostSpread = time.Hour // of clocks that are all right
)

// record is a history while something is added to it. It is pure.
type record struct {
	doc     access.History
	now     time.Time
	changed bool

	lostDuty, lostLogin time.Time // the newest day of what there was no place for
}

func openRecord(cur access.History, scope access.Scope, now time.Time) *record {
	cur.V, cur.Scope = access.Version, scope
	cur.Feed, cur.Logins = slices.Clone(cur.Feed), slices.Clone(cur.Logins)
	cur.Rotations = copied(cur.Rotations)
	cur.Users, cur.Duties = copied(cur.Users), copied(cur.Duties)
	for k, u := range cur.Users {
		u.Addresses = copied(u.Addresses)
		cur.Users[k] = u
	}
	for k, d := range cur.Duties {
		cur.Duties[k] = copied(d)
	}
	return &record{doc: cur, now: now}
}

// close is the document to be written; nil: there is nothing new in it.
func (r *record) close() *access.History {
	r.claimNot(&r.doc.Feed, r.lostDuty)
	r.claimNot(&r.doc.Logins, r.lostLogin)
	if !r.changed {
		return nil
	}
	r.lostDuty, r.lostLogin = time.Time{}, time.Time{}
	r.age()
	r.bound()
	r.claimNot(&r.doc.Feed, r.lostDuty)
	r.claimNot(&r.doc.Logins, r.lostLogin)
	return &r.doc
}

func byDay(t time.Time) time.Time { return t.UTC().Truncate(aDay) }

// ended is the end of the last span.
func ended(spans []access.Span) time.Time {
	if len(spans) == 0 {
		return time.Time{}
	}
	return spans[len(spans)-1].Until
}

// span has the last span reach until a reading, or begins another one. The end alone is
// written when it has fallen behind, and with whatever else is.
func (r *record) span(spans *[]access.Span, at time.Time, continues bool) {
	if continues && len(*spans) > 0 {
		last := &(*spans)[len(*spans)-1]
		r.changed = r.changed || at.Sub(last.Until) >= unclaimed
		if at.After(last.Until) {
			last.Until = at
		}
		return
	}
	r.changed = true
	kept := until(*spans, at)
	if n := len(kept); n > 0 && kept[n-1].From.Equal(kept[n-1].Until) {
		kept = kept[:n-1] // one that never came to anything
	}
	kept = append(kept, access.Span{From: at, Until: at})
	*spans = kept[max(0, len(kept)-mostSpans):]
}

// until cuts off what spans claim of the time after t: a clock that has gone back did.
func until(spans []access.Span, t time.Time) (out []access.Span) {
	for _, s := range spans {
		if s.Until.After(t) {
			s.Until = t
		}
		if !s.From.After(s.Until) {
			out = append(out, s)
		}
	}
	return out
}

// since cuts off what spans claim of the time before t.
func since(spans []access.Span, t time.Time) (out []access.Span) {
	for _, s := range spans {
		if s.From.Before(t) {
			s.From = t
		}
		if !s.From.After(s.Until) {
			out = append(out, s)
		}
	}
	return out
}

// claimNot gives up the claim to be complete until the end of a day of which something
// was left out. All that is left out is in the past.
func (r *record) claimNot(spans *[]access.Span, day time.Time) {
	if day.IsZero() {
		return
	}
	from := day.Add(aDay)
	if from.After(r.now) {
		from = r.now
	}
	cut := since(*spans, from)
	r.changed = r.changed || !slices.Equal(cut, *spans)
	*spans = cut
}

// duty notes who did what. An agent that acts on somebody's behalf uses that user's roles
// (a guess); Atlas and its employees use none of the org's.
func (r *record) duty(e access.Event, at time.Time) {
	actor, day := dutyOf(e.Actor), byDay(at)
	switch {
	case actor == "" || e.Type == "" || r.tooOld(day):
		return
	case len(actor) > mostName || len(e.Type) > mostName:
		r.lostDuty = later(r.lostDuty, day)
		return
	}
	if r.doc.Duties[actor] == nil {
		r.doc.Duties[actor] = map[string]time.Time{}
	}
	r.note(r.doc.Duties[actor], e.Type, day)
}

// dutyOf is the name under which an actor's duties are kept; of one without a name the id.
func dutyOf(a access.Actor) string {
	name := a.Name
	if name == "" {
		name = a.ID
	}
	switch a.Type {
	case access.ActorHuman:
		return access.FoldName(name)
	case access.ActorAPIKey, access.ActorServiceAccount:
		return name
	case access.ActorDelegated:
		return access.FoldName(a.OnBehalfOf)
	}
	return ""
}

func (r *record) rotation(name string, at time.Time) {
	switch {
	case r.tooOld(at):
	case len(name) > mostName:
		r.lostDuty = later(r.lostDuty, byDay(at))
	default:
		r.note(r.doc.Rotations, name, at)
	}
}

// note moves a date forward.
func (r *record) note(dates map[string]time.Time, key string, at time.Time) {
	if at.After(dates[key]) {
		dates[key], r.changed = at, true
	}
}

// logins takes in a reading of the access histories. Whatever it shows is true; complete it
// is if every cluster's could be read, and it is credible.
func (r *record) logins(reading access.Reading, status access.Status) {
	for _, s := range reading.States {
		if h, ok := s.(access.AccessHistory); ok {
			r.login(h)
		}
	}
	if status != access.StatusComplete || len(reading.Odd) > 0 {
		return
	}
	ahead := reading.Began.Sub(ended(r.doc.Logins))
	r.span(&r.doc.Logins, reading.Began, -mostSpread <= ahead && ahead <= loginsReach)
}

// login merges what one cluster shows of one user. Who only failed did not log in.
func (r *record) login(h access.AccessHistory) {
	if h.LastLogin.IsZero() || len(h.Addresses) == 0 || r.tooOld(h.LastLogin) {
		return
	}
	name := h.Database + "/" + h.Username
	if len(name) > mostName {
		r.lostLogin = later(r.lostLogin, byDay(h.LastLogin))
		return
	}
	u := r.doc.Users[name]
	if u.Addresses == nil {
		u.Addresses = map[string]time.Time{}
	}
	if first := byDay(h.FirstLogin); !h.FirstLogin.IsZero() && (u.First.IsZero() || first.Before(u.First)) {
		u.First, r.changed = first, true
	}
	if last := byDay(h.LastLogin); last.After(u.Last) {
		u.Last, r.changed = last, true
	}
	for _, address := range h.Addresses {
		day := byDay(h.LastLogin) // it is not later, where the day is not told
		if d, told := h.LastFrom[address]; told {
			day = byDay(d)
		}
		_, known := u.Addresses[address]
		switch {
		case len(address) > mostName:
			r.changed = r.changed || day.After(u.Cut)
			u.Cut = later(u.Cut, day)
		case known || day.After(u.Cut):
			r.note(u.Addresses, address, day)
		}
	}
	r.doc.Users[name] = u
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// oldest orders the keys of dates, the one to give up first in front.
func oldest(dates map[string]time.Time) []string {
	return slices.SortedFunc(maps.Keys(dates), func(a, b string) int { return order(dates[a], a, dates[b], b) })
}
