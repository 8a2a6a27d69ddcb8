package slackfake

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

func pageTalk(t *testing.T, ctx context.Context) {
	f := newPageFixture(t, pageState(pageMessage("1763800000.000100", "*hello*")))
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.sees(".message .name", "Gatewarden")
	b.sees(".message .app", "APP")
	box := ".write textarea"
	b.fill(box, "/gate")
	b.sees(".hints", "/gatewarden")
	b.fill(box, "\t")
	b.fill(box, "status")
	b.enter()
	f.until(t, "command", func(got obj) bool { return got["text"] == "/gatewarden status" && got["channel"] == "C0PROD" })
	b.fill(box, "plain talk")
	b.enter()
	f.until(t, "message", func(got obj) bool { return got["text"] == "plain talk" && got["user"] == "U0ALICE" })
	f.answer("command", `{"error":"/gatewarden failed with the error \"dispatch_failed\""}`)
	b.fill(box, "/gatewarden x")
	b.enter()
	b.sees(".failed .body", `/gatewarden failed with the error "dispatch_failed"`)
	b.sees(".failed .only", "Only visible to you")

	b.fill(box, "a draft")
	b.click(`[data-channel=C0SEC]`)
	b.sees("#title", "security")
	b.sees("#start", "This is the very beginning of #security.")
	if got := evaluate[string](b, `document.querySelector('.write textarea').value + location.search`); got != "?user=U0ALICE&channel=C0SEC" {
		t.Errorf("after going to another channel: %q", got)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	b.sees("#title", "atlas-prod")
	if got := evaluate[string](b, `document.querySelector('.write textarea').value`); got != "a draft" {
		t.Errorf("the draft became %q", got)
	}
	b.do(chromedp.SetValue(chromedp.CSS("#me"), "U0BOB"))
	b.until(`location.search === '?user=U0BOB&channel=C0PROD'`)
}

func pageThread(t *testing.T, ctx context.Context) {
	root := pageMessage("1763800000.000100", "the card")
	root["edited"], root["edits"] = "1763800001.000000", 2
	reply, told := pageMessage("1763800000.000200", "a note", "{}"), pageMessage("1763800000.000300", "it goes on")
	reply["blocks"] = []any{}
	told["broadcast"], told["thread_ts"] = true, root["ts"]
	root["replies"] = []any{reply, told}
	only := pageMessage("1763800000.000400", "for you alone")
	only["ephemeral"] = true
	f := newPageFixture(t, pageState(root, told, only))
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.sees(".message .edited", "(edited)")
	b.sees(".message.ephemeral .only", "Only visible to you")
	b.sees(".replies", "2 replies")
	b.lacks("#thread")
	b.click(".replied")
	b.sees("#replies", "the card")
	b.sees("#replies .count", "2 replies")
	b.sees("#replies", "Also sent to the channel")
	if got := evaluate[[]string](b, `[...document.querySelectorAll('#replies .text')].map((e) => e.innerText)`); !slices.Equal(got, []string{"the card (edited)", "a note", "it goes on"}) {
		t.Errorf("the thread is %q", got)
	}
	b.fill("#thread textarea", "I see")
	b.enter()
	f.until(t, "message", func(got obj) bool { return got["thread_ts"] == "1763800000.000100" })
	b.do(chromedp.KeyEvent("\x1b"))
	b.lacks("#thread")
	b.until(`!location.search.includes('thread')`)

	link := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD")+"&ts=1763800000.000300&thread_ts=1763800000.000100") // as a permalink leads
	link.sees("#replies", "it goes on")
	link.until(`document.querySelector('.message.pointed')`)
}

func pageUnread(t *testing.T, ctx context.Context) {
	state := pageState()
	list := state["channels"].([]any)
	dm := list[3].(obj)
	dm["unread"], dm["messages"] = 1, []any{pageMessage("1763800000.000900", "psst")}
	f := newPageFixture(t, state)
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.sees(".row.unread[data-channel=C0DEV] .badge", "1") // two are new, one of them is for Alice
	b.sees(".row.unread[data-channel=D0ALICE] .badge", "1")
	b.lacks(".row.unread[data-channel=C0SEC]")
	dev := list[1].(obj)
	dev["unread"] = 1
	f.change("channels", list)
	b.sees(".row.unread[data-channel=C0DEV] .badge", "1")
	b.until(`document.querySelector('[data-channel=C0PROD]').getAttribute('aria-current') === 'page'`)
	b.click("[data-channel=C0DEV]")
	b.sees(".new", "New")
	if got := evaluate[[]string](b, `[...document.getElementById('messages').children].map((e) => e.className.split(' ')[0])`); !slices.Equal(got, []string{"day", "message", "new", "message"}) {
		t.Errorf("the channel has %q", got)
	}
	f.untilAsked(t, "user=U0ALICE&read=C0DEV")
}

func pageHome(t *testing.T, ctx context.Context) {
	f := newPageFixture(t, pageState())
	b := openTab(t, ctx, f.url, seat("U0ALICE", "home"))
	f.until(t, "home", func(got obj) bool { return got["user"] == "U0ALICE" })
	b.sees(".home", "has not published")
	b.lacks(".write")
	f.change("home", obj{"id": "VH", "blocks": []any{obj{"type": "header", "text": obj{"type": "plain_text", "text": "Open"}},
		obj{"type": "actions", "block_id": "B", "elements": []any{obj{"type": "button", "action_id": "go", "text": obj{"type": "plain_text", "text": "Go"}}}}}})
	b.sees(".home h3", "Open")
	b.click("[data-action=go]")
	f.until(t, "click", func(got obj) bool { return got["view_id"] == "VH" && got["action_id"] == "go" })
	b.click("#tabs a:nth-child(2)")
	b.sees("#start", "direct messages with Gatewarden")
	b.sees(".write", "Enter sends")
}

// What one filled in and where one is stay as they are while other things change.
func pageKept(t *testing.T, ctx context.Context) {
	msg := pageMessage("1763800000.000100", "", everyElement)
	f := newPageFixture(t, pageState(msg))
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.click("[data-action=ticks] label:nth-child(1) input")
	b.do(chromedp.SetValue(chromedp.CSS("[data-action=day]"), "2026-05-06"), chromedp.Evaluate[chromedp.Void](`window.first = document.querySelector('.message')`))
	f.change("channels", pageState(msg, pageMessage("1763800000.000200", "another"))["channels"])
	b.sees(".message", "another")
	if !evaluate[bool](b, `window.first === document.querySelector('.message')`) {
		t.Error("a message that did not change was drawn anew")
	}
	msg["edits"] = 1
	f.change("channels", pageState(msg)["channels"])
	b.until(`document.querySelectorAll('.message').length === 1 && window.first !== document.querySelector('.message')`)
	if got := evaluate[string](b, `document.querySelector('[data-action=day]').value + document.querySelector('[data-action=ticks] input').checked`); got != "2026-05-06true" {
		t.Errorf("after an edit of the message it holds %q", got)
	}
	for _, r := range []struct{ focus, change string }{{"[data-channel=C0SEC]", "unread"}, {"[data-action=go]", "edits"}} {
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`window.first = document.querySelector(%[1]q); first.focus()`, r.focus)))
		state := pageState(msg)
		msg["edits"] = fmt.Sprint("for ", r.change)
		state["channels"].([]any)[2].(obj)["unread"] = 1
		f.change("channels", state["channels"])
		b.until(fmt.Sprintf(`document.querySelector(%q) !== window.first`, r.focus))
		if !evaluate[bool](b, fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, r.focus)) {
			t.Errorf("%s lost the focus when the %s changed", r.focus, r.change)
		}
	}
	many := []any{}
	for i := range 260 {
		many = append(many, pageMessage(fmt.Sprintf("17638%05d.000000", i*400), fmt.Sprint("number ", i)))
	}
	f.change("channels", pageState(many...)["channels"])
	b.sees("#start button", "Show earlier messages (60)")
	b.until(`document.querySelectorAll('.message').length === 200`)
	b.until(`((s) => s.scrollTop + s.clientHeight > s.scrollHeight - 60)(document.getElementById('scroll'))`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('scroll').scrollTop = 0`))
	b.click("#start button")
	b.until(`document.querySelectorAll('.message').length === 260`)
}

// Without events the page asks by itself.
func pagePolls(t *testing.T, ctx context.Context) {
	f := newPageFixture(t, pageState(pageMessage("1763800000.000100", "first")))
	f.deaf.Store(true)
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.sees(".message", "first")
	f.change("channels", pageState(pageMessage("1763800000.000100", "second"))["channels"])
	b.sees(".message", "second")
	b.forget() // the browser logs that there are no events
}

// faint lists texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
const faint = `(() => {
  const rgb = (c) => c.match(/[\d.]+/g).map(Number);
  const over = (top, below) => { const [r, g, b, a = 1] = rgb(top), k = rgb(below); return 'rgb(' + [r, g, b].map((v, i) => v * a + k[i] * (1 - a)).join() + ')'; };
  const light = (c) => { const [r, g, b] = rgb(c).map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => e ? over(getComputedStyle(e).backgroundColor, behind(e.parentElement)) : 'rgb(255,255,255)';
  const bad = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || e.closest('option, script, :disabled, .emoji') || !e.getClientRects().length) continue;
    const a = light(getComputedStyle(e).color), b = light(behind(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.add(e.tagName + '.' + e.className + ' ' + n.data.slice(0, 20) + ' ' + ratio.toFixed(2));
  }
  return [...bad];
})()`

func pageLooks(t *testing.T, ctx context.Context) {
	wide := pageMessage("1763800000.000300", "W"+string(slices.Repeat([]byte("w"), 600))+" `"+string(slices.Repeat([]byte("c"), 300))+"` <!here> <@U0BOB>")
	warned := pageMessage("1763800000.000200", "", everyElement)
	warned["warning"], warned["edited"], warned["replies"] = "It did not answer.", "1763800001.000000", []any{pageMessage("1763800000.000400", "a note")}
	f := newPageFixture(t, pageState(pageMessage("1763800000.000100", "x"), warned, wide))
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD")+"&thread=1763800000.000200")
	b.sees("#replies", "a note")
	for _, w := range []int64{420, 800, 1280} {
		b.width(w)
		if over := evaluate[[]string](b, `[document.documentElement, ...document.querySelectorAll('.scroll, .side, .body, .head')].filter((e) => e.getClientRects().length && e.scrollWidth > e.clientWidth + 1).map((e) => e.tagName + '.' + e.className)`); len(over) > 0 {
			t.Errorf("at a width of %d these stand out: %q", w, over)
		}
		if bad := evaluate[[]string](b, faint); len(bad) > 0 {
			t.Errorf("at a width of %d these are hard to read: %q", w, bad)
		}
	}
	f.change("views", []any{pageView("V1", modalFields)})
	b.click("dialog [type=submit]")
	b.sees("dialog .error", "Please")
	if bad := evaluate[[]string](b, faint); len(bad) > 0 {
		t.Errorf("in a modal these are hard to read: %q", bad)
	}
	nameless := `[...document.querySelectorAll('button, a, input, select, textarea')].filter((e) => e.getClientRects().length &&
	  !(e.ariaLabel || e.getAttribute('aria-labelledby') || e.labels?.length || e.innerText.trim())).map((e) => e.outerHTML)`
	if bad := evaluate[[]string](b, nameless); len(bad) > 0 {
		t.Errorf("these have no name for who cannot see them: %q", bad)
	}
}
