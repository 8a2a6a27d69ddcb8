package rules

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// history is what replayed changes show of a rule: the violations that opened or ended
// on the way, in order, and what began those that still hold.
type history struct {
	verdicts []access.Verdict
	began    map[string]*turn          // by name of what is violated at the end of the replay; nil: before the first change
	opened   map[string]access.Verdict // by name of what began to be violated and still is: as it was then
}

// turn is the changes of one read, which were seen at once: what order they were made
// in, and whether two of their values ever stood together otherwise, nobody knows.
type turn struct {
	kind    access.Kind
	changes []access.Change
}

func (t *turn) last() access.Change { return t.changes[len(t.changes)-1] }

// of is the change of this resource or, if the turn has none, its last one.
func (t *turn) of(name string) access.Change {
	if i := slices.IndexFunc(t.changes, func(c access.Change) bool { return c.Ref.Name == name }); i >= 0 {
		return t.changes[i]
	}
	return t.last()
}

// turns groups changes by the reads that showed them.
func turns(changes []access.Change) (out []*turn) {
	for _, c := range changes {
		if n := len(out) - 1; n >= 0 && sameRead(out[n].last(), c) {
			out[n].changes = append(out[n].changes, c)
		} else {
			out = append(out, &turn{c.Ref.Kind, []access.Change{c}})
		}
	}
	return out
}

func sameRead(a, b access.Change) bool {
	kind, rev, _, ok := splitID(a.ID)
	kind2, rev2, _, ok2 := splitID(b.ID)
	return ok && ok2 && kind == kind2 && rev == rev2
}

// replayer walks through the values that resources had.
type replayer struct {
	*world // of the walk
	today  *world
	rule   *Rule
	values map[string]access.Resource // of the rule's kind, as of now in the walk
	beside map[access.Kind]*beside    // the other kinds that the rule reads and that changed
	turns  []*turn
	held   map[string]access.Answer // the last answer by name
	out    history
}

// replay walks through the changes that bear on the rule. The values of a resource are
// those that its changes show; what did not change is as it is now. A change of what the
// rule reads beside its own kind is followed, and asks nothing by itself: kinds are read
// side by side, and what lay between two of them nobody saw.
func (w *world) replay(r *Rule) history {
	steps := w.relevant(r)
	if len(steps) == 0 {
		return history{}
	}
	steps = interleaved(w.besides(r), steps)
	in, then := *w.in, *w // the walk has its own roles and entries, and no finding is open in it
	in.Open, in.Collections = nil, maps.Clone(in.Collections)
	then.in, then.memo = &in, &memo{}
	p := &replayer{world: &then, today: w, rule: r, turns: steps, values: map[string]access.Resource{}, beside: map[access.Kind]*beside{}, held: map[string]access.Answer{}, out: history{began: map[string]*turn{}, opened: map[string]access.Verdict{}}}
	p.rewind()
	for i, t := range steps {
		if r.replays(t.kind) {
			p.step(t, p.until(i))
		} else {
			p.follow(t)
		}
	}
	p.finish()
	return p.out
}

// until is when the values that a turn leaves are asked about: just before the next that asks.
func (p *replayer) until(i int) time.Time {
	for _, t := range p.turns[i+1:] {
		if p.rule.replays(t.kind) {
			return t.changes[0].Occurred
		}
	}
	return p.in.Now
}

// relevant are the changes of states that the rule's answers may follow, once each:
// those of one kind in the order in which they were made, both kinds in order of time.
func (w *world) relevant(r *Rule) []*turn {
	var changes [2][]access.Change
	seen := map[string]bool{}
	for _, c := range w.in.Changes {
		if !r.replays(c.Ref.Kind) || c.Ref.Scope != w.in.Scope || !isStateChange(c) || seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		if c.Ref.Kind == r.Kind {
			changes[0] = append(changes[0], c)
		} else {
			changes[1] = append(changes[1], c)
		}
	}
	slices.SortStableFunc(changes[0], inOrder)
	slices.SortStableFunc(changes[1], inOrder)
	return interleaved(turns(changes[1]), turns(changes[0])) // a role is there before it is granted
}

// interleaved puts turns in order of time, each list in its own. Of two at one time that of the
// first list comes first.
func interleaved(first, second []*turn) []*turn {
	out := make([]*turn, 0, len(first)+len(second))
	for len(first) > 0 && len(second) > 0 {
		if !first[0].changes[0].Occurred.After(second[0].changes[0].Occurred) {
			out, first = append(out, first[0]), first[1:]
		} else {
			out, second = append(out, second[0]), second[1:]
		}
	}
	return slices.Concat(out, first, second)
}

// inOrder is the order in which changes of one kind were made, whatever the order in
// which they came.
func inOrder(a, b access.Change) int {
	_, rev, n, ok := splitID(a.ID)
	_, rev2, n2, ok2 := splitID(b.ID)
	if !ok || !ok2 {
		return 0
	}
	return cmp.Or(cmp.Compare(rev, rev2), cmp.Compare(n, n2))
}

func isStateChange(c access.Change) bool {
	return c.Op == access.OpCreated || c.Op == access.OpUpdated || c.Op == access.OpDeleted
}

// rewind puts everything back to before the first change, and asks for the answers then.
func (p *replayer) rewind() {
	roles := maps.Clone(p.roles)
	for _, t := range slices.Backward(p.turns) {
		for _, c := range slices.Backward(t.changes) {
			switch {
			case t.kind == p.rule.Kind:
				p.values[c.Ref.Name] = former(c)
			case p.rule.replays(t.kind):
				put(roles, c.Ref.Name, former(c))
			default:
				p.unfollow(c)
			}
		}
	}
	p.setRoles(roles)
	for kind, b := range p.beside {
		p.replace(kind, b.values)
	}
	if p.touchesAll() {
		for _, r := range p.today.in.Collections[p.rule.Kind].Resources {
			if _, changed := p.values[r.Name()]; !changed {
				p.values[r.Name()] = r
			}
		}
	}
	p.rebuildList()
	now := p.turns[0].changes[0].Occurred
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		p.held[name] = p.before(p.ask(name, now, nil), now)
	}
	if p.rule.whole != nil {
		p.held[p.wholeName()] = p.before(p.askWhole(now, nil), now)
	}
	for name, answer := range p.held {
		if answer == access.AnswerViolation {
			p.out.began[name] = nil
		}
	}
}

// before is the answer before the first change. What is open and unknown is held to be
// violated still; and so is what was open then, and resolved since: where the change comes
// again, a role that the answer rested on may have gone meanwhile, and the violation was told.
func (p *replayer) before(v access.Verdict, first time.Time) access.Answer {
	if v.Answer == access.AnswerUnknown && len(p.today.in.Open) > 0 {
		if f, ok := p.today.in.Open[access.FindingID(v.Rule, v.Ref, v.Key)]; ok && (f.Open() || stoodAt(f, first)) {
			return access.AnswerViolation
		}
	}
	return v.Answer
}

// stoodAt reports whether the last episode of a resolved finding lasted at that time.
func stoodAt(f access.Finding, at time.Time) bool {
	end := f.ResolvedAt
	if !f.Evidence.Ended.IsZero() {
		end = f.Evidence.Ended
	}
	return f.CauseAt.Before(at) && !end.Before(at)
}

// touchesAll reports whether a change may bear on resources that did not change.
func (p *replayer) touchesAll() bool {
	return slices.ContainsFunc(p.turns, func(t *turn) bool { return t.kind != p.rule.Kind && p.rule.replays(t.kind) })
}

func former(c access.Change) access.Resource { return access.Resource{Box: c.Before, Baseline: true} }

// changed is the resource that a change leaves.
func changed(c access.Change) access.Resource {
	return access.Resource{
		Box: c.After, FirstSeen: c.Observed, ChangedAt: c.Occurred, Cause: c.ID, Gap: c.Gap, Actor: c.Actor, Baseline: c.Op != access.OpCreated,
	}
}

func put(m map[string]access.Resource, name string, r access.Resource) {
	if r.Box.IsZero() {
		delete(m, name)
	} else {
		m[name] = r
	}
}

// step makes the changes of one read; the values that they leave stand until the next.
func (p *replayer) step(t *turn, until time.Time) {
	roles, names := maps.Clone(p.roles), make([]string, 0, len(t.changes))
	for _, c := range t.changes {
		value := changed(c)
		if t.kind == p.rule.Kind {
			p.values[c.Ref.Name] = value
			names = append(names, c.Ref.Name)
		} else {
			put(roles, c.Ref.Name, value)
		}
	}
	if t.kind != p.rule.Kind {
		p.setRoles(roles)
		names = slices.Sorted(maps.Keys(p.values))
	} else if t.kind == access.KindCustomRole {
		p.rebuildList() // a role is judged among the others
	}
	for _, name := range names {
		p.note(name, p.ask(name, until, t), t)
	}
	if p.rule.whole != nil && t.kind == p.rule.Kind {
		p.rebuildList()
		p.note(p.wholeName(), p.askWhole(until, t), t)
	}
}

// note takes down where an answer goes over into another one. Unknown is none.
func (p *replayer) note(name string, v access.Verdict, t *turn) {
	before := p.held[name]
	if v.Answer == access.AnswerUnknown || v.Answer == before {
		return
	}
	p.held[name] = v.Answer
	switch {
	case v.Answer == access.AnswerViolation:
		v.Evidence.Ended = p.in.Now // until it turns out when
		p.out.began[name] = t
		p.out.verdicts = append(p.out.verdicts, v)
	case before == access.AnswerViolation:
		p.end(name, v, t)
	}
}

// end notes that the violation of this reference ended.
func (p *replayer) end(name string, v access.Verdict, t *turn) {
	c := t.of(name)
	delete(p.out.began, v.Ref.Name)
	for i := len(p.out.verdicts) - 1; i >= 0; i-- {
		if o := &p.out.verdicts[i]; o.Ref == v.Ref && o.Answer == access.AnswerViolation {
			o.Evidence.Ended = c.Occurred
			break
		}
	}
	v.Evidence.Ended, v.Evidence.Change, v.CauseAt = c.Occurred, c.ID, c.Occurred
	p.out.verdicts = append(p.out.verdicts, v)
}

// finish drops the last violation of each reference where it still holds now: the
// verdict of now tells it. Where now is unknown, the finding opens and is marked.
func (p *replayer) finish() {
	seen := map[string]bool{}
	for i := len(p.out.verdicts) - 1; i >= 0; i-- {
		v := p.out.verdicts[i]
		if !seen[v.Ref.Name] && v.Answer == access.AnswerViolation && p.holds(v.Ref) {
			p.out.opened[v.Ref.Name] = v
			p.out.verdicts = slices.Delete(p.out.verdicts, i, i+1)
		}
		seen[v.Ref.Name] = true
	}
}

func (p *replayer) holds(ref access.Ref) bool {
	// A project and its settings are called like the whole of it.
	if p.rule.whole != nil && ref.Name == p.wholeName() && p.today.judgeWhole(p.rule, "", history{}).Answer == access.AnswerViolation {
		return true
	}
	r, there := p.today.in.Collections[p.rule.Kind].Find(ref.Name)
	return there && p.rule.each != nil && p.today.judgeResource(p.rule, r, "", history{}).Answer == access.AnswerViolation
}

func (p *replayer) wholeName() string { return p.in.Scope.ID() }

// ask judges the value that the resource has in the walk, as t (nil: nothing yet) left it.
func (p *replayer) ask(name string, now time.Time, t *turn) access.Verdict {
	r := p.values[name]
	if r.Box.IsZero() || p.rule.each == nil {
		ref := access.Ref{Scope: p.in.Scope, Kind: p.rule.Kind, Name: name}
		return access.Verdict{Rule: p.rule.ID, Ref: ref, Answer: access.AnswerPass, Why: "it is gone"}
	}
	s := p.subject(p.rule, &r)
	s.now = now
	var v access.Verdict
	s.verdict(&v, p.rule.each, "", history{began: map[string]*turn{name: t}})
	return v
}

func (p *replayer) askWhole(now time.Time, t *turn) access.Verdict {
	s := p.wholeSubject(p.rule)
	s.now = now
	var v access.Verdict
	s.verdict(&v, p.rule.whole, "", history{began: map[string]*turn{p.wholeName(): t}})
	return v
}

// rebuildList makes the resources that are judged together, or each among the others,
// those of the walk.
func (p *replayer) rebuildList() {
	if p.rule.whole == nil && p.rule.Kind != access.KindCustomRole {
		return
	}
	all := map[string]access.Resource{}
	for _, r := range p.today.in.Collections[p.rule.Kind].Resources {
		all[r.Name()] = r
	}
	for name, r := range p.values {
		put(all, name, r)
	}
	p.replace(p.rule.Kind, all)
}
