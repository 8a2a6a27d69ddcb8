package rules

import (
	"fmt"
	"strings"
	"testing"
)

// TestPatterns: a parameter that is a regular expression, by its name or by its use, must
// read as one, in the rule and in what overrides it.
func TestPatterns(t *testing.T) {
	const by = "user.username.matches(params.words)"
	for name, c := range map[string]struct{ param, when, override, want string }{
		"it reads":       {"words: test|tmp", by, "tmp|test", ""},
		"overridden":     {"words: test|tmp", by, "(x", "override of mine/priced params.words: parameter words is no regular expression: error parsing regexp: missing closing ): `(x`"},
		"in the rule":    {"words: (x", by, "", "f.yaml:5:17: rule mine/priced: parameter words is no regular expression"},
		"by its name":    {"name_pattern: (x", "user.username.matches('test|tmp')", "", "f.yaml:5:24: rule mine/priced: parameter name_pattern is no regular expression"},
		"it is no regex": {"words: (x", "user.username.matches('test|tmp') || user.username == params.words", "", ""},
	} {
		p := testPolicy()
		if c.override != "" {
			p.Overrides = map[string]Override{"mine/priced": {Params: map[string]any{"words": c.override}}}
		}
		_, err := Load(p, Source{"f.yaml", []byte(priced(c.param, c.when))})
		if (err == nil) != (c.want == "") || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	p := testPolicy()
	p.Overrides = map[string]Override{"network/undocumented-entry": {Params: map[string]any{"comment_pattern": "("}}}
	if _, err := Load(p); err == nil || !strings.Contains(err.Error(), "override of network/undocumented-entry params.comment_pattern: parameter comment_pattern is no regular expression") {
		t.Errorf("of a built-in rule: %v", err)
	}
}
