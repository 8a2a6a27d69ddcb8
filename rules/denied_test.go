package rules

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewarden/gatewarden/internal/access"
)

// builtinWorlds calls f with each world of the built-in rules' own tests.
func builtinWorlds(t *testing.T, f func(t *testing.T, r *Rule, test fileTest)) {
	all := mustLoad(t, testPolicy())
	for _, src := range builtins() {
		for _, d := range parse(src, &LoadErrors{}, false) {
			for _, test := range d.tests {
				t.Run(d.rule.ID+"/"+test.name, func(t *testing.T) {
					r, err := test.world.adjust(all.find(d.rule.ID))
					if err != nil {
						t.Fatal(err)
					}
					f(t, r, test)
				})
			}
		}
	}
}

// judgeWorld judges the world by the rule alone.
func judgeWorld(t *testing.T, r *Rule, w testWorld) (*Engine, Input, []access.Verdict) {
	t.Helper()
	e := &Engine{rules: []*Rule{r}, policy: newPolicy(w.policy(nil))}
	e.setViews()
	in, err := w.input(e, r)
	if err != nil {
		t.Fatal(err)
	}
	return e, in, e.Evaluate(in)
}

// TestDeniedReads: with each single read denied, a violation of a state rule is unknown
// where the rule rests on that read, and stays a violation where it does not. What other
// projects cannot tell leaves a violation one.
func TestDeniedReads(t *testing.T) {
	builtinWorlds(t, func(t *testing.T, r *Rule, test fileTest) {
		if r.On != OnState {
			return
		}
		_, _, plain := judgeWorld(t, r, test.world)
		for k := range kinds {
			w := test.world
			w.Status = maps.Clone(w.Status)
			if w.Status == nil {
				w.Status = map[access.Kind]string{}
			}
			w.Status[k] = string(access.StatusDenied)
			_, _, denied := judgeWorld(t, r, w)
			answers := map[string]access.Verdict{}
			for _, v := range denied {
				answers[fmt.Sprint(v.Ref, v.Key)] = v
			}
			for _, v := range plain {
				view := r.asks(v.Key).viewOf(v.Ref.Kind)
				if r.eachOf != nil {
					view = r.views[0]
				}
				if view == nil || v.Answer != access.AnswerViolation || !v.Evidence.Ended.IsZero() {
					continue
				}
				want := access.AnswerViolation
				if slices.Contains(view.Reads, k) && !(v.Ref.Scope.IsOrg() && !ofOrg(k)) {
					want = access.AnswerUnknown
				}
				if got, ok := answers[fmt.Sprint(v.Ref, v.Key)]; !ok || got.Answer != want {
					t.Errorf("%s without %s: %s, want %s (%s)", v.Ref.Name, k, answerText(got.Answer), answerText(want), got.Why)
				}
			}
		}
	})
}

// TestJudgeAgrees: one reference judged by itself has the verdict of the whole judgement,
// and judging a second time changes nothing.
func TestJudgeAgrees(t *testing.T) {
	builtinWorlds(t, func(t *testing.T, r *Rule, test fileTest) {
		e, in, all := judgeWorld(t, r, test.world)
		last := map[string]access.Verdict{}
		for _, v := range all {
			last[fmt.Sprint(v.Ref, v.Key)] = v
		}
		for _, v := range last {
			if r.changes != nil && v.Key == "" && len(in.Changes) > 0 {
				continue // who is judged alone has taken the change in before
			}
			if diff := cmp.Diff(v, e.Judge(in, v.Rule, v.Ref, v.Key), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-Evaluate +Judge):\n%s", v.Ref.Name, diff)
			}
		}
		doc, _ := e.Advance(access.Findings{}, in, all)
		in.Open = doc.Findings
		if _, events := e.Advance(doc, in, e.Evaluate(in)); len(events) > 0 {
			t.Errorf("judged again, it told: %s %q", events[0].Finding.Ref.Name, events[0].Why)
		}
	})
}
