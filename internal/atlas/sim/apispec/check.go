package apispec

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Violation is one thing wrong with a body.
type Violation struct {
	Rule   Rule
	Path   string // dotted, for example "roles[0].roleName"; "" is the body itself
	Detail string
}

// Rule says which rule is violated.
type Rule string

// The rules.
const (
	Unknown Rule = "unknown" // an attribute that the operation does not have
	Missing Rule = "missing"
	Type    Rule = "type"
	Enum    Rule = "enum"
	Range   Rule = "range" // length, size, value or pattern
	Date    Rule = "date"
)

// Check judges a decoded body (as encoding/json decodes into any) by a schema. The
// violations come in order of path.
func (f *Facts) Check(s *Schema, body any) []Violation {
	c := checker{facts: f}
	c.value(s, body, "")
	sort.SliceStable(c.found, func(i, j int) bool { return c.found[i].Path < c.found[j].Path })
	return c.found
}

type checker struct {
	facts *Facts
	found []Violation
}

func (c *checker) add(r Rule, path, format string, args ...any) {
	c.found = append(c.found, Violation{r, path, fmt.Sprintf(format, args...)})
}

func (f *Facts) resolve(s *Schema) *Schema {
	for s != nil && s.Ref != "" {
		s = f.Schemas[s.Ref]
	}
	return s
}

// parts are the schemas that hold for a value together: allOf flattened, and of each
// union the alternative that the value chooses. That comes first, for what it says of an
// attribute is what counts: the document repeats the attributes of the alternatives in
// the union itself, with less care (the units of a metric's threshold lack RAW there).
func (f *Facts) parts(s *Schema, v any, seen map[*Schema]bool) []*Schema {
	s = f.resolve(s)
	if s == nil || seen[s] {
		return nil
	}
	seen[s] = true
	out := []*Schema{s}
	for _, a := range s.AllOf {
		out = append(out, f.parts(a, v, seen)...)
	}
	if alt := f.alternative(s, v, seen); alt != nil {
		out = append(f.parts(alt, v, seen), out...)
	}
	return out
}

// alternative picks by discriminator, else the first alternative without violations,
// else the one with the fewest.
func (f *Facts) alternative(s *Schema, v any, seen map[*Schema]bool) *Schema {
	if m, ok := v.(map[string]any); ok && s.Discriminator != nil {
		if value, ok := m[s.Discriminator.Property].(string); ok {
			if name := s.Discriminator.Mapping[value]; f.Schemas[name] != nil {
				return f.Schemas[name]
			}
		}
	}
	alts := slices.Concat(s.OneOf, s.AnyOf)
	if len(alts) == 0 {
		return nil
	}
	best, least := alts[0], math.MaxInt
	for _, alt := range alts {
		c := checker{facts: f}
		c.valueSeen(alt, v, "", clone(seen))
		if len(c.found) < least {
			best, least = alt, len(c.found)
		}
		if least == 0 {
			break
		}
	}
	return best
}

func clone(seen map[*Schema]bool) map[*Schema]bool {
	out := make(map[*Schema]bool, len(seen))
	for s := range seen {
		out[s] = true
	}
	return out
}

func (c *checker) value(s *Schema, v any, path string) { c.valueSeen(s, v, path, map[*Schema]bool{}) }

func (c *checker) valueSeen(s *Schema, v any, path string, seen map[*Schema]bool) {
	parts := c.facts.parts(s, v, seen)
	if v == nil {
		return // null is as good as absent: what a null does is the operation's affair
	}
	for _, p := range parts {
		if !c.scalar(p, v, path) {
			return
		}
	}
	switch v := v.(type) {
	case map[string]any:
		c.object(parts, v, path)
	case []any:
		c.array(parts, v, path)
	}
}

// scalar checks what one schema says of the value itself; false stops: the type is wrong.
func (c *checker) scalar(s *Schema, v any, path string) bool {
	if s.Type != "" && !hasType(s.Type, v) && !c.facts.stringUnion(s) {
		c.add(Type, path, "expected %s", s.Type)
		return false
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return fmt.Sprint(e) == fmt.Sprint(v) }) {
		c.add(Enum, path, "%v", v)
	}
	switch v := v.(type) {
	case string:
		c.text(s, v, path)
	case float64:
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			c.add(Range, path, "must be %s", span("", s.Minimum, s.Maximum))
		}
	}
	return true
}

// stringUnion says whether a schema is a union of strings that the document types object
// by mistake.
func (f *Facts) stringUnion(s *Schema) bool {
	alts := slices.Concat(s.OneOf, s.AnyOf)
	return s.Type == "object" && len(alts) > 0 && !slices.ContainsFunc(alts, func(alt *Schema) bool {
		alt = f.resolve(alt)
		return alt == nil || alt.Type != "string"
	})
}

func (c *checker) text(s *Schema, v, path string) {
	n := utf8.RuneCountInString(v)
	switch {
	case s.MinLength != nil && n < *s.MinLength || s.MaxLength != nil && n > *s.MaxLength:
		c.add(Range, path, "must have %s", span(" characters", s.MinLength, s.MaxLength))
	case s.Pattern != "" && !c.facts.matches(s.Pattern, v):
		c.add(Range, path, "must match %q", s.Pattern)
	case s.Format == "date-time" && !isDate(v):
		c.add(Date, path, "%s", v)
	}
}

func span[T int | float64](unit string, low, high *T) string {
	switch {
	case high == nil:
		return fmt.Sprint("at least ", *low, unit)
	case low == nil:
		return fmt.Sprint("at most ", *high, unit)
	}
	return fmt.Sprint("from ", *low, " to ", *high, unit)
}

// matches treats a pattern that Go cannot compile as no pattern.
func (f *Facts) matches(pattern, v string) bool {
	held, ok := f.patterns.Load(pattern)
	if !ok {
		re, err := regexp.Compile(pattern)
		if err != nil {
			re = nil
		}
		held, _ = f.patterns.LoadOrStore(pattern, re)
	}
	re := held.(*regexp.Regexp)
	return re == nil || re.MatchString(v)
}

func isDate(v string) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", time.DateOnly} {
		if _, err := time.Parse(layout, v); err == nil {
			return true
		}
	}
	return false
}

func hasType(want string, v any) bool {
	switch v := v.(type) {
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == math.Trunc(v)
	case json.Number:
		return want == "number" || want == "integer"
	case map[string]any:
		return want == "object"
	case []any:
		return want == "array"
	}
	return false
}

func (c *checker) object(parts []*Schema, v map[string]any, path string) {
	props, free := properties(parts)
	for _, p := range parts {
		for _, name := range p.Required {
			prop := c.facts.resolve(props[name])
			if _, has := v[name]; !has && (prop == nil || !prop.ReadOnly) {
				c.add(Missing, join(path, name), "required")
			}
		}
	}
	for name, value := range v {
		switch prop := props[name]; {
		case prop != nil:
			if r := c.facts.resolve(prop); r == nil || !r.ReadOnly && !prop.ReadOnly {
				c.value(prop, value, join(path, name))
			}
		case !free && name != "links" && !c.facts.siblings(parts)[name]:
			c.add(Unknown, join(path, name), "not an attribute here")
		}
	}
}

// siblings names the attributes of all alternatives of the unions among the parts. The
// service takes those of another alternative and ignores them: stock clients send every
// variant's attributes (a GROUP notification with an empty apiToken, a free cluster with
// analyticsAutoScaling).
func (f *Facts) siblings(parts []*Schema) map[string]bool {
	out := map[string]bool{}
	for _, p := range parts {
		alts := slices.Concat(p.OneOf, p.AnyOf)
		if p.Discriminator != nil {
			for _, name := range p.Discriminator.Mapping {
				alts = append(alts, f.Schemas[name])
			}
		}
		for _, alt := range alts {
			props, _ := properties(f.plain(alt, map[*Schema]bool{}))
			for name := range props {
				out[name] = true
			}
		}
	}
	return out
}

// plain is a schema with its allOf flattened and no alternative chosen.
func (f *Facts) plain(s *Schema, seen map[*Schema]bool) []*Schema {
	s = f.resolve(s)
	if s == nil || seen[s] {
		return nil
	}
	seen[s] = true
	out := []*Schema{s}
	for _, a := range s.AllOf {
		out = append(out, f.plain(a, seen)...)
	}
	return out
}

// properties unites what the parts say; the first that says something wins. Without any
// property at all, everything goes.
func properties(parts []*Schema) (props map[string]*Schema, free bool) {
	props = map[string]*Schema{}
	for _, p := range parts {
		free = free || p.Free
		for name, s := range p.Properties {
			if props[name] == nil {
				props[name] = s
			}
		}
	}
	return props, free || len(props) == 0
}

func (c *checker) array(parts []*Schema, v []any, path string) {
	for _, p := range parts {
		if p.MinItems != nil && len(v) < *p.MinItems || p.MaxItems != nil && len(v) > *p.MaxItems {
			c.add(Range, path, "must have %s", span(" elements", p.MinItems, p.MaxItems))
		}
		if p.Items == nil {
			continue
		}
		for i, e := range v {
			c.value(p.Items, e, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// Writable returns a copy of an object body without what is accepted in requests and
// ignored, at any depth: read-only attributes and those of another alternative.
func (f *Facts) Writable(s *Schema, body any) any {
	parts := f.parts(s, body, map[*Schema]bool{})
	switch v := body.(type) {
	case map[string]any:
		props, _ := properties(parts)
		ignored := f.siblings(parts)
		out := make(map[string]any, len(v))
		for name, value := range v {
			prop := props[name]
			if prop == nil && ignored[name] {
				continue
			}
			if r := f.resolve(prop); prop != nil && (prop.ReadOnly || r != nil && r.ReadOnly) || name == "links" {
				continue
			}
			out[name] = f.Writable(prop, value)
		}
		return out
	case []any:
		var items *Schema
		for _, p := range parts {
			if p.Items != nil {
				items = p.Items
			}
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = f.Writable(items, e)
		}
		return out
	}
	return body
}
