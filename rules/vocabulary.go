package rules

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Vocabulary is all that a rule may say: the variables and functions of its expressions,
// and the keys of its file.
type Vocabulary struct {
	Common    []Terms     `json:"common"` // what rules on any kind see
	Kinds     []KindTerms `json:"kinds"`
	Types     []Type      `json:"types"` // of fields, that have fields themselves
	Functions []Library   `json:"functions"`
	Keys      []KeyTable  `json:"keys"`
}

// Terms are the variables that one sort of expression sees.
type Terms struct {
	Mode      string `json:"mode"`
	Where     string `json:"where"` // which expressions these are
	Variables []Term `json:"variables"`
}

// Term is a variable, or a field of a type.
type Term struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"doc,omitempty"` // of a variable
}

// KindTerms are what rules on a kind see beside what all do.
type KindTerms struct {
	Kind     string  `json:"kind"`
	Level    string  `json:"level"`    // org or project
	Variable string  `json:"variable"` // that holds the resource
	Type     string  `json:"type"`     // of it
	Fields   []Term  `json:"fields"`
	Terms    []Terms `json:"terms"`
}

// Type is a type of fields, with its own.
type Type struct {
	Name   string `json:"name"`
	Fields []Term `json:"fields"`
}

// modes are the sorts of expressions, in order of their bits.
func modes() []Terms {
	return []Terms{
		{Mode: "state", Where: "a state rule, of one resource (`on: state`, or no `on`)"},
		{Mode: "whole", Where: "a state rule, of all resources of the kind together (under `whole`)"},
		{Mode: "change", Where: "a change rule, of a change (`on: change`, and under `changes`)"},
		{Mode: "reading", Where: "a rule on how the kinds of a scope were read (`on: reading`)"},
		{Mode: "failure", Where: "a rule on rules that fail (`on: failure`)"},
	}
}

// NewVocabulary is that of this program.
func NewVocabulary() (Vocabulary, error) {
	c, err := newCompiler(&LoadErrors{})
	if err != nil {
		return Vocabulary{}, err
	}
	v := Vocabulary{Common: termsOf(func(f family) bool { return f.kinds == nil }), Functions: libraries(), Keys: keyTables()}
	found := typesOf{c.base.CELTypeProvider(), map[string]*Type{}}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		t := kinds[k].celType()
		one := KindTerms{Kind: string(k), Level: "project", Variable: kinds[k].variable, Type: typeText(t), Fields: found.fields(t.TypeName())}
		if ofOrg(k) {
			one.Level = "org"
		}
		one.Terms = termsOf(func(f family) bool { return slices.Contains(f.kinds, k) })
		v.Kinds = append(v.Kinds, one)
	}
	for _, f := range allFamilies {
		for _, x := range f.variables {
			found.see(x.typ)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found.types)) {
		v.Types = append(v.Types, *found.types[name])
	}
	return v, nil
}

// termsOf are the variables of some families, by the sort of expression that sees them;
// what all see comes first.
func termsOf(some func(family) bool) (out []Terms) {
	const every = forEach | forWhole | forChange | forReading | forFailure
	all := append([]Terms{{Mode: "every", Where: "every rule"}}, modes()...)
	for i, t := range all {
		for _, f := range allFamilies {
			if some(f) && (f.modes == every) == (i == 0) && (i == 0 || f.modes&(1<<(i-1)) != 0) {
				t.Variables = append(t.Variables, termList(f.variables)...)
			}
		}
		if len(t.Variables) > 0 {
			out = append(out, t)
		}
	}
	return out
}

func termList(all []variable) (out []Term) {
	for _, v := range all {
		out = append(out, Term{v.name, typeText(v.typ), v.doc})
	}
	return out
}

// typeText is a type as a person writes it.
func typeText(t *cel.Type) string {
	return strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration").Replace(t.String())
}

// typesOf collects the types that fields have.
type typesOf struct {
	provider types.Provider
	types    map[string]*Type
}

// fields are those of a type, in order of name.
func (o typesOf) fields(name string) (out []Term) {
	names, _ := o.provider.FindStructFieldNames(name)
	for _, f := range slices.Sorted(slices.Values(names)) {
		if t, ok := o.provider.FindStructFieldType(name, f); ok {
			out = append(out, Term{Name: f, Type: typeText(t.Type)})
			o.see(t.Type)
		}
	}
	return out
}

// see takes down the types with fields that a type is made of.
func (o typesOf) see(t *cel.Type) {
	for _, p := range t.Parameters() {
		o.see(p)
	}
	name := t.TypeName()
	if t.Kind() != types.StructKind || o.types[name] != nil {
		return
	}
	o.types[name] = &Type{Name: name}
	o.types[name].Fields = o.fields(name)
}
