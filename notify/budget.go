package notify

import (
	"context"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

func (p *Poster) dayKey(principal string) string {
	return "day." + access.Hash(principal, p.policy().day(p.Now()))
}

// spent reports whether one of those who would be asked has had the cards of the day.
func (p *Poster) spent(ctx context.Context, group string, asked []string) (bool, error) {
	most := p.policy().Budget
	for _, id := range asked {
		day, _, err := p.Store.Days.Get(ctx, p.dayKey(id))
		if err != nil {
			return false, wrap("count the cards of an approver", err)
		}
		if len(day.Cards) >= most && !slices.Contains(day.Cards, group) {
			return true, nil
		}
	}
	return false, nil
}

// spend counts a card that begins to ask somebody something. Digests do not count: there is one a day.
func (p *Poster) spend(ctx context.Context, g Group, t telling) error {
	if g.Digest != "" || len(t.votes) == 0 {
		return nil
	}
	most, now := p.policy().Budget, p.Now()
	for _, id := range t.asked {
		var today int
		_, err := p.Store.Days.Update(ctx, p.dayKey(id), func(cur Day, _ uint64) (*Day, []access.Out, error) {
			today = len(cur.Cards)
			if slices.Contains(cur.Cards, g.ID) || today >= 2*most { // critical ones go on; that they do is known by then
				return nil, nil, nil
			}
			if cur.V == 0 {
				cur = Day{V: access.Version, Since: now}
			}
			cur.Cards = append(slices.Clone(cur.Cards), g.ID)
			today++
			return &cur, nil, nil
		})
		if err != nil {
			return wrap("count the cards of an approver", err)
		}
		p.Metrics.asked(p.policy().day(now), p.names(id), today)
	}
	return nil
}

func (p *Poster) names(principal string) []string {
	if p.GroupsOf == nil {
		return nil
	}
	return p.GroupsOf([]string{principal})
}
