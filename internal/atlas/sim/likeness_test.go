package sim

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemasOf are the specification's schemas for an answer; none for what it does not
// describe.
func schemasOf(doc *openapi3.T, f answerFile) []*openapi3.Schema {
	if f.Status >= 400 {
		return closure(doc, doc.Components.Schemas["ApiError"].Value)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID != f.Operation {
				continue
			}
			var out []*openapi3.Schema
			for status, response := range op.Responses.Map() {
				if !strings.HasPrefix(status, "2") {
					continue
				}
				for _, media := range response.Value.Content {
					if media.Schema != nil {
						out = append(out, closure(doc, media.Schema.Value)...)
					}
				}
			}
			return out
		}
	}
	return nil
}

// closure is a schema with all that it is made of: any of its alternatives may apply.
func closure(doc *openapi3.T, schemas ...*openapi3.Schema) []*openapi3.Schema {
	var out []*openapi3.Schema
	for len(schemas) > 0 {
		s := schemas[0]
		schemas = schemas[1:]
		if s == nil || slices.Contains(out, s) {
			continue
		}
		out = append(out, s)
		for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
			for _, ref := range refs {
				schemas = append(schemas, ref.Value)
			}
		}
		if s.Discriminator == nil {
			continue
		}
		for _, to := range s.Discriminator.Mapping {
			schemas = append(schemas, doc.Components.Schemas[path.Base(to.Ref)].Value)
		}
	}
	return out
}

// below are the schemas of a key, and whether the specification knows it. It knows every
// key of an object that it does not describe.
func (s likeness) below(schemas []*openapi3.Schema, key string) (out []*openapi3.Schema, known bool) {
	described := false
	for _, schema := range schemas {
		described = described || len(schema.Properties) > 0
		if p := schema.Properties[key]; p != nil {
			out = append(out, closure(s.doc, p.Value)...)
			known = true
		}
	}
	return out, known || !described
}

func (s likeness) items(schemas []*openapi3.Schema) []*openapi3.Schema {
	var out []*openapi3.Schema
	for _, schema := range schemas {
		if schema.Items != nil {
			out = append(out, closure(s.doc, schema.Items.Value)...)
		}
	}
	return out
}

// newer are keys that came after the SDK's document and after the answer was recorded,
// with where they are seen.
var newer = map[string]string{
	"bodyTemplate":    "atlas-api.md §13: null in recorded answers of webhook integrations",
	"headersTemplate": "atlas-api.md §11: beside bodyTemplate in the newer document",
}

// likeness compares documents by keys and types; match are the keys that say which rows of
// two lists belong together.
type likeness struct {
	doc   *openapi3.T
	match []string
}

// differs says how ours differs from the real document in shape.
func (s likeness) differs(at string, real, ours any, schemas []*openapi3.Schema) []string {
	nullable := slices.ContainsFunc(schemas, func(s *openapi3.Schema) bool { return s.Nullable })
	switch {
	case real == nil:
		return nil // null now may be a value another time
	case ours == nil && nullable:
		return nil
	case kindOf(real) != kindOf(ours):
		return []string{fmt.Sprintf("%s: ours is %s, the real one %s", at, kindOf(ours), kindOf(real))}
	}
	switch real := real.(type) {
	case map[string]any:
		return s.objects(at, real, ours.(map[string]any), schemas)
	case []any:
		return s.lists(at, real, ours.([]any), s.items(schemas))
	}
	return nil
}

func (s likeness) objects(at string, real, ours map[string]any, schemas []*openapi3.Schema) []string {
	var out []string
	for key, want := range real {
		got, has := ours[key]
		if !has {
			out = append(out, fmt.Sprintf("%s: ours lacks %s", at, key))
			continue
		}
		sub, _ := s.below(schemas, key)
		out = append(out, s.differs(at+"."+key, want, got, sub)...)
	}
	for key := range ours {
		_, known := s.below(schemas, key)
		if _, has := real[key]; !has && !known && newer[key] == "" {
			out = append(out, fmt.Sprintf("%s: ours has %s, which neither the real one nor the specification has", at, key))
		}
	}
	slices.Sort(out)
	return out
}

// lists wants for every real row one of ours that is like it.
func (s likeness) lists(at string, real, ours []any, schemas []*openapi3.Schema) []string {
	var out []string
	for i, want := range real {
		want = withNulls(want, real)
		var best []string
		found := false
		for _, got := range ours {
			if !s.belong(want, got) {
				continue
			}
			why := s.differs(fmt.Sprintf("%s[%d]", at, i), want, got, schemas)
			if !found || len(why) < len(best) {
				best, found = why, true
			}
		}
		if !found {
			best = []string{fmt.Sprintf("%s[%d]: ours has no such row among %d: %s", at, i, len(ours), s.naming(want))}
		}
		out = append(out, best...)
	}
	return out
}

// withNulls is a row with null for every key that is null in another row: the real
// service may say either.
func withNulls(row any, rows []any) any {
	m, ok := row.(map[string]any)
	if !ok {
		return row
	}
	out := maps.Clone(m)
	for _, other := range rows {
		o, _ := other.(map[string]any)
		for key := range m {
			if v, has := o[key]; has && v == nil {
				out[key] = nil
			}
		}
	}
	return out
}

// belong says that two rows have the same values in the matching keys.
func (s likeness) belong(real, ours any) bool {
	a, _ := real.(map[string]any)
	b, _ := ours.(map[string]any)
	for _, key := range s.match {
		if v, has := a[key]; has && b[key] != v {
			return false
		}
	}
	return true
}

func (s likeness) naming(row any) string {
	m, _ := row.(map[string]any)
	for _, key := range s.match {
		if v, has := m[key]; has {
			return fmt.Sprintf("%s %v", key, v)
		}
	}
	return kindOf(row)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

// TestShape proves that the comparison can fail.
func TestLikeness(t *testing.T) {
	type o = map[string]any
	known := closure(nil, openapi3.NewObjectSchema().WithProperty("n", openapi3.NewStringSchema().WithNullable()).WithProperty("spec", openapi3.NewStringSchema()))
	for name, c := range map[string]struct {
		real, ours any
		want       string
	}{
		"same":                {o{"a": "x", "b": []any{o{"c": 1.0}}}, o{"a": "y", "b": []any{o{"c": 2.0}}}, ""},
		"key missing":         {o{"a": "x"}, o{}, ": ours lacks a"},
		"other type":          {o{"a": "x"}, o{"a": 1.0}, ".a: ours is a number, the real one a string"},
		"null for a value":    {o{"a": "x"}, o{"a": nil}, ".a: ours is null, the real one a string"},
		"null where allowed":  {o{"n": "x"}, o{"n": nil}, ""},
		"value for null":      {o{"a": nil}, o{"a": "x"}, ""},
		"null that is absent": {o{"a": nil}, o{}, ": ours lacks a"},
		"key of the spec":     {o{}, o{"spec": "x"}, ""},
		"key of nobody":       {o{}, o{"z": "x"}, ": ours has z, which neither the real one nor the specification has"},
		"no rows":             {[]any{o{"a": "x"}}, []any{}, "[0]: ours has no such row among 0: an object"},
		"rows of two forms":   {[]any{o{"k": "1", "a": "x"}, o{"k": "2", "n": "x"}}, []any{o{"k": "2", "n": "y"}, o{"k": "1", "a": "y"}}, ""},
		"null in another row": {[]any{o{"a": "x"}, o{"a": nil}}, []any{o{"a": nil}}, ""},
		"row of no form":      {[]any{o{"k": "3"}}, []any{o{"k": "1"}}, "[0]: ours has no such row among 1: k 3"},
	} {
		t.Run(name, func(t *testing.T) {
			sub := known
			if _, list := c.real.([]any); list {
				sub = nil
			}
			got := strings.Join(likeness{match: []string{"k"}}.differs("", c.real, c.ours, sub), "; ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
