package slack

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Limits of Slack that the renderer keeps.
const (
	labelMost   = 30 // Slack takes 75, and shows fewer
	confirmMost = 300
	valueMost   = 400
	optionMost  = 150
)

// offer is a button with what a reader should know of it before they click.
type offer struct {
	el   slackgo.BlockElement
	does string // in mrkdwn; empty: it says so itself
}

// shown is a story as a card shows it.
type shown struct {
	notify.Story
	value Value
	now   time.Time
	look  Look
	tight int
}

func show(c notify.Card, s notify.Story, now time.Time, l Look, tight int) shown {
	f, a := s.Finding, asked(s)
	v := Value{Group: c.ID, Rev: c.Rev, Scope: f.Ref.Scope, Finding: f.ID, Episode: f.Episode, Action: a.ID, Plan: a.PlanHash}
	if s.Question.Open() {
		v.Action, v.Plan = s.Question.Action, s.Question.Plan
	}
	return shown{Story: s, value: v, now: now, look: l, tight: tight}
}

// carried is a value as a button carries it; false: it would not come back as it is, and there
// is no button.
func carried(v Value, most int) (string, bool) {
	s := v.String()
	back, err := ParseValue(s)
	return s, len(s) <= most && utf8.ValidString(s) && err == nil && back == v
}

func button(act string, v Value, label string) *slackgo.ButtonBlockElement {
	s, ok := carried(v, valueMost)
	if !ok {
		return nil
	}
	return slackgo.NewButtonBlockElement(act, s, Plain(label, labelMost))
}

func confirm(title, text, yes string) *slackgo.ConfirmationBlockObject {
	return slackgo.NewConfirmationBlockObject(Plain(title, 100), Plain(text, confirmMost), Plain(yes, labelMost), Plain("Cancel", labelMost))
}

// offers are the buttons of a story, in their order: what fixes it stands first. There is none that
// nobody can use.
func (s shown) offers() []offer {
	var out []offer
	add := func(b *slackgo.ButtonBlockElement, does string) {
		if b != nil {
			out = append(out, offer{b, does})
		}
	}
	f := s.Finding
	if s.Question.Open() && s.Question.No == "" && len(s.open()) > 0 {
		add(s.approve())
	}
	if s.keepable() {
		add(s.keep())
	}
	if s.deniable() {
		add(s.deny())
	}
	if s.Action.State == access.ActionVerified && s.Undo.Until.After(s.now) && s.Undo.No == "" && len(s.others()) > 0 && !s.Question.Open() {
		v := s.value
		v.Action, v.Plan = s.Action.ID, s.Undo.Plan
		add(button(ActUndo, v, "Undo…"), "“Undo…” opens again what was closed, for a while: it asks for a reason, and somebody other than who made the change has to agree")
	}
	if f.State == access.FindingWaived && f.Waiver.Source == "" && len(s.Decides) > 0 {
		add(s.end())
	}
	if s.Ticket != "" && f.State == access.FindingOpen && s.undecided() {
		add(button(ActTicket, s.bare(), "Ticket"), "“Ticket” opens one in "+Code(s.Ticket, 40)+", and decides nothing")
	}
	if s.told() && len(s.others()) > 0 {
		add(s.acknowledge())
	}
	add(button(ActDetails, s.value, "Details"), "")
	if e := s.snooze(); e != nil {
		out = append(out, offer{el: e})
	}
	return out
}

// bare is the value of what is about the finding and no plan.
func (s shown) bare() Value {
	v := s.value
	v.Action, v.Plan = "", ""
	return v
}

// open are those who may approve and have not.
func (s shown) open() []string { return without(s.Question.May, s.Question.Yes) }

// others are those who may let it stand: whoever made the change may not.
func (s shown) others() []string { return without(s.Decides, s.Authors) }

func without(all, these []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(p string) bool { return slices.Contains(these, p) })
}

// approve is the vote for the plan.
func (s shown) approve() (*slackgo.ButtonBlockElement, string) {
	a := asked(s.Story)
	label, yes, does := "Revert now", "Revert", "“Revert now” votes for this plan: "
	switch a.Purpose {
	case access.PurposeUndo:
		label, yes, does = "Approve the undo", "Open it again", "“Approve the undo” opens again what was closed: "
	case access.PurposeRelease:
		label, yes, does = "Approve the release", "Release", "“Approve the release” gives the roles back: "
	case access.PurposeDelete:
		label, yes, does = "Delete for good", "Delete", "“Delete for good” cannot be taken back: "
	}
	b := button(ActRevert, s.value, label)
	if b == nil {
		return nil, ""
	}
	b.Style = slackgo.StyleDanger
	b.Confirm = confirm(label+"?", s.blast(a), yes)
	b.Confirm.Style = slackgo.StyleDanger
	return b, does + Code(operations(a.Plan), 200>>s.tight)
}

// operations is what a plan writes.
func operations(p access.Plan) string {
	var out []string
	for _, o := range p.Operations {
		out = append(out, o.Describe())
	}
	if len(out) == 0 {
		return "nothing"
	}
	return listed(out, 3)
}

// blast is what a plan does, how many use what it takes away, and what cannot be had back: what
// somebody must have read before they agree.
func (s shown) blast(a access.Action) string {
	out := []string{Clean(operations(a.Plan), 110) + "."}
	switch i := a.Plan.Impact; {
	case a.Purpose == access.PurposeUndo || a.Purpose == access.PurposeRelease:
		out = append(out, "What was closed is open again for a while.")
	case i.Answer == "seen":
		n := counted(i.Seen.Succeeded+i.Seen.Failed, "login by it was", "logins by it were")
		if i.Seen.Quality != access.QualityComplete {
			n = "At least " + n
		}
		out = append(out, n+" seen lately: who uses it loses access at once.")
	case i.Answer == "none":
		out = append(out, "No login by it was seen lately.")
	default:
		out = append(out, "Who uses it is not known: somebody may lose access at once.")
	}
	if words, why := undoable(a.Plan.Reversible); words == "It can be taken back" || a.Plan.Reversible != "" && why == "" {
		out = append(out, words+".")
	} else if why != "" {
		out = append(out, words+": "+Clean(why, 60)+".")
	}
	if left := s.Question.Need - len(s.Question.Yes); left > 1 {
		out = append(out, counted(left, "approval is", "approvals are")+" needed.")
	}
	return strings.Join(out, " ")
}

// keepable reports whether it may be kept from here, by anybody. Somebody is asked, or nothing
// is being done about it; what was decided is not kept any more.
func (s shown) keepable() bool {
	return s.Keep.No == "" && s.Keep.Most > 0 && s.Finding.State == access.FindingOpen && len(s.others()) > 0 && s.undecided()
}

func (s shown) undecided() bool {
	a := latest(s.Story)
	return a.Purpose == "" && !a.State.Writing() && a.State != access.ActionApproved && a.State != access.ActionVerified && a.State != access.ActionSuperseded
}

// keep asks for it, or agrees to what somebody asked for.
func (s shown) keep() (*slackgo.ButtonBlockElement, string) {
	k := s.Keep
	if len(k.By) > 0 && k.Need > len(k.By) {
		if len(without(s.others(), k.By)) == 0 {
			return nil, ""
		}
		v := s.bare()
		v.Plan = asksToKeep(s.Story)
		b := button(ActSecond, v, "Second the keep")
		if b == nil {
			return nil, ""
		}
		b.Confirm = confirm("Let it stand?", "It stays as it is until "+stamp(k.Until)+", as "+Clean(listed(k.By, 3), 80)+" asked. Whoever made the change cannot agree.", "Let it stand")
		return b, "“Second the keep” agrees that it stands until " + day(k.Until)
	}
	does := "“Keep for…” lets it stand for " + access.Lasts(k.Most) + " at most: it asks for a reason"
	if k.Need > 1 {
		does += ", and " + counted(k.Need-1, "more has", "more have") + " to agree"
	}
	return button(ActKeep, s.value, "Keep for…"), does + "; whoever made the change cannot"
}

// asksToKeep is a hash of what somebody asked to keep: whoever agrees does to that, and to nothing that
// was asked for since.
func asksToKeep(s notify.Story) string {
	return access.Hash("keep", s.Finding.Digest, s.Keep.Until.UTC().Format(time.RFC3339Nano))
}

// deniable reports whether a denial stops something: a revert that comes by itself, or a question
// whose approval opens something again or deletes. Otherwise silence writes nothing, and denying
// would be a way to keep it that is easier than any other.
func (s shown) deniable() bool {
	if len(s.Question.May) == 0 || s.Question.NoDeny != "" {
		return false
	}
	a := asked(s.Story)
	return counting(s.Story, s.now) || s.Question.Open() && (a.Purpose != "" || a.Ask.OnDeadline == access.LateRevert)
}

func (s shown) deny() (*slackgo.ButtonBlockElement, string) {
	b := button(ActDeny, s.value, "Deny")
	if b == nil {
		return nil, ""
	}
	text := "One denial is enough. Nothing is written, and the violation stands open: it stays a finding."
	if asked(s.Story).Purpose != "" {
		text = "One denial is enough: nothing is written."
	}
	b.Confirm = confirm("Deny it?", text, "Deny")
	return b, "“Deny” keeps it from being done: one is enough"
}

func (s shown) end() (*slackgo.ButtonBlockElement, string) {
	b := button(ActEnd, s.bare(), "End waiver")
	if b == nil {
		return nil, ""
	}
	b.Confirm = confirm("End the waiver now?", "It is a violation again at once, and what the response says is done about it.", "End it")
	return b, "“End waiver” makes it a violation again at once"
}

// told reports whether it is only ever told, and not critical: then it can be acknowledged. All
// else can not, since that would keep it by one click and without an end.
func (s shown) told() bool {
	a := latest(s.Story)
	return s.Finding.State == access.FindingOpen && s.Finding.Severity != access.Critical && !s.Question.Open() && len(s.Keep.By) == 0 &&
		(a.State == access.ActionTold || a.State == "")
}

func (s shown) acknowledge() (*slackgo.ButtonBlockElement, string) {
	b := button(ActAck, s.bare(), "Acknowledge")
	if b == nil {
		return nil, ""
	}
	b.Confirm = confirm("Acknowledge it?", "It still stands, and is not told again until it changes or comes back. Whoever made the change cannot.", "Acknowledge")
	return b, "“Acknowledge” says that it is known: it stands, and is not told again"
}

// snooze is by how long: its options carry the value with a duration.
func (s shown) snooze() *slackgo.OverflowBlockElement {
	if s.Finding.State != access.FindingOpen || len(s.Decides) == 0 || !s.undecided() {
		return nil
	}
	var options []*slackgo.OptionBlockObject
	for _, d := range []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour} {
		v, ok := carried(s.bare(), optionMost-len(" 24h0m0s"))
		if !ok {
			return nil
		}
		options = append(options, slackgo.NewOptionBlockObject(v+" "+d.String(), Plain("Snooze for "+access.Lasts(d), labelMost), nil))
	}
	return slackgo.NewOverflowBlockElement(ActSnooze, options...)
}
