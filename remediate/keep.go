package remediate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Who lets a violation stand keeps a gate open: that takes as many people as its response asks
// before it is closed. What those before the last one asked for waits as a proposal in the
// waivers' document, with the commands that they signed; whether each of them still counts is
// looked at when the last one comes.

// maxProposed bounds the proposals of all scopes: each carries signed commands.
const maxProposed = 100

// keeping is what those who agree are counted by.
type keeping struct {
	p   Policy
	f   access.Finding
	a   access.Action
	now time.Time
}

// asked is what stands after one person more asked for the finding to stand. w is the waiver
// that they would give alone. It is pure but for next, and the same command changes nothing twice.
func (k keeping) asked(next *access.Waivers, w access.Waiver, c access.Command, raw []byte) (answer, bool) {
	if said, done := heard(*next, c); done {
		return said, false
	}
	if i := slices.IndexFunc(next.Waivers, func(x access.Waiver) bool { return k.covers(x, w) }); i >= 0 {
		return accepted("it does already: %s", granted(next.Waivers[i])), false
	}
	x, at := k.proposal(next)
	b := approving(c, raw)
	if _, no := k.counts(b); no != "" {
		return declined("%s", no), false
	}
	var yes []access.Command
	var void []string
	x.Votes, yes, void = k.counted(append(slices.Clone(x.Votes), b))
	x.At, x.Until = yes[0].At, earliest(yes)
	x.Needs = max(0, max(1, Respond(k.p, k.f).Quorum)-len(yes))
	if x.Needs > 0 {
		return k.noted(next, x, at, c, void), false
	}
	w.Owner, w.Reason, w.Ticket, w.Until = yes[0].By, yes[0].Reason, yes[0].Ticket, x.Until
	if len(yes) > 1 {
		w.Agreed = voters(x.Votes)
	}
	if at >= 0 { // it is kept, so that whoever asked before and has no answer yet is told what came of it
		x.Waiver = w.ID
		next.Proposed[at] = x
	}
	next.Waivers = append(next.Waivers, w)
	return accepted("%s", granted(w)), true
}

// counted are the ballots that count, one for each person, with their commands, and why the
// others do not.
func (k keeping) counted(all []access.Ballot) (votes []access.Ballot, yes []access.Command, void []string) {
	for _, b := range all {
		c, why := k.counts(b)
		switch {
		case why != "":
			void = append(void, why)
		case !slices.ContainsFunc(yes, func(y access.Command) bool { return y.By == c.By }):
			votes, yes = append(votes, b), append(yes, c)
		}
	}
	return votes, yes, void
}

// proposal is the one for the finding that waits for somebody, and where it stands; -1: a new
// one. One for what the finding is no more is gone.
func (k keeping) proposal(next *access.Waivers) (access.Proposal, int) {
	next.Proposed = slices.DeleteFunc(slices.Clone(next.Proposed), func(x access.Proposal) bool {
		return x.Finding == k.f.ID && x.Waiver == "" && !x.Waits(k.f, k.now)
	})
	i := slices.IndexFunc(next.Proposed, func(x access.Proposal) bool { return x.Waits(k.f, k.now) })
	if i >= 0 {
		return next.Proposed[i], i
	}
	return access.Proposal{Finding: k.f.ID, Episode: k.f.Episode, Rule: k.f.Rule, Ref: k.f.Ref, Key: k.f.Key, Digest: k.f.Digest}, -1
}

// noted stores a proposal that needs more people.
func (k keeping) noted(next *access.Waivers, x access.Proposal, at int, c access.Command, void []string) answer {
	switch {
	case at >= 0:
		next.Proposed[at] = x
	case len(next.Proposed) >= maxProposed:
		return declined("%d waivers are proposed, and no more may be: have some of them decided first", maxProposed)
	default:
		next.Proposed = append(next.Proposed, x)
	}
	said := proposed(x)
	if !slices.ContainsFunc(x.Votes, func(b access.Ballot) bool { return b.Command == c.ID }) {
		said = fmt.Sprintf("%s asked for it before, and counts once; %s", c.By, said)
	}
	if len(void) > 0 {
		said += "; " + strings.Join(void, "; ")
	}
	return accepted("%s", said)
}

// counts is the command of a ballot, and why it does not count under the policy as it is now;
// empty: it counts. A proposal that somebody wrote into the store carries nothing.
func (k keeping) counts(b access.Ballot) (access.Command, string) {
	c, err := access.Proven(b.Signed, k.p.People.Keys)
	switch {
	case !k.p.People.believed(b.Key):
		return c, fmt.Sprintf("the key that signed what %s asked is believed no more", b.By)
	case err != nil || !k.said(b, c):
		return c, fmt.Sprintf("no signed command carries what %s asked", b.By)
	case k.now.Sub(c.At) >= access.ProposalLife || !c.Waiver.Until.After(k.now):
		return c, fmt.Sprintf("what %s asked for has ended", b.By)
	}
	return c, mayStand(k.p, k.f, k.a, c)
}

// said reports whether a believed command asked for this finding, with these values, to stand.
func (k keeping) said(b access.Ballot, c access.Command) bool {
	return c.ID == b.Command && c.By == b.By && access.EnvelopeKey(b.Signed) == b.Key && b.Vote == access.VoteApprove && c.Scope == k.f.Ref.Scope &&
		c.Verb == access.VerbWaive && c.Finding == k.f.ID && c.Episode == k.f.Episode && c.Waiver.Digest == k.f.Digest
}

// covers reports whether a waiver that commands gave lets the finding stand for as long as w
// would: whoever asks for no more than that is answered by it.
func (k keeping) covers(x, w access.Waiver) bool {
	return strings.HasPrefix(x.ID, commandWaiver) && x.Rule == w.Rule && x.Kind == w.Kind && x.Name == w.Name && x.Key == w.Key && x.Project == w.Project && x.Digest == w.Digest &&
		k.now.Before(x.Until) && !w.Until.After(x.Until)
}

// heard is what a command is told that was counted before, by a process that died before it
// could say so or by another one at the same time.
func heard(cur access.Waivers, c access.Command) (answer, bool) {
	id := waiverID(c)
	for _, x := range cur.Proposed {
		if slices.ContainsFunc(x.Votes, func(b access.Ballot) bool { return b.Command == c.ID }) {
			if x.Waiver == "" {
				return accepted("%s", proposed(x)), true
			}
			id = x.Waiver
		}
	}
	for _, w := range cur.Waivers {
		if w.ID == id {
			return accepted("%s", granted(w)), true
		}
	}
	return answer{}, false
}

// granted says what a waiver lets stand.
func granted(w access.Waiver) string {
	said := fmt.Sprintf("%s of %s stands until %s", w.Rule, w.Name, access.Stamp(w.Until))
	if len(w.Agreed) > 1 {
		said += ", as " + strings.Join(w.Agreed, ", ") + " agreed"
	}
	return said
}

// proposed says what a proposal waits for.
func proposed(x access.Proposal) string {
	return fmt.Sprintf("noted: %s of %s stands until %s once %d more of those who decide ask for it, by %s; until then nothing is kept",
		x.Rule, x.Ref.Name, access.Stamp(x.Until), x.Needs, access.Stamp(x.Lapses()))
}

// earliest is the first end that one of them asked for; zero: nobody asks.
func earliest(all []access.Command) (until time.Time) {
	for _, c := range all {
		if until.IsZero() || c.Waiver.Until.Before(until) {
			until = c.Waiver.Until
		}
	}
	return until
}

// voters are those who voted, each once.
func voters(votes []access.Ballot) (out []string) {
	for _, b := range votes {
		if !slices.Contains(out, b.By) {
			out = append(out, b.By)
		}
	}
	return out
}
