package prevent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/reach"
)

// broadest is the length from which on entries are too many to be named one by one. No
// 200 entries of /8, which is the limit of a project unless Atlas raised it, add up to
// public IPv4.
const broadest = 8

// groups is said of every policy on the list.
const groups = "AWS security groups: how Atlas judges them is not documented."

// openToWorld forbids the wildcard as in Atlas's example "Restrict IP Addresses". That
// IPv6 entries are judged is not documented (a guess).
func openToWorld(input) draft {
	return draft{
		title:   "No access list entry that opens a project to the whole internet",
		actions: []string{modifyAccessList},
		clauses: append([]clause{{when: fmt.Sprintf(`%s.contains(ip("0.0.0.0/0"))`, accessList)}},
			append(anyOf(worlds()), clause{when: inPieces()})...),
		covers: "Entries that alone are all of public IPv4 or IPv6, IPv4-mapped ones too, and the world in two halves.",
		misses: "The world in more than two pieces: network/entry-too-broad's policy keeps its large pieces out. " +
			"IPv6, should Atlas not judge it, or not clear host bits: only IPv4 is documented.",
	}
}

// worlds are the entries other than 0.0.0.0/0 that alone are the world: IPv4 mapped, and
// what contains it; all of IPv6, and what contains all of it that is in use.
func worlds() []netip.Prefix {
	var out []netip.Prefix
	for bits := range 97 {
		out = append(out, network("::ffff:0:0", bits))
	}
	for bits := range 12 {
		out = append(out, network("2400::", bits), network("2000::", bits))
	}
	return without(sorted(out), func(p netip.Prefix) bool { return !reach.CoversWorld(p) })
}

// pieces are the world in two, and in three without what nobody can have.
func pieces() [][]string {
	return [][]string{
		{"0.0.0.0/1", "128.0.0.0/1"},
		{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"},
		{"2000::/5", "2800::/5"},
	}
}

// inPieces holds for a list with the world in pieces.
func inPieces() string {
	var out []string
	for _, entries := range pieces() {
		out = append(out, all(entries...))
	}
	return strings.Join(out, " || ")
}

func network(addr string, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.MustParseAddr(addr), bits).Masked()
}

// broad are the public entries shorter than /8 for which keep holds.
func broad(keep func(netip.Prefix) bool) []netip.Prefix {
	var out []netip.Prefix
	for bits := range broadest {
		for n := range 1 << bits {
			first := byte(n << (8 - bits))
			out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{first}), bits), netip.PrefixFrom(netip.AddrFrom16([16]byte{first}), bits))
		}
	}
	return without(sorted(out), func(p netip.Prefix) bool { return !public(p) || !keep(p) })
}

// without is the list without those for which drop holds.
func without(list []netip.Prefix, drop func(netip.Prefix) bool) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(list), drop)
}

func public(p netip.Prefix) bool { return !reach.Expose([]netip.Prefix{p}).IsZero() }

func entryTooBroad(in input) draft {
	v4, v6 := in.param("min_prefix_v4", 24), in.param("min_prefix_v6", 56)
	forbidden := broad(func(p netip.Prefix) bool {
		return p.Addr().Is4() && int64(p.Bits()) < v4 || !p.Addr().Is4() && int64(p.Bits()) < v6
	})
	if len(forbidden) == 0 {
		return none("the rule's parameters allow entries of every length")
	}
	covers := fmt.Sprintf("Every public entry shorter than /%d in IPv4 and /%d in IPv6: %d of them, by name.", min(v4, broadest), min(v6, broadest), len(forbidden))
	if v4 >= broadest {
		covers += " No list within Atlas's limit of 200 entries can be all of public IPv4 then."
	}
	return draft{
		title:   "No access list entry that is far too broad",
		actions: []string{modifyAccessList},
		clauses: anyOf(forbidden),
		covers:  covers,
		misses: fmt.Sprintf("Entries from /8 to the rule's own limits, /%d in IPv4 and /%d in IPv6: Cedar cannot ask for the length of an entry, and they are too many to be named. ", v4, v6) +
			"Entries with host bits, such as 10.0.0.0/1, should Atlas not clear them: documented for /0 alone. " + groups,
	}
}

func exposureTooWide(in input) draft {
	v4, v6 := in.param("max_public_v4", 65_536), in.param("max_public_v6_64s", 65_536)
	forbidden := broad(func(p netip.Prefix) bool {
		e := reach.Expose([]netip.Prefix{p})
		return e.V4 > uint64(max(v4, 0)) || e.V6Slash64 > uint64(max(v6, 0))
	})
	if len(forbidden) == 0 {
		return none("the rule's parameters allow every exposure")
	}
	return draft{
		title:   "No access list entry that alone is far too much exposure",
		actions: []string{modifyAccessList},
		clauses: anyOf(forbidden),
		covers:  fmt.Sprintf("Entries shorter than /8 that alone exceed the rule's limits: %d of them, by name.", len(forbidden)),
		misses:  "Everything from /8 on, and what entries add up to: Cedar cannot count addresses. " + groups,
	}
}

// undeclaredSource allows a list only what is named, as Atlas's example does.
func undeclaredSource(in input) draft {
	if len(in.networks) == 0 {
		return none("no networks are declared for the environment: what would be allowed is not known")
	}
	allowed, wide := named(in.networks)
	outside := func(e netip.Prefix) bool { return !reach.Contains(in.networks, e) }
	allowed = append(allowed, without(in.entries, outside)...)
	return draft{
		title:    "Only declared networks in the access list",
		actions:  []string{modifyAccessList},
		clauses:  []clause{{unless: only(sorted(allowed))}},
		covers:   "All of it: an entry must be one of the declared networks, or inside one of /28 and narrower (/124 in IPv6).",
		misses:   groups,
		stricter: within("Entries inside %s are refused unless they stand there now: Cedar cannot compare an entry with a range. Write a new policy before adding one.", wide),
	}
}

// namedBits is the largest network of which all 31 that are inside it, itself included,
// are named one by one: a /28 or /124.
const namedBits = 4

// named are the networks with all that are inside them, where these are few; wide are
// those of which only they themselves are named.
func named(networks []netip.Prefix) (out, wide []netip.Prefix) {
	for _, p := range networks {
		host := p.Addr().BitLen() - p.Bits()
		if host > namedBits {
			out, wide = append(out, p), append(wide, p)
			continue
		}
		for extra := range host + 1 {
			for n := range 1 << extra {
				out = append(out, inside(p, p.Bits()+extra, byte(n<<(host-extra))))
			}
		}
	}
	return sorted(out), wide
}

// inside is the network of p with that length whose last bits are offset.
func inside(p netip.Prefix, bits int, offset byte) netip.Prefix {
	b := p.Addr().AsSlice()
	b[len(b)-1] |= offset
	addr, _ := netip.AddrFromSlice(b) // as long as it was
	return netip.PrefixFrom(addr, bits)
}

// within is the sentence with the networks in it, nothing without them.
func within(format string, wide []netip.Prefix) string {
	if len(wide) == 0 {
		return ""
	}
	var names []string
	for _, p := range wide[:min(len(wide), 5)] {
		names = append(names, p.String())
	}
	if more := len(wide) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf(format, strings.Join(names, ", "))
}

func developerAddress(in input) draft {
	if len(in.developer) == 0 {
		return none("no office or home ranges are declared")
	}
	list, wide := named(in.developer)
	forbidden := without(list, func(p netip.Prefix) bool { return reach.Contains(in.vpn, p) })
	if len(forbidden) == 0 {
		return none("all office and home ranges are declared as VPN ranges")
	}
	return draft{
		title:   "No developer's address in the access list",
		actions: []string{modifyAccessList},
		clauses: anyOf(forbidden),
		covers:  "The declared office and home ranges, and every entry inside those of /28 and narrower (/124 in IPv6).",
		misses:  within("Entries inside %s: Cedar cannot compare an entry with a range.", wide),
	}
}

func providerRange(in input) draft {
	if len(in.providers) == 0 {
		return none("no ranges of cloud providers are declared")
	}
	var forbidden []netip.Prefix
	for _, p := range in.providers {
		for bits := min(broadest, p.Bits()); bits <= p.Bits(); bits++ {
			forbidden = append(forbidden, netip.PrefixFrom(p.Addr(), bits).Masked())
		}
	}
	return draft{
		title:   "No range of a cloud provider in the access list",
		actions: []string{modifyAccessList},
		clauses: anyOf(sorted(forbidden)),
		covers:  "Entries that are a declared range of a provider or contain one, from /8 on.",
		misses:  "Entries with a large part of a range that are inside it; those shorter than /8, which network/entry-too-broad's policy forbids. " + groups,
	}
}

// publicBesidePrivate demands a list without public entries, as Atlas's example against
// access over public networks does. Whether the private endpoints of a project can be
// asked for when its list changes is not documented, hence the projects.
func publicBesidePrivate(in input) draft {
	if len(in.Projects) == 0 {
		return none("name the projects with a working private endpoint: Atlas cannot be asked for them when an access list changes")
	}
	private := without(in.networks, public)
	allowed, wide := named(private)
	allowed = sorted(append(allowed, without(in.entries, public)...))
	stricter := "Private addresses that are neither declared nor standing are refused too, such as those of a new peering."
	if s := within(" So are entries inside %s.", wide); s != "" {
		stricter += s
	}
	return draft{
		title:    "No public entries in the access lists of projects with a private endpoint",
		actions:  []string{modifyAccessList},
		clauses:  []clause{{unless: only(allowed)}},
		covers:   "Every public entry, in the projects that are named.",
		misses:   "Projects that get a private endpoint later: write the policy again. " + groups,
		stricter: stricter,
	}
}

// unapprovedPeering freezes peerings and endpoints. Atlas documents the identities of
// connections only with what we cannot know before they exist (the CIDR of a VPC, the
// address of an endpoint), and not whether they are judged before or after a change.
func unapprovedPeering(in input) draft {
	if len(in.Peers) == 0 {
		return none("no peers are declared: every one is approved")
	}
	return draft{
		title:    "No change of peerings and private endpoints",
		actions:  []string{modifyPeering, modifyEndpoint},
		clauses:  []clause{{}},
		covers:   "Every new peering or private endpoint.",
		misses:   "Endpoints of federated databases and of stream workspaces: not documented.",
		stricter: "Changes and deletions of approved ones, and new ones with declared peers: delete the policy while one is made.",
	}
}

// auditingOff is Atlas's example "Require Database Auditing".
func auditingOff(input) draft {
	return draft{
		title:    "No change of clusters while database auditing is off",
		actions:  []string{modifyCluster},
		clauses:  []clause{{when: "!" + auditing}},
		covers:   "A project cannot get or change a cluster while its auditing is off, and Atlas lists it as not compliant.",
		misses:   "Auditing can still be turned off, and its filter emptied: Atlas has no action for either.",
		stricter: "Every change of a cluster waits, whatever it is, also where no cluster is of a tier that can be audited.",
	}
}
