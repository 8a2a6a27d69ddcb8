package rules

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// Policy is what configuration gives to the rules.
type Policy struct {
	Environments []access.Environment // the strictest first
	Identities   []access.Identity    // the first match counts
	Networks     []access.Network
	Ranges       access.Ranges
	Matrix       []access.TeamAccess
	Sensitive    []access.Sensitive
	Domains      []string            // that people's addresses may be of
	Groups       map[string][]string // principals by group
	Waivers      []access.Waiver
	Expectations []access.Expectation
	Principals   []access.Principal
	Overrides    map[string]Override // by rule id
	Own          access.OwnAccess
	LimitAll     bool          `json:",omitempty"` // built-in rules, too, run under the cost limit of users' rules
	Profile      string        // by name: what our own credentials need; empty: not known
	Hooks        []string      // hosts, with a port where they have one, of the webhooks of our own
	Covered      []access.Kind `json:",omitempty"` // kinds that are read; nil: all. Rules that need another are not judged
}

// Override changes a rule for this installation.
type Override struct {
	Severity     access.Severity
	Environments []string        // nil: as the rule says
	Params       map[string]any  // only names and types that the rule has
	Ceiling      *access.Ceiling // nil: the rule's
	AcceptRisk   bool            // the ceiling may be above the rule's
}

// policy is a Policy made ready to ask.
type policy struct {
	Policy
	production map[string]bool              // by environment; unmatched projects are judged as production
	declared   map[string]reach.Ranges      // networks by environment; those of no environment are in all
	byEnv      map[string][]access.Identity // identities by environment, in order
	ranges     networkRanges
	pipelines  []netip.Prefix // declared networks of pipelines, of all environments
	patterns   sync.Map       // *regexp.Regexp by its text: those of parameters, of which there are few
}

// pattern is the regular expression that a parameter holds.
func (p *policy) pattern(text string) (*regexp.Regexp, error) {
	if known, ok := p.patterns.Load(text); ok {
		return known.(*regexp.Regexp), nil
	}
	made, err := regexp.Compile(text)
	if err == nil {
		p.patterns.Store(text, made)
	}
	return made, err
}

func newPolicy(p Policy) *policy {
	out := &policy{Policy: p, production: productions(p.Environments), declared: map[string]reach.Ranges{}, byEnv: map[string][]access.Identity{}, ranges: newNetworkRanges(p), pipelines: pipelines(p.Networks)}
	names := []string{""}
	for _, e := range p.Environments {
		names = append(names, e.Name)
	}
	for _, name := range names {
		out.declared[name] = reach.NewRanges(declared(p.Networks, name))
		for _, id := range p.Identities {
			if len(id.Environments) == 0 || slices.Contains(id.Environments, name) {
				out.byEnv[name] = append(out.byEnv[name], id)
			}
		}
	}
	return out
}

// productions are the environments judged at full severity: those named prod or
// production (also prod-eu and the like), else the strictest one, and no environment.
func productions(envs []access.Environment) map[string]bool {
	out := map[string]bool{"": true}
	for _, e := range envs {
		first, _, _ := strings.Cut(strings.ToLower(e.Name), "-")
		if first == "prod" || first == "production" {
			out[e.Name] = true
		}
	}
	if len(out) == 1 && len(envs) > 0 {
		out[envs[0].Name] = true
	}
	return out
}

func declared(networks []access.Network, env string) []netip.Prefix {
	var out []netip.Prefix
	for _, n := range networks {
		if n.Environment != env && n.Environment != "" {
			continue
		}
		for _, cidrs := range n.Purposes {
			for _, c := range cidrs {
				if p, err := reach.ParseEntry(c); err == nil {
					out = append(out, p)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return out
}

// environment is the strictest environment that matches the project by tag or, where
// no tag decides otherwise, by name; and why, for people.
func (p *policy) environment(project access.Project) (name, why string) {
	byTag, byName := p.matching(project)
	all := slices.Concat(byTag, byName)
	if len(all) == 0 {
		if i := slices.IndexFunc(p.Environments, func(e access.Environment) bool { return e.CatchAll }); i >= 0 {
			return p.Environments[i].Name, "no other environment matches it"
		}
		return "", "no environment matches its tags or its name"
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(p.rank(a), p.rank(b)) })
	all = slices.Compact(all)
	switch {
	case len(all) > 1 && len(byTag) > 0 && len(byName) > 0 && byTag[0] != byName[0]:
		return all[0], fmt.Sprintf("its tags say %s and its name says %s: the strictest counts", strings.Join(byTag, ", "), strings.Join(byName, ", "))
	case len(all) > 1:
		return all[0], fmt.Sprintf("%s match it: the strictest counts", strings.Join(all, ", "))
	case len(byTag) > 0:
		return all[0], "its tags say so"
	}
	return all[0], "its name says so"
}

// matching are the environments that match the project by tag and by name, without the
// catch-all, the strictest first.
func (p *policy) matching(project access.Project) (byTag, byName []string) {
	for _, e := range p.Environments { // strictest first
		if e.CatchAll {
			continue
		}
		if len(e.Tags) > 0 && tagged(e.Tags, project.Tags) {
			byTag = append(byTag, e.Name)
		}
		if slices.ContainsFunc(e.Projects, func(g string) bool { return access.Match(g, project.Title) }) {
			byName = append(byName, e.Name)
		}
	}
	return byTag, byName
}

// rank is an environment's place in the list; no environment, or one that is not
// configured any more, comes last.
func (p *policy) rank(name string) int {
	i := slices.IndexFunc(p.Environments, func(e access.Environment) bool { return e.Name == name })
	if i < 0 {
		return len(p.Environments)
	}
	return i
}

// hold is the environment that counts for a project that was judged under former and
// now matches now: a stricter one at once, a weaker one (or none, after which any could
// follow) not until somebody acknowledged it.
func (p *policy) hold(former, now string) string {
	if former == "" || p.rank(former) == len(p.Environments) || p.rank(now) < p.rank(former) {
		return now
	}
	if now == "" && p.rank(former) == len(p.Environments)-1 && !p.production[former] {
		return now // judged as production from now on, and not written to; and no step on the way to a weaker one
	}
	return former
}

func tagged(want map[string]string, have []access.Label) bool {
	for k, v := range want {
		if !slices.Contains(have, access.Label{Key: k, Value: v}) {
			return false
		}
	}
	return true
}

// nobody is the identity of a user that matches none.
var nobody access.Identity

// identity is the first identity that matches the user in the environment, or nobody.
// It is not to be changed.
func (p *policy) identity(env string, u access.DatabaseUser) *access.Identity {
	list := p.byEnv[env]
	for i := range list {
		if list[i].Class != "" && matches(&list[i], u) {
			return &list[i]
		}
	}
	return &nobody
}

// unmanaged is the first identity that matches the user and is none of Atlas's own.
func (p *policy) unmanaged(env string, u access.DatabaseUser) *access.Identity {
	list := p.byEnv[env]
	for i := range list {
		if list[i].Class != "" && list[i].Class != access.ClassAtlasManaged && matches(&list[i], u) {
			return &list[i]
		}
	}
	return &nobody
}

func matches(id *access.Identity, u access.DatabaseUser) bool {
	if len(id.Usernames) == 0 && len(id.Labels) == 0 || !tagged(id.Labels, u.Labels) {
		return false
	}
	return len(id.Usernames) == 0 || slices.ContainsFunc(id.Usernames, func(g string) bool { return access.Match(g, u.Username) })
}

// machine is the first identity that one of a machine credential's names matches in the
// environment, or nobody.
func (p *policy) machine(env string, names []string) *access.Identity {
	return firstMachine(p.byEnv[env], names)
}

// firstMachine is the first of the identities that one of the names matches, or nobody.
func firstMachine(list []access.Identity, names []string) *access.Identity {
	for i := range list {
		for _, g := range list[i].Machines {
			if slices.ContainsFunc(names, func(n string) bool { return access.Match(g, n) }) {
				return &list[i]
			}
		}
	}
	return &nobody
}
