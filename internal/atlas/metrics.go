package atlas

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	ratio    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewarden_atlas_requests_total",
			Help: "Requests to Atlas by operation and HTTP status code (error: no answer).",
		}, []string{"route", "code"}),
		ratio: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatewarden_atlas_budget_ratio",
			Help: "What is left of the emptiest token bucket of Atlas, from 0 to 1.",
		}),
	}
	m.ratio.Set(1)
	if reg == nil {
		return m, nil
	}
	var err error
	if m.requests, err = register(reg, m.requests); err != nil {
		return metrics{}, err
	}
	m.ratio, err = register(reg, m.ratio)
	return m, err
}

// register returns the collector that is there already, as after a reload.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		if old, ok := there.ExistingCollector.(C); ok {
			return old, nil
		}
	}
	if err != nil {
		return c, fmt.Errorf("register the metrics of the Atlas client: %w", err)
	}
	return c, nil
}
