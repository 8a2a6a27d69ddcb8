package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	longestBody = 1 << 20
	httpBudget  = 1500 * time.Millisecond // to keep a click, before Slack's three seconds are over
	manySeen    = 20_000
	seenFor     = 11 * time.Minute // longer than a signature is good for, before and after
)

// Handler serves /slack/interactive, /slack/commands and /slack/events: HTTP mode, for where Socket
// Mode cannot be. Whatever is not signed by Slack just now gets no detail.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/interactive", g.signed(g.httpInteraction))
	mux.HandleFunc("POST /slack/commands", g.signed(g.httpCommand))
	mux.HandleFunc("POST /slack/events", g.signed(g.httpEvent))
	return mux
}

// signed lets requests through that Slack signed within the last minutes, once each.
func (g *Gateway) signed(next func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
		switch {
		case err != nil:
			g.rejected(w, "size", http.StatusRequestEntityTooLarge)
			return
		case r.URL.RawQuery != "" || r.URL.ForceQuery: // what is signed is the body
			g.rejected(w, "query", http.StatusUnauthorized)
			return
		}
		switch reason := g.verified(r.Header, body, at); reason {
		case "":
		case "old":
			g.c.health.Raise(WrongClock, "signatures", "Slack's requests are signed with a time that is more than five minutes from ours: set our clock by NTP")
			g.rejected(w, reason, http.StatusUnauthorized)
			return
		default:
			g.rejected(w, reason, http.StatusUnauthorized)
			return
		}
		g.c.health.Clear(WrongClock, "signatures")
		r.Body = io.NopCloser(bytes.NewReader(body))
		next(w, r, body)
		g.o.Metrics.ack.Observe(since(at))
	}
}

func (g *Gateway) rejected(w http.ResponseWriter, reason string, code int) {
	g.o.Metrics.refused.WithLabelValues("http-" + reason).Inc()
	w.WriteHeader(code)
}

// verified is why a request is not believed; empty: it is. Two secrets count while they are rotated.
func (g *Gateway) verified(h http.Header, body []byte, at time.Time) string {
	why := "signature"
	for _, secret := range g.o.Secrets() {
		v, err := slackgo.NewSecretsVerifier(h, secret)
		switch {
		case errors.Is(err, slackgo.ErrExpiredTimestamp):
			if genuine(h, body, secret) {
				return "old"
			}
			continue
		case err != nil:
			continue
		}
		if _, err := v.Write(body); err != nil || v.Ensure() != nil {
			continue
		}
		if why = ""; !g.seen.first(access.Hash(h.Get("X-Slack-Signature")), at) {
			why = "replay"
		}
		return why
	}
	return why
}

// seen remembers signatures, so that what was sent once is not taken twice. It is bounded: a click that
// comes twice in spite of that is found in the inbox.
type seen struct {
	mu       sync.Mutex
	now, old map[string]bool
	turned   time.Time
}

func newSeen() *seen { return &seen{now: map[string]bool{}, old: map[string]bool{}} }

func (s *seen) first(id string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.turned) > seenFor || len(s.now) >= manySeen {
		s.old, s.now, s.turned = s.now, map[string]bool{}, at
	}
	if s.now[id] || s.old[id] {
		return false
	}
	s.now[id] = true
	return true
}

func (g *Gateway) httpInteraction(w http.ResponseWriter, r *http.Request, _ []byte) {
	ic, err := slackgo.InteractionCallbackParse(r)
	if err != nil {
		g.odd(err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c, wrong, err := g.interacted(ic, time.Now())
	switch {
	case len(wrong) > 0:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(slackgo.NewErrorsViewSubmissionResponse(wrong))
	default:
		g.httpTaken(w, r, c, err)
	}
}

func (g *Gateway) httpCommand(w http.ResponseWriter, r *http.Request, _ []byte) {
	s, err := slackgo.SlashCommandParse(r)
	if err != nil {
		g.odd(err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if s.APIAppID == "" {
		s.APIAppID = g.c.o.App // as over a socket: what is signed by the app's secret is of the app
	}
	c, err := slash(s, time.Now())
	g.httpTaken(w, r, c, err)
}

func (g *Gateway) httpEvent(w http.ResponseWriter, r *http.Request, body []byte) {
	var e outer
	if json.Unmarshal(body, &e) == nil && e.Type == "url_verification" {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, atMost(strings.Map(printable, e.Challenge), 200))
		return
	}
	c, err := g.happened(body, time.Now())
	g.httpTaken(w, r, c, err)
}

func printable(r rune) rune {
	if r < '!' || r > '~' {
		return -1
	}
	return r
}

// httpTaken answers 200 once a click is kept: one that is not is not sent again.
func (g *Gateway) httpTaken(w http.ResponseWriter, r *http.Request, c Click, err error) {
	switch {
	case errors.Is(err, errIgnored):
		return
	case err != nil:
		g.odd(err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	g.o.Metrics.clicks.WithLabelValues(string(c.Kind)).Inc()
	ctx := context.WithoutCancel(r.Context())
	if c.Kind == KindHome {
		c.Tries = 1
		go g.atOnce(ctx, c)
		return
	}
	fresh, err := g.kept(ctx, c, httpBudget)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		go g.unkept(ctx, c, err)
	case fresh:
		g.c.health.Clear(WrongStore, "clicks")
		c.By, c.Claimed, c.Tries = g.o.Process, time.Now().UTC(), 1
		g.enqueue(c)
	}
}
