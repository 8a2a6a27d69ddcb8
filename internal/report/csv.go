package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// columns of the CSV. New ones are added at the end.
func columns() []string {
	return []string{
		"severity", "state", "gate", "environment", "project", "scope", "rule", "title", "kind", "name", "key", "message",
		"fix", "owner", "class", "origin", "opened", "waiver", "waived_until", "unknown", "new", "controls", "actor", "id",
	}
}

// WriteCSV writes one line a finding, by RFC 4180, and then one for each answer that could
// not be given, of state unknown and of no severity; with a framework one line for each of
// them and control, with the control in front. Cells that a spreadsheet would take for a
// formula get an apostrophe in front.
func WriteCSV(w io.Writer, r Report, o Options) error {
	r = r.shown()
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := columns()
	if o.Framework != "" {
		head = slices.Insert(head, 0, "control")
	}
	rows, rules := [][]string{head}, r.byID()
	for _, f := range r.Findings {
		rows = append(rows, underControls(cells(f, rules[f.Rule]), rules[f.Rule], o.Framework)...)
	}
	scopes := map[access.Scope]Scope{}
	for _, s := range r.Scopes {
		scopes[s.Scope] = s
	}
	for _, u := range r.Unknown {
		rows = append(rows, underControls(unknownCells(u, rules[u.Rule], scopes[u.Ref.Scope]), rules[u.Rule], o.Framework)...)
	}
	return out.WriteAll(rows)
}

// underControls is a row, or one for each control of the framework that its rule serves.
func underControls(row []string, rule Rule, framework string) (out [][]string) {
	if framework == "" {
		return [][]string{row}
	}
	for _, c := range rule.Controls {
		if FrameworkOf(c) == framework {
			out = append(out, slices.Insert(slices.Clone(row), 0, cell(c)))
		}
	}
	return out
}

// unknownCells has in its message how many answers it stands for.
func unknownCells(u Unknown, rule Rule, s Scope) []string {
	row := cells(Finding{Finding: access.Finding{Rule: u.Rule, Ref: u.Ref, State: access.FindingOpen, Environment: s.Environment, Unknown: u.Why}, ProjectTitle: s.Title, Gate: rule.Gate}, rule)
	row[1], row[11] = "unknown", "could not be judged"
	row[15] = "" // it has no origin
	if u.Count > 1 {
		row[11] = fmt.Sprintf("%d could not be judged", u.Count)
	}
	return row
}

func cells(f Finding, rule Rule) []string {
	row := []string{
		string(f.Severity), f.stateWord(), string(f.Gate), f.Environment, f.ProjectTitle, string(f.Ref.Scope), f.Rule, rule.Title,
		string(f.Ref.Kind), f.Ref.Name, f.Key, f.Message, f.Fix, f.Owner, f.Class, originWord(f), access.Stamp(f.OpenedAt),
		"", "", f.Unknown, f.NewWhy, strings.Join(rule.Controls, "; "), f.Actor.Name, f.ID,
	}
	if f.IsWaived() {
		row[17], row[18] = f.Waiver.ID, access.Stamp(f.Waiver.Until)
	}
	for i := range row {
		row[i] = cell(row[i])
	}
	return row
}

// cell is a text that neither a terminal nor a spreadsheet acts on. Excel, LibreOffice and
// Google Sheets take what begins with = + - @, a tab or a carriage return for a formula;
// full-width forms of those, too, in some locales. Leading blanks do not help them.
func cell(s string) string {
	formula := strings.TrimLeft(s, " \u00a0\u3000")
	s = inert(s)
	if formula != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(formula)[0]) {
		return "'" + s
	}
	return s
}

// stateWord is how a finding stands, in a word.
func (f Finding) stateWord() string {
	switch {
	case !f.Open():
		return "resolved"
	case f.IsWaived():
		return "waived"
	case f.Unknown != "":
		return "unknown"
	case f.State == "":
		return "open"
	}
	return string(f.State)
}

func originWord(f Finding) string {
	if f.Origin == "" {
		return "inherited"
	}
	return string(f.Origin)
}
