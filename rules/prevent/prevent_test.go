package prevent

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

const (
	shopProd = "64f0000000000000000000a1"
	payProd  = "64f0000000000000000000a2"
	shopDev  = "64f0000000000000000000b1"
	orgID    = "64f000000000000000000001"
)

// shop is ExampleCorp's production, with everything declared.
func shop() Given {
	return Given{
		Org: orgID, Environment: "prod", Projects: []string{shopProd, payProd},
		Networks:  []string{"20.30.40.0/24", "8.8.8.8/32", "8.8.4.0/29", "10.20.0.0/16", "2620:fe::/48"},
		VPN:       []string{"93.184.216.8/32"},
		Developer: []string{"93.184.216.0/28", "81.2.69.0/24", "2a02:908::1"},
		Providers: map[string][]string{"aws": {"3.5.0.0/19", "52.94.76.0/22"}, "gcp": {"34.80.0.0/15"}},
		Peers:     []access.Peer{{Account: "000123456789", Network: "vpc-0316c47cc923ce313"}},
		Entries:   []string{"20.30.40.7", "10.20.3.0/24", "9.9.9.9/32", "sg-0abc"},
	}
}

func mustPolicy(t *testing.T, rule string, g Given) Text {
	t.Helper()
	text, ok := Policy(rule, g)
	if !ok {
		t.Fatalf("%s has no policy: %s", rule, text.Reason)
	}
	return text
}

// asked is a request in the terms of Atlas's documentation, made here by hand so that
// the probes cannot vouch for themselves.
type asked struct {
	action, project string
	list            []string // access list, peerings or endpoints
	audited         bool
}

func (a asked) request() (cedar.EntityMap, cedar.Request) {
	project := cedar.NewEntityUID("ResourcePolicy::Project", cedar.String(a.project))
	cluster := cedar.NewEntityUID("ResourcePolicy::Cluster", "670968dfc0a2297ef46bc02a")
	known := cedar.EntityMap{project: {UID: project}, cluster: {UID: cluster, Parents: cedar.NewEntityUIDSet(project)}}
	resource, context := project, cedar.RecordMap{}
	var set []cedar.Value
	for _, e := range a.list {
		if a.action == "project.ipAccessList.modify" {
			set = append(set, cedar.IPAddr(netip.MustParsePrefix(e)))
		} else {
			set = append(set, cedar.String(e))
		}
	}
	switch a.action {
	case "project.ipAccessList.modify":
		context["ipAccessList"] = cedar.NewSet(set...)
	case "project.vpcPeering.modify":
		context["peeringConnections"] = cedar.NewSet(set...)
	case "project.privateEndpoint.modify":
		context["privateEndpoints"] = cedar.NewSet(set...)
	case "cluster.modify":
		resource = cluster
		context["databaseAuditing"] = cedar.NewRecord(cedar.RecordMap{"enabled": cedar.Boolean(a.audited)})
	}
	return known, cedar.Request{
		Action:   cedar.NewEntityUID("ResourcePolicy::Action", cedar.String(a.action)),
		Resource: resource,
		Context:  cedar.NewRecord(cedar.RecordMap{"project": cedar.NewRecord(context)}),
	}
}

// forbids says whether Atlas, which allows everything else, would refuse the request.
func forbids(t *testing.T, texts []string, a asked) bool {
	t.Helper()
	set, err := cedar.NewPolicySetFromBytes("", []byte("permit(principal, action, resource);\n"+strings.Join(texts, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	known, request := a.request()
	decision, why := cedar.Authorize(set, known, request)
	if len(why.Errors) > 0 {
		t.Errorf("%+v: %v", a, why.Errors)
	}
	return decision == cedar.Deny
}

func TestTexts(t *testing.T) {
	names := map[string]string{}
	for _, rule := range Rules() {
		for _, g := range []Given{shop(), func() Given { g := shop(); g.Projects = []string{shopProd}; return g }()} {
			text := mustPolicy(t, rule, g)
			if !regexp.MustCompile(`^gatewarden-[a-z-]+-prod$`).MatchString(text.Name) || len(text.Name) > longestName {
				t.Errorf("%s: name %q", rule, text.Name)
			}
			if !strings.Contains(text.Description, rule) || text.Covers == "" || text.Reason != "" || text.Misses+text.Stricter == "" {
				t.Errorf("%s: %+v", rule, text)
			}
			if other := names[text.Name]; other != "" && other != strings.Join(text.Policies, "") && len(g.Projects) == 2 {
				t.Errorf("%s shares the name %s with another text", rule, text.Name)
			}
			if len(g.Projects) == 2 {
				names[text.Name] = strings.Join(text.Policies, "")
			}
			for _, body := range text.Policies {
				list, err := cedar.NewPolicyListFromBytes("", []byte(body))
				if err != nil || len(list) != 1 || list[0].Effect() != cedar.Forbid {
					t.Fatalf("%s: %d policies, %v in\n%s", rule, len(list), err, body)
				}
				if len(body) > 4<<10 || strings.Contains(body, "[]") {
					t.Errorf("%s: a text of %d characters:\n%s", rule, len(body), body)
				}
			}
		}
	}
}

// The order in which things are declared, and saying them twice, makes no difference.
func TestSameTexts(t *testing.T) {
	turned := shop()
	for _, list := range []*[]string{&turned.Projects, &turned.Networks, &turned.VPN, &turned.Developer, &turned.Entries} {
		*list = append(slices.Clone(*list), (*list)[0])
		slices.Reverse(*list)
	}
	for _, rule := range Rules() {
		a, b := mustPolicy(t, rule, shop()), mustPolicy(t, rule, turned)
		if !slices.Equal(a.Policies, b.Policies) || a.Name != b.Name || a.Stricter != b.Stricter || a.Covers != b.Covers {
			t.Errorf("%s:\n%s\n%s", rule, a.Policies, b.Policies)
		}
	}
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		rule  string
		given Given
		want  string
	}{
		{"network/open-to-world", Given{}, "forbid (\n  principal,\n  action == ResourcePolicy::Action::\"project.ipAccessList.modify\",\n  resource\n)\nwhen { context.project.ipAccessList.contains(ip(\"0.0.0.0/0\")) };"},
		{"project/auditing-off", Given{Except: []string{shopDev}}, "forbid (\n  principal,\n  action == ResourcePolicy::Action::\"cluster.modify\",\n  resource\n)\nwhen { !context.project.databaseAuditing.enabled }\nunless { resource in ResourcePolicy::Project::\"" + shopDev + "\" };"},
		{"network/public-beside-private", Given{Projects: []string{shopProd}}, "forbid (\n  principal,\n  action == ResourcePolicy::Action::\"project.ipAccessList.modify\",\n  resource\n)\nwhen { resource in ResourcePolicy::Project::\"" + shopProd + "\" }\nunless { context.project.ipAccessList.isEmpty() };"},
	} {
		if got := mustPolicy(t, c.rule, c.given).Policies[0]; got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.rule, got, c.want)
		}
	}
}

func TestForbids(t *testing.T) {
	whole := Given{Except: []string{shopDev}}
	const list, peering, endpoint, cluster = "project.ipAccessList.modify", "project.vpcPeering.modify", "project.privateEndpoint.modify", "cluster.modify"
	for _, c := range []struct {
		rule    string
		given   Given
		action  string
		project string
		list    string
		want    bool
	}{
		{"network/open-to-world", whole, list, shopProd, "0.0.0.0/0", true},
		{"network/open-to-world", whole, list, shopProd, "20.30.40.0/24 0.0.0.0/0", true},
		{"network/open-to-world", whole, list, shopProd, "::/0", true},
		{"network/open-to-world", whole, list, shopProd, "2000::/3", true},
		{"network/open-to-world", whole, list, shopProd, "::ffff:0:0/96", true},
		{"network/open-to-world", whole, list, shopProd, "128.0.0.0/1 8.8.8.8/32 0.0.0.0/1", true},
		{"network/open-to-world", whole, list, shopProd, "0.0.0.0/1 128.0.0.0/2 192.0.0.0/3", true},
		{"network/open-to-world", whole, list, shopProd, "2000::/5 2800::/5", true},
		{"network/open-to-world", whole, list, shopProd, "0.0.0.0/1", false},
		{"network/open-to-world", whole, list, shopProd, "", false},
		{"network/open-to-world", whole, list, shopProd, "20.30.40.0/24 2620:fe::/48", false},
		{"network/open-to-world", whole, list, shopDev, "0.0.0.0/0", false},
		{"network/open-to-world", shop(), list, shopDev, "0.0.0.0/0", false},
		{"network/open-to-world", shop(), list, payProd, "0.0.0.0/0", true},
		{"network/open-to-world", shop(), cluster, payProd, "", false},
		{"network/open-to-world", shop(), peering, payProd, "aws:1:vpc-1:10.0.0.0/16", false},
		{"network/transient-open-to-world", shop(), list, payProd, "0.0.0.0/0", true},
		{"network/entry-too-broad", whole, list, shopProd, "0.0.0.0/0", true},
		{"network/entry-too-broad", whole, list, shopProd, "96.0.0.0/5", true},
		{"network/entry-too-broad", whole, list, shopProd, "2600::/7", true},
		{"network/entry-too-broad", whole, list, shopProd, "96.0.0.0/8", false},
		{"network/entry-too-broad", whole, list, shopProd, "240.0.0.0/4", false},
		{"network/entry-too-broad", whole, list, shopProd, "fc00::/7", false},
		{"network/exposure-too-wide", whole, list, shopProd, "96.0.0.0/5", true},
		{"network/exposure-too-wide", whole, list, shopProd, "20.30.0.0/16", false},
		{"network/exposure-too-wide", Given{Params: map[string]any{"max_public_v4": int64(1 << 30)}}, list, shopProd, "96.0.0.0/5", false},
		{"network/undeclared-source", shop(), list, shopProd, "20.30.40.0/24 8.8.8.8/32 2620:fe::/48", false},
		{"network/undeclared-source", shop(), list, shopProd, "8.8.4.6/32 8.8.4.4/30 8.8.4.0/29", false},
		{"network/undeclared-source", shop(), list, shopProd, "20.30.40.7/32 10.20.3.0/24", false},
		{"network/undeclared-source", shop(), list, shopProd, "", false},
		{"network/undeclared-source", shop(), list, shopProd, "8.8.8.8/32 8.8.4.8/32", true},
		{"network/undeclared-source", shop(), list, shopProd, "20.30.40.8/32", true}, // stricter, as it says
		{"network/undeclared-source", shop(), list, shopProd, "9.9.9.9/32", true},    // stands, but is not declared
		{"network/undeclared-source", shop(), list, shopProd, "20.30.0.0/16", true},
		{"network/undeclared-source", shop(), list, shopProd, "10.21.0.0/16", true},
		{"network/undeclared-source", shop(), list, shopDev, "9.9.9.9/32", false},
		{"network/developer-address-in-prod", shop(), list, shopProd, "93.184.216.3/32", true},
		{"network/developer-address-in-prod", shop(), list, shopProd, "93.184.216.12/30", true},
		{"network/developer-address-in-prod", shop(), list, shopProd, "81.2.69.0/24", true},
		{"network/developer-address-in-prod", shop(), list, shopProd, "2a02:908::1/128", true},
		{"network/developer-address-in-prod", shop(), list, shopProd, "93.184.216.8/32", false}, // the VPN
		{"network/developer-address-in-prod", shop(), list, shopProd, "93.184.216.16/32", false},
		{"network/developer-address-in-prod", shop(), list, shopProd, "81.2.69.9/32", false}, // missed, as it says
		{"network/provider-range", shop(), list, shopProd, "3.5.0.0/19", true},
		{"network/provider-range", shop(), list, shopProd, "3.0.0.0/8", true},
		{"network/provider-range", shop(), list, shopProd, "34.64.0.0/10", true},
		{"network/provider-range", shop(), list, shopProd, "3.5.0.0/20", false},
		{"network/provider-range", shop(), list, shopProd, "35.0.0.0/8", false},
		{"network/public-beside-private", shop(), list, shopProd, "8.8.8.8/32", true},
		{"network/public-beside-private", shop(), list, shopProd, "10.20.0.0/16 20.30.40.0/24", true},
		{"network/public-beside-private", shop(), list, shopProd, "10.20.0.0/16 10.20.3.0/24", false},
		{"network/public-beside-private", shop(), list, shopProd, "", false},
		{"network/public-beside-private", shop(), list, shopProd, "10.99.0.0/16", true}, // stricter, as it says
		{"network/public-beside-private", shop(), list, shopDev, "8.8.8.8/32", false},
		{"network/unapproved-peering", shop(), peering, shopProd, "aws:000000000000:vpc-0:10.0.0.0/16", true},
		{"network/unapproved-peering", shop(), endpoint, payProd, "aws:vpce-042d72ded1748f314", true},
		{"network/unapproved-peering", shop(), peering, shopProd, "", true},
		{"network/unapproved-peering", shop(), endpoint, shopDev, "aws:vpce-042d72ded1748f314", false},
		{"network/unapproved-peering", shop(), list, shopProd, "0.0.0.0/0", false},
		{"project/auditing-off", shop(), cluster, shopProd, "", true},
		{"project/auditing-off", shop(), cluster, shopProd, "audited", false},
		{"project/auditing-off", shop(), cluster, shopDev, "", false},
		{"project/auditing-off", whole, cluster, shopDev, "", false},
		{"project/auditing-off", whole, cluster, payProd, "", true},
	} {
		a := asked{action: c.action, project: c.project, audited: c.list == "audited"}
		if !a.audited {
			a.list = strings.Fields(c.list)
		}
		if got := forbids(t, mustPolicy(t, c.rule, c.given).Policies, a); got != c.want {
			t.Errorf("%s: %s of %s to %q is forbidden: %v", c.rule, c.action, c.project, c.list, got)
		}
	}
}

// The texts agree with the rule's own measure on every short entry.
func TestAgreesWithReach(t *testing.T) {
	compile := func(rule string) []judged {
		texts, whole := parse(access.ResourcePolicy{Policies: mustPolicy(t, rule, Given{}).Policies})
		if !whole {
			t.Fatalf("%s cannot be read", rule)
		}
		return texts
	}
	world, wide := compile("network/open-to-world"), compile("network/entry-too-broad")
	a, counted := asker{"", anyProject}, 0
	check := func(p netip.Prefix) {
		q := a.list(0, p)
		if refused, _ := ask(world, q); refused != reach.CoversWorld(p) {
			t.Errorf("%s is the world: %v, forbidden: %v", p, reach.CoversWorld(p), refused)
		}
		if refused, _ := ask(wide, q); refused != (p.Bits() < 8 && public(p)) {
			t.Errorf("%s as broad is forbidden: %v", p, refused)
		}
		counted++
	}
	for bits := range 10 {
		for n := range 1 << bits {
			high, low := byte(n<<(9-bits)>>1), byte(n<<(9-bits)&1<<7)
			check(netip.PrefixFrom(netip.AddrFrom4([4]byte{high, low}), bits))
			check(netip.PrefixFrom(netip.AddrFrom16([16]byte{high, low}), bits))
		}
	}
	for bits := 10; bits <= 96; bits++ {
		check(network("::ffff:0:0", bits))
		check(network("2400::", bits))
	}
	if counted != 2*1023+2*87 {
		t.Errorf("%d entries were tried", counted)
	}
}

// What entry-too-broad's policy says of 200 entries is true.
func TestTwoHundredEntries(t *testing.T) {
	var list []netip.Prefix
	for n := range 256 {
		if p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n)}), 8); public(p) {
			list = append(list, p)
		}
	}
	if len(list) <= 200 || reach.Expose(list[:200]).WorldV4() || !reach.Expose(list).WorldV4() {
		t.Errorf("%d networks of /8 are public IPv4", len(list))
	}
	for _, split := range splits() {
		if !reach.Expose(split).World() {
			t.Errorf("%v is not the world", split)
		}
	}
}

func TestWhatItSays(t *testing.T) {
	narrow := Given{Networks: []string{"8.8.8.8", "8.8.4.0/28"}}
	if text := mustPolicy(t, "network/undeclared-source", narrow); text.Stricter != "" {
		t.Errorf("stricter without need: %s", text.Stricter)
	}
	if text := mustPolicy(t, "network/undeclared-source", shop()); !strings.Contains(text.Stricter, "20.30.40.0/24, 10.20.0.0/16") && !strings.Contains(text.Stricter, "10.20.0.0/16, 20.30.40.0/24") {
		t.Errorf("stricter: %s", text.Stricter)
	}
	if text := mustPolicy(t, "network/developer-address-in-prod", shop()); !strings.Contains(text.Misses, "81.2.69.0/24") {
		t.Errorf("misses: %s", text.Misses)
	}
	if text := mustPolicy(t, "network/entry-too-broad", Given{Params: map[string]any{"min_prefix_v4": int64(4)}}); !strings.Contains(text.Covers, "shorter than /4 in IPv4 and /8 in IPv6") || strings.Contains(text.Covers, "200") {
		t.Errorf("covers: %s", text.Covers)
	}
	if name := mustPolicy(t, "project/auditing-off", Given{Environment: "Prod / EU (" + strings.Repeat("x", 60) + ")", Projects: []string{strings.Repeat("a", 24)}}).Name; len(name) != longestName || !strings.HasPrefix(name, "gatewarden-auditing-off-prod-eu-xx") {
		t.Errorf("name %q", name)
	}
	// What holds for the whole organization carries no environment's name.
	if text := mustPolicy(t, "project/auditing-off", Given{Environment: "prod"}); text.Name != "gatewarden-auditing-off" || !strings.HasSuffix(text.Description, "It holds for every project of the organization.") {
		t.Errorf("%s: %s", text.Name, text.Description)
	}
	if text := mustPolicy(t, "project/auditing-off", Given{Environment: "prod", Projects: []string{strings.Repeat("a", 24)}}); !strings.Contains(text.Description, "1 project(s) of environment prod") || !strings.Contains(text.Policies[0], "resource in ResourcePolicy::Project") {
		t.Errorf("%s: %s", text.Description, text.Policies)
	}
}

func TestWithout(t *testing.T) {
	many := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, netip.AddrFrom4([4]byte{0, byte(i >> 8), byte(i), 1}).StringExpanded())
		}
		return ids
	}
	var wide []string
	for n := range 200 {
		wide = append(wide, netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(n)}), 28).String(), netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(n), 1}), 28).String())
	}
	for _, c := range []struct {
		rule   string
		given  Given
		reason string
	}{
		{"network/undeclared-source", Given{}, "no networks are declared"},
		{"network/developer-address-in-prod", Given{}, "no office or home ranges"},
		{"network/developer-address-in-prod", Given{Developer: []string{"8.8.8.8"}, VPN: []string{"8.8.8.0/24"}}, "VPN"},
		{"network/provider-range", Given{}, "no ranges of cloud providers"},
		{"network/public-beside-private", Given{}, "name the projects"},
		{"network/unapproved-peering", Given{}, "no peers are declared"},
		{"network/entry-too-broad", Given{Params: map[string]any{"min_prefix_v4": int64(0), "min_prefix_v6": int64(0)}}, "every length"},
		{"network/exposure-too-wide", Given{Params: map[string]any{"max_public_v4": int64(1 << 33), "max_public_v6_64s": int64(1<<63 - 1)}}, "every exposure"},
		{"network/open-to-world", Given{Projects: []string{`x" };`}}, "24 hexadecimal"},
		{"network/open-to-world", Given{Except: []string{strings.Repeat("A", 24)}}, "24 hexadecimal"},
		{"network/open-to-world", Given{Projects: []string{shopProd}, Except: []string{shopProd}}, "all projects are excepted"},
		{"network/undeclared-source", Given{Networks: []string{"here"}}, `reading the declared networks: reading access list entry "here"`},
		{"network/undeclared-source", Given{Networks: wide}, "cannot be split"},
		{"network/provider-range", Given{Providers: map[string][]string{"x": many(3000)}}, "more than anybody can review"},
		{"network/shared-across-environments", Given{}, "one project at a time"},
		{"network/expired-entry", Given{}, "not their comments or expiry"},
		{"network/no-private-endpoint", Given{}, "not demand them"},
		{"network/near-limit", Given{}, "cannot count"},
		{"network/endpoint-failed", Given{}, "became of something"},
		{"org/no-resource-policy", Given{}, "the other rules"},
		{"dbuser/unscoped", Given{}, "no action for database users"},
		{"role/any-resource", Given{}, "no action for custom roles"},
		{"member/stale", Given{}, "no action for people"},
		{"key/owner-role", Given{}, "no action for API keys"},
		{"org/mfa-not-required", Given{}, "settings of an org"},
		{"acme/own-rule", Given{}, "no action for what this rule judges"},
	} {
		text, ok := Policy(c.rule, c.given)
		if ok || !strings.Contains(text.Reason, c.reason) || text.Name+text.Covers != "" || text.Policies != nil {
			t.Errorf("%s: %v %+v, want %q", c.rule, ok, text, c.reason)
		}
	}
}

// Many projects share out over texts that forbid the same.
func TestManyProjects(t *testing.T) {
	g := Given{}
	for n := range 100 {
		g.Projects = append(g.Projects, shopProd[:21]+"f"+string("0123456789"[n/10])+string("0123456789"[n%10]))
	}
	text := mustPolicy(t, "project/auditing-off", g)
	if len(text.Policies) != 5 {
		t.Errorf("%d texts", len(text.Policies))
	}
	for _, id := range append(g.Projects, shopProd) {
		if got := forbids(t, text.Policies, asked{action: "cluster.modify", project: id}); got != (id != shopProd) {
			t.Errorf("%s is forbidden: %v", id, got)
		}
	}
}
