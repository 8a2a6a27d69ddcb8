package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas"
)

// An integration of somebody else on the same host looks like ours but for its secret:
// ours always has one.
func TestHooksLeaveAnIntegrationThatOursCannotBe(t *testing.T) {
	has := wiring{integration: &atlas.WebhookIntegration{ID: "i", URL: "https://gatewarden.example.com/****"}}
	for _, s := range append(planInstall(has, hookWish{url: hookURL, events: wakingEvents(), renew: true}), planRemove(has, hookURL)...) {
		if s.What == hookIntegration && s.Do != HookLeave {
			t.Errorf("%s %s", s.Do, s.What)
		}
	}
}

// What of a webhook's URL follows its host is a secret of somebody else, and a plan is
// printed into logs.
func TestHookPlansPrintNoURL(t *testing.T) {
	has := wiring{integration: &atlas.WebhookIntegration{ID: "i", URL: "https://user:fake-password@chat.example.com/services/fake-token", Secret: true}}
	for _, s := range append(planInstall(has, hookWish{url: hookURL}), planRemove(has, hookURL)...) {
		if strings.Contains(s.Why, "fake-") || !strings.Contains(s.Why, "chat.example.com") {
			t.Errorf("why: %q", s.Why)
		}
	}
}

// A configuration that cannot be understood may be one that the integration is for.
func TestHooksRemoveLeavesWhatAnOddConfigurationMayUse(t *testing.T) {
	has := wiring{&atlas.WebhookIntegration{ID: "i", URL: "https://gatewarden.example.com/****", Secret: true}, []atlas.AlertConfig{{Odd: true}}}
	for _, s := range planRemove(has, hookURL) {
		if s.Do != HookLeave {
			t.Errorf("%s %s", s.Do, s.What)
		}
	}
}

// The start is told by the local clock, since Atlas has not answered yet. If that is ahead,
// every alert would seem to be from before the start for as long.
func TestReplaysOfAStartAheadOfAtlas(t *testing.T) {
	atlasTime := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	r := newReplays(atlasTime.Add(time.Hour))
	old := alert{id: "old", updated: atlasTime.Add(-10 * time.Minute)}
	fresh := alert{id: "fresh", updated: atlasTime}
	if r.admit(old, atlasTime) || !r.admit(fresh, atlasTime) || r.admit(fresh, atlasTime) {
		t.Error("an alert of now is refused, or an old or repeated one is not")
	}
}
