package config

import (
	"net/netip"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// reserved are the keys under networks that are no environment.
func reserved() []string { return []string{"developer", "peers", "shared", "providers"} }

func (b *builder) networks(t *tree) (out []access.Network, r access.Ranges) {
	for _, name := range t.keys {
		s := t.sub[name]
		switch name {
		case "developer":
			r.Developer = b.ranges(s)
		case "shared":
			r.Shared = b.ranges(s)
		case "peers":
			r.Peers = each(s, b.peer)
		case "providers":
			r.Providers = b.purposes(s)
		default:
			b.known(s, name)
			out = append(out, access.Network{Environment: name, Purposes: b.purposes(s)})
		}
	}
	return out, r
}

// purposes are lists of ranges by name.
func (b *builder) purposes(t *tree) map[string][]string {
	out := map[string][]string{}
	for _, name := range t.keys {
		out[name] = b.ranges(t.sub[name])
	}
	return out
}

// ranges is a list of networks, which together are not the world either: each alone
// the walk has checked.
func (b *builder) ranges(t *tree) []string {
	out := leaves[string](t)
	var all []netip.Prefix
	for _, r := range out {
		if p, err := netip.ParsePrefix(r); err == nil {
			all = append(all, p)
		}
	}
	if reach.Expose(all).World() {
		b.at(t, "together these are everybody, so it declares nothing: list only networks of your own")
	}
	return out
}

func (b *builder) peer(t *tree) access.Peer {
	p := access.Peer{Account: as[string](t.get("account")), Network: as[string](t.get("network")), Endpoint: as[string](t.get("endpoint"))}
	if t.sub != nil && !t.get("account").given && !t.get("network").given && !t.get("endpoint").given {
		b.at(t, "it matches every peer: give account, network or endpoint")
	}
	return p
}
