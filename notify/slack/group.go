package slack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// group is the card of several findings of one cause: the cause, how many, and each in one line.
func group(c notify.Card, now time.Time, l Look, tight int) Message {
	blocks := []slackgo.Block{headline(c, fmt.Sprintf("%d × %s", total(c), Clean(causeWords(c), 90))), cause(c, l, tight).block("")}
	if call := l.calls(c.Stories); call != nil {
		blocks = append(blocks, call)
	}
	blocks = append(blocks, lines(c, now, l, tight)...)
	if b := revertAll(c); b != nil {
		blocks = append(blocks, slackgo.NewActionBlock("act."+strconv.Itoa(c.Rev), b),
			slackgo.NewContextBlock("", mrkdwn("“Revert all” votes for each of the plans that wait, after it has named their number. Whether one may be kept is decided for each by itself: “More…”.")))
	}
	return Message{Text: headWords(c) + ", of one cause: " + Md(causeWords(c), 200), Blocks: append(blocks, footOf(c, l))}
}

// digest is a card of findings that have nothing in common but that they are told together.
func digest(c notify.Card, now time.Time, l Look, tight int) Message {
	r := &rich{tight: tight}
	r.say("📋 ").bold("Told together").say(": ").prose(c.Digest)
	blocks := []slackgo.Block{headline(c, counted(total(c), "finding", "findings")), r.block("")}
	if b := counts(c, tight); b != nil {
		blocks = append(blocks, b)
	}
	blocks = append(blocks, lines(c, now, l, tight)...)
	return Message{Text: headWords(c) + ": " + Md(c.Digest, 200), Blocks: append(blocks, footOf(c, l))}
}

func total(c notify.Card) int { return max(c.Total, len(c.Stories)) }

// worst is the severity of a card: its first finding has it.
func worst(c notify.Card) access.Severity {
	if len(c.Stories) > 0 {
		return c.Stories[0].Finding.Severity
	}
	if len(c.Counts) > 0 {
		return c.Counts[0].Severity
	}
	return access.Info
}

// waiting are the findings of a card that wait for an answer.
func waiting(c notify.Card) int {
	n, listed := 0, 0
	for _, k := range c.Counts {
		n += max(0, k.Waiting)
	}
	for _, s := range c.Stories {
		if s.Question.Open() {
			listed++
		}
	}
	return max(n, listed)
}

func standingOpen(c notify.Card) (n int) {
	for _, k := range c.Counts {
		n += max(0, k.Open)
	}
	if len(c.Counts) == 0 {
		for _, s := range c.Stories {
			if s.Finding.Open() {
				n++
			}
		}
	}
	return n
}

// headline is the severity and the number, as loud as the worst of them.
func headline(c notify.Card, words string) slackgo.Block {
	open := standingOpen(c) > 0 || waiting(c) > 0
	switch bad := worst(c); {
	case bad == access.Critical && open:
		return slackgo.NewHeaderBlock(Plain(mark(bad)+" CRITICAL: "+words, 150))
	case !open:
		return (&rich{}).say("🟢 ").bold(severityWord(bad) + ": " + words + ", all over").block("")
	default:
		return (&rich{}).say(mark(bad) + " ").bold(severityWord(bad) + ": " + words).block("")
	}
}

func headWords(c notify.Card) string {
	return fmt.Sprintf("%s %s: %s, %d open, %d waiting for a decision", mark(worst(c)), severityWord(worst(c)), counted(total(c), "finding", "findings"), standingOpen(c), waiting(c))
}

// shared is what all stories have in common by what one says of each; empty: nothing.
func shared(stories []notify.Story, of func(notify.Story) string) string {
	if len(stories) == 0 {
		return ""
	}
	first := of(stories[0])
	for _, s := range stories[1:] {
		if of(s) != first {
			return ""
		}
	}
	return first
}

func cause(c notify.Card, l Look, tight int) *rich {
	r := &rich{tight: tight}
	if who := shared(c.Stories, func(s notify.Story) string { return notify.Who(s.Finding.Actor) }); who != "" {
		r.fact("Who").prose(who)
	} else {
		r.fact("Who").say("several; each line says who")
	}
	if shared(c.Stories, func(s notify.Story) string { return string(s.Finding.Ref.Scope) }) != "" {
		where(r, c.Stories[0], l)
	}
	if why := shared(c.Stories, func(s notify.Story) string { return s.Why }); why != "" {
		r.fact("Why").prose(sentence(why))
	}
	r.line().bold(fmt.Sprintf("%d in it", total(c))).say(fmt.Sprintf(": %d open, %d waiting for a decision", standingOpen(c), waiting(c)))
	for i, k := range c.Counts {
		if i == 5 || len(c.Counts) == 1 {
			break
		}
		r.say("; ").say(strconv.Itoa(k.Total) + " of ").code(k.Rule)
	}
	return r
}

// causeWords is what they are: the rule where it is one.
func causeWords(c notify.Card) string {
	if t := shared(c.Stories, title); t != "" {
		return t
	}
	var rules []string
	for _, k := range c.Counts {
		rules = append(rules, k.Rule)
	}
	return listed(rules, 3)
}

// counts is a line for each rule.
func counts(c notify.Card, tight int) slackgo.Block {
	r := &rich{tight: tight}
	for i, k := range c.Counts {
		if i == 10 {
			r.line().say("and " + counted(len(c.Counts)-10, "rule", "rules") + " more")
			break
		}
		r.line().say(mark(k.Severity) + " ").bold(strconv.Itoa(k.Total)).say("  ").code(k.Rule).say(fmt.Sprintf("  %d open, %d waiting", k.Open, k.Waiting))
	}
	if len(r.nodes) == 0 {
		return nil
	}
	return r.block("")
}

// lines are the findings that a card lists, and how many it does not.
func lines(c notify.Card, now time.Time, l Look, tight int) []slackgo.Block {
	var out []slackgo.Block
	for i, s := range c.Stories {
		if i == notify.Shown {
			break
		}
		out = append(out, one(c, s, i, now, l, tight))
	}
	if left := total(c) - len(out); left > 0 {
		out = append(out, slackgo.NewContextBlock("", mrkdwn("and "+counted(left, "more that is not listed here", "more that are not listed here"))))
	}
	return out
}

// one is a finding in one line, with a way to all of it. It is mrkdwn, of which the overhead is
// least: names are code, and there is no prose of strangers in it.
func one(c notify.Card, s notify.Story, i int, now time.Time, l Look, tight int) slackgo.Block {
	const most = 80
	f := s.Finding
	name, place := s.Project, most>>tight
	if name == "" {
		name = string(f.Ref.Scope)
	}
	words := []string{mark(f.Severity) + " " + Code(f.Ref.Name, max(24, most>>tight)) + " in " + Code(name, max(12, place/2))}
	if shared(c.Stories, func(s notify.Story) string { return s.Finding.Rule }) == "" {
		words = append(words, Code(f.Rule, 60))
	}
	if a := f.Actor.Name; a != "" && shared(c.Stories, func(s notify.Story) string { return s.Finding.Actor.Name }) == "" {
		words = append(words, Code(a, max(12, place/2)))
	}
	words = append(words, Md(inWords(s), 80))
	block := slackgo.NewSectionBlock(mrkdwn(strings.Join(words, " · ")), nil, nil)
	block.BlockID = fmt.Sprintf("one.%d.%d", c.Rev, i)
	v := show(c, s, now, l, tight).bare()
	if b := button(ActMore, v, "More…"); b != nil {
		block.Accessory = slackgo.NewAccessory(b)
	}
	return block
}

// revertAll opens the modal that names the number; nil: nothing waits that anybody may decide.
func revertAll(c notify.Card) *slackgo.ButtonBlockElement {
	n := waiting(c)
	if n == 0 || !anybody(c.Stories) {
		return nil
	}
	b := button(ActRevertAll, Value{Group: c.ID, Rev: c.Rev}, fmt.Sprintf("Revert all %d…", n))
	if b != nil {
		b.Style = slackgo.StyleDanger
	}
	return b
}

func anybody(stories []notify.Story) bool {
	for _, s := range stories {
		if s.Question.Open() && len(without(s.Question.May, s.Question.Yes)) > 0 {
			return true
		}
	}
	return false
}

func footOf(c notify.Card, l Look) slackgo.Block {
	list := []string{"findings"}
	if rule := shared(c.Stories, func(s notify.Story) string { return s.Finding.Rule }); rule != "" {
		list = append(list, "--rule", rule)
	}
	return slackgo.NewContextBlock("", mrkdwn(fmt.Sprintf("rev %d · all of them: %s", c.Rev, Code(l.command(list...), 160))))
}
