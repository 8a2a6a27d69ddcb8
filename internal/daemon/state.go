package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// AllFindings lists every finding of every scope, resolved ones that are still kept
// included, in order of scope, rule, name and time.
func (d *Daemon) AllFindings(ctx context.Context) ([]access.Finding, error) {
	return d.allFindings(ctx, false)
}

// allFindings is AllFindings; with soundOnly it leaves out, and tells of, what cannot be read: for
// those who look after each by itself, and never for a list that somebody takes for whole.
func (d *Daemon) allFindings(ctx context.Context, soundOnly bool) ([]access.Finding, error) {
	keys, err := d.findings.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", err)
	}
	var out []access.Finding
	for _, k := range keys {
		doc, _, err := d.findings.Get(ctx, k)
		if soundOnly && d.unreadable(ctx, "findings", k, err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("load findings of %s: %w", k, err)
		}
		for _, f := range doc.Findings {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b access.Finding) int {
		return cmp.Or(cmp.Compare(a.Ref.Scope, b.Ref.Scope), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Ref.Name, b.Ref.Name), a.CauseAt.Compare(b.CauseAt), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}

// AllActions lists every action that is kept, in order of creation.
func (d *Daemon) AllActions(ctx context.Context) ([]access.Action, error) {
	return d.allActions(ctx, false)
}

// allActions is AllActions, as allFindings is AllFindings.
func (d *Daemon) allActions(ctx context.Context, soundOnly bool) ([]access.Action, error) {
	keys, err := d.actions.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list actions: %w", err)
	}
	var out []access.Action
	for _, k := range keys {
		a, _, err := d.actions.Get(ctx, k)
		if soundOnly && d.unreadable(ctx, "actions", k, err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("load action %s: %w", k, err)
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b access.Action) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// unreadable reports whether a document is no document: what somebody put there who is none of
// ours. It is told, and hides no other.
func (d *Daemon) unreadable(ctx context.Context, bucket, key string, err error) bool {
	if err == nil || ctx.Err() != nil || errors.Is(err, access.ErrTemporary) {
		return false
	}
	d.warn(ctx, "unreadable "+bucket+" "+key, "a stored document cannot be read, and is left out: somebody else wrote it, or the store is damaged", err, zap.String("bucket", bucket), zap.String("key", key))
	return true
}

type metrics struct {
	reloadFailed prometheus.Gauge
	waivers      *prometheus.GaugeVec // by state
	unmatched    *prometheus.GaugeVec // by section
	unreplayed   prometheus.Gauge
	refused      prometheus.Gauge
	deliveries   *prometheus.CounterVec
	latency      *prometheus.HistogramVec // by stage
}

func newMetrics(reg prometheus.Registerer, version string) *metrics {
	m := &metrics{
		waivers:      waiverGauge(),
		unmatched:    unmatchedGauge(),
		reloadFailed: prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_reload_failed", Help: "1 while the configuration file on disk is refused and an older one is in force."}),
		unreplayed:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_reverts_without_replay", Help: "Rules that a response turns to revert, and that were not replayed within 90 days as they are, over 7 days of watched history."}),
		refused:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_rules_refused", Help: "Rules of the configuration, and files of them, that have mistakes and are not in force."}),
		deliveries:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatewarden_deliveries_total", Help: "Messages handed to sinks."}, []string{"sink", "result"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatewarden_stage_latency_seconds", Help: "Time that a stage took over one job.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"stage"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_build_info", Help: "1, with the version as a label.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	reg.MustRegister(info, m.waivers, m.unmatched, m.reloadFailed, m.unreplayed, m.refused, m.deliveries, m.latency)
	return m
}

func (m *metrics) delivered(sink string, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.deliveries.WithLabelValues(sink, result).Inc()
}
