package prevent

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Lengths. Atlas refuses texts that are too long and does not document how long that is
// (a guess): lists that can be split are split well below it.
const (
	longestText = 8 << 10
	longestList = 2 << 10
	mostTexts   = 32
	longestName = 64 // not documented either (a guess)
)

// The names of Atlas's Cedar schema that policies use. Atlas documents the two about
// private networks by its examples ("Prevent Modifications to Network Peering" and "… to
// Private Endpoints"), not in its table of actions.
const (
	modifyAccessList = "project.ipAccessList.modify"
	modifyPeering    = "project.vpcPeering.modify"
	modifyEndpoint   = "project.privateEndpoint.modify"
	modifyCluster    = "cluster.modify"

	accessList = "context.project.ipAccessList"
	auditing   = "context.project.databaseAuditing.enabled"
)

// write is the Cedar of a draft: a text for each action, clause and share of the
// projects. Forbidding is the same in one text or many.
func (d draft) write(in input) ([]string, error) {
	except := ors(in.Except)
	if len(in.Projects) > 0 {
		except = ""
	}
	var out []string
	for _, action := range d.actions {
		for _, c := range d.clauses {
			for _, scope := range scopes(in.Projects) {
				text := forbid(action, and(scope, c.when), or(except, c.unless))
				if len(text) > longestText {
					return nil, fmt.Errorf("the policy would have a text of %d characters: Atlas limits its length, and a list of what alone is allowed cannot be split", len(text))
				}
				out = append(out, text)
			}
		}
	}
	if len(out) > mostTexts {
		return nil, fmt.Errorf("the policy would have %d texts, more than anybody can review: declare fewer ranges or projects", len(out))
	}
	return out, nil
}

func forbid(action, when, unless string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "forbid (\n  principal,\n  action == ResourcePolicy::Action::\"%s\",\n  resource\n)", action)
	if when != "" {
		fmt.Fprintf(&b, "\nwhen { %s }", when)
	}
	if unless != "" {
		fmt.Fprintf(&b, "\nunless { %s }", unless)
	}
	return b.String() + ";"
}

// scopes are conditions that together hold for the projects, and for nothing else; one
// empty condition for every project.
func scopes(projects []string) []string {
	if len(projects) == 0 {
		return []string{""}
	}
	var out []string
	for share := range slices.Chunk(distinct(projects), 24) {
		out = append(out, ors(share))
	}
	return out
}

// ors holds for the projects and what is in them.
func ors(projects []string) string {
	var in []string
	for _, id := range distinct(projects) {
		in = append(in, fmt.Sprintf(`resource in ResourcePolicy::Project::"%s"`, id))
	}
	return strings.Join(in, " || ")
}

func and(scope, when string) string {
	switch {
	case scope == "" || when == "":
		return scope + when
	case strings.Contains(scope, "||"):
		scope = "(" + scope + ")"
	}
	if strings.Contains(when, "||") {
		when = "(" + when + ")"
	}
	return scope + " && " + when
}

func or(except, unless string) string {
	if except == "" || unless == "" {
		return except + unless
	}
	return except + " || " + unless
}

// anyOf are clauses that together forbid a list that has any of the entries.
func anyOf(entries []netip.Prefix) []clause {
	var out []clause
	for _, share := range shares(entries) {
		out = append(out, clause{when: fmt.Sprintf("%s.containsAny([%s])", accessList, strings.Join(share, ", "))})
	}
	return out
}

// only is the condition that a list has nothing but the entries. An empty set of Cedar
// has no type, hence the other word for it.
func only(entries []netip.Prefix) string {
	if len(entries) == 0 {
		return accessList + ".isEmpty()"
	}
	return fmt.Sprintf("[%s].containsAll(%s)", strings.Join(values(entries), ", "), accessList)
}

// all is the condition that a list has every one of the entries.
func all(entries ...string) string {
	var ps []netip.Prefix
	for _, e := range entries {
		ps = append(ps, netip.MustParsePrefix(e))
	}
	return fmt.Sprintf("%s.containsAll([%s])", accessList, strings.Join(values(ps), ", "))
}

// shares splits the values so that each share is short.
func shares(entries []netip.Prefix) [][]string {
	var out [][]string
	length := longestList
	for _, v := range values(entries) {
		if length += len(v) + 2; length > longestList {
			out, length = append(out, nil), len(v)
		}
		out[len(out)-1] = append(out[len(out)-1], v)
	}
	return out
}

func values(entries []netip.Prefix) []string {
	out := make([]string, 0, len(entries))
	for _, p := range entries {
		out = append(out, fmt.Sprintf(`ip("%s")`, spelled(p)))
	}
	return out
}

// spelled is a network as Cedar reads it: it refuses IPv4-mapped addresses with dots.
func spelled(p netip.Prefix) string {
	if a := p.Addr(); a.Is4In6() {
		b := a.As16()
		return fmt.Sprintf("::ffff:%x:%x/%d", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15]), p.Bits())
	}
	return p.String()
}

func sorted(ps []netip.Prefix) []netip.Prefix {
	slices.SortFunc(ps, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen()), a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Compact(ps)
}

func distinct(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// policyName has letters, digits and hyphens, as the names in Atlas's examples.
func policyName(what, environment string) string {
	name := "gatewarden-" + what
	if slug := slug(environment); slug != "" {
		name += "-" + slug
	}
	return strings.TrimRight(name[:min(len(name), longestName)], "-")
}

func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}
