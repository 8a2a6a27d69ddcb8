package slackfake_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
)

// TestRates: each method has its rate; who waits as long as told is served.
func TestRates(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		prod, dev := posts(w, "C0PROD", slack.MsgOptionText("x", true)), posts(w, "C0DEV", slack.MsgOptionText("x", true))
		ts := w.post("U0BOB", slack.MsgOptionText("x", true))
		for name, c := range map[string]struct {
			call  func() error
			burst int
			wait  time.Duration
		}{
			"posting to a channel":   {prod, 3, time.Second},
			"posting to another":     {dev, 3, time.Second},
			"editing":                {edits(w, "D0BOB", ts, slack.MsgOptionText("y", true)), 50, 2 * time.Second},
			"asking who is in group": {func() error { _, err := w.api.GetUserGroupMembersContext(w.ctx, "S0ONCALL"); return err }, 20, 3 * time.Second},
			"asking for a user":      {func() error { _, err := w.api.GetUserInfoContext(w.ctx, "U0BOB"); return err }, 100, time.Second},
			"opening sockets":        {func() error { _, _, err := w.api.StartSocketModeContext(w.ctx); return err }, 10, time.Minute},
		} {
			for i := range c.burst {
				if err := c.call(); err != nil {
					t.Errorf("%s: call %d: %v", name, i+1, err)
				}
			}
			var e *slack.RateLimitedError
			if err := c.call(); !errors.As(err, &e) || e.RetryAfter != c.wait {
				t.Errorf("%s: one too many: %v, want to be told to wait %s", name, err, c.wait)
				continue
			}
			time.Sleep(e.RetryAfter)
			if err := c.call(); err != nil {
				t.Errorf("%s: after the wait: %v", name, err)
			}
			if err := c.call(); !errors.As(err, &e) {
				t.Errorf("%s: and at once again: %v", name, err)
			}
			time.Sleep(time.Hour) // all full again, and not fuller
			for i := range c.burst + 1 {
				if err := c.call(); (err == nil) != (i < c.burst) {
					t.Errorf("%s: after an hour, call %d: %v", name, i+1, err)
				}
			}
		}
	})
}

// TestSustainedRate: in a minute no channel gets more than its burst and one a second,
// however hard one tries, and the workspace not more than its own.
func TestSustainedRate(t *testing.T) {
	story(t, slackfake.Options{Rates: map[string]slackfake.Rate{"chat.postMessage/workspace": {PerMinute: 90, Burst: 1}}}, func(t *testing.T, w *world) {
		end := time.Now().Add(time.Minute)
		for time.Now().Before(end) {
			for _, ch := range []string{"C0PROD", "C0DEV"} {
				err := posts(w, ch, slack.MsgOptionText("x", true))()
				var e *slack.RateLimitedError
				if err != nil && !errors.As(err, &e) {
					t.Fatal(err)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		prod, dev := len(w.Messages("C0PROD")), len(w.Messages("C0DEV"))
		if prod > 63 || dev > 63 || prod+dev > 91 || prod+dev < 85 {
			t.Errorf("%d and %d messages in a minute", prod, dev)
		}
	})
}

func TestOwnRates(t *testing.T) {
	story(t, slackfake.Options{Rates: map[string]slackfake.Rate{"users.info": {PerMinute: 1, Burst: 1}}}, func(t *testing.T, w *world) {
		info := func() error { _, err := w.api.GetUserInfoContext(w.ctx, "U0BOB"); return err }
		w.must(info())
		var e *slack.RateLimitedError
		if err := info(); !errors.As(err, &e) || e.RetryAfter != time.Minute {
			t.Errorf("the second: %v", err)
		}
		calls := w.Calls("users.info")
		if len(calls) != 2 || calls[0].Error != "" || calls[1].Error != "ratelimited" || calls[1].Status != http.StatusTooManyRequests || calls[0].Args.Get("user") != "U0BOB" || calls[0].Token != "bot" {
			t.Errorf("the calls are %+v", calls)
		}
	})
}

func TestFaults(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		post := posts(w, "C0PROD", slack.MsgOptionText("x", true))
		var limited *slack.RateLimitedError
		var status slack.StatusCodeError
		w.Fail("chat.postMessage", slackfake.RateLimited(7*time.Second), slackfake.RateLimited(0), slackfake.Status(503), slackfake.NotOK("fatal_error"), slackfake.HTML(502))
		if err := post(); !errors.As(err, &limited) || limited.RetryAfter != 7*time.Second {
			t.Errorf("rate limited: %v", err)
		}
		if err := post(); !errors.As(err, &status) || status.Code != 429 {
			t.Errorf("rate limited without a time: %v", err)
		}
		if err := post(); !errors.As(err, &status) || status.Code != 503 {
			t.Errorf("503: %v", err)
		}
		w.refused(post(), "fatal_error")
		if err := post(); !errors.As(err, &status) || status.Code != 502 {
			t.Errorf("a page of HTML: %v", err)
		}
		if n := len(w.Messages("C0PROD")); n != 0 {
			t.Errorf("%d were posted all the same", n)
		}
		w.Fail("chat.postMessage", slackfake.CutAnswer())
		if err := post(); err == nil || len(w.Messages("C0PROD")) != 1 {
			t.Errorf("a cut answer: %v, %d messages, want an error and 1", err, len(w.Messages("C0PROD")))
		}

		w.Fail("chat.postMessage", slackfake.Hang(time.Minute), slackfake.Hang(time.Minute))
		start := time.Now()
		if err := post(); err != nil || time.Since(start) != time.Minute {
			t.Errorf("a hang: %v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		if _, _, err := w.api.PostMessageContext(ctx, "C0PROD", slack.MsgOptionText("x", true)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a hang longer than one waits: %v", err)
		}
		time.Sleep(time.Hour)
		if n := len(w.Messages("C0PROD")); n != 2 {
			t.Errorf("%d messages: what was given up is not done", n)
		}
	})
}

func TestFailEvery(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		run := func() string {
			out := ""
			for i := range 6 {
				err := posts(w, "C0PROD", slack.MsgOptionText("x", true))()
				if i%2 == 1 {
					_, err = w.api.AuthTestContext(w.ctx)
				}
				out += map[bool]string{true: ".", false: "x"}[err == nil]
			}
			return out
		}
		w.FailEvery("", 3, slackfake.RateLimited(time.Second))
		all := run()
		w.FailEvery("", 0, slackfake.Fault{})
		none := run()
		w.FailEvery("auth.test", 2, slackfake.Status(500))
		one := run()
		if all != ".x.x.x" || none != "......" || one != "...x.." {
			t.Errorf("every third: %s, none: %s, every second auth.test: %s", all, none, one)
		}
	})
}

func TestDown(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		ts, url := w.clicked(a)
		w.Down(true)
		if err := edits(w, "C0PROD", ts, slack.MsgOptionText("x", true))(); err == nil {
			t.Error("it answers though it is down")
		}
		if err := slack.PostWebhookCustomHTTPContext(w.ctx, url, w.http, &slack.WebhookMessage{Text: "x"}); err == nil {
			t.Error("its response URLs answer though it is down")
		}
		if d, err := w.Click("U0BOB", "C0PROD", ts, "revert"); err == nil {
			t.Errorf("one can click though it is down: %+v", d)
		}
		w.Down(false)
		w.must(edits(w, "C0PROD", ts, slack.MsgOptionText("x", true))())
	})
}
