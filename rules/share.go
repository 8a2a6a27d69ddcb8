package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
		facts, _, err := s.Facts.Get(ctx, string(snap.in.Scope))
		if err != nil {
			return fmt.Errorf("load facts: %w", err)
		}
		snap.in.Facts = Lately(facts, snap.in.Now, s.limit())
		return nil
	}
	all, err := s.contributions(ctx, snap.in.Scope.ID(), snap.in.Now)
	if err != nil {
		return err
	}
	snap.facts = e.Gather(snap.in, all)
	snap.in.Facts = snap.facts[snap.in.Scope]
	return nil
}

// limit is how old the word of another scope may be; 0: any age.
func (s *Stage) limit() time.Duration {
	if s.Stale == nil {
		return 0
	}
	return s.Stale()
}

func tooOld(at, now time.Time, limit time.Duration) bool {
	return limit > 0 && (at.IsZero() || now.Sub(at) > limit)
}

// silent is why nothing is known of a project that has not told of itself for too long. It
// names neither project nor time: what all others hear of it changes once, not with each
// project that falls silent or speaks again.
const silent = "a project of the org has not told of itself for too long"

// Lately is what may be believed now of what was gathered for a project: where that is too
// long ago (the org was not judged since), what it says is as if it could not be read. limit
// 0: however long.
func Lately(f access.Facts, now time.Time, limit time.Duration) access.Facts {
	if !f.Gathered() || !tooOld(f.At, now, limit) {
		return f
	}
	why := "what other scopes of the org tell was gathered at a time that is not known"
	if !f.At.IsZero() {
		why = fmt.Sprintf("what other scopes of the org tell was gathered at %s, which is too long ago", stamp(f.At))
	}
	f.Org = maps.Clone(f.Org)
	for k, c := range f.Org {
		if c.Status == access.StatusComplete {
			c.Status, c.Reason = access.StatusUnread, why
			f.Org[k] = c
		}
	}
	f.Unread = withUnread(f.Unread, why)
	return f
}

// withUnread has every contributed kind unread that is not already.
func withUnread(unread map[access.Kind]string, why string) map[access.Kind]string {
	out := map[access.Kind]string{}
	for _, k := range access.ContributedKinds() {
		out[k] = why
	}
	maps.Copy(out, unread)
	return out
}

func (s *Stage) contributions(ctx context.Context, org string, now time.Time) ([]access.Contribution, error) {
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
		if c.Org != org && !c.Stray() {
			continue
		}
		if tooOld(c.At, now, s.limit()) {
			c.Unread = withUnread(c.Unread, silent)
		}
		c.At = time.Time{} // what is gathered changes with what is told, and not with each renewal
		out = append(out, c)
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
		return s.contribute(ctx, e.Contribute(snap.in), snap.in.Now)
	}
	for _, scope := range slices.Sorted(maps.Keys(snap.facts)) {
		if scope == snap.in.Scope {
			continue
		}
		facts := snap.facts[scope]
		facts.At = snap.in.Now
		_, err := s.Facts.Update(ctx, string(scope), func(cur access.Facts, _ uint64) (*access.Facts, []access.Out, error) {
			at := cur.At
			if cur.At = facts.At; same(cur, facts) && !tooOld(at, facts.At, s.limit()) {
				return renew(&facts, at, facts.At, s.limit()), nil, nil
			}
			return &facts, []access.Out{again(scope, "what it takes of other scopes changed")}, nil
		})
		if err != nil {
			return fmt.Errorf("store facts of %s: %w", scope, err)
		}
	}
	return nil
}

// renew is the document where nothing but its time is new, and the stored time was half as
// long ago as it may be: else it is not worth a write.
func renew[T any](doc *T, stored, now time.Time, limit time.Duration) *T {
	if limit == 0 || now.Sub(stored) <= limit/2 {
		return nil
	}
	return doc
}

func (s *Stage) contribute(ctx context.Context, c access.Contribution, now time.Time) error {
	c.At = now
	_, err := s.Told.Update(ctx, ToldKey(c.Scope), func(cur access.Contribution, _ uint64) (*access.Contribution, []access.Out, error) {
		at := cur.At
		if cur.At = now; same(cur, c) && !tooOld(at, now, s.limit()) {
			return renew(&c, at, now, s.limit()), nil, nil
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
