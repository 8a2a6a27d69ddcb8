package daemon

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/watcher"
)

// HookDo is what is done, or would be, about one piece of a project's wiring.
type HookDo string

// What may be done.
const (
	HookCreate HookDo = "create"
	HookChange HookDo = "change"
	HookLeave  HookDo = "leave" // it is right, or not ours
	HookRemove HookDo = "remove"
)

// HookStep is one line of a hooks plan.
type HookStep struct {
	Project   string `json:"project"` // its name
	ProjectID string `json:"projectId"`
	What      string `json:"what"`                    // integration, alert_config
	Event     string `json:"eventTypeName,omitempty"` // of an alert configuration
	ID        string `json:"id,omitempty"`
	Do        HookDo `json:"do"`
	Done      bool   `json:"done,omitempty"` // it was written, and read back
	Why       string `json:"why,omitempty"`
}

const (
	hookIntegration = "integration"
	hookAlertConfig = "alert_config"
)

// wakingEvents are the alertable event types of a project whose changes are worth a read
// at once: who may connect, who may manage the project, and which environment it is
// judged as. The rest of what Atlas can push is told by the feed soon enough, and every
// configuration is one more thing of ours in somebody's project.
func wakingEvents() []string {
	return []string{
		"NETWORK_PERMISSION_ENTRY_ADDED", "NETWORK_PERMISSION_ENTRY_UPDATED", "NETWORK_PERMISSION_ENTRY_REMOVED",
		"JOINED_GROUP", "REMOVED_FROM_GROUP", "USER_ROLES_CHANGED_AUDIT", "GROUP_TAGS_MODIFIED",
	}
}

// offered are the waking events that this Atlas can push and the watcher has a use for.
func offered(types []atlas.EventType, scope access.Scope) (out []string) {
	for _, name := range wakingEvents() {
		alertable := slices.ContainsFunc(types, func(t atlas.EventType) bool { return t.Name == name && t.Alertable })
		if alertable && len(watcher.KindsOf(scope, name)) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// wiring is what a project has.
type wiring struct {
	integration *atlas.WebhookIntegration // nil: none
	configs     []atlas.AlertConfig
}

// hookWish is what it should have.
type hookWish struct {
	url    string
	events []string
	renew  bool // write the secret anew: whether it is the right one cannot be read
}

// ours reports whether the project's integration points to us. Atlas stars the URL, so
// another receiver on the same host looks the same: give Gatewarden a host of its own.
// Ours always has a secret: one without is somebody else's, unless its URL is shown whole.
func (w wiring) ours(url string) bool {
	return w.integration != nil && w.integration.URL.Shows(url) && (w.integration.Secret || !w.integration.URL.Starred())
}

// mine reports whether a configuration is one of ours: of a waking event, and notifying
// us and nobody else. One to which somebody added a receiver is theirs.
func (w wiring) mine(c atlas.AlertConfig, url string) bool {
	return slices.Contains(wakingEvents(), c.EventType) && len(c.Notifications) == 1 && w.wakes(c.Notifications[0], url)
}

// wakes reports whether a notification comes to us, by its own URL or the integration's.
func (w wiring) wakes(n atlas.AlertNotification, url string) bool {
	if n.Type != "WEBHOOK" {
		return false
	}
	if n.URL == "" {
		return w.ours(url)
	}
	return n.URL.Shows(url)
}

// borrows reports whether a notification depends on the project's integration, as far as
// can be seen.
func (w wiring) borrows(n atlas.AlertNotification) bool {
	return n.Type == "WEBHOOK" && w.integration != nil &&
		(n.URL == "" || n.URL == w.integration.URL || n.IntegrationID != "" && n.IntegrationID == w.integration.ID)
}

// planInstall is pure: what there is, and what is wished for, to the steps.
func planInstall(w wiring, wish hookWish) []HookStep {
	steps := []HookStep{installIntegration(w, wish)}
	for _, event := range wish.events {
		steps = append(steps, installConfig(w, wish, event))
	}
	return steps
}

func installIntegration(w wiring, wish hookWish) HookStep {
	s := HookStep{What: hookIntegration, Do: HookCreate}
	if w.integration == nil {
		return s
	}
	s.ID = w.integration.ID
	switch {
	case !w.ours(wish.url):
		s.Do, s.Why = HookLeave, fmt.Sprintf("a project has one WEBHOOK integration, and this one points elsewhere, or has no secret as ours has (%s): it is left alone, and the alert configurations carry URL and secret themselves", w.integration.URL.Host())
	case !w.integration.Secret:
		s.Do, s.Why = HookChange, "it has no secret"
	case wish.renew:
		s.Do, s.Why = HookChange, "the secret is written anew"
	default:
		s.Do = HookLeave
	}
	return s
}

func installConfig(w wiring, wish hookWish, event string) HookStep {
	s := HookStep{What: hookAlertConfig, Event: event, Do: HookCreate}
	i := slices.IndexFunc(w.configs, func(c atlas.AlertConfig) bool { return c.EventType == event && w.mine(c, wish.url) })
	if i < 0 {
		return s
	}
	c := w.configs[i]
	s.ID = c.ID
	switch n := c.Notifications[0]; {
	case !c.Enabled:
		s.Do, s.Why = HookChange, "it is disabled"
	case c.Narrowed:
		s.Do, s.Why = HookChange, "its matchers keep alerts back"
	case n.DelayMinutes != 0:
		s.Do, s.Why = HookChange, fmt.Sprintf("it waits %d minutes", n.DelayMinutes)
	case wish.renew && !w.ours(wish.url):
		s.Do, s.Why = HookChange, "the secret is written anew"
	default:
		s.Do = HookLeave
	}
	return s
}

// planRemove is pure. Configurations go before the integration: Atlas refuses to delete
// one that is in use.
func planRemove(w wiring, url string) []HookStep {
	var steps []HookStep
	used := ""
	for _, c := range w.configs {
		switch {
		case w.mine(c, url):
			steps = append(steps, HookStep{What: hookAlertConfig, Event: c.EventType, ID: c.ID, Do: HookRemove})
		case c.Odd, slices.ContainsFunc(c.Notifications, w.borrows):
			used = cmp.Or(c.ID, "without an id")
		}
	}
	if w.integration == nil {
		return steps
	}
	s := HookStep{What: hookIntegration, ID: w.integration.ID, Do: HookRemove}
	switch {
	case !w.ours(url):
		s.Do, s.Why = HookLeave, fmt.Sprintf("it points elsewhere, or has no secret as ours has (%s)", w.integration.URL.Host())
	case used != "":
		s.Do, s.Why = HookLeave, "alert configuration "+used+", which is not of Gatewarden alone, uses it, or cannot be understood: change that one first"
	}
	return append(steps, s)
}
