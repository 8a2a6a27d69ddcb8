package daemon

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// locate gives what differs its place in the new configuration, or in the file of its rule.
func (p *planning) locate(out *report.Preview) {
	for i := range out.Findings {
		f := &out.Findings[i]
		for j := range f.Because {
			f.Because[j].File, f.Because[j].Line = p.placeOf(f.Because[j].Part, *f)
		}
		if f.Effect == report.EffectResponse && f.New != nil {
			f.Because = []report.Because{p.responsePlace(f.New)}
		}
	}
	for i := range out.Rules {
		r := &out.Rules[i]
		if r.File == "" {
			path := "rules.override." + r.Rule
			if len(r.Blind) > 0 || r.Seeing {
				path = "atlas.profile"
			}
			if r.Gone {
				path = "rules.only"
			}
			r.File, r.Line = p.at(path)
		}
	}
	for i := range out.Moves {
		m := &out.Moves[i]
		m.File, m.Line = p.at("environments." + m.Matches)
	}
	for i := range out.Waivers {
		w := &out.Waivers[i]
		w.File, w.Line = p.at(p.waiverPath(w.ID))
	}
}

func (p *planning) at(path string) (string, int) {
	line, _ := p.file.Position(path)
	return p.file.Name, line
}

func (p *planning) responsePlace(a *report.Answer) report.Because {
	b := report.Because{Part: "responses"}
	path := "responses"
	for i := range p.file.Responses {
		if p.new.sourceAt(i) == a.Source {
			path = fmt.Sprintf("responses[%d]", i)
		}
	}
	b.File, b.Line = p.at(path)
	return b
}

func (b book) sourceAt(i int) string { return actor{book: b}.sourceOf(i) }

// placeOf is where a part of the configuration has its effect on a finding, as near as that
// can be told.
func (p *planning) placeOf(part string, f report.PreviewFinding) (string, int) {
	switch part {
	case "rules.override":
		return p.at(part + "." + f.Rule)
	case "rules.paths":
		if r, ok := p.new.engine.Rule(f.Rule); ok && !r.BuiltIn {
			return r.Source, r.Line
		}
	case "environments":
		return p.at("environments." + f.Environment)
	case "waivers":
		if i := slices.IndexFunc(p.file.Waivers, func(w access.Waiver) bool {
			return access.Match(w.Rule, f.Rule) && (w.Name == "" || access.Match(w.Name, f.Ref.Name))
		}); i >= 0 && f.State == string(access.FindingWaived) {
			return p.at(fmt.Sprintf("waivers[%d]", i))
		}
	case "identities", "sensitive", "allowed_domains":
		return p.at(fmt.Sprintf("%s[%d]", part, p.firstNew(part)))
	}
	return p.at(part)
}

// firstNew is the place of the first element of a list that the old configuration does not
// have; behind the last where something was taken out.
func (p *planning) firstNew(part string) int {
	lists := func(r rules.Policy) (out []any) {
		switch part {
		case "identities":
			for _, x := range r.Identities {
				out = append(out, x)
			}
		case "sensitive":
			for _, x := range r.Sensitive {
				out = append(out, x)
			}
		case "allowed_domains":
			for _, x := range r.Domains {
				out = append(out, x)
			}
		}
		return out
	}
	if p.old == nil {
		return 0
	}
	old := lists(p.old.rules)
	for i, x := range lists(p.new.rules) {
		if !slices.ContainsFunc(old, func(o any) bool { return reflect.DeepEqual(plainly(o), plainly(x)) }) {
			return i
		}
	}
	return len(old)
}

func (p *planning) waiverPath(id string) string {
	i := slices.IndexFunc(p.file.Waivers, func(w access.Waiver) bool { return w.ID == id })
	if i < 0 {
		return "waivers"
	}
	return fmt.Sprintf("waivers[%d]", i)
}
