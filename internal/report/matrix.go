package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

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
	Worst          access.Severity
	asked          bool
}

// String is the count; a question mark says that there may be more, and a dash that
// nothing was asked.
func (c matrixCell) String() string {
	switch {
	case c.Count > 0 && c.Unknown > 0:
		return fmt.Sprintf("%d + ?", c.Count)
	case c.Count > 0:
		return strconv.Itoa(c.Count)
	case c.Unknown > 0:
		return "?"
	case !c.asked:
		return "–"
	}
	return "0"
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

// gap is a read that cannot be believed.
type gap struct {
	Place  string
	Kind   access.Kind
	Status string
	Reason string
}

// gaps lists what could not be read, in the order of the scopes.
func (r Report) gaps() []gap {
	var out []gap
	for _, s := range r.Scopes {
		kinds := make([]access.Kind, 0, len(s.Reads))
		for k := range s.Reads {
			kinds = append(kinds, k)
		}
		slices.Sort(kinds)
		for _, k := range kinds {
			read := s.Reads[k]
			if read.Readable() {
				continue
			}
			g := gap{Place: s.Name(), Kind: k, Status: string(read.Status), Reason: read.Reason}
			switch {
			case read.Status == access.StatusUnread:
				g.Status = "not read"
			case read.Odd > 0:
				g.Status = fmt.Sprintf("%s, %d not understood", g.Status, read.Odd)
			}
			out = append(out, g)
		}
	}
	return out
}
