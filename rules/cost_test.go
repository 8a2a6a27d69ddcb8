package rules

import (
	"fmt"
	"strings"
	"testing"
)

// priced is a rule of database users with these parameters and this when.
func priced(params, when string) string {
	return fmt.Sprintf(`id: mine/priced
title: a title
why: a reason
kind: database_user
params: {%s}
when: %s
message: user.username
tests:
  - name: both
    given:
      database_user: [{username: a_test}, {username: tmp_b}, {username: c}, {username: d}]
    want: {admin/a_test: violation, admin/tmp_b: violation, admin/c: pass, admin/d: pass}
  - name: unreadable
    given: {database_user: [{username: a_test}], status: {database_user: denied}}
    want: {admin/a_test: unknown}
`, params, when)
}

// TestCostOfParams: what rests on parameters costs as much as these are long.
func TestCostOfParams(t *testing.T) {
	const words = "words: [test, tmp]"
	for name, c := range map[string]struct{ params, when string }{
		"contains in a loop":  {words, "params.words.exists(w, user.username.contains(w))"},
		"in lower case":       {words, "params.words.exists(w, user.username.lowerAscii().contains(w))"},
		"bound":               {words, "cel.bind(name, user.username.lowerAscii(), params.words.exists(w, name.contains(w)))"},
		"one pattern":         {words, "user.username.matches(params.words.join('|'))"},
		"a pattern by itself": {"pattern: test|tmp", "user.username.matches(params.pattern)"},
		"glob":                {words, "params.words.exists(w, glob('*' + w + '*', user.username))"},
		"of labels too":       {words, "params.words.exists(w, user.username.contains(w) || user.labels.exists(l, l.value.contains(w)))"},
	} {
		if _, err := Load(testPolicy(), Source{"f.yaml", []byte(priced(c.params, c.when))}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCostTooHigh: what is dear is told once, at its place, with what helps; and the tests
// are run beside it.
func TestCostTooHigh(t *testing.T) {
	const words = "words: [test, tmp]"
	dearRoles := "user.roles.exists(r, user.username.contains(r.roleName)) || user.username.matches('test|tmp')"
	long := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		params, when string
		override     []string
		want         []string
	}{
		"a loop": {words, dearRoles, nil, []string{
			"f.yaml:6:24: rule mine/priced: when may cost", "units, above 500000: contains is asked of each in the loop over user.roles: search once outside of the loop, such as by matches('a|b') or glob",
		}},
		"loops in each other": {words, "user.roles.exists(r, user.scopes.exists(s, s.name == r.roleName + s.type)) || user.username.matches('test|tmp')", nil, []string{
			"the loop over user.roles, and in it the one over user.scopes: use fewer nested loops",
		}},
		"by the override": {words, "params.words.exists(w, user.username.contains(w))", strings.Fields(strings.Repeat(long+" ", 60)), []string{
			"contains is asked of each in the loop over params.words",
		}},
	} {
		p := testPolicy()
		if c.override != nil {
			p.Overrides = map[string]Override{"mine/priced": {Params: map[string]any{"words": c.override}}}
		}
		_, err := Load(p, Source{"f.yaml", []byte(priced(c.params, c.when))})
		got := fmt.Sprint(err)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in:\n%s", name, want, got)
			}
		}
		if n := strings.Count(got, "may cost"); n != 1 || strings.Contains(got, "ask may") {
			t.Errorf("%s: told %d times:\n%s", name, n, got)
		}
	}
	_, err := Load(testPolicy(), Source{"f.yaml", []byte(strings.Replace(priced(words, dearRoles), "admin/c: pass", "admin/c: violation", 1))})
	for _, want := range []string{"may cost", "admin/c: is pass, want violation"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}
