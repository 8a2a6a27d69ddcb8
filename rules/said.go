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
// name becomes: whoever may rename a project must not make every finding of it news. Looking at
// a text takes as long however many names there are.
type aliases struct {
	ids     map[string]string // by title, and by the title as JSON has it
	lengths map[byte][]int    // of those that begin so, the longest first
}

// namesOf are those of a judgement.
func namesOf(in *Input) *aliases {
	n := &aliases{map[string]string{}, map[byte][]int{}}
	n.add(in.Scope, titleOf(in))
	for _, p := range in.Facts.Projects {
		n.add(p.Scope, p.Title)
	}
	for _, x := range in.Facts.Shared {
		for _, p := range x.Projects {
			n.add(p.Scope, p.Title)
		}
	}
	for _, o := range access.States[access.Org](in.Facts.Org[access.KindOrg]) {
		n.add(access.OrgScope(o.ID), o.Title)
	}
	for first, all := range n.lengths {
		slices.SortFunc(all, func(a, b int) int { return cmp.Compare(b, a) })
		n.lengths[first] = slices.Compact(all)
	}
	return n
}

// add takes in one name. Of two projects that are called the same the first id stands for both.
func (n *aliases) add(scope access.Scope, title string) {
	if title == "" {
		return
	}
	id := "project " + scope.ID()
	known, there := n.ids[title]
	if there && known <= id {
		return
	}
	for _, t := range []string{title, inJSON(title)} {
		n.ids[t] = id
		if !there {
			n.lengths[t[0]] = append(n.lengths[t[0]], len(t))
		}
	}
}

// plain is a text, or one that is written in JSON, with ids in place of the names.
func (n *aliases) plain(text string) string {
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

// at is the longest name that a text begins with, as a word of its own.
func (n *aliases) at(text string) (title, id string) {
	for _, length := range n.lengths[text[0]] {
		if length > len(text) {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(text[length:]); length < len(text) && inWord(next) {
			continue
		}
		if id, ok := n.ids[text[:length]]; ok {
			return text[:length], id
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
func (n *aliases) said(f access.Finding) string {
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
