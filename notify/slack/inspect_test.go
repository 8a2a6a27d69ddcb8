package slack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// inspector reads what is posted as Slack would, and lists what Slack would refuse and what
// strangers could have an effect by. It knows nothing of how it was drawn.
type inspector struct {
	look Look
	bad  []string
	ids  map[string]bool
}

func (i *inspector) say(format string, args ...any) {
	i.bad = append(i.bad, fmt.Sprintf(format, args...))
}

func decoded(t testing.TB, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// message lists what is wrong with a message.
func inspectMessage(t testing.TB, m Message, l Look) []string {
	i := &inspector{look: l, ids: map[string]bool{}}
	i.mrkdwn("fallback", m.Text)
	if n := utf8.RuneCountInString(m.Text); n == 0 || n > 4000 {
		i.say("fallback has %d characters", n)
	}
	if n := size(m.Blocks); n > 10_000 {
		i.say("the blocks have %d characters", n)
	}
	if n := len(m.Blocks); n == 0 || n > 50 {
		i.say("%d blocks", n)
	}
	i.walk(decoded(t, m.Blocks))
	return i.bad
}

// view lists what is wrong with a modal or home page.
func inspectView(t testing.TB, view any, l Look) []string {
	i := &inspector{look: l, ids: map[string]bool{}}
	v := decoded(t, view).(map[string]any)
	for _, k := range []string{"title", "submit", "close"} {
		if o, ok := v[k].(map[string]any); ok {
			i.most(k, o["text"], 24)
		}
	}
	if n := len(v["blocks"].([]any)); n == 0 || n > 100 {
		i.say("%d blocks", n)
	}
	i.most("private_metadata", v["private_metadata"], 3000)
	delete(v, "private_metadata")
	i.walk(v)
	return i.bad
}

func (i *inspector) most(what string, v any, most int) {
	s, _ := v.(string)
	if n := utf8.RuneCountInString(s); n > most {
		i.say("%s has %d characters of %d", what, n, most)
	}
}

func (i *inspector) list(what string, v any, most int) {
	if list, ok := v.([]any); ok && (len(list) == 0 || len(list) > most) {
		i.say("%d %s", len(list), what)
	}
}

func text(v any) any { o, _ := v.(map[string]any); return o["text"] }

func (i *inspector) walk(v any) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			i.walk(e)
		}
	case map[string]any:
		i.object(x)
		for _, e := range x {
			i.walk(e)
		}
	}
}

func (i *inspector) object(o map[string]any) {
	if id, ok := o["block_id"].(string); ok {
		if i.ids[id] || utf8.RuneCountInString(id) > 255 {
			i.say("block_id %.40q", id)
		}
		i.ids[id] = true
	}
	if u, ok := o["url"].(string); ok && !strings.HasPrefix(u, i.look.Atlas+"/v2") && !strings.HasPrefix(u, "https://example.slack.com/archives/") {
		i.say("a link to %q", u)
	}
	if c, ok := o["confirm"].(map[string]any); ok && c["title"] != nil {
		i.most("confirm title", text(c["title"]), 100)
		i.most("confirm text", text(c["text"]), 300)
		i.most("confirm yes", text(c["confirm"]), 30)
		i.most("confirm no", text(c["deny"]), 30)
	}
	kind, typed := o["type"].(string)
	switch kind {
	case "section":
		i.most("section", text(o["text"]), 3000)
		i.list("fields", o["fields"], 10)
	case "header":
		i.most("header", text(o["text"]), 150)
	case "context":
		i.list("context elements", o["elements"], 10)
	case "actions":
		i.list("buttons", o["elements"], 25)
	case "button":
		i.most("button", text(o["text"]), 30)
		i.most("value", o["value"], 400)
		i.action(o)
	case "overflow":
		i.list("options", o["options"], 5)
		i.options(o)
		i.action(o)
	case "static_select":
		i.list("options", o["options"], 100)
		i.options(o)
		i.most("placeholder", text(o["placeholder"]), 150)
	case "plain_text_input":
		i.most("placeholder", text(o["placeholder"]), 150)
	case "input":
		i.most("label", text(o["label"]), 2000)
		i.most("hint", text(o["hint"]), 2000)
	case "mrkdwn":
		if o["verbatim"] != true {
			i.say("mrkdwn that is not verbatim: %q", o["text"])
		}
		i.mrkdwn("mrkdwn", o["text"].(string))
		i.most("mrkdwn", o["text"], 3000)
	case "plain_text":
		if o["emoji"] != false {
			i.say("plain_text with emoji: %q", o["text"])
		}
		i.visible("plain_text", o["text"].(string), "")
	case "text":
		if o["text"] != "\n" {
			i.visible("text", o["text"].(string), "")
		}
		i.most("text", o["text"], 3000)
	case "user":
		if !declared(i.look.Users, o["user_id"]) {
			i.say("a mention of %v", o["user_id"])
		}
	case "date":
		i.visible("date", o["fallback"].(string), "")
	case "link":
		i.visible("link", o["text"].(string), "")
	case "rich_text", "rich_text_section", "rich_text_preformatted", "divider", "modal", "home":
	default:
		if typed {
			i.say("an element of type %q", kind)
		}
	}
}

func declared(ids map[string]string, id any) bool {
	for _, have := range ids {
		if have == id {
			return true
		}
	}
	return false
}

func (i *inspector) action(o map[string]any) {
	if !slices.Contains([]string{ActRevert, ActDeny, ActKeep, ActSecond, ActTicket, ActAck, ActSnooze, ActUndo, ActEnd, ActDetails, ActRevertAll, ActMore, ActLink}, o["action_id"].(string)) {
		i.say("action %v", o["action_id"])
	}
	if s, ok := o["value"].(string); ok {
		if _, err := ParseValue(s); err != nil {
			i.say("%v", err)
		}
	}
}

func (i *inspector) options(o map[string]any) {
	for _, x := range o["options"].([]any) {
		i.most("option", text(x.(map[string]any)["text"]), 75)
		i.most("option value", x.(map[string]any)["value"], 150)
	}
}

var (
	ownDate   = regexp.MustCompile(`<!date\^\d+\^\{date_short_pretty\} \{time\}\|[0-9TZ: -]+>`)
	mention   = regexp.MustCompile(`<(@|!subteam\^)([A-Z0-9]+)>`)
	codeSpan  = regexp.MustCompile("`[^`\n]+`")
	entity    = regexp.MustCompile(`&(amp|lt|gt);`)
	emojiName = regexp.MustCompile(`:[A-Za-z0-9_+'-]+:`)
)

// mrkdwn is what Slack makes something of: nothing may be left of it but what we put there.
func (i *inspector) mrkdwn(what, s string) {
	i.visible(what, s, "\n")
	rest := ownDate.ReplaceAllString(s, "")
	rest = mention.ReplaceAllStringFunc(rest, func(m string) string {
		parts := mention.FindStringSubmatch(m)
		if ids := map[string]map[string]string{"@": i.look.Users, "!subteam^": i.look.Groups}[parts[1]]; i.look.Mention && declared(ids, parts[2]) {
			return ""
		}
		return m
	})
	if strings.ContainsAny(rest, "<>") {
		i.say("%s with a bracket: %q", what, s)
	}
	if strings.Contains(entity.ReplaceAllString(rest, ""), "&") {
		i.say("%s with an entity: %q", what, s)
	}
	rest = codeSpan.ReplaceAllString(rest, "")
	if strings.ContainsAny(rest, "`*_~") || emojiName.MatchString(rest) || strings.Contains(rest, "&gt;") {
		i.say("%s with a mark: %q", what, s)
	}
}

// visible lists characters that nobody sees, by the tables of Unicode and not by those of the
// renderer, and marks that climb.
func (i *inspector) visible(what, s, but string) {
	marks := 0
	for _, r := range s {
		switch {
		case strings.ContainsRune(but, r):
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Bidi_Control, unicode.Join_Control):
			i.say("%s with %U: %q", what, r, s)
			return
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		if marks > 3 {
			i.say("%s with %d marks on one letter: %q", what, marks, s)
			return
		}
	}
	if strings.TrimSpace(s) == "" && what != "text" || !utf8.ValidString(s) {
		i.say("%s is empty or no UTF-8: %q", what, s)
	}
}

func compact(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
