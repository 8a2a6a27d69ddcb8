package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Problem is an answer that is none, as RFC 9457 has it; next says what to do about it.
type Problem struct {
	Type    string   `json:"type"` // a URN: what programs tell problems apart by
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail,omitempty"`
	Next    string   `json:"next,omitempty"`
	Command *Command `json:"command,omitempty"` // of a command that was refused

	retry     time.Duration // what Retry-After says
	challenge bool          // ask for a token
	allow     string        // the methods that are allowed
}

// Error is detail and what to do.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Next != "" {
		text += ": " + p.Next
	}
	return text
}

const problemType = "urn:gatewarden:problem:"

func problem(status int, kind, title, next, format string, args ...any) *Problem {
	return &Problem{Type: problemType + kind, Title: title, Status: status, Next: next, Detail: fmt.Sprintf(format, args...)}
}

func invalid(next, format string, args ...any) *Problem {
	return problem(http.StatusBadRequest, "invalid", "The request cannot be understood", next, format, args...)
}

// missing is the answer for what is not there, and for what somebody may not see.
func missing(what, id string) *Problem {
	return problem(http.StatusNotFound, "not-found", "There is no such thing", "list what there is; what is outside of the token's scope is not shown", "there is no %s %s", what, strconv.Quote(shortened(id)))
}

func forbidden(next, format string, args ...any) *Problem {
	return problem(http.StatusForbidden, "forbidden", "The token may not do this", next, format, args...)
}

func tooMany(retry time.Duration, detail string) *Problem {
	p := problem(http.StatusTooManyRequests, "rate-limited", "Too many requests", "wait as long as Retry-After says, then go on more slowly", "%s", detail)
	p.retry = retry
	return p
}

// problemOf is what an error of the backend is to whoever asks.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, access.ErrForbidden):
		return forbidden("what it says must change first", "%v", err)
	case errors.Is(err, access.ErrGone):
		return problem(http.StatusNotFound, "not-found", "There is no such thing", "list what there is", "%v", err)
	}
	p := problem(http.StatusServiceUnavailable, "unavailable", "The daemon cannot answer now", "try again; if it stays, look at /readyz and the daemon's log", "%v", err)
	p.retry = 5 * time.Second
	return p
}

func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retry.Seconds()))))
	}
	if p.challenge {
		h.Set("WWW-Authenticate", `Bearer realm="gatewarden"`)
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client went away: there is nobody to tell
}

// shortened is what a message quotes of what came from outside.
func shortened(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// problems makes problems of the errors that a handler answers with as text.
func problems(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &texted{ResponseWriter: w}
		next.ServeHTTP(t, r)
		if t.status == 0 {
			return
		}
		p := problemOf(errors.New(strings.TrimSpace(t.text.String())))
		switch {
		case t.status == http.StatusNotFound:
			p = problem(t.status, "not-found", "There is no such thing", "list what there is", "%s", strings.TrimSpace(t.text.String()))
		case t.status < http.StatusInternalServerError:
			p = problem(t.status, "invalid", "The request cannot be understood", "ask for it as /api/v1/openapi.json says", "%s", strings.TrimSpace(t.text.String()))
		}
		w.Header().Del("Content-Length")
		p.write(w)
	})
}

// texted keeps an error that is text to itself.
type texted struct {
	http.ResponseWriter
	status int // of the error; 0: none
	text   strings.Builder
}

// WriteHeader implements http.ResponseWriter.
func (t *texted) WriteHeader(status int) {
	if status >= http.StatusBadRequest && strings.HasPrefix(t.Header().Get("Content-Type"), "text/plain") {
		t.status = status
		return
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (t *texted) Write(raw []byte) (int, error) {
	if t.status != 0 {
		return t.text.Write(raw)
	}
	return t.ResponseWriter.Write(raw)
}

// Unwrap lets deadlines through.
func (t *texted) Unwrap() http.ResponseWriter { return t.ResponseWriter }
