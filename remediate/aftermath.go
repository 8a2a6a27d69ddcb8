package remediate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	aftermathLasts = 30 * time.Minute
	aftermathSlots = 8 // times aftermathLasts before the change is what logins are compared with
	failedLogins   = 5 // so many in half an hour are nobody's concern
)

// looks are when, after a write was read back, the logins are looked at.
func looks() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, aftermathLasts}
}

// NextLook is when the logins after the action are to be looked at next; zero: not any more,
// or not at all, since no login tells of what it wrote. A look that comes late is made once,
// for all that were missed.
func NextLook(a access.Action, now time.Time) time.Time {
	if a.Outcome.Verified.IsZero() || usedBy(a.Plan).blind != "" {
		return time.Time{}
	}
	for _, l := range looks() {
		if at := a.Outcome.Verified.Add(l); at.After(now) {
			return at
		}
	}
	return time.Time{}
}

// Survey is the logins in one window of those whom an action may have shut out: after the
// deletion of an entry everybody's, for nobody whom it shuts out can even try; after a write
// to a user that user's.
type Survey struct {
	Logins access.Logins
	Span   time.Duration
	Slots  map[string]int // by user who logged in: in how many of the window's half hours

	use   use
	from  time.Time
	slots map[string]map[time.Duration]bool
}

// NewSurvey is of the logins from then on.
func NewSurvey(a access.Action, from time.Time) *Survey {
	return &Survey{use: usedBy(a.Plan), from: from, slots: map[string]map[time.Duration]bool{}}
}

// Match takes a login down, and reports whether it counts.
func (s *Survey) Match(l access.Login) bool {
	if len(s.use.nets) == 0 && !slices.ContainsFunc(s.use.users, func(u string) bool { return isUser(l, u) }) {
		return false
	}
	if l.OK {
		if s.slots[l.Username] == nil {
			s.slots[l.Username] = map[time.Duration]bool{}
		}
		s.slots[l.Username][l.At.Sub(s.from)/aftermathLasts] = true
	}
	return true
}

// Counted completes the survey of the window that ended then.
func (s *Survey) Counted(l access.Logins, until time.Time) Survey {
	out := Survey{Logins: l, Span: until.Sub(s.from), Slots: map[string]int{}}
	for user, in := range s.slots {
		out.Slots[user] = len(in)
	}
	return out
}

// SurveyedBefore is the window before the change that the action answered: nobody who came
// by that change is in it.
func SurveyedBefore(a access.Action) (from, to time.Time) {
	return a.Outcome.ExposedFrom.Add(-aftermathSlots * aftermathLasts), a.Outcome.ExposedFrom
}

// Aftermath says whether the action did harm, by the logins before the change that it
// answered and those since it was read back: more than five failed and more than twice as
// often as before; or, half an hour on, somebody is not seen any more who logged in in every
// half hour before. Then its rule writes nothing by itself until a person has looked.
//
// That somebody is missing is believed only of windows that were read whole. Of failures,
// those that were seen are enough. An application that keeps its connections open logs in
// seldom, and its absence shows nothing: this finds some harm, and clears nobody.
func Aftermath(a access.Action, before, after Survey, now time.Time) (access.Stop, bool) {
	var harm []string
	if n := after.Logins.Failed; n > failedLogins && oftener(before, after) {
		s := fmt.Sprintf("%d logins failed in the %s since", n, access.Lasts(after.Span))
		if before.Logins.Quality == access.QualityUnknown {
			s += " (how many did before is not known: " + orNothing(before.Logins.Why) + ")"
		} else {
			s += fmt.Sprintf(", and %d in the %s before it", before.Logins.Failed, access.Lasts(before.Span))
		}
		harm = append(harm, s)
	}
	if gone := vanished(a, before, after); len(gone) > 0 {
		harm = append(harm, fmt.Sprintf("%s, who logged in every half hour for %s before, did not in the %s since",
			strings.Join(gone, ", "), access.Lasts(before.Span), access.Lasts(after.Span)))
	}
	if len(harm) == 0 {
		return access.Stop{}, false
	}
	why := strings.Join(harm, "; ") + "; " + wayBack(a)
	return access.Stop{Rule: a.Rule, Action: a.ID, Why: why, At: now}, true
}

// oftener reports whether more than twice as many failed in the same time.
func oftener(before, after Survey) bool {
	if before.Logins.Quality == access.QualityUnknown || before.Span <= 0 {
		return true
	}
	return float64(after.Logins.Failed)*before.Span.Seconds() > 2*float64(before.Logins.Failed)*after.Span.Seconds()
}

// vanished are the users who were there all the time, and are not any more. Whose roles were
// all taken is meant to be.
func vanished(a access.Action, before, after Survey) []string {
	if after.Span < aftermathLasts || before.Logins.Quality != access.QualityComplete || after.Logins.Quality != access.QualityComplete ||
		slices.ContainsFunc(a.Plan.Operations, func(o access.Operation) bool {
			return o.Type == access.QuarantineUser || o.Type == access.DeleteDatabaseUser
		}) {
		return nil
	}
	var out []string
	for _, user := range slices.Sorted(maps.Keys(before.Slots)) {
		if before.Slots[user] >= aftermathSlots && after.Slots[user] == 0 {
			out = append(out, user)
		}
	}
	return out
}

func wayBack(a access.Action) string {
	if len(a.Plan.Inverse) == 0 {
		return "it cannot be taken back by us: " + orNothing(a.Plan.Reversible)
	}
	return "to take it back: gatewarden undo " + a.ID
}

// Harm looks at the logins after a write, as far as they can be read.
func (s *Stage) Harm(ctx context.Context, a access.Action) (access.Stop, bool) {
	now := s.now()
	if s.Counter == nil || usedBy(a.Plan).blind != "" || a.Outcome.Verified.IsZero() {
		return access.Stop{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, impactTimeout)
	defer cancel()
	survey := func(from, to time.Time) Survey {
		v := NewSurvey(a, from)
		return v.Counted(s.Counter.LoginsOf(ctx, a.Ref.Scope, from, to, v.Match), to)
	}
	from, to := SurveyedBefore(a)
	return Aftermath(a, survey(from, to), survey(a.Outcome.Verified, now), now)
}
