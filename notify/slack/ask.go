package slack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
)

// KeepAsk is what somebody filled in to keep a violation for a while.
type KeepAsk struct {
	For    time.Duration
	Reason string
	Ticket string
}

// leastWords is how much must be said where words are asked for.
const leastWords = 10

// ticketKey is a key of a tracker or an address, and nothing with a space.
var ticketKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:#?=&%~+-]{0,99}$`)

// ParseKeep reads the modal of [KeepModal]. What is wrong is said by the block that it stands in;
// none: nothing is. most is the longest time, as it is now.
func ParseKeep(st *slackgo.ViewState, most time.Duration) (KeepAsk, map[string]string) {
	wrong := map[string]string{}
	k := KeepAsk{Ticket: entered(st, fieldTicket)}
	var err error
	switch k.For, err = time.ParseDuration(chosen(st, fieldFor)); {
	case err != nil || k.For <= 0:
		wrong[fieldFor] = "Choose for how long it is to stand."
	case k.For > most:
		wrong[fieldFor] = "It may stand for " + access.Lasts(most) + " at most."
	}
	words, reason := entered(st, fieldWords), chosen(st, fieldReason)
	i := slices.IndexFunc(reasons(), func(c choice) bool { return c.value == reason })
	switch {
	case i < 0:
		wrong[fieldReason] = "Choose why it is to stand."
	case reason == otherReason:
		k.Reason = words
		needWords(wrong, words)
	default:
		k.Reason = reasons()[i].label
		if words != "" {
			k.Reason += ": " + words
		}
	}
	if k.Ticket != "" && !ticketKey.MatchString(k.Ticket) {
		wrong[fieldTicket] = "That is no key of a ticket: write one such as SEC-123, or its address."
	}
	return k, orNone(wrong)
}

// ParseUndo reads the modal of [UndoModal].
func ParseUndo(st *slackgo.ViewState) (reason string, wrong map[string]string) {
	wrong = map[string]string{}
	reason = entered(st, fieldWords)
	needWords(wrong, reason)
	return reason, orNone(wrong)
}

// ParseAll reads the modal of [AllModal], which named n actions.
func ParseAll(st *slackgo.ViewState, n int) (wrong map[string]string) {
	if n <= TypedAbove {
		return nil
	}
	if typed, err := strconv.Atoi(entered(st, fieldNumber)); err != nil || typed != n {
		return map[string]string{fieldNumber: fmt.Sprintf("Type %d, the number of plans that you vote for.", n)}
	}
	return nil
}

// ParseSnooze reads the option of a menu of [ActSnooze].
func ParseSnooze(option string) (Value, time.Duration, error) {
	value, span, _ := strings.Cut(option, " ")
	v, err := ParseValue(value)
	if err != nil {
		return Value{}, 0, err
	}
	d, err := time.ParseDuration(span)
	if err != nil || d <= 0 {
		return Value{}, 0, fmt.Errorf("read for how long to snooze: %.20q", span)
	}
	return v, d, nil
}

func needWords(wrong map[string]string, words string) {
	if utf8.RuneCountInString(words) < leastWords {
		wrong[fieldWords] = fmt.Sprintf("Say why, in %d characters at least.", leastWords)
	}
}

// entered is what was typed, as one line without anything that is not seen.
func entered(st *slackgo.ViewState, field string) string {
	if s := Clean(filled(st, field).Value, 500); s != nothing {
		return s
	}
	return ""
}

func chosen(st *slackgo.ViewState, field string) string {
	return filled(st, field).SelectedOption.Value
}

func filled(st *slackgo.ViewState, field string) slackgo.BlockAction {
	if st == nil {
		return slackgo.BlockAction{}
	}
	return st.Values[field][field]
}

func orNone(wrong map[string]string) map[string]string {
	if len(wrong) == 0 {
		return nil
	}
	return wrong
}
