package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// exam is one sample under examination.
type exam struct {
	*matrix
	t      *testing.T
	sample sample
	op     officialOperation
	accept string
	owner  party
	key    party    // the owner's, too
	plain  answerOf // what the owner's request was answered with
}

func (e *exam) is(check, why string) {
	e.t.Helper()
	e.count(e.t, e.sample, check, why)
}

// giveUp ends the examination: what comes next would say nothing.
func (e *exam) giveUp(why string) {
	e.t.Helper()
	e.is("setup", why)
	runtime.Goexit()
}

// examine is one row of the matrix.
func (m *matrix) examine(t *testing.T, s sample) {
	op, found := m.doc.operations[s.op]
	if !found {
		m.count(t, s, "setup", "the document has no such operation")
		return
	}
	e := &exam{matrix: m, t: t, sample: s, op: op, accept: "application/vnd.atlas." + op.newest() + "+json"}
	e.owner, e.key = owners(s.in)
	if !e.succeeds() {
		return
	}
	e.isRefused()
	e.holdsRoles()
	e.negotiates()
	if op.paged() {
		e.pages()
	}
	e.wraps()
}

// ready is a fresh world in which the sample's request can be made.
type ready struct {
	*world
	path, body string
	names      bindings
	params     map[string]string
}

func (e *exam) ready(more ...ServiceAccount) ready {
	e.t.Helper()
	w := openWorld(e.t, e.world, e.sample.in, more)
	n, err := w.prepared(e.all.bindingsIn(w), e.sample.setup)
	if err != nil {
		e.giveUp(err.Error())
	}
	path, err := n.expand(e.sample.path)
	if err != nil {
		e.giveUp(err.Error())
	}
	body, err := n.expand(e.sample.body)
	if err != nil {
		e.giveUp(err.Error())
	}
	if path == "/" {
		path = ""
	}
	bare, _, _ := strings.Cut(path, "?")
	params := e.op.params(bare)
	if params == nil || e.sample.method != e.op.method {
		e.giveUp(fmt.Sprintf("%s %s is not %s %s", e.sample.method, path, e.op.method, e.op.path))
	}
	return ready{w, path, body, n, params}
}

func (r ready) as(p party, e *exam) answerOf {
	r.t.Helper()
	return r.signed(p, e.op.method, r.path, r.body, e.accept)
}

// with is the request's path with another value of one parameter.
func (r ready) with(e *exam, name, value string) string {
	out := e.op.path
	for k, v := range r.params {
		if k == name {
			v = value
		}
		out = strings.ReplaceAll(out, "{"+k+"}", url.PathEscape(v))
	}
	if _, query, ok := strings.Cut(r.path, "?"); ok {
		out += "?" + query
	}
	return out
}

// succeeds makes the request with both credentials and judges request, answer and
// trace.
func (e *exam) succeeds() bool {
	e.t.Helper()
	all := true
	for _, p := range []party{e.owner, e.key} {
		r := e.ready()
		feeds, before := r.feeds(), r.footprint()
		if p == e.owner {
			req := r.ask(e.op.method, r.path, r.body, e.accept)
			e.is("request valid", e.badRequest(req))
		}
		a := r.as(p, e)
		way := "service account"
		if p.digest {
			way = "API key"
		}
		if a.status/100 != 2 {
			e.is(way, fmt.Sprintf("%s %s: %d %s", e.op.method, r.path, a.status, a.raw))
			all = false
			continue
		}
		e.is(way, "")
		if p == e.owner {
			e.plain = a
		}
		e.is("status", e.status(a.status))
		e.is("answer valid", e.misfit(a.status, a.raw))
		e.is("content type", e.contentType(a))
		e.trace(r, p, feeds, before)
	}
	return all
}

// badRequest judges the request by the document, but where that contradicts itself.
func (e *exam) badRequest(req *http.Request) string {
	why := e.doc.request(e.op, req)
	for _, k := range e.known {
		if why != "" && k.request != "" && k.at(e.op.OperationID) && strings.HasSuffix(strings.TrimSpace(why), k.request) {
			e.differ(e.sample.family, k)
			return ""
		}
	}
	return why
}

// status lets a known difference speak for another status than the document's.
func (e *exam) status(got int) string {
	if found, _ := e.op.answer(got); found {
		return ""
	}
	for _, k := range e.known {
		if k.status == got && k.at(e.op.OperationID) && k.ops != nil {
			e.differ(e.sample.family, k)
			return ""
		}
	}
	return fmt.Sprintf("%d, the document has %d", got, e.op.success())
}

// misfit judges a body as it is, then with one known difference after the other undone.
func (e *exam) misfit(status int, raw string) string {
	found, schema := e.op.answer(status)
	if !found {
		_, schema = e.op.answer(e.op.success())
	}
	switch {
	case raw == "" && schema == nil:
		return ""
	case raw == "":
		return "no body"
	case schema == nil && strings.TrimSpace(raw) != "{}":
		return e.unexpected(raw)
	case schema == nil:
		return ""
	}
	v, err := jsonValue(raw)
	if err != nil && schema.Type.Is("string") {
		v = raw // as a text of its own
	} else if err != nil {
		return err.Error()
	}
	why := e.doc.wrong(schema, v)
	for _, k := range e.known {
		if why == "" {
			return ""
		}
		if k.undo != nil && k.at(e.op.OperationID) && k.undo(v) {
			e.differ(e.sample.family, k)
			why = e.doc.wrong(schema, v)
		}
	}
	if why != "" {
		why += "\n" + raw
	}
	return why
}

// unexpected judges a body where the document has none, or one that is no JSON.
func (e *exam) unexpected(raw string) string {
	for _, media := range contents(e.op.Operation) {
		if media.Schema != nil && media.Schema.Value.Type.Is("string") {
			return ""
		}
	}
	return "a body that the document does not have: " + raw
}

func (e *exam) contentType(a answerOf) string {
	want := e.accept + ";charset=utf-8"
	if got := a.header.Get("Content-Type"); a.raw != "" && got != want || a.raw == "" && got != "" {
		return fmt.Sprintf("%q, want %q", got, want)
	}
	return ""
}

// refused says how an answer is not the refusal that is wanted, or "".
func (e *exam) refused(a answerOf, status int, codes ...string) string {
	if a.status != status || len(codes) > 0 && !slices.Contains(codes, a.code()) {
		return fmt.Sprintf("%d %s, want %d %s", a.status, a.raw, status, strings.Join(codes, " or "))
	}
	v, err := jsonValue(a.raw)
	if err != nil {
		return err.Error()
	}
	schema := e.doc.Components.Schemas["ApiError"].Value
	why := e.doc.wrong(schema, v)
	for _, k := range e.known {
		if why == "" {
			return ""
		}
		if k.errors != nil && k.errors(v) {
			e.differ(e.sample.family, k)
			why = e.doc.wrong(schema, v)
		}
	}
	return why
}

// isRefused asks in every way that is refused; none of them may change anything.
func (e *exam) isRefused() {
	e.t.Helper()
	parties, accounts := e.tooLittle()
	r := e.ready(accounts...)
	before := r.footprint()
	e.unversioned(r)
	e.findsNothing(r)
	for roles, p := range parties {
		why := e.refused(r.as(p, e), 401)
		if why != "" {
			why = roles + ": " + why
		}
		e.is("401 without the role", why)
	}
	if _, inOrg := e.scope(); inOrg {
		e.is("401 of another organisation", e.refused(r.as(outsider(), e), 401))
	}
	e.is("a refusal leaves no trace", same(before, r.footprint()))
}

// unversioned asks without credentials, and for versions that there are not.
func (e *exam) unversioned(r ready) {
	e.t.Helper()
	if !e.open() {
		a := r.send(r.ask(e.op.method, r.path, r.body, e.accept))
		why := e.refused(a, 401, "UNEXPECTED_ERROR")
		if why == "" && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), `Digest realm="MMS Public API"`) {
			why = "no digest challenge: " + a.header.Get("WWW-Authenticate")
		}
		e.is("401 without credentials", why)
	}
	for _, accept := range []string{"application/json", "application/vnd.atlas.2000-01-01+json"} {
		a := r.signed(e.owner, e.op.method, r.path, r.body, accept)
		e.is("406", e.refused(a, 406, "INVALID_VERSION_DATE"))
	}
}

// open says whether the operation asks for no credentials.
func (e *exam) open() bool { return e.op.Security != nil && len(*e.op.Security) == 0 }

func same(before, after string) string {
	if before != after {
		return before + " became " + after
	}
	return ""
}

// findsNothing asks for an organisation, a project and a resource that are not there.
func (e *exam) findsNothing(r ready) {
	e.t.Helper()
	const nowhere = "ffffffffffffffffffffffff"
	if _, ok := r.params["orgId"]; ok {
		a := r.signed(e.owner, e.op.method, r.with(e, "orgId", nowhere), r.body, e.accept)
		e.is("404 of the organisation", e.refused(a, 404, "ORG_NOT_FOUND"))
	}
	if _, ok := r.params["groupId"]; ok {
		a := r.signed(e.owner, e.op.method, r.with(e, "groupId", nowhere), r.body, e.accept)
		e.is("404 of the project", e.refused(a, 404, "GROUP_NOT_FOUND"))
	}
	last := lastParam(e.op.path)
	x := e.sample.absent
	if last != "" && last != "orgId" && last != "groupId" && x.none == "" {
		path := r.with(e, last, madeUp(r.params[last]))
		if x.path != "" {
			var err error
			if path, err = r.names.expand(x.path); err != nil {
				e.giveUp(err.Error())
			}
		}
		want, codes := 404, []string(nil)
		if x.status != 0 {
			want = x.status
		}
		if x.code != "" {
			codes = []string{x.code}
		}
		a := r.signed(e.owner, e.op.method, path, r.body, e.accept)
		e.is("404 of the resource", e.refused(a, want, codes...))
	}
}

func lastParam(path string) string {
	i := strings.LastIndex(path, "{")
	if i < 0 {
		return ""
	}
	name, _, _ := strings.Cut(path[i+1:], "}")
	return name
}

// madeUp is of the kind of a value and nothing's name.
func madeUp(value string) string {
	hex := strings.Trim(value, "0123456789abcdef") == ""
	switch _, err := strconv.Atoi(value); {
	case strings.HasPrefix(value, "mdb_sa_id_"):
		return "mdb_sa_id_ffffffffffffffffffffffff"
	case hex && len(value) >= 20:
		return strings.Repeat("f", len(value))
	case err == nil:
		return "987654"
	case strings.HasPrefix(value, "vpce-"):
		return "vpce-0fffffffffffffff0"
	case strings.Count(value, ".") == 3 && strings.Contains(value, "/"):
		return "192.0.2.192/28"
	case strings.Count(value, ".") == 3:
		return "192.0.2.250"
	case strings.Contains(value, "@"):
		return "nobody@example.com"
	}
	return "nosuch"
}
