package report

import (
	"fmt"
	"io"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Page is text for people as the table of a report is: lines wrap at the width of the
// terminal, names stay whole, and nothing in them acts on it.
type Page struct{ t *table }

// NewPage begins a page for a writer.
func NewPage(w io.Writer, o Options) *Page { return &Page{newTable(o.on(w))} }

// Text adds an indented text.
func (p *Page) Text(indent int, s string) { p.t.text(indent, p.t.plain, s) }

// Faint adds one that is not needed at the first look.
func (p *Page) Faint(indent int, s string) { p.t.text(indent, p.t.faint, s) }

// Bold adds one that is.
func (p *Page) Bold(indent int, s string) { p.t.text(indent, p.t.bold, s) }

// Warn adds a warning.
func (p *Page) Warn(indent int, s string) { p.t.text(indent, p.t.warn, s) }

// Graded adds a text in the colour of a severity.
func (p *Page) Graded(indent int, severity access.Severity, s string) {
	style, ok := p.t.by[severity]
	if !ok {
		style = p.t.plain
	}
	p.t.text(indent, style, s)
}

// Row adds a name and what it is, of which every line stands beneath the first.
func (p *Page) Row(name, s string) {
	const wide = 12
	for _, l := range wrap(inert(s), p.t.width-wide-3) {
		p.t.line("  " + p.t.faint.Render(fmt.Sprintf("%-*s", wide, inert(name))) + " " + l)
		name = ""
	}
}

// Section begins a section.
func (p *Page) Section(title string, n int) { p.t.section(p.t.bold, title, n) }

// Figures adds columns of figures under a head, the first of which is text.
func (p *Page) Figures(rows [][]string) {
	for i := range rows {
		for j := range rows[i] {
			rows[i][j] = inert(rows[i][j])
		}
	}
	p.t.figures(rows)
}

// Gap adds an empty line.
func (p *Page) Gap() { p.t.line("") }

// WriteTo implements io.WriterTo.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.t.out.String())
	return int64(n), err
}
