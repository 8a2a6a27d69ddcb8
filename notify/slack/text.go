package slack

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Text of strangers is shown by one of these only. Of what Slack offers, nodes of rich text
// and plain_text objects are not parsed at all, and come first; mrkdwn has no escape for its
// marks, and holds our own words and code spans.

// nothing stands where a text is empty: Slack takes no empty one.
const nothing = "—"

// maxMarks is how many combining marks may stand on one letter. Thai, Hindi and Vietnamese
// need two or three; what needs more climbs over other lines.
const maxMarks = 3

// Clean makes text one line of valid UTF-8 without control, bidirectional, invisible or
// private characters, of at most most characters. It is for prose: what names something is
// for [Name].
func Clean(s string, most int) string { return scrub(s, most, func(rune) string { return "" }) }

// Name is Clean for what names something: what cannot be seen is spelt out, so that two names
// that differ look different.
func Name(s string, most int) string {
	return scrub(s, most, func(r rune) string { return fmt.Sprintf(`\u%04x`, r) })
}

// scrub reads no more of a text than could be shown of it.
func scrub(s string, most int, hidden func(rune) string) string {
	var out strings.Builder
	n, marks, space := 0, 0, true
	for _, r := range s {
		piece := string(r)
		switch {
		case n > most:
			return cut(out.String(), most)
		case r == ' ' && !space:
		case blank(r):
			if piece = hidden(r); piece == "" && !space {
				piece = " "
			}
		case invisible(r), unicode.Is(unicode.M, r) && marks >= maxMarks:
			piece = hidden(r)
		case r == utf8.RuneError:
			piece = "\uFFFD"
		}
		if piece == "" {
			continue
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		space = piece == " "
		out.WriteString(piece)
		n += utf8.RuneCountInString(piece)
	}
	if all, ends := strings.CutSuffix(out.String(), " "); ends {
		return cut(all+hidden(' '), most)
	}
	return cut(out.String(), most)
}

// cut never leaves nothing, and says where something is left out.
func cut(s string, most int) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return nothing
	}
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:max(1, most)-1]), " ") + "…"
}

func blank(r rune) bool {
	return r == '\n' || r == '\r' || r == '\t' || unicode.Is(unicode.Z, r)
}

// invisible characters have no shape of their own: controls, what changes the direction, what
// joins, fills or tags, and what means something to one program only.
func invisible(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.Is(unicode.C, r) || unicode.Is(unicode.Variation_Selector, r)
}

// Md is prose of strangers within mrkdwn: what would be a mention, a link, a format or an emoji
// is no more than its characters. Marks without an escape become others that look like them, so
// it is for nothing that is copied. A > at the beginning of a line quotes it, escaped or not.
func Md(s string, most int) string { return escape(look(Clean(s, most))) }

func look(s string) string {
	s = strings.NewReplacer("`", "ˋ", "*", "∗", "_", "＿", "~", "∼", ">", "›").Replace(s)
	return shortcode.ReplaceAllString(s, "꞉$1")
}

// shortcode is how the name of an emoji begins.
var shortcode = regexp.MustCompile(`:([A-Za-z0-9_＿+'-])`)

// Code is a name in a code span of mrkdwn, where nothing but the back-tick has a meaning.
func Code(s string, most int) string {
	return "`" + escape(strings.ReplaceAll(Name(s, most), "`", "ˋ")) + "`"
}

// escape is what Slack asks for: these three characters begin all that it does with a text.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Plain is text that Slack does not parse.
func Plain(s string, most int) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, Clean(s, most), false, false)
}

// mrkdwn is for our own words, [Md] and [Code] only.
func mrkdwn(s string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.MarkdownType, s, false, true)
}

// day is a time within mrkdwn, which each reader sees in their own zone.
func day(t time.Time) string {
	if t.Unix() <= 0 {
		return stamp(t)
	}
	return fmt.Sprintf("<!date^%d^%s|%s>", t.Unix(), dateFormat, stamp(t))
}

const dateFormat = "{date_short_pretty} {time}"

func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return access.Stamp(t)
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// listed names a few, and counts the others.
func listed(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func short(id string) string { return id[:min(12, len(id))] }
