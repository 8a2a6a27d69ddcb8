package report

import "github.com/gatewarden/gatewarden/internal/access"

// Summary is a report in numbers, of the findings that it lists. By severity, gate and
// environment it counts what stands: findings that are open and not waived.
type Summary struct {
	Standing     int                     `json:"standing"`
	New          int                     `json:"new"` // of those, against the baseline
	Waived       int                     `json:"waived"`
	Hidden       int                     `json:"hidden"`       // findings that a filter left out, and that are counted nowhere else
	Severities   map[access.Severity]int `json:"severities"`   // all that there are
	Gates        map[Gate]int            `json:"gates"`        // all that there are
	Environments map[string]int          `json:"environments"` // of scopes and findings; empty: none matches
	Answers      Answers                 `json:"answers"`
	Scopes       ScopesRead              `json:"scopes"`
}

// Answers counts what rules said, of all scopes, whatever findings are listed.
type Answers struct {
	Pass          int `json:"pass"`
	Violation     int `json:"violation"` // waived ones included
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"notApplicable"`
	NotCovered    int `json:"notCovered"` // rules that were not asked
}

// ScopesRead counts orgs and projects by how they were read. In the end nothing can be said
// of one of which nothing was read.
type ScopesRead struct {
	Whole   int `json:"whole"`   // all of it
	Partly  int `json:"partly"`  // some kinds could not be read, or not all of them
	NotRead int `json:"notRead"` // nothing of it
}

// summary counts.
func (r Report) summary() *Summary {
	s := &Summary{Severities: map[access.Severity]int{}, Gates: map[Gate]int{}, Environments: map[string]int{}}
	for _, x := range access.Severities() {
		s.Severities[x] = 0
	}
	for _, g := range Gates() {
		s.Gates[g] = 0
	}
	for _, scope := range r.Scopes {
		s.Environments[scope.Environment] += 0
		s.Answers.add(scope)
		s.Scopes.add(scope)
	}
	s.Answers.NotCovered = len(r.NotCovered)
	for _, f := range r.Findings {
		if !f.Stands() {
			continue
		}
		s.Severities[f.Severity]++
		s.Gates[f.Gate]++
		s.Environments[f.Environment]++
	}
	t := r.Totals()
	s.Standing, s.New, s.Waived, s.Hidden = t.Standing, t.New, t.Waived, t.Hidden
	return s
}

func (a *Answers) add(s Scope) {
	for _, j := range s.Judged {
		a.Pass += j.Pass
		a.Violation += j.Violations
		a.Unknown += j.Unknown
		a.NotApplicable += j.NotApplicable
	}
}

func (n *ScopesRead) add(s Scope) {
	switch whole, some := s.read(); {
	case whole:
		n.Whole++
	case some:
		n.Partly++
	default:
		n.NotRead++
	}
}

// Seen reports whether anything of the scope was read.
func (s Scope) Seen() bool {
	_, some := s.read()
	return some
}

// read reports whether all of the scope was read, and whether anything was. What Atlas does
// not have there says nothing of it.
func (s Scope) read() (whole, some bool) {
	whole = true
	for _, r := range s.Reads {
		whole = whole && r.Readable()
		some = some || r.Status == access.StatusComplete
	}
	return whole && some, some
}
