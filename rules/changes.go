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
	if len(w.in.Standing) == 0 && len(w.in.Changes) == 0 {
		return out
	}
	latest := map[string]access.Standing{}
	for _, id := range slices.Sorted(maps.Keys(w.in.Standing)) {
		st := w.in.Standing[id]
		switch {
		case st.Rule != r.ID || st.Change.Ref.Kind != r.Kind:
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
			v := w.judgeChange(r, c)
			if v.Answer == access.AnswerViolation || v.Answer == access.AnswerUnknown {
				out = append(out, v)
			}
			if why := w.endedBy(r, c); why != "" && v.Answer == access.AnswerViolation {
				out = append(out, ended(v, why))
			}
		}
	}
	return out
}

// ended is the verdict that a match does not stand any more.
func ended(v access.Verdict, why string) access.Verdict {
	return access.Verdict{Rule: v.Rule, Ref: v.Ref, Key: v.Key, Answer: access.AnswerPass, Why: why}
}

// endedBy says which later change of the same resource ends the match of c; empty: none
// that came with this judgement.
func (w *world) endedBy(r *Rule, c access.Change) string {
	if r.ends == nil {
		return ""
	}
	for _, late := range w.in.Changes {
		if late.Ref != c.Ref || late.Op == access.OpAttributed || !late.Occurred.After(c.Occurred) {
			continue
		}
		s := w.changeSubject(r, late)
		s.match = &c
		over, err := r.ends.bool(s)
		if err != nil {
			w.failed(r, err)
		} else if over {
			return "it was over at " + stamp(late.Occurred) + ": " + cmpOr(late.Type, string(late.Op))
		}
	}
	return ""
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
	if r.about {
		ref.Name = w.in.Scope.ID()
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
	if s.announced(v) {
		v.Severity = access.Info
	}
	return v
}

// judgeStanding is the verdict of a match that stands: it does until its until holds or
// its time is over, whatever else has changed since.
func (w *world) judgeStanding(r *Rule, id string, st access.Standing) access.Verdict {
	v := w.judgeChange(r, st.Change)
	if f, ok := w.in.Open[id]; ok && v.Answer != access.AnswerViolation {
		v = verdictOf(f)
	}
	if !w.in.Now.Before(st.Expires) {
		return ended(v, "it was told, and stood for "+access.Lasts(r.StandsFor))
	}
	if why := w.endedBy(r, st.Change); why != "" {
		return ended(v, why)
	}
	if r.until == nil || w.trouble(r.Kind) != "" {
		return v
	}
	over, err := r.until.bool(w.changeSubject(r, st.Change))
	if err != nil {
		w.failed(r, err)
	} else if over {
		return ended(v, "its effect is gone")
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
