package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ParseEntry reads an access list entry, "203.0.113.10" or "203.0.113.0/24" or
// the same in IPv6, as the network that it lets in: host bits cleared, a lone
// address as /32 or /128, IPv4-mapped networks as IPv4.
func ParseEntry(s string) (netip.Prefix, error) {
	p, err := parse(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("reading access list entry %q: %w; "+
			"write an address such as 203.0.113.10 or a network such as 203.0.113.0/24", s, err)
	}
	return normal(p), nil
}

func parse(s string) (netip.Prefix, error) {
	switch {
	case s == "":
		return netip.Prefix{}, errors.New("it is empty")
	case IsSecurityGroup(s):
		return netip.Prefix{}, errors.New("it is an AWS security group, which has no address")
	case strings.Contains(s, "/"):
		return netip.ParsePrefix(s)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if a.Zone() != "" {
		return netip.Prefix{}, errors.New("an address with a zone is known on one host only")
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// normal is the one spelling of a valid prefix.
func normal(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// Canonical is the canonical name of an access list entry, "203.0.113.10/32".
// Atlas returns a lone address both bare and with /32; the name has the length.
// An AWS security group is its own name.
func Canonical(s string) (string, error) {
	if IsSecurityGroup(s) {
		return s, nil
	}
	p, err := ParseEntry(s)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

// IsSecurityGroup says that an access list entry names an AWS security group,
// "sg-0abc" or with its account before it, "123456789012/sg-0abc".
func IsSecurityGroup(s string) bool {
	if account, group, ok := strings.Cut(s, "/"); ok && strings.Trim(account, "0123456789") == "" {
		s = group
	}
	id, ok := strings.CutPrefix(s, "sg-")
	return ok && id != "" && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}
