package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// privateEndpoints are the endpoints by which clients reach clusters now. A service that
// nobody's endpoint is joined to leads nowhere.
func (w *world) privateEndpoints() []string {
	out := []string{}
	for _, e := range access.States[access.PrivateEndpoint](w.in.Collections[access.KindPrivateEndpoint]) {
		if e.For == access.EndpointClusters && e.Status == "AVAILABLE" && len(e.Endpoints) > 0 {
			out = append(out, e.Name())
		}
	}
	return out
}

func (w *world) peerings() []string {
	out := []string{}
	for _, p := range access.States[access.Peering](w.in.Collections[access.KindPeering]) {
		if p.Status == "AVAILABLE" {
			out = append(out, p.Name())
		}
	}
	return out
}

// netPath is a private endpoint or a peering, as rules on both see it.
type netPath struct {
	what, region, status, problem string
	endpoint                      bool
	undeclared                    []string // what of it no declaration names
	nameless                      bool     // declarations can name it, and none names any of its sort
}

func (s *subject) netPath() netPath {
	switch x := s.res.Box.State.(type) {
	case access.PrivateEndpoint:
		out := netPath{what: "private endpoint service", region: x.Region, status: x.Status, endpoint: true}
		ends := x.Endpoints
		if x.For == access.EndpointFederation {
			out.what, ends = "private endpoint for federated databases", []string{x.ID}
		}
		out.undeclared, out.nameless = s.w.strangers(x.Provider, ends)
		return out
	case access.Peering:
		out := netPath{what: "peering", region: x.Region, status: x.Status, problem: x.Error}
		if !slices.ContainsFunc(s.w.policy.Ranges.Peers, func(p access.Peer) bool { return ofPeer(p, x) }) {
			out.undeclared = []string{strings.Join(slices.DeleteFunc([]string{x.Account, x.Network}, func(t string) bool { return t == "" }), " ")}
		}
		return out
	}
	return netPath{}
}

// failed are the states out of which Atlas does not bring a private path by itself.
func (p netPath) failed() bool { return p.status == "FAILED" || p.status == "DELETION_FAILED" }

// ofPeer reports whether the declaration names the other side of a peering. An endpoint
// it has none.
func ofPeer(p access.Peer, x access.Peering) bool {
	_, bare, _ := strings.Cut(x.Network, "/") // an Azure network's name without its resource group
	network := p.Network == "" || sameName(p.Network, x.Network) || sameName(p.Network, bare)
	return p.Endpoint == "" && network && (p.Account == "" || sameName(p.Account, x.Account))
}

// strangers are the endpoints that no declaration names. Of an endpoint Atlas tells its id
// alone, in which Azure has the subscription: where no declaration names an endpoint, and
// an account cannot be seen, nobody can tell whose they are.
func (w *world) strangers(provider string, endpoints []string) (out []string, nameless bool) {
	peers := w.policy.Ranges.Peers
	nameless = !slices.ContainsFunc(peers, func(p access.Peer) bool { return p.Endpoint != "" || p.Account != "" && provider == "AZURE" })
	for _, e := range endpoints {
		if !slices.ContainsFunc(peers, func(p access.Peer) bool { return ofEndpoint(p, e) }) {
			out = append(out, e)
		}
	}
	return out, nameless && len(out) > 0
}

func ofEndpoint(p access.Peer, endpoint string) bool {
	if p.Endpoint != "" {
		return sameName(p.Endpoint, endpoint)
	}
	parts := strings.Split(strings.TrimPrefix(endpoint, "/"), "/")
	return p.Account != "" && p.Network == "" && len(parts) > 1 && sameName(parts[0], "subscriptions") && sameName(parts[1], p.Account)
}

// sameName compares what providers name without regard to case, as far as ASCII goes.
func sameName(a, b string) bool { return a != "" && access.FoldName(a) == access.FoldName(b) }
