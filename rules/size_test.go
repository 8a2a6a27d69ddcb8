package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// sharedWorld is an org of so many projects, of two environments, that all have users of the
// same names.
func sharedWorld(projects, names int) Input {
	org := access.OrgScope("0000000000000000000000a1")
	in := Input{Scope: org, Now: t0, Collections: map[access.Kind]access.Collection{}, Facts: access.Facts{V: 1, Scope: org}}
	for _, k := range access.OrgKinds() {
		putFirst(in, k)
	}
	putFirst(in, access.KindOrg, access.Org{ID: org.ID(), Title: "acme"})
	for i := range projects {
		env := []string{"prod", "dev"}[i%2]
		c := access.Contribution{V: 1, Scope: access.ProjectScope(fmt.Sprintf("%024x", i+1)), Org: org.ID(), Title: fmt.Sprintf("team-%05d-%s", i, env), Environment: env}
		for u := range names {
			c.Users = append(c.Users, fmt.Sprintf("admin/app_%03d", u))
		}
		in.Facts.Projects = append(in.Facts.Projects, c)
	}
	return in
}

// TestFewAreTold: what is found of many is told in a few words, and the digest holds all of it.
func TestFewAreTold(t *testing.T) {
	e := mustLoad(t, testPolicy())
	look := func(change func(*access.Contribution)) access.Finding {
		in := sharedWorld(40, 1)
		change(&in.Facts.Projects[39])
		doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
		return oneOf(t, doc, "dbuser/shared-across-environments", "admin/app_000")
	}
	f := look(func(*access.Contribution) {})
	if !strings.Contains(f.Message, "team-00009-dev (dev) and 30 more: ") {
		t.Errorf("it says %q", f.Message)
	}
	renamed := look(func(c *access.Contribution) { c.Title = "team-x-dev" })
	moved := look(func(c *access.Contribution) { c.Environment = "staging" })
	other := look(func(c *access.Contribution) { c.Scope = access.ProjectScope(fmt.Sprintf("%024x", 99)) })
	if renamed.Digest != f.Digest || moved.Digest == f.Digest || other.Digest == f.Digest {
		t.Errorf("digests %s, renamed %s, moved %s, another %s", f.Digest, renamed.Digest, moved.Digest, other.Digest)
	}
}

// TestNamesByTheLongest: however many names begin alike, the longest that is there is meant.
func TestNamesByTheLongest(t *testing.T) {
	in := sharedWorld(300, 0)
	for i := range in.Facts.Projects {
		in.Facts.Projects[i].Title = strings.TrimSpace("team " + strings.Repeat("a ", i%60) + fmt.Sprint(i/60))
	}
	n, titles := namesOf(&in), []string{}
	for _, p := range in.Facts.Projects {
		titles = append(titles, p.Title)
		if got := n.plain("of " + p.Title + ", and more"); got != "of project "+p.Scope.ID()+", and more" {
			t.Errorf("%q: %q", p.Title, got)
		}
	}
	if slices.Sort(titles); len(slices.Compact(titles)) != 300 {
		t.Error("the names are not all different")
	}
}

func BenchmarkFoldSharedNames(b *testing.B) {
	e := mustLoad(b, testPolicy())
	for _, projects := range []int{2000, 10000} {
		in := sharedWorld(projects, 50)
		verdicts := e.Evaluate(in)
		b.Run(fmt.Sprint(projects), func(b *testing.B) {
			for range b.N {
				e.Advance(access.Findings{}, in, verdicts)
			}
		})
	}
}
