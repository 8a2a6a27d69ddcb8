package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// book is one of the two configurations as far as it decides what is found and done.
type book struct {
	name     string
	engine   *rules.Engine
	rules    rules.Policy
	sources  []rules.Source
	only     []string // ids; nil: all
	acts     bool     // the rest is known, too
	policy   remediate.Policy
	dryRun   bool // as the file says; the policy's holds also where the profile writes nothing
	profile  string
	baseURL  string
	writes   map[string]bool // by org
	windows  []access.Window // of the policy, which goes without: what a configuration does is asked for at no time of the week
	file     *config.File    // nil: it is the daemon's
	settings *settings       // likewise
}

func bookOf(s *settings) book {
	b := book{
		name: s.file.Name, engine: s.engine, rules: s.rules, sources: s.sources, only: onlyIDs(s.file, s.engine), acts: true, policy: s.policy,
		dryRun: s.file.DryRun, profile: profileOf(s.file).Name, baseURL: s.file.Atlas.BaseURL, writes: map[string]bool{}, file: s.file, settings: s,
	}
	for _, o := range s.file.Atlas.Orgs {
		b.writes[o.ID] = !o.Write.IsZero()
	}
	b.timeless()
	return b
}

// bookOfDaemon is what a daemon told.
func bookOfDaemon(h scan.History, name string) (book, error) {
	if h.Running.Hash == "" {
		return book{}, fmt.Errorf("%s does not tell it", name)
	}
	e, err := h.Running.Engine()
	if err != nil {
		return book{}, err
	}
	b := book{name: name, engine: e, rules: h.Running.Policy, sources: h.Running.Rules, only: h.Running.Only, profile: h.Running.Policy.Profile}
	if a := h.Acting; a != nil {
		b.acts, b.dryRun, b.profile, b.baseURL, b.writes = true, a.DryRun, a.Profile, a.BaseURL, a.Writes
		b.policy = remediate.Policy{
			Responses: a.Responses, DryRun: a.DryRun || !writesAnything(a.Profile), Caps: remediate.Caps{ProjectHour: a.ProjectHour, OrgHour: a.OrgHour},
			Settle: remediate.Settle{Critical: a.SettleCritical, Other: a.SettleOther}, NeverTouch: a.NeverTouch, Own: b.rules.Own, Networks: b.rules.Networks,
			People: remediate.People{Principals: b.rules.Principals, Groups: b.rules.Groups, Operators: a.Operators},
			Guards: remediate.Guards{Ownership: a.Ownership, War: a.War, Windows: a.Windows, Retention: a.Retention},
		}
		b.timeless()
	}
	return b, nil
}

// timeless takes the change windows out of the policy.
func (b *book) timeless() { b.windows, b.policy.Guards.Windows = b.policy.Guards.Windows, nil }

// acting is what a daemon tells of its settings.
func acting(s *settings) *scan.Acting {
	b := bookOf(s)
	p := b.policy
	return &scan.Acting{
		Name: b.name, Responses: p.Responses, DryRun: b.dryRun, Profile: b.profile, BaseURL: b.baseURL, Writes: b.writes, ProjectHour: p.Caps.ProjectHour, OrgHour: p.Caps.OrgHour,
		SettleCritical: p.Settle.Critical, SettleOther: p.Settle.Other, NeverTouch: p.NeverTouch, Operators: p.People.Operators,
		Ownership: p.Guards.Ownership, War: p.Guards.War, Windows: b.windows, Retention: p.Guards.Retention,
	}
}

func (b book) side() report.PreviewSide {
	return report.PreviewSide{Name: b.name, Rules: b.engine.Hash(), Count: len(b.engine.Rules())}
}

// own names our own credentials; empty: not known.
func (b book) own() string {
	if len(b.rules.Own.Credentials) == 0 {
		return ""
	}
	return fmt.Sprint(b.rules.Own.Credentials)
}

// part is one section in which two configurations differ.
type part struct {
	name   string        // its path
	engine *rules.Engine // of the old one with this section of the new one
}

// section is a part of a configuration that decides what is found.
type section struct {
	path string
	of   func(*book) any // in a form that can be compared
	take func(to, from *book)
}

func sections() []section {
	policy := func(path string, field func(*rules.Policy) any, take func(to, from *rules.Policy)) section {
		return section{path, func(b *book) any { return field(&b.rules) }, func(to, from *book) { take(&to.rules, &from.rules) }}
	}
	return []section{
		policy("atlas.profile", func(p *rules.Policy) any { return []any{p.Profile, p.Covered} }, func(to, from *rules.Policy) { to.Profile, to.Covered = from.Profile, from.Covered }),
		policy("atlas.orgs", func(p *rules.Policy) any { return p.Own }, func(to, from *rules.Policy) { to.Own = from.Own }),
		policy("atlas.webhook", func(p *rules.Policy) any { return p.Hooks }, func(to, from *rules.Policy) { to.Hooks = from.Hooks }),
		policy("environments", func(p *rules.Policy) any { return p.Environments }, func(to, from *rules.Policy) { to.Environments = from.Environments }),
		policy("identities", func(p *rules.Policy) any { return p.Identities }, func(to, from *rules.Policy) { to.Identities = from.Identities }),
		policy("principals", func(p *rules.Policy) any { return []any{p.Principals, p.Groups} }, func(to, from *rules.Policy) { to.Principals, to.Groups = from.Principals, from.Groups }),
		policy("networks", func(p *rules.Policy) any { return []any{p.Networks, p.Ranges} }, func(to, from *rules.Policy) { to.Networks, to.Ranges = from.Networks, from.Ranges }),
		policy("matrix", func(p *rules.Policy) any { return p.Matrix }, func(to, from *rules.Policy) { to.Matrix = from.Matrix }),
		policy("sensitive", func(p *rules.Policy) any { return p.Sensitive }, func(to, from *rules.Policy) { to.Sensitive = from.Sensitive }),
		policy("allowed_domains", func(p *rules.Policy) any { return p.Domains }, func(to, from *rules.Policy) { to.Domains = from.Domains }),
		policy("waivers", func(p *rules.Policy) any { return placeless(p.Waivers) }, func(to, from *rules.Policy) { to.Waivers = from.Waivers }),
		policy("expectations", func(p *rules.Policy) any { return p.Expectations }, func(to, from *rules.Policy) { to.Expectations = from.Expectations }),
		policy("rules.override", func(p *rules.Policy) any { return p.Overrides }, func(to, from *rules.Policy) { to.Overrides = from.Overrides }),
		{"rules.paths", func(b *book) any { return texts(b.sources) }, func(to, from *book) { to.sources = from.sources }},
		{"rules.only", func(b *book) any { return b.only }, func(to, from *book) { to.only = from.only }},
	}
}

// placeless are the waivers without their places in their files.
func placeless(all []access.Waiver) []access.Waiver {
	out := slices.Clone(all)
	for i := range out {
		out[i].Source = ""
	}
	return out
}

func texts(sources []rules.Source) (out []string) {
	for _, s := range sources {
		out = append(out, filepath.Base(s.Name)+"\x00"+string(bytes.TrimSpace(s.Text)))
	}
	slices.Sort(out)
	return out
}

// changedParts are the sections that differ, each with an engine by which it alone is new. One
// that cannot stand alone (an override of a rule that is new, say) has none.
func changedParts(old, now book) (out []part) {
	for _, s := range sections() {
		if reflect.DeepEqual(plainly(s.of(&old)), plainly(s.of(&now))) {
			continue
		}
		mixed := old
		s.take(&mixed, &now)
		e, err := rules.Load(mixed.rules, mixed.sources...)
		if err != nil {
			out = append(out, part{name: s.path})
			continue
		}
		if mixed.only != nil {
			e = e.Only(mixed.only...)
		}
		out = append(out, part{s.path, e})
	}
	return out
}

func writesAnything(profile string) bool {
	f := config.File{Atlas: config.Atlas{Profile: profile}}
	return len(profileOf(&f).Write)+len(profileOf(&f).WriteProjects) > 0
}

// plainly is a value as stored: an empty list and none are one.
func plainly(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("daemon: a part of a configuration does not encode: " + err.Error())
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic("daemon: a part of a configuration does not decode: " + err.Error())
	}
	return emptied(out)
}

func emptied(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = emptied(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case map[string]any:
		for k := range v {
			v[k] = emptied(v[k])
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}
