package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// Input is all that a judgement of a scope depends on, beside rules and policy.
type Input struct {
	Scope       access.Scope
	Environment string                               // the one that holds; empty: none, judged as production
	Collections map[access.Kind]access.Collection    // the last complete content with the newest status
	Dirty       map[access.Kind]time.Time            // kinds that changed and were not read again yet, or that are too old
	Now         time.Time                            // Atlas time
	Changes     []access.Change                      // not taken in yet, in order; repetitions do not matter
	Standing    map[string]access.Standing           // of the findings document
	Open        map[string]access.Finding            // by id: what their episodes rest on is kept; resolved ones are ignored
	Called      []access.Called                      // of the findings document: what the scope was called so far
	Created     map[string]time.Time                 // of database users, by name (admin/app), where an event told; else the record tells
	Read        map[access.Kind]time.Time            // begin of the last complete read, where known
	MaxAge      func(kind access.Kind) time.Duration // nil or 0: no limit
	Facts       access.Facts                         // of other scopes
	History     access.History                       // of use
	Once        bool                                 // one look, without a past: rules that rest on it are not judged
	Waivers     []access.Waiver                      // of the store; those of the configuration are the policy's
	Expected    []access.Expectation                 // likewise

	Acknowledged []access.Acknowledgement // of the store

	failing map[string]int // how often rules failed; of tests
}

// world is an input with what is derived from it once for all resources.
type world struct {
	*policy
	engine     *Engine
	in         *Input
	production bool
	project    access.Project
	list       []access.Resource          // the entries of the union
	roles      map[string]access.Resource // custom roles that can be read
	catalog    func() reach.Catalog       // of roles
	troubles   map[access.Kind]string     // memo
	subjects   map[access.Kind][]subject  // memo
	names      []string                   // targets, memo
	prefixes   map[string]netip.Prefix    // of entries, memo
	failures   map[string]*failure        // by rule
	nothing    access.Resource            // of subjects that are none
	memo       *memo
}

// memo is what the families of rules derive once from the collections of the world. It is
// made anew where the collections are others.
type memo struct {
	network    networkMemo
	database   databaseMemo
	people     peopleMemo
	machine    machineMemo
	governance governanceMemo
}

func newWorld(e *Engine, in *Input) *world {
	p := e.policy
	w := &world{
		policy: p, engine: e, in: in, production: p.production[in.Environment], troubles: map[access.Kind]string{}, subjects: map[access.Kind][]subject{},
		prefixes: map[string]netip.Prefix{}, failures: map[string]*failure{},
	}
	e.refusedFailures(in.Scope, w.failures)
	for id, n := range in.failing {
		w.failures[id] = &failure{rule: id, err: "as the test says", count: n, costly: n}
	}
	if projects := access.States[access.Project](in.Collections[access.KindProject]); len(projects) == 1 {
		w.project = projects[0]
	}
	w.list = in.Collections[access.KindIPAccessEntry].Resources
	c := in.Collections[access.KindCustomRole]
	w.setRoles(make(map[string]access.Resource, len(c.Resources)))
	for _, r := range c.Resources {
		if !slices.Contains(c.Odd, r.Name()) {
			w.roles[r.Name()] = r
		}
	}
	return w
}

// setRoles changes which custom roles there are, and with them what was derived from others.
func (w *world) setRoles(roles map[string]access.Resource) {
	var built *reach.Catalog
	w.roles, w.memo = roles, &memo{}
	w.catalog = func() reach.Catalog {
		if built == nil {
			c := catalog(roles)
			built = &c
		}
		return *built
	}
}

func catalog(roles map[string]access.Resource) reach.Catalog {
	c := access.Collection{Resources: slices.Collect(maps.Values(roles))}
	return reach.NewCatalog(CustomRoles(c))
}

// CustomRoles are the custom roles of a collection as package reach takes them.
func CustomRoles(all access.Collection) []reach.CustomRole {
	custom := make([]reach.CustomRole, 0, len(all.Resources))
	for _, r := range all.Resources {
		s, ok := access.As[access.CustomRole](r.Box)
		if !ok {
			continue
		}
		c := reach.CustomRole{Name: s.Role, Inherits: Grants(s.Inherits)}
		for _, a := range s.Privileges {
			c.Actions = append(c.Actions, reach.Action{Name: a.Action, Cluster: a.Cluster, Database: a.Database, Collection: a.Collection})
		}
		custom = append(custom, c)
	}
	return custom
}

// Grants are role grants as package reach takes them.
func Grants(in []access.RoleGrant) []reach.Grant {
	out := make([]reach.Grant, 0, len(in))
	for _, g := range in {
		out = append(out, reach.Grant{Role: g.Role, Database: g.Database, Collection: g.Collection})
	}
	return out
}

func (w *world) projectName() string {
	if w.project.Title != "" {
		return w.project.Title
	}
	return "project " + w.in.Scope.ID()
}

func (w *world) tags() map[string]string {
	out := map[string]string{}
	for _, t := range w.project.Tags {
		out[t.Key] = t.Value
	}
	return out
}

// hasContent reports whether the kind was ever read completely.
func (w *world) hasContent(k access.Kind) bool { return hasContent(w.in.Collections[k]) }

func hasContent(c access.Collection) bool {
	return c.Status == access.StatusComplete || !c.FirstRead.IsZero()
}

// trouble is why the kind cannot be judged on now; empty if it can.
func (w *world) trouble(k access.Kind) string {
	t, ok := w.troubles[k]
	if !ok {
		t = w.in.trouble(k)
		w.troubles[k] = t
	}
	return t
}

func (in *Input) trouble(k access.Kind) string {
	c, read := in.Collections[k], in.Read[k]
	if ofOrg(k) != in.Scope.IsOrg() {
		if c, read = in.Facts.Org[k], (time.Time{}); !in.Facts.Gathered() {
			return fmt.Sprintf("%s of the other scopes of the org was not gathered yet", k)
		}
		if in.Scope.IsOrg() { // the projects that cannot tell leave a pass unknown, and a violation one
			return ""
		}
	}
	switch {
	case c.Status == access.StatusUnsupported && (slices.Contains(access.TargetKinds(), k) || k == access.KindAccessHistory):
		return "" // Atlas has none of them here
	case c.Status == access.StatusUnread && c.Reason != "":
		return fmt.Sprintf("%s cannot be judged on: %s", k, c.Reason)
	case c.Status == access.StatusUnread:
		return fmt.Sprintf("%s was not read yet", k)
	case c.Status != access.StatusComplete && c.Reason != "":
		return fmt.Sprintf("%s cannot be read (%s): %s", k, c.Status, c.Reason)
	case c.Status != access.StatusComplete:
		return fmt.Sprintf("%s cannot be read (%s)", k, c.Status)
	case !in.Dirty[k].IsZero():
		return fmt.Sprintf("%s may have changed since it was last read, and was not read again yet", k)
	case in.MaxAge != nil && in.MaxAge(k) > 0 && !read.IsZero() && in.Now.Sub(read) > in.MaxAge(k):
		return fmt.Sprintf("%s was last read at %s, which is too long ago", k, stamp(read))
	}
	return ""
}

// troubleOf is the first trouble of the kinds.
func (w *world) troubleOf(kinds []access.Kind) string {
	for _, k := range kinds {
		if t := w.trouble(k); t != "" {
			return t
		}
	}
	return ""
}

// collection is what is known of a kind: of another scope's, what was gathered.
func (w *world) collection(k access.Kind) access.Collection {
	if ofOrg(k) != w.in.Scope.IsOrg() {
		return w.in.Facts.Org[k]
	}
	return w.in.Collections[k]
}

// partial is why not everything that the rule reads of other projects is known: then what
// passes is unknown.
func (w *world) partial(r *Rule) string {
	others := r.Siblings
	if w.in.Scope.IsOrg() {
		others = r.Reads
	}
	for _, k := range others {
		if why := w.in.Facts.Unread[k]; why != "" && !ofOrg(k) {
			return why
		}
		if !ofOrg(k) && !w.in.Facts.Gathered() {
			return fmt.Sprintf("%s of the other projects of the org was not gathered yet", k)
		}
	}
	return ""
}

// resting are the rules that judge on the kind here.
func (w *world) resting(k access.Kind) (ids []string) {
	for _, r := range w.engine.rules {
		if r.of(w.in.Scope) && r.appliesTo(w.policy, w.in.Environment) && (slices.Contains(r.Kinds, k) || slices.Contains(r.Reads, k)) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// targets are the names of everything that a database user exists on. An element that
// could not be decoded is there all the same.
func (w *world) targets() []string {
	if w.names != nil {
		return w.names
	}
	w.names = []string{}
	for _, k := range access.TargetKinds() {
		c := w.in.Collections[k]
		for _, r := range c.Resources {
			w.names = append(w.names, r.Name())
		}
		for _, odd := range c.Odd {
			if _, known := c.Find(odd); !known {
				w.names = append(w.names, odd)
			}
		}
	}
	return w.names
}

// prefix is the network of an entry; false for a security group, which has none.
func (w *world) prefix(entry string) (netip.Prefix, bool) {
	p, ok := w.prefixes[entry]
	if !ok {
		p, _ = reach.ParseEntry(entry) // the zero prefix adds nothing to an exposure
		w.prefixes[entry] = p
	}
	return p, p.IsValid()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
