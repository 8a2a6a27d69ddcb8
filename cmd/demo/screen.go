package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/term"
)

// screen tells the story to people. It only ever appends lines, so that a pipe, a log and
// a terminal show the same; colour is left out where it is not wanted (NO_COLOR, no
// terminal). Its methods may be called at any time from any goroutine.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	width int
	begin time.Time
	ink   ink
}

// ink are the styles. The colours are the terminal's own sixteen, which fit its theme.
type ink struct {
	plain, faint, bold, title             lipgloss.Style
	good, bad, warn, person, notice, calm lipgloss.Style
	frame                                 lipgloss.Style
}

const (
	widest    = 112
	narrowest = 64
	unknown   = 100 // where the width is not known
	clockCols = 9
	tagCols   = 12
)

func newScreen(out io.Writer, begin time.Time) *screen {
	r := lipgloss.NewRenderer(out)
	colour := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return &screen{out: out, width: widthOf(out), begin: begin, ink: ink{
		plain: r.NewStyle(), faint: r.NewStyle().Faint(true), bold: r.NewStyle().Bold(true), title: colour("14").Bold(true),
		good: colour("10").Bold(true), bad: colour("9").Bold(true), warn: colour("11"), person: colour("13").Bold(true),
		notice: colour("12").Bold(true), calm: colour("6"),
		frame: r.NewStyle().Border(lipgloss.RoundedBorder()).BorderForeground(lipgloss.Color("6")).Padding(0, 2),
	}}
}

func widthOf(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(f.Fd()) {
		return unknown
	}
	w, _, err := term.GetSize(f.Fd())
	if err != nil || w == 0 {
		return unknown
	}
	return min(max(w, narrowest), widest)
}

// print writes lines. A terminal that went away is no reason to stop the story: its exit
// code still tells.
func (s *screen) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, text+"\n")
}

// header says what is running.
func (s *screen) header(set *set) {
	org := set.atlas.Snapshot().Orgs[0]
	var names []string
	for _, p := range org.Projects {
		names = append(names, p.Name)
	}
	f := set.file
	poll, sweep := f.Schedule.FeedActive, f.Schedule.SweepGate
	s.print("")
	s.print(s.ink.frame.Render(s.ink.title.Render("GATEWARDEN") + s.ink.plain.Render("  one bad morning at "+org.Name)))
	s.field("Atlas", fmt.Sprintf("simulated, at %s: %s", set.served.url, strings.Join(names, ", ")))
	s.field("daemon", fmt.Sprintf("the real one, unchanged: reads and writes over HTTP as two service accounts, polls the feed every %s, sweeps every %s, keeps its state in embedded NATS, synced", poll, sweep))
	if set.slack != nil {
		s.slackHeader(set)
		return
	}
	s.field("policy", fmt.Sprintf("reverts new findings in prod and staging, tells in dev; settle time %s for critical ones, %s for others", f.Guards.SettleCritical, f.Guards.SettleOther))
}

func (s *screen) field(name, text string) { s.row("", s.ink.faint, name, s.ink.plain, text) }

// title begins a step.
func (s *screen) title(n int, title string) {
	head := fmt.Sprintf(" %d  %s ", n, title)
	line := strings.Repeat("─", max(2, s.width-lipgloss.Width(head)-2))
	s.print("\n" + s.ink.title.Render("──"+head) + s.ink.faint.Render(line))
}

// say is the narrator's word.
func (s *screen) say(text string) { s.row("", s.ink.faint, "", s.ink.faint.Italic(true), text) }

// person is what somebody does.
func (s *screen) person(name, how, what string) {
	text := s.ink.person.Render(name) + " " + what
	if how != "" {
		text += s.ink.faint.Render(" (" + how + ")")
	}
	s.now("●", s.ink.person, "happens", text)
}

// note is a line of the daemon's.
func (s *screen) note(tag, text string) { s.now("○", s.ink.notice, tag, text) }

// now prints a line with the story's clock.
func (s *screen) now(mark string, style lipgloss.Style, tag, text string) {
	clock := fmt.Sprintf("%6.2f s", time.Since(s.begin).Seconds())
	s.row(clock, style, mark+" "+tag, s.ink.plain, text)
}

// solidHyphen stands for a hyphen while lines are broken, so that names stay whole.
const solidHyphen = "\u2011"

// row prints clock, tag and text in their columns; long text goes on below itself.
func (s *screen) row(clock string, tagStyle lipgloss.Style, tag string, style lipgloss.Style, text string) {
	left := s.ink.faint.Width(clockCols).Align(lipgloss.Right).Render(clock)
	middle := tagStyle.Width(tagCols + 2).PaddingLeft(2).Render(tag)
	right := style.Width(s.width - clockCols - tagCols - 2).Render(strings.ReplaceAll(text, "-", solidHyphen))
	whole := lipgloss.JoinHorizontal(lipgloss.Top, left, middle, right)
	s.print(trimRight(strings.ReplaceAll(whole, solidHyphen, "-")))
}

// trimRight takes away the blanks with which columns are filled up.
func trimRight(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// outcome ends a step.
func (s *screen) outcome(r result, wrong []string) {
	if !r.OK {
		s.row("", s.ink.bad, "✗ failed", s.ink.bad, strings.Join(wrong, "; "))
		return
	}
	text := s.ink.good.Render(r.ended)
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"noticed", r.detected}, {"shut", r.shut}, {"verified", r.contained}} {
		if t.d != 0 {
			text += s.ink.faint.Render("  ·  "+t.name+" after ") + s.ink.bold.Render(strings.ReplaceAll(seconds(t.d), " ", "\u00a0"))
		}
	}
	s.row("", s.ink.good, "✓ held", s.ink.plain, text)
}

// seconds is a duration to the hundredth of a second.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
