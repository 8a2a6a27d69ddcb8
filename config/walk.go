package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// tree is what the walk makes of a file: its values, typed and with their places.
// Where the file is wrong a value is missing and a problem says so.
type tree struct {
	path      string
	line, col int
	given     bool // the file has it; otherwise it is a default
	leaf      any  // of a scalar: what its shape parses to; of a free value: the value
	keys      []string
	sub       map[string]*tree
	items     []*tree
}

// get is the value of a key. It is never nil: an absent value is an empty one.
func (t *tree) get(name string) *tree {
	if s := t.sub[name]; s != nil {
		return s
	}
	return &tree{path: join(t.path, name), line: t.line, col: t.col}
}

// as is a leaf's value, or the zero value where there is none.
func as[T any](t *tree) T { v, _ := t.leaf.(T); return v }

type walker struct {
	*reporter
	places map[string]place
}

type place struct{ line, col int }

// walk checks one node against its shape. quiet says that nothing of it may be quoted.
func (w *walker) walk(n *yaml.Node, s *shape, path string, quiet bool) *tree {
	t := &tree{path: path, line: n.Line, col: n.Column, given: true}
	w.places[path] = place{n.Line, n.Column}
	quiet = quiet || s.secret
	if s.form == formScalar && s.object != nil && n.Kind == yaml.MappingNode {
		s = s.object
	}
	switch {
	case n.Kind == yaml.AliasNode:
		w.at(t, "anchors and aliases are not supported: write the value out")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null" && s.form != formFree:
		w.at(t, "it is empty: give %s, or leave the key out", s.want())
	case s.form == formObject && n.Kind == yaml.MappingNode:
		w.object(t, n, s, quiet)
	case s.form == formList && n.Kind == yaml.SequenceNode:
		w.list(t, n, s, quiet)
	case s.form == formList && s.alone && n.Kind == yaml.ScalarNode:
		t.items = []*tree{w.walk(n, s.elem, path, quiet)}
	case s.form == formScalar && n.Kind == yaml.ScalarNode:
		w.scalar(t, n, s.scalar, quiet)
	case s.form == formFree:
		t.leaf = w.free(n, path)
	case s.secret && s.choice.sets != nil && n.Kind == yaml.ScalarNode:
		w.at(t, "a value written in the file is refused, since the file is committed, copied and shown: give %s", s.choice.want)
	default:
		w.at(t, "expected %s, got %s", s.want(), describe(n))
	}
	return t
}

// want says what a shape takes, for messages.
func (s *shape) want() string {
	switch {
	case s.form == formList:
		return "a list"
	case s.choice.want != "":
		return s.choice.want
	case s.form == formObject:
		return "a mapping"
	case s.scalar.enum != nil && !s.scalar.long():
		return s.scalar.want + ": " + orList(s.scalar.enum)
	}
	return s.scalar.want
}

// describe says what a node is without quoting it.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	kinds := map[string]string{"!!str": "text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!timestamp": "a time", "!!null": "nothing"}
	if k, ok := kinds[n.Tag]; ok {
		return k
	}
	return "a value with a tag of its own"
}

func (w *walker) object(t *tree, n *yaml.Node, s *shape, quiet bool) {
	t.sub = map[string]*tree{}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || (k.Tag != "!!str" && s.extra == nil) {
			w.report(k.Line, k.Column, t.path, "a key must be plain text%s", hint(k))
			continue
		}
		if line, twice := seen[k.Value]; twice {
			_, known := s.field(k.Value)
			w.report(k.Line, k.Column, under(t.path, k.Value, quiet && !known), "given twice, first in line %d: keep one", line)
			continue
		}
		seen[k.Value] = k.Line
		if v := w.member(t, k, n.Content[i+1], s, quiet); v != nil {
			t.sub[k.Value] = v
			t.keys = append(t.keys, k.Value)
		}
	}
	w.absent(t, s, seen)
	w.chosen(t, s.choice, seen)
}

func hint(k *yaml.Node) string {
	if k.Kind == yaml.AliasNode || k.Tag == "!!merge" {
		return "; anchors, aliases and merges are not supported: write the value out"
	}
	return ""
}

// switchedOff tells who would turn a rule off by an override how that is done; empty: it is
// another key.
func switchedOff(path string) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if !strings.HasPrefix(path, "rules.override.") || !slices.Contains([]string{"enabled", "disabled", "disable", "off", "skip", "ignore"}, name) {
		return ""
	}
	return "; a rule is not switched off by an override: list those that are judged under rules.only, name under environments where this one is, or waive what it finds"
}

// member walks one key's value, or says why the key does not belong there.
func (w *walker) member(t *tree, k, v *yaml.Node, s *shape, quiet bool) *tree {
	path := under(t.path, k.Value, quiet)
	f, ok := s.field(k.Value)
	switch {
	case ok && f.unbuilt:
		w.report(k.Line, k.Column, path, "not built yet: remove it; this version would not act on it")
	case ok:
		return w.walk(v, f.shape, join(t.path, k.Value), quiet)
	case s.extra == nil && quiet:
		w.report(k.Line, k.Column, t.path, "unknown key%s", meant(k.Value, s.names()))
	case s.extra == nil:
		w.report(k.Line, k.Column, path, "unknown key%s", cmp.Or(switchedOff(path), meant(k.Value, s.names())))
	case k.Tag != "!!str":
		w.report(k.Line, k.Column, path, "expected %s, got %s: put it in quotes", s.key.want, describe(k))
	default:
		if _, err := s.key.read(k.Value); err != nil {
			w.report(k.Line, k.Column, path, "%v", err)
			return nil
		}
		return w.walk(v, s.extra, path, quiet)
	}
	return nil
}

// absent reports required keys that are missing and fills in defaults.
func (w *walker) absent(t *tree, s *shape, seen map[string]int) {
	for _, f := range s.fields {
		if _, ok := seen[f.name]; ok || f.unbuilt {
			continue
		}
		if f.required && t.given {
			w.report(t.line, t.col, join(t.path, f.name), "missing: give %s", f.shape.want())
			continue
		}
		t.sub[f.name] = w.fallback(t, f)
	}
}

// fallback is the value of a key that is left out.
func (w *walker) fallback(t *tree, f field) *tree {
	out := &tree{path: join(t.path, f.name), line: t.line, col: t.col}
	switch {
	case f.fallback != "":
		v, err := f.shape.scalar.read(f.fallback)
		if err != nil {
			panic("config: the default of " + out.path + " is not one: " + err.Error())
		}
		out.leaf = v
	case f.shape.form == formObject:
		out.sub = map[string]*tree{}
		w.absent(out, f.shape, nil)
	}
	return out
}

// chosen checks that exactly one set of keys is given, complete.
func (w *walker) chosen(t *tree, c choice, seen map[string]int) {
	if c.sets == nil {
		return
	}
	begun, complete := 0, 0
	for _, set := range c.sets {
		n := 0
		for _, name := range set {
			if _, ok := seen[name]; ok {
				n++
			}
		}
		begun += min(n, 1)
		complete += n / len(set)
	}
	if begun != 1 || complete != 1 {
		w.at(t, "give %s: one of the two, complete", c.want)
	}
}

func (w *walker) list(t *tree, n *yaml.Node, s *shape, quiet bool) {
	if s.nonnil && len(n.Content) == 0 {
		w.at(t, "it is empty: give at least one")
	}
	for i, item := range n.Content {
		t.items = append(t.items, w.walk(item, s.elem, t.path+"["+strconv.Itoa(i)+"]", quiet))
	}
}

func (w *walker) scalar(t *tree, n *yaml.Node, s scalar, quiet bool) {
	tags := map[string][]string{"string": {"!!str", "!!timestamp"}, "integer": {"!!int"}, "boolean": {"!!bool"}}[s.json]
	if !slices.Contains(tags, n.Tag) {
		advice := ""
		if s.json == "string" && describe(n) != "a value with a tag of its own" {
			advice = ": put it in quotes"
		}
		w.at(t, "expected %s, got %s%s", one(s).want(), describe(n), advice)
		return
	}
	v, err := s.read(n.Value)
	switch {
	case err != nil && quiet:
		w.at(t, "expected %s", s.want)
	case err != nil:
		w.at(t, "%v", err)
	default:
		t.leaf = v
	}
}

// free reads a rule's parameter: text, numbers, true or false, lists and mappings.
func (w *walker) free(n *yaml.Node, path string) any {
	w.places[path] = place{n.Line, n.Column}
	switch n.Kind {
	case yaml.SequenceNode:
		out := []any{}
		for i, item := range n.Content {
			out = append(out, w.free(item, path+"["+strconv.Itoa(i)+"]"))
		}
		return out
	case yaml.MappingNode:
		return w.freeMap(n, path)
	case yaml.ScalarNode:
		if v, ok := plain(n); ok {
			return v
		}
	}
	w.report(n.Line, n.Column, path, "expected text, a number, true or false, a list or a mapping, written out")
	return nil
}

func (w *walker) freeMap(n *yaml.Node, path string) any {
	out := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag != "!!str" {
			w.report(k.Line, k.Column, path, "a key must be plain text%s", hint(k))
			continue
		}
		if _, twice := out[k.Value]; twice {
			w.report(k.Line, k.Column, join(path, k.Value), "given twice: keep one")
			continue
		}
		out[k.Value] = w.free(n.Content[i+1], join(path, k.Value))
	}
	return out
}

// plain is a scalar's value as rules see it: int64, float64, bool or string.
func plain(n *yaml.Node) (any, bool) {
	switch n.Tag {
	case "!!str", "!!timestamp":
		return n.Value, true
	case "!!bool":
		v, err := parseBool(n.Value)
		return v, err == nil
	case "!!int":
		v, err := strconv.ParseInt(n.Value, 10, 64)
		return v, err == nil && strconv.FormatInt(v, 10) == n.Value // 010 and 0x10 mean different numbers to different readers
	case "!!float":
		v, err := strconv.ParseFloat(n.Value, 64)
		return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return nil, false
}

const legible = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/-"

// join adds a key to a path: as it is where it reads well, else quoted in brackets.
func join(path, name string) string {
	if name == "" || len(name) > 60 || strings.Trim(name, legible) != "" {
		return fmt.Sprintf("%s[%q]", path, cut(name))
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// under is join where the key itself may be shown.
func under(path, name string, quiet bool) string {
	if quiet {
		return path
	}
	return join(path, name)
}

// cut shortens what a message quotes.
func cut(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
