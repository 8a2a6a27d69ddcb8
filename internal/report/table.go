package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The widths of the table. A narrower terminal wraps the lines itself.
const (
	usualWidth  = 100
	narrowWidth = 40
)

// The colour profiles of lipgloss, by its numbers: to name them would take one more
// module.
const (
	profileANSI  = 2 // the terminal's own sixteen colours, which fit its theme
	profileASCII = 3
)

// WriteTable writes for people: the summary, then what stands by severity and project,
// then all that is not a finding and not clean either. Lines wrap; no text is cut.
func WriteTable(w io.Writer, r Report, o Options) error {
	t := newTable(o)
	r = r.shown()
	t.head(r)
	if o.Framework != "" {
		g, err := Framework(r, o.Framework)
		if err != nil {
			return err
		}
		t.controls(g)
	} else {
		t.matrix(r)
	}
	t.findings(r)
	t.waived(r)
	t.unknown(r)
	t.unread(r)
	t.notCovered(r)
	t.deadWaivers(r)
	t.unmatched(r)
	t.line("")
	t.text(0, t.bold, r.line())
	_, err := io.WriteString(w, t.out.String())
	return err
}

type table struct {
	out         strings.Builder
	width       int
	plain, bold lipgloss.Style
	faint       lipgloss.Style
	by          map[access.Severity]lipgloss.Style
	warn        lipgloss.Style
	told        map[string]string // what to do, by rule, as far as it was written
}

func newTable(o Options) *table {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(profileASCII)
	if o.Colour {
		r.SetColorProfile(profileANSI)
	}
	colour := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)).Bold(true) }
	return &table{
		width: max(narrowWidth, cmp.Or(o.Width, usualWidth)), plain: r.NewStyle(), bold: r.NewStyle().Bold(true), faint: r.NewStyle().Faint(true),
		warn: colour("11"), told: map[string]string{},
		by: map[access.Severity]lipgloss.Style{
			access.Critical: colour("13"), access.High: colour("9"), access.Medium: colour("11"), access.Low: colour("12"), access.Info: colour("6"),
		},
	}
}

func (t *table) line(s string) { t.out.WriteString(strings.TrimRight(s, " ") + "\n") }

// text writes an indented text, broken at blanks only, so that names stay whole and can be
// copied; a word that is longer than a line is broken where the line ends.
func (t *table) text(indent int, style lipgloss.Style, s string) {
	for _, l := range wrap(inert(s), t.width-indent) {
		t.line(strings.Repeat(" ", indent) + style.Render(l))
	}
}

// wrap breaks a text into lines of at most width columns.
func wrap(s string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	flush := func() {
		lines = append(lines, strings.TrimRight(line.String(), " "))
		line.Reset()
		used = 0
	}
	for _, word := range strings.SplitAfter(s, " ") {
		if used > 0 && used+lipgloss.Width(strings.TrimRight(word, " ")) > width {
			flush()
		}
		for _, r := range word {
			n := lipgloss.Width(string(r))
			if used+n > width && r != ' ' {
				flush()
			}
			line.WriteRune(r)
			used += n
		}
	}
	flush()
	return lines
}

func (t *table) section(style lipgloss.Style, title string, n int) {
	t.line("")
	t.line(style.Render(strings.ToUpper(title)) + t.faint.Render("  "+strconv.Itoa(n)))
}

func (t *table) head(r Report) {
	orgs := make([]string, 0, len(r.Orgs))
	for _, o := range r.Orgs {
		orgs = append(orgs, cmp.Or(o.Title, o.ID))
	}
	projects := 0
	for _, s := range r.Scopes {
		if !s.Scope.IsOrg() {
			projects++
		}
	}
	parts := []string{"Gatewarden", strings.Join(orgs, ", "), plural(projects, "project", "projects"), "from " + r.Source}
	if r.Profile != "" {
		parts = append(parts, "profile "+r.Profile)
	}
	parts = append(parts, r.At.UTC().Format("2006-01-02 15:04 UTC"))
	t.text(0, t.faint, strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · "))
	t.text(0, t.bold, r.line())
	if c := r.Compared; c != nil {
		t.text(0, t.faint, "Compared with the report of "+c.At.UTC().Format("2006-01-02 15:04 UTC")+": "+c.String()+".")
		if c.NoValues > 0 {
			t.text(0, t.warn, c.Doubt())
		}
	}
}

// figures writes columns of figures, each as wide as its widest cell; the first is text.
// Where they do not fit, each row becomes a line of text.
func (t *table) figures(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], lipgloss.Width(c))
		}
	}
	total := 2*len(widths) - 2
	for _, w := range widths {
		total += w
	}
	if total+2 > t.width {
		for _, row := range rows[1:] {
			cells := []string{}
			for i, c := range row[1:] {
				cells = append(cells, rows[0][i+1]+" "+c)
			}
			t.text(2, t.plain, row[0]+": "+strings.Join(cells, ", "))
		}
		return
	}
	for n, row := range rows {
		line := t.plain.Width(widths[0]).Render(row[0])
		for i, c := range row[1:] {
			line += "  " + t.plain.Width(widths[i+1]).Align(lipgloss.Right).Render(c)
		}
		if n == 0 {
			line = t.faint.Render(line)
		}
		t.line("  " + line)
	}
}

// matrix is what stands by environment and gate.
func (t *table) matrix(r Report) {
	m := r.matrix()
	if len(m.Rows) == 0 {
		return
	}
	rows := [][]string{{"findings"}}
	for _, g := range m.Gates {
		rows[0] = append(rows[0], string(g))
	}
	for _, row := range m.Rows {
		cells := []string{inert(row.Name)}
		for _, c := range row.Cells {
			cells = append(cells, c.String())
		}
		rows = append(rows, cells)
	}
	t.line("")
	t.figures(rows)
	if key := m.Key(); strings.Count(key, ".") > 1 {
		t.text(2, t.faint, key)
	}
}

func (t *table) unknown(r Report) {
	if len(r.Unknown) > 0 {
		t.section(t.warn, "could not be judged", r.Totals().Unknown)
		t.groups(r.unknownGroups())
	}
}

func (t *table) unread(r Report) {
	if groups := r.gapGroups(); len(groups) > 0 {
		n := 0
		for _, g := range groups {
			n += g.Count
		}
		t.section(t.warn, "could not be read", n)
		t.groups(groups)
	}
}

func (t *table) groups(groups []group) {
	for _, g := range groups {
		t.text(2, t.plain, g.What)
		if g.Why != "" {
			t.text(6, t.faint, g.Why)
		}
		t.text(6, t.faint, "in "+strings.Join(g.Places, ", "))
	}
}

func (t *table) notCovered(r Report) {
	if len(r.NotCovered) == 0 {
		return
	}
	t.section(t.faint, "not covered by choice", len(r.NotCovered))
	var whys []string
	rules := map[string][]string{}
	for _, n := range r.NotCovered {
		why := cmp.Or(n.Why, "not read")
		if rules[why] == nil {
			whys = append(whys, why)
		}
		rules[why] = append(rules[why], n.Rule)
	}
	for _, why := range whys {
		t.text(2, t.plain, why)
		t.text(6, t.faint, strings.Join(rules[why], ", "))
	}
}

func (t *table) deadWaivers(r Report) {
	idle := slices.DeleteFunc(slices.Clone(r.Waivers), func(w Waiver) bool { return w.Void == "" && w.Findings > 0 })
	if len(idle) == 0 {
		return
	}
	t.section(t.faint, "waivers of no effect", len(idle))
	for _, w := range idle {
		t.text(2, t.plain, w.ID+"  "+w.Rule)
		t.text(6, t.faint, cmp.Or(w.Void, "nothing matches it")+place(w))
	}
}

func (t *table) unmatched(r Report) {
	if len(r.Unmatched) == 0 {
		return
	}
	t.section(t.faint, "declarations that match nothing", len(r.Unmatched))
	for _, u := range r.Unmatched {
		t.text(2, t.plain, u.Path+"  "+u.Pattern)
		t.text(6, t.faint, u.Why+" · "+u.Source)
	}
}

func place(w Waiver) string {
	if w.Source == "" {
		return ""
	}
	return " · " + w.Source
}

func (t *table) controls(g Grouped) {
	t.section(t.bold, g.Title, len(g.Controls))
	t.text(2, t.faint, g.Note)
	for _, c := range g.Controls {
		style := t.plain
		if c.State == StandingFindings || c.State == StandingUnknown {
			style = t.warn
		}
		t.text(2, style, fmt.Sprintf("%-10s %s", c.ID, c.Summary()))
		t.text(6, t.faint, strings.Join(c.Rules, ", "))
	}
}

// Summary is a control in words.
func (c Control) Summary() string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{len(c.Findings), "standing"}, {c.Unknown, "unknown"}, {c.Hidden, "not shown"}, {len(c.Waived), "waived"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if n := len(c.NotCovered); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s not covered", n, plural(len(c.Rules), "rule", "rules")))
	}
	if c.State == StandingNone {
		parts = append([]string{string(c.State)}, parts...)
	}
	if n := len(c.Passed); n > 0 {
		parts = append(parts, plural(n, "rule", "rules")+" passed")
	}
	if n := len(c.Idle); n > 0 {
		parts = append(parts, plural(n, "rule", "rules")+" had nothing to judge")
	}
	return strings.Join(parts, ", ")
}
