package slack

import (
	"strings"
	"unicode"

	slackgo "github.com/slack-go/slack"
)

// What the gateway itself says goes out as plain text, which Slack does not parse: whatever names
// are in it have no effect. Cards are drawn elsewhere.

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

// literal is text for where Slack parses: its three control characters are escaped.
func literal(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(atMost(tame(text), 3000))
}

// unescaped is the text of a card for where nothing is parsed.
func unescaped(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// tame takes out what cannot be seen: control characters but line ends, marks of direction, blanks
// without width. Nothing is left empty.
func tame(text string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if strings.TrimSpace(out) == "" {
		return "—"
	}
	return out
}
