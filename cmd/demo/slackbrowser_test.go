package main

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

var images = flag.String("images", "", "make the pictures of the README in this `folder`")

// tab is a page in a tab of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// pagePatience is how long a page may take on a machine that is busy.
const pagePatience = time.Minute

func openTab(t *testing.T, parent context.Context, address string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	b := &tab{t, ctx}
	b.size(1280, 800)
	b.do(chromedp.Navigate(address))
	return b
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	size := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}
	if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, size); err != nil {
		b.t.Fatal(err)
	}
}

// leave takes the mouse off what it points at.
func (b *tab) leave() {
	b.t.Helper()
	away := input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: 2, Y: 2}
	if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, away); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v; the page shows:\n%s", err, b.shows())
	}
}

// click clicks what a CSS selector finds, once it is there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (b *tab) until(script string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("Boolean("+script+")", chromedp.WithPollingTimeout(pagePatience))); err != nil {
		b.t.Fatalf("until %s: %v; the page shows:\n%s", script, err, b.shows())
	}
}

// sees waits until the text of what a CSS selector finds has this in it.
func (b *tab) sees(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.getClientRects().length > 0 && e.innerText.includes(%q))`, selector, text))
}

// lacks waits until a CSS selector finds nothing that can be seen.
func (b *tab) lacks(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`[...document.querySelectorAll(%q)].every((e) => e.getClientRects().length === 0)`, selector))
}

func (b *tab) shows() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}
