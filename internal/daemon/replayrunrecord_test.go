package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/rules"
)

// TestRevertWithoutReplayWarns: each rule that a response turns to revert is warned of, once,
// until it was replayed over a week of history that was watched; then again once it would run
// otherwise.
func TestRevertWithoutReplayWarns(t *testing.T) {
	edit := func(conf string) string {
		conf = strings.Replace(conf, "dry_run: false", "dry_run: false\nrules: {only: [network/open-to-world, dbuser/expired-migration-user]}", 1)
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
		began := time.Now()
		check := func(when string, missing int, says string, warned ...string) {
			t.Helper()
			var got []string
			for _, l := range logs.TakeAll() {
				if rule, ok := l.ContextMap()["rule"].(string); ok && l.ContextMap()["mend"] == replayFirst {
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
			list, known := NeverReplayed(t.Context(), f, "", "", s.client())
			if !known || len(list) != missing || missing > 0 && !strings.Contains(list[0].Why(), says) {
				t.Errorf("%s: a check says %+v, %t", when, list, known)
			}
		}
		const never = "was not replayed within 90 days as it is"
		both := []string{"dbuser/expired-migration-user", "network/open-to-world"}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		check("at first", 2, never, both...)
		s.replay(ReplayOptions{Since: "1m"})
		check("after a replay of a minute", 2, "over 1m of watched history only, which begins at "+began.Add(10*time.Minute).UTC().Format(time.RFC3339)+": that is not enough, want 7d at least", both...)
		s.watchedSince(began.Add(-156 * time.Hour))
		var notes []string
		r := s.replay(ReplayOptions{Since: "30d", Note: func(text string) { notes = append(notes, text) }})
		check("after a replay of what is no week", 2, "over 6d1")
		if len(notes) != 1 || !strings.Contains(notes[0], "covers 6d1") || !r.Since.Equal(began.Add(-156*time.Hour)) || r.Until.Sub(r.Asked) != 30*24*time.Hour || !strings.HasPrefix(r.Notes[0], "history begins at "+r.Since.Format(time.RFC3339)+", asked for ") {
			t.Errorf("notes %v, from %s, asked %s: %v", notes, r.Since, r.Asked, r.Notes)
		}
		s.watchedSince(began.Add(-168 * time.Hour))
		s.replay(ReplayOptions{Since: "30d", Projects: []string{"ecommerce-prod"}})
		check("after a replay of one project", 2, "over 6d1")
		s.replay(ReplayOptions{Since: "30d"})
		check("after a replay", 0, "")
		s.replay(ReplayOptions{Since: "1h"})
		check("a short one afterwards", 0, "")
		for _, c := range []struct {
			edit   string
			warned []string
		}{
			{"rules: {only => rules: {override: {dbuser/expired-migration-user: {params: {atlas_lag: 20m}}}, only", both[:1]},
			{"{params: {atlas_lag: 20m}} => {severity: low}", both[:1]},
			{"{severity: low} => {environments: [prod]}", both[:1]},
			{"do: revert => do: revert, grace: 5m", both},
			{`["*-prod"], tags => ["*-prod", "shop-*"], tags`, both},
		} {
			if err := s.reconfigure(c.edit); err != nil {
				t.Fatal(err)
			}
			check(c.edit, len(c.warned), never, c.warned...)
			s.replay(ReplayOptions{Since: "8d"})
			check("after a replay of that", 0, "")
		}
		if _, err := s.daemon.replayed.Flush(t.Context()); err != nil {
			t.Errorf("flush beside the ledgers: %v", err)
		}
	})
}

// watchedSince makes the store say that it has watched since a time.
func (s *stage) watchedSince(begin time.Time) {
	s.t.Helper()
	ctx := s.t.Context()
	keys, err := s.daemon.inventory.Keys(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range keys {
		if _, err := s.daemon.inventory.Update(ctx, k, func(c access.Collection, _ uint64) (*access.Collection, []access.Out, error) {
			c.FirstRead = begin
			return &c, nil, nil
		}); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.daemon.history.Update(ctx, string(access.ProjectScope(s.atlas.ProjectID("ecommerce-prod"))), func(h access.History, _ uint64) (*access.History, []access.Out, error) {
			h.Feed[0].From = begin
			return &h, nil, nil
		}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestStoredReplays(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	rule := rules.Rule{ID: "a/b", Text: "x", Params: map[string]any{"n": int64(1)}, Severity: access.High, Ceiling: access.CeilingAuto}
	under := terms{"v1", "all that is declared", []access.Response{{Rules: []string{"a/*"}, Do: access.ModeRevert}, {Rules: []string{"z/*"}}}}
	hash := ruleHash(rule, under)
	for what, change := range map[string]func(*rules.Rule, *terms){
		"text":         func(r *rules.Rule, _ *terms) { r.Text = "y" },
		"params":       func(r *rules.Rule, _ *terms) { r.Params = map[string]any{"n": int64(2)} },
		"severity":     func(r *rules.Rule, _ *terms) { r.Severity = access.Low },
		"environments": func(r *rules.Rule, _ *terms) { r.Environments = []string{"prod"} },
		"ceiling":      func(r *rules.Rule, _ *terms) { r.Ceiling = access.CeilingAsk },
		"remedy":       func(r *rules.Rule, _ *terms) { r.Remedy = "none" },
		"program":      func(_ *rules.Rule, t *terms) { t.version = "v2" },
		"declared":     func(_ *rules.Rule, t *terms) { t.declared = "something else" },
		"mode": func(_ *rules.Rule, t *terms) {
			t.responses = []access.Response{{Rules: []string{"a/*"}, Do: access.ModeNotify}}
		},
		"where it is": func(_ *rules.Rule, t *terms) {
			t.responses = []access.Response{{Environments: []string{"dev"}, Do: access.ModeRevert}}
		},
	} {
		r, u := rule, under
		if change(&r, &u); ruleHash(r, u) == hash {
			t.Errorf("a hash knows nothing of %s", what)
		}
	}
	same := under
	same.responses = []access.Response{{Do: access.ModeRevert}, {Rules: []string{"y/*"}}}
	if ruleHash(rule, same) != hash {
		t.Error("a hash knows responses of other rules")
	}
	week := scan.Length(replaySpan)
	one := func(hash string, covered scan.Length) map[string]StoredReplay {
		return map[string]StoredReplay{"a/b": {Hash: hash, Covered: covered}}
	}
	s := StoredReplays{}.with(one("1", week), now).with(one("2", week), now.Add(time.Hour)).with(one("3", week-1), now)
	for _, c := range []struct {
		id, hash      string
		at            time.Time
		missing, some bool
	}{
		{"a/b", "1", now, false, false}, {"a/b", "2", now, false, false}, {"a/b", "3", now, true, true}, {"a/b", "4", now, true, false}, {"a/c", "1", now, true, false},
		{"a/b", "1", now.Add(replayHolds), false, false}, {"a/b", "1", now.Add(replayHolds + 1), true, false}, {"a/b", "2", now.Add(replayHolds + 1), false, false},
	} {
		if got, missing := s.missing(c.id, c.hash, c.at); missing != c.missing || got.Replayed != c.some {
			t.Errorf("%+v: %+v %t", c, got, missing)
		}
	}
	if again := s.with(one("1", week), now.Add(2*time.Hour)); len(again.Rules["a/b"]) != 3 || again.Rules["a/b"][0].Hash != "1" {
		t.Errorf("replayed again: %+v", again)
	}
	if later := s.with(map[string]StoredReplay{"z": {}}, now.Add(replayHolds+time.Minute)); len(later.Rules["a/b"]) != 1 {
		t.Errorf("much later: %+v", later)
	}
	for i := range 20 {
		s = s.with(one(strings.Repeat("x", i), 0), now)
	}
	if n := len(s.Rules["a/b"]); n != replaysKept {
		t.Errorf("%d of one rule are kept", n)
	}
	for text, want := range map[string]bool{"a/b": true, "a/*": true, "": true, "b/*": false} {
		r := access.Response{Do: access.ModeRevert}
		if text != "" {
			r.Rules = []string{text}
		}
		if got := reverted([]access.Response{{Do: access.ModeNotify}, r}, "a/b"); got != want {
			t.Errorf("a response of %q: %t", text, got)
		}
	}
}

// TestReplayRequests: what nobody could have asked for is refused, and nothing that is said
// about a replay is taken down for one.
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
		post := func(body string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/replays", strings.NewReader(body)))
			return w
		}
		by := s.daemon.settings.get()
		asked := func(edit func(*replayRequest)) string {
			r := requestOf(by, "test", "30d")
			edit(&r)
			raw, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		hash := ruleHash(by.engine.Rules()[0], termsOf(by.rules, by.policy, "test"))
		for _, body := range []string{
			"", "{}", `{"v":2}`, strings.Repeat(" ", 20<<20),
			fmt.Sprintf(`{"v":1,"since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z","rules":{"network/open-to-world":{"hash":%q}}}`, hash),
			asked(func(r *replayRequest) { r.Since = "" }),
			asked(func(r *replayRequest) { r.Version = "v9" }),
			asked(func(r *replayRequest) { r.Book.Hash = "another" }),
			asked(func(r *replayRequest) { r.Book.Rules = []rules.Source{{Name: "own.yaml", Text: []byte("id: no/rule")}} }),
		} {
			if w := post(body); w.Code != http.StatusBadRequest {
				t.Errorf("%.80q: %d %s", body, w.Code, w.Body)
			}
		}
		s.daemon.replaying.Lock()
		if w := post(asked(func(*replayRequest) {})); w.Code != http.StatusConflict {
			t.Errorf("a second one: %d %s", w.Code, w.Body)
		}
		s.daemon.replaying.Unlock()
		if known, _, err := s.daemon.replayed.Get(t.Context(), replaysKey); err != nil || len(known.Rules) > 0 {
			t.Errorf("taken down: %+v, %v", known, err)
		}
		w := post(asked(func(*replayRequest) {}))
		var taken TakenDown
		if err := json.Unmarshal(w.Body.Bytes(), &taken); err != nil || w.Code != http.StatusOK || taken.Enough || time.Duration(taken.Covered) > time.Minute || !slices.Contains(taken.Rules, "network/open-to-world") {
			t.Errorf("a replay of 30 days, of which a minute is there: %d %s, %v", w.Code, w.Body, err)
		}
		if left, err := filepath.Glob(filepath.Join(s.daemon.opts.File.NATS.Store, "replay-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// TestReplayIsOfWhatIsDeclared: a replay under other declarations or guards stands for nothing
// now. Those that only ever keep a rule from a revert, and come and go, are none.
func TestReplayIsOfWhatIsDeclared(t *testing.T) {
	const conf = `
atlas:
  profile: observe
  orgs: [{id: 64f000000000000000000000, read: {client_id: {env: A}, client_secret: {env: B}}}]
environments: {prod: {projects: ["*-prod"]}}
networks: {prod: {app: [203.0.113.0/24]}}
identities: [{class: platform_admin, usernames: [ops_root], roles: [atlasAdmin@admin]}, {class: app, usernames: ["*_app_user"]}]
sensitive: [{ns: shop.cards, readers: [pii_*]}]
matrix: {dba: {prod: [GROUP_READ_ONLY]}}
guards: {never_touch: [legacy-*], settle: {other: 5m}}
responses: [{rules: [network/open-to-world, dbuser/atlas-admin-app], do: revert}]
`
	t.Setenv("A", "x")
	t.Setenv("B", "y")
	t.Setenv("C", "z")
	made := func(text string) *settings {
		t.Helper()
		name := filepath.Join(t.TempDir(), "c.yaml")
		f, err := config.Load(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s, err := build(f)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	now, old := time.Now(), made(conf)
	known := StoredReplays{}
	for _, u := range unreplayed(old, "v1", known, now) {
		known = known.with(map[string]StoredReplay{u.Rule: {Hash: u.hash, Covered: scan.Length(replaySpan)}}, now)
	}
	if len(known.Rules) != 2 {
		t.Fatalf("replayed: %v", known.Rules)
	}
	for what, c := range map[string]struct {
		from, to string
		want     int
	}{
		"the same":                           {"", "", 0},
		"networks are declared no more":      {"networks: {prod: {app: [203.0.113.0/24]}}", "", 2},
		"an administrator becomes an app":    {"class: platform_admin, usernames: [ops_root], roles: [atlasAdmin@admin]", "class: app, usernames: [ops_root]", 2},
		"more is prod":                       {`projects: ["*-prod"]`, `projects: ["*-prod", "x-*"]`, 2},
		"nothing is sensitive":               {"sensitive: [{ns: shop.cards, readers: [pii_*]}]", "", 2},
		"no matrix":                          {"matrix: {dba: {prod: [GROUP_READ_ONLY]}}", "", 2},
		"nothing is never touched":           {"never_touch: [legacy-*], ", "", 2},
		"nothing settles":                    {"other: 5m", "other: 0s", 2},
		"more may be reverted":               {"settle: {", "caps: {project_hour: 50}, settle: {", 2},
		"credentials of our own are others":  {"client_id: {env: A}", "client_id: {env: C}", 2},
		"notifications go elsewhere":         {"responses:", "routes: [{to: [log]}]\nresponses:", 0},
		"the parameter of another rule":      {"responses:", "rules: {override: {member/role-raised: {params: {setup: 2h}}}}\nresponses:", 0},
		"another rule is turned to a revert": {"[network/open-to-world, dbuser", "[dbuser/expired-migration-user, network/open-to-world, dbuser", 1},
		"waived":                             {"responses:", "waivers: [{id: w1, rule: network/open-to-world, project: shop, owner: alice, reason: the move, granted: 2026-01-01T00:00:00Z, until: 2026-01-01T12:00:00Z}]\nresponses:", 0},
	} {
		if n := len(unreplayed(made(strings.Replace(conf, c.from, c.to, 1)), "v1", known, now)); n != c.want {
			t.Errorf("%s: %d rules count as not replayed, want %d", what, n, c.want)
		}
	}
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
	for text, want := range map[string]string{
		"3650d": "", "87600h": "", "2016-07-02T12:00:00Z": "", "3651d": "10 years", "87601h": "10 years", "2016-07-01": "10 years",
		"213504d": "10 years", "320256d": "10 years", "99999999999999999999d": "10 years", "0001-01-01": "10 years", "9999999h": "want a length",
		"-1d": "before now", "-213504d": "before now", "0d": "before now", "-1h": "before now", "2026-07-01": "before now", "d": "want a length", "soon": "want a length",
	} {
		if _, err := Since(text, now); (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), text)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
