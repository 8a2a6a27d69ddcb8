package report

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// poison puts a text in front of every string of a value, keys of maps and enumerations
// included: whatever is in a report, it stays parseable and nothing of it acts.
func poison(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text + v.String())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				poison(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), text)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			val := reflect.New(v.Type().Elem()).Elem()
			val.Set(v.MapIndex(k))
			key := reflect.New(v.Type().Key()).Elem()
			key.Set(k)
			v.SetMapIndex(k, reflect.Value{})
			poison(key, text)
			poison(val, text)
			v.SetMapIndex(key, val)
		}
	}
}

func poisoned(text string) Report {
	r := sample(8, true).Baseline(sample(4, true))
	poison(reflect.ValueOf(&r).Elem(), text)
	return r
}

// parseable checks one report in some formats.
func parseable(t testing.TB, r Report, formats ...string) {
	t.Helper()
	for _, format := range formats {
		for _, framework := range []string{"", "soc2"} {
			if framework != "" && slices.Contains([]string{"sarif", "junit", "ocsf"}, format) {
				continue
			}
			var b strings.Builder
			if err := Write(format, &b, r, Options{Framework: framework}); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			out := b.String()
			for i, c := range out {
				if acts(c) && c != '\n' && (format != "csv" || c != '\r') {
					t.Fatalf("%s: %U acts, at %d: %q", format, c, i, out[max(0, i-40):min(len(out), i+10)])
				}
			}
			if line := ordered(format, out); line != "" {
				t.Fatalf("%s: a CI system is ordered to do something: %q", format, line)
			}
			if err := parses(format, out); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
		}
	}
}

func parses(format, out string) error {
	switch format {
	case "json", "sarif":
		if !json.Valid([]byte(out)) {
			return errors.New("no JSON")
		}
	case "ocsf":
		for _, l := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
			if !json.Valid([]byte(l)) {
				return errors.New("a line is no JSON: " + l)
			}
		}
	case "junit":
		return wellFormed(out, nil)
	case "csv":
		return harmless(out)
	case "html":
		return page5(out)
	}
	return nil
}

// ordered is a line that a CI system would take for a command.
func ordered(format, out string) string {
	if format == "html" {
		out = scripts.ReplaceAllString(out, "")
	}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "##") || orders.MatchString(line) {
			return line
		}
	}
	return ""
}

var orders = regexp.MustCompile(`^::[a-z-]{5,}.*::`)

func harmless(out string) error {
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r") {
				return errors.New("a cell is a formula: " + c)
			}
		}
	}
	return nil
}

// elements are those that the page may hold. A text of Atlas that became markup would be
// another, or have an attribute that none of ours has.
var elements = strings.Fields(`html head meta title link style script body a header div p svg path circle rect text nav ul ol li button main section h1 h2 h3
	b span br table thead tbody tr th td details summary form label input select option output code dl dt dd footer`)

var scripts = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`)

func page5(out string) error {
	if n := strings.Count(out, "<script"); n != 1 {
		return errors.New("there are scripts that are not ours")
	}
	if !strings.HasSuffix(strings.TrimSpace(out), "</html>") {
		return errors.New("the page has no end")
	}
	return wellFormed(scripts.ReplaceAllString(out, ""), func(e xml.StartElement) error {
		if !slices.Contains(elements, e.Name.Local) {
			return errors.New("a text became the element " + e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "src" {
				return errors.New("a text became the attribute " + a.Name.Local)
			}
			if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") && !strings.HasPrefix(a.Value, "https://") && a.Value != "data:," {
				return errors.New("a text became the link " + a.Value)
			}
		}
		return nil
	})
}

// wellFormed parses markup, HTML by its own rules for elements without an end.
func wellFormed(out string, each func(xml.StartElement) error) error {
	d := xml.NewDecoder(strings.NewReader(out))
	if each != nil {
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := tok.(xml.StartElement); ok && each != nil {
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

func TestOddReports(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile()), rapid.String()), 1, 3).Draw(rt, "parts")
		r := sample(rapid.IntRange(0, 5).Draw(rt, "findings"), true)
		poison(reflect.ValueOf(&r).Elem(), strings.Join(parts, ""))
		parseable(t, r, rapid.SampledFrom(Formats()).Draw(rt, "format"))
	})
}

// FuzzFormats runs over the hostile texts in every test run.
func FuzzFormats(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { parseable(t, poisoned(text), Formats()...) })
}

// TestNamesOfAttackers: whatever a name is, and wherever a narrow line breaks it, no format
// hands it on.
func TestNamesOfAttackers(t *testing.T) {
	for _, name := range append(hostile(), strings.Repeat("a", 87)+"::error file=x::"+strings.Repeat("b", 40)) {
		r := sample(12, false)
		for i := range r.Findings {
			f := &r.Findings[i]
			f.Ref.Name, f.Message, f.ProjectTitle, f.Owner, f.Actor.Name = name, "Entry "+name+" is open.", name, name, name
		}
		for i := range r.Scopes {
			r.Scopes[i].Title = name
			for k, read := range r.Scopes[i].Reads {
				read.Reason += name
				r.Scopes[i].Reads[k] = read
			}
		}
		for i := range r.Orgs {
			r.Orgs[i].Title = name
		}
		for i := range r.Unknown {
			r.Unknown[i].Why = name
		}
		parseable(t, r, Formats()...)
		for width := range 30 {
			var b strings.Builder
			if err := Write("table", &b, r, Options{Width: narrowWidth + width}); err != nil {
				t.Fatal(err)
			}
			if line := ordered("table", b.String()); line != "" {
				t.Fatalf("%q at %d columns: %q", name, narrowWidth+width, line)
			}
		}
	}
}

func TestInert(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "ünï 漢字": "ünï 漢字", "a\u202eb": `a\u202eb`, "\x1b[31m": `\u001b[31m`, "a\nb": "a b", "\xff": `\xff`, "\ufffd": "\ufffd",
		"\U000E0041": `\U000e0041`, "\u00ad": `\u00ad`, "\u2028": `\u2028`, "\t": `\u0009`, "::/0, 2001:db8::/32 and 2001:db8::cafe": "::/0, 2001:db8::/32 and 2001:db8::cafe",
		"::error::x": `:\u003aerror::x`, "::b::error::x": `::b:\u003aerror::x`, "a ::add-mask a::": `a :\u003aadd-mask a::`, "##vso[x]": `#\u0023vso[x]`, "###": `#\u0023#`,
	} {
		if got := inert(in); got != want {
			t.Errorf("inert(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\t=1": `'\u0009=1`, " =1": "' =1", "＝1": "'＝1", "203.0.113.0/24": "203.0.113.0/24", "": "", "a=1": "a=1",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}
