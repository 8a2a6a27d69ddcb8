package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

const secret = "not-a-secret-8f742231b10e8888abcd99y"

// signature of a body, as Slack makes it.
func signature(secret, body string, at time.Time) http.Header {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	return http.Header{
		"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}, "Content-Type": {"application/x-www-form-urlencoded"},
	}
}

// TestSlacksOwnVector is the example of Slack's documentation on verifying requests.
func TestSlacksOwnVector(t *testing.T) {
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	h := http.Header{"X-Slack-Request-Timestamp": {"1531420618"}, "X-Slack-Signature": {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}}
	if !genuine(h, []byte(body), "8f742231b10e8888abcd99yyyzzz85a5") || genuine(h, []byte(body+" "), "8f742231b10e8888abcd99yyyzzz85a5") || genuine(h, []byte(body), "") {
		t.Error("not as Slack's documentation has it")
	}
}

func TestOnlyWhatSlackSignedIsTaken(t *testing.T) {
	form := func(p string) string { return url.Values{"payload": {p}}.Encode() }
	click := `{"type":"block_actions","api_app_id":"A0GATE","team":{"id":"T0EXAMPLE"},"user":{"id":"U0BOB"},"actions":[{"block_id":"b","action_id":"gw.ack","value":"x","action_ts":"%s"}]}`
	for _, c := range []struct {
		name, path, body string
		header           func(body string, now time.Time) http.Header
		code             int
		taken            bool
		reason           string
	}{
		{name: "signed", code: 200, taken: true},
		{name: "signed with the secret before", header: func(b string, now time.Time) http.Header { return signature("old-"+secret, b, now) }, code: 200, taken: true},
		{name: "4:59 old", header: func(b string, now time.Time) http.Header { return signature(secret, b, now.Add(-299*time.Second)) }, code: 200, taken: true},
		{name: "5:02 old", header: func(b string, now time.Time) http.Header { return signature(secret, b, now.Add(-302*time.Second)) }, code: 401, reason: "http-old"},
		{name: "5:02 ahead", header: func(b string, now time.Time) http.Header { return signature(secret, b, now.Add(302*time.Second)) }, code: 401, reason: "http-old"},
		{name: "another secret", header: func(b string, now time.Time) http.Header { return signature("x", b, now) }, code: 401, reason: "http-signature"},
		{name: "signed with nothing", header: func(b string, now time.Time) http.Header { return signature("", b, now) }, code: 401, reason: "http-signature"},
		{name: "another body", header: func(b string, now time.Time) http.Header { return signature(secret, b+"x", now) }, code: 401, reason: "http-signature"},
		{name: "no headers", header: func(string, time.Time) http.Header { return nil }, code: 401, reason: "http-signature"},
		{name: "the payload in the query", path: "/slack/interactive?" + form(click), body: "payload=", code: 401, reason: "http-query"},
		{name: "an empty query", path: "/slack/interactive?", code: 401, reason: "http-query"},
		{name: "too large", body: strings.Repeat("x", longestBody+1), code: 413, reason: "http-size"},
		{name: "no payload", body: "a=b", code: 400, reason: "payload"},
		{name: "no JSON", body: form("{"), code: 400, reason: "payload"},
		{name: "no user", body: form(`{"type":"block_actions","actions":[]}`), code: 400, reason: "payload"},
		{name: "a link", body: form(`{"type":"block_actions","user":{"id":"U0BOB"},"actions":[{"block_id":"b","action_id":"gw.link"}]}`), code: 200},
		{name: "another path", path: "/slack/other", code: 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, slackfake.Options{})
				d.client.o.AppToken = "" // HTTP mode
				d.o.Secrets = func() []string { return []string{"", secret, "old-" + secret} }
				d.run()
				path, body, header := orElse(c.path, "/slack/interactive"), orElse(c.body, form(fmt.Sprintf(click, "1.1"))), c.header
				if header == nil {
					header = func(b string, now time.Time) http.Header { return signature(secret, b, now) }
				}
				h := header(body, time.Now())
				if got := d.post(path, body, h); got.Code != c.code || c.code != 200 && got.Body.Len() > 40 {
					t.Fatalf("answered %d %q", got.Code, got.Body)
				}
				d.settle()
				if keys, _ := d.inbox.Keys(d.ctx); (len(keys) == 1) != c.taken {
					t.Errorf("kept: %v", keys)
				}
				if c.reason != "" && !slices.Contains(d.counted(), c.reason) {
					t.Errorf("counted %v", d.counted())
				}
				if wrong := wrongWith(d, WrongClock, "signatures"); wrong != (c.reason == "http-old") {
					t.Errorf("%+v", d.client.Health().Problems())
				}
				if c.taken {
					if got := d.post(path, body, h); got.Code != 401 {
						t.Errorf("a replay is answered %d", got.Code)
					}
					again := d.post(path, body, header(body, time.Now().Add(time.Second)))
					if keys, _ := d.inbox.Keys(d.ctx); again.Code != 200 || len(keys) != 1 {
						t.Errorf("the same, signed anew: %d, kept %v", again.Code, keys)
					}
				}
			})
		})
	}
}

func (d *desk) post(path, body string, h http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(d.ctx, http.MethodPost, path, strings.NewReader(body))
	r.Header = h
	w := httptest.NewRecorder()
	d.gate.Handler().ServeHTTP(w, r)
	return w
}

// counted are the reasons for which something was refused, by the metric.
func (d *desk) counted() []string {
	var out []string
	families, err := d.reg.Gather()
	d.must(err)
	for _, f := range families {
		if f.GetName() == "gatewarden_slack_clicks_refused_total" {
			for _, m := range f.GetMetric() {
				out = append(out, m.GetLabel()[0].GetValue())
			}
		}
	}
	return out
}

// wire carries the fake's deliveries to a handler, without a network.
type wire struct{ to func() http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	w.to().ServeHTTP(rec, r)
	return rec.Result(), nil
}

func TestAllOfItOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *desk
		d = newDesk(t, slackfake.Options{Client: &http.Client{Transport: wire{func() http.Handler { return d.gate.Handler() }}}})
		d.client.o.AppToken = ""
		const at = "http://gatewarden.example.com/slack/"
		d.UseHTTP(at+"interactive", at+"commands", at+"events")
		d.run()
		if !d.client.Health().Up() {
			t.Errorf("not up: %+v", d.client.Health().Problems())
		}
		p := d.card("g1", finding("f1"))
		d.click("U0BOB", p, ActKeep)
		if wrong := d.fill("U0BOB", map[string]any{"for": "99h", "reason": "x"}); wrong["for"] == "" {
			t.Error("a form with a mistake was taken")
		}
		d.fill("U0BOB", map[string]any{"for": "1h", "reason": "a migration"})
		_, err := d.Command("U0BOB", "C0PROD", "/gatewarden whoami")
		d.must(err)
		d.settle()
		d.lastly("U0BOB", "You are bob")
		d.must(d.OpenHome("U0BOB"))
		d.settle()
		if d.Home("U0BOB").ID == "" {
			t.Error("no Home tab")
		}
		if len(d.commands()) != 1 {
			t.Errorf("%+v", d.commands())
		}
		d.inbox.set(true, nil)
		got := d.click("U0BOB", p, ActRevert)
		d.pass(3 * time.Second)
		if _, _, err := got.Wait(d.ctx); err == nil {
			t.Error("a click that was not kept was acknowledged")
		}
		d.inbox.set(false, nil)
		d.pass(time.Minute)
		if len(d.commands()) != 1 {
			t.Error("a click that the person was told is lost was done")
		}
	})
}

func TestTheAddressIsProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, slackfake.Options{})
		d.client.o.AppToken = ""
		d.o.Secrets = func() []string { return []string{secret} }
		d.run()
		body, err := json.Marshal(map[string]string{"type": "url_verification", "challenge": "3eZbrw<script>"})
		d.must(err)
		if got := d.post("/slack/events", string(body), signature(secret, string(body), time.Now())); got.Code != 200 || got.Body.String() != "3eZbrw<script>" || got.Header().Get("Content-Type") != "text/plain" {
			t.Errorf("%d %q", got.Code, got.Body)
		}
		if got := d.post("/slack/events", string(body), signature("x", string(body), time.Now())); got.Code != 401 || got.Body.Len() > 0 {
			t.Errorf("%d %q", got.Code, got.Body)
		}
	})
}

func TestWhatWasSeenIsBounded(t *testing.T) {
	s, now := newSeen(), time.Now()
	for i := range 5 * manySeen {
		if !s.first(fmt.Sprint(i), now) {
			t.Fatalf("%d was not seen before", i)
		}
	}
	if n := len(s.now) + len(s.old); n > 2*manySeen {
		t.Errorf("%d are remembered", n)
	}
	if s.first(fmt.Sprint(5*manySeen-1), now) {
		t.Error("the last one was forgotten")
	}
}
