package slackfake

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	hookUses = 5
	hookLife = 30 * time.Minute
)

// hook is a response URL: where an app may answer what a person did, without a token.
type hook struct {
	secret, user, channel string
	ts                    string // the message that was clicked, "" for a command
	at                    time.Time
	uses                  int
}

// newHook makes a response URL. The lock is held.
func (s *Slack) newHook(kind string, u *User, ch *channel, m *message) string {
	for id, h := range s.hooks {
		if s.now().Sub(h.at) > 2*hookLife {
			delete(s.hooks, id)
		}
	}
	h := &hook{secret: rand.Text(), user: u.ID, channel: ch.ID, at: s.now()}
	if m != nil {
		h.ts = m.ts
	}
	id := s.id("R")
	s.hooks[id] = h
	return s.base + "/" + kind + "/" + s.place.TeamID + "/" + id + "/" + h.secret
}

// serveHook is a use of a response URL.
func (s *Slack) serveHook(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	f := s.nextFault("response_url")
	switch {
	case s.isDown():
		cut(w)
		return
	case !f.wait(r):
		return
	case f.answers():
		s.keep(Call{Method: "response_url", Token: "none", Status: f.status, Error: f.code})
		f.write(w)
		return
	}
	status, says := http.StatusBadRequest, "invalid_payload"
	var a args
	if err == nil && json.Unmarshal(hookBody(r, raw), &a) == nil && a != nil {
		status, says = s.useHook(r.PathValue("id"), r.PathValue("secret"), a)
	}
	s.keep(Call{Method: "response_url", Args: a.recorded(), Token: "none", Status: status, Error: strings.TrimPrefix(says, "ok")})
	if f.cut {
		cut(w)
		return
	}
	http.Error(w, says, status)
}

func hookBody(r *http.Request, raw []byte) []byte {
	if !jsonBody(r) {
		if form, err := url.ParseQuery(string(raw)); err == nil && form.Get("payload") != "" {
			return []byte(form.Get("payload"))
		}
	}
	return raw
}

// useHook answers with a status and what Slack says; which status goes with which
// refusal is not documented (a guess).
func (s *Slack) useHook(id, secret string, a args) (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hooks[id]
	switch {
	case h == nil || h.secret != secret:
		return http.StatusNotFound, "no_service"
	case s.now().Sub(h.at) > hookLife:
		return http.StatusNotFound, "expired_url"
	case h.uses >= hookUses:
		return http.StatusNotFound, "used_url"
	}
	if ref := s.respond(h, a); ref != nil {
		return http.StatusBadRequest, ref.code
	}
	h.uses++
	return http.StatusOK, "ok"
}

// respond posts, replaces, or deletes, as an app asked through a response URL or in
// the acknowledgement of a command. The lock is held.
func (s *Slack) respond(h *hook, a args) *refusal {
	ch := s.place.channels[h.channel]
	m := ch.message(h.ts)
	if a.flag("delete_original") {
		if m == nil {
			return refuse("message_not_found")
		}
		ch.remove(m.ts)
		s.changed()
		return nil
	}
	said, ref := s.saying(a)
	if ref != nil {
		return ref
	}
	if said.text == "" && len(said.blocks) == 0 {
		return refuse("no_text")
	}
	said.blocks = s.markIDs(said.blocks)
	if a.flag("replace_original") && m != nil {
		s.edit(m, said.text, said.blocks)
		return nil
	}
	to := h.user
	if a.str("response_type") == "in_channel" {
		to = ""
	}
	s.say(ch, message{user: s.place.BotUserID, text: said.text, blocks: said.blocks, to: to, thread: a.str("thread_ts")})
	return nil
}
