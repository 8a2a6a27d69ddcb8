package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	boardTimeout = 20 * time.Second // of one call; well below the lease of a claim
	shutFor      = time.Minute      // a board that does not let us in is asked once more
	maxFormer    = 10               // former cards that a group remembers
	maxLines     = 200              // keys of lines
	busy         = time.Minute      // a board that asks for no more than that is in its limits, and nothing is wrong
)

// tell brings the card of a group to what its findings are now.
func (p *Poster) tell(ctx context.Context, n access.Notice) error {
	if left := p.shutFor(); left > 0 {
		return Later{Delay: left, Why: p.Board.Name() + " does not let us in"} // which is told once
	}
	g, ok, err := p.Store.Group(ctx, n.Group)
	if err != nil || !ok {
		return err
	}
	switch {
	case g.Into != "":
		return p.divert(ctx, n, g, gathering{})
	case len(g.Members) == 0 && !g.Words && !g.told():
		return nil // who was in it left it for a card of their own
	}
	now := p.Now()
	if wait := g.Hold.Sub(now); wait > 0 {
		return Later{Delay: wait, Why: "group " + g.ID + " is told at its time"}
	}
	t, err := p.load(ctx, g)
	if err != nil {
		return err
	}
	switch {
	case g.told() && t.card.Total > 0 && len(t.card.Stories) == 0:
		return nil // all are forgotten: the card keeps what it says of them
	case !g.told() && len(g.Members) > 0:
		if wait := t.undecided.Sub(now); wait > 0 {
			return Later{Delay: wait, Why: "group " + g.ID + " is told with what is done about it"}
		}
		instead, away, err := p.instead(ctx, g, t)
		if err != nil {
			return err
		}
		if away {
			return p.divert(ctx, n, g, instead)
		}
	}
	return p.bring(ctx, g, t)
}

// instead decides where a group goes that would be told for the first time, if not on its own card.
func (p *Poster) instead(ctx context.Context, g Group, t telling) (gathering, bool, error) {
	if g.Digest != "" {
		return gathering{}, false, nil
	}
	policy, now := p.policy(), p.Now()
	spent, err := p.spent(ctx, g.ID, t.asked)
	if err != nil {
		return gathering{}, false, err
	}
	if w, away := policy.instead(t, p.Board.Name(), spent, now); away {
		return w, true, nil
	}
	room, err := p.slot(ctx, g.Channel, g.ID) // the one it had is gone, if it could not be posted for a minute
	return policy.tooMany(t.critical, now), !room, err
}

// divert moves a group that was never told into a digest, and has that looked at.
func (p *Poster) divert(ctx context.Context, n access.Notice, g Group, want gathering) error {
	into, err := p.move(ctx, g.ID, want)
	if err != nil {
		return err
	}
	return p.mark(ctx, n.Scope, g.Channel, into)
}

// load tells how the findings of a group stand. It keeps few of them, however many it reads.
func (p *Poster) load(ctx context.Context, g Group) (telling, error) {
	sum := newTally()
	for _, m := range g.Members {
		s, ok, err := p.Stories.Story(ctx, m.Scope, m.Finding, m.Episode)
		if err != nil {
			return telling{}, fmt.Errorf("load finding %s of group %s: %w", m.Finding, g.ID, err)
		}
		sum.add(m, s, ok)
	}
	t := sum.telling(g)
	for i, s := range t.card.Stories {
		if !holdsBack(s.Finding) || !s.Finding.Open() {
			continue
		}
		held, _, err := p.Store.Held.Get(ctx, heldKey(g.Channel, s.Finding.Ref.Scope))
		if err != nil {
			return telling{}, fmt.Errorf("count what waits for finding %s: %w", s.Finding.ID, err)
		}
		if held.By.same(memberOf(s.Finding)) {
			t.card.Stories[i].Held = len(held.Members)
		}
	}
	t.digest = digestOf(t.card, t.votes)
	return t, nil
}

// bring claims the group, brings its card up to date, says what is owed, and lets go.
func (p *Poster) bring(ctx context.Context, g Group, t telling) error {
	if t.digest == g.Said && len(p.owed(g, t)) == 0 && len(authors(g, t)) == 0 {
		return nil
	}
	was := g
	g, err := p.claim(ctx, g, t)
	if err != nil {
		return err
	}
	if t.digest != g.Said {
		if g, err = p.put(ctx, g, t); err != nil {
			return p.letGo(ctx, g, was, err)
		}
	}
	if g, err = p.follow(ctx, g, t); err != nil {
		return p.letGo(ctx, g, g, err)
	}
	return p.letGo(ctx, g, g, nil)
}

// claim keeps others from the group. What its new rendering lets people decide is stored before anybody
// can see it.
func (p *Poster) claim(ctx context.Context, g Group, t telling) (Group, error) {
	now := p.Now()
	var wait time.Duration
	_, err := p.Store.Groups.Update(ctx, groupKey(g.ID), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		age := now.Sub(cur.Claimed)
		switch wait = 0; {
		case !cur.Claimed.IsZero() && age < claimLease:
			wait = min(claimLease-age, max(age/2, soon)) // it is at work, or dead
			return nil, nil, nil
		case cur.Rev != g.Rev || cur.Said != g.Said || cur.Into != "" || len(cur.Lines) != len(g.Lines) || len(cur.Told) != len(g.Told):
			wait = soon // somebody else was at it since it was loaded
			return nil, nil, nil
		}
		if t.digest != cur.Said {
			cur.Rev, cur.Votes = cur.Rev+1, t.votes
		}
		cur.Claimed = now
		g = cur
		return &cur, nil, nil
	})
	if err == nil && wait > 0 {
		err = Later{Delay: wait, Why: "group " + g.ID + " is being told by another"}
	}
	return g, wrap("claim group "+g.ID, err)
}

// ours changes a group that is claimed by us, and does nothing to one that is not any more. A process that is
// stopped does this yet: else what it said would be said once more.
func (p *Poster) ours(ctx context.Context, g Group, change func(*Group)) (Group, bool, error) {
	held, after := false, g
	ctx = context.WithoutCancel(ctx)
	_, err := p.Store.Groups.Update(ctx, groupKey(g.ID), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		if held = cur.Claimed.Equal(g.Claimed); !held {
			return nil, nil, nil
		}
		cur.Members = slices.Clone(cur.Members)
		change(&cur)
		after = cur
		return &cur, nil, nil
	})
	return after, held, wrap("settle group "+g.ID, err)
}

// put posts or edits the card, and settles that it is there.
func (p *Poster) put(ctx context.Context, g Group, t telling) (Group, error) {
	t.card.Rev = g.Rev
	if err := p.spend(ctx, g, t); err != nil {
		return g, err
	}
	if g.At.ID != "" {
		err := p.call(ctx, func(ctx context.Context) error { return p.Board.Edit(ctx, g.At, t.card) })
		switch {
		case err == nil:
			p.Metrics.edited()
			return p.settle(ctx, g, g.At, t)
		case !errors.Is(err, ErrNoCard) && !errors.Is(err, ErrNoPlace):
			return g, fmt.Errorf("edit the card of group %s: %w", g.ID, err)
		}
	}
	at, err := p.post(ctx, g.Channel, t.card)
	if err != nil {
		return g, fmt.Errorf("post the card of group %s to %s: %w", g.ID, g.Channel, err)
	}
	p.Metrics.posted(t.card)
	ctx = context.WithoutCancel(ctx) // as in ours
	_, err = p.Store.Pointers.Update(ctx, atKey(at), func(Pointer, uint64) (*Pointer, []access.Out, error) {
		return &Pointer{V: access.Version, Group: g.ID}, nil, nil
	})
	if err != nil {
		return g, fmt.Errorf("remember where the card of group %s is: %w", g.ID, err)
	}
	return p.settle(ctx, g, at, t)
}

// settle stores where the card is, and what it says. One that was posted while another process took the
// group over is a copy.
func (p *Poster) settle(ctx context.Context, g Group, at Placed, t telling) (Group, error) {
	g, held, err := p.ours(ctx, g, func(cur *Group) {
		if cur.At != at {
			cur.Former = former(cur.Former, cur.At)
		}
		cur.At, cur.Said, cur.Hold = at, t.digest, time.Time{}
		if wait := pace(*cur, t.card); wait > 0 {
			cur.Hold = p.Now().Add(wait)
		}
	})
	if err != nil || held {
		return g, err
	}
	_, err = p.Store.Groups.Update(ctx, groupKey(g.ID), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		if cur.At == at || slices.Contains(cur.Former, at) {
			return nil, nil, nil
		}
		cur.Former = former(cur.Former, at)
		return &cur, nil, nil
	})
	return g, errors.Join(err, Later{Why: "group " + g.ID + " was taken over"})
}

func former(all []Placed, p Placed) []Placed {
	if p.ID == "" {
		return all
	}
	all = append(slices.Clone(all), p)
	return all[max(0, len(all)-maxFormer):]
}

// follow tells those who made the changes, and says what is owed in the thread, each once.
func (p *Poster) follow(ctx context.Context, g Group, t telling) (Group, error) {
	for _, d := range authors(g, t) {
		err := p.call(ctx, func(ctx context.Context) error { return p.Board.Direct(ctx, d.principal, d.story, g.At) })
		if errors.Is(err, ErrNoPlace) { // nobody by that name is there: nothing is lost but a courtesy
			err = nil
		}
		if err != nil {
			return g, fmt.Errorf("tell those who made the change of group %s: %w", g.ID, err)
		}
		if g, err = p.kept(ctx, g, func(cur *Group) { cur.Told = append(slices.Clone(cur.Told), d.principal) }); err != nil {
			return g, err
		}
	}
	for _, l := range p.owed(g, t) {
		err := p.call(ctx, func(ctx context.Context) error { return p.Board.Say(ctx, g.At, l) })
		if errors.Is(err, ErrNoCard) || errors.Is(err, ErrNoPlace) {
			g, keep := p.kept(ctx, g, func(cur *Group) { cur.Said = "" }) // its card is to be posted anew
			return g, errors.Join(keep, Later{Why: "the card of group " + g.ID + " is gone"})
		}
		if err != nil {
			return g, fmt.Errorf("say something in the thread of group %s: %w", g.ID, err)
		}
		if g, err = p.kept(ctx, g, func(cur *Group) {
			cur.Lines = append(slices.Clone(cur.Lines), l.Key)
			cur.Lines = cur.Lines[max(0, len(cur.Lines)-maxLines):]
		}); err != nil {
			return g, err
		}
	}
	return g, nil
}

// kept is [Poster.ours] for a group that must still be ours.
func (p *Poster) kept(ctx context.Context, g Group, change func(*Group)) (Group, error) {
	g, held, err := p.ours(ctx, g, change)
	if err == nil && !held {
		err = Later{Why: "group " + g.ID + " was taken over"}
	}
	return g, err
}

// letGo ends the claim. After what certainly did not happen, the card that is there is again the newest. Words
// that have to wait for their turn keep no card from being edited.
func (p *Poster) letGo(ctx context.Context, g, was Group, cause error) error {
	wait, refused := delayOf(cause)
	_, _, err := p.ours(ctx, g, func(cur *Group) {
		cur.Claimed = time.Time{}
		if refused && cur.Rev != was.Rev {
			cur.Rev, cur.Votes = was.Rev, was.Votes
			cur.Hold = p.Now().Add(wait)
		}
	})
	if cause == nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w (and the claim stays for %s: %v)", cause, access.Lasts(claimLease), err)
	}
	if _, ours := errors.AsType[Later](cause); refused && !ours && wait <= busy {
		return Later{Delay: wait, Why: p.Board.Name() + " has no room for group " + g.ID}
	}
	return cause
}

// delayOf is when a call that the board refused may be tried again.
func delayOf(err error) (time.Duration, bool) {
	r, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err)
	if !ok {
		return 0, false
	}
	return r.RetryAfter(), true
}
