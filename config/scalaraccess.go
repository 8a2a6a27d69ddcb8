package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// ownNetwork is a network that somebody may call their own: not the world, and none so
// wide that nobody holds it. Space without a public address may be wider.
func ownNetwork() scalar {
	const v4, v6 = 8, 19 // the largest blocks that a registry has given to one holder
	return network().parsed(func(s string) (any, error) {
		v, err := network().parse(s)
		text, ok := v.(string)
		if err != nil || !ok {
			return v, err
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		wide := p.Addr().Is4() && p.Bits() < v4 || p.Addr().Is6() && p.Bits() < v6
		if reach.CoversWorld(p) || wide && !reach.Expose([]netip.Prefix{p}).IsZero() {
			return nil, fmt.Errorf("%q matches everything, or nearly: declare networks of your own, /%d or longer (IPv6: /%d)", s, v4, v6)
		}
		return text, nil
	})
}

func projectRole() scalar {
	return enum("a project role such as GROUP_READ_ONLY", reach.ProjectRoles()...).otherwise(func(s string) string {
		if reach.KnownOrgRole(s) {
			return ", but a role on the org: put it under " + access.MatrixOrg
		}
		return ""
	})
}

func orgRole() scalar {
	return enum("an org role such as ORG_MEMBER", reach.OrgRoles()...).otherwise(func(s string) string {
		if reach.KnownProjectRole(s) {
			return ", but a role on projects: put it under an environment"
		}
		return ""
	})
}

func atlasRole() scalar {
	return enum("an org or project role such as ORG_MEMBER or GROUP_READ_ONLY", slices.Concat(reach.OrgRoles(), reach.ProjectRoles())...)
}

// ceiling is kept apart from access.Ceiling's own names, of which tell is empty.
func ceiling() scalar {
	return enum("a ceiling", "tell", string(access.CeilingAsk), string(access.CeilingAuto)).parsed(func(s string) (any, error) {
		if s == "tell" {
			return access.CeilingTell, nil
		}
		return access.Ceiling(s), nil
	})
}

// namespace is what MongoDB can name: a database, and after the first dot a collection.
func namespace() scalar {
	return patterned("a namespace such as reporting.customer_pii, or a database", `^[^\x00-\x20\x7f./\\"$*<>:|?]+(\.[^\x00-\x20\x7f$*?.][^\x00-\x20\x7f*?]*)?$`).
		explained("patterns are not allowed; a database alone means all of its collections")
}

// domain is what stands after the @ of an address.
func domain() scalar {
	want := "a domain such as example.com"
	return patterned(want, `^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`).
		explained("write it in lower case, without @, * or a dot before it").
		parsed(func(s string) (any, error) {
			if len(s) > 253 {
				return nil, fmt.Errorf("%q is too long for a domain", cut(s))
			}
			return s, nil
		})
}

// words is one line that says something.
func words(want string) scalar {
	return text(want).parsed(func(s string) (any, error) {
		if strings.TrimSpace(s) == "" {
			return nil, fmt.Errorf("it is blank: give %s", want)
		}
		return s, nil
	})
}
