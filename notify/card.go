package notify

import (
	"context"
	"errors"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Card is one message in a channel, edited in place for as long as what it tells of changes: a
// finding, several of one cause, or a digest.
type Card struct {
	ID      string  // of the group that it tells of
	Rev     int     // of the group; a click on an older one is told so
	Digest  string  // why these are told together and not each by itself; empty: they have one cause
	Stories []Story // the worst first; at most Shown of them
	Total   int     // findings in it
	Counts  []Count // by rule, the worst first
}

// First reports whether nobody was shown this card before, as far as is known: who is asked is called by
// no later one.
func (c Card) First() bool { return c.Rev <= 1 }

// Shown is how many findings a card lists; the others it counts.
const Shown = 10

// Count is how many findings of a rule a card tells of.
type Count struct {
	Rule     string
	Severity access.Severity
	Open     int // that stand
	Waiting  int // that wait for an answer
	Total    int
}

// Placed is where a card is.
type Placed struct {
	Channel string `json:"channel,omitempty"` // the id by which the board knows it
	ID      string `json:"id,omitempty"`      // of the message
}

// Line is one thing that is said in the thread of a card, once.
type Line struct {
	Key  string // the same for the same thing
	Text string // for people; not escaped
	At   time.Time
	Loud bool // for the channel too
}

// Board is where cards are posted, and who tells the operator what is wrong with it. Errors may have a method RetryAfter() time.Duration; those that
// wrap [ErrNoCard], [ErrNoPlace] or [ErrNoBoard] come again however often it is tried.
type Board interface {
	Name() string
	Post(ctx context.Context, channel string, c Card) (Placed, error)
	Edit(ctx context.Context, at Placed, c Card) error
	Say(ctx context.Context, at Placed, l Line) error
	// Direct tells a person that what they did was found. It is no card: nothing is decided in it.
	Direct(ctx context.Context, principal string, s Story, card Placed) error
}

// What is wrong with a card, a channel or the whole board for longer.
var (
	ErrNoCard  = errors.New("the message is gone")              // deleted, or not ours: post anew
	ErrNoPlace = errors.New("the channel cannot be posted to")  // unknown, archived, not a member
	ErrNoBoard = errors.New("the workspace does not let us in") // token revoked, scope missing, app removed
)
