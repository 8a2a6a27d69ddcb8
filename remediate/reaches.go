package remediate

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Plans reports whether a remedy is one that [MakePlan] makes writes of. A finding with
// another one is told of, whatever the response says.
func Plans(remedy string) bool { return planner(remedy) != nil }

// NeverMatches is why a pattern of never_touch matches nothing that is ever written to;
// empty: it may match. A pattern that guards nothing would be believed to.
func NeverMatches(pattern string) string {
	kind, name, named := strings.Cut(pattern, "/")
	written := access.WrittenKinds()
	switch known := slices.Concat(access.OrgKinds(), access.ProjectKinds()); {
	case strings.Trim(pattern, "* ") == "" && strings.Contains(pattern, "*"):
		return ""
	case strings.TrimSpace(pattern) == "":
		return "it is empty"
	case named && kind == string(access.KindIPAccessEntry):
		return noEntry(name)
	case named && kind == string(access.KindDatabaseUser):
		return noUser(name)
	case named && slices.Contains(written, access.Kind(kind)):
		return ""
	case slices.Contains(written, access.Kind(kind)):
		return fmt.Sprintf("it does not say which: %s/NAME, or %s/* for all of them", kind, kind)
	case slices.Contains(known, access.Kind(kind)):
		return fmt.Sprintf("a %s is never written to: only these are: %s", kind, kinds(written))
	case named && kind != "admin" && regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(kind):
		return fmt.Sprintf("there is no kind of resource called %s: what is written to is one of %s", kind, kinds(written))
	}
	if why := noScope(pattern); why != "" {
		return why
	}
	return noEntry(pattern)
}

// noEntry is why an address or network is no entry of an access list as Atlas has them.
func noEntry(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return fmt.Sprintf("an entry has a length: %s", netip.PrefixFrom(a, a.BitLen()))
	}
	if p, err := netip.ParsePrefix(s); err == nil && p.Masked().String() != s {
		return fmt.Sprintf("such an entry is written %s", p.Masked())
	}
	if _, length, cut := strings.Cut(s, "/"); cut && !strings.Contains(s, "*") && regexp.MustCompile(`^[0-9./]+$`).MatchString(s) {
		if _, err := netip.ParsePrefix(s); err != nil {
			return fmt.Sprintf("it is no network: look at its address and its length, %s", length)
		}
	}
	return ""
}

// noUser is why no database user is called so: they are called DATABASE/USERNAME.
func noUser(name string) string {
	for _, db := range []string{"admin", "$external"} {
		if i := strings.Index(name, "*"); strings.HasPrefix(name, db+"/") || i >= 0 && strings.HasPrefix(db+"/", name[:min(i, len(db)+1)]) {
			return ""
		}
	}
	return fmt.Sprintf("a user's name begins with its database: database_user/admin/%s, or database_user/$external/%s", name, name)
}

func kinds(list []access.Kind) string {
	out := make([]string, 0, len(list))
	for _, k := range list {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

// noScope is why an id, or a scope, is none of a project or an org.
func noScope(s string) string {
	id, project := strings.CutPrefix(s, "project.")
	if org, of := strings.CutPrefix(s, "org."); of && regexp.MustCompile(`^[0-9a-f]+$`).MatchString(org) {
		id = org
	}
	hex := regexp.MustCompile(`^[0-9a-fA-F]{16,}$`).MatchString(id)
	if (hex || project && !strings.Contains(id, "*")) && !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(id) {
		return "an id of a project or an org has 24 hexadecimal digits, in lower case"
	}
	return ""
}
