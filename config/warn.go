package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// warner looks for what is allowed and probably not meant.
type warner struct {
	*reporter
	file *File
}

func (w *warner) all() {
	w.writing()
	w.environments()
	w.worlds()
	w.owners()
	w.roles()
	w.responses()
}

// warn reports at a path's place.
func (w *warner) warn(path, format string, args ...any) {
	line, col := w.file.Position(path)
	w.report(line, col, path, format, args...)
}

func (w *warner) writing() {
	f := w.file
	for i, o := range f.Atlas.Orgs {
		at := fmt.Sprintf("atlas.orgs[%d]", i)
		switch {
		case !f.DryRun && o.Write.IsZero():
			w.warn(at, "dry_run is false, but this org has no write credentials: nothing will be written there")
		case o.Write == o.Read:
			w.warn(at+".write", "the same credentials as read: a reader that can write is a bigger risk; give reading its own")
		}
	}
	reverts := slices.ContainsFunc(f.Responses, func(r access.Response) bool { return r.Do == access.ModeRevert })
	switch {
	case f.DryRun:
	case f.Atlas.Profile == reach.ProfileScan || f.Atlas.Profile == reach.ProfileObserve:
		w.warn("dry_run", "false, but atlas.profile is %s: nothing will be written", f.Atlas.Profile)
	case !reverts:
		w.warn("dry_run", "false, but no response says revert: nothing will be written")
	}
	if f.Guards.ProjectHour > f.Guards.OrgHour {
		w.warn("guards.caps.project_hour", "%d, above org_hour, which is %d and counts too", f.Guards.ProjectHour, f.Guards.OrgHour)
	}
}

// environments warns of a pattern under two environments: its projects match both.
func (w *warner) environments() {
	seen := map[string]string{}
	for _, e := range w.file.Environments {
		for i, p := range e.Projects {
			if other, twice := seen[p]; twice && other != e.Name {
				w.warn(fmt.Sprintf("environments.%s.projects[%d]", e.Name, i), "%q stands under %s too: such projects are judged as the stricter of the two, and reported", p, other)
			}
			seen[p] = e.Name
		}
	}
}

// worlds warns of a declared network that is everybody.
func (w *warner) worlds() {
	check := func(at string, ranges []string) {
		for i, r := range ranges {
			if p, err := netip.ParsePrefix(r); err == nil && reach.CoversWorld(p) {
				w.warn(fmt.Sprintf("%s[%d]", at, i), "%s is everybody: what is declared here is never an undeclared source", r)
			}
		}
	}
	for _, n := range w.file.Networks {
		for purpose, ranges := range n.Purposes {
			check("networks."+n.Environment+"."+purpose, ranges)
		}
	}
	check("networks.developer", w.file.Developer)
}

// owners warns of an owner that no principal is, where principals are declared.
func (w *warner) owners() {
	var ids []string
	for _, p := range w.file.Principals {
		ids = append(ids, p.ID)
	}
	check := func(at, owner string) {
		if owner != "" && len(ids) > 0 && !slices.Contains(ids, owner) {
			w.warn(at, "%q is not the id of one of the principals%s", owner, meant(owner, ids))
		}
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

func (w *warner) responses() {
	for i, r := range w.file.Responses {
		at := fmt.Sprintf("responses[%d]", i)
		if r.Do != access.ModeRevert && r.Grace > 0 {
			w.warn(at, "grace is of reverts: it has no effect here")
		}
		for j, earlier := range w.file.Responses[:i] {
			if shadows(earlier, r) {
				w.warn(at, "never used: responses[%d] matches everything that it matches, and the first counts", j)
				break
			}
		}
	}
}

// shadows reports whether a matches everything that b matches.
func shadows(a, b access.Response) bool {
	return covers(a.Rules, b.Rules, takes) && covers(a.Environments, b.Environments, same[string]) &&
		covers(a.Severities, b.Severities, same[access.Severity]) && covers(a.Owners, b.Owners, same[string])
}

// takes reports whether a pattern, * for any run of characters, matches everything
// that another one matches: a star of the other can only fall to a star.
func takes(pattern, s string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild || !strings.HasPrefix(s, head) {
		return pattern == s
	}
	for i := len(head); i <= len(s); i++ {
		if takes(rest, s[i:]) {
			return true
		}
	}
	return false
}

func same[T comparable](a, b T) bool { return a == b }

// covers reports whether a list, empty for everything, takes in another one.
func covers[T any](a, b []T, takes func(a, b T) bool) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == 0
	}
	return !slices.ContainsFunc(b, func(y T) bool {
		return !slices.ContainsFunc(a, func(x T) bool { return takes(x, y) })
	})
}
