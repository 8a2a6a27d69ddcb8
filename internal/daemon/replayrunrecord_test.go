package daemon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// TestRevertWithoutReplayWarns: each rule that a response turns to revert is warned of, once,
// until it was replayed; then again once it says something else.
func TestRevertWithoutReplayWarns(t *testing.T) {
	edit := func(conf string) string {
		return strings.Replace(conf, `rules: ["network/*", "dbuser/*"]`, `rules: [network/open-to-world, dbuser/expired-migration-user]`, 1)
	}
	bubble(t, edit, func(t *testing.T, s *stage) {
		core, logs := observer.New(zap.WarnLevel)
		f, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if s.daemon, err = Start(ctx, Options{File: f, Load: s.load, Transport: s.transport(), NoListen: true, Logger: zap.New(core)}); err != nil {
			t.Fatal(err)
		}
		s.cancel = cancel
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		check := func(when string, missing int, warned ...string) {
			t.Helper()
			var got []string
			for _, l := range logs.TakeAll() {
				if rule, ok := l.ContextMap()["rule"].(string); ok {
					got = append(got, rule)
				}
			}
			if n := testutil.ToFloat64(s.daemon.metrics.unreplayed); n != float64(missing) || !slices.Equal(got, warned) {
				t.Errorf("%s: %v rules without a replay, warned of %v; want %d and %v", when, n, got, missing, warned)
			}
			f, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			if ids, known := Unreplayed(t.Context(), f, "", s.client()); !known || len(ids) != missing {
				t.Errorf("%s: a check says %v, %t", when, ids, known)
			}
		}
		check("at first", 2, "dbuser/expired-migration-user", "network/open-to-world")
		s.replay(ReplayOptions{Since: "1h", Projects: []string{"ecommerce-prod"}})
		check("after a replay of one project", 2)
		s.replay(ReplayOptions{Since: "1h"})
		check("after a replay", 0)
		if err := s.reconfigure("dry_run: false => dry_run: false\nrules: {override: {dbuser/expired-migration-user: {params: {atlas_lag: 20m}}}}"); err != nil {
			t.Fatal(err)
		}
		check("with other parameters", 1, "dbuser/expired-migration-user")
		s.replay(ReplayOptions{Since: "1h"})
		check("after a replay of those", 0)
		if _, err := s.daemon.replayed.Flush(t.Context()); err != nil {
			t.Errorf("flush beside the ledgers: %v", err)
		}
	})
}

func TestStoredReplays(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	rule := rules.Rule{ID: "a/b", Text: "x", Params: map[string]any{"n": int64(1)}}
	other := rule
	other.Params = map[string]any{"n": int64(2)}
	if ruleHash(rule) == ruleHash(other) {
		t.Error("a hash is of text and parameters")
	}
	record := func(r rules.Rule) ReplayRecord {
		return ReplayRecord{V: 1, Since: now.Add(-time.Hour), Until: now, Rules: map[string]RuleReplayed{r.ID: {Hash: ruleHash(r)}}}
	}
	s := StoredReplays{}.with(record(rule), now).with(record(other), now.Add(time.Hour))
	for _, c := range []struct {
		rule rules.Rule
		at   time.Time
		want bool
	}{
		{rule, now, true}, {other, now, true}, {rules.Rule{ID: "a/b", Text: "y"}, now, false}, {rules.Rule{ID: "a/c", Text: "x"}, now, false},
		{rule, now.Add(replayHolds), true}, {rule, now.Add(replayHolds + 1), false}, {other, now.Add(replayHolds + 1), true},
	} {
		if got := s.holds(c.rule, c.at); got != c.want {
			t.Errorf("%+v at %s: %t", c.rule, c.at, got)
		}
	}
	if again := s.with(record(rule), now.Add(2*time.Hour)); len(again.Rules["a/b"]) != 2 || again.Rules["a/b"][0].Hash != ruleHash(rule) {
		t.Errorf("replayed again: %+v", again)
	}
	if later := s.with(record(rules.Rule{ID: "z"}), now.Add(replayHolds+time.Minute)); len(later.Rules["a/b"]) != 1 {
		t.Errorf("much later: %+v", later)
	}
	for i := range 20 {
		s = s.with(record(rules.Rule{ID: "a/b", Text: strings.Repeat("x", i)}), now)
	}
	if n := len(s.Rules["a/b"]); n != replaysKept {
		t.Errorf("%d texts of one rule are kept", n)
	}
	for text, want := range map[string]bool{"a/b": true, "a/*": true, "": true, "b/*": false} {
		r := access.Response{Do: access.ModeRevert}
		if text != "" {
			r.Rules = []string{text}
		}
		if got := reverted(&config.File{Responses: []access.Response{{Do: access.ModeNotify}, r}}, "a/b"); got != want {
			t.Errorf("a response of %q: %t", text, got)
		}
	}
}

func TestReplayRequests(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		h := s.daemon.admin()
		for _, since := range []string{"", "x", "-1d", "2199-01-01", "0d"} {
			if code, body := ask(h, "GET", "/api/v1/history?since="+since); code != http.StatusBadRequest {
				t.Errorf("since %q: %d %s", since, code, body)
			}
		}
		for _, body := range []string{"", "{}", `{"v":2}`, `{"v":1,"since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}`, `{"v":1,"since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z","rules":{"a":{}}}`, strings.Repeat(" ", 2<<20)} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/replays", strings.NewReader(body)))
			if w.Code != http.StatusBadRequest {
				t.Errorf("%.40q: %d %s", body, w.Code, w.Body)
			}
		}
	})
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"30d": now.AddDate(0, 0, -30), "36h": now.Add(-36 * time.Hour), "2026-06-01": time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		"2026-06-01T02:00:00+02:00": time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := Since(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}
