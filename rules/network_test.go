package rules

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// answers are those of one rule in the bench's state, by name.
func (b *bench) answers(rule string) map[string]access.Answer {
	out := map[string]access.Answer{}
	for name, v := range b.verdicts(rule) {
		out[name] = v.Answer
	}
	return out
}

// TestRedundantEntry: what is inside an entry that should not be there itself is not
// redundant, and which rules count as saying so.
func TestRedundantEntry(t *testing.T) {
	mine := Source{"f.yaml", []byte(`id: mine/no-home
title: a title
why: a reason
kind: ip_access_entry
when: entry.comment.contains('home') && net.container == ''
message: entry.entry
tests:
  - name: all
    given: {ip_access_entry: [{entry: 192.0.2.0/24, comment: home}, {entry: 192.0.3.0/24, comment: home}, 192.0.4.0/24, 192.0.5.0/24]}
    want: {192.0.2.0/24: violation, 192.0.3.0/24: violation, 192.0.4.0/24: pass, 192.0.5.0/24: pass}
  - name: unreadable
    given: {ip_access_entry: [192.0.2.0/24], status: {ip_access_entry: failed}}
    want: {192.0.2.0/24: unknown}
`)}
	entry := func(name, comment string) access.State { return access.IPAccessEntry{Entry: name, Comment: comment} }
	for name, c := range map[string]struct {
		around access.State
		want   access.Answer
	}{
		"in order":                  {entry("203.0.113.0/28", "NET-1"), access.AnswerViolation},
		"without an owner":          {entry("203.0.113.0/28", ""), access.AnswerPass},
		"too broad, and undeclared": {entry("203.0.112.0/23", "NET-1"), access.AnswerPass},
		"undeclared":                {entry("203.0.113.0/27", "NET-1"), access.AnswerPass},
		"the world":                 {entry(all, "NET-1"), access.AnswerPass},
		"the world in IPv6":         {entry("::/0", "NET-1"), access.AnswerPass},
		"temporary":                 {access.IPAccessEntry{Entry: "203.0.113.0/28", Comment: "NET-1", DeleteAfterDate: t0.Add(time.Hour)}, access.AnswerPass},
		"a user's rule minds":       {entry("203.0.113.0/28", "NET-1 home"), access.AnswerPass},
	} {
		b := newBench(t, mustLoad(t, testPolicy(), mine))
		b.read(access.KindIPAccessEntry, c.around, entry("203.0.113.5/32", "NET-2"))
		if got := b.answers(redundantEntry)["203.0.113.5/32"]; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestRedundantEntryOverTime: an entry that turns out bad in the course of a replay is
// judged as of then.
func TestRedundantEntryOverTime(t *testing.T) {
	w := newWorld(mustLoad(t, testPolicy()), &Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{}})
	r := access.Resource{Box: access.Box{State: access.IPAccessEntry{Entry: "203.0.113.0/28", Comment: "NET-1"}}}
	for range 2 {
		if !w.soundEntry(r, t0) || len(w.memo.network.sound) != 1 {
			t.Errorf("an entry in order is not sound, or is judged twice: %v", w.memo.network.sound)
		}
	}
	if w.soundEntry(r, t0.Add(time.Hour)); len(w.memo.network.sound) != 2 {
		t.Error("what held at one time is taken to hold at another")
	}
}

func TestPublic(t *testing.T) {
	w := newWorld(mustLoad(t, testPolicy()), &Input{Scope: prj, Collections: map[access.Kind]access.Collection{}})
	for entry, want := range map[string]bool{
		"203.0.113.7/32": true, "8.8.8.8/32": true, "0.0.0.0/0": true, "8.0.0.0/5": true, "192.168.0.0/15": true, "2a00::/16": true, "2001:db8::1/128": true, "::/0": true,
		"10.0.0.0/8": false, "10.1.2.3/32": false, "172.16.0.0/12": false, "172.31.255.0/24": false, "192.168.0.0/16": false, "100.64.0.0/10": false, "127.0.0.1/32": false,
		"169.254.0.0/16": false, "240.0.0.0/4": false, "224.0.0.1/32": false, "0.0.0.0/8": false, "fd12::/48": false, "fe80::1/128": false, "ff02::/16": false, "::1/128": false,
		"172.32.0.0/16": true, "100.128.0.0/16": true, "11.0.0.0/8": true, "::ffff:10.0.0.0/104": false, "::ffff:8.0.0.0/104": true,
		"sg-0123456789abcdef0": false, "garbage": false, "": false,
	} {
		if got := w.public(entry); got != want {
			t.Errorf("%s: public is %t", entry, got)
		}
	}
}

// TestProviderRange: the index finds what going through all ranges finds.
func TestProviderRange(t *testing.T) {
	prefix := rapid.Custom(func(t *rapid.T) netip.Prefix {
		bits := rapid.IntRange(20, 32).Draw(t, "bits")
		low := rapid.Uint16Range(0, 4095).Draw(t, "low")
		if rapid.IntRange(0, 4).Draw(t, "family") == 0 {
			return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(low >> 8), byte(low)}), bits+16).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, byte(low >> 8), byte(low)}), bits).Masked()
	})
	rapid.Check(t, func(rt *rapid.T) {
		ranges := rapid.SliceOfN(prefix, 0, 8).Draw(rt, "ranges")
		var texts []string
		for _, p := range ranges {
			texts = append(texts, p.String())
		}
		index := newNetworkRanges(Policy{Ranges: access.Ranges{Providers: map[string][]string{"aws": texts}}})
		entry := prefix.Draw(rt, "entry")
		most := 0.0
		for _, p := range ranges {
			switch {
			case entry.IsSingleIP() || !p.Overlaps(entry):
			case p.Bits() >= entry.Bits():
				most = 1
			default:
				share := 1.0
				for range entry.Bits() - p.Bits() {
					share /= 2
				}
				most = max(most, share)
			}
		}
		in, whose, share := index.ofProvider(entry)
		if share != most || (share > 0) != (whose == "aws") || share > 0 && !in.Overlaps(entry) {
			rt.Fatalf("%s covers %v of %s (%q), want %v", entry, share, in, whose, most)
		}
	})
}

// TestExposureOfSplits: however a list is split, exposure-too-wide answers the same.
func TestExposureOfSplits(t *testing.T) {
	e := mustLoad(t, testPolicy())
	rapid.Check(t, func(rt *rapid.T) {
		whole := netip.MustParsePrefix(rapid.SampledFrom([]string{"16.0.0.0/14", "16.0.0.0/15", "16.0.0.0/16", "2a00:1450::/47", "2a00:1450::/48"}).Draw(rt, "network"))
		parts := []netip.Prefix{whole}
		for range rapid.IntRange(0, 12).Draw(rt, "splits") {
			i := rapid.IntRange(0, len(parts)-1).Draw(rt, "which")
			low, high := halves(parts[i])
			parts = append(slices.Delete(parts, i, i+1), low, high)
		}
		var list []string
		for _, p := range append(parts, parts[0]) {
			list = append(list, p.String())
		}
		b := newBench(t, e)
		b.read(access.KindIPAccessEntry, entries(list...)...)
		want := access.AnswerPass
		if x := reach.Expose([]netip.Prefix{whole}); x.V4 > 65_536 || x.V6Slash64 > 65_536 {
			want = access.AnswerViolation
		}
		if got := b.answers("network/exposure-too-wide")[prjID]; got != want {
			rt.Fatalf("%s as %v: %q, want %q", whole, list, got, want)
		}
	})
}

func halves(p netip.Prefix) (low, high netip.Prefix) {
	raw, bits := p.Addr().As16(), p.Bits()
	at := bits
	if p.Addr().Is4() {
		at += 96
	}
	raw[at/8] |= 1 << (7 - at%8)
	other := netip.AddrFrom16(raw)
	if p.Addr().Is4() {
		other = other.Unmap()
	}
	return netip.PrefixFrom(p.Addr(), bits+1), netip.PrefixFrom(other, bits+1)
}

// TestEntryOverdue: which date counts, and from when.
func TestEntryOverdue(t *testing.T) {
	at := func(h int) string { return t0.Add(time.Duration(h) * time.Hour).Format(time.RFC3339) }
	for name, c := range map[string]struct {
		entry access.IPAccessEntry
		want  time.Time
	}{
		"none":                          {access.IPAccessEntry{}, time.Time{}},
		"Atlas's, long past":            {access.IPAccessEntry{DeleteAfterDate: t0.Add(-time.Hour)}, t0.Add(-time.Hour)},
		"Atlas's, just past":            {access.IPAccessEntry{DeleteAfterDate: t0.Add(-time.Minute)}, time.Time{}},
		"a comment's, just past":        {access.IPAccessEntry{Comment: "expires=" + at(0)}, t0},
		"a comment's, not yet":          {access.IPAccessEntry{Comment: "expires=" + at(1)}, time.Time{}},
		"both the same, just past":      {access.IPAccessEntry{Comment: "(expires=" + at(0) + ")", DeleteAfterDate: t0}, t0},
		"the comment's is the later":    {access.IPAccessEntry{Comment: "expires=" + at(-1), DeleteAfterDate: t0.Add(-2 * time.Hour)}, t0.Add(-2 * time.Hour)},
		"Atlas is late, the other past": {access.IPAccessEntry{Comment: "expires=" + at(0), DeleteAfterDate: t0.Add(-time.Minute)}, t0},
		"a day, which people write":     {access.IPAccessEntry{Comment: "expires=2020-01-01"}, time.Time{}},
		"in another word":               {access.IPAccessEntry{Comment: "noexpires=" + at(-1)}, time.Time{}},
		"a look-alike key":              {access.IPAccessEntry{Comment: "expirеs=" + at(-1)}, time.Time{}}, // a Cyrillic e
	} {
		s := &subject{now: t0, rule: &Rule{Params: map[string]any{"atlas_lag": 5 * time.Minute}}, res: &access.Resource{Box: access.Box{State: c.entry}}}
		if got := s.entryOverdue(); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestEntryUse: for how long an entry may have been, and certainly was, unused.
func TestEntryUse(t *testing.T) {
	const d = 24 * time.Hour
	span := []access.Span{{From: t0.Add(-40 * d), Until: t0.Add(-time.Hour)}}
	login := func(from string, ago time.Duration) map[string]access.Use {
		return map[string]access.Use{"admin/app": {Addresses: map[string]time.Time{from: t0.Add(-ago), "198.51.100.1": t0}}}
	}
	there := access.Resource{FirstSeen: t0.Add(-60 * d), Baseline: true}
	for name, c := range map[string]struct {
		entry         string
		res           access.Resource
		spans         []access.Span
		users         map[string]access.Use
		quiet, unused time.Duration
	}{
		"never":                       {"203.0.113.0/28", there, span, nil, ever, 40 * d},
		"seen for less":               {"203.0.113.0/28", access.Resource{FirstSeen: t0.Add(-9 * d), Baseline: true}, span, nil, ever, 9 * d},
		"long ago":                    {"203.0.113.0/28", there, span, login("203.0.113.15", 35*d), 34 * d, 34 * d},
		"lately":                      {"203.0.113.0/28", there, span, login("203.0.113.0", 2*d), d, d},
		"today":                       {"203.0.113.0/28", there, span, login("203.0.113.0", time.Hour), -23 * time.Hour, 0},
		"next to it":                  {"203.0.113.0/28", there, span, login("203.0.113.16", d), ever, 40 * d},
		"as a mapped address":         {"203.0.113.0/28", there, span, login("::ffff:203.0.113.3", 2*d), d, d},
		"in IPv6":                     {"2001:db8::/56", there, span, login("2001:db8::7", 2*d), d, d},
		"no address":                  {"203.0.113.0/28", there, span, login("unknown", d), ever, 40 * d},
		"added while we watched":      {"203.0.113.0/28", access.Resource{FirstSeen: t0.Add(-5 * d), ChangedAt: t0.Add(-5 * d)}, span, nil, 5 * d, 5 * d},
		"came in a gap":               {"203.0.113.0/28", access.Resource{FirstSeen: t0.Add(-5 * d), CameInGap: true}, span, nil, ever, 5 * d},
		"the history is read no more": {"203.0.113.0/28", there, []access.Span{{From: t0.Add(-40 * d), Until: t0.Add(-3 * d)}}, nil, ever, 0},
		"it was never read":           {"203.0.113.0/28", there, nil, nil, ever, 0},
		"when it came is not known":   {"203.0.113.0/28", access.Resource{Baseline: true}, span, nil, ever, 0},
	} {
		c.res.Box = access.Box{State: access.IPAccessEntry{Entry: c.entry}}
		w := newWorld(&Engine{policy: newPolicy(Policy{})}, &Input{Scope: prj, Now: t0, History: access.History{Logins: c.spans, Users: c.users}})
		s := w.subject(&Rule{Kind: access.KindIPAccessEntry}, &c.res)
		if quiet, unused := s.entryQuiet(), s.entryUnused(); quiet != c.quiet || unused != c.unused {
			t.Errorf("%s: quiet for %s, unused for %s; want %s and %s", name, quiet, unused, c.quiet, c.unused)
		}
	}
}

func TestPeers(t *testing.T) {
	azure := "/subscriptions/0B0B/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/e"
	for name, c := range map[string]struct {
		peer access.Peer
		path access.State
		want bool // declared
	}{
		"account":                         {access.Peer{Account: "1"}, access.Peering{Account: "1", Network: "vpc-0a"}, true},
		"another account":                 {access.Peer{Account: "1"}, access.Peering{Account: "11", Network: "vpc-0a"}, false},
		"an account that is not told":     {access.Peer{Account: "1"}, access.Peering{Network: "vpc-0a"}, false},
		"network":                         {access.Peer{Network: "vpc-0a"}, access.Peering{Account: "1", Network: "vpc-0a"}, true},
		"in capitals":                     {access.Peer{Network: "VNet"}, access.Peering{Network: "rg/vnet"}, true},
		"with its resource group":         {access.Peer{Network: "rg/vnet"}, access.Peering{Network: "rg/vnet"}, true},
		"in another resource group":       {access.Peer{Network: "rg/vnet"}, access.Peering{Network: "rg2/vnet"}, false},
		"a resource group is no network":  {access.Peer{Network: "rg"}, access.Peering{Network: "rg/vnet"}, false},
		"account without the network":     {access.Peer{Account: "1", Network: "vpc-0b"}, access.Peering{Account: "1", Network: "vpc-0a"}, false},
		"a Kelvin sign is no k":           {access.Peer{Account: "kiosk"}, access.Peering{Account: "\u212aiosk"}, false},
		"an endpoint is no peering":       {access.Peer{Account: "1", Endpoint: "vpce-0a"}, access.Peering{Account: "1"}, false},
		"endpoint":                        {access.Peer{Endpoint: "vpce-0a"}, access.PrivateEndpoint{For: "clusters", Endpoints: []string{"vpce-0a"}}, true},
		"one of two":                      {access.Peer{Endpoint: "vpce-0a"}, access.PrivateEndpoint{For: "clusters", Endpoints: []string{"vpce-0a", "vpce-0b"}}, false},
		"of a federation":                 {access.Peer{Endpoint: "vpce-0a"}, access.PrivateEndpoint{For: "data_federation", ID: "vpce-0a"}, true},
		"Azure's id has the subscription": {access.Peer{Account: "0b0b"}, access.PrivateEndpoint{Provider: "AZURE", For: "clusters", Endpoints: []string{azure}}, true},
		"another subscription":            {access.Peer{Account: "0b0c"}, access.PrivateEndpoint{Provider: "AZURE", For: "clusters", Endpoints: []string{azure}}, false},
		"a subscription further on":       {access.Peer{Account: "0b0b"}, access.PrivateEndpoint{Provider: "AZURE", For: "clusters", Endpoints: []string{"/subscriptions/x/subscriptions/0b0b"}}, false},
		"no endpoints yet":                {access.Peer{Endpoint: "vpce-0a"}, access.PrivateEndpoint{For: "clusters"}, true},
	} {
		w := newWorld(&Engine{policy: newPolicy(Policy{Ranges: access.Ranges{Peers: []access.Peer{c.peer}}})}, &Input{Scope: prj})
		s := w.subject(&Rule{Kind: c.path.Kind()}, &access.Resource{Box: access.Box{State: c.path}})
		if got := len(s.netPath().undeclared) == 0; got != c.want {
			t.Errorf("%s: declared is %t", name, got)
		}
	}
}

// TestNetworkReads: with each single read denied, exactly the rules that need it turn
// unknown.
func TestNetworkReads(t *testing.T) {
	p := testPolicy()
	p.Ranges = access.Ranges{Developer: []string{"192.0.2.0/24"}, Providers: map[string][]string{"aws": {"198.51.100.0/24"}}, Peers: []access.Peer{{Endpoint: "vpce-0a"}}}
	e := mustLoad(t, p)
	entry := []string{
		"developer-address-in-prod", "entry-too-broad", "expired-entry", "exposure-too-wide", "near-limit", "open-to-world", "permanent-entry", "provider-range",
		"redundant-entry", "shared-across-environments", "undeclared-source", "undocumented-entry", "unused-entry", "no-private-endpoint", "public-beside-private",
	}
	targets := []string{"unused-entry"}
	for kind, want := range map[access.Kind][]string{
		access.KindIPAccessEntry: entry, access.KindCluster: {"no-private-endpoint", "unused-entry"}, access.KindFlexCluster: targets,
		access.KindFederatedDatabase: targets, access.KindStreamWorkspace: targets,
		access.KindPrivateEndpoint: {"endpoint-failed", "no-private-endpoint", "public-beside-private", "unapproved-peering"},
		access.KindPeering:         {"endpoint-failed", "no-private-endpoint", "unapproved-peering"},
		access.KindDatabaseUser:    nil, access.KindProjectSettings: nil,
	} {
		known, now := readings(e, ""), readings(e, kind)
		var got []string
		for rule, was := range known {
			if now[rule] && !was {
				got = append(got, rule)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("without %s (-want +got):\n%s", kind, diff)
		}
	}
}

// TestNetworkPast: of the network rules, one cannot be judged at one look.
func TestNetworkPast(t *testing.T) {
	var past []string
	for _, r := range mustLoad(t, testPolicy()).Rules() {
		if r.Past && strings.HasPrefix(r.ID, "network/") {
			past = append(past, r.ID)
		}
	}
	if diff := cmp.Diff([]string{"network/unused-entry"}, past); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// readings tells of each network rule whether some answer is unknown, in a project of all
// that they judge with one kind denied.
func readings(e *Engine, denied access.Kind) map[string]bool {
	in := Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{}, Facts: access.Facts{V: 1, Scope: prj}}
	in.History.Logins = []access.Span{{From: t0.AddDate(0, -3, 0), Until: t0}}
	states := map[access.Kind][]access.State{
		access.KindProject: {access.Project{ID: prjID, Title: "shop-prod"}}, access.KindCluster: {access.Cluster{Cluster: "orders"}},
		access.KindIPAccessEntry:   entries("203.0.113.5/32"),
		access.KindPrivateEndpoint: {access.PrivateEndpoint{Provider: "AWS", ID: "s", For: access.EndpointClusters, Status: "AVAILABLE", Endpoints: []string{"vpce-0a"}}},
		access.KindPeering:         {access.Peering{Provider: "AWS", ID: "p", Account: "1", Status: "AVAILABLE"}},
	}
	for k := range kinds {
		if ofOrg(k) {
			continue
		}
		c := access.NewCollection(prj, k, states[k])
		c.FirstRead = t0.AddDate(0, -3, 0)
		for i := range c.Resources {
			c.Resources[i].FirstSeen, c.Resources[i].Baseline = c.FirstRead, true
		}
		if k == denied {
			c.Status = access.StatusDenied
		}
		in.Collections[k] = c
	}
	out := map[string]bool{}
	for _, v := range e.Evaluate(in) {
		if rule, ok := strings.CutPrefix(v.Rule, "network/"); ok {
			out[rule] = out[rule] || v.Answer == access.AnswerUnknown
		}
	}
	return out
}
