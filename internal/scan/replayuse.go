package scan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// knownUse is what was known of use at a time, as far as what is known now tells it. Of a
// date that is later only the last is kept: whether the same was used before nobody can
// tell. So there are two: least holds that it was not, most that it was until then. Where
// they are the same, late is false.
type knownUse struct {
	least, most access.History
	late        bool
}

// useAt cuts the history of use to a time. Dates are held by the day.
func useAt(h access.History, now time.Time) knownUse {
	k := knownUse{least: h, most: h}
	k.least.Feed, k.least.Logins = spansAt(h.Feed, now), spansAt(h.Logins, now)
	k.most.Feed, k.most.Logins = k.least.Feed, k.least.Logins
	k.least.Users, k.most.Users = map[string]access.Use{}, map[string]access.Use{}
	for name, u := range h.Users {
		if u.First.After(now) {
			continue // it had never been seen
		}
		least, most := u, u
		if u.Last.After(now) {
			least.Last, most.Last, k.late = u.First, day(now), true
		}
		if u.Cut.After(now) {
			least.Cut, most.Cut = day(now), day(now)
		}
		least.Addresses, most.Addresses = k.dates(u.Addresses, now)
		k.least.Users[name], k.most.Users[name] = least, most
	}
	k.least.Duties, k.most.Duties = map[string]map[string]time.Time{}, map[string]map[string]time.Time{}
	for actor, d := range h.Duties {
		k.least.Duties[actor], k.most.Duties[actor] = k.dates(d, now)
	}
	k.least.Rotations, k.most.Rotations = k.dates(h.Rotations, now)
	return k
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func (k *knownUse) dates(all map[string]time.Time, now time.Time) (least, most map[string]time.Time) {
	if all == nil {
		return nil, nil
	}
	least, most = map[string]time.Time{}, map[string]time.Time{}
	for name, at := range all {
		if at.After(now) {
			most[name], k.late = day(now), true
		} else {
			least[name], most[name] = at, at
		}
	}
	return least, most
}

func spansAt(all []access.Span, now time.Time) (out []access.Span) {
	for _, s := range all {
		if s.From.After(now) {
			break
		}
		if s.Until.After(now) {
			s.Until = now
		}
		out = append(out, s)
	}
	return out
}

const whyLate = "when it was last used before this moment is not kept, since it was used again after it"

// verdicts are those of an input in which the use is what was known at its time.
func (j *judge) verdicts(in rules.Input) []access.Verdict {
	use := j.use(&in)
	out := j.engine.Evaluate(in)
	if !use.late {
		return out
	}
	in.History = use.most
	return j.agreed(out, j.engine.Evaluate(in))
}

// use puts into an input what was certainly known of use.
func (j *judge) use(in *rules.Input) knownUse {
	h, ok := j.w.past.uses[in.Scope]
	if !ok {
		return knownUse{}
	}
	use := useAt(h, in.Now)
	in.History = use.least
	return use
}

// verdict is that of one finding.
func (j *judge) verdict(in rules.Input, f access.Finding) access.Verdict {
	use := j.use(&in)
	out := j.engine.Judge(in, f.Rule, f.Ref, f.Key)
	if use.late {
		in.History = use.most
		if j.engine.Judge(in, f.Rule, f.Ref, f.Key).Answer != out.Answer {
			return access.Verdict{Rule: f.Rule, Ref: f.Ref, Key: f.Key, Answer: access.AnswerUnknown, Why: whyLate}
		}
	}
	return out
}

// judged is what a verdict is about.
type judged struct {
	rule, key string
	ref       access.Ref
}

func aboutOf(v access.Verdict) judged { return judged{v.Rule, v.Key, v.Ref} }

// agreed are the verdicts that are the same either way. The others are unknown.
func (j *judge) agreed(least, most []access.Verdict) []access.Verdict {
	if slices.EqualFunc(least, most, func(a, b access.Verdict) bool { return aboutOf(a) == aboutOf(b) && answered(a) == answered(b) }) {
		return least
	}
	either := [2]map[judged]string{{}, {}}
	for i, list := range [][]access.Verdict{least, most} {
		for _, v := range list {
			either[i][aboutOf(v)] += answered(v)
		}
	}
	unsure := map[judged]bool{}
	for _, about := range slices.Concat(slices.Collect(maps.Keys(either[0])), slices.Collect(maps.Keys(either[1]))) {
		if either[0][about] != either[1][about] {
			unsure[about] = true
		}
	}
	out := slices.DeleteFunc(slices.Clone(least), func(v access.Verdict) bool { return unsure[aboutOf(v)] })
	for _, about := range slices.SortedFunc(maps.Keys(unsure), func(a, b judged) int {
		return strings.Compare(a.rule+" "+a.ref.String()+" "+a.key, b.rule+" "+b.ref.String()+" "+b.key)
	}) {
		j.unsure[about.rule] = true
		out = append(out, access.Verdict{Rule: about.rule, Ref: about.ref, Key: about.key, Answer: access.AnswerUnknown, Why: whyLate})
	}
	return out
}

// answered is a verdict in a word, for lists of them.
func answered(v access.Verdict) string {
	return string(v.Answer) + v.Evidence.Ended.UTC().Format(time.RFC3339) + " "
}
