package slack

import (
	"fmt"
	"strings"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// mark is how a severity looks: a circle that is told apart by more than its colour, since the
// word stands beside it.
func mark(s access.Severity) string {
	switch s {
	case access.Critical:
		return "🔴"
	case access.High:
		return "🟠"
	case access.Medium:
		return "🟡"
	case access.Low:
		return "🔵"
	}
	return "⚪"
}

func severityWord(s access.Severity) string {
	switch s {
	case access.Critical:
		return "CRITICAL"
	case access.High:
		return "High"
	case access.Medium:
		return "Medium"
	case access.Low:
		return "Low"
	}
	return "Info"
}

// title is what the rule is called.
func title(s notify.Story) string {
	if strings.TrimSpace(s.Title) == "" {
		return s.Finding.Rule
	}
	return s.Title
}

// thing is what it is about: kind and name.
func (r *rich) thing(f access.Finding) *rich {
	return r.say(kindWords(f.Ref.Kind) + " ").code(f.Ref.Name)
}

// place is where it is: what the project or the org is called, or else its id.
func (r *rich) place(s notify.Story) *rich {
	scope := s.Finding.Ref.Scope
	switch {
	case s.Project != "":
		r.code(s.Project)
	case scope.IsOrg() && s.Org != "":
		return r.say("the org ").code(s.Org)
	default:
		r.code(string(scope))
	}
	return r
}

// gist is what a reader has to know in ten seconds: what, who, where, why.
func gist(s notify.Story, l Look, tight int) *rich {
	f := s.Finding
	r := &rich{tight: tight}
	r.fact("What").thing(f)
	if f.Message != "" {
		r.say(" — ").prose(f.Message)
	}
	diff(r, s, 4)
	who(r, s, l)
	where(r, s, l)
	if s.Why != "" {
		r.fact("Why").prose(sentence(s.Why))
	}
	return r
}

// sentence is the first one of a text.
func sentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if i := strings.Index(s, ". "); i > 0 {
		return s[:i+1]
	}
	return s
}

func diff(r *rich, s notify.Story, most int) {
	e := s.Finding.Evidence
	all, left := changesOf(e, most)
	switch {
	case e.Before.IsZero() && !e.After.IsZero():
		r.line().say("      it was not there before")
	case !e.Before.IsZero() && e.After.IsZero():
		r.line().say("      it was deleted")
	}
	for _, c := range all {
		c.show(r)
	}
	if left > 0 {
		r.say(" and " + counted(left, "more field", "more fields"))
	}
}

// who is the actor, and how sure that is.
func who(r *rich, s notify.Story, l Look) {
	a, e := s.Finding.Actor, s.Finding.Evidence
	r.fact("Who").prose(notify.Who(a))
	switch {
	case a.Type == access.ActorUnknown && e.Source == access.SourceSweep:
		r.say("; found by a sweep, and no event names anybody yet")
	case a.Type == access.ActorUnknown:
	case len(e.Events) > 0:
		r.say("; sure: Atlas's event of the change names them")
	default:
		r.say("; likely: no event of this very change is known")
	}
	if a.Principal != "" {
		r.say("; declared as ").code(a.Principal)
	}
	if a.Type != access.ActorUnknown && len(s.Authors) > 0 && a.Principal == "" {
		r.say("; answered for by ").names(s.Authors)
	}
}

func where(r *rich, s notify.Story, l Look) {
	f := s.Finding
	r.fact("Where").place(s)
	if s.Org != "" && !f.Ref.Scope.IsOrg() {
		r.say(" of ").code(s.Org)
	}
	if f.Environment == "" {
		r.say(", environment: matches none, judged as production")
	} else {
		r.say(", environment ").code(f.Environment)
	}
	if f.Owner != "" {
		r.say(", owner ").code(f.Owner)
	}
	if page := l.page(f.Ref.Scope, f.Ref.Kind); page != "" {
		r.say(" · ").link(page, "open in Atlas")
	}
}

// facts is what it exposes and what would break.
func facts(s shown, tight int) *rich {
	r := &rich{tight: tight}
	open := s.Finding.State == access.FindingOpen && s.undecided()
	exposure(r, s.Story)
	if a := asked(s.Story); len(a.Plan.Operations) > 0 {
		if open && a.Purpose == "" || a.Purpose == access.PurposeDelete {
			impact(r, a.Plan.Impact)
		}
		inCode(r, a.Plan.Impact.Owner)
	}
	before(r, s.Story)
	if open && s.Safer != "" {
		safer(r, s.Safer)
	}
	if open && s.Held > 0 {
		r.fact("Behind it").say(counted(s.Held, "finding", "findings") + " that will only matter once this is gone")
	}
	return r
}

// safer is a command to be copied: a whole one, or none.
func safer(r *rich, command string) {
	most := 2 * nameMost >> r.tight
	if command = Name(command, 2*most); utf8.RuneCountInString(command) > most {
		r.fact("Safer").say("there is a way without a violation: see Details")
		return
	}
	r.fact("Safer").text(command, &slackgo.RichTextSectionTextStyle{Code: true})
}

// exposure says since when it stands open, or how long it did. How long it is by now is left to
// the reader's clock: a card that says so would be edited every minute.
func exposure(r *rich, s notify.Story) {
	f := s.Finding
	if o := s.Action.Outcome; !o.ExposedUntil.IsZero() && s.Action.State != access.ActionUndone {
		r.fact("Exposed").when(o.ExposedFrom).say(" to ").when(o.ExposedUntil)
		if !o.ExposedFrom.IsZero() {
			r.say(" (" + access.Lasts(o.ExposedUntil.Sub(o.ExposedFrom)) + ")")
		}
		logins(r.say("; "), o.Logins, "in that time")
		return
	}
	since := f.CauseAt
	if since.IsZero() {
		since = f.OpenedAt
	}
	if !f.Open() {
		if !since.IsZero() && !f.ResolvedAt.IsZero() {
			r.fact("Exposed").when(since).say(" to ").when(f.ResolvedAt).say(" (" + access.Lasts(f.ResolvedAt.Sub(since)) + ")")
		}
		return
	}
	r.fact("Exposed").say("since ").when(since)
	if f.Origin == access.OriginInherited {
		r.say(", or longer: it counts as there before")
		if f.OriginWhy != "" {
			r.say(" (").prose(f.OriginWhy).say(")")
		}
	}
}

func logins(r *rich, l access.Logins, when string) {
	switch {
	case l.Succeeded+l.Failed > 0:
		r.say(fmt.Sprintf("%s %s", counted(l.Succeeded+l.Failed, "login", "logins"), when))
		if l.Failed > 0 {
			r.say(fmt.Sprintf(", %d of them failed", l.Failed))
		}
		switch l.Quality {
		case access.QualityComplete:
			r.say(" (a whole count)")
		default:
			r.say(" at least, since the count is not whole: ").prose(l.Why)
		}
	case l.Quality == access.QualityComplete:
		r.say("no login " + when + " (a whole count)")
	case l.Quality == access.QualityPartial:
		r.say("no login seen " + when + ", in a count that is not whole: ").prose(l.Why)
	default:
		r.say("whether anybody logged in " + when + " is unknown: ").prose(l.Why)
	}
}

// impact is what the plan would cost, as far as that is known.
func impact(r *rich, i access.Impact) {
	r.fact("Would break")
	switch i.Answer {
	case "seen", "none":
		l, when := i.Seen, "by it"
		if span := i.To.Sub(i.From); span > 0 {
			when = "by it in the last " + access.Lasts(span)
		}
		if i.Answer == "none" && l.Succeeded+l.Failed == 0 {
			l.Quality = access.QualityComplete
		}
		logins(r, l, when)
		if len(l.Sample) > 0 {
			last := l.Sample[0]
			r.say("; the last ").when(last.At).say(" by ").code(last.Username).say(" from ").code(last.Address)
		}
	default:
		why := i.Seen.Why
		if why == "" {
			why = i.Says
		}
		if why == "" {
			why = "nobody has looked who uses it"
		}
		r.say("unknown: ").prose(why)
	}
	if len(i.Ways) > 0 {
		r.say("; what remains: ").prose(listed(i.Ways, 3))
	}
}

// inCode is who owns it in code, and what that will do next.
func inCode(r *rich, owner string) {
	if owner == "" {
		return
	}
	next := "its next run may put it back: change it there too"
	switch sure := strings.Contains(owner, "whose credential made it"); {
	case strings.HasPrefix(owner, access.ToolTerraform) && sure:
		next = "the next apply puts it back unless it is changed there"
	case strings.HasPrefix(owner, access.ToolTerraform):
		next = "look at what the next apply says: it may put it back, or want what was there before"
	case strings.HasPrefix(owner, access.ToolAKO):
		next = "the operator puts it back when it reconciles, unless it is changed there"
	case strings.HasPrefix(owner, access.ToolVault):
		next = "its lease takes it away, and the next one is alike: change the role there"
	}
	r.fact("In code").prose(owner).say("; " + next)
}

// before is what happened with the same finding earlier.
func before(r *rich, s notify.Story) {
	if s.Openings > 1 {
		r.fact("Again").say(ordinal(s.Openings) + " time in 90 days")
	}
	for i, w := range s.Earlier {
		if i == 2 {
			r.say("; and " + counted(len(s.Earlier)-2, "waiver", "waivers") + " more")
			break
		}
		if i == 0 {
			r.fact("Waived before")
		} else {
			r.say("; ")
		}
		earlier(r, w)
	}
}

func earlier(r *rich, w access.Waiver) {
	by := w.Agreed
	if len(by) == 0 {
		by = []string{w.Owner}
	}
	r.say("until ").when(w.Until).say(" by ").names(by).say(": ").prose(w.Reason)
	if w.Ticket != "" {
		r.say(", ticket ").code(w.Ticket)
	}
}

func ordinal(n int) string {
	end := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, end)
}
