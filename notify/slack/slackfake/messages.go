package slackfake

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Block is a block, element or text object as JSON has it. Those that the fake hands
// out are shared: read them, do not change them.
type Block = map[string]any

// Message is a message as it stands.
type Message struct {
	TS, Channel, User string
	Text              string
	Blocks            []Block
	ThreadTS          string // of a reply: its parent's
	Broadcast         bool   // a reply shown in the channel too
	Edits             int    // how often it was changed
	Edited            string // when last, as a timestamp; "" = never
	Metadata          json.RawMessage
	At                time.Time
	Replies           []Message
}

// Ephemeral is a message that only one person sees.
type Ephemeral struct {
	Message
	To string
}

type message struct {
	ts, channel, user, text string
	blocks                  []Block
	thread                  string
	broadcast               bool
	replies                 int    // of a parent
	to                      string // ephemeral: the only one who sees it
	edits                   int
	edited                  string
	metadata                any
	at                      time.Time
	warnings                map[string]string // by user: what Slack shows beside what they clicked
}

// Messages lists a channel's messages in order, replies within their parents.
func (s *Slack) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.place.find(channel)
	if ch == nil {
		return nil
	}
	out, replies := []Message{}, map[string][]Message{}
	for _, m := range ch.messages {
		switch {
		case m.to != "":
		case m.thread == "":
			out = append(out, m.show())
		default:
			replies[m.thread] = append(replies[m.thread], m.show())
		}
	}
	for i := range out {
		out[i].Replies = replies[out[i].TS]
	}
	return out
}

// Ephemerals lists what only this user was shown, in every channel, oldest first.
func (s *Slack) Ephemerals(user string) []Ephemeral {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Ephemeral{}
	for _, id := range s.place.order {
		for _, m := range s.place.channels[id].messages {
			if m.to == user {
				out = append(out, Ephemeral{Message: m.show(), To: user})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Ephemeral) int { return strings.Compare(a.TS, b.TS) })
	return out
}

// DeleteMessage removes a message as a person with the right to would.
func (s *Slack) DeleteMessage(channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.place.find(channel); ch != nil {
		ch.remove(ts)
	}
	s.changed()
}

func (m *message) show() Message {
	out := Message{
		TS: m.ts, Channel: m.channel, User: m.user, Text: m.text, Blocks: m.blocks, ThreadTS: m.thread,
		Broadcast: m.broadcast, Edits: m.edits, Edited: m.edited, At: m.at,
	}
	if m.metadata != nil {
		out.Metadata, _ = json.Marshal(m.metadata) // it came as JSON
	}
	return out
}

// wire is the message as the Web API and payloads have it. The lock is held.
func (s *Slack) wire(m *message) map[string]any {
	out := map[string]any{"type": "message", "ts": m.ts, "user": m.user, "text": m.text, "team": s.place.TeamID}
	if m.user == s.place.BotUserID {
		out["bot_id"], out["app_id"] = s.place.BotID, s.place.AppID
	}
	if m.blocks != nil {
		out["blocks"] = m.blocks
	}
	if m.replies > 0 { // a parent is in its own thread
		out["thread_ts"], out["reply_count"] = m.ts, m.replies
	}
	if m.thread != "" {
		out["thread_ts"] = m.thread
	}
	if m.edited != "" {
		out["edited"] = map[string]any{"user": m.user, "ts": m.edited}
	}
	if m.metadata != nil {
		out["metadata"] = m.metadata
	}
	return out
}

// say appends a message. The lock is held.
func (s *Slack) say(ch *channel, m message) *message {
	m.ts, m.channel, m.at = s.stamp(), ch.ID, s.now()
	if parent := ch.message(m.thread); parent != nil && m.to == "" {
		parent.replies++
	}
	ch.messages = append(ch.messages, &m)
	s.changed()
	return &m
}

// edit changes a message in place. The lock is held.
func (s *Slack) edit(m *message, text string, blocks []Block) {
	m.text, m.blocks = text, blocks
	m.edits++
	m.edited = s.stamp()
	m.warnings = nil
	s.changed()
}

func (c *channel) message(ts string) *message {
	i, ok := slices.BinarySearchFunc(c.messages, ts, func(m *message, ts string) int { return strings.Compare(m.ts, ts) })
	if !ok {
		return nil
	}
	return c.messages[i]
}

func (c *channel) remove(ts string) {
	m := c.message(ts)
	if m == nil {
		return
	}
	if parent := c.message(m.thread); parent != nil {
		parent.replies--
	}
	c.messages = slices.DeleteFunc(c.messages, func(m *message) bool { return m.ts == ts })
}

// find looks a channel up by id, or by name with or without its mark, as
// chat.postMessage does.
func (p *place) find(name string) *channel {
	if c, ok := p.channels[name]; ok {
		return c
	}
	for c := range maps.Values(p.channels) {
		if c.Name != "" && c.Name == strings.TrimPrefix(name, "#") {
			return c
		}
	}
	return nil
}
