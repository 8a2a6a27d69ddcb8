package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
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
	file *config.File
	out  []config.Problem
}

// warnings are those of the file, and those that it takes more to see, in its order.
func warnings(f *config.File) []config.Problem {
	w := &warner{file: f, out: slices.Clone(f.Warnings)}
	w.waivers()
	slices.SortStableFunc(w.out, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
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

// tellWarnings logs the warnings that the settings before did not give.
func (d *Daemon) tellWarnings(before *settings) {
	for _, w := range d.settings.get().warned {
		if before == nil || !slices.Contains(before.warned, w) {
			d.logger.Warn("configuration", zap.String("warning", w.String()))
		}
	}
}
