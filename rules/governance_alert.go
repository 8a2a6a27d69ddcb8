package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	govWebhook = "WEBHOOK" // type of an integration and of a notification
	govTeams   = "MICROSOFT_TEAMS"
)

// govAlert is what became of an alert configuration.
type govAlert struct {
	how   string // deleted, disabled, or one that told us and does not now; empty: none of these
	event string // what it told of, where it can be read
	ours  bool   // it told us
}

func (s *subject) govAlert() govAlert {
	c := s.change
	before, was := access.As[access.AlertConfig](c.Before)
	after, is := access.As[access.AlertConfig](c.After)
	out := govAlert{event: before.EventType, ours: was && s.govTellsUs(before)}
	switch {
	case c.Op == access.OpDeleted:
		out.how = "deleted"
	case was && is && before.Enabled && !after.Enabled:
		out.how = "disabled"
	case out.ours && is && !s.govTellsUs(after):
		out.how = "pointed away from us"
	case out.ours && is && (before.EventType != after.EventType || !slices.Equal(before.Matchers, after.Matchers)):
		out.how = "changed so that it tells of something else"
	case was && is && before.Enabled && len(before.Notifications) > 0 && len(after.Notifications) == 0:
		out.how = "left with nobody to tell"
	case c.Op == access.OpObserved && c.Type == "ALERT_CONFIG_DELETED_AUDIT":
		out.how = "deleted"
	case c.Op == access.OpObserved && c.Type == "ALERT_CONFIG_DISABLED_AUDIT":
		out.how = "disabled"
	default:
		return govAlert{}
	}
	return out
}

// govTellsUs reports whether a configuration notifies our own webhook: by its URL, or by
// the project's webhook integration.
func (s *subject) govTellsUs(a access.AlertConfig) bool {
	return slices.ContainsFunc(a.Notifications, func(n access.Notification) bool {
		if n.Type != govWebhook || n.Target != "" {
			return n.Type == govWebhook && s.w.govOurHost(n.Target)
		}
		return slices.ContainsFunc(access.States[access.Integration](s.w.in.Collections[access.KindIntegration]), func(i access.Integration) bool {
			return i.Type == govWebhook && s.w.govOurHost(i.Target)
		})
	})
}

func (w *world) govOurHost(host string) bool {
	return host != "" && slices.ContainsFunc(w.Hooks, func(h string) bool { return strings.EqualFold(h, host) })
}

// govAlertBack reports whether the configuration is enabled again, or another one tells
// the same receivers of the same.
func (s *subject) govAlertBack() bool {
	before, was := access.As[access.AlertConfig](s.change.Before)
	for _, a := range access.States[access.AlertConfig](s.w.in.Collections[access.KindAlertConfig]) {
		if a.Enabled && (a.ID == s.change.Ref.Name && (!was || s.govTellsAgain(a, before)) || was && govSameAlert(a, before)) {
			return true
		}
	}
	return false
}

// govTellsAgain reports whether a configuration does what it did before: of ours, that it
// tells us of the same; of another one, that it tells anybody, if it did.
func (s *subject) govTellsAgain(a, before access.AlertConfig) bool {
	if s.govTellsUs(before) {
		return s.govTellsUs(a) && a.EventType == before.EventType && slices.Equal(a.Matchers, before.Matchers)
	}
	return len(a.Notifications) > 0 || len(before.Notifications) == 0
}

func govSameAlert(a, b access.AlertConfig) bool {
	return a.EventType == b.EventType && a.Threshold == b.Threshold && slices.Equal(a.Matchers, b.Matchers) &&
		slices.EqualFunc(a.Notifications, b.Notifications, func(x, y access.Notification) bool { return x.Type == y.Type && x.Target == y.Target })
}

// govHook is a way out of Atlas that is new, or leads elsewhere.
type govHook struct{ how, to string }

func (s *subject) govHook() govHook {
	switch s.change.Ref.Kind {
	case access.KindIntegration:
		return s.govIntegration()
	case access.KindAlertConfig:
		return s.govReceiver()
	}
	return govHook{}
}

func (s *subject) govIntegration() govHook {
	c := s.change
	before, _ := access.As[access.Integration](c.Before)
	after, is := access.As[access.Integration](c.After)
	to := cmpOr(after.Target, "an address that Atlas does not show")
	switch {
	case is && after.Type == govWebhook && s.w.govOurHost(after.Target):
		return govHook{}
	case c.Op == access.OpCreated:
		return govHook{"integration " + after.Name() + " was added", to}
	case c.Op == access.OpUpdated && before.Target != after.Target:
		return govHook{"integration " + after.Name() + " was pointed elsewhere", to}
	case c.Op == access.OpUpdated && before.TargetHash != after.TargetHash:
		return govHook{"integration " + after.Name() + " was changed", to}
	case c.Op == access.OpObserved && c.Type == "INTEGRATION_CONFIGURED":
		return govHook{"an integration was configured anew, and shows no difference", "an address that Atlas does not show"}
	case c.Op == access.OpObserved && (strings.HasSuffix(c.Type, "_ENABLED") || strings.HasSuffix(c.Type, "_CONFIGURATION_UPDATED")):
		return govHook{"an export of logs was set up or changed (" + c.Type + ")", "a receiver that Atlas does not show"}
	}
	return govHook{}
}

// govReceiver finds a webhook among the receivers of an alert configuration that was not
// there before. People, mail and chat services are no webhooks.
func (s *subject) govReceiver() govHook {
	before, _ := access.As[access.AlertConfig](s.change.Before)
	after, _ := access.As[access.AlertConfig](s.change.After)
	for _, n := range after.Notifications {
		known := slices.ContainsFunc(before.Notifications, func(o access.Notification) bool {
			return o.Type == n.Type && o.Target == n.Target && o.TargetHash == n.TargetHash
		})
		if (n.Type == govWebhook || n.Type == govTeams) && n.Target != "" && !known && !s.w.govOurHost(n.Target) {
			return govHook{"an alert configuration for " + after.EventType + " notifies a webhook that it did not before", n.Target}
		}
	}
	return govHook{}
}

// govOurHook reports whether the change is of what wakes us: our own tool for it writes
// without an action.
func (s *subject) govOurHook() bool {
	if s.change.Op == access.OpObserved {
		k := s.change.Ref.Kind
		return len(s.w.Hooks) > 0 && (k == access.KindIntegration || k == access.KindAlertConfig)
	}
	for _, b := range []access.Box{s.change.Before, s.change.After} {
		switch t := b.State.(type) {
		case access.Integration:
			if t.Type == govWebhook && s.w.govOurHost(t.Target) {
				return true
			}
		case access.AlertConfig:
			if slices.ContainsFunc(t.Notifications, func(n access.Notification) bool {
				return n.Type == govWebhook && (n.Target == "" && len(s.w.Hooks) > 0 || s.w.govOurHost(n.Target))
			}) {
				return true
			}
		}
	}
	return false
}
