package slackfake

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is a way in which a call goes wrong.
type Fault struct {
	status int
	code   string
	body   string
	retry  time.Duration
	hang   time.Duration
	cut    bool
}

// RateLimited answers 429 with Retry-After; after 0 the header is missing.
func RateLimited(after time.Duration) Fault {
	return Fault{status: http.StatusTooManyRequests, code: "ratelimited", retry: after, body: `{"ok":false,"error":"ratelimited"}`}
}

// Status answers with a bare HTTP status.
func Status(code int) Fault {
	return Fault{status: code, code: "http " + strconv.Itoa(code)}
}

// NotOK answers 200 with ok:false and this error.
func NotOK(code string) Fault {
	return Fault{status: http.StatusOK, code: code, body: fmt.Sprintf(`{"ok":false,"error":%q}`, code)}
}

// HTML answers with a page, as a proxy in between would.
func HTML(code int) Fault {
	return Fault{status: code, code: "html", body: "<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"}
}

// Hang waits before it does the call; a caller who gave up meanwhile gets nothing done.
func Hang(d time.Duration) Fault { return Fault{hang: d} }

// CutAnswer does the call, and drops the connection instead of answering: the caller
// cannot know.
func CutAnswer() Fault { return Fault{cut: true} }

// faults are those that wait for their call. Methods are those of the Web API, and
// "response_url" and "link" (opening a socket).
type faults struct {
	queue map[string][]Fault
	every map[string]repeated
	count map[string]int
}

type repeated struct {
	n int
	f Fault
}

// Fail makes the next calls of a method go wrong, one fault each, first in first out.
func (s *Slack) Fail(method string, f ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.queue == nil {
		s.faults.queue = map[string][]Fault{}
	}
	s.faults.queue[method] = append(s.faults.queue[method], f...)
}

// FailEvery makes every n-th call of a method go wrong; for "" of all methods and
// response URLs together, but not of opening a socket. With n 0 it stops.
func (s *Slack) FailEvery(method string, n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.every == nil {
		s.faults.every, s.faults.count = map[string]repeated{}, map[string]int{}
	}
	s.faults.every[method], s.faults.count[method] = repeated{n, f}, 0
}

func (s *Slack) nextFault(method string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	fs := &s.faults
	if q := fs.queue[method]; len(q) > 0 {
		fs.queue[method] = q[1:]
		return q[0]
	}
	for _, key := range []string{method, ""} {
		r := fs.every[key]
		if r.n <= 0 || (key == "" && method == "link") {
			continue
		}
		if fs.count[key]++; fs.count[key]%r.n == 0 {
			return r.f
		}
	}
	return Fault{}
}

// wait hangs as long as the fault says, and reports whether the caller is still there.
func (f Fault) wait(r *http.Request) bool {
	if f.hang <= 0 {
		return true
	}
	t := time.NewTimer(f.hang)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// answers reports whether the fault answers in the method's place.
func (f Fault) answers() bool { return f.status != 0 }

func (f Fault) write(w http.ResponseWriter) {
	kind := "application/json; charset=utf-8"
	if strings.HasPrefix(f.body, "<") {
		kind = "text/html; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.retry+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(f.body)) // the caller may be gone
}

// cut drops a request's connection with a reset, without an answer.
func cut(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := h.Hijack()
	if err != nil {
		return
	}
	reset(conn)
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // best effort: without it the peer sees an end of file
	}
	_ = conn.Close()
}
