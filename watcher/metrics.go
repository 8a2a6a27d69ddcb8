package watcher

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Metrics of the stage.
type Metrics struct {
	changes *prometheus.CounterVec
	missed  prometheus.Counter
	unknown *prometheus.GaugeVec
	feed    *prometheus.GaugeVec
	sweep   *prometheus.GaugeVec
}

// NewMetrics makes the stage's metrics and registers them. Those that several stages
// share are registered by whoever comes first. A nil reg registers nothing.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	gauge := func(name, help, label string) *prometheus.GaugeVec {
		return registered(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gatewarden_" + name, Help: help}, []string{label}))
	}
	return &Metrics{
		changes: registered(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewarden_changes_total", Help: "Changes published, by what made us see them."}, []string{"source"})),
		missed: registered(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatewarden_changes_missed_by_feed_total", Help: "Changes found by a sweep before any event told of them."})),
		unknown: gauge("unknown_collections", "Collections whose last read by this process was not complete.", "kind"),
		feed:    gauge("feed_last_success_timestamp_seconds", "When a feed was last read.", "level"),
		sweep:   gauge("sweep_last_success_timestamp_seconds", "When a sweep was last done.", "level"),
	}
}

func registered[T prometheus.Collector](reg prometheus.Registerer, c T) T {
	if reg == nil {
		return c
	}
	err := reg.Register(c)
	if there, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := there.ExistingCollector.(T); ok {
			return same
		}
	}
	if err != nil {
		panic("watcher: register metrics: " + err.Error())
	}
	return c
}

func level(s access.Scope) string {
	if s.IsOrg() {
		return "org"
	}
	return "project"
}

func (m *Metrics) fed(s access.Scope, now time.Time) {
	m.feed.WithLabelValues(level(s)).Set(float64(now.Unix()))
}
func (m *Metrics) swept(s access.Scope, now time.Time) {
	m.sweep.WithLabelValues(level(s)).Set(float64(now.Unix()))
}

// account counts what a stored sighting found.
func (w *Watcher) account(key string, s sighting, a absorbed) {
	for _, c := range a.changes {
		if c.Op == access.OpAttributed {
			continue
		}
		w.opts.Metrics.changes.WithLabelValues(string(c.Source)).Inc()
		if c.Source == access.SourceSweep && len(c.Events) == 0 && !c.Gap {
			w.opts.Metrics.missed.Inc()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, was := w.bad[key]
	switch is := a.status != access.StatusComplete && a.status != access.StatusUnsupported; {
	case is && !was:
		w.bad[key] = s.kind
		w.opts.Metrics.unknown.WithLabelValues(string(s.kind)).Inc()
	case was && !is:
		delete(w.bad, key)
		w.opts.Metrics.unknown.WithLabelValues(string(s.kind)).Dec()
	}
}
