package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Compared says what a report was compared with, and what became of that.
type Compared struct {
	At       time.Time `json:"at"`                 // of the baseline
	Known    int       `json:"known"`              // findings that stood in the baseline and still stand
	New      int       `json:"new"`                // findings that stand and did not in the baseline
	Gone     int       `json:"gone"`               // findings of the baseline that are no more
	Unjudged int       `json:"unjudged"`           // findings of the baseline that could not be judged now
	Untold   int       `json:"untold,omitempty"`   // findings that stand, and that the baseline could not tell of: it could not read what they rest on
	NoValues int       `json:"noValues,omitempty"` // findings that are new only since the baseline, of an older program, does not say which values violated
}

// Baseline marks what is new against a former report. Known is only what stood there,
// judged, not waived, not less severe and by the same values: a waiver that has ended, a
// rule that could not tell then, or a role that was added since hides nothing now. Nor does
// a baseline that does not say by which values. What the baseline could not read is neither
// known nor new, and told apart.
func (r Report) Baseline(former Report) Report {
	was := map[string]Finding{}
	for _, f := range former.Findings {
		was[f.ID] = f
	}
	kinds := map[string][]access.Kind{}
	for _, rule := range r.Rules {
		kinds[rule.ID] = rule.Kinds
	}
	c := Compared{At: former.At}
	r.Findings = slices.Clone(r.Findings)
	for i := range r.Findings {
		f := &r.Findings[i]
		old, there := was[f.ID]
		f.NewWhy = newWhy(*f, old, there)
		if f.NewWhy == notThere && former.couldNotRead(*f, kinds[f.Rule]) {
			f.NewWhy, f.MayBeNew = notRead, true
		}
		f.New = f.NewWhy != "" && !f.MayBeNew
		switch {
		case !f.Stands():
		case f.MayBeNew:
			c.Untold++
		case f.New:
			c.New++
			if f.NewWhy == noValues {
				c.NoValues++
			}
		default:
			c.Known++
		}
		delete(was, f.ID)
	}
	for _, f := range was {
		switch {
		case !f.Open():
		case r.couldTell(f) && !r.couldNotRead(f, kinds[f.Rule]):
			c.Gone++
		default:
			c.Unjudged++
		}
	}
	r.Compared = &c
	return r
}

// Why a finding is new, or may be.
const (
	notThere = "not in the baseline"
	notRead  = "could not be read in the baseline"
	noValues = "the baseline does not say which values violated" // it is of an older program
)

// String says what came of it, in words.
func (c Compared) String() string {
	parts := []string{fmt.Sprintf("%d new", c.New), fmt.Sprintf("%d known", c.Known), fmt.Sprintf("%d gone", c.Gone)}
	if c.Untold > 0 {
		parts = append(parts, fmt.Sprintf("%d may be new, which the baseline could not read", c.Untold))
	}
	if c.Unjudged > 0 {
		parts = append(parts, fmt.Sprintf("%d could not be judged again, which does not mean gone", c.Unjudged))
	}
	return strings.Join(parts, ", ")
}

// Doubt says what a baseline without digests leaves open.
func (c Compared) Doubt() string {
	return fmt.Sprintf("%s of the baseline %s there without the values that violated, which may be others now, and so counted as new: write a baseline with this program.",
		plural(c.NoValues, "finding", "findings"), map[bool]string{true: "stands", false: "stand"}[c.NoValues == 1])
}

// newWhy is why a finding is new; empty: it is not.
func newWhy(f, old Finding, there bool) string {
	switch {
	case !f.Open():
		return ""
	case !there || !old.Open():
		return notThere
	case old.IsWaived() && !f.IsWaived():
		return "was waived in the baseline"
	case old.Unknown != "" && f.Unknown == "":
		return "could not be judged in the baseline"
	case rank(f.Severity) < rank(old.Severity):
		return "was " + string(old.Severity) + " in the baseline"
	case f.IsWaived():
		return ""
	case f.Digest != "" && old.Digest == "":
		return noValues
	case f.Digest != old.Digest:
		return "violates by other values than in the baseline"
	}
	return ""
}

// couldTell reports whether the rule of a finding was judged here without unknowns.
func (r Report) couldTell(f Finding) bool {
	for _, s := range r.Scopes {
		if s.Scope == f.Ref.Scope {
			j, ok := s.Judged[f.Rule]
			return ok && j.Unknown == 0
		}
	}
	return false
}

// couldNotRead reports whether something was not read of what a rule of these kinds judges
// a finding by: in its project, or in the org of that.
func (r Report) couldNotRead(f Finding, kinds []access.Kind) bool {
	i := slices.IndexFunc(r.Scopes, func(s Scope) bool { return s.Scope == f.Ref.Scope })
	if i < 0 {
		return false
	}
	own, org := r.Scopes[i], r.Scopes[i].OrgID
	return slices.ContainsFunc(r.Scopes, func(s Scope) bool {
		if s.Scope != own.Scope && (org == "" || s.Scope != access.OrgScope(org)) {
			return false
		}
		return slices.ContainsFunc(append(slices.Clone(kinds), f.Ref.Kind), func(k access.Kind) bool {
			read, tried := s.Reads[k]
			return tried && !read.Readable()
		})
	})
}

// Shares reports whether the two reports are of some org or project in common: another
// org's report is no baseline.
func (r Report) Shares(other Report) bool {
	return slices.ContainsFunc(r.Scopes, func(s Scope) bool {
		return slices.ContainsFunc(other.Scopes, func(o Scope) bool { return o.Scope == s.Scope })
	})
}
