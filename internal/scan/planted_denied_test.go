package scan_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// deniedProjects is enough for every planting to occur.
const deniedProjects = 50

// said is one verdict: its answer, and all of it as text.
type said struct {
	ref    access.Ref
	key    string
	answer access.Answer
	over   bool // of what was between two judgements
	all    string
}

// about is what a verdict is about.
type about struct {
	ref   access.Ref
	key   string
	ended time.Time
}

// account is all verdicts of a fleet, by rule and what they are about.
type account map[string]map[about]said

func (f *fleet) account(t *testing.T, e *rules.Engine, only func(access.Scope) bool, read func(*place, map[access.Kind]access.Collection)) account {
	t.Helper()
	out := account{}
	for _, o := range f.orgs {
		for _, in := range o.inputs(e, read) {
			if only != nil && !only(in.Scope) {
				continue
			}
			for _, v := range e.Evaluate(in) {
				out.take(t, v)
			}
		}
	}
	return out
}

func (a account) take(t *testing.T, v access.Verdict) {
	t.Helper()
	s := said{ref: v.Ref, key: v.Key, answer: v.Answer, over: !v.Evidence.Ended.IsZero(), all: "pass"}
	if bare := (access.Verdict{Rule: v.Rule, Ref: v.Ref, Key: v.Key, Answer: access.AnswerPass}); !reflect.DeepEqual(v, bare) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		s.all = string(raw)
	}
	if a[v.Rule] == nil {
		a[v.Rule] = map[about]said{}
	}
	a[v.Rule][about{v.Ref, v.Key, v.Evidence.Ended}] = s
}

// deny has one kind denied in every scope; what was read before stays known.
func deny(k access.Kind) func(*place, map[access.Kind]access.Collection) {
	return func(_ *place, all map[access.Kind]access.Collection) {
		if c, ok := all[k]; ok && c.Status == access.StatusComplete {
			c.Status, c.StatusSince, c.Reason = access.StatusDenied, ago(1), "no role for it"
			all[k] = c
		}
	}
}

// lose has one kind read completely, and nothing found in it.
func lose(k access.Kind) func(*place, map[access.Kind]access.Collection) {
	return func(_ *place, all map[access.Kind]access.Collection) {
		if c, ok := all[k]; ok {
			c.Resources = nil
			all[k] = c
		}
	}
}

// TestPlantedDenied: with one kind denied in every scope, the rules that say that they read
// it are unknown, and all others say what they said. Where the kind comes out empty, the
// others say so too, and each rule that reads it says something else of something planted.
func TestPlantedDenied(t *testing.T) {
	e, f := fleetEngine(t), newFleet(deniedProjects, 1)
	f.plant()
	f.complete(t)
	for _, o := range f.orgs[1:] {
		clear(o.records[access.KindResourcePolicy]) // what these forbid takes long to tell: one org is enough
	}
	before := f.account(t, e, nil, nil)
	for _, k := range slices.Concat(access.OrgKinds(), access.ProjectKinds()) {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			denied, lost := f.account(t, e, reached(k), deny(k)), f.account(t, e, reached(k), lose(k))
			for _, r := range e.Rules() {
				if r.On == rules.OnReading || r.On == rules.OnFailure || !r.BuiltIn {
					continue // they judge how it was read, and how others fared
				}
				mustTurnUnknown(t, r, k, part(before[r.ID], reached(k)), denied[r.ID])
				mustDeclare(t, r, k, part(before[r.ID], reached(k)), lost[r.ID])
			}
		})
	}
}

// reached are the scopes whose judgement takes reads of the kind: those that have it, and
// those that hear of it. What the others take is the same, whatever is read.
func reached(k access.Kind) func(access.Scope) bool {
	told := slices.Contains(access.ContributedKinds(), k) || slices.Contains(access.GatheredKinds(), k)
	return func(s access.Scope) bool { return told || s.IsOrg() == ofOrg(k) }
}

func part(all map[about]said, in func(access.Scope) bool) map[about]said {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(_ about, s said) bool { return !in(s.ref.Scope) })
	return out
}

// TestPlantedLogins: what rests on the history of logins is unknown when that is not kept any
// more, and says that it reads what it is made of.
func TestPlantedLogins(t *testing.T) {
	e, f := fleetEngine(t), newFleet(deniedProjects, 1)
	f.plant()
	before := f.account(t, e, nil, nil)
	for _, o := range f.orgs {
		for _, p := range o.projects {
			if p.dedicated() {
				p.history.Logins = []access.Span{{From: fleetBegan, Until: daysAgo(5)}}
			}
		}
	}
	after := f.account(t, e, nil, nil)
	rest := 0
	for _, r := range e.Rules() {
		unknown := 0
		for at, was := range before[r.ID] {
			is := after[r.ID][at]
			if is.all == was.all {
				continue
			}
			if unknown++; is.answer != access.AnswerUnknown {
				t.Errorf("%s: %v is %s without a history of logins", r.ID, at, is.answer)
			}
		}
		if unknown > 0 && !slices.Contains(r.Reads, access.KindAccessHistory) {
			t.Errorf("%s rests on logins, and does not declare that it reads %s", r.ID, access.KindAccessHistory)
		}
		rest += unknown
	}
	if rest == 0 {
		t.Error("nothing rests on logins")
	}
}

func ofOrg(k access.Kind) bool { return slices.Contains(access.OrgKinds(), k) }

// bothLevels reports whether the rule judges kinds of orgs and of projects.
func bothLevels(r rules.Rule) bool {
	return slices.ContainsFunc(r.Kinds, ofOrg) && slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { return !ofOrg(k) })
}

// rests reports whether a verdict of the rule on a resource of a kind rests on reading k,
// by what the rule declares.
func rests(r rules.Rule, on, k access.Kind) bool {
	return k == on || slices.Contains(r.Siblings, k) || slices.Contains(r.Reads, k) && !slices.Contains(r.Kinds, k)
}

// onChange reports whether the verdict judges a change.
func onChange(r rules.Rule, v said) bool {
	return r.On == rules.OnChange || v.key != "" && v.ref.Kind != r.Kind
}

func mustTurnUnknown(t *testing.T, r rules.Rule, k access.Kind, before, after map[about]said) {
	t.Helper()
	for at, was := range before {
		is := after[at]
		on := was.ref.Kind
		if !slices.Contains(r.Kinds, on) && !onChange(r, was) { // each of another kind
			on = r.Kind
		}
		switch {
		case was.over: // what was before is told again when it can be read again
		case onChange(r, was) && k == on: // the feed tells of it, readable or not
			if is.all != was.all && is.answer != access.AnswerUnknown {
				t.Errorf("%s: %v was %s and is %q", r.ID, at, was.answer, is.answer)
			}
		case !rests(r, on, k):
			if is.all != was.all {
				t.Errorf("%s does not read %s, and %v changes:\n%s\n%s", r.ID, k, at, was.all, is.all)
			}
		case was.ref.Scope.IsOrg() && !ofOrg(k) && bothLevels(r): // what it reads of projects may be for these only
			if is.all != was.all && is.answer != access.AnswerUnknown {
				t.Errorf("%s: %v was %s and is %s", r.ID, at, was.answer, is.answer)
			}
		case was.ref.Scope.IsOrg() && !ofOrg(k): // of the projects' kinds: what passes is unknown
			if is.answer != was.answer && is.answer != access.AnswerUnknown || is.answer == access.AnswerPass {
				t.Errorf("%s: %v was %s and is %s, and the projects cannot tell", r.ID, at, was.answer, is.answer)
			}
		case is.answer != access.AnswerUnknown || is.all == "":
			t.Errorf("%s reads %s, and %v is %q without it", r.ID, k, at, is.answer)
		}
	}
}

// mustDeclare compares what a rule says with what it says where the kind is empty: whoever
// does not declare a kind answers the same without it, and whoever does says something else.
func mustDeclare(t *testing.T, r rules.Rule, k access.Kind, before, after map[about]said) {
	t.Helper()
	differs := false
	for at, was := range before {
		is := after[at]
		if was.ref.Kind == k && slices.Contains(r.Kinds, k) {
			continue
		}
		differs = differs || is.all != was.all
		if is.answer != was.answer && !rests(r, r.Kind, k) && !slices.Contains(r.Kinds, k) {
			t.Errorf("%s does not declare that it reads %s, and %v changes:\n%s\n%s", r.ID, k, at, was.all, is.all)
		}
	}
	for at := range after {
		_, was := before[at]
		differs = differs || !was
	}
	if slices.Contains(r.Reads, k) && !slices.Contains(r.Kinds, k) && !differs && readsInVain(r.ID, k) == "" {
		t.Errorf("%s declares that it reads %s, and says the same where there is nothing in it", r.ID, k)
	}
}

// readsInVain says why a rule rests on a kind though it says the same where that is empty.
func readsInVain(rule string, k access.Kind) string {
	switch {
	case k == access.KindProject:
		return "it tells the environment of a project, which this test sets by itself"
	case (rule == "dbuser/unused" || rule == "network/unused-entry") && k == access.KindAccessHistory:
		return "the history of logins is made of it"
	}
	return ""
}
