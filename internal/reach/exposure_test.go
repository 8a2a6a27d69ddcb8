package reach

import (
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// slash8s is every /8 of IPv4 but those that leave names.
func slash8s(leave ...int) []netip.Prefix {
	var out []netip.Prefix
	for i := range 256 {
		if !slices.Contains(leave, i) {
			out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i)}), 8))
		}
	}
	return out
}

// without is the networks that make up all but inner of outer.
func without(outer, inner string) []netip.Prefix {
	o, in := netip.MustParsePrefix(outer), netip.MustParsePrefix(inner)
	var out []netip.Prefix
	for bits := o.Bits() + 1; bits <= in.Bits(); bits++ {
		raw := in.Addr().As16()
		at := bits - 1
		if in.Addr().Is4() {
			at += 96
		}
		raw[at/8] ^= 0x80 >> (at % 8)
		a := netip.AddrFrom16(raw)
		if in.Addr().Is4() {
			a = a.Unmap()
		}
		out = append(out, netip.PrefixFrom(a, bits).Masked())
	}
	return out
}

func join(lists ...[]netip.Prefix) []netip.Prefix { return slices.Concat(lists...) }

func TestWorld(t *testing.T) {
	tests := []struct {
		name   string
		list   []netip.Prefix
		v4, v6 bool
	}{
		{"nothing", nil, false, false},
		{"one address", prefixes("8.8.8.8/32"), false, false},
		{"all of IPv4", prefixes("0.0.0.0/0"), true, false},
		{"all of IPv4, host bits set", prefixes("203.0.113.7/0"), true, false},
		{"two halves", prefixes("0.0.0.0/1", "128.0.0.0/1"), true, false},
		{"one half", prefixes("0.0.0.0/1"), false, false},
		{"the other half", prefixes("128.0.0.0/1"), false, false},
		{"four quarters out of order", prefixes("192.0.0.0/2", "0.0.0.0/2", "128.0.0.0/2", "64.0.0.0/2"), true, false},
		{"256 networks of /8", slash8s(), true, false},
		{"but loopback", slash8s(127), true, false},
		{"but private 10", slash8s(10), true, false},
		{"but multicast and reserved", slash8s(224, 225, 230, 239, 240, 254, 255), true, false},
		{"but 0, 10, 127", slash8s(0, 10, 127), true, false},
		{"but public 8", slash8s(8), false, false},
		{"but carrier shared space", without("0.0.0.0/0", "100.64.0.0/10"), true, false},
		{"but documentation", without("0.0.0.0/0", "203.0.113.0/24"), true, false},
		{"but one public address", without("0.0.0.0/0", "8.8.8.8/32"), false, false},
		{"but one private address", without("0.0.0.0/0", "10.1.2.3/32"), true, false},
		{"but the first public address", without("0.0.0.0/0", "1.0.0.0/32"), false, false},
		{"but the last public address", without("0.0.0.0/0", "223.255.255.255/32"), false, false},
		{"but the address after 10/8", without("0.0.0.0/0", "11.0.0.0/32"), false, false},
		{"private only", prefixes("10.0.0.0/8", "192.168.0.0/16"), false, false},
		{"all of IPv6 is both", prefixes("::/0"), true, true},
		{"IPv6 in halves is both", prefixes("::/1", "8000::/1"), true, true},
		{"lower half of IPv6 holds everything", prefixes("::/1"), true, true},
		{"upper half of IPv6 holds nothing public", prefixes("8000::/1"), false, false},
		{"global unicast", prefixes("2000::/3"), false, true},
		{"global unicast in halves", prefixes("3000::/4", "2000::/4"), false, true},
		{"global unicast, reserved half left out", prefixes("2000::/4"), false, true},
		{"only the reserved half", prefixes("3000::/4"), false, false},
		{"global unicast but documentation", without("2000::/3", "2001:db8::/32"), false, true},
		{"global unicast but 6to4", without("2000::/3", "2002::/16"), false, true},
		{"global unicast but a public /32", without("2000::/3", "2600:1f00::/32"), false, false},
		{"global unicast but one address", without("2000::/3", "2600::1/128"), false, false},
		{"global unicast but half a /64", without("2000::/3", "2600:0:0:5:8000::/65"), false, false},
		{"a /64 in halves closes it", join(without("2000::/3", "2600:0:0:5::/64"),
			prefixes("2600:0:0:5::/65", "2600:0:0:5:8000::/65")), false, true},
		{"mapped IPv4", prefixes("::ffff:0:0/96"), true, false},
		{"mapped halves", prefixes("::ffff:0:0/97", "::ffff:128.0.0.0/97"), true, false},
		{"mapped half and plain half", prefixes("::ffff:0.0.0.0/97", "128.0.0.0/1"), true, false},
		{"shorter than the mapped block", prefixes("::/64"), true, false},
		{"beside the mapped block", prefixes("::/81", "::fffe:0:0/96", "::1:0:0:0/80"), false, false},
		{"invalid entries add nothing", []netip.Prefix{{}, netip.MustParsePrefix("0.0.0.0/1"), {}}, false, false},
	}
	for _, tt := range tests {
		e := Expose(tt.list)
		if e.WorldV4() != tt.v4 || e.WorldV6() != tt.v6 || e.World() != (tt.v4 || tt.v6) {
			t.Errorf("%s: world v4 %t, v6 %t, any %t; want %t, %t", tt.name, e.WorldV4(), e.WorldV6(), e.World(), tt.v4, tt.v6)
		}
		if len(tt.list) == 1 && CoversWorld(tt.list[0]) != (tt.v4 || tt.v6) {
			t.Errorf("%s: CoversWorld(%s) = %t", tt.name, tt.list[0], !(tt.v4 || tt.v6))
		}
	}
}

func TestExposeCounts(t *testing.T) {
	tests := []struct {
		name string
		in   []netip.Prefix
		v4   uint64
		v6   uint64
	}{
		{"address", prefixes("8.8.8.8/32"), 1, 0},
		{"duplicates and host bits", prefixes("8.8.8.0/24", "8.8.8.9/24", "8.8.8.8/32"), 256, 0},
		{"touching", prefixes("8.8.8.0/25", "8.8.8.128/25"), 256, 0},
		{"apart", prefixes("8.8.8.0/25", "8.8.9.0/25"), 256, 0},
		{"private", prefixes("10.0.0.0/8", "fd00::/8", "fe80::/10", "ff00::/8"), 0, 0},
		{"documentation", prefixes("203.0.113.0/24", "2001:db8::/32", "3fff::/20"), 0, 0},
		{"private within public", prefixes("192.160.0.0/12"), 1<<20 - 1<<16, 0},
		{"first address of all", prefixes("0.0.0.0/32"), 0, 0},
		{"last address of all", prefixes("255.255.255.255/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), 0, 0},
		{"ends of the public space", prefixes("1.0.0.0/32", "223.255.255.255/32"), 2, 0},
		{"mapped address", prefixes("::ffff:8.8.8.8/128", "8.8.8.8/32"), 1, 0},
		{"one IPv6 address is its /64", prefixes("2600::1/128"), 0, 1},
		{"two addresses of one /64", prefixes("2600::1/128", "2600::5/128", "2600::8000:0:0:0/65"), 0, 1},
		{"a /56", prefixes("2600:1:2:100::/56"), 0, 256},
		{"a /65 beside a /64", prefixes("2600::/64", "2600:0:0:1::/65"), 0, 2},
		{"6to4 counts", prefixes("2002::/16"), 0, 1 << 48},
		{"whole space", prefixes("::/0"), PublicV4Total(), PublicV6Slash64Total()},
	}
	for _, tt := range tests {
		got := Expose(tt.in)
		if got.V4 != tt.v4 || got.V6Slash64 != tt.v6 || got.IsZero() != (tt.v4+tt.v6 == 0) {
			t.Errorf("%s: %+v; want %d addresses, %d /64 networks", tt.name, got, tt.v4, tt.v6)
		}
	}
}

// The totals, added up by hand from the registries' block lengths.
func TestTotals(t *testing.T) {
	pow := func(bits int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(bits)) }
	less := func(whole int, bits ...int) uint64 {
		n := pow(whole)
		for _, b := range bits {
			n.Sub(n, pow(b))
		}
		return n.Uint64()
	}
	if got, want := PublicV4Total(), less(32, 24, 24, 22, 24, 16, 20, 8, 8, 8, 16, 17, 8, 8, 28, 28); got != want {
		t.Errorf("public IPv4 addresses: %d, want %d", got, want)
	}
	if got, want := PublicV6Slash64Total(), less(61, 16, 36, 32, 44); got != want {
		t.Errorf("public IPv6 /64 networks: %d, want %d", got, want)
	}
	if got, want := worldV6Total, less(61, 41, 32, 48, 56, 57, 60); got != want {
		t.Errorf("/64 networks of the IPv6 world: %d, want %d", got, want)
	}
}

func TestSpaceIsAscendingAndApart(t *testing.T) {
	for name, blocks := range map[string][]block{"v4": publicV4, "v6": publicV6, "world v6": worldV6} {
		for i, b := range blocks {
			if b.first > b.last || i > 0 && b.first <= blocks[i-1].last+1 {
				t.Errorf("%s: block %d (%x-%x) is empty or touches the one before", name, i, b.first, b.last)
			}
		}
	}
}

func TestMarginal(t *testing.T) {
	world := slash8s()
	tests := []struct {
		name string
		all  []netip.Prefix
		one  string
		want Exposure
	}{
		{"alone", prefixes("8.8.8.0/24"), "8.8.8.0/24", Exposure{V4: 256}},
		{"covered", prefixes("8.8.8.0/24", "8.8.0.0/16"), "8.8.8.0/24", Exposure{}},
		{"partly covered", prefixes("8.8.8.0/24", "8.8.8.0/25"), "8.8.8.0/24", Exposure{V4: 128}},
		{"every occurrence", prefixes("8.8.8.0/24", "8.8.8.7/24", "::ffff:8.8.8.0/120"), "8.8.8.0/24", Exposure{V4: 256}},
		{"mapped spelling asked", prefixes("8.8.8.0/24"), "::ffff:8.8.8.0/120", Exposure{V4: 256}},
		{"not in the list", prefixes("8.8.8.0/24"), "9.9.9.0/24", Exposure{}},
		{"one of 256", world, "9.0.0.0/8", Exposure{V4: 1 << 24}},
		{"private one of 256", world, "10.0.0.0/8", Exposure{}},
		{"half a /64", prefixes("2600::/65", "2600:0:0:0:8000::/65"), "2600::/65", Exposure{V6World: 1}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Marginal(tt.all, netip.MustParsePrefix(tt.one))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := Marginal(world, netip.Prefix{}); !got.IsZero() {
		t.Errorf("an invalid entry has marginal exposure %+v", got)
	}
}

func TestContains(t *testing.T) {
	tests := []struct {
		outer []netip.Prefix
		inner string
		want  bool
	}{
		{nil, "8.8.8.8/32", false},
		{prefixes("8.8.8.0/24"), "8.8.8.8/32", true},
		{prefixes("8.8.8.0/25", "8.8.8.128/25"), "8.8.8.0/24", true},
		{prefixes("8.8.8.0/25", "8.8.8.129/32"), "8.8.8.0/24", false},
		{prefixes("8.8.8.8/32"), "8.8.8.0/24", false},
		{prefixes("10.0.0.0/8"), "10.2.0.0/16", true},
		{slash8s(10), "10.2.0.0/16", false},
		{prefixes("::/0"), "8.8.8.8/32", true},
		{prefixes("0.0.0.0/0"), "::ffff:8.8.8.8/128", true},
		{prefixes("0.0.0.0/0"), "2600::/64", false},
		{prefixes("2600::/65", "2600:0:0:0:8000::/65"), "2600::/64", true},
		{prefixes("::/1", "8000::/1"), "7fff::/1", true},
		{prefixes("::/1", "8000::/1"), "::/0", true},
		{prefixes("7fff:ffff:ffff:ffff::/64", "8000::/64"), "7fff:ffff:ffff:ffff::/63", false},
	}
	for _, tt := range tests {
		if got := Contains(tt.outer, netip.MustParsePrefix(tt.inner)); got != tt.want {
			t.Errorf("Contains(%v, %s) = %t", tt.outer, tt.inner, got)
		}
	}
	if Contains(prefixes("::/0"), netip.Prefix{}) {
		t.Error("an invalid entry is contained")
	}
}

func TestTallyAtTheEndOfAllUnits(t *testing.T) {
	ta := tally{space: []block{{10, 20}}}
	for _, r := range [][2]uint64{{0, 12}, {5, 12}, {12, 14}, {16, 30}, {40, math.MaxUint64}} {
		ta.add(r[0], r[1])
	}
	if ta.sum != 10 {
		t.Errorf("counted %d units, want 10", ta.sum)
	}
}

func BenchmarkExpose(b *testing.B) {
	for _, n := range []int{20, 200} {
		var list []netip.Prefix
		for i := range n {
			a := netip.AddrFrom4([4]byte{byte(i*37 + 1), byte(i * 11), byte(i * 5), byte(i)})
			list = append(list, netip.PrefixFrom(a, 24+i%9))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Expose(list).World() {
					b.Fatal("world")
				}
			}
		})
	}
}
