package config

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Schema is the JSON Schema of the file, draft 2020-12, for editors. It says what one
// value can say about itself; what takes several values to see only Load checks.
func Schema() []byte {
	s := root().schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Gatewarden configuration"
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		panic("config: the schema does not encode: " + err.Error())
	}
	return out.Bytes()
}

func (s *shape) schema() map[string]any {
	switch s.form {
	case formObject:
		return s.objectSchema()
	case formList:
		out := map[string]any{"type": "array", "items": s.elem.schema()}
		if s.nonnil {
			out["minItems"] = 1
		}
		if s.alone {
			return map[string]any{"anyOf": []any{s.elem.schema(), out}}
		}
		return out
	case formFree:
		return map[string]any{"type": []string{"string", "number", "boolean", "array", "object"}}
	}
	if s.object != nil {
		return map[string]any{"anyOf": []any{s.scalar.schema(), s.object.schema()}}
	}
	return s.scalar.schema()
}

func (s *shape) objectSchema() map[string]any {
	out := map[string]any{"type": "object", "additionalProperties": false}
	if len(s.fields) > 0 {
		properties := map[string]any{}
		for _, f := range s.fields {
			properties[f.name] = f.schema()
		}
		out["properties"] = properties
	}
	if s.extra != nil {
		out["additionalProperties"] = s.extra.schema()
		out["propertyNames"] = s.key.schema()
	}
	var required []string
	for _, f := range s.fields {
		if f.required {
			required = append(required, f.name)
		}
	}
	if required != nil {
		out["required"] = required
	}
	if s.choice.sets != nil {
		out["oneOf"] = s.choice.schema()
	}
	return out
}

func (f field) schema() map[string]any {
	if f.unbuilt {
		return map[string]any{"description": f.doc, "not": map[string]any{}}
	}
	out := f.shape.schema()
	out["description"] = f.doc
	if f.fallback != "" {
		out["default"] = f.shape.scalar.value(f.fallback)
	}
	return out
}

// schema is, for each set, that all of its keys are there and none of the others.
func (c choice) schema() []any {
	var out []any
	for i, set := range c.sets {
		var others []any
		for _, name := range slices.Concat(slices.Concat(c.sets[:i]...), slices.Concat(c.sets[i+1:]...)) {
			others = append(others, map[string]any{"required": []string{name}})
		}
		out = append(out, map[string]any{"required": set, "not": map[string]any{"anyOf": others}})
	}
	return out
}

func (s scalar) schema() map[string]any {
	out := map[string]any{"type": s.json}
	if s.enum != nil {
		out["enum"] = s.enum
	}
	switch {
	case s.json == "integer":
		out["minimum"] = 0
	case s.pattern != nil:
		out["pattern"] = s.pattern.String()
	}
	return out
}

// value is a default as JSON has it.
func (s scalar) value(text string) any {
	switch s.json {
	case "boolean":
		return text == "true"
	case "integer":
		n, err := strconv.Atoi(text)
		if err != nil {
			panic("config: the default " + text + " is no number")
		}
		return n
	}
	return text
}
