package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	replayWindow = 24 * time.Hour
	replayMost   = 1 << 16
	replaySlack  = 5 * time.Minute
)

// replays remembers which alerts have come. Atlas signs no time of sending, so a
// captured webhook stays signed for ever: an alert is known by its id and by when it was
// last updated, and one that was updated longer ago than we remember is refused, since
// whether it came before can no longer be said. Refusing a late one costs nothing: the
// feed has been polled since.
//
// For the same reason nothing is stored. What was updated before this process started
// (less some slack) is refused, too: every scope is polled at the start.
//
// Memory is bounded: when it is full the older half is forgotten, and with it everything
// that is as old.
type replays struct {
	mu    sync.Mutex
	most  int
	floor time.Time // what was updated by then is refused
	begun bool      // an alert has come
	seen  map[alertKey]struct{}
}

type alertKey struct {
	id      string
	updated time.Time
}

func (a alert) key() alertKey { return alertKey{a.id, a.updated} }

func newReplays(start time.Time) *replays {
	return &replays{most: replayMost, floor: start.Add(-replaySlack), seen: map[alertKey]struct{}{}}
}

// admit reports whether an alert comes for the first time, as far as can be said.
func (r *replays) admit(a alert, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := now.Add(-replaySlack); !r.begun && first.Before(r.floor) {
		r.floor = first // the start was told by a clock that is ahead of Atlas's: nothing had been heard of Atlas yet
	}
	r.begun = true
	r.raise(now.Add(-replayWindow), time.Hour)
	if _, known := r.seen[a.key()]; known || !a.updated.After(r.floor) || !a.updated.After(now.Add(-replayWindow)) {
		return false
	}
	if len(r.seen) >= r.most {
		r.raise(r.middle(), 0)
	}
	if !a.updated.After(r.floor) {
		return false
	}
	r.seen[a.key()] = struct{}{}
	return true
}

// raise forgets what is not above the new floor, if that is higher by a step at least.
func (r *replays) raise(floor time.Time, step time.Duration) {
	if !floor.After(r.floor.Add(step)) {
		return
	}
	r.floor = floor
	maps.DeleteFunc(r.seen, func(k alertKey, _ struct{}) bool { return !k.updated.After(floor) })
}

// middle is the time that half of what is remembered is not above.
func (r *replays) middle() time.Time {
	times := make([]time.Time, 0, len(r.seen))
	for k := range r.seen {
		times = append(times, k.updated)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[len(times)/2]
}

// forget lets an alert come again: nothing was done about it.
func (r *replays) forget(a alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, a.key())
}
