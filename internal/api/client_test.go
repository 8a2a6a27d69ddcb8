package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// served is a gate that listens, and a client with somebody's token.
func served(t *testing.T, who string) (*gate, *Client) {
	t.Helper()
	g := newGate(t)
	s := httptest.NewServer(g.server)
	t.Cleanup(s.Close)
	return g, &Client{Server: s.URL + "/", Token: g.tokens[who], Wait: func(context.Context, time.Duration) error { return nil }}
}

// TestClient: every call reads what its route answers.
func TestClient(t *testing.T) {
	g, c := served(t, "admin")
	ctx := t.Context()
	g.backend.findings = nil
	for i := range 2500 { // three pages
		g.backend.findings = append(g.backend.findings, findingAt(prod, "network/x", fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), "shop", access.Low))
	}
	all, err := c.Findings(ctx, url.Values{"owner": {"shop"}})
	if err != nil || len(all) != 2500 {
		t.Errorf("findings: %d, %v", len(all), err)
	}
	if f, err := c.Finding(ctx, all[0].ID); err != nil || f.ID != all[0].ID || f.Project != prod.Title {
		t.Errorf("a finding: %+v, %v", f, err)
	}
	if a, err := c.Action(ctx, g.backend.actions[0].ID); err != nil || a.PlanHash != g.backend.actions[0].PlanHash {
		t.Errorf("an action: %+v, %v", a, err)
	}
	actions, err := c.Actions(ctx, url.Values{"state": {"all"}})
	places, also := c.Places(ctx)
	waivers, third := c.Waivers(ctx)
	expectations, fourth := c.Expectations(ctx)
	freezes, fifth := c.Freezes(ctx)
	incidents, sixth := c.Incidents(ctx)
	adoptions, seventh := c.Adoptions(ctx)
	if err := errors.Join(err, also, third, fourth, fifth, sixth, seventh); err != nil {
		t.Fatal(err)
	}
	if len(actions) != 4 || len(places) != 5 || len(waivers) != 3 || len(expectations) != 1 || len(freezes) != 2 || len(incidents) != 1 || !incidents[0].Running || incidents[0].Title != prod.Title || len(adoptions) != 1 {
		t.Errorf("%d %d %d %d %d %+v %d", len(actions), len(places), len(waivers), len(expectations), len(freezes), incidents, len(adoptions))
	}
	if l, err := c.Adoptable(ctx, "network/open-to-world", "", prod.Scope.ID()); err != nil || l.Hash != "h" || len(l.Findings) != 2 {
		t.Errorf("adoptable: %+v, %v", l, err)
	}
	if w, err := c.Whoami(ctx); err != nil || w.Principal != "p-admin" {
		t.Errorf("who: %+v, %v", w, err)
	}
	var text strings.Builder
	if err := c.Copy(ctx, "/openapi.json", &text); err != nil || !strings.Contains(text.String(), "openapi") {
		t.Errorf("the description: %v", err)
	}
}

// TestClientSubmits: it waits until a command is decided, also where another process answers,
// and not for ever.
func TestClientSubmits(t *testing.T) {
	g, c := served(t, "admin")
	req := Request{Verb: access.VerbFreeze, Project: prod.Scope.ID(), Reason: "an audit"}
	if out, err := c.Submit(t.Context(), req, ""); err != nil || out.State != CommandAccepted {
		t.Errorf("at once: %+v, %v", out, err)
	}
	g.backend.decide = func(access.Command) (access.CommandRecord, error) {
		return access.CommandRecord{}, fmt.Errorf("not yet: %w", access.ErrTemporary)
	}
	looks := 0
	c.Wait = func(context.Context, time.Duration) error {
		g.backend.mu.Lock()
		defer g.backend.mu.Unlock()
		switch looks++; looks {
		case 2:
			g.server.pending.mu.Lock()
			clear(g.server.pending.commands) // as in another process
			g.server.pending.mu.Unlock()
		case 4:
			given := g.backend.given[len(g.backend.given)-1]
			g.backend.records[given.ID] = access.CommandRecord{V: 1, Command: given, Why: "somebody else must"}
		}
		return nil
	}
	out, err := c.Submit(t.Context(), req, "")
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusConflict || p.Detail != "somebody else must" || out.State != CommandRefused || looks != 4 {
		t.Errorf("after a while: %+v, %v after %d looks", out, err, looks)
	}
	looks = 10
	if _, err := c.Submit(t.Context(), req, ""); !errors.Is(err, ErrUndecided) || looks != 10+patience {
		t.Errorf("never: %v after %d looks", err, looks)
	}
	c.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	if _, err := c.Submit(t.Context(), req, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// TestClientIsCareful: a token goes to the daemon that was named, and to nobody else.
func TestClientIsCareful(t *testing.T) {
	for _, server := range []string{"", "127.0.0.1:9091", "ftp://127.0.0.1", "http://", "http://user:hunter2@127.0.0.1:9091", "unix:///x", "http://user:hunter2@%zz"} {
		_, err := (&Client{Server: server, Token: "gwt_x"}).Whoami(t.Context())
		if err == nil || !strings.Contains(err.Error(), "is not the URL") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", server, err)
		}
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	for status, body := range map[int]string{302: "", 200: "<html>", 500: "trouble", 404: `{"type":"about:blank","title":"x"}`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		if _, err := (&Client{Server: s.URL, Token: "gwt_x"}).Whoami(t.Context()); err == nil || strings.Contains(err.Error(), "gwt_x") {
			t.Errorf("%d: %v", status, err)
		}
		s.Close()
	}
}
