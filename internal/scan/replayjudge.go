package scan

import (
	"maps"
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// lookAfter is how long a scope in which nothing happens is left unjudged. Whatever date
// passes in between is found at its tick by halving: a rule that goes on and off again by
// the passing of time alone within this span is not seen.
const lookAfter = 7 * 24 * time.Hour

// judge judges the walk by one rule book. It does what the stage of the daemon does, with
// its state in memory.
type judge struct {
	w        *walk
	engine   *rules.Engine
	respond  Responder
	instants []time.Time   // at which waivers begin and end
	kinds    []access.Kind // of a project
	orgKinds []access.Kind // of an org
	seats    map[access.Scope]*seat
	rows     []*ReplayFinding
	current  map[string]*ReplayFinding // by finding: its last episode
	unsure   map[string]bool           // rules that could not judge something, since its use then is not kept
}

// seat is what is kept of a scope.
type seat struct {
	scope access.Scope
	doc   access.Findings
	facts access.Facts
	told  access.Contribution
	held  []access.Change // that wait for a kind that cannot be judged on
	at    time.Time       // judged until
	waits []wait
}

// wait is a response that asks again at a time.
type wait struct {
	at  time.Time
	row *ReplayFinding
}

func newJudge(w *walk, b Rulebook, respond Responder) *judge {
	return &judge{
		w: w, engine: b.Engine, respond: respond, instants: instants(slices.Concat(b.Waivers, w.history.Waivers.Waivers)),
		kinds: b.Engine.Kinds(access.ProjectScope("")), orgKinds: b.Engine.Kinds(access.OrgScope("")),
		seats: map[access.Scope]*seat{}, current: map[string]*ReplayFinding{}, unsure: map[string]bool{},
	}
}

// instants are when waivers begin and end, for whatever severity.
func instants(waivers []access.Waiver) (out []time.Time) {
	for _, w := range waivers {
		out = append(out, w.Granted, w.Until)
		for _, s := range access.Severities() {
			out = append(out, w.Granted.Add(access.WaiverCap(s)))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

func (j *judge) seat(scope access.Scope) *seat {
	s, ok := j.seats[scope]
	if !ok {
		s = &seat{scope: scope}
		if j.w.past.start[scope] {
			s.doc.Environment = j.w.history.Held[scope]
		}
		j.seats[scope] = s
	}
	return s
}

// begin judges what stood at the beginning.
func (j *judge) begin() {
	now := j.w.o.Since
	scopes := slices.Sorted(maps.Keys(j.w.past.scopes))
	scopes = slices.DeleteFunc(scopes, func(s access.Scope) bool { return len(j.w.past.scopes[s]) == 0 })
	for _, scope := range scopes {
		s := j.seat(scope)
		if !scope.IsOrg() {
			in := j.input(s, now, nil)
			s.told = j.engine.Contribute(in)
		}
	}
	for _, scope := range scopes {
		if scope.IsOrg() {
			j.gather(j.seat(scope), now, nil, nil, func(s *seat, f access.Facts) { s.facts = f })
		}
	}
	for _, scope := range scopes {
		s := j.seats[scope]
		in := j.input(s, now, nil)
		doc, events := j.advance(s, in)
		for id, f := range doc.Findings {
			f.Origin, f.OriginWhy = access.OriginInherited, whyStanding
			doc.Findings[id] = f
		}
		for i := range events {
			events[i].Finding.Origin, events[i].Finding.OriginWhy = access.OriginInherited, whyStanding
		}
		j.adopt(s, in, doc, events, true)
	}
}

const whyStanding = "it stood when the replay began"

// input is what a judgement takes.
func (j *judge) input(s *seat, now time.Time, changes []access.Change) rules.Input {
	in := rules.Input{
		Scope: s.scope, Collections: map[access.Kind]access.Collection{}, Now: now, Changes: slices.Concat(s.held, changes), Standing: s.doc.Standing, Open: s.doc.Findings, Called: s.doc.Called,
		Facts: s.facts, Waivers: j.w.history.Waivers.Waivers, Expected: j.w.history.Waivers.Expectations, Acknowledged: j.w.history.Waivers.Acknowledgements, Environment: s.doc.Environment,
	}
	kinds := j.kinds
	if s.scope.IsOrg() {
		kinds = j.orgKinds
	}
	for _, k := range kinds {
		in.Collections[k] = j.w.past.scopes[s.scope][k]
	}
	if p := access.States[access.Project](in.Collections[access.KindProject]); len(p) == 1 {
		matches, _ := j.engine.Environment(p[0])
		in.Environment = j.engine.Holds(s.doc.Environment, matches)
	}
	return in
}

// advance is what comes of an input. It changes nothing.
func (j *judge) advance(s *seat, in rules.Input) (access.Findings, []access.FindingEvent) {
	if !j.asked(s) {
		doc := s.doc
		doc.Environment, doc.Judged.At = in.Environment, in.Now
		return doc, nil
	}
	return j.engine.Advance(s.doc, in, j.verdicts(in))
}

// asked reports whether the scope's findings are wanted. The others are looked at only for
// what they tell.
func (j *judge) asked(s *seat) bool {
	if len(j.w.o.Projects) == 0 {
		return true
	}
	title := ""
	for _, p := range access.States[access.Project](j.w.past.scopes[s.scope][access.KindProject]) {
		title = p.Title
	}
	return !s.scope.IsOrg() && slices.ContainsFunc(j.w.o.Projects, func(p string) bool { return access.Match(p, title) || access.Match(p, s.scope.ID()) })
}

func (j *judge) adopt(s *seat, in rules.Input, doc access.Findings, events []access.FindingEvent, standing bool) {
	s.doc, s.at, s.held = doc, in.Now, nil
	if j.engine.Waits(in) {
		s.held = in.Changes
	}
	j.record(s, in, events, standing)
	j.awake(s)
}

// evaluate judges a scope at a time.
func (j *judge) evaluate(s *seat, now time.Time, changes []access.Change) {
	if now.Before(s.at) {
		now = s.at
	}
	in := j.input(s, now, changes)
	doc, events := j.advance(s, in)
	j.adopt(s, in, doc, events, false)
}

// step judges a scope after something happened to it, and those that hear of it.
func (j *judge) step(scope access.Scope, now time.Time, changes []access.Change) {
	s := j.seat(scope)
	if scope.IsOrg() {
		j.org(s, now, changes, nil)
		return
	}
	j.evaluate(s, now, changes)
	told := j.engine.Contribute(j.input(s, now, nil))
	if reflect.DeepEqual(told, s.told) {
		return
	}
	orgs, former := access.SortNames([]string{s.told.Org, told.Org}), s.told
	s.told = told
	for _, id := range orgs {
		if org := access.OrgScope(id); id != "" && len(j.w.past.scopes[org]) > 0 {
			o := j.seat(org)
			j.pass(org, now)
			j.org(o, now, nil, rules.Affected(former, told, j.contributions(id)))
		}
	}
}

// org judges an org, and those of its projects (nil: all) for which what it tells them is
// new.
func (j *judge) org(s *seat, now time.Time, changes []access.Change, affected func(access.Scope) bool) {
	var later []*seat
	j.gather(s, now, changes, affected, func(p *seat, f access.Facts) {
		if p != s && !reflect.DeepEqual(p.facts, f) {
			j.pass(p.scope, now)
			p.facts = f
			later = append(later, p)
		}
	})
	j.evaluate(s, now, changes)
	for _, p := range later {
		j.evaluate(p, now, nil)
	}
}

// gather puts together what the scopes of an org take of one another. The org has it at
// once.
func (j *judge) gather(s *seat, now time.Time, changes []access.Change, affected func(access.Scope) bool, give func(*seat, access.Facts)) {
	facts := j.engine.GatherFor(j.input(s, now, changes), j.contributions(s.scope.ID()), affected)
	s.facts = facts[s.scope]
	for _, scope := range slices.Sorted(maps.Keys(facts)) {
		give(j.seat(scope), facts[scope])
	}
}

func (j *judge) contributions(org string) (out []access.Contribution) {
	for _, p := range j.seats {
		if p.told.Org == org || p.told.Stray() {
			out = append(out, p.told)
		}
	}
	return out
}

// pass lets time pass in a scope until something happens to it, as the
// daemon's clock does: at each tick what a date changes is seen. Ticks at which nothing
// changes are found without being judged.
func (j *judge) pass(scope access.Scope, to time.Time) {
	s, ok := j.seats[scope]
	if !ok || s.at.IsZero() || !j.asked(s) {
		return
	}
	for {
		at, ok := j.next(s, to)
		if !ok {
			return
		}
		j.until(s, at)
	}
}

// next is the next time until to at which the scope must be judged.
func (j *judge) next(s *seat, to time.Time) (at time.Time, ok bool) {
	sooner := func(t time.Time) {
		if t.After(s.at) && !t.After(to) && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	sooner(s.at.Add(lookAfter))
	sooner(j.tick(j.ticks(to)))
	for _, w := range s.waits {
		sooner(w.at)
	}
	i, _ := slices.BinarySearchFunc(j.instants, s.at, time.Time.Compare)
	for _, t := range j.instants[i:] {
		sooner(t)
		if t.After(s.at) {
			break
		}
	}
	return at, ok
}

// ticks is the number of the last tick until a time.
func (j *judge) ticks(to time.Time) int { return int(to.Sub(j.w.o.Since) / j.w.o.Tick) }

func (j *judge) tick(n int) time.Time { return j.w.o.Since.Add(time.Duration(n) * j.w.o.Tick) }

// until judges the scope at a time, and before that at the first tick at which its findings
// change, and so on.
func (j *judge) until(s *seat, at time.Time) {
	for s.at.Before(at) {
		in := j.input(s, at, nil)
		doc, events := j.advance(s, in)
		if moves(events) {
			first, last := j.ticks(s.at)+1, j.ticks(at) // the ticks after s.at and until at
			n := first + sort.Search(max(0, last-first+1), func(i int) bool {
				_, events := j.advance(s, j.input(s, j.tick(first+i), nil))
				return moves(events)
			})
			if n <= last {
				in = j.input(s, j.tick(n), nil)
				doc, events = j.advance(s, in)
			}
		}
		j.adopt(s, in, doc, events, false)
	}
}

// moves reports whether a finding opened or closed.
func moves(events []access.FindingEvent) bool {
	return slices.ContainsFunc(events, func(e access.FindingEvent) bool { return e.From != e.To })
}

// end lets time pass until the end of the history.
func (j *judge) end() {
	for _, scope := range slices.Sorted(maps.Keys(j.seats)) {
		s := j.seats[scope]
		if len(j.w.past.scopes[scope]) == 0 || s.at.IsZero() {
			continue
		}
		j.pass(scope, j.w.history.At)
		if s.at.Before(j.w.history.At) {
			j.evaluate(s, j.w.history.At, nil)
		}
	}
}
