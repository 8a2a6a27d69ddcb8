package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Told is where projects' contributions are kept, each under [ToldKey].
type Told interface {
	Documents[access.Contribution]
	Keys(ctx context.Context) ([]string, error)
}

const told = ".told"

// ToldKey is the key of a project's contribution.
func ToldKey(scope access.Scope) string { return string(scope) + told }

// others loads what the judgement of a scope takes of other scopes: an org puts it
// together out of what its projects told, a project has it from there.
func (s *Stage) others(ctx context.Context, e *Engine, snap *snapshot) error {
	switch {
	case s.Told == nil || s.Facts == nil:
		return nil
	case !snap.in.Scope.IsOrg():
		var err error
		if snap.in.Facts, _, err = s.Facts.Get(ctx, string(snap.in.Scope)); err != nil {
			return fmt.Errorf("load facts: %w", err)
		}
		return nil
	}
	all, err := s.contributions(ctx, snap.in.Scope.ID())
	if err != nil {
		return err
	}
	snap.facts = e.Gather(snap.in, all)
	snap.in.Facts = snap.facts[snap.in.Scope]
	return nil
}

func (s *Stage) contributions(ctx context.Context, org string) ([]access.Contribution, error) {
	keys, err := s.Told.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list contributions: %w", err)
	}
	var out []access.Contribution
	for _, k := range keys {
		if !strings.HasSuffix(k, told) {
			continue
		}
		c, _, err := s.Told.Get(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("load contribution %s: %w", k, err)
		}
		if c.Org == org || c.Stray() {
			out = append(out, c)
		}
	}
	return out, nil
}

// share tells the other scopes of the org what the scope's judgement was made of, as far
// as that is new to them, and has them judged again. A process may die before or in it:
// the message that asked for the judgement comes again.
func (s *Stage) share(ctx context.Context, e *Engine, snap snapshot) error {
	if s.Told == nil || s.Facts == nil || snap.in.Scope == "" {
		return nil
	}
	if !snap.in.Scope.IsOrg() {
		return s.contribute(ctx, e.Contribute(snap.in))
	}
	for _, scope := range slices.Sorted(maps.Keys(snap.facts)) {
		if scope == snap.in.Scope {
			continue
		}
		facts := snap.facts[scope]
		_, err := s.Facts.Update(ctx, string(scope), func(cur access.Facts, _ uint64) (*access.Facts, []access.Out, error) {
			if same(cur, facts) {
				return nil, nil, nil
			}
			return &facts, []access.Out{again(scope, "what it takes of other scopes changed")}, nil
		})
		if err != nil {
			return fmt.Errorf("store facts of %s: %w", scope, err)
		}
	}
	return nil
}

func (s *Stage) contribute(ctx context.Context, c access.Contribution) error {
	_, err := s.Told.Update(ctx, ToldKey(c.Scope), func(cur access.Contribution, _ uint64) (*access.Contribution, []access.Out, error) {
		if same(cur, c) {
			return nil, nil, nil
		}
		var out []access.Out
		for _, org := range access.SortNames([]string{cur.Org, c.Org}) {
			if org != "" {
				out = append(out, again(access.OrgScope(org), "a project told something new"))
			}
		}
		return &c, out, nil
	})
	if err != nil {
		return fmt.Errorf("store the contribution of %s: %w", c.Scope, err)
	}
	return nil
}

func again(scope access.Scope, why string) access.Out {
	return access.NewOut(access.TopicEval, scope, access.Eval{Scope: scope, Why: why})
}
