package rules

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ruleWeakened tells of a project that comes under weaker rules: those count only once it is
// acknowledged.
const ruleWeakened = "project/environment-weakened"

// acknowledge takes in what people know of. An acknowledgement holds for one episode. What
// stands only because of a change ends by it; what is a state stays open, and is called
// acknowledged: it is not told again, and nothing else about it changes.
func (f *fold) acknowledge() {
	for _, a := range f.in.Acknowledged {
		n, ok := f.next.Findings[a.Finding]
		if !ok || n.State != access.FindingOpen || n.Episode != a.Episode || f.in.Now.Before(a.At) {
			continue
		}
		why := "acknowledged by " + a.By
		if a.Reason != "" {
			why += ": " + a.Reason
		}
		if _, stands := f.next.Standing[a.Finding]; stands {
			delete(f.next.Standing, a.Finding)
			f.resolve(a.Finding, why, n.Evidence.Ended)
			continue
		}
		n.State = access.FindingAcknowledged
		f.put(a.Finding, access.FindingOpen, n, why)
	}
}

// released reports whether somebody acknowledged that the project comes under weaker rules.
func released(cur access.Findings, acknowledged []access.Acknowledgement) bool {
	return slices.ContainsFunc(acknowledged, func(a access.Acknowledgement) bool {
		f, ok := cur.Findings[a.Finding]
		return ok && f.Rule == ruleWeakened && f.Open() && f.Episode == a.Episode
	})
}
