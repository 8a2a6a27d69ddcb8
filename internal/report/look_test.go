package report

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestNothingLooksClean: what is filtered out, or was not read, is nowhere shown as none.
func TestNothingLooksClean(t *testing.T) {
	filtered, unread := sample(60, false).Keep(Filter{Gates: []Gate{GateNetwork}}), Report{Orgs: []Org{{ID: "1"}}}
	for _, c := range []struct {
		name, format string
		r            Report
		has, lacks   []string
	}{
		{"filtered", "html", filtered, []string{"<b>Filtered.</b>", "not shown</span>", "Not shown: findings that a filter left out"}, []string{"In brackets"}},
		{"filtered", "table", filtered, []string{" not shown ·", "In brackets"}, nil},
		{"filtered to nothing", "html", sample(5, false).Keep(Filter{Rules: []string{"no/such"}}), []string{"No finding that the filter shows stands."}, []string{"Nothing was found.", "No finding stands."}},
		{"unread", "html", unread, []string{"Nothing could be read", "hero unsure", "scopes unread", "No rule was asked"}, []string{"Every read came to its end", "Every rule was asked", "No finding stands"}},
		{"whole", "html", Report{Scopes: []Scope{{Scope: "prj.1", Reads: map[access.Kind]Read{"project": {Status: access.StatusComplete}}}}}, []string{"Nothing was found.", "Every read came to its end", "No finding stands."}, []string{"hero unsure", "not shown", "unread"}},
	} {
		out := written(t, c.format, c.r, Options{Width: 200})
		for _, s := range c.has {
			if !strings.Contains(out, s) {
				t.Errorf("%s, %s: %q is not said", c.name, c.format, s)
			}
		}
		for _, s := range c.lacks {
			if strings.Contains(out, s) {
				t.Errorf("%s, %s: %q is said", c.name, c.format, s)
			}
		}
	}
}

func TestMatrixCell(t *testing.T) {
	for want, c := range map[string]matrixCell{
		"0": {asked: true}, "–": {}, "?": {Unknown: 1}, "2": {Count: 2}, "2 + ?": {Count: 2, Unknown: 3}, "(4)": {Hidden: 4, asked: true}, "2 (4) + ?": {Count: 2, Hidden: 4, Unknown: 1},
	} {
		if got := c.String(); got != want {
			t.Errorf("%+v is %q, want %q", c, got, want)
		}
	}
}

// TestHeadlinePlaces: what is only judged as production is not said to be it.
func TestHeadlinePlaces(t *testing.T) {
	at := func(s access.Scope) Finding {
		return finding("x", access.Critical, func(f *Finding) { f.Ref.Scope = s })
	}
	scopes := []Scope{
		{Scope: access.OrgScope("o")}, {Scope: access.ProjectScope("p"), Environment: "prod", Production: true}, {Scope: access.ProjectScope("n"), Production: true}, {Scope: access.ProjectScope("d"), Environment: "dev"},
	}
	for want, found := range map[string][]Finding{
		"2 critical findings stand, in production.":                                                         {at(scopes[1].Scope), at(scopes[1].Scope)},
		"1 critical finding stands, where no environment matches, judged as production.":                    {at(scopes[2].Scope)},
		"3 critical findings stand, 1 where no environment matches, judged as production.":                  {at(scopes[2].Scope), at(scopes[0].Scope), at(scopes[3].Scope)},
		"3 critical findings stand, 1 in production, 1 where no environment matches, judged as production.": {at(scopes[1].Scope), at(scopes[2].Scope), at(scopes[3].Scope)},
		"2 critical findings stand.": {at(scopes[0].Scope), at(scopes[3].Scope)},
	} {
		r := Report{Scopes: scopes, Findings: found}
		if got := headlineOf(r, r.Totals(), nil).Text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPageTellsAll: the page has what is declared and matches nothing, and its keys explain
// what its cells show.
func TestPageTellsAll(t *testing.T) {
	r := sample(60, false)
	r.Unmatched = []Unmatched{{Path: "identities[0]", Pattern: "app-*", Why: "no user is called so", Source: "gatewarden.yaml:7:3"}}
	out := written(t, "html", r, Options{})
	for _, want := range []string{"Declarations that match nothing", "app-*: no user is called so", "Unknown: answers that could not be given", "no data"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said", want)
		}
	}
	for _, not := range []string{"?: something", "> nothing<"} {
		if strings.Contains(out, not) {
			t.Errorf("%q is said", not)
		}
	}
	for want, got := range map[string]stack{
		"2 owners, 1 manager": roleStack("People", &RoleReach{Owner: 2, Manager: 1}), "all owners": roleStack("People", &RoleReach{Owner: 3}), "admin": databaseStack(&DatabaseReach{Admin: 1}),
		"1 read, 2 no data": databaseStack(&DatabaseReach{Read: 1, None: 2}), "none": databaseStack(&DatabaseReach{}),
	} {
		if got.Text != want {
			t.Errorf("%q, want %q", got.Text, want)
		}
	}
}
