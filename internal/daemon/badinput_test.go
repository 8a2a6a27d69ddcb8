package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ownRule is a user's rule on access list entries; its when is cheap and sound in its tests.
func ownRule(id, when string) string {
	return `id: ` + id + `
title: a title
why: a reason
severity: low
kind: ip_access_entry
when: ` + when + `
message: "'entry ' + entry.entry"
tests:
  - name: some
    given: {ip_access_entry: [{entry: 203.0.113.1/32, comment: "1"}, {entry: 203.0.113.2/32, comment: "2"}, {entry: 203.0.113.3/32, comment: "0"}, {entry: 203.0.113.4/32, comment: "-1"}]}
    want: {203.0.113.1/32: violation, 203.0.113.2/32: violation, 203.0.113.3/32: pass, 203.0.113.4/32: pass}
  - name: unreadable
    given: {ip_access_entry: [203.0.113.1/32], status: {ip_access_entry: failed}}
    want: {203.0.113.1/32: unknown}
`
}

const soundWhen = `"!(entry.comment in ['0', '-1'])"`

// withRules is a stage with a folder of rules of its user, and how to write into it.
func withRules(t *testing.T, files map[string]string, test func(t *testing.T, s *stage, put func(name, text string))) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		put(name, text)
	}
	edit := func(conf string) string {
		return conf + fmt.Sprintf("rules: {paths: [%q], only: [network/open-to-world, dbuser/unscoped, watch/rule-failing, \"mine/*\"]}\n", dir)
	}
	bubble(t, edit, func(t *testing.T, s *stage) { test(t, s, put) })
}

// rest lets the daemon do what there is to do.
func (s *stage) rest() {
	time.Sleep(90 * time.Second)
	synctest.Wait()
}

// open says of which entries of a project a rule has an open finding.
func (s *stage) open(rule string) string {
	s.t.Helper()
	all, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, f := range all {
		if f.Rule == rule && f.Ref.Scope == access.ProjectScope(s.atlas.ProjectID("ecommerce-dev")) && f.Open() {
			out = append(out, f.Ref.Name)
		}
	}
	return strings.Join(access.SortNames(out), " ")
}

// TestBadReload: with anything wrong in the new rules or the new configuration, the reload is
// refused with its place, and what ran goes on judging by the old ones, old findings and new.
func TestBadReload(t *testing.T) {
	good := ownRule("mine/sound", soundWhen)
	withRules(t, map[string]string{"a.yaml": good}, func(t *testing.T, s *stage, put func(name, text string)) {
		s.start()
		s.steps(`at 40s as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"0.0.0.0/0"}]`)
		s.rest()
		if got := s.open("network/open-to-world"); got != "0.0.0.0/0" {
			t.Fatalf("open to the world: %q", got)
		}
		before, conf := s.daemon.settings.get(), s.conf
		waiver := "waivers:\n  - {id: w, rule: network/open-to-world, owner: alice, reason: a test of the load, granted: 2026-11-22T00:00:00Z, "
		for i, bad := range []struct{ what, rule, more, conf, want string }{
			{"a typo", strings.Replace(good, "entry.comment", "entry.coment", 1), "", "", `a.yaml:6:\d+: .*coment`},
			{"a wrong type", ownRule("mine/sound", "entry.comment"), "", "", `a.yaml:6:\d+: .*want bool`},
			{"a costly loop", ownRule("mine/sound", `"[1].all(a, [2].all(b, [3].all(c, a + b + c > 0)))"`), "", "", `a.yaml:6:\d+: .*nest`},
			{"no tests", good[:strings.Index(good, "tests:")], "", "", `a.yaml:1:1: .*at least 2`},
			{"an id twice", good, good, "", `b.yaml:1:1: rule mine/sound is there already`},
			{"an id of ours, silenced", strings.Replace(good, "mine/sound", "network/open-to-world", 1), "", "", `a.yaml:1:1: .*is there already: builtin/`},
			{"no YAML", "id: [", "", "", `a.yaml:\d+:\d+: not YAML`},
			{"a waiver without an end", good, "", waiver + "name: 0.0.0.0/0}\n", `config.yaml:\d+:\d+: waivers\[0\].until: missing`},
			{"a waiver too long", good, "", waiver + "name: 0.0.0.0/0, environment: dev, until: 2026-12-12T00:00:00Z}\n", `config.yaml:\d+:\d+: waivers\[0\].until: .*7 days at most`},
			{"a waiver of everything", good, "", waiver + "until: 2026-11-22T12:00:00Z}\n", `config.yaml:\d+:\d+: waivers\[0\]: it matches everything`},
			{"a matrix of no role", good, "", "matrix: {platform: {prod: [GROUP_READONLY]}}\n", `config.yaml:\d+:\d+: matrix.platform.prod\[0\]: `},
		} {
			put("a.yaml", bad.rule)
			put("b.yaml", bad.more+"\n")
			if bad.more == "" {
				put("b.yaml", strings.Replace(good, "mine/sound", "mine/more", 1))
			}
			s.conf = conf + bad.conf
			code, said := ask(s.daemon.admin(), "POST", "/-/reload")
			if code != 422 || !regexp.MustCompile(bad.want).MatchString(said) {
				t.Errorf("%s: %d %s", bad.what, code, said)
			}
			if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, "gatewarden_reload_failed 1") {
				t.Errorf("%s: the gauge does not tell of it", bad.what)
			}
			if s.daemon.settings.get() != before {
				t.Fatalf("%s: it replaced what was in force", bad.what)
			}
			if i == 0 { // one of them is watched for longer
				s.steps(`at 10m as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"128.0.0.0/1"},{"cidrBlock":"0.0.0.0/1"}]`)
			}
			s.rest()
			if got := s.open("network/open-to-world"); !strings.HasPrefix(got, "0.0.0.0/0") || len(strings.Fields(got)) != 2 {
				t.Errorf("%s: open to the world: %q", bad.what, got)
			}
			if got := s.open("mine/sound"); got != "0.0.0.0/0 0.0.0.0/1 128.0.0.0/1 8.8.4.0/24" {
				t.Errorf("%s: by the rule of the user: %q", bad.what, got)
			}
		}
		put("a.yaml", good)
		put("b.yaml", "")
		s.conf = conf
		if code, said := ask(s.daemon.admin(), "POST", "/-/reload"); code != 200 {
			t.Errorf("all is well again: %d %s", code, said)
		}
		if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, "gatewarden_reload_failed 0") {
			t.Error("the gauge does not tell that all is well")
		}
	})
}

// TestRuleThatFails: a user's rule that fails on what it meets, or that costs too much, is told
// of; the others go on.
func TestRuleThatFails(t *testing.T) {
	numbers := strings.TrimSuffix(strings.Repeat("1, ", 150), ", ")
	costly := fmt.Sprintf(`"!(entry.comment in ['0', '-1']) && (!entry.comment.startsWith('dev') || [%s].all(a, [%s].all(b, a + b > 1)))"`, numbers, numbers)
	withRules(t, map[string]string{
		"costly.yaml": ownRule("mine/costly", costly), "failing.yaml": ownRule("mine/failing", "int(entry.comment) > 0"), "sound.yaml": ownRule("mine/sound", soundWhen),
	}, func(t *testing.T, s *stage, _ func(name, text string)) {
		s.start()
		s.steps(`at 40s as rajesh@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"a"},{"ipAddress":"8.8.8.1","comment":"b"},{"ipAddress":"8.8.8.2","comment":"c"},{"ipAddress":"8.8.8.3","comment":"d"},{"ipAddress":"8.8.8.4","comment":"e"}]`)
		s.rest()
		if got := s.open("network/open-to-world"); got != "0.0.0.0/0" {
			t.Errorf("the built-in rules do not go on: %q", got)
		}
		if got := s.open("mine/sound"); len(strings.Fields(got)) != 6 {
			t.Errorf("the other rule of the user does not go on: %q", got)
		}
		if got := s.open("mine/failing"); got != "" {
			t.Errorf("a rule that failed has findings: %q", got)
		}
		told := map[string]string{}
		for _, f := range s.findings("watch/rule-failing", s.atlas.ProjectID("ecommerce-dev")) {
			if f.Open() {
				told[f.Key] = f.Message + fmt.Sprint(f.Evidence.Facts)
			}
		}
		if m := told["mine/failing"]; !strings.Contains(m, "mine/failing failed") || strings.Contains(m, "not asked again") {
			t.Errorf("of the rule that fails on everything, and is asked of each: %q", m)
		}
		if m := told["mine/costly"]; !strings.Contains(m, "failed 1 times") || !strings.Contains(m, "cost limit") {
			t.Errorf("of the rule that costs too much: %q", m)
		}
		if len(told) != 2 {
			t.Errorf("told of %v", told)
		}
	})
}
