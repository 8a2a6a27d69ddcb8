package audit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gatewarden/gatewarden/internal/access"
)

//go:embed evidence.html
var evidenceHTML string

//go:embed evidence.css
var evidenceCSS string

const (
	documentOpen  = `<script type="application/json" id="evidence">`
	documentClose = `</script>`
)

// WriteJSON writes the document for people and programs: how it is indented is not signed.
func (e Evidence) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}

// WriteHTML writes a page that needs nothing else, and carries the document: [CheckPage]
// tells whether the page shows what the document says.
func (e Evidence) WriteHTML(w io.Writer) error {
	t, err := template.New("evidence").Funcs(template.FuncMap{
		"named": e.named, "stamp": stamp, "short": short12, "kind": words, "fields": e.fields, "source": sourceName, "signers": e.signers,
	}).Parse(evidenceHTML)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(evidenceCSS))
	var b bytes.Buffer
	if err := t.Execute(&b, evidencePage{
		Evidence: e, Style: template.CSS(evidenceCSS), StyleSum: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		Headline: e.headline(), Tiles: e.tiles(),
	}); err != nil {
		return err
	}
	raw, err := json.Marshal(e) // with < as an escape: nothing in it ends the script
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(b.String(), documentOpen) // text in the page has its < escaped: this is the one of the template
	_, err = io.WriteString(w, before+documentOpen+string(raw)+after)
	return err
}

type evidencePage struct {
	Evidence
	Style    template.CSS
	StyleSum string
	Headline string
	Tiles    []evidenceTile
}

type evidenceTile struct{ Count, Word string }

// IsPage reports whether a text is a page, and no document by itself.
func IsPage(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) }

// carried is the document within a page, or the text itself.
func carried(text []byte) ([]byte, error) {
	if !IsPage(text) {
		return text, nil
	}
	_, rest, ok := bytes.Cut(text, []byte(documentOpen))
	raw, _, also := bytes.Cut(rest, []byte(documentClose))
	if !ok || !also {
		return nil, errors.New("the page carries no document")
	}
	return raw, nil
}

// CheckPage says what is wrong with a page that carries the document: empty, if it is exactly
// what this version makes of it.
func CheckPage(e Evidence, page []byte) string {
	var b bytes.Buffer
	if err := e.WriteHTML(&b); err != nil || !bytes.Equal(b.Bytes(), page) {
		return "the page is not what this version makes of the document in it: another version made it, or somebody changed it; only the document counts"
	}
	return ""
}

// named puts names in the place of their pseudonyms, and nothing into it that acts on a reader.
func (e Evidence) named(s string) string {
	for _, p := range slices.Sorted(maps.Keys(e.Names)) {
		s = strings.ReplaceAll(s, p, e.Names[p])
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && r != '\n' {
			return '�'
		}
		return r
	}, s)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 Jan 2006, 15:04:05.000") + " UTC"
}

func short12(s string) string { return s[:min(len(s), 12)] }

// sourceName is a source without when it was made.
func sourceName(s string) string {
	name, _, _ := strings.Cut(s, "@")
	return name
}

// fieldRow is one field of a resource before and after a change.
type fieldRow struct {
	Name, Before, After string
	Changed             bool
}

// fields are the fields of a step's resource, those that changed first.
func (e Evidence) fields(s Step) []fieldRow {
	before, after := members(s.Before), members(s.After)
	names := maps.Clone(before)
	maps.Copy(names, after)
	var out []fieldRow
	for _, n := range slices.Sorted(maps.Keys(names)) {
		out = append(out, fieldRow{n, e.named(before[n]), e.named(after[n]), before[n] != after[n]})
	}
	slices.SortStableFunc(out, func(a, b fieldRow) int {
		switch {
		case a.Changed == b.Changed:
			return 0
		case a.Changed:
			return -1
		}
		return 1
	})
	return out
}

func members(raw json.RawMessage) map[string]string {
	var all map[string]json.RawMessage
	out := map[string]string{}
	if json.Unmarshal(raw, &all) != nil {
		return out
	}
	for n, v := range all {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		out[n] = text
	}
	return out
}

// headline says how it ended.
func (e Evidence) headline() string {
	a := e.About
	switch {
	case a.ActionState == string(access.ActionVerified) && a.State == string(access.FindingResolved):
		if end := e.end(); !a.Caused.IsZero() && end.After(a.Caused) {
			return "Put right and read back, " + access.Lasts(end.Sub(a.Caused)) + " after it happened."
		}
		return "Put right and read back."
	case a.State == string(access.FindingResolved):
		return "It is no violation any more."
	case a.State == string(access.FindingWaived):
		return "It stands, under a waiver."
	case a.ActionState != "":
		return "It stands; what was to be done is " + words(a.ActionState) + "."
	}
	return "It stands."
}

// end is when it was last read back.
func (e Evidence) end() (at time.Time) {
	for _, s := range e.Steps {
		if s.Kind == StepReadBack && s.At.After(at) {
			at = s.At
		}
	}
	return at
}

func (e Evidence) tiles() []evidenceTile {
	count := map[string]int{}
	for _, s := range e.Steps {
		count[s.Kind]++
	}
	var out []evidenceTile
	for _, k := range []struct{ kind, one, more string }{
		{StepEvent, "event", "events"}, {StepChange, "change", "changes"}, {StepJudgement, "judgement", "judgements"}, {StepPlan, "plan", "plans"},
		{StepVote, "vote", "votes"}, {StepWrite, "write", "writes"}, {StepReadBack, "read-back", "read-backs"},
	} {
		word := k.more
		if count[k.kind] == 1 {
			word = k.one
		}
		out = append(out, evidenceTile{fmt.Sprint(count[k.kind]), word})
	}
	return out
}

// signers says by which checkpoints an entry is signed itself.
func (e Evidence) signers(seq uint64) string {
	for _, line := range e.Checkpoints {
		if c, _, err := decodeCheckpoint([]byte(line)); err == nil && c.Head.Seq == seq {
			return fmt.Sprintf("checkpoint %d, %s", c.N, stamp(c.At))
		}
	}
	return ""
}
