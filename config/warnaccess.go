package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// environments warns of projects that two environments match. A catch-all takes only
// what no other one matches.
func (w *warner) environments() {
	for j, later := range w.file.Environments {
		for _, earlier := range w.file.Environments[:j] {
			if !later.CatchAll && !earlier.CatchAll {
				w.overlap(earlier, later)
			}
		}
	}
}

func (w *warner) overlap(earlier, later access.Environment) {
	const judged = "such projects are judged as the stricter of the two, and reported"
	at := "environments." + later.Name
	for i, p := range later.Projects {
		for _, q := range earlier.Projects {
			name, both := meet(p, q)
			switch {
			case !both:
				continue
			case p == q:
				w.warn(fmt.Sprintf("%s.projects[%d]", at, i), "%q stands under %s too: %s", p, earlier.Name, judged)
			case name == p || name == q:
				w.warn(fmt.Sprintf("%s.projects[%d]", at, i), "%q overlaps with %q of %s: %s", p, q, earlier.Name, judged)
			default:
				w.warn(fmt.Sprintf("%s.projects[%d]", at, i), "%q overlaps with %q of %s, as in %q: %s", p, q, earlier.Name, name, judged)
			}
			break
		}
	}
	if len(earlier.Tags) > 0 && len(later.Tags) > 0 && (subset(earlier.Tags, later.Tags) || subset(later.Tags, earlier.Tags)) {
		w.warn(at+".tags", "a project can have these tags and those of %s: %s", earlier.Name, judged)
	}
}

// networks warns of a network that two environments use for the same purpose, unless it
// is declared as shared.
func (w *warner) networks() {
	var shared []netip.Prefix
	for _, s := range w.file.Ranges.Shared {
		if p, err := netip.ParsePrefix(s); err == nil {
			shared = append(shared, p)
		}
	}
	for j, n := range w.file.Networks {
		for _, purpose := range slices.Sorted(maps.Keys(n.Purposes)) {
			for i, r := range n.Purposes[purpose] {
				other := slices.IndexFunc(w.file.Networks[:j], func(o access.Network) bool { return slices.Contains(o.Purposes[purpose], r) })
				if p, err := netip.ParsePrefix(r); other >= 0 && err == nil && !reach.Contains(shared, p) {
					w.warn(fmt.Sprintf("networks.%s.%s[%d]", n.Environment, purpose, i), "%s stands under %s too: if both may use it, list it under networks.shared", r, w.file.Networks[other].Environment)
				}
			}
		}
	}
}

func (w *warner) identities() {
	for j, id := range w.file.Identities {
		at := fmt.Sprintf("identities[%d]", j)
		w.idle(at, id)
		w.byName(at, id)
		for i, earlier := range w.file.Identities[:j] {
			if !covers(earlier.Environments, id.Environments, same[string]) {
				continue
			}
			for _, c := range clashes(earlier, id, takes) {
				w.warn(c.path(j), "never used: identities[%d] takes what it matches, and the first counts", i)
			}
		}
	}
}

// idle warns of what an identity declares and no rule asks for.
func (w *warner) idle(at string, id access.Identity) {
	aged := []string{access.ClassMigration, access.ClassBreakGlass, access.ClassHuman, access.ClassDynamic}
	if id.MaxAge > 0 && !slices.Contains(aged, id.Class) {
		w.warn(at+".max_age", "it has no effect on class %s: it is of %s", id.Class, orList(aged))
	}
	if !id.Until.IsZero() && id.Class != access.ClassSync {
		w.warn(at+".until", "it has no effect on class %s: it is of %s", id.Class, access.ClassSync)
	}
	if len(id.AtlasRoles) > 0 && len(id.Machines) == 0 {
		w.warn(at+".atlas_roles", "it has no effect: they are declared for machines, and it names none")
	}
	if len(id.Roles)+len(id.Scopes) > 0 && !asks(id) {
		w.warn(at, "roles and scopes have no effect: they are those of database users, and it names none; roles of machines are atlas_roles")
	}
}

// byName warns of what a name alone does not give: whoever makes users and credentials
// chooses what they are called.
func (w *warner) byName(at string, id access.Identity) {
	permits := id.Class == access.ClassSync || id.Class == access.ClassPlatformAdmin || id.Class == access.ClassMigration && id.MaxAge == 0
	for i, name := range id.Usernames {
		if permits && len(id.Labels) == 0 && strings.Contains(name, "*") {
			w.warn(fmt.Sprintf("%s.usernames[%d]", at, i), "a pattern alone: those whom it matches are of class %s, but may not be administrators; %s", id.Class, binding(id.Class))
		}
	}
	owner := slices.Contains(id.AtlasRoles, reach.OrgOwner) || slices.Contains(id.AtlasRoles, reach.ProjectOwner)
	for i, name := range id.Machines {
		if owner && (strings.Contains(name, "*") || !strings.HasPrefix(name, "mdb_sa_id_") && len(name) != publicKey) {
			w.warn(fmt.Sprintf("%s.machines[%d]", at, i), "neither a client id nor a public key: by what it is called a credential is not taken for a declared owner")
		}
	}
}

// publicKey is how long the public keys of Atlas are.
const publicKey = 8

func binding(class string) string {
	if class == access.ClassMigration {
		return "give the very names, labels, or a max_age"
	}
	return "give the very names, or labels"
}

// roles warns of a declared role that is a built-in one but for its case.
func (w *warner) roles() {
	for i, id := range w.file.Identities {
		for j, g := range id.Roles {
			for _, known := range reach.DatabaseRoles() {
				if g.Role != known && strings.EqualFold(g.Role, known) {
					w.warn(fmt.Sprintf("identities[%d].roles[%d]", i, j), "%q is no built-in role, but %q is", g.Role, known)
				}
			}
		}
	}
}

// owners warns of an owner that is nobody, where people and teams are declared; a
// waiver always needs one that is somebody, who is reminded of its end.
func (w *warner) owners() {
	known := w.file.owners()
	check := func(at, owner string) {
		if owner != "" && !slices.Contains(known, owner) {
			w.warn(at, "%q is no principal, no group and no team of the matrix%s", owner, meant(owner, known))
		}
	}
	for i, v := range w.file.Waivers {
		check(fmt.Sprintf("waivers[%d].owner", i), v.Owner)
	}
	if len(known) == 0 {
		return
	}
	for i, id := range w.file.Identities {
		check(fmt.Sprintf("identities[%d].owner", i), id.Owner)
	}
	for i, r := range w.file.Responses {
		for j, o := range r.Owners {
			check(fmt.Sprintf("responses[%d].owners[%d]", i, j), o)
		}
	}
}

// owners are the names that an owner may have.
func (f *File) owners() []string {
	var out []string
	for _, p := range f.Principals {
		out = append(out, p.ID)
	}
	out = append(out, slices.Sorted(maps.Keys(f.Groups))...)
	for _, row := range f.Matrix {
		out = append(out, row.Team)
	}
	return out
}

func (w *warner) overrides() {
	for id, o := range w.file.Rules.Overrides {
		if o.AcceptRisk && !o.HasCeiling {
			w.warn(join("rules.override", id)+".accept_risk", "it has no effect without a ceiling")
		}
	}
}

// expectations warns of an actor that is a principal but for a slip of the pen: what is
// announced would be judged as if it were not.
func (w *warner) expectations() {
	var ids []string
	for _, p := range w.file.Principals {
		ids = append(ids, p.ID)
	}
	for i, e := range w.file.Expectations {
		if near := nearest(e.Actor, ids); near != "" && near != e.Actor && !slices.ContainsFunc(w.file.Principals, func(p access.Principal) bool { return acts(p, e.Actor) }) {
			w.warn(fmt.Sprintf("expectations[%d].actor", i), "%q is not the id of one of the principals; did you mean %q?", e.Actor, near)
		}
	}
}
