package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// previewTable is a preview for people: what it comes to, then why, then what cannot be known.
type previewTable struct {
	*Page
	Preview
	all bool
}

func writePreviewTable(w io.Writer, p Preview, o PreviewOptions) error {
	t := previewTable{NewPage(w, o.Options), p, o.All}
	t.head()
	t.settings()
	t.responses()
	t.moves()
	for _, e := range Effects() {
		t.findings(e)
	}
	t.same()
	t.rules()
	t.waivers()
	t.unknown()
	t.privilege()
	t.notes()
	t.Gap()
	t.Bold(0, t.sum())
	_, err := t.WriteTo(w)
	return err
}

func (t previewTable) head() {
	t.Faint(0, "Gatewarden plan · "+t.from())
	if t.Old.Name == "" {
		t.Warn(0, t.New.Name+", compared with nothing")
	} else {
		t.Bold(0, t.New.Name+", in place of "+t.Old.Name)
	}
	t.Bold(0, t.sum())
}

// from says what was true, and how old that is.
func (t previewTable) from() string {
	i := t.Inventory
	what := map[string]string{Live: "read from " + i.Where + " now", "daemon": "what the daemon at " + i.Where + " knows", "file": "from " + i.Where}[i.Source]
	text := fmt.Sprintf("%s · %s · %s", what, plural(i.Scopes, "scope", "scopes"), i.At.UTC().Format("2006-01-02 15:04 UTC"))
	if i.Age >= time.Minute {
		text += ", " + access.Lasts(i.Age.Truncate(time.Minute)) + " old"
	}
	return text
}

// sum is all of it in one line. That nothing is written at once is said, since that is what
// people fear.
func (t previewTable) sum() string {
	s := t.Summary
	parts := []string{
		plural(s.Opens, "finding opens", "findings open"), plural(s.Closes, "closes", "close"),
		plural(s.WritesNow, "write now", "writes now"),
	}
	for _, more := range []struct {
		n    int
		text string
	}{
		{s.Waived, plural(s.Waived, "is waived", "are waived")}, {s.Severity, plural(s.Severity, "changes severity", "change severity")},
		{s.Response, plural(s.Response, "is answered otherwise", "are answered otherwise")}, {s.Unknown, plural(s.Unknown, "answer can be given no more", "answers can be given no more")},
		{s.Known, plural(s.Known, "finding can be judged again", "findings can be judged again")}, {s.Same, fmt.Sprintf("%d the same", s.Same)},
	} {
		if more.n > 0 {
			parts = append(parts, more.text)
		}
	}
	text := strings.Join(parts, " · ")
	var later []string
	if s.Writes > 0 {
		later = append(later, "what "+plural(s.Writes, "more rule finds", "more rules find")+" is reverted by itself")
	}
	if s.Asks > 0 {
		later = append(later, "people are asked about what "+plural(s.Asks, "more rule finds", "more rules find"))
	}
	if len(later) > 0 {
		text += ". From then on " + strings.Join(later, ", and ")
	}
	return text + "."
}

func (t previewTable) settings() {
	if len(t.Settings) == 0 {
		return
	}
	t.Section("settings", len(t.Settings))
	for _, s := range t.Settings {
		write := t.Text
		if s.Arms {
			write = t.Warn
		}
		write(2, fmt.Sprintf("%s  %s → %s%s", s.Path, s.From, s.To, placed(s.File, s.Line)))
		if s.Says != "" {
			t.Faint(6, s.Says)
		}
	}
}

// placed is the place of something, behind it.
func placed(file string, line int) string {
	if file == "" || line == 0 {
		return ""
	}
	return fmt.Sprintf("  (%s:%d)", file, line)
}

func (t previewTable) responses() {
	list := t.Responses
	if t.Old.Name == "" && !t.all { // all of it differs from nothing: what is told is no news
		list = slices.DeleteFunc(slices.Clone(list), func(r PreviewResponse) bool { return r.To == DeedTell || r.To == DeedNothing })
	}
	if len(list) == 0 {
		return
	}
	t.Section("what is done from then on", len(list))
	for _, r := range list {
		write := t.Text
		if r.Writes() || r.Ask != nil && r.Ask.Trouble != "" {
			write = t.Warn
		}
		write(2, fmt.Sprintf("%s → %s  in %s%s", deedWord(r.From), deedWord(r.To), environmentWords(r.Environments), placed(r.File, r.Line)))
		t.Text(6, shortList(r.Rules, t.all))
		if r.Why != "" {
			t.Faint(6, r.Why)
		}
		t.question(6, r.Ask)
	}
}

// question says who is asked.
func (t previewTable) question(indent int, q *Question) {
	switch {
	case q == nil:
	case q.Trouble != "":
		t.Warn(indent, "asked: "+q.Trouble)
	default:
		t.Faint(indent, fmt.Sprintf("asked: %s; %s within %s, then %s", strings.Join(q.Can, ", "), plural(q.Quorum, "vote", "votes"), q.Deadline, q.OnDeadline))
	}
}

// shortList names the first few, unless all are asked for.
func shortList(list []string, all bool) string {
	const few = 8
	if all || len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d others; --all names them", strings.Join(list[:few], ", "), len(list)-few)
}

func (t previewTable) moves() {
	if len(t.Moves) == 0 {
		return
	}
	t.Section("projects that move", len(t.Moves))
	for _, m := range t.Moves {
		write := t.Text
		if m.Weaker || m.Held {
			write = t.Warn
		}
		to := cmp.Or(m.To, "none")
		if m.Held {
			to = cmp.Or(m.Matches, "none") + ", while " + to + " holds until that is acknowledged"
		}
		write(2, fmt.Sprintf("%s  %s → %s%s", m.Project, cmp.Or(m.From, "none"), to, placed(m.File, m.Line)))
		t.Faint(6, m.Why)
	}
}

func (t previewTable) findings(e Effect) {
	list := slices.DeleteFunc(slices.Clone(t.Findings), func(f PreviewFinding) bool { return f.Effect != e })
	if len(list) == 0 {
		return
	}
	t.Section(effectTitle(e), len(list))
	t.list(list)
}

// list writes findings under the heads of their rules and projects; what is said of several
// alike is said once.
func (t previewTable) list(list []PreviewFinding) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Rule == list[0].Rule && list[n].Project == list[0].Project && list[n].Severity == list[0].Severity && list[n].Environment == list[0].Environment {
			n++
		}
		f := list[0]
		t.Graded(2, f.Severity, fmt.Sprintf("%-8s  %s  %s", f.Severity, f.Rule, f.Project)+inEnvironment(f.Environment))
		t.alike(list[:n])
		list = list[n:]
	}
}

// alike writes findings of one rule in one project.
func (t previewTable) alike(list []PreviewFinding) {
	for i, f := range list {
		t.t.item(6, f.Message)
		text := t.lines(f)
		if i+1 < len(list) && t.lines(list[i+1]) == text {
			continue // said once, of all of them
		}
		for _, l := range strings.Split(text, "\n") {
			t.Faint(8, l)
		}
	}
}

func inEnvironment(env string) string {
	if env == "" {
		return ""
	}
	return " (" + env + ")"
}

// same is what stays: counted by what would be done about one like it, unless all is asked for.
func (t previewTable) same() {
	list := slices.DeleteFunc(slices.Clone(t.Findings), func(f PreviewFinding) bool { return f.Effect != EffectNone })
	if len(list) == 0 {
		return
	}
	t.Section("stays as it is", len(list))
	if t.all {
		t.list(list)
		return
	}
	by := map[string]int{}
	for _, f := range list {
		switch {
		case f.State == string(access.FindingWaived):
			by["waived"]++
		case f.New != nil:
			by["a new one like it "+strings.TrimPrefix(t.brief(*f.New), "a new one: ")]++
		}
	}
	for _, text := range slices.Sorted(maps.Keys(by)) {
		t.Faint(2, fmt.Sprintf("%d: %s", by[text], text))
	}
	t.Faint(2, "nothing is done about them; --all lists them")
}

// brief is what becomes of a new one, without why.
func (t previewTable) brief(a Answer) string {
	a.Plan, a.ThenWhy, a.Ask = nil, "", nil
	return a.thenWords()
}

func (t previewTable) rules() {
	if len(t.Rules) == 0 {
		return
	}
	t.Section("rules that differ", len(t.Rules))
	for _, r := range t.Rules {
		write := t.Text
		if len(r.Blind) > 0 || r.Gone {
			write = t.Warn
		}
		write(2, r.Rule+"  "+strings.Join(r.Changes, ", ")+placed(r.File, r.Line))
	}
}

func (t previewTable) waivers() {
	if len(t.Waivers) == 0 {
		return
	}
	t.Section("waivers", len(t.Waivers))
	for _, w := range t.Waivers {
		verb := "lets"
		if w.Change == "ends" {
			verb = "let"
		}
		t.Text(2, fmt.Sprintf("%s  %s  %s; it %s %s stand%s", w.ID, w.Rule, w.Change, verb, plural(w.Findings, "finding", "findings"), placed(w.File, w.Line)))
		if w.Why != "" {
			t.Faint(6, w.Why)
		}
	}
}

func (t previewTable) unknown() {
	by, order := map[string][]PreviewUnknown{}, []string{}
	for _, u := range t.Unknown {
		if !u.Newly && !t.all {
			continue
		}
		if by[u.Why] == nil {
			order = append(order, u.Why)
		}
		by[u.Why] = append(by[u.Why], u)
	}
	rest := len(t.Unknown)
	for _, why := range order {
		rest -= len(by[why])
	}
	if len(t.Inventory.Unread)+len(t.Inventory.Gaps)+len(order)+rest == 0 {
		return
	}
	t.Section("unknown", len(t.Inventory.Unread)+len(t.Inventory.Gaps)+len(t.Unknown))
	for _, u := range t.Inventory.Unread {
		t.Warn(2, u+": nothing of it was read")
	}
	for _, g := range t.Inventory.Gaps {
		t.Warn(2, g)
	}
	for _, why := range order {
		rules, places := map[string]bool{}, map[string]bool{}
		for _, u := range by[why] {
			rules[u.Rule], places[cmp.Or(u.Project, string(u.Scope))] = true, true
		}
		t.Text(2, shortList(slices.Sorted(maps.Keys(rules)), t.all))
		t.Faint(6, why)
		t.Faint(6, "in "+shortList(slices.Sorted(maps.Keys(places)), t.all))
	}
	if rest > 0 {
		t.Faint(2, plural(rest, "answer is", "answers are")+" unknown by both; --all names the rules")
	}
}

func (t previewTable) privilege() {
	if len(t.Privilege) == 0 {
		return
	}
	t.Section("roles of the credentials", len(t.Privilege))
	for _, p := range t.Privilege {
		t.Text(2, p.Credential+"  "+p.Says)
	}
}

func (t previewTable) notes() {
	t.Gap()
	for _, n := range t.Notes {
		t.Faint(0, "Note: "+n+".")
	}
}
