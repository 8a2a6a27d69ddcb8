package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestFilters: each parameter keeps what it says, and several of them what passes all.
func TestFilters(t *testing.T) {
	g := newGate(t)
	name := func(f Finding) string { return f.Ref.Name + " of " + f.Org[23:] + " " + f.Project }
	for path, want := range map[string]int{
		"/findings": 5, "/findings?state=all": 6, "/findings?state=resolved": 1, "/findings?state=open&state=resolved": 6, "/findings?state=waived": 0,
		"/findings?rule=network/*": 4, "/findings?rule=network/open-to-world": 2, "/findings?rule=*&rule=x": 5, "/findings?severity=critical&severity=low": 3,
		"/findings?environment=dev": 1, "/findings?project=ecommerce-prod": 3, "/findings?project=ecommerce-*": 4, "/findings?project=" + prod.Scope.ID(): 2,
		"/findings?owner=shop": 2, "/findings?owner=shop&project=" + prod.Scope.ID(): 1,
	} {
		if got := listed(g, "viewer", path, name); len(got) != want {
			t.Errorf("%s: %q, want %d", path, got, want)
		}
	}
	for path, want := range map[string]int{
		"/actions": 3, "/actions?state=all": 4, "/actions?state=awaiting": 3, "/actions?state=verified": 1, "/actions?state=open&state=verified": 4, "/actions?owner=tools": 1,
		"/actions?finding=" + g.backend.findings[0].ID: 1, "/actions?severity=critical&environment=prod": 2, "/actions?project=" + dev.Scope.ID(): 1, "/actions?rule=dbuser/*": 0,
		"/places?project=*-dev": 1,
	} {
		if got := listed(g, "viewer", path, func(map[string]any) string { return "" }); len(got) != want {
			t.Errorf("%s: %d, want %d", path, len(got), want)
		}
	}
}

// TestPages: the parts of a list are the list, each item once, while others come and go.
func TestPages(t *testing.T) {
	g := newGate(t)
	g.backend.findings = nil
	for i := range 25 {
		g.backend.findings = append(g.backend.findings, findingAt([]Place{prod, dev}[i%2], "network/x", fmt.Sprintf("10.0.%d.0/24", i), "", access.Low))
	}
	var got []string
	after := ""
	for pages := 0; ; pages++ {
		w := g.ask("viewer", "GET", prefix+"/findings?limit=10"+after, "")
		page := decoded[Page[Finding]](t, w)
		for _, f := range page.Items {
			got = append(got, f.Ref.Name)
		}
		if pages == 0 { // what was shown goes, and something comes before it
			g.backend.findings = slices.DeleteFunc(g.backend.findings, func(f access.Finding) bool { return f.ID == page.Items[9].ID })
			g.backend.findings = append(g.backend.findings, findingAt(prod, "network/x", "1.0.0.0/24", "", access.Low))
		}
		if page.Next == "" {
			break
		}
		after = "&after=" + page.Next
	}
	slices.Sort(got)
	if whole := slices.Compact(slices.Clone(got)); len(got) != 25 || len(whole) != 25 {
		t.Errorf("%d findings, %d of them once: %q", len(got), len(whole), got)
	}
}

// TestEpisodeIsTheActions: a vote on an action says its own finding and episode, whatever the finding's is now.
func TestEpisodeIsTheActions(t *testing.T) {
	g := newGate(t)
	g.backend.findings[0].Episode = 3
	if w := g.ask("approver", "POST", prefix+"/commands", g.body(access.VerbVote)); w.Code != 200 || g.backend.given[0].Episode != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestSpans: what people write for a duration.
func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "90d": 90 * 24 * time.Hour, "1h30m": 90 * time.Minute} {
		if d, wrong := span(text); wrong != nil || d != want {
			t.Errorf("%s: %s, %v", text, d, wrong)
		}
	}
	for _, text := range []string{"", "d", "x", "1", "-1h", "1d-1h", "1.5d", "+1d", " 1d", "1d ", "9999999d", "1dd", "1h1d", "1d2d", strings.Repeat("9", 40) + "h"} {
		if d, wrong := span(text); wrong == nil {
			t.Errorf("%q is %s", text, d)
		}
	}
}

// TestProposedWaivers: what waits for more people is told with how many, and as no waiver; what
// has lapsed, by time or because the finding is another by now, is not.
func TestProposedWaivers(t *testing.T) {
	told := func(g *gate) []Waiver {
		return slices.DeleteFunc(decoded[Page[Waiver]](t, g.ask("viewer", "GET", prefix+"/waivers", "")).Items, func(w Waiver) bool { return w.Proposed == nil })
	}
	g := newGate(t)
	f, at := g.backend.findings[0], began.Add(-time.Hour)
	want := []Waiver{{
		Waiver: access.Waiver{
			V: 1, ID: "proposed-" + access.ActionID(f.ID, 2), Rule: f.Rule, Kind: f.Ref.Kind, Name: "0.0.0.0/0", Project: prod.Scope.ID(), Environment: "prod",
			Owner: "bob", Reason: "a load test", Granted: at, Until: began.Add(2 * time.Hour), Digest: f.Digest,
		},
		Proposed: &Proposed{Finding: f.ID, Episode: 2, By: []string{"bob"}, Needs: 1, Lapses: at.Add(24 * time.Hour)},
	}}
	if diff := cmp.Diff(want, told(g)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, change := range map[string]func(*gate){
		"a day later":      func(g *gate) { g.now = at.Add(access.ProposalLife) },
		"other values":     func(g *gate) { g.backend.findings[0].Digest = "fedcba9876543210" },
		"another episode":  func(g *gate) { g.backend.findings[0].Episode = 3 },
		"it is over":       func(g *gate) { g.backend.findings[0].State = access.FindingResolved },
		"it is forgotten":  func(g *gate) { g.backend.findings = g.backend.findings[1:] },
		"it became a real": func(g *gate) { g.backend.waivers.Proposed[0].Waiver = "cmd-x" },
	} {
		g := newGate(t)
		change(g)
		if got := told(g); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
