package sim

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// mostAddresses is how many entries one access list may have: what the document allows
// in one request.
const mostAddresses = 200

// address is an entry of the access list of a key or an account. That an account has
// one list, whether asked for in its organisation or in a project, is a guess.
type address struct {
	prefix  netip.Prefix
	created time.Time
	count   int // requests from lastFrom, the address that used it last
	used    *time.Time
	from    string
}

// shown is how events name the entry.
func (e *address) shown() string {
	if e.prefix.IsSingleIP() {
		return e.prefix.Addr().String()
	}
	return e.prefix.String()
}

// note counts a request. A request from another address than the last one starts the
// count again, for it is that address's count.
func (e *address) note(from string, now time.Time) {
	if e.from != from {
		e.count, e.from = 0, from
	}
	e.count++
	used := now.Truncate(time.Second)
	e.used = &used
}

// enter checks from where the call comes. It applies to every operation: which of them
// Atlas leaves out is not documented.
func (c *call) enter() *problem {
	if c.who == nil {
		return nil
	}
	remote := c.actor.RemoteAddress
	if len(c.who.access) == 0 {
		if c.who.org.accessListRequired() {
			return fail(http.StatusForbidden, "ORG_REQUIRES_WHITELIST", "The organization wants requests to come through an access list of IP ranges.")
		}
		return nil
	}
	inside := c.who.covering(remote)
	if len(inside) == 0 {
		return fail(http.StatusForbidden, "IP_ADDRESS_NOT_ON_WHITELIST", "The IP address %s may not access this resource.", remote)
	}
	for _, e := range inside {
		e.note(remote, c.at)
	}
	return nil
}

// covering are the entries that an address is in.
func (p *principal) covering(remote string) []*address {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return nil
	}
	var out []*address
	for _, e := range p.access {
		if e.prefix.Contains(addr.Unmap()) {
			out = append(out, e)
		}
	}
	return out
}

// addWorldAddresses adds the entries that a world states.
func (p *principal) addWorldAddresses(list []worldAddress, now time.Time) error {
	for _, w := range list {
		e := AccessEntry{CIDRBlock: w.CIDRBlock, IPAddress: w.IPAddress}
		if bad := canonicalEntry(&e); bad != nil {
			return fmt.Errorf("access list entry: %s", bad.detail)
		}
		prefix := netip.MustParsePrefix(e.CIDRBlock)
		if p.findAddress(prefix) != nil {
			return fmt.Errorf("access list entry %s appears twice", prefix)
		}
		live := &address{prefix: prefix, created: now.Truncate(time.Second), count: w.Count, used: copied(w.LastUsed), from: w.LastUsedAddress}
		if w.Created != nil {
			live.created = w.Created.UTC().Truncate(time.Second)
		}
		p.access = append(p.access, live)
	}
	return nil
}

// worldAddress is the shape of both forms in a world.
type worldAddress struct {
	CIDRBlock, IPAddress string
	Created              *time.Time
	Count                int
	LastUsed             *time.Time
	LastUsedAddress      string
}

// worldAddresses are the entries of either form.
func worldAddresses[T KeyAddress | AccountAddress](list []T) []worldAddress {
	var out []worldAddress
	for _, e := range list {
		out = append(out, worldAddress(e))
	}
	return out
}

func (e *address) world() worldAddress {
	created := e.created
	return worldAddress{CIDRBlock: e.prefix.String(), IPAddress: e.single(), Created: &created, Count: e.count, LastUsed: copied(e.used), LastUsedAddress: e.from}
}

// single is the address of an entry for one address, else "".
func (e *address) single() string {
	if e.prefix.IsSingleIP() {
		return e.prefix.Addr().String()
	}
	return ""
}

func copied(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	out := t.UTC()
	return &out
}

func (p *principal) findAddress(prefix netip.Prefix) *address {
	i := slices.IndexFunc(p.access, func(e *address) bool { return e.prefix == prefix })
	if i < 0 {
		return nil
	}
	return p.access[i]
}

// addressItems is the list as the root shows it. The document wants an address with
// every entry: of a block it is the first (a guess).
func (p *principal) addressItems() []object {
	out := []object{}
	for _, e := range p.access {
		out = append(out, object{"cidrBlock": e.prefix.String(), "ipAddress": e.prefix.Addr().String()})
	}
	return out
}

// newAddresses reads a request for entries: an array of {ipAddress} or {cidrBlock}. All
// of it is good or nothing happens.
func (c *call) newAddresses(p *principal) ([]*address, *problem) {
	docs, wrong := c.documents(apispec.Range) // patterns: the service has its own answer
	switch {
	case wrong != nil:
		return nil, wrong
	case len(docs) == 0:
		return nil, bad("MISSING_ONE_OF_ATTRIBUTES", "One of the attributes %s must be specified.", "cidrBlock, ipAddress")
	case len(p.access)+len(docs) > mostAddresses:
		return nil, bad("MAX_API_ACCESS_LIST_ENTRIES_EXCEEDED", "An access list cannot have more than %d entries.", mostAddresses) // a guess
	}
	var out []*address
	for _, doc := range docs {
		prefix, wrong := newAddress(doc)
		if wrong != nil {
			return nil, wrong
		}
		if slices.ContainsFunc(out, func(e *address) bool { return e.prefix == prefix }) {
			return nil, duplicateAddress(prefix.String())
		}
		if p.findAddress(prefix) != nil { // 409 rather than nothing: a guess
			return nil, conflict("ADDRESS_ALREADY_IN_WHITELIST", "The address %s is on the access list already.", prefix)
		}
		out = append(out, &address{prefix: prefix, created: c.at.Truncate(time.Second)})
	}
	return out, nil
}

func newAddress(doc object) (netip.Prefix, *problem) {
	block, _ := doc["cidrBlock"].(string)
	single, _ := doc["ipAddress"].(string)
	switch {
	case block == "" && single == "":
		return netip.Prefix{}, bad("MISSING_ONE_OF_ATTRIBUTES", "One of the attributes %s must be specified.", "cidrBlock, ipAddress")
	case block != "" && single != "":
		return netip.Prefix{}, bad("BAD_WHITELIST_ADD_REQUEST", "Only one of the IP address and the CIDR block may be specified.")
	}
	prefix, wrong := parseAddress(orDefault(single, block), single != "")
	if wrong == nil && prefix.IsSingleIP() && prefix.Addr().IsUnspecified() {
		wrong = bad("CANNOT_ADD_IP_ADDRESS_TO_API_KEY_WHITELIST", "The address %s cannot be put on an access list.", prefix.Addr())
	}
	return prefix, wrong
}

// addressInPath finds the entry of the path, which may be written x or x/32. The status
// and code of accounts are a guess.
func (c *call) addressInPath(p *principal) (*address, *problem) {
	name := c.params["ipAddress"]
	prefix, wrong := parseAddress(name, false)
	if wrong != nil {
		return nil, wrong
	}
	e := p.findAddress(prefix)
	if e == nil {
		return nil, missing("API_KEY_WHITELIST_NOT_FOUND", "The IP address %s is not on the access list of %s.", name, p.credential())
	}
	return e, nil
}

// dropAddress removes the entry of the path. A caller keeps the entry by which it comes.
func (c *call) dropAddress(p *principal) (*address, *problem) {
	e, wrong := c.addressInPath(p)
	if wrong != nil {
		return nil, wrong
	}
	if p == c.who && slices.Contains(p.covering(c.actor.RemoteAddress), e) {
		return nil, bad("CANNOT_REMOVE_CALLER_FROM_WHITELIST", "The caller's IP address %s cannot be removed from its access list.", c.actor.RemoteAddress)
	}
	p.access = slices.DeleteFunc(p.access, func(x *address) bool { return x == e })
	c.effect(p.target()+" access list "+e.prefix.String(), e.prefix.String(), "")
	return e, nil
}

// The access list of an API key. It is open to the key itself and to those who manage
// keys.

func (c *call) mayEditList(p *principal) *problem {
	if c.who == nil || c.who == p || slices.Contains(c.who.orgRoles(), "ORG_OWNER") {
		return nil
	}
	return fail(http.StatusUnauthorized, "API_KEY_WHITELIST_ACCESS_DENIED", "Only the API key itself and an organization owner may access its access list.")
}

func (c *call) keyAddressView(p *principal) func(*address) any {
	return func(e *address) any {
		out := object{
			"cidrBlock": e.prefix.String(), "count": e.count, "created": e.created,
			"links": c.self("/orgs/" + c.org.id + "/apiKeys/" + p.keyID + "/accessList/" + url.PathEscape(e.shown())),
		}
		if e.single() != "" {
			out["ipAddress"] = e.single()
		}
		if e.used != nil {
			out["lastUsed"], out["lastUsedAddress"] = *e.used, e.from
		}
		return out
	}
}

func (c *call) listKeyAddresses() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	return paged(c, http.StatusOK, p.access, c.keyAddressView(p))
}

func (c *call) getKeyAddress() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong != nil {
		return answer{}, wrong
	}
	e, wrong := c.addressInPath(p)
	if wrong != nil {
		return answer{}, wrong
	}
	return ok(c.keyAddressView(p)(e))
}

func (c *call) addKeyAddresses() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong == nil {
		wrong = c.mayEditList(p)
	}
	if wrong != nil {
		return answer{}, wrong
	}
	added, wrong := c.newAddresses(p)
	if wrong != nil {
		return answer{}, wrong
	}
	for _, e := range added {
		p.access = append(p.access, e)
		c.effect(p.target()+" access list "+e.prefix.String(), "", e.prefix.String())
		c.orgEvent("API_KEY_ACCESS_LIST_ENTRY_ADDED", "", object{"targetPublicKey": p.publicKey, "whitelistEntry": e.shown()})
	}
	return paged(c, http.StatusOK, p.access, c.keyAddressView(p))
}

func (c *call) deleteKeyAddress() (answer, *problem) {
	p, wrong := c.orgKey()
	if wrong == nil {
		wrong = c.mayEditList(p)
	}
	if wrong != nil {
		return answer{}, wrong
	}
	e, wrong := c.dropAddress(p)
	if wrong != nil {
		return answer{}, wrong
	}
	c.orgEvent("API_KEY_ACCESS_LIST_ENTRY_DELETED", "", object{"targetPublicKey": p.publicKey, "whitelistEntry": e.shown()})
	return empty(http.StatusNoContent)
}
