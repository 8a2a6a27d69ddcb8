package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// suggestion is a hint at the word that was meant; empty if none is near.
func suggestion[V any](word string, known map[string]V) string {
	best, at := "", 3
	for k := range known {
		if d := distance(word, k); d < at || d == at && best != "" && k < best {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// distance is the number of edits between two short words.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// MeantName is a hint at the one of several names that a word was meant for: what is near, or
// what Atlas calls by more than the word, as a database user by its database. It may be empty.
func MeantName(word string, names []string) string {
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	return nearName(word, known)
}

// MeantKind is a hint at the kind that a word was meant for, as ": did you mean …"; it may
// be empty.
func MeantKind(word string) string { return suggestion(word, kindNames()) }

// MeantRule is a hint at the rules of a list that a word was meant for; it may be empty.
// What is near counts, and what has the word as its name, or a part of it.
func MeantRule(word string, list []Rule) string {
	ids, parts := map[string]bool{}, []string{}
	_, name, ok := strings.Cut(word, "/")
	if !ok {
		name = word
	}
	for _, r := range list {
		ids[r.ID] = true
		if _, own, _ := strings.Cut(r.ID, "/"); len(name) > 2 && (strings.Contains(own, name) || strings.Contains(name, own) || distance(name, own) < 3) {
			parts = append(parts, strconv.Quote(r.ID))
		}
	}
	if near := suggestion(word, ids); near != "" || len(parts) == 0 {
		return near
	}
	return ": did you mean " + strings.Join(parts[:min(len(parts), 5)], " or ") + "?"
}

var undefinedField = regexp.MustCompile(`^undefined field '([^']*)'`)

// meantField is a hint at the field that was meant, where a message of the language says that
// there is none of a name. It does not say of which type, so that all that a rule on these
// kinds sees are looked at; if none is near, where to look.
func (c *compiler) meantField(message string, of []access.Kind) string {
	m := undefinedField.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	found, fields := typesOf{c.base.CELTypeProvider(), map[string]*Type{}}, map[string]bool{}
	for _, k := range of {
		found.see(kinds[k].celType())
	}
	for _, t := range found.types {
		for _, f := range t.Fields {
			fields[f.Name] = true
		}
	}
	return cmpOr(suggestion(m[1], fields), fmt.Sprintf(": gatewarden rules vars %s names all that there are", of[0]))
}
