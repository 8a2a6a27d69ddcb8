package slackfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Call is a request that the workspace was sent. Tokens are never in it.
type Call struct {
	Method string // "chat.postMessage", …; "response_url" for those
	Args   url.Values
	Token  string // which one: "bot", "app", "unknown", "none"
	Status int    // of the answer; 0: the connection was cut
	Error  string // "" = ok
	At     time.Time
}

// method is one of the Web API. do runs with the lock held.
type method struct {
	needs  []string // scopes, all of them
	app    bool     // asks for the app-level token
	noJSON bool     // reads forms only
	do     func(*Slack, args) (answer, *refusal)
}

type answer = map[string]any

// refusal is an answer that is not ok.
type refusal struct {
	code     string
	messages []string       // response_metadata.messages
	more     map[string]any // beside ok and error
}

func refuse(code string) *refusal { return &refusal{code: code} }

// invalid refuses arguments, with a line for each problem.
func invalid(code string, problems ...string) *refusal {
	return &refusal{code: code, messages: problems}
}

func methods() map[string]method {
	all := map[string]method{
		"auth.test":             {do: (*Slack).authTest},
		"apps.connections.open": {do: (*Slack).connectionsOpen, app: true},
		"bots.info":             {do: (*Slack).botsInfo, needs: []string{"users:read"}, noJSON: true},
		"users.info":            {do: (*Slack).usersInfo, needs: []string{"users:read"}, noJSON: true},
		"users.lookupByEmail":   {do: (*Slack).usersLookup, needs: []string{"users:read.email"}, noJSON: true},
		"usergroups.list":       {do: (*Slack).groupsList, needs: []string{"usergroups:read"}, noJSON: true},
		"usergroups.users.list": {do: (*Slack).groupUsers, needs: []string{"usergroups:read"}, noJSON: true},
		"conversations.open":    {do: (*Slack).conversationsOpen, needs: []string{"im:write"}},
		"conversations.info":    {do: (*Slack).conversationsInfo, noJSON: true},
		"conversations.list":    {do: (*Slack).conversationsList, noJSON: true},
		"conversations.members": {do: (*Slack).conversationsMembers, noJSON: true},
		"chat.postMessage":      {do: (*Slack).postMessage, needs: []string{"chat:write"}},
		"chat.postEphemeral":    {do: (*Slack).postEphemeral, needs: []string{"chat:write"}},
		"chat.update":           {do: (*Slack).update, needs: []string{"chat:write"}},
		"chat.delete":           {do: (*Slack).deleteMessage, needs: []string{"chat:write"}},
		"chat.getPermalink":     {do: (*Slack).permalink, noJSON: true},
		"views.open":            {do: (*Slack).viewsOpen},
		"views.push":            {do: (*Slack).viewsPush},
		"views.update":          {do: (*Slack).viewsUpdate},
		"views.publish":         {do: (*Slack).viewsPublish},
	}
	return all
}

// Calls lists the recorded calls of a method, or all of them for "", oldest first.
// Only the newest keepCalls are kept.
func (s *Slack) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Call{}
	for _, c := range s.log {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

const keepCalls = 5000

// record keeps a call. The lock is held.
func (s *Slack) record(c Call) {
	if len(s.log) >= 2*keepCalls {
		s.log = slices.Clone(s.log[keepCalls:])
	}
	s.log = append(s.log, c)
}

func (s *Slack) serveAPI(w http.ResponseWriter, r *http.Request) {
	if s.isDown() {
		cut(w)
		return
	}
	name := r.PathValue("method")
	a, token, bad := readArgs(w, r) // the whole body, or nobody notices that a caller left
	f := s.nextFault(name)
	if !f.wait(r) {
		return
	}
	c := Call{Method: name, Args: a.recorded(), Token: s.tokenKind(token), Status: http.StatusOK}
	if f.answers() {
		c.Status, c.Error = f.status, f.code
		s.keep(c)
		f.write(w)
		return
	}
	out, ref, wait := s.run(&c, a, token, bad, jsonBody(r))
	switch {
	case f.cut:
		cut(w)
	case wait > 0:
		RateLimited(wait).write(w)
	default:
		s.reply(w, name, out, ref)
	}
}

func (s *Slack) keep(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.At = s.now()
	s.record(c)
}

// run is one call from its arguments to its answer; wait is how long a caller over its
// rate has to.
func (s *Slack) run(c *Call, a args, token string, bad *refusal, asJSON bool) (out answer, ref *refusal, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.At = s.now()
	m, known := s.calls[c.Method]
	switch {
	case !known:
		ref = refuse("unknown_method")
	case bad != nil:
		ref = bad
	default:
		ref = s.allowed(m, token)
	}
	if ref == nil {
		wait = s.take(c.Method, a)
	}
	if ref == nil && wait == 0 {
		if m.noJSON && asJSON { // what they do not read, they do not have
			a = args{}
		}
		out, ref = m.do(s, a)
	}
	switch {
	case ref != nil:
		c.Error = ref.code
	case wait > 0:
		c.Status, c.Error = http.StatusTooManyRequests, "ratelimited"
	}
	s.record(*c)
	return out, ref, wait
}

func (s *Slack) reply(w http.ResponseWriter, name string, out answer, ref *refusal) {
	body := answer{"ok": ref == nil}
	if ref != nil {
		body["error"] = ref.code
		maps.Copy(body, ref.more)
		if len(ref.messages) > 0 {
			body["response_metadata"] = answer{"messages": ref.messages}
		}
	} else {
		maps.Copy(body, out)
	}
	s.mu.Lock()
	granted := s.place.granted()
	s.mu.Unlock()
	if s.calls[name].app {
		granted = "connections:write"
	}
	w.Header().Set("X-Oauth-Scopes", granted)
	w.Header().Set("X-Accepted-Oauth-Scopes", strings.Join(s.calls[name].needs, ","))
	writeJSON(w, http.StatusOK, body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the caller may be gone
}
