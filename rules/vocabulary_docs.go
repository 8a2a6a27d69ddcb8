package rules

import (
	"fmt"
	"strings"
)

// Markdown is the reference of what rules may say.
func (v Vocabulary) Markdown() string {
	b := &strings.Builder{}
	b.WriteString("## Keys of a rule file\n")
	for _, t := range v.Keys {
		fmt.Fprintf(b, "\n### Keys of %s\n\n", t.Of)
		heads(b, "key", "value", "meaning")
		for _, k := range t.Keys {
			cells(b, code(k.Name), k.Value, k.Doc)
		}
	}
	b.WriteString("\n## Variables of every rule\n\nThe variables of a kind, which come next, are there beside these. A time that is not known reads as 1970 or before: ask the variable beside it that says whether it is.\n")
	for _, t := range v.Common {
		t.markdown(b, "###")
	}
	b.WriteString("\n## Variables by kind\n\n")
	heads(b, "kind", "level", "variable")
	for _, k := range v.Kinds {
		cells(b, "["+k.Kind+"](#"+k.Kind+")", k.Level, code(k.Variable))
	}
	for _, k := range v.Kinds {
		k.markdown(b)
	}
	b.WriteString("\n## Types of fields\n")
	for _, t := range v.Types {
		fmt.Fprintf(b, "\n### %s\n\n", t.Name)
		fieldTable(b, t.Fields)
	}
	b.WriteString("\n## Functions\n\nExpressions are written in [CEL](https://github.com/google/cel-spec/blob/master/doc/langdef.md), with its operators and these functions. No others are enabled.\n")
	for _, l := range v.Functions {
		fmt.Fprintf(b, "\n### %s\n\n", l.Name)
		heads(b, "call", "meaning")
		for _, f := range l.Functions {
			cells(b, code(f.Call), f.Doc)
		}
	}
	return b.String()
}

func (t Terms) markdown(b *strings.Builder, level string) {
	fmt.Fprintf(b, "\n%s In %s\n\n", level, t.Where)
	heads(b, "variable", "type", "meaning")
	for _, v := range t.Variables {
		cells(b, code(v.Name), v.Type, v.Doc)
	}
}

func (k KindTerms) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\nIn a state rule `%s` is the resource that is judged, in a change rule `before` and `after` are the resource before and after the change, all of type %s:\n\n", k.Kind, k.Variable, k.Type)
	fieldTable(b, k.Fields)
	for _, t := range k.Terms {
		t.markdown(b, "####")
	}
}

func fieldTable(b *strings.Builder, fields []Term) {
	heads(b, "field", "type")
	for _, f := range fields {
		cells(b, code(f.Name), f.Type)
	}
}

func heads(b *strings.Builder, names ...string) {
	cells(b, names...)
	b.WriteString(strings.Repeat("|---", len(names)) + "|\n")
}

// cells is one line of a table.
func cells(b *strings.Builder, texts ...string) {
	for _, t := range texts {
		b.WriteString("| " + strings.ReplaceAll(t, "|", `\|`) + " ")
	}
	b.WriteString("|\n")
}

func code(s string) string { return "`" + s + "`" }
