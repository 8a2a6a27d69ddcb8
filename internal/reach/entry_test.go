package reach

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	tests := []struct{ in, want string }{
		{"203.0.113.10", "203.0.113.10/32"},
		{"203.0.113.10/32", "203.0.113.10/32"},
		{"203.0.113.10/24", "203.0.113.0/24"},
		{"1.2.3.4/0", "0.0.0.0/0"},
		{"::ffff:203.0.113.10", "203.0.113.10/32"},
		{"::ffff:cb00:710a/128", "203.0.113.10/32"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"::ffff:0:0/95", "::fffe:0:0/95"},
		{"2001:DB8:0:0::1", "2001:db8::1/128"},
		{"2001:db8::1/32", "2001:db8::/32"},
		{"::/0", "::/0"},
		{"sg-0123456789abcdef0", "sg-0123456789abcdef0"},
		{"123456789012/sg-0a1b2c", "123456789012/sg-0a1b2c"},
	}
	for _, tt := range tests {
		got, err := Canonical(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("Canonical(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestParseEntryRefuses(t *testing.T) {
	tests := []struct{ in, reason string }{
		{"", "it is empty"},
		{"sg-0123", "security group"},
		{"fe80::1%eth0", "zone"},
		{"fe80::1%eth0/64", "zone"},
		{"10.0.0.0/33", "out of range"},
		{"10.0.0.0/08", "bad bits"},
		{"10.0.0", "ParseAddr"},
		{" 10.0.0.1", "ParseAddr"},
		{"10.0.0.1/24/24", "ParseAddr"},
		{"010.0.0.1", "leading zero"},
		{"sg-", "ParseAddr"},
		{"office", "ParseAddr"},
	}
	for _, tt := range tests {
		p, err := ParseEntry(tt.in)
		if err == nil {
			t.Errorf("ParseEntry(%q) = %s", tt.in, p)
			continue
		}
		for _, part := range []string{tt.reason, `reading access list entry "` + tt.in, "write an address such as"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("ParseEntry(%q): %q does not say %q", tt.in, err, part)
			}
		}
	}
	if _, err := Canonical("office"); err == nil {
		t.Error("Canonical took a word for an entry")
	}
}

func TestCanonicalIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.OneOf(rapid.Custom(smallV4), rapid.Custom(anyPrefix)).Draw(t, "prefix")
		once := mustCanonical(t, p)
		twice, err := Canonical(once)
		if err != nil || twice != once {
			t.Fatalf("Canonical(%q) = %q, %v", once, twice, err)
		}
		if Expose([]netip.Prefix{p}) != Expose([]netip.Prefix{netip.MustParsePrefix(once)}) {
			t.Fatalf("%s and its canonical name %s differ in exposure", p, once)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	for _, s := range []string{
		"203.0.113.10", "203.0.113.0/24", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "::ffff:1.2.3.4/95",
		"2001:db8::1%a", "sg-0a", "1/sg-0a", "/", "/32", "1.2.3.4/", "::1/129", "", "\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseEntry(s)
		if err != nil {
			if p.IsValid() {
				t.Fatalf("ParseEntry(%q) = %s and an error", s, p)
			}
			return
		}
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			t.Fatalf("ParseEntry(%q) = %s, which is not canonical", s, p)
		}
		again, err := ParseEntry(p.String())
		if err != nil || again != p {
			t.Fatalf("ParseEntry(%q) = %s, %v", p, again, err)
		}
	})
}
