package slackfake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// uiRoutes are what the page in the browser stands on.
func (s *Slack) uiRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /ui/state", s.uiState)
	mux.HandleFunc("GET /ui/events", s.uiEvents)
	mux.HandleFunc("POST /ui/click", asked(s.uiClick))
	mux.HandleFunc("POST /ui/submit", asked(s.uiSubmit))
	mux.HandleFunc("POST /ui/close", asked(s.uiClose))
	mux.HandleFunc("POST /ui/command", asked(s.uiCommand))
	mux.HandleFunc("POST /ui/home", asked(s.uiHome))
	mux.HandleFunc("POST /ui/message", asked(s.uiMessage))
}

// ask is what the page sends.
type ask struct {
	User     string                    `json:"user"`
	Channel  string                    `json:"channel"`
	TS       string                    `json:"ts"`
	BlockID  string                    `json:"block_id"`
	ActionID string                    `json:"action_id"`
	Value    *string                   `json:"value"`
	Option   Block                     `json:"selected_option"`
	Chosen   Block                     `json:"chosen"` // in what is neither a button nor one option: {"selected_date": …}
	ThreadTS string                    `json:"thread_ts"`
	ViewID   string                    `json:"view_id"`
	Text     string                    `json:"text"`
	Values   map[string]map[string]any `json:"values"`
	Context  context.Context           `json:"-"`
}

// asked reads a request of the page. Only JSON is read: that a browser does not send
// for another site unasked.
func asked(do func(ask) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			writeJSON(w, http.StatusUnsupportedMediaType, answer{"error": "the page sends application/json"})
			return
		}
		var a ask
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&a); err != nil {
			writeJSON(w, http.StatusBadRequest, answer{"error": "reading the request: " + err.Error()})
			return
		}
		a.Context = r.Context()
		out, err := do(a)
		if err != nil {
			if why := errors.Unwrap(err); why != nil {
				err = why // a person knows what they did
			}
			writeJSON(w, http.StatusOK, answer{"error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, out)
	}
}

// changed tells every open page. The lock is held.
func (s *Slack) changed() {
	for c := range s.watchers {
		select {
		case c <- struct{}{}:
		default: // it is told already, and has not looked yet
		}
	}
}

func (s *Slack) uiEvents(w http.ResponseWriter, r *http.Request) {
	told := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[told] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, told)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	for {
		if _, err := fmt.Fprint(w, "event: changed\ndata: changed\n\n"); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-told:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// servePermalink leads from a message's permalink to the page.
func (s *Slack) servePermalink(w http.ResponseWriter, r *http.Request) {
	ts := strings.TrimPrefix(r.PathValue("message"), "p")
	if len(ts) > 6 {
		ts = ts[:len(ts)-6] + "." + ts[len(ts)-6:]
	}
	q := url.Values{"channel": {r.PathValue("channel")}, "ts": {ts}}
	if thread := r.URL.Query().Get("thread_ts"); thread != "" {
		q.Set("thread_ts", thread)
	}
	http.Redirect(w, r, "/?"+q.Encode(), http.StatusFound)
}

// uiClick answers when the app did, or would have had to: until then the page shows
// that the click is under way.
func (s *Slack) uiClick(a ask) (answer, error) {
	if a.Option == nil {
		a.Option = a.Chosen
	}
	d, err := s.click(press{
		user: a.User, channel: a.Channel, ts: a.TS, view: a.ViewID, block: a.BlockID, action: a.ActionID, value: a.Value, option: a.Option,
	})
	if err != nil {
		return nil, err
	}
	_, _, err = d.Wait(a.Context) // the message or view says it too
	return answer{"delivery": d.Envelope, "acked": err == nil}, nil
}

// uiSubmit answers when the app did, or the person was told that it did not.
func (s *Slack) uiSubmit(a ask) (answer, error) {
	values := map[string]any{}
	for block, v := range a.Values {
		values[block] = v
	}
	d, err := s.Submit(a.User, a.ViewID, values)
	if missing, ok := asInvalid(err); ok {
		return answer{"errors": missing}, nil
	}
	if err != nil {
		return nil, err
	}
	ack, _, err := d.Wait(a.Context)
	if err != nil {
		return nil, err
	}
	var said struct {
		Errors map[string]string `json:"errors"`
	}
	if json.Unmarshal(ack, &said) == nil && len(said.Errors) > 0 {
		return answer{"errors": said.Errors}, nil
	}
	return answer{"ok": true}, nil
}

func (s *Slack) uiClose(a ask) (answer, error) {
	if err := s.CloseView(a.User, a.ViewID); err != nil {
		return nil, err
	}
	return answer{"ok": true}, nil
}

func (s *Slack) uiCommand(a ask) (answer, error) {
	d, err := s.Command(a.User, a.Channel, a.Text)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.Wait(a.Context); err != nil {
		return nil, err
	}
	return answer{"ok": true}, nil
}

func (s *Slack) uiHome(a ask) (answer, error) {
	if err := s.OpenHome(a.User); err != nil {
		return nil, err
	}
	return answer{"ok": true}, nil
}

func (s *Slack) uiMessage(a ask) (answer, error) {
	if err := s.SayIn(a.User, a.Channel, a.ThreadTS, a.Text); err != nil {
		return nil, err
	}
	return answer{"ok": true}, nil
}
