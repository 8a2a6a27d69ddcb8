package watcher

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// An event has whole seconds, and Atlas's clock is known to a second or so: an event
// this far outside of a change's window may still explain it, if nothing else does.
const (
	slackBefore = 10 * time.Second
	slackAfter  = 2 * time.Second
)

// Attribute gives the events of one kind to the changes that they explain: by name,
// operation and time. It returns the changes that learned something, by index, with
// actor, events, type and time filled in, and the events that explain none. recent
// may hold changes published before and new ones alike. It is pure.
//
// Of several events that fit a change the last one of its own operation names the
// actor: who added the entry, who last updated the user. An entry added, removed and
// added again between two reads is one creation, explained by the second addition;
// the first pair of events explains nothing and is returned. A change of state may
// also be a removal followed by an addition.
//
// What no event explains by itself may be the side effect of others: with a team go its
// members. One such event may explain many changes.
func Attribute(recent []access.RecentChange, events []Pending) (learned map[int]access.RecentChange, rest []Pending) {
	a := attribution{recent: recent, byName: map[string][]int{}, picks: map[int][]Pending{}, vague: map[string]bool{}}
	for i, r := range recent {
		a.byName[r.Change.Ref.Name] = append(a.byName[r.Change.Ref.Name], i)
	}
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(x, y Pending) int { return x.At.Compare(y.At) })
	a.findVague(events)
	var sides []Pending
	for _, e := range events {
		if e.Side {
			sides = append(sides, e)
		} else if i, ok := a.pick(e); ok {
			a.picks[i] = append(a.picks[i], e)
		} else {
			rest = append(rest, e)
		}
	}
	learned = map[int]access.RecentChange{}
	for i, picks := range a.picks {
		kept, left := keep(recent[i], picks)
		rest = append(rest, left...)
		if len(kept) > 0 {
			learned[i] = a.credit(recent[i], kept)
		}
	}
	rest = append(rest, a.creditSides(learned, sides)...)
	slices.SortStableFunc(rest, func(x, y Pending) int { return x.At.Compare(y.At) })
	return learned, rest
}

type attribution struct {
	recent []access.RecentChange
	byName map[string][]int
	picks  map[int][]Pending
	vague  map[string]bool // what events say that name no resource and disagree about the actor
}

// findVague: two people who each created a role, by events that name none, cannot be
// told apart. The events are kept, and no actor is named.
func (a attribution) findVague(events []Pending) {
	actors := map[string]access.Actor{}
	for _, e := range events {
		if e.Side || e.about().named() {
			continue
		}
		said := e.said()
		if first, ok := actors[said]; ok && !sameActor(first, e.Event.Actor) && len(a.candidates(e)) > 1 {
			a.vague[said] = true
		}
		actors[said] = e.Event.Actor
	}
}

// said is the operation, with the part of the name that the event has.
func (p Pending) said() string {
	a := p.about()
	return string(p.Op) + " " + a.prefix + "*" + a.suffix
}

func sameActor(a, b access.Actor) bool { return a.Type == b.Type && a.Name == b.Name && a.ID == b.ID }

// pick finds the change that the event fits best.
func (a attribution) pick(e Pending) (best int, ok bool) {
	top := 0
	for _, i := range a.candidates(e) {
		if s := a.score(i, e); s > top {
			best, top = i, s
		}
	}
	return best, top > 0
}

func (a attribution) candidates(e Pending) (out []int) {
	said := e.about()
	for _, n := range said.names {
		out = append(out, a.byName[n]...)
	}
	if said.named() {
		return out
	}
	for i, r := range a.recent {
		if said.fits(r.Change.Ref.Name) {
			out = append(out, i)
		}
	}
	return out
}

// score is 0 for no fit. A change that has events already must have the new one
// within its window.
func (a attribution) score(i int, e Pending) int {
	r := a.recent[i]
	taken := len(r.Change.Events) > 0
	within := !e.At.Before(r.From.Truncate(time.Second)) && !e.At.After(r.Until)
	near := !e.At.Before(r.From.Add(-slackBefore)) && !e.At.After(r.Until.Add(slackAfter))
	score := 1
	switch {
	case e.Op == access.OpObserved:
		return 0
	case e.Op == r.Change.Op:
		score += 2
	case r.Change.Op == access.OpUpdated, r.Change.Op == access.OpCreated && e.Op == access.OpUpdated:
	default:
		return 0
	}
	switch {
	case within:
		score += 8
	case taken || !near:
		return 0
	}
	if !taken && len(a.picks[i]) == 0 {
		score += 4
	}
	return score
}

// keep separates the events that explain the change from those that were undone
// before its read. picks are in order of time.
func keep(r access.RecentChange, picks []Pending) (kept, rest []Pending) {
	lastOf := func(op access.Op, until int) int {
		for i := until - 1; i >= 0; i-- {
			if picks[i].Op == op {
				return i
			}
		}
		return -1
	}
	wanted := map[int]bool{}
	var from time.Time
	switch op := r.Change.Op; op {
	case access.OpCreated, access.OpDeleted:
		from = r.Cause
		if i := lastOf(op, len(picks)); i >= 0 && !picks[i].At.Before(r.Cause) {
			wanted[i], from = true, picks[i].At
		}
	case access.OpUpdated:
		if i := lastOf(access.OpCreated, len(picks)); i >= 0 {
			wanted[i] = true
			wanted[lastOf(access.OpDeleted, i)] = true
		}
	}
	for i, p := range picks {
		if wanted[i] || (p.Op == access.OpUpdated && !p.At.Before(from)) {
			kept = append(kept, p)
		} else {
			rest = append(rest, p)
		}
	}
	return kept, rest
}

// credit writes the events into the change.
func (a attribution) credit(r access.RecentChange, kept []Pending) access.RecentChange {
	r.Change.Events = slices.Clone(r.Change.Events)
	cause := -1
	for i, p := range kept {
		r.Change.Events = append(r.Change.Events, p.Event.ID)
		if cause < 0 || p.Op == r.Change.Op || kept[cause].Op != r.Change.Op {
			cause = i
		}
	}
	p := kept[cause]
	if r.Cause.After(p.At) || (!r.Cause.IsZero() && p.Op != r.Change.Op) {
		return r
	}
	r.Change.Actor, r.Change.Type, r.Change.Occurred = p.Event.Actor, p.Event.Type, p.At
	if !p.about().named() && a.vague[p.said()] {
		r.Change.Actor = access.Actor{}
	}
	if p.Op == r.Change.Op {
		r.Cause = p.At
	}
	return r
}

// creditSides gives the changes that no event explains to the events whose side effect
// they may be, and returns the events that had none. Several actors make none. The cause
// stays open: an event about the change itself, come late, knows better.
func (a attribution) creditSides(learned map[int]access.RecentChange, sides []Pending) (rest []Pending) {
	picks := map[int][]Pending{}
	for _, e := range sides {
		used := false
		for _, i := range a.candidates(e) {
			if _, explained := learned[i]; explained || len(a.recent[i].Change.Events) > 0 || a.score(i, e) == 0 {
				continue
			}
			picks[i], used = append(picks[i], e), true
		}
		if !used {
			rest = append(rest, e)
		}
	}
	for i, events := range picks {
		r := a.recent[i]
		r.Change.Events = nil
		for _, p := range events {
			r.Change.Events = append(r.Change.Events, p.Event.ID)
		}
		last := events[len(events)-1]
		if !slices.ContainsFunc(events, func(p Pending) bool { return !sameActor(p.Event.Actor, last.Event.Actor) }) {
			r.Change.Actor, r.Change.Type, r.Change.Occurred = last.Event.Actor, last.Event.Type, last.At
		}
		learned[i] = r
	}
	return rest
}
