package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// judgeChanges judges by a change rule: the matches that stand, those that could not be
// judged so far, and the changes that came since.
func (w *world) judgeChanges(r *Rule, out []access.Verdict) []access.Verdict {
	latest := map[string]access.Standing{}
	for _, id := range slices.Sorted(maps.Keys(w.in.Standing)) {
		st := w.in.Standing[id]
		switch {
		case st.Rule != r.ID:
		case st.Expires.IsZero():
			out = append(out, w.judgeChange(r, st.Change))
		default:
			latest[id] = st
		}
	}
	for _, id := range slices.Sorted(maps.Keys(latest)) {
		out = append(out, w.judgeStanding(r, id, latest[id]))
	}
	changes := slices.Clone(w.in.Changes)
	slices.SortStableFunc(changes, func(a, b access.Change) int {
		return cmp.Or(a.Occurred.Compare(b.Occurred), strings.Compare(a.ID, b.ID))
	})
	for _, c := range changes {
		if c.Ref.Kind == r.Kind && c.Op != access.OpAttributed && c.Own == "" {
			if v := w.judgeChange(r, c); v.Answer == access.AnswerViolation || v.Answer == access.AnswerUnknown {
				out = append(out, v)
			}
		}
	}
	return out
}

func (w *world) changeSubject(r *Rule, c access.Change) *subject {
	ref := c.Ref
	if ref.Kind == access.KindIPAccessEntry {
		ref.Name = canonical(ref.Name)
	}
	res := &access.Resource{Box: c.After}
	if res.Box.IsZero() {
		res.Box = c.Before
	}
	return &subject{w: w, rule: r, ref: ref, res: res, change: &c, now: w.in.Now}
}

// judgeChange is the verdict of one change.
func (w *world) judgeChange(r *Rule, c access.Change) access.Verdict {
	s := w.changeSubject(r, c)
	var v access.Verdict
	s.verdict(&v, r.each, w.troubleOf(r.Reads), history{})
	v.Evidence.Change = c.ID
	if v.Answer != access.AnswerViolation {
		return v
	}
	v.CauseAt, v.Gap, v.Actor = c.Occurred, c.Gap, c.Actor
	if late, ok := w.change(c.ID); ok {
		v.Actor = late.Actor
	}
	v.Evidence.Events, v.Evidence.Source, v.Evidence.Before, v.Evidence.After = c.Events, c.Source, c.Before, c.After
	v.Evidence.Ended = c.Ended
	return v
}

// judgeStanding is the verdict of a match that stands: it does until its until holds or
// its time is over, whatever else has changed since.
func (w *world) judgeStanding(r *Rule, id string, st access.Standing) access.Verdict {
	v := w.judgeChange(r, st.Change)
	if f, ok := w.in.Open[id]; ok && v.Answer != access.AnswerViolation {
		v = verdictOf(f)
	}
	ends := func(why string) access.Verdict {
		return access.Verdict{Rule: r.ID, Ref: v.Ref, Key: v.Key, Answer: access.AnswerPass, Why: why}
	}
	if !w.in.Now.Before(st.Expires) {
		return ends("it was told, and stood for " + r.StandsFor.String())
	}
	if r.until == nil || w.trouble(r.Kind) != "" {
		return v
	}
	over, err := r.until.bool(w.changeSubject(r, st.Change))
	if err != nil {
		w.failed(r, err)
	} else if over {
		return ends("its effect is gone")
	}
	return v
}

// verdictOf is the verdict that leaves a finding as it is.
func verdictOf(f access.Finding) access.Verdict {
	return access.Verdict{
		Rule: f.Rule, Ref: f.Ref, Key: f.Key, Answer: access.AnswerViolation, Severity: f.Severity, Message: f.Message, Class: f.Class,
		Owner: f.Owner, Remedy: f.Remedy, Ceiling: f.Ceiling, Evidence: f.Evidence, Actor: f.Actor, CauseAt: f.CauseAt,
	}
}

// expires is when a match of the change stops standing by itself.
func (r *Rule) expires(c access.Change) time.Time {
	at := c.Occurred
	for _, t := range []time.Time{c.Ended, c.Observed} {
		if t.After(at) {
			at = t
		}
	}
	return at.Add(r.StandsFor)
}
