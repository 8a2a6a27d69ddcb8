package slackfake

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// target finds where a message goes: a channel's id or name, or a user's id for the
// direct message. Private channels that the bot is not in do not exist for it.
func (s *Slack) target(name string) (*channel, *refusal) {
	p := s.place
	if u := p.users[name]; u != nil && !u.Bot && !u.Deleted && u.ID != p.BotUserID {
		return p.dm(u), nil
	}
	ch := p.find(name)
	switch {
	case ch == nil, ch.Private && !ch.BotIn:
		return nil, refuse("channel_not_found")
	case ch.Archived:
		return nil, refuse("is_archived")
	case !ch.BotIn && !p.scopes["chat:write.public"]:
		return nil, refuse("not_in_channel")
	}
	return ch, nil
}

// said is what a message says: its text and blocks, checked.
type said struct {
	text     string
	blocks   []Block
	hasBlock bool // blocks were given, if only none
	metadata any
}

func (s *Slack) saying(a args) (said, *refusal) {
	out := said{text: a.str("text")}
	raw, err := a.object("blocks")
	out.hasBlock = raw != nil
	if err != nil {
		return out, invalid("invalid_blocks_format", "[ERROR] blocks is not JSON: "+err.Error())
	}
	if raw != nil {
		blocks, ref := s.checkBlocks(raw, forMessage)
		if ref != nil {
			return out, ref
		}
		out.blocks = blocks
	}
	if v, err := a.object("attachments"); err != nil || v != nil {
		if list, ok := v.([]any); !ok || len(list) > 0 {
			return out, invalid("invalid_attachments", "[ERROR] the fake knows no attachments")
		}
	}
	if out.metadata, err = a.object("metadata"); err != nil || !isMetadata(out.metadata) {
		return out, refuse("invalid_metadata_format")
	}
	if utf8.RuneCountInString(out.text) > maxText {
		return out, refuse("msg_too_long")
	}
	return out, nil
}

// isMetadata accepts an event's type and payload. The empty one that clients send
// along counts as none.
func isMetadata(v any) bool {
	m, ok := v.(map[string]any)
	if v == nil || !ok {
		return v == nil
	}
	_, payload := m["event_payload"].(map[string]any)
	kind, isText := m["event_type"].(string)
	return isText && (payload || kind == "")
}

// markIDs gives each block without a block_id one, as Slack does.
func (s *Slack) markIDs(blocks []Block) []Block {
	for i, b := range blocks {
		if _, ok := b["block_id"]; !ok {
			s.serial++
			blocks[i]["block_id"] = fmt.Sprintf("b%04d", s.serial)
		}
	}
	return blocks
}

func (s *Slack) postMessage(a args) (answer, *refusal) {
	ch, ref := s.target(a.str("channel"))
	if ref != nil {
		return nil, ref
	}
	w, ref := s.saying(a)
	if ref != nil {
		return nil, ref
	}
	if w.text == "" && len(w.blocks) == 0 {
		return nil, refuse("no_text")
	}
	thread := a.str("thread_ts")
	if thread != "" {
		parent := ch.message(thread)
		if parent == nil || parent.to != "" {
			return nil, refuse("thread_not_found")
		}
		if parent.thread != "" { // a reply to a reply lands in the same thread
			thread = parent.thread
		}
	}
	m := s.say(ch, message{
		user: s.place.BotUserID, text: w.text, blocks: s.markIDs(w.blocks), thread: thread,
		broadcast: thread != "" && a.flag("reply_broadcast"), metadata: w.metadata,
	})
	return answer{"channel": ch.ID, "ts": m.ts, "message": s.wire(m)}, nil
}

// update changes a message of the app's own. Without blocks the old ones stay; an
// empty list removes them. (What Slack does with the former, its sources disagree on.)
func (s *Slack) update(a args) (answer, *refusal) {
	ch, m, ref := s.own(a, "ts", "cant_update_message")
	if ref != nil {
		return nil, ref
	}
	w, ref := s.saying(a)
	if ref != nil {
		return nil, ref
	}
	if !w.hasBlock {
		w.blocks = m.blocks
	}
	if w.text == "" && len(w.blocks) == 0 {
		return nil, refuse("no_text")
	}
	if w.metadata != nil {
		m.metadata = w.metadata
	}
	s.edit(m, w.text, s.markIDs(w.blocks))
	return answer{"channel": ch.ID, "ts": m.ts, "text": m.text, "message": s.wire(m)}, nil
}

// own finds a message that the app posted and may change. Ephemeral ones are not found.
func (s *Slack) own(a args, tsArg, notMine string) (*channel, *message, *refusal) {
	ch := s.place.channels[a.str("channel")]
	switch {
	case ch == nil, ch.Private && !ch.BotIn:
		return nil, nil, refuse("channel_not_found")
	case ch.Archived:
		return nil, nil, refuse("is_archived")
	}
	m := ch.message(a.str(tsArg))
	switch {
	case m == nil, m.to != "":
		return nil, nil, refuse("message_not_found")
	case m.user != s.place.BotUserID:
		return nil, nil, refuse(notMine)
	}
	return ch, m, nil
}

func (s *Slack) deleteMessage(a args) (answer, *refusal) {
	ch, m, ref := s.own(a, "ts", "cant_delete_message")
	if ref != nil {
		return nil, ref
	}
	ch.remove(m.ts)
	s.changed()
	return answer{"channel": ch.ID, "ts": m.ts}, nil
}

func (s *Slack) postEphemeral(a args) (answer, *refusal) {
	if ref := a.missing("channel", "user"); ref != nil {
		return nil, ref
	}
	ch, ref := s.target(a.str("channel"))
	if ref != nil {
		return nil, ref
	}
	if !slices.Contains(ch.Members, a.str("user")) {
		return nil, refuse("user_not_in_channel")
	}
	w, ref := s.saying(a)
	if ref != nil {
		return nil, ref
	}
	if w.text == "" && len(w.blocks) == 0 {
		return nil, refuse("no_text")
	}
	m := s.say(ch, message{
		user: s.place.BotUserID, text: w.text, blocks: s.markIDs(w.blocks), thread: a.str("thread_ts"), to: a.str("user"),
	})
	return answer{"message_ts": m.ts}, nil
}

// permalink answers an address of the fake's own, which leads to the message in the
// page.
func (s *Slack) permalink(a args) (answer, *refusal) {
	ch := s.place.channels[a.str("channel")]
	if ch == nil || (ch.Private && !ch.BotIn) {
		return nil, refuse("channel_not_found")
	}
	m := ch.message(a.str("message_ts"))
	if m == nil || m.to != "" {
		return nil, refuse("message_not_found")
	}
	link := s.base + "/archives/" + ch.ID + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.thread != "" {
		link += "?thread_ts=" + m.thread + "&cid=" + ch.ID
	}
	return answer{"channel": ch.ID, "permalink": link}, nil
}
