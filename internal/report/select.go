package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// rank is the place of a severity, 0 the worst. One that is not known counts as the worst.
func rank(s access.Severity) int { return max(0, slices.Index(access.Severities(), s)) }

// AtLeast reports whether a is as severe as b, or more.
func AtLeast(a, b access.Severity) bool { return rank(a) <= rank(b) }

// FailOn reports whether a finding of this severity or worse stands. Compared with a
// baseline, only what is new counts.
func (r Report) FailOn(s access.Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Stands() && AtLeast(f.Severity, s) && (r.Compared == nil || f.New)
	})
}

// MayFailOn reports whether one stands that may be new: the baseline could not tell.
func (r Report) MayFailOn(s access.Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Stands() && AtLeast(f.Severity, s) && f.MayBeNew })
}

// Incomplete reports whether something could not be read or judged, so that a report
// without findings says little.
func (r Report) Incomplete() bool {
	t := r.Totals()
	return t.Unknown > 0 || t.Unreadable > 0 || t.NotRead > 0
}

// Filter is which findings to show. Its zero value shows all. It never drops what could
// not be read or judged.
type Filter struct {
	AtLeast      access.Severity // empty: any
	Gates        []Gate          // empty: any
	Rules        []string        // globs over rule ids; empty: any
	Projects     []string        // globs over titles and ids of projects and orgs; empty: any
	Environments []string        // empty: any
	OnlyNew      bool            // against the baseline, and what may be
}

// Keep is the report with the findings that the filter shows, and counts of the others: a
// filter makes nothing clean.
func (r Report) Keep(f Filter) Report {
	hidden := map[string]int{}
	maps.Copy(hidden, r.Hidden)
	r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(x Finding) bool {
		if f.shows(x) {
			return false
		}
		if x.Open() {
			hidden[x.Rule]++
		}
		return true
	})
	r.Hidden = nil
	if len(hidden) > 0 {
		r.Hidden = hidden
	}
	return r
}

func (f Filter) shows(x Finding) bool {
	project := func(glob string) bool {
		return access.Match(glob, x.ProjectTitle) || access.Match(glob, x.Ref.Scope.ID())
	}
	return (f.AtLeast == "" || AtLeast(x.Severity, f.AtLeast)) &&
		(len(f.Gates) == 0 || slices.Contains(f.Gates, x.Gate)) &&
		(len(f.Rules) == 0 || slices.ContainsFunc(f.Rules, func(g string) bool { return access.Match(g, x.Rule) })) &&
		(len(f.Projects) == 0 || slices.ContainsFunc(f.Projects, project)) &&
		(len(f.Environments) == 0 || slices.Contains(f.Environments, x.Environment)) &&
		(!f.OnlyNew || x.New || x.MayBeNew)
}

// Sorted is the report in the order in which it is shown: the worst first, then by
// project, rule and resource.
func (r Report) Sorted() Report {
	r.Orgs = sortedBy(r.Orgs, func(a, b Org) int { return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID)) })
	r.Scopes = sortedBy(r.Scopes, compareScopes)
	for i := range r.Scopes {
		s := &r.Scopes[i]
		if s.Reads == nil {
			s.Reads = map[access.Kind]Read{}
		}
		if s.Judged == nil {
			s.Judged = map[string]Judged{}
		}
	}
	r.Rules = sortedBy(r.Rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(gateRank(a.Gate), gateRank(b.Gate)), cmp.Compare(a.ID, b.ID))
	})
	r.Findings = sortedBy(r.Findings, compareFindings)
	r.Unknown = sortedBy(r.Unknown, func(a, b Unknown) int {
		return cmp.Or(cmp.Compare(a.Ref.Scope, b.Ref.Scope), cmp.Compare(a.Rule, b.Rule), compareRefs(a.Ref, b.Ref), cmp.Compare(a.Why, b.Why))
	})
	r.NotCovered = sortedBy(r.NotCovered, func(a, b NotCovered) int { return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Why, b.Why)) })
	r.Waivers = sortedBy(r.Waivers, func(a, b Waiver) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID)) })
	return r
}

// sortedBy sorts a copy, which is never nil: an empty list is a fact.
func sortedBy[T any](in []T, compare func(a, b T) int) []T {
	out := append(make([]T, 0, len(in)), in...)
	slices.SortStableFunc(out, compare)
	return out
}

func gateRank(g Gate) int { return slices.Index(Gates(), g) }

// compareScopes puts orgs first, then production, then what is judged as production.
func compareScopes(a, b Scope) int {
	side := func(s Scope) int {
		switch {
		case s.Scope.IsOrg():
			return 0
		case s.Environment == "":
			return 2
		case s.Production:
			return 1
		}
		return 3
	}
	return cmp.Or(cmp.Compare(side(a), side(b)), cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Scope, b.Scope))
}

func compareFindings(a, b Finding) int {
	return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.ProjectTitle, b.ProjectTitle),
		cmp.Compare(a.Ref.Scope, b.Ref.Scope), cmp.Compare(a.Rule, b.Rule), compareRefs(a.Ref, b.Ref), cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID))
}

func compareRefs(a, b access.Ref) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// Totals are the numbers of a report's first line.
type Totals struct {
	Standing   int                     // findings that stand
	By         map[access.Severity]int // of those
	New        int                     // of those, against the baseline
	Waived     int
	Hidden     int // findings that a filter left out
	Unknown    int // answers that could not be given, and findings that cannot be judged now
	NotCovered int // rules
	Unreadable int // reads that did not come to an end, or held what could not be decoded
	Read       int // reads that were tried
	NotRead    int // orgs and projects of which nothing was read; one, if there is none at all
}

// Totals counts.
func (r Report) Totals() Totals {
	t := Totals{By: map[access.Severity]int{}, NotCovered: len(r.NotCovered)}
	for _, f := range r.Findings {
		switch {
		case !f.Open():
		case f.IsWaived():
			t.Waived++
		default:
			t.Standing++
			t.By[f.Severity]++
			if f.New {
				t.New++
			}
		}
	}
	for _, n := range r.Hidden {
		t.Hidden += n
	}
	for _, u := range r.Unknown {
		t.Unknown += max(1, u.Count)
	}
	if len(r.Scopes) == 0 {
		t.NotRead = 1
	}
	for _, s := range r.Scopes {
		if _, some := s.read(); !some {
			t.NotRead++
		}
		for _, read := range s.Reads {
			t.Read++
			if !read.Readable() {
				t.Unreadable++
			}
		}
	}
	return t
}

// Worst is the worst severity that stands; empty: none does.
func (t Totals) Worst() access.Severity {
	for _, s := range access.Severities() {
		if t.By[s] > 0 {
			return s
		}
	}
	return ""
}

// line is the summary, in words: first and last of what people read.
func (r Report) line() string {
	t := r.Totals()
	var parts []string
	for _, s := range access.Severities() {
		if n := t.By[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	findings := plural(t.Standing, "finding", "findings")
	if len(parts) > 0 {
		findings += " (" + strings.Join(parts, ", ") + ")"
	}
	out := []string{findings}
	if r.Compared != nil {
		out = append(out, fmt.Sprintf("%d new", t.New))
		if r.Compared.Untold > 0 {
			out = append(out, fmt.Sprintf("%d may be new", r.Compared.Untold))
		}
	}
	if t.Hidden > 0 {
		out = append(out, fmt.Sprintf("%d not shown", t.Hidden))
	}
	out = append(out, fmt.Sprintf("%d waived", t.Waived), fmt.Sprintf("%d unknown", t.Unknown),
		plural(t.NotCovered, "rule", "rules")+" not covered",
		fmt.Sprintf("%d of %d reads incomplete", t.Unreadable, t.Read))
	switch {
	case len(r.Scopes) == 0 || t.NotRead == len(r.Scopes):
		out = append(out, "nothing was read")
	case t.NotRead > 0:
		out = append(out, fmt.Sprintf("%d of %d scopes unread", t.NotRead, len(r.Scopes)))
	}
	return strings.Join(out, " · ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
