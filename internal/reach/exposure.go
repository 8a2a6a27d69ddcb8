package reach

import (
	"net/netip"
	"slices"
)

// Exposure is how much public unicast space a set of networks lets in. The
// counts are exact; the zero value is no exposure. Private, documentation and
// other special space counts for nothing (see space.go).
type Exposure struct {
	// V4 is the number of public IPv4 addresses.
	V4 uint64
	// V6Slash64 is the number of public IPv6 /64 networks with at least one
	// address inside: a single address counts its /64, once.
	V6Slash64 uint64
	// V6World is the number of /64 networks, of those that a union must cover
	// to be all of public IPv6, that are inside with every address.
	V6World uint64
}

// PublicV4Total is the number of public IPv4 addresses there are.
func PublicV4Total() uint64 { return publicV4Total }

// PublicV6Slash64Total is the number of public IPv6 /64 networks there are.
func PublicV6Slash64Total() uint64 { return publicV6Total }

// Expose is the exposure of the union of prefixes. Order, duplicates, overlaps,
// splits and host bits make no difference; an invalid prefix adds nothing.
// IPv4-mapped addresses are IPv4, also inside a shorter IPv6 prefix: ::/0 is
// both worlds.
func Expose(prefixes []netip.Prefix) Exposure {
	v4, v6, world := tally{space: publicV4}, tally{space: publicV6}, tally{space: worldV6}
	for _, s := range union(prefixes) {
		if first, last, ok := s.v4(); ok {
			v4.add(first, last)
		}
		v6.add(s.lo.hi, s.hi.hi)
		if first, last, ok := s.whole(); ok {
			world.add(first, last)
		}
	}
	return Exposure{V4: v4.sum, V6Slash64: v6.sum, V6World: world.sum}
}

// IsZero says that no public address is inside.
func (e Exposure) IsZero() bool { return e.V4 == 0 && e.V6Slash64 == 0 }

// WorldV4 says that every public IPv4 address is inside.
func (e Exposure) WorldV4() bool { return e.V4 == publicV4Total }

// WorldV6 says that all of public IPv6 is inside, with every address. Space
// that nobody can hold an address in today may be missing: 2000::/4 is enough.
func (e Exposure) WorldV6() bool { return e.V6World == worldV6Total }

// World says that all of public IPv4 or all of public IPv6 is inside.
func (e Exposure) World() bool { return e.WorldV4() || e.WorldV6() }

// CoversWorld says that the entry alone is the world.
func CoversWorld(p netip.Prefix) bool { return Expose([]netip.Prefix{p}).World() }

// Marginal is what one adds to the rest of all: the exposure of all, less the
// exposure of all without every occurrence of one. It is zero for an entry that
// others cover, and for one that is not in all. Two spellings of one network
// (host bits, IPv4-mapped) are the same entry.
func Marginal(all []netip.Prefix, one netip.Prefix) Exposure {
	if !one.IsValid() {
		return Exposure{}
	}
	one = normal(one)
	rest := make([]netip.Prefix, 0, len(all))
	for _, p := range all {
		if p.IsValid() && normal(p) != one {
			rest = append(rest, p)
		}
	}
	with, without := Expose(all), Expose(rest)
	return Exposure{
		V4:        with.V4 - without.V4,
		V6Slash64: with.V6Slash64 - without.V6Slash64,
		V6World:   with.V6World - without.V6World,
	}
}

// Contains says that every address of inner, public or not, lies in the union
// of outer. An invalid inner lies nowhere.
func Contains(outer []netip.Prefix, inner netip.Prefix) bool { return NewRanges(outer).Contains(inner) }

// Ranges are the addresses of some networks together, made ready for being asked often.
// The zero value holds none.
type Ranges struct{ spans []span }

// NewRanges is the union of the valid prefixes.
func NewRanges(prefixes []netip.Prefix) Ranges { return Ranges{union(prefixes)} }

// IsEmpty says that there is no address.
func (r Ranges) IsEmpty() bool { return len(r.spans) == 0 }

// Contains says that every address of inner, public or not, is there. An invalid inner lies
// nowhere.
func (r Ranges) Contains(inner netip.Prefix) bool {
	if !inner.IsValid() {
		return false
	}
	in := spanOf(inner)
	i, found := slices.BinarySearchFunc(r.spans, in.lo, func(s span, lo address) int { return s.lo.compare(lo) })
	if !found {
		i--
	}
	return i >= 0 && in.hi.compare(r.spans[i].hi) <= 0
}
