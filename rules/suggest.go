package rules

import (
	"fmt"
	"strconv"
	"strings"
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
