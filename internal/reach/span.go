package reach

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
)

// The IPv4-mapped addresses, ::ffff:0:0/96: upper half zero, lower half in
// this range (RFC 4291, 2.5.5.2).
const (
	mappedFirst uint64 = 0xffff_0000_0000
	mappedLast  uint64 = 0xffff_ffff_ffff
)

// address is an IPv6 address, or an IPv4 one in its mapped form, as a number.
type address struct{ hi, lo uint64 }

func (a address) compare(b address) int {
	if c := cmp.Compare(a.hi, b.hi); c != 0 {
		return c
	}
	return cmp.Compare(a.lo, b.lo)
}

// follows says that a is the address right after b.
func (a address) follows(b address) bool {
	if b.lo == math.MaxUint64 {
		return b.hi != math.MaxUint64 && a.hi == b.hi+1 && a.lo == 0
	}
	return a.hi == b.hi && a.lo == b.lo+1
}

// span is an inclusive run of addresses.
type span struct{ lo, hi address }

// spanOf is the span of a valid prefix, whatever its host bits.
func spanOf(p netip.Prefix) span {
	raw := p.Addr().As16()
	a := address{binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])}
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	// A shift by 64 or more gives zero, which is what both ends of the scale need.
	hostHi := uint64(math.MaxUint64) >> min(bits, 64)
	hostLo := uint64(math.MaxUint64) >> max(bits-64, 0)
	return span{
		lo: address{a.hi &^ hostHi, a.lo &^ hostLo},
		hi: address{a.hi | hostHi, a.lo | hostLo},
	}
}

// union is the addresses of all valid prefixes as ascending spans that neither
// overlap nor touch.
func union(prefixes []netip.Prefix) []span {
	spans := make([]span, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			spans = append(spans, spanOf(p))
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.lo.compare(b.lo) })
	merged := spans[:0]
	for _, s := range spans {
		last := len(merged) - 1
		if last < 0 || s.lo.compare(merged[last].hi) > 0 && !s.lo.follows(merged[last].hi) {
			merged = append(merged, s)
		} else if s.hi.compare(merged[last].hi) > 0 {
			merged[last].hi = s.hi
		}
	}
	return merged
}

// v4 is the run of IPv4 addresses in s, in their mapped form.
func (s span) v4() (first, last uint64, ok bool) {
	if s.lo.hi != 0 {
		return 0, 0, false
	}
	first, last = max(s.lo.lo, mappedFirst), mappedLast
	if s.hi.hi == 0 {
		last = min(s.hi.lo, mappedLast)
	}
	if first > last {
		return 0, 0, false
	}
	return first - mappedFirst, last - mappedFirst, true
}

// whole is the run of /64 networks that lie in s with every address.
func (s span) whole() (first, last uint64, ok bool) {
	first, last = s.lo.hi, s.hi.hi
	if s.lo.lo != 0 {
		if first == math.MaxUint64 {
			return 0, 0, false
		}
		first++
	}
	if s.hi.lo != math.MaxUint64 {
		if last == 0 {
			return 0, 0, false
		}
		last--
	}
	return first, last, first <= last
}
