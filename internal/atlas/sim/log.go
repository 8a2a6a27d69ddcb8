package sim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// Request is one authenticated API request. Status is 0 until it is answered, and for
// good when a fault lost the answer.
type Request struct {
	Seq         int
	At          time.Time
	Method      string
	Path        string // escaped, with the query
	OperationID string
	UserAgent   string
	ActionID    string
	Credential  string // client id or public key
	Status      int
	Mutating    bool

	accept string
}

// Effect is one real change of state. A write that changes nothing leaves none. Before
// and After are the resource's JSON, "" where there is none.
type Effect struct {
	Seq           int
	At            time.Time
	ActionID      string
	OperationID   string // "expire" when Atlas removed something by date
	ProjectID     string
	Target        string
	Before, After string
	ByHTTP        bool
}

var actionAgent = regexp.MustCompile(`^gatewarden/\S+ \(action ([^)]+)\)`)

// actionID reads the action out of "gatewarden/<v> (action <id>)".
func actionID(userAgent string) string {
	m := actionAgent.FindStringSubmatch(userAgent)
	if m == nil {
		return ""
	}
	return m[1]
}

func (a *Atlas) logRequest(c *call, r *http.Request) *Request {
	q := &Request{
		Seq: len(a.requests) + 1, At: c.at, Method: r.Method, Path: requestURI(r), OperationID: c.route.op,
		UserAgent: r.UserAgent(), ActionID: c.actionID, Credential: c.credential(),
		Mutating: r.Method != http.MethodGet && r.Method != http.MethodHead,
		accept:   r.Header.Get("Accept"),
	}
	a.requests = append(a.requests, q)
	return q
}

// answered notes the status of a request.
func (a *Atlas) answered(c *call, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.log.Status = status
}

// hook calls a hook without holding the lock.
func (a *Atlas) hook(c *call, pick func() func(Request)) {
	a.mu.Lock()
	call, q := pick(), *c.log
	a.mu.Unlock()
	if call != nil {
		call(q)
	}
}

// OnRequest sets a hook that is called before a request is handled. It may block, and
// may call this Atlas.
func (a *Atlas) OnRequest(f func(Request)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onRequest = f
}

// OnAnswered sets a hook that is called after a request took effect and before its
// answer is written. It may block, and may call this Atlas.
func (a *Atlas) OnAnswered(f func(Request)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onAnswered = f
}

// Requests returns every authenticated API request so far.
func (a *Atlas) Requests() []Request {
	return a.logged(func(*Request) bool { return true })
}

// Mutations returns the mutating requests; what was done by [Atlas.Do] is not among
// them.
func (a *Atlas) Mutations() []Request {
	return a.logged(func(q *Request) bool { return q.Mutating })
}

func (a *Atlas) logged(keep func(*Request) bool) []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Request
	for _, q := range a.requests {
		if keep(q) {
			out = append(out, *q)
		}
	}
	return out
}

// Effects returns every change of state so far.
func (a *Atlas) Effects() []Effect {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.effects)
}

// effect records a change of the target, if there is one.
func (c *call) effect(target, before, after string) {
	if before == after {
		return
	}
	project := ""
	if c.project != nil {
		project = c.project.id
	}
	c.a.addEffect(Effect{
		At: c.at, ActionID: c.actionID, OperationID: c.route.op, ProjectID: project,
		Target: target, Before: before, After: after, ByHTTP: c.byHTTP,
	})
}

func (a *Atlas) addEffect(e Effect) {
	e.Seq = len(a.effects) + 1
	a.effects = append(a.effects, e)
}

// text is the JSON of a resource for comparing and recording.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
