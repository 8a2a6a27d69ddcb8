package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// body is a request that is good for a verb, about the first finding or its project.
func (g *gate) body(v access.Verb) string {
	f, a := g.backend.findings[0], g.backend.actions[0]
	until := began.Add(time.Hour).Format(time.RFC3339)
	rest := map[access.Verb]string{
		access.VerbVote:        fmt.Sprintf(`"action":%q,"planHash":%q,"vote":"approve"`, a.ID, a.PlanHash),
		access.VerbUndo:        fmt.Sprintf(`"action":%q,"planHash":%q,"reason":"it broke"`, a.ID, a.PlanHash),
		access.VerbRelease:     fmt.Sprintf(`"action":%q,"planHash":%q,"reason":"it broke"`, a.ID, a.PlanHash),
		access.VerbWaive:       fmt.Sprintf(`"finding":%q,"until":%q,"reason":"a test","ticket":"SEC-1"`, f.ID, until),
		access.VerbSnooze:      fmt.Sprintf(`"finding":%q,"for":"2h"`, f.ID),
		access.VerbAcknowledge: fmt.Sprintf(`"finding":%q`, f.ID),
		access.VerbFreeze:      fmt.Sprintf(`"project":%q,"reason":"an audit"`, prod.Scope.ID()),
		access.VerbUnfreeze:    fmt.Sprintf(`"project":%q,"reason":"it is over"`, prod.Scope.ID()),
		access.VerbExpect:      fmt.Sprintf(`"project":%q,"reason":"a move","actor":"alice","until":%q`, prod.Scope.ID(), until),
		access.VerbAdopt:       fmt.Sprintf(`"project":%q,"reason":"cleaning","rule":"network/open-to-world","planHash":"h"`, prod.Scope.ID()),
		access.VerbIncident:    fmt.Sprintf(`"project":%q,"reason":"it is down","incident":"INC-1","for":"2h"`, prod.Scope.ID()),
		access.VerbEndIncident: fmt.Sprintf(`"project":%q,"reason":"it is up","incident":"INC-1"`, prod.Scope.ID()),
		access.VerbUnwaive:     `"waiver":"cmd-1","reason":"it was enough"`,
	}[v]
	return fmt.Sprintf(`{"verb":%q,%s}`, v, rest)
}

func verbs() []access.Verb { return slices.Sorted(maps.Keys(forms())) }

// TestMatrix: who may do what, and where. What is out of scope is not there.
func TestMatrix(t *testing.T) {
	const none, no, hidden, ok = 401, 403, 404, 200
	g := newGate(t)
	f, a := g.backend.findings[0], g.backend.actions[0]
	reads := []string{"/openapi.json", "/whoami", "/places", "/findings", "/actions", "/waivers", "/expectations", "/acknowledgements", "/freezes", "/incidents", "/adoptions"}
	for _, c := range []struct {
		who                                 string
		lists, finding, decide, lead, chain int // lists; one finding or action in prod, and its evidence; approver's verbs; admin's verbs; the whole audit
	}{
		{"", none, none, none, none, none},
		{"noRole", no, no, no, no, no},
		{"viewer", ok, ok, no, no, ok},
		{"approver", ok, ok, ok, no, ok},
		{"admin", ok, ok, ok, ok, ok},
		{"viewer of org one", ok, ok, no, no, no},
		{"approver of org one", ok, ok, ok, no, no},
		{"admin of org one", ok, ok, ok, ok, no},
		{"approver of *-prod", ok, ok, ok, no, no},
		{"approver of shop", ok, ok, ok, no, no},
		{"admin of prod's id", ok, ok, ok, ok, no},
		{"approver in one, dev", ok, hidden, hidden, no, no},
	} {
		t.Run(c.who, func(t *testing.T) {
			g := newGate(t, func(o *Options) { o.Limits.Failure = Pace{time.Second, 100} })
			check := func(method, path, body string, want int) {
				t.Helper()
				if got := g.ask(c.who, method, prefix+path, body); got.Code != want {
					t.Errorf("%s %s %s: %d, want %d: %s", method, path, body, got.Code, want, got.Body)
				}
			}
			for _, path := range reads {
				check("GET", path, "", c.lists)
			}
			check("GET", "/findings/"+f.ID, "", c.finding)
			check("GET", "/findings/"+f.ID+"/evidence", "", c.finding)
			check("GET", "/actions/"+a.ID, "", c.finding)
			erase := c.chain
			if c.lead != ok && erase == ok {
				erase = no
			}
			check("GET", "/audit", "", c.chain)
			check("GET", "/audit/verify", "", c.chain)
			check("GET", "/audit/facts", "", c.chain)
			check("GET", "/evidence/"+f.ID, "", c.chain)
			check("POST", "/audit/erasures", `{"person":"alice"}`, erase)
			for _, v := range verbs() {
				want := c.decide
				if roleFor(v) == RoleAdmin {
					want = c.lead
				}
				if c.who == "approver of shop" && v == access.VerbExpect { // of the project, which nobody owns
					want = hidden
				}
				check("POST", "/commands", g.body(v), want)
			}
			preview := c.finding
			if c.who == "approver of shop" {
				preview = hidden
			}
			check("GET", "/adoptions/preview?rule=network/open-to-world&project="+prod.Scope.ID(), "", preview)
			asked := 0
			for _, v := range verbs() {
				if want := map[Role]int{RoleApprover: c.decide, RoleAdmin: c.lead}[roleFor(v)]; want == ok {
					asked++
				}
			}
			if c.who == "approver of shop" {
				asked--
			}
			if len(g.backend.given) != asked {
				t.Errorf("%d commands were given, want %d", len(g.backend.given), asked)
			}
		})
	}
}

// TestScopes: lists hold what is within the grant, and nothing else.
func TestScopes(t *testing.T) {
	names := func(p Place) string { return p.Org[23:] + " " + p.Title }
	every := []string{"1 ExampleCorp", "1 ecommerce-dev", "1 ecommerce-prod", "2 Elsewhere", "2 ecommerce-prod"}
	for who, want := range map[string]struct {
		places, findings, waivers, expectations, acknowledgements, freezes, incidents []string
	}{
		"viewer":               {every, []string{"1", "1 ecommerce-dev", "1 ecommerce-prod", "1 ecommerce-prod", "2 ecommerce-prod"}, []string{"cmd-1", "everywhere", "in-prod", "of bob"}, []string{"move"}, []string{"bob"}, []string{"1 ExampleCorp", "2 ecommerce-prod"}, []string{"INC-1"}},
		"viewer of org one":    {every[:3], []string{"1", "1 ecommerce-dev", "1 ecommerce-prod", "1 ecommerce-prod"}, []string{"cmd-1", "in-prod", "of bob"}, []string{"move"}, []string{"bob"}, every[:1], []string{"INC-1"}},
		"approver of *-prod":   {[]string{"1 ecommerce-prod", "2 ecommerce-prod"}, []string{"1 ecommerce-prod", "1 ecommerce-prod", "2 ecommerce-prod"}, []string{"cmd-1", "in-prod", "of bob"}, nil, nil, []string{"2 ecommerce-prod"}, []string{"INC-1"}},
		"approver of shop":     {nil, []string{"1 ecommerce-prod", "2 ecommerce-prod"}, []string{"cmd-1", "in-prod", "of bob"}, nil, nil, nil, nil},
		"admin of prod's id":   {[]string{"1 ecommerce-prod"}, []string{"1 ecommerce-prod", "1 ecommerce-prod"}, []string{"cmd-1", "in-prod", "of bob"}, nil, nil, nil, []string{"INC-1"}},
		"approver in one, dev": {[]string{"1 ecommerce-dev"}, []string{"1 ecommerce-dev"}, nil, []string{"move"}, []string{"bob"}, nil, nil},
	} {
		g := newGate(t)
		same := func(what string, got, want []string) {
			t.Helper()
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s of %s: %q, want %q", what, who, got, want)
			}
		}
		same("places", listed(g, who, "/places", names), want.places)
		same("findings", listed(g, who, "/findings", func(f Finding) string { return strings.TrimSpace(f.Org[23:] + " " + f.Project) }), want.findings)
		same("waivers", listed(g, who, "/waivers", func(w Waiver) string {
			if w.Proposed != nil {
				return "of " + strings.Join(w.Proposed.By, ", ")
			}
			return w.ID
		}), want.waivers)
		same("expectations", listed(g, who, "/expectations", func(e access.Expectation) string { return e.ID }), want.expectations)
		same("acknowledgements", listed(g, who, "/acknowledgements", func(a access.Acknowledgement) string { return a.By }), want.acknowledgements)
		same("freezes", listed(g, who, "/freezes", func(f Freeze) string { return names(f.Place) }), want.freezes)
		same("incidents", listed(g, who, "/incidents", func(i Incident) string { return i.Name }), want.incidents)
	}
}

func listed[T any](g *gate, who, path string, name func(T) string) (out []string) {
	g.t.Helper()
	w := g.ask(who, "GET", prefix+path, "")
	if w.Code != http.StatusOK {
		g.t.Fatalf("%s as %s: %d %s", path, who, w.Code, w.Body)
	}
	for _, x := range decoded[Page[T]](g.t, w).Items {
		out = append(out, name(x))
	}
	return out
}

// TestOutOfScopeIsNotThere: what is hidden is answered to the byte as what never was.
func TestOutOfScopeIsNotThere(t *testing.T) {
	g := newGate(t)
	const never = "00000000000000000000000000000000"
	f, a := g.backend.findings[0], g.backend.actions[0]
	for _, c := range []struct{ method, path, body, id string }{
		{"GET", "/findings/" + f.ID, "", f.ID},
		{"GET", "/findings/" + f.ID + "/evidence", "", f.ID},
		{"GET", "/actions/" + a.ID, "", a.ID},
		{"POST", "/commands", g.body(access.VerbAcknowledge), f.ID},
		{"POST", "/commands", g.body(access.VerbVote), a.ID},
		{"POST", "/commands", g.body(access.VerbExpect), prod.Scope.ID()},
		{"POST", "/commands", g.body(access.VerbUnwaive), "cmd-1"},
		{"GET", "/adoptions/preview?rule=network/x&project=" + prod.Scope.ID(), "", prod.Scope.ID()},
	} {
		there := g.ask("approver in one, dev", c.method, prefix+c.path, c.body)
		not := g.ask("approver in one, dev", c.method, prefix+strings.ReplaceAll(c.path, c.id, never), strings.ReplaceAll(c.body, c.id, never))
		if there.Code != http.StatusNotFound || strings.ReplaceAll(there.Body.String(), c.id, never) != not.Body.String() {
			t.Errorf("%s %s: hidden: %d %s, not there: %d %s", c.method, c.path, there.Code, there.Body, not.Code, not.Body)
		}
	}
}

// TestSeveralGrants: a role of one grant does not reach into another's scope.
func TestSeveralGrants(t *testing.T) {
	who := identity{grants: []Grant{{Roles: []Role{RoleViewer}}, {Roles: []Role{RoleApprover}, Projects: []string{"*-dev"}}}}
	at := func(p Place) thing { return thing{place: p} }
	if !who.sees(at(prod)) || who.may(RoleApprover, at(prod)) || !who.may(RoleApprover, at(dev)) || who.may(RoleAdmin, at(dev)) || !who.everywhere(RoleViewer) || who.everywhere(RoleApprover) {
		t.Error("the grants are mixed up")
	}
	if (Grant{Roles: []Role{"root"}}).allows("root") {
		t.Error("a role that nobody knows allows itself")
	}
}
