package prevent

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// Given is what the policy of a rule depends on. The zero value is the whole org with
// nothing declared.
type Given struct {
	Org         string   // the org's id; only Covers looks at it, and it may be missing
	Environment string   // whose projects Projects are: part of the policy's name
	Projects    []string // ids of the projects that the policy is for; none: every project of the org
	Except      []string // ids of projects that it leaves out

	Networks  []string            // all networks declared for the environment, shared ones too
	VPN       []string            // those of them that people come from on purpose
	Developer []string            // office and home ranges of people
	Providers map[string][]string // ranges of cloud providers, by name
	Peers     []access.Peer       // declared other sides of peerings and endpoints
	Entries   []string            // what stands in the access lists now; what the rule allows of it stays allowed
	Params    map[string]any      // of the rule; what is missing has its default
}

// Text is a Resource Policy ready to be sent, and what is to be known before.
type Text struct {
	Name        string
	Description string
	Policies    []string // Cedar, one policy a text; all are needed

	Covers   string // what of the rule it enforces
	Misses   string // what of the rule it cannot; empty: nothing
	Stricter string // what it forbids and the rule does not; empty: nothing

	Reason string // why there is none
}

// draft is a policy before it is written down. Its clauses forbid independently.
type draft struct {
	title                    string
	actions                  []string
	clauses                  []clause
	covers, misses, stricter string
	reason                   string // instead of all others
}

// clause forbids when all of when holds and none of unless does; empty is no condition.
type clause struct{ when, unless string }

func none(format string, args ...any) draft { return draft{reason: fmt.Sprintf(format, args...)} }

// builder drafts the policy of a rule.
type builder struct {
	rule  string
	name  string // of the policy
	draft func(input) draft
}

func builders() []builder {
	return []builder{
		{"network/open-to-world", "open-to-world", openToWorld},
		{"network/transient-open-to-world", "open-to-world", openToWorld}, // what cannot be added was never there
		{"network/exposure-too-wide", "exposure-too-wide", exposureTooWide},
		{"network/entry-too-broad", "entry-too-broad", entryTooBroad},
		{"network/undeclared-source", "undeclared-source", undeclaredSource},
		{"network/developer-address-in-prod", "developer-address", developerAddress},
		{"network/provider-range", "provider-range", providerRange},
		{"network/public-beside-private", "public-beside-private", publicBesidePrivate},
		{"network/unapproved-peering", "unapproved-peering", unapprovedPeering},
		{"project/auditing-off", "auditing-off", auditingOff},
	}
}

// Rules lists the rules that have a policy, if what theirs depends on is given.
func Rules() []string {
	var out []string
	for _, b := range builders() {
		out = append(out, b.rule)
	}
	return out
}

// Policy is the policy of a rule. Where Atlas cannot forbid what the rule finds, or not
// enough is given, it is false and only the text's reason is set.
func Policy(rule string, given Given) (Text, bool) {
	i := slices.IndexFunc(builders(), func(b builder) bool { return b.rule == rule })
	if i < 0 {
		return Text{Reason: reason(rule)}, false
	}
	in, err := read(given)
	if err != nil {
		return Text{Reason: err.Error()}, false
	}
	b := builders()[i]
	d := b.draft(in)
	if d.reason != "" {
		return Text{Reason: d.reason}, false
	}
	texts, err := d.write(in)
	if err != nil {
		return Text{Reason: err.Error()}, false
	}
	return Text{
		Name:        policyName(b.name, in.ofEnvironment()),
		Description: d.title + " (rule " + b.rule + "). " + in.holdsFor(),
		Policies:    texts,
		Covers:      d.covers, Misses: d.misses, Stricter: d.stricter,
	}, true
}

// input is Given, parsed.
type input struct {
	Given
	networks, vpn, developer, providers, entries []netip.Prefix
}

func read(g Given) (input, error) {
	in := input{Given: g}
	in.Projects = slices.DeleteFunc(slices.Clone(g.Projects), func(id string) bool { return slices.Contains(g.Except, id) })
	if len(g.Projects) > 0 && len(in.Projects) == 0 {
		return in, fmt.Errorf("all projects are excepted")
	}
	for _, id := range slices.Concat(g.Projects, g.Except) {
		if !IsProject(id) {
			return in, fmt.Errorf("reading the projects: %q is not a project's id: want 24 hexadecimal digits", id)
		}
	}
	var ranges []string
	for _, r := range g.Providers {
		ranges = append(ranges, r...)
	}
	for _, f := range []struct {
		what string
		from []string
		to   *[]netip.Prefix
	}{
		{"declared networks", g.Networks, &in.networks}, {"VPN ranges", g.VPN, &in.vpn},
		{"developers' ranges", g.Developer, &in.developer}, {"providers' ranges", ranges, &in.providers},
		{"entries", g.Entries, &in.entries},
	} {
		parsed, err := prefixes(f.from)
		if err != nil {
			return in, fmt.Errorf("reading the %s: %w", f.what, err)
		}
		*f.to = parsed
	}
	return in, nil
}

// prefixes is sorted, each network once. Security groups are no addresses.
func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if reach.IsSecurityGroup(s) {
			continue
		}
		p, err := reach.ParseEntry(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return sorted(out), nil
}

// IsProject reports whether a text is a project's id.
func IsProject(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return len(s) == 24
}

// param is a numeric parameter of the rule.
func (in input) param(name string, otherwise int64) int64 {
	if v, ok := in.Params[name].(int64); ok {
		return v
	}
	return otherwise
}

// ofEnvironment is the environment in a policy's name: one that holds for every project of
// the organization is of none, whatever it rests on.
func (in input) ofEnvironment() string {
	if len(in.Projects) == 0 {
		return ""
	}
	return in.Environment
}

// holdsFor says which projects a policy holds for.
func (in input) holdsFor() string {
	n := len(distinct(in.Projects))
	switch {
	case n == 0 && len(in.Except) == 0:
		return "It holds for every project of the organization."
	case n == 0:
		return fmt.Sprintf("It holds for every project of the organization but %d.", len(distinct(in.Except)))
	case in.Environment != "":
		return fmt.Sprintf("It holds for %d project(s) of environment %s, by id: make it anew when there are more.", n, in.Environment)
	}
	return fmt.Sprintf("It holds for %d project(s), by id.", n)
}
