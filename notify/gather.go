package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// # Where a finding is
//
// Place says which group an episode of a finding belongs to, in one channel. It is written before the
// group takes it in: a member of a group is always one whose place says so, and whoever finds a place
// whose group has not taken it in (a death lay between), or could not, goes on from there.

// Place is stored under "place.<hash>".
type Place struct {
	V         int       `json:"v"`
	Group     string    `json:"group,omitempty"`     // id; empty: of none yet
	Inhibited string    `json:"inhibited,omitempty"` // id of the finding that held it back
	Since     time.Time `json:"since,omitzero"`      // when it was
}

// Pointer names a group: under "cause.<hash>" the one that takes members just now, under "at.<hash>"
// the one whose card a message is.
type Pointer struct {
	V     int    `json:"v"`
	Group string `json:"group"`
}

// maxTries bounds how often a compare-and-set that others win is begun anew.
const maxTries = 8

func memberOf(f access.Finding) Member {
	return Member{Scope: f.Ref.Scope, Finding: f.ID, Episode: f.Episode, Rule: f.Rule, Severity: f.Severity}
}

func (m Member) key(channel string) string {
	return "place." + access.Hash(channel, m.Finding, strconv.Itoa(m.Episode))
}

func (m Member) critical() bool { return m.Severity == access.Critical }

func (m Member) same(n Member) bool { return m.Finding == n.Finding && m.Episode == n.Episode }

func (g Group) has(m Member) int { return slices.IndexFunc(g.Members, m.same) }

// told reports whether people may have seen a card of it.
func (g Group) told() bool { return g.At.ID != "" || !g.Claimed.IsZero() || len(g.Former) > 0 }

// takes reports whether so many more members may join it.
func (w gathering) takes(g Group, more int, now time.Time) bool {
	return g.ID != "" && g.Into == "" && len(g.Members)+more <= maxMembers && (w.Window == 0 || len(g.Members) == 0 || now.Sub(g.Last) <= w.Window)
}

// Joined is what came of a finding that was to join a group.
type joined int

const (
	refused joined = iota // the group is not for it (any more)
	entered               // or was there already
	moved                 // it is there, and the group was moved into a digest
)

// join is the group with a member in it; it is pure. What became critical leaves a digest for a card of its own.
func join(g Group, m Member, now time.Time) (next Group, is joined, changed bool) {
	i := g.has(m)
	switch {
	case g.ID == "", i < 0 && (g.Into != "" || len(g.Members) >= maxMembers):
		return g, refused, false
	case i < 0:
		if m.critical() && !g.told() && !slices.ContainsFunc(g.Members, Member.critical) {
			g.Hold = time.Time{} // else what it waits for is the board
		}
		g.Members, g.Last = append(slices.Clone(g.Members), m), now
		return g, entered, true
	case g.Into != "":
		return g, moved, false
	case g.Digest != "" && m.critical() && !g.Members[i].critical():
		g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
		return g, refused, true
	case g.Members[i].Severity != m.Severity:
		g.Members = slices.Clone(g.Members)
		g.Members[i].Severity = m.Severity
		return g, entered, true
	}
	return g, entered, false
}

// place finds or chooses the group of a finding, and sees to it that it is in it.
func (p *Poster) place(ctx context.Context, channel string, f access.Finding) (string, error) {
	m := memberOf(f)
	key := m.key(channel)
	for range maxTries {
		was, _, err := p.Store.Places.Get(ctx, key)
		if err != nil {
			return "", fmt.Errorf("load the place of finding %s: %w", f.ID, err)
		}
		id := was.Group
		if id == "" {
			if id, err = p.promise(ctx, channel, key, m, p.policy().gathered(f, p.Now())); err != nil {
				return "", err
			}
		}
		in := id
		is, err := p.enter(ctx, in, m)
		if err == nil && is == moved {
			if in, err = p.move(ctx, id, gathering{}); err == nil {
				is, err = p.enter(ctx, in, m)
			}
		}
		if err != nil || is == entered {
			return in, err
		}
		if err := p.setPlace(ctx, key, id, ""); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("find a group for finding %s: others were faster %d times: %w", f.ID, maxTries, access.ErrTemporary)
}

// promise chooses a group for a finding and writes it down, unless somebody else did.
func (p *Poster) promise(ctx context.Context, channel, key string, m Member, want gathering) (string, error) {
	id, err := p.choose(ctx, channel, m, 1, want)
	if err != nil {
		return "", err
	}
	_, err = p.Store.Places.Update(ctx, key, func(cur Place, _ uint64) (*Place, []access.Out, error) {
		if cur.Group != "" {
			id = cur.Group
			return nil, nil, nil
		}
		cur.V, cur.Group = access.Version, id
		return &cur, nil, nil
	})
	if err != nil {
		return "", fmt.Errorf("write down the place of finding %s: %w", m.Finding, err)
	}
	return id, nil
}

func (p *Poster) setPlace(ctx context.Context, key, from, to string) error {
	_, err := p.Store.Places.Update(ctx, key, func(cur Place, _ uint64) (*Place, []access.Out, error) {
		if cur.Group != from {
			return nil, nil, nil
		}
		cur.Group = to
		return &cur, nil, nil
	})
	if err != nil {
		return fmt.Errorf("change a place: %w", err)
	}
	return nil
}

func (p *Poster) enter(ctx context.Context, id string, m Member) (is joined, err error) {
	now := p.Now()
	_, err = p.Store.Groups.Update(ctx, groupKey(id), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		var changed bool
		if cur, is, changed = join(cur, m, now); !changed {
			return nil, nil, nil
		}
		return &cur, nil, nil
	})
	if err != nil {
		return refused, fmt.Errorf("put finding %s into group %s: %w", m.Finding, id, err)
	}
	return is, nil
}

// choose is the id of a group that takes so many more members, made if there is none. A new one that is
// no digest needs room in the channel; without it, the digest of what is too many takes them.
func (p *Poster) choose(ctx context.Context, channel string, first Member, more int, want gathering) (string, error) {
	now := p.Now()
	for range maxTries {
		key := "cause." + access.Hash(channel, want.Cause)
		at, _, err := p.Store.Pointers.Get(ctx, key)
		if err != nil {
			return "", fmt.Errorf("look for a group of channel %s: %w", channel, err)
		}
		if at.Group != "" {
			g, _, err := p.Store.Groups.Get(ctx, groupKey(at.Group))
			if err != nil {
				return "", fmt.Errorf("load group %s: %w", at.Group, err)
			}
			if want.takes(g, more, now) {
				return g.ID, nil
			}
		}
		id := access.Hash(channel, want.Cause, first.Finding, strconv.Itoa(first.Episode), at.Group)
		if want.Digest == "" {
			room, err := p.slot(ctx, channel, id)
			if err != nil {
				return "", err
			}
			if !room {
				want = p.policy().tooMany(first.critical(), now)
				continue
			}
		}
		won, err := p.begin(ctx, Group{V: access.Version, ID: id, Channel: channel, Cause: want.Cause, Digest: want.Digest, Hold: want.Hold, Since: now, Last: now}, key, at)
		if err != nil || won {
			return id, err
		}
	}
	return "", fmt.Errorf("begin a group in channel %s: others were faster %d times: %w", channel, maxTries, access.ErrTemporary)
}

// begin makes an empty group the one that takes members.
func (p *Poster) begin(ctx context.Context, g Group, key string, was Pointer) (won bool, err error) {
	_, err = p.Store.Groups.Update(ctx, groupKey(g.ID), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		if cur.ID != "" {
			return nil, nil, nil
		}
		return &g, nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("begin group %s: %w", g.ID, err)
	}
	_, err = p.Store.Pointers.Update(ctx, key, func(cur Pointer, _ uint64) (*Pointer, []access.Out, error) {
		won = cur.Group == was.Group || cur.Group == g.ID
		if !won {
			return nil, nil, nil
		}
		return &Pointer{V: access.Version, Group: g.ID}, nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("point to group %s: %w", g.ID, err)
	}
	return won, nil
}

// slot reports whether the channel bears one more card within this minute.
func (p *Poster) slot(ctx context.Context, channel, group string) (ok bool, err error) {
	now, most := p.Now(), p.policy().Burst
	_, err = p.Store.Channels.Update(ctx, "chan."+access.Hash(channel), func(cur Channel, _ uint64) (*Channel, []access.Out, error) {
		var fresh bool
		if cur, fresh, ok = cur.slot(group, most, now); !fresh {
			return nil, nil, nil
		}
		return &cur, nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("count the cards of channel %s: %w", channel, err)
	}
	return ok, nil
}

// move puts the members of a group that was never told into a digest, all or none, and gives its id.
// The group says where they go before they are there: whoever finds it half done ends it.
func (p *Poster) move(ctx context.Context, id string, want gathering) (string, error) {
	for range maxTries {
		g, _, err := p.Store.Groups.Get(ctx, groupKey(id))
		if err != nil {
			return "", fmt.Errorf("load group %s: %w", id, err)
		}
		into := g.Into
		if into != "" {
			done, err := p.takeIn(ctx, into, g)
			if err != nil || done {
				return into, err
			}
			want, err = p.like(ctx, into, want)
			if err != nil {
				return "", err
			}
		}
		if len(g.Members) == 0 || g.told() {
			return id, nil
		}
		next, err := p.choose(ctx, g.Channel, g.Members[0], len(g.Members), want)
		if err != nil {
			return "", err
		}
		_, err = p.Store.Groups.Update(ctx, groupKey(id), func(cur Group, _ uint64) (*Group, []access.Out, error) {
			if cur.Into != into || cur.told() || len(cur.Members) != len(g.Members) {
				return nil, nil, nil
			}
			cur.Into = next
			return &cur, nil, nil
		})
		if err != nil {
			return "", fmt.Errorf("move group %s to %s: %w", id, next, err)
		}
	}
	return "", fmt.Errorf("move group %s: others were faster %d times: %w", id, maxTries, access.ErrTemporary)
}

// like is the digest that a move was meant for, where only its group is known.
func (p *Poster) like(ctx context.Context, id string, want gathering) (gathering, error) {
	if want.Cause != "" {
		return want, nil
	}
	g, _, err := p.Store.Groups.Get(ctx, groupKey(id))
	if err != nil {
		return want, fmt.Errorf("load group %s: %w", id, err)
	}
	return gathering{Cause: g.Cause, Digest: g.Digest, Hold: g.Hold, Window: time.Minute}, nil
}

// takeIn adds the members of another group; false: there is no room. Where one of them is there, all
// were: what is missing has left it since.
func (p *Poster) takeIn(ctx context.Context, id string, from Group) (done bool, err error) {
	now := p.Now()
	_, err = p.Store.Groups.Update(ctx, groupKey(id), func(cur Group, _ uint64) (*Group, []access.Out, error) {
		if done = slices.ContainsFunc(from.Members, func(m Member) bool { return cur.has(m) >= 0 }); done {
			return nil, nil, nil
		}
		if done = cur.ID != "" && cur.Into == "" && len(cur.Members)+len(from.Members) <= maxMembers; !done {
			return nil, nil, nil
		}
		cur.Members, cur.Last = append(slices.Clone(cur.Members), from.Members...), now
		return &cur, nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("take group %s into %s: %w", from.ID, id, err)
	}
	return done, nil
}
