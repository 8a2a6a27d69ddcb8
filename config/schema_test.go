package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"
)

func TestSchemaIsCurrent(t *testing.T) {
	const golden = "gatewarden.schema.json"
	if *update {
		if err := os.WriteFile(golden, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(Schema())); diff != "" {
		t.Errorf("%s is not what Schema gives; go test ./config -update writes it (-file +schema):\n%s", golden, diff)
	}
}

// property is one key as the schema has it.
type property struct {
	description string
	unbuilt     bool
}

// properties are all keys of a schema by path; [] stands for any index, * for any key.
func properties(s map[string]any, path string, out map[string]property) {
	props, _ := s["properties"].(map[string]any)
	for name, p := range props {
		p := p.(map[string]any)
		_, not := p["not"]
		doc, _ := p["description"].(string)
		at := strings.TrimPrefix(path+"."+name, ".")
		out[at] = property{doc, not}
		properties(p, at, out)
	}
	if extra, ok := s["additionalProperties"].(map[string]any); ok {
		out[path+".*"] = property{description: "any"}
		properties(extra, path+".*", out)
	}
	if items, ok := s["items"].(map[string]any); ok {
		properties(items, path+"[]", out)
	}
	if alternatives, ok := s["anyOf"].([]any); ok {
		for _, a := range alternatives {
			properties(a.(map[string]any), path, out)
		}
	}
}

func schemaProperties(t *testing.T) map[string]property {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	out := map[string]property{}
	properties(s, "", out)
	return out
}

// general is the schema's path of a value's path: networks.prod.app[0] is networks.*.*[].
func general(path string, known map[string]property) string {
	out := ""
	for _, segment := range regexp.MustCompile(`\[\d+\]|[^.\[]+`).FindAllString(path, -1) {
		switch {
		case segment[0] == '[':
			out += "[]"
		case known[strings.TrimPrefix(out+"."+segment, ".")] != property{}:
			out = strings.TrimPrefix(out+"."+segment, ".")
		default:
			out += ".*"
		}
	}
	return out
}

// TestKeysAndSchemaAgree loads a file with every key and compares the paths that Load
// has seen with those of the schema.
func TestKeysAndSchemaAgree(t *testing.T) {
	name := filepath.Join("testdata", "complete.yaml")
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Load(name, src)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Warnings) > 0 {
		t.Errorf("warnings: %v", Problems(f.Warnings))
	}
	known := schemaProperties(t)
	want, got := map[string]bool{}, map[string]bool{}
	for path, p := range known {
		if p.description == "" {
			t.Errorf("%s has no description", path)
		}
		if !p.unbuilt {
			want[path] = true
		}
	}
	for path := range f.places {
		switch g := general(path, known); {
		case path == "" || strings.HasSuffix(g, "[]"):
		case strings.HasPrefix(g, "rules.override.*.params.*"): // what is below a parameter, the rule says
			got["rules.override.*.params.*"] = true
		default:
			got[g] = true
		}
	}
	for _, other := range []string{"atlas.webhook.secret.env", "audit.key.file", "audit.people.env", "auth.gateway.key.env", "nats.store", "nats.credentials.file", "nats.credentials.nkey.env", "nats.bootstrap.nkey", "nats.bootstrap.nkey.env", "nats.bootstrap.nkey.file",
		"slack.bot_token.env", "slack.app_token.file", "slack.key.env"} {
		got[other] = true // one file has one form of each: files.txtar has the other
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("keys (-schema +Load):\n%s", diff)
	}
}

// TestEveryObjectIsClosed puts an unknown key and each key that is not built yet where
// the schema knows an object: both Load and the schema refuse them.
func TestEveryObjectIsClosed(t *testing.T) {
	schema := compiled(t)
	name := filepath.Join("testdata", "complete.yaml")
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	check := func(at, name, want string) {
		doc := parsed(t, src)
		m, ok := find(doc, at).(map[string]any)
		if !ok {
			t.Fatalf("%s is no object in %s", at, name)
		}
		m[name] = map[string]any{}
		raw, err := yaml.Dump(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load("x.yaml", raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s with %s: %v, want %q", at, name, err, want)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s with %s: the schema accepts it", at, name)
		}
	}
	checked := 0
	for path, p := range schemaProperties(t) {
		if strings.HasSuffix(path, ".*") {
			continue
		}
		at, name := "", path
		if i := strings.LastIndexByte(path, '.'); i >= 0 {
			at, name = path[:i], path[i+1:]
		}
		if p.unbuilt {
			check(at, name, name+": not built yet")
			checked++
		}
		if at != "networks" && at != "matrix.*" && !strings.HasSuffix(at, "scopes[]") {
			check(at, "zzz", "unknown key")
		}
	}
	if checked < 5 {
		t.Errorf("only %d keys of later versions were tried", checked)
	}
}

// find walks a document along a schema's path, into the first of what has a choice.
func find(doc any, path string) any {
	for _, segment := range regexp.MustCompile(`\[\]|[^.\[]+`).FindAllString(path, -1) {
		switch {
		case segment == "[]":
			items := doc.([]any)
			doc = items[len(items)-1]
		case segment == "*":
			m := doc.(map[string]any)
			doc = m[slices.Sorted(maps.Keys(m))[0]]
		default:
			next, ok := doc.(map[string]any)[segment]
			if !ok { // the credentials of the other form
				next = map[string]any{}
				doc.(map[string]any)[segment] = next
			}
			doc = next
		}
	}
	return doc
}

func TestSchemaJudgesFiles(t *testing.T) {
	schema := compiled(t)
	archive, err := txtar.ParseFile(filepath.Join("testdata", "files.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	refused := []string{"unbuilt.yaml", "inline-secrets.yaml", "wrong-types.yaml", "wrong-values.yaml", "nothing.yaml", "scalar.yaml", "access-wrong.yaml", "waivers-wrong.yaml"}
	for _, f := range archive.Files {
		if _, err := Load(f.Name, f.Data); err == nil && strings.HasSuffix(f.Name, ".yaml") {
			if err := schema.Validate(parsed(t, f.Data)); err != nil {
				t.Errorf("%s: Load accepts it, the schema does not: %v", f.Name, err)
			}
		}
		if slices.Contains(refused, f.Name) && schema.Validate(parsed(t, f.Data)) == nil {
			t.Errorf("%s: the schema accepts it", f.Name)
		}
	}
	for _, name := range []string{"example.yaml", "complete.yaml"} {
		src, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(parsed(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("gatewarden.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("gatewarden.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parsed is a file as an editor's schema check sees it: times are text.
func parsed(t testing.TB, src []byte) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Load(src, &doc); err != nil {
		t.Fatal(err)
	}
	return generic(doc.Content[0])
}

func generic(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = generic(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, generic(item))
		}
		return out
	}
	v, _ := plain(n)
	return v
}
