package slackfake

import (
	"fmt"
	"slices"
)

// Down makes Slack unreachable, or reachable again: requests are reset, sockets cut.
// The page stays, so that one can look.
func (s *Slack) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	if down {
		s.dropSockets()
	}
	s.changed()
}

func (s *Slack) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// DropSockets cuts every socket as a broken network does.
func (s *Slack) DropSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropSockets()
}

// Disconnect asks every socket to go: "warning", "refresh_requested",
// "too_many_websockets", or "link_disabled", which does not wait.
func (s *Slack) Disconnect(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := retireIn
	if reason == "link_disabled" || reason == "too_many_websockets" {
		in = 0
	}
	for _, k := range slices.Clone(s.sockets) {
		s.retire(k, reason, in)
	}
}

// Sockets is how many are open.
func (s *Slack) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected()
}

// Uninstall removes the app from the workspace: the bot token is dead, nothing is
// delivered any more; sockets stay open (a guess).
func (s *Slack) Uninstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uninstalled = true
	s.changed()
}

// Revoke ends both tokens, and the sockets opened with them.
func (s *Slack) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
	s.dropSockets()
	s.changed()
}

// Reinstall brings the app back, after Uninstall or Revoke, with the same tokens.
func (s *Slack) Reinstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uninstalled, s.revoked = false, false
	s.changed()
}

// RemoveScope takes a scope from the bot token; AddScope gives one.
func (s *Slack) RemoveScope(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.place.scopes, scope)
}

// AddScope gives the bot token a scope.
func (s *Slack) AddScope(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place.scopes[scope] = true
}

// SetGroup makes a user group, or changes who is in it.
func (s *Slack) SetGroup(id string, users []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.place.groups[id]
	if g == nil {
		g = &Group{ID: id, Handle: id}
		s.place.groups[id] = g
		s.place.Groups = append(slices.Clone(s.place.Groups), *g)
	}
	g.Users, g.Disabled = slices.Clone(users), false
	s.changed()
}

// DeleteGroup makes a user group unknown.
func (s *Slack) DeleteGroup(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.place.groups, id)
	s.changed()
}

// Archive closes a channel for posts.
func (s *Slack) Archive(name string) { s.alter(name, func(c *channel) { c.Archived = true }) }

// Kick removes the bot from a channel; Invite brings it back.
func (s *Slack) Kick(name string) { s.alter(name, func(c *channel) { c.BotIn = false }) }

// Invite brings the bot into a channel, and opens one that was archived.
func (s *Slack) Invite(name string) {
	s.alter(name, func(c *channel) { c.BotIn, c.Archived = true, false })
}

func (s *Slack) alter(name string, do func(*channel)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.place.find(name); ch != nil {
		do(ch)
	}
	s.changed()
}

// SetUser replaces a user, or adds one: a person who became a guest, or left.
func (s *Slack) SetUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.TeamID == "" {
		u.TeamID = s.place.TeamID
	}
	u.Guest = u.Guest || u.SingleGuest
	if s.place.users[u.ID] == nil {
		s.place.Users = append(slices.Clone(s.place.Users), u)
	}
	s.place.users[u.ID] = &u
	s.changed()
}

// Say lets a person write a message. The app is not told: it has not asked for
// messages.
func (s *Slack) Say(user, channel, text string) error { return s.SayIn(user, channel, "", text) }

// SayIn is Say in the thread of a message; "" is the channel itself.
func (s *Slack) SayIn(user, channel, thread, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.userAt(user)
	if err != nil {
		return fmt.Errorf("saying something as %s: %w", user, err)
	}
	ch := s.place.channels[channel]
	switch {
	case ch == nil || !ch.sees(u):
		return fmt.Errorf("saying something as %s: channel %s is not there", user, channel)
	case ch.Archived:
		return fmt.Errorf("saying something as %s: channel %s is archived", user, channel)
	case text == "":
		return fmt.Errorf("saying something as %s: there is no text", user)
	case thread != "" && ch.message(thread) == nil:
		return fmt.Errorf("saying something as %s: there is no message %s to answer", user, thread)
	}
	s.say(ch, message{user: u.ID, text: text, thread: thread})
	return nil
}
