package slackfake_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
)

// TestSignature is the vector of Slack's own documentation.
func TestSignature(t *testing.T) {
	const (
		secret = "8f742231b10e8888abcd99yyyzzz85a5"
		body   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
		want   = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	)
	if got := slackfake.Sign(secret, 1531420618, body); got != want {
		t.Errorf("the signature is %s, want %s", got, want)
	}
	if slackfake.Sign(secret, 1531420619, body) == want || slackfake.Sign(secret+"x", 1531420618, body) == want || slackfake.Sign(secret, 1531420618, body+"x") == want {
		t.Error("another time, secret, or body has the same signature")
	}
}

// taken is what an app's server was sent, its signature checked by the real client.
type taken struct {
	mu    sync.Mutex
	paths []string
	heads []http.Header
	ic    slack.InteractionCallback
	cmd   slack.SlashCommand
	event string

	status int
	answer string
	hang   time.Duration
	echo   bool // answers an event with itself

	noRetry bool // asks not to be sent it again
}

func (k *taken) take(secret string, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	v, err := slack.NewSecretsVerifier(r.Header, secret)
	if err != nil {
		return err
	}
	_, err = v.Write(body)
	if err = errors.Join(err, v.Ensure()); err != nil {
		return err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	k.paths, k.heads = append(k.paths, r.URL.Path), append(k.heads, r.Header)
	switch r.URL.Path {
	case "/interact":
		k.ic, err = slack.InteractionCallbackParse(r)
	case "/command":
		k.cmd, err = slack.SlashCommandParse(r)
	default:
		k.event = string(body)
	}
	return err
}

// serve makes the workspace deliver to a server of the app, in the same bubble.
func (w *world) serve(k *taken) {
	ln, dial := slackfake.Memory()
	secret := w.Tokens().SigningSecret
	srv := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if err := k.take(secret, r); err != nil {
			w.t.Errorf("the delivery to %s: %v", r.URL.Path, err)
		}
		time.Sleep(k.hang)
		if k.noRetry {
			out.Header().Set("X-Slack-No-Retry", "1")
		}
		if k.status != 0 {
			out.WriteHeader(k.status)
		}
		if k.echo {
			k.answer = k.event
		}
		_, _ = io.WriteString(out, k.answer)
	})}
	go func() { _ = srv.Serve(ln) }() // ends with Close
	w.t.Cleanup(func() { _ = srv.Close() })
	w.dialApp.Store(&dial)
	base := "http://app.invalid"
	w.UseHTTP(base+"/interact", base+"/command", base+"/event")
}

func TestHTTPMode(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		k := &taken{}
		w.serve(k)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		w.must(err)
		if d.Over != "http" || k.ic.User.ID != "U0ALICE" || k.ic.ActionCallback.BlockActions[0].Value != "v1|f|1" {
			t.Errorf("over %s came %+v", d.Over, k.ic)
		}
		if got := k.heads[0]; got.Get("Content-Type") != "application/x-www-form-urlencoded" || got.Get("X-Slack-Request-Timestamp") == "" {
			t.Errorf("the header is %v", got)
		}
		v, err := w.api.OpenViewContext(w.ctx, k.ic.TriggerID, keep("Keep it"))
		w.must(err)
		k.answer = `{"response_action":"errors","errors":{"reason":"not good enough"}}`
		d, err = w.Submit("U0ALICE", v.ID, map[string]any{"reason": "long enough it is"})
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		if w.must(err); w.Views("U0ALICE")[0].Errors["reason"] != "not good enough" {
			t.Errorf("the modal is %+v", w.Views("U0ALICE"))
		}
		k.answer = "just text"
		d, err = w.Command("U0ALICE", "C0PROD", "/gatewarden status & more")
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		if w.must(err); k.cmd.Text != "status &amp; more" || k.cmd.UserID != "U0ALICE" || w.Ephemerals("U0ALICE")[0].Text != "just text" {
			t.Errorf("the command is %+v, its answer %+v", k.cmd, w.Ephemerals("U0ALICE"))
		}
	})
}

// TestHTTPTrouble: what is not answered with 200 in time is lost, and seen.
func TestHTTPTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		hang   time.Duration
		warns  string
	}{
		"200":            {200, 0, ""},
		"202":            {202, 0, "202"},
		"500":            {500, 0, "500"},
		"a redirect":     {307, 0, "307"},
		"just in time":   {200, 2900 * time.Millisecond, ""},
		"later than 3 s": {200, 3100 * time.Millisecond, "3 s"},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, slackfake.Options{}, func(t *testing.T, w *world) {
				k := &taken{status: c.status, hang: c.hang}
				w.serve(k)
				ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
				d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
				w.must(err)
				_, _, err = d.Wait(w.ctx)
				if (err == nil) != (c.warns == "") || !strings.Contains(d.Warning, c.warns) {
					t.Errorf("%v: %q, want %q", err, d.Warning, c.warns)
				}
				time.Sleep(time.Hour)
				k.mu.Lock()
				defer k.mu.Unlock()
				if len(k.paths) != 1 {
					t.Errorf("it was sent %d times", len(k.paths))
				}
			})
		})
	}
}

func TestHTTPEvents(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		k := &taken{status: 500}
		w.serve(k)
		w.must(w.OpenHome("U0BOB"))
		time.Sleep(30 * time.Second)
		k.mu.Lock()
		k.status = 200
		k.mu.Unlock()
		time.Sleep(time.Hour)
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.heads) != 3 || !strings.Contains(k.event, `"app_home_opened"`) {
			t.Fatalf("it came %d times: %s", len(k.heads), k.event)
		}
		if h := k.heads[2]; h.Get("X-Slack-Retry-Num") != "2" || h.Get("X-Slack-Retry-Reason") != "http_error" || k.heads[0].Get("X-Slack-Retry-Num") != "" {
			t.Errorf("the last retry says %v", h)
		}
		if k.paths[0] != "/event" {
			t.Errorf("it went to %s", k.paths[0])
		}
	})
}

func TestVerifyEvents(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		if err := w.VerifyEvents(); err == nil {
			t.Error("it is verified in Socket Mode")
		}
		k := &taken{answer: "what?"}
		w.serve(k)
		if err := w.VerifyEvents(); err == nil || !strings.Contains(k.event, `"url_verification"`) {
			t.Errorf("another answer: %v to %s", err, k.event)
		}
		k.echo = true
		w.must(w.VerifyEvents())
	})
}
