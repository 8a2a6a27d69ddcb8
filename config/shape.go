package config

import (
	"regexp"
)

// form is what kind of value a shape describes.
type form int

const (
	formScalar form = iota
	formObject      // fixed keys, and with extra any other
	formList
	formFree // parameters of rules: the rule says what they hold
)

// shape describes one value of the file: what Load accepts there and what the schema
// says of it.
type shape struct {
	form   form
	fields []field // of an object
	extra  *shape  // of an object: what its other keys hold; nil: there are none
	key    scalar  // of an object: what its other keys are
	elem   *shape  // of a list
	nonnil bool    // of a list: at least one element
	alone  bool    // of a list: one element may stand for itself
	scalar scalar
	object *shape // of a scalar: the longer way to write it
	choice choice // of an object
	secret bool   // nothing below is ever quoted, and a scalar in its place is refused with the reason
}

// field is one key of an object.
type field struct {
	name     string
	doc      string // one sentence, for the schema
	shape    *shape
	fallback string // the value when left out, as text; empty: none
	required bool
	unbuilt  bool // of the design, not built yet: refused by name
}

// choice asks for exactly one of several sets of keys, complete.
type choice struct {
	sets [][]string
	want string // for messages
}

// scalar describes a single value.
type scalar struct {
	want    string // what it is, for messages: "a duration such as 90s"
	json    string // its type in JSON: string, boolean, integer
	pattern *regexp.Regexp
	advice  string // after the message about what does not fit the pattern
	enum    []string
	hint    func(text string) string // of an enum: what a wrong value is, or ""
	unbuilt []string                 // values of the design, not built yet
	parse   func(text string) (any, error)
}

func object(fields ...field) *shape { return &shape{form: formObject, fields: fields} }

func list(elem *shape) *shape { return &shape{form: formList, elem: elem} }

// table is an object whose keys the file chooses.
func table(key scalar, elem *shape, fields ...field) *shape {
	return &shape{form: formObject, key: key, extra: elem, fields: fields}
}

func one(s scalar) *shape { return &shape{form: formScalar, scalar: s} }

func key(name string, s *shape, doc string) field { return field{name: name, shape: s, doc: doc} }

// or is the field with a value when it is left out.
func (f field) or(fallback string) field { f.fallback = fallback; return f }

func (f field) must() field { f.required = true; return f }

// later is a key of the design that this version refuses by name.
func later(name string) field {
	return field{name: name, unbuilt: true, doc: "Not built yet: refused, so that no file promises what is not there."}
}

func (s *shape) field(name string) (field, bool) {
	for _, f := range s.fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// names are the keys that a person may have meant.
func (s *shape) names() []string {
	var out []string
	for _, f := range s.fields {
		out = append(out, f.name)
	}
	return out
}
