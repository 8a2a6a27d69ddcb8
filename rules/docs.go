package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Docs is the reference of the rules, in Markdown: what each finds, why it matters, what
// one can adjust, what is done about it.
func Docs(list []Rule) string {
	var b strings.Builder
	b.WriteString("# The rules\n\nWritten by `gatewarden rules docs` from the rules themselves; a test keeps it current. Severities are those of production; elsewhere they are one step lower.\n" +
		"The ceiling is the strongest response that a rule takes: *tell*, *ask* a person, or *auto* (put right without asking, new violations only).\n")
	family := ""
	for _, r := range list {
		if f, _, _ := strings.Cut(r.ID, "/"); f != family {
			family = f
			fmt.Fprintf(&b, "\n## %s\n", family)
		}
		r.doc(&b)
	}
	return b.String()
}

func (r Rule) doc(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s. %s\n\n", r.ID, r.Title, r.Why)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "- %s: %s\n", name, value)
		}
	}
	row("severity", string(r.Severity))
	row("judges", r.judged())
	if r.changes != nil {
		row("and changes of", names(r.changes.Kinds))
	}
	row("also reads", names(r.also()))
	row("also reads, where the profile covers it", names(r.WhereCovered))
	row("of other projects", names(r.Siblings))
	row("environments", strings.Join(r.Environments, ", "))
	row("fix", r.Fix)
	row("remedy", r.Remedy)
	row("ceiling", ceilingText(r.Ceiling))
	row("controls", strings.Join(r.Controls, ", "))
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		row("parameter `"+name+"`", "`"+paramText(r.Params[name])+"`")
	}
	for _, ref := range r.References {
		row("see", "<"+ref+">")
	}
}

func (r Rule) judged() string {
	switch r.On {
	case OnChange:
		return "changes of " + names(r.Kinds)
	case OnReading:
		return "how each kind was read"
	case OnFailure:
		return "rules that failed"
	}
	if r.each == nil && r.whole != nil {
		return names(r.Kinds) + ", all together"
	}
	return names(r.Kinds)
}

// also are the kinds that the rule reads beside its own.
func (r Rule) also() []access.Kind {
	return slices.DeleteFunc(slices.Clone(r.Reads), func(k access.Kind) bool {
		return slices.Contains(r.Kinds, k) || slices.Contains(r.WhereCovered, k)
	})
}

func names(kinds []access.Kind) string {
	out := make([]string, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

func ceilingText(c access.Ceiling) string { return cmpOr(string(c), "tell") }

func paramText(v any) string {
	switch p := v.(type) {
	case time.Duration:
		return durationText(p)
	case []string:
		return "[" + strings.Join(p, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// durationText is a duration without the parts that are zero: 168h, 5m.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
