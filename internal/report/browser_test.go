package report

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/browsertest"
)

// tab shows a page in a tab of its own, and keeps what went wrong in it.
type tab struct {
	ctx      context.Context
	mu       sync.Mutex
	problems []string
}

func (b *tab) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

func (b *tab) wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problems
}

func (b *tab) listen(url string) func(any) {
	return func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			b.note("exception: %v", ev.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			b.note("console: %v", ev.Type)
		case *log.EventEntryAdded:
			b.note("log: %s", ev.Entry.Text)
		case *network.EventRequestWillBeSent:
			if ev.Request.URL != url && ev.Request.URL != "data:," {
				b.note("request: %s", ev.Request.URL)
			}
		}
	}
}

func open(t *testing.T, parent context.Context, html string) *tab {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, html)
	}))
	t.Cleanup(server.Close)
	b := &tab{}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithListener(b.listen(server.URL+"/")))
	t.Cleanup(cancel)
	b.ctx = ctx
	call(t, b, network.Enable, network.EnableParams{})
	call(t, b, log.Enable, struct{}{})
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
		t.Fatal(err)
	}
	return b
}

func call[P, R any](t *testing.T, b *tab, command cdp.Command[P, R], p P) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, command, p); err != nil {
		t.Fatalf("%s: %v", command.Method, err)
	}
}

func eval[T any](t *testing.T, b *tab, script string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

func width(t *testing.T, b *tab, w int64) {
	t.Helper()
	call(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: w, Height: 900, DeviceScaleFactor: 1})
}

func scheme(t *testing.T, b *tab, media, name string) {
	t.Helper()
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// faint lists texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
const faint = `(() => {
  document.querySelectorAll('details').forEach(d => d.open = true);
  const rgb = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((rgb(c)[3] ?? 1) === 1) return c; } return 'rgb(255,255,255)'; };
  const bad = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || ['SCRIPT', 'STYLE', 'OPTION'].includes(e.tagName) || !e.getClientRects().length) continue;
    seen++;
    const s = getComputedStyle(e), a = light(e instanceof SVGElement ? s.fill : s.color), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.add(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
  }
  return seen > 50 ? [...bad] : ['only ' + seen + ' texts were seen'];
})()`

func TestPage(t *testing.T) {
	ctx := browsertest.Start(t)
	for name, r := range map[string]Report{"none": {}, "5": sample(5, false), "500": sample(500, false), "odd": poisoned("<img src=/x onerror=alert(1)>"), "compared": full()} {
		b := open(t, ctx, written(t, "html", r, Options{Framework: "pci4"}))
		for _, id := range []string{"headline", "where", "exposure", "privilege", "findings", "unknown", "waived", "not-covered", "controls"} {
			if !eval[bool](t, b, `(e => !!e && e.matches('section[aria-labelledby]') && !!document.getElementById(e.getAttribute('aria-labelledby')) && e.getClientRects().length > 0)(document.getElementById('`+id+`'))`) {
				t.Errorf("%s: the section %s is missing", name, id)
			}
		}
		if n := eval[int](t, b, `document.querySelectorAll('.finding').length`); n != r.Totals().Standing {
			t.Errorf("%s: %d findings are shown, %d stand", name, n, r.Totals().Standing)
		}
		if n := eval[int](t, b, `(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))`); n != 0 {
			t.Errorf("%s: %d ids are there twice", name, n)
		}
		if n := eval[int](t, b, `[...document.querySelectorAll('a[href^="#"]')].filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1)))).length`); n != 0 {
			t.Errorf("%s: %d links lead nowhere", name, n)
		}
		for _, w := range []int64{340, 1280} {
			width(t, b, w)
			if over := eval[int](t, b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s: %d points stand out at a width of %d", name, over, w)
			}
			if over := eval[int](t, b, `Math.max(0, ...[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth))`); w == 1280 && over > 0 {
				t.Errorf("%s: a table is scrolled by %d points though there is room", name, over)
			}
		}
		if p := b.wrong(); len(p) > 0 {
			t.Errorf("%s: %s", name, strings.Join(p, "\n"))
		}
	}
}

// brokenWords lists the words of the tiles that are broken over two lines.
const brokenWords = `(() => {
  const bad = [];
  for (const e of document.querySelectorAll('.tile span')) {
    for (const m of e.firstChild.data.matchAll(/\S+/g)) {
      const r = document.createRange();
      r.setStart(e.firstChild, m.index);
      r.setEnd(e.firstChild, m.index + m[0].length);
      if (r.getClientRects().length > 1 || r.getBoundingClientRect().right > e.closest('a').getBoundingClientRect().right) bad.push(m[0]);
    }
  }
  return bad;
})()`

func TestPageTiles(t *testing.T) {
	ctx := browsertest.Start(t)
	all := full().Keep(Filter{Gates: []Gate{GateNetwork}}) // then there are as many tiles as there can be
	all.Scopes = append(all.Scopes, Scope{Scope: access.ProjectScope("unread")})
	for name, r := range map[string]Report{"all": all, "compared": full(), "plain": sample(60, false)} {
		b := open(t, ctx, written(t, "html", r, Options{}))
		for _, w := range []int64{340, 900, 1280, 1600} {
			width(t, b, w)
			if bad := eval[[]string](t, b, brokenWords); len(bad) > 0 {
				t.Errorf("%s: broken at a width of %d: %s", name, w, strings.Join(bad, ", "))
			}
		}
	}
}

func TestPageIsReadable(t *testing.T) {
	b := open(t, browsertest.Start(t), written(t, "html", full(), Options{}))
	width(t, b, 1280)
	for _, c := range [][2]string{{"", "light"}, {"", "dark"}, {"print", "dark"}} {
		scheme(t, b, c[0], c[1])
		if bad := eval[[]string](t, b, faint); len(bad) > 0 {
			t.Errorf("%s %s: too faint: %s", c[0], c[1], strings.Join(bad, ", "))
		}
	}
	scheme(t, b, "", "light")
	before := eval[string](t, b, `getComputedStyle(document.body).backgroundColor`)
	if after := eval[string](t, b, `(document.getElementById('theme').click(), getComputedStyle(document.body).backgroundColor)`); after == before {
		t.Error("the button for the theme changes nothing")
	}
}

func TestPageFilter(t *testing.T) {
	r := full()
	b := open(t, browsertest.Start(t), written(t, "html", r, Options{}))
	shown := func(set string) int {
		return eval[int](t, b, `(() => { `+set+`; document.getElementById('filter').dispatchEvent(new Event('input'));
		  return [...document.querySelectorAll('details.rule:not([hidden]) .finding:not([hidden])')].length })()`)
	}
	want := map[string]int{}
	for _, f := range r.Findings {
		if f.Stands() {
			want["all"]++
			want[string(f.Severity)]++
			if f.Severity == "high" && f.Gate == GateDatabase {
				want["both"]++
			}
			if f.New || f.MayBeNew {
				want["new"]++
			}
		}
	}
	for _, c := range []struct {
		name, set string
		want      int
	}{
		{"none", ``, want["all"]},
		{"severity", `document.getElementById('f-severity').value = 'high'`, want["high"]},
		{"and gate", `document.getElementById('f-gate').value = 'database'`, want["both"]},
		{"and a text that nothing has", `document.getElementById('f-text').value = 'no such thing'`, 0},
		{"only new", `document.getElementById('filter').reset(); document.getElementById('f-new').checked = true`, want["new"]},
		{"none again", `document.getElementById('filter').reset()`, want["all"]},
	} {
		if got := shown(c.set); got != c.want || c.want == 0 && c.name != "and a text that nothing has" {
			t.Errorf("%s: %d findings, want %d", c.name, got, c.want)
		}
	}
	if p := b.wrong(); len(p) > 0 {
		t.Error(strings.Join(p, "\n"))
	}
}

// TestPageWithoutScripts also proves that the other tests can see what is wrong.
func TestPageWithoutScripts(t *testing.T) {
	ctx := browsertest.Start(t)
	b := open(t, ctx, strings.Replace(written(t, "html", sample(5, false), Options{}), "<script>", "<script>alert(1);", 1))
	if len(b.wrong()) == 0 {
		t.Error("a script that the page's policy does not allow went by unseen")
	}
	if !eval[bool](t, b, `document.getElementById('filter').hidden && document.getElementById('theme').hidden && document.querySelector('.finding').getClientRects().length > 0`) {
		t.Error("without scripts the page shows what needs them, or not its findings")
	}
	b = open(t, ctx, strings.Replace(written(t, "html", sample(5, false), Options{}), "<main", `<img src="/x"><main`, 1))
	if len(b.wrong()) == 0 {
		t.Error("a request that the page's policy does not allow went by unseen")
	}
}
