package rules

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatewarden/gatewarden/internal/access"
)

// aliases are the display names that texts may hold, each with what stands for it whatever the
// name becomes: whoever may rename a project must not make every finding of it news.
type aliases []named

type named struct{ title, quoted, id string } // quoted: as JSON has it

// namesOf are those of a judgement, the longest first.
func namesOf(in *Input) aliases {
	var out aliases
	add := func(scope access.Scope, title string) {
		if title != "" {
			out = append(out, named{title, inJSON(title), "project " + scope.ID()})
		}
	}
	add(in.Scope, titleOf(in))
	for _, p := range in.Facts.Projects {
		add(p.Scope, p.Title)
	}
	for _, x := range in.Facts.Shared {
		for _, p := range x.Projects {
			add(p.Scope, p.Title)
		}
	}
	for _, o := range access.States[access.Org](in.Facts.Org[access.KindOrg]) {
		add(access.OrgScope(o.ID), o.Title)
	}
	slices.SortFunc(out, func(a, b named) int {
		return cmp.Or(cmp.Compare(len(b.title), len(a.title)), cmp.Compare(a.title, b.title), cmp.Compare(a.id, b.id))
	})
	return slices.Compact(out)
}

// plain is a text, or one that is written in JSON, with ids in place of the names.
func (n aliases) plain(text string) string {
	var b strings.Builder
	before := ' '
	for i := 0; i < len(text); {
		if !inWord(before) {
			if title, id := n.at(text[i:]); id != "" {
				b.WriteString(id)
				i += len(title)
				before = 'x'
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		b.WriteString(text[i : i+size])
		before = r
		i += size
	}
	return b.String()
}

// at is the name that a text begins with, as a word of its own.
func (n aliases) at(text string) (title, id string) {
	for _, x := range n {
		for _, t := range []string{x.title, x.quoted} {
			if rest, ok := strings.CutPrefix(text, t); ok {
				if next, _ := utf8.DecodeRuneInString(rest); rest == "" || !inWord(next) {
					return t, x.id
				}
			}
		}
	}
	return "", ""
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }

func inJSON(s string) string {
	src, err := json.Marshal(s)
	if err != nil {
		panic("rules: a name does not encode: " + err.Error())
	}
	return string(src[1 : len(src)-1])
}

// said names all that a finding tells, whatever things are called.
func (n aliases) said(f access.Finding) string {
	f.Said = ""
	f.Evidence.Before, f.Evidence.After = untitled(f.Evidence.Before), untitled(f.Evidence.After)
	src, err := json.Marshal(f)
	if err != nil {
		panic("rules: a finding does not encode: " + err.Error())
	}
	return access.Hash(n.plain(string(src)))
}

// untitled is a project or org without its display name.
func untitled(b access.Box) access.Box {
	if p, ok := access.As[access.Project](b); ok {
		p.Title = ""
		return access.Box{State: p}
	}
	if o, ok := access.As[access.Org](b); ok {
		o.Title = ""
		return access.Box{State: o}
	}
	return b
}
