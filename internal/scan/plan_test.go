package scan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// taken is what one look at an Atlas shows.
func taken(t *testing.T, a still) Present {
	t.Helper()
	profile, _ := reach.ProfileNamed(reach.ProfileOwner)
	inv, err := Take(context.Background(), a, Options{Orgs: []string{orgID}, Kinds: func(s access.Scope) []access.Kind { return profile.Kinds(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return inv.Present()
}

// TestCompare: each way in which a finding, a project, a rule or a waiver may change, in a shop
// that judges by two rules.
func TestCompare(t *testing.T) {
	base := rules.Policy{
		Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}}, {Name: "dev", Projects: []string{"*-dev"}}},
		Networks:     []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"8.8.8.0/28"}}}},
	}
	with := func(edits ...func(*rules.Policy)) rules.Policy {
		p := base
		p.Overrides = map[string]rules.Override{}
		for _, edit := range edits {
			edit(&p)
		}
		return p
	}
	override := func(o rules.Override) func(*rules.Policy) {
		return func(p *rules.Policy) { p.Overrides = map[string]rules.Override{"network/open-to-world": o} }
	}
	waiver := func(edit func(*access.Waiver)) func(*rules.Policy) {
		w := access.Waiver{ID: "w", Rule: "network/open-to-world", Name: "0.0.0.0/0", Environment: "prod", Owner: "alice", Reason: "agreed", Granted: at.Add(-time.Hour), Until: at.Add(time.Hour)}
		edit(&w)
		return func(p *rules.Policy) { p.Waivers = append(slices.Clone(p.Waivers), w) }
	}
	as := func(access.Waiver) func(*access.Waiver) { return func(*access.Waiver) {} }(access.Waiver{})
	wider := func(p *rules.Policy) {
		p.Networks = []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"8.8.0.0/16"}}}}
	}
	denied := shop()
	denied.denied = map[access.Kind]bool{access.KindIPAccessEntry: true}
	for _, c := range []struct {
		name     string
		old, now rules.Policy
		only     [2][]string // rules of the two; nil: both of them
		atlas    *still
		want     []string // effect, rule, severity, state
		more     func(p report.Preview) any
		is       any
	}{
		{name: "nothing", old: with(), now: with()},
		{name: "more is declared", old: with(), now: with(wider), want: []string{"closes network/undeclared-source high resolved"}},
		{name: "less is declared", old: with(wider), now: with(), want: []string{"opens network/undeclared-source high open"}},
		{name: "a rule more", old: with(), now: with(), only: [2][]string{{"network/undeclared-source"}, nil}, want: []string{"opens network/open-to-world critical open"},
			more: func(p report.Preview) any { return p.Rules[0].Changes }, is: []string{"new"}},
		{name: "a rule less", old: with(), now: with(), only: [2][]string{nil, {"network/undeclared-source"}}, want: []string{"closes network/open-to-world critical resolved"},
			more: func(p report.Preview) any { return p.Rules[0].Gone }, is: true},
		{name: "less severe", old: with(), now: with(override(rules.Override{Severity: access.Medium})), want: []string{"severity network/open-to-world medium open"},
			more: func(p report.Preview) any { return append(p.Rules[0].Changes, p.Findings[0].Why, p.Findings[1].Why) }, is: []string{"severity critical → medium", "", "critical → medium"}},
		{name: "elsewhere", old: with(), now: with(override(rules.Override{Environments: []string{"dev"}})), want: []string{"closes network/open-to-world critical resolved"}},
		{name: "a waiver begins", old: with(), now: with(waiver(as)), want: []string{"waived network/open-to-world critical waived"},
			more: func(p report.Preview) any {
				return fmt.Sprint(p.Waivers[0].Change, p.Waivers[0].Findings, p.Waivers[0].Why)
			}, is: "begins1"},
		{name: "a waiver ends", old: with(waiver(as)), now: with(), want: []string{"lapses network/open-to-world critical open"},
			more: func(p report.Preview) any { return fmt.Sprint(p.Waivers[0].Change, p.Waivers[0].Findings) }, is: "ends1"},
		{name: "a waiver that is over", old: with(waiver(as)), now: with(waiver(func(w *access.Waiver) { w.Until = at.Add(-time.Minute) })), want: []string{"lapses network/open-to-world critical open"},
			more: func(p report.Preview) any { return p.Waivers[0].Change + ": " + p.Waivers[0].Why }, is: "differs: it ended: take it out"},
		{name: "a waiver elsewhere in its file", old: with(waiver(func(w *access.Waiver) { w.Source = "a:1" })), now: with(waiver(func(w *access.Waiver) { w.Source = "b:2" })),
			more: func(p report.Preview) any { return len(p.Waivers) }, is: 0},
		{name: "opened and waived", old: with(), now: with(waiver(as)), only: [2][]string{{"network/undeclared-source"}, nil}, want: []string{"waived network/open-to-world critical waived"}},
		{name: "read no more", old: with(), now: with(func(p *rules.Policy) { p.Covered = []access.Kind{access.KindProject, access.KindOrg} }),
			want: []string{"unknown network/open-to-world critical open", "unknown network/undeclared-source high open"},
			more: func(p report.Preview) any { return fmt.Sprint(p.Rules[0].Blind, len(p.Rules)) }, is: "[ip_access_entry] 2"},
		{name: "read from now on", old: with(func(p *rules.Policy) { p.Covered = []access.Kind{access.KindProject, access.KindOrg} }), now: with(),
			want: []string{"opens network/open-to-world critical open", "opens network/undeclared-source high open"},
			more: func(p report.Preview) any { return p.Rules[0].Seeing }, is: true},
		{name: "denied to both", old: with(), now: with(), atlas: &denied, more: func(p report.Preview) any { return fmt.Sprint(len(p.Unknown) > 0, p.Unknown[0].Newly) }, is: "true false"},
		{name: "denied, and asked for the first time", old: with(), now: with(), only: [2][]string{{"network/undeclared-source"}, nil}, atlas: &denied,
			more: func(p report.Preview) any {
				i := slices.IndexFunc(p.Unknown, func(u report.PreviewUnknown) bool { return u.Rule == "network/open-to-world" })
				return i >= 0 && p.Unknown[i].Newly && strings.Contains(p.Unknown[i].Why, "denied")
			}, is: true},
		{name: "into a stricter place", old: with(func(p *rules.Policy) {
			p.Environments = []access.Environment{{Name: "prod", Projects: []string{"*-nothing"}}, {Name: "dev", Projects: []string{"*"}}}
		}), now: with(),
			want: []string{"opens network/undeclared-source high open", "severity network/open-to-world critical open"},
			more: func(p report.Preview) any {
				return fmt.Sprint(len(p.Moves), p.Moves[0].From, p.Moves[0].To, p.Moves[0].Held)
			}, is: "1devprodfalse"},
		{name: "into a weaker place", old: with(), now: with(func(p *rules.Policy) {
			p.Environments = []access.Environment{{Name: "prod", Projects: []string{"*-nothing"}}, {Name: "dev", Projects: []string{"*"}}}
		}),
			more: func(p report.Preview) any {
				return fmt.Sprint(len(p.Moves), p.Moves[0].To, p.Moves[0].Matches, p.Moves[0].Held)
			}, is: "1proddevtrue"},
		{name: "a place that is there no more", old: with(), now: with(func(p *rules.Policy) {
			p.Environments = []access.Environment{{Name: "dev", Projects: []string{"*-dev"}}}
			p.Networks = nil
		}),
			want: []string{"closes network/undeclared-source high resolved"},
			more: func(p report.Preview) any { return p.Moves[0].From + "→" + p.Moves[0].To }, is: "prod→"},
	} {
		side := func(p rules.Policy, only []string) Side {
			e, err := rules.Load(p)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if only == nil {
				only = []string{"network/open-to-world", "network/undeclared-source"}
			}
			return Side{Engine: e.Only(only...), Waivers: p.Waivers}
		}
		world := shop()
		world.states[access.ProjectScope(prodID)] = maps.Clone(world.states[access.ProjectScope(prodID)])
		world.states[access.ProjectScope(prodID)][access.KindIPAccessEntry] = []access.State{access.IPAccessEntry{Entry: "0.0.0.0/0"}, access.IPAccessEntry{Entry: "8.8.4.0/28"}}
		if c.atlas != nil {
			world.denied = c.atlas.denied
		}
		old := side(c.old, c.only[0])
		out := Compare(taken(t, world), CompareOptions{New: side(c.now, c.only[1]), Old: &old})
		got := []string{}
		for _, f := range out.Findings {
			if f.Effect != report.EffectNone {
				got = append(got, fmt.Sprintf("%s %s %s %s", f.Effect, f.Rule, f.Severity, f.State))
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(append([]string{}, c.want...), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
			continue
		}
		if c.more != nil {
			if diff := cmp.Diff(c.is, c.more(out)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
	}
}

// TestCompareBecause: an effect is laid to the part that has it alone, and to all together
// where none has.
func TestCompareBecause(t *testing.T) {
	load := func(edit func(*rules.Policy)) *rules.Engine {
		p := rules.Policy{
			Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}}, {Name: "dev", Projects: []string{"*-dev"}}},
			Networks:     []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"8.8.8.0/28"}}}},
		}
		edit(&p)
		e, err := rules.Load(p)
		if err != nil {
			t.Fatal(err)
		}
		return e.Only("network/open-to-world", "network/undeclared-source")
	}
	networks := func(p *rules.Policy) {
		p.Networks = []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"8.8.0.0/16"}}}}
	}
	world := shop()
	world.states[access.ProjectScope(prodID)][access.KindIPAccessEntry] = []access.State{access.IPAccessEntry{Entry: "0.0.0.0/0"}, access.IPAccessEntry{Entry: "8.8.4.0/28"}}
	severity := func(p *rules.Policy) {
		p.Overrides = map[string]rules.Override{"network/open-to-world": {Environments: []string{"dev"}}}
	}
	none := func(*rules.Policy) {}
	old := Side{Engine: load(none)}
	out := Compare(taken(t, world), CompareOptions{
		Old: &old, New: Side{Engine: load(func(p *rules.Policy) { networks(p); severity(p) })},
		Parts: []Part{{Name: "networks", Engine: load(networks)}, {Name: "rules.override", Engine: load(severity)}, {Name: "rules.paths"}},
	})
	got := map[string][]report.Because{}
	for _, f := range out.Findings {
		got[f.Rule] = f.Because
	}
	want := map[string][]report.Because{"network/undeclared-source": {{Part: "networks"}}, "network/open-to-world": {{Part: "rules.override"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alone (-want +got):\n%s", diff)
	}
	out = Compare(taken(t, world), CompareOptions{Old: &old, New: Side{Engine: load(networks)}, Parts: []Part{{Name: "a", Engine: load(none)}, {Name: "b"}}})
	if got := out.Findings; len(got) == 0 || !slices.ContainsFunc(got, func(f report.PreviewFinding) bool {
		return cmp.Equal(f.Because, []report.Because{{Part: "a", Jointly: true}, {Part: "b", Jointly: true}})
	}) {
		t.Errorf("together: %+v", got)
	}
}
