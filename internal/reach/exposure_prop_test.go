package reach

import (
	"math/big"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// smallV4 draws networks that crowd into few places, some of them reserved, so
// that they overlap, touch and repeat; spelled plainly or mapped, host bits set.
func smallV4(t *rapid.T) netip.Prefix {
	base := rapid.SampledFrom([]string{"9.255.0.0", "192.0.0.0", "203.0.112.0", "0.255.0.0"}).Draw(t, "base")
	raw := netip.MustParseAddr(base).As4()
	raw[2] += byte(rapid.IntRange(0, 7).Draw(t, "third"))
	raw[3] = byte(rapid.IntRange(0, 255).Draw(t, "fourth"))
	a, bits := netip.AddrFrom4(raw), rapid.IntRange(20, 32).Draw(t, "bits")
	if rapid.Bool().Draw(t, "mapped") {
		return netip.PrefixFrom(netip.AddrFrom16(a.As16()), 96+bits)
	}
	return netip.PrefixFrom(a, bits)
}

func anyPrefix(t *rapid.T) netip.Prefix {
	if rapid.Bool().Draw(t, "v4") {
		raw := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "raw")
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(raw)), rapid.IntRange(0, 32).Draw(t, "bits"))
	}
	raw := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "raw"))
	if rapid.Bool().Draw(t, "global") {
		raw[0] = 0x20 | raw[0]&0x1f
	}
	return netip.PrefixFrom(netip.AddrFrom16(raw), rapid.IntRange(0, 128).Draw(t, "bits"))
}

var (
	anyList   = rapid.SliceOfN(rapid.Custom(anyPrefix), 0, 12)
	smallList = rapid.SliceOfN(rapid.Custom(smallV4), 0, 12)
)

// publicByName is the reserved space, written anew for the oracle.
func publicByName(a netip.Addr) bool {
	for _, s := range []string{"0.0.0.0/8", "10.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "203.0.113.0/24"} {
		if netip.MustParsePrefix(s).Contains(a) {
			return false
		}
	}
	return true
}

func TestExposeEqualsCountingOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := smallList.Draw(t, "list")
		seen := map[netip.Addr]bool{}
		for _, p := range list {
			a, bits := p.Addr(), p.Bits()
			if a.Is4In6() {
				a, bits = a.Unmap(), bits-96
			}
			p = netip.PrefixFrom(a, bits).Masked()
			for a := p.Addr(); p.Contains(a); a = a.Next() {
				if publicByName(a) {
					seen[a] = true
				}
			}
		}
		if got := Expose(list); got.V4 != uint64(len(seen)) || got.V6Slash64 != 0 {
			t.Fatalf("Expose(%v) = %+v, counted %d", list, got, len(seen))
		}
	})
}

// The oracle cuts global unicast at every boundary of a list and looks at the
// first and last /64 of each piece: big.Int, no sweep.
func TestExposeV6EqualsCuttingIntoPieces(t *testing.T) {
	holes := prefixes("2001:2::/48", "2001:10::/28", "2001:db8::/32", "3fff::/20")
	rapid.Check(t, func(t *rapid.T) {
		list := anyList.Draw(t, "list")
		cuts := []*big.Int{}
		for _, p := range append(prefixes("2000::/3"), append(holes, list...)...) {
			lo, hi := slash64s(p)
			cuts = append(cuts, lo, hi.Add(hi, big.NewInt(1)))
		}
		slices.SortFunc(cuts, (*big.Int).Cmp)
		want := new(big.Int)
		for i := range len(cuts) - 1 {
			if touches(prefixes("2000::/3"), cuts[i]) && !touches(holes, cuts[i]) && touches(list, cuts[i]) {
				want.Add(want, new(big.Int).Sub(cuts[i+1], cuts[i]))
			}
		}
		if got := new(big.Int).SetUint64(Expose(list).V6Slash64); got.Cmp(want) != 0 {
			t.Fatalf("Expose(%v).V6Slash64 = %s, pieces add up to %s", list, got, want)
		}
	})
}

// slash64s is the first and the last /64 that a network touches.
func slash64s(p netip.Prefix) (lo, hi *big.Int) {
	raw := p.Masked().Addr().As16()
	lo = new(big.Int).SetBytes(raw[:])
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	hi = new(big.Int).Add(lo, new(big.Int).Lsh(big.NewInt(1), uint(128-bits)))
	hi.Sub(hi, big.NewInt(1))
	return lo.Rsh(lo, 64), hi.Rsh(hi, 64)
}

func touches(list []netip.Prefix, at *big.Int) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool {
		lo, hi := slash64s(p)
		return lo.Cmp(at) <= 0 && at.Cmp(hi) <= 0
	})
}

func TestExposureLiesBetweenLargestPartAndSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.OneOf(anyList, smallList).Draw(t, "list")
		var largest, sum Exposure
		for _, p := range list {
			e := Expose([]netip.Prefix{p})
			largest.V4, largest.V6Slash64 = max(largest.V4, e.V4), max(largest.V6Slash64, e.V6Slash64)
			largest.V6World = max(largest.V6World, e.V6World)
			sum.V4, sum.V6Slash64 = sum.V4+e.V4, sum.V6Slash64+e.V6Slash64
		}
		got := Expose(list)
		// Two halves of a /64 are whole together only, so V6World has no upper bound in its parts.
		if got.V4 < largest.V4 || got.V6Slash64 < largest.V6Slash64 || got.V6World < largest.V6World ||
			got.V4 > sum.V4 || got.V6Slash64 > sum.V6Slash64 || got.V6World > got.V6Slash64 {
			t.Fatalf("%+v is not between %+v and %+v", got, largest, sum)
		}
	})
}

func TestExposureIgnoresOrderAndDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.OneOf(anyList, smallList).Draw(t, "list")
		again := rapid.Permutation(slices.Concat(list, list)).Draw(t, "again")
		if diff := cmp.Diff(Expose(list), Expose(again)); diff != "" {
			t.Fatalf("(-once +shuffled twice):\n%s", diff)
		}
	})
}

func TestMarginalsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.OneOf(anyList, smallList).Draw(t, "list")
		whole := Expose(list)
		var sum Exposure
		done := map[string]bool{}
		for _, p := range list {
			m := Marginal(list, p)
			rest := Expose(slices.DeleteFunc(slices.Clone(list), func(q netip.Prefix) bool { return mustCanonical(t, q) == mustCanonical(t, p) }))
			back := Exposure{m.V4 + rest.V4, m.V6Slash64 + rest.V6Slash64, m.V6World + rest.V6World}
			if back != whole {
				t.Fatalf("without %s %+v, it adds %+v, together %+v", p, rest, m, whole)
			}
			if name := mustCanonical(t, p); !done[name] {
				done[name] = true
				sum.V4, sum.V6Slash64 = sum.V4+m.V4, sum.V6Slash64+m.V6Slash64
			}
		}
		if sum.V4 > whole.V4 || sum.V6Slash64 > whole.V6Slash64 {
			t.Fatalf("marginals add up to %+v, the whole is %+v", sum, whole)
		}
	})
}

func mustCanonical(t *rapid.T, p netip.Prefix) string {
	name, err := Canonical(p.String())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestContainsIsNoExposureAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.OneOf(anyList, smallList).Draw(t, "list")
		p := rapid.OneOf(rapid.Custom(smallV4), rapid.Custom(anyPrefix)).Draw(t, "entry")
		if Contains(list, p) && Expose(append(slices.Clone(list), p)) != Expose(list) {
			t.Fatalf("%s is contained and yet adds to %v", p, list)
		}
		if !Contains(append(slices.Clone(list), p), p) {
			t.Fatalf("%s is not in a list that holds it", p)
		}
	})
}
