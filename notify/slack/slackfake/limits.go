package slackfake

import (
	"maps"
	"math"
	"time"
)

// Rate is how often a method may be called: PerMinute sustained, Burst at once.
type Rate struct {
	PerMinute float64
	Burst     int
}

// postsOfWorkspace is the key of the rate of all channels' posts together.
const postsOfWorkspace = "chat.postMessage/workspace"

// DefaultRates are Slack's tiers as documented: tier 2 is 20 a minute, tier 3 is 50,
// tier 4 is 100. Posting is about one a second for each channel with short bursts, and
// limited for the whole workspace; how short and how limited is not documented (a
// guess), nor are bursts of the tiers (a guess: a minute's worth). The documents
// disagree on apps.connections.open; this is the stricter of the two, with a burst for
// the ten sockets that an app may have. The burst of a socket storm is not documented.
func DefaultRates() map[string]Rate {
	tier2, tier3, tier4 := Rate{20, 20}, Rate{50, 50}, Rate{100, 100}
	return map[string]Rate{
		"auth.test":             {300, 100}, // "special"; hundreds a minute
		"apps.connections.open": {1, maxSockets},
		"bots.info":             tier3,
		"users.info":            tier4,
		"users.lookupByEmail":   tier3,
		"usergroups.list":       tier2,
		"usergroups.users.list": tier2,
		"conversations.open":    tier3,
		"conversations.info":    tier3,
		"conversations.list":    tier2,
		"conversations.members": tier4,
		"chat.postMessage":      {60, 3}, // for each channel
		postsOfWorkspace:        {300, 60},
		"chat.postEphemeral":    tier4,
		"chat.update":           tier3,
		"chat.delete":           tier3,
		"chat.getPermalink":     {300, 100}, // "special"
		"views.open":            tier4,
		"views.push":            tier4,
		"views.update":          tier4,
		"views.publish":         tier4,
	}
}

// bucket holds what may still be called now, and refills with time.
type bucket struct {
	rate Rate
	left float64
	at   time.Time
}

func (b *bucket) refill(now time.Time) {
	b.left = min(float64(b.rate.Burst), b.left+now.Sub(b.at).Minutes()*b.rate.PerMinute)
	b.at = now
}

// wait is how long until a call is allowed, in whole seconds as Retry-After has it.
func (b *bucket) wait() time.Duration {
	if b.left >= 1 {
		return 0
	}
	if b.rate.PerMinute <= 0 {
		return time.Hour
	}
	return max(time.Second, time.Duration(math.Ceil((1-b.left)/b.rate.PerMinute*60))*time.Second)
}

// take counts a call against its rates and answers how long to wait if one is used up.
// A refused call costs nothing. The lock is held.
func (s *Slack) take(method string, a args) time.Duration {
	if s.opt.NoLimits {
		return 0
	}
	keys := map[string]string{method: method}
	if method == "chat.postMessage" {
		keys = map[string]string{method + "/" + a.str("channel"): method, postsOfWorkspace: postsOfWorkspace}
	}
	var wait time.Duration
	for key, rate := range keys {
		b := s.bucket(key, rate)
		if b == nil {
			continue
		}
		b.refill(s.now())
		wait = max(wait, b.wait())
	}
	if wait > 0 {
		return wait
	}
	for key := range keys {
		if b := s.limits[key]; b != nil {
			b.left--
		}
	}
	return 0
}

func (s *Slack) bucket(key, rate string) *bucket {
	if b, ok := s.limits[key]; ok {
		return b
	}
	rates := DefaultRates()
	maps.Copy(rates, s.opt.Rates)
	r, limited := rates[rate]
	if !limited {
		return nil
	}
	b := &bucket{rate: r, left: float64(r.Burst), at: s.now()}
	s.limits[key] = b
	return b
}
