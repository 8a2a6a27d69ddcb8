package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// What the words of people may be, and how long it is asked for.
const (
	commandFor    = 10 * time.Minute // from the click on
	longestReason = 1000
	longestTicket = 200
	longestSnooze = 7 * 24 * time.Hour
)

// ofFinding is what a click on one finding asks for.
func (g *Gateway) ofFinding(ctx context.Context, c Click, v Value, s notify.Story, p person, o *opening) error {
	switch c.Action {
	case ActDetails:
		return o.show(ctx, g.o.Modals.Details(s, v), g.carries(c, v, s))
	case ActMore:
		return o.show(ctx, g.o.Modals.More(s, v), g.carries(c, v, s))
	}
	if !s.Finding.Open() && c.Action != ActUndo && c.Action != ViewUndo {
		return refuse("stale", "The card has changed: the finding is resolved by now. There is nothing left to decide.")
	}
	cmd, err := g.asks(c, v, s, p)
	if err != nil {
		return err
	}
	if err := g.stillIn(ctx, p, c.User, g.deciders(s, cmd)); err != nil {
		return err
	}
	switch c.Action {
	case ActKeep:
		return o.show(ctx, g.o.Modals.Keep(s, v), g.carries(c, v, s))
	case ActUndo:
		return o.show(ctx, g.o.Modals.Undo(s, v), g.carries(c, v, s))
	case ActTicket:
		return g.ticket(ctx, c, s, p)
	}
	return g.submit(ctx, c, cmd)
}

// asks is the command that a click asks for, if this person may ask for it as things stand. Whoever
// opens a form is told before they fill it in.
func (g *Gateway) asks(c Click, v Value, s notify.Story, p person) (access.Command, error) {
	switch c.Action {
	case ActRevert, ActDeny:
		return ballot(c, v, s, p)
	case ActTicket:
		return access.Command{}, mayDecide(s, p)
	case ActAck:
		return ofOne(c, s, p, access.VerbAcknowledge), mayDecide(s, p)
	case ActSnooze:
		cmd := ofOne(c, s, p, access.VerbSnooze)
		if cmd.For = c.Form.For; cmd.For > longestSnooze {
			return cmd, refuse("value", "It can be snoozed for a week at most.")
		}
		return cmd, mayDecide(s, p)
	case ActKeep, ViewKeep, ActSecond:
		return keeps(c, v, s, p)
	case ActUndo, ViewUndo:
		return undoes(c, v, s, p)
	case ActEnd:
		return ends(c, s, p)
	}
	return access.Command{}, refuse("action", "This button is not known to this version: look at the card again.")
}

// ofOne is a command about one finding.
func ofOne(c Click, s notify.Story, p person, verb access.Verb) access.Command {
	at := c.At.UTC().Truncate(time.Millisecond)
	return access.Command{
		V: access.Version, ID: access.Hash("slack", c.ID, string(verb), s.Finding.ID), Verb: verb, Scope: s.Finding.Ref.Scope, By: p.principal.ID, Via: "slack",
		How: p.how, At: at, Until: at.Add(commandFor), Finding: s.Finding.ID, Episode: s.Finding.Episode,
	}
}

// ballot is a vote on the plan that the person saw. A denial counts whatever the plan is by now, as
// long as there is something to deny.
func ballot(c Click, v Value, s notify.Story, p person) (access.Command, error) {
	a, ok := actionOf(s, v.Action)
	open := s.Question.Open() && s.Question.Action == v.Action
	cmd := ofOne(c, s, p, access.VerbVote)
	cmd.ID = access.Hash("slack", c.ID, string(access.VerbVote), s.Finding.ID, v.Action)
	cmd.Vote, cmd.PlanHash = access.VoteApprove, v.Plan
	if c.Action == ActDeny {
		cmd.Vote = access.VoteDeny
	}
	if a.Purpose != "" {
		cmd.Action = a.ID
	}
	switch {
	case !ok || a.State.Done():
		return cmd, refuse("stale", "The card has changed since you saw it: "+standsNow(s)+". Look at it again.")
	case cmd.Vote == access.VoteApprove && (!open || v.Plan != s.Question.Plan):
		return cmd, refuse("stale", "The card has changed since you saw it: "+standsNow(s)+". Look at the plan that it has now, and decide about that one.")
	case cmd.Vote == access.VoteDeny && v.Plan != a.PlanHash:
		cmd.PlanHash = a.PlanHash
	}
	if open {
		if !slices.Contains(s.Question.May, p.principal.ID) {
			return cmd, refuse("not-asked", "You are not among those who decide about this: "+named(s.Question.May)+". Ask one of them.")
		}
		return cmd, nil
	}
	return cmd, mayDecide(s, p)
}

// standsNow is how a card stands, in a few words.
func standsNow(s notify.Story) string {
	switch {
	case !s.Finding.Open():
		return "the finding is resolved"
	case s.Question.Open():
		return "another plan is asked about"
	case s.Action.State != "":
		return "its action is " + string(s.Action.State)
	}
	return "nothing is asked about it"
}

func actionOf(s notify.Story, id string) (access.Action, bool) {
	for _, a := range append([]access.Action{s.Action}, s.After...) {
		if a.ID == id && id != "" {
			return a, true
		}
	}
	return access.Action{}, false
}

// mayDecide refuses who has no say about a finding at all.
func mayDecide(s notify.Story, p person) error {
	if slices.Contains(s.Decides, p.principal.ID) {
		return nil
	}
	return refuse("not-asked", "You are not among those who decide about this finding: "+named(s.Decides)+". Ask one of them.")
}

// mayReopen refuses who may not keep access open, or open it again: whoever made the change.
func mayReopen(s notify.Story, p person) error {
	if slices.Contains(s.Authors, p.principal.ID) {
		return refuse("four-eyes", "You made this change, or answer for who made it, so somebody else must say that it stays: "+named(without(s.Decides, s.Authors))+". You can still have it reverted.")
	}
	return mayDecide(s, p)
}

// keeps is to let a violation stand for a while, or to agree to that.
func keeps(c Click, v Value, s notify.Story, p person) (access.Command, error) {
	cmd := ofOne(c, s, p, access.VerbWaive)
	most := min(s.Keep.Most, access.WaiverCap(s.Finding.Severity))
	until := cmd.At.Add(c.Form.For)
	cmd.Reason, cmd.Ticket = words(c.Form.Reason, longestReason), words(c.Form.Ticket, longestTicket)
	if c.Action == ActSecond {
		until, cmd.Reason = s.Keep.Until, "agreed with "+named(s.Keep.By)
	}
	cmd.Waiver = waiver(s.Finding, cmd, until)
	if c.About.Digest != "" {
		cmd.Waiver.Digest = c.About.Digest // of what the form showed
	}
	switch {
	case s.Keep.No != "":
		return cmd, refuse("no-keep", "This may not be kept from Slack: "+s.Keep.No)
	case most <= 0:
		return cmd, refuse("no-keep", "This may not be kept from Slack. Give a waiver by command, by API or in the configuration.")
	case s.Finding.State == access.FindingWaived:
		return cmd, refuse("stale", "The card has changed: it is kept already, until "+access.Stamp(s.Finding.Waiver.Until)+".")
	case s.Finding.Digest == "":
		return cmd, refuse("no-keep", "The finding does not say yet which values violate: wait until its project is judged again.")
	case c.Action == ActSecond && (len(s.Keep.By) == 0 || !until.After(time.Now())):
		return cmd, refuse("stale", "The card has changed: nobody asks to keep this any more.")
	case c.Action == ActSecond && slices.Contains(s.Keep.By, p.principal.ID):
		return cmd, refuse("four-eyes", "You asked for this yourself: somebody else has to agree.")
	case c.Action == ViewKeep && (c.Form.For <= 0 || c.Form.For > most || cmd.Reason == ""):
		return cmd, refuse("value", "It can be kept for "+access.Lasts(most)+" at most, and for a reason. Open the form again.")
	}
	if err := mayReopen(s, p); err != nil {
		return cmd, err
	}
	if c.Action == ActSecond && v.Plan != asksToKeep(s) {
		return cmd, refuse("stale", "The card has changed since you saw it: to keep it until "+access.Stamp(until)+" is asked by now. Look at it again, and decide about that.")
	}
	return cmd, nil
}

// waiver is of this resource and these values only.
func waiver(f access.Finding, c access.Command, until time.Time) *access.Waiver {
	return &access.Waiver{
		V: access.Version, ID: "cmd-" + c.ID, Rule: f.Rule, Kind: f.Ref.Kind, Name: f.Ref.Name, Key: f.Key, Project: f.Ref.Scope.ID(), Environment: f.Environment,
		Owner: c.By, Reason: c.Reason, Ticket: c.Ticket, Granted: c.At, Until: until.UTC(), Digest: f.Digest,
	}
}

// undoes is to take back what was done.
func undoes(c Click, v Value, s notify.Story, p person) (access.Command, error) {
	cmd := ofOne(c, s, p, access.VerbUndo)
	cmd.Reason, cmd.PlanHash, cmd.Ticket = words(c.Form.Reason, longestReason), v.Plan, words(c.Form.Ticket, longestTicket)
	switch {
	case !s.Undo.Until.After(time.Now()):
		return cmd, refuse("stale", "It cannot be taken back (any more). Put it right in Atlas if it has to be.")
	case v.Plan != s.Undo.Plan:
		return cmd, refuse("stale", "The card has changed since you saw it: another plan would be taken back. Look at it again.")
	case c.Action == ViewUndo && cmd.Reason == "":
		return cmd, refuse("value", "Taking back needs a reason. Open the form again.")
	}
	return cmd, mayReopen(s, p)
}

// ends is to end a waiver early.
func ends(c Click, s notify.Story, p person) (access.Command, error) {
	cmd := ofOne(c, s, p, access.VerbUnwaive)
	cmd.Finding, cmd.Episode, cmd.Reason, cmd.Waiver = "", 0, "ended early, from Slack", &access.Waiver{ID: s.Finding.Waiver.ID}
	switch {
	case s.Finding.State != access.FindingWaived:
		return cmd, refuse("stale", "The card has changed: it is not kept any more.")
	case s.Finding.Waiver.Source != "":
		return cmd, refuse("no-end", "This waiver stands in the configuration ("+atMost(s.Finding.Waiver.Source, 200)+"): take it out there. It ends by itself at "+access.Stamp(s.Finding.Waiver.Until)+".")
	}
	return cmd, mayDecide(s, p)
}

// deciders are the principals and groups by which somebody may give a command, as the configuration says
// now; none: by any group.
func (g *Gateway) deciders(s notify.Story, c access.Command) []string {
	a := s.Action
	if s.Question.Action != "" {
		if asked, ok := actionOf(s, s.Question.Action); ok {
			a = asked
		}
	}
	names := slices.Clone(s.Approvers)
	if c.Verb != access.VerbVote || a.Ask.Escalated {
		names = append(names, s.Escalate...)
	}
	if c.Verb != access.VerbVote || a.Purpose != "" || s.Finding.Origin != access.OriginNew {
		names = append(names, g.c.o.Staff().Operators...)
	}
	return names
}

// submit gives a command and tells the person what they do not see on the card.
func (g *Gateway) submit(ctx context.Context, c Click, cmd access.Command) error {
	r, err := g.give(ctx, cmd)
	switch {
	case err != nil:
		return err
	case !r.Accepted:
		return refuse("declined", g.says(r))
	case c.Kind == KindCommand:
		g.answer(ctx, c, g.says(r))
	}
	g.renewHome(ctx, c)
	return nil
}

func (g *Gateway) says(r access.CommandRecord) string {
	if g.o.Says != nil {
		return Clean(g.o.Says(r), 1000)
	}
	first, size := utf8.DecodeRuneInString(r.Why)
	return atMost(string(unicode.ToUpper(first))+r.Why[size:], 1000)
}

// give has a command signed and done. Whatever answer there is counts.
func (g *Gateway) give(ctx context.Context, cmd access.Command) (access.CommandRecord, error) {
	if err := cmd.Validate(); err != nil {
		return access.CommandRecord{}, refuse("value", "This cannot be asked for: "+atMost(err.Error(), 300))
	}
	r, err := g.o.Commands.Submit(ctx, cmd)
	if r.Command.ID == cmd.ID {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("give command %s: %w", cmd.ID, err)
	}
	return r, fmt.Errorf("give command %s: no record of it came back", cmd.ID)
}

func (g *Gateway) ticket(ctx context.Context, c Click, s notify.Story, p person) error {
	if g.o.Ticket == nil || s.Ticket == "" {
		return refuse("no-ticket", "No ticket system is configured here.")
	}
	key, err := g.o.Ticket(ctx, s, p.principal.ID)
	if err != nil {
		return fmt.Errorf("open a ticket: %w", err)
	}
	g.answer(ctx, c, "There is a ticket: "+key)
	return nil
}

// words is what a person wrote, on one line.
func words(s string, most int) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return atMost(strings.Join(strings.Fields(tame(s)), " "), most)
}

// named lists some of the names.
func named(ids []string) string {
	if len(ids) == 0 {
		return "nobody"
	}
	return listed(ids, 6)
}
