package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// asking is one use of the slash command.
type asking struct {
	c     Click
	p     person
	verb  string
	args  []string          // what is no flag, in order
	flags map[string]string // by name, without dashes
}

// usage is how each verb is used.
func usage(verb string) string {
	return map[string]string{
		"status":       "status",
		"findings":     "findings [--mine] [--project NAME]",
		"ack":          "ack ID",
		"freeze":       "freeze PROJECT-OR-ORG REASON",
		"unfreeze":     "unfreeze PROJECT-OR-ORG REASON",
		"incident":     "incident start PROJECT-OR-ORG NAME 4h REASON, or incident end PROJECT-OR-ORG NAME REASON",
		"end-incident": "incident end PROJECT-OR-ORG NAME REASON",
		"expect":       "expect PROJECT 24h --by ACTOR [--name RESOURCE] [--rule RULE] [--ticket KEY] REASON",
		"waive":        "waive ID 24h [--ticket KEY] REASON",
		"whoami":       "whoami",
		"help":         "help",
	}[verb]
}

func verbs() []string {
	return []string{"status", "findings", "ack", "waive", "freeze", "unfreeze", "incident", "expect", "whoami", "help"}
}

func help() string {
	var b strings.Builder
	b.WriteString("What is asked for here is asked for in your name, as with the buttons of a card.\n")
	for _, v := range verbs() {
		b.WriteString("/gatewarden " + usage(v) + "\n")
	}
	b.WriteString("ID is the id of a finding as its card shows it, or the beginning of it. Times are such as 30m, 8h, 2d.")
	return b.String()
}

// command does what the slash command asks for.
func (g *Gateway) command(ctx context.Context, c Click) error {
	a, wrong := parseAsked(c)
	if wrong != "" {
		return refuse("usage", wrong)
	}
	if a.verb == "help" {
		g.answer(ctx, c, help())
		return nil
	}
	p, err := g.who(ctx, c)
	r, nobody := errors.AsType[refusal](err)
	switch {
	case nobody && a.verb == "whoami":
		g.answer(ctx, c, fmt.Sprintf("You are %s in Slack's workspace %s. %s", c.User, c.Team, r.says))
		return nil
	case err != nil:
		return err
	}
	if a.p = p; a.verb == "whoami" {
		g.sayWho(ctx, a)
		return nil
	}
	if err := g.unshared(ctx, c.Channel); err != nil {
		return err
	}
	do := map[string]func(context.Context, asking) error{
		"status": g.sayStatus, "findings": g.sayFindings, "ack": g.slashFinding, "waive": g.slashFinding,
		"freeze": g.slashPlace, "unfreeze": g.slashPlace, "incident": g.slashPlace, "expect": g.slashPlace,
	}[a.verb]
	return do(ctx, a)
}

// parseAsked reads the text of the command; wrong says what is not right, with the right usage.
func parseAsked(c Click) (a asking, wrong string) {
	a = asking{c: c, flags: map[string]string{}}
	fields := split(c.Text)
	if len(fields) == 0 {
		a.verb = "help"
		return a, ""
	}
	a.verb = strings.ToLower(fields[0])
	if !slices.Contains(verbs(), a.verb) {
		return a, fmt.Sprintf("There is no command %s.\n%s", atMost(tame(a.verb), 40), help())
	}
	for i := 1; i < len(fields); i++ {
		name, is := strings.CutPrefix(strings.ReplaceAll(fields[i], "—", "--"), "--") // as phones type two dashes
		switch {
		case !is:
			a.args = append(a.args, fields[i])
		case !strings.Contains(usage(a.verb), "--"+name):
			return a, a.misused("there is no --" + atMost(tame(name), 40))
		case name == "mine":
			a.flags[name] = "yes"
		case i+1 == len(fields):
			return a, a.misused("--" + name + " needs a value")
		default:
			i++
			a.flags[name] = fields[i]
		}
	}
	return a, ""
}

func (a asking) misused(why string) string {
	return fmt.Sprintf("This was not understood: %s.\nUse it so: /gatewarden %s", why, usage(a.verb))
}

// split cuts the text into words; what is within double quotes is one.
func split(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var out []string
	var word strings.Builder
	open, in := false, false
	for _, r := range strings.Map(straight, tame(unlinked(s))) {
		switch {
		case r == '"':
			in, open = !in, true
		case !in && (r == ' ' || r == '\n'):
			if open || word.Len() > 0 {
				out = append(out, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteRune(r)
		}
	}
	if word.Len() > 0 || open {
		out = append(out, word.String())
	}
	return out
}

// unlinked is text as it was typed: Slack makes links of addresses and mentions of names, and escapes
// what it parses.
func unlinked(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "<")
		inner, after, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			return unescaped(b.String() + s)
		}
		target, label, labelled := strings.Cut(inner, "|")
		if !labelled {
			label = strings.TrimPrefix(target, "mailto:")
		}
		b.WriteString(before + label)
		s = after
	}
}

func straight(r rune) rune {
	if r == '“' || r == '”' {
		return '"'
	}
	return r
}

func (g *Gateway) sayWho(ctx context.Context, a asking) {
	in := []string{}
	for name, ids := range g.c.o.Staff().Groups {
		if slices.Contains(ids, a.p.principal.ID) {
			in = append(in, name)
		}
	}
	slices.Sort(in)
	says := fmt.Sprintf("You are %s (%s).", a.p.principal.ID, a.p.how)
	if len(in) > 0 {
		says += " You are in " + named(in) + "."
	}
	g.answer(ctx, a.c, says)
}

func (g *Gateway) sayStatus(ctx context.Context, a asking) error {
	places, err := g.o.Book.Places(ctx)
	if err != nil {
		return fmt.Errorf("look up what holds: %w", err)
	}
	open, total, err := g.o.Book.Open(ctx, "", "")
	if err != nil {
		return fmt.Errorf("look up the findings that stand: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d findings stand", total)
	if n := len(slices.DeleteFunc(open, func(s notify.Story) bool { return !s.Question.Open() })); n > 0 {
		fmt.Fprintf(&b, ", %d of the worst wait for an answer", n)
	}
	b.WriteString(".\n")
	for _, x := range places {
		if x.Freeze.On {
			fmt.Fprintf(&b, "%s is frozen since %s, by %s: %s\n", Name(x.Name, 80), access.Stamp(x.Freeze.At), x.Freeze.By, Clean(x.Freeze.Reason, 200))
		}
		for _, i := range x.Incidents {
			fmt.Fprintf(&b, "%s: incident %s until %s, by %s: nothing is reverted unasked\n", Name(x.Name, 80), Name(i.Name, 100), access.Stamp(i.Until), i.By)
		}
	}
	for _, p := range g.c.health.Problems() {
		fmt.Fprintf(&b, "Slack: %s\n", p.Says)
	}
	g.answer(ctx, a.c, b.String())
	return nil
}

const listedAtMost = 20

func (g *Gateway) sayFindings(ctx context.Context, a asking) error {
	mine := ""
	if a.flags["mine"] != "" {
		mine = a.p.principal.ID
	}
	if a.flags["project"] != "" {
		if _, err := g.place(ctx, a, a.flags["project"]); err != nil {
			return err
		}
	}
	list, total, err := g.o.Book.Open(ctx, mine, a.flags["project"])
	if err != nil {
		return fmt.Errorf("look up the findings that stand: %w", err)
	}
	if total == 0 {
		g.answer(ctx, a.c, "No finding stands.")
		return nil
	}
	var b strings.Builder
	for i, s := range list {
		if i == listedAtMost {
			break
		}
		fmt.Fprintf(&b, "%s · %s · %s · %s", short(s.Finding.ID), s.Finding.Severity, Name(s.Project, 80), Clean(s.Finding.Message, 160))
		if s.Question.Open() {
			fmt.Fprintf(&b, " (asked until %s)", access.Stamp(s.Question.Until))
		}
		b.WriteByte('\n')
	}
	if n := total - min(len(list), listedAtMost); n > 0 {
		fmt.Fprintf(&b, "and %d more: gatewarden findings lists them all", n)
	}
	g.answer(ctx, a.c, b.String())
	return nil
}

// span is a duration as people write it: 30m, 8h, 2d.
func span(s string) (time.Duration, bool) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		d, err := time.ParseDuration(n + "h")
		return 24 * d, err == nil && d > 0 && d < 10_000*time.Hour
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}
