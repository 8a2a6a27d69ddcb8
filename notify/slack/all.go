package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// votesAtOnce is how many commands of one click are given side by side.
const votesAtOnce = 8

// ofGroup is what a click on a whole group asks for: one vote for each action that its card offered.
func (g *Gateway) ofGroup(ctx context.Context, c Click, v Value, group notify.Group, p person, o *opening) error {
	switch {
	case group.ID == "" || group.ID != v.Group:
		return refuse("value", "What this button carries is of no card, and nothing was done.")
	case c.Action == ViewAll && len(c.Votes) > 0: // it was begun before
		return g.voteAll(ctx, c, p)
	case len(group.Votes) == 0:
		return refuse("stale", "The card has changed: nothing on it waits for a vote any more.")
	case c.Action == ActRevertAll:
		return g.openAll(ctx, c, v, group, p, o)
	case c.Action != ViewAll:
		return refuse("action", "This button is not known to this version: look at the card again.")
	case c.About.Digest != offered(group) || c.About.Number != len(group.Votes):
		return refuse("stale", "The card has changed since you saw it: it offers other votes by now. Look at the list again; nothing was decided.")
	case len(group.Votes) > TypedAbove && c.Form.Number != len(group.Votes):
		return refuse("value", "The number that was typed is not "+strconv.Itoa(len(group.Votes))+": nothing was decided.")
	}
	c.Votes = group.Votes
	if err := g.inbox.change(ctx, c, func(cur *Click) { cur.Votes = c.Votes }); err != nil {
		return err
	}
	return g.voteAll(ctx, c, p)
}

func (g *Gateway) openAll(ctx context.Context, c Click, v Value, group notify.Group, p person, o *opening) error {
	stories, may, err := g.someOf(ctx, group, p)
	switch {
	case err != nil:
		return err
	case !may:
		return refuse("not-asked", "You are not among those who decide about these. Ask one of them.")
	}
	about := about{Value: v.String(), Channel: c.Channel, Message: c.Message, Number: len(group.Votes), Digest: offered(group)}
	return o.show(ctx, g.o.Modals.All(group, stories, v), about)
}

// someOf are the first findings that are voted on, and whether the person may vote on one at least.
func (g *Gateway) someOf(ctx context.Context, group notify.Group, p person) (out []notify.Story, may bool, err error) {
	for _, x := range group.Votes {
		if len(out) >= notify.Shown && may {
			break
		}
		s, ok, err := g.o.Stories.Story(ctx, x.Scope, x.Finding, x.Episode)
		if err != nil {
			return nil, false, fmt.Errorf("load what the card is about: %w", err)
		}
		if !ok {
			continue
		}
		may = may || slices.Contains(s.Question.May, p.principal.ID)
		if len(out) < notify.Shown {
			out = append(out, s)
		}
	}
	return out, may, nil
}

// offered is a hash of what a card lets people approve at once.
func offered(group notify.Group) string {
	parts := make([]string, 0, len(group.Votes))
	for _, x := range group.Votes {
		parts = append(parts, strings.Join([]string{string(x.Scope), x.Finding, strconv.Itoa(x.Episode), x.Action, x.Plan}, "|"))
	}
	slices.Sort(parts)
	return access.Hash(parts...)
}

// voteAll gives one vote for each, and tells how many were taken. What is given twice counts once.
func (g *Gateway) voteAll(ctx context.Context, c Click, p person) error {
	var mu sync.Mutex
	taken, no := 0, map[string]int{}
	var again error
	each, ctx2 := errgroup.WithContext(ctx)
	each.SetLimit(votesAtOnce)
	for _, x := range c.Votes {
		each.Go(func() error {
			err := g.voteOne(ctx2, c, x, p)
			r, declined := errors.AsType[refusal](err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case declined:
				no[r.says]++
			case err != nil:
				again = err
			default:
				taken++
			}
			return nil
		})
	}
	_ = each.Wait()
	if again != nil {
		return again
	}
	g.answer(ctx, c, tally(taken, no))
	return nil
}

func (g *Gateway) voteOne(ctx context.Context, c Click, x notify.Offered, p person) error {
	v := Value{Scope: x.Scope, Finding: x.Finding, Episode: x.Episode, Action: x.Action, Plan: x.Plan}
	c.Action, c.Kind = ActRevert, KindAction
	s, err := g.story(ctx, v)
	if err != nil {
		return err
	}
	cmd, err := ballot(c, v, s, p)
	if r, no := errors.AsType[refusal](err); no && r.reason == "stale" && c.Tries > 1 {
		err = nil // perhaps by this very vote, of which there is a record then; else remediation declines it
	}
	if err == nil {
		err = g.stillIn(ctx, p, c.User, g.deciders(s, cmd))
	}
	if err != nil {
		return err
	}
	r, err := g.give(ctx, cmd)
	if err == nil && !r.Accepted {
		return refuse("declined", g.says(r))
	}
	return err
}

// tally is how many votes were taken, and why others were not.
func tally(taken int, no map[string]int) string {
	out := fmt.Sprintf("%d votes were taken.", taken)
	if taken == 1 {
		out = "1 vote was taken."
	}
	if len(no) == 0 {
		return out + " The card shows what becomes of it."
	}
	reasons := make([]string, 0, len(no))
	for says := range no {
		reasons = append(reasons, says)
	}
	slices.SortFunc(reasons, func(a, b string) int {
		if no[a] != no[b] {
			return no[b] - no[a]
		}
		return strings.Compare(a, b)
	})
	for i, says := range reasons {
		if i == 5 {
			out += "\nAnd more, for other reasons."
			break
		}
		out += fmt.Sprintf("\n%d not: %s", no[says], says)
	}
	return out
}
