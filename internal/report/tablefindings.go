package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

func (t *table) findings(r Report) {
	by := map[access.Severity][]Finding{}
	for _, f := range r.Findings {
		if f.Stands() {
			by[f.Severity] = append(by[f.Severity], f)
		}
	}
	order := access.Severities()
	for _, s := range slices.Sorted(maps.Keys(by)) {
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	for _, s := range order {
		if len(by[s]) == 0 {
			continue
		}
		t.section(t.by[s], inert(cmp.Or(string(s), "no severity")), len(by[s]))
		t.list(by[s], r)
	}
}

// list writes findings under the heads of their projects and rules.
func (t *table) list(findings []Finding, r Report) {
	names := r.names()
	var scope access.Scope
	for len(findings) > 0 {
		f := findings[0]
		if f.Ref.Scope != scope {
			scope = f.Ref.Scope
			head := cmp.Or(f.ProjectTitle, names[scope])
			if f.Environment != "" {
				head += " (" + f.Environment + ")"
			}
			t.text(2, t.bold, head)
		}
		n := 1
		for n < len(findings) && findings[n].Rule == f.Rule && findings[n].Ref.Scope == scope {
			n++
		}
		t.rule(findings[:n])
		findings = findings[n:]
	}
}

// rule writes the findings of one rule in one project. What to do about all of them
// follows them once; what was said before is not said again.
func (t *table) rule(findings []Finding) {
	rule, fix := findings[0].Rule, sameAdvice(findings)
	head := rule
	if n := len(findings); n > 1 {
		head += "  " + strconv.Itoa(n)
	}
	if fix != "" && t.told[rule] == fix {
		head += "  (fix: above)"
	}
	t.text(4, t.plain, head)
	several := len(findings) > 1
	for len(findings) > 0 {
		n := t.alike(findings)
		if n == 0 {
			n = 1
			t.finding(findings[0], several)
		}
		if fix == "" {
			t.fix(rule, findings[0].Advice())
		}
		findings = findings[n:]
	}
	t.fix(rule, fix)
}

// sameAdvice is the advice on all of the findings; empty: they differ, or there is none.
func sameAdvice(findings []Finding) string {
	fix := findings[0].Advice()
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Advice() != fix }) {
		return ""
	}
	return fix
}

// fix writes what to do, where it comes first.
func (t *table) fix(rule, fix string) {
	if fix != "" && t.told[rule] != fix {
		t.told[rule] = fix
		t.text(6, t.faint, "fix: "+fix)
	}
}

// alike writes the first findings at once if they say the same of several names, and how
// many they were.
func (t *table) alike(findings []Finding) int {
	shape := findings[0].shape()
	n := slices.IndexFunc(findings, func(f Finding) bool { return f.shape() != shape || f.Advice() != findings[0].Advice() })
	if n < 0 {
		n = len(findings)
	}
	if shape == "" || n < 2 {
		return 0
	}
	t.text(6, t.plain, shape)
	for _, f := range findings[:n] {
		t.item(8, f.Ref.Name)
	}
	return n
}

// shape is the message without the name; empty: it cannot be told so, or there is more to
// tell of the finding.
func (f Finding) shape() string {
	if f.Ref.Name == "" || strings.Count(f.Message, f.Ref.Name) != 1 || f.New || f.MayBeNew || f.IsWaived() || f.Unknown+f.Owner+f.Expected != "" {
		return ""
	}
	return strings.Replace(f.Message, f.Ref.Name, "…", 1)
}

// named reports whether the message says of what it is. The org or project it stands
// under need not be said.
func (f Finding) named() bool {
	missing := func(part string) bool { return !strings.Contains(f.Message, part) }
	return f.Ref.Name == f.Ref.Scope.ID() || !slices.ContainsFunc(strings.Split(f.Ref.Name, "/"), missing)
}

// finding writes one finding, with a mark if it is one of several.
func (t *table) finding(f Finding, several bool) {
	text := f.Message
	if !f.named() {
		text = f.Ref.Name + ": " + text
	}
	switch {
	case f.New:
		text = "[new: " + f.NewWhy + "] " + text
	case f.MayBeNew:
		text = "[may be new: " + f.NewWhy + "] " + text
	}
	indent := 6
	if several {
		indent = 8
		t.item(indent, text)
	} else {
		t.text(indent, t.plain, text)
	}
	for _, l := range [][2]string{{"unknown now: ", f.Unknown}, {"owner: ", f.Owner}, {"announced: ", f.Expected}} {
		if l[1] != "" {
			t.text(indent, t.faint, l[0]+l[1])
		}
	}
	if f.IsWaived() {
		t.text(indent, t.faint, "waived "+f.waiverText())
	}
}

// item writes a text with a mark before its first line.
func (t *table) item(indent int, s string) {
	mark := "- "
	for _, l := range wrap(inert(s), t.width-indent) {
		t.line(strings.Repeat(" ", indent-len(mark)) + mark + t.plain.Render(l))
		mark = "  "
	}
}

func (t *table) waived(r Report) {
	list := slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return !f.Open() || !f.IsWaived() })
	if len(list) > 0 {
		t.section(t.faint, "waived", len(list))
		t.list(list, r)
	}
}
