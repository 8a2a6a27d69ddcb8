package remediate

import (
	"context"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Counter counts those logins of a scope that match. The count's quality says how far it
// can be believed.
type Counter interface {
	LoginsOf(ctx context.Context, scope access.Scope, from, to time.Time, match func(access.Login) bool) access.Logins
}

const impactTimeout = 15 * time.Second

// impact is the plan's impact as far as it can be read now. It never fails: what cannot be
// read is not known, and is said.
func (s *Stage) impact(ctx context.Context, c Case, plan access.Plan) access.Impact {
	ctx, cancel := context.WithTimeout(ctx, impactTimeout)
	defer cancel()
	felt := NewAffected(plan)
	logins := access.Logins{Why: "logins are not counted here"}
	if s.Counter != nil && !felt.None() {
		from, to := ImpactSpan(c.Now)
		logins = felt.Counted(s.Counter.LoginsOf(ctx, c.Finding.Ref.Scope, from, to, felt.Match))
	}
	var history access.History
	if s.History != nil {
		if h, err := s.History(ctx, c.Finding.Ref.Scope); err == nil {
			history = h
		}
	}
	if deletes(plan.Operations) {
		c.Fresh = s.withWays(ctx, c)
	}
	return ImpactOf(c, plan, logins, history)
}

// withWays is what was read with the other ways into a project beside it.
func (s *Stage) withWays(ctx context.Context, c Case) map[access.Kind]access.Collection {
	out := map[access.Kind]access.Collection{}
	for k, col := range s.read(ctx, c.Finding.Ref.Scope, []access.Kind{access.KindPrivateEndpoint, access.KindPeering}).fresh {
		out[k] = col
	}
	for k, col := range c.Fresh {
		out[k] = col
	}
	return out
}
