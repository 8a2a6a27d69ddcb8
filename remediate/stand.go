package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// What commands may leave in the one document of waivers.
const (
	maxStanding  = 5000
	acknowledged = "acknowledged: it is known, and not told again in this episode"

	ackFor = 400 * 24 * time.Hour // an acknowledgement is forgotten after this
)

// change is what a command does to the document of what stands, and what is said of it; judged
// is whether its scope must be judged again. What is declined changes nothing.
type change func(next *access.Waivers) (said answer, judged bool)

// stand does the commands by which something is let stand: acknowledgement, waiver and
// expectation. Each is one entry of the waivers' document, named by its command, and has its
// scope judged again.
func (s *Stage) stand(ctx context.Context, p Policy, c access.Command, raw []byte) (answer, error) {
	if c.Verb == access.VerbExpect {
		x, no := expectation(p, c)
		if no != "" {
			return declined("%s", no), nil
		}
		return s.changed(ctx, c, func(w *access.Waivers) (answer, bool) { return announce(w, x), true })
	}
	f, err := s.subject(ctx, c)
	if err != nil {
		return answer{}, err
	}
	if said, done, err := s.stands(ctx, c); done || err != nil {
		return said, err
	}
	a, _, err := s.Actions.Get(ctx, access.ActionID(c.Finding, c.Episode))
	if err != nil {
		return answer{}, fmt.Errorf("load the action of finding %s: %w", c.Finding, err)
	}
	if no := mayStand(p, f, a, c); no != "" {
		return declined("%s", no), nil
	}
	if c.Verb == access.VerbAcknowledge {
		return s.changed(ctx, c, func(w *access.Waivers) (answer, bool) { return acknowledge(w, f, c), true })
	}
	now := s.now()
	waiver, no := waiverOf(f, c, now)
	if no != "" {
		return declined("%s", no), nil
	}
	k := keeping{p, f, a, now}
	return s.changed(ctx, c, func(w *access.Waivers) (answer, bool) { return k.asked(w, waiver, c, raw) })
}

// changed stores what a command changes of what stands.
func (s *Stage) changed(ctx context.Context, c access.Command, do change) (answer, error) {
	var said answer
	_, err := s.Waivers.Update(ctx, access.WaiversKey, func(cur access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
		if cur.V > access.Version {
			return nil, nil, fmt.Errorf("the waivers were written by a newer program: %w", access.ErrTemporary)
		}
		next := forgotten(cur, s.now())
		before := standing(next)
		var judged bool
		if said, judged = do(&next); !said.ok {
			return nil, nil, nil
		}
		if n := standing(next); n > before && n > maxStanding {
			said = declined("%d waivers, expectations and acknowledgements are stored, and no more may: put those that last into the configuration", before)
			return nil, nil, nil
		}
		if !judged {
			return &next, nil, nil
		}
		return &next, []access.Out{access.NewOut(access.TopicEval, c.Scope, access.Eval{Scope: c.Scope, Why: string(c.Verb) + " by " + c.By})}, nil
	})
	if err != nil {
		return answer{}, fmt.Errorf("store what stands by command %s: %w", c.ID, err)
	}
	return said, nil
}

func standing(w access.Waivers) int {
	return len(w.Waivers) + len(w.Expectations) + len(w.Acknowledgements)
}

// stands reports whether the very command was done before, by a process that died before it
// could say so: since then the finding may stand by it, or be over.
func (s *Stage) stands(ctx context.Context, c access.Command) (answer, bool, error) {
	cur, _, err := s.Waivers.Get(ctx, access.WaiversKey)
	if err != nil {
		return answer{}, false, fmt.Errorf("read what stands: %w", err)
	}
	if said, done := heard(cur, c); done {
		return said, true, nil
	}
	acked := func(a access.Acknowledgement) bool {
		return c.Verb == access.VerbAcknowledge && a.Finding == c.Finding && a.Episode == c.Episode && a.By == c.By && a.At.Equal(c.At)
	}
	return accepted(acknowledged), slices.ContainsFunc(cur.Acknowledgements, acked), nil
}

// commandWaiver begins the ids of waivers that commands gave.
const commandWaiver = "cmd-"

func waiverID(c access.Command) string { return commandWaiver + c.ID }

// forgotten leaves out what has long ended.
func forgotten(w access.Waivers, now time.Time) access.Waivers {
	const kept = 30 * 24 * time.Hour // so that renewals are counted
	next := access.Waivers{V: access.Version}
	for _, x := range w.Waivers {
		if now.Sub(x.Until) < kept {
			next.Waivers = append(next.Waivers, x)
		}
	}
	for _, x := range w.Expectations {
		if now.Sub(x.Until) < kept {
			next.Expectations = append(next.Expectations, x)
		}
	}
	for _, x := range w.Acknowledgements {
		if now.Sub(x.At) < ackFor {
			next.Acknowledgements = append(next.Acknowledgements, x)
		}
	}
	for _, x := range w.Proposed {
		if now.Before(x.Lapses()) {
			next.Proposed = append(next.Proposed, x)
		}
	}
	return next
}

// mayStand is why the one who asks may not let the finding stand; empty: they may. Whoever
// weakened access is not the one who keeps it so.
func mayStand(p Policy, f access.Finding, a access.Action, c access.Command) string {
	answers := p.People.made(a, f)
	switch {
	case f.ID == "" || f.Episode != c.Episode || !f.Open():
		return fmt.Sprintf("episode %d of finding %s is over: there is nothing to let stand", c.Episode, c.Finding)
	case !slices.Contains(deciders(p, f), c.By):
		return fmt.Sprintf("%s is not among those who decide about it: the approvers of its response, and guards.operators", c.By)
	case slices.Contains(answers, c.By):
		return fmt.Sprintf("%s answers for the one who made the change: somebody else must decide that it stays", c.By)
	case c.Verb == access.VerbWaive && a.State.Writing():
		return fmt.Sprintf("its action is %s: it is too late to keep it; undo takes it back", a.State)
	case c.Verb == access.VerbWaive && len(answers) == 0:
		return "nobody declared answers for who made the change: a waiver for it is given in the configuration, where others review it"
	}
	return ""
}

// waiverOf is the waiver that a command asks for: for the finding, the values that were shown,
// and no longer than its severity allows. Of what the command says only these, the end and the
// words count.
func waiverOf(f access.Finding, c access.Command, now time.Time) (access.Waiver, string) {
	most := access.WaiverCap(f.Severity)
	switch {
	case strings.Contains(f.Ref.Name, "*"):
		return access.Waiver{}, "its name has a star, which in a waiver would mean others too: give the waiver in the configuration"
	case c.Waiver.Digest != f.Digest:
		return access.Waiver{}, "what violates is something else by now than what was shown: look at it again"
	case !c.Waiver.Until.After(now):
		return access.Waiver{}, "a waiver must end in the future"
	case c.Waiver.Until.Sub(now) > most:
		return access.Waiver{}, fmt.Sprintf("a finding of severity %s is waived for %s at most, until %s", f.Severity, access.Lasts(most), access.Stamp(now.Add(most)))
	}
	return access.Waiver{
		V: access.Version, ID: waiverID(c), Rule: f.Rule, Kind: f.Ref.Kind, Name: f.Ref.Name, Key: f.Key, Project: f.Ref.Scope.ID(),
		Owner: c.By, Reason: c.Reason, Ticket: c.Ticket, Granted: now, Until: c.Waiver.Until, Digest: f.Digest,
	}, ""
}

func acknowledge(w *access.Waivers, f access.Finding, c access.Command) answer {
	if !slices.ContainsFunc(w.Acknowledgements, func(a access.Acknowledgement) bool { return a.Finding == f.ID && a.Episode == f.Episode }) {
		w.Acknowledgements = append(w.Acknowledgements, access.Acknowledgement{Finding: f.ID, Episode: f.Episode, By: c.By, Reason: c.Reason, At: c.At})
	}
	return accepted(acknowledged)
}

// expectation is what a command announces, if the one who asks may.
func expectation(p Policy, c access.Command) (access.Expectation, string) {
	x := *c.Expect
	x.V, x.ID, x.Approved, x.Source, x.Reason, x.Ticket = access.Version, "cmd-"+c.ID, c.By, "", c.Reason, c.Ticket
	if x.From.Before(c.At) {
		x.From = c.At
	}
	x.Project = c.Scope.ID()
	switch {
	case !slices.Contains(p.People.members(p.People.Operators), c.By):
		return x, fmt.Sprintf("%s is not among guards.operators, who may announce changes", c.By)
	case c.Scope.IsOrg():
		return x, "announce a change for one project: what is announced for an org stands in the configuration"
	case access.MostlyAll(x.Actor) && access.AnyName(x.Name):
		return x, "name the actor or the resource: what announces everything announces nothing"
	case x.Actor == c.By || slices.Contains(p.People.answersFor(access.Actor{Type: access.ActorHuman, Name: x.Actor}), c.By):
		return x, fmt.Sprintf("%s answers for the actor: somebody else must announce it", c.By)
	case !x.Until.After(x.From) || x.Until.Sub(c.At) > access.LongestExpectation:
		return x, "it must end after it begins, and within " + access.Lasts(access.LongestExpectation) + " from now"
	}
	return x, ""
}

func announce(w *access.Waivers, x access.Expectation) answer {
	if !slices.ContainsFunc(w.Expectations, func(y access.Expectation) bool { return y.ID == x.ID }) {
		w.Expectations = append(w.Expectations, x)
	}
	return accepted("announced until %s: what matches is recorded and not reverted", access.Stamp(x.Until))
}
