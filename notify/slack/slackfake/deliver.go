package slackfake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ackWithin is how long the app has to acknowledge before a person sees that it did
// not.
const ackWithin = 3 * time.Second

// Delivery is something the app was sent: an interaction, a slash command, or an
// event.
type Delivery struct {
	Type     string // "block_actions", "view_submission", "view_closed", "slash_commands", or the event's type
	User     string
	Envelope string
	Over     string // "socket", "http", or "" when nothing was connected
	Retry    int    // of an event: the attempt, from 0
	Payload  json.RawMessage
	Sent     time.Time
	Acked    time.Time // zero: never
	Warning  string    // what the person saw when it was not acknowledged in time

	of *delivery
}

// delivery is one on its way.
type delivery struct {
	Delivery
	slack *Slack
	done  chan struct{} // closed when it was acknowledged or given up
	ack   json.RawMessage
	err   error

	envelope string // "interactive", "slash_commands", "events_api"
	answers  bool   // whether an acknowledgement may carry an answer
	form     map[string]any
	to       urls                  // of HTTP mode
	signed   int64                 // of HTTP mode: the time in the signature, Unix seconds
	reason   string                // of an event's retry
	noRetry  bool                  // the app asked not to be told again
	acked    func(json.RawMessage) // effects of the acknowledgement, with the lock held
	failed   func(warning string)  // shows the person that there was none, with the lock held
}

const keepDeliveries = 5000

// Deliveries lists what the app was sent, oldest first; only the newest
// keepDeliveries are kept.
func (s *Slack) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Delivery, 0, len(s.deliveries))
	for _, d := range s.deliveries {
		out = append(out, d.Delivery)
	}
	return out
}

// Wait answers what the app acknowledged with and how long that took. It fails once
// the person has seen that there was no acknowledgement, or a late one.
func (d *Delivery) Wait(ctx context.Context) (ack json.RawMessage, took time.Duration, err error) {
	in := d.of
	select {
	case <-in.done:
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("waiting for the app to acknowledge %s %s: %w", d.Type, d.Envelope, ctx.Err())
	}
	in.slack.mu.Lock()
	defer in.slack.mu.Unlock()
	*d = in.Delivery
	if !d.Acked.IsZero() {
		took = d.Acked.Sub(d.Sent)
	}
	return in.ack, took, in.err
}

// deliver sends one payload to the app, by whichever way it is configured. The lock is
// held.
func (s *Slack) deliver(d *delivery) *Delivery {
	s.serial++
	d.Envelope = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.serial)
	d.Payload = plainJSON(d.form)
	d.signed = s.now().Unix()
	return s.dispatch(d)
}

// Replay sends a delivery once more just as it was: the same envelope, or the same
// signature and its time. Slack does not, with interactions; who listens on the wire
// can, and a network may.
func (s *Slack) Replay(d *Delivery) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := d.of
	again := &delivery{envelope: old.envelope, answers: old.answers, form: old.form, reason: old.reason, signed: old.signed}
	again.Type, again.User, again.Envelope, again.Retry, again.Payload = old.Type, old.User, old.Envelope, old.Retry, old.Payload
	return s.dispatch(again)
}

// dispatch puts a delivery on its way. The lock is held.
func (s *Slack) dispatch(d *delivery) *Delivery {
	d.slack, d.of, d.done, d.Sent = s, d, make(chan struct{}), s.now()
	if len(s.deliveries) >= 2*keepDeliveries {
		s.deliveries = slices.Clone(s.deliveries[keepDeliveries:])
	}
	s.deliveries = append(s.deliveries, d)
	switch {
	case s.uninstalled, s.revoked:
		s.giveUp(d, "dispatch_failed", "the app is not installed")
	case s.http != nil:
		d.Over, d.to = "http", *s.http
		s.spawn(func() { s.post(d) })
	default:
		s.overSocket(d)
	}
	out := d.Delivery
	return &out
}

func (s *Slack) overSocket(d *delivery) {
	sock := s.pickSocket()
	if sock == nil {
		s.giveUp(d, "dispatch_failed", "the app has no socket open")
		return
	}
	d.Over = "socket"
	line := map[string]any{
		"type": d.envelope, "envelope_id": d.Envelope, "accepts_response_payload": d.answers, "payload": json.RawMessage(d.Payload),
	}
	if d.envelope == "events_api" {
		line["retry_attempt"], line["retry_reason"] = d.Retry, d.reason
	}
	sock.send(plainJSON(line))
	s.after(ackWithin, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.giveUp(d, "operation_timeout", "no acknowledgement within 3 s")
	})
}

// giveUp ends a delivery without an acknowledgement, unless it has one. The lock is
// held.
func (s *Slack) giveUp(d *delivery, code, why string) {
	if isClosed(d.done) {
		return
	}
	d.err = &NotAcked{Type: d.Type, Code: code, Why: why}
	d.Warning = d.err.Error()
	if d.failed != nil {
		d.failed(d.Warning)
	}
	close(d.done)
	s.changed()
}

// NotAcked says that the app did not take a delivery in time.
type NotAcked struct {
	Type, Code, Why string
}

func (e *NotAcked) Error() string {
	if e.Type == "slash_commands" {
		return fmt.Sprintf("The command failed with the error %q.", e.Code)
	}
	return "The app did not respond: " + e.Why + "."
}

// acknowledged ends a delivery with the app's acknowledgement. One that comes too
// late is noted, and changes nothing. The lock is held.
func (s *Slack) acknowledged(d *delivery, ack json.RawMessage) {
	if !d.Acked.IsZero() {
		return
	}
	d.Acked = s.now()
	if took := d.Acked.Sub(d.Sent); took > ackWithin {
		s.giveUp(d, "operation_timeout", fmt.Sprintf("acknowledged only after %s", took))
		return
	}
	if isClosed(d.done) {
		return
	}
	if !d.answers || string(ack) == "null" {
		ack = nil
	}
	d.ack = ack
	if d.acked != nil {
		d.acked(ack)
	}
	close(d.done)
	s.changed()
}

// retryReason is why an event is sent again, in Slack's words.
func (d *delivery) retryReason() string {
	var e *NotAcked
	switch {
	case errors.As(d.err, &e) && e.Code == "operation_timeout":
		return "timeout"
	case d.Over == "http":
		return "http_error"
	}
	return "connection_failed"
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// awaiting finds a delivery by its envelope. The lock is held.
func (s *Slack) awaiting(envelope string) *delivery {
	for _, d := range slices.Backward(s.deliveries) {
		if d.Envelope == envelope {
			return d
		}
	}
	return nil
}

var errDown = errors.New("no connection to Slack: it is down")

// userAt finds a person who may act now. The lock is held.
func (s *Slack) userAt(id string) (*User, error) {
	u := s.place.users[id]
	switch {
	case s.down:
		return nil, errDown
	case u == nil:
		return nil, fmt.Errorf("user %s is not in the workspace", id)
	case u.Deleted:
		return nil, fmt.Errorf("user %s is deactivated", id)
	}
	return u, nil
}
