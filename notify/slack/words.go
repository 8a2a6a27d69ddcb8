package slack

import (
	"strings"

	slackgo "github.com/slack-go/slack"
)

// Answers to one person have lines of our own. They go out as plain text, which Slack does not parse, with
// a text for notifications, which it does: text.go keeps both without effect. What strangers named is one
// line by then; what is one line as a whole is said by [Words].

// manySections bounds what one answer shows.
const (
	sectionRunes = 2900
	manySections = 4
)

// plain is text as blocks that Slack shows as they are.
func plain(text string) []slackgo.Block {
	var out []slackgo.Block
	for left := []rune(tame(text)); len(left) > 0; {
		n := min(len(left), sectionRunes)
		if n < len(left) {
			if i := lastLine(left[:n]); i > n/2 {
				n = i
			}
			if len(out) == manySections-1 {
				left, n = append(left[:sectionRunes:sectionRunes], '…'), sectionRunes+1
			}
		}
		out = append(out, slackgo.NewSectionBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, string(left[:n]), false, false), nil, nil))
		left = left[n:]
	}
	return out
}

func lastLine(r []rune) int {
	for i := len(r) - 1; i >= 0; i-- {
		if r[i] == '\n' {
			return i + 1
		}
	}
	return 0
}

// literal is text for where Slack parses, as [Md] makes it, line by line.
func literal(text string) string { return escape(look(atMost(tame(text), 3000))) }

// unescaped is the text of a card for where nothing is parsed.
func unescaped(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// tame is [Clean] of each line: what cannot be seen is taken out. Nothing is left empty.
func tame(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if lines[i] = Clean(l, sectionRunes*manySections); lines[i] == nothing {
			lines[i] = ""
		}
	}
	out := strings.TrimRight(strings.Join(lines, "\n"), "\n")
	if strings.TrimSpace(out) == "" {
		return nothing
	}
	return out
}
