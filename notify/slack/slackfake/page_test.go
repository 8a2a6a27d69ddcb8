package slackfake

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatewarden/gatewarden/internal/browsertest"
)

// The page alone, against states as the test has them.
func TestPage(t *testing.T) {
	ctx := browsertest.Start(t)
	for name, f := range map[string]func(*testing.T, context.Context){
		"text": pageText, "blocks": pageBlocks, "acts": pageActs, "warns": pageWarns, "modal": pageModal, "lacks": pageLacks, "hostile": pageHostile,
		"talk": pageTalk, "thread": pageThread, "unread": pageUnread, "home": pageHome, "kept": pageKept, "polls": pagePolls, "looks": pageLooks,
	} {
		t.Run(name, func(t *testing.T) { f(t, ctx) })
	}
}

// brief writes a node's children down as tag.class[href](…), text as it is.
const brief = `const brief = (n) => [...n.childNodes].map((c) => {
  if (c.nodeType === Node.TEXT_NODE) return c.data;
  if (c.tagName === 'BR') return '⏎';
  const href = c.tagName === 'A' && !c.dataset.channel ? '[' + (c.getAttribute('href') ?? '') + ']' : '';
  return c.tagName.toLowerCase() + (c.className ? '.' + c.className.replaceAll(' ', '.') : '') + href + '(' + brief(c) + ')';
}).join('');`

func pageText(t *testing.T, ctx context.Context) {
	rows := []struct{ in, want string }{
		{"plain", "plain"},
		{"*b* _i_ ~s~ `c`", "strong(b) em(i) s(s) code(c)"},
		{"*_both_ and ~s~*", "strong(em(both) and s(s))"},
		{"a*b*c 2*3*4 snake_case_name", "a*b*c 2*3*4 snake_case_name"},
		{"* a * _ b_ **", "* a * _ b_ **"},
		{"(*b*), *b*: *b*.", "(strong(b)), strong(b): strong(b)."},
		{"*over\na line*", "*over⏎a line*"},
		{"`*not bold* &lt;`", "code(*not bold* <)"},
		{"*`a*b`*", "strong(code(a*b))"},
		{"``", "``"},
		{"```\nx  *y*\nz &amp;\n``` after", "pre(x  *y*\nz &) after"},
		{"> q1\n> q2\nafter", "blockquote(q1⏎q2)after"},
		{"&gt; q *b*", "blockquote(q strong(b))"},
		{"before\n>>> all\nof it", "beforeblockquote(all⏎of it)"},
		{"one\n\ntwo", "one⏎⏎two"},
		{"• a\n- b\n1. c", "• a⏎- b⏎1. c"},
		{"&lt;@U0BOB&gt; &amp;lt; &copy; a & b < c", "<@U0BOB> &lt; &copy; a & b < c"},
		{"<@U0BOB> <@U0ALICE>", "span.mention(@Bob Example) span.mention.mine(@Alice Example)"},
		{"<@U0NOBODY> <@U0BOB|x>", "span.mention(@U0NOBODY) span.mention(@Bob Example)"},
		{"<#C0DEV> <#C0GONE|old> <#C0GONE>", "a.mention(#atlas-dev) a.mention(#old) a.mention(#private-channel)"},
		{"<!subteam^S0ONCALL> <!subteam^S0SEC|@x>", "span.mention.mine(@platform-oncall) span.mention(@sec)"},
		{"<!here> <!channel|c> <!everyone>", "span.mention.mine(@here) span.mention.mine(@channel) span.mention.mine(@everyone)"},
		{"*<!here>* `<!here>`", "strong(span.mention.mine(@here)) code(span.mention.mine(@here))"},
		{"<!unknown> <!unknown|u> <b>", "<!unknown> span(<u>) <b>"},
		{"<https://a.example/?x=1&amp;y=2|l &lt;> <https://a.example>", "a[https://a.example/?x=1&y=2](l <) a[https://a.example](https://a.example)"},
		{"<mailto:a@b.example|mail> <javascript:alert(1)|x>", "a[mailto:a@b.example](mail) <javascript:alert(1)|x>"},
		{"<!date^1392734382^{date_num} {date} {date_short} {date_long}|f>", "time(2014-02-18 February 18th, 2014 Feb 18, 2014 Tuesday, February 18th, 2014)"},
		{"<!date^1392734382^at {time} {time_secs} {nope}^https://a.example/|f>", "a[https://a.example/](time(at CLOCK SECONDS {nope}))"},
		{"<!date^x^{date}|the 1st>", "time(the 1st)"},
		{":lock: :nope: 12:30:45 `:lock:`", "span.emoji(🔒) :nope: 12:30:45 code(:lock:)"},
		{"VERBATIM https://a.example @here #atlas-dev", "https://a.example @here #atlas-dev"},
		{"https://a.example/x_y?q=(1). www.b.example!", "a[https://a.example/x_y?q=(1](https://a.example/x_y?q=(1)). a[http://www.b.example](www.b.example)!"},
		{"a.example b.dev/x?y=1&amp;z, (c.com). me@d.com 0.0.0.0/0 v1.2 a.exe HTTPS://E.COM", "a[http://a.example](a.example) a[http://b.dev/x?y=1&z](b.dev/x?y=1&z), (a[http://c.com](c.com)). me@d.com 0.0.0.0/0 v1.2 a.exe a[HTTPS://E.COM](HTTPS://E.COM)"},
		{"@here @channels #atlas-dev #nope a@everyone", "span.mention.mine(@here) @channels a.mention(#atlas-dev) #nope a@everyone"},
	}
	messages := make([]any, len(rows))
	for i, r := range rows {
		text, verbatim := strings.CutPrefix(r.in, "VERBATIM ")
		messages[i] = pageMessage(fmt.Sprintf("1763800000.%06d", i), "", pageSection(obj{"type": "mrkdwn", "text": text, "verbatim": verbatim}))
	}
	b := openTab(t, ctx, newPageFixture(t, pageState(messages...)).url, seat("U0ALICE", "C0PROD"))
	b.until(fmt.Sprintf(`document.querySelectorAll('.message').length === %d`, len(rows)))
	clock := evaluate[string](b, `new Date(1392734382000).toLocaleTimeString('en-US', {hour: 'numeric', minute: '2-digit'}).replace(/\s/g, ' ')`)
	seconds := evaluate[string](b, `new Date(1392734382000).toLocaleTimeString('en-US').replace(/\s/g, ' ')`)
	got := evaluate[[]string](b, brief+`[...document.querySelectorAll('.message .section .text')].map(brief)`)
	for i, r := range rows {
		if want := strings.NewReplacer("CLOCK", clock, "SECONDS", seconds).Replace(r.want); got[i] != want {
			t.Errorf("%q is shown as\n  %q, want\n  %q", r.in, got[i], want)
		}
	}
}

func pageSection(text obj) string {
	return asJSON(obj{"type": "section", "block_id": "s", "text": text})
}

func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func pageBlocks(t *testing.T, ctx context.Context) {
	rows := []struct{ in, want string }{
		{`{"type":"header","text":{"type":"plain_text","text":"*H* <b> :tada:","emoji":true}}`, "h3.block.header(*H* <b> 🎉)"},
		{`{"type":"header","text":{"type":"plain_text","text":":tada: &lt;"}}`, "h3.block.header(:tada: &lt;)"},
		{`{"type":"divider"}`, "hr.block.divider()"},
		{`{"type":"section","fields":[{"type":"mrkdwn","text":"*A*"},{"type":"plain_text","text":"*B*\nx"}]}`,
			"div.block.section(div.main(div.fields(div.field(strong(A))div.field(*B*⏎x))))"},
		{`{"type":"section","text":{"type":"plain_text","text":"t"},"accessory":{"type":"button","action_id":"a","text":{"type":"plain_text","text":"Go"}}}`,
			"div.block.section(div.main(div.text(t))div.accessory(button.button.plain(span.face(Go))))"},
		{`{"type":"context","elements":[{"type":"mrkdwn","text":"_i_"},{"type":"image","image_url":"https://a.example/x.png","alt_text":"ALT"}]}`,
			"div.block.context(span(em(i))span.thumb(svg))"},
		{`{"type":"actions","elements":[{"type":"button","style":"danger","text":{"type":"plain_text","text":"D"}},{"type":"button","style":"primary","url":"https://a.example/","text":{"type":"plain_text","text":"L"}},{"type":"nonsense"}]}`,
			"div.block.actions(button.button.danger(span.face(D))a.button.primary[https://a.example/](span.face(L))span.unshown(An element of the type nonsense is not shown here.))"},
		{`{"type":"image","title":{"type":"plain_text","text":"T"},"image_url":"https://a.example/x.png","alt_text":"ALT"}`,
			"figure.block.image(figcaption(T)div.picture(svgspan(ALT)))"},
		{`{"type":"nonsense"}`, "div.unshown.block.unknown(A block of the type nonsense is not shown here.)"},
		{`{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"*a* <b>\n"},{"type":"text","text":"all","style":{"bold":true,"italic":true,"strike":true,"code":true}},
			{"type":"link","url":"javascript:alert(1)","text":"l"},{"type":"link","url":"https://a.example"},{"type":"emoji","name":"lock","unicode":"1f512"},{"type":"emoji","name":"nope"},
			{"type":"user","user_id":"U0BOB"},{"type":"usergroup","usergroup_id":"S0SEC"},{"type":"channel","channel_id":"C0DEV"},{"type":"broadcast","range":"here"},{"type":"color","value":"#ff0000"}]}]}`,
			"div.block.rich_text(div(*a* <b>⏎code(s(em(strong(all))))a[](l)a[https://a.example](https://a.example)span.emoji(🔒)span.emoji(:nope:)" +
				"span.mention(@Bob Example)span.mention(@sec)a.mention(#atlas-dev)span.mention.mine(@here)code(#ff0000)))"},
		{`{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","indent":1,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]}]},
			{"type":"rich_text_quote","elements":[{"type":"text","text":"q"}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a\nb"}]}]}`,
			"div.block.rich_text(ol(li(one))blockquote(q)pre(a⏎b))"},
	}
	messages := make([]any, len(rows))
	for i, r := range rows {
		messages[i] = pageMessage(fmt.Sprintf("1763800000.%06d", i), "the fallback is not shown", r.in)
	}
	b := openTab(t, ctx, newPageFixture(t, pageState(messages...)).url, seat("U0ALICE", "C0PROD"))
	b.until(fmt.Sprintf(`document.querySelectorAll('.message').length === %d`, len(rows)))
	got := evaluate[[]string](b, brief+`document.querySelectorAll('svg').forEach((s) => s.replaceWith('svg')); [...document.querySelectorAll('.message .body')].map(brief)`)
	for i, r := range rows {
		if got[i] != r.want {
			t.Errorf("%s is shown as\n  %s, want\n  %s", r.in, got[i], r.want)
		}
	}
	if got := evaluate[[]string](b, `[...document.querySelectorAll('.thumb, .picture')].map((e) => e.getAttribute('aria-label'))`); !reflect.DeepEqual(got, []string{"ALT", "ALT"}) {
		t.Errorf("the images' alternative texts are %q", got)
	}
}

// everyElement is a message with one element of each kind.
const everyElement = `{"type":"actions","block_id":"B","elements":[
 {"type":"button","action_id":"go","value":"v1","text":{"type":"plain_text","text":"Go"}},
 {"type":"button","action_id":"sure","value":"v2","style":"danger","text":{"type":"plain_text","text":"Revert"},"confirm":{"title":{"type":"plain_text","text":"Revert *this*?"},
  "text":{"type":"mrkdwn","text":"It *goes* to <@U0BOB>"},"confirm":{"type":"plain_text","text":"Yes"},"deny":{"type":"plain_text","text":"No"},"style":"danger"}},
 {"type":"overflow","action_id":"more","options":[{"text":{"type":"plain_text","text":"One"},"value":"1"},{"text":{"type":"plain_text","text":"Two"},"value":"2"}]},
 {"type":"static_select","action_id":"pick","placeholder":{"type":"plain_text","text":"Choose"},"option_groups":[{"label":{"type":"plain_text","text":"G"},"options":[{"text":{"type":"plain_text","text":"A"},"value":"a"},{"text":{"type":"plain_text","text":"B"},"value":"b"}]}]},
 {"type":"datepicker","action_id":"day","initial_date":"2026-01-02"},
 {"type":"checkboxes","action_id":"ticks","options":[{"text":{"type":"mrkdwn","text":"*C*"},"value":"c"},{"text":{"type":"plain_text","text":"D"},"value":"d"}]},
 {"type":"radio_buttons","action_id":"radio","options":[{"text":{"type":"plain_text","text":"E"},"value":"e"},{"text":{"type":"plain_text","text":"F"},"value":"f"}]},
 {"type":"users_select","action_id":"who"},
 {"type":"timepicker","action_id":"asked","initial_time":"10:00","confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"plain_text","text":"t"},"confirm":{"type":"plain_text","text":"Y"},"deny":{"type":"plain_text","text":"N"}}}]}`

func pageActs(t *testing.T, ctx context.Context) {
	f := newPageFixture(t, pageState(pageMessage("1763800000.000100", "", everyElement)))
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	option := func(text, value string) obj {
		return obj{"text": obj{"type": "plain_text", "text": text}, "value": value}
	}
	choose := func(selector, value string) func() {
		return func() { b.do(chromedp.SetValue(chromedp.CSS(selector), value)) }
	}
	for _, r := range []struct {
		action string
		do     func()
		want   obj
	}{
		{"go", func() { b.click("[data-action=go]") }, obj{"value": "v1"}},
		{"sure", func() {
			b.click("[data-action=sure]")
			b.sees("dialog h2", "Revert *this*?")
			b.sees("dialog .inside", "It goes to @Bob Example")
			b.click("[data-confirm=no]")
			b.lacks("dialog")
			b.click("[data-action=sure]")
			b.click("[data-confirm=yes]")
		}, obj{"value": "v2"}},
		{"more", func() {
			b.click("[data-action=more]")
			b.click(".menu .item:nth-child(2)")
		}, obj{"selected_option": option("Two", "2")}},
		{"pick", choose("[data-action=pick]", "1"), obj{"selected_option": option("B", "b")}},
		{"day", choose("[data-action=day]", "2026-03-04"), obj{"chosen": obj{"selected_date": "2026-03-04"}}},
		{"ticks", func() { b.click("[data-action=ticks] label:nth-child(2) input") }, obj{"chosen": obj{"selected_options": []any{option("D", "d")}}}},
		{"radio", func() { b.click("[data-action=radio] label:nth-child(2) input") }, obj{"selected_option": option("F", "f")}},
		{"asked", func() {
			choose("[data-action=asked]", "11:00")()
			b.click("[data-confirm=no]")
			b.until(`document.querySelector('[data-action=asked]').value === '10:00'`)
			choose("[data-action=asked]", "12:00")()
			b.click("[data-confirm=yes]")
		}, obj{"chosen": obj{"selected_time": "12:00"}}},
		{"who", choose("[data-action=who]", "1"), obj{"chosen": obj{"selected_user": "U0BOB"}}},
	} {
		r.do()
		b.until(`!document.querySelector('[aria-busy=true]')`)
		f.until(t, "click", func(got obj) bool { return got["action_id"] == r.action })
		want := obj{"user": "U0ALICE", "channel": "C0PROD", "ts": "1763800000.000100", "block_id": "B", "action_id": r.action}
		for k, v := range r.want {
			want[k] = v
		}
		if got := f.last("click"); !sameJSON(got, want) {
			t.Errorf("%s posted %v, want %v", r.action, got, want)
		}
	}
	if n := f.count("click"); n != 9 {
		t.Errorf("%d clicks were posted; two were cancelled", n)
	}
}

func sameJSON(a, b obj) bool { return asJSON(a) == asJSON(b) }

// A click turns until the server says how it went; then what Slack says of it is there.
func pageWarns(t *testing.T, ctx context.Context) {
	msg := pageMessage("1763800000.000100", "", everyElement)
	f := newPageFixture(t, pageState(msg))
	hold := f.hold("click")
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.click("[data-action=go]")
	b.until(`document.querySelector('[data-action=go][aria-busy=true]')`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.first = document.querySelector('[data-action=go]')`))
	msg["edits"] = 1 // the message is drawn anew while the click is under way
	f.change("channels", pageState(msg)["channels"])
	b.until(`document.querySelector('[data-action=go]') !== window.first`)
	if !evaluate[bool](b, `document.querySelector('[data-action=go]').matches('[aria-busy=true]')`) {
		t.Error("drawn anew, the button no longer shows that the click is under way")
	}
	msg["warning"] = "Gatewarden did not answer in time."
	f.change("channels", pageState(msg)["channels"])
	close(hold)
	b.sees(".warned", "Gatewarden did not answer in time.")
	b.until(`!document.querySelector('[aria-busy=true]')`)

	f.answer("click", `{"error":"Slack could not find the message."}`)
	b.click("[data-action=go]")
	b.sees("#toast", "Slack could not find the message.")
	b.until(`!document.querySelector('[aria-busy=true]')`)
}

// modalFields is a modal with an input of each kind.
const modalFields = `[
 {"type":"section","block_id":"S","text":{"type":"mrkdwn","text":"*Keep* it"},"accessory":{"type":"button","action_id":"inner","text":{"type":"plain_text","text":"Inner"}}},
 {"type":"input","block_id":"R","label":{"type":"plain_text","text":"Reason"},"hint":{"type":"plain_text","text":"Shown to all"},"element":{"type":"plain_text_input","action_id":"reason","multiline":true,"min_length":3,"max_length":100}},
 {"type":"input","block_id":"N","label":{"type":"plain_text","text":"Hours"},"element":{"type":"number_input","action_id":"hours","is_decimal_allowed":false,"min_value":"1","max_value":"24"}},
 {"type":"input","block_id":"O","label":{"type":"plain_text","text":"From a list"},"element":{"type":"static_select","action_id":"pick","options":[{"text":{"type":"plain_text","text":"A"},"value":"a"}],"initial_option":{"text":{"type":"plain_text","text":"A"},"value":"a"}}},
 {"type":"input","block_id":"D","optional":true,"label":{"type":"plain_text","text":"Until"},"element":{"type":"datepicker","action_id":"day"}}]`

func pageView(id, blocks string) obj {
	return obj{"id": id, "type": "modal", "title": "Keep for …", "submit": "Keep it", "close": "Never mind", "blocks": json.RawMessage(blocks), "errors": obj{}}
}

func pageModal(t *testing.T, ctx context.Context) {
	f := newPageFixture(t, pageState())
	f.change("views", []any{pageView("V1", modalFields)})
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.sees("dialog h2", "Keep for …")
	b.fill("[data-action=reason]", "because")
	b.fill("[data-action=hours]", "5")
	f.answer("submit", `{"errors":{"R":"Say it better."}}`)
	b.click("dialog [type=submit]")
	b.sees("[data-block=R] .error", "Say it better.")
	if got := evaluate[[]string](b, `['reason', 'hours'].map((a) => document.querySelector('[data-action=' + a + ']').value)`); !reflect.DeepEqual(got, []string{"because", "5"}) {
		t.Errorf("after an error the fields hold %q", got)
	}
	b.fill("[data-action=reason]", "!")
	f.change("views", []any{pageView("V1", strings.Replace(modalFields, "*Keep* it", "updated", 1))}) // views.update
	b.sees("dialog .section", "updated")
	if got := evaluate[string](b, `document.activeElement.dataset.action ?? document.activeElement.tagName`); got != "reason" {
		t.Errorf("after an update %s has the focus", got)
	}
	b.click("dialog [data-action=inner]")
	f.until(t, "click", func(got obj) bool { return got["view_id"] == "V1" && got["action_id"] == "inner" })
	b.click("dialog [type=submit]")
	f.until(t, "submit", func(got obj) bool { return strings.Contains(asJSON(got), "because!") })
	want := `{"user":"U0ALICE","view_id":"V1","values":{"R":{"reason":{"type":"plain_text_input","value":"because!"}},"N":{"hours":{"type":"number_input","value":"5"}},` +
		`"O":{"pick":{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"A"},"value":"a"}}},"D":{"day":{"type":"datepicker","selected_date":""}}}}`
	if got := f.last("submit"); !sameJSON(got, parsed(t, want)) {
		t.Errorf("submitted %s, want %s", asJSON(got), want)
	}
	b.until(`!document.querySelector('[aria-busy=true]')`)
	f.answer("submit", `{"error":"We had some trouble connecting. Try again?"}`)
	b.click("dialog [type=submit]")
	b.sees(".trouble", "We had some trouble connecting.")
	f.change("views", []any{pageView("V1", modalFields), pageView("V2", `[{"type":"section","text":{"type":"plain_text","text":"loading"}}]`)})
	b.sees("dialog .section", "loading")
	b.do(chromedp.KeyEvent("\x1b"))
	f.until(t, "close", func(got obj) bool { return got["view_id"] == "V2" })
	f.change("views", []any{})
	b.lacks("dialog")
}

// What is missing or out of range is told before the app is asked.
func pageLacks(t *testing.T, ctx context.Context) {
	f := newPageFixture(t, pageState())
	f.change("views", []any{pageView("V1", modalFields)})
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.click("dialog [type=submit]")
	b.sees("[data-block=R] .error", "Please complete this required field.")
	b.sees("[data-block=N] .error", "Please complete this required field.")
	b.fill("[data-action=reason]", "x")
	b.fill("[data-action=hours]", "25")
	b.click("dialog [type=submit]")
	b.sees("[data-block=R] .error", "at least 3 characters")
	b.sees("[data-block=N] .error", "at most 24")
	if n := f.count("submit"); n != 0 {
		t.Errorf("the app was asked %d times", n)
	}
	b.click("dialog .foot .plain")
	f.until(t, "close", func(got obj) bool { return got["view_id"] == "V1" })
}

// No text becomes an element, whatever it holds and wherever it stands.
func pageHostile(t *testing.T, ctx context.Context) {
	const evil = `<img src=x onerror=alert(1)>"'><script>alert(1)</script>` + "\u202e${alert(1)}"
	blocks := strings.ReplaceAll(`[{"type":"header","block_id":"EVIL","text":{"type":"plain_text","text":"EVIL"}},{"type":"section","text":{"type":"mrkdwn","text":"EVIL"}},
	 {"type":"EVIL"},{"type":"context","elements":[{"type":"EVIL"},{"type":"image","alt_text":"EVIL","image_url":"EVIL"}]},{"type":"image","alt_text":"EVIL","title":{"type":"plain_text","text":"EVIL"}},
	 {"type":"actions","elements":[{"type":"button","action_id":"EVIL","url":"javascript:alert(1)","text":{"type":"plain_text","text":"EVIL"}},{"type":"EVIL"},
	 {"type":"static_select","placeholder":{"type":"plain_text","text":"EVIL"},"options":[{"value":"EVIL","text":{"type":"plain_text","text":"EVIL"}}]}]},
	 {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"EVIL"},{"type":"link","url":"javascript:alert(1)","text":"EVIL"},{"type":"emoji","name":"EVIL","unicode":"EVIL"},{"type":"user","user_id":"EVIL"}]}]},
	 {"type":"input","block_id":"I","label":{"type":"plain_text","text":"EVIL"},"hint":{"type":"plain_text","text":"EVIL"},"element":{"type":"plain_text_input","action_id":"a","initial_value":"EVIL"}}]`, `"EVIL"`, asJSON(evil))
	bad := pageMessage("1763800000.000100", evil)
	bad["blocks"], bad["warning"], bad["user"] = json.RawMessage(blocks), evil, obj{"id": evil, "name": evil, "real_name": evil}
	state := pageState(bad, pageMessage("1763800000.000200", evil))
	state["channels"].([]any)[1].(obj)["name"] = evil
	state["users"] = append(state["users"].([]any), obj{"id": evil, "name": evil})
	state["team"], state["home"] = obj{"name": evil}, obj{"blocks": json.RawMessage(blocks)}
	v := pageView("V1", blocks)
	v["title"], v["submit"], v["errors"] = evil, evil, obj{"I": evil}
	f := newPageFixture(t, state)
	b := openTab(t, ctx, f.url, seat("U0ALICE", "C0PROD"))
	b.sees(".message .header", evil)
	f.change("views", []any{v})
	b.sees("dialog h2", evil)
	if got := evaluate[[]string](b, `[...document.querySelectorAll('img, iframe, object, script:not([src="page/app.js"]), [onerror], a[href^="javascript" i]')].map((e) => e.outerHTML)`); len(got) > 0 {
		t.Errorf("the page has elements that the data brought: %q", got)
	}
	if got := evaluate[string](b, `(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (e) { return e.name; } })()`); got != "TypeError" {
		t.Errorf("markup from text was %s; the policy refuses it", got)
	}
	b.forget() // that was told to the log too
}

// parsed reads what a test expects.
func parsed(t *testing.T, s string) obj {
	t.Helper()
	var o obj
	if err := json.Unmarshal([]byte(s), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestPageParts(t *testing.T) {
	for _, r := range []struct {
		method, path, kind string
		status             int
	}{
		{"GET", "/", "text/html", 200}, {"HEAD", "/?user=U0ALICE", "text/html", 200}, {"GET", "/page/app.js", "javascript", 200}, {"GET", "/page/style.css", "text/css", 200},
		{"GET", "/page/icon.svg", "image/svg+xml", 200}, {"GET", "/page", "", 404}, {"GET", "/page/", "", 404}, {"GET", "/page/../page.go", "", 404},
		{"GET", "/nothing", "", 404}, {"POST", "/", "", 405},
	} {
		w := httptest.NewRecorder()
		servePage(w, httptest.NewRequest(r.method, r.path, http.NoBody))
		if w.Code != r.status || (r.status == 200 && !strings.Contains(w.Header().Get("Content-Type"), r.kind)) {
			t.Errorf("%s %s: %d %s, want %d %s", r.method, r.path, w.Code, w.Header().Get("Content-Type"), r.status, r.kind)
		}
		if csp := w.Header().Get("Content-Security-Policy"); r.status == 200 && !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s %s: the policy is %q", r.method, r.path, csp)
		}
	}
}
