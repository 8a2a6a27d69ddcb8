package slack

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of the gateway and its client.
type Metrics struct {
	up       prometheus.Gauge
	problems *prometheus.GaugeVec
	calls    *prometheus.CounterVec
	clicks   *prometheus.CounterVec
	refused  *prometheus.CounterVec
	ack      prometheus.Histogram
	answered prometheus.Histogram
	opens    prometheus.Counter
}

// NewMetrics makes the metrics and registers them. A nil reg registers nothing.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return registered(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatewarden_slack_" + name, Help: help}, labels))
	}
	seconds := func(name, help string, buckets ...float64) prometheus.Histogram {
		return registered(reg, prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gatewarden_slack_" + name, Help: help, Buckets: buckets}))
	}
	return &Metrics{
		up: registered(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatewarden_slack_up", Help: "Whether Slack lets us in and can reach us: 1 or 0."})),
		problems: registered(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatewarden_slack_problems", Help: "What is wrong with Slack, or with how it is set up, by what."}, []string{"what"})),
		calls:    counter("calls_total", "Calls of Slack's Web API, by method and outcome.", "method", "outcome"),
		clicks:   counter("clicks_total", "Clicks, forms and commands taken, by kind.", "kind"),
		refused:  counter("clicks_refused_total", "Clicks, forms and commands refused, by reason.", "reason"),
		ack:      seconds("ack_seconds", "From the arrival of a click to its acknowledgement.", .01, .025, .05, .1, .2, .3, .5, 1, 2, 3),
		answered: seconds("click_seconds", "From the arrival of a click to what became of it.", .05, .1, .2, .3, .5, 1, 2, 5, 10, 30, 60, 300),
		opens:    registered(reg, prometheus.NewCounter(prometheus.CounterOpts{Name: "gatewarden_slack_connections_total", Help: "Socket Mode connections that were opened."})),
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
		panic("slack: register metrics: " + err.Error())
	}
	return c
}

func (m *Metrics) called(method string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = labelOf(codeOf(err))
		if isLate(err) {
			outcome = "ratelimited"
		}
	}
	m.calls.WithLabelValues(method, outcome).Inc()
}

// labelOf keeps the values of a label few, whatever an answer said.
func labelOf(code string) string {
	switch {
	case code == "":
		return "network"
	case tooMuch(code), slices.Contains(slices.Concat(boardCodes(), placeCodes(), cardCodes(), passing()), code), strings.HasPrefix(code, "http_"):
		return code
	}
	return "other"
}

func isLate(err error) bool {
	_, ok := errors.AsType[later](err)
	return ok
}

func since(t time.Time) float64 { return max(0, time.Since(t).Seconds()) }
