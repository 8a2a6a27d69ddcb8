package slackfake

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// str is a string of between least and most characters.
func str(least, most int) rule {
	return func(c *checker, at string, v any) {
		text, ok := v.(string)
		switch n := utf8.RuneCountInString(text); {
		case !ok:
			c.wrong(at, "must be a string")
		case n < least:
			c.wrong(at, "must be more than %d characters", least-1)
		case n > most:
			c.wrong(at, "must be less than %d characters", most+1)
		}
	}
}

// text is a text object of this kind, of either kind for "".
func text(kind string, least, most int) rule {
	body := map[string]shape{
		"plain_text": {"text": need(str(least, most)), "emoji": may(flag)},
		"mrkdwn":     {"text": need(str(least, most)), "verbatim": may(flag)},
	}
	if kind != "" {
		body = map[string]shape{kind: body[kind]}
	}
	return oneOf(body)
}

func oneOf(kinds map[string]shape) rule {
	return func(c *checker, at string, v any) { c.typed(at, v, kinds) }
}

func object(sh shape) rule {
	return func(c *checker, at string, v any) {
		m, ok := v.(Block)
		if !ok {
			c.wrong(at, "must be an object")
			return
		}
		c.object(at, m, sh)
	}
}

// list is an array; most 0 = any number.
func list(least, most int, each rule) rule {
	return func(c *checker, at string, v any) {
		items, ok := v.([]any)
		switch {
		case !ok:
			c.wrong(at, "must be an array")
			return
		case len(items) < least:
			c.wrong(at, "no fewer than %d items allowed", least)
		case most > 0 && len(items) > most:
			c.wrong(at, "no more than %d items allowed", most)
		}
		for i, item := range items {
			each(c, fmt.Sprintf("%s/%d", at, i), item)
		}
	}
}

func among(values ...string) rule {
	return func(c *checker, at string, v any) {
		if text, ok := v.(string); !ok || !slices.Contains(values, text) {
			c.wrong(at, "must be one of %s", strings.Join(values, ", "))
		}
	}
}

// whole is a whole number between least and most.
func whole(least, most float64) rule {
	return func(c *checker, at string, v any) {
		n, ok := v.(float64)
		if !ok || n != math.Trunc(n) || n < least || n > most {
			c.wrong(at, "must be a whole number between %.0f and %.0f", least, most)
		}
	}
}

func flag(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.wrong(at, "must be a boolean")
	}
}

func anything(*checker, string, any) {}

// link is an address with a scheme that Slack opens; which ones is not documented
// (a guess).
func link(most int) rule {
	length := str(1, most)
	return func(c *checker, at string, v any) {
		length(c, at, v)
		text, _ := v.(string)
		u, err := url.Parse(text)
		if err != nil || !slices.Contains([]string{"http", "https", "mailto", "slack"}, u.Scheme) {
			c.wrong(at, "invalid url")
		}
	}
}

// moment is a date or time of this layout.
func moment(layout string) rule {
	return func(c *checker, at string, v any) {
		text, _ := v.(string)
		if _, err := time.Parse(layout, text); err != nil {
			c.wrong(at, "must match %s", layout)
		}
	}
}
