package rules

import (
	"fmt"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

func TestCedarIsAskedOnceAText(t *testing.T) {
	var a govAsked
	asked := 0
	ask := func(title string, texts ...string) {
		key := govTextsOf(access.OrgScope(orgID), "network/open-to-world", []access.ResourcePolicy{{Title: title, Version: fmt.Sprint(asked), Policies: texts}})
		if got := a.of(key, func() prevent.Coverage { asked++; return prevent.Coverage{Answer: prevent.Open, Unread: texts} }); len(got.Unread) != len(texts) {
			t.Errorf("%v answers for %v", got.Unread, texts)
		}
	}
	for i, texts := range [][]string{{"a"}, {"a"}, {"a", "b"}, {"ab"}, {"a", "b"}, {"a"}} {
		ask("p", texts...)
		if want := []int{1, 1, 2, 3, 3, 3}[i]; asked != want {
			t.Errorf("after %v: asked %d times, want %d", texts, asked, want)
		}
	}
	for i := range 2 * govAskedMost {
		ask("p", fmt.Sprint(i))
	}
	if len(a.answers) > govAskedMost {
		t.Errorf("it remembers %d answers, want %d at most", len(a.answers), govAskedMost)
	}
}

// TestCoverageFollowsTheTexts: what an engine remembers of the policies of an org is not
// taken for what others say, nor for those of another org.
func TestCoverageFollowsTheTexts(t *testing.T) {
	e := mustLoad(t, testPolicy())
	ready, ok := prevent.Policy("network/open-to-world", prevent.Given{Org: orgID})
	if !ok {
		t.Fatal("there is no policy for the rule")
	}
	judge := func(texts ...string) prevent.Coverage {
		scope := access.OrgScope(orgID)
		in := Input{Scope: scope, Now: t0, Collections: map[access.Kind]access.Collection{
			access.KindResourcePolicy: access.NewCollection(scope, access.KindResourcePolicy, []access.State{access.ResourcePolicy{ID: "p", Title: "p", Policies: texts}}),
		}}
		return newWorld(e, &in).govCoverage("network/open-to-world")
	}
	for range 2 {
		with, without := judge(ready.Policies...), judge("not Cedar")
		if with.Answer == without.Answer || len(without.Unread) != 1 {
			t.Errorf("with the policy of the rule %v, with what is none %v (%v)", with.Answer, without.Answer, without.Unread)
		}
	}
	if n := len(e.asked.answers); n != 2 {
		t.Errorf("it remembers %d answers, want 2", n)
	}
}
