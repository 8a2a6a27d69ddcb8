package atlas

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	refillEvery  = time.Minute
	lookAgain    = 5 * time.Second // a waiter looks again: other answers may tell better
	scanEvery    = 5 * time.Second
	longestBlock = 2 * time.Minute
	yieldAfter   = 2 * time.Second                // polling waits no longer: see [Yielding]
	patience     = 2*refillEvery + 30*time.Second // an empty bucket is above half by then, if nobody else draws on it
)

// budget mirrors Atlas's token buckets, one for each endpoint set and scope, from the
// headers of its answers. It only holds buckets that are not full.
type budget struct {
	ratio prometheus.Gauge

	mu      sync.Mutex
	limits  map[string]limit // by set, as /rateLimits tells
	buckets map[string]*bucket
	scanned time.Time
}

// limit is what /rateLimits says of an endpoint set.
type limit struct {
	refill int
	every  time.Duration
}

type bucket struct {
	set      string
	capacity int // 0: not known
	tokens   int
	at       time.Time // when tokens was true
	blocked  time.Time // Atlas asked not to be asked before
}

func newBudget(ratio prometheus.Gauge) *budget {
	return &budget{ratio: ratio, limits: map[string]limit{}, buckets: map[string]*bucket{}}
}

// wait returns when a request may be sent. Others than urgent requests wait while the
// bucket is at half or below, or give up where they yield, or go where they have waited for
// long; urgent ones wait only where Atlas asked for it.
func (b *budget) wait(ctx context.Context, key string, urgent, yielding bool) error {
	began, patient := time.Now(), patientOf(ctx)
	for {
		now := time.Now()
		d := b.delay(key, urgent, now)
		switch {
		case d <= 0:
			return ctx.Err()
		case yielding && !urgent && d > yieldAfter:
			return postponed(d)
		case d > longestBlock:
			return notNow(d)
		case patient != nil && !urgent && now.Add(d).Sub(began) > patience:
			urgent = true // others keep the bucket low: it takes of what is left
			continue
		}
		if patient != nil {
			patient(now.Add(d))
		}
		if err := pause(ctx, min(d, lookAgain)); err != nil {
			return err
		}
	}
}

func postponed(d time.Duration) error {
	f := temporary("put off for "+d.Round(time.Second).String()+": this bucket of Atlas's rate limits is low, and what is left is for more urgent requests", nil)
	f.later = true
	return f
}

func notNow(d time.Duration) error {
	return temporary("Atlas asks for no requests for the next "+d.Round(time.Second).String(), nil)
}

// delay is how long to wait; on zero the request is counted.
func (b *budget) delay(key string, urgent bool, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.buckets[key]
	if !ok {
		return 0
	}
	if d := k.blocked.Sub(now); d > 0 {
		return d
	}
	l := b.limit(k)
	if !urgent && k.capacity > 0 && 2*k.left(l, now) <= k.capacity {
		return k.at.Add(now.Sub(k.at).Truncate(l.every) + l.every).Sub(now)
	}
	k.tokens--
	return 0
}

// limit is what is known of the refill; every documented one is a third of the
// capacity a minute or more.
func (b *budget) limit(k *bucket) limit {
	if l, ok := b.limits[k.set]; ok {
		return l
	}
	return limit{max(1, k.capacity/3), refillEvery}
}

// left counts whole refills only: it is not known where in its minute the bucket is.
func (k *bucket) left(l limit, now time.Time) int {
	return min(k.capacity, k.tokens+int(now.Sub(k.at)/l.every)*l.refill)
}

// learn takes in the headers of an answer.
func (b *budget) learn(key, set string, h http.Header, now time.Time) {
	capacity, err1 := strconv.Atoi(h.Get("RateLimit-Limit"))
	left, err2 := strconv.Atoi(h.Get("RateLimit-Remaining"))
	if err1 != nil || err2 != nil || capacity <= 0 || left < 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.bucket(key, set)
	k.capacity, k.tokens, k.at = capacity, min(left, capacity), now
	b.scan(now)
}

// block keeps all requests of the bucket back for a while.
func (b *budget) block(key, set string, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, now := b.bucket(key, set), time.Now()
	if until := now.Add(d); until.After(k.blocked) {
		k.blocked = until
	}
}

func (b *budget) bucket(key, set string) *bucket {
	k, ok := b.buckets[key]
	if !ok {
		k = &bucket{set: set, at: time.Now()}
		b.buckets[key] = k
	}
	return k
}

func (b *budget) setLimit(set string, l limit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits[set] = l
}

// scan forgets full buckets and shows the emptiest.
func (b *budget) scan(now time.Time) {
	if now.Sub(b.scanned) < scanEvery {
		return
	}
	b.scanned = now
	lowest := 1.0
	for key, k := range b.buckets {
		left := k.left(b.limit(k), now)
		if left >= k.capacity && !k.blocked.After(now) {
			delete(b.buckets, key)
		} else if k.capacity > 0 {
			lowest = min(lowest, max(0, float64(left)/float64(k.capacity)))
		}
	}
	b.ratio.Set(lowest)
}

// pause sleeps, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
