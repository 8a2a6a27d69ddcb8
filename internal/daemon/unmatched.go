package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// unmatchedEvery is how often it is looked for: it takes reading all users of all projects.
const unmatchedEvery = time.Hour

func unmatchedGauge() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "gatewarden_declarations_unmatched", Help: "Declared identities, principals and expectations that match nothing of what was read.",
	}, []string{"section"})
}

// countUnmatched counts what is declared and matches nothing, and tells once of each.
func (d *Daemon) countUnmatched(ctx context.Context) {
	s, now := d.settings.get(), d.fleet.Now()
	d.mu.Lock()
	due := s != d.matched.of || now.Sub(d.matched.at) >= unmatchedEvery
	d.mu.Unlock()
	if !due {
		return
	}
	read, whole, err := d.declaredAgainst(ctx)
	if err != nil {
		d.warn(ctx, "unmatched", "what declarations match cannot be read", err)
		return
	}
	if !whole {
		return // the first reads are under way
	}
	counts, still := map[string]float64{"identities": 0, "principals": 0, "expectations": 0}, map[string]bool{}
	for _, u := range placedUnmatched(s.file, s.engine.Unmatched(read, now)) {
		counts[u.Section]++
		still["unmatched "+u.Path+" "+u.Pattern] = true
		d.tellOnce("unmatched "+u.Path+" "+u.Pattern, true, "a declaration matches nothing: mend it, or take it out",
			zap.String("what", u.Path), zap.String("pattern", u.Pattern), zap.String("why", u.Why), zap.String("source", u.Source))
	}
	for section, n := range counts {
		d.metrics.unmatched.WithLabelValues(section).Set(n)
	}
	d.mu.Lock()
	for what := range d.matched.told {
		if !still[what] {
			delete(d.problems, what)
		}
	}
	d.matched = lastMatched{s, now, still}
	d.mu.Unlock()
}

// lastMatched is when what is declared was last held against what was read, and what was told.
type lastMatched struct {
	of   *settings
	at   time.Time
	told map[string]bool
}

// declaredAgainst is what declarations are held against; false: not all was tried yet.
func (d *Daemon) declaredAgainst(ctx context.Context) (out []rules.Input, whole bool, err error) {
	scopes, err := d.watcher.Scopes(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("list the scopes: %w", err)
	}
	whole = len(scopes) > 0
	covered := profileOf(d.settings.get().file).Covered()
	for _, scope := range scopes {
		in := rules.Input{Scope: scope, Collections: map[access.Kind]access.Collection{}}
		for _, k := range rules.UnmatchedKinds(scope) {
			c, rev, err := d.inventory.Get(ctx, string(scope)+"."+string(k))
			if err != nil {
				return nil, false, fmt.Errorf("load %s of %s: %w", k, scope, err)
			}
			if rev > 0 {
				in.Collections[k] = c
			}
			whole = whole && (c.Status != "" || !slices.Contains(covered, k))
		}
		out = append(out, in)
	}
	return out, whole, nil
}

// placedUnmatched gives each its place in the configuration.
func placedUnmatched(f *config.File, all []rules.Unmatched) []report.Unmatched {
	out := make([]report.Unmatched, 0, len(all))
	for _, u := range all {
		line, col := f.Position(u.Path)
		out = append(out, report.Unmatched{Section: u.Section, Path: u.Path, Pattern: u.Pattern, Why: u.Why, Source: fmt.Sprintf("%s:%d:%d", f.Name, line, col)})
	}
	return out
}
