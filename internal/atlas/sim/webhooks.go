package sim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// uiBase is where the links of what is not an answer point.
const uiBase = "https://cloud.mongodb.com"

// Delivery is one webhook: first what is to be sent, then, in the log, what became of
// it.
type Delivery struct {
	At      time.Time // when it is due; in the log, when it was sent
	URL     string
	Event   string // the X-MMS-Event header
	AlertID string
	Header  http.Header
	Body    []byte
	Status  int   // of the receiver's answer; 0 while there is none
	Err     error // why there was no answer, or that it was no success

	told bool // the hook was called for it
}

// outbox holds the webhooks on their way out. Nothing sends by itself: see
// [Atlas.Deliver].
type outbox struct {
	delay    time.Duration
	queue    []Delivery // in the order of their making
	announce func()
	log      []Delivery
}

// SetWebhookDelay makes webhooks of events that happen from now on due that much later.
// At first they are due at once (a guess).
func (a *Atlas) SetWebhookDelay(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.webhooks.delay = d
}

// OnWebhook sets a hook that is called when webhooks have become due: after a request or
// a [Atlas.Do], without holding the lock. The one who asked may be waiting for it, so a
// hook that calls [Atlas.Deliver] should do so in a goroutine where the receiver may ask
// back.
func (a *Atlas) OnWebhook(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.webhooks.announce = f
}

// NextDelivery says when the next webhook is due, if there is one to come.
func (a *Atlas) NextDelivery() (at time.Time, waiting bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.webhooks.queue {
		if !waiting || d.At.Before(at) {
			at, waiting = d.At, true
		}
	}
	return at, waiting
}

// Deliveries takes what is due: who calls it sends it. It is not logged.
func (a *Atlas) Deliveries() []Delivery {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.tick(now)
	var out []Delivery
	a.webhooks.queue = slices.DeleteFunc(a.webhooks.queue, func(d Delivery) bool {
		due := !d.At.After(now)
		if due {
			out = append(out, d)
		}
		return due
	})
	return out
}

// Deliver posts what is due, each once: what fails is logged and not tried again (a
// guess). What ctx leaves no time for stays due. It returns how many were answered with
// success, and why the others were not. A nil client is [http.DefaultClient].
func (a *Atlas) Deliver(ctx context.Context, client *http.Client) (sent int, err error) {
	if client == nil {
		client = http.DefaultClient
	}
	due := a.Deliveries()
	for i, d := range due {
		if ctx.Err() != nil {
			a.putBack(due[i:])
			return sent, errors.Join(err, fmt.Errorf("sending webhooks: %w", ctx.Err()))
		}
		d.Status, d.Err = post(ctx, client, d)
		if d.Err == nil {
			sent++
		} else {
			err = errors.Join(err, fmt.Errorf("sending %s of alert %s: %w", d.Event, d.AlertID, d.Err))
		}
		a.logDelivery(d)
	}
	return sent, err
}

func (a *Atlas) putBack(rest []Delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.webhooks.queue = slices.Concat(rest, a.webhooks.queue)
}

func (a *Atlas) logDelivery(d Delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d.At = a.now()
	a.webhooks.log = append(a.webhooks.log, d)
}

// WebhookLog returns what [Atlas.Deliver] has tried so far.
func (a *Atlas) WebhookLog() []Delivery {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.webhooks.log)
}

// post sends one webhook. Its errors leave out the URL, which may be a secret.
func post(ctx context.Context, client *http.Client, d Delivery) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0, errors.New("the URL cannot be used")
	}
	req.Header = d.Header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return resp.StatusCode, fmt.Errorf("reading the receiver's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, fmt.Errorf("the receiver answered %s", resp.Status)
	}
	return resp.StatusCode, nil
}

// notify queues an alert's webhooks, and notes when somebody is told of it: of the other
// ways only that is simulated. The configuration's delay holds for the first
// notification only. Templates are kept and not rendered: the default form goes out.
func (a *Atlas) notify(p *project, k *alertConfig, al *Alert, event string, at time.Time) {
	first := event == "alert.inform" || event == "alert.open"
	var last *time.Time
	for _, n := range k.notifications() {
		address, key := p.webhook(n)
		if !reaches(n, address) {
			continue
		}
		due := at
		if minutes, _ := n["delayMin"].(float64); first {
			due = due.Add(time.Duration(minutes) * time.Minute)
		}
		if n["typeName"] == "WEBHOOK" {
			due = due.Add(a.webhooks.delay)
			a.queueWebhook(p, al, event, address, key, due)
		}
		if last == nil || due.After(*last) {
			last = &due
		}
	}
	if last != nil {
		al.LastNotified = last
	}
}

// reaches says whether a notification goes to anybody.
func reaches(n object, address string) bool {
	if n["typeName"] == "WEBHOOK" {
		return address != ""
	}
	return n["emailEnabled"] != false || n["smsEnabled"] == true
}

func (a *Atlas) queueWebhook(p *project, al *Alert, event, address, key string, due time.Time) {
	al.LastNotified = &due
	body := al.view(p, uiBase, due)
	body["humanReadable"] = fmt.Sprintf("Event %s. Project: %s, organization: %s", al.EventTypeName, p.name, p.org.name)
	d := Delivery{At: due, URL: address, Event: event, AlertID: al.ID, Body: []byte(text(body)), Header: http.Header{}}
	d.Header.Set("Content-Type", "application/json")
	d.Header.Set("X-MMS-Event", event)
	if key != "" {
		d.Header.Set("X-MMS-Signature", signature(key, d.Body))
	}
	a.webhooks.queue = append(a.webhooks.queue, d)
}

// signature is what Atlas puts on a webhook whose receiver has a secret.
func signature(key string, body []byte) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write(body) // a hash never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// announceWebhooks calls the hook if something became due that it was not called for.
func (a *Atlas) announceWebhooks() {
	if f := a.freshWebhooks(); f != nil {
		f()
	}
}

func (a *Atlas) freshWebhooks() func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	box, now, fresh := &a.webhooks, a.now(), false
	if box.announce == nil {
		return nil
	}
	for i := range box.queue {
		if d := &box.queue[i]; !d.told && !d.At.After(now) {
			d.told, fresh = true, true
		}
	}
	if !fresh {
		return nil
	}
	return box.announce
}
