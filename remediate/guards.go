package remediate

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Guards of what is done without being asked. Each turns a revert into a question: what
// people have approved passes them.
const (
	GuardOwnership = "ownership"
	GuardWar       = "war"
	GuardWindow    = "window"
)

// Guards are what configuration says of reverts that nobody was asked about. The zero value
// keeps nothing from being reverted.
type Guards struct {
	Ownership []access.Ownership `json:"ownership,omitempty"`
	War       access.War         `json:"war,omitzero"`
	Windows   []access.Window    `json:"windows,omitempty"`
	Retention time.Duration      `json:"retention,omitempty"` // of database users in quarantine; 0: never proposed for deletion
}

// alone says whether this may be put right without being asked: whether nobody puts it back
// each time, no tool owns it, and no window is open (or closed) that wants people asked.
func alone(c Case) Refusal {
	for _, guard := range []func(Case) Refusal{warring, owned, windowed} {
		if r := guard(c); !r.OK() {
			return r
		}
	}
	return Refusal{}
}

// toPeople is a refusal by which a person decides.
func toPeople(guard, format string, args ...any) Refusal {
	r := refuse(guard, format, args...)
	r.End = access.ActionTold
	return r
}

// onlyTold is a refusal that people hear of and are not asked about: a vote on each of a
// hundred rounds would be no decision.
func onlyTold(guard, format string, args ...any) Refusal {
	r := toPeople(guard, format, args...)
	r.Tell = true
	return r
}

// targets are what the finding is about: its Ref and its causes in the same scope.
func targets(f access.Finding) []access.Ref {
	out := []access.Ref{f.Ref}
	for _, r := range f.Evidence.Causes {
		if r.Scope == f.Ref.Scope {
			out = append(out, r)
		}
	}
	return out
}

// ofProject reports whether a project is one of the patterns: by its name, or its id. No
// patterns name every project.
func ofProject(patterns []string, c Case) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		return access.Match(p, c.Finding.Ref.Scope.ID()) || c.Title != "" && access.Match(p, c.Title)
	})
}
