package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// CompareOptions say what a new configuration is compared with, and how it answers.
type CompareOptions struct {
	New Side
	Old *Side // nil: nothing is compared with
	// Parts are what the new configuration changes, each alone in the old one's place: an
	// effect that one of them has by itself is caused by it.
	Parts []Part
}

// Side is one of the two configurations.
type Side struct {
	Engine  *rules.Engine
	Answer  Answerer        // nil: what would be done is not said
	Waivers []access.Waiver // of its configuration
}

// Part is one change of a configuration, alone.
type Part struct {
	Name   string
	Engine *rules.Engine // nil: it decides nothing alone
}

// Answerer says what a configuration would do about a finding that stands by it. begins says
// that the finding opens when the configuration takes effect; then it is inherited.
type Answerer func(m Moment, begins bool) report.Answer

// Compare is what becomes of everything when the new configuration takes the old one's
// place: the daemon's own step ([rules.Engine.Advance]) from what the old one says of the
// state, or of the findings that a daemon keeps, to what the new one says. It writes nothing
// and reads nothing.
func Compare(p Present, o CompareOptions) report.Preview {
	c := &comparing{present: p, o: o, former: p.Docs}
	out := report.Preview{
		V: report.PreviewVersion, Tool: "gatewarden", At: p.At, Findings: []report.PreviewFinding{}, Moves: []report.PreviewMove{}, Rules: []report.PreviewRule{},
		Unknown: []report.PreviewUnknown{}, Settings: []report.PreviewSetting{}, Responses: []report.PreviewResponse{}, Waivers: []report.PreviewWaiver{},
		Privilege: []report.PreviewPrivilege{}, Notes: []string{},
	}
	if o.Old != nil {
		c.old = p.judged(o.Old.Engine, c.former)
		c.former = docsOf(c.old)
	}
	c.new = p.judged(o.New.Engine, c.former)
	for _, part := range o.Parts {
		var docs map[access.Scope]stand
		if part.Engine != nil && len(o.Parts) > 1 {
			docs = p.judged(part.Engine, c.former)
		}
		c.parts = append(c.parts, docs)
	}
	for _, scope := range slices.Sorted(maps.Keys(c.new)) {
		c.findings(&out, scope)
		c.move(&out, scope)
	}
	out.Unknown = append(out.Unknown, c.unknown()...)
	if o.Old != nil {
		out.Rules = append(out.Rules, differing(o.Old.Engine, o.New.Engine)...)
	}
	out.Waivers = append(out.Waivers, c.waivers()...)
	return out
}

// comparing is one comparison under way.
type comparing struct {
	present  Present
	o        CompareOptions
	former   map[access.Scope]access.Findings // before the new configuration takes effect
	old, new map[access.Scope]stand
	parts    []map[access.Scope]stand // in the order of the options; nil: not judged alone
}

func docsOf(all map[access.Scope]stand) map[access.Scope]access.Findings {
	out := map[access.Scope]access.Findings{}
	for scope, s := range all {
		out[scope] = s.doc
	}
	return out
}

// findings are those of a scope that stand by one of the two.
func (c *comparing) findings(out *report.Preview, scope access.Scope) {
	before, after := c.former[scope].Findings, c.new[scope].doc.Findings
	ids := maps.Clone(after)
	if ids == nil {
		ids = map[string]access.Finding{}
	}
	maps.Copy(ids, before)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		was, is := before[id], after[id]
		if !stands(was) && !stands(is) {
			continue
		}
		f := c.row(scope, was, is)
		if f.Effect != report.EffectNone && c.o.Old != nil {
			f.Because = c.because(scope, id, f.Effect)
		}
		c.answers(&f, was, is)
		out.Findings = append(out.Findings, f)
	}
}

// stands reports whether there is such a finding, and it is not over.
func stands(f access.Finding) bool { return f.ID != "" && f.Open() }

func (c *comparing) row(scope access.Scope, was, is access.Finding) report.PreviewFinding {
	show := is
	if !stands(is) {
		show = was
	}
	f := report.PreviewFinding{
		ID: show.ID, Rule: show.Rule, Ref: show.Ref, Key: show.Key, Project: titleOf(c.new[scope].in), Environment: c.new[scope].in.Environment,
		Severity: show.Severity, State: string(cmp.Or(is.State, access.FindingResolved)), Message: show.Message, Effect: effectOf(was, is),
	}
	if stands(was) && stands(is) && was.Severity != is.Severity {
		f.Was = was.Severity
	}
	if f.Why = whyOf(f.Effect, was, is); f.Effect == report.EffectOpens && c.present.Once {
		f.Why = "" // of one look that is known of everything
	}
	return f
}

// effectOf is what becomes of a finding.
func effectOf(was, is access.Finding) report.Effect {
	waived := func(f access.Finding) bool { return f.State == access.FindingWaived }
	switch {
	case !stands(was) && !stands(is):
		return report.EffectNone
	case !stands(was) && waived(is):
		return report.EffectWaived
	case !stands(was):
		return report.EffectOpens
	case !stands(is):
		return report.EffectCloses
	case waived(was) && !waived(is):
		return report.EffectLapses
	case !waived(was) && waived(is):
		return report.EffectWaived
	case was.Unknown == "" && is.Unknown != "":
		return report.EffectUnknown
	case was.Unknown != "" && is.Unknown == "":
		return report.EffectKnown
	case was.Severity != is.Severity:
		return report.EffectSeverity
	}
	return report.EffectNone
}

func whyOf(e report.Effect, was, is access.Finding) string {
	switch e {
	case report.EffectOpens:
		return is.OriginWhy
	case report.EffectCloses:
		return is.Resolution
	case report.EffectLapses:
		return is.OriginWhy
	case report.EffectWaived:
		return fmt.Sprintf("waiver %s of %s holds until %s: %s", is.Waiver.ID, is.Waiver.Owner, stamp(is.Waiver.Until), is.Waiver.Reason)
	case report.EffectUnknown:
		return is.Unknown
	case report.EffectSeverity:
		return string(was.Severity) + " → " + string(is.Severity)
	}
	return ""
}

// because are the parts that have the same effect alone; none of them: all together.
func (c *comparing) because(scope access.Scope, id string, e report.Effect) (out []report.Because) {
	if len(c.o.Parts) == 1 {
		return []report.Because{{Part: c.o.Parts[0].Name}}
	}
	for i, part := range c.o.Parts {
		if c.parts[i] == nil {
			continue
		}
		if got := effectOf(c.former[scope].Findings[id], c.parts[i][scope].doc.Findings[id]); got == e {
			out = append(out, report.Because{Part: part.Name})
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, part := range c.o.Parts {
		out = append(out, report.Because{Part: part.Name, Jointly: true})
	}
	return out
}

// answers are what the two would do. Where only that differs, it is the effect.
func (c *comparing) answers(f *report.PreviewFinding, was, is access.Finding) {
	scope := f.Ref.Scope
	if c.o.Old != nil && c.o.Old.Answer != nil && stands(was) {
		a := c.o.Old.Answer(c.old[scope].moment(c.o.Old.Engine, was), false)
		f.Old = &a
	}
	if c.o.New.Answer != nil && stands(is) {
		a := c.o.New.Answer(c.new[scope].moment(c.o.New.Engine, is), f.Effect == report.EffectOpens || f.Effect == report.EffectLapses)
		f.New = &a
	}
	if f.Effect == report.EffectNone && f.Old != nil && f.New != nil && answersDiffer(*f.Old, *f.New) {
		f.Effect, f.Why = report.EffectResponse, saidOf(*f.Old)+" → "+saidOf(*f.New)
	}
}

func answersDiffer(a, b report.Answer) bool {
	return a.Then != b.Then || a.Then == report.DeedRefuse && a.Guard != b.Guard
}

// saidOf is an answer in two words.
func saidOf(a report.Answer) string {
	if a.Guard != "" {
		return string(a.Then) + " (" + a.Guard + ")"
	}
	return string(a.Then)
}

// move is a project that comes into another environment, or would.
func (c *comparing) move(out *report.Preview, scope access.Scope) {
	p := access.States[access.Project](c.new[scope].in.Collections[access.KindProject])
	if scope.IsOrg() || len(p) != 1 || c.o.Old == nil && c.present.Docs == nil {
		return
	}
	e := c.o.New.Engine
	from, to := c.former[scope].Environment, c.new[scope].in.Environment
	matches, why := e.Environment(p[0])
	if from == to && matches == to {
		return
	}
	m := report.PreviewMove{Scope: scope, Project: p[0].Title, From: from, To: to, Matches: matches, Why: why, Held: matches != to, Weaker: to != from && c.weaker(from, to)}
	if m.Held && c.o.Old != nil && c.old[scope].in.Environment == to {
		if before, _ := c.o.Old.Engine.Environment(p[0]); before == matches {
			return // it was held before, too
		}
	}
	out.Moves = append(out.Moves, m)
}

// weaker reports whether the project was judged as production so far, and is no more.
func (c *comparing) weaker(from, to string) bool {
	return c.o.Old != nil && c.o.Old.Engine.Production(from) && !c.o.New.Engine.Production(to)
}

// unknown are the rules that cannot tell by the new configuration, of one scope and for one
// reason each.
func (c *comparing) unknown() (out []report.PreviewUnknown) {
	for _, scope := range slices.Sorted(maps.Keys(c.new)) {
		is := c.new[scope].unknown
		var was map[string]map[string]int
		if c.o.Old != nil {
			was = c.old[scope].unknown
		}
		for _, rule := range slices.Sorted(maps.Keys(is)) {
			for _, why := range slices.Sorted(maps.Keys(is[rule])) {
				out = append(out, report.PreviewUnknown{
					Rule: rule, Scope: scope, Project: titleOf(c.new[scope].in), Why: why, Count: is[rule][why], Newly: len(was[rule]) == 0,
				})
			}
		}
	}
	return out
}

// differing are the rules that are not the same by both.
func differing(old, now *rules.Engine) (out []report.PreviewRule) {
	ids := map[string]bool{}
	for _, r := range slices.Concat(old.Rules(), now.Rules()) {
		ids[r.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		a, had := old.Rule(id)
		b, has := now.Rule(id)
		r := report.PreviewRule{Rule: id}
		switch {
		case !had:
			r.Changes, r.File, r.Line = []string{"new"}, b.Source, b.Line
			r.Seeing = len(now.Missing(id)) == 0
			if !r.Seeing {
				r.Changes = append(r.Changes, "not judged: the profile does not read "+list(now.Missing(id)))
			}
		case !has:
			r.Changes, r.Gone = []string{"judged no more"}, true
		default:
			r.Changes = ruleChanges(a, b)
			if !b.BuiltIn {
				r.File, r.Line = b.Source, b.Line
			}
			covered(&r, old.Missing(id), now.Missing(id))
		}
		if len(r.Changes) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// covered says whether a rule is judged no more, or for the first time, since other kinds are
// read.
func covered(r *report.PreviewRule, was, is []access.Kind) {
	switch {
	case len(was) == 0 && len(is) > 0:
		r.Blind = is
		r.Changes = append(r.Changes, "not judged any more: the profile does not read "+list(is))
	case len(was) > 0 && len(is) == 0:
		r.Seeing = true
		r.Changes = append(r.Changes, "judged from now on: the profile reads "+list(was))
	}
}

// ruleChanges say in words what is no more the same of a rule.
func ruleChanges(a, b rules.Rule) (out []string) {
	say := func(what string, from, to any) {
		if f, t := fmt.Sprint(from), fmt.Sprint(to); f != t {
			out = append(out, fmt.Sprintf("%s %s → %s", what, f, t))
		}
	}
	all := func(list []string) string { return cmp.Or(strings.Join(list, ", "), "every environment") }
	say("severity", a.Severity, b.Severity)
	say("environments", all(a.Environments), all(b.Environments))
	for _, name := range slices.Sorted(maps.Keys(b.Params)) {
		say(name, a.Params[name], b.Params[name])
	}
	say("ceiling", cmp.Or(a.Ceiling, "tell"), cmp.Or(b.Ceiling, "tell"))
	say("remedy", cmp.Or(a.Remedy, "none"), cmp.Or(b.Remedy, "none"))
	if a.Text != b.Text {
		out = append(out, "its text")
	}
	return out
}
