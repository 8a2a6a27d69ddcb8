package slackfake

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// urls are where the app takes deliveries when it uses no socket.
type urls struct {
	interact, command, event string
}

// UseHTTP delivers by signed POSTs from now on, instead of Socket Mode. With three
// empty addresses it goes back.
func (s *Slack) UseHTTP(interactURL, commandURL, eventURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.http = &urls{interactURL, commandURL, eventURL}
	if *s.http == (urls{}) {
		s.http = nil
	}
}

// VerifyEvents asks the events' address for a challenge back, as Slack does before it
// takes the address into an app's settings.
func (s *Slack) VerifyEvents() error {
	s.mu.Lock()
	if s.http == nil {
		s.mu.Unlock()
		return errors.New("verifying the address of events: HTTP mode is off")
	}
	d := &delivery{to: *s.http, envelope: "events_api", signed: s.now().Unix()}
	s.mu.Unlock()
	challenge := rand.Text()
	d.Payload = plainJSON(map[string]any{"token": "deprecated-verification-token", "type": "url_verification", "challenge": challenge})
	to, body, kind := d.address()
	ack, _, err := s.send(to, body, kind, d)
	if err == nil && !strings.Contains(string(ack), challenge) {
		err = errors.New("the answer does not hold the challenge")
	}
	if err != nil {
		return fmt.Errorf("verifying the address of events, %s: %w", to, err)
	}
	return nil
}

// Sign is the signature of a request's body, as X-Slack-Signature has it.
func Sign(secret string, timestamp int64, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:%s", timestamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// post sends a delivery to the app's own server and takes its answer.
func (s *Slack) post(d *delivery) {
	to, body, kind := d.address()
	ack, noRetry, err := s.send(to, body, kind, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.acknowledged(d, ack)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		s.giveUp(d, "operation_timeout", "no answer within 3 s")
	default:
		d.noRetry = noRetry
		s.giveUp(d, "dispatch_failed", err.Error())
	}
}

// address is where a delivery goes, and its body.
func (d *delivery) address() (to, body, kind string) {
	const form = "application/x-www-form-urlencoded"
	to = d.to.interact
	switch d.envelope {
	case "slash_commands":
		v := url.Values{}
		for k, x := range d.form {
			v.Set(k, fmt.Sprint(x))
		}
		return d.to.command, v.Encode(), form
	case "events_api":
		return d.to.event, string(d.Payload), "application/json"
	}
	return to, url.Values{"payload": {string(d.Payload)}}.Encode(), form
}

func (s *Slack) send(to, body, kind string, d *delivery) (ack json.RawMessage, noRetry bool, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, ackWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	req.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(d.signed, 10))
	req.Header.Set("X-Slack-Signature", Sign(s.tokens.SigningSecret, d.signed, body))
	if d.Retry > 0 {
		req.Header.Set("X-Slack-Retry-Num", strconv.Itoa(d.Retry))
		req.Header.Set("X-Slack-Retry-Reason", d.reason)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, false, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, res.Header.Get("X-Slack-No-Retry") == "1", fmt.Errorf("the app answered %s", res.Status)
	}
	return jsonOrText(raw), false, nil
}

// jsonOrText takes an answer that is not JSON for a command's text.
func jsonOrText(raw []byte) json.RawMessage {
	switch {
	case len(strings.TrimSpace(string(raw))) == 0:
		return nil
	case json.Valid(raw):
		return raw
	}
	return plainJSON(map[string]any{"text": string(raw)})
}
