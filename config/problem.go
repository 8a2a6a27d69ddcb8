package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake of a file, or one warning about it, at its place.
type Problem struct {
	File    string `json:"file"` // the name that Load was given
	Line    int    `json:"line"` // from 1
	Column  int    `json:"column"`
	Path    string `json:"path,omitempty"` // atlas.orgs[0].id; empty for the file as a whole
	Message string `json:"message"`
}

// String is file:line:column: path: message.
func (p Problem) String() string {
	at := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		at += p.Path + ": "
	}
	return at + p.Message
}

// Problems are all mistakes of a file, in its order.
type Problems []Problem

// Error is the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// reporter collects problems.
type reporter struct {
	name     string
	problems []Problem
}

func (r *reporter) report(line, col int, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{r.name, max(line, 1), max(col, 1), path, fmt.Sprintf(format, args...)})
}

// at reports about a value that the walk has seen.
func (r *reporter) at(t *tree, format string, args ...any) {
	r.report(t.line, t.col, t.path, format, args...)
}

// sorted is the problems in the order of the file, each once.
func (r *reporter) sorted() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(r.problems)
}
