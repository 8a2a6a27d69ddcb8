package remediate

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// contradicts is what people decided about another finding that the plan would go against:
// several findings may come through the same resource, and their plans overlap. What somebody
// denied is not written for another finding, asked or not, for as long as the denied one
// stands so; what people took back is not done again unasked for as long as it is let stand.
func contradicts(c Case, plan access.Plan) Refusal {
	for _, a := range c.Past {
		o, same := overlap(a.Plan.Operations, plan.Operations)
		switch {
		case !same || a.Finding == c.Finding.ID && a.Episode == c.Finding.Episode:
		case a.State == access.ActionVetoed:
			return onlyTold(GuardVeto, "%s of %s was denied for %s (%s), which still stands: that must be decided first", o.Type, o.Ref.Name, a.Rule, a.Why)
		case a.State == access.ActionUndone && c.Asked == nil && c.Now.Sub(lastStep(a)) < undoWaiver:
			return toPeople(GuardTakenBack, "%s of %s was taken back at %s (%s)", o.Type, o.Ref.Name, access.Stamp(lastStep(a)), a.Why)
		}
	}
	return Refusal{}
}

// overlap is a write that both plans make.
func overlap(a, b []access.Operation) (access.Operation, bool) {
	for _, o := range a {
		if slices.ContainsFunc(b, func(p access.Operation) bool { return p.Type == o.Type && p.Ref == o.Ref }) {
			return o, true
		}
	}
	return access.Operation{}, false
}
