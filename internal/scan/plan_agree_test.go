package scan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/rules"
)

// knob turns one section of a fleet's configuration into another that is as likely to be
// stricter as laxer.
type knob struct {
	name string
	turn func(r *rand.Rand, p *rules.Policy)
}

func knobs() []knob {
	without := func(r *rand.Rand, n int) int { return r.IntN(n) }
	return []knob{
		{"identities", func(r *rand.Rand, p *rules.Policy) {
			i := without(r, len(p.Identities))
			p.Identities = slices.Delete(slices.Clone(p.Identities), i, i+1)
		}},
		{"networks", func(r *rand.Rand, p *rules.Policy) {
			i := without(r, len(p.Networks))
			p.Networks = slices.Delete(slices.Clone(p.Networks), i, i+1)
		}},
		{"matrix", func(r *rand.Rand, p *rules.Policy) {
			i := without(r, len(p.Matrix))
			p.Matrix = slices.Delete(slices.Clone(p.Matrix), i, i+1)
		}},
		{"domains", func(r *rand.Rand, p *rules.Policy) {
			p.Domains = [][]string{{"example.org"}, {"example.com", "outside.test"}, nil}[r.IntN(3)]
		}},
		{"sensitive", func(r *rand.Rand, p *rules.Policy) {
			p.Sensitive = append(slices.Clone(p.Sensitive), access.Sensitive{Namespace: []string{"shop", "reporting.sales"}[r.IntN(2)]})
		}},
		{"tags", func(r *rand.Rand, p *rules.Policy) {
			p.Environments = slices.Clone(p.Environments)
			e := &p.Environments[r.IntN(len(p.Environments))]
			e.Projects, e.Tags = []string{"*-nowhere"}, nil
		}},
		{"order", func(r *rand.Rand, p *rules.Policy) {
			p.Environments = slices.Clone(p.Environments)
			slices.Reverse(p.Environments)
		}},
		{"profile", func(r *rand.Rand, p *rules.Policy) {
			profile, _ := reach.ProfileNamed([]string{reach.ProfileScan, reach.ProfileObserve}[r.IntN(2)])
			p.Profile, p.Covered = profile.Name, profile.Covered()
		}},
		{"overrides", func(r *rand.Rand, p *rules.Policy) {
			ids := []string{"network/undeclared-source", "dbuser/undeclared", "network/undocumented-entry", "member/access-matrix", "dbuser/unscoped", "network/entry-too-broad"}
			o := maps.Clone(p.Overrides)
			if o == nil {
				o = map[string]rules.Override{}
			}
			id := ids[r.IntN(len(ids))]
			o[id] = []rules.Override{{Severity: access.Low}, {Environments: []string{"dev"}}, {Environments: []string{"prod", "staging"}}}[r.IntN(3)]
			p.Overrides = o
		}},
		{"waivers", func(r *rand.Rand, p *rules.Policy) {
			p.Waivers = append(slices.Clone(p.Waivers), access.Waiver{
				V: access.Version, ID: fmt.Sprintf("w%d", len(p.Waivers)), Rule: []string{"network/*", "dbuser/*", "member/access-matrix"}[r.IntN(3)], Environment: []string{"prod", "dev"}[r.IntN(2)],
				Owner: "alice", Reason: "agreed", Granted: fleetNow.Add(-time.Hour), Until: fleetNow.Add(time.Hour),
			})
		}},
	}
}

// presentOf is the fleet as one that is read now.
func presentOf(f *fleet) scan.Present {
	p := scan.Present{At: fleetNow, Scopes: map[access.Scope]map[access.Kind]access.Collection{}, Uses: map[access.Scope]access.History{}}
	put := func(x *place) {
		p.Scopes[x.scope], p.Uses[x.scope] = x.collections(), x.history
	}
	for _, o := range f.orgs {
		p.Orgs = append(p.Orgs, o.id)
		put(o.place)
		for _, x := range o.projects {
			put(x.place)
		}
	}
	return p
}

// byOne is what an engine says of the fleet from nothing: of each finding whether it stands
// (open or waived), or could not be judged.
type byOne struct {
	open, waived, unknown map[string]bool
	environment           map[access.Scope]string
}

// judgedAnew judges the fleet by an engine, in the environments that hold after former ones.
func judgedAnew(e *rules.Engine, f *fleet, former map[access.Scope]string) byOne {
	out := byOne{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[access.Scope]string{}}
	for _, o := range f.orgs {
		own := rules.Input{Scope: o.scope, Collections: o.collections(), Now: fleetNow, History: o.history}
		all := []rules.Input{own}
		var told []access.Contribution
		for _, p := range o.projects {
			in := rules.Input{Scope: p.scope, Collections: p.collections(), Now: fleetNow, History: p.history}
			matches, _ := e.Environment(access.States[access.Project](in.Collections[access.KindProject])[0])
			in.Environment = e.Holds(former[p.scope], matches)
			out.environment[p.scope] = in.Environment
			told, all = append(told, e.Contribute(in)), append(all, in)
		}
		facts := e.Gather(own, told)
		for _, in := range all {
			in.Facts = facts[in.Scope]
			verdicts := e.Evaluate(in)
			for _, v := range verdicts {
				if v.Answer == access.AnswerUnknown {
					out.unknown[access.FindingID(v.Rule, v.Ref, v.Key)] = true
				}
			}
			doc, _ := e.Advance(access.Findings{}, in, verdicts)
			for id, n := range doc.Findings {
				switch n.State {
				case access.FindingOpen:
					out.open[id] = true
				case access.FindingWaived:
					out.waived[id] = true
				}
			}
		}
	}
	return out
}

// TestPlanAgrees: for generated pairs of configurations, a plan says that exactly that opens
// which judging by the new one finds and by the old one does not, and that exactly that closes
// which the new one finds no more, though it can tell.
func TestPlanAgrees(t *testing.T) {
	f := newFleet(60, 1)
	f.plant()
	f.orgs = f.orgs[:3] // each pair judges all of them four times
	present := presentOf(f)
	r := rand.New(rand.NewPCG(11, 7))
	seen := map[report.Effect]int{}
	loaded := map[string]*rules.Engine{}
	engine := func(name string, p rules.Policy) *rules.Engine {
		key := fmt.Sprintf("%+v", p)
		if loaded[key] == nil {
			e, err := rules.Load(p)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			loaded[key] = e
		}
		return loaded[key]
	}
	pair := func(name string, old, now rules.Policy) {
		a, b := engine(name, old), engine(name, now)
		before := judgedAnew(a, f, nil)
		after := judgedAnew(b, f, before.environment)
		out := scan.Compare(present, scan.CompareOptions{New: scan.Side{Engine: b, Waivers: now.Waivers}, Old: &scan.Side{Engine: a, Waivers: old.Waivers}})
		told := map[string]report.Effect{}
		for _, x := range out.Findings {
			told[x.ID] = x.Effect
			seen[x.Effect]++
		}
		ids := map[string]bool{}
		for _, set := range []map[string]bool{before.open, before.waived, after.open, after.waived} {
			maps.Copy(ids, set)
		}
		for id := range told {
			if !ids[id] {
				t.Errorf("%s: %s is told of, and stands by neither", name, id)
			}
		}
		for id := range ids {
			was, is := before.open[id] || before.waived[id], after.open[id] || after.waived[id]
			want := report.Effect("")
			switch {
			case !was && after.waived[id], before.open[id] && after.waived[id]:
				want = report.EffectWaived
			case !was:
				want = report.EffectOpens
			case before.waived[id] && after.open[id]:
				want = report.EffectLapses
			case !is:
				want = report.EffectCloses
			}
			got := told[id]
			if want == report.EffectCloses && got == report.EffectUnknown { // not told of as clean: the new one cannot tell, or does not read it
				continue
			}
			if got == report.EffectSeverity && want == "" {
				continue
			}
			if got != want {
				t.Errorf("%s: %s is told as %q, and judging it by both says %q", name, id, got, want)
			}
			if got == report.EffectCloses && after.unknown[id] {
				t.Errorf("%s: %s is told as closed, and is unknown", name, id)
			}
		}
	}
	for _, k := range knobs() {
		turned := fleetPolicy()
		k.turn(r, &turned)
		pair(k.name+" on", fleetPolicy(), turned)
		pair(k.name+" off", turned, fleetPolicy())
	}
	for n := range 4 { // several at once
		old, now := fleetPolicy(), fleetPolicy()
		for _, i := range r.Perm(len(knobs()))[:3] {
			knobs()[i].turn(r, &now)
		}
		knobs()[r.IntN(len(knobs()))].turn(r, &old)
		pair(fmt.Sprintf("pair %d", n), old, now)
	}
	for _, e := range []report.Effect{report.EffectOpens, report.EffectCloses, report.EffectLapses, report.EffectWaived, report.EffectUnknown, report.EffectSeverity, report.EffectNone} {
		if seen[e] == 0 {
			t.Errorf("no pair had %q: the test shows nothing of it", e)
		}
	}
}

// TestPlanOfTheSame: what a configuration would do in its own place is nothing.
func TestPlanOfTheSame(t *testing.T) {
	f := newFleet(60, 1)
	f.plant()
	f.orgs = f.orgs[:3]
	e := fleetEngine(t)
	side := scan.Side{Engine: e}
	out := scan.Compare(presentOf(f), scan.CompareOptions{New: side, Old: &side})
	out.Count()
	if s := out.Summary; s.Same == 0 || s != (report.PreviewSummary{Same: s.Same}) || len(out.Moves)+len(out.Rules)+len(out.Waivers) > 0 {
		t.Errorf("%+v, moves %v, rules %v", s, out.Moves, out.Rules)
	}
	for _, u := range out.Unknown {
		if u.Newly {
			t.Errorf("newly unknown: %+v", u)
		}
	}
}
