package report

import (
	"encoding/csv"
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

// WriteCSV writes one line a finding, by RFC 4180; with a framework one line for each
// finding and control, with the control in front. Cells that a spreadsheet would take for
// a formula get an apostrophe in front.
func WriteCSV(w io.Writer, r Report, o Options) error {
	r = r.Sorted()
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := columns()
	if o.Framework != "" {
		head = slices.Insert(head, 0, "control")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	rules := r.byID()
	for _, f := range r.Findings {
		rule := rules[f.Rule]
		row := cells(f, rule)
		if o.Framework == "" {
			if err := out.Write(row); err != nil {
				return err
			}
			continue
		}
		for _, c := range rule.Controls {
			if FrameworkOf(c) != o.Framework {
				continue
			}
			if err := out.Write(slices.Insert(slices.Clone(row), 0, cell(c))); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
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
