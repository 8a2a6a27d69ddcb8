package slack

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Message is what is posted: always both, since an edit that leaves one out keeps the old one.
type Message struct {
	Text   string // for notifications and where blocks are not shown: mrkdwn, and escaped already
	Blocks []slackgo.Block
}

// blocksMost is how large the blocks of a message may be, as JSON: Slack refuses them from about
// 13,000 characters on, which is documented nowhere.
const blocksMost = 10_000

// tightest is how often what is shown of texts is halved until a card is small enough.
const tightest = 5

// Render draws a card. It is pure, and says nothing that changes by the passing of time alone,
// but where a time that matters has come: a card that stays the same is not edited.
func Render(c notify.Card, now time.Time, l Look) Message {
	draw := digest
	switch {
	case len(c.Stories) == 0 && c.Digest == "":
		return Words("There is nothing any more that this card could tell of.")
	case c.Digest != "":
	case c.Total > 1 || len(c.Stories) > 1:
		draw = group
	default:
		draw = single
	}
	return fitted(func(tight int) Message { return draw(c, now, l, tight) })
}

// fitted draws a message ever tighter until Slack takes it.
func fitted(draw func(tight int) Message) Message {
	for tight := 0; ; tight++ {
		m := draw(tight)
		if tight == tightest || size(m.Blocks) <= blocksMost {
			return m
		}
	}
}

func size(blocks []slackgo.Block) int {
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic("slack: blocks do not encode: " + err.Error())
	}
	return utf8.RuneCount(raw)
}

// Words is a message of plain words, which may hold names of strangers: a line in a thread, or an
// answer to one person.
func Words(s string) Message {
	return fitted(func(tight int) Message {
		r := (&rich{}).text(Clean(s, 2000>>tight), nil)
		return Message{Text: Md(s, 500), Blocks: []slackgo.Block{r.block("")}}
	})
}

// single is the card of one finding.
func single(c notify.Card, now time.Time, l Look, tight int) Message {
	s := show(c, c.Stories[0], now, l, tight)
	blocks := []slackgo.Block{heading(s), gist(s.Story, l, tight).block("")}
	if call := l.calls(c.Stories); call != nil {
		blocks = append(blocks, call)
	}
	blocks = append(blocks, standing(s.Story, now, l, tight).block(""))
	if f := facts(s, tight); len(f.nodes) > 0 {
		blocks = append(blocks, f.block(""))
	}
	return Message{Text: fallback(s.Story), Blocks: append(append(blocks, s.buttons("act."+strconv.Itoa(c.Rev))...), s.foot(c.Rev))}
}

// heading is the severity and the rule: of what is critical in letters that nobody overlooks.
func heading(s shown) slackgo.Block {
	f := s.Finding
	r := &rich{tight: s.tight}
	switch {
	case f.Severity == access.Critical && f.State == access.FindingOpen:
		return slackgo.NewHeaderBlock(Plain(mark(f.Severity)+" CRITICAL: "+Clean(title(s.Story), 100), 150))
	case !f.Open():
		r.say("🟢 ").bold("Over (" + strings.ToLower(severityWord(f.Severity)) + "): ")
	default:
		r.say(mark(f.Severity) + " ").bold(severityWord(f.Severity) + ": ")
	}
	return r.loud(title(s.Story)).block("")
}

// buttons are a row of them, and in small letters what each does.
func (s shown) buttons(id string) []slackgo.Block {
	var els []slackgo.BlockElement
	var does []string
	for _, o := range s.offers() {
		els = append(els, o.el)
		if o.does != "" {
			does = append(does, o.does)
		}
	}
	if s.Keep.No != "" && s.Finding.State == access.FindingOpen && s.undecided() {
		does = append(does, "It may not be kept from here: "+Md(s.Keep.No, 300>>s.tight)+"; "+Code(s.look.command("waive", short(s.Finding.ID), "--until", "WHEN", "--reason", "WHY"), 200))
	}
	if s.Question.Open() && len(s.Question.May) == 0 {
		does = append(does, "Nobody may decide about it: name approvers in its response")
	}
	var out []slackgo.Block
	if len(els) > 0 {
		out = append(out, slackgo.NewActionBlock(id, els...))
	}
	if s.reversible() != "" {
		does = append(does, s.reversible())
	}
	if len(does) > 0 {
		out = append(out, slackgo.NewContextBlock("", mrkdwn(strings.Join(does, ". ")+".")))
	}
	return out
}

// reversible says whether what is asked about could be taken back.
func (s shown) reversible() string {
	a := asked(s.Story)
	if !s.Question.Open() && !counting(s.Story, s.now) || a.Plan.Reversible == "" {
		return ""
	}
	words, why := undoable(a.Plan.Reversible)
	if why != "" {
		words += ": " + Md(why, 200>>s.tight)
	}
	return words
}

// undoable says whether a plan can be taken back, and why not, or what that does not bring back.
func undoable(reversible string) (words, why string) {
	head, why, _ := strings.Cut(reversible, ": ")
	switch {
	case strings.HasPrefix(head, "yes"):
		return "It can be taken back", why
	case head == "no":
		return "It cannot be taken back", why
	case head == "not wholly":
		return "It cannot be taken back wholly", why
	case head == "by hand":
		return "It can be taken back by hand only", why
	}
	return "What cannot be had back", reversible
}

// foot is by what the same is named elsewhere.
func (s shown) foot(rev int) slackgo.Block {
	parts := []string{"rule " + Code(s.Finding.Rule, 60), "finding " + Code(short(s.Finding.ID), 20)}
	if a := asked(s.Story); a.PlanHash != "" && len(a.Plan.Operations) > 0 {
		parts = append(parts, "plan "+Code(short(a.PlanHash), 20))
	}
	parts = append(parts, fmt.Sprintf("rev %d", rev), Code(s.look.command("findings", short(s.Finding.ID)), 120))
	return slackgo.NewContextBlock("", mrkdwn(strings.Join(parts, " · ")))
}

// fallback is the card in one line.
func fallback(s notify.Story) string {
	f := s.Finding
	where := s.Project
	if where == "" {
		where = string(f.Ref.Scope)
	}
	return fmt.Sprintf("%s %s: %s: %s %s in %s, %s", mark(f.Severity), severityWord(f.Severity), Md(title(s), 100), Md(kindWords(f.Ref.Kind), 40), Code(f.Ref.Name, 150), Code(where, 80), Md(inWords(s), 200))
}

// inWords is how a story stands, in a few words.
func inWords(s notify.Story) string {
	f, a := s.Finding, latest(s)
	switch {
	case s.Question.Open():
		return fmt.Sprintf("waits for a decision (%d of %d)", len(s.Question.Yes), s.Question.Need)
	case a.State.Writing():
		return "is being put right"
	case a.State == access.ActionApproved:
		return "is approved"
	case a.Purpose != "":
		return string(a.Purpose) + " " + string(a.State)
	case a.State == access.ActionVerified:
		return "is put right and verified"
	case f.State == access.FindingResolved:
		return "is resolved"
	case f.State == access.FindingWaived:
		return "is waived until " + stamp(f.Waiver.Until)
	case f.State == access.FindingAcknowledged:
		return "is acknowledged"
	case !until(s).IsZero() && a.State == access.ActionProposed:
		return "will be put right unless somebody denies it"
	case f.Unknown != "":
		return "cannot be judged now"
	case a.State == access.ActionRefused:
		return "is not touched (" + guardWord(a.Guard) + ")"
	case a.State == "" || a.State == access.ActionProposed:
		return "stands open"
	case a.State == access.ActionFailed:
		return "could not be put right"
	}
	return "stands open (" + string(a.State) + ")"
}
