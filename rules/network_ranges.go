package rules

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// networkRanges are the declared networks that are looked up entry by entry.
type networkRanges struct {
	developer []netip.Prefix
	shared    reach.Ranges
	unrouted  reach.Ranges
	vpn       map[string][]netip.Prefix // by environment; of no environment: ""
	providers []netip.Prefix            // of all, by address, the longer after the shorter
	provider  map[netip.Prefix]string   // whose each is
}

func newNetworkRanges(p Policy) networkRanges {
	out := networkRanges{
		developer: prefixesOf(p.Ranges.Developer), shared: reach.NewRanges(prefixesOf(p.Ranges.Shared)), unrouted: reach.NewRanges(prefixesOf(unrouted())),
		vpn: map[string][]netip.Prefix{}, provider: map[netip.Prefix]string{},
	}
	for _, n := range p.Networks {
		out.vpn[n.Environment] = append(out.vpn[n.Environment], prefixesOf(n.Purposes["vpn"])...)
	}
	for name, list := range p.Ranges.Providers {
		for _, x := range prefixesOf(list) {
			if had, ok := out.provider[x]; !ok || name < had {
				out.provider[x] = name
			}
		}
	}
	for x := range out.provider {
		out.providers = append(out.providers, x)
	}
	slices.SortFunc(out.providers, comparePrefixes)
	return out
}

func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// prefixesOf are the networks of a list that was checked when it was configured.
func prefixesOf(list []string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		if p, err := reach.ParseEntry(s); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// ofProvider is the declared range of a provider of which the network covers most, whose
// it is, and how much of it: 1 is all. A lone address covers no range.
func (r *networkRanges) ofProvider(p netip.Prefix) (in netip.Prefix, whose string, share float64) {
	if !p.IsValid() || p.IsSingleIP() {
		return in, "", 0
	}
	first, _ := slices.BinarySearchFunc(r.providers, p, comparePrefixes)
	if first < len(r.providers) && p.Contains(r.providers[first].Addr()) {
		in = r.providers[first]
		return in, r.provider[in], 1
	}
	for bits := p.Bits() - 1; bits >= 0; bits-- {
		around := netip.PrefixFrom(p.Addr(), bits).Masked()
		if name, ok := r.provider[around]; ok {
			return around, name, math.Ldexp(1, bits-p.Bits())
		}
	}
	return in, "", 0
}

// around are the declared ranges of providers that the network is a part of.
func (r *networkRanges) around(p netip.Prefix) (out []netip.Prefix) {
	for bits := p.Bits() - 1; bits >= 0; bits-- {
		if in := netip.PrefixFrom(p.Addr(), bits).Masked(); r.provider[in] != "" {
			out = append(out, in)
		}
	}
	return out
}

// providerParts are the ranges of which entries cover a large part together, of those that
// cover none alone. A lone address covers no range.
func (s *subject) providerParts() []string {
	least, _ := s.rule.Params["share"].(float64)
	var parts []netip.Prefix
	for _, r := range s.w.list {
		p, ok := s.w.prefix(r.Name())
		if _, _, share := s.w.ranges.ofProvider(p); ok && share > 0 && share < least {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, comparePrefixes)
	share, count := map[netip.Prefix]float64{}, map[netip.Prefix]int{}
	for i, p := range parts {
		if i > 0 && slices.ContainsFunc(parts[:i], func(o netip.Prefix) bool { return o.Bits() < p.Bits() && o.Contains(p.Addr()) }) {
			continue
		}
		for _, in := range s.w.ranges.around(p) {
			share[in] += math.Ldexp(1, in.Bits()-p.Bits())
			count[in]++
		}
	}
	out := []string{}
	for in, covered := range share {
		if covered >= least {
			out = append(out, fmt.Sprintf("%s of %s (%d entries)", in, s.w.ranges.provider[in], count[in]))
		}
	}
	slices.Sort(out)
	return out
}

// ofDevelopers reports whether the network is inside the ranges of people, and not inside
// those of the VPN that is declared for the environment.
func (r *networkRanges) ofDevelopers(p netip.Prefix, env string) bool {
	return reach.Contains(r.developer, p) && !reach.Contains(slices.Concat(r.vpn[env], r.vpn[""]), p)
}

// unrouted is the space of which no address is on the internet. Networks of documentation
// count as public: where they stand on a list, they stand for public ones.
func unrouted() []string {
	return []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
		"::/127", "fc00::/7", "fe80::/10", "ff00::/8",
	}
}

// public reports whether some address of the entry is on the internet.
func (w *world) public(entry string) bool {
	p, ok := w.prefix(entry)
	if !ok {
		return false
	}
	return !w.policy.ranges.unrouted.Contains(p)
}

// publicEntries are the entries of the access list that let somebody on the internet in.
func (w *world) publicEntries() []string {
	out := []string{}
	for _, r := range w.in.Collections[access.KindIPAccessEntry].Resources {
		if w.public(r.Name()) {
			out = append(out, r.Name())
		}
	}
	return out
}
