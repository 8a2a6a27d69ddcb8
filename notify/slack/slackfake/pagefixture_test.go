package slackfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pageFixture is a server of the page alone: a state as the test has it, and what the page posted.
type pageFixture struct {
	url string

	mu      sync.Mutex
	state   map[string]any
	posted  map[string][]obj         // by endpoint, in order
	asked   []string                 // the queries of /ui/state
	held    map[string]chan struct{} // endpoints that answer when it is closed
	changed *sync.Cond               // posted or asked
	answers map[string][]string      // by endpoint, first in first out; else {"ok":true}
	told    chan struct{}
	deaf    atomic.Bool // there are no events
}

func newPageFixture(t *testing.T, state map[string]any) *pageFixture {
	t.Helper()
	f := &pageFixture{state: state, answers: map[string][]string{}, posted: map[string][]obj{}, held: map[string]chan struct{}{}, told: make(chan struct{}, 1)}
	f.changed = sync.NewCond(&f.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ui/state", f.serveState)
	mux.HandleFunc("GET /ui/events", f.serveEvents)
	mux.HandleFunc("POST /ui/{what}", f.servePost)
	mux.HandleFunc("/", servePage)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	f.url = server.URL + "/"
	return f
}

func (f *pageFixture) serveState(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.URL.RawQuery)
	f.changed.Broadcast()
	_ = json.NewEncoder(w).Encode(f.state) // the page may be gone
}

func (f *pageFixture) serveEvents(w http.ResponseWriter, r *http.Request) {
	if f.deaf.Load() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		if _, err := fmt.Fprint(w, "event: changed\ndata: changed\n\n"); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-f.told:
		case <-r.Context().Done():
			return
		}
	}
}

func (f *pageFixture) servePost(w http.ResponseWriter, r *http.Request) {
	var said obj
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	what := r.PathValue("what")
	f.mu.Lock()
	f.posted[what] = append(f.posted[what], said)
	f.changed.Broadcast()
	held, answer := f.held[what], `{"ok":true}`
	if q := f.answers[what]; len(q) > 0 {
		answer, f.answers[what] = q[0], q[1:]
	}
	f.mu.Unlock()
	if held != nil {
		<-held
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprint(w, answer) // the page may be gone
}

// hold keeps an endpoint from answering until the channel is closed.
func (f *pageFixture) hold(what string) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[what] = make(chan struct{})
	return f.held[what]
}

// last is what the page posted last to an endpoint.
func (f *pageFixture) last(what string) obj {
	f.mu.Lock()
	defer f.mu.Unlock()
	if all := f.posted[what]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

func (f *pageFixture) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.posted[what])
}

// until waits until the last that was posted to an endpoint is so.
func (f *pageFixture) until(t *testing.T, what string, so func(obj) bool) {
	t.Helper()
	f.wait(t, func() bool { all := f.posted[what]; return len(all) > 0 && so(all[len(all)-1]) }, func() any { return f.posted })
}

func (f *pageFixture) untilAsked(t *testing.T, query string) {
	t.Helper()
	f.wait(t, func() bool { return slices.Contains(f.asked, query) }, func() any { return f.asked })
}

func (f *pageFixture) wait(t *testing.T, so func() bool, have func() any) {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		late = true
		f.changed.Broadcast()
	})
	defer timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for !so() && !late {
		f.changed.Wait()
	}
	if late {
		t.Fatalf("the page did not do it; it did %v", have())
	}
}

// change changes the state and tells the page.
func (f *pageFixture) change(name string, v any) {
	f.mu.Lock()
	f.state[name] = v
	f.mu.Unlock()
	select {
	case f.told <- struct{}{}:
	default: // it is told already
	}
}

func (f *pageFixture) answer(what, with string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[what] = append(f.answers[what], with)
}

type obj = map[string]any

// pageMessage is a message of the app: a text, or blocks as JSON.
func pageMessage(ts, text string, blocks ...string) obj {
	list := []json.RawMessage{}
	for _, b := range blocks {
		list = append(list, json.RawMessage(b))
	}
	return obj{"ts": ts, "user": obj{"id": "U0GATE"}, "text": text, "blocks": list, "replies": []any{}}
}

// pageState is ExampleCorp as Alice sees it, with these messages in #atlas-prod.
func pageState(messages ...any) obj {
	alice := obj{"id": "U0ALICE", "name": "alice", "real_name": "Alice Example"}
	bot := obj{"id": "U0GATE", "name": "gatewarden", "real_name": "Gatewarden", "bot": true, "app": true, "icon": "app"}
	if messages == nil {
		messages = []any{}
	}
	return obj{
		"me": alice, "app": bot, "team": obj{"id": "T0EXAMPLE", "name": "ExampleCorp"}, "commands": []string{"/gatewarden"},
		"users":  []any{alice, obj{"id": "U0BOB", "name": "bob", "real_name": "Bob Example"}, obj{"id": "U0GUEST", "name": "gus", "real_name": "Gustav Guest", "guest": true}, bot},
		"groups": []any{obj{"id": "S0ONCALL", "handle": "platform-oncall", "users": []string{"U0ALICE"}}, obj{"id": "S0SEC", "handle": "sec", "users": []string{}}},
		"channels": []any{
			obj{"id": "C0PROD", "name": "atlas-prod", "unread": 0, "messages": messages},
			obj{"id": "C0DEV", "name": "atlas-dev", "unread": 2, "messages": []any{pageMessage("1763800000.000100", "x"), pageMessage("1763800000.000200", "<@U0ALICE> y")}},
			obj{"id": "C0SEC", "name": "security", "private": true, "unread": 0, "messages": []any{}},
			obj{"id": "D0ALICE", "name": "gatewarden", "im": true, "with": "U0GATE", "unread": 0, "messages": []any{}},
		},
		"views": []any{}, "home": nil,
	}
}
