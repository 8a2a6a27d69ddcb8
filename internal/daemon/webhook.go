package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // Atlas signs with HMAC-SHA-1 and nothing else
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/watcher"
)

const (
	webhookPath     = "/atlas/webhook"
	signatureHeader = "X-MMS-Signature"

	webhookBody    = 64 << 10 // Atlas's own limit of a rendered template is 16 KB
	webhookSlots   = 256      // webhooks at a time; more are sent away
	webhookTimeout = 5 * time.Second
	webhookAhead   = time.Hour // how far ahead of Atlas's time an alert may be: what is remembered until its day has passed must not be from a far future
)

// What became of a webhook: the label of the metric.
const (
	hookAccepted     = "accepted"
	hookReplayed     = "replayed"
	hookBadSignature = "bad_signature"
	hookTooLarge     = "too_large"
	hookUnknownScope = "unknown_scope"
	hookMalformed    = "malformed"
	hookUnavailable  = "unavailable" // the secret cannot be read, or the store cannot be written, or too many at a time
)

func hookResults() []string {
	return []string{hookAccepted, hookReplayed, hookBadSignature, hookTooLarge, hookUnknownScope, hookMalformed, hookUnavailable}
}

// receiver takes the alert webhooks of Atlas. One only says that something happened in
// a project: it wakes a read and decides nothing else, so that the worst that a forged
// or repeated one could do is to have a project read once more. Still nothing of a body
// is believed, or logged, before its signature is.
type receiver struct {
	key     func() (config.Secret, error) // read anew for each: a rotated secret holds at once, and the former one no more
	watched func(ctx context.Context, a alert) (access.Scope, bool, error)
	wake    func(ctx context.Context, scope access.Scope, kinds []access.Kind) error
	now     func() time.Time // Atlas time
	replays *replays
	slots   chan struct{}
	results *prometheus.CounterVec
	trouble func(error) // told of every failure of ours, and of its end as nil
	logger  *zap.Logger
}

func newHookResults(reg prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatewarden_webhooks_total", Help: "Webhooks of Atlas, by what became of them."}, []string{"result"})
	for _, r := range hookResults() {
		c.WithLabelValues(r)
	}
	reg.MustRegister(c)
	return c
}

// ServeHTTP answers once the hint is stored, and before Atlas is read.
func (h *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), webhookTimeout)
	defer cancel()
	// Who sends slowly keeps a place from Atlas. An error is a writer without deadlines.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(webhookTimeout))
	result, status, err := h.receive(ctx, w, r)
	h.results.WithLabelValues(result).Inc()
	if err != nil || result == hookAccepted {
		h.trouble(err)
	}
	if result == hookUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, result) // never more: who is not Atlas learns nothing
}

// receive says what becomes of a webhook. An error is one of ours.
func (h *receiver) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) (result string, status int, err error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return hookUnavailable, http.StatusServiceUnavailable, nil // a flood is counted, and is no trouble of ours
	}
	if r.Header.Get(signatureHeader) == "" {
		return hookBadSignature, http.StatusUnauthorized, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhookBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return hookTooLarge, http.StatusRequestEntityTooLarge, nil
	}
	if err != nil {
		return hookMalformed, http.StatusBadRequest, nil
	}
	key, err := h.key()
	if err != nil {
		return hookUnavailable, http.StatusServiceUnavailable, err
	}
	if !signed(key, body, r.Header.Get(signatureHeader)) {
		return hookBadSignature, http.StatusUnauthorized, errSignature
	}
	a, err := parseAlert(body)
	if err != nil || a.updated.After(h.now().Add(webhookAhead)) {
		return hookMalformed, http.StatusBadRequest, nil
	}
	return h.believe(ctx, a)
}

// believe acts on an alert whose signature is good.
func (h *receiver) believe(ctx context.Context, a alert) (result string, status int, err error) {
	scope, ok, err := h.watched(ctx, a)
	switch {
	case err != nil:
		return hookUnavailable, http.StatusServiceUnavailable, err
	case !ok:
		return hookUnknownScope, http.StatusAccepted, nil
	case !h.replays.admit(a, h.now()):
		return hookReplayed, http.StatusOK, nil
	}
	kinds := watcher.KindsOf(scope, a.event) // of a type that the table does not have none: then it is a poll and nothing more
	if err := h.wake(ctx, scope, kinds); err != nil {
		h.replays.forget(a) // so that it may come again
		return hookUnavailable, http.StatusServiceUnavailable, err
	}
	h.logger.Debug("woken by a webhook", zap.String("scope", string(scope)), zap.String("type", a.event), zap.Any("kinds", kinds))
	return hookAccepted, http.StatusOK, nil
}

// errSignature says what to do where it is Atlas that signs by another secret.
var errSignature = errors.New("its signature is not by atlas.webhook.secret; if the secret was changed, tell Atlas: gatewarden hooks install --renew-secret")

// signed compares the signature, the Base64 of the HMAC-SHA-1 of the raw body, in
// constant time.
func signed(key config.Secret, body []byte, signature string) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, []byte(key.Reveal()))
	mac.Write(body) // a hash never fails
	return hmac.Equal(got, mac.Sum(nil))
}

// alert is what we use of the body. The X-MMS-Event header is not signed and is not
// looked at: with it, one captured alert would make as many as one likes.
type alert struct {
	id      string
	project string // empty for one of an org
	org     string
	event   string
	updated time.Time
}

const longestText = 200 // of an id or event type; Atlas's ids have 24 digits

// parseAlert decodes leniently: fields that we do not use may be anything. Of a name
// that comes twice the last one counts, for all that is done with it.
func parseAlert(body []byte) (alert, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(body, &doc); err != nil {
		return alert{}, errors.New("read an alert: it is no JSON document")
	}
	text := func(name string) string {
		var s string
		if json.Unmarshal(doc[name], &s) != nil || len(s) > longestText {
			return ""
		}
		return s
	}
	a := alert{id: text("id"), project: text("groupId"), org: text("orgId"), event: text("eventTypeName")}
	at := text("updated")
	if at == "" {
		at = text("created")
	}
	updated, err := time.Parse(time.RFC3339, at)
	if err != nil || a.id == "" {
		return alert{}, errors.New("read an alert: it has no id, or no date")
	}
	a.updated = updated.UTC()
	if a.scope().Validate() != nil {
		return alert{}, errors.New("read an alert: it names no project and no org")
	}
	return a, nil
}

func (a alert) scope() access.Scope {
	if a.project != "" {
		return access.ProjectScope(a.project)
	}
	return access.OrgScope(a.org)
}

// watched finds the scope of an alert among those that we watch. An alert that names
// another org than the project's is of nothing that we know.
func (f *fleet) watched(ctx context.Context, a alert) (access.Scope, bool, error) {
	scope := a.scope()
	if scope.IsOrg() {
		return scope, slices.Contains(f.orgs, a.org), nil
	}
	org, ok, err := f.lookUp(ctx, scope)
	return scope, ok && (a.org == "" || a.org == org), err
}

// public serves what Atlas calls; everything else is not there.
func (d *Daemon) public() http.Handler {
	mux := http.NewServeMux()
	if d.does(RoleWatch) && !d.opts.File.Atlas.Webhook.Secret.IsZero() {
		mux.Handle("POST "+webhookPath, d.receiver)
	}
	if d.slack != nil && len(d.opts.File.Slack.SigningSecrets) > 0 {
		mux.Handle("/slack/", d.slack.gateway.Handler())
	}
	mux.HandleFunc("/", http.NotFound)
	return mux
}

func (d *Daemon) newReceiver() *receiver {
	d.wakes = &wakes{ctx: d.ctx, start: d.group.Go, mark: d.watcher.Hint, poll: d.pollHinted, active: map[access.Scope]*wake{}}
	return &receiver{
		key:     func() (config.Secret, error) { return d.settings.get().file.Atlas.Webhook.Key() },
		watched: d.fleet.watched, wake: d.wakes.wake, now: d.fleet.Now, replays: newReplays(d.fleet.Now()),
		slots: make(chan struct{}, webhookSlots), results: newHookResults(d.registry),
		trouble: func(err error) { d.warn(d.ctx, "webhooks", "webhooks cannot be taken", err) },
		logger:  d.logger.Named("webhook"),
	}
}

// pollHinted polls a scope once more because of a webhook.
func (d *Daemon) pollHinted(scope access.Scope) {
	d.publish(d.ctx, access.NewOut(access.TopicPoll, scope, access.Poll{Scope: scope, Source: access.SourceWebhook, At: d.fleet.Now()}))
}
