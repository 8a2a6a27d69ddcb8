package slackfake

import (
	"net/http"
	"slices"
)

// uiState is the workspace as one user sees it. read names a channel that the user
// has open, whose messages count as read.
func (s *Slack) uiState(w http.ResponseWriter, r *http.Request) {
	raw := s.seenBy(r.URL.Query().Get("user"), r.URL.Query().Get("read"))
	if raw == nil {
		writeJSON(w, http.StatusNotFound, answer{"error": "no such user"})
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(raw) // the page may be gone
}

// seenBy is the state as JSON, nil for nobody.
func (s *Slack) seenBy(user, read string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	me := s.place.users[user]
	if user == "" {
		me = s.place.somebody()
	}
	if me == nil {
		return nil
	}
	if ch := s.place.channels[read]; ch != nil && len(ch.messages) > 0 {
		s.read[me.ID+"/"+ch.ID] = ch.messages[len(ch.messages)-1].ts
	}
	out := answer{
		"me": s.person(me.ID), "users": s.people(), "team": answer{"id": s.place.TeamID, "name": s.place.TeamName, "domain": s.place.Domain},
		"groups": s.uiGroups(), "channels": s.uiChannels(me), "views": s.uiViews(me), "home": nil, "commands": nonNil(s.place.Commands),
		"app": s.person(s.place.BotUserID), "connected": s.connected(), "now": s.now().Unix(),
	}
	if v := s.homes[me.ID]; v != nil {
		out["home"] = answer{"id": v.id, "blocks": v.blocks()}
	}
	return plainJSON(out)
}

// somebody is whom the page takes for the reader when its address does not say: the
// first person of the workspace.
func (p *place) somebody() *User {
	for _, u := range p.Users {
		if now := p.users[u.ID]; !now.Bot && !now.Deleted {
			return now
		}
	}
	return nil
}

// person is a user as the page shows one. The lock is held.
func (s *Slack) person(id string) answer {
	u := s.place.users[id]
	if u == nil {
		return answer{"id": id, "name": id, "bot": false, "icon": ""}
	}
	out := answer{
		"id": u.ID, "name": u.Name, "real_name": u.RealName, "bot": u.Bot, "icon": "", "team_id": u.TeamID,
		"guest": u.Guest, "stranger": u.Stranger, "deleted": u.Deleted, "app": u.AppUser,
	}
	if u.AppUser {
		out["icon"] = "app"
	}
	return out
}

// people are all users in the order in which the workspace lists them.
func (s *Slack) people() []any {
	out := []any{}
	for _, u := range s.place.Users {
		out = append(out, s.person(u.ID))
	}
	return out
}

func (s *Slack) uiGroups() []any {
	out := []any{}
	for _, g := range s.place.Groups {
		if now := s.place.groups[g.ID]; now != nil {
			out = append(out, answer{"id": now.ID, "handle": now.Handle, "users": nonNil(now.Users)})
		}
	}
	return out
}

func (s *Slack) uiChannels(me *User) []any {
	out := []any{}
	for _, id := range s.place.order {
		ch := s.place.channels[id]
		if !ch.sees(me) {
			continue
		}
		line := answer{
			"id": ch.ID, "name": ch.Name, "private": ch.Private, "im": ch.IM, "archived": ch.Archived, "shared": ch.ExtShared,
			"with": nil, "unread": s.unread(me, ch), "messages": s.uiMessages(me, ch),
		}
		if ch.IM {
			line["with"], line["name"] = s.place.BotUserID, s.place.users[s.place.BotUserID].shownName()
		}
		out = append(out, line)
	}
	return out
}

func (u *User) shownName() string {
	if u == nil {
		return "app"
	}
	return u.Name
}

func (s *Slack) unread(me *User, ch *channel) int {
	n, read := 0, s.read[me.ID+"/"+ch.ID]
	for _, m := range ch.messages {
		if m.ts > read && m.user != me.ID && (m.to == "" || m.to == me.ID) && (m.thread == "" || m.broadcast) {
			n++
		}
	}
	return n
}

// keepShown is how many of a channel's newest messages the page gets.
const keepShown = 200

func (s *Slack) uiMessages(me *User, ch *channel) []any {
	replies := map[string][]any{}
	shown := slices.DeleteFunc(slices.Clone(ch.messages), func(m *message) bool { return m.to != "" && m.to != me.ID })
	for _, m := range shown {
		if m.thread != "" {
			replies[m.thread] = append(replies[m.thread], s.uiOne(me, m, nil))
		}
	}
	shown = slices.DeleteFunc(shown, func(m *message) bool { return m.thread != "" && !m.broadcast })
	out := []any{}
	for _, m := range shown[max(0, len(shown)-keepShown):] {
		out = append(out, s.uiOne(me, m, replies[m.ts]))
	}
	return out
}

func (s *Slack) uiOne(me *User, m *message, replies []any) answer {
	if replies == nil {
		replies = []any{}
	}
	blocks := m.blocks
	if blocks == nil {
		blocks = []Block{}
	}
	return answer{
		"ts": m.ts, "user": s.person(m.user), "text": m.text, "blocks": blocks, "edited": m.edited, "edits": m.edits,
		"ephemeral": m.to != "", "warning": m.warnings[me.ID], "replies": replies, "broadcast": m.broadcast, "thread_ts": m.thread,
	}
}

func (s *Slack) uiViews(me *User) []any {
	out := []any{}
	for _, v := range s.stacks[me.ID] {
		errs := v.errors
		if errs == nil {
			errs = map[string]string{}
		}
		out = append(out, answer{
			"id": v.id, "type": "modal", "callback_id": v.def["callback_id"], "title": v.label("title"), "submit": v.label("submit"),
			"close": v.label("close"), "blocks": v.blocks(), "private_metadata": v.def["private_metadata"], "errors": errs,
			"warning": v.warning, "hash": v.hash,
		})
	}
	return out
}
