package slack

import (
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// DetailsModal is all that is known of a finding, and is opened when somebody asks for it: here
// it may say how long something lasts by now.
func DetailsModal(s notify.Story, now time.Time, l Look) slackgo.ModalViewRequest {
	for tight := 0; ; tight++ {
		blocks := details(s, now, l, tight)
		if tight == tightest || size(blocks) <= 4*blocksMost {
			return modal(ViewDetails, "Details", "", blocks...)
		}
	}
}

func details(s notify.Story, now time.Time, l Look, tight int) []slackgo.Block {
	v := shown{Story: s, now: now, look: l, tight: tight}
	blocks := []slackgo.Block{heading(v), gist(s, l, tight).block(""), standing(s, now, l, tight).block("")}
	for _, r := range []*rich{soFar(s, now, tight), facts(v, tight), evidence(s, tight), plan(s, tight), history(s, l, tight), rule(s, tight)} {
		if len(r.nodes) > 0 {
			blocks = append(blocks, r.block(""))
		}
	}
	if s.Safer != "" {
		blocks = append(blocks, pre("", s.Safer, 500))
	}
	return append(blocks, pre("", l.command("findings", s.Finding.ID), 300))
}

func soFar(s notify.Story, now time.Time, tight int) *rich {
	r := &rich{tight: tight}
	f := s.Finding
	since := f.CauseAt
	if since.IsZero() {
		since = f.OpenedAt
	}
	if f.Open() && !since.IsZero() && now.After(since) {
		r.fact("Open for").say(access.Lasts(now.Sub(since)) + " by now")
	}
	if left := s.Question.Until.Sub(now); s.Question.Open() && left > 0 {
		r.fact("Left to decide").say(access.Lasts(left))
	}
	return r
}

// evidence is what the finding rests on.
func evidence(s notify.Story, tight int) *rich {
	r := &rich{tight: tight}
	e := s.Finding.Evidence
	if e.Change != "" {
		r.fact("Change").code(e.Change)
		if e.Source != "" {
			r.say(" seen by ").code(string(e.Source))
		}
	}
	few(r, "Events of Atlas", e.Events)
	few(r, "Roles in between", e.Path)
	var causes []string
	for _, c := range e.Causes {
		causes = append(causes, string(c.Kind)+" "+c.Name)
	}
	few(r, "Comes through", causes)
	var names []string
	for k := range e.Facts {
		names = append(names, k)
	}
	slices.Sort(names)
	for i, k := range names {
		if i == 10 {
			break
		}
		r.fact("Fact").code(k).say(" ").prose(e.Facts[k])
	}
	if x := s.Finding.Expected; x != "" {
		r.fact("Announced").say("by the expectation ").code(x)
	}
	return r
}

func few(r *rich, label string, list []string) {
	const most = 8
	for i, s := range list {
		switch {
		case i == 0:
			r.fact(label)
		case i == most:
			r.say(" and " + counted(len(list)-most, "more", "more"))
			return
		default:
			r.say(" ")
		}
		r.code(s)
	}
}

// plan is what would be written, and how it would be taken back.
func plan(s notify.Story, tight int) *rich {
	r := &rich{tight: tight}
	a := asked(s)
	writes := func(label string, ops []access.Operation) {
		for i, o := range ops {
			if i == 10 {
				r.line().say("and " + counted(len(ops)-10, "write", "writes") + " more")
				return
			}
			r.fact(label).prose(o.Describe())
		}
	}
	if a.Plan.Why != "" {
		r.fact("Plan").prose(a.Plan.Why)
	}
	writes("Writes", a.Plan.Operations)
	writes("Taken back by", a.Plan.Inverse)
	if a.Plan.Reversible != "" {
		r.fact("Can it be taken back").prose(a.Plan.Reversible)
	}
	if a.Plan.Impact.Says != "" {
		r.fact("Impact").prose(a.Plan.Impact.Says)
	}
	few(r, "On clusters", a.Plan.Impact.Seen.Hosts)
	few(r, "Wrote", a.Outcome.Requests)
	if a.PlanHash != "" {
		r.fact("Plan id").code(a.PlanHash)
	}
	return r
}

// history is what happened with it, the newest last.
func history(s notify.Story, l Look, tight int) *rich {
	const most = 15
	r := &rich{tight: tight}
	all := Lines(s)
	if len(all) > most {
		r.line().say(counted(len(all)-most, "earlier line", "earlier lines") + " left out")
		all = all[len(all)-most:]
	}
	for _, line := range all {
		r.line().when(line.At).say("  ").prose(line.Text)
	}
	for i, w := range s.Earlier[min(2, len(s.Earlier)):] { // the first two stand above
		if i == 8 {
			break
		}
		r.fact("Waived before")
		earlier(r, w)
	}
	if len(s.Decides) > 0 {
		r.fact("May say something about it").names(s.Decides)
	}
	return r
}

func rule(s notify.Story, tight int) *rich {
	r := &rich{tight: tight}
	r.fact("Rule").code(s.Finding.Rule)
	if s.Why != "" {
		r.say(": ").prose(strings.Join(strings.Fields(s.Why), " "))
	}
	if s.Finding.Class != "" {
		r.fact("Identity").code(s.Finding.Class)
	}
	return r
}
