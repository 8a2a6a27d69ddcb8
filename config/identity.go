package config

import (
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// contradictions reports users and machines that identities of different classes name
// alike where both hold: the first would count, and the other one silently would not.
func (b *builder) contradictions(t *tree, ids []access.Identity) {
	for j, later := range ids {
		for i, earlier := range ids[:j] {
			if earlier.Class == "" || later.Class == "" || earlier.Class == later.Class || !common(earlier.Environments, later.Environments) {
				continue
			}
			for _, c := range clashes(earlier, later, same[string]) {
				b.at(t.items[j].get(c.key).item(c.index), "%s of class %s already, by identities[%d], and the first counts: keep one, or tell them apart by environments or labels",
					c.what(), earlier.Class, i)
			}
		}
	}
}

// item is an element of a list, or the list where there is none.
func (t *tree) item(i int) *tree {
	if i < 0 || i >= len(t.items) {
		return t
	}
	return t.items[i]
}

// clash is what an earlier identity takes from a later one.
type clash struct {
	key     string // of the later one: usernames, labels or machines
	index   int    // in its list; -1: all of it
	pattern string
}

func (c clash) what() string {
	if c.index < 0 {
		return "users with these labels are"
	}
	return fmt.Sprintf("%q is", c.pattern)
}

// path is where the clash stands in an identity.
func (c clash) path(identity int) string {
	if c.index < 0 {
		return fmt.Sprintf("identities[%d].%s", identity, c.key)
	}
	return fmt.Sprintf("identities[%d].%s[%d]", identity, c.key, c.index)
}

// clashes are the patterns of the later identity that the earlier one takes too. Labels
// that only the earlier one asks for make it the special case, which may stand first.
func clashes(earlier, later access.Identity, takes func(a, b string) bool) []clash {
	var out []clash
	if asks(earlier) && asks(later) && subset(earlier.Labels, later.Labels) {
		for i, p := range patterns(later) {
			if taken(patterns(earlier), p, takes) {
				c := clash{"usernames", i, p}
				if len(later.Usernames) == 0 {
					c = clash{"labels", -1, p}
				}
				out = append(out, c)
			}
		}
	}
	for i, p := range later.Machines {
		if taken(earlier.Machines, p, takes) {
			out = append(out, clash{"machines", i, p})
		}
	}
	return out
}

func taken(by []string, pattern string, takes func(a, b string) bool) bool {
	return slices.ContainsFunc(by, func(p string) bool { return takes(p, pattern) })
}

// asks reports whether an identity matches any database user.
func asks(i access.Identity) bool { return len(i.Usernames) > 0 || len(i.Labels) > 0 }

// patterns are the usernames that an identity takes; with labels alone, every one.
func patterns(i access.Identity) []string {
	if len(i.Usernames) == 0 {
		return []string{"*"}
	}
	return i.Usernames
}

func subset(a, b map[string]string) bool {
	for k, v := range a {
		if got, ok := b[k]; !ok || got != v {
			return false
		}
	}
	return true
}
