package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Command runs a slash command in a channel: "/gatewarden status". Names after @ and #
// become mentions, as for an app whose manifest says should_escape.
func (s *Slack) Command(user, channel, text string) (*Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.commanding(user, channel, text)
	if err != nil {
		return nil, fmt.Errorf("running %s as %s: %w", text, user, err)
	}
	return s.deliver(d), nil
}

func (s *Slack) commanding(user, channel, text string) (*delivery, error) {
	u, err := s.userAt(user)
	if err != nil {
		return nil, err
	}
	ch := s.place.channels[channel]
	if ch == nil || !ch.sees(u) {
		return nil, fmt.Errorf("channel %s is not in their list", channel)
	}
	command, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if !slices.Contains(s.place.Commands, command) || s.uninstalled || u.Stranger {
		return nil, fmt.Errorf("%s is not a valid command", command)
	}
	link := s.newHook("commands", u, ch, nil)
	h := &hook{user: u.ID, channel: ch.ID}
	form := map[string]any{
		"token": "deprecated-verification-token", "team_id": u.TeamID, "team_domain": s.place.Domain, "channel_id": ch.ID,
		"channel_name": ch.wireName(), "user_id": u.ID, "user_name": u.Name, "command": command, "text": s.escape(strings.TrimSpace(rest)),
		"api_app_id": s.place.AppID, "is_enterprise_install": "false", "response_url": link, "trigger_id": s.trigger(u, ""),
	}
	if s.place.EnterpriseID != "" {
		form["enterprise_id"], form["enterprise_name"] = s.place.EnterpriseID, s.place.TeamName
	}
	return &delivery{
		Delivery: Delivery{Type: "slash_commands", User: u.ID}, envelope: "slash_commands", answers: true, form: form,
		acked: func(ack json.RawMessage) {
			var a args
			if json.Unmarshal(ack, &a) == nil && len(a) > 0 {
				_ = s.respond(h, a) // what cannot be shown is not shown
			}
		},
	}, nil
}

var mention = regexp.MustCompile(`[@#][a-z0-9._-]+`)

// escape is a command's text as Slack sends it: entities, and mentions by id.
func (s *Slack) escape(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return mention.ReplaceAllStringFunc(text, func(name string) string {
		for _, u := range s.place.users {
			if name == "@"+u.Name {
				return "<@" + u.ID + "|" + u.Name + ">"
			}
		}
		for _, g := range s.place.groups {
			if name == "@"+g.Handle {
				return "<!subteam^" + g.ID + "|" + name + ">"
			}
		}
		for _, c := range s.place.channels {
			if name == "#"+c.Name {
				return "<#" + c.ID + "|" + c.Name + ">"
			}
		}
		return name
	})
}

// OpenHome opens the app's Home tab, and tells the app so.
func (s *Slack) OpenHome(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.userAt(user)
	if err == nil && (u.Bot || u.Stranger) {
		err = errors.New("the app is not in their list")
	}
	if err != nil {
		return fmt.Errorf("opening the Home tab as %s: %w", user, err)
	}
	event := map[string]any{
		"type": "app_home_opened", "user": u.ID, "channel": s.place.dm(u).ID, "tab": "home", "event_ts": s.stamp(),
	}
	if v := s.homes[u.ID]; v != nil {
		event["view"] = s.viewWire(v)
	}
	s.event(u.ID, event)
	return nil
}

// event sends the app an event, and again when it is not acknowledged: at once, after
// a minute, after five. The lock is held.
func (s *Slack) event(user string, event map[string]any) {
	kind, _ := event["type"].(string)
	s.attempt(user, kind, "", 0, map[string]any{
		"token": "deprecated-verification-token", "team_id": s.place.TeamID, "api_app_id": s.place.AppID, "type": "event_callback",
		"event_id": s.id("Ev"), "event_time": s.now().Unix(), "event": event, "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": s.place.TeamID, "user_id": s.place.BotUserID, "is_bot": true, "is_enterprise_install": false,
		}},
	})
}

func (s *Slack) attempt(user, kind, reason string, n int, form map[string]any) {
	waits := []time.Duration{0, time.Minute, 5 * time.Minute}
	d := &delivery{Delivery: Delivery{Type: kind, User: user, Retry: n}, envelope: "events_api", form: form, reason: reason}
	d.failed = func(string) {
		if n >= len(waits) || d.noRetry {
			return
		}
		s.after(waits[n], func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.attempt(user, kind, d.retryReason(), n+1, form)
		})
	}
	s.deliver(d)
}
