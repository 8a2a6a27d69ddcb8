package slack

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"
	"pgregory.net/rapid"
)

func sectionText(t *rapid.T, b slackgo.Block) *slackgo.TextBlockObject {
	s, ok := b.(*slackgo.SectionBlock)
	if !ok || s.Text == nil || s.Text.Emoji == nil {
		t.Fatalf("%+v", b)
	}
	return s.Text
}

// TestWordsHaveNoEffect draws text that strangers might choose: nothing of it is parsed, hidden or too long.
func TestWordsHaveNoEffect(t *testing.T) {
	parts := rapid.SampledFrom([]string{"<!channel>", "<@U0BOB>", "<http://x.example.com|y>", "&lt;", "\u202e", "\u200b", "\x00", "\n", "\u2028", "*b*", "`", "é", "\xff", "a long word ", "<", ">", "&", "|"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(parts, 0, rapid.SampledFrom([]int{3, 30, 3000}).Draw(t, "n")).Draw(t, "parts"), "")
		lit := literal(s)
		left := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(lit)
		if strings.ContainsAny(left, "<>*`") || strings.Contains(left, "&") || strings.TrimSpace(lit) == "" {
			t.Fatalf("%q is said as %q", s, lit)
		}
		blocks := plain(s)
		if len(blocks) == 0 || len(blocks) > manySections {
			t.Fatalf("%d blocks", len(blocks))
		}
		for _, b := range blocks {
			text := sectionText(t, b)
			if n := utf8.RuneCountInString(text.Text); text.Type != "plain_text" || *text.Emoji || n == 0 || n > 3000 {
				t.Fatalf("%s of %d characters, emoji %v", text.Type, n, *text.Emoji)
			}
			if i := strings.IndexFunc(text.Text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }); i >= 0 {
				t.Fatalf("%q holds what cannot be seen", text.Text)
			}
		}
	})
}

func TestSecretsAreHidden(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"nothing to hide":                   "nothing to hide",
		"a xoxb-1-2-abc, and xapp-1-A-2-x.": "a xoxb-…, and xapp-…",
		`"token=xoxb-1&x=1"`:                `"token=…&x=1"`,
		"wss://x/link/?ticket=abc&app_id=A": "wss://x/link/?ticket=…&app_id=A",
		"https://hooks.slack.com/actions/T0/1/abc was": "https://hooks.slack.com/actions/… was",
		"xoxb-": "xoxb-…",
	} {
		if got := hideSecrets(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if again := hideSecrets(hideSecrets(in)); again != want {
			t.Errorf("%q: hidden twice it is %q", in, again)
		}
	}
}
