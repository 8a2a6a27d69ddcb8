package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string          `xml:"name,attr"`
	Tests     int             `xml:"tests,attr"`
	Failures  int             `xml:"failures,attr"`
	Errors    int             `xml:"errors,attr"`
	Skipped   int             `xml:"skipped,attr"`
	Timestamp string          `xml:"timestamp,attr,omitempty"`
	Time      string          `xml:"time,attr"`
	Props     []junitProperty `xml:"properties>property,omitempty"`
	Cases     []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Skipped *junitResult `xml:"skipped"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes a suite for each scope with a case for each rule that is for scopes of
// its level, and one for whether all was read. It has failures and errors where the exit
// code of a scan with the same options is not 0: a violation is a failure from
// [Options.FailOn] on, what was not read is an error, and with [Options.Strict] a rule that
// could not tell is one, too. What falls short of that is skipped, with what there is to say;
// so is a rule that was not asked, does not apply, is waived, or found only what a baseline
// or filter keeps out of the report. Only a rule that was judged and found nothing passes.
func WriteJUnit(w io.Writer, r Report, o Options) error {
	r = r.shown()
	all := junitSuites{Name: "Gatewarden", Suites: []junitSuite{}}
	idx := r.index()
	idx.options, idx.compared = o, r.Compared != nil
	for i, s := range r.Scopes {
		suite := idx.suite(r, s)
		if i == 0 {
			suite.Props = append(suite.Props, unmatchedProps(r)...)
		}
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Skipped += suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// spot is a rule in a scope.
type spot struct {
	scope access.Scope
	rule  string
}

// index finds what was said of a spot.
type index struct {
	findings map[spot][]Finding
	unknown  map[spot][]Unknown
	not      map[string]NotCovered
	options  Options
	compared bool // with a baseline
}

// fails reports whether a finding that stands makes the exit code.
func (x index) fails(f Finding) bool {
	return x.options.FailOn != "none" && (x.options.FailOn == "" || AtLeast(f.Severity, access.Severity(x.options.FailOn))) &&
		(!x.compared || f.New || f.MayBeNew && x.options.Strict)
}

// unmatchedProps are what the configuration declares and nothing matches.
func unmatchedProps(r Report) (out []junitProperty) {
	for _, u := range r.Unmatched {
		out = append(out, junitProperty{"unmatched", inert(u.Path + " " + u.Pattern + ": " + u.Why + " (" + u.Source + ")")})
	}
	return out
}

// readCase says whether all of a scope was read.
func readCase(s Scope) junitCase {
	c := junitCase{Class: "reads", Name: "everything that is asked for is read", Time: "0"}
	whole, _ := s.read()
	if whole {
		return c
	}
	var lines []string
	for _, g := range (Report{Scopes: []Scope{s}}).gapGroups() {
		line := g.What
		if g.Why != "" {
			line += ": " + g.Why
		}
		lines = append(lines, line)
	}
	c.Error = result("could not be read", "unread", lines)
	return c
}

func (r Report) index() index {
	x := index{findings: map[spot][]Finding{}, unknown: map[spot][]Unknown{}, not: map[string]NotCovered{}}
	for _, f := range r.Findings {
		if f.Open() {
			at := spot{f.Ref.Scope, f.Rule}
			x.findings[at] = append(x.findings[at], f)
		}
	}
	for _, u := range r.Unknown {
		at := spot{u.Ref.Scope, u.Rule}
		x.unknown[at] = append(x.unknown[at], u)
	}
	for _, n := range r.NotCovered {
		x.not[n.Rule] = n
	}
	return x
}

func (x index) suite(r Report, s Scope) junitSuite {
	suite := junitSuite{Name: inert(s.Name()), Time: "0", Props: []junitProperty{{"scope", string(s.Scope)}}}
	if !r.At.IsZero() {
		suite.Timestamp = r.At.UTC().Format("2006-01-02T15:04:05")
	}
	if s.Environment != "" {
		suite.Props = append(suite.Props, junitProperty{"environment", inert(s.Environment)})
	}
	for i := range suite.Props {
		suite.Props[i].Value = inert(suite.Props[i].Value)
	}
	cases := []junitCase{readCase(s)}
	for _, rule := range r.Rules {
		if x.concerns(s, rule) {
			cases = append(cases, x.testcase(s, rule))
		}
	}
	for _, c := range cases {
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite
}

// concerns reports whether a rule has a case in the suite of a scope.
func (x index) concerns(s Scope, rule Rule) bool {
	at := spot{s.Scope, rule.ID}
	_, judged := s.Judged[rule.ID]
	if judged || len(x.findings[at]) > 0 || len(x.unknown[at]) > 0 {
		return true
	}
	return len(rule.Kinds) > 0 && slices.Contains(access.OrgKinds(), rule.Kinds[0]) == s.Scope.IsOrg()
}

func (x index) testcase(s Scope, rule Rule) junitCase {
	c := junitCase{Class: inert(string(rule.Gate)), Name: inert(rule.ID + ": " + rule.Title), Time: "0"}
	at := spot{s.Scope, rule.ID}
	judged, asked := s.Judged[rule.ID]
	var standing, waived, failed, lesser []string
	worst := access.Info
	var fix string
	if found := x.findings[at]; len(found) > 0 {
		fix = sameAdvice(found)
	}
	for _, f := range x.findings[at] {
		if f.IsWaived() {
			waived = append(waived, f.line(fix))
			continue
		}
		standing = append(standing, f.line(fix))
		if !x.fails(f) {
			lesser = append(lesser, f.Message)
			continue
		}
		failed = append(failed, f.Message)
		if rank(f.Severity) <= rank(worst) {
			worst = f.Severity
		}
	}
	if fix != "" && len(standing) > 0 {
		standing = append(standing, "Fix: "+fix)
	}
	var open []string
	for _, u := range x.unknown[at] {
		open = append(open, u.line())
	}
	skip := func(why string, lines ...string) *junitResult { return result(why, "", lines) }
	switch not, out := x.not[rule.ID]; {
	case len(failed) > 0:
		c.Failure = result(headline(failed), string(worst), slices.Concat(standing, open, waived))
	case x.options.Strict && (len(open) > 0 || judged.Unknown > 0):
		c.Error = result("could not be judged", "unknown", slices.Concat(standing, open, waived))
	case len(lesser) > 0:
		c.Skipped = skip("does not make the exit code: "+headline(lesser), slices.Concat(standing, open, waived)...)
	case len(open) > 0 || judged.Unknown > 0:
		c.Skipped = skip("could not be judged, which is unknown and not clean", append(open, waived...)...)
	case len(waived) > 0:
		c.Skipped = skip("waived", waived...)
	case judged.Violations > 0:
		c.Skipped = skip(plural(judged.Violations, "violation", "violations") + " not shown: known to the baseline, or filtered out")
	case out:
		c.Skipped = skip("not covered: " + cmp.Or(not.Why, "by choice"))
	case !asked:
		c.Skipped = skip("not judged here")
	case judged.NotApplicable > 0 && judged.Pass == 0:
		c.Skipped = skip("not applicable: " + judged.Why)
	}
	return c
}

func result(message, kind string, lines []string) *junitResult {
	for i := range lines {
		lines[i] = inert(lines[i])
	}
	return &junitResult{Message: inert(message), Type: inert(kind), Text: strings.Join(lines, "\n")}
}

func headline(messages []string) string {
	if len(messages) == 1 {
		return messages[0]
	}
	return fmt.Sprintf("%d findings", len(messages))
}

// line is a finding in one line, with what to do unless that is told for several.
func (f Finding) line(told string) string {
	s := fmt.Sprintf("[%s] %s %s: %s", f.Severity, f.Ref.Kind, f.Ref.Name, f.Message)
	if f.Unknown != "" {
		s += " Cannot be judged now: " + f.Unknown + "."
	}
	if fix := f.Advice(); fix != told {
		s += " Fix: " + fix
	}
	if f.IsWaived() {
		s += " Waived " + f.waiverText()
	}
	return s + " (" + f.ID + ")"
}

// waiverText says until when a finding is waived, by whom and why.
func (f Finding) waiverText() string {
	w := f.Waiver
	s := "until " + cmp.Or(access.Stamp(w.Until), "an end that is not told")
	if w.Owner != "" {
		s += " by " + w.Owner
	}
	if why := strings.Join(slices.DeleteFunc([]string{w.Reason, w.Ticket}, func(p string) bool { return p == "" }), ", "); why != "" {
		s += ": " + why
	}
	if w.Renewals > 0 {
		s += " (renewed " + plural(w.Renewals, "time", "times") + ")"
	}
	return s
}

// line is an unknown in one line.
func (u Unknown) line() string {
	name := cmp.Or(u.Ref.Name, "all")
	if u.Count > 1 {
		name += fmt.Sprintf(" and %d more", u.Count-1)
	}
	return fmt.Sprintf("[unknown] %s %s: %s", u.Ref.Kind, name, u.Why)
}
