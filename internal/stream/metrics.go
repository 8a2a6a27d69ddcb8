package stream

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const measureEvery = 30 * time.Second

type metrics struct {
	oldest      *prometheus.GaugeVec
	used        *prometheus.GaugeVec
	deadLetters prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatewarden_queue_oldest_timestamp_seconds",
			Help: "When the oldest message still in a work queue was stored; 0 when the queue is empty.",
		}, []string{"stream"}),
		used: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatewarden_store_used_ratio",
			Help: "Bytes in a stream or bucket, as a part of its limit.",
		}, []string{"stream"}),
		deadLetters: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatewarden_dead_letters_total",
			Help: "Messages set aside because they could not be decoded or their handling panicked five times.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.oldest, m.used, m.deadLetters} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of the stream: %w", err)
		}
	}
	return m, nil
}

// measure sets the gauges every 30 s until ctx ends. While the server does not answer they keep
// their last value, so that the age of a queue goes on growing.
func (s *Stream) measure(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.measureOnce(ctx); err != nil && ctx.Err() == nil {
			s.o.Logger.Debug("the streams could not be measured", zap.Error(err))
		}
		sleep(ctx, measureEvery)
	}
}

func (s *Stream) measureOnce(ctx context.Context) error {
	infos, err := s.infos(ctx)
	if err != nil {
		return err
	}
	for _, info := range infos {
		label := strings.TrimPrefix(info.Config.Name, "KV_")
		s.metrics.used.WithLabelValues(label).Set(float64(info.State.Bytes) / float64(info.Config.MaxBytes))
		if info.Config.Retention != jetstream.WorkQueuePolicy {
			continue
		}
		oldest := 0.0
		if info.State.Msgs > 0 {
			oldest = float64(info.State.FirstTime.UnixNano()) / 1e9
		}
		s.metrics.oldest.WithLabelValues(label).Set(oldest)
	}
	return nil
}
