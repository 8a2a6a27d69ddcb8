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
		{"filtered", "html", filtered, []string{"<b>Filtered.</b>", "not shown</span>", "In brackets: findings that a filter left out"}, nil},
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
