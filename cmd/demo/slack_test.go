package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/browsertest"
)

// TestSlackOnce: the story clicks by itself, and every step holds.
func TestSlackOnce(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-slack-fake", "-once", "-json"}, strings.NewReader(""), &out, &errs); code != exitOK {
		t.Errorf("exit code %d; stderr: %s", code, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, st := range slackSteps() {
		var r result
		if err := json.Unmarshal([]byte(lines[min(i, len(lines)-1)]), &r); err != nil || r.Step != st.name || !r.OK || r.Seen == "" {
			t.Errorf("step %s: %s, %v", st.name, lines[min(i, len(lines)-1)], err)
		}
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, `"ok":true`) || !strings.Contains(last, "no other") {
		t.Errorf("the end is %s", last)
	}
}

// TestSlackPatient: without -once the story waits for its reader, and an interrupt is its end.
func TestSlackPatient(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var errs bytes.Buffer
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"-slack-fake"}, strings.NewReader(""), w, &errs)
		_ = w.Close() // the reader below sees the end
		done <- code
	}()
	var seen bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		seen.Write(buf[:n])
		if strings.Contains(seen.String(), "click Revert now as Gustav") {
			stop()
		}
		if err != nil {
			break
		}
	}
	stop()
	if code := <-done; code != exitOK || errs.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
	for _, want := range []string{"?user=U0ALICE&channel=C0PROD", "?user=U0BOB&channel=C0PROD", "?user=U0GUEST&channel=C0PROD"} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("the output lacks %s:\n%s", want, seen.String())
		}
	}
}

// stage is a story that is not played: simulator, Slack and daemon, for a test to act on.
func stage(t *testing.T) *act {
	t.Helper()
	o := options{once: true, slackFake: true, listen: "127.0.0.1:0", seed: 1}
	s := &story{once: true, screen: newScreen(io.Discard, time.Now()), facts: newFacts(func(fact) {})}
	var err error
	if s.set, err = newSet(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel()
		if err := s.set.end(nil); err != nil {
			t.Error(err)
		}
	})
	s.opening = s.set.atlas.Snapshot()
	if err := s.set.start(ctx, o, s.facts.observe); err != nil {
		t.Fatal(err)
	}
	if err := s.firstSight(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.heard(ctx); err != nil {
		t.Fatal(err)
	}
	return &act{story: s, ctx: ctx, mark: s.facts.count(), before: s.set.atlas.Snapshot()}
}

// holds fails the test with what the act noted to be wrong.
func (a *act) holds(t *testing.T) {
	t.Helper()
	if len(a.wrong) > 0 {
		t.Fatalf("wrong: %q", a.wrong)
	}
}

// TestSlackPage: in the page of the Slack fake a person sees the card, clicks "Revert now",
// confirms, and sees it turn; the entry is gone from the simulated Atlas. With -images=DIR
// the pictures of the README are made on the way.
func TestSlackPage(t *testing.T) {
	a := stage(t)
	browser := browsertest.Start(t, "hide-scrollbars")
	base := a.set.slack.URL()
	f, _ := a.opens(rajesh(), "temporary, from the café")
	a.holds(t)
	bob := openTab(t, browser, seat(base, deskBob, slackRoom))
	bob.sees(".message", "0.0.0.0/0")
	bob.sees(".message [data-action='gw.revert']", "Revert now")
	bob.picture("slack-card.png", ".message")

	bob.click("[data-action='gw.revert']")
	bob.sees("dialog", "delete access list entry 0.0.0.0/0")
	if !a.has(prod, world) {
		t.Error("the entry is gone before anybody confirmed")
	}
	bob.click("[data-confirm=yes]")
	bob.sees(".message", "Put right and verified")
	bob.lacks(".message [data-action='gw.revert']")
	if a.has(prod, world) {
		t.Error("the card says that it is put right, and the entry is there")
	}
	if x := a.state(f); x.State != access.ActionVerified || len(x.Votes) != 1 || x.Votes[0].By != "bob" {
		t.Errorf("the action is %s, with the votes %+v", x.State, x.Votes)
	}
	bob.sees(".message", "Over (critical)")
	bob.sees(".replies", "repl")
	bob.picture("slack-reverted.png", ".message")

	a.does(rajesh(), "opens dev", a.opener(dev, "load test from the office"))
	a.card(dev, buttonKeep)
	a.opens(legacyKey(a.story.opening.Orgs[0].APIKeys[0].PublicKey), "nightly build")
	a.holds(t)
	bob.click("[data-action='gw.keep']")
	bob.sees("dialog h2", "Keep for")
	bob.picture("slack-keep.png", "")
	bob.click("dialog .icon")
	bob.lacks("dialog")

	alice := openTab(t, browser, seat(base, deskAlice, "home"))
	alice.sees(".home", "Waits for you: 2 decisions")
	alice.picture("slack-home.png", "")
}

// picture makes a picture of the README of what a CSS selector finds first, or of the whole
// page, where one is asked for.
func (b *tab) picture(name, selector string) {
	b.t.Helper()
	if *images == "" {
		return
	}
	shot := chromedp.CaptureScreenshot()
	if selector != "" {
		shot = chromedp.Screenshot(chromedp.CSS(selector), chromedp.NodeVisible)
		b.size(1040, 1200) // the card whole, and not much beside it
		defer b.size(1280, 800)
	}
	b.leave()
	b.until(`document.fonts.status === 'loaded' && (document.activeElement.blur(), true)`)
	raw, err := chromedp.Run(b.ctx, shot)
	if err != nil {
		b.t.Fatalf("picture %s: %v", name, err)
	}
	if len(raw) > 150<<10 {
		b.t.Errorf("picture %s has %d kB: 150 are enough", name, len(raw)>>10)
	}
	if err := os.WriteFile(filepath.Join(*images, name), raw, 0o644); err != nil {
		b.t.Fatal(fmt.Errorf("keep the picture: %w", err))
	}
}
