package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// cause is what a violation came about by: a change of the resource, of one that it
// comes through, or the passing of a date. The zero cause was there at first sight, or
// is not known: the finding is inherited.
type cause struct {
	at      time.Time
	change  string // id; empty: a date, or nothing that we saw
	gap     bool
	actor   access.Actor
	through []access.Ref
}

// explain fills in what the violation came about by.
func (s *subject) explain(c *check, v *access.Verdict, past history) error {
	since, err := c.since.time(s)
	if err != nil {
		return err
	}
	names, err := c.causes.texts(s)
	if err != nil {
		return err
	}
	if f, ok := s.episode(v.Key, past); ok {
		s.keep(v, f)
	} else {
		found, err := s.causeNow(c, since, past)
		if err != nil {
			return err
		}
		s.came = len(found.through) > 0
		v.CauseAt, v.Gap, v.Actor, v.Evidence.Change, v.Evidence.Causes = found.at, found.gap, found.actor, found.change, found.through
	}
	s.w.evidence(v)
	for _, name := range names {
		v.Evidence.Causes = append(v.Evidence.Causes, access.Ref{Scope: s.ref.Scope, Kind: s.ref.Kind, Name: name})
	}
	return nil
}

// keep takes over what the open episode rests on.
func (s *subject) keep(v *access.Verdict, f access.Finding) {
	v.CauseAt, v.Actor = f.CauseAt, f.Actor
	v.Evidence = access.Evidence{
		Change: f.Evidence.Change, Events: f.Evidence.Events, Source: f.Evidence.Source, Before: f.Evidence.Before, After: f.Evidence.After,
		DeclaredRoles: v.Evidence.DeclaredRoles, DeclaredScopes: v.Evidence.DeclaredScopes,
	}
	for _, c := range f.Evidence.Causes {
		if s.rule.through != nil && c.Kind == s.rule.through.kind {
			v.Evidence.Causes, s.came = append(v.Evidence.Causes, c), true
		}
	}
	if s.res.Cause == f.Evidence.Change && s.res.Actor.Type != access.ActorUnknown {
		v.Actor = s.res.Actor
	}
}

// evidence adds what the causing change shows, where it is among those at hand.
func (w *world) evidence(v *access.Verdict) {
	c, ok := w.change(v.Evidence.Change)
	if !ok {
		return
	}
	if c.Source != "" {
		v.Evidence.Source = c.Source
	}
	if !c.Before.IsZero() || !c.After.IsZero() {
		v.Evidence.Before, v.Evidence.After = c.Before, c.After
	}
	if len(c.Events) > 0 {
		v.Evidence.Events = c.Events
	}
	if c.Actor.Type != access.ActorUnknown {
		v.Actor = c.Actor
	}
}

// change is the change of this id, with what a later word told of its actor.
func (w *world) change(id string) (access.Change, bool) {
	var out access.Change
	found := false
	if id == "" {
		return out, false
	}
	for _, c := range w.in.Changes {
		if c.ID != id {
			continue
		}
		if c.Op == access.OpAttributed {
			out.Actor, out.Events = c.Actor, c.Events
		} else if out.ID == "" {
			late := out
			out = c
			if late.Actor.Type != access.ActorUnknown {
				out.Actor, out.Events = late.Actor, late.Events
			}
		}
		found = true
	}
	return out, found
}

// causeNow is the cause of a violation without an open finding: as the replay found it
// where it began with a replayed change.
func (s *subject) causeNow(c *check, since time.Time, past history) (cause, error) {
	o, ok := past.opened[s.ref.Name]
	if !ok {
		return s.findCause(c, since, past)
	}
	found := cause{at: o.CauseAt, change: o.Evidence.Change, gap: o.Gap, actor: o.Actor}
	for _, r := range o.Evidence.Causes {
		if s.rule.through != nil && r.Kind == s.rule.through.kind {
			found.through = append(found.through, r)
		}
	}
	return found, nil
}

// findCause is the cause of a violation that opens a finding.
func (s *subject) findCause(c *check, since time.Time, past history) (cause, error) {
	if s.ref.Name == s.w.in.Scope.ID() && c == s.rule.whole {
		if c.since != nil && s.uni != nil && s.uni.exposure.World() {
			return s.causeOfUnion(since), nil
		}
		return s.causeOfAll(since, past)
	}
	found, err := s.causeOfResource(past)
	if err != nil || c.since == nil || since.IsZero() {
		return found, err
	}
	began := found.at
	if _, replayed := past.began[s.ref.Name]; !replayed {
		began = added(*s.res)
	}
	switch {
	case began.After(since): // the date had passed when it was written
		return found, nil
	case since.After(s.watchedSince()):
		return cause{at: since}, nil
	}
	return cause{}, nil // it passed before we watched, or in a gap
}

// watchedSince is since when the rule's kind has been watched without a gap.
func (s *subject) watchedSince() time.Time {
	c := s.w.in.Collections[s.rule.Kind]
	if c.Watched.After(c.FirstRead) {
		return c.Watched
	}
	return c.FirstRead
}

func (s *subject) causeOfUnion(since time.Time) cause {
	if since.IsZero() {
		return cause{}
	}
	last := s.uni.last
	return cause{at: since, change: last.Cause, actor: last.Actor, gap: last.Gap && added(*last).IsZero()}
}

// causeOfAll is the replayed change that began what all resources of a kind are together;
// else the newest change of one of them, after which it was seen.
func (s *subject) causeOfAll(since time.Time, past history) (cause, error) {
	if t, ok := past.began[s.ref.Name]; ok {
		return s.causeOfTurn(t)
	}
	if !since.IsZero() && since.After(s.watchedSince()) {
		return cause{at: since}, nil
	}
	var out cause
	for _, r := range s.w.in.Collections[s.rule.Kind].Resources {
		if r.ChangedAt.After(out.at) {
			out = cause{at: r.ChangedAt, change: r.Cause, gap: r.Gap, actor: r.Actor}
		}
	}
	return out, nil
}

func (s *subject) causeOfResource(past history) (cause, error) {
	if t, ok := past.began[s.ref.Name]; ok {
		return s.causeOfTurn(t)
	}
	own := cause{at: s.res.ChangedAt, change: s.res.Cause, gap: s.res.Gap, actor: s.res.Actor}
	if s.rule.Kind == access.KindIPAccessEntry { // what it lets in never changes: what counts is that it was added
		own.at = unionEntry{res: s.res, added: added(*s.res), gap: s.res.Gap}.began()
	}
	if own.at.IsZero() {
		own = cause{}
	}
	if s.rule.through == nil {
		return own, nil
	}
	return s.causeThrough(own)
}

// causeThrough is the newest change of what the violation comes through, if that is
// newer than the resource's own.
func (s *subject) causeThrough(own cause) (cause, error) {
	names, err := s.rule.through.names.texts(s)
	if err != nil {
		return own, err
	}
	newest, out := own, own
	for _, name := range names {
		r, ok := s.w.in.Collections[s.rule.through.kind].Find(name)
		if !ok || !r.ChangedAt.After(own.at) {
			continue
		}
		out.through = append(out.through, access.Ref{Scope: s.ref.Scope, Kind: s.rule.through.kind, Name: name})
		if r.ChangedAt.After(newest.at) {
			newest = cause{at: r.ChangedAt, change: r.Cause, gap: r.Gap, actor: r.Actor}
		}
	}
	newest.through = out.through
	return newest, nil
}

// causeOfTurn is the replayed change that began a violation; nil: it began before. Of
// several changes of what it comes through, those on the way count.
func (s *subject) causeOfTurn(t *turn) (cause, error) {
	if t == nil {
		return cause{}, nil
	}
	c := t.of(s.ref.Name)
	out := cause{at: c.Occurred, change: c.ID, gap: c.Gap, actor: c.Actor}
	if t.kind == s.rule.Kind {
		return out, nil
	}
	names, err := s.rule.through.names.texts(s)
	for _, c := range t.changes {
		if slices.Contains(names, c.Ref.Name) {
			out.at, out.change, out.gap, out.actor = c.Occurred, c.ID, c.Gap, c.Actor
			out.through = append(out.through, c.Ref)
		}
	}
	if len(out.through) == 0 {
		out.through = []access.Ref{c.Ref}
	}
	return out, err
}

// follows reports whether a change is newer than what the finding's last episode rests
// on. Changes of one kind are ordered by their ids: several may bear the same second.
func follows(id string, at time.Time, f access.Finding) bool {
	kind, rev, n, ok := splitID(id)
	kind2, rev2, n2, ok2 := splitID(f.Evidence.Change)
	if ok && ok2 && kind == kind2 {
		return rev > rev2 || rev == rev2 && n > n2
	}
	return at.After(f.CauseAt)
}

// splitID takes the id of a change apart: <scope>.<kind>.<revision>.<n>.
func splitID(id string) (kind string, rev, n uint64, ok bool) {
	parts := strings.Split(id, ".")
	if len(parts) != 5 {
		return "", 0, 0, false
	}
	rev, err := strconv.ParseUint(parts[3], 10, 64)
	n, err2 := strconv.ParseUint(parts[4], 10, 64)
	return parts[2], rev, n, err == nil && err2 == nil
}
