package slack

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/notify"
)

// filledIn is what Slack says of a modal: of selects by their option, of texts by their value.
func filledIn(fields map[string]string) *slackgo.ViewState {
	st := &slackgo.ViewState{Values: map[string]map[string]slackgo.BlockAction{}}
	for k, v := range fields {
		a := slackgo.BlockAction{Value: v}
		if k == fieldFor || k == fieldReason {
			a = slackgo.BlockAction{SelectedOption: slackgo.OptionBlockObject{Value: v}}
		}
		st.Values[k] = map[string]slackgo.BlockAction{k: a}
	}
	return st
}

func TestParseKeep(t *testing.T) {
	const least = "Say why, in 10 characters at least."
	for _, c := range []struct {
		name  string
		in    map[string]string
		want  KeepAsk
		wrong map[string]string
	}{
		{"by a reason of the list", map[string]string{"for": "4h0m0s", "reason": "vendor"}, KeepAsk{4 * time.Hour, "A vendor or partner needs it for a while", ""}, nil},
		{"with words and a ticket", map[string]string{"for": "1h0m0s", "reason": "planned", "words": " until\nthe release\u202e ", "ticket": "SEC-123"},
			KeepAsk{time.Hour, "Planned work that ends by itself: until the release", "SEC-123"}, nil},
		{"by another reason", map[string]string{"for": "24h0m0s", "reason": "other", "words": "the auditors look at it"}, KeepAsk{24 * time.Hour, "the auditors look at it", ""}, nil},
		{"an address as ticket", map[string]string{"for": "1h0m0s", "reason": "planned", "ticket": "https://jira.example.com/browse/SEC-1"}, KeepAsk{time.Hour, "Planned work that ends by itself", "https://jira.example.com/browse/SEC-1"}, nil},
		{"another reason without words", map[string]string{"for": "1h0m0s", "reason": "other", "words": "  because  "}, KeepAsk{For: time.Hour, Reason: "because"}, map[string]string{"words": least}},
		{"ten characters that nobody sees", map[string]string{"for": "1h0m0s", "reason": "other", "words": strings.Repeat("\u200b", 20)}, KeepAsk{For: time.Hour}, map[string]string{"words": least}},
		{"longer than it may", map[string]string{"for": "48h0m0s", "reason": "planned"}, KeepAsk{48 * time.Hour, "Planned work that ends by itself", ""}, map[string]string{"for": "It may stand for 1 d at most."}},
		{"nothing", nil, KeepAsk{}, map[string]string{"for": "Choose for how long it is to stand.", "reason": "Choose why it is to stand."}},
		{"a time that is past, a reason that is none, a ticket with a space", map[string]string{"for": "-1h", "reason": "because", "ticket": "<!channel> x"}, KeepAsk{For: -time.Hour, Ticket: "<!channel> x"},
			map[string]string{"for": "Choose for how long it is to stand.", "reason": "Choose why it is to stand.", "ticket": "That is no key of a ticket: write one such as SEC-123, or its address."}},
	} {
		got, wrong := ParseKeep(filledIn(c.in), 24*time.Hour)
		if diff := cmp.Diff(c.wrong, wrong); diff != "" || got != c.want {
			t.Errorf("%s: %+v\n%s", c.name, got, diff)
		}
	}
	if _, wrong := ParseKeep(nil, time.Hour); len(wrong) != 2 {
		t.Errorf("of no state: %v", wrong)
	}
}

func TestParseUndoAndAll(t *testing.T) {
	if reason, wrong := ParseUndo(filledIn(map[string]string{"words": "checkout is down"})); reason != "checkout is down" || wrong != nil {
		t.Errorf("%q, %v", reason, wrong)
	}
	if _, wrong := ParseUndo(filledIn(map[string]string{"words": "oops"})); wrong["words"] == "" {
		t.Error("undone for no reason")
	}
	for _, c := range []struct {
		typed string
		n     int
		ok    bool
	}{{"", 10, true}, {"11", 11, true}, {" 11 ", 11, true}, {"", 11, false}, {"12", 11, false}, {"eleven", 11, false}, {"011", 11, true}, {"11 ", 12, false}} {
		if wrong := ParseAll(filledIn(map[string]string{"number": c.typed}), c.n); (wrong == nil) != c.ok || !c.ok && wrong["number"] == "" {
			t.Errorf("%q of %d: %v", c.typed, c.n, wrong)
		}
	}
}

// The number is asked for exactly where it is looked at.
func TestTheNumberIsTypedAboveTen(t *testing.T) {
	for _, n := range []int{1, TypedAbove, TypedAbove + 1, 200} {
		v := AllModal(burst(n, min(n, notify.Shown)), n)
		asked := strings.Contains(compact(t, v), `"block_id":"`+fieldNumber+`"`)
		if looked := ParseAll(nil, n) != nil; asked != looked || asked != (n > 10) {
			t.Errorf("of %d: asked %v, looked at %v", n, asked, looked)
		}
	}
}

// What a modal offers, its parser takes.
func TestWhatIsOfferedIsTaken(t *testing.T) {
	for _, most := range []time.Duration{90 * 24 * time.Hour, 7 * 24 * time.Hour, time.Hour, 20 * time.Minute} {
		for _, d := range spans(most) {
			for _, why := range reasons() {
				if k, wrong := ParseKeep(filledIn(map[string]string{"for": d.String(), "reason": why.value, "words": "because it is so"}), most); wrong != nil || k.For != d || k.Reason == "" {
					t.Errorf("%s of %s, %s: %+v, %v", d, most, why.value, k, wrong)
				}
			}
		}
	}
	if got := spans(30 * time.Second); len(got) != 0 {
		t.Errorf("half a minute: %v", got)
	}
}

func TestSnoozesOfOthersAreRefused(t *testing.T) {
	for _, bad := range []string{"", "v1|g|1|||0||", "v1|g|1|||0|| x", "v1|g|1|||0|| -1h", "v2|g|1|||0|| 1h"} {
		if v, d, err := ParseSnooze(bad); err == nil {
			t.Errorf("%q is taken: %+v for %s", bad, v, d)
		}
	}
}
