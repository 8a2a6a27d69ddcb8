package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// notice notes what is allowed in a rule and probably not meant.
func (d *draft) notice() {
	warn := func(key, format string, args ...any) {
		at := d.place(key)
		d.rule.Warnings = append(d.rule.Warnings, Problem{at.file, at.line, at.col, fmt.Sprintf("rule %s: "+format, append([]any{d.rule.ID}, args...)...)})
	}
	for _, name := range slices.Sorted(maps.Keys(d.rule.Params)) {
		if !d.uses(name) {
			warn("params."+name, "parameter %s is used nowhere", name)
		}
	}
	for _, c := range d.rule.Controls {
		if !control.MatchString(c) {
			warn("controls", "control %q is of no framework that reports are made of: those are SOC 2 (CC6.1), ISO 27001 (A.8.2), PCI DSS 4 (PCI 8.3) and CIS 8 (CIS 6)", c)
		}
	}
}

// control is how the controls of SOC 2, ISO/IEC 27001:2022, PCI DSS 4 and CIS Controls 8 are
// written.
var control = regexp.MustCompile(`^(CC[1-9]\.[1-9]|(A1|C1|PI1|P[1-8])\.[1-9]|A\.[5-8]\.[1-9][0-9]?|PCI ([1-9]|1[0-2])(\.[0-9]{1,2})*|CIS ([1-9]|1[0-8])(\.[0-9]{1,2})?)$`)

// uses reports whether an expression reads the parameter: by itself, or by a variable that
// says so in what it means.
func (d *draft) uses(name string) bool {
	word := regexp.MustCompile(`params\.` + name + `\b`)
	var docs []string // of variables that read it
	for _, f := range allFamilies {
		for _, v := range f.variables {
			if word.MatchString(v.doc) {
				docs = append(docs, v.name)
			}
		}
	}
	for _, e := range d.exprs {
		if word.MatchString(e.src) || slices.ContainsFunc(docs, func(v string) bool { return strings.Contains(e.src, v) }) {
			return true
		}
	}
	return false
}
