package prevent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"
)

const (
	schema     = "ResourcePolicy::"
	anyProject = "000000000000000000000000" // stands for every project that no text names, later ones too
)

// probe is a change that Atlas would ask its policies about.
type probe struct {
	what    string // to a person
	known   cedar.EntityMap
	request cedar.Request
	twin    cedar.Record // the context in which the rule has nothing to say, where there is one
}

// literal is what a text names.
type literal struct {
	entities []cedar.EntityUID
	ips      []netip.Prefix
	texts    []string
}

// literals are in the order of the text.
func literals(p *cedar.Policy) literal {
	tree := (*ast.Policy)(p.AST())
	var out literal
	if actions, ok := tree.Action.(ast.ScopeTypeInSet); ok { // the only list without nodes
		out.entities = append(out.entities, actions.Entities...)
	}
	ast.Inspect(eval.PolicyToNode(tree), func(n ast.IsNode) bool {
		switch n := n.(type) {
		case ast.NodeValue:
			out.value(n.Value)
		case ast.NodeTypeIs:
			out.entities = append(out.entities, cedar.NewEntityUID(n.EntityType, ""))
		case ast.NodeTypeIsIn:
			out.entities = append(out.entities, cedar.NewEntityUID(n.EntityType, ""))
		}
		return true
	})
	return out
}

func (l *literal) value(v cedar.Value) {
	switch v := v.(type) {
	case cedar.EntityUID:
		l.entities = append(l.entities, v)
	case cedar.IPAddr:
		l.ips = append(l.ips, v.Prefix())
	case cedar.String:
		if ip, err := types.ParseIPAddr(string(v)); err == nil {
			l.ips = append(l.ips, ip.Prefix())
		}
		l.texts = append(l.texts, string(v))
	}
}

// probes are changes to ask about. What is named on either side is tried; whether it
// matters is for the rule's own policy to say.
func probes(ours, theirs []judged, given Given) []probe {
	named := literal{}
	for _, p := range slices.Concat(ours, theirs) {
		l := literals(p.policy)
		named.entities, named.ips, named.texts = append(named.entities, l.entities...), append(named.ips, l.ips...), append(named.texts, l.texts...)
	}
	var out []probe
	for i, project := range tried(named, given) {
		a := asker{given.Org, project}
		for _, action := range distinct(actions(ours)) {
			switch action {
			case modifyAccessList:
				out = append(out, a.lists(named.ips, i > 0)...)
			case modifyPeering, modifyEndpoint:
				out = append(out, a.connections(action, named.texts)...)
			case modifyCluster:
				out = append(out, a.clusters(named.entities)...)
			}
		}
	}
	return out
}

func actions(policies []judged) []string {
	var out []string
	for _, p := range policies {
		for _, e := range literals(p.policy).entities {
			if e.Type == schema+"Action" {
				out = append(out, string(e.ID))
			}
		}
	}
	return out
}

// tried are the projects to ask about, without those that are left out. The first is
// asked about everything.
func tried(named literal, given Given) []string {
	list := distinct(given.Projects)
	if len(list) == 0 {
		list = []string{anyProject}
		for _, e := range named.entities {
			if e.Type == schema+"Project" && !slices.Contains(list, string(e.ID)) {
				list = append(list, string(e.ID))
			}
		}
	}
	return slices.DeleteFunc(list, func(id string) bool { return slices.Contains(given.Except, id) })
}

// asker makes probes of one project.
type asker struct{ org, project string }

func (a asker) probe(what, action string, cluster bool, context cedar.RecordMap) probe {
	project := cedar.NewEntityUID(schema+"Project", cedar.String(a.project))
	org := cedar.NewEntityUID(schema+"Organization", cedar.String(a.org)) // a guess: not documented
	known := cedar.EntityMap{project: {UID: project, Parents: cedar.NewEntityUIDSet(org)}}
	resource := project
	if cluster {
		resource = cedar.NewEntityUID(schema+"Cluster", anyProject)
		known[resource] = cedar.Entity{UID: resource, Parents: cedar.NewEntityUIDSet(project)}
	}
	return probe{
		what:  what + " in " + place(a.project),
		known: known,
		request: cedar.Request{
			Action: cedar.NewEntityUID(schema+"Action", cedar.String(action)), Resource: resource, Context: cedar.NewRecord(context),
		},
	}
}

// lists are access lists: of each entry alone, next to others, in a project with and
// without clusters. In later projects a few of them.
func (a asker) lists(named []netip.Prefix, few bool) []probe {
	entries := sorted(slices.Concat(slices.Clone(named), strangers(), neighbours(named)))
	if few && len(entries) > 24 {
		entries = slices.Concat(entries[:8], entries[len(entries)-8:], strangers())
	}
	var out []probe
	for _, e := range entries {
		out = append(out, a.list(0, e))
	}
	for _, e := range append(strangers(), named[:min(len(named), 8)]...) {
		out = append(out, a.list(3, e), a.list(30, sorted(append(strangers(), e))...))
	}
	for _, split := range splits() {
		out = append(out, a.list(1, split...))
	}
	return out
}

func (a asker) list(clusters int64, entries ...netip.Prefix) probe {
	var set []cedar.Value
	var names []string
	for _, e := range entries {
		set, names = append(set, cedar.IPAddr(e)), append(names, spelled(e))
	}
	return a.probe(strings.Join(names, " and "), modifyAccessList, false, cedar.RecordMap{"project": cedar.NewRecord(cedar.RecordMap{
		"ipAccessList": cedar.NewSet(set...), "clustersInProject": cedar.Long(clusters),
	})})
}

// strangers are entries that hardly anybody allows or forbids by name.
func strangers() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"0.0.0.0/0", "9.9.9.9/32", "45.83.64.0/22", "198.51.100.77/32", "10.200.30.40/32", "::/0", "2620:fe::fe/128"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// neighbours are the networks around those that are named, which a text may allow by
// mistake.
func neighbours(named []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range named {
		if p.Bits() > broadest && len(out) < 128 {
			out = append(out, netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked())
		}
	}
	return out
}

// splits are the world in pieces, as open-to-world's policy knows it.
func splits() [][]netip.Prefix {
	var out [][]netip.Prefix
	for _, s := range pieces() {
		var split []netip.Prefix
		for _, e := range s {
			split = append(split, netip.MustParsePrefix(e))
		}
		out = append(out, split)
	}
	return out
}

// connections are a project's peerings or endpoints: none, one that nobody knows, and
// those that texts name.
func (a asker) connections(action string, named []string) []probe {
	attribute, stranger := "peeringConnections", "aws:000000000000:vpc-00000000000000000:10.200.0.0/16"
	if action == modifyEndpoint {
		attribute, stranger = "privateEndpoints", "aws:vpce-00000000000000000"
	}
	lists := [][]string{{}, {stranger}, distinct(named), append(distinct(named), stranger)}
	var out []probe
	for _, l := range lists {
		var set []cedar.Value
		for _, c := range l {
			set = append(set, cedar.String(c))
		}
		out = append(out, a.probe(fmt.Sprintf("%s with %d connections", action, len(l)), action, false, cedar.RecordMap{
			"project": cedar.NewRecord(cedar.RecordMap{cedar.String(attribute): cedar.NewSet(set...)}),
		}))
	}
	return out
}

// clusters are changes of a cluster without auditing, in the regions that texts name and
// in one of each provider.
func (a asker) clusters(named []cedar.EntityUID) []probe {
	regions := []string{"aws:us-east-1", "azure:westeurope", "gcp:europe-west1"}
	for _, e := range named {
		if e.Type == schema+"Region" && !slices.Contains(regions, string(e.ID)) {
			regions = append(regions, string(e.ID))
		}
	}
	var out []probe
	for _, region := range regions {
		q := a.probe("a cluster in "+region+" without auditing", modifyCluster, true, clusterContext(region, false))
		q.twin = cedar.NewRecord(clusterContext(region, true))
		out = append(out, q)
	}
	return out
}

// clusterContext has the attributes that most policies on clusters ask for.
func clusterContext(region string, audited cedar.Boolean) cedar.RecordMap {
	one := func(of, name string) cedar.Value {
		return cedar.NewEntityUID(cedar.EntityType(schema+of), cedar.String(name))
	}
	provider, _, _ := strings.Cut(region, ":")
	return cedar.RecordMap{
		"project": cedar.NewRecord(cedar.RecordMap{
			"databaseAuditing":  cedar.NewRecord(cedar.RecordMap{"enabled": audited}),
			"clustersInProject": cedar.Long(1),
		}),
		"cluster": cedar.NewRecord(cedar.RecordMap{
			"cloudProviders": cedar.NewSet(one("CloudProvider", provider)),
			"regions":        cedar.NewSet(one("Region", region)),
			"clusterType":    one("ClusterType", "replicaset"),
			"minTLSVersion":  one("TLSVersion", "tls1_2"),
		}),
	}
}
