package scan

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// together is how long changes of one scope wait for others of the same poll: kinds are
// read side by side, and what was seen of one before the other was read is no state that
// Atlas was in. Rules look at what lies between all the same.
const together = 5 * time.Second

// walk goes through a history in order of time.
type walk struct {
	history History
	past    *past
	o       ReplayOptions
	judges  []*judge // new, and old where it is compared
	pending []*step  // in order of their first
	marks   []mark   // that are still to come
	applied map[access.Scope]map[access.Kind][2]uint64
	changes int
	asked   time.Time // since when it was to be
}

// step is what happened to one scope at about one time.
type step struct {
	scope       access.Scope
	first, last time.Time
	marks       []mark
	changes     []access.Change
}

func newWalk(h History, p *past, o ReplayOptions) *walk {
	w := &walk{history: h, past: p, o: o, marks: p.marks, applied: map[access.Scope]map[access.Kind][2]uint64{}}
	w.judges = append(w.judges, newJudge(w, o.New, o.Respond))
	if o.Old != nil {
		w.judges = append(w.judges, newJudge(w, *o.Old, nil))
	}
	return w
}

func (w *walk) run(r *historyReader) error {
	for _, j := range w.judges {
		j.begin()
	}
	for {
		l, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := w.stopped(); err != nil {
			return err
		}
		if l.Change == nil || l.Stored.Before(w.o.Since) || !w.past.knows(*l.Change) {
			continue
		}
		w.changes++
		w.happen(l.Stored)
		s := w.step(l.Change.Ref.Scope, l.Stored)
		s.changes = append(s.changes, *l.Change)
	}
	w.happen(w.history.At)
	w.flush(w.history.At.Add(2 * together))
	for _, j := range w.judges {
		j.end()
	}
	return nil
}

func (w *walk) stopped() error {
	if w.o.Stop == nil {
		return nil
	}
	return w.o.Stop()
}

// happen takes in the marks until a time.
func (w *walk) happen(until time.Time) {
	for len(w.marks) > 0 && !w.marks[0].at.After(until) {
		m := w.marks[0]
		w.marks = w.marks[1:]
		s := w.step(m.scope, m.at)
		s.marks = append(s.marks, m)
	}
}

// step is the one that something of the scope at this time belongs to.
func (w *walk) step(scope access.Scope, at time.Time) *step {
	w.flush(at)
	for _, s := range w.pending {
		if s.scope == scope {
			if at.After(s.last) {
				s.last = at
			}
			return s
		}
	}
	s := &step{scope: scope, first: at, last: at}
	w.pending = append(w.pending, s)
	return s
}

// flush takes the steps that nothing can be added to any more.
func (w *walk) flush(now time.Time) {
	for len(w.pending) > 0 && now.Sub(w.pending[0].first) > together {
		s := w.pending[0]
		w.pending = w.pending[1:]
		w.take(s)
	}
}

func (w *walk) take(s *step) {
	for _, j := range w.judges {
		j.pass(s.scope, s.last)
	}
	w.apply(s)
	for _, j := range w.judges {
		j.step(s.scope, s.last, s.changes)
	}
}

// apply makes the inventory what it was after the step.
func (w *walk) apply(s *step) {
	kinds := w.past.scopes[s.scope]
	if kinds == nil {
		kinds = map[access.Kind]access.Collection{}
		w.past.scopes[s.scope] = kinds
	}
	for _, m := range s.marks {
		kinds[m.kind] = m.do(kinds[m.kind])
	}
	cloned := map[access.Kind]bool{}
	for _, c := range s.changes {
		col, ok := kinds[c.Ref.Kind]
		if !ok || stateChange(c) && !w.fresh(c) {
			continue
		}
		if !cloned[c.Ref.Kind] {
			col.Resources, cloned[c.Ref.Kind] = slices.Clone(col.Resources), true
		}
		kinds[c.Ref.Kind] = absorb(col, c)
	}
}

// fresh reports whether the change of a state comes for the first time.
func (w *walk) fresh(c access.Change) bool {
	rev, n, ok := rules.Revision(c.ID)
	if w.applied[c.Ref.Scope] == nil {
		w.applied[c.Ref.Scope] = map[access.Kind][2]uint64{}
	}
	last, any := w.applied[c.Ref.Scope][c.Ref.Kind]
	if !ok || any && (rev < last[0] || rev == last[0] && n <= last[1]) {
		return false
	}
	w.applied[c.Ref.Scope][c.Ref.Kind] = [2]uint64{rev, n}
	return true
}

// absorb makes a change to a collection, with the records that the watcher keeps.
func absorb(col access.Collection, c access.Change) access.Collection {
	i, there := slices.BinarySearchFunc(col.Resources, c.Ref.Name, func(r access.Resource, name string) int { return strings.Compare(r.Name(), name) })
	switch c.Op {
	case access.OpDeleted:
		if there {
			col.Resources = slices.Delete(col.Resources, i, i+1)
		}
	case access.OpCreated, access.OpUpdated:
		r := access.Resource{FirstSeen: c.Observed}
		if there {
			r = col.Resources[i]
		}
		r.Box, r.ChangedAt, r.Cause, r.Gap, r.Actor = c.After, c.Occurred, c.ID, c.Gap, c.Actor
		r.CameInGap = r.CameInGap || c.Op == access.OpCreated && c.Gap
		if there {
			col.Resources[i] = r
		} else {
			col.Resources = slices.Insert(col.Resources, i, r)
		}
	case access.OpAttributed:
		if there && col.Resources[i].Cause == c.ID {
			r := &col.Resources[i]
			r.ChangedAt, r.Gap, r.Actor = c.Occurred, c.Gap, c.Actor
		}
		return col
	default:
		return col
	}
	col.ChangedRead = c.Observed
	if c.Gap {
		col.Watched = c.Observed
	}
	return col
}
