package config

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestMeet(t *testing.T) {
	for _, c := range []struct{ p, q, want string }{
		{"*-prod", "shop-*", "shop-prod"}, {"*-prod", "*-dev", ""}, {"prod-*", "prod-eu-*", "prod-eu-"}, {"a", "a", "a"}, {"a", "b", ""},
		{"*", "x", "x"}, {"*prod*", "*dev*", "prodev"}, {"shop-*", "*-eu-*-prod", "shop-eu--prod"}, {"a*a", "aa", "aa"}, {"a*a", "a", ""},
	} {
		got, ok := meet(c.p, c.q)
		if ok != (c.want != "") || len(got) != len(c.want) {
			t.Errorf("meet(%q, %q) = %q, %v; want as long as %q", c.p, c.q, got, ok, c.want)
		}
		if ok && !(access.Match(c.p, got) && access.Match(c.q, got)) {
			t.Errorf("%q is not matched by %q and %q", got, c.p, c.q)
		}
	}
}

// Whatever two patterns match, meet finds something; what it finds they match.
func TestMeetIsTrue(t *testing.T) {
	pattern, text := rapid.StringMatching(`[ab*]{0,6}`), rapid.StringMatching(`[ab]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		p, q, s := pattern.Draw(t, "p"), pattern.Draw(t, "q"), text.Draw(t, "s")
		got, ok := meet(p, q)
		if ok && !(access.Match(p, got) && access.Match(q, got)) {
			t.Fatalf("%q is not matched by both", got)
		}
		if both := access.Match(p, s) && access.Match(q, s); both && (!ok || len(got) > len(s)) {
			t.Fatalf("both match %q, and meet says %q, %v", s, got, ok)
		}
	})
}
