package scan_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

var (
	plantedProjects = flag.Int("projects", 60, "how many projects the planted fleet has")
	plantedSeed     = flag.Uint64("seed", 1, "what it is generated from")
)

// fleetEngine is the engine of all rules under the fleet's policy.
func fleetEngine(t *testing.T) *rules.Engine {
	t.Helper()
	p := fleetPolicy()
	have, err := rules.Load(rules.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for id := range p.Overrides {
		if _, ok := have.Rule(id); !ok {
			delete(p.Overrides, id)
		}
	}
	e, err := rules.Load(p, rules.Source{Name: "fragile.yaml", Text: []byte(fragile)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// inputs are what judging each scope of the org takes, out of reads that may be edited.
func (o *org) inputs(e *rules.Engine, read func(*place, map[access.Kind]access.Collection)) []rules.Input {
	own := o.input(read)
	var told []access.Contribution
	var out []rules.Input
	for _, p := range o.projects {
		in := p.input(read)
		in.Environment = p.env
		told, out = append(told, e.Contribute(in)), append(out, in)
	}
	facts := e.Gather(own, told)
	out = append([]rules.Input{own}, out...)
	for i := range out {
		out[i].Facts = facts[out[i].Scope]
	}
	return out
}

func (p *place) input(read func(*place, map[access.Kind]access.Collection)) rules.Input {
	all := p.collections()
	if read != nil {
		read(p, all)
	}
	return rules.Input{Scope: p.scope, Collections: all, Now: fleetNow, History: p.history, Changes: p.changes, Created: p.created}
}

// judgedFleet is all that the engine says of a fleet.
type judgedFleet struct {
	found   map[finding]access.Finding
	unknown map[string]map[string]int // by rule: why, and how often
	applied map[string]int            // by rule: verdicts that pass or violate
}

func judgeFleet(t *testing.T, e *rules.Engine, f *fleet) judgedFleet {
	t.Helper()
	out := judgedFleet{map[finding]access.Finding{}, map[string]map[string]int{}, map[string]int{}}
	for _, o := range f.orgs {
		for _, in := range o.inputs(e, nil) {
			verdicts := e.Evaluate(in)
			doc, _ := e.Advance(access.Findings{}, in, verdicts)
			maps.Copy(out.found, open(doc))
			for _, v := range verdicts {
				out.count(v)
			}
			in.Changes, in.Standing, in.Open = nil, doc.Standing, doc.Findings
			again, _ := e.Advance(doc, in, e.Evaluate(in))
			if a, b := sortedFindings(open(doc)), sortedFindings(open(again)); !slices.Equal(a, b) {
				t.Errorf("%s judged again, with nothing new:\nwas %v\nis  %v", in.Scope, a, b)
			}
		}
	}
	return out
}

// open are the findings that stand, by what they are about.
func open(doc access.Findings) map[finding]access.Finding {
	out := map[finding]access.Finding{}
	for _, n := range doc.Findings {
		if n.Open() {
			out[finding{n.Rule, n.Ref.Scope, n.Ref.Kind, n.Ref.Name}] = n
		}
	}
	return out
}

func (j judgedFleet) count(v access.Verdict) {
	switch v.Answer {
	case access.AnswerPass, access.AnswerViolation:
		j.applied[v.Rule]++
	case access.AnswerUnknown:
		if j.unknown[v.Rule] == nil {
			j.unknown[v.Rule] = map[string]int{}
		}
		j.unknown[v.Rule][v.Why]++
	}
}

// TestPlantedClean: of a fleet in order nothing is told, and nearly every rule judged it.
func TestPlantedClean(t *testing.T) {
	e := fleetEngine(t)
	f := newFleet(*plantedProjects, *plantedSeed)
	got := judgeFleet(t, e, f)
	for at, n := range got.found {
		t.Errorf("false: %s: %s", at, n.Message)
	}
	for rule, whys := range got.unknown {
		for why, n := range whys {
			if !mayBeUnknown(rule, why) {
				t.Errorf("unknown: %s, %d times: %s", rule, n, why)
			}
		}
	}
	for _, r := range e.Rules() {
		if got.applied[r.ID] == 0 && r.On == rules.OnState && !slices.Contains(onlyWrong(), r.ID) {
			t.Errorf("%s applies to nothing that is in order", r.ID)
		}
	}
}

// onlyWrong are the rules about what is not there at all where all is in order.
func onlyWrong() []string {
	return []string{
		"dbuser/break-glass-present", "dbuser/break-glass-used", "dbuser/human-in-prod", "key/legacy-api-key", "member/direct-role", "member/temporary-owner",
		"planted/fragile",
	}
}

// mayBeUnknown lists what cannot be known even of a fleet in order.
func mayBeUnknown(rule, why string) bool {
	return rule == "network/unused-entry" && strings.HasSuffix(why, "are in no access history") // of flex clusters, federated databases and stream workspaces Atlas keeps none
}

// TestPlanted: all that was planted is found, and nothing else.
func TestPlanted(t *testing.T) {
	e := fleetEngine(t)
	f := newFleet(*plantedProjects, *plantedSeed)
	f.plant()
	got := judgeFleet(t, e, f)
	have, missed, wrong := map[string]bool{}, map[string]int{}, map[string]int{}
	for _, r := range e.Rules() {
		have[r.ID] = true
	}
	covered := map[string]bool{}
	for _, at := range sortedFindings(f.want) {
		covered[at.rule] = true
		if _, ok := got.found[at]; !ok && have[at.rule] {
			missed[at.rule]++
			t.Errorf("missed %s (planted by %s)", at, f.want[at])
		}
	}
	for _, at := range sortedFindings(got.found) {
		if _, ok := f.want[at]; !ok {
			wrong[at.rule]++
			t.Errorf("false %s: %s", at, got.found[at].Message)
		}
	}
	for _, r := range e.Rules() {
		if r.BuiltIn && !covered[r.ID] {
			t.Errorf("%s: nothing is planted", r.ID)
		}
	}
	f.complete(t)
	fmt.Printf("planted: projects=%d violations=%d rules=%d missed=%d false=%d\n", *plantedProjects, len(f.want), builtIn(e), sum(missed), sum(wrong))
	if len(missed)+len(wrong) > 0 {
		t.Logf("missed %v\nfalse %v", missed, wrong)
	}
}

func builtIn(e *rules.Engine) (n int) {
	for _, r := range e.Rules() {
		if r.BuiltIn {
			n++
		}
	}
	return n
}

func sum(in map[string]int) (n int) {
	for _, v := range in {
		n += v
	}
	return n
}

func sortedFindings[V any](in map[finding]V) []finding {
	return slices.SortedFunc(maps.Keys(in), func(a, b finding) int {
		return cmp.Or(strings.Compare(a.rule, b.rule), strings.Compare(string(a.scope), string(b.scope)), strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.name, b.name))
	})
}
