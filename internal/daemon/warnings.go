package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// dated is the file with its waivers held against the time at which it was read.
func dated(f *config.File, now time.Time) *config.File {
	out := *f
	out.Waivers = rules.Dated(f.Waivers, now)
	return &out
}

// warner looks for what is allowed and probably not meant, as far as it takes more to see
// than the file.
type warner struct {
	file   *config.File
	engine *rules.Engine
	out    []config.Problem
}

// warnings are those of the file, and those that it takes more to see, in its order.
func warnings(f *config.File, e *rules.Engine) []config.Problem {
	w := &warner{file: f, engine: e, out: slices.Clone(f.Warnings)}
	w.waivers()
	w.reverts()
	for i, p := range f.Guards.NeverTouch {
		if why := remediate.NeverMatches(p); why != "" {
			w.warn(fmt.Sprintf("guards.never_touch[%d]", i), "%q guards nothing: %s", p, why)
		}
	}
	slices.SortStableFunc(w.out, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for _, r := range e.Rules() {
		for _, p := range r.Warnings {
			w.out = append(w.out, config.Problem{File: p.File, Line: p.Line, Column: p.Column, Message: p.Message})
		}
	}
	return w.out
}

func (w *warner) warn(path, format string, args ...any) {
	line, col := w.file.Position(path)
	w.out = append(w.out, config.Problem{File: w.file.Name, Line: line, Column: col, Path: path, Message: fmt.Sprintf(format, args...)})
}

// waivers warns of those that are refused, and of renewals that nobody counted.
func (w *warner) waivers() {
	for i, x := range w.file.Waivers {
		if x.Ahead {
			w.warn(fmt.Sprintf("waivers[%d].granted", i), "refused, while the rest of the file holds: it is in the future. Give the time at which it is granted, when it is; as it is, no other waiver of the same finding holds before this one ends")
			continue
		}
		for j, former := range w.file.Waivers {
			if sameTarget(x, former) && former.Granted.Before(x.Granted) && !former.Until.Before(x.Granted) && x.Renewals <= former.Renewals {
				w.warn(fmt.Sprintf("waivers[%d]", i), "it renews waivers[%d], but is not counted as that: give renewals: %d", j, former.Renewals+1)
			}
		}
	}
}

// sameTarget reports whether two waivers are written for the same.
func sameTarget(a, b access.Waiver) bool {
	return a.Rule == b.Rule && a.Kind == b.Kind && a.Name == b.Name && a.Key == b.Key && a.Project == b.Project && a.Environment == b.Environment
}

// reverts warns of responses that say revert of rules that are only told of.
func (w *warner) reverts() {
	for i, r := range w.file.Responses {
		if r.Do != access.ModeRevert {
			continue
		}
		if len(r.Rules) == 0 {
			w.onlyTold(fmt.Sprintf("responses[%d].do", i), "*")
		}
		for j, pattern := range r.Rules {
			w.onlyTold(fmt.Sprintf("responses[%d].rules[%d]", i, j), pattern)
		}
	}
}

// onlyTold warns of the rules that a pattern means and that are not reverted. It names the
// first of them.
func (w *warner) onlyTold(path, pattern string) {
	const most = 5
	all, why := 0, []string{}
	for _, r := range w.engine.Rules() {
		if access.Match(pattern, r.ID) {
			if all++; notReverted(r) != "" {
				why = append(why, r.ID+" ("+notReverted(r)+")")
			}
		}
	}
	switch {
	case len(why) == 0:
		return
	case all == 1:
		w.warn(path, "do: revert, but it is told of instead, as by do: notify: %s", why[0])
		return
	}
	named, more := strings.Join(why[:min(len(why), most)], ", "), ""
	if len(why) > most {
		more = fmt.Sprintf(" and %d others", len(why)-most)
	}
	w.warn(path, "do: revert, but %d of the %d rules that it means are told of instead, as by do: notify: %s%s", len(why), all, named, more)
}

// notReverted is why a rule's findings are never reverted; empty: they may be.
func notReverted(r rules.Rule) string {
	switch {
	case r.Ceiling == access.CeilingAsk:
		return "its ceiling is ask, and asking is not built yet"
	case !r.Ceiling.Allows(access.CeilingAuto):
		return "its ceiling is tell"
	case r.Remedy == "" || r.Remedy == remediate.RemedyNone:
		return "it has no remedy"
	case !remediate.Plans(r.Remedy):
		return "its remedy " + r.Remedy + " is not built yet"
	case !slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { return !slices.Contains(access.OrgKinds(), k) }):
		return "it is about the organization, which is of no environment and is written to by nobody unasked"
	}
	return ""
}

// tellWarnings logs the warnings that the settings before did not give.
func (d *Daemon) tellWarnings(before *settings) {
	for _, w := range d.settings.get().warned {
		if before == nil || !slices.Contains(before.warned, w) {
			d.logger.Warn("configuration", zap.String("warning", w.String()))
		}
	}
}
