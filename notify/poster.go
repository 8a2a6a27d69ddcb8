package notify

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Poster tells of findings on one board, as cards that change with what they tell of. It handles the
// notices of that board in any order, any number of times, and in several processes:
//
//	finding ─▶ Place: which group ─▶ its group takes it in ─▶ notice of the group
//	group   ─▶ load its findings ─▶ claim ─▶ post or edit ─▶ settle ─▶ direct words, thread
//
// What is to be decided is decided by pure functions (gather.go, hygiene.go, inhibit.go, tally.go) inside
// a compare-and-set. What is told is always the newest state, so notices may be coalesced. Between claim
// and settling nobody else touches a card; a process that dies there leaves the claim for its lease, and
// then the card is posted again: a copy may be left, which [Groups.At] still knows if it came to be stored.
//
// Nothing waits in a handler: what must wait returns [Later].
type Poster struct {
	Board     Board
	Stories   Stories
	Store     Store
	Policy    func() Policy // swapped on reload; nil: the defaults
	Publish   func(ctx context.Context, outs ...access.Out) error
	Lines     func(Story) []Line // what is said in the thread; may be nil
	Now       func() time.Time
	Delivered func(board string, err error)      // counts; may be nil
	Metrics   *CardMetrics                       // may be nil
	GroupsOf  func(principals []string) []string // names of the configuration's groups that they are in; may be nil

	mu   sync.Mutex
	shut time.Time // until when the board is not asked: it does not let us in
}

// Store is what a poster keeps, all in one bucket.
type Store struct {
	Groups   Documents[Group]   // "grp."
	Places   Documents[Place]   // "place."
	Pointers Documents[Pointer] // "cause.", "at."
	Channels Documents[Channel] // "chan."
	Held     Documents[Held]    // "held."
	Days     Documents[Day]     // "day."
}

func groupKey(id string) string { return "grp." + id }

func atKey(p Placed) string { return "at." + access.Hash(p.Channel, p.ID) }

// Group implements [Groups].
func (s Store) Group(ctx context.Context, id string) (Group, bool, error) {
	g, _, err := s.Groups.Get(ctx, groupKey(id))
	return g, g.ID != "", wrap("load group "+id, err)
}

// At implements [Groups]. Copies and former cards are known, too.
func (s Store) At(ctx context.Context, at Placed) (Group, bool, error) {
	p, _, err := s.Pointers.Get(ctx, atKey(at))
	if err != nil || p.Group == "" {
		return Group{}, false, wrap("look whose card message "+at.ID+" is", err)
	}
	return s.Group(ctx, p.Group)
}

// Copied notes a copy of a group's card that came to light: a click on it is known from now on.
func (s Store) Copied(ctx context.Context, id string, at Placed) error {
	_, err := s.Groups.Update(ctx, groupKey(id), func(cur Group, rev uint64) (*Group, []access.Out, error) {
		if rev == 0 || cur.At == at || slices.Contains(cur.Former, at) {
			return nil, nil, nil
		}
		cur.Former = append(slices.Clone(cur.Former), at)
		return &cur, nil, nil
	})
	if err != nil {
		return fmt.Errorf("note a copy of the card of group %s: %w", id, err)
	}
	_, err = s.Pointers.Update(ctx, atKey(at), func(cur Pointer, _ uint64) (*Pointer, []access.Out, error) {
		if cur.Group == id {
			return nil, nil, nil
		}
		cur.V, cur.Group = access.Version, id
		return &cur, nil, nil
	})
	return wrap("note a copy of the card of group "+id, err)
}

// Later is an error that only says when to try again.
type Later struct {
	Delay time.Duration
	Why   string // the same as long as the same is waited for
	Err   error  // what went wrong; nil: nothing, its time has not come
}

func (l Later) Error() string {
	if l.Err != nil {
		return l.Why + ": " + l.Err.Error()
	}
	return l.Why
}

// Unwrap gives what went wrong.
func (l Later) Unwrap() error { return l.Err }

// RetryAfter is how long to wait: never so long that a restart or a new policy goes unnoticed.
func (l Later) RetryAfter() time.Duration { return min(max(l.Delay, soon), longest) }

// Planned reports that nothing went wrong.
func (l Later) Planned() bool { return l.Err == nil }

const (
	soon    = 100 * time.Millisecond
	longest = 5 * time.Minute

	sameFact = time.Hour // words that come again within it were delivered again
)

// Handle handles one notice of the board. An error means: try again later.
func (p *Poster) Handle(ctx context.Context, n access.Notice) error {
	switch {
	case n.Group != "":
		return p.tell(ctx, n)
	case n.Says != "":
		return p.fact(ctx, n)
	case n.Told:
		return p.markMember(ctx, n.To, Member{Scope: n.Scope, Finding: n.Finding, Episode: n.Episode})
	}
	return p.finding(ctx, n)
}

// finding finds the place of a finding that changed, and has its group looked at.
func (p *Poster) finding(ctx context.Context, n access.Notice) error {
	s, ok, err := p.Stories.Story(ctx, n.Scope, n.Finding, n.Episode)
	if err != nil {
		return fmt.Errorf("load finding %s: %w", n.Finding, err)
	}
	if !ok {
		return p.gone(ctx, n)
	}
	f, channel := s.Finding, n.To
	if holding(f) {
		if err := p.inhibit(ctx, channel, f); err != nil {
			return err
		}
	}
	held, err := p.holdBack(ctx, channel, f)
	if err != nil || held {
		return err
	}
	group, err := p.place(ctx, channel, f)
	if err != nil {
		return err
	}
	if err := p.mark(ctx, n.Scope, channel, group); err != nil {
		return err
	}
	if holdsBack(f) && !holding(f) {
		return p.release(ctx, channel, n.Scope, f.ID, f.Episode)
	}
	return nil
}

// gone handles a finding that was resolved and forgotten: its card says so, and nobody waits for it.
func (p *Poster) gone(ctx context.Context, n access.Notice) error {
	if err := p.markMember(ctx, n.To, Member{Scope: n.Scope, Finding: n.Finding, Episode: n.Episode}); err != nil {
		return err
	}
	return p.release(ctx, n.To, n.Scope, n.Finding, n.Episode)
}

// fact tells what the state of no finding shows: a card without findings, in its own words.
func (p *Poster) fact(ctx context.Context, n access.Notice) error {
	return p.announce(ctx, n.Scope, n.To, n.Subject(), n.Says, sameFact)
}

// announce posts words once a subject; and once more, if that was told longer ago than again (0: never).
func (p *Poster) announce(ctx context.Context, scope access.Scope, channel, subject, words string, again time.Duration) error {
	id, now := access.Hash(channel, subject), p.Now()
	_, err := p.Store.Groups.Update(ctx, groupKey(id), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		if cur.ID == "" {
			return &Group{V: access.Version, ID: id, Channel: channel, Cause: subject, Digest: words, Words: true, Since: now, Last: now}, nil, nil
		}
		if again == 0 || cur.Said == "" || !cur.Claimed.IsZero() || now.Sub(cur.Last) < again {
			return nil, nil, nil
		}
		cur.Former, cur.At, cur.Said, cur.Last = former(cur.Former, cur.At), Placed{}, "", now
		return &cur, nil, nil
	})
	if err != nil {
		return fmt.Errorf("begin a card in channel %s: %w", channel, err)
	}
	return p.mark(ctx, scope, channel, id)
}

// Refresh has the card of a group drawn anew.
func (p *Poster) Refresh(ctx context.Context, group string) error {
	g, ok, err := p.Store.Group(ctx, group)
	if err != nil || !ok || len(g.Members) == 0 {
		return err
	}
	return p.mark(ctx, g.Members[0].Scope, g.Channel, group)
}

// mark has a group looked at: of each, one notice waits.
func (p *Poster) mark(ctx context.Context, scope access.Scope, channel, group string) error {
	n := access.Notice{Scope: scope, To: channel, Group: group}
	return wrap("have group "+group+" looked at", p.Publish(ctx, access.NewOut(access.TopicNotify, scope, n, p.Board.Name(), group)))
}

func (p *Poster) policy() Policy {
	if p.Policy == nil {
		return Policy{}.orDefaults()
	}
	return p.Policy().orDefaults()
}
