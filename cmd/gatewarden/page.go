package main

import (
	"fmt"
	"io"
	"strings"
)

// page is text in three columns, as wide as the terminal.
type page struct {
	to    io.Writer
	b     strings.Builder
	rows  [][3]string // not written yet
	width int
}

const pageWidth = 120 // where there is no terminal

func newPage(w io.Writer) *page {
	p := &page{to: w, width: pageWidth}
	if width, ok := columns(w); ok {
		p.width = max(width, 40)
	}
	return p
}

func (p *page) head(text string) {
	p.flush()
	if p.b.Len() > 0 {
		p.b.WriteString("\n")
	}
	p.wrap("", 0, text)
}

func (p *page) row(name, typ, doc string) { p.rows = append(p.rows, [3]string{name, typ, doc}) }

// flush writes the rows: side by side where there is room, else the meaning beneath.
func (p *page) flush() {
	const most = 46 // of a column, that others are to line up with
	var wide [2]int
	for _, r := range p.rows {
		for i := range wide {
			if n := len([]rune(r[i])); n <= most {
				wide[i] = max(wide[i], n)
			}
		}
	}
	indent := 2 + wide[0] + 2
	if wide[1] > 0 {
		indent += wide[1] + 2
	}
	beside := p.width-indent >= 40
	for _, r := range p.rows {
		left := fmt.Sprintf("  %-*s  %-*s  ", wide[0], r[0], wide[1], r[1])
		if wide[1] == 0 {
			left = fmt.Sprintf("  %-*s  ", wide[0], r[0])
		}
		switch {
		case r[2] == "":
			p.line(left)
		case beside && len([]rune(left)) <= indent:
			p.wrap(left, indent, r[2])
		default:
			p.line(left)
			p.wrap(strings.Repeat(" ", 6), 6, r[2])
		}
	}
	p.rows = nil
}

// wrap writes a text behind a beginning, its further lines as far to the right.
func (p *page) wrap(begin string, indent int, text string) {
	line := begin
	empty := true
	for _, word := range strings.Fields(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > p.width {
			p.line(line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.line(line)
}

func (p *page) line(text string) {
	p.b.WriteString(strings.TrimRight(text, " ") + "\n")
}

func (p *page) write() error {
	p.flush()
	_, err := io.WriteString(p.to, strings.ReplaceAll(p.b.String(), "`", ""))
	return err
}
