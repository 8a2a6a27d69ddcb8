package scan

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

var t0 = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const (
	world0 = "0.0.0.0/0"
	org    = access.Scope("org." + orgID)
	prod   = access.Scope("prj." + prodID)
	dev    = access.Scope("prj." + devID)
)

func testPolicy() rules.Policy {
	return rules.Policy{
		Environments: []access.Environment{
			{Name: "prod", Projects: []string{"*-prod"}, Tags: map[string]string{"env": "prod"}}, {Name: "dev", Projects: []string{"*-dev"}, Tags: map[string]string{"env": "dev"}},
		},
		Identities: []access.Identity{
			{Class: access.ClassApp, Usernames: []string{"*_app_user"}, Owner: "shop", Roles: []access.RoleGrant{{Role: "readWrite", Database: "shop"}}},
			{Class: access.ClassMigration, Usernames: []string{"*_migration_*"}, MaxAge: 72 * time.Hour},
		},
		Networks: []access.Network{{Environment: "prod", Purposes: map[string][]string{"app": {"203.0.113.0/28"}}}},
	}
}

func mustLoad(t testing.TB, p rules.Policy, user ...rules.Source) *rules.Engine {
	t.Helper()
	e, err := rules.Load(p, user...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// drawPoll is one poll of one scope: some of its kinds are read.
func drawPoll(t *rapid.T, l *live) {
	some := func(label string, from []string, most int) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, most, rapid.ID[string]).Draw(t, label)
	}
	scope := rapid.SampledFrom([]access.Scope{prod, dev, org}).Draw(t, "scope")
	if scope == org {
		if rapid.Bool().Draw(t, "settings") {
			l.read(org, access.KindOrgSettings, access.OrgSettings{OrgID: orgID, MultiFactorAuthRequired: rapid.Bool().Draw(t, "mfa"), APIAccessListRequired: rapid.Bool().Draw(t, "list")})
		} else {
			var members []access.State
			for _, m := range some("members", []string{"alice@example.com", "rajesh@example.com", "mallory@example.net"}, 3) {
				members = append(members, access.OrgMember{Username: m, OrgRoles: some("roles", []string{"ORG_OWNER", "ORG_MEMBER"}, 2)})
			}
			l.read(org, access.KindOrgMember, members...)
		}
		l.judge(org)
		return
	}
	l.gap, l.silent = rapid.IntRange(0, 5).Draw(t, "gap") == 0, rapid.Bool().Draw(t, "silent")
	if rapid.IntRange(0, 4).Draw(t, "observed") == 0 {
		l.observe(scope)
	}
	for _, c := range slices.Clone(l.stream) {
		if c.change.Ref.Scope == scope && stateful(c.change) && c.change.Actor.Type == "" && !slices.ContainsFunc(l.stream, func(o stored) bool { return o.change.ID == c.change.ID && o.change.Rev > 0 }) && rapid.Bool().Draw(t, "late") {
			l.attribute(c.change)
		}
	}
	what := rapid.IntRange(1, 7).Draw(t, "kinds")
	if what&1 != 0 {
		l.read(scope, access.KindIPAccessEntry, entries(some("entries", []string{world0, "0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/29", "198.51.100.0/24", "::/0"}, 4)...)...)
	}
	if what&2 != 0 {
		var users []access.State
		for _, name := range some("users", []string{"a_app_user", "b_migration_1", "someone"}, 3) {
			u := user(name, rapid.Bool().Draw(t, "scoped"), some("grants", []string{"atlasAdmin", "read", "outer"}, 2)...)
			if rapid.IntRange(0, 3).Draw(t, "expires") == 0 {
				u.Labels = []access.Label{{Key: "expires", Value: l.now.Add(time.Duration(rapid.IntRange(1, 50).Draw(t, "hours")) * time.Hour).Format(time.RFC3339)}}
			}
			users = append(users, u)
		}
		l.read(scope, access.KindDatabaseUser, users...)
	}
	if what&4 != 0 {
		var roles []access.State
		for _, name := range some("custom", []string{"outer", "inner"}, 2) {
			roles = append(roles, access.CustomRole{Role: name, Inherits: []access.RoleGrant{{Role: rapid.SampledFrom([]string{"read", "atlasAdmin", "inner"}).Draw(t, "inherits"), Database: "admin"}}})
		}
		l.read(scope, access.KindCustomRole, roles...)
	}
	l.judge(scope)
}

func stateful(c access.Change) bool {
	return c.Op != access.OpAttributed && c.Op != access.OpObserved
}

// TestAgreement: what the daemon's stage told, judging after each poll and at each tick of
// its clock, is what a replay of what it left behind tells: every episode, when it opened
// and closed, by which cause and of which origin.
func TestAgreement(t *testing.T) {
	e, told := mustLoad(t, testPolicy()), 0
	rapid.Check(t, func(rt *rapid.T) {
		l := newLive(t, e).settle()
		var middle time.Time
		for n := rapid.IntRange(1, 10).Draw(rt, "polls"); n > 0; n-- {
			l.wait(time.Duration(rapid.IntRange(1, 12*60).Draw(rt, "minutes"))*time.Minute, time.Hour)
			if middle.IsZero() && rapid.IntRange(0, 4).Draw(rt, "middle") == 0 {
				middle = l.now.Add(-30 * time.Second)
			}
			drawPoll(rt, l)
		}
		l.wait(60*time.Hour, time.Hour)
		l.judge(org, prod, dev) // as a replay judges at the end of its history
		told += len(l.episodes(time.Time{}, true))
		if diff := cmp.Diff(l.episodes(time.Time{}, true), replayed(l.replay(t0.Add(-time.Hour), ReplayOptions{}), true)); diff != "" {
			rt.Fatalf("from the first sight (-daemon +replay):\n%s", diff)
		}
		if middle.IsZero() {
			return
		}
		middle = t0.Add(middle.Sub(t0).Truncate(time.Hour)) // on a tick
		if slices.ContainsFunc(l.stream, func(c stored) bool { return c.at.Equal(middle) }) {
			return // whether that stood or happened is a matter of taste
		}
		r := l.replay(middle, ReplayOptions{})
		if diff := cmp.Diff(l.episodes(middle, false), replayed(r, false)); diff != "" {
			rt.Fatalf("from %s on (-daemon +replay):\n%s", middle.Sub(t0), diff)
		}
	})
	t.Logf("%d episodes agree", told)
	if told == 0 {
		t.Error("nothing was told")
	}
}

func TestNothingIsRead(t *testing.T) {
	for name, text := range map[string]string{
		"empty":           "",
		"no history":      `{"v":1}` + "\n",
		"newer":           `{"history":{"v":3,"at":"2026-06-01T12:00:00Z"}}` + "\n",
		"cut":             `{"history":{"v":1,"since":"2026-05-01T12:00:00Z","at":"2026-06-01T12:00:00Z"}}` + "\n",
		"cut in a line":   `{"history":{"v":1,"since":"2026-05-01T12:00:00Z","at":"2026-06-01T12:00:00Z"}}` + "\n" + `{"chan`,
		"counts":          `{"history":{"v":1,"since":"2026-05-01T12:00:00Z","at":"2026-06-01T12:00:00Z"}}` + "\n" + `{"end":{"collections":1,"changes":0}}` + "\n",
		"after its end":   `{"history":{"v":1,"since":"2026-05-01T12:00:00Z","at":"2026-06-01T12:00:00Z"}}` + "\n" + `{"end":{"collections":0,"changes":0}}` + "\n" + `{"end":{"collections":0,"changes":0}}` + "\n",
		"a strange line":  `{"history":{"v":1,"since":"2026-05-01T12:00:00Z","at":"2026-06-01T12:00:00Z"}}` + "\n" + `{"x":1}` + "\n",
		"a strange scope": `{"history":{"v":1,"since":"2026-05-01T12:00:00Z","at":"2026-06-01T12:00:00Z"}}` + "\n" + `{"change":{"ref":{"scope":"x"}}}` + "\n",
	} {
		file := filepath.Join(t.TempDir(), "history")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Replay(file, ReplayOptions{New: Rulebook{Engine: mustLoad(t, testPolicy())}}); err == nil {
			t.Errorf("%s: it is replayed", name)
		} else if !strings.Contains(err.Error(), "the history") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
