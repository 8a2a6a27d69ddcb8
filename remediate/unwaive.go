package remediate

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// unwaive ends a waiver that commands gave, before its time. What is ended stays in the store
// with its end, and what it let stand is judged again. That is stricter, so one person is
// enough, and it may be who gave it or who made the change.
func (s *Stage) unwaive(ctx context.Context, p Policy, c access.Command) (answer, error) {
	doc, _, err := s.Waivers.Get(ctx, access.WaiversKey)
	if err != nil {
		return answer{}, fmt.Errorf("read what stands: %w", err)
	}
	i := waiverAt(doc, c)
	if i < 0 {
		return declined("no command gave a waiver %s in %s; one of the configuration ends when it is taken out of the file", c.Waiver.ID, c.Scope), nil
	}
	w := doc.Waivers[i]
	f, _, err := s.finding(ctx, c.Scope, w.Finding(c.Scope))
	if err != nil {
		return answer{}, err
	}
	if !mayEnd(p, f, w, c.By) {
		return declined("%s is not among those who decide about it: the approvers of its response, guards.operators, and who gave it", c.By), nil
	}
	now := s.now()
	return s.changed(ctx, c, func(next *access.Waivers) (answer, bool) {
		i := waiverAt(*next, c)
		if i < 0 {
			return declined("waiver %s is forgotten: it ended long ago", c.Waiver.ID), false
		}
		holds := now.Before(next.Waivers[i].Until)
		if holds {
			next.Waivers[i].Until, next.Waivers[i].EndedBy = now, c.By
		}
		return accepted("%s", over(next.Waivers[i])), holds
	})
}

// waiverAt is where the waiver stands that a command is about; -1: it is not of the command's
// scope, or not there.
func waiverAt(doc access.Waivers, c access.Command) int {
	return slices.IndexFunc(doc.Waivers, func(w access.Waiver) bool { return w.ID == c.Waiver.ID && w.Project == c.Scope.ID() })
}

// mayEnd reports whether somebody may end a waiver: of what is found no more, an operator or who
// gave it.
func mayEnd(p Policy, f access.Finding, w access.Waiver, by string) bool {
	who := p.People.members(p.People.Operators)
	if f.ID != "" {
		who = deciders(p, f)
	}
	return slices.Contains(who, by) || by == w.Owner || slices.Contains(w.Agreed, by)
}

// over says when a waiver ended.
func over(w access.Waiver) string {
	said := fmt.Sprintf("the waiver of %s of %s ended at %s", w.Rule, w.Name, access.Stamp(w.Until))
	if w.EndedBy != "" {
		said += ", by " + w.EndedBy + ": what it let stand is judged again"
	}
	return said
}
