package slack

import (
	"regexp"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Answer is what the one who asked is told, and nobody else: what became of it, and where it was
// refused, why and what to do next.
func Answer(r access.CommandRecord) string {
	c := r.Command
	if r.Accepted {
		return "✅ " + asks(c) + ": " + r.Why + ended(r.Why)
	}
	return "🚫 " + asks(c) + " was refused: " + r.Why + ended(r.Why) + " " + instead(c)
}

func ended(s string) string {
	if strings.HasSuffix(s, ".") {
		return ""
	}
	return "."
}

// asks is what a command asks for, in words.
func asks(c access.Command) string {
	switch c.Verb {
	case access.VerbVote:
		if c.Vote == access.VoteDeny {
			return "Your denial"
		}
		return "Your approval"
	case access.VerbUndo:
		return "Your request to undo it"
	case access.VerbRelease:
		return "Your request to release it"
	case access.VerbWaive:
		return "Your request to keep it"
	case access.VerbSnooze:
		return "Your reminder"
	case access.VerbAcknowledge:
		return "Your acknowledgement"
	case access.VerbFreeze, access.VerbUnfreeze:
		return "Your request to " + string(c.Verb)
	case access.VerbExpect:
		return "Your announcement"
	case access.VerbAdopt:
		return "Your adoption"
	case access.VerbIncident:
		return "Your incident"
	}
	return "Your request"
}

// instead is what somebody can do who was refused.
func instead(c access.Command) string {
	finding := short(c.Finding)
	switch c.Verb {
	case access.VerbVote:
		return "Look at the card again: it shows how it stands now and who may decide."
	case access.VerbUndo, access.VerbRelease:
		return "Ask one of those whom the card names, or put it back by hand."
	case access.VerbWaive:
		return "Somebody whom the card names can ask for it; gatewarden waiver writes one for the configuration file, where others review it. Putting it right stays open to you."
	case access.VerbAcknowledge, access.VerbSnooze:
		return "Look at how it stands: gatewarden findings " + finding + "."
	case access.VerbFreeze, access.VerbUnfreeze, access.VerbExpect, access.VerbIncident, access.VerbAdopt:
		return "Ask one of the operators of the configuration (guards.operators)."
	}
	return "Nothing was changed by it."
}

var slackPage = regexp.MustCompile(`^https://[a-z0-9-]+(\.enterprise)?\.slack(-gov)?\.com/archives/[A-Z0-9]+/p[0-9]+(\?[a-z0-9_.=&A-Z]*)?$`)

// Found is what the one who made a change is told directly. It is no card: nothing is decided in it.
// card is the address of the card, which Slack gave; only an address of Slack's own is linked to.
func Found(s notify.Story, card string) Message {
	return fitted(func(tight int) Message { return found(s, card, tight) })
}

func found(s notify.Story, card string, tight int) Message {
	r := &rich{tight: tight}
	r.say(mark(s.Finding.Severity) + " ").bold("A change that you are named for was found to be a violation").say(": ").loud(title(s))
	r.fact("What").thing(s.Finding).say(" in ").place(s)
	if s.Why != "" {
		r.fact("Why").prose(sentence(s.Why))
	}
	r.fact("Now").prose(inWords(s))
	if s.Safer != "" {
		safer(r, s.Safer)
	}
	r.line().say("You may always take it back yourself. That it stays, somebody else has to agree to.")
	if slackPage.MatchString(card) {
		r.line().link(card, "The card")
	}
	return Message{Text: "A change that you are named for was found to be a violation: " + fallback(s), Blocks: []slackgo.Block{r.block("")}}
}
