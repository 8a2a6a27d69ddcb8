package rules

import (
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestNamesInTextsAreIds(t *testing.T) {
	shop, dev := access.ProjectScope("00000000000000000000000b"), access.ProjectScope("00000000000000000000000c")
	in := &Input{Scope: shop, Collections: map[access.Kind]access.Collection{
		access.KindProject: access.NewCollection(shop, access.KindProject, []access.State{access.Project{ID: "00000000000000000000000b", Title: `a "b"`}}),
	}, Facts: access.Facts{Projects: []access.Contribution{{Scope: dev, Title: "shop"}}}}
	n := namesOf(in)
	for text, want := range map[string]string{
		`of a "b".`:             "of project 00000000000000000000000b.",
		`{"x":"a \"b\", shop"}`: `{"x":"project 00000000000000000000000b, project 00000000000000000000000c"}`,
		"of shop":               "of project 00000000000000000000000c",
		"shops of shop-prod and workshop, pre-shop": "shops of shop-prod and workshop, pre-shop",
		"漢\xff shop": "漢\xff project 00000000000000000000000c",
		"":           "",
	} {
		if got := n.plain(text); got != want {
			t.Errorf("plain(%q) = %q, want %q", text, got, want)
		}
	}
	f := access.Finding{Message: "of shop", Said: "x"}
	g := access.Finding{Message: "of project " + dev.ID()}
	if n.said(f) != n.said(g) {
		t.Error("a name and its id say two things")
	}
	g.Unknown = "why"
	if n.said(f) == n.said(g) {
		t.Error("another state of knowledge says the same")
	}
}
