package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// What becomes of a waiver.
const (
	waiverHolds  = "holds" // findings stand under it
	waiverIdle   = "idle"  // it has begun, and no finding needs it
	waiverAhead  = "ahead" // it has not begun
	waiverEnded  = "ended" // its time is over: it can be taken out
	waiverVoid   = "refused"
	idleIsTold   = 24 * time.Hour
	waiverStates = "holds, idle, ahead, ended or refused (dated ahead)"
)

// stateOf is what became of a waiver, of whose id so many findings are.
func stateOf(w access.Waiver, findings int, now time.Time) string {
	switch {
	case !now.Before(w.Until):
		return waiverEnded
	case w.Ahead:
		return waiverVoid
	case now.Before(w.Granted):
		return waiverAhead
	case findings > 0:
		return waiverHolds
	}
	return waiverIdle
}

// countWaivers counts the waivers of the configuration and of the store by what became of
// them, and tells once of each that nobody needs any more.
func (d *Daemon) countWaivers(ctx context.Context) {
	stored, _, err := d.waivers.Get(ctx, rules.WaiversKey)
	if err != nil {
		d.warn(ctx, "waivers", "the waivers cannot be read", err)
		return
	}
	findings, err := d.AllFindings(ctx)
	if err != nil {
		d.warn(ctx, "waivers", "the findings cannot be listed", err)
		return
	}
	under := map[string]int{}
	for _, f := range findings {
		if f.State == access.FindingWaived {
			under[f.Waiver.ID]++
		}
	}
	now := d.fleet.Now()
	counts := map[string]float64{waiverHolds: 0, waiverIdle: 0, waiverAhead: 0, waiverEnded: 0, waiverVoid: 0}
	for _, w := range slices.Concat(d.settings.get().file.Waivers, rules.Dated(stored.Waivers, now)) {
		state := stateOf(w, under[w.ID], now)
		counts[state]++
		d.tellOnce("refused waiver "+w.ID, state == waiverVoid, "a waiver is refused: it was dated ahead, and until its end none of the same finding holds", zap.String("waiver", w.ID), zap.String("source", w.Source))
		needless := state == waiverEnded || state == waiverIdle && now.Sub(w.Granted) > idleIsTold
		d.tellOnce("waiver "+w.ID, needless, "no finding needs the waiver: take it out", zap.String("waiver", w.ID), zap.String("state", state), zap.String("source", w.Source))
	}
	for state, n := range counts {
		d.metrics.waivers.WithLabelValues(state).Set(n)
	}
}

// tellOnce logs something when it begins to be so.
func (d *Daemon) tellOnce(what string, so bool, message string, fields ...zap.Field) {
	d.mu.Lock()
	was := d.problems[what] != ""
	if d.problems == nil {
		d.problems = map[string]string{}
	}
	d.problems[what] = ""
	if so {
		d.problems[what] = message
	}
	d.mu.Unlock()
	if so && !was {
		d.logger.Info(message, fields...)
	}
}

func waiverGauge() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "gatewarden_waivers", Help: "Waivers of the configuration and of the store by what became of them: " + waiverStates + ".",
	}, []string{"state"})
}
