package config

import (
	"fmt"
	"slices"

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
	w.networks()
	w.identities()
	w.roles()
	w.owners()
	w.readers()
	w.elsewhere()
	w.overrides()
	w.expectations()
	w.responses()
	w.auth()
	w.slack()
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
	writes := slices.ContainsFunc(f.Responses, func(r access.Response) bool { return r.Do == access.ModeRevert || r.Do == access.ModeApprove })
	switch {
	case f.DryRun:
	case f.Atlas.Profile == reach.ProfileScan || f.Atlas.Profile == reach.ProfileObserve:
		w.warn("dry_run", "false, but atlas.profile is %s: nothing will be written", f.Atlas.Profile)
	case !writes:
		w.warn("dry_run", "false, but no response says revert or approve: nothing will be written")
	}
	if f.Guards.ProjectHour > f.Guards.OrgHour {
		w.warn("guards.caps.project_hour", "%d, above org_hour, which is %d and counts too", f.Guards.ProjectHour, f.Guards.OrgHour)
	}
}

func (w *warner) responses() {
	for i, r := range w.file.Responses {
		at := fmt.Sprintf("responses[%d]", i)
		if r.Do != access.ModeRevert && r.Grace > 0 {
			w.warn(at, "grace is of reverts: it has no effect here")
		}
		if len(r.Approvers) == 0 && (r.Quorum > 1 || r.OnDeadline != access.LateNotify || len(r.Escalate) > 0) {
			w.warn(at, "quorum, on_deadline and escalate are of questions: without approvers they have no effect")
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

// takes reports whether a pattern matches everything that another one matches: a star
// of the other is a character like any, and only a star matches that.
func takes(pattern, other string) bool { return access.Match(pattern, other) }

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
