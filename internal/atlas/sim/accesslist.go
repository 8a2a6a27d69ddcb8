package sim

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	activateLag  = 10 * time.Second // PENDING to ACTIVE
	maxCommentLn = 80
)

type entry struct {
	AccessEntry
	activeAt time.Time
}

// key is the entry's canonical name: a CIDR block or a security group.
func (e *entry) key() string { return orDefault(e.CIDRBlock, e.AWSSecurityGroup) }

// shown is how events name the entry.
func (e *entry) shown() string { return orDefault(e.IPAddress, e.key()) }

type entryRequest struct {
	AWSSecurityGroup string          `json:"awsSecurityGroup"`
	CIDRBlock        string          `json:"cidrBlock"`
	IPAddress        string          `json:"ipAddress"`
	Comment          *string         `json:"comment"`
	DeleteAfterDate  *date           `json:"deleteAfterDate"`
	GroupID          *string         `json:"groupId"`
	Links            json.RawMessage `json:"links"`
}

var securityGroup = regexp.MustCompile(`^([0-9]+/)?sg-[0-9a-f]+$`)

// canonicalEntry validates the address and writes it as Atlas returns it: a single
// address with both fields, a block with its host bits cleared (a guess).
func canonicalEntry(e *AccessEntry) *problem {
	given := 0
	for _, s := range []string{e.AWSSecurityGroup, e.CIDRBlock, e.IPAddress} {
		if s != "" {
			given++
		}
	}
	switch {
	case given == 0:
		return bad("MISSING_ONE_OF_ATTRIBUTES", "One of the attributes %s must be specified.", "awsSecurityGroup, cidrBlock, ipAddress")
	case given > 1 && !sameAddress(e):
		return bad("MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY", "Only one of cidrBlock, ipAddress and awsSecurityGroup may be specified for an entry.")
	case utf8.RuneCountInString(e.Comment) > maxCommentLn:
		return bad("INVALID_NETWORK_PERMISSION_COMMENT", "The comment of an entry must be at most %d characters.", maxCommentLn)
	case e.AWSSecurityGroup != "":
		if !securityGroup.MatchString(e.AWSSecurityGroup) {
			return bad("INVALID_ATTRIBUTE", "Invalid attribute %s specified.", "awsSecurityGroup")
		}
		return nil
	}
	return canonicalAddress(e)
}

// sameAddress allows a world to spell a single address as Atlas returns it.
func sameAddress(e *AccessEntry) bool {
	addr, err := netip.ParseAddr(e.IPAddress)
	prefix, errPrefix := netip.ParsePrefix(e.CIDRBlock)
	return e.AWSSecurityGroup == "" && err == nil && errPrefix == nil && prefix.IsSingleIP() && prefix.Addr() == addr
}

func canonicalAddress(e *AccessEntry) *problem {
	prefix, bad := parseAddress(orDefault(e.IPAddress, e.CIDRBlock), e.IPAddress != "")
	if bad != nil {
		return bad
	}
	e.CIDRBlock, e.IPAddress = prefix.String(), ""
	if prefix.IsSingleIP() {
		e.IPAddress = prefix.Addr().String()
	}
	return nil
}

// parseAddress reads a bare address (and only that where bare) or a CIDR block.
func parseAddress(s string, bare bool) (netip.Prefix, *problem) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if p, err := netip.ParsePrefix(s); err == nil && !bare {
		return p.Masked(), nil
	}
	return netip.Prefix{}, bad("INVALID_IP_ADDRESS_OR_CIDR_NOTATION", "The address %s must be in valid IP address or CIDR notation.", s)
}

func (c *call) entryView(e *entry) any {
	out := object{"groupId": c.project.id, "links": c.self("/groups/" + c.project.id + "/accessList/" + url.PathEscape(e.key()))}
	set := func(key, value string) {
		if value != "" {
			out[key] = value
		}
	}
	set("cidrBlock", e.CIDRBlock)
	set("ipAddress", e.IPAddress)
	set("awsSecurityGroup", e.AWSSecurityGroup)
	set("comment", e.Comment)
	if e.DeleteAfterDate != nil {
		out["deleteAfterDate"] = e.DeleteAfterDate
	}
	return out
}

func (c *call) listAccess() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.access, c.entryView)
}

// findEntry finds the entry in the path: a bare address, a block or a security group.
func (c *call) findEntry() (int, *problem) {
	name := c.params["entryValue"]
	if p, bad := parseAddress(name, false); bad == nil {
		name = p.String()
	}
	i := slices.IndexFunc(c.project.access, func(e *entry) bool { return e.key() == name })
	if i < 0 {
		return 0, missing("ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND", "IP Address %s not on Atlas access list for group %s.", c.params["entryValue"], c.project.id)
	}
	return i, nil
}

func (c *call) getAccess() (answer, *problem) {
	i, bad := c.findEntry()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.entryView(c.project.access[i]))
}

func (c *call) accessStatus() (answer, *problem) {
	i, bad := c.findEntry()
	if bad != nil {
		return answer{}, bad
	}
	if c.project.access[i].activeAt.After(c.at) {
		return ok(object{"STATUS": "PENDING"})
	}
	return ok(object{"STATUS": "ACTIVE"})
}

func (c *call) deleteAccess() (answer, *problem) {
	i, bad := c.findEntry()
	if bad != nil {
		return answer{}, bad
	}
	e := c.project.access[i]
	c.project.access = slices.Delete(c.project.access, i, i+1)
	c.effect(e.key(), text(e.AccessEntry), "")
	c.projectEvent("NETWORK_PERMISSION_ENTRY_REMOVED", object{"whitelistEntry": e.shown()})
	return empty(http.StatusNoContent)
}

// createAccess takes an array and appends; an entry that exists is updated. All of the
// array or nothing.
func (c *call) createAccess() (answer, *problem) {
	var in []entryRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	wanted, bad := c.checkEntries(in)
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.accessAllowed(wanted); bad != nil {
		return answer{}, bad
	}
	if c.began != nil {
		c.project.access = slices.Clone(c.began)
	}
	for i, w := range wanted {
		c.putEntry(w, in[i].Comment != nil)
	}
	return paged(c, http.StatusCreated, c.project.access, c.entryView)
}

func (c *call) checkEntries(in []entryRequest) ([]AccessEntry, *problem) {
	var out []AccessEntry
	added, seen := 0, map[string]bool{}
	for _, r := range in {
		e, bad := c.checkEntry(r)
		if bad != nil {
			return nil, bad
		}
		key := orDefault(e.CIDRBlock, e.AWSSecurityGroup)
		if seen[key] {
			return nil, duplicateAddress(key)
		}
		seen[key] = true
		if c.project.entry(key) == nil {
			added++
		}
		out = append(out, e)
	}
	if most := c.limit(limitEntries); len(c.project.access)+added > most {
		return nil, fail(http.StatusForbidden, "ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED", "The group cannot have more than %d access list entries.", most)
	}
	return out, nil
}

func duplicateAddress(key string) *problem {
	return bad("DUPLICATE_ADDRESSES_IN_INPUT", "The address %s appears more than once in the request.", key)
}

func (c *call) checkEntry(r entryRequest) (AccessEntry, *problem) {
	e := AccessEntry{
		AWSSecurityGroup: r.AWSSecurityGroup, CIDRBlock: r.CIDRBlock, IPAddress: r.IPAddress, DeleteAfterDate: r.DeleteAfterDate.when(),
	}
	if r.Comment != nil {
		e.Comment = *r.Comment
	}
	if r.CIDRBlock != "" && r.IPAddress != "" {
		return e, bad("MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY", "Only one of cidrBlock, ipAddress and awsSecurityGroup may be specified for an entry.")
	}
	if bad := canonicalEntry(&e); bad != nil {
		return e, bad
	}
	if bad := c.sameGroup(r.GroupID); bad != nil {
		return e, bad
	}
	if e.AWSSecurityGroup != "" {
		if e.DeleteAfterDate != nil {
			return e, bad("NETWORK_PERMISSION_EXPIRATION_NOT_SUPPORTED", "Expiration is not supported for AWS security groups.")
		}
		if !c.project.peeredWithAWS() {
			return e, bad("CANNOT_USE_AWS_SECURITY_GROUP_WITHOUT_VPC_PEERING_CONNECTION", "An AWS security group cannot be used without a VPC peering connection.")
		}
		return e, nil
	}
	held := c.project.entry(e.CIDRBlock)
	if held == nil {
		return e, checkExpiry(e.DeleteAfterDate, nil, false, c.at)
	}
	return e, checkExpiry(e.DeleteAfterDate, held.DeleteAfterDate, true, c.at)
}

func (p *project) entry(key string) *entry {
	for _, e := range p.access {
		if e.key() == key {
			return e
		}
	}
	return nil
}

// putEntry adds the entry or updates the one of the same address. What is not sent
// stays.
func (c *call) putEntry(w AccessEntry, commented bool) {
	e := &entry{AccessEntry: w, activeAt: c.at.Add(activateLag)}
	held := c.project.entry(e.key())
	if held == nil {
		c.project.access = append(c.project.access, e)
		c.effect(e.key(), "", text(e.AccessEntry))
		c.projectEvent("NETWORK_PERMISSION_ENTRY_ADDED", object{"whitelistEntry": e.shown()})
	} else {
		before := text(held.AccessEntry)
		if commented {
			held.Comment = w.Comment
		}
		if w.DeleteAfterDate != nil {
			held.DeleteAfterDate = w.DeleteAfterDate
		}
		c.effect(e.key(), before, text(held.AccessEntry))
		c.projectEvent("NETWORK_PERMISSION_ENTRY_UPDATED", object{"whitelistEntry": e.shown()})
	}
	c.a.expect(c.project, w.DeleteAfterDate)
}

// accessOf is a copy of a project's list, for lost updates.
func (a *Atlas) accessOf(groupID string) []*entry {
	p := a.projects[groupID]
	if p == nil {
		return nil
	}
	return append([]*entry{}, p.access...)
}
