package remediate

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Metrics are the stage's figures.
type Metrics struct {
	actions  *prometheus.CounterVec
	refusals *prometheus.CounterVec
	commands *prometheus.CounterVec
	window   prometheus.Histogram
}

// NewMetrics registers the stage's figures. Those that several stages share are
// registered by whoever comes first.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	return &Metrics{
		actions: registered(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewarden_actions_total", Help: "Actions that ended, by outcome."}, []string{"outcome"})),
		refusals: registered(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewarden_guard_refusals_total", Help: "Times that a guard kept an action from writing, by guard."}, []string{"guard"})),
		window: registered[prometheus.Histogram](reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatewarden_unfenced_seconds", Help: "Time from the read that a write rests on to its request: Atlas has no conditional write, and a change by somebody else within it is written over.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 8)})),
		commands: registered(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatewarden_commands_total", Help: "Commands by verb and by what became of them: accepted, refused, or not believed."}, []string{"verb", "result"})),
	}
}

func (m *Metrics) command(r access.CommandRecord) {
	result := "accepted"
	switch {
	case r.Command.Verb == "":
		result = "not_believed"
	case !r.Accepted:
		result = "refused"
	}
	m.commands.WithLabelValues(string(r.Command.Verb), result).Inc()
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
		panic("remediate: register metrics: " + err.Error())
	}
	return c
}
