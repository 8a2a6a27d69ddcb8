package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// matrix is what stands, by environment and gate.
type matrix struct {
	Gates []Gate
	Rows  []matrixRow
}

type matrixRow struct {
	Name     string // the environment, or the orgs
	Projects int
	Cells    []matrixCell // as many as there are gates
}

type matrixCell struct {
	Count, Unknown int
	Hidden         int // findings that a filter left out
	Worst          access.Severity
	asked          bool
}

// String is the count, of what a filter left out in brackets; a question mark says that
// there may be more, and a dash that nothing was asked.
func (c matrixCell) String() string {
	var parts []string
	if c.Count > 0 {
		parts = append(parts, strconv.Itoa(c.Count))
	}
	if c.Hidden > 0 {
		parts = append(parts, "("+strconv.Itoa(c.Hidden)+")")
	}
	text := strings.Join(parts, " ")
	switch {
	case c.Unknown > 0 && text != "":
		return text + " + ?"
	case c.Unknown > 0:
		return "?"
	case text != "":
		return text
	case !c.asked:
		return "–"
	}
	return "0"
}

// has says which of the marks the cells bear.
func (m matrix) has(mark func(matrixCell) bool) bool {
	return slices.ContainsFunc(m.Rows, func(r matrixRow) bool { return slices.ContainsFunc(r.Cells, mark) })
}

// Key explains the marks that there are in the table.
func (m matrix) Key() string {
	return m.key("In brackets", "?: something could not be judged there, and there may be more.")
}

// PageKey explains those of the page, which says what it counts.
func (m matrix) PageKey() string {
	return m.key("Not shown", "Unknown: answers that could not be given; there may be more findings.")
}

func (m matrix) key(hidden, unknown string) string {
	parts := []string{"Findings that stand."}
	if m.has(func(c matrixCell) bool { return c.Hidden > 0 }) {
		parts = append(parts, hidden+": findings that a filter left out, waived ones included.")
	}
	if m.has(func(c matrixCell) bool { return c.Unknown > 0 }) {
		parts = append(parts, unknown)
	}
	if m.has(func(c matrixCell) bool { return c.String() == "–" }) {
		parts = append(parts, "–: nothing was asked there.")
	}
	return strings.Join(parts, " ")
}

// The rows that are no environments.
const (
	rowOrg       = "organization"
	rowUnmatched = "no environment"
)

// matrix needs a report as shown.
func (r Report) matrix() matrix {
	var m matrix
	for _, g := range Gates() {
		if slices.ContainsFunc(r.Rules, func(x Rule) bool { return x.Gate == g }) {
			m.Gates = append(m.Gates, g)
		}
	}
	row := map[access.Scope]int{}
	index := map[string]int{}
	for _, s := range r.Scopes {
		name := cmp.Or(s.Environment, rowUnmatched)
		if s.Scope.IsOrg() {
			name = rowOrg
		}
		i, ok := index[name]
		if !ok {
			i = len(m.Rows)
			index[name] = i
			m.Rows = append(m.Rows, matrixRow{Name: name, Cells: make([]matrixCell, len(m.Gates))})
		}
		row[s.Scope] = i
		m.Rows[i].Projects++
	}
	gates := map[string]Gate{}
	for _, rule := range r.Rules {
		gates[rule.ID] = rule.Gate
	}
	cell := func(scope access.Scope, rule string) *matrixCell {
		return &m.Rows[row[scope]].Cells[slices.Index(m.Gates, gates[rule])]
	}
	for _, s := range r.Scopes {
		for id := range s.Judged {
			if gates[id] != "" {
				cell(s.Scope, id).asked = true
			}
		}
	}
	type at struct {
		scope access.Scope
		rule  string
	}
	listed := map[at]int{}
	for _, f := range r.Findings {
		if f.Open() {
			listed[at{f.Ref.Scope, f.Rule}]++
		}
	}
	for _, s := range r.Scopes {
		for id, j := range s.Judged {
			if gates[id] != "" && r.Hidden[id] > 0 {
				cell(s.Scope, id).Hidden += max(0, j.Violations-listed[at{s.Scope, id}])
			}
		}
	}
	for _, f := range r.Findings {
		if f.Stands() {
			c := cell(f.Ref.Scope, f.Rule)
			if c.Count == 0 || rank(f.Severity) < rank(c.Worst) {
				c.Worst = f.Severity
			}
			c.Count++
		}
	}
	for _, u := range r.Unknown {
		cell(u.Ref.Scope, u.Rule).Unknown += max(1, u.Count)
	}
	return m
}

// group is what could not be known for one reason, in all the places where it was so.
type group struct {
	What, Why string
	Places    []string
	Count     int
}

// groupUp adds to the group of the same what and why, or makes one.
func groupUp(groups []group, what, why, place string, count int) []group {
	i := slices.IndexFunc(groups, func(g group) bool { return g.What == what && g.Why == why })
	if i < 0 {
		groups, i = append(groups, group{What: what, Why: why}), len(groups)
	}
	groups[i].Count += count
	if count > 1 {
		place += fmt.Sprintf(" (%d)", count)
	}
	groups[i].Places = append(groups[i].Places, place)
	return groups
}

// unknownGroups needs a report as shown.
func (r Report) unknownGroups() []group {
	var out []group
	names := r.names()
	for _, u := range r.Unknown {
		out = groupUp(out, u.Rule, u.Why, names[u.Ref.Scope], max(1, u.Count))
	}
	slices.SortStableFunc(out, func(a, b group) int { return cmp.Compare(a.What, b.What) })
	return out
}

// gapGroups are the reads that cannot be believed. They need a report as shown.
func (r Report) gapGroups() []group {
	var out []group
	for _, s := range r.Scopes {
		if len(s.Reads) == 0 {
			out = groupUp(out, "nothing was read", "", s.Name(), 1)
		}
		for _, k := range slices.Sorted(maps.Keys(s.Reads)) {
			if read := s.Reads[k]; !read.Readable() {
				out = groupUp(out, string(k)+": "+read.word(), read.Reason, s.Name(), 1)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b group) int { return cmp.Compare(a.What, b.What) })
	return out
}

// word is how a read went that did not go well.
func (r Read) word() string {
	status := cmp.Or(string(r.Status), "not read")
	if r.Odd > 0 {
		return fmt.Sprintf("%s, %d not understood", status, r.Odd)
	}
	return status
}
