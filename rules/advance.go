package rules

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// passingFor is how long a kind may wait to be read again before findings are marked.
const passingFor = time.Minute

// keepResolved is how long resolved findings stay in the document.
const keepResolved = 30 * 24 * time.Hour

// fold turns verdicts into the next findings document.
type fold struct {
	e        *Engine
	in       *Input
	former   access.Findings
	next     access.Findings
	events   []access.FindingEvent
	seen     map[string]bool   // findings that a verdict of now spoke of
	unknown  map[string]string // by rule and ref: why
	told     map[string]bool   // findings with a transition
	changes  map[string]access.Change
	verdicts map[string]access.Verdict // violations of now, by finding
	names    func() *aliases           // what texts may call projects and orgs
	config   bool                      // rules, configuration or environment changed since the last judgement
}

// Advance is what the findings become by the verdicts of in, and the transitions, in
// order. It is pure, and a second time with the same input it changes nothing.
// Judged.Inventory and Judged.ChangeSeq are the caller's to set.
func (e *Engine) Advance(doc access.Findings, in Input, verdicts []access.Verdict) (access.Findings, []access.FindingEvent) {
	f := &fold{e: e, in: &in, former: doc, next: doc, seen: map[string]bool{}, unknown: map[string]string{}, told: map[string]bool{}, verdicts: map[string]access.Verdict{}, changes: map[string]access.Change{}}
	in.Called = doc.Called
	f.next.Called = calledNow(&in)
	f.names = sync.OnceValue(func() *aliases { return namesOf(&in) })
	f.next.V, f.next.Scope, f.next.Environment = access.Version, in.Scope, in.Environment
	f.next.Findings, f.next.Standing = copyOf(doc.Findings), copyOf(doc.Standing)
	f.next.Judged.At, f.next.Judged.Rules = in.Now, e.hash
	f.config = !doc.Judged.At.IsZero() && (doc.Judged.Rules != e.hash || doc.Environment != in.Environment)
	if f.config {
		f.next.Judged.ConfigAt = doc.Judged.At
	}
	for _, st := range doc.Standing {
		f.changes[st.Change.ID] = st.Change
	}
	for _, c := range in.Changes {
		if _, there := f.changes[c.ID]; !there && c.Op != access.OpAttributed {
			f.changes[c.ID] = c
		}
	}
	f.attribute()
	for _, v := range verdicts {
		f.take(v)
	}
	f.sweep()
	f.waive()
	f.acknowledge()
	f.refreshed()
	return f.next, f.events
}

func copyOf[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	maps.Copy(out, m)
	return out
}

// attribute takes in late words on who made a change.
func (f *fold) attribute() {
	for _, c := range f.in.Changes {
		if c.Op != access.OpAttributed {
			continue
		}
		for id, old := range f.next.Findings {
			if old.Evidence.Change == c.ID {
				old.Actor, old.Evidence.Events = c.Actor, c.Events
				old.Expected = f.stillExpected(old, c)
				if old.CauseAt.After(c.Occurred) && !c.Occurred.IsZero() {
					old.CauseAt = c.Occurred // seen by a read; the event says since when
				}
				f.next.Findings[id] = old
			}
		}
		for id, st := range f.next.Standing {
			if st.Change.ID == c.ID {
				st.Change.Actor, st.Change.Events = c.Actor, c.Events
				f.next.Standing[id] = st
			}
		}
		if known, ok := f.changes[c.ID]; ok {
			known.Actor, known.Events = c.Actor, c.Events
			f.changes[c.ID] = known
		}
	}
}

// take takes in one verdict.
func (f *fold) take(v access.Verdict) {
	r := f.e.find(v.Rule)
	id := f.idOf(v)
	old, exists := f.next.Findings[id]
	switch {
	case r == nil:
	case r.asks(v.Key).On == OnChange:
		f.takeMatch(r.asks(v.Key), id, v)
	case !v.Evidence.Ended.IsZero():
		f.takePast(id, v, old, exists)
	default:
		f.seen[id] = true
		f.takeNow(id, v, old, exists)
	}
}

// idOf spares the digest for what is well and has no finding.
func (f *fold) idOf(v access.Verdict) string {
	if v.Answer == access.AnswerPass && len(f.next.Findings) == 0 && len(f.next.Standing) == 0 {
		return ""
	}
	return access.FindingID(v.Rule, v.Ref, v.Key)
}

func (f *fold) takeNow(id string, v access.Verdict, old access.Finding, exists bool) {
	open := exists && old.Open()
	switch v.Answer {
	case access.AnswerViolation:
		f.verdicts[id] = v
		if open && f.unannounced(id, v, old) {
			f.open(id, v, f.next.Findings[id])
		} else if open {
			n := refresh(old, v, f.in)
			n.Digest = f.e.digest(f.in, f.names, v)
			n.Expected = cmpOr(f.expected(v), old.Expected) // who did it may become known later
			f.next.Findings[id] = n
		} else {
			f.open(id, v, old)
		}
	case access.AnswerPass, access.AnswerNotApplicable:
		if open {
			f.resolve(id, cmpOr(v.Why, "it is no longer so"), time.Time{})
		}
	default:
		f.unknown[refKey(v.Rule, v.Ref)] = v.Why
		if r := f.e.find(v.Rule); r.eachOf != nil && v.Ref.Kind == r.Kind {
			f.unknown[r.ID] = v.Why // which names there are is not known
		}
		if open {
			f.mark(id, v.Why)
		}
	}
}

// takePast takes in what was between two judgements, unless the finding has heard of it.
func (f *fold) takePast(id string, v access.Verdict, old access.Finding, exists bool) {
	if exists && !follows(v.Evidence.Change, v.CauseAt, old) {
		return
	}
	open := exists && old.Open()
	switch {
	case v.Answer == access.AnswerViolation && !open:
		f.open(id, v, old)
	case v.Answer != access.AnswerViolation && open:
		f.resolve(id, cmpOr(v.Why, "it was no longer so"), v.Evidence.Ended)
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// open begins an episode.
func (f *fold) open(id string, v access.Verdict, old access.Finding) {
	n := access.Finding{
		V: access.Version, ID: id, Rule: v.Rule, Ref: v.Ref, Key: v.Key, State: access.FindingOpen, Episode: old.Episode + 1,
		Severity: v.Severity, Message: v.Message, Environment: f.in.Environment, Class: v.Class, Owner: v.Owner, Remedy: v.Remedy,
		Ceiling: v.Ceiling, Evidence: v.Evidence, Actor: v.Actor, CauseAt: v.CauseAt, OpenedAt: f.in.Now, Digest: f.e.digest(f.in, f.names, v),
	}
	n.Origin, n.OriginWhy = f.origin(v)
	n.Expected = f.expected(v)
	f.put(id, old.State, n, "opened: "+n.OriginWhy)
}

// unannounced ends the episode of what was announced where the violation rests on another
// change by now, which was not: it begins anew.
func (f *fold) unannounced(id string, v access.Verdict, old access.Finding) bool {
	if old.Expected == "" || v.Evidence.Change == "" || v.Evidence.Change == old.Evidence.Change || f.expected(v) != "" {
		return false
	}
	f.resolve(id, "what was announced was changed again, which was not announced", v.CauseAt)
	return true
}

// expected is the id of the expectation that announced the change that the violation rests
// on; empty: none did.
func (f *fold) expected(v access.Verdict) string {
	c, ok := f.changes[v.Evidence.Change]
	if !ok {
		return ""
	}
	if v.Actor.Type != access.ActorUnknown {
		c.Actor = v.Actor
	}
	x, ok := f.e.policy.Expected(f.in.Expected, c, v.Rule, f.e.called(f.in))
	if !ok {
		return ""
	}
	return x.ID
}

// stillExpected is what announced the change of a finding once it is known who made it: an
// expectation that is still there and does not mean that one announced nothing.
func (f *fold) stillExpected(n access.Finding, c access.Change) string {
	if x, ok := f.e.policy.Expected(f.in.Expected, c, n.Rule, f.e.called(f.in)); ok {
		return x.ID
	}
	named := func(x access.Expectation) bool { return x.ID == n.Expected }
	if c.Actor.Type == access.ActorUnknown || slices.ContainsFunc(f.e.policy.Expectations, named) || slices.ContainsFunc(f.in.Expected, named) {
		return ""
	}
	return n.Expected
}

// origin says whether the violation came about while we watched.
func (f *fold) origin(v access.Verdict) (access.Origin, string) {
	switch {
	case v.CauseAt.IsZero():
		return access.OriginInherited, "it was there before it was watched, or began with no change that was seen"
	case v.Gap:
		return access.OriginInherited, "its change fell into a gap in watching"
	case f.config && v.Evidence.Change == "" || !v.CauseAt.After(f.next.Judged.ConfigAt):
		return access.OriginInherited, "a change of rules, configuration or environment opened it"
	case v.Evidence.Change == "":
		return access.OriginNew, "its date passed at " + stamp(v.CauseAt)
	}
	return access.OriginNew, "it changed at " + stamp(v.CauseAt)
}

func (f *fold) resolve(id, why string, ended time.Time) {
	n := f.next.Findings[id]
	from := n.State
	n.Waiver = access.WaiverNote{}
	n.State, n.ResolvedAt, n.Resolution, n.UnknownSince, n.Unknown = access.FindingResolved, f.in.Now, why, time.Time{}, ""
	if !ended.IsZero() {
		n.Evidence.Ended = ended
	}
	f.put(id, from, n, "resolved: "+why)
}

// passing reports whether the rule cannot be judged only because kinds are just being
// read again: their next judgement follows in a moment, and nobody needs to be told.
func (f *fold) passing(rule, key string, kind access.Kind) bool {
	passing := false
	r := f.e.find(rule)
	if r == nil { // it was refused
		return false
	}
	r = r.asks(key)
	if v := r.viewOf(kind); v != nil {
		r = v
	}
	for _, k := range r.Reads {
		switch {
		case f.in.trouble(k) == "": // then it is the rule itself that cannot tell
		case f.in.Collections[k].Status == access.StatusComplete && f.in.Now.Sub(f.in.Dirty[k]) < passingFor:
			passing = true
		default:
			return false
		}
	}
	return passing
}

// mark says that the finding cannot be judged now; its state stays.
func (f *fold) mark(id, why string) {
	n := f.next.Findings[id]
	if f.passing(n.Rule, n.Key, n.Ref.Kind) {
		return
	}
	if n.UnknownSince.IsZero() {
		n.UnknownSince = f.in.Now
	}
	n.Unknown, n.Evidence.Ended = why, time.Time{}
	f.next.Findings[id] = n
}

func (f *fold) put(id string, from access.FindingState, n access.Finding, why string) {
	f.next.Findings[id] = n
	f.told[id] = true
	f.events = append(f.events, access.FindingEvent{V: access.Version, At: f.in.Now, From: from, To: n.State, Why: why, Finding: n})
}

// refresh is an open finding as it is said now. What its episode rests on stays.
func refresh(old access.Finding, v access.Verdict, in *Input) access.Finding {
	n := old
	n.UnknownSince, n.Unknown = time.Time{}, ""
	n.Severity, n.Message, n.Environment, n.Class, n.Owner = v.Severity, v.Message, in.Environment, v.Class, v.Owner
	n.Remedy, n.Ceiling, n.Evidence = v.Remedy, v.Ceiling, v.Evidence
	same := v.Evidence.Change == old.Evidence.Change
	if !same || v.Evidence.Before.IsZero() && v.Evidence.After.IsZero() {
		n.Evidence.Before, n.Evidence.After = old.Evidence.Before, old.Evidence.After
	}
	if !same || len(v.Evidence.Events) == 0 {
		n.Evidence.Change, n.Evidence.Events, n.Evidence.Source = old.Evidence.Change, old.Evidence.Events, old.Evidence.Source
	}
	if same && v.Actor.Type != access.ActorUnknown {
		n.Actor = v.Actor
	}
	return n
}

// sweep looks at the open findings that no verdict spoke of.
func (f *fold) sweep() {
	for _, id := range slices.Sorted(maps.Keys(f.next.Findings)) {
		n := f.next.Findings[id]
		if n.Open() && !f.seen[id] {
			f.unseen(id, n)
		}
		if !n.Open() && f.in.Now.Sub(n.ResolvedAt) > keepResolved {
			delete(f.next.Findings, id)
		}
	}
}

func (f *fold) unseen(id string, n access.Finding) {
	r := f.e.find(n.Rule)
	if why := f.e.Lost(n.Rule); why != "" {
		f.mark(id, why)
		return
	}
	if r == nil || !r.appliesTo(f.e.policy, f.in.Environment) {
		delete(f.next.Standing, id)
		f.resolve(id, "rule "+n.Rule+" does not apply here (any more)", time.Time{})
		return
	}
	if why := f.e.uncovered(r); why != "" {
		f.mark(id, why)
		return
	}
	if r.asks(n.Key).On == OnChange {
		f.resolve(id, "its change does not stand any more", time.Time{})
		return
	}
	for _, key := range []string{refKey(n.Rule, n.Ref), n.Rule} {
		if why, ok := f.unknown[key]; ok {
			f.mark(id, why)
			return
		}
	}
	answer, why := absent(f.in, n.Ref)
	if answer == access.AnswerUnknown {
		f.mark(id, why)
		return
	}
	f.resolve(id, why, time.Time{})
}

// refreshed publishes findings that changed in what they say, and not in their state.
func (f *fold) refreshed() {
	for _, id := range slices.Sorted(maps.Keys(f.next.Findings)) {
		n, old := f.next.Findings[id], f.former.Findings[id]
		if same(n, old) {
			continue
		}
		n.Said = f.names().said(n)
		f.next.Findings[id] = n
		if f.told[id] || n.Said == old.Said {
			continue
		}
		f.events = append(f.events, access.FindingEvent{V: access.Version, At: f.in.Now, From: old.State, To: n.State, Why: differs(old, n), Finding: n})
	}
}

func differs(old, n access.Finding) string {
	switch {
	case old.UnknownSince.IsZero() != n.UnknownSince.IsZero() && n.UnknownSince.IsZero():
		return "it can be judged again"
	case old.Unknown != n.Unknown:
		return "it cannot be judged now: " + n.Unknown
	case old.Severity != n.Severity:
		return "its severity changed"
	case old.Actor != n.Actor:
		return "it is known who did it"
	}
	return "what is known of it changed"
}

// same compares as stored: an empty list and none are one there, and so are two
// spellings of a time.
func same(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		panic("rules: a document does not encode: " + err.Error())
	}
	y, err := json.Marshal(b)
	if err != nil {
		panic("rules: a document does not encode: " + err.Error())
	}
	return bytes.Equal(x, y)
}

func refKey(rule string, ref access.Ref) string { return strings.Join([]string{rule, ref.Hash()}, " ") }
