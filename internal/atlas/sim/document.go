package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// document reads a body that is a JSON object, checked against the request schema of the
// official document, without its read-only attributes. Rules in lax are not held
// against it: a PATCH of the real service does not want what the document requires.
func (c *call) document(lax ...apispec.Rule) (object, *problem) {
	v, bad := c.checked(lax)
	if bad != nil {
		return nil, bad
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, wrongType("")
	}
	return doc, nil
}

// documents is [call.document] for a body that is an array of objects.
func (c *call) documents(lax ...apispec.Rule) ([]object, *problem) {
	v, bad := c.checked(lax)
	if bad != nil {
		return nil, bad
	}
	list, ok := v.([]any)
	if !ok {
		return nil, wrongType("")
	}
	out := make([]object, 0, len(list))
	for _, e := range list {
		doc, ok := e.(map[string]any)
		if !ok {
			return nil, wrongType("")
		}
		out = append(out, doc)
	}
	return out, nil
}

func (c *call) checked(lax []apispec.Rule) (any, *problem) {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil, bad("INVALID_JSON", "The request body is empty.")
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, bad("MALFORMED_JSON", "Received JSON is malformed: %s.", err.Error())
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, bad("MALFORMED_JSON", "Received JSON is malformed: there is more than one value.")
	}
	return checkDocument(c.route.spec.Body(c.route.spec.Newest()), v, lax)
}

// checkDocument turns the first violation into the service's answer.
func checkDocument(s *apispec.Schema, v any, lax []apispec.Rule) (any, *problem) {
	facts := apispec.Load()
	for _, wrong := range facts.Check(s, v) {
		if !slices.Contains(lax, wrong.Rule) {
			return nil, violation(wrong)
		}
	}
	return facts.Writable(s, v), nil
}

func violation(v apispec.Violation) *problem {
	switch v.Rule {
	case apispec.Unknown:
		return bad("INVALID_ATTRIBUTE", "Invalid attribute %s specified.", v.Path)
	case apispec.Missing:
		return missingAttribute(v.Path)
	case apispec.Type:
		return wrongType(v.Path)
	case apispec.Enum:
		return bad("INVALID_ENUM_VALUE", "An invalid enumeration value %s was specified.", v.Detail)
	case apispec.Date:
		return bad("INVALID_DATE_FORMAT", "The date %s is not in ISO 8601 format.", v.Detail)
	}
	return invalidField(v.Path, v.Detail)
}

func wrongType(path string) *problem {
	return bad("INVALID_JSON_ATTRIBUTE", "Received JSON for the %s attribute does not match expected format.", orDefault(path, "root"))
}

// overlay is base with the attributes of patch over it; base is not changed. What patch
// has as null goes away.
func overlay(base, patch object) object {
	out := make(object, len(base)+len(patch))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range patch {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

// deep is a copy of a JSON value that shares nothing with it.
func deep[T any](v T) T {
	var out T
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return v
	}
	return out
}

// onto is base with the attributes of a checked document over it. What the document has
// as null gets the type's zero value.
func onto[T any](base T, doc object) T {
	return retyped[T](overlay(retyped[object](base), doc))
}

// retyped is a JSON value as another type.
func retyped[T any](v any) T {
	var out T
	if b, err := json.Marshal(v); err == nil {
		json.Unmarshal(b, &out) // the document was checked
	}
	return out
}
