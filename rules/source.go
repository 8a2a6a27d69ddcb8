package rules

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Source is one rule file.
type Source struct {
	Name string // shown in messages
	Text []byte
}

// builtins are the embedded rule files, in order of name.
func builtins() []Source {
	entries, err := builtin.ReadDir("builtin")
	if err != nil {
		panic("rules: the embedded rules cannot be listed: " + err.Error())
	}
	var out []Source
	for _, e := range entries {
		text, err := builtin.ReadFile("builtin/" + e.Name())
		if err != nil {
			panic("rules: an embedded rule cannot be read: " + err.Error())
		}
		out = append(out, Source{Name: "builtin/" + e.Name(), Text: text})
	}
	return out
}

// LoadErrors is every mistake found in rule files and overrides.
type LoadErrors struct{ Problems []Problem }

// Problem is one mistake. Line and Column are counted from 1; 0 where the mistake is in
// no file.
type Problem struct {
	File         string
	Line, Column int
	Message      string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Error implements error, one problem a line.
func (e *LoadErrors) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func (e *LoadErrors) add(at position, format string, args ...any) {
	p := Problem{at.file, at.line, at.col, fmt.Sprintf(format, args...)}
	if !slices.Contains(e.Problems, p) {
		e.Problems = append(e.Problems, p)
	}
}

func (e *LoadErrors) orNil() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}
