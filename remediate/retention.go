package remediate

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// RetentionDue is when what the action put into quarantine is proposed for deletion; zero:
// it put nothing there, or nothing is ever proposed.
func RetentionDue(a access.Action, keep time.Duration) time.Time {
	if _, ok := quarantined(a); !ok || a.State != access.ActionVerified || a.Outcome.Verified.IsZero() || keep <= 0 {
		return time.Time{}
	}
	return a.Outcome.Verified.Add(keep)
}

// quarantined is the operation by which the action took a user's roles.
func quarantined(a access.Action) (access.Operation, bool) {
	for _, o := range a.Plan.Operations {
		if o.Type == access.QuarantineUser {
			return o, true
		}
	}
	return access.Operation{}, false
}

// PlanRetention deletes the user that the action put into quarantine, if it stayed there for
// as long as the policy keeps it. It is never carried out without being asked.
func PlanRetention(c Case, a access.Action) access.Plan {
	due := RetentionDue(a, c.Policy.Guards.Retention)
	op, u, why := inQuarantine(c, a)
	switch {
	case why != "":
		return access.Plan{Why: why}
	case due.IsZero() || c.Now.Before(due):
		return access.Plan{Why: op.Ref.Name + " is kept in quarantine until " + orNothing(access.Stamp(due))}
	}
	had, _ := access.As[access.DatabaseUser](op.Before)
	p := access.Plan{
		Operations: []access.Operation{{Type: access.DeleteDatabaseUser, Ref: op.Ref, Before: access.Box{State: u}}},
		Ceiling:    access.CeilingAsk,
		Why:        "delete database user " + u.Name() + ", which has been in quarantine since " + access.Stamp(a.Outcome.Verified) + " and had " + orNothing(joined(had.Roles)),
		Reversible: "no: it cannot be taken back: it would have to be created anew, by hand",
	}
	if u.Auth == access.AuthSCRAM {
		p.Reversible = "no: it cannot be taken back: the password is gone"
	}
	return sound(c, p)
}

// inQuarantine is the user as read now, if it is still as the action left it; why: it is not,
// or that is not known.
func inQuarantine(c Case, a access.Action) (op access.Operation, u access.DatabaseUser, why string) {
	op, ok := quarantined(a)
	col, read := c.Fresh[access.KindDatabaseUser]
	switch {
	case !ok:
		return op, u, "the action put nobody into quarantine"
	case !read || !usable(col):
		return op, u, "the database users could not be read: " + orNothing(col.Reason)
	}
	r, _ := col.Find(op.Ref.Name)
	u, ok = access.As[access.DatabaseUser](r.Box)
	switch {
	case !ok:
		return op, u, op.Ref.Name + " is gone: there is nothing to do"
	case len(u.Roles) > 0:
		return op, u, op.Ref.Name + " is in quarantine no longer: it has " + joined(u.Roles)
	}
	return op, u, ""
}
