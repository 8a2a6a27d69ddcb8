package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/gatewarden/gatewarden/internal/access"
)

func described(t testing.TB) (*openapi3.T, routers.Router) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(Document()))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return doc, router
}

// described reports whatever an exchange has that the description has not. A request that was
// refused need not be as described; every answer must be.
func (g *gate) described(r *http.Request, body []byte, w *httptest.ResponseRecorder) {
	g.t.Helper()
	g.loaded.Do(func() { _, g.router = described(g.t) })
	route, params, err := g.router.FindRoute(r)
	if err != nil {
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusUnauthorized {
			g.t.Errorf("%s %s is answered with %d and not described: %v", r.Method, r.URL.Path, w.Code, err)
		}
		return
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
	if strings.Contains(w.Header().Get("Content-Type"), "ndjson") || strings.Contains(w.Header().Get("Content-Type"), "html") {
		options.ExcludeResponseBody = true // no schema tells anything of it
	}
	asked := r.Clone(context.Background())
	asked.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) > 0 {
		asked.Header.Set("Content-Type", "application/json")
	}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route, Options: options}
	if w.Code < 400 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			g.t.Errorf("%s %s %s is taken, and not as described: %v", r.Method, r.URL, body, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: options}
	out.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		g.t.Errorf("%s %s is answered otherwise than described: %v", r.Method, r.URL, err)
	}
}

// TestEveryRouteIsDescribed, and every description has its route.
func TestEveryRouteIsDescribed(t *testing.T) {
	doc, _ := described(t)
	g := newGate(t)
	var there, said []string
	for _, r := range g.server.routes() {
		there = append(there, r.method+" "+r.path)
	}
	for _, r := range g.server.More {
		there = append(there, r.Method+" "+r.Path)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			said = append(said, method+" "+path)
		}
	}
	slices.Sort(there)
	slices.Sort(said)
	if !slices.Equal(there, said) {
		t.Errorf("there are\n%q\nand described are\n%q", there, said)
	}
}

// TestServedDescription: of a daemon without an audit none is described.
func TestServedDescription(t *testing.T) {
	g := newGate(t)
	whole := decoded[openapi3.T](t, g.ask("viewer", "GET", prefix+"/openapi.json", ""))
	if whole.Paths.Find("/audit") == nil || whole.Paths.Find("/commands") == nil {
		t.Error("the description lacks what is there")
	}
	g = newGate(t, func(o *Options) { o.Adopter, o.Auditor, o.More = nil, nil, nil })
	less := decoded[openapi3.T](t, g.ask("viewer", "GET", prefix+"/openapi.json", ""))
	if less.Paths.Find("/audit") != nil || less.Paths.Find("/audit/verify") != nil || less.Paths.Find("/findings/{id}/evidence") != nil || less.Paths.Find("/adoptions/preview") != nil || less.Paths.Find("/findings/{id}") == nil {
		t.Error("the description tells of what is not there")
	}
	if w := g.ask("admin", "GET", prefix+"/audit", ""); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
}

// TestEveryFieldIsDescribed: what answers and requests hold stands in the description.
func TestEveryFieldIsDescribed(t *testing.T) {
	doc, _ := described(t)
	for name, of := range map[string]any{
		"Problem": Problem{}, "Ref": access.Ref{}, "Actor": access.Actor{}, "Place": Place{}, "Grant": Grant{}, "Whoami": Whoami{}, "Finding": Finding{}, "Plan": access.Plan{},
		"Ask": access.Ask{}, "Ballot": access.Ballot{}, "Action": Action{}, "Waiver": Waiver{}, "Proposed": Proposed{}, "Expectation": access.Expectation{},
		"Acknowledgement": access.Acknowledgement{}, "Freeze": Freeze{}, "Incident": Incident{}, "Adoption": Adoption{}, "Adoptable": Adoptable{}, "Command": Command{},
	} {
		said := properties(doc.Components.Schemas[name])
		for _, f := range fieldsOf(reflect.TypeOf(of)) {
			if !slices.Contains(said, f) {
				t.Errorf("the description of %s lacks %s", name, f)
			}
		}
	}
	for verb, f := range forms() {
		s := doc.Components.Schemas["Request_"+string(verb)].Value
		needs := append(strings.Fields(f.needs), "verb")
		if slices.Sort(needs); !slices.Equal(slices.Sorted(slices.Values(s.Required)), needs) {
			t.Errorf("%s needs %q, and described is %q", verb, needs, s.Required)
		}
		takes := append(needs, strings.Fields(f.may)...)
		said := properties(doc.Components.Schemas["Request_"+string(verb)])
		slices.Sort(takes)
		if slices.Sort(said); !slices.Equal(takes, said) {
			t.Errorf("%s takes %q, and described is %q", verb, takes, said)
		}
	}
	states := doc.Components.Schemas["Action"].Value.Properties["state"].Value.Enum
	if len(states) != len(actionStates())-2 {
		t.Errorf("%d states of an action are described, and there are %d", len(states), len(actionStates())-2)
	}
}

func properties(s *openapi3.SchemaRef) (out []string) {
	if s == nil {
		return nil
	}
	for name := range s.Value.Properties {
		out = append(out, name)
	}
	for _, part := range s.Value.AllOf {
		out = append(out, properties(part)...)
	}
	return out
}

// fieldsOf are the names of a type in JSON.
func fieldsOf(t reflect.Type) (out []string) {
	for f := range fieldsIn(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, fieldsOf(f.Type)...)
		case f.IsExported() && name != "-":
			out = append(out, name)
		}
	}
	return out
}

func fieldsIn(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}
