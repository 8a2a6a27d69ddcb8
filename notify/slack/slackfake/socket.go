package slackfake

import (
	"crypto/rand"
	"encoding/json"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets    = 10
	maxAck        = 20_480 // bytes of an acknowledgement; a larger one is dropped in silence
	ticketLife    = 30 * time.Second
	retireIn      = 10 * time.Second // from a disconnect frame to the end of the socket
	writeWithin   = 5 * time.Second
	socketLife    = 18_060 * time.Second
	socketBacklog = 1000
)

// socket is one WebSocket of Socket Mode.
type socket struct {
	conn    *websocket.Conn
	out     chan []byte
	done    chan struct{} // closed with the socket
	retired bool          // told to go: it gets nothing new
	gone    bool
}

// connectionsOpen hands out the address of a socket, with a ticket for one use.
func (s *Slack) connectionsOpen(args) (answer, *refusal) {
	ticket := rand.Text()
	for t, at := range s.tickets {
		if s.now().Sub(at) > ticketLife {
			delete(s.tickets, t)
		}
	}
	s.tickets[ticket] = s.now()
	return answer{"url": "ws" + s.base[len("http"):] + "/link/?ticket=" + ticket + "&app_id=" + s.place.AppID}, nil
}

func (s *Slack) serveLink(w http.ResponseWriter, r *http.Request) {
	f := s.nextFault("link")
	switch {
	case s.isDown(), f.cut:
		cut(w)
		return
	case !f.wait(r):
		return
	case f.answers():
		f.write(w)
		return
	}
	if !s.useTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "the ticket is unknown, used, or too old", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // the ticket is what counts
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	conn.SetReadLimit(maxBody)
	sock := &socket{conn: conn, out: make(chan []byte, socketBacklog), done: make(chan struct{})}
	s.mu.Lock()
	s.join(sock)
	s.mu.Unlock()
	s.listen(sock)
}

func (s *Slack) useTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	return ok && s.now().Sub(at) <= ticketLife
}

// join greets a new socket, or turns away one too many. The lock is held.
func (s *Slack) join(sock *socket) {
	if s.ctx.Err() != nil {
		sock.close()
		return
	}
	s.spawn(func() { s.write(sock) })
	s.sockets = append(s.sockets, sock)
	if len(s.sockets) > maxSockets {
		s.retire(sock, "too_many_websockets", 0)
		return
	}
	sock.send(plainJSON(map[string]any{
		"type": "hello", "num_connections": len(s.sockets), "connection_info": map[string]any{"app_id": s.place.AppID},
		"debug_info": map[string]any{"host": "applink-fake", "build_number": 1, "approximate_connection_time": int(s.opt.SocketLife / time.Second)},
	}))
	s.changed()
}

// retire tells a socket to go, and closes it a little later. The lock is held.
func (s *Slack) retire(sock *socket, reason string, in time.Duration) {
	if sock.gone || sock.retired {
		return
	}
	sock.retired = true
	sock.send(plainJSON(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-fake"}}))
	if in == 0 {
		sock.send(nil)
		return
	}
	s.after(in, func() { s.leave(sock) })
}

// write is the socket's only writer: messages, pings, and in the end the request to
// open another.
func (s *Slack) write(sock *socket) {
	ping, old := time.NewTicker(s.opt.PingEvery), time.NewTimer(s.opt.SocketLife)
	defer ping.Stop()
	defer old.Stop()
	for {
		var err error
		select {
		case <-sock.done:
			return
		case <-old.C:
			s.mu.Lock()
			s.retire(sock, "refresh_requested", retireIn)
			s.mu.Unlock()
		case <-ping.C:
			err = sock.conn.WriteControl(websocket.PingMessage, []byte("Ping from applink-fake"), time.Now().Add(writeWithin))
		case msg := <-sock.out:
			if msg == nil {
				s.leave(sock)
				return
			}
			_ = sock.conn.SetWriteDeadline(time.Now().Add(writeWithin)) // the write says if it is gone
			err = sock.conn.WriteMessage(websocket.TextMessage, msg)
		}
		if err != nil {
			s.leave(sock)
			return
		}
	}
}

// send queues a message; nil closes the socket after those before it. A client that
// does not read for so long loses its socket.
func (k *socket) send(msg []byte) {
	select {
	case k.out <- msg:
	default:
		k.close()
	}
}

// listen reads acknowledgements until the socket ends.
func (s *Slack) listen(sock *socket) {
	defer s.leave(sock)
	for {
		_, raw, err := sock.conn.ReadMessage()
		if err != nil {
			return
		}
		var m struct {
			Envelope string          `json:"envelope_id"`
			Payload  json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(raw, &m) != nil || len(raw) >= maxAck {
			continue
		}
		s.mu.Lock()
		// An acknowledgement counts on whichever socket it comes (a guess).
		if d := s.awaiting(m.Envelope); d != nil && d.Over == "socket" {
			s.acknowledged(d, m.Payload)
		}
		s.mu.Unlock()
	}
}

func (s *Slack) leave(sock *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sock.gone {
		return
	}
	sock.gone = true
	sock.close()
	close(sock.done)
	s.sockets = slices.DeleteFunc(s.sockets, func(k *socket) bool { return k == sock })
	s.changed()
}

func (k *socket) close() { _ = k.conn.Close() }

// pickSocket chooses one of the open sockets at random, as Slack does; nil when there
// is none. The lock is held.
func (s *Slack) pickSocket() *socket {
	open := slices.DeleteFunc(slices.Clone(s.sockets), func(k *socket) bool { return k.retired || k.gone })
	if len(open) == 0 {
		return nil
	}
	return open[mathrand.IntN(len(open))]
}

func (s *Slack) connected() int { return len(s.sockets) }

// dropSockets cuts every socket, without a word. The lock is held.
func (s *Slack) dropSockets() {
	for _, k := range s.sockets {
		k.retired = true // until its reader has noticed
		reset(k.conn.NetConn())
	}
}
