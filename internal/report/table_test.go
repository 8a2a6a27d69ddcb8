package report

import (
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestTable(t *testing.T) {
	r := sample(60, false)
	for _, width := range []int{44, 80, 132} {
		out := written(t, "table", r, Options{Width: width})
		flat := strings.Join(strings.Fields(out), " ")
		for _, f := range r.Findings {
			if !strings.Contains(flat, f.Message) || !strings.Contains(flat, f.Fix) {
				t.Fatalf("width %d: the text of %s was cut", width, f.ID)
			}
		}
		for _, l := range strings.Split(out, "\n") {
			if lipgloss.Width(l) > width {
				t.Errorf("width %d: a line has %d columns: %q", width, lipgloss.Width(l), l)
			}
		}
		summary := strings.Join(strings.Fields(r.line()), " ")
		if !strings.HasSuffix(flat, summary) || strings.Index(flat, summary) > 120 {
			t.Errorf("width %d: the summary is not first and last", width)
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("width %d: a pipe got colours", width)
		}
	}
	if out := written(t, "table", r, Options{Colour: true}); !strings.Contains(out, "\x1b[") {
		t.Error("colours were asked for and not written")
	}
}

func TestSummary(t *testing.T) {
	r := Report{
		Findings:   []Finding{finding("a", access.Critical), finding("b", access.Low), finding("c", access.Low, waived), finding("d", access.High, resolved)},
		Unknown:    []Unknown{{Count: 4}},
		NotCovered: []NotCovered{{Rule: "x"}},
		Scopes:     []Scope{{Reads: map[access.Kind]Read{"a": {Status: access.StatusComplete}, "b": {Status: access.StatusDenied}, "c": {Status: access.StatusComplete, Odd: 1}, "d": {Status: access.StatusUnsupported}}}},
	}
	want := "2 findings (1 critical, 1 low) · 1 waived · 4 unknown · 1 rule not covered · 2 of 4 reads incomplete"
	if got := r.line(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !r.Incomplete() || !(Report{Findings: r.Findings}).Incomplete() || (Report{Scopes: []Scope{{Reads: map[access.Kind]Read{"a": {Status: access.StatusComplete}}}}}).Incomplete() {
		t.Error("what is incomplete was mistaken")
	}
	want = "0 findings · 0 new · 0 waived · 0 unknown · 0 rules not covered · 0 of 0 reads incomplete · nothing was read"
	if got := (Report{Compared: &Compared{}}).line(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestNothingRead: an org that could not be read at all is in no list of findings, and said.
func TestNothingRead(t *testing.T) {
	r := Report{Orgs: []Org{{ID: "1"}}, Scopes: []Scope{{Scope: "org.1"}, {Scope: "prj.1", Title: "shop", Reads: map[access.Kind]Read{"project": {Status: access.StatusComplete}}}}}
	if got := written(t, "table", r, Options{Width: 140}); !strings.Contains(got, "1 of 2 scopes unread") || !strings.Contains(got, "COULD NOT BE READ") {
		t.Errorf("what was not read is not said:\n%s", got)
	}
	if got := written(t, "html", Report{Orgs: r.Orgs}, Options{}); !strings.Contains(got, "Nothing could be read, so nothing is known.") {
		t.Error("the page says something else than that nothing is known")
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"one two three", 7, "one two|three"},
		{"orders-prod-cluster is open", 12, "orders-prod-|cluster is|open"},
		{"a-b c", 5, "a-b c"},
		{"漢字漢字 x", 4, "漢字|漢字|x"},
		{"", 5, ""},
	} {
		if got := strings.Join(wrap(c.in, c.width), "|"); got != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}
