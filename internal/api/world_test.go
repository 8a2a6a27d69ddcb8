package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/routers"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	orgOne = "64f000000000000000000001"
	orgTwo = "64f000000000000000000002"
)

// The places, findings and actions of the tests.
var (
	one     = Place{access.OrgScope(orgOne), orgOne, "ExampleCorp", ""}
	two     = Place{access.OrgScope(orgTwo), orgTwo, "Elsewhere", ""}
	prod    = Place{access.ProjectScope("64f000000000000000000011"), orgOne, "ecommerce-prod", "prod"}
	dev     = Place{access.ProjectScope("64f000000000000000000012"), orgOne, "ecommerce-dev", "dev"}
	foreign = Place{access.ProjectScope("64f000000000000000000021"), orgTwo, "ecommerce-prod", "prod"}
	began   = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
)

func findingAt(p Place, rule, name, owner string, s access.Severity) access.Finding {
	ref := access.Ref{Scope: p.Scope, Kind: access.KindIPAccessEntry, Name: name}
	return access.Finding{
		V: 1, ID: access.FindingID(rule, ref, ""), Rule: rule, Ref: ref, State: access.FindingOpen, Episode: 2, Severity: s, Message: "The entry " + name + " is wide.",
		Environment: p.Environment, Owner: owner, OpenedAt: began.Add(-time.Hour), Digest: "0123456789abcdef",
	}
}

func actionFor(f access.Finding, state access.ActionState) access.Action {
	return access.Action{
		V: 1, ID: access.ActionID(f.ID, f.Episode), Finding: f.ID, Episode: f.Episode, Rule: f.Rule, Ref: f.Ref, Severity: f.Severity, Environment: f.Environment,
		State: state, Do: access.ModeApprove, PlanHash: access.Hash("plan", f.ID), Created: began.Add(-time.Minute),
		Plan: access.Plan{Why: "closes the entry", Reversible: "yes", Operations: []access.Operation{{Type: access.DeleteAccessEntry, Ref: f.Ref}}, Impact: access.Impact{Answer: "none", Says: "Nobody logged in through it."}},
		Ask:  access.Ask{Approvers: []string{"oncall"}, Quorum: 1, Deadline: began.Add(4 * time.Hour)},
	}
}

// proposalFor is what bob asked for, and one more must.
func proposalFor(f access.Finding) access.Proposal {
	return access.Proposal{
		Finding: f.ID, Episode: f.Episode, Rule: f.Rule, Ref: f.Ref, Digest: f.Digest, At: began.Add(-time.Hour), Until: began.Add(2 * time.Hour), Needs: 1,
		Votes: []access.Ballot{{By: "bob", Vote: access.VoteApprove, Command: "01JD9A00000000000000000001", At: began.Add(-time.Hour), Reason: "a load test"}},
	}
}

// fake is a daemon that decides every command at once, as decide says.
type fake struct {
	mu       sync.Mutex
	places   []Place
	findings []access.Finding
	actions  []access.Action
	waivers  access.Waivers
	controls map[access.Scope]access.Control
	given    []access.Command
	records  map[string]access.CommandRecord
	decide   func(access.Command) (access.CommandRecord, error)
	broken   error
	stream   error // with which an audit ends
	begun    bool  // after something was sent
}

func newFake() *fake {
	f := &fake{
		places: []Place{one, two, prod, dev, foreign}, records: map[string]access.CommandRecord{},
		findings: []access.Finding{
			findingAt(prod, "network/open-to-world", "0.0.0.0/0", "shop", access.Critical),
			findingAt(prod, "network/entry-too-broad", "10.0.0.0/8", "", access.Medium),
			findingAt(dev, "network/entry-too-broad", "10.0.0.0/8", "tools", access.Low),
			findingAt(one, "org/mfa-off", "x", "", access.High),
			findingAt(foreign, "network/open-to-world", "0.0.0.0/0", "shop", access.Critical),
		},
	}
	gone := findingAt(prod, "network/open-to-world", "0.0.0.0/1", "shop", access.Critical)
	gone.State, gone.Resolution = access.FindingResolved, "removed by alice"
	f.findings = append(f.findings, gone)
	f.actions = []access.Action{
		actionFor(f.findings[0], access.ActionAwaiting), actionFor(f.findings[1], access.ActionVerified), actionFor(f.findings[2], access.ActionAwaiting),
		actionFor(f.findings[4], access.ActionAwaiting),
	}
	f.waivers = access.Waivers{
		Waivers: []access.Waiver{
			{V: 1, ID: "in-prod", Rule: "network/*", Project: prod.Scope.ID(), Owner: "shop", Reason: "a reason", Granted: began, Until: began.Add(time.Hour), Source: "conf.yaml:7"},
			{V: 1, ID: "everywhere", Rule: "dbuser/*", Name: "admin/x", Owner: "tools", Reason: "a reason", Granted: began, Until: began.Add(time.Hour), Source: "conf.yaml:9"},
			{V: 1, ID: "cmd-1", Rule: "network/open-to-world", Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0", Project: prod.Scope.ID(), Owner: "bob", Reason: "a reason", Granted: began, Until: began.Add(time.Hour), Digest: "0123456789abcdef"},
		},
		Expectations:     []access.Expectation{{V: 1, ID: "move", Actor: "alice", Project: dev.Title, From: began, Until: began.Add(time.Hour), Reason: "a move", Approved: "bob"}},
		Acknowledgements: []access.Acknowledgement{{Finding: f.findings[2].ID, Episode: 2, By: "bob", At: began}},
		Proposed:         []access.Proposal{proposalFor(f.findings[0])},
	}
	f.controls = map[access.Scope]access.Control{
		one.Scope: {V: 1, Freeze: access.Freeze{On: true, By: "carol", Reason: "an audit", At: began}},
		prod.Scope: {
			V: 1, Incidents: []access.Incident{{Name: "INC-1", By: "carol", From: began.Add(-time.Hour), Until: began.Add(time.Hour)}},
			Adoptions: []access.Adoption{{Rule: "network/open-to-world", Hash: "h", At: began}},
		},
		foreign.Scope: {V: 1, Freeze: access.Freeze{On: true, By: "carol", At: began}},
	}
	f.decide = func(c access.Command) (access.CommandRecord, error) {
		return access.CommandRecord{V: 1, Command: c, Accepted: true, Why: "done", Action: "a", At: c.At}, nil
	}
	return f
}

func (f *fake) AllFindings(context.Context) ([]access.Finding, error) {
	return slices.Clone(f.findings), f.broken
}
func (f *fake) AllActions(context.Context) ([]access.Action, error) {
	return slices.Clone(f.actions), f.broken
}
func (f *fake) Action(_ context.Context, id string) (access.Action, bool, error) {
	i := slices.IndexFunc(f.actions, func(a access.Action) bool { return a.ID == id })
	if i < 0 {
		return access.Action{}, false, f.broken
	}
	return f.actions[i], true, f.broken
}
func (f *fake) Places(context.Context) ([]Place, error)         { return f.places, f.broken }
func (f *fake) Waivers(context.Context) (access.Waivers, error) { return f.waivers, f.broken }
func (f *fake) Controls(context.Context) (map[access.Scope]access.Control, error) {
	return f.controls, f.broken
}

func (f *fake) Submit(_ context.Context, c access.Command) (access.CommandRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := c.Validate(); err != nil {
		return access.CommandRecord{}, err
	}
	f.given = append(f.given, c)
	r, err := f.decide(c)
	if err == nil {
		f.records[c.ID] = r
	}
	return r, err
}

func (f *fake) Command(_ context.Context, id string) (access.CommandRecord, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.records[id]
	return r, ok, f.broken
}

func (f *fake) Adoptable(_ context.Context, rule string, scope access.Scope) (Adoptable, error) {
	if rule == "network/nothing" {
		return Adoptable{Rule: rule, Scope: scope, Hash: "0"}, nil
	}
	return Adoptable{Rule: rule, Scope: scope, Hash: "h", Findings: []Adopted{{Action: "a-1", Finding: "a", Name: "0.0.0.0/0", PlanHash: "p"}, {Action: "b-1", Finding: "b", Name: "x", Left: "told of only"}}}, nil
}

func (f *fake) Audit(_ context.Context, w io.Writer, _, _ time.Time, format string) error {
	if f.stream == nil || f.begun {
		if _, err := fmt.Fprintf(w, "{\"format\":%q}\n", format); err != nil {
			return err
		}
	}
	return f.stream
}

func (f *fake) Evidence(_ context.Context, w io.Writer, finding, format string) error {
	if format == "html" {
		_, err := io.WriteString(w, "<!doctype html><title>evidence</title>")
		return err
	}
	_, err := fmt.Fprintf(w, "{\"finding\":%q}\n", finding)
	return err
}

// callers are the tokens of the tests, by name.
type callers map[string]string

// gate is an API over a fake, with a token for everybody.
type gate struct {
	t       *testing.T
	backend *fake
	tokens  callers
	server  *Server
	log     *observer.ObservedLogs
	now     time.Time
	loaded  sync.Once
	router  routers.Router // of the description, once it is loaded
}

func newGate(t *testing.T, edit ...func(*Options)) *gate {
	t.Helper()
	g := &gate{t: t, backend: newFake(), tokens: callers{}, now: began}
	var known []Token
	for name, grant := range map[string]Grant{
		"viewer": {Roles: []Role{RoleViewer}}, "approver": {Roles: []Role{RoleApprover}}, "admin": {Roles: []Role{RoleAdmin}}, "noRole": {},
		"viewer of org one":    {Roles: []Role{RoleViewer}, Orgs: []string{orgOne}},
		"approver of org one":  {Roles: []Role{RoleApprover}, Orgs: []string{orgOne}},
		"admin of org one":     {Roles: []Role{RoleAdmin}, Orgs: []string{orgOne}},
		"approver of *-prod":   {Roles: []Role{RoleApprover}, Projects: []string{"*-prod"}},
		"approver of shop":     {Roles: []Role{RoleApprover}, Owners: []string{"shop"}},
		"admin of prod's id":   {Roles: []Role{RoleAdmin}, Projects: []string{prod.Scope.ID()}},
		"approver in one, dev": {Roles: []Role{RoleApprover}, Orgs: []string{orgOne}, Projects: []string{"*-dev"}},
	} {
		token, hash := NewToken()
		g.tokens[name] = token
		known = append(known, Token{Name: strings.ReplaceAll(name, " ", "-"), SHA256: hash, Principal: "p-" + strings.Fields(name)[0], Grant: grant})
	}
	core, log := observer.New(zap.DebugLevel)
	g.log = log
	auth := NewAuth(AuthOptions{Tokens: known})
	o := Options{Backend: g.backend, Adopter: g.backend, Auditor: g.backend, Auth: func() *Auth { return auth }, Logger: zap.New(core), Now: func() time.Time { return g.now }}
	o.More = audited()
	for _, e := range edit {
		e(&o)
	}
	g.server = New(o)
	return g
}

// audited are the further routes that the audit has.
func audited() []Route {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("limit") {
				http.Error(w, "limit: want 1 to 10000", http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text)
		})
	}
	return []Route{{"GET", "/audit/verify", RoleViewer, says(`{}`)}, {"GET", "/audit/facts", RoleViewer, says(`[]`)}, {"GET", "/evidence/{finding}", RoleViewer, says(`{}`)}, {"POST", "/audit/erasures", RoleAdmin, says(`{"names":[]}`)}}
}

// ask sends a request as somebody; "" is nobody.
func (g *gate) ask(who, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	g.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token, ok := g.tokens[who]; ok {
		r.Header.Set("Authorization", "Bearer "+token)
	} else if who != "" {
		g.t.Fatalf("there is no caller %q", who)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return g.send(r)
}

func (g *gate) send(r *http.Request) *httptest.ResponseRecorder {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	g.server.ServeHTTP(w, r)
	if w.Code >= 400 {
		problemFrom(g.t, w)
	}
	g.described(r, body, w)
	return w
}

// problemFrom is the problem of an answer, which must be one that says what to do.
func problemFrom(t *testing.T, w *httptest.ResponseRecorder) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d is no problem: %v: %s", w.Code, err, w.Body)
	}
	if p.Status != w.Code || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Type, problemType) || p.Next == "" && p.Command == nil {
		t.Errorf("%d: a problem says too little: %s", w.Code, w.Body)
	}
	return p
}

func decoded[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return out
}
