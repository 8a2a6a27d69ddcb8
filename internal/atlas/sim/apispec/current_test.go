package apispec_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

var update = flag.Bool("update", false, "write atlas.json from the official document")

// unsimulated names the parts of the API that have nothing to do with access; their
// operations are known by path and no more.
var unsimulated = regexp.MustCompile(`(?i)invoice|billing|costExplorer|measurement|processes|performanceAdvisor|search|` +
	`onlineArchive|pipeline|liveMigration|fts|namespaces|collStats|hostPorts|sampleDataset|rollingIndex|serverless|` +
	`queryShape|dataFederation/.*/limits|logExport|pushBased|metricsIntegration|hostLogs|globalWrites|outageSimulation`)

// document is the official document with only the keys that matter.
type document struct {
	Paths      map[string]map[string]operation `yaml:"paths"`
	Components struct {
		Schemas    map[string]map[string]any `yaml:"schemas"`
		Parameters map[string]parameter      `yaml:"parameters"`
	} `yaml:"components"`
}

type operation struct {
	ID         string      `yaml:"operationId"`
	Deprecated bool        `yaml:"deprecated"`
	Roles      []string    `yaml:"x-rolesRequirements"`
	Parameters []parameter `yaml:"parameters"`
	Body       struct {
		Content map[string]content `yaml:"content"`
	} `yaml:"requestBody"`
	Responses map[string]struct {
		Content map[string]content `yaml:"content"`
	} `yaml:"responses"`
}

type parameter struct {
	Ref      string         `yaml:"$ref"`
	Name     string         `yaml:"name"`
	In       string         `yaml:"in"`
	Required bool           `yaml:"required"`
	Schema   map[string]any `yaml:"schema"`
}

type content struct {
	Schema map[string]any `yaml:"schema"`
	Sunset any            `yaml:"x-sunset"`
}

// The checked-in facts are those of the official document.
func TestCurrent(t *testing.T) {
	want := made(t)
	if *update {
		if err := os.WriteFile("atlas.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("atlas.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("atlas.json is not what the official document says: run the test with -update and look at the difference")
	}
}

func official(t *testing.T) document {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.mongodb.org/atlas-sdk/v20250312020").Output()
	if err != nil {
		t.Fatalf("finding the SDK's module: %v", err)
	}
	src, err := os.ReadFile(strings.TrimSpace(string(dir)) + "/openapi/atlas-api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := yaml.Load(src, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// trimmer makes facts of the document.
type trimmer struct {
	doc   document
	facts apispec.Facts
	todo  []string
}

func made(t *testing.T) []byte {
	m := trimmer{doc: official(t), facts: apispec.Facts{Schemas: map[string]*apispec.Schema{}}}
	paths := make([]string, 0, len(m.doc.Paths))
	for p := range m.doc.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if op, ok := m.doc.Paths[p][method]; ok {
				m.facts.Operations = append(m.facts.Operations, m.operation(p, method, op))
			}
		}
	}
	for len(m.todo) > 0 {
		name := m.todo[0]
		m.todo = m.todo[1:]
		if m.facts.Schemas[name] == nil {
			m.facts.Schemas[name] = m.schema(m.doc.Components.Schemas[name])
		}
	}
	m.facts.Events = apispec.Events{
		Org: m.enum("EventTypeForOrg"), Project: m.enum("EventTypeForNdsGroup"), Alertable: m.alertable(),
	}
	return lines(t, m.facts)
}

var dated = regexp.MustCompile(`^application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+`)

func (m *trimmer) operation(path, method string, op operation) *apispec.Operation {
	out := &apispec.Operation{
		ID: op.ID, Method: strings.ToUpper(method), Path: strings.TrimPrefix(path, "/api/atlas/v2"), Deprecated: op.Deprecated, Roles: op.Roles,
	}
	if out.Path == "" {
		out.Path = "/"
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		for kind, c := range r.Content {
			if d := dated.FindStringSubmatch(kind); d != nil && strings.HasPrefix(status, "2") {
				v := apispec.Version{Date: d[1], Status: number(status), Sunset: day(c.Sunset)}
				if !slices.ContainsFunc(out.Versions, func(x apispec.Version) bool { return x.Date == v.Date }) {
					out.Versions = append(out.Versions, v)
				}
			}
		}
	}
	slices.SortFunc(out.Versions, func(a, b apispec.Version) int { return strings.Compare(a.Date, b.Date) })
	if unsimulated.MatchString(path) {
		return out
	}
	for _, p := range op.Parameters {
		if p.Ref != "" {
			p = m.doc.Components.Parameters[base(p.Ref)]
		}
		if p.In == "query" {
			out.Query = append(out.Query, apispec.Param{Name: p.Name, Required: p.Required, Schema: m.schema(p.Schema)})
		}
	}
	for kind, c := range op.Body.Content {
		if d := dated.FindStringSubmatch(kind); d != nil {
			if out.Bodies == nil {
				out.Bodies = map[string]*apispec.Schema{}
			}
			out.Bodies[d[1]] = m.schema(c.Schema)
		}
	}
	return out
}

func number(s string) int {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

func day(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	if s := strings.Trim(string(b), `"`); len(s) >= 10 {
		return s[:10]
	}
	return ""
}

func base(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// schema keeps what requests are checked by.
func (m *trimmer) schema(in map[string]any) *apispec.Schema {
	if in == nil {
		return nil
	}
	if ref, ok := in["$ref"].(string); ok {
		m.todo = append(m.todo, base(ref))
		return &apispec.Schema{Ref: base(ref)}
	}
	raw, err := json.Marshal(scalars(in))
	if err != nil {
		panic(err)
	}
	s := &apispec.Schema{}
	if err := json.Unmarshal(raw, s); err != nil {
		panic(err)
	}
	for name, p := range mapOf(in["properties"]) {
		if s.Properties == nil {
			s.Properties = map[string]*apispec.Schema{}
		}
		if name != "links" {
			s.Properties[name] = m.schema(mapOf(p))
		}
	}
	s.Items = m.schema(mapOf(in["items"]))
	s.OneOf, s.AnyOf, s.AllOf = m.all(in["oneOf"]), m.all(in["anyOf"]), m.all(in["allOf"])
	switch extra := in["additionalProperties"].(type) {
	case map[string]any:
		s.Free = true
	case bool:
		s.Free = extra
	}
	if d := mapOf(in["discriminator"]); d != nil {
		s.Discriminator = &apispec.Discriminator{Property: d["propertyName"].(string), Mapping: map[string]string{}}
		for value, ref := range mapOf(d["mapping"]) {
			s.Discriminator.Mapping[value] = base(ref.(string))
			m.todo = append(m.todo, base(ref.(string)))
		}
	}
	return s
}

func (m *trimmer) all(in any) []*apispec.Schema {
	list, _ := in.([]any)
	var out []*apispec.Schema
	for _, x := range list {
		out = append(out, m.schema(mapOf(x)))
	}
	return out
}

// scalars are the keys whose form is the same on both sides.
func scalars(in map[string]any) map[string]any {
	out := map[string]any{}
	for _, k := range []string{"type", "format", "nullable", "readOnly", "writeOnly", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "required"} {
		if v, ok := in[k]; ok {
			out[k] = v
		}
	}
	return out
}

func mapOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// enum collects the strings of a schema's enums through its alternatives.
func (m *trimmer) enum(names ...string) []string {
	found := map[string]bool{}
	for _, n := range names {
		collect(m.doc.Components.Schemas[n], m.doc, found)
	}
	out := make([]string, 0, len(found))
	for s := range found {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func collect(s map[string]any, doc document, found map[string]bool) {
	if ref, ok := s["$ref"].(string); ok {
		collect(doc.Components.Schemas[base(ref)], doc, found)
		return
	}
	for _, e := range listOf(s["enum"]) {
		found[e.(string)] = true
	}
	for _, key := range []string{"oneOf", "anyOf", "allOf"} {
		for _, x := range listOf(s[key]) {
			collect(mapOf(x), doc, found)
		}
	}
}

func listOf(v any) []any {
	l, _ := v.([]any)
	return l
}

// alertable are the event types that the alternatives of a project's alert
// configuration accept.
func (m *trimmer) alertable() []string {
	found := map[string]bool{}
	for _, alt := range listOf(m.doc.Components.Schemas["GroupAlertsConfig"]["oneOf"]) {
		s := m.doc.Components.Schemas[base(mapOf(alt)["$ref"].(string))]
		parts := append([]any{s}, listOf(s["allOf"])...)
		for _, p := range parts {
			collect(mapOf(mapOf(mapOf(p)["properties"])["eventTypeName"]), m.doc, found)
		}
	}
	out := make([]string, 0, len(found))
	for s := range found {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// lines writes one operation and one schema a line, for readable differences.
func lines(t *testing.T, f apispec.Facts) []byte {
	t.Helper()
	var b bytes.Buffer
	put := func(v any) {
		var one bytes.Buffer
		enc := json.NewEncoder(&one)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		b.Write(bytes.TrimSpace(one.Bytes()))
	}
	b.WriteString("{\"operations\":[\n")
	for i, op := range f.Operations {
		put(op)
		if i < len(f.Operations)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("],\"schemas\":{\n")
	names := make([]string, 0, len(f.Schemas))
	for n := range f.Schemas {
		names = append(names, n)
	}
	slices.Sort(names)
	for i, n := range names {
		put(n)
		b.WriteByte(':')
		put(f.Schemas[n])
		if i < len(names)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("},\"events\":")
	put(f.Events)
	b.WriteString("}\n")
	return b.Bytes()
}
