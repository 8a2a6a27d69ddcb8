package rules

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Metrics of judging.
type Metrics struct {
	findings *prometheus.GaugeVec
	unknown  *prometheus.GaugeVec
	failures *prometheus.CounterVec

	mu     sync.Mutex
	scopes map[access.Scope]counts
}

// counts are a scope's part in the gauges.
type counts struct {
	findings map[[3]string]int // rule, severity, environment
	unknown  map[string]int    // rule
}

// NewMetrics registers the metrics of judging.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		findings: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gatewarden_findings", Help: "Findings that stand."}, []string{"rule", "severity", "environment"}),
		unknown:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gatewarden_findings_unknown", Help: "Findings that stand and cannot be judged now."}, []string{"rule"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatewarden_rule_failures_total", Help: "Evaluations of a rule that failed and were taken for unknown."}, []string{"rule"}),
		scopes:   map[access.Scope]counts{},
	}
	reg.MustRegister(m.findings, m.unknown, m.failures)
	return m
}

// set replaces the scope's part in the gauges.
func (m *Metrics) set(doc access.Findings) {
	now := counts{map[[3]string]int{}, map[string]int{}}
	for _, f := range doc.Findings {
		if !f.Open() {
			continue
		}
		now.findings[[3]string{f.Rule, string(f.Severity), f.Environment}]++
		if !f.UnknownSince.IsZero() {
			now.unknown[f.Rule]++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(m.scopes[doc.Scope], -1)
	m.add(now, 1)
	m.scopes[doc.Scope] = now
}

func (m *Metrics) add(c counts, sign int) {
	for k, n := range c.findings {
		m.findings.WithLabelValues(k[:]...).Add(float64(sign * n))
	}
	for k, n := range c.unknown {
		m.unknown.WithLabelValues(k).Add(float64(sign * n))
	}
}
