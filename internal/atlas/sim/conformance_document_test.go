package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// document is the official OpenAPI document with its own mistakes mended: see mends.
type document struct {
	*openapi3.T
	operations map[string]officialOperation
	mended     mends
	events     map[bool]map[string][]*openapi3.Schema // organisation or project, by event type
}

type officialOperation struct {
	*openapi3.Operation
	method, path string // after /api/atlas/v2; "/" is the root
	item         *openapi3.PathItem
}

// official reads the document that comes with the SDK's module, once.
var official = sync.OnceValues(func() (*document, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.mongodb.org/atlas-sdk/v20250312020").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the SDK's module: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(strings.TrimSpace(string(dir)) + "/openapi/atlas-api.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the official document: %w", err)
	}
	newer, err := openapi3.NewLoader().LoadFromFile("testdata/newer.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading what is newer than the official document: %w", err)
	}
	d := &document{T: doc, operations: operationsOf(doc)}
	d.mended = mend(doc)
	for id, op := range operationsOf(newer) {
		if _, known := d.operations[id]; !known {
			d.operations[id] = op
			d.mended.newer++
		}
	}
	d.events = map[bool]map[string][]*openapi3.Schema{
		true: eventSchemas(doc, "EventViewForOrg"), false: eventSchemas(doc, "EventViewForNdsGroup"),
	}
	return d, nil
})

func operationsOf(doc *openapi3.T) map[string]officialOperation {
	out := map[string]officialOperation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			out[op.OperationID] = officialOperation{op, method, strings.TrimPrefix(path, apiPrefix), item}
		}
	}
	return out
}

func officialDocument(t *testing.T) *document {
	t.Helper()
	d, err := official()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mends counts what is a mistake of the document itself, by what it is.
type mends struct{ strings, unions, newer int }

func mend(doc *openapi3.T) mends {
	m := mends{}
	seen := map[*openapi3.Schema]bool{}
	for _, ref := range doc.Components.Schemas {
		m.schema(ref.Value, seen)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, media := range contents(op) {
				if media.Schema != nil {
					m.schema(media.Schema.Value, seen)
				}
			}
			for _, p := range op.Parameters {
				if p.Value.Schema != nil {
					m.schema(p.Value.Schema.Value, seen)
				}
			}
		}
	}
	return m
}

func contents(op *openapi3.Operation) []*openapi3.MediaType {
	var out []*openapi3.MediaType
	if op.RequestBody != nil {
		out = slices.AppendSeq(out, maps.Values(op.RequestBody.Value.Content))
	}
	for _, r := range op.Responses.Map() {
		out = slices.AppendSeq(out, maps.Values(r.Value.Content))
	}
	return out
}

// schema takes a union of strings that is typed object for what it is, and lets a value
// fit more than one alternative of a union that names no discriminator.
func (m *mends) schema(s *openapi3.Schema, seen map[*openapi3.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if s.Type.Is("object") && len(s.OneOf) > 0 && !slices.ContainsFunc(s.OneOf, func(r *openapi3.SchemaRef) bool { return !r.Value.Type.Is("string") }) {
		s.Type = nil
		m.strings++
	}
	if len(s.OneOf) > 0 && s.Discriminator == nil {
		s.AnyOf, s.OneOf = append(s.AnyOf, s.OneOf...), nil
		m.unions++
	}
	for _, part := range parts(s) {
		m.schema(part, seen)
	}
	for _, p := range s.Properties {
		m.schema(p.Value, seen)
	}
	if s.Items != nil {
		m.schema(s.Items.Value, seen)
	}
	if s.AdditionalProperties.Schema != nil {
		m.schema(s.AdditionalProperties.Schema.Value, seen)
	}
}

func parts(s *openapi3.Schema) []*openapi3.Schema {
	var out []*openapi3.Schema
	for _, r := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
		out = append(out, r.Value)
	}
	return out
}

// parts are those of the schema itself and, where it names no alternatives, what its
// discriminator leads to.
func (d *document) parts(s *openapi3.Schema) []*openapi3.Schema {
	out := parts(s)
	if s.Discriminator == nil || len(s.OneOf)+len(s.AnyOf) > 0 {
		return out
	}
	for _, ref := range s.Discriminator.Mapping {
		if to := d.Components.Schemas[ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]]; to != nil {
			out = append(out, to.Value)
		}
	}
	return out
}

// lookahead is what Go cannot compile; such a pattern counts as none.
func lookahead(expr string) (openapi3.RegexMatcher, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return regexp.MustCompile(""), nil
	}
	return re, nil
}

// wrong says how a value differs from a schema, or "": a violation, or a key that the
// schema does not have.
func (d *document) wrong(s *openapi3.Schema, v any) string {
	err := s.VisitJSON(v, openapi3.VisitAsResponse(), openapi3.SetSchemaRegexCompiler(lookahead), openapi3.DisableSchemaErrorDetails(), openapi3.MultiErrors(), openapi3.EnableFormatValidation())
	if err != nil {
		return err.Error()
	}
	return d.stranger(s, v, "")
}

// stranger finds a key that none of the schema's parts has.
func (d *document) stranger(s *openapi3.Schema, v any, path string) string {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			for _, items := range d.itemsOf(s, map[*openapi3.Schema]bool{}) {
				if found := d.stranger(items, e, fmt.Sprintf("%s[%d]", path, i)); found != "" {
					return found
				}
			}
		}
	case map[string]any:
		props, free := d.propertiesOf(s, map[*openapi3.Schema]bool{})
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if len(props[key]) == 0 && !free {
				return "the document has no " + path + "." + key
			}
			first := ""
			for _, p := range props[key] {
				if first = d.stranger(p, v[key], path+"."+key); first == "" {
					break
				}
			}
			if first != "" {
				return first
			}
		}
	}
	return ""
}

func (d *document) itemsOf(s *openapi3.Schema, seen map[*openapi3.Schema]bool) []*openapi3.Schema {
	if seen[s] {
		return nil
	}
	seen[s] = true
	if s.Items != nil {
		return []*openapi3.Schema{s.Items.Value}
	}
	var out []*openapi3.Schema
	for _, p := range d.parts(s) {
		out = append(out, d.itemsOf(p, seen)...)
	}
	return out[:min(len(out), 1)]
}

// propertiesOf unites the properties of a schema's parts. With none at all, everything
// goes.
func (d *document) propertiesOf(s *openapi3.Schema, seen map[*openapi3.Schema]bool) (props map[string][]*openapi3.Schema, free bool) {
	props = map[string][]*openapi3.Schema{}
	if seen[s] {
		return props, false
	}
	top := len(seen) == 0
	seen[s] = true
	free = s.AdditionalProperties.Schema != nil || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has
	for name, p := range s.Properties {
		props[name] = append(props[name], p.Value)
	}
	for _, part := range d.parts(s) {
		more, anything := d.propertiesOf(part, seen)
		for name, p := range more {
			props[name] = append(props[name], p...)
		}
		free = free || anything
	}
	return props, free || top && len(props) == 0
}

// eventSchemas are the alternatives of an event by the event types they are for.
func eventSchemas(doc *openapi3.T, name string) map[string][]*openapi3.Schema {
	out := map[string][]*openapi3.Schema{}
	for _, alt := range parts(doc.Components.Schemas[name].Value) {
		for _, kind := range strings.Fields(enums(alt.Properties["eventTypeName"].Value)) {
			out[kind] = append(out[kind], alt)
		}
	}
	return out
}

func enums(s *openapi3.Schema) string {
	out := ""
	for _, e := range s.Enum {
		out += fmt.Sprint(e) + " "
	}
	for _, p := range parts(s) {
		out += enums(p)
	}
	return out
}

// params are the values of the path's parameters, or nil where the path is another one.
func (op officialOperation) params(path string) map[string]string {
	r := route{segments: strings.Split(strings.Trim(op.path, "/"), "/")}
	return r.match(strings.Split(strings.Trim(path, "/"), "/"))
}

// newest is the version that the document is about.
func (op officialOperation) newest() string {
	newest := ""
	for status, r := range op.Responses.Map() {
		for kind := range r.Value.Content {
			if date, ok := mediaType(kind); ok && status[0] == '2' {
				newest = max(newest, date)
			}
		}
	}
	return newest
}

// answer is the response of the document for a status, and the schema of its JSON.
func (op officialOperation) answer(status int) (found bool, body *openapi3.Schema) {
	r := op.Responses.Value(strconv.Itoa(status))
	if r == nil {
		return false, nil
	}
	for kind, media := range r.Value.Content {
		if strings.HasSuffix(kind, "json") && media.Schema != nil {
			return true, media.Schema.Value
		}
	}
	return true, nil
}

// success is the document's own status.
func (op officialOperation) success() int {
	for status := range op.Responses.Map() {
		if n, err := strconv.Atoi(status); err == nil && n/100 == 2 {
			return n
		}
	}
	return 0
}

// roles are the names of which one is enough.
func (op officialOperation) roles() []string {
	var out []string
	list, _ := op.Extensions["x-rolesRequirements"].([]any)
	for _, r := range list {
		out = append(out, fmt.Sprint(r))
	}
	return out
}

func (op officialOperation) sunset() string {
	s, _ := op.Extensions["x-sunset"].(string)
	return s
}

func (op officialOperation) takes(query string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool {
		return p.Value.In == "query" && p.Value.Name == query
	})
}

// paged says whether the operation is a list that comes in pages.
func (op officialOperation) paged() bool {
	return op.method == http.MethodGet && op.takes("pageNum") && op.takes("itemsPerPage")
}

// request says how a request differs from the document, or "".
func (d *document) request(op officialOperation, req *http.Request) string {
	path := strings.TrimPrefix(req.URL.EscapedPath(), apiPrefix)
	err := openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: op.params(path),
		Route: &routers.Route{Spec: d.T, Path: apiPrefix + op.path, PathItem: op.item, Method: op.method, Operation: op.Operation},
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, RegexCompiler: lookahead, MultiError: true,
			SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
		},
	})
	if err != nil {
		return err.Error()
	}
	return ""
}

// event says how an event differs from what the document has for its type, or "".
func (d *document) event(ofOrg bool, e map[string]any) string {
	kind := fmt.Sprint(e["eventTypeName"])
	alternatives := d.events[ofOrg][kind]
	if len(alternatives) == 0 {
		return "the document has no " + kind + " in this feed"
	}
	first := ""
	for _, s := range alternatives {
		why := d.wrong(s, e)
		if why == "" {
			return ""
		}
		if first == "" {
			first = why
		}
	}
	return kind + ": " + first
}

func jsonValue(raw string) (any, error) {
	var v any
	err := json.Unmarshal([]byte(raw), &v)
	return v, err
}
