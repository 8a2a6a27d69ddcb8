package slack

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Problem is something that is wrong with Slack or with how it is set up, and stays so until
// somebody does something.
type Problem struct {
	What  string    `json:"what"`            // one of the Wrong… constants
	About string    `json:"about,omitempty"` // which channel, group or principal
	Says  string    `json:"says"`            // what is wrong, and what to do
	Since time.Time `json:"since"`
}

// What can be wrong.
const (
	WrongToken      = "token"      // refused, revoked, expired, of another workspace or app
	WrongScope      = "scope"      // one is missing
	WrongChannel    = "channel"    // unknown, archived, not a member, shared with another workspace
	WrongPrincipals = "principals" // two of them are one person in Slack
	WrongGroup      = "group"      // a user group that is gone, or cannot be read
	WrongClock      = "clock"      // ours and Slack's differ
	WrongBlocks     = "blocks"     // Slack refused how a card is drawn
	WrongSocket     = "socket"     // nobody's clicks reach us
	WrongStore      = "store"      // clicks cannot be kept
)

// manyProblems bounds what is kept; what is more is of the same kind.
const manyProblems = 200

// Health is what is wrong now. Each thing is told once when it begins and once when it is over.
type Health struct {
	logger  *zap.Logger
	metrics *Metrics

	mu      sync.Mutex
	now     map[[2]string]Problem
	in      bool // Slack lets us in
	reached bool // what people click reaches us
}

// NewHealth is a Health with nothing wrong, and not up yet.
func NewHealth(logger *zap.Logger, m *Metrics) *Health {
	return &Health{logger: logger, metrics: m, now: map[[2]string]Problem{}}
}

// Raise tells of a problem, once.
func (h *Health) Raise(what, about, says string) {
	about, says = atMost(about, 100), atMost(hideSecrets(says), 500)
	key := [2]string{what, about}
	h.mu.Lock()
	defer h.mu.Unlock()
	old, known := h.now[key]
	if known && old.Says == says || !known && len(h.now) >= manyProblems {
		return
	}
	if !known {
		old.Since = time.Now().UTC()
		h.metrics.problems.WithLabelValues(what).Inc()
	}
	h.now[key] = Problem{What: what, About: about, Says: says, Since: old.Since}
	h.logger.Error("something is wrong with Slack", zap.String("what", what), zap.String("about", about), zap.String("says", says))
}

// Clear ends a problem, if there is one.
func (h *Health) Clear(what, about string) {
	key := [2]string{what, atMost(about, 100)}
	h.mu.Lock()
	defer h.mu.Unlock()
	p, known := h.now[key]
	if !known {
		return
	}
	delete(h.now, key)
	h.metrics.problems.WithLabelValues(what).Dec()
	h.logger.Info("what was wrong with Slack is over", zap.String("what", what), zap.String("about", p.About), zap.Duration("lasted", time.Since(p.Since)))
}

// keep ends the problems of a kind that are not about any of these.
func (h *Health) keep(what string, about []string) {
	for _, p := range h.Problems() {
		if p.What == what && !slices.Contains(about, p.About) {
			h.Clear(what, p.About)
		}
	}
}

// Problems is what is wrong now, sorted.
func (h *Health) Problems() []Problem {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Problem, 0, len(h.now))
	for _, p := range h.now {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.About, b.About)) })
	return out
}

// Up reports whether Slack lets us in and can reach us.
func (h *Health) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.in && h.reached
}

// letIn takes note of whether Slack lets us in.
func (h *Health) letIn(is bool) { h.turn(func() { h.in = is }) }

// hears takes note of whether what people click reaches us.
func (h *Health) hears(is bool) { h.turn(func() { h.reached = is }) }

func (h *Health) turn(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
	up := 0.0
	if h.in && h.reached {
		up = 1
	}
	h.metrics.up.Set(up)
}
