package atlas

import (
	"net/http"
	"sync"
	"time"
)

// skewMemory is how long an observation is believed: clocks drift and are set.
const skewMemory = 5 * time.Minute

// skew bounds how far Atlas's clock is ahead of ours. A Date header has whole seconds
// and was written between sending and receiving, so one answer proves an interval;
// intervals of several answers are intersected.
type skew struct {
	mu   sync.Mutex
	low  time.Duration
	high time.Duration
	seen time.Time // of the oldest observation in the interval; zero: none
}

// observe takes in one answer, with the local times around it.
func (s *skew) observe(h http.Header, sent, received time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return
	}
	low, high := date.Sub(received), date.Add(time.Second).Sub(sent)
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.seen.IsZero() || received.Sub(s.seen) > skewMemory
	if !fresh && max(s.low, low) < min(s.high, high) {
		s.low, s.high = max(s.low, low), min(s.high, high)
		return
	}
	s.low, s.high, s.seen = low, high, received
}

// estimate is the smallest correction that explains what was seen.
func (s *skew) estimate() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.seen.IsZero():
		return 0
	case s.low > 0:
		return s.low
	case s.high < 0:
		return s.high
	}
	return 0
}
