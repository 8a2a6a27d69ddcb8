package scan_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// let puts an entry on the access list two hours ago, and what follows from it whatever it
// was planted for.
func (p *project) let(cidr string, edit ...func(*access.IPAccessEntry)) {
	e := access.IPAccessEntry{Entry: cidr, Comment: p.documented()}
	if p.env == "dev" {
		e.DeleteAfterDate = fleetNow.AddDate(0, 0, 2)
	}
	for _, f := range edit {
		f(&e)
	}
	p.add(ago(2*time.Hour), e)
	p.lets(cidr)
}

// lets is what follows from an entry: it is public, or broad, or from nowhere declared.
func (p *project) lets(cidr string) {
	net := netip.MustParsePrefix(cidr)
	if isPrivate(net) {
		return
	}
	if p.prod() && p.style == byEndpoint {
		p.want("network/public-beside-private", access.KindProject, "")
	}
	if isWorld(net) {
		return // network/open-to-world tells of it, and the others leave it to that
	}
	p.wide = append(p.wide, cidr)
	if net.Addr().Is4() && net.Bits() < 24 || net.Addr().Is6() && net.Bits() < 56 {
		p.want("network/entry-too-broad", access.KindIPAccessEntry, cidr)
	}
	if !slices.ContainsFunc(p.declared(), func(d string) bool { return within(net, d) }) {
		p.want("network/undeclared-source", access.KindIPAccessEntry, cidr)
	}
	for _, d := range []string{"35.0.0.0/16", "36.0.0.0/20"} {
		if in := netip.MustParsePrefix(d); within(in, cidr) || within(net, d) && net.Bits() <= in.Bits()+2 {
			p.want("network/provider-range", access.KindIPAccessEntry, cidr)
		}
	}
	if p.prod() && within(net, "34.40.0.0/24") {
		p.want("network/developer-address-in-prod", access.KindIPAccessEntry, cidr)
	}
}

// declared are the public networks of the project's environment, by the fleet's policy.
func (p *project) declared() []string {
	t := "34." + p.third()
	return []string{t + "0.0.0/20", t + "1.0.0/24", t + "2.0.0/24", "34.50.0.0/28"}
}

func isWorld(n netip.Prefix) bool { return n.Bits() == 0 }

func isPrivate(n netip.Prefix) bool { return within(n, "10.0.0.0/8") }

func within(n netip.Prefix, outer string) bool {
	o := netip.MustParsePrefix(outer)
	return o.Addr().Is4() == n.Addr().Is4() && o.Bits() <= n.Bits() && o.Contains(n.Addr())
}

// settle is what all entries of a project come to together.
func (p *project) settle() {
	p.by = "what all entries come to"
	if p.world {
		return
	}
	v4, v6 := 0.0, 0.0
	for i, text := range p.wide {
		n := netip.MustParsePrefix(text)
		if slices.ContainsFunc(slices.Concat(p.wide[:i], p.wide[i+1:]), func(o string) bool { return o != text && within(n, o) }) {
			continue
		}
		if n.Addr().Is4() {
			v4 += float64(uint64(1) << (32 - n.Bits()))
		} else {
			v6 += float64(uint64(1) << max(0, 64-n.Bits()))
		}
	}
	if v4 > 65000 && v4 <= 66000 || v6 > 65000 && v6 <= 66000 {
		panic("too near to the limit: " + strings.Join(p.wide, " "))
	}
	if v4 > 65536 || v6 > 65536 {
		p.want("network/exposure-too-wide", access.KindIPAccessEntry, "")
	}
}

// compare finds the public entries of production that lower environments of the org have too.
func (p *project) compare() {
	for _, text := range slices.Sorted(maps.Keys(p.records[access.KindIPAccessEntry])) {
		net := netip.MustParsePrefix(text)
		if !p.prod() || isPrivate(net) || isWorld(net) || net.Addr().Is4In6() || within(net, "34.50.0.0/28") {
			continue
		}
		for _, other := range p.org.projects {
			if _, both := other.records[access.KindIPAccessEntry][text]; both && !other.prod() {
				p.want("network/shared-across-environments", access.KindIPAccessEntry, text)
			}
		}
	}
}

// spare is an address of the environment's application network that nothing else uses.
func (p *project) spare() string {
	return fmt.Sprintf("34.%s0.%d.%d", p.third(), p.n%16, 100+p.org.next()%100)
}

// stray is an address that nobody declared.
func (p *project) stray() string {
	n := p.org.next()
	return fmt.Sprintf("91.%d.%d.%d", p.org.n, n/250, n%250+1)
}

func notDev(p *project) bool { return p.env != "dev" }

func inProd(p *project) bool { return p.prod() }

func dedicatedOnly(p *project) bool { return p.dedicated() }

// seen says that what is not in the history of logins did not happen.
func seen(p *project) bool { return !p.hidden() && notDev(p) }

func comment(text string) func(*access.IPAccessEntry) {
	return func(e *access.IPAccessEntry) { e.Comment = text }
}

func until(at time.Time) func(*access.IPAccessEntry) {
	return func(e *access.IPAccessEntry) { e.DeleteAfterDate = at }
}

// worldBy opens the world by entries none of which is the world.
func worldBy(entries ...string) func(*project) {
	return func(p *project) {
		p.world = true
		for _, e := range entries {
			p.let(e)
		}
		p.want("network/open-to-world", access.KindIPAccessEntry, "")
	}
}

func openTo(cidr string) func(*project) {
	return func(p *project) {
		p.let(cidr)
		p.want("network/open-to-world", access.KindIPAccessEntry, cidr)
	}
}

func networkPlantings() []projectPlanting {
	const one, union = "an entry that is the world", "the union of entries"
	return slices.Concat([]projectPlanting{
		{"network/open-to-world", "0.0.0.0/0", nil, one, openTo("0.0.0.0/0")},
		{"network/open-to-world", "::/0", nil, one, openTo("::/0")},
		{"network/open-to-world", "mapped", nil, one, mapped},
		{"network/open-to-world", "halves", nil, union, worldBy("0.0.0.0/1", "128.0.0.0/1")},
		{"network/open-to-world", "quarters, two of them joined", nil, union, worldBy("0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1")},
		{"network/open-to-world", "all but reserved", nil, union, worldBy("0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/4", "112.0.0.0/5", "120.0.0.0/6", "124.0.0.0/7", "126.0.0.0/8", "128.0.0.0/2", "192.0.0.0/3")},
		{"network/open-to-world", "halves of IPv6", nil, union, worldBy("2000::/5", "2800::/5", "3000::/4")},
		{"network/transient-open-to-world", "seen in the feed only", nil, "the feed of entries + " + one, transient("0.0.0.0/0")},
		{"network/transient-open-to-world", "in IPv6", nil, "the feed of entries + " + one, transient("::/0")},
		{"network/exposure-too-wide", "many /18", nil, union, func(p *project) {
			for i := range 5 {
				p.let(fmt.Sprintf("60.%d.0.0/18", i))
			}
		}},
		{"network/exposure-too-wide", "IPv6", nil, union, func(p *project) { p.let("2600:1234::/40") }},
		{"network/entry-too-broad", "all that is declared", notDev, union, func(p *project) { p.let("34." + p.third() + "0.0.0/20") }},
		{"network/entry-too-broad", "undeclared", nil, "a broad entry", func(p *project) { p.let("91.200.4.0/23") }},
		{"network/entry-too-broad", "IPv6", nil, "a broad entry", func(p *project) { p.let("2600:1f18:aa00::/52") }},
		{"network/undeclared-source", "an address", nil, "an undeclared address", func(p *project) { p.let(p.stray() + "/32") }},
		{"network/undeclared-source", "declared elsewhere", func(p *project) bool { return p.env == "dev" }, "an undeclared address", func(p *project) { p.let("34.10.0.0/28") }},
		{"network/undeclared-source", "IPv6", nil, "an undeclared address", func(p *project) { p.let("2600:1f18:aa01::1/128") }},
		{"network/undocumented-entry", "", nil, "a comment", func(p *project) { p.undocumented("") }},
		{"network/undocumented-entry", "a comment that says nothing", nil, "a comment", func(p *project) { p.undocumented("temporary, for the demo") }},
		{"network/developer-address-in-prod", "", inProd, "an address of developers", func(p *project) { p.let("34.40.0.17/32") }},
		{"network/provider-range", "a quarter", nil, union, func(p *project) { p.let("35.0.64.0/18") }},
		{"network/provider-range", "all of one", nil, union, func(p *project) { p.let("36.0.0.0/20") }},
		{"network/shared-across-environments", "", inProd, "an entry that is elsewhere too", shared},
	}, endPlantings(), pathPlantings())
}

// mapped is the world as IPv6 writes IPv4.
func mapped(p *project) {
	const cidr = "::ffff:0.0.0.0/96"
	e := access.IPAccessEntry{Entry: cidr, Comment: p.documented()}
	if p.env == "dev" {
		e.DeleteAfterDate = fleetNow.AddDate(0, 0, 2)
	}
	p.add(ago(2*time.Hour), e)
	p.want("network/open-to-world", access.KindIPAccessEntry, cidr)
	p.lets("0.0.0.0/0")
}

func transient(cidr string) func(*project) {
	return func(p *project) {
		at := ago(3 * time.Hour)
		p.change(access.Change{
			Ref: access.Ref{Kind: access.KindIPAccessEntry, Name: cidr}, Op: access.OpObserved, Type: "NETWORK_PERMISSION_ENTRY_ADDED",
			Actor: human("erin@example.com"), Occurred: at, Ended: at.Add(20 * time.Second),
		})
		p.want("network/transient-open-to-world", access.KindIPAccessEntry, cidr)
	}
}

func (p *project) undocumented(text string) {
	cidr := p.spare() + "/32"
	p.let(cidr, comment(text))
	p.want("network/undocumented-entry", access.KindIPAccessEntry, cidr)
}

// shared puts the same undeclared address into a lower environment.
func shared(p *project) {
	for _, other := range p.org.projects {
		if other.env != "prod" {
			cidr := p.stray() + "/32"
			p.let(cidr)
			other.by = p.by
			other.let(cidr)
			return
		}
	}
	panic("an org with production only")
}

// endPlantings are about entries that should have ended, or that nobody needs.
func endPlantings() []projectPlanting {
	const end, use = "an entry's end", "an entry's use"
	dev := func(p *project) bool { return p.env == "dev" }
	entry := func(rule string, edit ...func(*access.IPAccessEntry)) func(*project) {
		return func(p *project) {
			cidr := p.spare() + "/32"
			p.let(cidr, edit...)
			p.want(rule, access.KindIPAccessEntry, cidr)
		}
	}
	return []projectPlanting{
		{"network/permanent-entry", "no end", dev, end, entry("network/permanent-entry", until(time.Time{}))},
		{"network/permanent-entry", "an end too far", dev, end, entry("network/permanent-entry", until(fleetNow.AddDate(0, 0, 30)))},
		{"network/expired-entry", "deleteAfterDate", nil, end, entry("network/expired-entry", until(ago(time.Hour)))},
		{"network/expired-entry", "written by a machine", nil, end, entry("network/expired-entry", comment("SHOP-9 expires=2026-06-10T08:00:00Z"))},
		{"network/unused-entry", "never", seen, use, unusedEntry(0)},
		{"network/unused-entry", "not lately", seen, use, unusedEntry(45)},
		{"network/redundant-entry", "", notDev, "the union of entries", redundant},
		{"network/near-limit", "", func(p *project) bool { return notDev(p) && !p.hidden() }, "the number of entries", nearLimit},
	}
}

// unusedEntry has been there all along, and nobody comes through it.
func unusedEntry(last int) func(*project) {
	return func(p *project) {
		address := p.spare()
		if last > 0 {
			p.login(p.user("gone"), address, last)
		}
		p.put(access.IPAccessEntry{Entry: address + "/32", Comment: p.documented()})
		p.lets(address + "/32")
		p.want("network/unused-entry", access.KindIPAccessEntry, address+"/32")
	}
}

// redundant is inside of the project's private network, which is on the list for good.
func redundant(p *project) {
	_, address := p.privateNetwork()
	p.let(address + "/32")
	p.want("network/redundant-entry", access.KindIPAccessEntry, address+"/32")
}

func nearLimit(p *project) {
	for i := range 165 {
		p.let(fmt.Sprintf("10.%s0.200.%d/32", p.third(), i+1))
	}
	p.want("network/near-limit", access.KindIPAccessEntry, "")
}

// pathPlantings are about private ways in.
func pathPlantings() []projectPlanting {
	const paths = "the private ways in"
	elsewhere := func(p *project) bool { return p.dedicated() && (p.style == byEndpoint || !p.prod()) }
	return []projectPlanting{
		{"network/no-private-endpoint", "", func(p *project) bool { return notDev(p) && p.public() }, paths, func(p *project) {
			p.drop(access.KindPeering, "AWS/"+hex24(16, p.org.n, p.n))
			p.drop(access.KindPrivateEndpoint, "AWS/"+hex24(15, p.org.n, p.n))
			p.want("network/no-private-endpoint", access.KindProject, "")
		}},
		{"network/no-private-endpoint", "it is not available", func(p *project) bool { return p.env == "staging" && p.style == byEndpoint }, paths, func(p *project) {
			e := p.state(access.KindPrivateEndpoint, "AWS/"+hex24(15, p.org.n, p.n)).(access.PrivateEndpoint)
			e.Status = "INITIATING"
			p.put(e)
			p.want("network/no-private-endpoint", access.KindProject, "")
		}},
		{"network/public-beside-private", "", func(p *project) bool { return p.prod() && p.style == byEndpoint }, "a declared public entry", func(p *project) {
			p.let(p.spare() + "/32")
		}},
		{"network/public-beside-private", "an endpoint was added", func(p *project) bool { return p.prod() && p.style == byPeering }, paths, func(p *project) {
			p.add(ago(time.Hour), access.PrivateEndpoint{Provider: "AWS", ID: hex24(21, p.org.n, p.n), For: access.EndpointClusters, Status: "AVAILABLE", Endpoints: []string{ourVPCE}})
			p.want("network/public-beside-private", access.KindProject, "")
		}},
		{"network/endpoint-failed", "endpoint", dedicatedOnly, "a failed way in", func(p *project) {
			e := access.PrivateEndpoint{Provider: "AWS", ID: hex24(22, p.org.n, p.n), For: access.EndpointClusters, Status: "FAILED", Endpoints: []string{ourVPCE}}
			p.put(e)
			p.want("network/endpoint-failed", access.KindPrivateEndpoint, e.Name())
		}},
		{"network/endpoint-failed", "peering", dedicatedOnly, "a failed way in", func(p *project) {
			e := access.Peering{Provider: "AWS", ID: hex24(23, p.org.n, p.n), Account: peerOwner, Network: peerVPC, Status: "FAILED", Error: "REJECTED"}
			p.put(e)
			p.want("network/endpoint-failed", access.KindPeering, e.Name())
		}},
		{"network/unapproved-peering", "peering", dedicatedOnly, "a foreign way in + " + paths, func(p *project) {
			e := access.Peering{Provider: "AWS", ID: hex24(24, p.org.n, p.n), Account: "999999999999", Network: peerVPC, Status: "AVAILABLE"}
			p.add(ago(time.Hour), e)
			p.want("network/unapproved-peering", access.KindPeering, e.Name())
		}},
		{"network/unapproved-peering", "another VPC of the account", dedicatedOnly, "a foreign way in", func(p *project) {
			e := access.Peering{Provider: "AWS", ID: hex24(25, p.org.n, p.n), Account: peerOwner, Network: "vpc-ffffffffffffffff0", Status: "PENDING_ACCEPTANCE"}
			p.add(ago(time.Hour), e)
			p.want("network/unapproved-peering", access.KindPeering, e.Name())
		}},
		{"network/unapproved-peering", "endpoint", elsewhere, "a foreign way in", func(p *project) {
			e := access.PrivateEndpoint{Provider: "AWS", ID: hex24(26, p.org.n, p.n), For: access.EndpointClusters, Status: "WAITING_FOR_USER", Endpoints: []string{"vpce-0ffffffffffffffff"}}
			p.add(ago(time.Hour), e)
			p.want("network/unapproved-peering", access.KindPrivateEndpoint, e.Name())
		}},
	}
}
