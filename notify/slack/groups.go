package slack

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	groupFor     = 10 * time.Minute // the members of a user group are believed
	groupRefresh = 5 * time.Minute  // they are asked for again, in the background
	groupBudget  = 1500 * time.Millisecond
)

// groups knows who is in the user groups of Slack that the configuration ties groups to.
type groups struct {
	c *Client

	mu sync.Mutex
	by map[string]subteam
}

type subteam struct {
	users []string
	gone  bool
	at    time.Time
}

func newGroups(c *Client) *groups { return &groups{c: c, by: map[string]subteam{}} }

// has reports whether a user is in a group now. An error means that nobody can say.
func (g *groups) has(ctx context.Context, id, user string) (bool, error) {
	g.mu.Lock()
	known, ok := g.by[id]
	g.mu.Unlock()
	if ok && time.Since(known.at) < groupFor {
		return slices.Contains(known.users, user), nil
	}
	ctx, cancel := context.WithTimeout(ctx, groupBudget)
	defer cancel()
	now, err := g.read(ctx, id)
	return err == nil && slices.Contains(now.users, user), err
}

// read asks Slack for the members of a group. One that is gone has none.
func (g *groups) read(ctx context.Context, id string) (subteam, error) {
	now := subteam{at: time.Now()}
	err := g.c.call(ctx, "usergroups.users.list", "", "read who is in the user group "+id, func(ctx context.Context) (err error) {
		now.users, err = g.c.api.GetUserGroupMembersContext(ctx, id)
		return err
	})
	switch codeOf(err) {
	case "no_such_subteam", "subteam_not_found", "invalid_arguments":
		g.c.health.Raise(WrongGroup, id, fmt.Sprintf("Slack has no user group %s: nobody can decide by the group of the configuration that is tied to it; correct slack.groups, or create the user group again", id))
		now.gone, now.users, err = true, nil, nil
	case "plan_upgrade_required", "missing_scope", "permission_denied":
		g.c.health.Raise(WrongGroup, id, fmt.Sprintf("the user group %s cannot be read (%v): nobody can decide by the group that is tied to it; user groups take a paid plan and the scope usergroups:read", id, err))
	}
	if err != nil {
		return subteam{}, err
	}
	if !now.gone {
		g.c.health.Clear(WrongGroup, id)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.by[id] = now
	return now, nil
}

// refresh asks for all that are tied, and forgets the others. What cannot be read keeps its age.
func (g *groups) refresh(ctx context.Context) {
	var tied []string
	for _, id := range g.c.o.Staff().Ties {
		if !slices.Contains(tied, id) {
			tied = append(tied, id)
		}
	}
	slices.Sort(tied)
	g.c.health.keep(WrongGroup, tied)
	for _, id := range tied {
		_, _ = g.read(ctx, id) // the error was counted and, where it lasts, raised
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.by {
		if !slices.Contains(tied, id) {
			delete(g.by, id)
		}
	}
}

// forget has a group asked for anew: Slack says that it changed.
func (g *groups) forget(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.by, id)
}
