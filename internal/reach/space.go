package reach

import "net/netip"

// block is an inclusive run of units: of addresses in IPv4, of /64 networks
// (numbered by their upper 64 bits) in IPv6.
type block struct{ first, last uint64 }

// publicV4 is the IPv4 space whose addresses can be somebody's on the internet:
// all but the blocks that the IANA IPv4 Special-Purpose Address Registry
// (RFC 6890, as updated by RFC 8190) does not call globally reachable, and
// multicast. 192.31.196.0/24, 192.52.193.0/24 and 192.175.48.0/24 are in that
// registry as globally reachable and stay public.
var publicV4 = space("0.0.0.0/0",
	"0.0.0.0/8",       // this network, RFC 791
	"10.0.0.0/8",      // private use, RFC 1918
	"100.64.0.0/10",   // shared address space of carriers, RFC 6598
	"127.0.0.0/8",     // loopback, RFC 1122
	"169.254.0.0/16",  // link local, RFC 3927
	"172.16.0.0/12",   // private use, RFC 1918
	"192.0.0.0/24",    // IETF protocol assignments, RFC 6890
	"192.0.2.0/24",    // documentation, RFC 5737
	"192.88.99.0/24",  // deprecated 6to4 relay anycast, RFC 7526
	"192.168.0.0/16",  // private use, RFC 1918
	"198.18.0.0/15",   // benchmarking, RFC 2544
	"198.51.100.0/24", // documentation, RFC 5737
	"203.0.113.0/24",  // documentation, RFC 5737
	"224.0.0.0/4",     // multicast, RFC 5771
	"240.0.0.0/4",     // reserved, RFC 1112, with the limited broadcast address
)

// publicV6 is what counts as exposure in IPv6: global unicast (RFC 4291) but
// for the blocks that no host on the internet may use. Teredo and 6to4 count,
// and so does what IANA has not handed out yet: it may do so any day.
var publicV6 = space("2000::/3",
	"2001:2::/48",   // benchmarking, RFC 5180
	"2001:10::/28",  // deprecated, once ORCHID, RFC 4843
	"2001:db8::/32", // documentation, RFC 3849
	"3fff::/20",     // documentation, RFC 9637
)

// worldV6 is what a union must cover to be all of public IPv6: publicV6 without
// what can be left out and still let everybody in. The rest of the blocks that
// the IANA IPv6 Special-Purpose Address Registry does not call globally
// reachable, and the large blocks that its registry of global unicast
// assignments has marked RESERVED since 1999, where nobody has an address.
var worldV6 = space("2000::/3",
	"2001::/23",     // IETF protocol assignments, Teredo among them, RFC 2928
	"2001:db8::/32", // documentation, RFC 3849
	"2002::/16",     // 6to4, RFC 3056
	"2d00::/8",      // reserved by IANA
	"2e00::/7",      // reserved by IANA
	"3000::/4",      // reserved by IANA, with the documentation block 3fff::/20
)

var (
	publicV4Total = size(publicV4)
	publicV6Total = size(publicV6)
	worldV6Total  = size(worldV6)
)

// space is the network whole without the networks in except, which are inside
// it, in ascending order and apart.
func space(whole string, except ...string) []block {
	rest := blockOf(whole)
	blocks := make([]block, 0, len(except)+1)
	for _, s := range except {
		hole := blockOf(s)
		if rest.first < hole.first {
			blocks = append(blocks, block{rest.first, hole.first - 1})
		}
		rest.first = hole.last + 1
	}
	if rest.first <= rest.last {
		blocks = append(blocks, rest)
	}
	return blocks
}

// blockOf is a network in units: IPv4 of any length, IPv6 of /64 or shorter.
func blockOf(s string) block {
	p := netip.MustParsePrefix(s)
	sp := spanOf(p)
	if p.Addr().Is4() {
		return block{sp.lo.lo - mappedFirst, sp.hi.lo - mappedFirst}
	}
	return block{sp.lo.hi, sp.hi.hi}
}

func size(blocks []block) uint64 {
	var n uint64
	for _, b := range blocks {
		n += b.last - b.first + 1
	}
	return n
}

// tally counts the units of a space that ascending runs cover, each unit once.
type tally struct {
	space []block
	at    int    // the first block that a later run can still meet
	next  uint64 // the first unit that no run has covered yet
	sum   uint64
}

func (t *tally) add(first, last uint64) {
	first = max(first, t.next)
	if first > last {
		return
	}
	for t.at < len(t.space) && t.space[t.at].last < first {
		t.at++
	}
	for _, b := range t.space[t.at:] {
		if b.first > last {
			break
		}
		t.sum += min(last, b.last) - max(first, b.first) + 1
	}
	// No space reaches the last unit of all, so wrapping around is harmless.
	t.next = last + 1
}
