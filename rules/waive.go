package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Waivers are looked at in one place only, [Engine.Waiver], by whoever judges: the daemon,
// scan and replay fold verdicts by [Engine.Advance], and the union of an access list asks
// here which entries may stay.

// Waiver is the waiver under which a violation may stand now: of several, the one that
// holds longest. Its Until is what holds here: no longer than the severity allows. Without
// one, why says what became of the one named, if it is still there.
func (e *Engine) Waiver(in Input, v access.Verdict, named string) (best access.Waiver, ok bool, why string) {
	return e.waiver(&in, sync.OnceValue(func() *aliases { return namesOf(&in) }), v, named)
}

func (e *Engine) waiver(in *Input, names func() *aliases, v access.Verdict, named string) (best access.Waiver, ok bool, why string) {
	fitting, why := e.fitting(in, v, named)
	if w, refused := dateAhead(fitting, in.Now); refused {
		return best, false, fmt.Sprintf("waiver %s was dated ahead, to %s: until its end none beside it holds", w.ID, stamp(w.Granted))
	}
	for _, w := range fitting {
		until := holdsUntil(w, v.Severity)
		lapse := over(w, v, until, in.Now)
		if lapse == "" && w.Digest != "" && w.Digest != e.digest(in, names, v) {
			lapse = "what it was waived for changed"
		}
		switch {
		case lapse == "" && (!ok || until.After(best.Until)):
			best, ok = w, true
			best.Until = until
		case lapse != "" && w.ID == named:
			why = lapse
		}
	}
	if ok {
		best.Renewals = renewals(best, fitting, v.Severity)
	}
	return best, ok, why
}

// fitting are the waivers that are for the violation, whenever; and what became of the one
// named, if it is none of them.
func (e *Engine) fitting(in *Input, v access.Verdict, named string) (out []access.Waiver, why string) {
	why = "its waiver is not there any more"
	for _, list := range [][]access.Waiver{e.policy.Waivers, in.Waivers} {
		for _, w := range list {
			switch {
			case waives(w, v, in.Scope, in.Environment, e.calledAt(in, w.Granted)):
				out = append(out, w)
			case w.ID == named:
				why = "its waiver does not name it any more"
			}
		}
	}
	return out, why
}

// waives reports whether the waiver is for such a violation, whenever. One that names nothing
// in particular is for none: the configuration refuses it, and the store may hold it.
func waives(w access.Waiver, v access.Verdict, scope access.Scope, env, title string) bool {
	if access.MostlyAll(w.Rule) || w.Environment == "" && access.AnyName(w.Name) && access.MostlyAll(w.Project) {
		return false
	}
	return access.Match(w.Rule, v.Rule) &&
		(w.Kind == "" || w.Kind == v.Ref.Kind) &&
		(w.Name == "" || access.Match(w.Name, v.Ref.Name)) &&
		(w.Key == "" || access.Match(w.Key, v.Key)) &&
		(w.Environment == "" || w.Environment == env) &&
		(w.Project == "" || access.Match(w.Project, title) || access.Match(w.Project, scope.ID()))
}

// holdsUntil is when the waiver of a violation of this severity ends at the latest.
func holdsUntil(w access.Waiver, s access.Severity) time.Time {
	if limit := w.Granted.Add(access.WaiverCap(s)); limit.Before(w.Until) {
		return limit
	}
	return w.Until
}

// Outlived reports whether the waiver would hold now for the finding, in the project (or org)
// of this name, had it not been given for other values.
func Outlived(w access.Waiver, f access.Finding, title string, now time.Time) bool {
	v := access.Verdict{Rule: f.Rule, Ref: f.Ref, Key: f.Key, Severity: f.Severity}
	return w.Digest != "" && w.Digest != f.Digest && waives(w, v, f.Ref.Scope, f.Environment, title) && over(w, v, holdsUntil(w, f.Severity), now) == ""
}

// over is why the waiver does not hold at this time.
func over(w access.Waiver, v access.Verdict, until, now time.Time) string {
	switch {
	case w.Ahead:
		return "its waiver was dated ahead, to " + stamp(w.Granted)
	case w.Granted.IsZero() || w.Until.IsZero():
		return "its waiver names no time: give granted and until"
	case now.Before(w.Granted):
		return "its waiver begins at " + stamp(w.Granted)
	case !now.Before(until) && until.Before(w.Until):
		return fmt.Sprintf("its waiver ended at %s, which is as long as severity %s allows", stamp(until), v.Severity)
	case !now.Before(until):
		return "its waiver ended at " + stamp(until)
	}
	return ""
}

// digest names the values that violate: of a resource what counts as a change of it and what
// violates beside it, of all together what violates of all, of a change itself. Findings that
// a key tells apart have digests of their own. What projects and orgs are called is no part
// of it, and nothing that changes by the passing of time.
func (e *Engine) digest(in *Input, names func() *aliases, v access.Verdict) string {
	d := e.valuesDigest(in, names, v)
	if v.Key == "" {
		return d
	}
	return access.Hash(d, "key", v.Key)
}

func (e *Engine) valuesDigest(in *Input, names func() *aliases, v access.Verdict) string {
	if r := e.find(v.Rule); r != nil && r.asks(v.Key).On == OnChange {
		return access.Hash(v.Rule, "change", v.Evidence.Change)
	}
	parts := []string{v.Rule, "whole"}
	if !v.Whole {
		res, _ := in.Collections[v.Ref.Kind].Find(v.Ref.Name)
		parts = []string{v.Rule, "state", access.Values(untitled(res.Box)), strings.Join(v.Evidence.Path, "\x00")}
	}
	for _, text := range v.Values {
		parts = append(parts, names().plain(text))
	}
	return access.Hash(parts...)
}

// excused reports whether an entry may stay by a waiver of the world or of what it would be
// part of: such an entry is not deleted for it.
func (w *world) excused(r access.Resource) bool {
	v := access.Verdict{Rule: ruleOpenToWorld, Severity: access.Critical, Ref: access.Ref{Scope: w.in.Scope, Kind: access.KindIPAccessEntry, Name: r.Name()}}
	if rule := w.engine.find(v.Rule); rule != nil {
		v.Severity = rule.Severity
	}
	if !w.production { // for as long as its own finding is waived
		v.Severity = lower(v.Severity)
	}
	_, ok, _ := w.engine.Waiver(*w.in, v, "")
	return ok
}

const ruleOpenToWorld = "network/open-to-world"

// reminder is how long before its end a waiver is told of again.
func reminder(w access.Waiver, until time.Time) time.Duration {
	return min(24*time.Hour, until.Sub(w.Granted)/6)
}

// waive gives each open finding the state that the waivers say, and tells of those that
// end soon. Findings that cannot be judged now stay as they are.
func (f *fold) waive() {
	for _, id := range slices.Sorted(maps.Keys(f.verdicts)) {
		v, n := f.verdicts[id], f.next.Findings[id]
		if !n.Open() {
			continue
		}
		w, ok, why := f.e.waiver(f.in, f.names, v, n.Waiver.ID)
		switch {
		case ok && n.State == access.FindingOpen:
			f.waived(id, n, w)
		case ok && n.State == access.FindingWaived:
			f.still(id, n, w)
		case !ok && n.State == access.FindingWaived:
			f.lapsed(id, n, why)
		case !ok:
			f.outlived(id, n)
		}
	}
}

func noted(w access.Waiver) access.WaiverNote {
	return access.WaiverNote{ID: w.ID, Owner: w.Owner, Reason: w.Reason, Ticket: w.Ticket, Granted: w.Granted, Until: w.Until, Renewals: w.Renewals, Source: w.Source}
}

func (f *fold) waived(id string, n access.Finding, w access.Waiver) {
	n.State, n.Waiver = access.FindingWaived, noted(w)
	why := fmt.Sprintf("waived by %s until %s: %s", w.Owner, stamp(w.Until), w.Reason)
	for i := range f.events { // it opened in this judgement: then it opened waived
		if ev := &f.events[i]; ev.Finding.ID == id && ev.To == access.FindingOpen {
			ev.To, ev.Why, ev.Finding = access.FindingWaived, ev.Why+"; "+why, n
			f.next.Findings[id] = n
			return
		}
	}
	f.put(id, access.FindingOpen, n, why)
}

// outlived says of a finding that opened in this judgement that it was waived for other
// values: who gave the waiver would wonder.
func (f *fold) outlived(id string, n access.Finding) {
	i := slices.IndexFunc(f.events, func(ev access.FindingEvent) bool { return ev.Finding.ID == id && ev.To == access.FindingOpen })
	if i < 0 {
		return
	}
	title := f.e.called(f.in)
	for _, w := range slices.Concat(f.e.policy.Waivers, f.in.Waivers) {
		if Outlived(w, n, title, f.in.Now) {
			why := "; waived before, by " + w.ID + ", for other values"
			n.OriginWhy += why
			f.events[i].Why, f.events[i].Finding, f.next.Findings[id] = f.events[i].Why+why, n, n
			return
		}
	}
}

// still keeps a waived finding, by another waiver perhaps, and reminds once of its end.
func (f *fold) still(id string, n access.Finding, w access.Waiver) {
	note := noted(w)
	note.Reminded = n.Waiver.Reminded
	note.Renewals = max(note.Renewals, n.Waiver.Renewals)
	if former := n.Waiver.Granted; !former.IsZero() && w.Granted.After(former) { // granted anew, in its place or beside it
		note.Renewals = max(note.Renewals, n.Waiver.Renewals+1)
	}
	if soon := w.Until.Add(-reminder(w, w.Until)); !f.in.Now.Before(soon) && !note.Reminded.Equal(w.Until) {
		note.Reminded = w.Until
		n.Waiver = note
		f.put(id, access.FindingWaived, n, "its waiver ends at "+stamp(w.Until))
		return
	}
	n.Waiver = note
	f.next.Findings[id] = n
}

// lapsed opens a finding again. That is a new episode, and an inherited one: what was let
// stand is not reverted without being asked.
func (f *fold) lapsed(id string, n access.Finding, why string) {
	n.State, n.Waiver, n.Episode, n.OpenedAt = access.FindingOpen, access.WaiverNote{}, n.Episode+1, f.in.Now
	n.Origin, n.OriginWhy = access.OriginInherited, "it was waived before: "+why
	f.put(id, access.FindingWaived, n, "opened: "+why)
}
