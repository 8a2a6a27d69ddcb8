package rules

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Waivers and expectations mean projects by patterns for their names, and whoever may rename a
// project chooses its name. So what was open stays open when only the name changed: a waiver
// means the project by the name that it was known to have when the waiver was granted, and an
// expectation by the name that it has had for as long as expectations may last. The id means it
// whatever it is called.

// manyNames is how many names of a scope are remembered. By those before it is not known.
const manyNames = 20

// called is the name by which expectations mean the scope.
func (e *Engine) called(in *Input) string {
	return e.calledAt(in, in.Now.Add(-access.LongestExpectation))
}

// calledAt is the name by which what was said at that time means the scope; empty: it is not
// known, and only the id does. While a project is held to the environment that it was in
// before, no name means it: until that is acknowledged its id alone does.
func (e *Engine) calledAt(in *Input, at time.Time) string {
	if p := access.States[access.Project](in.Collections[access.KindProject]); len(p) == 1 {
		if now, _ := e.policy.environment(p[0]); now != in.Environment {
			return ""
		}
	}
	for _, c := range slices.Backward(calledNow(in)) {
		if !c.Since.After(at) {
			return c.Title
		}
	}
	return ""
}

// calledNow are the names that were known so far, and the one of now.
func calledNow(in *Input) []access.Called {
	title := titleOf(in)
	switch n := len(in.Called); {
	case title == "": // it cannot be read
		return in.Called
	case n == 0:
		return []access.Called{{Title: title}}
	case in.Called[n-1].Title == title:
		return in.Called
	default:
		return append(slices.Clone(in.Called[max(0, n-manyNames+1):]), access.Called{Title: title, Since: in.Now})
	}
}

func titleOf(in *Input) string {
	for _, p := range access.States[access.Project](in.Collections[access.KindProject]) {
		return p.Title
	}
	for _, o := range access.States[access.Org](in.Collections[access.KindOrg]) {
		return o.Title
	}
	return ""
}
