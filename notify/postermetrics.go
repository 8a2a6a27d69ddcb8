package notify

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/internal/access"
)

// CardMetrics counts what people are told and how they decide. A nil one counts nothing. Labels carry
// names of the configuration, and no ids.
type CardMetrics struct {
	cards    *prometheus.CounterVec
	decision prometheus.Histogram
	votes    *prometheus.CounterVec
	perDay   *prometheus.GaugeVec

	mu   sync.Mutex
	day  string
	most map[string]int // cards of the approver of a group who was asked most on that day
}

// NewCardMetrics registers the metrics of cards and decisions.
func NewCardMetrics(reg prometheus.Registerer) *CardMetrics {
	m := &CardMetrics{
		cards: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatewarden_cards_total", Help: "Cards that were posted, by what they tell of, and edits of them."}, []string{"kind"}),
		decision: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatewarden_decision_seconds", Help: "Time from a question to a vote on it. What is below 10 s was hardly read.", Buckets: []float64{2, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600},
		}),
		votes:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gatewarden_votes_total", Help: "Votes that were accepted, by the approver's groups."}, []string{"group", "vote"}),
		perDay: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gatewarden_cards_per_approver", Help: "Cards that the most asked approver of a group was asked by today."}, []string{"group"}),
		most:   map[string]int{},
	}
	reg.MustRegister(m.cards, m.decision, m.votes, m.perDay)
	return m
}

func (m *CardMetrics) posted(c Card) {
	kind := "group"
	switch {
	case c.Total == 0:
		kind = "words"
	case c.Digest != "":
		kind = "digest"
	case c.Total == 1:
		kind = "finding"
	}
	m.count(kind)
}

func (m *CardMetrics) edited() { m.count("edit") }

func (m *CardMetrics) count(kind string) {
	if m != nil {
		m.cards.WithLabelValues(kind).Inc()
	}
}

func (m *CardMetrics) asked(day string, groups []string, cards int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if day != m.day {
		m.day = day
		clear(m.most)
		m.perDay.Reset()
	}
	for _, g := range groups {
		m.most[g] = max(m.most[g], cards)
		m.perDay.WithLabelValues(g).Set(float64(m.most[g]))
	}
}

// Voted counts a vote that was accepted, by somebody in these groups. asked is when the question began
// ([Asked]); zero: not known.
func (m *CardMetrics) Voted(vote access.Vote, groups []string, asked, at time.Time) {
	if m == nil {
		return
	}
	if !asked.IsZero() && !at.Before(asked) {
		m.decision.Observe(at.Sub(asked).Seconds())
	}
	for _, g := range groups {
		m.votes.WithLabelValues(g, string(vote)).Inc()
	}
}

// Asked is when people were asked about an action; zero: they were not.
func Asked(a access.Action) time.Time {
	for _, s := range a.Steps {
		if s.To == access.ActionAwaiting {
			return s.At
		}
	}
	return time.Time{}
}
