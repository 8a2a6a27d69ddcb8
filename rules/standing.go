package rules

import (
	"cmp"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// takeMatch takes in a verdict of a change rule: a match stands with its change; one
// that could not be judged waits, under a key of its own and without an expiry.
func (f *fold) takeMatch(r *Rule, id string, v access.Verdict) {
	old, exists := f.next.Findings[id]
	waiting := access.FindingID(v.Rule, v.Ref, v.Key) + "." + v.Evidence.Change
	c, known := f.changes[v.Evidence.Change]
	switch v.Answer {
	case access.AnswerViolation:
		delete(f.next.Standing, waiting)
		f.seen[id] = true
		f.verdicts[id] = v
		if known {
			f.stand(r, id, v, c, old, exists)
		}
	case access.AnswerUnknown:
		if known && f.in.Now.Before(r.expires(c)) {
			f.next.Standing[waiting] = access.Standing{Rule: r.ID, Change: c}
		} else {
			delete(f.next.Standing, waiting)
		}
	default:
		delete(f.next.Standing, waiting)
		if v.Evidence.Change != "" { // a change that waited does not match
			return
		}
		delete(f.next.Standing, id)
		f.seen[id] = true
		if exists && old.Open() {
			f.resolve(id, v.Why, old.Evidence.Ended)
		}
	}
}

// stand lets a match stand. Of several of one reference the newest does; one that the
// finding has told already is not told again.
func (f *fold) stand(r *Rule, id string, v access.Verdict, c access.Change, old access.Finding, exists bool) {
	if exists && compareChanges(c.Occurred.Compare(old.CauseAt), c.ID, old.Evidence.Change) < 0 || exists && !old.Open() && c.ID == old.Evidence.Change {
		return
	}
	f.next.Standing[id] = access.Standing{Rule: r.ID, Change: c, Expires: r.expires(c)}
	if !exists || !old.Open() {
		f.open(id, v, old)
	} else if f.unannounced(id, v, old) {
		f.open(id, v, f.next.Findings[id])
	} else {
		n := refresh(old, v, f.in)
		n.Digest = f.e.digest(f.in, f.names, v)
		n.CauseAt, n.Actor, n.Evidence, n.Expected = v.CauseAt, v.Actor, v.Evidence, cmpOr(f.expected(v), old.Expected)
		f.next.Findings[id] = n
	}
	if !f.in.Now.Before(r.expires(c)) {
		delete(f.next.Standing, id)
		f.resolve(id, "it is long over: it stands for "+access.Lasts(r.StandsFor), v.Evidence.Ended)
	}
}

func compareChanges(when int, a, b string) int { return cmp.Or(when, strings.Compare(a, b)) }
