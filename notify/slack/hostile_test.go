package slack

import (
	"flag"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

var hostileStrings = flag.Int("hostile", 100_000, "how many hostile strings cards are drawn of")

// attacks are what somebody would try who can choose a name or a comment in Atlas.
func attacks() []string {
	return []string{
		"<!channel>", "<!here>", "<!everyone|urgent>", "<@U02BOB>", "<@U0EVIL>", "<#C0PROD>", "<!subteam^S01ONCALL>", "<!subteam^S0EVIL|@security>", "@channel", "@here",
		"<https://evil.example|https://cloud.mongodb.com>", "<mailto:a@evil.example|mail>", "<!date^0^{date}^https://evil.example|now>", "<!date^1795327980^{date_short_pretty} {time}|x> <!channel>",
		"https://evil.example/?a=1&b=2", "evil.example", "[text](https://evil.example)", "&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;", "&#60;!channel&#62;", "&", "<", ">", "<<", "a<b>c", "> quoted", "&gt; quoted",
		"*bold*", "_it_", "~gone~", "`code`", "```\nblock\n```", "` <!channel> `", "``", "`", "*", "_", ":boom:", ":white_check_mark: *Approved*", "::a::", ":skin-tone-2:", "* list\n* list", "1. one\n2. two", "# title",
		"\u202eetihw\u202c", "\u2066a\u2069", "\u200bz\u200c\u200d\u2060", "\ufeff", "\u00ad", "\u061c", "\u2028", "\u2029", "\u0085", "\x00\x01\x07\x1b[31mred\x1b[0m\x7f", "\r\n\t\v\f", "\u3164", "\u2800", "\u115f\u1160\uffa0",
		"Z" + strings.Repeat("\u0335\u0301\u0489", 300), strings.Repeat("\u0301", 50), "\U000e0041\U000e0042\U000e007f", "\ue000\U000f0000", "☺\ufe0f", "👨\u200d👩\u200d👧", "\u180e\u034f",
		"\xff\xfe", "a\xc3", "\xed\xa0\x80", strings.Repeat("\xff", 40), "\ufffd", strings.Repeat("A", 20_000), strings.Repeat("<!channel> ", 2_000), strings.Repeat("`", 500), strings.Repeat("&", 5_000), strings.Repeat("\"\\", 4_000), strings.Repeat("𝕏", 4_000),
		"", " ", "\n", "|", "v1|x|1|||0||", "null", `{"type":"section"}`, "'; DROP TABLE", "$(rm -rf /)", "admin/prod_app_user", "0.0.0.0/0", "مرحبا", "ไทย", "हिन्दी", "日本語", "Ünïcödé",
	}
}

// filler fills a value by reflection: every text of every field is hostile, whatever it is for.
type filler struct {
	r       *rand.Rand
	attacks []string
	made    int
	depth   int
	states  []access.State
}

func (f *filler) text() string {
	f.made++
	pick := func() string { return f.attacks[f.r.IntN(len(f.attacks))] }
	switch f.r.IntN(10) {
	case 0, 1, 2, 3:
		return pick()
	case 4, 5, 6:
		return pick() + pick() + pick()
	case 7:
		return "a " + pick() + " b"
	case 8:
		s := pick()
		at := f.r.IntN(len(s) + 1)
		return s[:at] + pick() + s[at:]
	}
	runes := make([]rune, f.r.IntN(60))
	for i := range runes {
		runes[i] = []rune{rune(f.r.IntN(128)), rune(f.r.IntN(0x3000)), rune(0x2000 + f.r.IntN(112)), rune(f.r.IntN(utf8.MaxRune + 1))}[f.r.IntN(4)]
	}
	return string(runes)
}

// enums are the named strings that are not anybody's text: mostly they are what they may be.
func (f *filler) enum(t reflect.Type) (string, bool) {
	lists := map[string][]string{
		"Severity": {"critical", "high", "medium", "low", "info"}, "FindingState": {"open", "waived", "acknowledged", "resolved"}, "Purpose": {"", "", "undo", "release", "delete"},
		"ActionState": {"", "proposed", "awaiting", "approved", "running", "verifying", "verified", "vetoed", "expired", "failed", "superseded", "stale", "refused", "undone", "told"},
		"Mode":        {"", "notify", "approve", "revert"}, "Quality": {"", "partial", "complete"}, "Vote": {"approve", "deny"}, "Origin": {"", "new"}, "Scope": {string(prj), "org.64f000000000000000000001"},
		"ActorType": {"", "human", "api_key", "atlas"}, "Source": {"feed", "webhook", "sweep"}, "Late": {"", "ticket", "escalate", "revert"}, "Kind": {"ip_access_entry", "database_user", "org_settings"},
		"OperationType": {"delete_access_entry", "set_database_user_roles", "remove_member_role"},
	}
	list := lists[t.Name()]
	if len(list) == 0 || f.r.IntN(40) == 0 {
		return "", false
	}
	return list[f.r.IntN(len(list))], true
}

func (f *filler) fill(v reflect.Value) {
	f.depth++
	defer func() { f.depth-- }()
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf([]time.Time{{}, at, now.Add(time.Hour), at.Add(-400 * 24 * time.Hour)}[f.r.IntN(4)]))
		return
	case v.Type() == reflect.TypeFor[access.Box]():
		if n := f.r.IntN(len(f.states) + 1); n < len(f.states) {
			state := reflect.New(reflect.TypeOf(f.states[n])).Elem()
			f.fill(state)
			v.Set(reflect.ValueOf(access.Box{State: state.Interface().(access.State)}))
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		s, ok := f.enum(v.Type())
		if !ok {
			s = f.text()
		}
		v.SetString(s)
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, 1, 2, 3, 12, 1 << 40}[f.r.IntN(6)])
	case reflect.Bool:
		v.SetBool(f.r.IntN(2) == 0)
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Slice:
		if f.depth > 12 || v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		n := max(0, f.r.IntN(8)-5) // few: more cards are drawn of as many strings
		if v.Type().Elem() == reflect.TypeFor[notify.Story]() {
			n = []int{0, 1, 1, 1, 1, 1, 1, 3, 12}[f.r.IntN(9)]
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range f.r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(value)
			v.SetMapIndex(key, value)
		}
	}
}

// usual makes most cards such as come up: with ids that are ids, so that there are buttons.
func (f *filler) usual(c *notify.Card) {
	if f.r.IntN(5) == 0 {
		return
	}
	if f.r.IntN(3) > 0 {
		c.Digest = ""
	}
	c.ID = "9f86d081884c7d659a2feaa0c55ad015"
	for i := range c.Stories {
		s := &c.Stories[i]
		s.Finding.ID, s.Finding.Ref.Scope, s.Finding.Episode = access.Hash("finding"), prj, 1+i
		s.Action.ID, s.Action.PlanHash, s.Undo.Plan = access.ActionID(s.Finding.ID, 1), access.Hash("plan"), access.Hash("plan")
		s.Question.Action, s.Question.Plan = s.Action.ID, s.Action.PlanHash
		s.Decides, s.Question.May = append(s.Decides, "bob", "rajesh"), append(s.Question.May, "bob", "rajesh")
		if f.r.IntN(3) == 0 {
			s.Keep.No = ""
		}
	}
}

func TestHostileTextHasNoEffect(t *testing.T) {
	f := &filler{r: rand.New(rand.NewPCG(6, 2026)), attacks: attacks(), states: []access.State{access.IPAccessEntry{}, access.DatabaseUser{}, access.CustomRole{}, access.OrgMember{}, access.ProjectSettings{}}}
	buttons, cards := 0, 0
	for f.made < *hostileStrings {
		l := testLook()
		l.Mention = f.r.IntN(4) == 0
		var c notify.Card
		f.fill(reflect.ValueOf(&c).Elem())
		f.usual(&c)
		cards++
		m := Render(c, now, l)
		buttons += strings.Count(compact(t, m.Blocks), `"button"`)
		bad := inspectMessage(t, m, l)
		l.Mention = false
		for _, s := range c.Stories {
			for _, view := range []any{KeepModal(s, l), UndoModal(s), DetailsModal(s, now, l), MoreModal(c, s, now, l), AllModal(c, 12)} {
				bad = append(bad, inspectView(t, view, l)...)
			}
			bad = append(bad, inspectMessage(t, Found(s, f.text()), l)...)
			for i, line := range Lines(s) {
				if i < 5 {
					bad = append(bad, inspectMessage(t, Words(line.Text), l)...)
				}
			}
		}
		var h Home
		var r access.CommandRecord
		f.fill(reflect.ValueOf(&h).Elem())
		f.fill(reflect.ValueOf(&r).Elem())
		bad = append(bad, inspectView(t, HomeView(h, now, l), l)...)
		bad = append(bad, inspectMessage(t, Words(Answer(r)), l)...)
		if len(bad) > 0 {
			t.Fatalf("after %d strings, of a card with %d stories:\n%.4000s", f.made, len(c.Stories), strings.Join(bad, "\n"))
		}
	}
	if buttons < cards {
		t.Errorf("%d cards had %d buttons", cards, buttons)
	}
	t.Logf("%d strings, %d cards, %d buttons", f.made, cards, buttons)
}
