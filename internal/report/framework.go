package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// frameworks by the names of --framework, with how rules write their controls.
func frameworks() []framework {
	return []framework{
		{"soc2", "SOC 2, trust services criteria", "CC"},
		{"iso27001", "ISO/IEC 27001:2022, annex A", "A."},
		{"pci4", "PCI DSS 4", "PCI "},
		{"cis8", "CIS Controls 8", "CIS "},
	}
}

type framework struct{ name, title, prefix string }

// Frameworks lists the frameworks that [Framework] knows.
func Frameworks() []string {
	var names []string
	for _, f := range frameworks() {
		names = append(names, f.name)
	}
	return names
}

// FrameworkOf is the framework that a control belongs to; empty: none that is known.
func FrameworkOf(control string) string {
	for _, f := range frameworks() {
		if strings.HasPrefix(control, f.prefix) {
			return f.name
		}
	}
	return ""
}

func knownFramework(name string) error {
	if name == "" || slices.Contains(Frameworks(), name) {
		return nil
	}
	return fmt.Errorf("framework %q: there are %s", name, strings.Join(Frameworks(), ", "))
}

// Grouped is a report by the controls of one framework. It says what the rules that serve
// a control found. It does not say that a control is met: no control is checked by these
// rules alone.
type Grouped struct {
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	Note     string    `json:"note"`
	Controls []Control `json:"controls"`
}

// groupedNote goes with every grouping.
const groupedNote = "What the rules that serve a control found in Atlas. No control is checked by these rules alone, and controls that no rule serves are not listed."

// Control is one control with the rules that serve it.
type Control struct {
	ID         string   `json:"id"`
	State      Standing `json:"state"`
	Rules      []string `json:"rules"`
	Findings   []string `json:"findings"`   // ids of those that stand, the worst first
	Waived     []string `json:"waived"`     // ids
	Unknown    int      `json:"unknown"`    // answers that could not be given
	NotCovered []string `json:"notCovered"` // rules that were not asked
	Hidden     int      `json:"hidden"`     // findings that a filter left out
	Passed     []string `json:"passed"`     // rules that passed, and found nothing anywhere
	Idle       []string `json:"idle"`       // rules that had nothing to judge
}

// Standing is what is known of a control.
type Standing string

// The standings, from the worst. Waived and unknown come before silence, so that nothing
// looks clean that is not known to be.
const (
	StandingFindings   Standing = "findings"
	StandingUnknown    Standing = "unknown"
	StandingHidden     Standing = "not shown" // it has findings, and a filter left them out
	StandingWaived     Standing = "waived"
	StandingNotCovered Standing = "not covered" // none of its rules was asked
	StandingNone       Standing = "no findings"
)

// Framework groups a report by the controls of a framework.
func Framework(r Report, name string) (Grouped, error) {
	i := slices.IndexFunc(frameworks(), func(f framework) bool { return f.name == name })
	if i < 0 {
		return Grouped{}, cmp.Or(knownFramework(name), fmt.Errorf("no framework is named"))
	}
	f := frameworks()[i]
	r = r.Sorted()
	g := Grouped{Name: f.name, Title: f.title, Note: groupedNote, Controls: []Control{}}
	byID := map[string][]string{}
	for _, rule := range r.Rules {
		for _, c := range rule.Controls {
			if strings.HasPrefix(c, f.prefix) && !slices.Contains(byID[c], rule.ID) {
				byID[c] = append(byID[c], rule.ID)
			}
		}
	}
	for id, rules := range byID {
		g.Controls = append(g.Controls, r.control(id, rules))
	}
	slices.SortFunc(g.Controls, func(a, b Control) int { return compareNatural(a.ID, b.ID) })
	return g, nil
}

func (r Report) control(id string, rules []string) Control {
	c := Control{ID: id, Rules: rules, Findings: []string{}, Waived: []string{}, NotCovered: []string{}, Passed: []string{}, Idle: []string{}}
	for _, f := range r.Findings {
		switch {
		case !slices.Contains(rules, f.Rule) || !f.Open():
		case f.IsWaived():
			c.Waived = append(c.Waived, f.ID)
		default:
			c.Findings = append(c.Findings, f.ID)
		}
	}
	for _, u := range r.Unknown {
		if slices.Contains(rules, u.Rule) {
			c.Unknown += max(1, u.Count)
		}
	}
	for _, n := range r.NotCovered {
		if slices.Contains(rules, n.Rule) && !slices.Contains(c.NotCovered, n.Rule) {
			c.NotCovered = append(c.NotCovered, n.Rule)
		}
	}
	for _, rule := range rules {
		c.Hidden += r.Hidden[rule]
		switch j := r.everywhere(rule); {
		case slices.Contains(c.NotCovered, rule) || j.Violations+j.Unknown > 0:
		case j.Pass > 0:
			c.Passed = append(c.Passed, rule)
		default:
			c.Idle = append(c.Idle, rule)
		}
	}
	c.State = c.standing()
	return c
}

// everywhere is what a rule said of all scopes.
func (r Report) everywhere(rule string) (all Judged) {
	for _, s := range r.Scopes {
		j := s.Judged[rule]
		all.Pass += j.Pass
		all.Violations += j.Violations
		all.Unknown += j.Unknown
	}
	return all
}

func (c Control) standing() Standing {
	switch {
	case len(c.Findings) > 0:
		return StandingFindings
	case c.Unknown > 0:
		return StandingUnknown
	case c.Hidden > 0:
		return StandingHidden
	case len(c.Waived) > 0:
		return StandingWaived
	case len(c.NotCovered) == len(c.Rules):
		return StandingNotCovered
	}
	return StandingNone
}

var numbers = regexp.MustCompile(`\d+|\D+`)

// compareNatural orders A.8.2 before A.8.15.
func compareNatural(a, b string) int {
	as, bs := numbers.FindAllString(a, -1), numbers.FindAllString(b, -1)
	return cmp.Or(slices.CompareFunc(as, bs, func(x, y string) int {
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		if errX == nil && errY == nil {
			return cmp.Compare(m, n)
		}
		return strings.Compare(x, y)
	}), strings.Compare(a, b))
}
