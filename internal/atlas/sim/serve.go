package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through the service.
type call struct {
	a        *Atlas
	route    *route
	params   map[string]string
	query    url.Values
	path     string // escaped, without the prefix
	prefix   string // of the API that was called; "" for Do
	base     string // scheme and host, for links
	body     []byte
	actor    Actor
	who      *principal // nil for Do, which may do everything
	version  string     // date of the version served; "" is the newest
	org      *org
	project  *project
	at       time.Time
	actionID string
	byHTTP   bool
	log      *Request
	began    []*entry // the access list when the request came in

	federation *federation
}

// answer is what a handler says. A list keeps its rows apart so that paging, envelopes
// and faults can treat them alike.
type answer struct {
	status  int
	body    any
	rows    []any
	rowsKey string // under which key of wrap the rows go; "" is a bare array
	wrap    object
	header  http.Header
	isError bool
}

func ok(body any) (answer, *problem) { return answer{status: http.StatusOK, body: body}, nil }

func empty(status int) (answer, *problem) { return answer{status: status}, nil }

// response is what goes over the wire.
type response struct {
	status int
	header http.Header
	body   []byte
	cut    bool // only the first half of the body arrives
	lost   bool // nothing arrives
}

// ServeHTTP answers the API and the token endpoints.
func (a *Atlas) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer a.announceWebhooks()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, "reading the request body: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	path := r.URL.EscapedPath()
	_, _, isAPI := under(path)
	switch {
	case path == tokenPath || path == revokePath:
		a.send(w, a.serveToken(r, body))
	case path == ipInfoPath && r.Method == http.MethodGet:
		a.send(w, a.render(nil, answer{status: http.StatusOK, body: object{"currentIpv4Address": remoteHost(r)}}, version{}))
	case isAPI:
		a.send(w, a.serveAPI(r, body))
	default:
		a.send(w, a.render(nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", path).answer(), version{}))
	}
}

func (a *Atlas) serveToken(r *http.Request, body []byte) response {
	f := a.strike("token", r.Method)
	if early := a.strikeFirst(r.Context(), f, nil); early != nil {
		return f.strikeAfter(r.Context(), *early)
	}
	a.mu.Lock()
	out := a.oauth(r, body)
	a.mu.Unlock()
	if f != nil && f.Kind == FaultApplied500 {
		out = oauthError(http.StatusInternalServerError, "server_error", "Unexpected error.")
	}
	return f.strikeAfter(r.Context(), out)
}

func (a *Atlas) serveAPI(r *http.Request, body []byte) response {
	c, refused := a.admit(r, body)
	if refused != nil {
		return *refused
	}
	a.hook(c, func() func(Request) { return a.onRequest })
	f := a.strike(c.route.op, r.Method)
	out := a.strikeFirst(r.Context(), f, c)
	if out == nil {
		done := a.perform(c, f)
		out = &done
	}
	a.answered(c, out.status)
	a.hook(c, func() func(Request) { return a.onAnswered })
	return f.strikeAfter(r.Context(), *out)
}

// admit authenticates, finds the route and logs the request.
func (a *Atlas) admit(r *http.Request, body []byte) (*call, *response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	who, bad := a.authenticate(r)
	if bad != nil {
		out := a.render(nil, bad.answer(), version{})
		out.body = indent(out.body)
		return nil, &out
	}
	prefix, path, _ := under(r.URL.EscapedPath())
	route, params, known := a.find(r.Method, path)
	if route == nil {
		p := noRoute(r.Method, path, known)
		out := a.render(nil, p.answer(), version{})
		return nil, &out
	}
	c := &call{
		a: a, route: route, params: params, query: r.URL.Query(), path: path, prefix: prefix, base: baseURL(r), body: body,
		who: who, actor: who.actor(remoteHost(r)), at: a.now(), byHTTP: true, actionID: actionID(r.UserAgent()),
	}
	if a.lostWrites {
		c.began = a.accessOf(params["groupId"])
	}
	c.log = a.logRequest(c, r)
	return c, nil
}

// perform answers under the lock, then lets the fault spoil the answer.
func (a *Atlas) perform(c *call, f *Fault) response {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.at = a.now()
	header := http.Header{}
	v, ans := c.run(header, c.log.accept)
	switch {
	case f == nil:
	case f.Kind == FaultApplied500:
		v, ans = version{}, unexpected().answer()
	case f.Kind == FaultAppliedTimeout:
		return response{lost: true}
	case !ans.isError:
		f.spoil(&ans)
	}
	out := a.render(c, ans, v)
	for k, vs := range header {
		out.header[k] = vs
	}
	return out
}

// run goes through bucket, version, scope, role and handler.
func (c *call) run(header http.Header, accept string) (version, answer) {
	a := c.a
	a.tick(c.at)
	if bad := a.take(c, header); bad != nil {
		return version{}, bad.answer()
	}
	v, bad := c.choose(accept)
	if bad == nil {
		bad = c.allowed()
	}
	if bad != nil {
		return version{}, bad.answer()
	}
	c.version = v.date
	ans, bad := c.route.handle(c)
	if bad != nil {
		return version{}, bad.answer()
	}
	return v, ans
}

// allowed checks from where the call comes, finds the scope and checks the role.
func (c *call) allowed() *problem {
	if bad := c.enter(); bad != nil {
		return bad
	}
	if bad := c.resolve(); bad != nil {
		return bad
	}
	if c.who == nil {
		return nil
	}
	if c.a.denied[c.route.op] {
		return unauthorized()
	}
	return c.who.may(c.route, c.org, c.project)
}

func (c *call) resolve() *problem {
	if id, ok := c.params["orgId"]; ok {
		if !isID(id) {
			return missing("INVALID_ORG_ID", "An invalid organization ID %s was specified.", id)
		}
		if c.org = c.a.org(id); c.org == nil {
			return missing("ORG_NOT_FOUND", "No organization with ID %s exists.", id)
		}
	}
	if id, ok := c.params["groupId"]; ok {
		if !isID(id) {
			return missing("INVALID_GROUP_ID", "An invalid group ID %s was specified.", id)
		}
		if c.project = c.a.projects[id]; c.project == nil {
			return missing("GROUP_NOT_FOUND", "No group with ID %s exists.", id)
		}
		c.org = c.project.org
	}
	if id, ok := c.params["federationSettingsId"]; ok {
		return c.resolveFederation(id)
	}
	return nil
}

// isID matches ^[a-f0-9]{24}$.
func isID(s string) bool {
	return len(s) == 24 && strings.Trim(s, "0123456789abcdef") == ""
}

func (c *call) credential() string {
	if c.who == nil {
		return ""
	}
	return c.who.credential()
}

// render turns an answer into bytes: envelope, pretty print, media type.
func (a *Atlas) render(c *call, ans answer, v version) response {
	out := response{status: ans.status, header: http.Header{}}
	for k, vs := range ans.header {
		out.header[k] = vs
	}
	if ans.isError {
		out.header.Set("Content-Type", "application/json")
	} else if v.date != "" && c != nil && c.prefix == legacyPrefix {
		out.header.Set("Content-Type", "application/json")
	} else if v.date != "" {
		v.headers(out.header)
	}
	if c != nil {
		out.header.Set("X-Java-Method", "ApiAtlasResource::"+c.route.op)
	}
	body := ans.document(c)
	if body == nil {
		out.header.Del("Content-Type")
		return out
	}
	if t, plain := body.(plainText); plain {
		out.body = []byte(t)
		return out
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		out.status, out.body = http.StatusInternalServerError, []byte(`{"error":500,"errorCode":"UNEXPECTED_ERROR"}`)
		return out
	}
	out.body = bytes.TrimSpace(buf.Bytes())
	if c != nil && isTrue(c.query.Get("pretty")) {
		out.body = indent(out.body)
	}
	return out
}

// document is the JSON value of the answer, in its envelope if one was asked for.
func (ans answer) document(c *call) any {
	body := ans.body
	switch {
	case ans.rowsKey != "":
		ans.wrap[ans.rowsKey] = ans.rows
		body = ans.wrap
	case ans.rows != nil:
		body = ans.rows
	}
	if body == nil || c == nil || !isTrue(c.query.Get("envelope")) {
		return body
	}
	if ans.rowsKey == "results" {
		ans.wrap["status"] = ans.status
		return ans.wrap
	}
	return object{"status": ans.status, "content": body}
}

func isTrue(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

func indent(b []byte) []byte {
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil {
		return b
	}
	return out.Bytes()
}

// send writes the response, or breaks the connection where a fault wants that.
func (a *Atlas) send(w http.ResponseWriter, out response) {
	if out.lost {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	for k, vs := range out.header {
		h[k] = vs
	}
	a.mu.Lock()
	h.Set("Date", a.now().Format(http.TimeFormat))
	a.mu.Unlock()
	h.Set("Server", "mdbws")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubdomains;")
	h.Set("X-Envoy-Upstream-Service-Time", "12")
	if out.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	w.WriteHeader(out.status)
	if !out.cut {
		w.Write(out.body) // a client that went away is its own affair
		return
	}
	w.Write(out.body[:len(out.body)/2])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// wait sleeps for d or until the request is given up; it says whether it slept it out.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
