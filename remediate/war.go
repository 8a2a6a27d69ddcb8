package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// warring stops where the same resource is put back each time that it was put right: two
// automations that undo each other harm whoever uses it more than either state does.
//
// How often that was is counted nowhere: it is in the actions, which are kept. A flip is a
// change that came about after an action of ours had put the resource right, whichever rule
// that was by; changes that one write of ours answered count once, and so does one change
// that two rules answered. Once stopped it stays so until nothing was put back for the
// whole of the window.
func warring(c Case) Refusal {
	w := c.Policy.Guards.War
	if w.Flips <= 0 || w.Window <= 0 {
		return Refusal{}
	}
	n, writers := flips(c, w.Window)
	if n >= w.Flips {
		return onlyTold(GuardWar, "it was put right and put back %d times within %s, by %s: nothing more is written to it until that ends; find out why, and change it where it comes from",
			n, access.Lasts(w.Window), writers)
	}
	for _, a := range c.Past {
		if at := lastStep(a); a.Guard == GuardWar && c.Now.Sub(at) < w.Window {
			return onlyTold(GuardWar, "it was left to people at %s, since it was put back each time that it was put right, and now %s has put it back again", access.Stamp(at), writers)
		}
	}
	return Refusal{}
}

// round is one of our writes with the change that it answered.
type round struct {
	cause, done time.Time
	actor       access.Actor
}

// flips is how often the resource was put back within the window, and by whom.
func flips(c Case, window time.Duration) (n int, writers string) {
	var rounds []round
	for _, a := range c.Past {
		if v := a.Outcome.Verified; !v.IsZero() && c.Now.Sub(v) < window {
			rounds = append(rounds, round{a.Outcome.ExposedFrom, v, a.Actor})
		}
	}
	slices.SortFunc(rounds, func(a, b round) int { return a.cause.Compare(b.cause) })
	rounds = append(rounds, round{cause: c.Finding.CauseAt, actor: actorOf(c)})
	var by []string
	for i, first := 1, rounds[0]; i < len(rounds); i++ {
		switch r := rounds[i]; {
		case r.answers(first):
			n, first = n+1, r
			by = append(by, called(r.actor))
		case !r.done.IsZero() && r.done.Before(first.done):
			first.done = r.done
		}
	}
	slices.Sort(by)
	if by = slices.Compact(by); len(by) == 0 {
		by = []string{called(actorOf(c))}
	}
	return n, strings.Join(by, " and ")
}

// answers reports whether the change came after the other one was put right. Atlas dates its
// events by the second.
func (r round) answers(former round) bool {
	return r.cause.After(former.cause) && !r.cause.Before(former.done.Truncate(time.Second))
}

// called is an actor for people.
func called(a access.Actor) string {
	if a.Name == "" {
		return "somebody whom the feed does not name"
	}
	s := a.Name
	if a.OnBehalfOf != "" {
		s += " on behalf of " + a.OnBehalfOf
	}
	if a.Type == access.ActorAPIKey || a.Type == access.ActorServiceAccount {
		s = strings.ReplaceAll(string(a.Type), "_", " ") + " " + s
	}
	if a.Principal != "" && a.Principal != a.Name {
		s += " (" + a.Principal + ")"
	}
	return s
}

func lastStep(a access.Action) time.Time {
	if len(a.Steps) == 0 {
		return a.Created
	}
	return a.Steps[len(a.Steps)-1].At
}

// pastEpisodes bounds how many episodes of one finding are looked back at.
const pastEpisodes = 20

// recall loads into the case what guards of unasked reverts want to know of the past: the
// actions that wrote to the same resources lately, of this finding's earlier episodes and of
// other findings on the same, and what the project is called.
func (s *Stage) recall(ctx context.Context, c *Case) error {
	back := max(c.Policy.Guards.War.Window, undoWaiver)
	if len(c.Policy.Guards.Ownership) > 0 {
		back = max(back, ownedFor)
	}
	doc, _, err := s.Findings.Get(ctx, string(c.Finding.Ref.Scope))
	if err != nil {
		return fmt.Errorf("look back at what was done about %s: %w", c.Finding.Ref, err)
	}
	if n := len(doc.Called); n > 0 {
		c.Title = doc.Called[n-1].Title
	}
	c.Past = nil
	about := targets(c.Finding)
	for _, f := range doc.Findings {
		if !alike(f, c.Finding) {
			continue
		}
		from := f.Episode
		if f.ID == c.Finding.ID {
			from = c.Finding.Episode - 1
		}
		for e := from; e > 0 && e > from-pastEpisodes; e-- {
			a, rev, err := s.Actions.Get(ctx, access.ActionID(f.ID, e))
			if err != nil {
				return fmt.Errorf("look back at what was done about %s: action %s: %w", c.Finding.Ref, access.ActionID(f.ID, e), err)
			}
			if rev == 0 {
				continue
			}
			denied := a.State == access.ActionVetoed && e == f.Episode && f.Open()
			if c.Now.Sub(lastStep(a)) > back && !denied {
				break
			}
			if concerns(a, about) {
				c.Past = append(c.Past, a)
			}
		}
	}
	return nil
}

// alike reports whether what was done about the one finding may have been done to what the
// other one is about. Of a union of entries, what its former episodes were about is known
// from their actions alone.
func alike(f, g access.Finding) bool {
	if f.ID == g.ID || f.Ref.Kind == access.KindProject && g.Remedy != "" && f.Remedy == g.Remedy {
		return true
	}
	return slices.ContainsFunc(targets(f), func(r access.Ref) bool { return slices.Contains(targets(g), r) })
}

// concerns reports whether the action wrote, or was to write, to one of the resources.
func concerns(a access.Action, refs []access.Ref) bool {
	if slices.Contains(refs, a.Ref) {
		return true
	}
	return slices.ContainsFunc(a.Plan.Operations, func(o access.Operation) bool { return slices.Contains(refs, o.Ref) })
}
