package notify

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestTenThousandFindingsInAMinute: a channel gets sixty messages at most in any minute, everybody hears of
// every finding in the end, and no document grows beyond its bound.
func TestTenThousandFindingsInAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		rules    int
		severity func(i int) access.Severity
	}{
		"of one cause":       {1, func(int) access.Severity { return access.High }},
		"of fifty causes":    {50, func(i int) access.Severity { return access.Severities()[i%5] }},
		"each, and critical": {10_000, func(int) access.Severity { return access.Critical }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newPosterWorld(true)
			begun := w.now
			const findings = 10_000
			for i := range findings {
				w.set(w.found(fmt.Sprint(i), fmt.Sprint("r/", i%c.rules), c.severity(i), i%100))
				w.settle(t, begun.Add(time.Duration(i)*time.Minute/findings))
			}
			w.settle(t, begun.Add(10*time.Minute))
			for i := range findings / 10 { // a tenth changes once more
				w.resolve(access.Hash(fmt.Sprint(10 * i)))
			}
			w.settle(t, begun.Add(30*time.Minute))
			w.told(t, findings)
			for i, at := range w.board.posted {
				if i >= 60 && at.Sub(w.board.posted[i-60]) < time.Minute {
					t.Errorf("more than 60 messages in the minute before %s", at.Sub(begun))
				}
			}
			t.Logf("%d messages, %d renderings handled in %d deliveries, %d refused", len(w.board.posted), len(w.groups.docs), w.handled, w.board.limited)
		})
	}
}

// told sees to it that each finding is a member of one group, whose card is there and tells of its newest state.
func (w *posterWorld) told(t *testing.T, findings int) {
	t.Helper()
	members, open := map[string]bool{}, 0
	for _, g := range w.groups.docs {
		if len(g.Members) > maxMembers {
			t.Errorf("a group of %d", len(g.Members))
		}
		if g.Into != "" {
			continue
		}
		for _, m := range g.Members {
			if members[m.Finding] {
				t.Errorf("finding %s is told twice", m.Finding)
			}
			members[m.Finding] = true
		}
		p := w.board.pins[g.At]
		if p == nil && len(g.Members) > 0 {
			t.Fatalf("group %s has no card: %d members, claimed %s", g.ID, len(g.Members), g.Claimed)
		}
		if p == nil {
			continue
		}
		if p.card().Total != len(g.Members) || len(p.card().Stories) > Shown {
			t.Errorf("a card tells of %d of %d", p.card().Total, len(g.Members))
		}
		for _, n := range p.card().Counts {
			open += n.Open
		}
	}
	if len(members) != findings || open != findings*9/10 {
		t.Errorf("%d of %d findings are told, %d of them as open", len(members), findings, open)
	}
}
