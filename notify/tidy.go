package notify

import (
	"context"
	"errors"
	"strings"
	"time"
)

const (
	keepFor = 30 * 24 * time.Hour // a card whose findings are all over
	overdue = 10 * time.Minute    // after which what was not told is looked at once more
)

// Tidy goes through the keys of the store: it removes what is of no use any more, and has those groups
// looked at whose notice was lost. One document's error does not keep it from the others. It may run
// beside everything else, and in several processes.
func (p *Poster) Tidy(ctx context.Context, keys []string, remove func(ctx context.Context, key string) error) error {
	var errs []error
	for _, key := range keys {
		kind, id, _ := strings.Cut(key, ".")
		var useless bool
		var err error
		switch kind {
		case "grp":
			useless, err = p.tidyGroup(ctx, id, remove)
		case "cause":
			useless, err = p.dangling(ctx, key)
		case "place":
			at, _, gone := p.Store.Places.Get(ctx, key)
			useless, err = gone == nil && at.Group == "" && p.Now().Sub(at.Since) > keepFor, gone
		case "day":
			day, _, gone := p.Store.Days.Get(ctx, key)
			useless, err = gone == nil && p.Now().Sub(day.Since) > keepFor, gone
		}
		if err == nil && useless {
			err = remove(ctx, key)
		}
		errs = append(errs, wrap("tidy up "+key, err))
	}
	return errors.Join(errs...)
}

// dangling reports whether a pointer names a group that is not there any more.
func (p *Poster) dangling(ctx context.Context, key string) (bool, error) {
	to, _, err := p.Store.Pointers.Get(ctx, key)
	if err != nil {
		return false, err
	}
	_, known, err := p.Store.Group(ctx, to.Group)
	return err == nil && !known, err
}

// tidyGroup reports whether a group is of no use any more, and removes what leads to it.
func (p *Poster) tidyGroup(ctx context.Context, id string, remove func(context.Context, string) error) (useless bool, err error) {
	g, ok, err := p.Store.Group(ctx, id)
	if err != nil || !ok {
		return false, err
	}
	age := p.Now().Sub(g.Last)
	if g.Into == "" && g.Said == "" && len(g.Members) > 0 && age > overdue && p.Now().Sub(g.Hold) > overdue {
		return false, p.mark(ctx, g.Members[0].Scope, g.Channel, g.ID)
	}
	if age < keepFor {
		return false, nil
	}
	t, err := p.load(ctx, g)
	if err != nil || !t.over && len(g.Members) > 0 || p.Now().Sub(t.closed) < keepFor {
		return false, err
	}
	for _, m := range g.Members {
		if err := p.leave(ctx, g, m, remove); err != nil {
			return false, err
		}
	}
	for _, at := range append(g.Former, g.At) {
		if at.ID == "" {
			continue
		}
		if err := remove(ctx, atKey(at)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// leave removes the place of a member, if it is in this group (or in what this group was moved into).
func (p *Poster) leave(ctx context.Context, g Group, m Member, remove func(context.Context, string) error) error {
	at, _, err := p.Store.Places.Get(ctx, m.key(g.Channel))
	if err != nil || at.Group != g.ID {
		return err
	}
	return remove(ctx, m.key(g.Channel))
}
