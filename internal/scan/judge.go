package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// Judge is what the engine says of an inventory.
func Judge(e *rules.Engine, inv Inventory, waivers []access.Waiver) report.Report {
	r := report.Report{
		V: report.Version, Tool: "gatewarden", Version: inv.Version, At: inv.At, Source: report.Live, Profile: inv.Profile,
		Orgs: []report.Org{}, Scopes: []report.Scope{}, Findings: []report.Finding{}, Unknown: []report.Unknown{}, NotCovered: []report.NotCovered{},
	}
	j := &judging{engine: e, report: &r, used: map[string]int{}}
	r.Rules = RulesOf(e)
	r.NotCovered = notCovered(e)
	for _, in := range inputs(e, inv) {
		j.scope(in)
	}
	r.Waivers = j.waivers(waivers, inv.At)
	return r
}

// Unmatched is what is declared and matches nothing of the inventory.
func Unmatched(e *rules.Engine, inv Inventory) []rules.Unmatched {
	return e.Unmatched(inputs(e, inv), inv.At)
}

// inputs are what judging each scope takes: an org, then its projects, in order.
func inputs(e *rules.Engine, inv Inventory) []rules.Input {
	var all []rules.Input
	for _, scope := range slices.Sorted(maps.Keys(inv.Scopes)) {
		in := input(inv, scope)
		if p := access.States[access.Project](in.Collections[access.KindProject]); len(p) == 1 {
			in.Environment, _ = e.Environment(p[0])
		}
		all = append(all, in)
	}
	for _, org := range inv.Orgs {
		if scope := access.OrgScope(org); inv.Scopes[scope] == nil {
			all = append(all, input(inv, scope))
		}
	}
	return joined(e, inv.Orgs, all)
}

// joined gives each scope what the others of its org tell it: an org, then its projects, in
// order.
func joined(e *rules.Engine, orgs []string, all []rules.Input) (out []rules.Input) {
	projects, own := map[string][]rules.Input{}, map[string]rules.Input{} // by org
	for _, in := range all {
		if in.Scope.IsOrg() {
			own[in.Scope.ID()] = in
			continue
		}
		org := ""
		if p := access.States[access.Project](in.Collections[access.KindProject]); len(p) == 1 {
			org = p[0].OrgID
		}
		projects[org] = append(projects[org], in)
	}
	var strays []access.Contribution
	for _, in := range projects[""] {
		if c := e.Contribute(in); c.Stray() {
			strays = append(strays, c)
		}
	}
	for _, org := range orgs {
		own, told := own[org], slices.Clone(strays)
		for _, in := range projects[org] {
			told = append(told, e.Contribute(in))
		}
		facts := e.Gather(own, told)
		own.Facts = facts[own.Scope]
		out = append(out, own)
		for _, in := range projects[org] {
			in.Facts = facts[in.Scope]
			out = append(out, in)
		}
		delete(projects, org)
	}
	for _, org := range slices.Sorted(maps.Keys(projects)) { // they could not be read, or moved meanwhile
		out = append(out, projects[org]...)
	}
	return out
}

// input takes what was put off for failed: a watch reads it later and judges nothing until
// then, and one look does not come back.
func input(inv Inventory, scope access.Scope) rules.Input {
	in := rules.Input{Scope: scope, Collections: maps.Clone(inv.Scopes[scope]), Now: inv.At, Once: true, Read: map[access.Kind]time.Time{}}
	for k, c := range in.Collections {
		if c.Status == access.StatusUnread {
			c.Status = access.StatusFailed
			in.Collections[k] = c
		}
	}
	for k, c := range in.Collections {
		in.Read[k] = c.FirstRead
	}
	return in
}

// judging fills in a report.
type judging struct {
	engine *rules.Engine
	report *report.Report
	used   map[string]int // findings by waiver
}

func (j *judging) scope(in rules.Input) {
	verdicts := j.engine.Evaluate(in)
	doc, _ := j.engine.Advance(access.Findings{}, in, verdicts)
	s := j.describe(in)
	unknown := map[string]*report.Unknown{}
	for _, v := range verdicts {
		n := s.Judged[v.Rule]
		switch v.Answer {
		case access.AnswerPass:
			n.Pass++
		case access.AnswerViolation:
			n.Violations++
		case access.AnswerNotApplicable:
			n.NotApplicable++
			n.Why = cmp.Or(n.Why, v.Why)
		default:
			n.Unknown++
			key := v.Rule + "\x00" + v.Why
			if u, ok := unknown[key]; ok {
				u.Count++
			} else {
				unknown[key] = &report.Unknown{Rule: v.Rule, Ref: v.Ref, Why: v.Why, Count: 1}
			}
		}
		s.Judged[v.Rule] = n
	}
	for _, key := range slices.Sorted(maps.Keys(unknown)) {
		j.report.Unknown = append(j.report.Unknown, *unknown[key])
	}
	for _, id := range slices.Sorted(maps.Keys(doc.Findings)) {
		j.found(doc.Findings[id], s.Title)
	}
	j.report.Scopes = append(j.report.Scopes, s)
	if in.Scope.IsOrg() {
		j.report.Orgs = append(j.report.Orgs, report.Org{ID: in.Scope.ID(), Title: s.Title})
	}
}

func (j *judging) found(f access.Finding, title string) {
	f.Said = "" // of one look there is nothing to tell again
	if !f.Open() {
		return
	}
	if f.State == access.FindingWaived {
		j.used[f.Waiver.ID]++
	}
	j.report.Findings = append(j.report.Findings, report.Finding{Finding: f, ProjectTitle: title, Gate: report.GateOf(f.Rule), Fix: j.fix(f)})
}

// fix is what its rule says that a person does about a finding.
func (j *judging) fix(f access.Finding) string {
	r, _ := j.engine.Rule(f.Rule)
	return r.Fix
}

func (j *judging) describe(in rules.Input) report.Scope {
	s := report.Scope{Scope: in.Scope, Environment: in.Environment, Reads: map[access.Kind]report.Read{}, Judged: map[string]report.Judged{}}
	for k, c := range in.Collections {
		s.Reads[k] = report.Read{Status: c.Status, Reason: c.Reason, Count: len(c.Resources), Odd: len(c.Odd)}
	}
	if in.Scope.IsOrg() {
		s.OrgID = in.Scope.ID()
		if o := access.States[access.Org](in.Collections[access.KindOrg]); len(o) == 1 {
			s.Title = o[0].Title
		}
	} else {
		s.Production, s.EnvironmentWhy = j.engine.Production(in.Environment), "the project itself cannot be read"
		if p := access.States[access.Project](in.Collections[access.KindProject]); len(p) == 1 {
			s.Title, s.OrgID = p[0].Title, p[0].OrgID
			_, s.EnvironmentWhy = j.engine.Environment(p[0])
		}
		s.Exposure = exposure(in)
	}
	s.Privilege = privilege(in)
	return s
}

// waivers lists what was waived, with what came of it.
func (j *judging) waivers(all []access.Waiver, now time.Time) []report.Waiver {
	out := make([]report.Waiver, 0, len(all))
	for _, w := range all {
		n := report.Waiver{Waiver: w, Findings: j.used[w.ID]}
		n.Void = voidWhy(w, n.Findings, j.report.Findings, now)
		out = append(out, n)
	}
	return out
}

// voidWhy is why a waiver does not hold, or is of no use; empty: it lets findings stand.
func voidWhy(w access.Waiver, used int, all []report.Finding, now time.Time) string {
	switch {
	case w.Ahead:
		return "it was dated ahead, and is refused: date it to when it is granted"
	case !now.Before(w.Until):
		return "it ended: take it out"
	case now.Before(w.Granted):
		return "it has not begun"
	case used > 0:
		return ""
	}
	if i := slices.IndexFunc(all, func(f report.Finding) bool { return rules.Outlived(w, f.Finding, f.ProjectTitle, now) }); i >= 0 {
		f := all[i]
		return fmt.Sprintf("the values of %s changed since it was given (digest %s, now %s): look at them, and waive them anew or mend them", f.Ref.Name, w.Digest, f.Digest)
	}
	return "no finding needs it, or none for as long as the severity allows"
}

// RulesOf lists the rules of an engine as reports do.
func RulesOf(e *rules.Engine) []report.Rule {
	var out []report.Rule
	for _, r := range e.Rules() {
		out = append(out, report.Rule{
			ID: r.ID, Title: r.Title, Why: r.Why, Gate: report.GateOf(r.ID), Kinds: kindsOf(r), On: string(r.On), Severity: r.Severity,
			Fix: r.Fix, Remedy: r.Remedy, Ceiling: r.Ceiling, Controls: r.Controls, References: r.References,
		})
	}
	return out
}

func kindsOf(r rules.Rule) []access.Kind {
	out := slices.Clone(r.Kinds)
	for _, k := range slices.Concat(r.Reads, r.Siblings) {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// notCovered are the rules that one look cannot ask.
func notCovered(e *rules.Engine) []report.NotCovered {
	out := []report.NotCovered{}
	for _, r := range e.Rules() {
		switch missing := e.Missing(r.ID); {
		case len(missing) > 0:
			out = append(out, report.NotCovered{Rule: r.ID, Kinds: missing, Why: fmt.Sprintf("the profile does not read %s", list(missing))})
		case r.Past:
			out = append(out, report.NotCovered{Rule: r.ID, Why: "it rests on what is seen over months, and one look has no past: the daemon does"})
		case r.On == rules.OnChange:
			out = append(out, report.NotCovered{Rule: r.ID, Why: "it judges changes, and one look sees none: the daemon does"})
		}
	}
	return out
}

func list(kinds []access.Kind) string {
	texts := make([]string, 0, len(kinds))
	for _, k := range kinds {
		texts = append(texts, string(k))
	}
	return strings.Join(texts, ", ")
}
