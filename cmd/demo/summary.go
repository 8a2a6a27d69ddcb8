package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
)

const (
	figureCols = 10
	frameCols  = 6 // border and padding
)

// column is one column of figures of the summary.
type column struct {
	name string
	of   func(result) time.Duration
}

// summary is the table at the end, with as many figures as fit.
func (s *screen) summary(results []result, e ending) {
	columns := []column{
		{"noticed", func(r result) time.Duration { return r.detected }},
		{"shut", func(r result) time.Duration { return r.shut }},
		{"verified", func(r result) time.Duration { return r.contained }},
	}
	title, ended := 0, 0
	for _, r := range results {
		title, ended = max(title, lipgloss.Width(r.title)+2), max(ended, lipgloss.Width(r.ended))
	}
	room := s.width - frameCols - 4 - ended
	if room < title+figureCols*len(columns) {
		columns = append(columns[:1:1], columns[2])
	}
	title = max(8, min(title, room-figureCols*len(columns)))
	lines := []string{s.heading(title, ended, columns)}
	for i, r := range results {
		lines = append(lines, s.line(i+1, r, title, ended, columns))
	}
	s.print("\n" + s.ink.frame.Render(strings.Join(lines, "\n")))
	style := s.ink.good
	if !e.OK {
		style = s.ink.bad
	}
	s.print(trimRight(style.PaddingLeft(2).Width(s.width).Render(e.Summary)) + "\n")
}

func (s *screen) heading(title, ended int, columns []column) string {
	line := s.ink.faint.Width(4).Render("") + s.ink.faint.Width(title).Render("step") + s.ink.faint.Width(ended).Render("ended")
	for _, c := range columns {
		line += s.ink.faint.Width(figureCols).Align(lipgloss.Right).Render(c.name)
	}
	return line
}

func (s *screen) line(n int, r result, title, ended int, columns []column) string {
	mark, style := s.ink.good.Render("✓"), s.ink.plain
	if !r.OK {
		mark, style = s.ink.bad.Render("✗"), s.ink.bad
	}
	line := mark + fmt.Sprintf(" %d ", n) + style.Width(title).Render(cut(r.title, title-2)) + s.ink.calm.Width(ended).Render(r.ended)
	for _, c := range columns {
		figure, style := "·", s.ink.faint
		if d := c.of(r); d != 0 {
			figure, style = seconds(d), s.ink.bold
		}
		line += style.Width(figureCols).Align(lipgloss.Right).Render(figure)
	}
	return line
}

// cut is the text in at most so many columns.
func cut(text string, columns int) string {
	if lipgloss.Width(text) <= columns {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && lipgloss.Width(string(runes)) >= columns {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}
