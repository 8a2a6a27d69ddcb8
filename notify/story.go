package notify

import (
	"context"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Story is what a person needs to know of one finding to decide about it, as it stands when it
// is loaded. Names, titles and whatever else comes from Atlas is text that strangers chose.
type Story struct {
	Finding access.Finding
	Action  access.Action   // of the finding's episode; the zero one: nothing is done about it yet
	After   []access.Action // that take it back or follow it, the oldest first

	Org     string // what it is called; empty: not known
	Project string // what it is called; empty: of an org, or not known
	Title   string // of the rule
	Why     string // of the rule: why it matters
	Fix     string // of the rule: what a person does about it
	Safer   string // how to have the same without the violation, as a command; empty: none is known

	Openings int             // episodes of the finding that began in the last 90 days, this one among them
	Earlier  []access.Waiver // that held for it before, the newest first

	Question Question
	Keep     Keep
	Undo     Undo
	Ticket   string   // the ticket sink that can be asked for; empty: none
	Authors  []string // ids of the principals that answer for who made the change
	// The principals and groups whom its response names just now: who may decide by which of them.
	Approvers, Escalate []string
	Decides             []string // ids of the principals who may say something about the finding at all, sorted
	Held                int      // findings that are told of by this one, since they only matter once it is gone
	At                  time.Time
}

// Question is how a question to people stands. The zero value asks nobody.
type Question struct {
	Action string   // id of the action that it is about: the finding's own, or one that follows it
	Plan   string   // hash of the plan that is decided about
	May    []string // ids of the principals who may answer, sorted
	Need   int      // approvals that it takes
	Yes    []string // who approved, as far as it counts
	Void   []string // why votes do not count
	Until  time.Time
	Then   string // what happens if nobody acts by then, in words
	No     string // why it is not approved in a chat, with the way that remains; empty: it may be
	NoDeny string // why it is not denied in a chat; empty: it may be
}

// Open reports whether somebody is asked.
func (q Question) Open() bool { return q.Need > 0 }

// Keep is whether and how a violation may be let stand from a chat.
type Keep struct {
	No    string        // why it may not be kept from there, with the way that remains; empty: it may
	Most  time.Duration // for how long at most
	Need  int           // people that it takes
	By    []string      // who asked for it so far
	Until time.Time     // what they asked for
}

// Undo is whether what was done can be taken back.
type Undo struct {
	Until time.Time // zero: it cannot
	Plan  string    // hash of the plan that would be taken back
	No    string    // why it is not taken back in a chat; empty: it may be
	Loses string    // what cannot be had back; empty: everything can
}

// Stories loads what is to be told; false: there is no such finding any more.
type Stories interface {
	Story(ctx context.Context, scope access.Scope, finding string, episode int) (Story, bool, error)
}
