package slack

import (
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/notify"
)

// Home is what one person sees on the app's own page.
type Home struct {
	Principal string         // whose it is; empty: nobody whom the configuration declares
	Why       string         // why they see nothing; empty: as for somebody whom nobody declares
	Pending   []notify.Story // that wait for their answer, the soonest first
	Open      []notify.Story // that stand and that they may see, the worst first
	Total     int            // findings that stand; more than Open holds, perhaps
	Held      []Place        // what keeps things from being written
	DryRun    bool           // nothing is written anywhere
}

// What a home page lists: Slack takes 100 blocks.
const (
	pendingMost = 15
	openMost    = 25
	haltsMost   = 10
)

// HomeView draws it.
func HomeView(h Home, now time.Time, l Look) slackgo.HomeTabViewRequest {
	for tight := 0; ; tight++ {
		blocks := home(h, now, l, tight)
		if tight == tightest || size(blocks) <= 4*blocksMost {
			return slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: blocks}}
		}
	}
}

func home(h Home, now time.Time, l Look, tight int) []slackgo.Block {
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(Plain("Gatewarden", 150)), writing(h, now, tight).block("")}
	if h.Principal == "" {
		r := (&rich{}).say("🚫 ")
		if h.Why != "" {
			r.prose(h.Why)
		} else {
			r.bold("You are nobody whom the configuration knows").say(": name your Slack member id under principals, and you see here what waits for you.")
		}
		return append(blocks, slackgo.NewDividerBlock(), r.block(""))
	}
	blocks = append(blocks, slackgo.NewDividerBlock(), slackgo.NewHeaderBlock(Plain("Waits for you: "+counted(len(h.Pending), "decision", "decisions"), 150)))
	if len(h.Pending) == 0 {
		blocks = append(blocks, (&rich{}).say("Nothing. Well done.").block(""))
	}
	for i, s := range h.Pending[:min(pendingMost, len(h.Pending))] {
		blocks = append(blocks, listing(s, fmt.Sprintf("pending.%d", i), "Decide…", now, l, tight))
	}
	blocks = append(blocks, left(len(h.Pending)-pendingMost, l.command("decide"))...)
	total := max(h.Total, len(h.Open))
	blocks = append(blocks, slackgo.NewDividerBlock(), slackgo.NewHeaderBlock(Plain("Stands open: "+counted(total, "finding", "findings"), 150)))
	shownOpen := min(openMost, len(h.Open))
	for i, s := range h.Open[:shownOpen] {
		blocks = append(blocks, listing(s, fmt.Sprintf("open.%d", i), "More…", now, l, tight))
	}
	return append(blocks, left(total-shownOpen, l.command("findings"))...)
}

// writing says whether anything may be written at all.
func writing(h Home, now time.Time, tight int) *rich {
	r := &rich{tight: tight}
	if h.DryRun {
		r.line().say("🧪 ").bold("Dry run").say(": nothing is written to Atlas.")
	}
	for i, x := range h.Held {
		if i == haltsMost {
			r.line().say("and " + counted(len(h.Held)-haltsMost, "more", "more"))
			break
		}
		halted(r, x, now)
	}
	if len(r.nodes) == 0 {
		r.say("🟢 ").bold("At work").say(": nothing is frozen, and no incident is open.")
	}
	return r
}

func halted(r *rich, x Place, now time.Time) {
	name := x.Name
	if strings.TrimSpace(name) == "" {
		name = string(x.Scope)
	}
	if x.Freeze.On {
		r.line().say("🧊 ").bold("Frozen").say(": ").code(name).say(" by ").code(x.Freeze.By).say(" since ").when(x.Freeze.At).say(": ").prose(x.Freeze.Reason)
	}
	for i, inc := range x.Incidents {
		if i == 5 {
			break
		}
		if inc.Running(now) {
			r.line().say("🚨 ").bold("Incident").say(": ").code(inc.Name).say(" in ").code(name).say(" until ").when(inc.Until).say(" by ").code(inc.By).say(": reverts are asked about. ").also(inc.Reason)
		}
	}
}

// listing is a finding in two lines, with a way to all of it.
func listing(s notify.Story, id, label string, now time.Time, l Look, tight int) slackgo.Block {
	const most = 80
	f := s.Finding
	place := s.Project
	if place == "" {
		place = string(f.Ref.Scope)
	}
	second := Md(inWords(s), 80)
	if s.Question.Open() && !s.Question.Until.IsZero() {
		second += ", until " + day(s.Question.Until)
	}
	words := mark(f.Severity) + " " + Code(f.Ref.Name, max(24, most>>tight)) + " in " + Code(place, max(12, most>>(tight+1))) + " · " + Code(f.Rule, 60) + "\n" + second
	block := slackgo.NewSectionBlock(mrkdwn(words), nil, nil)
	block.BlockID = id
	if b := button(ActMore, show(notify.Card{}, s, now, l, tight).value, label); b != nil {
		block.Accessory = slackgo.NewAccessory(b)
	}
	return block
}

func left(n int, command string) []slackgo.Block {
	if n <= 0 {
		return nil
	}
	return []slackgo.Block{slackgo.NewContextBlock("", mrkdwn("and "+counted(n, "more", "more")+": "+Code(command, 120)))}
}
