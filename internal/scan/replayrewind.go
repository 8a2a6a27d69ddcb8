package scan

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// past is the inventory at a point of the walk, with what is still to come of it beside
// the changes: collections that were first read, gaps that ended, reads that went wrong.
type past struct {
	scopes map[access.Scope]map[access.Kind]access.Collection
	marks  []mark // in order of time
	revs   map[access.Scope]map[access.Kind]uint64
	start  map[access.Scope]bool // scopes whose project was not changed meanwhile
	uses   map[access.Scope]access.History
	begin  time.Time       // of the history: when something was first read
	names  map[string]bool // that projects have and had; their ids are false
}

// mark is something that happened to a collection at a time, and is no change.
type mark struct {
	at    time.Time
	scope access.Scope
	kind  access.Kind
	do    func(access.Collection) access.Collection
}

// before is what the first change of a resource since a time says it was.
type before struct {
	box   access.Box
	first time.Time // Observed of that change
}

// rewind undoes the changes since a time. It reads the history once and keeps of the
// changes only what each resource was before its first one.
func rewind(r *historyReader, since time.Time) (*past, error) {
	p := &past{
		scopes: map[access.Scope]map[access.Kind]access.Collection{}, revs: map[access.Scope]map[access.Kind]uint64{}, start: map[access.Scope]bool{}, uses: map[access.Scope]access.History{}, names: map[string]bool{},
	}
	undo := map[access.Scope]map[access.Kind]*undoing{}
	for {
		l, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if l.Collection != nil {
			p.take(*l.Collection, l.Rev)
			p.heard(l.Collection.FirstRead)
			p.called(l.Collection.Scope, l.Collection.Resources...)
			continue
		}
		if l.Use != nil {
			p.uses[l.Use.Scope] = *l.Use
			continue
		}
		if l.Findings != nil || l.Action != nil {
			continue // what is judged and answered anew needs no former judgement
		}
		p.heard(l.Change.Observed)
		p.called(l.Change.Ref.Scope, access.Resource{Box: l.Change.Before}, access.Resource{Box: l.Change.After})
		if c := *l.Change; !l.Stored.Before(since) && p.knows(c) {
			undoingOf(undo, c.Ref.Scope, c.Ref.Kind).take(c, p.scopes[c.Ref.Scope][c.Ref.Kind].FirstRead)
		}
	}
	for scope, kinds := range p.scopes {
		_, changed := undo[scope][access.KindProject]
		p.start[scope] = !changed
		for kind, c := range maps.Clone(kinds) {
			p.undo(c, undoingOf(undo, scope, kind), since)
		}
	}
	slices.SortStableFunc(p.marks, func(a, b mark) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.scope, b.scope), cmp.Compare(a.kind, b.kind))
	})
	return p, nil
}

func undoingOf(m map[access.Scope]map[access.Kind]*undoing, scope access.Scope, kind access.Kind) *undoing {
	if m[scope] == nil {
		m[scope] = map[access.Kind]*undoing{}
	}
	if m[scope][kind] == nil {
		m[scope][kind] = &undoing{former: map[string]before{}, now: map[string]before{}}
	}
	return m[scope][kind]
}

func (p *past) take(c access.Collection, rev uint64) {
	if p.scopes[c.Scope] == nil {
		p.scopes[c.Scope], p.revs[c.Scope] = map[access.Kind]access.Collection{}, map[access.Kind]uint64{}
	}
	p.scopes[c.Scope][c.Kind], p.revs[c.Scope][c.Kind] = c, rev
}

// knows reports whether the stored collection shows the change: what was stored while the
// history was written is left out.
func (p *past) knows(c access.Change) bool {
	if !stateChange(c) {
		return true
	}
	rev, _, ok := rules.Revision(c.ID)
	return ok && rev < p.revs[c.Ref.Scope][c.Ref.Kind]
}

func stateChange(c access.Change) bool {
	return c.Op == access.OpCreated || c.Op == access.OpUpdated || c.Op == access.OpDeleted
}

// undoing is what must be put back to undo the changes of a collection. A scope that went
// and came back is seen for the first time again: what changed before that is of a former
// life.
type undoing struct{ former, now map[string]before }

func (u *undoing) take(c access.Change, firstRead time.Time) {
	if !stateChange(c) {
		return
	}
	life := u.now
	if !firstRead.IsZero() && !c.Observed.After(firstRead) {
		life = u.former
	}
	if _, known := life[c.Ref.Name]; !known {
		life[c.Ref.Name] = before{c.Before, c.Observed}
	}
}

// undo puts a collection back to how it was then, and marks what came of it since.
func (p *past) undo(whole access.Collection, u *undoing, since time.Time) {
	then := whole
	then.Resources, then.ChangedRead = u.records(whole, u.now, whole.FirstRead), whole.FirstRead
	if whole.Watched.After(since) {
		then.Watched = time.Time{}
		p.mark(whole.Watched, whole, func(c access.Collection) access.Collection {
			c.Watched = whole.Watched
			return c
		})
	}
	gone := whole.Status == access.StatusComplete && whole.FirstRead.IsZero() // the scope went
	if whole.StatusSince.After(since) && (gone || !whole.FirstRead.IsZero() && whole.Status != access.StatusComplete) {
		then.Status, then.Reason, then.StatusSince = access.StatusComplete, "", whole.FirstRead
		p.mark(whole.StatusSince, whole, func(c access.Collection) access.Collection {
			c.Status, c.Reason, c.StatusSince, c.FirstRead = whole.Status, whole.Reason, whole.StatusSince, whole.FirstRead
			return c
		})
	}
	begin := whole.FirstRead
	if begin.IsZero() && whole.Status != access.StatusComplete {
		begin = whole.StatusSince // it was never read
	}
	if !begin.After(since) {
		if gone && whole.StatusSince.After(since) {
			then.FirstRead = since // since when it was watched is not kept
		}
		p.scopes[whole.Scope][whole.Kind] = then
		return
	}
	p.mark(begin, whole, func(access.Collection) access.Collection { return then })
	delete(p.scopes[whole.Scope], whole.Kind)
	if len(u.former) > 0 {
		former := access.NewCollection(whole.Scope, whole.Kind, nil)
		former.FirstRead, former.ChangedRead = since, since
		former.Resources = u.records(former, u.former, since)
		p.scopes[whole.Scope][whole.Kind] = former
	}
}

func (p *past) mark(at time.Time, c access.Collection, do func(access.Collection) access.Collection) {
	p.marks = append(p.marks, mark{at, c.Scope, c.Kind, do})
}

// records are the resources before their first changes. Of one that changed, what its
// record said before is not kept: where it is known to have been there when it was first
// seen it keeps that; else it was there before anybody looked.
func (*undoing) records(now access.Collection, firsts map[string]before, firstRead time.Time) []access.Resource {
	out := make([]access.Resource, 0, len(now.Resources)+len(firsts))
	for _, r := range now.Resources {
		if _, changed := firsts[r.Name()]; !changed {
			out = append(out, r)
		}
	}
	for name, b := range firsts {
		if b.box.IsZero() {
			continue // it was created
		}
		then := access.Resource{Box: b.box, FirstSeen: firstRead, Baseline: true}
		if r, there := now.Find(name); there && r.FirstSeen.Before(b.first) {
			then.FirstSeen, then.Baseline, then.CameInGap = r.FirstSeen, r.Baseline, r.CameInGap
			if !r.Baseline {
				then.ChangedAt, then.Gap = r.FirstSeen, r.CameInGap // its creation, at the least
			}
		}
		out = append(out, then)
	}
	slices.SortFunc(out, func(a, b access.Resource) int { return cmp.Compare(a.Name(), b.Name()) })
	return out
}
