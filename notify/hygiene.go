package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Policy says how much people are told, and when. The zero values are the defaults.
type Policy struct {
	GroupWait   time.Duration // how long a finding that is not critical waits for others of its cause; 0: 10 s
	GroupWindow time.Duration // how long after its last one a group takes another; 0: 60 s
	Burst       int           // new cards a minute and channel, beyond which they become a digest; 0: 20
	Budget      int           // cards a day of any one approver, beyond which questions that are not critical become a digest; 0: 30
	Quiet       Quiet
	Fallback    string // the channel for what another one does not take; empty: it waits
}

// Quiet are the hours in which nothing is told that is not critical. They may span midnight; equal
// ends are none.
type Quiet struct {
	From, To time.Duration  // since midnight
	Zone     *time.Location // nil: UTC
}

const (
	groupWait   = 10 * time.Second
	groupWindow = time.Minute
	burst       = 20
	budget      = 30

	maxMembers  = 500 // of a group: what is stored and loaded of one card is bounded by it
	budgetEvery = 15 * time.Minute
	missedAfter = 2 * time.Minute  // what is over and was never told by then gets no card of its own
	missedFor   = 10 * time.Minute // how long after its last one the digest of those takes another
)

func (p Policy) orDefaults() Policy {
	p.GroupWait, p.GroupWindow = cmp.Or(p.GroupWait, groupWait), cmp.Or(p.GroupWindow, groupWindow)
	p.Burst, p.Budget = cmp.Or(p.Burst, burst), cmp.Or(p.Budget, budget)
	return p
}

// Until is when the quiet hours end in which now lies; false: it lies in none.
func (q Quiet) Until(now time.Time) (time.Time, bool) {
	if q.From == q.To {
		return time.Time{}, false
	}
	local := now.In(q.zone())
	for _, day := range []int{-1, 0} { // those that began yesterday, and today's
		from, to := q.clock(local, day, q.From), q.clock(local, day, q.To)
		if q.To < q.From {
			to = q.clock(local, day+1, q.To)
		}
		if !now.Before(from) && now.Before(to) {
			return to, true
		}
	}
	return time.Time{}, false
}

// clock is a time of the day so many days after t, by the clock on the wall: a day may have 23 hours.
func (q Quiet) clock(t time.Time, days int, of time.Duration) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, 0, int(of/time.Minute), 0, 0, q.zone())
}

func (q Quiet) zone() *time.Location {
	if q.Zone == nil {
		return time.UTC
	}
	return q.Zone
}

// day names the day of the policy's zone in which t lies.
func (p Policy) day(t time.Time) string { return t.In(p.Quiet.zone()).Format(time.DateOnly) }

// gathering is what a group looks like that a finding may join.
type gathering struct {
	Cause  string // what its members have in common
	Digest string // why they are told together all the same; empty: that is why
	Hold   time.Time
	Window time.Duration // how long after its last member it takes another; 0: for ever
}

// gathered is where a finding belongs that is in no group yet.
func (p Policy) gathered(f access.Finding, now time.Time) gathering {
	critical := f.Severity == access.Critical
	if until, quiet := p.Quiet.Until(now); quiet && !critical {
		return quietHours(until)
	}
	g := gathering{Cause: causeOf(f), Window: p.GroupWindow}
	if !critical {
		g.Hold = now.Add(p.GroupWait)
	}
	return g
}

// causeOf tells what findings have in common that one card tells of. The project is no part of it: one
// change of a template shows in many. What is critical never joins what waits.
func causeOf(f access.Finding) string {
	critical := ""
	if f.Severity == access.Critical {
		critical = string(access.Critical)
	}
	return access.Hash(f.Rule, f.Environment, cmp.Or(f.Actor.Principal, f.Actor.Name), critical)
}

// The digests. A critical finding may be in those of too many and of what is over; it is told at once.

func quietHours(until time.Time) gathering {
	return gathering{Cause: "quiet " + access.Stamp(until), Digest: "came in the quiet hours, and is not critical", Hold: until}
}

func (p Policy) tooMany(critical bool, now time.Time) gathering {
	g := gathering{Cause: "flood", Digest: "too many at once for a card each", Window: p.GroupWindow}
	if !critical {
		g.Hold = now.Add(p.GroupWait)
	}
	return g
}

// overBudget is a new message every quarter of an hour: an edit calls nobody, and what is in it may ask.
func (p Policy) overBudget(now time.Time) gathering {
	until := now.Truncate(budgetEvery).Add(budgetEvery)
	return gathering{
		Cause: "budget " + access.Stamp(until), Hold: until,
		Digest: "beyond the cards that those who answer get by themselves on one day, and not critical",
	}
}

func (p Policy) missed(board string, now time.Time) gathering {
	return gathering{Cause: "missed", Digest: "handled while " + title(board) + " was unreachable", Hold: now.Add(p.GroupWait), Window: missedFor}
}

// title is a board's name at its place in a sentence.
func title(board string) string {
	return strings.ToUpper(board[:min(1, len(board))]) + board[min(1, len(board)):]
}

// instead is where a group goes that is due and would be told for the first time, if not on a card of
// its own. spent: somebody who would be asked has had the cards of the day.
func (p Policy) instead(t telling, board string, spent bool, now time.Time) (gathering, bool) {
	until, quiet := p.Quiet.Until(now)
	switch {
	case t.over && now.Sub(t.opened) > missedAfter:
		return p.missed(board, now), true
	case t.critical:
		return gathering{}, false
	case quiet:
		return quietHours(until), true
	case spent:
		return p.overBudget(now), true
	}
	return gathering{}, false
}

// Channel is what is kept of one channel, under "chan.<hash>": the cards that were begun lately.
type Channel struct {
	V     int    `json:"v"`
	Cards []Slot `json:"cards"`
}

// Slot is one card within the burst that a channel bears.
type Slot struct {
	Group string    `json:"group"`
	At    time.Time `json:"at"`
}

// slot finds room for one more card; false: there is none within this minute. A group that has some
// keeps it.
func (c Channel) slot(group string, burst int, now time.Time) (next Channel, fresh, ok bool) {
	next = Channel{V: access.Version, Cards: slices.DeleteFunc(slices.Clone(c.Cards), func(s Slot) bool { return now.Sub(s.At) >= time.Minute })}
	if slices.ContainsFunc(next.Cards, func(s Slot) bool { return s.Group == group }) {
		return c, false, true
	}
	if len(next.Cards) >= burst {
		return c, false, false
	}
	next.Cards = append(next.Cards, Slot{Group: group, At: now})
	return next, true, true
}

// Day is what an approver was asked on one day, under "day.<hash>": ids of groups.
type Day struct {
	V     int       `json:"v"`
	Since time.Time `json:"since"` // when the first one came
	Cards []string  `json:"cards"`
}

// pace is how long a card that was just posted or edited is left alone. Those that people decide
// about one at a time change at once; of many findings every change would be an edit.
func pace(g Group, c Card) time.Duration {
	n := len(g.Members)
	for _, s := range c.Stories {
		n = max(n, min(s.Held, Shown))
	}
	switch {
	case n <= 3:
		return 0
	case n <= Shown:
		return 2 * time.Second
	case g.Digest == "":
		return 10 * time.Second
	}
	return 30 * time.Second
}
