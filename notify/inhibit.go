package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// # What holds back what
//
// While a project is open to the world, its narrower entries change nothing: what is found about them
// is kept, counted on the card of the finding that holds it back, and told once that one is over. The
// store holds who waits and for whom in one document, so that nobody comes to wait for what has ended.

const openToWorld = "network/open-to-world"

// Held is what waits in one scope and channel, under "held.<hash>".
type Held struct {
	V       int      `json:"v"`
	By      Member   `json:"by,omitzero"`       // that holds back; zero: nothing does (any more)
	Members []Member `json:"members,omitempty"` // that wait, or are owed to be looked at again
}

func heldKey(channel string, scope access.Scope) string {
	return "held." + access.Hash(channel, string(scope))
}

// holdsBack reports whether findings of its scope may wait for the end of this one.
func holdsBack(f access.Finding) bool { return f.Rule == openToWorld }

// holding reports whether it has them wait now: what is known or let stand is no reason to keep
// anything from anybody.
func holding(f access.Finding) bool { return holdsBack(f) && f.State == access.FindingOpen }

// waits reports whether a finding is told only once its scope is not open to the world any more.
func waits(f access.Finding) bool {
	return strings.HasPrefix(f.Rule, "network/") && !holdsBack(f) && f.Ref.Kind == access.KindIPAccessEntry && f.Severity != access.Critical
}

// hold makes a finding wait, or takes it out of those that wait when it is over; it is pure. held: it is
// told by another one's card.
func hold(cur Held, f access.Finding) (next Held, held, changed bool) {
	m := memberOf(f)
	i := slices.IndexFunc(cur.Members, m.same)
	switch {
	case !f.Open() && i >= 0:
		cur.Members = slices.Delete(slices.Clone(cur.Members), i, i+1)
		return cur, true, true
	case !f.Open() || cur.By.Finding == "":
		return cur, false, false
	case i >= 0:
		return cur, true, false
	case len(cur.Members) >= maxMembers:
		return cur, false, false // more than are counted: told by themselves
	}
	cur.Members = append(slices.Clone(cur.Members), m)
	return cur, true, true
}

// holdBack reports whether the finding waits for another one's end.
func (p *Poster) holdBack(ctx context.Context, channel string, f access.Finding) (held bool, err error) {
	if !waits(f) {
		return false, nil
	}
	key := memberOf(f).key(channel)
	at, _, err := p.Store.Places.Get(ctx, key)
	if err != nil || at.Group != "" { // a card tells of it already
		return false, wrap("load the place of finding "+f.ID, err)
	}
	by, err := p.holder(ctx, channel, f.Ref.Scope)
	if err != nil || by.Finding == "" && at.Inhibited == "" {
		return false, err
	}
	now := p.Now()
	if by.Finding != "" && at.Inhibited != by.Finding && f.Open() {
		_, err := p.Store.Places.Update(ctx, key, func(cur Place, _ uint64) (*Place, []access.Out, error) {
			cur.V, cur.Inhibited, cur.Since = access.Version, by.Finding, now
			return &cur, nil, nil
		})
		if err != nil {
			return false, fmt.Errorf("write down that finding %s waits: %w", f.ID, err)
		}
	}
	changed := false
	_, err = p.Store.Held.Update(ctx, heldKey(channel, f.Ref.Scope), func(cur Held, _ uint64) (*Held, []access.Out, error) {
		if cur, held, changed = hold(cur, f); !changed {
			return nil, nil, nil
		}
		return &cur, nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("have finding %s wait for %s: %w", f.ID, by.Finding, err)
	}
	held = held || !f.Open() && at.Inhibited != "" // it is over, and its card would only say that
	if changed && held && by.Finding != "" {
		return true, p.markMember(ctx, channel, by) // its card counts them
	}
	return held, nil
}

// holder is the finding that holds others back in a scope. One that is over, and whose notice did not
// come, lets them go.
func (p *Poster) holder(ctx context.Context, channel string, scope access.Scope) (Member, error) {
	doc, _, err := p.Store.Held.Get(ctx, heldKey(channel, scope))
	if err != nil || doc.By.Finding == "" {
		return Member{}, wrap("load what waits in "+string(scope), err)
	}
	s, ok, err := p.Stories.Story(ctx, scope, doc.By.Finding, doc.By.Episode)
	if err != nil {
		return Member{}, fmt.Errorf("load finding %s: %w", doc.By.Finding, err)
	}
	if !ok || !holding(s.Finding) {
		return Member{}, p.release(ctx, channel, scope, doc.By.Finding, doc.By.Episode)
	}
	return doc.By, nil
}

// inhibit has others wait for a finding, from now on.
func (p *Poster) inhibit(ctx context.Context, channel string, f access.Finding) error {
	m := memberOf(f)
	_, err := p.Store.Held.Update(ctx, heldKey(channel, m.Scope), func(cur Held, _ uint64) (*Held, []access.Out, error) {
		if cur.By.same(m) {
			return nil, nil, nil
		}
		cur.V, cur.By = access.Version, m
		return &cur, nil, nil
	})
	return wrap("have others wait for finding "+f.ID, err)
}

// release lets go what waits for a finding: nobody comes to wait any more, then those that did are
// looked at again, then they are forgotten here.
func (p *Poster) release(ctx context.Context, channel string, scope access.Scope, finding string, episode int) error {
	key := heldKey(channel, scope)
	var owed []Member
	_, err := p.Store.Held.Update(ctx, key, func(cur Held, _ uint64) (*Held, []access.Out, error) {
		owed = nil
		ours := cur.By.same(Member{Finding: finding, Episode: episode})
		if cur.By.Finding != "" && !ours {
			return nil, nil, nil // another one, or a later episode, holds them
		}
		owed = slices.Clone(cur.Members)
		if !ours {
			return nil, nil, nil
		}
		cur.By = Member{}
		return &cur, nil, nil
	})
	if err != nil || len(owed) == 0 {
		return wrap("let go what waits for finding "+finding, err)
	}
	outs := make([]access.Out, 0, len(owed))
	for _, m := range owed {
		outs = append(outs, p.again(channel, m))
	}
	if err := p.Publish(ctx, outs...); err != nil {
		return fmt.Errorf("have those looked at that waited for finding %s: %w", finding, err)
	}
	_, err = p.Store.Held.Update(ctx, key, func(cur Held, _ uint64) (*Held, []access.Out, error) {
		if cur.By.Finding != "" {
			return nil, nil, nil // they wait again
		}
		cur.Members = slices.DeleteFunc(slices.Clone(cur.Members), func(m Member) bool { return slices.ContainsFunc(owed, m.same) })
		return &cur, nil, nil
	})
	return wrap("forget what waited for finding "+finding, err)
}

// again has a finding looked at as if it had just changed.
func (p *Poster) again(channel string, m Member) access.Out {
	n := access.Notice{Scope: m.Scope, Finding: m.Finding, Episode: m.Episode}
	return addressed(n, p.Board.Name()+":"+channel, access.ActionID(m.Finding, m.Episode))
}

// markMember has the card of a finding looked at, if it has one.
func (p *Poster) markMember(ctx context.Context, channel string, m Member) error {
	at, _, err := p.Store.Places.Get(ctx, m.key(channel))
	if err != nil || at.Group == "" {
		return wrap("load the place of finding "+m.Finding, err)
	}
	return p.mark(ctx, m.Scope, channel, at.Group)
}

// wrap says what was attempted, if it was in vain.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
