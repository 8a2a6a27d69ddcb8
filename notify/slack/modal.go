package slack

import (
	"fmt"
	"strconv"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// The blocks of modals under which people's input comes back; the action has the same name.
const (
	fieldFor    = "for"
	fieldReason = "reason"
	fieldWords  = "words"
	fieldTicket = "ticket"
	fieldNumber = "number"
)

// TypedAbove is from how many actions on their number must be typed, and not only read.
const TypedAbove = 10

// otherReason is the reason that needs words of its own.
const otherReason = "other"

type choice struct{ value, label string }

// reasons are why a violation is let stand for a while.
func reasons() []choice {
	return []choice{
		{"planned", "Planned work that ends by itself"},
		{"vendor", "A vendor or partner needs it for a while"},
		{"incident", "Needed for an incident"},
		{"migration", "A migration is under way"},
		{"replacing", "The replacement is being built"},
		{otherReason, "Another reason (say which)"},
	}
}

// spans are the durations that are offered, up to the longest.
func spans(most time.Duration) []time.Duration {
	const day = 24 * time.Hour
	var out []time.Duration
	for _, d := range []time.Duration{time.Hour, 4 * time.Hour, 8 * time.Hour, day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day} {
		if d <= most {
			out = append(out, d)
		}
	}
	if len(out) == 0 && most >= time.Minute {
		out = append(out, most.Truncate(time.Minute))
	}
	return out
}

// modal puts a view together. What it carries to its submission the gateway puts in.
func modal(callback, title, submit string, blocks ...slackgo.Block) slackgo.ModalViewRequest {
	v := slackgo.ModalViewRequest{
		Type: slackgo.VTModal, CallbackID: callback, Title: Plain(title, 24), Close: Plain("Close", 24),
		Blocks: slackgo.Blocks{BlockSet: blocks},
	}
	if submit != "" {
		v.Submit, v.Close = Plain(submit, 24), Plain("Cancel", 24)
	}
	return v
}

func input(field, label, hint string, el slackgo.BlockElement) *slackgo.InputBlock {
	b := slackgo.NewInputBlock(field, Plain(label, 80), nil, el)
	if hint != "" {
		b.Hint = Plain(hint, 200)
	}
	return b
}

func choose(field string, of []choice) *slackgo.SelectBlockElement {
	var options []*slackgo.OptionBlockObject
	for _, c := range of {
		options = append(options, slackgo.NewOptionBlockObject(c.value, Plain(c.label, 75), nil))
	}
	return slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeStatic, Plain("Choose", 30), field, options...)
}

func typed(field, placeholder string, most int, lines bool) *slackgo.PlainTextInputBlockElement {
	el := slackgo.NewPlainTextInputBlockElement(Plain(placeholder, 140), field)
	el.MaxLength, el.Multiline = most, lines
	return el
}

// KeepModal asks for how long, and why. Where it may not be kept from here it says so, and by
// what way it may.
func KeepModal(s notify.Story, l Look) slackgo.ModalViewRequest {
	what := (&rich{}).bold("Let it stand: ").thing(s.Finding).say(" in ").place(s)
	what.line().say(severityWord(s.Finding.Severity) + ": ").prose(title(s))
	durations := spans(s.Keep.Most)
	if s.Keep.No != "" || len(durations) == 0 {
		no := s.Keep.No
		if no == "" {
			no = "it may not be kept for any time"
		}
		what.line().say("🚫 It may not be kept from here: ").prose(no)
		return modal(ViewKeep, "Keep for a while", "", what.block(""), pre("", l.command("waive", short(s.Finding.ID), "--until", "WHEN", "--reason", "WHY"), 200))
	}
	if n := s.Keep.Need - len(s.Keep.By); n > 1 {
		what.line().say("It takes " + counted(s.Keep.Need, "person", "people") + ": others have to agree on the card before it holds.")
	}
	what.line().say("It is a violation again when the time is over, or when what is let stand changes. Whoever made the change cannot ask for it.")
	var terms []choice
	for _, d := range durations {
		terms = append(terms, choice{d.String(), access.Lasts(d)})
	}
	ticket := input(fieldTicket, "Ticket", "Its key or address, such as SEC-123.", typed(fieldTicket, "SEC-123", 100, false))
	words := input(fieldWords, "In words", "With “Another reason” ten characters at least. Everybody in the channel reads it.", typed(fieldWords, "Why it has to stay, and what will end it", 500, true))
	return modal(ViewKeep, "Keep for a while", "Ask to keep", what.block(""),
		input(fieldFor, "For how long", "At most "+access.Lasts(s.Keep.Most)+".", choose(fieldFor, terms)),
		input(fieldReason, "Why", "", choose(fieldReason, reasons())),
		words.WithOptional(true), ticket.WithOptional(true))
}

// UndoModal asks why what was closed is to be opened again, and says what that writes.
func UndoModal(s notify.Story) slackgo.ModalViewRequest {
	r := (&rich{}).bold("Open again: ").thing(s.Finding).say(" in ").place(s)
	for i, o := range s.Action.Plan.Inverse {
		if i == 10 {
			r.line().say("• and " + counted(len(s.Action.Plan.Inverse)-10, "write", "writes") + " more")
			break
		}
		r.line().say("• ").prose(o.Describe())
	}
	if s.Undo.Loses != "" {
		words, why := undoable(s.Undo.Loses)
		r.line().say(words + ": ").prose(why)
	}
	r.line().say("Somebody other than who made the change has to agree. It stands for a while then, and is a violation again afterwards.")
	return modal(ViewUndo, "Take it back", "Ask to undo", r.block(""),
		input(fieldWords, "Why", "Ten characters at least. Everybody in the channel reads it.", typed(fieldWords, "What broke, and for whom", 500, true)))
}

// AllModal lists what one click would approve, and names the number of votes. Above [TypedAbove] it has to
// be typed: nobody reads a number that they only have to click away.
func AllModal(c notify.Card, votes int) slackgo.ModalViewRequest {
	r := (&rich{tight: 1}).bold(fmt.Sprintf("Votes for %s at once:", counted(votes, "plan", "plans")))
	n := 0
	for _, s := range c.Stories {
		if !s.Question.Open() || n == votes {
			continue
		}
		n++
		r.line().say("• ").prose(operations(asked(s).Plan)).say(" in ").place(s)
	}
	if votes > n {
		r.line().say(fmt.Sprintf("• and %d more of the same cause", votes-n))
	}
	r.line().say("Clients that use any of it lose access at once. Each vote is for the plan as it is shown now, and each is decided by itself: some may take more votes.")
	blocks := []slackgo.Block{r.block("")}
	if votes > TypedAbove {
		blocks = append(blocks, input(fieldNumber, "Type how many", fmt.Sprintf("Type %d to show that you have seen the number.", votes), typed(fieldNumber, "the number", 10, false)))
	}
	return modal(ViewAll, "Revert all", "Vote for "+strconv.Itoa(votes), blocks...)
}

// MoreModal is the card of one finding of a group, with its buttons.
func MoreModal(c notify.Card, s notify.Story, now time.Time, l Look) slackgo.ModalViewRequest {
	l.Mention = false
	alone := notify.Card{ID: c.ID, Rev: c.Rev, Stories: []notify.Story{s}, Total: 1}
	return modal(ViewDetails, "Finding", "", Render(alone, now, l).Blocks...)
}
