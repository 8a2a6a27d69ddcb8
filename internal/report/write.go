package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/term"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Options are how a report is written. The zero value is a plain report for a pipe.
type Options struct {
	Framework string // group by the controls of one of Frameworks, in table, csv, html and json; empty: do not
	Colour    bool   // table: with colours
	Width     int    // table: columns; 0: those of the terminal or of COLUMNS, else 100
	Artifact  string // sarif: the file that results are shown at, relative to a repository; empty: gatewarden.yaml
	FailOn    string // junit: the lowest severity that is a failure, or none; empty: all are
	Strict    bool   // junit: an answer that could not be given is an error, and what may be new a failure
}

// on takes from the writer what is not chosen: a terminal gets its own width and, where
// its environment allows, colours; a pipe or file the width that the environment names.
func (o Options) on(w io.Writer) Options {
	f, ok := w.(*os.File)
	if !ok {
		return o
	}
	if !term.IsTerminal(f.Fd()) {
		if cols, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && cols > 0 && o.Width == 0 {
			o.Width = cols
		}
		return o
	}
	o.Colour = o.Colour || lipgloss.NewRenderer(f).ColorProfile() != profileASCII
	if cols, _, err := term.GetSize(f.Fd()); err == nil && o.Width == 0 {
		o.Width = cols
	}
	return o
}

type writer func(io.Writer, Report, Options) error

// formats in the order in which they are listed.
func formats() []struct {
	name  string
	write writer
} {
	return []struct {
		name  string
		write writer
	}{
		{"table", WriteTable}, {"json", WriteJSON}, {"sarif", WriteSARIF}, {"junit", WriteJUnit},
		{"csv", WriteCSV}, {"ocsf", WriteOCSF}, {"html", WriteHTML},
	}
}

// Formats lists the formats that [Write] knows.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write writes the report in a format. It goes out in one piece: a report that cannot be
// made leaves nothing behind.
func Write(format string, w io.Writer, r Report, o Options) error {
	if err := knownFramework(o.Framework); err != nil {
		return err
	}
	for _, f := range formats() {
		if f.name != format {
			continue
		}
		var b bytes.Buffer
		if err := f.write(&b, r, o.on(w)); err != nil {
			return fmt.Errorf("write the report as %s: %w", format, err)
		}
		_, err := w.Write(b.Bytes())
		return err
	}
	return fmt.Errorf("format %q: there are %s", format, strings.Join(Formats(), ", "))
}

// shown is the report as every format for others shows it: sorted, with a scope and a
// rule for everything that is said of one, so that nothing falls between two lists.
func (r Report) shown() Report {
	scopes, rules := map[access.Scope]bool{}, map[string]bool{}
	for _, s := range r.Scopes {
		scopes[s.Scope] = true
	}
	for _, rule := range r.Rules {
		rules[rule.ID] = true
	}
	r.Scopes, r.Rules = slices.Clone(r.Scopes), slices.Clone(r.Rules)
	note := func(id string, scope access.Scope, title string) {
		if !rules[id] {
			rules[id] = true
			r.Rules = append(r.Rules, Rule{ID: id, Title: id, Gate: GateOf(id)})
		}
		if !scopes[scope] {
			scopes[scope] = true
			r.Scopes = append(r.Scopes, Scope{Scope: scope, Title: title})
		}
	}
	for _, f := range r.Findings {
		note(f.Rule, f.Ref.Scope, f.ProjectTitle)
	}
	for _, u := range r.Unknown {
		note(u.Rule, u.Ref.Scope, "")
	}
	for i := range r.Rules {
		if !slices.Contains(Gates(), r.Rules[i].Gate) {
			r.Rules[i].Gate = GateOf(r.Rules[i].ID)
		}
	}
	return r.Sorted()
}

// byID are the rules by their ids.
func (r Report) byID() map[string]Rule {
	m := make(map[string]Rule, len(r.Rules))
	for _, rule := range r.Rules {
		m[rule.ID] = rule
	}
	return m
}

// names are the scopes' names, for people.
func (r Report) names() map[access.Scope]string {
	m := make(map[access.Scope]string, len(r.Scopes))
	for _, s := range r.Scopes {
		m[s.Scope] = s.Name()
	}
	return m
}

// Name is the scope's title in Atlas, else its id.
func (s Scope) Name() string {
	if s.Title != "" {
		return s.Title
	}
	return string(s.Scope)
}

//go:embed report.schema.json
var schema []byte

// Schema is the JSON schema of what [WriteJSON] writes.
func Schema() []byte { return slices.Clone(schema) }

// WriteJSON writes the model itself, as report.schema.json describes it.
func WriteJSON(w io.Writer, r Report, o Options) error {
	r = r.Sorted()
	r.V, r.Summary = Version, r.summary()
	if o.Framework == "" {
		return writeJSON(w, r, "  ")
	}
	g, err := Framework(r, o.Framework)
	if err != nil {
		return err
	}
	return writeJSON(w, struct {
		Report
		Framework Grouped `json:"framework"`
	}{r, g}, "  ")
}

// writeJSON writes one value and a newline. Characters that act on a terminal are
// escaped, which JSON allows in strings: the value stays the same.
func writeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range b.String() {
		switch {
		case !acts(r) || r == '\n':
			out.WriteRune(r)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	_, err := io.WriteString(w, strings.ReplaceAll(out.String(), "##", `#\u0023`))
	return err
}

// acts reports whether a character may do something other than be seen: move a cursor,
// turn the direction of text, hide, break a line.
func acts(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Noncharacter_Code_Point, unicode.Variation_Selector) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// inert is a text in which nothing acts: what would is shown as its escape. A line break,
// as in a longer message, becomes a space.
func inert(s string) string { return uncommanded(disarm(s, ' '), `\u003a`, `\u0023`) }

// Inert is a text as reports write it: neither a terminal nor a CI system acts on it.
func Inert(s string) string { return inert(s) }

// disarm is inert with line breaks replaced.
func disarm(s string, lineBreak rune) string {
	if strings.IndexFunc(s, acts) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteRune(lineBreak)
		case !acts(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
