package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestStartsWithoutBadRules: the daemon starts with all rules but those that have mistakes,
// says which these are until they are mended, and keeps what they found.
func TestStartsWithoutBadRules(t *testing.T) {
	good, other := ownRule("mine/sound", soundWhen), ownRule("mine/other", soundWhen)
	withRules(t, map[string]string{"a.yaml": good, "b.yaml": other}, func(t *testing.T, s *stage, put func(name, text string)) {
		s.conf = strings.Replace(s.conf, "responses:\n", "responses:\n  - {rules: [mine/other], do: notify}\n", 1)
		s.start()
		s.steps(`at 40s as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"0.0.0.0/0"}]`)
		s.rest()
		if got := s.open("mine/other"); !strings.HasPrefix(got, "0.0.0.0/0") {
			t.Fatalf("open by the rule that is going to be broken: %q", got)
		}
		s.stop()
		put("b.yaml", strings.Replace(other, "entry.comment", "entry.coment", 1))
		put("c.yaml", ownRule("network/open-to-world", "false"))
		put("d.yaml", "id: [")
		s.start()
		s.steps(`at 5m as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"128.0.0.0/1"}]`)
		s.rest()
		if code, why := ask(s.daemon.ops(), "GET", "/readyz"); code != 200 {
			t.Errorf("not ready: %d %s", code, why)
		}
		s.gauge("gatewarden_rules_refused", 3)
		if got := s.open("mine/sound"); !strings.HasPrefix(got, "0.0.0.0/0 128.0.0.0/1") {
			t.Errorf("the good rule of the user finds %q", got)
		}
		if got := s.open("network/open-to-world"); got != "0.0.0.0/0" {
			t.Errorf("the built-in rule finds %q", got)
		}
		if got := s.open("mine/other"); !strings.HasPrefix(got, "0.0.0.0/0") || strings.Contains(got, "128") {
			t.Errorf("what the bad rule found stands, and nothing else: %q", got)
		}
		for _, f := range s.findings("mine/other", "0.0.0.0/0") {
			if f.Ref.Scope == access.ProjectScope(s.atlas.ProjectID("ecommerce-dev")) && !strings.Contains(f.Unknown, "coment") {
				t.Errorf("what it found is not unknown: %+v", f)
			}
		}
		told := s.refused()
		if len(told) != 3 {
			t.Errorf("told of %q", told)
		}
		for i, want := range []string{"b.yaml:6:", "c.yaml:1:1: rule network/open-to-world is there already", "d.yaml:2:1: not YAML"} {
			if i < len(told) && !strings.Contains(told[i], want) {
				t.Errorf("told of %q, want %q", told[i], want)
			}
		}

		put("c.yaml", "") // one mended, and others not: what was in force stays
		if code, said := ask(s.daemon.admin(), "POST", "/-/reload"); code != 422 || !strings.Contains(said, "b.yaml:6:") {
			t.Errorf("a reload with bad rules: %d %s", code, said)
		}
		s.gauge("gatewarden_rules_refused", 3)
		put("b.yaml", other)
		put("d.yaml", "")
		if code, said := ask(s.daemon.admin(), "POST", "/-/reload"); code != 200 {
			t.Errorf("a reload with all mended: %d %s", code, said)
		}
		s.rest()
		s.gauge("gatewarden_rules_refused", 0)
		if told := s.refused(); len(told) != 0 {
			t.Errorf("told of, mended: %q", told)
		}
		if got := s.open("mine/other"); !strings.HasPrefix(got, "0.0.0.0/0 128.0.0.0/1") {
			t.Errorf("the mended rule finds %q", got)
		}
	})
}

// TestStartNeedsAConfiguration: what is wrong beside the rules of the user stops the start.
func TestStartNeedsAConfiguration(t *testing.T) {
	withRules(t, map[string]string{"a.yaml": ownRule("mine/sound", soundWhen)}, func(t *testing.T, s *stage, _ func(name, text string)) {
		conf := s.conf
		for what, more := range map[string]string{
			"a response of no rule": "responses:\n  - {rules: [mine/other], do: notify}\n",
			"a waiver of no rule":   "waivers: [{id: w, rule: mine/other, name: x, owner: alice, reason: a test of the load, granted: 2026-11-22T00:00:00Z, until: 2026-11-22T12:00:00Z}]\nresponses:\n",
		} {
			s.conf = strings.Replace(conf, "responses:\n", more, 1)
			f, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := buildSound(f); err == nil || !strings.Contains(err.Error(), `"mine/other" matches no rule`) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// refused are the open findings of rules that were refused, in order of name, with what is wrong.
func (s *stage) refused() (out []string) {
	s.t.Helper()
	all, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range all {
		if f.Rule == "watch/rule-failing" && f.Open() {
			out = append(out, fmt.Sprint(f.Ref.Kind, " ", f.Message, " ", f.Evidence.Facts))
		}
	}
	file := func(said string) string { return said[strings.Index(said, ".yaml:")-1:] }
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(file(a), file(b)) })
	return out
}

func (s *stage) gauge(name string, want int) {
	s.t.Helper()
	if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, fmt.Sprintf("\n%s %d\n", name, want)) {
		s.t.Errorf("%s is not %d", name, want)
	}
}
