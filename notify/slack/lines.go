package slack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Lines is what the thread of a card says of a story, in order: each once, by its key. How it
// stands says the card; what happened in between, and by whom, says the thread.
func Lines(s notify.Story) []notify.Line {
	var out []notify.Line
	add := func(at time.Time, loud bool, text string, key ...string) {
		what := kindWords(s.Finding.Ref.Kind) + " " + s.Finding.Ref.Name
		out = append(out, notify.Line{Key: access.Hash(key...), At: at, Loud: loud, Text: what + ": " + text})
	}
	for _, a := range append([]access.Action{s.Action}, s.After...) {
		steps(s, a, add)
		for _, b := range a.Votes {
			add(b.At, false, voted(a, b), "vote", a.ID, b.Command)
		}
	}
	judged(s, add)
	slices.SortStableFunc(out, func(a, b notify.Line) int { return a.At.Compare(b.At) })
	return out
}

type adder func(at time.Time, loud bool, text string, key ...string)

// steps says what an action came to; what the card shows at once, and what lasts a moment, it
// leaves out.
func steps(s notify.Story, a access.Action, add adder) {
	bad := a.Severity == access.Critical || a.Severity == access.High
	questions := 0
	for _, st := range a.Steps {
		text, loud := "", false
		switch st.To {
		case access.ActionAwaiting:
			if questions++; questions == 1 && a.Purpose == "" {
				continue
			}
			text, loud = "people are asked: "+st.Why, a.Ask.Escalated
		case access.ActionVerified:
			text = done(a)
		case access.ActionFailed:
			text, loud = "it could not be done: "+st.Why, bad
		case access.ActionExpired:
			text, loud = "nobody decided in time: "+st.Why, bad
		case access.ActionVetoed, access.ActionRefused, access.ActionStale, access.ActionSuperseded, access.ActionUndone:
			text = over(access.Action{State: st.To, Guard: a.Guard}) + because(st.Why)
		}
		if text != "" {
			add(st.At, loud, forWhat(a)+text, "step", a.ID, string(st.To), strconv.FormatInt(st.At.UnixNano(), 10))
		}
	}
}

func forWhat(a access.Action) string {
	if a.Purpose == "" {
		return ""
	}
	return string(a.Purpose) + ": "
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// done is the outcome: how long it stood open, and what was seen in that time.
func done(a access.Action) string {
	o := a.Outcome
	text := "done and read back"
	if by := approvedBy(a); len(by) > 0 {
		text += ", as " + listed(by, 5) + " decided"
	}
	if o.ExposedFrom.IsZero() || o.ExposedUntil.IsZero() {
		return text
	}
	text += "; it stood open for " + access.Lasts(o.ExposedUntil.Sub(o.ExposedFrom))
	switch n := o.Logins.Succeeded + o.Logins.Failed; {
	case n > 0 && o.Logins.Quality == access.QualityComplete:
		text += fmt.Sprintf(", with %s (%d failed)", counted(n, "login", "logins"), o.Logins.Failed)
	case n > 0:
		text += fmt.Sprintf(", with at least %s (%d failed)", counted(n, "login", "logins"), o.Logins.Failed)
	case o.Logins.Quality == access.QualityComplete:
		text += ", and nobody logged in meanwhile"
	default:
		text += ", and whether anybody logged in meanwhile is unknown" + because(o.Logins.Why)
	}
	return text
}

func voted(a access.Action, b access.Ballot) string {
	text := "approved"
	if b.Vote == access.VoteDeny {
		text = "denied"
	}
	text = forWhat(a) + text + " by " + b.By
	if b.Via != "" {
		text += " (" + b.Via + ")"
	}
	return text + because(b.Reason)
}

// judged says what became of the finding itself.
func judged(s notify.Story, add adder) {
	f, episode := s.Finding, strconv.Itoa(s.Finding.Episode)
	if f.Unknown != "" {
		add(f.UnknownSince, false, "it cannot be judged: "+f.Unknown, "unknown", f.ID, episode, strconv.FormatInt(f.UnknownSince.Unix(), 10))
	}
	switch w := f.Waiver; f.State {
	case access.FindingWaived:
		text := "waived until " + stamp(w.Until) + " by " + w.Owner + because(w.Reason)
		if w.Ticket != "" {
			text += ", ticket " + w.Ticket
		}
		add(w.Granted, false, text, "waived", f.ID, episode, w.ID, strconv.FormatInt(w.Until.Unix(), 10))
	case access.FindingAcknowledged:
		add(s.At, false, "acknowledged: it is not told again while it stays as it is", "acknowledged", f.ID, episode)
	case access.FindingResolved:
		if s.Action.State != access.ActionVerified {
			add(f.ResolvedAt, false, "resolved"+because(f.Resolution), "resolved", f.ID, episode)
		}
	}
	if len(s.Keep.By) > 0 && f.State == access.FindingOpen {
		add(s.At, false, strings.Join(s.Keep.By, ", ")+" asked to keep it until "+stamp(s.Keep.Until), append([]string{"keep", f.ID, episode}, s.Keep.By...)...)
	}
}
