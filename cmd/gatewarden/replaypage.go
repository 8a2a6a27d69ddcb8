package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
)

// replayPage is what a replay found, for people: what differs first.
type replayPage struct {
	*report.Page
	out daemon.Replayed
	all bool // also what does not differ
}

func (r *replayFlags) table(w io.Writer, out daemon.Replayed, o report.Options) error {
	p := replayPage{report.NewPage(w, o), out, r.full}
	p.head()
	if out.Against != "" {
		p.differences()
	} else {
		p.opened()
	}
	p.rules()
	p.responses()
	p.notes()
	_, err := p.WriteTo(w)
	return err
}

func (p *replayPage) head() {
	o := p.out
	p.Bold(0, fmt.Sprintf("%s to %s UTC · %s watched · %s, %s", p.time(o.Since), p.time(o.Until), o.Covered, counted(o.Scopes, "scope"), counted(o.Changes, "change")))
	if o.Since.After(o.Asked) {
		p.Warn(0, fmt.Sprintf("History begins at %s, asked for %s.", p.time(o.Since), p.time(o.Asked)))
	}
	if o.Against == "" {
		p.Faint(0, "Nothing is compared: the daemon judges by the same rules, or by what is not known here.")
		return
	}
	p.Text(0, fmt.Sprintf("Compared with what the daemon judges by: %d only by the new rules, %d only by the present ones, %d that end by one of them only, %d of another severity.",
		len(p.of(onlyNew)), len(p.of(onlyOld)), len(p.of(endsElse)), len(p.of(graded))))
}

// The ways in which an episode differs. The last holds of what differs in none.
func onlyNew(f daemon.ReplayFinding) bool  { return f.Difference == "only_new" }
func onlyOld(f daemon.ReplayFinding) bool  { return f.Difference == "only_old" }
func endsElse(f daemon.ReplayFinding) bool { return strings.HasPrefix(string(f.Difference), "ends_") }
func graded(f daemon.ReplayFinding) bool   { return f.Severities != "" && f.Difference == "" }
func same(f daemon.ReplayFinding) bool     { return f.Severities == "" && f.Difference == "" }

func (p *replayPage) of(which func(daemon.ReplayFinding) bool) (out []daemon.ReplayFinding) {
	for _, f := range p.out.Findings {
		if which(f) {
			out = append(out, f)
		}
	}
	return out
}

func (p *replayPage) differences() {
	p.list("only by the new rules", p.of(onlyNew))
	p.list("only by the present rules", p.of(onlyOld))
	p.list("ended by one of them only", p.of(endsElse))
	p.list("another severity", p.of(graded))
	p.rest("the same by both", p.of(same))
}

// opened is what happened, where nothing is compared.
func (p *replayPage) opened() {
	p.list("opened", p.of(func(f daemon.ReplayFinding) bool { return !f.Standing }))
	p.list("stood before, and closed", p.of(func(f daemon.ReplayFinding) bool { return f.Standing && !f.ClosedAt.IsZero() }))
	p.rest("stood before, and stand", p.of(func(f daemon.ReplayFinding) bool { return f.Standing && f.ClosedAt.IsZero() }))
}

// rest is what is counted, unless all is asked for.
func (p *replayPage) rest(title string, list []daemon.ReplayFinding) {
	if p.all {
		p.list(title, list)
		return
	}
	if len(list) == 0 {
		return
	}
	p.Section(title, len(list))
	stood, closed := 0, 0
	for _, f := range list {
		if f.Standing {
			stood++
		}
		if !f.ClosedAt.IsZero() {
			closed++
		}
	}
	p.Faint(2, fmt.Sprintf("%d stood before, %d opened, %d closed; --all lists them", stood, len(list)-stood, closed))
}

func (p *replayPage) list(title string, list []daemon.ReplayFinding) {
	if len(list) == 0 {
		return
	}
	p.Section(title, len(list))
	list, all := slices.Clone(list), access.Severities() // the gravest first
	slices.SortStableFunc(list, func(a, b daemon.ReplayFinding) int {
		return cmp.Or(cmp.Compare(slices.Index(all, a.Severity), slices.Index(all, b.Severity)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Project, b.Project))
	})
	last := ""
	for _, f := range list {
		if head := headOf(f); head != last {
			p.Graded(2, f.Severity, head)
			last = head
		}
		p.episode(f)
	}
}

func headOf(f daemon.ReplayFinding) string {
	where := f.Project
	if f.Environment != "" {
		where += " (" + f.Environment + ")"
	}
	return fmt.Sprintf("%-8s  %s  %s", f.Severity, f.Rule, where)
}

func (p *replayPage) episode(f daemon.ReplayFinding) {
	p.Text(6, string(f.Ref.Kind)+" "+f.Ref.Name)
	when := "opened " + p.time(f.OpenedAt)
	if f.Standing {
		when = "stood before"
	}
	if !f.ClosedAt.IsZero() {
		when += ", closed " + p.time(f.ClosedAt)
	} else {
		when += ", open at the end"
	}
	for _, more := range []string{cmp.Or(string(f.Origin), "inherited"), ended(f), f.Severities, unknownNow(f)} {
		if more != "" {
			when += " · " + more
		}
	}
	p.Faint(8, when)
	if text := p.would(f); text != "" {
		p.Text(8, text)
	}
}

func ended(f daemon.ReplayFinding) string {
	return map[string]string{"ends_only_new": "by the present rules it stands", "ends_only_old": "by the present rules it ended"}[string(f.Difference)]
}

func unknownNow(f daemon.ReplayFinding) string {
	if f.Unknown == "" {
		return ""
	}
	return "could not be judged any more: " + f.Unknown
}

// would is what the response comes to, in a few words; nothing where it only watches.
func (p *replayPage) would(f daemon.ReplayFinding) string {
	w := f.Would
	if w == nil || w.Outcome == "observe" {
		return ""
	}
	out := map[string]string{
		"tell": "would be told", "revert": "would be reverted", "refuse": "would be refused", "wait": "would wait", "nothing": "nothing would be done",
	}[string(w.Outcome)]
	if w.Outcome == "revert" {
		return out + " at " + p.time(w.At) + ": " + strings.Join(w.Operations, ", ")
	}
	if w.Outcome == "tell" && w.Guard != "" {
		out += ", not reverted"
	}
	if w.Guard != "" {
		out += " (" + w.Guard + ")"
	}
	if w.Why != "" {
		out += ": " + w.Why
	}
	return out
}

// rules sums by rule: where something differs or would be reverted; or, where nothing is
// compared, where something moved.
func (p *replayPage) rules() {
	rows, others := [][]string{{"rule", "before", "opened", "closed", "revert"}}, "under which nothing moved"
	compared := p.out.Against != ""
	if compared {
		rows, others = [][]string{{"rule", "opened", "closed", "revert", "new", "lost"}}, "by which both find the same"
	}
	differ := map[string]bool{}
	for _, f := range p.out.Findings {
		differ[f.Rule] = differ[f.Rule] || compared && !same(f)
	}
	rest := 0
	for _, s := range p.out.ByRule {
		switch {
		case !p.all && compared && !differ[s.Rule] && s.Reverts == 0, !p.all && !compared && s.Opened+s.Closed == 0:
			rest++
		case compared:
			rows = append(rows, figures(s.Rule, s.Opened, s.Closed, s.Reverts, s.OnlyNew, s.OnlyOld))
		default:
			rows = append(rows, figures(s.Rule, s.Standing, s.Opened, s.Closed, s.Reverts))
		}
	}
	if len(rows) == 1 {
		return
	}
	p.Section("by rule", len(rows)-1)
	p.Figures(rows)
	if rest > 0 {
		p.Faint(2, fmt.Sprintf("and %s %s", counted(rest, "rule"), others))
	}
}

func figures(name string, all ...int) []string {
	out := []string{name}
	for _, n := range all {
		out = append(out, strconv.Itoa(n))
	}
	return out
}

// responses says what would have been done in all.
func (p *replayPage) responses() {
	o, guards := p.out, map[string]int{}
	for _, s := range o.ByRule {
		for g, n := range s.Guards {
			guards[g] += n
		}
	}
	p.Gap()
	p.Bold(0, fmt.Sprintf("%d opened; %d would have been reverted, at most %d in one hour of a project and %d of an org.", o.Opened(), o.Reverts(), o.Caps.ProjectHour, o.Caps.OrgHour))
	var kept []string
	for g, n := range guards {
		kept = append(kept, fmt.Sprintf("%s %d", g, n))
	}
	if slices.Sort(kept); len(kept) > 0 {
		p.Text(0, "Kept from being reverted, by guard: "+strings.Join(kept, ", ")+".")
	}
	if o.Caps.Stopped > 0 {
		p.Warn(0, fmt.Sprintf("%d would have waited for a cap.", o.Caps.Stopped))
	}
}

func (p *replayPage) notes() {
	p.Gap()
	for _, n := range p.out.Notes {
		if !strings.HasPrefix(n, "history begins at ") { // said at the head
			p.Faint(0, "Note: "+n+".")
		}
	}
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// short is a span in which minutes do not tell one moment from the next.
const short = 2 * time.Hour

func (p *replayPage) time(t time.Time) string {
	if p.out.Until.Sub(p.out.Since) < short {
		return t.UTC().Format("2006-01-02 15:04:05")
	}
	return t.UTC().Format("2006-01-02 15:04")
}
