package slackfake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// said is an answer of the Web API to a raw call, past the client's own checks.
type said struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	Meta  struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

func (w *world) raw(method string, args map[string]any) said {
	w.t.Helper()
	body, err := json.Marshal(args)
	w.must(err)
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.APIURL()+method, bytes.NewReader(body))
	w.must(err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+w.Tokens().BotToken)
	res, err := w.http.Do(req)
	w.must(err)
	var out said
	w.must(errors.Join(json.NewDecoder(res.Body).Decode(&out), res.Body.Close()))
	return out
}

type m = map[string]any

func chars(n int) string { return strings.Repeat("é", n) }

func pt(s string) m { return m{"type": "plain_text", "text": s} }
func md(s string) m { return m{"type": "mrkdwn", "text": s} }

func times(n int, f func(i int) any) []any {
	out := []any{}
	for i := range n {
		out = append(out, f(i))
	}
	return out
}

func option(text, value string) any { return m{"text": pt(text), "value": value} }

func options(n int) []any {
	return times(n, func(i int) any { return option("x", fmt.Sprint(i)) })
}

func button(more m) m {
	b := m{"type": "button", "text": pt("x"), "action_id": "a"}
	for k, v := range more {
		b[k] = v
	}
	return b
}

func actions(e ...any) any { return m{"type": "actions", "elements": append([]any{}, e...)} }

func confirm(part string, n int) any {
	c := m{"title": pt("x"), "text": md("x"), "confirm": pt("x"), "deny": pt("x")}
	c[part] = pt(chars(n))
	return actions(button(m{"confirm": c}))
}

func menu(kind string, more m) any {
	e := m{"type": kind, "action_id": "a"}
	for k, v := range more {
		e[k] = v
	}
	return m{"type": "section", "text": md("x"), "accessory": e}
}

func link(n int) string {
	return "https://example.com/" + strings.Repeat("x", n-len("https://example.com/"))
}

// TestEdges: each limit of a block, met exactly and passed by one.
func TestEdges(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			most int
			make func(n int) any // one block, or a list of them
		}{
			"blocks":           {50, func(n int) any { return times(n, func(int) any { return m{"type": "divider"} }) }},
			"section text":     {3000, func(n int) any { return m{"type": "section", "text": md(chars(n))} }},
			"section fields":   {10, func(n int) any { return m{"type": "section", "fields": times(n, func(int) any { return md("x") })} }},
			"section field":    {2000, func(n int) any { return m{"type": "section", "fields": []any{md(chars(n))}} }},
			"header":           {150, func(n int) any { return m{"type": "header", "text": pt(chars(n))} }},
			"context elements": {10, func(n int) any { return m{"type": "context", "elements": times(n, func(int) any { return md("x") })} }},
			"actions elements": {25, func(n int) any {
				return actions(times(n, func(i int) any { return button(m{"action_id": fmt.Sprint(i)}) })...)
			}},
			"button label":       {75, func(n int) any { return actions(button(m{"text": pt(chars(n))})) }},
			"button value":       {2000, func(n int) any { return actions(button(m{"value": chars(n)})) }},
			"action_id":          {255, func(n int) any { return actions(button(m{"action_id": chars(n)})) }},
			"block_id":           {255, func(n int) any { return m{"type": "divider", "block_id": chars(n)} }},
			"button url":         {3000, func(n int) any { return actions(button(m{"url": link(n)})) }},
			"confirm title":      {100, func(n int) any { return confirm("title", n) }},
			"confirm text":       {300, func(n int) any { return confirm("text", n) }},
			"confirm yes":        {30, func(n int) any { return confirm("confirm", n) }},
			"confirm no":         {30, func(n int) any { return confirm("deny", n) }},
			"select options":     {100, func(n int) any { return menu("static_select", m{"options": options(n)}) }},
			"select placeholder": {150, func(n int) any { return menu("static_select", m{"options": options(1), "placeholder": pt(chars(n))}) }},
			"option text":        {75, func(n int) any { return menu("static_select", m{"options": []any{option(chars(n), "v")}}) }},
			"option value":       {150, func(n int) any { return menu("static_select", m{"options": []any{option("x", chars(n))}}) }},
			"overflow options":   {5, func(n int) any { return menu("overflow", m{"options": options(n)}) }},
			"radio buttons":      {10, func(n int) any { return menu("radio_buttons", m{"options": options(n)}) }},
			"checkboxes":         {10, func(n int) any { return menu("checkboxes", m{"options": options(n)}) }},
			"image alt_text":     {2000, func(n int) any { return m{"type": "image", "image_url": link(30), "alt_text": chars(n)} }},
			"image title": {2000, func(n int) any {
				return m{"type": "image", "image_url": link(30), "alt_text": "x", "title": pt(chars(n))}
			}},
			"input label":         {2000, func(n int) any { return input(m{"label": pt(chars(n))}) }},
			"input hint":          {2000, func(n int) any { return input(m{"hint": pt(chars(n))}) }},
			"input min_length":    {3000, func(n int) any { return input(m{"element": m{"type": "plain_text_input", "min_length": n}}) }},
			"input max_length":    {3000, func(n int) any { return input(m{"element": m{"type": "plain_text_input", "max_length": n}}) }},
			"input initial_value": {3000, func(n int) any { return input(m{"element": m{"type": "plain_text_input", "initial_value": chars(n)}}) }},
		} {
			for n, want := range map[int]string{c.most: "", c.most + 1: "invalid_blocks"} {
				blocks, ok := c.make(n).([]any)
				if !ok {
					blocks = []any{c.make(n)}
				}
				got := w.raw("chat.postMessage", m{"channel": "C0PROD", "text": "x", "blocks": blocks})
				if got.Error != want || (want != "" && len(got.Meta.Messages) != 1) {
					t.Errorf("%s %d: %q %s, want %q", name, n, got.Error, got.Meta.Messages, want)
				}
			}
		}
	})
}

func input(more m) any {
	b := m{"type": "input", "label": pt("x"), "element": m{"type": "plain_text_input", "action_id": "a"}}
	for k, v := range more {
		b[k] = v
	}
	return b
}

// TestAllBlocks: the sum of a message's blocks, which no document tells.
func TestAllBlocks(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		blocks := times(5, func(int) any { return m{"type": "section", "text": md(chars(2500))} })
		raw, err := json.Marshal(blocks)
		w.must(err)
		left := 13_200 - len([]rune(string(raw)))
		for more, want := range map[int]string{0: "", 1: "msg_blocks_too_long"} {
			blocks[0] = m{"type": "section", "text": md(chars(2500 + left + more))}
			for _, method := range []string{"chat.postMessage", "chat.postEphemeral"} {
				if got := w.raw(method, m{"channel": "C0PROD", "user": "U0BOB", "text": "x", "blocks": blocks}); got.Error != want {
					t.Errorf("%s with %d characters: %q, want %q", method, 13_200+more, got.Error, want)
				}
			}
		}
	})
}

func TestViewEdges(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		for name, c := range map[string]struct {
			most int
			kind string
			make func(n int) m
		}{
			"modal title":            {24, "modal", func(n int) m { return m{"title": pt(chars(n))} }},
			"modal submit":           {24, "modal", func(n int) m { return m{"submit": pt(chars(n))} }},
			"modal close":            {24, "modal", func(n int) m { return m{"close": pt(chars(n))} }},
			"modal private_metadata": {3000, "modal", func(n int) m { return m{"private_metadata": chars(n)} }},
			"modal callback_id":      {255, "modal", func(n int) m { return m{"callback_id": chars(n)} }},
			"modal external_id":      {255, "modal", func(n int) m { return m{"external_id": chars(n)} }},
			"modal blocks":           {100, "modal", func(n int) m { return m{"blocks": times(n, func(int) any { return m{"type": "divider"} })} }},
			"home blocks":            {100, "home", func(n int) m { return m{"blocks": times(n, func(int) any { return m{"type": "divider"} })} }},
			"home private_metadata":  {3000, "home", func(n int) m { return m{"private_metadata": chars(n)} }},
			"home section":           {3000, "home", func(n int) m { return m{"blocks": []any{m{"type": "section", "text": md(chars(n))}}} }},
		} {
			for n, want := range map[int]string{c.most: "", c.most + 1: "invalid_arguments"} {
				view := m{"type": c.kind, "blocks": []any{}}
				method := "views.publish"
				args := m{"user_id": "U0BOB", "view": view}
				if c.kind == "modal" {
					view["title"] = pt("x")
					method, args["trigger_id"] = "views.open", w.trigger(a, "U0BOB")
				}
				for k, v := range c.make(n) {
					view[k] = v
				}
				if got := w.raw(method, args); got.Error != want {
					t.Errorf("%s %d: %q %s, want %q", name, n, got.Error, got.Meta.Messages, want)
				}
			}
		}
	})
}

// TestInputNeedsSubmit: a form without a button to send it.
func TestInputNeedsSubmit(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		view := m{"type": "modal", "title": pt("x"), "blocks": []any{input(nil)}}
		if got := w.raw("views.open", m{"trigger_id": w.trigger(a, "U0BOB"), "view": view}); got.Error != "invalid_arguments" {
			t.Errorf("without one: %+v", got)
		}
		view["submit"] = pt("Send")
		if got := w.raw("views.open", m{"trigger_id": w.trigger(a, "U0BOB"), "view": view}); !got.OK {
			t.Errorf("with one: %+v", got)
		}
	})
}

// TestRefusedBlocks is what Block Kit does not know, or not there.
func TestRefusedBlocks(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			blocks any
			says   string
		}{
			"an unknown block":                 {[]any{m{"type": "sandwich"}}, "unsupported type: sandwich [json-pointer:/blocks/0]"},
			"no type":                          {[]any{m{}}, "unsupported type"},
			"no object":                        {[]any{"x"}, "must be an object"},
			"an unknown element":               {[]any{actions(m{"type": "lever"})}, "unsupported type: lever [json-pointer:/blocks/0/elements/0]"},
			"an element at the wrong place":    {[]any{actions(m{"type": "plain_text_input"})}, "unsupported type: plain_text_input"},
			"a button in a context":            {[]any{m{"type": "context", "elements": []any{button(nil)}}}, "unsupported type: button"},
			"an unknown property":              {[]any{m{"type": "divider", "colour": "red"}}, "invalid additional property: colour"},
			"an unknown property of a text":    {[]any{m{"type": "section", "text": m{"type": "mrkdwn", "text": "x", "emoji": true}}}, "invalid additional property: emoji"},
			"a markdown header":                {[]any{m{"type": "header", "text": md("x")}}, "unsupported type: mrkdwn"},
			"an empty text":                    {[]any{m{"type": "section", "text": md("")}}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
			"a section of nothing":             {[]any{m{"type": "section"}}, "missing required field: text"},
			"no fields":                        {[]any{m{"type": "section", "fields": []any{}}}, "no fewer than 1 items"},
			"no elements":                      {[]any{actions()}, "no fewer than 1 items"},
			"a button without a label":         {[]any{actions(m{"type": "button", "action_id": "a"})}, "missing required field: text"},
			"a confirm without its no":         {[]any{actions(button(m{"confirm": m{"title": pt("x"), "text": pt("x"), "confirm": pt("x")}}))}, "missing required field: deny"},
			"a style of one's own":             {[]any{actions(button(m{"style": "shiny"}))}, "must be one of primary, danger"},
			"an empty value":                   {[]any{actions(button(m{"value": ""}))}, "must be more than 0 characters"},
			"a script for an address":          {[]any{actions(button(m{"url": "javascript:alert(1)"}))}, "invalid url"},
			"one block_id twice":               {[]any{m{"type": "divider", "block_id": "b"}, m{"type": "divider", "block_id": "b"}}, "already exists"},
			"one action_id twice":              {[]any{actions(button(nil), button(nil))}, "already exists"},
			"a menu without options":           {[]any{menu("static_select", nil)}, "one of options and option_groups"},
			"an initial option from elsewhere": {[]any{menu("static_select", m{"options": options(2), "initial_option": option("x", "9")})}, "none of the options"},
			"a date of one's own":              {[]any{menu("datepicker", m{"initial_date": "31.12.2026"})}, "must match"},
			"blocks that are not a list":       {m{"type": "divider"}, "must be an array"},
			"blocks that are not JSON":         {"[{", "not JSON"},
		} {
			got := w.raw("chat.postMessage", m{"channel": "C0PROD", "text": "x", "blocks": c.blocks})
			if !strings.HasPrefix(got.Error, "invalid_blocks") || !strings.Contains(strings.Join(got.Meta.Messages, "\n"), c.says) {
				t.Errorf("%s: %q %s, want %q", name, got.Error, got.Meta.Messages, c.says)
			}
		}
		if n := len(w.Messages("C0PROD")); n != 0 {
			t.Errorf("%d messages were posted all the same", n)
		}
	})
}

// TestRichText: the explicit form of text, in which nothing is parsed.
func TestRichText(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		rich := func(kind string, inline m) any {
			return []any{m{"type": "rich_text", "elements": []any{m{"type": kind, "elements": []any{inline}}}}}
		}
		for name, c := range map[string]struct {
			blocks any
			want   string
		}{
			"code":           {rich("rich_text_section", m{"type": "text", "text": "<!here>", "style": m{"code": true}}), ""},
			"preformatted":   {rich("rich_text_preformatted", m{"type": "text", "text": "x"}), ""},
			"a user":         {rich("rich_text_section", m{"type": "user", "user_id": "U0BOB"}), ""},
			"unknown inline": {rich("rich_text_section", m{"type": "marquee", "text": "x"}), "invalid_blocks"},
			"unknown part":   {rich("rich_text_poem", m{"type": "text", "text": "x"}), "invalid_blocks"},
		} {
			if got := w.raw("chat.postMessage", m{"channel": "C0PROD", "text": "x", "blocks": c.blocks}); got.Error != c.want {
				t.Errorf("%s: %q %s, want %q", name, got.Error, got.Meta.Messages, c.want)
			}
		}
	})
}
