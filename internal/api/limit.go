package api

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace is how often something may happen: so many at once, and one more every so often.
type Pace struct {
	Every time.Duration
	Burst int
}

// Limits bound how often is asked. Zero ones are the defaults.
type Limits struct {
	Address Pace // any requests of one client address
	Token   Pace // requests by one token, or one person
	Failure Pace // requests of one client address whose token is not known
}

func (l Limits) orDefault() Limits {
	or := func(p, otherwise Pace) Pace {
		if p == (Pace{}) {
			return otherwise
		}
		return p
	}
	return Limits{
		Address: or(l.Address, Pace{5 * time.Millisecond, 400}),
		Token:   or(l.Token, Pace{50 * time.Millisecond, 100}),
		Failure: or(l.Failure, Pace{6 * time.Second, 10}),
	}
}

// maxBuckets bounds the memory that strangers can take up.
const maxBuckets = 10_000

// limiter keeps a pace for each key.
type limiter struct {
	pace Pace

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	swept   time.Time
}

func newLimiter(p Pace) *limiter { return &limiter{pace: p, buckets: map[string]*rate.Limiter{}} }

// take takes one place of the key: 0, or how long to wait for one.
func (l *limiter) take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, now)
	if b.AllowN(now, 1) {
		return 0
	}
	wait := time.Duration((1 - b.TokensAt(now)) * float64(l.pace.Every))
	return max(wait, time.Millisecond)
}

// bucket is that of the key. When there are too many, those that are full are forgotten, which
// changes nothing; when none is, newcomers share one.
func (l *limiter) bucket(key string, now time.Time) *rate.Limiter {
	if b := l.buckets[key]; b != nil {
		return b
	}
	if len(l.buckets) >= maxBuckets && now.Sub(l.swept) >= time.Second { // it takes a while: no stranger has it done each time
		l.swept = now
		for k, b := range l.buckets {
			if b.TokensAt(now) >= float64(l.pace.Burst) {
				delete(l.buckets, k)
			}
		}
	}
	if len(l.buckets) >= maxBuckets {
		key = ""
		if b := l.buckets[key]; b != nil {
			return b
		}
	}
	b := rate.NewLimiter(rate.Every(l.pace.Every), l.pace.Burst)
	l.buckets[key] = b
	return b
}

// client is the address that a request came from; of IPv6 the network, which one holder has
// whole. What headers say of it anybody can write.
func client(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if a = a.Unmap(); a.Is6() && !a.IsLoopback() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
