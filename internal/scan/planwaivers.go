package scan

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
)

// waivers are those of the configurations that begin, end or differ, with what they let stand.
func (c *comparing) waivers() (out []report.PreviewWaiver) {
	var olds []access.Waiver
	if c.o.Old != nil {
		olds = c.o.Old.Waivers
	}
	for _, w := range c.o.New.Waivers {
		i := slices.IndexFunc(olds, func(o access.Waiver) bool { return o.ID == w.ID })
		p := report.PreviewWaiver{ID: w.ID, Rule: w.Rule, Change: "begins", Findings: waivedBy(c.new, w), Until: stamp(w.Until)}
		p.Why = c.void(w, p.Findings)
		if i >= 0 {
			if p.Change = "differs"; sameWaiver(olds[i], w) {
				continue
			}
		}
		out = append(out, p)
	}
	for _, w := range olds {
		if slices.ContainsFunc(c.o.New.Waivers, func(n access.Waiver) bool { return n.ID == w.ID }) {
			continue
		}
		out = append(out, report.PreviewWaiver{ID: w.ID, Rule: w.Rule, Change: "ends", Findings: waivedBy(c.old, w), Until: stamp(w.Until)})
	}
	return out
}

// sameWaiver leaves out where the waivers stand.
func sameWaiver(a, b access.Waiver) bool {
	a.Source, b.Source = "", ""
	return a.Granted.Equal(b.Granted) && a.Until.Equal(b.Until) && reflect.DeepEqual(timeless(a), timeless(b))
}

func timeless(w access.Waiver) access.Waiver {
	w.Granted, w.Until = time.Time{}, time.Time{}
	return w
}

func waivedBy(all map[access.Scope]stand, w access.Waiver) (n int) {
	for _, s := range all {
		for _, f := range s.doc.Findings {
			if f.State == access.FindingWaived && f.Waiver.ID == w.ID {
				n++
			}
		}
	}
	return n
}

// void is why a waiver does not hold, or is of no use; empty: it lets something stand.
func (c *comparing) void(w access.Waiver, used int) string {
	var all []report.Finding
	for _, s := range c.new {
		for _, f := range s.doc.Findings {
			if f.Open() {
				all = append(all, report.Finding{Finding: f, ProjectTitle: titleOf(s.in)})
			}
		}
	}
	slices.SortFunc(all, func(a, b report.Finding) int { return strings.Compare(a.ID, b.ID) })
	return voidWhy(w, used, all, c.present.At)
}
