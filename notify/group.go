package notify

import (
	"context"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Group is what one card tells of, as it is stored under "grp.<id>".
type Group struct {
	V       int       `json:"v"`
	ID      string    `json:"id"`
	Channel string    `json:"channel"`          // as the routes name it
	Cause   string    `json:"cause"`            // hash of what its members have in common
	Digest  string    `json:"digest,omitempty"` // why they are told together; empty: they have one cause
	Members []Member  `json:"members"`          // in the order of their coming
	Since   time.Time `json:"since"`
	Last    time.Time `json:"last"`             // when the last member came
	Hold    time.Time `json:"hold,omitzero"`    // not told before
	Rev     int       `json:"rev"`              // counts the renderings that people were shown
	At      Placed    `json:"at,omitzero"`      // where the card is
	Said    string    `json:"said,omitempty"`   // digest of the rendering that is there
	Claimed time.Time `json:"claimed,omitzero"` // when a process began to post or edit it; zero: none is at it
	Votes   []Offered `json:"votes,omitempty"`  // what the rendering that is there lets people approve at once
	Lines   []string  `json:"lines,omitempty"`  // keys of what was said in the thread
	Told    []string  `json:"told,omitempty"`   // ids of the principals who were told directly
	Former  []Placed  `json:"former,omitempty"` // cards that were given up, or copies that came to light
	Words   bool      `json:"words,omitempty"`  // Digest is all that it tells: it is about no finding
	Into    string    `json:"into,omitempty"`   // id of the digest that its members were moved to before they were told
}

// Member is one episode of a finding in a group.
type Member struct {
	Scope    access.Scope    `json:"scope"`
	Finding  string          `json:"finding"`
	Episode  int             `json:"episode"`
	Rule     string          `json:"rule"`
	Severity access.Severity `json:"severity"`
}

// Offered is one action that a card let people approve, with the plan that it showed or stood for.
type Offered struct {
	Scope   access.Scope `json:"scope"`
	Finding string       `json:"finding"`
	Episode int          `json:"episode"`
	Action  string       `json:"action"`
	Plan    string       `json:"plan"`
}

// Groups finds the group of a card.
type Groups interface {
	Group(ctx context.Context, id string) (Group, bool, error)
	// At is the group whose card is this message; false: none that we know of.
	At(ctx context.Context, p Placed) (Group, bool, error)
}
