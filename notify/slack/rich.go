package slack

import (
	"time"

	slackgo "github.com/slack-go/slack"
)

// rich puts lines of rich text together: nodes that Slack shows as they are. tight halves all
// that may be shown of a text, once for each step, until a card is small enough.
type rich struct {
	nodes []slackgo.RichTextSectionElement
	tight int
}

// The most that is shown of a text on a card, before it is tightened.
const (
	nameMost  = 160
	proseMost = 400
)

// text adds a node, or adds to the last one: a card has a few hundred pieces of text.
func (r *rich) text(s string, style *slackgo.RichTextSectionTextStyle) *rich {
	if n := len(r.nodes); n > 0 && style == nil && s != "\n" {
		if last, ok := r.nodes[n-1].(*slackgo.RichTextSectionTextElement); ok && last.Style == nil && last.Text != "\n" {
			last.Text += s
			return r
		}
	}
	r.nodes = append(r.nodes, slackgo.NewRichTextSectionTextElement(s, style))
	return r
}

// say is for our own words.
func (r *rich) say(s string) *rich { return r.text(s, nil) }

// bold is for our own words.
func (r *rich) bold(s string) *rich {
	return r.text(s, &slackgo.RichTextSectionTextStyle{Bold: true})
}

// prose is text of strangers, or with names of theirs in it.
func (r *rich) prose(s string) *rich { return r.text(Clean(s, proseMost>>r.tight), nil) }

// also is prose, where there is any.
func (r *rich) also(s string) *rich {
	if s == "" {
		return r
	}
	return r.prose(s)
}

// why is prose in brackets, where there is any.
func (r *rich) why(s string) *rich {
	if s == "" {
		return r
	}
	return r.say(" (").prose(s).say(")")
}

// loud is prose in bold.
func (r *rich) loud(s string) *rich {
	return r.text(Clean(s, nameMost>>r.tight), &slackgo.RichTextSectionTextStyle{Bold: true})
}

// code is a name, as it can be copied.
func (r *rich) code(s string) *rich {
	return r.text(Name(s, nameMost>>r.tight), &slackgo.RichTextSectionTextStyle{Code: true})
}

// line begins a new one, unless it is the first.
func (r *rich) line() *rich {
	if len(r.nodes) == 0 {
		return r
	}
	return r.text("\n", nil)
}

// fact is a line with a label.
func (r *rich) fact(label string) *rich { return r.line().bold(label).say("  ") }

// when is a time, which each reader sees in their own zone.
func (r *rich) when(t time.Time) *rich {
	if t.Unix() <= 0 {
		return r.say(stamp(t))
	}
	fallback := stamp(t)
	r.nodes = append(r.nodes, slackgo.NewRichTextSectionDateElement(t.Unix(), dateFormat, nil, &fallback))
	return r
}

// who names a principal: as a mention, where the configuration ties them to a user of Slack.
func (r *rich) who(l Look, principal string) *rich {
	if user := l.user(principal); user != "" {
		r.nodes = append(r.nodes, slackgo.NewRichTextSectionUserElement(user, nil))
		return r
	}
	return r.code(principal)
}

// people names several; none: nobody.
func (r *rich) people(l Look, principals []string) *rich {
	const most = 5
	for i, p := range principals {
		switch {
		case i == most:
			return r.say(" and " + counted(len(principals)-most, "other", "others"))
		case i > 0:
			r.say(", ")
		}
		r.who(l, p)
	}
	if len(principals) == 0 {
		r.say("nobody")
	}
	return r
}

// names are principals by their ids: nobody is called by it.
func (r *rich) names(principals []string) *rich {
	if len(principals) == 0 {
		return r.say("nobody")
	}
	return r.prose(listed(principals, 5))
}

func (r *rich) link(url, words string) *rich {
	r.nodes = append(r.nodes, slackgo.NewRichTextSectionLinkElement(url, words, nil))
	return r
}

// block is one block of all lines.
func (r *rich) block(id string) slackgo.Block {
	return slackgo.NewRichTextBlock(id, slackgo.NewRichTextSection(r.nodes...))
}

// pre is a block of one line to be copied, such as a command.
func pre(id, s string, most int) slackgo.Block {
	return slackgo.NewRichTextBlock(id, &slackgo.RichTextPreformatted{
		Type: slackgo.RTEPreformatted, Elements: []slackgo.RichTextSectionElement{slackgo.NewRichTextSectionTextElement(Name(s, most), nil)},
	})
}
