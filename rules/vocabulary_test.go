package rules

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestVariablesAreTold: each variable is told of in a sentence, wherever it is declared.
func TestVariablesAreTold(t *testing.T) {
	sentence := regexp.MustCompile(`^[A-Z].*\.$`)
	for k := range kinds {
		for mode := forEach; mode <= forFailure; mode <<= 1 {
			for _, v := range variablesOf(k, mode) {
				if !sentence.MatchString(v.doc) {
					t.Errorf("rules on %s see %s, which is told of as %q", k, v.name, v.doc)
				}
			}
		}
	}
}

// TestVocabularyIsWhole: what is told of each kind and sort of expression is what the
// compiler lets it use.
func TestVocabularyIsWhole(t *testing.T) {
	v, err := NewVocabulary()
	if err != nil {
		t.Fatal(err)
	}
	named := func(terms []Terms, mode string) (out []string) {
		for _, x := range terms {
			if x.Mode == mode || x.Mode == "every" {
				for _, y := range x.Variables {
					out = append(out, y.Name+" "+y.Type)
				}
			}
		}
		return out
	}
	if len(v.Kinds) != len(kinds) {
		t.Errorf("%d kinds of %d are told of", len(v.Kinds), len(kinds))
	}
	for _, k := range v.Kinds {
		if len(k.Fields) == 0 {
			t.Errorf("%s has no fields", k.Kind)
		}
		for i, m := range modes() {
			var want []string
			for _, x := range variablesOf(access.Kind(k.Kind), 1<<i) {
				if x.get != nil { // others hold resources, which are told of by their fields
					want = append(want, x.name+" "+typeText(x.typ))
				}
			}
			got := append(named(v.Common, m.Mode), named(k.Terms, m.Mode)...)
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-sees +told):\n%s", k.Kind, m.Mode, diff)
			}
		}
	}
}

// TestFunctionsAreTold: those of the reference are those that the compiler knows.
func TestFunctionsAreTold(t *testing.T) {
	c, err := newCompiler(&LoadErrors{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"math.greatest": true, "math.least": true} // macros of a receiver, which others are not
	for name := range c.base.Functions() {
		if !strings.ContainsAny(name, "@_!") {
			known[name] = true
		}
	}
	for _, m := range c.base.Macros() {
		if m.Function() != "greatest" && m.Function() != "least" {
			known[m.Function()] = true
		}
	}
	told := map[string]bool{}
	for _, l := range libraries() {
		for _, f := range l.Functions {
			if told[f.Name] || f.Call == "" || f.Doc == "" {
				t.Errorf("%s is told of twice, or in no words", f.Name)
			}
			told[f.Name] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(told))); diff != "" {
		t.Errorf("(-known +told):\n%s", diff)
	}
}

// TestKeysAreThoseOfTheParser: the reference names the keys that the parser takes.
func TestKeysAreThoseOfTheParser(t *testing.T) {
	p := &parser{src: Source{Name: "f.yaml"}, errs: &LoadErrors{}}
	d := &draft{rule: &Rule{}, exprs: map[string]rawExpr{}}
	names := func(known map[string]func(*yaml.Node)) []string { return slices.Collect(maps.Keys(known)) }
	fields := func(typ reflect.Type) (out []string) {
		for f := range fieldsByJSON(typ) {
			out = append(out, f.name)
		}
		return out
	}
	var given, want *yaml.Node
	takes := map[string][]string{
		"a rule": names(p.ruleKeys(d, &words{})), "whole": names(p.checkKeys(d, "whole.")), "changes": names(p.changesKeys(d, &changesBlock{})),
		"through and each_of": names(p.namesKeys(d, "through", &d.through)), "a test": names(p.testKeys(&fileTest{}, &given, &want)),
		"an answer of want": fields(reflect.TypeFor[fileWant]()), "given": append(fields(reflect.TypeFor[testWorld]()), "KIND", "projects"),
		"one of identities": fields(reflect.TypeFor[testIdentity]()), "change, and one of changes": fields(reflect.TypeFor[testChange]()),
	}
	for _, table := range keyTables() {
		var told []string
		for _, k := range table.Keys {
			told = append(told, k.Name)
			if k.Doc == "" || k.Value == "" {
				t.Errorf("%s: %s is told of in no words", table.Of, k.Name)
			}
		}
		got := takes[table.Of]
		slices.Sort(got)
		slices.Sort(told)
		if diff := cmp.Diff(got, told); diff != "" {
			t.Errorf("keys of %s (-taken +told):\n%s", table.Of, diff)
		}
		delete(takes, table.Of)
	}
	for of := range takes {
		t.Errorf("nothing is told of the keys of %s", of)
	}
}
