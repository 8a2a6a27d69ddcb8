package watcher

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gatewarden/gatewarden/internal/access"
)

//go:embed eventtable.txt
var eventTableText string

// effect is what an event type says of one kind. An empty op is a reason to read the
// kind and nothing more; observed leaves no difference and is told as it is; a side
// effect explains a change that nothing else explains, and is never told by itself.
type effect struct {
	kind access.Kind
	op   access.Op
	side bool
}

// meaning is what an event type says in one feed. Only its first effect may be told
// without a difference.
type meaning []effect

// feedType is an event type in the feed of an org or of a project: USER_ROLES_CHANGED_AUDIT
// is about another kind in each.
type feedType struct {
	name string
	org  bool
}

// eventTable is eventtable.txt, which says how it is to be read.
type eventTable struct {
	mapped  map[feedType]meaning
	passed  map[feedType]string // ignored in this feed: name of the reason
	ignored map[string]string   // ignored in every feed
	reasons map[string]string   // name to sentence
	newer   map[string]bool     // not in the specification
}

// meanings looks up what an event type says in a feed. A type that the table does not
// hold, or ignores, has no effects: it stays a fact.
func meanings(eventType string, org bool) meaning {
	return theEventTable().mapped[feedType{eventType, org}]
}

// KindsOf lists the kinds that an event of this type in the scope's feed has read again:
// what a webhook that tells of such an event makes dirty.
func KindsOf(scope access.Scope, eventType string) (out []access.Kind) {
	for _, e := range meanings(eventType, scope.IsOrg()) {
		if !slices.Contains(out, e.kind) {
			out = append(out, e.kind)
		}
	}
	return out
}

var theEventTable = sync.OnceValue(func() eventTable {
	t, err := parseEventTable(eventTableText)
	if err != nil {
		panic(err) // the table is a part of the program
	}
	return t
})

func parseEventTable(text string) (eventTable, error) {
	t := eventTable{
		mapped: map[feedType]meaning{}, passed: map[feedType]string{}, ignored: map[string]string{},
		reasons: map[string]string{}, newer: map[string]bool{},
	}
	reason := ""
	for i, line := range strings.Split(text, "\n") {
		var err error
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "ignored "):
			reason, err = t.addReason(line)
		case strings.HasPrefix(line, "  "):
			err = t.addIgnored(reason, strings.Fields(line))
		default:
			err = t.addRow(strings.Split(line, "\t"))
		}
		if err != nil {
			return t, fmt.Errorf("event table, line %d: %w", i+1, err)
		}
	}
	return t, t.check()
}

func (t eventTable) addReason(line string) (name string, err error) {
	name, sentence, ok := strings.Cut(strings.TrimPrefix(line, "ignored "), ": ")
	if _, twice := t.reasons[name]; !ok || twice || sentence == "" {
		return "", fmt.Errorf("%q is not a new reason", line)
	}
	t.reasons[name] = sentence
	return name, nil
}

func (t eventTable) addIgnored(reason string, types []string) error {
	for _, name := range types {
		if _, twice := t.ignored[name]; twice || reason == "" {
			return fmt.Errorf("%s is ignored twice or without a reason", name)
		}
		t.ignored[name] = reason
	}
	return nil
}

func (t eventTable) addRow(columns []string) error {
	if len(columns) < 3 || len(columns) > 4 {
		return fmt.Errorf("%q has %d columns", columns[0], len(columns))
	}
	name := columns[0]
	if len(columns) == 4 {
		if columns[3] != "newer" {
			return fmt.Errorf("%s: unknown source %q", name, columns[3])
		}
		t.newer[name] = true
	}
	feeds, ok := map[string][]bool{"org": {true}, "project": {false}, "both": {true, false}}[columns[1]]
	if !ok {
		return fmt.Errorf("%s: unknown feed %q", name, columns[1])
	}
	for _, org := range feeds {
		if err := t.addMeaning(feedType{name, org}, columns[2]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (t eventTable) addMeaning(key feedType, text string) error {
	_, mapped := t.mapped[key]
	if _, passed := t.passed[key]; mapped || passed {
		return fmt.Errorf("it is there twice")
	}
	if reason, ok := strings.CutPrefix(text, "- "); ok {
		t.passed[key] = reason
		return nil
	}
	kinds := access.ProjectKinds()
	if key.org {
		kinds = access.OrgKinds()
	}
	for i, part := range strings.Split(text, ", ") {
		e, err := parseEffect(part, i == 0)
		if err != nil {
			return err
		}
		if !slices.Contains(kinds, e.kind) {
			return fmt.Errorf("%q is no kind of this feed's scope", e.kind)
		}
		t.mapped[key] = append(t.mapped[key], e)
	}
	return nil
}

func parseEffect(text string, first bool) (effect, error) {
	kind, word, _ := strings.Cut(text, " ")
	e := effect{kind: access.Kind(kind)}
	bare, side := strings.CutPrefix(word, "~")
	switch op := access.Op(bare); {
	case word == "read":
		return e, nil
	case op == access.OpCreated, op == access.OpUpdated, op == access.OpDeleted, op == access.OpObserved && !side:
		e.op, e.side = op, side
	default:
		return e, fmt.Errorf("%q says nothing known of a kind", text)
	}
	if !e.side && !first {
		return e, fmt.Errorf("%q: only the first kind may be told without a difference", text)
	}
	return e, nil
}

// check is what only the whole table can show.
func (t eventTable) check() error {
	for key, reason := range t.passed {
		if t.reasons[reason] == "" {
			return fmt.Errorf("event table: %s is ignored for %q, which is no reason", key.name, reason)
		}
	}
	for _, org := range []bool{true, false} {
		for name := range t.ignored {
			key := feedType{name, org}
			if _, passed := t.passed[key]; passed || t.mapped[key] != nil {
				return fmt.Errorf("event table: %s is mapped and ignored", name)
			}
		}
	}
	return nil
}
