package daemon

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestRevertThatIsOnlyTold: a response that says revert of a rule that asks, or that is
// about the org, is named once in the log, and nothing is ever written for it.
func TestRevertThatIsOnlyTold(t *testing.T) {
	for name, c := range map[string]struct{ also, more, want string }{
		"a rule that asks":  {"", "rules: {override: {network/open-to-world: {ceiling: ask}}}\n", "network/open-to-world (its ceiling is ask"},
		"a rule on the org": {", invite/stale", "rules: {only: [invite/stale, network/open-to-world, dbuser/unscoped], override: {network/open-to-world: {ceiling: ask}}}\n", "invite/stale (it is about the organization"},
	} {
		bubble(t, func(conf string) string {
			return strings.Replace(conf, `"dbuser/*"]`, `"dbuser/*"`+c.also+"]", 1) + c.more
		}, func(t *testing.T, s *stage) {
			core, logs := observer.New(zapcore.WarnLevel)
			f, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if s.daemon, err = Start(ctx, Options{File: f, Load: s.load, Transport: s.transport(), NoListen: true, Logger: zap.New(core)}); err != nil {
				t.Fatal(err)
			}
			s.cancel = cancel
			s.steps("at 2m " + addWorld)
			pass(20 * time.Minute)
			if err := s.daemon.Reload(); err != nil {
				t.Fatal(err)
			}
			pass(20 * time.Minute)
			told := 0
			for _, l := range logs.All() {
				if w, _ := l.ContextMap()["warning"].(string); strings.Contains(w, c.want) {
					told++
				}
			}
			if _, found := s.finding(openWorld, "0.0.0.0/0"); !found || told != 1 || len(s.effectsOfOurs()) > 0 {
				t.Errorf("%s: found %t, told %d times, written %v", name, found, told, s.effectsOfOurs())
			}
		})
	}
}
