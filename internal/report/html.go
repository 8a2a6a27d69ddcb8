package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

//go:embed report.html
var pageHTML string

//go:embed report.css
var pageCSS string

//go:embed report.js
var pageJS string

// WriteHTML writes one page that needs nothing else: no request leaves it, which its own
// content policy enforces, and without scripts it only lacks the filter. Its style and
// script are allowed by their hashes, so that no text of Atlas can become either.
func WriteHTML(w io.Writer, r Report, o Options) error {
	p, err := newPage(r.shown(), o)
	if err != nil {
		return err
	}
	t, err := template.New("report").Funcs(template.FuncMap{"plural": plural, "https": isHTTPS, "age": ageAt(r.At)}).Parse(pageHTML)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return err
	}
	_, err = io.WriteString(w, uncommandedPage(disarm(b.String(), '\n')))
	return err
}

// page is what the template shows.
type page struct {
	Report
	Style     template.CSS
	Script    template.JS
	StyleSum  string
	ScriptSum string
	Title     string
	Projects  int
	Totals    Totals
	Headline  headlineText
	Tiles     []tile
	Matrix    matrix
	Exposure  bars
	Privilege []privilegeRow
	Lesser    []privilegeRow // what one unfolds
	Reach     []legend
	Sections  []severitySection
	Waivers   []waiverGroup
	Later     []waiverGroup // what one unfolds
	Idle      []Waiver
	Untold    []group
	Unread    []group
	Not       []group
	Groupings []Grouped
	Chosen    string // the framework that was asked for
	Gates     []Gate
	Places    []string // environments that findings are in
	Severe    []access.Severity
}

// headlineText says what matters before any number.
type headlineText struct {
	Text  string
	Level access.Severity // empty: nothing stands
	First []firstThing
}

// firstThing is one of the rules to look at first.
type firstThing struct {
	Rule     Rule
	Severity access.Severity
	Count    int
	Places   []string
}

type tile struct {
	Count int
	Word  string
	Class string
	Link  string
}

// severitySection are the findings of one severity, by rule.
type severitySection struct {
	Severity access.Severity
	Count    int
	Rules    []ruleGroup
}

type ruleGroup struct {
	Rule     Rule
	Severity access.Severity
	Open     bool
	Findings []Finding
}

// waiverGroup is a waiver with what it lets stand.
type waiverGroup struct {
	access.WaiverNote
	Findings []Finding
}

// few is how many findings are shown unfolded.
const few = 12

func newPage(r Report, o Options) (page, error) {
	p := page{
		Report: r, Style: template.CSS(pageCSS), Script: template.JS(pageJS), StyleSum: sum(pageCSS), ScriptSum: sum(pageJS),
		Totals: r.Totals(), Matrix: r.matrix(), Exposure: r.exposures(), Reach: reachLegend(), Chosen: o.Framework,
		Untold: r.unknownGroups(), Unread: r.gapGroups(), Gates: Gates(),
	}
	var names []string
	for _, org := range r.Orgs {
		names = append(names, cmp.Or(org.Title, org.ID))
	}
	p.Title = cmp.Or(strings.Join(names, ", "), "Atlas")
	for _, s := range r.Scopes {
		if !s.Scope.IsOrg() {
			p.Projects++
		}
	}
	for _, n := range r.NotCovered {
		p.Not = groupUp(p.Not, cmp.Or(n.Why, "not read"), "", n.Rule, 1)
	}
	p.Sections = sections(r)
	p.Headline = headlineOf(r, p.Totals, p.Sections)
	p.Tiles = tiles(r, p.Totals)
	p.Privilege, p.Lesser = fold(r.privileges())
	p.waivers()
	p.Waivers, p.Later = fold(p.Waivers)
	for _, f := range r.Findings {
		if f.Stands() && !slices.Contains(p.Places, f.Environment) {
			p.Places = append(p.Places, f.Environment)
		}
		if f.Stands() && !slices.Contains(p.Severe, f.Severity) {
			p.Severe = append(p.Severe, f.Severity)
		}
	}
	slices.Sort(p.Places)
	return p, p.group()
}

// fold splits a long list into what is shown and what one unfolds.
func fold[T any](all []T) (shown, folded []T) {
	if len(all) <= few+3 {
		return all, nil
	}
	return all[:few], all[few:]
}

// group adds the frameworks, the chosen one first.
func (p *page) group() error {
	for _, name := range Frameworks() {
		g, err := Framework(p.Report, name)
		if err != nil {
			return err
		}
		switch {
		case name == p.Chosen:
			p.Groupings = slices.Insert(p.Groupings, 0, g)
		case len(g.Controls) > 0:
			p.Groupings = append(p.Groupings, g)
		}
	}
	return nil
}

// sum is the source expression of a content policy that allows exactly this text.
func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
}

// ageAt says how long a finding has been open; of one that this judging opened, nothing.
func ageAt(now time.Time) func(time.Time) string {
	return func(opened time.Time) string {
		days := int(now.Sub(opened).Hours() / 24)
		switch {
		case opened.IsZero() || !opened.Before(now):
			return ""
		case days == 0:
			return "open since today"
		}
		return "open for " + plural(days, "day", "days")
	}
}

func isHTTPS(s string) bool { return strings.HasPrefix(s, "https://") }

// sections puts what stands into severities, and there under its rules.
func sections(r Report) []severitySection {
	rules := r.byID()
	var out []severitySection
	for _, f := range r.Findings {
		if !f.Stands() {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Severity != f.Severity {
			out = append(out, severitySection{Severity: f.Severity})
		}
		s := &out[len(out)-1]
		s.Count++
		i := slices.IndexFunc(s.Rules, func(g ruleGroup) bool { return g.Rule.ID == f.Rule })
		if i < 0 {
			i = len(s.Rules)
			s.Rules = append(s.Rules, ruleGroup{Rule: rules[f.Rule], Severity: f.Severity})
		}
		s.Rules[i].Findings = append(s.Rules[i].Findings, f)
	}
	shown := 0
	for i := range out {
		for j := range out[i].Rules {
			shown += len(out[i].Rules[j].Findings)
			out[i].Rules[j].Open = shown <= few
		}
	}
	return out
}

func headlineOf(r Report, t Totals, all []severitySection) headlineText {
	h := headlineText{Level: t.Worst()}
	switch {
	case t.Standing == 0 && (t.NotRead > 0 && t.NotRead >= len(r.Scopes)):
		h.Text = "Nothing could be read, so nothing is known."
	case t.Standing == 0 && r.Incomplete():
		h.Text = "Nothing was found, but not everything could be seen."
	case t.Standing == 0 && t.Hidden > 0:
		h.Text = "Nothing that the filter shows was found."
	case t.Standing == 0:
		h.Text = "Nothing was found."
	default:
		h.Text = plural(t.By[h.Level], string(h.Level)+" finding stands", string(h.Level)+" findings stand") + r.inProduction(h.Level)
		h.Text += "."
	}
	for _, s := range all {
		for _, g := range s.Rules {
			if len(h.First) < 3 {
				h.First = append(h.First, firstOf(g))
			}
		}
	}
	return h
}

// inProduction says how many of the findings of a severity are in production, and how many
// only in what is judged as such.
func (r Report) inProduction(level access.Severity) (text string) {
	of := map[access.Scope]Scope{}
	for _, s := range r.Scopes {
		of[s.Scope] = s
	}
	all, declared, taken := 0, 0, 0
	for _, f := range r.Findings {
		if !f.Stands() || f.Severity != level {
			continue
		}
		all++
		switch s := of[f.Ref.Scope]; {
		case s.Production && s.Environment != "":
			declared++
		case s.Production:
			taken++
		}
	}
	for _, part := range []struct {
		n     int
		where string
	}{{declared, "in production"}, {taken, "where no environment matches, judged as production"}} {
		switch {
		case part.n > 0 && part.n == all:
			text += ", " + part.where
		case part.n > 0:
			text += ", " + figure(uint64(part.n)) + " " + part.where
		}
	}
	return text
}

func firstOf(g ruleGroup) firstThing {
	f := firstThing{Rule: g.Rule, Severity: g.Severity, Count: len(g.Findings)}
	for _, x := range g.Findings {
		if name := cmp.Or(x.ProjectTitle, string(x.Ref.Scope)); !slices.Contains(f.Places, name) {
			f.Places = append(f.Places, name)
		}
	}
	if more := len(f.Places) - 4; more > 1 {
		f.Places = append(f.Places[:4], plural(more, "more", "more"))
	}
	return f
}

func tiles(r Report, t Totals) []tile {
	var out []tile
	for _, s := range access.Severities() {
		out = append(out, tile{t.By[s], string(s), "sev-" + string(s), "#findings"})
	}
	if r.Compared != nil {
		out = append(out, tile{t.New, "new", "", "#findings"})
	}
	if t.Hidden > 0 {
		out = append(out, tile{t.Hidden, "not shown", "", "#where"})
	}
	if t.NotRead > 0 {
		out = append(out, tile{t.NotRead, "scopes unread", "unsure", "#unknown"})
	}
	return append(out, tile{t.Waived, "waived", "", "#waived"}, tile{t.Unknown, "unknown", "unsure", "#unknown"},
		tile{t.Unreadable, "reads incomplete", "unsure", "#unknown"}, tile{t.NotCovered, "rules not covered", "", "#not-covered"})
}

// waivers groups what is waived by waiver, the first to end first.
func (p *page) waivers() {
	for _, f := range p.Findings {
		if !f.Open() || !f.IsWaived() {
			continue
		}
		w := f.Waiver
		i := slices.IndexFunc(p.Waivers, func(g waiverGroup) bool { return g.ID == w.ID && g.Until.Equal(w.Until) })
		if i < 0 {
			i = len(p.Waivers)
			p.Waivers = append(p.Waivers, waiverGroup{WaiverNote: w})
		}
		p.Waivers[i].Findings = append(p.Waivers[i].Findings, f)
	}
	slices.SortStableFunc(p.Waivers, func(a, b waiverGroup) int { return a.Until.Compare(b.Until) })
	for _, w := range p.Report.Waivers {
		if w.Void != "" || w.Findings == 0 {
			p.Idle = append(p.Idle, w)
		}
	}
}
