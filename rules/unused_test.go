package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNotices: what is allowed in a rule and probably not meant is told at its place.
func TestNotices(t *testing.T) {
	text := strings.Replace(good, "  after: 24h", "  after: 24h\n  aft: 3\n  idle_days: 3", 1) + "controls: [CC6.1, A.8.2, PCI 8.3.1, CIS 6, CC99.9, foo]\n"
	r, _ := mustLoad(t, testPolicy(), Source{"f.yaml", []byte(text)}).Rule("mine/clusterless")
	var got []string
	for _, w := range r.Warnings {
		said, _, _ := strings.Cut(w.String(), ": those are")
		got = append(got, said)
	}
	want := []string{
		"f.yaml:9:8: rule mine/clusterless: parameter aft is used nowhere",
		"f.yaml:10:14: rule mine/clusterless: parameter idle_days is used nowhere",
		`f.yaml:20:11: rule mine/clusterless: control "CC99.9" is of no framework that reports are made of`,
		`f.yaml:20:11: rule mine/clusterless: control "foo" is of no framework that reports are made of`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNoticesOfBuiltIn: the built-in rules give no cause for one.
func TestNoticesOfBuiltIn(t *testing.T) {
	for _, src := range builtins() {
		for _, d := range parse(src, &LoadErrors{}, true) {
			if d.notice(); len(d.rule.Warnings) > 0 {
				t.Errorf("%v", d.rule.Warnings)
			}
		}
	}
}
